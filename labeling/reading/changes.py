"""Changes of who reads what: take cases back, or give them to another reader. Nothing is ever removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from curation.errors import UsageError
from curation.records import AnnotationEvent, Assignment, EventKind
from curation.store import digest
from curation.workspace import Workspace
from labeling.marks import to_json
from labeling.reading.ledger import Given, all_given, given
from labeling.reading.progress import State, is_overdue, last_events, reads, state


@dataclass(frozen=True)
class Moved:
    """What became of the cases that were to go to another reader."""

    moved: int
    kept: int
    """They stay: the other reader has them, or has read them."""
    dropped: int
    """Hidden repeats that are taken back: only who read a case first can repeat it."""


@dataclass(frozen=True)
class Which:
    """Which of a reader's cases: all that are left, or fewer."""

    overdue: bool = False
    """Only those whose deadline has passed."""
    case_ids: frozenset[str] = frozenset()
    """Only these; skipped ones too."""
    due: date | None = None
    """A new deadline; None keeps the old one."""


def reassign(workspace: Workspace, batch_id: str, readers: tuple[str, str], which: Which, now: datetime) -> Moved:
    """Give a reader's open cases of a batch to another; ``readers`` are from and to, by pseudonym.

    New assignments are written before old ones are taken back, so that after a kill the same call ends the work.
    Raises UsageError if there is nothing to give.
    """
    source, target = readers
    if source == target:
        raise UsageError("expected two different readers")
    with workspace.lock("reading"):
        batch = given(workspace, batch_id)
        queue = _asked(batch, source, which, now)
        names = {row.assignment_id: moved_id(row, target) for row in queue}
        known = _known(workspace, batch, target, frozenset(names.values()))
        firsts = {row.case_id for row in queue if not row.repeat}
        moving = [row for row in queue if row.case_id in firsts - known]
        dropped = [row for row in queue if row.case_id not in firsts]
        batch.ledger.append(Assignment, _given_on(batch, moving, target, which.due))
        batch.ledger.append(AnnotationEvent, [_withdrawn(row, now) for row in (*moving, *dropped)])
    return Moved(len(moving), len(queue) - len(moving) - len(dropped), len(dropped))


def withdraw(workspace: Workspace, batch_id: str, reader_id: str, now: datetime) -> int:
    """Take back what is left of a batch, of one reader or (empty) of all; returns how many cases.

    They are free for another batch. Raises UsageError if nothing is left.
    """
    with workspace.lock("reading"):
        batch = given(workspace, batch_id)
        last = last_events(batch.ledger.rows(AnnotationEvent))
        open_rows = [
            row
            for row in batch.assignments
            if reader_id in {"", row.reader_id} and state(last.get(row.assignment_id)) is State.LEFT
        ]
        if not open_rows:
            raise UsageError("nothing is left to take back: `paxflow read status` says who has what")
        batch.ledger.append(AnnotationEvent, [_withdrawn(row, now) for row in open_rows])
    return len(open_rows)


def moved_id(row: Assignment, reader_id: str) -> str:
    """The assignment that follows ``row``: giving a case back to who had it before is another one than the first."""
    return digest(row.assignment_id, reader_id)[:24]


def _asked(batch: Given, reader_id: str, which: Which, now: datetime) -> list[Assignment]:
    last = last_events(batch.ledger.rows(AnnotationEvent))
    own = [row for row in batch.assignments if row.reader_id == reader_id]
    unknown = which.case_ids - {row.case_id for row in own}
    if unknown:
        raise UsageError(f"{len(unknown)} of the named cases are not this reader's in this batch")
    found = [row for row in own if _is_asked(row, state(last.get(row.assignment_id)), which, now)]
    if not found:
        kind = "overdue" if which.overdue else "left"
        raise UsageError(f"this reader has no case {kind} in this batch: `paxflow read status` says who has what")
    return found


def _is_asked(row: Assignment, now_is: State, which: Which, now: datetime) -> bool:
    if which.overdue and not is_overdue(row, now):
        return False
    if which.case_ids:
        return row.case_id in which.case_ids and now_is is not State.DONE
    return now_is is State.LEFT


def _known(workspace: Workspace, batch: Given, reader_id: str, but: frozenset[str]) -> set[str]:
    """Cases that a reader has, or has read, in any batch; the assignments ``but`` are of this very change."""
    events = batch.ledger.rows(AnnotationEvent)
    read = {event.case_id for event in reads(events).values() if event.reader_id == reader_id}
    rows = (row for one in all_given(workspace) for row in one.assignments)
    return read | {row.case_id for row in rows if row.reader_id == reader_id and row.assignment_id not in but}


def _given_on(batch: Given, rows: Sequence[Assignment], reader_id: str, due: date | None) -> list[Assignment]:
    """At the end of the other reader's queue, in the order in which they stood."""
    start = 1 + max((row.position for row in batch.assignments if row.reader_id == reader_id), default=-1)
    return [
        Assignment(moved_id(row, reader_id), row.batch_id, row.case_id, reader_id, row.repeat, place, due or row.due)
        for place, row in enumerate(rows, start)
    ]


def _withdrawn(row: Assignment, now: datetime) -> AnnotationEvent:
    return AnnotationEvent(
        event_id=digest(EventKind.WITHDRAWN, row.assignment_id)[:24],
        assignment_id=row.assignment_id,
        batch_id=row.batch_id,
        case_id=row.case_id,
        annotation_id="",
        kind=EventKind.WITHDRAWN,
        at=now,
        reader_id=row.reader_id,
        author_id="",
        seconds=None,
        prediction_id="",
        case_changed=False,
        marks=to_json(()),
    )
