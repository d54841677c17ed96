"""Reports ranked by how alike they are in one part of the body, as RadIR asks of a retrieval (Zhang et al. 2025).

A report is cut down to what it says of that anatomy, and the cut reports are compared; of one that says nothing of it
nothing can be said. What is absent from a whole is absent from its parts: "the lungs are clear" speaks of the left
lower lobe, "an opacity in the lungs" does not.
"""

from collections.abc import Mapping
from typing import NamedTuple

from curation.errors import UsageError
from labeling.similar.index import Index, Measure
from labeling.similar.knowledge import Knowledge
from labeling.similar.statements import BILATERAL, LEFT, RIGHT, UNSAID, Said, Statement

GRADES = (0.25, 0.5, 0.75)
"""Least similarity of the relevance grades 1, 2 and 3."""

_KEPT = 16
"""Parts of the body whose index is kept."""


class Anatomy(NamedTuple):
    """A place of ``rules/places.tsv``, both sides of it or one."""

    place: str
    laterality: str = UNSAID


class Ranked(NamedTuple):
    """A report in a ranking: its similarity in that anatomy, in [0, 1], and its grade of relevance, 0 to 3."""

    report_id: str
    similarity: float
    grade: int


def about(said: Said, anatomy: Anatomy, knowledge: Knowledge) -> Said:
    """What a report says of a part of the body.

    Raises UsageError for a place that the knowledge has not, or a side that is neither left, right nor both.
    """
    if anatomy.place not in knowledge.places or anatomy.laterality not in (UNSAID, LEFT, RIGHT, BILATERAL):
        raise UsageError("anatomy: expected a place of rules/places.tsv, and left, right, bilateral or no side")
    return frozenset(one for one in said if _lies_in(one, anatomy, knowledge))


def _lies_in(one: Statement, anatomy: Anatomy, knowledge: Knowledge) -> bool:
    if {one.laterality, anatomy.laterality} == {LEFT, RIGHT}:
        return False
    where = knowledge.where(one.concept, one.places)
    if any(knowledge.places.is_a(place, anatomy.place) for place in where):
        return True
    return one.is_absent and not knowledge.wholes((anatomy.place,)).isdisjoint(where)


def grade(similarity: float) -> int:
    """Grade of relevance of a similarity."""
    return sum(similarity >= least for least in GRADES)


class AnatomyRanking:
    """Reports by id, to be ranked part by part; the index of a part is built when it is first asked for."""

    def __init__(self, reports: Mapping[str, Said], measure: Measure, knowledge: Knowledge) -> None:
        self._reports = reports
        self._measure = measure
        self._knowledge = knowledge
        self._kept: dict[Anatomy, Index] = {}

    def rank(self, query: Said, anatomy: Anatomy, k: int = 10) -> list[Ranked]:
        """The k reports that are most like the query in that anatomy; none if the query says nothing of it."""
        cut = about(query, anatomy, self._knowledge)
        index = self._index(anatomy)
        if not cut or not len(index):
            return []
        return [Ranked(*one, grade(one.similarity)) for one in index.nearest(cut, k)]

    def _index(self, anatomy: Anatomy) -> Index:
        if anatomy not in self._kept:
            cut = {name: about(said, anatomy, self._knowledge) for name, said in self._reports.items()}
            if len(self._kept) == _KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[anatomy] = Index({name: said for name, said in cut.items() if said}, self._measure)
        return self._kept[anatomy]
