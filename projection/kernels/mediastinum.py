"""The space between the lungs, slice by slice, and its parting around the heart.

Arrays are ``(z, y, x)``; z rises to the head, y to the back, x to the patient's left. A plane is four numbers: what a
voxel's z, y and x count, and a constant; their sum is positive above the plane.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Kinds = NDArray[np.uint8]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SOFT, RIGHT, LEFT, ORGAN, MIDDLE, POSTERIOR, HEART, STERNUM, SPINE, BARRED = range(10)
"""What a voxel is: nothing known, a lung, an organ of the mediastinum (which in its lower part belongs to the middle,
to the back, or is the heart), bone that bounds it in front and behind, and what else never belongs to it."""
NOWHERE, UPPER, IN_FRONT, AT_HEART, BEHIND = range(5)
_NONE = np.iinfo(np.int64).max


@njit(cache=True, nogil=True)
def kinds(values: Kinds, kind_of: Kinds, block: int) -> tuple[Kinds, Bools, Bools]:
    """The kind of each voxel; and whether the right and the left lung reach each ``block`` × ``block`` patch."""
    nz, ny, nx = values.shape
    kind = np.empty((nz, ny, nx), np.uint8)
    patches = (nz, (ny + block - 1) // block, (nx + block - 1) // block)
    right, left = np.zeros(patches, np.bool_), np.zeros(patches, np.bool_)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                k = kind_of[values[z, y, x]]
                kind[z, y, x] = k
                if k == RIGHT:
                    right[z, y // block, x // block] = True
                elif k == LEFT:
                    left[z, y // block, x // block] = True
    return kind, right, left


@njit(cache=True, nogil=True)
def bar_discs(kind: Kinds, most: int) -> None:
    """Bar the soft tissue between two vertebral voxels of a column at most ``most`` slices apart: a disc."""
    nz, ny, nx = kind.shape
    below = np.full((ny, nx), -most - 1, np.int64)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if kind[z, y, x] != SPINE:
                    continue
                if 1 < z - below[y, x] <= most:
                    for between_z in range(below[y, x] + 1, z):
                        if kind[between_z, y, x] == SOFT:
                            kind[between_z, y, x] = BARRED
                below[y, x] = z


@njit(cache=True, nogil=True)
def _hull(at: Ints, sign: int, chain: Floats) -> None:
    """Convex hull of the points ``(i, at[i])``: the chain of the lowest ``sign * at``; ``_NONE`` is no point.

    ``chain`` gets it at every i; outside the first and last point it is infinite.
    """
    corner = np.empty(len(at), np.int64)
    n = 0
    for i in range(len(at)):
        chain[i] = np.inf
        if at[i] == _NONE:
            continue
        while n >= 2:
            b, a = corner[n - 1], corner[n - 2]
            if (at[b] - at[a]) * sign * (i - a) < (at[i] - at[a]) * sign * (b - a):
                break
            n -= 1
        corner[n] = i
        n += 1
    for k in range(n):
        a = corner[k]
        chain[a] = at[a]
        if k + 1 < n:
            b = corner[k + 1]
            for i in range(a + 1, b):
                chain[i] = at[a] + (at[b] - at[a]) * (i - a) / (b - a)


@njit(cache=True, nogil=True)
def _rows(
    kind: Kinds,
    of_right: Bools,
    of_left: Bools,
    block: int,
    right: Ints,
    left: Ints,
    first: Ints,
    last: Ints,
    front: Ints,
) -> None:
    """Of one slice: by row, the inner borders of the lungs and the ends of lungs, organs and back of the sternum."""
    ny, nx = kind.shape
    right[:], left[:], first[:], last[:], front[:] = -1, nx, _NONE, _NONE, -1
    for y in range(ny):
        for x in range(nx):
            k = kind[y, x]
            if k == SOFT or k >= SPINE:
                continue
            if k == STERNUM:
                front[x] = y
                continue
            if k == RIGHT:
                if not of_right[y // block, x // block]:
                    continue
                right[y] = x
            elif k == LEFT:
                if not of_left[y // block, x // block]:
                    continue
                if left[y] == nx:
                    left[y] = x
            if first[y] == _NONE:
                first[y] = x
            last[y] = x
    for x in range(nx):
        y = front[x]
        if y >= 0:
            first[y] = min(first[y], x)
            last[y] = x if last[y] == _NONE else max(last[y], x)


@njit(cache=True, nogil=True)
def _close_front(right: Ints, left: Ints, reach: int, width: int) -> None:
    """What lies in front of a lung's front edge, ``reach`` rows deep, is chest wall: rows end where the edge does."""
    ny = len(right)
    of_right, of_left = 0, 0
    while of_right < ny and right[of_right] < 0:
        of_right += 1
    while of_left < ny and left[of_left] == width:
        of_left += 1
    for y in range(min(of_right + reach, ny) - 2, -1, -1):
        right[y] = max(right[y], right[y + 1])
    for y in range(min(of_left + reach, ny) - 2, -1, -1):
        left[y] = min(left[y], left[y + 1])


@njit(cache=True, nogil=True)
def between(
    kind: Kinds,
    of_right: Bools,
    of_left: Bools,
    block: int,
    reach: int,
    back: Ints,
    floor: Floats,
    inlet: Floats,
) -> Bools:
    """The space between the lungs: soft tissue and organs, above the floor and below the inlet.

    In each row of a slice it reaches from one lung to the other, and where a lung is missing, to the convex hull of
    lungs, organs and back of the sternum; never in front of the sternum. ``back`` is each slice's last row (-1: none),
    ``floor`` the first slice of each column; patches of ``of_right`` and ``of_left`` say what counts as lung. Organs
    are taken without regard to the lungs and the last row, the heart always.
    """
    nz, ny, nx = kind.shape
    out = np.zeros(kind.shape, np.bool_)
    right, left, first, last = (
        np.empty(ny, np.int64),
        np.empty(ny, np.int64),
        np.empty(ny, np.int64),
        np.empty(ny, np.int64),
    )
    front = np.empty(nx, np.int64)
    low, high = np.empty(ny), np.empty(ny)
    for z in range(nz):
        _rows(kind[z], of_right[z], of_left[z], block, right, left, first, last, front)
        _hull(first, 1, low)
        _hull(last, -1, high)
        _close_front(right, left, reach, nx)
        for y in range(ny):
            start, stop = nx, nx
            if y <= back[z] and low[y] != np.inf:
                start = max(right[y] + 1, int(np.ceil(low[y])))
                stop = min(left[y], int(np.floor(high[y])) + 1)
            for x in range(nx):
                k = kind[z, y, x]
                if k == HEART:
                    out[z, y, x] = True
                elif ORGAN <= k <= POSTERIOR or (k == SOFT and start <= x < stop and y >= front[x]):
                    out[z, y, x] = z >= floor[y, x] and inlet[0] * z + inlet[1] * y + inlet[2] * x + inlet[3] <= 0
    return out


@njit(cache=True, nogil=True)
def ends(mask: Bools) -> tuple[Ints, Ints]:
    """First and last column ``(z, y)`` of each row of the mask; of an empty row, one past the last and -1."""
    nz, ny, nx = mask.shape
    first, last = np.full((nz, ny), nx, np.int64), np.full((nz, ny), -1, np.int64)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x]:
                    first[z, y] = min(first[z, y], x)
                    last[z, y] = x
    return first, last


@njit(cache=True, nogil=True)
def trim(kind: Kinds, mask: Bools, first: Ints, last: Ints) -> None:
    """Take soft tissue beyond the columns ``(z, y)`` that begin and end a row out of the mask."""
    nz, ny, nx = mask.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x] and kind[z, y, x] == SOFT and not first[z, y] <= x <= last[z, y]:
                    mask[z, y, x] = False


@njit(cache=True, nogil=True)
def drop(kind: Kinds, mask: Bools, keep: Bools, block: int) -> None:
    """Take soft tissue that lies in no kept patch out of the mask."""
    nz, ny, nx = mask.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x] and kind[z, y, x] == SOFT and not keep[z, y // block, x // block]:
                    mask[z, y, x] = False


@njit(cache=True, nogil=True)
def faces(kind: Kinds, mask: Bools, inwards: int) -> tuple[Floats, Floats]:
    """Front and back ``(z, x)`` of the convex hull of the heart and its neighbours in each slice; inf without any.

    Beyond the ends of a hull, its faces go on as they are ``inwards`` columns within.
    """
    nz, ny, nx = kind.shape
    first, last = np.empty(nx, np.int64), np.empty(nx, np.int64)
    front, rear = np.full((nz, nx), np.inf), np.full((nz, nx), np.inf)
    for z in range(nz):
        first[:], last[:] = _NONE, _NONE
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x] and (kind[z, y, x] == MIDDLE or kind[z, y, x] == HEART):
                    first[x] = min(first[x], y)
                    last[x] = y
        if first.min() < _NONE:
            _hull(first, 1, front[z])
            _hull(last, -1, rear[z])
            _reach_out(front[z], rear[z], inwards)
    return front, rear


@njit(cache=True, nogil=True)
def compartments(kind: Kinds, mask: Bools, plane: Floats, front: Floats, rear: Floats, beside: Bools) -> Kinds:
    """``UPPER`` above the plane; below it by the faces ``(z, x)`` in front of and behind the middle.

    ``beside`` are the columns ``(z, x)`` too far from the spine for the back part. The heart is never ``UPPER``.
    """
    nz, ny, nx = kind.shape
    out = np.zeros(kind.shape, np.uint8)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if mask[z, y, x]:
                    k = kind[z, y, x]
                    above = plane[0] * z + plane[1] * y + plane[2] * x + plane[3] > 0
                    behind = y > rear[z, x] and not beside[z, x]
                    out[z, y, x] = _part(k, above, y < front[z, x], behind)
    return out


@njit(cache=True, nogil=True)
def _part(kind: int, above: bool, in_front: bool, behind: bool) -> int:
    if kind != HEART and above:
        return UPPER
    if kind in (HEART, MIDDLE):
        return AT_HEART
    if kind == POSTERIOR or behind:
        return BEHIND
    return IN_FRONT if in_front and kind != ORGAN else AT_HEART


@njit(cache=True, nogil=True)
def _reach_out(front: Floats, rear: Floats, inwards: int) -> None:
    """Prolong the faces of a hull beyond its ends, straight along x."""
    known = np.flatnonzero(front != np.inf)
    a, b = known[0], known[-1]
    inwards = min(inwards, (b - a) // 2)
    front[:a], rear[:a] = front[a + inwards], rear[a + inwards]
    front[b + 1 :], rear[b + 1 :] = front[b - inwards], rear[b - inwards]
