"""From −ln I to grey: a window on the body, bands of structures weighed, a film's curve.

Large structures are pressed together so that lung and mediastinum are both readable, and fine ones raised, as the
multi-scale processing of digital radiography does (Vuylsteke & Schoeters, Proc SPIE 2167:551, 1994). Means are taken
over the body alone: no halo along the skin.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from projection.appearance.detector import PER_UNIT, TOP, Bools, Steps, Weights, blurred
from projection.appearance.presets import Tone
from projection.kernels import film as kernels

Picture = NDArray[np.uint8]
BODY = round(0.35 * PER_UNIT)
"""Body from 16 mm of water on; less is air, cloth and the edge of the table."""
_FULL = 4095
"""Grey levels while working: 12 bits, as detectors have."""
_COVERED = 64
"""Weight of a covered pixel over one that is not."""
_OFFSET = 32768
"""Of weighed bands in a histogram: they can be negative."""


@dataclass(frozen=True)
class Window:
    """What one picture settles for itself and its partners."""

    low: int
    high: int
    """Steps that become black and white before the bands are weighed."""
    middle: int
    """Mean grey of the body, around which large structures are pressed together."""
    mixed_low: int
    mixed_high: int
    """The same of the weighed bands."""


def body_of(steps: Steps, coverage: Bools | None) -> Weights:
    """Weight of each pixel in means and in the window: 0 for air, little where the ray leaves the CT through its ends.

    So the covered body's means hold up to its edge, and what lies outside has its own.
    """
    body = (steps >= BODY).astype(np.uint8)
    if coverage is not None:
        body[coverage] *= _COVERED
    return body


def settled(steps: Steps, body: Weights, tone: Tone) -> Window:
    """The window of a picture, from the pixels with the most weight in its ``body``; from all if it is empty."""
    inside = body == body.max()
    low, high = _percentiles(steps, inside, tone, 0)
    if tone.low_permille is None:
        low, high = 0, max(high, 1)
    grey = kernels.window(steps, low, high, _FULL)
    middle = int(grey[inside].sum(dtype=np.int64)) // int(inside.sum())
    if _is_plain(tone):
        return Window(low, high, middle, -middle, _FULL - middle)
    mixed = _mixed(grey, body, middle, tone)
    return Window(low, high, middle, *_percentiles(mixed, inside, tone, _OFFSET))


def toned(steps: Steps, body: Weights, window: Window, tone: Tone) -> Picture:
    """The picture: MONOCHROME2, air black, bone bright."""
    grey = kernels.window(steps, window.low, window.high, _FULL)
    mixed = grey - np.int32(window.middle) if _is_plain(tone) else _mixed(grey, body, window.middle, tone)
    skin = (round(tone.skin[0] * PER_UNIT), round(tone.skin[1] * PER_UNIT))
    made: Picture = kernels.curve(mixed, steps, _curve(tone.film_curve), window.mixed_low, window.mixed_high, skin)
    return made


def _is_plain(tone: Tone) -> bool:
    return len(set(tone.weights)) == 1


def _mixed(grey: Steps, body: Weights, middle: int, tone: Tone) -> Steps:
    large, small = (blurred(grey, body, grey.shape[1] * reach) for reach in tone.reaches)
    made: Steps = kernels.mix(grey, large, small, middle, tone.weights)
    return made


def _percentiles(values: Steps, inside: Bools, tone: Tone, offset: int) -> tuple[int, int]:
    counts = np.zeros(TOP + 1, np.int64)
    kernels.histogram(values, inside, offset, counts)
    total = np.cumsum(counts)
    low, high = (
        int(np.searchsorted(total, max(1, int(total[-1]) * permille // 1000)))
        for permille in (tone.low_permille or 0, tone.high_permille)
    )
    return low - offset, max(high, low + 1) - offset


@cache
def _curve(film: bool) -> Picture:
    """From 12 to 8 bits: straight, or a film's with a soft toe and shoulder.

    A third each of a smoothstep, a parabola, which keeps the lungs dark, and a line, which keeps them readable.
    """
    x = np.arange(_FULL + 1, dtype=np.int64)
    if not film:
        return ((x * 255 + _FULL // 2) // _FULL).astype(np.uint8)
    smooth = (3 * _FULL - 2 * x) * x * x // (_FULL * _FULL)
    return ((smooth + x * x // _FULL + x) * 255 // (3 * _FULL)).astype(np.uint8)
