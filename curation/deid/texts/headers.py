"""Lines of a text that say whose it is: ``PATIENT NAME: ...``, ``MRN: ...``, and what is left without them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from curation.deid.keys.identity import Identifier
from curation.deid.texts.report_words import is_plain

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
CLINICAL_LABELS = frozenset(_CLINICAL.split("|"))
"""Labels that open a section of a report, in capitals."""
_LABEL = re.compile(r"^[ \t]*([A-Za-z][A-Za-z #/.'-]{1,40}?)[ \t]*:[ \t]*(.*)$")
_NEXT_LABEL = re.compile(
    rf"[ \t|;,]+({'|'.join(sorted(map(re.escape, _KIND_OF_LABEL), key=len, reverse=True))})\.?[ \t]*:", re.IGNORECASE
)


class Parted(NamedTuple):
    """A text without its lines of identity, and what those said: values by kind, in order."""

    body: str
    found: dict[str, list[str]]

    def first(self, kind: str) -> str:
        """The first value of a kind; empty if there is none."""
        return self.found.get(kind, [""])[0].strip()

    def identifiers(self) -> frozenset[Identifier]:
        """Whom and what the lines name."""
        return frozenset(_identifiers(self.found))


def part(text: str, is_letter: bool = True) -> Parted:
    """Part a text from its lines of identity, which go wherever they stand.

    Of a letter, everything before the first clinical label is letterhead and goes too. What is no letter (a column, a
    message, a file whose path says whose it is) has a letterhead only if a line of identity stands in it.
    """
    lines = text.splitlines()
    first = next((at for at, line in enumerate(lines) if _label(line)[0] in CLINICAL_LABELS), 0)
    if not is_letter and not any(map(_is_identity, lines[:first])):
        first = 0
    found: dict[str, list[str]] = {}
    body: list[str] = []
    for at, line in enumerate(lines):
        kind = kind_of_label(_label(line)[0])
        if kind and not (at >= first and kind in _CLINICAL_KINDS):
            for named, value in _fields(line):
                found.setdefault(kind_of_label(named), []).append(value)
        elif at >= first:
            body.append(line.rstrip())
        else:
            found.setdefault("letterhead", []).append(line)
    return Parted("\n".join(body).strip(), found)


def kind_of_label(label: str) -> str:
    """What a label in capitals announces, e.g. ``patient_id`` for ``MRN``; empty if nobody's identity."""
    return _KIND_OF_LABEL.get(label, "")


def _is_identity(line: str) -> bool:
    kind = kind_of_label(_label(line)[0])
    return bool(kind) and kind not in _CLINICAL_KINDS


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
