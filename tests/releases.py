"""Releases of one cohort, each built once in a process and then only read, and copies in which something was planted.

The fixture is one of ``tests/curation/conftest.py``; files that use it are of one ``xdist_group``, so that one worker
builds.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pytest
import yaml

from curation.records import Patient, ReleaseImage, ReleaseLeftOut, ReleaseSplit, Study
from curation.release.build import answers_of, build, folder_of, split_of
from curation.release.files import write_checksums, write_csv, write_json, write_tables
from curation.release.hidden import part
from curation.release.images import release_images
from curation.release.opened import PROVENANCE, Opened
from curation.release.recipe import Recipe, Rows
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.store import arrow_schema, write_parquet
from curation.workspace import Workspace
from tests.cohort import cohort

GROUP = pytest.mark.xdist_group("releases")
"""Of tests that use ``built``."""
Change = Callable[[pl.DataFrame], pl.DataFrame]


class Built(Protocol):
    """Gives the release of a recipe with its answers; nobody may change it."""

    def __call__(self, recipe: str, *, hidden: bool = False) -> Opened: ...


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Releases of a cohort of 60 patients, with a hidden test or without."""
    workspace = cohort(tmp_path_factory.mktemp("built") / "open", 60)

    @cache
    def opened(recipe: str, hidden: bool = False) -> Opened:
        here = _hiding(workspace, recipe) if hidden else workspace
        build(here, recipe)
        return Opened(folder_of(here, recipe), answers_of(here, recipe))

    return opened


def _hiding(workspace: Workspace, recipe: str) -> Workspace:
    """A workspace over the same tables whose recipe has a hidden test."""
    root = workspace.root.with_name(f"hiding-{recipe}")
    root.mkdir()
    for name in ("data", "work", "dvc.yaml"):
        (root / name).symlink_to(workspace.root / name)
    params = yaml.safe_load((workspace.root / "params.yaml").read_text())
    params["recipes"][recipe]["hidden_test"] = True
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    return Workspace(root)


def released(workspace: Workspace, recipe: Recipe, folder: Path, **changed: Any) -> Opened:
    """The recipe's tables and documents without card, twins and small release, unchecked; ``changed`` are settings."""
    settings = workspace.settings.recipes[recipe.name].model_copy(update=changed)
    making, hiding = folder / "release", folder / "answers"
    making.mkdir(parents=True)
    sources = Sources(workspace, settings, Shards(making))
    images = release_images(sources, recipe)
    tables: dict[str, Rows] = dict(recipe.tables(sources, images))
    tables["images"] = (ReleaseImage, images)
    tables["studies"] = (Study, sources.rows(Study))
    tables["patients"] = (Patient, sources.rows(Patient))
    tables["splits"] = (ReleaseSplit, list(sources.splits.values()))
    tables["left_out"] = (ReleaseLeftOut, list(sources.left_out.values()))
    if settings.hidden_test:
        tables, apart = part(tables, recipe.answers, split_of(sources, images))
        write_tables(hiding, apart)
        write_checksums(hiding)
    write_tables(making, tables)
    for path, document in recipe.files(tables).items():
        write_json(making / path, document)
    write_json(making / PROVENANCE, {"recipe": recipe.name, "parameters": {"recipe": settings.parameters()}})
    write_checksums(making)
    return Opened(making, hiding if settings.hidden_test else None)


# --- what is planted -------------------------------------------------------------------------------------


def broken(release: Opened, recipe: Recipe) -> list[str]:
    """What the recipe's checks say."""
    return [line for check in recipe.checks for line in check(release)]


def planted(release: Opened, **changed: pl.DataFrame) -> Opened:
    """The release with some tables changed, though not in its folder."""
    return replace(release, _frames={name: release.table(name) for name in release.names} | changed)


def copy_of(release: Opened, folder: Path) -> Opened:
    """A copy of a release and its answers below a folder."""
    shutil.copytree(release.folder, folder / "release" / release.folder.name)
    if release.answers is not None:
        shutil.copytree(release.answers, folder / "answers" / release.folder.name)
    return Opened(folder / "release" / release.folder.name, folder / "answers" / release.folder.name)


def plant_rows(release: Opened, table: str, change: Change) -> Opened:
    """Plant a change in one table, and make its twin, provenance and the checksums true again.

    Card and small release stay as they were: check looks at them only where nothing is wrong in the tables.
    """
    rows = change(release.table(table))
    schema = arrow_schema(release.record(table))
    arrow = rows.to_arrow()
    if arrow.column_names == schema.names:
        arrow = arrow.cast(schema)
    write_parquet(arrow, release.folder / f"{table}.parquet")
    made = release.document(PROVENANCE)
    digest = write_csv(arrow, release.folder / f"{table}.csv.gz")
    made["tables"][table] |= {"rows": len(rows), "content_sha256": digest}
    write_json(release.folder / PROVENANCE, made, indent=1)
    write_checksums(release.folder)
    return Opened(release.folder, release.answers)
