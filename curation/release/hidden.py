"""A hidden test: its answers stand apart from the release."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from curation.errors import IntegrityError
from curation.records import Record, fields
from curation.release.opened import Opened
from curation.release.recipe import Rows

HIDDEN = "test"

OWNERS = (
    *("patient_id", "report_id", "subject_id", "series_id", "image_id", "view_id"),
    *("consensus_id", "decision_id", "assignment_id", "event_id"),
)
"""The first of these that a table has says whose its rows are."""
ITEMS = (
    *("mention_id", "consensus_id", "object_id", "decision_id", "assignment_id", "event_id"),
    *("mention_ids", "object_ids", "event_ids"),
)
"""Name rows of other tables, which are of the same patient."""
SPEAKING = (
    *OWNERS[:6],
    *("study_id", "instance_id", "query_id", "candidate_id", "prior_study_id", "prior_image_id", "prior_report_id"),
    *("key_image_id", "lateral_id", "image_ids", "instance_ids", "source_id", "source_ids"),
    *ITEMS,
)
"""Whatever of these is of the hidden split, the row speaks of it."""
LINKS = "report_links"
"""The table that says which study a report is of, where no other says whose it is."""
_SPLITS = ("split", "query_split", "candidate_split")


def part(
    tables: Mapping[str, Rows], answers: Sequence[str], splits: Mapping[str, str]
) -> tuple[dict[str, Rows], dict[str, Rows]]:
    """Tables that are passed on, and those that stand apart: the rows of answer tables that speak of the hidden split.

    ``splits`` gives the split of each patient, study, series, image and report by its id. A row speaks of the
    hidden split if anything that it names does: also a row of another table, as readers' agreement names the consensus
    that it is about, and a reader's event the assignment. Raises IntegrityError if a table of answers is not among the
    tables: under another name its rows would be passed on.
    """
    missing = sorted(set(answers) - tables.keys())
    if missing:
        raise IntegrityError(f"a hidden test needs every table of answers: the recipe makes no {', '.join(missing)}")
    hidden = _hidden_ids(tables, splits)
    passed: dict[str, Rows] = dict(tables)
    apart: dict[str, Rows] = {}
    for name in answers:
        record, rows = tables[name]
        speaking = _columns(record, SPEAKING)
        shows = [not hidden.isdisjoint(_values(row, speaking)) for row in rows]
        passed[name] = (record, [row for row, show in zip(rows, shows, strict=True) if not show])
        apart[name] = (record, [row for row, show in zip(rows, shows, strict=True) if show])
    return passed, apart


def _hidden_ids(tables: Mapping[str, Rows], splits: Mapping[str, str]) -> set[str]:
    """Ids of the hidden split, and of all rows that are theirs."""
    hidden = {name for name, split in splits.items() if split == HIDDEN}
    size = -1
    while size != len(hidden):
        size = len(hidden)
        for record, rows in tables.values():
            owner, items = _columns(record, OWNERS)[:1], _columns(record, ITEMS)
            for row in rows if owner and items else ():
                if getattr(row, owner[0]) in hidden:
                    hidden.update(_values(row, items))
    return hidden


def _columns(record: type[Record], names: Sequence[str]) -> tuple[str, ...]:
    own = {field.name for field in fields(record)}
    return tuple(name for name in names if name in own)


def _values(row: Record, names: Sequence[str]) -> Iterator[Any]:
    """The ids in these columns, those of lists one by one; without empty ones."""
    for name in names:
        value = getattr(row, name)
        if isinstance(value, tuple):
            yield from value
        elif value:
            yield value


# --- check -----------------------------------------------------------------------------------------------


def without_hidden(before: Opened, release: Opened, answers: Sequence[str]) -> Opened:
    """An earlier version without answers that ``release`` hides: what differs must not tell them."""
    hidden = hidden_ids(release, before)
    shown = {name: before.table(name) for name in answers if name in before.names}
    return replace(before, _frames={name: rows.filter(~speaks(rows, hidden)) for name, rows in shown.items()})


def answers_that_show(release: Opened, answers: Sequence[str]) -> list[str]:
    """Tables of answers that hold rows of the hidden split; found from the release's files, and the answers if at hand.

    Without the answers, rows that name nothing but other rows (events, agreement) cannot be told.
    """
    hidden = hidden_ids(release)
    shown = [name for name in answers if name in release.names and speaks(release.table(name), hidden).any()]
    return [f"{name}: an answer of the hidden split stands in the release" for name in shown]


def hidden_ids(release: Opened, *others: Opened) -> pl.Series:
    """Ids of the hidden split and of rows that are its own, as far as files tell; also those of other versions."""
    shelves = (release, *others)
    paths = sorted(release.answers.glob("*.parquet")) if release.answers else []
    frames = [shelf.table(name) for shelf in shelves for name in shelf.names]
    frames += [pl.read_parquet(path, glob=False) for path in paths]
    hidden = release.table("splits").filter(pl.col("split") == HIDDEN)["patient_id"].rename("")
    for shelf in shelves:
        for spine, own in (("images", ("image_id", "series_id")), ("studies", ("study_id",))):
            hidden = pl.concat([hidden, *_theirs(shelf.table(spine), "patient_id", own, hidden)])
        if LINKS in shelf.names:
            hidden = pl.concat([hidden, *_theirs(shelf.table(LINKS), "study_id", ("report_id",), hidden)])
    size = -1
    while size != len(hidden):
        size = len(hidden)
        for frame in frames:
            owner = next((name for name in OWNERS if name in frame.columns), "")
            names = ("report_id",) if owner == "patient_id" else ()
            hidden = pl.concat([hidden, *_theirs(frame, owner, (*names, *ITEMS), hidden)]).unique()
    return hidden


def speaks(frame: pl.DataFrame, hidden: pl.Series) -> pl.Series:
    """Whether each row speaks of the hidden split, whose ids are given: by a split that it says, or by an id."""
    says = [pl.col(name) == HIDDEN for name in _SPLITS if name in frame.columns]
    names = [_names(frame, name, hidden) for name in SPEAKING if name in frame.columns]
    return frame.select(speaks=pl.any_horizontal(pl.lit(value=False), *says, *names).fill_null(value=False))["speaks"]


def _names(frame: pl.DataFrame, column: str, hidden: pl.Series) -> pl.Expr:
    if isinstance(frame.schema[column], pl.List):
        return pl.col(column).list.eval(pl.element().is_in(hidden.implode())).list.any()
    return pl.col(column).is_in(hidden.implode())


def _theirs(frame: pl.DataFrame, owner: str, names: Sequence[str], hidden: pl.Series) -> Iterator[pl.Series]:
    """What the rows of a table that are of the hidden split name in these columns, if it has them."""
    named = [name for name in names if name in frame.columns]
    if owner and named:
        theirs = frame.filter(pl.col(owner).is_in(hidden.implode()))
        yield from (_flat(theirs[name]).rename("") for name in named)


def _flat(column: pl.Series) -> pl.Series:
    """Ids of a column, those of lists one by one; without empty ones."""
    values = column.explode() if isinstance(column.dtype, pl.List) else column
    return values.filter(values.is_not_null() & (values != "")).cast(pl.String)
