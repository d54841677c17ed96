"""RRF files as Arrow batches: the columns asked for, lines that are malformed counted, in constant memory.

RRF (UMLS Reference Manual, "Metathesaurus Rich Release Format"): ``|`` between columns and at the end of a line,
UTF-8, no header, no quoting: a quote is a plain character. A line is malformed when it has more or fewer columns, or
bytes that are not UTF-8.
"""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from curation.errors import InputError, UsageError

_BLOCK = 1 << 22  # bytes read at once

_COLUMNS = {
    "MRCONSO": "CUI LAT TS LUI STT SUI ISPREF AUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF",
    "MRSTY": "CUI TUI STN STY ATUI CVF",
    "MRREL": "CUI1 AUI1 STYPE1 REL CUI2 AUI2 STYPE2 RELA RUI SRUI SAB SL RG DIR SUPPRESS CVF",
    "MRHIER": "CUI AUI CXN PAUI SAB RELA PTR HCD CVF",
}


@dataclass
class Lines:
    """How many lines were read, and how many of them could not be."""

    read: int = 0
    malformed: int = 0

    def skip(self) -> str:
        """Count a line of another number of columns; what Arrow is to do with it."""
        self.read += 1
        self.malformed += 1
        return "skip"


def rrf_path(folder: Path, table: str) -> Path | None:
    """``TABLE.RRF`` or ``TABLE.RRF.gz``, or None; raises UsageError if both lie there."""
    found = [path for path in (folder / f"{table}.RRF", folder / f"{table}.RRF.gz") if path.is_file()]
    if len(found) > 1:
        raise UsageError(f"expected one of {table}.RRF and {table}.RRF.gz, got both: remove one")
    return found[0] if found else None


def read_rrf(path: Path, table: str, columns: Sequence[str], lines: Lines) -> Iterator[pa.RecordBatch]:
    """The columns of a file as strings, batch by batch; counts lines as it goes.

    Raises InputError if the file cannot be read to its end.
    """
    try:
        with _open(path) as stream:
            if not stream.peek(1):
                return
            yield from _batches(stream, table, columns, lines)
    except (pa.ArrowInvalid, EOFError, OSError, zlib.error):
        text = f"{table}.RRF: expected lines of {_width(table)} columns, each below {_BLOCK:,} bytes; others came"
        raise InputError(f"{text}: the file may be cut, or is of another kind") from None


def _batches(stream: io.BufferedReader, table: str, columns: Sequence[str], lines: Lines) -> Iterator[pa.RecordBatch]:
    names = [*_COLUMNS[table].split(), "end"]
    reader = arrow_csv.open_csv(
        stream,
        arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK, use_threads=False),
        arrow_csv.ParseOptions(
            delimiter="|",
            quote_char=False,
            double_quote=False,
            escape_char=False,
            invalid_row_handler=lambda _: lines.skip(),
        ),
        arrow_csv.ConvertOptions(
            include_columns=list(columns),
            column_types={name: pa.binary() for name in columns},
            strings_can_be_null=False,
        ),
    )
    for batch in reader:
        lines.read += batch.num_rows
        kept = _decoded(batch)
        lines.malformed += batch.num_rows - kept.num_rows
        yield kept


def _open(path: Path) -> io.BufferedReader:
    return io.BufferedReader(gzip.GzipFile(path)) if path.suffix == ".gz" else path.open("rb")


def _decoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows as strings, without those that are not UTF-8."""
    try:
        columns = [column.cast(pa.string()) for column in batch.columns]
    except pa.ArrowInvalid:
        rows = [row for row in zip(*(column.to_pylist() for column in batch.columns), strict=True) if _is_text(row)]
        columns = [pa.array(list(column), pa.string()) for column in zip(*rows, strict=True)] if rows else []
        columns = columns or [pa.array([], pa.string()) for _ in batch.columns]
    return pa.record_batch(columns, names=batch.schema.names)


def _is_text(row: tuple[bytes, ...]) -> bool:
    try:
        b"|".join(row).decode()
    except UnicodeDecodeError:
        return False
    return True


def _width(table: str) -> int:
    return len(_COLUMNS[table].split())
