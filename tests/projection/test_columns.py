"""A volume as columns: which axis the rays follow, and how it lies in memory."""

from typing import Any

import numpy as np
import pytest

from curation.errors import SettingsError
from curation.settings import ViewName
from projection.columns import along, classes_of, flattened, path_of
from projection.layers import Layers
from projection.pose import Detector, Pose, view_pose

SHAPE = (4, 5, 6)


def pose_of(view: ViewName, **changed: Any) -> Pose:
    detector = Detector(**{"size_px": 32, "side_mm": 64.0, "source_to_detector_mm": 300.0, **changed})
    return view_pose(view, np.eye(4), SHAPE, detector)


@pytest.mark.parametrize(("view", "follows"), [("PA", 1), ("AP", 1), ("LAT", 2), ("RL", 2)])
def test_rays_follow_the_axis_of_the_view_and_rows_run_across_slices(view: ViewName, follows: int) -> None:
    path = path_of(np.eye(4), pose_of(view))
    assert (path.axes, path.in_sheets) == ((follows, 3 - follows, 0), True)


def test_an_oblique_view_of_a_turned_grid_is_in_no_sheets() -> None:
    turned = np.eye(4)
    turned[1:3, 1:3] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    assert not path_of(turned, pose_of("PA")).in_sheets


def test_a_detector_too_large_for_its_distance_is_refused() -> None:
    pose = pose_of("PA")
    with pytest.raises(SettingsError, match="too large"):
        path_of(np.eye(4), Pose(**{**vars(pose), "source_mm": pose.origin_mm}))


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 1, 0), (1, 0, 2)])
def test_the_steps_through_a_flat_volume_lead_to_its_voxels(axes: tuple[int, int, int]) -> None:
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    flat, step = flattened(array, axes)
    across = array.transpose(tuple(reversed(axes)))
    assert along(SHAPE, axes) == across.shape
    for at in np.ndindex(*across.shape):
        assert flat[np.dot(at, step)] == across[at]


def test_values_with_the_same_labels_share_a_class() -> None:
    layers = Layers(np.zeros((1, 1, 1), np.uint8), ("a", "b"), {7: (0, 1), 3: (0,), 9: (0, 1), 4: ()})
    classes, starts, members = classes_of(layers)
    assert len(classes) == 256
    assert {value: int(classes[value]) for value in (0, 3, 4, 7, 9)} == {0: 0, 3: 1, 4: 0, 7: 2, 9: 2}
    assert [members[starts[cls] : starts[cls + 1]].tolist() for cls in (0, 1, 2)] == [[], [0], [0, 1]]
