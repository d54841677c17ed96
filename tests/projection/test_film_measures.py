"""The twelve measurements on a chest drawn with a ruler, 1 mm a pixel: right lung at image left."""

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from curation.errors import InputError, SettingsError
from projection.anatomy import anatomy
from projection.anatomy.spine import SPINOUS
from projection.anatomy.structures import ORDINALS
from projection.measure.contours import Bools
from projection.measure.film import TAKEN, measure
from projection.measure.readings import Reading, definitions
from projection.measure.silhouettes import opened, smooth

SIZE = 400
Y, X = np.mgrid[:SIZE, :SIZE]
FROM_NEIGHBOURS = {"carina", "trachea without bronchi", "main bronchus right", "main bronchus left"}


def box(top: int, bottom: int, left: int, right: int) -> Bools:
    """Rows and columns, both ends included."""
    made = np.zeros((SIZE, SIZE), bool)
    made[top : bottom + 1, left : right + 1] = True
    return made


@cache
def chest() -> dict[str, Bools]:
    """Midline at column 200; thorax 280 wide, trachea 18, descending aorta 30."""
    down = Y - 150
    masks = {
        "right lung": box(60, 299, 60, 179),
        "left lung": box(60, 299, 221, 339),
        "heart": ((X - 210) ** 2 + (Y - 240) ** 2 <= 60**2) | box(190, 200, 130, 200),  # with the stub of a vessel
        "clavicle right": box(70, 80, 100, 185),
        "clavicle left": box(70, 80, 220, 300),
        "scapula right": box(60, 159, 40, 79),
        "scapula left": box(60, 159, 330, 369),
        "trachea without bronchi": box(40, 149, 191, 208) | box(142, 149, 180, 220),  # it widens where it forks
        "tracheal bifurcation": box(140, 160, 185, 215),
        "carina": box(148, 152, 198, 202),
        "main bronchus right": (down >= 0) & (down <= 30) & (X + down * 0.3640 <= 200) & (X >= 175),
        "main bronchus left": (down >= 0) & (down <= 30) & (X - down >= 200) & (X <= 235),
        "aortic arch": box(100, 130, 190, 240),
        "descending aorta": box(131, 330, 215, 244),
        "ascending aorta": box(120, 200, 170, 200),
        "upper mediastinum": box(60, 140, 165, 235) | box(131, 140, 100, 300),
        "right hemidiaphragm": box(250, 260, 60, 179),
        "left hemidiaphragm": box(260, 270, 221, 339),
    }
    masks |= {f"vertebrae T{number}": box(50 + 25 * number, 70 + 25 * number, 185, 215) for number in range(1, 8)}
    return masks | {
        f"posterior {name} rib right": box(70 + 20 * n, 78 + 20 * n, 60, 190) for n, name in enumerate(ORDINALS, 1)
    }


def taken_at(view: str, pixel_mm: float, changed: Mapping[str, Bools | None]) -> dict[str, Reading]:
    masks = dict(chest())
    for name, mask in changed.items():
        masks.pop(name.replace("_", " "))
        if mask is not None:
            masks[name.replace("_", " ")] = mask
    return {reading.measure: reading for reading in measure(masks, view, pixel_mm)}


def readings(**changed: Bools | None) -> dict[str, Reading]:
    return taken_at("PA", 1.0, changed)


def points(reading: Reading) -> list[tuple[float, float]]:
    return [(x, y) for _, x, y in reading.landmarks]


def parts(reading: Reading) -> dict[str, float]:
    return {name: value for name, value, _ in reading.parts}


def test_the_table_names_twelve_measures_with_labels_that_exist_and_a_function_each() -> None:
    known = {row.label for row in anatomy()} | FROM_NEIGHBOURS
    assert [row.id for row in definitions()] == list(TAKEN)
    assert len(TAKEN) == 12
    for row in definitions():
        assert set(row.labels) <= known
        assert set(row.whole) <= set(row.labels)
        assert row.direction in ("at least", "below", "outside")
        assert row.cut in ("reason", "verdict")
        assert all(len(row.thresholds[view]) == 1 + (row.direction == "outside") for view in row.views)
        assert row.unit and row.source and row.positive and row.negative


def test_every_measure_is_taken_with_its_landmarks_in_the_order_of_the_table() -> None:
    taken = readings()
    for definition in definitions():
        reading = taken[definition.id]
        assert reading.reason == ""
        assert reading.value is not None
        assert tuple(point.name for point in reading.landmarks) == definition.points
        assert reading.verdict in (definition.positive, definition.negative)


def test_rotation_compares_the_distances_of_the_clavicles_from_the_midline() -> None:
    taken = readings()["rotation"]
    assert (taken.value, taken.verdict) == (0.75, "not rotated")
    assert parts(taken) == {"right clavicle to midline": 15.0, "left clavicle to midline": 20.0}
    assert points(taken) == [(185, 75), (220, 75), (200, 75), (200, 75)]


def test_a_tilted_spine_is_followed_as_a_line() -> None:
    tilted = {
        f"vertebrae_T{number}": box(50 + 25 * number, 70 + 25 * number, 185 + 5 * number, 215 + 5 * number)
        for number in range(1, 8)
    }
    assert parts(readings(**tilted)["rotation"]) == {
        "right clavicle to midline": 18.0,
        "left clavicle to midline": 17.0,
    }


def test_the_spinous_processes_are_the_midline_where_they_are_known() -> None:
    masks = chest() | {SPINOUS: box(80, 88, 204, 208) | box(110, 118, 204, 208) | box(150, 158, 204, 208)}
    taken = {reading.measure: reading for reading in measure(masks, "PA", 1.0)}["rotation"]
    assert parts(taken) == {"right clavicle to midline": 21.0, "left clavicle to midline": 14.0}


def test_a_clavicle_that_ends_across_the_midline_gives_zero_and_two_give_no_value() -> None:
    assert readings(clavicle_right=box(70, 80, 100, 205))["rotation"].value == 0
    crossed = readings(clavicle_right=box(70, 80, 100, 205), clavicle_left=box(70, 80, 195, 300))["rotation"]
    assert (crossed.value, crossed.reason) == (None, "both clavicles end beyond the midline")


def test_two_vertebrae_give_no_midline() -> None:
    absent: dict[str, Bools | None] = {f"vertebrae_T{number}": None for number in range(3, 8)}
    taken = readings(**absent)
    assert taken["rotation"].reason == "fewer than three of the vertebrae T1 to T7 have a mask"
    assert taken["trachea_deviation"].value is None
    assert taken["cardiomegaly"].value is not None
    flat = {reading.measure: reading for reading in measure(chest() | {SPINOUS: box(90, 90, 198, 202)}, "PA", 1.0)}
    assert flat["rotation"].reason == "the spine is seen on one row only"


def test_projection_takes_the_scapula_that_lies_more_over_its_lung() -> None:
    taken = readings()["projection"]
    assert (taken.value, taken.verdict) == (0.5, "AP")
    assert parts(taken) == {"share of right scapula": 0.5, "share of left scapula": 0.25}
    assert readings(scapula_right=box(60, 159, 30, 59))["projection"].verdict == "PA"


def test_the_heart_is_measured_without_the_stub_of_a_vessel() -> None:
    taken = readings()["cardiomegaly"]
    assert taken.value == pytest.approx(121 / 280, abs=0.01)
    assert parts(taken)["thorax width"] == 280
    assert parts(taken)["heart width with stubs of hilar vessels"] == 141
    assert points(taken)[2:] == [(60, 60), (339, 60)]
    assert points(taken)[0] == pytest.approx((150, 240), abs=2)


def test_a_heart_of_half_the_thorax_is_large_on_pa_and_not_on_ap() -> None:
    large = (X - 210) ** 2 + (Y - 240) ** 2 <= 72**2
    assert taken_at("PA", 1.0, {"heart": large})["cardiomegaly"].verdict == "cardiomegaly"
    assert taken_at("AP", 1.0, {"heart": large})["cardiomegaly"].verdict == "normal heart size"


def test_the_mediastinum_is_measured_at_the_arch_not_where_it_is_widest() -> None:
    taken = readings()["mediastinal_widening"]
    assert (taken.value, taken.positive) == (round(71 / 280, 4), True)
    assert taken_at("AP", 1.0, {})["mediastinal_widening"].positive is False
    assert points(taken) == [(165, 100), (235, 100), (60, 100), (339, 100)]
    assert readings(upper_mediastinum=box(60, 90, 165, 235))["mediastinal_widening"].reason == (
        "two structures that are measured together do not share a level"
    )


def test_the_carina_angle_is_that_between_the_inner_borders() -> None:
    taken = readings()["carina_angle"]
    assert taken.value == pytest.approx(20 + 45, abs=1.5)
    assert taken.verdict == "normal"
    assert points(taken)[2] == (200, 150)
    wide = (Y - 150 >= 0) & (Y - 150 <= 30) & (X >= 200 + 1.9 * (Y - 150)) & (X <= 260)
    assert readings(main_bronchus_left=wide)["carina_angle"].verdict == "abnormal"


def test_bronchi_that_are_short_or_do_not_part_have_no_angle() -> None:
    assert "less than 1 cm" in readings(main_bronchus_left=box(150, 153, 200, 230))["carina_angle"].reason
    assert "less than 1 cm" in readings(main_bronchus_left=box(150, 157, 200, 230))["carina_angle"].reason
    together = readings(main_bronchus_left=(Y >= 150) & (Y <= 180) & (X >= 200 - 0.5 * (Y - 150)) & (X <= 230))
    assert together["carina_angle"].reason == "the main bronchi do not part below the carina"


def test_the_knob_reaches_from_the_trachea_to_the_farthest_border_of_arch_and_descending_aorta() -> None:
    taken = readings()["aortic_knob_enlargement"]
    assert (taken.value, parts(taken)) == (2.0, {"knob width": 36.0, "trachea width": 18.0})
    assert readings(aortic_arch=box(100, 130, 190, 256))["aortic_knob_enlargement"].verdict == "enlarged"
    right = readings(aortic_arch=box(100, 130, 160, 210))["aortic_knob_enlargement"]
    assert right.reason == "the arch lies to the right of the trachea"


def test_the_descending_aorta_is_measured_across_its_course() -> None:
    assert readings()["descending_aorta_enlargement"].value == round(30 / 18, 4)
    leaning = (Y >= 131) & (Y <= 330) & (X >= 215 + (Y - 131) // 2) & (X <= 244 + (Y - 131) // 2)
    taken = readings(descending_aorta=leaning)["descending_aorta_enlargement"]
    assert parts(taken)["descending aorta width"] == pytest.approx(30 * math.cos(math.atan(0.5)), abs=0.6)
    right, left = points(taken)[:2]
    assert (left[0] - right[0]) == pytest.approx(-2 * (left[1] - right[1]), rel=0.05)  # at right angles to its course


def test_the_dome_is_not_taken_for_what_rises_beside_it() -> None:
    spurred = chest()["left hemidiaphragm"] | box(150, 259, 225, 235)
    taken = readings(left_hemidiaphragm=spurred)["descending_aorta_tortuous"]
    assert points(taken)[-1] == (244, 260)


def test_an_aorta_that_is_short_above_the_diaphragm_is_not_measured() -> None:
    taken = readings(left_hemidiaphragm=box(160, 170, 221, 339))
    for name in ("descending_aorta_enlargement", "descending_aorta_tortuous"):
        assert taken[name].reason == "less than 4 cm of the descending aorta lie between arch and diaphragm"


@pytest.mark.parametrize(("radius_mm", "verdict"), [(90, "tortuous"), (400, "not tortuous")])
def test_an_aorta_along_a_circle_has_three_quarters_of_its_curvature(radius_mm: float, verdict: str) -> None:
    border = 244 + radius_mm - np.sqrt(np.maximum(radius_mm**2 - (Y - 195.0) ** 2, 0))
    bent = (Y >= 131) & (Y <= 260) & (border <= X + 30) & (border >= X)
    taken = readings(descending_aorta=bent)["descending_aorta_tortuous"]
    assert taken.value == pytest.approx(0.75 / radius_mm, rel=0.15)  # one-sided differences halve the ends
    assert taken.verdict == verdict
    assert readings()["descending_aorta_tortuous"].value == 0


def test_mm_follow_the_pixel_and_ratios_do_not() -> None:
    fine = taken_at("PA", 0.8, {})
    assert parts(fine["cardiomegaly"])["thorax width"] == pytest.approx(280 * 0.8)
    assert fine["rotation"].value == 0.75


def test_lungs_on_the_film_are_included_and_ends_at_its_edge_are_not() -> None:
    taken = readings()["inclusion"]
    assert (taken.value, taken.verdict) == (6, "complete")
    assert points(taken) == [(119.5, 60), (280, 60), (60, 179.5), (339, 179.5), (60, 299), (339, 299)]
    cut = readings(right_lung=box(0, 299, 0, 179), left_lung=box(60, 395, 221, 339))["inclusion"]
    assert (cut.value, cut.verdict) == (3, "incomplete")
    assert [name for name, seen in parts(cut).items() if not seen] == ["right apex", "right side", "left angle"]


def test_the_lowest_rib_above_the_dome_is_counted_by_its_number() -> None:
    taken = readings()["inspiration"]
    assert (taken.value, taken.verdict) == (8, "poor inspiration")
    assert points(taken) == [(142.5, 250), (142.5, 234)]
    without_upper = readings(posterior_1st_rib_right=None, posterior_2nd_rib_right=None)
    assert without_upper["inspiration"].value == 8
    low = readings(right_hemidiaphragm=box(330, 340, 60, 179))["inspiration"]
    assert (low.value, low.verdict) == (12, "good inspiration")


def test_inspiration_needs_dome_ribs_and_clavicle_on_one_line() -> None:
    assert "does not meet" in readings(right_hemidiaphragm=box(250, 260, 60, 100))["inspiration"].reason
    assert "below the 8th" in readings(posterior_9th_rib_right=None)["inspiration"].reason
    assert "no right posterior rib" in readings(right_hemidiaphragm=box(62, 70, 60, 179))["inspiration"].reason


def test_the_trachea_is_central_until_the_midline_leaves_it() -> None:
    taken = readings()["trachea_deviation"]
    assert taken.value == pytest.approx(-0.5 / 18, abs=1e-4)
    assert taken.verdict == "central"
    left = readings(trachea_without_bronchi=box(40, 149, 204, 221))["trachea_deviation"]
    assert left.value == pytest.approx(12.5 / 18, abs=1e-4)
    assert (left.verdict, parts(left)["mean distance to the left"]) == ("deviated", 12.5)
    assert readings(trachea_without_bronchi=box(40, 149, 179, 196))["trachea_deviation"].verdict == "deviated"


def test_the_ascending_aorta_counts_beyond_the_line_from_heart_to_trachea() -> None:
    taken = readings()["ascending_aorta_enlargement"]
    (x0, y0), (x1, y1) = points(taken)[:2]
    inside = [(x, y) for y in range(120, 201) for x in range(170, 201)]
    beyond = [x for x, y in inside if x < x1 + (x0 - x1) * (y - y1) / (y0 - y1)]
    assert taken.value == pytest.approx(len(beyond) / len(inside), abs=1e-4)
    assert (x1, y1) == (191, 139)
    assert readings(ascending_aorta=box(120, 200, 196, 215))["ascending_aorta_enlargement"].verdict == "not enlarged"
    far = readings(heart=(X - 290) ** 2 + (Y - 240) ** 2 <= 60**2)["ascending_aorta_enlargement"]
    assert "does not lie below" in far.reason


def test_a_missing_mask_is_named_and_the_others_are_measured() -> None:
    taken = readings(heart=None, clavicle_left=np.zeros((SIZE, SIZE), bool))
    assert taken["cardiomegaly"].reason == "no mask of heart"
    assert taken["rotation"].reason == "no mask of clavicle left"
    assert (taken["cardiomegaly"].value, taken["cardiomegaly"].positive, taken["cardiomegaly"].verdict) == (
        None,
        None,
        "",
    )
    assert taken["cardiomegaly"].landmarks == ()
    assert taken["cardiomegaly"].threshold == (0.5,)
    assert taken["trachea_deviation"].value is not None


def test_a_heart_thinner_than_a_vessel_is_not_measured() -> None:
    assert readings(heart=box(200, 210, 150, 250))["cardiomegaly"].reason == "the mask is too small to be measured"


def test_lungs_that_share_no_level_have_no_thorax() -> None:
    taken = readings(right_lung=box(60, 100, 60, 179), left_lung=box(150, 299, 221, 339))["cardiomegaly"]
    assert taken.reason == "two structures that are measured together do not share a level"


@pytest.mark.parametrize(
    ("label", "mask", "name", "reason"),
    [
        ("scapula right", box(0, 159, 40, 79), "projection", "scapula right is cut by the edge of the picture"),
        ("left lung", box(60, 299, 221, 399), "cardiomegaly", "inner left thorax lies at the edge of the picture"),
    ],
)
def test_what_the_edge_of_the_picture_cuts_has_a_reason(label: str, mask: Bools, name: str, reason: str) -> None:
    assert readings(**{label.replace(" ", "_"): mask})[name].reason == reason


def test_what_lies_where_rays_leave_the_ct_has_a_reason() -> None:
    covered = box(66, 399, 0, 399)
    taken = {reading.measure: reading for reading in measure(chest(), "PA", 1.0, covered)}
    assert taken["inclusion"].reason == "right apex lies where rays leave the CT"
    assert taken["projection"].reason == "scapula right reaches where rays leave the CT"
    assert taken["cardiomegaly"].reason == "inner right thorax lies where rays leave the CT"
    assert taken["mediastinal_widening"].reason == ""


def test_the_largest_piece_is_measured_not_a_speck() -> None:
    specked = chest()["clavicle right"] | box(72, 73, 192, 194)
    assert readings(clavicle_right=specked)["rotation"].value == 0.75


def test_a_lateral_has_no_frontal_measures_and_wrong_calls_are_refused() -> None:
    assert measure(chest(), "LAT", 1.0) == []
    with pytest.raises(SettingsError, match="no measurement heart"):
        measure(chest(), "PA", 1.0, limits={"heart": (1.0,)})
    with pytest.raises(SettingsError, match="carina_angle has 2"):
        measure(chest(), "PA", 1.0, limits={"carina_angle": (1.0,)})
    with pytest.raises(InputError, match="one size"):
        measure({"heart": np.ones((4, 4), bool), "lung": np.ones((4, 5), bool)}, "PA", 1.0)
    assert all(reading.reason for reading in measure({}, "PA", 1.0))


def test_running_medians_flatten_stairs() -> None:
    assert smooth(np.array([1, 1, 9, 1, 1]), 1).tolist() == [1, 1, 1, 1, 1]
    assert smooth(np.array([3, 4]), 0).tolist() == [3, 4]


def test_opening_keeps_a_disc_and_takes_a_thin_arm() -> None:
    mask = ((X - 200) ** 2 + (Y - 200) ** 2 <= 50**2) | box(195, 205, 100, 200)
    kept = opened(mask, 10.0)
    assert not kept[:, :148].any()
    assert kept[:, 150:].sum() == pytest.approx(math.pi * 50**2, rel=0.02)
    assert opened(mask, 0.0) is mask
    tall = opened(box(100, 103, 100, 139), 10.0, (10.0, 1.0))  # 40 mm by 40 mm
    assert tall[101:103, 110:130].all()
