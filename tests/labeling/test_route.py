from collections.abc import Iterable
from pathlib import Path

import pytest

from curation.records import (
    Agreement,
    Case,
    Consensus,
    Decision,
    Mask,
    Opinion,
    Record,
    Task,
    Verdict,
)
from curation.stage import prepare, run_batch
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.route import STAGE
from labeling.routing.gather import cases
from tests.labeling.routing_rows import (
    A,
    P,
    U,
    judged_mask,
    judged_view,
    link,
    measurement,
    mention,
    on_ct,
    radiograph,
    report,
    report_labels,
    said,
    scan,
    series,
    thought,
    workspace_of,
    written,
)
from tests.rows import view

LABELS, MASKS, BOXES = Task.LABEL_REVIEW, Task.MASK_REVIEW, Task.FINDING_BOXES
QUALITY, MEASURED = Task.QUALITY_CHECK, Task.MEASUREMENT_REVIEW


def an_object(name: str, series_id: str, finding: str = "nodule", size: int = 1) -> Consensus:
    return Consensus(name, series_id, finding, "staple", ("a",), 2, (name,), (0, 0, 0), (1, 1, size), (0, size), size)


COHORT: tuple[Record, ...] = (
    report("r1", "p1"),
    report("r2", "p2"),
    series("s1", "t1", "p1"),
    link("r1", "t1"),
    view("a-lateral", "s1", view="LAT"),
    view("v1", "s1"),
    scan(),
    judged_view(1.0),
    judged_view(1.0, view_id="a-lateral"),
    *report_labels("r1", Edema=0, Cardiomegaly=0, Lung_Lesion=0),
    *report_labels("r2", Edema=1),
    mention("edema", A),
)


def found(tmp_path: Path, *rows: Record) -> dict[tuple[Task, str], Case]:
    workspace = workspace_of(tmp_path, [*COHORT, *rows])
    return {(row.task, row.subject_id): row for row in cases(workspace)}


def rules(rows: dict[tuple[Task, str], Case]) -> dict[tuple[Task, str], list[str]]:
    return {key: [rule_id.removeprefix("route.") for rule_id in row.rule_ids] for key, row in rows.items()}


def test_what_is_certain_is_no_case(tmp_path: Path) -> None:
    assert found(tmp_path) == {}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([mention("edema", U)], {(LABELS, "r1"): ["hedged"]}),
        ([mention("edema", U, experiencer="other")], {}),
        ([said("Edema", 1)], {(LABELS, "r1"): ["labelers"]}),
        ([thought("Edema", 0.5, subject_id="r1")], {(LABELS, "r1"): ["report_model"]}),
        ([thought("Edema", 0.75, subject_id="r1")], {(LABELS, "r1"): ["labelers", "report_model_leans"]}),
        ([thought("Edema", 0.99)], {(BOXES, "v1"): ["model_report"]}),
        ([thought("Edema", 0.5, subject_id="a-lateral")], {(BOXES, "a-lateral"): ["model"]}),
        ([judged_mask("heart", 0.5)], {(MASKS, "v1"): ["mask_quality"]}),
        ([an_object("c", "s1"), Agreement("c", "a", "b", 0.35)],
         {(MASKS, "v1"): ["disagreement"], (BOXES, "v1"): ["image_report"]}),
        ([an_object("c", "s1", "non_nodule"), Agreement("c", "a", "b", 0.35)], {}),
        ([an_object("c", "s9"), Agreement("c", "a", "b", 0.35)], {}),
        ([measurement(0.9)], {(BOXES, "v1"): ["image_report"]}),
        ([measurement(0.5)], {(MEASURED, "v1"): ["near_threshold"], (BOXES, "v1"): ["image_report"]}),
        ([measurement(0.3), on_ct(0.6)], {(MEASURED, "v1"): ["film_ct"]}),
        ([measurement(0.9, "rotation"), measurement(None, positive=None)], {}),
    ],
)  # fmt: skip
def test_each_signal_asks_its_reader(
    tmp_path: Path, rows: list[Record], expected: dict[tuple[Task, str], list[str]]
) -> None:
    assert rules(found(tmp_path, *rows)) == expected


def test_a_view_that_is_poor_is_checked(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, [*COHORT, view("v2", "s1"), judged_view(0.3, view_id="v2")])
    written(workspace, [judged_view(0.3), judged_view(1.0, view_id="a-lateral")])
    assert [(row.task, row.subject_id, row.rule_ids) for row in cases(workspace)] == [
        (QUALITY, "v1", ("route.view_quality",))
    ]


def test_an_objects_masks_are_named_as_on_the_view(tmp_path: Path) -> None:
    rows = [
        *(an_object(f"c{n}", "s1", size=n) for n in (1, 2)),
        *(Agreement(f"c{n}", "a", "b", 0.35) for n in (1, 2)),
        Mask("v1", "nodule", 1000, "consensus", "", 2, (0, 0, 2, 1), 1.0),
    ]
    row = found(tmp_path, *rows)[MASKS, "v1"]
    assert row.findings == ("nodule", "nodule_2")
    assert row.reasons == ("readers of the CT overlap less on nodule and nodule 2 than is accepted",)
    assert row.patient_id == "p1"


STUDY = (series("s2", "t2", "p2", "DX"), radiograph("i1", "s2"), radiograph("i2", "s2", "LAT"), link("r3", "t2"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], {(BOXES, "i1"): ["faint", "report_undecided"]}),
        ([thought("Pneumonia", 0.01, subject_id="i1")], {(BOXES, "i1"): ["faint"]}),
        ([thought("Pneumonia", 0.5, subject_id="i2")],
         {(BOXES, "i1"): ["faint", "report_undecided"], (BOXES, "i2"): ["model"]}),
        ([link("r1", "t2")], {}),
    ],
)  # fmt: skip
def test_a_radiograph_is_asked_about_by_the_one_report_of_its_study(
    tmp_path: Path, rows: list[Record], expected: dict[tuple[Task, str], list[str]]
) -> None:
    cohort: Iterable[Record] = [row for row in COHORT if row != link("r1", "t1")]
    own = [*STUDY, report("r3", "p2"), *report_labels("r3", Pneumonia=-1)]
    faint = mention("edema", P, severity="mild", report_id="r3")
    workspace = workspace_of(tmp_path, [*cohort, *own, faint, *rows])
    asked = {(row.task, row.subject_id): row for row in cases(workspace)}
    assert rules(asked).pop((LABELS, "r3")) == ["undecided"]
    assert {key: value for key, value in rules(asked).items() if key != (LABELS, "r3")} == expected


def decided(task: Task, subject_id: str, verdict: Verdict) -> Decision:
    name = f"{task}{subject_id}{verdict}"
    return Decision(name, task, subject_id, "p1", "Edema", "present", verdict, "majority", 0.5, 0.5, 2, ("a",), ("e",))


def test_what_readers_are_split_on_is_asked_again(tmp_path: Path) -> None:
    rows = [
        decided(LABELS, "r1", Verdict.SPLIT),
        decided(BOXES, "v1", Verdict.AGREED),
        decided(LABELS, "gone", Verdict.SPLIT),
    ]
    asked = found(tmp_path, *rows)
    assert rules(asked) == {(LABELS, "r1"): ["readers_split"]}
    assert asked[LABELS, "r1"].findings == ("Edema",)


def test_a_rare_finding_goes_first(tmp_path: Path) -> None:
    common = [row for n in range(10, 40) for row in (report(f"r{n}", "p"), *report_labels(f"r{n}", Edema=1))]
    rows = [mention("edema", U), mention("mesothelioma", U, report_id="r2", mention_id="m2")]
    rows += [mention("edema", P, report_id=f"r{n}", mention_id=f"m{n}") for n in range(10, 40)]
    asked = found(tmp_path, *rows, *common)
    assert asked[LABELS, "r2"].uncertainty == asked[LABELS, "r1"].uncertainty
    assert asked[LABELS, "r2"].rarity > asked[LABELS, "r1"].rarity
    assert asked[LABELS, "r2"].priority > asked[LABELS, "r1"].priority


def test_film_and_ct_of_many_show_which_pair_is_far(tmp_path: Path) -> None:
    rows: list[Record] = []
    for n in range(12):
        rows += [series(f"s-{n}", f"t-{n}", "p3"), view(f"v-{n}", f"s-{n}")]
        rows += [measurement(0.3 if n else 0.2, "rotation", f"v-{n}"), on_ct(0.31, "rotation", series_id=f"s-{n}")]
    assert rules(found(tmp_path, *rows)) == {(MEASURED, "v-0"): ["film_far"]}


# --- the stage -------------------------------------------------------------------------------------------


def run(workspace: Workspace) -> int:
    batches = prepare(STAGE, workspace).batches
    for batch in batches:
        run_batch(STAGE, workspace, batch)
    return len(batches)


def test_cases_are_written_once_and_follow_what_they_rest_on(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path, [*COHORT, said("Edema", 1)])
    assert run(workspace) == 1
    (row,) = read_rows(Case, workspace.tables("route"))
    assert (row.task, row.subject_id, row.reasons) == (LABELS, "r1", ("labelers read the report differently in edema",))
    assert run(workspace) == 0
    written(workspace, [Opinion("one", "r1", "Edema", 0, None)])
    run(workspace)
    assert read_rows(Case, workspace.tables("route")) == []
