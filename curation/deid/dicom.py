"""One DICOM image in, one clean DICOM image out: the table of ``attributes`` applied to the file's raw elements.

The output is written from nothing: zero preamble, file meta of our own, the attributes of the table in order, and the
pixels. Native pixels become Explicit VR Little Endian with the same samples; compressed ones keep their transfer
syntax and code stream, without the comments and application data that a code stream may carry.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pydicom.dataset import FileDataset

from curation.deid import attributes as policy
from curation.deid.attributes import Attribute
from curation.deid.codestream import clean_frame, fragments
from curation.deid.identity import Identifier, Identity, patient_key
from curation.deid.originals import dicom_identifiers, parse_bytes, raw_elements, text, uid
from curation.errors import Rejected
from curation.records import Reason

MAX_NUMBER = 1e7  # a decimal string of eight whole digits is an identifier rather than a measure
MIN_DOUBLE, MAX_DOUBLE = 1e-6, 1e6  # eight printable bytes are below the one, or above the other but for ? and @
IMPLEMENTATION_UID = "2.25.22228462471394643385212424053485549017"  # ours, drawn once at random (PS3.5 B.2)
_LONG_VRS = (b"OB", b"OW", b"SQ", b"UN")  # PS3.5 7.1.2: 4-byte length after two reserved bytes
_NUMBER = {
    "DS": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?"),
    "IS": re.compile(r"[+-]?\d{1,10}"),
}
_BINARY = {"US": "H", "SS": "h", "FD": "d"}
_TEXT = ("AS", "CS", "DA", "DS", "IS", "LO", "SH", "UI")
_AGE = re.compile(r"(\d{3})([DWMY])")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_IMAGE = ("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
          "PixelRepresentation")  # fmt: skip


@dataclass(frozen=True)
class Clean:
    """A clean file, the pseudonyms that stand in it, and what the original held that must not."""

    data: bytes
    instance_id: str
    series_id: str
    study_id: str
    patient_id: str
    accession_id: str
    modality: str
    identifiers: frozenset[Identifier]


@dataclass(frozen=True)
class Raw:
    """A value as it lies in the file."""

    vr: str
    value: bytes
    order: str
    """``<`` or ``>``: byte order of binary values."""


_NOTHING = Raw("", b"", "<")


def deidentify(data: bytes, identity: Identity, accept_radiographs: bool = False) -> Clean:
    """Clean one DICOM file; raises Rejected for what is no image, shows text, is cut short or says not whose it is.

    No code here reads text in pixels yet, so radiographs pass only where someone answers for them.
    """
    dataset = parse_bytes(data)
    raws = _raws(dataset)
    _check_object(dataset, raws)
    if not accept_radiographs and text(dataset, "SOPClassUID") in policy.RADIOGRAPH_CLASSES:
        raise Rejected(
            Reason.PIXELS_NOT_CHECKED, "expected a CT or MR slice; text in a radiograph cannot be ruled out yet"
        )
    original = patient_key(text(dataset, "PatientID"), text(dataset, "IssuerOfPatientID"))
    if not original:
        raise Rejected(Reason.MISSING_IDENTITY, "expected a PatientID; none came")
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        uid(dataset, keyword)
    written = dict(_cleaned(raws, identity, original))
    syntax, pixels = _pixels(dataset, raws.get(policy.TAG["PixelData"]), written)
    accession = identity.accession(text(dataset, "AccessionNumber"))
    written = {policy.TAG["PatientSex"]: ("CS", b"")} | written | _made(dataset, identity.patient(original), accession)
    ids = {
        keyword: _string(written, keyword) for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    }
    return Clean(
        _file(written, syntax, pixels),
        ids["SOPInstanceUID"],
        ids["SeriesInstanceUID"],
        ids["StudyInstanceUID"],
        identity.patient(original),
        accession,
        _string(written, "Modality"),
        dicom_identifiers(dataset),
    )


def _check_object(dataset: FileDataset, raws: dict[int, Raw]) -> None:
    """Raise Rejected unless this is a plain image on which nothing was drawn as a rule."""
    sop_class = text(dataset, "SOPClassUID")
    if sop_class in policy.DRAWN_ON_CLASSES:
        raise Rejected(Reason.BURNED_IN_TEXT, "expected an image as acquired; a class came whose images carry text")
    if sop_class not in policy.IMAGE_CLASSES:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected a CT, CR, DX or other plain image; another class came")
    if text(dataset, "BurnedInAnnotation").upper() not in ("", "NO"):
        raise Rejected(Reason.BURNED_IN_TEXT, "expected no text in the pixels; BurnedInAnnotation says there is")
    kinds = raws.get(policy.TAG["ImageType"], _NOTHING).value.upper()
    if any(word.encode("ascii") in kinds for word in policy.DRAWN_ON_TYPES):
        raise Rejected(Reason.BURNED_IN_TEXT, "expected an image as acquired; ImageType says that it is a page")
    if any(
        any(raw.value) for tag, raw in raws.items() if 0x6000 <= tag >> 16 <= 0x60FF and tag & 0xFFFF == 0x0102
    ):  # OverlayBitPosition, retired in PS3.3 2004
        raise Rejected(Reason.BURNED_IN_TEXT, "expected no overlay in the pixels; one lies in their unused bits")


# --- attributes ------------------------------------------------------------------------------------------


def _cleaned(raws: dict[int, Raw], identity: Identity, patient: str) -> Iterator[tuple[int, tuple[str, bytes]]]:
    """Tag, VR and value of each attribute that passes; what does not fit is dropped."""
    for attribute in policy.ATTRIBUTES:
        raw = raws.get(attribute.tag) if attribute.action != "made" else None
        if raw is None or (attribute.vr in _TEXT and not raw.value.strip(b" \0")):
            continue
        if raw.vr in ("", "UN") or raw.vr in attribute.vr.split("/"):
            value = _clean_value(attribute, raw, identity, patient)
            if value is not None:
                yield attribute.tag, value


def _clean_value(attribute: Attribute, raw: Raw, identity: Identity, patient: str) -> tuple[str, bytes] | None:
    vr = raw.vr if raw.vr in attribute.vr.split("/") else attribute.vr.split("/")[0]
    most = policy.MULTIPLICITY.get(attribute.keyword, 1)
    if vr in _BINARY:
        number = _binary(raw, vr, most)
        return (vr, number) if number is not None else None
    try:
        values = [value.strip(" ") for value in raw.value.decode("ascii").rstrip(" \0").split("\\")]
    except UnicodeError:
        return None
    clean = _clean_words(attribute, values, identity, patient) if len(values) <= most else []
    return (vr, "\\".join(clean).encode("ascii")) if clean else None


def _clean_words(attribute: Attribute, values: list[str], identity: Identity, patient: str) -> list[str]:
    if attribute.action == "keep":
        return values if all(_is_number(attribute.vr, value) for value in values) else []
    if attribute.action == "word":
        return _known(attribute, values)
    if attribute.action == "uid":
        return [identity.uid(values[0])]
    if attribute.action == "date":
        return [moved] if (moved := _moved(values[0], identity, patient)) else []
    return [age] if (age := _capped(values[0], identity.oldest_age_years)) else []


def _known(attribute: Attribute, values: list[str]) -> list[str]:
    """The values up to the first that is not in the vocabulary: their positions carry meaning."""
    words = policy.VOCABULARY.get(attribute.vocabulary, frozenset())
    pattern = policy.PATTERN.get(attribute.vocabulary)
    known: list[str] = []
    for value in values:
        if value not in words and not (pattern and pattern.fullmatch(value)):
            break
        known.append(value)
    return known


def _is_number(vr: str, value: str) -> bool:
    return bool(_NUMBER[vr].fullmatch(value)) and len(value) <= 16 and abs(float(value)) < MAX_NUMBER


def _binary(raw: Raw, vr: str, most: int) -> bytes | None:
    """Binary numbers in little endian; None if there are more than ``most``, or one is no measure but other bytes."""
    size = struct.calcsize(_BINARY[vr])
    if not raw.value or len(raw.value) % size or len(raw.value) > most * size:
        return None
    layout = f"{len(raw.value) // size}{_BINARY[vr]}"
    numbers = struct.unpack(raw.order + layout, raw.value)
    return struct.pack("<" + layout, *numbers) if all(map(_is_measure, numbers)) else None


def _is_measure(number: float) -> bool:
    """Whether a number has a size that a scanner's setting can have: text read as doubles is far from it."""
    return number == 0 or MIN_DOUBLE <= abs(number) < MAX_DOUBLE


def _moved(value: str, identity: Identity, patient: str) -> str | None:
    if not re.fullmatch(r"\d{8}", value):
        return None
    try:
        moved = identity.shift(patient, date(int(value[:4]), int(value[4:6]), int(value[6:])))
    except ValueError:
        return None
    return f"{moved:%Y%m%d}".zfill(8) if moved else None


def _capped(value: str, oldest: int) -> str | None:
    """An age string (AS); at and above ``oldest`` years it is ``oldest``."""
    found = _AGE.fullmatch(value)
    if not found:
        return None
    return f"{oldest:03d}Y" if int(found[1]) / _PER_YEAR[found[2]] >= oldest else value


def _made(dataset: FileDataset, patient: str, accession: str) -> dict[int, tuple[str, bytes]]:
    """Attributes that we write, whatever came; the empty ones are of type 2 (PS3.5 7.4.3)."""
    values = {
        "SOPClassUID": ("UI", text(dataset, "SOPClassUID")),
        "StudyTime": ("TM", ""),
        "AccessionNumber": ("SH", accession),
        "ReferringPhysicianName": ("PN", ""),
        "PatientName": ("PN", patient),
        "PatientID": ("LO", patient),
        "PatientBirthDate": ("DA", ""),
        "PatientIdentityRemoved": ("CS", "YES"),
        "DeidentificationMethod": ("LO", policy.METHOD),
        "StudyID": ("SH", ""),
        "LongitudinalTemporalInformationModified": ("CS", "MODIFIED"),
    }
    made = {policy.TAG[keyword]: (vr, value.encode("ascii")) for keyword, (vr, value) in values.items()}
    return made | {policy.TAG["DeidentificationMethodCodeSequence"]: ("SQ", _method_codes())}


def _method_codes() -> bytes:
    """CID 7050 codes as sequence items of explicit length."""
    items = []
    for code, meaning in policy.METHOD_CODES:
        item = b"".join(
            _element(tag, vr, value.encode("ascii"))
            for tag, vr, value in (
                (0x00080100, "SH", code),
                (0x00080102, "SH", "DCM"),
                (0x00080104, "LO", meaning),
            )
        )
        items.append(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item)
    return b"".join(items)


def _raws(dataset: FileDataset) -> dict[int, Raw]:
    """The bytes of each element as they came, by tag."""
    return {
        int(element.tag): Raw(element.VR or "", element.value or b"", "<" if element.is_little_endian else ">")
        for element in raw_elements(dataset)
    }


# --- pixels ----------------------------------------------------------------------------------------------


def _pixels(dataset: FileDataset, raw: Raw | None, written: dict[int, tuple[str, bytes]]) -> tuple[str, bytes]:
    """Transfer syntax and the PixelData element of the output; raises Rejected if pixels lack or are cut short."""
    lacking = [keyword for keyword in _IMAGE if policy.TAG[keyword] not in written]
    if lacking or raw is None:
        what = lacking[0] if lacking else "PixelData"
        raise Rejected(Reason.UNSUPPORTED_OBJECT, f"expected an image; {what} is missing or not what it should be")
    syntax = text(dataset.file_meta, "TransferSyntaxUID") if "TransferSyntaxUID" in dataset.file_meta else ""
    if syntax in policy.ENCAPSULATED:
        return syntax, _encapsulated(raw.value, syntax, written)
    if syntax and syntax not in policy.NATIVE:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected a transfer syntax of still images; another came")
    return policy.EXPLICIT_LITTLE, _native(raw, written)


def _native(raw: Raw, written: dict[int, tuple[str, bytes]]) -> bytes:
    bits = _number(written, "BitsAllocated")
    samples = (
        _number(written, "Rows") * _number(written, "Columns") * _number(written, "SamplesPerPixel") * _frames(written)
    )
    if bits not in (8, 16) or not samples:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected pixels of 8 or 16 bits; others came")
    size = samples * bits // 8
    value = _swapped(raw) if raw.order == ">" and raw.vr != "OB" else raw.value
    if len(value) < size:
        raise Rejected(Reason.TRUNCATED, "expected rows × columns × bits of pixel data; less came")
    return _element(policy.TAG["PixelData"], "OB" if bits == 8 else "OW", value[:size])


def _swapped(raw: Raw) -> bytes:
    swapped = bytearray(raw.value[: len(raw.value) // 2 * 2])
    swapped[0::2], swapped[1::2] = swapped[1::2], swapped[0::2]
    return bytes(swapped)


def _encapsulated(value: bytes, syntax: str, written: dict[int, tuple[str, bytes]]) -> bytes:
    """One frame as one fragment behind an empty offset table (PS3.5 A.4)."""
    if _frames(written) != 1:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected one compressed frame; several came")
    frame = clean_frame(b"".join(fragments(value)), syntax, _number(written, "Rows") * _number(written, "Columns"))
    frame += b"\0" * (len(frame) % 2)
    return (
        struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
        + struct.pack("<HHI", 0xFFFE, 0xE000, 0)
        + struct.pack("<HHI", 0xFFFE, 0xE000, len(frame))
        + frame
        + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    )


def _frames(written: dict[int, tuple[str, bytes]]) -> int:
    return int(_string(written, "NumberOfFrames") or 1)


def _number(written: dict[int, tuple[str, bytes]], keyword: str) -> int:
    return int.from_bytes(written[policy.TAG[keyword]][1][:2], "little")


def _string(written: dict[int, tuple[str, bytes]], keyword: str) -> str:
    return written.get(policy.TAG[keyword], ("", b""))[1].decode("ascii")


# --- writing ---------------------------------------------------------------------------------------------


def _file(written: dict[int, tuple[str, bytes]], syntax: str, pixels: bytes) -> bytes:
    """A Part 10 file (PS3.10 7.1) in Explicit VR Little Endian, elements in order of tag."""
    meta = b"".join(
        _element(tag, vr, value)
        for tag, vr, value in (
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", written[policy.TAG["SOPClassUID"]][1]),
            (0x00020003, "UI", written[policy.TAG["SOPInstanceUID"]][1]),
            (0x00020010, "UI", syntax.encode("ascii")),
            (0x00020012, "UI", IMPLEMENTATION_UID.encode("ascii")),
        )
    )
    body = b"".join(_element(tag, vr, value) for tag, (vr, value) in sorted(written.items()))
    return b"".join((bytes(128), b"DICM", _element(0x00020000, "UL", struct.pack("<I", len(meta))), meta, body, pixels))


def _element(tag: int, vr: str, value: bytes) -> bytes:
    code = vr.encode("ascii")
    value += (b"\0" if code in (b"UI", b"OB", b"OW") else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, code)
    if code in _LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    if len(value) > 0xFFFF:
        raise Rejected(Reason.UNREADABLE, "expected values below 64 KiB; a longer one came")
    return head + struct.pack("<H", len(value)) + value
