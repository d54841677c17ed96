"""Reads one report from one file: a hospital's plain text with a header of identity lines, and Open-I's XML.

Plain text: everything before the first clinical section is header, and passes only if it is a clinical label itself;
lines of identity are dropped wherever they stand. In MIMIC-CXR's layout the path says whose it is. Open-I: the sections
of the abstract and the MeSH terms pass; ``Patient``, which a landing zone adds as first child, says whose report it is.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element

from curation.deid.dicom.originals import Origin
from curation.deid.keys.identity import Identifier, patient_key
from curation.deid.safe_xml import parse, text_of
from curation.deid.texts.headers import part
from curation.errors import Rejected
from curation.records import Reason

OPENI_LICENCE = "CC-BY-NC-ND-4.0"
LOCAL_LICENCE = "LicenseRef-local"
MAX_BYTES = 1024 * 1024  # a report is a few kilobytes

_MIMIC = re.compile(r"(?:^|/)p([0-9]{4,12})/s([0-9]{4,12})\.txt$")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DATES = (
    *("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%d.%m.%Y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y"),
)
_PATIENT_ATTRIBUTES = {
    "name": "name",
    "id": "patient_id",
    "birthDate": "birth_date",
    "accession": "accession",
    "referring": "clinician",
}
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,()'&/.:-]{0,200}")


@dataclass(frozen=True)
class ReportOriginal:
    """A report before it is clean: whose it is, what must not remain, and the text with it still in."""

    collection: str
    licence: str
    report_id: str
    patient_id: str
    accession: str
    study_date: date | None
    identifiers: frozenset[Identifier]
    text: str
    tags: tuple[str, ...] = ()

    def origin(self) -> Origin:
        """Identity for the ledger."""
        return Origin("report", self.report_id, "", self.accession, self.patient_id)


def read_openi(root: Element) -> ReportOriginal:
    """An Open-I report (root ``eCitation``). Without a ``Patient``, the report's own id stands for its one patient."""
    uid = root.find("uId")
    report_id = (uid.get("id") or "").strip() if uid is not None else ""
    patient = root.find("Patient")
    given = {name: value.strip() for name, value in patient.attrib.items()} if patient is not None else {}
    patient_id = patient_key(given.get("id", ""), given.get("issuer", "")) if given else report_id
    identifiers = {Identifier(kind, given[name]) for name, kind in _PATIENT_ATTRIBUTES.items() if given.get(name)}
    sections = [(part.get("Label") or "TEXT", "".join(part.itertext()).strip()) for part in root.iter("AbstractText")]
    return ReportOriginal(
        "openi",
        OPENI_LICENCE,
        report_id,
        patient_id,
        given.get("accession", ""),
        parse_date(given.get("studyDate", "")),
        frozenset(identifiers | ({Identifier("report_id", report_id)} if report_id else set())),
        "\n\n".join(f"{label.upper()}: {text}" for label, text in sections if text),
        tuple(sorted({tag for major in root.iter("major") if _TAG.fullmatch(tag := text_of(major))})),
    )


def read_local(data: bytes, path: str = "") -> ReportOriginal:
    """A plain-text report; raises Rejected if the bytes are no text.

    ``path``: where it lies; in folders laid out as MIMIC-CXR's it says patient and study, which the text need not.
    """
    subject, study = whose(path)
    parted = part(decode(data), is_letter=not subject)
    from_path = {Identifier("patient_id", subject), Identifier("order", study)} if subject else set()
    return ReportOriginal(
        "local",
        LOCAL_LICENCE,
        parted.first("report_id") or study,
        patient_key(parted.first("patient_id"), parted.first("issuer")) or subject,
        parted.first("accession") or study,
        parse_date(parted.first("study_date")),
        parted.identifiers() | from_path,
        parted.body,
    )


def whose(path: str) -> tuple[str, str]:
    """Patient and study that a path names by MIMIC-CXR's layout, ``.../p10000032/s50414267.txt``; else empty."""
    found = _MIMIC.search(path)
    return (found[1], found[2]) if found else ("", "")


def read_report(data: bytes, path: str = "") -> ReportOriginal:
    """A report of either kind; raises Rejected if it is neither. ``path`` as in ``read_local``."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        return read_local(data, path)
    root = parse(data)
    if root.tag != "eCitation":
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected an Open-I report; other XML came")
    return read_openi(root)


def decode(data: bytes) -> str:
    """Text in UTF-8, UTF-16 with a mark, or Windows-1252; raises Rejected if it is none."""
    if len(data) > MAX_BYTES:
        raise Rejected(Reason.UNSUPPORTED_FILE, f"expected a text below {MAX_BYTES} bytes; more came")
    codes = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for code in codes:
        try:
            text = data.decode(code)
        except UnicodeError:
            continue
        if is_text(text):
            return text
    raise Rejected(Reason.UNSUPPORTED_FILE, "expected plain text; binary data came")


def is_text(text: str) -> bool:
    """Whether a text is free of the control characters that only binary data has."""
    return _BINARY.search(text) is None


def parse_date(value: str) -> date | None:
    """A date in one of the usual ways of writing it; None if it is none."""
    for layout in _DATES:
        try:
            return datetime.strptime(value.strip(), layout).date()
        except ValueError:
            continue
    return None
