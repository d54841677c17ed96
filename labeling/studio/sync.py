"""What readers have done, home as events. Running it again adds nothing, and after a crash it adds what is missing.

A project is asked for the tasks that changed since its last known event, less a minute for what was being written then.
If the server then counts other reads than the ledger, all of the project is looked through: so reads are found that
somebody deleted by hand. A read that is not there is asked for by its number before it counts as deleted, and none does
because a project or a server is gone.

Nothing that anybody typed comes home: ``labeling.studio.results`` takes the form's labels and places, nothing else.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from curation.deid.review import Review
from curation.errors import InputError, UsageError
from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReadingBatch,
    ReadingCase,
)
from curation.records import Task as Asked
from curation.store import digest
from curation.workspace import Workspace
from labeling.asking.asked import Form
from labeling.asking.digests import digests
from labeling.marks import from_json, to_json
from labeling.reading.ledger import Given, Ledger, given, ledgers
from labeling.studio.accounts import author_id
from labeling.studio.client import Project, Read, ReadTask, Server, known
from labeling.studio.connection import Connection
from labeling.studio.push import LOCK, form_for, in_order, mark_of
from labeling.studio.results import from_results

_OVERLAP = timedelta(minutes=1)
_MOMENT = timedelta(microseconds=1)
_NOTHING = (0, 0)


@dataclass(frozen=True)
class Synced:
    """New events by kind, and what was looked at."""

    submitted: int
    updated: int
    skipped: int
    deleted: int
    by_others: int
    """Of these, by another than the reader: they do not count as reads."""
    unreadable: int
    """Reads with an answer that the form does not offer: they stay on the server."""
    projects: int

    @property
    def events(self) -> int:
        """New events of any kind."""
        return self.submitted + self.updated + self.skipped + self.deleted


def sync(workspace: Workspace, connection: Connection) -> Synced:
    """Bring home what is new, of all batches; those of ``phi_review`` from a server in the vault's zone only."""
    with workspace.lock(LOCK), Server(connection) as server:
        desk = _Desk(workspace, server, list(server.projects()))
        for ledger in ledgers(workspace):
            rows = ledger.rows(ReadingBatch)
            batches = [row for row in rows if connection.in_zone or row.task is not Asked.PHI_REVIEW]
            events = [event for batch in batches for event in desk.events(ledger, batch)]
            if events:
                _decide_places(workspace, ledger, events)
                ledger.append(AnnotationEvent, events)
        kinds = desk.kinds
        return Synced(
            submitted=kinds[EventKind.SUBMITTED],
            updated=kinds[EventKind.UPDATED],
            skipped=kinds[EventKind.SKIPPED],
            deleted=kinds[EventKind.DELETED],
            by_others=desk.by_others,
            unreadable=len(desk.unreadable),
            projects=desk.n_projects,
        )


# --- projects --------------------------------------------------------------------------------------------


@dataclass
class _Desk:
    """What all projects of one sync share."""

    workspace: Workspace
    server: Server
    projects: Sequence[Project]
    kinds: Counter[EventKind] = field(default_factory=Counter)
    by_others: int = 0
    unreadable: set[str] = field(default_factory=set)
    n_projects: int = 0

    def events(self, ledger: Ledger, batch: ReadingBatch) -> list[AnnotationEvent]:
        """New events of a batch."""
        mine = [row for row in ledger.rows(Assignment) if row.batch_id == batch.batch_id]
        told = [row for row in ledger.rows(AnnotationEvent) if row.batch_id == batch.batch_id]
        events: list[AnnotationEvent] = []
        for reader_id in sorted({row.reader_id for row in mine}):
            projects = known(self.projects, mark_of(batch, reader_id))
            self.n_projects += len(projects)
            last = _last(row for row in told if row.reader_id == reader_id)
            if projects and (last or _counted(projects) != _NOTHING):
                assignments = {row.assignment_id: row for row in mine if row.reader_id == reader_id}
                events += _Queue(_Reading(self, batch), projects, assignments, last).new()
        for event in events:
            self.kinds[event.kind] += 1
            self.by_others += event.kind is not EventKind.DELETED and event.author_id != event.reader_id
        return events

    @cached_property
    def authors(self) -> dict[int, str]:
        """Pseudonym by the user's number; asked for when there is something new."""
        return {number: author_id(self.workspace, email) for number, email in self.server.users().items()}


@dataclass
class _Queue:
    """One reader's assignments of one batch."""

    reading: "_Reading"
    projects: Sequence[Project]
    assignments: Mapping[str, Assignment]
    last: Mapping[str, AnnotationEvent]
    """Last event by annotation."""

    def new(self) -> list[AnnotationEvent]:
        """Events since the last sync."""
        latest = max((event.at for event in self.last.values()), default=None)
        changed = self._look(latest - _OVERLAP if latest else None)
        if latest and _tally({**self.last, **changed}) != _counted(self.projects):
            changed = self._look(None)
        return list(changed.values())

    def _look(self, since: datetime | None) -> dict[str, AnnotationEvent]:
        """New events by annotation: of tasks that changed since then, or of all, and of those that are gone."""
        server = self.reading.desk.server
        tasks = [task for project in self.projects for task in server.reads(project.project_id, since)]
        mine = [(task, row) for task in tasks if (row := self.assignments.get(_assignment_of(task)))]
        reads = {self.reading.name(read.number, read.made_at): (t, read, row) for t, row in mine for read in t.reads}
        events = {name: self.reading.event(name, *found, self.last.get(name)) for name, found in reads.items()}
        seen = {row.assignment_id: task.task.updated_at for task, row in mine}
        gone = {
            name: _deleted(event, seen.get(event.assignment_id))
            for name, event in self.last.items()
            if name not in reads
            and event.kind is not EventKind.DELETED
            and (since is None or event.assignment_id in seen)
            and self.reading.is_gone(name)
        }
        return {name: event for name, event in events.items() if event} | gone


@dataclass
class _Reading:
    """One batch: how its reads become events."""

    desk: _Desk
    batch: ReadingBatch

    def name(self, number: int, made_at: datetime) -> str:
        """What an annotation is called through all its changes, and no other on any server."""
        return f"{number}-{digest(mark_of(self.batch, ''), number, made_at)[:16]}"

    def is_gone(self, name: str) -> bool:
        """Whether the server has no such annotation any more."""
        number = int(name.partition("-")[0])
        made_at = self.desk.server.made_at(number)
        return made_at is None or self.name(number, made_at) != name

    def event(
        self, name: str, task: ReadTask, read: Read, row: Assignment, last: AnnotationEvent | None
    ) -> AnnotationEvent | None:
        """What happened to a read since its last event; None if nothing that counts did, or it cannot be read."""
        try:
            marks = to_json(from_results(read.results, self._form, _size(task)))
        except InputError:
            self.desk.unreadable.add(name)
            return None
        kind = EventKind.SKIPPED if read.is_skipped else EventKind.UPDATED if last else EventKind.SUBMITTED
        if last and last.marks == marks and read.is_skipped == (last.kind is EventKind.SKIPPED):
            return None
        case = self._given.cases[row.case_id]
        return AnnotationEvent(
            event_id=digest(name, kind, read.at, marks)[:24],
            assignment_id=row.assignment_id,
            batch_id=row.batch_id,
            case_id=row.case_id,
            annotation_id=name,
            kind=kind,
            at=read.at,
            reader_id=row.reader_id,
            author_id=self._author(read, row),
            seconds=read.seconds,
            prediction_id=self._prediction(task, read, row),
            case_changed=self._digests.get(row.case_id, "") != case.subject_digest,
            marks=marks,
        )

    def _author(self, read: Read, row: Assignment) -> str:
        """The reader, if nobody else had a hand in it; whose it is said to be proves nothing, an admin may set it."""
        authors = [self.desk.authors.get(number, "") for number in read.by]
        return next((author for author in authors if author != row.reader_id), row.reader_id if authors else "")

    def _prediction(self, task: ReadTask, read: Read, row: Assignment) -> str:
        """Ours that the server's stands for: a task's predictions have the order in which they were pushed."""
        rows = in_order(self._given.predictions.get(row.case_id, ()))
        if read.parent is None or len(rows) < 2:
            return rows[0].prediction_id if rows and read.parent is not None else ""
        numbers = self.desk.server.prediction_numbers(task.task.task_id)
        ours = dict(zip(numbers, rows, strict=False)) if len(numbers) == len(rows) else {}
        return ours[read.parent].prediction_id if read.parent in ours else ""

    @cached_property
    def _given(self) -> Given:
        return given(self.desk.workspace, self.batch.batch_id)

    @cached_property
    def _form(self) -> Form:
        return form_for(self.desk.workspace, self._given)

    @cached_property
    def _digests(self) -> dict[str, str]:
        return digests(self.desk.workspace, list(self._given.cases.values()))


def _deleted(last: AnnotationEvent, seen: datetime | None) -> AnnotationEvent:
    """That a read is gone; who did it is not known. ``seen`` is when its task changed, if that is there."""
    at = max(seen or datetime.now(UTC), last.at + _MOMENT)
    event_id = digest(last.annotation_id, EventKind.DELETED, at)[:24]
    return replace(
        last, event_id=event_id, kind=EventKind.DELETED, at=at, author_id="", seconds=None, marks=to_json(())
    )


def _last(events: Iterable[AnnotationEvent]) -> dict[str, AnnotationEvent]:
    """The last event of each annotation."""
    ordered = sorted((row for row in events if row.annotation_id), key=lambda row: (row.at, row.event_id))
    return {row.annotation_id: row for row in ordered}


def _tally(last: Mapping[str, AnnotationEvent]) -> tuple[int, int]:
    """Reads that are there, and of them skipped ones, by the ledger."""
    there = [event.kind for event in last.values() if event.kind is not EventKind.DELETED]
    skipped = there.count(EventKind.SKIPPED)
    return len(there) - skipped, skipped


def _counted(projects: Iterable[Project]) -> tuple[int, int]:
    """The same by the server."""
    rows = list(projects)
    return sum(row.submitted for row in rows), sum(row.skipped for row in rows)


def _assignment_of(task: ReadTask) -> str:
    return str(task.task.meta.get("assignment_id"))


def _size(task: ReadTask) -> tuple[int, int] | None:
    """Rows and columns of the image."""
    size = task.task.meta.get("size")
    return (int(size[0]), int(size[1])) if size else None


# --- places in pixels ------------------------------------------------------------------------------------


def _decide_places(workspace: Workspace, ledger: Ledger, new: Sequence[AnnotationEvent]) -> None:
    """Note in the vault's queue what readers say of the places that are new.

    Text as soon as one says so; no text when all who were asked have said so.
    """
    asked = {row.case_id: row.subject_id for row in ledger.rows(ReadingCase) if row.task is Asked.PHI_REVIEW}
    review = Review(workspace.vault) if asked else None
    for case_id in sorted({event.case_id for event in new} & asked.keys()):
        events = [row for row in (*ledger.rows(AnnotationEvent), *new) if row.case_id == case_id]
        decision = _decision([row.assignment_id for row in _standing(ledger, case_id)], events)
        if review and decision:
            with suppress(UsageError):  # the place is no longer in the queue
                review.decide(asked[case_id], decision)


def _standing(ledger: Ledger, case_id: str) -> list[Assignment]:
    withdrawn = {row.assignment_id for row in ledger.rows(AnnotationEvent) if row.kind is EventKind.WITHDRAWN}
    rows = ledger.rows(Assignment)
    return [row for row in rows if row.case_id == case_id and row.assignment_id not in withdrawn]


def _decision(assignment_ids: Sequence[str], events: Iterable[AnnotationEvent]) -> str:
    """``text``, ``no_text``, or empty while somebody has not answered."""
    answers: dict[str, set[str]] = defaultdict(set)
    for event in _last(row for row in events if row.author_id in (row.reader_id, "")).values():
        if event.kind in (EventKind.SUBMITTED, EventKind.UPDATED):
            answers[event.assignment_id] |= {label for mark in from_json(event.marks) for label in mark.labels}
    said = [answers[name] for name in assignment_ids]
    if any("text" in labels for labels in said):
        return "text"
    return "no_text" if said and all(labels == {"no text"} for labels in said) else ""
