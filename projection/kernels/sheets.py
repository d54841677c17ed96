"""Siddon's exact paths, made cheap along two axes: for detectors whose columns run along an axis of the volume.

Then all the rays of a detector column lie in one plane that holds the axis *c*: a sheet. Where a ray crosses the planes
of *b* is the same for the whole sheet, so for each *c* the columns that the sheet cuts are joined once: their running
sums into one running sum, their runs of classes into one row of runs. What is left is drawn in two dimensions, as a
picture is: each plane of *c*, and each run of a class, meets an unbroken range of rays, so that the inner loops go over
neighbouring rays and never branch. Upright views of axial volumes are all like this: PA, AP, laterals, obliques.
Everything else takes ``rays``, which gives the same up to rounding.

Coordinates are voxel edges: voxel ``i`` fills ``[i, i + 1)``. Nothing uses fastmath: the same operations in the same
order give the same bytes on any x86-64 processor.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from projection.kernels.columns import Triple
from projection.kernels.marks import finish, mark_column
from projection.kernels.rays import FAR, aim, clip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def cut(ray: Floats, shape: Triple, times: Floats, columns: Ints) -> int:
    """Where a sheet crosses the planes of *b*: fills ``times`` (n + 1) along *a* and ``columns`` (n); returns n."""
    nb, na = shape[1], shape[2]
    b0, mb = ray[0], ray[1]
    t, end = clip(b0, mb, nb, max(ray[4], 0.0), min(ray[5], float(na)))
    if end <= t:
        return 0
    b = min(max(int(np.floor(b0 + mb * t)), 0), nb - 1)
    up = 1 if mb > 0.0 else 0
    n = 0
    times[0] = t
    while True:
        stop = min((b + up - b0) / mb, end) if mb != 0.0 else end
        if stop > t:
            columns[n] = b
            n += 1
            times[n] = stop
            t = stop
        b += 2 * up - 1
        if stop >= end or b < 0 or b >= nb:
            return n


@njit(cache=True, nogil=True)
def _fan(beam: Floats, u: int, spacing: Floats, ray: Floats, fan: Floats) -> None:
    """For each row of a detector column, ``fan[0..3]``: c at a = 0, the slope, its inverse, and mm per step along *a*.

    A ray that runs along the planes gets an inverse so large that it meets none of them.
    """
    for v in range(fan.shape[1]):
        fan[3, v] = aim(beam, u, v, spacing, ray)
        fan[0, v], fan[1, v] = ray[2], ray[3]
        fan[2, v] = 1.0 / ray[3] if abs(ray[3]) > 1e-200 else FAR


@njit(cache=True, nogil=True)
def _place(beam: Floats, u: int, t: float, place: Floats) -> None:
    """Where rays are at ``t``: row ``(c - place[0]) * place[1]`` passes *c*; 0 stands for all in one place."""
    sa, da = beam[0, 0] + u * beam[1, 0], beam[3, 0] + u * beam[4, 0]
    part = (t - sa) / (da - sa)
    place[0] = (beam[0, 2] + u * beam[1, 2]) * (1.0 - part) + (beam[3, 2] + u * beam[4, 2]) * part
    per_row = beam[2, 2] * (1.0 - part) + beam[5, 2] * part
    place[1] = 1.0 / per_row if abs(per_row) > 1e-6 else 0.0


@njit(cache=True, nogil=True)
def _range(near: Floats, far: Floats, low: float, high: float, n_rows: int) -> tuple[int, int]:
    """A range of rows that holds all rays which pass between ``low`` and ``high`` of *c* anywhere from near to far."""
    if near[1] == 0.0 or far[1] == 0.0:
        return 0, n_rows
    v0, v1 = (low - near[0]) * near[1], (high - near[0]) * near[1]
    v2, v3 = (low - far[0]) * far[1], (high - far[0]) * far[1]
    first = min(v0, v1, v2, v3)
    last = max(v0, v1, v2, v3)
    return int(max(min(first, float(n_rows)), 0.0)), int(max(min(last + 2.0, float(n_rows)), 0.0))


@njit(cache=True, nogil=True)
def _join_sums(sums: NDArray[np.int32], times: Floats, columns: Ints, n: int, joined: Floats) -> None:
    """``joined[c, j]`` is what the sums of column j lack to be the sheet's running sum from times[j] on."""
    top = sums.shape[2] - 2
    for c in range(sums.shape[0]):
        total = 0.0
        before = columns[0]
        for j in range(n):
            b, i = columns[j], min(int(times[j]), top)
            rest = times[j] - i
            x, y = sums[c, b, i], sums[c, before, i]
            old = (y + rest * (sums[c, before, i + 1] - y)) if j > 0 else 0.0
            total += old - (x + rest * (sums[c, b, i + 1] - x))
            joined[c, j] = total
            before = b


@njit(cache=True, nogil=True)
def integrals(
    beam: Floats,
    spacing: Floats,
    sums: NDArray[np.int32],
    image: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """The integral of the running sums along each ray, per mm: ``image`` (columns, rows), columns first..last."""
    nc, nb, na = sums.shape[0], sums.shape[1], sums.shape[2] - 1
    n_rows = image.shape[1]
    ray, fan, total = np.zeros(6), np.zeros((4, n_rows)), np.zeros(n_rows)
    times, columns = np.zeros(nb + 2), np.zeros(nb + 1, np.int64)
    joined = np.zeros((nc, nb + 1))
    near, far = np.zeros(2), np.zeros(2)
    for u in range(first, last):
        aim(beam, u, 0, spacing, ray)
        n = cut(ray, (nc, nb, na), times, columns)
        if n == 0:
            image[u, :] = np.float32(0.0)
            continue
        b0, mb = ray[0], ray[1]
        _join_sums(sums, times, columns, n, joined)
        _fan(beam, u, spacing, ray, fan)
        _place(beam, u, times[0], near)
        _place(beam, u, times[n], far)
        total[:] = 0.0
        for c in range(nc + 1):
            low, high = _range(near, far, float(c), float(c), n_rows)
            _cross(c, low, high, b0, mb, sums, times[0], times[n], columns, n, joined, fan, total)
        _leave(sums, times[n], columns, n, joined, fan, total)
        for v in range(n_rows):
            image[u, v] = total[v] * fan[3, v]


@njit(cache=True, nogil=True)
def _cross(
    c: int,
    first: int,
    last: int,
    b0: float,
    mb: float,
    sums: NDArray[np.int32],
    start: float,
    end: float,
    columns: Ints,
    n: int,
    joined: Floats,
    fan: Floats,
    total: Floats,
) -> None:
    """What the rays first..last gain by changing rows at plane ``c``: one row's sums end, those of the other begin."""
    above, below = min(c, sums.shape[0] - 1), max(c - 1, 0)
    has_above, has_below = (1.0 if c < sums.shape[0] else 0.0), (1.0 if c > 0 else 0.0)
    top, b_first = sums.shape[2] - 2, columns[0]
    for v in range(first, last):
        t = (c - fan[0, v]) * fan[2, v]
        if t <= start or t >= end:
            continue
        # next to a plane of b rounding may give its neighbour, in which the sheet's running sum is the same there
        j = min(abs(int(b0 + mb * t) - b_first), n - 1)
        i = min(int(t), top)
        rest, b = t - i, columns[j]
        x, y = sums[above, b, i], sums[below, b, i]
        gain = has_below * (joined[below, j] + (y + rest * (sums[below, b, i + 1] - y)))
        gain -= has_above * (joined[above, j] + (x + rest * (sums[above, b, i + 1] - x)))
        total[v] += gain if fan[1, v] > 0.0 else -gain


@njit(cache=True, nogil=True)
def _leave(
    sums: NDArray[np.int32], end: float, columns: Ints, n: int, joined: Floats, fan: Floats, total: Floats
) -> None:
    """What the rays have of the row in which they leave the sheet, which is decided as ``_cross`` does."""
    nc, i, b = sums.shape[0], min(int(end), sums.shape[2] - 2), columns[n - 1]
    for v in range(len(total)):
        c = int(np.floor(min(max(fan[0, v] + fan[1, v] * end, -2.0), nc + 2.0)))
        up, down = (c + 1 - fan[0, v]) * fan[2, v], (c - fan[0, v]) * fan[2, v]
        if fan[1, v] > 0.0:
            c += (1 if up < end else 0) - (0 if down < end else 1)
        elif fan[1, v] < 0.0:
            c += (0 if up < end else 1) - (1 if down < end else 0)
        if 0 <= c < nc:
            low = sums[c, b, i]
            total[v] += joined[c, n - 1] + (low + (end - i) * (sums[c, b, i + 1] - low))


@njit(cache=True, nogil=True)
def _search(starts: Ints) -> NDArray[np.int32]:
    """For each column its first run, and where a search in it begins: where it ended in the sheet before."""
    search = np.empty((len(starts), 2), np.int32)
    for column in range(len(starts)):
        search[column, 0] = search[column, 1] = starts[column]
    return search


@njit(cache=True, nogil=True)
def _join_runs(
    search: NDArray[np.int32],
    runs: NDArray[np.int16],
    shape: Triple,
    times: Floats,
    columns: Ints,
    n: int,
    rows: Ints,
    edges: Floats,
    classes: Ints,
) -> tuple[Floats, Ints]:
    """For each *c* the classes along the sheet: ``rows[c]`` is where its runs begin in ``edges`` (from, to)."""
    nc, nb, _ = shape
    found = 0
    for c in range(nc):
        rows[c] = found
        if search[c * nb, 0] == search[(c + 1) * nb, 0]:
            continue
        for j in range(n):
            column = c * nb + columns[j]
            begin, last, run = search[column, 0], search[column + 1, 0], search[column, 1]
            if begin == last:
                continue
            low, high = times[j], times[j + 1]
            while run > begin and runs[run - 1, 1] > low:
                run -= 1
            while run < last and runs[run, 1] <= low:
                run += 1
            search[column, 1] = run
            while run < last and runs[run, 0] < high:
                start, stop, cls = max(float(runs[run, 0]), low), min(float(runs[run, 1]), high), runs[run, 2]
                run += 1
                if found > rows[c] and classes[found - 1] == cls and edges[found - 1, 1] == start:
                    edges[found - 1, 1] = stop
                    continue
                if found == len(classes):
                    longer, more = np.empty((2 * found, 2)), np.empty(2 * found, np.int64)
                    longer[:found], more[:found] = edges, classes
                    edges, classes = longer, more
                edges[found, 0], edges[found, 1], classes[found] = start, stop, cls
                found += 1
    rows[nc] = found
    return edges, classes


@njit(cache=True, nogil=True)
def _draw(
    beam: Floats,
    u: int,
    nc: int,
    rows: Ints,
    edges: Floats,
    classes: Ints,
    fan: Floats,
    slot: Ints,
    drawn: Ints,
    reach: Ints,
    length: Floats,
) -> tuple[Floats, int]:
    """Add up, per class and ray, what the runs of a sheet cover: ``length[slot]`` (rows), in steps along *a*.

    ``drawn`` lists the classes by slot, ``reach`` the rows (from, to) that a slot may have met, and ``slot`` the
    slot of a class, or -1. Returns ``length``, which grows, and the number of slots.
    """
    n_rows = fan.shape[1]
    near, far = np.zeros(2), np.zeros(2)
    n_slots = 0
    at = -1.0
    for c in range(nc):
        for run in range(rows[c], rows[c + 1]):
            start, stop, cls = edges[run, 0], edges[run, 1], classes[run]
            if start == at:
                near[:] = far
            else:
                _place(beam, u, start, near)
            _place(beam, u, stop, far)
            at = stop
            first, last = _range(near, far, float(c), float(c + 1), n_rows)
            if first >= last:
                continue
            k = slot[cls]
            if k < 0:
                k = n_slots
                n_slots += 1
                if n_slots > len(length):
                    longer = np.zeros((2 * len(length), n_rows))
                    longer[: len(length)] = length
                    length = longer
                slot[cls], drawn[k], reach[k, 0], reach[k, 1] = k, cls, first, last
            reach[k, 0], reach[k, 1] = min(reach[k, 0], first), max(reach[k, 1], last)
            for v in range(first, last):
                one, other = (c - fan[0, v]) * fan[2, v], (c + 1 - fan[0, v]) * fan[2, v]
                length[k, v] += max(min(stop, max(one, other)) - max(start, min(one, other)), 0.0)
    return length, n_slots


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
    """Masks of detector columns first..last, as runs of pixels: (label, first pixel, one past the last).

    A label's path is the sum over the classes it has as members; it is in the mask where that is above
    ``shortest_mm``. Pixels are numbered down the columns, as COCO does; each label's runs come in order.
    ``thickness_mm`` takes each class's sum over all rays.
    """
    nc, nb, _ = shape
    n_classes = len(member_starts) - 1
    ray, fan = np.zeros(6), np.zeros((4, n_rows))
    times, columns = np.zeros(nb + 2), np.zeros(nb + 1, np.int64)
    rows, search = np.zeros(nc + 1, np.int64), _search(starts)
    edges: Floats = np.empty((4096, 2))
    classes: Ints = np.empty(4096, np.int64)
    length: Floats = np.zeros((64, n_rows))
    slot, drawn, reach = np.full(n_classes, -1), np.zeros(n_classes, np.int64), np.zeros((n_classes, 2), np.int64)
    n_open, thin, span = np.zeros(n_labels, np.int64), np.zeros(n_labels), np.zeros((n_labels, 2), np.int64)
    found: Ints = np.empty((1024, 3), np.int64)
    n_found = 0
    for u in range(first, last):
        aim(beam, u, 0, spacing, ray)
        n = cut(ray, shape, times, columns)
        if n == 0:
            continue
        edges, classes = _join_runs(search, runs, shape, times, columns, n, rows, edges, classes)
        if rows[nc] == 0:
            continue
        _fan(beam, u, spacing, ray, fan)
        length, n_slots = _draw(beam, u, nc, rows, edges, classes, fan, slot, drawn, reach, length)
        found, n_found = mark_column(
            u * n_rows, fan[3], shortest_mm, length, drawn, reach, n_slots, member_starts, members, thickness_mm,
            n_open, thin, span, found, n_found,
        )  # fmt: skip
        for k in range(n_slots):
            slot[drawn[k]] = -1
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
    """The path in mm through each label, dense: ``thickness_mm`` (labels, columns, rows), columns first..last."""
    nc, nb, _ = shape
    n_rows = thickness_mm.shape[2]
    n_classes = len(member_starts) - 1
    ray, fan = np.zeros(6), np.zeros((4, n_rows))
    times, columns = np.zeros(nb + 2), np.zeros(nb + 1, np.int64)
    rows, search = np.zeros(nc + 1, np.int64), _search(starts)
    edges: Floats = np.empty((4096, 2))
    classes: Ints = np.empty(4096, np.int64)
    length: Floats = np.zeros((64, n_rows))
    slot, drawn, reach = np.full(n_classes, -1), np.zeros(n_classes, np.int64), np.zeros((n_classes, 2), np.int64)
    for u in range(first, last):
        aim(beam, u, 0, spacing, ray)
        n = cut(ray, shape, times, columns)
        edges, classes = _join_runs(search, runs, shape, times, columns, n, rows, edges, classes)
        _fan(beam, u, spacing, ray, fan)
        length, n_slots = _draw(beam, u, nc, rows, edges, classes, fan, slot, drawn, reach, length)
        for k in range(n_slots):
            cls = drawn[k]
            slot[cls] = -1
            for v in range(reach[k, 0], reach[k, 1]):
                for member in range(member_starts[cls], member_starts[cls + 1]):
                    thickness_mm[members[member], u, v] += np.float32(length[k, v] * fan[3, v])
                length[k, v] = 0.0
