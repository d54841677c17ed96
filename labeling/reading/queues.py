"""Queues: in which order a reader meets cases. Pure.

What matters most comes first, and control and gold cases are strewn in anywhere, so that a place in the queue gives
nothing away. Between a case and its hidden repeat lie at least half of the reader's cases.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple


class Turn(NamedTuple):
    """A case as it comes up; ``repeat`` is 1 where it comes up again."""

    case_id: str
    repeat: int


def queue(routed: Sequence[str], strewn: Sequence[str], n_repeats: int, draw: Random) -> list[Turn]:
    """One reader's queue of cases, all by id.

    ``routed`` come in the given order, ``strewn`` anywhere between. Of both, ``n_repeats`` drawn at random come up
    twice, at most a quarter of the cases: first among the first two fifths, and again at least half of the cases later.
    """
    order = list(routed)
    for case_id in strewn:
        order.insert(draw.randint(0, len(order)), case_id)
    size = len(order)
    again = frozenset(draw.sample(order, min(n_repeats, size // 4)))
    slots = frozenset(draw.sample(range(size * 2 // 5), len(again)))
    twice = iter([case_id for case_id in order if case_id in again])
    once = iter([case_id for case_id in order if case_id not in again])
    firsts = [next(twice if place in slots else once) for place in range(size)]
    seconds: dict[int, list[Turn]] = {}
    for place, case_id in enumerate(firsts):
        if case_id in again:
            seconds.setdefault(draw.randint(place + size // 2, size - 1), []).append(Turn(case_id, 1))
    turns: list[Turn] = []
    for place, case_id in enumerate(firsts):
        turns += [Turn(case_id, 0), *seconds.get(place, ())]
    return turns
