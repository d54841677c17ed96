"""LIDC readings: one XML per CT with the marks of up to four radiologists, to outlines, points and ratings.

Format: LIDC-IDRI, https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX. ``xCoord`` is the column and ``yCoord`` the row, both
0-based: on the sample CT the contrast between inside and outline is greatest at shift (0, 0). Outlines run through the
first pixels outside the nodule. A nodule of 3 mm or more has ``characteristics``; a smaller one is a single point.
"""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from curation.deid.dicom.originals import Origin
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.safe_xml import parse, text_of
from curation.errors import Rejected
from curation.records import Annotation, AnnotationRating, Reason, Record

NAMESPACE = "{http://www.nih.gov}"
ROOT = f"{NAMESPACE}LidcReadMessage"
MAX_COORDINATE = 65535  # Rows and Columns are of VR US
# Scales: McNitt-Gray et al., Acad Radiol 2007;14:1464. All run from 1 to 5 or 6.
RATINGS = (
    *("subtlety", "internalStructure", "calcification", "sphericity", "margin"),
    *("lobulation", "spiculation", "texture", "malignancy"),
)
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


def lidc_origin(root: Element) -> Origin:
    """Identity of a reading for the ledger; raises Rejected if it names no series."""
    return Origin("annotation", (root.get("uid") or "").strip(), _series(root))


def read_lidc(data: bytes, sha256: str, identity: Identity) -> Iterator[Record]:
    """Rows of a reading. ``sha256`` of the file makes the ids of its marks unique; raises Rejected for broken XML.

    A reader is known by the given id and the place among the file's readers: ids are often blank or shared.
    """
    root = parse(data)
    if root.tag != ROOT:
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected an LIDC reading; other XML came")
    series_id = identity.uid(_series(root))
    for index, session in enumerate(_children(root, "readingSession")):
        given = text_of(session, f"{NAMESPACE}servicingRadiologistID")
        reader_id = identity.reader(f"{given}/{index}")
        yield from _nodules(session, f"{sha256}/{index}", reader_id, series_id, identity)
        yield from _non_nodules(session, f"{sha256}/{index}", reader_id, series_id, identity)


def lidc_identifiers(data: bytes) -> frozenset[Identifier]:
    """UIDs and reader ids of a reading: what no row of it may hold."""
    root = parse(data)
    found = {
        Identifier("uid", value) for part in root.iter() if _UID.fullmatch(value := text_of(part)) and len(value) > 16
    }
    readers = {Identifier("reader_id", text_of(part)) for part in root.iter(f"{NAMESPACE}servicingRadiologistID")}
    return frozenset(found | {reader for reader in readers if reader.value})


def _nodules(session: Element, place: str, reader: str, series: str, identity: Identity) -> Iterator[Record]:
    for number, nodule in enumerate(_children(session, "unblindedReadNodule")):
        object_id = identity.thing("o", "object", f"{place}/nodule/{number}")
        for position, roi in enumerate(_children(nodule, "roi")):
            points = _points(roi, "edgeMap")
            yield Annotation(
                annotation_id=identity.thing("n", "annotation", f"{place}/nodule/{number}/{position}"),
                object_id=object_id,
                reader_id=reader,
                series_id=series,
                instance_id=_instance(roi, identity),
                finding="nodule",
                shape="polygon" if len(points) > 2 else "point",
                inclusion=text_of(roi, f"{NAMESPACE}inclusion").upper() != "FALSE",
                points_px=points,
            )
        yield from _ratings(nodule, object_id)


def _ratings(nodule: Element, object_id: str) -> Iterator[Record]:
    given = nodule.find(f"{NAMESPACE}characteristics")
    for name in RATINGS if given is not None else ():
        value = text_of(given, f"{NAMESPACE}{name}")
        if re.fullmatch(r"[0-9]", value):
            yield AnnotationRating(object_id, name, int(value))


def _non_nodules(session: Element, place: str, reader: str, series: str, identity: Identity) -> Iterator[Record]:
    for number, mark in enumerate(_children(session, "nonNodule")):
        yield Annotation(
            annotation_id=identity.thing("n", "annotation", f"{place}/non_nodule/{number}"),
            object_id=identity.thing("o", "object", f"{place}/non_nodule/{number}"),
            reader_id=reader,
            series_id=series,
            instance_id=_instance(mark, identity),
            finding="non_nodule",
            shape="point",
            inclusion=True,
            points_px=_points(mark, "locus"),
        )


def _series(root: Element) -> str:
    header = f"{NAMESPACE}ResponseHeader/{NAMESPACE}"
    series = text_of(root, f"{header}SeriesInstanceUid") or text_of(root, f"{header}SeriesInstanceUID")
    if not _UID.fullmatch(series):
        raise Rejected(Reason.MISSING_IDENTITY, "expected the UID of the series that was read; none came")
    return series


def _instance(mark: Element, identity: Identity) -> str:
    original = text_of(mark, f"{NAMESPACE}imageSOP_UID")
    if not _UID.fullmatch(original):
        raise Rejected(Reason.MISSING_IDENTITY, "expected the UID of the image that was marked; none came")
    return identity.uid(original)


def _points(mark: Element, name: str) -> tuple[float, ...]:
    """Columns and rows of a mark: x0, y0, x1, y1, …"""
    numbers = []
    for point in _children(mark, name):
        for axis in ("xCoord", "yCoord"):
            text = text_of(point, f"{NAMESPACE}{axis}")
            if not re.fullmatch(r"\d{1,5}(\.\d{1,4})?", text) or float(text) > MAX_COORDINATE:
                raise Rejected(Reason.UNREADABLE, "expected pixel coordinates; something else came")
            numbers.append(float(text))
    if not numbers:
        raise Rejected(Reason.UNREADABLE, "expected at least one point of a mark; none came")
    return tuple(numbers)


def _children(element: Element, name: str) -> list[Element]:
    return element.findall(f"{NAMESPACE}{name}")
