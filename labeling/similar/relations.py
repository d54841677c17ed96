"""How one statement stands to every statement of an index: what it is like, and what strikes against it.

The pairs of ``SoftMeasure.likeness`` and ``conflict``, one row of them at a time: concepts that are near first, then
the statements that name them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.records import Assertion
from labeling.similar.formula import Parameters, covers_side, side_likeness
from labeling.similar.index import slices
from labeling.similar.knowledge import Knowledge
from labeling.similar.statements import BILATERAL, LEFT, RIGHT, UNSAID, Statement

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_SIDES = (UNSAID, LEFT, RIGHT, BILATERAL)
_ASSERTIONS = (Assertion.PRESENT, Assertion.UNCERTAIN, Assertion.ABSENT)
_UNCERTAIN, _ABSENT = 1, 2
_SIDE_LIKENESS = np.array([[side_likeness(one, other) for other in _SIDES] for one in _SIDES])
_COVERS = np.array([[covers_side(absent, there) for there in _SIDES] for absent in _SIDES])
_OPPOSED = np.array([[{one, other} == {LEFT, RIGHT} for other in _SIDES] for one in _SIDES])
_KEPT = 1 << 11
"""Statements whose relations are kept, some 20 kB each: reports repeat themselves."""


class Relation(NamedTuple):
    """Where, among the statements of an index, those stand to which one statement has a relation."""

    like: Ints
    """What it is like, least first."""
    likeness: Floats
    against: Ints
    """What strikes against it."""
    conflict: Floats
    supports: Ints
    """What supports it."""


class _Near(NamedTuple):
    """Concepts of an index, by number, beside one concept."""

    like: Ints
    lin: Floats
    above: Ints
    below: Ints
    opposed: Ints
    same: Ints


class Relations:
    """The statements of an index, ready to be compared with any statement."""

    def __init__(self, statements: Sequence[Statement], knowledge: Knowledge, parameters: Parameters) -> None:
        self._knowledge = knowledge
        self._parameters = parameters
        self._concepts = {
            concept: number for number, concept in enumerate(dict.fromkeys(one.concept for one in statements))
        }
        self._sets: dict[tuple[str, ...], int] = {}
        where = knowledge.where
        self._where = self._numbered([where(one.concept, one.places) for one in statements])
        self._stated = self._numbered([one.places for one in statements])
        self._wholes = [knowledge.wholes(places) for places in self._sets]
        concepts = np.array([self._concepts[one.concept] for one in statements], np.int64)
        self._by_concept = np.argsort(concepts, kind="stable")
        self._starts: Ints = np.searchsorted(concepts[self._by_concept], np.arange(len(self._concepts) + 1))
        self._assertion: Ints = np.array([_ASSERTIONS.index(one.assertion) for one in statements], np.int64)
        self._side: Ints = np.array([_SIDES.index(one.laterality) for one in statements], np.int64)
        known = knowledge.concepts
        placed = [(number, known.node(concept)) for concept, number in self._concepts.items() if concept in known]
        self._numbers, self._nodes = np.array(placed, np.int64).reshape(-1, 2).T
        self._above, times = known.closure(self._nodes)
        self._above_of = np.repeat(self._numbers, times)
        self.of = lru_cache(_KEPT)(self._relate)
        self._near = lru_cache(_KEPT)(self._concepts_near)
        self._place_rows = lru_cache(_KEPT)(self._places_near)

    def _numbered(self, places: Sequence[tuple[str, ...]]) -> Ints:
        return np.array([self._sets.setdefault(one, len(self._sets)) for one in places], np.int64)

    def _relate(self, one: Statement) -> Relation:
        near = self._near(one.concept)
        assertion, side = _ASSERTIONS.index(one.assertion), _SIDES.index(one.laterality)
        like, likeness = self._likes(one, near)
        absent = assertion == _ABSENT
        against, strength = self._denied(one, near.below) if absent else self._contested(one, near)
        uncertain = (self._assertion[against] == _UNCERTAIN) | (assertion == _UNCERTAIN)
        conflict = strength * np.where(uncertain, self._parameters.hedged_conflict, 1.0)
        same, _ = self._naming(near.same)
        same = same[(self._assertion[same] == assertion) & ~_OPPOSED[side, self._side[same]]]
        return Relation(like, likeness, against[conflict > 0], conflict[conflict > 0], same)

    def _likes(self, one: Statement, near: _Near) -> tuple[Ints, Floats]:
        parameters = self._parameters
        keys, times = self._naming(near.like)
        lin = np.repeat(near.lin, times)
        fit = (self._assertion[keys] == _ABSENT) == one.is_absent
        keys, lin = keys[fit], lin[fit]
        hedge = np.where(self._assertion[keys] == _ASSERTIONS.index(one.assertion), 1.0, parameters.hedged)
        side = _SIDE_LIKENESS[_SIDES.index(one.laterality), self._side[keys]]
        place = self._place_rows(self._knowledge.where(one.concept, one.places))[self._where[keys]]
        apart = parameters.side_share * (1 - side) + parameters.place_share * (1 - place)
        likeness = lin * hedge * (1 - apart)
        order = np.argsort(likeness, kind="stable")
        order = order[likeness[order] > 0]
        return keys[order], likeness[order]

    def _denied(self, absent: Statement, below: Ints) -> tuple[Ints, Floats]:
        """Statements that something is there which this one says is absent."""
        keys, _ = self._naming(below)
        fit = (self._assertion[keys] != _ABSENT) & _COVERS[_SIDES.index(absent.laterality), self._side[keys]]
        if absent.places:
            touched = np.array([not whole.isdisjoint(absent.places) for whole in self._wholes], np.bool_)
            fit &= touched[self._where[keys]]
        return keys[fit], np.ones(np.count_nonzero(fit))

    def _contested(self, there: Statement, near: _Near) -> tuple[Ints, Floats]:
        """Statements that deny what this one says is there, or say that its opposite is."""
        side = _SIDES.index(there.laterality)
        known = self._knowledge
        keys, _ = self._naming(near.above)
        where = known.wholes(known.where(there.concept, there.places))
        touched = np.array([not places or not where.isdisjoint(places) for places in self._sets], np.bool_)
        fit = (self._assertion[keys] == _ABSENT) & _COVERS[self._side[keys], side] & touched[self._stated[keys]]
        opposed, _ = self._naming(near.opposed)
        opposed = opposed[(self._assertion[opposed] != _ABSENT) & ~_OPPOSED[side, self._side[opposed]]]
        other, _ = self._naming(near.same)
        other = other[(self._assertion[other] != _ABSENT) & _OPPOSED[side, self._side[other]]]
        strengths = (1.0, 1.0, self._parameters.one_sided)
        parts = (keys[fit], opposed, other)
        return np.concatenate(parts), np.repeat(strengths, [len(part) for part in parts])

    def _naming(self, concepts: Ints) -> tuple[Ints, Ints]:
        """Statements that name the concepts, one concept after the other, and how many name each."""
        return slices(self._by_concept, self._starts, concepts)

    def _concepts_near(self, concept: str) -> _Near:
        known = self._knowledge
        number = self._concepts.get(concept)
        same = np.array([] if number is None else [number], np.int64)
        against = [
            self._concepts[other]
            for pair in known.opposites
            if concept in pair
            for other in pair - {concept}
            if other in self._concepts
        ]
        opposed = np.array(against, np.int64)
        if concept not in known.concepts:
            return _Near(same, np.ones(len(same)), same, same, opposed, same)
        node = known.concepts.node(concept)
        lin = known.concepts.lin_to(node, self._nodes)
        fit = lin >= self._parameters.floor
        above = self._numbers[np.isin(self._nodes, known.concepts.closure(np.array([node]))[0])]
        lin = np.where(self._nodes == node, 1.0, self._parameters.kin * lin)
        return _Near(self._numbers[fit], lin[fit], above, self._above_of[self._above == node], opposed, same)

    def _places_near(self, where: tuple[str, ...]) -> Floats:
        """How like these places are to those of each set that is known here."""
        likeness = self._knowledge.places_alike
        return np.array([likeness(where, other) for other in self._sets], np.float64)
