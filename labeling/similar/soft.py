"""The measure: how alike two reports are, with likeness over the hierarchy, real contradictions and places.

A statement q of one report is as like a statement r of the other as

    s(q, r) = kin(q, r) · hedge(q, r) · (1 − u·(1 − side(q, r)) − v·(1 − place(q, r)))

    kin    1 for the same concept, else ``kin`` · Lin over the hierarchy (Lin 1998); 0 for Lin below ``floor``
    hedge  1 for the same assertion, ``hedged`` for present beside uncertain, 0 where only one is absent
    side   1 for the same, ½ where one is unsaid or one is bilateral, 0 for left and right
    place  Jaccard index of the places with all that they are part of; ½ where only one is known

and strikes against it with o(q, r) > 0 where both cannot be so: one is absent and the other is the same concept or a
kind of it, on a side and in a place that the absent one covers; both are there and are opposites, not on other sides,
or are the same concept on the left and on the right (``one_sided``). Where one is uncertain, o is ``hedged_conflict``
times that. A statement is *contradicted* by a report where some statement there strikes against it and none there
supports it (the same concept and assertion, not on the other side): c(q, R) = max o(q, r), else 0. A contradicted
statement is like nothing. With w the weight of a statement (semantic type × assertion),

    m(q, R) = max s(q, r) over the statements r that Q does not contradict; 0 if R contradicts q
    A = ½ (Σ w(q) m(q, R) + Σ w(r) m(r, Q))        what agrees
    f = Σ w(q) (1 − m(q, R)),  b = Σ w(r) (1 − m(r, Q))      what only one says
    C = ½ (Σ w(q) c(q, R) + Σ w(r) c(r, Q))        what is contradicted
    similarity = A / (A + β (α min(f, b) + (1 − α) max(f, b)) + γ C)

which has the form of Tversky's ratio (1977, Psychological Review 84:327) that the published measure has too. It is
symmetric, lies in [0, 1], and is 1 for a report and itself; a statement that both reports gain, and that contradicts
nothing in them, never lowers it, and a statement of one that is contradicted by the other never raises it. Two reports
that say nothing are alike, and unlike all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from curation.records import Assertion
from labeling.similar.bounds import SoftScorer
from labeling.similar.formula import DIGITS, Parameters, covers_side, side_likeness, supports
from labeling.similar.index import Rows
from labeling.similar.knowledge import Knowledge
from labeling.similar.statements import LEFT, RIGHT, Said, Statement


@dataclass(frozen=True, eq=False)
class SoftMeasure:
    """The measure over what is known of the concepts."""

    knowledge: Knowledge
    parameters: Parameters = field(default_factory=Parameters)

    def weight(self, one: Statement) -> float:
        """How much a statement counts."""
        return self.parameters.weight(one, self.knowledge.types.get(one.concept, ""))

    def likeness(self, one: Statement, other: Statement) -> float:
        """s of the formula, in [0, 1]."""
        lin = self.knowledge.lin(one.concept, other.concept)
        if lin < self.parameters.floor or one.is_absent != other.is_absent:
            return 0.0
        lin *= 1.0 if one.concept == other.concept else self.parameters.kin
        hedge = 1.0 if one.assertion is other.assertion else self.parameters.hedged
        apart = self.parameters.side_share * (1 - side_likeness(one.laterality, other.laterality))
        apart += self.parameters.place_share * (1 - self._place_likeness(one, other))
        return lin * hedge * (1 - apart)

    def conflict(self, one: Statement, other: Statement) -> float:
        """o of the formula, in [0, 1]."""
        known, parameters = self.knowledge, self.parameters
        hedge = parameters.hedged_conflict if Assertion.UNCERTAIN in (one.assertion, other.assertion) else 1.0
        if one.is_absent and other.is_absent:
            return 0.0
        if one.is_absent or other.is_absent:
            absent, there = (one, other) if one.is_absent else (other, one)
            return hedge if known.is_a(there.concept, absent.concept) and self._covers(absent, there) else 0.0
        apart = {one.laterality, other.laterality} == {LEFT, RIGHT}
        if frozenset({one.concept, other.concept}) in known.opposites:
            return 0.0 if apart else hedge
        return hedge * parameters.one_sided if apart and one.concept == other.concept else 0.0

    def similarity(self, query: Said, reference: Said) -> float:
        """How alike two reports are, in [0, 1]."""
        if not query or not reference:
            return 1.0 if query == reference else 0.0
        against = {one: self._contradiction(one, reference) for one in query}
        counter = {one: self._contradiction(one, query) for one in reference}
        agreed, alone = self._matched(query, reference, against, counter)
        agreed_back, alone_back = self._matched(reference, query, counter, against)
        clash = sum(self.weight(one) * against[one] for one in query)
        clash += sum(self.weight(one) * counter[one] for one in reference)
        both, one, other, struck = np.array([(agreed + agreed_back) / 2, alone, alone_back, clash / 2]).reshape(4, 1)
        return round(float(self.parameters.ratio(both, (one, other), struck)[0]), DIGITS)

    def scorer(self, rows: Rows) -> SoftScorer:
        """The measure made ready for the rows of an index."""
        return SoftScorer(rows, self.knowledge, self.parameters)

    def _matched(
        self, ours: Said, theirs: Said, against: Mapping[Statement, float], counter: Mapping[Statement, float]
    ) -> tuple[float, float]:
        """Weight that finds its like, and weight that does not."""
        agreed = alone = 0.0
        for one in sorted(ours):
            free = [] if against[one] else [other for other in theirs if not counter[other]]
            best = max((self.likeness(one, other) for other in free), default=0.0)
            agreed += self.weight(one) * best
            alone += self.weight(one) * (1 - best)
        return agreed, alone

    def _contradiction(self, one: Statement, others: Said) -> float:
        if any(supports(one, other) for other in others):
            return 0.0
        return max((self.conflict(one, other) for other in others), default=0.0)

    def _place_likeness(self, one: Statement, other: Statement) -> float:
        ours = self.knowledge.where(one.concept, one.places)
        return self.knowledge.places_alike(ours, self.knowledge.where(other.concept, other.places))

    def _covers(self, absent: Statement, there: Statement) -> bool:
        """Whether what is said to be absent speaks of the side and the place where the other is."""
        if not covers_side(absent.laterality, there.laterality):
            return False
        where = self.knowledge.wholes(self.knowledge.where(there.concept, there.places))
        return not absent.places or not where.isdisjoint(absent.places)
