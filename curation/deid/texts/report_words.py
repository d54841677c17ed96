"""What a word of a report can be: one of the language, an eponym of medicine, a slip of the pen, or none of these."""

import re
from collections.abc import Iterator
from functools import cache

from curation.deid.texts.cues import FUNCTION_WORDS
from curation.deid.texts.spellings import fold
from curation.deid.texts.word_lists import read_table, word_list
from curation.deid.texts.words import is_ambiguous, is_word

MIN_MISSPELT = 4  # shorter words lie one letter from everything
MAX_WORD = 40  # a longer run of letters is looked up nowhere
MIN_HALF = 3
MIN_TOGETHER = 4
_POSSESSIVE = re.compile(r"['’][sS]?\Z")
_CONTRACTION = re.compile(r"(?i)(?:n['’]t|['’](?:re|ve|ll|d|m))\Z")
_HYPHEN = re.compile(r"[-‐-―/]")
_BEHIND = re.compile(r"(?P<s>['’]s?)?(?:[ -]+(?P<noun>[^\W_]+))?")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


SURE_GIVEN = word_list("given")
GIVEN = SURE_GIVEN | word_list("given-word")
THINGS = word_list("thing")
NOUNS = THINGS | word_list("noun")
"""What eponyms name; without an s at the end."""


@cache
def is_plain(word: str) -> bool:
    """Whether this is a word of the language, or of medicine, and no name besides."""
    return is_known(word) and not may_be_name(word)


@cache
def may_be_name(word: str) -> bool:
    """Whether a known word is a name as well: Brown, Young, Foley, Mary."""
    return is_eponym(word) or any(is_ambiguous(half) or half.lower() in GIVEN for half in _halves(word))


@cache
def is_known(word: str) -> bool:
    """Whether the word, or each half of a word with a hyphen, is in a vocabulary."""
    word = _CONTRACTION.sub("", _POSSESSIVE.sub("", word))
    if _is_held(word) or is_eponym(word):
        return True
    halves = [half for half in _halves(word) if len(half) >= MIN_HALF]
    return len(halves) > 0 and all(_is_held(half) or is_eponym(half) for half in halves)


@cache
def is_language(word: str) -> bool:
    """Whether a vocabulary holds the word itself, and not as what somebody's name has come to mean."""
    return _is_held(word) and not is_eponym(word) and word.lower() not in SURE_GIVEN


@cache
def is_eponym(word: str) -> bool:
    """Whether medicine calls something by this name, whole or as one of its words."""
    return _plain_form(word) in eponyms()


def is_used_eponym(word: str, behind: str) -> bool:
    """Whether a word is an eponym where ``behind`` follows it: "Kerley B lines", "Fleischner criteria", "Crohn's".

    A frequent surname needs a noun of medicine or another eponym after it, and one that no table has a noun that people
    do not have ("Quarn sign").
    """
    possessive, noun = next(_BEHIND.finditer(behind)).groups()
    if not is_eponym(word):
        return word.istitle() and noun is not None and possessive is None and noun.rstrip("s") in THINGS
    if noun is None or noun.lower() in FUNCTION_WORDS:
        return possessive is not None
    is_pair = _plain_form(word) + fold(noun) in eponyms()
    if eponyms()[_plain_form(word)] or (noun.istitle() and len(noun) > 1):
        return is_pair or noun.lower().rstrip("s") in NOUNS
    return True


def is_surname(word: str) -> bool:
    """Whether an eponym is a frequent surname, and nothing else."""
    return eponyms().get(_plain_form(word), False) and not _is_held(word)


def is_only_eponym(word: str) -> bool:
    """Whether medicine uses this name and hardly anybody bears it: Pseudomonas, Kerley."""
    return eponyms().get(_plain_form(word)) is False


@cache
def is_misspelt(word: str) -> bool:
    """Whether one letter too few, too many, wrong or out of order makes a word of this, or one missing space two."""
    word = word.lower()
    if not MIN_MISSPELT <= len(word) <= MAX_WORD or not word.isascii():
        return False
    places = range(MIN_TOGETHER, len(word) - MIN_TOGETHER + 1)
    return any(_is_held(word[:at]) and _is_held(word[at:]) for at in places) or any(
        map(_is_held, _one_letter_off(word))
    )


@cache
def eponyms() -> dict[str, bool]:
    """Each name of ``eponyms.tsv`` in one form, whole and by its words, and whether it needs its noun."""
    rows = read_table("eponyms")
    words = {
        fold(word): word.lower() in GIVEN for name, _, _ in rows for word in re.split(r"[-\s]", name) if len(word) > 1
    }
    return words | {fold(name): surname == "yes" for name, _, surname in rows}


def _plain_form(word: str) -> str:
    return fold(_POSSESSIVE.sub("", word))


def _is_held(word: str) -> bool:
    """Whether a vocabulary holds this very word, be it a name as well or not."""
    return len(word) <= MAX_WORD and (is_word(word) or is_ambiguous(word))


def _halves(word: str) -> list[str]:
    return _HYPHEN.split(_POSSESSIVE.sub("", word))


def _one_letter_off(word: str) -> Iterator[str]:
    for at in range(len(word)):
        left, right = word[:at], word[at:]
        yield left + right[1:]
        yield left + right[1:2] + right[:1] + right[2:]
        for letter in _ALPHABET:
            yield left + letter + right[1:]
            yield left + letter + right
    yield from (word + letter for letter in _ALPHABET)
