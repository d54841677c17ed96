"""RLE Lossless: one frame to its code stream and back (PS3.5 annex G).

For each sample its bytes, the highest first, are one plane; each row of a plane is packed by itself (PackBits).
"""

import struct
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import Rejected
from curation.records import Reason

_HEADER = 64
_LONGEST = 128


def unpacked(part: bytes, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A frame ``(rows, columns[, samples])``; raises Rejected(TRUNCATED, UNREADABLE)."""
    rows, columns, samples = shape if len(shape) == 3 else (*shape, 1)
    n_planes = samples * dtype.itemsize
    if len(part) < _HEADER:
        raise Rejected(Reason.TRUNCATED, "expected an RLE header of 64 bytes; less came")
    count, *starts = struct.unpack_from("<16I", part)
    if count != n_planes or min(starts[:count]) < _HEADER:
        raise Rejected(Reason.UNREADABLE, "expected an RLE segment for each byte of a sample; others came")
    planes = np.empty((samples, dtype.itemsize, rows * columns), np.uint8)
    for number in range(n_planes):
        sample, byte = divmod(number, dtype.itemsize)
        planes[sample, dtype.itemsize - 1 - byte] = np.frombuffer(_runs(part, starts[number], rows * columns), np.uint8)
    return np.ascontiguousarray(planes.transpose(2, 0, 1)).reshape(-1).view(dtype).reshape(shape)


def _runs(part: bytes, at: int, size: int) -> bytes:
    """``size`` bytes from the runs that start ``at``; never more memory than that and one run."""
    made = bytearray()
    while len(made) < size:
        if at >= len(part):
            raise Rejected(Reason.TRUNCATED, "expected RLE runs for rows × columns; fewer came")
        count = part[at]
        if count < 128:
            made += part[at + 1 : at + 2 + count]
            at += count + 2
        elif count > 128:
            made += part[at + 1 : at + 2] * (257 - count)
            at += 2
        else:
            at += 1
    return bytes(made[:size])


def packed(frame: NDArray[Any]) -> bytes:
    """A frame ``(rows, columns[, samples])`` as a code stream."""
    width = frame.dtype.itemsize
    stored = np.ascontiguousarray(frame).view(np.uint8).reshape(*frame.shape[:2], -1, width)
    segments = []
    for sample in range(stored.shape[2]):
        for byte in reversed(range(width)):
            segment = b"".join(_packed_row(row.tobytes()) for row in stored[:, :, sample, byte])
            segments.append(segment + b"\0" * (len(segment) % 2))
    starts = [_HEADER + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)


def _packed_row(row: bytes) -> bytes:
    """Runs of three and more, and what is between them as it is."""
    made, plain = bytearray(), bytearray()
    for byte, run in groupby(row):
        length = len(list(run))
        if length < 3:
            plain += bytes((byte,)) * length
            continue
        made += _plain(plain) + b"".join(bytes((257 - part, byte)) for part in _parts(length))
        plain.clear()
    return bytes(made + _plain(plain))


def _plain(what: bytearray) -> bytes:
    parts = (what[at : at + _LONGEST] for at in range(0, len(what), _LONGEST))
    return b"".join(bytes((len(part) - 1,)) + part for part in parts)


def _parts(length: int) -> Iterator[int]:
    """A run's length in parts that one pair of bytes can hold: 2 to 128."""
    while length > _LONGEST:
        part = min(_LONGEST, length - 2)
        yield part
        length -= part
    yield length
