"""The verifier's own walker: Explicit VR Little Endian with defined lengths, which is all that we write.

Every byte belongs to an element, or the file is rejected. Sources: PS3.5 Chapter 7 (elements, sequences), A.4
(encapsulated pixels); PS3.10 7.1 (preamble and file meta).
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from curation.errors import Rejected
from curation.records import Reason

MAX_DEPTH = 32  # of nested sequences; real files stay below 8
UNDEFINED = 0xFFFFFFFF
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
     b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
PIXEL_DATA = b"\xe0\x7f\x10\x00"
"""Its tag as it lies in the file."""
PREAMBLE = bytes(128) + b"DICM"
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
_ITEM, _SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
_HEAD = struct.Struct("<HH2sH").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


class Element(NamedTuple):
    """Where an element lies: ``at`` its tag, ``start`` to ``end`` its value."""

    tag: int
    vr: bytes
    at: int
    start: int
    end: int


def check(holds: bool, rule: str) -> None:
    """Raise Rejected with the id of the rule unless it holds."""
    if not holds:
        fail(rule)


def fail(rule: str) -> NoReturn:
    """Raise Rejected with the id of the rule that was broken."""
    raise Rejected(Reason.NOT_VERIFIED, f"rule {rule}")


def meta_end(data: bytes) -> int:
    """Where the dataset starts, behind preamble and file meta."""
    check(data[:132] == PREAMBLE, "preamble")
    check(data[132:140] == _GROUP_LENGTH and len(data) >= 144, "file-meta")
    end = 144 + int(_LENGTH(data, 140)[0])
    check(end <= len(data), "length")
    return end


def read(data: bytes, at: int, end: int) -> Element:
    """The element at ``at``, which must end at ``end`` or before."""
    check(at + 8 <= end, "structure")
    group, number, vr, length = _HEAD(data, at)
    start = at + 8
    if vr in LONG_VRS:
        check(at + 12 <= end and length == 0, "structure")
        (length,) = _LENGTH(data, at + 8)
        start = at + 12
    else:
        check(vr in SHORT_VRS, "vr-unknown")
    check(length != UNDEFINED, "undefined-length")
    check(length % 2 == 0, "odd-length")
    check(start + length <= end, "length")
    return Element(group << 16 | number, vr, at, start, start + length)


def walk(data: bytes, at: int, end: int, top: bool = False) -> Iterator[Element]:
    """The elements from ``at`` to exactly ``end``; at the top level those before PixelData."""
    last = -1
    while at < end and not (top and data.startswith(PIXEL_DATA, at)):
        element = read(data, at, end)
        check(element.tag > last, "tags-not-in-order")
        yield element
        at, last = element.end, element.tag


def items(data: bytes, element: Element) -> Iterator[tuple[int, int]]:
    """Start and end of each item of a sequence."""
    at = element.start
    while at < element.end:
        start, end = _item(data, at, element.end)
        yield start, end
        at = end


def fragments(data: bytes) -> Iterator[bytes]:
    """The fragments of encapsulated pixels, given all that follows their element's header.

    Raises Rejected unless they are an offset table, fragments, and the delimiter at exactly the end.
    """
    start, first = _item(data, 0, len(data))
    check((first - start) % 4 == 0, "offset-table")
    table = struct.unpack(f"<{(first - start) // 4}I", data[start:first])
    at, places = first, set()
    while not data.startswith(_SEQUENCE_END, at):
        places.add(at - first)
        start, at = _item(data, at, len(data))
        yield data[start:at]
    check(bool(places) and at + len(_SEQUENCE_END) == len(data), "fragments")
    check(places.issuperset(table), "offset-table")


def _item(data: bytes, at: int, end: int) -> tuple[int, int]:
    check(at + 8 <= end and data.startswith(_ITEM, at), "structure")
    (length,) = _LENGTH(data, at + 4)
    check(length != UNDEFINED, "undefined-length")
    check(length % 2 == 0, "odd-length")
    check(at + 8 + length <= end, "length")
    return at + 8, at + 8 + length


def value_of(chunk: bytes) -> bytes:
    """The value of an element, given all its bytes."""
    return chunk[12:] if chunk[4:6] in LONG_VRS else chunk[8:]


def uids_of(head: bytes) -> frozenset[str]:
    """Every UID of a dataset, at any depth and DICOM's own too; ``head`` may end before or with the pixels.

    Raises Rejected if the bytes are not what we write.
    """
    return frozenset(_uids(head, meta_end(head), len(head), 0))


def _uids(data: bytes, at: int, end: int, depth: int) -> Iterator[str]:
    check(depth <= MAX_DEPTH, "too-deep")
    for element in walk(data, at, end, top=depth == 0):
        if element.vr == b"SQ":
            for start, stop in items(data, element):
                yield from _uids(data, start, stop, depth + 1)
        elif element.vr == b"UI":
            text = data[element.start : element.end].decode("ascii", "replace").rstrip("\0 ")
            yield from filter(None, text.split("\\"))
