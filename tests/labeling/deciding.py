"""Reads made up for tests: batches, cases, assignments and events, and the rows that ``decide`` makes of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import yaml

from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Record,
    Reject,
    Role,
    Task,
)
from curation.rle import encode
from curation.stage import prepare, rejects, run_batch
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.decide import STAGE
from labeling.labels.sets import CHEXPERT_14
from labeling.marks import Mark, to_json
from labeling.reading.ledger import Ledger, ledger_of
from tests.builders import workspace_at

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SIZE = (40, 50)
READERS = ("ada", "ben", "cyd")
R = TypeVar("R", bound=Record)
Marks = Sequence[Mark]


def at(hours: float) -> datetime:
    """Hours after the first batch was made."""
    return START + timedelta(hours=hours)


# --- marks -------------------------------------------------------------------------------------------------


def states(**changed: str) -> list[Mark]:
    """A state for every CheXpert label: absent but for those named, with ``_`` for a blank."""
    named = {name.replace("_", " "): state for name, state in changed.items()}
    return [Mark(label, (named.get(label, "absent"),)) for label in CHEXPERT_14]


def span(finding: str, start: int, end: int, assertion: str) -> list[Mark]:
    """A finding's span with its assertion."""
    region = f"{finding}{start}"
    return [
        Mark("finding", (finding,), region, (start, end)),
        Mark("assertion", (assertion,), region, (start, end)),
    ]


def box(label: str, *sides: float) -> Mark:
    x, y, width, height = sides
    return Mark("box", (label,), box=(x, y, width, height), size=SIZE)


def anywhere(*labels: str) -> Mark:
    """Findings of the image as a whole."""
    return Mark("global", labels)


def rectangle(label: str, x: int, y: int, width: int, height: int, size: tuple[int, int] = SIZE) -> Mark:
    """A mask that is a rectangle."""
    pixels = np.zeros(size, np.bool_)
    pixels[y : y + height, x : x + width] = True
    return Mark("mask", (label,), rle=encode(pixels), size=size)


def verdict(value: str) -> Mark:
    return Mark("verdict", (value,))


def point(label: str, x: float, y: float) -> Mark:
    return Mark("landmark", (label,), point_px=(x, y), size=SIZE)


# --- a ledger ----------------------------------------------------------------------------------------------


@dataclass
class Made:
    """A ledger that is being filled."""

    ledger: Ledger
    hour: float = 1.0
    """Of the next event."""
    waiting: dict[type[Record], list[Record]] = field(default_factory=lambda: defaultdict(list))
    tasks: dict[str, Task] = field(default_factory=dict)
    """Of each batch."""

    def flush(self) -> None:
        """Write what has been made up since the last time."""
        for record, rows in self.waiting.items():
            self.ledger.append(record, rows)
        self.waiting.clear()

    def _keep(self, row: Record) -> None:
        self.waiting[type(row)].append(row)

    def batch(self, name: str = "week-1", task: Task = Task.LABEL_REVIEW, hours: float = 0.0) -> str:
        """A batch, made at an hour."""
        self.tasks[name] = task
        self._keep(ReadingBatch(name, task, READERS, "all", 3, 0, False, 1, None, "", at(hours)))
        return name

    def case(self, subject: str, batch: str = "week-1", role: Role = Role.ROUTED, patient: str = "") -> str:
        """A case of a batch; its patient is that of the subject."""
        task = self.tasks[batch]
        case_id = f"case-{subject}"
        row = ReadingCase(
            batch, case_id, task, subject, patient or f"patient-{subject}", role, 0.5, (), (), (), "digest"
        )
        self._keep(row)
        return case_id

    def shown(self, subject: str, marks: Marks, batch: str = "week-1", number: int = 1) -> str:
        """A pre-annotation."""
        name = f"prediction-{batch}-{subject}-{number}"
        row = ReadingPrediction(name, batch, f"case-{subject}", "paxflow", 0.5, to_json(marks), "")
        self._keep(row)
        return name

    def given(self, reader: str, subject: str, batch: str = "week-1", repeat: int = 0) -> str:
        """An assignment."""
        name = f"{batch}/{subject}/{reader}/{repeat}"
        self._keep(Assignment(name, batch, f"case-{subject}", reader, repeat, 0, None))
        return name

    def event(self, assignment: str, marks: Marks = (), **changed: Any) -> AnnotationEvent:
        """What happens to an assignment next, an hour after the last event; a submission by its reader if not told."""
        batch, subject, reader, _ = assignment.split("/")
        row = {
            "assignment_id": assignment,
            "batch_id": batch,
            "case_id": f"case-{subject}",
            "annotation_id": f"annotation-{assignment}",
            "kind": EventKind.SUBMITTED,
            "at": at(self.hour),
            "reader_id": reader,
            "author_id": reader,
            "seconds": 30.0,
            "prediction_id": "",
            "case_changed": False,
            "marks": to_json(marks),
            **changed,
        }
        self.hour += 1
        made = AnnotationEvent(event_id=digest(repr(sorted(row.items())))[:16], **row)
        self._keep(made)
        return made

    def read(self, reader: str, subject: str, marks: Marks, batch: str = "week-1", **changed: Any) -> AnnotationEvent:
        """An assignment and its answer."""
        repeat = changed.pop("repeat", 0)
        return self.event(self.given(reader, subject, batch, repeat), marks, **changed)


@dataclass
class Week:
    """A workspace with a ledger, and what ``decide`` makes of it."""

    workspace: Workspace
    made: Made

    def decide(self) -> None:
        """Run the stage over all that is in the ledger."""
        self.made.flush()
        for batch in prepare(STAGE, self.workspace).batches:
            run_batch(STAGE, self.workspace, batch)

    def rows(self, record: type[R]) -> list[R]:
        """Rows that the stage has made."""
        return read_rows(record, self.workspace.tables(STAGE.name))

    def rejects(self) -> list[Reject]:
        """Items that stopped."""
        return rejects(self.workspace, STAGE)


def week_at(tmp_path: Path, task: Task = Task.LABEL_REVIEW) -> Week:
    """A workspace with one batch, ``week-1``."""
    workspace = workspace_at(tmp_path)
    week = Week(workspace, Made(ledger_of(workspace, Task.LABEL_REVIEW)))
    week.made.batch(task=task)
    return week


def with_settings(week: Week, **changed: Any) -> None:
    """Change ``decide``'s section of the parameters."""
    path = week.workspace.root / "params.yaml"
    parameters = yaml.safe_load(path.read_text(encoding="utf-8"))
    parameters["decide"].update(changed)
    path.write_text(yaml.safe_dump(parameters), encoding="utf-8")
    week.workspace = Workspace(week.workspace.root)
