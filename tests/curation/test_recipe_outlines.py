"""Outlines on a CT as boxes on its projections: against closed forms, and against the rays that made the image."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.recipes.outlines import box_of, pixels_of, points_of
from curation.records import Annotation, Series, View
from curation.settings import ViewName
from projection.layers import Layers
from projection.pose import VIEWS, Beam, Detector, Pose, view_pose
from projection.raycast import Scene
from tests.rows import view

SHAPE = (9, 12, 14)
SPACING_ZYX_MM = (5.0, 2.0, 1.5)
TURNED = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def series(direction: tuple[float, ...] = STRAIGHT) -> Series:
    names = tuple(f"i{number}" for number in range(SHAPE[0]))
    return Series("s", "study", "patient", "CT", SHAPE[0], SHAPE, SPACING_ZYX_MM, (-10.0, 20.0, 30.0), direction, names)


def outline(number: int, *points: float, **changed: Any) -> Annotation:
    told = {"finding": "nodule", "shape": "polygon", "inclusion": True, **changed}
    return Annotation(f"a{number}", "o", "reader", "s", f"i{number}", points_px=points, **told)


def affine_of(row: Series) -> NDArray[np.float64]:
    made = np.eye(4)
    made[:3, :3] = np.reshape(row.direction, (3, 3)) * row.spacing_zyx_mm[::-1]
    made[:3, 3] = row.origin_xyz_mm
    return made


def as_view(pose: Pose) -> View:
    return view(
        beam=pose.beam,
        rows=pose.size_px,
        columns=pose.size_px,
        pixel_spacing_mm=pose.pixel_mm,
        source_xyz_mm=tuple(pose.source_mm.tolist()),
        detector_origin_xyz_mm=tuple(pose.origin_mm.tolist()),
        detector_x_axis=tuple(pose.x_axis.tolist()),
        detector_y_axis=tuple(pose.y_axis.tolist()),
    )


@pytest.mark.parametrize("direction", [STRAIGHT, TURNED])
@pytest.mark.parametrize("beam", ["cone", "parallel"])
@pytest.mark.parametrize("name", VIEWS)
def test_the_box_holds_what_the_rays_through_the_object_hit(
    name: ViewName, beam: Beam, direction: tuple[float, ...]
) -> None:
    ct = series(direction)
    values = np.zeros(SHAPE, np.uint8)
    values[3:6, 4:8, 2:11] = 1
    values[5, 8:10, 5:7] = 1
    scene = Scene(np.zeros(SHAPE, np.int16), Layers(values, ("nodule",), {1: (0,)}), affine_of(ct))
    pose = view_pose(name, affine_of(ct), SHAPE, Detector(200, 60.0, 300.0, beam))
    x, y, width, height = scene.footprints(pose, 0.001)["nodule"].box
    edges = (1.5, 3.5, 10.5, 3.5, 10.5, 7.5, 1.5, 7.5)
    drawn = [*(outline(number, *edges) for number in (3, 4, 5)), outline(5, 4.5, 7.5, 6.5, 7.5, 6.5, 9.5, 4.5, 9.5)]
    box = box_of(drawn, ct, as_view(pose))
    assert box is not None
    np.testing.assert_allclose(box, (x, y, x + width, y + height), atol=0.55)  # a pixel is hit in its middle


def test_a_parallel_beam_shows_mm_as_they_are() -> None:
    seen = view(
        beam="parallel", rows=100, columns=100, pixel_spacing_mm=0.5, source_xyz_mm=(24.75, 1000.0, -24.75),
        detector_origin_xyz_mm=(0.0, -50.0, 0.0),
    )  # fmt: skip
    points = np.array([[0.0, 3.0, 0.0], [10.0, 7.0, -4.0]])
    np.testing.assert_allclose(pixels_of(points, seen), [[0.5, 0.5], [20.5, 8.5]])


def test_a_cone_magnifies_by_the_ratio_of_distances() -> None:
    seen = view(
        beam="cone", rows=100, columns=100, pixel_spacing_mm=1.0, source_xyz_mm=(0.0, 150.0, 0.0),
        detector_origin_xyz_mm=(-50.0, -50.0, 50.0),
    )  # fmt: skip
    point = np.array([[8.0, 50.0, -6.0]])  # halfway between focal spot and detector: twice as large
    np.testing.assert_allclose(pixels_of(point, seen), [[50 + 16 + 0.5, 50 + 12 + 0.5]])


def test_a_pixel_of_a_slice_lies_where_the_series_says() -> None:
    np.testing.assert_allclose(points_of((2.0, 3.0), 4, series()), [[-10 + 3, 20 + 6, 30 + 20]])
    np.testing.assert_allclose(points_of((2.0, 3.0), 4, series(TURNED)), [[-10 + 6, 20 - 3, 30 + 20]])


def test_a_point_stands_for_a_ball_of_three_millimetres() -> None:
    seen = view(
        beam="parallel", rows=100, columns=100, pixel_spacing_mm=1.0, source_xyz_mm=(49.5, 1000.0, 0.5),
        detector_origin_xyz_mm=(0.0, -50.0, 50.0),
    )  # fmt: skip
    ct = series()
    (x, _, z), *_ = points_of((9.0, 3.0), 2, ct).tolist()
    expected = (x - 1.5 + 0.5, 50 - z - 1.5 + 0.5, x + 1.5 + 0.5, 50 - z + 1.5 + 0.5)
    assert box_of([outline(2, 9.0, 3.0, shape="point")], ct, seen) == pytest.approx(expected)


def test_holes_unknown_slices_and_what_lies_beside_the_image_give_no_box() -> None:
    seen = view(beam="parallel", rows=100, columns=100, source_xyz_mm=(24.25, 1000.0, 10.25), pixel_spacing_mm=0.5)
    far = view(beam="parallel", rows=100, columns=100, detector_origin_xyz_mm=(500.0, -300.0, 1.0))
    square = (2.0, 2.0, 5.0, 2.0, 5.0, 5.0)
    assert box_of([outline(3, *square, inclusion=False)], series(), seen) is None
    assert box_of([outline(77, *square)], series(), seen) is None
    assert box_of([outline(3, *square)], series(), far) is None


def test_a_box_is_cut_at_the_edge_of_the_image() -> None:
    seen = view(
        beam="parallel", rows=4, columns=6, pixel_spacing_mm=1.0, source_xyz_mm=(2.5, 1000.0, 46.5),
        detector_origin_xyz_mm=(0.0, -50.0, 48.0),
    )  # fmt: skip
    box = box_of([outline(3, 0.0, 2.0, 13.0, 2.0, 13.0, 5.0)], series(), seen)  # x from -10 to 9.5, z from 42.5 to 47.5
    assert box == (0.0, 1.0, 6.0, 4.0)
