"""The pixels of one file on their way out: native ones pass by, compressed ones lose what is not image, text goes.

Whether text is looked for, and where, is the caller's ``PixelCheck``; the objects that need one are refused without.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from curation.deid.dicom import objects
from curation.deid.dicom.codestream import clean_frames
from curation.deid.dicom.elements import PIXEL_DATA, write
from curation.deid.dicom.objects import Kind
from curation.deid.dicom.opened import Opened
from curation.deid.pixels import CleanPixels, Image
from curation.errors import Rejected
from curation.records import Reason

_SAMPLES, _PHOTOMETRIC, _PLANAR, _FRAMES = 0x00280002, 0x00280004, 0x00280006, 0x00280008
_ROWS, _COLUMNS, _ALLOCATED, _STORED, _REPRESENTATION = 0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00280103
DESCRIBING = frozenset({_PHOTOMETRIC, _PHOTOMETRIC + 1, _PLANAR, _PLANAR + 1})
"""What changes with pixels that are stored anew; and what follows each, so that it is a chunk of its own."""
_IMAGE_TYPE, _BURNED_IN = 0x00080008, 0x00280301
_PAGES = ("SCREEN", "CAPTURE", "DOSE", "SUMMARY", "PASTED", "REPORT")  # in ImageType: a page rather than an image

PixelCheck = Callable[[Image, Kind, Callable[[], bytes]], CleanPixels | None]
"""Looks for text: an image, its kind, and how to get at its PixelData; None: it was not looked at and passes."""


@dataclass(frozen=True)
class Pixels:
    """PixelData as it is written: the header of the element, and its value as bytes or as a place in the source."""

    syntax: str
    header: bytes
    value: bytes | None
    at: int
    length: int
    """Of all that follows the header."""
    checked: bool
    elements: tuple[tuple[int, bytes], ...] = ()
    """Attributes that describe the pixels and have changed with them."""
    cleaned: CleanPixels | None = None


def image_of(opened: Opened) -> Image:
    """What a decoder needs; raises Rejected where the header does not say it."""
    text = opened.text(_FRAMES)
    frames = int(text) if text.isdigit() else 1
    image = Image(
        syntax=opened.syntax,
        rows=opened.number(_ROWS),
        columns=opened.number(_COLUMNS),
        samples=opened.number(_SAMPLES, 1),
        frames=max(1, frames),
        bits_allocated=opened.number(_ALLOCATED),
        bits_stored=opened.number(_STORED),
        signed=opened.number(_REPRESENTATION) == 1,
        photometric=opened.text(_PHOTOMETRIC),
        planar=opened.number(_PLANAR),
    )
    if not (image.rows and image.columns and image.samples and image.bits_allocated):
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected an image; its size or sample format is missing")
    return image


def pixels_of(opened: Opened, kind: Kind, check: PixelCheck | None) -> Pixels | None:
    """The pixels to write; None for an object without. Raises Rejected if they lack, are cut short, or show text."""
    if opened.pixels_at is None:
        if kind in (Kind.SLICE, Kind.PICTURE):
            raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected an image; it has no PixelData")
        return None
    if kind is Kind.DATA:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected an object without pixels, as its class says; it has some")
    image = image_of(opened)
    _check_overlay_bits(opened)
    if kind is Kind.SAMPLES:
        return _untouched(opened, image, checked=False)
    if check is None:
        _refuse_doubtful(opened, kind)
        return _untouched(opened, image, checked=False)
    cleaned = check(image, kind, opened.pixels)
    if cleaned is None or cleaned.value is None:
        return _without_spare_bits(_untouched(opened, image, checked=True, cleaned=cleaned), opened, image)
    return _rewritten(image, cleaned)


def _without_spare_bits(pixels: Pixels, opened: Opened, image: Image) -> Pixels:
    """Native pixels whose bits above the stored ones say nothing: an overlay may lie there (PS3.5 8.1.1, retired)."""
    if pixels.syntax in objects.ENCAPSULATED or image.bits_stored >= image.bits_allocated or image.bits_allocated != 16:
        return pixels
    value = pixels.value if pixels.value is not None else opened.source.read(pixels.at, pixels.length)
    stored = np.frombuffer(value, "<i2" if image.signed else "<u2")
    spare = image.bits_allocated - image.bits_stored
    plain = (stored << spare) >> spare  # of signed ones the sign is spread, of others zeros come in
    return pixels if np.array_equal(plain, stored) else replace(pixels, value=plain.tobytes())


def _refuse_doubtful(opened: Opened, kind: Kind) -> None:
    """Without a look, only slices pass that do not say that text was burned in."""
    if kind is Kind.PICTURE:
        raise Rejected(Reason.PIXELS_NOT_CHECKED, "expected option clean_pixel_data, or slices; a picture came")
    if opened.text(_BURNED_IN).upper() not in ("", "NO"):
        raise Rejected(Reason.BURNED_IN_TEXT, "expected no text in the pixels; BurnedInAnnotation says there is")
    if any(word in opened.text(_IMAGE_TYPE).upper() for word in _PAGES):
        raise Rejected(Reason.BURNED_IN_TEXT, "expected an image as acquired; ImageType says that it is a page")


def _check_overlay_bits(opened: Opened) -> None:
    """Raise Rejected for an overlay in the unused bits of the pixels (OverlayBitPosition, retired in PS3.3 2004)."""
    for chunk in opened.chunks:
        if (
            chunk.last >> 16 >= 0x6000
            and chunk.first >> 16 <= 0x60FF
            and any(
                0x6000 <= tag >> 16 <= 0x60FF and tag & 0xFFFF == 0x0102 and any(raw[8:]) for tag, raw in chunk.elements
            )
        ):
            raise Rejected(Reason.BURNED_IN_TEXT, "expected no overlay in the pixels; one lies in their unused bits")


def _untouched(opened: Opened, image: Image, checked: bool, cleaned: CleanPixels | None = None) -> Pixels:
    if opened.syntax in objects.ENCAPSULATED:
        value = clean_frames(opened.pixels(), opened.syntax, image.frames, image.rows * image.columns)
        return Pixels(opened.syntax, _HEAD_ENCAPSULATED, value, 0, len(value), checked, cleaned=cleaned)
    length = _native_length(image)
    if opened.pixels_length < length:
        raise Rejected(Reason.TRUNCATED, "expected rows × columns × bits of pixel data; less came")
    at = opened.pixels_at or 0
    even = length + length % 2
    passes_by = opened.in_file and length == even
    native = None if passes_by else opened.source.read(at, length) + b"\0" * (length % 2)
    return Pixels(objects.EXPLICIT_LITTLE, _native_head(image.bits_allocated, even), native, at, even, checked,
                  cleaned=cleaned)  # fmt: skip


def _rewritten(image: Image, cleaned: CleanPixels) -> Pixels:
    value = cleaned.value or b""
    encapsulated = cleaned.syntax in objects.ENCAPSULATED
    value += _SEQUENCE_END if encapsulated else b"\0" * (len(value) % 2)
    head = _HEAD_ENCAPSULATED if encapsulated else _native_head(image.bits_allocated, len(value))
    changed = (
        (_PHOTOMETRIC, write(_PHOTOMETRIC, "CS", cleaned.photometric.encode("ascii"))),
        *(((_PLANAR, write(_PLANAR, "US", struct.pack("<H", cleaned.planar))),) if image.samples > 1 else ()),
    )
    return Pixels(cleaned.syntax, head, value, 0, len(value), True, changed, cleaned)


def _native_length(image: Image) -> int:
    """Bytes of native pixels (PS3.5 8.1.1); YBR_FULL_422 stores two samples for each pixel (PS3.3 C.7.6.3.1.2)."""
    samples = 2 if image.photometric == "YBR_FULL_422" else image.samples
    bits = image.rows * image.columns * samples * image.frames * image.bits_allocated
    if image.bits_allocated not in (1, 8, 16, 32, 64):
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected pixels of 1, 8, 16, 32 or 64 bits; others came")
    return (bits + 7) // 8


def _native_head(bits_allocated: int, length: int) -> bytes:
    vr = b"OB" if bits_allocated <= 8 else b"OW"
    return struct.pack("<HH2sHI", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, vr, 0, length)


_SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_HEAD_ENCAPSULATED = struct.pack("<HH2sHI", PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF, b"OB", 0, 0xFFFFFFFF)
