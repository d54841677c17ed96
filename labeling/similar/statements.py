"""A report as the set of what it says: a concept, whether it is there, on which side and where."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from curation.records import Assertion
from labeling.similar.knowledge import Knowledge

LEFT, RIGHT, BILATERAL, UNSAID = "left", "right", "bilateral", ""


class Mentioned(Protocol):
    """As much of a mention as is used here; rows of the table and what the reader gives both have it."""

    @property
    def finding(self) -> str:
        """Concept that is named."""

    @property
    def assertion(self) -> Assertion:
        """Present, absent or uncertain."""

    @property
    def laterality(self) -> str:
        """Left, right, bilateral, or empty."""

    @property
    def location(self) -> tuple[str, ...]:
        """Names of places."""

    @property
    def is_current(self) -> bool:
        """Whether it speaks of this patient in this examination."""


class Statement(NamedTuple):
    """One thing that a report says; ``places`` are sorted and may be empty, ``laterality`` too."""

    concept: str
    assertion: Assertion
    laterality: str = UNSAID
    places: tuple[str, ...] = ()

    @property
    def is_absent(self) -> bool:
        """Whether it says that the concept is not there."""
        return self.assertion is Assertion.ABSENT


Said = frozenset[Statement]
"""A report."""


def statements(mentions: Iterable[Mentioned], knowledge: Knowledge) -> Said:
    """What a report says of this patient in this examination, each thing once and as fully as it is said.

    The same on the left and on the right is bilateral; what another statement says more fully is left out ("effusion"
    beside "left effusion"). A place narrows what is absent only where it is a part of the concept's home: "no
    consolidation in the left upper lobe" speaks of that lobe, "no pleural effusion" of no part.
    """
    sides: dict[tuple[str, Assertion, tuple[str, ...]], set[str]] = defaultdict(set)
    for mention in mentions:
        if mention.is_current:
            places = tuple(sorted(mention.location))
            if mention.assertion is Assertion.ABSENT:
                places = tuple(place for place in places if knowledge.narrows(mention.finding, place))
            sides[mention.finding, mention.assertion, places].add(mention.laterality)
    fully: dict[tuple[str, Assertion], list[Statement]] = defaultdict(list)
    for (concept, assertion, places), named in sides.items():
        fully[concept, assertion] += [Statement(concept, assertion, side, places) for side in _joined(named)]
    return frozenset(
        one for group in fully.values() for one in group if not any(_says_more(other, one) for other in group)
    )


def _joined(sides: set[str]) -> set[str]:
    if BILATERAL in sides or {LEFT, RIGHT} <= sides:
        return {BILATERAL}
    return sides - {UNSAID} or {UNSAID}


def _says_more(other: Statement, one: Statement) -> bool:
    """Whether another statement of the same concept and assertion says all that this one says, and more."""
    return other != one and one.laterality in (UNSAID, other.laterality) and set(one.places) <= set(other.places)
