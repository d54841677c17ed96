"""When and whose: temporality and experiencer of a mention, after ConText (Harkema 2009).

Rules (``rules/context.tsv``) have a scope to one side that ends with the clause. Of the changes since an earlier
examination the nearest speaks; a history, a question or another person takes the mention out of this examination,
unless a change is said ("the previously seen effusion has decreased").
"""

from collections.abc import Sequence
from typing import NamedTuple

from curation.records import OTHER, PATIENT, Assertion, Temporality
from labeling.mining.lexicon import Match, Term


class Context(NamedTuple):
    """Temporality, experiencer, and the rule that decided; empty where nothing is said."""

    temporality: Temporality
    experiencer: str
    rule_id: str


UNSAID = Context(Temporality.UNSAID, PATIENT, "")

_STRENGTH = {"other": 3, "hypothetical": 2, "historical": 2, "earlier": 0}
"""Stronger names speak first; changes have 1. ``earlier`` is a history that gives way to any change."""
_OF_ABSENT = {Temporality.RESOLVED, Temporality.HISTORICAL, Temporality.HYPOTHETICAL}
"""What can be said of a finding that is absent: it is neither new nor the same."""


def context_of(start: int, end: int, found: Sequence[Match], assertion: Assertion) -> Context:
    """What the context rules of a clause say of its tokens ``start`` to ``end``, which it asserts or denies."""
    best = _strongest(start, end, found)
    if best is None:
        return UNSAID
    if best.name == "other":
        return Context(Temporality.UNSAID, OTHER, best.rule_id)
    is_absent = assertion is Assertion.ABSENT
    if best.name == "earlier":
        said = Temporality.RESOLVED if is_absent else Temporality.HISTORICAL
    else:
        said = Temporality(best.name)
    if is_absent and said not in _OF_ABSENT:
        return UNSAID
    return Context(said, PATIENT, best.rule_id)


def _strongest(start: int, end: int, found: Sequence[Match]) -> Term | None:
    """The rule that speaks: the strongest that reaches the mention, and of those the nearest."""
    best = None
    rank = (-1, 0)
    for match in found:
        distance = _distance(start, end, match)
        if distance is not None:
            here = (_STRENGTH.get(match.term.name, 1), -distance)
            if here > rank:
                best, rank = match.term, here
    return best


def _distance(start: int, end: int, match: Match) -> int | None:
    """Tokens from a rule's words to the mention, None if it does not reach it.

    Of words inside the mention only "remains" and the like count: "the heart remains enlarged" is unchanged, "increased
    markings" are not.
    """
    term = match.term
    if match.end <= start:
        distance = start - match.end
        reached = term.side == "both" or (term.side == "after" and (term.reach == 0 or distance <= term.reach))
    elif match.start >= end:
        distance = match.start - end
        reached = term.side in ("before", "both") and (term.reach == 0 or distance <= term.reach)
    else:
        distance = 0
        reached = term.name == "stable"
    return distance if reached else None
