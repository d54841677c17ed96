"""The nearest of many reports, exactly, from an inverted index.

Reports that say the same are one row. For a query the measure gives an upper bound for every row, from the postings of
what is like the query's statements; rows are then compared exactly, best bound first, until no bound that is left can
reach the k-th best. Memory is that of the index and of one query, however many queries follow.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from curation.errors import UsageError
from labeling.similar.statements import Said, Statement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Number = TypeVar("Number", np.int32, np.int64)

_FIRST, _MOST = 128, 8192
"""Rows that are compared exactly at once, at first and at most."""

_SLACK = 1e-9
"""Bounds and similarities are sums in different orders; a bound this far below the k-th best is really below it."""


class Neighbour(NamedTuple):
    """A report that is near another, and how near, in [0, 1]."""

    report_id: str
    similarity: float


class Rows:
    """Reports as rows of the positions of their statements, and for each statement the rows that have it.

    Rows are in the order in which a report that says so first comes; ``cells[starts[i]:starts[i + 1]]`` are the
    statements of row i. A row that says nothing has one cell, ``len(statements)``, which is no statement.
    """

    def __init__(self, reports: Sequence[Said]) -> None:
        unique: dict[Said, int] = {}
        self.row_of: Ints = np.fromiter((unique.setdefault(said, len(unique)) for said in reports), np.int64)
        found: dict[Statement, int] = {}
        lengths, cells = [], []
        for said in unique:
            numbers = [found.setdefault(one, len(found)) for one in sorted(said)] or [-1]
            lengths.append(len(numbers))
            cells += numbers
        self.statements: tuple[Statement, ...] = tuple(found)
        self.unique: dict[Said, int] = unique
        self.cells: Ints = np.array(cells, np.int64)
        self.cells[self.cells < 0] = len(found)
        self.starts: Ints = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        order = np.argsort(self.cells, kind="stable")
        self._holders: NDArray[np.int32] = np.repeat(np.arange(len(unique), dtype=np.int32), lengths)[order]
        self._first: Ints = np.searchsorted(self.cells[order], np.arange(len(found) + 2))
        by_row = np.argsort(self.row_of, kind="stable")
        self._members, self._member_starts = by_row, np.searchsorted(self.row_of[by_row], np.arange(len(unique) + 1))

    def __len__(self) -> int:
        return len(self.unique)

    def holders(self, statements: Ints) -> tuple[NDArray[np.int32], Ints]:
        """Rows that have the statements, one statement after the other, and how many each has."""
        return slices(self._holders, self._first, statements)

    def of(self, rows: Ints) -> tuple[Ints, Ints]:
        """Statements of the rows, one row after the other, and how many each has."""
        return slices(self.cells, self.starts, rows)

    def members(self, row: int) -> Ints:
        """Positions of the reports that say what the row says."""
        return self._members[self._member_starts[row] : self._member_starts[row + 1]]


def slices(values: NDArray[Number], starts: Ints, which: Ints) -> tuple[NDArray[Number], Ints]:
    """The slices ``values[starts[i]:starts[i + 1]]`` one after the other, and how long each is."""
    first = starts[which]
    times = starts[which + 1] - first
    ends = np.cumsum(times)
    return values[np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + times, times)], times


class Asked(Protocol):
    """A query over the rows of an index."""

    def bounds(self) -> Floats:
        """For each row a number that its similarity does not exceed (but for rounding)."""

    def exact(self, rows: Ints) -> Floats:
        """Similarity of these rows."""


class Scorer(Protocol):
    """A measure made ready for the rows of an index."""

    def ask(self, query: Said) -> Asked:
        """A query."""


class Measure(Protocol):
    """A measure that an index can work with."""

    def similarity(self, query: Said, reference: Said) -> float:
        """How alike two reports are, in [0, 1]."""

    def scorer(self, rows: Rows) -> Scorer:
        """The measure made ready for the rows of an index."""


class Index:
    """Reports by id, ready to be searched with one measure; the reports themselves are not kept twice."""

    def __init__(self, reports: Mapping[str, Said], measure: Measure) -> None:
        self.ids: tuple[str, ...] = tuple(reports)
        self._rows = Rows(tuple(reports.values()))
        self._scorer = measure.scorer(self._rows)

    def __len__(self) -> int:
        return len(self.ids)

    def nearest(self, query: Said, k: int = 10, without: Hashable = None) -> list[Neighbour]:
        """The k nearest reports, nearest first, ties in the order in which they were given.

        ``without`` is the id of a report that is left out: the query itself. Raises UsageError for a k below 1.
        """
        if k < 1:
            raise UsageError(f"k: expected 1 or more neighbours, got {k}")
        wanted = k + 1 if without is not None else k
        rows, values = _best(self._scorer.ask(query), len(self._rows), wanted)
        found = [
            Neighbour(self.ids[position], value)
            for _, position, value in sorted(
                (-value, position, value)
                for row, value in zip(rows.tolist(), values.tolist(), strict=True)
                for position in self._rows.members(row)[:wanted].tolist()
            )
        ]
        return [one for one in found if one.report_id != without][:k]

    def all_nearest(self, k: int = 10) -> Iterator[tuple[str, list[Neighbour]]]:
        """For each report its k nearest others, one after the other; reports that say the same come together."""
        for row, said in enumerate(self._rows.unique):
            found = self.nearest(said, k + 1)
            for position in self._rows.members(row).tolist():
                mine = self.ids[position]
                yield mine, [one for one in found if one.report_id != mine][:k]


def _best(asked: Asked, count: int, k: int) -> tuple[Ints, Floats]:
    """The k rows of the highest similarity, ties in their order."""
    bounds = asked.bounds()
    rows: Ints = np.zeros(0, np.int64)
    values: Floats = np.zeros(0)
    waiting: Ints = np.arange(count)
    step = max(k, _FIRST)
    while len(waiting):
        chosen: Ints = waiting
        if len(waiting) > step:
            chosen = waiting[np.argpartition(-bounds[waiting], step - 1)[:step]]
        rows, values = np.concatenate((rows, chosen)), np.concatenate((values, asked.exact(chosen)))
        order: Ints = np.lexsort((rows, -values))[:k]
        rows, values = np.take(rows, order), np.take(values, order)
        bounds[chosen] = -1.0
        least = values[-1] - _SLACK if len(values) == k else 0.0
        waiting, step = waiting[bounds[waiting] >= least], min(2 * step, _MOST)
    return rows, values
