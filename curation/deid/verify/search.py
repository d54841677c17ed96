"""Search the bytes of a clean file, or a clean text, for what identified its patient.

All spellings of all identifiers stand in one Aho-Corasick automaton (Comm. ACM 1975;18:333). A value is searched as the
text it is, in lower case and without accents, and once more without spaces and dashes; bytes are searched as Latin-1,
UTF-8, UTF-16, the original's own character sets, and unpacked. Only whether something was found leaves this module.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import ahocorasick

from curation.deid.keys.identity import Identifier
from curation.deid.verify.spellings import Spelling, beyond_ascii, fold, raw_spellings, spellings
from curation.deid.verify.streams import Unpacker

MIN_WIDE = 8  # characters; shorter values are spelled by pixels and tables by chance
MIN_PACKED = 6  # characters, in what may be no stream at all
SMALL = 4096  # bytes of a binary value that is searched like text
_SEPARATORS = dict.fromkeys(map(ord, " -./_()#:^,+=;'\t\r\n\f"))
_MAX_GAP = 4  # from one character of a number to the next, with three separators between
_DOTTED = re.compile(rb"(?<![0-9])[0-9]++(?:\.[0-9]++)+")
_UID_LETTERS = frozenset(b"0123456789.")
_MANY = 32  # UIDs, from which on it is quicker to list those of the file
_TITLE = re.compile(r"(?:\b(?:drs?|mrs|miss|prof|professor|doctor)\b\.?|\b(?:mr|ms)\.|\b(?:name|patient)\s*:)\s*\Z")
_BREAK = re.compile(r"-[ \t]*[\r\n]+[ \t]*")
_RUN = b"\1" * MIN_WIDE
_BEFORE = 16  # characters in which a title may stand


class Where(NamedTuple):
    """How identifiers are searched in one place."""

    least: int = 0
    """Shorter ones are not searched."""
    across: bool = True
    """Whether spaces and dashes inside an identifier do not count."""
    by_right: bool = False
    """Whether any word may stand here, unless it stands as a name."""
    terms: bool = False
    """Whether this is a coded term, which may be a word that is a name as well."""
    exempt: frozenset[str] = frozenset()
    """Kinds that an option keeps here."""
    alone: bool = True
    """Whether a match inside a longer word or number is none."""


PACKED = Where(least=MIN_PACKED)
WIDE = Where(least=MIN_WIDE, across=False, alone=False)


class Search:
    """What is searched for; ``charsets`` are the original's SpecificCharacterSet."""

    def __init__(
        self, identifiers: Collection[Identifier], charsets: Iterable[str] = (), places_by_word: bool = True
    ) -> None:
        found = {spelling for identifier in identifiers for spelling in spellings(identifier, places_by_word)}
        raw = {spelling for identifier in identifiers for spelling in raw_spellings(identifier, charsets)}
        beyond = {part for identifier in identifiers for part in beyond_ascii(identifier)}
        self._automaton = _automaton(found)
        self._raw = _automaton(raw)
        self._letters = _letters({spelling.form for spelling in found} | beyond, {spelling.form for spelling in raw})
        self._unpacker = Unpacker()

    def begin(self) -> None:
        """Start a file: what may be unpacked is counted anew."""
        self._unpacker = Unpacker()

    def text(self, text: str, where: Where) -> bool:
        """Whether an identifier stands in a text."""
        if self._automaton is None:
            return False
        plain = fold(text)
        for end, each in self._automaton.iter(plain):
            if _counts(each, plain, end, where):
                return True
        return where.across and (self._across(plain, where) or self._broken(plain, where))

    def value(self, value: bytes, where: Where) -> bool:
        """Whether an identifier stands in a text value (UTF-8), or in what it says if it was decoded wrongly."""
        text = value.decode("utf-8", "replace")
        if self.text(text, where) or self._stands_raw(value, where):
            return True
        if text.isascii():
            return False
        narrow = text.encode("latin-1", "replace")
        return self._stands_raw(narrow, where) or self.text(narrow.decode("utf-8", "replace"), where)

    def binary(self, value: bytes, where: Where) -> bool:
        """Whether an identifier stands in bytes, in any encoding, or in what they unpack to."""
        found = self._small(value, where) if len(value) <= SMALL else self._wide(value)
        return found or self._packed(value, 0)

    def bulk(self, value: bytes) -> bool:
        """Whether a long identifier stands in many bytes, or in what they unpack to."""
        return self._wide(value) or self._packed(value, 0)

    # --- in text ---

    def _matches(self, plain: str) -> Iterator[tuple[int, tuple[Spelling, ...]]]:
        yield from self._automaton.iter(plain)  # type: ignore[union-attr]  # callers have looked

    def _across(self, plain: str, where: Where) -> bool:
        squeezed = plain.translate(_SEPARATORS)
        if squeezed == plain:
            return False
        places: list[int] = []
        for end, each in self._matches(squeezed):
            for spelling in each:
                if not spelling.loose or _is_out(spelling, where):
                    continue
                places = places or [at for at, letter in enumerate(plain) if ord(letter) not in _SEPARATORS]
                spot = places[end - len(spelling.form) + 1 : end + 1]
                if _is_one(spot) and not _runs_on(plain, spot[0], spot[-1] + 1):
                    return True
        return False

    def _broken(self, plain: str, where: Where) -> bool:
        """Whether one stands broken at the end of a line."""
        whole = _BREAK.sub("", plain)
        return whole != plain and any(_counts(each, whole, end, where) for end, each in self._matches(whole))

    # --- in bytes ---

    def _small(self, value: bytes, where: Where) -> bool:
        lanes = (value, value[0::2], value[1::2]) if 0 in value else (value,)
        return any(self._in_bytes(lane, where) for lane in lanes)

    def _wide(self, value: bytes) -> bool:
        """Quick where the bytes are no text: only what long identifiers can be spelled with is read."""
        if self._letters is None:
            return False
        lanes = (value, value[0::2], value[1::2])  # the other two: ASCII in UTF-16
        return any(self._in_bytes(run, WIDE) for lane in lanes for run in _runs(lane, self._letters))

    def _in_bytes(self, value: bytes, where: Where) -> bool:
        if self.text(value.decode("latin-1"), where) or self._stands_raw(value, where):
            return True
        return not value.isascii() and self.text(value.decode("utf-8", "ignore"), where)

    def _stands_raw(self, value: bytes, where: Where) -> bool:
        if self._raw is None:
            return False
        hits = self._raw.iter(value.decode("latin-1"))
        return any(not _is_out(spelling, where) for _, each in hits for spelling in each)

    def _packed(self, value: bytes, depth: int) -> bool:
        return any(
            self._small(content, PACKED) or self._packed(content, depth + 1)
            for content in self._unpacker.streams(value, depth)
        )


# --- UIDs of one file ---


def stand_in(uids: Collection[Identifier], data: bytes) -> bool:
    """Whether one of these UIDs stands in bytes, whole."""
    values = {uid.value.encode("utf-8", "replace") for uid in uids if uid.value}
    if len(values) > _MANY:
        return not values.isdisjoint(_DOTTED.findall(data))
    return any(_stands_whole(value, data) for value in values)


def _stands_whole(value: bytes, data: bytes) -> bool:
    at = data.find(value)
    while at >= 0:
        around = data[at - 1 : at] + data[at + len(value) : at + len(value) + 1]
        if _UID_LETTERS.isdisjoint(around):
            return True
        at = data.find(value, at + 1)
    return False


# --- matches ---


def _counts(each: tuple[Spelling, ...], plain: str, end: int, where: Where) -> bool:
    """Whether one of the spellings that end at ``end`` is an identifier there."""
    return any(
        not _is_out(spelling, where)
        and not (where.alone and _runs_on(plain, end + 1 - len(spelling.form), end + 1))
        and _is_meant(spelling, plain, end + 1, where)
        for spelling in each
    )


def _is_out(spelling: Spelling, where: Where) -> bool:
    return len(spelling.form) < where.least or spelling.kind in where.exempt


def _is_meant(spelling: Spelling, plain: str, end: int, where: Where) -> bool:
    """Whether a word of the field stands as a name: behind a title, or in a name's notation; any other always does."""
    by_right = spelling.common or (spelling.term and where.terms) or (where.by_right and spelling.form.isalpha())
    if not by_right:
        return True
    start = end - len(spelling.form)
    if "^" in (plain[start - 1 : start], plain[end : end + 1]):
        return True
    return _TITLE.search(plain[max(0, start - _BEFORE) : start]) is not None


def _runs_on(plain: str, start: int, end: int) -> bool:
    """Whether a match is part of a longer number, or of a longer word in letters that have a case."""
    return _same_run(plain[start - 1 : start], plain[start]) or _same_run(plain[end - 1], plain[end : end + 1])


def _same_run(left: str, right: str) -> bool:
    return (left.isdigit() and right.isdigit()) or (left.islower() and right.islower())


def _is_one(spot: list[int]) -> bool:
    """Whether characters at these places stand close enough to be read as one number or name."""
    return all(after - before <= _MAX_GAP for before, after in pairwise(spot))


def _automaton(found: Iterable[Spelling]) -> "ahocorasick.Automaton | None":
    """Form to all its spellings; None if there is none."""
    by_form: dict[str, list[Spelling]] = {}
    for spelling in found:
        by_form.setdefault(spelling.form, []).append(spelling)
    automaton = ahocorasick.Automaton()
    for form, each in by_form.items():
        automaton.add_word(form, tuple(each))
    automaton.make_automaton()
    return automaton if by_form else None


# --- many bytes ---


def _letters(forms: Iterable[str], raw: Iterable[str]) -> bytes | None:
    """A table of 256 bytes: 1 for those that long identifiers are spelled with; None if there is no such."""
    used: set[int] = set()
    for form in forms:
        if len(form) >= MIN_WIDE:
            for case in (form, form.lower(), form.upper()):
                used.update(case.encode("utf-8", "surrogatepass"), case.encode("latin-1", "ignore"))
    for form in raw:
        if len(form) >= MIN_WIDE:
            used.update(form.encode("latin-1"))
    return bytes(byte in used for byte in range(256)) if used else None


def _runs(value: bytes, letters: bytes) -> Iterator[bytes]:
    """The stretches of a value that are spelled with such bytes alone and are long enough."""
    marked = value.translate(letters)
    at = marked.find(_RUN)
    while at >= 0:
        end = marked.find(b"\0", at)
        end = end if end >= 0 else len(value)
        yield value[at:end]
        at = marked.find(_RUN, end)
