"""Grey values of radiographs: as the header wants them seen, or by the picture's own values; bone bright. And as PNG.

A window is a table of all 65,536 values, so that a pixel costs one look-up.
"""

import io
from typing import Any, Literal, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.dicom import Film, LookUp

Grey = NDArray[np.uint16]
Shade = NDArray[np.uint8]
"""Of each of the 65,536 values, or of each pixel."""
Floats = NDArray[np.float64]

_VALUES = 1 << 16
_PLAIN = (0.005, 0.995)
"""Shares of the pixels that become black and white, where the header says nothing or nothing useful."""
_LEAST_GREY = 0.1
"""A header's window that turns more pixels than all but this share black or white is not meant for this picture."""


class Seen(NamedTuple):
    """A radiograph as 8 bits, and what decided its grey."""

    picture: Shade
    grey: Literal["lut", "window", "own_values"]


def seen(film: Film, grey: Grey) -> Seen:
    """As the header wants it seen (PS3.3 C.11); ``grey`` is ``grey_of`` the film.

    By its own values where the header does not say, or where its window would leave next to no grey.
    """
    counts = _counts(grey)
    table = _wanted(film)
    if table is None or not _shows(table, counts):
        return Seen(_window(counts, *_PLAIN)[grey], "own_values")
    return Seen(table[grey], "lut" if film.voi else "window")


def grey_of(film: Film) -> Grey:
    """Stored values as 16 bits without a sign, bone bright, ``(rows, columns)``."""
    grey: Grey = film.stored.astype(np.uint16) - np.uint16(_least(film.stored) % _VALUES)
    return ~grey if film.bone_is_dark else grey


def windowed(grey: Grey, low_share: float, high_share: float) -> Shade:
    """From black to white between the values below which these shares of the picture's middle lie."""
    return _window(_counts(grey), low_share, high_share)[grey]


def middle(grey: NDArray[Any]) -> NDArray[Any]:
    """The picture without a tenth of it at each side, where shutters and letters stand."""
    rows, columns = grey.shape
    return grey[rows // 10 : rows - rows // 10, columns // 10 : columns - columns // 10]


def scaled(values: NDArray[np.float32], low: float, high: float) -> Shade:
    """Black at ``low`` and below, white at ``high`` and above."""
    return np.clip((values - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def read_png(data: bytes) -> Grey:
    """The grey values of a PNG file of 8 or 16 bits, as 16 bits."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture).astype(np.uint16)


def size_of(data: bytes) -> tuple[int, int]:
    """Rows and columns of a PNG file, from its head."""
    with Image.open(io.BytesIO(data)) as picture:
        return picture.height, picture.width


def png(picture: Shade) -> bytes:
    """A picture as PNG, ``(rows, columns)``; rows as differences, then runs: as small as Pillow's, in half its time."""
    how = {"level": 1, "strategy": imagecodecs.PNG.STRATEGY.RLE, "filter": imagecodecs.PNG.FILTER.UP}
    return bytes(imagecodecs.png_encode(picture, **how))


# --- as the header wants it seen -------------------------------------------------------------------------


def _wanted(film: Film) -> Shade | None:
    """Grey of each value of ``grey_of``; None where the header does not say."""
    stored: Floats = np.arange(_VALUES, dtype=np.float64) + _least(film.stored)
    if film.bone_is_dark:
        stored = stored[::-1]
    slope, intercept = film.rescale
    measured = _looked_up(film.modality, stored) if film.modality else stored * slope + intercept
    shown = _looked_up(film.voi, measured) if film.voi else _windowed(film, measured)
    if shown is None or not np.ptp(shown):
        return None
    share = (shown - shown.min()) / np.ptp(shown)
    table: Shade = ((1 - share if film.bone_is_dark else share) * 255).round().astype(np.uint8)
    return table


def _least(stored: NDArray[Any]) -> int:
    return int(np.iinfo(stored.dtype).min)


def _looked_up(table: LookUp, values: Floats) -> Floats:
    places = np.clip(values.round() - table.first, 0, len(table.entries) - 1).astype(np.int64)
    return table.entries[places].astype(np.float64)


def _windowed(film: Film, values: Floats) -> Floats | None:
    """Through the header's window (PS3.3 C.11.2.1.2 and C.11.2.1.3), 0 to 1."""
    if film.window is None:
        return None
    centre, width = film.window
    if film.window_function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if width <= 0:
        return None
    if film.window_function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    return np.clip((values - centre) / width + 0.5, 0, 1)


# --- by the picture's own values -------------------------------------------------------------------------


def _counts(grey: Grey) -> NDArray[np.int64]:
    """Pixels of each value, of the picture's middle: shutters and letters stand at its edge.

    The least and the greatest value are left out where there are others: they are what padding and overflow leave.
    """
    counts = np.bincount(middle(grey).ravel(), minlength=_VALUES)
    inner = np.flatnonzero(counts)[1:-1]
    if len(inner):
        kept = np.zeros_like(counts)
        kept[inner] = counts[inner]
        return kept
    return counts


def _shows(table: Shade, counts: NDArray[np.int64]) -> bool:
    return int(counts[(table > 0) & (table < 255)].sum()) >= _LEAST_GREY * int(counts.sum())


def _window(counts: NDArray[np.int64], low_share: float, high_share: float) -> Shade:
    below = np.cumsum(counts)
    low, high = (int(np.searchsorted(below, share * below[-1])) for share in (low_share, high_share))
    values = np.arange(_VALUES, dtype=np.float32)
    return scaled(values, low, max(high, low + 1))
