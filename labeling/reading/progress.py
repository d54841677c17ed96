"""Progress: what stands of what readers did, how fast they are, and when they will be done."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

from curation.records import AnnotationEvent, Assignment, EventKind, ReaderAgreement
from labeling.reading.ledger import Given

_PAUSE = timedelta(minutes=30)
"""A longer gap between two reads is no work."""
_DAY = timedelta(days=1)


class State(StrEnum):
    """How far an assignment is."""

    LEFT = "left"
    DONE = "done"
    SKIPPED = "skipped"


def last_events(events: Iterable[AnnotationEvent]) -> dict[str, AnnotationEvent]:
    """By assignment, the last event of the latest annotation that its own reader made and that still is there.

    What another user did in a reader's project does not count, unless it is that an annotation was deleted.
    """
    last: dict[tuple[str, str], AnnotationEvent] = {}
    for event in sorted(events, key=lambda event: (event.at, event.event_id)):
        own = event.author_id == event.reader_id or event.kind is EventKind.DELETED
        if own and event.kind is not EventKind.WITHDRAWN:
            last[event.assignment_id, event.annotation_id] = event
    there = (event for event in last.values() if event.kind is not EventKind.DELETED)
    return {event.assignment_id: event for event in sorted(there, key=lambda event: (event.at, event.event_id))}


def reads(events: Iterable[AnnotationEvent]) -> dict[str, AnnotationEvent]:
    """By assignment, the read that stands: of ``last_events`` those that were not skipped."""
    found = last_events(events)
    return {name: event for name, event in found.items() if event.kind is not EventKind.SKIPPED}


def state(event: AnnotationEvent | None) -> State:
    """Of an assignment, by its entry in ``last_events``."""
    if event is None:
        return State.LEFT
    return State.SKIPPED if event.kind is EventKind.SKIPPED else State.DONE


@dataclass(frozen=True)
class Progress:
    """One reader in one batch."""

    reader_id: str
    given: int
    done: int
    skipped: int
    left: int
    overdue: int
    """Cases left whose deadline has passed."""
    per_hour: float | None
    """Cases per hour of work: pauses of more than half an hour are none."""
    median_seconds: float | None
    repeat_share: float | None
    """Of hidden repeats answered as before, over all batches of the task; None before ``decide``."""
    gold_share: float | None
    """Of gold cases answered as decided; likewise."""
    ready: date | None
    """When nothing will be left, at the pace since the first case; None if there is no pace, or nothing left."""


def progress(
    given: Given, events: Iterable[AnnotationEvent], agreement: Sequence[ReaderAgreement], now: datetime
) -> list[Progress]:
    """Each reader who has cases of a batch, sorted by pseudonym."""
    last = last_events(events)
    queues: dict[str, list[Assignment]] = defaultdict(list)
    for row in given.assignments:
        queues[row.reader_id].append(row)
    own = [row for row in agreement if row.task is given.batch.task]
    return [_of_reader(queue, last, own, now) for _, queue in sorted(queues.items())]


def _of_reader(
    queue: Sequence[Assignment],
    last: dict[str, AnnotationEvent],
    agreement: Iterable[ReaderAgreement],
    now: datetime,
) -> Progress:
    reader_id = queue[0].reader_id
    states = {row.assignment_id: state(last.get(row.assignment_id)) for row in queue}
    left = [row for row in queue if states[row.assignment_id] is State.LEFT]
    worked = sorted((last[row.assignment_id] for row in queue if row.assignment_id in last), key=lambda event: event.at)
    seconds = [event.seconds for event in worked if event.seconds is not None]
    shares = {row.measure: row.value for row in agreement if row.reader_a == reader_id and row.question == "(all)"}
    values = list(states.values())
    return Progress(
        reader_id=reader_id,
        given=len(queue),
        done=values.count(State.DONE),
        skipped=values.count(State.SKIPPED),
        left=len(left),
        overdue=sum(is_overdue(row, now) for row in left),
        per_hour=_per_hour(worked),
        median_seconds=median(seconds) if seconds else None,
        repeat_share=shares.get("repeat_percent"),
        gold_share=shares.get("gold_percent"),
        ready=_ready(worked, len(left), now),
    )


def is_overdue(row: Assignment, now: datetime) -> bool:
    """Whether the day until which it was due is over, in UTC."""
    return row.due is not None and now >= datetime.combine(row.due, time(), UTC) + _DAY


def _per_hour(worked: Sequence[AnnotationEvent]) -> float | None:
    """Cases per hour: gaps between cases, and where there was a pause, or none before, the case's own seconds."""
    own = [timedelta(seconds=event.seconds or 0) for event in worked]
    gaps = [None, *(later.at - earlier.at for earlier, later in pairwise(worked))]
    spent = sum(
        (alone if gap is None or gap > _PAUSE else gap for alone, gap in zip(own, gaps, strict=False)), _DAY * 0
    )
    return len(worked) / (spent / timedelta(hours=1)) if spent else None


def _ready(worked: Sequence[AnnotationEvent], left: int, now: datetime) -> date | None:
    if not worked or not left:
        return None
    per_day = len(worked) / max((now - worked[0].at) / _DAY, 1)
    return (now + timedelta(days=left / per_day)).date()
