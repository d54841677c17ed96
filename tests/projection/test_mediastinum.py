"""The mediastinum of a built chest: two lungs, and between them organs, sternum, spine and fat of known place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from projection.anatomy import aorta, floor, mediastinum, thoracic_planes
from projection.anatomy.body import Body, turned
from projection.kernels import mediastinum as kernels

NAMES = {
    1: "lung_lower_lobe_left",
    2: "lung_lower_lobe_right",
    3: "heart",
    4: "sternum",
    5: "trachea",
    6: "aorta",
    7: "esophagus",
    8: "liver",
    9: "costal_cartilages",
    **{20 + n: f"vertebrae_T{n}" for n in range(1, 13)},
    **{40 + n: f"rib_left_{n}" for n in (1, 2, 3)},
    **{50 + n: f"rib_right_{n}" for n in (1, 2, 3)},
}
MIRRORED = {
    number: name.replace("left", "?").replace("right", "left").replace("?", "right") for number, name in NAMES.items()
}
MM = 2.5
SHAPE = (100, 80, 121)
MIDDLE_X = 60


def chest() -> NDArray[np.uint8]:
    """(z, y, x) of 2.5 mm: lungs from slice 20 on, heart from 20 to 50, T12 at the bottom, 8 slices a vertebra."""
    values = np.zeros(SHAPE, np.uint8)
    z, y, x = np.indices(SHAPE, sparse=True)
    for number, side in ((1, 1), (2, -1)):
        values[((x - MIDDLE_X - side * 28) ** 2 / 22.0**2 + (y - 40) ** 2 / 32.0**2 < 1) & (z >= 20) & (z < 94)] = (
            number
        )
    values[((x - MIDDLE_X) ** 2 + (y - 32) ** 2 + ((z - 35) * 1.0) ** 2 < 15.0**2) & (z >= 20)] = 3
    values[40:90, 4:7, 52:69] = 4
    for n in range(1, 13):
        values[97 - 8 * n : 104 - 8 * n, 56:70, 54:67] = 20 + n
    values[55:100, 34:39, 58:63] = 5
    values[0:60, 48:54, 61:68] = 6
    values[10:100, 44:47, 57:61] = 7
    values[0:18, 10:54, 20:58] = 8
    for n in (1, 2, 3):
        for base, side in ((40, 1), (50, -1)):
            level = 88 - 12 * n
            columns = slice(MIDDLE_X + 24, MIDDLE_X + 55) if side > 0 else slice(MIDDLE_X - 54, MIDDLE_X - 23)
            edge = MIDDLE_X + side * 54
            values[level : level + 3, 5:9, columns] = base + n
            values[level : level + 3, 5:60, min(edge, edge + side) : max(edge, edge + side) + 1] = base + n
            gap = slice(MIDDLE_X + 9, MIDDLE_X + 24) if side > 0 else slice(MIDDLE_X - 23, MIDDLE_X - 8)
            values[level : level + 3, 5:8, gap] = 9
    return values


VALUES = chest()


def body(values: NDArray[np.uint8] = VALUES, names: dict[int, str] | None = None) -> Body:
    return turned(values, names or NAMES, np.diag([MM, MM, MM, 1.0]))


def cut(of: Body) -> dict[str, NDArray[np.bool_]]:
    return {label: region.full(of.values.shape) for label, region in mediastinum.parts(of, aorta.parts(of)).items()}


def without(*numbers: int) -> Body:
    return body(np.where(np.isin(VALUES, numbers), 0, VALUES).astype(np.uint8))


@pytest.fixture(scope="module")
def found() -> dict[str, NDArray[np.bool_]]:
    return cut(body())


def check_partition(made: dict[str, NDArray[np.bool_]]) -> None:
    whole, upper, lower = (made[label] for label in mediastinum.LABELS[:3])
    assert not (upper & lower).any()
    np.testing.assert_array_equal(upper | lower, whole)
    np.testing.assert_array_equal(sum(made[label].astype(int) for label in mediastinum.LABELS[3:]), lower.astype(int))


def test_the_parts_are_disjoint_and_together_the_whole(found: dict[str, NDArray[np.bool_]]) -> None:
    assert tuple(found) == mediastinum.LABELS
    assert mediastinum.missing(body()) == {}
    check_partition(found)


def test_it_holds_no_lung_and_no_bone_and_all_of_the_heart(found: dict[str, NDArray[np.bool_]]) -> None:
    whole = found["cardiomediastinum"]
    assert {*np.unique(VALUES[whole])} <= {0, 3, 5, 6, 7}
    assert found["middle mediastinum"][VALUES == 3].all()
    inside = (np.arange(100) >= 30) & (np.arange(100) < 80)
    for organ in (5, 6, 7):
        assert whole[inside][VALUES[inside] == organ].all()


def test_it_reaches_from_lung_to_lung_and_from_the_sternum_to_the_spine(found: dict[str, NDArray[np.bool_]]) -> None:
    whole = found["cardiomediastinum"][60]
    assert whole[40].nonzero()[0].tolist() == [*range(MIDDLE_X - 6, MIDDLE_X + 7)]
    column = whole[:, MIDDLE_X].nonzero()[0]
    assert column.tolist() == [*range(7, 56)]
    beside = whole[:, 69].nonzero()[0]
    assert beside.max() == 56 + mediastinum.BACK_MM / MM


def test_discs_are_not_part_of_it(found: dict[str, NDArray[np.bool_]]) -> None:
    assert not VALUES[56, 56:60, 60].any()
    assert not found["cardiomediastinum"][:80, 56:, 54:67].any()


def test_nothing_of_the_chest_wall_in_front_of_the_lungs_belongs_to_it(found: dict[str, NDArray[np.bool_]]) -> None:
    front = found["cardiomediastinum"][60, 7:12]
    assert front[:, 52:69].any()
    assert np.abs(front.nonzero()[1] - MIDDLE_X).max() <= 28


def test_organs_take_their_compartment(found: dict[str, NDArray[np.bool_]]) -> None:
    lower = found["lower mediastinum"]
    assert found["posterior mediastinum"][lower & (VALUES == 7)].all()
    assert found["middle mediastinum"][lower & (VALUES == 5)].all()
    assert found["posterior mediastinum"][lower & (VALUES == 6)].all()
    in_front, behind = (
        found[f"{name} mediastinum"][35, :, MIDDLE_X].nonzero()[0] for name in ("anterior", "posterior")
    )
    assert in_front.max() < 32 - 14 and behind.min() >= 44


def test_the_plane_runs_from_the_second_cartilage_to_the_disc() -> None:
    plane = mediastinum.planes(body()).division
    assert plane is not None
    assert plane.source == "2nd costal cartilage at the sternum; disc T4/T5"
    assert plane.point_mm == pytest.approx([MIDDLE_X * MM, 6 * MM, 65 * MM], abs=MM)
    disc_mm = np.array([MIDDLE_X * MM, 60 * MM, 64 * MM])
    assert abs(plane.normal @ (disc_mm - plane.point_mm)) < 0.1
    assert plane.normal @ [1.0, 0, 0] == 0


def test_a_mirrored_body_gives_mirrored_parts(found: dict[str, NDArray[np.bool_]]) -> None:
    straight, mirrored = found, cut(body(np.ascontiguousarray(VALUES[:, :, ::-1]), MIRRORED))
    assert straight.keys() == mirrored.keys()
    for label, mask in straight.items():
        other = mirrored[label][:, :, ::-1]
        assert (mask ^ other).sum() <= 0.01 * mask.sum(), label


def test_the_orientation_of_the_scan_does_not_matter(found: dict[str, NDArray[np.bool_]]) -> None:
    nz, _, nx = SHAPE
    affine = np.array([[0, 0, -MM, (nx - 1) * MM], [0, MM, 0, 0], [-MM, 0, 0, (nz - 1) * MM], [0, 0, 0, 1.0]])
    other = turned(np.ascontiguousarray(VALUES.transpose(2, 1, 0)[::-1, :, ::-1]), NAMES, affine)
    made = cut(other)
    for label, mask in found.items():
        assert np.array_equal(mask, made[label]), label


def test_without_the_heart_the_lower_one_is_not_parted() -> None:
    made = cut(without(3))
    assert tuple(made) == mediastinum.LABELS[:3]
    appendage = body(names=NAMES | {3: "atrial_appendage_left"})
    assert tuple(cut(appendage)) == mediastinum.LABELS[:3]
    assert mediastinum.missing(without(3)) == dict.fromkeys(mediastinum.LABELS[3:], "the heart is not labelled")


def test_with_one_lung_or_no_spine_there_is_none_and_a_reason() -> None:
    assert cut(without(1)) == {}
    assert mediastinum.missing(without(1))["upper mediastinum"].startswith("no lobe of the left lung is labelled")
    spineless = without(*range(21, 33))
    assert cut(spineless) == {}
    assert mediastinum.missing(spineless)["lower mediastinum"].startswith("no vertebra is labelled")


def test_without_landmarks_only_the_whole_is_there() -> None:
    bare = without(4, 24, 25)
    assert mediastinum.planes(bare).division is None
    assert tuple(cut(bare)) == ("cardiomediastinum",)
    assert mediastinum.missing(bare)["lower mediastinum"].startswith("neither the sternal angle")


def test_a_stray_piece_of_lung_is_no_border(found: dict[str, NDArray[np.bool_]]) -> None:
    stray = VALUES.copy()
    stray[3:6, 30:34, 60:64] = 1
    stray[60:62, 20:22, 60:62] = 2
    made = cut(body(stray))["cardiomediastinum"]
    changed = (made ^ found["cardiomediastinum"]) & (stray == VALUES)
    assert not changed.any()


def test_far_from_any_vertebra_only_organs_are_taken() -> None:
    made = cut(without(*range(25, 33)))["cardiomediastinum"]
    assert made[VALUES == 3].all()
    assert {*np.unique(VALUES[24:30][made[24:30]])} <= {3, 6, 7}


def test_a_scan_that_ends_above_the_diaphragm_has_no_floor() -> None:
    upper = body(np.ascontiguousarray(VALUES[52:]))
    box = (slice(0, 40), slice(0, 80), slice(0, 121))
    assert not floor.floor(upper, box).any()
    made = cut(upper)
    assert made["cardiomediastinum"][0].any()


def test_the_floor_is_the_dome_under_the_lung_and_the_heart_between() -> None:
    box = (slice(0, 100), slice(0, 80), slice(0, 121))
    level = floor.floor(body(), box)
    assert level[40, MIDDLE_X + 28] == pytest.approx(20, abs=1)
    assert level[32, MIDDLE_X] == pytest.approx(20, abs=1.5)  # a ball's underside, evened
    assert level[51, 64] == pytest.approx(4, abs=1)


def test_the_floor_hangs_no_lower_than_a_bowl_round_the_hiatus() -> None:
    box = (slice(0, 100), slice(0, 80), slice(0, 121))
    level = floor.floor(body(), box)
    y, x = np.indices(level.shape)
    across_mm2 = ((y - 50.5) ** 2 + (x - 64) ** 2) * MM**2
    assert (level >= 4 + np.minimum(across_mm2 / 60.0, 30.0) / MM - 0.5).all()


def test_soft_tissue_that_sticks_out_over_few_slices_is_no_mediastinum(found: dict[str, NDArray[np.bool_]]) -> None:
    ledge = VALUES.copy()
    ledge[60:63, 36:44, MIDDLE_X + 7 : MIDDLE_X + 20] = 0
    made = cut(body(ledge))["cardiomediastinum"]
    assert not made[60:63, 36:44, MIDDLE_X + 9 :].any()
    high = VALUES.copy()
    high[60:72, 36:44, MIDDLE_X + 7 : MIDDLE_X + 20] = 0
    assert cut(body(high))["cardiomediastinum"][62:70, 38:42, MIDDLE_X + 9 : MIDDLE_X + 18].all()
    organ = ledge.copy()
    organ[60:63, 36:44, MIDDLE_X + 7 : MIDDLE_X + 20] = 5
    assert cut(body(organ))["cardiomediastinum"][60:63, 36:44, MIDDLE_X + 7 : MIDDLE_X + 20].all()


def test_the_faces_of_the_middle_do_not_jump_with_a_vessel_of_one_slice(found: dict[str, NDArray[np.bool_]]) -> None:
    vessel = VALUES.copy()
    vessel[40, 10:52, MIDDLE_X - 2 : MIDDLE_X] = 5
    made = cut(body(vessel))
    soft = vessel == 0
    for label in mediastinum.LABELS[3:]:
        changed = (made[label] ^ found[label]) & soft
        assert changed.sum() <= 0.01 * found[label].sum(), label


def test_behind_the_heart_only_what_lies_near_the_spine_is_posterior() -> None:
    wide = VALUES.copy()
    wide[30:42, 40:50, MIDDLE_X + 8 : MIDDLE_X + 40] = 0
    made = cut(body(wide))
    columns = np.argwhere(made["posterior mediastinum"])[:, 2]
    assert np.abs(columns - MIDDLE_X).max() * MM <= mediastinum.BESIDE_MM + MM
    beside = made["middle mediastinum"][36, 48:50, MIDDLE_X + 20 : MIDDLE_X + 36]
    assert beside.all()


def test_an_oblique_body_is_cut_by_the_same_planes() -> None:
    tilt = np.radians(5.0)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * MM
    tilted = turned(VALUES, NAMES, affine)
    made = cut(tilted)
    check_partition(made)
    plane = mediastinum.planes(tilted).division
    assert plane is not None
    upper = tilted.mm(np.argwhere(made["upper mediastinum"])) - plane.point_mm
    assert (upper @ plane.normal > 0).all()


FALLBACKS = [
    ((9,), "sternum nearest to the 2nd ribs; disc T4/T5"),
    ((41, 42, 43, 51, 52, 53), "5 cm below the jugular notch; disc T4/T5"),
    ((9, 42, 52), "5 cm below the jugular notch; disc T4/T5"),
    ((4,), "disc T4/T5"),
    ((4, 25), "lower end of T4"),
    ((4, 24), "upper end of T5"),
    ((24, 25), "2nd costal cartilage at the sternum"),
]


@pytest.mark.parametrize(("gone", "source"), FALLBACKS)
def test_the_plane_falls_back_and_says_so(gone: tuple[int, ...], source: str) -> None:
    plane = thoracic_planes.division(without(*gone))
    assert plane is not None
    assert plane.source == source
    assert 55 * MM < plane.point_mm[2] < 75 * MM


def test_a_sternum_that_leaves_the_scan_or_is_a_speck_gives_no_level() -> None:
    assert (
        thoracic_planes.division(body(np.ascontiguousarray(np.where(VALUES[:85] == 4, 4, 0).astype(np.uint8)))) is None
    )
    short = np.zeros(SHAPE, np.uint8)
    short[85:90, 4:7, 52:69] = 4
    assert thoracic_planes.division(body(short)) is None


def test_a_sternum_behind_the_spine_gives_an_axial_plane() -> None:
    wrong = np.where(VALUES == 4, 0, VALUES).astype(np.uint8)
    wrong[40:90, 75:78, 52:69] = 4
    plane = thoracic_planes.inlet(body(wrong))
    assert plane.source == "jugular notch"
    assert plane.normal.tolist() == [0, 0, 1]


def test_the_inlet_falls_back_to_the_top_of_the_lungs() -> None:
    assert thoracic_planes.inlet(body()).source == "jugular notch; upper end of T1"
    assert thoracic_planes.inlet(without(4)).source == "upper end of T1"
    bare = thoracic_planes.inlet(without(4, 21))
    assert bare.source == "top of the lungs"
    assert bare.point_mm[2] == pytest.approx(93.5 * MM)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), min_size=1, max_size=20))
def test_a_hull_is_the_lowest_convex_chain(at: list[int | None]) -> None:
    known = [(i, value) for i, value in enumerate(at) if value is not None]
    chain = np.empty(len(at))
    kernels._hull(np.array([kernels._NONE if value is None else value for value in at]), 1, chain)
    for i in range(len(at)):
        chords = [
            a + (b - a) * (i - p) / max(q - p, 1)
            for p, a in known
            for q, b in known
            if p <= i <= q and (p < q or p == i)
        ]
        assert chain[i] == pytest.approx(min(chords, default=np.inf))


def test_a_scan_below_the_plane_has_no_upper_one() -> None:
    made = cut(body(np.ascontiguousarray(VALUES[:60])))
    assert "upper mediastinum" not in made
    np.testing.assert_array_equal(made["cardiomediastinum"], made["lower mediastinum"])


def test_a_gap_under_a_lung_is_no_mediastinum(found: dict[str, NDArray[np.bool_]]) -> None:
    gap = VALUES.copy()
    gap[20:24, 40:44, MIDDLE_X - 36 : MIDDLE_X - 32] = 0
    np.testing.assert_array_equal(cut(body(gap))["cardiomediastinum"], found["cardiomediastinum"])
