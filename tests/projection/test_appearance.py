"""The picture of a line integral."""

import hashlib
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from projection.appearance import film as appearance


def made_up_chest() -> NDArray[np.float32]:
    """Two lungs in a body, a spine between them, air around; rows of 4 pixels are alike, as with thick slices."""
    y, x = np.mgrid[:128, :160]
    y = y // 4 * 4
    body = (6 * (x - 80)) ** 2 + (7 * (y - 64)) ** 2 < 420**2
    lungs = (7 * (np.abs(x - 80) - 30)) ** 2 + (4 * (y - 60)) ** 2 < 140**2
    steps = body * 6000 - lungs * 4000 + (np.abs(x - 80) < 6) * body * 2000 + (x * 7 + y * 13) % 50 * body
    made: NDArray[np.float32] = (steps / 1000).astype(np.float32)
    return made


def test_bone_is_bright_lungs_are_dark_air_is_black() -> None:
    made = appearance.render(made_up_chest())
    assert made.dtype == np.uint8
    spine, lung, flank = made[64, 80], made[60, 50], made[64, 18]
    assert spine > flank > lung > 0
    assert (made[:, :5] == 0).all()
    assert spine > 200
    assert lung < 100


def test_the_picture_is_the_same_on_every_machine() -> None:
    """A change of these bytes changes every release: raise the stage's version with it."""
    made = appearance.render(made_up_chest(), (4.0, 1.0))
    assert hashlib.sha256(made.tobytes()).hexdigest()[:16] == "f6fbe1743bf77ebb"


def test_stairs_of_thick_slices_are_smoothed() -> None:
    image = made_up_chest()
    image[:] = image[:, 60:61]
    sharp, smooth = (np.abs(np.diff(appearance.render(image, size).astype(int), axis=0)) for size in ((1, 1), (5, 1)))
    assert smooth[10:-10].max() < sharp[10:-10].max() / 2


def test_air_alone_is_black() -> None:
    assert not appearance.render(np.zeros((40, 40), np.float32)).any()


def test_an_even_slab_does_not_divide_by_nothing() -> None:
    assert appearance.render(np.full((40, 40), 3, np.float32)).shape == (40, 40)


@pytest.mark.parametrize("radius", [0, 1, 3, 9, 30])
def test_the_running_mean_as_written_out(radius: int) -> None:
    values = np.random.default_rng(1).integers(0, 4096, (20, 7)).astype(np.int32)
    made = appearance._box(values, radius)
    for row in range(20):
        near = values[max(0, row - radius) : row + radius + 1].sum(axis=0)
        np.testing.assert_array_equal(made[row], near // (2 * radius + 1))


def test_png_holds_the_picture_and_nothing_else() -> None:
    picture = np.arange(200, dtype=np.uint8).reshape(10, 20)
    data = appearance.png(picture)
    image = Image.open(io.BytesIO(data))
    assert (image.mode, image.info) == ("L", {})
    np.testing.assert_array_equal(np.asarray(image), picture)
    assert data == appearance.png(picture.copy())
