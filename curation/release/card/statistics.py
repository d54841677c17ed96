"""``statistics.json``: every number of the card, counted from the tables of the release.

Each statistic names the tables that it needs; a release that lacks one of them lacks the statistic.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.records import fields
from curation.release.card import contents, labels, people
from curation.release.card.small import FEW, few
from curation.release.opened import Opened

STATISTICS = "statistics.json"
_PER_PERSON = ("patients", "splits", "studies", "reports", "pairs", "grounded")
"""Tables that have hardly more rows than there are persons."""
_SAID_ELSEWHERE = {
    "patients": ("sex",),
    "studies": ("age_years", "site_id"),
    **dict.fromkeys(("labels", "report_labels", "image_labels", "opinions"), ("state",)),
    "targets": ("state", "target", "source", "source_id"),
    "measurements": ("value", "positive", "verdict", "reason"),
}
"""Columns whose missing values are counted in patients, with small cells hidden."""


@dataclass(frozen=True)
class Statistic:
    """Numbers by their name in the document; ``of`` gives None where a table of that name holds something else."""

    name: str
    needs: tuple[str, ...]
    of: Callable[[Opened], Any]


def rows(release: Opened) -> dict[str, Any]:
    """Rows by table; where all patients are few, not of those tables that tell how few."""
    counts = {name: release.table(name).height for name in release.names}
    hidden = _PER_PERSON if few(counts["patients"]) == FEW else ()
    return {name: few(count) if name in hidden else count for name, count in counts.items()}


def missing(release: Opened) -> list[dict[str, Any]]:
    """Columns with missing values: null, an empty text or an empty list."""
    found = []
    for name in release.names:
        frame = release.table(name)
        keys = [field.name for field in fields(release.record(name)) if field.column.key]
        columns = [column for column in frame.columns if column not in (*keys, *_SAID_ELSEWHERE.get(name, ()))]
        counts = frame.select(_missing(frame.schema[column], column).sum() for column in columns)
        found += [
            {"table": name, "column": column, "missing": counts[column].item(), "rows": frame.height}
            for column in columns
            if counts[column].item() and few(frame.height) != "<10"
        ]
    return found


def _missing(kind: pl.DataType, column: str) -> pl.Expr:
    values = pl.col(column)
    if kind == pl.String:
        return values.is_null() | (values == "")
    if isinstance(kind, pl.List):
        return values.is_null() | (values.list.len() == 0)
    return values.is_null()


ALL = (
    Statistic("rows", (), rows),
    Statistic("splits", ("splits", "studies"), people.splits),
    Statistic("split_sources", ("splits",), people.split_sources),
    Statistic("sex", ("patients", "splits"), people.sex),
    Statistic("age", ("patients", "studies", "splits"), people.age),
    Statistic("site", ("patients", "studies", "splits"), people.site),
    Statistic("images", ("images",), contents.images),
    Statistic("left_out", ("left_out",), contents.left_out),
    Statistic("missing", (), missing),
    Statistic("labels", ("labels", "images"), labels.prevalence),
    Statistic("together", ("labels", "images"), labels.together),
    Statistic("origins", ("labels", "images"), labels.origins),
    Statistic("targets", ("targets",), labels.targets),
    Statistic("masks", ("masks", "images"), contents.masks),
    Statistic("measurements", ("measurements", "images"), contents.measurements),
    Statistic("pictures", ("pictures",), contents.pictures),
    Statistic("reads", ("reads",), contents.readers),
    Statistic("boxes", ("consensus",), contents.boxes),
    Statistic("agreement", ("agreement",), contents.agreement),
    Statistic("decisions", ("decisions",), contents.decisions),
    Statistic("texts", ("sections",), contents.words),
    Statistic("reports", ("reports",), contents.reports),
    Statistic("pairs", ("pairs",), contents.pairs),
    Statistic("priors", ("grounded",), contents.priors),
    Statistic("phrases", ("phrases",), contents.phrases),
    Statistic("concepts", ("concept_labels",), contents.concepts),
    Statistic("mentions", ("mentions",), contents.mentions),
    Statistic("similar", ("similar",), contents.similar),
)


def statistics(release: Opened, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """All statistics that a release has tables for, and the headlines of the version ``before`` it."""
    names = set(release.names)
    told = {s.name: s.of(release) for s in ALL if names.issuperset(s.needs)}
    return {name: found for name, found in told.items() if found is not None} | {"before": before}


def headlines(previous: Opened | None) -> dict[str, Any] | None:
    """What the next version's card says of this one; None if there is none, or it has no statistics."""
    if previous is None or not (previous.folder / STATISTICS).is_file():
        return None
    told = previous.document(STATISTICS)
    return {name: told[name] for name in ("rows", "splits") if name in told} | {
        "present": {
            name: {row["label"]: row["states"][0] for row in found["rows"]}
            for name, found in told.get("labels", {}).items()
        }
    }


def as_bytes(told: Mapping[str, Any]) -> bytes:
    """The document."""
    return (json.dumps(told, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()
