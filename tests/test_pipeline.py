"""The whole way on a synthetic cohort, as a user types it, with real git, DVC and Prefect; also killed half-way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from curation.audit import audit
from curation.deid.keys.identity import Identifier
from curation.deid.keys.key import identity
from curation.records import TABLES, Done, Radiograph, Reject, Render, Study
from curation.release.recipe import NAMES
from curation.store import read_rows
from curation.workspace import Workspace
from flows.publish import contents
from flows.stages import PIPELINE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("pipeline")]
PATIENTS = 10


def environment(vault: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PAXFLOW_", "PREFECT_"))}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    who = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
    return {**env, **who, "PAXFLOW_VAULT": str(vault), "DVC_NO_ANALYTICS": "1"}


def type_in(workspace: Path, vault: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=workspace, env=environment(vault), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A workspace and its vault after one `paxflow curate` under Prefect."""
    folder = tmp_path_factory.mktemp("pipeline")
    workspace, vault = folder / "workspace", folder / "vault"
    vault.mkdir()
    type_in(folder, vault, "paxflow", "init", str(workspace))
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params["project"]["size_px"] = 256
    for recipe in params["recipes"].values():
        recipe["attribution"] = "Nobody: made up for a test."
    (workspace / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    type_in(workspace, vault, "dvc", "remote", "add", "--default", "folder", str(folder / "remote"))
    type_in(workspace, vault, "paxflow", "key", "make")
    type_in(workspace, vault, "paxflow", "synth", "--patients", str(PATIENTS), "--seed", "3")
    type_in(workspace, vault, "paxflow", "curate")
    return workspace, vault


@pytest.fixture
def tables(curated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("PAXFLOW_VAULT", str(curated[1]))
    return Workspace(curated[0])


def test_every_item_of_every_stage_ended_as_rows_or_as_one_reject(tables: Workspace) -> None:
    for step in PIPELINE[:-1]:
        done = read_rows(Done, tables.control(step.name))
        assert {item.name for item in step.load().plan(tables)} == {row.item for row in done}, step.name
        rejected = {row.item for row in read_rows(Reject, tables.control(step.name))}
        assert done or step.name in {"consensus", "decide"}, step.name  # nobody has annotated the cohort
        assert rejected == {row.item for row in done if row.n_rows == 0}, step.name


def test_no_stage_came_out_empty(tables: Workspace) -> None:
    optional = {"rejects", "annotations", "annotation_ratings", "consensus", "agreement", "report_tags"}
    optional |= {"concept_links"}  # of a dictionary that the user has
    optional |= {"answers", "answer_marks", "decisions", "decision_marks", "reader_agreement"}
    for name, record in TABLES.items():
        if record.about.stage in {step.name for step in PIPELINE[:-1]} and name not in optional:
            folder = tables.control if record.about.in_vault else tables.tables
            assert read_rows(record, folder(record.about.stage)), name


def test_sites_of_studies_are_the_institutions_that_made_them(curated: tuple[Path, Path], tables: Workspace) -> None:
    truth = [json.loads(line) for line in (curated[1] / "truth.jsonl").read_text().splitlines()]
    key = identity(tables, tables.settings.deid)
    site_of = {key.uid(row["original_study_uid"]): key.site(row["original_institution"]) for row in truth}
    studies = read_rows(Study, tables.tables("catalog"))
    assert {row.study_id: row.site_id for row in studies} == {row.study_id: site_of[row.study_id] for row in studies}
    assert len({row.site_id for row in studies}) == 3


def test_every_radiograph_has_a_picture(tables: Workspace) -> None:
    films, renders = read_rows(Radiograph, tables.tables("catalog")), read_rows(Render, tables.tables("render"))
    assert {row.instance_id for row in films} == {row.instance_id for row in renders}
    assert {(row.original_rows, row.original_columns) for row in renders} == {(256, 256)}


def test_what_real_intake_holds_became_rejects_with_a_reason(tables: Workspace) -> None:
    reasons = {row.reason.value for step in PIPELINE[:-1] for row in read_rows(Reject, tables.control(step.name))}
    assert reasons >= {
        "empty_file", "not_dicom", "truncated", "duplicate_bytes", "duplicate_uid", "missing_slices",
        "report_without_study", "study_without_report", "labelmap_does_not_fit",
    }  # fmt: skip


def test_nothing_planted_is_past_the_border(curated: tuple[Path, Path]) -> None:
    workspace, vault = curated
    assert "None of" in type_in(workspace, vault, "paxflow", "audit")
    victim = workspace / "work" / "leak.txt"
    planted = json.loads((vault / "planted.json").read_text())
    victim.write_text(next(row["value"] for row in planted if row["kind"] == "patient_id"))
    found = subprocess.run(
        ["paxflow", "audit"], cwd=workspace, env=environment(vault), capture_output=True, check=False
    )
    victim.unlink()
    assert found.returncode == 7


def test_a_second_curate_changes_nothing(curated: tuple[Path, Path]) -> None:
    workspace, vault = curated
    before = {name: (workspace / name).read_bytes() for name in ("data.dvc", "dvc.lock")}
    type_in(workspace, vault, "paxflow", "run", "ingest")
    type_in(workspace, vault, "paxflow", "run", "deid")
    type_in(workspace, vault, "dvc", "add", "--quiet", "data")
    assert "Running stage" not in type_in(workspace, vault, "dvc", "repro")
    assert {name: (workspace / name).read_bytes() for name in before} == before


def test_a_release_is_published_pulled_and_never_changes(curated: tuple[Path, Path], tmp_path: Path) -> None:
    workspace, vault = curated
    type_in(workspace, vault, "paxflow", "release", "publish", "paxray", "1.0.0")
    type_in(workspace, vault, "paxflow", "release", "publish", "paxray", "1.0.0")
    clone = tmp_path / "clone"
    type_in(tmp_path, vault, "git", "clone", "--quiet", str(workspace), str(clone))
    type_in(
        tmp_path, vault, "dvc", "get", "--quiet", str(clone), "release/paxray", "--rev", "paxray@v1.0.0", "-o", "pulled"
    )
    assert contents(tmp_path / "pulled") == contents(workspace / "release" / "paxray")
    type_in(tmp_path, vault, "dvc", "artifacts", "get", str(clone), "paxray", "--rev", "v1.0.0", "-o", "artifact")
    assert contents(tmp_path / "artifact") == contents(tmp_path / "pulled")


def test_every_recipe_is_built_and_keeps_its_promises(curated: tuple[Path, Path]) -> None:
    workspace, vault = curated
    for name in NAMES:
        assert "keeps its promises, and none of" in type_in(workspace, vault, "paxflow", "release", "check", name)


def test_the_next_version_says_what_changed(curated: tuple[Path, Path]) -> None:
    workspace, vault = curated
    params = yaml.safe_load((workspace / "params.yaml").read_text())
    params["measure"]["limits"] = {"cardiomegaly": [0.01]}
    (workspace / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    type_in(workspace, vault, "dvc", "repro", "--quiet", "measure", "release@paxray")
    type_in(workspace, vault, "paxflow", "release", "publish", "paxray", "1.1.0")
    release = workspace / "release" / "paxray"
    assert "measure.limits" in (release / "CHANGES.md").read_text()
    told = type_in(workspace, vault, "paxflow", "release", "diff", "paxray@v1.0.0", "paxray@v1.1.0")
    assert "measurements" in told
    assert "| masks" not in told
    assert "1.0.0, 1.1.0" in type_in(workspace, vault, "paxflow", "release", "list")
    assert "dvc data:" in type_in(workspace, vault, "paxflow", "release", "show", "paxray@v1.1.0")
    sql = "select what, count(*) from changes where table_name = 'measurements' group by 1"
    asked = type_in(workspace, vault, "paxflow", "query", "--release", "paxray@v1.1.0", "--format", "csv", sql)
    assert asked.splitlines()[1].startswith("changed,")
    pulled = subprocess.run(
        ["paxflow", "release", "publish", "paxray", "1.0.0"],
        cwd=workspace,
        env=environment(vault),
        capture_output=True,
        text=True,
        check=False,
    )
    assert pulled.returncode == 6
    assert "choose the next version" in pulled.stderr


def test_a_kill_in_the_middle_and_a_second_run_give_the_same_release(
    curated: tuple[Path, Path], tmp_path: Path
) -> None:
    workspace, vault = curated
    copy = tmp_path / "copy"
    shutil.copytree(workspace, copy, ignore=shutil.ignore_patterns("work", "release", "answers", "cache", "dvc.lock"))
    params = yaml.safe_load((copy / "params.yaml").read_text())
    params["project"]["batch_items"] = params["catalog"]["batch_items"] = (
        2  # many batches, so that a kill falls among them
    )
    (copy / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    killed_in = set()
    for wait_for in ("work/catalog/manifest", "work/project/masks", "work/route"):
        repro = subprocess.Popen(
            ["dvc", "repro"], cwd=copy, env=environment(vault), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while repro.poll() is None and not (copy / wait_for).exists():
            time.sleep(0.02)
        if repro.poll() is None:
            killed_in.add(wait_for)
            os.kill(repro.pid, signal.SIGKILL)
            repro.wait()
        wait_until_nobody_works_in(copy)
        type_in(copy, vault, sys.executable, "-c", "from flows.tools import *; clear_dead_rwlock(Workspace.find())")
    assert killed_in, "the run was never caught in the middle"
    type_in(copy, vault, "dvc", "repro")
    assert contents(copy / "release" / "paxray") == contents(workspace / "release" / "paxray")


def wait_until_nobody_works_in(folder: Path) -> None:
    """A child of the killed dvc must end by itself."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(_cwd(process) == folder for process in Path("/proc").glob("[0-9]*")):
            return
        time.sleep(0.1)
    raise AssertionError("a child of the killed dvc is still at work")


def _cwd(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def test_a_new_patient_costs_only_that_patient(curated: tuple[Path, Path]) -> None:
    workspace, vault = curated

    def parts() -> dict[Path, int]:
        folders = (workspace / "work" / stage for stage in ("segment", "project"))
        return {p: p.stat().st_mtime_ns for folder in folders for p in folder.rglob("*.*")}

    before = parts()
    type_in(workspace, vault, "paxflow", "synth", "--patients", str(PATIENTS + 1), "--seed", "3")
    for stage in ("ingest", "deid", "catalog", "segment", "consensus", "project"):
        type_in(workspace, vault, "paxflow", "run", stage)
    after = parts()
    assert before.items() <= after.items()
    made = {path.parent for path in after.keys() - before.keys()}
    assert {workspace / "work" / "segment" / "volumes", workspace / "work" / "project" / "masks"} <= made


def test_the_secret_key_is_in_no_file_past_the_border(
    curated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, vault = curated
    monkeypatch.setenv("PAXFLOW_VAULT", str(vault))
    text = (vault / "key").read_text().strip()
    for key in (text.encode(), bytes.fromhex(text)):
        assert not any(key in p.read_bytes() for p in workspace.rglob("*") if p.is_file())
    assert audit(Workspace(workspace), [Identifier("key", text)]) == []
