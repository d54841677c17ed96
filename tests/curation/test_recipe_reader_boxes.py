"""The reader-boxes release: every reading kept, boxes in original pixels, consensus that follows from the raw rows."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO

from curation.recipes.outlines import box_of
from curation.recipes.reader_boxes import RECIPE, categories, documents, on_picture
from curation.records import (
    Annotation,
    Answer,
    AnswerMark,
    LabelMapRow,
    Patient,
    Radiograph,
    ReleaseBox,
    ReleaseConsensusBox,
    ReleaseImage,
    Role,
    Series,
    Study,
    Task,
    View,
)
from curation.release.opened import Opened
from curation.release.recipe import Rows
from curation.settings import Shares
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling import decide
from labeling.agreement.boxes import fuse
from labeling.agreement.merging import leading
from labeling.reading.ledger import ledger_of
from tests.cohort import cohort, run
from tests.labeling.deciding import READERS, Made, box
from tests.releases import broken, planted, released
from tests.rows import workspace_with_rows

pytestmark = pytest.mark.xdist_group("reader-boxes")
SPLITS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The cohort, with a film that was read again, one that was adjudicated, and one that changed while it was read."""
    workspace = cohort(tmp_path_factory.mktemp("boxes") / "w", 30)
    read = sorted({row.subject_id for row in answers(workspace)})
    patients = {row.subject_id: row.patient_id for row in answers(workspace)}
    unread = [r.instance_id for r in read_rows(Radiograph, workspace.tables("catalog")) if r.instance_id not in read]
    again, judged, changed = read[0], read[1], unread[0]
    made = Made(ledger_of(workspace, Task.LABEL_REVIEW), hour=500.0)
    made.batch("again", Task.FINDING_BOXES)
    made.case(again, "again", patient=patients[again])
    made.read("ada", again, [box("Pneumothorax", 3.0, 4.0, 5.0, 6.0)], "again", repeat=1)
    made.case(changed, "again", patient=patients[again])
    made.read("ben", changed, [box("Pneumothorax", 3.0, 4.0, 5.0, 6.0)], "again", case_changed=True)
    made.batch("judge", Task.FINDING_BOXES)
    made.case(judged, "judge", Role.ADJUDICATION, patient=patients[judged])
    made.read("dora", judged, [box("Pleural effusion", 11.0, 20.0, 12.0, 16.0)], "judge")
    made.flush()
    run(decide.STAGE, workspace)
    return {"workspace": workspace, "read": read, "again": again, "judged": judged, "changed": changed}


@pytest.fixture(scope="module")
def release(films: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(films["workspace"], RECIPE, tmp_path_factory.mktemp("open"))


@pytest.fixture(scope="module")
def hidden(films: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Opened:
    shares = Shares(train=0.4, valid=0.2, test=0.4)
    return released(films["workspace"], RECIPE, tmp_path_factory.mktemp("hid"), hidden_test=True, split=shares)


def answers(workspace: Workspace) -> list[Answer]:
    return [r for r in read_rows(Answer, workspace.tables("decide")) if r.task is Task.FINDING_BOXES]


def annotations(release: Opened) -> pl.DataFrame:
    return pl.concat([release.whole(f"annotations_{split}") for split in SPLITS])


def as_rows(release: Opened) -> dict[str, Rows]:
    """The tables that COCO files are made from, as they are passed on."""
    kinds: dict[str, type[Any]] = {f"annotations_{split}": ReleaseBox for split in SPLITS}
    kinds |= {"images": ReleaseImage, "consensus": ReleaseConsensusBox, "label_map": LabelMapRow}
    return {name: (kind, [kind(**row) for row in release.table(name).to_dicts()]) for name, kind in kinds.items()}


# --- reads -------------------------------------------------------------------------------------------------


def test_every_reading_is_a_row_also_of_who_found_nothing(films: dict[str, Any], release: Opened) -> None:
    given_ = {(r.subject_id, r.reader_id, r.assignment_id) for r in answers(films["workspace"]) if not r.case_changed}
    reads = release.table("reads").filter(pl.col("source") != "outline")
    assert sorted(reads.select("image_id", "rad_id").rows()) == sorted((image, who) for image, who, _ in given_)
    assert 0 in reads["n_boxes"].to_list()
    assert reads["seconds"].unique().to_list() == [30.0]


def test_who_reads_again_has_a_second_reading_and_who_judges_is_said_to(films: dict[str, Any], release: Opened) -> None:
    reads = release.table("reads").select("image_id", "rad_id", "reading", "source").rows()
    again, judged = films["again"], films["judged"]
    assert {(again, "ada", 0, "reading"), (again, "ada", 1, "reading")} <= set(reads)
    assert (judged, "dora", 0, "adjudication") in reads


def test_images_are_those_that_somebody_has_read_as_they_are(films: dict[str, Any], release: Opened) -> None:
    series = {row.series_id for row in read_rows(Annotation, films["workspace"].tables("deid"))}
    views = {r.view_id for r in read_rows(View, films["workspace"].tables("project")) if r.series_id in series}
    assert set(release.table("images")["image_id"]) == {*films["read"], *views}
    assert films["changed"] not in films["read"]


def test_boxes_are_those_that_were_drawn_in_pixels_of_the_original(films: dict[str, Any], release: Opened) -> None:
    marks = read_rows(AnswerMark, films["workspace"].tables("decide"))
    expected = [
        (r.subject_id, r.reader_id, r.label, r.box[0], r.box[1], r.box[0] + r.box[2], r.box[1] + r.box[3], r.event_id)
        for r in marks
        if r.task is Task.FINDING_BOXES and r.subject_id != films["changed"]
    ]
    columns = ("image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max", "source_id")
    drawn = annotations(release).filter(pl.col("source") != "outline").select(columns)
    assert sorted(drawn.rows()) == sorted(expected)


def test_outlines_of_a_ct_are_boxes_on_each_of_its_projections(films: dict[str, Any], release: Opened) -> None:
    workspace: Workspace = films["workspace"]
    outlines = read_rows(Annotation, workspace.tables("deid"))
    series = {row.series_id: row for row in read_rows(Series, workspace.tables("catalog"))}
    expected = []
    for view in read_rows(View, workspace.tables("project")):
        for object_id in sorted({row.object_id for row in outlines if row.series_id == view.series_id}):
            own = [row for row in outlines if row.object_id == object_id]
            corners = box_of(own, series[view.series_id], view)
            assert corners is not None
            expected.append((view.view_id, own[0].reader_id, "nodule", *corners, object_id, None))
    columns = ("image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max", "source_id", "at")
    drawn = annotations(release).filter(pl.col("source") == "outline").select(columns)
    assert sorted(drawn.rows()) == sorted(expected)
    labels = release.table("image_labels").filter(pl.col("class_name") == "nodule")
    assert set(labels.select("image_id", "rad_id", "state").rows()) == {(row[0], row[1], 1) for row in expected}


def test_who_marked_no_finding_or_none_on_the_image_has_read_the_ct_too(tmp_path: Path) -> None:
    made = workspace_with_rows(tmp_path / "w")
    other = Annotation("an2", "o2", "reader2", "series2", "i1", "non_nodule", "point", True, (1.0, 1.0))
    write_parquet(to_arrow(Annotation, [other]), made.tables("deid") / "annotations" / "more.parquet")
    told = released(made, RECIPE, tmp_path / "release")
    reads = told.table("reads").select("image_id", "rad_id", "n_boxes", "source").rows()
    assert reads == [("view2", "reader1", 0, "outline"), ("view2", "reader2", 0, "outline")]
    assert told.table("image_labels").select("rad_id", "class_name").rows() == [("reader1", "nodule")]


def test_an_answer_on_the_whole_image_is_one_row_for_each_question(films: dict[str, Any], release: Opened) -> None:
    states = {"present": 1, "absent": 0}
    expected = {
        (r.subject_id, r.reader_id, r.question, states[r.value], r.event_id)
        for r in answers(films["workspace"])
        if not r.case_changed
    }
    labels = release.table("image_labels").filter(pl.col("class_name") != "nodule")
    assert set(labels.select("image_id", "rad_id", "class_name", "state", "source_id").rows()) == expected


# --- consensus ---------------------------------------------------------------------------------------------


def test_majority_and_box_fusion_recompute_decisions_and_consensus_from_the_raw_rows(
    films: dict[str, Any], release: Opened
) -> None:
    settings = films["workspace"].settings.decide
    assert settings.method == "majority"
    reads = release.table("answers").filter(~pl.col("case_changed"), pl.col("repeat") == 0, pl.col("role") == "routed")
    drawn = annotations(release)
    decided = 0
    for row in release.table("decisions").filter(pl.col("verdict") != "adjudicated").to_dicts():
        about = pl.col("subject_id") == row["subject_id"], pl.col("question") == row["question"]
        votes = reads.filter(*about)
        value, share, _ = leading(votes["value"].to_list())
        assert (row["value"], row["n_readers"]) == (value, votes.height)
        assert row["confidence"] == pytest.approx(share, abs=1e-4)
        assert row["event_ids"] == sorted(votes["event_id"])
        if value == "present" and row["verdict"] != "split":
            own = drawn.filter(pl.col("source_id").is_in(row["event_ids"]), pl.col("class_name") == row["question"])
            sides = own.select(
                "x_min", "y_min", pl.col("x_max") - pl.col("x_min"), pl.col("y_max") - pl.col("y_min")
            ).rows()
            fused = fuse(sides, settings.min_box_iou)
            told = release.table("consensus").filter(
                pl.col("image_id") == row["subject_id"], pl.col("class_name") == row["question"]
            )
            assert told.height == len(fused)
            for made, (place, members) in zip(told.to_dicts(), fused, strict=True):
                corners = (place[0], place[1], place[0] + place[2], place[1] + place[3])
                assert [made[side] for side in ("x_min", "y_min", "x_max", "y_max")] == pytest.approx(corners, abs=2e-3)
                assert made["rad_ids"] == sorted({own["rad_id"][member] for member in members})
                assert made["n_readers"] == votes.height
            decided += 1
    assert decided > 3


def test_an_adjudicators_box_is_the_consensus(films: dict[str, Any], release: Opened) -> None:
    row = release.table("consensus").row(by_predicate=pl.col("image_id") == films["judged"], named=True)
    assert (row["method"], row["votes"], row["n_readers"], row["score"]) == ("adjudication", 1, 1, 1.0)
    assert row["rad_ids"] == ["dora"]


def test_what_readers_agree_on_in_the_ct_is_the_box_of_its_mask(release: Opened) -> None:
    rows = release.table("consensus").filter(pl.col("method") == "staple")
    assert rows.height > 0
    assert set(rows.select("x_min", "y_min", "x_max", "y_max", "votes", "n_readers").rows()) == {(8, 10, 11, 13, 2, 2)}


# --- COCO --------------------------------------------------------------------------------------------------


def coco_of(document: Any, folder: Path) -> COCO:
    path = folder / "coco.json"
    path.write_text(json.dumps(document))
    return COCO(str(path))


def test_pycocotools_reads_the_boxes_of_each_split_in_pixels_of_the_picture(release: Opened, tmp_path: Path) -> None:
    files = documents(as_rows(release))
    assert {f"coco/{kind}_{split}.json" for kind in ("annotations", "readers") for split in SPLITS} == files.keys()
    images = {row["file_name"]: row for row in release.table("images").to_dicts()}
    seen: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for path, document in files.items():
        coco = coco_of(document, tmp_path)
        names = {number: row["name"] for number, row in coco.cats.items()}
        for row in coco.loadAnns(coco.getAnnIds()):
            image = images[coco.imgs[row["image_id"]]["file_name"]]
            x, y, width, height = row["bbox"]
            assert 0 <= x < x + width <= image["columns"] + 0.01
            assert 0 <= y < y + height <= image["rows"] + 0.01
            scale = image["original_columns"] / image["columns"]
            back = tuple(round(side * scale, 2) for side in (x, y, x + width, y + height))
            who = (row["rad_id"], row["reading"]) if "readers" in path else (row["votes"], row["n_readers"])
            seen[path.split("_")[0]].add((image["image_id"], names[row["category_id"]], *back, *who))
    corners = [pl.col(side).round(2) for side in ("x_min", "y_min", "x_max", "y_max")]
    drawn = annotations(release).select("image_id", "class_name", *corners, "rad_id", "reading")
    agreed = release.table("consensus").select("image_id", "class_name", *corners, "votes", "n_readers")
    for said, table in (("coco/readers", drawn), ("coco/annotations", agreed)):
        expected = sorted(set(table.rows()))
        assert len(seen[said]) == len(expected)
        for row, other in zip(sorted(seen[said]), expected, strict=True):
            assert row[:2] + row[6:] == other[:2] + other[6:]
            assert row[2:6] == pytest.approx(other[2:6], abs=0.02)


def test_categories_are_the_same_in_every_split_and_follow_the_published_order(release: Opened) -> None:
    files = documents(as_rows(release))
    assert len({json.dumps(document["categories"]) for document in files.values()}) == 1
    known = release.table("label_map").sort("position")["label"].to_list()
    numbers = categories(as_rows(release)["label_map"], {"nodule"})
    assert list(numbers) == [*known, "nodule"]
    assert list(numbers.values()) == list(range(1, 30))


sizes = st.integers(64, 6000)


@given(sizes, sizes, st.floats(0.02, 1.0), st.tuples(*[st.floats(0, 1)] * 4))
def test_a_box_comes_back_from_the_picture_to_less_than_a_pixel(
    rows: int, columns: int, smaller: float, at: tuple[float, ...]
) -> None:
    picture = {"rows": max(round(rows * smaller), 16), "columns": max(round(columns * smaller), 16)}
    image = an_image(**picture, original_rows=rows, original_columns=columns)
    box_ = (at[0] * columns, at[1] * rows, at[2] * columns, at[3] * rows)
    shown = [round(side, 3) for side in on_picture(image, box_)]
    scales = (columns / image.columns, rows / image.rows) * 2
    back = [side * scale for side, scale in zip(shown, scales, strict=True)]
    assert max(abs(a - b) for a, b in zip(back, box_, strict=True)) < 1


def an_image(**sides: int) -> ReleaseImage:
    told: dict[str, Any] = dict.fromkeys(ReleaseImage.__dataclass_fields__, "")
    return ReleaseImage(**(told | sides))


# --- nobody, a hidden test, and what was planted -----------------------------------------------------------


def test_where_nobody_has_read_anything_the_tables_have_columns_and_no_row(tmp_path: Path) -> None:
    made = workspace_with_rows(tmp_path / "w")
    for part in (made.tables("deid") / "annotations").glob("*.parquet"):
        part.unlink()
    empty = released(made, RECIPE, tmp_path / "release")
    assert {name: empty.table(name).height for name in RECIPE.about} == dict.fromkeys(RECIPE.about, 0)
    assert empty.table("images").height == 0
    assert "rad_id" in empty.table("annotations_test").columns
    assert documents(as_rows(empty)) == {}
    assert broken(empty, RECIPE) == []


def test_a_hidden_test_is_in_no_table_of_answers_and_in_no_coco_file(films: dict[str, Any], hidden: Opened) -> None:
    catalog = films["workspace"].tables("catalog")
    apart = {r["patient_id"] for r in hidden.table("splits").to_dicts() if r["split"] == "test"}
    secret = {*apart, *(r.series_id for r in read_rows(Series, catalog) if r.patient_id in apart)}
    secret |= {r.study_id for r in read_rows(Study, catalog) if r.patient_id in apart}
    secret |= set(hidden.table("images").filter(pl.col("split") == "test")["image_id"])
    for name in RECIPE.answers:
        for column in hidden.table(name).iter_columns():
            assert column.dtype != pl.String or not secret & set(column), name
        assert hidden.whole(name).height > hidden.table(name).height, name
    files = documents(as_rows(hidden))
    for kind in ("annotations", "readers"):
        assert files[f"coco/{kind}_test.json"]["images"]
        assert files[f"coco/{kind}_test.json"]["annotations"] == []
        assert files[f"coco/{kind}_train.json"]["annotations"]
    assert len(read_rows(Patient, catalog)) > len(apart) > 0
    assert broken(hidden, RECIPE) == []


def first(frame: pl.DataFrame, **changed: object) -> pl.DataFrame:
    """A table whose first row has other values."""
    new = {name: pl.Series([value], dtype=frame[name].dtype) for name, value in changed.items()}
    return pl.concat([frame.head(1).with_columns(**new), frame[1:]])


def doubled(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame[:1]])


Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.mark.parametrize(
    ("table", "change", "fault"),
    [
        ("reads", doubled, "reads: an image, reader and reading stand twice"),
        ("annotations_train", doubled, "annotations: an image, reader, reading and number stand twice"),
        ("annotations_train", lambda t: first(t, rad_id="zoe"), "annotations: a box of a reading that is not in reads"),
        ("annotations_train", lambda t: t[1:], "n_boxes is not the number"),
        ("reads", lambda t: first(t, n_boxes=9), "n_boxes is not the number"),
        ("image_labels", lambda t: first(t, reading=5), "image_labels: a label of a reading that is not"),
        ("reads", lambda t: first(t, image_id="gone"), "reads: an image is not in the release"),
        (
            "image_labels",
            lambda t: first(t, split="dev"),
            "image_labels: an image is not in the release, or in another",
        ),
        ("annotations_valid", lambda t: first(t, x_max=65.5), "annotations_valid: a box is empty or reaches out"),
        ("annotations_train", lambda t: first(t, y_min=-1.5), "annotations_train: a box is empty or reaches out"),
        ("consensus", lambda t: first(t, x_max=t["x_min"][0]), "consensus: a box is empty or reaches out"),
        ("consensus", lambda t: first(t, votes=9), "consensus: votes are more than readers"),
        ("consensus", lambda t: first(t, rad_ids=[*READERS, "zoe"]), "or not those of rad_ids"),
        ("consensus", lambda t: first(t, score=0.1), "score is not votes over readers"),
        ("consensus", lambda t: first(t, rad_ids=["zoe"], votes=1), "a reader of rad_ids has not read the image"),
        ("annotation_events", lambda t: t[:0], "annotations: a source is neither in annotation_events"),
        ("ct_outlines", lambda t: t[:0], "consensus: a source is neither in annotation_events nor in ct_outlines"),
        ("decisions", lambda t: first(t, event_ids=["gone"]), "decisions: a source is neither"),
        ("image_labels", lambda t: first(t, source_id="gone"), "image_labels: a source is neither"),
    ],
)
def test_the_checks_name_what_was_planted(release: Opened, table: str, change: Change, fault: str) -> None:
    assert broken(release, RECIPE) == []
    copy = planted(release, **{table: change(release.table(table))})
    assert any(fault in line for line in broken(copy, RECIPE)), broken(copy, RECIPE)
