"""The command line. Each command imports what it needs when it runs, so that ``--help`` answers at once."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import PaxflowError
from flows.cli_deid import deid_app
from flows.cli_key import key_app
from flows.cli_labels import labels_app
from flows.cli_mine import mine_app
from flows.cli_project import project_command
from flows.cli_read import read_app
from flows.cli_release import release_app
from flows.cli_studio import studio_app
from flows.cli_umls import umls_app
from flows.say import Speaker

if TYPE_CHECKING:
    from curation.workspace import Workspace

SET_UP, PIPELINE, LOOK, PULL = "Set up", "Run", "Look", "Releases"

app = typer.Typer(
    name="paxflow",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turns a hospital's chest CTs, radiographs and reports into versioned, de-identified, annotated datasets.",
    epilog="From the environment: PAXFLOW_VAULT, PAXFLOW_KEY or PAXFLOW_KEY_FILE, PAXFLOW_WORKERS.",
)
app.add_typer(key_app, name="key", rich_help_panel="Set up")
app.add_typer(deid_app, name="deid", rich_help_panel="Run")
app.add_typer(mine_app, name="mine", rich_help_panel="Run")
app.add_typer(read_app, name="read", rich_help_panel="Readers")
app.add_typer(studio_app, name="studio", rich_help_panel="Readers")
app.add_typer(labels_app, name="labels", rich_help_panel="Run")
app.add_typer(umls_app, name="umls", rich_help_panel="Set up")
app.add_typer(release_app, name="release", rich_help_panel=PULL)
app.command("project", rich_help_panel="Run")(project_command)
speaker = Speaker()


class Format(StrEnum):
    """How a query's rows are printed."""

    table = "table"
    csv = "csv"
    json = "json"


@app.callback()
def options(json: Annotated[bool, typer.Option("--json", help="Log as JSON lines, for machines.")] = False) -> None:
    """Options of every command."""
    speaker.as_json = json


# --- set up ----------------------------------------------------------------------------------------------


@app.command(rich_help_panel=SET_UP)
def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make a workspace for your own data: git, DVC, dvc.yaml, params.yaml, prefect.yaml."""
    from flows.workspace_files import init as make

    workspace = make(folder)
    speaker.say("init", f"A new workspace stands in {folder}.", folder=str(workspace.root))
    speaker.hint(
        "Next: export PAXFLOW_VAULT=… (outside it), `paxflow key make`, put files into landing/, `paxflow curate`."
    )


@app.command(rich_help_panel=SET_UP)
def sample() -> None:
    """Fetch the real sample (a chest CT, its labelmap and readings, 3,955 reports) into the vault's landing zone."""
    from curation.sample import fetch

    with speaker.progress("sample") as advance:
        report = fetch(_workspace(), advance)
    text = f"The sample lies in the landing zone: a CT of {report.n_slices} slices and {report.n_reports:,} reports"
    planted = f"{report.n_planted:,} identifiers are planted in {report.n_files:,} files"
    speaker.say(
        "sample", f"{text}; {planted}.", files=report.n_files, planted=report.n_planted, written=report.n_written
    )


@app.command(rich_help_panel=SET_UP)
def synth(
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same cohort.")] = 0,
) -> None:
    """Make a synthetic cohort with known truth in the vault's landing zone."""
    from curation.synth import generate

    workspace = _workspace()
    with speaker.progress("synth") as advance:
        generate(workspace.vault, patients, seed, advance)
    speaker.say("synth", f"{patients} synthetic patients lie in the landing zone.", patients=patients, seed=seed)


# --- run -------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=PIPELINE)
def stages() -> None:
    """List the stages in order."""
    from flows.stages import PIPELINE as STEPS

    speaker.table(
        ["stage", "what it does", "reads"], [(s.name, s.about, ", ".join(s.reads) or "the vault") for s in STEPS]
    )


@app.command("run", rich_help_panel=PIPELINE)
def run_command(stage: Annotated[str, typer.Argument(help="A stage; `paxflow stages` lists them.")]) -> None:
    """Run one stage: what is in its plan and not yet done."""
    from curation.errors import UsageError
    from flows.run import run_stage
    from flows.stages import step_named

    name = step_named(stage).name
    if name == "release":
        raise UsageError("a release is built by its recipe: `paxflow release build RECIPE`")
    with speaker.stage_progress(name) as watch:
        outcome = run_stage(name, _workspace(), watch)
    speaker.outcome(outcome)


@app.command(rich_help_panel=PIPELINE)
def curate() -> None:
    """Take in what has arrived and bring everything up to date: ingest, deid, dvc add, dvc repro, dvc push."""
    workspace = _workspace()
    workspace.vault.mkdir(parents=True, exist_ok=True)
    from flows.tools import environment

    os.environ.update(environment(workspace))
    from flows.orchestrate import curate_once  # after the environment: Prefect reads it on import

    curate_once(workspace)


@app.command(rich_help_panel=PIPELINE, hidden=True)
def demo() -> None:
    """Run the whole way on the sample and show what it promises. `make demo` calls it."""
    from flows.demo import run_demo

    run_demo(_workspace(), speaker)


# --- look ------------------------------------------------------------------------------------------------


@app.command(rich_help_panel=LOOK)
def query(
    sql: Annotated[str, typer.Argument(help='One SELECT, e.g. "select label, count(*) from masks group by 1".')],
    release: Annotated[
        str | None,
        typer.Option(help="Ask a release instead, e.g. paxray@v1.2.0, or paxray as it lies here; see the text above."),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
) -> None:
    """Ask the workspace's tables in SQL, read-only.

    With --release: its tables, those of every version as "paxray@v1.2.0".labels, and the views versions,
    prevalence (label, split, version), changes (rows from version to version), label_trail (where a label is from).
    """
    from curation.query import query as ask
    from curation.query import query_release
    from flows.versions import shelves_of

    workspace = _workspace()
    if release is None:
        names, rows = ask(workspace, sql)
    else:
        names, rows = query_release(*shelves_of(workspace, release), sql)
    speaker.rows(names, rows, format.value)


@app.command(rich_help_panel=LOOK)
def tables(
    export: Annotated[Path | None, typer.Option(help="Write all tables into one DuckDB file instead.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the whole data dictionary as Markdown.")] = False,
) -> None:
    """List the tables and what one row of each is."""
    from curation.dictionary import markdown as dictionary
    from curation.query import export as write
    from curation.query import open_tables, parts

    if markdown:
        typer.echo(dictionary())
    elif export is not None:
        count = write(_workspace(), export)
        speaker.say("tables", f"{count} tables in {export}; open it with any DuckDB client.", file=str(export))
    else:
        workspace = _workspace()
        speaker.table(
            ["table", "written by", "one row is", "parts"],
            [(n, r.about.stage, r.about.grain, str(len(parts(workspace, r)))) for n, r in open_tables().items()],
        )


@app.command(rich_help_panel=LOOK)
def report() -> None:
    """Write the picture report: images with masks, marked reports, counts, rejects, uncertain cases."""
    from curation.pictures import write_page

    speaker.say("report", f"The picture report is {write_page(_workspace())}")


@app.command(rich_help_panel=LOOK)
def rejects() -> None:
    """Count what stopped, by stage and reason."""
    from flows.rejects import counts

    speaker.table(["stage", "reason", "items"], [(s, r, str(n)) for s, r, n in counts(_workspace())])


@app.command(rich_help_panel=LOOK)
def audit() -> None:
    """Search everything past the vault's border for the identifiers that were planted; exits with 7 if one is found."""
    from curation.audit import audit as search
    from curation.audit import planted
    from curation.errors import BorderError

    workspace = _workspace()
    identifiers = planted(workspace)
    hits = search(workspace, identifiers)
    if hits:
        speaker.table(["where", "kind"], sorted({(str(hit.place), hit.kind) for hit in hits})[:50])
        raise BorderError(f"{len(hits)} identifiers stand where none may be: the table above says where")
    speaker.say(
        "audit", f"None of {len(identifiers):,} planted identifiers is past the border.", searched=len(identifiers)
    )


def _workspace() -> "Workspace":
    from curation.workspace import Workspace

    return Workspace.find()


def main() -> None:
    """Entry point: a PaxflowError becomes one line on stderr and its exit code."""
    try:
        app()
    except PaxflowError as error:
        speaker.failed(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
