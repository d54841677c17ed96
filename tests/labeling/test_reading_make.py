"""A batch is made: which cases, for whom, in which order, and what is frozen of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.deid.pixels import Area, Doubt
from curation.deid.review import Review
from curation.errors import BusyError, InputError, UsageError
from curation.records import (
    Assignment,
    Decision,
    EventKind,
    Radiograph,
    ReadingBatch,
    ReadingCase,
    ReadingPrediction,
    Record,
    Role,
    Task,
)
from curation.release.splits import hashed
from curation.workspace import Workspace
from labeling.reading.changes import withdraw
from labeling.reading.designs import Design
from labeling.reading.ledger import Ledger, all_given, given
from labeling.reading.make import make
from labeling.reading.pool import names
from tests.labeling.reading_rows import (
    ADJUDICATED,
    AGREED,
    ANNA,
    BEN,
    CARA,
    DORA,
    LABELS,
    MONDAY,
    NOW,
    SINGLE,
    assignments,
    case,
    decision,
    event,
    labels_ledger,
    order,
    put,
    reading_cases,
    reading_workspace,
    report,
)
from tests.rows import workspace_with_rows


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return reading_workspace(tmp_path, monkeypatch)


def test_everybody_reads_the_most_urgent_cases_in_their_order(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=5, due=MONDAY), NOW)
    assert made.batch == ReadingBatch("w1", LABELS, (ANNA, BEN), "all", 2, 0, False, 0, MONDAY, "", NOW)
    assert made.by_role == {Role.ROUTED: 5}
    assert made.queues == {ANNA: 5, BEN: 5}
    expected = [case(number).case_id for number in range(5)]
    for reader in (ANNA, BEN):
        rows = assignments(workspace, reader_id=reader)
        assert [row.case_id for row in rows] == expected
        assert [row.position for row in rows] == [0, 1, 2, 3, 4]
        assert {row.due for row in rows} == {MONDAY}
    frozen = reading_cases(workspace)["r00"]
    assert frozen.reasons == ("the report hedges about edema",)
    assert len(frozen.subject_digest) == 64


def test_readers_start_from_what_was_proposed(workspace: Workspace) -> None:
    make(workspace, order(n_cases=5), NOW)
    rows = labels_ledger(workspace).rows(ReadingPrediction)
    assert {row.case_id for row in rows} == {case(number).case_id for number in range(5)}
    assert {row.event_id for row in rows} == {""}
    assert all(row.model_version.startswith("paxflow") for row in rows)


def test_the_same_order_gives_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = order(n_cases=12, control=0.25, repeat=0.2, design=Design.BALANCED, readers=(ANNA, BEN, CARA), seed=3)
    found = []
    for name in ("one", "two"):
        here = reading_workspace(tmp_path / name, monkeypatch)
        make(here, asked, NOW)
        found.append([labels_ledger(here).rows(table) for table in (ReadingCase, Assignment, ReadingPrediction)])
    assert found[0] == found[1]


def test_control_cases_are_drawn_and_strewn_in(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=10, control=0.3), NOW)
    assert made.by_role == {Role.ROUTED: 7, Role.CONTROL: 3}
    drawn = [row for row in reading_cases(workspace).values() if row.role is Role.CONTROL]
    assert {row.priority for row in drawn} == {0.0}
    assert {row.rule_ids for row in drawn} == {()}
    orders = [[row.case_id for row in assignments(workspace, reader_id=reader)] for reader in (ANNA, BEN)]
    assert orders[0] != orders[1]


def test_hidden_repeats_are_the_same_reader_s(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=12, repeat=0.25), NOW)
    assert made.repeats == 6
    for reader in (ANNA, BEN):
        rows = assignments(workspace, reader_id=reader)
        places = {(row.case_id, row.repeat): row.position for row in rows}
        again = [row for row in rows if row.repeat]
        assert len(again) == 3
        assert all(row.position - places[row.case_id, 0] >= 6 for row in again)


def test_each_case_once_in_equal_shares(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=11, readers=(ANNA, BEN, CARA), design=Design.EQUAL), NOW)
    assert sorted(made.queues.values()) == [3, 4, 4]
    assert {*Counter(row.case_id for row in assignments(workspace)).values()} == {1}
    assert made.batch.readers_per_case == 1


def test_two_readers_a_case_is_usual_for_a_balanced_design(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=12, readers=(ANNA, BEN, CARA, DORA), design=Design.BALANCED), NOW)
    assert made.batch.readers_per_case == 2
    assert made.queues == dict.fromkeys((ANNA, BEN, CARA, DORA), 6)
    alone = make(workspace, order("w2", (ANNA,), 2, design=Design.BALANCED, control=1.0), NOW)
    assert alone.batch.readers_per_case == 1


def test_cases_of_test_patients_have_more_readers(workspace: Workspace) -> None:
    recipe = workspace.settings.recipes["paxray"]
    number = next(n for n in range(20, 99) if hashed(f"p{n}", recipe) == "test")
    put(workspace, [report(number)], "b")
    put(workspace, [case(number)], "b")
    people = (ANNA, BEN, CARA)
    asked = order(n_cases=13, readers=people, design=Design.BALANCED, per_case=1, per_test_case=3, recipe="paxray")
    made = make(workspace, asked, NOW)
    splits = {row.case_id: hashed(row.patient_id, recipe) for row in reading_cases(workspace).values()}
    counts = Counter(row.case_id for row in assignments(workspace))
    assert {(splits[case_id], count) for case_id, count in counts.items()} <= {("test", 3), ("train", 1), ("valid", 1)}
    assert counts[case(number).case_id] == 3
    assert (made.batch.readers_per_case, made.batch.test_readers) == (1, 3)


def test_a_case_is_with_one_batch_at_a_time(workspace: Workspace) -> None:
    make(workspace, order(n_cases=8), NOW)
    make(workspace, order("w2", n_cases=8), NOW)
    assert len(reading_cases(workspace, "w2")) == 4
    assert not {*reading_cases(workspace)} & {*reading_cases(workspace, "w2")}
    with pytest.raises(InputError, match="no case of label_review waits that nobody has yet"):
        make(workspace, order("w3"), NOW)
    withdraw(workspace, "w1", "", NOW)
    make(workspace, order("w3"), NOW)
    assert {*reading_cases(workspace, "w3")} == {*reading_cases(workspace)}


def test_what_was_read_or_decided_is_not_asked_again(workspace: Workspace) -> None:
    make(workspace, order(n_cases=3, readers=(ANNA,)), NOW)
    first, second, _ = assignments(workspace)
    labels_ledger(workspace).append(type(event(first)), [event(first), event(second, case_changed=True)])
    for name in (first.assignment_id, second.assignment_id):  # taken back although they were read
        withdrawn = event(first, EventKind.WITHDRAWN, 5, assignment_id=name, event_id=f"w-{name}")
        labels_ledger(workspace).append(type(withdrawn), [withdrawn])
    put(workspace, [decision("r03", SINGLE)])
    make(workspace, order("w2", n_cases=3), NOW)
    assert {*reading_cases(workspace, "w2")} == {"r01", "r04", "r05"}


def test_subjects_that_are_gone_are_left_out(workspace: Workspace) -> None:
    put(workspace, [case(50)], "b")
    put(workspace, [report(number) for number in range(1, 20)])
    make(workspace, order(n_cases=3), NOW)
    assert "r00" not in reading_cases(workspace)


# --- a pool that is named --------------------------------------------------------------------------------


def test_only_the_studies_and_patients_that_are_named(workspace: Workspace) -> None:
    made = make(workspace, order(n_cases=99, subjects=("r03", "p05", "s15", "nobody", "s16")), NOW)
    roles = {subject: row.role for subject, row in reading_cases(workspace).items()}
    assert roles == {"r03": Role.ROUTED, "r05": Role.ROUTED, "r15": Role.CONTROL, "r16": Role.CONTROL}
    assert made.strangers == 1


def test_images_are_named_by_themselves_their_series_study_or_patient(tmp_path: Path) -> None:
    here = workspace_with_rows(tmp_path / "images")
    put(here, [Radiograph("i9", "series1", "PA", "MONOCHROME2", 4, 6)], "b")
    found = names(here, Task.FINDING_BOXES)
    assert found["view2"] == {"view2", "series2", "study2", "patient2"}
    assert found["i9"] == {"i9", "series1", "study1", "patient1"}
    assert {*found} == {"view1", "view2", "i9"}


def test_a_pool_with_a_control_share(workspace: Workspace) -> None:
    names = tuple(f"r{number:02}" for number in range(8, 16))
    made = make(workspace, order(n_cases=4, subjects=names, control=0.5), NOW)
    assert made.by_role == {Role.ROUTED: 2, Role.CONTROL: 2}
    assert {*reading_cases(workspace)} <= {*names}


def test_nobody_in_the_pool(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="among the subjects that are named"):
        make(workspace, order(subjects=("nobody",)), NOW)


# --- gold ------------------------------------------------------------------------------------------------


def golden(workspace: Workspace) -> None:
    """Six reports that Anna and Ben have read: decided in one way or another."""
    make(workspace, order("w0", (ANNA, BEN), 6), NOW)
    three = (ANNA, BEN, CARA)
    rows: list[Decision] = [
        decision("r00", ADJUDICATED, (CARA,)),
        decision("r01", AGREED, three),
        decision("r02", AGREED, (ANNA, BEN)),
        decision("r03", AGREED, three),
        decision("r03", SINGLE, (ANNA,), question="Fracture"),
        decision("r04", AGREED, three),
    ]
    put(workspace, rows)


def test_gold_cases_are_sure_unchanged_and_new_to_their_reader(workspace: Workspace) -> None:
    golden(workspace)
    put(workspace, [report(n, "Now it says something else." if n == 4 else report(n).text) for n in range(20)])
    made = make(workspace, order("w1", (ANNA, CARA, DORA), 4, gold=0.5), NOW)
    roles = {subject: row.role for subject, row in reading_cases(workspace).items()}
    gold = {subject for subject, role in roles.items() if role is Role.GOLD}
    assert gold == {"r00", "r01"}
    assert made.by_role == {Role.ROUTED: 4, Role.GOLD: 2}
    assert made.queues == {ANNA: 4, CARA: 4, DORA: 6}
    assert reading_cases(workspace)["r00"].reasons == ("the report hedges about edema",)


def test_gold_starts_from_the_machine_s_proposal_as_all_do(workspace: Workspace) -> None:
    golden(workspace)
    make(workspace, order("w1", (DORA,), 4, gold=0.5), NOW)
    rows = [row for row in labels_ledger(workspace).rows(ReadingPrediction) if row.batch_id == "w1"]
    assert {row.case_id for row in rows} == {row.case_id for row in reading_cases(workspace).values()}
    assert {row.event_id for row in rows} == {""}


def test_no_gold_yet(workspace: Workspace) -> None:
    assert make(workspace, order(n_cases=4, gold=0.5), NOW).by_role == {Role.ROUTED: 4}


# --- places in pixels ------------------------------------------------------------------------------------


def test_places_that_may_show_text_come_from_the_vault_and_stay_there(workspace: Workspace) -> None:
    review = Review(workspace.vault)
    doubts = [Doubt(Area(0, 0, 0, 4, 4), np.full((4, 4), n, np.uint8), n / 10) for n in (1, 2)]
    review.put("item", doubts)
    made = make(workspace, order("phi", (ANNA,), 9, task=Task.PHI_REVIEW, gold=0.5), NOW)
    assert made.by_role == {Role.ROUTED: 2}
    batch = given(workspace, "phi")
    assert batch.ledger.folder.is_relative_to(workspace.vault)
    surest = batch.cases[batch.assignments[0].case_id]
    assert surest.subject_id == review.waiting()[0].case_id
    assert not labels_ledger(workspace).rows(ReadingCase)
    with pytest.raises(InputError, match="no place in pixels waits"):
        make(workspace, order("phi2", (ANNA,), 9, task=Task.PHI_REVIEW), NOW)


# --- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "Week 1"}, "expected a name"),
        ({"name": "../w1"}, "expected a name"),
        ({"readers": ()}, "at least one reader"),
        ({"readers": (ANNA, ANNA)}, "each once"),
        ({"due": date(2026, 11, 30)}, "2026-11-30 is over"),
        ({"shows_report": True}, "mask_review and finding_boxes"),
        ({"per_case": 1}, "every reader reads every case"),
        ({"per_test_case": 2, "recipe": "paxray"}, "every reader reads every case"),
        ({"design": Design.EQUAL, "per_case": 3}, "3 readers a case, but 2 are named"),
        ({"design": Design.EQUAL, "per_test_case": 3, "recipe": "paxray"}, "3 readers a case, but 2 are named"),
        ({"design": Design.EQUAL, "per_test_case": 2}, "go together"),
        ({"design": Design.EQUAL, "recipe": "paxray"}, "go together"),
        ({"design": Design.EQUAL, "per_test_case": 2, "recipe": "paxrey"}, "there are classification, concepts"),
    ],
)
def test_a_call_that_cannot_be_met(workspace: Workspace, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make(workspace, order(**changed), NOW)
    assert not all_given(workspace)


def test_two_batches_of_one_name(workspace: Workspace) -> None:
    make(workspace, order(n_cases=2), NOW)
    with pytest.raises(UsageError, match="there is a batch of that name"):
        make(workspace, order(n_cases=2), NOW)


def test_two_processes_at_once(workspace: Workspace) -> None:
    with workspace.lock("reading"), pytest.raises(BusyError):
        make(workspace, order(), NOW)


def test_a_killed_make_leaves_no_half_batch(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    make(workspace, order("w0", n_cases=2), NOW)
    append = Ledger.append

    class Killed(BaseException):
        """As if the process had ended."""

    def killed(self: Ledger, record: type[Record], rows: Iterable[Record]) -> int:
        if record is ReadingBatch:
            raise Killed
        return append(self, record, rows)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Ledger, "append", killed)
        make(workspace, order(n_cases=8), NOW)
    assert [one.batch.batch_id for one in all_given(workspace)] == ["w0"]
    assert len(reading_cases(workspace)) == 8
    make(workspace, order(n_cases=3, readers=(CARA,)), NOW)
    assert len(reading_cases(workspace)) == 3
    assert {row.reader_id for row in assignments(workspace)} == {CARA}
    assert len(reading_cases(workspace, "w0")) == 2
