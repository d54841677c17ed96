"""COCO run lengths: against pycocotools, round trips, and damaged strings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco

from curation import rle
from curation.errors import InputError

Mask = NDArray[np.bool_]


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    lengths = draw(st.lists(st.integers(0, 90), min_size=1, max_size=60))
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)[: rows * columns]
    return np.pad(flat, (0, rows * columns - len(flat))).reshape((rows, columns), order="F")


def theirs(mask: Mask) -> dict[str, Any]:
    encoded: dict[str, Any] = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return encoded


@given(masks())
def test_as_pycocotools(mask: Mask) -> None:
    made = rle.encode(mask)
    assert made == theirs(mask)["counts"].decode()
    assert rle.area(made) == coco.area(theirs(mask)) == mask.sum()
    assert rle.box(made, mask.shape[0]) == tuple(coco.toBbox(theirs(mask)).astype(int))


@given(masks())
def test_round_trip(mask: Mask) -> None:
    np.testing.assert_array_equal(rle.decode(rle.encode(mask), *mask.shape), mask)


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=30))
def test_counts_of_any_size_round_trip(counts: list[int]) -> None:
    assert rle.decompress(rle.compress(np.array(counts))).tolist() == counts


@given(st.data())
def test_merge_is_the_union(data: st.DataObject) -> None:
    first = data.draw(masks())
    second = np.roll(first, data.draw(st.integers(0, first.size)))
    made = rle.merge([rle.encode(first), rle.encode(second)], *first.shape)
    assert made == rle.encode(first | second)
    assert made == coco.merge([theirs(first), theirs(second)])["counts"].decode()


@given(st.data())
def test_subtract_is_the_union_without_the_others(data: st.DataObject) -> None:
    first = data.draw(masks())
    others = [np.roll(first, data.draw(st.integers(0, 50)), axis=data.draw(st.integers(0, 1))) for _ in range(3)]
    given_rles = [rle.encode(mask) for mask in (first, *others)]
    expected = (first | others[0]) & ~(others[1] | others[2])
    assert rle.subtract(given_rles[:2], given_rles[2:], *first.shape) == rle.encode(expected)


def test_a_large_mask_as_pycocotools() -> None:
    y, x = np.mgrid[:1024, :1024]
    ring = np.abs(np.hypot(y - 500, x - 300) - 250) < 40
    assert rle.encode(ring) == theirs(ring)["counts"].decode()


def test_nothing_merges_to_nothing() -> None:
    assert rle.merge([], 3, 4) == rle.encode(np.zeros((3, 4), dtype=bool))


@pytest.mark.parametrize("damaged", ["\x00", "~~", "o", "ooooooooooooooo0", "é", "", "0", "````", "_", "1" * 30])
def test_what_is_no_run_length_is_refused(damaged: str) -> None:
    with pytest.raises(InputError):
        rle.decode(damaged, 4, 4)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="do not fill"):
        rle.decode(rle.encode(np.ones((3, 4), dtype=bool)), 4, 4)


def test_long_and_falling_runs_decompress() -> None:
    mask = np.zeros((500, 400), bool)
    mask[:, 100:102] = mask[7, 350] = True
    expected = [500 * 100, 1000, 500 * 248 + 7, 1, 500 * 50 - 8]
    assert rle.decompress(theirs(mask)["counts"].decode()).tolist() == expected


def test_no_string_is_no_counts() -> None:
    assert rle.decompress("").tolist() == []
    assert rle.area("") == 0


def test_counts_whose_sum_wraps_around_to_the_size_are_refused() -> None:
    huge = rle.compress(np.array([2**58] * 64 + [5]))
    with pytest.raises(InputError, match="do not fill"):
        rle.decode(huge, 1, 5)
