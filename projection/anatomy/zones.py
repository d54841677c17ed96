"""Lung zones: apex, upper, mid and base of each lung, cut by axial planes that are the same for both sides.

The landmarks are those by which zones are read on a frontal radiograph:

    apical | upper   the highest point of the clavicle's inner ``INNER_CLAVICLE_MM``
    upper  | mid     the front end of the 2nd rib's bone: the last point of its centre line, where the cartilage begins
    mid    | base    the same of the 4th rib

Each is the mean of both sides, or of the side that has it. A rib whose front end is not in the scan is no landmark.
Without a landmark the zones are thirds of the height of the lungs, the three zones of equal height of the ILO
classification of radiographs of pneumoconioses (here from the apex to the lowest recess, not to the dome); the apex, if
the clavicles are missing too, is our own rule: the upper half of the upper third.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from projection.anatomy import ribs
from projection.anatomy.body import Body, Region
from projection.anatomy.structures import ALL_LOBES, LOBES

INNER_CLAVICLE_MM = 10.0
"""The sternal end of the clavicle, from its innermost point: its head, before it climbs, as with raised arms."""
_NAMES = ("{} lung base", "{} mid zone lung", "{} upper zone lung", "{} apical zone lung")


@dataclass(frozen=True)
class Plane:
    """An axial plane: its LPS z, and what it was placed by."""

    z_mm: float
    source: Literal["landmark", "thirds"]


@dataclass(frozen=True)
class Planes:
    """The planes between the zones, each above the next."""

    apical_upper: Plane
    upper_mid: Plane
    mid_base: Plane


def planes(body: Body) -> Planes | None:
    """Where the zones part; None without a lung.

    Landmarks that do not lie above each other, as by a mislabelled rib, are given up for thirds, all three.
    """
    lungs = body.joint_region(ALL_LOBES)
    if not lungs.mask.size:
        return None
    top_mm, bottom_mm = _extent_mm(body, lungs)
    thirds = [top_mm - (top_mm - bottom_mm) * share for share in (1 / 6, 1 / 3, 2 / 3)]
    landmarks = [_clavicles_mm(body), _front_mm(body, 2), _front_mm(body, 4)]
    made = [
        Plane(third, "thirds") if mark is None else Plane(mark, "landmark")
        for mark, third in zip(landmarks, thirds, strict=True)
    ]
    heights = [plane.z_mm for plane in made]
    if not heights[0] > heights[1] > heights[2]:
        made = [Plane(third, "thirds") for third in thirds]
    return Planes(*made)


def parts(body: Body) -> dict[str, Region]:
    """The zones of each lung by label, those that have a voxel: disjoint, and together the whole lung of their side."""
    cuts = planes(body)
    made: dict[str, Region] = {}
    for side, lobes in LOBES.items():
        lung = body.region(*lobes)
        if cuts and lung.mask.size:
            heights_mm = (cuts.apical_upper.z_mm, cuts.upper_mid.z_mm, cuts.mid_base.z_mm)
            apical, upper, mid = (_first_above(body, lung, height_mm) for height_mm in heights_mm)
            edges = (np.zeros_like(mid), mid, upper, apical, np.full_like(mid, lung.mask.shape[0]))
            zones = zip(_NAMES, edges[:-1], edges[1:], strict=True)
            regions = {name.format(side): _between(lung, low, high) for name, low, high in zones if (low < high).any()}
            made |= {name: region for name, region in regions.items() if region.mask.size}
    return made


def _first_above(body: Body, region: Region, z_mm: float) -> NDArray[np.int64]:
    """Of each column ``(y, x)`` of a box, its first voxel above the plane; an oblique volume's columns differ."""
    _, n_y, n_x = region.mask.shape
    corner_mm = body.mm(np.array(region.start_zyx))[2]
    across_mm = np.arange(n_y)[:, None] * body.affine[2, 1] + np.arange(n_x) * body.affine[2, 0]
    index: NDArray[np.int64] = np.ceil((z_mm - corner_mm - across_mm) / body.affine[2, 2]).astype(np.int64)
    return np.clip(index, 0, region.mask.shape[0])


def _between(region: Region, low: NDArray[np.int64], high: NDArray[np.int64]) -> Region:
    first, last = int(low.min()), int(high.max())
    level = np.arange(first, last)[:, None, None]
    z, y, x = region.start_zyx
    mask = region.mask[first:last] & (level >= low) & (level < high)
    return Region((z + first, y, x), mask).within(mask)


def _extent_mm(body: Body, region: Region) -> tuple[float, float]:
    """The height of the voxel centres at the top and at the bottom of a region."""
    levels = region.mask.any(axis=2)
    z_mm = body.mm(np.argwhere(levels)[:, [0, 1, 1]] * [1, 1, 0] + np.array(region.start_zyx))[:, 2]
    return float(z_mm.max()), float(z_mm.min())


def _clavicles_mm(body: Body) -> float | None:
    tops = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        if body.has(f"clavicula_{side}"):
            points_mm = body.mm(body.region(f"clavicula_{side}").voxels())
            outwards_mm = sign * points_mm[:, 0]
            tops.append(float(points_mm[outwards_mm < outwards_mm.min() + INNER_CLAVICLE_MM, 2].max()))
    return _mean(tops)


def _front_mm(body: Body, number: int) -> float | None:
    ends = [ribs.front_end_mm(body, ribs.structure(side, number)) for side in LOBES]
    return _mean([float(end[2]) for end in ends if end is not None])


def _mean(numbers: list[float]) -> float | None:
    return sum(numbers) / len(numbers) if numbers else None
