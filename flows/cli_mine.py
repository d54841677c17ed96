"""The commands of ``paxflow mine``: reports from files to labels in files, without a workspace, vault or key."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import RefusedError
from flows.say import speaker_of

if TYPE_CHECKING:
    from labeling.mining.confusion import Score

mine_app = typer.Typer(no_args_is_help=True, help="Report mining by itself: files in, labels out; no workspace needed.")


class Uncertain(StrEnum):
    """What becomes of a label that the report only hedges about."""

    keep = "keep"
    positive = "positive"
    negative = "negative"
    ignore = "ignore"


@mine_app.command("run")
def mine_run(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help='JSON lines of {"id", "text"} (- for standard input), a CSV or Parquet table, HL7, Open-I XML, '
            "a text, or a folder or tar archive of these.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="JSON lines, one a report, in the order of IN.")],
    labels: Annotated[str, typer.Option(help="A label set; `paxflow labels sets` lists them.")] = "chexpert",
    mentions: Annotated[
        bool, typer.Option("--mentions", help="Also write every mention: offsets, assertion, concept, rules.")
    ] = False,
    uncertain: Annotated[Uncertain, typer.Option(help="What becomes of hedged labels; keep writes -1.")] = (
        Uncertain.keep
    ),
) -> None:
    """Read reports and write their labels: 1 present, 0 absent, -1 uncertain, null not mentioned.

    The input must be de-identified: nothing is checked here.
    No text is written, but ids are as they came.
    Exits with 10 if some inputs could not be read; the others are written.
    """
    from flows.mining import mine_file
    from labeling.mining.lines import LineOptions

    speaker = speaker_of(context)
    with speaker.progress("mine") as tell:
        written = mine_file(source, out, LineOptions(labels, uncertain.value, mentions), tell)
    refused = sum(count for _, count in written.refused)
    speaker.say("mine", f"{_counted(written.n_lines)} mined into {out}.", reports=written.n_lines, refused=refused)
    if refused:
        speaker.table(["reason", "inputs"], [(reason, f"{count:,}") for reason, count in written.refused])
        raise RefusedError(f"{refused:,} inputs were refused, by the reasons above; the others are in {out}")


@mine_app.command("show")
def mine_show(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="As for `paxflow mine run`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A page (HTML) that opens in any browser.")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="Only this report; repeat for more.")] = None,
    most: Annotated[int, typer.Option(help="At most so many reports.", min=1)] = 20,
) -> None:
    """Show reports with every mention marked: assertion, time, side, size, concept, rules, labels.

    The page holds the texts: treat it as them.
    """
    from flows.mining import show_file

    count = show_file(source, out, tuple(ids or ()), most)
    speaker = speaker_of(context)
    speaker.say("show", f"{_counted(count)} shown in {out}.", reports=count, file=str(out))
    if ids and count < min(most, len(set(ids))):
        speaker.say("missing", "Not every id that was asked for is there.", asked=len(set(ids)))


@mine_app.command("score")
def mine_score(
    context: typer.Context,
    mined: Annotated[
        Path, typer.Argument(metavar="MENTIONS", help="What `paxflow mine run --mentions` wrote.", exists=True)
    ],
    gold: Annotated[
        Path,
        typer.Argument(
            metavar="GOLD", help='JSON lines of {"id", "labels"}: a list of the positive labels.', exists=True
        ),
    ],
    uncertain: Annotated[
        Uncertain, typer.Option(help="How a hedged label counts: positive, or negative (as do keep and ignore).")
    ] = Uncertain.negative,
    top: Annotated[int, typer.Option(help="How many rules are listed.", min=1)] = 20,
) -> None:
    """Hold labels against a gold standard, and say which rules cost most."""
    from labeling.mining.confusion import confusion

    found = confusion(mined, gold, uncertain is Uncertain.positive)
    speaker = speaker_of(context)
    rows = [
        (
            one.label,
            *(f"{n:,}" for n in (one.right, one.wrong, one.missed)),
            *_shares(one),
        )
        for one in (*found.scores, found.total)
    ]
    speaker.table(["label", "right", "wrong", "missed", "precision", "recall", "F1"], rows)
    speaker.hint(f"{found.n_reports:,} reports; macro F1 {found.macro_f1:.3f}. The rules that cost most:")
    speaker.table(
        ["rule", "label", "wrong", "missed", "right"],
        [
            (one.rule_id, one.label, f"{one.wrong:,}", f"{one.missed:,}", f"{one.right:,}")
            for one in found.charges[:top]
        ],
    )


def _shares(score: "Score") -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in (score.precision, score.recall, score.f1))


def _counted(count: int) -> str:
    return f"{count:,} report{' is' if count == 1 else 's are'}"
