"""Batches for tests with a real Label Studio: reports and views that readers are asked about, and what readers do."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np

from curation.films import png
from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    Mask,
    Mention,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Record,
    Report,
    Role,
    Task,
)
from curation.records.values import Assertion
from curation.rle import encode
from curation.store import ShardWriter
from curation.workspace import Workspace
from labeling.asking.digests import digests
from labeling.marks import Mark, to_json
from labeling.reading.ledger import ledger_of
from labeling.studio.push import mark_of
from tests import rows as made_rows
from tests.labeling.reading_rows import put

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SIDE = 32
EDEMA = Mark("Edema", ("uncertain",))


def report(number: int, text: str = "Perhaps some edema today.") -> Report:
    return Report(f"r{number:02}", f"p{number:02}", "", None, "local", "LicenseRef-local", text)


def mention(number: int) -> Mention:
    return Mention(
        f"m{number}", f"r{number:02}", "findings", 0, 25, 13, 18, "edema", Assertion.UNCERTAIN, "L", "A", "", "", ()
    )


def with_reports(workspace: Workspace, n: int) -> Workspace:
    put(workspace, [report(number) for number in range(n)])
    put(workspace, [mention(number) for number in range(n)])
    return workspace


def with_views(workspace: Workspace, n: int, side: int = SIDE) -> Workspace:
    """Views v00, v01 … with a heart each; no picture is another's."""
    folder = workspace.tables("project")
    (folder / "bytes").mkdir(parents=True)
    writer = ShardWriter(folder / "bytes" / "a.tar", "bytes/a.tar")
    rows: list[Record] = []
    for number in range(n):
        grey = np.tile(np.linspace(0, 200, side).astype(np.uint8), (side, 1))
        grey[0, :2] = number % 250, number // 250
        place = writer.add(f"v{number}.png", png(grey))
        rows.append(made_rows.view(f"v{number:02}", f"s{number}", rows=side, columns=side, **place.__dict__))
        rows.append(Mask(f"v{number:02}", "heart", 140, "segment", heart(side), side, (2, 3, 8, 8), 1.0))
    writer.close()
    put(workspace, rows)
    return workspace


def heart(side: int = SIDE) -> str:
    mask = np.zeros((side, side), np.bool_)
    mask[side // 4 : side // 2, side // 4 : side // 2] = True
    return encode(mask)


def heart_mark(side: int = SIDE) -> Mark:
    return Mark("mask", ("heart",), region="heart", rle=heart(side), size=(side, side))


def give(
    workspace: Workspace,
    readers: Sequence[str],
    subjects: Sequence[str],
    batch_id: str,
    *,
    task: Task = Task.LABEL_REVIEW,
    marks: Iterable[Sequence[Mark]] = ((EDEMA,),),
    repeats: int = 1,
) -> list[Assignment]:
    """Give all subjects to all readers; each list of marks is one pre-annotation of each case."""
    batch = ReadingBatch(batch_id, task, tuple(sorted(readers)), "all", len(readers), 0, False, 0, None, "", NOW)
    cases = [
        ReadingCase(
            batch_id, f"{batch_id}-{subject}", task, subject, "p", Role.GOLD if number % 2 else Role.ROUTED,
            0.5, ("heart",), ("route.x",), ("the report hedges",), "",
        )
        for number, subject in enumerate(subjects)
    ]  # fmt: skip
    now = digests(workspace, cases)
    cases = [replace(row, subject_digest=now[row.case_id]) for row in cases]
    started = [
        ReadingPrediction(f"{row.case_id}-{n}", batch_id, row.case_id, f"read {n + 1}", 0.5, to_json(own), "")
        for row in cases
        for n, own in enumerate(marks)
    ]
    queue = [(row, repeat) for repeat in range(repeats) for row in cases]
    rows = [
        Assignment(f"{row.case_id}-{reader}-{repeat}", batch_id, row.case_id, reader, repeat, position, None)
        for reader in readers
        for position, (row, repeat) in enumerate(queue)
    ]
    ledger = ledger_of(workspace, task)
    for record, made in (
        (ReadingBatch, [batch]),
        (ReadingCase, cases),
        (ReadingPrediction, started),
        (Assignment, rows),
    ):
        ledger.append(record, made)
    return rows


def withdraw(workspace: Workspace, row: Assignment) -> None:
    gone = AnnotationEvent(
        f"w-{row.assignment_id}", row.assignment_id, row.batch_id, row.case_id, "", EventKind.WITHDRAWN, NOW,
        row.reader_id, "", None, "", False, "[]",
    )  # fmt: skip
    ledger_of(workspace, Task.LABEL_REVIEW).append(AnnotationEvent, [gone])


def events(workspace: Workspace, batch_id: str, task: Task = Task.LABEL_REVIEW) -> list[AnnotationEvent]:
    """In the order in which they happened."""
    rows = ledger_of(workspace, task).rows(AnnotationEvent)
    return sorted((row for row in rows if row.batch_id == batch_id), key=lambda row: (row.at, row.event_id))


# --- what is on the server -------------------------------------------------------------------------------


def batch_of(workspace: Workspace, batch_id: str, task: Task = Task.LABEL_REVIEW) -> ReadingBatch:
    return next(row for row in ledger_of(workspace, task).rows(ReadingBatch) if row.batch_id == batch_id)


def project_of(client: httpx.Client, batch: ReadingBatch, reader_id: str) -> dict[str, Any]:
    """The reader's project; there is one."""
    rows = client.get("/api/projects/", params={"page_size": 1000}).json()["results"]
    (found,) = [row for row in rows if mark_of(batch, reader_id) in row["description"]]
    return dict(found)


def tasks_of(client: httpx.Client, project_id: int) -> list[dict[str, Any]]:
    """All tasks with predictions and annotations, in the order of the queue."""
    asked: dict[str, str | int] = {"project": project_id, "page_size": 1000, "fields": "all"}
    rows = client.get("/api/tasks/", params=asked).json()["tasks"]
    return sorted(rows, key=lambda row: row["id"])


def choice(question: str, label: str, target: str = "text") -> dict[str, Any]:
    return {
        "id": question[:8], "from_name": question, "to_name": target, "type": "choices", "value": {"choices": [label]},
    }  # fmt: skip


def submit(client: httpx.Client, task_id: int, *results: dict[str, Any], **more: Any) -> int:
    """Submit an annotation as whoever the client is; returns its number."""
    body = {"result": list(results), "lead_time": 12.5, **more}
    answer = client.post(f"/api/tasks/{task_id}/annotations/", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])
