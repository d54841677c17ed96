"""Readers' outlines on CTs as boxes on the images that were projected from them.

Points are ``(x, y, z)`` in mm, LPS. Boxes are ``(x_min, y_min, x_max, y_max)`` in pixels, edges from 0 to the size of
the image: the centre of pixel (0, 0) lies at (0.5, 0.5), as in COCO.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from curation.records import Annotation, Series, View

Floats = NDArray[np.float64]
Corners = tuple[float, float, float, float]
POINT_MM = 3.0
"""Diameter that a point stands for: LIDC readers marked only the centre of nodules below it (Armato et al. 2011)."""
_DECIMALS = 3


def box_of(outlines: Iterable[Annotation], series: Series, view: View) -> Corners | None:
    """The box around one object's outlines on an image; None where it does not lie on it.

    A slice is as thick as slices are apart, and an outline is as high as its slice. Outlines of holes do not count.
    """
    slices = {instance_id: number for number, instance_id in enumerate(series.instance_ids)}
    drawn = [row for row in outlines if row.inclusion and row.instance_id in slices]
    if not drawn:
        return None
    points_mm = np.concatenate([_points(row, slices[row.instance_id], series, view) for row in drawn])
    pixels = pixels_of(points_mm, view)
    low = np.maximum(pixels.min(axis=0), 0.0)
    high = np.minimum(pixels.max(axis=0), (view.columns, view.rows))
    if (low >= high).any():
        return None
    x_min, y_min, x_max, y_max = (round(float(value), _DECIMALS) for value in (*low, *high))
    return x_min, y_min, x_max, y_max


def _points(row: Annotation, number: int, series: Series, view: View) -> Floats:
    """The corners of what was drawn on a slice."""
    if row.shape == "point":
        half_mm = np.outer((-POINT_MM / 2, POINT_MM / 2), np.add(view.detector_x_axis, view.detector_y_axis))
        return points_of(row.points_px, number, series) + half_mm
    return np.concatenate([points_of(row.points_px, number + half, series) for half in (-0.5, 0.5)])


def points_of(points_px: Sequence[float], number: float, series: Series) -> Floats:
    """Columns and rows x0, y0, x1, y1, … of a slice (0 is the first) of a CT as points, mm, LPS."""
    pixels = np.asarray(points_px, np.float64).reshape(-1, 2)
    voxels = np.column_stack([pixels, np.full(len(pixels), number)])
    axes_mm = np.reshape(series.direction, (3, 3)) * series.spacing_zyx_mm[::-1]  # scales the columns
    points: Floats = voxels @ axes_mm.T + series.origin_xyz_mm
    return points


def pixels_of(points_mm: Floats, view: View) -> Floats:
    """Where the rays through points ``(n, 3)`` meet the detector: x and y in pixels."""
    x_axis, y_axis = np.array(view.detector_x_axis), np.array(view.detector_y_axis)
    origin_mm, source_mm = np.array(view.detector_origin_xyz_mm), np.array(view.source_xyz_mm)
    normal = np.cross(x_axis, y_axis)
    along = points_mm - source_mm
    if view.beam == "parallel":  # all rays run as the central one
        half_mm = view.pixel_spacing_mm / 2
        centre_mm = origin_mm + x_axis * (half_mm * (view.columns - 1)) + y_axis * (half_mm * (view.rows - 1))
        along = np.broadcast_to(centre_mm - source_mm, points_mm.shape)
    share = (origin_mm - points_mm) @ normal / (along @ normal)
    met_mm = points_mm + along * share[:, None] - origin_mm
    pixels: Floats = np.column_stack([met_mm @ x_axis, met_mm @ y_axis]) / view.pixel_spacing_mm + 0.5
    return pixels
