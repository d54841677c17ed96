"""What a workspace is made of: its git and DVC files, written by ``paxflow init`` and checked against the pipeline."""

from importlib.resources import files
from pathlib import Path

import yaml

from curation.errors import InputError
from curation.release.provenance import PARAMETERS
from curation.release.recipe import NAMES, recipe_named
from curation.workspace import Workspace
from flows.stages import BORDER, PIPELINE
from flows.tools import run

GITIGNORE = "/data\n/work\n/release\n/answers\n/.paxflow/\n"
DVCIGNORE = (
    "# unfinished parts of a running or killed batch\n*.tmp\n"
    "# where a release's loaders.py was imported\n__pycache__/\n"
)
HEADER = "# Written by `paxflow init` from flows/stages.py; a test holds the two together.\n"


def dvc_yaml() -> str:
    """The pipeline as ``dvc.yaml``: one stage a step, the release once per recipe of ``params.yaml``."""
    stages: dict[str, object] = {}
    for step in PIPELINE:
        if step.name in BORDER:
            continue
        deps = list(step.reads)
        if step.name == "release":
            stages[step.name] = {
                "foreach": "${recipes}",
                "do": {
                    "cmd": "paxflow release build ${key}",
                    "deps": deps,
                    "params": [*PARAMETERS, "recipes.${key}"],
                    "outs": ["release/${key}", "answers/${key}"],
                },
            }
        else:
            stages[step.name] = {
                "cmd": f"paxflow run {step.name}",
                "deps": deps,
                "params": [step.name],
                "outs": [{f"work/{step.name}": {"persist": True}}],
            }
    written = {"stages": stages, "artifacts": _artifacts()}
    return HEADER + yaml.safe_dump(written, sort_keys=False, width=100)


def _artifacts() -> dict[str, object]:
    """What a registry lists, by the names that the tags have: ``dvc artifacts get REPO paxray --rev v1.2.0``."""
    return {
        name: {"path": f"release/{name}", "type": "dataset", "labels": list(recipe_named(name).tags)} for name in NAMES
    }


def prefect_yaml() -> str:
    """A deployment of the scheduled flow; a cron line is all that is left to choose."""
    deployment = {
        "name": "nightly",
        "entrypoint": "flows.orchestrate.curate",
        "schedules": [{"cron": "0 2 * * *", "timezone": "UTC", "active": False}],
        "concurrency_limit": 1,
        "work_pool": {"name": "paxflow"},
    }
    text = yaml.safe_dump({"name": "paxflow", "deployments": [deployment]}, sort_keys=False)
    return "# `prefect deploy --all` reads this; set active: true to let it run every night.\n" + text


def init(folder: Path) -> Workspace:
    """Make a workspace in an empty or new folder: git, DVC, dvc.yaml, params.yaml, prefect.yaml, and a first commit."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty: name a folder that is empty or not there yet")
    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(folder.resolve())
    (folder / "dvc.yaml").write_text(dvc_yaml())
    (folder / "params.yaml").write_text(default_params())
    (folder / "prefect.yaml").write_text(prefect_yaml())
    (folder / ".gitignore").write_text(GITIGNORE)
    run(workspace, "git", "init", "--quiet", "--initial-branch=main")
    run(workspace, "dvc", "init", "--quiet")
    configure_dvc(workspace)
    (folder / ".dvcignore").write_text(DVCIGNORE)
    run(workspace, "git", "add", ".")
    run(workspace, "git", "commit", "--quiet", "-m", "A new paxflow workspace")
    return workspace


def default_params() -> str:
    """The parameters a new workspace starts with."""
    return (files("flows") / "params.yaml").read_text(encoding="utf-8")


def configure_dvc(workspace: Workspace) -> None:
    """No analytics; cache by reflink or copy, because hard links let a careless write reach the cache."""
    run(workspace, "dvc", "config", "--quiet", "core.analytics", "false")
    run(workspace, "dvc", "config", "--quiet", "cache.type", "reflink,copy")
    run(workspace, "dvc", "config", "--quiet", "core.autostage", "false")
