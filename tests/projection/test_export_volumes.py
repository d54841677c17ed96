"""3-D labels as sheets, NIfTI and DICOM SEG: every overlapping mask comes back voxel by voxel."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from curation.errors import InputError
from projection.export.nifti import labelmap, names_json, sheet_name
from projection.export.seg import SCHEME, seg_name, segmentation, sources
from projection.export.sheets import Sheet, sheets
from projection.files import Scan, read_ct
from projection.layers import Layers
from projection.standalone import Projected
from projection.volume import Ct
from tests.projection.made_ct import AFFINE, LABELS, SHAPE, hu_zyx, overlapping, turned_grid
from tests.projection.test_files import slices

CT = Ct(hu_zyx(), AFFINE)


def mask_of(layers: Layers, position: int) -> NDArray[np.bool_]:
    values = [value for value, members in layers.members.items() if position in members]
    return np.isin(layers.values, values)


def laid(layers: Layers, ct: Ct = CT) -> list[Sheet]:
    return list(sheets(Projected((), layers, AFFINE, {}), ct))


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint16, (3, 4, 5), elements=st.integers(0, 9)),
    st.dictionaries(st.integers(1, 9), st.sets(st.integers(0, 6), min_size=1).map(lambda found: tuple(sorted(found)))),
)
def test_every_label_is_on_one_sheet_and_none_is_lost(
    values: NDArray[np.uint16], members: dict[int, tuple[int, ...]]
) -> None:
    layers = Layers(values, tuple("abcdefg"), members)
    made = laid(layers, Ct(np.zeros(values.shape, np.int16), AFFINE))
    found = {label: sheet.values_zyx == number for sheet in made for number, label in enumerate(sheet.labels, start=1)}
    expected = {label: mask_of(layers, position) for position, label in enumerate(layers.labels)}
    assert set(found) == {label for label, mask in expected.items() if mask.any()}
    assert all((mask == expected[label]).all() for label, mask in found.items())
    assert sum(len(sheet.labels) for sheet in made) == len(found)


def test_a_sheet_has_no_more_labels_than_a_byte_can_number() -> None:
    values = np.arange(300, dtype=np.uint16).reshape(3, 10, 10)
    layers = Layers(values, tuple(map(str, range(299))), {number: (number - 1,) for number in range(1, 300)})
    assert [len(sheet.labels) for sheet in laid(layers, Ct(np.zeros(values.shape, np.int16), AFFINE))] == [255, 44]


def test_sheets_lie_on_the_grid_of_the_ct_whatever_its_orientation() -> None:
    hu, affine = turned_grid(hu_zyx(), (1, 2, 0), (False, True, True))
    sheet = laid(overlapping(), Ct(hu, affine))[0]
    expected, _ = turned_grid(laid(overlapping())[0].values_zyx, (1, 2, 0), (False, True, True))
    assert (sheet.values_zyx == expected).all()


def test_nibabel_reads_the_labels_at_their_place() -> None:
    made = laid(overlapping())
    names = json.loads(names_json([sheet.labels for sheet in made]))
    image: Any = nib.Nifti1Image.from_bytes(gzip.decompress(labelmap(made[0].values_zyx, AFFINE)))
    values = np.asarray(image.dataobj)
    assert (made[0].values_zyx == values.T).all() and values.dtype == np.uint8
    assert np.allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    heart = {name: int(value) for value, name in names[sheet_name(1)].items()}["heart"]
    centre_ras = image.affine @ [*np.argwhere(values == heart).mean(axis=0), 1]
    assert centre_ras[:3] == pytest.approx([2.5, 6.0, -252.0], abs=1e-3)  # LPS (-2.5, -6, -252), x and y turned
    assert labelmap(made[0].values_zyx, AFFINE) == labelmap(made[0].values_zyx, AFFINE)


# --- DICOM SEG -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    folder = tmp_path_factory.mktemp("dicom")
    slices(folder, PatientName="Planted^Name", PatientID="PLANTED", StudyDate="20200102", StationName="PLANTED")
    return read_ct(folder)


def test_highdicom_reads_every_segment_on_its_slice(scan: Scan) -> None:
    read: set[str] = set()
    for number, sheet in enumerate(laid(overlapping()), 1):
        seg = hd.seg.segread(io.BytesIO(segmentation(sheet, number, sources(scan))))
        uids = [f"2.25.1{z:03d}" for z in range(SHAPE[0])]
        for segment, label in enumerate(sheet.labels, 1):
            pixels = seg.get_pixels_by_source_instance(
                uids, segment_numbers=[segment], assert_missing_frames_are_empty=True
            )
            assert (pixels[..., 0].astype(bool) == mask_of(overlapping(), LABELS.index(label))).all()
            assert seg.get_segment_description(segment).segment_label == label
            read.add(label)
    assert read == set(LABELS)


def test_a_segment_is_named_in_snomed_or_in_the_private_scheme(scan: Scan) -> None:
    codes = {}
    for number, sheet in enumerate(laid(overlapping()), 1):
        for item in pydicom.dcmread(io.BytesIO(segmentation(sheet, number, sources(scan)))).SegmentSequence:
            code = item.SegmentedPropertyTypeCodeSequence[0]
            codes[item.SegmentLabel] = (code.CodingSchemeDesignator, code.CodeValue)
    assert codes["heart"] == ("SCT", "80891009") and codes["lung"] == ("SCT", "39607008")
    assert codes["lung lower lobe left"] == (SCHEME, "149")  # the id in the label table


def test_the_same_labels_give_the_same_bytes_and_others_another_uid(scan: Scan) -> None:
    sheet = laid(overlapping())[0]
    first, again = (segmentation(sheet, 1, sources(scan)) for _ in range(2))
    assert first == again
    other = segmentation(Sheet(sheet.labels, np.roll(sheet.values_zyx, 1, axis=2)), 1, sources(scan))
    one, two = (pydicom.dcmread(io.BytesIO(data)) for data in (first, other))
    assert one.SOPInstanceUID != two.SOPInstanceUID and one.SeriesInstanceUID == two.SeriesInstanceUID
    assert seg_name(1) == "labels-1.dcm"


def test_nothing_of_the_header_but_uids_and_place_is_written(scan: Scan) -> None:
    data = segmentation(laid(overlapping())[0], 1, sources(scan))
    seg = pydicom.dcmread(io.BytesIO(data))
    assert b"PLANTED" not in data and b"Planted" not in data and b"20200102" not in data
    assert (seg.PatientID, seg.StudyDate, seg.StudyInstanceUID, seg.FrameOfReferenceUID) == (
        "",
        "",
        "2.25.3",
        "2.25.9",
    )


def test_a_thickness_is_kept_and_the_distance_of_slices_stands_in_for_none(scan: Scan, tmp_path: Path) -> None:
    assert {image.SliceThickness for image in sources(scan)} == {12.0}
    slices(tmp_path, SliceThickness=3.0)
    assert {image.SliceThickness for image in sources(read_ct(tmp_path))} == {3.0}


def test_slices_without_a_frame_of_reference_cannot_be_referred_to(tmp_path: Path) -> None:
    slices(tmp_path, FrameOfReferenceUID=None)
    with pytest.raises(InputError, match="FrameOfReferenceUID"):
        sources(read_ct(tmp_path))
