"""Adjudication: cases that readers disagree on go to one more reader, who sees what each of them said, not who."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from curation.errors import InputError, UsageError
from curation.records import (
    AnnotationEvent,
    Decision,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Role,
    Verdict,
)
from curation.store import digest
from curation.workspace import Workspace
from labeling.asking.asked import Proposal
from labeling.asking.digests import digests
from labeling.marks import from_json
from labeling.reading.designs import Design
from labeling.reading.ledger import Given, all_given, given
from labeling.reading.make import Frozen, check_due, freeze, open_ledger, prediction
from labeling.reading.pool import decisions
from labeling.reading.progress import reads
from labeling.reading.queues import Turn

RULE_ID = "read.split"
"""Stands as the rule of cases that are adjudicated."""


@dataclass(frozen=True)
class Referred:
    """What went to adjudication."""

    batch: ReadingBatch
    n_cases: int
    n_questions: int
    changed: int
    """Split cases that were left out, because their subject is no longer what was read."""


@dataclass(frozen=True)
class Referral:
    """Which batch, to whom."""

    batch_id: str
    reader_id: str
    due: date | None = None
    allow_own: bool = False
    """The reader may be one of those who disagreed."""


def adjudicate(workspace: Workspace, referral: Referral, now: datetime) -> Referred:
    """Make a batch of a batch's split cases, ``NAME-adjudication`` (then ``-2``, ``-3`` …), the most split first.

    Cases that are with an adjudicator already are left out. Raises InputError if there is none, UsageError if the
    reader is one of those who disagreed.
    """
    check_due(referral.due, now.date())
    with workspace.lock("reading"):
        parent = given(workspace, referral.batch_id)
        split = _split(workspace, parent)
        if not split:
            raise InputError(
                "no decision of this batch is split and without an adjudicator: `paxflow read sync` and "
                "`paxflow run decide` bring decisions up to date"
            )
        stands = _unchanged(workspace, [parent.cases[case_id] for case_id in sorted(split)])
        shown = _reads_of(workspace, parent, [row.case_id for row in stands])
        _check_reader(workspace, referral, shown)
        name = _free_name(workspace, f"{parent.batch.batch_id}-adjudication")
        cases = [_referred(name, row, split[row.case_id]) for row in stands]
        order = sorted(cases, key=lambda row: (-row.priority, row.case_id))
        frozen = Frozen(
            _batch(parent.batch, name, referral, now),
            cases,
            [one for row in cases for one in _predictions(row, shown.get(row.case_id, ()))],
            {referral.reader_id: [Turn(row.case_id, 0) for row in order]},
        )
        freeze(open_ledger(workspace, name, parent.batch.task), frozen)
    n_questions = sum(len(split[row.case_id]) for row in cases)
    return Referred(frozen.batch, len(cases), n_questions, len(split) - len(cases))


def _split(workspace: Workspace, parent: Given) -> dict[str, list[Decision]]:
    """Split decisions about the parent's cases that are with no adjudicator, by case."""
    cases = {row.subject_id: row.case_id for row in parent.cases.values()}
    batches = [one for one in all_given(workspace) if one.batch.task is parent.batch.task]
    referred = {
        row.case_id for one in batches for row in one.assignments if one.cases[row.case_id].role is Role.ADJUDICATION
    }
    found: dict[str, list[Decision]] = defaultdict(list)
    for row in decisions(workspace, parent.batch.task):
        case_id = cases.get(row.subject_id, "")
        if row.verdict is Verdict.SPLIT and case_id and case_id not in referred:
            found[case_id].append(row)
    return found


def _unchanged(workspace: Workspace, rows: list[ReadingCase]) -> list[ReadingCase]:
    now = digests(workspace, rows)
    found = [row for row in rows if now[row.case_id] == row.subject_digest]
    if not found:
        raise InputError("every split case of this batch has changed since it was read: give it out anew")
    return found


def _reads_of(workspace: Workspace, parent: Given, case_ids: Iterable[str]) -> dict[str, list[AnnotationEvent]]:
    """Each reader's last read of a case, of any batch; hidden repeats and reads as gold do not count."""
    asked = {*case_ids}
    counted = {
        row.assignment_id: row
        for one in all_given(workspace)
        for row in one.assignments
        if row.case_id in asked and not row.repeat and one.cases[row.case_id].role in {Role.ROUTED, Role.CONTROL}
    }
    last: dict[tuple[str, str], AnnotationEvent] = {}
    for event in sorted(reads(parent.ledger.rows(AnnotationEvent)).values(), key=lambda event: event.at):
        if event.assignment_id in counted and not event.case_changed:
            last[event.case_id, event.reader_id] = event
    found: dict[str, list[AnnotationEvent]] = defaultdict(list)
    for (case_id, _), event in last.items():
        found[case_id].append(event)
    return found


def _check_reader(workspace: Workspace, referral: Referral, shown: Mapping[str, list[AnnotationEvent]]) -> None:
    read = {case_id for case_id, events in shown.items() if any(one.reader_id == referral.reader_id for one in events)}
    rows = (row for one in all_given(workspace) for row in one.assignments)
    own = len(read | {row.case_id for row in rows if row.reader_id == referral.reader_id and row.case_id in shown})
    if own and not referral.allow_own:
        raise UsageError(
            f"this reader has {own} of the {len(shown)} split cases, read or still to read: name another, or allow it"
        )


def _free_name(workspace: Workspace, name: str) -> str:
    taken = {one.batch.batch_id for one in all_given(workspace)}
    names = [name, *(f"{name}-{number}" for number in range(2, len(taken) + 2))]
    return next(one for one in names if one not in taken)


def _batch(parent: ReadingBatch, name: str, referral: Referral, now: datetime) -> ReadingBatch:
    return ReadingBatch(
        batch_id=name,
        task=parent.task,
        reader_ids=(referral.reader_id,),
        design=Design.ALL,
        readers_per_case=1,
        test_readers=0,
        shows_report=parent.shows_report,
        seed=parent.seed,
        due=referral.due,
        parent_batch_id=parent.batch_id,
        made_at=now,
    )


def _referred(batch_id: str, row: ReadingCase, split: list[Decision]) -> ReadingCase:
    questions = tuple(sorted({one.question for one in split}))
    return ReadingCase(
        batch_id=batch_id,
        case_id=row.case_id,
        task=row.task,
        subject_id=row.subject_id,
        patient_id=row.patient_id,
        role=Role.ADJUDICATION,
        priority=round(1 - min(one.share for one in split), 4),
        findings=row.findings,
        rule_ids=(RULE_ID,),
        reasons=(f"readers disagree on {', '.join(questions)}",),
        subject_digest=row.subject_digest,
    )


def _predictions(row: ReadingCase, events: Iterable[AnnotationEvent]) -> Iterable[ReadingPrediction]:
    """``read 1``, ``read 2`` …, in an order drawn anew for each case, so that a number is no person."""
    hidden = sorted(events, key=lambda event: digest(row.batch_id, row.case_id, event.reader_id))
    for number, event in enumerate(hidden, 1):
        proposal = Proposal(from_json(event.marks), f"read {number}", None)
        yield prediction(row.batch_id, row.case_id, proposal, event.event_id)
