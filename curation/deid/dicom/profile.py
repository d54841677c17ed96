"""What happens to each DICOM attribute: PS3.15 Table E.1-1 under the options in force, then default deny.

The table decides first. What it does not know passes only if the dictionary of PS3.6 knows it with this value
representation and the value is a measure, a term, a moved date or a pseudonym; private attributes pass only if
PS3.15 Table E.3.10-1 calls them safe. Every decision has the id of the rule that made it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR

from curation.deid.standard import Row, row_for, safe_private
from curation.deid.standard import method_codes as cid_7050
from curation.settings import DeidOption

VERSION = 2
BASIC_PROFILE = "113100"  # in CID 7050
OPTIONS: tuple[str, ...] = get_args(DeidOption)
RESEARCH = (
    "retain_modified_dates",
    "retain_patient_characteristics",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
    "clean_pixel_data",
    "retain_safe_private",
)
"""The default for research."""


class Action(StrEnum):
    """What is done to a value; what it means for one value representation stands in ``values``."""

    REMOVE = "remove"
    EMPTY = "empty"
    DUMMY = "dummy"
    KEEP = "keep"
    CLEAN = "clean"
    UID = "uid"
    MADE = "made"


@dataclass(frozen=True)
class Rule:
    """A decision on an attribute: ``id`` says who made it, ``why`` in words."""

    id: str
    action: Action
    why: str
    trusted: bool = False
    """An option keeps the value as it came: device, institution or UID."""


_BASIC = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "X/Z": Action.EMPTY,
    "D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "U": Action.UID,
    "X/Z/U*": Action.CLEAN,
}
"""Where the table leaves a choice by type, the one that keeps any object conformant is taken."""
_WHY = {
    Action.REMOVE: "the Basic Profile removes it",
    Action.EMPTY: "the Basic Profile empties it",
    Action.DUMMY: "the Basic Profile replaces it by a dummy",
    Action.UID: "the Basic Profile replaces the UID",
    Action.CLEAN: "references stay whole: their UIDs are replaced",
}
_TRUSTED = ("retain_uids", "retain_device_identity", "retain_institution_identity")
MADE_WHY = {
    0x00080005: "text is written in UTF-8",
    0x00080050: "a pseudonym, so that images and reports still meet",
    0x00100010: "the patient's pseudonym",
    0x00100020: "the patient's pseudonym",
    0x00120062: "says what was done",
    0x00120063: "says what was done",
    0x00120064: "says what was done",
    0x00280301: "says what was found in the pixels",
    0x00280303: "says what was done to dates",
}
MADE = frozenset(MADE_WHY)
"""What paxflow writes itself."""
_BULK = frozenset(
    [
        "PixelData",
        "FloatPixelData",
        "DoubleFloatPixelData",
        "RedPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableData",
        "BluePaletteColorLookupTableData",
        "AlphaPaletteColorLookupTableData",
        "SegmentedRedPaletteColorLookupTableData",
        "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData",
        "LUTData",
        "WaveformData",
        "WaveformPaddingValue",
        "ChannelMinimumValue",
        "ChannelMaximumValue",
        "PointCoordinatesData",
        "VectorCoordinateData",
        "TrackPointIndexList",
        "PrimitivePointIndexList",
        "VertexPointIndexList",
        "EdgePointIndexList",
        "TrianglePointIndexList",
        "SpectroscopyData",
    ]
)
"""Attributes of a bulk value representation (OB, OW, OF, …) that hold samples and nothing else (PS3.3)."""
_PASSES = {
    "CS": "terms that are known pass",
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UC", "UT"), "words that are known pass"),
    **dict.fromkeys(("DA", "TM", "DT"), "moves with the patient's dates"),
    "AS": "an age passes, capped",
    "SQ": "cleaned item by item",
    "AT": "attributes of PS3.6 pass",
    **dict.fromkeys(("OB", "OW", "OB or OW", "OF", "OD", "OL", "OV", "UN"), "samples pass"),
}
_BULK_VRS = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})


@dataclass(frozen=True)
class Profile:
    """The Basic Profile with options."""

    options: frozenset[str]

    def rule(self, tag: int) -> Rule:
        """The rule for a public attribute (even group)."""
        if tag in MADE:
            return Rule(f"paxflow:{dictionary_keyword(tag)}", Action.MADE, MADE_WHY[tag])
        if 0x6000 <= tag >> 16 <= 0x60FF:
            return Rule("E.1-1:60xx,3000:X", Action.REMOVE, "no overlay passes: its bits may be letters")
        row = row_for(tag)
        if row:
            return self._by_row(row)
        rule = _by_dictionary(tag)
        if rule.action is Action.UID and "retain_uids" in self.options:
            return Rule(rule.id + "+retain_uids:K", Action.KEEP, "option retain uids", trusted=True)
        return rule

    def private(self, creator: str, tag: int) -> tuple[Rule, tuple[str, ...]]:
        """The rule for a private attribute under its creator, and the value representations it may have."""
        known = safe_private(creator, tag >> 16, tag & 0xFF) if "retain_safe_private" in self.options else None
        if known is None:
            return Rule("E.1-1:private:X", Action.REMOVE, "private, and not on the list of safe attributes"), ()
        return Rule(
            f"E.3.10:{creator}:{tag >> 16:04X},xx{tag & 0xFF:02X}", Action.KEEP, "option retain safe private"
        ), known.vrs

    def methods(self, pixels_checked: bool) -> tuple[tuple[str, str], ...]:
        """Code and meaning of the profile and each option in force (PS3.16 CID 7050)."""
        options = self.options if pixels_checked else self.options - {"clean_pixel_data"}
        return tuple((c.code, c.meaning) for c in cid_7050() if c.code == BASIC_PROFILE or c.option in options)

    def _by_row(self, row: Row) -> Rule:
        basic = f"E.1-1:{row.tag}:{row.basic}"
        for letter, action in (("K", Action.KEEP), ("C", Action.CLEAN)):
            for option in OPTIONS:
                if row.options.get(option) == letter and option in self.options:
                    why = f"option {option.replace('_', ' ')}"
                    return Rule(f"{basic}+{option}:{letter}", action, why, letter == "K" and option in _TRUSTED)
        if row.options.get("retain_uids") == "K" and row.keyword.endswith("Sequence"):
            return Rule(f"{basic}:references", Action.CLEAN, _WHY[Action.CLEAN])
        action = _BASIC[row.basic]
        return Rule(basic, action, _WHY[action])


def profile(options: Iterable[str]) -> Profile:
    """The profile with these options; raises ValueError for one that is none."""
    chosen = frozenset(options)
    unknown = sorted(chosen - set(OPTIONS))
    if unknown:
        raise ValueError(f"no option of PS3.15 that paxflow knows: {', '.join(unknown)}")
    return Profile(chosen)


def _by_dictionary(tag: int) -> Rule:
    if tag & 0xFFFF == 0:
        return Rule("default:group-length", Action.REMOVE, "group lengths are retired")
    if not dictionary_has_tag(tag):
        return Rule("default:unknown-tag", Action.REMOVE, "no attribute of PS3.6")
    vr, keyword = dictionary_VR(tag), dictionary_keyword(tag)
    if set(vr.split(" or ")) <= _BULK_VRS and keyword not in _BULK:
        return Rule("default:bulk", Action.REMOVE, "bytes in which anything may stand")
    if vr in ("PN", "AE", "UR"):
        return Rule(f"default:{vr}", Action.REMOVE, "names a person, a machine or a place")
    if vr == "UI":
        return Rule("default:UI", Action.UID, "a UID that is not DICOM's own is replaced")
    return Rule(f"default:{vr.replace(' or ', '/')}", Action.CLEAN, _PASSES.get(vr, "passes if it is a measure"))
