"""Ribs: centre lines and halves, on hoops whose line is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from projection.anatomy import ribs
from projection.anatomy.body import Body, turned

SHAPE = (40, 110, 130)
SPACING_ZYX_MM = (3.0, 2.0, 2.0)
MIDDLE_XY_MM = (130.0, 110.0)
RADII_XY_MM = (100.0, 80.0)
NUMBERS = {"rib_left_5": 7, "rib_right_5": 8, "rib_left_12": 9, "vertebrae_T5": 40}


def hoop_mm(from_deg: float, to_deg: float, side: int = 1) -> NDArray[np.float64]:
    """Points of half an ellipse that sinks forward; 0 degrees is at the spine, 90 at the side, 180 in front."""
    angle = np.deg2rad(np.arange(from_deg, to_deg, 0.5))
    x = MIDDLE_XY_MM[0] + side * RADII_XY_MM[0] * np.sin(angle)
    y = MIDDLE_XY_MM[1] + RADII_XY_MM[1] * np.cos(angle)
    return np.stack([x, y, 95.0 - 60.0 * np.arange(from_deg, to_deg, 0.5) / 180], axis=1)


def draw(values: NDArray[np.uint8], points_mm: NDArray[np.float64], number: int, radius_mm: float = 6.0) -> None:
    """Balls along a line."""
    grid = np.indices(values.shape).transpose(1, 2, 3, 0) * SPACING_ZYX_MM
    for x, y, z in points_mm[::4]:
        index = (np.array([z, y, x]) / SPACING_ZYX_MM).astype(int)
        box = tuple(slice(max(0, i - 5), i + 6) for i in index)
        values[box][((grid[box] - [z, y, x]) ** 2).sum(axis=-1) <= radius_mm**2] = number


def body_of(*hoops: tuple[NDArray[np.float64], str], spine: bool = True) -> Body:
    values = np.zeros(SHAPE, np.uint8)
    for points_mm, name in hoops:
        draw(values, points_mm, NUMBERS[name])
    if spine:
        values[28:34, 92:100, 60:70] = NUMBERS["vertebrae_T5"]
    return Body(values, NUMBERS, np.diag([*SPACING_ZYX_MM[::-1], 1.0]))


WHOLE = body_of((hoop_mm(20, 160), "rib_left_5"), (hoop_mm(20, 160, -1), "rib_right_5"))


def share_of_front(body: Body, side: str = "left") -> float:
    made = ribs.parts(body)
    front, back = (int(made[f"{half} 5th rib {side}"].mask.sum()) for half in ("anterior", "posterior"))
    return front / (front + back)


def test_the_line_runs_from_the_spine_forward_along_the_middle_of_the_bone() -> None:
    lines = ribs.centre_lines(WHOLE)
    assert lines.keys() == {"rib_left_5", "rib_right_5"}
    for name, side in (("rib_left_5", 1), ("rib_right_5", -1)):
        true_mm = hoop_mm(20, 160, side)
        line = lines[name]
        gaps = np.sqrt(((line[:, None] - true_mm[None]) ** 2).sum(axis=-1))
        assert gaps.min(axis=1).max() < 7.0  # the tip of a tube of 6 mm is at its rim
        assert np.median(gaps.min(axis=1)) < 2.5
        assert gaps[0].argmin() < 20
        assert gaps[-1].argmin() > len(true_mm) - 20
        assert (np.diff(gaps.argmin(axis=1)) > 0).all()


def test_the_halves_part_at_the_side_and_are_together_the_rib() -> None:
    made = ribs.parts(WHOLE)
    assert made.keys() == {f"{h} 5th rib {s}" for h in ("anterior", "posterior") for s in ("left", "right")}
    for side in ("left", "right"):
        front, back = (made[f"{half} 5th rib {side}"].full(SHAPE) for half in ("anterior", "posterior"))
        assert not (front & back).any()
        np.testing.assert_array_equal(front | back, WHOLE.region(f"rib_{side}_5").full(SHAPE))
        side_y = MIDDLE_XY_MM[1] / SPACING_ZYX_MM[1]
        assert np.argwhere(front)[:, 1].max() < side_y + 6
        assert np.argwhere(back)[:, 1].min() > side_y - 6
        assert abs(share_of_front(WHOLE, side) - 0.5) < 0.04


def test_orientation_does_not_matter() -> None:
    stored = np.ascontiguousarray(WHOLE.values[::-1, :, ::-1].transpose(2, 0, 1))
    to_lps = np.eye(4)
    to_lps[:3, :3] = np.array([[0, 0, -2.0], [2.0, 0, 0], [0, -3.0, 0]])
    to_lps[:3, 3] = [2.0 * (SHAPE[2] - 1), 0, 3.0 * (SHAPE[0] - 1)]
    same = turned(stored, {number: name for name, number in NUMBERS.items()}, to_lps)
    wanted, made = ribs.parts(WHOLE), ribs.parts(same)
    assert made.keys() == wanted.keys()
    for label, region in wanted.items():
        np.testing.assert_array_equal(made[label].full(SHAPE), region.full(SHAPE))


@pytest.mark.parametrize("half", ["anterior", "posterior"])
def test_of_half_a_rib_in_the_scan_only_that_half(half: str) -> None:
    hoop = hoop_mm(100, 160) if half == "anterior" else hoop_mm(20, 80)
    made = ribs.parts(body_of((hoop, "rib_left_5")))
    assert made.keys() == {f"{half} 5th rib left"}


def test_without_vertebrae_the_back_end_is_the_spine_s() -> None:
    blind = body_of((hoop_mm(20, 160), "rib_left_5"), spine=False)
    np.testing.assert_array_equal(ribs.centre_lines(blind)["rib_left_5"], ribs.centre_lines(WHOLE)["rib_left_5"])


def test_pieces_of_a_broken_rib_go_to_their_half() -> None:
    pieces = [hoop_mm(20, 50), hoop_mm(70, 110), hoop_mm(130, 160)]
    broken = body_of(*((piece, "rib_left_5") for piece in pieces))
    made = ribs.parts(broken)
    assert np.argwhere(made["anterior 5th rib left"].full(SHAPE))[:, 1].max() < MIDDLE_XY_MM[1] / 2 + 6
    assert abs(share_of_front(broken) - 0.5) < 0.06


def test_a_speck_of_another_rib_does_not_lead_the_line() -> None:
    values = WHOLE.values.copy()
    values[2:4, 10:12, 65:67] = NUMBERS["rib_left_5"]
    specked = replace(WHOLE, values=values)
    line = ribs.centre_lines(specked)["rib_left_5"]
    assert np.abs(line[-1] - hoop_mm(20, 160)[-1]).max() < 8
    assert ribs.parts(specked)["anterior 5th rib left"].full(SHAPE)[2:4, 10:12, 65:67].all()


def test_a_tip_that_bends_out_again_does_not_move_the_cut() -> None:
    """Ribs 7 to 10 may run straight forward from their side, with a tip as far out as the side is."""
    bent = hoop_mm(20, 160)
    bent[250:, 0] = np.maximum(bent[250:, 0], np.linspace(bent[250, 0], bent[:, 0].max() + 1, len(bent) - 250))
    made = ribs.parts(body_of((bent, "rib_left_5")))
    assert abs(np.argwhere(made["anterior 5th rib left"].full(SHAPE))[:, 1].max() - MIDDLE_XY_MM[1] / 2) < 6


def test_the_twelfth_rib_is_not_halved() -> None:
    floating = body_of((hoop_mm(20, 70), "rib_left_12"))
    assert ribs.parts(floating) == {}
    assert ribs.centre_lines(floating).keys() == {"rib_left_12"}


def test_a_rib_of_one_voxel_is_one_half_without_a_crash() -> None:
    values = np.zeros(SHAPE, np.uint8)
    values[20, 50, 100] = NUMBERS["rib_left_5"]
    made = ribs.parts(replace(WHOLE, values=values))
    assert [(label, int(region.mask.sum())) for label, region in made.items()] == [("posterior 5th rib left", 1)]


def test_the_front_end_is_a_landmark_only_where_it_is_seen() -> None:
    end = ribs.front_end_mm(WHOLE, "rib_left_5")
    assert end is not None
    assert np.abs(end - hoop_mm(20, 160)[-1]).max() < 6
    assert ribs.front_end_mm(WHOLE, "rib_left_3") is None
    assert ribs.front_end_mm(body_of((hoop_mm(20, 80), "rib_left_5")), "rib_left_5") is None
    cut_off = WHOLE.values[:, 20:]  # the front of the scan is missing
    shifted = WHOLE.affine.copy()
    shifted[1, 3] = 40.0
    assert ribs.front_end_mm(Body(cut_off, NUMBERS, shifted), "rib_left_5") is None


@pytest.mark.parametrize("ring_z_mm", [0.6, 5.0])
def test_thin_and_thick_slices_cut_at_the_same_place(ring_z_mm: float) -> None:
    fine = np.round(np.arange(0, SHAPE[0] * 3.0 - 3.0, ring_z_mm) / 3.0).astype(int)
    resampled = Body(WHOLE.values[fine], NUMBERS, np.diag([2.0, 2.0, ring_z_mm, 1.0]))
    assert abs(share_of_front(resampled) - 0.5) < 0.05
