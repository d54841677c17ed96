"""Places of a picture that are as crisp as small letters make it, and their layout on sheets.

A radiograph of some thousand pixels a side is too much for a detector of text, and reduced its small letters are lost.
They betray themselves: text has steps from one pixel to the next, in both directions, where anatomy has none.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""``(rows, columns)``."""

SHEET = 1024  # pixels: the side of a sheet, and of the largest picture that a detector sees as it is
MARGIN = 32  # pixels between places on a sheet: less, and the detector misses text at a border
_BLOCK, _TILE, _STEP = 8, 64, 48  # pixels; blocks
_CRISP = 2.5  # times as crisp as around: measured, bench/pixels.py


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of a picture, and how sure it is that text is there, 0 to 1."""

    x: int
    y: int
    width: int
    height: int
    found: float

    def at(self, scale: float, x: int = 0, y: int = 0) -> "Box":
        """The box in a picture of ``scale`` times as many pixels a side, of which this one starts at ``x``, ``y``."""
        left, top = math.floor(self.x * scale), math.floor(self.y * scale)
        right, bottom = math.ceil((self.x + self.width) * scale), math.ceil((self.y + self.height) * scale)
        return Box(x + left, y + top, right - left, bottom - top, self.found)


def crispness(plane: NDArray[Any]) -> NDArray[Any]:
    """The strongest step between neighbours, of rows or of columns, whichever is less, in each block of 8 × 8 pixels.

    ``(rows / 8, columns / 8)``, rounded up. Letters have steps in both directions; the edge of a collimator in one.
    """
    down, across = plane.shape
    rows, columns = (-(-length // _BLOCK) * _BLOCK for length in plane.shape)
    steps = np.zeros((2, rows, columns), plane.dtype)
    steps[0, 1:down, :across] = cv2.absdiff(plane[1:], plane[:-1])
    steps[1, :down, 1:across] = cv2.absdiff(plane[:, 1:], plane[:, :-1])
    flat = steps.reshape(2, rows // _BLOCK, _BLOCK, columns).max(2)
    strongest: NDArray[Any] = np.maximum.reduce([flat[..., column::_BLOCK] for column in range(_BLOCK)]).min(0)
    return strongest


def crisp_places(plane: Plane) -> Iterator[Box]:
    """Places whose blocks are crisper than those around, as many blocks as a short word has at least."""
    steps = crispness(plane)
    usual = np.maximum(cv2.blur(steps, (15, 15)), np.median(steps))
    hot = (steps > _CRISP * usual).astype(np.uint8)
    near = cv2.dilate(hot, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near)
    rows, columns = plane.shape
    for label in range(1, count):
        x, y, width, height, _ = (int(value) for value in stats[label])
        own = hot[y : y + height, x : x + width] * (labels[y : y + height, x : x + width] == label)
        for top in range(0, height, _STEP):
            for left in range(0, width, _STEP):
                if own[top : top + _TILE, left : left + _TILE].sum() >= 3:
                    x0, y0 = (x + left) * _BLOCK, (y + top) * _BLOCK
                    wide, high = (min(_TILE, length) * _BLOCK for length in (width - left, height - top))
                    yield Box(x0, y0, min(wide, columns - x0), min(high, rows - y0), 0)


def sheets(places: list[Box]) -> Iterator[list[tuple[Box, tuple[int, int]]]]:
    """The places, each with where it lies on its sheet: in rows, the highest first."""
    sheet: list[tuple[Box, tuple[int, int]]] = []
    x = y = high = 0
    for place in sorted(places, key=lambda place: (-place.height, place.y, place.x)):
        if x + place.width > SHEET:
            x, y, high = 0, y + high + MARGIN, 0
        if y + place.height > SHEET:
            yield sheet
            sheet, x, y, high = [], 0, 0, 0
        sheet.append((place, (x, y)))
        x, high = x + place.width + MARGIN, max(high, place.height)
    if sheet:
        yield sheet
