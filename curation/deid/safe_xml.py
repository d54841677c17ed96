"""XML from strangers: bounded, without document types and entities."""

import re
from xml.etree import ElementTree

from curation.errors import Rejected
from curation.records import Reason

MAX_BYTES = 32 * 1024 * 1024  # the largest LIDC reading is below 2 MB
_ENCODING = re.compile(rb"""^<\?xml[^>]*?encoding=["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
_ENCODINGS = {
    "utf-8": "utf-8-sig",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}


def parse(data: bytes) -> ElementTree.Element:
    """The root element; raises Rejected for what is no XML, too large, or brings a document type.

    The text is decoded here, so that no encoding can hide a ``<!DOCTYPE`` from the check and no entity is ever defined.
    """
    if len(data) > MAX_BYTES:
        raise Rejected(Reason.UNSUPPORTED_FILE, f"expected XML below {MAX_BYTES} bytes; more came")
    declared = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf"))
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name not in _ENCODINGS:
        raise Rejected(Reason.UNSUPPORTED_FILE, "expected XML in UTF-8, ASCII, Latin-1 or Windows-1252; another came")
    try:
        text = data.decode(_ENCODINGS[name])
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise Rejected(Reason.UNSUPPORTED_FILE, "expected XML without a document type; one came")
        return ElementTree.fromstring(_DECLARATION.sub("", text.lstrip()))  # noqa: S314 - no entity can be defined
    except (ElementTree.ParseError, UnicodeError, ValueError, LookupError, RecursionError):
        raise Rejected(Reason.UNREADABLE, "expected XML; it cannot be parsed") from None


def text_of(element: ElementTree.Element | None, path: str = "") -> str:
    """Text of an element, or of its first descendant at ``path``, stripped; empty if there is none."""
    found = element.find(path) if element is not None and path else element
    return (found.text or "").strip() if found is not None else ""
