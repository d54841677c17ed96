import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation import stage
from curation.deid.dicom.opened import File
from curation.deid.dicom.originals import Headers, looks_like_dicom
from curation.errors import InputError, Rejected
from curation.ingest import STAGE, Arrival, _origin
from curation.records import Reason, Source
from curation.store import read_rows
from curation.workspace import Workspace
from tests.builders import ct_slice, put, report_text, somebody, torn, workspace_at

OPENI = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><Patient name="DOE^JANE" id="77" issuer="EAST" accession="A9" studyDate="20120304"/><uId id="CXR7"/>
<AbstractText Label="FINDINGS">Clear.</AbstractText></eCitation>"""
LIDC = """<LidcReadMessage uid="1.2.3" xmlns="http://www.nih.gov">
<ResponseHeader><SeriesInstanceUid>1.2.3.4</SeriesInstanceUid></ResponseHeader></LidcReadMessage>"""
SIDECAR = {
    "series_instance_uid": "1.2.3.4",
    "labelmap": "mask.nii.gz",
    "structures": "names.csv",
    "engine": "Made Up 1",
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    made = workspace_at(tmp_path)
    made.landing.mkdir(parents=True)
    return made


def run(workspace: Workspace) -> tuple[dict[str, Source], dict[str, Reason]]:
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)
    sources = {row.original_path: row for row in read_rows(Source, workspace.tables("ingest"))}
    return sources, {row.item.split("@")[0]: row.reason for row in stage.rejects(workspace, STAGE)}


@pytest.mark.parametrize("make", [True, False])
def test_an_empty_or_missing_landing_zone_is_said_so(workspace: Workspace, make: bool) -> None:
    if not make:
        workspace.landing.rmdir()
    with pytest.raises(InputError, match=r"landing zone .* is empty: put .*`paxflow sample`"):
        STAGE.plan(workspace)


def test_each_kind_of_file_is_known_with_its_identity(workspace: Workspace) -> None:
    who = somebody()
    put(workspace, "x/1.dcm", ct_slice())
    put(workspace, "x/no-suffix", ct_slice(2))
    put(workspace, "r/local.txt", report_text())
    put(workspace, "r/openi.xml", OPENI)
    put(workspace, "a/reading.xml", LIDC)
    put(workspace, "l/a.labelmap.json", json.dumps(SIDECAR))
    put(workspace, "l/mask.nii.gz", b"anything")
    put(workspace, "l/names.csv", b"anything")
    sources, rejects = run(workspace)
    assert not rejects
    kinds = {path: row.kind for path, row in sources.items()}
    assert kinds == {
        "x/1.dcm": "dicom",
        "x/no-suffix": "dicom",
        "r/local.txt": "report",
        "r/openi.xml": "report",
        "a/reading.xml": "annotation",
        "l/a.labelmap.json": "labelmap",
        "l/mask.nii.gz": "part",
        "l/names.csv": "part",
    }
    assert sources["x/1.dcm"].original_accession == who.accession == sources["r/local.txt"].original_accession
    assert sources["x/1.dcm"].original_patient_id.endswith(who.patient.patient_id)
    assert sources["r/openi.xml"].original_patient_id == "EAST/77" and sources["r/openi.xml"].original_uid == "CXR7"
    assert sources["a/reading.xml"].original_series_uid == "1.2.3.4" == sources["l/a.labelmap.json"].original_series_uid
    assert sources["l/a.labelmap.json"].original_parts == ("mask.nii.gz", "names.csv")


def test_every_other_file_is_a_reject_with_its_reason(workspace: Workspace) -> None:
    files = {
        "empty.dcm": (b"", Reason.EMPTY_FILE),
        "blank.txt": (b" \n ", Reason.EMPTY_FILE),
        "log.dcm": (b"exported 3 objects", Reason.NOT_DICOM),
        "preamble-only.dcm": (bytes(128) + b"DICM", Reason.NOT_DICOM),
        ".hidden.tmp": (b"x", Reason.UNSUPPORTED_FILE),
        "table.csv": (b"a,b", Reason.UNSUPPORTED_FILE),
        "binary.txt": (bytes(range(32)), Reason.UNSUPPORTED_FILE),
        "other.xml": (b"<other/>", Reason.UNSUPPORTED_FILE),
        "bad.xml": (b"<eCitation>", Reason.UNREADABLE),
        "bomb.xml": (b'<!DOCTYPE x [<!ENTITY a "b">]><eCitation>&a;</eCitation>', Reason.UNSUPPORTED_FILE),
        "utf16.xml": ("\ufeff<eCitation/>".encode("utf-16-le"), Reason.UNREADABLE),
        "up.labelmap.json": (json.dumps(SIDECAR | {"labelmap": "../mask.nii.gz"}).encode(), Reason.UNREADABLE),
        "list.labelmap.json": (b"[1]", Reason.UNREADABLE),
    }
    for path, (data, _) in files.items():
        put(workspace, path, data)
    sources, rejects = run(workspace)
    assert not sources
    assert rejects == {path: reason for path, (_, reason) in files.items()}


def test_links_out_of_the_landing_zone_and_pipes_are_not_followed(workspace: Workspace, tmp_path: Path) -> None:
    put(workspace, "1.dcm", ct_slice())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "2.dcm").write_bytes(ct_slice(2))
    (workspace.landing / "link.dcm").symlink_to(tmp_path / "elsewhere" / "2.dcm")
    (workspace.landing / "folder").symlink_to(tmp_path / "elsewhere")
    (workspace.landing / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(workspace.landing / "pipe")
    sources, rejects = run(workspace)
    assert set(sources) == {"1.dcm"}
    assert rejects == {
        "link.dcm": Reason.UNSUPPORTED_FILE,
        "folder": Reason.UNSUPPORTED_FILE,
        "dangling": Reason.SOURCE_GONE,
        "pipe": Reason.UNSUPPORTED_FILE,
    }


def test_a_name_that_is_no_utf8_is_a_reject(workspace: Workspace) -> None:
    (workspace.landing / os.fsdecode(b"\xff.dcm")).write_bytes(ct_slice())
    sources, rejects = run(workspace)
    assert not sources and list(rejects.values()) == [Reason.UNREADABLE]


def test_a_part_that_came_before_its_sidecar_is_taken_in_later_and_stays(workspace: Workspace) -> None:
    put(workspace, "l/mask.nii.gz", b"anything")
    assert run(workspace)[1] == {"l/mask.nii.gz": Reason.UNSUPPORTED_FILE}
    sidecar = put(workspace, "l/a.labelmap.json", json.dumps(SIDECAR))
    assert run(workspace)[0]["l/mask.nii.gz"].kind == "part"
    sidecar.unlink()
    assert run(workspace)[0]["l/mask.nii.gz"].kind == "part"


def test_sources_that_were_cleared_away_stay_in_the_ledger(workspace: Workspace) -> None:
    first = put(workspace, "1.dcm", ct_slice())
    run(workspace)
    first.unlink()
    put(workspace, "2.dcm", ct_slice(2))
    assert set(run(workspace)[0]) == {"1.dcm", "2.dcm"}


def test_a_dataset_without_preamble_is_dicom(workspace: Workspace) -> None:
    put(workspace, "bare", ct_slice()[132:])
    sources, _ = run(workspace)
    assert sources["bare"].original_uid


def test_a_transfer_torn_in_its_header_is_a_reject(workspace: Workspace) -> None:
    put(workspace, "torn.dcm", torn(ct_slice(), 0.2))
    _, rejects = run(workspace)
    assert rejects == {"torn.dcm": Reason.TRUNCATED}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_end_as_an_origin_or_a_reject(tmp_path: Path, data: st.DataObject) -> None:
    valid = data.draw(st.sampled_from([ct_slice()[:3000], OPENI.encode(), LIDC.encode(), report_text().encode()]))
    at = data.draw(st.integers(0, len(valid)))
    mutated = valid[:at] + data.draw(st.binary(max_size=24)) + valid[at + data.draw(st.integers(0, 24)) :]
    name = data.draw(st.sampled_from(["x.dcm", "x.xml", "x.txt", "x.labelmap.json", "x"]))
    path = tmp_path / name
    path.write_bytes(mutated)
    try:
        with File(path) as file:
            kind = _origin(Arrival(path, name, False, False), file, Headers()).kind
        assert kind in ("dicom", "report", "labelmap", "annotation")
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")


@given(st.binary(max_size=200))
def test_sniffing_never_fails(head: bytes) -> None:
    assert looks_like_dicom(head) in (True, False)
