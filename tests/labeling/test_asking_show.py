"""What a reader is shown of a case, and the digest by which a later change of it is seen."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curation.records import Case, Instance, Mask, MaskQuality, Measurement, ReadingCase, Report, Task, View
from curation.store import read_member, read_rows
from curation.workspace import Workspace
from labeling.asking.asked import Shown
from labeling.asking.digests import digests
from labeling.asking.show import NO_REPORT, show
from labeling.asking.words import FLAWS, MASK_FLAGS
from projection.quality.ct import RULES as CT_RULES
from projection.quality.masks import RULES
from projection.quality.view import VIEW_RULES
from tests.labeling.asked_rows import ADDENDUM, COLUMNS, PLACE, ROWS, TEXT, U, case, cohort, grey, mention, put

IMAGE_TASKS = (Task.MASK_REVIEW, Task.FINDING_BOXES, Task.QUALITY_CHECK, Task.MEASUREMENT_REVIEW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cohort(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    return Workspace(tmp_path / "workspace")


def shown(workspace: Workspace, asked: ReadingCase, shows_report: bool = False) -> Shown:
    (one,) = show(workspace, [asked], shows_report)
    return one


def test_a_report_is_shown_word_for_word_with_the_reasons_as_a_sentence(workspace: Workspace) -> None:
    asked = case(Task.LABEL_REVIEW, "r1", reasons=("the report hedges about edema", "labelers differ"))
    one = shown(workspace, asked)
    assert one == Shown(
        asked.case_id, {"reasons": "The report hedges about edema; labelers differ.", "text": TEXT}, {}, None
    )


def test_a_case_without_reasons_says_none(workspace: Workspace) -> None:
    assert shown(workspace, case(Task.LABEL_REVIEW, "r2")).texts == {"reasons": "", "text": ADDENDUM}


def test_a_view_of_masks_is_shown_beside_its_bones_and_its_lungs_alone(workspace: Workspace) -> None:
    one = shown(workspace, case(Task.MASK_REVIEW, "v1", "nodule_2"))
    assert one.pictures == {"image": grey(1), "bone": grey(100), "lung": grey(120)}
    assert one.size == (ROWS, COLUMNS)
    assert one.texts["flawed"] == ("Nodule 2; Heart: not where it should be, of unlikely size; Left lung: in pieces")


def test_of_a_view_without_doubtful_masks_the_usual_ones_are_named(workspace: Workspace) -> None:
    assert shown(workspace, case(Task.MASK_REVIEW, "v2")).texts["flawed"] == "Heart"


def test_boxes_are_drawn_beside_lungs_as_a_film_shows_them(workspace: Workspace) -> None:
    assert shown(workspace, case(Task.FINDING_BOXES, "v1")).pictures == {
        "image": grey(1), "bone": grey(100), "lung": grey(110),
    }  # fmt: skip


@pytest.mark.parametrize("view_id", ["v2", "v3"])
def test_a_view_without_partners_gets_windows_of_its_size(workspace: Workspace, view_id: str) -> None:
    one = shown(workspace, case(Task.MASK_REVIEW, view_id))
    assert {*one.pictures} == {"image", "bone", "lung"}
    assert {Image.open(io.BytesIO(data)).size for data in one.pictures.values()} == {(COLUMNS, ROWS)}


@pytest.mark.parametrize("task", [Task.QUALITY_CHECK, Task.MEASUREMENT_REVIEW])
def test_what_needs_no_window_has_none(workspace: Workspace, task: Task) -> None:
    assert {*shown(workspace, case(task, "v1")).pictures} == {"image"}


def test_a_radiograph_is_shown_bone_bright_in_its_own_size(workspace: Workspace) -> None:
    one = shown(workspace, case(Task.FINDING_BOXES, "2.25.1"))
    assert {*one.pictures} == {"image", "bone", "lung"} and one.size == (ROWS, COLUMNS)
    picture = np.asarray(Image.open(io.BytesIO(one.pictures["image"])))
    assert picture.shape == (ROWS, COLUMNS)
    assert picture[0, 0] == 255 and picture[0, -1] == 0  # MONOCHROME1: what was stored as least is bone
    assert {*shown(workspace, case(Task.QUALITY_CHECK, "2.25.1")).pictures} == {"image"}


def test_measurements_are_told_with_their_limits(workspace: Workspace) -> None:
    one = shown(workspace, case(Task.MEASUREMENT_REVIEW, "v1", "cardiomegaly", "inclusion"))
    assert (
        one.texts["measured"]
        == "Cardiothoracic ratio: 0.52, too large (limit 0.5); Edges of the lungs: the CT ends before it"
    )


@pytest.mark.parametrize("task", [Task.MASK_REVIEW, Task.FINDING_BOXES])
def test_the_report_stands_beside_the_image_only_where_the_reader_may_see_it(workspace: Workspace, task: Task) -> None:
    assert shown(workspace, case(task, "v1"), shows_report=True).texts["report"] == f"{TEXT}\n\n{ADDENDUM}"
    assert "report" not in shown(workspace, case(task, "v1")).texts


def test_an_image_without_a_report_says_so(workspace: Workspace) -> None:
    assert shown(workspace, case(Task.FINDING_BOXES, "2.25.1"), shows_report=True).texts["report"] == NO_REPORT
    put(workspace, *[row for row in read_rows(Report, workspace.tables("deid")) if row.report_id == "r2"])
    assert shown(workspace, case(Task.FINDING_BOXES, "v1"), shows_report=True).texts["report"] == ADDENDUM


def test_a_doubtful_place_comes_from_the_vault(workspace: Workspace) -> None:
    one = shown(workspace, case(Task.PHI_REVIEW, PLACE, reasons=("it may be text",)))
    assert (one.pictures, one.size) == ({"image": grey(7)}, (ROWS, COLUMNS))
    assert one.texts == {"reasons": "It may be text."}


def test_cases_come_in_their_order_and_those_that_cannot_be_shown_are_left_out(workspace: Workspace) -> None:
    asked = [
        case(Task.QUALITY_CHECK, "v3"),
        case(Task.LABEL_REVIEW, "gone"),
        case(Task.PHI_REVIEW, "gone"),
        case(Task.FINDING_BOXES, "gone"),
        case(Task.FINDING_BOXES, "2.25.9"),  # no DICOM
        case(Task.QUALITY_CHECK, "v1"),
        case(Task.LABEL_REVIEW, "r1"),
    ]
    assert [one.case_id for one in show(workspace, asked)] == [asked[0].case_id, asked[5].case_id, asked[6].case_id]


def test_every_rule_that_lowers_a_mask_has_plain_words() -> None:
    assert MASK_FLAGS.keys() == {rule.rule_id for rule in RULES}
    assert FLAWS.keys() <= {rule.rule_id for rule in (*VIEW_RULES, *CT_RULES)}


# --- digests ---------------------------------------------------------------------------------------------


def one_digest(workspace: Workspace, asked: ReadingCase) -> str:
    return digests(workspace, [asked])[asked.case_id]


def test_a_routed_case_and_the_same_case_in_a_batch_have_one_digest(workspace: Workspace) -> None:
    asked = case(Task.MASK_REVIEW, "v1", "nodule_2")
    routed = Case(asked.case_id, asked.task, "v1", "p1", 0.1, 0.1, 0.1, asked.findings, (), ())
    assert digests(workspace, [routed]) == digests(workspace, [asked])
    assert len(one_digest(workspace, asked)) == 64


def test_what_is_gone_has_no_digest(workspace: Workspace) -> None:
    assert {*digests(workspace, [case(task, "gone") for task in Task]).values()} == {""}


def test_no_case_has_another_tasks_or_subjects_digest(workspace: Workspace) -> None:
    asked = [case(task, f"v{n}") for task in (Task.MASK_REVIEW, Task.QUALITY_CHECK) for n in (1, 2, 3)]
    asked += [case(Task.LABEL_REVIEW, "r1"), case(Task.LABEL_REVIEW, "r2"), case(Task.PHI_REVIEW, PLACE)]
    asked += [case(Task.QUALITY_CHECK, "2.25.1"), case(Task.MEASUREMENT_REVIEW, "v1")]
    assert len({*digests(workspace, asked).values()}) == len(asked)


def test_another_place_of_the_same_bytes_changes_no_digest(workspace: Workspace) -> None:
    asked = [case(task, "v1") for task in IMAGE_TASKS] + [case(Task.FINDING_BOXES, "2.25.1")]
    before = digests(workspace, asked)
    put(workspace, *(replace(row, shard="other.tar") for row in read_rows(View, workspace.tables("project"))))
    put(workspace, *(replace(row, offset=7) for row in read_rows(Instance, workspace.tables("deid"))))
    assert digests(workspace, asked) == before


def test_a_changed_subject_changes_the_digest_of_what_asks_about_it(workspace: Workspace) -> None:
    label, quality = case(Task.LABEL_REVIEW, "r1"), case(Task.QUALITY_CHECK, "v1")
    masks, near = case(Task.MASK_REVIEW, "v1"), case(Task.MEASUREMENT_REVIEW, "v1", "cardiomegaly")
    film, place = case(Task.QUALITY_CHECK, "2.25.1"), case(Task.PHI_REVIEW, PLACE)
    asked = [label, quality, masks, near, film, place]
    before = digests(workspace, asked)
    project, deid = workspace.tables("project"), workspace.tables("deid")
    put(workspace, mention("edema", U, 19, 24))
    put(workspace, *(replace(row, rle=f"{row.rle}0") for row in read_rows(Mask, project)))
    put(workspace, *(replace(row, value=0.6) for row in read_rows(Measurement, workspace.tables("measure"))))
    put(workspace, *(replace(row, sha256="other") for row in read_rows(Instance, deid)))
    (workspace.vault / "review" / "cases" / f"{PLACE}.png").write_bytes(grey(8))
    after = digests(workspace, asked)
    assert {case_id for case_id in before if before[case_id] != after[case_id]} == {
        row.case_id for row in asked if row is not quality
    }


def test_a_mask_that_is_not_asked_about_may_change(workspace: Workspace) -> None:
    asked = case(Task.MASK_REVIEW, "v1")
    before = one_digest(workspace, asked)
    rows = read_rows(Mask, workspace.tables("project"))
    put(workspace, *(replace(row, rle="other") if row.label == "right lung" else row for row in rows))
    assert one_digest(workspace, asked) == before
    judged = read_rows(MaskQuality, workspace.tables("project"))
    put(workspace, *(replace(row, priority=0.1) if row.label == "right lung" else row for row in judged))
    assert one_digest(workspace, asked) != before


def test_the_pictures_of_a_view_are_the_files_that_projection_wrote(workspace: Workspace) -> None:
    view = next(row for row in read_rows(View, workspace.tables("project")) if row.view_id == "v3")
    stored = read_member(workspace.tables("project"), view.shard, view.offset, view.length)
    assert shown(workspace, case(Task.QUALITY_CHECK, "v3")).pictures["image"] == stored
