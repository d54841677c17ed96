"""Radiology reports in HL7 results (ORU): which OBX lines are one report, and whom a message names.

The OBX lines below one OBR are one report; OBRs of a message that name the same order are one as well. Sources: HL7
2.5.1, chapters 3 (PID, PD1, NK1, PV1), 4 (ORC, OBR), 6 (GT1, IN1) and 7 (OBX); IHE Radiology TF-2, 4.4 (OBR-18, ZDS).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from curation.deid.keys.identity import Identifier, patient_key
from curation.deid.texts.headers import CLINICAL_LABELS, part
from curation.deid.texts.hl7 import Message, Segment, parse
from curation.deid.texts.reports import LOCAL_LICENCE, MAX_BYTES, ReportOriginal, parse_date
from curation.errors import Rejected
from curation.records import Reason

_TEXTS, _CODES = ("TX", "FT", "ST", ""), ("CE", "CWE", "CNE")
"""Types of values that hold words (OBX-2); of a code it is the second component."""
_STATUS = 11
_VOID = ("D", "W", "X")
"""OBX-11 of what does not hold: deleted, posted for another patient, without a result."""
_SECTIONS = {  # OBX-3: suffixes of HL7 2.5.1, 7.17.2; LOINC
    "IMP": "IMPRESSION",
    "REC": "RECOMMENDATION",
    "59776-5": "FINDINGS",
    "19005-8": "IMPRESSION",
    "55110-1": "CONCLUSION",
    "18834-2": "COMPARISON",
    "11329-0": "HISTORY",
    "18785-6": "INDICATION",
    "55111-9": "TECHNIQUE",
    "55107-7": "ADDENDUM",
    "18783-1": "RECOMMENDATION",
}
_NOTE = "COMMENT"


@dataclass
class Order:
    """One report of a message: whose, its OBR, and its lines, each with the section that its code names, if any."""

    patient: Segment
    segment: Segment
    lines: list[tuple[str, str]] = field(default_factory=list)


def read_results(data: bytes) -> list[ReportOriginal]:
    """The reports of a message; raises Rejected if it is no result, or there is no text in it."""
    message = parse(data)
    found = orders(message)
    named = identifiers(message)
    return [_original(message, order, named, len(found) == 1) for order in found]


def orders(message: Message) -> list[Order]:
    """The reports of a message that have text, in order; raises Rejected as ``read_results``."""
    _check(message)
    found: dict[tuple[int, str], Order] = {}
    patient: tuple[int, Segment] = (0, ("PID",))
    current: Order | None = None
    for at, segment in enumerate(message.segments):
        if segment[0] == "PID":
            patient, current = (at, segment), None
        elif segment[0] == "ORC":
            current = None
        elif segment[0] == "OBR" or (segment[0] == "OBX" and current is None):
            number = order_number(message, segment)
            key = (patient[0], number) if number else (at, "")
            current = found.setdefault(key, Order(patient[1], segment))
        if current is not None:
            current.lines += _lines(message, segment)
    told = [order for order in found.values() if text_of(order)]
    if not told:
        raise Rejected(Reason.EMPTY_REPORT, "expected text in OBX segments; there is none")
    return told


def _check(message: Message) -> None:
    """Raise Rejected unless this is a result, and whole: OBX-11 must be given, so where others have it, all do."""
    if message.first(message.segments[0], 9) != "ORU":
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected results (ORU); a message of another type came")
    *before, last = message.segments
    others = [len(segment) for segment in before if segment[0] == "OBX"]
    if last[0] == "OBX" and len(last) <= _STATUS < max(others, default=0):
        raise Rejected(Reason.TRUNCATED, "expected a last OBX with a status, as those before it have; it broke off")


def order_number(message: Message, segment: Segment) -> str:
    """The number of an OBR: the filler's, else the placer's; empty for another segment."""
    if segment[0] != "OBR":
        return ""
    return message.first(segment, 3) or message.first(segment, 2)


def text_of(order: Order) -> str:
    """A report's lines; where a code names another section than the line before, under that header.

    Raises Rejected if there are more than a report has.
    """
    made: list[str] = []
    for section, group in groupby(order.lines, key=lambda pair: pair[0]):
        lines = [line.rstrip() for _, line in group]
        first = next((at for at, line in enumerate(lines) if line), None)
        if section and first is not None and not re.match(rf"\s*{section}S?\s*(?::|$)", lines[first], re.IGNORECASE):
            lines[first] = f"{section}: {lines[first].lstrip()}"
        made += lines
    text = "\n".join(made).strip("\n")
    if len(text) > MAX_BYTES:
        raise Rejected(Reason.UNSUPPORTED_FILE, f"expected a report below {MAX_BYTES} characters; more came")
    return text


def _lines(message: Message, segment: Segment) -> list[tuple[str, str]]:
    if segment[0] == "NTE":
        return [(_NOTE, line) for line in message.lines(segment, 3)]
    if segment[0] != "OBX" or message.first(segment, _STATUS) in _VOID:
        return []
    kind, section = message.first(segment, 2), _section(message, segment)
    if kind in _TEXTS:
        return [(section, line) for line in message.lines(segment, 5)]
    values = message.values(segment, 5) if kind in _CODES else []
    return [(section, value[1] if len(value) > 1 else value[0]) for value in values]


def _section(message: Message, segment: Segment) -> str:
    """The section that the code or the name of an observation announces; empty if none."""
    code, name = message.first(segment, 3), message.first(segment, 3, 2)
    told = (_SECTIONS.get(word, word.upper().rstrip(":")) for word in (message.inner(code)[-1], code, name))
    return next((section for section in told if section in CLINICAL_LABELS), "")


def _original(message: Message, order: Order, named: frozenset[Identifier], is_only: bool) -> ReportOriginal:
    obr = order.segment if order.segment[0] == "OBR" else ("OBR",)
    parted = part(text_of(order), is_letter=False)
    number = order_number(message, obr)
    return ReportOriginal(
        "local",
        LOCAL_LICENCE,
        number or (message.first(message.segments[0], 10) if is_only else ""),
        _patient(message, order.patient) or patient_key(parted.first("patient_id"), parted.first("issuer")),
        _accession(message, obr) if is_only else message.first(obr, 18) or number,
        parse_date(message.first(obr, 7)[:8]),
        named | parted.identifiers(),
        parted.body,
    )


def _patient(message: Message, pid: Segment) -> str:
    """The patient's number with its issuer (PID-3): the medical record's (MR) if one says so, else the first."""
    numbers = message.values(pid, 3) or message.values(pid, 2)
    best = next((one for one in numbers if one[4:5] == ["MR"]), numbers[0] if numbers else [""])
    return patient_key(best[0], message.inner(best[3])[0] if len(best) > 3 else "")


def _accession(message: Message, obr: Segment) -> str:
    """The AccessionNumber: of an IPC segment, in OBR-18 as IHE has it, else the order's number."""
    given = next((message.first(segment, 1) for segment in message.segments if segment[0] == "IPC"), "")
    return given or message.first(obr, 18) or order_number(message, obr)


# --- whom a message names ------------------------------------------------------------------------------------

_FIELDS = (  # segment, fields, kind of identifier, and the data type that says how a field holds it
    ("MSH", (4, 6), "institution", "HD"),
    ("MSH", (10,), "order", "EI"),
    ("PID", (2, 3, 4, 19, 20), "patient_id", "CX"),
    ("PID", (18,), "order", "CX"),
    ("PID", (5, 9), "name", "XPN"),
    ("PID", (6,), "person", "XPN"),
    ("PID", (7,), "birth_date", "TS"),
    ("PID", (11, 23), "address", "XAD"),
    ("PID", (13, 14), "phone", "XTN"),
    ("PD1", (3,), "institution", "XON"),
    ("PD1", (4,), "clinician", "XCN"),
    ("NK1", (2, 30), "person", "XPN"),
    ("NK1", (4,), "address", "XAD"),
    ("NK1", (5, 6), "phone", "XTN"),
    ("PV1", (7, 8, 9, 17, 52), "clinician", "XCN"),
    ("PV1", (5, 19, 50), "order", "CX"),
    ("ORC", (2, 3, 4), "order", "EI"),
    ("ORC", (10, 11, 12, 19), "clinician", "XCN"),
    ("ORC", (14, 23), "phone", "XTN"),
    ("ORC", (21,), "institution", "XON"),
    ("ORC", (22, 24), "address", "XAD"),
    ("OBR", (2, 3, 18, 19, 20, 21), "order", "EI"),
    ("OBR", (10, 16, 28), "clinician", "XCN"),
    ("OBR", (17,), "phone", "XTN"),
    ("OBR", (32, 33, 34, 35), "clinician", "NDL"),
    ("OBX", (15, 23), "institution", "XON"),
    ("OBX", (16, 25), "clinician", "XCN"),
    ("OBX", (24,), "address", "XAD"),
    ("IPC", (1, 2, 3), "order", "EI"),
    ("ZDS", (1,), "order", "EI"),
    ("ROL", (4,), "clinician", "XCN"),
    ("GT1", (3, 4), "person", "XPN"),
    ("GT1", (5,), "address", "XAD"),
    ("GT1", (6, 7), "phone", "XTN"),
    ("GT1", (12, 19), "order", "CX"),
    ("IN1", (16,), "person", "XPN"),
    ("IN1", (19,), "address", "XAD"),
    ("IN1", (36, 49), "order", "CX"),
)
_BY_SEGMENT = {name: [row[1:] for row in _FIELDS if row[0] == name] for name in {row[0] for row in _FIELDS}}
_MIN_NUMBER = 5  # characters of a number of a person or an order; a shorter one is any number of a text


def identifiers(message: Message) -> frozenset[Identifier]:
    """Whom and what a message names, wherever the standard has a field for it."""
    pairs = (
        (named, value.strip(" ^"))
        for segment in message.segments
        for numbers, kind, data_type in _BY_SEGMENT.get(segment[0], ())
        for number in numbers
        for parts in message.values(segment, number)
        for named, value in _named(kind, data_type, [message.inner(part) for part in parts])
    )
    return frozenset(Identifier(kind, value) for kind, value in pairs if value)


def _named(kind: str, data_type: str, parts: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Kind and value of what one repetition of a field names; ``parts``: the subcomponents of its components."""
    plain = [part[0].strip() for part in parts]
    if data_type == "XPN":  # family, given, middle
        yield kind, "^".join(plain[:3])
    elif data_type == "XAD":
        yield from ((kind, value) for value in plain if len(value) > 2)
    elif data_type == "XTN":
        yield from (("email" if "@" in value else kind, value) for value in plain if _is_number(value) or "@" in value)
    elif data_type in ("XCN", "NDL"):
        yield from _staff(kind, plain if data_type == "XCN" else parts[0])
    elif kind != "order" or len(plain[0]) >= _MIN_NUMBER:
        yield kind, plain[0]


def _is_number(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= _MIN_NUMBER


def _staff(kind: str, parts: list[str]) -> Iterator[tuple[str, str]]:
    """A person's number and name; some senders leave the number out and start with the name."""
    number = parts[0] if any(map(str.isdigit, parts[0])) else ""
    if len(number) >= _MIN_NUMBER:
        yield "order", number
    yield kind, "^".join(filter(None, parts[1:4] if number else parts[:4]))
