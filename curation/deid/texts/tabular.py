"""Reads reports from tables, CSV and Parquet, one a row, whatever the columns are called.

The text stands in one column, or in one column a section. A column that the text does not need says whose the report
is, or names somebody or something: its name tells which, as the label of a line does in a report's header.
"""

import codecs
import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from curation.deid.keys.identity import Identifier, patient_key
from curation.deid.texts.headers import Parted, kind_of_label, part
from curation.deid.texts.reports import LOCAL_LICENCE, MAX_BYTES, ReportOriginal, is_text, parse_date
from curation.errors import Rejected
from curation.records import Reason

Row = Mapping[str, str]
"""Values by column, in the table's order; empty where there is none."""

_ROLES = {  # what a column holds, and its names, best first
    "report_id": "REPORT ID|REPORTID|NOTE ID|DOCUMENT ID|ID|UID|STUDY ID|STUDYID",
    "patient_id": "PATIENT ID|PATIENTID|SUBJECT ID|SUBJECTID|MRN|MEDICAL RECORD NUMBER|PATIENT|SUBJECT|PERSON ID|PID",
    "accession": "ACCESSION NUMBER|ACCESSIONNUMBER|ACCESSION NO|ACCESSION ID|ACCESSION|ACC|STUDY ID|STUDYID",
    "study_date": "STUDY DATE|STUDYDATE|EXAM DATE|REPORT DATE|CHARTDATE|CHARTTIME|DATE",
    "text": "REPORT TEXT|REPORT|TEXT|NOTE TEXT|NARRATIVE|NOTE|BODY|CONTENT",
}
_NAMES = {role: tuple(names.split("|")) for role, names in _ROLES.items()}
_SECTIONS = (
    *("EXAM", "EXAMINATION", "PROCEDURE", "INDICATION", "REASON FOR EXAM", "CLINICAL HISTORY", "CLINICAL INFORMATION"),
    *("HISTORY", "TECHNIQUE", "COMPARISON", "FINDINGS", "IMPRESSION", "CONCLUSION", "RECOMMENDATION", "ADDENDUM"),
)
_TELLING = ("FINDINGS", "IMPRESSION", "CONCLUSION")
"""A table without a column of text has one of these."""
_WORDS = {  # words of a column's name, and the kind of what it holds; the first that fits
    "birth_date": "BIRTH|BIRTHDATE|DOB",
    "phone": "PHONE|TELEPHONE|TEL|FAX|PAGER|MOBILE",
    "email": "EMAIL|MAIL",
    "address": "ADDRESS|STREET|CITY|TOWN|ZIP|POSTCODE",
    "institution": "HOSPITAL|INSTITUTION|FACILITY|CLINIC|WARD|DEPARTMENT",
    "clinician": "PHYSICIAN|DOCTOR|RADIOLOGIST|PROVIDER|CLINICIAN|ATTENDING|RESIDENT|REFERRING|ORDERING|SIGNED|SIGNER|"
    "DICTATED|AUTHOR|READER|TECHNOLOGIST|OPERATOR|BY",
    "order": "ID|IDS|NUMBER|NO|NUM|NR|UID|KEY|MRN|SSN|ACCESSION|ORDER|VISIT|ENCOUNTER|ACCOUNT|CASE",
}
_KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words.split("|")}
_PERSONAL_NAMES = {"FIRST NAME", "LAST NAME", "GIVEN NAME", "FAMILY NAME", "MIDDLE NAME", "FULL NAME", "SURNAME"}
_MIN_DIGITS = 5  # of a value in a column of no known name, to be a number that names something
_SEPARATORS = ",;\t|"
_BATCH_ROWS = 1000
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Columns:
    """What the columns of a table hold: the column of each role, and of each section in the usual order."""

    roles: Mapping[str, str]
    sections: Mapping[str, str]
    kinds: Mapping[str, str]
    """Of the other columns: the kind of what each names; empty where the value itself must tell."""

    def value(self, row: Row, role: str) -> str:
        """A row's value for a role; empty if there is none."""
        return row.get(self.roles.get(role, ""), "").strip()

    def text(self, row: Row) -> str:
        """A row's text, then what its columns of sections hold beside it, each under its header."""
        text = self.value(row, "text")
        held = " ".join(text.split())
        beside = ((name, row.get(column, "").strip()) for name, column in self.sections.items())
        new = [f"{name}: {value}" for name, value in beside if value and " ".join(value.split()) not in held]
        return "\n\n".join(filter(None, (text, *new)))


class Line(NamedTuple):
    """A row, and what its columns hold."""

    columns: Columns
    row: Row


def columns(names: Sequence[str]) -> Columns:
    """What the columns of these names hold; raises Rejected if none holds text, or two have one name."""
    by_name = {_plain(name): name for name in names}
    if len(set(names)) != len(names):
        raise Rejected(Reason.UNREADABLE, "expected a table whose columns have different names; two have the same")
    found = {role: next((by_name[name] for name in known if name in by_name), "") for role, known in _NAMES.items()}
    roles = {role: name for role, name in found.items() if name}
    sections = {name: by_name[name] for name in _SECTIONS if name in by_name}
    if "text" not in roles and not any(name in sections for name in _TELLING):
        raise Rejected(
            Reason.UNSUPPORTED_FILE,
            "expected a table of reports, with a column text or report, or columns findings and impression; none came",
        )
    used = {*sections.values(), roles.get("text")}
    return Columns(roles, sections, {name: _kind(plain) for plain, name in by_name.items() if name not in used})


def _plain(name: str) -> str:
    """A column's name in capitals, its words apart: ``ReferringPhysician``, ``referring_physician``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.split(r"[\W_]+", words)).strip().upper()


def _kind(name: str) -> str:
    for role in ("patient_id", "accession", "report_id", "study_date"):
        if name in _NAMES[role]:
            return role
    if kind := kind_of_label(name):
        return kind
    if name in _PERSONAL_NAMES:
        return "name"
    return next((_KIND_OF_WORD[word] for word in name.split() if word in _KIND_OF_WORD), "")


# --- a row as a report ---------------------------------------------------------------------------------------


def read_row(held: Columns, row: Row) -> ReportOriginal:
    """The report of a row; raises Rejected if it is no text, or longer than a report is."""
    text = held.text(row)
    if len(text) > MAX_BYTES or not is_text(text):
        raise Rejected(Reason.UNSUPPORTED_FILE, f"expected a text below {MAX_BYTES} characters; another value came")
    parted = part(text, is_letter=False)
    issuer = next((row[name] for name, kind in held.kinds.items() if kind == "issuer"), "")
    patient = held.value(row, "patient_id") or parted.first("patient_id")
    return ReportOriginal(
        "local",
        LOCAL_LICENCE,
        held.value(row, "report_id") or parted.first("report_id"),
        patient_key(patient, issuer),
        held.value(row, "accession") or parted.first("accession"),
        _date(held.value(row, "study_date")),
        _named(held, row) | parted.identifiers(),
        parted.body,
    )


def _named(held: Columns, row: Row) -> frozenset[Identifier]:
    """Whom and what the values beside the text name."""
    found: dict[str, list[str]] = {}
    for column, kind in held.kinds.items():
        value = row[column].strip()
        if kind == "patient_id" and not any(map(str.isdigit, value)):
            found.setdefault("name", []).append(value)
        if kind or _is_number(value):
            found.setdefault(kind or "order", []).append(value)
    return Parted("", found).identifiers()


def _is_number(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= _MIN_DIGITS and not re.search(r"\s", value)


def _date(value: str) -> date | None:
    """A date, or the date of a moment: ``2012-03-04 10:15``, ``20120304101500``."""
    day = value[:8] if value.isdigit() else re.split(r"[T ](?=\d{1,2}:)", value)[0]
    return parse_date(day)


# --- files -----------------------------------------------------------------------------------------------------


def read_table(path: Path) -> Iterator[Line | Rejected]:
    """The rows of a CSV or Parquet file, in order; a row that is broken is a reject, and the others come.

    Raises Rejected if it is no table of reports, or is broken as a whole.
    """
    return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


def _csv(path: Path) -> Iterator[Line | Rejected]:
    """The separator is the one that the header has most of. A quote that is never closed would swallow rows."""
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            head = file.readline()
            file.seek(0)
            lines = csv.reader(file, delimiter=max(_SEPARATORS, key=head.count), strict=True)
            yield from _lines(lines)
    except csv.Error:
        raise Rejected(Reason.UNREADABLE, "expected CSV; a quote is not closed, or a value is too long") from None
    except UnicodeError:
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected CSV in UTF-8, UTF-16 or Windows-1252; another came") from None


def _lines(lines: Iterator[list[str]]) -> Iterator[Line | Rejected]:
    names = tuple(name.strip() for name in next(lines, []))
    held = columns(names)
    for values in lines:
        if len(values) == len(names):
            yield Line(held, dict(zip(names, values, strict=True)))
        elif values:
            yield Rejected(Reason.UNREADABLE, "expected as many values as there are columns; another number came")


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return "cp1252"
    return "utf-8-sig"


def _parquet(path: Path) -> Iterator[Line | Rejected]:
    with path.open("rb") as file:
        try:
            opened = pq.ParquetFile(file)
            held = columns(tuple(opened.schema_arrow.names))
            for batch in opened.iter_batches(_BATCH_ROWS):
                for values in batch.to_pylist():
                    yield Line(held, {name: _written(value) for name, value in values.items()})
        except (pa.ArrowException, UnicodeError, OSError):  # OSError: of the format, too
            raise Rejected(Reason.UNREADABLE, "expected Parquet; it cannot be read") from None


def _written(value: object) -> str:
    """A value of a typed column as a CSV would have it; a number that pandas made a float is whole again.

    A list, a structure or bytes are no value: nothing is written for them, so that the row is refused.
    """
    if value is None or isinstance(value, list | dict | bytes) or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)
