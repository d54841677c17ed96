"""Opinions: what other labelers and models say of our reports and images, taken in for ``route`` to hold against ours.

Reads any file that ``labeling.labels.sources`` reads, and the ids of ``reports`` (deid), ``radiographs`` and
``report_links`` (catalog) and ``views`` (project). Writes ``opinions`` into ``data/``, one part for each source.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import polars as pl

from curation.errors import InputError, UsageError
from curation.records import Opinion, Radiograph, Report, ReportLink, Series, View
from curation.store import arrow_schema, read_rows, write_parquet
from curation.workspace import Workspace
from labeling.labels.sources import Source

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_FRONTAL = ("PA", "AP")


class Kind(StrEnum):
    """What a source speaks of; it decides what a study's id means."""

    AUTO = "auto"
    """Images if it says probabilities, else reports."""
    REPORT = "report"
    IMAGE = "image"


@dataclass(frozen=True)
class Added:
    """What became of a file's ids; ``rows`` were written."""

    rows: int
    taken: int
    unknown: int
    """Ids of nothing that this workspace has."""
    ambiguous: int
    """Ids of studies with several reports or frontal images, and ids that mean what an earlier one does."""


class _Studies(NamedTuple):
    """By study, its reports and its frontal images."""

    reports: Mapping[str, list[str]]
    images: Mapping[str, list[str]]


def add_opinions(workspace: Workspace, source: Source, kind: Kind = Kind.AUTO) -> Added:
    """Write a source's opinions, in place of those it gave before.

    Ids are those of reports, views and radiographs, or of studies where they have one report, or one frontal image.
    Raises UsageError for a name that is no plain word or labels that are not CheXpert's, InputError if no id is known.
    """
    if not _NAME.fullmatch(source.name):
        raise UsageError("expected a name for the source of small letters, digits, _ . or -, such as chexbert")
    if source.label_set.name != "chexpert":
        raise UsageError(f"expected labels of chexpert, which routing compares; got those of {source.label_set.name}")
    subjects, unknown, ambiguous = _subjects(workspace, source, kind)
    if not subjects:
        raise InputError(
            f"expected ids of reports, views, radiographs or studies of this workspace; {unknown:,} are unknown and "
            f"{ambiguous:,} could mean several. `paxflow query` shows ours"
        )
    table = _opinions(source, subjects)
    target = workspace.tables(Opinion.about.stage) / Opinion.about.name / f"{source.name}.parquet"
    write_parquet(table.to_arrow().cast(arrow_schema(Opinion)), target)
    return Added(table.height, len(subjects), unknown, ambiguous)


def _opinions(source: Source, subjects: Mapping[str, str]) -> pl.DataFrame:
    """The table, in the order of its key."""
    known = pl.DataFrame({"id": list(subjects), "subject_id": list(subjects.values())})
    return (
        source.frame.join(known, on="id", how="inner")
        .select(
            pl.lit(source.name).alias("source"), "subject_id", "label", pl.col("state").cast(pl.Int64), "probability"
        )
        .sort("subject_id", "label")
    )


def _subjects(workspace: Workspace, source: Source, kind: Kind) -> tuple[dict[str, str], int, int]:
    """By id of the file, whose opinion it is; and how many ids are unknown, and could mean several."""
    own, studies = _known(workspace)
    if kind is Kind.AUTO:
        kind = Kind.IMAGE if source.has_probabilities else Kind.REPORT
    of_study = studies.reports if kind is Kind.REPORT else studies.images
    found: dict[str, str] = {}
    meant: set[str] = set()
    unknown = ambiguous = 0
    for name in source.keys[source.id_column].cast(pl.String).to_list():
        subjects = [name] if name in own else of_study.get(name, [])
        if len(subjects) == 1 and subjects[0] not in meant:
            found[name] = subjects[0]
            meant.add(subjects[0])
        elif subjects:
            ambiguous += 1
        else:
            unknown += 1
    return found, unknown, ambiguous


def _known(workspace: Workspace) -> tuple[set[str], _Studies]:
    """Ids of our reports and images, and what studies have."""
    reports = {row.report_id for row in read_rows(Report, workspace.tables("deid"))}
    catalog = workspace.tables("catalog")
    studies = {row.series_id: row.study_id for row in read_rows(Series, catalog)}
    views = [(row.view_id, row.series_id, row.view) for row in read_rows(View, workspace.tables("project"))]
    films = [(row.instance_id, row.series_id, row.view) for row in read_rows(Radiograph, catalog)]
    images = [*views, *films]
    frontal = ((studies[series_id], name) for name, series_id, view in images if view in _FRONTAL)
    links = ((row.study_id, row.report_id) for row in read_rows(ReportLink, catalog))
    return reports | {name for name, _, _ in images}, _Studies(_grouped(links), _grouped(frontal))


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
