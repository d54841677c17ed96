"""Rays of any pose: Siddon's exact path, column by column.

Method: Siddon's exact path through a grid (Siddon, Med Phys 12:252, 1985), made cheap along one axis. The volume is
seen as columns along the axis *a* that the rays mainly follow; *b* and *c* are the other two. Each column keeps running
sums of its attenuation and the runs of its labelmap. A ray leaves a column only where it crosses a *b* or *c* plane, so
the integral over all the voxels between is two reads of the running sums, and the labels are one or two clipped runs.

Coordinates are voxel edges: voxel ``i`` fills ``[i, i + 1)``. Volumes are flat, with steps along (c, b, a), so that no
axis order needs a transpose. Nothing here uses fastmath: the same operations in the same order give the same bytes on
any x86-64 processor. All functions release the GIL and work on a range, so that the threads are made outside.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from projection.kernels.columns import Triple
from projection.kernels.marks import close, finish, mark

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FAR = 1e300
"""Where a ray that runs along a plane crosses it."""


@njit(cache=True, nogil=True)
def clip(origin: float, slope: float, size: int, low: float, high: float) -> tuple[float, float]:
    """The part of ``low..high`` in which ``origin + slope * t`` lies in ``[0, size)``."""
    if slope == 0.0:
        return (low, high) if 0.0 <= origin < size else (0.0, 0.0)
    enter, leave = -origin / slope, (size - origin) / slope
    if enter > leave:
        enter, leave = leave, enter
    return max(low, enter), min(high, leave)


@njit(cache=True, nogil=True)
def aim(beam: Floats, u: float, v: float, spacing: Floats, ray: Floats) -> float:
    """Set ``ray`` to the one that meets pixel (column ``u``, row ``v``); returns its mm per step along *a*.

    Rows of ``beam``, in (a, b, c): source of pixel (0, 0), its change per column and per row, then the same of the
    detector. In a cone the source does not change.
    """
    sa = beam[0, 0] + u * beam[1, 0] + v * beam[2, 0]
    sb = beam[0, 1] + u * beam[1, 1] + v * beam[2, 1]
    sc = beam[0, 2] + u * beam[1, 2] + v * beam[2, 2]
    da = beam[3, 0] + u * beam[4, 0] + v * beam[5, 0]
    db = beam[3, 1] + u * beam[4, 1] + v * beam[5, 1]
    dc = beam[3, 2] + u * beam[4, 2] + v * beam[5, 2]
    ray[1], ray[3] = (db - sb) / (da - sa), (dc - sc) / (da - sa)
    ray[0], ray[2] = db - ray[1] * da, dc - ray[3] * da
    ray[4], ray[5] = min(sa, da), max(sa, da)
    mm: float = np.sqrt(spacing[0] ** 2 + (ray[1] * spacing[1]) ** 2 + (ray[3] * spacing[2]) ** 2)
    return mm


@njit(cache=True, nogil=True)
def _enter(ray: Floats, shape: Triple, path: Floats) -> bool:
    """Clip a ray to the volume; ``path``: where it enters and leaves along *a*. False if it misses."""
    t, end = clip(ray[0], ray[1], shape[1], max(ray[4], 0.0), min(ray[5], float(shape[2])))
    path[0], path[1] = clip(ray[2], ray[3], shape[0], t, end)
    return bool(path[1] > path[0])


@njit(cache=True, nogil=True)
def _next(t: float, end: float, ray: Floats, cell: Ints, shape: Triple) -> tuple[float, int]:
    """Where the ray leaves the column ``cell`` (b, c), and through a plane of what: 0 for b, 1 for c, 2 if it ends."""
    up_b, up_c = (1 if ray[1] > 0.0 else 0), (1 if ray[3] > 0.0 else 0)
    at_b = (cell[0] + up_b - ray[0]) / ray[1] if ray[1] != 0.0 else FAR
    at_c = (cell[1] + up_c - ray[2]) / ray[3] if ray[3] != 0.0 else FAR
    stop = max(min(at_b, at_c, end), t)
    if stop >= end:
        return stop, 2
    axis = 0 if at_b <= at_c else 1
    beyond = cell[axis] + (2 * up_b - 1 if axis == 0 else 2 * up_c - 1)
    return stop, (axis if 0 <= beyond < shape[1 - axis] else 2)


@njit(cache=True, nogil=True)
def _begin(t: float, ray: Floats, cell: Ints, shape: Triple) -> None:
    for axis in range(2):
        at = int(np.floor(ray[2 * axis] + ray[2 * axis + 1] * t))
        cell[axis] = min(max(at, 0), shape[1 - axis] - 1)


@njit(cache=True, nogil=True)
def integrals(
    beam: Floats,
    spacing: Floats,
    sums: NDArray[np.int32],
    image: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """As ``sheets.integrals``, for any pose."""
    shape = (sums.shape[0], sums.shape[1], sums.shape[2] - 1)
    top = shape[2] - 1
    ray, path, cell = np.zeros(6), np.zeros(2), np.zeros(2, np.int64)
    for u in range(first, last):
        for v in range(image.shape[1]):
            mm = aim(beam, u, v, spacing, ray)
            image[u, v] = np.float32(0.0)
            if not _enter(ray, shape, path):
                continue
            t, total = path[0], 0.0
            _begin(t, ray, cell, shape)
            while True:
                stop, axis = _next(t, path[1], ray, cell, shape)
                column = sums[cell[1], cell[0]]
                i, k = min(int(t), top), min(int(stop), top)
                total += column[k] + (stop - k) * (column[k + 1] - column[k])
                total -= column[i] + (t - i) * (column[i + 1] - column[i])
                if axis == 2:
                    break
                cell[axis] += 1 if ray[2 * axis + 1] > 0.0 else -1
                t = stop
            image[u, v] = total * mm


@njit(cache=True, nogil=True)
def _lengths(
    ray: Floats,
    shape: Triple,
    starts: Ints,
    runs: NDArray[np.int16],
    path: Floats,
    cell: Ints,
    length: Floats,
    touched: Ints,
) -> int:
    """Add each class's length along a ray to ``length``; lists the classes in ``touched`` and returns their number."""
    n_touched = 0
    if not _enter(ray, shape, path):
        return n_touched
    t = path[0]
    _begin(t, ray, cell, shape)
    while True:
        stop, axis = _next(t, path[1], ray, cell, shape)
        run, last = starts[cell[1] * shape[1] + cell[0]], starts[cell[1] * shape[1] + cell[0] + 1]
        while run < last and runs[run, 1] <= t:
            run += 1
        while run < last and runs[run, 0] < stop:
            cls = runs[run, 2]
            more = min(float(runs[run, 1]), stop) - max(float(runs[run, 0]), t)
            if more > 0.0:
                if length[cls] == 0.0:
                    touched[n_touched] = cls
                    n_touched += 1
                length[cls] += more
            run += 1
        if axis == 2:
            return n_touched
        cell[axis] += 1 if ray[2 * axis + 1] > 0.0 else -1
        t = stop


@njit(cache=True, nogil=True)
def footprints(
    beam: Floats,
    spacing: Floats,
    shape: Triple,
    starts: Ints,
    runs: NDArray[np.int16],
    member_starts: Ints,
    members: NDArray[np.int16],
    n_labels: int,
    shortest_mm: float,
    n_rows: int,
    thickness_mm: Floats,
    first: int,
    last: int,
) -> Ints:
    """As ``sheets.footprints``, for any pose."""
    n_classes = len(member_starts) - 1
    ray, path, cell = np.zeros(6), np.zeros(2), np.zeros(2, np.int64)
    length, touched = np.zeros(n_classes), np.zeros(n_classes, np.int64)
    last_seen, active = np.full(n_classes, -1, np.int64), np.zeros(n_classes, np.int64)
    n_open, thin, span = np.zeros(n_labels, np.int64), np.zeros(n_labels), np.zeros((n_labels, 2), np.int64)
    found: Ints = np.empty((1024, 3), np.int64)
    n_found, n_active = 0, 0
    for u in range(first, last):
        for v in range(n_rows):
            mm = aim(beam, u, v, spacing, ray)
            n_touched = _lengths(ray, shape, starts, runs, path, cell, length, touched)
            if n_touched == 0 and n_active == 0:
                continue
            found, n_found, n_active = mark(
                u * n_rows + v, mm, shortest_mm, length, touched, n_touched, member_starts, members, thickness_mm,
                last_seen, active, n_active, n_open, thin, span, found, n_found,
            )  # fmt: skip
        n_active = close((u + 1) * n_rows, member_starts, members, last_seen, active, n_active, n_open, span)
    return finish(span, found, n_found)


@njit(cache=True, nogil=True)
def thicknesses(
    beam: Floats,
    spacing: Floats,
    shape: Triple,
    starts: Ints,
    runs: NDArray[np.int16],
    member_starts: Ints,
    members: NDArray[np.int16],
    thickness_mm: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """As ``sheets.thicknesses``, for any pose."""
    n_classes = len(member_starts) - 1
    ray, path, cell = np.zeros(6), np.zeros(2), np.zeros(2, np.int64)
    length, touched = np.zeros(n_classes), np.zeros(n_classes, np.int64)
    for u in range(first, last):
        for v in range(thickness_mm.shape[2]):
            mm = aim(beam, u, v, spacing, ray)
            n_touched = _lengths(ray, shape, starts, runs, path, cell, length, touched)
            for i in range(n_touched):
                cls = touched[i]
                for member in range(member_starts[cls], member_starts[cls + 1]):
                    thickness_mm[members[member], u, v] += np.float32(length[cls] * mm)
                length[cls] = 0.0


@njit(cache=True, nogil=True)
def coverage(
    beam: Floats, spacing: Floats, shape: Triple, end_axis: int, covered: NDArray[np.bool_], first: int, last: int
) -> None:
    """Whether the volume holds all that a ray passes: ``covered`` (columns, rows), columns first..last.

    A ray is not covered if it leaves through an end of the volume: through the faces of ``end_axis`` (0 for b, 1 for
    c). One that misses the volume sideways is not either, as nothing is known of what it meets.
    """
    other = 1 - end_axis
    ray = np.zeros(6)
    for u in range(first, last):
        for v in range(covered.shape[1]):
            aim(beam, u, v, spacing, ray)
            t, end = clip(
                ray[2 * other], ray[2 * other + 1], shape[1 - other], max(ray[4], 0.0), min(ray[5], float(shape[2]))
            )
            low = ray[2 * end_axis] + ray[2 * end_axis + 1] * t
            high = ray[2 * end_axis] + ray[2 * end_axis + 1] * end
            size = float(shape[1 - end_axis])
            covered[u, v] = end > t and min(low, high) >= 0.0 and max(low, high) <= size
