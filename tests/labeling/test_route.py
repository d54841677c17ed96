import base64
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from curation.records import (
    Agreement,
    Assertion,
    Case,
    Consensus,
    Mask,
    Measurement,
    Mention,
    Record,
    Report,
    Series,
    View,
)
from curation.stage import prepare, run_batch
from curation.store import ShardWriter, read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.lexicon import read_rules
from labeling.route import (
    CONFLICT,
    DISAGREEMENT,
    HEDGED,
    NEAR_THRESHOLD,
    STAGE,
    agreement_strengths,
    case,
    finish,
    measurement_strengths,
    report_strengths,
    route_rules,
)
from tests.builders import workspace_at
from tests.rows import PNG, view

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
TEXT = "FINDINGS: Possible edema. Heart normal."


def mention(
    finding: str, assertion: Assertion, side: str = "", severity: str = "", start: int = 19, end: int = 24
) -> Mention:
    name = f"{finding}-{assertion.value}-{side}"
    return Mention(name, "r1", "findings", 10, 25, start, end, finding, assertion, "f", "a", side, severity, ())


def measurement(value: float) -> Measurement:
    return Measurement("v1", "cardiothoracic_ratio", value, "1", 0.5, value >= 0.5, (0.0, 1.5, 5.0, 1.5))


@pytest.mark.parametrize(
    ("mentions", "strengths"),
    [
        ([], {}),
        ([mention("edema", P), mention("fracture", A)], {}),
        ([mention("edema", U)], {HEDGED: 0.5}),
        ([mention("edema", U), mention("fracture", U)], {HEDGED: 0.75}),
        ([mention("edema", P), mention("edema", A)], {CONFLICT: 0.5}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A, "right")], {}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A)], {CONFLICT: 0.5}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A, "", "large")], {}),
    ],
)
def test_what_a_report_asks(mentions: list[Mention], strengths: dict[str, float]) -> None:
    assert report_strengths(mentions) == strengths


@pytest.mark.parametrize(
    ("values", "strengths"),
    [([0.6], {}), ([0.5], {NEAR_THRESHOLD: 1.0}), ([0.6, 0.49], {NEAR_THRESHOLD: pytest.approx(0.75)}), ([], {})],
)
def test_what_a_measurement_asks(values: list[float], strengths: dict[str, float]) -> None:
    assert measurement_strengths([measurement(value) for value in values], 0.04) == strengths


def test_what_readers_who_disagree_ask() -> None:
    pairs = [Agreement("c1", "a", "b", 0.9), Agreement("c1", "a", "c", 0.35)]
    assert agreement_strengths(pairs, 0.7) == {DISAGREEMENT: 0.5}
    assert agreement_strengths(pairs, 0.3) == {}


def test_rules_of_one_case_add_up() -> None:
    weights = {rule_id: rule.weight for rule_id, rule in route_rules().items()}
    row = case("r1", "p1", {HEDGED: 0.5, CONFLICT: 0.5})
    assert row.priority == round(1 - (1 - weights[HEDGED] / 2) * (1 - weights[CONFLICT] / 2), 4)
    assert row.rule_ids == (CONFLICT, HEDGED)
    assert row.reasons == tuple(route_rules()[rule_id].reason for rule_id in row.rule_ids)


def test_every_rule_is_written_once_and_weighs_at_most_one() -> None:
    assert len(route_rules()) == len(read_rules("routing"))
    assert set(route_rules()) == {HEDGED, CONFLICT, NEAR_THRESHOLD, DISAGREEMENT}
    assert all(0 < rule.weight <= 1 for rule in route_rules().values())


# --- the stage -------------------------------------------------------------------------------------------


def routed(tmp_path: Path) -> Workspace:
    workspace = workspace_at(tmp_path)
    project = workspace.tables("project")
    writer = ShardWriter(project / "bytes" / "a.tar", "bytes/a.tar")
    place = writer.add("v1.png", PNG)
    writer.close()
    rows: list[Record] = [
        Report("r1", "p1", "", None, "local", "LicenseRef-local", TEXT),
        Report("r2", "p2", "", None, "local", "LicenseRef-local", "No edema."),
        mention("edema", U),
        Series("s1", "study1", "p3", "CT", 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ()),
        view("v1", "s1", **place.__dict__),
        measurement(0.51),
        Consensus("c1", "s1", "nodule", "staple", ("a", "b"), 2, ("o1", "o2"), (0, 0, 0), (1, 1, 1), (0, 1), 1),
        Agreement("c1", "a", "b", 0.35),
        Consensus("c0", "s1", "nodule", "staple", ("a", "b"), 2, ("o3", "o4"), (0, 0, 0), (1, 1, 2), (0, 2), 2),
        Mask("v1", "nodule", 1000, "consensus", "", 2, (0, 0, 2, 1), 1.0),
        Mask("v1", "nodule_2", 1000, "consensus", "", 1, (3, 2, 1, 1), 1.0),
    ]
    for record in (Report, Mention, Series, View, Measurement, Consensus, Agreement, Mask):
        own = [row for row in rows if isinstance(row, record)]
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    finish(workspace)
    return workspace


def tasks(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads((workspace.tables("route") / "tasks" / f"{name}.json").read_text())
    return made


def test_only_subjects_that_ask_become_cases(tmp_path: Path) -> None:
    workspace = routed(tmp_path)
    rows = read_rows(Case, workspace.tables("route"))
    assert {(row.task, row.subject_id, row.patient_id) for row in rows} == {
        ("label_review", "r1", "p1"),
        ("measurement_review", "v1", "p3"),
        ("mask_review", "c1", "p3"),
    }
    assert all(0 <= row.priority <= 1 for row in rows)
    assert prepare(STAGE, workspace).batches == ()


def test_label_review_shows_the_text_with_its_spans(tmp_path: Path) -> None:
    (task,) = tasks(routed(tmp_path), "label_review")
    assert task["data"]["text"] == TEXT
    (finding, assertion) = task["predictions"][0]["result"]
    assert finding["value"] == {"start": 19, "end": 24, "text": "edema", "labels": ["edema"]}
    assert assertion["value"]["choices"] == ["uncertain"]
    assert finding["id"] == assertion["id"]


def test_measurement_review_shows_the_image_with_its_landmarks(tmp_path: Path) -> None:
    (task,) = tasks(routed(tmp_path), "measurement_review")
    scheme, data = task["data"]["image"].split(",")
    assert (scheme, base64.b64decode(data)) == ("data:image/png;base64", PNG)
    first, last = task["predictions"][0]["result"]
    assert (first["value"]["x"], first["value"]["y"]) == (round(100 * 0.5 / 6, 4), 50.0)
    assert last["value"]["x"] == round(100 * 5.5 / 6, 4)
    assert (first["original_width"], first["original_height"]) == (6, 4)


def test_mask_review_shows_the_object_that_is_asked_about_and_not_the_largest(tmp_path: Path) -> None:
    (task,) = tasks(routed(tmp_path), "mask_review")
    (region,) = task["predictions"][0]["result"]
    assert (region["value"]["x"], region["value"]["y"]) == (50.0, 50.0)
    assert region["value"]["rectanglelabels"] == ["nodule"]


def test_configurations_name_what_the_predictions_use(tmp_path: Path) -> None:
    workspace = routed(tmp_path)
    for name in ("label_review", "measurement_review", "mask_review"):
        config = ElementTree.parse(workspace.tables("route") / "tasks" / f"{name}.xml")  # noqa: S314 - our own file
        known = {element.get("value") for element in config.iter() if element.tag in ("Label", "Choice")}
        controls = {element.get("name") for element in config.iter()}
        for task in tasks(workspace, name):
            asked = {element.get("value", "")[1:] for element in config.iter() if element.get("value", "")[:1] == "$"}
            assert asked <= task["data"].keys()
            for region in (region for made in task["predictions"] for region in made["result"]):
                assert {region["from_name"], region["to_name"]} <= controls
                assert set(region["value"][region["type"]]) <= known


def test_task_files_are_the_same_bytes_again(tmp_path: Path) -> None:
    workspace = routed(tmp_path)
    before = {path.name: path.read_bytes() for path in (workspace.tables("route") / "tasks").iterdir()}
    finish(workspace)
    assert {path.name: path.read_bytes() for path in (workspace.tables("route") / "tasks").iterdir()} == before


def test_highest_priority_comes_first(tmp_path: Path) -> None:
    workspace = routed(tmp_path)
    cases = [case("r2", "p2", {CONFLICT: 1.0}), case("r1", "p1", {HEDGED: 0.5})]
    part = next((workspace.tables("route") / "cases").glob("*.parquet"))
    write_parquet(to_arrow(Case, cases), part)
    finish(workspace)
    assert [task["meta"]["subject_id"] for task in tasks(workspace, "label_review")] == ["r2", "r1"]
