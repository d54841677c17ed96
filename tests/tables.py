"""Workspaces whose tables a test writes or changes, and the cohort with what real ones have."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from curation.records import Radiograph, Record, ReleaseImage, Report, ReportLink
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling import ground, mine
from tests.builders import workspace_at
from tests.cohort import cohort, run

WITHHELD = "CC-BY-NC-ND-4.0"
_HEART = "FINDINGS: Heart is normal.\n\nIMPRESSION: No effusion."


def small(root: Path, *rows: Sequence[Record]) -> Workspace:
    """A workspace that has these rows, tables apart, and no other."""
    workspace = workspace_at(root)
    for own in filter(None, rows):
        put_rows(workspace, own)
    return workspace


def put_rows(workspace: Workspace, rows: Sequence[Record]) -> None:
    """Write a table anew."""
    folder = workspace.tables(type(rows[0]).about.stage) / type(rows[0]).about.name
    shutil.rmtree(folder, ignore_errors=True)
    write_parquet(to_arrow(type(rows[0]), rows), folder / "a.parquet")


def copied(workspace: Workspace, root: Path) -> Workspace:
    """The same workspace elsewhere."""
    return Workspace(Path(shutil.copytree(workspace.root, root)))


def release_image(
    name: str, study: str = "study", patient: str = "patient", view: str = "PA", kind: str = "radiograph"
) -> ReleaseImage:
    """An image of a release; only what is given matters."""
    return ReleaseImage(
        name, study, patient, "train", "series", kind, view, "", 4, 6, 4, 6, None, 8, "MONOCHROME2", "window",
        f"{name}.png", "", "", "", 0, 0,
    )  # fmt: skip


def rows_of(workspace: Workspace, record: type[Record]) -> list[Any]:
    """All rows of a table."""
    return read_rows(record, workspace.tables(record.about.stage))


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The synthetic cohort with what real ones have, see the comments; nobody may change it."""
    workspace = cohort(tmp_path_factory.mktemp("varied"), 40, 1)
    reports = rows_of(workspace, Report)
    links = {row.report_id: row.study_id for row in rows_of(workspace, ReportLink)}
    alone, described = reports[0], reports[1]
    more = [
        _report("alone", alone.patient_id, "A chest of no study. Lungs are clear."),  # no header, no image
        _report("blank", alone.patient_id, " \n"),
        _report("nothing", alone.patient_id, ""),
        _report("addendum", described.patient_id, "ADDENDUM: The nodule of the left lung is stable.", date(2020, 1, 1)),
        _report("copied", _elsewhere(workspace, described), described.text),  # word for word, of another split
        _report("withheld", alone.patient_id, _HEART, licence=WITHHELD),
        _report("terse", alone.patient_id, "HISTORY: Pain.\n\nHISTORY: More pain.\n\nIMPRESSION: A rib fracture."),
    ]
    withheld = reports[2]
    put_rows(workspace, [replace(row, licence=WITHHELD) if row is withheld else row for row in reports] + more)
    linked = [*rows_of(workspace, ReportLink), ReportLink("addendum", links[described.report_id])]
    put_rows(workspace, linked)
    turned = next(row for row in rows_of(workspace, Radiograph) if row.view == "AP")  # its study has no frontal image
    films = rows_of(workspace, Radiograph)
    put_rows(workspace, [replace(row, view="LAT") if row == turned else row for row in films])
    for stage in (mine.STAGE, ground.STAGE):
        run(stage, workspace)
    return workspace


def _report(
    name: str, patient_id: str, text: str, day: date | None = None, licence: str = "LicenseRef-local"
) -> Report:
    return Report(name, patient_id, "", day, "local", licence, text)


def _elsewhere(workspace: Workspace, report: Report) -> str:
    """The first patient of another split than the report's."""
    settings = workspace.settings.recipes["report-pairs"]
    splits = Sources(workspace, settings, Shards(workspace.root)).splits
    here = splits[report.patient_id].split
    return next(row.patient_id for row in splits.values() if row.split != here)
