"""Cases change hands, or are taken back."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from curation.errors import UsageError
from curation.records import AnnotationEvent, Assignment, EventKind, Record
from curation.workspace import Workspace
from labeling.reading.changes import Moved, Which, reassign, withdraw
from labeling.reading.designs import Design
from labeling.reading.ledger import Ledger, given
from labeling.reading.make import make
from tests.labeling.reading_rows import (
    ANNA,
    BEN,
    CARA,
    DORA,
    MONDAY,
    NOW,
    event,
    labels_ledger,
    order,
    reading_workspace,
)

TUESDAY = datetime(2026, 12, 8, 9, 0, tzinfo=NOW.tzinfo)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Anna and Ben read six cases each, none of them the same."""
    made = reading_workspace(tmp_path, monkeypatch)
    make(made, order(n_cases=12, design=Design.EQUAL, due=MONDAY), NOW)
    return made


def standing(workspace: Workspace, reader_id: str, batch_id: str = "w1") -> list[Assignment]:
    return [row for row in given(workspace, batch_id).assignments if row.reader_id == reader_id]


def note(workspace: Workspace, *events: AnnotationEvent) -> None:
    labels_ledger(workspace).append(AnnotationEvent, events)


def test_what_is_left_goes_to_the_end_of_the_other_s_queue(workspace: Workspace) -> None:
    before = standing(workspace, ANNA)
    note(workspace, event(before[0]), event(before[1], EventKind.SKIPPED))
    due = date(2026, 12, 11)
    assert reassign(workspace, "w1", (ANNA, BEN), Which(due=due), NOW) == Moved(4, 0, 0)
    assert standing(workspace, ANNA) == before[:2]
    ben = standing(workspace, BEN)
    assert [row.case_id for row in ben[6:]] == [row.case_id for row in before[2:]]
    assert [row.position for row in ben] == [*range(10)]
    assert {row.due for row in ben[6:]} == {due}
    taken_back = [row for row in labels_ledger(workspace).rows(AnnotationEvent) if row.kind is EventKind.WITHDRAWN]
    assert {row.assignment_id for row in taken_back} == {row.assignment_id for row in before[2:]}
    assert {(row.at, row.author_id, row.marks) for row in taken_back} == {(NOW, "", "[]")}


def test_a_reader_who_was_not_in_the_batch(workspace: Workspace) -> None:
    assert reassign(workspace, "w1", (ANNA, DORA), Which(), NOW).moved == 6
    assert [row.position for row in standing(workspace, DORA)] == [*range(6)]
    assert {row.due for row in standing(workspace, DORA)} == {MONDAY}


def test_there_and_back_again(workspace: Workspace) -> None:
    cases = [row.case_id for row in standing(workspace, ANNA)]
    reassign(workspace, "w1", (ANNA, DORA), Which(), NOW)
    assert reassign(workspace, "w1", (DORA, ANNA), Which(), NOW) == Moved(6, 0, 0)
    assert [row.case_id for row in standing(workspace, ANNA)] == cases
    assert not standing(workspace, DORA)


def test_only_overdue_cases(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="no case overdue"):
        reassign(workspace, "w1", (ANNA, BEN), Which(overdue=True), NOW)
    assert reassign(workspace, "w1", (ANNA, BEN), Which(overdue=True), TUESDAY).moved == 6


def test_only_named_cases_and_skipped_ones_too(workspace: Workspace) -> None:
    queue = standing(workspace, ANNA)
    note(workspace, event(queue[0], EventKind.SKIPPED), event(queue[1]))
    named = frozenset(row.case_id for row in queue[:3])
    assert reassign(workspace, "w1", (ANNA, BEN), Which(case_ids=named), NOW).moved == 2
    assert standing(workspace, ANNA) == [queue[1], *queue[3:]]


def test_never_a_case_that_the_other_has_or_has_read(workspace: Workspace) -> None:
    make(workspace, order("w2", (ANNA, CARA), 8, control=1.0), NOW)
    queue = standing(workspace, CARA, "w2")
    note(workspace, event(queue[0]))
    taken = event(queue[0], EventKind.WITHDRAWN, 1, event_id="withdrawn")
    note(workspace, taken)  # read, and taken back afterwards
    assert reassign(workspace, "w2", (ANNA, CARA), Which(), NOW) == Moved(0, 8, 0)
    assert len(standing(workspace, ANNA, "w2")) == 8


def test_hidden_repeats_move_with_their_first_or_end(workspace: Workspace) -> None:
    make(workspace, order("w2", (ANNA,), 8, control=1.0, repeat=0.25), NOW)
    queue = standing(workspace, ANNA, "w2")
    again = [row for row in queue if row.repeat]
    first = next(row for row in queue if row.case_id == again[0].case_id and not row.repeat)
    note(workspace, event(first))
    assert reassign(workspace, "w2", (ANNA, CARA), Which(), NOW) == Moved(8, 0, 1)
    assert [row.case_id for row in standing(workspace, CARA, "w2") if row.repeat] == [again[1].case_id]
    assert standing(workspace, ANNA, "w2") == [first]


def test_a_killed_change_is_ended_by_the_next_call(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Ledger.append

    class Killed(BaseException):
        """As if the process had ended."""

    def killed(self: Ledger, record: type[Record], rows: Iterable[Record]) -> int:
        if record is AnnotationEvent:
            raise Killed
        return append(self, record, rows)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Ledger, "append", killed)
        reassign(workspace, "w1", (ANNA, BEN), Which(), NOW)
    assert (len(standing(workspace, ANNA)), len(standing(workspace, BEN))) == (6, 12)
    assert reassign(workspace, "w1", (ANNA, BEN), Which(), NOW).moved == 6
    assert (len(standing(workspace, ANNA)), len(standing(workspace, BEN))) == (0, 12)


def test_taken_back_from_one_reader_or_from_all(workspace: Workspace) -> None:
    queue = standing(workspace, ANNA)
    note(workspace, event(queue[0]))
    assert withdraw(workspace, "w1", ANNA, NOW) == 5
    assert standing(workspace, ANNA) == [queue[0]]
    assert withdraw(workspace, "w1", "", NOW + timedelta(hours=1)) == 6
    with pytest.raises(UsageError, match="nothing is left to take back"):
        withdraw(workspace, "w1", "", NOW)


@pytest.mark.parametrize(
    ("readers", "which", "message"),
    [
        ((ANNA, ANNA), Which(), "two different readers"),
        ((CARA, ANNA), Which(), "no case left"),
        ((ANNA, BEN), Which(case_ids=frozenset({"other"})), "1 of the named cases are not this reader's"),
    ],
)
def test_a_change_that_cannot_be(workspace: Workspace, readers: tuple[str, str], which: Which, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        reassign(workspace, "w1", readers, which, NOW)


def test_a_batch_that_is_not_there(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="there are w1"):
        withdraw(workspace, "w9", "", NOW)
