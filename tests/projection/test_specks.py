"""Stray voxels of a segmentation go, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy.body import Body
from projection.anatomy.specks import without_specks
from projection.kernels import specks as kernels

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


def body(values: NDArray[np.uint8]) -> Body:
    return Body(values, {"one": 1, "two": 2}, AFFINE)


def test_one_voxel_far_from_its_bone_goes_and_what_touches_it_stays() -> None:
    values = np.zeros((20, 30, 40), np.uint8)
    values[2:12, 2:22, 2:22] = 1
    values[12, 22, 22] = 1  # touches at a corner
    values[18, 28, 38] = 1  # 0.002 ml, 25 mm away
    values[15, 5, 5] = 2  # all there is of the other
    made = without_specks(body(values)).values
    expected = values.copy()
    expected[18, 28, 38] = 0
    assert (made == expected).all()
    assert values[18, 28, 38] == 1  # the given labels are not changed


def test_pieces_that_are_large_or_much_of_their_structure_stay() -> None:
    values = np.zeros((20, 30, 40), np.uint8)
    values[0:10, 0:20, 0:20] = 1
    values[15:18, 25:28, 30:33] = 1  # 0.054 ml
    values[15:17, 2, 2] = 2
    values[15, 20, 2] = 2  # half of what there is
    given_body = body(values)
    assert without_specks(given_body) is given_body
    assert without_specks(body(np.zeros((3, 4, 5), np.uint8))).values.sum() == 0


@settings(deadline=None, max_examples=60)  # the first call compiles
@given(st.integers(0, 2**32 - 1))
def test_pieces_as_scipy_labels_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 8, 3).tolist())
    values = (rng.integers(1, 4, shape) * (rng.random(shape) < rng.random())).astype(np.uint8)
    runs, starts, piece = kernels.pieces(values)
    found = np.zeros(shape, np.int64)
    for row in range(len(starts) - 1):
        for run in range(starts[row], starts[row + 1]):
            found[row // shape[1], row % shape[1], runs[run, 0] : runs[run, 1]] = piece[run] + 1
    assert ((found > 0) == (values > 0)).all()
    for value in (1, 2, 3):
        expected, n = ndimage.label(values == value, np.ones((3, 3, 3)))
        assert len({*zip(found[expected > 0].tolist(), expected[expected > 0].tolist(), strict=True)}) == n
        assert len({*found[values == value].tolist()}) == n


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_orientation_does_not_matter(axes: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    values = (rng.random((12, 14, 16)) < 0.08).astype(np.uint8)
    values[3:9, 3:9, 3:9] = 1
    straight = without_specks(Body(values, {"one": 1}, np.eye(4))).values
    turned = without_specks(Body(values.transpose(axes), {"one": 1}, np.eye(4))).values
    assert (turned == straight.transpose(axes)).all()
