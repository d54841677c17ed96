"""Compressed pixels: the fragments of one frame, and its code stream without what is not image.

JPEG and JPEG-LS: ISO 10918-1 Annex B, ISO 14495-1 Annex C (APPn and COM segments go). JPEG 2000: ISO 15444-1 Annex A
(COM segments of the main header go). RLE: PS3.5 Annex G. A stream that ends without its end marker is cut short.
"""

import struct
from collections.abc import Iterator

from curation.deid.attributes import JPEG, RLE
from curation.errors import Rejected
from curation.records import Reason

_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"
_START_OF_SCAN = 0xDA
_J2K_START_OF_TILE = 0x90


def fragments(value: bytes) -> Iterator[bytes]:
    """Fragments of encapsulated pixel data, without the offset table; raises Rejected if they are cut short."""
    at, first = 0, True
    while at + 8 <= len(value):
        if value[at : at + 4] == _END:
            return
        (length,) = struct.unpack_from("<I", value, at + 4)
        if value[at : at + 4] != _ITEM or at + 8 + length > len(value):
            raise Rejected(Reason.TRUNCATED, "expected whole fragments of compressed pixels; one is cut short")
        if not first:
            yield value[at + 8 : at + 8 + length]
        at, first = at + 8 + length, False


def clean_frame(frame: bytes, syntax: str) -> bytes:
    """One frame's code stream without comments and application data; raises Rejected if it is not one."""
    if syntax == RLE:
        return _rle(frame)
    frame = frame.rstrip(b"\0")
    if not frame.endswith(b"\xff\xd9"):
        raise Rejected(Reason.TRUNCATED, "expected a code stream up to its end marker; it ends before")
    if syntax in JPEG:
        return _without_segments(frame, b"\xff\xd8", _START_OF_SCAN, {0xFE, *range(0xE0, 0xF0)})
    return _without_segments(frame, b"\xff\x4f", _J2K_START_OF_TILE, {0x64})


def _without_segments(frame: bytes, start: bytes, stop: int, unwanted: set[int]) -> bytes:
    """Copy the header's marker segments but the unwanted, and from the marker ``stop`` on everything."""
    if not frame.startswith(start):
        raise Rejected(Reason.UNREADABLE, "expected a code stream of the transfer syntax; another came")
    kept, at = [start], len(start)
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker, (length,) = frame[at + 1], struct.unpack_from(">H", frame, at + 2)
        if marker == stop:
            return b"".join((*kept, frame[at:]))
        if marker not in unwanted:
            kept.append(frame[at : at + 2 + length])
        at += 2 + length
    raise Rejected(Reason.UNREADABLE, "expected a code stream with image data; its header has no end")


def _rle(frame: bytes) -> bytes:
    """Check the header of an RLE frame: 1 to 15 segments that lie inside it."""
    if len(frame) < 64:
        raise Rejected(Reason.TRUNCATED, "expected an RLE header of 64 bytes; less came")
    count, *offsets = struct.unpack_from("<16I", frame)
    used = offsets[: min(count, 15)]
    if not 1 <= count <= 15 or used[0] != 64 or used != sorted(used) or used[-1] >= len(frame):
        raise Rejected(Reason.UNREADABLE, "expected RLE segments inside their frame; the header says otherwise")
    return struct.pack("<16I", count, *used, *[0] * (15 - len(used))) + frame[64:]
