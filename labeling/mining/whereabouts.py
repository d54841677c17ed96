"""The side and the places that the modifiers of one finding name: "right upper and lower lobe", "bibasilar"."""

from collections.abc import Iterator, Sequence

from labeling.mining.lexicon import Match
from labeling.mining.words import COPULAS, JOINTS, TIES

_LEVELS = {"upper": "upper_lobe", "middle": "middle_lobe", "mid": "mid_lung", "lower": "lower_lobe"}
_LOBES = frozenset((*_LEVELS.values(), "lung_base", "lung_apex", "lingula"))
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh")
_RIBS = (
    {word: number for number, word in enumerate(_ORDINALS, 1)}
    | {f"{number}{ending}": number for number, ending in enumerate(("st", "nd", "rd", *["th"] * 8), 1)}
    | {str(number): number for number in range(1, 13)}
)
_SIDES = frozenset(("left", "right"))
_POSITIONS = {"anterior": "anterior", "anterolateral": "anterior"} | dict.fromkeys(
    ("posterior", "posterolateral"), "posterior"
)
"""Positions within the name of a place: "sixth posterior rib"."""
_PLURAL = frozenset(("lungs", "lobes", "bases", "apices", "zones", "fields", "hila", "angles", "sulci", "fissures"))
"""Words for both of a pair, as far as no side is said: "opacities in the lower lobes"."""
_AFTER_PRONOUN = COPULAS | JOINTS | TIES | {"stable", "unchanged", ""}


def side_of(words: Sequence[str], own: Sequence[Match]) -> str:
    """The side: left, right or bilateral, empty where none is named."""
    sides = set()
    is_plural = False
    for match in own:
        if match.term.kind == "laterality":
            if not _is_pronoun(words, match):
                sides.add(match.term.name)
        elif words[match.end - 1] in _PLURAL:
            is_plural = True
        elif match.term.laterality:
            sides.add(match.term.laterality)
    if not sides:
        return "bilateral" if is_plural else ""
    return sides.pop() if len(sides) == 1 else "bilateral"


def _is_pronoun(words: Sequence[str], match: Match) -> bool:
    """Whether "both" stands for what was named before: "both are small", "both of moderate size"."""
    if words[match.start] != "both" or match.end - match.start > 1:
        return False
    return (words[match.end] if match.end < len(words) else "") in _AFTER_PRONOUN


def places_of(words: Sequence[str], own: Sequence[Match]) -> tuple[str, ...]:
    """The places, sorted, with those that share a noun: "upper and lower lobe", "sixth and seventh ribs"."""
    places = set()
    for match in own:
        if match.term.kind == "location":
            name = match.term.name
            places.add(name)
            if name in _LOBES:
                places.update(_levels(words, match.start))
            elif name.startswith("rib"):
                places.update(_ribs(words, match))
    if any(name.startswith("rib_") for name in places):
        places.discard("ribs")
    return tuple(sorted(places))


def _levels(words: Sequence[str], start: int) -> Iterator[str]:
    """The lobes before one at ``start`` that share its noun, each perhaps with a side."""
    while start > 1:
        before = start - 1
        before -= words[before] in _SIDES
        before -= words[before] in JOINTS
        if before == start - 1 or words[before] not in _LEVELS:
            return
        yield _LEVELS[words[before]]
        start = before


def _ribs(words: Sequence[str], match: Match) -> Iterator[str]:
    """The ribs that share the noun of a match, and where in them it says: "left 4th, 5th and posterior 6th ribs"."""
    for word in words[match.start : match.end]:
        if word in _POSITIONS:
            yield _POSITIONS[word]
    numbers = [int(match.term.name[4:])] if match.term.name != "ribs" else []
    if numbers:
        numbers += _series(words, range(match.start - 1, -1, -1), numbers[0])
    else:
        numbers += _series(words, range(match.end, len(words)), 0)
    for number in numbers:
        yield f"rib_{number}"


def _series(words: Sequence[str], walk: range, last: int) -> Iterator[int]:
    """The numbers of ribs along a walk, up to the first word that is of no series; those between, where not joined."""
    is_joined = False
    for place in walk:
        word = words[place]
        number = _RIBS.get(word, 0)
        if number:
            if last and not is_joined:
                yield from range(min(number, last) + 1, max(number, last))
            yield number
            last, is_joined = number, False
        elif word in JOINTS:
            is_joined = True
        elif word not in _SIDES and word not in _POSITIONS and word not in ("through", "to", "thru"):
            return
