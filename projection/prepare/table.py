"""Table, mattress, blankets, wires and padding become air."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from projection.kernels import table as kernels
from projection.kernels.columns import Triple
from projection.prepare.given import Bools, Hu, Values, check_writable
from projection.threads import planes

AIR_HU = -1000
PADDING_BELOW_HU = -1500
"""Scanners fill what lies outside the field of view with -2000, -2048, -3024 or less; noisy air stays above this."""
SOLID_HU = -500
"""Half air, half water: where the skin is."""
_CELL_MM = 2.8
"""Width of a cell: sheets of 1 mm (blankets, mattress covers) average out of it, skin and table shells do not."""
_CELL_SOLID_HU = -400
_CELL_LIMITS_HU = (AIR_HU, 200, PADDING_BELOW_HU)  # bone, metal and padding count no more than this in a cell's mean
_PLATE_MM = 6.0  # half the thickness of the thickest plate (table shell) that is cut from what it touches
_LIMB_MM = 12.0  # half the thickness that tells an unlabelled arm from a table
_LIMB_ML = 10.0  # of what the plate's erosion leaves of it: a wrist of 5 cm
_FOLD_MM = 11.0  # skin folds reach no further out of the opened body
_FOLD_ML = 8.0  # ... but for ears and noses; table and headrest have more out there


@dataclass(frozen=True)
class Removed:
    """What ``without_table`` set to air."""

    solid_voxels: int
    """Voxels above -500 HU."""
    padding_voxels: int
    front_ml: float
    """Dense matter outside the body, thicker than a sheet, in front of the body's centre."""
    back_ml: float
    """The same behind it: the table of a supine patient."""


def without_table(
    hu: Hu, spacing_zyx_mm: tuple[float, float, float], values: Values | None = None, threads: int = 1
) -> tuple[Hu, Removed]:
    """Set table, mattress, blankets, wires and padding to -1000 HU, in place; returns ``hu`` and what was removed.

    The body is what holds a label, or is as thick as a limb: found on cells of about 3 mm, cut from plates that touch
    it by a morphological opening in the slice (Serra, Image Analysis and Mathematical Morphology, 1982), with the folds
    that the opening lost. Its border is then drawn voxel by voxel at -500 HU; voxels next to it keep their HU. Nothing
    labelled and nothing enclosed (lung, gas) is touched. Without labels a lung that the field of view cuts is lost, and
    a table that touches over a wide area may stay. The same bytes with any number of threads.

    Raises InputError if ``hu`` cannot be written, is not int16 or has another shape than ``values``.
    """
    check_writable(hu, values)
    step = _cell_step(spacing_zyx_mm)
    has_values = values is not None
    labels = np.zeros((1, 1, 1), np.uint8) if values is None else values
    means, flags = _cells(hu, labels, has_values, step, threads)
    cell_mm = [voxels * mm for voxels, mm in zip(step, spacing_zyx_mm, strict=True)]
    solid = (means > _CELL_SOLID_HU) | (flags & kernels.LABELLED > 0)
    body = _body_cells(solid, flags, cell_mm)
    counts = np.zeros((hu.shape[0], 2), np.int64)
    limits = (AIR_HU, SOLID_HU, PADDING_BELOW_HU)
    states = _states(body)
    planes(
        lambda first, last: kernels.trim(hu, labels, has_values, states, step, limits, counts, first, last),
        hu.shape[0],
        threads,
    )
    front_ml, back_ml = _front_and_back_ml(solid & ~body, body, cell_mm)
    solid_voxels, padding_voxels = counts.sum(axis=0).tolist()
    return hu, Removed(solid_voxels, padding_voxels, front_ml, back_ml)


# --- the body in cells ---------------------------------------------------------------------------------------


def _cell_step(spacing_zyx_mm: tuple[float, float, float]) -> Triple:
    z, y, x = (max(1, round(_CELL_MM / mm)) for mm in spacing_zyx_mm)
    return z, y, x


def _cells(hu: Hu, labels: Values, has_values: bool, step: Triple, threads: int) -> tuple[Hu, Values]:
    shape = tuple(-(-size // voxels) for size, voxels in zip(hu.shape, step, strict=True))
    means, flags = np.empty(shape, np.int16), np.zeros(shape, np.uint8)
    planes(
        lambda first, last: kernels.reduce_cells(
            hu, labels, has_values, step, _CELL_LIMITS_HU, means, flags, first, last
        ),
        shape[0],
        threads,
    )
    return means, flags


def _body_cells(solid: Bools, flags: Values, cell_mm: list[float]) -> Bools:
    """The cells of the body, without holes."""
    labelled = flags & kernels.LABELLED > 0
    padded = flags & kernels.PADDED > 0
    if not labelled.any():
        solid = _filled(solid)
    wide_mm = (cell_mm[1] * cell_mm[2]) ** 0.5
    plate = max(1, round(_PLATE_MM / wide_mm))
    core = _eroded(solid, padded, plate)
    chosen = _chosen(core, labelled, _eroded(core, padded, max(1, round((_LIMB_MM - _PLATE_MM) / wide_mm))), cell_mm)
    opened = (_dilated(chosen, plate) & solid) | labelled
    fold = max(1, round(_FOLD_MM / wide_mm))
    return _filled(opened | _folds(solid & ~opened, opened, _dilated(opened, fold), cell_mm))


def _chosen(core: Bools, labelled: Bools, deep: Bools, cell_mm: list[float]) -> Bools:
    """The parts that hold a label, and those that are thick and large enough to be a limb."""
    labels, n_parts = _components(core, through_z=True)
    n_labelled = np.bincount(labels[labelled], minlength=n_parts + 1)
    n_deep = np.bincount(labels[deep], minlength=n_parts + 1)
    n_cells = np.bincount(labels.ravel(), minlength=n_parts + 1)
    limb = (n_deep > 0) & (n_cells * np.prod(cell_mm) / 1000 >= _LIMB_ML)
    wanted = (n_labelled > 0) | limb
    wanted[0] = False
    chosen: Bools = wanted[labels]
    return chosen


def _folds(rest: Bools, opened: Bools, near: Bools, cell_mm: list[float]) -> Bools:
    """Parts of the rest that touch the opened body and have little that is not near it."""
    labels, n_parts = _components(rest, through_z=True)
    touching = np.bincount(labels[_dilated(opened, 1)], minlength=n_parts + 1) > 0
    n_far = np.bincount(labels[~near], minlength=n_parts + 1)
    wanted = touching & (n_far * np.prod(cell_mm) / 1000 < _FOLD_ML)
    wanted[0] = False
    folds: Bools = wanted[labels]
    return folds


def _states(body: Bools) -> Values:
    """The state of each cell, as ``kernels.trim`` takes it."""
    inside = _eroded(body, np.zeros_like(body), 1)
    beside = np.zeros_like(body)
    beside[1:] |= body[:-1]
    beside[:-1] |= body[1:]
    ring = _dilated(body, 1)
    states = np.where(ring, 2, np.where(beside, 3, 0)).astype(np.uint8)
    states[body & ~_dilated(inside, 1)] = 3
    states[inside] = 1
    return states


def _front_and_back_ml(outside: Bools, body: Bools, cell_mm: list[float]) -> tuple[float, float]:
    in_rows = body.sum(axis=(0, 2))
    if not in_rows.any():
        return 0.0, 0.0
    centre = round(float((in_rows * np.arange(body.shape[1])).sum() / in_rows.sum()))
    ml = float(np.prod(cell_mm)) / 1000
    return float(outside[:, :centre].sum()) * ml, float(outside[:, centre:].sum()) * ml


def _components(mask: Bools, through_z: bool) -> tuple[NDArray[np.int32], int]:
    labels = np.empty(mask.shape, np.int32)
    return labels, kernels.components(mask.view(np.uint8), through_z, labels)


def _dilated(mask: Bools, steps: int) -> Bools:
    wider = mask.astype(np.uint8)
    kernels.dilate(wider, steps)
    return wider.view(np.bool_)


def _eroded(mask: Bools, neutral: Bools, steps: int) -> Bools:
    """Erosion in the slice; neither the border of the array nor neutral cells eat into the mask."""
    eroded: Bools = mask & ~_dilated(~mask & ~neutral, steps)
    return eroded


def _filled(mask: Bools) -> Bools:
    """The mask with its holes, slice by slice."""
    labels, n_parts = _components(~mask, through_z=False)
    open_parts = np.zeros(n_parts + 1, bool)
    for edge in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        open_parts[edge.ravel()] = True
    open_parts[0] = False
    filled: Bools = ~open_parts[labels]
    return filled
