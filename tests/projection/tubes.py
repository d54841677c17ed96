"""Bodies made of tubes whose lines and radii are known."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from projection.anatomy.body import Body, Bools, Floats, Index, Region, turned

SPACING_ZYX_MM = (2.5, 1.5, 1.5)


class Space:
    """A grid in LPS mm around the origin, to draw in."""

    def __init__(self, low_xyz_mm: Sequence[float], high_xyz_mm: Sequence[float], spacing_zyx_mm: Sequence[float]):
        step = np.array(spacing_zyx_mm[::-1], float)
        low, high = np.array(low_xyz_mm, float), np.array(high_xyz_mm, float)
        size = np.ceil((high - low) / step).astype(int)
        self.affine = np.diag([*step, 1.0])
        self.affine[:3, 3] = low
        index = np.moveaxis(np.indices(tuple(size[::-1])), 0, -1)[..., ::-1]
        self.points_mm: Floats = index * step + low

    def tube(self, line_mm: Floats, radius_mm: float) -> Bools:
        """All within a radius of a line of points, rounded at its ends."""
        inside = np.zeros(self.points_mm.shape[:3], bool)
        for one, two in pairwise(line_mm):
            way = two - one
            low, high = np.minimum(one, two) - radius_mm, np.maximum(one, two) + radius_mm
            step = np.diag(self.affine)[:3]
            first = np.maximum(np.floor((low - self.affine[:3, 3]) / step), 0).astype(int)
            last = np.maximum(np.ceil((high - self.affine[:3, 3]) / step), 0).astype(int) + 1
            x, y, z = (slice(a, b) for a, b in zip(first, last, strict=True))
            offset = self.points_mm[z, y, x] - one
            at = np.clip(offset @ way / (way @ way), 0, 1)
            inside[z, y, x] |= ((offset - at[..., None] * way) ** 2).sum(axis=-1) <= radius_mm**2
        return inside

    def box(self, low_xyz_mm: Sequence[float], high_xyz_mm: Sequence[float]) -> Bools:
        within = (self.points_mm >= low_xyz_mm) & (self.points_mm <= high_xyz_mm)
        inside: Bools = np.logical_and.reduce(within, axis=-1)
        return inside

    def body(self, masks: Mapping[str, Bools]) -> Body:
        values = np.zeros(self.points_mm.shape[:3], np.uint8)
        for number, mask in enumerate(masks.values(), 1):
            values[mask] = number
        return Body(values, {name: number for number, name in enumerate(masks, 1)}, self.affine)


def same_voxels(one: Mapping[str, Region], two: Mapping[str, Region], shape: Index) -> bool:
    """Whether both give the same labels with the same voxels."""
    return one.keys() == two.keys() and all(
        np.array_equal(region.full(shape), two[label].full(shape)) for label, region in one.items()
    )


def shape_of(body: Body) -> Index:
    z, y, x = body.values.shape
    return z, y, x


def mirrored(body: Body) -> Body:
    """The body with left and right changed."""
    return Body(np.ascontiguousarray(body.values[:, :, ::-1]), body.numbers, body.affine)


def scanned_otherwise(body: Body) -> Body:
    """The body stored with other axes and directions, and turned back."""
    stored: NDArray[np.uint8] = np.ascontiguousarray(body.values.transpose(2, 0, 1)[::-1, :, ::-1])  # x, z, y
    affine = np.eye(4)
    n_x, _, n_y = stored.shape
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = -body.affine[:3, 1], body.affine[:3, 2], -body.affine[:3, 0]
    affine[:3, 3] = body.affine[:3, 3] + body.affine[:3, 1] * (n_y - 1) + body.affine[:3, 0] * (n_x - 1)
    return turned(stored, {number: name for name, number in body.numbers.items()}, affine)
