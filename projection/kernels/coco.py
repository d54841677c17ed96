"""Masks as COCO strings, all labels at once: the format is described in ``curation.rle``."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_LONGEST = 7
"""Symbols of five bits for a count of less than 2^34 pixels, with its sign."""


@njit(cache=True, nogil=True)
def _write(value: int, text: NDArray[np.uint8], at: int) -> int:
    while True:
        symbol = value & 0x1F
        value >>= 5
        more = value != -1 if symbol & 0x10 else value != 0
        text[at] = symbol + (0x20 if more else 0) + 48
        at += 1
        if not more:
            return at


@njit(cache=True, nogil=True)
def strings(
    runs: Ints, n_labels: int, n_rows: int, n_pixels: int
) -> tuple[NDArray[np.uint8], Ints, Ints, NDArray[np.int64]]:
    """Strings of masks given as runs (label, first pixel, one past the last), sorted by label and pixel.

    Runs that touch are joined. Pixels are numbered down columns of ``n_rows``. Returns all strings in one, where each
    label's ends, each label's area, and its box (x, y, width, height), all 0 for a label without runs.
    """
    text = np.empty((2 * len(runs) + n_labels) * _LONGEST, np.uint8)
    ends, areas, boxes = np.zeros(n_labels, np.int64), np.zeros(n_labels, np.int64), np.zeros((n_labels, 4), np.int64)
    at, run = 0, 0
    for label in range(n_labels):
        before, before_that, n_counts, pixel = 0, 0, 0, 0
        top, bottom, left, right = n_rows, -1, -1, -1
        while run < len(runs) and runs[run, 0] == label:
            start, stop = runs[run, 1], runs[run, 2]
            run += 1
            while run < len(runs) and runs[run, 0] == label and runs[run, 1] == stop:
                stop = runs[run, 2]
                run += 1
            for count in (start - pixel, stop - start):
                at = _write(count - (before_that if n_counts > 2 else 0), text, at)
                before_that, before = before, count
                n_counts += 1
            pixel = stop
            areas[label] += stop - start
            first, last = start // n_rows, (stop - 1) // n_rows
            left, right = (first if left < 0 else left), last
            top = min(top, start % n_rows if first == last else 0)
            bottom = max(bottom, (stop - 1) % n_rows if first == last else n_rows - 1)
        if left >= 0 and pixel < n_pixels:
            at = _write(n_pixels - pixel - (before_that if n_counts > 2 else 0), text, at)
        if left >= 0:
            boxes[label, 0], boxes[label, 1] = left, top
            boxes[label, 2], boxes[label, 3] = right - left + 1, bottom - top + 1
        ends[label] = at
    return text[:at], ends, areas, boxes
