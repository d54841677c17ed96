"""A Label Studio of our own as it is installed, started, stopped and spoken to.

What Label Studio itself does is asked of the real one (the fixture ``studio``). How we treat a server that fails is
shown with a small program in its place.
"""

import fcntl
import json
import os
import re
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from curation.errors import BusyError, ToolError, UsageError, VaultError
from curation.workspace import Workspace
from labeling.studio import install, local
from labeling.studio.accounts import (
    account_of,
    accounts,
    add_reader,
    author_id,
    password_of,
    reader_named,
    readers,
    session_for,
)
from labeling.studio.connection import (
    Authorization,
    Connection,
    address_of,
    asked,
    bare_client,
    client_for,
    connection_of,
    facts,
    headers_for,
    is_connected,
    is_loopback,
    remember,
    studio_folder,
    write_private,
)
from labeling.studio.local import DEFAULTS, USER, Home, down, running, up
from tests.builders import keyed_workspace
from tests.studio import Studio, free_port

pytestmark = pytest.mark.xdist_group("studio")
TOKEN = "0123456789abcdef0123456789abcdef01234567"
WHO = {"email": USER}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("PAXFLOW_STUDIO_URL", raising=False)
    monkeypatch.delenv("PAXFLOW_STUDIO_TOKEN", raising=False)
    return keyed_workspace(tmp_path, monkeypatch)


def quiet(text: str) -> None:
    """Nobody listens."""


def unseen(done: int, total: int) -> None:
    """Nobody watches."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def personal_token(studio: Studio) -> str:
    """A personal access token of the coordinator, made anew."""
    with studio.coordinator as client:
        for held in client.get("/api/token/").json():
            client.post("/api/token/blacklist/", json={"refresh": held["token"]})
        token: str = client.post("/api/token/").json()["token"]
        return token


# --- the real server: who may speak to it ----------------------------------------------------------------


def test_the_legacy_token_says_who_we_are(studio: Studio) -> None:
    assert facts(studio.connection) == {"email": USER, "version": install.VERSION}
    assert headers_for(studio.connection) == {"Authorization": f"Token {studio.connection.token}"}


def test_a_personal_access_token_says_who_we_are(studio: Studio) -> None:
    connection = Connection(studio.url, personal_token(studio))
    assert facts(connection)["email"] == USER
    with bare_client(studio.url) as client:
        found = client.get("/api/current-user/whoami", headers=headers_for(connection))
    assert found.json()["email"] == USER


def test_a_bearer_token_that_has_run_out_is_renewed(studio: Studio) -> None:
    connection = Connection(studio.url, personal_token(studio))
    authorization = Authorization(connection)
    with httpx.Client(base_url=studio.url, auth=authorization) as client:
        assert client.get("/api/current-user/whoami").is_success
        authorization._header = "Bearer of yesterday"
        assert client.get("/api/current-user/whoami").is_success
        assert client.get("/api/current-user/whoami").is_success  # and goes on


@pytest.mark.parametrize("token", [TOKEN, "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2lnbmF0dXJl"])
def test_a_wrong_token_is_refused_and_never_shown(studio: Studio, token: str) -> None:
    with pytest.raises(UsageError, match="refuses the token") as refused:
        facts(Connection(studio.url, token))
    assert token not in str(refused.value) and token not in repr(Connection(studio.url, token))


def test_a_page_that_is_not_there_is_said_without_what_was_asked(studio: Studio) -> None:
    with client_for(studio.connection) as client, pytest.raises(ToolError, match=r"answered 404 to GET /api/nothing$"):
        asked(client, "GET", "/api/nothing?for=somebody")


def test_nobody_signs_up_without_the_link(studio: Studio) -> None:
    with bare_client(studio.url) as client:
        client.get("/user/signup/")
        fields = {"email": "stranger@hospital.example", "password": "correct horse battery"}
        fields["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
        answer = client.post("/user/signup/", data=fields, headers={"Referer": studio.url})
    assert answer.status_code == 403
    assert account_of(studio.connection, "stranger@hospital.example") is None


def test_no_other_host_name_is_answered(studio: Studio) -> None:
    with bare_client(studio.url) as client:
        assert client.get("/health", headers={"Host": "rebound.example"}).status_code == 400


def test_only_loopback_is_listened_on(studio: Studio) -> None:
    with pytest.raises(OSError), socket.create_connection((_outward_address(), studio.port), timeout=2):
        pass


def _outward_address() -> str:
    """This machine's address to others; one that is nobody's if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: sends nothing, only chooses the way
        except OSError:
            return "192.0.2.1"
        address: str = probe.getsockname()[0]
        return address


def test_what_the_server_would_fetch_from_the_web_meets_a_dead_end(studio: Studio) -> None:
    with studio.coordinator as client:
        begun = time.monotonic()
        assert client.get("/heidi-tips").status_code == 404  # version 1.23.2 asks GitHub for tips to show
        assert time.monotonic() - begun < 4
    environment = local._environment(studio.home)
    assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert environment["LABEL_STUDIO_SENTRY_DSN"] == environment["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""
    assert {"COLLECT_ANALYTICS", "LATEST_VERSION_CHECK"} <= DEFAULTS.keys()


def test_a_webhook_on_loopback_arrives(studio: Studio) -> None:
    with listening(lambda path: {}) as (url, heard), studio.coordinator as client:
        config = '<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="a"/></Choices></View>'
        project = client.post("/api/projects/", json={"title": "webhook", "label_config": config}).json()["id"]
        client.post(f"/api/projects/{project}/import", json=[{"text": "lungs are clear"}])
        client.post("/api/webhooks/", json={"project": project, "url": f"{url}/hook", "send_payload": True})
        task = client.get(f"/api/tasks?project={project}").json()["tasks"][0]["id"]
        client.post(f"/api/tasks/{task}/annotations/", json={"result": []})
        until = time.monotonic() + 10
        while "/hook" not in heard and time.monotonic() < until:
            time.sleep(0.05)
        client.delete(f"/api/projects/{project}/")
    assert "/hook" in heard


# --- the real server: who reads --------------------------------------------------------------------------


def test_a_reader_gets_an_account_once_and_is_seen_to_work(studio: Studio, workspace: Workspace) -> None:
    connection = studio.connect(workspace)
    first = add_reader(workspace, connection, "Eva.Reads@hospital.example ")
    again = add_reader(workspace, connection, "eva.reads@hospital.example")
    assert (first.is_new_account, again.is_new_account) == (True, False)
    assert first.reader == again.reader and first.password == again.password and first.password is not None
    assert re.fullmatch("d[0-9a-f]{16}", first.reader.reader_id)
    assert first.reader.reader_id == author_id(workspace, "EVA.reads@hospital.example")
    assert not accounts(connection)["eva.reads@hospital.example"].has_been_active
    with session_for(connection, first.reader.email, first.password.read_text().strip()) as client:
        assert client.get("/api/current-user/whoami").json()["email"] == first.reader.email
        client.post("/api/projects/", json={"title": ""})  # a try is enough
    assert accounts(connection)["eva.reads@hospital.example"].has_been_active


def test_what_is_kept_of_readers_is_for_its_owner_alone(studio: Studio, workspace: Workspace) -> None:
    added = add_reader(workspace, studio.connect(workspace), "ina@hospital.example")
    folder = studio_folder(workspace)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"connection.json", "readers.json", added.reader.reader_id}
    assert {mode(path) for path in files} == {0o600}
    assert {mode(path) for path in (folder, password_of(workspace, added.reader).parent)} == {0o700}
    assert not any("ina@" in path.name for path in files)
    kept = [path for path in studio.home.folder.rglob("*") if path.is_file() and path.stat().st_size]
    kept = [path for path in kept if "upload" not in path.parts]  # of tests that speak to it as to another's server
    assert {mode(path) for path in kept} == {0o600}
    assert mode(studio.home.database) == mode(studio.home.files) == 0o700


def test_readers_are_found_by_email_and_by_pseudonym(studio: Studio, workspace: Workspace) -> None:
    assert readers(workspace) == []
    two = studio.reader(workspace, "two@hospital.example")
    one = studio.reader(workspace, "one@hospital.example")
    assert readers(workspace) == [one, two]
    assert reader_named(workspace, "ONE@hospital.example") == reader_named(workspace, one.reader_id) == one
    with pytest.raises(UsageError, match="no reader has this"):
        reader_named(workspace, "three@hospital.example")


def test_another_server_must_know_the_reader(studio: Studio, workspace: Workspace) -> None:
    studio.reader(workspace, "known@hospital.example")
    password_of(workspace, reader_named(workspace, "known@hospital.example")).unlink()
    elsewhere = Connection(studio.url, studio.connection.token)
    known = add_reader(workspace, elsewhere, "known@hospital.example")
    assert not known.is_new_account and known.password is None
    with pytest.raises(UsageError, match="no account on the connected") as refused:
        add_reader(workspace, elsewhere, "unknown@hospital.example")
    assert "unknown@" not in str(refused.value)


@pytest.mark.parametrize("email", ["", "eva", "@b.example", "a@b", "a b@c.example", "a@b.example,c@d.example"])
def test_what_is_no_address_is_refused(workspace: Workspace, email: str) -> None:
    with pytest.raises(UsageError, match="expected one e-mail address"):
        add_reader(workspace, Connection("http://127.0.0.1:9", TOKEN), email)


def test_an_address_that_the_server_refuses_leaves_nothing(studio: Studio, workspace: Workspace) -> None:
    with pytest.raises(ToolError, match="refused the new account"):
        studio.reader(workspace, "a@-.example")
    assert readers(workspace) == [] and list((studio_folder(workspace) / "passwords").iterdir()) == []


def test_a_wrong_password_opens_no_session(studio: Studio) -> None:
    with pytest.raises(UsageError, match="does not take"):
        session_for(studio.connection, USER, "not the password")


def test_a_damaged_list_of_readers_is_said(workspace: Workspace) -> None:
    write_private(studio_folder(workspace) / "readers.json", '[{"who": 1}]')
    with pytest.raises(VaultError, match=r"readers\.json is damaged"):
        readers(workspace)


def test_users_that_come_in_pages_are_all_read() -> None:
    def users(path: str) -> object:
        number = int(path.partition("page=")[2].partition("&")[0])
        rows = [{"id": number, "email": f"Reader{number}@hospital.example", "date_joined": "1", "last_activity": None}]
        return {"count": 3, "next": "there is more" if number < 3 else None, "results": rows}

    with listening(users) as (url, _):
        found = accounts(Connection(url, TOKEN))
    assert [(email, account.user_id) for email, account in found.items()] == [
        (f"reader{number}@hospital.example", number) for number in (1, 2, 3)
    ]


# --- the real server: up and down ------------------------------------------------------------------------


def test_up_twice_is_up_once(studio: Studio) -> None:
    pid = studio.pid
    again = up(studio.home, None, quiet, unseen)
    assert (again.url, again.pid, again.is_new) == (studio.url, pid, False)
    assert not up(studio.home, studio.port, quiet, unseen).is_new
    with pytest.raises(UsageError, match="is up at"):
        up(studio.home, free_port(), quiet, unseen)
    assert studio.pid == pid


def test_a_server_that_was_killed_starts_again_with_its_data(studio: Studio) -> None:
    with studio.coordinator as client:
        client.post("/api/projects/", json={"title": "survivor"})
    killed = studio.pid
    os.kill(killed, signal.SIGKILL)
    while running(studio.home) is not None:
        time.sleep(0.02)
    again = up(studio.home, None, quiet, unseen)
    assert again.is_new and again.url == studio.url and again.pid != killed
    with studio.coordinator as client:
        titles = {row["title"]: row["id"] for row in client.get("/api/projects/").json()["results"]}
        assert "survivor" in titles
        client.delete(f"/api/projects/{titles['survivor']}/")


# --- a small program in its place ------------------------------------------------------------------------

ANSWERING = f"""
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({{"email": "{USER}", "release": "1"}}).encode())
HTTPServer(("127.0.0.1", int(sys.argv[-1])), Answers).serve_forever()
"""
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)\n"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A server's folder; whatever is up in it is stopped."""
    made = Home(tmp_path / "home")
    yield made
    there = running(made)
    if there is not None:
        os.kill(there.pid, signal.SIGKILL)


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """An environment whose Python is this program."""
    folder = tmp_path / "environment"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text(f"#!{sys.executable}\n{program}", encoding="utf-8")
    (folder / "bin" / "python").chmod(0o700)
    (folder / "paxflow-installed").write_text(install._mark(), encoding="ascii")
    monkeypatch.setenv("PAXFLOW_STUDIO_ENV", str(folder))


def test_a_server_comes_up_with_secrets_of_its_own_and_goes(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, ANSWERING)
    port, told = free_port(), list[str]()
    assert running(home) is None and not down(home)
    started = up(home, port, told.append, unseen)
    assert started.is_new and started.url == f"http://127.0.0.1:{port}"
    secrets = json.loads((home.folder / "secrets.json").read_text())
    shown = " ".join(told) + home.log.read_text() + Path(f"/proc/{started.pid}/cmdline").read_text()
    assert not any(secret in shown for secret in [*secrets.values(), home.password.read_text().strip()])
    assert len(secrets["token"]) == 40 and secrets["token"] not in repr(home.connection(started.url))
    assert down(home) and not down(home)
    assert up(home, None, quiet, unseen).url == started.url  # the same port again
    assert json.loads((home.folder / "secrets.json").read_text()) == secrets
    assert down(home)


def test_the_first_port_is_the_usual_one(home: Home) -> None:
    assert local._last_port(home) == local.PORT
    write_private(home.folder / "server.json", "{}")
    assert local._last_port(home) == local.PORT and running(home) is None


def test_a_port_that_is_taken_is_said(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, ANSWERING)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="is taken by another program"):
            up(home, other.getsockname()[1], quiet, unseen)
    assert running(home) is None


def test_a_server_that_ends_while_it_starts_is_said(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "raise SystemExit('no disk')")
    with pytest.raises(ToolError, match=r"ended while it started: .*server\.log"):
        up(home, free_port(), quiet, unseen)
    assert "no disk" in home.log.read_text()


def test_a_server_that_never_answers_is_given_up_and_stopped_by_force(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, DEAF)
    monkeypatch.setattr(local, "START_SECONDS", 0.5)
    monkeypatch.setattr(local, "STOP_SECONDS", 0.3)
    seen: list[tuple[int, int]] = []
    with pytest.raises(ToolError, match="did not answer within"):
        up(home, free_port(), quiet, lambda done, total: seen.append((done, total)))
    assert seen and set(seen) == {(0, local.MIGRATIONS)}
    while "deaf" not in home.log.read_text():
        time.sleep(0.02)
    with monkeypatch.context() as without_force:
        without_force.setattr(signal, "SIGKILL", signal.SIGTERM)
        with pytest.raises(ToolError, match="does not end"):
            down(home)
    assert down(home)


def test_migrations_are_counted_as_they_run(studio: Studio) -> None:
    assert local._migrated(studio.home) == local.MIGRATIONS


def test_a_process_that_ended_meanwhile_is_stopped(home: Home) -> None:
    write_private(home.folder / "server.json", json.dumps({"url": "http://127.0.0.1:9", "pid": 2**22 + 1}))
    assert local._stopped(home, 2**22 + 1, signal.SIGTERM)  # above the largest number that Linux gives


def test_two_do_not_start_at_once(home: Home) -> None:
    home.folder.mkdir()
    with (home.folder / "starting.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="another paxflow process"):
            up(home, None, quiet, unseen)


# --- installing ------------------------------------------------------------------------------------------


def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, uv: str | None = None) -> Path:
    """A machine whose Python (and uv, where it has one) are shell scripts; returns where it installs to."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("python", python), ("uv", uv)):
        if text is not None:
            (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
            (programs / name).chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PAXFLOW_STUDIO_ENV", str(tmp_path / "environment"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    return tmp_path / "environment"


MAKES_VENV = 'for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python"; echo "$@"'


def test_uv_installs_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine(tmp_path, monkeypatch, MAKES_VENV, uv='echo "$@" from "$UV_FIND_LINKS"')
    told: list[str] = []
    assert install.install(told.append) == folder / "bin" / "python" and len(told) == 1
    steps = (tmp_path / "environment.log").read_text().splitlines()
    assert steps[0] == f"-m venv --without-pip {folder}"
    assert steps[1].endswith("constraints.txt from /wheels")
    install.install(told.append)
    assert len(told) == 1  # once


def test_pip_installs_where_there_is_no_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine(tmp_path, monkeypatch, f'if [ "$2" = venv ]; then {MAKES_VENV}; else echo "$@"; fi')
    monkeypatch.delenv("PIP_FIND_LINKS")
    install.install(quiet)
    steps = (tmp_path / "environment.log").read_text().splitlines()
    assert steps[0] == f"-m venv {folder}"
    assert steps[1].startswith("-m pip install")


def test_an_install_that_failed_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine(tmp_path, monkeypatch, MAKES_VENV, uv="echo no index; exit 2")
    with pytest.raises(ToolError, match="could not be installed"):
        install.install(quiet)
    (folder / "rest").touch()
    (tmp_path / "programs" / "uv").write_text("#!/bin/sh\n", encoding="ascii")
    install.install(quiet)
    assert not (folder / "rest").exists()


def test_what_another_installed_while_we_waited_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine(tmp_path, monkeypatch, "exit 1")
    whole = iter((False, True))  # before the lock is held, and after
    monkeypatch.setattr(install, "_is_whole", lambda folder: next(whole))
    assert install.install(quiet) == folder / "bin" / "python"


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = machine(tmp_path, monkeypatch, MAKES_VENV)
    folder.mkdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(UsageError, match="holds something else"):
        install.install(quiet)
    assert (folder / "thesis.txt").exists()


def test_the_environment_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAXFLOW_STUDIO_ENV", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert install.environment_folder() == Path("/cache/paxflow/label-studio-1.23.2")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert install.environment_folder() == Path.home() / ".cache/paxflow/label-studio-1.23.2"


def test_every_version_is_pinned() -> None:
    lines = [line for line in install.CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert f"label-studio=={install.VERSION}" in lines
    assert all(re.fullmatch(r"[a-z0-9.-]+==\S+", line) for line in lines)


# --- connections -----------------------------------------------------------------------------------------


@contextmanager
def listening(answer: Callable[[str], object]) -> Iterator[tuple[str, list[str]]]:
    """Something on loopback that answers each request with JSON (or text as it is), and the paths that it heard."""
    heard: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = answer(self.path)
            heard.append(self.path)
            self.send_response(said if isinstance(said, int) else 200)
            self.end_headers()
            self.wfile.write(said.encode() if isinstance(said, str) else json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nobody listens."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", heard
        finally:
            server.shutdown()
            thread.join()


def test_the_vault_remembers_a_connection(workspace: Workspace) -> None:
    assert not is_connected(workspace)
    with pytest.raises(UsageError, match="paxflow studio up"):
        connection_of(workspace)
    for held in (
        Connection("http://127.0.0.1:1", TOKEN, in_zone=True, files=Path("/files")),
        Connection("https://x.example", "t"),
    ):
        remember(workspace, held)
        assert is_connected(workspace) and connection_of(workspace) == held
    assert mode(workspace.vault / "studio" / "connection.json") == 0o600


def test_the_environment_goes_before_the_vault(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(workspace, Connection("http://127.0.0.1:1", TOKEN, in_zone=True))
    monkeypatch.setenv("PAXFLOW_STUDIO_URL", "https://label.hospital.example/")
    with pytest.raises(UsageError, match="set both or neither"):
        connection_of(workspace)
    monkeypatch.setenv("PAXFLOW_STUDIO_TOKEN", "secret")
    assert connection_of(workspace) == Connection("https://label.hospital.example", "secret")


@pytest.mark.parametrize("text", ["", "[]", '{"url": "http://a"}'])
def test_a_damaged_connection_is_said(workspace: Workspace, text: str) -> None:
    write_private(studio_folder(workspace) / "connection.json", text)
    with pytest.raises(VaultError, match=r"connection\.json is damaged"):
        connection_of(workspace)


def test_an_address_is_taken_without_its_last_slash() -> None:
    assert address_of("https://label.hospital.example/studio/") == "https://label.hospital.example/studio"
    assert is_loopback("http://localhost:8080") and not is_loopback("https://label.hospital.example")


@pytest.mark.parametrize("text", ["", "label.example", "ftp://a.example", "https://", "http://a:b", "http://[::1"])
def test_what_is_no_address_of_a_server_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected the address"):
        address_of(text)


@pytest.mark.parametrize("text", ["https://me:secret@a.example", "https://a.example/?token=secret", "https://a/#b"])
def test_an_address_with_a_secret_in_it_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="an address alone") as refused:
        address_of(text)
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_said() -> None:
    connection = Connection(f"http://127.0.0.1:{free_port()}", TOKEN)
    with pytest.raises(ToolError, match="does not answer"):
        facts(connection)


@pytest.mark.parametrize("said", ["<html>a router's page</html>", [1, 2]])
def test_what_is_no_label_studio_is_said(said: object) -> None:
    with listening(lambda path: said) as (url, _), pytest.raises(ToolError, match="no Label Studio"):
        facts(Connection(url, TOKEN))


def test_no_redirect_is_followed() -> None:
    with listening(lambda path: 302) as (url, heard), pytest.raises(ToolError, match="answered 302"):
        facts(Connection(url, TOKEN))
    assert len(heard) == 1


def test_the_version_is_found_under_either_name() -> None:
    with listening(lambda path: WHO | {"release": "1.9"}) as (url, _):
        assert facts(Connection(url, TOKEN)) == {"email": USER, "version": "1.9"}
