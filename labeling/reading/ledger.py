"""The ledger of reading: batches, cases, pre-annotations, assignments and events, append-only.

It lies in ``data/``, or in the vault for ``phi_review``, whose pictures may show who somebody is. A part file is never
changed: each ``append`` writes one more, named by what is in it, so that the same rows twice are the same file.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from curation.errors import UsageError
from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Record,
    Task,
)
from curation.records import key_of as key_names
from curation.store import digest_rows, read_rows, to_arrow, write_parquet
from curation.workspace import Workspace

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Ledger:
    """Tables of one folder."""

    folder: Path

    def rows(self, record: type[R]) -> list[R]:
        """All rows of a table, sorted by key."""
        return read_rows(record, self.folder)

    def append(self, record: type[R], rows: Iterable[R]) -> int:
        """Add the rows whose key is not there yet, as one part; returns how many were new."""
        there = {_key(row) for row in self.rows(record)}
        new = {key: row for row in rows if (key := _key(row)) not in there}
        if new:
            ordered = [new[key] for key in sorted(new)]
            write_parquet(
                to_arrow(record, ordered), self.folder / record.about.name / f"{digest_rows(ordered)[:16]}.parquet"
            )
        return len(new)

    def clear_unfinished(self) -> None:
        """Remove what a batch left that was ended before its own row, the last, was written."""
        known = {row.batch_id for row in self.rows(ReadingBatch)}
        for record in (ReadingCase, ReadingPrediction, Assignment):
            for part in (self.folder / record.about.name).glob("*.parquet"):
                if known.isdisjoint(pq.read_table(part, columns=["batch_id"])["batch_id"].to_pylist()):
                    part.unlink()


def _key(row: Record) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in key_names(type(row)))


def ledger_of(workspace: Workspace, task: Task) -> Ledger:
    """Where a task's ledger lies."""
    if task is Task.PHI_REVIEW:
        return Ledger(workspace.vault / "reading")
    return Ledger(workspace.tables(ReadingBatch.about.stage))


def ledgers(workspace: Workspace) -> tuple[Ledger, ...]:
    """Both, that of ``data/`` first."""
    return ledger_of(workspace, Task.LABEL_REVIEW), ledger_of(workspace, Task.PHI_REVIEW)


@dataclass(frozen=True)
class Given:
    """One batch with all that belongs to it."""

    ledger: Ledger
    batch: ReadingBatch
    cases: dict[str, ReadingCase]
    """By case_id."""
    predictions: dict[str, tuple[ReadingPrediction, ...]]
    """By case_id; several in an adjudication."""
    assignments: tuple[Assignment, ...]
    """Those that stand, in order of reader and position; withdrawn ones are left out."""


def given(workspace: Workspace, batch_id: str) -> Given:
    """The batch of that name; raises UsageError with the names there are."""
    there = {one.batch.batch_id: one for one in all_given(workspace)}
    if batch_id not in there:
        names = ", ".join(there) or "none yet, `paxflow read make` makes one"
        raise UsageError(f"there is no batch of that name: there are {names}")
    return there[batch_id]


def all_given(workspace: Workspace) -> list[Given]:
    """Every batch, in the order in which they were made."""
    found = [one for ledger in ledgers(workspace) for one in _given(ledger)]
    return sorted(found, key=lambda one: (one.batch.made_at, one.batch.batch_id))


def _given(ledger: Ledger) -> list[Given]:
    cases: dict[str, dict[str, ReadingCase]] = defaultdict(dict)
    for case in ledger.rows(ReadingCase):
        cases[case.batch_id][case.case_id] = case
    predictions: dict[str, dict[str, tuple[ReadingPrediction, ...]]] = defaultdict(dict)
    for shown in ledger.rows(ReadingPrediction):
        of_batch = predictions[shown.batch_id]
        of_batch[shown.case_id] = (*of_batch.get(shown.case_id, ()), shown)
    gone = {row.assignment_id for row in ledger.rows(AnnotationEvent) if row.kind is EventKind.WITHDRAWN}
    standing: dict[str, list[Assignment]] = defaultdict(list)
    for row in sorted(ledger.rows(Assignment), key=lambda row: (row.reader_id, row.position, row.assignment_id)):
        if row.assignment_id not in gone:
            standing[row.batch_id].append(row)
    return [
        Given(ledger, batch, cases[batch.batch_id], predictions[batch.batch_id], tuple(standing[batch.batch_id]))
        for batch in ledger.rows(ReadingBatch)
    ]
