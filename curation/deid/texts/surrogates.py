"""Clean report text: every identifier becomes a typed surrogate, the same for the same person within a patient.

``[PATIENT]``, ``[CLINICIAN-3f2a]``, ``[RELATIVE-…]``, ``[PERSON-…]`` and ``[INSTITUTION-…]`` name whom or what they
stand for by four hex digits of a keyed hash over patient and name; dates move by the patient's shift and keep their
layout; ``[ADDRESS]``, ``[PHONE]``, ``[EMAIL]``, ``[URL]``, ``[ID]``, ``[TIME]``, ``[AGE 90+]`` say only what they are.
What a source has crossed out itself (``XXXX``) stays. Outside the stretches that are listed, not a character changes.

Undecided goes: a surrogate too many costs a word, one too few a person.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from curation.deid.keys.identity import Identifier, Identity
from curation.deid.texts.codes import FIRST_RULES, NUMBER_RULES, WEB_RULES, find_ages
from curation.deid.texts.date_rules import find_dates, find_years, read_date
from curation.deid.texts.dates import Calendar
from curation.deid.texts.names import find_names, parts
from curation.deid.texts.net import find_unknown
from curation.deid.texts.people import PERSON_KINDS, hide_again, hide_known, parts_in_order
from curation.deid.texts.places import find_places
from curation.deid.texts.reports import ReportOriginal
from curation.deid.texts.scripts import find_other_scripts
from curation.deid.texts.spans import PEOPLE, Masked, Span
from curation.deid.texts.spellings import contracted

TAG_DIGITS = 4
_OLDEST_OF_TAGS = 90
_BETWEEN = re.compile(r"[, \t]{1,3}")


@dataclass(frozen=True)
class Replaced:
    """Characters ``[start, end)`` of the original that were replaced, what they were, and the rule that said so."""

    start: int
    end: int
    kind: str
    rule: str


@dataclass(frozen=True)
class CleanReport:
    """A text without identifiers, and where in the original they stood: the offsets belong in the vault."""

    text: str
    replaced: tuple[Replaced, ...]


def clean(original: ReportOriginal, identity: Identity, also: Collection[Identifier] = ()) -> CleanReport:
    """The report's text with surrogates for identifiers.

    ``also`` are values of the same patient and study from elsewhere, such as DICOM headers: a name among them is the
    patient's where it shares a part with the patient's name in the report, else somebody's.
    """
    identifiers = {*original.identifiers, *_told_apart(original.identifiers, also)}
    born = frozenset(day for kind, value in identifiers if kind == "birth_date" for day in read_date(value))
    oldest = identity.oldest_age_years

    def move(day: date) -> date | None:
        return identity.shift(original.patient_id, day)

    masked = _find(original.text, identifiers, Calendar(move, born, original.study_date, oldest))
    spans = _merged(original.text, _printed(masked, identifiers, original.patient_id, identity))
    return CleanReport(
        "".join(_pieces(original.text, spans)),
        tuple(Replaced(span.start, span.end, span.kind, span.rule) for span in spans),
    )


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags in which no rule finds anything: a term of a vocabulary is whole or is none."""
    return tuple(tag for tag in tags if _is_term(tag))


@cache
def _is_term(tag: str) -> bool:
    return not _find(tag, (), Calendar(lambda _: None, oldest_years=_OLDEST_OF_TAGS)).spans


def _find(text: str, identifiers: Collection[Identifier], calendar: Calendar) -> Masked:
    """The stretches of a text that identify. Each step reads what those before it have left."""
    masked = Masked(text)
    masked.find(WEB_RULES)
    hide_known(masked, identifiers)
    masked.find(FIRST_RULES)
    find_dates(masked, calendar)
    find_ages(masked, calendar.oldest_years)
    masked.find(NUMBER_RULES)
    find_places(masked)
    find_years(masked, calendar)
    find_other_scripts(masked)
    find_names(masked)
    find_unknown(masked)
    hide_again(masked)
    return masked


def _told_apart(known: Collection[Identifier], also: Collection[Identifier]) -> Iterator[Identifier]:
    """Values from elsewhere; a name that shares nothing with the patient's is another person's."""
    patient = {contracted(part) for kind, value in known if kind == "name" for part in parts_in_order(value)}
    for kind, value in also:
        words = {contracted(part) for part in parts_in_order(value)} if kind == "name" else set()
        yield Identifier("person" if patient and words and words.isdisjoint(patient) else kind, value)


# --- surrogates ------------------------------------------------------------------------------------------


def _printed(masked: Masked, identifiers: Collection[Identifier], patient: str, identity: Identity) -> list[Span]:
    """The stretches in order, each with its surrogate."""
    people = _people(masked, identifiers)
    people |= {span.who: ("institution", span.who) for span in masked.spans if span.kind == "institution"}
    is_named = any(kind == "name" for kind, _ in identifiers)
    spans = []
    for span in masked.spans:
        kind, who = people.get(span.who, (span.kind, span.who)) if span.kind in PEOPLE else (span.kind, span.who)
        if kind == "patient" and who and is_named:
            kind = "person"  # "Mr." and a name that is not the patient's
        printed = span.printed or _surrogate(kind, who and identity.thing("n", "surrogate", f"{patient}\0{who}"))
        spans.append(replace(span, kind=kind, printed=printed))
    return spans


def _surrogate(kind: str, name: str) -> str:
    """The kind in brackets, with digits of its pseudonym where there may be several of a kind.

    The digits are neither all letters nor all numbers, so that they never read like a name or the end of a phone.
    """
    if not name or kind == "patient":
        return f"[{kind.upper()}]"
    tags = (name[at : at + TAG_DIGITS] for at in range(1, len(name) - TAG_DIGITS))
    return f"[{kind.upper()}-{next((tag for tag in tags if not tag.isdigit() and not tag.isalpha()), 'a0a0')}]"


def _people(masked: Masked, identifiers: Collection[Identifier]) -> dict[str, tuple[str, str]]:
    """Kind and person for each part of a name: those of the header first, then the longest names of the text."""
    people: dict[str, tuple[str, str]] = {}
    for kind, value in sorted(identifiers):
        if kind in PERSON_KINDS:
            words = [contracted(word) for word in parts_in_order(value)]
            for word in words:
                people.setdefault(word, (PERSON_KINDS[kind], words[0] if kind != "name" else ""))
    found = [(parts(masked.original[span.start : span.end]), span) for span in masked.spans if span.kind in PEOPLE]
    cores = {words[0]: words[0] for words, _ in found if len(words) > 1}
    for words, _ in sorted(found, key=lambda pair: (-len(pair[0]), pair[1].start)):
        core = cores.get(words[0], words[0])
        for word in words:
            cores.setdefault(word, core)
    kinds: dict[str, str] = {}
    for words, span in found:
        core = cores[words[0]]
        kinds[core] = min(kinds.get(core, span.kind), span.kind, key=PEOPLE.index)
    return {word: (kinds[core], core) for word, core in cores.items()} | people


def _merged(text: str, spans: Iterable[Span]) -> list[Span]:
    """The stretches, those beside each other as one that have the same surrogate, such as a last and a first name."""
    merged: list[Span] = []
    for span in spans:
        before = merged[-1] if merged else None
        if (
            before is not None
            and before.printed == span.printed
            and span.kind not in ("date", "time")
            and _BETWEEN.fullmatch(text, before.end, span.start)
        ):
            merged[-1] = replace(before, end=span.end)
        else:
            merged.append(span)
    return merged


def _pieces(text: str, spans: Iterable[Span]) -> Iterator[str]:
    at = 0
    for span in spans:
        yield text[at : span.start]
        yield span.printed
        at = span.end
    yield text[at:]
