"""The commands of ``paxflow read``. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import UsageError
from curation.records import Task
from flows import read_words as words
from flows.say import Speaker, speaker_of
from labeling.reading.designs import Design

if TYPE_CHECKING:
    from curation.records import ReaderAgreement
    from curation.workspace import Workspace
    from labeling.reading.ledger import Given
    from labeling.reading.progress import Progress

read_app = typer.Typer(
    no_args_is_help=True,
    help="Cases for readers: make a batch, give it out, follow it, bring the answers home, settle what is split.",
)
GIVE, FOLLOW, CHANGE = "Give out", "Follow", "Change"
WHO, QUALITY = "Who reads what", "To know how good readers and routing are"
NAME = Annotated[str, typer.Argument(metavar="NAME", help="A batch; `paxflow read list` shows them.")]
MAYBE_NAME = Annotated[
    str | None, typer.Argument(metavar="NAME", help="A batch; without it, all that have something left.")
]
DUE = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="Deadline, such as 2026-12-18: the whole day counts."),
]
ALL_THAT_ARE_NAMED = 1_000_000


# --- give out --------------------------------------------------------------------------------------------


@read_app.command("make", rich_help_panel=GIVE)
def read_make(  # noqa: PLR0913, PLR0917 - one argument an option
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A new name, such as 2026-w49-labels.")],
    task: Annotated[Task, typer.Option(help="What readers are asked to do.")],
    readers: Annotated[
        str, typer.Option(metavar="A,B,…", help="E-mails or pseudonyms; `paxflow studio readers` lists them.")
    ],
    cases: Annotated[
        int | None, typer.Option(min=1, show_default="200; with --subjects all", help="How many different cases.")
    ] = None,
    design: Annotated[
        Design,
        typer.Option(
            rich_help_panel=WHO,
            help="all: everybody reads every case. equal: each case goes to some, shares are equal. balanced: and any "
            "two readers share about equally many cases.",
        ),
    ] = Design.ALL,
    per_case: Annotated[
        int | None,
        typer.Option(
            "--per-case",
            min=1,
            show_default="all: all; equal: 1; balanced: 2",
            rich_help_panel=WHO,
            help="Readers of a case.",
        ),
    ] = None,
    per_test_case: Annotated[
        int,
        typer.Option(
            "--per-test-case", min=0, rich_help_panel=WHO, help="Readers of a case whose patient is in the test split."
        ),
    ] = 0,
    recipe: Annotated[str, typer.Option(rich_help_panel=WHO, help="The release recipe whose split that is.")] = "",
    control: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            rich_help_panel=QUALITY,
            help="Share of the cases drawn at random, to measure what routing is worth.",
        ),
    ] = 0.1,
    repeat: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.25,
            rich_help_panel=QUALITY,
            help="Hidden repeats, as a share of each reader's cases, beside them.",
        ),
    ] = 0.05,
    gold: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            rich_help_panel=QUALITY,
            help="Cases with a sure answer (adjudicated, or three agree), likewise. Readers cannot tell.",
        ),
    ] = 0.05,
    due: DUE = None,
    show_report: Annotated[
        bool, typer.Option("--show-report", help="Readers of images see the study's report beside them.")
    ] = False,
    subjects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Only these: one pseudonymous report, view, radiograph, series, study or patient a line.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, data and readers give the same batch.")] = 0,
) -> None:
    """Choose cases and give them out: routed ones first, none that a reader has or has read.

    Nothing leaves yet: `paxflow read push` does that. Such as:

    paxflow read make 2026-w49 --task label_review --readers a@x.org,b@x.org,c@x.org --design balanced --due 2026-12-18
    """
    from labeling.reading.make import Order, make
    from labeling.reading.pool import Wanted

    workspace = _workspace()
    named = _subjects(subjects)
    n_cases = cases or (ALL_THAT_ARE_NAMED if named else 200)
    order = Order(
        name=name,
        wanted=Wanted(task, n_cases, control, named, seed),
        reader_ids=tuple(_reader_id(workspace, one) for one in _split(readers)),
        design=design,
        per_case=per_case,
        per_test_case=per_test_case,
        recipe=recipe,
        repeat=repeat,
        gold=gold,
        due=due.date() if due else None,
        shows_report=show_report,
    )
    made = make(workspace, order, _now())
    speaker = speaker_of(context)
    words.tell_made(speaker, _who(speaker, workspace), made, cases or 0)


@read_app.command("push", rich_help_panel=GIVE)
def read_push(context: typer.Context, name: MAYBE_NAME = None) -> None:
    """Make or complete the readers' projects in Label Studio; what is there already is left alone."""
    from labeling.studio.connection import connection_of
    from labeling.studio.push import push

    workspace, speaker = _workspace(), speaker_of(context)
    batches, connection = _batches(workspace, name), connection_of(workspace)
    for one in batches:
        batch_id = one.batch.batch_id
        with speaker.progress(f"push {batch_id}") as tick:
            pushed = push(workspace, connection, batch_id, tick)
        speaker.say("push", f"{batch_id}: {words.pushed(pushed)}", batch=batch_id, **asdict(pushed))
    if not batches:
        speaker.hint("Nothing is left to push: `paxflow read make` makes a batch.")
        return
    speaker.hint(f"Readers find their project at {connection.url}. Then: `paxflow read sync`.")


@read_app.command("adjudicate", rich_help_panel=GIVE)
def read_adjudicate(
    context: typer.Context,
    name: NAME,
    reader: Annotated[str, typer.Option(help="Who decides: e-mail or pseudonym.")],
    due: DUE = None,
    allow_own: Annotated[
        bool, typer.Option("--allow-own", help="Even if this reader is one of those who disagree.")
    ] = False,
) -> None:
    """Make a batch of the cases that readers disagree on; every read is shown, without a name.

    Bring decisions up to date before: `paxflow read sync`, `paxflow run decide`. The answer wins over the others'.
    """
    from labeling.reading.adjudication import Referral, adjudicate

    workspace, speaker = _workspace(), speaker_of(context)
    referral = Referral(name, _reader_id(workspace, reader), due.date() if due else None, allow_own)
    words.tell_referred(speaker, adjudicate(workspace, referral, _now()))


# --- follow ----------------------------------------------------------------------------------------------


@read_app.command("sync", rich_help_panel=FOLLOW)
def read_sync(context: typer.Context) -> None:
    """Bring home what readers did since the last time; run it as often as you like."""
    from labeling.studio.connection import connection_of
    from labeling.studio.sync import sync

    workspace, speaker = _workspace(), speaker_of(context)
    synced = sync(workspace, connection_of(workspace))
    speaker.say("sync", words.synced(synced), **asdict(synced))
    if synced.by_others:
        speaker.hint(f"{synced.by_others:,} are by another user than the project's reader: they do not count as reads.")
    if synced.unreadable:
        speaker.hint(f"{synced.unreadable:,} reads hold an answer that the form does not offer: look at them there.")
    speaker.hint("`paxflow read status` shows how far readers are; `paxflow run decide` makes decisions of answers.")


@read_app.command("list", rich_help_panel=FOLLOW)
def read_list(context: typer.Context) -> None:
    """List the batches."""
    from labeling.reading.ledger import all_given

    speaker, now = speaker_of(context), _now()
    rows = [words.list_cells(one, _progress(one, [], now)) for one in all_given(_workspace())]
    speaker.table(words.LIST_HEAD, rows)
    if not rows:
        speaker.hint("There is no batch yet: `paxflow read make` makes one.")


@read_app.command("status", rich_help_panel=FOLLOW)
def read_status(context: typer.Context, name: MAYBE_NAME = None) -> None:
    """Show how far each reader is, how fast, how steady, and when they will be done.

    per hour: while at work, pauses of more than half an hour left out. repeats, gold: share answered as before, and as
    decided, over all batches of the task (after `paxflow run decide`). ready: at the pace so far.
    """
    from curation.records import ReaderAgreement
    from curation.store import read_rows

    workspace, speaker = _workspace(), speaker_of(context)
    agreement = read_rows(ReaderAgreement, workspace.tables("decide"))
    who, now = _who(speaker, workspace), _now()
    batches = _batches(workspace, name)
    for one in batches:
        batch = one.batch
        speaker.hint(f"{batch.batch_id}: {words.plain(batch.task)}, {words.when(batch.due)}")
        people = _progress(one, agreement, now)
        rows = [(batch.batch_id, *who.cells(each.reader_id), *words.status_cells(each)) for each in people]
        start = 0 if speaker.as_json else 1  # the line above names the batch
        speaker.table(("batch", *who.head, *words.STATUS_HEAD)[start:], [row[start:] for row in rows])
        late = [each for each in people if each.ready and batch.due and each.ready > batch.due]
        if late:
            speaker.hint(
                f"{words.counted(len(late), 'reader')} will be late at this pace: "
                "`paxflow read reassign` gives cases to others."
            )
    if not batches:
        speaker.hint("Nothing is left to read: `paxflow read list` shows all batches.")


@read_app.command("agreement", rich_help_panel=FOLLOW)
def read_agreement(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only readers and task of this batch.")] = None,
    task: Annotated[Task | None, typer.Option(help="Only this task.")] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="Also of each pair and each reader.")] = False,
) -> None:
    """Show how well readers agree, with 95 % intervals, as `paxflow run decide` last found it.

    Figures are of all batches of a task together.
    """
    from curation.records import ReaderAgreement
    from curation.store import read_rows
    from labeling.reading.ledger import given

    workspace, speaker = _workspace(), speaker_of(context)
    rows = read_rows(ReaderAgreement, workspace.tables("decide"))
    if name is not None:
        batch = given(workspace, name).batch
        people = {*batch.reader_ids, "(all)", "(self)", "(gold)"}
        rows = [row for row in rows if row.task is batch.task and {row.reader_a, row.reader_b} <= people]
    shown = [
        row
        for row in rows
        if task in {None, row.task} and (pairs or (row.reader_a, row.reader_b) == ("(all)", "(all)"))
    ]
    speaker.table(words.AGREEMENT_HEAD, [words.agreement_cells(row) for row in shown])
    if not shown:
        speaker.hint("Nothing to show: `paxflow read sync`, then `paxflow run decide`.")


# --- change ----------------------------------------------------------------------------------------------


@read_app.command("reassign", rich_help_panel=CHANGE)
def read_reassign(  # noqa: PLR0913, PLR0917 - one argument an option
    context: typer.Context,
    name: NAME,
    source: Annotated[str, typer.Option("--from", help="Who has them: e-mail or pseudonym.")],
    target: Annotated[str, typer.Option("--to", help="Who gets them.")],
    overdue: Annotated[bool, typer.Option("--overdue", help="Only cases whose deadline is over.")] = False,
    cases: Annotated[
        str,
        typer.Option(metavar="ID,ID,…", help="Only these cases; skipped ones too.", show_default="all that are left"),
    ] = "",
    due: DUE = None,
) -> None:
    """Give what a reader has left to another; never a case that the other has, or has read."""
    from labeling.reading.changes import Which, reassign
    from labeling.reading.make import check_due

    workspace, speaker, now = _workspace(), speaker_of(context), _now()
    which = Which(overdue, frozenset(_split(cases)), due.date() if due else None)
    check_due(which.due, now.date())
    readers = (_reader_id(workspace, source), _reader_id(workspace, target))
    words.tell_moved(speaker, name, reassign(workspace, name, readers, which, now))


@read_app.command("withdraw", rich_help_panel=CHANGE)
def read_withdraw(
    context: typer.Context,
    name: NAME,
    reader: Annotated[str, typer.Option(help="Only from this reader: e-mail or pseudonym.", show_default="all")] = "",
) -> None:
    """Take back what is left of a batch, so that another can have it; what was read stays."""
    from labeling.reading.changes import withdraw

    workspace, speaker = _workspace(), speaker_of(context)
    count = withdraw(workspace, name, _reader_id(workspace, reader) if reader else "", _now())
    were = "was" if count == 1 else "were"
    speaker.say("withdraw", f"{words.counted(count, 'case')} of {name} {were} taken back.", batch=name, count=count)
    speaker.hint(f"Next: `paxflow read push {name}` takes them out of Label Studio.")


# --- what a call names -----------------------------------------------------------------------------------


def _split(text: str) -> list[str]:
    return [piece for part in text.split(",") if (piece := part.strip())]


def _who(speaker: Speaker, workspace: "Workspace") -> words.Who:
    from labeling.studio.accounts import readers

    return words.Who(speaker, {one.reader_id: one.email for one in readers(workspace)})


def _reader_id(workspace: "Workspace", name: str) -> str:
    from labeling.studio.accounts import reader_named

    return reader_named(workspace, name).reader_id


def _subjects(file: Path | None) -> frozenset[str]:
    """The first column of a file; lines that begin with # are comments."""
    if file is None:
        return frozenset()
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UsageError("expected a text file of one identifier a line in --subjects") from None
    found = frozenset(_split(line)[0] for line in lines if _split(line) and not line.startswith("#"))
    if not found:
        raise UsageError("the file of --subjects names nothing: expected one identifier a line")
    return found


def _batches(workspace: "Workspace", name: str | None) -> "list[Given]":
    """The batch that is named, or all that have something left."""
    from labeling.reading.ledger import all_given, given

    if name is not None:
        return [given(workspace, name)]
    now = _now()
    return [one for one in all_given(workspace) if any(each.left for each in _progress(one, [], now))]


def _progress(one: "Given", agreement: "list[ReaderAgreement]", now: datetime) -> "list[Progress]":
    from curation.records import AnnotationEvent
    from labeling.reading.progress import progress

    return progress(one, one.ledger.rows(AnnotationEvent), agreement, now)


def _now() -> datetime:
    return datetime.now(UTC)


def _workspace() -> "Workspace":
    from curation.workspace import Workspace

    return Workspace.find()
