"""A labelmap and its CT seen along two axes at once, at the size of its voxels: one pass through memory."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_BLOCK = 128
"""Voxels that are compared at once: nearly everywhere they are as their neighbours."""


@njit(cache=True, nogil=True)
def sweep(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    table: Words,
    from_behind: NDArray[np.int32],
    from_side: NDArray[np.int32],
    behind_labels: Words,
    side_labels: Words,
    first: int,
    last: int,
) -> None:
    """Sum ``max(HU + 1000, 0)`` and join label sets along y and along x, for slices first..last of ``(z, y, x)``.

    ``table`` (values, words) has a value's labels as bits. ``from_behind`` (z, x) and ``from_side`` (z, y) take the
    sums, ``behind_labels`` and ``side_labels`` (with words) the labels met. A voxel whose neighbour before it on the
    ray has its value adds no label, so labels are looked up at borders only.
    """
    _, ny, nx = hu.shape
    air = np.int16(-1000)
    for z in range(first, last):
        total = from_behind[z]
        total[:] = 1000 * ny
        behind_labels[z], side_labels[z] = 0, 0
        before = values[z, 0]
        for y in range(ny):
            row, named = hu[z, y], values[z, y]
            for x in range(nx):
                total[x] += max(row[x], air)
            across = np.int32(1000 * nx)
            for x in range(nx):
                across += max(row[x], air)
            from_side[z, y] = across
            _join(table[named[0]], side_labels[z, y])
            if y == 0:
                for x in range(nx):
                    _join(table[named[x]], behind_labels[z, x])
            for begin in range(0, nx, _BLOCK):
                end = min(begin + _BLOCK, nx)
                if _differ(named[begin:end], before[begin:end]):
                    for x in range(begin, end):
                        if named[x] != before[x]:
                            _join(table[named[x]], behind_labels[z, x])
                start = max(begin, 1)
                if _differ(named[start:end], named[start - 1 : end - 1]):
                    for x in range(start, end):
                        if named[x] != named[x - 1]:
                            _join(table[named[x]], side_labels[z, y])
            before = named


@njit(cache=True, nogil=True)
def _join(labels: Words, met: Words) -> None:
    for word in range(len(met)):
        met[word] |= labels[word]


@njit(cache=True, nogil=True)
def _differ(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    found = np.uint8(0)
    for j in range(len(one)):
        found |= one[j] ^ other[j]
    return bool(found != 0)


@njit(cache=True, nogil=True)
def pixel_runs(labels: Words) -> NDArray[np.int64]:
    """Runs (label, first pixel, one past the last) of a picture ``(z, columns, words)``; its rows go down from z's end.

    Pixels are numbered down the columns, as COCO does; each label's runs come in order.
    """
    n_rows, n_columns, n_words = labels.shape
    opened = np.zeros(64 * n_words, np.int64)
    found = np.empty((1024, 3), np.int64)
    n_found = 0
    before, nothing = np.zeros(n_words, np.uint64), np.uint64(0)
    for pixel in range(n_rows * n_columns + 1):
        column, row = pixel // n_rows, pixel % n_rows
        for word in range(n_words):
            now = labels[n_rows - 1 - row, column, word] if pixel < n_rows * n_columns else nothing
            changed = now ^ before[word]
            if changed == nothing:
                continue
            for bit in range(64):
                if (changed >> np.uint64(bit)) & np.uint64(1) == nothing:
                    continue
                label = 64 * word + bit
                if (now >> np.uint64(bit)) & np.uint64(1) != nothing:
                    opened[label] = pixel
                    continue
                if n_found == len(found):
                    longer = np.empty((2 * n_found, 3), np.int64)
                    longer[:n_found] = found
                    found = longer
                found[n_found, 0], found[n_found, 1], found[n_found, 2] = label, opened[label], pixel
                n_found += 1
            before[word] = now
    return found[:n_found]
