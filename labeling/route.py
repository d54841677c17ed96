"""Route: which reports, images and objects a reader is asked about, and why.

Reads ``reports`` (deid), ``series`` (catalog), ``mentions`` (mine), ``consensus`` and ``agreement`` (consensus),
``views``, ``masks``, ``mask_quality``, ``view_quality`` and ``ct_quality`` (project), ``measurements`` (measure).
Writes ``cases``, and beside them, in ``tasks/``, files that Label Studio imports as they are: ``labeling.tasks``. What
makes a case, its weight and its reason are data: ``rules/routing.tsv``.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product, starmap

from curation.records import (
    Agreement,
    Assertion,
    Case,
    Consensus,
    CtQuality,
    MaskQuality,
    Measurement,
    Mention,
    Record,
    Report,
    Series,
    View,
    ViewQuality,
)
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.mining.lexicon import read_rules
from labeling.tasks import finish, grouped

HEDGED = "route.hedged"
CONFLICT = "route.conflict"
NEAR_THRESHOLD = "route.near_threshold"
DISAGREEMENT = "route.disagreement"
MASK_QUALITY = "route.mask_quality"
VIEW_QUALITY = "route.view_quality"
CT_QUALITY = "route.ct_quality"
_OF_NO_USE = {"view_mirrored", "view_upside_down", "view_no_lungs"}
"""What is wrong with a whole view: there no mask is to be corrected, its input is."""


@dataclass(frozen=True)
class RouteRule:
    """A row of ``rules/routing.tsv``."""

    rule_id: str
    task: str
    weight: float
    reason: str


@cache
def route_rules() -> dict[str, RouteRule]:
    """The rules by id."""
    return {
        row["rule_id"]: RouteRule(row["rule_id"], row["task"], float(row["weight"]), row["reason"])
        for row in read_rules("routing")
    }


# --- what fires: rule id to strength, 0 to 1 ----------------------------------------------


def report_strengths(mentions: Iterable[Mention]) -> dict[str, float]:
    """What a report's mentions ask: more hedged findings, or more findings in conflict, ask louder."""
    said: dict[tuple[str, Assertion], list[Mention]] = defaultdict(list)
    for mention in mentions:
        said[mention.finding, mention.assertion].append(mention)
    hedged = {finding for finding, assertion in said if assertion is Assertion.UNCERTAIN}
    conflicts = {
        finding
        for finding, assertion in said
        if assertion is Assertion.PRESENT
        and any(starmap(_contradict, product(said[finding, assertion], said.get((finding, Assertion.ABSENT), []))))
    }
    return {
        rule_id: 1 - 0.5 ** len(findings) for rule_id, findings in ((HEDGED, hedged), (CONFLICT, conflicts)) if findings
    }


def _contradict(present: Mention, absent: Mention) -> bool:
    """Whether both can not be true: "no large effusion" leaves room for a small one, "no left" for a right one."""
    if absent.severity or (absent.location and absent.location != present.location):
        return False
    return not absent.laterality or absent.laterality == present.laterality


def measurement_strengths(measurements: Iterable[Measurement], margin: float) -> dict[str, float]:
    """How near the nearest measurement of a view is to a limit, within ``margin``, a share of the limit."""
    distances = [
        abs(row.value - limit) / abs(limit)
        for row in measurements
        if row.value is not None
        for limit in row.thresholds
        if limit
    ]
    near = [1 - distance / margin if margin else 1.0 for distance in distances if distance <= margin]
    return {NEAR_THRESHOLD: max(near)} if near else {}


def agreement_strengths(agreement: Iterable[Agreement], least: float) -> dict[str, float]:
    """How far the worst pair of readers of an object is below the least accepted Dice coefficient."""
    worst = min((row.dice for row in agreement), default=1.0)
    return {DISAGREEMENT: 1 - worst / least} if worst < least else {}


def quality_strengths(view: ViewQuality, masks: Iterable[MaskQuality], ct: CtQuality, least: float) -> dict[str, float]:
    """What a view and its masks ask; ``least`` is the least score that is accepted of a view and of a CT.

    A poor CT adds to what is wrong with its views, and makes no case of a view that is well.
    """
    strengths = {VIEW_QUALITY: 1 - view.score / least} if view.score < least else {}
    calm = math.prod(1 - row.priority for row in sorted(masks, key=lambda row: row.label))
    if calm < 1 and not _OF_NO_USE & {*view.reasons}:
        strengths[MASK_QUALITY] = 1 - calm
    if strengths and ct.score < least:
        strengths[CT_QUALITY] = 1 - ct.score / least
    return strengths


def case(subject_id: str, patient_id: str, strengths: dict[str, float]) -> Case:
    """The case of a subject for which rules fired; all of one task."""
    fired = [route_rules()[rule_id] for rule_id in sorted(strengths)]
    calm = 1.0
    for rule in fired:
        calm *= 1 - rule.weight * strengths[rule.rule_id]
    task = fired[0].task
    return Case(
        case_id=digest(task, subject_id)[:24],
        task=task,
        subject_id=subject_id,
        patient_id=patient_id,
        priority=round(1 - calm, 4),
        rule_ids=tuple(rule.rule_id for rule in fired),
        reasons=tuple(rule.reason for rule in fired),
    )


# --- the stage -------------------------------------------------------------------------------------------


def plan(workspace: Workspace) -> list[Item]:
    """One item per report, view or object for which a rule fires."""
    cases = [
        *_report_cases(workspace),
        *_view_cases(workspace),
        *_projection_cases(workspace),
        *_object_cases(workspace),
    ]
    return [Item(f"{row.task}/{row.subject_id}", digest(row), row) for row in cases]


def _report_cases(workspace: Workspace) -> Iterator[Case]:
    patients = {report.report_id: report.patient_id for report in read_rows(Report, workspace.tables("deid"))}
    current = (row for row in read_rows(Mention, workspace.tables("mine")) if row.is_current)
    for report_id, mentions in grouped(current, lambda row: row.report_id):
        if strengths := report_strengths(mentions):
            yield case(report_id, patients[report_id], strengths)


def _view_cases(workspace: Workspace) -> Iterator[Case]:
    patients = _patients_of_series(workspace)
    series_of = {view.view_id: view.series_id for view in read_rows(View, workspace.tables("project"))}
    margin = workspace.settings.route.measurement_margin
    for view_id, rows in grouped(read_rows(Measurement, workspace.tables("measure")), lambda row: row.view_id):
        if strengths := measurement_strengths(rows, margin):
            yield case(view_id, patients[series_of[view_id]], strengths)


def _projection_cases(workspace: Workspace) -> Iterator[Case]:
    patients, folder = _patients_of_series(workspace), workspace.tables("project")
    series_of = {view.view_id: view.series_id for view in read_rows(View, folder)}
    scans = {row.series_id: row for row in read_rows(CtQuality, folder)}
    masks = dict(grouped(read_rows(MaskQuality, folder), lambda row: row.view_id))
    for view in read_rows(ViewQuality, folder):
        series_id = series_of[view.view_id]
        strengths = quality_strengths(
            view, masks.get(view.view_id, []), scans[series_id], workspace.settings.route.min_quality
        )
        if strengths:
            yield case(view.view_id, patients[series_id], strengths)


def _object_cases(workspace: Workspace) -> Iterator[Case]:
    patients = _patients_of_series(workspace)
    tables = workspace.tables("consensus")
    series_of = {row.consensus_id: row.series_id for row in read_rows(Consensus, tables)}
    least = workspace.settings.route.min_agreement_dice
    for consensus_id, rows in grouped(read_rows(Agreement, tables), lambda row: row.consensus_id):
        if strengths := agreement_strengths(rows, least):
            yield case(consensus_id, patients[series_of[consensus_id]], strengths)


def _patients_of_series(workspace: Workspace) -> dict[str, str]:
    return {row.series_id: row.patient_id for row in read_rows(Series, workspace.tables("catalog"))}


def one(batch: Batch, item: Item) -> Iterator[Record]:  # noqa: ARG001 - a stage's signature
    """The case that the plan found."""
    yield item.payload


STAGE = Stage(
    name="route",
    writes=(Case,),
    plan=plan,
    one=one,
    finish=finish,
)
