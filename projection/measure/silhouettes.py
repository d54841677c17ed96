"""The shapes that measurements are taken from: borders by rows, the midline, the trachea.

Points are ``(x, y)`` in pixels; patient right is image left. A border is the centre of the outermost pixel, a width
counts both: right - left + 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curation.errors import InputError
from projection.anatomy.spine import SPINOUS
from projection.anatomy.structures import MIDLINE_LEVELS
from projection.measure.contours import Bools, largest_piece
from projection.measure.readings import Film

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Xy = tuple[float, float]
MIDLINE_VERTEBRAE = tuple(f"vertebrae {level}" for level in MIDLINE_LEVELS)


@dataclass(frozen=True)
class Silhouette:
    """The largest piece of a mask by its rows, which follow each other."""

    rows: Ints
    left: Ints
    """Outermost column at image left, of each row."""
    right: Ints
    area_px: int
    centre: Xy

    @property
    def width(self) -> Ints:
        """Pixels from border to border, of each row."""
        width: Ints = self.right - self.left + 1
        return width

    @property
    def leftmost(self) -> Xy:
        """Where it lies farthest to image left; the middle row where several do."""
        at = np.flatnonzero(self.left == self.left.min())
        return float(self.left.min()), float(np.median(self.rows[at]))

    @property
    def rightmost(self) -> Xy:
        """As ``leftmost``, to image right."""
        at = np.flatnonzero(self.right == self.right.max())
        return float(self.right.max()), float(np.median(self.rows[at]))

    def between(self, first: float, last: float) -> "Silhouette":
        """Its rows from ``first`` to ``last``; raises InputError if it has none there."""
        at = np.flatnonzero((self.rows >= first) & (self.rows <= last))
        if at.size == 0:
            raise InputError("two structures that are measured together do not share a level")
        rows, left, right = self.rows[at], self.left[at], self.right[at]
        centre = (float(((left + right) / 2).mean()), float(rows.mean()))
        return Silhouette(rows, left, right, int((right - left + 1).sum()), centre)


def silhouette(film: Film, label: str, opened_mm: float = 0.0) -> Silhouette:
    """The largest piece of a label's mask, after opening it with a disc of radius ``opened_mm`` at the detector.

    The label must have a pixel. Raises InputError if the disc fits in nowhere.
    """
    mask = film.mask(label)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    piece = largest_piece(opened(inner, opened_mm / film.pixel_mm))
    at, across = np.flatnonzero(piece.any(axis=1)), piece.sum(axis=0)
    area = int(across.sum())
    centre_x = float((across * np.arange(len(across))).sum() / area) + columns[0]
    centre_y = float((piece.sum(axis=1) * np.arange(len(piece))).sum() / area) + rows[0]
    left = piece.argmax(axis=1)[at] + columns[0]
    right = piece.shape[1] - 1 - piece[:, ::-1].argmax(axis=1)[at] + columns[0]
    return Silhouette(at + rows[0], left, right, area, (float(centre_x), float(centre_y)))


def opened(mask: Bools, radius: float, spacing: tuple[float, float] = (1.0, 1.0)) -> Bools:
    """What is left of a mask if only places stay that a disc of that radius covers without leaving it.

    ``radius`` is in the unit of ``spacing``, the size of a pixel (rows, columns). Raises InputError if nothing is left.
    """
    if radius == 0:
        return mask
    core = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)[1:-1, 1:-1] > radius
    if not core.any():
        raise InputError("the mask is too small to be measured")
    kept: Bools = (ndimage.distance_transform_edt(~core, sampling=spacing) < radius) & mask
    return kept


def midline(film: Film) -> tuple[float, float]:
    """The line of the spinous processes of T1 to T7 as slope and offset: x = slope * y + offset.

    Least squares through the middles of the rows of "spinous processes" (``spine``); masks from elsewhere have no such
    label: then through the centres of the vertebrae's masks. Raises InputError if fewer than three of those are there.
    """
    if has(film, SPINOUS):
        rows, columns = np.nonzero(film.mask(SPINOUS))
        counts = np.bincount(rows)
        y = np.flatnonzero(counts).astype(np.float64)
        x = (np.bincount(rows, columns) / np.maximum(counts, 1))[counts > 0]
    else:
        centres = [silhouette(film, name).centre for name in MIDLINE_VERTEBRAE if has(film, name)]
        if len(centres) < 3:
            raise InputError("fewer than three of the vertebrae T1 to T7 have a mask")
        x, y = np.array(centres).T
    if np.ptp(y) == 0:
        raise InputError("the spine is seen on one row only")
    slope = float(((y - y.mean()) * (x - x.mean())).sum() / ((y - y.mean()) ** 2).sum())
    return slope, float(x.mean() - slope * y.mean())


def has(film: Film, label: str) -> bool:
    """Whether a label has a pixel on the film."""
    return label in film.masks and bool(film.masks[label].any())


def trachea(film: Film) -> Silhouette:
    """The trachea without its upper quarter, which may be cut, and above its bifurcation, where it widens."""
    whole, fork = silhouette(film, "trachea without bronchi"), silhouette(film, "tracheal bifurcation")
    return whole.between(whole.rows[0] + len(whole.rows) / 4, fork.rows[0] - 1)


def thorax(film: Film) -> Silhouette:
    """From the outer border of the right lung to that of the left, on the rows that both have.

    The lungs end at the inner border of the ribs. Raises InputError if they share no row.
    """
    right, left = silhouette(film, "right lung"), silhouette(film, "left lung")
    first, last = max(right.rows[0], left.rows[0]), min(right.rows[-1], left.rows[-1])
    right, left = right.between(first, last), left.between(first, last)
    outer = np.minimum(right.left, left.right), np.maximum(right.left, left.right)
    return Silhouette(right.rows, *outer, int((outer[1] - outer[0] + 1).sum()), right.centre)


def smooth(values: NDArray[np.number], half_px: int) -> Floats:
    """Running median over ``2 * half_px + 1`` rows, shorter at the ends: takes the stairs of thick slices away."""
    padded = np.pad(np.asarray(values, np.float64), half_px, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_px + 1)
    medians: Floats = np.nanmedian(windows, axis=1)
    return medians


def touches_edge(mask: Bools) -> bool:
    """Whether a mask has a pixel at the edge of the picture."""
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())
