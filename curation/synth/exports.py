"""Addenda to reports as other systems hand them on: HL7 results, a table, a structured report.

Each names people in its text as a report does, and in the fields, columns or elements that its kind has for them.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from pydicom import uid
from pydicom.dataset import Dataset

from curation.synth.header import to_bytes
from curation.synth.identities import ISSUER, Planted, Visit, digits, opening, signature
from curation.synth.instances import Place, header
from curation.synth.reports import Statement

_HL7_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"})


@dataclass(frozen=True)
class Addendum:
    """What an addendum says, a sentence a line, and of which visit."""

    report_id: str
    who: Visit
    lines: tuple[str, ...]


def write_addendum(statements: Sequence[Statement], who: Visit, report_id: str, planted: Planted) -> Addendum:
    """An addendum that says the same in other words, between a sentence that names the patient and a signature."""
    chance = Random(f"paxflow words {report_id}")
    planted.add("original_report_id", report_id)
    sentences = [statement.sentence(chance) for statement in statements]
    return Addendum(report_id, who, (opening(who, planted), *sentences, signature(who, planted)))


def hl7(addendum: Addendum) -> bytes:
    """A message ORU^R01 in an MLLP frame, a sentence an OBX."""
    who, patient = addendum.who, addendum.who.patient
    moment = f"{who.moment:%Y%m%d%H%M%S}"
    referring = f"^{who.referring.last}^{who.referring.first}"
    signer = f"&{who.signer.last}&{who.signer.first}"
    segments = (
        f"MSH|^~\\&|RIS|{patient.institution}|PAX|RESEARCH|{moment}||ORU^R01|{addendum.report_id}|P|2.5.1",
        f"PID|1||{patient.patient_id}^^^{ISSUER}^MR||{patient.dicom_name}||{digits(patient.birth)}|{patient.sex}|||"
        f"{patient.address}||{patient.phone}",
        f"PV1|1|O|||||{referring}",
        f"OBR|1||{addendum.report_id}|^Addendum|||{moment}|||||||||{referring}||{who.accession}{'|' * 14}{signer}",
        *(
            f"OBX|{number}|TX|55107-7^Addendum^LN||{line.translate(_HL7_ESCAPES)}||||||F"
            for number, line in enumerate(addendum.lines, start=1)
        ),
    )
    return "".join(("\x0b", *(f"{segment}\r" for segment in segments), "\x1c\r")).encode()


def table(addendum: Addendum) -> bytes:
    """A table of one row."""
    who, patient = addendum.who, addendum.who.patient
    row = {
        "report_id": addendum.report_id,
        "mrn": patient.patient_id,
        "issuer": ISSUER,
        "patient_name": f"{patient.last}, {patient.first}",
        "birth_date": patient.birth.isoformat(),
        "phone": patient.phone,
        "accession": who.accession,
        "study_date": who.moment.date().isoformat(),
        "referring_physician": who.referring.full_name,
        "radiologist": who.signer.full_name,
        "report": "\n".join(addendum.lines),
    }
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*row])
    writer.writeheader()
    writer.writerow(row)
    return buffer.getvalue().encode()


def structured(addendum: Addendum, study: str, planted: Planted) -> bytes:
    """A Basic Text SR document with one section, of the study of this name."""
    dataset = header("SR", addendum.who, Place(study, "addendum"), planted)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid.BasicTextSRStorage
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    texts = []
    for line in addendum.lines:
        text = _item("TEXT", "121071", "Finding")
        text.TextValue = line
        texts.append(text)
    section = _item("CONTAINER", "121070", "Findings")
    section.ContinuityOfContent = "SEPARATE"
    section.ContentSequence = texts
    dataset.ContentSequence = [section]
    return to_bytes(dataset)


def _item(value_type: str, code: str, meaning: str) -> Dataset:
    concept, made = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = code, "DCM", meaning
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = "CONTAINS", value_type, [concept]
    return made
