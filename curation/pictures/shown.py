"""What the page shows: counts of everything, and a selection small enough to open at once.

Large tables are streamed; only what is shown stays in memory. The choice is by rank and identifier, so the same rows
give the same page.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from curation.errors import VaultError
from curation.records import (
    CONTROL,
    TABLES,
    Agreement,
    Case,
    Consensus,
    CtMeasurement,
    Done,
    Grounding,
    Mask,
    Measurement,
    Mention,
    Record,
    Reject,
    Report,
    ReportLabel,
    ReportLink,
    ReportTag,
    Section,
    Series,
    View,
)
from curation.store import part_rows, read_member, read_rows
from curation.workspace import BORDER_STAGES, VAULT_STAGES, Workspace

MAX_VIEWS = 12
MAX_REPORTS = 40
MAX_PLACED_REPORTS = 8
"""Reports with images of their own come first: there a modeler sees text and image agree."""
MAX_UNCERTAIN_REPORTS = 24
MAX_CASES = 60
MAX_OBJECTS = 60
MAX_ITEMS = 8
"""Items named for one reason; the table of rejects has them all."""

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class StageCount:
    """A stage's items; None where the vault that knows is not on this machine."""

    name: str
    done: int | None
    rejected: int | None


@dataclass(frozen=True)
class RejectCount:
    """Items of a stage that stopped for one reason; ``items`` are the first of them, none for the vault's stages."""

    stage: str
    reason: str
    count: int
    items: tuple[Reject, ...]


@dataclass(frozen=True)
class Picture:
    """A view with all that is drawn on it."""

    view: View
    png: bytes
    masks: tuple[Mask, ...]
    measurements: tuple[Measurement, ...]
    in_3d: Mapping[str, CtMeasurement]
    """What the CT itself gives, by measurement."""


@dataclass(frozen=True)
class Reading:
    """A report with all that was found in it."""

    report: Report
    study_id: str
    sections: tuple[Section, ...]
    mentions: tuple[Mention, ...]
    labels: tuple[ReportLabel, ...]
    tags: tuple[ReportTag, ...]
    groundings: tuple[Grounding, ...]


@dataclass(frozen=True)
class Shown:
    """Everything the page is made of."""

    vault_is_here: bool
    counts: Mapping[str, int | None]
    stages: tuple[StageCount, ...]
    rejects: tuple[RejectCount, ...]
    pictures: tuple[Picture, ...]
    readings: tuple[Reading, ...]
    cases: tuple[Case, ...]
    consensus: tuple[Consensus, ...]
    agreement: tuple[Agreement, ...]
    spacing_of: Mapping[str, tuple[float, ...]]
    """Voxel spacing ``(z, y, x)`` in mm of the series that readers marked."""
    min_agreement_dice: float


def gather(workspace: Workspace) -> Shown:
    """Read what there is; any table may be empty or missing."""
    here = vault_is_here(workspace)
    own, weights = _grounded(workspace)
    consensus = tuple(read_rows(Consensus, workspace.tables("consensus")))
    marked = {row.series_id for row in consensus}
    return Shown(
        vault_is_here=here,
        counts={name: _count(workspace, record, here) for name, record in TABLES.items()},
        stages=tuple(_stage_count(workspace, name, here) for name in stage_names()),
        rejects=tuple(row for name in stage_names() for row in _reject_counts(workspace, name, here)),
        pictures=_pictures(workspace, marked, weights),
        readings=_readings(workspace, own),
        cases=tuple(sorted(_stream(Case, workspace), key=lambda row: (-row.priority, row.case_id))),
        consensus=consensus,
        agreement=tuple(read_rows(Agreement, workspace.tables("consensus"))),
        spacing_of={row.series_id: row.spacing_zyx_mm for row in _stream(Series, workspace) if row.series_id in marked},
        min_agreement_dice=workspace.settings.route.min_agreement_dice,
    )


def stage_names() -> tuple[str, ...]:
    """Stages that write a table before a release is made, in the order of the data dictionary."""
    stages = dict.fromkeys(record.about.stage for record in TABLES.values())
    return tuple(stage for stage in stages if stage not in (CONTROL, "release"))


def vault_is_here(workspace: Workspace) -> bool:
    """Whether this machine may look into the vault."""
    try:
        return workspace.vault.is_dir()
    except VaultError:
        return False


# --- counts ----------------------------------------------------------------------------------------------


def _parts(record: type[Record], folder: Path) -> list[Path]:
    return sorted((folder / record.about.name).glob("*.parquet"))


def _rows_in(record: type[Record], folder: Path) -> int:
    """From the parts' footers."""
    return sum(pq.read_metadata(part).num_rows for part in _parts(record, folder))


def _count(workspace: Workspace, record: type[Record], vault_here: bool) -> int | None:
    stage = record.about.stage
    if stage == CONTROL or (stage in VAULT_STAGES and not vault_here):
        return None
    folder = workspace.tables(stage)
    if record is ReportLabel:  # fourteen rows a report, most of them "not mentioned"
        states = (pq.read_table(part, columns=["state"]).column(0) for part in _parts(record, folder))
        return sum(int(len(column) - column.null_count) for column in states)
    return _rows_in(record, folder)


def _control(workspace: Workspace, stage: str, vault_here: bool) -> Path | None:
    if stage in VAULT_STAGES + BORDER_STAGES and not vault_here:
        return None
    return workspace.control(stage)


def _stage_count(workspace: Workspace, stage: str, vault_here: bool) -> StageCount:
    control = _control(workspace, stage, vault_here)
    if control is None:
        return StageCount(stage, None, None)
    rejected = _rows_in(Reject, control)
    return StageCount(stage, _rows_in(Done, control) - rejected, rejected)


def _reject_counts(workspace: Workspace, stage: str, vault_here: bool) -> Iterator[RejectCount]:
    control = _control(workspace, stage, vault_here)
    rows = read_rows(Reject, control) if control else []
    by_reason = Counter(row.reason.value for row in rows)
    in_vault = stage in VAULT_STAGES + BORDER_STAGES
    for reason, count in sorted(by_reason.items(), key=lambda one: (-one[1], one[0])):
        items = () if in_vault else tuple(row for row in rows if row.reason.value == reason)[:MAX_ITEMS]
        yield RejectCount(stage, reason, count, items)


# --- pictures --------------------------------------------------------------------------------------------


def _stream(record: type[R], workspace: Workspace, keep: Callable[[R], bool] | None = None) -> Iterator[R]:
    parts = _parts(record, workspace.tables(record.about.stage))
    return filter(keep, chain.from_iterable(part_rows(record, part) for part in parts))


def _grounded(workspace: Workspace) -> tuple[set[str], Counter[str]]:
    """Reports placed on their own study's images, and how often each view is pointed at."""
    own: set[str] = set()
    weights: Counter[str] = Counter()
    for row in _stream(Grounding, workspace):
        weights[row.view_id] += 1
        if row.reference == "study":
            own.add(row.report_id)
    return own, weights


def _pictures(workspace: Workspace, marked: set[str], weights: Counter[str]) -> tuple[Picture, ...]:
    """Views of whole series: those with readers' findings first, then those that reports point at most."""
    by_series: dict[str, list[View]] = defaultdict(list)
    for view in _stream(View, workspace):
        by_series[view.series_id].append(view)

    def rank(series_id: str) -> tuple[bool, int, str]:
        return series_id not in marked, -sum(weights[view.view_id] for view in by_series[series_id]), series_id

    ordered = (sorted(by_series[series_id], key=_by_view) for series_id in sorted(by_series, key=rank))
    views = list(chain.from_iterable(ordered))[:MAX_VIEWS]
    wanted = {view.view_id for view in views}
    masks = _grouped(_stream(Mask, workspace, lambda row: row.view_id in wanted), lambda row: row.view_id)
    taken = _grouped(_stream(Measurement, workspace, lambda row: row.view_id in wanted), lambda row: row.view_id)
    folder = workspace.tables("project")
    in_3d = _grouped(_stream(CtMeasurement, workspace), lambda row: row.series_id)
    return tuple(
        Picture(
            view,
            read_member(folder, view.shard, view.offset, view.length),
            tuple(sorted(masks[view.view_id], key=lambda row: (-row.area_px, row.label))),
            tuple(sorted(taken[view.view_id], key=lambda row: row.measure)),
            {row.measure: row for row in in_3d[view.series_id]},
        )
        for view in views
    )


def _by_view(view: View) -> tuple[int, str]:
    """Frontal before lateral."""
    return view.view == "LAT", view.view_id


def _grouped(rows: Iterable[R], key: Callable[[R], str]) -> dict[str, list[R]]:
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


# --- reports ---------------------------------------------------------------------------------------------


def _readings(workspace: Workspace, own: set[str]) -> tuple[Reading, ...]:
    chosen = choose(_stream(ReportLabel, workspace), own, (row.report_id for row in _stream(Report, workspace)))
    rank = {report_id: position for position, report_id in enumerate(chosen)}

    def of(record: type[R]) -> dict[str, list[R]]:
        rows = _stream(record, workspace, lambda row: _report_of(row) in rank)
        return _grouped(rows, _report_of)

    reports = sorted((rows[0] for rows in of(Report).values()), key=lambda row: rank[row.report_id])
    links, sections, mentions = of(ReportLink), of(Section), of(Mention)
    labels, tags, groundings = of(ReportLabel), of(ReportTag), of(Grounding)
    return tuple(
        Reading(
            report,
            next((link.study_id for link in links[report.report_id]), ""),
            tuple(sorted(sections[report.report_id], key=lambda row: row.position)),
            tuple(sorted(mentions[report.report_id], key=lambda row: (row.start, -row.end, row.mention_id))),
            tuple(sorted(labels[report.report_id], key=lambda row: row.label)),
            tuple(sorted(tags[report.report_id], key=lambda row: (row.scheme, row.tag))),
            tuple(sorted(groundings[report.report_id], key=lambda row: (row.mention_id, row.view_id, row.label))),
        )
        for report in reports
    )


def _report_of(row: Record) -> str:
    report_id: str = row.report_id  # type: ignore[attr-defined]  # each record asked for has the column
    return report_id


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
