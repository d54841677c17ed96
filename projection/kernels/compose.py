"""The compiled inner loops that give voxels a value per set of labels: numba and numpy only, plain arguments."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def renumber(values: NDArray[np.uint8], numbers: NDArray[np.uint16], made: NDArray[np.uint16]) -> None:
    """Fill ``made`` with ``numbers[values]``; both flat."""
    for i in range(values.size):
        made[i] = numbers[values[i]]


@njit(cache=True, nogil=True)
def add_part(
    values: NDArray[np.uint16],
    start: tuple[int, int, int],
    mask: NDArray[np.bool_],
    following: NDArray[np.int32],
    free: int,
) -> int:
    """Move each voxel of a mask's box from its value v to ``following[v]``; returns the next free value.

    ``following`` (65536) is -1 where a value has not been met: such a value gets the next free one, in the order in
    which the voxels are met. From 65536 on nothing is written, but counted on.
    """
    for z in range(mask.shape[0]):
        for y in range(mask.shape[1]):
            for x in range(mask.shape[2]):
                if mask[z, y, x]:
                    old = values[start[0] + z, start[1] + y, start[2] + x]
                    if following[old] < 0:
                        following[old] = free
                        free += 1
                    if following[old] < 65536:
                        values[start[0] + z, start[1] + y, start[2] + x] = following[old]
    return free
