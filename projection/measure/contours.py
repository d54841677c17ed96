"""Outlines of masks as a fixed number of points in a fixed order, and back.

What a graph model learns (HybridGNet and CheXmask: Gaggion et al., IEEE Trans Med Imaging 42:546, 2023, and Sci Data
11:511, 2024) is an outline whose i-th point means the same place on every chest. ``OUTLINES`` has their three shapes
with their numbers of points (right lung 44, left lung 50, heart 26; the places themselves are ours, as theirs came
from one set of drawn landmarks) and bones beside them. Every outline starts at the corner that the table names and runs
clockwise as seen on the picture, in equal steps along the border.

Points are ``(x, y)`` in pixels, column and row, 0-based; the centre of a pixel is a whole number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from curation.errors import InputError

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TOP = (0.0, -1.0)
LOWER_LEFT, LOWER_RIGHT = (-1.0, 1.0), (1.0, 1.0)
UPPER_LEFT, LEFT, RIGHT = (-1.0, -1.0), (-1.0, 0.0), (1.0, 0.0)
# The four sides of a pixel, clockwise from the upper: where its outside lies, where a walk goes that keeps the pixel
# at its right hand, and the middle of the side, as (row, column).
_OUTWARD = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
_FORWARD = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])


@dataclass(frozen=True)
class Outline:
    """How a label is outlined: how many points, and the corner at which they start."""

    n_points: int
    corner_xy: tuple[float, float]
    """The outline starts where it lies farthest this way on the picture."""


OUTLINES: Mapping[str, Outline] = {
    "right lung": Outline(44, LOWER_LEFT),  # the lateral costophrenic angle
    "left lung": Outline(50, LOWER_RIGHT),
    "heart": Outline(26, UPPER_LEFT),  # where the right border meets the superior vena cava
    "clavicle right": Outline(64, RIGHT),  # the medial end
    "clavicle left": Outline(64, LEFT),
    "trachea": Outline(64, TOP),
    "aorta": Outline(60, TOP),
}
"""Clavicle right and right lung are at image left."""


def outlines(masks: Mapping[str, Bools]) -> dict[str, Floats]:
    """The outlines of ``OUTLINES`` that a view has, ``(n, 2)`` each; see ``contour``."""
    return {
        label: contour(masks[label], outline.n_points, outline.corner_xy)
        for label, outline in OUTLINES.items()
        if label in masks and masks[label].any()
    }


def contour(mask: Bools, n: int, corner_xy: tuple[float, float] = TOP) -> Floats:
    """Outline of a mask ``(rows, columns)`` as ``n`` points ``(n, 2)``, x and y in pixels.

    The outline is the outer border of the largest piece (pixels that share a side; of equal pieces the one that comes
    first by rows), holes are left out. It passes through the middles of the pixel sides between inside and outside:
    the iso-line at one half (Lorensen and Cline, Comput Graph 21:163, 1987, in two dimensions). The first point lies
    farthest in the direction ``corner_xy``; the others follow clockwise as seen, equally far from each other along the
    border, each where the polygon as a whole fits the border best. Raises InputError if the mask is empty or ``n`` is
    below 3.
    """
    if n < 3:
        raise InputError(f"expected 3 points or more for an outline, got {n}")
    points = border(largest_piece(mask))
    way = points @ np.array(corner_xy)
    corner = points[way > way.max() - 1].mean(axis=0)  # the middle of a flat corner, not the first of its points
    start = int(((points - corner) ** 2).sum(axis=1).argmin())
    return _fitted(np.roll(points, -start, axis=0), n)


def _fitted(points: Floats, n: int) -> Floats:
    """The closed polygon of ``n`` corners that fits closed points ``(m, 2)`` best, corner i at share i / n of the way.

    Least squares in linear B-splines on even knots (de Boor, A Practical Guide to Splines, 1978): corners that were
    picked from the border would carry its stairs and cut every curve short.
    """
    steps = np.hypot(*np.diff(points, axis=0, append=points[:1]).T)
    place = (np.cumsum(steps) - steps) * (n / steps.sum())
    knot = np.minimum(place.astype(np.int64), n - 1)
    part = place - knot
    following = (knot + 1) % n
    normal = np.zeros((n, n))
    for a, weight_a in ((knot, 1 - part), (following, part)):
        for b, weight_b in ((knot, 1 - part), (following, part)):
            np.add.at(normal, (a, b), steps * weight_a * weight_b)
    # A border shorter than n steps leaves corners without a point: a trace of smoothness places them.
    stiff = 2 * np.eye(n) - np.roll(np.eye(n), 1, axis=0) - np.roll(np.eye(n), -1, axis=0)
    right = np.zeros((n, 2))
    np.add.at(right, knot, (steps * (1 - part))[:, None] * points)
    np.add.at(right, following, (steps * part)[:, None] * points)
    fitted: Floats = np.linalg.solve(normal + 1e-6 * steps.sum() / n * stiff, right)
    return fitted.round(4)  # far coarser than what the solver's order of sums could change


def largest_piece(mask: Bools) -> Bools:
    """The largest 4-connected piece; of equal ones the first by rows. Raises InputError if the mask is empty."""
    numbers, count = ndimage.label(mask)
    if count == 0:
        raise InputError("expected a mask with a pixel, got an empty one")
    sizes = np.bincount(numbers.ravel())[1:]
    piece: Bools = numbers == int(sizes.argmax()) + 1
    return piece


def border(piece: Bools) -> Floats:
    """Middles of the pixel sides along the outer border of a 4-connected piece, ``(sides, 2)`` as x, y, clockwise."""
    rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
    inner = piece[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    following, first = _walk(np.pad(inner, 1))
    size = len(following)
    chain = csr_array((np.ones(size, np.int8), following, np.arange(size + 1)), shape=(size, size))
    order = breadth_first_order(chain, first, return_predecessors=False)
    side, at = np.divmod(order, (inner.shape[0] + 2) * (inner.shape[1] + 2))
    row, column = np.divmod(at, inner.shape[1] + 2)
    middle = np.stack([column, row], axis=1) + 0.5 * _OUTWARD[side][:, ::-1]
    points: Floats = middle + np.array([columns[0], rows[0]]) - 1.0
    return points


def _walk(piece: Bools) -> tuple[Ints, int]:
    """For each side of each pixel (side * pixels + pixel) the side that follows on the border, and a first one.

    A walk that keeps the piece at its right hand turns to the pixel's own next side if the pixel ahead is outside; else
    it goes on along the pixel ahead, or turns to the one beside that, if it is inside. Where two pixels touch at a
    corner only, it stays with its own: pieces are 4-connected. A side that is no border follows itself.
    """
    n_pixels, columns = piece.size, piece.shape[1]
    flat = piece.ravel()
    step = _FORWARD @ np.array([columns, 1])
    outward = _OUTWARD @ np.array([columns, 1])
    following = np.arange(4 * n_pixels)
    inside = np.flatnonzero(flat)
    for side in range(4):
        at = inside[~flat[inside + outward[side]]]
        ahead, beside = at + step[side], at + step[side] + outward[side]
        turned = (side + 1) % 4 * n_pixels + at
        straight = np.where(flat[beside], (side - 1) % 4 * n_pixels + beside, side * n_pixels + ahead)
        following[side * n_pixels + at] = np.where(flat[ahead], straight, turned)
    return following, int(inside[0])


def mask_of(points: Floats, rows: int, columns: int) -> Bools:
    """The pixels ``(rows, columns)`` whose centre lies inside a closed polygon ``(n, 2)`` of x, y in pixels.

    Even-odd rule by scan lines; a centre on an upper or left side is inside, one on a lower or right side is not, so
    that polygons which share a side share no pixel. What lies outside the picture is cut off.
    Raises InputError if there are fewer than three points or one is not finite.
    """
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] != 2:
        raise InputError(f"expected points (n, 2) with n of 3 or more, got shape {points.shape}")
    if not np.isfinite(points).all():
        raise InputError("expected finite points, got one that is not")
    ends = np.roll(points, -1, axis=0)
    upper = np.where((points[:, 1] <= ends[:, 1])[:, None], points, ends)
    lower = np.where((points[:, 1] <= ends[:, 1])[:, None], ends, points)
    first = np.clip(np.ceil(upper[:, 1]), 0, rows).astype(np.int64)
    stop = np.clip(np.ceil(lower[:, 1]), 0, rows).astype(np.int64)
    edge = np.repeat(np.arange(len(points)), stop - first)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(stop - first) - stop, stop - first)
    part = (row - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    x = upper[edge, 0] + part * (lower[edge, 0] - upper[edge, 0])
    crossings = np.zeros((rows, columns + 1), np.int64)
    np.add.at(crossings, (row, np.clip(np.ceil(x), 0, columns).astype(np.int64)), 1)
    inside: Bools = np.cumsum(crossings[:, :columns], axis=1) % 2 == 1
    return inside
