"""The chest of a patient with what is to be found in it: lesions painted over the anatomy, and the truth about both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from curation.synth.anatomy import AIR, STRUCTURES, Build, Canvas, Grid, Hounsfield, Labels, Point, value_of


@dataclass(frozen=True)
class Lesion:
    """Something to be found: the finding, its side (left, right or empty), its structure, and a size from 0 to 1."""

    finding: str
    side: str = ""
    structure: str = ""
    size: float = 0.5


@dataclass(frozen=True)
class Nodule:
    """A planted sphere, LPS in mm."""

    center_xyz_mm: Point
    radius_mm: float
    structure: str


@dataclass(frozen=True)
class Phantom:
    """Labels and Hounsfield units ``(z, y, x)`` on ``grid``, and what was planted."""

    grid: Grid
    labels: Labels
    hu: Hounsfield
    nodules: tuple[Nodule, ...]
    cardiothoracic_ratio: float
    """Widest heart over widest inner chest, in the parallel frontal projection."""

    @cached_property
    def voxels(self) -> dict[str, int]:
        """Number of voxels of each structure that is there."""
        counts = np.bincount(self.labels.ravel(), minlength=len(STRUCTURES) + 1)
        return {name: int(counts[value_of(name)]) for name in STRUCTURES if counts[value_of(name)]}


def phantom(build: Build, lesions: Sequence[Lesion] = ()) -> Phantom:
    """The chest of a body with these lesions."""
    for lesion in lesions:
        if lesion.finding == "cardiomegaly":
            build = replace(build, heart_ratio=0.54 + 0.09 * lesion.size)
    canvas = Canvas(build)
    canvas.paint()
    ratio = canvas.cardiothoracic_ratio()
    for lesion in lesions:
        if lesion.finding in _PAINT:
            _PAINT[lesion.finding](canvas, lesion)
    nodules = tuple(
        _nodule(canvas, lesion) for lesion in lesions if lesion.finding == "nodule"
    )  # last: they stay whole
    return Phantom(build.grid, canvas.labels, canvas.hu, nodules, ratio)


# --- lesions ---------------------------------------------------------------------------------------------


def _effusion(canvas: Canvas, lesion: Lesion) -> None:
    """Fluid that fills the base of a side, higher at the back; fluid is no lung, so the label goes."""
    level = -98.0 + 55.0 * lesion.size + 0.35 * canvas.y
    fluid = canvas.is_lung() & canvas.on_side(lesion.side) & (canvas.z < level)
    canvas.labels[fluid] = 0
    canvas.hu[fluid] = 12


def _pneumothorax(canvas: Canvas, lesion: Lesion) -> None:
    """Air between the chest wall and the upper lung; the label goes."""
    rim = canvas.is_lung() & canvas.on_side(lesion.side) & (canvas.z > 20.0)
    rim &= canvas.depth > -0.08 - 0.15 * lesion.size
    canvas.labels[rim] = 0
    canvas.hu[rim] = AIR


def _nodule(canvas: Canvas, lesion: Lesion) -> Nodule:
    """A sphere of soft tissue in a lobe; it stays labelled as the lobe, as the engine does."""
    radius = 7.0 + 8.0 * lesion.size
    center = canvas.inner_place(lesion.structure, radius)
    scale = canvas.build.scale_xyz
    canvas.hu[canvas.ellipsoid(center, (radius / scale[0], radius / scale[1], radius / scale[2]))] = 45
    x, y, z = (round(value * factor, 2) for value, factor in zip(center, scale, strict=True))
    return Nodule((x, y, z), radius, lesion.structure)


def _consolidation(canvas: Canvas, lesion: Lesion) -> None:
    """A dense patch in a lobe."""
    center = canvas.inner_place(lesion.structure, 12.0)
    reach = 22.0 + 22.0 * lesion.size
    patch = canvas.ellipsoid(center, (reach, reach, reach)) & (canvas.labels == value_of(lesion.structure))
    canvas.hu[patch] += np.int16(830)


def _atelectasis(canvas: Canvas, lesion: Lesion) -> None:
    """A plate of collapsed lung above the diaphragm."""
    above = canvas.z - canvas.dome()
    plate = canvas.is_lung() & canvas.on_side(lesion.side) & (above > 8.0) & (above < 18.0) & (canvas.y > -30.0)
    canvas.hu[plate] += np.int16(700)


def _edema(canvas: Canvas, lesion: Lesion) -> None:
    """Both lungs denser, most around the hila."""
    canvas.hu[canvas.is_lung()] += np.int16(120)
    canvas.hu[canvas.is_lung() & (np.abs(canvas.x) < 75.0)] += np.int16(100 + 160 * lesion.size)


def _fracture(canvas: Canvas, lesion: Lesion) -> None:
    """A gap in a rib, at the side of the chest."""
    gap = (canvas.labels == value_of(lesion.structure)) & (np.abs(canvas.y) < 7.0)
    canvas.hu[gap] = 40


def _device(canvas: Canvas, lesion: Lesion) -> None:
    """A pacemaker in front of the left upper chest, and its lead to the heart."""
    box = (
        (np.abs(canvas.x - 78.0) < 16.0 + 12.0 * lesion.size)
        & (np.abs(canvas.y + 88.0) < 5.0)
        & (np.abs(canvas.z - 72.0) < 18.0)
    )
    lead = canvas.tube((78.0, -86.0, 90.0), (-24.0, -20.0, 96.0), 2.8)
    lead |= canvas.tube((-24.0, -16.0, 96.0), (-24.0, -12.0, 6.0), 2.8)
    lead |= canvas.tube((-24.0, -12.0, 6.0), (46.0, -32.0, -58.0), 2.8)
    canvas.hu[box | lead] = 2800


_PAINT = {
    "consolidation": _consolidation,
    "edema": _edema,
    "atelectasis": _atelectasis,
    "pleural_effusion": _effusion,
    "pneumothorax": _pneumothorax,
    "fracture": _fracture,
    "device": _device,
}
FINDINGS = ("cardiomegaly", *_PAINT, "nodule")
"""What can be planted, in the order in which it is painted: what takes lung away comes after what fills it."""
