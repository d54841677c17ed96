"""Texts in, for mining by itself: what people hold reports in, read as pairs of id and text.

Reads JSON lines (``{"id", "text"}``; also ``.gz``, or standard input), CSV and Parquet tables, HL7 results, Open-I XML,
plain text named by its id, and folders or tar archives of these. The input is de-identified already: nothing is cleaned
or left out here. What cannot be read is said so, in its place.
"""

import gzip
import io
import json
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from curation.deid.safe_xml import MAX_BYTES as MAX_XML
from curation.deid.safe_xml import parse as parse_xml
from curation.deid.texts import hl7, results
from curation.deid.texts.reports import MAX_BYTES, decode, read_openi
from curation.deid.texts.tabular import Line, read_table
from curation.errors import InputError, Rejected, UsageError
from curation.records import Reason

STANDARD_INPUT = "-"
MAX_LINE = 4 * MAX_BYTES  # bytes of a line of JSON, in which a character may take six
_JSON_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".parquet")
_ARCHIVES = (".tgz", ".tar.gz", ".tar")
_PACKED = (".jsonl.gz", ".ndjson.gz", ".tgz", ".tar.gz")
_OTHER_KIND = "expected JSON lines, csv, tsv, Parquet, hl7, Open-I xml or txt (in archives no tables); another came"
_MARK = b"\xef\xbb\xbf"


class Text(NamedTuple):
    """A report's id and its text."""

    id: str
    text: str


class Refused(NamedTuple):
    """Where something stood that is no report (an id, or a line, row, message or file), and why; no word of a text."""

    where: str
    reason: str


class _Found(NamedTuple):
    """A text before its id and its characters are looked at."""

    where: str
    id: str
    text: str


def read_texts(path: Path) -> Iterator[Text | Refused]:
    """The reports of a file, folder or archive, or JSON lines of a pipe or standard input (``-``), in bounded memory.

    An id comes once: a second one is refused, as is what is no report. Raises InputError if there is nothing at this
    path, UsageError if it is of no known kind, or no table of reports.
    """
    seen: set[str] = set()
    for found in _read(path):
        if isinstance(found, Refused):
            yield found
            continue
        where, text_id, text = found
        if fault := _fault(text_id, text):
            yield Refused(where, fault)
        elif text_id in seen:
            yield Refused(text_id, "its id has come before")
        else:
            seen.add(text_id)
            yield Text(text_id, text)


def _fault(text_id: str, text: str) -> str:
    if not text_id or text_id.isspace():
        return "it has no id"
    if not text or text.isspace():
        return "it has no text"
    return "" if _is_whole(text) and _is_whole(text_id) else "it holds halves of characters"


def _is_whole(text: str) -> bool:
    """Whether a text can be written: escapes of JSON can spell half of a pair of surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(path: Path) -> Iterator[_Found | Refused]:
    if str(path) == STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("expected JSON lines on standard input; it is closed")
        yield from _json_lines(sys.stdin.buffer)
    elif path.is_fifo():
        with path.open("rb") as file:
            yield from _json_lines(file)
    elif path.is_dir():
        yield from _folder(path)
    elif not path.is_file():
        raise InputError(f"{path.name}: expected a file or a folder of reports; there is none")
    else:
        try:
            yield from _file(path)
        except Rejected as outcome:
            raise UsageError(f"{path.name}: {outcome.detail}") from None


def _folder(folder: Path) -> Iterator[_Found | Refused]:
    """Every file below a folder but hidden ones, by path."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield from _guarded(path.relative_to(folder).as_posix(), partial(_file, path))


def _guarded(where: str, read: Callable[[], Iterable[_Found | Refused]]) -> Iterator[_Found | Refused]:
    """One file of many: where it is broken it is refused, and the others come."""
    try:
        yield from read()
    except Rejected as outcome:
        yield Refused(where, outcome.detail)


def _file(path: Path) -> Iterator[_Found | Refused]:
    """The texts of a file; raises Rejected if it is of no known kind, or none of its kind."""
    name = path.name.lower()
    try:
        if name.endswith(_TABLES):
            yield from _table(read_table(path))
            return
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            if name.endswith(_PACKED):
                file = io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=file)))
            if name.endswith(_ARCHIVES):
                yield from _archive(file)
            else:
                yield from _streamed(path.stem if name.endswith(_PACKED) else path.name, file)
    except OSError:
        raise Rejected(Reason.UNREADABLE, "expected a file that can be read; the system refused") from None


def _streamed(path: str, file: IO[bytes]) -> Iterator[_Found | Refused]:
    """The texts of a file that is read from its beginning to its end."""
    name = path.lower()
    if name.endswith(_JSON_LINES):
        yield from _json_lines(file)
    elif name.endswith(".hl7"):
        yield from _messages(file)
    elif name.endswith(".xml"):
        yield _openi(path, file.read(MAX_XML + 1))
    elif name.endswith(".txt"):
        yield _Found(path, PurePosixPath(path).stem, decode(file.read(MAX_BYTES + 1)))
    else:
        raise Rejected(Reason.UNSUPPORTED_FILE, _OTHER_KIND)


def _openi(path: str, data: bytes) -> _Found:
    root = parse_xml(data)
    if root.tag != "eCitation":
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected an Open-I report; other XML came")
    original = read_openi(root)
    return _Found(path, original.report_id or PurePosixPath(path).stem, original.text)


class _Tape(io.RawIOBase):
    """A stream that remembers its last block, by which a tar archive says that it is whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self._file.read(size)
        self._last = (self._last + data)[-tarfile.BLOCKSIZE :]
        return data

    def is_whole(self) -> bool:
        """Whether the archive ends in a block of zeros (POSIX.1-2017, pax); reads what is left of it."""
        while self.read(1 << 20):
            pass
        return len(self._last) == tarfile.BLOCKSIZE and not any(self._last)


def _archive(file: IO[bytes]) -> Iterator[_Found | Refused]:
    """The texts of an archive's files but hidden ones; where it is broken, what came before stays."""
    at, tape = "its beginning", _Tape(file)
    try:
        with tarfile.open(fileobj=tape, mode="r|") as archive:
            for member in archive:
                at = member.name
                opened = archive.extractfile(member) if member.isfile() else None
                if opened is not None and not PurePosixPath(at).name.startswith("."):
                    yield from _guarded(at, partial(_streamed, at, opened))
        is_whole = tape.is_whole()
    except (tarfile.TarError, EOFError, zlib.error, OSError):
        is_whole = False
    if not is_whole:
        yield Refused(at, "expected a whole archive; it is broken from here on")


# --- JSON lines ------------------------------------------------------------------------------------------------


def _json_lines(file: IO[bytes]) -> Iterator[_Found | Refused]:
    number = 0
    try:
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                _skip_line(file, line)
                yield Refused(f"line {number}", f"expected a line below {MAX_LINE} bytes; a longer one came")
            elif line.strip():
                yield _json_line(number, line.removeprefix(_MARK) if number == 1 else line)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield Refused(f"line {number + 1}", "expected a whole gzip file; it is broken from here on")


def _skip_line(file: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE)


def _json_line(number: int, line: bytes) -> _Found | Refused:
    where = f"line {number}"
    try:
        row = json.loads(line.decode())
    except (ValueError, RecursionError):  # ValueError: also UnicodeDecodeError
        return Refused(where, "expected JSON in UTF-8; it cannot be parsed")
    if not isinstance(row, dict):
        return Refused(where, 'expected an object {"id", "text"}; another value came')
    text_id, text = row.get("id"), row.get("text")
    if isinstance(text_id, int) and not isinstance(text_id, bool):
        text_id = str(text_id)
    if not isinstance(text_id, str) or not isinstance(text, str):
        return Refused(where, "expected an id and a text that are strings; one is missing, or something else")
    return _Found(where, text_id, text)


# --- tables and messages ---------------------------------------------------------------------------------------


def _table(lines: Iterable[Line | Rejected]) -> Iterator[_Found | Refused]:
    for number, line in enumerate(lines, 1):
        if isinstance(line, Rejected):
            yield Refused(f"row {number}", line.detail)
            continue
        held, row = line
        role = next((role for role in ("report_id", "accession") if role in held.roles), "")
        if not role:
            raise Rejected(Reason.UNSUPPORTED_FILE, "expected a table with a column id or report_id; none came")
        yield _Found(f"row {number}", held.value(row, role), held.text(row))


def _messages(file: IO[bytes]) -> Iterator[_Found | Refused]:
    for number, data in enumerate(hl7.messages(file), 1):
        where = f"message {number}"
        try:
            message = hl7.parse(data)
            orders = results.orders(message)
        except Rejected as outcome:
            yield Refused(where, outcome.detail)
            continue
        control = message.first(message.segments[0], 10)
        for place, order in enumerate(orders):
            text_id = results.order_number(message, order.segment) or (f"{control}.{place}" if place else control)
            yield _Found(where, text_id, results.text_of(order))
