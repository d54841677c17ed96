"""Split cases go to one more reader, who sees the reads and not the readers."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from curation.errors import InputError, UsageError
from curation.records import AnnotationEvent, EventKind, Role
from curation.workspace import Workspace
from labeling.marks import Mark, to_json
from labeling.reading.adjudication import Referral, adjudicate
from labeling.reading.changes import withdraw
from labeling.reading.designs import Design
from labeling.reading.ledger import given
from labeling.reading.make import make
from tests.labeling.reading_rows import (
    AGREED,
    ANNA,
    BEN,
    CARA,
    DORA,
    MONDAY,
    NOW,
    SPLIT,
    assignments,
    case,
    decision,
    event,
    labels_ledger,
    order,
    put,
    reading_workspace,
    report,
)

YES, NO = (Mark("Edema", ("present",)),), (Mark("Edema", ("absent",)),)
TO_CARA = Referral("w1", CARA)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Anna says yes and Ben no of six reports; the first four are split."""
    made = reading_workspace(tmp_path, monkeypatch)
    make(made, order(n_cases=6), NOW)
    says = {ANNA: YES, BEN: NO}
    note(made, *(event(row, marks=says[row.reader_id]) for row in assignments(made)))
    rows = [decision(f"r{n:02}", SPLIT if n < 4 else AGREED, (ANNA, BEN), share=0.6 - n / 100) for n in range(6)]
    put(made, [*rows, decision("r01", SPLIT, question="Fracture"), decision("r19", SPLIT)])
    return made


def note(workspace: Workspace, *events: AnnotationEvent) -> None:
    labels_ledger(workspace).append(AnnotationEvent, events)


def test_each_read_is_shown_under_a_number(workspace: Workspace) -> None:
    made = adjudicate(workspace, Referral("w1", CARA, MONDAY), NOW)
    assert (made.n_cases, made.n_questions, made.changed) == (4, 5, 0)
    assert (made.batch.batch_id, made.batch.parent_batch_id, made.batch.due) == ("w1-adjudication", "w1", MONDAY)
    batch = given(workspace, "w1-adjudication")
    assert {row.role for row in batch.cases.values()} == {Role.ADJUDICATION}
    assert [row.case_id for row in batch.assignments] == [case(n).case_id for n in (1, 3, 2, 0)]  # most split first
    assert {row.reader_id for row in batch.assignments} == {CARA}
    of_second = batch.cases[case(1).case_id]
    assert of_second.reasons == ("readers disagree on Edema, Fracture",)
    assert of_second.findings == case(1).findings
    events = {row.event_id: row for row in labels_ledger(workspace).rows(AnnotationEvent)}
    for shown in batch.predictions.values():
        assert sorted(row.model_version for row in shown) == ["read 1", "read 2"]
        assert {row.marks for row in shown} == {to_json(YES), to_json(NO)}
        assert all(events[row.event_id].marks == row.marks for row in shown)


def test_a_number_is_no_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = reading_workspace(tmp_path, monkeypatch, 40, 40)
    make(here, order(n_cases=40), NOW)
    says = {ANNA: YES, BEN: NO}
    note(here, *(event(row, marks=says[row.reader_id]) for row in assignments(here)))
    put(here, [decision(f"r{n:02}", SPLIT) for n in range(40)])
    adjudicate(here, TO_CARA, NOW)
    rows = [row for shown in given(here, "w1-adjudication").predictions.values() for row in shown]
    anna_first = sum(row.marks == to_json(YES) for row in rows if row.model_version == "read 1")
    assert 10 < anna_first < 30


def test_only_reads_that_count_are_shown(workspace: Workspace) -> None:
    rows = {(row.case_id, row.reader_id): row for row in assignments(workspace)}
    first, second = case(0).case_id, case(1).case_id
    note(
        workspace,
        event(rows[first, ANNA], EventKind.UPDATED, 9, NO),
        event(rows[second, BEN], EventKind.UPDATED, 9, NO, case_changed=True),
    )
    adjudicate(workspace, TO_CARA, NOW)
    shown = given(workspace, "w1-adjudication").predictions
    assert [row.marks for row in shown[first]] == [to_json(NO)] * 2
    assert [row.marks for row in shown[second]] == [to_json(YES)]


def test_a_case_goes_to_one_adjudicator_at_a_time(workspace: Workspace) -> None:
    adjudicate(workspace, TO_CARA, NOW)
    with pytest.raises(InputError, match="no decision of this batch is split"):
        adjudicate(workspace, TO_CARA, NOW)
    withdraw(workspace, "w1-adjudication", "", NOW)
    assert adjudicate(workspace, Referral("w1", DORA), NOW).batch.batch_id == "w1-adjudication-2"


def test_who_disagreed_does_not_decide_unless_allowed(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="has 4 of the 4 split cases"):
        adjudicate(workspace, Referral("w1", ANNA), NOW)
    assert adjudicate(workspace, Referral("w1", ANNA, allow_own=True), NOW).n_cases == 4


def test_who_is_still_to_read_a_case_does_not_decide_it_either(workspace: Workspace) -> None:
    row = replace(assignments(workspace)[0], assignment_id="given later", reader_id=CARA)
    labels_ledger(workspace).append(type(row), [row])
    with pytest.raises(UsageError, match="has 1 of the 4 split cases"):
        adjudicate(workspace, TO_CARA, NOW)


def test_cases_that_changed_since_are_left_out(workspace: Workspace) -> None:
    put(workspace, [report(n, "Another text." if n == 0 else report(n).text) for n in range(20)])
    made = adjudicate(workspace, TO_CARA, NOW)
    assert (made.n_cases, made.changed) == (3, 1)


def test_every_case_changed_since(workspace: Workspace) -> None:
    put(workspace, [report(n, "Another text.") for n in range(20)])
    with pytest.raises(InputError, match="has changed since it was read"):
        adjudicate(workspace, TO_CARA, NOW)


def test_reads_as_gold_and_hidden_repeats_are_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = reading_workspace(tmp_path, monkeypatch)
    make(here, order(n_cases=4, readers=(ANNA,), repeat=0.25), NOW)
    note(here, *(event(row, marks=NO if row.repeat else YES) for row in assignments(here)))
    put(here, [decision(f"r{n:02}", AGREED, (ANNA, BEN, CARA)) for n in range(4)])
    make(here, order("w2", (BEN,), 8, gold=0.5, design=Design.EQUAL), NOW)
    note(here, *(event(row, marks=NO) for row in assignments(here, "w2")))
    put(here, [decision(f"r{n:02}", SPLIT) for n in range(4)])
    adjudicate(here, TO_CARA, NOW)
    shown = given(here, "w1-adjudication").predictions
    assert {row.marks for rows in shown.values() for row in rows} == {to_json(YES)}
    assert {len(rows) for rows in shown.values()} == {1}


def test_a_deadline_that_is_over(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="is over"):
        adjudicate(workspace, Referral("w1", CARA, date(2026, 11, 1)), NOW)
