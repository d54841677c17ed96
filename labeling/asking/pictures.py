"""Pictures of a radiograph that a reader can look at: as its header wants it seen, and two windows, for bone and lung.

All are 8-bit PNG files of the radiograph's own size, bone bright, so that a mark's place is the original pixel's.
A window is a table of all 65,536 values, so that a pixel costs one look-up.
"""

import io
from typing import Any

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
_LUNG = (0.02, 0.70)
"""Lung is the dark part of a chest: what lies above turns white."""
_LEAST_GREY = 0.1
"""A header's window that turns more pixels than all but this share black or white is not meant for this picture."""
_COARSE = 24
"""A coarse picture has this many pixels along its shorter side: a rib is finer than its pixels, a lung is not."""
_SHADE = 0.25
"""How much of the coarse picture stays in that of bones."""
_DETAIL = (0.01, 0.995)


def pictures_of(film: Film, with_windows: bool) -> dict[str, bytes]:
    """``image``, and on wish ``bone`` and ``lung``.

    The image is as the header wants it seen (PS3.3 C.11); by its own values where the header does not say, or where its
    window would leave next to no grey.
    """
    grey = grey_of(film)
    counts = _counts(grey)
    table = _wanted(film)
    if table is None or not _shows(table, counts):
        table = _window(counts, *_PLAIN)
    return {"image": png(table[grey])} | (windows_of(grey) if with_windows else {})


def grey_of(film: Film) -> Grey:
    """Stored values as 16 bits without a sign, bone bright, ``(rows, columns)``."""
    grey: Grey = (film.stored.astype(np.int32) - _least(film.stored)).astype(np.uint16)
    return ~grey if film.bone_is_dark else grey


def windows_of(grey: Grey) -> dict[str, bytes]:
    """Two further pictures, ``bone`` and ``lung``.

    Bone is shown by its detail: what a coarse picture leaves, and a part of that one. Lung is a narrow window.
    """
    return {"bone": png(_detail(grey)), "lung": png(_window(_counts(grey), *_LUNG)[grey])}


def read_png(data: bytes) -> Grey:
    """The grey values of a PNG file of 8 or 16 bits, as 16 bits."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture).astype(np.uint16)


def size_of(data: bytes) -> tuple[int, int]:
    """Rows and columns of a PNG file, from its head."""
    with Image.open(io.BytesIO(data)) as picture:
        return picture.height, picture.width


def png(picture: Shade) -> bytes:
    """A picture as PNG, ``(rows, columns)``; each row less the one above, a third of Pillow's time."""
    how = {"level": 1, "strategy": imagecodecs.PNG.STRATEGY.HUFFMAN_ONLY, "filter": imagecodecs.PNG.FILTER.UP}
    return bytes(imagecodecs.png_encode(picture, **how))


# --- as the header wants it seen -------------------------------------------------------------------------


def _wanted(film: Film) -> Shade | None:
    """Grey of each value of ``grey_of``; None where the header does not say."""
    stored: Floats = np.arange(_VALUES, dtype=np.float64) + _least(film.stored)
    if film.bone_is_dark:
        stored = stored[::-1]
    slope, intercept = film.rescale
    measured = _looked_up(film.modality, stored) if film.modality else stored * slope + intercept
    seen = _looked_up(film.voi, measured) if film.voi else _windowed(film, measured)
    if seen is None or not np.ptp(seen):
        return None
    share = (seen - seen.min()) / np.ptp(seen)
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
    counts = np.bincount(_middle(grey).ravel(), minlength=_VALUES)
    inner = np.flatnonzero(counts)[1:-1]
    if len(inner):
        kept = np.zeros_like(counts)
        kept[inner] = counts[inner]
        return kept
    return counts


def _middle(grey: NDArray[Any]) -> NDArray[Any]:
    rows, columns = grey.shape
    return grey[rows // 10 : rows - rows // 10, columns // 10 : columns - columns // 10]


def _shows(table: Shade, counts: NDArray[np.int64]) -> bool:
    return int(counts[(table > 0) & (table < 255)].sum()) >= _LEAST_GREY * int(counts.sum())


def _window(counts: NDArray[np.int64], low_share: float, high_share: float) -> Shade:
    below = np.cumsum(counts)
    low, high = (int(np.searchsorted(below, share * below[-1])) for share in (low_share, high_share))
    values = np.arange(_VALUES, dtype=np.float32)
    return _scaled(values, low, max(high, low + 1))


def _scaled(values: NDArray[np.float32], low: float, high: float) -> Shade:
    return np.clip((values - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def _detail(grey: Grey) -> Shade:
    """The picture less three quarters of its coarse one."""
    values = grey.astype(np.float32)
    rows, columns = grey.shape
    step = max(min(rows, columns) // _COARSE, 1)
    small = Image.fromarray(values).resize((max(columns // step, 1), max(rows // step, 1)), Image.Resampling.BOX)
    coarse = np.asarray(small.resize((columns, rows), Image.Resampling.BICUBIC), np.float32)
    detail: NDArray[np.float32] = values - np.float32(1 - _SHADE) * coarse
    low, high = np.percentile(_middle(detail)[::4, ::4], [100 * share for share in _DETAIL])
    return _scaled(detail, float(low), max(float(high), float(low) + 1))
