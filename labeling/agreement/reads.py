"""Reads: of each assignment, the answer that stands after all that happened to it.

A reader's answer is the last event that he made himself in his latest annotation. One that was skipped or deleted is no
answer; another user's change of it does not count; what came after an assignment was withdrawn does not either.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Role,
    Task,
)
from curation.store import digest
from labeling.marks import Mark, from_json
from labeling.reading.ledger import Ledger

_ORDER = {kind: place for place, kind in enumerate(EventKind)}
"""Of events of one moment: a withdrawal comes last."""
_VOTING = frozenset({Role.ROUTED, Role.CONTROL})
InBatch = tuple[str, str]
"""batch_id and case_id."""


@dataclass(frozen=True)
class Read:
    """One assignment with the event that stands for it."""

    assignment: Assignment
    case: ReadingCase
    event: AnnotationEvent
    shown: str
    """JSON of the marks that the reader started from; or empty."""

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """What the reader left."""
        return from_json(self.event.marks)

    @cached_property
    def proposed(self) -> tuple[Mark, ...]:
        """What the reader started from."""
        return from_json(self.shown) if self.shown else ()

    @property
    def merges(self) -> bool:
        """Whether it speaks of what the subject is now, and is no hidden repeat."""
        return not self.event.case_changed and not self.assignment.repeat

    @property
    def votes(self) -> bool:
        """Whether it is one of several equal answers; gold cases and repeats test the reader, not the case."""
        return self.merges and self.case.role in _VOTING

    @property
    def judges(self) -> bool:
        """Whether it decides what others were split on."""
        return self.merges and self.case.role is Role.ADJUDICATION

    @property
    def order(self) -> tuple[datetime, str]:
        """By when it was left."""
        return self.event.at, self.event.event_id


@dataclass(frozen=True)
class Trail:
    """All that was asked and answered of one task."""

    task: Task
    batches: dict[str, ReadingBatch]
    cases: dict[InBatch, ReadingCase]
    predictions: dict[InBatch, tuple[ReadingPrediction, ...]]
    assignments: tuple[Assignment, ...]
    events: dict[str, tuple[AnnotationEvent, ...]]
    """By assignment_id, in order of time."""

    def digest(self) -> str:
        """SHA-256 of all rows."""
        return digest(
            self.task,
            list(self.batches.values()),
            list(self.cases.values()),
            list(self.predictions.values()),
            self.assignments,
            list(self.events.values()),
        )


def trails(ledger: Ledger) -> list[Trail]:
    """The trail of each task that has an event, in order of task; rows of an unfinished batch are left out."""
    batches = {row.batch_id: row for row in ledger.rows(ReadingBatch)}
    cases = {(row.batch_id, row.case_id): row for row in ledger.rows(ReadingCase) if row.batch_id in batches}
    assignments = [row for row in ledger.rows(Assignment) if (row.batch_id, row.case_id) in cases]
    predictions: dict[InBatch, tuple[ReadingPrediction, ...]] = {}
    for row in ledger.rows(ReadingPrediction):
        key = row.batch_id, row.case_id
        predictions[key] = (*predictions.get(key, ()), row)
    events = _by_assignment(ledger.rows(AnnotationEvent))
    found = []
    for task in sorted(Task):
        own = {key: row for key, row in cases.items() if row.task is task}
        given = tuple(row for row in assignments if (row.batch_id, row.case_id) in own)
        happened = {row.assignment_id: events[row.assignment_id] for row in given if row.assignment_id in events}
        if happened:
            shown = {key: rows for key, rows in predictions.items() if key in own}
            names = {batch_id for batch_id, _ in own}
            kept = {name: row for name, row in batches.items() if name in names}
            found.append(Trail(task, kept, own, shown, given, happened))
    return found


def _by_assignment(events: Iterable[AnnotationEvent]) -> dict[str, tuple[AnnotationEvent, ...]]:
    groups: dict[str, list[AnnotationEvent]] = defaultdict(list)
    for event in sorted(events, key=lambda event: (event.at, _ORDER[event.kind], event.event_id)):
        groups[event.assignment_id].append(event)
    return {assignment_id: tuple(group) for assignment_id, group in groups.items()}


def standing(trail: Trail, before: datetime | None = None) -> list[Read]:
    """The reads that stand, or stood ``before`` a moment, in order of assignment."""
    reads = []
    for row in trail.assignments:
        events = trail.events.get(row.assignment_id, ())
        event = current(row.reader_id, (event for event in events if before is None or event.at < before))
        if event:
            key = row.batch_id, row.case_id
            reads.append(Read(row, trail.cases[key], event, _shown(event, trail.predictions.get(key, ()))))
    return reads


def current(reader_id: str, events: Iterable[AnnotationEvent]) -> AnnotationEvent | None:
    """The event that stands for an assignment, of its events in order of time; None where it has no answer."""
    last: dict[str, AnnotationEvent] = {}
    for event in events:
        if event.kind is EventKind.WITHDRAWN:
            break
        if event.kind is EventKind.DELETED:
            last.pop(event.annotation_id, None)
        elif event.author_id == reader_id:
            last.pop(event.annotation_id, None)
            last[event.annotation_id] = event  # the latest stands last
    latest = list(last.values())[-1:]
    return latest[0] if latest and latest[0].kind is not EventKind.SKIPPED else None


def _shown(event: AnnotationEvent, predictions: tuple[ReadingPrediction, ...]) -> str:
    """Marks of the prediction that an event names, or else of the only one there is."""
    named = [row.marks for row in predictions if row.prediction_id == event.prediction_id or len(predictions) == 1]
    return named[0] if named else ""
