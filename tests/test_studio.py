"""The readers' whole way, as they and their coordinator go it: a real Label Studio, a browser, three readers, a senior.

A batch is given to three readers; one corrects a mask with the brush in a browser, the others answer by the API. What
they did comes home, they disagree, a senior sees their reads and decides, and the decision stands in the next release.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from curation import rle
from curation.deid.keys.key import key_path, make_key
from curation.records import AnnotationEvent, Decision, EventKind, Verdict
from curation.store import read_rows
from curation.synth import generate
from curation.workspace import Workspace
from flows.run import run_stage
from flows.stages import PIPELINE
from labeling.asking.names import plain
from labeling.marks import Mark, from_json
from labeling.reading.ledger import given
from labeling.studio import brush
from labeling.studio.client import Project, Server
from labeling.studio.push import mark_of
from tests.browser import chromium
from tests.builders import workspace_at
from tests.studio import Studio

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("studio")]
READERS = ("ann@hospital.example", "bob@hospital.example", "cyd@hospital.example")
SENIOR = "senior@hospital.example"
BATCH = "week-1"


@dataclass
class Desk:
    """A routed cohort, the server, and what was said on the way."""

    workspace: Workspace
    studio: Studio
    ids: dict[str, str]

    def type_in(self, *words: str) -> str:
        """What the coordinator types; returns what is printed."""
        done = subprocess.run(
            ["paxflow", *words], cwd=self.workspace.root, env=os.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def project(self, batch_id: str, email: str) -> Project:
        """The project of a reader."""
        batch = given(self.workspace, batch_id).batch
        with Server(self.studio.connection) as server:
            mark = mark_of(batch, self.ids[email])
            return next(project for project in server.projects() if mark in project.description)

    def tasks(self, batch_id: str, email: str) -> list[dict[str, Any]]:
        """The reader's queue, as the reader's own browser is given it."""
        project = self.project(batch_id, email).project_id
        with self.studio.session(email) as client:
            found = client.get("/api/tasks", params={"project": project, "fields": "all", "page_size": 100})
            return sorted(found.json()["tasks"], key=lambda task: int(task["id"]))

    def answer(self, email: str, task: dict[str, Any], result: list[dict[str, Any]]) -> None:
        """Submit an answer as the reader."""
        body = {"result": result, "lead_time": 12.5, "parent_prediction": task["predictions"][0]["id"]}
        with self.studio.session(email) as client:
            assert client.post(f"/api/tasks/{task['id']}/annotations", json=body).status_code == 201


def verdict(text: str) -> dict[str, Any]:
    return {"from_name": "verdict", "to_name": "image", "type": "choices", "value": {"choices": [text]}}


@pytest.fixture(scope="module")
def desk(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("desk")
        for name in [name for name in os.environ if name.startswith(("PAXFLOW_KEY", "PAXFLOW_STUDIO_U", "PREFECT_"))]:
            patch.delenv(name)
        patch.setenv("PAXFLOW_VAULT", str(folder / "vault"))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        workspace = workspace_at(folder)
        params = yaml.safe_load((workspace.root / "params.yaml").read_text())
        params["project"]["size_px"] = 256
        (workspace.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        make_key(key_path(workspace.vault))
        generate(workspace.vault, 3, 3, mishaps=False)
        for step in PIPELINE[:-1]:
            run_stage(step.name, workspace)
        studio.connect(workspace)
        yield Desk(workspace, studio, {one: studio.reader(workspace, one).reader_id for one in (*READERS, SENIOR)})


# --- in the browser --------------------------------------------------------------------------------------


@contextmanager
def logged_in(desk: Desk, email: str) -> Iterator[Any]:
    """A browser's page after the login form."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(f"{desk.studio.url}/user/login")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", desk.studio.password(email))
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{desk.studio.url}/**")
        yield page


def open_queue(page: Any, desk: Desk, project: Project) -> None:
    """Open the reader's queue, close the instruction, and wait for the first case."""
    page.goto(f"{desk.studio.url}/projects/{project.project_id}/data?labeling=1")
    page.get_by_text("Labeling Instructions").wait_for()
    page.keyboard.press("Escape")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    page.locator("canvas").first.wait_for()


def paint(page: Any, label: str) -> None:
    """Choose the mask in the list of regions, and draw a stroke with the brush in the middle of the picture."""
    page.locator(".lsf-outliner").get_by_text(plain(label), exact=True).first.click()
    page.keyboard.press("b")
    box = page.locator("canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y)
    page.mouse.down()
    page.mouse.move(x, y + 10, steps=10)
    page.mouse.move(x + 60, y, steps=10)
    page.mouse.up()


def submit(page: Any, verdict_text: str) -> None:
    page.locator(".lsf-choices, .lsf-choice").get_by_text(verdict_text).first.click()
    with page.expect_response(lambda answer: "/annotations" in answer.url and answer.request.method == "POST") as found:
        page.get_by_test_id("bottombar-submit-button").click()
    assert found.value.status == 201


# --- the way ---------------------------------------------------------------------------------------------


def test_each_reader_finds_the_same_cases_with_marks_to_correct(desk: Desk) -> None:
    desk.type_in("read", "make", BATCH, "--task", "mask_review", "--readers", ",".join(READERS), "--cases", "2",
                 "--control", "0", "--repeat", "0", "--gold", "0")  # fmt: skip
    desk.type_in("read", "push", BATCH)
    assert "nothing new" in desk.type_in("read", "push", BATCH)
    queues = [desk.tasks(BATCH, email) for email in READERS]
    assert [len(queue) for queue in queues] == [2, 2, 2]
    for tasks in zip(*queues, strict=True):
        (first, second, third) = [task["predictions"][0]["result"] for task in tasks]
        assert first == second == third
        assert {region["type"] for region in first} >= {"brushlabels"}


def test_a_mask_that_is_painted_in_the_browser_comes_home_as_it_was_painted(desk: Desk) -> None:
    started = shown_masks(desk)
    label = sorted(started)[0]
    with logged_in(desk, READERS[0]) as page:
        open_queue(page, desk, desk.project(BATCH, READERS[0]))
        paint(page, label)
        submit(page, "Masks corrected")
    assert "1 submitted" in desk.type_in("read", "sync")
    (event,) = events(desk, READERS[0])
    assert (event.kind, event.author_id) == (EventKind.SUBMITTED, desk.ids[READERS[0]])
    assert event.seconds is not None and event.seconds > 0
    assert event.prediction_id
    left = masks_of(from_json(event.marks))
    assert left.keys() == started.keys()
    assert all((left[one] == started[one]).all() for one in started if one != label)
    added = left[label] & ~started[label]
    assert (left[label] | ~started[label]).all(), "a stroke of the brush takes nothing away"
    rows, columns = np.nonzero(added)
    middle = started[label].shape[1] / 2
    assert added.sum() > 20
    assert abs(columns.mean() - middle) < 3
    assert np.ptp(columns) > np.ptp(rows)


def test_what_readers_disagree_on_is_adjudicated_and_released_with_its_trail(desk: Desk) -> None:
    for email in READERS[1:]:
        for number, task in enumerate(desk.tasks(BATCH, email)):
            shown = [one for one in task["predictions"][0]["result"] if one["from_name"] == "mask"]
            apart = email == READERS[2] and number == 0
            desk.answer(email, task, [*(map(elsewhere, shown) if apart else shown), verdict("masks corrected")])
    desk.type_in("read", "sync")
    assert "nothing new" in desk.type_in("read", "sync").lower()
    desk.type_in("run", "decide")
    assert "mask_dice" in desk.type_in("read", "agreement", BATCH)
    decided = read_rows(Decision, desk.workspace.tables("decide"))
    split = {row.subject_id for row in decided if row.verdict is Verdict.SPLIT}
    assert len(split) == 1
    desk.type_in("read", "adjudicate", BATCH, "--reader", SENIOR)
    desk.type_in("read", "push", f"{BATCH}-adjudication")
    (task,) = desk.tasks(f"{BATCH}-adjudication", SENIOR)
    assert sorted(one["model_version"] for one in task["predictions"]) == ["read 1", "read 2", "read 3"]
    project = desk.project(f"{BATCH}-adjudication", SENIOR).project_id
    with logged_in(desk, SENIOR) as page:
        page.goto(f"{desk.studio.url}/projects/{project}/data?task={task['id']}")
        for name in ("read 1", "read 2", "read 3", "Compare All"):
            page.get_by_text(name, exact=True).wait_for()
    (best, *_) = (one for one in task["predictions"] if not any(map(is_elsewhere, one["result"])))
    desk.answer(SENIOR, task, best["result"])
    desk.type_in("read", "sync")
    desk.type_in("run", "decide")
    decided = read_rows(Decision, desk.workspace.tables("decide"))
    assert {row.verdict for row in decided if row.subject_id in split} == {Verdict.ADJUDICATED}
    desk.type_in("release", "build", "paxray")
    leads_back_from_the_mask(desk, split.pop())


def leads_back_from_the_mask(desk: Desk, view_id: str) -> None:
    """From a mask of the release to the senior's decision, to her answer, to what she did, and nobody's name."""
    release = desk.workspace.root / "release" / "paxray"
    here = pl.col("subject_id") == view_id
    masks = pl.read_parquet(release / "masks.parquet").filter(
        pl.col("view_id") == view_id, pl.col("source") == "readers"
    )
    marks = pl.read_parquet(release / "decision_marks.parquet").filter(here)
    decisions = pl.read_parquet(release / "decisions.parquet").filter(here)
    events = pl.read_parquet(release / "annotation_events.parquet")
    answers = pl.read_parquet(release / "answers.parquet").filter(here)
    assert masks.height > 0
    assert set(masks["label"]) <= set(marks["label"])
    assert set(decisions["method"]) == {"adjudication"}
    (drawn,) = set(marks["event_ids"].explode())
    assert events.filter(pl.col("event_id") == drawn)["reader_id"].to_list() == [desk.ids[SENIOR]]
    assert set(decisions["event_ids"].explode()) <= set(events["event_id"])
    assert set(answers["reader_id"]) == set(desk.ids.values()), "the raw reads are released beside the decision"
    for path in release.rglob("*"):
        assert path.is_dir() or b"hospital.example" not in path.read_bytes()


def elsewhere(region: dict[str, Any]) -> dict[str, Any]:
    """The region with another mask: the upper left corner of the picture."""
    mask = np.zeros((region["original_height"], region["original_width"]), bool)
    mask[:20, :20] = True
    return {**region, "value": {**region["value"], "rle": brush.encode(mask)}}


def is_elsewhere(region: dict[str, Any]) -> bool:
    """Whether it is one of those."""
    return "rle" in region["value"] and region["value"]["rle"] == elsewhere(region)["value"]["rle"]


def shown_masks(desk: Desk) -> dict[str, Any]:
    """The masks of the first case of the queue, as readers start from them."""
    batch = given(desk.workspace, BATCH)
    first = next(row for row in batch.assignments if row.reader_id == desk.ids[READERS[0]])
    (prediction,) = batch.predictions[first.case_id]
    return masks_of(from_json(prediction.marks))


def masks_of(marks: tuple[Mark, ...]) -> dict[str, Any]:
    return {mark.labels[0]: rle.decode(mark.rle, *mark.size) for mark in marks if mark.rle and mark.size}


def events(desk: Desk, email: str) -> list[AnnotationEvent]:
    rows = given(desk.workspace, BATCH).ledger.rows(AnnotationEvent)
    return [row for row in rows if row.reader_id == desk.ids[email]]
