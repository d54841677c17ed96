"""Takes in a split that others have published: their patients under our pseudonyms, nothing else of their file."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from curation.deid.keys.identity import Identity, patient_key
from curation.deid.keys.key import identity, load_key
from curation.errors import InputError, UsageError
from curation.records import OfficialSplit, Patient, Source
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace

STAGE = "splits"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")
_PATIENT = ("patientid", "subject_id", "patient_id", "patient")
_SPLIT = ("split", "dataset")
_OURS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validate", "validation", "val", "dev"), "valid"),
    "test": "test",
}
_SHOWN = 5
"""Rows that a message names at most."""


def take_official(workspace: Workspace, file: Path, name: str, issuer: str = "") -> int:
    """Take in the official split ``name`` from a CSV or TSV file, gzipped or not; returns how many patients it has.

    It replaces what was there under that name. ``issuer`` is the IssuerOfPatientID that the hospital's images bear, or
    empty. Patients that the catalog does not have are kept, for they may arrive: see ``awaited``. Raises UsageError for
    a name that cannot be one, InputError for a file that cannot be used, VaultError if there is no key. No message, and
    nothing that is written, holds an original identifier.
    """
    if not _NAME.fullmatch(name):
        raise UsageError("expected a name of letters, digits, dots and dashes, such as mimic-cxr-2.0")
    load_key(workspace, read_rows(Source, workspace.tables("ingest")))
    splits = _pseudonymous(file, identity(workspace, workspace.settings.deid), issuer)
    rows = [OfficialSplit(name, patient, split) for patient, split in splits.items()]
    table = to_arrow(OfficialSplit, rows)
    write_parquet(table, workspace.tables(STAGE) / OfficialSplit.about.name / f"{name}.parquet")
    return len(rows)


def awaited(workspace: Workspace, name: str) -> int:
    """How many patients of an official split the catalog does not have."""
    known = {row.patient_id for row in read_rows(Patient, workspace.tables(Patient.about.stage))}
    rows = read_rows(OfficialSplit, workspace.tables(STAGE))
    return sum(row.name == name and row.patient_id not in known for row in rows)


def _pseudonymous(file: Path, pseudonyms: Identity, issuer: str) -> dict[str, str]:
    """The split of each patient, by pseudonym; raises InputError if rows of a patient contradict each other."""
    first: dict[str, tuple[int, str]] = {}
    against: list[tuple[int, int]] = []
    for number, original, split in _rows(file):
        before, earlier = first.setdefault(patient_key(original, issuer), (number, split))
        if earlier != split:
            against.append((before, number))
    if against:
        shown = ", ".join(f"{before} and {number}" for before, number in against[:_SHOWN])
        raise InputError(
            f"a patient is in two splits in {_counted(len(against), 'row')}: correct these pairs of rows, the header "
            f"being row 1: {shown}{' …' if len(against) > _SHOWN else ''}"
        )
    if not first:
        raise InputError("expected a patient and a split in each row: the file has no row")
    return {pseudonyms.patient(original): split for original, (_, split) in first.items()}


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count > 1)}"


# --- read ------------------------------------------------------------------------------------------------


def _rows(file: Path) -> Iterator[tuple[int, str, str]]:
    """Number, patient and our split of each row; the header is row 1, and empty rows count."""
    with _opened(file) as text:
        header = text.readline()
        reader = csv.reader(text, delimiter="\t" if "\t" in header else ",", strict=True)
        columns = next(csv.reader([header], delimiter="\t" if "\t" in header else ","), [])
        patient, split = _column(columns, _PATIENT, "patients"), _column(columns, _SPLIT, "splits")
        for number, row in enumerate(reader, 2):
            if row:
                yield number, *_checked(row, patient, split, number)


def _column(names: Sequence[str], wanted: Sequence[str], what: str) -> int:
    found = [place for place, name in enumerate(names) if name.strip().casefold() in wanted]
    if len(found) != 1:
        raise InputError(
            f"expected one column of {what} in the first row, under one of the names {', '.join(wanted)}: "
            f"{'none' if not found else len(found)} came"
        )
    return found[0]


def _checked(row: Sequence[str], patient: int, split: int, number: int) -> tuple[str, str]:
    if len(row) <= max(patient, split) or not row[patient].strip():
        raise InputError(f"row {number} names no patient or no split (the header is row 1)")
    ours = _OURS.get(row[split].strip().casefold())
    if ours is None:
        raise InputError(f"row {number} has none of the splits {', '.join(_OURS)} (the header is row 1)")
    return row[patient], ours


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """The file as text, unpacked; raises InputError, which shows nothing of it, if it cannot be read."""
    try:
        with file.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            binary = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
                yield text
    except FileNotFoundError:
        raise InputError("there is no such file: expected a CSV or TSV file of patients and splits") from None
    except (OSError, EOFError, UnicodeError, csv.Error, zlib.error):
        raise InputError("the file cannot be read: expected CSV or TSV in UTF-8, gzipped or not") from None
