"""What readers decided, in a release: labels and masks that win, and the trail behind them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pycocotools.coco import COCO

from curation import rle
from curation.records import (
    AnnotationEvent,
    Answer,
    AnswerMark,
    Decision,
    DecisionMark,
    EventKind,
    Mask,
    Record,
    Role,
    Task,
    Verdict,
)
from curation.release.build import build
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from tests.rows import workspace_with_rows

pytestmark = pytest.mark.xdist_group("readers")
AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OWNER = {"view2": "patient2"}
DRAWN = np.array([[0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], bool)


def decision(task: Task, subject: str, question: str, value: str, verdict: Verdict = Verdict.AGREED) -> Decision:
    name = f"{task}/{subject}/{question}"
    return Decision(
        name,
        task,
        subject,
        OWNER.get(subject, "patient1"),
        question,
        value,
        verdict,
        "majority",
        1.0,
        1.0,
        1,
        ("d1",),
        ("e1",),
    )


def answer(task: Task, subject: str, question: str, event: str) -> Answer:
    place = (f"given-{event}", question, f"case-{subject}", "week-1", task, subject, "patient1", "d1", Role.ROUTED, 0)
    return Answer(*place, "present", event, case_changed=False)


def event(name: str) -> AnnotationEvent:
    given = (f"given-{name}", "week-1", "case-view1", "annotation-1", EventKind.SUBMITTED, AT, "d1", "d1")
    return AnnotationEvent(name, *given, 12.5, "", case_changed=False, marks="[]")


def write(workspace: Workspace, rows: Sequence[Record]) -> None:
    record = type(rows[0])
    write_parquet(to_arrow(record, rows), workspace.tables(record.about.stage) / record.about.name / "r.parquet")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = workspace_with_rows(tmp_path_factory.mktemp("readers") / "workspace")
    boxes, labels, masks = Task.FINDING_BOXES, Task.LABEL_REVIEW, Task.MASK_REVIEW
    write(
        workspace,
        [
            decision(boxes, "view2", "Pleural effusion", "present"),
            decision(boxes, "view2", "Calcification", "present"),
            decision(labels, "report1", "Edema", "absent", Verdict.ADJUDICATED),
            decision(labels, "report1", "Fracture", "present", Verdict.SPLIT),
            decision(labels, "report1", "Pneumonia", "not mentioned"),
            decision(labels, "elsewhere", "Edema", "present"),
            decision(masks, "view1", "heart", "present"),
            decision(masks, "view1", "aorta", "absent"),
            decision(masks, "view2", "aorta", "absent", Verdict.SPLIT),
        ],
    )
    aorta = [
        Mask(view, "aorta", 141, "segment", rle.encode(DRAWN), 6, (1, 1, 3, 2), 20.0) for view in ("view1", "view2")
    ]
    write(workspace, aorta)
    marks = ("staple", 1.0, (1.0, 1.0, 3.0, 2.0), rle.encode(DRAWN), ("d1",), ("e1",))
    write(
        workspace, [DecisionMark("view1", masks, "heart", 0, *marks), DecisionMark("gone", masks, "heart", 0, *marks)]
    )
    write(workspace, [answer(masks, "view1", "heart", "e1"), answer(labels, "elsewhere", "Edema", "e2")])
    mark = ("d1", "heart", "", (1.0, 1.0, 3.0, 2.0), (), rle.encode(DRAWN), None, None)
    write(workspace, [AnswerMark("given-e1", 0, "case-view1", masks, "view1", *mark, "e1")])
    write(workspace, [event("e1"), event("e2")])
    build(workspace, "paxray")
    return workspace.root / "release" / "paxray"


def test_a_settled_decision_is_a_label_of_each_image_it_speaks_of(release: Path) -> None:
    labels = pl.read_parquet(release / "labels.parquet").filter(pl.col("source") == "readers")
    assert labels.sort("image_id", "label").select("image_id", "label", "source_id", "state").rows() == [
        ("view1", "Edema", "label_review/report1/Edema", 0),
        ("view1", "Pneumonia", "label_review/report1/Pneumonia", None),
        ("view2", "Pleural Effusion", "finding_boxes/view2/Pleural effusion", 1),
    ]


def test_a_mask_that_readers_corrected_is_the_one_that_is_released(release: Path) -> None:
    table = pl.read_parquet(release / "masks.parquet").filter(pl.col("label") == "heart")
    masks = {row["view_id"]: row for row in table.to_dicts()}
    assert (masks["view1"]["source"], masks["view1"]["area_px"], masks["view1"]["box"]) == ("readers", 6, [1, 1, 3, 2])
    assert masks["view1"]["mean_thickness_mm"] is None
    assert (masks["view2"]["source"], masks["view2"]["area_px"]) == ("segment", 2)
    for path in sorted((release / "coco").glob("*.json")):
        coco = COCO(str(path))
        for annotation in coco.loadAnns(coco.getAnnIds()):
            assert coco.annToMask(annotation).sum() == annotation["area"]


def test_a_mask_that_readers_deleted_is_not_released_unless_they_are_split_on_it(release: Path) -> None:
    masks = pl.read_parquet(release / "masks.parquet").filter(pl.col("label") == "aorta")
    assert masks["view_id"].to_list() == ["view2"]


def test_the_trail_leads_from_the_label_to_what_a_reader_did(release: Path) -> None:
    here = (pl.col("subject_id") == "view1") & (pl.col("question") == "heart")
    decisions = pl.read_parquet(release / "decisions.parquet").filter(here)
    answers = pl.read_parquet(release / "answers.parquet")
    events = pl.read_parquet(release / "annotation_events.parquet")
    assert decisions["event_ids"].to_list() == [["e1"]]
    assert answers["event_id"].to_list() == ["e1"]
    assert events["event_id"].to_list() == ["e1"]
    assert events["at"].to_list() == [AT]
    assert pl.read_parquet(release / "answer_marks.parquet").height == 1
    assert pl.read_parquet(release / "decision_marks.parquet").height == 1


def test_what_readers_are_split_on_and_what_lies_elsewhere_is_no_label(release: Path) -> None:
    decisions = pl.read_parquet(release / "decisions.parquet")
    assert "elsewhere" not in decisions["subject_id"].to_list()
    assert decisions.filter(pl.col("verdict") == "split").height == 2
