"""Reads DICOM as it came, and lists every value in it that identifies someone.

Any bytes end as a dataset or as ``Rejected``; pydicom's warnings and log lines hold values and are silenced.
"""

import logging
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from curation.deid.identity import Identifier, patient_key
from curation.errors import Rejected
from curation.records import Reason

logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

ODDITIES = (
    InvalidDicomError,
    BytesLengthException,
    ValueError,  # UnicodeError among them
    LookupError,
    TypeError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    EOFError,
    OSError,
    OverflowError,
    RecursionError,
    AssertionError,
    MemoryError,
)
"""What pydicom raises for bytes that are not what they should be."""

MAX_DEPTH = 16  # of nested sequences; real files stay below 6
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_WELL_KNOWN = "1.2.840.10008."  # PS3.5 9.1: the root of DICOM's own UIDs
_KIND_BY_VR = {"PN": "name", "UI": "uid"}
_KIND_BY_KEYWORD = {
    "PatientID": "patient_id",
    "OtherPatientIDs": "patient_id",
    "IssuerOfPatientID": "issuer",
    "AccessionNumber": "accession",
    "StudyID": "study_id",
    "AdmissionID": "patient_id",
    "ServiceEpisodeID": "patient_id",
    "RequestedProcedureID": "order",
    "ScheduledProcedureStepID": "order",
    "PerformedProcedureStepID": "order",
    "PlacerOrderNumberImagingServiceRequest": "order",
    "FillerOrderNumberImagingServiceRequest": "order",
    "PatientBirthDate": "birth_date",
    "PatientAddress": "address",
    "PatientTelephoneNumbers": "phone",
    "ReferringPhysicianAddress": "address",
    "ReferringPhysicianTelephoneNumbers": "phone",
    "InstitutionName": "institution",
    "InstitutionAddress": "address",
    "InstitutionalDepartmentName": "institution",
    "StationName": "device",
    "DeviceSerialNumber": "device",
    "DeviceUID": "uid",
}


@dataclass(frozen=True)
class Origin:
    """What ingest notes of a source."""

    kind: str
    uid: str = ""
    series_uid: str = ""
    accession: str = ""
    patient_id: str = ""
    parts: tuple[str, ...] = ()


def read_dicom(source: BinaryIO, stop_before_pixels: bool = False) -> FileDataset:
    """Parse a DICOM file, with or without preamble; raises Rejected if it is none or ends too early."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(source, stop_before_pixels=stop_before_pixels, force=True)
    except EOFError:
        raise Rejected(Reason.TRUNCATED, "expected whole elements; the file ends inside one") from None
    except ODDITIES:
        raise Rejected(Reason.UNREADABLE, "expected DICOM; its elements cannot be parsed") from None
    if not len(dataset):
        raise Rejected(Reason.NOT_DICOM, "expected DICOM; no element came")
    if any(len(element.value or b"") < element.length < 0xFFFFFFFF for element in raw_elements(dataset)):
        raise Rejected(Reason.TRUNCATED, "expected whole elements; the file ends inside one")
    return dataset


def raw_elements(dataset: Dataset) -> Iterator[RawDataElement]:
    """Elements as they lie in the file, in order of tag, without those that pydicom had to decode (sequences)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag in sorted(dataset.keys()):
            try:
                element: object = dataset.get_item(tag)
            except ODDITIES:
                continue
            if isinstance(element, RawDataElement) and isinstance(element.value, bytes | None):
                yield element


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes are a DICOM file's, or a dataset's without the preamble (group 0002 or 0008 first)."""
    if head[128:132] == b"DICM":
        return True
    if head[:2] not in (b"\x02\x00", b"\x08\x00") or len(head) < 132 or head[3] != 0:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or struct.unpack_from("<I", head, 4)[0] < 1024


def dicom_origin(path: Path) -> Origin:
    """Identity of a DICOM file for the ledger; raises Rejected as ``read_dicom``."""
    with path.open("rb") as handle:
        dataset = read_dicom(handle, stop_before_pixels=True)
    if not text(dataset, "SOPClassUID"):
        raise Rejected(Reason.NOT_DICOM, "expected a SOPClassUID; there is none")
    return Origin(
        "dicom",
        text(dataset, "SOPInstanceUID"),
        text(dataset, "SeriesInstanceUID"),
        text(dataset, "AccessionNumber"),
        patient_key(text(dataset, "PatientID"), text(dataset, "IssuerOfPatientID")),
    )


def text(dataset: Dataset, keyword: str) -> str:
    """One value as text, without padding; empty if there is none, several, or one that cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = dataset.get(keyword)
    except ODDITIES:
        return ""
    return str(value).strip(" \0") if isinstance(value, str | int | float) else ""


def uid(dataset: Dataset, keyword: str) -> str:
    """A UID; raises Rejected if it is missing or is none."""
    value = text(dataset, keyword)
    if not _UID.fullmatch(value) or len(value) > 64:
        raise Rejected(Reason.MISSING_IDENTITY, f"expected a UID in {keyword}; none came, or no valid one")
    return value


def dicom_identifiers(dataset: FileDataset) -> frozenset[Identifier]:
    """Every value of the dataset, at any depth, that identifies someone. Call it last: it decodes every element."""
    found: set[Identifier] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for element in _elements(dataset, 0):
            kind = _KIND_BY_VR.get(element.VR) or _KIND_BY_KEYWORD.get(element.keyword)
            if kind:
                found |= {Identifier(kind, value) for value in _values(element) if not _is_public(kind, value)}
    return frozenset(found)


def parse_bytes(data: bytes) -> FileDataset:
    """``read_dicom`` of bytes."""
    return read_dicom(BytesIO(data))


def _elements(dataset: Dataset, depth: int) -> Iterator[DataElement]:
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
            items = list(element.value) if element.VR == "SQ" and depth < MAX_DEPTH else []
        except ODDITIES:
            continue  # what cannot be decoded is not passed on either
        yield element
        for item in items:
            yield from _elements(item, depth + 1)


def _values(element: DataElement) -> Iterator[str]:
    try:
        many = element.value if element.VM > 1 else [element.value]
        yield from (str(value).strip(" \0") for value in many if value)
    except ODDITIES:
        return


def _is_public(kind: str, value: str) -> bool:
    return not value or (kind == "uid" and value.startswith(_WELL_KNOWN))
