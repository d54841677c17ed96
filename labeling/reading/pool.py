"""Which cases go into a batch (routed, control, gold), and which stay out because somebody has them already."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from curation.deid.review import Review
from curation.records import (
    AnnotationEvent,
    Case,
    Decision,
    Radiograph,
    ReadingCase,
    ReportLink,
    Role,
    Series,
    Task,
    Verdict,
    View,
)
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.asking.digests import digests
from labeling.reading.ledger import Given, all_given, ledger_of
from labeling.reading.progress import reads
from labeling.routing.population import control, population
from labeling.routing.priority import case_id_of
from labeling.routing.select import select

_TEXT = "text may stand in these pixels"
_GOLD_READERS = 3
"""Readers who must agree before their answer measures another's (VinDr-CXR's number for training images)."""


@dataclass(frozen=True)
class Wanted:
    """How many of which cases."""

    task: Task
    n_cases: int
    control: float
    """Share of ``n_cases`` that is drawn at random from all subjects of the task."""
    subjects: frozenset[str]
    """Reports, views, radiographs, studies, series or patients that the batch is limited to; empty: no limit."""
    seed: int


@dataclass(frozen=True)
class Chosen:
    """A case, why it is in the batch, and what its subject is now."""

    case: Case
    role: Role
    subject_digest: str
    known_to: frozenset[str] = frozenset()
    """Readers who may not be asked: they made the answer that it measures."""


def choose(workspace: Workspace, wanted: Wanted) -> list[Chosen]:
    """Routed cases, the first to be read first, then control cases; none that is with a reader, read or decided.

    Where ``subjects`` limits the batch, those that were not routed are drawn until there are enough. Cases whose
    subject is gone are left out.
    """
    taken = taken_cases(workspace, wanted.task)
    if wanted.task is Task.PHI_REVIEW:
        waiting = [row for row in _waiting(workspace) if row.case_id not in taken]
        return _there(workspace, [(row, Role.ROUTED) for row in waiting[: wanted.n_cases]])
    n_cases = wanted.n_cases
    if wanted.subjects:
        known = names(workspace, wanted.task)
        outside = {subject for subject, own in known.items() if own.isdisjoint(wanted.subjects)}
        taken |= {case_id_of(wanted.task, subject) for subject in outside}
        n_cases = min(n_cases, sum(case_id_of(wanted.task, subject) not in taken for subject in known))
    n_routed = n_cases - round(wanted.control * n_cases)
    cases = (row for row in read_rows(Case, workspace.tables("route")) if row.task is wanted.task)
    routed = select(cases, n_routed, taken, wanted.seed)
    n_drawn = n_cases - (len(routed) if wanted.subjects else n_routed)
    drawn = control(workspace, wanted.task, taken | {row.case_id for row in routed}, n_drawn, wanted.seed)
    return _there(workspace, [*((row, Role.ROUTED) for row in routed), *((row, Role.CONTROL) for row in drawn)])


def _there(workspace: Workspace, cases: list[tuple[Case, Role]]) -> list[Chosen]:
    found = digests(workspace, [row for row, _ in cases])
    return [Chosen(row, role, found[row.case_id]) for row, role in cases if found[row.case_id]]


def names(workspace: Workspace, task: Task) -> dict[str, frozenset[str]]:
    """What each subject of a routed task can be named by: itself, its patient, its study, its series."""
    of_series = {row.series_id: (row.series_id, row.study_id) for row in read_rows(Series, workspace.tables("catalog"))}
    known: dict[str, tuple[str, ...]] = {
        row.report_id: (row.study_id,) for row in read_rows(ReportLink, workspace.tables("catalog"))
    }
    for radiograph in read_rows(Radiograph, workspace.tables("catalog")):
        known[radiograph.instance_id] = of_series[radiograph.series_id]
    for view in read_rows(View, workspace.tables("project")):
        known[view.view_id] = of_series[view.series_id]
    return {
        subject: frozenset({subject, patient, *known.get(subject, ())})
        for subject, patient in population(workspace, task).items()
    }


def _waiting(workspace: Workspace) -> Iterable[Case]:
    """Places that may show text, the surest first; whose they are is not known to the review."""
    for place in Review(workspace.vault).waiting():
        name = place.case_id
        score = round(place.score, 4)
        yield Case(case_id_of(Task.PHI_REVIEW, name), Task.PHI_REVIEW, name, "", score, score, 0.0, (), (), (_TEXT,))


def strangers(workspace: Workspace, wanted: Wanted) -> int:
    """How many of the named ``subjects`` are nothing that the task could ask about."""
    if not wanted.subjects:
        return 0
    return len(wanted.subjects.difference(*names(workspace, wanted.task).values()))


# --- who has what ----------------------------------------------------------------------------------------


def taken_cases(workspace: Workspace, task: Task) -> frozenset[str]:
    """Cases of a task, by id, that somebody has, has read, or whose subject is decided."""
    taken = {case_id_of(task, row.subject_id) for row in decisions(workspace, task)}
    taken |= {row.case_id for one in all_given(workspace) if one.batch.task is task for row in one.assignments}
    found = reads(ledger_of(workspace, task).rows(AnnotationEvent)).values()
    return frozenset(taken | {event.case_id for event in found if not event.case_changed})


def decisions(workspace: Workspace, task: Task) -> list[Decision]:
    """What ``decide`` made of a task's answers."""
    return [row for row in read_rows(Decision, workspace.tables("decide")) if row.task is task]


def gold(workspace: Workspace, task: Task) -> list[Chosen]:
    """Cases whose answers can measure a reader: every question adjudicated, or agreed on by three or more.

    Cases that were changed since are none. In order of case.
    """
    by_subject: dict[str, list[Decision]] = {}
    for row in decisions(workspace, task):
        by_subject.setdefault(row.subject_id, []).append(row)
    sure = {subject for subject, rows in by_subject.items() if all(map(_is_sure, rows))}
    asked: dict[str, ReadingCase] = {}
    batches = [one for one in all_given(workspace) if one.batch.task is task]
    for one in batches:
        asked |= {row.subject_id: row for row in one.cases.values() if row.role in {Role.ROUTED, Role.CONTROL}}
    rows = sorted((row for subject, row in asked.items() if subject in sure), key=lambda row: row.case_id)
    now = digests(workspace, rows)
    return [
        Chosen(_as_case(row), Role.GOLD, row.subject_digest, _knowing(row, batches, by_subject[row.subject_id]))
        for row in rows
        if now[row.case_id] == row.subject_digest
    ]


def _is_sure(row: Decision) -> bool:
    return row.verdict is Verdict.ADJUDICATED or (row.verdict is Verdict.AGREED and row.n_readers >= _GOLD_READERS)


def _as_case(row: ReadingCase) -> Case:
    return Case(
        case_id=row.case_id,
        task=row.task,
        subject_id=row.subject_id,
        patient_id=row.patient_id,
        priority=row.priority,
        uncertainty=row.priority,
        rarity=0.0,
        findings=row.findings,
        rule_ids=row.rule_ids,
        reasons=row.reasons,
    )


def _knowing(row: ReadingCase, batches: Collection[Given], rows: Iterable[Decision]) -> frozenset[str]:
    given_to = {one.reader_id for batch in batches for one in batch.assignments if one.case_id == row.case_id}
    return frozenset(given_to.union(*(decision.reader_ids for decision in rows)))
