"""One value in, one clean value out."""

import struct
from datetime import date

import pytest

from curation.deid.dicom.profile import RESEARCH, Action, profile
from curation.deid.dicom.values import STUB_PDF, Subject, clean_value, decode
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.texts.words import lexicon

WHO = Identity(bytes(range(7, 39)), 3650, 90)
KNOWN = lexicon([Identifier("name", "Quelbrand^Mirel"), Identifier("patient_id", "774291")])
SUBJECT = Subject(WHO, "7742", KNOWN, moves_dates=True)
STILL = Subject(WHO, "7742", KNOWN, moves_dates=False)


def clean(vr: str, value: bytes | str, tag: int = 0x00180050, action: Action = Action.CLEAN) -> bytes | None:
    return clean_value(action, tag, vr, value.encode() if isinstance(value, str) else value, SUBJECT)


@pytest.mark.parametrize(
    ("vr", "given", "expected"),
    [
        ("DS", "2.5 ", b"2.5"),
        ("DS", "-1.5", b"-1.5"),
        ("DS", "74\\65", None),  # more numbers than a thickness has
        ("DS", "", b""),
        ("DS", "two", None),
        ("DS", "0x10", None),
        ("DS", "12345678", None),  # as long as an identifier
        ("DS", "370000000", b"370000000"),  # round: a dose
        ("DS", "774291", None),  # this patient's own number
        ("DS", "774291.0", None),
        ("DS", "7.74291e5", None),
        ("IS", "+774291", None),
        ("UL", struct.pack("<I", 774291), None),
        ("US", b"O'Hanlon/" + b";", None),
        ("US", "Zuleika!".encode("utf-16-le"), None),
        ("SS", "Зулейка!".encode(), None),
        ("FL", b"mary", None),
        ("CS", "12_03_54", None),
        ("CS", "SCINTILLATOR", b"SCINTILLATOR"),
        ("DS", "1.23456789012345678", None),
        ("IS", "12", b"12"),
        ("IS", "1.5", None),
        ("IS", "20150314", None),
        ("CS", "CHEST", b"CHEST"),
        ("CS", "QUELBRAND", None),
        ("LO", "CHEST Quelbrand", b"CHEST"),
        ("SH", "Quelbrand", None),
        ("LT", "nodule in the left lung", b"nodule in the left lung"),
        ("AS", "093Y", b"090Y"),
        ("AS", "old", None),
        ("US", struct.pack("<H", 512), struct.pack("<H", 512)),
        ("US", b"DOE^", None),
        ("US", b"abc", None),
        ("US", b"", None),
        ("SL", b"JOHN", None),
        ("FL", struct.pack("<f", 12.0784), struct.pack("<f", 12.0784)),
        ("FD", b"DOE^JANE", None),
        ("FD", struct.pack("<d", 1e300), None),
        ("FD", struct.pack("<d", -2.5), struct.pack("<d", -2.5)),
        ("UV", struct.pack("<Q", 77421234567), None),
        ("AT", struct.pack("<HH", 0x0018, 0x9305), struct.pack("<HH", 0x0018, 0x9305)),
        ("AT", b"JOHN", None),
        ("AT", b"abc", None),
        ("OW", b"\1\2", b"\1\2"),
        ("PN", "Quelbrand", None),
        ("XX", "1", None),
    ],
)
def test_a_value_passes_if_it_is_what_its_representation_holds(
    vr: str, given: bytes | str, expected: bytes | None
) -> None:
    assert clean(vr, given) == expected


def test_an_attribute_holds_as_many_values_as_the_standard_says() -> None:
    assert clean("DS", "-1.5\\3e2\\\\", 0x00280030) is None
    assert clean("DS", "-1.5\\3e2", 0x00280030) == b"-1.5\\3e2"
    assert clean("DS", "1\\\\3", 0x00200032) == b"1\\\\3"
    assert clean("US", bytes(4), 0x00280010) is None
    assert clean("IS", "1\\2\\3", 0x0019100C) == b"1\\2\\3"
    assert clean("DS", "1\\2\\3", 0x30060050) == b"1\\2\\3"  # 3-3n


def test_bytes_that_are_no_utf_8_do_not_pass() -> None:
    assert clean("LO", b"\xff\xfe") is None


@pytest.mark.parametrize(("vr", "given"), [("DA", "20150314"), ("TM", "101112"), ("DT", "20150314101112")])
def test_dates_move_where_they_may_and_go_elsewhere(vr: str, given: str) -> None:
    moved = clean(vr, given)
    assert moved and len(moved) == len(given) and moved != given.encode()
    assert clean_value(Action.CLEAN, 0x00080020, vr, given.encode(), STILL) is None
    assert clean(vr, "yesterday") is None


def test_a_date_in_a_text_moves_by_the_same_shift() -> None:
    moved = WHO.shift("7742", date(2015, 3, 14))
    assert clean("LO", "CHEST 2015-03-14") == f"CHEST {moved}".encode()
    assert clean_value(Action.CLEAN, 0x0008103E, "LO", b"CHEST 2015-03-14", STILL) == b"CHEST"


def test_uids_are_replaced_but_for_those_of_the_standard() -> None:
    assert clean("UI", "1.2.840.10008.5.1.4.1.1.2\0", action=Action.UID) == b"1.2.840.10008.5.1.4.1.1.2"
    assert clean("UI", "1.2.3\\1.2.4", action=Action.UID) == f"{WHO.uid('1.2.3')}\\{WHO.uid('1.2.4')}".encode()
    assert clean("UI", "1.2.840.10008.7742", action=Action.UID) == WHO.uid("1.2.840.10008.7742").encode()
    assert clean("UI", "Quelbrand", action=Action.UID) is None


@pytest.mark.parametrize(
    ("vr", "expected"),
    [("LO", b"REMOVED"), ("DA", b"19000101"), ("DS", b"0"), ("FD", None), ("OB", b"\0\0"), ("UI", None)],
)
def test_a_dummy_says_nothing(vr: str, expected: bytes | None) -> None:
    assert clean(vr, "Quelbrand", action=Action.DUMMY) == expected


def test_an_encapsulated_document_becomes_an_empty_page() -> None:
    assert clean("OB", "Dear", 0x00420011, Action.DUMMY) == STUB_PDF


def test_empty_is_empty_and_trusted_is_as_it_came() -> None:
    assert clean("LO", "Quelbrand", action=Action.EMPTY) == b""
    assert clean_value(Action.KEEP, 0x00081010, "SH", b"Quelbrand ", SUBJECT, trusted=True) == b"Quelbrand"
    assert clean_value(Action.KEEP, 0x00081010, "OB", b"Quelbrand ", SUBJECT, trusted=True) is None


@pytest.mark.parametrize(
    ("value", "charset", "vr", "expected"),
    [
        ("Müller".encode("latin-1"), ("ISO_IR 100",), "PN", "Müller"),
        ("山田^太郎".encode("iso2022_jp"), ("", "ISO 2022 IR 87"), "PN", "山田^太郎"),
        ("王^小东".encode("gb18030"), ("GB18030",), "PN", "王^小东"),
        ("Ångström".encode(), ("ISO_IR 192",), "LO", "Ångström"),
        ("Müller".encode("latin-1"), ("no such set",), "LO", "Müller"),
        (b"plain", ("ISO_IR 100",), "LO", "plain"),
    ],
)
def test_text_of_any_character_set_is_read(value: bytes, charset: tuple[str, ...], vr: str, expected: str) -> None:
    assert decode(value, charset, vr).decode() == expected


def test_options_are_those_of_the_standard() -> None:
    with pytest.raises(ValueError, match="retain_everything"):
        profile(["retain_everything"])
    assert profile(RESEARCH).rule(0x00081030).id == "E.1-1:0008,1030:X+clean_descriptors:C"
    assert profile(()).rule(0x00081030).action is Action.REMOVE
    assert profile(("retain_uids",)).rule(0x00080018).trusted
    assert profile(("retain_uids",)).rule(0x00181000).action is Action.DUMMY
    assert profile(("retain_device_identity",)).rule(0x00181000).trusted
    assert profile(()).rule(0x00280010).id == "default:US"
    assert profile(()).rule(0x00100000).action is Action.REMOVE
    assert profile(()).rule(0x00104444).id == "default:unknown-tag"
    assert profile(()).private("SIEMENS MR HEADER", 0x0019100C)[0].action is Action.REMOVE
    assert profile(RESEARCH).private("SIEMENS MR HEADER", 0x0019100C)[1] == ("IS",)
