"""The commands of ``paxflow deid``. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from curation.errors import RefusedError
from flows.say import speaker_of

deid_app = typer.Typer(no_args_is_help=True, help="De-identification by itself: explain it, run it on a folder.")


@deid_app.command("run")
def deid_run(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder of DICOM, reports, HL7 and tables.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder for the clean files.")],
    mapping: Annotated[
        Path | None, typer.Option(help="Write which original became which file here (CSV, 0600; never in OUT).")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Write what was refused, and why, here (CSV, 0600; never in OUT).")
    ] = None,
) -> None:
    """De-identify a folder into another: the pipeline's policy and checks, without the rest of it.

    Needs a key (PAXFLOW_KEY, PAXFLOW_KEY_FILE, or the vault's). Files are named by their new UIDs. Each report is
    a text of its own, be it a file, a message, a row of a table, or what a DICOM SR says. Exits with 0 if everything
    came out clean, with 10 if something was refused.
    """
    from flows.folder import Lists, deid_folder

    speaker = speaker_of(context)
    with speaker.stage_progress("deid") as watch:
        outcome = deid_folder(source, target, Lists(mapping, rejects), watch)
    refused = sum(count for _, count in outcome.refused)
    speaker.say("deid", f"{outcome.clean:,} clean files lie in {target}.", clean=outcome.clean, refused=refused)
    if refused:
        speaker.table(["reason", "refused"], [(reason, f"{count:,}") for reason, count in outcome.refused])
        where = "" if rejects else "; --rejects FILE says which"
        raise RefusedError(f"{refused:,} files or reports were refused, by the reasons above{where}")


@deid_app.command("explain")
def deid_explain(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A DICOM file.", exists=True, dir_okay=False)],
) -> None:
    """Print what happens to each attribute of a file, by which rule and why; never a value."""
    from curation.deid.dicom.explain import explain_file
    from flows.folder import settings

    lines = explain_file(file, settings().deid)
    speaker_of(context).table(
        ["tag", "attribute", "VR", "action", "rule", "why"],
        [(line.path, line.keyword, line.vr, line.action, line.rule, line.why) for line in lines],
    )


@deid_app.command("policy")
def deid_policy() -> None:
    """Print the policy as Markdown: what docs/deid-policy.md holds."""
    from curation.deid.dicom.policy import markdown

    typer.echo(markdown())


@deid_app.command("review")
def deid_review(
    context: typer.Context,
    case: Annotated[str | None, typer.Argument(help="A waiting case.")] = None,
    decision: Annotated[str | None, typer.Argument(help="text (remove it) or no_text (leave it).")] = None,
) -> None:
    """List the places in pixels that may show text and wait for a person, or decide on one.

    Each case is a small picture in the vault's review folder. After a decision, `paxflow curate` takes the file in.
    """
    from curation.deid.review import Review
    from curation.workspace import Workspace

    speaker = speaker_of(context)
    review = Review(Workspace.find().vault)
    if case is not None:
        review.decide(case, decision or "")
        speaker.say("review", f"{case}: {decision}. The file is taken in by the next `paxflow curate`.", case=case)
        return
    waiting = review.waiting()
    speaker.table(["case", "picture"], [(one.case_id, str(one.picture)) for one in waiting])
    if not waiting:
        speaker.hint("Nothing waits for a decision.")
