"""Of whom each task could ask: its whole population, how frequent findings are in it, and a random draw from it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import polars as pl

from curation.errors import UsageError
from curation.records import CHEXPERT, Case, Mention, Radiograph, Report, ReportLabel, Series, Task, View
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.labels.sets import State
from labeling.routing.priority import Prevalence, case_id_of

AT_RANDOM = "chosen for a reading of its own"
"""What a reader is told of a case that was drawn: not that it was."""

_States = Mapping[str, Mapping[str, State]]
"""CheXpert labels by report."""


def population(workspace: Workspace, task: Task) -> dict[str, str]:
    """Every subject that a task could ask about, with its patient.

    Reports for ``label_review``; views for ``mask_review`` and ``quality_check``; views that give a measurement for
    ``measurement_review``; views and radiographs for ``finding_boxes``. UsageError for a task that is not routed.
    """
    if task is Task.LABEL_REVIEW:
        return {row.report_id: row.patient_id for row in read_rows(Report, workspace.tables("deid"))}
    if task is Task.PHI_REVIEW:
        raise UsageError("expected a task that is routed; places that may show text are all asked about, none is drawn")
    patients = patients_of_series(workspace)
    series_of = {row.view_id: row.series_id for row in read_rows(View, workspace.tables("project"))}
    if task is Task.MEASUREMENT_REVIEW:
        measured = _measured(workspace)
        series_of = {view_id: series_id for view_id, series_id in series_of.items() if view_id in measured}
    if task is Task.FINDING_BOXES:
        series_of |= {row.instance_id: row.series_id for row in read_rows(Radiograph, workspace.tables("catalog"))}
    return {subject_id: patients[series_id] for subject_id, series_id in series_of.items()}


def control(workspace: Workspace, task: Task, exclude: Collection[str], n: int, seed: int) -> list[Case]:
    """``n`` cases drawn at random from a task's population, each subject alike, fewer if there are no more.

    Cases whose case_id is in ``exclude`` are left out. What routing is worth is measured against them, so that nothing
    of it is in them: no rules, no priority. The same population and seed give the same draw.
    """
    taken = set(exclude)
    subjects = population(workspace, task)
    left = [subject_id for subject_id in subjects if case_id_of(task, subject_id) not in taken]
    drawn = sorted(left, key=lambda subject_id: digest("control", seed, task, subject_id))[: max(n, 0)]
    return [
        Case(case_id_of(task, subject_id), task, subject_id, subjects[subject_id], 0.0, 0.0, 0.0, (), (), (AT_RANDOM,))
        for subject_id in drawn
    ]


def patients_of_series(workspace: Workspace) -> dict[str, str]:
    """Patient by series."""
    return {row.series_id: row.patient_id for row in read_rows(Series, workspace.tables("catalog"))}


def _measured(workspace: Workspace) -> set[str]:
    frame = _frame(workspace, "measure", "measurements", ["view_id", "value"])
    return set(frame.drop_nulls("value")["view_id"].to_list())


# --- how frequent ----------------------------------------------------------------------------------------


def chexpert_states(workspace: Workspace) -> dict[str, dict[str, State]]:
    """CheXpert labels by report; the other sets' rows, the most of the table, are not read."""
    columns = ["report_id", "label", "state", "label_set"]
    frame = _frame(workspace, ReportLabel.about.stage, ReportLabel.about.name, columns)
    states: dict[str, dict[str, State]] = {}
    for report_id, label, state in frame.filter(pl.col("label_set") == CHEXPERT).select(columns[:3]).iter_rows():
        states.setdefault(report_id, {})[label] = state
    return states


def in_reports(n_reports: int, mentions: Iterable[Mention], states: _States) -> Prevalence:
    """Reports that affirm or hedge a finding or a CheXpert label."""
    said = {(row.report_id, row.finding) for row in mentions if row.assertion != "absent"}
    counts = Counter(finding for _, finding in said)
    counts.update(label for labels in states.values() for label, state in labels.items() if state in {1, -1})
    return Prevalence(n_reports, counts)


def in_views(workspace: Workspace, n_views: int) -> Prevalence:
    """Views that have a mask of a label."""
    frame = _frame(workspace, "project", "masks", ["label"])
    return Prevalence(n_views, dict(frame.group_by("label").len().iter_rows()))


def in_measurements(workspace: Workspace, n_views: int) -> Prevalence:
    """Views that a measure's verdict is a finding of."""
    frame = _frame(workspace, "measure", "measurements", ["measure", "positive"])
    positive = frame.group_by("measure").agg(pl.col("positive").fill_null(value=False).sum())
    return Prevalence(n_views, dict(positive.iter_rows()))


def _frame(workspace: Workspace, stage: str, table: str, columns: list[str]) -> pl.DataFrame:
    """Some columns of a table; of one that nobody has written, none of its rows."""
    parts = sorted((workspace.tables(stage) / table).glob("*.parquet"))
    if not parts:
        return pl.DataFrame(schema=_SCHEMA).select(columns)
    return pl.scan_parquet(parts).select(columns).collect()


_SCHEMA = {
    **dict.fromkeys(("report_id", "view_id", "label", "label_set", "measure"), pl.String),
    "state": pl.Int64,
    "value": pl.Float64,
    "positive": pl.Boolean,
}
"""Columns that are read in this way."""
