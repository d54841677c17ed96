"""The diaphragm as the lungs show it: hemidiaphragms, domes, what lies under them, and the costophrenic angles.

A lung stands on its base, which its inferior border divides from the costal and the mediastinal surface (Gray's
Anatomy, "Lungs: borders"). Seen from below, as the height of the lowest lung in each column, that border is the valley
around the dome: what rises outwards beyond it is costal or mediastinal surface. The organs below are not needed; lung
over the heart is left out if the heart is labelled. Where a lung rests on fluid, its base is the fluid's surface.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy.body import Body, Bools, Floats, Region
from projection.kernels import diaphragm as kernels

LOBES: Mapping[str, tuple[str, ...]] = {
    "left": ("lung_upper_lobe_left", "lung_lower_lobe_left"),
    "right": ("lung_upper_lobe_right", "lung_middle_lobe_right", "lung_lower_lobe_right"),
}
SHEET_MM = 8.0
"""Muscle, peritoneum and pleura are 3 to 5 mm thick; twice that stays closed in slices of 5 mm and on a steep dome."""
ANGLE_MM = 20.0
"""Reach of a costophrenic angle from the inferior border. The lateral one (frontal view) and the posterior one (lateral
view) are where small effusions show (Collins et al., Radiology 1972); how far they reach is our choice."""
_TURN = ((-20.0, 20.0, 70.0, 100.0), (0.0, 1.0, 1.0, 0.0))
"""Direction from the middle of the base, in degrees from straight lateral to the back, and the share of the reach."""
SMOOTH_MM = 3.0
"""Sigma of the surface: evens the stairs of slices 1 to 5 mm thick."""
_BLOCK = 4  # voxels pooled when pieces of a lung are told apart: 3 mm at 0.7 mm
_SMALLEST_CM2 = 10.0  # of a base; an adult's is near 100 to 200 cm², a sliver says nothing about the diaphragm
_EDGE_MM, _OVERHANG_SLOPE = 30.0, 0.8  # a lung that rises so outwards, so near its edge, lies on wall or mediastinum
_TONGUE_MM = 10.0  # half the width of the tongues of lung in front of heart and sternum, which lie on no dome
_SPIKE_MM = 7.5  # half the width of what is no dome but a spike, as over gas in the colon
_BONES = (
    *(f"rib_{side}_{number}" for side in LOBES for number in range(1, 13)),
    *(f"vertebrae_{name}" for name in (*(f"T{n}" for n in range(1, 13)), "L1", "L2", "L3", "L4", "L5")),
    "sternum",
)
_BACK = ("autochthon_left", "autochthon_right")


@dataclass(frozen=True)
class Base:
    """The base of one lung as a map over the body's columns."""

    side: str
    start_yx: tuple[int, int]
    height_mm: Floats
    """``(y, x)`` smoothed height of the base above the centre of the body's first slice, along z; 0 outside."""
    lowest_z: NDArray[np.int32]
    """``(y, x)`` slice of the lowest lung in each column of the lung; -1 where it has none."""
    mask: Bools
    """``(y, x)`` the columns of the base."""
    lung: Region
    """The whole lung, all its pieces."""


def parts(body: Body) -> dict[str, Region]:
    """The parts that can be cut, in the body's grid; a lung without a base (see ``missing``) gives none.

    * ``left hemidiaphragm``, ``right hemidiaphragm``: up to ``SHEET_MM`` below the base of the lung, without
      lung, heart and bone.
    * ``subdiaphragmatic region left`` and ``right``: below that sheet, down to the lowest level of the same lung.
    * ``costophrenic angle left`` and ``right``: lung within ``ANGLE_MM`` of its inferior border, from straight lateral
      round to the back; on either end the reach falls off to nothing.
    """
    found: dict[str, Region] = {}
    for base in bases(body).values():
        sheet, below = _sheet_and_below(body, base)
        angle = _angle(body, base)
        named = {
            f"{base.side} hemidiaphragm": sheet,
            f"subdiaphragmatic region {base.side}": below,
            f"costophrenic angle {base.side}": angle,
        }
        found |= {name: region for name, region in named.items() if region.mask.size}
    return found


def domes(body: Body) -> dict[str, Floats]:
    """Top of each dome, ``"left"`` and ``"right"``: the highest point of the base, LPS mm."""
    return {side: _top(body, base) for side, base in bases(body).items()}


def missing(body: Body) -> dict[str, str]:
    """Side to the reason why it has no base."""
    found = bases(body)
    return {side: _reason(body, side) for side in LOBES if side not in found}


def bases(body: Body) -> dict[str, Base]:
    """The base of each lung that has one in the scan, by side."""
    found = {side: _base(body, side) for side in LOBES}
    return {side: base for side, base in found.items() if base is not None}


def _reason(body: Body, side: str) -> str:
    if not any(body.has(lobe) for lobe in LOBES[side]):
        return f"no lobe of the {side} lung is labelled"
    return f"the scan does not show the base of the {side} lung"


# --- the base -------------------------------------------------------------------------------------------------


def _base(body: Body, side: str) -> Base | None:
    lung = body.region(*LOBES[side])
    if not lung.mask.size:
        return None
    dz_mm, dy_mm, dx_mm = body.spacing_zyx_mm
    low = kernels.lowest(np.ascontiguousarray(lung.mask), _main_piece(lung.mask), _BLOCK)
    lowest_z = np.where(low >= 0, low + lung.start_zyx[0], -1).astype(np.int32)
    seen = lowest_z > 0  # lung in the first slice goes on below the scan
    free = seen & ~_over_heart(body, lung, lowest_z)
    sigma = (SMOOTH_MM / dy_mm, SMOOTH_MM / dx_mm)
    height_mm = _smoothed(_without_spikes(lowest_z, free, (dy_mm, dx_mm)) * dz_mm, free, sigma)
    mask = _dome(height_mm, free, (dy_mm, dx_mm))
    if mask.sum() * dy_mm * dx_mm < _SMALLEST_CM2 * 100:
        return None
    return Base(side, (lung.start_zyx[1], lung.start_zyx[2]), height_mm, lowest_z, mask, lung)


def _main_piece(mask: Bools) -> Bools:
    """The patches (see ``kernels.pooled``) of the largest piece: gas in the colon is sometimes called lung."""
    pooled = kernels.pooled(np.ascontiguousarray(mask), _BLOCK)
    pieces, count = ndimage.label(pooled)
    if count < 2:
        return pooled
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    largest: Bools = pieces == sizes.argmax()
    return largest


def _over_heart(body: Body, lung: Region, lowest_z: NDArray[np.int32]) -> Bools:
    """Columns whose lung lies on the heart."""
    over = np.zeros(lowest_z.shape, bool)
    heart = body.region("heart", "atrial_appendage_left")
    if not heart.mask.size:
        return over
    box = tuple(
        slice(max(a.start, b.start), max(a.start, b.start, min(a.stop, b.stop)))
        for a, b in zip(heart.box[1:], lung.box[1:], strict=True)
    )
    of_heart, of_lung = (
        tuple(slice(part.start - at, part.stop - at) for part, at in zip(box, region.start_zyx[1:], strict=True))
        for region in (heart, lung)
    )
    low = np.where(heart.mask.any(axis=0), heart.mask.argmax(axis=0) + heart.start_zyx[0], np.iinfo(np.int32).max)
    over[of_lung] = low[of_heart] < lowest_z[of_lung]
    return over


def _without_spikes(values: NDArray[np.int32], known: Bools, spacing_yx_mm: tuple[float, float]) -> Floats:
    """Opening over the columns, which leaves slopes and wide domes; what is not known is as the nearest that is."""
    if not known.any():
        return values.astype(np.float64)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    size = [2 * round(_SPIKE_MM / mm) + 1 for mm in spacing_yx_mm]
    opened: Floats = ndimage.grey_opening(values[tuple(nearest)], size, mode="nearest").astype(np.float64)
    return opened


def _smoothed(values: NDArray[np.float64], known: Bools, sigma: tuple[float, float]) -> Floats:
    """Gaussian mean of the known values; 0 where nothing is known."""
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma, truncate=2.5)
    total = ndimage.gaussian_filter(np.where(known, values, 0.0), sigma, truncate=2.5)
    return np.where(known, total / np.maximum(weight, 1e-9), 0.0)


def _dome(height_mm: Floats, free: Bools, spacing_yx_mm: tuple[float, float]) -> Bools:
    """The columns of ``free`` on the inner side of the inferior border: what does not rise towards the edge."""
    if not free.any():
        return free
    edge_mm = ndimage.distance_transform_edt(np.pad(free, 1), spacing_yx_mm)[1:-1, 1:-1]
    near = ndimage.distance_transform_edt(~free, return_distances=False, return_indices=True)
    inwards = np.gradient(ndimage.gaussian_filter(edge_mm, 3.0), *spacing_yx_mm)
    rise = np.gradient(height_mm[tuple(near)], *spacing_yx_mm)
    outwards = -(inwards[0] * rise[0] + inwards[1] * rise[1])
    inner = free & ~((outwards > _OVERHANG_SLOPE) & (edge_mm <= _EDGE_MM))
    core: Bools = ndimage.distance_transform_edt(np.pad(inner, 1), spacing_yx_mm)[1:-1, 1:-1] > _TONGUE_MM
    if not core.any():
        return core
    inner &= ndimage.distance_transform_edt(~core, spacing_yx_mm) <= _TONGUE_MM
    pieces, _ = ndimage.label(inner)
    sizes = np.bincount(pieces.reshape(-1))
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes((pieces == sizes.argmax()) & inner) & free)


def _top(body: Body, base: Base) -> Floats:
    height_mm = np.where(base.mask, base.height_mm, -1.0)
    highest = np.argwhere(height_mm == height_mm.max()).mean(axis=0)
    voxel = (height_mm.max() / body.spacing_zyx_mm[0], highest[0] + base.start_yx[0], highest[1] + base.start_yx[1])
    return body.mm(np.array(voxel))


# --- the parts ------------------------------------------------------------------------------------------------


def _sheet_and_below(body: Body, base: Base) -> tuple[Region, Region]:
    dz_mm, dy_mm, dx_mm = body.spacing_zyx_mm
    thick_mm = max(SHEET_MM, dz_mm)
    lower_mm = kernels.under(base.height_mm, base.mask, dy_mm, dx_mm, thick_mm)
    columns = base.mask
    last = int(base.lowest_z[columns].max())
    deepest = int(base.lowest_z[columns].min())
    first = max(0, min(deepest, int(np.floor(lower_mm[columns].min() / dz_mm))))
    start = (first, *base.start_yx)
    z = np.arange(first, last)[:, None, None]
    top = top_z(base, dz_mm)
    below_lung = columns & (z < top)
    under_sheet = z * dz_mm < np.minimum(lower_mm, (top - 1) * dz_mm)
    box = tuple(slice(at, at + n) for at, n in zip(start, below_lung.shape, strict=True))
    below_lung &= _soft(body)[body.values[box]]
    whole = Region(start, below_lung)
    return whole.within(below_lung & ~under_sheet), whole.within(below_lung & under_sheet & (z >= deepest))


def top_z(base: Base, dz_mm: float) -> NDArray[np.int32]:
    """The lowest lung of each column, and no higher than a slice or a quarter of a sheet above the surface."""
    highest_z = np.rint(np.round((base.height_mm + max(SHEET_MM / 4, dz_mm)) / dz_mm, 6))
    return np.minimum(base.lowest_z, highest_z.astype(np.int32))


def _soft(body: Body) -> Bools:
    """By value: whether the diaphragm or the abdomen may be there; no lung, heart, bone or muscle of the back."""
    soft = np.ones(256, bool)
    taken = (*LOBES["left"], *LOBES["right"], "heart", "atrial_appendage_left", *_BONES, *_BACK)
    soft[[body.numbers[name] for name in taken if name in body.numbers]] = False
    return soft


def _angle(body: Body, base: Base) -> Region:
    dz_mm, dy_mm, dx_mm = body.spacing_zyx_mm
    rim = np.argwhere(base.mask & ~ndimage.binary_erosion(base.mask))
    back, out = ((rim - np.argwhere(base.mask).mean(axis=0)) * (dy_mm, dx_mm)).T
    turn_deg = np.degrees(np.arctan2(back, out if base.side == "left" else -out))
    reach_mm = ANGLE_MM * np.interp(turn_deg, *_TURN)
    rim, reach_mm = rim[reach_mm > 0], reach_mm[reach_mm > 0]
    points = np.column_stack([top_z(base, dz_mm)[tuple(rim.T)] - base.lung.start_zyx[0], rim]).astype(np.int32)
    top = int(points[:, 0].max() + ANGLE_MM / dz_mm) + 1
    mask = np.ascontiguousarray(base.lung.mask[:top])
    spacing_zyx_mm = np.array(body.spacing_zyx_mm)
    return Region(base.lung.start_zyx, mask).within(kernels.around(mask, points, np.round(reach_mm, 6), spacing_zyx_mm))
