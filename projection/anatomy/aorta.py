"""The aorta: ascending part, arch and descending part, and its centre line with radii."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy.body import Body, Bools, Floats, Index, Region
from projection.anatomy.limbs import FIRST, IN_PLANE, SECOND, STEM, Way, fork
from projection.anatomy.structures import VERTEBRAE

ASCENDING, ARCH, DESCENDING = "ascending aorta", "aortic arch", "descending aorta"
_WAY = Way(axis=1, bridge_mm=2.0, smallest_mm2=25.0)
# 2 mm: a wall on each side; 25 mm²: a small child's descending aorta, 10 mm wide, thinned by that is 28 mm² large
_ON_SPINE_MM = 15.0  # fat and disc between the descending aorta's wall and the vertebrae
_STEP_MM = 5.0  # between points of the centre line: a fifth of the aorta's width
_PLANE_MM, _PIXEL_MM = 50.0, 1.25  # half a cross-section: aneurysms of 10 cm fit
_PER_ARCH = 12  # wedges of 15° in which the arch is first averaged


@dataclass(frozen=True)
class CentreLine:
    """The middle of the aorta, from the root down, in steps of about 5 mm."""

    points_mm: Floats
    """``(n, 3)``, LPS."""
    radii_mm: Floats
    """``(n,)``: of a disc as large as the section perpendicular to the line."""
    parts: tuple[str, ...]
    """Label of the part that each point lies in; without an arch the line is broken between the limbs."""


def parts(body: Body) -> dict[str, Region]:
    """Cut the labelled aorta in three: "ascending aorta", "aortic arch", "descending aorta"; disjoint, together all.

    The arch is the axial slices in which the two limbs are joined and all above; the front limb below it ascends, the
    back one descends, and all further down (the abdominal aorta too) descends: the levels at which the named segments
    of the 2010 ACCF/AHA guideline on thoracic aortic disease meet, as axial planes. A scan that does not reach the
    arch gives the limbs alone. A single limb is called descending if it runs along the vertebrae; else nothing is
    given.
    """
    whole = body.region("aorta")
    found = fork(whole, body.spacing_zyx_mm, _WAY)
    if found is not None:
        named = {ASCENDING: found.limb(FIRST), ARCH: found.limb(STEM), DESCENDING: found.limb(SECOND)}
        return {label: region for label, region in named.items() if region.mask.any()}
    return {DESCENDING: whole} if _along_spine(body, whole) else {}


def _along_spine(body: Body, aorta: Region) -> bool:
    """Whether nearly all slices hold one round section, its wall no further than ``_ON_SPINE_MM`` from a vertebra."""
    spine = body.joint_region(VERTEBRAE)
    if not (aorta.mask.any() and spine.mask.any()):
        return False
    on_spine = []
    _, y_mm, x_mm = body.spacing_zyx_mm
    for z, part in enumerate(aorta.mask, aorta.start_zyx[0]):
        at = z - spine.start_zyx[0]
        if not (part.any() and 0 <= at < len(spine.mask) and spine.mask[at].any()):
            continue
        bone_mm = (np.argwhere(spine.mask[at]) + spine.start_zyx[1:]) * (y_mm, x_mm)
        middle_mm = (np.argwhere(part).mean(axis=0) + aorta.start_zyx[1:]) * (y_mm, x_mm)
        radius_mm = np.sqrt(part.sum() * y_mm * x_mm / np.pi)
        far_mm = np.hypot(*(bone_mm - middle_mm).T).min() - radius_mm
        on_spine.append(
            far_mm <= _ON_SPINE_MM and np.ptp(np.argwhere(part) * (y_mm, x_mm), axis=0).max() < 3 * radius_mm
        )
    return bool(sum(on_spine) > 0.9 * len(on_spine))


# --- the centre line -----------------------------------------------------------------------------------------


def centre_line(body: Body, found: Mapping[str, Region] | None = None) -> CentreLine:
    """The middle of the aorta with its radii, from the root down; no points if no part is known.

    ``found`` is what ``parts`` gave, if it was called. First slice by slice (limbs) and wedge by wedge around the point
    between the limbs (arch), then each point is moved to the middle of the section perpendicular to the line, twice;
    the radius is that of a disc of the section's area. Perpendicular sections are how diameters are to be taken: 2010
    ACCF/AHA guideline on thoracic aortic disease, section 4.
    """
    found = parts(body) if found is None else found
    lines = {label: points for label, points in _first_lines(body, found).items() if len(points) > 1}
    pieces = [list(lines)] if ARCH in lines else [[label] for label in lines]
    done = [(*_refined(body, np.concatenate([lines[label] for label in piece])), piece) for piece in pieces]
    labels = [_labels(body, points, found[ARCH]) if ARCH in piece else piece * len(points) for points, _, piece in done]
    return CentreLine(
        points_mm=np.concatenate([np.zeros((0, 3)), *(points for points, _, _ in done)]),
        radii_mm=np.concatenate([np.zeros(0), *(radii for _, radii, _ in done)]),
        parts=tuple(label for piece in labels for label in piece),
    )


def _first_lines(body: Body, found: Mapping[str, Region]) -> dict[str, Floats]:
    """Points in LPS mm per part, in the order of the flow."""
    lines = {}
    if ASCENDING in found:
        lines[ASCENDING] = _slice_centres(body, found[ASCENDING])
    if {ASCENDING, ARCH, DESCENDING} <= found.keys():
        lines[ARCH] = _arch(body, found)
    if DESCENDING in found:
        lines[DESCENDING] = _slice_centres(body, found[DESCENDING])[::-1]
    return lines


def _slice_centres(body: Body, limb: Region) -> Floats:
    """The centre of each slice, upwards; without slices under half the usual size, as at a slanted end."""
    voxels = limb.voxels()
    slices = voxels[:, 0] - limb.start_zyx[0]
    counts = np.bincount(slices)
    sums = np.stack([np.bincount(slices, weights=voxels[:, axis]) for axis in range(3)], axis=1)
    large = counts > np.median(counts[counts > 0]) / 2
    return body.mm(sums[large] / counts[large, None])


def _arch(body: Body, found: Mapping[str, Region]) -> Floats:
    """Centres of wedges of the arch around the point between the limbs' upper ends, from front to back."""
    front, back = (_slice_centres(body, found[label])[-1] for label in (ASCENDING, DESCENDING))
    points = body.mm(found[ARCH].voxels())
    middle, along = (front + back) / 2, (back - front) * (1, 1, 0)
    angle = np.arctan2(points[:, 2] - middle[2], (points - middle) @ along / np.linalg.norm(along))
    wedge = np.clip(((np.pi - angle) / np.pi * _PER_ARCH).astype(int), 0, _PER_ARCH - 1)
    counts = np.bincount(wedge, minlength=_PER_ARCH)
    sums = np.stack([np.bincount(wedge, weights=points[:, axis], minlength=_PER_ARCH) for axis in range(3)], axis=1)
    centres: Floats = sums[counts > 0] / counts[counts > 0, None]
    return centres


def _refined(body: Body, points: Floats) -> tuple[Floats, Floats]:
    """Points in the middle of their perpendicular sections, and radii."""
    aorta = body.region("aorta")
    filled = aorta.mask.astype(np.float32)
    points = _even(points)
    for _ in range(2):
        centres, areas = _sections(body, filled, aorta.start_zyx, points, 2 * _PIXEL_MM)
        whole = _whole(areas)
        points = _even(centres[whole]) if whole.sum() > 1 else points
    centres, areas = _sections(body, filled, aorta.start_zyx, points, _PIXEL_MM)
    whole = _whole(areas)
    return centres[whole], np.sqrt(areas[whole] / np.pi)


def _whole(areas: Floats) -> Bools:
    """Which sections are not torn by a gap in the label: above three quarters of the median of 35 mm of line."""
    usual = ndimage.median_filter(areas, 7, mode="nearest")
    whole: Bools = (areas > 0.75 * usual) & (usual > 0)
    return whole


def _even(points: Floats) -> Floats:
    """The smoothed line in even steps."""
    points = ndimage.gaussian_filter1d(_stepped(points, _STEP_MM / 5), 5.0, axis=0, mode="nearest")
    return _stepped(points, _STEP_MM)


def _stepped(points: Floats, step_mm: float) -> Floats:
    along = np.concatenate([[0.0], np.cumsum(np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1)))])
    wanted = np.linspace(0, along[-1], max(2, round(along[-1] / step_mm) + 1))
    return np.stack([np.interp(wanted, along, points[:, axis]) for axis in range(3)], axis=1)


def _sections(
    body: Body, filled: NDArray[np.float32], start_zyx: Index, points: Floats, pixel_mm: float
) -> tuple[Floats, Floats]:
    """Centre in LPS mm and area in mm² of the section at each point; area 0 where the line is outside the aorta.

    The aorta's surface lies halfway between its voxels and those outside (trilinear, cut at 0.5).
    """
    ways = np.gradient(points, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    across = np.cross(ways, np.eye(3)[np.abs(ways).argmin(axis=1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(ways, across)
    offsets = np.arange(-_PLANE_MM, _PLANE_MM + pixel_mm / 2, pixel_mm)
    to_zyx = np.linalg.inv(body.affine[:3, :3])[::-1].T
    start, right, down = (points - body.affine[:3, 3]) @ to_zyx - start_zyx, across @ to_zyx, up @ to_zyx
    rows, columns = offsets[:, None], offsets[None, :]
    indices = np.stack(
        [
            start[:, axis, None, None] + rows * right[:, axis, None, None] + columns * down[:, axis, None, None]
            for axis in range(3)
        ]
    )
    inside = _one_piece(ndimage.map_coordinates(filled, indices, order=1) >= 0.5)
    rows_mm, columns_mm = inside.sum(axis=2) @ offsets, inside.sum(axis=1) @ offsets
    counts = inside.sum(axis=(1, 2))
    shift = rows_mm[:, None] * across + columns_mm[:, None] * up
    centres: Floats = points + shift / np.maximum(counts, 1)[:, None]
    return centres, counts * pixel_mm**2


def _one_piece(inside: Bools) -> Bools:
    """Of each section only the piece that holds its middle."""
    label, _ = ndimage.label(inside, IN_PLANE)
    middle = label[:, label.shape[1] // 2, label.shape[2] // 2]
    held: Bools = (label == middle[:, None, None]) & (middle > 0)[:, None, None]
    return held


def _labels(body: Body, points_mm: Floats, arch: Region) -> list[str]:
    """The part at each point: the arch from its lowest slice up, the ascending part before it, the rest behind it."""
    heights = (points_mm - body.affine[:3, 3]) @ np.linalg.inv(body.affine[:3, :3])[2]
    high = np.flatnonzero(heights >= arch.start_zyx[0] - 0.5)
    first, last = (int(high[0]), int(high[-1])) if len(high) else (len(points_mm), 0)
    return [ASCENDING if at < first else ARCH if at <= last else DESCENDING for at in range(len(points_mm))]
