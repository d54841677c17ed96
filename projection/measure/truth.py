"""What the CT itself gives beside each measurement on a film: widths, diameters and angles in 3-D, in true mm.

Axes are the patient's: x to the left, y to the back, z to the head (LPS). A film magnifies and shows one direction; its
ratio or angle stands beside the value here, under the same name. Definitions and sources: ``measurements.tsv``;
diameters of the aorta are taken across its centre line (2010 ACCF/AHA guideline on thoracic aortic disease, section 4).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from curation.errors import InputError
from projection.anatomy import airways, aorta, diaphragm, ribs, spine
from projection.anatomy.body import Body, Floats, Region
from projection.anatomy.structures import LOBES
from projection.measure.chest import HILUM_MM, LEVELS
from projection.measure.readings import Quantity
from projection.measure.silhouettes import opened

_SIDES = ("right", "left")  # as a film shows them, from image left on
HEART = ("heart", "atrial_appendage_left")
AORTA = (aorta.ASCENDING, aorta.ARCH, aorta.DESCENDING)
END_MM = 2.0
"""The end of a clavicle is the mean of what lies this near to its last voxel: steadier than the voxel."""
Parts = Mapping[str, Region]
Points = Mapping[str, Floats]


@dataclass(frozen=True)
class TrueValue:
    """The 3-D value beside a measurement, or the reason why the CT gives none."""

    measure: str
    value: float | None
    unit: str
    parts: tuple[Quantity, ...]
    reason: str


@dataclass(frozen=True)
class _Found:
    value: float
    parts: tuple[Quantity, ...] = ()


def measure(body: Body, parts: Parts) -> list[TrueValue]:
    """One value for each of the twelve, in the order of the table, and the lung volume.

    ``parts`` are the derived parts by label, on the body's grid. A reason stands instead of a value where a structure
    is missing.
    """
    domes = diaphragm.domes(body)
    line = aorta.centre_line(body, {label: parts[label] for label in AORTA if label in parts})
    taken: tuple[tuple[str, str, Callable[[], _Found]], ...] = (
        ("rotation", "1", partial(_rotation, body)),
        ("projection", "1", _no_counterpart),
        ("cardiomegaly", "1", partial(_cardiothoracic, body)),
        ("mediastinal_widening", "1", partial(_mediastinal, body, parts)),
        ("carina_angle", "deg", partial(_carina_angle, body)),
        ("aortic_knob_enlargement", "mm", partial(_diameter, _stretch(line, aorta.ARCH))),
        ("descending_aorta_enlargement", "mm", partial(_descending, line, domes, _diameter)),
        ("descending_aorta_tortuous", "1", partial(_descending, line, domes, _tortuosity)),
        ("inclusion", "{count}", partial(_inclusion, body)),
        ("inspiration", "{count}", partial(_inspiration, body, domes)),
        ("trachea_deviation", "mm", partial(_trachea_offset, body)),
        ("ascending_aorta_enlargement", "mm", partial(_diameter, _stretch(line, aorta.ASCENDING))),
        ("lung_volume", "mL", partial(_lung_volume, body)),
    )
    return [_value(name, unit, take) for name, unit, take in taken]


def _value(name: str, unit: str, take: Callable[[], _Found]) -> TrueValue:
    try:
        found = take()
    except InputError as error:
        return TrueValue(name, None, unit, (), str(error))
    return TrueValue(name, round(found.value, 4), unit, found.parts, "")


def _no_counterpart() -> _Found:
    raise InputError("how the scapulae lie over the lungs is a property of the film: it has no 3-D counterpart")


def _mm(name: str, value: float) -> Quantity:
    return Quantity(name, round(float(value), 2), "mm")


def _needs(body: Body, *names: str) -> None:
    absent = [name for name in names if not body.has(name)]
    if absent:
        raise InputError(f"the CT has no {' and no '.join(absent)}")


def _whole(body: Body, axis: int, *names: str) -> None:
    """Raises InputError if one of these structures reaches an end of the CT along an axis of (z, y, x)."""
    for name in names:
        if (
            body.has(name)
            and not 0 < body.boxes[name][axis].start < body.boxes[name][axis].stop < body.values.shape[axis]
        ):
            raise InputError(f"{name} is cut by the edge of the CT")


def _mid_plane(body: Body) -> tuple[float, float]:
    """The sagittal mid plane as x = slope * z + offset in mm, through the spinous processes of T1 to T7."""
    x, _, z = spine.tips_mm(body).T
    if len(z) < 3:
        raise InputError("the CT has fewer than three of the vertebrae T1 to T7")
    slope = float(((z - z.mean()) * (x - x.mean())).sum() / ((z - z.mean()) ** 2).sum())
    return slope, float(x.mean() - slope * z.mean())


def _rotation(body: Body) -> _Found:
    _needs(body, "clavicula_right", "clavicula_left")
    slope, offset = _mid_plane(body)
    away_mm = []
    for side, way in (("right", 1), ("left", -1)):
        points = body.mm(body.region(f"clavicula_{side}").voxels())
        inward = way * points[:, 0]
        x, _, z = points[inward > inward.max() - END_MM].mean(axis=0)
        away_mm.append(way * float(slope * z + offset - x))
    if max(away_mm) <= 0:
        raise InputError("both clavicles end beyond the mid plane")
    parts = (
        _mm("right clavicle to mid plane", away_mm[0]),
        _mm("left clavicle to mid plane", away_mm[1]),
    )
    return _Found(max(min(away_mm), 0.0) / max(away_mm), parts)


def _spans_mm(body: Body, region: Region) -> tuple[Floats, Floats]:
    """Right and left end of a region in each of its slices, mm along x from the grid's edge; the right is the lower."""
    across = np.asarray(region.mask.any(axis=1))
    first = np.where(across.any(axis=1), across.argmax(axis=1), across.shape[1])
    last = np.where(across.any(axis=1), across.shape[1] - across[:, ::-1].argmax(axis=1), -1)
    spacing_mm = body.spacing_zyx_mm[2]
    return (first + region.start_zyx[2]) * spacing_mm, (last + region.start_zyx[2]) * spacing_mm


def _thorax_mm(body: Body) -> tuple[int, Floats]:
    """The first slice that has both lungs, and from each such slice the width from outer border to outer border."""
    for lobes in LOBES.values():
        if not any(body.has(lobe) for lobe in lobes):
            raise InputError("the CT has not both lungs")
    right, left = (body.region(*LOBES[side]) for side in _SIDES)
    _whole(body, 2, *LOBES["right"], *LOBES["left"])
    first = max(right.start_zyx[0], left.start_zyx[0])
    stop = min(region.start_zyx[0] + region.mask.shape[0] for region in (right, left))
    outer = (
        _spans_mm(body, right)[0][first - right.start_zyx[0] : stop - right.start_zyx[0]],
        _spans_mm(body, left)[1][first - left.start_zyx[0] : stop - left.start_zyx[0]],
    )
    if stop <= first:
        raise InputError("the lungs do not share a level")
    return first, outer[1] - outer[0]


def _cardiothoracic(body: Body) -> _Found:
    _needs(body, "heart")
    _whole(body, 0, *HEART)
    thorax_mm = _thorax_mm(body)[1]
    shadow = np.asarray(body.region(*HEART).mask.any(axis=1))
    spacing_z_mm, _, spacing_x_mm = body.spacing_zyx_mm
    kept = opened(shadow, HILUM_MM, (spacing_z_mm, spacing_x_mm))  # no stubs of hilar vessels, as on the film
    columns = np.flatnonzero(kept.any(axis=0))
    heart_mm = float(columns[-1] - columns[0] + 1) * spacing_x_mm
    parts = (_mm("heart width", heart_mm), _mm("thorax width", thorax_mm.max()))
    return _Found(heart_mm / float(thorax_mm.max()), parts)


def _mediastinal(body: Body, parts: Parts) -> _Found:
    label, arch_label = "upper mediastinum", aorta.ARCH
    absent = [name for name in (label, arch_label) if name not in parts]
    if absent:
        raise InputError(f"the CT gives no {' and no '.join(absent)}")
    first, thorax_mm = _thorax_mm(body)
    region, arch = parts[label], parts[arch_label]
    low, high = _spans_mm(body, region)
    slices = np.arange(len(low)) + region.start_zyx[0]
    level = (slices >= arch.start_zyx[0]) & (slices < arch.start_zyx[0] + arch.mask.shape[0])
    level &= (slices >= first) & (slices < first + len(thorax_mm)) & (high > low)
    if not level.any():
        raise InputError("upper mediastinum, arch and lungs do not share a level")
    widths_mm = np.where(level, high - low, 0)
    at = int(widths_mm.argmax())
    chest_mm = float(thorax_mm[slices[at] - first])
    quantities = (_mm("mediastinal width", widths_mm[at]), _mm("thorax width", chest_mm))
    return _Found(float(widths_mm[at]) / chest_mm, quantities)


def _inclusion(body: Body) -> _Found:
    """How many of apex, side and base of each lung end before the edge of the CT does."""
    ends = {}
    for side in _SIDES:
        if not any(body.has(lobe) for lobe in LOBES[side]):
            raise InputError("the CT has not both lungs")
        z, _, x = body.region(*LOBES[side]).box
        ends[f"{side} apex"] = z.stop < body.values.shape[0]
        ends[f"{side} side"] = x.start > 0 if side == "right" else x.stop < body.values.shape[2]
        ends[f"{side} base"] = z.start > 0
    parts = tuple(Quantity(name, float(seen), "1") for name, seen in ends.items())
    return _Found(float(sum(ends.values())), parts)


def _inspiration(body: Body, domes: Points) -> _Found:
    """Number of the lowest right rib that crosses the mid-clavicular plane, on its way out, above the dome."""
    _needs(body, "clavicula_right")
    if "right" not in domes:
        raise InputError("the CT has no right dome")
    x = body.boxes["clavicula_right"][2]
    middle_mm = float(body.mm(np.array([0, 0, (x.start + x.stop - 1) / 2]))[0])
    top_mm = float(domes["right"][2])
    above = [
        number
        for number in range(1, 13)
        if (name := ribs.structure("right", number)) in body.boxes
        and _crossing_mm(ribs.trace(body, name).line_mm, middle_mm) > top_mm
    ]
    if not above:
        raise InputError("no right rib crosses the mid-clavicular plane above the dome")
    return _Found(float(max(above)), (_mm("mid-clavicular plane, x", middle_mm), _mm("top of right dome, z", top_mm)))


def _crossing_mm(line_mm: Floats, middle_mm: float) -> float:
    """z where a right rib first passes the plane outwards; minus infinity where it does not."""
    beyond = np.flatnonzero(line_mm[:, 0] <= middle_mm)
    return float(line_mm[beyond[0], 2]) if beyond.size else -np.inf


def _carina_angle(body: Body) -> _Found:
    found = airways.carina(body)
    if found is None:
        raise InputError("no carina was found in the CT")
    front = Quantity("angle of the centre lines from the front", round(found.front_angle_deg, 2), "deg")
    inner = Quantity("angle of the inner borders from the front", round(found.front_inner_angle_deg, 2), "deg")
    return _Found(found.angle_deg, (front, inner))


def _trachea_offset(body: Body) -> _Found:
    """Mean distance to the left of the mid plane at nine levels, without the upper quarter."""
    slope, offset = _mid_plane(body)
    points = airways.centre_line(body)
    if len(points) < 2:
        raise InputError("the CT gives no centre line of the trachea")
    points = points[np.argsort(points[:, 2], kind="stable")]
    low, high = points[0, 2] + airways.BIFURCATION_MM, points[-1, 2] - (points[-1, 2] - points[0, 2]) / 4
    if high <= low:
        raise InputError("the trachea is in the CT for too short a way")
    levels = np.linspace(low, high, LEVELS)
    x = np.interp(levels, points[:, 2], points[:, 0])
    return _Found(float((x - slope * levels - offset).mean()))


def _stretch(line: aorta.CentreLine, label: str) -> tuple[Floats, Floats]:
    """Points and radii of one part of the aorta."""
    chosen = np.array([part == label for part in line.parts], bool)
    return line.points_mm[chosen], line.radii_mm[chosen]


def _diameter(stretch: tuple[Floats, Floats]) -> _Found:
    radii_mm = stretch[1]
    if radii_mm.size == 0:
        raise InputError("the CT does not give this part of the aorta")
    parts = (_mm("median diameter", 2 * float(np.median(radii_mm))),)
    return _Found(2 * float(radii_mm.max()), parts)


def _descending(line: aorta.CentreLine, domes: Points, take: Callable[[tuple[Floats, Floats]], _Found]) -> _Found:
    """Of the descending aorta what lies above the top of the left dome."""
    if "left" not in domes:
        raise InputError("the CT has no left dome: where the thoracic aorta ends is not known")
    points, radii = _stretch(line, aorta.DESCENDING)
    thoracic = points[:, 2] > domes["left"][2]
    return take((points[thoracic], radii[thoracic]))


def _tortuosity(stretch: tuple[Floats, Floats]) -> _Found:
    """Length over chord."""
    points = stretch[0]
    if len(points) < 3:
        raise InputError("the CT does not give this part of the aorta")
    length_mm = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    chord_mm = float(np.linalg.norm(points[-1] - points[0]))
    return _Found(length_mm / chord_mm, (_mm("length", length_mm), _mm("chord", chord_mm)))


def _lung_volume(body: Body) -> _Found:
    for axis in range(3):
        _whole(body, axis, *LOBES["right"], *LOBES["left"])
    voxel_ml = float(np.prod(body.spacing_zyx_mm)) / 1000
    volumes = {side: body.region(*LOBES[side]).mask.sum() * voxel_ml for side in _SIDES}
    if not any(volumes.values()):
        raise InputError("the CT has no lung")
    parts = tuple(Quantity(f"{side} lung", round(float(volume), 1), "mL") for side, volume in volumes.items())
    return _Found(float(sum(volumes.values())), parts)
