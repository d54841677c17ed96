"""Anatomy that a sentence names without a finding: "heart size is unchanged", "the stomach is normal"."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from curation.records import Mention, Says
from labeling.mining.lexicon import Lexicon, Match, chest_lexicon, token_spans, tokens

_NORMAL = frozenset({"normal", "clear"})
_ABNORMAL = frozenset({"abnormality", "abnormalities", "disease", "finding", "findings", "pathology"})
"""What a sentence denies of anatomy at large: "the lungs show no acute abnormality" calls them normal."""
_REACH = 10
"""Tokens from a denial to what it denies, at most."""
_NEAR = 1
"""Tokens between a side and the anatomy it stands before, at most: "left lower lobe", "left sided pleura"."""
_ABSENT = "absent"

Span = tuple[int, int]


class Named(NamedTuple):
    """Anatomy that a sentence names: a location of the lexicon, or a subject where no location says it more exactly."""

    name: str
    start: int
    """First character in the sentence."""
    end: int
    laterality: str
    says: Says
    """Normal where the nearest word of state, or a denial of any abnormality, says so; else unstated."""


def named_anatomy(sentence: str, start: int, mentions: Sequence[Mention]) -> list[Named]:
    """What ``sentence``, which starts at ``start`` of its text, names beside its ``mentions``, current or not.

    Words within a mention, and places that were given to one, are that mention's.
    """
    spans = tuple((mention.start - start, mention.end - start) for mention in mentions)
    named = _named(sentence, spans, chest_lexicon())
    given = {name for mention in mentions for name in mention.location}
    taken = [(one.start, one.end) for one in named if one.name in given]
    return [one for one in named if _is_apart((one.start, one.end), taken)]


@lru_cache(maxsize=1 << 15)
def _named(sentence: str, taken: tuple[Span, ...], lexicon: Lexicon) -> tuple[Named, ...]:
    """All anatomy outside the characters that are ``taken``. Reports repeat themselves, so sentences are kept."""
    words = tokens(sentence)
    found = lexicon.matches(words)
    spans = token_spans(sentence)

    def characters(match: Match) -> Span:
        return spans[match.start][0], spans[match.end - 1][1]

    free = [match for match in (*found.content, *found.modifier) if _is_apart(characters(match), taken)]
    located = [characters(match) for match in free if match.term.kind == "location"]
    states = [match for match in free if match.term.kind == "state"]
    sides = [match for match in free if match.term.kind == "laterality"]
    denials = [match for match in found.trigger if match.term.name == _ABSENT]
    return tuple(
        Named(
            match.term.name,
            *characters(match),
            laterality=match.term.laterality or _side(match, sides),
            says=_says(match, states, denials, words),
        )
        for match in free
        if match.term.kind == "location" or (match.term.kind == "subject" and _is_apart(characters(match), located))
    )


def _is_apart(span: Span, taken: Iterable[Span]) -> bool:
    return all(span[1] <= start or span[0] >= end for start, end in taken)


def _side(place: Match, sides: Iterable[Match]) -> str:
    """The side within or just before a place."""
    near = (side.term.name for side in sides if side.start < place.end and side.end + _NEAR >= place.start)
    return next(near, "")


def _says(place: Match, states: Sequence[Match], denials: Sequence[Match], words: Sequence[str]) -> Says:
    if not states:
        return Says.NORMAL if _denies_all(denials, words) else Says.UNSTATED
    nearest = min(states, key=lambda state: max(state.start - place.end, place.start - state.end))
    is_normal = nearest.term.name in _NORMAL and all(denial.end != nearest.start for denial in denials)
    return Says.NORMAL if is_normal else Says.UNSTATED


def _denies_all(denials: Sequence[Match], words: Sequence[str]) -> bool:
    return any(_ABNORMAL & set(words[denial.end : denial.end + _REACH]) for denial in denials)
