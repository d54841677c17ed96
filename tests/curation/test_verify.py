import inspect
import re
import struct
import time
import zlib
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.deid.keys.identity import Identifier
from curation.deid.verify import memory, spellings, streams, values, walk
from curation.deid.verify import rules as rule_module
from curation.deid.verify import verifier as verifier_module
from curation.deid.verify.verifier import Promise, Verifier, uids_of, verify_dicom, verify_nifti
from curation.errors import Rejected
from curation.records import Reason
from tests.curation.clean_bytes import (
    AMBIGUOUS,
    BASE,
    CLEAN,
    CODES,
    CT,
    DELIMITER,
    HEAD,
    INSTANCE,
    JPEG,
    PATIENT,
    PIXEL_HEAD,
    PIXELS,
    PRIVATE,
    PROMISE,
    REFERRED,
    SERIES,
    STUDY,
    WORDS,
    broken,
    code,
    compressed,
    content,
    dataset,
    el,
    fragment,
    item,
    made,
    meta,
    methods,
    methods_of,
    sq,
    with_content,
    with_tag,
)

NAME = Identifier("name", "Quelbrand^Mirel")
NUMBER = Identifier("patient_id", "77123456")


@pytest.fixture(autouse=True)
def _small_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spellings, "is_word", lambda token: token in WORDS)
    monkeypatch.setattr(spellings, "is_ambiguous", lambda token: token in AMBIGUOUS)


# --- what passes -----------------------------------------------------------------------------------------


def test_a_clean_file_passes_whole_and_in_two_parts() -> None:
    verify_dicom(CLEAN, PROMISE, [NAME, NUMBER])
    verifier = Verifier(PROMISE, frozenset({NAME, NUMBER}))
    verifier.dicom(HEAD, len(PIXELS))
    verifier.pixels(memoryview(PIXELS))


def test_an_object_without_pixels_passes_and_says_so() -> None:
    without = meta() + dataset()
    verify_dicom(without, PROMISE, [NAME])
    with pytest.raises(Rejected, match="pixel-length"):
        Verifier(PROMISE, frozenset()).dicom(without, 4)


def test_compressed_pixels_pass_whole_and_in_two_parts() -> None:
    value = fragment(struct.pack("<II", 0, 12)) + fragment(b"\xff\xd8ab") + fragment(b"\xff\xd8cd") + DELIMITER
    verify_dicom(compressed(value), PROMISE, [NAME])
    verifier = Verifier(PROMISE, frozenset())
    verifier.dicom(compressed(), len(value))
    verifier.pixels(value)
    with pytest.raises(Rejected, match="structure"):
        verifier.pixels(value[:-8])


def test_a_report_with_nested_content_and_text_beyond_ascii_passes() -> None:
    inner = content(
        item(
            el(0x0040A160, b"UT", "6 mm nodule, 45° right upper lobe\r\n".encode()),
            sq(0x0040A168, code(b"410668003", b"SCT", b"upper lobe")),
            el(0x00430010, b"LO", b"GEMS_PARM_01"),
            el(0x00431027, b"SH", b"1.375:1"),
        )
    )
    verify_dicom(with_content(el(0x0040A040, b"CS", b"CONTAINER"), inner), PROMISE, [NAME])


def test_an_encapsulated_document_passes_as_a_stub() -> None:
    stub = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    verify_dicom(with_tag(0x00420011, b"OB", stub), PROMISE, [NAME])
    verify_dicom(with_tag(0x00420011, b"OB", bytes(2)), PROMISE, [NAME])


GONE = dict.fromkeys((0x00080020, 0x00080030, 0x00081030, 0x00101010, 0x00430010, 0x00431027), b"")
"""What the Basic Profile alone does not leave."""
DUMMIES = [
    (0x00080080, b"LO", b"REMOVED"),
    (0x00181203, b"DT", b""),
    (0x00189701, b"DT", b"19000101000000"),
    (0x00400512, b"LO", b"REMOVED"),
    (0x0040A075, b"PN", b"REMOVED"),
    (0x00120020, b"LO", PATIENT),
    (0x00400555, b"SQ", b""),
]


@pytest.mark.parametrize(("tag", "vr", "value"), DUMMIES)
def test_a_dummy_passes(tag: int, vr: bytes, value: bytes) -> None:
    basic = Promise(frozenset())
    marks = {0x00120064: methods(b"113100"), 0x00280303: el(0x00280303, b"CS", b"REMOVED")}
    verify_dicom(made(GONE | marks | {tag: el(tag, vr, value)}), basic, [NAME])


RETAINED = {
    "retain_uids": (0x0020000D, b"UI", b"1.2.3.4.567890", Identifier("uid", "1.2.3.4.567890")),
    "retain_device_identity": (0x00181000, b"LO", b"SN7712345", Identifier("device", "SN7712345")),
    "retain_institution_identity": (0x00080080, b"LO", "Zümbü Hâll".encode(), Identifier("institution", "Zümbü Hâll")),
    "retain_full_dates": (0x00080020, b"DA", b"20140311", NUMBER),
}


def with_option(option: str, promise: Promise) -> bytes:
    """A file with what the option retains, and the marks of the promise."""
    tag, vr, value, _ = RETAINED[option]
    dates = b"UNMODIFIED" if "retain_full_dates" in promise.options else b"REMOVED"
    marks = {0x00120064: methods_of(promise), 0x00280303: el(0x00280303, b"CS", dates)}
    return made(GONE | marks | {tag: el(tag, vr, value)})


@pytest.mark.parametrize("option", RETAINED)
def test_what_an_option_retains_stays_as_it_came_under_that_option_alone(option: str) -> None:
    retains, basic = Promise(frozenset({option})), Promise(frozenset())
    original = RETAINED[option][-1]
    verify_dicom(with_option(option, retains), retains, [original])
    Verifier(retains, frozenset()).dicom(
        with_option(option, retains), None, uids=[original] if option == "retain_uids" else ()
    )
    rules = {"uid-not-ours", "not-a-dummy", "date-not-removed"}
    assert broken(with_option(option, basic), promise=basic) in rules


def test_an_unknown_option_is_an_error() -> None:
    with pytest.raises(ValueError, match="retain_everything"):
        Promise(frozenset({"retain_everything"}))


def test_uids_are_listed_at_any_depth() -> None:
    expected = {uid.decode() for uid in (CT, INSTANCE, SERIES, STUDY, REFERRED)}
    assert uids_of(HEAD) == uids_of(CLEAN) == uids_of(meta() + dataset()) == expected
    empty = {0x00081140: sq(0x00081140, item(el(0x00081155, b"UI", b"")))}
    assert uids_of(meta() + dataset(empty)) == expected - {REFERRED.decode()}


# --- what does not: violations of each rule --------------------------------------------------------------


def nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = content(item(inner))
    return inner


def deflated(content: bytes, times: int) -> bytes:
    for _ in range(times):
        content = zlib.compress(content)
    return content


NOT_WHOLE = {
    "preamble": [b"", b"JANE" + CLEAN[4:], CLEAN[:131] + b"m" + CLEAN[132:]],
    "file-meta": [
        CLEAN[:132] + CLEAN[144:],
        CLEAN[:142],
        meta(version=el(0x00020001, b"OB", b"\0\2")) + dataset(),
        meta(version=b"") + dataset(),
        meta() + el(0x00020012, b"UI", b"2.25.1") + dataset(),
        meta(implementation=el(0x00020012, b"UI", b"2.25.4711") + PIXEL_HEAD) + dataset(),
    ],
    "transfer-syntax": [meta(b"1.2.840.10008.1.2") + dataset(), meta(b"1.2.840.10008.1.2.1.99") + dataset()],
    "structure": [
        meta() + dataset() + PIXEL_HEAD[:10],
        meta() + dataset() + el(0x7FE00010, b"UN", b""),
        meta() + dataset() + b"\x28\0",
        meta() + dataset() + struct.pack("<HH2sH", 0x0070, 0x0082, b"UT", 0),
        made({0x00081140: el(0x00081140, b"SQ", b"JANE DOE")}),
        made({0x00420011: struct.pack("<HH2sHI", 0x0042, 0x0011, b"OB", 7, 2) + b"ab"}),
        compressed(fragment(b""), fragment(b"ab")),
    ],
    "vr-unknown": [with_tag(0x00180050, b"XX", b"2.5"), with_tag(0x00180050, b"ds", b"2.5")],
    "undefined-length": [
        made({0x00081140: struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + DELIMITER}),
        made({0x00081140: el(0x00081140, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF))}),
        meta() + dataset() + PIXEL_HEAD + fragment(b"") + fragment(b"ab") + DELIMITER,
        meta(JPEG) + dataset() + el(0x7FE00010, b"OB", b"ab"),
    ],
    "odd-length": [
        made({0x00180050: struct.pack("<HH2sH", 0x0018, 0x0050, b"DS", 3) + b"2.5"}),
        made({0x00081140: el(0x00081140, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 1) + b"a")}),
        HEAD[:-4] + struct.pack("<I", 3) + b"abc",
    ],
    "length": [
        CLEAN[:140] + struct.pack("<I", 1 << 20) + CLEAN[144:],
        meta(version=struct.pack("<HH2sHI", 2, 1, b"OB", 0, 4096) + b"\0\1") + dataset(),
        made({0x7FDFFFFE: struct.pack("<HH2sHI", 0x0042, 0x0011, b"OB", 0, 0xFFFFFFFE)}),
        made({0x00081140: el(0x00081140, b"SQ", struct.pack("<HHI", 0xFFFE, 0xE000, 16) + b"ab")}),
    ],
    "tags-not-in-order": [
        made({0x00080008: BASE[0x00080060]}),
        made({0x00180051: BASE[0x00180050]}),
        made({0x00081140: sq(0x00081140, item(el(0x00081155, b"UI", REFERRED), el(0x00081150, b"UI", CT)))}),
        meta() + dataset() + el(0x7FE00020, b"OW", b"ab") + el(0x7FE00010, b"OW", PIXELS),
    ],
    "pixel-length": [CLEAN[:-2], CLEAN + b"JANE"],
    "fragments": [
        compressed(fragment(b""), DELIMITER),
        compressed(fragment(b""), fragment(b"ab"), DELIMITER, b"JANE"),
    ],
    "offset-table": [
        compressed(fragment(struct.pack("<I", 2)), fragment(b"ab"), DELIMITER),
        compressed(fragment(b"JA"), fragment(b"ab"), DELIMITER),
    ],
    "too-deep": [made({0x0040A730: nested(33)}), made({0x0040A730: nested(100)})],
}
NOT_ALLOWED = {
    "tag-not-allowed": [
        made({0x00041200: el(0x00041200, b"UL", bytes(4))}),
        with_content(el(0x00020012, b"UI", b"2.25.1")),
        meta(source=el(0x00020016, b"AE", b"AE1")) + dataset(),
    ],
    "group-length": [with_tag(0x00080000, b"UL", bytes(4))],
    "trailing-padding": [meta() + dataset({0xFFFCFFFC: el(0xFFFCFFFC, b"OB", b"JANE")})],
    "tag-unknown": [
        with_tag(0x00181234, b"LO", b"a"),
        with_tag(0x50003000, b"OW", b"ab"),
        with_tag(0x60003000, b"OW", b"ab"),
    ],
    "vr-differs": [
        with_tag(0x00180088, b"LO", b"2.5"),
        with_tag(0x00180088, b"UN", b"2.5"),
        with_tag(0x00430010, b"SH", b"GEMS_PARM_01"),
        with_tag(0x00431027, b"LO", b"1.375:1"),
    ],
    "attribute-not-removed": [
        with_tag(0x00101000, b"LO", b""),
        with_content(el(0x00101060, b"PN", b"REMOVED")),
    ],
    "pixels-nested": [with_content(el(0x7FE00010, b"OW", b"ab"))],
    "private-not-safe": [
        made({0x00430010: b""}),
        with_tag(0x00431028, b"SH", b"a"),
        with_tag(0x00430001, b"SH", b"a"),
        with_content(el(0x00431027, b"SH", b"1.375:1")),
    ],
    "creator-not-known": [
        with_tag(0x00430010, b"LO", b"Creator Jane"),
        with_tag(0x00430010, b"LO", "GEMS_PARM_01ü".encode()),
        with_tag(0x00450010, b"LO", b"GEMS_PARM_01"),
    ],
}
NOT_OURS = {
    "not-text": [
        with_tag(0x00081030, b"LO", b"CT\nCHEST"),
        with_tag(0x00081030, b"LO", b"CT \xe9"),
        with_tag(0x00104000, b"LT", b"a\x1b$B;3ED"),
    ],
    "uid-in-text": [
        with_tag(0x00081030, b"LO", b"see 1.2.826.0.1.3680043.9"),
        with_tag(0x00081030, b"LO", b"2.25.1.2.3.4.5.6.7.8.9"),
    ],
    "person-name": [with_tag(0x00080090, b"PN", b"Other^Man"), with_tag(0x00080090, b"PN", b"REMOVED\\X")],
    "patient-not-pseudonym": [with_tag(0x00100020, b"LO", b"77123456"), with_tag(0x00100010, b"PN", b"Other^Man")],
    "accession-not-pseudonym": [with_tag(0x00080050, b"SH", b"ACC1"), with_tag(0x00080050, b"SH", PATIENT[:16])],
    "charset": [
        with_tag(0x00080005, b"CS", b"ISO_IR 100"),
        made({0x00080005: b"", 0x00081030: el(0x00081030, b"LO", "Größe".encode())}),
        made({0x00080005: b"", 0x0040A730: content(item(el(0x0040A160, b"UT", "45°".encode())))}),
    ],
    "burned-in": [with_tag(0x00280301, b"CS", b"YES"), with_content(el(0x00280301, b"CS", b"YES"))],
    "uid-not-ours": [
        with_tag(0x0020000E, b"UI", b"1.2.3.4"),
        with_tag(0x0020000E, b"UI", b"1.2.840.10008.77"),
        with_tag(0x0020000E, b"UI", b"2.25.%d" % (1 << 128)),
        with_tag(0x0020000E, b"UI", b"2.25.007"),
        with_tag(0x0020000E, b"UI", SERIES + b"\\1.2.3"),
        meta(implementation=el(0x00020012, b"UI", b"1.2.826.0.1")) + dataset(),
    ],
    "value-form": [
        with_tag(0x00180050, b"DS", b"2,5"),
        with_tag(0x00180050, b"DS", b"1\\2.50000000000000000000000"),
        with_tag(0x00200013, b"IS", b"17a"),
        with_tag(0x00080020, b"DA", b"11MAR2014"),
        with_tag(0x00080030, b"TM", b"10:11"),
        with_tag(0x00280009, b"AT", b"JANE"),
        with_tag(0x00189306, b"FD", b"abcd"),
    ],
    "age-too-high": [with_tag(0x00101010, b"AS", b"091Y"), with_tag(0x00101010, b"AS", b"050Y\\103Y")],
    "not-a-dummy": [
        with_tag(0x00100030, b"DA", b"19480304"),
        with_tag(0x00200010, b"SH", b"47"),
        with_tag(0x00400512, b"LO", b"box 12"),
        with_tag(0x0040A027, b"LO", b"Clinic"),
        with_tag(0x04000115, b"OB", b"ab"),
        made({0x0040A088: sq(0x0040A088, code(b"1", b"99X", b"Doctor"))}),
    ],
    "document-not-stub": [
        with_tag(0x00420011, b"OB", b"%PDF-1.4\n(Dear Dr. Other)\n"),
        with_tag(0x00420011, b"OB", b"JANE"),
    ],
}  # fmt: skip
NOT_SAID = {
    "mark-missing": [
        *(
            made({tag: b""})
            for tag in (0x00080016, 0x00080018, 0x00100020, 0x00120062, 0x00120063, 0x00120064, 0x00280303)
        ),
        with_tag(0x00100020, b"LO", b""),
        with_tag(0x00120062, b"CS", b"NO"),
        with_tag(0x00120063, b"LO", b" "),
        with_tag(0x00280303, b"CS", b"UNMODIFIED"),
    ],
    "sop-uid-differs": [
        with_tag(0x00080018, b"UI", SERIES),
        with_tag(0x00080018, b"UI", b""),
        with_tag(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.4"),
    ],
    "method-codes": [
        made({0x00120064: methods()}),
        made({0x00120064: methods(*CODES.values())}),
        made({0x00120064: methods_of(PROMISE).replace(b"113107", b"113105")}),
        made({0x00120064: methods_of(PROMISE).replace(b"113105", b"113109")}),
        made({0x00120064: methods_of(PROMISE).replace(b"DCM ", b"99X ")}),
        made({0x00120064: sq(0x00120064, item(el(0x00080104, b"LO", b"Basic")))}),
    ],
}
PACKED = {
    "streams-too-large": [with_tag(0x00281201, b"OW", deflated(bytes(18 << 20), 1))],
    "stream-too-deep": [with_tag(0x00281201, b"OW", deflated(bytes(range(256)), 4))],
}
VIOLATIONS = NOT_WHOLE | NOT_ALLOWED | NOT_OURS | NOT_SAID | PACKED


@pytest.mark.parametrize("rule", VIOLATIONS)
def test_a_violation_is_rejected_by_its_rule(rule: str) -> None:
    assert [broken(data) for data in VIOLATIONS[rule]] == [rule] * len(VIOLATIONS[rule])


def test_without_their_option_private_attributes_and_dates_are_rejected() -> None:
    options = PROMISE.options - {"retain_safe_private"}
    assert broken(CLEAN, promise=Promise(options)) == "private-not-allowed"
    basic = Promise(frozenset())
    undated = GONE | {0x00120064: methods(b"113100"), 0x00280303: el(0x00280303, b"CS", b"REMOVED")}
    verify_dicom(made(undated), basic, [])
    for tag, vr in ((0x00189701, b"DT"), (0x00141020, b"DA")):  # one that the table names, and one that it does not
        assert broken(made(undated | {tag: el(tag, vr, b"20140311")}), promise=basic) == "date-not-removed"


def test_what_follows_the_pixels_or_stands_in_their_place_is_rejected() -> None:
    verifier = Verifier(PROMISE, frozenset())
    with pytest.raises(Rejected, match="rule tail"):
        verifier.dicom(HEAD, len(PIXELS), b"JANE")
    for head, length in ((HEAD, len(PIXELS) + 2), (CLEAN, len(PIXELS))):
        with pytest.raises(Rejected, match="rule pixel-length"):
            verifier.dicom(head, length)


# --- a series: what was passed once ----------------------------------------------------------------------


def slice_of(number: int, changes: dict[int, bytes] | None = None) -> bytes:
    """The head of one slice of a series."""
    instance = b"2.25.%d" % (number + 10**36)
    own = {
        0x00080018: el(0x00080018, b"UI", instance),
        0x00200013: el(0x00200013, b"IS", b"%d" % number),
        0x00200032: el(0x00200032, b"DS", b"-180.0\\-180.0\\%.1f" % (2.5 * number)),
    }
    head = meta(instance=el(0x00020003, b"UI", instance)) + dataset(own | (changes or {}))
    return head + el(0x7FE00010, b"OW", PIXELS)[:12]


def series() -> Verifier:
    """A verifier that knows three slices of a series."""
    verifier = Verifier(PROMISE, frozenset({NAME, NUMBER}))
    for number in range(3):
        verifier.dicom(slice_of(number), len(PIXELS))
    return verifier


SPOILED = {
    "identifier-in-header": slice_of(4, {0x00200013: el(0x00200013, b"IS", b"77123456")}),
    "not-a-dummy": slice_of(4, {0x00200010: el(0x00200010, b"SH", b"4711")}),
    "private-not-safe": slice_of(4, {0x00430010: b""}),
    "tags-not-in-order": slice_of(4, {0x00080007: BASE[0x00080060]}),
    "mark-missing": slice_of(4, {0x00280303: b""}),
    "file-meta": meta() + meta()[132:] + dataset() + HEAD[-12:],
    "sop-uid-differs": slice_of(4).replace(b"2.25.%d" % (10**36 + 4), b"2.25.%d" % (10**36 + 5), 1),
    "method-codes": slice_of(4, {0x00120064: methods(b"113100")}),
    "charset": slice_of(4, {0x00080005: b"", 0x00081030: el(0x00081030, b"LO", "Größe".encode())}),
    "structure": slice_of(4)[:-12] + b"JANE",
    "length": slice_of(4)[:-16],
}


@pytest.mark.parametrize("rule", SPOILED)
def test_a_later_slice_is_rejected_for_what_is_new_in_it(rule: str) -> None:
    verifier = series()
    with pytest.raises(Rejected, match=f"rule {rule}$"):
        verifier.dicom(SPOILED[rule], len(PIXELS))
    verifier.dicom(slice_of(5), len(PIXELS))


def test_a_private_element_that_was_passed_needs_its_creator_in_the_next_file_too() -> None:
    verifier = series()
    other = {0x00430010: el(0x00430010, b"LO", b"SIEMENS MED NM")}
    with pytest.raises(Rejected, match=r"rule (creator-not-known|private-not-safe)$"):
        verifier.dicom(slice_of(4, other), len(PIXELS))
    moved = {
        0x00430010: el(0x00430011, b"LO", b"GEMS_PARM_01"),
        0x00431027: b"",
        0x00431127: el(0x00431127, b"SH", b"1:1"),
    }
    verifier.dicom(slice_of(5, moved), len(PIXELS))
    changed = {0x00431027: el(0x00431027, b"SH", b"0.984:1")}
    verifier.dicom(slice_of(6, changed), len(PIXELS))


def test_elements_in_stretches_are_found_again_whatever_changes_between_them() -> None:
    verifier = series()
    extra = {0x00181151: el(0x00181151, b"IS", b"210"), 0x00180050: b""}
    for number, changes in enumerate(({}, extra, {}, extra, {0x00080060: el(0x00080060, b"CS", b"PT")}), 7):
        verifier.dicom(slice_of(number, changes), len(PIXELS))


def test_what_is_remembered_is_forgotten_when_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier_module, "_REMEMBERED", 40)
    verifier = Verifier(PROMISE, frozenset({NAME}))
    sizes = []
    for number in range(30):
        verifier.dicom(slice_of(number), len(PIXELS))
        sizes.append(len(verifier._passed))
    assert max(sizes) < 100
    monkeypatch.setattr(verifier_module, "_HELD", 100)
    verifier.dicom(slice_of(31), len(PIXELS))
    verifier.dicom(slice_of(32), len(PIXELS))
    assert len(verifier._passed) < 60


def test_large_elements_are_not_remembered() -> None:
    large = {
        0x00281201: el(0x00281201, b"OW", bytes(1 << 19)),
        0x20010010: el(0x20010010, b"LO", b"Philips Imaging DD 001"),
        0x2001107D: el(0x2001107D, b"OW", bytes(1 << 19)),
    }
    verifier = Verifier(PROMISE, frozenset({NAME}))
    for number in range(3):
        verifier.dicom(slice_of(number, large), len(PIXELS))
    for tag in (0x00281201, 0x2001107D):
        spoiled = large | {tag: el(tag, b"OW", b"Quelbrand" + bytes(1 << 19))}
        with pytest.raises(Rejected, match="rule identifier-in-header"):
            verifier.dicom(slice_of(4, spoiled), len(PIXELS))
    assert sum(map(len, verifier._passed)) < 1 << 16


def test_a_private_element_stays_passed_under_a_creator_written_in_another_way() -> None:
    verifier = Verifier(PROMISE, frozenset({NAME}))
    for number, name in enumerate((b"GEMS_PARM_01", b"GEMS_PARM_01  ", b"GEMS_PARM_01", b"GEMS_PARM_01  ")):
        verifier.dicom(slice_of(number, {0x00430010: el(0x00430010, b"LO", name)}), len(PIXELS))


# --- any bytes -------------------------------------------------------------------------------------------


def outcome(data: bytes, length: int | None = None) -> str:
    """Verify bytes; only Rejected, and only by a rule, is allowed to come out."""
    try:
        Verifier(PROMISE, frozenset({NAME, NUMBER})).dicom(data, length)
    except Rejected as rejected:
        assert rejected.reason == Reason.NOT_VERIFIED
        return rejected.detail
    return "passed"


RICH = made(
    {
        0x0040A730: content(item(el(0x0040A160, b"UT", b"nodule"), content(item(el(0x0040A040, b"CS", b"NUM"))))),
        0x00281201: el(0x00281201, b"OW", zlib.compress(b"nothing here")),
    }
)


def test_a_file_cut_at_any_offset_is_rejected_but_between_its_last_elements() -> None:
    whole = compressed(fragment(b""), fragment(b"\xff\xd8ab"), DELIMITER)
    ends = [end for end in range(len(whole)) if outcome(whole[:end]) == "passed"]
    assert ends == [whole.index(last) for last in (*PRIVATE.values(), PIXEL_HEAD)]
    last = RICH.index(BASE[0x00280303])
    assert all(outcome(RICH[:end]) != "passed" for end in range(0, last, 5))


@settings(max_examples=150, deadline=None)
@given(st.integers(132, len(RICH) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_a_file_with_other_bytes_anywhere_passes_or_is_rejected_by_a_rule(at: int, put: bytes, cut: int) -> None:
    outcome(RICH[:at] + put + RICH[at + cut :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_behind_a_preamble_are_rejected_by_a_rule(data: bytes) -> None:
    assert outcome(bytes(128) + b"DICM" + data) != "passed"
    outcome(meta() + data)
    outcome(meta(JPEG) + dataset() + PIXEL_HEAD + data)


@settings(max_examples=100, deadline=None)
@given(st.integers(150, len(RICH) - 4), st.sampled_from([0, 1, 2, 0xFFFE, 0xFFFF, 0x7FFFFFFE, 0xFFFFFFFF]))
def test_a_file_with_another_length_anywhere_passes_or_is_rejected(at: int, length: int) -> None:
    outcome(RICH[:at] + struct.pack("<I", length) + RICH[at + 4 :], None)
    outcome(RICH[:at] + struct.pack("<H", length & 0xFFFF) + RICH[at + 2 :], None)


HOSTILE = {
    "digits without end": with_content(el(0x0040A160, b"UT", b"1" * 300_000)),
    "dots and digits": with_content(el(0x0040A160, b"UT", b"1." * 150_000)),
    "spaces in a number": with_tag(0x00180050, b"DS", b"1" + b" " * 60_000 + b"x"),
    "numbers without end": with_tag(0x00180050, b"DS", b"1\\" * 20_000 + b"x"),
    "the heads of streams": with_tag(0x00281201, b"OW", b"\x78\x9c\x1f\x8b\x08\0" * 50_000),
    "an identifier inside numbers": with_content(el(0x0040A160, b"UT", b"7-7" + b"77123456" * 40_000)),
    "items without end": made({0x0040A730: content(*(item() for _ in range(50_000)))}),
    "air and lung in two bytes": made(pixels=(b"\x78\x01\x0b\x04" * 2 + b"\x78\x01") * 20_000),
    "many streams in streams": with_tag(0x00281201, b"OW", zlib.compress(zlib.compress(bytes(1 << 20)) * 2_000)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bytes_take_little_time(what: str) -> None:
    start = time.process_time()
    outcome(HOSTILE[what])
    assert time.process_time() - start < 10


def test_a_nifti_header_with_text_is_refused() -> None:
    good = bytearray(352)
    good[344:348] = b"n+1\0"
    verify_nifti(bytes(good))
    for place in (10, 150, 230, 330):  # data_type, descrip, aux_file, intent_name
        bad = bytearray(good)
        bad[place] = 65
        with pytest.raises(Rejected, match="nifti-text"):
            verify_nifti(bytes(bad))
    good[348] = 1  # an extension follows
    with pytest.raises(Rejected, match="nifti-header"):
        verify_nifti(bytes(good))


def test_every_rule_has_a_violation_here() -> None:
    modules: tuple[ModuleType, ...] = (verifier_module, memory, rule_module, streams, values, walk)
    source = "".join(map(inspect.getsource, modules))
    found = re.findall(r"(?:check|fail)\([^\n]*\"([a-z-]+)\"\)|\"([a-z]+(?:-[a-z]+)+)\"", source)
    rules = {either or other for either, other in found}
    elsewhere = {"tail", "private-not-allowed", "date-not-removed", "nifti-header", "nifti-text"}
    searched = {"identifier-in-header", "identifier-in-pixels", "identifier-in-text"}
    assert rules == set(VIOLATIONS) | elsewhere | searched
