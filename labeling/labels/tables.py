"""Files of labels as tables: JSON lines, CSV and Parquet, wide or long, as labelers and models write them.

    JSON lines   ``{"id", "labels": {label: 1|0|-1|null or a probability}}`` or ``{"id", "labels": [what is present]}``
    wide         a row for each report or image, a column for each label: chexpert-labeler, MIMIC-CXR-JPG, models
    long         columns id, label and state, probability or value: one row for each label of each id
    joined       a column ``Finding Labels`` of labels with ``|`` between: ChestX-ray14

Blank and null are "not mentioned". Columns that describe a person, an image or a text are left where they are.
"""

import csv
import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import polars as pl

from curation.errors import InputError, UsageError

KEYS = (
    *("id", "report_id", "dicom_id", "image_id", "ImageID", "Image Index", "Path"),
    *("study_id", "StudyID", "subject_id", "patient_id", "PatientID", "Patient ID"),
)
"""Columns that identify, the finest first: the first that a file has is its id."""
JOINED = "Finding Labels"
_DESCRIBING = frozenset(
    ("Sex", "Age", "Frontal/Lateral", "AP/PA", "Reports", "Report", "text", "split", "view", "ViewPosition")
) | {"modifiers", "mentions", "mention_ids", "raw_state", "View Position", "Patient Age", "Patient Sex", "Follow-up #"}
_UNREADABLE = (OSError, EOFError, UnicodeError, zlib.error)
_CELLS = {"id": pl.String, "label": pl.String, "value": pl.Float64, "state": pl.Float64, "probability": pl.Float64}


@dataclass(frozen=True)
class Loaded:
    """What a file holds. ``keys``: one row for each id, with its identifying columns as they came, ``id_column`` first.

    ``cells``: id, label, and state, probability or value (which may be either); ``lists_present``: labels that are not
    named are not mentioned, whatever they are.
    """

    id_column: str
    keys: pl.DataFrame
    cells: pl.DataFrame
    lists_present: bool


def load(path: Path, id_column: str = "", skip: Iterable[str] = ()) -> Loaded:
    """Read a file of labels by its ending; ``skip`` names columns that are no labels.

    Raises InputError where there is no such file or no row in it, UsageError where it is none of the known kinds, where
    an id is missing or stands twice, and where a value is no number.
    """
    if not path.is_file():
        raise InputError(f"expected a file of labels; there is no {path.name}")
    name = path.name.removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")):
        loaded = _from_lines(path, id_column)
    elif name.endswith((".csv", ".parquet")):
        loaded = _from_frame(_frame(path), path.name, id_column, frozenset(skip))
    else:
        raise UsageError(f"{path.name}: expected a name that ends in .jsonl, .csv, .csv.gz or .parquet")
    if loaded.keys.is_empty():
        raise InputError(f"{path.name}: expected labels; it holds none")
    _once(path.name, loaded.keys.select(loaded.id_column), "ids")
    _once(path.name, loaded.cells.select("id", "label"), "labels of one id")
    return loaded


def _once(name: str, keys: pl.DataFrame, what: str) -> None:
    if twice := keys.height - keys.n_unique():
        raise UsageError(f"{name}: expected each id once; {twice:,} {what} stand there again")


def _frame(path: Path) -> pl.DataFrame:
    try:
        if path.name.endswith(".parquet"):
            return pl.read_parquet(path)
        frame = pl.read_csv(path, infer_schema=False)
        cut = _other_widths(path)
    except (*_UNREADABLE, pl.exceptions.PolarsError, csv.Error):  # their messages quote what stands in the file
        raise UsageError(f"{path.name}: expected a table in UTF-8; it cannot be read as one, or is empty") from None
    if cut:
        raise UsageError(f"{path.name}: expected as many cells in each row as columns; {cut:,} rows have fewer or more")
    return frame


def _other_widths(path: Path) -> int:
    """How many rows of a CSV have another number of cells than the first: a row that was cut has fewer."""
    with _open(path) as file:
        rows = csv.reader(file)
        width = len(next(rows))
        return sum(len(row) not in (0, width) for row in rows)


def _from_frame(frame: pl.DataFrame, name: str, id_column: str, skip: frozenset[str]) -> Loaded:
    key = _id_column(name, id_column, frame.columns)
    words = {key, "label", JOINED} & set(frame.columns)
    if any(frame.schema[column].is_nested() or frame.schema[column] == pl.Binary for column in words):
        raise UsageError(f"{name}: expected words or numbers as ids and labels; a column holds lists or bytes")
    frame = frame.with_columns(_as_id(frame[key]))
    if frame[key].null_count():
        raise UsageError(
            f"{name}: expected an id, a word or a whole number, in each row; {frame[key].null_count():,} rows have none"
        )
    keys = frame.select(key, *(column for column in KEYS if column in frame.columns and column != key))
    if "label" in frame.columns:
        return Loaded(key, keys.unique(subset=key, maintain_order=True), _long(frame, name, key), False)
    if JOINED in frame.columns:
        return Loaded(key, keys, _split(frame, key), True)
    labels = [column for column in frame.columns if column not in {*keys.columns, *_DESCRIBING, *skip}]
    wide = frame.select(pl.col(key).alias("id"), *(_number(frame[label], name) for label in labels))
    return Loaded(key, keys, wide.unpivot(index="id", on=labels, variable_name="label"), False)


def _id_column(name: str, asked: str, columns: Sequence[str]) -> str:
    found = next((column for column in ([asked] if asked else KEYS) if column in columns), None)
    if found is None:
        expected = f"a column {asked}" if asked else f"a column that identifies, such as {', '.join(KEYS[:5])}"
        hint = "chexpert-labeler writes texts, not ids: add them" if len(columns) > 1 else "Are there commas between?"
        raise UsageError(f"{name}: expected {expected}; there is none. {hint}")
    return found


def _as_id(column: pl.Series) -> pl.Series:
    """Ids as text; whole numbers that came as floats lose their ``.0``, and what is no id is null."""
    if column.dtype.is_float():
        column = column.set(column.round() != column, None).cast(pl.Int64, strict=False)
    text = column.cast(pl.String)
    return text.set(text.str.strip_chars() == "", None)


def _long(frame: pl.DataFrame, name: str, key: str) -> pl.DataFrame:
    numbers = [column for column in ("state", "probability", "value") if column in frame.columns]
    if not numbers:
        raise UsageError(f"{name}: expected a column state, probability or value beside label; there is none")
    if frame["label"].null_count():
        raise UsageError(f"{name}: expected a label in each row; {frame['label'].null_count():,} rows have none")
    label = pl.col("label").cast(pl.String)
    said = "raw_state" if "raw_state" in frame.columns else "state"
    columns = {"state": frame[said]} if said in frame.columns else {}
    columns |= {number: frame[number] for number in numbers if number != "state"}
    return frame.select(
        pl.col(key).alias("id"), label, *(_number(cells.alias(number), name) for number, cells in columns.items())
    )


def _split(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    parts = frame.select(pl.col(key).alias("id"), pl.col(JOINED).cast(pl.String).str.split("|").alias("label"))
    named = parts.explode("label").with_columns(pl.col("label").str.strip_chars())
    return named.filter(pl.col("label") != "").with_columns(value=pl.lit(1.0))


def _number(column: pl.Series, name: str) -> pl.Series:
    """A column as numbers; a blank is null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        column = column.set(column == "", None)
    is_number = column.dtype.is_numeric() or column.dtype in (pl.String, pl.Boolean, pl.Null)
    number = column.cast(pl.Float64, strict=False) if is_number else pl.Series(column.name, [None] * len(column))
    if lost := number.null_count() - column.null_count():
        raise UsageError(
            f"{name}: expected 1, 0, -1, a probability or a blank; {lost:,} cells of column {column.name} are none. "
            "Columns that are no labels can be skipped."
        )
    return number


@dataclass
class _Lines:
    """What lines of JSON have given so far."""

    keys: list[dict[str, str | None]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    values: list[float | None] = field(default_factory=list)
    id_column: str = ""
    lists_present: bool = False

    def add(self, line: dict[str, Any], where: str) -> None:
        """One line; raises UsageError where it has no id or no labels."""
        self.id_column = self.id_column or _id_column(where, "", list(line))
        key = _word(line.get(self.id_column), where)
        if key is None:
            raise UsageError(f"{where}: expected {self.id_column}, a word or a whole number; there is none")
        others = (column for column in KEYS if column in line and column != self.id_column)
        self.keys.append({self.id_column: key, **{column: _word(line[column], where) for column in others}})
        for label, value in self._pairs(line.get("labels"), where):
            self.ids.append(key)
            self.labels.append(label)
            self.values.append(value)

    def _pairs(self, labels: Any, where: str) -> Iterator[tuple[str, float | None]]:
        if isinstance(labels, list) and all(isinstance(label, str) for label in labels):
            self.lists_present = True
            yield from ((label, 1.0) for label in labels)
        elif isinstance(labels, dict) and all(
            value is None or isinstance(value, int | float) for value in labels.values()
        ):
            yield from ((label, _float(value)) for label, value in labels.items())
        else:
            raise UsageError(f"{where}: expected labels, a list of names or an object of numbers and nulls")


def _word(value: Any, where: str) -> str | None:
    """What identifies, as text; blank is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(f"{where}: expected words or whole numbers in what identifies; another value came")
    return str(value)


def _float(value: float | None) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return math.inf  # which is no state and no probability


def _from_lines(path: Path, id_column: str) -> Loaded:
    read = _Lines(id_column=id_column)
    for number, text in enumerate(_texts(path), 1):
        if text.strip():
            where = f"{path.name}, line {number}"
            read.add(_object(text, where), where)
    cells = pl.DataFrame(
        {"id": read.ids, "label": read.labels, "value": read.values},
        schema={name: _CELLS[name] for name in ("id", "label", "value")},
    )
    keys = pl.DataFrame(read.keys, infer_schema_length=None) if read.keys else pl.DataFrame({read.id_column: []})
    return Loaded(read.id_column, keys, cells, read.lists_present)


def _open(path: Path, newline: str | None = "") -> IO[str]:
    if path.name.endswith(".gz"):
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig", newline=newline))
    return path.open(encoding="utf-8-sig", newline=newline)


def _texts(path: Path) -> Iterator[str]:
    try:
        with _open(path, None) as file:
            yield from file
    except _UNREADABLE:
        raise UsageError(f"{path.name}: expected lines in UTF-8; the file is cut, broken or of another kind") from None


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        line = json.loads(text, object_pairs_hook=_distinct)
        if "\\u" in text:
            json.dumps(line, ensure_ascii=False).encode()  # escapes can spell half of a character
    except (ValueError, RecursionError):  # ValueError: also UnicodeError
        line = None
    if not isinstance(line, dict):
        raise UsageError(f"{where}: expected an object of JSON with an id and labels, each name once")
    return line


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) < len(pairs):
        raise ValueError("a name comes twice")
    return held
