"""The ontology-based measure of the concept distillation paper, as its public code has it, kept as a preset.

With T the concepts that the query says are or may be there, T_neg those that it says are absent, R the concepts that
the reference says are or may be there, T⁺ = T and what of R a synonym edge reaches from T, and w the sum of weights:

    I = w(R ∩ T),  f = w(R − T⁺),  b = w(T⁺ − R),  C = w(T ∩ T_neg)
    similarity = I / (I + β (α min(f, b) + (1 − α) max(f, b)) + C)

Weights go by semantic type: disease (T047) 3, pathologic function (T046) 2, finding (T033) 1, all others 0. What it
cannot see: places, sides, devices and fractures weigh nothing; a synonym never adds to I; what the query says is
there is never held against what the reference says is absent. It lies in [0, 1], and is 0 where nothing has a weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from labeling.similar.formula import DIGITS
from labeling.similar.index import Rows
from labeling.similar.statements import Said

Floats = NDArray[np.float64]

WEIGHTS: Mapping[str, float] = MappingProxyType({"T047": 3.0, "T046": 2.0, "T033": 1.0})


@dataclass(frozen=True, eq=False)
class PublishedMeasure:
    """The preset: ``types`` gives each concept its semantic type, ``synonyms`` each concept those it has an edge to."""

    types: Mapping[str, str]
    synonyms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    alpha: float = 0.5
    beta: float = 1.0

    def weight(self, concept: str) -> float:
        """How much a concept counts."""
        return self.weights.get(self.types.get(concept, ""), 0.0)

    def similarity(self, query: Said, reference: Said) -> float:
        """How alike a reference is to a query, in [0, 1]; not symmetric."""
        asked, theirs = affirmed(query), affirmed(reference)
        reached = asked | (theirs & self.reach(asked))
        shared = self._sum(theirs & asked)
        alone = self._sum(theirs - reached), self._sum(reached - theirs)
        apart = self.alpha * min(alone) + (1 - self.alpha) * max(alone)
        total = shared + self.beta * apart + self._sum(asked & denied(query))
        return round(shared / total, DIGITS) if total > 0 else 0.0

    def reach(self, concepts: frozenset[str]) -> frozenset[str]:
        """What synonym edges reach from the concepts."""
        return frozenset().union(*(self.synonyms.get(concept, frozenset()) for concept in concepts))

    def scorer(self, rows: Rows) -> "PublishedScorer":
        """The measure made ready for the rows of an index."""
        return PublishedScorer(rows, self)

    def _sum(self, concepts: frozenset[str]) -> float:
        return sum(self.weight(concept) for concept in sorted(concepts))


def affirmed(said: Said) -> frozenset[str]:
    """Concepts that are or may be there."""
    return frozenset(one.concept for one in said if not one.is_absent)


def denied(said: Said) -> frozenset[str]:
    """Concepts that are said to be absent."""
    return frozenset(one.concept for one in said if one.is_absent)


class PublishedScorer:
    """The preset over the rows of an index: sums of weights, so every row at once."""

    def __init__(self, rows: Rows, measure: PublishedMeasure) -> None:
        self.measure = measure
        sets = [affirmed(said) for said in rows.unique]
        self.concepts = {concept: number for number, concept in enumerate(sorted(frozenset().union(*sets)))}
        cells = [self.concepts[concept] for said in sets for concept in sorted(said)]
        starts = np.cumsum([0, *(len(said) for said in sets)])
        self.held = sparse.csr_array((np.ones(len(cells)), cells, starts), shape=(len(sets), len(self.concepts)))
        self.weights = np.array([measure.weight(concept) for concept in self.concepts])
        self.totals: Floats = self.held @ self.weights

    def ask(self, query: Said) -> "PublishedAsked":
        """A query."""
        return PublishedAsked(self._all(query))

    def _all(self, query: Said) -> Floats:
        measure, asked = self.measure, affirmed(query)
        shared = self.held @ self._weigh(asked)
        alone = self.totals - self.held @ self._weigh(asked | measure.reach(asked)), self._of(asked) - shared
        apart = measure.alpha * np.minimum(*alone) + (1 - measure.alpha) * np.maximum(*alone)
        total = shared + measure.beta * apart + self._of(asked & denied(query))
        values: Floats = np.divide(shared, total, out=np.zeros(len(shared)), where=total > 0)
        return np.round(values, DIGITS)

    def _weigh(self, concepts: frozenset[str]) -> Floats:
        """Weights of the concepts of the index, 0 for all but these."""
        kept = np.array([concept in concepts for concept in self.concepts], np.bool_)
        return np.where(kept, self.weights, 0.0)

    def _of(self, concepts: frozenset[str]) -> float:
        return sum(self.measure.weight(concept) for concept in sorted(concepts))


@dataclass(frozen=True, eq=False)
class PublishedAsked:
    """A query, with the similarity of every row."""

    values: Floats

    def bounds(self) -> Floats:
        """The similarities themselves."""
        return self.values.copy()

    def exact(self, rows: NDArray[np.int64]) -> Floats:
        """Similarity of these rows."""
        return self.values[rows]
