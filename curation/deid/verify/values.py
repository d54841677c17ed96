"""What one value of a clean file may look like, by value representation (PS3.5 6.2) and for what we write ourselves."""

import re
import struct
from dataclasses import dataclass

from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_has_tag

from curation.deid.verify.search import Where
from curation.deid.verify.walk import check, fail

OLDEST_YEARS = 90  # 45 CFR 164.514(b)(2)(i)(C): ages above 89 are one class
_CHARSET, _BURNED_IN, _DOCUMENT = 0x00080005, 0x00280301, 0x00420011
_PATIENT_NAME, PATIENT_ID, _ACCESSION = 0x00100010, 0x00100020, 0x00080050
# --- text
PSEUDONYM = re.compile(rb"[a-z][0-9a-f]{15,16}")
_OWN_NAME = re.compile(rb"(?:p[0-9a-f]{16}|REMOVED)?")
_OWN_ACCESSION = re.compile(rb"(?:a[0-9a-f]{15}|REMOVED)?")
_LINES = frozenset((b"LT", b"ST", b"UT"))
TEXT_VRS = _LINES | {b"AE", b"CS", b"LO", b"PN", b"SH", b"UC", b"UR"}
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f]")
_NOT_LINES = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")  # but tab, line feed, form feed and return
_DOTTED = re.compile(rb"(?<![0-9])[0-9]++(?:\.[0-9]++){4,}")
_SHORT_DOTTED = 20  # characters; a software version is shorter
_STUB = re.compile(rb"%PDF-1\.[0-9]\n[\x20-\x7e\n]{0,1000}")
_IN_DOCUMENTS = (b"(", b"stream", b"/Filter")  # text, and what may hold any
# --- numbers (PS3.5 Table 6.2-1)
_DECIMAL = rb" *[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? *"
_FORMS = {
    b"AS": rb"[0-9]{3}[DWMY]",
    b"DA": rb"[0-9]{4}(?:[0-9]{2}){0,2}",
    b"DS": _DECIMAL,
    b"DT": rb"[0-9]{4,14}(?:\.[0-9]{1,6})?(?:[+-][0-9]{4})?",
    b"IS": rb" *[+-]?[0-9]{1,12} *",
    b"TM": rb"[0-9]{2,6}(?:\.[0-9]{1,6})?",
}
_NUMBERS = {vr: re.compile(rb"(?:%s)?(?:\\(?:%s)?)*" % (form, form)) for vr, form in _FORMS.items()}
NUMBER_VRS = frozenset(_NUMBERS)
_MAX_NUMBER = 16 + 2  # characters of a DS, and a space on either side
_DATES = (b"DA", b"DT", b"TM")
_CHARACTERS = TEXT_VRS | NUMBER_VRS | {b"UI"}
_WIDTHS = {b"US": 2, b"SS": 2, b"OW": 2, b"UL": 4, b"SL": 4, b"FL": 4, b"OL": 4, b"OF": 4, b"AT": 4,
           b"FD": 8, b"OD": 8, b"OV": 8, b"UV": 8, b"SV": 8}  # fmt: skip
_DUMMIES = {
    b"AS": re.compile(rb"(?:000Y)?"),
    b"DA": re.compile(rb"(?:19000101)?"),
    b"DS": re.compile(rb"0?"),
    b"DT": re.compile(rb"(?:19000101(?:000000)?)?"),
    b"IS": re.compile(rb"0?"),
    b"TM": re.compile(rb"(?:000000)?"),
    **dict.fromkeys(TEXT_VRS, re.compile(rb"(?:REMOVED|[a-z][0-9a-f]{15,16})?")),
}
# --- UIDs
_OWN_UID = re.compile(rb"2\.25\.(0|[1-9][0-9]{0,38})")
_ANY_UID = re.compile(rb"[0-9.]{1,64}")


@dataclass(frozen=True)
class Place:
    """What may stand in one attribute under one value representation, and how identifiers are searched in it."""

    tag: int
    vr: bytes
    where: Where
    dummy: bool = False
    """Only what says nothing."""
    items: bool = True
    """A sequence may hold some."""
    any_uid: bool = False
    no_dates: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the value is text of a representation that may leave ASCII."""
        return self.vr in TEXT_VRS

    @property
    def is_words(self) -> bool:
        """Whether the value is characters: text, numbers or UIDs."""
        return self.vr in _CHARACTERS

    def check(self, value: bytes) -> None:
        """Raise Rejected unless the value is of the form that may stand here."""
        if self.vr in TEXT_VRS:
            self._check_text(value)
        elif self.vr == b"UI":
            self._check_uids(value)
        elif self.vr in _NUMBERS:
            self._check_numbers(value)
        else:
            check(len(value) % _WIDTHS.get(self.vr, 1) == 0, "value-form")
            check(self.vr != b"AT" or _are_tags(value), "value-form")
        if self.tag == _DOCUMENT:
            _check_document(value)
        elif self.dummy and self.vr != b"UI":
            form = _DUMMIES.get(self.vr)
            check(bool(form.fullmatch(value.rstrip(b" "))) if form else not any(value), "not-a-dummy")

    def _check_text(self, value: bytes) -> None:
        try:
            text = value.decode("utf-8")
        except UnicodeError:
            fail("not-text")
        check(not (_NOT_LINES if self.vr in _LINES else _NOT_TEXT).search(text), "not-text")
        for found in _DOTTED.finditer(value):
            check(len(found[0]) < _SHORT_DOTTED or _is_ours(found[0]), "uid-in-text")
        rule, own = OWN_FORMS.get(self.tag, ("person-name", _OWN_NAME if self.vr == b"PN" else None))
        if own:
            check(all(own.fullmatch(part.strip(b" ")) for part in value.split(b"\\")), rule)

    def _check_uids(self, value: bytes) -> None:
        for uid in value.removesuffix(b"\0").split(b"\\") if value else ():
            check(bool(_ANY_UID.fullmatch(uid)) if self.any_uid else _is_ours(uid), "uid-not-ours")

    def _check_numbers(self, value: bytes) -> None:
        value = value.rstrip(b" ")
        check(bool(_NUMBERS[self.vr].fullmatch(value)), "value-form")
        if self.vr == b"AS":
            ages = value.split(b"\\")
            check(all(age[3:] != b"Y" or int(age[:3]) <= OLDEST_YEARS for age in ages), "age-too-high")
        elif len(value) > _MAX_NUMBER and self.vr == b"DS":
            check(max(map(len, value.split(b"\\"))) <= _MAX_NUMBER, "value-form")
        if self.no_dates and self.vr in _DATES:
            check(bool(_DUMMIES[self.vr].fullmatch(value)), "date-not-removed")


OWN_FORMS: dict[int, tuple[str, re.Pattern[bytes]]] = {
    PATIENT_ID: ("patient-not-pseudonym", _OWN_NAME),
    _PATIENT_NAME: ("patient-not-pseudonym", _OWN_NAME),
    _ACCESSION: ("accession-not-pseudonym", _OWN_ACCESSION),
    _CHARSET: ("charset", re.compile(rb"ISO_IR 192")),
    _BURNED_IN: ("burned-in", re.compile(rb"(?:NO)?")),
}


def _is_ours(uid: bytes) -> bool:
    """Whether a UID is one of DICOM's own or made from 128 bits (PS3.5 B.2)."""
    own = _OWN_UID.fullmatch(uid)
    if own:
        return int(own[1]) < 1 << 128
    return uid.decode("ascii", "replace") in UID_dictionary


def _are_tags(value: bytes) -> bool:
    """Whether an AT value lists attributes of PS3.6: four bytes may also be letters."""
    return all(dictionary_has_tag(group << 16 | number) for group, number in struct.iter_unpack("<HH", value))


def _check_document(value: bytes) -> None:
    """An encapsulated document is a stub: a short PDF without text or streams, or nothing."""
    stub = _STUB.fullmatch(value.rstrip(b"\0 ")) and not any(word in value for word in _IN_DOCUMENTS)
    check(bool(stub) or not any(value), "document-not-stub")
