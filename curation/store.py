"""Files: Parquet parts, tar shards, and writes that a kill cannot tear.

A finished batch is one immutable part per table, named by the batch; it is written as ``*.tmp``, fsynced and renamed.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import IntegrityError
from curation.records import Field, Record, content, fields, key_of

R = TypeVar("R", bound=Record)
_BLOCK = 512  # of a tar archive
_ARROW = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
    date: pa.date32(),
    datetime: pa.timestamp("us", tz="UTC"),
}


def digest(*parts: Any) -> str:
    """SHA-256 over the canonical JSON of the parts; records count by their content, not by where bytes lie."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_rows(rows: Iterable[Record]) -> str:
    """SHA-256 over the digests of rows in the given order; in constant memory."""
    total = hashlib.sha256()
    for row in rows:
        total.update(digest(row).encode())
    return total.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return content(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"cannot digest a {type(value).__name__}")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in constant memory."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that becomes it when the block ends well: write, fsync, rename, fsync."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename or an unlink in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def arrow_schema(record: type[Record]) -> pa.Schema:
    """The Arrow schema of a record type, with the data dictionary as field metadata."""
    return pa.schema(
        [
            pa.field(f.name, _arrow_type(f), f.nullable, {"doc": f.column.doc, "unit": f.column.unit})
            for f in fields(record)
        ]
    )


def _arrow_type(field: Field) -> pa.DataType:
    base = pa.string() if issubclass(field.base, StrEnum) else _ARROW[field.base]
    return pa.list_(pa.field("item", base, False)) if field.is_list else base


def to_arrow(record: type[R], rows: Iterable[R]) -> pa.Table:
    """Rows as an Arrow table, sorted by key; raises IntegrityError if a key stands twice."""
    key = key_of(record)
    place = attrgetter(*key)
    ordered = sorted(rows, key=place)
    if any(place(row) == place(after) for row, after in pairwise(ordered)):
        raise IntegrityError(f"table {record.about.name}: a key ({', '.join(key)}) stands twice")
    columns = {f.name: [getattr(row, f.name) for row in ordered] for f in fields(record)}
    return pa.table(columns, schema=arrow_schema(record))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write byte-identically for the same table and pyarrow version."""
    with atomic(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=3,
            row_group_size=65536,
            store_schema=False,
        )


def read_rows(record: type[R], folder: Path) -> list[R]:
    """All rows of a record type below ``folder/<table>/``, sorted by key; empty if the folder is not there."""
    rows = [row for part in sorted((folder / record.about.name).glob("*.parquet")) for row in part_rows(record, part)]
    key = key_of(record)
    return sorted(rows, key=lambda row: tuple(getattr(row, name) for name in key))


def part_rows(record: type[R], part: Path) -> Iterator[R]:
    """The rows of one part file."""
    spec = fields(record)
    with pq.ParquetFile(part) as file:
        table = file.read(columns=[f.name for f in spec])
    columns = [_values(table.column(f.name).to_pylist(), f) for f in spec]
    return (record(*values) for values in zip(*columns, strict=True))


def _values(values: list[Any], field: Field) -> Sequence[Any]:
    if field.is_list:
        return [None if value is None else tuple(value) for value in values]
    return [field.base(value) for value in values] if issubclass(field.base, StrEnum) else values


# --- tar shards ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where a shard's member lies."""

    shard: str
    offset: int
    length: int
    sha256: str


class ShardWriter:
    """Appends members to a USTAR archive with zeroed owner and time; nothing is on disk before the first member."""

    def __init__(self, path: Path, shard: str) -> None:
        self._path = path
        self._shard = shard
        self._file: BinaryIO | None = None
        self._end = 0

    def add(self, name: str, *parts: bytes | memoryview) -> Place:
        """Append one member, made of parts."""
        return self.add_chunks(name, sum(map(len, parts)), parts)

    def add_chunks(self, name: str, length: int, chunks: Iterable[bytes | memoryview]) -> Place:
        """Append one member of known length, in constant memory; a chunk is used up before the next is asked for."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("wb", buffering=0)
        info = tarfile.TarInfo(name)
        info.size = length
        total, written = hashlib.sha256(), 0
        self._file.write(info.tobuf(tarfile.USTAR_FORMAT))
        for chunk in chunks:
            total.update(chunk)
            written += self._file.write(chunk)
        if written != length:
            raise IntegrityError(f"a member of shard {self._shard} has another length than was announced")
        self._file.write(bytes(-length % _BLOCK))
        start, self._end = self._end + _BLOCK, self._end + _BLOCK + length + -length % _BLOCK
        return Place(self._shard, start, length, total.hexdigest())

    def close(self) -> bool:
        """End the archive; says whether there is one."""
        if self._file is None:
            return False
        ends = self._end + 2 * _BLOCK
        self._file.write(bytes(2 * _BLOCK + -ends % tarfile.RECORDSIZE))
        os.fsync(self._file.fileno())
        self._file.close()
        return True


def read_member(folder: Path, shard: str, offset: int, length: int) -> bytes:
    """The bytes of one member, by position, without reading the archive's index."""
    with (folder / shard).open("rb") as handle:
        data = os.pread(handle.fileno(), length, offset)
    if len(data) != length:
        raise IntegrityError(f"shard {shard} ends before a member that its index names: restore it with `dvc checkout`")
    return data
