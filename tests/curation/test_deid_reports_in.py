"""Each way in which reports come: every report ends as a row or as a reject with its reason, and nobody shows."""

import io
import re
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from curation import ingest, stage
from curation.audit import audit, planted
from curation.deid import stage as deid
from curation.deid.texts.many import entries, file_of, name_of, number_of, read_one
from curation.errors import Rejected
from curation.records import Instance, Reason, Record, Report, Source
from curation.store import read_rows
from curation.workspace import Workspace
from tests.builders import ct_slice, keyed_workspace, put
from tests.curation.report_files import KEPT, PLANTED, SAID, VALUES, message, parquet, table

LETTERHEAD = "NAME: Mirel Quelbrand\nATTENDING: T. Zormirsk\nREAD BY: Ode Skalvanelo\n12 Quellwick Lane"
MIMIC = "files/p10/p10000032/s50414267.txt"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return keyed_workspace(tmp_path, monkeypatch)


def run(workspace: Workspace) -> dict[str, Reason]:
    """Take in and clean everything; returns the rejects of both stages."""
    for each in (ingest.STAGE, deid.STAGE):
        for batch in stage.prepare(each, workspace).batches:
            stage.run_batch(each, workspace, batch)
    refused = [*stage.rejects(workspace, ingest.STAGE), *stage.rejects(workspace, deid.STAGE)]
    return {row.item.rpartition("@")[0].partition("@")[0]: row.reason for row in refused}


def rows(workspace: Workspace, record: type[Record] = Report) -> list[Any]:
    return list(read_rows(record, workspace.tables("deid")))


# --- nobody shows ----------------------------------------------------------------------------------------


def structured(said: tuple[str, ...] = SAID, sop_class: uid.UID = uid.BasicTextSRStorage) -> bytes:
    """A document with one section, of the patient of ``report_files``."""
    ds = pydicom.dcmread(io.BytesIO(ct_slice()))
    del ds.PixelData
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid.UID(f"{ds.SOPInstanceUID[:50]}.77")
    ds.Modality, ds.PatientName, ds.PatientID, ds.AccessionNumber = "SR", "QUELBRAND^MIREL", *VALUES[1:4:2]
    ds.ReferringPhysicianName, ds.NameOfPhysiciansReadingStudy = "ZORMIRSK^TARVIN", "SKALVANELO^ODE"
    ds.PatientTelephoneNumbers, ds.PatientAddress = "555-0147712", "12 Quellwick Lane"
    ds.RequestingService, ds.StudyID, ds.ResponsiblePerson = "Quellstad", "ORD-8837001", "VRUNDABEK^ISOLT"
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    observer = item("PNAME", "121008", "Person Observer Name", "HAS OBS CONTEXT", PersonName="SKALVANELO^ODE")
    about = item("TEXT", "121013", "Device Observer Name", "HAS OBS CONTEXT", TextValue="Quellstad console")
    texts = [item("TEXT", "121071", "Finding", TextValue=line) for line in said]
    section = item("CONTAINER", "121070", "Findings", ContentSequence=Sequence(texts))
    last = item("TEXT", "121077", "Conclusion", TextValue="Effusion.")
    ds.ContentSequence = Sequence([observer, about, section, last, item("TEXT", "121077", "Conclusion", TextValue="")])
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def item(value_type: str, code: str, meaning: str, how: str = "CONTAINS", **values: Any) -> Dataset:
    made, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = code, "DCM", meaning
    made.RelationshipType, made.ValueType, made.ConceptNameCodeSequence = how, value_type, Sequence([concept])
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


KINDS: dict[str, tuple[str, bytes | str]] = {
    "hl7": ("in.hl7", message()),
    "hl7 in frames": ("in.HL7", f"\x0b{message()}\x1c\r"),
    "hl7 with line feeds": ("in.hl7", message(end="\n")),
    "comma": ("in.csv", table(VALUES)),
    "semicolon": ("in.csv", table(VALUES, separator=";")),
    "tab": ("in.tsv", table(VALUES, separator="\t")),
    "utf-16": ("in.csv", table(VALUES).encode("utf-16")),
    "structured": ("in.dcm", structured()),
    "letter in a column": (
        "in.csv",
        table(
            (
                "SYN-7712345-A",
                f"NAME: Mirel Quelbrand\nATTENDING: T. Zormirsk\n12 Quellwick Lane\nFINDINGS: {SAID[2]} {SAID[4]}",
            ),
            columns=("mrn", "text"),
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_comes_clean_out_of_each_kind_of_file(workspace: Workspace, kind: str) -> None:
    name, data = KINDS[kind]
    put(workspace, name, data)
    assert run(workspace) == {}
    (report,) = rows(workspace)
    assert all(sentence in report.text for sentence in KEPT)
    assert audit(workspace, {*PLANTED, *planted(workspace)}) == []


def test_a_report_comes_clean_out_of_parquet(workspace: Workspace) -> None:
    parquet(workspace.landing / "in.parquet", VALUES)
    assert run(workspace) == {}
    assert all(sentence in rows(workspace)[0].text for sentence in KEPT)
    assert audit(workspace, {*PLANTED, *planted(workspace)}) == []


def test_a_report_in_folders_of_mimic_needs_no_header(workspace: Workspace) -> None:
    put(workspace, MIMIC, "FINAL REPORT\nCHEST, TWO VIEWS\n\nFINDINGS: Clear. Subject 10000032, study 50414267.\n")
    put(workspace, "other/s50414267.txt", "FINDINGS: Nobody's.")
    assert run(workspace) == {"other/s50414267.txt": Reason.MISSING_IDENTITY}
    (report,) = rows(workspace)
    assert report.text == "FINAL REPORT\nCHEST, TWO VIEWS\n\nFINDINGS: Clear. Subject [ID], study [ID]."
    assert report.patient_id and report.accession_id
    assert audit(workspace, planted(workspace)) == []


# --- nothing is lost, nothing doubled --------------------------------------------------------------------


def test_each_message_of_a_file_is_a_report_or_a_reject(workspace: Workspace) -> None:
    parts = (
        message(("Clear.",), number="ACX-1000001"),
        message(("Clear.",), "ADT^A08", "ACX-1000002"),
        message((), number="ACX-1000003"),
        message(("Effusion.",), number="ACX-1000001"),
        message(("Nodule.",), number="ACX-1000004").replace("SYN-7712345-A", ""),
        message(("Atelectasis.",), number="ACX-1000005"),
        message(("Clear.",), number="ACX-1000001"),
    )
    put(workspace, "in.hl7", "\r\n".join(parts))
    assert run(workspace) == {
        "in.hl7#0000002": Reason.UNSUPPORTED_OBJECT,
        "in.hl7#0000003": Reason.EMPTY_REPORT,
        "in.hl7#0000001": Reason.DUPLICATE_UID,  # the longer one of a number counts
        "in.hl7#0000005": Reason.MISSING_IDENTITY,
        "in.hl7#0000007": Reason.DUPLICATE_UID,
    }
    assert sorted(row.text for row in rows(workspace)) == ["FINDINGS: Atelectasis.", "FINDINGS: Effusion."]


def test_each_row_of_a_table_is_a_report_or_a_reject(workspace: Workspace) -> None:
    columns = ("id", "mrn", "text")
    lines = [
        ("1", "77", "Clear."),
        ("2", "77", " "),
        ("1", "78", "No edema."),
        ("4", "", "Nodule."),
        ("5", "77", "\x00"),
    ]
    put(workspace, "in.csv", table(*lines, columns=columns) + '"6","77"\r\n\r\n"7","77","Effusion."\r\n')
    assert run(workspace) == {
        "in.csv#0000001": Reason.DUPLICATE_UID,
        "in.csv#0000002": Reason.EMPTY_REPORT,
        "in.csv#0000004": Reason.MISSING_IDENTITY,
        "in.csv#0000005": Reason.UNSUPPORTED_FILE,
        "in.csv#0000006": Reason.UNREADABLE,
    }
    assert sorted(row.text for row in rows(workspace)) == ["Effusion.", "No edema."]


def test_a_table_that_grows_has_its_new_rows_done_and_no_other(workspace: Workspace) -> None:
    lines = [(str(at), "77", f"Nodule {at} mm.") for at in range(3)]
    put(workspace, "in.csv", table(*lines[:2], columns=("id", "mrn", "text")))
    run(workspace)
    put(workspace, "in.csv", table(*lines, columns=("id", "mrn", "text")))
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)
    assert [len(batch) for batch in stage.prepare(deid.STAGE, workspace).batches] == [1]
    assert run(workspace) == {} and len(rows(workspace)) == 3


def test_a_copy_of_a_file_of_reports_is_no_second_report(workspace: Workspace) -> None:
    for name in ("a.hl7", "b.hl7"):
        put(workspace, name, message())
    assert run(workspace) == {"b.hl7#0000001": Reason.DUPLICATE_BYTES} and len(rows(workspace)) == 1


def test_a_file_that_changed_or_went_between_the_stages_is_a_reject_and_is_tried_again(workspace: Workspace) -> None:
    path = put(
        workspace, "in.csv", table(("1", "77", "Clear."), ("2", "77", "Effusion."), columns=("id", "mrn", "text"))
    )
    before = path.read_bytes()
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)
    path.write_bytes(before.replace(b"Clear", b"Nodule"))
    deid_alone(workspace)
    assert refusals(workspace) == {"in.csv#0000001": Reason.SOURCE_GONE} and len(rows(workspace)) == 1
    path.unlink()
    deid_alone(workspace)
    assert refusals(workspace) == {"in.csv#0000001": Reason.SOURCE_GONE} and len(rows(workspace)) == 1
    path.write_bytes(before)
    deid_alone(workspace)
    assert sorted(row.text for row in rows(workspace)) == ["Clear.", "Effusion."]


def deid_alone(workspace: Workspace) -> None:
    for batch in stage.prepare(deid.STAGE, workspace).batches:
        stage.run_batch(deid.STAGE, workspace, batch)


def refusals(workspace: Workspace) -> dict[str, Reason]:
    return {row.item.partition("@")[0]: row.reason for row in stage.rejects(workspace, deid.STAGE)}


def test_a_file_that_went_and_cannot_be_opened_is_a_reject(workspace: Workspace) -> None:
    path = put(workspace, "in.hl7", message())
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)
    path.unlink()
    deid_alone(workspace)
    assert refusals(workspace) == {"in.hl7#0000001": Reason.SOURCE_GONE}


def test_what_is_no_file_of_reports_as_a_whole_is_one_reject(workspace: Workspace) -> None:
    files: dict[str, tuple[bytes | str, Reason]] = {
        "no-text.csv": ("id,mrn\n1,2\n", Reason.UNSUPPORTED_FILE),
        "no-patient.csv": ("id,text\n1,Clear.\n", Reason.MISSING_IDENTITY),
        "twice.csv": ("id,mrn,text,text\n1,2,a,b\n", Reason.UNREADABLE),
        "open-quote.csv": ('id,mrn,text\n1,2,"Clear.\n3,4,Nodule.\n', Reason.UNREADABLE),
        "no-rows.csv": ("id,mrn,text\n", Reason.EMPTY_FILE),
        "empty.csv": ("", Reason.EMPTY_FILE),
        "binary.csv": (b"id,mrn,text\n1,2,\x81\n", Reason.UNSUPPORTED_FILE),
        "no.parquet": ("PAR1", Reason.UNREADABLE),
        "no.hl7": ("PID|1\rOBX|1\r", Reason.UNSUPPORTED_FILE),
        "blank.hl7": ("\r\n", Reason.EMPTY_FILE),
    }
    for path, (data, _) in files.items():
        put(workspace, path, data)
    assert run(workspace) == {path: reason for path, (_, reason) in files.items()}


@pytest.mark.parametrize("name", ["in.hl7", "in.txt"])
def test_a_file_that_the_system_refuses_is_a_reject(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError

    put(workspace, name, message())
    monkeypatch.setattr(ingest, "File", refuse)
    assert run(workspace) == {name: Reason.UNREADABLE}


def test_a_table_that_belongs_to_a_labelmap_is_no_table_of_reports(workspace: Workspace) -> None:
    put(workspace, "names.csv", "id,mrn,text\n1,2,heart\n")
    sidecar = '{"series_instance_uid": "1.2.3", "labelmap": "m.nii.gz", "structures": "names.csv", "engine": "Made up"}'
    put(workspace, "a.labelmap.json", sidecar)
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)
    kinds = {row.original_path: row.kind for row in read_rows(Source, workspace.tables("ingest"))}
    assert kinds == {"names.csv": "part", "a.labelmap.json": "labelmap"}


def test_an_image_by_the_name_of_a_table_is_an_image(workspace: Workspace) -> None:
    put(workspace, "scan.csv", ct_slice())
    assert run(workspace) == {} and len(rows(workspace, Instance)) == 1


def test_the_place_of_a_report_names_its_file_and_its_number() -> None:
    name = name_of("a/b#1.csv", 12)
    assert (name, file_of(name), number_of(name)) == ("a/b#1.csv#0000012", "a/b#1.csv", 12)
    assert (file_of("a/b.csv"), number_of("a/b.csv")) == ("a/b.csv", 0)
    assert (file_of("scan.dcm#0000012"), number_of("scan.dcm#0000012")) == ("scan.dcm#0000012", 0)


def test_reports_of_a_file_may_be_asked_for_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(table(*((str(at), "77", f"Nodule {at}.") for at in range(4)), columns=("id", "mrn", "text")))
    marks = [entry.sha256 for entry in entries(path)]
    for at in (1, 3, 0, 0, 2):
        assert read_one(tmp_path, name_of("in.csv", at + 1), marks[at]).text == f"Nodule {at}."
    with pytest.raises(Rejected, match="another, or none"):
        read_one(tmp_path, name_of("in.csv", 5), marks[0])


# --- structured reports ----------------------------------------------------------------------------------


def test_the_text_of_a_structured_report_is_a_report_beside_the_object(workspace: Workspace) -> None:
    put(workspace, "in.dcm", structured(("Small effusion.", "No edema.")))
    put(workspace, "ct.dcm", ct_slice(PatientID=VALUES[1], AccessionNumber=VALUES[3]))
    assert run(workspace) == {}
    (report,) = rows(workspace)
    assert report.text == "FINDINGS: Small effusion.\nNo edema.\n\nCONCLUSION: Effusion."
    objects = {row.modality: row for row in rows(workspace, Instance)}
    assert set(objects) == {"SR", "CT"}
    assert report.accession_id == objects["CT"].accession_id and report.patient_id == objects["CT"].patient_id
    assert report.report_date and report.collection == "local"


def test_a_birth_in_a_structured_report_does_not_tell_by_how_much_its_dates_moved(workspace: Workspace) -> None:
    data = pydicom.dcmread(io.BytesIO(structured(("Known since 03/04/1920, born on May 4, 1950.", "Seen 02/03/2012."))))
    data.PatientBirthDate = "19200304"
    data.save_as(put(workspace, "in.dcm", b""))
    assert run(workspace) == {}
    (report,) = rows(workspace)
    known, seen, *_ = report.text.splitlines()
    assert not re.search(r"\d", known) and re.fullmatch(r"Seen \d\d/\d\d/\d{4}\.", seen)


@pytest.mark.parametrize("sop_class", [uid.XRayRadiationDoseSRStorage, uid.BasicTextSRStorage])
def test_an_object_that_tells_nothing_is_no_report(workspace: Workspace, sop_class: uid.UID) -> None:
    said = SAID if sop_class == uid.XRayRadiationDoseSRStorage else ()
    data = pydicom.dcmread(io.BytesIO(structured(said, sop_class)))
    data.ContentSequence = data.ContentSequence[:2]
    buffer = io.BytesIO()
    data.save_as(buffer)
    put(workspace, "in.dcm", buffer.getvalue())
    assert run(workspace) == {}
    assert rows(workspace) == [] and len(rows(workspace, Instance)) == 1
