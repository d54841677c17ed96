"""What a key has made, and its rotation."""

import fcntl
import os
from pathlib import Path

import pytest

from curation import ingest, stage
from curation.deid.keys.identity import Identity
from curation.deid.keys.key import DEMO_KEY, key_id, key_path, make_key, read_key
from curation.deid.keys.rotation import Holding, check_key, retired_keys, rotate_key, rotation_loss
from curation.deid.stage import STAGE
from curation.errors import BusyError, VaultError
from curation.records import Instance, Record, Report, Source
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from tests.builders import ct_slice, keyed_workspace, report_text

PATIENTS = ("EAST/12", "WEST/12", "13")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return keyed_workspace(tmp_path, monkeypatch)


def put(folder: Path, name: str, rows: list[Record]) -> None:
    record = type(rows[0])
    write_parquet(to_arrow(record, rows), folder / record.about.name / f"{name}.parquet")


def fill(workspace: Workspace, key: bytes, name: str, patients: tuple[str, ...] = PATIENTS) -> None:
    """Data as deid makes it under a key: of each patient two slices of one study and, but for the last, a report."""
    who = Identity(key, 3650, 90)
    data = workspace.tables("deid")
    slices: list[Record] = [
        Instance(who.uid(f"{p}.{n}"), "s", who.uid(p), who.patient(p), "", "CT", "", "", 0, 0)
        for p in patients
        for n in "ab"
    ]
    reports: list[Record] = [
        Report(who.report("local", p), who.patient(p), "", None, "local", "", "") for p in patients[:-1]
    ]
    put(data, name, slices)
    if reports:
        put(data, name, reports)
    sources: list[Record] = [Source(f"{p}.dcm", "dicom", "0", 1, 0, p, "", "", p) for p in patients]
    put(workspace.tables("ingest"), name, sources)


def test_a_new_key_has_made_nothing_yet(workspace: Workspace) -> None:
    state = check_key(workspace)
    assert (state.path, state.mode, state.is_demo) == (key_path(workspace.vault), 0o600, False)
    assert state.key_id == key_id(read_key(workspace))
    assert (state.own, state.others) == (Holding(state.key_id, 0, 0, 0), ())


def test_what_the_stages_make_is_known_to_be_of_the_key(workspace: Workspace) -> None:
    workspace.landing.mkdir(parents=True)
    (workspace.landing / "1.dcm").write_bytes(ct_slice())
    (workspace.landing / "r.txt").write_text(report_text())
    for step in (ingest.STAGE, STAGE):
        for batch in stage.prepare(step, workspace).batches:
            stage.run_batch(step, workspace, batch)
    state = check_key(workspace)
    assert (state.own, state.others) == (Holding(state.key_id, 1, 1, 1), ())
    assert (rotation_loss(workspace).n_sources, rotation_loss(workspace).n_sources_gone) == (2, 0)


def test_patients_studies_and_reports_are_counted_for_each_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = read_key(workspace)
    fill(workspace, old, "old")
    rotate_key(workspace, rotation_loss(workspace))
    fill(workspace, read_key(workspace), "new", PATIENTS[:2])
    fill(workspace, bytes(range(32)), "strange", PATIENTS[:1])
    state = check_key(workspace)
    assert state.own == Holding(key_id(read_key(workspace)), 2, 2, 1)
    assert set(state.others) == {Holding(key_id(old), 3, 3, 2), Holding("", 1, 1, 0)}
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    state = check_key(workspace)
    assert (state.path, state.mode, state.is_demo, state.own.patients) == (None, None, True, 0)


def test_a_rotation_keeps_the_old_key_beside_the_new_one(workspace: Workspace) -> None:
    path, old = key_path(workspace.vault), read_key(workspace)
    loss = rotation_loss(workspace)
    retired = rotate_key(workspace, loss)
    assert retired == path.with_name(f"key.{key_id(old)}.retired")
    assert retired.read_text().strip() == old.hex() != read_key(workspace).hex()
    assert retired.stat().st_mode & 0o777 == path.stat().st_mode & 0o777 == 0o600
    assert retired_keys(workspace) == [old]
    assert {name.name for name in path.parent.glob("key*")} == {"key", retired.name}
    with pytest.raises(BusyError, match="changed since"):
        rotate_key(workspace, loss)


def test_a_loss_counts_the_sources_that_would_be_missed(workspace: Workspace) -> None:
    fill(workspace, read_key(workspace), "a")
    (workspace.landing / "EAST").mkdir(parents=True)
    (workspace.landing / "EAST/12.dcm").touch()
    loss = rotation_loss(workspace)
    assert (loss.n_sources, loss.n_sources_gone) == (3, 2)


def test_each_report_of_a_file_that_lies_there_is_found(workspace: Workspace) -> None:
    for name in ("a.csv", "b.csv"):
        path = workspace.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"id,mrn,text\n{name}1,77,Clear.\n{name}2,77,Effusion.\n")
    for batch in stage.prepare(ingest.STAGE, workspace).batches:
        stage.run_batch(ingest.STAGE, workspace, batch)
    (workspace.landing / "b.csv").unlink()
    loss = rotation_loss(workspace)
    assert (loss.n_sources, loss.n_sources_gone) == (4, 2)


def test_a_linked_key_file_is_rotated_where_it_lies(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    safe = workspace.vault.parent / "safe" / "paxflow.key"
    make_key(safe)
    link = workspace.vault / "link"
    link.symlink_to(safe)
    monkeypatch.setenv("PAXFLOW_KEY_FILE", str(link))
    assert rotate_key(workspace, rotation_loss(workspace)).parent == safe.parent
    assert link.is_symlink() and len(retired_keys(workspace)) == 1


@pytest.mark.parametrize("step", ["link", "replace"])
def test_after_a_kill_one_whole_key_is_in_place_and_a_rotation_ends_what_it_began(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old = read_key(workspace)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "link", killed) if step == "link" else (Path, "replace", killed)))
        with pytest.raises(KeyboardInterrupt):
            rotate_key(workspace, rotation_loss(workspace))
    assert read_key(workspace) == old
    rotate_key(workspace, rotation_loss(workspace))
    assert retired_keys(workspace) == [old] != [read_key(workspace)]


def test_a_strange_file_in_the_old_keys_place_stops_a_rotation(workspace: Workspace) -> None:
    old = read_key(workspace)
    make_key(key_path(workspace.vault).with_name(f"key.{key_id(old)}.retired"))
    with pytest.raises(VaultError, match="move it away"):
        rotate_key(workspace, rotation_loss(workspace))
    assert read_key(workspace) == old


def test_a_folder_that_cannot_be_written_stops_a_rotation(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    loss, old = rotation_loss(workspace), read_key(workspace)
    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(VaultError, match="cannot be replaced"):
        rotate_key(workspace, loss)
    assert read_key(workspace) == old


def test_a_key_in_the_environment_is_not_rotated(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", read_key(workspace).hex())
    with pytest.raises(VaultError, match="PAXFLOW_KEY is set"):
        rotation_loss(workspace)


def test_without_a_key_there_is_nothing_to_check_or_rotate(workspace: Workspace) -> None:
    loss = rotation_loss(workspace)
    key_path(workspace.vault).unlink()
    for look in (check_key, rotation_loss):
        with pytest.raises(VaultError, match="there is no key"):
            look(workspace)
    with pytest.raises(VaultError, match="there is no key"):
        rotate_key(workspace, loss)
    key_path(workspace.vault).parent.rmdir()
    assert retired_keys(workspace) == []


def test_a_rotation_waits_for_nobody(workspace: Workspace) -> None:
    loss, old = rotation_loss(workspace), read_key(workspace)
    with workspace.lock("deid"), pytest.raises(BusyError, match="deid"):
        rotate_key(workspace, loss)
    with key_path(workspace.vault).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="rotates this key"):
            rotate_key(workspace, loss)
    assert read_key(workspace) == old


def test_a_retired_key_that_others_can_read_is_refused(workspace: Workspace) -> None:
    rotate_key(workspace, rotation_loss(workspace)).chmod(0o644)
    with pytest.raises(VaultError, match="others"):
        check_key(workspace)
