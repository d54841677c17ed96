"""What a person sees of a frame, as pictures without colour in which text can be looked for."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.deid.frames import Frame, Image, Palette

Plane = NDArray[np.float32]
"""``(rows, columns)``; how values map to brightness does not matter, nor which end is bright."""

_YBR = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)  # PS3.3 C.7.6.3.1.2
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_COLOURED = 0.1  # of the range: so far apart are the channels of a colour
_FEW = 0.0005  # of the pixels: so many of them are a letter


def planes(image: Image, frame: Frame) -> Iterator[Plane]:
    """A frame as ``(rows, columns)`` pictures: its brightness, and where there are colours how strong they are.

    Letters may be as bright as what they stand on and differ in colour only.
    """
    if image.palette is None and image.samples == 1:
        yield _value(image, frame).astype(np.float32)
        return
    seen = _coloured(image.palette, frame) if image.palette and image.samples == 1 else _value(image, frame)
    rgb = seen.astype(np.float32)
    if image.photometric.startswith("YBR") and image.samples == 3:
        middle = np.float32(1 << (image.bits_stored - 1))
        rgb = np.asarray((rgb - np.array([0, middle, middle], np.float32)) @ _YBR.T, np.float32)
    yield np.asarray(rgb @ _LUMA, np.float32)
    colour = rgb.max(2) - rgb.min(2)
    if (colour > _COLOURED * np.ptp(rgb)).mean() > _FEW:
        yield colour


def _value(image: Image, frame: Frame) -> NDArray[Any]:
    """Stored values without what lies in unused bits above them."""
    unused = image.bits_allocated - image.bits_stored
    return frame << unused >> unused if unused else frame


def _coloured(palette: Palette, frame: Frame) -> NDArray[np.float32]:
    """``(rows, columns, 3)``: values outside the palette get its first or last colour (PS3.3 C.7.6.3.1.5)."""
    width = np.dtype(f"<u{palette.bits // 8}")
    columns = [np.frombuffer(entries[: len(entries) // width.itemsize * width.itemsize], width)
               for entries in (palette.red, palette.green, palette.blue)]  # fmt: skip
    size = min(map(len, columns))
    if not size:
        return np.repeat(frame[..., None], 3, axis=2).astype(np.float32)
    colours = np.stack([column[:size] for column in columns], axis=1).astype(np.float32)
    return colours[np.clip(frame.astype(np.int64) - palette.first, 0, size - 1)]
