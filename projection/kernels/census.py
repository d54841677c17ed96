"""Counting a labelmap: one pass over its rows, run by run."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def census(values: NDArray[Any], counts: NDArray[np.int64], sums: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    """Count the voxels of each value of ``values`` (z, y, x), C order.

    Adds per value to ``counts`` (n,) and ``sums`` (n, 3): of the indices z, y, x, the last one doubled; widens ``ends``
    (n, 3, 2): lowest and highest index. Value 0 is left out.
    """
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            row = values[z, y]
            x = 0
            while x < row.size:
                value = row[x]
                first = x
                x += 1
                while x < row.size and row[x] == value:
                    x += 1
                if value != 0:
                    n = x - first
                    counts[value] += n
                    sums[value, 0] += n * z
                    sums[value, 1] += n * y
                    sums[value, 2] += n * (first + x - 1)
                    ends[value, 0, 0] = min(ends[value, 0, 0], z)
                    ends[value, 0, 1] = max(ends[value, 0, 1], z)
                    ends[value, 1, 0] = min(ends[value, 1, 0], y)
                    ends[value, 1, 1] = max(ends[value, 1, 1], y)
                    ends[value, 2, 0] = min(ends[value, 2, 0], first)
                    ends[value, 2, 1] = max(ends[value, 2, 1], x - 1)
