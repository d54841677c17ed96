"""What the measures know of concepts and places; the chest's comes from the tables in ``labeling/rules``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from labeling.concepts.ontology import Ontology
from labeling.concepts.table import concepts, edges
from labeling.mining.lexicon import read_rules

_KEPT = 1 << 15
"""Pairs of concepts, and sets of places, of which the answer is kept: reports repeat themselves."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """A hierarchy of concepts, one of places, and what else is known of a concept.

    ``types`` gives each concept its UMLS semantic type (TUI), ``homes`` the place where it lies when a text names none,
    ``opposites`` what cannot both be there. A concept or place that stands in none of them is like itself only.
    """

    concepts: Ontology
    places: Ontology = field(default_factory=lambda: Ontology(()))
    types: Mapping[str, str] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    opposites: frozenset[frozenset[str]] = frozenset()

    def where(self, concept: str, places: tuple[str, ...]) -> tuple[str, ...]:
        """The places that were named, else the concept's home, else none."""
        return places or ((self.homes[concept],) if concept in self.homes else ())

    def wholes(self, places: tuple[str, ...]) -> frozenset[str]:
        """The places and all that they are part of."""
        return _wholes(self.places, places)

    def lin(self, one: str, other: str) -> float:
        """How alike two concepts are, in [0, 1]."""
        return _lin(self.concepts, one, other)

    def is_a(self, one: str, other: str) -> bool:
        """Whether a concept is another or a kind of it."""
        return other in _kinds(self.concepts, one)

    def places_alike(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
        """Jaccard index of the places with all that they are part of; ½ where only one side names any."""
        if not ours or not theirs:
            return 1.0 if ours == theirs else 0.5
        wide, wider = self.wholes(ours), self.wholes(theirs)
        return len(wide & wider) / len(wide | wider)

    def narrows(self, concept: str, place: str) -> bool:
        """Whether a place is a part of the concept's home, and not all of it."""
        home = self.homes.get(concept)
        return home is not None and place != home and self.places.is_a(place, home)


@lru_cache(_KEPT)
def _lin(concepts: Ontology, one: str, other: str) -> float:
    return concepts.lin(one, other)


@lru_cache(_KEPT)
def _kinds(concepts: Ontology, one: str) -> frozenset[str]:
    return concepts.ancestors(one) if one in concepts else frozenset({one})


@lru_cache(_KEPT)
def _wholes(parts: Ontology, places: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*(parts.ancestors(place) if place in parts else {place} for place in places))


@cache
def chest_knowledge() -> Knowledge:
    """From ``concepts.tsv`` (hierarchy, types, opposites), ``homes.tsv`` and ``places.tsv``."""
    table = concepts()
    parts = {row["name"]: row["part_of"].split() for row in read_rules("places")}
    return Knowledge(
        concepts=Ontology(edges(), table),
        places=Ontology([(part, whole) for part, wholes in parts.items() for whole in wholes], parts),
        types={one.concept_id: one.semantic_type for one in table.values() if one.semantic_type},
        homes={row["finding"]: row["home"] for row in read_rules("homes") if not row["why"]},
        opposites=frozenset(frozenset({one.concept_id, other}) for one in table.values() for other in one.opposites),
    )
