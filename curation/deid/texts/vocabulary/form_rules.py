"""The rules of ``forms.py``: each form that identifies as a pattern over a text in small letters, in their order.

Categories: 45 CFR 164.514(b)(2); ages: the same, (b)(2)(i)(C).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from curation.deid.texts.ages import BEHIND_SEX, SAID_AGES
from curation.deid.texts.phones import GROUPED
from curation.deid.texts.vocabulary.form_parts import (
    CITY,
    CLOCK,
    CLOSE,
    DAY,
    DAY_WORD,
    END,
    FREE,
    HOLIDAY,
    IN_ROW,
    INSTITUTION,
    LABEL,
    MONTH,
    NINETY,
    NUMBER_WORD,
    ON,
    PHONE_IS,
    STATE,
    STREET,
    TIME,
    YEAR,
    YEAR_WORDS,
    YEARS,
)
from curation.deid.texts.vocabulary.found import (
    Found,
    gone,
    handle,
    house,
    in_figures,
    in_words,
    numbered,
    old,
    old_and_sex,
    old_behind_sex,
    phone,
    post_code,
    spaced,
    year_first,
)


@dataclass(frozen=True)
class Rule:
    """A pattern, and what to do with what it finds in the text in small letters and in the text itself."""

    name: str
    pattern: re.Pattern[str]
    handler: Callable[[re.Match[str], str], Found | None] = gone


@dataclass(frozen=True)
class Group:
    """Rules that can find nothing where ``trigger`` does not: most values pull none."""

    trigger: re.Pattern[str]
    rules: tuple[Rule, ...]


def _group(trigger: str, *rules: tuple[str, str, Callable[[re.Match[str], str], Found | None]]) -> Group:
    return Group(re.compile(trigger), tuple(Rule(name, re.compile(pattern), do) for name, pattern, do in rules))


GROUPS = (
    _group(
        r"@|://|www|\.[a-z]",
        ("email", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}", gone),
        ("url", r"(?<![a-z0-9])(?:[a-z]{2,6}://|www\.)\S+", gone),
        ("host", r"(?<![\w.@])(?:[a-z0-9-]{2,63}\.){1,8}(?:com|org|net|edu|gov|info|de|uk|fr|nl)\b(?:/\S*)?", gone),
    ),
    _group(
        r"@|\bdot\b",
        ("handle", r"(?<![\w@])@(?P<it>[a-z_]\w{2,})[\w.]*", handle),
        ("email in words", r"[\w.+-]+\s+\W?at\W?\s+[\w.-]+(?:\s+\W?dot\W?\s+\w+)+", gone),
    ),
    _group(
        r"[a-z]([ ._-])[a-z]\1[a-z]\1[a-z]\1[a-z](?![a-z])",
        ("letters apart", r"(?<![^\W_])[a-z]([ ._-])[a-z](?:\1[a-z]){3,}(?![^\W_])", spaced),
    ),
    _group(
        rf"mass|mayo|hopkins|clinic|{CITY}",
        ("institution", INSTITUTION, gone),
        ("town and state", rf"(?<![a-z]){CITY},?\s+{STATE}(?![a-z])", gone),
    ),
    _group(r"ninet", *(("age said", pattern, old) for pattern in SAID_AGES)),
    _group(
        r"nineteen|thousand|twenty",
        (
            "day, month and year in words",
            rf"(?<![a-z]){NUMBER_WORD}\s+(?:of\s+)?{MONTH},?\s+{YEAR_WORDS}",
            gone,
        ),
        ("month and year in words", rf"(?<![a-z]){DAY_WORD}?\s*(?:of\s+)?{MONTH},?\s+{YEAR_WORDS}", gone),
        ("year in words", rf"(?<![a-z])(?:in\s+)?{YEAR_WORDS}", gone),
    ),
    _group(
        r"ninety|hundred|(?:first|second|third|th)\b",
        ("age in words", rf"(?<![a-z])(?P<n>{NINETY}){YEARS}", old),
        ("date in words", rf"(?<![a-z]){DAY_WORD}(?:\s+(?:day\s+)?of)?\s+(?!may\b){MONTH}", gone),
        ("date in words, month first", rf"(?<![a-z]){MONTH}\s+(?:the\s+)?{DAY_WORD}\b", gone),
    ),
)
WITH_FIGURES = (
    _group(
        r"mrn|mr\s?\#|ssn|pid|acct|acc|record|number|num\b|no\b|nr\b|\#|id\b",
        ("labelled id", rf"{LABEL}(?=[\w./-]*\d)\w[\w-]*(?:[./ ]\d{{2,}}(?![\d/.:]))*", gone),
    ),
    _group(
        r"pager|beeper|phone|tel|fax|ext|call|mobile|handy",
        ("labelled phone", rf"{PHONE_IS}\(?\d[\d\s().-]{{2,}}\d", gone),
    ),
    _group(
        r"insur|policy|member|passport|licen|serial|\bs/?n\b|nhs|nino|[a-z]{2}\s?\d\d\s?\d\d\s?\d\d\s?[a-d]\b|[a-z]\s[a-z]\s?\d{4}",
        ("national insurance", r"(?<![a-z])[a-z]{2}\s?\d\d\s?\d\d\s?\d\d\s?[a-d]\b", gone),
        (
            "labelled number",
            r"(?<![a-z])(?:insurance|policy|member|passport|licen[cs]e|serial|s/?n|nhs|nino)\b\.?\s*"
            r"(?:numbers?\b|no\b|nr\b|id\b|\#)?\.?\s*[:\#=]?\s*(?=[\w-]*\d)\w+(?:[-/ ](?=[a-z]*\d)\w+|[-/]\w+)*",
            numbered,
        ),
        (
            "letters and a number",
            r"(?<![^\W_])(?!(?:w\s[lw]|l\sw|c\sw|w\sc|t\s[eri])\s)[a-z]\s[a-z]\s?\d{4,}(?![\w.])",
            gone,
        ),
    ),
    _group(
        r"\d(?:st|nd|rd|th)\s|(?:9\d|1[0-2]\d)",
        *(("age said", pattern, old) for pattern in SAID_AGES),
        ("age behind its sex", BEHIND_SEX.replace("[MF]", "[mf]"), old_behind_sex),
    ),
    _group(
        r"dob|d\.o\.b|born|birth",
        (
            "birth",
            rf"(?<![a-z])(?:dob|d\.o\.b\.?|born|birth\s*(?:date|day|year))\s*[:=]?\s*(?:(?:in|on|is)\s+)?"
            rf"(?:{YEAR}[-\s./]+{MONTH}\.?[-\s./]+\d\d?|{YEAR}(?![-/.]\d)|'?\d\d(?![\w./-]))(?!\d)",
            gone,
        ),
    ),
    _group(
        rf"(?:{HOLIDAY})",
        (
            "holiday and year",
            rf"(?<![a-z])(?:(?:in|since|from|on|until)\s+)?(?:{HOLIDAY})(?:\s+(?:of|day|eve))?\s+{YEAR}",
            gone,
        ),
    ),
    _group(
        r"\d\s?[./-]?\s?[ivx]+[./\s-]",
        (
            "month in roman figures",
            rf"{FREE}\d\d?\s?[./-]?\s?(?:i{{1,3}}|iv|vi{{0,3}}|ix|xi{{0,2}})\s?[./-]?\s?{YEAR}(?!\d)",
            gone,
        ),
    ),
    _group(
        r"\d\.\d\d?\.(?!\d)",
        (
            "day and month with points",
            r"(?<![\w.])(?<!suv )(?<!max )(?<!of )(?<!is )(?<!= )(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.(?!\d)",
            gone,
        ),
    ),
    _group(
        r"\d\.\d+\.\d|\d\s?[-/]\s?\d|(?<!\d)0\d\.\d{4}",
        ("social security", r"(?<!\d)\d{3}([-.])\d{2}\1\d{4}(?!\d)", gone),
        ("uid or address of a machine", rf"{FREE}\d+(?:\.\d+){{3,}}", gone),
        (
            "date, year first",
            rf"(?<![^\W_])(?P<y>{YEAR})(?P<s>[-/.])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)(?:(?=t\d)|(?![^\W_]))",
            year_first,
        ),
        ("date", rf"{FREE}(?P<a>\d\d?)(?P<s>[-/.]|\s/\s)(?P<b>\d\d?)(?P=s)(?P<y>\d{{4}}|\d\d){END}", in_figures),
        ("month and year in figures", rf"{FREE}(?:(?:0?[1-9]|1[0-2])[/-]|0[1-9]\.){YEAR}\b(?![-/]\d)", gone),
        ("date without year", rf"{ON}\d{{1,2}}/\d{{1,2}}\b(?![/.-]\d)", gone),
        ("month and day", rf"{IN_ROW}{FREE}(?:0?[1-9]|1[0-2])/(?:1[3-9]|2\d|3[01]){END}(?!/)", gone),
    ),
    _group(
        rf"(?<![a-z]){MONTH}",
        (
            "date, year first and month in words",
            rf"{FREE}(?P<y>{YEAR})[-\s./]+(?P<month>{MONTH}\.?)[-\s./]+{DAY}(?!\d)",
            in_words,
        ),
        (
            "date, day and month",
            rf"(?<![a-z0-9.]){DAY}[-\s./]*(?:of\s+|de\s+)?(?P<month>{MONTH}\.?)"
            rf"(?:[-\s,./']*(?:de\s+)?(?P<y>{YEAR}|(?<=['\-/. a-z])\d\d(?=$|[^\w.:/-])))?",
            in_words,
        ),
        (
            "date, month and day",
            rf"(?<![a-z0-9])(?P<month>{MONTH}\.?)[-\s]*{DAY}(?!\d)(?:[,\s-]+'?(?P<y>{YEAR})(?!\d))?",
            in_words,
        ),
        (
            "month and year",
            rf"(?<![a-z0-9])(?P<month>{MONTH}\.?)(?P<d>)(?P<th>)"
            rf"(?:[\s,.'/-]*(?=\d{{4}})|['/-]*)(?P<y>{YEAR}|\d\d)\b",
            in_words,
        ),
        (
            "month and short year",
            rf"(?<![a-z0-9])(?P<month>{MONTH}\.?)(?P<d>)(?P<th>)\s+(?P<y>3[2-9]|[4-9]\d)(?![\w./-]|\s*(?:mm|cm|ml|%))",
            in_words,
        ),
    ),
    _group(
        r"\d\s?[:h]\s?\d|\d\s?[ap]\.?m|\d\s?(?:hrs|hours|uhr)",
        ("time", rf"(?<![a-z0-9.:])t?{TIME}(?![\d:]){CLOCK}", gone),
        (
            "hour",
            r"(?<![\d.])(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?|(?<!\d)[012]\d[0-5]\d\s?(?:hrs|hours|uhr)\b",
            gone,
        ),
    ),
    _group(
        r"\d\D{0,2}\d\D{0,3}\d\D{0,3}\d\D{0,3}\d\D{0,3}\d",
        (
            "date without separators",
            rf"(?<!\d)(?P<y>{YEAR})(?P<s>)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)",
            year_first,
        ),
        ("social security, spaced", r"(?<!\d)\d{3} \d{2} \d{4}(?!\d)", gone),
        (
            "phone",
            r"(?<![\w.])(?:\+?\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)\s*|\d{2,4}[-/]\s?|\d{3}[\s.](?=\d{3}[\s.]\d{4}))\d{3,4}"
            r"[\s.-]\s?\d{3,4}(?!\d)",
            gone,
        ),
        ("short phone", r"(?<![\w.-])\d{3}(?:-\d{4,7}|\.\d{7})(?!\d)", gone),
        ("phone abroad", r"(?<!\w)\+\d[\d\s().-]{6,}\d", gone),
        ("phone in groups", GROUPED, phone),
        ("zip and four", r"(?<!\d)\d{5}-\d{4}(?!\d)", gone),
        (
            "number in groups",
            r"(?<![\d.])(?:\d\d-\d\d-\d\d|\d{3,}(?:-\d{2,}){2,}|\d{4,}-\d{5,}|\d{5,}-\d{4,})(?!\d)",
            gone,
        ),
        ("long number", r"(?<!\d)(?<!\d[.,])\d{6,}|(?<=[1-9]\.)\d{7,}|(?<=\d,)\d{6,}", gone),
    ),
    _group(
        r"[a-z]\d[a-z\d]?\s\d[a-z]{2}(?![a-z0-9])",
        (
            "post code",
            r"(?<![a-z0-9])(?:[a-z]{2}\d[a-z\d]?|[a-z]\d[a-z\d]|(?<=,\s)[a-z]\d)\s(?!3d|1st|2nd|3rd)\d[abd-hjlnp-uw-z]{2}(?![a-z0-9])",
            post_code,
        ),
    ),
    _group(
        rf"(?<![a-z])(?:{CLOSE})(?![a-z])",
        (
            "house",
            rf"(?<!\d)\d{{1,5}}[a-z]?\s+(?P<name>(?:[^\W\d_][\w'’.-]*\s+){{1,3}}?)(?P<kind>{CLOSE})(?![a-z])",
            house,
        ),
    ),
    _group(
        rf"(?<![a-z])(?:{STREET}|box|apt|apartment|suite|zip)|[a-z],\s[a-z]{{2}}\s+\d{{5}}",
        ("street", rf"(?<!\d)\d{{1,5}}[a-z]?\s+(?:[^\W\d_][\w'’.-]*\s+){{1,3}}{STREET}", gone),
        ("post box", r"(?<![a-z])(?:p\.?\s?o\.?\s+box|apt\.?|apartment|suite)\s+\#?\d+[a-z]?\b", gone),
        ("zip", r"(?<![a-z])zip(?:\s*code)?\s*:?\s*\d{5}\b", gone),
        ("zip behind a state", r"(?<=[a-z],\s)[a-z]{2}\s+\d{5}\b", gone),
    ),
    _group(
        rf"(?<![a-z0-9])(?:in|since|from|dated|year|circa)\s+{YEAR}|'\d\d\b",
        (
            "year",
            rf"(?<![a-z0-9])(?:in|since|from|dated|year|circa)\s+{YEAR}\b(?!\s*(?:ml|mm|hu|ms|images))",
            gone,
        ),
        ("short year", r"(?<!\w)'\d\d\b", gone),
    ),
    _group(
        r"(?<!\d)(?:0?9\d|1[0-3]\d)(?!\d)",
        ("age", rf"(?<![\d.])(?P<n>0?9\d|1[0-3]\d){YEARS}", old),
        ("age behind its word", r"(?<![a-z])(?:aged?|alter|age\s+of)\s*:?\s*(?P<n>0?9\d|1[0-3]\d)(?![\d.])", old),
        ("age and sex", r"(?<![\d.])(?P<n>9\d|10\d)\s?(?P<sex>[mf])\b", old_and_sex),
    ),
)
