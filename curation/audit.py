"""Audit: search everything past the vault's border for identifiers that must not be there.

Every file of the workspace is searched (data, work, release, settings, DVC's cache, git's objects), and Prefect's
home and Label Studio's data: they lie in the vault, but must be as clean. Bytes are searched as they are and unpacked
(gzip, zlib and zip, also inside other files; Parquet by column; SQLite by row), in UTF-8, Latin-1, UTF-16, as JSON
escapes and in Base64. A hit
tells place and kind, never the value.

All values stand in one Aho-Corasick automaton (Comm. ACM 1975;18:333), so the time does not grow with their number.
"""

import base64
import hashlib
import io
import json
import mmap
import os
import sqlite3
import subprocess
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ahocorasick
import pyarrow as pa
import pyarrow.parquet as pq

from curation.deid.keys.identity import Identifier
from curation.errors import InputError, ToolError
from curation.records import Source
from curation.store import read_rows
from curation.workspace import Workspace

MIN_LENGTH = 6  # shorter values turn up everywhere by chance
MIN_BASE64 = 8  # of a value, so that six or more Base64 characters are certain
MAX_UNPACKED = 1 << 30
_CHUNK = 8 << 20
_ZLIB_HEADS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_GZIP_HEAD = b"\x1f\x8b\x08"


@dataclass(frozen=True, order=True)
class Hit:
    """An identifier of one kind stands in one place."""

    place: str
    kind: str


@dataclass(frozen=True)
class _Pattern:
    """What the automaton found: how long it is, and whether it must stand alone."""

    length: int
    kind: str
    stride: int
    """Bytes a character: 1, or 2 for UTF-16; 0 for Base64, which has no word boundary."""


def planted(workspace: Workspace) -> list[Identifier]:
    """The identifiers that sample and synth planted (``planted.json`` of the vault), and those that ingest noted.

    Raises InputError if there is neither.
    """
    path = workspace.vault / "planted.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    found = {Identifier(row["kind"], row["value"]) for row in rows} | set(_noted(workspace))
    if not found:
        raise InputError("nothing to search for: the vault holds no planted.json, and ingest has noted no source yet")
    return sorted(found)


def _noted(workspace: Workspace) -> Iterator[Identifier]:
    """Identifiers in the ledger, without the issuer before a patient's number."""
    for source in read_rows(Source, workspace.tables("ingest")):
        yield from (
            Identifier(kind, value)
            for kind, value in (
                ("instance_uid" if source.kind == "dicom" else "report_id", source.original_uid),
                ("series_uid", source.original_series_uid),
                ("accession", source.original_accession),
                ("patient_id", source.original_patient_id.rsplit("/", 1)[-1]),
            )
            if len(value) >= MIN_LENGTH
        )


def audit(workspace: Workspace, identifiers: Iterable[Identifier]) -> list[Hit]:
    """Every place past the border where an identifier stands; empty if there is none."""
    search = _Search(_automaton(identifiers))
    homes = ((workspace.vault / name, f"{name}/") for name in ("prefect", "studio"))
    for root, label in ((workspace.root, ""), *homes):
        for path in sorted(_files(root)):
            search.file(path, label + path.relative_to(root).as_posix())
    if (workspace.root / ".git").is_dir():
        for name, data in _git_objects(workspace.root):
            search.data(memoryview(data), f"git object {name}")
    return sorted(search.hits)


def search(texts: Iterable[tuple[str, bytes]], identifiers: Iterable[Identifier]) -> list[Hit]:
    """Every text, each given behind its place, in which an identifier stands; nothing is unpacked."""
    found = _Search(_automaton(identifiers))
    for place, text in texts:
        found.scan(text, place)
    return sorted(found.hits)


def _files(root: Path) -> Iterator[Path]:
    """All files; git's objects come through git, links to folders are not followed, installed packages are left out."""
    for folder, folders, files in os.walk(root):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        if Path(folder).name == ".git" and "objects" in folders:
            folders.remove("objects")
        yield from (Path(folder, name) for name in files)


# --- what is searched for --------------------------------------------------------------------------------


def _automaton(identifiers: Iterable[Identifier]) -> ahocorasick.Automaton:
    """All spellings of all values, lower case; bytes stand as Latin-1 characters."""
    automaton = ahocorasick.Automaton()
    for identifier in identifiers:
        for spelling, stride in _spellings(identifier.value):
            word = spelling.lower().decode("latin-1")
            automaton.add_word(word, _Pattern(len(word), identifier.kind, stride))
    automaton.make_automaton()
    return automaton


def _spellings(value: str) -> Iterator[tuple[bytes, int]]:
    """The bytes in which a value may stand, with the stride of its characters."""
    if len(value) < MIN_LENGTH:
        return
    for form in {value, value.lower(), value.upper()}:
        yield form.encode("utf-8", "surrogatepass"), 1
        yield form.encode("latin-1", "backslashreplace"), 1
        yield json.dumps(form)[1:-1].encode("ascii"), 1
        yield form.encode("utf-16-le", "surrogatepass"), 2
    if len(value) >= MIN_BASE64:
        yield from ((part, 0) for part in _base64(value.encode("utf-8", "surrogatepass")))


def _base64(value: bytes) -> Iterator[bytes]:
    """The value's certain characters at each of the three places in which it may start in a Base64 group."""
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + value)
        first = -(-8 * shift // 6)  # characters that mix with what stands before
        last = (8 * (shift + len(value))) // 6  # and with what comes after
        yield coded[first:last]


# --- searching -------------------------------------------------------------------------------------------


@dataclass
class _Search:
    """The automaton, what was searched already, and what was found."""

    automaton: ahocorasick.Automaton
    hits: set[Hit] = field(default_factory=set)
    seen: set[bytes | tuple[int, int]] = field(default_factory=set)

    def file(self, path: Path, place: str) -> None:
        """Search one file's name and, unless an equal one was searched, its content."""
        place = self._name(place)
        if path.is_symlink():
            self.scan(os.fsencode(path.readlink()), place)
        if not path.is_file():
            return
        about = path.stat()
        if about.st_size == 0 or self._is_known((about.st_dev, about.st_ino)):
            return
        with path.open("rb") as handle:  # the map is closed with its last view: Arrow keeps some
            self.data(memoryview(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)), place)

    def data(self, data: memoryview, place: str, depth: int = 0) -> None:
        """Search bytes as they are, and what is packed in them."""
        if self._is_known(hashlib.blake2b(data, digest_size=16).digest()):
            return
        head = bytes(data[:16])
        self.scan(data, place)
        if head.startswith(b"PAR1"):
            self._parquet(data, place)
        elif head.startswith(b"SQLite format 3\0"):
            self._sqlite(data, place)
        elif head.startswith(b"PK\x03\x04"):
            self._zip(data, place, depth)
        elif depth < 3:
            for inner in _packed(data):
                self.data(memoryview(inner), place, depth + 1)

    def _name(self, place: str) -> str:
        """The place, or as much of it as names nobody."""
        kinds = {pattern.kind for pattern in self._matches(place.encode("utf-8", "surrogateescape"))}
        if not kinds:
            return place
        parts = place.split("/")
        shown = "/".join("***" if list(self._matches(os.fsencode(part))) else part for part in parts)
        self.hits |= {Hit(f"{shown} (its name)", kind) for kind in kinds}
        return shown

    def _is_known(self, mark: bytes | tuple[int, int]) -> bool:
        known = mark in self.seen
        self.seen.add(mark)
        return known

    def scan(self, data: memoryview | bytes, place: str) -> None:
        """Search in chunks that overlap, so that memory stays small and no value is cut."""
        for start in range(0, len(data), _CHUNK):
            chunk = bytes(data[max(0, start - 4096) : start + _CHUNK])
            self.hits |= {Hit(place, pattern.kind) for pattern in self._matches(chunk)}

    def _matches(self, data: bytes) -> Iterator[_Pattern]:
        if not len(self.automaton):
            return
        text = data.lower().decode("latin-1")
        for end, pattern in self.automaton.iter(text):
            if _stands_alone(text, end + 1 - pattern.length, end + 1, pattern.stride):
                yield pattern

    def _parquet(self, data: memoryview, place: str) -> None:
        try:
            table = pq.read_table(pa.BufferReader(pa.py_buffer(data)))
        except (pa.ArrowInvalid, OSError):
            return  # not a table after all; its bytes were searched
        for name in table.column_names:
            for value in _texts(table.column(name)):
                self.scan(value, f"{place}: column {name}")

    def _sqlite(self, data: memoryview, place: str) -> None:
        """Rows of all tables: a value that spans two pages is not found in the bytes."""
        connection = sqlite3.connect(":memory:")
        try:
            connection.deserialize(bytes(data[:18]) + b"\1\1" + bytes(data[20:]))  # not WAL: there is no file beside it
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                quoted = name.replace('"', '""')
                for row in connection.execute(f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a quoted name, read only
                    for value in row:
                        if isinstance(value, str | bytes):
                            self.data(
                                memoryview(value.encode() if isinstance(value, str) else value), f"{place}: {name}", 1
                            )
        except sqlite3.Error:
            return  # not a database after all, or one in use; its bytes were searched
        finally:
            connection.close()

    def _zip(self, data: memoryview, place: str, depth: int) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist() if depth < 3 else ():
                    self.scan(member.filename.encode(), place)
                    if member.file_size <= MAX_UNPACKED:
                        self.data(memoryview(archive.read(member)), place, depth + 1)
        except (zipfile.BadZipFile, OSError, zlib.error, RuntimeError, NotImplementedError, EOFError):
            return  # damaged or locked; its bytes were searched


def _stands_alone(text: str, start: int, end: int, stride: int) -> bool:
    """Whether the match is no part of a longer word or number."""
    if stride == 0:
        return True
    before = text[start - stride : start - stride + 1] if start >= stride else ""
    return not (_is_word(before) and _is_word(text[start])) and not (
        _is_word(text[end : end + 1]) and _is_word(text[end - stride])
    )


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _texts(column: pa.ChunkedArray) -> Iterator[bytes]:
    """The text and bytes of a column, values one beneath the other."""
    while pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield "\n".join(value for value in column.to_pylist() if value).encode("utf-8", "surrogatepass")
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield b"\n".join(value for value in column.to_pylist() if value)


def _packed(data: memoryview) -> Iterator[bytes]:
    """Content of gzip and zlib streams that start anywhere in the data; PNG pixels are left out."""
    whole = data.obj if isinstance(data.obj, mmap.mmap | bytes) else bytes(data)
    for head, bits in ((_GZIP_HEAD, 31), *((head, 15) for head in _ZLIB_HEADS)):
        at = whole.find(head)
        while at >= 0:
            inner = None if whole[max(0, at - 4) : at] == b"IDAT" else _unpack(data[at:], bits)
            if inner:
                yield inner
            at = whole.find(head, at + 1)


def _unpack(data: memoryview, bits: int) -> bytes | None:
    """What a stream holds, as far as it is whole; None if there is none."""
    unpack = zlib.decompressobj(bits)
    try:
        first = unpack.decompress(data[:512], 4096)
        if len(first) < 32 and not unpack.eof:
            return None
    except zlib.error:
        return None
    unpack = zlib.decompressobj(bits)
    inner = bytearray()
    try:
        for start in range(0, len(data), 1 << 16):
            inner += unpack.decompress(data[start : start + (1 << 16)])
            if unpack.eof or len(inner) > MAX_UNPACKED:
                break
    except zlib.error:
        pass  # damaged further on: what came before it is searched
    return bytes(inner)


# --- git -------------------------------------------------------------------------------------------------


def _git_objects(root: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every object, loose or packed, reachable or not; raises ToolError if git fails."""
    command = ["git", "-C", str(root), "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        stream = process.stdout
        while stream and (line := stream.readline()):
            name, kind, size = line.decode("ascii").split()
            data = stream.read(int(size))
            stream.read(1)
            yield f"{name[:12]} ({kind})", data
    if process.returncode:
        raise ToolError("git could not list its objects: run `git fsck` in the workspace")
