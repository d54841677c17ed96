"""Columns of a labelmap: where an organ begins in them, and what lies near below a surface.

Arrays are ``(z, y, x)``; z rises to the head.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]


@njit(cache=True, nogil=True)
def pooled(mask: Bools, block: int) -> Bools:
    """Whether anything is set in each ``block`` × ``block`` patch of each slice: ``(z, ceil(y / block), ...)``."""
    nz, ny, nx = mask.shape
    out = np.zeros((nz, (ny + block - 1) // block, (nx + block - 1) // block), np.bool_)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x]:
                    out[z, y // block, x // block] = True
    return out


@njit(cache=True, nogil=True)
def lowest(mask: Bools, keep: Bools, block: int) -> Ints:
    """First slice ``(y, x)`` in which a column of the mask is set, in kept patches (see ``pooled``); -1: in none."""
    nz, ny, nx = mask.shape
    out = np.full((ny, nx), -1, np.int32)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x] and out[y, x] < 0 and keep[z, y // block, x // block]:
                    out[y, x] = z
    return out


@njit(cache=True, nogil=True)
def around(mask: Bools, points: Ints, reach_mm: NDArray[np.float64], spacing_zyx_mm: NDArray[np.float64]) -> Bools:
    """Voxels of a mask within reach of any of the points ``(n, 3)``, each of which has its own reach."""
    nz, ny, nx = mask.shape
    dz_mm, dy_mm, dx_mm = spacing_zyx_mm
    out = np.zeros(mask.shape, np.bool_)
    for i in range(len(points)):
        z, y, x = points[i]
        most = reach_mm[i] * reach_mm[i]
        by_z, by_y, by_x = int(reach_mm[i] / dz_mm), int(reach_mm[i] / dy_mm), int(reach_mm[i] / dx_mm)
        for w in range(max(0, z - by_z), min(nz, z + by_z + 1)):
            for v in range(max(0, y - by_y), min(ny, y + by_y + 1)):
                left = most - ((w - z) * dz_mm) ** 2 - ((v - y) * dy_mm) ** 2
                for u in range(max(0, x - by_x), min(nx, x + by_x + 1)):
                    if ((u - x) * dx_mm) ** 2 <= left and mask[w, v, u]:
                        out[w, v, u] = True
    return out


@njit(cache=True, nogil=True)
def under(
    height_mm: NDArray[np.float64], base: Bools, spacing_y_mm: float, spacing_x_mm: float, thick_mm: float
) -> NDArray[np.float64]:
    """Lower face ``(y, x)`` in mm of all that lies within ``thick_mm`` below a surface: erosion by a ball.

    ``height_mm`` is the surface, where ``base`` is set; elsewhere the answer is 0.
    """
    ny, nx = height_mm.shape
    out = np.zeros((ny, nx))
    reach_y, reach_x = int(thick_mm / spacing_y_mm), int(thick_mm / spacing_x_mm)
    for y in range(ny):
        for x in range(nx):
            if not base[y, x]:
                continue
            lowest_mm = height_mm[y, x] - thick_mm
            for v in range(max(0, y - reach_y), min(ny, y + reach_y + 1)):
                for u in range(max(0, x - reach_x), min(nx, x + reach_x + 1)):
                    across = ((v - y) * spacing_y_mm) ** 2 + ((u - x) * spacing_x_mm) ** 2
                    if base[v, u] and across <= thick_mm * thick_mm:
                        lowest_mm = min(lowest_mm, height_mm[v, u] - np.sqrt(thick_mm * thick_mm - across))
            out[y, x] = lowest_mm
    return out
