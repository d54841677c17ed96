"""From what single rays met to masks as runs of pixels: the last step of every projection of labels.

A class is a set of labels. From one pixel to the next most classes stay, so work is done per class, and labels are
touched only where a class begins or ends: a label is in the mask while any of its classes is thick enough.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def open_label(label: int, pixel: int, span: Ints, found: Ints, n_found: int) -> tuple[Ints, int]:
    """A label's mask goes on, or begins anew, at a pixel: then its run so far is written. ``span``: (from, to)."""
    if span[label, 1] != pixel:
        if span[label, 1] > 0:
            found[n_found, 0], found[n_found, 1], found[n_found, 2] = label, span[label, 0], span[label, 1]
            n_found += 1
            if n_found == len(found):
                longer = np.empty((2 * n_found, 3), np.int64)
                longer[:n_found] = found
                found = longer
        span[label, 0] = pixel
    return found, n_found


@njit(cache=True, nogil=True)
def mark(
    pixel: int,
    mm: float,
    shortest_mm: float,
    length: Floats,
    touched: Ints,
    n_touched: int,
    member_starts: Ints,
    members: NDArray[np.int16],
    thickness_mm: Floats,
    last_seen: Ints,
    active: Ints,
    n_active: int,
    n_open: Ints,
    thin: Floats,
    span: Ints,
    found: Ints,
    n_found: int,
) -> tuple[Ints, int, int]:
    """Take one ray into the masks: ``length`` of each touched class, in steps of ``mm``, is read and set back to 0.

    A class that is thicker than ``shortest_mm`` opens its labels; classes that are thinner count for a label with
    their sum. Returns ``found`` (label, first pixel, one past the last), its length, and that of ``active``.
    """
    n_thin = 0
    for i in range(n_touched):
        cls = touched[i]
        thick = length[cls] * mm
        thickness_mm[cls] += thick
        if thick <= shortest_mm:
            touched[n_thin] = cls
            n_thin += 1
            continue
        length[cls] = 0.0
        if last_seen[cls] < 0:
            active[n_active] = cls
            n_active += 1
            for member in range(member_starts[cls], member_starts[cls + 1]):
                label = members[member]
                if n_open[label] == 0:
                    found, n_found = open_label(label, pixel, span, found, n_found)
                n_open[label] += 1
        last_seen[cls] = pixel
    n_active = close(pixel, member_starts, members, last_seen, active, n_active, n_open, span)
    if n_thin > 1:
        for i in range(n_thin):
            for member in range(member_starts[touched[i]], member_starts[touched[i] + 1]):
                thin[members[member]] += length[touched[i]] * mm
        for i in range(n_thin):
            for member in range(member_starts[touched[i]], member_starts[touched[i] + 1]):
                label = members[member]
                if n_open[label] == 0 and thin[label] > shortest_mm:
                    found, n_found = open_label(label, pixel, span, found, n_found)
                    span[label, 1] = pixel + 1
                thin[label] = 0.0
    for i in range(n_thin):
        length[touched[i]] = 0.0
    return found, n_found, n_active


@njit(cache=True, nogil=True)
def close(
    pixel: int,
    member_starts: Ints,
    members: NDArray[np.int16],
    last_seen: Ints,
    active: Ints,
    n_active: int,
    n_open: Ints,
    span: Ints,
) -> int:
    """Close the classes that were not seen at ``pixel``, and with its last class a label; returns how many stay."""
    kept = 0
    for i in range(n_active):
        cls = active[i]
        if last_seen[cls] == pixel:
            active[kept] = cls
            kept += 1
            continue
        last_seen[cls] = -1
        for member in range(member_starts[cls], member_starts[cls + 1]):
            label = members[member]
            n_open[label] -= 1
            if n_open[label] == 0:
                span[label, 1] = pixel
    return kept


@njit(cache=True, nogil=True)
def finish(span: Ints, found: Ints, n_found: int) -> Ints:
    """The runs found, with each label's last."""
    closed = np.empty((n_found + len(span), 3), np.int64)
    closed[:n_found] = found[:n_found]
    for label in range(len(span)):
        if span[label, 1] > 0:
            closed[n_found, 0], closed[n_found, 1], closed[n_found, 2] = label, span[label, 0], span[label, 1]
            n_found += 1
    return closed[:n_found]


@njit(cache=True, nogil=True)
def mark_column(
    pixel: int,
    mm: Floats,
    shortest_mm: float,
    length: Floats,
    drawn: Ints,
    reach: Ints,
    n_slots: int,
    member_starts: Ints,
    members: NDArray[np.int16],
    thickness_mm: Floats,
    n_open: Ints,
    thin: Floats,
    span: Ints,
    found: Ints,
    n_found: int,
) -> tuple[Ints, int]:
    """As ``mark``, for all rays of a detector column at once; ``pixel`` is the number of its first.

    ``length[slot]`` holds the steps of ``mm`` per row in the class ``drawn[slot]``, rows ``reach[slot]``, and is set
    back to 0. Classes begin and end as events in the order of the rows.
    """
    n_rows = len(mm)
    n_thin = np.zeros(n_rows, np.int64)
    n_events = np.zeros(n_rows + 2, np.int64)
    for k in range(n_slots):
        inside = False
        for v in range(reach[k, 0], reach[k, 1]):
            thick = length[k, v] * mm[v]
            thickness_mm[drawn[k]] += thick
            if (thick > shortest_mm) != inside:
                inside = not inside
                n_events[v + 1] += 1
            if 0.0 < thick <= shortest_mm:
                n_thin[v] += 1
        if inside:
            n_events[reach[k, 1] + 1] += 1
    first = np.cumsum(n_events)
    events = np.empty(first[n_rows + 1], np.int64)
    for k in range(n_slots):
        inside = False
        for v in range(reach[k, 0], reach[k, 1]):
            if (length[k, v] * mm[v] > shortest_mm) != inside:
                inside = not inside
                events[first[v]] = k + 1 if inside else -k - 1
                first[v] += 1
        if inside:
            events[first[reach[k, 1]]] = -k - 1
            first[reach[k, 1]] += 1
    done = 0
    for v in range(n_rows + 1):
        begin = done
        for sign in (
            1,
            -1,
        ):  # what begins goes first, so that a label does not end where one of its parts follows another
            for event in range(begin, first[v]):
                if (events[event] > 0) != (sign > 0):
                    continue
                cls = drawn[abs(events[event]) - 1]
                for member in range(member_starts[cls], member_starts[cls + 1]):
                    label = members[member]
                    if sign > 0 and n_open[label] == 0:
                        found, n_found = open_label(label, pixel + v, span, found, n_found)
                    n_open[label] += sign
                    if n_open[label] == 0:
                        span[label, 1] = pixel + v
        done = max(done, first[v])
        if v < n_rows and n_thin[v] > 1:
            found, n_found = _mark_thin(
                pixel + v, v, mm[v], shortest_mm, length, drawn, reach, n_slots, member_starts, members,
                n_open, thin, span, found, n_found,
            )  # fmt: skip
    for k in range(n_slots):
        length[k, reach[k, 0] : reach[k, 1]] = 0.0
    return found, n_found


@njit(cache=True, nogil=True)
def _mark_thin(
    pixel: int,
    v: int,
    mm: float,
    shortest_mm: float,
    length: Floats,
    drawn: Ints,
    reach: Ints,
    n_slots: int,
    member_starts: Ints,
    members: NDArray[np.int16],
    n_open: Ints,
    thin: Floats,
    span: Ints,
    found: Ints,
    n_found: int,
) -> tuple[Ints, int]:
    """Open for one pixel the labels whose classes are all too thin, but not their sum."""
    for step in range(2):
        for k in range(n_slots):
            if not (reach[k, 0] <= v < reach[k, 1] and 0.0 < length[k, v] * mm <= shortest_mm):
                continue
            for member in range(member_starts[drawn[k]], member_starts[drawn[k] + 1]):
                label = members[member]
                if step == 0:
                    thin[label] += length[k, v] * mm
                else:
                    if n_open[label] == 0 and thin[label] > shortest_mm:
                        found, n_found = open_label(label, pixel, span, found, n_found)
                        span[label, 1] = pixel + 1
                    thin[label] = 0.0
    return found, n_found
