"""Tables are what their records say, their CSV twins hold the same, and provenance knows them."""

import gzip
import hashlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from curation.records import Field, Record, fields, key_of
from curation.release.files import csv_text
from curation.release.opened import PROVENANCE, Opened
from curation.release.recipe import recipe_named
from curation.release.spine import SPINE
from curation.store import arrow_schema

_CHUNK = 1 << 20


def wrong_columns(release: Opened) -> Iterator[str]:
    """Tables that provenance does not know, or with other columns than their record."""
    known = release.provenance["tables"]
    for name in sorted({*release.names} ^ {*SPINE, *recipe_named(release.recipe).about}):
        yield f"{name}: a table of the recipe is missing, or this one is none"
    for name in sorted({*known} ^ {*release.names}):
        yield f"{name}: there is a table or {PROVENANCE} names it, but not both"
    for name in sorted({*known} & {*release.names}):
        yield from other_columns(name, release.table(name), release.record(name))


def other_columns(name: str, rows: pl.DataFrame, record: type[Record]) -> Iterator[str]:
    """Columns of a table that are not as its record says."""
    expected = pl.DataFrame(arrow_schema(record).empty_table()).schema
    yield from (
        f"{name}: column {column} is not one of its record's" for column in rows.columns if column not in expected
    )
    yield from (f"{name}: column {column} is missing" for column in expected if column not in rows.columns)
    there = {column: dtype for column, dtype in expected.items() if column in rows.columns}
    if [column for column in rows.columns if column in expected] != list(there):
        yield f"{name}: its columns stand in another order"
    for column, dtype in there.items():
        if rows.schema[column] != dtype:
            yield f"{name}: column {column} is {rows.schema[column]}, not {dtype}"


def wrong_rows(release: Opened) -> Iterator[str]:
    """Nulls and values that a record does not allow, keys that stand twice, rows out of order."""
    for name in release.names:
        yield from wrong_rows_of(name, release.table(name), release.record(name))


def wrong_rows_of(name: str, rows: pl.DataFrame, record: type[Record]) -> Iterator[str]:
    """What of one table's rows is not as its record says."""
    for field in fields(record):
        yield from (f"{name}: column {field.name} {what}" for what in _wrong_values(rows[field.name], field))
    key = list(key_of(record))
    keys = rows.select(key)
    if keys.is_duplicated().any():
        yield f"{name}: a key ({', '.join(key)}) stands twice"
    elif not keys.equals(keys.sort(key)):
        yield f"{name}: its rows are not in order of their key"


def _wrong_values(values: pl.Series, field: Field) -> Iterator[str]:
    if values.null_count() and not field.nullable:
        yield "has a null"
    items = values.drop_nulls()
    if field.is_list:
        items = items.filter(items.list.len() > 0).list.explode() if len(items) else pl.Series([], dtype=pl.Null)
        if items.null_count():
            yield "has a null within a list"
    if issubclass(field.base, StrEnum) and not {*items.drop_nulls().unique()} <= {*field.base}:
        yield f"holds what is no {field.base.__name__}"


def wrong_content(release: Opened) -> Iterator[str]:
    """Tables whose rows, or whose CSV twin, are not those that provenance was written for."""
    for name, made in release.provenance["tables"].items():
        path = release.folder / f"{name}.parquet"
        with pq.ParquetFile(path) as file:
            table = file.read()
        if table.num_rows != made["rows"]:
            yield f"{name}: it has {table.num_rows} rows, and {PROVENANCE} says {made['rows']}"
        elif _sha256(csv_text(table)) != made["content_sha256"]:
            yield f"{name}: its rows are not those that {PROVENANCE} was written for"
        yield from _wrong_twin(name, path.with_name(f"{name}.csv.gz"), made["content_sha256"])


def _wrong_twin(name: str, twin: Path, sha256: str) -> Iterator[str]:
    if not twin.is_file():
        yield f"{name}: it has no {twin.name} beside it"
        return
    with gzip.open(twin) as file:
        if _sha256(iter(lambda: file.read(_CHUNK), b"")) != sha256:
            yield f"{name}: {twin.name} does not hold the same rows"


def _sha256(chunks: Iterator[bytes]) -> str:
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(chunk)
    return total.hexdigest()
