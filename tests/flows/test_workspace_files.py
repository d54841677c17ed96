"""A new workspace with real git and DVC, and this repository's own files against the pipeline."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from curation.errors import InputError, UsageError
from flows.stages import PIPELINE, step_named
from flows.tools import read
from flows.workspace_files import DVCIGNORE, default_params, dvc_yaml, init, prefect_yaml


@pytest.mark.parametrize(
    ("name", "text"), [("dvc.yaml", dvc_yaml()), ("prefect.yaml", prefect_yaml()), (".dvcignore", DVCIGNORE)]
)
def test_the_repository_is_a_workspace_of_its_own_pipeline(name: str, text: str) -> None:
    assert Path(name).read_text() == text


def test_a_step_reads_only_what_earlier_steps_write() -> None:
    written = {"data"}
    for step in PIPELINE:
        assert set(step.reads) <= written, step.name
        written.add(f"work/{step.name}")


@pytest.mark.parametrize("step", PIPELINE[:-1], ids=lambda step: step.name)
def test_every_step_has_its_module_and_its_section(step: object) -> None:
    stage = step.load()  # type: ignore[attr-defined]
    assert stage.name in yaml.safe_load(default_params())
    assert find_spec(step.module) and stage.writes  # type: ignore[attr-defined]


def test_an_unknown_stage_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError, match="ingest, deid, catalog"):
        step_named("ingset")


def test_a_new_workspace_is_committed_clean_and_known_to_dvc(tmp_path: Path) -> None:
    workspace = init(tmp_path / "new")
    assert read(workspace, "git", "status", "--porcelain") == ""
    assert "release@paxray" in read(workspace, "dvc", "stage", "list", "--name-only")
    assert read(workspace, "dvc", "config", "core.analytics").strip() == "false"


def test_a_folder_with_files_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="not empty"):
        init(tmp_path)
