"""The standard as data: what DICOM PS3.15 Annex E says of each attribute. What we do about it is decided elsewhere.

    confidentiality.tsv      Table E.1-1: the Basic Profile's action and ten options, attribute by attribute
    structured_content.tsv   Table E.3.4-1: the same for content items of structured reports, by concept name
    safe_private.tsv         Table E.3.10-1: private attributes that are known not to identify
    defined_terms.txt        PS3.3: defined terms of Code Strings, none of which names anybody
    methods.tsv              PS3.16 CID 7050: codes for the profile and the options, to be written into a clean file

Each file's first lines say where it comes from and what it was checked against. Actions (Table E.1-1a): D dummy value,
Z empty or dummy, X remove, K keep, C clean, U new UID; a compound such as ``X/Z/D`` depends on the attribute's type in
the object at hand. Nothing is read before the first call, and each file only once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

EDITION = "2026d"
OPTIONS = (
    "retain_safe_private",
    "retain_uids",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_patient_characteristics",
    "retain_full_dates",
    "retain_modified_dates",
    "clean_descriptors",
    "clean_structured_content",
    "clean_graphics",
)
"""The option columns of Table E.1-1, in its order."""

_HERE = Path(__file__).parent
_PRIVATE = "gggg,eeee"  # the row of every attribute of an odd group
_CURVES = "50xx,xxxx"  # the row of every attribute of a curve group


@dataclass(frozen=True)
class Row:
    """One attribute of Table E.1-1; ``tag`` as printed, ``x`` standing for any digit (``60xx,3000``)."""

    tag: str
    keyword: str
    basic: str
    options: Mapping[str, str] = field(hash=False)
    """Option to action; only the options that say something of this attribute."""

    @property
    def rule_id(self) -> str:
        """Names the row in reports and documents."""
        return f"E.1-1/{self.tag}"


@dataclass(frozen=True)
class ContentItem:
    """One concept name of Table E.3.4-1, for content items of one value type (``TEXT``, ``PNAME``, ``UIDREF`` …)."""

    scheme: str
    code: str
    meaning: str
    value_type: str
    basic: str
    options: Mapping[str, str] = field(hash=False)

    @property
    def rule_id(self) -> str:
        """Names the row in reports and documents."""
        return f"E.3.4-1/{self.scheme}/{self.code}/{self.value_type}"


@dataclass(frozen=True)
class PrivateAttribute:
    """One attribute of Table E.3.10-1; ``tag`` as printed, ``xx`` standing for the block (``0019,xx0C``)."""

    tag: str
    creator: str
    vr: str
    """As printed: one, two (``OW/OB``), or empty where the table gives none."""
    vm: str
    meaning: str

    @property
    def vrs(self) -> tuple[str, ...]:
        """The value representations that the table allows; none where it gives none."""
        return tuple(self.vr.split("/")) if self.vr else ()

    @property
    def rule_id(self) -> str:
        """Names the row in reports and documents."""
        return f"E.3.10-1/{self.tag}/{self.creator}"


@dataclass(frozen=True)
class MethodCode:
    """One code of CID 7050, coding scheme DCM; ``option`` is empty for the profile itself and for what is not ours."""

    code: str
    meaning: str
    option: str


@cache
def rows() -> tuple[Row, ...]:
    """Table E.1-1, in its order."""
    return tuple(Row(r["tag"], r["keyword"], r["basic"], _options(r)) for r in _read("confidentiality"))


def row_for(tag: int) -> Row | None:
    """The row of an attribute (``0x00100010``), or None; a private one has the row ``gggg,eeee``.

    A repeating group's row holds for all its even groups (PS3.5 7.6 names 16 of them; a stray one must not slip by).
    """
    by_tag, by_pattern = _index()
    return by_tag.get(tag) or by_pattern.get(_pattern(tag))


@cache
def structured_content() -> Mapping[tuple[str, str], tuple[ContentItem, ...]]:
    """Coding scheme and code value to the rows of Table E.3.4-1, one for each value type that it names."""
    found: dict[tuple[str, str], list[ContentItem]] = defaultdict(list)
    for row in _read("structured_content"):
        key = row["scheme"], row["code"]
        found[key].append(ContentItem(*key, row["meaning"], row["value_type"], row["basic"], _options(row)))
    return MappingProxyType({key: tuple(items) for key, items in found.items()})


@cache
def safe_private_attributes() -> tuple[PrivateAttribute, ...]:
    """Table E.3.10-1, in its order."""
    return tuple(PrivateAttribute(**row) for row in _read("safe_private"))


def safe_private(creator: str, group: int, element_byte: int) -> PrivateAttribute | None:
    """The safe private attribute of a creator's block, or None; ``element_byte`` is the low byte of the element.

    Spaces around a creator do not count (PS3.5 6.2, LO), its case does.
    """
    return _safe().get((creator.strip(" "), group, element_byte))


@cache
def method_codes() -> tuple[MethodCode, ...]:
    """CID 7050, by code."""
    return tuple(MethodCode(**row) for row in _read("methods"))


_PHRASES = ("FOR PRESENTATION", "FOR PROCESSING", "PALETTE COLOR", "HAS PROPERTIES", "HAS OBS CONTEXT",
            "HAS ACQ CONTEXT", "HAS CONCEPT MOD", "INFERRED FROM", "SELECTED FROM", "SPIN ECHO")  # fmt: skip


@cache
def defined_terms() -> frozenset[str]:
    """Terms that PS3.3 defines: they say nothing of a person, whatever she is called."""
    lines = (_HERE / "defined_terms.txt").read_text(encoding="utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return frozenset(words | set(_PHRASES))


def _read(name: str) -> Iterator[dict[str, str]]:
    """The rows of a file; ValueError where one has not as many cells as the file has columns."""
    text = (_HERE / f"{name}.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return (dict(zip(lines[0], cells, strict=True)) for cells in lines[1:])


def _options(row: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({option: row[option] for option in OPTIONS if row.get(option)})


@cache
def _index() -> tuple[Mapping[int, Row], Mapping[str, Row]]:
    """Rows by tag, and rows that stand for many tags by what they look like."""
    patterns = {row.tag: row for row in rows() if "x" in row.tag or row.tag == _PRIVATE}
    return {int(row.tag.replace(",", ""), 16): row for row in rows() if row.tag not in patterns}, patterns


def _pattern(tag: int) -> str:
    """What the row of a tag looks like if it stands for many; empty if none can."""
    group, element = tag >> 16, tag & 0xFFFF
    if group % 2:
        return _PRIVATE
    family = group >> 8
    if family == 0x50:
        return _CURVES
    return f"60xx,{element:04X}" if family == 0x60 else ""


@cache
def _safe() -> Mapping[tuple[str, int, int], PrivateAttribute]:
    return {(a.creator, int(a.tag[:4], 16), int(a.tag[-2:], 16)): a for a in safe_private_attributes()}
