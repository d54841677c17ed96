"""A small made-up chest for files and formats: tissue in air with two lungs, a heart and a sternum."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from projection.anatomy.body import turned
from projection.layers import Layers
from projection.standalone import Options, Projected, project_layers

SHAPE = (10, 14, 16)
AFFINE = np.array([[9.0, 0, 0, -70.0], [0, 8.0, 0, -50.0], [0, 0, 12.0, -300.0], [0, 0, 0, 1]])
NAMES = {1: "lung_lower_lobe_left", 2: "lung_lower_lobe_right", 3: "heart", 4: "sternum"}
SMALL = Options(views=("PA", "LAT"), size_px=48, source_to_detector_mm=1800.0, threads=1)
LABELS = ("lung", "lung lower lobe left", "lung lower lobe right", "heart", "sternum")
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def hu_zyx() -> NDArray[np.int16]:
    """HU; x to the left, y to the back, z to the head."""
    hu = np.full(SHAPE, -1000, np.int16)
    hu[:, 2:12, 2:14] = 40
    hu[values_zyx() == 1] = -850
    hu[values_zyx() == 2] = -850
    hu[values_zyx() == 4] = 600
    return hu


def values_zyx() -> NDArray[np.uint8]:
    """The labels of ``NAMES``."""
    values = np.zeros(SHAPE, np.uint8)
    values[2:8, 4:10, 9:13] = 1
    values[2:8, 4:10, 3:6] = 2
    values[3:6, 4:8, 7:9] = 3
    values[3:8, 2, 7:9] = 4
    return values


def overlapping() -> Layers:
    """The labels with wholes: ``lung`` is both lungs."""
    members = {1: (0, 1), 2: (0, 2), 3: (3,), 4: (4,)}
    return Layers(values_zyx(), LABELS, members)


def projected() -> Projected:
    """Two views of the made-up chest, its labels overlapping."""
    body = turned(values_zyx(), NAMES, AFFINE, hu_zyx())
    return replace(project_layers(body, overlapping(), SMALL), missing={"aorta": "not in the labelmap"})


def nifti(array_zyx: NDArray[Any], path: Path, affine: NDArray[np.float64] = AFFINE) -> Path:
    """Write an array as NIfTI; ``affine`` is LPS."""
    image: Any = nib.Nifti1Image(array_zyx.T, RAS_FROM_LPS @ affine)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")
    nib.save(image, path)
    return path


def table(path: Path, names: dict[int, str] | None = None) -> Path:
    """Write names as a csv of id and structure."""
    rows = [f"{number},{name}" for number, name in (names or NAMES).items()]
    path.write_text("\n".join(["id,structure", *rows]) + "\n", encoding="utf-8")
    return path


def turned_grid(array: NDArray[Any], order: Sequence[int], flips: Sequence[bool]) -> tuple[NDArray[Any], Any]:
    """The same volume stored in another order of axes and directions; order and flips are of (z, y, x)."""
    affine = AFFINE.copy()
    moved = array.transpose(order)
    affine[:3, :3] = AFFINE[:3, :3][:, [2 - axis for axis in reversed(order)]]
    for axis, flip in enumerate(flips):
        if flip:
            moved = np.flip(moved, axis)
            column = 2 - axis
            affine[:3, 3] += affine[:3, column] * (moved.shape[axis] - 1)
            affine[:3, column] *= -1
    return np.ascontiguousarray(moved), affine
