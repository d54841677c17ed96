"""Which Label Studio a workspace speaks to, and how it shows who it is.

Two kinds of token are in use: the legacy token (40 hex digits, sent as it is) and the personal access token (a JSON Web
Token), which is good for nothing but to ask for a bearer token of five minutes. Source: Label Studio's API guide.
A token lies in the vault, or in the environment, and in no message.
"""

import json
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from curation.errors import ToolError, UsageError, VaultError
from curation.workspace import Workspace

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 60.0
_HOW = "start one with `paxflow studio up`, or name one with `paxflow studio connect URL`"


@dataclass(frozen=True)
class Connection:
    """A server and the coordinator's token for it."""

    url: str
    token: str = field(repr=False)
    in_zone: bool = False
    """Whether the server is our own, with its data inside the vault."""
    files: Path | None = None
    """Folder that the server serves as ``/data/local-files/?d=NAME``; None unless it is our own."""


def connection_of(workspace: Workspace) -> Connection:
    """What the environment names, else what `up` or `connect` left in the vault; UsageError if there is neither."""
    given = _from_environment()
    if given is not None:
        return given
    try:
        text = _place(workspace).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"no Label Studio is connected: {_HOW}") from None
    try:
        held = json.loads(text)
        files = held["files"]
        return Connection(held["url"], held["token"], held["in_zone"], Path(files) if files else None)
    except (ValueError, KeyError, TypeError):
        raise VaultError(f"the vault's studio/connection.json is damaged: remove it, and {_HOW}") from None


def is_connected(workspace: Workspace) -> bool:
    """Whether ``connection_of`` has an answer."""
    return bool(os.environ.get("PAXFLOW_STUDIO_URL")) or _place(workspace).is_file()


def remember(workspace: Workspace, connection: Connection) -> None:
    """Keep a connection in the vault, readable by its owner alone."""
    files = str(connection.files) if connection.files else ""
    held = {"url": connection.url, "token": connection.token, "in_zone": connection.in_zone, "files": files}
    write_private(_place(workspace), json.dumps(held))


def address_of(text: str) -> str:
    """The address of a server without the slash at its end; raises UsageError if it is none."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise UsageError("expected the address of a Label Studio such as https://label.hospital.example")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError("expected an address alone: no user, password or ?query in it; the token goes elsewhere")
    return text.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether what is sent to this address stays on this machine."""
    return urlsplit(url).hostname in LOOPBACK


# --- showing who we are ----------------------------------------------------------------------------------


def headers_for(connection: Connection) -> dict[str, str]:
    """The header that a request needs now; a bearer token lasts five minutes, ``client_for`` renews it."""
    if not _is_personal(connection.token):
        return {"Authorization": f"Token {connection.token}"}
    with _client(connection) as client:
        return {"Authorization": f"Bearer {_bearer(asked(client, *_refresh(connection)))}"}


class Authorization(httpx.Auth):
    """Adds the header to each request, and renews a bearer token when it has run out."""

    requires_response_body = True

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._header = "" if _is_personal(connection.token) else f"Token {connection.token}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See httpx: the request, and for a personal token the refresh before it and once more after a 401."""
        if not self._header:
            yield from self._renew()
        request.headers["Authorization"] = self._header
        response = yield request
        if response.status_code == 401 and _is_personal(self._connection.token):
            yield from self._renew()
            request.headers["Authorization"] = self._header
            yield request

    def _renew(self) -> Generator[httpx.Request, httpx.Response, None]:
        method, path, body = _refresh(self._connection)
        response = yield httpx.Request(method, f"{self._connection.url}{path}", json=body)
        self._header = f"Bearer {_bearer(response)}"


def client_for(connection: Connection) -> httpx.Client:
    """A client for raw REST that speaks as the coordinator; follows no redirects, so that no token goes elsewhere."""
    client = _client(connection)
    client.auth = Authorization(connection)
    return client


def bare_client(url: str) -> httpx.Client:
    """A client that shows no token; for loopback it heeds no proxy."""
    return httpx.Client(base_url=url, timeout=_SECONDS, trust_env=not is_loopback(url))


def asked(
    client: httpx.Client, method: str, path: str, body: Any = None, form: dict[str, str] | None = None
) -> httpx.Response:
    """The answer to one request; raises UsageError if the token is refused, ToolError if nothing good comes."""
    headers = {"Referer": str(client.base_url)} if form else {}
    try:
        response = client.request(method, path, json=body, data=form, headers=headers)
    except httpx.HTTPError as error:
        raise ToolError(
            f"Label Studio at {client.base_url.host} does not answer ({type(error).__name__}): "
            "`paxflow studio up` starts a server of our own"
        ) from None
    if response.status_code in (401, 403):
        raise UsageError(
            "Label Studio refuses the token: copy a new one from its page Account & Settings, or see that its "
            "organization allows tokens of this kind"
        )
    if response.status_code >= 400 or (response.is_redirect and not form):
        raise ToolError(f"Label Studio answered {response.status_code} to {method} {path.partition('?')[0]}")
    return response


def facts(connection: Connection) -> dict[str, str]:
    """What a server says of itself and of the token's owner: ``version``, ``email``; raises as ``asked``."""
    with client_for(connection) as client:
        who = _object(asked(client, "GET", "/api/current-user/whoami"))
        about = _object(asked(client, "GET", "/api/version"))
    release = about.get("label-studio-os-package") or about
    return {"email": str(who.get("email", "")), "version": str(release.get("version") or about.get("release") or "")}


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ToolError("expected an answer in JSON; what answers at this address is no Label Studio")
    return found


def _client(connection: Connection) -> httpx.Client:
    return bare_client(connection.url)


def _is_personal(token: str) -> bool:
    """A JSON Web Token has three parts (RFC 7519), a legacy token one."""
    return token.count(".") == 2


def _refresh(connection: Connection) -> tuple[str, str, dict[str, str]]:
    return "POST", "/api/token/refresh/", {"refresh": connection.token}


def _bearer(response: httpx.Response) -> str:
    """The token of five minutes; if the server gave none, a word that it will refuse."""
    return str(_object(response).get("access")) if response.is_success else "refused"


# --- what is kept ----------------------------------------------------------------------------------------


def studio_folder(workspace: Workspace) -> Path:
    """The vault's ``studio/``, for its owner alone; made if it is not there."""
    folder = workspace.vault / "studio"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all; its folder likewise."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    temporary.replace(path)


def _place(workspace: Workspace) -> Path:
    return workspace.vault / "studio" / "connection.json"


def _from_environment() -> Connection | None:
    url, token = os.environ.get("PAXFLOW_STUDIO_URL"), os.environ.get("PAXFLOW_STUDIO_TOKEN")
    if not url:
        return None
    if not token:
        raise UsageError("PAXFLOW_STUDIO_URL is set and PAXFLOW_STUDIO_TOKEN is not: set both or neither")
    return Connection(address_of(url), token)
