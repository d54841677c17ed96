"""Small cells: a count of patients below ten is not shown, nor what would let one compute it.

Primary and complementary suppression of one-way tables as in Hundepool et al., Statistical Disclosure Control (2012),
chapter 4: a hidden cell must be free to take several values given all that is shown and the total.
"""

from collections.abc import Collection, Mapping, Sequence

from curation.records import SPLITS

LIMIT = 10
"""Counts of patients below it are hidden; 0 is shown."""
FEW, MORE, WITHHELD = f"<{LIMIT}", f"≥{LIMIT}", "–"
"""A small count; one that is hidden because a small one could be computed from it; one of which nothing is said."""
SPREAD = 2
"""A hidden count can take at least one value more than this."""
Cell = int | str


def few(count: int) -> Cell:
    """A count by itself."""
    return FEW if 0 < count < LIMIT else count


def withheld(counts: Sequence[int], spared: Collection[int] = ()) -> list[Cell]:
    """The cells of a list whose total is known.

    The smallest of the other counts are hidden too, those at the places ``spared`` last, until no small one can be told
    from the total; where that is never so, nothing is shown. Also right where a patient counts in several cells: then
    less is known of the sum.
    """
    if 0 < sum(counts) < LIMIT:
        return [FEW] * len(counts)
    hidden = {place for place, count in enumerate(counts) if few(count) == FEW}
    others = sorted((place in spared, count, place) for place, count in enumerate(counts) if count >= LIMIT)
    while hidden and not _safe([counts[place] for place in hidden]):
        if not others:
            return [WITHHELD] * len(counts)
        hidden.add(others.pop(0)[2])
    return [_mark(count) if place in hidden else count for place, count in enumerate(counts)]


def _mark(count: int) -> str:
    return FEW if count < LIMIT else MORE


def _safe(hidden: Sequence[int]) -> bool:
    """Whether each of the hidden counts can be several numbers, their sum being known."""
    n_few = sum(count < LIMIT for count in hidden)
    n_more = len(hidden) - n_few
    total = sum(hidden)
    lowest = 1 if n_more else max(1, total - (LIMIT - 1) * (n_few - 1))
    highest = min(LIMIT - 1, total - (n_few - 1) - LIMIT * n_more)
    return highest - lowest >= SPREAD


def by_split(rows: Mapping[str, Sequence[int]], splits_shown: bool) -> dict[str, object]:
    """A table of patients: a count for each split in each row.

    With all splits, each safe by itself, and a total where no cell of the row is hidden; or, where a split is too small
    for that, with the total alone.
    """
    columns = list(zip(*rows.values(), strict=True))
    marked = [withheld(column) for column in columns]
    large = all(sum(column) >= LIMIT or not sum(column) for column in columns)
    if splits_shown and large and not any(WITHHELD in column for column in marked):
        cells = [list(row) for row in zip(*marked, strict=True)]
        table = [[name, *row, _total(row)] for name, row in zip(rows, cells, strict=True)]
        return {"columns": [*SPLITS, "all"], "rows": table}
    alone = withheld([sum(row) for row in rows.values()])
    return {"columns": ["all"], "rows": [[name, cell] for name, cell in zip(rows, alone, strict=True)]}


def _total(row: Sequence[Cell]) -> Cell:
    numbers = [cell for cell in row if isinstance(cell, int)]
    return sum(numbers) if len(numbers) == len(row) else WITHHELD


def of_row(counts: Sequence[int], outof: Sequence[int]) -> list[Cell]:
    """A row of counts in each split whose total is known, and of how many: neither they nor the rest may be small."""
    both = list(zip(counts, outof, strict=True))
    hidden = {place for place, (count, whole) in enumerate(both) if FEW in (few(count), few(whole - count))}
    others = sorted((whole, place) for place, (_, whole) in enumerate(both) if place not in hidden and whole)
    while hidden and others and not _free([both[place] for place in hidden]):
        hidden.add(others.pop(0)[1])
    return [WITHHELD if place in hidden else count for place, count in enumerate(counts)]


def _free(hidden: Sequence[tuple[int, int]]) -> bool:
    """Whether each of the hidden counts, out of so many, can be several numbers, their sum being known."""
    total, room = (sum(column) for column in zip(*hidden, strict=True))
    return all(min(whole, total) - max(0, total - (room - whole)) >= min(SPREAD, whole) for _, whole in hidden)
