"""The commands of ``paxflow labels``: label sets, files of labels turned into others, compared, and taken in."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.errors import UsageError
from flows.say import speaker_of

if TYPE_CHECKING:
    from labeling.labels.compare import Agreement
    from labeling.labels.sources import Reading

labels_app = typer.Typer(
    no_args_is_help=True,
    help="Label sets, and the labels that labelers and models wrote: compare, convert, add them. No workspace needed, "
    "but for add.",
    epilog=(
        "Files: JSON lines of {id, labels}; CSV or Parquet with a column for each label (chexpert-labeler, "
        "MIMIC-CXR-JPG, a model's probabilities), or with columns id, label and state or probability; or with a column "
        "Finding Labels, | between. States are 1 present, 0 absent, -1 uncertain, blank not mentioned.\n\n"
        "Behind a file may stand, divided by commas: id=COLUMN that identifies, skip=NAME of a column or label to "
        "leave out, and LABEL=0.5 or LABEL=0.4-0.6, what a probability means (* for all other labels):\n\n"
        "probabilities.parquet,id=image,skip=Hernia,Edema=0.3-0.5,*=0.6"
    ),
)

SetOption = Annotated[str, typer.Option("--set", help="The label set; `paxflow labels sets` lists them.")]


@labels_app.command("compare")
def labels_compare(
    context: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="NAME=FILE", help="Two sources or more.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The table, a row for each id and label: .csv or .parquet.")
    ],
    label_set: SetOption = "chexpert",
    thresholds: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="What a probability means, of any source: 0.5, or 0.4-0.6 (uncertain between them), or by label "
            "Edema=0.3-0.5,Fracture=0.7,*=0.5. What stands behind a file goes first.",
        ),
    ] = "0.5",
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the summary, with all sixteen pairs of states.")
    ] = None,
) -> None:
    """Hold labelers and models side by side: where they disagree, and how.

    contradicted: one says present, another absent.
    hedged: one says uncertain, another is sure.
    unmentioned: what some say, others do not mention.
    Only ids and labels that all have are compared.
    """
    from labeling.labels.compare import compare, summary_table
    from labeling.labels.sources import read_source
    from labeling.labels.writers import check_table, write_table

    asked = [_named(source, label_set, thresholds) for source in sources]
    files = [file for _, file, _ in asked]
    check_table(out, files)
    if summary is not None:
        check_table(summary, [*files, out])
    found = compare([read_source(*one) for one in asked])
    write_table(found.table, out)
    if summary is not None:
        write_table(summary_table(found.summary), summary)
    speaker = speaker_of(context)
    speaker.table(
        ["label", "first", "second", "n", "agree", "kappa", "contradicted", "hedged", "unmentioned"],
        [_row(one) for one in found.summary],
    )
    n_ids, differing = found.table["id"].n_unique(), int((~found.table["agrees"]).sum())
    speaker.say(
        "compare",
        f"{n_ids:,} ids were compared into {out}; {differing:,} of {found.table.height:,} labels differ.",
        ids=n_ids,
        rows=found.table.height,
        differing=differing,
        left_out=found.left_out,
    )
    for name, count in found.left_out.items():
        if count:
            speaker.hint(f"{count:,} ids of {name} were left out: another source has not got them.")


@labels_app.command("convert")
def labels_convert(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="IN", help="A file of labels.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file to write; .gz packs it.")],
    layout: Annotated[str, typer.Option("--format", help="mimic-csv, nih-csv, jsonl or parquet.")],
    label_set: SetOption = "chexpert",
    uncertain: Annotated[
        str,
        typer.Option(
            metavar="POLICY",
            help="What uncertain labels become: keep (-1), positive, negative, ignore (blank); or by label "
            "Edema=positive,*=negative. jsonl and parquet keep what was said beside it.",
        ),
    ] = "keep",
) -> None:
    """Turn a file of labels into a layout that others read, with a policy for uncertain labels.

    mimic-csv: MIMIC-CXR-JPG's table, identifying columns as they came.
    nih-csv: ChestX-ray14's Finding Labels.
    jsonl: one object a line.
    parquet: a row for each id and label, with raw states and probabilities.
    """
    from labeling.labels.policy import parse_policy
    from labeling.labels.sources import read_source
    from labeling.labels.writers import write_labels
    from labeling.target import check_target

    file, reading = _spec(source, label_set)
    check_target(out, [file])
    policy = parse_policy(uncertain, reading.label_set.labels)
    read = read_source(file.name, file, reading)
    write_labels(read, out, layout, policy)
    n_ids = read.keys.height
    speaker_of(context).say("convert", f"Labels of {n_ids:,} ids were written to {out}.", ids=n_ids, format=layout)


@labels_app.command("add")
def labels_add(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of CheXpert labels.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="What the labeler or model is called from here on.")],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What it speaks of, where an id is a study's: report, image, or auto (a model's probabilities are of "
            "images).",
        ),
    ] = "auto",
    thresholds: Annotated[str, typer.Option(metavar="SPEC", help="What a probability means, as of compare.")] = "0.5",
) -> None:
    """Take in what a labeler or a model says of this workspace's reports or images.

    Routing then asks readers where it differs from ours, or is unsure. Ids are those of reports, views, radiographs, or
    studies. What the same source said before is replaced.
    """
    from curation.workspace import Workspace
    from labeling.labels.opinions import Kind, add_opinions
    from labeling.labels.sources import read_source

    if kind not in set(Kind):
        raise UsageError("expected a kind, one of auto, report, image")
    workspace = Workspace.find()
    path, reading = _spec(file, "chexpert", thresholds)
    with workspace.lock("labels"):
        added = add_opinions(workspace, read_source(source, path, reading), Kind(kind))
    speaker = speaker_of(context)
    speaker.say(
        "add",
        f"{source} has an opinion about {added.taken:,} of our reports or images: {added.rows:,} labels were written.",
        source=source,
        **asdict(added),
    )
    if added.unknown:
        speaker.hint(f"{added.unknown:,} ids are unknown here, and were left out.")
    if added.ambiguous:
        speaker.hint(f"{added.ambiguous:,} ids could mean several reports or images, and were left out.")
    speaker.hint("Next: `paxflow curate` keeps it and brings all up to date; `paxflow run route` only routes.")


@labels_app.command("sets")
def labels_sets(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A set, to see its labels.")] = None,
) -> None:
    """List the label sets, or the labels of one with what stands above them and the findings that give them."""
    from labeling.labels.sets import giving, label_set, label_sets

    speaker = speaker_of(context)
    if name is None:
        speaker.table(["set", "labels", "source"], [(s.name, str(len(s.labels)), s.source) for s in label_sets()])
        return
    asked = label_set(name)
    findings = giving(asked)
    speaker.table(
        ["label", "below", "findings"],
        [(label, ", ".join(asked.parents.get(label, ())), ", ".join(findings[label])) for label in asked.labels],
    )


def _named(source: str, label_set: str, thresholds: str) -> "tuple[str, Path, Reading]":
    """A source of a comparison, from NAME=FILE and what stands behind it."""
    name, sign, spec = source.partition("=")
    if not (name and sign and spec) or "," in name:
        raise UsageError("expected sources as NAME=FILE, such as chexpert=labels.csv")
    return name, *_spec(spec, label_set, thresholds)


def _spec(spec: str, label_set: str, thresholds: str = "0.5") -> "tuple[Path, Reading]":
    """A file and how to read it, from FILE[,id=COLUMN][,skip=NAME][,LABEL=BAND]."""
    from labeling.labels.sets import label_set as set_named
    from labeling.labels.sources import Reading
    from labeling.labels.thresholds import parse_thresholds

    file, *told = (piece.strip() for piece in spec.split(","))
    pairs = [(key, value) for key, _, value in (piece.partition("=") for piece in told)]
    asked = set_named(label_set)
    bands = parse_thresholds(thresholds, asked.labels)
    own = ",".join(f"{key}={value}" for key, value in pairs if key not in ("id", "skip"))
    if own:
        bands = {**bands, **parse_thresholds(own, asked.labels)}
    id_column = next((value for key, value in pairs if key == "id"), "")
    skip = frozenset(value for key, value in pairs if key == "skip")
    return Path(file), Reading(asked, bands, id_column, skip)


def _row(one: "Agreement") -> tuple[str, ...]:
    from labeling.labels.compare import Disagreement

    kappa = "" if one.kappa is None else f"{one.kappa:.3f}"
    kinds = (Disagreement.CONTRADICTED, Disagreement.HEDGED, Disagreement.UNMENTIONED)
    counts = (f"{one.disagreements(kind):,}" for kind in kinds)
    return (one.label, one.first, one.second, f"{one.n:,}", f"{one.agree:.3f}", kappa, *counts)
