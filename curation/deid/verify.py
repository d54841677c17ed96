"""The second look: every output is read again by code that shares nothing with what wrote it but the table of tags.

A small walker of its own (Explicit VR Little Endian is all that we write; no pydicom) checks structure, tags, UIDs and
marks; a byte search looks for each identifier of the original, in UTF-8, Latin-1 and UTF-16. What does not pass is
rejected with the id of the rule; the value stays where it was.
"""

import re
import struct
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, NoReturn

from curation.deid.attributes import ALLOWED_TAGS, ENCAPSULATED, EXPLICIT_LITTLE, KNOWN_WORDS, METHOD
from curation.deid.identity import Identifier
from curation.errors import Rejected
from curation.records import Reason

MIN_LETTERS = 4  # shorter name parts are words and abbreviations
MIN_PHRASE = 12  # a place's whole name, where it has no digit
MIN_WIDE = 8  # in pixels only longer values are searched: grey values spell short ones by chance
_META_TAGS = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012})
_CODE_TAGS = frozenset({0x00080100, 0x00080102, 0x00080104})
_PIXELS = 0x7FE00010
_METHOD_CODES = 0x00120064
_ITEM = 0xFFFEE000
_LONG_VRS = (b"OB", b"OW", b"SQ")
_BINARY_VRS = (b"OB", b"OW", b"US", b"SS", b"UL", b"FD")
_UID = re.compile(rb"2\.25\.(0|[1-9][0-9]{0,38})|1\.2\.840\.10008\.[0-9.]{1,49}")
_PSEUDONYM = re.compile(rb"p[0-9a-f]{16}")
_REQUIRED = {
    0x00120062: b"YES",
    0x00120063: METHOD.encode("ascii"),
    0x00280303: b"MODIFIED",
}
_EMPTY = (0x00080030, 0x00080090, 0x00100030, 0x00200010)  # StudyTime, referring physician, birth date, StudyID
_WELL_KNOWN_PLACES = (0x00020002, 0x00020010, 0x00080016)  # SOP class and transfer syntax
_NAMES = ("name", "clinician")
_PLACES = ("institution", "letterhead", "address")
_PLACEHOLDER = re.compile(r"\[[A-Z]+\]")
_WORD = re.compile(r"[^\W\d_]+")


class Element(NamedTuple):
    """One element as the walker sees it."""

    tag: int
    vr: bytes
    value: bytes


def verify_dicom(data: bytes, identifiers: Collection[Identifier]) -> None:
    """Raise Rejected unless the file is whole, allowed in every part, marked, and free of the identifiers."""
    meta, elements = _walk_file(data)
    _check(set(meta) == _META_TAGS, "file-meta")
    _check(set(elements) <= ALLOWED_TAGS, "tag-not-allowed")
    for element in (*meta.values(), *elements.values()):
        _check_element(element)
    _check(meta[0x00020003].value == elements.get(0x00080018, meta[0x00020010]).value, "sop-uid-differs")
    for tag, expected in _REQUIRED.items():
        _check(tag in elements and elements[tag].value.rstrip(b" ") == expected, "mark-missing")
    _check(all(tag in elements and not elements[tag].value for tag in _EMPTY), "type-2-not-empty")
    names = {elements[tag].value.rstrip(b" ") for tag in (0x00100010, 0x00100020) if tag in elements}
    _check(len(names) == 1 and all(_PSEUDONYM.fullmatch(name) for name in names), "patient-not-pseudonym")
    _check_codes(elements.get(_METHOD_CODES))
    _search_file(data, len(elements[_PIXELS].value) if _PIXELS in elements else 0, identifiers)


def verify_text(text: str, identifiers: Collection[Identifier]) -> None:
    """Raise Rejected if an identifier of the original stands in a clean text, whatever its case."""
    folded = _PLACEHOLDER.sub(" ", text).casefold()
    for identifier in _searchable(identifiers, _NAMES):
        _check(not _stands_in(identifier.casefold(), folded), "identifier-in-text")


def verify_nifti(header: bytes) -> None:
    """Raise Rejected unless the 352 bytes before a NIfTI-1's voxels hold numbers only."""
    _check(len(header) == 352 and header[344:352] == b"n+1\0\0\0\0\0", "nifti-header")
    _check(not any(header[4:40]) and not any(header[148:252]) and not any(header[328:344]), "nifti-text")


# --- structure -------------------------------------------------------------------------------------------


def _walk_file(data: bytes) -> tuple[dict[int, Element], dict[int, Element]]:
    """File meta and dataset by tag; raises Rejected for any byte that is not accounted for."""
    _check(data[:128] == bytes(128) and data[128:132] == b"DICM", "preamble")
    try:
        (length,) = struct.unpack_from("<I", data, 140)
        meta = _by_tag(_walk(data, 132, 144 + length, ""))
        syntax = meta[0x00020010].value.rstrip(b"\0").decode("ascii")
        _check(syntax == EXPLICIT_LITTLE or syntax in ENCAPSULATED, "transfer-syntax")
        return meta, _by_tag(_walk(data, 144 + length, len(data), syntax))
    except (struct.error, KeyError, UnicodeError):
        _fail("structure")


def _by_tag(elements: Iterable[Element]) -> dict[int, Element]:
    found: dict[int, Element] = {}
    for element in elements:
        _check(not found or element.tag > max(found), "tags-not-in-order")
        found[element.tag] = element
    return found


def _walk(data: bytes, at: int, end: int, syntax: str) -> Iterator[Element]:
    """Elements from ``at`` to exactly ``end``."""
    while at < end:
        group, number, vr = struct.unpack_from("<HH2s", data, at)
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<I", data, at + 8)
            at += 12
        else:
            (length,) = struct.unpack_from("<H", data, at + 6)
            at += 8
        if length == 0xFFFFFFFF:
            _check((group << 16 | number) == _PIXELS and syntax in ENCAPSULATED, "undefined-length")
            length = end - at
        _check(at + length <= end, "length")
        yield Element(group << 16 | number, vr, data[at : at + length])
        at += length
    _check(at == end, "length")


def _check_element(element: Element) -> None:
    if element.vr in _BINARY_VRS or element.tag == _METHOD_CODES:
        return
    if element.vr == b"UI":
        value = element.value.removesuffix(b"\0")
        _check(bool(_UID.fullmatch(value)), "uid-not-ours")
        _check(value.startswith(b"2.25.") or element.tag in _WELL_KNOWN_PLACES, "uid-not-ours")
    else:
        _check(all(0x20 <= byte < 0x7F for byte in element.value), "not-plain-text")


def _check_codes(sequence: Element | None) -> None:
    """The method's codes: items of three short elements each."""
    _check(sequence is not None and len(sequence.value) > 8, "mark-missing")
    data, at = sequence.value if sequence else b"", 0
    try:
        while at < len(data):
            group, number, length = struct.unpack_from("<HHI", data, at)
            _check((group << 16 | number) == _ITEM and at + 8 + length <= len(data), "structure")
            _check(set(_by_tag(_walk(data, at + 8, at + 8 + length, ""))) == _CODE_TAGS, "tag-not-allowed")
            at += 8 + length
    except struct.error:
        _fail("structure")


# --- search ----------------------------------------------------------------------------------------------


def _search_file(data: bytes, pixel_length: int, identifiers: Collection[Identifier]) -> None:
    start = len(data) - pixel_length
    head = data[:start].lower()
    for value in _searchable(identifiers, _NAMES + _PLACES):
        for encoded in _encodings(value):
            _check(not _bytes_in(encoded.lower(), head), "identifier-in-header")
            if len(value) >= MIN_WIDE:
                _check(data.find(encoded, start) < 0, "identifier-in-pixels")


def _encodings(value: str) -> set[bytes]:
    return {value.encode(code, "ignore") for code in ("utf-8", "latin-1", "utf-16-le", "utf-16-be")} - {b""}


def _searchable(identifiers: Iterable[Identifier], by_word: Collection[str]) -> set[str]:
    """Values worth a search: of the kinds ``by_word`` each word of four letters or more that no table holds.

    Of the others the whole, if it has a digit or is long enough to be no word. A place is searched by word only where
    no sentence stands: "general" is a word of many a hospital's name.
    """
    found: set[str] = set()
    for kind, value in identifiers:
        if kind in by_word:
            parts = {part for part in _WORD.findall(value) if len(part) >= (MIN_LETTERS if part.isascii() else 2)}
            found |= {part for part in parts if part.casefold() not in KNOWN_WORDS}
        elif len(value) >= (MIN_LETTERS if any(map(str.isdigit, value)) else MIN_PHRASE):
            found.add(value)
    return found


def _bytes_in(value: bytes, text: bytes) -> bool:
    at = text.find(value)
    while at >= 0:
        if not _runs_on(value, text, at):
            return True
        at = text.find(value, at + 1)
    return False


def _runs_on(value: bytes, text: bytes, at: int) -> bool:
    """Whether the match is part of a longer number (for a value that ends in a digit) or word."""
    before, after = text[at - 1 : at], text[at + len(value) : at + len(value) + 1]
    return _same_run(before, value[:1]) or _same_run(value[-1:], after)


def _same_run(left: bytes, right: bytes) -> bool:
    return (left.isdigit() and right.isdigit()) or (left.isalpha() and right.isalpha())


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", text) is not None


def _check(holds: bool, rule: str) -> None:
    if not holds:
        _fail(rule)


def _fail(rule: str) -> NoReturn:
    raise Rejected(Reason.NOT_VERIFIED, f"rule {rule}")
