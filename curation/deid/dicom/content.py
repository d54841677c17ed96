"""What an item of a sequence is, as far as it decides on its values: a code, a content item, an age.

Content items whose concept PS3.15 Table E.3.4-1 names are cleaned as it says (Clean Structured Content, E.3.4). An item
that the table removes stays as a dummy, because other items refer to it by its position; a reference to an image or
study stays whole, with its UIDs replaced.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from curation.deid.dicom.codes import CODE_VALUE, LONG_CODE, SCHEME
from curation.deid.dicom.elements import Odd, Pairs, element, items
from curation.deid.dicom.profile import Action
from curation.deid.standard import structured_content

_CONCEPT, _VALUE_TYPE = 0x0040A043, 0x0040A040
_UNITS, _YEARS = 0x004008EA, ("UCUM", "a")
_KEPT_TYPES = ("UIDREF", "IMAGE", "COMPOSITE", "WAVEFORM", "CONTAINER")


@dataclass(frozen=True)
class ItemFacts:
    """``scheme`` of a code's item (None: no code), ``action`` for a content item's value, whether numbers are years."""

    scheme: str | None = None
    action: Action | None = None
    in_years: bool = False


PLAIN = ItemFacts()


def item_facts(pairs: Pairs, explicit: bool, options: Iterable[str]) -> ItemFacts:
    """What an item is."""
    tops = dict(pairs)
    if CODE_VALUE in tops or LONG_CODE in tops:
        return ItemFacts(scheme=_text(tops, SCHEME, explicit))
    if _UNITS in tops:
        return ItemFacts(in_years=_concept(_UNITS, tops[_UNITS], explicit) == _YEARS)
    return ItemFacts(action=_content_action(tops, explicit, options))


def _content_action(tops: dict[int, bytes], explicit: bool, options: Iterable[str]) -> Action | None:
    """What becomes of the value of a content item; None where the attribute's own rule decides."""
    if _CONCEPT not in tops or _VALUE_TYPE not in tops:
        return None
    value_type = _text(tops, _VALUE_TYPE, explicit)
    rows = structured_content().get(_concept(_CONCEPT, tops[_CONCEPT], explicit), ())
    row = next((row for row in rows if row.value_type == value_type), None)
    if row is None or value_type in _KEPT_TYPES or any(row.options.get(option) for option in options):
        return None
    return Action.DUMMY


def _concept(tag: int, raw: bytes, explicit: bool) -> tuple[str, str]:
    """Scheme and code of the first item of a code sequence."""
    found = element(tag, raw, explicit)
    try:
        first = dict(next(items(found.value, found.explicit, 1), []))
    except Odd:
        return "", ""
    return _text(first, SCHEME, found.explicit), _text(first, CODE_VALUE, found.explicit)


def _text(tops: dict[int, bytes], tag: int, explicit: bool) -> str:
    raw = tops.get(tag)
    return element(tag, raw, explicit).value.decode("ascii", "replace").strip(" \0") if raw is not None else ""
