"""The mediastinum: the space between the lungs, and its classic parts.

Its limits are those of the ITMIG classification of mediastinal compartments (Carter et al., J Thorac Oncol 2014 and
RadioGraphics 2017): the thoracic inlet above, the diaphragm below, the back of the sternum in front, the lungs at the
sides, and behind a line 10 mm behind the front of the vertebral bodies; bone and discs are never part of it. Its parts
are the anatomical ones (Gray's Anatomy, "Mediastinum"): the plane from the sternal angle to the disc T4/T5 parts upper
from lower, the heart with its neighbours anterior, middle and posterior.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy import thoracic_planes
from projection.anatomy.body import Body, Bools, Floats, Index, Region
from projection.anatomy.diaphragm import LOBES
from projection.anatomy.floor import HEART, Box, floor
from projection.anatomy.thoracic_planes import Plane
from projection.kernels import mediastinum as kernels
from projection.kernels.diaphragm import pooled

WHOLE, UPPER, LOWER = "cardiomediastinum", "upper mediastinum", "lower mediastinum"
ANTERIOR, MIDDLE, POSTERIOR = "anterior mediastinum", "middle mediastinum", "posterior mediastinum"
LABELS = (WHOLE, UPPER, LOWER, ANTERIOR, MIDDLE, POSTERIOR)
BACK_MM = 10.0
"""How far behind the front of the vertebral bodies it ends (ITMIG)."""
BESIDE_MM = 40.0
"""How far beside the middle of the spine the posterior part reaches: transverse processes end 30 to 40 mm from it, and
the paravertebral grooves with them. Further out, what is behind the heart lies on it."""
_VERTEBRAE = tuple(f"vertebrae_{name}{n}" for name, last in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, last + 1))
_NAMED: Mapping[int, tuple[str, ...]] = {
    kernels.SOFT: (
        "thyroid_gland",
        *(f"{vessel}_{side}" for vessel in ("subclavian_artery", "common_carotid_artery") for side in LOBES),
    ),
    kernels.RIGHT: LOBES["right"],
    kernels.LEFT: LOBES["left"],
    kernels.ORGAN: ("aorta", "brachiocephalic_trunk", "brachiocephalic_vein_left", "brachiocephalic_vein_right"),
    kernels.MIDDLE: ("trachea", "superior_vena_cava", "inferior_vena_cava", "pulmonary_vein", "pulmonary_artery"),
    kernels.POSTERIOR: ("esophagus",),
    kernels.HEART: HEART,
    kernels.STERNUM: ("sternum",),
    kernels.SPINE: _VERTEBRAE,
}
"""What a structure is; one that is not named has no place here. The vessels of the neck and the thyroid are part of
what lies between the lungs and draw no border: they reach far out of it."""
_GIVEN = {"ascending aorta": kernels.MIDDLE, "descending aorta": kernels.POSTERIOR}
_BLOCK = 4  # voxels pooled when pieces of a lung are told apart: 3 mm at 0.7 mm
_FROM_SPINE_MM = 40.0  # a vertebra with its discs, and some: further from a labelled one its front is not known
_SPUR_MM = 20.0  # half the window of a median, a vertebra's height: passes over the spurs of a single edge
_DISC_MM = 12.0  # the highest disc between two thoracic vertebrae, with the voids of the labels' edges
_EDGE_MM = 15.0  # depth of a lung's front edge, which ends the space where the lung begins further back
_SMOOTH_MM = 10.0  # a slice of 5 mm and its neighbours: what of a hull's face is lower than that are single vessels
_LEDGE_MM = 15.0  # the height of a great vessel: a border between the lungs is smooth over it
_SIDE_MM = 15.0  # the width of a great vessel: so far within its ends, a slice's hull faces front and back


def parts(body: Body, given: Mapping[str, Region]) -> dict[str, Region]:
    """The parts that can be cut (see ``missing``); ``given`` holds the parts of the aorta.

    * ``cardiomediastinum``: all of it, with the labelled organs whole as far as they lie between floor and inlet, and
      the heart always.
    * ``upper mediastinum`` and ``lower mediastinum``: disjoint, together the whole; the heart is never upper.
    * ``anterior``, ``middle`` and ``posterior mediastinum``: disjoint, together the lower one. In the middle are heart,
      ascending aorta, trachea, great veins, and what lies between two smooth coronal surfaces, the front and the back
      of their convex hulls in the axial slices; behind it is only what lies within ``BESIDE_MM`` of the spine's
      middle. Oesophagus and descending aorta are always posterior, and no vessel is anterior.
    """
    if _why_not(body):
        return {}
    space = _space(body, given)
    mask, division, parted = _between(body, space), thoracic_planes.division(body), _has_heart(body)
    if division is None:
        return _regions(space, mask.view(np.uint8), {WHOLE: (1, 1)})
    front, rear = _faces(body, space, mask)
    codes = kernels.compartments(space.kind, mask, space.plane(body, division), front, rear, _beside(body, space))
    first, last = kernels.IN_FRONT, kernels.BEHIND
    named = {WHOLE: (kernels.UPPER, last), UPPER: (kernels.UPPER, kernels.UPPER), LOWER: (first, last)}
    if parted:
        named |= {ANTERIOR: (first, first), MIDDLE: (kernels.AT_HEART, kernels.AT_HEART), POSTERIOR: (last, last)}
    return _regions(space, codes, named)


@dataclass(frozen=True)
class Planes:
    """The planes that the mediastinum is cut by."""

    inlet: Plane
    division: Plane | None
    """Between the upper and the lower one; None without a landmark."""


def planes(body: Body) -> Planes:
    """Thoracic inlet, and the plane between upper and lower mediastinum."""
    return Planes(thoracic_planes.inlet(body), thoracic_planes.division(body))


def missing(body: Body) -> dict[str, str]:
    """Label to the reason why this body cannot give it."""
    if reason := _why_not(body):
        return dict.fromkeys(LABELS, reason)
    if thoracic_planes.division(body) is None:
        return dict.fromkeys(LABELS[1:], "neither the sternal angle nor the disc T4/T5 can be found")
    return {} if _has_heart(body) else dict.fromkeys(LABELS[3:], "the heart is not labelled")


def _why_not(body: Body) -> str:
    for side, lobes in LOBES.items():
        if not _any(body, lobes):
            return f"no lobe of the {side} lung is labelled: the space between the lungs has no {side} border"
    return "" if _any(body, _VERTEBRAE) else "no vertebra is labelled: the space between the lungs has no back"


def _has_heart(body: Body) -> bool:
    """Whether there is more of it than its appendage, which alone does not say where front and back are."""
    return _any(body, (name for name in HEART if name != "atrial_appendage_left"))


def _any(body: Body, names: Iterable[str]) -> bool:
    return any(body.has(name) for name in names)


# --- the space ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Space:
    """The box in which everything happens, and what each voxel of it is (see the kernels)."""

    box: Box
    kind: NDArray[np.uint8]
    right: Bools
    """Patches of ``_BLOCK`` × ``_BLOCK`` voxels of the slices in which the right lung is more than a stray piece."""
    left: Bools

    @property
    def start_zyx(self) -> Index:
        z, y, x = (part.start for part in self.box)
        return z, y, x

    def plane(self, body: Body, plane: Plane) -> Floats:
        """Height above a plane in mm as what a voxel of the box counts by z, y, x, and a constant."""
        x, y, z = plane.normal @ body.affine[:3, :3]
        return np.array([z, y, x, plane.normal @ (body.mm(np.array(self.start_zyx)) - plane.point_mm)])


def _space(body: Body, given: Mapping[str, Region]) -> _Space:
    bounding = (name for kind in range(kernels.RIGHT, kernels.SPINE) for name in _NAMED[kind])
    boxes = [body.boxes[name] for name in bounding if name in body.boxes]
    box = tuple(slice(min(b[a].start for b in boxes), max(b[a].stop for b in boxes)) for a in range(3))
    kind_of = np.full(256, kernels.BARRED, np.uint8)
    for number, names in _NAMED.items():
        kind_of[[body.numbers[name] for name in names if name in body.numbers]] = number
    kind_of[0] = kernels.SOFT
    kind, right, left = kernels.kinds(body.values[box], kind_of, _BLOCK)
    made = _Space(box, kind, _main_piece(right), _main_piece(left))
    for label in _GIVEN.keys() & given.keys():
        part = tuple(slice(p.start - at, p.stop - at) for p, at in zip(given[label].box, made.start_zyx, strict=True))
        kind[part][given[label].mask] = _GIVEN[label]
    kernels.bar_discs(kind, int(_DISC_MM / body.spacing_zyx_mm[0]) + 1)
    return made


def _main_piece(patches: Bools) -> Bools:
    """The largest piece: gas in the colon that is called lung is no border, a gap under the lung no mediastinum."""
    pieces, count = ndimage.label(patches)
    if count < 2:
        return patches
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    largest: Bools = pieces == sizes.argmax()
    return largest


def _between(body: Body, space: _Space) -> Bools:
    level = floor(body, space.box) - space.start_zyx[0]
    top = space.plane(body, thoracic_planes.inlet(body))
    reach = max(1, round(_EDGE_MM / body.spacing_zyx_mm[1]))
    rows = _last_rows(body, space)
    mask = kernels.between(space.kind, space.right, space.left, _BLOCK, reach, rows, level, top)
    _smooth_sides(body, space, mask)
    kernels.drop(space.kind, mask, _main_piece(pooled(mask, _BLOCK)), _BLOCK)
    return mask


def _smooth_sides(body: Body, space: _Space, mask: Bools) -> None:
    """Opening of the side borders along z: drops soft tissue that reaches out of what is above and below it."""
    first, last = kernels.ends(mask)
    size = (2 * round(_LEDGE_MM / 2 / body.spacing_zyx_mm[0]) + 1, 1)
    first = ndimage.grey_closing(first, size, mode="nearest")
    last = ndimage.grey_opening(last, size, mode="nearest")
    kernels.trim(space.kind, mask, first, last)


def _faces(body: Body, space: _Space, mask: Bools) -> tuple[Floats, Floats]:
    """Rows ``(z, x)`` where the middle part begins and ends; without the heart, or any of it, all is middle."""
    z_mm, _, x_mm = body.spacing_zyx_mm
    faces = kernels.faces(space.kind, mask, round(_SIDE_MM / x_mm))
    known = np.flatnonzero(np.isfinite(faces[0][:, 0]))
    if not known.size or not _has_heart(body):
        return np.full_like(faces[0], -np.inf), np.full_like(faces[1], np.inf)
    nearest = known[np.abs(known - np.arange(len(mask))[:, None]).argmin(axis=1)]
    slices = 2 * round(_SMOOTH_MM / z_mm) + 1
    front, rear = (ndimage.median_filter(face[nearest], (slices, 1), mode="nearest") for face in faces)
    sigma = (_SMOOTH_MM / z_mm, _SMOOTH_MM / x_mm)
    front, rear = (ndimage.gaussian_filter(face, sigma, mode="nearest") for face in (front, rear))
    return np.round(front, 6), np.round(rear, 6)  # sums in another order give the same row


def _last_rows(body: Body, space: _Space) -> NDArray[np.int64]:
    """Of each slice, the last row of the box: ``BACK_MM`` behind the front of the vertebrae; -1 far from any."""
    spine = body.joint_region(_VERTEBRAE)
    rows: Bools = np.any(spine.mask, axis=2)
    known = np.flatnonzero(np.any(rows, axis=1))
    z_mm, y_mm, _ = body.spacing_zyx_mm
    front = (rows[known].argmax(axis=1) + spine.start_zyx[1]).astype(np.float64)
    smooth = ndimage.median_filter(front, 2 * int(_SPUR_MM / z_mm) + 1, mode="nearest")
    z = np.arange(len(space.kind)) + space.start_zyx[0] - spine.start_zyx[0]
    last = np.interp(z, known, smooth) + BACK_MM / y_mm - space.start_zyx[1]
    far = np.maximum(known[0] - z, z - known[-1]) * z_mm > _FROM_SPINE_MM
    return np.where(far, -1, np.rint(last)).astype(np.int64)


def _beside(body: Body, space: _Space) -> Bools:
    """Columns ``(z, x)`` further than ``BESIDE_MM`` from the middle of the spine."""
    spine = body.joint_region(_VERTEBRAE)
    columns: Bools = np.any(spine.mask, axis=1)
    known = np.flatnonzero(np.any(columns, axis=1))
    ends = columns[known].argmax(axis=1) + columns.shape[1] - 1 - columns[known, ::-1].argmax(axis=1)
    z_mm, _, x_mm = body.spacing_zyx_mm
    smooth = ndimage.median_filter(ends / 2, 2 * int(_SPUR_MM / z_mm) + 1, mode="nearest")
    z = np.arange(len(space.kind)) + space.start_zyx[0] - spine.start_zyx[0]
    middle = np.interp(z, known, smooth) + spine.start_zyx[2] - space.start_zyx[2]
    away_mm: Floats = np.abs(np.arange(space.kind.shape[2]) - middle[:, None]) * x_mm
    return np.asarray(away_mm > BESIDE_MM)


def _regions(space: _Space, codes: NDArray[np.uint8], named: Mapping[str, tuple[int, int]]) -> dict[str, Region]:
    """Label to the voxels whose code is from the first to the last of its two, of those that have a voxel."""
    boxes = ndimage.find_objects(codes)
    made = {}
    for label, (first, last) in named.items():
        inner = [box for box in boxes[first - 1 : last] if box]
        if inner:
            box = tuple(slice(min(b[a].start for b in inner), max(b[a].stop for b in inner)) for a in range(3))
            z, y, x = (part.start + at for part, at in zip(box, space.start_zyx, strict=True))
            made[label] = Region((z, y, x), (codes[box] >= first) & (codes[box] <= last))
    return made
