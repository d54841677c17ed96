"""From line integrals to pictures that look like films."""

from projection.appearance.detector import Integrals
from projection.appearance.film import Pictures, picture, png
from projection.appearance.presets import DRR, FILM, PAXRAY, PRESETS, Preset

__all__ = ["DRR", "FILM", "PAXRAY", "PRESETS", "Integrals", "Pictures", "Preset", "picture", "png"]
