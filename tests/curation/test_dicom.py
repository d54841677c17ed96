"""Headers and CT numbers of clean files."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from curation.dicom import header_of, read_header, read_hu, source_image
from curation.errors import Rejected
from curation.records import Reason
from curation.store import ShardWriter
from tests.curation.slices import ct_slice, dicom_file, instance

PADDING = DataElement("PixelPaddingValue", "US", 63536)  # -2000 where pixels are signed, in the wrong VR as in the wild


def test_a_header_holds_what_stages_need() -> None:
    header = read_header(
        ct_slice(
            7, (1.0, 2.0, -3.5), PatientSex="F", PatientAge="067Y", StudyDate="20240229", SliceThickness="2.5", Rows=4
        )
    )
    assert (header.instance_id, header.series_id, header.patient_id) == ("2.25.1007", "2.25.2", "p1")
    assert (header.rows, header.columns, header.pixel_spacing_mm) == (4, 6, (0.5, 0.8))
    assert header.position_xyz_mm == (1.0, 2.0, -3.5) and header.orientation[:3] == (1.0, 0.0, 0.0)
    assert (header.sex, header.age_years, header.study_date) == ("F", 67, date(2024, 2, 29))
    assert (header.slice_thickness_mm, header.rescale_slope, header.rescale_intercept) == (2.5, 1.0, -1024.0)


def test_an_absent_element_is_empty_and_not_an_error() -> None:
    header = read_header(dicom_file(PixelSpacing=None, PatientSex="", PatientAge="", StudyDate=""))
    assert header.pixel_spacing_mm == header.position_xyz_mm == header.orientation == ()
    assert (header.sex, header.age_years, header.study_date, header.slice_thickness_mm) == ("", None, None, None)


@pytest.mark.parametrize(
    ("age", "years"),
    [("067Y", 67), ("023M", 1), ("060W", 1), ("364D", 0), ("365D", 1), ("Y", None), ("06 Y", None), ("067X", None)],
)
def test_age_in_completed_years(age: str, years: int | None) -> None:
    element = DataElement("PatientAge", "AS", age, validation_mode=IGNORE)
    assert read_header(dicom_file(PatientAge=element)).age_years == years


@pytest.mark.parametrize(
    ("position", "code", "view"),
    [
        ("PA", None, "PA"),
        ("AP", None, "AP"),
        ("LL", None, "LAT"),
        ("RL", None, "LAT"),
        ("", "272479007", "PA"),
        ("", "399173006", "LAT"),
        ("AP", "272479007", "AP"),
        ("LLO", None, ""),
        ("", "399182000", ""),
    ],
)
def test_view_from_position_or_else_from_the_view_code(position: str, code: str | None, view: str) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code or "", "SCT"
    sequence: dict[str, Any] = {"ViewCodeSequence": [item]} if code else {}
    assert read_header(dicom_file("DX", ViewPosition=position, **sequence)).view == view


def test_a_radiograph_may_give_its_spacing_on_the_detector_only() -> None:
    assert read_header(dicom_file("DX", PixelSpacing=None, ImagerPixelSpacing=[0.14, 0.15])).pixel_spacing_mm == (
        0.14,
        0.15,
    )


@pytest.mark.parametrize("filler", [0, 70_000, 200_000])
def test_a_header_is_read_from_the_shard_whether_or_not_it_is_long(filler: int, tmp_path: Path) -> None:
    # a long text lies between StudyInstanceUID's group and the pixels, so a long header is cut by the first read
    data = ct_slice(1, (0, 0, 5), TextValue="x" * filler)
    writer = ShardWriter(tmp_path / "a.tar", "a.tar")
    instance(b"another file before it", writer)
    row = instance(data, writer)
    writer.close()
    assert header_of(tmp_path, row) == read_header(data)


def pixels(*values: int, dtype: type[np.integer[Any]] = np.int16) -> NDArray[Any]:
    return np.array([values], dtype)


def test_hu_are_stored_values_times_slope_plus_intercept() -> None:
    assert read_hu(dicom_file(pixels=pixels(0, 1, 1024, 4095))).tolist() == [[-1024, -1023, 0, 3071]]
    halves = dicom_file(pixels=pixels(0, 1000, 2000, 3001), RescaleSlope="0.5", RescaleIntercept="-1000")
    assert read_hu(halves).tolist() == [[-1000, -500, 0, 500]]  # 500.5 rounds to even
    unsigned = dicom_file(pixels=pixels(0, 40000, 65535, dtype=np.uint16))
    assert read_hu(unsigned).tolist() == [[-1024, 32767, 32767]]  # the ends of int16
    assert read_hu(unsigned).dtype == np.int16


def test_padding_becomes_air_whatever_sign_its_vr_has() -> None:
    signed = dicom_file(pixels=pixels(-2000, 0, 1024), RescaleIntercept="0", PixelPaddingValue=PADDING)
    assert read_hu(signed).tolist() == [[-1024, 0, 1024]]
    high = dicom_file(pixels=pixels(4095, 1024, dtype=np.uint16), PixelPaddingValue=4095)
    assert read_hu(high).tolist() == [[-1024, 0]]


def test_a_padding_range_holds_both_its_ends() -> None:
    ranged = dicom_file(
        pixels=pixels(999, 1000, 1005, 1010, 1011),
        RescaleIntercept="0",
        PixelPaddingValue=1010,
        PixelPaddingRangeLimit=1000,
    )
    assert read_hu(ranged).tolist() == [[999, -1024, -1024, -1024, 1011]]


def test_what_lies_below_air_is_air_even_if_it_is_not_declared() -> None:
    # as in the sample CT: -1024 is stored, -2048 HU, while the padding value says something else
    assert read_hu(dicom_file(pixels=pixels(-1024, 100), PixelPaddingValue=PADDING)).tolist() == [[-1024, -924]]


@pytest.mark.parametrize("data", [b"", b"not DICOM", bytes(128) + b"DICM", dicom_file()[:300]])
def test_what_is_not_dicom_is_unreadable(data: bytes) -> None:
    with pytest.raises(Rejected) as outcome:
        read_hu(data)
    assert outcome.value.reason == Reason.UNREADABLE


def test_missing_pixels_are_unreadable_and_several_frames_unsupported() -> None:
    with pytest.raises(Rejected) as outcome:
        read_hu(dicom_file()[:-10])
    assert outcome.value.reason == Reason.UNREADABLE
    two = dicom_file(pixels=np.zeros((4, 6), np.int16), NumberOfFrames=2, Rows=2)
    with pytest.raises(Rejected) as outcome:
        read_hu(two)
    assert outcome.value.reason == Reason.UNSUPPORTED_OBJECT


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_ends_in_a_rejection_and_in_nothing_else(data: st.DataObject) -> None:
    whole = ct_slice(3, (0, 0, 1), PatientAge="067Y", PatientSex="M", StudyDate="20240101", PixelPaddingValue=PADDING)
    damaged = bytearray(whole[: data.draw(st.integers(132, len(whole)))])
    for _ in range(data.draw(st.integers(0, 6))):
        damaged[data.draw(st.integers(132, len(damaged) - 1)) if len(damaged) > 132 else 131] = data.draw(
            st.integers(0, 255)
        )
    for read in (read_header, read_hu):
        try:
            read(bytes(damaged))
        except Rejected as outcome:
            assert outcome.reason in (Reason.UNREADABLE, Reason.UNSUPPORTED_OBJECT)


def test_a_source_image_holds_uids_and_place_and_nobody() -> None:
    geometry: dict[str, Any] = {"FrameOfReferenceUID": "2.25.9", "SliceThickness": 3.0}
    image = source_image(ct_slice(7, (1.0, 2.0, 3.0), PatientName="Planted^Name", StudyDate="20200102", **geometry))
    assert (image.SOPInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID) == (
        "2.25.1007",
        "2.25.2",
        "2.25.9",
    )
    assert list(image.ImagePositionPatient) == [1.0, 2.0, 3.0] and image.SliceThickness == 3.0
    assert image.PatientName == image.PatientID == image.StudyDate == ""
    assert "PixelData" not in image


def test_a_source_image_without_a_frame_of_reference_is_rejected() -> None:
    with pytest.raises(Rejected, match="FrameOfReferenceUID") as raised:
        source_image(ct_slice(7, (1.0, 2.0, 3.0)))
    assert raised.value.reason is Reason.IRREGULAR_GEOMETRY


@pytest.mark.parametrize("old,new", [(b"DICM", b"MCID"), (b"0.5\\0.8 ", b"0.5\\x.y ")])
def test_a_source_image_that_cannot_be_read_is_rejected(old: bytes, new: bytes) -> None:
    whole = ct_slice(7, (1.0, 2.0, 3.0), FrameOfReferenceUID="2.25.9")
    assert old in whole
    with pytest.raises(Rejected) as raised:
        source_image(whole.replace(old, new))
    assert raised.value.reason is Reason.UNREADABLE
