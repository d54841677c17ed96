"""Names that are words, in whatever case: two beside each other, or one beside what only people do or are.

"Chest smith john", "for rose young", "son mark", "Long called". A surname and a given name beside each other are one
person; a lone one is one behind for, by, with and the like, unless a clinical word follows, beside a verb of telling,
and behind a relative. Colours and the like ("brown", "best") need a given name beside them.
"""

import re
from functools import cache

from curation.deid.texts.vocabulary import grammar, is_ambiguous, vocabulary
from curation.deid.texts.vocabulary.reading import Piece, Reading
from curation.deid.texts.word_lists import word_list

_BESIDE = re.compile(r"[ \t]*[,^_/-]?[ \t]*")
_NEXT = re.compile(r"[ \t]*[:,]?[ \t]*")


@cache
def given_names() -> frozenset[str]:
    """Frequent given names, but for those that mostly are other words (may, art, ray)."""
    return (word_list("given") | word_list("given-word") | vocabulary().given) - grammar("no_given")


@cache
def suspects() -> frozenset[str]:
    """Words that are names as well, be it rarely."""
    return vocabulary().ambiguous | given_names() | grammar("no_given")


def is_person(reading: Reading, number: int) -> bool:
    """Whether a word that may be a name is one by its neighbours, whatever its case."""
    return _is_of_a_pair(reading, number) or _is_led(reading, number) or _tells(reading, number)


def _is_of_a_pair(reading: Reading, number: int) -> bool:
    for gap, other in ((number - 1, number - 1), (number, number + 1)):
        beside = 0 <= other < len(reading.pieces) and _BESIDE.fullmatch(reading.gap(gap))
        if beside and _are_one(reading.pieces[number], reading.pieces[other]):
            return True
    return False


def _are_one(one: Piece, other: Piece) -> bool:
    """Whether two words are a given name and a surname, or two names that hardly are words."""
    if other.gone and not other.named:
        return False
    for given, family in ((one, other), (other, one)):
        if given.word in given_names() and (is_ambiguous(family.word) or family.word in given_names()):
            return True
    names = vocabulary().name - grammar("plain_names")
    return one.word in names and (other.word in names or other.named)


def _is_led(reading: Reading, number: int) -> bool:
    """Behind a relative; or behind for, by, of and the like with nothing clinical after it."""
    piece = reading.pieces[number]
    if not number or not _NEXT.fullmatch(reading.gap(number - 1)):
        return False
    before = reading.pieces[number - 1]
    if before.word in grammar("relatives"):
        return True
    if before.word not in grammar("leads") or before.text.isupper() != piece.text.isupper():
        return False
    names = (vocabulary().name | given_names()) - grammar("plain_names")
    after = reading.after(number)
    return piece.word in names and (after is None or after.gone or not after.clinical)


def _tells(reading: Reading, number: int) -> bool:
    """Before or behind a verb of telling: "Stone notified", "told wade"."""
    piece, after = reading.pieces[number], reading.after(number)
    sure = piece.capital or piece.word in given_names() or piece.word in vocabulary().name - grammar("plain_names")
    if not sure or piece.word in grammar("no_cue"):
        return False
    if after is not None and after.word in grammar("tells") and not reading.gap(number).strip():
        return True
    before = reading.before(number)
    return before is not None and before.word in grammar("told") and not reading.gap(number - 1).strip()
