"""Batches on a real Label Studio: blind, whole, and once, whatever dies meanwhile."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from curation.errors import BorderError, ToolError, UsageError
from curation.records import Task
from curation.workspace import Workspace
from labeling.studio.client import Server
from labeling.studio.connection import Connection, client_for
from labeling.studio.push import Pushed, push
from tests.builders import keyed_workspace
from tests.labeling.reading_rows import put
from tests.labeling.studio_rows import (
    EDEMA,
    batch_of,
    choice,
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


def kill(pid: int) -> None:
    """End a server as a power cut would, and wait until it has gone."""
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return with_reports(keyed_workspace(tmp_path, monkeypatch), 4)


@pytest.fixture
def coordinator(studio: Studio) -> Iterator[httpx.Client]:
    with client_for(studio.connection) as client:
        yield client


@pytest.fixture
def server(studio: Studio) -> Iterator[Server]:
    with Server(studio.connection) as made:
        yield made


def test_three_readers_have_a_blind_project_each_and_a_second_push_adds_nothing(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client
) -> None:
    readers = [studio.reader(workspace, email).reader_id for email in (ANN, BEN, CY)]
    rows = give(workspace, readers, ["r00", "r01", "r02"], "blind", repeats=2)
    told: list[tuple[int, int]] = []
    first = push(workspace, studio.connection, "blind", lambda done, total: told.append((done, total)))
    assert first == Pushed(projects=3, tasks=18, added=18, removed=0, not_shown=0)
    assert told[-1] == (18, 18)
    assert push(workspace, studio.connection, "blind") == Pushed(3, 18, 0, 0, 0)
    for reader_id in readers:
        project = project_of(coordinator, batch_of(workspace, "blind"), reader_id)
        assert project["title"] == f"blind · {project['title'].split(' · ')[1]} · {reader_id}"
        assert project["show_instruction"]
        assert project["expert_instruction"]
        tasks = tasks_of(coordinator, project["id"])
        mine = [row.assignment_id for row in rows if row.reader_id == reader_id]
        assert [task["meta"]["assignment_id"] for task in tasks] == mine
        assert all(task["meta"].keys() == {"assignment_id", "size"} for task in tasks)
        assert all(task["data"].keys() == {"reasons", "text"} for task in tasks)
        assert tasks[0]["data"] == tasks[3]["data"]  # the repeat
        (started,) = tasks[0]["predictions"]
        assert (started["model_version"], started["score"]) == ("read 1", 0.5)


def test_a_queue_opens_with_the_marks_to_edit(workspace: Workspace, studio: Studio, coordinator: httpx.Client) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    give(workspace, [reader], ["r00"], "adjudication", marks=((EDEMA,), (replace(EDEMA, labels=("absent",)),)))
    push(workspace, studio.connection, "adjudication")
    project = project_of(coordinator, batch_of(workspace, "adjudication"), reader)
    with studio.session(ANN) as ann:
        opened = ann.get(f"/api/projects/{project['id']}/next").json()
    shown = [row["result"][0]["value"]["choices"] for row in sorted(opened["predictions"], key=lambda row: row["id"])]
    assert shown == [["uncertain"], ["absent"]]
    assert {row["model_version"] for row in opened["predictions"]} == {"read 1 + read 2"}


def test_what_is_missing_is_added_and_what_nobody_may_read_is_taken_out(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client, server: Server
) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    rows = give(workspace, [reader], ["r00", "r01", "r02", "r03"], "repair")
    push(workspace, studio.connection, "repair")
    project_id = project_of(coordinator, batch_of(workspace, "repair"), reader)["id"]
    tasks = tasks_of(coordinator, project_id)
    doubles = [{"data": tasks[0]["data"], "meta": tasks[0]["meta"]}, {"data": tasks[1]["data"], "meta": {}}]
    assert list(server.add_tasks(project_id, doubles)) == [2]
    double = tasks_of(coordinator, project_id)[4]
    submit(coordinator, double["id"], choice("Edema", "absent"))  # the double was read: it stays
    coordinator.delete(f"/api/tasks/{tasks[1]['id']}/")
    submit(coordinator, tasks[2]["id"], choice("Edema", "absent"))
    withdraw(workspace, rows[2])  # was read
    withdraw(workspace, rows[3])
    done = push(workspace, studio.connection, "repair")
    assert done == Pushed(projects=1, tasks=2, added=1, removed=2, not_shown=0)
    left = [(task["id"], task["meta"].get("assignment_id")) for task in tasks_of(coordinator, project_id)]
    assert left[:3] == [
        (tasks[2]["id"], rows[2].assignment_id),
        (double["id"], rows[0].assignment_id),
        (double["id"] + 1, None),
    ]
    assert [name for _, name in left[3:]] == [rows[1].assignment_id]


def test_a_reader_whose_all_was_withdrawn_before_any_push_gets_no_project(workspace: Workspace, studio: Studio) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    (row,) = give(workspace, [reader], ["r00"], "nobody")
    withdraw(workspace, row)
    assert push(workspace, studio.connection, "nobody") == Pushed(0, 0, 0, 0, 0)


def test_a_case_that_is_gone_is_not_shown(workspace: Workspace, studio: Studio) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    give(workspace, [reader], ["r00", "r01"], "gone", marks=())
    put(workspace, [report(0)])
    assert push(workspace, studio.connection, "gone") == Pushed(1, 1, 1, 0, 1)


def test_a_server_killed_in_the_middle_and_a_lost_answer_cost_nothing(
    workspace: Workspace, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = sorted(studio.reader(workspace, email).reader_id for email in (ANN, BEN))
    rows = give(workspace, readers, ["r00", "r01", "r02"], "killed", repeats=2)
    monkeypatch.setattr("labeling.studio.client._MOST_TASKS", 2)

    def kill_in_the_middle(done: int, total: int) -> None:
        if done == 4:
            kill(studio.pid)

    with pytest.raises(ToolError, match="does not answer"):
        push(workspace, studio.connection, "killed", kill_in_the_middle)
    studio.start()
    post = Server._posted

    def lose_the_answer(server: Server, path: str, **content: object) -> None:
        post(server, path, **content)
        raise ToolError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(Server, "_posted", lose_the_answer)
        with pytest.raises(ToolError, match="lost"):
            push(workspace, studio.connection, "killed")
    done = push(workspace, studio.connection, "killed")
    assert (done.tasks, done.added, done.removed) == (12, 6, 0)
    with client_for(studio.connection) as client:
        projects = [project_of(client, batch_of(workspace, "killed"), reader)["id"] for reader in readers]
        tasks = [task for project_id in projects for task in tasks_of(client, project_id)]
    assert [task["meta"]["assignment_id"] for task in tasks] == [row.assignment_id for row in rows]
    assert all(task["predictions"] for task in tasks)


def test_pictures_lie_once_in_our_own_servers_folder(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client
) -> None:
    readers = [studio.reader(workspace, email).reader_id for email in (ANN, BEN)]
    with_views(workspace, 2)
    give(workspace, readers, ["v00", "v01"], "own", task=Task.MASK_REVIEW, marks=[[heart_mark()]])
    assert push(workspace, studio.connection, "own").added == 4
    projects = [project_of(coordinator, batch_of(workspace, "own"), reader) for reader in readers]
    data = [tasks_of(coordinator, project["id"])[0]["data"] for project in projects]
    assert data[0] == data[1]
    with studio.session(BEN) as ben:
        assert ben.get(data[0]["image"]).content.startswith(b"\x89PNG")
    assert studio.connection.files is not None
    stored = list((studio.connection.files / "pictures").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in stored} == {0o600}
    (started,) = tasks_of(coordinator, projects[0]["id"])[0]["predictions"]
    assert started["result"][0]["value"]["brushlabels"] == ["heart"]


def test_another_server_gets_pictures_by_upload_once(
    workspace: Workspace, studio: Studio, coordinator: httpx.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    with_views(workspace, 3)
    give(workspace, [reader], ["v00", "v01", "v02"], "far", task=Task.QUALITY_CHECK, marks=())
    far = Connection(studio.connection.url, studio.connection.token, in_zone=False, files=None)
    monkeypatch.setattr("labeling.studio.pictures._MOST_BYTES", 100)  # a picture a time
    assert push(workspace, far, "far").added == 3
    project_id = project_of(coordinator, batch_of(workspace, "far"), reader)["id"]
    tasks = tasks_of(coordinator, project_id)
    with studio.session(ANN) as ann:
        assert ann.get(tasks[0]["data"]["image"]).content.startswith(b"\x89PNG")
    coordinator.delete(f"/api/tasks/{tasks[0]['id']}/")
    assert push(workspace, far, "far").added == 1
    assert len(server.files(project_id)) == 3


def test_places_that_may_show_text_stay_in_the_vaults_zone(workspace: Workspace, studio: Studio) -> None:
    give(workspace, ["d1"], ["0123456789abcdef"], "places", task=Task.PHI_REVIEW, marks=())
    with pytest.raises(BorderError, match="inside the vault only"):
        push(workspace, replace(studio.connection, in_zone=False), "places")


def test_no_such_batch(workspace: Workspace, studio: Studio) -> None:
    with pytest.raises(UsageError, match="no batch of that name"):
        push(workspace, studio.connection, "none")
