"""From line integrals to pictures: the film, what a detector measured, and the partners.

Real numbers end where they cannot differ between processors; the same bytes on any x86-64 processor.
"""

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.errors import InputError
from projection.appearance import partners
from projection.appearance.detector import (
    PER_UNIT,
    Bools,
    Exposure,
    Integrals,
    Steps,
    Weights,
    attenuated,
    exposure,
    measured,
    smoothed,
)
from projection.appearance.presets import Preset
from projection.appearance.tone import Picture, Window, body_of, settled, toned


@dataclass(frozen=True)
class Pictures:
    """One view's pictures ``(rows, columns)``, all on one grid."""

    film: Picture
    """For presentation, 8 bits."""
    raw: NDArray[np.uint16]
    """For processing: what the detector measured, ``−ln I = raw * raw_scale``; 16 units and more are 65535."""
    raw_scale: float
    partners: Mapping[str, Picture]
    """``bone_suppressed``, ``bone_only``, ``lung_only``: those whose integrals were given."""
    photometric: str = "MONOCHROME2"
    """Of every picture: what attenuates is bright."""


def picture(
    integrals: Integrals,
    preset: Preset,
    *,
    seed: int,
    voxel_px: tuple[float, float] = (1.0, 1.0),
    coverage: Bools | None = None,
) -> Pictures:
    """Make the pictures of a view from its line integrals.

    ``seed`` decides the noise. ``voxel_px`` is the size of a CT voxel on the detector (rows, columns): the stairs of
    thick slices are smoothed over that length, which is what interpolating between slices does. ``coverage`` is true
    where the ray stays in the CT; other rays are shown as they are, and have no say in the window. Raises InputError
    if there is no pixel, the grids differ or an integral is not finite.
    """
    _check(integrals, coverage)
    total_mm, bone_mm = integrals.total_mm, integrals.bone_mm
    soft_mm = total_mm if bone_mm is None else total_mm - bone_mm
    clean = smoothed(attenuated(soft_mm, bone_mm, preset.beam), voxel_px)
    body = body_of(clean, coverage)
    made = exposure(clean, preset.detector, seed)
    steps = measured(clean, made)
    window = settled(steps, body, preset.tone)
    return Pictures(
        film=toned(steps, body, window, preset.tone),
        raw=steps.astype(np.uint16),
        raw_scale=1 / PER_UNIT,
        partners=_partners((integrals, preset, voxel_px), clean, body, (made, window)),
    )


def png(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """A picture of 8 or 16 bits as PNG; run-length compression: the bytes do not hang on zlib's search for matches."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def _partners(
    view: tuple[Integrals, Preset, tuple[float, float]], clean: Steps, body: Weights, shown: tuple[Exposure, Window]
) -> dict[str, Picture]:
    integrals, preset, voxel_px = view
    made = {}
    soft = partners.soft_steps(integrals, preset, voxel_px)
    if soft is not None:
        made[partners.BONE_SUPPRESSED] = partners.bone_suppressed(soft, body, shown, preset)
        made[partners.BONE_ONLY] = partners.bone_only(clean, soft)
    lungs = partners.lung_only(integrals, preset, voxel_px)
    if lungs is not None:
        made[partners.LUNG_ONLY] = lungs
    return made


def _check(integrals: Integrals, coverage: Bools | None) -> None:
    shape = integrals.total_mm.shape
    given: list[NDArray[Any] | None] = [integrals.total_mm, integrals.bone_mm, integrals.lung_mm, coverage]
    if not integrals.total_mm.size:
        raise InputError("a view must have pixels: its line integrals are empty")
    for array in given:
        if array is not None and array.shape != shape:
            raise InputError(f"the integrals of a view must share a grid: {shape} and {array.shape} came")
        if array is not None and not np.isfinite(array).all():
            raise InputError("a line integral is not finite: look for NaN in the CT")
