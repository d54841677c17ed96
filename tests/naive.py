"""Slow oracles: the obvious way to do what a kernel does fast."""

import itertools

import numpy as np
from numpy.typing import NDArray

from projection.layers import Layers
from projection.pose import Pose
from projection.raycast import WATER_PER_MM

Floats = NDArray[np.float64]


def ray_pieces(
    shape: tuple[int, ...], affine: Floats, source_mm: Floats, target_mm: Floats
) -> list[tuple[tuple[int, int, int], float]]:
    """Voxels ``(z, y, x)`` between two points in LPS mm, and the mm in each: all plane crossings, sorted (Siddon)."""
    inverse = np.linalg.inv(affine)
    start, end = (inverse[:3, :3] @ point + inverse[:3, 3] + 0.5 for point in (source_mm, target_mm))
    size = np.array(shape[::-1])
    step = end - start
    crossings = [0.0, 1.0]
    for axis in range(3):
        if step[axis] != 0:
            crossings += [t for t in (np.arange(size[axis] + 1) - start[axis]) / step[axis] if 0 < t < 1]
    crossings.sort()
    total_mm = float(np.linalg.norm(target_mm - source_mm))
    pieces = []
    for low, high in itertools.pairwise(crossings):
        voxel = np.floor(start + step * (low + high) / 2).astype(int)
        if high > low and (voxel >= 0).all() and (voxel < size).all():
            pieces.append(((int(voxel[2]), int(voxel[1]), int(voxel[0])), (high - low) * total_mm))
    return pieces


def project(hu: NDArray[np.int16], layers: Layers, affine: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """Line integral ``(rows, columns)`` and thickness in mm ``(labels, rows, columns)``, voxel by voxel."""
    size = pose.size_px
    image, thickness_mm = np.zeros((size, size)), np.zeros((len(layers.labels), size, size))
    middle_mm = pose.origin_mm + (pose.x_axis + pose.y_axis) * (pose.pixel_mm * (size - 1) / 2)
    for row, column in np.ndindex(size, size):
        pixel_mm = pose.origin_mm + pose.pixel_mm * (column * pose.x_axis + row * pose.y_axis)
        source_mm = pose.source_mm + (pixel_mm - middle_mm if pose.beam == "parallel" else 0.0)
        for voxel, mm in ray_pieces(hu.shape, affine, source_mm, pixel_mm):
            image[row, column] += max(int(hu[voxel]) + 1000, 0) / 1000 * WATER_PER_MM * mm
            for label in layers.members.get(int(layers.values[voxel]), ()):
                thickness_mm[label, row, column] += mm
    return image, thickness_mm
