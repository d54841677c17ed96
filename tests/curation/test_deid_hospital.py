"""Whole objects through the whole border: nothing that was planted is left, what research needs is."""

import struct
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from curation.deid.cleaner import Cleaner
from curation.deid.dicom.elements import split, write, write_items
from curation.deid.dicom.explain import explain
from curation.deid.dicom.odd import plain
from curation.deid.dicom.opened import Bytes, File, Opened, Reader, open_dicom
from curation.deid.dicom.profile import RESEARCH, profile
from curation.deid.dicom.rewrite import Rewriter
from curation.deid.keys.identity import Identity
from curation.errors import Rejected
from tests.builders import ct_slice
from tests.curation.hospital import Hospital, hospital, parsed, spellings

WHO = Identity(bytes(range(7, 39)), 3650, 90)


def cleaned(made: Hospital, folder: Path) -> dict[str, bytes]:
    """The clean files by the names of the originals."""
    paths = {name: folder / f"{number}.dcm" for number, name in enumerate(made.files)}
    for name, path in paths.items():
        path.write_bytes(made.files[name])
    cleaner = Cleaner(WHO, frozenset(RESEARCH), recheck_share=1.0)
    cleaner.screen(paths.values())
    out = {}
    for name, path in paths.items():
        with File(path) as file:
            clean = cleaner.clean(file)
            out[name] = b"".join(map(bytes, cleaner.parts(file, clean)))
            assert len(out[name]) == clean.size
    return out


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hospital, dict[str, bytes]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of what was planted
        made = hospital(1)
    return made, cleaned(made, tmp_path_factory.mktemp("hospital"))


def test_every_object_is_taken_and_nothing_planted_is_left(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    made, clean = taken
    assert set(clean) == set(made.files)
    for name, value in made.planted:
        for spelling in spellings(value):
            assert spelling not in clean[name], name


def test_what_research_needs_is_kept(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    made, clean = taken
    by_number = {str(dataset.InstanceNumber): dataset for dataset in map(parsed, clean.values())}
    for number, keyword, text in made.kept:
        assert text in str(by_number[number][keyword].value)
    safe = [dataset[0x0019100C].value for dataset in by_number.values() if 0x0019100C in dataset]
    assert len(safe) == 10 and {int(value) for value in safe} == {800}
    texts = [item.TextValue for d in by_number.values() for item in d.get("ContentSequence", ()) if "TextValue" in item]
    assert len(texts) == 2 and all("There is a 5 mm nodule in the left lower lobe." in text for text in texts)


def test_references_stay_whole_across_files(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    made, clean = taken
    seen: dict[str, set[str]] = defaultdict(set)
    for name, data in made.files.items():
        before, after = parsed(data), parsed(clean[name])
        for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
            seen[before[keyword].value].add(after[keyword].value)
        assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
        if before.Modality == "KO":
            (evidence,) = after.CurrentRequestedProcedureEvidenceSequence
            assert evidence.StudyInstanceUID == after.StudyInstanceUID
            assert evidence.ReferencedSeriesSequence[0].SeriesInstanceUID == after.SeriesInstanceUID
    assert all(len(made_from) == 1 for made_from in seen.values())
    assert len({next(iter(made_from)) for made_from in seen.values()}) == len(seen)
    assert len({parsed(data).PatientID for data in clean.values()}) == 2


def test_pixels_without_text_are_the_same_and_text_is_gone(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    made, clean = taken
    for name, data in made.files.items():
        before, after = parsed(data), parsed(clean[name])
        if before.Modality in ("CT", "SEG"):
            assert np.array_equal(before.pixel_array, after.pixel_array), name
        elif before.Modality == "DX":
            assert not np.array_equal(before.pixel_array[:40], after.pixel_array[:40])
            assert np.array_equal(before.pixel_array[60:], after.pixel_array[60:])
        elif before.Modality == "US":
            assert np.array_equal(before.pixel_array[0], after.pixel_array[0])
            assert after.pixel_array[1].max() < 200 <= before.pixel_array[1].max()


def test_marks_say_what_was_done(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    for dataset in map(parsed, taken[1].values()):
        assert dataset.PatientIdentityRemoved == "YES" and dataset.PatientAge == "090Y"
        codes = {item.CodeValue for item in dataset.DeidentificationMethodCodeSequence}
        assert (
            ("113101" in codes)
            == (dataset.get("BurnedInAnnotation") == "NO")
            == (dataset.Modality in ("CT", "DX", "US"))
        )


def test_explain_names_every_element_and_shows_no_value(taken: tuple[Hospital, dict[str, bytes]]) -> None:
    made, _ = taken
    for name, data in made.files.items():
        opened = open_dicom(Bytes(data))
        lines = list(explain(opened, Rewriter(profile(RESEARCH), WHO)))
        top = [line.path for line in lines if "." not in line.path and line.path != "7FE0,0010"]
        assert top == sorted(top) or any(tag & 0x10000 for tag, _ in opened.elements)
        assert len(top) == len(opened.elements)
        shown = "\n".join(map(str, lines)).casefold()
        assert all(value.casefold() not in shown for where, value in made.planted if where == name and len(value) > 4)


# --- codes, ages, bits ---------------------------------------------------------------------------------------


def item_of(*elements: tuple[int, str, bytes]) -> bytes:
    return b"".join(write(tag, vr, value) for tag, vr, value in elements)


def rewritten(body: bytes) -> FileDataset:
    """A report with these elements behind its header, clean."""
    head = item_of(
        (0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.88.22"), (0x00080018, "UI", b"1.2.5"),
        (0x00080060, "CS", b"SR"), (0x00100010, "PN", b"CHEST^CT"), (0x00100020, "LO", b"774291"),
        (0x0020000D, "UI", b"1.2.3"), (0x0020000E, "UI", b"1.2.4"),
    )  # fmt: skip
    elements = dict(split(head, True)) | dict(split(body, True))
    data = b"".join(raw for _, raw in sorted(elements.items()))
    file = bytes(128) + b"DICM" + write(0x00020010, "UI", b"1.2.840.10008.1.2.1") + data
    return parsed(Rewriter(profile(RESEARCH), WHO).clean(Bytes(file)).head)


@pytest.mark.parametrize(
    ("scheme", "value", "kept"),
    [
        ("SCT", "51185008", True),
        ("SCT", "51185009", False),  # its check digit is wrong
        ("DCM", "121071", True),
        ("LN", "18748-4", True),
        ("LN", "18748-5", False),
        ("UCUM", "mm", True),
        ("UCUM", "m1234", False),
        ("RADLEX", "RID1301", True),
        ("99LOCAL", "T1", True),
        ("99LOCAL", "K48213", False),
        ("DCM", "774291", False),  # the patient's own number
        ("SRT", "Zuleika", False),
    ],
)
def test_codes_of_published_schemes_stay_and_numbers_of_others_go(scheme: str, value: str, kept: bool) -> None:
    code = item_of((0x00080100, "SH", value.encode()), (0x00080102, "SH", scheme.encode()))
    (item,) = rewritten(write(0x0040A043, "SQ", write_items([code]))).ConceptNameCodeSequence
    assert (item.get("CodeValue") == value) == kept
    assert item.CodingSchemeDesignator == scheme


@pytest.mark.parametrize(("unit", "given", "expected"), [("a", "94", "90"), ("a", "41", "41"), ("mm", "94", "94")])
def test_a_measured_age_is_capped(unit: str, given: str, expected: str) -> None:
    code = item_of((0x00080100, "SH", unit.encode()), (0x00080102, "SH", b"UCUM"))
    value = item_of((0x004008EA, "SQ", write_items([code])), (0x0040A161, "FD", struct.pack("<d", float(given))),
                    (0x0040A30A, "DS", given.encode()))  # fmt: skip
    (made,) = rewritten(write(0x0040A300, "SQ", write_items([value]))).MeasuredValueSequence
    assert made.NumericValue == float(expected) == made.FloatingPointValue


def test_defined_terms_stay_whatever_the_patient_is_called() -> None:
    made = rewritten(item_of((0x00180015, "CS", b"CHEST"), (0x00181012, "DA", b"")))
    assert made.Modality == "SR" and made.BodyPartExamined == "CHEST"


def test_bits_above_the_stored_ones_say_nothing(tmp_path: Path) -> None:
    dataset = parsed(ct_slice())
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    plain = np.full((dataset.Rows, dataset.Columns), 300, "<u2")
    hidden = plain.copy()
    hidden[:4] |= 1 << 15
    for pixels in (plain, hidden):
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(tmp_path / "a.dcm")
        cleaner = Cleaner(WHO, frozenset(RESEARCH), 0.0)
        cleaner.screen([tmp_path / "a.dcm"])
        with File(tmp_path / "a.dcm") as file:
            made = b"".join(map(bytes, cleaner.parts(file, cleaner.clean(file))))
        assert parsed(made).PixelData == plain.tobytes()


def test_a_slice_that_cannot_be_laid_over_its_series_is_looked_at_by_itself(tmp_path: Path) -> None:
    dataset = parsed(ct_slice())
    dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.80")
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "a.dcm")
    cleaner = Cleaner(WHO, frozenset(RESEARCH), 0.0)
    cleaner.screen([tmp_path / "a.dcm"])
    with File(tmp_path / "a.dcm") as file, pytest.raises(Rejected):
        cleaner.clean(file)


# --- two ways to read, one result --------------------------------------------------------------------------


def by_pydicom(data: bytes) -> Opened:
    """The file as the other reader makes it."""
    return Reader().unpacked(*plain(data))


TEXT = st.text(st.characters(codec="ascii", exclude_characters="\\\0\x1b\n\r\f"), max_size=12).map(str.encode)
VALUES = st.sampled_from(
    [
        (0x00080008, "CS"), (0x00080020, "DA"), (0x00080030, "TM"), (0x00080090, "PN"), (0x0008002A, "DT"),
        (0x00081030, "LO"), (0x00080080, "LO"), (0x00100040, "CS"), (0x00101010, "AS"), (0x00104444, "LO"),
        (0x00180050, "DS"), (0x00180088, "LO"), (0x00200013, "IS"), (0x00200052, "UI"), (0x00204000, "LT"),
        (0x00280010, "US"), (0x00189305, "FD"), (0x00291010, "OB"), (0x00290010, "LO"), (0x60003000, "OW"),
    ]
)  # fmt: skip


@st.composite
def datasets(draw: st.DrawFn, depth: int = 2) -> bytes:
    """Elements in order of tag, as bytes."""
    parts: dict[int, bytes] = {}
    for tag, vr in draw(st.lists(VALUES, max_size=8)):
        value = draw(
            st.binary(max_size=16).map(lambda data: data[: len(data) // 8 * 8]) if vr in ("US", "FD") else TEXT
        )
        parts[tag] = write(tag, vr, value)
    if depth and draw(st.booleans()):
        parts[0x00081032] = write(0x00081032, "SQ", write_items(draw(st.lists(datasets(depth=depth - 1), max_size=2))))
    return b"".join(made for _, made in sorted(parts.items()))


@settings(max_examples=150, deadline=None)
@given(datasets())
def test_both_readers_make_the_same_file(body: bytes) -> None:
    """The walker and pydicom give the rewriter the same elements, so the clean file is the same to the byte."""
    ids = b"".join(
        write(tag, vr, value)
        for tag, vr, value in (
            (0x0020000D, "UI", b"1.2.3"),
            (0x0020000E, "UI", b"1.2.4"),
        )
    )
    head = write(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.88.11") + write(0x00080018, "UI", b"1.2.5")
    elements = dict(split(body, True))
    elements |= dict(split(head + write(0x00100020, "LO", b"77") + ids, True))
    data = b"".join(raw for _, raw in sorted(elements.items()))
    file = bytes(128) + b"DICM" + write(0x00020010, "UI", b"1.2.840.10008.1.2.1") + data
    results = []
    for opened in (open_dicom(Bytes(file)), by_pydicom(file)):
        try:
            results.append(Rewriter(profile(RESEARCH), WHO).clean_opened(opened).head)
        except Rejected as rejected:
            results.append(rejected.detail.encode())
    assert results[0] == results[1]
