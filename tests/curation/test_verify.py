import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.deid.dicom import deidentify
from curation.deid.identity import Identifier, Identity
from curation.deid.verify import verify_dicom, verify_nifti, verify_text
from curation.errors import Rejected
from curation.records import Reason
from tests.builders import ct_slice

CLEAN = deidentify(ct_slice(), Identity(bytes(range(7, 39)), 3650, 90)).data
NAME = Identifier("name", "Quelbrand^Mirel")
NUMBER = Identifier("patient_id", "77123456")


def rule(data: bytes, *identifiers: Identifier) -> str:
    with pytest.raises(Rejected) as caught:
        verify_dicom(data, identifiers)
    assert caught.value.reason == Reason.NOT_VERIFIED
    return caught.value.detail.removeprefix("rule ")


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def with_value(keyword_bytes: bytes, value: bytes) -> bytes:
    """The clean file with the value of one short element exchanged for one of the same length."""
    at = CLEAN.index(keyword_bytes) + 8
    return CLEAN[:at] + value + CLEAN[at + len(value) :]


PATIENT_ID = struct.pack("<HH2s", 0x0010, 0x0020, b"LO")
BODY_PART = struct.pack("<HH2s", 0x0018, 0x0015, b"CS")
SERIES_UID = struct.pack("<HH2s", 0x0020, 0x000E, b"UI")
PIXELS = struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW")


def test_a_clean_file_passes() -> None:
    verify_dicom(CLEAN, [NAME, NUMBER])


@pytest.mark.parametrize("spelled", [b"MIREL", b"mirel", b"Mirel"])
def test_a_name_in_any_case_is_found_in_the_header(spelled: bytes) -> None:
    assert CLEAN[CLEAN.index(BODY_PART) + 8 :].startswith(b"CHEST")
    assert rule(with_value(BODY_PART, spelled), NAME) == "identifier-in-header"


def test_a_patient_called_like_a_word_of_the_table_does_not_stop_every_file() -> None:
    verify_dicom(CLEAN, [Identifier("name", "Chest^Standard")])


def test_a_name_in_the_pixels_is_found_in_three_encodings() -> None:
    at = CLEAN.index(PIXELS) + 12
    for code in ("utf-8", "utf-16-le", "utf-16-be"):
        planted = "Quelbrand".encode(code)
        data = CLEAN[:at] + planted + CLEAN[at + len(planted) :]
        assert rule(data, NAME) == "identifier-in-pixels"


def test_a_number_is_found_alone_and_not_inside_a_longer_one() -> None:
    size = 17
    assert rule(with_value(PATIENT_ID, b"p77123456 ".ljust(size))) == "patient-not-pseudonym"
    uid = CLEAN[CLEAN.index(SERIES_UID) + 8 :][:40]
    inside = Identifier("patient_id", uid[10:18].decode())
    verify_dicom(CLEAN, [inside])


def test_an_original_uid_is_not_ours() -> None:
    assert rule(with_value(SERIES_UID, b"1.2.3.4.")) == "uid-not-ours"
    assert rule(with_value(SERIES_UID, b"1.2.840.10008.77.")) == "uid-not-ours"


def test_every_byte_of_the_file_must_be_accounted_for() -> None:
    assert rule(b"JANE" + CLEAN[4:]) == "preamble"
    assert rule(CLEAN + b"JANE") in ("structure", "length")
    assert rule(CLEAN[:-10]) == "length"
    assert rule(CLEAN[:131] + b"m" + CLEAN[132:]) == "preamble"
    assert rule(b"") == "preamble"


def test_tags_outside_the_table_are_refused_wherever_they_stand() -> None:
    at = CLEAN.index(PATIENT_ID)
    extra = element(0x00101000, b"LO", b"77123456")  # OtherPatientIDs, in order of tag before 0010,1010
    after = CLEAN.index(struct.pack("<HH2s", 0x0010, 0x1010, b"AS"))
    assert rule(CLEAN[:after] + extra + CLEAN[after:]) == "tag-not-allowed"
    assert rule(CLEAN[:at] + extra + CLEAN[at:]) == "tags-not-in-order"


def test_the_marks_of_deidentification_are_required() -> None:
    assert rule(with_value(struct.pack("<HH2s", 0x0012, 0x0062, b"CS"), b"NO  ")) == "mark-missing"
    at = CLEAN.index(struct.pack("<HH2s", 0x0028, 0x0303, b"CS"))
    assert rule(CLEAN[:at] + CLEAN[at + 16 :]) == "mark-missing"


def test_a_birth_date_is_refused() -> None:
    at = CLEAN.index(struct.pack("<HH2s", 0x0010, 0x0030, b"DA"))
    assert rule(CLEAN[:at] + element(0x00100030, b"DA", b"19480304") + CLEAN[at + 8 :]) == "type-2-not-empty"


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(CLEAN) - 1), st.binary(max_size=8), st.integers(0, 8))
def test_any_bytes_pass_or_are_rejected_by_a_rule(at: int, put: bytes, cut: int) -> None:
    try:
        verify_dicom(CLEAN[:at] + put + CLEAN[at + cut :], [NAME])
    except Rejected as outcome:
        assert outcome.reason == Reason.NOT_VERIFIED


@pytest.mark.parametrize("text", ["seen: QUELBRAND.", "Mirel was here", "id 77123456,", "(77123456)"])
def test_an_identifier_in_a_text_is_found(text: str) -> None:
    with pytest.raises(Rejected, match="identifier-in-text"):
        verify_text(text, [NAME, NUMBER])


@pytest.mark.parametrize("text", ["Quelbranded", "177123456", "nothing here"])
def test_a_part_of_another_word_is_no_identifier(text: str) -> None:
    verify_text(text, [NAME, NUMBER])


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
