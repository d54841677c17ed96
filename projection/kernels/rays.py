"""The compiled inner loops: numba and numpy only, plain arguments, no checks. ``raycast`` is the public layer.

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

Triple = tuple[int, int, int]
Floats = NDArray[np.float64]
FAR = 1e300
"""Where a ray that runs along a plane crosses it."""


@njit(cache=True, nogil=True)
def running_sums(
    hu: NDArray[np.int16],
    step: Triple,
    shape: Triple,
    sums: NDArray[np.int32],
    sums_step: Triple,
    first: int,
    last: int,
) -> None:
    """Fill ``sums[c, b, i]`` with ``max(HU + 1000, 0)`` summed over the first ``i`` voxels, for c in first..last."""
    _, nb, na = shape
    by_column = step[2] < step[1]  # the inner loop follows memory
    n_outer, n_inner = (nb, na) if by_column else (na, nb)
    outer, inner = (1, 2) if by_column else (2, 1)
    for c in range(first, last):
        for b in range(nb):
            sums[c * sums_step[0] + b * sums_step[1]] = 0
        for i in range(n_outer):
            source = c * step[0] + i * step[outer]
            target = c * sums_step[0] + i * sums_step[outer]
            for j in range(n_inner):
                water = max(np.int32(hu[source + j * step[inner]]) + np.int32(1000), np.int32(0))
                here = target + j * sums_step[inner]
                sums[here + sums_step[2]] = sums[here] + water


@njit(cache=True, nogil=True)
def label_runs(
    values: NDArray[np.uint8],
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
    n_outer, n_inner = (nb, na - 1) if by_column else (na - 1, nb)
    for c in range(first, last):
        for b in range(nb):
            cls = classes[values[c * step[0] + b * step[1]]]
            if fill and cls != 0:
                runs[cursor[c * nb + b], 0], runs[cursor[c * nb + b], 2] = 0, cls
        for i in range(n_outer):
            for j in range(n_inner):
                b, a = (i, j + 1) if by_column else (j, i + 1)
                here = c * step[0] + b * step[1] + a * step[2]
                if values[here] == values[here - step[2]]:
                    continue
                cls, before = classes[values[here]], classes[values[here - step[2]]]
                if cls == before:
                    continue
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


@njit(cache=True, nogil=True)
def _clip(origin: float, slope: float, size: int, low: float, high: float) -> tuple[float, float]:
    """The part of ``low..high`` in which ``origin + slope * t`` lies in ``[0, size)``."""
    if slope == 0.0:
        return (low, high) if 0.0 <= origin < size else (0.0, 0.0)
    enter, leave = -origin / slope, (size - origin) / slope
    if enter > leave:
        enter, leave = leave, enter
    return max(low, enter), min(high, leave)


@njit(cache=True, nogil=True)
def _trace(
    ray: Floats,
    shape: Triple,
    sums: NDArray[np.int32],
    sums_step: Triple,
    starts: NDArray[np.int64],
    runs: NDArray[np.int16],
    length: Floats,
    touched: NDArray[np.int64],
) -> tuple[float, int]:
    """Follow one ray; both results are per step along *a*, the caller knows how many mm that is.

    ``ray`` is (b at a = 0, slope, c at a = 0, slope, first a, last a). Adds to ``length[class]``, and lists in
    ``touched`` the classes that were met. Returns the integral of the running sums, and the number of classes met.
    """
    nc, nb, na = shape
    b0, mb, c0, mc = ray[0], ray[1], ray[2], ray[3]
    total, n_touched = 0.0, 0
    t, end = _clip(b0, mb, nb, max(ray[4], 0.0), min(ray[5], float(na)))
    t, end = _clip(c0, mc, nc, t, end)
    if end <= t:
        return total, n_touched
    b = min(max(int(np.floor(b0 + mb * t)), 0), nb - 1)
    c = min(max(int(np.floor(c0 + mc * t)), 0), nc - 1)
    up_b, up_c = (1 if mb > 0.0 else 0), (1 if mc > 0.0 else 0)
    per_b = 1.0 / mb if mb != 0.0 else 0.0
    per_c = 1.0 / mc if mc != 0.0 else 0.0
    next_b = (b + up_b - b0) * per_b if mb != 0.0 else FAR
    next_c = (c + up_c - c0) * per_c if mc != 0.0 else FAR
    while True:
        stop = min(next_b, next_c, end)
        if stop > t:
            column = c * sums_step[0] + b * sums_step[1]
            i = min(int(t), na - 1)
            here = column + i * sums_step[2]
            total -= sums[here] + (t - i) * (sums[here + sums_step[2]] - sums[here])
            i = min(int(stop), na - 1)
            here = column + i * sums_step[2]
            total += sums[here] + (stop - i) * (sums[here + sums_step[2]] - sums[here])
            run, last = starts[c * nb + b], starts[c * nb + b + 1]
            while run < last and runs[run, 1] <= t:
                run += 1
            while run < last and runs[run, 0] < stop:
                cls = runs[run, 2]
                if length[cls] == 0.0:
                    touched[n_touched] = cls
                    n_touched += 1
                length[cls] += min(float(runs[run, 1]), stop) - max(float(runs[run, 0]), t)
                run += 1
            t = stop
        if stop >= end:
            return total, n_touched
        if next_b <= next_c:
            b += 2 * up_b - 1
            if b < 0 or b >= nb:
                return total, n_touched
            next_b = (b + up_b - b0) * per_b
        else:
            c += 2 * up_c - 1
            if c < 0 or c >= nc:
                return total, n_touched
            next_c = (c + up_c - c0) * per_c


@njit(cache=True, nogil=True)
def _aim(beam: Floats, u: float, v: float, spacing: Floats, ray: Floats) -> float:
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
def footprints(
    beam: Floats,
    spacing: Floats,
    shape: Triple,
    sums: NDArray[np.int32],
    sums_step: Triple,
    starts: NDArray[np.int64],
    runs: NDArray[np.int16],
    member_starts: NDArray[np.int64],
    members: NDArray[np.int16],
    n_labels: int,
    shortest_mm: float,
    image: NDArray[np.float32],
    thickness_mm: Floats,
    first: int,
    last: int,
) -> NDArray[np.int64]:
    """Project detector columns first..last: the integral into ``image`` (columns, rows), masks as runs of pixels.

    A label's path is the sum over the classes it has as members; it is in the mask where that is above
    ``shortest_mm``. Pixels are numbered down the columns, as COCO does. Returns runs as (label, first pixel, one past
    the last), each label's in order; ``thickness_mm`` takes each label's sum over its mask.
    """
    n_rows = image.shape[1]
    n_classes = len(member_starts) - 1
    ray = np.zeros(6)
    length, touched = np.zeros(n_classes), np.zeros(n_classes, np.int64)
    path, met = np.zeros(n_labels), np.zeros(n_labels, np.int64)
    open_at, open_to = np.zeros(n_labels, np.int64), np.zeros(n_labels, np.int64)
    found = np.empty((1024, 3), np.int64)
    n_found = 0
    for u in range(first, last):
        for v in range(n_rows):
            mm = _aim(beam, u, v, spacing, ray)
            total, n_touched = _trace(ray, shape, sums, sums_step, starts, runs, length, touched)
            image[u, v] = total * mm
            n_met = 0
            for i in range(n_touched):
                cls = touched[i]
                for member in range(member_starts[cls], member_starts[cls + 1]):
                    label = members[member]
                    if path[label] == 0.0:
                        met[n_met] = label
                        n_met += 1
                    path[label] += length[cls]
                length[cls] = 0.0
            pixel = u * n_rows + v
            for i in range(n_met):
                label = met[i]
                thick = path[label] * mm
                path[label] = 0.0
                if thick <= shortest_mm:
                    continue
                thickness_mm[label] += thick
                if open_to[label] != pixel:
                    if open_to[label] > 0:
                        found[n_found, 0], found[n_found, 1], found[n_found, 2] = label, open_at[label], open_to[label]
                        n_found += 1
                        if n_found == len(found):
                            longer = np.empty((2 * n_found, 3), np.int64)
                            longer[:n_found] = found
                            found = longer
                    open_at[label] = pixel
                open_to[label] = pixel + 1
    closed = np.empty((n_found + n_labels, 3), np.int64)
    closed[:n_found] = found[:n_found]
    for label in range(n_labels):
        if open_to[label] > 0:
            closed[n_found, 0], closed[n_found, 1], closed[n_found, 2] = label, open_at[label], open_to[label]
            n_found += 1
    return closed[:n_found]


@njit(cache=True, nogil=True)
def thicknesses(
    beam: Floats,
    spacing: Floats,
    shape: Triple,
    sums: NDArray[np.int32],
    sums_step: Triple,
    starts: NDArray[np.int64],
    runs: NDArray[np.int16],
    member_starts: NDArray[np.int64],
    members: NDArray[np.int16],
    thickness_mm: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """The path in mm through each label, dense: ``thickness_mm`` (labels, columns, rows), columns first..last."""
    n_classes = len(member_starts) - 1
    ray = np.zeros(6)
    length, touched = np.zeros(n_classes), np.zeros(n_classes, np.int64)
    for u in range(first, last):
        for v in range(thickness_mm.shape[2]):
            mm = _aim(beam, u, v, spacing, ray)
            _, n_touched = _trace(ray, shape, sums, sums_step, starts, runs, length, touched)
            for i in range(n_touched):
                cls = touched[i]
                for member in range(member_starts[cls], member_starts[cls + 1]):
                    thickness_mm[members[member], u, v] += np.float32(length[cls] * mm)
                length[cls] = 0.0
