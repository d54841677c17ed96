"""A volume as columns along the axis that the rays of a pose follow, as the kernels take it.

Arrays are ``(z, y, x)``. Their axes are called a, the one that the rays follow most, b and c, the two across.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.errors import SettingsError
from projection.kernels.columns import Triple
from projection.layers import Layers
from projection.pose import Pose

Floats = NDArray[np.float64]


class Path(NamedTuple):
    """How the rays of a pose lie to a volume."""

    beam: Floats
    """For the kernels, in voxel edges along (a, b, c): see ``rays.aim``."""
    spacing_mm: Floats
    axes: tuple[int, ...]
    """(a, b, c) as axes of the array."""
    in_sheets: bool
    """The detector's columns run along c."""


def path_of(affine: Floats, pose: Pose) -> Path:
    """The axes in the order that suits the pose, and its beam in them; ``affine`` goes from voxel (x, y, z) to LPS mm.

    Raises SettingsError if no axis of the volume is followed by all rays.
    """
    spacing_mm = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    across, down = pose.x_axis * pose.pixel_mm, pose.y_axis * pose.pixel_mm
    source_mm, moves = pose.source_mm, [0 * across, 0 * down]
    if pose.beam == "parallel":
        source_mm, moves = pose.source_mm + pose.origin_mm - pose.centre_mm, [across, down]
    to_voxel = np.linalg.inv(affine[:3, :3])
    points = (np.array([source_mm, pose.origin_mm]) - affine[:3, 3]) @ to_voxel.T + 0.5
    vectors = np.array([*moves, across, down]) @ to_voxel.T
    beam = np.array([points[0], *vectors[:2], points[1], *vectors[2:]])
    along_mm = np.abs((pose.centre_mm - pose.source_mm) @ affine[:3, :3] / spacing_mm)
    order = [int(axis) for axis in np.argsort(-along_mm, kind="stable")]
    row = int(np.abs(vectors[3]).argmax())
    in_sheets = row != order[0] and bool(np.delete(np.abs(vectors[3]), row).max() <= 1e-9 * np.abs(vectors[3][row]))
    order = [order[0], *sorted(order[1:], key=lambda axis: (in_sheets and axis == row, axis))]
    _check_axis(beam[:, order[0]], pose.size_px)
    return Path(np.ascontiguousarray(beam[:, order]), spacing_mm[order], tuple(2 - axis for axis in order), in_sheets)


def _check_axis(beam: Floats, size: int) -> None:
    """All rays must go one way along the axis; the four corners decide, as the way is linear in between."""
    ways = [float(np.array([-1, -u, -v, 1, u, v]) @ beam) for u in (0, size - 1) for v in (0, size - 1)]
    if not (min(ways) > 0 or max(ways) < 0):
        raise SettingsError("the detector is too large for its distance: no axis of the volume is followed by all rays")


def classes_of(layers: Layers) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.int16]]:
    """Class of each voxel value, and the labels of each class: values with the same labels share one, 0 has none."""
    numbers: dict[tuple[int, ...], int] = {(): 0}
    classes = np.zeros(np.iinfo(layers.values.dtype).max + 1, np.int16)
    for value, labels in sorted(layers.members.items()):
        classes[value] = numbers.setdefault(tuple(labels), len(numbers))
    starts = np.cumsum([0, *(len(labels) for labels in numbers)])
    return classes, starts, np.array([label for labels in numbers for label in labels], np.int16)


def flattened(array: NDArray[Any], axes: tuple[int, ...]) -> tuple[NDArray[Any], Triple]:
    """The array as one line, and the steps along (c, b, a) in elements."""
    array = np.ascontiguousarray(array)
    return array.reshape(-1), _triple(array.strides[axis] // array.itemsize for axis in reversed(axes))


def along(shape: tuple[int, ...], axes: tuple[int, ...]) -> Triple:
    """A shape along (c, b, a)."""
    return _triple(shape[axis] for axis in reversed(axes))


def _triple(numbers: Iterable[int]) -> Triple:
    c, b, a = numbers
    return c, b, a
