"""Reads reports as they came: a hospital's plain text with a header of identity lines, and Open-I's XML.

Plain text: everything before the first clinical section is header, and passes only if it is a clinical label itself;
lines of identity are dropped wherever they stand. Open-I: the sections of the abstract and the MeSH terms pass;
``Patient``, which a landing zone adds as first child, says whose report it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element

from curation.deid.dicom.originals import Origin
from curation.deid.keys.identity import Identifier, patient_key
from curation.deid.safe_xml import parse, text_of
from curation.deid.texts.report_words import is_plain
from curation.errors import Rejected
from curation.records import Reason

OPENI_LICENCE = "CC-BY-NC-ND-4.0"
LOCAL_LICENCE = "LicenseRef-local"
MAX_BYTES = 1024 * 1024  # a report is a few kilobytes

# Labels of lines that identify someone, and the kind of what follows them.
_IDENTITY_LABELS = {
    "name": "PATIENT NAME|PATIENT'S NAME|PATIENT|PT NAME|NAME",
    "patient_id": "MRN|MRN #|MRN NO|MR #|MR NUMBER|MEDICAL RECORD NUMBER|MEDICAL RECORD NO|MEDICAL RECORD #|"
    "MEDICAL RECORD|PATIENT ID|PATIENT NUMBER|PT ID|PID|SSN|HOSPITAL NUMBER|HOSPITAL NO|UNIT NUMBER|NHS NUMBER",
    "issuer": "ISSUER|ASSIGNING AUTHORITY",
    "accession": "ACCESSION|ACCESSION NUMBER|ACCESSION NO|ACCESSION #|ACC|ACC #|ACC NO",
    "report_id": "REPORT ID|REPORT NUMBER|REPORT NO|DOCUMENT ID",
    "study_date": "STUDY DATE|EXAM DATE|DATE OF EXAM|DATE OF STUDY|DATE OF SERVICE|DATE",
    "birth_date": "DOB|D.O.B|DATE OF BIRTH|BIRTH DATE|BIRTHDATE|BORN",
    "clinician": "REFERRING|REFERRING PHYSICIAN|REFERRING PROVIDER|REFERRING MD|REFERRED BY|ORDERING|"
    "ORDERING PHYSICIAN|ORDERING PROVIDER|ORDERING MD|REQUESTED BY|REQUESTING PHYSICIAN|ATTENDING|"
    "ATTENDING PHYSICIAN|ATTENDING MD|RADIOLOGIST|REPORTING RADIOLOGIST|READING PHYSICIAN|INTERPRETING PHYSICIAN|"
    "RESIDENT|FELLOW|TECHNOLOGIST|RADIOGRAPHER|PHYSICIAN|PROVIDER|PCP|PRIMARY CARE PHYSICIAN|CONSULTANT|"
    "TRANSCRIPTIONIST|DICTATED BY|SIGNED BY|TRANSCRIBED BY|REPORTED BY|READ BY|CC",
    "person": "NEXT OF KIN|EMERGENCY CONTACT|GUARDIAN|GUARANTOR|SPOUSE",
    "institution": "INSTITUTION|FACILITY|HOSPITAL|SITE|DEPARTMENT|WARD|LOCATION|EMPLOYER",
    "address": "ADDRESS|PATIENT ADDRESS|HOME ADDRESS|STREET|CITY|TOWN",
    "phone": "PHONE|TELEPHONE|TEL|FAX|PAGER|MOBILE|CALLBACK|CONTACT|PHONE NUMBER",
    "email": "EMAIL|E-MAIL",
    "order": "ORDER|ORDER NUMBER|ORDER NO|ORDER #|VISIT|VISIT NUMBER|VISIT NO|ENCOUNTER|ACCOUNT|ACCOUNT NUMBER|CASE|"
    "CASE NUMBER|EXAM NUMBER|STUDY ID|POLICY NUMBER|MEMBER ID",
    "other": "SEX|GENDER|AGE|AGE/SEX|REPORT DATE|DATE DICTATED|DATE SIGNED|REPORT STATUS",
    "signed": "DICTATED|TRANSCRIBED|SIGNED|ELECTRONICALLY SIGNED BY|INTERPRETED BY|VERIFIED BY|REVIEWED BY|APPROVED BY|"
    "FINALIZED BY|AUTHENTICATED BY|COPY TO|COPIES TO",
}
_CLINICAL_KINDS = ("institution", "order", "signed", "other")
"""In the body such a label may be clinical: "Location: left base"; and who signed is cleaned like any sentence."""
_KIND_OF_LABEL = {label: kind for kind, labels in _IDENTITY_LABELS.items() for label in labels.split("|")}
_CLINICAL = (
    "EXAM|EXAMINATION|PROCEDURE|STUDY|TYPE OF EXAM|CLINICAL HISTORY|CLINICAL INFORMATION|CLINICAL INDICATION|HISTORY|"
    "INDICATION|INDICATIONS|REASON FOR EXAM|REASON FOR EXAMINATION|REASON|TECHNIQUE|COMPARISON|COMPARISONS|CONTRAST|"
    "COMPARISON STUDIES|FINDINGS|IMPRESSION|IMPRESSIONS|CONCLUSION|CONCLUSIONS|OPINION|SUMMARY|RECOMMENDATION|"
    "RECOMMENDATIONS|ADDENDUM|NOTIFICATION|COMMENT|LUNGS|LUNG|PLEURA|HEART|MEDIASTINUM|BONES|CHEST|CT CHEST|XR CHEST|"
    "CHEST CT|CHEST X-RAY|CHEST RADIOGRAPH|FINAL REPORT|WET READ|INTERPRETATION|DIAGNOSIS|LINES AND TUBES|"
    "DEVICES"
)
_CLINICAL_LABELS = frozenset(_CLINICAL.split("|"))
_LABEL = re.compile(r"^[ \t]*([A-Za-z][A-Za-z #/.'-]{1,40}?)[ \t]*:[ \t]*(.*)$")
_NEXT_LABEL = re.compile(
    rf"[ \t|;,]+({'|'.join(sorted(map(re.escape, _KIND_OF_LABEL), key=len, reverse=True))})\.?[ \t]*:", re.IGNORECASE
)
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


def read_local(data: bytes) -> ReportOriginal:
    """A plain-text report; raises Rejected if the bytes are no text."""
    lines = decode(data).splitlines()
    found: dict[str, list[str]] = {}
    body: list[str] = []
    in_body = not any(_label(line)[0] in _CLINICAL_LABELS for line in lines)
    for line in lines:
        label = _label(line)[0]
        kind = _KIND_OF_LABEL.get(label)
        in_body = in_body or label in _CLINICAL_LABELS
        if kind and not (in_body and kind in _CLINICAL_KINDS):
            for named, value in _fields(line):
                found.setdefault(_KIND_OF_LABEL[named], []).append(value)
        elif in_body:
            body.append(line.rstrip())
        else:
            found.setdefault("letterhead", []).append(line)
    first = {kind: values[0].strip() for kind, values in found.items()}
    return ReportOriginal(
        "local",
        LOCAL_LICENCE,
        first.get("report_id", ""),
        patient_key(first.get("patient_id", ""), first.get("issuer", "")),
        first.get("accession", ""),
        parse_date(first.get("study_date", "")),
        frozenset(_identifiers(found)),
        "\n".join(body).strip(),
    )


def read_report(data: bytes) -> ReportOriginal:
    """A report of either kind; raises Rejected if it is neither."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        return read_local(data)
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
        if not re.search(r"[\x00-\x08\x0e-\x1f]", text):
            return text
    raise Rejected(Reason.UNSUPPORTED_FILE, "expected plain text; binary data came")


def parse_date(value: str) -> date | None:
    """A date in one of the usual ways of writing it; None if it is none."""
    for layout in _DATES:
        try:
            return datetime.strptime(value.strip(), layout).date()
        except ValueError:
            continue
    return None


_TITLE = re.compile(r"^\s*(?:(?:drs?|mrs?|ms|miss|mx|prof|professor|doctor)\b\.?\s*)+", re.IGNORECASE)


def _label(line: str) -> tuple[str, str]:
    found = _LABEL.match(line)
    return (" ".join(found[1].upper().split()).rstrip("."), found[2]) if found else ("", "")


def _fields(line: str) -> Iterator[tuple[str, str]]:
    """Each label of a line of identity with its value: "Patient: …   MRN: …"."""
    label, rest = _label(line)
    at = 0
    for found in _NEXT_LABEL.finditer(rest):
        yield label, rest[at : found.start()].strip()
        label, at = found[1].upper(), found.end()
    yield label, rest[at:].strip()


def _identifiers(found: dict[str, list[str]]) -> set[Identifier]:
    silent = ("other", "study_date")  # dates of the text go by their pattern
    pairs = (
        (kind, _name_in(value) if kind in ("name", "clinician", "person", "signed") else value)
        for kind in found
        for value in found[kind]
    )
    identifiers = {Identifier(kind, value.strip()) for kind, value in pairs if kind not in silent and value.strip()}
    return {signer for identifier in identifiers if (signer := _signer(identifier))}


def _signer(identifier: Identifier) -> Identifier | None:
    """Who signed, where a line says more than that it was signed: "SIGNED: Final" names nobody."""
    if identifier.kind != "signed":
        return identifier
    return None if all(map(is_plain, identifier.value.split())) else Identifier("clinician", identifier.value)


def _name_in(value: str) -> str:
    """The name at the head of a line, without a title before it and what follows it, such as a date."""
    return re.split(r"[\d;(\[]|(?<=\w\w)\.", _TITLE.sub("", value))[0]
