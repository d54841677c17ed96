"""Outlines in a fixed order, and masks from outlines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import InputError
from projection.measure.contours import (
    LOWER_LEFT,
    OUTLINES,
    Bools,
    Floats,
    border,
    contour,
    largest_piece,
    mask_of,
    outlines,
)


def disc(rows: int, columns: int, x: float, y: float, radius: float) -> Bools:
    at_y, at_x = np.mgrid[:rows, :columns]
    made: Bools = (at_x - x) ** 2 + (at_y - y) ** 2 <= radius**2
    return made


def dice(one: Bools, other: Bools) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def inside_by_ray(points: Floats, x: float, y: float) -> bool:
    """The slow oracle: count the sides that a ray to the left meets."""
    count = 0
    for (x0, y0), (x1, y1) in zip(points.tolist(), np.roll(points, -1, axis=0).tolist(), strict=True):
        if (y0 <= y) != (y1 <= y):
            count += x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x
    return count % 2 == 1


def signed_area(points: Floats) -> float:
    x, y = points.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def test_the_border_of_one_pixel_is_its_four_sides_clockwise_from_the_upper() -> None:
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    assert border(mask).tolist() == [[3, 1.5], [3.5, 2], [3, 2.5], [2.5, 2]]


def test_the_border_goes_round_a_notch_and_stays_with_its_piece_at_a_corner_contact() -> None:
    mask = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool)
    assert border(mask).tolist() == [
        [0, -0.5], [1, -0.5], [2, -0.5], [2.5, 0], [2.5, 1], [2, 1.5], [1.5, 1], [1, 0.5],
        [0.5, 1], [1, 1.5], [1.5, 2], [1, 2.5], [0, 2.5], [-0.5, 2], [-0.5, 1], [-0.5, 0],
    ]  # fmt: skip


def test_the_border_itself_gives_the_piece_back_with_its_hole_filled() -> None:
    ring = disc(60, 70, 30.2, 28.7, 20) & ~disc(60, 70, 30, 30, 8)
    assert np.array_equal(mask_of(border(ring), 60, 70), disc(60, 70, 30.2, 28.7, 20))


def test_a_disc_gives_a_regular_polygon_of_its_area_clockwise_from_its_corner() -> None:
    points = contour(disc(300, 300, 150, 140, 100), 44, LOWER_LEFT)
    radii = np.hypot(*(points - [150, 140]).T)
    assert np.allclose(radii, 100, atol=1)
    assert signed_area(points) == pytest.approx(np.pi * 100**2, rel=2e-3)  # positive: clockwise where y points down
    assert np.allclose(points[0], [150 - 70.7, 140 + 70.7], atol=3)
    steps = np.hypot(*np.diff(points, axis=0, append=points[:1]).T)
    assert np.ptp(steps) < 0.1 * steps.mean()


def test_of_several_pieces_the_largest_is_outlined_and_of_equal_ones_the_first() -> None:
    mask = disc(100, 200, 40, 40, 10) | disc(100, 200, 120, 60, 25)
    assert np.allclose(contour(mask, 30).mean(axis=0), [120, 60], atol=0.5)
    twins = disc(100, 200, 140, 40, 15) | disc(100, 200, 40, 41, 15)
    assert np.allclose(contour(twins, 30).mean(axis=0), [140, 40], atol=0.5)


def test_stairs_of_thick_slices_do_not_pull_the_points() -> None:
    rows = np.arange(240) // 6 * 6 + 2.5
    left, right = 60 + 0.3 * rows, 200 + 0.3 * rows
    columns = np.arange(400)
    mask = np.zeros((300, 400), bool)
    mask[30:270] = (columns >= left[:, None]) & (columns < right[:, None])
    points = contour(mask, 50)
    side = points[(points[:, 1] > 50) & (points[:, 1] < 250) & (points[:, 0] < 150)]
    assert np.allclose(side[:, 0], 60 + 0.3 * (side[:, 1] - 30), atol=1.2)  # a stair is 1.8 px deep


def test_a_mask_at_the_edge_of_the_picture_is_outlined_along_the_edge() -> None:
    mask = np.ones((40, 50), bool)
    assert np.array_equal(mask_of(border(mask), 40, 50), mask)
    assert dice(mask_of(contour(mask, 60), 40, 50), mask) > 0.98


@given(st.lists(st.tuples(st.integers(30, 90), st.integers(30, 90), st.integers(12, 28)), min_size=1, max_size=5))
@settings(max_examples=30, deadline=None)
def test_random_blobs_come_back(discs: list[tuple[int, int, int]]) -> None:
    blob = np.zeros((120, 120), bool)
    for x, y, radius in discs:
        blob |= disc(120, 120, x, y, radius)
    outline = contour(blob, 64)
    filled = mask_of(border(largest_piece(blob)), 120, 120)
    assert dice(mask_of(outline, 120, 120), filled) > 0.97
    assert np.array_equal(outline, contour(blob, 64))


@given(st.lists(st.tuples(st.integers(-4, 24), st.integers(-4, 24)), min_size=3, max_size=7), st.booleans())
@settings(max_examples=60, deadline=None)
def test_filling_agrees_with_a_ray_from_each_pixel(corners: list[tuple[int, int]], halves: bool) -> None:
    points = np.array(corners, np.float64) / (2 if halves else 1)
    filled = mask_of(points, 9, 11)
    assert filled.tolist() == [[inside_by_ray(points, x, y) for x in range(11)] for y in range(9)]


def test_polygons_that_share_a_side_share_no_pixel_and_leave_none() -> None:
    left = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 6.0], [0.0, 6.0]])
    right = left + np.array([4.0, 0.0])
    one, other = mask_of(left, 8, 10), mask_of(right, 8, 10)
    assert not (one & other).any()
    assert (one | other).sum() == 8 * 6


def test_more_points_than_the_border_has_sides_stay_on_it() -> None:
    mask = np.zeros((6, 6), bool)
    mask[2:4, 2:4] = True
    points = contour(mask, 40)
    assert np.isfinite(points).all()
    assert (points > 1).all() and (points < 4).all()


def test_the_outlines_of_a_view_have_their_numbers_of_points_and_leave_out_what_is_not_there() -> None:
    masks = {
        "right lung": disc(90, 90, 30, 40, 20),
        "heart": disc(90, 90, 50, 60, 15),
        "left lung": np.zeros((9, 9), bool),
    }
    made = outlines(masks)
    assert {label: points.shape for label, points in made.items()} == {"right lung": (44, 2), "heart": (26, 2)}
    assert (OUTLINES["right lung"].n_points, OUTLINES["left lung"].n_points, OUTLINES["heart"].n_points) == (44, 50, 26)


def test_what_cannot_be_outlined_or_filled_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        contour(np.zeros((4, 4), bool), 10)
    with pytest.raises(InputError, match="3 points"):
        contour(np.ones((4, 4), bool), 2)
    with pytest.raises(InputError, match="shape"):
        mask_of(np.zeros((2, 2)), 4, 4)
    with pytest.raises(InputError, match="finite"):
        mask_of(np.array([[0, 0], [1, np.nan], [2, 2]]), 4, 4)
