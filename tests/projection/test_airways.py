"""The airways cut at the carina, and its angles, on tubes of known direction."""

import numpy as np
import pytest

from projection.anatomy import airways
from projection.anatomy.body import Body, Bools, Floats
from tests.projection.tubes import SPACING_ZYX_MM, Space, mirrored, same_voxels, scanned_otherwise, shape_of

ALL = {"trachea without bronchi", "main bronchus left", "main bronchus right", "tracheal bifurcation", "carina"}
SPACE = Space((-45, -20, -52), (45, 40, 60), SPACING_ZYX_MM)
FINE = Space((-42, -12, -40), (42, 24, 15), (0.8, 0.8, 0.8))
THICK = Space((-45, -20, -52), (45, 40, 60), (5.0, 0.8, 0.8))


def way(side: float, angle_deg: float, back: float = 0.0) -> Floats:
    """Unit vector down and to a side (1 is left), at an angle from the vertical as seen from the front."""
    vector = np.array([side * np.sin(np.radians(angle_deg)), back, -np.cos(np.radians(angle_deg))])
    unit: Floats = vector / np.linalg.norm(vector)
    return unit


RIGHT, LEFT = way(-1, 25, 0.3), way(1, 45, 0.2)


def tree(space: Space = SPACE, right: Floats = RIGHT, left: Floats = LEFT, length_mm: float = 50.0) -> Bools:
    """A trachea 18 mm wide from z 60 to 0, bronchi 12 mm wide from there."""
    start = np.zeros(3)
    mask = space.tube(np.array([[0.0, 0, 70], start]), 9.0)
    for direction in (right, left):
        mask |= space.tube(np.array([start, start + direction * length_mm]), 6.0)
    return mask


def body(mask: Bools, space: Space = SPACE) -> Body:
    return space.body({"trachea": mask})


def degrees(one: Floats, two: Floats) -> float:
    return float(np.degrees(np.arccos(one @ two / np.linalg.norm(one) / np.linalg.norm(two))))


def test_trachea_and_bronchi_are_a_partition() -> None:
    of = body(tree())
    found = airways.parts(of)
    assert set(found) == ALL
    total = sum(found[label].full(of.values.shape).astype(int) for label in ALL if "bronch" in label)
    assert np.array_equal(total, of.values)
    assert of.mm(found["main bronchus left"].voxels())[:, 0].min() > -1
    assert of.mm(found["main bronchus right"].voxels())[:, 0].max() < 1


def test_the_bifurcation_is_within_15_mm_of_the_carina_and_the_carina_a_small_ball() -> None:
    of = body(tree())
    found, carina = airways.parts(of), airways.carina(of)
    assert carina is not None
    far_mm = np.linalg.norm(of.mm(found["tracheal bifurcation"].voxels()) - carina.point_mm, axis=1)
    assert 13 < far_mm.max() <= 15
    assert (found["tracheal bifurcation"].full(of.values.shape) <= (of.values == 1)).all()
    ball_ml = found["carina"].mask.sum() * np.prod(SPACING_ZYX_MM)
    assert ball_ml == pytest.approx(4 / 3 * np.pi * 27, rel=0.35)


@pytest.mark.parametrize(("space", "tolerance"), [(SPACE, 3.0), (THICK, 5.0), (FINE, 3.0)])
def test_the_angles_of_straight_bronchi(space: Space, tolerance: float) -> None:
    """Parallel walls: inner borders and centre lines make the same angle."""
    carina = airways.carina(body(tree(space), space))
    assert carina is not None
    assert carina.front_angle_deg == pytest.approx(70.0, abs=tolerance)
    assert carina.front_inner_angle_deg == pytest.approx(70.0, abs=tolerance)
    assert carina.angle_deg == pytest.approx(degrees(RIGHT, LEFT), abs=tolerance)
    assert degrees(carina.direction_right, RIGHT) < tolerance
    assert degrees(carina.direction_left, LEFT) < tolerance


@pytest.mark.parametrize("angles", [(15.0, 25.0), (40.0, 50.0)])
def test_narrow_and_wide_forks(angles: tuple[float, float]) -> None:
    right, left = way(-1, angles[0]), way(1, angles[1])
    carina = airways.carina(body(tree(FINE, right, left), FINE))
    assert carina is not None
    assert carina.angle_deg == pytest.approx(sum(angles), abs=3.0)
    assert carina.angle_deg == pytest.approx(carina.front_angle_deg, abs=0.5)


def test_the_carina_lies_where_the_inner_walls_meet() -> None:
    """Closed form: both walls, 6 mm from axes that are 20° off the vertical, cross at z -6 / sin 20°."""
    carina = airways.carina(body(tree(FINE, way(-1, 20), way(1, 20)), FINE))
    assert carina is not None
    assert carina.point_mm == pytest.approx(np.array([0, 0, -6 / np.sin(np.radians(20))]), abs=1.5)


def test_the_bronchus_of_the_upper_lobe_does_not_draw_the_line_aside() -> None:
    branch = SPACE.tube(np.array([RIGHT * 16, RIGHT * 16 + [-22.0, 0, -4]]), 3.0)
    carina = airways.carina(body(tree() | branch))
    assert carina is not None
    assert carina.angle_deg == pytest.approx(degrees(RIGHT, LEFT), abs=5.0)


def test_a_mirrored_body_has_mirrored_parts_and_the_same_angles() -> None:
    of, other = body(tree()), mirrored(body(tree()))
    right = airways.parts(of)["main bronchus right"].full(shape_of(of))
    left = airways.parts(other)["main bronchus left"].full(shape_of(of))
    assert np.array_equal(right, left[:, :, ::-1])
    one, two = airways.carina(of), airways.carina(other)
    assert one is not None
    assert two is not None
    assert one.angle_deg == pytest.approx(two.angle_deg, abs=0.1)
    assert one.front_inner_angle_deg == pytest.approx(two.front_inner_angle_deg, abs=0.1)


def test_the_orientation_of_the_scan_does_not_matter() -> None:
    of = body(tree())
    other = scanned_otherwise(of)
    assert same_voxels(airways.parts(of), airways.parts(other), shape_of(of))
    assert np.allclose(airways.centre_line(of), airways.centre_line(other))


def test_a_label_with_gaps_and_specks() -> None:
    height = SPACE.points_mm[..., 2]
    mask = tree() & (np.abs(height - 30) > 2.6) & (np.abs(height + 24) > 1.3)
    mask |= SPACE.box((30, 20, -20), (33, 23, -17)) | SPACE.box((-30, 0, 40), (-28, 2, 42))
    of = body(mask)
    found = airways.parts(of)
    total = sum(found[label].full(of.values.shape).astype(int) for label in ALL if "bronch" in label)
    assert np.array_equal(total, of.values)
    carina = airways.carina(of)
    assert carina is not None
    assert carina.angle_deg == pytest.approx(degrees(RIGHT, LEFT), abs=4.0)


def test_the_line_of_the_trachea_ends_at_the_carina() -> None:
    of = body(tree())
    line, carina = airways.centre_line(of), airways.carina(of)
    assert carina is not None
    assert np.array_equal(line[-1], carina.point_mm)
    assert (np.diff(line[:, 2]) < 0).all()
    assert line[0, 2] > 50
    high = line[line[:, 2] > 10]
    assert np.abs(high[:, :2]).max() < 0.5


def test_a_scan_that_ends_within_the_trachea() -> None:
    neck = Space((-20, -20, 10), (20, 20, 60), SPACING_ZYX_MM)
    of = body(neck.tube(np.array([[0.0, 0, 70], [0, 0, 0]]), 9.0), neck)
    assert set(airways.parts(of)) == {"trachea without bronchi"}
    assert airways.carina(of) is None
    assert len(airways.centre_line(of)) == 20


def test_one_bronchus_alone_gives_nothing() -> None:
    """After a lung is removed: where the trachea ends is not known."""
    mask = SPACE.tube(np.array([[0.0, 0, 70], [0, 0, 0]]), 9.0) | SPACE.tube(np.array([np.zeros(3), LEFT * 32]), 6.0)
    assert airways.parts(body(mask)) == {}
    assert len(airways.centre_line(body(mask))) == 0


def test_bronchi_too_short_for_an_angle_still_have_a_carina() -> None:
    of = body(tree() & (SPACE.points_mm[..., 2] > -17))
    assert set(airways.parts(of)) == ALL
    assert airways.carina(of) is None


def test_bronchi_without_the_trachea_have_no_carina() -> None:
    low = Space((-45, -20, -52), (45, 40, -14), SPACING_ZYX_MM)
    of = body(tree(low), low)
    assert set(airways.parts(of)) == {"main bronchus left", "main bronchus right"}
    assert airways.carina(of) is None
    assert len(airways.centre_line(of)) == 0


def test_a_piece_beside_the_trachea_is_no_bronchus() -> None:
    """Two tubes that nowhere join below the top of the scan: which is the trachea is not known."""
    mask = SPACE.tube(np.array([[0.0, 0, 40], [0, 0, -20]]), 9.0) | SPACE.tube(
        np.array([[30.0, 0, 0], [30, 0, -20]]), 6.0
    )
    assert airways.parts(body(mask)) == {}


def test_no_trachea() -> None:
    of = SPACE.body({"heart": tree()})
    assert airways.parts(of) == {}
    assert airways.carina(of) is None
    assert len(airways.centre_line(of)) == 0
