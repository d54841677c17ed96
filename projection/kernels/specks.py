"""Pieces of one value in a labelmap, by union-find over runs of voxels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _root(parent: Ints, run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@njit(cache=True, nogil=True)
def _meet(parent: Ints, runs: Ints, first: int, here: int) -> None:
    """Join two runs of neighbouring rows if they have one value and touch, corners included."""
    touching = runs[first, 0] <= runs[here, 1] and runs[here, 0] <= runs[first, 1]
    if touching and runs[first, 2] == runs[here, 2]:
        one, other = _root(parent, first), _root(parent, here)
        parent[max(one, other)] = min(one, other)


@njit(cache=True, nogil=True)
def _join(parent: Ints, runs: Ints, first: int, last: int, here: int, end: int) -> None:
    """Join the runs first..last of one row with those here..end of another."""
    while first < last and here < end:
        _meet(parent, runs, first, here)
        if runs[first, 1] < runs[here, 1]:
            first += 1
            continue
        if runs[first, 1] == runs[here, 1] and first + 1 < last:
            _meet(parent, runs, first + 1, here)  # at a corner, where both end
        here += 1


@njit(cache=True, nogil=True)
def pieces(values: NDArray[np.uint8]) -> tuple[Ints, Ints, Ints]:
    """Runs of equal values other than 0 along x in ``values`` (z, y, x), and the 26-connected piece that each is of.

    Returns the runs (x of the first voxel, one past the last, value), where each row's begin (rows + 1), and each run's
    piece, which is the number of its first run.
    """
    nz, ny, nx = values.shape
    n = 0
    starts = np.zeros(nz * ny + 1, np.int64)
    runs = np.empty((4096, 3), np.int64)
    for row in range(nz * ny):
        line = values[row // ny, row % ny]
        x = 0
        while x < nx:
            value, first = line[x], x
            x += 1
            while x < nx and line[x] == value:
                x += 1
            if value == 0:
                continue
            if n == len(runs):
                longer = np.empty((2 * n, 3), np.int64)
                longer[:n] = runs
                runs = longer
            runs[n, 0], runs[n, 1], runs[n, 2] = first, x, value
            n += 1
        starts[row + 1] = n
    parent = np.arange(n)
    for row in range(nz * ny):
        z, y = row // ny, row % ny
        for dz, dy in ((0, -1), (-1, -1), (-1, 0), (-1, 1)):
            if z + dz >= 0 and 0 <= y + dy < ny:
                other = row + dz * ny + dy
                _join(parent, runs, starts[other], starts[other + 1], starts[row], starts[row + 1])
    for run in range(n):
        parent[run] = _root(parent, run)
    return runs[:n], starts, parent


@njit(cache=True, nogil=True)
def erase(values: NDArray[np.uint8], runs: Ints, starts: Ints, small: NDArray[np.bool_]) -> None:
    """Set the runs that are ``small`` to 0."""
    ny = values.shape[1]
    for row in range(len(starts) - 1):
        for run in range(starts[row], starts[row + 1]):
            if small[run]:
                values[row // ny, row % ny, runs[run, 0] : runs[run, 1]] = 0
