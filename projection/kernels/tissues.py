"""The compiled loop that sorts voxels into tissues: ``prepare.tissues``. Arrays are ``(z, y, x)``."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def materials(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    classes: NDArray[np.uint8],
    bone_hu: int,
    out: NDArray[np.uint8],
    first: int,
    last: int,
) -> None:
    """Fill ``out`` with 0 other, 1 bone, 2 lung, for slices first..last.

    ``classes`` by voxel value: 0 unlabelled, 1 bone, 2 lung, 3 bone where above ``bone_hu``, 4 never bone. An
    unlabelled voxel above ``bone_hu`` whose face touches a voxel of bone is bone too.
    """
    nz, ny, nx = hu.shape
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                cls = classes[values[z, y, x]]
                if 0 < cls < 3:
                    out[z, y, x] = cls
                    continue
                out[z, y, x] = 0
                if hu[z, y, x] <= bone_hu or cls == 4:
                    continue
                if cls == 3:
                    out[z, y, x] = 1
                    continue
                for way in range(6):
                    w, v, u = z, y, x
                    if way < 2:
                        w += 2 * way - 1
                    elif way < 4:
                        v += 2 * way - 5
                    else:
                        u += 2 * way - 9
                    if 0 <= w < nz and 0 <= v < ny and 0 <= u < nx:
                        other = classes[values[w, v, u]]
                        if other == 1 or (other == 3 and hu[w, v, u] > bone_hu):
                            out[z, y, x] = 1
