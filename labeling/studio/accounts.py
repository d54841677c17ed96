"""Who reads: an account on the server, and the pseudonym that the ledger knows the reader by.

E-mail addresses lie in the vault's ``studio/readers.json`` and on the server, nowhere else.
"""

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from curation.deid.keys.key import identity
from curation.errors import ToolError, UsageError, VaultError
from curation.workspace import Workspace
from labeling.studio.connection import Connection, asked, bare_client, client_for, studio_folder, write_private

_PAGE = 100


@dataclass(frozen=True)
class Reader:
    """A person who reads."""

    reader_id: str
    """Pseudonym: ``d`` and 16 hex digits."""
    email: str


@dataclass(frozen=True)
class Account:
    """A reader's account on the server."""

    user_id: int
    has_been_active: bool
    """Whether the person has saved anything there, be it a draft; a mere look is not noted by Label Studio."""


@dataclass(frozen=True)
class Added:
    """A reader who was added."""

    reader: Reader
    is_new_account: bool
    password: Path | None
    """Where the password lies that was made for the account; None if we made none."""


def author_id(workspace: Workspace, email: str) -> str:
    """The pseudonym of whoever has this address; the same for any case of its letters."""
    return identity(workspace, workspace.settings.deid).reader(f"studio/{email.strip().lower()}")


def readers(workspace: Workspace) -> list[Reader]:
    """All readers by e-mail; raises VaultError if the list is damaged."""
    try:
        held = json.loads(_place(workspace).read_text(encoding="utf-8"))
        return sorted((Reader(**row) for row in held), key=lambda reader: reader.email)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError):
        raise VaultError("the vault's studio/readers.json is damaged: expected a list of reader_id and email") from None


def reader_named(workspace: Workspace, name: str) -> Reader:
    """The reader with this e-mail or pseudonym; raises UsageError if there is none."""
    wanted = name.strip().lower()
    for reader in readers(workspace):
        if wanted in (reader.email, reader.reader_id):
            return reader
    raise UsageError("no reader has this e-mail or pseudonym: `paxflow studio readers` lists them, `… add EMAIL` adds")


def password_of(workspace: Workspace, reader: Reader) -> Path:
    """The file with the password that we made for a reader; it may not be there."""
    return workspace.vault / "studio" / "passwords" / reader.reader_id


def add_reader(workspace: Workspace, connection: Connection, email: str) -> Added:
    """Note a reader, with an account: made on our own server, expected to be there on another's.

    Raises UsageError if the address is none, or has no account on a server that is not ours; BusyError if another
    process adds one now.
    """
    address = _address(email)
    reader = Reader(author_id(workspace, address), address)
    is_new = account_of(connection, address) is None
    if is_new and not connection.in_zone:
        raise UsageError(
            "this e-mail has no account on the connected Label Studio: its administrator must add it first"
        )
    studio_folder(workspace)
    if is_new:
        _make_account(connection, address, password_of(workspace, reader))
    with workspace.lock("studio-readers"):
        known = {held.email: held for held in readers(workspace)} | {address: reader}
        write_private(_place(workspace), json.dumps([asdict(known[name]) for name in sorted(known)]))
    path = password_of(workspace, reader)
    return Added(reader, is_new, path if path.is_file() else None)


# --- accounts on the server ------------------------------------------------------------------------------


def account_of(connection: Connection, email: str) -> Account | None:
    """The account with this e-mail in the organization of the token; None if there is none."""
    return accounts(connection).get(email.strip().lower())


def accounts(connection: Connection) -> dict[str, Account]:
    """All accounts by e-mail in lower case."""
    with client_for(connection) as client:
        return {str(row["email"]).lower(): _account(row) for row in _users(client)}


def session_for(connection: Connection, email: str, password: str) -> httpx.Client:
    """A client that is logged in with e-mail and password as a browser is, and sends the token against forgery (CSRF).

    Raises UsageError if the server does not take them.
    """
    with bare_client(connection.url) as page:
        if not _taken(page, "/user/login/", {"email": email, "password": password, "persist_session": "on"}):
            raise UsageError("Label Studio does not take this e-mail with this password")
        cookies = dict(page.cookies)
    client = bare_client(connection.url)
    client.cookies.update(cookies)
    client.headers.update({"X-CSRFToken": cookies["csrftoken"], "Referer": connection.url})
    return client


def _make_account(connection: Connection, email: str, path: Path) -> None:
    """Sign up by the invite link: users made by the API have no password, and none can be set."""
    password = secrets.token_urlsafe(15)
    write_private(path, f"{password}\n")
    with client_for(connection) as client:
        invite = asked(client, "GET", "/api/invite").json()
    with bare_client(connection.url) as client:
        is_made = _taken(client, f"/user/signup/?token={invite['token']}", {"email": email, "password": password})
    if not is_made:
        path.unlink()
        raise ToolError("Label Studio refused the new account: is this e-mail a valid address?")


def _taken(client: httpx.Client, path: str, fields: dict[str, str]) -> bool:
    """Fill in a page's form; whether the server took it and sends us on, with a session in the cookies."""
    asked(client, "GET", path)
    filled = {**fields, "csrfmiddlewaretoken": client.cookies.get("csrftoken") or ""}
    return asked(client, "POST", path, form=filled).is_redirect


def _users(client: httpx.Client) -> Iterator[dict[str, Any]]:
    """Users as the API lists them, all at once or in pages."""
    page = 1
    while True:
        answer = asked(client, "GET", f"/api/users/?page={page}&page_size={_PAGE}").json()
        rows = answer if isinstance(answer, list) else answer["results"]
        yield from rows
        if isinstance(answer, list) or not answer.get("next"):
            return
        page += 1


def _account(row: dict[str, Any]) -> Account:
    """The server notes an activity when it makes the account, just before the time that it was made."""
    made, seen = row.get("date_joined"), row.get("last_activity")
    return Account(int(row["id"]), has_been_active=bool(seen) and str(seen) > str(made))


def _address(email: str) -> str:
    name, at, domain = email.strip().lower().partition("@")
    if not (name and at and "." in domain) or any(sign.isspace() or sign in ',;<>"' for sign in email.strip()):
        raise UsageError("expected one e-mail address such as reader@hospital.example")
    return f"{name}@{domain}"


def _place(workspace: Workspace) -> Path:
    return workspace.vault / "studio" / "readers.json"
