"""Who is who in a report: what its header knows, in the forms that a text may use, and one name for each person."""

import re
from collections.abc import Collection, Iterator
from itertools import permutations, product

from curation.deid.keys.identity import Identifier
from curation.deid.texts.cues import NO_PART, PARTICLES
from curation.deid.texts.places import GENERIC, core_of_place, names_a_house
from curation.deid.texts.report_words import is_known, is_language, is_plain
from curation.deid.texts.spans import PEOPLE, Masked, Span
from curation.deid.texts.spellings import Form, contracted, find_forms, fold, variants
from curation.deid.texts.vocabulary.small_letters import given_names

PERSON_KINDS = {"name": "patient", "clinician": "clinician", "person": "person"}
_PLACE_KINDS = {"institution": "institution", "letterhead": "institution", "address": "address"}
MIN_VALUE = 3
MIN_DIGITS = 5
MAX_PARTS = 6  # of a name: a line that poses as one may have a hundred
MIN_PART = 4
"""A shorter part of a name or a place is not looked for alone, but for the names of the header."""
_AFTER_MEASURE = re.compile(r"[.,]\d|\s*(?:mm|cm|ml|cc|mg|hu|%|x|years?|days?|of)\b", re.IGNORECASE)


def hide_known(masked: Masked, identifiers: Collection[Identifier]) -> None:
    """Hide every value of the header, in any spelling; longest first, so that no part is left."""
    forms = {form for identifier in identifiers for form in _forms(identifier)}
    ordered = sorted(forms, key=lambda form: (-len(form.letters), form.letters, form.kind, form.who))
    stays = is_plain if masked.is_lower else is_language  # in a text without capitals a small letter says nothing
    for start, end, form in list(find_forms(masked.text, ordered, stays)):
        is_short = form.is_number and len(form.letters) < MIN_DIGITS
        if not masked.holds(start, end) and not (is_short and _AFTER_MEASURE.match(masked.text, end)):
            masked.hide([Span(start, end, form.kind, "known", form.who)])


def hide_again(masked: Masked) -> None:
    """Hide the names that were found in the text wherever else they stand in it, in whatever case."""
    forms = {form for span in masked.spans for form in _forms_of_span(masked, span)}
    ordered = sorted(forms, key=lambda form: (-len(form.letters), form.letters, form.kind, form.who))
    for start, end, form in list(find_forms(masked.text, ordered, _is_no_given)):
        masked.hide([Span(start, end, form.kind, "again", form.who)])


def _is_no_given(word: str) -> bool:
    """In small letters a given name that was found is one again only where it is no word: "joy" may be."""
    return is_language(word) or word in given_names()


def _forms_of_span(masked: Masked, span: Span) -> Iterator[Form]:
    name = masked.original[span.start : span.end]
    if span.kind in PEOPLE:
        words = [word for word in re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", name) if word.lower() not in NO_PART]
    elif span.kind == "institution":
        words = [word for word in re.findall(r"[^\W\d_]+", name) if contracted(word) == span.who]
    else:
        return
    for word in words:
        is_telling = len(word) >= MIN_PART and not is_known(word)
        if is_telling or (span.kind in PEOPLE and word.lower() in given_names()):
            yield from (Form((form,), span.kind, span.who) for form in variants(word))


# --- the forms of a value --------------------------------------------------------------------------------


def _forms(identifier: Identifier) -> Iterator[Form]:
    """The ways in which a value of the header may stand in the text."""
    kind, value = identifier
    if kind in PERSON_KINDS:
        yield from _name_forms(PERSON_KINDS[kind], value)
    elif kind in _PLACE_KINDS:
        yield from _place_forms(_PLACE_KINDS[kind], value)
    elif any(map(str.isdigit, value)):
        yield from _number_forms(
            kind if kind in ("phone", "email") else "date" if kind == "birth_date" else "id", value
        )
    elif len(value) >= MIN_VALUE and not all(map(is_plain, value.split())):
        yield Form(tuple(filter(None, map(fold, value.split()))), "id")


def _name_forms(kind: str, value: str) -> Iterator[Form]:
    """Each part of a name, also of a double one; first and last in both orders; initials with the last."""
    for name in value.split("="):  # PS3.5 6.2.1: the same name in other scripts
        parts = parts_in_order(name)[:MAX_PARTS]
        who = contracted(parts[0]) if parts and kind != "patient" else ""
        for part in parts:
            halves = [half for half in re.split(r"[-‐-―]", part) if len(half) >= MIN_VALUE]
            spellings = {form for word in (part, *halves) for form in variants(word) if len(form) > 1}
            yield from (Form((form,), kind, who) for form in spellings)
        for order in _orders(parts):
            yield from (Form(spelled, kind, who) for spelled in product(*map(variants, order)))


def _orders(parts: list[str]) -> set[tuple[str, ...]]:
    """Two or three parts in the orders in which people write them, also with initials for the given ones."""
    if len(parts) < 2:
        return set()
    family, *given = parts
    words = [part for part in parts if len(part) > 1]
    initials = [part[0] for part in given]
    sets = [given[:1] + initials[1:], initials[:1], initials]
    told = [order for some in sets for order in ((*some, family), (family, *some))]
    return {*permutations(words, 2), *permutations(words[:3], 3), *told}


def parts_in_order(name: str) -> list[str]:
    """The words of a name, the family name first; titles, credentials and particles are left out."""
    family, _, given = re.sub(r"[\^,]+", ",", name).partition(",")
    words = [_words(family), _words(given)]
    if not words[1] and "^" not in name:
        words = [words[0][-1:], words[0][:-1]]  # "First Last"
    return [*words[0], *words[1]]


def _words(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+(?:['’‘`´ʼ‐-―-][^\W\d_]+)*", text)
    return [word for word in words if word.lower() not in NO_PART | PARTICLES or len(word) == 1]


def _place_forms(kind: str, value: str) -> Iterator[Form]:
    """Each line of an address or a letterhead, and each word of it that is none of the language."""
    for line in re.split(r"[,;|\t\n^]", value):
        words = [word for word in re.split(r"[\s/]+", line) if fold(word)]
        phrase = tuple(map(fold, words))
        told = [word for word in words if word.isalpha() and not is_known(word) and word.lower() not in GENERIC]
        if len(words) > 1 and (told or names_a_house(line)):
            yield Form(phrase, kind, core_of_place(line) if kind == "institution" else "")
        for word in told:
            if len(word) >= MIN_PART:
                yield Form((fold(word),), kind, contracted(word) if kind == "institution" else "")


def _number_forms(kind: str, value: str) -> Iterator[Form]:
    """The whole, its long runs of digits without zeros before them, and a phone without its area."""
    letters = fold(value)
    wanted = {letters}
    wanted |= {run.lstrip("0") for run in re.findall(r"\d+", value) if len(run.lstrip("0")) >= MIN_DIGITS}
    if kind == "phone":
        wanted = {form for form in (letters, letters[-7:], letters[-10:]) if len(form) >= MIN_DIGITS}
    yield from (Form((form,), kind, is_number=True) for form in wanted if len(form) >= MIN_VALUE)
