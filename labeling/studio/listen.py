"""Label Studio's webhooks: told that something changed, bring it home.

A call says only that there is news, which ``sync`` then fetches: its body is neither needed, read nor logged. It must
show a shared secret. Polling catches what no call announced.
"""

import hmac
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from curation.errors import BusyError, ToolError, UsageError
from curation.records import Assignment, ReadingBatch
from curation.workspace import Workspace
from labeling.reading.ledger import ledgers
from labeling.studio.client import Server, known
from labeling.studio.connection import Connection
from labeling.studio.push import mark_of
from labeling.studio.sync import Synced, sync

HEADER = "X-Paxflow-Secret"
_PAUSE_S = 1.0
_MOST_BYTES = 1 << 20
"""Of a body, which we ask the server not to send."""
Told = Callable[[Synced], None]


class Listener:
    """A small server and one worker that syncs: after the first call and a pause, so that calls in a row make one."""

    def __init__(self, work: Callable[[], None], address: tuple[str, int], secret: str, poll_s: float = 300) -> None:
        if len(secret) < 16:
            raise UsageError("expected a secret of 16 characters or more: `openssl rand -hex 16` makes one")
        self._work, self._secret, self._poll_s = work, secret.encode(), poll_s
        self._news, self._closing = threading.Event(), threading.Event()
        try:
            self._http = _Http(address, self)
        except OSError:
            raise UsageError(f"port {address[1]} cannot be opened on {address[0]}: name another with --port") from None

    @cached_property
    def port(self) -> int:
        """The port that is open."""
        return int(self._http.server_address[1])

    def may(self, secret: str) -> bool:
        """Whether a caller knows the secret, in a time that does not depend on how much of it is right."""
        return hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), self._secret)

    def news(self) -> None:
        """Note that something changed."""
        self._news.set()

    def serve(self, pause_s: float = 1.0) -> None:
        """Work until ``close``: once at the start, after each call, and every ``poll_s`` seconds."""
        thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        thread.start()
        try:
            while not self._closing.is_set():
                self._news.clear()
                self._work()
                self._news.wait(self._poll_s)
                self._closing.wait(pause_s)
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def close(self) -> None:
        """End ``serve`` after the work at hand."""
        self._closing.set()
        self._news.set()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        self.listener = listener
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    """Answers POST with 204, or 403 without the secret; logs nothing."""

    server: _Http
    timeout = 5.0

    def do_POST(self) -> None:
        """A call of a webhook."""
        is_known = self.server.listener.may(self.headers.get(HEADER, ""))
        if is_known:
            self._drop_body()
            self.server.listener.news()
        self.send_response(HTTPStatus.NO_CONTENT if is_known else HTTPStatus.FORBIDDEN)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _drop_body(self) -> None:
        length = self.headers.get("Content-Length", "0")
        self.rfile.read(min(int(length), _MOST_BYTES) if length.isdecimal() else 0)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing of a call is written down."""


def register(workspace: Workspace, connection: Connection, url: str, secret: str) -> int:
    """Have the server call ``url`` when a read changes in a project of this workspace; returns how many there are."""
    with Server(connection) as server:
        projects = list(server.projects())
        ids = [row.project_id for mark in _marks(workspace) for row in known(projects, mark)]
        server.set_webhooks(ids, url, {HEADER: secret})
    return len(ids)


def listener(workspace: Workspace, connection: Connection, host: str, port: int, secret: str, told: Told) -> Listener:
    """A listener that registers projects and syncs each time; ``told`` gets what a sync brought.

    Where another process is at work here, or the server is away, it tries again at the next call or poll. Raises
    UsageError for a port that is taken, or a secret that could be guessed.
    """

    def work() -> None:
        _work(workspace, connection, f"http://{host}:{made.port}/", secret, told)

    made = Listener(work, (host, port), secret)
    return made


def listen(workspace: Workspace, connection: Connection, host: str, port: int, secret: str, told: Told) -> None:
    """``listener``, until it is interrupted (Ctrl-C)."""
    made = listener(workspace, connection, host, port, secret, told)
    with suppress(KeyboardInterrupt):
        made.serve()


def _work(workspace: Workspace, connection: Connection, url: str, secret: str, told: Told) -> None:
    for _ in range(3):
        try:
            register(workspace, connection, url, secret)
            told(sync(workspace, connection))
        except (BusyError, ToolError):
            time.sleep(_PAUSE_S)
        else:
            return


def _marks(workspace: Workspace) -> list[str]:
    marks = []
    for ledger in ledgers(workspace):
        readers = {(row.batch_id, row.reader_id) for row in ledger.rows(Assignment)}
        for batch in ledger.rows(ReadingBatch):
            marks += [
                mark_of(batch, reader_id) for batch_id, reader_id in sorted(readers) if batch_id == batch.batch_id
            ]
    return marks
