"""What a report says of its labels' side, severity and place, in words of MeSH, as ``paxflow mine run`` writes it."""

from collections.abc import Mapping, Sequence
from functools import cache

from labeling.mining.bearings import ANY, bearings
from labeling.mining.lexicon import read_rules
from labeling.mining.spoken import Spoken


def modifiers(
    labels: Mapping[str, tuple[int | None, Sequence[int]]], mentions: Sequence[Spoken]
) -> dict[str, dict[str, list[str]]]:
    """Side (``lat``), severity (``sev``) and place (``loc``) of each label that is present or uncertain.

    ``labels`` and ``mentions`` are those of a mined report; the mentions that decided a label speak for it. Lists are
    sorted and hold each word once.
    """
    return {
        label: _said([mentions[position] for position in positions])
        for label, (state, positions) in labels.items()
        if state in (1, -1)
    }


def _said(mentions: Sequence[Spoken]) -> dict[str, list[str]]:
    sides, severities, places = set(), set(), set()
    for mention in mentions:
        words = _places(mention)
        places |= words
        severities.add(mention.severity)
        if mention.laterality:
            sides.add(_side(mention, words))
    return {"lat": sorted(sides - {""}), "sev": sorted(severities - {""}), "loc": sorted(places)}


def _side(mention: Spoken, places: set[str]) -> str:
    """The side that the tag of a mention has: none if all its places say it by themselves."""
    words = places.difference(bearings().get(mention.finding, ANY).mesh)
    return "" if words and words <= _SAY_THEIR_SIDE else mention.laterality


def _places(mention: Spoken) -> set[str]:
    """Where a mention is in words of MeSH: what its finding implies, and what its places say more of it.

    "Anterior" and "posterior" are those of a rib where one is named that only lies behind ("overlying the sixth rib").
    """
    bearing = bearings().get(mention.finding, ANY)
    words = set(bearing.mesh)
    located = mention.location
    if bearing.within is not None:
        by_rib = any(name.startswith("rib") and name not in bearing.within for name in located)
        located = tuple(name for name in located if name in bearing.within and not (by_rib and name in _POSITIONS))
    words.update(word for name in located for side, word in _mesh()[name] if side in ("", mention.laterality))
    return words


_POSITIONS = frozenset(("anterior", "posterior"))
_SAY_THEIR_SIDE = frozenset(("lingula",))
"""Places on one side only that the tags of Open-I name without it."""


@cache
def _mesh() -> dict[str, tuple[tuple[str, str], ...]]:
    """Words of MeSH for each place, each with the side that it is for, empty for any."""
    return {rule["name"]: tuple(map(_sided, rule["mesh"].split("|"))) for rule in read_rules("locations")}


def _sided(cell: str) -> tuple[str, str]:
    side, is_sided, word = cell.strip().removeprefix("(").partition(") ")
    return (side, word) if is_sided else ("", side)
