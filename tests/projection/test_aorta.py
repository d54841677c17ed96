"""The aorta cut in three, and its centre line, on a cane of known line and radius."""

from functools import cache

import numpy as np
import pytest

from projection.anatomy import aorta
from projection.anatomy.body import Body, Bools, Floats
from tests.projection.tubes import SPACING_ZYX_MM, Space, mirrored, same_voxels, scanned_otherwise, shape_of

PARTS = {"ascending aorta", "aortic arch", "descending aorta"}
RADIUS_MM, BEND_MM = 10.0, 30.0
SPACE = Space((-30, -70, -150), (30, 60, 60), SPACING_ZYX_MM)


def cane(x_mm: float = 0.0) -> Floats:
    """Up in front from z -80, half a circle in the sagittal plane, down behind to z -140."""
    angle = np.linspace(np.pi, 0, 25)
    bend = np.stack([np.full(25, x_mm), BEND_MM * np.cos(angle), BEND_MM * np.sin(angle)], axis=1)
    return np.concatenate([[[x_mm, -BEND_MM, -80.0]], bend, [[x_mm, BEND_MM, -140.0]]])


@cache
def drawn() -> Bools:
    return SPACE.tube(cane(), RADIUS_MM)


def body(mask: Bools | None = None) -> Body:
    return SPACE.body({"aorta": drawn() if mask is None else mask})


def z_mm(index: int) -> float:
    return float(SPACE.affine[2, 3] + index * SPACING_ZYX_MM[0])


def assert_partition(of: Body) -> None:
    found = aorta.parts(of)
    total = np.sum([region.full(of.values.shape) for region in found.values()], axis=0)
    assert np.array_equal(total, of.values == of.numbers["aorta"])


def cut_z_mm(of: Body) -> float:
    return z_mm(aorta.parts(of)["aortic arch"].start_zyx[0])


def test_a_cane_is_cut_where_its_limbs_join() -> None:
    """Above the inner bend, 20 mm high; a bridge of 4 mm is not yet joined: at most 22 mm and a slice."""
    found = aorta.parts(body())
    assert set(found) == PARTS
    assert_partition(body())
    assert 20.0 <= cut_z_mm(body()) <= 25.0
    centres = {label: body().mm(region.voxels()).mean(axis=0) for label, region in found.items()}
    assert centres["ascending aorta"][1] < -20
    assert centres["descending aorta"][1] > 20


def test_a_mirrored_body_has_mirrored_parts() -> None:
    mask = SPACE.tube(cane(), RADIUS_MM) | SPACE.tube(np.array([[-8.0, 30, -20], [-8.0, 30, -100]]), 8.0)
    one, two = aorta.parts(body(mask)), aorta.parts(mirrored(body(mask)))
    shape = shape_of(body())
    assert one.keys() == two.keys()
    for label in one:
        assert np.array_equal(one[label].full(shape), two[label].full(shape)[:, :, ::-1])


def test_the_orientation_of_the_scan_does_not_matter() -> None:
    other = scanned_otherwise(body())
    assert same_voxels(aorta.parts(body()), aorta.parts(other), shape_of(body()))
    assert np.allclose(aorta.centre_line(body()).points_mm, aorta.centre_line(other).points_mm)


def test_limbs_that_touch_stay_two() -> None:
    bridge = SPACE.box((-3, -30, -40), (3, 30, -28))
    wide = SPACE.box((-9, -30, -40), (9, 30, -28))
    for mask in (drawn() | bridge, drawn() | wide):
        assert_partition(body(mask))
        assert cut_z_mm(body(mask)) == cut_z_mm(body())
        front = aorta.parts(body(mask))["ascending aorta"]
        assert body().mm(front.voxels())[:, 1].max() <= 1.5


def test_a_label_with_gaps_and_stray_voxels() -> None:
    mask = drawn().copy()
    for gap_mm in (-100.0, -50.0, 30.0):
        mask &= np.abs(SPACE.points_mm[..., 2] - gap_mm) > 2.6
    mask |= SPACE.box((20, 40, -90), (23, 43, -85)) | SPACE.box((20, -40, -50), (23, -38, -46))
    assert_partition(body(mask))
    assert cut_z_mm(body(mask)) == cut_z_mm(body())
    assert aorta.parts(body(mask))["descending aorta"].start_zyx[0] == 1
    line = aorta.centre_line(body(mask)).points_mm
    assert off_mm(line[line[:, 2] < 15]).max() < 1.0
    assert (
        off_mm(line).max() < RADIUS_MM
    )  # the lost slices lie along the middle of the arch: only a half of it is whole


def test_an_aneurysm_of_the_ascending_part() -> None:
    wide = drawn() | SPACE.tube(np.array([[0.0, -42, -50], [0.0, -42, -20]]), 24.0)
    assert_partition(body(wide))
    assert cut_z_mm(body(wide)) == cut_z_mm(body())
    line = aorta.centre_line(body(wide))
    radii = line.radii_mm[np.array(line.parts) == "ascending aorta"]
    assert radii.max() == pytest.approx(24.0, abs=2.0)


def test_iliac_arteries_side_by_side_are_no_limbs() -> None:
    low = SPACE.tube(np.array([[-15.0, 30, -148], [-6.0, 30, -125]]), 5.0)
    low |= SPACE.tube(np.array([[15.0, 30, -148], [6.0, 30, -125]]), 5.0)
    mask = (drawn() & (SPACE.points_mm[..., 2] > -125)) | low
    assert_partition(body(mask))
    assert cut_z_mm(body(mask)) == cut_z_mm(body())


def test_short_stray_limbs_in_front_do_not_move_the_arch() -> None:
    mask = drawn() | SPACE.box((-5, -35, -145), (5, -25, -138))
    assert cut_z_mm(body(mask)) == cut_z_mm(body())
    assert_partition(body(mask))


def test_a_scan_that_ends_below_the_arch_gives_both_limbs() -> None:
    mask = drawn() & (SPACE.points_mm[..., 2] < 0)
    assert set(aorta.parts(body(mask))) == PARTS - {"aortic arch"}
    line = aorta.centre_line(body(mask))
    assert set(line.parts) == PARTS - {"aortic arch"}
    assert off_mm(line.points_mm).max() < 1.0


def test_one_limb_that_goes_higher_than_the_other_is_no_arch() -> None:
    mask = drawn() & ((SPACE.points_mm[..., 2] < -30) | (SPACE.points_mm[..., 1] > 15)) & (SPACE.points_mm[..., 2] < 0)
    assert set(aorta.parts(body(mask))) == PARTS - {"aortic arch"}
    assert_partition(body(mask))


def test_a_single_limb_descends_if_it_lies_on_the_spine() -> None:
    mask = drawn() & (SPACE.points_mm[..., 2] < -90)
    spine = SPACE.box((-12, 46, -145), (12, 56, -60))
    with_spine = SPACE.body({"aorta": mask, "vertebrae_T10": spine})
    assert set(aorta.parts(with_spine)) == {"descending aorta"}
    line = aorta.centre_line(with_spine)
    assert set(line.parts) == {"descending aorta"}
    assert (np.diff(line.points_mm[:, 2]) < 0).all()
    assert aorta.parts(body(mask)) == {}
    in_front = SPACE.body({"aorta": SPACE.tube(cane()[:2], RADIUS_MM), "vertebrae_T10": spine})
    assert aorta.parts(in_front) == {}
    beside = SPACE.body({"aorta": mask, "vertebrae_T4": SPACE.box((-12, 46, 10), (12, 56, 50))})
    assert aorta.parts(beside) == {}


def test_the_top_of_the_arch_alone_is_not_told_apart() -> None:
    top = drawn() & (SPACE.points_mm[..., 2] > 25)
    spine = SPACE.box((-12, 42, -145), (12, 52, 60))
    assert aorta.parts(SPACE.body({"aorta": top, "vertebrae_T4": spine})) == {}


def test_pepper_in_the_label_does_not_hide_the_limbs() -> None:
    holes = np.random.default_rng(0).random(drawn().shape) < 0.1
    of = body(drawn() & ~holes)
    assert set(aorta.parts(of)) == PARTS
    assert_partition(of)


def test_no_aorta() -> None:
    empty = SPACE.body({"heart": drawn()})
    assert aorta.parts(empty) == {}
    assert len(aorta.centre_line(empty).points_mm) == len(aorta.centre_line(empty).radii_mm) == 0


def off_mm(points: Floats) -> Floats:
    """Distance to the cane's line, closed form."""
    x, y, z = points.T
    bent = np.abs(np.hypot(y, z) - BEND_MM)
    straight = np.abs(np.abs(y) - BEND_MM)
    off: Floats = np.hypot(np.where(z > 0, bent, straight), x)
    return off


def test_the_centre_line_of_a_cane() -> None:
    line = aorta.centre_line(body())
    length_mm = np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1).sum()
    assert off_mm(line.points_mm).max() < 1.0
    assert length_mm == pytest.approx(70 + np.pi * BEND_MM + 140, abs=25)
    inner = line.radii_mm[2:-2]
    assert np.abs(inner - RADIUS_MM).max() < 0.75  # half a pixel; at the bend the planes are not quite perpendicular
    assert np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1) == pytest.approx(5.0, abs=1.5)
    changes = [one for one, two in zip(("", *line.parts), line.parts, strict=False) if one != two]
    assert changes == ["", "ascending aorta", "aortic arch"]
    assert line.points_mm[0, 1] < 0 < line.points_mm[-1, 1]


def test_a_hollow_label_has_no_middle() -> None:
    mask = drawn() & ~SPACE.tube(cane(), 8.0)
    assert len(aorta.centre_line(body(mask)).points_mm) == 0


def test_a_flat_arch_that_the_line_does_not_reach() -> None:
    """An arch of one slice: the line turns below it, and no point is called arch."""
    top = cut_z_mm(body()) + 1.0
    line = aorta.centre_line(body(drawn() & (SPACE.points_mm[..., 2] < top)))
    assert {"ascending aorta", "descending aorta"} & set(line.parts)
