"""Run lengths of 3-D masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from curation.errors import IntegrityError
from curation.runs import decode, decode_box, encode

masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=3, max_dims=3, max_side=6))


@settings(max_examples=100, deadline=None)
@given(masks)
def test_round_trip(mask: NDArray[np.bool_]) -> None:
    box = encode(mask)
    assert (decode(*box, mask.shape) == mask).all()


@settings(max_examples=100, deadline=None)
@given(masks.filter(lambda mask: bool(mask.any())))
def test_the_box_is_tight_and_runs_are_counted_one_by_one(mask: NDArray[np.bool_]) -> None:
    start, shape, runs = encode(mask)
    where = np.argwhere(mask)
    assert start == tuple(where.min(axis=0)) and shape == tuple(np.ptp(where, axis=0) + 1)
    stop = where.max(axis=0) + 1
    naive, value = [0], False
    for voxel in mask[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]].ravel().tolist():
        if voxel != value:
            naive.append(0)
            value = voxel
        naive[-1] += 1
    assert runs == tuple(naive)


def test_first_run_is_background_even_if_there_is_none() -> None:
    mask = np.zeros((3, 4, 5), np.bool_)
    mask[1, 2, 3:5] = True
    assert encode(mask) == ((1, 2, 3), (1, 1, 2), (0, 2))


def test_an_empty_mask_has_an_empty_box() -> None:
    assert encode(np.zeros((2, 3, 4), np.bool_)) == ((0, 0, 0), (0, 0, 0), ())


@pytest.mark.parametrize("runs", [(0, 5), (0, 7), (2, -1, 5), ()])
def test_runs_that_do_not_fill_their_box_are_an_error(runs: tuple[int, ...]) -> None:
    with pytest.raises(IntegrityError):
        decode_box((1, 2, 3), runs)


@pytest.mark.parametrize("start", [(1, 0, 0), (-1, 0, 0)])
@given(size=st.integers(1, 3))
def test_a_box_outside_its_volume_is_an_error(start: tuple[int, int, int], size: int) -> None:
    with pytest.raises(IntegrityError):
        decode(start, (size, 1, 1), (0, size), (size, 1, 1))
