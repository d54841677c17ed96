"""Planes across the chest that landmarks of sternum and spine define."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from projection.anatomy import ribs
from projection.anatomy.body import Body, Bools, Floats
from projection.anatomy.structures import LOBES

MANUBRIUM_MM = 50.0
"""From the jugular notch to the sternal angle (Gray's Anatomy: about 5 cm)."""
_TOUCH_MM = 6.0  # between a cartilage's label and the sternum's: two slices of 2.5 mm and partial volume
_BODY_MM = 20.0  # the front of a vertebra belongs to its body, which is 25 to 30 mm deep in an adult


@dataclass(frozen=True)
class Plane:
    """A plane across the chest; it holds the patient's left-right axis."""

    point_mm: Floats
    """LPS."""
    normal: Floats
    """Unit vector, LPS, towards the head."""
    source: str
    """The landmarks that it was placed by, the one in front first."""


@dataclass(frozen=True)
class _Mark:
    point_mm: Floats
    source: str


def division(body: Body) -> Plane | None:
    """The plane between upper and lower mediastinum: through the sternal angle and the disc T4/T5 (Gray's Anatomy).

    The angle is where the 2nd costal cartilages meet the sternum; else, where the sternum is nearest to the front ends
    of the 2nd ribs; else 5 cm below its upper end. The disc is half way between the middles of the two bodies; else
    the end of the one of them that is there. With one landmark alone the plane is axial, with none there is none.
    """
    return _across(_sternal_angle(body), _disc(body))


def inlet(body: Body) -> Plane:
    """The thoracic inlet: from the upper end of the sternum to the upper front edge of the body of T1.

    With one of them alone the plane is axial; with none it lies at the top of what is labelled, or of the lungs.
    """
    found = _across(_notch(body), _first_vertebra(body))
    if found is not None:
        return found
    boxes = [body.boxes[lobe] for lobes in LOBES.values() for lobe in lobes if lobe in body.boxes] or [
        *body.boxes.values()
    ]
    top = max((box[0].stop for box in boxes), default=0) - 0.5
    middle = np.array(body.values.shape[1:]) / 2
    return Plane(body.mm(np.array([top, *middle])), np.array([0.0, 0.0, 1.0]), "top of the lungs")


def _across(front: _Mark | None, back: _Mark | None) -> Plane | None:
    """The plane through both and the left-right axis; through one of them, or if they do not lie so, axial."""
    if front and back and back.point_mm[1] > front.point_mm[1]:
        _, dy, dz = back.point_mm - front.point_mm
        normal = np.array([0.0, -dz, dy]) / np.hypot(dy, dz)
        return Plane(front.point_mm, normal, f"{front.source}; {back.source}")
    one = front or back
    return None if one is None else Plane(one.point_mm, np.array([0.0, 0.0, 1.0]), one.source)


# --- in front -------------------------------------------------------------------------------------------------


def _sternal_angle(body: Body) -> _Mark | None:
    if not body.has("sternum"):
        return None
    touching = _second_cartilage_mm(body)
    if touching:
        return _Mark(np.mean(touching, axis=0), "2nd costal cartilage at the sternum")
    sternum_mm = body.mm(body.region("sternum").voxels())
    ends = [ribs.front_end_mm(body, ribs.structure(side, 2)) for side in LOBES]
    found = np.array([end for end in ends if end is not None])
    if found.size:
        nearest = sternum_mm[KDTree(sternum_mm).query(found)[1]]
        return _Mark(nearest.mean(axis=0), "sternum nearest to the 2nd ribs")
    notch = _notch(body)
    if notch is None:
        return None
    near = np.abs(sternum_mm[:, 2] - notch.point_mm[2] + MANUBRIUM_MM) <= body.spacing_zyx_mm[0]
    return _Mark(sternum_mm[near].mean(axis=0), "5 cm below the jugular notch") if near.any() else None


def _second_cartilage_mm(body: Body) -> list[Floats]:
    """By side, the middle of the cartilage at the sternum that is nearer to the 2nd rib than to its neighbours."""
    ends = {
        (side, number): ribs.front_end_mm(body, ribs.structure(side, number)) for side in LOBES for number in (1, 2, 3)
    }
    named = {key: end for key, end in ends.items() if end is not None}
    touching = _cartilage_at_sternum_mm(body)
    if not named or not len(touching):
        return []
    nearest = KDTree(np.array(list(named.values()))).query(touching)[1]
    of_second = [nearest == at for at, (_, number) in enumerate(named) if number == 2]
    return [touching[chosen].mean(axis=0) for chosen in of_second if chosen.any()]


def _cartilage_at_sternum_mm(body: Body) -> Floats:
    """Costal cartilage within ``_TOUCH_MM`` of the sternum along every axis, ``(n, 3)`` LPS mm."""
    if not body.has("costal_cartilages"):
        return np.zeros((0, 3))
    reach = [int(np.ceil(_TOUCH_MM / mm)) for mm in body.spacing_zyx_mm]
    box = tuple(
        slice(max(0, part.start - by), min(size, part.stop + by))
        for part, by, size in zip(body.boxes["sternum"], reach, body.values.shape, strict=True)
    )
    values = body.values[box]
    near: Bools = values == body.numbers["sternum"]
    for axis, by in enumerate(reach):
        near = ndimage.maximum_filter1d(near, 2 * by + 1, axis, mode="constant")
    voxels = np.argwhere(near & (values == body.numbers["costal_cartilages"]))
    return body.mm(voxels + np.array([part.start for part in box]))


def _notch(body: Body) -> _Mark | None:
    """Upper end of the sternum, unless the scan ends there."""
    if not body.has("sternum") or body.boxes["sternum"][0].stop == len(body.values):
        return None
    return _Mark(_top_mm(body, body.mm(body.region("sternum").voxels())), "jugular notch")


# --- behind ---------------------------------------------------------------------------------------------------


def _first_vertebra(body: Body) -> _Mark | None:
    if not body.has("vertebrae_T1"):
        return None
    return _Mark(_top_mm(body, _body_mm(body, "vertebrae_T1")), "upper end of T1")


def _disc(body: Body) -> _Mark | None:
    upper, lower = (_body_mm(body, name) if body.has(name) else None for name in ("vertebrae_T4", "vertebrae_T5"))
    if upper is not None and lower is not None:
        return _Mark((upper.mean(axis=0) + lower.mean(axis=0)) / 2, "disc T4/T5")
    if upper is not None:
        return _Mark(np.array([*upper.mean(axis=0)[:2], upper[:, 2].min()]), "lower end of T4")
    if lower is not None:
        return _Mark(np.array([*lower.mean(axis=0)[:2], lower[:, 2].max()]), "upper end of T5")
    return None


def _body_mm(body: Body, name: str) -> Floats:
    """Voxels of a vertebra's body: its front."""
    points_mm = body.mm(body.region(name).voxels())
    front: Floats = points_mm[points_mm[:, 1] <= points_mm[:, 1].min() + _BODY_MM]
    return front


def _top_mm(body: Body, points_mm: NDArray[np.float64]) -> Floats:
    """Middle of the uppermost slice or two."""
    top: Floats = points_mm[points_mm[:, 2] >= points_mm[:, 2].max() - body.spacing_zyx_mm[0]].mean(axis=0)
    return top
