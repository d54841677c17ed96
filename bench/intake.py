"""What is ours in the benchmark: the whole intake of a slice, stage by stage in one process."""

import os
from collections.abc import Callable
from pathlib import Path

import yaml
from ours import options, params

from curation import ingest
from curation.deid import stage as deid
from curation.deid.keys.key import make_key
from curation.stage import Stage, prepare, rejects, run_batch
from curation.workspace import Workspace


def intake(files: list[Path], out: Path) -> Callable[[], None]:
    """Ingest and deid in this process: hash, rewrite, verify, shard, index; pixel checks off."""
    return _stages(files, out, pixels=False)


def intake_with_pixels(files: list[Path], out: Path) -> Callable[[], None]:
    """The same with pixel checks."""
    return _stages(files, out, pixels=True)


def _stages(files: list[Path], out: Path, pixels: bool) -> Callable[[], None]:
    """A new workspace with the repository's parameters, a key, and the files in its landing zone."""
    workspace = Workspace(out / "workspace")
    os.environ["PAXFLOW_VAULT"] = str(out / "vault")
    workspace.root.mkdir()
    changed = params()
    changed["deid"]["options"] = sorted(options(pixels))
    (workspace.root / "params.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    make_key(workspace.vault / "key")
    workspace.landing.mkdir(parents=True)
    for file in files:
        os.link(file, workspace.landing / file.name)

    def run() -> None:
        for step in (ingest.STAGE, deid.STAGE):
            _run(step, workspace)

    return run


def _run(stage: Stage, workspace: Workspace) -> None:
    for batch in prepare(stage, workspace).batches:
        run_batch(stage, workspace, batch)
    refused = {row.reason.value for row in rejects(workspace, stage)}
    if refused:
        raise SystemExit(f"{stage.name} rejected slices: {', '.join(sorted(refused))}")
