"""The compiled loops that find the body in a CT and clear what lies around it: ``prepare.table``.

Arrays are ``(z, y, x)``. A *cell* is a block of voxels, a few millimetres wide. Where a kernel takes a range of slices
or cells, it writes nothing outside that range, so that threads can share an array and give the same bytes.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from projection.kernels.columns import Triple

LABELLED = 1
PADDED = 2


@njit(cache=True, nogil=True)
def reduce_cells(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    has_values: bool,
    step: Triple,
    limits: Triple,
    means: NDArray[np.int16],
    flags: NDArray[np.uint8],
    first: int,
    last: int,
) -> None:
    """Mean HU of each cell, cut to (low, high) of ``limits``, and its flags; HU below the third limit is padding.

    ``LABELLED``: a voxel of it has a label (without ``has_values`` none). ``PADDED``: half of it or more is padding.
    """
    nz, ny, nx = hu.shape
    low, high, padding = limits
    _, cells_y, cells_x = means.shape
    for cz in range(first, last):
        for cy in range(cells_y):
            total = np.zeros(cells_x, np.int64)
            padded = np.zeros(cells_x, np.int64)
            z_stop, y_stop = min((cz + 1) * step[0], nz), min((cy + 1) * step[1], ny)
            for z in range(cz * step[0], z_stop):
                for y in range(cy * step[1], y_stop):
                    for cx in range(cells_x):
                        for x in range(cx * step[2], min((cx + 1) * step[2], nx)):
                            here = int(hu[z, y, x])
                            total[cx] += min(max(here, low), high)
                            padded[cx] += here < padding
                            if has_values and values[z, y, x] != 0:
                                flags[cz, cy, cx] |= LABELLED
            for cx in range(cells_x):
                n_voxels = (
                    (z_stop - cz * step[0]) * (y_stop - cy * step[1]) * (min((cx + 1) * step[2], nx) - cx * step[2])
                )
                means[cz, cy, cx] = total[cx] // n_voxels
                if 2 * padded[cx] >= n_voxels:
                    flags[cz, cy, cx] |= PADDED


@njit(cache=True, nogil=True)
def dilate(mask: NDArray[np.uint8], steps: int) -> None:
    """Dilate each slice in place: 8 neighbours and 4 neighbours in turn, which makes an octagon."""
    nz, ny, nx = mask.shape
    before = np.zeros((ny + 2, nx + 2), np.uint8)
    wide = np.zeros((ny + 2, nx + 2), np.uint8)
    for z in range(nz):
        before[1:-1, 1:-1] = mask[z]
        for step in range(steps):
            for y in range(1, ny + 1):
                for x in range(1, nx + 1):
                    wide[y, x] = before[y, x - 1] | before[y, x] | before[y, x + 1]
            rows = wide if step % 2 == 0 else before
            for y in range(1, ny + 1):
                for x in range(1, nx + 1):
                    mask[z, y - 1, x - 1] = rows[y - 1, x] | wide[y, x] | rows[y + 1, x]
            before[1:-1, 1:-1] = mask[z]


@njit(cache=True, nogil=True)
def _root(parents: NDArray[np.int32], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


@njit(cache=True, nogil=True)
def components(mask: NDArray[np.uint8], through_z: bool, labels: NDArray[np.int32]) -> int:
    """Number the connected parts (faces touch) from 1 in order of first voxel; returns how many there are.

    Method: union-find over runs along x (He, Chao, Suzuki, IEEE Trans Image Process 17:749, 2008). Without
    ``through_z`` each slice is numbered on its own. ``labels`` is overwritten.
    """
    nz, ny, nx = mask.shape
    n_runs = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                n_runs += mask[z, y, x] != 0 and (x == 0 or mask[z, y, x - 1] == 0)
    parents = np.arange(n_runs + 1).astype(np.int32)
    run = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x] == 0:
                    labels[z, y, x] = 0
                    continue
                if x == 0 or mask[z, y, x - 1] == 0:
                    run += 1
                labels[z, y, x] = run
                for before in range(2):
                    if before == 0 and y > 0:
                        other = labels[z, y - 1, x]
                    elif before == 1 and through_z and z > 0:
                        other = labels[z - 1, y, x]
                    else:
                        continue
                    if other != 0:
                        a, b = _root(parents, run), _root(parents, other)
                        parents[max(a, b)] = min(a, b)
    numbers = np.zeros(n_runs + 1, np.int32)
    found = 0
    for i in range(1, n_runs + 1):
        if parents[i] == i:
            found += 1
            numbers[i] = found
        else:
            numbers[i] = numbers[_root(parents, i)]
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                labels[z, y, x] = numbers[labels[z, y, x]]
    return found


@njit(cache=True, nogil=True)
def trim(
    hu: NDArray[np.int16],
    values: NDArray[np.uint8],
    has_values: bool,
    states: NDArray[np.uint8],
    step: Triple,
    limits: Triple,
    counts: NDArray[np.int64],
    first: int,
    last: int,
) -> None:
    """Set voxels outside the body to air, in place, for slices first..last. ``limits``: (air, solid, padding) HU.

    Cell states: 0 outside, 1 inside, 2 border, whose solid voxels (above the solid HU, or labelled) stay if a path
    of them in the slice leads inside, 3 thin part, whose solid voxels all stay. The voxels around what stays keep
    their HU: they are partly skin. ``counts[z]`` gets (solid voxels set to air, padding voxels).
    """
    _, ny, nx = hu.shape
    air, solid, padding = limits
    keep = np.zeros((ny + 2, nx + 2), np.uint8)  # 0 not solid, 1 solid, 2 stays; a margin of 0 all around
    border = np.empty((ny * nx, 2), np.int32)
    for z in range(first, last):
        plane = states[z // step[0]]
        n_border = 0
        for y in range(ny):
            for cx in range(plane.shape[1]):
                state = plane[y // step[1], cx]
                for x in range(cx * step[2], min((cx + 1) * step[2], nx)):
                    here = int(hu[z, y, x])
                    counts[z, 1] += here < padding
                    if state == 0:
                        keep[y + 1, x + 1] = 0
                        counts[z, 0] += here > solid
                        hu[z, y, x] = air
                    elif state == 1:
                        keep[y + 1, x + 1] = 2
                        hu[z, y, x] = air if here < padding else here
                    else:
                        stays = (has_values and values[z, y, x] != 0) or (state == 3 and here > solid)
                        keep[y + 1, x + 1] = 2 if stays else here > solid
                        border[n_border, 0], border[n_border, 1] = y + 1, x + 1
                        n_border += 1
        changed = True
        while changed:
            changed = False
            for back in range(2):
                for i in range(n_border):
                    at = n_border - 1 - i if back else i
                    y, x = border[at, 0], border[at, 1]
                    if keep[y, x] == 1 and (
                        keep[y, x - 1] == 2 or keep[y - 1, x] == 2 or keep[y, x + 1] == 2 or keep[y + 1, x] == 2
                    ):
                        keep[y, x] = 2
                        changed = True
        for i in range(n_border):
            y, x = border[i, 0], border[i, 1]
            near = False
            for v in range(y - 1, y + 2):
                for u in range(x - 1, x + 2):
                    near = near or keep[v, u] == 2
            if not near or hu[z, y - 1, x - 1] < padding:
                counts[z, 0] += keep[y, x] != 0
                hu[z, y - 1, x - 1] = air
