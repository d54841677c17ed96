"""From a line integral to a picture that looks like a film: 8 bits, bone bright, the same bytes on any processor.

After the first rounding everything is done in integers: a window on the body, large structures pressed together so that
lung and mediastinum are both readable (as the dynamic range compression of digital radiography does), fine structures
raised, a film's S-shaped tone curve. The running means are exact box filters on integer sums.
"""

import io
import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ints = NDArray[np.int32]
_SCALE = 1000
"""Steps per unit of the line integral: finer than the noise of any detector."""
_BODY = 350
"""Body from 16 mm of water on; less is air, cloth and the edge of the table."""
_FULL = 4095
"""Grey levels while working: 12 bits, as detectors have."""
_WINDOW_PERMILLE = (10, 995)
_LARGE, _SMALL = 1 / 40, 1 / 170
"""Radii of the running means over the image width: a rib and its gap, a vessel."""
_WEIGHTS = (110, 420, 520)
"""Of structures above, between and below these sizes, in 1/256."""


def render(line_integral: NDArray[np.float32], voxel_px: tuple[float, float] = (1.0, 1.0)) -> NDArray[np.uint8]:
    """The picture ``(rows, columns)`` of a line integral: MONOCHROME2, air is black.

    ``voxel_px`` is the size of a CT voxel on the detector; the stairs of thick slices are smoothed over that length,
    which is what interpolating between slices does.
    """
    steps = np.floor(line_integral.astype(np.float64) * _SCALE + 0.5).astype(np.int32)
    rows, columns = (max(0, round((size - 1) / 2)) for size in voxel_px)
    steps = _box(_box(steps, rows).T, columns).T
    body = steps >= _BODY
    if not body.any():
        return np.zeros(steps.shape, np.uint8)
    grey = _window(steps, body)
    width = steps.shape[1]
    large, small = (_mean(grey, body, max(1, round(width * size))) for size in (_LARGE, _SMALL))
    middle = int(grey[body].sum(dtype=np.int64)) // int(body.sum())
    mixed = (large - middle) * _WEIGHTS[0] + (small - large) * _WEIGHTS[1] + (grey - small) * _WEIGHTS[2]
    mixed -= mixed[body].min()
    return np.where(body, _tone_curve()[_window(mixed // 256, body)], 0).astype(np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture as PNG; run-length compression, so that the bytes do not hang on zlib's search for matches."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def _window(values: Ints, body: NDArray[np.bool_]) -> Ints:
    """Stretch to 0.._FULL between two percentiles of the body."""
    counts = np.cumsum(np.bincount(values[body]))
    low, high = (int(np.searchsorted(counts, counts[-1] * part // 1000, side="right")) for part in _WINDOW_PERMILLE)
    high = max(high, low + 1)
    return (np.clip(values, low, high) - low) * _FULL // (high - low)


def _mean(values: Ints, body: NDArray[np.bool_], radius: int) -> Ints:
    """Mean over the body around each pixel: three box filters each way, close to a Gaussian of sigma ``radius``."""
    total, weight = np.where(body, values * 16, 0), body.astype(np.int32) * 4096
    for _ in range(3):
        total, weight = _box(total, radius), _box(weight, radius)
    total, weight = total.T, weight.T
    for _ in range(3):
        total, weight = _box(total, radius), _box(weight, radius)
    mean: Ints = total.T * 256 // np.maximum(weight.T, 1)
    return mean


def _box(values: Ints, radius: int) -> Ints:
    """Mean down the columns over ``2 * radius + 1`` pixels, rounded down; beyond the border there is nothing."""
    if radius == 0:
        return values
    width = 2 * radius + 1
    sums = np.zeros((len(values) + width, values.shape[1]), np.int32)
    np.cumsum(values, axis=0, out=sums[radius + 1 : radius + 1 + len(values)])
    sums[radius + 1 + len(values) :] = sums[radius + len(values)]
    return (sums[width:] - sums[:-width]) // width


@cache
def _tone_curve() -> NDArray[np.uint8]:
    """A film's curve from 12 to 8 bits: half a smoothstep, half a parabola, which keeps the lungs dark."""
    x = np.arange(_FULL + 1, dtype=np.int64)
    smooth = (3 * _FULL - 2 * x) * x * x // (_FULL * _FULL)
    return ((smooth + x * x // _FULL) * 255 // (2 * _FULL)).astype(np.uint8)
