"""Reports that wait for readers, readers, and what readers did: rows for the tests of reading."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from curation.records import (
    AnnotationEvent,
    Assignment,
    Case,
    Decision,
    EventKind,
    ReadingCase,
    Record,
    Report,
    ReportLabel,
    ReportLink,
    Task,
    Verdict,
)
from curation.store import digest, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.marks import Mark, to_json
from labeling.reading.ledger import Ledger, ledger_of
from labeling.reading.make import Order
from labeling.reading.pool import Wanted
from labeling.routing.priority import case_id_of
from tests.builders import keyed_workspace

LABELS = Task.LABEL_REVIEW
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MONDAY = date(2026, 12, 7)
ANNA, BEN, CARA, DORA = "d-anna", "d-ben", "d-cara", "d-dora"
SPLIT, AGREED, SINGLE, ADJUDICATED = Verdict.SPLIT, Verdict.AGREED, Verdict.SINGLE, Verdict.ADJUDICATED


def put(workspace: Workspace, rows: Iterable[Record], part: str = "a") -> None:
    """Write rows as the stage that makes them would; a part of the same name is replaced."""
    by_table: dict[type[Record], list[Record]] = {}
    for row in rows:
        by_table.setdefault(type(row), []).append(row)
    for record, own in by_table.items():
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / f"{part}.parquet")


def report(number: int, text: str = "Heart and lungs as usual.") -> Report:
    return Report(f"r{number:02}", f"p{number:02}", "", None, "local", "LicenseRef-local", text)


def case(number: int) -> Case:
    """The lower the number, the higher the priority."""
    priority = round(0.99 - number / 100, 2)
    subject = f"r{number:02}"
    return Case(
        case_id_of(LABELS, subject), LABELS, subject, f"p{number:02}", priority, priority, 0.0,
        ("edema",), ("route.hedged",), ("the report hedges about edema",),
    )  # fmt: skip


def reading_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_reports: int = 20, n_routed: int = 12
) -> Workspace:
    """Reports r00, r01 … of one patient and one study each; the first ones were routed."""
    workspace = keyed_workspace(tmp_path, monkeypatch)
    put(workspace, [report(number) for number in range(n_reports)])
    put(workspace, [case(number) for number in range(n_routed)])
    put(workspace, [ReportLabel(f"r{number:02}", "Edema", -1, ()) for number in range(n_reports)])
    put(workspace, [ReportLink(f"r{number:02}", f"s{number:02}") for number in range(n_reports)])
    return workspace


def order(name: str = "w1", readers: tuple[str, ...] = (ANNA, BEN), n_cases: int = 8, **changed: Any) -> Order:
    """A batch of routed label reviews only."""
    wanted = Wanted(
        changed.pop("task", LABELS),
        n_cases,
        changed.pop("control", 0.0),
        frozenset(changed.pop("subjects", ())),
        changed.pop("seed", 0),
    )
    return Order(name, wanted, readers, **changed)


def event(
    row: Assignment,
    kind: EventKind = EventKind.SUBMITTED,
    minutes: float = 0,
    marks: Iterable[Mark] = (Mark("Edema", ("present",)),),
    **changed: Any,
) -> AnnotationEvent:
    """What the reader of an assignment did, some minutes after ``NOW``, in half a minute."""
    text = to_json(marks)
    annotation_id = changed.pop("annotation_id", f"a-{row.assignment_id}")
    made = {
        "event_id": digest(row.assignment_id, annotation_id, kind, minutes, text)[:24],
        "assignment_id": row.assignment_id,
        "batch_id": row.batch_id,
        "case_id": row.case_id,
        "annotation_id": annotation_id,
        "kind": kind,
        "at": NOW + timedelta(minutes=minutes),
        "reader_id": row.reader_id,
        "author_id": row.reader_id,
        "seconds": 30.0,
        "prediction_id": "",
        "case_changed": False,
        "marks": text,
    }
    return AnnotationEvent(**(made | changed))


def decision(subject_id: str, verdict: Verdict, readers: tuple[str, ...] = (), **changed: Any) -> Decision:
    """Of one question."""
    question = changed.pop("question", "Edema")
    made = {
        "decision_id": digest(LABELS, subject_id, question)[:24],
        "task": LABELS,
        "subject_id": subject_id,
        "patient_id": subject_id.replace("r", "p"),
        "question": question,
        "value": "present",
        "verdict": verdict,
        "method": "majority",
        "confidence": 0.5,
        "share": 0.5,
        "n_readers": len(readers),
        "reader_ids": readers,
        "event_ids": (),
    }
    return Decision(**(made | changed))


def labels_ledger(workspace: Workspace) -> Ledger:
    return ledger_of(workspace, LABELS)


def assignments(workspace: Workspace, batch_id: str = "w1", reader_id: str = "") -> list[Assignment]:
    """All of a batch and reader, in order of position."""
    rows = labels_ledger(workspace).rows(Assignment)
    own = [row for row in rows if row.batch_id == batch_id and reader_id in {"", row.reader_id}]
    return sorted(own, key=lambda row: (row.reader_id, row.position))


def reading_cases(workspace: Workspace, batch_id: str = "w1") -> dict[str, ReadingCase]:
    """By subject."""
    return {row.subject_id: row for row in labels_ledger(workspace).rows(ReadingCase) if row.batch_id == batch_id}
