import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.texts.reports import MAX_BYTES, ReportOriginal
from curation.deid.texts.tabular import Line, columns, read_row, read_table
from curation.errors import Rejected
from curation.records import Reason

NAMES = ("id", "mrn", "text")


def report(**values: str) -> ReportOriginal:
    """The report of a row."""
    return read_row(columns(tuple(values)), values)


def read(path: Path, data: bytes | str) -> list[dict[str, str] | Reason]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [dict(line.row) if isinstance(line, Line) else line.reason for line in read_table(path)]


# --- columns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("id", "mrn", "text"), ("id", "mrn", "", "", "text")),
        (("REPORT_ID", "Subject ID", "Accession-Number", "Study.Date", "Report"), None),
        (
            ("noteId", "patientId", "accessionNumber", "chartTime", "noteText"),
            ("noteId", "patientId", "accessionNumber", "", "noteText"),
        ),
        (("subject_id", "study_id", "report"), ("study_id", "subject_id", "study_id", "", "report")),
        (("study_id", "report_id", "text"), ("report_id", "", "study_id", "", "text")),
        (("id", "findings"), ("id", "", "", "", "")),
    ],
)
def test_columns_are_known_by_many_names(names: tuple[str, ...], expected: tuple[str, ...] | None) -> None:
    roles = columns(names).roles
    found = tuple(roles.get(role, "") for role in ("report_id", "patient_id", "accession", "study_date", "text"))
    assert found == (expected or names)


@pytest.mark.parametrize("names", [(), ("id", "mrn"), ("id", "comparison"), ("id", "texts")])
def test_a_table_without_text_is_no_table_of_reports(names: tuple[str, ...]) -> None:
    with pytest.raises(Rejected, match="expected a table of reports, with a column text"):
        columns(names)


def test_columns_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(Rejected, match="different names"):
        columns(("id", "text", "id"))


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("patient_name", "name"),
        ("FirstName", "name"),
        ("dob", "birth_date"),
        ("birth_day", "birth_date"),
        ("referring_physician", "clinician"),
        ("Radiologist 2", "clinician"),
        ("approved_by", "signed"),
        ("home phone", "phone"),
        ("zip", "address"),
        ("hospital_name", "institution"),
        ("dicom_id", "order"),
        ("order_no", "order"),
        ("chartdate", "study_date"),
        ("sex", "other"),
        ("view", ""),
        ("procedure_name", ""),
    ],
)
def test_the_name_of_another_column_says_whom_it_names(column: str, kind: str) -> None:
    assert columns(("text", column)).kinds == {column: kind}


# --- a row -----------------------------------------------------------------------------------------------


def test_sections_in_columns_become_one_text_in_the_usual_order() -> None:
    made = report(impression="Normal.", findings=" Clear. ", indication="", history="Cough.")
    assert made.text == "HISTORY: Cough.\n\nFINDINGS: Clear.\n\nIMPRESSION: Normal."


def test_sections_beside_a_text_are_added_where_the_text_lacks_them() -> None:
    made = report(text="FINDINGS: No\nedema.", findings="No edema.", impression="Normal.")
    assert made.text == "FINDINGS: No\nedema.\n\nIMPRESSION: Normal."


def test_a_row_says_whose_it_is_and_whom_it_names() -> None:
    made = report(
        id="R1",
        patient="DOE^JANE",
        issuer="EAST",
        accession="A-4711",
        date="2012-03-04 10:15:00",
        signed="Final",
        approved_by="Dr. Richard Roe, 3/4/2012",
        sex="F",
        note="",
        split="train",
        key="",
        file="img_0471123",
        comment="seen 12.03.2012 at 10 17",
        report="MRN: 99-1\nFINDINGS: Clear.",
    )
    assert (made.report_id, made.patient_id, made.accession) == ("R1", "EAST/DOE^JANE", "A-4711")
    assert made.study_date == date(2012, 3, 4) and made.text == "FINDINGS: Clear."
    assert (
        made.identifiers
        == {
            ("report_id", "R1"),
            ("patient_id", "DOE^JANE"),
            ("name", "DOE^JANE"),
            ("issuer", "EAST"),
            ("accession", "A-4711"),
            ("clinician", "Richard Roe,"),
            ("order", "img_0471123"),
            ("patient_id", "99-1"),
        }
        - {("clinician", "Final")}
        | {("clinician", "Final")} & made.identifiers
    )


def test_what_the_columns_lack_the_text_may_say() -> None:
    made = report(text="MRN: 77\nACCESSION: A1\nREPORT ID: R1\nFINDINGS: Clear.")
    assert (made.report_id, made.patient_id, made.accession, made.text) == ("R1", "77", "A1", "FINDINGS: Clear.")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2012-03-04", date(2012, 3, 4)),
        ("2012-03-04T10:15:00Z", date(2012, 3, 4)),
        ("20120304101500", date(2012, 3, 4)),
        ("20120304", date(2012, 3, 4)),
        ("4 Mar 2012", date(2012, 3, 4)),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_and_moments_are_read(value: str, expected: date | None) -> None:
    assert report(text="Clear.", study_date=value).study_date == expected


@pytest.mark.parametrize("text", ["a\0b", "a" * (MAX_BYTES + 1)])
def test_what_is_no_text_is_rejected(text: str) -> None:
    with pytest.raises(Rejected, match="expected a text"):
        report(text=text)


# --- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_of_the_header(tmp_path: Path, separator: str) -> None:
    data = f'id{separator} mrn {separator}text\n1{separator}2{separator}"a, b; c\t|\n""d"""\n\n'
    assert read(tmp_path / "t.csv", data) == [{"id": "1", "mrn": "2", "text": 'a, b; c\t|\n"d"'}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    data = "id,mrn,text\n1,2,Größe\n".encode(encoding)
    assert read(tmp_path / "t.csv", data) == [{"id": "1", "mrn": "2", "text": "Größe"}]


def test_a_row_of_another_length_is_refused_alone(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "id,mrn,text\n1,2\n3,4,a\n5,6,b,c\n")
    assert found == [Reason.UNREADABLE, {"id": "3", "mrn": "4", "text": "a"}, Reason.UNREADABLE]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.UNSUPPORTED_FILE),
        (b'id,mrn,text\n1,2,"a', Reason.UNREADABLE),
        (b'id,mrn,text\n1,2,"a"b\n', Reason.UNREADABLE),
        (b"id,mrn,text\n1,2,\x81\n", Reason.UNSUPPORTED_FILE),
        (b"\xff\xfei", Reason.UNSUPPORTED_FILE),
    ],
)
def test_a_csv_that_is_broken_is_rejected(tmp_path: Path, data: bytes, reason: Reason) -> None:
    with pytest.raises(Rejected) as outcome:
        read(tmp_path / "t.csv", data)
    assert outcome.value.reason is reason


def test_values_of_a_parquet_file_are_as_a_csv_has_them(tmp_path: Path) -> None:
    moment = datetime(2012, 3, 4, 10, 15)
    table = {"id": [7.0, None], "mrn": [1, 2], "n": [float("nan"), 2.5], "date": [moment, None], "text": ["a", None]}
    pq.write_table(
        pa.table(table | {"day": [date(2012, 3, 4)] * 2, "utc": [moment.replace(tzinfo=UTC)] * 2}),
        tmp_path / "t.PARQUET",
    )
    found = [line.row for line in read_table(tmp_path / "t.PARQUET") if isinstance(line, Line)]
    assert found[0] == {
        **{"id": "7", "mrn": "1", "n": "", "date": "2012-03-04 10:15:00", "text": "a"},
        **{"day": "2012-03-04", "utc": "2012-03-04 10:15:00+00:00"},
    }
    assert found[1]["id"] == "" == found[1]["text"] == found[1]["date"] and found[1]["n"] == "2.5"


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_parquet_file_that_is_broken_is_rejected(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Rejected) as outcome:
        read(tmp_path / "t.parquet", data)
    assert outcome.value.reason is Reason.UNREADABLE


def test_a_nested_value_of_a_parquet_file_is_none(tmp_path: Path) -> None:
    table = {"id": [["a"]], "text": [{"part": "b"}], "mrn": [b"c"], "n": ["d"]}
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    (line,) = read_table(tmp_path / "t.parquet")
    assert isinstance(line, Line)
    assert line.row == {"id": "", "text": "", "mrn": "", "n": "d"}


_VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(st.lists(st.tuples(_VALUE, _VALUE, _VALUE), max_size=5))
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([NAMES, *rows])
    found = read(tmp_path_factory.mktemp("t") / "t.csv", buffer.getvalue())
    assert found == [dict(zip(NAMES, row, strict=True)) for row in rows]


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_table_or_a_reject(tmp_path_factory: pytest.TempPathFactory, data: bytes, headed: bool) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes((b"id,mrn,text\n" if headed else b"") + data)
    try:
        for line in read_table(path):
            if isinstance(line, Line):
                read_row(*line)
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")
