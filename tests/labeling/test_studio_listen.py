"""Calls of webhooks: a secret opens, and several in a row make one sync."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from curation.errors import BusyError, ToolError, UsageError
from curation.workspace import Workspace
from labeling.studio import listen as listening
from labeling.studio.connection import Connection, client_for
from labeling.studio.listen import HEADER, Listener, listen, listener, register
from labeling.studio.push import push
from labeling.studio.sync import Synced
from tests.builders import keyed_workspace
from tests.labeling.studio_rows import batch_of, choice, give, project_of, submit, tasks_of, with_reports
from tests.studio import Studio

SECRET = "s" * 16
ANN = "ann@reads.example"


class Work:
    """Counts what it is asked to do, and lets a test wait for it."""

    def __init__(self) -> None:
        self.done = threading.Semaphore(0)
        self.count = 0

    def __call__(self) -> None:
        self.count += 1
        self.done.release()

    def wait(self) -> bool:
        return self.done.acquire(timeout=10)


@contextmanager
def serving(made: Listener, pause_s: float = 0.05) -> Iterator[None]:
    thread = threading.Thread(target=made.serve, args=(pause_s,))
    thread.start()
    try:
        yield
    finally:
        made.close()
        thread.join()


def call(made: Listener, content: bytes = b"") -> int:
    url = f"http://127.0.0.1:{made.port}/"
    return httpx.post(url, headers={HEADER: SECRET}, content=content, trust_env=False).status_code


def test_calls_in_a_row_make_one_sync() -> None:
    work = Work()
    made = Listener(work, ("127.0.0.1", 0), SECRET)
    with serving(made, pause_s=0.3):
        assert work.wait()  # at the start
        assert [call(made, b"x" * 5000), call(made), call(made)] == [204, 204, 204]
        assert work.wait()
    assert work.count == 2


def test_polling_works_without_calls() -> None:
    work = Work()
    with serving(Listener(work, ("127.0.0.1", 0), SECRET, poll_s=0.05)):
        assert [work.wait() for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("secret", [None, "", "s" * 15, "é" * 16])
def test_without_the_secret_nothing_happens(secret: str | None, capfd: pytest.CaptureFixture[str]) -> None:
    work = Work()
    made = Listener(work, ("127.0.0.1", 0), SECRET)
    with serving(made):
        assert work.wait()
        headers = [] if secret is None else [(HEADER.encode(), secret.encode("latin-1"))]
        url = f"http://127.0.0.1:{made.port}/"
        assert httpx.post(url, headers=headers, content=b"who", trust_env=False).status_code == 403
        assert httpx.get(url, headers=headers, trust_env=False).status_code == 501
    assert work.count == 1
    assert capfd.readouterr() == ("", "")


def test_a_short_secret_and_a_taken_port_are_refused() -> None:
    with pytest.raises(UsageError, match="16 characters"):
        Listener(Work(), ("127.0.0.1", 0), "short")
    first = Listener(Work(), ("127.0.0.1", 0), SECRET)
    with pytest.raises(UsageError, match="cannot be opened"):
        Listener(Work(), ("127.0.0.1", first.port), SECRET)
    first.close()
    first.serve()  # closed before: serves nothing, and closes the port


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return with_reports(keyed_workspace(tmp_path, monkeypatch), 1)


@pytest.mark.parametrize(("fails", "told"), [(1, 1), (2, 1), (3, 0)])
def test_a_server_that_is_away_is_asked_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, fails: int, told: int
) -> None:
    errors: list[Exception] = [BusyError("busy"), ToolError("away"), ToolError("away")]
    del errors[fails:]

    def unsure(*_: object) -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr(listening, "register", unsure)
    monkeypatch.setattr(listening, "sync", lambda *_: Synced(1, 0, 0, 0, 0, 0, 1))
    monkeypatch.setattr("labeling.studio.listen._PAUSE_S", 0)
    heard: list[Synced] = []

    def stop_at_once(self: Listener) -> None:
        self._work()
        self._http.server_close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Listener, "serve", stop_at_once)
    listen(workspace, Connection("http://127.0.0.1:9", ""), "127.0.0.1", 0, SECRET, heard.append)
    assert len(heard) == told


@pytest.mark.xdist_group("studio")
def test_label_studio_calls_and_the_read_comes_home(workspace: Workspace, studio: Studio) -> None:
    reader = studio.reader(workspace, ANN).reader_id
    give(workspace, [reader], ["r00"], "called")
    push(workspace, studio.connection, "called")
    heard: list[Synced] = []
    came = threading.Event()

    def told(synced: Synced) -> None:
        heard.append(synced)
        if synced.submitted:
            came.set()

    made = listener(workspace, studio.connection, "127.0.0.1", 0, SECRET, told)
    with client_for(studio.connection) as client:
        project_id = project_of(client, batch_of(workspace, "called"), reader)["id"]
        (task,) = tasks_of(client, project_id)
        with serving(made), studio.session(ANN) as ann:
            wait_for(lambda: bool(heard))  # registered
            submit(ann, task["id"], choice("Edema", "present"))
            assert came.wait(30)
        hooks = [row for row in client.get("/api/webhooks/").json() if row["project"] == project_id]
        (hook,) = hooks
        assert not hook["send_payload"]
        assert register(workspace, studio.connection, hook["url"], "t" * 16) == 1
        again = [row for row in client.get("/api/webhooks/").json() if row["project"] == project_id]
        assert [row["headers"] for row in again] == [{HEADER: "t" * 16}]
        client.delete(f"/api/webhooks/{hook['id']}/")


def wait_for(met: Callable[[], bool]) -> None:
    for _ in range(300):
        if met():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it did not come")
