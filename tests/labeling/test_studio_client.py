"""The adapter when a server misbehaves: what is tried again, what is not, and what messages say."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from curation.errors import ToolError, UsageError
from labeling.studio.client import Server
from labeling.studio.connection import Connection

TOKEN = "0123456789abcdef0123456789abcdef01234567"
BODY = b'{"detail": "body of Mrs Example"}'


class Sulky(HTTPServer):
    """Answers with each of its statuses in turn, the last one for ever; 0 closes without an answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.asked: list[str] = []
        self.body = BODY

    def connection(self, *statuses: int) -> Connection:
        self.statuses = list(statuses)
        return Connection(f"http://127.0.0.1:{self.server_address[1]}", TOKEN)


class _Handler(BaseHTTPRequestHandler):
    server: Sulky

    def do_GET(self) -> None:
        statuses = self.server.statuses
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        self.server.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if status:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def sulky() -> Iterator[Sulky]:
    server = Sulky()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_may_pass_is_tried_again(sulky: Sulky) -> None:
    sulky.body = b'{"release": "1.23.2"}'
    with Server(sulky.connection(503, 0, 429, 200), pauses_s=(0, 0, 0)) as server:
        assert server.version() == "1.23.2"
    assert len(sulky.asked) == 4


@pytest.mark.parametrize(
    ("statuses", "error", "says", "asked"),
    [
        ((500,), ToolError, "answered 500", 3),
        ((0,), ToolError, "does not answer", 3),
        ((404,), ToolError, "answered 404", 1),
        ((401,), UsageError, "refuses the token", 1),
        ((403,), UsageError, "refuses the token", 1),
    ],
)
def test_what_does_not_pass_is_said_without_token_or_body(
    sulky: Sulky, statuses: tuple[int, ...], error: type[Exception], says: str, asked: int
) -> None:
    with Server(sulky.connection(*statuses), pauses_s=(0, 0)) as server, pytest.raises(error, match=says) as raised:
        list(server.projects())
    assert len(sulky.asked) == asked
    assert raised.value.__suppress_context__
    assert TOKEN not in str(raised.value)
    assert "Example" not in str(raised.value)


@pytest.mark.parametrize("status", [0, 500])
def test_what_makes_something_is_not_tried_again(sulky: Sulky, status: int) -> None:
    with Server(sulky.connection(status), pauses_s=(0, 0)) as server:
        with pytest.raises(ToolError):
            server.create_project({"title": "a project"})
        with pytest.raises(ToolError):
            list(server.add_tasks(1, [{"data": {}}]))
        with pytest.raises(ToolError):
            server.upload(1, {"a.png": b"x"})
    assert len(sulky.asked) == 3


def test_a_page_after_the_last_is_the_end(sulky: Sulky, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.studio.client._PAGE", 1)
    sulky.body = b'{"count": 1, "results": [{"id": 7, "description": "d", "model_version": "m"}]}'
    with Server(sulky.connection(200, 404), pauses_s=()) as server:
        assert [row.project_id for row in server.projects()] == [7]


def test_users_that_come_as_objects_are_known_by_number(sulky: Sulky) -> None:
    sulky.body = b"""{"tasks": [{"id": 1, "meta": null, "updated_at": "2026-12-01T09:00:00Z", "annotations": [
        {"id": 5, "created_at": "2026-12-01T09:00:00Z", "updated_at": "2026-12-01T09:00:00Z",
         "completed_by": {"id": 3, "email": "x"}, "updated_by": null}]}], "total": 1,
        "total_annotations": 1, "total_predictions": 0}"""
    with Server(sulky.connection(200), pauses_s=()) as server:
        (task,) = server.reads(1)
    assert task.task.meta == {}
    assert task.reads[0].by == (3,)


def test_an_annotation_that_cannot_be_asked_for_is_not_taken_for_gone(sulky: Sulky) -> None:
    with Server(sulky.connection(404), pauses_s=()) as server:
        assert server.made_at(1) is None
    with Server(sulky.connection(500), pauses_s=()) as server, pytest.raises(ToolError):
        server.made_at(1)
