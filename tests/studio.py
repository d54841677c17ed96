"""A real Label Studio for tests: installed once in the user's cache, started once a worker, stopped at the end.

    pytestmark = pytest.mark.xdist_group("studio")  # one worker, so one server, for all tests of it


    def test_something(studio: Studio, workspace: Workspace) -> None:
        studio.connect(workspace)  # `connection_of(workspace)` answers with it
        reader = studio.reader(workspace, "ann@hospital.example")  # makes the account
        with studio.session("ann@hospital.example") as client:  # logged in as she is
            client.post("/api/tasks/1/annotations", json={"result": []})

A new database takes a minute to make, so one is made once beside the installation and copied.
"""

import fcntl
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from curation.errors import ToolError
from curation.workspace import Workspace
from labeling.studio.accounts import Reader, add_reader, session_for
from labeling.studio.connection import Connection, remember
from labeling.studio.install import VERSION, environment_folder, install
from labeling.studio.local import USER, Home, down, running, up


@dataclass
class Studio:
    """A running server, its coordinator, and sessions of its readers."""

    home: Home
    port: int
    passwords: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def connection(self) -> Connection:
        return self.home.connection(self.url)

    @property
    def coordinator(self) -> httpx.Client:
        """A new client, logged in as the coordinator."""
        return session_for(self.connection, USER, self.home.password.read_text(encoding="ascii").strip())

    def connect(self, workspace: Workspace) -> Connection:
        """Let the workspace speak to this server as to its own."""
        remember(workspace, self.connection)
        return self.connection

    def reader(self, workspace: Workspace, email: str) -> Reader:
        """A reader of the workspace, with an account here; that of an earlier test if there is one."""
        added = add_reader(workspace, self.connection, email)
        if added.password:
            self.passwords[added.reader.email] = added.password.read_text(encoding="ascii").strip()
        return added.reader

    def password(self, email: str) -> str:
        """The password of a reader that ``reader`` made, for a browser's login form."""
        return self.passwords[email.lower()]

    def session(self, email: str) -> httpx.Client:
        """A new client, logged in as a reader that ``reader`` made."""
        return session_for(self.connection, email, self.password(email))

    def start(self) -> None:
        """Start the server, or find it up."""
        up(self.home, self.port, _quiet, _unseen)

    def stop(self) -> None:
        """Stop the server as `paxflow studio down` does."""
        down(self.home)

    @property
    def pid(self) -> int:
        """The server's process, to kill; ``start`` starts it again with its data."""
        there = running(self.home)
        assert there is not None, "the server is not up"
        return there.pid


def studio_in(folder: Path) -> Studio:
    """A server with a copy of the template's database, up; the caller stops it. Skips if it cannot be installed."""
    shutil.copytree(_template(), folder)
    made = Studio(Home(folder), free_port())
    made.start()
    return made


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One server for all tests of a worker: name projects and readers so that no other test has them."""
    made = studio_in(tmp_path_factory.mktemp("studio") / "home")
    yield made
    made.stop()


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _template() -> Path:
    """A server's folder that has been up once, made beside the installation by whoever comes first."""
    try:
        install(_quiet)
    except ToolError:
        if _has_index():
            raise
        pytest.skip(f"no package index offers label-studio {VERSION} to this machine: the real server is not tried")
    folder = environment_folder().with_name(f"{environment_folder().name}-template")
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            up(Home(folder), free_port(), _quiet, _unseen)
            down(Home(folder))
            (folder / "whole").touch()
    return folder


def _has_index() -> bool:
    """Whether what we install could be had at all."""
    with TemporaryDirectory() as folder:
        words = ["download", "--quiet", "--no-deps", "--dest", folder, f"label-studio=={VERSION}"]
        return not subprocess.run([sys.executable, "-m", "pip", *words], check=False, capture_output=True).returncode


def _quiet(text: str) -> None:
    """Tests listen to nobody."""


def _unseen(done: int, total: int) -> None:
    """Nor do they watch."""
