"""Clean short texts by a vocabulary: descriptors, comments, the sentences of structured reports.

Default deny: a word stays if the vocabulary knows it; dates, phones, addresses and numbers that identify go by their
form; what names this very patient, the people and the places around him goes wherever it stands, known word or not. A
word that is a name as well (Brown, Long) goes where it stands like a name. What stays, stays letter by letter.
Source: DICOM PS3.15 E.3.3 (descriptors), E.3.4 (structured content), E.3.5 (graphics).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise

from curation.deid.keys.identity import Identifier
from curation.deid.texts.date_rules import read_date
from curation.deid.texts.vocabulary import Level, fold, forms, grammar, level, vocabulary
from curation.deid.texts.vocabulary import is_ambiguous as _is_ambiguous
from curation.deid.texts.vocabulary.context import read
from curation.deid.texts.vocabulary.reading import Piece, Reading

MoveDate = Callable[[date], date | None]

_NAMES = frozenset(("name", "clinician"))
_PLACES_AND_IDS = frozenset(
    (
        *("institution", "letterhead", "address", "issuer", "device", "email", "phone", "uid", "other"),
        *("patient_id", "accession", "study_id", "order", "report_id"),
    )
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATED = re.compile(
    r"(?<!\d)(?:[0-3]?\d[\W_][0-3]?\d[\W_](?:\d{4}|\d\d)|(?:19|20)\d\d[\W_][01]?\d[\W_][0-3]?\d)(?!\d)|"
    rf"(?<![a-z]){_MONTH}[\W_](?:\d{{4}}|\d\d)(?!\d)|(?<!\d)\d\d?[\W_]{_MONTH}(?![a-z])"
)
"""A date in a code string: 12_03_54, MAR_54, 3-FEB."""
_CODE = re.compile(r"[a-z]{0,2}\d{1,3}[a-z]{0,2}|[a-z]{1,2}|\d{1,5}")


@dataclass(frozen=True)
class Lexicon:
    """What a patient and a file are known by: folded words of names and places, folded ids in one piece, births."""

    words: frozenset[str]
    codes: frozenset[str]
    born: frozenset[date] = frozenset()


@dataclass(frozen=True)
class CleanText:
    """A clean text, and how many stretches were taken out of it."""

    text: str
    removed: int


def lexicon(identifiers: Iterable[Identifier]) -> Lexicon:
    """What must go from this patient's texts. A kind that is not known here counts as a name and as an id."""
    words: set[str] = set()
    codes: set[str] = set()
    born: set[date] = set()
    for kind, value in identifiers:
        if kind in _NAMES:
            words |= _words(value) - grammar("no_name")
        elif kind == "birth_date":
            born |= read_date(value)
        elif kind != "study_date":
            sure = kind not in _PLACES_AND_IDS
            words |= {word for word in _words(value) - grammar("no_place") if sure or not _is_plain(word)}
            codes |= set(_codes(value))
    return Lexicon(frozenset(words), frozenset(codes), frozenset(born))


def is_word(token: str) -> bool:
    """Whether a word is known and names nobody, whatever its case."""
    word = fold(token)
    return level(word) > Level.UNKNOWN and not _is_ambiguous(word)


def is_ambiguous(token: str) -> bool:
    """Whether a word is known but is a name as well."""
    word = fold(token)
    return level(word) > Level.UNKNOWN and _is_ambiguous(word)


def clean_descriptor(text: str, known: Lexicon, move_date: MoveDate | None = None) -> CleanText:
    """A value of one line (LO, SH, CS, ST) without what identifies; dates move, or go without ``move_date``."""
    return _clean(text, known, False, move_date)


def clean_sentences(text: str, known: Lexicon, move_date: MoveDate | None = None) -> CleanText:
    """Prose (LT, UT, ST) by the same law; lines and punctuation stay."""
    return _clean(text, known, True, move_date)


def clean_code_string(value: str, known: Lexicon) -> bool:
    """Whether each part of a CS value is a word of the vocabulary or a short technical code (M, SE, DIS2D, SOM5)."""
    parts = re.findall(r"[^\W_]+", fold(value))
    if "".join(parts) in known.codes or not value.isascii() or _DATED.search(fold(value)):
        return False
    return all(_is_code_part(part, known) for part in parts)


def _is_code_part(part: str, known: Lexicon) -> bool:
    if part in known.words or part in known.codes:
        return False
    if _CODE.fullmatch(part):
        return True
    if part in vocabulary().name:
        return False
    return level(part) > Level.UNKNOWN or all(
        len(piece) <= 2 or (piece.isdigit() and len(piece) <= 3) or level(piece) for piece in _split(part)
    )


def _split(part: str) -> list[str]:
    return re.findall(r"\d+|[a-z]+", part)


# --- words and codes of identifiers ----------------------------------------------------------------------


def _words(value: str) -> set[str]:
    """Folded words of two letters and more; a vowel with points may stand without them, and the other way about."""
    found: set[str] = set()
    for part in re.findall(r"[^\W\d_]+(?:['’ʼ-][^\W\d_]+)*", unicodedata.normalize("NFC", value)):
        pieces = re.split(r"['’ʼ-]", part)
        for word in (*pieces, "".join(pieces)):
            pointed = re.sub(r"(?i)([äöü])", r"\1e", word)
            found |= {fold(word), fold(pointed), re.sub(r"([aou])e", r"\1", fold(word)) if len(word) > 4 else ""}
    return {word for word in found if len(word) > 1}


def _codes(value: str) -> Iterator[str]:
    """The whole without separators, and each part that is long enough to name by itself."""
    parts = re.findall(r"[^\W_]+", fold(value))
    for code in ("".join(parts), *(part for part in parts if len(part) > 4)):
        if len(code) > 2 and any(map(str.isdigit, code)):
            yield code
            yield from (run for run in re.findall(r"\d+", code) if len(run) > 4)


def _is_plain(word: str) -> bool:
    return level(word) is Level.CLINICAL and not _is_ambiguous(word)


# --- what is left ----------------------------------------------------------------------------------------

_CLOSING = re.compile(r"\s*(?:$|[.,;:)\]}!?\n])")
_JOINTS = "-_^/\\=&+|@#*~ "
_OPENING, _CLOSE, _MARKS = tuple("([{<"), tuple(")]}>"), ".!?;:,"
_REMEMBERED = 256  # characters: what comes again is short
_LINE = re.compile(r"\r?\n\s*")


def _clean(text: str, known: Lexicon, prose: bool, move_date: MoveDate | None) -> CleanText:
    if len(text) > _REMEMBERED:
        return _rendered(read(_plain(text), known.words, known.codes, prose), move_date)
    clean, has_days = _remembered(text, known, prose)
    if has_days and move_date:
        return _rendered(read(_plain(text), known.words, known.codes, prose), move_date)
    return clean


@lru_cache(maxsize=1 << 12)
def _remembered(text: str, known: Lexicon, prose: bool) -> tuple[CleanText, bool]:
    """The text with its dates taken out, and whether it had any that could be moved instead."""
    reading = read(_plain(text), known.words, known.codes, prose)
    return _rendered(reading, None), any(piece.day for piece in reading.pieces)


def _plain(text: str) -> str:
    """Composed, without invisible characters; figures of any script as 0 to 9, any blank as a space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, unicodedata.normalize("NFC", text)))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "Zs":
        return " "
    return "" if category[0] == "C" and character not in "\n\r\t\f" else character


def _rendered(reading: Reading, move_date: MoveDate | None) -> CleanText:
    shown = [_shown(piece, move_date) for piece in reading.pieces]
    if all(text == piece.text and text for text, piece in zip(shown, reading.pieces, strict=True)):
        return CleanText(reading.text, 0)
    gone = [text is None for text in shown]
    removed = sum(here and not before for before, here in pairwise([False, *gone]))
    _drop_dangling(reading, shown)
    return CleanText(_joined(reading, shown), removed)


def _shown(piece: Piece, move_date: MoveDate | None) -> str | None:
    """What stands for a piece in the clean text; None if it goes."""
    if piece.gone:
        return None
    if piece.day:
        moved = move_date(piece.day) if move_date else None
        return forms.printed(moved, piece.layout) if moved else None
    return piece.layout or piece.text


def _drop_dangling(reading: Reading, shown: list[str | None]) -> None:
    """Words that only led to what has gone: titles and credentials, and prepositions that lead nowhere else."""
    following = len(shown)  # the next piece that stays
    for number in range(len(shown) - 1, -1, -1):
        word = reading.pieces[number].word
        behind = bool(number) and shown[number - 1] is None
        ahead = following > number + 1 <= len(shown) - 1 and not reading.gap(number).strip(" .:")
        if (
            (behind and word in grammar("credentials"))
            or (ahead and word in grammar("titles"))
            or (ahead and word in grammar("dangling") and _leads_nowhere(reading, following))
        ):
            shown[number] = None
        if shown[number] is not None:
            following = number


def _leads_nowhere(reading: Reading, following: int) -> bool:
    """Whether behind what went comes an end, a mark, or the next preposition."""
    if following < len(reading.pieces) and reading.pieces[following].word in grammar("dangling"):
        return True
    return bool(_CLOSING.match(reading.text, reading.pieces[following - 1].end))


def _joined(reading: Reading, shown: list[str | None]) -> str:
    """What is left, with tidy gaps where something went, and untouched ones elsewhere."""
    out: list[str] = []
    gaps: list[str] = []  # since the last piece that stays, where one went
    done = 0
    for piece, words in zip(reading.pieces, shown, strict=True):
        gap = reading.text[done : piece.start]
        done = piece.end
        if words is None:
            gaps.append(gap)
        else:
            out += (_gap([*gaps, gap], bool(out)) if gaps else gap, words)
            gaps = []
    tail = reading.text[done:]
    return "".join((*out, _tail(gaps[0], tail, reading.prose) if gaps else tail)) if out else ""


def _gap(gaps: list[str], middle: bool) -> str:
    """One gap for those around what went: the strongest mark, open and close brackets that still have a partner."""
    left, right = gaps[0].strip(), gaps[-1].strip()
    if left.endswith(_OPENING) and right.startswith(_CLOSE):
        left, right = left[:-1].rstrip(), right[1:].lstrip()
    opened = "".join(mark for mark in left + right if mark in _OPENING)
    if not middle:
        return opened
    if left and left == right and not left.strip(_JOINTS):
        return gaps[0]
    closed = "".join(mark for mark in right if mark in _CLOSE)
    marks = [mark for mark in left + right if mark in _MARKS]
    line = _LINE.search("".join(gaps))
    return closed + min(marks, key=_MARKS.index, default="") + (line[0] if line else " ") + opened


def _tail(left: str, right: str, prose: bool) -> str:
    """What closes a text whose last words went: a bracket that is open still, the end of a sentence."""
    left, right = left.strip(), right.strip()
    closed = right[:1] if right.startswith(_CLOSE) and not left.endswith(_OPENING) else ""
    ends = left[:1] + (right.lstrip(")]}>")[:1] if prose else "")
    return closed + next((mark for mark in ends if mark in ".!?"), "")
