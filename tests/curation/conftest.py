"""What several files of tests read and none changes."""

from tests.releases import built
from tests.tables import varied

__all__ = ["built", "varied"]
