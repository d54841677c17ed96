"""What a finding takes of its clause (``rules/bearings.tsv``): its kin, the place it implies, those that say more."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from labeling.mining.lexicon import read_rules


class Bearing(NamedTuple):
    """How a finding stands to the sides, places and sizes of its clause."""

    kin: str = ""
    """Findings of one kin may share a side and a place; empty: it shares none."""
    mesh: tuple[str, ...] = ()
    """Words of MeSH that it means without saying them."""
    within: frozenset[str] | None = None
    """Names of the places that say more of it in words of MeSH; None for any."""
    is_unsided: bool = False
    """Whether it lies in the midline."""
    is_sized: bool = False
    """Whether "large" or "small" in its own phrase is what it means, and no severity."""


ANY = Bearing()


@cache
def bearings() -> dict[str, Bearing]:
    """Finding to its bearing; a finding that is not here has ``ANY``."""
    table = {}
    for rule in read_rules("bearings"):
        places = rule["places"].split()
        within = None if places == ["*"] else frozenset(places) | _parts(rule["parts_of"].split())
        mesh = tuple(rule["mesh"].split())
        bearing = Bearing(rule["kin"], mesh, within, rule["unsided"] == "yes", rule["sized"] == "yes")
        table.update(dict.fromkeys(rule["findings"].split(), bearing))
    return table


def _parts(places: Iterable[str]) -> frozenset[str]:
    """All that is part of the places, they themselves left out (``rules/places.tsv``)."""
    part_of = {rule["name"]: set(rule["part_of"].split()) for rule in read_rules("places")}
    wholes = set(places)
    while more := {name for name, parts in part_of.items() if parts & wholes} - wholes:
        wholes |= more
    return frozenset(wholes) - set(places)
