"""Finds given values in a text in any spelling: case, accents, digraphs, hyphens, spaces and line breaks inside.

Text and value are brought to one form, lower case letters and digits without anything between them, and are compared
there; what stood between the letters is judged afterwards. So one search finds ``O'Tarrin``, ``OTARRIN``, ``Müller``,
``MUELLER``, ``Zor-\\nmirsk`` and ``00 71 23-45``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

_LETTERS = {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u0131": "i"}
_DIGRAPHS = {"\u00e4": "ae", "\u00f6": "oe", "\u00fc": "ue", "\u00f8": "oe", "\u00e5": "aa"}
_RUN = re.compile(r"[^\W_]+")
_IN_NAME = re.compile(r"[ \t]?['’‘`´ʼ′]?[ \t]?|[-‐-―]|[ \t]{1,2}|[ \t]?[-‐-―][ \t]?|[ \t]*[-‐-―]?[ \t]*\n\s*")
_BETWEEN_NAMES = re.compile(r"[\s.,'’^=_&/-]{0,5}")
_IN_NUMBER = re.compile(r"[\s./\\_#()-]{0,3}")
MIN_SPLIT = 5
"""A word or a number of fewer characters is found only where nothing stands inside it."""


class Plain(NamedTuple):
    """A text's letters and digits in one form, and the place in the text of each."""

    letters: str
    places: Sequence[int]


@dataclass(frozen=True)
class Form:
    """One way to write a value: its words in one form, and what it stands for."""

    words: tuple[str, ...]
    kind: str
    who: str = ""
    is_number: bool = False

    @property
    def letters(self) -> str:
        """The words run together."""
        return "".join(self.words)


def plain(text: str) -> Plain:
    """The letters and digits of a text without case, accents and anything between them."""
    letters: list[str] = []
    places: list[int] = []
    for run in _RUN.finditer(text):
        if run[0].isascii():
            letters.append(run[0].lower())
            places.extend(range(*run.span()))
        else:
            for place in range(*run.span()):
                character = folded(text[place])
                letters.append(character)
                places.extend([place] * len(character))
    return Plain("".join(letters), places)


@cache
def folded(character: str) -> str:
    """What one character is without case and accent; nothing for one that is no letter or digit."""
    parts = unicodedata.normalize("NFKD", _LETTERS.get(character.lower(), character.casefold()))
    return "".join(part for part in parts if part.isalnum())


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """A word in one form."""
    return plain(word).letters


@lru_cache(maxsize=4096)
def variants(word: str) -> frozenset[str]:
    """The forms of a word: a vowel with points may be written without them, or with an e, and the other way round."""
    spelled = "".join(_DIGRAPHS.get(character, character) for character in word.lower())
    return frozenset({fold(word), fold(spelled), contracted(word)} - {""})


@lru_cache(maxsize=4096)
def contracted(word: str) -> str:
    """The form in which ``Müller``, ``Mueller`` and ``Muller`` are one."""
    form = fold("".join(_DIGRAPHS.get(character, character) for character in word.lower()))
    return re.sub(r"([aou])e|aa", lambda found: found[0][0], form) if len(form) >= 5 else form


def find_forms(text: str, forms: Iterable[Form], is_word: Callable[[str], bool]) -> Iterator[tuple[int, int, Form]]:
    """Start, end and form of each place where a form stands as whole words, in the order of the forms.

    What ``is_word`` calls a word of the language is taken for one in lower case, and so are two that a space parts.
    """
    seen = plain(text)
    for form in forms:
        letters = form.letters
        at = seen.letters.find(letters)
        while at >= 0:
            end = at + len(letters)
            if _stands(text, seen, at, end, form) and not _is_plain(text, seen, at, end, form, is_word):
                yield seen.places[at], seen.places[end - 1] + 1, form
            at = seen.letters.find(letters, at + 1)


def _stands(text: str, seen: Plain, at: int, end: int, form: Form) -> bool:
    """Whether the letters are whole words with nothing strange between them."""
    places = seen.places
    if at and not _parted(text, places[at - 1], places[at]):
        return False
    if end < len(places) and not _parted(text, places[end - 1], places[end]):
        return False
    if places[end - 1] - places[at] == end - at - 1:
        return True
    return _gaps_fit(text, places[at:end], form)


def _parted(text: str, left: int, right: int) -> bool:
    """Whether two characters do not run on: something stands between them, a digit ends, or a capital starts."""
    changes = text[left].isdigit() != text[right].isdigit() or (text[left].islower() and text[right].isupper())
    return changes or bool(_visible(text[left + 1 : right]))


def _visible(gap: str) -> str:
    """A gap without marks of the letter before it, and without what is not seen, such as a soft hyphen."""
    return "".join(character for character in gap if unicodedata.category(character) not in ("Mn", "Cf"))


def _gaps_fit(text: str, places: Sequence[int], form: Form) -> bool:
    joints = _joints(form.words)
    for number in range(1, len(places)):
        gap = _visible(text[places[number - 1] + 1 : places[number]])
        if gap and not _gap_fits(gap, number in joints, form):
            return False
    return True


def _gap_fits(gap: str, is_joint: bool, form: Form) -> bool:
    if form.is_number:
        return len(form.letters) >= MIN_SPLIT and _IN_NUMBER.fullmatch(gap) is not None
    if is_joint:
        return _BETWEEN_NAMES.fullmatch(gap) is not None
    return (len(form.letters) >= MIN_SPLIT or len(gap) == 1) and _IN_NAME.fullmatch(gap) is not None


def _joints(words: Sequence[str]) -> set[int]:
    """The numbers of the letters with which the second and later words start."""
    joints, at = set(), 0
    for word in words:
        at += len(word)
        joints.add(at)
    return joints


def _is_plain(text: str, seen: Plain, at: int, end: int, form: Form, is_word: Callable[[str], bool]) -> bool:
    """Whether what stands there may be words of the language rather than the value."""
    stretch = text[seen.places[at] : seen.places[end - 1] + 1]
    if form.is_number:
        return False
    if len(form.words) > 1:
        return _has_article(stretch) or (len(form.letters) < 8 and _is_sentence(stretch, is_word))
    if len(form.letters) <= 2:
        return not (stretch.istitle() or stretch.isupper())
    pieces = _RUN.findall(stretch)
    if "\n" in stretch or any(len(piece) == 1 for piece in pieces):
        return False
    if len(pieces) > 1 and "-" not in stretch:
        return all(map(is_word, pieces))
    return _is_sentence(stretch, is_word)


def _is_sentence(stretch: str, is_word: Callable[[str], bool]) -> bool:
    return stretch.islower() and all(map(is_word, _RUN.findall(stretch)))


def _has_article(stretch: str) -> bool:
    """Whether an initial of the form is a small word of the sentence: "Tarbo a nodule"."""
    is_parted = len(_RUN.findall(stretch)) > 1
    return is_parted and any(len(piece) == 1 and piece.islower() for piece in _RUN.findall(stretch))
