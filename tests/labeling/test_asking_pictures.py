"""Pictures of radiographs for readers: of the original's size, with windows for bone and lung."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curation.dicom import Film
from curation.films import grey_of, read_png, seen, size_of
from labeling.asking.pictures import pictures_of, windows_of

ROWS, COLUMNS = 40, 60


def film(stored: NDArray[np.generic] | None = None) -> Film:
    """A ramp of 12 bits without a wish of its own."""
    ramp = np.tile(np.linspace(0, 4095, COLUMNS).astype(np.uint16), (ROWS, 1))
    return Film(ramp if stored is None else stored, False, (1.0, 0.0), None, None, None, "LINEAR")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 65535), st.integers(0, 2**32 - 1))
def test_every_picture_has_the_films_size(rows: int, columns: int, most: int, seed: int) -> None:
    stored = np.random.default_rng(seed).integers(0, most + 1, (rows, columns)).astype(np.uint16)
    made = pictures_of(film(stored), with_windows=True)
    assert {*made} == {"image", "bone", "lung"}
    assert {size_of(data) for data in made.values()} == {(rows, columns)}


def test_lung_is_told_apart_where_it_is_dark() -> None:
    grey = grey_of(film())
    lung = read_png(windows_of(grey)["lung"])
    plain = seen(film(), grey).picture
    dark = slice(5, 20)
    assert np.ptp(lung[0, dark]) > 1.3 * np.ptp(plain[0, dark].astype(int))


def test_bone_is_shown_by_its_detail() -> None:
    stored = np.tile(np.linspace(0, 30000, 600), (400, 1))
    stored[:, 300:304] += 600  # a rib of four pixels on a steep slope
    grey = stored.astype(np.uint16)
    bone = read_png(windows_of(grey)["bone"])[200].astype(int)
    plain = seen(film(grey), grey).picture[200].astype(int)
    assert bone[302] - (bone[296] + bone[308]) / 2 > 3 * (plain[302] - (plain[296] + plain[308]) / 2) > 0
