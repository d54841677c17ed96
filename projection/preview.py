"""A quick look: PA and left lateral in a parallel beam at the size of the CT's voxels, in one pass through memory.

The same as ``Scene.project`` gives for a parallel beam with one ray through the middle of each column of voxels, many
times quicker. A cone magnifies what lies far from the detector, so masks for a radiograph are made with ``Scene``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError
from projection.anatomy.body import Body
from projection.kernels import sweep as kernels
from projection.layers import Layers
from projection.masks import of_runs
from projection.threads import planes, thread_count


@dataclass(frozen=True)
class Preview:
    """One view; pixels are as large as voxels, so rows are rarely as high as columns are wide."""

    water_mm: NDArray[np.float32]
    """``(rows, columns)``: the line integral in mm of water, as ``Projection.water_mm``."""
    masks: Mapping[str, str]
    """Label to COCO RLE of where any of its voxels lies."""
    pixel_mm: tuple[float, float]
    """Height and width."""


def preview(body: Body, layers: Layers, threads: int = 0) -> dict[str, Preview]:
    """``PA`` and ``LAT`` of a body and labels on its grid; raises InputError if it has no HU or the grids differ."""
    hu, values = body.hu, layers.values
    if hu is None or hu.shape != values.shape:
        raise InputError("a preview needs a CT, and labels on its grid")
    hu, values = np.ascontiguousarray(hu), np.ascontiguousarray(values)
    nz, ny, nx = hu.shape
    table = _table(layers)
    n_words = table.shape[1]
    behind, side = np.empty((nz, nx), np.int32), np.empty((nz, ny), np.int32)
    behind_labels, side_labels = np.empty((nz, nx, n_words), np.uint64), np.empty((nz, ny, n_words), np.uint64)
    planes(
        lambda first, last: kernels.sweep(hu, values, table, behind, side, behind_labels, side_labels, first, last),
        nz,
        threads or thread_count(),
    )
    z_mm, y_mm, x_mm = body.spacing_zyx_mm
    return {
        "PA": Preview(_water(behind, y_mm), _masks(behind_labels, layers.labels), (z_mm, x_mm)),
        "LAT": Preview(_water(side, x_mm), _masks(side_labels, layers.labels), (z_mm, y_mm)),
    }


def _table(layers: Layers) -> NDArray[np.uint64]:
    """Each value's labels as bits of 64-bit words."""
    table = np.zeros((np.iinfo(layers.values.dtype).max + 1, max(1, -(-len(layers.labels) // 64))), np.uint64)
    for value, labels in layers.members.items():
        for label in labels:
            table[value, label // 64] |= np.uint64(1) << np.uint64(label % 64)
    return table


def _water(sums: NDArray[np.int32], step_mm: float) -> NDArray[np.float32]:
    return np.ascontiguousarray(sums[::-1]) * np.float32(step_mm / 1000)


def _masks(labels: NDArray[np.uint64], names: tuple[str, ...]) -> dict[str, str]:
    found = of_runs(kernels.pixel_runs(labels), len(names), *labels.shape[:2])
    return {name: text for name, (text, area_px, _) in zip(names, found, strict=True) if area_px}
