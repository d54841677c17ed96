"""Where tube and detector stand."""

from dataclasses import replace

import numpy as np
import pytest

from curation.errors import SettingsError
from curation.settings import ViewName
from projection.pose import GAP_MM, VIEWS, Detector, Jitter, jitters, view_pose

GRID = np.diag([0.7, 0.7, 2.5, 1.0])
SHAPE = (80, 300, 400)
NEAREST = {
    "PA": (0, -1), "AP": (0, 1), "LAT": (1, 0), "RL": (-1, 0),
    "LAO": (1, -1), "RAO": (-1, -1), "LPO": (1, 1), "RPO": (-1, 1),
}  # fmt: skip
"""The side of the patient at the detector, (x, y) in LPS: left is +x, the back is +y."""


@pytest.mark.parametrize("view", VIEWS)
def test_the_side_that_the_name_says_is_at_the_detector(view: ViewName) -> None:
    pose = view_pose(view, GRID, SHAPE, Detector())
    beam = (pose.centre_mm - pose.source_mm) / pose.source_to_detector_mm
    expected = np.array([*NEAREST[view], 0.0])
    np.testing.assert_allclose(beam, expected / np.linalg.norm(expected), atol=1e-12)
    np.testing.assert_allclose(pose.y_axis, [0, 0, -1])
    assert pose.x_axis @ beam == pytest.approx(0)
    shown_from_the_tube = view in ("AP", "LPO", "RPO")
    np.testing.assert_allclose(np.cross(pose.x_axis, pose.y_axis), beam if shown_from_the_tube else -beam, atol=1e-12)


@pytest.mark.parametrize("view", VIEWS)
def test_the_detector_is_clear_of_the_volume_and_the_central_ray_passes_its_centre(view: ViewName) -> None:
    pose = view_pose(view, GRID, SHAPE, Detector(), Jitter(yaw_deg=5, pitch_deg=-8, roll_deg=3))
    beam = (pose.centre_mm - pose.source_mm) / pose.source_to_detector_mm
    centre_mm = np.array([399, 299, 79]) / 2 * [0.7, 0.7, 2.5]
    off_mm = np.cross(beam, centre_mm - pose.source_mm)
    assert np.linalg.norm(off_mm) == pytest.approx(0, abs=1e-9)
    corners = np.array([[x, y, z] for x in (-0.5, 399.5) for y in (-0.5, 299.5) for z in (-0.5, 79.5)]) * [
        0.7,
        0.7,
        2.5,
    ]
    assert ((pose.centre_mm - corners) @ beam).min() == pytest.approx(GAP_MM)
    assert pose.magnification(pose.centre_mm) == pytest.approx(1)
    assert 1.05 < pose.magnification(centre_mm) < 1.2
    assert view_pose(view, GRID, SHAPE, Detector(beam="parallel")).magnification(centre_mm) == 1


def test_turns_and_shifts_go_the_way_they_say() -> None:
    plain = view_pose("PA", GRID, SHAPE, Detector())
    yaw = view_pose("PA", GRID, SHAPE, Detector(), Jitter(yaw_deg=90))
    np.testing.assert_allclose(yaw.x_axis, [0, 1, 0])  # as the left lateral
    roll = view_pose("PA", GRID, SHAPE, Detector(), Jitter(roll_deg=90))
    np.testing.assert_allclose(np.abs(roll.y_axis), [1, 0, 0])
    pitch = view_pose("PA", GRID, SHAPE, Detector(), Jitter(pitch_deg=10))
    np.testing.assert_allclose(pitch.x_axis, plain.x_axis)
    shifted = view_pose("PA", GRID, SHAPE, Detector(), Jitter(right_mm=7, down_mm=9))
    np.testing.assert_allclose(shifted.source_mm - plain.source_mm, [7, 0, -9], atol=1e-9)


def test_the_magnification_is_the_same_wherever_the_detector_lies_in_its_plane() -> None:
    pose = view_pose("PA", GRID, SHAPE, Detector())
    moved = replace(pose, origin_mm=pose.origin_mm + 150 * pose.x_axis - 40 * pose.y_axis)
    for point in ([140.0, 105.0, 100.0], [40.0, 9.0, 20.0]):
        assert moved.magnification(np.array(point)) == pytest.approx(pose.magnification(np.array(point)))
    assert pose.depth_mm(np.array([pose.source_mm, pose.centre_mm])) == pytest.approx([0, 1800])


def test_jitters_are_the_same_for_the_same_seed_and_within_their_limits() -> None:
    most = Jitter(5, 4, 3, 20, 10)
    made = list(jitters(200, 7, most))
    assert made == list(jitters(200, 7, most)) != list(jitters(200, 8, most))
    for name, limit in vars(most).items():
        values = np.array([getattr(jitter, name) for jitter in made])
        assert np.abs(values).max() <= limit
        assert values.min() < -limit / 2 < limit / 2 < values.max()


def test_a_source_within_the_patient_is_refused() -> None:
    with pytest.raises(SettingsError, match="inside the patient"):
        view_pose("PA", GRID, SHAPE, Detector(source_to_detector_mm=215.0))
