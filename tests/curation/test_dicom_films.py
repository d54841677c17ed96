"""Pixels of clean radiographs, and how their header wants them seen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from curation.dicom import read_film
from curation.errors import Rejected
from curation.records import Reason
from tests.curation.slices import dicom_file

PIXELS = np.arange(24, dtype=np.uint16).reshape(4, 6)
NO_NUMBER = DataElement("WindowCenter", "DS", "nan", validation_mode=IGNORE)
TWO_FRAMES = dicom_file("DX", np.zeros((2, 4, 6), np.uint16), Rows=4, Columns=6, NumberOfFrames=2)


def table(first: int, entries: list[int] | bytes, bits: int = 16, length: int | None = None) -> list[Dataset]:
    item = Dataset()
    n_entries = len(entries) if length is None else length
    item.add(DataElement("LUTDescriptor", "US", [n_entries, first, bits]))
    item.add(DataElement("LUTData", "OW" if isinstance(entries, bytes) else "US", entries))
    return [item]


def film_file(**elements: Any) -> bytes:
    return dicom_file("DX", PIXELS, **{"RescaleSlope": None, "RescaleIntercept": None, **elements})


def test_a_film_without_a_wish_is_its_stored_pixels() -> None:
    film = read_film(film_file())
    assert (film.stored == PIXELS).all() and not film.bone_is_dark
    assert (film.rescale, film.modality, film.voi, film.window) == ((1.0, 0.0), None, None, None)
    assert film.window_function == "LINEAR"


def test_of_several_windows_the_first_counts() -> None:
    film = read_film(
        film_file(
            WindowCenter=["100", "7"],
            WindowWidth=["50", "9"],
            VOILUTFunction="SIGMOID",
            PhotometricInterpretation="MONOCHROME1",
        )
    )
    assert (film.window, film.window_function, film.bone_is_dark) == ((100.0, 50.0), "SIGMOID", True)
    assert read_film(film_file(WindowCenter="8", WindowWidth="4")).window == (8.0, 4.0)


@pytest.mark.parametrize("elements", [{"WindowCenter": "8"}, {"WindowCenter": "8", "WindowWidth": ""}])
def test_half_a_window_is_none(elements: dict[str, str]) -> None:
    assert read_film(film_file(**elements)).window is None


@pytest.mark.parametrize(
    ("entries", "bits"),
    [([5, 6, 7], 16), (np.array([5, 6, 7], "<u2").tobytes(), 16), (bytes([5, 6, 7, 0]), 8)],
)
def test_tables_come_as_words_or_as_bytes(entries: list[int] | bytes, bits: int) -> None:
    film = read_film(film_file(VOILUTSequence=table(3, entries, bits, 3), ModalityLUTSequence=table(0, [1, 2])))
    assert film.voi is not None and film.modality is not None
    assert (film.voi.first, film.voi.entries.tolist()) == (3, [5, 6, 7])
    assert film.modality.entries.tolist() == [1, 2]


def test_a_table_of_signed_pixels_begins_below_zero() -> None:
    data = dicom_file("DX", PIXELS.astype(np.int16), VOILUTSequence=table(65534, [1, 2, 3]))
    film = read_film(data)
    assert film.voi is not None and film.voi.first == -2


def test_a_descriptor_of_zero_entries_means_65536() -> None:
    film = read_film(film_file(VOILUTSequence=table(0, bytes(1 << 17), 16, 0)))
    assert film.voi is not None and len(film.voi.entries) == 1 << 16


def test_a_table_without_data_is_none() -> None:
    item = Dataset()
    item.LUTExplanation = "nothing"
    assert read_film(film_file(VOILUTSequence=[item])).voi is None
    assert read_film(film_file(VOILUTSequence=table(0, b"", 16, 2))).voi is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no DICOM", Reason.UNREADABLE),
        (film_file(WindowCenter=NO_NUMBER, WindowWidth="4"), Reason.UNREADABLE),
        (film_file(BitsAllocated=12), Reason.UNREADABLE),
        (TWO_FRAMES, Reason.UNSUPPORTED_OBJECT),
    ],
)
def test_what_is_no_grey_frame_is_rejected(data: bytes, reason: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        read_film(data)
    assert caught.value.reason is reason


@settings(max_examples=50)
@given(st.binary(max_size=40), st.integers(0, 1200))
def test_a_broken_film_is_read_or_rejected(noise: bytes, place: int) -> None:
    whole = film_file(WindowCenter="8", WindowWidth="4", VOILUTSequence=table(0, [1, 2]))
    data = whole[:place] + noise + whole[place + len(noise) :]
    try:
        film = read_film(data)
    except Rejected as error:
        assert error.reason in (Reason.UNREADABLE, Reason.UNSUPPORTED_OBJECT)
    else:
        assert film.stored.ndim == 2
