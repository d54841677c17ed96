"""The anatomy labels of PAXRay++: their table, and how each is made in 3-D from the structures of a labelmap."""

from projection.anatomy.compose import compose
from projection.anatomy.labels import Anatomy, How, anatomy

__all__ = ["Anatomy", "How", "anatomy", "compose"]
