"""What a reader starts from: the marks that stages have made of a case, in original pixels and characters.

The score is of what made the marks and never of why the case is asked: a reader who saw it could tell a control case.
Of places that may show text nothing is proposed: a guess would be believed. Marks have the form in which they come
back from Label Studio (``labeling.studio.results``): those that a reader leaves as they are come back equal.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean

from curation.records import (
    CHEXPERT,
    Assertion,
    CtQuality,
    Mask,
    Measurement,
    Mention,
    Radiograph,
    ReadingCase,
    ReportLabel,
    Task,
    ViewQuality,
)
from curation.workspace import Workspace
from labeling.asking import forms
from labeling.asking.asked import Proposal
from labeling.asking.boxes import boxes, boxes_unread
from labeling.asking.chosen import distance, masks_asked, measures_asked
from labeling.asking.starts import Propose, by_stages
from labeling.asking.subjects import (
    by,
    mentions_of,
    reports_of,
    rows_of,
    subject_ids,
    views_of,
)
from labeling.asking.words import FLAWS, MEASURED_FLAWS, ORIENTATIONS, STATES, VIEW_POSITIONS
from labeling.marks import Mark

_NO_SURER = 0.5
"""Score of a measurement at its limit."""


def propose(workspace: Workspace, cases: Sequence[ReadingCase], shows_report: bool = False) -> dict[str, Proposal]:
    """By case, the marks to start from; a case for which there are none is left out.

    Boxes come from the study's report only if readers see it: else a box would tell them what it says.
    """
    found = {}
    for task, make in (_PROPOSALS | ({} if shows_report else {Task.FINDING_BOXES: boxes_unread})).items():
        rows = [row for row in cases if row.task is task]
        if rows:
            proposed = make(workspace, rows)
            made = {row.case_id: proposed(row) for row in rows}
            found.update({case_id: proposal for case_id, proposal in made.items() if proposal and proposal.marks})
    return found


# --- reports ---------------------------------------------------------------------------------------------


def _labels(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """Spans of current mentions, each with its assertion, and a state for each CheXpert label.

    The score is the share of mentions that do not hedge.
    """
    mentions, reports = mentions_of(workspace, cases), reports_of(workspace, cases)
    labels = by(
        rows_of(ReportLabel, workspace, "report_id", subject_ids(cases), lambda row: row.label_set == CHEXPERT),
        "report_id",
    )
    version = by_stages(workspace, "mine")

    def make(case: ReadingCase) -> Proposal | None:
        if case.subject_id not in reports:
            return None
        said = mentions.get(case.subject_id, [])
        choices = [Mark(row.label, (STATES[row.state],)) for row in labels.get(case.subject_id, [])]
        spans = [mark for number, mention in enumerate(said, start=1) for mark in _span(mention, str(number))]
        sure = [mention.assertion is not Assertion.UNCERTAIN for mention in said]
        return Proposal((*spans, *choices), version, round(fmean(sure), 4) if sure else None)

    return make


def _span(mention: Mention, region: str) -> Iterator[Mark]:
    yield Mark("finding", (mention.finding,), region, span=(mention.start, mention.end))
    yield Mark("assertion", (mention.assertion.value,), region)


# --- masks -----------------------------------------------------------------------------------------------


def _masks(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """The masks in question; the score is the mean of theirs."""
    views, asked = views_of(workspace, cases), masks_asked(workspace, cases)
    named = {(row.subject_id, mask.label) for row in cases for mask in asked[row.case_id]}
    rows = rows_of(Mask, workspace, "view_id", views, lambda row: (row.view_id, row.label) in named)
    masks = {(row.view_id, row.label): row for row in rows if row.area_px}
    version = by_stages(workspace, "project")

    def make(case: ReadingCase) -> Proposal | None:
        view, shown = views.get(case.subject_id), asked[case.case_id]
        if view is None:
            return None
        there = [masks[key] for mask in shown if (key := (view.view_id, mask.label)) in masks]
        marks = [Mark("mask", (row.label,), rle=row.rle, size=(view.rows, view.columns)) for row in there]
        return Proposal(tuple(marks), version, round(fmean(mask.score for mask in shown), 4) if shown else None)

    return make


# --- quality ---------------------------------------------------------------------------------------------


def _quality(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """View position, and of projected views orientation and flaws; whether it is usable is the reader's to say."""
    of_views, of_radiographs = _view_quality(workspace, cases), _radiograph_quality(workspace, cases)
    return lambda case: of_views(case) or of_radiographs(case)


def _view_quality(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    views = views_of(workspace, cases)
    quality = {row.view_id: row for row in rows_of(ViewQuality, workspace, "view_id", views)}
    series = {row.series_id for row in views.values()}
    scans = {row.series_id: row for row in rows_of(CtQuality, workspace, "series_id", series)}
    positive = by(rows_of(Measurement, workspace, "view_id", views, lambda row: row.positive is True), "view_id")
    version = by_stages(workspace, "project", "measure")

    def make(case: ReadingCase) -> Proposal | None:
        view = views.get(case.subject_id)
        if view is None:
            return None
        whole, scan = quality.get(view.view_id), scans.get(view.series_id)
        marks = [Mark("view", (VIEW_POSITIONS.get(view.view, "other"),))]
        marks += [Mark("orientation", (ORIENTATIONS[whole.orientation],))] if whole else []
        ids = [*(whole.reasons if whole else ()), *(scan.reasons if scan else ())]
        measures = [row.measure for row in positive.get(view.view_id, [])]
        return Proposal((*marks, *_flaws(ids, measures)), version, whole.score if whole else None)

    return make


def _flaws(rule_ids: Iterable[str], measures: Iterable[str]) -> Iterator[Mark]:
    flaws = {FLAWS[rule_id] for rule_id in rule_ids if rule_id in FLAWS}
    flaws |= {MEASURED_FLAWS[measure] for measure in measures if measure in MEASURED_FLAWS}
    if flaws:
        yield Mark("flaws", tuple(flaw for flaw in forms.FLAWS if flaw in flaws))


def _radiograph_quality(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    rows = rows_of(Radiograph, workspace, "instance_id", subject_ids(cases), lambda row: bool(row.view))
    positions = {row.instance_id: VIEW_POSITIONS.get(row.view, "other") for row in rows}
    version = by_stages(workspace, "catalog")

    def make(case: ReadingCase) -> Proposal | None:
        position = positions.get(case.subject_id)
        return Proposal((Mark("view", (position,)),), version, None) if position else None

    return make


# --- measurements ----------------------------------------------------------------------------------------


def _measurements(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """Landmarks of what is in question, and the verdict.

    The score is 0.5 at the limit and 1 from ``route.measurement_margin`` on.
    """
    views, asked = views_of(workspace, cases), measures_asked(workspace, cases)
    version, margin = by_stages(workspace, "measure"), workspace.settings.route.measurement_margin

    def make(case: ReadingCase) -> Proposal | None:
        view, rows = views.get(case.subject_id), asked[case.case_id]
        if view is None or not rows:
            return None
        points = [mark for row in rows for mark in _points(row, (view.rows, view.columns))]
        far = min(map(distance, rows))
        score = _NO_SURER + (1 - _NO_SURER) * (min(far / margin, 1) if margin else 1)
        return Proposal((*points, Mark("verdict", (_verdict(rows),))), version, round(score, 4))

    return make


def _points(row: Measurement, size: tuple[int, int]) -> Iterator[Mark]:
    places = zip(row.points_px[::2], row.points_px[1::2], strict=True)
    return (Mark("landmark", (row.measure,), point_px=place, size=size) for place in places)


def _verdict(rows: Iterable[Measurement]) -> str:
    verdicts = {row.positive for row in rows if row.value is not None}
    if not verdicts:
        return "cannot be measured"
    return "positive" if True in verdicts else "negative"


_PROPOSALS: dict[Task, Callable[[Workspace, Sequence[ReadingCase]], Propose]] = {
    Task.LABEL_REVIEW: _labels,
    Task.MASK_REVIEW: _masks,
    Task.FINDING_BOXES: boxes,
    Task.QUALITY_CHECK: _quality,
    Task.MEASUREMENT_REVIEW: _measurements,
}
