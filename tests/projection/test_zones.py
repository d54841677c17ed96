"""Lung zones: where the planes lie, and that the zones are a partition of each lung."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from projection.anatomy import zones
from projection.anatomy.body import Body
from projection.anatomy.structures import LOBES
from projection.anatomy.zones import Plane

SHAPE = (60, 60, 80)
SPACING_MM = 4.0
NUMBERS = {
    "lung_upper_lobe_left": 1,
    "lung_lower_lobe_left": 2,
    "lung_upper_lobe_right": 3,
    "lung_lower_lobe_right": 4,
    "clavicula_left": 5,
    "clavicula_right": 6,
    "rib_left_2": 7,
    "rib_left_4": 8,
    "rib_right_2": 9,
    "rib_right_4": 10,
}
AFFINE = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])


def rib(values: NDArray[np.uint8], number: int, front_z: int, side: int) -> None:
    """A hoop from back to front whose front end is in slice ``front_z``."""
    for angle in np.deg2rad(np.arange(20, 161, 1)):
        x = 40 + side * 34 * np.sin(angle)
        y = 30 + 22 * np.cos(angle)
        values[front_z : front_z + 2, int(y) : int(y) + 2, int(x) : int(x) + 2] = number


def chest() -> NDArray[np.uint8]:
    values = np.zeros(SHAPE, np.uint8)
    for side, lobes, columns in ((1, (1, 2), np.s_[45:65]), (-1, (3, 4), np.s_[16:36])):
        values[30:55, 15:45, columns] = lobes[0]
        values[5:30, 15:45, columns] = lobes[1]
        rib(values, 7 if side > 0 else 9, 40 if side > 0 else 42, side)
        rib(values, 8 if side > 0 else 10, 25, side)
    values[50:53, 5:8, 42:46] = 5  # the head of the clavicle, which climbs outwards
    values[54:57, 5:8, 46:70] = 5
    values[50:53, 5:8, 34:38] = 6
    values[54:57, 5:8, 10:34] = 6
    return values


BODY = Body(chest(), NUMBERS, AFFINE)


def without(*names: str) -> Body:
    values = BODY.values.copy()
    for name in names:
        values[values == NUMBERS[name]] = 0
    return replace(BODY, values=values)


def test_each_plane_lies_at_its_landmark_and_means_both_sides() -> None:
    made = zones.planes(BODY)
    assert made is not None
    assert made.apical_upper == Plane(52 * SPACING_MM, "landmark")
    assert made.upper_mid.z_mm == pytest.approx(41.5 * SPACING_MM, abs=SPACING_MM / 2)
    assert made.mid_base.z_mm == pytest.approx(25.5 * SPACING_MM, abs=SPACING_MM / 2)
    assert {made.upper_mid.source, made.mid_base.source} == {"landmark"}


def test_one_side_is_enough_for_a_landmark() -> None:
    made = zones.planes(without("rib_right_2", "clavicula_left"))
    assert made is not None
    assert made.upper_mid.z_mm == pytest.approx(40.5 * SPACING_MM, abs=SPACING_MM / 2)
    assert made.apical_upper == Plane(52 * SPACING_MM, "landmark")


def test_a_missing_landmark_gives_thirds_and_says_so() -> None:
    top, height = 54 * SPACING_MM, 49 * SPACING_MM
    made = zones.planes(without("rib_right_4", "rib_left_4"))
    assert made is not None
    assert made.mid_base.z_mm == pytest.approx(top - height * 2 / 3)
    assert made.mid_base.source == "thirds"
    assert made.upper_mid.source == "landmark"
    bare = zones.planes(without(*(name for name in NUMBERS if not name.startswith("lung"))))
    assert bare is not None
    assert [plane.z_mm for plane in (bare.apical_upper, bare.upper_mid, bare.mid_base)] == pytest.approx(
        [top - height * share for share in (1 / 6, 1 / 3, 2 / 3)]
    )


def test_landmarks_out_of_order_are_given_up() -> None:
    swapped = {**NUMBERS, "rib_left_2": 8, "rib_left_4": 7, "rib_right_2": 10, "rib_right_4": 9}
    made = zones.planes(replace(BODY, numbers=swapped))
    assert made is not None
    assert {plane.source for plane in (made.apical_upper, made.upper_mid, made.mid_base)} == {"thirds"}


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_zones_of_a_side_are_disjoint_and_the_whole_lung(tilt: float) -> None:
    affine = AFFINE.copy()
    affine[2, 0], affine[0, 2] = tilt * SPACING_MM, -tilt * SPACING_MM
    body = replace(BODY, affine=affine)
    made = zones.parts(body)
    assert len(made) == 8
    for side, lobes in LOBES.items():
        masks = [region.full(SHAPE) for label, region in made.items() if label.startswith(side)]
        total = np.sum(masks, axis=0)
        assert total.max() == 1
        np.testing.assert_array_equal(total > 0, body.region(*lobes).full(SHAPE))


def test_zones_lie_where_a_slow_look_at_each_voxel_says() -> None:
    affine = AFFINE.copy()
    affine[2, 1], affine[1, 2] = 0.5, -0.5
    body = replace(BODY, affine=affine)
    cuts = zones.planes(body)
    assert cuts is not None
    height = body.mm(np.argwhere(body.region(*LOBES["left"]).full(SHAPE)))[:, 2]
    wanted = {
        "left apical zone lung": (height >= cuts.apical_upper.z_mm).sum(),
        "left upper zone lung": ((height < cuts.apical_upper.z_mm) & (height >= cuts.upper_mid.z_mm)).sum(),
        "left mid zone lung": ((height < cuts.upper_mid.z_mm) & (height >= cuts.mid_base.z_mm)).sum(),
        "left lung base": (height < cuts.mid_base.z_mm).sum(),
    }
    made = zones.parts(body)
    assert {label: int(made[label].mask.sum()) for label in wanted} == wanted


def test_a_lung_that_does_not_reach_the_apex_has_no_apical_zone() -> None:
    values = BODY.values.copy()
    values[50:][np.isin(values[50:], [3])] = 0
    made = zones.parts(replace(BODY, values=values))
    assert "right apical zone lung" not in made
    assert "left apical zone lung" in made


def test_a_lung_removed_leaves_the_other_and_no_lung_nothing() -> None:
    one = zones.parts(without("lung_upper_lobe_left", "lung_lower_lobe_left"))
    assert {label.split()[0] for label in one} == {"right"}
    none = without(*(name for name in NUMBERS if name.startswith("lung")))
    assert zones.planes(none) is None
    assert zones.parts(none) == {}
