"""In which spellings an identifier may stand: folded text for the automaton, and bytes in old character sets.

Names are searched by their parts, places by their words, numbers without what separates their digits. A part that is a
word of the field (a patient called Chest) counts only where it stands as a name.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import permutations
from typing import NamedTuple

from curation.deid.keys.identity import Identifier
from curation.deid.texts.words import is_ambiguous, is_word

NAMES = ("name", "clinician")
PLACES = ("institution", "letterhead", "address")
_NUMBERS = ("patient_id", "accession", "study_id", "report_id", "order", "reader_id")
MIN_LETTERS = 4  # shorter name parts are words and abbreviations; of letters that are no Latin ones two will do
MIN_DIGITS = 4  # of a number as a whole
MIN_NUMBER = 6  # digits or letters, from which on separators do not count
MIN_PAIR = 5  # letters of two short names together
MIN_PHRASE = 12  # a place's whole name, where it has no digit
MIN_RAW = 4  # bytes
_PARTS = re.compile(r"[\^,;\s]+")
_WORDS = re.compile(r"[^\W\d_]+")
_TITLES = frozenset(
    (
        "md",
        "dr",
        "drs",
        "prof",
        "professor",
        "jr",
        "sr",
        "phd",
        "rn",
        "do",
        "ii",
        "iii",
        "iv",
        "mr",
        "mrs",
        "ms",
        "miss",
    )
)
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ESCAPES = re.compile(rb"\x1b[$()\-.]*.")
_CODECS = {  # PS3.3 Tables C.12-2 to C.12-5
    "100": "latin-1", "101": "iso8859-2", "109": "iso8859-3", "110": "iso8859-4", "144": "iso8859-5",
    "127": "iso8859-6", "126": "iso8859-7", "138": "iso8859-8", "148": "iso8859-9", "203": "iso8859-15",
    "166": "tis-620", "13": "shift_jis", "87": "iso2022_jp", "159": "iso2022_jp_2", "149": "euc_kr", "58": "gb2312",
    "GB18030": "gb18030", "GBK": "gbk",
}  # fmt: skip
_UNICODE = {"utf-8", "utf-16-le", "utf-16-be"}


class Spelling(NamedTuple):
    """One spelling of an identifier, folded."""

    form: str
    kind: str
    loose: bool = False
    """Whether spaces and dashes may stand in it."""
    common: bool = False
    """Whether it is also a word that names nobody, and may stand by right."""
    term: bool = False
    """Whether it is a word that is a name as well (Hand, Long), and may stand by right among coded terms."""


def fold(text: str) -> str:
    """Lower case without accents and what is not seen, such as a soft hyphen; digits of any script are 0 to 9."""
    return text.lower() if text.isascii() else "".join(map(_plain, text))


@lru_cache(1 << 16)
def _plain(letter: str) -> str:
    digit = unicodedata.decimal(letter, None)
    if digit is not None:
        return str(digit)
    parts = unicodedata.normalize("NFKD", _LETTERS.get(letter.lower(), letter).casefold()).casefold()
    seen = (part for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))
    return unicodedata.normalize("NFC", "".join(seen))


def spellings(identifier: Identifier, places_by_word: bool) -> Iterator[Spelling]:
    """The spellings of one identifier; none for a value so short or common that it would be found by chance.

    ``places_by_word``: not where sentences stand, for "general" is a word of many a hospital's name.
    """
    kind, value = identifier
    if kind in NAMES:
        for group in value.split("="):
            yield from _name(kind, group)
        return
    if kind == "uid":
        yield from (Spelling(uid, kind) for uid in (value.strip(),) if len(uid) >= MIN_NUMBER)
        return
    if kind == "birth_date":
        yield from (Spelling(form, kind, loose=True) for form in _dates(value))
    yield from _whole(kind, " ".join(fold(value).split()))
    if kind in PLACES and places_by_word:
        words = (word for word in _words(fold(value)) if not is_word(word))
        yield from (Spelling(word, kind, term=is_ambiguous(word)) for word in words)


def raw_spellings(identifier: Identifier, charsets: Iterable[str]) -> Iterator[Spelling]:
    """The bytes of each part that is not ASCII, in Unicode and the original's character sets, as Latin-1 characters.

    Not those that folding finds: accents in UTF-8, UTF-16 and Latin-1.
    """
    names = (re.split(r"[ _]", charset)[-1] for charset in charsets)  # "ISO_IR 100" and "ISO 2022 IR 100" are one
    codecs = {_CODECS[name] for name in names if name in _CODECS} - {"latin-1"}
    for part in beyond_ascii(identifier):
        for codec in codecs if fold(part).isascii() else codecs | _UNICODE:
            for form in {_ESCAPES.sub(b"", _encoded(case, codec)) for case in (part, part.lower(), part.upper())}:
                if len(form) >= MIN_RAW:
                    yield Spelling(form.decode("latin-1"), identifier.kind)


def beyond_ascii(identifier: Identifier) -> list[str]:
    """The parts of an identifier that are not ASCII."""
    return [part for part in re.split(r"[\^=,;\s]+", identifier.value) if not part.isascii() and len(part) > 1]


def _encoded(text: str, codec: str) -> bytes:
    """The text in an encoding; empty if it has no letters for it."""
    try:
        return text.encode(codec)
    except UnicodeError:
        return b""


def _words(text: str) -> list[str]:
    return [word for word in _WORDS.findall(text) if len(word) >= (MIN_LETTERS if word.isascii() else 2)]


# --- names ---


def _name(kind: str, group: str) -> Iterator[Spelling]:
    """Each part of a name, also of a double one, and each two parts run together in either order."""
    parts = [part for part in map(_trimmed, _PARTS.split(group)) if part and fold(part) not in _TITLES]
    for part in parts:
        for form in _variants(part):
            words = {*_words(form), *_words("".join(_WORDS.findall(form)))}
            yield from (Spelling(word, kind, False, is_word(word), is_ambiguous(word)) for word in words)
    for first, second in permutations([fold(part) for part in parts[:3] if len(part) > 1], 2):
        yield from _pair(kind, first, second)


def _trimmed(part: str) -> str:
    return part.strip(".'\"()[]")


def _variants(part: str) -> set[str]:
    """A part as it is, and with its vowels written with points or as two letters (Müller, MUELLER)."""
    plain = fold(part)
    short = re.sub(r"([aou])e", r"\1", plain)
    return {plain, fold(re.sub(r"(?i)([äöü])", r"\1e", part)), short if len(short) > MIN_LETTERS else plain}


def _pair(kind: str, first: str, second: str) -> Iterator[Spelling]:
    joined = "".join(_WORDS.findall(first + second))
    if is_word(first) and is_word(second):
        yield from (Spelling(f"{first},{gap}{second}", kind) for gap in ("", " "))
    elif len(joined) >= MIN_PAIR and not is_word(joined):
        yield Spelling(joined, kind, loose=True)


# --- numbers, places and dates ---


def _whole(kind: str, plain: str) -> Iterator[Spelling]:
    squeezed = "".join(filter(str.isalnum, plain))
    words, numbers = _WORDS.findall(plain), re.findall(r"\d+", plain)
    known = bool(words) and all(map(is_word, words))
    if numbers:
        if (known and max(map(len, numbers)) <= 3) or len(squeezed) < MIN_DIGITS:
            return  # "ct 2.5 mm" stands in many a description
        yield Spelling(plain, kind)
        yield from (Spelling(form, kind, loose=True) for form in (squeezed, *numbers) if len(form) >= MIN_NUMBER)
    elif not known and len(squeezed) >= (MIN_LETTERS if kind in _NUMBERS else MIN_PHRASE):
        yield Spelling(plain, kind)
        yield from (Spelling(form, kind, loose=True) for form in (squeezed,) if len(form) >= MIN_PHRASE)


def _dates(value: str) -> Iterator[str]:
    """A date of birth in digits in three orders, and with its month in words."""
    digits = "".join(filter(str.isdigit, value))
    try:
        day = date.fromisoformat(digits) if len(digits) == 8 else None
    except ValueError:
        return
    if day is None:
        return
    yield from (f"{day:{layout}}" for layout in ("%Y%m%d", "%d%m%Y", "%m%d%Y"))
    name = _MONTHS[day.month - 1]
    for month in (name, name[:3]):
        for number in (f"{day.day}", f"{day.day:02d}"):
            yield from (f"{number}{month}{day.year}", f"{month}{number}{day.year}")
