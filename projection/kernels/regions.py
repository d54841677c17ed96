"""Measures of many masks from their runs: pieces, border, coverage, centre. No mask is ever made dense.

Pixels are numbered down the columns, as in COCO run lengths. Runs become stretches of one column each; stretches of
neighbouring columns that touch, corners included, are joined by union-find (Tarjan, J ACM 22:215, 1975) with halved
paths and the smaller number as root.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
AREA, PIECES, LARGEST, SECOND, BORDER, COVERED, SUM_X, SUM_Y_TWICE, LEFT, TOP, RIGHT, BOTTOM = range(12)
"""The columns of ``measure``'s answer, in pixels; the last four are the box, first and one past the last pixel."""


@njit(cache=True, nogil=True)
def _stretches(start: Ints, stop: Ints, rows: int, column: Ints, top: Ints, bottom: Ints) -> int:
    """Cut runs at the ends of the columns; without room (``column`` is empty) they are only counted."""
    n = 0
    for run in range(len(start)):
        at = start[run]
        while at < stop[run]:
            x = at // rows
            end = min(stop[run], (x + 1) * rows)
            if len(column):
                column[n], top[n], bottom[n] = x, at - x * rows, end - x * rows
            n += 1
            at = end
    return n


@njit(cache=True, nogil=True)
def _root(parent: Ints, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def _join(column: Ints, top: Ints, bottom: Ints, parent: Ints) -> None:
    """Join each stretch with those of the column before that it touches, one walk down both columns."""
    before = 0
    for i in range(len(column)):
        parent[i] = i
        while before < i and (
            column[before] < column[i] - 1 or (column[before] == column[i] - 1 and bottom[before] < top[i])
        ):
            before += 1
        j = before
        while j < i and column[j] == column[i] - 1 and top[j] <= bottom[i]:
            one, other = _root(parent, i), _root(parent, j)
            parent[max(one, other)] = min(one, other)
            j += 1


@njit(cache=True, nogil=True)
def _sizes(column: Ints, top: Ints, bottom: Ints, parent: Ints, least_px: int, found: Ints) -> None:
    """Pieces of at least ``least_px``, and the largest whatever its size: their number, two largest areas, box."""
    n = len(column)
    size = np.zeros(n, np.int64)
    for i in range(n):
        size[_root(parent, i)] += bottom[i] - top[i]
    main = int(np.argmax(size))
    found[LARGEST] = size[main]
    for i in range(n):
        if i != main:
            found[SECOND] = max(found[SECOND], size[i])
        if i == main or size[i] >= least_px:
            found[PIECES] += 1
    found[LEFT], found[TOP] = column[n - 1], bottom.max()
    for i in range(n):
        piece = _root(parent, i)
        if piece == main or size[piece] >= least_px:
            found[LEFT], found[RIGHT] = min(found[LEFT], column[i]), max(found[RIGHT], column[i] + 1)
            found[TOP], found[BOTTOM] = min(found[TOP], top[i]), max(found[BOTTOM], bottom[i])


@njit(cache=True, nogil=True)
def _sums(column: Ints, top: Ints, bottom: Ints, rows: int, columns: int, found: Ints) -> None:
    for i in range(len(column)):
        n = bottom[i] - top[i]
        found[AREA] += n
        found[SUM_X] += n * column[i]
        found[SUM_Y_TWICE] += n * (top[i] + bottom[i] - 1)
        if column[i] == 0 or column[i] == columns - 1:
            found[BORDER] += n
        elif top[i] == 0 and bottom[i] == rows and rows > 1:
            found[BORDER] += 2
        elif top[i] == 0 or bottom[i] == rows:
            found[BORDER] += 1


@njit(cache=True, nogil=True)
def _common(start: Ints, stop: Ints, other_start: Ints, other_stop: Ints) -> int:
    """Pixels in both of two lists of runs, each in order."""
    total = 0
    j = np.searchsorted(other_stop, start[0], side="right")
    for i in range(len(start)):
        while j < len(other_stop) and other_stop[j] <= start[i]:
            j += 1
        k = j
        while k < len(other_start) and other_start[k] < stop[i]:
            total += min(stop[i], other_stop[k]) - max(start[i], other_start[k])
            k += 1
    return total


@njit(cache=True, nogil=True)
def measure(
    start: Ints,
    stop: Ints,
    edges: Ints,
    covered_start: Ints,
    covered_stop: Ints,
    rows: int,
    columns: int,
    least_px: int,
) -> Ints:
    """Measures ``(masks, 12)`` of masks whose runs are ``edges[i]`` to ``edges[i + 1]``; all zero without a run.

    ``covered_start`` and ``covered_stop`` are the runs of the mask that COVERED counts the common pixels with.
    """
    found = np.zeros((len(edges) - 1, 12), np.int64)
    none = np.empty(0, np.int64)
    for mask in range(len(edges) - 1):
        first, last = edges[mask], edges[mask + 1]
        if first == last:
            continue
        begin, end = start[first:last], stop[first:last]
        n = _stretches(begin, end, rows, none, none, none)
        column, top, bottom = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
        _stretches(begin, end, rows, column, top, bottom)
        parent = np.empty(n, np.int64)
        _join(column, top, bottom, parent)
        _sizes(column, top, bottom, parent, least_px, found[mask])
        _sums(column, top, bottom, rows, columns, found[mask])
        found[mask, COVERED] = _common(begin, end, covered_start, covered_stop)
    return found
