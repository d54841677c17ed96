"""``make demo``: the whole way on the sample, and what the README promises shown on it."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

from curation.deid.keys.key import DEMO_KEY
from curation.errors import IntegrityError
from curation.workspace import Workspace
from flows.publish import contents
from flows.say import Speaker
from flows.tools import environment, has_remote, read, run

RECIPE, VERSION = "paxray", "0.1.0"


def run_demo(workspace: Workspace, speaker: Speaker) -> None:
    """Sample → release → pictures, then: nothing runs twice, one value re-runs little, the tag gives the same bytes."""
    started = time.monotonic()
    os.environ.setdefault("PAXFLOW_KEY", DEMO_KEY.hex())
    workspace.vault.mkdir(parents=True, exist_ok=True)
    if not has_remote(workspace):
        remote = workspace.root.with_name(f"{workspace.root.name}-remote")
        run(workspace, "dvc", "remote", "add", "--quiet", "--local", "--default", "folder", str(remote))
    paxflow = "paxflow"
    _title(speaker, "1", "Fetch the sample and plant identities in it")
    run(workspace, paxflow, "sample")
    _title(speaker, "2", "Take it in, run every stage, push (one Prefect flow)")
    run(workspace, paxflow, "curate")
    _title(speaker, "3", "Pictures, and every table in one DuckDB file")
    run(workspace, paxflow, "report")
    run(workspace, paxflow, "tables", "--export", "work/catalog.duckdb")
    _title(speaker, "4", f"Publish {RECIPE}@v{VERSION}: checks, dvc push, tag, and `dvc get` gives the same bytes")
    run(workspace, paxflow, "release", "publish", RECIPE, VERSION)
    _title(speaker, "5", "`dvc repro` a second time runs nothing; one changed value re-runs what depends on it")
    _show_increments(workspace, speaker)
    _title(speaker, "6", "Search everything past the vault's border for each planted identifier")
    run(workspace, paxflow, "audit")
    run(workspace, paxflow, "rejects")
    _close(workspace, speaker, time.monotonic() - started)


def _title(speaker: Speaker, number: str, text: str) -> None:
    speaker.say("demo", f"\n[{number}/6] {text}", step=number)


def _show_increments(workspace: Workspace, speaker: Speaker) -> None:
    ran = _stages_run(workspace)
    if ran:
        raise IntegrityError(f"a second `dvc repro` ran {', '.join(ran)}: nothing had changed")
    speaker.say("demo", "second `dvc repro`: nothing ran")
    with tempfile.TemporaryDirectory(prefix="paxflow-demo-") as folder:
        copy = _copy(workspace, Path(folder) / "copy")
        before = contents(copy.root / "release" / RECIPE)
        params = yaml.safe_load((copy.root / "params.yaml").read_text())
        params["measure"]["limits"] = {"cardiomegaly": [0.4]}
        (copy.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        ran = _stages_run(copy)
        after = contents(copy.root / "release" / RECIPE)
        changed = sorted(name for name in after if after[name] != before.get(name))
    speaker.say(
        "demo",
        "measure.limits {} → {cardiomegaly: [0.4]} in a copy of the workspace\n"
        f"  ran: {', '.join(ran)}\n  changed in the release: {', '.join(changed)}",
        ran=ran,
        changed=changed,
    )


def _copy(workspace: Workspace, folder: Path) -> Workspace:
    """A clone that shares the cache, checked out as it stands now."""
    run(workspace, "git", "clone", "--quiet", str(workspace.root), str(folder))
    copy = Workspace(folder)
    for name in ("data.dvc", "dvc.lock", "dvc.yaml", "params.yaml"):
        shutil.copy2(workspace.root / name, folder / name)
    run(copy, "dvc", "cache", "dir", "--local", "--quiet", str(workspace.root / ".dvc" / "cache"))
    run(copy, "dvc", "checkout", "--quiet")
    return copy


def _stages_run(workspace: Workspace) -> list[str]:
    """The stages that `dvc repro` runs, in order."""
    env = {**environment(workspace), "PREFECT_API_URL": ""}
    done = subprocess.run(["dvc", "repro"], cwd=workspace.root, env=env, check=True, capture_output=True, text=True)
    return [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]


def _close(workspace: Workspace, speaker: Speaker, seconds: float) -> None:
    clean = not read(workspace, "git", "status", "--porcelain").strip()
    state = (
        "`git status` is clean"
        if clean
        else "`git status` is not clean: the code here makes another sample than the committed dvc.lock"
    )
    places = {
        "release": workspace.root / "release" / RECIPE,
        "catalog": workspace.root / "work" / "catalog.duckdb",
        "report": workspace.root / "work" / "report" / "index.html",
        "vault": workspace.vault,
    }
    lines = "\n".join(f"  {name:8} {path}" for name, path in places.items())
    speaker.say(
        "demo",
        f"\nDone in {seconds:.0f} s; {state}.\n{lines}",
        seconds=seconds,
        clean=clean,
        **{k: str(v) for k, v in places.items()},
    )
