"""Which attributes the verifier lets stand in a clean file, and what the file must say of itself.

Read anew from PS3.15 Tables E.1-1 and E.3.10-1, PS3.6 and PS3.16: nothing here knows what the rewriter decided.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from curation.deid.standard import Row, row_for, safe_private
from curation.deid.verify.search import Where
from curation.deid.verify.values import (
    NUMBER_VRS,
    OWN_FORMS,
    PATIENT_ID,
    PSEUDONYM,
    TEXT_VRS,
    Place,
)
from curation.deid.verify.walk import check, fail, items, read, value_of, walk

META_TAGS = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012})
_SYNTAX = re.compile(rb"1\.2\.840\.10008\.1\.2\.(1|5|4\.[0-9]{2,3})\0?")  # PS3.6 Table A-1: still images, and video
_EXPLICIT_LITTLE = b"1.2.840.10008.1.2.1\0"
MARKS = (PATIENT_ID, 0x00120062, 0x00120063, 0x00120064, 0x00280303)
_SOP_CLASS, _INSTANCE, _IMPLEMENTATION = 0x00080016, 0x00080018, 0x00020012
_TOP_ONLY = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_TRAILING_PADDING = 0xFFFCFFFC
_METHOD = 0x00120063  # written by us, word for word
_CODE_VALUE, _SCHEME, _CODE_MEANING = 0x00080100, 0x00080102, 0x00080104
_CODES = frozenset({0x00080100, 0x00080102, 0x00080103, 0x00080105, 0x0008010F})
"""Codes, schemes, versions and contexts: short numbers that any patient's may equal (PS3.3 Table 8.8-1)."""

# --- what was done (PS3.16 CID 7050)
_BASIC = b"113100"
_CODE_OF_OPTION = {
    "clean_pixel_data": b"113101",
    "clean_graphics": b"113103",
    "clean_structured_content": b"113104",
    "clean_descriptors": b"113105",
    "retain_full_dates": b"113106",
    "retain_modified_dates": b"113107",
    "retain_patient_characteristics": b"113108",
    "retain_device_identity": b"113109",
    "retain_uids": b"113110",
    "retain_safe_private": b"113111",
    "retain_institution_identity": b"113112",
}
_KINDS_KEPT = {
    "retain_uids": frozenset({"uid"}),
    "retain_device_identity": frozenset({"uid", "device"}),
    "retain_institution_identity": frozenset({"institution", "letterhead", "address"}),
}


@dataclass(frozen=True)
class Promise:
    """What was promised of a clean file.

    ``options``: those in force, by the names of ``curation.deid.standard`` and ``clean_pixel_data``. ``charsets``: the
    original's SpecificCharacterSet, to search in its spellings too.
    """

    options: frozenset[str]
    charsets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for an option that is none."""
        unknown = sorted(self.options - set(_CODE_OF_OPTION))
        if unknown:
            raise ValueError(f"no option that the verifier knows: {', '.join(unknown)}")


@dataclass
class Rules:
    """The places of a clean file under the options in force; raises Rejected for those that must not be there."""

    options: frozenset[str]
    _places: dict[tuple[int, bytes, str], Place] = field(default_factory=dict)

    def place(self, tag: int, vr: bytes, creator: str, depth: int) -> Place:
        """The place of an attribute; ``creator`` is that of a private one (odd group), ``depth`` 0 at the top."""
        check(depth == 0 or tag not in _TOP_ONLY, "pixels-nested")
        check(tag >> 16 >= 8 or (depth == 0 and tag in META_TAGS), "tag-not-allowed")
        key = (tag, vr, creator)
        found = self._places.get(key)
        if found is None:
            found = self._places[key] = self._private(*key) if tag & 0x10000 else self._public(tag, vr)
        return found

    def _public(self, tag: int, vr: bytes) -> Place:
        check(tag & 0xFFFF != 0 or tag in META_TAGS, "group-length")
        check(tag != _TRAILING_PADDING, "trailing-padding")
        check(dictionary_has_tag(tag), "tag-unknown")  # repeating groups too: no curve and no overlay passes
        check(vr in dictionary_VR(tag).encode("ascii").split(b" or "), "vr-differs")
        row = row_for(tag) if tag not in OWN_FORMS else None
        kept = self._kept(row)
        refers = row is not None and vr == b"SQ" and "retain_uids" in row.options
        check(row is None or row.basic != "X" or bool(kept) or refers, "attribute-not-removed")
        exempt = self._exempt(kept)
        return Place(
            tag,
            vr,
            Where(
                least=_least(tag, vr),
                across=vr in TEXT_VRS,
                by_right=tag == _METHOD,
                terms=vr == b"CS" or tag == _CODE_MEANING,
                exempt=exempt if vr == b"UI" else exempt - {"uid"},
            ),
            dummy=row is not None and not kept and row.basic != "U",
            items=row is None or bool(kept) or refers or not {"D", "U*"}.isdisjoint(row.basic.split("/")),
            any_uid="uid" in exempt and vr == b"UI" and tag != _IMPLEMENTATION,
            no_dates=self.options.isdisjoint(("retain_full_dates", "retain_modified_dates")),
        )

    def _exempt(self, kept: Mapping[str, str]) -> frozenset[str]:
        """Kinds of identifiers that stand in an attribute as they came, because an option keeps it."""
        options = {option for option, action in kept.items() if action == "K"}
        options |= self.options & {"retain_uids"}  # UIDs that the table does not name are kept with the others
        return frozenset().union(*(_KINDS_KEPT[option] for option in options if option in _KINDS_KEPT))

    def _kept(self, row: Row | None) -> Mapping[str, str]:
        """The options in force that keep or clean this attribute, and which of both."""
        options = row.options if row is not None else {}
        return {option: action for option, action in options.items() if option in self.options}

    def _private(self, tag: int, vr: bytes, creator: str) -> Place:
        check("retain_safe_private" in self.options, "private-not-allowed")
        group, number = tag >> 16, tag & 0xFFFF
        if 0x10 <= number <= 0xFF:
            check(vr == b"LO", "vr-differs")
            return Place(tag, vr, Where())
        known = safe_private(creator, group, number & 0xFF) if number >= 0x1000 else None
        if known is None:
            fail("private-not-safe")
        check(vr != b"SQ" and (not known.vrs or vr.decode("ascii") in known.vrs), "vr-differs")
        any_uid = vr == b"UI" and "retain_uids" in self.options
        return Place(tag, vr, Where(_least(tag, vr), vr in TEXT_VRS, terms=vr == b"CS"), any_uid=any_uid)


@lru_cache(64)
def rules_for(options: frozenset[str]) -> Rules:
    """The rules under these options, the same for all patients."""
    return Rules(options)


def check_meta(elements: Mapping[int, bytes], dataset: Mapping[int, bytes]) -> None:
    """Raise Rejected unless the file meta is ours and tells the same object as the dataset; both as bytes by tag."""
    meta = {tag: value_of(chunk) for tag, chunk in elements.items()}
    check(set(meta) == META_TAGS, "file-meta")
    check(meta[0x00020001] == b"\0\1", "file-meta")
    check(bool(_SYNTAX.fullmatch(meta[0x00020010])), "transfer-syntax")
    same = meta[0x00020002] == value_of(dataset[_SOP_CLASS]) and meta[0x00020003] == value_of(dataset[_INSTANCE])
    check(same, "sop-uid-differs")


def is_encapsulated(elements: Mapping[int, bytes]) -> bool:
    """Whether the transfer syntax of a file meta that was checked is one of compressed pixels."""
    return value_of(elements[0x00020010]) != _EXPLICIT_LITTLE


def check_marks(elements: Mapping[int, bytes], promise: Promise) -> None:
    """Raise Rejected unless the dataset, as bytes by tag, says whose it is now and what was done (PS3.15 E.1.1)."""
    values = {tag: value_of(elements[tag]) for tag in MARKS if tag in elements}
    check(bool(PSEUDONYM.fullmatch(values.get(PATIENT_ID, b"").rstrip(b" "))), "mark-missing")
    check(values.get(0x00120062, b"").rstrip(b" ") == b"YES", "mark-missing")
    check(bool(values.get(0x00120063, b"").strip(b" ")), "mark-missing")
    dates = {"retain_modified_dates": b"MODIFIED", "retain_full_dates": b"UNMODIFIED"}
    said = next((word for option, word in dates.items() if option in promise.options), b"REMOVED")
    check(values.get(0x00280303, b"").rstrip(b" ") == said, "mark-missing")
    check(0x00120064 in values, "mark-missing")


def check_methods(element: bytes, promise: Promise) -> None:
    """Raise Rejected unless the codes of the methods are those of the promise (PS3.15 E.1.1, PS3.16 CID 7050).

    ``element``: the sequence, which was passed. What is retained must be said. A cleaning need not be: pixels that were
    not looked at do not claim it.
    """
    promised = {_CODE_OF_OPTION[option] for option in promise.options}
    retained = {_CODE_OF_OPTION[option] for option in promise.options if option.startswith("retain_")}
    codes = list(_codes(element))
    said = {code for scheme, code in codes if scheme == b"DCM"}
    check(_BASIC in said and len(said) == len(codes), "method-codes")
    check(retained <= said <= promised | {_BASIC}, "method-codes")


def _codes(element: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Scheme and code of each item."""
    for start, end in items(element, read(element, 0, len(element))):
        values = {one.tag: element[one.start : one.end].rstrip(b" ") for one in walk(element, start, end)}
        yield values.get(_SCHEME, b""), values.get(_CODE_VALUE, b"")


def _least(tag: int, vr: bytes) -> int:
    """From which length on identifiers are searched: shorter ones turn up among numbers and codes by chance."""
    if tag in _CODES:
        return 8
    if vr in NUMBER_VRS:
        return 7
    return 6 if vr == b"UI" else 0
