"""`paxflow studio` as people and machines meet it."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from curation.errors import ToolError, UsageError
from curation.workspace import Workspace
from flows.cli_studio import studio_app
from labeling.studio import install
from labeling.studio.connection import Connection, connection_of, remember
from labeling.studio.listen import Told
from labeling.studio.local import USER
from labeling.studio.sync import Synced
from tests.builders import keyed_workspace
from tests.studio import Studio, free_port

pytestmark = pytest.mark.xdist_group("studio")
ANSWERING = f"""
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({{"email": "{USER}", "release": "1"}}).encode())
HTTPServer(("127.0.0.1", int(sys.argv[-1])), Answers).serve_forever()
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("PAXFLOW_STUDIO_URL", raising=False)
    monkeypatch.delenv("PAXFLOW_STUDIO_TOKEN", raising=False)
    made = keyed_workspace(tmp_path, monkeypatch)
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def small_program(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In place of Label Studio something that is up at once; stopped at the end."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!{sys.executable}\n{ANSWERING}", encoding="utf-8")
    (folder / "bin" / "python").chmod(0o700)
    (folder / "paxflow-installed").write_text(install._mark(), encoding="ascii")
    monkeypatch.setenv("PAXFLOW_STUDIO_ENV", str(folder))
    yield
    paxflow("down")


def paxflow(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(studio_app, list(words), input=typed)


def cells(result: Result) -> dict[str, str]:
    """A printed table of two columns."""
    rows = (re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in result.stdout.splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


def secrets_in(workspace: Workspace) -> list[str]:
    """Everything that must never be printed."""
    folder = workspace.vault / "studio"
    held = json.loads((folder / "secrets.json").read_text())
    return [*held.values(), (folder / "coordinator.password").read_text().strip()]


@pytest.mark.usefixtures("small_program")
def test_a_server_goes_up_is_up_and_goes_down(workspace: Workspace) -> None:
    port = str(free_port())
    first = paxflow("up", "--port", port)
    assert first.exit_code == 0 and f"Label Studio is up: http://127.0.0.1:{port}" in first.stdout
    where = workspace.vault / "studio" / "coordinator.password"
    assert USER in first.stdout and str(where) in first.stdout.replace("\n", "")
    again = paxflow("up")
    assert f"Label Studio was up already: http://127.0.0.1:{port}" in again.stdout
    status = paxflow("status")
    assert cells(status)["state"] == "up" and cells(status)["server"].startswith("our own")
    assert paxflow("down").stdout == "Label Studio is down.\n"
    assert paxflow("down").stdout == "No server of ours is up.\n"
    gone = paxflow("status")
    assert cells(gone)["state"] == "does not answer"
    shown = "".join(result.output for result in (first, again, status, gone))
    assert not any(secret in shown for secret in secrets_in(workspace))


@pytest.mark.usefixtures("small_program")
def test_a_server_that_the_environment_names_goes_first(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAXFLOW_STUDIO_URL", "https://label.hospital.example")
    monkeypatch.setenv("PAXFLOW_STUDIO_TOKEN", "secret")
    assert "PAXFLOW_STUDIO_URL is set" in paxflow("up", "--port", str(free_port())).stdout
    assert connection_of(workspace).url == "https://label.hospital.example"


def test_without_a_server_it_is_said_how_to_get_one(workspace: Workspace) -> None:
    assert "paxflow studio up" in str(paxflow("status").exception)


def test_one_connects_with_a_token_that_is_typed(studio: Studio, workspace: Workspace) -> None:
    done = paxflow("connect", f"{studio.url}/", typed=f"{studio.connection.token}\n")
    assert done.exit_code == 0 and f"Connected with Label Studio {install.VERSION}" in done.stdout
    assert studio.connection.token not in done.output and "https" not in done.stdout
    assert connection_of(workspace) == Connection(studio.url, studio.connection.token)
    assert cells(paxflow("status"))["server"].startswith("another's")


def test_one_connects_with_a_token_of_the_environment(
    studio: Studio, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAXFLOW_STUDIO_TOKEN", studio.connection.token)
    assert paxflow("connect", studio.url).exit_code == 0
    assert connection_of(workspace) == Connection(studio.url, studio.connection.token)


@pytest.mark.parametrize("token", ["0" * 40, "not a token", "für"])
def test_a_wrong_token_is_not_kept(studio: Studio, workspace: Workspace, token: str) -> None:
    done = paxflow("connect", studio.url, typed=f"{token}\n")
    assert isinstance(done.exception, UsageError) and token not in str(done.exception) + done.output
    assert isinstance(paxflow("status").exception, UsageError)


def test_an_address_where_nothing_answers_is_not_kept(workspace: Workspace) -> None:
    done = paxflow("connect", f"http://127.0.0.1:{free_port()}", typed="0" * 40 + "\n")
    assert isinstance(done.exception, ToolError)
    assert isinstance(paxflow("status").exception, UsageError)


def test_a_token_that_crosses_the_network_in_clear_is_warned_of(
    studio: Studio, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling.studio.connection.LOOPBACK", ())  # as if it were far away
    done = paxflow("connect", studio.url, typed=f"{studio.connection.token}\n")
    assert "Use https" in done.stdout


def test_a_token_that_was_withdrawn_is_said(studio: Studio, workspace: Workspace) -> None:
    remember(workspace, Connection(studio.url, "0" * 40))
    assert cells(paxflow("status"))["state"] == "refuses the token"


def test_readers_are_added_and_listed(studio: Studio, workspace: Workspace) -> None:
    studio.connect(workspace)
    assert "Nobody reads yet" in paxflow("readers").stdout
    added = paxflow("readers", "add", "Uma@hospital.example", "udo@hospital.example")
    assert added.exit_code == 0 and added.stdout.count("has a new account") == 2
    assert "@" not in added.stdout  # e-mails stand in the list alone
    files = list((workspace.vault / "studio" / "passwords").iterdir())
    assert len(files) == 2 and not any(file.read_text().strip() in added.stdout for file in files)
    listed = paxflow("readers").stdout
    assert listed.count("not yet") == 2 and listed.index("udo@") < listed.index("uma@")
    assert cells(paxflow("status"))["readers"] == "2"


def test_a_reader_with_an_account_elsewhere_needs_no_password(studio: Studio, workspace: Workspace) -> None:
    remember(workspace, Connection(studio.url, studio.connection.token))
    with studio.coordinator as client:
        client.post("/api/projects/", json={"title": ""})  # a try is enough to be seen
    done = paxflow("readers", "add", USER)
    assert "has an account" in done.stdout and "password" not in done.stdout
    assert re.search(r"coordinator@paxflow\.local\s+yes", paxflow("readers").stdout)


def test_a_reader_whose_account_is_gone_is_seen(studio: Studio, workspace: Workspace) -> None:
    studio.connect(workspace)
    paxflow("readers", "add", "leaver@hospital.example")
    with studio.coordinator as client:
        user = next(row for row in client.get("/api/users/").json() if row["email"] == "leaver@hospital.example")
        assert client.delete(f"/api/users/{user['id']}/").is_success
    assert "no account" in paxflow("readers").stdout


def test_listening_says_what_came_home_and_nothing_else(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(workspace, Connection("http://127.0.0.1:9", "t" * 40))
    secrets: list[str] = []

    def listen(_: Workspace, __: Connection, host: str, port: int, secret: str, told: Told) -> None:
        secrets.append(secret)
        told(Synced(0, 0, 0, 0, 0, 0, 3))
        told(Synced(2, 1, 0, 0, 0, 0, 3))

    monkeypatch.setattr("labeling.studio.listen.listen", listen)
    said = [paxflow("listen", "--port", "0").output for _ in range(2)]
    assert all(text.count("events are home") == 1 and "3 new events" in text for text in said)
    assert len({*secrets}) == 2
    assert not any(secret in text for secret in secrets for text in said)
