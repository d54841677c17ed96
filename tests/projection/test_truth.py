"""The 3-D value beside each measurement, on a chest of boxes: 2 mm voxels, mid plane at x = 0."""

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest

from projection.anatomy import airways, aorta, diaphragm, ribs, spine
from projection.anatomy.body import Body, Floats, Region
from projection.measure import truth
from projection.measure.readings import definitions
from projection.measure.truth import TrueValue

SHAPE = (100, 60, 150)
Box = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
BOXES: dict[str, Box] = {  # voxels z, y, x, both ends included; later ones lie over earlier ones
    "lung_upper_lobe_right": ((50, 80), (10, 40), (10, 60)),
    "lung_lower_lobe_right": ((20, 49), (10, 40), (10, 60)),
    "lung_upper_lobe_left": ((50, 80), (10, 40), (90, 140)),
    "lung_lower_lobe_left": ((20, 49), (10, 40), (90, 138)),
    "clavicula_right": ((85, 85), (10, 10), (20, 65)),
    "clavicula_left": ((85, 85), (10, 10), (82, 130)),
    **{f"vertebrae_T{number}": ((90 - 8 * number, 94 - 8 * number), (50, 55), (72, 78)) for number in range(1, 8)},
    **{f"rib_right_{number}": ((number, number), (45, 45), (60, 60)) for number in range(1, 12)},
}
ANGLE = airways.Carina(np.zeros(3), np.zeros(3), np.zeros(3), 65.0, 70.0, 60.0)


def body(*without: str, shape: tuple[int, int, int] = SHAPE) -> Body:
    values = np.zeros(shape, np.uint8)
    numbers = {"heart": 1, **{name: number for number, name in enumerate(BOXES, 2)}}
    for name, (z, y, x) in BOXES.items():
        values[z[0] : z[1] + 1, y[0] : y[1] + 1, x[0] : x[1] + 1] = numbers[name]
    at_z, at_x = np.mgrid[: shape[0], : shape[2]]
    disc = (at_z - 40) ** 2 + (at_x - 80) ** 2 <= 20**2
    disc[62:66, 40:80] = disc[56:66, 76:80] = True  # a vessel leaves the heart upwards and to the right
    values[:, 20:30][np.broadcast_to(disc[:, None], (shape[0], 10, shape[2]))] = 1
    for name in without:
        values[values == numbers[name]] = 0
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = -150
    return Body(values, numbers, affine)


def block(z: tuple[int, int], x: tuple[int, int]) -> Region:
    return Region((z[0], 20, x[0]), np.ones((z[1] - z[0] + 1, 10, x[1] - x[0] + 1), bool))


PARTS = {"upper mediastinum": block((70, 85), (65, 85)), "aortic arch": block((72, 76), (70, 84))}


def aortic_line() -> aorta.CentreLine:
    """Ascending 18, arch 15, descending 12 mm in radius; the descending part turns once at z = 100."""
    descending = [[0, 0, 140], [30, 0, 100], [30, 0, 61], [200, 0, 40]]
    points = np.array([[0, -40, 100], [0, -40, 120], [0, -20, 150], *descending], float)
    labels = (aorta.ASCENDING, aorta.ASCENDING, aorta.ARCH, *[aorta.DESCENDING] * 4)
    return aorta.CentreLine(points, np.array([18, 17, 15, 12, 11, 10, 30.0]), labels)


def lines(*_: object) -> Floats:
    return np.array([[-4.0, 0, 190], [-4, 0, 120]])


@pytest.fixture(autouse=True)
def _neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbours that know the answer: their own tests hold them."""
    domes = {"right": np.array([-50.0, 0, 100]), "left": np.array([50.0, 0, 60])}
    monkeypatch.setattr(diaphragm, "domes", lambda _: domes)
    monkeypatch.setattr(airways, "carina", lambda _: ANGLE)
    monkeypatch.setattr(airways, "centre_line", lines)
    monkeypatch.setattr(aorta, "centre_line", lambda *_: aortic_line())
    monkeypatch.setattr(ribs, "trace", _rib)


def _rib(_: Body, name: str) -> SimpleNamespace:
    """From the spine outwards on one level, 15 mm lower each; the first ends before the mid-clavicular plane."""
    number = int(name.rsplit("_", 1)[1])
    end = -50 if number == 1 else -120
    return SimpleNamespace(line_mm=np.array([[x, 0, 200 - 15 * number] for x in range(-10, end, -5)], float))


def values(made: Body, parts: Mapping[str, Region] = PARTS) -> dict[str, TrueValue]:
    return {value.measure: value for value in truth.measure(made, parts)}


def quantities(value: TrueValue) -> dict[str, float]:
    return {name: number for name, number, _ in value.parts}


def test_each_of_the_twelve_has_a_row_and_the_lungs_their_volume() -> None:
    made = values(body())
    assert list(made) == [*(row.id for row in definitions()), "lung_volume"]
    assert [name for name, value in made.items() if value.value is None] == ["projection"]
    assert all(bool(value.reason) == (value.value is None) for value in made.values())
    assert [row.id for row in definitions() if not row.truth] == ["projection"]


def test_widths_are_true_mm_and_the_heart_has_no_vessel() -> None:
    made = values(body())["cardiomegaly"]
    assert quantities(made)["thorax width"] == 262
    assert quantities(made)["heart width"] == pytest.approx(82, abs=4)
    assert made.value == pytest.approx(quantities(made)["heart width"] / 262, abs=1e-4)


def test_the_clavicles_are_measured_to_the_mid_plane_of_the_spine() -> None:
    made = values(body())["rotation"]
    assert quantities(made) == {"right clavicle to mid plane": 20.0, "left clavicle to mid plane": 14.0}
    assert made.value == 0.7


def test_the_mediastinum_is_measured_at_the_arch() -> None:
    made = values(body())["mediastinal_widening"]
    assert quantities(made) == {"mediastinal width": 42.0, "thorax width": 262.0}
    low = {**PARTS, "upper mediastinum": block((40, 60), (65, 85))}
    assert "do not share a level" in values(body(), low)["mediastinal_widening"].reason
    assert values(body(), {})["mediastinal_widening"].reason == "the CT gives no upper mediastinum and no aortic arch"


def test_an_empty_slice_of_the_mediastinum_has_no_width() -> None:
    region = block((70, 85), (65, 85))
    region.mask[2:6] = False
    made = values(body(), {**PARTS, "upper mediastinum": region})["mediastinal_widening"]
    assert quantities(made)["mediastinal width"] == 42.0


def test_diameters_are_twice_the_radii_and_the_descending_part_ends_at_the_dome() -> None:
    made = values(body())
    assert made["ascending_aorta_enlargement"].value == 36
    assert made["aortic_knob_enlargement"].value == 30
    assert (made["descending_aorta_enlargement"].value, made["descending_aorta_enlargement"].unit) == (24, "mm")
    tortuous = made["descending_aorta_tortuous"]
    assert quantities(tortuous) == {"length": 89.0, "chord": pytest.approx(np.hypot(30, 79), abs=0.01)}
    assert tortuous.value == pytest.approx(89 / np.hypot(30, 79), abs=1e-4)


def test_the_carina_angle_is_that_of_the_centre_lines_with_both_views_from_the_front() -> None:
    made = values(body())["carina_angle"]
    assert made.value == 65
    assert list(quantities(made).values()) == [70, 60]


def test_lungs_within_the_ct_have_six_ends_and_cut_ones_fewer() -> None:
    assert values(body())["inclusion"].value == 6
    cut = body(shape=(81, 60, 141))
    made = values(cut)["inclusion"]
    assert made.value == 3
    assert [name for name, seen in quantities(made).items() if not seen] == ["right apex", "left apex", "left side"]


def test_a_heart_or_lungs_that_the_ct_cuts_are_not_measured() -> None:
    whole = body()
    low = values(Body(whole.values[30:], whole.numbers, whole.affine))
    assert low["cardiomegaly"].reason == "heart is cut by the edge of the CT"
    assert low["lung_volume"].reason == "lung_lower_lobe_right is cut by the edge of the CT"
    narrow = values(Body(whole.values[:, :, :135], whole.numbers, whole.affine))
    assert narrow["cardiomegaly"].reason == "lung_upper_lobe_left is cut by the edge of the CT"


def test_ribs_above_the_dome_are_counted_in_the_mid_clavicular_plane() -> None:
    made = values(body())["inspiration"]
    assert made.value == 6
    assert quantities(made) == {"mid-clavicular plane, x": -65.0, "top of right dome, z": 100.0}


def test_the_trachea_lies_as_far_from_the_mid_plane_as_its_line() -> None:
    assert values(body())["trachea_deviation"].value == -4


def test_volumes_are_voxels_times_their_size() -> None:
    made = values(body())["lung_volume"]
    counts = np.bincount(body().values.ravel())
    voxels = sum(int(counts[body().numbers[name]]) for name in BOXES if "lung" in name)
    assert made.value == pytest.approx(voxels * 0.008, abs=1e-4)
    assert made.unit == "mL"
    assert set(quantities(made)) == {"right lung", "left lung"}


@pytest.mark.parametrize(
    ("without", "name", "reason"),
    [
        (("heart",), "cardiomegaly", "the CT has no heart"),
        (("clavicula_left",), "rotation", "the CT has no clavicula_left"),
        (("clavicula_right",), "inspiration", "the CT has no clavicula_right"),
        (("lung_upper_lobe_left", "lung_lower_lobe_left"), "cardiomegaly", "the CT has not both lungs"),
        (("lung_upper_lobe_left", "lung_lower_lobe_left"), "inclusion", "the CT has not both lungs"),
        (tuple(f"vertebrae_T{n}" for n in range(1, 6)), "trachea_deviation", "the CT has fewer than three of the"),
        (tuple(f"rib_right_{n}" for n in range(2, 12)), "inspiration", "no right rib crosses"),
        (("lung_upper_lobe_right", "lung_lower_lobe_left"), "cardiomegaly", "the lungs do not share a level"),
        (tuple(name for name in BOXES if "lung" in name), "lung_volume", "the CT has no lung"),
    ],
)
def test_what_is_missing_is_named(without: tuple[str, ...], name: str, reason: str) -> None:
    made = values(body(*without))[name]
    assert made.value is None
    assert made.reason.startswith(reason)


def test_the_free_ends_of_the_spinous_processes_are_one_region() -> None:
    made = body()
    (label,) = found = spine.parts(made)
    assert label == "spinous processes"
    full = found[label].full(SHAPE)
    assert full.sum() == 7 * 5 * 5 * 7  # seven vertebrae, 5 voxels high, 10 mm deep, 7 wide
    assert not full[:, :51].any()
    assert spine.tips_mm(made)[0].tolist() == [0, 106, 168]
    bare = body(*(f"vertebrae_T{number}" for number in range(1, 8)))
    assert spine.parts(bare) == {}
    assert spine.tips_mm(bare).shape == (0, 3)


def test_clavicles_beyond_the_mid_plane_give_no_ratio() -> None:
    crossed = body()
    crossed.values[85, 10] = 0
    crossed.values[85, 10, 20:101] = crossed.numbers["clavicula_right"]
    crossed.values[86, 10, 50:130] = crossed.numbers["clavicula_left"]
    assert values(crossed)["rotation"].reason == "both clavicles end beyond the mid plane"


def test_airways_or_aorta_that_were_not_found_give_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = aorta.CentreLine(np.zeros((0, 3)), np.zeros(0), ())
    monkeypatch.setattr(diaphragm, "domes", lambda _: {"left": np.array([50.0, 0, 60])})
    monkeypatch.setattr(airways, "carina", lambda _: None)
    monkeypatch.setattr(airways, "centre_line", lambda _: np.zeros((0, 3)))
    monkeypatch.setattr(aorta, "centre_line", lambda *_: nothing)
    made = values(body())
    assert made["carina_angle"].reason == "no carina was found in the CT"
    assert made["trachea_deviation"].reason == "the CT gives no centre line of the trachea"
    assert made["inspiration"].reason == "the CT has no right dome"
    for name in ("aortic_knob", "ascending_aorta", "descending_aorta"):
        assert made[f"{name}_enlargement"].reason == "the CT does not give this part of the aorta"
    assert made["descending_aorta_tortuous"].reason == "the CT does not give this part of the aorta"


def test_without_a_dome_or_with_a_short_trachea_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diaphragm, "domes", lambda _: {})
    monkeypatch.setattr(airways, "centre_line", lambda _: np.array([[0.0, 0, 120], [0, 0, 135]]))
    made = values(body())
    assert "no left dome" in made["descending_aorta_tortuous"].reason
    assert made["trachea_deviation"].reason == "the trachea is in the CT for too short a way"
