"""A Label Studio of our own: installed once, started on loopback, with all its data in one folder of the vault.

The server inherits an open lock file. While it lives the lock is held, and the number in ``server.json`` is its; when
it has ended, however that was, the lock is free, and the number means nothing. So nothing else is ever stopped.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from curation.errors import BusyError, ToolError, UsageError
from labeling.studio.connection import Connection, bare_client, facts, write_private
from labeling.studio.install import Tell, install

PORT = 8080
USER = "coordinator@paxflow.local"
MIGRATIONS = 396  # of this version: what a new database runs through before the server answers
START_SECONDS = 900.0
STOP_SECONDS = 20.0
DEFAULTS = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "CONVERTER_DOWNLOAD_RESOURCES": "false",
    "FEATURE_FLAGS_OFFLINE": "true",
    "DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "ENABLE_LEGACY_API_TOKEN": "true",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "CORS_ALLOW_ALL_ORIGINS": "false",
    "SSRF_PROTECTION_ENABLED": "false",  # else it posts to no address on loopback, and a webhook is one
    "LOCAL_FILES_SERVING_ENABLED": "true",
    "DEBUG": "false",
}
"""What makes the server silent and closed, each under ``LABEL_STUDIO_``; sources: its settings and its start guide."""

_DETACH = 'umask 077; "$@" </dev/null >"$0" 2>&1 & echo $!'  # the shell ends, what it started goes on
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there, for whatever is not on loopback: its front page would have tips fetched from the web."""
Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Running:
    """A server that is up."""

    url: str
    pid: int
    is_new: bool
    """False if it had been up already."""


@dataclass(frozen=True)
class Home:
    """The folder of one server: database, served files, secrets, log."""

    folder: Path

    @property
    def files(self) -> Path:
        """What the server serves as local files."""
        return self.folder / "files"

    @property
    def database(self) -> Path:
        """The server's own folder."""
        return self.folder / "server"

    @property
    def password(self) -> Path:
        """The file with the coordinator's password."""
        return self.folder / "coordinator.password"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "server.log"

    def connection(self, url: str) -> Connection:
        """How to speak to the server at this address as its coordinator."""
        return Connection(url, _secrets(self)["token"], in_zone=True, files=self.files)


# --- up, down --------------------------------------------------------------------------------------------


def up(home: Home, port: int | None, tell: Tell, advance: Advance) -> Running:
    """Start the server, or find it up; returns when it answers.

    Raises UsageError if the port is taken, BusyError if another starts it now, ToolError if it ends or never answers.
    """
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _starting(home):
        there = running(home)
        if there is not None:
            if port not in (None, _port(there.url)):
                raise UsageError(f"Label Studio is up at {there.url}: `paxflow studio down` first, then choose a port")
            _wait(home, there, advance)  # a start that was broken off goes on by itself
            return there
        python = install(tell)
        chosen = port or _last_port(home)
        _free(chosen)
        tell("starting Label Studio; the first time it makes its database, which may take minutes")
        started = _start(home, python, chosen)
        _wait(home, started, advance)
        return started


def down(home: Home) -> bool:
    """Stop the server that we started; False if none is up. Raises ToolError if it does not end."""
    there = running(home)
    if there is None:
        return False
    for how in (signal.SIGTERM, signal.SIGKILL):
        if _stopped(home, there.pid, how):
            return True
    raise ToolError(f"Label Studio (process {there.pid}) does not end: end it by hand")


def running(home: Home) -> Running | None:
    """The server of this folder if it lives."""
    last = _last(home)
    if last is None:
        return None
    with (home.folder / "server.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return last
    return None


def _last(home: Home) -> Running | None:
    """The server that was started last, be it up or not."""
    try:
        held = json.loads((home.folder / "server.json").read_text(encoding="utf-8"))
        return Running(held["url"], held["pid"], is_new=False)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _stopped(home: Home, pid: int, how: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, how)
    until = time.monotonic() + STOP_SECONDS
    while time.monotonic() < until:
        if running(home) is None:
            return True
        time.sleep(0.05)
    return False


@contextmanager
def _starting(home: Home) -> Iterator[None]:
    with (home.folder / "starting.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError("another paxflow process is starting Label Studio: wait for it") from None
        yield


def _free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise UsageError(f"port {port} is taken by another program: choose one with --port") from None


def _start(home: Home, python: Path, port: int) -> Running:
    """A process of nobody's, which outlives ours, in a session of its own; it holds the lock."""
    for folder in (home.database, home.files):
        folder.mkdir(mode=0o700, exist_ok=True)
    words = ["-m", "label_studio.server", "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    with (home.folder / "server.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["/bin/sh", "-c", _DETACH, str(home.log), str(python), *words],
            check=True,
            capture_output=True,
            cwd=home.database,
            env=_environment(home),
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    started = Running(f"http://127.0.0.1:{port}", int(done.stdout), is_new=True)
    write_private(home.folder / "server.json", json.dumps({"url": started.url, "pid": started.pid}))
    return started


def _wait(home: Home, server: Running, advance: Advance) -> None:
    """Until it answers, and to nobody but its coordinator; raises ToolError if it ends or takes too long."""
    until = time.monotonic() + START_SECONDS
    with bare_client(server.url) as client:
        while not _answers(client):
            if running(home) is None:
                raise ToolError(f"Label Studio ended while it started: {home.log} says why")
            if time.monotonic() > until:
                raise ToolError(f"Label Studio did not answer within {START_SECONDS:.0f} s: {home.log} may say why")
            advance(_migrated(home), MIGRATIONS)
            time.sleep(0.2)
    facts(home.connection(server.url))


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def _migrated(home: Home) -> int:
    """How many migrations a new database has run through; 0 while that cannot be seen."""
    try:
        with closing(sqlite3.connect(f"file:{home.database / 'label_studio.sqlite3'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM django_migrations").fetchone()[0])
    except sqlite3.Error:
        return 0


# --- settings and secrets --------------------------------------------------------------------------------


def _environment(home: Home) -> dict[str, str]:
    """All that the server sees of the environment: nothing of ours but the path and the language."""
    kept = {name: value for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ") if (value := os.environ.get(name))}
    held = _secrets(home)
    own = {
        "BASE_DATA_DIR": str(home.database),
        "LOCAL_FILES_DOCUMENT_ROOT": str(home.files),
        "USERNAME": USER,
        "PASSWORD": home.password.read_text(encoding="ascii").strip(),
        "USER_TOKEN": held["token"],
    }
    named = {f"LABEL_STUDIO_{name}": value for name, value in {**DEFAULTS, **own}.items()}
    closed = {f"{name}_PROXY": _NOWHERE for name in ("HTTP", "HTTPS", "ALL")} | {"NO_PROXY": "127.0.0.1,localhost"}
    other = {"SECRET_KEY": held["secret_key"], "HOME": str(home.database), "PYTHONUNBUFFERED": "1"}
    return {**kept, **named, **closed, **other}


def _secrets(home: Home) -> dict[str, str]:
    """Token and secret key, made the first time; and the coordinator's password in a file of its own."""
    path = home.folder / "secrets.json"
    if not home.password.is_file():
        write_private(home.password, secrets.token_urlsafe(18) + "\n")
    if not path.is_file():
        write_private(path, json.dumps({"token": secrets.token_hex(20), "secret_key": secrets.token_urlsafe(48)}))
    held: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return held


def _last_port(home: Home) -> int:
    last = _last(home)
    return _port(last.url) if last else PORT


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
