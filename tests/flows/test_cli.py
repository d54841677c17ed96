"""The command line as people and machines meet it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rows import workspace_with_rows


def paxflow(*words: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", *words]
    path = {"PYTHONPATH": str(Path.cwd())}
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **path, **env}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace_with_rows(tmp_path_factory.mktemp("cli") / "workspace").root


def test_help_names_every_command_and_loads_nothing_heavy(tmp_path: Path) -> None:
    done = paxflow("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("init", "key", "sample", "synth", "run", "curate", "release", "query", "tables", "report", "audit"):
        assert f" {command} " in done.stdout
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flows.cli", "--help"], capture_output=True, text=True, check=True
    ).stderr
    for module in ("numpy", "pyarrow", "prefect", "pydantic", "duckdb", "pydicom", "numba"):
        assert f" {module}\n" not in loaded, module


def test_outside_a_workspace_it_says_what_to_do(tmp_path: Path) -> None:
    done = paxflow("tables", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "paxflow init DIR" in done.stderr and "Traceback" not in done.stderr


def test_without_a_vault_ingest_says_what_is_missing(root: Path) -> None:
    done = paxflow("run", "ingest", cwd=root, PAXFLOW_VAULT="")
    assert done.returncode == 4
    assert "PAXFLOW_VAULT is not set" in done.stderr


def test_a_vault_inside_the_workspace_is_refused(root: Path) -> None:
    done = paxflow("run", "ingest", cwd=root, PAXFLOW_VAULT=str(root / "vault"))
    assert done.returncode == 4
    assert "must lie outside the workspace" in done.stderr


def test_an_empty_landing_zone_is_a_clear_error(root: Path, tmp_path: Path) -> None:
    done = paxflow("run", "ingest", cwd=root, PAXFLOW_VAULT=str(tmp_path / "vault"))
    assert done.returncode == 5
    assert "landing" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("how", "first"), [("csv", "view_id,area_px"), ("json", '{"view_id": "view1", "area_px": 2}')])
def test_a_query_prints_what_other_programs_read(root: Path, how: str, first: str) -> None:
    done = paxflow("query", "select view_id, area_px from masks order by 1", "--format", how, cwd=root)
    assert done.stdout.splitlines()[0] == first


def test_a_wrong_query_exits_with_two(root: Path) -> None:
    done = paxflow("query", "drop table masks", cwd=root)
    assert done.returncode == 2 and "one SELECT" in done.stderr


def test_json_logs_are_one_object_a_line(root: Path) -> None:
    done = paxflow("--json", "release", "build", "paxray", cwd=root)
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert event["event"] == "release" and event["images"] == 2
    done = paxflow("--json", "release", "build", "other", cwd=root)
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (event["event"], event["exit_code"], done.returncode) == ("error", 2, 2)


def test_markup_in_data_is_printed_as_it_is(root: Path) -> None:
    done = paxflow("query", "select '[red]x[/red]' as label", cwd=root)
    assert "[red]x[/red]" in done.stdout
