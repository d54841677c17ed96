"""Where people live and are treated: streets, towns with a code, and institutions by name.

Category: 45 CFR 164.514(b)(2)(i)(B), geographic subdivisions smaller than a state.
"""

import re
from collections.abc import Iterator

from curation.deid.texts.cues import SMALL_WORDS
from curation.deid.texts.report_words import is_known, is_plain
from curation.deid.texts.spans import DIGITS, PLACE, Masked, Span, rule
from curation.deid.texts.spellings import contracted
from curation.deid.texts.vocabulary.form_parts import CITY, INSTITUTION, STATE
from curation.deid.texts.word_lists import word_list

MAX_WORDS = 6
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Terrace|Parkway|Pkwy|"
    r"Highway|Hwy|Circle|Cir|Square|Sq|Trail|Alley|STREET|ST|AVENUE|AVE|ROAD|RD|DRIVE|LANE|LN|BOULEVARD|BLVD|TERRACE|"
    r"PARKWAY|HIGHWAY)\b\.?(?:,?\s+(?i:apt|apartment|unit|suite|ste|floor)\b\.?\s*#?\w+)?"
)
_TOWN = r"(?:(?:St|Mt|Ft)\.[ ])?[A-Z][\w'’-]+(?:[ ][A-Z][\w'’-]+){0,2}"
_AFTER_STREET = rf"(?:,\s*{_TOWN})*(?:,?\s+[A-Z]{{2}}\b)?(?:,?\s+\d{{5}}(?:-\d{{4}})?)?"
_NAMED = r"(?:(?:[A-Z][\w'’.-]*|\d{1,3}(?:st|nd|rd|th))\s+){1,3}"
_GEOGRAPHY = r"Bay|Beach|Springs|Falls|Heights|Hills|Creek|Grove|City|Harbou?r|County|Township|Village|Borough"
_SURE_STREETS = ("street", "avenue", "boulevard", "parkway", "highway")


def _is_street(found: re.Match[str]) -> bool:
    """Whether a street in lower case is named by a word that is none of the language, or by a kind of street only."""
    return found["kind"].lower() in _SURE_STREETS or not all(map(is_known, found["name"].split()))


RULES = (
    rule("street", "address", rf"\b\d{{1,5}}[A-Za-z]?\s+{_NAMED}{_STREET}{_AFTER_STREET}", DIGITS),
    rule(
        "street_in_any_case",
        "address",
        r"(?i)\b\d{1,5}\s+(?P<name>(?:[a-z]+\s+){1,2})(?P<kind>street|avenue|road|boulevard|parkway|highway|lane|terrace|blvd|ave|pkwy|hwy|rd|ln|st|dr|ct|drive|court|way|place|circle)\b",
        DIGITS,
        _is_street,
    ),
    rule(
        "town",
        "address",
        rf"(?<=[a-z,] )(?:[A-Z][a-z'’-]+[ ]){{1,2}}(?:{_GEOGRAPHY})\b",
        (
            "bay",
            "beach",
            "springs",
            "falls",
            "hei",
            "hills",
            "creek",
            "grove",
            "city",
            "harbo",
            "count",
            "ship",
            "vill",
            "boro",
        ),
    ),
    rule(
        "close",
        "address",
        r"\b\d{1,5}[A-Za-z]?\s+(?:[A-Z][\w'’-]*\s+){1,2}(?:Close|Crescent|Gardens|Mews|Grove|Rise|Walk|Row|Green|Hill)\b"
        rf"(?:,\s*{_TOWN}(?=\s*[,.]|\s+[A-Z]{{1,2}}\d))?(?:,?\s+[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}}\b)?",
        DIGITS,
    ),
    rule("town_and_state", "address", rf"\b(?i:{CITY}),?\s+(?=[A-Z]{{2}}\b)(?i:{STATE})\b"),
    rule("house", "address", rf"(?i){INSTITUTION}", ("mass", "mayo", "hopkins", "cleveland")),
    rule("post_box", "address", r"(?i)\b(?:p\.?\s?o\.?\s+box|apt\.?|apartment)\s+#?\d+[a-z]?\b", DIGITS),
    rule("labelled_zip", "address", r"(?i)\bzip(?:\s*code)?\s*:?\s*(?P<it>\d{5}(?:-\d{4})?)\b", ("zip",)),
    rule("zip", "address", rf"(?:\b{_TOWN},\s*|{PLACE},?\s+)?\b[A-Z]{{2}}\s+\d{{5}}(?:-\d{{4}})?\b", DIGITS),
    rule("post_code", "address", r"\b(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]\d[A-Z]\s\d[A-Z]\d)\b", DIGITS),
)

# --- institutions ----------------------------------------------------------------------------------------

_HOUSE = re.compile(
    r"(?i)\b(?:hospitals?|medical\s+cent(?:er|re)|clinics?|infirmary|health\s*care|"
    r"health\s+(?:system|cent(?:er|re)|services)|"
    r"imaging\s+(?:cent(?:er|re)|associates)|radiology\s+(?:associates|group|partners)|university|"
    r"nursing\s+(?:home|facility)|institute|hospice|sanatorium|polyclinic|(?:surgery|cancer|rehabilitation)\s+cent(?:er|re))\b"
)
_BEHIND = re.compile(
    r"\s+(?:of|at|for)\s+(?:the\s+)?[A-Z][\w'’-]*(?:[ ][A-Z][\w'’-]*){0,3}|"
    r"\s+(?:Hospitals?|Cent(?:er|re)|Clinic|System)\b"
)
_WORD = re.compile(rf"{PLACE}+|[^\W\d_](?:[\w'’-]|&(?=\w))*|&")
_CONNECTORS = frozenset(("of", "and", "the", "for", "de", "&"))
_WARDS = word_list("ward")
"""What stands before "clinic" or "hospital" without naming it."""
GENERIC = word_list("house")
"""Words of an institution's name that many share."""


def find_places(masked: Masked) -> None:
    """Hide addresses and the names of institutions."""
    masked.find(RULES)
    masked.hide(list(_institutions(masked)))


def core_of_place(name: str) -> str:
    """The first word of an institution's name that not many share, or all of it, in one form."""
    words = re.findall(r"[^\W\d_]{2,}", name)
    return contracted(next((word for word in words if word.lower() not in GENERIC), "".join(words)))


def names_a_house(name: str) -> bool:
    """Whether a name says that it is a hospital's or the like."""
    return _HOUSE.search(name) is not None


def _institutions(masked: Masked) -> Iterator[Span]:
    text = masked.text
    for found in _HOUSE.finditer(text):
        start, end = _name_before(text, found), found.end()
        while (more := _BEHIND.match(text, end)) and not _all_wards(more[0]):
            end = more.end()
        if _is_named(text[start : found.start()]) or (found[0][0].isupper() and end > found.end()):
            held = next((held for place in range(start, end) if (held := masked.at(place)) and held.who), None)
            yield Span(start, end, "institution", "place", held.who if held else core_of_place(text[start:end]))


def _name_before(text: str, house: re.Match[str]) -> int:
    """Where the name starts that ends in a word for a house: the first of the capitalised words before it."""
    start, at = house.start(), house.start()
    words = list(_WORD.finditer(text, max(0, at - 80), at))
    for word in words[: -MAX_WORDS - 1 : -1]:
        gap = text[word.end() : at]
        if gap.strip(" \n") not in ("", ".") or "\n\n" in gap or not _is_part(word[0]):
            break
        at = word.start()
        if word[0].lower() not in _CONNECTORS:
            start = at
    return start


def _is_part(word: str) -> bool:
    """Whether a word belongs to the name of the house behind it."""
    if word[0] == PLACE or word.lower() in _CONNECTORS:
        return True
    if "xx" in word.lower() or word.lower() in SMALL_WORDS:
        return False
    return word[0].isupper() or not is_known(word) or word in GENERIC


def _is_named(name: str) -> bool:
    """Whether the words before a house name it; words of the language in lower case do not."""
    return not _all_wards(name) and not (name.islower() and all(is_plain(word[0]) for word in _WORD.finditer(name)))


def _all_wards(name: str) -> bool:
    return all(word[0].lower() in _WARDS | _CONNECTORS for word in _WORD.finditer(name))
