"""The commands of ``paxflow studio``. Each imports what it needs when it runs, so that ``--help`` answers at once."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import ToolError, UsageError
from flows.say import Speaker, speaker_of

if TYPE_CHECKING:
    from curation.workspace import Workspace
    from labeling.studio.connection import Connection

studio_app = typer.Typer(
    no_args_is_help=True,
    help="Label Studio: a server of your own on this machine, or one that you have; and who reads there.",
    epilog="From the environment: PAXFLOW_STUDIO_URL and PAXFLOW_STUDIO_TOKEN (go before what the vault holds), "
    "PAXFLOW_STUDIO_ENV (where Label Studio is installed).",
)
readers_app = typer.Typer(invoke_without_command=True, help="Who reads: list them, or add some.")
studio_app.add_typer(readers_app, name="readers")


@studio_app.command("up")
def studio_up(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Default: as the last time; the first time 8080.")
    ] = None,
) -> None:
    """Start a Label Studio on this machine, for this machine alone; the first time it is installed.

    Its data, secrets and log lie in the vault's studio folder. It sends nothing anywhere.
    """
    from labeling.studio.connection import remember, studio_folder
    from labeling.studio.local import USER, Home, up

    speaker, workspace = speaker_of(context), _workspace()
    home = Home(studio_folder(workspace))
    with speaker.progress("studio") as advance:
        server = up(home, port, lambda text: speaker.say("step", f"… {text}"), advance)
    remember(workspace, home.connection(server.url))
    word = "is up" if server.is_new else "was up already"
    speaker.say("studio", f"Label Studio {word}: {server.url}", url=server.url, is_new=server.is_new)
    speaker.hint(f"Log in as {USER}; the password is in {home.password}.")
    _warn_of_environment(speaker)


@studio_app.command("down")
def studio_down(context: typer.Context) -> None:
    """Stop the server that `up` started; its data stay, and `up` goes on with them."""
    from labeling.studio.connection import studio_folder
    from labeling.studio.local import Home, down

    was_up = down(Home(studio_folder(_workspace())))
    speaker_of(context).say("studio", "Label Studio is down." if was_up else "No server of ours is up.", was_up=was_up)


@studio_app.command("status")
def studio_status(context: typer.Context) -> None:
    """Say which Label Studio this workspace speaks to, whether it answers, and who reads."""
    from curation.records import ReadingBatch
    from labeling.reading.ledger import ledgers
    from labeling.studio.accounts import readers
    from labeling.studio.connection import connection_of

    speaker, workspace = speaker_of(context), _workspace()
    connection = connection_of(workspace)
    state, version = _state(connection)
    batches = sum(len(ledger.rows(ReadingBatch)) for ledger in ledgers(workspace))
    zone = "our own, inside the vault" if connection.in_zone else "another's, outside the vault"
    rows = [("address", connection.url), ("server", zone), ("state", state), ("version", version)]
    speaker.table(["what", "is"], [*rows, ("readers", str(len(readers(workspace)))), ("batches", str(batches))])


def _state(connection: "Connection") -> tuple[str, str]:
    """Whether the server answers, and its version."""
    from labeling.studio.connection import facts

    try:
        return "up", facts(connection)["version"]
    except ToolError:
        return "does not answer", ""
    except UsageError:
        return "refuses the token", ""


@studio_app.command("connect")
def studio_connect(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The address of a Label Studio, e.g. https://label.hospital.example")],
) -> None:
    """Use a Label Studio that you have. The token comes from PAXFLOW_STUDIO_TOKEN, or is asked for.

    It lies outside the vault's zone: what is pushed there leaves this machine, and pixels that may show text never do.
    """
    from labeling.studio.connection import Connection, address_of, facts, is_loopback, remember

    speaker, workspace = speaker_of(context), _workspace()
    address = address_of(url)
    token = os.environ.get("PAXFLOW_STUDIO_TOKEN") or typer.prompt("Token (not shown)", hide_input=True)
    if not token.strip().isascii() or any(map(str.isspace, token.strip())):
        raise UsageError("expected a token of letters and digits, as Label Studio's page Account & Settings shows it")
    connection = Connection(address, token.strip())
    version = facts(connection)["version"]
    remember(workspace, connection)
    speaker.say("studio", f"Connected with Label Studio {version} at {address}.", url=address, version=version)
    if address.startswith("http:") and not is_loopback(address):
        speaker.hint("The address is http: the token and what is read cross the network for all to see. Use https.")
    _warn_of_environment(speaker)


@studio_app.command("listen")
def studio_listen(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Where Label Studio finds this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8081,
) -> None:
    """Bring answers home as they are given, until Ctrl-C: Label Studio calls, with a secret made anew each time.

    Every five minutes it looks by itself, for calls that did not come. `paxflow read sync` does the same once.
    """
    import secrets

    from labeling.studio.connection import connection_of
    from labeling.studio.listen import listen
    from labeling.studio.sync import Synced

    speaker, workspace = speaker_of(context), _workspace()

    def told(synced: Synced) -> None:
        if synced.events:
            speaker.say("sync", f"{synced.events:,} new events are home.", events=synced.events)

    speaker.hint(f"Listening on {host}:{port}. Ctrl-C ends it; nothing is lost by that.")
    listen(workspace, connection_of(workspace), host, port, secrets.token_hex(16), told)


@readers_app.callback()
def studio_readers(context: typer.Context) -> None:
    """List the readers: pseudonym, e-mail (on this terminal alone), and whether they have been active."""
    if context.invoked_subcommand is not None:
        return
    from labeling.studio.accounts import accounts, readers
    from labeling.studio.connection import connection_of

    speaker, workspace = speaker_of(context), _workspace()
    there = accounts(connection_of(workspace))
    rows = []
    for reader in readers(workspace):
        account = there.get(reader.email)
        seen = "no account" if account is None else "yes" if account.has_been_active else "not yet"
        rows.append((reader.reader_id, reader.email, seen))
    speaker.table(["reader", "e-mail", "active"], rows)
    if not rows:
        speaker.hint("Nobody reads yet: `paxflow studio readers add EMAIL…`")


@readers_app.command("add")
def studio_readers_add(
    context: typer.Context, emails: Annotated[list[str], typer.Argument(metavar="EMAIL…", help="One or more.")]
) -> None:
    """Add readers. On your own server each gets an account and a password, in a file of the vault; elsewhere they
    must have one."""
    from labeling.studio.accounts import add_reader
    from labeling.studio.connection import connection_of

    speaker, workspace = speaker_of(context), _workspace()
    connection = connection_of(workspace)
    for email in emails:
        added = add_reader(workspace, connection, email)
        what = "has a new account" if added.is_new_account else "has an account"
        reader_id = added.reader.reader_id
        speaker.say("reader", f"{reader_id} {what}.", reader_id=reader_id, is_new_account=added.is_new_account)
        _hand_over(speaker, str(added.password) if added.password else "")


def _warn_of_environment(speaker: Speaker) -> None:
    if os.environ.get("PAXFLOW_STUDIO_URL"):
        speaker.hint("PAXFLOW_STUDIO_URL is set: paxflow speaks to the server that it names, not to this one.")


def _hand_over(speaker: Speaker, path: str) -> None:
    if path:
        speaker.hint(f"The password is in {path}: hand it over, and not by mail.")


def _workspace() -> "Workspace":
    from curation.workspace import Workspace

    return Workspace.find()
