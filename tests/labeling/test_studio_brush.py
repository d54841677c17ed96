"""Brush run lengths: against Label Studio's converter and pycocotools, round trips, other sizes, and damage."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_studio_sdk.converter import brush as theirs
from numpy.typing import NDArray
from pycocotools import mask as coco

from curation import rle
from curation.errors import InputError
from labeling.studio import brush
from tests.curation.test_rle import Mask, masks

few = settings(max_examples=25, deadline=None)


def with_sizes(values: list[int], value_bits: int, length_bits: list[int], written: list[bool]) -> list[int]:
    """A slow packer of any sizes: runs of up to seven values, repeated or written as ``written`` says in turn."""
    bits = f"{len(values):032b}{value_bits - 1:05b}" + "".join(f"{size - 1:04b}" for size in length_bits)
    at = turn = 0
    while at < len(values):
        stop = at + 1
        literal = written[turn % len(written)]
        choice = turn % 4
        limit = at + min(7, 2 ** length_bits[choice])
        while stop < min(limit, len(values)) and (literal or values[stop] == values[at]):
            stop += 1
        bits += f"{0 if literal else 1}{choice:02b}" + f"{stop - at - 1:0{length_bits[choice]}b}"
        bits += "".join(f"{value:0{value_bits}b}" for value in (values[at:stop] if literal else values[at : at + 1]))
        at, turn = stop, turn + 1
    bits += "0" * (-len(bits) % 8)
    return [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]


def rgba(alpha: NDArray[Any]) -> list[int]:
    return [int(value) for value in np.repeat(alpha.ravel(), 4)]


def oracle(mask: Mask) -> list[int]:
    """Label Studio's own, less the byte that it adds where none is needed."""
    converter: Any = theirs
    made: list[int] = converter.mask2rle(mask.astype(np.uint8) * 255)
    return made


@few
@given(masks())
def test_bytes_as_label_studios_converter_makes_them(mask: Mask) -> None:
    made = brush.encode(mask)
    assert made == oracle(mask)[: len(made)]
    assert oracle(mask)[len(made) :] in ([], [0])
    np.testing.assert_array_equal(theirs.decode_rle(made).reshape(*mask.shape, 4)[..., 3] > 0, mask)


@few
@given(masks())
def test_what_the_converter_makes_is_read(mask: Mask) -> None:
    np.testing.assert_array_equal(brush.decode(oracle(mask), *mask.shape), mask)


@few
@given(masks())
def test_to_and_from_coco_as_through_an_array(mask: Mask) -> None:
    counts = rle.encode(mask)
    assert brush.from_coco(counts, *mask.shape) == brush.encode(mask)
    assert brush.to_coco(brush.encode(mask), *mask.shape) == counts
    assert counts == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


def test_a_large_mask_with_runs_longer_than_a_length_can_say() -> None:
    y, x = np.mgrid[:700, :900]
    mask = (np.hypot(y - 300, x - 300) < 280) & ~(np.hypot(y - 320, x - 280) < 90)
    mask[600:] = True
    assert brush.encode(mask) == oracle(mask)
    assert brush.to_coco(oracle(mask), 700, 900) == rle.encode(mask)


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (3, 7), (128, 128), (129, 254)])
def test_full_and_empty(filled: bool, shape: tuple[int, int]) -> None:
    mask = np.full(shape, filled)
    assert theirs.decode_rle(brush.encode(mask)).tolist() == [255 * filled] * (4 * mask.size)
    np.testing.assert_array_equal(brush.decode(brush.encode(mask), *shape), mask)
    assert brush.to_coco(brush.from_coco(rle.encode(mask), *shape), *shape) == rle.encode(mask)


@given(
    masks(),
    st.integers(8, 32),
    st.lists(st.integers(1, 16), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=1, max_size=5),
)
@few
def test_any_word_size_and_any_sizes_of_lengths(
    mask: Mask, value_bits: int, length_bits: list[int], written: list[bool]
) -> None:
    packed = with_sizes(rgba(mask * 255), value_bits, length_bits, written)
    np.testing.assert_array_equal(brush.decode(packed, *mask.shape), mask)


def test_a_mask_of_single_bits() -> None:
    mask = np.array([[True, False, True], [False, True, True]])
    packed = with_sizes(rgba(mask), 1, [2, 3, 4, 5], [True, False])
    np.testing.assert_array_equal(brush.decode(packed, 2, 3), mask)


def test_a_pixel_belongs_to_a_soft_stroke_if_half_of_it_is_covered() -> None:
    alpha = np.array([[0, 1, 127, 128, 254, 255]])
    packed = with_sizes(rgba(alpha), 8, [3, 4, 8, 16], [False])
    assert brush.decode(packed, 1, 6).tolist() == [[False, False, False, True, True, True]]


def test_alpha_alone_counts() -> None:
    values = [255, 255, 255, 0, 0, 0, 0, 255, 9, 9, 9, 200]
    assert brush.decode(with_sizes(values, 8, [3, 4, 8, 16], [True]), 1, 3).tolist() == [[False, True, True]]


STROKE = (
    "0003a980391bffffff00f06760118f46d91917049f008c5e3f49ffe3868c0f824b8046d97ffe3a48c0b82498046451fcdfff"
    "8e86304e0926011acc7eb7ffe3c78c5382498046511f4dfff8f3a313e09260119747c17ffe3e18d53824980462d1e9613ff8"
    "d8382498046171e6e13ff8d8b82498046311dcdfff8fd6311e092e011adc7f36ffe331e09360119f47d51ffc71bc128c0230"
    "98c97ffff807edd700"
)
"""A short stroke on an empty image of 200 by 300, as Label Studio 1.23.2 wrote it from Chromium."""
ERASED = (
    "0003a980391bff178f00c87ffc11ac0321fff046b00c87ffc11ac0321fff046b00bfff18062fffe08d60190fff823580643f"
    "fe08d6011ffc7e5194f04a3008ffe39fe094e013ffc74b8ddff823580643ffe08d60190fff823580643ffe08d60190fff823"
    "580643ffe665601c12bfffffff807ffff00ffffe01c60bc000"
)
"""A rectangle and a row that were pushed there, and a line that was taken out of them with the eraser."""


@pytest.mark.parametrize(
    ("written", "area_px", "box"), [(STROKE, 58, (183, 83, 12, 11)), (ERASED, 510, (0, 5, 300, 26))]
)
def test_what_the_real_editor_writes(written: str, area_px: int, box: tuple[int, ...]) -> None:
    packed = list(bytes.fromhex(written))
    alpha = theirs.decode_rle(packed).reshape(200, 300, 4)[..., 3]
    assert {0, 255} < {*alpha.ravel().tolist()}  # soft edges
    np.testing.assert_array_equal(brush.decode(packed, 200, 300), alpha >= 128)
    counts = brush.to_coco(packed, 200, 300)
    assert (rle.area(counts), rle.box(counts, 200)) == (area_px, box)


GOOD = brush.encode(np.eye(9, 14, dtype=bool))


@pytest.mark.parametrize(
    "packed",
    [
        [],
        [0] * 8,
        GOOD[:7],
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        [255, 255, 255, 255, *GOOD[4:]],
        [-1, *GOOD[1:]],
        [256, *GOOD[1:]],
        ["0", *GOOD[1:]],
        [None, *GOOD[1:]],
        [0.5, *GOOD[1:]],
        [*GOOD[:4], 255, 255, 255, 255, *[255] * 40],
        with_sizes(rgba(np.zeros((9, 14))), 32, [16] * 4, [True])[:-3],
    ],
)
def test_damage_is_refused(packed: list[Any]) -> None:
    with pytest.raises(InputError):
        brush.decode(packed, 9, 14)


@few
@given(st.data())
def test_any_change_is_a_mask_or_refused(data: st.DataObject) -> None:
    packed = list(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(4, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(InputError):
        assert brush.decode(packed, 9, 14).shape == (9, 14)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="expected 14 rows by 10 columns"):
        brush.decode(GOOD, 14, 10)
    with pytest.raises(InputError, match="do not fill"):
        brush.from_coco(rle.encode(np.zeros((3, 3), bool)), 3, 4)


def test_a_mask_beyond_the_format_is_refused() -> None:
    with pytest.raises(InputError, match="at most"):
        brush.from_coco(rle.compress(np.array([1 << 31])), 1 << 16, 1 << 15)


@few
@given(masks())
def test_crossing_twice_changes_nothing(mask: Mask) -> None:
    edges = rle.edges(rle.encode(mask), *mask.shape)
    rows, columns = mask.shape
    across = brush.crossed(edges, rows, columns)
    assert across.tolist() == rle.edges(rle.encode(mask.T), columns, rows).tolist()
    assert brush.crossed(across, columns, rows).tolist() == edges.tolist()


def inside(x: float, y: float, points: list[tuple[float, float]]) -> bool:
    crossings = 0
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if (ay > y) != (by > y):
            crossings += x >= ax + (y - ay) * (bx - ax) / (by - ay)
    return crossings % 2 == 1


@few
@given(st.lists(st.tuples(st.integers(-2, 60), st.integers(-2, 50)), min_size=1, max_size=8))
def test_a_polygon_holds_the_pixels_whose_centres_it_surrounds(corners: list[tuple[int, int]]) -> None:
    points = [(x / 4, y / 4 + 1 / 16) for x, y in corners]  # no corner at the height of a row's centre
    mask = rle.decode(brush.polygon_to_coco(np.array(points), 10, 12), 10, 12)
    expected = [[inside(x + 0.5, y + 0.5, points) for x in range(12)] for y in range(10)]
    np.testing.assert_array_equal(mask, expected)
