"""The commands of ``paxflow key``. Each imports what it needs when it runs, so that ``--help`` answers at once."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import InputError, IntegrityError, UsageError
from flows.say import speaker_of

if TYPE_CHECKING:
    from curation.deid.keys.rotation import Holding, KeyState, Loss
    from curation.workspace import Workspace

key_app = typer.Typer(no_args_is_help=True, help="The key that pseudonyms are made with.")


@key_app.command("make")
def key_make(context: typer.Context) -> None:
    """Make a new random key in the vault (or where PAXFLOW_KEY_FILE says), readable by you alone."""
    from curation.deid.keys.key import key_place, make_key

    given = os.environ.get("PAXFLOW_KEY_FILE")
    path = Path(given) if given and not _in_workspace() else key_place(_workspace())
    make_key(path)
    speaker_of(context).say(
        "key", f"A new key lies in {path}. Keep a copy in a safe: without it, new data cannot join old."
    )


@key_app.command("check")
def key_check(context: typer.Context) -> None:
    """Say which key there is, where, its public fingerprint, and whether data/ was made with it."""
    from curation.deid.keys.rotation import check_key

    state = check_key(_workspace())
    own = state.own
    facts = {
        "key_id": state.key_id,
        "place": str(state.path or "PAXFLOW_KEY"),
        "mode": None if state.mode is None else f"{state.mode:04o}",
        "demo": state.is_demo,
        "patients": own.patients,
        "patients_of_other_keys": sum(held.patients for held in state.others),
    }
    speaker_of(context).say("key", f"{_place(state)}\n{_amount(own)} in data/ bear its pseudonyms.", **facts)
    if state.others:
        raise IntegrityError(
            f"in data/ {'; '.join(map(_held_by, state.others))}: they join nothing that this key makes. Bring that key "
            "back (PAXFLOW_KEY_FILE), or all sources into the landing zone, and run `paxflow curate`"
        )


@key_app.command("rotate")
def key_rotate(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a new key in the old one's place, and say what can no longer be linked. The old key is kept beside it."""
    from curation.deid.keys.rotation import rotate_key, rotation_loss

    workspace, speaker = _workspace(), speaker_of(context)
    loss = rotation_loss(workspace)
    own = loss.state.own
    facts = {"patients": own.patients, "studies": own.studies, "reports": own.reports}
    sources = {"sources": loss.n_sources, "sources_gone": loss.n_sources_gone}
    speaker.say("rotation", _consequences(loss), key_id=loss.state.key_id, **facts, **sources)
    if not yes and (speaker.as_json or not sys.stdin.isatty()):
        raise UsageError("nothing was changed: say --yes to rotate the key without being asked")
    if not yes and not typer.confirm("Rotate the key?"):
        raise typer.Exit(1)
    retired = rotate_key(workspace, loss)
    kept = f"A new key is in place; the old one is kept as {retired}."
    speaker.say(
        "key", f"{kept} Whoever has both can still link old and new; without it nobody can.", retired=str(retired)
    )


@key_app.command("lookup")
def key_lookup(
    context: typer.Context,
    pseudonym: Annotated[str, typer.Argument(help="As it stands in data/ or in a release.")],
) -> None:
    """Print the original behind a pseudonym, from the vault's crosswalk: for when a patient must be reached."""
    from curation.deid.keys.crosswalk import lookup
    from curation.deid.keys.key import read_key
    from curation.deid.keys.rotation import retired_keys

    workspace = _workspace()
    links = lookup(workspace.vault, read_key(workspace), pseudonym, retired_keys(workspace))
    if not links:
        raise InputError(
            "the crosswalk has no such pseudonym: it lists what came in while deid.crosswalk was true in params.yaml"
        )
    speaker = speaker_of(context)
    how = "json" if speaker.as_json else "csv"  # no table: an original is never wrapped or cut
    speaker.rows(["kind", "original"], [(link.kind, link.original) for link in links], how)


# --- sentences -------------------------------------------------------------------------------------------


def _place(state: "KeyState") -> str:
    where = f"in {state.path}, mode {state.mode:04o}" if state.path else "in PAXFLOW_KEY"
    demo = " It is the published demo key, good for the published sample only." if state.is_demo else ""
    return f"The key is {where}; its public fingerprint is {state.key_id}.{demo}"


def _amount(held: "Holding") -> str:
    return f"{held.patients:,} patients, {held.studies:,} studies and {held.reports:,} reports"


def _held_by(held: "Holding") -> str:
    whose = f"the retired key {held.key_id}" if held.key_id else "a key, or from sources, that are not here"
    return f"{_amount(held)} were made with {whose}"


def _consequences(loss: "Loss") -> str:
    return "\n".join(
        (
            f"{_place(loss.state)} A rotation makes this unlinkable:",
            f"- {_amount(loss.state.own)} in data/ bear its pseudonyms; what is made from now on bears others.",
            "- When one of these patients comes again, it is under a new pseudonym and with another shift of dates.",
            "- Releases that are published already cannot be joined with new ones: not by patient, study or report.",
            "To make everything again under the new key, bring all sources back into the landing zone and run `paxflow "
            f"curate`. Of {loss.n_sources:,} sources {loss.n_sources_gone:,} are not there now: at the next run what "
            "was made from them leaves data/, and they are listed as rejects.",
        )
    )


def _in_workspace() -> bool:
    from curation.workspace import Workspace

    try:
        Workspace.find()
    except UsageError:
        return False
    return True


def _workspace() -> "Workspace":
    from curation.workspace import Workspace

    return Workspace.find()
