import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.texts import hl7
from curation.deid.texts.hl7 import MAX_MESSAGE, Message, messages, parse
from curation.deid.texts.reports import MAX_BYTES
from curation.deid.texts.results import identifiers, orders, read_results, text_of
from curation.errors import Rejected
from curation.records import Reason

HEAD = "MSH|^~\\&|||||||ORU^R01|CTL1|P|2.5.1"
PID = "PID|1||77^^^EAST^MR||DOE^JANE"


def result(*segments: str, head: str = HEAD) -> bytes:
    return "\r".join((head, *segments)).encode()


def text(*segments: str) -> str:
    """The text of the only report."""
    (order,) = orders(parse(result(*segments)))
    return text_of(order)


# --- a file into messages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"MSH|^~\\&\rPID|1\r", [b"MSH|^~\\&\rPID|1"]),
        (b"MSH|a\nPID|1\n\nMSH|b\r\nPID|2", [b"MSH|a\rPID|1", b"MSH|b\rPID|2"]),
        (b"\x0bMSH|a\rPID|1\r\x1c\r\x0bMSH|b\r\x1c\r", [b"MSH|a\rPID|1", b"MSH|b"]),
        (b"\x0bMSH|a\rPID|1\r\x0bMSH|b\r\x1c\r\x0bMSH|c", [b"\x0bMSH|a\rPID|1", b"MSH|b", b"\x0bMSH|c"]),
        (b"\x0bMSH|a\rPID|1\x1cMSH|b\x1c\x0b", [b"MSH|a\rPID|1", b"MSH|b"]),
        (b"FHS|x\rBHS|x\rMSH|a\rBTS|1\rFTS|1\r", [b"MSH|a"]),
        (b"\xef\xbb\xbfMSH|a", [b"MSH|a"]),
        (
            b"MSH|a\rOBX|1|TX|||Clear.\nCXR is normal.\nPA: clear\rOBX|2",
            [b"MSH|a\rOBX|1|TX|||Clear.\nCXR is normal.\nPA: clear\rOBX|2"],
        ),
        (b" \r\n", []),
        (b"", []),
    ],
    ids=[
        "one",
        "line feeds",
        "frames",
        "broken frames",
        "frames without returns",
        "batch",
        "byte order mark",
        "text with line feeds",
        "blank",
        "empty",
    ],
)
def test_a_file_is_cut_into_its_messages(data: bytes, expected: list[bytes]) -> None:
    assert list(messages(io.BytesIO(data))) == expected


def test_a_file_that_begins_otherwise_is_no_file_of_messages() -> None:
    with pytest.raises(Rejected, match="MSH segment"):
        list(messages(io.BytesIO(b"PID|1\rMSH|a")))


def test_messages_are_whole_wherever_a_chunk_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\x0bMSH|a\r\nPID|1\r\nOBX|1\r\x1c\r\x0bMSH|b\r\x1c\r\x0bMSH|c\r"
    whole = list(messages(io.BytesIO(data)))
    for size in range(1, 12):
        monkeypatch.setattr(hl7, "_CHUNK", size)
        assert list(messages(io.BytesIO(data))) == whole


def test_what_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hl7, "MAX_MESSAGE", 1000)
    monkeypatch.setattr(hl7, "_CHUNK", 100)
    with pytest.raises(Rejected, match="longer one"):
        list(messages(io.BytesIO(b"MSH|" + bytes(2000))))
    with pytest.raises(Rejected, match="more came"):
        parse(b"MSH|^~\\&" + b"x" * 1000)
    assert MAX_MESSAGE > 1000


# --- separators, escapes, characters ---------------------------------------------------------------------


def test_each_message_names_its_own_separators() -> None:
    data = b"MSH#*!?+########ORU*R01\rPID###77***EAST+x*MR!88\rOBX##TX###A ?F? B?S?C?T?D?R?E?E?F ^ |"
    message = parse(data)
    assert message.values(message.segments[1], 3) == [["77", "", "", "EAST+x", "MR"], ["88"]]
    assert message.inner("EAST+x") == ["EAST", "x"]
    assert message.lines(message.segments[2], 9) == [""]
    assert message.lines(message.segments[2], 5) == ["A # B*C+D!E?F ^ |"]


def test_a_message_with_fewer_separators_has_no_escapes_or_repetitions() -> None:
    message = parse(b"MSH|^|\rOBX|1|TX|a\\F\\b~c&d^e")
    assert message.values(message.segments[1], 3) == [["a\\F\\b~c&d", "e"]]
    assert message.inner("a&b") == ["a&b"]
    assert message.lines(message.segments[1], 3) == ["a\\F\\b~c&d^e"]


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("a\\.br\\b", "a\nb"),
        ("a\\.sp\\b\\.sp+2\\c\\.sp 3\\d\\.ce\\e", "a\nb\n\nc\n\n\nd\ne"),
        ("\\.in+4\\\\.fi\\a\\.sk3\\b\\H\\c\\N\\d\\.nf\\\\.ti-2\\", "a bcd"),
        ("5 \\T\\ 6 \\E\\ 7 \\P\\8", "5 & 6 \\ 7 8"),
        ("a\\X0D0A\\b\\X41\\\\XC3A9\\\\X07\\c", "a\nbAéc"),
        ("\\C2842\\a\\M24434A\\b\\Zany thing\\c", "abc"),
        ("a \\ b\\.br\\c \\unknown\\ d", "a \\ b\nc \\unknown\\ d"),
        ("a~b", "a\nb"),
        ("a^b&c", "a^b&c"),
        ('""', ""),
    ],
)
def test_escape_sequences_become_what_they_stand_for(given_text: str, expected: str) -> None:
    message = parse(result(f"OBX|1|TX|||{given_text}"))
    assert "\n".join(message.lines(message.segments[1], 5)) == expected


@pytest.mark.parametrize(
    ("charset", "data", "expected"),
    [
        ("", "Größe".encode(), "Größe"),
        ("", "Größe’".encode("cp1252"), "Größe’"),
        ("8859/1", "Größe".encode("latin-1"), "Größe"),
        ("8859/2", "Łódź".encode("iso8859-2"), "Łódź"),
        ("8859/99", "Größe".encode("latin-1"), "Größe"),
        ("UNICODE UTF-8", "Łódź".encode(), "Łódź"),
    ],
)
def test_characters_are_read_in_the_set_that_the_message_names(charset: str, data: bytes, expected: str) -> None:
    message = parse(f"{HEAD}||||||{charset}\rOBX|1|TX|||".encode() + data)
    assert message.lines(message.segments[1], 5) == [expected]


@pytest.mark.parametrize(
    "data", [b"MSH", b"MSH|", b"MSHx^~x", b"MSH ^ ", b"MSH\xff^\xff", b"MSH|^~\\&|\x81\xff\x9d", b"MSH|^~\\&|\x00"]
)
def test_what_cannot_be_read_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected, match="expected"):
        parse(data)


_FIELD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.lists(_FIELD, min_size=1, max_size=5))
def test_what_is_escaped_comes_back(values: list[str]) -> None:
    signs = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "&": "\\T\\"}
    escaped = ["".join(signs.get(letter, letter) for letter in value) for value in values]
    message = parse(result(f"OBX|1|TX|||{'~'.join(escaped)}"))
    assert message.lines(message.segments[1], 5) == ([""] if escaped == ['""'] else values)


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_any_bytes_are_messages_or_a_reject(head: bytes, rest: bytes) -> None:
    for data in (head, result(PID, "OBR|1") + b"\r" + head, b"MSH" + head + b"\rOBX|1|TX|||" + rest):
        try:
            for each in messages(io.BytesIO(data)):
                identifiers(parse(each))
                read_results(each)
        except Rejected as outcome:
            assert outcome.detail.startswith("expected")


# --- which lines are one report --------------------------------------------------------------------------


def test_the_lines_of_an_order_are_one_text() -> None:
    made = text(
        "OBR|1||A1", "OBX|1|TX|X||Clear.", "OBX|2|TX|X||", "OBX|3|ST|X||No edema. ", "OBX|4|FT|X||One.\\.br\\Two."
    )
    assert made == "Clear.\n\nNo edema.\nOne.\nTwo."


@pytest.mark.parametrize(
    ("code", "line", "expected"),
    [
        ("71020&IMP^Chest", "Clear.", "IMPRESSION: Clear."),
        ("71020&GDT", "Clear.", "Clear."),
        ("19005-8^Impression^LN", "Clear.", "IMPRESSION: Clear."),
        ("19005-8", "Impression:", "Impression:"),
        ("19005-8", "IMPRESSIONS: Clear.", "IMPRESSIONS: Clear."),
        ("59776-5", "Findings consistent with edema.", "FINDINGS: Findings consistent with edema."),
        ("L1^Findings:", "Clear.", "FINDINGS: Clear."),
        ("L1^Something", "Clear.", "Clear."),
        ("", "Clear.", "Clear."),
    ],
)
def test_the_code_of_an_observation_says_its_section(code: str, line: str, expected: str) -> None:
    assert text("OBR|1||A1", f"OBX|1|TX|{code}||{line}") == expected


def test_sections_stand_under_one_header_each_and_notes_are_comments() -> None:
    made = text(
        *("OBR|1||A1", "OBX|1|TX|59776-5||", "OBX|2|TX|59776-5||Clear.", "OBX|3|TX|59776-5||No edema."),
        *("OBX|4|TX|&IMP||Normal.", "NTE|1||Called.", "OBX|5|CWE|L1||R91.8^Nodule~Mass"),
    )
    assert made == "FINDINGS: Clear.\nNo edema.\nIMPRESSION: Normal.\nCOMMENT: Called.\nNodule\nMass"


def test_what_does_not_hold_or_is_no_text_is_left_out() -> None:
    made = text(
        *("OBR|1||A1", "OBX|1|TX|||Wrong.||||||W", "OBX|2|TX|||Gone.||||||D", "OBX|3|ED|||^AP^PDF^Base64^JVBERi0="),
        *("OBX|4|NM|||5", "OBX|5|TX|||Clear.||||||F", 'NTE|1||""'),
    )
    assert made == "Clear."


def test_notes_of_patients_and_requests_are_no_report() -> None:
    assert text("PID|1||77", "NTE|1||Deaf.", "ORC|RE", "NTE|1||Urgent.", "OBR|1||A1", "OBX|1|TX|||Clear.") == "Clear."


def test_orders_of_a_message_are_reports_and_those_of_one_number_one() -> None:
    reports = read_results(
        result(
            *(PID, "OBR|1||A1^RIS", "OBX|1|TX|||One.", "OBR|2||A2||||20120304", "OBX|1|TX|||Two.", "OBR|3||A1^RIS"),
            *(
                "OBX|1|TX|||Three.",
                "OBR|4||A4",
                "PID|2||88",
                "OBR|1||A1",
                "OBX|1|TX|||Four.",
                "OBR|2",
                "OBX|1|TX|||Five.",
            ),
        )
    )
    found = [(report.patient_id, report.report_id, report.accession, report.text) for report in reports]
    assert found == [
        ("EAST/77", "A1", "A1", "One.\nThree."),
        ("EAST/77", "A2", "A2", "Two."),
        ("88", "A1", "A1", "Four."),
        ("88", "", "", "Five."),
    ]
    assert reports[1].study_date == date(2012, 3, 4)


def test_lines_without_an_order_are_a_report_by_the_number_of_the_message() -> None:
    (report,) = read_results(result(PID, "OBX|1|TX|||One.", "OBX|2|TX|||Two."))
    assert (report.report_id, report.accession, report.text) == ("CTL1", "", "One.\nTwo.")


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (("OBR|1|P1|F1",), "F1"),
        (("OBR|1|P1",), "P1"),
        (("OBR|1|P1|F1|||||||||||||||ACC18",), "ACC18"),
        (("IPC|ACC1^X", "OBR|1|P1|F1|||||||||||||||ACC18"), "ACC1"),
    ],
)
def test_the_accession_number_stands_where_senders_put_it(segments: tuple[str, ...], expected: str) -> None:
    (report,) = read_results(result(PID, *segments, "OBX|1|TX|||Clear."))
    assert report.accession == expected


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        ("PID|1||5^^^^PI~77^^^EAST&1.2&ISO^MR", "EAST/77"),
        ("PID|1||5^^^WEST^PI~6", "WEST/5"),
        ("PID|1|4", "4"),
        ("PID|1", ""),
        ("ZZZ|1", ""),
    ],
)
def test_the_patient_is_the_one_of_the_medical_record(pid: str, expected: str) -> None:
    (report,) = read_results(result(pid, "OBR|1||A1", "OBX|1|TX|||Clear."))
    assert report.patient_id == expected


def test_a_patient_whom_only_the_text_names_counts() -> None:
    (report,) = read_results(result("OBR|1||A1", "OBX|1|TX|||MRN: 4711~FINDINGS: Clear."))
    assert (report.patient_id, report.text) == ("4711", "FINDINGS: Clear.")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (result(PID, "OBX|1|TX|||Clear.", head=HEAD.replace("ORU^R01", "ADT^A01")), Reason.UNSUPPORTED_OBJECT),
        (result(PID, "OBX|1|TX|||Clear.", head="MSH|^~\\&"), Reason.UNSUPPORTED_OBJECT),
        (result(PID, "OBR|1||A1", "OBX|1|TX|||"), Reason.EMPTY_REPORT),
        (result(PID, "OBR|1||A1", "OBX|1|TX|||Clear.||||||F", "OBX|2|TX|||No ef"), Reason.TRUNCATED),
        (b"\x0b" + result(PID, "OBR|1||A1", "OBX|1|TX|||Clear.||||||F"), Reason.TRUNCATED),
        (result(PID, "OBR|1||A1", "OBX|1|TX|||" + "a" * (MAX_BYTES + 1)), Reason.UNSUPPORTED_FILE),
    ],
)
def test_a_message_without_a_report_is_rejected(data: bytes, reason: Reason) -> None:
    with pytest.raises(Rejected) as outcome:
        read_results(data)
    assert outcome.value.reason is reason


# --- whom a message names --------------------------------------------------------------------------------


def named(*segments: str) -> set[tuple[str, str]]:
    message: Message = parse(result(*segments))
    return {(kind, value) for kind, value in identifiers(message) if value != "CTL1"}


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (
            "PID|||77^^^EAST~88||DOE&VAN^JANE^Q~ROE^JANE|||",
            {("patient_id", "77"), ("patient_id", "88"), ("name", "DOE^JANE^Q"), ("name", "ROE^JANE")},
        ),
        ("PID|||||||19200304", {("birth_date", "19200304")}),
        (
            "PID|||||||||||12 Lane&Lane&12^^Town^MA^01234",
            {("address", "12 Lane"), ("address", "Town"), ("address", "01234")},
        ),
        (
            "PID|||||||||||||^PRN^PH^a@b.example^^617^5550147~5550199",
            {("email", "a@b.example"), ("phone", "5550147"), ("phone", "5550199")},
        ),
        (
            "PV1|||||||123^ROE^RICHARD~12345^POE^P",
            {("clinician", "ROE^RICHARD"), ("clinician", "POE^P"), ("order", "12345")},
        ),
        ("OBR||||||||||||||||ROE^RICHARD", {("clinician", "ROE^RICHARD")}),
        ("OBR||||||||||||||||JROE^ROE^RICHARD", {("clinician", "JROE^ROE^RICHARD")}),
        ("OBR||||||||||||||||||||||||||||||||9&ROE&RICHARD^20120304", {("clinician", "ROE^RICHARD")}),
        ("ORC||12|P-4711^RIS", {("order", "P-4711")}),
        ('NK1||""', set()),
        ("ZZZ|DOE^JANE", set()),
    ],
)
def test_fields_of_identity_are_known(segment: str, expected: set[tuple[str, str]]) -> None:
    assert named(segment) == expected
