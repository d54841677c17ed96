"""What a file knows of people: the values that identify, at any depth, by the rules of the profile itself.

An attribute that the profile removes, empties or replaces is one that identifies: its text must stand nowhere else.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_keyword

from curation.deid.dicom.elements import MAX_DEPTH, Element, Odd, Pairs, charset_of, dictionary_vr, element, items
from curation.deid.dicom.opened import Opened
from curation.deid.dicom.profile import Action, Profile
from curation.deid.dicom.values import decode
from curation.deid.keys.identity import Identifier
from curation.errors import Rejected
from curation.records import Reason

_IDENTIFYING = (Action.REMOVE, Action.EMPTY, Action.DUMMY, Action.MADE)
_TEXT_VRS = frozenset({"AE", "LO", "LT", "SH", "ST", "UC", "UT"})
_REMEMBERED = 20_000  # elements; a series of 1,000 slices has about 15,000 different ones
_OURS = frozenset({0x00080005, 0x00120062, 0x00120063, 0x00120064, 0x00280301, 0x00280303})
_BIRTH_DATE = 0x00100030
_CODED = frozenset({0x00080100, 0x00080102, 0x00080104})
_KINDS = (
    ("address", r".*(Address|Residence|Country|Region).*"),
    ("phone", r".*Tele(phone|com).*"),
    ("institution", r".*(Institution|Organization|Center|Site|Hospital|Department|Manufacturer).*"),
    ("device", r".*(Station|Device|Serial|Cassette|Plate|Detector|AETitle|System|Machine).*"),
    ("accession", r"AccessionNumber|StudyID"),
    ("patient_id", r".*(ID|IDs|Number|Identifier|Request|UID)"),
)


class Facts(NamedTuple):
    """What one element says: what names people, places and things; and UIDs, which differ from file to file."""

    names: tuple[Identifier, ...]
    uids: tuple[Identifier, ...]


_NONE = Facts((), ())


class Known:
    """What files say of people, remembered by the bytes of their elements: slices of a series say the same."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._memo: dict[tuple[bool, str], dict[bytes, Facts]] = {}

    def of(self, opened: Opened) -> Facts:
        """The facts of a file, in order of its elements; raises Rejected for sequences that cannot be read."""
        charset = opened.charset
        memo = self._memo.setdefault((opened.explicit, charset), {})
        if len(memo) > _REMEMBERED:
            memo.clear()
        found = []
        for chunk in opened.chunks:
            facts = memo.get(chunk.raw)
            if facts is None:
                facts = memo[chunk.raw] = self._of_chunk(chunk.elements, opened.explicit, charset)
            if facts is not _NONE:
                found.append(facts)
        return _together(found)

    def _of_chunk(self, pairs: Pairs, explicit: bool, charset: str) -> Facts:
        sets = tuple(charset.split("\\"))
        return _together([facts_of(self._profile, tag, raw, explicit, sets) for tag, raw in pairs])


def _together(found: list[Facts]) -> Facts:
    names = tuple(name for facts in found for name in facts.names)
    uids = tuple(uid for facts in found for uid in facts.uids)
    return Facts(names, uids) if names or uids else _NONE


def facts_of(profile: Profile, tag: int, raw: bytes, explicit: bool, charset: tuple[str, ...], depth: int = 0) -> Facts:
    """The facts of an element and of all below it; private and unknown ones have none."""
    if tag & 0x10000:
        return _NONE
    found = element(tag, raw, explicit)
    if found.vr == "SQ":
        return _in_items(profile, found, charset, depth)
    vr = dictionary_vr(tag)
    if vr == "UI":
        return Facts((), tuple(_uids(found)))
    kind = _kind_of(profile, tag, vr)
    return Facts(tuple(Identifier(kind, value) for value in _values(found, charset)), ()) if kind else _NONE


def _in_items(profile: Profile, found: Element, charset: tuple[str, ...], depth: int) -> Facts:
    try:
        return _together(
            [
                facts_of(profile, tag, raw, found.explicit, own, depth + 1)
                for pairs in items(found.value, found.explicit, depth + 1)
                for own in (charset_of(pairs, found.explicit, charset),)
                for tag, raw in pairs
            ]
        )
    except Odd:
        raise Rejected(Reason.UNREADABLE, f"expected items of sequences nested {MAX_DEPTH} deep at most") from None


def _kind_of(profile: Profile, tag: int, vr: str) -> str:
    """What kind of identifier an attribute holds; empty if it holds none."""
    if vr == "PN":
        return "name"
    if tag == _BIRTH_DATE:
        return "birth_date"
    if vr not in _TEXT_VRS or tag in _OURS | _CODED or profile.rule(tag).action not in _IDENTIFYING:
        return ""
    return _kind(dictionary_keyword(tag))


def _kind(keyword: str) -> str:
    return next((kind for kind, pattern in _KINDS if re.fullmatch(pattern, keyword)), "other")


def _uids(found: Element) -> Iterator[Identifier]:
    text = found.value.decode("ascii", "replace").strip(" \0")
    return (Identifier("uid", uid) for uid in text.split("\\") if uid and uid not in UID_dictionary)


def _values(found: Element, charset: tuple[str, ...]) -> Iterator[str]:
    vr = dictionary_vr(found.tag)
    text = decode(found.value, charset, vr).decode("utf-8", "replace")
    parts = text.split("\\") if vr not in ("LT", "ST", "UT") else [text]
    return (value for part in parts if (value := part.strip(" \0\r\n")))
