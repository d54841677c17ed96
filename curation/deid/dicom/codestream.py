"""Compressed pixels: the frames, and each one's code stream without what is not image.

Only what a decoder needs is copied, up to the end marker. JPEG and JPEG-LS: ISO 10918-1 Annex B, ISO 14495-1 Annex C.
JPEG 2000: ISO 15444-1 Annex A. RLE: PS3.5 Annex G. A stream that ends without its end marker is cut short.
"""

import struct
from collections.abc import Generator, Iterator

from curation.deid.dicom.objects import JPEG, RLE
from curation.errors import Rejected
from curation.records import Reason

_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_RESTARTS = range(0xD0, 0xD8)
_JPEG_SEGMENTS = {*range(0xC0, 0xD0), 0xDA, 0xDB, 0xDC, 0xDD, 0xF7, 0xF8} - {0xC8}  # frames, tables, scans, JPEG-LS
_START_OF_TILE, _START_OF_DATA = 0x90, 0x93
_J2K_SEGMENTS = {0x50, 0x51, 0x52, 0x53, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61, 0x90}  # what describes the image


def clean_frames(value: bytes, syntax: str, frames: int, plane: int) -> bytes:
    """The value of encapsulated PixelData (PS3.5 A.4): each frame clean, in one fragment, behind an empty offset table.

    ``plane`` is rows × columns. Raises Rejected if a frame is missing, cut short, or no code stream of the syntax.
    """
    cleaned = [clean_frame(frame, syntax, plane) for frame in split_frames(value, frames)]
    padded = [frame + b"\0" * (len(frame) % 2) for frame in cleaned]
    return b"".join((_ITEM, bytes(4), *(part for frame in padded for part in (_head(frame), frame)), _END, bytes(4)))


def _head(frame: bytes) -> bytes:
    return _ITEM + struct.pack("<I", len(frame))


def split_frames(value: bytes, frames: int) -> list[bytes]:
    """The code stream of each frame; raises Rejected unless there are ``frames``.

    Where a frame lies in several fragments, the offset table says which, or the marker that starts a code stream.
    """
    table, parts = _fragments(value)
    if frames == 1:
        return [b"".join(part for _, part in parts)]
    starts = (
        set(table) if len(table) == frames else {at for at, part in parts if part[:2] in (b"\xff\xd8", b"\xff\x4f")}
    )
    if len(parts) == frames:
        return [part for _, part in parts]
    found: list[bytes] = []
    for at, part in parts:
        if at in starts:
            found.append(part)
        elif found:
            found[-1] += part
    if len(found) != frames:
        raise Rejected(Reason.TRUNCATED, "expected as many compressed frames as NumberOfFrames says; others came")
    return found


def _fragments(value: bytes) -> tuple[list[int], list[tuple[int, bytes]]]:
    """The offset table, and each fragment with its offset; raises Rejected if one is cut short."""
    table: list[int] = []
    parts: list[tuple[int, bytes]] = []
    at, first, start = 0, True, 0
    while at + 8 <= len(value) and value[at : at + 4] != _END:
        (length,) = struct.unpack_from("<I", value, at + 4)
        if value[at : at + 4] != _ITEM or at + 8 + length > len(value):
            raise Rejected(Reason.TRUNCATED, "expected whole fragments of compressed pixels; one is cut short")
        if first:
            table = [offset for (offset,) in struct.iter_unpack("<I", value[8 : 8 + length // 4 * 4])]
            start = 8 + length
        else:
            parts.append((at - start, value[at + 8 : at + 8 + length]))
        at, first = at + 8 + length, False
    return table, parts


def clean_frame(frame: bytes, syntax: str, plane: int) -> bytes:
    """One frame's code stream without comments, application data and what follows its end.

    ``plane`` is rows × columns. Raises Rejected if it is no such stream, or cut short.
    """
    if syntax == RLE:
        return _rle(frame, plane)
    jpeg = syntax in JPEG
    if not frame.startswith(b"\xff\xd8" if jpeg else b"\xff\x4f"):
        raise Rejected(Reason.UNREADABLE, "expected a code stream of the transfer syntax; another came")
    try:
        return frame[:2] + b"".join(_jpeg(frame) if jpeg else _jpeg_2000(frame)) + b"\xff\xd9"
    except (struct.error, IndexError):
        raise Rejected(Reason.TRUNCATED, "expected a code stream up to its end marker; it ends before") from None


def _segment(frame: bytes, at: int) -> tuple[int, int]:
    """Marker of the segment at ``at``, and where the next one starts."""
    if frame[at] != 0xFF:
        raise Rejected(Reason.UNREADABLE, "expected a code stream of marker segments; something else came")
    if frame[at + 1] == _END_OF_IMAGE:
        return _END_OF_IMAGE, at + 2
    (length,) = struct.unpack_from(">H", frame, at + 2)
    if length < 2:
        raise Rejected(Reason.UNREADABLE, "expected a code stream of marker segments; something else came")
    return frame[at + 1], at + 2 + length


def _jpeg(frame: bytes) -> Iterator[bytes]:
    """The segments between start and end of the image, each scan with its data; others may stand between scans."""
    at = 2
    while True:
        while frame[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        marker, after = _segment(frame, at)
        if marker == _END_OF_IMAGE:
            return
        if marker == _START_OF_SCAN:
            after = _scan_end(frame, after)
        if marker in _JPEG_SEGMENTS:
            yield frame[at:after]
        at = after


def _scan_end(frame: bytes, at: int) -> int:
    """Where the next marker stands; in JPEG-LS a byte below 128 follows an 0xFF of the data, in JPEG a zero."""
    while True:
        at = frame.find(b"\xff", at)
        if at < 0:
            raise IndexError
        following = frame[at + 1]
        if following >= 0x80 and following not in (*_RESTARTS, 0xFF):
            return at
        at += 1 if following == 0xFF else 2


def _jpeg_2000(frame: bytes) -> Iterator[bytes]:
    """The main header, then each tile-part with its length as it is without the comments of its header."""
    at = 2
    while True:
        marker, after = _segment(frame, at)
        if marker == _END_OF_IMAGE:
            return
        if marker == _START_OF_TILE:
            after = yield from _tile_part(frame, at)
        elif marker in _J2K_SEGMENTS:
            yield frame[at:after]
        at = after


def _tile_part(frame: bytes, start: int) -> Generator[bytes, None, int]:
    tile, length, part, parts = struct.unpack_from(">HIBB", frame, start + 4)
    kept, at = [], start + 12
    while frame[at : at + 2] != b"\xff\x93":
        marker, after = _segment(frame, at)
        if marker == _END_OF_IMAGE:
            raise Rejected(Reason.UNREADABLE, "expected a tile with data; it has none")
        if marker in _J2K_SEGMENTS:
            kept.append(frame[at:after])
        at = after
    end = start + length if length else frame.find(b"\xff\xd9", at)  # 0: the last, up to the end marker
    if not at + 2 <= end <= len(frame):
        raise IndexError
    body = b"".join((*kept, frame[at:end]))
    yield struct.pack(">HHHIBB", 0xFF90, 10, tile, 12 + len(body), part, parts) + body
    return end


def _rle(frame: bytes, plane: int) -> bytes:
    """An RLE frame of 1 to 15 segments, each with the runs of one plane and no more."""
    if len(frame) < 64:
        raise Rejected(Reason.TRUNCATED, "expected an RLE header of 64 bytes; less came")
    count, *offsets = struct.unpack_from("<16I", frame)
    used = offsets[: min(count, 15)]
    if not 1 <= count <= 15 or used[0] != 64 or used != sorted(used) or used[-1] >= len(frame):
        raise Rejected(Reason.UNREADABLE, "expected RLE segments inside their frame; the header says otherwise")
    segments = [frame[start : _runs_end(frame, start, plane)] for start in used]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    starts = [64 + sum(map(len, segments[:number])) for number in range(count)]
    return struct.pack("<16I", count, *starts, *[0] * (15 - count)) + b"".join(segments)


def _runs_end(frame: bytes, at: int, plane: int) -> int:
    """Where the runs end that make up one plane of bytes (PackBits)."""
    made = 0
    while made < plane:
        if at >= len(frame):
            raise Rejected(Reason.TRUNCATED, "expected RLE runs for rows × columns; less came")
        count = frame[at]
        made += count + 1 if count < 128 else 257 - count if count > 128 else 0
        at += count + 2 if count < 128 else 2 if count > 128 else 1
    if made > plane or at > len(frame):
        raise Rejected(Reason.TRUNCATED, "expected RLE runs for rows × columns; others came")
    return at
