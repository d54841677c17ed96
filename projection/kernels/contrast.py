"""The compiled loops that find iodine in a CT and take it out: ``prepare.contrast``.

Arrays are ``(z, y, x)``. Where a kernel takes a range of slices, it writes nothing outside that range, so that
threads can share an array and give the same bytes.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

OPEN, CLOSED, BONE = -1, -2, -3
"""In place of a native HU: may hold enhanced blood without a label, may not, is bone."""


@njit(cache=True, nogil=True)
def above_native(
    hu: NDArray[np.int16], values: NDArray[np.uint8], native: NDArray[np.int16], margin: int, counts: NDArray[np.int64]
) -> None:
    """Per voxel value with a native HU (not negative): ``counts[value]`` = voxels, voxels above native + margin."""
    nz, ny, nx = hu.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                value = values[z, y, x]
                if native[value] >= 0:
                    counts[value, 0] += 1
                    counts[value, 1] += hu[z, y, x] > native[value] + margin


@njit(cache=True, nogil=True)
def _near_bone(values: NDArray[np.uint8], native: NDArray[np.int16], z: int, y: int, x: int) -> bool:
    nz, ny, nx = values.shape
    for w in range(max(z - 1, 0), min(z + 2, nz)):
        for v in range(max(y - 1, 0), min(y + 2, ny)):
            for u in range(max(x - 1, 0), min(x + 2, nx)):
                if native[values[w, v, u]] == BONE:
                    return True
    return False


@njit(cache=True, nogil=True)
def _touches(values: NDArray[np.uint8], native: NDArray[np.int16], z: int, y: int, x: int) -> bool:
    """Whether a face of the voxel touches a structure with a native HU."""
    nz, ny, nx = values.shape
    return (
        (z > 0 and native[values[z - 1, y, x]] >= 0)
        or (z < nz - 1 and native[values[z + 1, y, x]] >= 0)
        or (y > 0 and native[values[z, y - 1, x]] >= 0)
        or (y < ny - 1 and native[values[z, y + 1, x]] >= 0)
        or (x > 0 and native[values[z, y, x - 1]] >= 0)
        or (x < nx - 1 and native[values[z, y, x + 1]] >= 0)
    )


@njit(cache=True, nogil=True)
def enhanced_outside(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    native: NDArray[np.int16],
    halo_hu: int,
    vessel_hu: int,
    outside: NDArray[np.uint8],
) -> None:
    """Mark the enhanced voxels around enhanced structures: what hangs together with them through open voxels.

    ``native`` by voxel value: HU without contrast of an enhanced structure, else ``OPEN``, ``CLOSED`` or ``BONE``. An
    open voxel above ``halo_hu`` that touches a structure with a face counts, and from there on every open voxel above
    ``vessel_hu``. Voxels that touch bone never count. A flood fill, whose result does not depend on its order.
    """
    nz, ny, nx = hu.shape
    n_stack = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if native[values[z, y, x]] != OPEN or hu[z, y, x] <= halo_hu:
                    continue
                if _touches(values, native, z, y, x) and not _near_bone(values, native, z, y, x):
                    outside[z, y, x] = 1
                    n_stack += 1
    stack = np.empty((2 * n_stack + 8, 3), np.int32)
    n_stack = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if outside[z, y, x] != 0 and hu[z, y, x] > vessel_hu:
                    stack[n_stack, 0], stack[n_stack, 1], stack[n_stack, 2] = z, y, x
                    n_stack += 1
    while n_stack > 0:
        n_stack -= 1
        az, ay, ax = stack[n_stack, 0], stack[n_stack, 1], stack[n_stack, 2]
        if n_stack + 6 > stack.shape[0]:
            larger = np.empty((2 * stack.shape[0], 3), np.int32)
            larger[:n_stack] = stack[:n_stack]
            stack = larger
        for way in range(6):
            w, v, u = az + (way == 1) - (way == 0), ay + (way == 3) - (way == 2), ax + (way == 5) - (way == 4)
            if not (0 <= w < nz and 0 <= v < ny and 0 <= u < nx):
                continue
            if native[values[w, v, u]] != OPEN or outside[w, v, u] != 0 or hu[w, v, u] <= vessel_hu:
                continue
            if not _near_bone(values, native, w, v, u):
                outside[w, v, u] = 1
                stack[n_stack, 0], stack[n_stack, 1], stack[n_stack, 2] = w, v, u
                n_stack += 1


@njit(cache=True, nogil=True)
def lower_contrast(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    native: NDArray[np.int16],
    outside: NDArray[np.uint8],
    limits: tuple[int, int, int, int],
    first: int,
    last: int,
) -> None:
    """Bring enhanced voxels to their native HU plus their noise, in place, for slices first..last.

    The noise is the HU less the mean of those enhanced voxels within ``radius`` in the slice that differ by ``noise``
    at most (a sigma filter: no mean runs over an edge); voxels whose mean is within ``margin`` of native stay.
    ``limits``: (HU of ``outside``, margin, noise, radius).
    """
    _, ny, nx = hu.shape
    outside_hu, margin, noise, radius = limits
    target = np.empty((ny, nx), np.int16)
    before = np.empty((ny, nx), np.int16)
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                before[y, x] = hu[z, y, x]
                target[y, x] = outside_hu if outside[z, y, x] != 0 else native[values[z, y, x]]
        for y in range(ny):
            for x in range(nx):
                to = target[y, x]
                if to < 0:
                    continue
                total, n_near = 0, 0
                for v in range(max(y - radius, 0), min(y + radius + 1, ny)):
                    for u in range(max(x - radius, 0), min(x + radius + 1, nx)):
                        if target[v, u] >= 0 and abs(int(before[v, u]) - int(before[y, x])) <= noise:
                            total += before[v, u]
                            n_near += 1
                mean = total // n_near
                if mean > to + margin:
                    hu[z, y, x] = to + before[y, x] - mean
