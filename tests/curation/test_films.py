"""Grey of radiographs: as the header wants them seen, bone bright."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from curation.dicom import Film, LookUp
from curation.films import grey_of, middle, png, read_png, seen, size_of, windowed

ROWS, COLUMNS = 40, 60


def film(stored: NDArray[np.generic] | None = None) -> Film:
    """A ramp of 12 bits without a wish of its own."""
    ramp = np.tile(np.linspace(0, 4095, COLUMNS).astype(np.uint16), (ROWS, 1))
    return Film(ramp if stored is None else stored, False, (1.0, 0.0), None, None, None, "LINEAR")


def image(given_film: Film) -> NDArray[np.uint8]:
    return seen(given_film, grey_of(given_film)).picture


def seen_by_pydicom(given_film: Film, keywords: dict[str, object]) -> NDArray[np.float64]:
    """0 to 1, over the values that the film holds."""
    dataset = Dataset()
    usual = {"PhotometricInterpretation": "MONOCHROME2", "BitsStored": 16, "PixelRepresentation": 0}
    for keyword, value in {**usual, **keywords}.items():
        setattr(dataset, keyword, value)
    seen = apply_voi_lut(apply_modality_lut(given_film.stored, dataset), dataset).astype(np.float64)
    share: NDArray[np.float64] = (seen - seen.min()) / np.ptp(seen)
    return share


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("rescale", [(1.0, 0.0), (2.0, -500.0)])
def test_a_window_is_what_the_standard_says(function: str, rescale: tuple[float, float]) -> None:
    slope, intercept = rescale
    made = replace(film(), window=(2000.0, 900.0), window_function=function, rescale=rescale)
    keywords = {
        "WindowCenter": 2000.0,
        "WindowWidth": 900.0,
        "VOILUTFunction": function,
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
    }
    assert np.abs(image(made) / 255 - seen_by_pydicom(made, keywords)).max() < 0.02


def test_a_table_is_looked_up_and_its_ends_hold_beyond_it() -> None:
    made = replace(film(), voi=LookUp(1000, np.arange(0, 4000, 2, dtype=np.uint16)))
    values = made.stored.astype(int)
    expected = (np.clip(values - 1000, 0, 1999) * 2 / 3998 * 255).round()
    assert (np.abs(image(made) - expected) <= 1).all()


def test_a_modality_table_comes_before_the_window() -> None:
    turned = LookUp(0, np.arange(4095, -1, -1, dtype=np.uint16))
    made = replace(film(), modality=turned, window=(2048.0, 4096.0))
    assert image(made)[0, 0] == 255 and image(made)[0, -1] == 0


def test_monochrome1_is_turned_after_the_window() -> None:
    made = replace(film(), window=(1000.0, 500.0))
    assert (image(replace(made, bone_is_dark=True)) == 255 - image(made)).all()


@pytest.mark.parametrize(
    "window",
    [
        (60000.0, 100.0),  # all black
        (-900.0, 100.0),  # all white
        (2000.0, 3.0),  # next to no grey between black and white
        (2000.0, 1.0),  # a LINEAR window of one value is none
        (2000.0, -5.0),
    ],
)
def test_a_window_that_shows_nothing_gives_way_to_the_pictures_own(window: tuple[float, float]) -> None:
    plain = image(film())
    assert (image(replace(film(), window=window)) == plain).all()
    assert plain[0, 0] == 0 and plain[0, -1] == 255 and len(np.unique(plain)) > COLUMNS // 2


def test_a_table_of_one_value_gives_way_too() -> None:
    assert (image(replace(film(), voi=LookUp(0, np.zeros(9, np.uint16)))) == image(film())).all()


def test_shutters_and_letters_at_the_edge_do_not_dim_the_picture() -> None:
    stored = film().stored.copy()
    stored[:4] = 65535
    stored[:, :6] = 0
    dimmed, plain = image(film(stored)), image(film())
    assert np.abs(dimmed[10:30, 20:40].astype(int) - plain[10:30, 20:40]).max() < 20


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.uint16])
def test_signed_and_narrow_pixels_keep_their_order(kind: type[np.signedinteger[Any]]) -> None:
    info = np.iinfo(kind)
    stored = np.tile(np.linspace(info.min, info.max, COLUMNS).astype(kind), (ROWS, 1))
    grey = grey_of(film(stored))
    assert grey.dtype == np.uint16 and (np.diff(grey[0].astype(int)) > 0).all()
    assert (np.diff(grey_of(replace(film(stored), bone_is_dark=True))[0].astype(int)) < 0).all()
    assert (np.diff(image(film(stored))[0].astype(int)) >= 0).all()


def test_a_picture_is_the_same_pixels_again() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 5)).astype(np.uint8)
    assert (read_png(png(picture)) == picture).all()
    assert size_of(png(picture)) == (7, 5)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_shares_meet_black_and_white_lie_next_to_each_other(share: float) -> None:
    assert set(np.unique(windowed(grey_of(film()), share, share))) <= {0, 255}


def test_the_middle_of_a_small_picture_is_all_of_it() -> None:
    assert middle(np.zeros((9, 20), np.uint16)).shape == (9, 16)
