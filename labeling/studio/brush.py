"""Label Studio's masks: run lengths of an RGBA image, packed in bits, to and from COCO run lengths and arrays.

The format is that of ``@thi.ng/rle-pack``, which Label Studio's editor writes: big-endian bits without padding, of

- 32 bits: how many values follow (four for each pixel, row by row); 5 bits: how many bits a value has, less one;
- four times 4 bits: how many bits a run's length may have, less one;
- runs: 1 bit that says whether one value is repeated or each is written, 2 bits that choose one of the four sizes, the
  run's length less one, and the value, or all values.

The mask is the alpha channel, 0 to 255: strokes of the brush have soft edges, and a pixel belongs to the mask if at
least half of it is covered. COCO numbers pixels down the columns and the brush along the rows; masks go from runs to
runs, so that the work grows with the outline and not with the area.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError

Ints = NDArray[np.int64]
_CHANNELS, _OPAQUE = 4, 255
_VALUE_BITS, _LENGTH_BITS = 8, np.array([3, 4, 8, 16])  # as the editor chooses them
_LONGEST = 1 << 16
_HEAD_BITS = 32 + 5 + 4 * 4
_RUN_BITS = 1 + 2 + 16
"""The head of a run at its longest."""
_SPARE = 8
"""Zero bytes after the last, so that a number may be read anywhere."""


def encode(mask: NDArray[np.bool_]) -> list[int]:
    """The bytes of a mask ``(rows, columns)``; raises InputError above 2^30 pixels, where the format ends."""
    flat = np.asarray(mask, dtype=bool).ravel()
    return _pack(_edges(flat), flat.size)


def decode(packed: Sequence[int], rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask ``(rows, columns)``; raises InputError where the bytes are damaged or of another size."""
    lengths = np.diff(_unpack(packed, rows, columns), prepend=0, append=rows * columns)
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(rows, columns)


def from_coco(counts: str, rows: int, columns: int) -> list[int]:
    """The bytes of a mask given as COCO compressed run lengths; raises InputError if they do not fill the size."""
    return _pack(crossed(rle.edges(counts, rows, columns), rows, columns), rows * columns)


def to_coco(packed: Sequence[int], rows: int, columns: int) -> str:
    """COCO compressed run lengths; raises InputError as ``decode``."""
    return rle.of_edges(crossed(_unpack(packed, rows, columns), columns, rows), rows * columns)


# --- from runs along lines to runs across them ------------------------------------------------------------


def crossed(edges: Ints, length: int, n_lines: int) -> Ints:
    """The same mask's edges when pixels are numbered across the lines instead of along them.

    ``edges`` are each run's first pixel and one past its last, in order, of ``n_lines`` lines of ``length`` pixels. A
    run across begins or ends where a line differs from the one before; that costs the outline, not the area.
    """
    keys = _in_lines(edges, length)
    differs = _odd(np.concatenate([keys, keys + length + 1]))  # line and offset in one number, as _in_lines
    start, stop = differs[0::2], differs[1::2]
    size = stop - start
    keys = np.repeat(start - np.cumsum(size) + size, size) + np.arange(size.sum())
    line, offset = np.divmod(keys, length + 1)
    return _odd(offset * n_lines + line)


def _in_lines(edges: Ints, length: int) -> Ints:
    """Edges of runs that are cut at the ends of lines, as ``line * (length + 1) + offset``."""
    start, stop = edges[0::2], edges[1::2]
    first = start // length
    n_lines = (stop - 1) // length - first + 1
    line = np.repeat(first - np.cumsum(n_lines) + n_lines, n_lines) + np.arange(n_lines.sum())
    start, stop = np.repeat(start, n_lines), np.repeat(stop, n_lines)
    begins, ends = np.maximum(start, line * length), np.minimum(stop, (line + 1) * length)
    return np.stack([begins + line, ends + line], axis=1).ravel()


def _odd(values: Ints) -> Ints:
    """Values that occur an odd number of times, rising."""
    ordered = np.sort(values, kind="stable")
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    odd: Ints = ordered[first[np.diff(first, append=len(ordered)) % 2 == 1]]
    return odd


def polygon_to_coco(points_px: NDArray[np.float64], rows: int, columns: int) -> str:
    """COCO compressed run lengths of the pixels whose centres lie inside a closed line, by the even-odd rule.

    ``points_px`` (n, 2) are x and y, with 0 at the left and upper edge of the first pixel.
    """
    x, y = points_px.T - 0.5
    end_x, end_y = np.roll(x, -1), np.roll(y, -1)
    upper, lower = np.minimum(y, end_y), np.maximum(y, end_y)
    first, last = np.clip(np.ceil(upper), 0, rows).astype(np.int64), np.clip(np.ceil(lower), 0, rows).astype(np.int64)
    n_rows = last - first
    row = np.repeat(first - np.cumsum(n_rows) + n_rows, n_rows) + np.arange(n_rows.sum())
    side = np.repeat(np.arange(len(x)), n_rows)
    right = (row - y[side]) * (end_x - x)[side] / (end_y - y)[side]  # a side that meets a row's centre is not level
    column = np.clip(np.ceil(x[side] + right), 0, columns).astype(np.int64)
    turns = _odd(row * (columns + 1) + column)
    return rle.of_edges(crossed(_odd(turns - turns // (columns + 1)), columns, rows), rows * columns)


# --- bits ------------------------------------------------------------------------------------------------


def _edges(flat: NDArray[np.bool_]) -> Ints:
    """Each run's first pixel and one past its last; sixty-four pixels are compared at once."""
    bits = np.packbits(flat, bitorder="little")
    words = np.pad(bits, (0, flat.size // 64 * 8 + 8 - len(bits))).view("<u8")
    before = words << np.uint64(1)
    before[1:] |= words[:-1] >> np.uint64(63)
    where = np.flatnonzero(words != before)
    turns = (words[where] ^ before[where]).view(np.uint8)
    at = np.flatnonzero(np.unpackbits(turns, bitorder="little").view(bool))
    edges: Ints = 64 * where[at >> 6] + (at & 63)
    return edges


def _pack(edges: Ints, n_pixels: int) -> list[int]:
    if n_pixels > 1 << 30:
        raise InputError(f"a mask of {n_pixels} pixels: Label Studio's brush holds at most {1 << 30}")
    lengths = _CHANNELS * np.diff(edges, prepend=0, append=n_pixels)
    values = np.where(np.arange(len(lengths)) % 2 == 1, _OPAQUE, 0)
    n_parts = -(-lengths // _LONGEST)  # no part for a run of nothing at either end
    parts = np.full(n_parts.sum(), _LONGEST)
    last = np.cumsum(n_parts)[n_parts > 0] - 1
    parts[last] = lengths[n_parts > 0] - _LONGEST * (n_parts[n_parts > 0] - 1)
    choice = np.searchsorted(1 << _LENGTH_BITS, parts)
    n_bits = _LENGTH_BITS[choice]
    runs = (((4 | choice) << n_bits | (parts - 1)) << _VALUE_BITS) | np.repeat(values, n_parts)
    head = np.array([_CHANNELS * n_pixels >> 16, _CHANNELS * n_pixels & 0xFFFF, _VALUE_BITS - 1, *(_LENGTH_BITS - 1)])
    return _write(
        np.concatenate([head, runs]),
        np.concatenate([[16, 16, 5, 4, 4, 4, 4], 3 + n_bits + _VALUE_BITS]),
    )


def _write(words: Ints, n_bits: Ints) -> list[int]:
    """Words of at most 31 bits one after the other, the highest bit first."""
    stop = np.cumsum(n_bits)
    where, offset = np.divmod(stop - n_bits, 32)
    pair = words.astype(np.uint64) << (64 - offset - n_bits).astype(np.uint64)  # over two 32-bit numbers
    first = np.flatnonzero(np.diff(where, prepend=-1))
    out = np.zeros(where[-1] + 2, np.uint64)
    out[where[first]] = np.bitwise_or.reduceat(pair >> np.uint64(32), first)
    out[where[first] + 1] |= np.bitwise_or.reduceat(pair & np.uint64(0xFFFFFFFF), first)
    return list(out.astype(">u4").tobytes()[: -(-int(stop[-1]) // 8)])


def _unpack(packed: Sequence[int], rows: int, columns: int) -> Ints:
    """Edges of the mask's runs, along the rows."""
    data = _bytes_of(packed)
    n_values, head = _CHANNELS * rows * columns, int.from_bytes(data[:8], "big")
    if len(data) < 8 or head >> 32 != n_values:
        raise InputError(f"a brush mask of another size: expected {rows} rows by {columns} columns")
    value_bits = (head >> 27 & 0x1F) + 1
    length_bits = tuple((head >> shift & 0xF) + 1 for shift in (23, 19, 15, 11))
    ends, values = _runs(np.frombuffer(data + bytes(_SPARE), np.uint8), value_bits, length_bits, n_values)
    inside = 2 * values > min((1 << value_bits) - 1, _OPAQUE)
    pixels = ends // _CHANNELS  # the alpha of pixel p is value 4 p + 3
    keep = np.diff(pixels, prepend=0) > 0
    pixels, inside = pixels[keep], inside[keep]
    turns = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    return np.concatenate([[0], pixels])[turns]


def _bytes_of(packed: Sequence[int]) -> bytes:
    try:
        return bytes(packed)
    except (TypeError, ValueError):
        raise InputError("a brush mask that is no list of bytes") from None


def _runs(data: NDArray[np.uint8], value_bits: int, length_bits: tuple[int, ...], n_values: int) -> tuple[Ints, Ints]:
    """Where each run ends and its value; what is written value by value becomes runs of one."""
    starts = _starts(data, value_bits, length_bits)
    head = _read(data, starts, _RUN_BITS)
    size = np.array(length_bits)[head >> 16 & 3]
    length, repeats = ((head & 0xFFFF) >> (16 - size)) + 1, head >> 18 == 1
    ends = np.cumsum(length)
    n_runs = int(np.searchsorted(ends, n_values)) + 1  # what follows fills the last byte
    if n_runs > len(ends) or ends[n_runs - 1] != n_values:
        raise InputError("a brush mask that is cut off or damaged: its runs do not fill the image")
    n_written = np.where(repeats, 1, length)[:n_runs]
    first = np.cumsum(n_written) - n_written
    at = np.repeat(starts[:n_runs] + 3 + size[:n_runs] - value_bits * first, n_written)
    at += value_bits * np.arange(len(at))
    if at[-1] + value_bits > 8 * (len(data) - _SPARE):
        raise InputError("a brush mask that is cut off: its last run has no value")
    return np.cumsum(np.repeat(np.where(repeats, length, 1)[:n_runs], n_written)), _read(data, at, value_bits)


def _starts(data: NDArray[np.uint8], value_bits: int, length_bits: tuple[int, ...]) -> Ints:
    """First bit of each run; a run that repeats a value takes as many bits as its first three say."""
    two = data[:-1].astype(np.uint16) << 8 | data[1:]
    heads = ((two[:, None] << np.arange(8, dtype=np.uint16)) >> 13).astype(np.uint8).tobytes()
    steps = [0] * 4 + [3 + size + value_bits for size in length_bits]
    starts, at, n_bits = [], _HEAD_BITS, 8 * (len(data) - _SPARE)
    while at < n_bits:
        starts.append(at)
        at += steps[heads[at]] or _written(data, at, value_bits, length_bits[heads[at]])
    return np.array(starts, np.int64)


def _written(data: NDArray[np.uint8], at: int, value_bits: int, size: int) -> int:
    """Bits of a run that has each value written."""
    head = int.from_bytes(data[at >> 3 : (at >> 3) + 4].tobytes(), "big") << (at & 7) & 0x1FFFFFFF
    return 3 + size + value_bits * ((head >> (29 - size)) + 1)


def _read(data: NDArray[np.uint8], at: Ints, n_bits: int) -> Ints:
    """Numbers of at most 32 bits, each from its own first bit."""
    byte = at >> 3
    value = np.zeros(len(at), np.int64)
    for place in range(5):
        value = value << 8 | data[byte + place]
    return value >> (40 - n_bits - (at & 7)) & ((1 << n_bits) - 1)
