"""What a reader starts from, and the labels that a batch's form must offer."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from curation.records import MaskQuality, Measurement, Mention, ReadingCase, ReportLabel, Role, Task, View
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.asking.asked import Proposal
from labeling.asking.chosen import MOST_MASKS, labels_of, other_side
from labeling.asking.forms import form_of
from labeling.asking.propose import propose
from labeling.asking.show import show
from labeling.marks import Mark, from_json, to_json
from labeling.studio.results import from_results, to_results
from projection.anatomy.labels import anatomy
from tests.labeling.asked_rows import COLUMNS, PLACE, ROWS, A, P, case, cohort, grounding, judged, mask, put, square

SIZE = (ROWS, COLUMNS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cohort(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    return Workspace(tmp_path / "workspace")


def proposed(workspace: Workspace, asked: ReadingCase) -> Proposal:
    return propose(workspace, [asked], shows_report=True)[asked.case_id]


def chosen(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    """Choices by question."""
    return {mark.question: mark.labels for mark in proposal.marks if not (mark.region or mark.size)}


# --- reports ---------------------------------------------------------------------------------------------


def test_a_report_starts_with_its_current_mentions_and_a_state_for_each_label(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.LABEL_REVIEW, "r1"))
    assert [mark for mark in made.marks if mark.region] == [
        Mark("finding", ("edema",), "1", span=(19, 24)),
        Mark("assertion", ("uncertain",), "1"),
        Mark("finding", ("pleural_effusion",), "2", span=(31, 39)),
        Mark("assertion", ("present",), "2"),
    ]
    assert chosen(made) == {
        "Edema": ("uncertain",),
        "Pleural Effusion": ("present",),
        "Cardiomegaly": ("absent",),
        "Fracture": ("not mentioned",),
    }
    assert (made.model_version, made.score) == ("paxflow mine 3", 0.5)


def test_a_report_without_mentions_has_labels_and_no_score(workspace: Workspace) -> None:
    put(workspace, ReportLabel("r2", "Edema", None, ()))
    made = proposed(workspace, case(Task.LABEL_REVIEW, "r2"))
    assert made == Proposal((Mark("Edema", ("not mentioned",)),), "paxflow mine 3", None)


# --- masks -----------------------------------------------------------------------------------------------


def test_masks_that_are_worth_correcting_come_as_they_were_projected(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.MASK_REVIEW, "v1"))
    assert [(mark.labels, mark.rle, mark.size) for mark in made.marks] == [
        (("heart",), square(2, 3, 4), SIZE),
        (("left lung",), square(10, 3, 4), SIZE),
    ]
    assert (made.model_version, made.score) == ("paxflow project 3", 0.6)


def test_the_object_that_readers_disagree_on_comes_first(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.MASK_REVIEW, "v1", "nodule_2", "verdict"))
    assert [mark.labels for mark in made.marks] == [("nodule_2",), ("heart",), ("left lung",)]


def test_a_view_without_doubtful_masks_starts_with_the_usual_ones(workspace: Workspace) -> None:
    assert [mark.labels for mark in proposed(workspace, case(Task.MASK_REVIEW, "v2")).marks] == [("heart",)]


def test_no_more_masks_are_shown_than_a_reader_can_look_at(workspace: Workspace) -> None:
    labels = [f"rib {n:02d}" for n in range(MOST_MASKS + 3)]
    put(workspace, *(judged("v1", label, 0.01 * n, "mask_size") for n, label in enumerate(labels, start=1)))
    put(workspace, *(mask("v1", label) for label in labels))
    made = proposed(workspace, case(Task.MASK_REVIEW, "v1"))
    assert [mark.labels[0] for mark in made.marks] == labels[:2:-1]


def test_a_mask_without_a_pixel_is_asked_about_and_not_drawn(workspace: Workspace) -> None:
    put(workspace, judged("v1", "heart", 0.9, "mask_empty"))
    put(workspace, replace(mask("v1", "heart"), area_px=0))
    asked = case(Task.MASK_REVIEW, "v1")
    assert propose(workspace, [asked]) == {}
    assert labels_of(workspace, [asked]) == ("heart",)


def test_a_view_whose_masks_nobody_judged_starts_with_nothing(workspace: Workspace) -> None:
    assert propose(workspace, [case(Task.MASK_REVIEW, "v3")]) == {}


# --- boxes -----------------------------------------------------------------------------------------------


def test_boxes_are_of_what_the_own_report_affirms_and_of_what_readers_marked_on_the_ct(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.FINDING_BOXES, "v1"))
    boxes = [(mark.question, mark.labels, mark.box, mark.size) for mark in made.marks if mark.box]
    assert boxes == [
        ("box", ("Nodule/Mass",), (12.0, 5.0, 2.0, 2.0), SIZE),
        ("box", ("Pleural effusion",), (1.0, 2.0, 10.0, 12.0), SIZE),
    ]
    assert chosen(made) == {"global": ("COPD",)}
    assert (made.model_version, made.score) == ("paxflow mine 3, ground 3, project 3", None)


def test_readers_who_do_not_see_the_report_are_not_told_what_it_says(workspace: Workspace) -> None:
    asked = case(Task.FINDING_BOXES, "v1")
    made = propose(workspace, [asked])[asked.case_id]
    assert [(mark.labels, mark.box) for mark in made.marks] == [(("Nodule/Mass",), (12.0, 5.0, 2.0, 2.0))]
    assert made.model_version == "paxflow project 3"


def test_no_finding_is_proposed_only_if_all_reports_say_so_and_no_box_is_there(workspace: Workspace) -> None:
    both = [ReportLabel(report, "No finding", 1, (), "vindr") for report in ("r1", "r2")]
    put(workspace, *both)
    assert chosen(proposed(workspace, case(Task.FINDING_BOXES, "v2"))) == {"global": ("No finding",)}
    assert chosen(proposed(workspace, case(Task.FINDING_BOXES, "v1"))) == {}
    put(workspace, both[0], replace(both[1], state=None))
    assert propose(workspace, [case(Task.FINDING_BOXES, "v2")]) == {}


def test_a_report_of_another_study_puts_no_box_on_a_view(workspace: Workspace) -> None:
    put(workspace, replace(grounding("v2", "pleural_effusion", P), report_id="other"))
    assert chosen(proposed(workspace, case(Task.FINDING_BOXES, "v2"))) == {"global": ("COPD",)}


def test_what_vindr_draws_no_box_for_gets_none(workspace: Workspace) -> None:
    put(workspace, grounding("v2", "pacemaker", P), grounding("v2", "atelectasis", A))
    assert all(mark.box is None for mark in proposed(workspace, case(Task.FINDING_BOXES, "v2")).marks)


def test_a_readers_object_that_vindr_does_not_know_or_without_a_pixel_gets_no_box(workspace: Workspace) -> None:
    put(workspace, mask("v2", "wire", "consensus"), replace(mask("v2", "nodule", "consensus"), area_px=0))
    assert all(mark.box is None for mark in proposed(workspace, case(Task.FINDING_BOXES, "v2")).marks)


def test_a_radiograph_without_a_report_starts_empty(workspace: Workspace) -> None:
    assert propose(workspace, [case(Task.FINDING_BOXES, "2.25.1")]) == {}


# --- quality and measurements ----------------------------------------------------------------------------


def test_quality_starts_with_what_the_masks_and_the_ct_say(workspace: Workspace) -> None:
    put(workspace, *(replace(row, positive=True) for row in read_rows(Measurement, workspace.tables("measure"))))
    made = proposed(workspace, case(Task.QUALITY_CHECK, "v1"))
    assert chosen(made) == {
        "view": ("PA",),
        "orientation": ("mirrored",),
        "flaws": ("poor inspiration", "patient rotated", "anatomy cut off", "artefact or object"),
    }
    assert (made.model_version, made.score) == ("paxflow project 3, measure 3", 0.7)


def test_an_oblique_view_that_nothing_judged_is_another_and_no_more(workspace: Workspace) -> None:
    for table in ("ct_quality", "view_quality"):
        (workspace.tables("project") / table / "a.parquet").unlink()
    assert proposed(workspace, case(Task.QUALITY_CHECK, "v3")) == Proposal(
        (Mark("view", ("other",)),), "paxflow project 3, measure 3", None
    )


def test_a_right_lateral_is_a_lateral(workspace: Workspace) -> None:
    rows = read_rows(View, workspace.tables("project"))
    put(workspace, *(replace(row, view="RL") for row in rows))
    assert chosen(proposed(workspace, case(Task.QUALITY_CHECK, "v2")))["view"] == ("LAT",)


def test_of_a_radiograph_the_header_says_the_view(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.QUALITY_CHECK, "2.25.1"))
    assert made == Proposal((Mark("view", ("PA",)),), "paxflow catalog 2", None)


@pytest.mark.parametrize(
    ("findings", "verdict", "score"),
    [
        (("cardiomegaly",), "positive", 0.8333),
        (("cardiomegaly", "rotation"), "positive", 0.8333),
        (("rotation",), "negative", 1.0),
        (("inclusion",), "cannot be measured", 1.0),
        ((), "positive", 0.8333),  # cardiomegaly: the nearest to its limit
    ],
)
def test_a_measurement_starts_with_its_landmarks_and_its_verdict(
    workspace: Workspace, findings: tuple[str, ...], verdict: str, score: float
) -> None:
    made = proposed(workspace, case(Task.MEASUREMENT_REVIEW, "v1", *findings))
    assert chosen(made) == {"verdict": (verdict,)}
    assert (made.model_version, made.score) == ("paxflow measure 3", score)


def test_landmarks_come_where_they_were_taken(workspace: Workspace) -> None:
    made = proposed(workspace, case(Task.MEASUREMENT_REVIEW, "v1", "cardiomegaly"))
    assert [mark for mark in made.marks if mark.point_px] == [
        Mark("landmark", ("cardiomegaly",), point_px=(1.0, 2.0), size=SIZE),
        Mark("landmark", ("cardiomegaly",), point_px=(5.5, 2.0), size=SIZE),
    ]


def test_without_a_margin_every_measurement_is_sure(workspace: Workspace) -> None:
    path = workspace.root / "params.yaml"
    path.write_text(path.read_text().replace("measurement_margin: 0.06", "measurement_margin: 0"))
    assert proposed(workspace, case(Task.MEASUREMENT_REVIEW, "v1", "cardiomegaly")).score == 1.0


def test_a_view_that_was_not_measured_starts_with_nothing(workspace: Workspace) -> None:
    assert propose(workspace, [case(Task.MEASUREMENT_REVIEW, "v3"), case(Task.MEASUREMENT_REVIEW, "v2")]) == {}


# --- all -------------------------------------------------------------------------------------------------


def every_case() -> list[ReadingCase]:
    subjects = {Task.LABEL_REVIEW: ("r1", "r2"), Task.PHI_REVIEW: (PLACE,)}
    images = ("v1", "v2", "v3", "2.25.1")
    return [case(task, subject) for task in Task for subject in subjects.get(task, images)]


def test_nothing_is_proposed_of_what_is_gone_or_may_show_text(workspace: Workspace) -> None:
    assert propose(workspace, [case(task, "gone") for task in Task]) == {}
    assert propose(workspace, [case(Task.PHI_REVIEW, PLACE)]) == {}


def test_a_proposal_does_not_say_why_the_case_is_asked(workspace: Workspace) -> None:
    routed = every_case()
    control = [replace(row, role=Role.CONTROL, priority=0.0, rule_ids=(), reasons=()) for row in routed]
    assert propose(workspace, control) == propose(workspace, routed)


@pytest.mark.parametrize("task", [*Task])
def test_what_a_reader_leaves_as_it_is_comes_back_equal(workspace: Workspace, task: Task) -> None:
    asked = [row for row in every_case() if row.task is task]
    form = form_of(task, labels_of(workspace, asked))
    sizes = {one.case_id: one.size for one in show(workspace, asked)}
    for case_id, made in propose(workspace, asked).items():
        kept = from_json(to_json(made.marks))
        pushed = to_results(kept, form, sizes[case_id])
        assert to_json(from_results(pushed, form, sizes[case_id])) == to_json(kept) == to_json(made.marks)


@pytest.mark.parametrize("task", [*Task])
@pytest.mark.parametrize("shows_report", [False, True])
def test_a_form_knows_all_that_is_proposed_and_is_shown_all_that_it_names(
    workspace: Workspace, task: Task, shows_report: bool
) -> None:
    asked = [row for row in every_case() if row.task is task]
    form = form_of(task, labels_of(workspace, asked), shows_report)
    for made in propose(workspace, asked).values():
        for mark in made.marks:
            assert {*mark.labels} <= {*form.question(mark.question).labels}
    named = {*re.findall(r'="\$(\w+)"', form.config)}
    for one in show(workspace, asked, shows_report):
        assert one.texts.keys() | one.pictures.keys() >= named


# --- labels of the form ----------------------------------------------------------------------------------


def test_a_form_of_masks_offers_the_other_side_where_there_is_one(workspace: Workspace) -> None:
    assert labels_of(workspace, [case(Task.MASK_REVIEW, "v1")]) == ("heart", "left lung", "right lung")
    put(workspace, judged("v1", "clavicle left", 0.5), judged("v1", "lung middle lobe right", 0.5))
    asked = [case(Task.MASK_REVIEW, "v1")]
    assert labels_of(workspace, asked) == ("clavicle left", "clavicle right", "lung middle lobe right")
    put(workspace, judged("v1", "heart", 0.5))
    assert labels_of(workspace, asked) == ("heart",)


def test_every_side_of_the_atlas_but_one_has_a_partner() -> None:
    labels = {row.label for row in anatomy()}
    alone = {label for label in labels if other_side(label) not in labels}
    assert alone == {"lung middle lobe right"}


def test_a_form_of_measurements_offers_what_is_in_question(workspace: Workspace) -> None:
    asked = [case(Task.MEASUREMENT_REVIEW, "v1", "rotation"), case(Task.MEASUREMENT_REVIEW, "v2", "inclusion")]
    assert labels_of(workspace, asked) == ("inclusion", "rotation")


def test_a_form_of_spans_offers_first_what_its_reports_name_most(workspace: Workspace) -> None:
    rows = read_rows(Mention, workspace.tables("mine"))
    again = [replace(row, mention_id="again") for row in rows if row.finding == "pleural_effusion"]
    put(workspace, *rows, *again)
    assert labels_of(workspace, [case(Task.LABEL_REVIEW, "r1")]) == ("pleural_effusion", "edema")


@pytest.mark.parametrize("task", [Task.FINDING_BOXES, Task.QUALITY_CHECK, Task.PHI_REVIEW])
def test_other_forms_have_labels_of_their_own(workspace: Workspace, task: Task) -> None:
    assert labels_of(workspace, [case(task, "v1")]) == ()


def test_masks_judged_but_not_asked_do_not_make_labels(workspace: Workspace) -> None:
    assert {row.label for row in read_rows(MaskQuality, workspace.tables("project"))} > {
        *labels_of(workspace, [case(Task.MASK_REVIEW, "v2")])
    }
