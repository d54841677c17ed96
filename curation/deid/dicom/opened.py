"""A DICOM file, opened: its elements as they lie in it, and where its pixels are; the pixels are not read.

Plain little endian files with a preamble are cut by ``elements``. Everything odd (no preamble, big endian, wrong
lengths, elements out of order) is read by pydicom and written out plainly first; both ways end in the same bytes.
"""

import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from curation.deid.dicom import objects
from curation.deid.dicom.chunks import Chunk, Chunker
from curation.deid.dicom.elements import UNDEFINED as UNDEFINED_LENGTH
from curation.deid.dicom.elements import Odd, Pairs, element_end
from curation.deid.dicom.odd import plain
from curation.deid.keys.identity import patient_key
from curation.errors import Rejected
from curation.records import Reason

HEAD_BYTES = 16 * 1024
MAX_HEADER = 256 << 20
MAX_ODD = 512 << 20
"""A file that only pydicom reads is read whole: this is what one may take."""
MAX_DEFLATED_RATIO = 200  # of PS3.5 A.5 streams; text deflates by 5, a bomb by 1,000
_PIXEL_TAG = b"\xe0\x7f\x10\0"
_SYNTAX = b"\2\0\x10\0UI"
_GROUP_LENGTH = b"\2\0\0\0UL\4\0"


class Source(Protocol):
    """Bytes that can be read from any place."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes from ``at``; fewer at the end."""


@dataclass(frozen=True)
class Bytes:
    """A source in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes from ``at``."""
        return self.data[at : at + length]


class File:
    """A source on disk; use it as a context manager."""

    def __init__(self, path: Path) -> None:
        self.handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        about = os.fstat(self.handle)
        self.size = about.st_size
        self.modified_ns = about.st_mtime_ns

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)

    def read(self, at: int, length: int) -> bytes:
        """``length`` bytes from ``at``; fewer at the end."""
        return os.pread(self.handle, length, at)

    def sha256(self, buffer: memoryview) -> str:
        """SHA-256 of the bytes, read through a buffer."""
        total, at = hashlib.sha256(), 0
        while count := self.read_into(buffer, at):
            total.update(buffer[:count])
            at += count
        return total.hexdigest()

    def read_into(self, buffer: memoryview, at: int) -> int:
        """Fill a buffer from ``at``; how many bytes came."""
        return os.preadv(self.handle, [buffer], at)


class Opened:
    """A file's transfer syntax, the chunks before PixelData, and PixelData's representation and place."""

    def __init__(self, syntax: str, explicit: bool, chunks: list[Chunk], source: Source, in_file: bool) -> None:
        self.syntax = syntax
        self.explicit = explicit
        self.chunks = chunks
        self.source = source
        """What ``pixels_at`` counts in: the file itself, or what it unpacked to."""
        self.in_file = in_file
        self.pixels_at: int | None = None
        self.pixels_vr = ""
        self.pixels_length = 0
        """Of the value; of an encapsulated one up to the end of the file."""
        self.tops: dict[int, bytes] = {}
        """Top-level elements by tag."""
        for chunk in chunks:
            self.tops.update(chunk.tops)
        self.charset = self.text(0x00080005)
        self.patient = patient_key(self.text(0x00100020), self.text(0x00100021))
        """PatientID with its issuer, as the key of pseudonyms; empty if there is none."""

    @property
    def elements(self) -> Pairs:
        """Tag and bytes of each element before PixelData, in order."""
        return [pair for chunk in self.chunks for pair in chunk.elements]

    def value(self, tag: int) -> bytes:
        """The value of a short top-level element; empty if there is none."""
        raw = self.tops.get(tag)
        if raw is None:
            return b""
        return raw[12:] if self.explicit and raw[4:6] == b"UN" else raw[8:]

    def text(self, tag: int) -> str:
        """A short value as text, without padding; empty if there is none."""
        return self.value(tag).decode("latin-1").strip(" \0")

    def number(self, tag: int, default: int = 0) -> int:
        """An unsigned short (US), or a default."""
        value = self.value(tag)
        return value[0] | value[1] << 8 if len(value) == 2 else default

    def pixels(self) -> bytes:
        """PixelData's value."""
        return self.source.read(self.pixels_at or 0, self.pixels_length)


class Reader:
    """Opens files, one after another; the files of a series are cut by what the last one was like."""

    def __init__(self, bounds: tuple[int, ...] = ()) -> None:
        self._chunkers = {explicit: Chunker(explicit, bounds) for explicit in (True, False)}

    def open(self, source: Source) -> Opened:
        """Open a file; raises Rejected if it is no DICOM, is cut short, or is larger than it may be."""
        try:
            return self._plainly(source)
        except Odd:
            if source.size > MAX_ODD:
                raise Rejected(
                    Reason.UNREADABLE, f"expected a plain file, or an odd one below {MAX_ODD} bytes; more came"
                ) from None
        return self.unpacked(*plain(source.read(0, source.size)))

    def unpacked(self, syntax: str, data: bytes) -> Opened:
        """A dataset in memory, in Explicit VR Little Endian."""
        chunks, at = self._chunkers[True].cut(data, 0)
        return _with_pixels(Opened(syntax, True, chunks, Bytes(data), False), at)

    def _plainly(self, source: Source) -> Opened:
        head = source.read(0, HEAD_BYTES)
        if head[128:132] != b"DICM":
            raise Odd
        syntax, at = _meta(head)
        if syntax == objects.DEFLATED:
            return self.unpacked(objects.EXPLICIT_LITTLE, _inflated(source, at))
        if syntax not in objects.ENCAPSULATED | {objects.IMPLICIT_LITTLE, objects.EXPLICIT_LITTLE}:
            raise Odd
        explicit = syntax != objects.IMPLICIT_LITTLE
        while True:
            try:
                chunks, end = self._chunkers[explicit].cut(head, at)
                return _with_pixels(Opened(syntax, explicit, chunks, source, True), end)
            except Odd as odd:
                if not odd.short or len(head) >= min(source.size, MAX_HEADER):
                    raise
                head = source.read(0, 8 * len(head))


def open_dicom(source: Source) -> Opened:
    """``Reader.open`` of one file."""
    return Reader().open(source)


def _meta(head: bytes) -> tuple[str, int]:
    """Transfer syntax, and where the dataset starts (PS3.10 7.1)."""
    at = 132
    if head[at : at + 8] == _GROUP_LENGTH:
        end = at + 12 + int.from_bytes(head[at + 8 : at + 12], "little")
        start = head.find(_SYNTAX, at, end)
        if start > 0 and head[end : end + 2] != b"\2\0":
            length = int.from_bytes(head[start + 6 : start + 8], "little")
            return head[start + 8 : start + 8 + length].rstrip(b" \0").decode("ascii", "replace"), end
    syntax = ""
    while head[at : at + 2] == b"\2\0":
        end = element_end(head, at, True)
        if head[at : at + 6] == _SYNTAX:
            syntax = head[at + 8 : end].rstrip(b" \0").decode("ascii", "replace")
        at = end
    return syntax, at


def _inflated(source: Source, at: int) -> bytes:
    """A deflated dataset (PS3.5 A.5), unpacked; raises Rejected if it is cut short or unpacks to too much."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(MAX_ODD, MAX_DEFLATED_RATIO * source.size)
    try:
        data = unpack.decompress(source.read(at, source.size - at), limit)
    except zlib.error:
        raise Rejected(Reason.UNREADABLE, "expected a deflated dataset; it cannot be unpacked") from None
    if not unpack.eof:
        what = "it is cut short" if len(data) < limit else "it unpacks to too much"
        raise Rejected(Reason.TRUNCATED, f"expected a whole deflated dataset; {what}")
    return data


def _with_pixels(opened: Opened, at: int) -> Opened:
    """The file with the place of its pixels, whose element starts at ``at``; raises Rejected if it ends inside them."""
    source = opened.source
    head = source.read(at, 12)
    if not opened.chunks and not head:
        raise Rejected(Reason.NOT_DICOM, "expected DICOM; no element came")
    if len(head) < 8 or head[:4] != _PIXEL_TAG:
        return opened
    start = 12 if opened.explicit else 8
    vr = head[4:6].decode("ascii", "replace") if opened.explicit else "OW"
    length = int.from_bytes(head[start - 4 : start], "little")
    rest = source.size - at - start
    if length == UNDEFINED_LENGTH:
        if opened.syntax not in objects.ENCAPSULATED:
            raise Rejected(Reason.UNREADABLE, "expected native pixels of a defined length; compressed ones came")
        length = rest
    if length > rest or vr not in ("OB", "OW", "UN"):
        raise Rejected(Reason.TRUNCATED, "expected whole pixel data; the file ends inside it")
    opened.pixels_at, opened.pixels_vr, opened.pixels_length = at + start, vr, length
    return opened
