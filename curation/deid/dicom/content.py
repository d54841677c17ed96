"""Content items of structured reports whose concept PS3.15 Table E.3.4-1 names (Clean Structured Content, E.3.4).

An item that the table removes stays as a dummy, because other items refer to it by its position; a reference to an
image or study stays whole, with its UIDs replaced.
"""

from collections.abc import Iterable

from curation.deid.dicom.elements import Odd, element, items
from curation.deid.dicom.profile import Action
from curation.deid.standard import structured_content

_CONCEPT, _VALUE_TYPE = 0x0040A043, 0x0040A040
_CODE, _SCHEME = 0x00080100, 0x00080102
_KEPT_TYPES = ("UIDREF", "IMAGE", "COMPOSITE", "WAVEFORM", "CONTAINER")


def content_rule(pairs: list[tuple[int, bytes]], explicit: bool, options: Iterable[str]) -> Action | None:
    """What becomes of the value of a content item; None where the attribute's own rule decides."""
    tops = dict(pairs)
    if _CONCEPT not in tops or _VALUE_TYPE not in tops:
        return None
    value_type = _text(tops, _VALUE_TYPE, explicit)
    rows = structured_content().get(_concept(tops[_CONCEPT], explicit), ())
    row = next((row for row in rows if row.value_type == value_type), None)
    if row is None or value_type in _KEPT_TYPES or any(row.options.get(option) for option in options):
        return None
    return Action.DUMMY


def _concept(raw: bytes, explicit: bool) -> tuple[str, str]:
    found = element(_CONCEPT, raw, explicit)
    try:
        first = dict(next(items(found.value, found.explicit, 1), []))
    except Odd:
        return "", ""
    return _text(first, _SCHEME, found.explicit), _text(first, _CODE, found.explicit)


def _text(tops: dict[int, bytes], tag: int, explicit: bool) -> str:
    raw = tops.get(tag)
    return element(tag, raw, explicit).value.decode("ascii", "replace").strip(" \0") if raw is not None else ""
