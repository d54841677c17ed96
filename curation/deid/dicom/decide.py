"""Rule and value for each element of one file, at any depth: what the rewriter writes, and what ``explain`` shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from curation.deid.dicom import codes
from curation.deid.dicom.content import PLAIN, ItemFacts, item_facts
from curation.deid.dicom.elements import (
    Element,
    Odd,
    Pairs,
    charset_of,
    dictionary_vr,
    element,
    items,
    write,
    write_items,
)
from curation.deid.dicom.profile import Action, Profile, Rule
from curation.deid.dicom.values import BULK_VRS, Subject, clean_value, decode, years
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.standard import safe_private
from curation.deid.texts.words import lexicon
from curation.errors import Rejected
from curation.records import Reason

_NUMERIC_VALUE, _FLOATING_VALUE = 0x0040A30A, 0x0040A161
NOT_NESTED = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_DECODED = _TEXT_VRS | {"AS", "DA", "DS", "DT", "IS", "TM", "UI"}
_DIFFERS = Rule("default:vr-differs", Action.REMOVE, "its value representation is not the attribute's")
_NESTED = Rule("default:nested-pixels", Action.REMOVE, "pixels below the top level are not looked at")
_UNREADABLE = "expected a sequence of items; something else came"


@dataclass(frozen=True)
class Decision:
    """What happens to one element: the rule, the representation it is written with, and the clean value.

    ``value`` None: the element goes. ``items`` stand for the value of a sequence whose items are decided one by one.
    """

    rule: Rule
    vr: str = ""
    value: bytes | None = None
    items: tuple[Pairs, ...] | None = None


@dataclass(frozen=True)
class Context:
    """All that a decision depends on beside the element."""

    profile: Profile
    subject: Subject
    charset: tuple[str, ...]
    signed: bool
    item: ItemFacts = PLAIN

    def decide(self, tag: int, raw: bytes, explicit: bool, depth: int = 0) -> Decision:
        """The decision on an element of an even group."""
        rule = self.profile.rule(tag)
        if rule.action in (Action.REMOVE, Action.MADE):
            return Decision(rule)
        found = element(tag, raw, explicit)
        if depth and tag in NOT_NESTED:
            return Decision(_NESTED)
        vr = self._vr(tag, found)
        if not vr:
            return Decision(_DIFFERS)
        return self._decision(rule, vr, found, depth)

    def decide_private(self, creator: str, tag: int, raw: bytes, explicit: bool) -> Decision:
        """The decision on a private element under its creator."""
        rule, allowed = self.profile.private(creator, tag)
        if rule.action is Action.REMOVE:
            return Decision(rule)
        found = element(tag, raw, explicit)
        vr = found.vr if found.vr in allowed else allowed[0] if found.vr == "UN" and allowed else ""
        if not vr:
            return Decision(_DIFFERS)
        if vr == "SQ" or vr in BULK_VRS:
            return Decision(Rule(rule.id, Action.REMOVE, "safe by its name, but anything may stand in it"))
        return Decision(rule, vr, self._value(rule, vr, found))

    # --- writing ---

    def written(self, tag: int, raw: bytes, explicit: bool, depth: int = 0) -> bytes:
        """The element as it is written; empty if it goes."""
        decision = self.decide(tag, raw, explicit, depth)
        if decision.items is not None:
            inner = self.inside(tag, raw, explicit)
            return write(tag, "SQ", write_items([self.body(pairs, inner, depth + 1) for pairs in decision.items]))
        return write(tag, decision.vr, decision.value) if decision.value is not None else b""

    def written_all(self, pairs: Pairs, explicit: bool, depth: int = 0) -> bytes:
        """The elements of a dataset or of a part of it; a private group stands whole among them."""
        parts = [(tag, self.written(tag, raw, explicit, depth)) for tag, raw in pairs if not tag & 0x10000]
        private = [pair for pair in pairs if pair[0] & 0x10000]
        if private:
            parts = sorted(parts + self.written_private(private, explicit))
        return b"".join([made for _, made in parts])

    def written_private(self, pairs: Iterable[tuple[int, bytes]], explicit: bool) -> Pairs:
        """Private elements that pass, each block behind its creator."""
        kept: Pairs = []
        for creator, tag, raw in creators(pairs, explicit, self.charset):
            if not creator or safe_private(creator, tag >> 16, tag & 0xFF) is None:
                continue
            decision = self.decide_private(creator, tag, raw, explicit)
            if decision.value is None:
                continue
            block = tag >> 16 << 16 | tag >> 8 & 0xFF
            kept.append((block, write(block, "LO", creator.encode("ascii"))))
            kept.append((tag, write(tag, decision.vr, decision.value)))
        return sorted(dict(kept).items())

    def body(self, pairs: Pairs, explicit: bool, depth: int) -> bytes:
        """The bytes of an item."""
        return self.within(pairs, explicit).written_all(pairs, explicit, depth)

    def within(self, pairs: Pairs, explicit: bool) -> "Context":
        """The context of an item: its own character set, and what it is."""
        charset = charset_of(pairs, explicit, self.charset)
        return replace(self, charset=charset, item=item_facts(pairs, explicit, self.profile.options))

    def inside(self, tag: int, raw: bytes, explicit: bool) -> bool:
        """Whether the items of this sequence are explicit: those of an unknown one are not (PS3.5 6.2.2)."""
        return explicit and element(tag, raw, explicit).explicit

    def _decision(self, rule: Rule, vr: str, found: Element, depth: int) -> Decision:
        if vr != "SQ":
            return Decision(rule, vr, self._value(rule, vr, found))
        if rule.action is Action.EMPTY:
            return Decision(rule, vr, b"")
        try:
            return Decision(rule, vr, items=tuple(items(found.value, found.explicit, depth + 1)))
        except Odd:
            raise Rejected(Reason.UNREADABLE, _UNREADABLE) from None

    def _value(self, rule: Rule, vr: str, found: Element) -> bytes | None:
        value = decode(found.value, self.charset, vr) if vr in _DECODED else found.value
        if self.item is not PLAIN and (own := self._of_item(found.tag, vr, value)) is not None:
            return own or None
        clean = clean_value(rule.action, found.tag, vr, value, self.subject, rule.trusted)
        if clean is None and rule.action is Action.CLEAN and rule.id.startswith("E.1-1"):
            clean = clean_value(fallback(rule), found.tag, vr, value, self.subject)
        return clean

    def _of_item(self, tag: int, vr: str, value: bytes) -> bytes | None:
        """The value where the item decides on it; empty if it goes, None where the attribute's own rule decides."""
        item = self.item
        if item.action is not None and tag in _CONTENT_VALUES:
            return clean_value(item.action, tag, vr, value, self.subject) or b""
        if item.scheme is not None and tag in (codes.CODE_VALUE, codes.LONG_CODE, codes.SCHEME):
            return self._code(item.scheme, tag, value)
        if item.in_years and tag in (_NUMERIC_VALUE, _FLOATING_VALUE):
            return years(vr, value, self.subject)
        return None

    def _code(self, scheme: str, tag: int, value: bytes) -> bytes | None:
        if tag == codes.SCHEME:
            return value.strip(b" ") if codes.is_published(scheme) else None
        text = value.decode("utf-8", "replace").strip(" \0")
        known = text.casefold() in self.subject.known.codes
        return text.encode("utf-8") if codes.is_code(scheme, text) and not known else b""

    def _vr(self, tag: int, found: Element) -> str:
        """The representation to write; empty if the file's is not one that the attribute may have."""
        allowed = dictionary_vr(tag).split(" or ")
        if found.explicit and found.vr in allowed:
            return found.vr
        if found.explicit and not (found.vr in _TEXT_VRS and allowed[0] in _TEXT_VRS):
            return ""
        if "SS" in allowed and "US" in allowed:
            return "SS" if self.signed else "US"
        return "OW" if "OW" in allowed else allowed[0]


_CONTENT_VALUES = frozenset({0x0040A160, 0x0040A123, 0x0040A120, 0x0040A121, 0x0040A122})
"""TextValue, PersonName, DateTime, Date, Time."""


def fallback(rule: Rule) -> Action:
    """What a cleaned attribute becomes of which nothing is left: what the Basic Profile says without the option."""
    basic = rule.id.split(":")[2].split("+")[0] if rule.id.count(":") > 1 else "X"
    return Action.DUMMY if "D" in basic else Action.EMPTY if "Z" in basic else Action.REMOVE


def creators(
    pairs: Iterable[tuple[int, bytes]], explicit: bool, charset: tuple[str, ...]
) -> Iterator[tuple[str, int, bytes]]:
    """Creator, tag and bytes of each private element (PS3.5 7.8.1); the creator is empty where none stands."""
    blocks: dict[int, str] = {}
    for tag, raw in pairs:
        number = tag & 0xFFFF
        if 0x10 <= number <= 0xFF:
            text = decode(element(tag, raw, explicit).value, charset, "LO").decode("utf-8", "replace")
            blocks[tag] = text.strip(" \0")
        else:
            creator = blocks.get(tag >> 16 << 16 | number >> 8, "")
            yield (creator if creator.isascii() else ""), tag, raw


def subject_of(profile: Profile, identity: Identity, patient: str, names: frozenset[Identifier]) -> Subject:
    """Whose file it is, and what the file knows of people."""
    return Subject(identity, patient, lexicon(names), "retain_modified_dates" in profile.options)
