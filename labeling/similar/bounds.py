"""The soft measure over an index: a bound for every row from the postings, and the measure itself for some rows.

The bound leaves out that what a reference contradicts in the query is like nothing, and what that costs; all else, and
all that the query contradicts in the reference, is in it. See ``labeling.similar.soft`` for the formula.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.similar.formula import DIGITS, Parameters
from labeling.similar.index import Rows
from labeling.similar.knowledge import Knowledge
from labeling.similar.relations import Relation, Relations
from labeling.similar.statements import Said, Statement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class SoftScorer:
    """The soft measure made ready for the rows of an index."""

    def __init__(self, rows: Rows, knowledge: Knowledge, parameters: Parameters) -> None:
        self.rows = rows
        self.parameters = parameters
        self._types = knowledge.types
        self.relations = Relations(rows.statements, knowledge, parameters)
        self.weights: Floats = np.array([*(self.weight(one) for one in rows.statements), 0.0])
        self.totals: Floats = np.add.reduceat(self.weights[rows.cells], rows.starts[:-1])

    def weight(self, one: Statement) -> float:
        """How much a statement counts."""
        return self.parameters.weight(one, self._types.get(one.concept, ""))

    def ask(self, query: Said) -> "SoftAsked":
        """A query."""
        return SoftAsked(self, query)


class SoftAsked:
    """A query over the rows of an index."""

    def __init__(self, scorer: SoftScorer, query: Said) -> None:
        self._scorer = scorer
        said = sorted(query)
        self._relations: Sequence[Relation] = [scorer.relations.of(one) for one in said]
        self._weights = np.array([scorer.weight(one) for one in said])
        size = len(scorer.weights)
        self._likest, clash, supported = np.zeros(size), np.zeros(size), np.zeros(size, np.bool_)
        for relation in self._relations:
            self._likest[relation.like] = np.maximum(self._likest[relation.like], relation.likeness)
            clash[relation.against] = np.maximum(clash[relation.against], relation.conflict)
            supported[relation.supports] = True
        self._clash = np.where(supported, 0.0, clash)
        self._likest[self._clash > 0] = 0.0

    def bounds(self) -> Floats:
        """For each row a number that its similarity does not exceed, but for rounding."""
        scorer = self._scorer
        if not self._relations:
            return np.ones(len(scorer.rows))
        found = self._found()
        found_back = self._summed(self._likest)
        clash = self._summed(self._clash)
        alone = self._weights.sum() - found, scorer.totals - found_back
        return scorer.parameters.ratio((found + found_back) / 2, alone, clash / 2)

    def _found(self) -> Floats:
        """For each row the weight of the query's statements that finds its like there."""
        rows = self._scorer.rows
        total, best = np.zeros(len(rows)), np.zeros(len(rows))
        for relation, weight in zip(self._relations, self._weights, strict=True):
            free = self._clash[relation.like] == 0
            holders, times = rows.holders(relation.like[free])
            best[holders] = np.repeat(relation.likeness[free] * weight, times)  # least first: the last is the most
            total += best
            best[holders] = 0.0
        return total

    def _summed(self, values: Floats) -> Floats:
        """For each row the weighted sum of its statements' values."""
        weighted = values * self._scorer.weights
        some = np.flatnonzero(weighted)
        holders, times = self._scorer.rows.holders(some)
        sums: Floats = np.bincount(holders, np.repeat(weighted[some], times), len(self._scorer.rows)).astype(np.float64)
        return sums

    def exact(self, rows: Ints) -> Floats:
        """Similarity of these rows."""
        scorer = self._scorer
        cells, times = scorer.rows.of(rows)
        if not self._relations:
            return np.where(scorer.totals[rows] > 0, 0.0, 1.0)
        starts = np.cumsum(times) - times
        table = np.zeros((3, len(scorer.weights)))
        back, agreed, clash = np.zeros(len(cells)), np.zeros(len(rows)), np.zeros(len(rows))
        for relation, weight in zip(self._relations, self._weights, strict=True):
            like, against, supported = self._spread(table, relation)[:, cells]
            struck = np.maximum.reduceat(against, starts)
            struck[np.maximum.reduceat(supported, starts) > 0] = 0.0
            like[np.repeat(struck, times) > 0] = 0.0
            agreed += weight * np.maximum.reduceat(like, starts)
            clash += weight * struck
            back = np.maximum(back, like)
            table[:] = 0.0
        theirs = scorer.weights[cells]
        agreed_back = np.add.reduceat(theirs * back, starts)
        clash += np.add.reduceat(theirs * self._clash[cells], starts)
        alone = self._weights.sum() - agreed, scorer.totals[rows] - agreed_back
        values = scorer.parameters.ratio((agreed + agreed_back) / 2, alone, clash / 2)
        rounded: Floats = np.round(values, DIGITS)
        return rounded

    def _spread(self, table: Floats, relation: Relation) -> Floats:
        """For each statement of the index: how like it is, how it strikes, whether it supports."""
        table[0, relation.like] = relation.likeness
        table[0, self._clash > 0] = 0.0
        table[1, relation.against] = relation.conflict
        table[2, relation.supports] = 1.0
        return table
