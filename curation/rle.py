"""Masks as COCO run lengths: counts, the compressed string, area, box, union.

Format as in the COCO API (``maskApi.c`` of pycocotools): pixels are numbered down the columns, ``counts`` alternate
between background and mask and begin with background, and the string writes each count, from the fourth on as the
difference to the one two before, in little-endian groups of five bits with a continuation bit, plus 48.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError

Ints = NDArray[np.int64]
_OFFSET, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5


def encode(mask: NDArray[np.bool_]) -> str:
    """Compress a mask ``(rows, columns)``."""
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    return of_edges(np.flatnonzero(np.diff(flat, prepend=False, append=False)), flat.size)


def decode(rle: str, rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask ``(rows, columns)``; raises InputError if the counts do not fill it."""
    counts = _checked(rle, rows, columns)
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape((rows, columns), order="F")


def edges(rle: str, rows: int, columns: int) -> Ints:
    """Where the mask begins and ends: each run's first pixel and one past its last, in order; a run may touch the next.

    Pixels are numbered down the columns. Raises InputError if the counts do not fill the size.
    """
    return np.stack(runs_of_counts(_checked(rle, rows, columns)), axis=1).ravel()


def of_edges(edges: Ints, n_pixels: int) -> str:
    """The string of a mask given as ``edges``, no two runs touching."""
    return compress(counts_of_runs(edges[0::2], edges[1::2], n_pixels))


def counts_of_runs(start: Ints, stop: Ints, n_pixels: int) -> Ints:
    """Counts from the mask's runs: first pixels and one past the last, rising, no two touching."""
    counts = np.diff(np.stack([start, stop], axis=1).ravel(), prepend=0, append=n_pixels)
    return counts[:-1] if len(counts) > 1 and counts[-1] == 0 else counts


def runs_of_counts(counts: Ints) -> tuple[Ints, Ints]:
    """First pixels and one past the last of the mask's runs; runs of no pixel are left out."""
    edges = np.cumsum(counts)
    start, stop = edges[0::2][: len(counts) // 2], edges[1::2]
    return start[stop > start], stop[stop > start]


def compress(counts: Ints) -> str:
    """The string of a list of counts."""
    values = np.asarray(counts, dtype=np.int64).copy()
    values[3:] -= np.asarray(counts, dtype=np.int64)[1:-2]
    groups = []
    alive = np.ones(len(values), dtype=bool)
    while alive.any():
        bits = values & 0x1F
        values = values >> _BITS
        more = np.where(bits & _SIGN, values != -1, values != 0)
        groups.append(np.where(alive, bits + np.where(more, _MORE, 0) + _OFFSET, 0))
        alive = alive & more
    text = np.stack(groups, axis=1).ravel() if groups else np.empty(0)
    return text[text > 0].astype(np.uint8).tobytes().decode("ascii")


def decompress(rle: str) -> Ints:
    """The counts of a string; raises InputError where it is not one."""
    symbols = np.frombuffer(rle.encode("ascii", "replace"), np.uint8).astype(np.int64) - _OFFSET
    if not len(symbols):
        return symbols
    if symbols.min() < 0 or symbols.max() > 0x3F or symbols[-1] & _MORE:
        raise InputError("a mask's run lengths cannot be read: expected a COCO compressed string")
    first = np.flatnonzero(np.concatenate([[True], (symbols & _MORE) == 0])[:-1])
    position = np.arange(len(symbols)) - np.repeat(first, np.diff(first, append=len(symbols)))
    if position.max() > 11:
        raise InputError("a mask's run lengths cannot be read: a count of more than twelve symbols")
    values = np.add.reduceat((symbols & 0x1F) << (_BITS * position), first)
    last = np.append(first[1:], len(symbols)) - 1
    negative = (symbols[last] & _SIGN) != 0
    values = values - (negative.astype(np.int64) << (_BITS * (position[last] + 1)))
    return _undo_differences(values)


def area(rle: str) -> int:
    """Pixels in the mask."""
    return int(decompress(rle)[1::2].sum())


def box(rle: str, rows: int) -> tuple[int, int, int, int]:
    """The box ``(x, y, width, height)`` in pixels; all zero for an empty mask."""
    return box_of_runs(*runs_of_counts(decompress(rle)), rows)


def box_of_runs(start: Ints, stop: Ints, rows: int) -> tuple[int, int, int, int]:
    """The box ``(x, y, width, height)`` of runs of pixels numbered down columns of ``rows`` pixels."""
    if len(start) == 0:
        return 0, 0, 0, 0
    last = stop - 1
    x, right = int(start[0]) // rows, int(last[-1]) // rows
    if (start // rows != last // rows).any():
        return x, 0, right - x + 1, rows
    y, bottom = int((start % rows).min()), int((last % rows).max())
    return x, y, right - x + 1, bottom - y + 1


def merge(rles: Sequence[str], rows: int, columns: int) -> str:
    """The union of masks of one size."""
    return subtract(rles, (), rows, columns)


def subtract(rles: Sequence[str], less: Sequence[str], rows: int, columns: int) -> str:
    """The union of masks of one size, without those of ``less``."""
    turning = [edges(rle, rows, columns) for rle in (*rles, *less)]
    where = np.concatenate([np.empty(0, np.int64), *turning])
    change = np.where(np.concatenate([np.empty(0, np.int64), *(np.arange(len(e)) for e in turning)]) % 2 == 0, 1, -1)
    taken = np.repeat(np.arange(len(turning)) >= len(rles), [len(e) for e in turning])
    order = np.argsort(where, kind="stable")
    where, change, taken = where[order], change[order], taken[order]
    inside = (np.cumsum(np.where(taken, 0, change)) > 0) & (np.cumsum(np.where(taken, change, 0)) == 0)
    last = np.append(where[1:] != where[:-1], True)[: len(where)]  # what holds after all changes at one pixel
    where, inside = where[last], inside[last]
    turns = where[np.diff(inside, prepend=False).astype(bool)] if len(where) else where
    return of_edges(turns, rows * columns)


def _checked(rle: str, rows: int, columns: int) -> Ints:
    counts = decompress(rle)
    if counts.min(initial=0) < 0 or counts.max(initial=0) > rows * columns or counts.sum() != rows * columns:
        raise InputError(f"a mask's run lengths do not fill {rows} rows by {columns} columns")
    return counts


def _undo_differences(values: Ints) -> Ints:
    """Each value from the fourth on is the difference to the count two before: two interleaved running sums."""
    counts = values.copy()
    counts[1::2] = np.cumsum(values[1::2])
    counts[2::2] = np.cumsum(values[2::2])
    return counts
