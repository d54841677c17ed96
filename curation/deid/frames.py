"""Frames of DICOM pixel data: checked before memory is spent, decoded, and stored again without loss.

Native: PS3.5 8.1 and annex A. RLE: annex G. JPEG, JPEG-LS, JPEG 2000: A.4, by libjpeg-turbo, CharLS and OpenJPEG as
imagecodecs has them; what a code stream says of its size is held against the header first.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import expand_ybr422

from curation.deid import rle
from curation.errors import Rejected
from curation.records import Reason

Frame = NDArray[Any]
"""``(rows, columns)``, or ``(rows, columns, samples)`` where there are more samples than one: stored values."""

NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian)
MAX_BYTES = 512 << 20  # of decoded pixels: a film of 500 frames of 640 × 480 in colour, a radiograph thirty times over
_MAX_SCANS = 100  # a progressive JPEG has about ten; each more costs the decoder the whole picture
_JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
_FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_MALFORMED = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, OSError, struct.error)
"""What pydicom and the decoders raise on pixels that are not what their header says: fuzzed in the tests."""


@dataclass(frozen=True)
class Palette:
    """The colours that the stored values of PALETTE COLOR stand for (PS3.3 C.7.6.3.1.5)."""

    first: int
    """Stored value of the first colour."""
    red: bytes
    green: bytes
    blue: bytes
    bits: int = 16
    """8 or 16: how wide an entry is, little endian."""


@dataclass(frozen=True)
class Image:
    """What a decoder needs to know, from the header (PS3.3 C.7.6.3)."""

    syntax: str
    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: int
    palette: Palette | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one frame, decoded."""
        return (self.rows, self.columns) + ((self.samples,) if self.samples > 1 else ())

    @property
    def frame_bytes(self) -> int:
        """Of one frame, decoded."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of a stored value."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    @property
    def is_native(self) -> bool:
        """Whether the pixels are not compressed."""
        return self.syntax in NATIVE

    @property
    def is_halved(self) -> bool:
        """Whether two pixels share their colour (YBR_FULL_422, PS3.3 C.7.6.3.1.2) in uncompressed pixels."""
        return self.is_native and self.photometric == "YBR_FULL_422"


@dataclass(frozen=True)
class Area:
    """A rectangle in pixels, COCO order; ``frame`` None: in every frame."""

    frame: int | None
    x: int
    y: int
    width: int
    height: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Without the frame."""
        return self.x, self.y, self.width, self.height


def check(image: Image) -> None:
    """Raise Rejected(UNSUPPORTED_OBJECT) unless such an image can be decoded in bounded memory."""
    fits = (
        min(image.rows, image.columns, image.frames) >= 1
        and image.samples in (1, 3)
        and image.bits_allocated in (8, 16, 32)
        and 1 <= image.bits_stored <= image.bits_allocated
        and image.planar in (0, 1)
        and not (image.is_halved and (image.columns % 2 or image.samples != 3 or image.bits_allocated != 8))
    )
    if not fits:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected 1 or 3 samples of 8, 16 or 32 bits; another layout came")
    if image.frame_bytes * image.frames > MAX_BYTES:
        raise Rejected(
            Reason.UNSUPPORTED_OBJECT, f"expected at most {MAX_BYTES >> 20} MiB of pixels; more were declared"
        )


def decode(image: Image, value: bytes | memoryview) -> NDArray[Any]:
    """All frames, ``(frames, rows, columns[, samples])``.

    Raises Rejected: UNSUPPORTED_OBJECT, TRUNCATED where pixels are missing, UNREADABLE where they are none.
    """
    return np.stack(list(frames(image, value)))


def frames(image: Image, value: bytes | memoryview) -> Iterator[Frame]:
    """The frames one by one, decoded; native ones are views of ``value``. Raises Rejected as ``decode`` does."""
    check(image)
    if image.is_native:
        yield from _native(image, value)
        return
    for part in encoded_frames(image, value):
        yield _decoded(image, part)


def encoded_frames(image: Image, value: bytes | memoryview) -> list[bytes]:
    """The code stream of each frame of encapsulated pixels. Raises Rejected(TRUNCATED, UNREADABLE)."""
    try:
        parts = list(generate_frames(bytes(value), number_of_frames=image.frames))
    except _MALFORMED:
        raise Rejected(Reason.UNREADABLE, "expected items with code streams; something else came") from None
    if len(parts) < image.frames:
        raise Rejected(Reason.TRUNCATED, "expected a code stream for each frame; fewer came")
    return parts[: image.frames]


def decoded_image(image: Image) -> Image:
    """What the header of the same image says once its frames, as ``frames`` gives them, are stored uncompressed."""
    photometric = image.photometric
    if photometric in ("YBR_RCT", "YBR_ICT") or (image.syntax in _JPEG and photometric.startswith("YBR")):
        photometric = "RGB"
    if image.is_halved:
        photometric = "YBR_FULL"
    syntax = image.syntax if image.is_native else str(uid.ExplicitVRLittleEndian)
    return replace(image, syntax=syntax, photometric=photometric, planar=0)


# --- native ----------------------------------------------------------------------------------------------


def _native(image: Image, value: bytes | memoryview) -> Iterator[Frame]:
    size = image.frame_bytes * 2 // 3 if image.is_halved else image.frame_bytes
    if len(value) < size * image.frames:
        raise Rejected(Reason.TRUNCATED, "expected pixels for rows × columns × frames; fewer came")
    for number in range(image.frames):
        part = memoryview(value)[number * size : (number + 1) * size]
        if image.is_halved:
            part = memoryview(expand_ybr422(bytes(part), image.bits_allocated))
        yield laid_out(image, part)


def laid_out(image: Image, part: bytes | bytearray | memoryview) -> Frame:
    """The bytes of one native frame as a view ``(rows, columns[, samples])``."""
    stored = np.frombuffer(part, image.dtype)
    if image.samples > 1 and image.planar == 1 and not image.is_halved:
        return stored.reshape(image.samples, image.rows, image.columns).transpose(1, 2, 0)
    return stored.reshape(image.shape)


# --- compressed ------------------------------------------------------------------------------------------


def _decoded(image: Image, part: bytes) -> Frame:
    if image.syntax == uid.RLELossless:
        return rle.unpacked(part, image.shape, image.dtype)
    if image.syntax not in (*_JPEG, *_JPEG_LS, *_JPEG_2000):
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected a transfer syntax with a decoder; another came")
    if _declared(image, part) != (image.rows, image.columns, image.samples) or part.count(b"\xff\xda") > _MAX_SCANS:
        raise Rejected(Reason.UNREADABLE, "expected a code stream of the header's size; another came")
    try:
        return _signed(image, part, _codec(image)(part).reshape(image.shape))
    except _MALFORMED:
        raise Rejected(Reason.UNREADABLE, "expected pixels that decode; they do not") from None


def _codec(image: Image) -> Callable[[bytes], Frame]:
    """The decoder of a transfer syntax; JPEG in colour comes out as RGB unless it is stored as such already."""
    import imagecodecs  # noqa: PLC0415 - compressed pixels are the lesser part

    if image.syntax in _JPEG_2000:
        return imagecodecs.jpeg2k_decode
    if image.syntax in _JPEG_LS:
        return imagecodecs.jpegls_decode
    if image.samples == 1 or image.photometric != "RGB":
        return imagecodecs.jpeg8_decode
    return lambda part: imagecodecs.jpeg8_decode(part, colorspace="RGB", outcolorspace="RGB")


def _signed(image: Image, part: bytes, frame: Frame) -> Frame:
    """Decoded values as the header says them: those of a code stream without a sign may stand for negative ones."""
    if image.signed and frame.dtype.kind == "u":
        unused = max(0, frame.dtype.itemsize * 8 - _precision(image, part))
        frame = (frame << unused).view(f"i{frame.dtype.itemsize}") >> unused
    return frame.astype(image.dtype, copy=False)


def _declared(image: Image, part: bytes) -> tuple[int, int, int] | None:
    """Rows, columns and samples that a code stream says it holds; None if it says nothing.

    ISO 10918-1 B.2.2 (also of JPEG-LS, ISO 14495-1 C.2.2), ISO 15444-1 A.5.1.
    """
    try:
        if image.syntax not in _JPEG_2000:
            rows, columns, samples = struct.unpack_from(">HHB", part, _start_of_frame(part) + 5)
            return rows, columns, samples
        right, bottom, left, top = struct.unpack_from(">4I", part, _size_segment(part) + 6)
        (samples,) = struct.unpack_from(">H", part, _size_segment(part) + 38)
    except (struct.error, ValueError, IndexError):
        return None
    return bottom - top, right - left, samples


def _precision(image: Image, part: bytes) -> int:
    """Bits of a sample, as the code stream says."""
    if image.syntax not in _JPEG_2000:
        return part[_start_of_frame(part) + 4]
    return (part[_size_segment(part) + 40] & 0x7F) + 1


def _start_of_frame(part: bytes) -> int:
    """Where the segment stands that describes the frame; the ones before it may hold anything, a thumbnail too."""
    at = 2
    while part[at] == 0xFF and part[at + 1] not in _FRAME_MARKERS:
        (length,) = struct.unpack_from(">H", part, at + 2)
        at += 1 if part[at + 1] == 0xFF else 2 + max(2, length)
    if part[at] != 0xFF:
        raise ValueError
    return at


def _size_segment(part: bytes) -> int:
    if not part.startswith(b"\xff\x4f\xff\x51"):
        raise ValueError
    return 2


def enclosed(parts: Iterable[bytes]) -> bytes:
    """Code streams, one item each, behind an offset table (PS3.5 A.4)."""
    return encapsulate(list(parts), has_bot=True)
