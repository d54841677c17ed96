"""Identities in a DICOM header, as a modality and a PACS would have written them."""

from io import BytesIO

from pydicom.dataset import Dataset

from curation.synth.identities import (
    INSTITUTION_ADDRESS,
    ISSUER,
    STATION,
    Planted,
    Visit,
    age,
    digits,
)

_DEVICE = "-".join(("SNX", "2201", "88431"))


def to_bytes(dataset: Dataset) -> bytes:
    """The DICOM file of a dataset; the same dataset gives the same bytes for one version of pydicom."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def name_people(dataset: Dataset, who: Visit, planted: Planted) -> None:
    """Put patient, physicians, institution, station and a private block that names the patient into a header."""
    patient = who.patient
    dataset.PatientName = patient.dicom_name
    dataset.PatientID = patient.patient_id
    dataset.IssuerOfPatientID = ISSUER
    dataset.PatientBirthDate = digits(patient.birth)
    dataset.PatientSex = patient.sex
    dataset.PatientAge = f"{age(patient.birth, who.moment.date()):03d}Y"
    dataset.PatientAddress = patient.address
    dataset.PatientTelephoneNumbers = patient.phone
    dataset.AccessionNumber = who.accession
    dataset.ReferringPhysicianName = who.referring.dicom_name
    dataset.NameOfPhysiciansReadingStudy = who.signer.dicom_name
    dataset.OperatorsName = who.signer.dicom_name
    dataset.InstitutionName = patient.institution
    dataset.InstitutionAddress = INSTITUTION_ADDRESS
    dataset.StationName = STATION
    dataset.DeviceSerialNumber = _DEVICE
    block = dataset.private_block(0x0009, "SYNTHETIC PACS 1.0", create=True)
    block.add_new(0x01, "LO", patient.full_name)
    block.add_new(0x02, "LO", patient.phone)
    request = Dataset()
    request.RequestedProcedureDescription = f"CHEST {patient.last.upper()}"
    request.RequestingPhysician = who.referring.dicom_name
    dataset.RequestAttributesSequence = [request]
    _note_header(who, planted)


def _note_header(who: Visit, planted: Planted) -> None:
    planted.add_patient(who.patient)
    planted.add_physician(who.referring)
    planted.add_physician(who.signer)
    planted.add("phone", who.patient.phone)
    planted.add("accession", who.accession)
    planted.add("birth_date_digits", digits(who.patient.birth))
    planted.add("address", who.patient.address, INSTITUTION_ADDRESS)
    planted.add("institution", who.patient.institution)
    planted.add("device", STATION, _DEVICE)
