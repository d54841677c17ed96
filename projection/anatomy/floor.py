"""The floor of the mediastinum: the diaphragm between the bases of the lungs.

Nothing labelled shows it there. It is held where the bases of the lungs, the underside of the heart, and the openings
for oesophagus and aorta at T10 and T12 (Gray's Anatomy, "Diaphragm") are known, and hangs between them as a membrane.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from projection.anatomy import diaphragm
from projection.anatomy.body import Body, Bools, Floats, Region

HEART = (
    "heart",
    "atrial_appendage_left",
    "heart_myocardium",
    *(f"heart_{room}_{side}" for room in ("atrium", "ventricle") for side in ("left", "right")),
)
"""The structures that are the heart, in TotalSegmentator's tasks ``total`` and ``heartchambers_highres``."""
_RIM_MM = 12.0  # a wall of the heart and its fat: further in, the underside is flat
_CELL_MM = 8.0  # of the map: the thickness of the sheet that the diaphragm is drawn with
_EVEN_MM = 3.0  # sigma: evens the walls of the openings, less than a cell
_ROUNDS = 300  # of relaxation: a gap of 20 cells between the lungs settles to a tenth of a slice
_OPENINGS = (("vertebrae_T12", "aorta"), ("vertebrae_T10", "esophagus"))
_COURSE_MM = 60.0  # from an opening up, an organ runs steeply: its columns hold no other part of the chest's floor
_BOWL_MM, _RISE_MM = 60.0, 30.0  # the crura close in a bowl as wide as the spine, and as high as a vertebra with a disc
Box = tuple[slice, ...]


def floor(body: Body, box: Box) -> Floats:
    """Of each column ``(y, x)`` of a box of the body, the first slice above the diaphragm, as a position in the body.

    0 everywhere if nothing that holds it is in the scan: then the scan ends above the diaphragm.
    """
    openings = [_opening(body, bone, organ, box) for bone, organ in _OPENINGS]
    bases = [_base(body, base, box) for base in diaphragm.bases(body).values()]
    held = [*bases, _heart(body, box), *openings]
    steps = [max(1, round(_CELL_MM / mm)) for mm in body.spacing_zyx_mm[1:]]
    shape = held[0].shape
    cells = np.full([-(-size // step) for size, step in zip(shape, steps, strict=True)], np.nan)
    for columns in held:
        cells = np.where(np.isfinite(cells), cells, _cells(columns, steps))
    if not np.isfinite(cells).any():
        return np.zeros(shape)
    level = _stretched(_relaxed(cells), steps, shape)
    for columns in openings:
        level = np.fmin(level, columns)
    level = ndimage.gaussian_filter(level, [_EVEN_MM / mm for mm in body.spacing_zyx_mm[1:]], mode="nearest")
    for columns in (_hiatus(body, box), *bases):
        level = np.fmax(level, columns)
    even: Floats = np.round(level, 6)  # sums in another order give the same slice
    return even


# --- what holds it: columns of the box, NaN where nothing is known ----------------------------------------------


def _columns(region: Region, values: Floats, box: Box) -> Floats:
    """A map over the columns of a region as one over the columns of the box."""
    (y, x), size = (part.start for part in box[1:]), [part.stop - part.start for part in box[1:]]
    columns = np.full(size, np.nan)
    of_box, of_region = [], []
    for at, start, n, m in zip(region.start_zyx[1:], (y, x), values.shape, size, strict=True):
        low, high = max(0, at - start), max(0, min(m, at - start + n))
        of_box.append(slice(low, high))
        of_region.append(slice(low - at + start, max(low, high) - at + start))
    columns[tuple(of_box)] = values[tuple(of_region)]
    return columns


def _base(body: Body, base: diaphragm.Base, box: Box) -> Floats:
    """The base, or the lowest lung where that is higher: what lies below lung is not between the lungs."""
    height = np.maximum(base.height_mm / body.spacing_zyx_mm[0], diaphragm.top_z(base, body.spacing_zyx_mm[0]))
    level = np.where(base.mask, height, np.nan)
    return _columns(Region((0, *base.start_yx), base.lung.mask), level, box)


def _heart(body: Body, box: Box) -> Floats:
    """The lowest heart of each column away from the outline, where its sides rise from the diaphragm."""
    heart = body.region(*HEART)
    seen = heart.mask.any(axis=0) if heart.mask.size else np.zeros((0, 0), bool)
    depth_mm = ndimage.distance_transform_edt(np.pad(seen, 1), body.spacing_zyx_mm[1:])[1:-1, 1:-1]
    lowest = heart.mask.argmax(axis=0) if heart.mask.size else np.zeros((0, 0))
    return _columns(heart, np.where(depth_mm > _RIM_MM, lowest + heart.start_zyx[0], np.nan), box)


def _opening(body: Body, bone: str, organ: str, box: Box) -> Floats:
    """The middle of a vertebra in the columns where an organ runs down to it."""
    run, level = _run(body, bone, organ)
    return _columns(run, np.where(run.mask.any(axis=0), level, np.nan), box)


def _hiatus(body: Body, box: Box) -> Floats:
    """The lowest that the floor can be: a bowl round the middle of the aorta's opening; NaN if that is not there."""
    run, level = _run(body, *_OPENINGS[0])
    size = [part.stop - part.start for part in box[1:]]
    if not run.mask.any():
        return np.full(size, np.nan)
    z_mm, y_mm, x_mm = body.spacing_zyx_mm
    middle_y, middle_x = run.voxels()[:, 1:].mean(axis=0) - [part.start for part in box[1:]]
    y, x = np.indices(size, sparse=True)
    rise_mm = (((y - middle_y) * y_mm) ** 2 + ((x - middle_x) * x_mm) ** 2) / _BOWL_MM
    bowl: Floats = level + np.minimum(rise_mm, _RISE_MM) / z_mm
    return bowl


def _run(body: Body, bone: str, organ: str) -> tuple[Region, float]:
    """The last ``_COURSE_MM`` of an organ above the middle of a vertebra's body, and that level."""
    if not body.has(bone, organ) or body.boxes[bone][0].start == 0:
        return Region((0, 0, 0), np.zeros((0, 0, 0), bool)), 0.0
    voxels = body.region(bone).voxels()
    front = voxels[voxels[:, 1] <= voxels[:, 1].min() + 10.0 / body.spacing_zyx_mm[1], 0]
    level = (float(front.min()) + float(front.max())) / 2
    whole = body.region(organ)
    first = max(0, int(np.ceil(level)) - whole.start_zyx[0])
    last = max(first, int(level + _COURSE_MM / body.spacing_zyx_mm[0]) - whole.start_zyx[0])
    return Region(whole.start_zyx, whole.mask[first:last]), level


# --- the membrane ---------------------------------------------------------------------------------------------


def _cells(columns: Floats, steps: Sequence[int]) -> Floats:
    """Mean of the known columns in each cell; NaN where none is known."""
    (n_y, n_x), (y, x) = columns.shape, steps
    padded = np.pad(columns, ((0, -n_y % y), (0, -n_x % x)), constant_values=np.nan)
    blocks = padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x)
    known: Bools = np.isfinite(blocks)
    counts = known.sum(axis=(1, 3))
    sums = np.where(known, blocks, 0.0).sum(axis=(1, 3))
    means: Floats = np.where(counts, sums / np.maximum(counts, 1), np.nan)
    return means


def _relaxed(level: Floats) -> Floats:
    """Unknown cells at the mean of their neighbours, by Jacobi's iteration; the border is free."""
    known = np.isfinite(level)
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    now: Floats = level[tuple(nearest)]
    for _ in range(_ROUNDS):
        wide = np.pad(now, 1, mode="edge")
        mean = ((wide[1:-1, :-2] + wide[1:-1, 2:]) + (wide[:-2, 1:-1] + wide[2:, 1:-1])) / 4
        now = np.where(known, level, mean)
    return now


def _stretched(level: Floats, steps: Sequence[int], shape: Sequence[int]) -> Floats:
    """Cells back to columns, linear between the middles of cells."""
    for axis, (step, size) in enumerate(zip(steps, shape, strict=True)):
        last = level.shape[axis] - 1
        at = np.clip((np.arange(size) + 0.5) / step - 0.5, 0, last)
        below = np.minimum(at.astype(np.int64), max(last - 1, 0))
        share = np.expand_dims(at - below, 1 - axis)
        level = level.take(below, axis) * (1 - share) + level.take(np.minimum(below + 1, last), axis) * share
    return level
