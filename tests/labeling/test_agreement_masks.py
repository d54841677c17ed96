import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from curation.rle import decode, encode
from labeling import consensus
from labeling.agreement.masks import dice, staple

SIZE = (5, 7)
MASKS = arrays(np.bool_, SIZE, elements=st.booleans())
Mask = NDArray[np.bool_]


def disc(x: float, y: float, radius: float, size: tuple[int, int] = (120, 150)) -> Mask:
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


@settings(max_examples=50)
@given(MASKS, MASKS)
def test_dice_from_runs_is_dice_from_pixels(a: Mask, b: Mask) -> None:
    assert dice(encode(a), encode(b)) == pytest.approx(consensus.dice(a, b))
    assert dice(encode(a), encode(a)) == consensus.dice(a, a)


def test_staple_lies_between_the_readers_masks_and_is_that_of_the_whole_image_nearly() -> None:
    drawn = [disc(60, 50, 20), disc(63, 50, 21), disc(60, 54, 19)]
    merged = decode(staple([encode(mask) for mask in drawn], (120, 150)), 120, 150)
    assert np.logical_and.reduce(drawn)[merged].sum() == np.logical_and.reduce(drawn).sum()
    assert not merged[~np.logical_or.reduce(drawn)].any()
    whole = consensus.merge(drawn, "staple", 0.5)
    assert consensus.dice(merged, whole) > 0.99
    assert all(consensus.dice(merged, mask) > 0.88 for mask in drawn)


def test_masks_at_the_edge_and_an_empty_one() -> None:
    corner, empty = disc(0, 0, 10), np.zeros((120, 150), np.bool_)
    far = disc(149, 119, 10)
    assert decode(staple([encode(corner), encode(disc(1, 0, 10))], (120, 150)), 120, 150)[0, 0]
    assert decode(staple([encode(corner), encode(empty), encode(corner)], (120, 150)), 120, 150)[0, 0]
    assert decode(staple([encode(far), encode(disc(148, 119, 10))], (120, 150)), 120, 150)[119, 149]


def test_masks_that_are_the_same_are_the_answer() -> None:
    same = encode(disc(60, 50, 20))
    assert staple([same, same, same], (120, 150)) == same
