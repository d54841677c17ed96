import struct
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    RLELossless,
)

from curation.deid.dicom import rewrite as rewrite_module
from curation.deid.dicom.codestream import clean_frame, split_frames
from curation.deid.dicom.opened import Bytes, Opened, open_dicom
from curation.deid.dicom.profile import RESEARCH, profile
from curation.deid.dicom.rewrite import Clean, Rewriter
from curation.deid.keys.identity import Identity
from curation.deid.pixels import CleanPixels, Image
from curation.deid.verify.verifier import Promise, verify_dicom
from curation.errors import Rejected
from curation.records import Reason
from curation.synth.identities import INSTITUTION
from tests.builders import changed, ct_files, ct_slice, radiograph_file, somebody, torn

WHO = Identity(bytes(range(7, 39)), 3650, 90)


def unlooked(image: Image, kind: object, value: object) -> CleanPixels | None:
    """A check that finds nothing: what it looks like is tested elsewhere."""
    return None


def rewritten(data: bytes, options: Sequence[str] = RESEARCH) -> tuple[bytes, Clean]:
    """The clean file in memory."""
    return whole(open_dicom(Bytes(data)), options)


def whole(opened: Opened, options: Sequence[str] = RESEARCH) -> tuple[bytes, Clean]:
    clean = Rewriter(profile(options), WHO).clean_opened(opened, unlooked if "clean_pixel_data" in options else None)
    pixels = clean.pixels
    if pixels is None:
        return clean.head, clean
    value = pixels.value if pixels.value is not None else opened.source.read(pixels.at, pixels.length)
    return clean.head + value, clean


def deidentify(data: bytes, options: Sequence[str] = RESEARCH) -> bytes:
    """The clean file, verified."""
    made, clean = rewritten(data, options)
    verify_dicom(made, Promise(frozenset(options)), clean.context.identifiers | frozenset(clean.uids))
    return made


def read(data: bytes) -> FileDataset:
    return pydicom.dcmread(BytesIO(data))


def cleaned(**elements: Any) -> FileDataset:
    return read(deidentify(ct_slice(**elements)))


def reason(data: bytes) -> Reason:
    with pytest.raises(Rejected) as caught:
        deidentify(data)
    return caught.value.reason


def added(data: bytes, *elements: tuple[int, str, Any]) -> bytes:
    """A file with raw elements that pydicom has no keyword for, or under another representation."""
    dataset = read(data)
    buffer = BytesIO()
    with pydicom.config.disable_value_validation():
        for tag, vr, value in elements:
            dataset.add_new(tag, vr, value)
        dataset.save_as(buffer)
    return buffer.getvalue()


def in_syntax(data: bytes, syntax: pydicom.uid.UID) -> bytes:
    dataset = read(data)
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = BytesIO()
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    plain = Dataset()
    for element in dataset:
        plain.add(element)
    plain.file_meta = dataset.file_meta
    pydicom.dcmwrite(buffer, plain, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return buffer.getvalue()


def test_a_slice_keeps_its_pixels_and_geometry_and_nothing_else() -> None:
    original = read(ct_slice())
    made = cleaned()
    assert (made.pixel_array == original.pixel_array).all()
    for keyword in ("ImagePositionPatient", "PixelSpacing", "RescaleIntercept", "Rows", "Modality", "InstanceNumber"):
        assert made[keyword].value == original[keyword].value
    assert made.PatientIdentityRemoved == "YES" and made.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [(item.CodeValue, item.CodeMeaning) for item in made.DeidentificationMethodCodeSequence]
    assert codes[0] == ("113100", "Basic Application Confidentiality Profile") and len(codes) == 1 + len(RESEARCH)
    assert made.preamble == bytes(128)
    assert {element.keyword for element in made.file_meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
    }


def test_ids_are_the_pseudonyms_of_the_originals() -> None:
    original, (data, made) = read(ct_slice()), rewritten(ct_slice())
    dataset = read(data)
    assert made.instance_id == WHO.uid(original.SOPInstanceUID) == dataset.SOPInstanceUID
    assert made.instance_id == dataset.file_meta.MediaStorageSOPInstanceUID
    assert made.series_id == WHO.uid(original.SeriesInstanceUID) == dataset.SeriesInstanceUID
    assert made.study_id == WHO.uid(original.StudyInstanceUID) == dataset.StudyInstanceUID
    assert made.accession_id == WHO.accession(somebody().accession) == dataset.AccessionNumber
    assert made.patient_id == dataset.PatientID == dataset.PatientName
    assert dataset.FrameOfReferenceUID == WHO.uid(original.FrameOfReferenceUID)


def site_of(**elements: Any) -> str:
    return rewritten(ct_slice(**elements))[1].site_id


def test_a_site_is_the_pseudonym_of_the_institution_in_any_character_set() -> None:
    assert site_of() == WHO.site(INSTITUTION) != ""
    made = {
        site_of(InstitutionName="Zümebo Klinik", SpecificCharacterSet=name) for name in ("ISO_IR 100", "ISO_IR 192")
    }
    assert made == {WHO.site("zümebo klinik")}


@pytest.mark.parametrize("institution", [None, "", "  "])
def test_a_file_that_names_no_institution_has_no_site(institution: str | None) -> None:
    assert site_of(InstitutionName=institution) == ""


def test_sites_are_told_apart_after_the_memory_was_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrite_module, "_REMEMBERED", 1)
    one = Rewriter(profile(RESEARCH), WHO)
    names = ["Zumebo", "Quellstad", "Vintel", "Zumebo"]
    files = [Bytes(ct_slice(InstitutionName=name)) for name in names]
    assert [one.clean(file, unlooked).site_id for file in files] == [WHO.site(name) for name in names]


def test_the_institution_itself_goes_whatever_its_pseudonym_is_for() -> None:
    data, clean = rewritten(ct_slice(InstitutionName="Zumebo Clinic"))
    assert b"zumebo" not in data.lower() and clean.site_id.encode() not in data
    assert ("site", "Zumebo Clinic", clean.site_id) in clean.links


def test_a_picture_stays_outside_where_its_pixels_are_not_looked_at() -> None:
    unchecked = tuple(option for option in RESEARCH if option != "clean_pixel_data")
    with pytest.raises(Rejected) as outcome:
        deidentify(radiograph_file(), unchecked)
    assert outcome.value.reason is Reason.PIXELS_NOT_CHECKED
    codes = [item.CodeValue for item in read(deidentify(ct_slice(), unchecked)).DeidentificationMethodCodeSequence]
    assert "113101" not in codes and "113107" in codes
    assert read(deidentify(radiograph_file())).BurnedInAnnotation == "NO"


def test_no_identifier_of_the_original_is_left_anywhere() -> None:
    for original in (ct_slice(), radiograph_file()):
        data, made = rewritten(original)
        who = somebody()
        kinds = {kind for kind, _ in made.context.identifiers}
        assert {"name", "patient_id", "accession", "birth_date", "phone"} <= kinds
        for value in (who.patient.last, who.patient.patient_id, who.accession, who.referring.last):
            assert value.lower().encode() not in data.lower()


def test_the_same_file_gives_the_same_bytes() -> None:
    one = Rewriter(profile(RESEARCH), WHO)
    heads = [one.clean(Bytes(data), unlooked).head for data in (*ct_files()[:3], *ct_files()[:3])]
    assert heads[:3] == heads[3:] == [rewritten(data)[1].head for data in ct_files()[:3]]


def test_what_is_remembered_does_not_show_in_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of elements, UIDs and patients is bounded; a file comes out the same when all was forgotten."""
    files = [changed(ct_slice(number), PatientID=f"P{patient}") for number in (1, 2) for patient in (1, 2, 1)]
    one, small = (Rewriter(profile(RESEARCH), WHO) for _ in range(2))
    expected = [one.clean(Bytes(data), unlooked).head for data in files]
    assert len(set(expected)) == 4
    for limit in ("_REMEMBERED", "_CONTEXTS"):
        monkeypatch.setattr(rewrite_module, limit, 1)
    contexts = []
    for data, head in zip(files, expected, strict=True):
        clean = small.clean(Bytes(data), unlooked)
        assert clean.head == head
        contexts.append(clean.context)
    assert len({id(context) for context in contexts}) == len(files) - 1  # only the last two in a row share one


def test_compressed_pixels_out_of_order_come_out_as_in_order() -> None:
    dataset = read(ct_slice())
    dataset.compress(RLELossless, generate_instance_uid=False)
    buffer = BytesIO()
    dataset.save_as(buffer)
    data = buffer.getvalue()
    opened = open_dicom(Bytes(data))
    pixels = (opened.pixels_at or 0) - 12
    elements = [raw for _, raw in opened.elements]
    start = pixels - sum(map(len, elements))
    shuffled = data[:start] + b"".join(reversed(elements)) + data[pixels:]
    assert shuffled != data and deidentify(shuffled) == deidentify(data)


def test_all_dates_of_a_patient_move_by_one_shift_and_times_with_them() -> None:
    made = cleaned(
        StudyDate="20120304", SeriesDate="20120306", StudyTime="101112.5", AcquisitionDateTime="20120304101112"
    )
    first, second = (datetime.strptime(made[name].value, "%Y%m%d").date() for name in ("StudyDate", "SeriesDate"))
    assert (second - first).days == 2 and first < date(2012, 3, 4)
    assert made.AcquisitionDateTime == made.StudyDate + made.StudyTime[:6] and made.StudyTime != "101112.5"
    assert not cleaned(SeriesDate="").SeriesDate


@pytest.mark.parametrize(
    ("given", "expected"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("103Y", "090Y"), ("999M", "999M"), ("999W", "999W"), ("012D", "012D")],
)
def test_ages_are_capped(given: str, expected: str) -> None:
    assert cleaned(PatientAge=given).PatientAge == expected


def test_a_low_cap_counts_months_as_years() -> None:
    who = Identity(WHO.key, 3650, 80)
    head = Rewriter(profile(RESEARCH), who).clean(Bytes(ct_slice(PatientAge="999M")), unlooked).head
    assert b"AS\x04\x00080Y" in head


@pytest.mark.parametrize(
    ("tag", "vr", "value"),
    [
        (0x00180088, "LO", "Quelbrand"),  # a name where a number belongs
        (0x00180050, "DS", "12345678"),  # a patient's number as a thickness
        (0x00200011, "IS", "123456789"),
        (0x00200020, "CS", "QUELBRAND"),
        (0x00080070, "LO", "ACME Quelbrand"),
        (0x00180015, "CS", "QUELBRAND"),
        (0x00181210, "SH", "Quelbrand"),
        (0x00100040, "CS", "QUELBRAND"),
        (0x00101010, "AS", "QUEL"),
        (0x00080020, "DA", "Quelbran"),
        (0x00104444, "UN", b"Quelbrand "),
        (0x00091001, "LO", "Quelbrand"),
        (0x60000022, "LO", "Quelbrand"),
        (0x50002500, "LO", "Quelbrand"),
        (0x00204000, "LT", "Quelbrand"),
        (0xFFFCFFFC, "OB", b"Quelbrand "),
    ],
)
def test_a_value_in_an_unexpected_place_goes(tag: int, vr: str, value: Any) -> None:
    made = deidentify(added(ct_slice(), (tag, vr, value)))
    text = value if isinstance(value, bytes) else value.encode()
    assert text not in made


def test_nested_and_private_names_go_and_are_known_to_the_verifier() -> None:
    inner = Dataset()
    inner.RequestingPhysician = "Zormirsk^Deep"
    outer = Dataset()
    outer.RequestAttributesSequence = [inner]
    data, made = rewritten(added(ct_slice(), (0x00081115, "SQ", [outer])))
    assert b"Zormirsk" not in data
    assert ("name", "Zormirsk^Deep") in made.context.identifiers


def test_words_after_an_unknown_one_go_because_their_place_has_a_meaning() -> None:
    made = cleaned(ImageType=["ORIGINAL", "PRIMARY", "QUELBRAND", "AXIAL"])
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY"]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_native_transfer_syntaxes_become_explicit_little_endian(syntax: pydicom.uid.UID) -> None:
    assert deidentify(in_syntax(ct_slice(), syntax)) == deidentify(ct_slice())


def test_rle_keeps_its_transfer_syntax_and_pixels() -> None:
    dataset = read(ct_slice())
    pixels = dataset.pixel_array.copy()
    dataset.compress(RLELossless, generate_instance_uid=False)
    buffer = BytesIO()
    dataset.save_as(buffer)
    made = read(deidentify(buffer.getvalue()))
    assert made.file_meta.TransferSyntaxUID == RLELossless
    assert (made.pixel_array == pixels).all()


def jpeg(comment: bytes) -> bytes:
    """A made-up lossless JPEG: markers as in the standard, the scan is noise."""
    note = b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment
    return b"\xff\xd8" + note + b"\xff\xc3\x00\x04ab\xff\xda\x00\x04cdscan\xff\xd9"


def test_comments_in_a_code_stream_go() -> None:
    assert (
        clean_frame(jpeg(b"JANE DOE"), JPEGLosslessSV1, 4)
        == b"\xff\xd8\xff\xc3\x00\x04ab\xff\xda\x00\x04cdscan\xff\xd9"
    )
    dataset = read(ct_slice())
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.PixelData = encapsulate([jpeg(b"JANE DOE")])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    buffer = BytesIO()
    dataset.save_as(buffer)
    made = deidentify(buffer.getvalue())
    assert b"JANE" not in made and b"scan\xff\xd9" in made


def test_what_stands_between_scans_and_after_the_end_of_a_jpeg_goes() -> None:
    note = b"\xff\xfe\x00\x0aJANE DOE"
    scan = b"\xff\xda\x00\x04cdsc\xff\x00an\xff\xd0x"
    frame = b"\xff\xd8" + scan + note + scan + b"\xff\xd9JANE DOE\xff\xd9"
    assert clean_frame(frame, JPEGLosslessSV1, 4) == b"\xff\xd8" + scan + scan + b"\xff\xd9"


@pytest.mark.parametrize("given_length", [True, False])
def test_comments_of_tiles_and_what_follows_the_end_of_a_jpeg_2000_go(given_length: bool) -> None:
    note = b"\xff\x64\x00\x0aJANE DOE"
    data = b"\xff\x93data"

    def tile(header: bytes, length: int) -> bytes:
        return struct.pack(">HHHIBB", 0xFF90, 10, 0, length, 0, 1) + header + data

    size = b"\xff\x51\x00\x04ab"
    length = 12 + len(note + data) if given_length else 0
    frame = b"\xff\x4f" + note + size + tile(note, length) + b"\xff\xd9JANE DOE\xff\xd9"
    clean = b"\xff\x4f" + size + tile(b"", 12 + len(data)) + b"\xff\xd9"
    assert clean_frame(frame, "1.2.840.10008.1.2.4.90", 4) == clean


def test_bytes_after_the_runs_of_an_rle_plane_go() -> None:
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"\xfd\x07" + b"JANE DOE"
    assert clean_frame(frame, RLELossless, 4) == frame[:66]


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("RevolutionTime", "FD", b"DOE^JANE"),
        ("TableSpeed", "FD", b"19620314"),
        ("PixelPaddingValue", "US", b"DOE^JANE"),
        ("SliceThickness", "DS", b"74\\65\\78\\69\\32\\68\\79\\69 "),
        ("SeriesNumber", "IS", b"555\\123\\4567 "),
    ],
)
def test_text_written_as_numbers_goes(keyword: str, vr: str, value: bytes) -> None:
    dataset = read(ct_slice())
    tag = pydicom.tag.Tag(keyword)
    dataset[tag] = pydicom.dataelem.RawDataElement(tag, vr, len(value), value, 0, False, True)
    buffer = BytesIO()
    dataset.save_as(buffer)
    assert value in buffer.getvalue()
    assert value not in deidentify(buffer.getvalue())


FRAME_1, FRAME_2 = (b"\xff\xd8" + name + b"\xff\xd9" for name in (b"first!", b"second"))


def enclosed(*fragments: bytes, table: Sequence[int] = ()) -> bytes:
    """The value of encapsulated PixelData: offset table, fragments, delimiter."""
    offsets = struct.pack(f"<{len(table)}I", *table)
    items = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(part)) + part for part in (offsets, *fragments))
    return items + b"\xfe\xff\xdd\xe0" + bytes(4)


@pytest.mark.parametrize(
    "value",
    [
        enclosed(FRAME_1, FRAME_2),
        enclosed(FRAME_1, FRAME_2, table=(0, 18)),
        enclosed(FRAME_1[:4], FRAME_1[4:], FRAME_2, table=(0, 26)),
        enclosed(FRAME_1, FRAME_2[:4], FRAME_2[4:]),
        enclosed(FRAME_1[:4], FRAME_1[4:], FRAME_2[:6], FRAME_2[6:], table=(0,)),  # a table for other frames
        enclosed(b"before", FRAME_1, FRAME_2[:2], FRAME_2[2:]),
        enclosed(FRAME_1, FRAME_2)[:-8],
    ],
    ids=["one_each", "one_each_by_table", "by_table", "by_marker", "by_marker_and_not_table", "junk_first", "no_end"],
)
def test_frames_in_several_fragments_are_put_together(value: bytes) -> None:
    assert split_frames(value, 2) == [FRAME_1, FRAME_2]


def test_fragments_without_a_marker_belong_to_the_frames_of_the_offset_table() -> None:
    assert split_frames(enclosed(b"abcd", b"ef", b"gh", table=(0, 12)), 2) == [b"abcd", b"efgh"]
    assert split_frames(enclosed(b"abcd", b"ef", b"gh"), 1) == [b"abcdefgh"]


@pytest.mark.parametrize(
    ("value", "frames"),
    [
        (enclosed(FRAME_1, FRAME_2, FRAME_1), 2),
        (enclosed(FRAME_1, FRAME_2), 3),
        (enclosed(b"abcd", b"ef", b"gh"), 2),
        (enclosed(b"abcd", b"ef", b"gh", table=(0, 4)), 2),
        (enclosed(FRAME_1)[:-12], 1),
        (b"\xff\xd8" + enclosed(FRAME_1), 1),
    ],
    ids=["too_many", "too_few", "no_marker", "table_that_points_nowhere", "torn_fragment", "no_item"],
)
def test_other_frames_than_the_header_says_are_refused(value: bytes, frames: int) -> None:
    with pytest.raises(Rejected) as caught:
        split_frames(value, frames)
    assert caught.value.reason is Reason.TRUNCATED


J2K = "1.2.840.10008.1.2.4.90"
TILE = struct.pack(">HHHIBB", 0xFF90, 10, 0, 0, 0, 1)


def rle(*starts: int, count: int | None = None, runs: bytes = b"\xfd\x07") -> bytes:
    used = (*starts, *[0] * (15 - len(starts)))
    return struct.pack("<16I", len(starts) if count is None else count, *used) + runs


@pytest.mark.parametrize(
    ("syntax", "frame", "expected"),
    [
        (JPEGLosslessSV1, b"\xff\xd8\xff", Reason.TRUNCATED),
        (JPEGLosslessSV1, b"\xff\xd8\xff\xdb\x00", Reason.TRUNCATED),
        (JPEGLosslessSV1, b"\xff\xd8\xff\xdb\x00\x01\xff\xd9", Reason.UNREADABLE),
        (JPEGLosslessSV1, b"\xff\xd8name\xff\xd9", Reason.UNREADABLE),
        (JPEGLosslessSV1, b"\xff\xd8\xff\xda\x00\x02scan without an end", Reason.TRUNCATED),
        (JPEGLosslessSV1, b"\xff\xd8\xff\xda\x00\x02scan\xff", Reason.TRUNCATED),
        (JPEGLosslessSV1, b"\xff\x4f\xff\xd9", Reason.UNREADABLE),
        (J2K, b"\xff\xd8\xff\xd9", Reason.UNREADABLE),
        (J2K, b"\xff\x4f" + TILE + b"\xff\xd9", Reason.UNREADABLE),
        (J2K, b"\xff\x4f" + TILE + b"\xff\x93data", Reason.TRUNCATED),
        (J2K, b"\xff\x4f" + TILE[:6] + struct.pack(">I", 13) + TILE[10:] + b"\xff\x93\xff\xd9", Reason.TRUNCATED),
        (J2K, b"\xff\x4f" + TILE[:6] + struct.pack(">I", 99) + TILE[10:] + b"\xff\x93\xff\xd9", Reason.TRUNCATED),
        (RLELossless, rle(64)[:63], Reason.TRUNCATED),
        (RLELossless, rle(count=0), Reason.UNREADABLE),
        (RLELossless, rle(64, count=16), Reason.UNREADABLE),
        (RLELossless, rle(66), Reason.UNREADABLE),
        (RLELossless, rle(64, 66), Reason.UNREADABLE),
        (RLELossless, rle(64, runs=b"\xfe\x07"), Reason.TRUNCATED),
        (RLELossless, rle(64, runs=b"\xfc\x07"), Reason.TRUNCATED),
        (RLELossless, rle(64, runs=b"\x03abc"), Reason.TRUNCATED),
    ],
    ids=[
        *("torn_marker", "torn_length", "length_below_two", "no_marker", "no_marker_after_scan", "torn_scan"),
        *("jpeg_2000_for_jpeg", "jpeg_for_jpeg_2000", "tile_without_data", "tile_without_end"),
        *("tile_shorter_than_its_header", "tile_longer_than_the_frame"),
        *("torn_header", "no_segment", "sixteen_segments", "gap", "segment_outside"),
        *("too_few_runs", "too_many_runs", "torn_run"),
    ],
)
def test_what_is_no_code_stream_of_its_syntax_is_refused(syntax: str, frame: bytes, expected: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        clean_frame(frame, syntax, 4)
    assert caught.value.reason is expected


def test_fill_bytes_between_segments_go() -> None:
    segment = b"\xff\xdb\x00\x04ab"
    frame = b"\xff\xd8\xff\xff\xff" + segment + b"\xff\xff" + segment + b"\xff\xff\xd9"
    assert clean_frame(frame, JPEGLosslessSV1, 4) == b"\xff\xd8" + segment * 2 + b"\xff\xd9"


def test_a_tile_keeps_what_describes_it() -> None:
    note, quantization = b"\xff\x64\x00\x0aJANE DOE", b"\xff\x5c\x00\x04ab"
    clean = b"\xff\x4f" + struct.pack(">HHHIBB", 0xFF90, 10, 0, 24, 0, 1) + quantization + b"\xff\x93data\xff\xd9"
    assert clean_frame(b"\xff\x4f" + TILE + quantization + note + b"\xff\x93data\xff\xd9", J2K, 4) == clean


def test_an_rle_run_that_says_nothing_is_passed_over() -> None:
    assert clean_frame(rle(64, runs=b"\x80\xfd\x07JANE DOE"), RLELossless, 4) == rle(64, runs=b"\x80\xfd\x07\0")


@given(st.binary(max_size=80))
def test_any_code_stream_ends_as_one_or_a_reject(data: bytes) -> None:
    for syntax in (JPEGLosslessSV1, "1.2.840.10008.1.2.4.90", RLELossless):
        for candidate in (data, b"\xff\xd8" + data + b"\xff\xd9", b"\xff\x4f" + data + b"\xff\xd9"):
            try:
                clean_frame(b"".join(split_frames(candidate, 1)) + candidate, syntax, 4)
            except Rejected as outcome:
                assert outcome.reason in (Reason.TRUNCATED, Reason.UNREADABLE)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"PatientID": ""}, Reason.MISSING_IDENTITY),
        ({"PatientID": None}, Reason.MISSING_IDENTITY),
        ({"SOPInstanceUID": ""}, Reason.MISSING_IDENTITY),
        ({"SeriesInstanceUID": None}, Reason.MISSING_IDENTITY),
        ({"StudyInstanceUID": None}, Reason.MISSING_IDENTITY),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, Reason.UNSUPPORTED_OBJECT),  # a report with pixels
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66"}, Reason.UNSUPPORTED_OBJECT),  # raw data
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.9.4.2"}, Reason.UNSUPPORTED_OBJECT),  # a voice
        ({"SOPClassUID": "1.2.3.4"}, Reason.UNSUPPORTED_OBJECT),
        ({"PixelData": None}, Reason.UNSUPPORTED_OBJECT),
        ({"Rows": None}, Reason.UNSUPPORTED_OBJECT),
        ({"Rows": 25}, Reason.TRUNCATED),
        ({"BitsAllocated": 32}, Reason.TRUNCATED),
        ({"BitsAllocated": 12}, Reason.UNSUPPORTED_OBJECT),
    ],
)
def test_what_cannot_be_cleaned_is_rejected_with_its_reason(elements: dict[str, Any], expected: Reason) -> None:
    assert reason(ct_slice(**elements)) == expected


@pytest.mark.parametrize(
    "elements",
    [
        {"BurnedInAnnotation": "YES"},
        {"BurnedInAnnotation": "MAYBE"},
        {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]},
    ],
)
def test_a_slice_that_says_that_text_is_on_it_needs_a_look(elements: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as outcome:
        deidentify(ct_slice(**elements), [option for option in RESEARCH if option != "clean_pixel_data"])
    assert outcome.value.reason is Reason.BURNED_IN_TEXT
    assert read(deidentify(ct_slice(**elements))).BurnedInAnnotation == "NO"


def test_an_overlay_in_the_unused_bits_of_the_pixels_is_rejected() -> None:
    assert reason(added(ct_slice(), (0x60000102, "US", 12))) == Reason.BURNED_IN_TEXT


def test_what_is_behind_the_pixels_and_beyond_their_size_goes() -> None:
    dataset = read(ct_slice())
    dataset.PixelData = dataset.PixelData + b"Quelbrand "
    buffer = BytesIO()
    dataset.save_as(buffer)
    tail = b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", 10) + b"Zormirsk  "
    made = deidentify(buffer.getvalue() + tail)
    assert b"Quelbrand" not in made and b"Zormirsk" not in made


def test_a_file_cut_in_its_pixels_is_truncated() -> None:
    assert reason(ct_slice()[:-100]) == Reason.TRUNCATED
    assert reason(torn(ct_slice(), 0.2)) == Reason.TRUNCATED


def test_slices_of_a_series_stay_a_series() -> None:
    made = [rewritten(data)[1] for data in ct_files()[:3]]
    assert len({part.series_id for part in made}) == len({part.patient_id for part in made}) == 1
    assert len({part.instance_id for part in made}) == 3


def test_another_issuer_is_another_patient() -> None:
    east, west = (rewritten(changed(ct_slice(), IssuerOfPatientID=issuer))[1] for issuer in ("EAST", "WEST"))
    assert east.patient_id != west.patient_id


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_bytes_end_as_a_verified_image_or_a_reject(data: st.DataObject) -> None:
    valid = ct_slice()
    at = data.draw(st.integers(0, len(valid) - 1))
    cut = data.draw(st.integers(0, 12))
    try:
        made = deidentify(valid[:at] + data.draw(st.binary(max_size=12)) + valid[at + cut :])
    except Rejected as outcome:
        assert outcome.detail.startswith(("expected", "rule"))
        return
    assert read(made).pixel_array.shape
