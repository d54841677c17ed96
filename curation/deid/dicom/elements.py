"""The bytes of a dataset, cut into elements (PS3.5 Chapter 7): little endian, explicit or implicit.

A walker for what scanners write; whatever it does not expect ends as ``Odd``, and ``odd`` reads the file another way.
"""

import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from curation.errors import Rejected
from curation.records import Reason

UNDEFINED = 0xFFFFFFFF
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
PIXEL_DATA = 0x7FE00010
CHARSET = 0x00080005
MAX_DEPTH = 32  # of nested sequences; real files stay below 8
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
     b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
_TAG = struct.Struct("<HH").unpack_from
_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


Pairs = list[tuple[int, bytes]]
"""Elements as tag and bytes."""


class Odd(Exception):  # noqa: N818 - an outcome, as Rejected is
    """Bytes that this walker does not read; ``short``: it ran past the end of what it was given."""

    def __init__(self, short: bool = False) -> None:
        super().__init__("the elements are not what a plain little endian dataset holds")
        self.short = short


class Element(NamedTuple):
    """An element as it lies in the file: all its bytes, where its value starts in them, and its representation."""

    tag: int
    vr: str
    raw: bytes
    start: int
    explicit: bool

    @property
    def value(self) -> bytes:
        """The bytes of the value; of a sequence without a defined length also its delimiter."""
        return self.raw[self.start :]


def split(data: bytes, explicit: bool) -> Pairs:
    """Tag and bytes of each element of an item, in rising order; raises Odd for anything unexpected."""
    found: Pairs = []
    at, last = 0, -1
    while at < len(data):
        tag = tag_at(data, at)
        if tag <= last:
            raise Odd
        end = element_end(data, at, explicit)
        found.append((tag, data[at:end]))
        at, last = end, tag
    return found


def tag_at(data: bytes, at: int) -> int:
    """The tag of the element that starts at ``at``."""
    try:
        group, number = _TAG(data, at)
    except struct.error:
        raise Odd(short=True) from None
    return int(group << 16 | number)


def element_end(data: bytes, at: int, explicit: bool, depth: int = 0) -> int:
    """Where the element at ``at`` ends; raises Odd, ``short`` if that is behind the data."""
    try:
        end = _explicit_end(data, at, depth) if explicit else _implicit_end(data, at, depth)
    except struct.error:
        raise Odd(short=True) from None
    if end > len(data):
        raise Odd(short=True)
    return end


def _explicit_end(data: bytes, at: int, depth: int) -> int:
    _, _, vr, length = _EXPLICIT(data, at)
    if vr in SHORT_VRS:
        return int(at + 8 + length)
    if vr not in LONG_VRS:
        raise Odd
    (size,) = _LENGTH(data, at + 8)
    if size != UNDEFINED:
        return int(at + 12 + size)
    if vr not in (b"SQ", b"UN"):
        raise Odd
    return _sequence_end(data, at + 12, vr == b"SQ", depth + 1)


def _implicit_end(data: bytes, at: int, depth: int) -> int:
    *_, size = _IMPLICIT(data, at)
    return int(at + 8 + size) if size != UNDEFINED else _sequence_end(data, at + 8, False, depth + 1)


def _sequence_end(data: bytes, at: int, explicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends, behind its delimiter (PS3.5 7.5)."""
    if depth > MAX_DEPTH:
        raise Rejected(Reason.UNREADABLE, f"expected sequences nested {MAX_DEPTH} deep at most; deeper ones came")
    while True:
        number, size = _item(data, at)
        at += 8
        if number == _SEQUENCE_END:
            return at
        at = at + size if size != UNDEFINED else _item_end(data, at, explicit, depth)


def _item_end(data: bytes, at: int, explicit: bool, depth: int) -> int:
    while True:
        if at + 8 > len(data):
            raise Odd(short=True)
        if data[at : at + 4] == b"\xfe\xff\x0d\xe0":
            return at + 8
        at = element_end(data, at, explicit, depth)


def _item(data: bytes, at: int) -> tuple[int, int]:
    if at + 8 > len(data):
        raise Odd(short=True)
    group, number, size = _IMPLICIT(data, at)
    if group != 0xFFFE or number not in (_ITEM, _SEQUENCE_END):
        raise Odd
    return number, size


def items(value: bytes, explicit: bool, depth: int) -> Iterator[Pairs]:
    """The elements of each item of a sequence's value; raises Odd, or Rejected for what is nested too deep."""
    if depth > MAX_DEPTH:
        raise Rejected(Reason.UNREADABLE, f"expected sequences nested {MAX_DEPTH} deep at most; deeper ones came")
    at = 0
    while at < len(value):
        number, size = _item(value, at)
        at += 8
        if number == _SEQUENCE_END:
            return
        end = at + size if size != UNDEFINED else _item_end(value, at, explicit, depth)
        if end > len(value):
            raise Odd(short=True)
        body = value[at:end] if size != UNDEFINED else value[at : end - 8]
        yield split(body, explicit)
        at = end


def element(tag: int, raw: bytes, explicit: bool) -> Element:
    """An element's representation and value; ``UN`` and implicit ones get the dictionary's, or UN."""
    vr = raw[4:6].decode("ascii") if explicit else ""
    start = 8 if not explicit or raw[4:6] in SHORT_VRS else 12
    if vr not in ("", "UN"):
        return Element(tag, vr, raw, start, True)
    given = dictionary_vr(tag)
    if not given and _LENGTH(raw, start - 4)[0] == UNDEFINED:
        given = "SQ"  # PS3.5 6.2.2: of undefined length, so it can be nothing else
    return Element(tag, given or "UN", raw, start, False)


def charset_of(pairs: Pairs, explicit: bool, outer: tuple[str, ...]) -> tuple[str, ...]:
    """The character sets of an item: its own, if it brings some, or those around it (PS3.3 C.12.1.1.2)."""
    raw = next((raw for tag, raw in pairs if tag == CHARSET), None)
    if raw is None:
        return outer
    return tuple(element(CHARSET, raw, explicit).value.decode("ascii", "replace").strip(" \0").split("\\"))


@cache
def dictionary_vr(tag: int) -> str:
    """The representation of PS3.6, such as ``US or SS``; empty if the tag is private or unknown."""
    return dictionary_VR(tag) if not tag & 0x10000 and dictionary_has_tag(tag) else ""


def write(tag: int, vr: str, value: bytes) -> bytes:
    """An element in Explicit VR Little Endian, padded to an even length; raises Rejected for a value too long."""
    code = vr.encode("ascii")
    if len(value) % 2:
        value += b"\0" if code in (b"UI", b"OB", b"UN") else b" "
    if code in LONG_VRS:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, code, 0, len(value)) + value
    if len(value) > 0xFFFF:
        raise Rejected(Reason.UNREADABLE, "expected values below 64 KiB; a longer one came")
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, code, len(value)) + value


def write_items(bodies: list[bytes]) -> bytes:
    """The value of a sequence: items of defined length."""
    return b"".join(struct.pack("<HHI", 0xFFFE, _ITEM, len(body)) + body for body in bodies)
