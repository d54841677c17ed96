"""Puts a release together beside the old one, looks at it, and moves it into place."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from curation.errors import UsageError
from curation.records import (
    Patient,
    ReleaseImage,
    ReleaseLeftOut,
    ReleaseSplit,
    Report,
    ReportLink,
    Series,
    Study,
)
from curation.release import loaders
from curation.release.card import describe
from curation.release.changes import write_changes
from curation.release.check import check
from curation.release.croissant import croissant
from curation.release.files import write_checksums, write_json, write_tables
from curation.release.hidden import HIDDEN, part, without_hidden
from curation.release.images import release_images
from curation.release.mini import write_mini
from curation.release.opened import PROVENANCE, Opened
from curation.release.provenance import provenance
from curation.release.recipe import Recipe, Rows, Tables, recipe_named
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.store import sync_folder
from curation.workspace import Workspace


def folder_of(workspace: Workspace, name: str) -> Path:
    """Where a recipe's release lies in a workspace."""
    return workspace.root / "release" / name


def answers_of(workspace: Workspace, name: str) -> Path:
    """Where the answers of its hidden test lie; of a release without one, an empty list of files."""
    return workspace.root / "answers" / name


def build(workspace: Workspace, name: str, previous: Opened | None = None) -> dict[str, int]:
    """Build ``release/<name>`` and ``answers/<name>`` anew; returns rows by table.

    ``previous`` is the published version that CHANGES.md compares with, and whose balanced splits are kept. Raises
    UsageError for a recipe that there is not, IntegrityError if what was built breaks a promise: then nothing changes.
    """
    recipe = recipe_named(name)
    if name not in workspace.settings.recipes:
        raise UsageError(f"params.yaml has no recipe '{name}': add a section below `recipes`")
    making, hiding = (
        _fresh(place.with_name(f"{name}.tmp")) for place in (folder_of(workspace, name), answers_of(workspace, name))
    )
    sources = Sources(workspace, workspace.settings.recipes[name], Shards(making), previous)
    images = release_images(sources, recipe)
    tables = _tables(sources, recipe, images)
    if sources.settings.hidden_test:
        splits = split_of(sources, images)
        tables, apart = part(tables, recipe.answers, splits)
        tables["left_out"] = (ReleaseLeftOut, [_untold(row, splits) for row in sources.left_out.values()])
        write_tables(hiding, apart)
    write_checksums(hiding)
    written = write_tables(making, tables)
    write_json(making / PROVENANCE, provenance(workspace, sources, recipe, written), indent=1)
    _complete(making, recipe, tables, previous)
    check(Opened(making, hiding))
    _put({hiding: answers_of(workspace, name), making: folder_of(workspace, name)})
    return {table: len(rows) for table, (_, rows) in tables.items()}


def _tables(sources: Sources, recipe: Recipe, images: Sequence[ReleaseImage]) -> dict[str, Rows]:
    """The spine, and what the recipe adds. Patients known by a report alone are in it."""
    own = dict(recipe.tables(sources, images))
    splits: list[ReleaseSplit] = sorted(sources.splits.values(), key=lambda row: row.patient_id)
    spine: dict[str, Rows] = {
        "images": (ReleaseImage, images),
        "studies": (Study, sources.rows(Study)),
        "patients": (Patient, sources.rows(Patient)),
        "splits": (ReleaseSplit, splits),
        "left_out": (ReleaseLeftOut, list(sources.left_out.values())),
    }
    return spine | own


def _untold(row: ReleaseLeftOut, splits: Mapping[str, str]) -> ReleaseLeftOut:
    """Without the twin that a hidden test has: it would say what a hidden answer is like."""
    return replace(row, twin_id="") if splits.get(row.twin_id) == HIDDEN else row


def split_of(sources: Sources, images: Sequence[ReleaseImage]) -> Mapping[str, str]:
    """The split of each patient, study, series, image and report."""
    patients = {row.patient_id: row.split for row in sources.splits.values()}
    studies = {row.study_id: patients[row.patient_id] for row in sources.rows(Study)}
    series = {row.series_id: patients[row.patient_id] for row in sources.rows(Series)}
    reports = {row.report_id: patients[row.patient_id] for row in sources.rows(Report)}
    linked = {row.report_id: studies[row.study_id] for row in sources.rows(ReportLink) if row.study_id in studies}
    return patients | studies | series | reports | linked | {row.image_id: row.split for row in images}


def _complete(making: Path, recipe: Recipe, tables: Tables, previous: Opened | None) -> None:
    """Everything that is made from the tables, and read from them again."""
    for path, document in recipe.files(tables).items():
        write_json(making / path, document)
    shutil.copyfile(loaders.__file__, making / "loaders.py")
    release = Opened(making)
    write_mini(release)
    shown, compared = previous, previous
    if previous and release.settings["hidden_test"]:
        shown = without_hidden(previous, release, recipe.answers)
        compared = previous if previous.settings["hidden_test"] else None
    write_changes(release, shown)
    for path, content in describe(release, compared).items():
        (making / path).parent.mkdir(parents=True, exist_ok=True)
        (making / path).write_bytes(content)
    write_json(making / "croissant.json", croissant(release), indent=1)
    write_checksums(making)


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _put(places: Mapping[Path, Path]) -> None:
    """Move what was made into place. What is cut short leaves no release, rather than one with another's answers."""
    olds = {place: place.with_name(f"{place.name}.old.tmp") for place in places.values()}
    for place, old in olds.items():
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.replace(old)
    for made, place in places.items():
        made.replace(place)
        sync_folder(place.parent)
    for old in olds.values():
        shutil.rmtree(old, ignore_errors=True)
