"""The commands of ``paxflow umls``. Each imports what it needs when it runs, so that ``--help`` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from curation.errors import InputError
from flows.say import speaker_of

umls_app = typer.Typer(
    no_args_is_help=True,
    help="A dictionary of concepts from your own UMLS files, or from a term list.",
    epilog="paxflow ships nothing of the UMLS. What is built stays on your machine, under your UMLS licence.",
)


@umls_app.command("build")
def umls_build(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            help="A folder with MRCONSO.RRF (and MRSTY, MRREL, MRHIER; also .gz), or a file of id<TAB>name|synonym.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new folder for the dictionary.")],
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="Only this source (SAB), e.g. SNOMEDCT_US; repeat for more.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this semantic type (TUI or name); repeat for more.")
    ] = None,
    languages: Annotated[
        list[str] | None, typer.Option("--language", help="Only this language (LAT); ALL for all. Default ENG.")
    ] = None,
) -> None:
    """Turn RRF files into a dictionary, in bounded memory. Stopped, it goes on where it was when run again.

    Obsolete and suppressed terms are left out.
    """
    from labeling.concepts.staging import Options
    from labeling.concepts.umls import build

    speaker = speaker_of(context)
    spoken = () if languages and "ALL" in languages else tuple(languages or ("ENG",))
    options = Options(spoken, tuple(sources or ()), tuple(types or ()))
    counts = build(source, out, options, lambda step: speaker.say("step", f"… {step}", step=step))["counts"]
    text = f"{counts['concepts']:,} concepts with {counts['phrases']:,} phrases, {counts['isa']:,} edges, in {out}."
    speaker.say("umls", text, **counts)
    bad = sum(counts["malformed"].values())
    if bad:
        where = ", ".join(f"{count:,} in {table}" for table, count in counts["malformed"].items() if count)
        speaker.say("malformed", f"{bad:,} lines were malformed and left out: {where}.", malformed=bad)


@umls_app.command("find")
def umls_find(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="A text, or - to read it from standard input.")],
    dictionary: Annotated[Path, typer.Option(help="A dictionary that `paxflow umls build` made.")],
) -> None:
    """Find the concepts that a text names, each with its offsets and score; what is unlikely is left out."""
    from labeling.concepts.dictionary import Dictionary
    from labeling.concepts.rank import rank

    read = _standard_input() if text == "-" else text
    rows = []
    for found in Dictionary.open(dictionary).find([read])[0]:
        words = read[found.start : found.end]
        for best in rank(words, found.candidates, read)[:1]:
            one = best.candidate
            place = (str(found.start), str(found.end), words)
            rows.append((*place, one.concept_id, one.name, " ".join(one.types), f"{best.score:.2f}"))
    speaker = speaker_of(context)
    speaker.table(["start", "end", "words", "concept", "name", "types", "score"], rows)
    if not rows:
        speaker.hint("The text names no concept of this dictionary.")


@umls_app.command("link")
def umls_link(
    context: typer.Context,
    phrases: Annotated[list[str], typer.Argument(metavar="PHRASE", help="What a mention says; one or more.")],
    dictionary: Annotated[
        Path | None, typer.Option(help="A dictionary that `paxflow umls build` made; without it, own concepts only.")
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option(help="A folder with model.onnx and vocab.txt, of the kind of SapBERT; never fetched.")
    ] = None,
) -> None:
    """Say which concept a phrase means, and how it was found: own, dictionary, ngrams, embedding or nil (none is)."""
    from labeling.concepts.link import Linker, link

    linker = Linker.open(dictionary, encoder)
    found = [(phrase, link(phrase, linker)) for phrase in phrases]
    speaker_of(context).table(
        ["phrase", "concept", "name", "CUI", "method", "score"],
        [(phrase, one.concept_id, one.name, one.cui, one.method, f"{one.score:.2f}") for phrase, one in found],
    )


@umls_app.command("show")
def umls_show(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A dictionary that `paxflow umls build` made.")],
    codes: Annotated[
        str | None, typer.Option(help="Print the codes of this source instead: concept, code, name (CSV).")
    ] = None,
) -> None:
    """Say what a dictionary was made of: counts, and terms and concepts of each source."""
    from labeling.concepts.index import read_manifest
    from labeling.concepts.umls import codes as codes_of
    from labeling.concepts.umls import sources

    speaker = speaker_of(context)
    if codes is not None:
        table = codes_of(folder, codes)
        speaker.rows(table.column_names, [tuple(row.values()) for row in table.to_pylist()], "csv")
        return
    manifest = read_manifest(folder)
    numbers = {name: count for name, count in manifest["counts"].items() if isinstance(count, int)}
    counted = ", ".join(f"{count:,} {name}" for name, count in numbers.items())
    speaker.say("dictionary", f"{manifest['digest']}: {counted}", digest=manifest["digest"], **numbers)
    speaker.hint("For the pipeline: mine.dictionary in params.yaml is this digest, PAXFLOW_DICTIONARY this folder.")
    speaker.table(["source", "language", "terms", "concepts"], [tuple(map(str, row)) for row in sources(folder)])


def _standard_input() -> str:
    if sys.stdin is None:
        raise InputError("expected a text on standard input; it is closed")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise InputError("expected a text in UTF-8 on standard input; other bytes came") from None
