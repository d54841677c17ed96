"""Files that hold many reports: HL7 messages and tables. Each report is a source of its own, named by its place.

``exports/march.hl7#0000012`` is the twelfth report of that file. A report has its own digest, so that a file to which
reports are added has those as new sources, and the others stay what they are.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

from curation.deid.texts.hl7 import messages
from curation.deid.texts.reports import ReportOriginal
from curation.deid.texts.results import read_results
from curation.deid.texts.tabular import Line, read_row, read_table
from curation.errors import Rejected
from curation.records import Reason
from curation.store import digest

MESSAGES, TABLES = (".hl7",), (".csv", ".tsv", ".parquet")
_PLACE = re.compile(r"(.*\.(?:hl7|csv|tsv|parquet))#([0-9]{7,})", re.IGNORECASE | re.DOTALL)


class Entry(NamedTuple):
    """One report of a file, or why it is none; digest and length are of what it was read from."""

    sha256: str
    size_bytes: int
    read: ReportOriginal | Rejected


def holds_many(path: str) -> bool:
    """Whether a file of this name holds many reports."""
    return path.lower().endswith((*MESSAGES, *TABLES))


def entries(path: Path) -> Iterator[Entry]:
    """The reports of a file, in order. Raises Rejected if it is none of these, or says of nobody whose they are."""
    return _of_messages(path) if path.name.lower().endswith(MESSAGES) else _of_table(path)


def _of_messages(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for data in messages(file):
            try:
                found: list[ReportOriginal | Rejected] = [*read_results(data)]
            except Rejected as outcome:
                found = [outcome]
            for number, read in enumerate(found):
                yield Entry(digest(sha256(data).hexdigest(), number), len(data), read)


def _of_table(path: Path) -> Iterator[Entry]:
    for number, line in enumerate(read_table(path)):
        if isinstance(line, Rejected):
            yield Entry(digest("broken row", path.name, number), 0, line)
            continue
        if "patient_id" not in line.columns.roles:
            raise Rejected(
                Reason.MISSING_IDENTITY,
                "expected a table with a column for the patient: patient_id, subject_id or mrn; none came",
            )
        yield Entry(digest(line.row), sum(map(len, line.row.values())), _row(line))


def _row(line: Line) -> ReportOriginal | Rejected:
    try:
        return read_row(line.columns, line.row)
    except Rejected as outcome:
        return outcome


# --- places ----------------------------------------------------------------------------------------------------


def name_of(path: str, number: int) -> str:
    """The name of the report at a place of a file, counted from 1."""
    return f"{path}#{number:07d}"


def file_of(name: str) -> str:
    """The path of the file that holds a report of ``name_of``; any other path as it is."""
    found = _PLACE.fullmatch(name)
    return found[1] if found else name


def number_of(name: str) -> int:
    """The number of a report of ``name_of``; 0 for any other path."""
    found = _PLACE.fullmatch(name)
    return int(found[2]) if found else 0


# --- one report of a file ------------------------------------------------------------------------------------


def read_one(folder: Path, name: str, sha256: str) -> ReportOriginal:
    """The report of a name and digest below a folder; raises Rejected if it is none, is gone, or is not what it was.

    Where reports are asked for in order, as batches do, a process reads their file once.
    """
    path = folder / file_of(name)
    try:
        about = path.stat()
        entry = _cursor(path, about.st_size, about.st_mtime_ns, get_ident()).entry(number_of(name))
    except OSError:
        raise Rejected(Reason.SOURCE_GONE, "expected the file that ingest saw; it cannot be read") from None
    if entry is None or entry.sha256 != sha256:
        raise Rejected(Reason.SOURCE_GONE, "expected the report that ingest saw; there is another, or none")
    if isinstance(entry.read, Rejected):
        raise entry.read
    return entry.read


class _Cursor:
    """Reads a file's reports forwards, and from the beginning again where one is asked for that has gone by."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._rest = entries(path)

    def entry(self, number: int) -> Entry | None:
        """The report at a place, counted from 1; None if there is none."""
        if number <= self._at:
            self._at, self._rest = 0, entries(self._path)
        skipped, self._at = number - self._at - 1, number
        return next(islice(self._rest, skipped, None), None)


@lru_cache(maxsize=16)
def _cursor(path: Path, *_: int) -> _Cursor:
    """The cursor of a file as long as it is what it was, one a thread: in a cluster a process may have several."""
    return _Cursor(path)
