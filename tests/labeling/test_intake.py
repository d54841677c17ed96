import gzip
import io
import json
import os
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError, UsageError
from labeling import intake
from labeling.intake import Refused, Text, read_texts

GOOD = '{"id": "a", "text": "Clear."}\n'
OPENI = """<eCitation><uId id="CXR7"/><AbstractText Label="FINDINGS">Clear.</AbstractText>
<AbstractText Label="IMPRESSION">Normal.</AbstractText></eCitation>"""
ORU = "MSH|^~\\&|||||||ORU^R01|C1|P|2.5\rPID|1||77\rOBR|1||A1\rOBX|1|TX|||Clear.\rOBX|2|TX|||Normal.\r"


def read(path: Path, data: bytes | str) -> list[Text | Refused]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return list(read_texts(path))


def refused(path: Path, data: bytes | str) -> list[tuple[str, str]]:
    return [one for one in read(path, data) if isinstance(one, Refused)]


# --- JSON lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "where", "reason"),
    [
        ("{", "line 2", "cannot be parsed"),
        ("[" * 100_000, "line 2", "cannot be parsed"),
        (b'{"id": "b", "text": "\xff"}', "line 2", "cannot be parsed"),
        ('["b", "Clear."]', "line 2", "an object"),
        ('{"id": "b"}', "line 2", "strings"),
        ('{"id": "b", "text": null}', "line 2", "strings"),
        ('{"id": true, "text": "Clear."}', "line 2", "strings"),
        ('{"id": "", "text": "Clear."}', "line 2", "no id"),
        ('{"id": "b", "text": " \\n"}', "line 2", "no text"),
        ('{"id": "b", "text": ""}', "line 2", "no text"),
        ('{"id": "b", "text": "\\ud83d"}', "line 2", "halves"),
        ('{"id": "\\ud83d", "text": "Clear."}', "line 2", "halves"),
        ('{"id": "a", "text": "Other."}', "a", "before"),
    ],
)
def test_a_line_that_is_no_report_is_refused_in_its_place(
    tmp_path: Path, line: str | bytes, where: str, reason: str
) -> None:
    middle = line.encode() if isinstance(line, str) else line
    first, other, last = read(
        tmp_path / "in.jsonl", GOOD.encode() + middle + b'\n{"id": 7, "text": "Gr\xc3\xb6\xc3\x9fe"}'
    )
    assert first == Text("a", "Clear.") and last == Text("7", "Größe")
    assert isinstance(other, Refused) and other.where == where and reason in other.reason
    assert "Clear" not in other.reason


def test_blank_lines_a_byte_order_mark_and_other_line_ends_are_no_fault(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"id": "a", "text": "One.\\u2028Two."}\r\n\r\n \n{"id": "b", "text": "Clear.\xe2\x80\xa8"}'
    assert read(tmp_path / "in.ndjson", data) == [Text("a", "One.\u2028Two."), Text("b", "Clear.\u2028")]


def test_a_line_without_an_end_is_passed_over_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MAX_LINE", 100)
    long = '{"id": "b", "text": "' + "a" * 1000
    ((where, reason),) = refused(tmp_path / "in.jsonl", f"{long}\n{GOOD}")
    assert where == "line 1" and "longer one" in reason
    assert read(tmp_path / "in.jsonl", f"{long}\n{GOOD}")[1] == Text("a", "Clear.")
    assert len(read(tmp_path / "in.jsonl", long)) == 1


@pytest.mark.parametrize("cut", [0, 1, 12, 40])
def test_packed_lines_are_read_and_a_torn_file_is_said_so(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress((GOOD * 200).encode())
    found = read(tmp_path / "in.JSONL.GZ", packed[: len(packed) - cut])
    assert (found[-1][1] == "expected a whole gzip file; it is broken from here on") == bool(cut)


def test_what_is_no_gzip_is_said_so(tmp_path: Path) -> None:
    assert refused(tmp_path / "in.jsonl.gz", "no gzip")[0][0] == "line 1"
    assert refused(tmp_path / "in.jsonl.gz", gzip.compress(b"x")[:10] + b"\xff" * 20)[0][0] == "line 1"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    assert list(read_texts(Path("-"))) == [Text("a", "Clear.")]


_STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(_STRINGS, _STRINGS, max_size=6), st.booleans())
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str], escaped: bool
) -> None:
    lines = [json.dumps({"id": key, "text": text}, ensure_ascii=escaped) for key, text in rows.items()]
    found = read(tmp_path_factory.mktemp("t") / "in.jsonl", "\n".join(lines))
    expected = [(key, text) for key, text in rows.items() if key.strip() and text.strip()]
    assert [tuple(one) for one in found if isinstance(one, Text)] == expected
    assert len(found) == len(rows)


@given(st.binary(max_size=300))
def test_every_line_of_any_bytes_is_a_text_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    found = read(tmp_path_factory.mktemp("t") / "in.jsonl", data)
    assert len(found) == sum(1 for number, line in enumerate(data.split(b"\n")) if line.strip())


# --- tables, messages, single files ----------------------------------------------------------------------


def test_a_table_needs_an_id_and_text_and_no_patient(tmp_path: Path) -> None:
    data = "study_id;findings;impression\ns1;Clear.;Normal.\ns2;Clear.\ns1;x;y\n;a;b\ns3;;\n"
    assert read(tmp_path / "in.csv", data) == [
        Text("s1", "FINDINGS: Clear.\n\nIMPRESSION: Normal."),
        Refused("row 2", "expected as many values as there are columns; another number came"),
        Refused("s1", "its id has come before"),
        Refused("row 4", "it has no id"),
        Refused("row 5", "it has no text"),
    ]
    assert read(tmp_path / "in.tsv", "accession\ttext\nA1\tMRN: 1\n") == [Text("A1", "MRN: 1")]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.csv", "id,mrn\n1,2\n", r"in.csv: expected a table of reports"),
        ("in.csv", "mrn,text\n1,Clear.\n", r"in.csv: expected a table with a column id"),
        ("in.csv", 'id,text\n1,"Clear.\n', r"in.csv: expected CSV; a quote"),
        ("in.parquet", "PAR1", r"in.parquet: expected Parquet"),
        ("in.hl7", "PID|1", r"in.hl7: expected HL7 messages"),
        ("in.xml", "<a/>", r"in.xml: expected an Open-I report; other XML came"),
        ("in.xml", "<a", r"in.xml: expected XML"),
        ("in.txt", b"\0", r"in.txt: expected plain text"),
        ("in.docx", "PK", r"in.docx: expected JSON lines, csv"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_a_mistake_of_the_call(
    tmp_path: Path, name: str, data: bytes | str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path / name, data)


def test_a_file_that_is_not_there_or_cannot_be_read_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"none.csv: expected a file or a folder"):
        list(read_texts(tmp_path / "none.csv"))

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    (tmp_path / "in.txt").touch()
    with pytest.raises(UsageError, match="the system refused"):
        list(read_texts(tmp_path / "in.txt"))


def test_messages_are_texts_by_the_numbers_of_their_orders(tmp_path: Path) -> None:
    data = (
        *(ORU, ORU.replace("ORU^R01", "ADT^A01"), ORU.replace("A1", "A2").replace("Clear.", "MRN: 1")),
        *("MSH|^~\\&|||||||ORU^R01|C4\rOBR|1\rOBX|1|TX|||One.\rOBR|2\rOBX|1|TX|||Two.\r", ORU, "MSH|\r"),
    )
    assert read(tmp_path / "in.hl7", "".join(data)) == [
        Text("A1", "Clear.\nNormal."),
        Refused("message 2", "expected results (ORU); a message of another type came"),
        Text("A2", "MRN: 1\nNormal."),
        Text("C4", "One."),
        Text("C4.1", "Two."),
        Refused("A1", "its id has come before"),
        Refused("message 6", "expected an MSH segment that names its separators; it does not"),
    ]


def test_a_report_of_openi_has_its_sections_under_their_labels(tmp_path: Path) -> None:
    expected = "FINDINGS: Clear.\n\nIMPRESSION: Normal."
    assert read(tmp_path / "1.xml", OPENI) == [Text("CXR7", expected)]
    assert read(tmp_path / "1.xml", OPENI.replace('<uId id="CXR7"/>', "")) == [Text("1", expected)]


# --- folders and archives --------------------------------------------------------------------------------


def test_a_folder_is_read_by_path_and_what_is_broken_in_it_is_refused(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "files/p10/p10000032/s50414267.txt": "FINAL REPORT\nClear.",
        "files/p10/p10000032/s50414268.txt": "Größe\r\n".encode("cp1252"),
        "files/p11/p11000032/s50414267.txt": "Another.",
        "files/p11/.hidden.txt": "No report.",
        "a.csv": "id,text\n1,Clear.\n",
        "b.xml": "<b/>",
        "c.jsonl": GOOD,
        "d.pdf": "%PDF",
        "e.csv": "mrn,text\n1,Clear.\n",
    }
    for name, data in files.items():
        read(tmp_path / name, data) if not name.endswith(("xml", "pdf", "e.csv")) else put(tmp_path / name, data)
    assert [tuple(one) for one in read_texts(tmp_path)] == [
        ("1", "Clear."),
        ("b.xml", "expected an Open-I report; other XML came"),
        ("a", "Clear."),
        (
            "d.pdf",
            "expected JSON lines, csv, tsv, Parquet, hl7, Open-I xml or txt (in archives no tables); another came",
        ),
        ("e.csv", "expected a table with a column id or report_id; none came"),
        ("s50414267", "FINAL REPORT\nClear."),
        ("s50414268", "Größe\r\n"),
        ("s50414267", "its id has come before"),
    ]


def put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def archive(**files: str) -> bytes:
    """A tar archive of these files (``_`` for a dot), in a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        folder = tarfile.TarInfo("reports")
        folder.type = tarfile.DIRTYPE
        made.addfile(folder)
        for name, text in files.items():
            about = tarfile.TarInfo(f"reports/{name.replace('_', '.')}")
            about.size = len(text.encode())
            made.addfile(about, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["in.tgz", "in.tar.gz", "in.tar"])
def test_an_archive_is_read_as_a_stream(tmp_path: Path, name: str) -> None:
    files = {
        "1_xml": OPENI,
        "2_xml": "<b/>",
        "_3_xml": OPENI,
        "4_txt": "Clear.",
        "5_hl7": ORU,
        "6_jsonl": GOOD,
        "7_csv": "x",
    }
    data = archive(**files) if name == "in.tar" else gzip.compress(archive(**files))
    assert [next(iter(one)) for one in read(tmp_path / name, data)] == [
        *("CXR7", "reports/2.xml", "4", "A1", "a", "reports/7.csv")
    ]


@pytest.mark.parametrize("zeros", [0, 1 << 16])
def test_zeros_behind_an_archive_are_no_fault(tmp_path: Path, zeros: int) -> None:
    assert read(tmp_path / "in.tar", archive(a_txt="Clear.") + bytes(zeros)) == [Text("a", "Clear.")]


@pytest.mark.parametrize("keep", [0, 20, 0.5, 0.9])
def test_a_torn_archive_is_said_so(tmp_path: Path, keep: float) -> None:
    data = gzip.compress(
        archive(**{f"{at}_txt": f"Nodule of {at} mm, {at * 7919} of {at * 104729}." for at in range(99)})
    )
    found = read(tmp_path / "in.tgz", data[: int(keep if keep > 1 else keep * len(data))])
    assert found[-1][1] == "expected a whole archive; it is broken from here on"
    assert sum(isinstance(one, Refused) for one in found) == 1


@pytest.mark.parametrize("blocks", [1, 3, 5])
def test_an_archive_that_ends_between_two_files_is_torn(tmp_path: Path, blocks: int) -> None:
    found = read(tmp_path / "in.tar", archive(a_txt="One.", b_txt="Two.")[: blocks * tarfile.BLOCKSIZE])
    assert found == [
        *[Text("a", "One."), Text("b", "Two.")][: blocks // 2],
        Refused(
            ("reports", "reports/a.txt", "reports/b.txt")[blocks // 2],
            "expected a whole archive; it is broken from here on",
        ),
    ]


def test_a_pipe_is_read_as_standard_input_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"id": "a", "text": "No edema."}\n',))
    writer.start()
    assert list(read_texts(pipe)) == [Text("a", "No edema.")]
    writer.join()


def test_standard_input_that_is_closed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="closed"):
        list(read_texts(Path("-")))
