"""What readers do on a real Label Studio, home as events: once each, and never what they typed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from curation.deid.frames import Area
from curation.deid.pixels import Doubt
from curation.deid.review import Review, case_id
from curation.records import Assignment, EventKind, Task
from curation.workspace import Workspace
from labeling.marks import Mark, from_json
from labeling.reading.ledger import Ledger
from labeling.studio.client import Server
from labeling.studio.connection import client_for
from labeling.studio.push import push
from labeling.studio.sync import Synced, sync
from tests.builders import keyed_workspace
from tests.labeling.reading_rows import put
from tests.labeling.studio_rows import (
    EDEMA,
    batch_of,
    choice,
    events,
    give,
    heart_mark,
    project_of,
    report,
    submit,
    tasks_of,
    with_reports,
    with_views,
    withdraw,
)
from tests.studio import Studio

pytestmark = pytest.mark.xdist_group("studio")
ANN, BEN, CY = "ann@reads.example", "ben@reads.example", "cy@reads.example"
NOTHING = Synced(submitted=0, updated=0, skipped=0, deleted=0, by_others=0, unreadable=0, projects=0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return with_reports(keyed_workspace(tmp_path, monkeypatch), 4)


@pytest.fixture
def coordinator(studio: Studio) -> Iterator[httpx.Client]:
    with client_for(studio.connection) as client:
        yield client


@pytest.fixture
def ann(workspace: Workspace, studio: Studio) -> Iterator[httpx.Client]:
    studio.reader(workspace, ANN)
    with studio.session(ANN) as client:
        yield client


def queue(
    workspace: Workspace, studio: Studio, name: str, **more: Any
) -> tuple[list[Assignment], list[dict[str, Any]]]:
    """Ann's assignments of a batch of reports, pushed, and the tasks that the server made of them."""
    reader = studio.reader(workspace, ANN).reader_id
    rows = give(workspace, [reader], more.pop("subjects", ["r00", "r01", "r02"]), name, **more)
    push(workspace, studio.connection, name)
    with client_for(studio.connection) as client:
        batch = batch_of(workspace, name, more.get("task", Task.LABEL_REVIEW))
        return rows, tasks_of(client, project_of(client, batch, reader)["id"])


def test_a_read_comes_home_once_and_each_change_of_it(workspace: Workspace, studio: Studio, ann: httpx.Client) -> None:
    rows, tasks = queue(workspace, studio, "changes")
    started = tasks[0]["predictions"][0]["id"]
    number = submit(ann, tasks[0]["id"], choice("Edema", "present"), parent_prediction=started)
    submit(ann, tasks[1]["id"], was_cancelled=True)
    assert sync(workspace, studio.connection) == replace(NOTHING, submitted=1, skipped=1, projects=1)
    assert sync(workspace, studio.connection) == replace(NOTHING, projects=1)
    first, skipped = events(workspace, "changes")
    assert (first.kind, first.assignment_id, first.case_id) == (
        EventKind.SUBMITTED,
        rows[0].assignment_id,
        rows[0].case_id,
    )
    assert first.author_id == first.reader_id == rows[0].reader_id
    assert (first.seconds, first.prediction_id, first.case_changed) == (12.5, "changes-r00-0", False)
    assert from_json(first.marks) == (Mark("Edema", ("present",)),)
    assert abs(first.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert (skipped.kind, skipped.marks, skipped.prediction_id) == (EventKind.SKIPPED, "[]", "")

    ann.patch(f"/api/annotations/{number}/", json={"result": [choice("Edema", "absent")]})
    assert sync(workspace, studio.connection) == replace(NOTHING, updated=1, projects=1)
    ann.patch(f"/api/annotations/{number}/", json={"result": [choice("Edema", "absent")]})  # no change
    assert sync(workspace, studio.connection) == replace(NOTHING, projects=1)
    ann.delete(f"/api/annotations/{number}/")
    assert sync(workspace, studio.connection) == replace(NOTHING, deleted=1, projects=1)
    assert sync(workspace, studio.connection) == replace(NOTHING, projects=1)
    told = events(workspace, "changes")
    assert [row.kind for row in told if row.annotation_id == first.annotation_id] == [
        EventKind.SUBMITTED,
        EventKind.UPDATED,
        EventKind.DELETED,
    ]
    assert len({row.event_id for row in told}) == 4


def test_when_nothing_is_new_two_requests_say_so(
    workspace: Workspace, studio: Studio, ann: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tasks = queue(workspace, studio, "cheap")
    asked: list[str] = []
    call = Server._asked

    def counted(server: Server, what: str, *rest: Any, **more: Any) -> Any:
        asked.append(what)
        return call(server, what, *rest, **more)

    monkeypatch.setattr(Server, "_asked", counted)
    sync(workspace, studio.connection)
    assert asked == ["its projects"]  # nobody has read anything
    submit(ann, tasks[0]["id"], choice("Edema", "present"))
    sync(workspace, studio.connection)
    asked.clear()
    sync(workspace, studio.connection)
    assert asked == ["its projects", "its tasks"]


def test_three_readers_who_read_the_same_stay_apart(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client
) -> None:
    readers = {email: studio.reader(workspace, email).reader_id for email in (ANN, BEN, CY)}
    give(workspace, sorted(readers.values()), ["r00"], "three")
    push(workspace, studio.connection, "three")
    for email, label in ((ANN, "present"), (BEN, "absent"), (CY, "uncertain")):
        project = project_of(coordinator, batch_of(workspace, "three"), readers[email])
        with studio.session(email) as client:
            submit(client, tasks_of(client, project["id"])[0]["id"], choice("Edema", label))
    assert sync(workspace, studio.connection) == replace(NOTHING, submitted=3, projects=3)
    said = {row.reader_id: from_json(row.marks)[0].labels for row in events(workspace, "three")}
    assert said == {readers[ANN]: ("present",), readers[BEN]: ("absent",), readers[CY]: ("uncertain",)}
    assert all(row.author_id == row.reader_id for row in events(workspace, "three"))


def test_another_user_is_named_even_if_an_admin_says_it_was_the_reader(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client
) -> None:
    studio.reader(workspace, ANN)
    rows, tasks = queue(workspace, studio, "forged")
    users = coordinator.get("/api/users/").json()
    number = next(row["id"] for row in users if row["email"] == ANN)
    submit(coordinator, tasks[0]["id"], choice("Edema", "present"), completed_by=number)
    assert sync(workspace, studio.connection) == replace(NOTHING, submitted=1, by_others=1, projects=1)
    (event,) = events(workspace, "forged")
    assert event.reader_id == rows[0].reader_id != event.author_id != ""


def test_what_a_reader_typed_does_not_come_home(workspace: Workspace, studio: Studio, ann: httpx.Client) -> None:
    _, tasks = queue(workspace, studio, "typed")
    secret = "ask Mrs Example"
    span = {"start": 0, "end": 7, "text": secret, "labels": ["edema"]}
    results = [
        {
            "id": "a",
            "from_name": "finding",
            "to_name": "text",
            "type": "labels",
            "value": span,
            "meta": {"text": [secret]},
        },
        {"id": "b", "from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [secret]}},
    ]
    submit(ann, tasks[0]["id"], *results)
    assert sync(workspace, studio.connection).submitted == 1
    (event,) = events(workspace, "typed")
    assert from_json(event.marks) == (Mark("finding", ("edema",), span=(0, 7)),)
    assert not any(secret.encode() in path.read_bytes() for path in workspace.root.rglob("*") if path.is_file())


def test_an_answer_that_the_form_does_not_offer_waits_on_the_server(
    workspace: Workspace, studio: Studio, ann: httpx.Client
) -> None:
    _, tasks = queue(workspace, studio, "strange")
    submit(ann, tasks[0]["id"], choice("Edema", "perhaps"))
    submit(ann, tasks[1]["id"], choice("Edema", "present"))
    assert sync(workspace, studio.connection) == replace(NOTHING, submitted=1, unreadable=1, projects=1)
    assert sync(workspace, studio.connection) == replace(NOTHING, unreadable=1, projects=1)


def test_a_case_that_changed_meanwhile_is_flagged(workspace: Workspace, studio: Studio, ann: httpx.Client) -> None:
    _, tasks = queue(workspace, studio, "moved")
    put(workspace, [report(0, "No edema, corrected."), report(1), report(2)])
    for task in tasks[:2]:
        submit(ann, task["id"], choice("Edema", "absent"))
    sync(workspace, studio.connection)
    assert {row.case_id: row.case_changed for row in events(workspace, "moved")} == {
        "moved-r00": True,
        "moved-r01": False,
    }


def test_a_read_of_a_withdrawn_assignment_is_kept(workspace: Workspace, studio: Studio, ann: httpx.Client) -> None:
    rows, tasks = queue(workspace, studio, "late")
    withdraw(workspace, rows[0])
    submit(ann, tasks[0]["id"], choice("Edema", "absent"))
    assert sync(workspace, studio.connection).submitted == 1


def test_reads_deleted_in_bulk_or_with_their_task_are_noticed_and_a_lost_project_takes_none(
    workspace: Workspace, studio: Studio, ann: httpx.Client, coordinator: httpx.Client
) -> None:
    _, tasks = queue(workspace, studio, "bulk")
    for task in tasks:
        submit(ann, task["id"], choice("Edema", "absent"))
    sync(workspace, studio.connection)
    asked = {"selectedItems": {"all": False, "included": [tasks[0]["id"]]}}
    where = {"id": "delete_tasks_annotations", "project": tasks[0]["project"]}
    assert coordinator.post("/api/dm/actions", params=where, json=asked).is_success
    coordinator.delete(f"/api/tasks/{tasks[1]['id']}/")
    assert sync(workspace, studio.connection) == replace(NOTHING, deleted=2, projects=1)
    assert sync(workspace, studio.connection) == replace(NOTHING, projects=1)
    coordinator.delete(f"/api/projects/{tasks[0]['project']}/")
    assert sync(workspace, studio.connection) == NOTHING


def test_a_crash_before_events_are_written_repeats_them(
    workspace: Workspace, studio: Studio, ann: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tasks = queue(workspace, studio, "crash")
    submit(ann, tasks[0]["id"], choice("Edema", "absent"))

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", die)
        with pytest.raises(KeyboardInterrupt):
            sync(workspace, studio.connection)
    assert events(workspace, "crash") == []
    assert sync(workspace, studio.connection).submitted == 1


def test_of_two_reads_shown_it_is_known_which_the_adjudicator_took(
    workspace: Workspace, studio: Studio, ann: httpx.Client
) -> None:
    marks = ((EDEMA,), (replace(EDEMA, labels=("absent",)),))
    _, tasks = queue(workspace, studio, "chosen", marks=marks)
    second = max(row["id"] for row in tasks[0]["predictions"])
    submit(ann, tasks[0]["id"], choice("Edema", "absent"), parent_prediction=second)
    submit(ann, tasks[1]["id"], choice("Edema", "absent"))
    submit(ann, tasks[2]["id"], choice("Edema", "absent"), parent_prediction=second)  # another task's
    sync(workspace, studio.connection)
    taken = {row.case_id: row.prediction_id for row in events(workspace, "chosen")}
    assert taken == {"chosen-r00": "chosen-r00-1", "chosen-r01": "", "chosen-r02": ""}


def test_a_mask_comes_home_as_it_was_pushed(workspace: Workspace, studio: Studio, ann: httpx.Client) -> None:
    with_views(workspace, 1)
    _, tasks = queue(workspace, studio, "mask", task=Task.MASK_REVIEW, subjects=["v00"], marks=[[heart_mark()]])
    submit(ann, tasks[0]["id"], *tasks[0]["predictions"][0]["result"], choice("verdict", "masks are right", "image"))
    sync(workspace, studio.connection)
    (event,) = events(workspace, "mask")
    mask, verdict = sorted(from_json(event.marks), key=lambda mark: mark.question)
    assert (mask.labels, mask.rle, mask.size) == (("heart",), heart_mark().rle, heart_mark().size)
    assert verdict == Mark("verdict", ("masks are right",))


# --- places in pixels ------------------------------------------------------------------------------------


def test_what_readers_say_of_places_goes_to_the_vaults_queue(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client
) -> None:
    review = Review(workspace.vault)
    doubts = [Doubt(Area(None, 0, 0, 9, 6), np.full((6, 9), level, np.uint8), 0.5) for level in (10, 20, 30)]
    review.put("item", doubts)
    places = [case_id(doubt) for doubt in doubts]
    emails = (ANN, BEN)
    readers = {email: studio.reader(workspace, email).reader_id for email in emails}
    give(workspace, sorted(readers.values()), places, "places", task=Task.PHI_REVIEW, marks=())
    push(workspace, studio.connection, "places")
    batch = batch_of(workspace, "places", Task.PHI_REVIEW)
    tasks = {e: tasks_of(coordinator, project_of(coordinator, batch, readers[e])["id"]) for e in emails}

    def say(email: str, *answers: str) -> None:
        with studio.session(email) as client:
            for task, answer in zip(tasks[email], answers, strict=False):
                submit(client, task["id"], choice("decision", answer, "image"))
        sync(workspace, studio.connection)

    say(ANN, "no text", "no text", "text")
    assert [review.decided(doubt) for doubt in doubts] == [None, None, "text"]
    say(BEN, "no text", "text", "no text")
    assert [review.decided(doubt) for doubt in doubts] == ["no_text", "text", "text"]
    assert not (workspace.root / "data" / "annotation_events").exists()
    assert sync(workspace, replace(studio.connection, in_zone=False)) == NOTHING
