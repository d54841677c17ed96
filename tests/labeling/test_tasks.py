"""Files that Label Studio imports as they are."""

import base64
from pathlib import Path
from xml.etree import ElementTree

from curation.records import Case
from curation.store import to_arrow, write_parquet
from labeling.route import CONFLICT, HEDGED, case
from labeling.tasks import finish
from tests.labeling.routed import TEXT, routed, tasks
from tests.rows import PNG


def test_a_projection_task_shows_the_masks_that_are_most_worth_correcting(tmp_path: Path) -> None:
    (made,) = tasks(routed(tmp_path), "projection_review")
    assert made["data"]["flawed"] == "heart: mask_torn"
    assert made["data"]["reasons"].startswith("masks are torn")
    (region,) = made["predictions"][0]["result"]
    assert region["value"]["rectanglelabels"] == ["heart"]


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
