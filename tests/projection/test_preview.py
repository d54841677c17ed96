"""The quick look: the same as the exact projector gives for a parallel beam on the grid."""

import numpy as np
import pytest
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError
from projection.anatomy.body import Body
from projection.layers import Layers
from projection.preview import preview


def made_up(seed: int, n_labels: int = 70) -> tuple[Body, Layers]:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 12, 3).tolist())
    hu = rng.integers(-1100, 2000, shape).astype(np.int16)
    values = (rng.integers(0, 6, shape) * (rng.random(shape) < 0.5)).astype(np.uint8)
    members = {value: tuple(rng.choice(n_labels, 3, replace=False).tolist()) for value in range(1, 5)}
    affine = np.diag([0.7, 0.8, 2.5, 1.0])
    return Body(values, {}, affine, hu), Layers(values, tuple(f"label {n}" for n in range(n_labels)), members)


@pytest.mark.parametrize("seed", range(6))
def test_as_summing_and_looking_along_each_axis(seed: int) -> None:
    body, layers = made_up(seed)
    made = preview(body, layers, threads=seed % 3 + 1)
    assert body.hu is not None
    water = np.maximum(body.hu.astype(np.int64) + 1000, 0) / 1000
    for view, axis, step_mm in (("PA", 1, 0.8), ("LAT", 2, 0.7)):
        np.testing.assert_allclose(made[view].water_mm, water.sum(axis=axis)[::-1] * step_mm, rtol=1e-6)
        for position, label in enumerate(layers.labels):
            wanted = [value for value, labels in layers.members.items() if position in labels]
            expected: NDArray[np.bool_] = np.flip(np.isin(layers.values, wanted).any(axis=axis), axis=0)
            assert made[view].masks.get(label) == (rle.encode(expected) if expected.any() else None)
    assert (made["PA"].pixel_mm, made["LAT"].pixel_mm) == ((2.5, 0.7), (2.5, 0.8))


def test_more_runs_than_there_is_room_for_at_first() -> None:
    values = np.indices((40, 40, 40)).sum(axis=0).astype(np.uint8) % 2
    values[:, 1:] = 0
    body = Body(values, {}, np.eye(4), np.zeros(values.shape, np.int16))
    made = preview(body, Layers(values, ("one", "two", "three"), {1: (0, 1, 2)}))
    assert made["PA"].masks["three"] == rle.encode(values[::-1, 0] == 1)


def test_no_labels_and_no_ct() -> None:
    body, layers = made_up(1)
    assert not preview(body, Layers(body.values, (), {}))["PA"].masks
    with pytest.raises(InputError, match="needs a CT"):
        preview(Body(body.values, {}, body.affine), layers)
