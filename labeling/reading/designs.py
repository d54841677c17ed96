"""Designs: which reader reads which case. Pure: numbers of cases and readers in, places out.

``all``: every reader reads every case. ``equal``: the readers of a case sit side by side in a circle of readers, and
the next case goes on where the last one ended. ``balanced``: an incomplete block design (Yates 1936), as near to
balanced as the numbers allow: any two readers share about equally many cases, so that agreement rests on all pairs
alike.

Bounds, held by the tests. *Loads* (cases of a reader) differ by one at most in every design: a case goes to those who
come next. *Meetings* (cases that a pair of readers shares) differ in ``balanced`` by one at most with two readers a
case, and by three at most, mostly by one, with more; the sum of squared meetings never exceeds that of ``equal``.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import combinations
from random import Random

from curation.errors import UsageError

_EXCHANGES = 20_000
"""Most exchanges that are tried to even out a design: about a fifth of a second."""


class Design(StrEnum):
    """How cases are given out."""

    ALL = "all"
    EQUAL = "equal"
    BALANCED = "balanced"


def assign(sizes: Sequence[int], n_readers: int, design: Design) -> list[tuple[int, ...]]:
    """For each case, the places (0 to ``n_readers`` - 1, sorted) of the readers who read it.

    ``sizes`` says how many readers a case has; ``all`` gives it to everybody whatever it says. Raises UsageError for a
    case of no reader, or of more readers than there are.
    """
    if design is Design.ALL:
        return [tuple(range(n_readers))] * len(sizes)
    for size in sorted({*sizes}):
        if not 1 <= size <= n_readers:
            raise UsageError(f"expected 1 to {n_readers} readers a case, as many as are named: got {size}")
    if design is Design.EQUAL:
        return list(_circle(sizes, n_readers))
    return _Blocks(sizes, n_readers).evened()


def _circle(sizes: Sequence[int], n_readers: int) -> Iterator[tuple[int, ...]]:
    start = 0
    for size in sizes:
        yield tuple(sorted((start + step) % n_readers for step in range(size)))
        start = (start + size) % n_readers


class _Blocks:
    """The circle's blocks, evened: two readers change places between two cases, which leaves loads as they are."""

    def __init__(self, sizes: Sequence[int], n_readers: int) -> None:
        self._blocks = [set(block) for block in _circle(sizes, n_readers)]
        self._met = dict.fromkeys(combinations(range(n_readers), 2), 0)
        for block in self._blocks:
            for pair in combinations(sorted(block), 2):
                self._met[pair] += 1

    def evened(self) -> list[tuple[int, ...]]:
        """Random exchanges, kept where meetings become no less even; the same for the same sizes."""
        draw = Random(len(self._blocks))  # noqa: S311 - repeatable, not secret
        for trial in range(_EXCHANGES if self._blocks else 0):
            if trial % 50 == 0 and self._is_even():
                break
            one, other = draw.choice(self._blocks), draw.choice(self._blocks)
            if (only_one := sorted(one - other)) and (only_other := sorted(other - one)):
                self._exchange(one, other, draw.choice(only_one), draw.choice(only_other))
        return [tuple(sorted(block)) for block in self._blocks]

    def _is_even(self) -> bool:
        counts = self._met.values()
        return max(counts, default=0) - min(counts, default=0) <= 1

    def _exchange(self, one: set[int], other: set[int], leaves: int, comes: int) -> None:
        """``leaves`` goes from one case to the other, ``comes`` the other way, unless meetings become less even."""
        fewer = [_pair(leaves, stays) for stays in one - other - {leaves}]
        fewer += [_pair(comes, stays) for stays in other - one - {comes}]
        more = [_pair(comes, stays) for stays in one - other - {leaves}]
        more += [_pair(leaves, stays) for stays in other - one - {comes}]
        if sum(self._met[pair] + 1 for pair in more) > sum(self._met[pair] for pair in fewer):
            return  # the sum of squared meetings would grow
        for pair in fewer:
            self._met[pair] -= 1
        for pair in more:
            self._met[pair] += 1
        one ^= {leaves, comes}
        other ^= {leaves, comes}


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
