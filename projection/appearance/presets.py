"""How a picture is made, as data: the beam, what the detector adds, the tones."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from projection.appearance.spectrum import Beam


@dataclass(frozen=True)
class Detector:
    """What stands between the beam behind the patient and the numbers of the detector."""

    scatter: float = 0.0
    """Scatter made per quantum and unit of -ln I that gets through the grid."""
    scatter_reach: float = 0.06
    """Sigma of its spread over the picture's width: some 26 mm of 430."""
    quanta: float = 0.0
    """Detected in a pixel of the open beam if 1024 pixels fill the width; 0 for no noise."""
    electronic: float = 0.0
    """Electronic noise of a pixel, in quanta."""


@dataclass(frozen=True)
class Tone:
    """From −ln I to grey."""

    low_permille: int | None
    """Where the body's window begins; None for the open beam."""
    high_permille: int
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of structures above, between and below the two reaches; equal ones leave the picture as it is."""
    reaches: tuple[float, float] = (1 / 16, 1 / 130)
    """Sigmas of the two running means over the picture's width: an interspace and its ribs, a vessel."""
    film_curve: bool = False
    """A film's S-shaped curve; else straight."""
    skin: tuple[float, float] = (0.0, 0.001)
    """−ln I over which the open beam's black fades into the picture."""


@dataclass(frozen=True)
class Preset:
    """A way to make pictures; its name stands in the row of each picture made with it."""

    name: str
    beam: Beam
    detector: Detector
    tone: Tone


FILM = Preset(
    name="film",
    beam=Beam(peak_kv=120.0),
    # Behind a grid, scatter is some 0.15 of the primary in the lungs and 0.6 where the patient is thick, the order that
    # Niklason et al. measured (Med Phys 8:677, 1981). At 2.5 µGy some 15000 quanta are detected in a pixel of 0.42 mm
    # behind the lungs (IEC 62220-1: 3e4 quanta/mm²/µGy).
    detector=Detector(scatter=0.09, quanta=126000.0, electronic=5.0),
    tone=Tone(12, 998, weights=(0.4, 1.6, 2.4), film_curve=True, skin=(0.12, 0.5)),
)
"""A digital chest film as a clinic shows it."""

PAXRAY = Preset(
    name="paxray",
    beam=Beam(mono_kev=60.9),
    detector=Detector(),
    tone=Tone(5, 998, weights=(0.7, 1.2, 1.2), skin=(0.0, 0.3)),
)
"""Noise-free and even, between a plain projection and a film, as published sets of projected chests show theirs."""

DRR = Preset(name="drr", beam=Beam(mono_kev=60.9), detector=Detector(), tone=Tone(None, 1000))
"""−ln I and nothing else, straight from the open beam to the thickest ray."""

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in (FILM, PAXRAY, DRR)})
