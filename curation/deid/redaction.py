"""Takes a line of text out of a frame: how far it reaches, and what stands there afterwards."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

_FURTHEST = 20  # heights of a line: how far it is followed to either side
_GAP = 1.0  # heights of a line (as found, near twice that of its capitals): a wider gap ends it
_LIKE_INK = 0.12, 0.35  # of the contrast, least and most: thin strokes of small letters do not reach full ink
_ASIDE = 0.1  # of the contrast: where the ground is nearly like ink, the text still is to its side of it
_WIDER = 0.15  # of the height: letters fade out over their neighbours
_RING = 4  # pixels around a box: its background


def line_of(plane: NDArray[Any], box: Box) -> Box:
    """The whole line of which ``box`` was found, with a little around it.

    What was found ends where a rib or an edge crosses the text. The rest has the same ink, that is the same value, and
    stands out to the same side of its surroundings; so it is followed as far as gaps of a letter or two allow.
    ``plane`` is ``(rows, columns)`` of the frame as it is shown.
    """
    x, y, width, height = box
    if height > width:
        y, x, height, width = line_of(plane.T, (y, x, height, width))
        return x, y, width, height
    rows, columns = plane.shape
    left, right = max(0, x - _FURTHEST * height), min(columns, x + width + _FURTHEST * height)
    band = plane[y : y + height, left:right].astype(np.float32)
    inked: NDArray[np.bool_] = np.any(_inked(band, slice(x - left, x - left + width)), axis=0)
    start = x - _reach(inked[: x - left][::-1], height)
    end = x + width + _reach(inked[x - left + width :], height)
    more = max(2, round(_WIDER * height))
    start, top = max(0, start - more), max(0, y - more)
    return start, top, min(columns, end + more) - start, min(rows, y + height + more) - top


def _inked(band: NDArray[np.float32], known: slice) -> NDArray[np.bool_]:
    """Which pixels of a band have the ink of the text that stands in its columns ``known``."""
    rest = band - np.median(band, axis=0)
    part, value = rest[:, known], band[:, known]
    strong = np.abs(part) >= np.percentile(np.abs(part), 90)
    side = np.sign(part[strong].sum()) or 1.0
    core = strong & (side * part > 0)
    contrast, ink = np.median(side * part[core]), np.median(value[core])
    spread = np.clip(4 * np.median(np.abs(value[core] - ink)), _LIKE_INK[0] * contrast, _LIKE_INK[1] * contrast)
    near: NDArray[np.bool_] = (np.abs(band - ink) <= spread) & (side * rest > _ASIDE * contrast)
    return near


def _reach(inked: NDArray[np.bool_], height: int) -> int:
    """How many columns the text goes on for, of columns in their order away from it."""
    gap = max(3, round(_GAP * height))
    at = 0
    for column in np.flatnonzero(inked):
        if column - at > gap:
            break
        at = int(column) + 1
    return at


def blank(frame: NDArray[Any], box: Box, typical: bool = False) -> None:
    """Give all pixels of a box one stored value each sample: the median of what stands around it.

    ``frame`` is ``(rows, columns[, samples])`` and writable. ``typical``: the most frequent value instead, where
    values are names of colours.
    """
    x, y, width, height = box
    top, left = max(0, y - _RING), max(0, x - _RING)
    around = frame[top : y + height + _RING, left : x + width + _RING]
    ring = np.ones(around.shape[:2], np.bool_)
    ring[y - top : y - top + height, x - left : x - left + width] = False
    values = around[ring] if ring.any() else around.reshape(-1, *around.shape[2:])
    if typical:
        found, counts = np.unique(values, return_counts=True)
        frame[y : y + height, x : x + width] = found[counts.argmax()]
    else:
        middle = len(values) // 2
        frame[y : y + height, x : x + width] = np.partition(values, middle, axis=0)[middle]
