"""COCO run lengths: against pycocotools, round trips, and damaged strings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools import mask as coco

from curation.errors import InputError
from projection import rle

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


def test_a_large_mask_as_pycocotools() -> None:
    y, x = np.mgrid[:1024, :1024]
    ring = np.abs(np.hypot(y - 500, x - 300) - 250) < 40
    assert rle.encode(ring) == theirs(ring)["counts"].decode()


def test_nothing_merges_to_nothing() -> None:
    assert rle.merge([], 3, 4) == rle.encode(np.zeros((3, 4), dtype=bool))


@pytest.mark.parametrize("damaged", ["\x00", "~~", "o", "ooooooooooooooo0", "é"])
def test_what_is_no_run_length_is_refused(damaged: str) -> None:
    with pytest.raises(InputError):
        rle.decode(damaged, 4, 4)


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="do not fill"):
        rle.decode(rle.encode(np.ones((3, 4), dtype=bool)), 4, 4)
