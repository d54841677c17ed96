"""One value in, one clean value out: what each action of the profile means for each value representation (PS3.5 6.2).

A value that is not what its representation may hold is not passed on: text that stands where a number should, eight
letters that pose as a double, a number of an identifier's length. Values are little endian throughout.
"""

import re
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache

from pydicom._uid_dict import UID_dictionary
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_has_tag, dictionary_VM

from curation.deid.dicom.profile import Action
from curation.deid.keys.identity import Identity
from curation.deid.standard import defined_terms
from curation.deid.texts.words import Lexicon, clean_code_string, clean_descriptor, clean_sentences

REMOVED = "REMOVED"
MAX_NUMBER = 1e7  # a whole number of eight digits is an identifier rather than a measure
MIN_DOUBLE, MAX_DOUBLE = 1e-6, 1e6  # eight printable bytes are below the one, or above the other but for ? and @
_NUMBER = {
    "DS": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?"),
    "IS": re.compile(r"[+-]?\d{1,10}"),
}
_WIDTH = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "UV": 8, "SV": 8, "FD": 8}
_LAYOUT = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "UV": "Q", "SV": "q", "FD": "d"}
_PRINTED = re.compile(rb"[\x20-\x7e]+")
_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){6,}")
_MIN_ID = 6  # digits of an identifier that is looked for among numbers: shorter ones are also sizes and positions
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_DATED = re.compile(
    r"\d{1,4}[_./ -]\d{1,2}[_./ -]\d{2,4}|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*[_./ -]?\d{2,4}"
)
_ROUND = re.compile(r"[+-]?\d{1,5}0*(\.0*)?")
_ACTIVITY = frozenset({0x00181074, 0x00181077})  # in Bq: nine digits are usual
_MANY = 1 << 32
_PROSE_VRS = frozenset({"LT", "ST", "UC", "UT"})
_MAX_DIGITS = 16  # of a decimal string
BULK_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
STUB_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
"""An empty page: stands for an encapsulated document, whose text was removed whole."""
_DUMMY = {
    "DA": b"19000101",
    "DT": b"19000101000000",
    "TM": b"000000",
    "DS": b"0",
    "IS": b"0",
    "AS": b"000Y",
    "UN": b"",
    "OB": b"\0\0",
    **dict.fromkeys(("AE", "CS", "LO", "SH", "PN", "ST", "LT", "UT", "UC"), REMOVED.encode("ascii")),
}
ENCAPSULATED_DOCUMENT = 0x00420011


@dataclass(frozen=True)
class Subject:
    """Whose value it is: the key's pseudonyms, the patient, what the file knows of people, and the options."""

    identity: Identity
    patient: str
    known: Lexicon
    moves_dates: bool


def clean_value(
    action: Action, tag: int, vr: str, value: bytes, subject: Subject, trusted: bool = False
) -> bytes | None:
    """The clean value, unpadded; None if nothing of it may pass.

    ``value`` is text in UTF-8, or binary in little endian. ``trusted``: an option keeps it as it came.
    """
    if action is Action.EMPTY:
        return b""
    if action is Action.DUMMY:
        return dummy(tag, vr, value, subject)
    if trusted:
        return value.rstrip(b" \0") if vr not in BULK_VRS else None
    if action is Action.UID or vr == "UI":
        return _uids(value, subject)
    return _text(tag, vr, value, subject) if vr in _TEXT else _binary(tag, vr, value, subject)


def _binary(tag: int, vr: str, value: bytes, subject: Subject) -> bytes | None:
    """Numbers, attributes and samples that are what they should be."""
    if vr in _WIDTH:
        fits = _may_hold(tag, len(value) // _WIDTH[vr]) and is_measure(vr, value)
        return value if fits and not any(_is_known(number, subject) for number in _numbers_of(vr, value)) else None
    if vr == "AT":
        return value if _are_tags(value) else None
    return value if vr in BULK_VRS else None


def dummy(tag: int, vr: str, value: bytes, subject: Subject) -> bytes | None:
    """A value of the same representation that says nothing (PS3.15 E.1.1); dates move where that is in force."""
    if vr == "UI":
        return _uids(value, subject)
    if tag == ENCAPSULATED_DOCUMENT:
        return STUB_PDF
    return _DUMMY.get(vr)


def decode(value: bytes, charset: tuple[str, ...], vr: str) -> bytes:
    """Text of a value as UTF-8, whatever its character set (PS3.3 C.12.1.1.2); bytes that are none are replaced."""
    if value.isascii() and b"\x1b" not in value:
        return value
    delimiters = {ord("\\"), ord("^"), ord("=")} if vr == "PN" else {ord("\\"), 0x0A, 0x0C, 0x0D}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of values that it had to guess at
        return decode_bytes(value, _encodings(charset), delimiters).encode("utf-8", "replace")


@cache
def _encodings(charset: tuple[str, ...]) -> list[str]:
    """Python's names of character sets; pydicom takes any codec of Python for one, such as hex or punycode."""
    try:
        found = list(convert_encodings(list(charset) or [""]))
        for encoding in found:
            b"\xff".decode(encoding, "replace")  # what is no character set raises
    except (LookupError, ValueError):
        return ["latin_1"]
    return found


@cache
def _most(tag: int) -> int:
    """How many values an attribute may have by PS3.6; text hides in lists of numbers."""
    if not dictionary_has_tag(tag):
        return _MANY
    most = dictionary_VM(tag).rpartition("-")[2]
    return int(most) if most.isdigit() else _MANY


def _may_hold(tag: int, count: int) -> bool:
    return count <= _most(tag)


# --- by value representation ------------------------------------------------------------------------------


def is_measure(vr: str, value: bytes) -> bool:
    """Whether binary numbers are of a size that a setting or a coordinate can have, and no text read as numbers."""
    width = _WIDTH[vr]
    if not value or len(value) % width or (len(value) >= 4 and _spells(vr, value)):
        return False
    numbers = _numbers_of(vr, value)
    if vr == "FD":
        return all(number == 0 or MIN_DOUBLE <= abs(number) < MAX_DOUBLE for number in numbers)
    return vr not in ("UV", "SV") or all(abs(number) < MAX_NUMBER for number in numbers)


def _numbers_of(vr: str, value: bytes) -> tuple[float, ...]:
    return tuple(map(float, struct.unpack(f"<{len(value) // _WIDTH[vr]}{_LAYOUT[vr]}", value)))


def _spells(vr: str, value: bytes) -> bool:
    """Whether the bytes are text, in ASCII, UTF-8 or UTF-16; a lone float of four bytes can be so by chance."""
    if vr == "FL" and len(value) == 4:
        return value.isalpha() and value[1:].islower()
    if _PRINTED.fullmatch(value) or _WIDE.fullmatch(value):
        return True
    try:
        return len(value) >= 8 and value.decode("utf-8").strip("\0").isprintable()
    except UnicodeError:
        return False


def _text(tag: int, vr: str, value: bytes, subject: Subject) -> bytes | None:
    try:
        text = value.decode("utf-8").strip(" \0")
    except UnicodeError:
        return None
    if not text:
        return b""
    if vr not in _PROSE_VRS and not _may_hold(tag, text.count("\\") + 1):
        return None
    clean = _TEXT[vr](tag, text, subject)
    return clean.encode("utf-8") if clean else None


def _numbers(tag: int, text: str, subject: Subject, vr: str) -> str:
    values = [value.strip(" ") for value in text.split("\\")]
    return "\\".join(values) if all(_is_number(tag, vr, value, subject) for value in values) else ""


def _is_number(tag: int, vr: str, value: str, subject: Subject) -> bool:
    if not value:
        return True
    if not _NUMBER[vr].fullmatch(value) or len(value) > _MAX_DIGITS or _is_known(float(value), subject):
        return False
    return abs(float(value)) < MAX_NUMBER or tag in _ACTIVITY or _ROUND.fullmatch(value) is not None


def _is_known(number: float, subject: Subject) -> bool:
    """Whether a number is an identifier of this patient, however it is written."""
    return number >= 10 ** (_MIN_ID - 1) and number.is_integer() and f"{number:.0f}" in subject.known.codes


def _codes(_: int, text: str, subject: Subject) -> str:
    """Terms up to the first that no vocabulary knows: their positions carry meaning."""
    known: list[str] = []
    for value in text.split("\\"):
        term = value.strip(" ")
        if term not in defined_terms() and (_DATED.search(term) or not clean_code_string(term, subject.known)):
            break
        known.append(value.strip(" "))
    return "\\".join(known)


def _line(_: int, text: str, subject: Subject) -> str:
    values = [clean_descriptor(value, subject.known, _mover(subject)).text for value in text.split("\\")]
    return "\\".join(values) if any(values) else ""


def _prose(_: int, text: str, subject: Subject) -> str:
    return clean_sentences(text, subject.known, _mover(subject)).text


def _mover(subject: Subject) -> Callable[[date], date | None] | None:
    """How a date of a text moves; a birth does not: a birth that is known would tell by how much the others did."""
    if not subject.moves_dates:
        return None
    return lambda day: None if day in subject.known.born else subject.identity.shift(subject.patient, day)


def _date(_: int, text: str, subject: Subject) -> str:
    return _moved(text, subject, subject.identity.shift_date)


def _time(_: int, text: str, subject: Subject) -> str:
    return _moved(text, subject, subject.identity.shift_time)


def _datetime(_: int, text: str, subject: Subject) -> str:
    return _moved(text, subject, subject.identity.shift_datetime)


def _moved(text: str, subject: Subject, move: Callable[[str, str], str]) -> str:
    if not subject.moves_dates:
        return ""
    values = [move(subject.patient, value.strip(" ")) for value in text.split("\\")]
    return "\\".join(values) if any(values) else ""


def _age(_: int, text: str, subject: Subject) -> str:
    return subject.identity.age(text)


def years(vr: str, value: bytes, subject: Subject) -> bytes | None:
    """A measured number of years: above the oldest age it is that age; None if it may pass as any number."""
    oldest = subject.identity.oldest_age_years
    if vr == "FD":
        old = len(value) == 8 and struct.unpack("<d", value)[0] > oldest
        return struct.pack("<d", oldest) if old else None
    text = value.decode("utf-8", "replace").strip(" \0")
    return str(oldest).encode("ascii") if _NUMBER["DS"].fullmatch(text) and float(text) > oldest else None


def _uids(value: bytes, subject: Subject) -> bytes | None:
    values = value.decode("ascii", "replace").strip(" \0").split("\\")
    if not all(_UID.fullmatch(uid) for uid in values):
        return None
    return "\\".join(uid if uid in UID_dictionary else subject.identity.uid(uid) for uid in values).encode("ascii")


_TEXT: dict[str, Callable[[int, str, Subject], str]] = {
    "AS": _age,
    "CS": _codes,
    "DA": _date,
    "DS": lambda tag, text, subject: _numbers(tag, text, subject, "DS"),
    "DT": _datetime,
    "IS": lambda tag, text, subject: _numbers(tag, text, subject, "IS"),
    "LO": _line,
    "LT": _prose,
    "SH": _line,
    "ST": _prose,
    "TM": _time,
    "UC": _prose,
    "UT": _prose,
}


def _are_tags(value: bytes) -> bool:
    """Whether an AT value lists attributes of PS3.6."""
    tags = [group << 16 | element for group, element in struct.iter_unpack("<HH", value)] if len(value) % 4 == 0 else []
    return bool(tags) and all(dictionary_has_tag(tag) for tag in tags)
