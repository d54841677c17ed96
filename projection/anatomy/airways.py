"""The airways: trachea, carina, main bronchi, and the angle between them.

TotalSegmentator's trachea holds the main bronchi as far as the hila, so that its outline alone gives no carinal angle.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from projection.anatomy.body import Body, Floats, Region
from projection.anatomy.limbs import FIRST, SECOND, STEM, Fork, Way, fork

BIFURCATION, CARINA, TRACHEA = "tracheal bifurcation", "carina", "trachea without bronchi"
BRONCHUS_RIGHT, BRONCHUS_LEFT = "main bronchus right", "main bronchus left"
_WAY = Way(axis=2, bridge_mm=0.0, smallest_mm2=20.0)  # a bronchus 5 mm wide; narrower pieces are branches or specks
BIFURCATION_MM = 15.0  # the last tracheal rings and the first 15 mm of each bronchus: one width of the trachea each way
CARINA_MM = 3.0  # the ridge itself, some 2 to 3 mm thick, with its mucosa
_FIRST_MM = 25.0  # the right main bronchus is some 25 mm long, the left 50 mm
_SHORTEST_MM, _FEWEST_SLICES = 8.0, 3  # less gives no direction: a bronchus is 12 mm wide
_CORE = 0.7  # of the deepest point's depth: the middle of a round section, without thinner branches


@dataclass(frozen=True)
class Carina:
    """Where the trachea forks, and how widely."""

    point_mm: Floats
    """LPS: on the ridge, between the facing walls of the bronchi."""
    direction_right: Floats
    """Unit vector, LPS, of the right main bronchus, away from the carina."""
    direction_left: Floats
    angle_deg: float
    """Between the centre lines of the main bronchi, in 3-D."""
    front_angle_deg: float
    """The same as seen from the front, in the coronal plane."""
    front_inner_angle_deg: float
    """Seen from the front, between the inner (lower) borders: the subcarinal angle of the radiograph."""


def parts(body: Body) -> dict[str, Region]:
    """Cut the labelled trachea: "trachea without bronchi", "main bronchus right" and "left" are disjoint, together all.

    "tracheal bifurcation" is what lies within 15 mm of the carina, of trachea and bronchi. "carina" is a ball of 3 mm
    around it that holds the ridge, which has no label. A label that nowhere forks gives "trachea without bronchi" if
    the scan ends within it, and nothing else: then where bronchi begin is not known. Nor is it if two pieces nowhere
    join, unless the scan begins below the carina: a bronchus that rises, in a patient who lies askew.
    """
    whole = body.region("trachea")
    found = fork(whole, body.spacing_zyx_mm, _WAY)
    if found is None:
        return {TRACHEA: whole} if whole.mask.any() and whole.start_zyx[0] == 0 else {}
    if not _forks(found) and whole.start_zyx[0] + len(whole.mask) < len(body.values):
        return {}
    named = {TRACHEA: found.limb(STEM), BRONCHUS_RIGHT: found.limb(FIRST), BRONCHUS_LEFT: found.limb(SECOND)}
    if _forks(found):
        point_mm = _ridge(body, found)
        near = np.zeros(whole.mask.shape, bool)
        voxels = whole.voxels()
        near[tuple((voxels - whole.start_zyx).T)] = np.linalg.norm(body.mm(voxels) - point_mm, axis=1) <= BIFURCATION_MM
        named |= {BIFURCATION: whole.within(near), CARINA: _ball(body, point_mm)}
    return {label: region for label, region in named.items() if region.mask.any()}


def centre_line(body: Body) -> Floats:
    """The middle of the trachea from its top to the carina, ``(n, 3)`` in LPS mm; no points if there is none.

    Centres of the axial slices, smoothed over 5 mm; the carina itself is the last point, if it is known.
    """
    found = fork(body.region("trachea"), body.spacing_zyx_mm, _WAY)
    stem = found.limb(STEM) if found else parts(body).get(TRACHEA)
    if stem is None or not stem.mask.any():
        return np.zeros((0, 3))
    voxels = stem.voxels()
    slices = voxels[:, 0] - stem.start_zyx[0]
    counts = np.bincount(slices)
    sums = np.stack([np.bincount(slices, weights=voxels[:, axis]) for axis in range(3)], axis=1)
    points = body.mm(sums[counts > 0] / counts[counts > 0, None])[::-1]
    points = ndimage.gaussian_filter1d(points, 5.0 / body.spacing_zyx_mm[0], axis=0, mode="nearest")
    return np.concatenate([points, _ridge(body, found)[None]]) if found else points


def carina(body: Body) -> Carina | None:
    """The carina and its angles; None if the trachea does not fork or a bronchus is labelled for less than 8 mm.

    A bronchus' line runs through the deepest points of its axial slices over the first 25 mm, or as far as it is
    labelled: so the upper lobe's bronchus, thinner than the one it leaves, does not draw it aside. Where the label ends
    sooner, a slanted end may draw the line some degrees steeper. Both ways to read the angle on a radiograph, inner
    borders and centre lines, are compared by Haskin and Goodman, "Normal tracheal bifurcation angle: a reassessment",
    AJR 1982.
    """
    found = fork(body.region("trachea"), body.spacing_zyx_mm, _WAY)
    if found is None or not _forks(found):
        return None
    lines = [_bronchus(body, found, side) for side in (FIRST, SECOND)]
    if any(len(line) < _FEWEST_SLICES or np.linalg.norm(line[0] - line[-1]) < _SHORTEST_MM for line, _ in lines):
        return None
    right, left = (_downstream(line) for line, _ in lines)
    inner_right, inner_left = (_downstream(border) for _, border in lines)
    return Carina(
        point_mm=_ridge(body, found),
        direction_right=right,
        direction_left=left,
        angle_deg=_angle_deg(right, left),
        front_angle_deg=_angle_deg(right * (1, 0, 1), left * (1, 0, 1)),
        front_inner_angle_deg=_angle_deg(inner_right, inner_left),
    )


def _forks(found: Fork) -> bool:
    """Whether the label holds the fork itself, and not only two bronchi below the scan's or the label's top."""
    return found.lowest_stem < len(found.part)


def _ridge(body: Body, found: Fork) -> Floats:
    """The carina in LPS mm: between the facing walls in the highest slice with two bronchi, at that slice's top."""
    at = found.part[found.highest_pair]
    right, left = np.argwhere(at == FIRST), np.argwhere(at == SECOND)
    gap = ((right[:, 1].max() + left[:, 1].min()) / 2, (right[:, 0].mean() + left[:, 0].mean()) / 2)
    z = (found.highest_pair + found.lowest_stem) / 2
    return body.mm(np.array([z, gap[1], gap[0]]) + found.region.start_zyx)


def _ball(body: Body, point_mm: Floats) -> Region:
    """The voxels within ``CARINA_MM`` of a point, the nearest one in any case."""
    x, y, z = np.linalg.inv(body.affine[:3, :3]) @ (point_mm - body.affine[:3, 3])
    centre = np.rint((z, y, x)).astype(int)
    reach = np.ceil(CARINA_MM / np.array(body.spacing_zyx_mm)).astype(int) + 1
    low = np.maximum(centre - reach, 0)
    high = np.minimum(centre + reach + 1, body.values.shape)
    voxels = np.moveaxis(np.indices(high - low), 0, -1) + low
    far_mm = np.linalg.norm(body.mm(voxels) - point_mm, axis=-1)
    return Region((int(low[0]), int(low[1]), int(low[2])), far_mm <= max(CARINA_MM, float(far_mm.min())))


def _bronchus(body: Body, found: Fork, side: int) -> tuple[Floats, Floats]:
    """The middle of a bronchus from the carina down, and its inner border seen from the front (y is 0), LPS mm."""
    middles, borders = [], []
    z0, y0, x0 = found.region.start_zyx
    for z in range(found.highest_pair, -1, -1):
        limb = np.pad(found.part[z] == side, 1)
        if limb.sum() * np.prod(body.spacing_zyx_mm[1:]) < _WAY.smallest_mm2:
            continue
        depth_mm = ndimage.distance_transform_edt(limb, sampling=body.spacing_zyx_mm[1:])
        y, x = np.argwhere(depth_mm >= _CORE * depth_mm.max()).mean(axis=0) - 1
        columns = np.flatnonzero(limb.any(axis=0)) - 1
        middles.append(body.mm(np.array([z0 + z, y0 + y, x0 + x])))
        inner = columns[-1] if side == FIRST else columns[0]
        borders.append(body.mm(np.array([z0 + z, y0 + y, x0 + inner])) * (1, 0, 1))
    line, border = np.reshape(middles, (-1, 3)), np.reshape(borders, (-1, 3))
    near = np.linalg.norm(line - line[:1], axis=1) <= _FIRST_MM
    return line[near], border[near]


def _downstream(points_mm: Floats) -> Floats:
    """Unit vector of the line through points (least squares), from the first to the last."""
    line: Floats = np.linalg.svd(points_mm - points_mm.mean(axis=0))[2][0]
    return line if line @ (points_mm[-1] - points_mm[0]) > 0 else -line


def _angle_deg(one: Floats, two: Floats) -> float:
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
