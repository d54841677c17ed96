"""A label source: what one labeler or one model says of the labels of a set, whatever file it came in.

A labeler says states (1, 0, -1, null). A model says probabilities, which thresholds turn into states; they are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from curation.errors import UsageError
from labeling.labels.near import nearest, plain
from labeling.labels.sets import LabelSet
from labeling.labels.tables import Loaded, load
from labeling.labels.thresholds import HALF, Thresholds, state_of


@dataclass(frozen=True)
class Reading:
    """How a file is read: the set that its labels are of, thresholds for probabilities, and what else it holds."""

    label_set: LabelSet
    thresholds: Thresholds = field(default_factory=lambda: HALF)
    id_column: str = ""
    """The column that identifies; empty for the first known one."""
    skip: frozenset[str] = frozenset()
    """Columns and labels that are left out."""


@dataclass(frozen=True)
class Source:
    """What a labeler or a model says.

    ``labels`` are those that it speaks of, in the set's order. ``frame`` has one row for each id and label, ids as in
    the file and labels as in ``labels``: id, label, state (Int8: 1, 0, -1 or null) and probability (Float64 or null).
    ``keys`` has one row for each id: the identifying columns as they came, ``id_column`` first.
    """

    name: str
    label_set: LabelSet
    labels: tuple[str, ...]
    id_column: str
    keys: pl.DataFrame
    frame: pl.DataFrame

    @property
    def has_probabilities(self) -> bool:
        """Whether a model said any of it."""
        return self.frame["probability"].null_count() < self.frame.height


def read_source(name: str, path: Path, reading: Reading) -> Source:
    """Read what a labeler or a model wrote; ``name`` is what the source is called from here on.

    Values are states if all are 1, 0 or -1, else probabilities. Raises InputError or UsageError where the file is not
    what it should be: unknown labels, ids that stand twice, no numbers, probabilities outside 0 to 1.
    """
    loaded = load(path, reading.id_column, reading.skip)
    labels = _named(path.name, loaded, reading)
    cells = loaded.cells.filter(pl.col("label").is_in(list(labels)))
    cells = cells.with_columns(pl.col("label").replace_strict(labels, return_dtype=pl.String))
    said = _said(path.name, cells, reading.thresholds)
    spoken = set(labels.values())
    known = reading.label_set.labels
    held = tuple(label for label in known if loaded.lists_present or label in spoken)
    return Source(name, reading.label_set, held, loaded.id_column, loaded.keys, _complete(loaded, held, said))


def _named(file: str, loaded: Loaded, reading: Reading) -> Mapping[str, str]:
    """Each label as it came, to its name in the set; case, underscores and spaces do not matter."""
    known = {plain(label): label for label in reading.label_set.labels}
    came = [label for label in loaded.cells["label"].unique(maintain_order=True) if label not in reading.skip]
    unknown = [label for label in came if plain(label) not in known]
    if unknown:
        raise UsageError(
            f"{file}: expected labels of {reading.label_set.name}; {len(unknown):,} names are none"
            f"{_shown(unknown, reading.label_set.labels)}. Skip what is not to be read."
        )
    names = {label: known[plain(label)] for label in came}
    if len(set(names.values())) < len(names):
        raise UsageError(f"{file}: expected each label once; some stand there in two spellings")
    if not names and not loaded.lists_present:
        raise UsageError(f"{file}: expected labels of {reading.label_set.name}; it has none")
    return names


def _shown(unknown: Iterable[str], known: Iterable[str]) -> str:
    """The first unknown name that is like a known one. Others are not shown: they may be anything."""
    known = tuple(known)
    return next((f" ('{name}'{hint})" for name in unknown if (hint := nearest(name, known))), "")


def _said(file: str, cells: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Cells as id, label, state and probability."""
    if "value" in cells.columns:
        known = cells["value"].drop_nulls()
        kind = "state" if known.is_in([1.0, 0.0, -1.0]).all() else "probability"
        cells = cells.rename({"value": kind})
    for column in ("state", "probability"):
        if column not in cells.columns:
            cells = cells.with_columns(pl.lit(None, pl.Float64).alias(column))
    _checked(file, cells["state"], cells["state"].is_in([1.0, 0.0, -1.0]), "states 1, 0, -1 or blank")
    inside = cells["probability"].is_between(0.0, 1.0)
    _checked(file, cells["probability"], inside, "states 1, 0, -1, or probabilities from 0 to 1")
    given = pl.when(pl.col("state").is_not_null()).then(pl.col("state").cast(pl.Int8))
    state = given.otherwise(state_of(thresholds, pl.col("label"), pl.col("probability")))
    return cells.select("id", "label", state.alias("state"), "probability")


def _checked(file: str, cells: pl.Series, right: pl.Series, expected: str) -> None:
    if not_numbers := cells.is_nan().sum():
        raise UsageError(f"{file}: expected {expected}; {not_numbers:,} cells are NaN: leave them blank")
    if wrong := (~right).sum():
        raise UsageError(f"{file}: expected {expected}; {wrong:,} cells are others")


def _complete(loaded: Loaded, labels: tuple[str, ...], said: pl.DataFrame) -> pl.DataFrame:
    """One row for each id and label; what the file does not hold is not mentioned."""
    ids = loaded.keys.select(pl.col(loaded.id_column).alias("id"))
    every = ids.join(
        pl.DataFrame({"label": labels}, schema={"label": pl.String}), how="cross", maintain_order="left_right"
    )
    return every.join(said, on=["id", "label"], how="left", maintain_order="left")
