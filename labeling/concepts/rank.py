"""Which concept a phrase means, of those that a dictionary gives it: scored, ranked, and none where nothing is likely.

    prior · (0.50 + 0.25 own + 0.15 known + 0.10 near) − 0.50 unmeant

    prior     of the semantic type in a chest report (rules/semantic_types.tsv), the best of the concept's types
    own       the phrase is the concept's own name
    known     how many sources call it so: log(1 + sources) / log(9), at most 1
    near      words of the concept's name that are not in the phrase but stand around it: half for one, all for two
    unmeant   every source writes it in capitals, and the text does not: an abbreviation that was not meant

The weights are set by hand, not fitted: no open gold links chest reports to the UMLS.
"""

from collections.abc import Iterable
from functools import cache
from math import log
from typing import NamedTuple

from labeling.concepts.dictionary import Candidate
from labeling.concepts.keys import normalised
from labeling.mining.lexicon import read_rules

NIL_BELOW = 0.35
"""A score below is no link: of a type that reports do not speak of, or an abbreviation that was not meant."""

_UNTYPED = 0.9  # of a term list: its owner chose the terms


class Ranked(NamedTuple):
    """A candidate and its score in [0, 1]."""

    score: float
    candidate: Candidate


def rank(mention: str, candidates: Iterable[Candidate], context: str = "") -> list[Ranked]:
    """Candidates that are likely enough, best first; none is NIL. ``context`` is what stands around the mention."""
    if says_nothing(mention):
        return []
    words = frozenset(normalised(mention).split())
    near = frozenset(normalised(context).split()) - words - _stop_words()
    scored = [Ranked(_score(mention, words, one, near), one) for one in candidates]
    likely = [one for one in scored if one.score >= NIL_BELOW]
    return sorted(likely, key=lambda one: (-one.score, one.candidate.concept_id))


def says_nothing(mention: str) -> bool:
    """Whether a mention is made of stop words, numbers and single letters: none of these is ever linked."""
    words = normalised(mention).split()
    return all(word in _stop_words() or len(word) < 2 or word.replace(".", "").isdigit() for word in words)


def _score(mention: str, words: frozenset[str], candidate: Candidate, near: frozenset[str]) -> float:
    known = min(log(1 + candidate.n_sources) / log(9), 1.0)
    more = len((frozenset(normalised(candidate.name).split()) - words) & near)
    unmeant = candidate.only_capitals and not mention.isupper()
    sureness = 0.50 + 0.25 * candidate.is_preferred + 0.15 * known + 0.10 * min(more / 2, 1.0)
    score = _prior(candidate.types) * sureness - 0.50 * unmeant
    return max(score, 0.0)


def _prior(types: tuple[str, ...]) -> float:
    priors = _priors()
    return max((priors.get(tui, priors["*"]) for tui in types), default=_UNTYPED)


@cache
def _priors() -> dict[str, float]:
    return {row["tui"]: float(row["prior"]) for row in read_rules("semantic_types")}


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(word.strip() for row in read_rules("stop_words") for word in row["words"].split("|"))
