"""Signals of a whole workspace, by task and subject: which rows are held against which."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from curation.findings import name_findings
from curation.records import (
    Agreement,
    Case,
    Consensus,
    CtMeasurement,
    CtQuality,
    Decision,
    MaskQuality,
    Measurement,
    Mention,
    Opinion,
    Radiograph,
    Record,
    ReportLink,
    Series,
    Task,
    Verdict,
    View,
    ViewQuality,
)
from curation.settings import RouteSettings
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.labels.sets import State
from labeling.routing import opinions, signals
from labeling.routing.population import (
    chexpert_states,
    in_measurements,
    in_reports,
    in_views,
    population,
)
from labeling.routing.priority import Prevalence, make_case, merge
from labeling.routing.signals import READERS_SPLIT, Signal

R = TypeVar("R", bound=Record)
Found = Iterator[tuple[Task, str, list[Signal]]]
"""Task, subject, and what fires for it."""

_NODULE, _LESION = "nodule", "Lung Lesion"
_SHOWN = {"cardiomegaly": "Cardiomegaly"}
"""Measures whose verdict is a CheXpert label."""
_FRONTAL = ("PA", "AP")


def grouped(rows: Iterable[R], key: Callable[[R], str]) -> dict[str, list[R]]:
    """Rows by key, in the order of the keys."""
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


class Gathered:
    """The tables that routing reads, each once."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.settings: RouteSettings = workspace.settings.route

    def rows(self, record: type[R]) -> list[R]:
        """All rows of a table."""
        return read_rows(record, self.workspace.tables(record.about.stage))

    @cached_property
    def mentions(self) -> list[Mention]:
        """Those of this patient in this examination."""
        return [row for row in self.rows(Mention) if row.is_current]

    @cached_property
    def states(self) -> dict[str, dict[str, State]]:
        """CheXpert labels by report."""
        return chexpert_states(self.workspace)

    @cached_property
    def views(self) -> dict[str, View]:
        """Views by id."""
        return {row.view_id: row for row in self.rows(View)}

    @cached_property
    def by_series(self) -> dict[str, list[View]]:
        """Views of each series, PA first, then AP."""
        found = grouped(self.views.values(), lambda row: row.series_id)
        order = {name: place for place, name in enumerate(_FRONTAL)}
        return {
            series_id: sorted(views, key=lambda row: (order.get(row.view, len(order)), row.view_id))
            for series_id, views in found.items()
        }

    @cached_property
    def by_report(self) -> dict[str, list[Mention]]:
        """Mentions of each report."""
        return grouped(self.mentions, lambda row: row.report_id)

    @property
    def reports(self) -> list[str]:
        """Reports that were mined, whether or not for CheXpert's labels."""
        return sorted(self.states.keys() | self.by_report.keys())

    @cached_property
    def report_of(self) -> dict[str, str]:
        """By series, the one report of its study; a study with more has none that speaks for it."""
        reports = grouped(self.rows(ReportLink), lambda row: row.study_id)
        only = {study: rows[0].report_id for study, rows in reports.items() if len(rows) == 1}
        return {row.series_id: only[row.study_id] for row in self.rows(Series) if row.study_id in only}

    @cached_property
    def objects(self) -> dict[str, dict[str, Consensus]]:
        """By series, the objects that were projected, by their mask's label."""
        found = grouped(self.rows(Consensus), lambda row: row.series_id)
        return {series_id: name_findings(rows) for series_id, rows in found.items()}

    @cached_property
    def measured(self) -> dict[str, list[Measurement]]:
        """Measurements by view."""
        return grouped(self.rows(Measurement), lambda row: row.view_id)

    @cached_property
    def opinions(self) -> dict[str, list[Opinion]]:
        """Opinions by subject."""
        return grouped(self.rows(Opinion), lambda row: row.subject_id)

    def states_of(self, series_id: str) -> Mapping[str, State]:
        """CheXpert labels of a series' report; none if it has none."""
        return self.states.get(self.report_of.get(series_id, ""), {})


def cases(workspace: Workspace) -> list[Case]:
    """One case for each task and subject for which a rule fires, in the order of their ids."""
    tables = Gathered(workspace)
    found: dict[tuple[Task, str], list[Signal]] = defaultdict(list)
    for source in (_reports, _masks, _objects, _images, _measurements, _splits):
        for task, subject_id, fired in source(tables):
            found[task, subject_id] += fired
    asked = {task for (task, _), fired in found.items() if fired}
    people = {task: population(workspace, task) for task in sorted(asked)}
    frequent = {task: _prevalence(tables, task, len(people[task])) for task in people}
    weight = tables.settings.rarity_weight
    return [
        make_case(task, (subject_id, people[task][subject_id]), merge(fired), frequent[task], weight)
        for (task, subject_id), fired in sorted(found.items())
        if fired and subject_id in people[task]
    ]


def _prevalence(tables: Gathered, task: Task, n: int) -> Prevalence:
    """Of what is in question on an image, reports say best how frequent it is."""
    if task is Task.MEASUREMENT_REVIEW:
        return in_measurements(tables.workspace, n)
    if task in (Task.MASK_REVIEW, Task.QUALITY_CHECK):
        return in_views(tables.workspace, n)
    return in_reports(len(tables.reports), tables.mentions, tables.states)


def _reports(tables: Gathered) -> Found:
    margin = tables.settings.probability_margin
    for report_id in tables.reports:
        states = tables.states.get(report_id, {})
        fired = [*signals.of_mentions(tables.by_report.get(report_id, [])), *signals.of_labels(states)]
        said = tables.opinions.get(report_id, [])
        yield Task.LABEL_REVIEW, report_id, fired + opinions.of_opinions(said, states, opinions.ON_REPORTS, margin)


def _masks(tables: Gathered) -> Found:
    scans = {row.series_id: row for row in tables.rows(CtQuality)}
    masks = grouped(tables.rows(MaskQuality), lambda row: row.view_id)
    for view in tables.rows(ViewQuality):
        scan = scans[tables.views[view.view_id].series_id]
        yield Task.QUALITY_CHECK, view.view_id, signals.of_quality(view, scan, tables.settings.min_quality)
        yield Task.MASK_REVIEW, view.view_id, signals.of_masks(view, masks.get(view.view_id, []))


def _objects(tables: Gathered) -> Found:
    """An object is asked about on the first view of its CT; one that was not projected is on no image."""
    agreement = grouped(tables.rows(Agreement), lambda row: row.consensus_id)
    for series_id, named in tables.objects.items():
        for label, row in named.items():
            for view in tables.by_series.get(series_id, [])[:1]:
                pairs = agreement.get(row.consensus_id, [])
                yield (
                    Task.MASK_REVIEW,
                    view.view_id,
                    signals.of_agreement(pairs, label, tables.settings.min_agreement_dice),
                )


def _images(tables: Gathered) -> Found:
    """Each image against the report of its study, and what is thought of it."""
    for series_id, views in tables.by_series.items():
        states = tables.states_of(series_id)
        for view in views[:1]:
            yield Task.FINDING_BOXES, view.view_id, signals.against_report(_shown(tables, view), states)
            yield Task.FINDING_BOXES, view.view_id, _reported(tables, view.view_id, series_id)
        for view in views:
            yield Task.FINDING_BOXES, view.view_id, _thought(tables, view.view_id, states)
    for row in tables.rows(Radiograph):
        states = tables.states_of(row.series_id)
        yield Task.FINDING_BOXES, row.instance_id, _thought(tables, row.instance_id, states)
        if row.view in _FRONTAL:
            yield Task.FINDING_BOXES, row.instance_id, _reported(tables, row.instance_id, row.series_id)


def _reported(tables: Gathered, subject_id: str, series_id: str) -> list[Signal]:
    """What an image's own report leaves open, unless a model settles it, or calls faint."""
    mentions = tables.by_report.get(tables.report_of.get(series_id, ""), [])
    settled = opinions.settled(tables.opinions.get(subject_id, []))
    open_labels = signals.undecided(tables.states_of(series_id), signals.REPORT_UNDECIDED, settled)
    return open_labels + signals.faint(mentions)


def _shown(tables: Gathered, view: View) -> dict[str, bool]:
    """CheXpert labels that measurements and readers of the CT decide; that readers marked nothing says nothing."""
    shown = {
        _SHOWN[row.measure]: row.positive
        for row in tables.measured.get(view.view_id, [])
        if row.measure in _SHOWN and row.positive is not None
    }
    if any(row.finding == _NODULE for row in tables.objects.get(view.series_id, {}).values()):
        shown[_LESION] = True
    return shown


def _thought(tables: Gathered, subject_id: str, states: Mapping[str, State]) -> list[Signal]:
    said, margin = tables.opinions.get(subject_id, []), tables.settings.probability_margin
    return [
        *opinions.against_report(said, states, margin),
        *opinions.of_opinions(said, {}, opinions.ON_IMAGES, margin),
    ]


def _measurements(tables: Gathered) -> Found:
    margin = tables.settings.measurement_margin
    by_series = grouped(tables.rows(CtMeasurement), lambda row: row.series_id)
    truths = {series_id: {row.measure: row for row in rows} for series_id, rows in by_series.items()}
    held: dict[str, list[signals.Pair]] = {
        view_id: signals.pairs(rows, truths.get(tables.views[view_id].series_id, {}))
        for view_id, rows in tables.measured.items()
    }
    errors = signals.usual(pair for pairs in held.values() for pair in pairs)
    for view_id, rows in tables.measured.items():
        fired = [*signals.near_threshold(rows, margin), *signals.film_against_ct(held[view_id], errors, margin)]
        yield Task.MEASUREMENT_REVIEW, view_id, fired


def _splits(tables: Gathered) -> Found:
    """What readers were asked before and did not agree on."""
    for row in tables.rows(Decision):
        if row.verdict is Verdict.SPLIT:
            yield row.task, row.subject_id, [Signal(READERS_SPLIT, 1.0, (row.question,))]
