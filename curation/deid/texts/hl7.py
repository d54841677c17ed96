"""Reads the syntax of HL7 version 2: a file into messages, a message into segments, fields and components.

A file holds one message or many, bare or in MLLP frames, perhaps in a batch. Separators are those that each message
names in MSH-1 and MSH-2. Sources: HL7 2.5.1, chapter 2 (2.7 escape sequences, 2.14.9 MSH; table 0211 character sets);
HL7 Transport Specification: MLLP, release 1 (frames).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from curation.deid.texts.reports import is_text
from curation.errors import Rejected
from curation.records import Reason

MAX_MESSAGE = 32 * 1024 * 1024  # bytes; a document in Base64 may stand beside the text
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"([\r\n\x0b\x1c]+)")
_BEGIN_FRAME, _END_FRAME = b"\x0b", b"\x1c"  # MLLP: VT before a message, FS and CR behind it
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_NAME = re.compile(rb"[A-Z][A-Z0-9]{2}")
_BREAKS = re.compile(r"\.(?:br|ce|sp ?\+?(\d*))")
_SIGNS = "SRETP"
"""Escape codes of the separators of MSH-2, in their order: component, repetition, escape, subcomponent, truncation."""
_LATIN = frozenset(range(2, 17)) - {12}  # parts of ISO 8859; 8859/1 is read as Windows-1252, which holds it
_NULL = '""'

Segment = tuple[str, ...]
"""A segment's name and its fields as they came, so that a field's number is its place; of MSH, 1 is the separator."""


@dataclass(frozen=True)
class Message:
    """The segments of a message, and how to read their fields."""

    separators: str
    """Component, repetition, escape, subcomponent, truncation; as many as MSH-2 names."""
    charset: str
    segments: tuple[Segment, ...]

    def values(self, segment: Segment, number: int) -> list[list[str]]:
        """A field's repetitions, each as its components, unescaped; none where the field is empty or null."""
        raw = _field(segment, number)
        if not raw:
            return []
        component, repetition = self.separators[:1], self.separators[1:2]
        return [[self._plain(part) for part in cut(one, component)] for one in cut(raw, repetition)]

    def first(self, segment: Segment, number: int, component: int = 1) -> str:
        """A component of a field's first repetition; empty if there is none."""
        values = self.values(segment, number)
        return values[0][component - 1].strip() if values and len(values[0]) >= component else ""

    def lines(self, segment: Segment, number: int) -> list[str]:
        """A field of text as lines: one or more a repetition; a component's separator is a character as any other."""
        repetitions = cut(_field(segment, number), self.separators[1:2])
        return [line for one in repetitions for line in self._plain(one).split("\n")]

    def inner(self, component: str) -> list[str]:
        """The subcomponents of a component."""
        return cut(component, self.separators[3:4])

    def _plain(self, value: str) -> str:
        """A value without escape sequences; what is none stays as it stands."""
        escape = self.separators[2:3]
        return self._escape.sub(self._meaning, value) if escape.strip() and escape in value else value

    @cached_property
    def _escape(self) -> re.Pattern[str]:
        mark = re.escape(self.separators[2])
        codes = r"[FHN]|\.[a-z]{2} ?[+-]?\d{0,3}|X(?:[0-9A-Fa-f]{2})+|[CM][0-9A-Fa-f]{4,6}"
        return re.compile(f"{mark}([{_SIGNS}]|{codes}|Z[^{mark}]{{0,80}}){mark}")

    def _meaning(self, found: re.Match[str]) -> str:
        code = found[1]
        if code == "F":
            return self.segments[0][1]
        if code in _SIGNS:
            return dict(zip(_SIGNS, self.separators, strict=False)).get(code, "")
        if code.startswith("X"):
            text = bytes.fromhex(code[1:]).decode(self.charset, "replace")
            return re.sub(r"[\x00-\x08\x0b-\x1f]", "", re.sub(r"\r\n?", "\n", text))
        breaks = _BREAKS.fullmatch(code)
        if breaks:
            return "\n" * int(breaks[1] or 1)
        return " " if code.startswith(".sk") else ""  # the rest is layout: indents, highlights, other character sets


def messages(file: IO[bytes]) -> Iterator[bytes]:
    """The messages of a file, segments between carriage returns; raises Rejected if it does not begin with one.

    A line that is no segment goes on with the one before it. A message whose frame has no end keeps the sign of its
    beginning, by which ``parse`` knows that it broke off.
    """
    pending: list[bytes] = []
    for marks, line in _lines(file):
        if pending and _END_FRAME in marks:
            pending[0] = pending[0].removeprefix(_BEGIN_FRAME)
        if line.startswith(b"MSH") and not line[3:4].isalnum():
            if pending:
                yield b"\r".join(pending)
            pending = [(_BEGIN_FRAME if marks.endswith(_BEGIN_FRAME) else b"") + line]
        elif line and not line.startswith(_ENVELOPE):
            _go_on(pending, line)
    if pending:
        yield b"\r".join(pending)


def _go_on(pending: list[bytes], line: bytes) -> None:
    if not pending:
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected HL7 messages, each from its MSH segment on; none came")
    if _NAME.match(line) and line[3:4] == pending[0].removeprefix(_BEGIN_FRAME)[3:4]:
        pending.append(line)
    else:
        pending[-1] += b"\n" + line


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line with the control characters before it; those behind the last one come with a line of nothing."""
    rest = file.read(len(_BOM)).removeprefix(_BOM)
    marks = b""
    while chunk := file.read(_CHUNK):
        *parts, rest = _END.split(rest + chunk)
        for line, behind in zip(parts[::2], parts[1::2], strict=True):
            if line.strip():
                yield marks, line
                marks = b""
            marks += behind
        if len(rest) > MAX_MESSAGE:
            raise Rejected(Reason.UNSUPPORTED_FILE, f"expected segments below {MAX_MESSAGE} bytes; a longer one came")
    yield marks, rest.strip() and rest


def parse(data: bytes) -> Message:
    """A message of ``messages``; raises Rejected if it broke off, or its separators or characters cannot be read."""
    if data.startswith(_BEGIN_FRAME):
        raise Rejected(Reason.TRUNCATED, "expected a message to the end of its frame; it broke off before")
    if len(data) > MAX_MESSAGE:
        raise Rejected(Reason.UNSUPPORTED_FILE, f"expected a message below {MAX_MESSAGE} bytes; more came")
    mark = data[3:4]
    fields = data.partition(b"\r")[0].split(mark or b"|")
    if not mark.isascii() or mark.isalnum() or not mark.strip() or not fields[1:] or not fields[1].strip():
        raise Rejected(Reason.UNREADABLE, "expected an MSH segment that names its separators; it does not")
    charset = _charset(data, fields[17] if len(fields) > 17 else b"")
    text = data.decode(charset)
    if not is_text(text):
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected a message of text; binary data came")
    separator = mark.decode("ascii")
    head, *rest = (tuple(line.split(separator)) for line in text.split("\r"))
    return Message(head[1], charset, ((head[0], separator, *head[1:]), *rest))


def _charset(data: bytes, named: bytes) -> str:
    """UTF-8 where it is that, else what MSH-18 names, else Windows-1252."""
    number = re.match(rb"8859/(\d{1,2})", named)
    latin = f"iso8859-{int(number[1])}" if number and int(number[1]) in _LATIN else "cp1252"
    for charset in ("utf-8", latin):
        try:
            data.decode(charset)
        except UnicodeError:
            continue
        return charset
    raise Rejected(Reason.UNSUPPORTED_FILE, "expected a message in UTF-8, ISO 8859 or Windows-1252; another came")


def cut(value: str, separator: str) -> list[str]:
    """The parts of a value; the whole where there is no such separator."""
    return value.split(separator) if separator.strip() else [value]


def _field(segment: Segment, number: int) -> str:
    raw = segment[number] if number < len(segment) else ""
    return "" if raw == _NULL else raw
