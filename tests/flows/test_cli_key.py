"""`paxflow key` as people and machines meet it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from curation.deid.keys.crosswalk import Link, write_part
from curation.deid.keys.identity import Identity
from curation.deid.keys.key import DEMO_KEY, key_id, key_path, make_key, read_key
from curation.errors import InputError, IntegrityError, UsageError, VaultError
from curation.records import Instance, Record, Source
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from flows.cli import app
from tests.builders import REPOSITORY, workspace_at


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    monkeypatch.delenv("PAXFLOW_KEY", raising=False)
    monkeypatch.delenv("PAXFLOW_KEY_FILE", raising=False)
    made = workspace_at(tmp_path)
    monkeypatch.chdir(made.root)
    return made


def paxflow(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def events(*words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in paxflow("--json", *words).stdout.splitlines()]


def fill(workspace: Workspace, key: bytes, name: str) -> None:
    """One slice of one patient, made under a key."""
    who = Identity(key, 3650, 90)
    rows: list[Record] = [Instance(who.uid("1.2"), "", who.uid("1"), who.patient("QX-4711"), "", "CT", "", "", 0, 0)]
    sources: list[Record] = [Source("1.dcm", "dicom", "0", 1, 0, "1.2", "", "", "QX-4711")]
    write_parquet(to_arrow(Instance, rows), workspace.tables("deid") / "instances" / f"{name}.parquet")
    write_parquet(to_arrow(Source, sources), workspace.tables("ingest") / "sources" / f"{name}.parquet")


def test_a_key_is_made_once(workspace: Workspace) -> None:
    done = paxflow("key", "make")
    assert done.exit_code == 0 and str(key_path(workspace.vault)) in done.stdout
    assert isinstance(paxflow("key", "make").exception, VaultError)


def test_a_key_is_not_made_inside_the_workspace(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY_FILE", str(workspace.root / "key"))
    assert isinstance(paxflow("key", "make").exception, VaultError)
    assert not (workspace.root / "key").exists()


def test_a_check_tells_all_but_the_key(workspace: Workspace) -> None:
    assert isinstance(paxflow("key", "check").exception, VaultError)
    make_key(key_path(workspace.vault))
    key = read_key(workspace)
    fill(workspace, key, "a")
    done = paxflow("key", "check")
    assert done.exit_code == 0
    assert "mode 0600" in done.stdout and key_id(key) in done.stdout
    assert "1 patients, 1 studies and 0 reports in data/" in done.stdout
    (event,) = events("key", "check")
    assert event == event | {
        "key_id": key_id(key),
        "place": str(key_path(workspace.vault)),
        "mode": "0600",
        "demo": False,
        "patients": 1,
        "patients_of_other_keys": 0,
    }
    for text in (done.output, str(event)):
        assert key.hex() not in text and "QX-4711" not in text


def test_a_check_says_that_the_key_is_the_demo_key(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    assert "in PAXFLOW_KEY" in paxflow("key", "check").stdout
    assert "published demo key" in paxflow("key", "check").stdout
    (event,) = events("key", "check")
    assert (event["place"], event["mode"], event["demo"]) == ("PAXFLOW_KEY", None, True)


def test_data_of_other_keys_fails_the_check(workspace: Workspace) -> None:
    make_key(key_path(workspace.vault))
    old = read_key(workspace)
    fill(workspace, old, "a")
    fill(workspace, bytes(range(32)), "b")
    paxflow("key", "rotate", "--yes")
    failed = paxflow("key", "check").exception
    assert isinstance(failed, IntegrityError)
    assert f"1 patients, 1 studies and 0 reports were made with the retired key {key_id(old)}" in str(failed)
    assert "a key, or from sources, that are not here" in str(failed)
    assert "QX-4711" not in str(failed)


def test_a_rotation_says_what_it_parts_and_wants_a_yes(workspace: Workspace) -> None:
    make_key(key_path(workspace.vault))
    old = read_key(workspace)
    fill(workspace, old, "a")
    asked = paxflow("key", "rotate")
    assert isinstance(asked.exception, UsageError) and read_key(workspace) == old
    for said in ("1 patients, 1 studies and 0 reports in data/", "new pseudonym", "Of 1 sources 1 are not there now"):
        assert said in asked.stdout
    done = paxflow("key", "rotate", "--yes")
    assert done.exit_code == 0 and f"key.{key_id(old)}.retired" in done.stdout
    assert read_key(workspace) != old
    for text in (asked.output, done.output):
        assert old.hex() not in text and read_key(workspace).hex() not in text
    loss, made = events("key", "rotate", "--yes")
    assert (loss["patients"], loss["sources"], loss["sources_gone"]) == (0, 1, 1)
    assert str(made["retired"]).endswith(".retired")


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 1), (b"y\n", 0)])
def test_at_a_terminal_a_rotation_asks(workspace: Workspace, answer: bytes, code: int) -> None:
    make_key(key_path(workspace.vault))
    old = read_key(workspace)
    keyboard, terminal = os.openpty()
    os.write(keyboard, answer)
    command = [sys.executable, "-m", "flows.cli", "key", "rotate"]
    path = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, env=path, check=False, timeout=60)
    os.close(keyboard)
    os.close(terminal)
    assert done.returncode == code and "Rotate the key?" in done.stdout
    assert (read_key(workspace) == old) == (code == 1)


def test_a_key_in_the_environment_is_not_rotated(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_KEY", DEMO_KEY.hex())
    done = paxflow("key", "rotate", "--yes")
    assert isinstance(done.exception, VaultError) and done.stdout == ""


def test_an_original_is_looked_up_also_after_a_rotation(workspace: Workspace) -> None:
    make_key(key_path(workspace.vault))
    assert isinstance(paxflow("key", "lookup", "p1").exception, InputError)
    write_part(workspace.vault, read_key(workspace), "b1", [Link("patient", "EAST, [b]/QX-4711 " + 200 * "x", "p1")])
    paxflow("key", "rotate", "--yes")
    assert paxflow("key", "lookup", "p1").stdout == f'kind,original\npatient,"EAST, [b]/QX-4711 {200 * "x"}"\n'
    assert events("key", "lookup", "p1") == [{"kind": "patient", "original": "EAST, [b]/QX-4711 " + 200 * "x"}]
