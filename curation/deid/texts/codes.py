"""Identifiers with a form of their own: numbers, phones, web addresses, ages.

Categories: 45 CFR 164.514(b)(2), the eighteen identifiers of HIPAA's safe harbour.
"""

import re

from curation.deid.texts.ages import BEHIND_SEX, SAID_AGES
from curation.deid.texts.phones import GROUPED, is_phone
from curation.deid.texts.spans import DIGITS, Masked, Span, rule

_ID_WORD = (
    r"mrn|mr\s*#|medical\s+record|accession|acc|patient\s+id|pid|ssn|social\s+security|case|visit|account|acct|encounter|"
    r"order|record|report|chart|study\s+id|exam\s+id|serial|member|policy|insurance|license|licence|plate|vin|npi|dea|"
    r"passport|lot|barcode|identifier|document|requisition|specimen|claim|certificate|hospital\s+(?:no|number)|nhs|"
    r"unit\s+(?:no|number)|room|rm|bed|id"
)
_ID_IS = rf"(?i:\b(?:{_ID_WORD})\b(?:\s+(?:no|num|number|id)\b)?\.?\s*[:#=]?\s*(?:is\s+)?#?\s*)"
_PHONE_IS = (
    r"(?i:\b(?:pager|beeper|phone|telephone|tel|fax|ext|extension|callback|mobile|cell|contact)\b\.?\s*"
    r"(?:no\.?|number|is|at)?\s*[:#]?\s*)"
)

_A_DATE = r"\d{1,2}(?P<s>[/.-])\d{1,2}(?P=s)(?:\d{4}|\d\d)(?![\d-])|\d{4}-\d\d-\d\d(?!\d)|\d{1,2}[/:]\d"

WEB_RULES = (
    rule("email", "email", r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+", "@"),
    rule("email_in_words", "email", r"(?i)[\w.+-]+\s+\W?at\W?\s+[\w.-]+(?:\s+\W?dot\W?\s+\w+)+", ("dot",)),
    rule("handle", "id", r"(?<![\w@])@(?!(?:rest|stress|peak|(?:in|ex)spiration|baseline)\b)[A-Za-z_]\w{2,}", "@"),
    rule("url", "url", r"(?i)\b(?:[a-z]{2,6}://|www\.)\S+[\w/]", ("://", "www.")),
    rule("host", "url", r"(?i)(?<![\w.@])(?:[a-z0-9-]{2,}\.)+(?:com|org|net|edu|gov|info|mil|health)\b(?:/\S*)?", "."),
    rule(
        "address_of_machine",
        "id",
        r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)|\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b",
        DIGITS,
    ),
)
FIRST_RULES = (
    rule("uid", "id", r"\b\d+(?:\.\d+){4,}\b", DIGITS),
    rule("phone_of_a_country", "phone", r"(?<![\w.-])\d{1,3}-\d{1,4}-\d{3,4}-\d{4}(?![\w-])", DIGITS),
    rule("national_insurance", "id", r"\b[A-Z]{2}\s?\d\d\s?\d\d\s?\d\d\s?[A-D]\b", DIGITS),
    rule("serial", "id", r"\bS/?N\b\.?\s*[:#]?\s*(?P<it>(?=[\w-]*\d{3})\w+(?:-\w+)*)", DIGITS),
    rule("letters_and_number", "id", r"\b(?!(?:W\s[LW]|L\sW|T\s[ERI])\s)[A-Z]\s[A-Z]\s\d{4,}\b(?!\.\d)", DIGITS),
    rule("number_in_groups", "id", r"(?<![\w.-])\d{2,4}(?:-\d{2,4}){3,}(?![\w-])", DIGITS),
    rule("social_security", "id", r"\b\d{3}([-. ])\d{2}\1\d{4}\b", DIGITS),
    rule(
        "labelled_id",
        "id",
        rf"{_ID_IS}(?P<it>(?!{_A_DATE})(?=[\w-]{{0,40}}\d)[A-Za-z0-9][\w-]*(?:[ -]\d{{2,}}(?![\d/.:]))*)",
        DIGITS,
    ),
)
NUMBER_RULES = (
    rule("phone_in_groups", "phone", GROUPED, DIGITS, lambda found: is_phone(found[0])),
    rule(
        "phone",
        "phone",
        r"(?<![\w.])(?:\+?\d{1,3}[\s.-]{0,2})?(?:\(\s?\d{2,4}\s?\)[\s-]{0,2}|\d{2,4}(?:[\s.]|\s?[-/]\s?))"
        r"\d{3,4}(?:[\s.]|\s?-\s?)\d{3,4}\b(?:,?\s*(?i:x|ext\.?|extension)\s*\d{2,6}\b)?",
        DIGITS,
    ),
    rule("phone_short", "phone", r"(?<![\w.-])\d{3}-\d{4,7}\b", DIGITS),
    rule("phone_abroad", "phone", r"(?<!\w)\+\d[\d\s().-]{6,}\d", "+"),
    rule("labelled_phone", "phone", rf"{_PHONE_IS}(?P<it>\(?\d[\d\s().-]{{2,}}\d)", DIGITS),
    rule("phone_extension", "phone", r"(?<=[A-Za-z,;:)] )x\.?\s?\d{4,5}\b", DIGITS),
    rule("code", "id", r"\b(?=[A-Za-z0-9-]{0,40}\d{5})(?=\d*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*\b", DIGITS),
    rule("code_of_capitals", "id", r"\b[A-Z]{2,}[-_#]?\d{4,}(?:[-_]\w+)*\b", DIGITS),
    rule("long_number", "id", r"(?<![\d.])\d{6,}(?![\d.]*\d)", DIGITS),
)

_YEARS = r"(?=[\s-]*(?i:years?|yrs?|y\.?\s?/?o\b|yo\b|y\.o\.|y\b|year-old)|[\s-]?[MF]\b|[mf]\b)"
_NINETY = (
    r"(?i:ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+(?:and\s+)?"
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
)
_AGE = re.compile(
    rf"\b(?:(?P<digits>\d{{2,3}}){_YEARS}|{_NINETY}(?=[\s-]*(?i:years?|yrs?)))|"
    r"(?i:\b(?:aged?|age\s+(?:of|is)|age\s*[:=])\s*)(?P<said>\d{2,3})\b|(?i:\b(?P<word>nonagenarian|centenarian)\b)"
)


_MAY_BE_OLD = re.compile(r"(?i)(?<!\d)(?:9\d|1[0-2]\d)(?!\d)|ninet|90['’]?s|100['’]?s")
_SAID = (*(re.compile(pattern, re.IGNORECASE) for pattern in SAID_AGES), re.compile(BEHIND_SEX))


def find_ages(masked: Masked, oldest_years: int) -> None:
    """Hide each age from ``oldest_years`` on."""
    for found in _AGE.finditer(masked.text):
        group = next((name for name in ("digits", "said") if found[name]), None)
        if group is None or oldest_years <= int(found[group]) <= 130:
            masked.hide([Span(*found.span(group or 0), "age", "age", printed=f"[AGE {oldest_years}+]")])
    if not _MAY_BE_OLD.search(masked.text):
        return
    printed = f"[AGE {oldest_years}+]"
    for pattern in _SAID:
        found_ages = pattern.finditer(masked.text)
        masked.hide([Span(*found.span("n"), "age", "age_said", printed=printed) for found in found_ages])
