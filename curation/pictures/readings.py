"""Reports with all that was found in them, and which of them a page shows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar, get_args

from curation.pictures.streams import stream
from curation.records import (
    CHEXPERT,
    ConceptLink,
    Grounding,
    Mention,
    Record,
    Report,
    ReportLabel,
    ReportLink,
    ReportTag,
    Section,
    SentenceGrounding,
)
from curation.workspace import Workspace

MAX_REPORTS = 40
MAX_PLACED_REPORTS = 8
"""Reports with images of their own come first: there a modeler sees text and image agree."""
MAX_UNCERTAIN_REPORTS = 24

R = TypeVar("R", bound=Record)
OfReport = ReportLink | Section | Mention | ConceptLink | ReportLabel | ReportTag | Grounding | SentenceGrounding
"""Rows that belong to one report."""
_OF_REPORT: tuple[type[OfReport], ...] = get_args(OfReport)


@dataclass(frozen=True)
class Reading:
    """A report with all that was found in it, each in order."""

    report: Report
    study_id: str
    sections: tuple[Section, ...]
    mentions: tuple[Mention, ...]
    links: tuple[ConceptLink, ...]
    labels: tuple[ReportLabel, ...]
    tags: tuple[ReportTag, ...]
    groundings: tuple[Grounding, ...]
    sentences: tuple[SentenceGrounding, ...]


def reading_of(report: Report, rows: Iterable[Record]) -> Reading:
    """Sort out the rows of one report; rows of other tables are left out."""
    known = list(rows)

    def of(record: type[R]) -> list[R]:
        return [row for row in known if isinstance(row, record)]

    return Reading(
        report,
        next((link.study_id for link in of(ReportLink)), ""),
        tuple(sorted(of(Section), key=lambda row: row.position)),
        tuple(sorted(of(Mention), key=lambda row: (row.start, -row.end, row.mention_id))),
        tuple(sorted(of(ConceptLink), key=lambda row: (row.start, row.position))),
        tuple(sorted(of(ReportLabel), key=lambda row: (row.label_set != CHEXPERT, row.label_set, row.label))),
        tuple(sorted(of(ReportTag), key=lambda row: (row.scheme, row.tag))),
        tuple(sorted(of(Grounding), key=lambda row: (row.mention_id, row.view_id, row.label))),
        tuple(sorted(of(SentenceGrounding), key=lambda row: (row.sentence_start, row.view_id, row.label))),
    )


def choose_readings(workspace: Workspace, own: set[str]) -> tuple[Reading, ...]:
    """The reports to show, in order; ``own`` are placed on images of their own."""
    chosen = choose(stream(ReportLabel, workspace), own, (row.report_id for row in stream(Report, workspace)))
    rows: dict[str, list[Record]] = {report_id: [] for report_id in chosen}
    for record in _OF_REPORT:
        for row in stream(record, workspace):
            if row.report_id in rows:
                rows[row.report_id].append(row)
    reports = {row.report_id: row for row in stream(Report, workspace, lambda row: row.report_id in rows)}
    return tuple(reading_of(reports[report_id], rows[report_id]) for report_id in chosen)


def choose(labels: Iterable[ReportLabel], own: set[str], reports: Iterable[str]) -> list[str]:
    """Identifiers of the reports to show, in order.

    Some that are placed on images of their own, then uncertain ones, then some of each label, then any; label by label
    in turn, so that a common finding does not crowd out a rare one.
    """
    known = sorted(reports)
    present: dict[str, list[str]] = defaultdict(list)
    uncertain: dict[str, list[str]] = defaultdict(list)
    for row in sorted((row for row in labels if row.state in (1, -1)), key=lambda row: (row.label, row.report_id)):
        (present if row.state == 1 else uncertain)[row.label].append(row.report_id)
    chosen: dict[str, None] = {}
    wishes = (
        ([one for one in known if one in own], MAX_PLACED_REPORTS),
        (_in_turn(list(uncertain.values())), MAX_UNCERTAIN_REPORTS),
        (_in_turn(list(present.values())), MAX_REPORTS),
        (known, MAX_REPORTS),
    )
    here = set(known)
    for report_ids, limit in wishes:
        for report_id in report_ids:
            if len(chosen) < limit and report_id in here:
                chosen[report_id] = None
    return list(chosen)


def _in_turn(groups: Sequence[Sequence[str]]) -> list[str]:
    return [one for turn in zip_longest(*groups) for one in turn if one is not None]
