"""What bytes unpack to: zlib (RFC 1950), deflate (RFC 1951) and gzip (RFC 1952) streams that stand in a value.

Pixels and tables look like the head of a stream now and then, so nothing is made of what cannot be unpacked. What is
unpacked is counted, and so is each try: a bomb ends as a reject.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from curation.deid.verify.walk import check

MAX_UNPACKED = 8 << 20  # bytes of one file; clean files hold no streams
MAX_NESTED = 3  # streams in streams
_TRY = 16  # bytes that a try counts for
_PIECE = 64  # of a stream at a time, so that what is whole of a damaged one is seen
_RAW, _GZIP = -zlib.MAX_WBITS, 16 + zlib.MAX_WBITS
_ZLIB, _GZIP_HEAD = re.compile(rb"\x78[\x01\x5e\x9c\xda]"), re.compile(rb"\x1f\x8b\x08")
_ZLIB_HEAD = 2
_SHORTEST = 6  # bytes that four letters deflate to


@dataclass
class Unpacker:
    """Unpacks the values of one file; raises Rejected when that comes to too much."""

    left: int = MAX_UNPACKED

    def streams(self, value: bytes, depth: int = 0) -> Iterator[bytes]:
        """The content of each stream in a value; ``depth``: in how many streams it stands itself."""
        self.left += len(value) if depth == 0 else 0  # pixels look like many heads
        view = memoryview(value)
        for at, kind in _starts(value):
            content = self._unpack(view[at:], kind)
            if content:
                check(depth < MAX_NESTED or len(content) < _PIECE, "stream-too-deep")
                yield content

    def _unpack(self, view: memoryview, kind: int) -> bytes:
        unpack, content = zlib.decompressobj(kind), bytearray()
        self._count(_TRY)
        for start in range(0, len(view), _PIECE):
            try:
                piece = unpack.decompress(view[start : start + _PIECE])
            except zlib.error:
                break
            self._count(len(piece))
            content += piece
            if unpack.eof:
                break
        return bytes(content)

    def _count(self, size: int) -> None:
        self.left -= size
        check(self.left >= 0, "streams-too-large")


def _starts(value: bytes) -> Iterator[tuple[int, int]]:
    """Where a stream may start: a bare one at the start of a value, also behind a head that is not looked at."""
    yield from ((at, _RAW) for at in (0, _ZLIB_HEAD) if _may_start(value, at))
    yield from ((found.end(), _RAW) for found in _ZLIB.finditer(value, 1) if _may_start(value, found.end()))
    yield from ((found.start(), _GZIP) for found in _GZIP_HEAD.finditer(value))


def _may_start(value: bytes, at: int) -> bool:
    """Whether a deflate block may start here: its kind is one, and a stored one has its length twice (RFC 1951 3.2)."""
    if len(value) - at < _SHORTEST:
        return False
    kind = value[at] >> 1 & 3
    if kind:
        return kind != 3
    return int.from_bytes(value[at + 1 : at + 3], "little") ^ int.from_bytes(value[at + 3 : at + 5], "little") == 0xFFFF
