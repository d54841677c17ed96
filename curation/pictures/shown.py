"""What the page shows: counts of everything, and a selection small enough to open at once.

Large tables are streamed; only what is shown stays in memory. The choice is by rank and identifier, so the same rows
give the same page.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow.parquet as pq

from curation.dictionary import ordered
from curation.errors import VaultError
from curation.pictures.readings import Reading, choose_readings
from curation.pictures.streams import grouped, parts, stream
from curation.records import (
    CONTROL,
    TABLES,
    Agreement,
    Case,
    ConceptRow,
    Consensus,
    CtMeasurement,
    Done,
    Grounding,
    Mask,
    Measurement,
    Record,
    Reject,
    ReportLabel,
    Series,
    View,
)
from curation.store import read_member, read_rows
from curation.workspace import BORDER_STAGES, VAULT_STAGES, Workspace

MAX_VIEWS = 12
MAX_CASES = 60
MAX_OBJECTS = 60
MAX_ITEMS = 8
"""Items named for one reason; the table of rejects has them all."""


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
class Shown:
    """Everything the page is made of."""

    vault_is_here: bool
    counts: Mapping[str, int | None]
    stages: tuple[StageCount, ...]
    rejects: tuple[RejectCount, ...]
    pictures: tuple[Picture, ...]
    readings: tuple[Reading, ...]
    concepts: tuple[ConceptRow, ...]
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
        readings=choose_readings(workspace, own),
        concepts=tuple(stream(ConceptRow, workspace)),
        cases=tuple(sorted(stream(Case, workspace), key=lambda row: (-row.priority, row.case_id))),
        consensus=consensus,
        agreement=tuple(read_rows(Agreement, workspace.tables("consensus"))),
        spacing_of={row.series_id: row.spacing_zyx_mm for row in stream(Series, workspace) if row.series_id in marked},
        min_agreement_dice=workspace.settings.route.min_agreement_dice,
    )


def stage_names() -> tuple[str, ...]:
    """Stages that write a table before a release is made, in the order of the data dictionary."""
    stages = dict.fromkeys(record.about.stage for record in ordered())
    return tuple(stage for stage in stages if stage not in (CONTROL, "release"))


def vault_is_here(workspace: Workspace) -> bool:
    """Whether this machine may look into the vault."""
    try:
        return workspace.vault.is_dir()
    except VaultError:
        return False


# --- counts ----------------------------------------------------------------------------------------------


def _rows_in(record: type[Record], folder: Path) -> int:
    """From the parts' footers."""
    return sum(pq.read_metadata(part).num_rows for part in parts(record, folder))


def _count(workspace: Workspace, record: type[Record], vault_here: bool) -> int | None:
    stage = record.about.stage
    if stage == CONTROL or (stage in VAULT_STAGES and not vault_here):
        return None
    folder = workspace.tables(stage)
    if record is ReportLabel:  # fourteen rows a report, most of them "not mentioned"
        states = (pq.read_table(part, columns=["state"]).column(0) for part in parts(record, folder))
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


def _grounded(workspace: Workspace) -> tuple[set[str], Counter[str]]:
    """Reports placed on their own study's images, and how often each view is pointed at."""
    own: set[str] = set()
    weights: Counter[str] = Counter()
    for row in stream(Grounding, workspace):
        weights[row.view_id] += 1
        if row.reference == "study":
            own.add(row.report_id)
    return own, weights


def _pictures(workspace: Workspace, marked: set[str], weights: Counter[str]) -> tuple[Picture, ...]:
    """Views of whole series: those with readers' findings first, then those that reports point at most."""
    by_series: dict[str, list[View]] = defaultdict(list)
    for view in stream(View, workspace):
        by_series[view.series_id].append(view)

    def rank(series_id: str) -> tuple[bool, int, str]:
        return series_id not in marked, -sum(weights[view.view_id] for view in by_series[series_id]), series_id

    ordered = (sorted(by_series[series_id], key=_by_view) for series_id in sorted(by_series, key=rank))
    views = list(chain.from_iterable(ordered))[:MAX_VIEWS]
    wanted = {view.view_id for view in views}
    masks = grouped(stream(Mask, workspace, lambda row: row.view_id in wanted), lambda row: row.view_id)
    taken = grouped(stream(Measurement, workspace, lambda row: row.view_id in wanted), lambda row: row.view_id)
    folder = workspace.tables("project")
    in_3d = grouped(stream(CtMeasurement, workspace), lambda row: row.series_id)
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
