"""Label sources side by side: where they disagree and how, and how much beyond chance they agree.

The table has a row for each id and label that all sources have. The summary has a row for each label and pair of
sources: agreement, Cohen's kappa (Cohen 1960) over the four states, and how often each state meets each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, NamedTuple

import polars as pl

from curation.errors import UsageError
from labeling.labels.sets import State
from labeling.labels.sources import Source

NAMES: dict[State, str] = {1: "present", 0: "absent", -1: "uncertain", None: "unsaid"}
"""The four states, as the summary's columns name them."""
ALL = "(all)"
"""The summary's row over all labels."""


class Disagreement(StrEnum):
    """How sources differ on a label, the gravest first."""

    CONTRADICTED = "contradicted"
    """One says present, another absent."""
    HEDGED = "hedged"
    """One says uncertain, another present or absent."""
    UNMENTIONED = "unmentioned"
    """What some say, others do not mention."""
    NONE = ""


class Agreement(NamedTuple):
    """A pair of sources on one label; ``counts`` of (state of the first, state of the second), all sixteen."""

    label: str
    first: str
    second: str
    n: int
    agree: float
    """Share of equal states."""
    kappa: float | None
    """Cohen's kappa; None where each source says one state only, so that chance alone would agree."""
    counts: dict[tuple[State, State], int]

    def disagreements(self, kind: Disagreement) -> int:
        """How often the pair differs in this way."""
        return sum(count for states, count in self.counts.items() if _kind(*states) is kind)


def _kind(first: State, second: State) -> Disagreement:
    if first == second:
        return Disagreement.NONE
    if None in (first, second):
        return Disagreement.UNMENTIONED
    return Disagreement.HEDGED if -1 in (first, second) else Disagreement.CONTRADICTED


@dataclass(frozen=True)
class Comparison:
    """``table``: id, label, a state for each source (and its probability, where it has any), agrees, disagreement."""

    table: pl.DataFrame
    summary: tuple[Agreement, ...]
    left_out: dict[str, int]
    """By source, how many of its ids another source lacks."""


def compare(sources: Sequence[Source]) -> Comparison:
    """Hold two or more sources side by side.

    Only ids and labels that all of them have are compared. Raises UsageError for fewer than two sources, for names that
    are alike, and where nothing is common to all.
    """
    names = [source.name for source in sources]
    _named_apart(names)
    labels = [label for label in sources[0].labels if all(label in source.labels for source in sources)]
    if not labels:
        raise UsageError("expected labels that all sources speak of; there are none")
    table = _side_by_side(sources, labels)
    if table.is_empty():
        raise UsageError("expected ids that all sources have; there are none. Are they ids of the same thing?")
    n_ids = table["id"].n_unique()
    table = table.with_columns(_disagreement(names)).with_columns(
        agrees=pl.col("disagreement") == Disagreement.NONE.value
    )
    table = table.select(*(column for column in table.columns if column != "disagreement"), "disagreement")
    summary = [one for pair in combinations(names, 2) for one in _pair(table, labels, *pair)]
    order = {label: place for place, label in enumerate((*labels, ALL))}
    return Comparison(
        table,
        tuple(sorted(summary, key=lambda one: order[one.label])),
        {source.name: source.keys.height - n_ids for source in sources},
    )


def _named_apart(names: Sequence[str]) -> None:
    if len(names) < 2:
        raise UsageError("expected two sources or more")
    columns = ["id", "label", "agrees", "disagreement", *names, *(f"{name}_probability" for name in names)]
    if len(set(columns)) < len(columns):
        raise UsageError("expected a name for each source that no other source or column of the table has")


def _side_by_side(sources: Sequence[Source], labels: Sequence[str]) -> pl.DataFrame:
    """One row for each common id and label, in the order of the first source."""
    first, *others = (_columns(source) for source in sources)
    table = first.filter(pl.col("label").is_in(labels))
    for other in others:
        table = table.join(other, on=["id", "label"], how="inner", maintain_order="left")
    return table


def _columns(source: Source) -> pl.DataFrame:
    columns = {"state": source.name}
    if source.has_probabilities:
        columns["probability"] = f"{source.name}_probability"
    return source.frame.select("id", "label", *(pl.col(column).alias(name) for column, name in columns.items()))


def _disagreement(names: Sequence[str]) -> pl.Expr:
    """How the sources' states differ, the gravest way that holds."""
    said = {state: pl.any_horizontal(pl.col(name).eq_missing(pl.lit(state)) for name in names) for state in NAMES}
    sure, mentioned = said[1] | said[0], said[1] | said[0] | said[-1]
    return (
        pl.when(said[1] & said[0])
        .then(pl.lit(Disagreement.CONTRADICTED.value))
        .when(said[-1] & sure)
        .then(pl.lit(Disagreement.HEDGED.value))
        .when(said[None] & mentioned)
        .then(pl.lit(Disagreement.UNMENTIONED.value))
        .otherwise(pl.lit(Disagreement.NONE.value))
        .alias("disagreement")
    )


def _pair(table: pl.DataFrame, labels: Sequence[str], first: str, second: str) -> list[Agreement]:
    """Two sources on each label, and on all of them."""
    met: dict[str, dict[tuple[State, State], int]] = {
        label: {(one, other): 0 for one in NAMES for other in NAMES} for label in (*labels, ALL)
    }
    for label, one, other, count in table.group_by("label", first, second).len().iter_rows():
        met[label][one, other] += count
        met[ALL][one, other] += count
    return [_agreement(label, first, second, counts) for label, counts in met.items()]


def _agreement(label: str, first: str, second: str, counts: dict[tuple[State, State], int]) -> Agreement:
    n = sum(counts.values())
    agree = sum(counts[state, state] for state in NAMES) / n
    chance = sum(_share(counts, 0, state) * _share(counts, 1, state) for state in NAMES)
    kappa = (agree - chance) / (1 - chance) if chance < 1 else None
    return Agreement(label, first, second, n, agree, kappa, counts)


def _share(counts: dict[tuple[State, State], int], place: int, state: State) -> float:
    """How often one of a pair says a state."""
    return sum(count for states, count in counts.items() if states[place] == state) / sum(counts.values())


def summary_table(summary: Sequence[Agreement]) -> pl.DataFrame:
    """The summary as a table: label, first, second, n, agree, kappa, and a column for each pair of states."""
    rows: list[dict[str, Any]] = []
    for one in summary:
        met = {f"{NAMES[first]}_{NAMES[second]}": count for (first, second), count in one.counts.items()}
        facts = one._asdict()
        del facts["counts"]
        rows.append({**facts, **met})
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("kappa").cast(pl.Float64))
