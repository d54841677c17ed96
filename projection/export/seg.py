"""The 3-D labels as DICOM Segmentation objects (PS3.3 A.51) on the CT's own slices, one series.

Labels overlap, and a BINARY segmentation of 150 of them at once needs a byte a voxel for each (5 GB for a chest), so
each sheet of labels that share no voxel is one object of the series: ``labels-1.dcm``, …, one segment a label. What a
segment is stands in SNOMED CT where ``snomed.tsv`` has its code (of PS3.16), or else in the private scheme 99PAXFLOW,
whose codes are the label table's ids. The objects refer to the slices by UID and lie in their study and frame of
reference; patient and dates stay empty. UIDs come from the contents (PS3.5 B.2, from a hash as UUID), so the same
slices and labels give the same bytes.
"""

import csv
import io
import uuid
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import metadata, resources
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.sr import CodedConcept

from curation.dicom import source_image
from curation.errors import InputError, Rejected
from projection.anatomy.labels import Anatomy, anatomy
from projection.export.sheets import Sheet
from projection.files import Scan

SCHEME = "99PAXFLOW"
_MAKER = "paxflow"
_SERIES_NUMBER = 900  # above what scanners number
_ANATOMY = CodedConcept("91723000", "SCT", "Anatomical Structure")  # PS3.16 CID 7150
_FAMILY = CodedConcept("123104", "DCM", "Morphological Operations")  # CID 7162: labels are cut and joined in 3-D
_RANDOM_OR_NOW = ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime")
_EPOCH_DATE, _EPOCH_TIME = "19000101", "000000"  # ContentDate is type 1: a date that is none


def sources(scan: Scan) -> list[Any]:
    """What the objects refer to, one a slice, in the CT's order.

    A slice without a thickness (it may be empty, PS3.3 C.7.6.2) gets the distance between slices. Raises InputError if
    a slice lacks its UIDs or its place.
    """
    try:
        images = [source_image(path.read_bytes()) for path in scan.slices]
    except Rejected as reject:
        raise InputError(f"DICOM SEG cannot refer to these slices: {reject.detail}") from None
    distance_mm = round(float(np.linalg.norm(scan.ct.affine[:3, 2])), 6)
    for image in images:
        if "SliceThickness" not in image:
            image.SliceThickness = distance_mm
    return images


def seg_name(number: int) -> str:
    """File name of a sheet, from 1."""
    return f"labels-{number}.dcm"


def segmentation(sheet: Sheet, number: int, slices: Sequence[Any]) -> bytes:
    """One sheet as a DICOM file; values ``(z, y, x)`` in the order of the slices."""
    of_contents = sha256(sheet.values_zyx.tobytes() + repr((sheet.labels, number)).encode())
    for image in slices:
        of_contents.update(str(image.SOPInstanceUID).encode())
    series = sha256(("series" + str(slices[0].SeriesInstanceUID)).encode())
    made = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=sheet.values_zyx,
        segmentation_type="BINARY",
        segment_descriptions=[_segment(n, label) for n, label in enumerate(sheet.labels, 1)],
        series_instance_uid=_uid(series.digest()),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=_uid(of_contents.digest()),
        instance_number=number,
        manufacturer=_MAKER,
        manufacturer_model_name=_MAKER,
        software_versions=metadata.version("paxflow"),
        device_serial_number=_MAKER,
        content_label="ANATOMY",
        content_description=f"Anatomy labels, sheet {number}",
    )
    return _bytes_without_chance(made, _uid(sha256(b"dimensions" + of_contents.digest()).digest()))


def _bytes_without_chance(made: Any, dimensions_uid: str) -> bytes:
    """The object as a file, with what hangs on the clock or on chance replaced."""
    for keyword in _RANDOM_OR_NOW:
        setattr(made, keyword, _EPOCH_DATE if keyword.endswith("Date") else _EPOCH_TIME)
    del made.ContributingEquipmentSequence  # names the library with the time of day
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = dimensions_uid
    for index in made.DimensionIndexSequence:
        index.DimensionOrganizationUID = dimensions_uid
    stream = io.BytesIO()
    made.save_as(stream)
    return stream.getvalue()


def _uid(digest: bytes) -> str:
    """A UID from a hash, by way of a name-based UUID (PS3.5 B.2, ISO/IEC 9834-8)."""
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def _segment(number: int, label: str) -> Any:
    entry = _entries()[label]
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=_ANATOMY,
        segmented_property_type=_code(entry),
        algorithm_type="AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=f"{_MAKER} anatomy",
            version=metadata.version("paxflow"),
            family=_FAMILY,
        ),
    )


def _code(entry: Anatomy) -> CodedConcept:
    """What the segment is: a SNOMED CT code, or the label's id in the private scheme."""
    known = _snomed().get(entry.label)
    return (
        CodedConcept(known[0], "SCT", known[1]) if known else CodedConcept(str(entry.category_id), SCHEME, entry.label)
    )


@cache
def _entries() -> dict[str, Anatomy]:
    return {entry.label: entry for entry in anatomy()}


@cache
def _snomed() -> dict[str, tuple[str, str]]:
    """Label to code and meaning."""
    text = resources.files("projection.export").joinpath("snomed.tsv").read_text(encoding="utf-8")
    return {row["label"]: (row["code"], row["meaning"]) for row in csv.DictReader(text.splitlines(), delimiter="\t")}
