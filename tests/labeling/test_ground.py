from collections.abc import Sequence
from pathlib import Path

import pytest

from curation.records import Assertion, Grounding, Mask, Mention, Reason, Record, Report, ReportLink, Series, View
from curation.stage import prepare, rejects, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.ground import STAGE, ground_rules, labels_for, rules_for
from labeling.lexicon import read_rules
from tests.builders import REPOSITORY, workspace_at
from tests.rows import view

ALL = ("lung", "left lung", "right lung", "lung lower lobe left", "lung lower lobe right", "heart", "aorta")


RIB_5 = ["posterior 5th rib left", "anterior 5th rib left"]


def chosen(finding: str, side: str, location: tuple[str, ...], available: Sequence[str]) -> list[str]:
    boxes = dict.fromkeys(available)
    return [label for rule in rules_for(finding, location) for label in labels_for(rule, side, boxes)]


@pytest.mark.parametrize(
    ("finding", "side", "location", "available", "labels"),
    [
        ("pneumonia", "left", ("lower_lobe",), ALL, ["lung lower lobe left"]),
        ("pneumonia", "left", ("lower_lobe",), ("left lung", "lung"), ["left lung"]),
        ("pneumonia", "left", ("lower_lobe",), ("lung",), []),
        ("pleural_effusion", "left", (), ALL, ["lung lower lobe left"]),
        ("pleural_effusion", "left", (), (*ALL, "left lung base"), ["left lung base"]),
        ("pleural_effusion", "bilateral", (), ALL, ["lung lower lobe left", "lung lower lobe right"]),
        ("edema", "", (), ALL, ["lung"]),
        ("cardiomegaly", "left", ("lung_base",), ALL, ["heart"]),
        ("catheter", "left", (), ALL, []),
        ("catheter", "", ("right_atrium",), ALL, ["heart"]),
        ("fracture", "left", ("posterior", "rib_5"), RIB_5, RIB_5[:1]),
        ("fracture", "left", ("rib_5",), RIB_5, ["anterior 5th rib left", "posterior 5th rib left"]),
        ("fracture", "left", ("ribs",), ("ribs",), []),
        ("fracture", "", ("vertebra_T8",), ("spine",), ["spine"]),
        ("lung_nodule", "left", ("rib_5",), ("posterior 5th rib left", "left lung"), ["left lung"]),
    ],
)
def test_labels_of_a_finding(
    finding: str, side: str, location: tuple[str, ...], available: Sequence[str], labels: list[str]
) -> None:
    assert chosen(finding, side, location, available) == labels


def test_rules_name_known_findings_places_and_labels() -> None:
    findings = {rule["name"] for rule in read_rules("findings")} | {rule["finding"] for rule in read_rules("readings")}
    places = {rule["name"] for rule in read_rules("locations")} | {"*"}
    anatomy = (REPOSITORY / "projection" / "anatomy" / "labels.tsv").read_text(encoding="utf-8").splitlines()
    labels = {line.split("\t")[1] for line in anatomy if "\t" in line} | {""}
    for rule in ground_rules():
        assert rule.findings <= findings | {"*"}, rule.rule_id
        assert rule.places <= places, rule.rule_id
        used = {label for group in (*rule.sided, *rule.unsided) for label in group}
        assert {label.format(side=side) for label in used for side in ("left", "right")} <= labels, rule.rule_id


# --- the stage -------------------------------------------------------------------------------------------


def series(name: str, study: str) -> Series:
    return Series(name, study, "p", "CT", 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ())


def mask(view_id: str, label: str, source: str = "segment") -> Mask:
    return Mask(view_id, label, 1, source, "", 2, (1, 2, 3, 4), 1.0)


def mention(report_id: str, finding: str, assertion: Assertion = Assertion.PRESENT) -> Mention:
    name = f"{report_id}-{finding}-{assertion.value}"
    return Mention(name, report_id, "findings", 0, 9, 0, 9, finding, assertion, "f", "a", "left", "", ())


def report(name: str, accession: str = "") -> Report:
    return Report(name, "p", accession, None, "local", "LicenseRef-local", "text")


VIEWS: list[Record] = [view("v1", "s1"), view("v2", "s2"), mask("v1", "left lung"), mask("v2", "left lung")]
VIEWS += [series("s1", "study1"), series("s2", "study2")]


def grounded(tmp_path: Path, rows: list[Record]) -> Workspace:
    workspace = workspace_at(tmp_path)
    for record in (Report, Mention, Series, View, Mask, ReportLink):
        own = [row for row in rows if isinstance(row, record)]
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    return workspace


def placed(workspace: Workspace) -> list[tuple[str, str, str, str]]:
    rows = read_rows(Grounding, workspace.tables("ground"))
    return [(row.mention_id, row.view_id, row.label, row.reference) for row in rows]


def test_a_report_is_placed_on_its_own_study(tmp_path: Path) -> None:
    rows = [report("r", "a2"), ReportLink("r", "study2"), mention("r", "pneumonia")]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert placed(workspace) == [("r-pneumonia-present", "v2", "left lung", "study")]
    assert read_rows(Grounding, workspace.tables("ground"))[0].box == (1, 2, 3, 4)


def test_a_report_without_images_is_placed_on_the_atlas(tmp_path: Path) -> None:
    workspace = grounded(tmp_path, [*VIEWS, report("r"), mention("r", "pneumonia")])
    assert placed(workspace) == [("r-pneumonia-present", "v1", "left lung", "atlas")]


def test_a_report_that_names_a_study_is_never_placed_on_the_atlas(tmp_path: Path) -> None:
    rows = [report("lost", "a9"), mention("lost", "pneumonia")]
    rows += [report("dark", "a3"), ReportLink("dark", "study3"), mention("dark", "pneumonia")]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert placed(workspace) == []
    assert [(row.item, row.reason) for row in rejects(workspace, STAGE)] == [
        ("dark", Reason.NO_VIEW),
        ("lost", Reason.NO_VIEW),
    ]


def test_what_has_no_anatomy_is_rejected_and_readers_marks_are_no_anatomy(tmp_path: Path) -> None:
    rows = [view("v1", "s1"), series("s1", "study1"), mask("v1", "aorta"), mask("v1", "left lung", "consensus")]
    workspace = grounded(tmp_path, [*rows, report("r"), mention("r", "pneumonia")])
    assert [(row.item, row.reason) for row in rejects(workspace, STAGE)] == [("r", Reason.NO_ANATOMY)]


def test_only_asked_assertions_are_placed(tmp_path: Path) -> None:
    rows = [report("r"), mention("r", "pneumonia", Assertion.ABSENT), mention("r", "edema", Assertion.UNCERTAIN)]
    rows += [report("calm"), mention("calm", "pneumonia", Assertion.ABSENT)]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert [mention_id for mention_id, *_ in placed(workspace)] == ["r-edema-uncertain"]
    assert rejects(workspace, STAGE) == []


def test_a_new_mask_makes_the_report_again(tmp_path: Path) -> None:
    rows = [*VIEWS, report("r"), mention("r", "pneumonia")]
    workspace = grounded(tmp_path, rows)
    assert prepare(STAGE, workspace).batches == ()
    masks = [row for row in [*VIEWS, mask("v1", "heart")] if isinstance(row, Mask)]
    write_parquet(to_arrow(Mask, masks), workspace.tables("project") / "masks" / "a.parquet")
    assert [item.name for batch in prepare(STAGE, workspace).batches for item in batch] == ["r"]
