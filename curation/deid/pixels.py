"""Text burned into pixels: its removal from one image, and the proof that it is gone.

A look finds text. What identifies nobody stays (``markers``), what is read goes, and then the look is repeated on what
is left. What can neither be read nor ruled out is a doubt, for a person to decide. Slices are looked at only where
their series shows text (``screen``), other images whole.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from curation.deid.frames import (
    Area,
    Frame,
    Image,
    Palette,
    decode,
    decoded_image,
    enclosed,
    encoded_frames,
    frames,
    laid_out,
)
from curation.deid.markers import is_marker
from curation.deid.redaction import Box, blank, line_of
from curation.deid.rle import packed
from curation.deid.screen import Screen, joined, shown
from curation.deid.visible import Plane, planes

if TYPE_CHECKING:
    from curation.deid.ocr import Text

__all__ = ["Area", "CleanPixels", "Doubt", "Image", "Palette", "Screen", "clean_pixels", "decode"]

_REMOVALS = 3  # at most, of a frame: what is then still seen as text is a doubt
_FEW = 8  # frames: so many are each looked at whole
_AROUND = 32  # pixels of surroundings that a look at an area takes in
_SURE, _SURE_OF_TWO, _FOUND = 0.5, 0.8, 0.8  # of text and of two letters, measured: bench/pixels.py
_SAME, _REMEMBERED = 0.02, 8  # of the range of a part: as it was in one of so many earlier frames
_READABLE = 64  # pixels: a higher line could be read if it were one

Decision = Literal["text", "no_text"]


@dataclass(frozen=True)
class Doubt:
    """A place that may show text, for a person to decide."""

    area: Area
    crop: NDArray[np.uint8]
    """``(rows, columns)``: the place as it is shown."""
    score: float
    """How sure it is that there is text, 0 to 1."""


Decided = Callable[[Doubt], Decision | None]
"""What a person has decided on a doubt, if any has."""


@dataclass(frozen=True)
class CleanPixels:
    """What becomes of an image's PixelData, and what its header has to say of it."""

    value: bytes | None
    """None: untouched, the original passes."""
    syntax: str
    photometric: str
    planar: int
    removed: tuple[Area, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def clean_pixels(
    image: Image,
    value: bytes | memoryview,
    areas: tuple[Area, ...] | None,
    regions: tuple[Area, ...] = (),
    decided: Decided | None = None,
) -> CleanPixels:
    """The image without burned-in text; ``removed`` says where some was.

    ``areas``: where its series shows text, () for nowhere, None to look at the whole image. ``regions``: where an
    ultrasound image shows data (SequenceOfUltrasoundRegions); outside of them what is doubtful goes.
    Native pixels are patched, of RLE only touched frames are coded anew; what else is compressed is stored native
    (Explicit VR Little Endian) once touched. Raises Rejected: UNSUPPORTED_OBJECT, TRUNCATED, UNREADABLE.
    """
    look = _Look(decoded_image(image), regions, decided or (lambda _: None))
    touched: dict[int, Frame] = {}
    where = _where(image, value) if areas is None else areas
    for number, frame in enumerate(frames(image, value) if where != () else ()):
        clean = look.cleaned(frame, number, where)
        if clean is not frame:
            touched[number] = clean
    stored, new = _stored(image, value, touched) if touched else (image, None)
    removed, doubts = tuple(look.removed), tuple(look.doubts)
    return CleanPixels(new, stored.syntax, stored.photometric, stored.planar, removed, doubts)


def _where(image: Image, value: bytes | memoryview) -> tuple[Area, ...] | None:
    """Where a film shows text: looked at as a series, and its first, middle and last frame by themselves; None: whole.

    A film differs from an image of a few frames in that a look at each takes minutes.
    """
    if image.frames <= _FEW:
        return None
    screen, boxes = Screen(), []
    for number, frame in enumerate(frames(image, value)):
        screen.add_frame(image, frame)
        if number in (0, image.frames // 2, image.frames - 1):
            boxes += [box for plane in planes(decoded_image(image), frame) for box in shown(plane, thorough=True)]
    return joined([*boxes, *(area.box for area in screen.areas())])


# --- one frame -------------------------------------------------------------------------------------------


@dataclass
class _Look:
    """Looks at the frames of one image, one after the other."""

    image: Image
    regions: tuple[Area, ...]
    decided: Decided
    removed: list[Area] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    _seen: "dict[tuple[int, ...], list[tuple[Plane, tuple[Text, ...]]]]" = field(default_factory=dict)
    """The border of a film is the same in most frames, and is read once."""

    def cleaned(self, frame: Frame, number: int, where: tuple[Area, ...] | None) -> Frame:
        """The frame itself if it shows no text, else a copy without."""
        clean, removals = frame, 0
        gone, doubts = self._judged(clean, number, where, removals)
        while gone:
            clean = clean.copy() if clean is frame else clean
            for box in gone:
                blank(clean, box, typical=self.image.photometric == "PALETTE COLOR")
            self.removed += (Area(number, *box) for box in gone)
            removals += 1
            gone, doubts = self._judged(clean, number, where, removals)
        self.doubts += doubts
        return clean

    def _judged(
        self, frame: Frame, number: int, where: tuple[Area, ...] | None, removals: int
    ) -> tuple[list[Box], list[Doubt]]:
        """Boxes to remove, and what is doubtful.

        Where there was text before, what is doubtful goes. What is still read after the last removal is a doubt: nobody
        but a person can tell what it is.
        """
        gone: list[Box] = []
        doubts: dict[Box, Doubt] = {}
        for plane, text in self._texts(frame, where):
            doubt = _doubt(plane, number, text)
            certain, last = _is_text(text) or self._is_outside(doubt.area), removals == _REMOVALS
            decision = self.decided(doubt) if last or not certain else "text"
            if not last and (decision == "text" or (removals and decision is None)):
                gone.append(line_of(plane, doubt.area.box))
            elif decision is None and certain == last:
                doubts[doubt.area.box] = doubt
        return gone, list(doubts.values())

    def _texts(self, frame: Frame, where: tuple[Area, ...] | None) -> "Iterator[tuple[Plane, Text]]":
        """What may be text and may not stay, each with the picture it was found on."""
        for plane in planes(self.image, frame):
            for text in self._found(plane, where):
                if not is_marker(text.text) and (_is_text(text) or _is_doubtful(text)):
                    yield plane, text

    def _found(self, plane: Plane, where: tuple[Area, ...] | None) -> "Iterator[Text]":
        from curation.deid.ocr import find_text  # noqa: PLC0415 - loads the networks

        if where is None:
            yield from find_text(plane)
            return
        for area in where:
            left, top = max(0, area.x - _AROUND), max(0, area.y - _AROUND)
            part = plane[top : area.y + area.height + _AROUND, left : area.x + area.width + _AROUND]
            for text in self._read(part, (left, top, *part.shape)) if part.size else ():
                yield replace(text, x=text.x + left, y=text.y + top)

    def _read(self, part: Plane, place: tuple[int, ...]) -> "tuple[Text, ...]":
        """What stands on a part of a frame; where it looks as in an earlier frame, what was read there."""
        from curation.deid.ocr import find_text  # noqa: PLC0415 - loads the networks

        coarse = _coarse(part)
        known = self._seen.setdefault(place, [])
        for earlier, texts in known:
            if np.abs(earlier - coarse).max() <= _SAME * np.ptp(earlier):
                return texts
        texts = find_text(part)
        known[:] = [*known[1 - _REMEMBERED :], (coarse, texts)]
        return texts

    def _is_outside(self, area: Area) -> bool:
        """Whether a place lies outside the regions that show data, where there are such."""
        middle_x, middle_y = area.x + area.width // 2, area.y + area.height // 2
        return bool(self.regions) and not any(
            region.frame in (None, area.frame)
            and region.x <= middle_x < region.x + region.width
            and region.y <= middle_y < region.y + region.height
            for region in self.regions
        )


def _is_text(text: "Text") -> bool:
    """Whether it is found and read surely enough; a single letter never is, it marks a side or is a vessel."""
    enough = _SURE_OF_TWO if text.letters == 2 else _SURE
    return text.letters >= 2 and text.sure * text.found >= enough


def _is_doubtful(text: "Text") -> bool:
    """Whether it looks like a line of text that cannot be read."""
    across = min(text.width, text.height)
    long = max(text.width, text.height) >= 2 * across
    return text.letters >= 3 and text.found >= _FOUND and long and across <= _READABLE


def _coarse(part: Plane) -> Plane:
    """Means of 4 × 4 pixels: little is left of noise in them, and of each letter enough."""
    rows, columns = (-(-length // 4) * 4 for length in part.shape)
    whole = np.pad(part, ((0, rows - part.shape[0]), (0, columns - part.shape[1])), mode="edge")
    means: Plane = whole.reshape(rows // 4, 4, columns // 4, 4).mean((1, 3))
    return means


def _doubt(plane: Plane, number: int, text: "Text") -> Doubt:
    crop = plane[text.y : text.y + text.height, text.x : text.x + text.width]
    low, high = float(crop.min()), float(crop.max())
    shown_as = ((crop - low) / max(high - low, 1e-6) * 255).astype(np.uint8)
    return Doubt(Area(number, text.x, text.y, text.width, text.height), shown_as, round(text.found, 3))


# --- stored again ----------------------------------------------------------------------------------------


def _stored(image: Image, value: bytes | memoryview, touched: Mapping[int, Frame]) -> tuple[Image, bytes]:
    """The image with the touched frames in the place of the old ones, and what its header now says."""
    if image.syntax == uid.RLELossless:
        parts = encoded_frames(image, value)
        return image, enclosed(
            packed(touched[number]) if number in touched else part for number, part in enumerate(parts)
        )
    if image.is_native and not image.is_halved:
        patched = bytearray(value)
        for number, frame in touched.items():
            size = image.frame_bytes
            laid_out(image, memoryview(patched)[number * size : (number + 1) * size])[...] = frame
        return image, bytes(patched)
    whole = (touched.get(number, frame) for number, frame in enumerate(frames(image, value)))
    return decoded_image(image), b"".join(np.ascontiguousarray(frame).tobytes() for frame in whole)
