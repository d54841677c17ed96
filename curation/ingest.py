"""Ingest takes stock of the landing zone: which files there are, what each is, and whose.

Reads the vault's ``landing/``. Writes ``sources``, one row a file, with original identifiers; it stays in the vault.
A file of many reports (HL7 messages, a table) has one row a report. Whatever is no report, image, labelmap, annotation
or part of one becomes a reject.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from curation.deid.dicom.opened import File
from curation.deid.dicom.originals import Headers, Origin, looks_like_dicom
from curation.deid.lidc import ROOT as LIDC_ROOT
from curation.deid.lidc import lidc_origin
from curation.deid.nifti import read_sidecar
from curation.deid.safe_xml import MAX_BYTES, parse
from curation.deid.texts.many import entries, holds_many, name_of
from curation.deid.texts.reports import read_local, read_openi
from curation.errors import InputError, Rejected
from curation.records import Reason, Record, Source
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace

SIDECAR_SUFFIX = ".labelmap.json"
PART_SUFFIXES = (".nii.gz", ".nii", ".csv")
_HEAD_BYTES = 4096
_BUFFER = 1 << 18


@dataclass(frozen=True)
class Arrival:
    """A file below the landing zone, as ``plan`` found it; bytes of its name that are no UTF-8 are escaped."""

    path: Path
    relative: str
    is_part: bool
    is_escaped: bool


def plan(workspace: Workspace) -> list[Item]:
    """One item a file and content; raises InputError if there is none and never was one."""
    landing = workspace.landing
    found = sorted(_files(landing)) if landing.is_dir() else []
    if not found and not read_rows(Source, workspace.tables("ingest")):
        raise InputError(
            f"the landing zone {landing} is empty: put DICOM files and reports there or run `paxflow sample`"
        )
    parts = _part_names(workspace, found)
    return [_item(_arrival(path, landing, path in parts)) for path in found]


def _files(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder; links to folders count as files, and are not followed."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in (*files, *links))


def _arrival(path: Path, landing: Path, is_part: bool) -> Arrival:
    given = path.relative_to(landing).as_posix()
    relative = os.fsencode(given).decode("utf-8", "backslashreplace")
    return Arrival(path, relative, is_part, relative != given)


def _item(arrival: Arrival) -> Item:
    about = arrival.path.lstat()
    marks = (about.st_size, about.st_mtime_ns, *(("part",) if arrival.is_part else ()))
    inputs = digest(*marks)
    return Item(f"{arrival.relative}@{inputs[:12]}", inputs, arrival)


def _part_names(workspace: Workspace, found: Iterable[Path]) -> set[Path]:
    """Files that a sidecar beside them names, now or when they were taken in."""
    known = read_rows(Source, workspace.tables("ingest"))
    parts = {workspace.landing / source.original_path for source in known if source.kind == "part"}
    for path in found:
        if path.name.endswith(SIDECAR_SUFFIX) and path.is_file() and not path.is_symlink():
            try:
                with File(path) as file:
                    parts |= {path.parent / name for name in read_sidecar(_bounded(file)).parts}
            except (Rejected, OSError):
                continue  # its own item says so
    return parts


# --- one file --------------------------------------------------------------------------------------------


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The source row of one file, or of each report in it; or a reject."""
    arrival: Arrival = item.payload
    try:
        _check_place(arrival, batch.workspace.landing)
        if _holds_many(arrival):
            yield from _reports(arrival)
            return
        with File(arrival.path) as file:
            origin = _origin(arrival, file, batch.memo.setdefault("headers", Headers()))
            sha256 = file.sha256(batch.memo.setdefault("buffer", memoryview(bytearray(_BUFFER))))
            marks = sha256, file.size, file.modified_ns
    except OSError:
        raise Rejected(Reason.UNREADABLE, "expected a file that can be read; the system refused") from None
    yield _source(arrival.relative, origin, marks)


def _holds_many(arrival: Arrival) -> bool:
    """Whether a file may hold many reports: by its name, unless it is a part, DICOM, or empty."""
    if arrival.is_part or not holds_many(arrival.relative):
        return False
    with File(arrival.path) as file:
        head = file.read(0, _HEAD_BYTES)
    return bool(head) and not looks_like_dicom(head)


def _reports(arrival: Arrival) -> Iterator[Source]:
    """A row for each report of a file; what is none has a row as well, and deid says why."""
    modified_ns = arrival.path.stat().st_mtime_ns
    found = 0
    for found, entry in enumerate(entries(arrival.path), 1):
        origin = Origin("report") if isinstance(entry.read, Rejected) else entry.read.origin()
        yield _source(name_of(arrival.relative, found), origin, (entry.sha256, entry.size_bytes, modified_ns))
    if not found:
        raise Rejected(Reason.EMPTY_FILE, "expected reports, one a row or a message; there is none")


def _source(path: str, origin: Origin, marks: tuple[str, int, int]) -> Source:
    """``marks``: SHA-256, length in bytes, and when the file was written, in ns since 1970."""
    sha256, size_bytes, modified_ns = marks
    return Source(
        original_path=path,
        kind=origin.kind,
        sha256=sha256,
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        original_uid=_plain(origin.uid),
        original_series_uid=_plain(origin.series_uid),
        original_accession=_plain(origin.accession),
        original_patient_id=_plain(origin.patient_id),
        original_parts=origin.parts,
        original_names=tuple(map(_plain, origin.names)),
    )


def _check_place(arrival: Arrival, landing: Path) -> None:
    """Raise Rejected unless this is a regular file that lies in the landing zone and has a name in UTF-8."""
    try:
        mode = arrival.path.lstat().st_mode
        if stat.S_ISLNK(mode):  # of folders only real ones are walked into, so no other part of the path is a link
            inside = arrival.path.resolve(strict=True).is_relative_to(landing.resolve())
            mode = arrival.path.stat().st_mode if inside else 0
    except OSError:
        raise Rejected(
            Reason.SOURCE_GONE, "expected a file; it has gone since the plan, or is a link to nothing"
        ) from None
    if not mode:
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected a file of the landing zone; a link that leads out of it came")
    if not stat.S_ISREG(mode):
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected a regular file; a link to a folder, a pipe or a device came")
    if arrival.is_escaped:
        raise Rejected(Reason.UNREADABLE, "expected a file name in UTF-8; another encoding came")


def _origin(arrival: Arrival, file: File, headers: Headers) -> Origin:
    """What the file is and whose; raises Rejected if it is nothing that is taken in."""
    name = PurePosixPath(arrival.relative).name.lower()
    head = file.read(0, _HEAD_BYTES)
    if not head:
        raise Rejected(Reason.EMPTY_FILE, "expected a file with content; it has none")
    if arrival.is_part and name.endswith(PART_SUFFIXES):
        return Origin("part")
    if name.endswith(SIDECAR_SUFFIX):
        sidecar = read_sidecar(_bounded(file))
        return Origin("labelmap", series_uid=sidecar.series_uid, parts=sidecar.parts)
    if looks_like_dicom(head):
        return headers.origin(file)
    return _by_name(file, name, arrival.relative)


def _by_name(file: File, name: str, path: str) -> Origin:
    if name.endswith(".dcm"):
        raise Rejected(Reason.NOT_DICOM, "expected DICOM, as the name says; something else came")
    if name.endswith(".xml"):
        return _xml_origin(_bounded(file))
    if name.endswith(".txt"):
        data = _bounded(file)
        if not data.strip():
            raise Rejected(Reason.EMPTY_FILE, "expected a report; it is blank")
        return read_local(data, path).origin()
    raise Rejected(Reason.UNSUPPORTED_FILE, "expected DICOM, a report, a labelmap or a reading; something else came")


def _xml_origin(data: bytes) -> Origin:
    root = parse(data)
    if root.tag == "eCitation":
        return read_openi(root).origin()
    if root.tag == LIDC_ROOT:
        return lidc_origin(root)
    raise Rejected(Reason.UNSUPPORTED_FILE, "expected an Open-I report or an LIDC reading; other XML came")


def _bounded(file: File) -> bytes:
    """The file's bytes, at most one more than XML may have: the parser says so then."""
    return file.read(0, MAX_BYTES + 1)


def _plain(value: str) -> str:
    """A value that can be stored as UTF-8, whatever bytes the file held."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


STAGE = Stage(
    name="ingest",
    writes=(Source,),
    plan=plan,
    one=one,
    keeps=True,
)
