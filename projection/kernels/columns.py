"""A volume as columns along the axis *a* that the rays mainly follow: running sums, and runs of classes.

Volumes are flat, with steps along (c, b, a), so that no order of axes needs a transpose. Every loop's innermost index
follows memory. All functions release the GIL and work on planes first..last of *c*, so that threads are made outside.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Triple = tuple[int, int, int]
_ROWS = 32
"""Columns that are summed together: a cache line of HU."""
_BLOCK = 64
"""Elements that are compared at once: where two rows are equal, as nearly everywhere, nothing else is done."""


@njit(cache=True, nogil=True)
def running_sums(
    hu: NDArray[np.int16],
    step: Triple,
    shape: Triple,
    tissue: NDArray[np.uint8],
    wanted: int,
    zero_hu: int,
    sums: NDArray[np.int32],
    first: int,
    last: int,
) -> None:
    """Fill ``sums[c, b, i]`` with ``max(HU - zero_hu, 0)`` summed over the first ``i`` voxels, for c in first..last.

    With ``wanted`` other than 0, only voxels whose ``tissue`` it is count; otherwise ``tissue`` is not looked at.
    """
    _, nb, na = shape
    zero, nothing = np.int32(zero_hu), np.int32(0)
    total = np.zeros(_ROWS, np.int32)
    for c in range(first, last):
        if step[1] != 1:
            for b in range(nb):
                here = c * step[0] + b * step[1]
                sums[c, b, 0] = nothing
                for a in range(na):
                    voxel = here + a * step[2]
                    counts = wanted == 0 or tissue[voxel] == wanted
                    more = max(np.int32(hu[voxel]) - zero, nothing) if counts else nothing
                    sums[c, b, a + 1] = sums[c, b, a] + more
            continue
        for begin in range(0, nb, _ROWS):  # several columns at once, as the next voxel is the next column's
            n = min(_ROWS, nb - begin)
            total[:] = nothing
            sums[c, begin : begin + n, 0] = nothing
            for a in range(na):
                here = c * step[0] + begin + a * step[2]
                row = hu[here : here + n]  # as slices, so that the loops become vector instructions
                if wanted == 0:
                    for b in range(n):
                        total[b] += max(np.int32(row[b]) - zero, nothing)
                else:
                    kind = tissue[here : here + n]
                    for b in range(n):
                        total[b] += max(np.int32(row[b]) - zero, nothing) if kind[b] == wanted else nothing
                for b in range(n):
                    sums[c, begin + b, a + 1] = total[b]


@njit(cache=True, nogil=True)
def _differ(one: NDArray[np.uint16], other: NDArray[np.uint16]) -> bool:
    found = one[0] ^ other[0]
    for j in range(1, len(one)):
        found |= one[j] ^ other[j]
    return bool(found != 0)


@njit(cache=True, nogil=True)
def label_runs(
    values: NDArray[np.uint16],
    step: Triple,
    shape: Triple,
    classes: NDArray[np.int16],
    cursor: NDArray[np.int64],
    runs: NDArray[np.int16],
    fill: bool,
    first: int,
    last: int,
) -> None:
    """Find each column's runs of one class (class 0 has none), for c in first..last.

    ``cursor[c * nb + b]`` rises by the number of runs. With ``fill``, it is where the column's runs begin in ``runs``,
    which takes (first voxel, one past the last, class); without, the runs are only counted.
    """
    _, nb, na = shape
    by_column = step[2] < step[1]
    first_outer, n_outer, first_inner, n_inner = (0, nb, 1, na) if by_column else (1, na, 0, nb)
    outer, inner = (1, 2) if by_column else (2, 1)
    for c in range(first, last):
        for b in range(nb):
            cls = classes[values[c * step[0] + b * step[1]]]
            if fill and cls != 0:
                runs[cursor[c * nb + b], 0], runs[cursor[c * nb + b], 2] = 0, cls
        for i in range(first_outer, n_outer):
            row = c * step[0] + i * step[outer]
            for block in range(first_inner, n_inner, _BLOCK):
                end = min(block + _BLOCK, n_inner)
                here, before_here = row + block, row + block - step[2]
                n = end - block
                if step[inner] == 1 and not _differ(values[here : here + n], values[before_here : before_here + n]):
                    continue
                for j in range(block, end):
                    here = row + j * step[inner]
                    if values[here] == values[here - step[2]]:
                        continue
                    cls, before = classes[values[here]], classes[values[here - step[2]]]
                    if cls == before:
                        continue
                    b, a = (i, j) if by_column else (j, i)
                    column = c * nb + b
                    if before != 0:
                        if fill:
                            runs[cursor[column], 1] = a
                        cursor[column] += 1
                    if fill and cls != 0:
                        runs[cursor[column], 0], runs[cursor[column], 2] = a, cls
        for b in range(nb):
            if classes[values[c * step[0] + b * step[1] + (na - 1) * step[2]]] != 0:
                if fill:
                    runs[cursor[c * nb + b], 1] = na
                cursor[c * nb + b] += 1
