"""Files as they come: plain, odd, cut short, too large."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from curation.deid.dicom import opened as opened_module
from curation.deid.dicom.elements import MAX_DEPTH, Odd, items, split, write, write_items
from curation.deid.dicom.opened import Bytes, File, Opened, open_dicom
from curation.errors import Rejected
from curation.records import Reason
from tests.builders import ct_slice

HEAD = bytes(128) + b"DICM"


def file_of(body: bytes, syntax: str = "1.2.840.10008.1.2.1") -> bytes:
    return HEAD + write(0x00020010, "UI", syntax.encode()) + body


def body_of(opened: Opened) -> list[tuple[int, bytes]]:
    return [(tag, raw) for tag, raw in opened.elements if tag != 0x00080005]


def reason(data: bytes) -> Reason:
    with pytest.raises(Rejected) as caught:
        open_dicom(Bytes(data))
    return caught.value.reason


def in_order(data: bytes, order: str) -> bytes:
    """A dataset of five elements written by pydicom."""
    dataset = pydicom.dcmread(BytesIO(data))
    buffer = BytesIO()
    if order == "no_preamble":
        plain = Dataset()
        plain.update(dataset)
        pydicom.dcmwrite(buffer, plain, implicit_vr=True, little_endian=True)
    else:
        syntax = {"implicit": ImplicitVRLittleEndian, "deflated": DeflatedExplicitVRLittleEndian}[order]
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(buffer, dataset, implicit_vr=order == "implicit", little_endian=True, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("order", ["implicit", "deflated", "no_preamble"])
def test_every_order_of_bytes_holds_the_same_texts_and_pixels(order: str) -> None:
    plain, other = open_dicom(Bytes(ct_slice())), open_dicom(Bytes(in_order(ct_slice(), order)))
    for tag in (0x00080016, 0x00080018, 0x00100020, 0x00280010):
        assert other.value(tag) == plain.value(tag)
    assert other.pixels() == plain.pixels()
    assert other.patient == plain.patient


def test_elements_out_of_order_are_put_in_order() -> None:
    first, second = write(0x00080060, "CS", b"CT"), write(0x00100020, "LO", b"77")
    assert body_of(open_dicom(Bytes(file_of(second + first)))) == [(0x00080060, first), (0x00100020, second)]


def test_sequences_of_any_length_hold_the_same_items() -> None:
    inner = write(0x00080100, "SH", b"T1")
    explicit = write(0x00081032, "SQ", write_items([inner, b""]))
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    undefined = struct.pack("<HH2sHI", 0x0008, 0x1032, b"SQ", 0, 0xFFFFFFFF) + item + empty + end
    for raw in (explicit, undefined):
        (found,) = split(raw, True)
        assert list(items(found[1][12:], True, 0)) == [[(0x00080100, inner)], []]


def test_an_unknown_sequence_of_undefined_length_is_implicit_inside() -> None:
    inner = struct.pack("<HHI", 0x0010, 0x0010, 4) + b"DOE "
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
    raw = struct.pack("<HH2sHI", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFFF) + item + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    assert split(raw, True) == [(0x00091001, raw)]


def test_nesting_has_an_end() -> None:
    deep = write(0x00080100, "SH", b"T1")
    for _ in range(MAX_DEPTH + 70):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + deep + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
        deep = struct.pack("<HH2sHI", 0x0008, 0x1032, b"SQ", 0, 0xFFFFFFFF) + item
        deep += struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    assert reason(file_of(deep)) is Reason.UNREADABLE


def test_a_header_longer_than_the_first_read_is_read_whole(tmp_path: Path) -> None:
    long = write(0x00204000, "UT", b"x" * 200_000)
    path = tmp_path / "long.dcm"
    path.write_bytes(file_of(write(0x00080060, "CS", b"CT") + long + write(0x00280010, "US", b"\x01\0")))
    with File(path) as file:
        assert open_dicom(file).number(0x00280010) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Reason.NOT_DICOM),
        (HEAD, Reason.NOT_DICOM),
        (file_of(b""), Reason.NOT_DICOM),
        (b"hello, world", Reason.TRUNCATED),
        (file_of(write(0x00080060, "CS", b"CT"), "1.2.840.10008.1.2.4.100"), Reason.UNSUPPORTED_OBJECT),
        (file_of(zlib.compress(b"x" * 100)[2:-9], DeflatedExplicitVRLittleEndian), Reason.TRUNCATED),
        (file_of(b"\xff\xff\xff\xff", DeflatedExplicitVRLittleEndian), Reason.UNREADABLE),
        (file_of(zlib.compress(bytes(10_000_000), 9)[2:-4], DeflatedExplicitVRLittleEndian), Reason.TRUNCATED),
        (file_of(write(0x00080060, "CS", b"CT"))[:-1], Reason.TRUNCATED),
        (file_of(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 4_000_000_000)), Reason.TRUNCATED),
        (file_of(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OF", 0, 4) + b"abcd"), Reason.TRUNCATED),
    ],
    ids=["empty", "preamble", "meta", "text", "video", "torn_deflate", "no_deflate", "bomb", "torn", "huge", "floats"],
)
def test_what_is_no_whole_file_is_rejected(data: bytes, expected: Reason) -> None:
    assert reason(data) is expected


def test_an_odd_file_may_not_be_huge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened_module, "MAX_ODD", 1000)
    assert reason(ct_slice()[132:]) is Reason.UNREADABLE
    assert open_dicom(Bytes(ct_slice())).pixels_at


def test_a_file_that_ends_at_any_byte_is_a_reject() -> None:
    whole = ct_slice()
    start = open_dicom(Bytes(whole)).pixels_at or 0
    for end in (*range(0, start + 2), len(whole) - 1):
        try:
            opened = open_dicom(Bytes(whole[:end]))
        except Rejected as rejected:
            assert rejected.detail.startswith("expected")
        else:
            assert opened.pixels_at is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_as_elements_or_a_reject(data: bytes, explicit: bool) -> None:
    syntax = "1.2.840.10008.1.2.1" if explicit else "1.2.840.10008.1.2"
    for candidate in (data, file_of(data, syntax), file_of(data, ExplicitVRBigEndian)):
        try:
            open_dicom(Bytes(candidate))
        except Rejected as rejected:
            assert rejected.detail.startswith("expected")
    for step in (True, False):
        try:
            list(items(data, step, 0))
        except (Odd, Rejected):
            continue
