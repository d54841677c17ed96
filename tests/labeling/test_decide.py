"""Reads in, answers and decisions out, through the stage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from curation.records import (
    Answer,
    AnswerMark,
    Decision,
    DecisionMark,
    EventKind,
    ReaderAgreement,
    Reason,
    Role,
    Task,
    Verdict,
)
from curation.rle import area, decode
from curation.stage import prepare, run_batch
from labeling.decide import STAGE
from labeling.marks import Mark
from labeling.reading.ledger import ledger_of
from tests.labeling.deciding import (
    READERS,
    Week,
    anywhere,
    at,
    box,
    point,
    rectangle,
    span,
    states,
    verdict,
    week_at,
    with_settings,
)

EFFUSION = "Pleural Effusion"


@pytest.fixture
def week(tmp_path: Path) -> Week:
    return week_at(tmp_path)


def read_by(week: Week, subject: str, *said: Any, **changed: Any) -> None:
    """The same case read by as many readers as there are sets of marks."""
    week.made.case(subject)
    for reader, marks in zip(READERS, said, strict=False):
        week.made.read(reader, subject, marks, **changed)


def decision(week: Week, question: str, subject: str = "r1") -> Decision:
    return next(row for row in week.rows(Decision) if (row.subject_id, row.question) == (subject, question))


def told(week: Week, question: str, subject: str = "r1") -> list[tuple[str, str]]:
    return [
        (row.reader_id, row.value) for row in week.rows(Answer) if (row.subject_id, row.question) == (subject, question)
    ]


def agreements(week: Week, question: str, measure: str) -> dict[tuple[str, str], tuple[float | None, int]]:
    return {
        (row.reader_a, row.reader_b): (row.value, row.n)
        for row in week.rows(ReaderAgreement)
        if (row.question, row.measure) == (question, measure)
    }


# --- verdicts ----------------------------------------------------------------------------------------------


def test_one_reader_is_single(week: Week) -> None:
    read_by(week, "r1", states(Pleural_Effusion="present"))
    week.decide()
    made = decision(week, EFFUSION)
    assert (made.value, made.verdict, made.method, made.share, made.n_readers) == (
        "present", Verdict.SINGLE, "majority", 1.0, 1,
    )  # fmt: skip
    assert len(week.rows(Decision)) == len(week.rows(Answer)) == 14


def test_two_of_three_agree_and_the_trail_names_all(week: Week) -> None:
    read_by(week, "r1", states(Pleural_Effusion="present"), states(Pleural_Effusion="present"), states())
    week.decide()
    made = decision(week, EFFUSION)
    assert (made.value, made.verdict, made.share, made.confidence) == ("present", Verdict.AGREED, 0.6667, 0.6667)
    assert made.reader_ids == READERS
    assert made.event_ids == tuple(sorted({row.event_id for row in week.rows(Answer)}))


def test_a_tie_and_three_values_are_split(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"), states(Edema="absent"))
    read_by(week, "r2", states(Edema="present"), states(Edema="absent"), states(Edema="uncertain"))
    week.decide()
    assert [decision(week, "Edema", name).verdict for name in ("r1", "r2")] == [Verdict.SPLIT] * 2
    assert decision(week, "Fracture", "r2").verdict is Verdict.AGREED


def test_a_tie_is_split_however_little_is_asked_for(week: Week) -> None:
    with_settings(week, min_share=0.0)
    read_by(week, "r1", states(Edema="present"), states(Edema="absent"))
    week.decide()
    assert decision(week, "Edema").verdict is Verdict.SPLIT


def test_a_question_left_out_has_no_answer_of_that_reader(week: Week) -> None:
    read_by(week, "r1", states(), [mark for mark in states() if mark.question != "Edema"])
    week.decide()
    assert told(week, "Edema") == [("ada", "absent")]
    assert decision(week, "Edema").verdict is Verdict.SINGLE


def test_the_adjudicator_wins_and_the_readers_stay_in_the_trail(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"), states(Edema="absent"))
    week.made.batch("week-1-adjudication", hours=50)
    week.made.case("r1", "week-1-adjudication", Role.ADJUDICATION)
    judged = week.made.read("cyd", "r1", states(Edema="uncertain"), "week-1-adjudication")
    week.decide()
    made = decision(week, "Edema")
    assert (made.value, made.verdict, made.method, made.confidence, made.share) == (
        "uncertain", Verdict.ADJUDICATED, "adjudication", 1.0, 0.5,
    )  # fmt: skip
    assert made.reader_ids == READERS
    assert judged.event_id in made.event_ids
    assert len(made.event_ids) == made.n_readers == 3
    assert agreements(week, "Edema", "percent")["(all)", "(all)"] == (0.0, 1)


def test_what_the_adjudicator_left_out_stays_what_readers_say_and_what_only_he_says_counts(week: Week) -> None:
    read_by(week, "r1", [mark for mark in states() if mark.question == "Edema"])
    week.made.batch("again", hours=50)
    week.made.case("r1", "again", Role.ADJUDICATION)
    week.made.read("cyd", "r1", [Mark("Fracture", ("present",))], "again")
    week.decide()
    assert {row.question: row.verdict for row in week.rows(Decision)} == {
        "Edema": Verdict.SINGLE,
        "Fracture": Verdict.ADJUDICATED,
    }
    assert decision(week, "Fracture").reader_ids == ("cyd",)


def test_dawid_skene_follows_the_readers_who_are_mostly_right(week: Week) -> None:
    with_settings(week, method="dawid_skene", bootstrap=0)
    for number in range(12):
        here = "present" if number % 2 else "absent"
        good = states(Edema=here)
        noise = states(Edema="absent" if number % 3 else "present")
        read_by(week, f"r{number:02}", good, good, noise)
    read_by(week, "tie", states(Edema="present"), [], states(Edema="absent"))
    week.decide()
    assert decision(week, "Edema", "r01").method == "dawid_skene"
    made = decision(week, "Edema", "tie")
    assert (made.value, made.share) == ("present", 0.5)
    assert made.confidence > 0.9
    assert made.verdict is Verdict.SPLIT
    assert all(row.low is None for row in week.rows(ReaderAgreement))


def test_dawid_skene_estimates_the_skill_of_simulated_readers_through_the_stage(week: Week) -> None:
    with_settings(week, method="dawid_skene", bootstrap=0)
    rng = np.random.default_rng(1)
    truth = {f"r{number:03}": "present" if rng.random() < 0.4 else "absent" for number in range(120)}
    for subject, true in truth.items():
        wrong = {"present": "absent", "absent": "present"}[true]
        week.made.hour = 1.0
        said = [[Mark("Edema", (true if rng.random() < skill else wrong,))] for skill in (0.95, 0.9, 0.8)]
        read_by(week, subject, *said)
    week.decide()
    right = [decision(week, "Edema", subject).value == true for subject, true in truth.items()]
    assert np.mean(right) > 0.9


# --- which reads count -------------------------------------------------------------------------------------


def test_the_last_change_by_the_reader_counts_and_nobody_elses(week: Week) -> None:
    week.made.case("r1")
    given = week.made.given("ada", "r1")
    week.made.event(given, states(Edema="present"))
    own = week.made.event(given, states(Edema="uncertain"), kind=EventKind.UPDATED)
    week.made.event(given, states(Edema="absent"), kind=EventKind.UPDATED, author_id="coordinator")
    week.decide()
    assert told(week, "Edema") == [("ada", "uncertain")]
    assert week.rows(Answer)[0].event_id == own.event_id


@pytest.mark.parametrize("kind", [EventKind.SKIPPED, EventKind.DELETED])
def test_skipped_and_deleted_give_no_answer_and_alone_are_refused(week: Week, kind: EventKind) -> None:
    week.made.case("r1")
    given = week.made.given("ada", "r1")
    week.made.event(given, states())
    week.made.event(given, kind=kind)
    week.decide()
    assert week.rows(Answer) == []
    assert [row.reason for row in week.rejects()] == [Reason.TOO_FEW_READERS]


def test_an_earlier_annotation_stands_again_when_the_later_is_deleted_by_anybody(week: Week) -> None:
    week.made.case("r1")
    given = week.made.given("ada", "r1")
    week.made.event(given, states(Edema="present"))
    week.made.event(given, states(Edema="absent"), annotation_id="second")
    week.made.event(given, annotation_id="second", kind=EventKind.DELETED, author_id="coordinator")
    week.decide()
    assert told(week, "Edema") == [("ada", "present")]


def test_withdrawn_counts_as_far_as_it_was_answered_before(week: Week) -> None:
    for subject in ("r1", "r2"):
        week.made.case(subject)
    answered, idle = week.made.given("ada", "r1"), week.made.given("ada", "r2")
    week.made.event(answered, states(Edema="present"))
    for given in (answered, idle):
        week.made.event(given, kind=EventKind.WITHDRAWN, annotation_id="", author_id="coordinator")
        week.made.event(given, states(Edema="absent"))
    week.decide()
    assert told(week, "Edema") == [("ada", "present")]
    assert told(week, "Edema", "r2") == []


def test_answers_about_a_changed_case_are_kept_flagged_and_not_merged(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"), case_changed=True)
    week.made.read("ben", "r1", states())
    week.decide()
    assert {row.reader_id: row.case_changed for row in week.rows(Answer)} == {"ada": True, "ben": False}
    made = decision(week, "Edema")
    assert (made.value, made.verdict, made.reader_ids) == ("absent", Verdict.SINGLE, ("ben",))


def test_several_batches_pool_their_readers_and_a_readers_latest_counts(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"), states(Edema="present"))
    week.made.batch("week-2", hours=20)
    week.made.case("r1", "week-2", Role.CONTROL)
    week.made.read("cyd", "r1", states(Edema="absent"), "week-2")
    week.made.read("ada", "r1", states(Edema="absent"), "week-2")
    week.decide()
    made = decision(week, "Edema")
    assert (made.value, made.share, made.reader_ids) == ("absent", 0.6667, READERS)
    assert len(told(week, "Edema")) == 4


def test_rows_of_a_batch_that_was_never_finished_and_what_lies_in_the_vault_are_left_out(
    week: Week, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    week.made.batch("phi", Task.PHI_REVIEW)
    week.made.case("place", "phi")
    week.made.read("ada", "place", [Mark("decision", ("text",))], "phi")
    week.made.flush()
    assert prepare(STAGE, week.workspace).batches == ()
    assert ledger_of(week.workspace, Task.PHI_REVIEW).folder != week.made.ledger.folder
    read_by(week, "r1", states())
    week.made.tasks["torn"] = Task.LABEL_REVIEW  # its own row was never written
    week.made.case("r2", "torn")
    week.made.read("ada", "r2", states(), "torn")
    week.decide()
    assert {row.subject_id for row in week.rows(Answer)} == {"r1"}
    assert {row.task for row in week.rows(Decision)} == {Task.LABEL_REVIEW}


def test_nothing_new_nothing_to_do_and_an_event_makes_it_new(week: Week) -> None:
    read_by(week, "r1", states())
    week.decide()
    assert prepare(STAGE, week.workspace).batches == ()
    week.made.read("ben", "r1", states(Edema="present"))
    week.decide()
    assert decision(week, "Edema").verdict is Verdict.SPLIT


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        week = week_at(tmp_path / name)
        for number in range(6):
            state = "present" if number % 2 else "absent"
            read_by(week, f"r{number}", states(Edema=state), states(Edema="present"), states())
        week.made.flush()
        items = prepare(STAGE, week.workspace).batches[0]
        run_batch(STAGE, week.workspace, items)
        parts = sorted(week.workspace.tables("decide").rglob("*.parquet"))
        made.append([(part.parent.name, part.name, part.read_bytes()) for part in parts])
    assert made[0] == made[1]
    assert len(made[0]) == 4  # answers, decisions, agreement, manifest


# --- spans -------------------------------------------------------------------------------------------------


def test_spans_are_kept_with_their_assertion_and_compared_but_not_decided(week: Week) -> None:
    fluid = span("pleural_effusion", 4, 12, "present")
    read_by(week, "r1", [*states(), *fluid, *span("edema", 1, 3, "absent")], [*states(), *fluid], states())
    week.decide()
    rows = [(row.label, row.value, row.start, row.end) for row in week.rows(AnswerMark) if row.reader_id == "ada"]
    assert rows == [("edema", "absent", 1, 3), ("pleural_effusion", "present", 4, 12)]
    assert "pleural_effusion" not in {row.question for row in week.rows(Decision)}
    assert agreements(week, "pleural_effusion", "percent") == {
        ("(all)", "(all)"): (0.3333, 1),
        ("ada", "ben"): (1.0, 1),
        ("ada", "cyd"): (0.0, 1),
        ("ben", "cyd"): (0.0, 1),
        ("ada", "(all)"): (0.5, 1),
        ("ben", "(all)"): (0.5, 1),
        ("cyd", "(all)"): (0.0, 1),
    }


# --- boxes -------------------------------------------------------------------------------------------------


def test_boxes_answer_each_label_and_are_fused(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.FINDING_BOXES)
    read_by(
        week,
        "v1",
        [box("Nodule/Mass", 10, 10, 8, 8), box("Nodule/Mass", 30, 20, 6, 6), anywhere("COPD")],
        [box("Nodule/Mass", 11, 10, 8, 8), box("Nodule/Mass", 30, 21, 6, 6), anywhere("COPD")],
        [box("Nodule/Mass", 10, 11, 8, 8)],
    )
    week.decide()
    assert len(told(week, "Nodule/Mass", "v1")) == 3
    assert len(week.rows(Decision)) == 28
    made = decision(week, "Nodule/Mass", "v1")
    assert (made.value, made.verdict, made.share) == ("present", Verdict.AGREED, 0.7778)
    marks = week.rows(DecisionMark)
    assert [(row.number, row.method, row.score, row.reader_ids) for row in marks] == [
        (0, "weighted_box_fusion", 1.0, READERS),
        (1, "weighted_box_fusion", 0.6667, ("ada", "ben")),
    ]
    assert marks[0].box == pytest.approx((10.333, 10.333, 8.0, 8.0))
    assert (decision(week, "COPD", "v1").value, decision(week, "COPD", "v1").share) == ("present", 0.6667)
    assert agreements(week, "Nodule/Mass", "box_f1")["ada", "cyd"] == (0.6667, 1)
    assert agreements(week, "Nodule/Mass", "box_f1")["(all)", "(all)"] == (0.8, 1)


def test_readers_who_see_it_in_different_places_are_split_and_leave_no_mark(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.FINDING_BOXES)
    read_by(week, "v1", [box("ILD", 0, 0, 5, 5)], [box("ILD", 30, 30, 5, 5)])
    week.decide()
    made = decision(week, "ILD", "v1")
    assert (made.value, made.verdict, made.share, made.confidence) == ("present", Verdict.SPLIT, 0.0, 1.0)
    assert week.rows(DecisionMark) == []
    assert [row.box for row in week.rows(AnswerMark)] == [(0.0, 0.0, 5.0, 5.0), (30.0, 30.0, 5.0, 5.0)]


def test_no_finding_is_that_nothing_else_is_marked_whatever_was_chosen(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.FINDING_BOXES)
    read_by(week, "v1", [], [anywhere("No finding")], [anywhere("No finding"), box("Edema", 1, 1, 5, 5)])
    week.decide()
    assert told(week, "No finding", "v1") == [("ada", "present"), ("ben", "present"), ("cyd", "absent")]


def test_one_readers_boxes_stay_as_they_are_even_where_they_overlap(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.FINDING_BOXES)
    read_by(week, "v1", [box("Edema", 1, 1, 9, 9), box("Edema", 1, 1, 9, 9)])
    week.decide()
    assert [(row.method, row.box, row.score) for row in week.rows(DecisionMark)] == [
        ("single", (1.0, 1.0, 9.0, 9.0), 1.0)
    ] * 2


def test_the_adjudicators_boxes_replace_the_readers(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.FINDING_BOXES)
    read_by(week, "v1", [box("Edema", 0, 0, 5, 5)], [box("Edema", 30, 30, 5, 5)])
    week.made.batch("senior", Task.FINDING_BOXES, 50)
    week.made.case("v1", "senior", Role.ADJUDICATION)
    week.made.read("cyd", "v1", [box("Edema", 2, 2, 6, 6)], "senior")
    week.decide()
    marks = [(row.method, row.box, row.score, row.reader_ids) for row in week.rows(DecisionMark)]
    assert marks == [("adjudication", (2.0, 2.0, 6.0, 6.0), 1.0, ("cyd",))]


# --- masks -------------------------------------------------------------------------------------------------


@pytest.fixture
def masks(tmp_path: Path) -> Week:
    """Two masks are shown of one view."""
    week = week_at(tmp_path, Task.MASK_REVIEW)
    week.made.case("v1")
    week.made.shown("v1", [rectangle("heart", 10, 10, 12, 10), rectangle("aorta", 20, 5, 4, 20)])
    return week


def test_masks_are_right_means_the_masks_that_were_shown(masks: Week) -> None:
    masks.made.read("ada", "v1", [verdict("masks are right")])
    masks.made.read(
        "ben", "v1", [verdict("masks corrected"), rectangle("heart", 10, 10, 12, 11), rectangle("aorta", 20, 5, 4, 20)]
    )
    masks.decide()
    assert told(masks, "heart", "v1") == [("ada", "present"), ("ben", "present")]
    assert [row.label for row in masks.rows(AnswerMark)] == ["aorta", "heart"] * 2
    assert decision(masks, "heart", "v1").share == pytest.approx(2 * 120 / (120 + 132), abs=1e-4)
    assert decision(masks, "verdict", "v1").verdict is Verdict.SPLIT
    marks = {row.label: row for row in masks.rows(DecisionMark)}
    assert marks["aorta"].rle == rectangle("aorta", 20, 5, 4, 20).rle
    assert marks["aorta"].box == (20.0, 5.0, 4.0, 20.0)
    assert (marks["heart"].method, marks["heart"].score) == ("staple", 1.0)
    assert 120 <= area(marks["heart"].rle) <= 132
    assert decode(marks["heart"].rle, 40, 50)[10:20, 10:22].all()
    assert agreements(masks, "aorta", "mask_dice")["ada", "ben"] == (1.0, 1)


def test_masks_that_hardly_overlap_are_split(masks: Week) -> None:
    masks.made.read("ada", "v1", [verdict("masks are right")])
    masks.made.read("ben", "v1", [verdict("masks corrected"), rectangle("heart", 20, 15, 12, 10)])
    masks.decide()
    assert decision(masks, "heart", "v1").verdict is Verdict.SPLIT
    assert told(masks, "aorta", "v1") == [("ada", "present"), ("ben", "absent")]
    assert masks.rows(DecisionMark) == []
    assert agreements(masks, "aorta", "mask_dice")["(all)", "(all)"] == (0.0, 1)


def test_pieces_of_one_mask_are_one_and_a_label_nobody_was_shown_is_asked_of_all(masks: Week) -> None:
    pieces = [rectangle("rib", 0, 0, 3, 3), rectangle("rib", 2, 0, 3, 3)]
    masks.made.read("ada", "v1", [verdict("masks corrected"), *pieces])
    masks.made.read("ben", "v1", [verdict("masks corrected"), rectangle("rib", 0, 0, 5, 3)])
    masks.made.read("cyd", "v1", [verdict("masks are right")])
    masks.decide()
    assert told(masks, "rib", "v1") == [("ada", "present"), ("ben", "present"), ("cyd", "absent")]
    made = next(row for row in masks.rows(DecisionMark) if row.label == "rib")
    assert (made.rle, made.score, made.reader_ids) == (rectangle("rib", 0, 0, 5, 3).rle, 0.6667, ("ada", "ben"))


def test_a_view_of_no_use_has_no_masks(masks: Week) -> None:
    masks.made.read("ada", "v1", [verdict("view cannot be used"), rectangle("heart", 10, 10, 12, 10)])
    masks.made.read("ben", "v1", [verdict("view cannot be used")])
    masks.made.read("cyd", "v1", [verdict("masks are right")])
    masks.decide()
    assert [row.question for row in masks.rows(Decision)] == ["verdict"]
    assert told(masks, "heart", "v1") == [("cyd", "present")]
    assert masks.rows(DecisionMark) == []
    assert agreements(masks, "heart", "mask_dice") == {}


def test_readers_who_are_split_on_the_use_of_a_view_leave_it_to_the_adjudicator(masks: Week) -> None:
    masks.made.read("ada", "v1", [verdict("view cannot be used")])
    masks.made.read("ben", "v1", [verdict("masks are right")])
    masks.decide()
    assert [(row.question, row.verdict) for row in masks.rows(Decision)] == [("verdict", Verdict.SPLIT)]


def test_of_several_pre_annotations_the_one_that_was_started_from_is_meant(masks: Week) -> None:
    other = masks.made.shown("v1", [rectangle("heart", 1, 1, 5, 5)], number=2)
    masks.made.read("ada", "v1", [verdict("masks are right")], prediction_id=other)
    masks.made.read("ben", "v1", [verdict("masks are right"), rectangle("heart", 1, 1, 5, 5)])
    masks.decide()
    assert {row.rle for row in masks.rows(AnswerMark)} == {rectangle("heart", 1, 1, 5, 5).rle}


# --- quality and measurements ------------------------------------------------------------------------------


def test_quality_asks_three_choices_and_each_flaw(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.QUALITY_CHECK)
    said = [Mark("view", ("PA",)), Mark("orientation", ("mirrored",)), Mark("usable", ("no",))]
    read_by(week, "v1", [*said, Mark("flaws", ("too dark", "patient rotated"))], said)
    week.decide()
    assert decision(week, "view", "v1").value == "PA"
    assert told(week, "too dark", "v1") == [("ada", "present"), ("ben", "absent")]
    assert decision(week, "too dark", "v1").verdict is Verdict.SPLIT
    assert len(week.rows(Decision)) == 10


def test_landmarks_are_compared_by_their_distance(tmp_path: Path) -> None:
    week = week_at(tmp_path, Task.MEASUREMENT_REVIEW)
    read_by(
        week,
        "v1",
        [verdict("positive"), point("carina", 10, 10), point("apex", 1, 1)],
        [verdict("positive"), point("carina", 13, 14)],
    )
    week.decide()
    assert [row.question for row in week.rows(Decision)] == ["verdict"]
    pairs = [("(all)", "(all)"), ("ada", "ben"), ("ada", "(all)"), ("ben", "(all)")]
    assert agreements(week, "carina", "point_distance") == dict.fromkeys(pairs, (5.0, 1))
    assert agreements(week, "apex", "point_distance") == {}
    assert [row.points_px for row in week.rows(AnswerMark)] == [(1.0, 1.0), (10.0, 10.0), (13.0, 14.0)]


# --- agreement ---------------------------------------------------------------------------------------------


def test_agreement_of_each_question_and_over_all_with_intervals_around_it(week: Week) -> None:
    for number in range(20):
        state = "present" if number % 2 else "absent"
        other = "present" if number in {0, 2} else state
        read_by(week, f"r{number:02}", states(Edema=state), states(Edema=other), states(Edema=state))
    week.decide()
    rows = {
        row.measure: row
        for row in week.rows(ReaderAgreement)
        if (row.question, row.reader_a, row.reader_b) == ("Edema", "(all)", "(all)")
    }
    assert rows["percent"].value == pytest.approx(1 - 2 / 20 * 2 / 3, abs=1e-4)
    assert set(rows) == {"percent", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1"}
    for row in rows.values():
        assert row.low is not None
        assert row.high is not None
        assert row.value is not None
        assert row.low < row.value <= row.high <= 1
        assert row.n == 20
    assert agreements(week, "Edema", "cohen_kappa")["ada", "ben"] == (0.8, 20)
    assert agreements(week, "Edema", "cohen_kappa")["ada", "cyd"] == (1.0, 20)
    assert agreements(week, "Fracture", "cohen_kappa")["ada", "ben"] == (None, 20)
    assert agreements(week, "(all)", "cohen_kappa")["ada", "ben"] == (0.8, 20)
    assert agreements(week, "(all)", "percent")["ada", "ben"][0] == pytest.approx((13 + 0.9) / 14, abs=1e-4)


def test_readers_who_share_no_case_are_no_pair(week: Week) -> None:
    read_by(week, "r1", states(), states())
    week.made.case("r2")
    for reader in ("ben", "cyd"):
        week.made.read(reader, "r2", states())
    week.decide()
    assert set(agreements(week, "Edema", "percent")) == {
        ("(all)", "(all)"), ("ada", "ben"), ("ben", "cyd"), ("ada", "(all)"), ("ben", "(all)"), ("cyd", "(all)"),
    }  # fmt: skip
    assert agreements(week, "Edema", "percent")["ben", "(all)"] == (1.0, 2)


def test_of_one_patient_there_is_no_interval(week: Week) -> None:
    for subject in ("r1", "r2"):
        week.made.case(subject, patient="somebody")
        for reader, state in zip(READERS, ("present", "present", "absent"), strict=True):
            week.made.read(reader, subject, states(Edema=state))
    week.decide()
    assert all((row.low, row.high) == (None, None) for row in week.rows(ReaderAgreement))


def test_a_hidden_repeat_does_not_vote_and_is_compared_with_the_readers_first_answer(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"))
    week.made.read("ada", "r1", states(Edema="absent"), repeat=1)
    week.made.case("r2")
    week.made.read("ada", "r2", states(), repeat=1)  # its first time was skipped
    week.decide()
    made = decision(week, "Edema")
    assert (made.value, made.verdict) == ("present", Verdict.SINGLE)
    assert agreements(week, "Edema", "repeat_percent") == {("ada", "(self)"): (0.0, 1), ("(all)", "(self)"): (0.0, 1)}
    assert agreements(week, "(all)", "repeat_percent")["ada", "(self)"] == (0.9286, 1)


def test_a_gold_case_does_not_vote_and_is_compared_with_what_was_known_when_it_was_given_out(week: Week) -> None:
    read_by(week, "r1", states(Edema="present"), states(Edema="present", Fracture="present"))
    read_by(week, "r2", states())
    week.made.batch("judge", hours=20)
    week.made.case("r2", "judge", Role.ADJUDICATION)
    week.made.hour = 21
    week.made.read("cyd", "r2", states(Edema="uncertain"), "judge")
    week.made.batch("week-2", hours=30)
    week.made.hour = 31
    for subject in ("r1", "r2", "r3"):
        week.made.case(subject, "week-2", Role.GOLD)
        week.made.read("cyd", subject, states(Edema="uncertain"), "week-2")
    for reader in ("ada", "ben"):  # later they change their mind
        week.made.event(f"week-1/r1/{reader}/0", states(Edema="uncertain"), kind=EventKind.UPDATED)
    week.decide()
    assert decision(week, "Edema").reader_ids == ("ada", "ben")
    assert agreements(week, "Edema", "gold_percent") == {("cyd", "(gold)"): (0.5, 2), ("(all)", "(gold)"): (0.5, 2)}
    assert agreements(week, "Fracture", "gold_percent")["cyd", "(gold)"] == (1.0, 1)  # a tie is not known
    assert {row.subject_id for row in week.rows(Decision)} == {"r1", "r2"}
    assert {row.role for row in week.rows(Answer) if row.subject_id == "r3"} == {Role.GOLD}


def test_gold_alone_gives_answers_and_no_decision(week: Week) -> None:
    week.made.case("r1", role=Role.GOLD)
    week.made.read("ada", "r1", states(), at=at(1))
    week.decide()
    assert len(week.rows(Answer)) == 14
    assert week.rows(Decision) == []
    assert week.rows(ReaderAgreement) == []
