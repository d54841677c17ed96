"""What would happen to each element of a file, and by which rule; no value is shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.datadict import dictionary_has_tag, dictionary_keyword

from curation.deid.dicom.decide import Context, Decision, creators
from curation.deid.dicom.elements import element
from curation.deid.dicom.opened import File, Opened, open_dicom
from curation.deid.dicom.originals import looks_like_dicom
from curation.deid.dicom.profile import Action, Rule, profile
from curation.deid.dicom.rewrite import Rewriter
from curation.deid.keys.identity import Identity
from curation.errors import InputError, Rejected
from curation.settings import DeidSettings

_CREATOR = Rule("PS3.5-7.8:creator", Action.KEEP, "stands where a safe attribute of its block does")
_NO_CREATOR = Rule("E.1-1:private:X", Action.REMOVE, "private, and nobody says whose")
_PIXELS = Rule("paxflow:pixels", Action.KEEP, "samples pass; text in them is looked for apart")


@dataclass(frozen=True)
class Line:
    """One element: where, what, and the decision."""

    path: str
    keyword: str
    vr: str
    action: str
    rule: str
    why: str


def explain_file(path: Path, settings: DeidSettings) -> list[Line]:
    """``explain`` for a file under a workspace's settings; raises InputError for one that is not taken.

    No key is needed: no pseudonym is shown.
    """
    who = Identity(b"", settings.max_shift_days, settings.oldest_age_years)
    try:
        with File(path) as file:
            if not looks_like_dicom(file.read(0, 4096)):
                raise InputError("expected a DICOM file; something else came")
            return list(explain(open_dicom(file), Rewriter(profile(settings.options), who)))
    except Rejected as rejected:
        raise InputError(str(rejected)) from None


def explain(opened: Opened, rewriter: Rewriter) -> Iterator[Line]:
    """One line an element, in order; raises Rejected as ``Rewriter.clean``."""
    context = rewriter.context(opened)
    yield from _lines(context, opened.elements, opened.explicit, "", 0)
    if opened.pixels_at is not None:
        yield Line("7FE0,0010", "PixelData", opened.pixels_vr, "pixels", _PIXELS.id, _PIXELS.why)


def _lines(context: Context, pairs: list[tuple[int, bytes]], explicit: bool, path: str, depth: int) -> Iterator[Line]:
    public = [(tag, raw) for tag, raw in pairs if not tag & 0x10000]
    private = [(tag, raw) for tag, raw in pairs if tag & 0x10000]
    for tag, raw in public:
        decision = context.decide(tag, raw, explicit, depth)
        yield _line(path, tag, raw, explicit, decision)
        for number, inner in enumerate(decision.items or ()):
            below = f"{path}{_tag(tag)}[{number}]."
            kind = context.inside(tag, raw, explicit)
            yield from _lines(context.within(inner, kind), inner, kind, below, depth + 1)
    owner = {tag: creator for creator, tag, _ in creators(private, explicit, context.charset)}
    for tag, raw in private:
        if tag not in owner:
            yield _line(path, tag, raw, explicit, Decision(_CREATOR, "LO", b""))
        elif owner[tag]:
            yield _line(path, tag, raw, explicit, context.decide_private(owner[tag], tag, raw, explicit))
        else:
            yield _line(path, tag, raw, explicit, Decision(_NO_CREATOR))


def _line(path: str, tag: int, raw: bytes, explicit: bool, decision: Decision) -> Line:
    found = element(tag, raw, explicit)
    keyword = dictionary_keyword(tag) if dictionary_has_tag(tag) else ""
    rule, why = decision.rule, decision.rule.why
    action = str(rule.action)
    if decision.value is None and decision.items is None and rule.action not in (Action.REMOVE, Action.MADE):
        action, why = Action.REMOVE.value, f"{why}; nothing of this value may pass as {decision.vr}"
    return Line(path + _tag(tag), keyword or "(private)" * (tag >> 16 & 1), found.vr, action, rule.id, why)


def _tag(tag: int) -> str:
    return f"{tag >> 16:04X},{tag & 0xFFFF:04X}"
