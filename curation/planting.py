"""Puts made-up identities into real, already anonymous data, so that de-identification has something to find.

Pixel data and UIDs stay as they are. Everything that is planted is noted in a ``Planted``.
"""

import re
from datetime import date, timedelta
from io import BytesIO
from random import Random

import pydicom
from pydicom.dataset import Dataset

from curation.synth.header import name_people, to_bytes
from curation.synth.identities import (
    INSTITUTION,
    ISSUER,
    PEER,
    Planted,
    Visit,
    digits,
    opening,
    person,
    signature,
    visit,
)

_FIRST_YEAR, _YEARS = 2006, 9  # of the made-up study dates: after every made-up birth, with room for date shifts
_CT_DAY = date(2011, 3, 17)

_TABLE_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")


# --- DICOM -----------------------------------------------------------------------------------------------


def ct_visit() -> Visit:
    """Who the sample CT belongs to from now on."""
    return visit("sample ct", person("sample ct"), _CT_DAY)


def plant_slice(data: bytes, who: Visit, planted: Planted) -> bytes:
    """A DICOM file with the identities of ``who`` in its header, its preamble and its file meta."""
    dataset = pydicom.dcmread(BytesIO(data))
    _note_uids(dataset, planted)
    name_people(dataset, who, planted)
    for keyword in _TABLE_DATES:
        setattr(dataset, keyword, digits(who.moment.date()))
    dataset.AcquisitionDateTime = f"{who.moment:%Y%m%d%H%M%S}"
    dataset.StudyTime = dataset.SeriesTime = f"{who.moment:%H%M%S}"
    for keyword in ("PatientIdentityRemoved", "DeidentificationMethod"):
        delattr(dataset, keyword)
    dataset.StudyDescription = f"CT CHEST WITH CONTRAST FOR {who.patient.last.upper()}"
    dataset.PatientComments = f"{who.patient.title} {who.patient.last} asks to be called on {who.patient.phone}."
    dataset.preamble = who.patient.dicom_name.encode("ascii").ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = PEER
    planted.add("device", PEER)
    return to_bytes(dataset)


def _note_uids(dataset: Dataset, planted: Planted) -> None:
    """UIDs that name this very object; those of the standard's own registry (1.2.840.10008) name nobody."""
    for element in dataset:
        if element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
            planted.add("original_uid", str(element.value))


# --- XML -------------------------------------------------------------------------------------------------


def plant_reading(xml: str, planted: Planted) -> str:
    """A LIDC reading that names the sites and a reader, where the original says that they were removed."""
    reader = person("reader of the sample ct")
    planted.add_physician(reader)
    planted.add("institution", INSTITUTION)
    planted.add("reader_id", *re.findall(r"<servicingRadiologistID>([^<]+)<", xml))
    planted.add("original_uid", *re.findall(r">([12]\.\d[\d.]{10,})<", xml), *re.findall(r' uid="([\d.]+)"', xml))
    xml = re.sub(r"<(RequestingSite|ServicingSite)>removed<", rf"<\1>{INSTITUTION}<", xml)
    return xml.replace("<readingSession>", f"<!-- read by Dr. {reader.full_name} --><readingSession>", 1)


def plant_report(xml: str, who: Visit, planted: Planted) -> str:
    """An Open-I report with a ``Patient`` element, a sentence that names the patient, and a signature.

    An empty section stays empty, and what the source crossed out (XXXX) stays crossed out.
    """
    planted.add("original_report_id", *re.findall(r'<uId id="([^"]+)"', xml))
    naming, signed = opening(who, planted), signature(who, planted)
    order = r"\g<1>{0} \g<2>" if len(naming) % 2 else r"\g<1>\g<2> {0}"
    xml = re.sub(r'(<AbstractText Label="INDICATION">)([^<]+)', order.format(naming), xml, count=1)
    xml = re.sub(r'(<AbstractText Label="IMPRESSION">[^<]+)', rf"\g<1>\n{signed}", xml, count=1)
    return xml.replace("<eCitation>", f"<eCitation>\n   {_patient_element(who)}", 1)


def _patient_element(who: Visit) -> str:
    patient = who.patient
    attributes = {
        "name": patient.dicom_name,
        "id": patient.patient_id,
        "issuer": ISSUER,
        "birthDate": digits(patient.birth),
        "sex": patient.sex,
        "accession": who.accession,
        "studyDate": digits(who.moment.date()),
        "referring": who.referring.dicom_name,
    }
    return "<Patient " + " ".join(f'{name}="{value}"' for name, value in attributes.items()) + "/>"


def report_visits(texts: dict[str, str]) -> dict[str, Visit]:
    """Whose each report is, by report number; about one report in six shares its patient with another.

    A report joins the patient of the one before it, some months later, where no word of the two says otherwise.
    """
    visits: dict[str, Visit] = {}
    patient, sex, day = person("nobody"), "F", _CT_DAY
    for number in sorted(texts, key=int):
        chance = Random(f"paxflow report {number}")  # noqa: S311 - repeatable, not secret
        said = _said_sex(texts[number])
        if visits and chance.randrange(12) == 0 and said in ("", sex):
            day += timedelta(days=chance.randint(20, 400))
        else:
            patient = person(f"report {number}", said)
            sex = patient.sex
            day = date(_FIRST_YEAR, 1, 1) + timedelta(days=chance.randrange(_YEARS * 365))
        visits[number] = visit(f"report {number}", patient, day)
    return visits


def _said_sex(xml: str) -> str:
    """M or F where the report says so, so that a made-up person fits what the text says; else empty."""
    text = " ".join(re.findall(r"<AbstractText[^>]*>([^<]+)", xml)).lower()
    if re.search(r"\b(female|woman|lady)\b", text):
        return "F"
    return "M" if re.search(r"\b(male|man|gentleman)\b", text) else ""
