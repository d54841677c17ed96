"""Clean files by hand for the verifier's tests: a writer of its own, and a base that passes, to be spoiled."""

import struct

import pytest

from curation.deid.keys.identity import Identifier
from curation.deid.verify.verifier import Promise, verify_dicom
from curation.errors import Rejected
from curation.records import Reason

WORDS = frozenset(
    ("chest", "standard", "ct", "lung", "right", "upper", "lobe", "nodule", "basic", "profile", "option", "hampton")
)
AMBIGUOUS = frozenset(("hand", "long"))
"""A small vocabulary: words that may stand in a clean file by right, and words that are names as well."""
_LONG = (b"OB", b"OW", b"OF", b"OD", b"SQ", b"UC", b"UN", b"UR", b"UT")
CT = b"1.2.840.10008.5.1.4.1.1.2"
NATIVE, JPEG = b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.4.50"
INSTANCE, SERIES, STUDY, REFERRED = (b"2.25.%d" % (number**27) for number in (19, 23, 17, 13))
PATIENT, ACCESSION = b"p0123456789abcdef", b"a0123456789abcde"
CODES = {
    "retain_modified_dates": b"113107",
    "retain_full_dates": b"113106",
    "retain_patient_characteristics": b"113108",
    "retain_safe_private": b"113111",
    "retain_uids": b"113110",
    "retain_device_identity": b"113109",
    "retain_institution_identity": b"113112",
    "clean_descriptors": b"113105",
    "clean_structured_content": b"113104",
}
PROMISE = Promise(
    frozenset(
        {
            "retain_modified_dates",
            "retain_patient_characteristics",
            "retain_safe_private",
            "clean_descriptors",
            "clean_structured_content",
        }
    )
)
PIXELS = bytes(range(256)) * 4


def el(tag: int, vr: bytes, value: bytes) -> bytes:
    """An element, padded to an even length."""
    value += (b"\0" if vr in (b"UI", b"OB", b"OW") else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HI", 0, len(value)) if vr in _LONG else struct.pack("<H", len(value))) + value


def item(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(body)) + body


def sq(tag: int, *items: bytes) -> bytes:
    return el(tag, b"SQ", b"".join(items))


def code(value: bytes, scheme: bytes, meaning: bytes) -> bytes:
    return item(el(0x00080100, b"SH", value), el(0x00080102, b"SH", scheme), el(0x00080104, b"LO", meaning))


def methods(*codes: bytes, scheme: bytes = b"DCM") -> bytes:
    """DeidentificationMethodCodeSequence."""
    return sq(0x00120064, *(code(value, scheme, b"an option") for value in codes))


def methods_of(promise: Promise) -> bytes:
    return methods(b"113100", *sorted(CODES[option] for option in promise.options))


PRIVATE = {
    0x00430010: el(0x00430010, b"LO", b"GEMS_PARM_01"),
    0x00431027: el(0x00431027, b"SH", b"1.375:1"),
}
BASE = {
    0x00080005: el(0x00080005, b"CS", b"ISO_IR 192"),
    0x00080008: el(0x00080008, b"CS", b"ORIGINAL\\PRIMARY\\AXIAL"),
    0x00080016: el(0x00080016, b"UI", CT),
    0x00080018: el(0x00080018, b"UI", INSTANCE),
    0x00080020: el(0x00080020, b"DA", b"20140311"),
    0x00080030: el(0x00080030, b"TM", b"101112.5"),
    0x00080050: el(0x00080050, b"SH", ACCESSION),
    0x00080060: el(0x00080060, b"CS", b"CT"),
    0x00080070: el(0x00080070, b"LO", b"SYNTHCO"),
    0x00080090: el(0x00080090, b"PN", b""),
    0x00081030: el(0x00081030, b"LO", b"CT CHEST"),
    0x00081140: sq(0x00081140, item(el(0x00081150, b"UI", CT), el(0x00081155, b"UI", REFERRED))),
    0x00100010: el(0x00100010, b"PN", PATIENT),
    0x00100020: el(0x00100020, b"LO", PATIENT),
    0x00100030: el(0x00100030, b"DA", b""),
    0x00101010: el(0x00101010, b"AS", b"064Y"),
    0x00120062: el(0x00120062, b"CS", b"YES"),
    0x00120063: el(0x00120063, b"LO", b"paxflow 2\\DICOM PS3.15 Basic Profile, 5 options"),
    0x00120064: methods_of(PROMISE),
    0x00180050: el(0x00180050, b"DS", b"2.5"),
    0x0020000D: el(0x0020000D, b"UI", STUDY),
    0x0020000E: el(0x0020000E, b"UI", SERIES),
    0x00200010: el(0x00200010, b"SH", b""),
    0x00200013: el(0x00200013, b"IS", b"17"),
    0x00200032: el(0x00200032, b"DS", b"-180.0\\-180.0\\-10.0"),
    0x00280009: el(0x00280009, b"AT", struct.pack("<HH", 0x0018, 0x1063)),
    0x00280010: el(0x00280010, b"US", struct.pack("<H", 16)),
    0x00280303: el(0x00280303, b"CS", b"MODIFIED"),
    **PRIVATE,
}


def meta(syntax: bytes = NATIVE, **changes: bytes) -> bytes:
    """Preamble and file meta, with elements exchanged, added or (empty) taken away."""
    parts = {
        "version": el(0x00020001, b"OB", b"\0\1"),
        "sop_class": el(0x00020002, b"UI", CT),
        "instance": el(0x00020003, b"UI", INSTANCE),
        "syntax": el(0x00020010, b"UI", syntax),
        "implementation": el(0x00020012, b"UI", b"2.25.4711"),
    }
    body = b"".join((parts | changes).values())
    return bytes(128) + b"DICM" + el(0x00020000, b"UL", struct.pack("<I", len(body))) + body


def dataset(changes: dict[int, bytes] | None = None) -> bytes:
    """The base with elements exchanged, added or (empty) taken away; keys give the order."""
    return b"".join(value for _, value in sorted((BASE | (changes or {})).items()))


def made(changes: dict[int, bytes] | None = None, pixels: bytes = PIXELS) -> bytes:
    """A whole file."""
    return meta() + dataset(changes) + el(0x7FE00010, b"OW", pixels)


def with_tag(tag: int, vr: bytes, value: bytes) -> bytes:
    """A whole file with one element exchanged or added."""
    return made({tag: el(tag, vr, value)})


def content(*items: bytes) -> bytes:
    """ContentSequence."""
    return sq(0x0040A730, *items)


def with_content(*elements: bytes) -> bytes:
    """A whole file with one content item of these elements."""
    return made({0x0040A730: content(item(*elements))})


CLEAN = made()
HEAD = CLEAN[: -len(PIXELS)]
DELIMITER = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
PIXEL_HEAD = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)


def fragment(data: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(data)) + data


def compressed(*parts: bytes) -> bytes:
    """A whole file with these bytes behind the header of its encapsulated pixels."""
    return meta(JPEG) + dataset() + PIXEL_HEAD + b"".join(parts)


def broken(data: bytes, *identifiers: Identifier, promise: Promise = PROMISE) -> str:
    """The id of the rule that a file breaks; its message shows no value."""
    with pytest.raises(Rejected) as caught:
        verify_dicom(data, promise, identifiers)
    assert caught.value.reason == Reason.NOT_VERIFIED
    assert not any(identifier.value.casefold() in str(caught.value) for identifier in identifiers)
    return caught.value.detail.removeprefix("rule ")
