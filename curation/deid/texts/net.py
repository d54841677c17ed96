"""The net below the rules: capitalised words that no vocabulary knows are taken for names.

English writes names with a capital, and within a sentence hardly anything else. A word that is in no vocabulary, is no
eponym and no abbreviation goes where it stands within a sentence; at its start only if it is no slip of the pen. Two
such words beside each other go anywhere, and so does what does things that only people do ("Foley was informed").
Where all is written in capitals, or nothing, a word must be unknown and no slip of the pen, or a frequent given name.
"""

import re
from collections.abc import Iterator

from curation.deid.texts.names import BEHIND, is_no_name, person
from curation.deid.texts.report_words import (
    GIVEN,
    SURE_GIVEN,
    is_known,
    is_misspelt,
    is_only_eponym,
    is_plain,
    is_surname,
    is_used_eponym,
)
from curation.deid.texts.spans import PERSON, Masked, Span

MAX_ABBREVIATION = 4
SHOUT = 100  # characters on either side that say whether a line is all capitals
NAME, MOST, HALF, QUARTER = 4, 3, 2, 1
"""Weights: words beside each other that weigh ``NAME`` together, one of them ``HALF`` or more, are a name."""
_LETTERS = r"[^\W\d_]*(?:['’-](?![sS]\b)[^\W\d_]+)*(?![^\W_])"
_CAPITALISED = re.compile(rf"{PERSON}+|(?<![^\W_])(?<!\d[.,])[A-ZÀ-ÖØ-ÞĀ-Ž]{_LETTERS}")
_ANY = re.compile(rf"{PERSON}+|(?<![^\W_])(?<!\d[.,])[^\W\d_]{_LETTERS}")
_STARTS = re.compile(r"(?:\A|[.!?:;|*•\"“(\[\n]|\n[ \t]*(?:\d{1,2}[.)]|[-–]))[\s\"“(*#>-]*\Z")
_DOES = re.compile(
    r"(?i)\s+(?:(?:was|were|is|has\s+been|had\s+been)\s+(?:notified|informed|called|paged|contacted|aware|told|advised|"
    r"made\s+aware|admitted|discharged|consulted|born)|called|notified|paged|phoned|agree[sd]?|concur(?:s|red)?|acknowledge[sd]|verbali[sz]ed|"
    r"confirmed|read\s+back|complain(?:s|ed)|denie[sd]|state[sd]|say|said|request(?:s|ed)|underwent|lives|lived|works|"
    r"worked|smoke[sd]|fell|signed|dictated)\b"
)
_AMONG_SMALL = re.compile(r"(?:^|[\s(])[a-z]+,?[ ]\Z")
_SMALL_BEHIND = re.compile(r"(?:['’]s)?(?:\s+[a-z]|\s*[.,;:)]|\s*\Z)")
_PLACE_BEFORE = re.compile(r"(?i)\b(?:from|in|at|near|outside|visiting|visited)\s+(?:the\s+)?\Z")
_JOINT = re.compile(
    r"[ \t]?|(?<![^\W_].)(?<=[^\W\d_])\.[ \t]?|,[ \t]?|[ \t]?\n[ \t]?|"
    r"(?:[ \t](?:van|von|der|den|de|del|la|bin|al)){1,2}[ \t]"
)
_MIXED = re.compile(r"(?:.*-)?(?!(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz|St)[A-Z])[^\W_]*[a-z][^\W_]*[A-Z]")
"""A product's name: ``MediPort``."""


_Chain = list[tuple[re.Match[str], int]]
"""Words that may be names, beside each other, each with its weight."""


def find_unknown(masked: Masked) -> None:
    """Hide the names that nothing announces."""
    chains = map(_without_edges, _chains(masked))
    masked.hide([_span(masked, chain) for chain in chains if _is_name(masked.text, chain)])


def _span(masked: Masked, chain: _Chain) -> Span:
    """A chain as a person, or as a place where it says where somebody comes from."""
    start, end = chain[0][0].start(), chain[-1][0].end()
    if _PLACE_BEFORE.search(masked.text[max(0, start - 20) : start]) and masked.text[start] != PERSON:
        return Span(start, end, "address", "net")
    return person(masked, start, end, "person", "net")


def _without_edges(chain: _Chain) -> _Chain:
    """A chain without the words that say nothing at its ends, such as a single letter without a point."""
    words = list(chain)
    while words and not words[0][1]:
        words.pop(0)
    while words and (not words[-1][1] or _is_bare_letter(words[-1][0])):
        words.pop()
    return words


def _is_bare_letter(found: re.Match[str]) -> bool:
    return len(found[0]) == 1 and found[0] != PERSON and not found.string.startswith(".", found.end())


def _is_name(text: str, chain: _Chain) -> bool:
    """Whether a chain weighs enough, or does what people do; initials alone and names found before are no new name."""
    words = [found for found, _ in chain if found[0][0] != PERSON]
    if not words or all(len(found[0]) == 1 for found, _ in chain):
        return False
    weights = [weight for _, weight in chain]
    is_before_name = chain[-1][0][0][0] == PERSON and weights[-1] + weights[-2] > HALF
    return (
        (sum(weights) >= NAME and max(weights) > QUARTER)
        or is_before_name
        or _DOES.match(text, chain[-1][0].end()) is not None
    )


def _chains(masked: Masked) -> Iterator[_Chain]:
    chain: _Chain = []
    for found in (_ANY if masked.is_lower else _CAPITALISED).finditer(masked.text):
        weight = _weight(found, masked.is_lower)
        if chain and (weight is None or not _JOINT.fullmatch(masked.text, chain[-1][0].end(), found.start())):
            yield chain
            chain = []
        if weight is not None:
            chain.append((found, weight))
    if chain:
        yield chain


def _weight(found: re.Match[str], is_lower: bool) -> int | None:
    """How surely a word is a name; None for one that is none."""
    word = found[0]
    if word[0] == PERSON or len(word) == 1:
        return _weight_of_letter(found, is_lower)
    if is_no_name(word) or is_plain(word) or _is_product(word) or found.string.startswith(":", found.end()):
        return None
    if is_used_eponym(word, found.string[found.end() : found.end() + BEHIND]):
        return None
    if word.isupper() or is_lower:
        return _weight_in_one_case(found, is_lower)
    starts = _starts_sentence(found)
    if is_known(word):
        is_name = is_surname(word) or (_stands_out(found) and not is_only_eponym(word))
        return NAME if is_name and not starts else HALF
    return HALF if starts and is_misspelt(word) else NAME


def _is_product(word: str) -> bool:
    return _MIXED.match(word) is not None and word.lower() not in GIVEN


def _weight_of_letter(found: re.Match[str], is_lower: bool) -> int | None:
    """An initial, or a name that was found before; a small letter is one only before a point within a sentence."""
    if found[0].isupper() or found[0][0] == PERSON:
        return HALF
    return MOST if is_lower and found.string.startswith(".", found.end()) and not _starts_sentence(found) else None


def _weight_in_one_case(found: re.Match[str], is_lower: bool) -> int | None:
    """A word in capitals, or in a text without any: an abbreviation, a slip of the pen, or a name."""
    word = found[0]
    is_flat = is_lower or _is_shouted(found)
    if is_flat and word.lower() in GIVEN:
        return NAME if word.lower() in SURE_GIVEN else MOST
    if len(word) <= MAX_ABBREVIATION:
        return QUARTER if is_flat and is_known(word) else None
    if is_known(word):
        return NAME if is_surname(word) else 0 if is_only_eponym(word) else QUARTER if is_flat else HALF
    return QUARTER if is_misspelt(word) else NAME


def _is_shouted(found: re.Match[str]) -> bool:
    """Whether a word stands in a line of capitals, where they say nothing."""
    start, end = max(0, found.start() - SHOUT), found.end() + SHOUT
    line = (
        found.string[start : found.start()].rpartition("\n")[2] + found.string[found.start() : end].partition("\n")[0]
    )
    return sum(map(str.islower, line)) * 3 < sum(map(str.isupper, line))


def _stands_out(found: re.Match[str]) -> bool:
    """Whether a word has the only capital among its neighbours, as in "hung by Short."."""
    is_alone = _SMALL_BEHIND.match(found.string[found.end() : found.end() + 6]) is not None
    return is_alone and _AMONG_SMALL.search(found.string[max(0, found.start() - 20) : found.start()]) is not None


def _starts_sentence(found: re.Match[str]) -> bool:
    return _STARTS.search(found.string[max(0, found.start() - 12) : found.start()]) is not None
