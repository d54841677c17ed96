"""Thin slices of labels from thick ones: contours move evenly, and what both slices agree on stays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from projection.layers import Layers
from projection.refine import finer_slices, refined


def layers(values: NDArray[np.uint8]) -> Layers:
    return Layers(values, ("one", "two", "three"), {1: (0,), 2: (1,), 3: (0, 1), 4: (2,)})


def test_slices_become_no_thicker_than_asked() -> None:
    assert [finer_slices(mm, 1.0) for mm in (0.6, 1.0, 1.25, 2.5, 3.0, 5.0)] == [1, 1, 2, 3, 3, 5]


def test_an_edge_that_moves_passes_all_places_between() -> None:
    values = np.ones((2, 3, 40), np.uint8)
    values[0, :, 10:], values[1, :, 22:] = 0, 0
    edge = refined(layers(values), 3).values.sum(axis=2)
    assert edge[:, 1].tolist() == [10, 10, 14, 18, 22, 22]
    even = refined(layers(values), 2).values.sum(axis=2)
    assert even[:, 1].tolist() == [10, 13, 19, 22]  # the slices of the CT lie between those made


def test_a_disc_that_grows_grows_evenly() -> None:
    y, x = np.mgrid[-40:41, -40:41]
    values = np.stack([x * x + y * y <= r * r for r in (10, 30)]).astype(np.uint8)
    radii = np.sqrt((refined(layers(values), 5).values > 0).sum(axis=(1, 2)) / np.pi)
    np.testing.assert_allclose(radii, [10, 10, 10, 14, 18, 22, 26, 30, 30, 30], atol=0.8)


def test_what_appears_without_touching_appears_half_way() -> None:
    values = np.zeros((2, 9, 9), np.uint8)
    values[0, 2, 2], values[1, 6, 6] = 1, 2
    made = refined(layers(values), 5).values
    assert made[:, 2, 2].tolist() == [1] * 5 + [0] * 5
    assert made[:, 6, 6].tolist() == [0] * 5 + [2] * 5


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 4, 5]))
def test_laws(seed: int, finer: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 6, (int(rng.integers(1, 5)), 5, 6)).astype(np.uint8).repeat(3, 1).repeat(2, 2)
    made = refined(layers(coarse), finer, threads=int(rng.integers(1, 4)))
    known = np.where(coarse == 5, 0, coarse)  # 5 stands for no label
    assert made.finer_z == finer
    assert (made.values == refined(layers(coarse), finer, threads=1).values).all()
    for z in range(len(made.values)):
        at = (z + 0.5) / finer - 0.5
        low, high = (known[int(np.clip(edge, 0, len(known) - 1))] for edge in (np.floor(at), np.ceil(at)))
        assert ((made.values[z] == low) | (made.values[z] == high)).all()
        agreed = low == high
        assert (made.values[z][agreed] == low[agreed]).all()


@pytest.mark.parametrize("flip", [np.flipud, np.fliplr])
def test_a_mirrored_labelmap_gives_the_mirrored_slices(flip: Callable[[Any], Any]) -> None:
    y, x = np.mgrid[0:30, 0:34]
    values = np.stack([(x - 12) ** 2 + (y - 9) ** 2 <= 40, (x - 17) ** 2 + (y - 14) ** 2 <= 90]).astype(np.uint8)
    mirrored = np.stack([flip(plane) for plane in values])
    expected = np.stack([flip(plane) for plane in refined(layers(values), 3).values])
    assert (refined(layers(mirrored), 3).values == expected).all()


def test_slices_that_are_thin_already_stay() -> None:
    given_layers = layers(np.zeros((3, 4, 4), np.uint8))
    assert refined(given_layers, 1) is given_layers
