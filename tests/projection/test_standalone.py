"""One CT by itself: the same masks as the engine's, however the arrays are stored, and calls that cannot be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation import rle
from curation.errors import InputError, PaxflowError, SettingsError, UsageError
from projection.anatomy.body import turned
from projection.export.coco import OWN, coco_json
from projection.export.paxray import write_target
from projection.export.views import masks_table
from projection.layers import Layers
from projection.pose_file import NamedPose
from projection.standalone import Options, project_ct, project_layers
from tests.projection.made_ct import (
    AFFINE,
    NAMES,
    SHAPE,
    SMALL,
    hu_zyx,
    overlapping,
    projected,
    turned_grid,
    values_zyx,
)


def test_every_orientation_gives_the_same_views() -> None:
    expected = project_ct(hu_zyx(), values_zyx(), NAMES, AFFINE, SMALL)
    order, flips = (2, 0, 1), (True, False, True)
    hu, affine = turned_grid(hu_zyx(), order, flips)
    values, _ = turned_grid(values_zyx(), order, flips)
    made = project_ct(hu, values, NAMES, affine, SMALL)
    assert [view.view_id for view in made.views] == ["PA", "LAT"]
    for one, other in zip(made.views, expected.views, strict=True):
        assert one.footprints == other.footprints and (one.picture == other.picture).all()
        assert (one.pictures.raw == other.pictures.raw).all()


def test_the_left_lung_is_on_the_right_of_the_picture_and_a_part_within_its_whole() -> None:
    view = project_ct(hu_zyx(), values_zyx(), NAMES, AFFINE, SMALL).views[0]
    left, right = (view.footprints[f"lung lower lobe {side}"] for side in ("left", "right"))
    assert left.box[0] > right.box[0] + right.box[2] - 1
    size = view.pose.size_px
    whole = rle.decode(view.footprints["lung"].rle, size, size)
    assert (rle.decode(left.rle, size, size) <= whole).all()


def test_a_label_is_there_or_missing_with_a_reason() -> None:
    made = project_ct(hu_zyx(), values_zyx(), NAMES, AFFINE, SMALL)
    assert "heart" in made.layers.labels and "heart" not in made.missing
    assert made.missing["liver"]


def test_without_labels_there_are_pictures() -> None:
    made = project_ct(hu_zyx(), None, {}, AFFINE, SMALL)
    assert made.layers.labels == () and not made.missing
    assert all(view.picture.any() and not view.footprints for view in made.views)


def test_the_magnification_is_what_a_width_at_the_centre_shows() -> None:
    cone, parallel = (
        project_ct(hu_zyx(), None, {}, AFFINE, replace(SMALL, beam=beam)).views[0].magnification
        for beam in ("cone", "parallel")
    )
    depth_mm = SHAPE[1] * 8.0
    assert parallel == 1.0
    assert cone == pytest.approx(1800 / (1800 - depth_mm / 2 - 10))  # detector 10 mm behind the volume


def test_presets_differ_and_each_is_the_same_twice() -> None:
    pictures = {
        preset: project_ct(hu_zyx(), None, {}, AFFINE, replace(SMALL, preset=preset)).views[0].picture.tobytes()
        for preset in ("film", "drr")
    }
    assert pictures["film"] != pictures["drr"]
    assert project_ct(hu_zyx(), None, {}, AFFINE, SMALL).views[0].picture.tobytes() == pictures["film"]


def test_any_layers_can_be_projected() -> None:
    body = turned(values_zyx(), NAMES, AFFINE, hu_zyx())
    assert set(project_layers(body, overlapping(), SMALL).views[0].footprints) == set(overlapping().labels)
    assert projected().views[0].view == "PA"


@pytest.mark.parametrize(
    "options,error",
    [
        ({"views": ("PA", "OBL")}, UsageError),
        ({"views": ()}, UsageError),
        ({"views": ("PA", "PA")}, UsageError),
        ({"preset": "x"}, UsageError),
        ({"beam": "fan"}, UsageError),
        ({"jittered": -3}, UsageError),
        ({"size_px": 8}, SettingsError),
        ({"detector_mm": 0.0}, SettingsError),
        ({"source_to_detector_mm": float("nan")}, SettingsError),
        ({"source_to_detector_mm": 50.0}, SettingsError),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[PaxflowError]) -> None:
    with pytest.raises(error):
        project_ct(hu_zyx(), None, {}, AFFINE, Options(**{"size_px": 48, "threads": 1, **options}))


@pytest.mark.parametrize(
    "values,names,message",
    [
        (values_zyx()[1:], NAMES, "as the CT"),
        (values_zyx(), {1: "heart"}, "3 of the labelmap's 4 values have no name"),
        (values_zyx(), {1: "tumour", 2: "cyst", 3: "mass", 4: "stone"}, "none of the names"),
        (values_zyx(), {**NAMES, 2: "heart"}, "two of the labelmap's values have one name"),
    ],
)
def test_labels_that_do_not_fit(values: Any, names: dict[int, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        project_ct(hu_zyx(), values, names, AFFINE, SMALL)


def test_a_labelmap_of_background_gives_no_label() -> None:
    made = project_ct(hu_zyx(), np.zeros(SHAPE, np.uint8), NAMES, AFFINE, SMALL)
    assert not made.views[0].footprints and made.missing["heart"]


def test_jittered_views_are_close_to_upright_ones_and_always_alike() -> None:
    upright, first, again = (
        project_ct(hu_zyx(), values_zyx(), NAMES, AFFINE, replace(SMALL, jittered=n)).views for n in (0, 3, 3)
    )
    assert [view.view_id for view in first] == ["PA-1", "PA-2", "PA-3", "LAT-1", "LAT-2", "LAT-3"]
    assert [view.footprints for view in first] == [view.footprints for view in again]
    assert len({view.picture.tobytes() for view in first[:3]}) == 3
    for view in first[:3]:
        angle_deg = np.degrees(np.arccos(view.pose.x_axis @ upright[0].pose.x_axis))
        assert 0 < angle_deg < 8
        assert view.magnification == pytest.approx(upright[0].magnification, rel=0.02)


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_hu_of_another_type_are_refused_and_not_wrapped(kind: type) -> None:
    with pytest.raises(InputError, match="as int16"):
        project_ct(hu_zyx().astype(kind), None, {}, AFFINE, SMALL)
    for affine in (AFFINE * np.nan, np.zeros((4, 4)), np.eye(3)):
        with pytest.raises(InputError, match="affine"):
            project_ct(hu_zyx(), None, {}, affine, SMALL)


@pytest.mark.parametrize("beam", ["cone", "parallel"])
def test_a_pose_that_has_the_ct_behind_source_or_detector_is_refused(beam: Any) -> None:
    usual = project_ct(hu_zyx(), None, {}, AFFINE, replace(SMALL, beam=beam)).views[0].pose
    away = (usual.centre_mm - usual.source_mm) / 1800
    before = replace(usual, source_mm=usual.source_mm - 400 * away, origin_mm=usual.origin_mm - 400 * away)
    beyond = replace(usual, source_mm=usual.source_mm + 1900 * away, origin_mm=usual.origin_mm + 1900 * away)
    for pose in (before, beyond) if beam == "cone" else (before,):
        with pytest.raises(SettingsError, match="between source and detector"):
            project_ct(hu_zyx(), None, {}, AFFINE, replace(SMALL, poses=(NamedPose("one", "PA", pose),)))


def test_no_two_cts_share_their_noise() -> None:
    other = hu_zyx()
    other[5, 6, 7] += 1
    one, two = (project_ct(hu, None, {}, AFFINE, SMALL).views[0].pictures.raw for hu in (hu_zyx(), other))
    assert (one != two).mean() > 0.1


def test_labels_of_ones_own_have_ids_of_their_own_and_no_row_in_paxray(tmp_path: Path) -> None:
    body = turned(values_zyx(), NAMES, AFFINE, hu_zyx())
    layers = Layers(values_zyx(), ("my tumour", "heart", "another"), {1: (0,), 3: (1,), 2: (2,)})
    made = project_layers(body, layers, SMALL)
    ids = {row["name"]: (row["id"], row["supercategory"]) for row in json.loads(coco_json(made))["categories"]}
    assert ids == {"heart": (121, "heart"), "my tumour": (OWN, "own"), "another": (OWN + 1, "own")}
    assert set(masks_table(made)["category_id"].to_pylist()) == {121, OWN, OWN + 1}
    with pytest.raises(InputError, match="not for another, my tumour"):
        write_target(made.views[0], tmp_path / "target.npy")
