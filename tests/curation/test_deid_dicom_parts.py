"""The small parts of the de-identifier, each with what real files rarely bring."""

import struct
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import yaml
from pydicom.dataset import FileDataset

from curation.deid.dicom import known as known_module
from curation.deid.dicom.clean_pixels import pixels_of
from curation.deid.dicom.decide import Context
from curation.deid.dicom.elements import (
    MAX_DEPTH,
    Odd,
    element,
    element_end,
    items,
    split,
    write,
    write_items,
)
from curation.deid.dicom.explain import explain_file
from curation.deid.dicom.objects import JPEG, RLE, Kind
from curation.deid.dicom.opened import Bytes, open_dicom
from curation.deid.dicom.originals import Headers
from curation.deid.dicom.profile import RESEARCH, Action, profile
from curation.deid.dicom.rewrite import Clean, Rewriter
from curation.deid.dicom.values import Subject
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.texts.words import lexicon
from curation.errors import InputError, Rejected
from curation.records import Reason
from curation.settings import DeidSettings
from tests.builders import REPOSITORY, ct_slice

WHO = Identity(bytes(range(7, 39)), 3650, 90)
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
STRUCTURED_REPORT = b"1.2.840.10008.5.1.4.1.1.88.11"
UNDEFINED = 0xFFFFFFFF
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
PROCEDURE_CODES, CONTENT, CONCEPT, VALUE_TYPE, TEXT = 0x00081032, 0x0040A730, 0x0040A043, 0x0040A040, 0x0040A160


def undefined(tag: int, vr: bytes, value: bytes) -> bytes:
    """An explicit element of undefined length, without its delimiter."""
    return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, UNDEFINED) + value


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def file_of(*elements: bytes, syntax: str = EXPLICIT) -> bytes:
    return bytes(128) + b"DICM" + write(0x00020010, "UI", syntax.encode()) + b"".join(elements)


def report(*others: bytes, charset: bytes = b"") -> bytes:
    """A structured report of a patient with no more than ids, and these elements."""
    made = [
        write(0x00080016, "UI", STRUCTURED_REPORT),
        write(0x00080018, "UI", b"1.2.5"),
        write(0x00100010, "PN", b"QUELBRAND^MIREL"),
        write(0x00100020, "LO", b"77"),
        write(0x0020000D, "UI", b"1.2.3"),
        write(0x0020000E, "UI", b"1.2.4"),
        *others,
    ]
    if charset:
        made.append(write(0x00080005, "CS", charset))
    return file_of(*sorted(made, key=lambda raw: struct.unpack_from("<HH", raw)))


def rewritten(data: bytes, options: Sequence[str] = RESEARCH) -> Clean:
    return Rewriter(profile(options), WHO).clean(Bytes(data))


def read(data: bytes) -> FileDataset:
    return pydicom.dcmread(BytesIO(data))


def cleaned(data: bytes, options: Sequence[str] = RESEARCH) -> FileDataset:
    return read(rewritten(data, options).head)


def reason_of(data: bytes) -> Reason:
    with pytest.raises(Rejected) as caught:
        rewritten(data)
    return caught.value.reason


# --- elements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "short"),
    [
        (write(0x00100020, "LO", b"77") + write(0x00080060, "CS", b"CT"), False),
        (write(0x00080060, "CS", b"CT") * 2, False),
        (undefined(0x00204000, b"UT", b"text"), False),
        (undefined(PROCEDURE_CODES, b"SQ", write(0x00080060, "CS", b"CT")), False),
        (undefined(PROCEDURE_CODES, b"SQ", b""), True),
        (undefined(PROCEDURE_CODES, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + b"\x08\0"), True),
        (write(0x00080060, "CS", b"CT")[:-1], True),
        (b"\x08\0\x60", True),
    ],
    ids=["disorder", "twice", "endless_text", "no_item", "no_delimiter", "torn_item", "torn_value", "torn_tag"],
)
def test_elements_that_are_not_plain_are_odd_and_say_whether_more_bytes_would_help(data: bytes, short: bool) -> None:
    with pytest.raises(Odd) as caught:
        split(data, True)
    assert caught.value.short is short


def test_an_item_longer_than_its_sequence_is_odd() -> None:
    whole = write_items([write(0x00080060, "CS", b"CT")])
    assert list(items(whole, True, 1)) == [[(0x00080060, write(0x00080060, "CS", b"CT"))]]
    with pytest.raises(Odd) as caught:
        list(items(whole[:-1], True, 1))
    assert caught.value.short


def test_items_deeper_than_any_real_file_are_refused() -> None:
    assert list(items(write_items([b""]), True, MAX_DEPTH)) == [[]]
    with pytest.raises(Rejected, match="deeper"):
        list(items(write_items([b""]), True, MAX_DEPTH + 1))


@pytest.mark.parametrize(
    ("tag", "raw", "expected"),
    [
        (0x00104444, undefined(0x00104444, b"UN", SEQUENCE_END), ("SQ", False)),
        (0x00104444, write(0x00104444, "UN", b"data"), ("UN", False)),
        (0x00080060, write(0x00080060, "UN", b"CT"), ("CS", False)),
        (0x00080060, write(0x00080060, "LO", b"CT"), ("LO", True)),
    ],
    ids=["unknown_endless", "unknown", "known", "given"],
)
def test_what_an_element_of_no_known_representation_is(tag: int, raw: bytes, expected: tuple[str, bool]) -> None:
    made = element(tag, raw, True)
    assert (made.vr, made.explicit) == expected
    assert element_end(raw, 0, True) == len(raw)


def test_a_value_that_does_not_fit_its_representation_is_refused() -> None:
    assert len(write(0x00081030, "LO", b"x" * 65_533)) == 8 + 65_534
    with pytest.raises(Rejected, match="64 KiB"):
        write(0x00081030, "LO", b"x" * 65_535)
    assert reason_of(implicit_report((0x00200032, b"1\\2\\3"), (0x0018002A, b"CHEST " * 11_000))) is Reason.UNREADABLE


# --- chunks and the other reader -------------------------------------------------------------------------


def test_a_private_group_out_of_order_is_put_in_order() -> None:
    creator, first, second = (
        write(tag, vr, value)
        for tag, vr, value in ((0x00190010, "LO", b"ACME"), (0x00191001, "IS", b"1"), (0x00191002, "IS", b"2"))
    )
    in_order = open_dicom(Bytes(file_of(creator, first, second)))
    assert len(in_order.chunks) == 1
    for shuffled in ((creator, second, first), (first, creator, second)):
        assert open_dicom(Bytes(file_of(*shuffled))).elements == in_order.elements


@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
def test_a_report_that_ends_anywhere_in_its_content_is_refused(vr: bytes) -> None:
    """A report without its content must not pass for a whole one."""
    text = write(TEXT, "UT", b"nodule") if vr == b"SQ" else implicit(TEXT, b"nodule")
    item = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + text + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    content = undefined(CONTENT, vr, item + SEQUENCE_END)
    whole = report(write(0x00404072, "CS", b"PDF"))
    for data in (whole, whole[132:]):
        assert cleaned(data + content).ContentSequence[0].TextValue == "nodule"
        for end in range(8, len(content)):  # fewer bytes are no header of an element
            assert reason_of(data + content[:end]) in (Reason.TRUNCATED, Reason.UNREADABLE)


def test_an_odd_file_that_ends_in_its_fragments_is_truncated() -> None:
    """pydicom leaves out what ends before its delimiter, and warns."""
    fragments = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, 8) + bytes(8)
    disorder = write(0x00100020, "LO", b"77") + write(0x00080060, "CS", b"CT")
    whole = file_of(disorder, undefined(0x7FE00010, b"OB", fragments + SEQUENCE_END), syntax=RLE)
    assert open_dicom(Bytes(whole)).pixels() == fragments + SEQUENCE_END
    with pytest.raises(Rejected) as caught:
        open_dicom(Bytes(whole[:-8]))
    assert caught.value.reason is Reason.TRUNCATED


def test_an_odd_file_may_not_nest_deeper_than_a_plain_one() -> None:
    deep = write(0x00080100, "SH", b"T1")
    for _ in range(MAX_DEPTH + 1):
        deep = write(PROCEDURE_CODES, "SQ", write_items([deep]))
    with pytest.raises(Rejected, match="nested"):
        open_dicom(Bytes(file_of(write(0x00100020, "LO", b"77"), deep)))


@pytest.mark.parametrize("vr", ["UN", "OB", "OW"])
def test_pixels_of_any_representation_are_found_by_both_readers(vr: str) -> None:
    first, second = write(0x00080060, "CS", b"CT"), write(0x00100020, "LO", b"77")
    pixels = write(0x7FE00010, vr, b"abcd")
    for order in ((first, second), (second, first)):
        opened = open_dicom(Bytes(file_of(*order, pixels)))
        assert (opened.pixels(), opened.pixels_vr) == (b"abcd", vr)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_fragments_in_a_native_file_are_not_taken_for_samples(syntax: str) -> None:
    fragments = struct.pack("<HHI", 0xFFFE, 0xE000, 8) + bytes(8) + SEQUENCE_END
    head = struct.pack("<HHI", 0x7FE0, 0x0010, UNDEFINED) if syntax == IMPLICIT else undefined(0x7FE00010, b"OB", b"")
    with pytest.raises(Rejected) as caught:
        open_dicom(Bytes(file_of(head + fragments, syntax=syntax)))
    assert caught.value.reason is Reason.UNREADABLE
    for compressed in (RLE, *sorted(JPEG)):
        whole = file_of(undefined(0x7FE00010, b"OB", fragments), syntax=compressed)
        assert open_dicom(Bytes(whole)).pixels() == fragments


# --- decisions -------------------------------------------------------------------------------------------


def implicit_report(*others: tuple[int, bytes]) -> bytes:
    ids = (
        (0x00080016, STRUCTURED_REPORT + b"\0"),
        (0x00080018, b"1.2.5\0"),
        (0x00100020, b"77"),
        (0x0020000D, b"1.2.3\0"),
        (0x0020000E, b"1.2.4\0"),
    )
    return file_of(*(implicit(tag, value) for tag, value in sorted((*ids, *others))), syntax=IMPLICIT)


@pytest.mark.parametrize(("representation", "vr", "value"), [(0, "US", 63_536), (1, "SS", -2_000)])
def test_an_implicit_number_is_signed_as_the_pixels_are(representation: int, vr: str, value: int) -> None:
    pixels = struct.pack("<H", representation)
    made = cleaned(implicit_report((0x00280103, pixels), (0x00280120, struct.pack("<H", 63_536))))
    assert (made["PixelPaddingValue"].VR, made.PixelPaddingValue) == (vr, value)


def test_pixels_in_an_item_go() -> None:
    item = write(0x00080104, "LO", b"CHEST") + write(0x7FE00010, "OB", b"QUELBRAND ")
    made = cleaned(report(write(PROCEDURE_CODES, "SQ", write_items([item]))))
    (inner,) = made.ProcedureCodeSequence
    assert inner.CodeMeaning == "CHEST" and "PixelData" not in inner


def test_a_private_sequence_goes_even_where_its_name_is_safe() -> None:
    creator = write(0x20010010, "LO", b"Philips Imaging DD 001")
    number, sequence = write(0x20011003, "FL", struct.pack("<f", 2.5)), write(0x2001105F, "SQ", write_items([b""]))
    assert profile(RESEARCH).private("Philips Imaging DD 001", 0x2001105F)[1] == ("SQ",)
    made = cleaned(report(creator, number, sequence))
    assert [element.tag for element in made if element.tag.is_private] == [0x20010010, 0x20011003]
    assert not any(element.tag.is_private for element in cleaned(report(creator, sequence)))


def test_a_sequence_that_the_profile_empties_stays_without_items() -> None:
    item = write(0x00400031, "UT", b"QUELBRAND")
    made = cleaned(report(write(0x00400513, "SQ", write_items([item]))))
    assert list(made.IssuerOfTheContainerIdentifierSequence) == []


def test_an_item_may_bring_a_character_set_of_its_own() -> None:
    latin = write(0x00080005, "CS", b"ISO_IR 100")
    item = latin + write(0x00080080, "LO", "Bärenklinik".encode("latin-1"))
    person = latin + write(0x00081048, "PN", "Größl^Eva".encode("latin-1"))
    given = report(write(PROCEDURE_CODES, "SQ", write_items([item, person])), charset=b"ISO_IR 144")
    clean = rewritten(given, (*RESEARCH, "retain_institution_identity"))
    assert read(clean.head).ProcedureCodeSequence[0].InstitutionName == "Bärenklinik"
    assert Identifier("name", "Größl^Eva") in clean.context.identifiers


@pytest.mark.parametrize("charset", [b"punycode", b"hex", b"idna", b"undefined", b"a\0b"])
def test_what_is_no_character_set_does_not_stop_the_run(charset: bytes) -> None:
    """pydicom takes any codec of Python for a character set."""
    nurse = write(0x00081070, "PN", "Größl^Eva".encode("latin-1"))
    clean = rewritten(report(nurse, charset=charset))
    assert Identifier("name", "Größl^Eva") in clean.context.identifiers
    assert b"Eva" not in clean.head


def torn_items() -> bytes:
    return write_items([write(0x00080100, "SH", b"T1")])[:-2]


def test_a_torn_sequence_is_refused_at_any_depth() -> None:
    torn = write(PROCEDURE_CODES, "SQ", torn_items())
    for data in (torn, write(CONTENT, "SQ", write_items([torn]))):
        assert reason_of(report(data)) is Reason.UNREADABLE


def test_a_content_item_with_a_torn_concept_is_refused() -> None:
    context = Context(profile(RESEARCH), Subject(WHO, "77", lexicon([]), moves_dates=True), ("",), signed=False)
    value_type, whole = write(VALUE_TYPE, "CS", b"TEXT"), write(CONCEPT, "SQ", write_items([b""]))
    pairs = [(VALUE_TYPE, value_type), (CONCEPT, whole)]
    assert context.body(pairs, True, 1) == value_type + whole
    with pytest.raises(Rejected) as caught:
        context.body([(VALUE_TYPE, value_type), (CONCEPT, write(CONCEPT, "SQ", torn_items()))], True, 1)
    assert caught.value.reason is Reason.UNREADABLE


def test_what_a_file_knows_does_not_depend_on_what_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [ct_slice(number) for number in (1, 2, 1)]
    known, small = (known_module.Known(profile(RESEARCH)) for _ in range(2))
    expected = [known.of(open_dicom(Bytes(data))) for data in files]
    monkeypatch.setattr(known_module, "_REMEMBERED", 0)
    assert [small.of(open_dicom(Bytes(data))) for data in files] == expected
    assert expected[0].names and expected[0].uids != expected[1].uids


@pytest.mark.parametrize(
    ("tag", "options", "rule", "action"),
    [
        (0x00140104, RESEARCH, "default:PN", Action.REMOVE),  # SecondaryReviewerName
        (0x00080120, RESEARCH, "default:UR", Action.REMOVE),  # URNCodeValue
        (0x00700256, RESEARCH, "default:bulk", Action.REMOVE),  # FillPattern
        (0x00281201, RESEARCH, "default:OW", Action.CLEAN),  # RedPaletteColorLookupTableData
        (0x0008001A, RESEARCH, "default:UI", Action.UID),  # RelatedGeneralSOPClassUID
        (0x0008001A, ("retain_uids",), "default:UI+retain_uids:K", Action.KEEP),
        (0x00081140, RESEARCH, "E.1-1:0008,1140:X/Z/U*:references", Action.CLEAN),  # ReferencedImageSequence
    ],
)
def test_what_the_table_leaves_open_has_a_rule(tag: int, options: Sequence[str], rule: str, action: Action) -> None:
    found = profile(options).rule(tag)
    assert (found.id, found.action) == (rule, action)
    assert found.trusted is (action is Action.KEEP)


# --- what is shown and noted of originals ----------------------------------------------------------------


def deid_settings() -> DeidSettings:
    return DeidSettings(**yaml.safe_load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))["deid"])


def test_a_file_is_explained_under_the_settings_of_a_workspace(tmp_path: Path) -> None:
    path = tmp_path / "report.dcm"
    path.write_bytes(report(write(0x00100040, "CS", b"F"), write(0x00104000, "LT", b"QUELBRAND")))
    lines = {line.keyword: (line.path, line.action) for line in explain_file(path, deid_settings())}
    assert lines["PatientName"] == ("0010,0010", "made") and lines["PatientSex"] == ("0010,0040", "keep")
    settings = deid_settings().model_copy(update={"options": ()})
    assert {line.keyword: line.action for line in explain_file(path, settings)}["PatientSex"] == "empty"


def test_a_file_that_is_not_taken_is_no_input_to_explain(tmp_path: Path) -> None:
    path = tmp_path / "torn.dcm"
    path.write_bytes(ct_slice()[:400])
    with pytest.raises(InputError, match="expected"):
        explain_file(path, deid_settings())


@pytest.mark.parametrize(
    ("element_of_it", "expected"),
    [
        (write(0x00041220, "SQ", b""), Reason.UNSUPPORTED_OBJECT),
        (write(0x00080060, "CS", b"CT"), Reason.NOT_DICOM),
        (write(0x00080016, "UI", b" "), Reason.NOT_DICOM),
    ],
    ids=["directory", "no_class", "blank_class"],
)
def test_a_file_that_does_not_say_what_it_is_is_not_noted(element_of_it: bytes, expected: Reason) -> None:
    with pytest.raises(Rejected) as caught:
        Headers().origin(Bytes(file_of(element_of_it)))
    assert caught.value.reason is expected


def test_pixels_in_an_object_whose_class_has_none_are_refused() -> None:
    opened = open_dicom(Bytes(ct_slice()))
    with pytest.raises(Rejected, match="without pixels"):
        pixels_of(opened, Kind.DATA, None)
