"""Files of a release: tables with their twins, documents, checksums. The same rows give the same bytes."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.release.opened import CHECKSUMS
from curation.release.recipe import Rows
from curation.store import file_sha256, to_arrow, write_parquet

_AS_JSON = json.JSONEncoder(ensure_ascii=False).encode


def write_tables(folder: Path, tables: Mapping[str, Rows]) -> dict[str, dict[str, Any]]:
    """Each table as Parquet and as gzipped CSV; a table without rows still has its columns.

    Returns what provenance says of each: what its rows are, how many, and the SHA-256 of the CSV's text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, (record, rows) in sorted(tables.items()):
        table = to_arrow(record, rows)
        write_parquet(table, folder / f"{name}.parquet")
        digest = write_csv(table, folder / f"{name}.csv.gz")
        written[name] = {"record": record.about.name, "rows": len(rows), "content_sha256": digest}
    return written


def write_csv(table: pa.Table, path: Path) -> str:
    """A table as gzipped CSV, no time in the header; returns the SHA-256 of its text."""
    total = hashlib.sha256()
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
        for chunk in csv_text(table):
            packed.write(chunk)
            total.update(chunk)
    return total.hexdigest()


def csv_text(table: pa.Table) -> Iterator[bytes]:
    """A table as CSV in UTF-8: null is an empty field, a list is JSON, true and false are 1 and 0."""
    yield _lines([table.column_names])
    for batch in table.to_batches(max_chunksize=65536):
        yield _lines(zip(*map(_cells, batch.columns), strict=True))


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _cells(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_boolean(column.type):
        return [value if value is None else int(value) for value in values]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [value if value is None else _AS_JSON(value) for value in values]
    return values


def write_json(path: Path, value: Any, indent: int | None = None) -> None:
    """A document with sorted keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json_text(value, indent), encoding="utf-8")


def json_text(value: Any, indent: int | None = None) -> str:
    """What ``write_json`` writes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent) + "\n"


def lying_in(folder: Path) -> dict[str, Path]:
    """What lies in a folder, by its path there; but for what Python leaves where ``loaders.py`` was imported."""
    paths = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in paths}


def write_checksums(folder: Path) -> None:
    """SHA-256 of every other file, as ``sha256sum --check`` reads it."""
    there = lying_in(folder).items()
    files = sorted((path, name) for name, path in there if path.is_file() and path.name != CHECKSUMS)
    lines = [f"{file_sha256(path)}  {name}\n" for path, name in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
