"""Clean report text: identifiers known from the report's header, then rules for what has a form of its own.

Each find becomes a typed placeholder such as ``[DATE]``; medical words that look like names (Swan-Ganz, Kerley B) stay,
because a name is only taken for one where its header, a title, a credential or a verb of telling says so. What a source
has crossed out itself (``XXXX``) stays too. Undecided goes: a placeholder too many costs a word, one too few a person.

Categories: 45 CFR 164.514(b)(2), the eighteen identifiers of HIPAA's safe harbour.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date

from curation.deid.identity import Identifier
from curation.deid.reports import ReportOriginal, parse_date

_PLACEHOLDER = {
    "name": "[PATIENT]",
    "clinician": "[CLINICIAN]",
    "institution": "[INSTITUTION]",
    "letterhead": "[INSTITUTION]",
    "address": "[ADDRESS]",
    "phone": "[PHONE]",
    "email": "[EMAIL]",
    "birth_date": "[DATE]",
}

# --- dates and times
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d{2}"
_TIME = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|h\b))?"
_ON = r"(?i:\b(?:on|dated|from|since|of|study|exam|prior|yesterday,?|today,?)\s+)"
_IN = r"(?i:\b(?:in|since|from|dated|of|until|before|after|year|circa|early|late|to)\s+)"

# --- names
_TITLE = r"(?:\b(?i:drs?|doctors?|profs?|professor|nurse)\b\.?|\b(?:Mr|Mrs|Ms|Miss|MRS|MISS)\b\.?|\b(?:MR|MS)\.)"
_PATIENT_TITLE = r"\b(?:Mr|Mrs|Ms|Miss|MRS|MISS|MR(?=\.)|MS(?=\.))\b\.?"  # MR without a point is magnetic resonance
_CREDENTIAL = (
    r"(?:(?:\s+|\s*,\s*)(?:M\.?D\b\.?|D\.O\.|DO\b|Ph\.?D\b\.?|R\.?N\b\.?|N\.P\.|PA-C\b|F\.?R\.?C\.?R?\b\.?|FACR\b|"
    r"MBBS\b))"
)
_NOT_A_NAME = (
    r"XXXX|M\.D|D\.O|Ph\.D|(?:MD|RN|DO|PhD)\b|(?:AP|PA|CT|MRI?|The|This|There|No|At|On|Drs?|DRS?|Mrs?|Ms|Prof)\b|"
    r"[A-Z][A-Za-z]*(?:[ /][A-Za-z]+){0,2}:"
)
_CAPITAL = rf"(?!{_NOT_A_NAME})(?:\[(?:PATIENT|CLINICIAN)\]|[A-Z]\.|[A-ZÀ-ÖØ-Þ](?:[^\W\d_]|['’-](?=[^\W\d_]))*)"
_PARTICLE = r"(?:(?:van|von|der|den|de|del|della|da|di|la|le|el|al|bin|ter|ten)\s+){0,2}"
_NAME = rf"{_PARTICLE}{_CAPITAL}(?:,?\s+{_PARTICLE}{_CAPITAL}){{0,3}}"
_PERSON = rf"(?:{_TITLE}\s*)*{_NAME}{_CREDENTIAL}*"
_WORD = r"(?!XXXX)[^\W\d_][^\W\d_]*(?:['’-][^\W\d_]+)*"
_LOWER_NAME = rf"(?!\[){_WORD}(?:[,\s]+(?!on\b|at\b|and\b|for\b){_WORD}){{0,2}}"
_SIGNED = (
    r"(?i:\b(?:signed|dictated|transcribed|verified|authenticated|interpreted|approved|finalized|attested|co-?signed|"
    r"typed|edited|reviewed|reported|read|performed|supervised|prepared|requested|ordered|referred)"
    r"(?:\s+(?:and|&)\s+[a-z]+)?(?:\s+electronically)?\s+by\b\s*:?)"
)
_SIGNED_PLAINLY = r"(?i:\b(?:signed|dictated|transcribed)\s+by\b\s*:?)"
_TOLD = (
    r"(?i:\b(?:discuss|communicat|convey|relay|call|phon|report|pag|notif|inform|spoke|given|telephon)"
    r"\w*\b[^.\n]{0,60}?\b(?:with|to|by)|\b(?:notified|informed|paged|phoned)\b)"
)
_ROLE = (
    r"(?i:\b(?:attending|resident|fellow|radiologist|technologist|physician|clinician|surgeon|provider|reader|"
    r"transcriptionist|referr(?:ing|er)|pcp)\b(?:\s+(?:physician|provider|doctor|radiologist))?\s*[:=-]\s*)"
)
_PATIENT_IS = r"(?i:\bpatient(?:'s)?(?:\s+name)?\s*(?:is|:)\s*)"

# --- places and numbers
_PLACE = (
    r"(?:Hospitals?|Medical\s+Cent(?:er|re)|Clinics?|Infirmary|Health\s*care|Health\s+(?:System|Cent(?:er|re)|Services)|"
    r"Imaging\s+Cent(?:er|re)|Radiology\s+(?:Associates|Group|Partners)|University|Nursing\s+Home|Institute|Hospice)\b"
)
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Terrace|Parkway|Pkwy|"
    r"Highway)\b\.?(?:,\s*[A-Z]\w+)*(?:,?\s+[A-Z]{2}\b)?(?:\s+\d{5}(?:-\d{4})?)?"
)
_PHONE_IS = (
    r"(?i:\b(?:pager|beeper|phone|telephone|tel|fax|ext|extension|callback|mobile|cell)\b\.?\s*"
    r"(?:no\.?|number|is|at)?\s*[:#]?\s*)"
)
_ID_IS = (
    r"(?i:\b(?:mrn|mr\s*#|medical\s+record|accession|acc|patient\s+id|pid|ssn|social\s+security|case|visit|account|"
    r"acct|encounter|order|record|report|chart|study\s+id|exam\s+id|serial)\b(?:\s+(?:no|num|number|id)\b)?\.?"
    r"\s*[:#=]?\s*(?:is\s+)?#?\s*)"
)
_NINETY = r"ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+(?:and\s+)?\w+)?"

_RULES = tuple(
    (rule_id, re.compile(pattern), replacement)
    for rule_id, pattern, replacement in (
        ("email", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "[EMAIL]"),
        ("url", r"(?i)\b(?:https?://|www\.)\S+", "[URL]"),
        ("social_security", r"\b\d{3}-\d{2}-\d{4}\b", "[ID]"),
        ("labelled_id", rf"({_ID_IS})(?=[\w-]*\d)[A-Za-z0-9][\w-]*", r"\1[ID]"),
        ("date_iso", rf"(?i)\b{_YEAR}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?", "[DATE]"),
        ("date_year_first", rf"\b{_YEAR}([-/.])\d{{1,2}}\1\d{{1,2}}\b", "[DATE]"),
        ("date_digits", rf"\b{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{{4,6}})?\b", "[DATE]"),
        ("date_numeric", r"\b\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})\b", "[DATE]"),
        ("date_day_month", rf"(?i)\b{_DAY}[-\s]*(?:of\s+)?{_MONTH}(?:[-,\s]*(?:{_YEAR}|'?\d{{2}}\b))?", "[DATE]"),
        ("date_month_day", rf"(?i)\b{_MONTH}[-\s]*{_DAY}\b(?:[,\s-]*{_YEAR}\b)?", "[DATE]"),
        ("date_month_year", rf"(?i)\b{_MONTH}(?:,?\s+(?:of\s+)?|[-/]){_YEAR}\b", "[DATE]"),
        ("date_month_in_digits", rf"\b(?:0?[1-9]|1[0-2])/{_YEAR}\b", "[DATE]"),
        ("date_without_year", rf"({_ON})\d{{1,2}}/\d{{1,2}}\b(?![/-])", r"\1[DATE]"),
        ("year", rf"({_IN}){_YEAR}\b", r"\1[DATE]"),
        ("date_then_time", rf"(?i)\[DATE\](?:,?\s*(?:at\s+|@\s*)?{_TIME})", "[DATE]"),
        ("time_then_date", rf"(?i)\b{_TIME}(?:,?\s*(?:on\s+)?)\[DATE\]", "[DATE]"),
        ("time_at", rf"(?i)(?:(?<=\bat )|(?<=@)|(?<=@ )|(?<=time ))(?:{_TIME}|\d{{4}}\s*(?:hrs?|hours|h)\b)", "[DATE]"),
        ("time", r"(?i)\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d|\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b))", "[DATE]"),
        ("phone", r"(?<![\w.])(?:\+?\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)\s*|\d{2,4}[\s.-])\d{3,4}[\s.-]\d{3,4}\b", "[PHONE]"),
        ("phone_short", r"(?<![\w.-])\d{3}-\d{4,7}\b", "[PHONE]"),
        ("phone_abroad", r"(?<!\w)\+\d[\d\s().-]{6,}\d", "[PHONE]"),
        ("labelled_phone", rf"({_PHONE_IS})\(?\d[\d\s().-]{{2,}}\d", r"\1[PHONE]"),
        ("long_number", r"(?<![\d.])\d{6,}(?![\d.]*\d)", "[ID]"),
        ("code", r"\b(?=[A-Za-z0-9-]*\d{5})[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*\b", "[ID]"),
        ("uid", r"\b\d+(?:\.\d+){4,}\b", "[ID]"),
        ("street", rf"\b\d{{1,5}}\s+(?:[A-Z][\w'’.]*\s+){{1,3}}{_STREET}", "[ADDRESS]"),
        ("zip", r"\b[A-Z]{2}\s+\d{5}(?:-\d{4})?\b", "[ADDRESS]"),
        ("place", rf"(?:\b(?:St\.|[A-Z][\w'’&-]*)\s+(?:(?:of|and|the|for|&)\s+)*){{1,5}}{_PLACE}", "[INSTITUTION]"),
        ("signature", rf"({_SIGNED}\s*){_PERSON}", r"\1[CLINICIAN]"),
        ("signature_in_any_case", rf"({_SIGNED_PLAINLY}\s*){_LOWER_NAME}", r"\1[CLINICIAN]"),
        ("slash_signature", rf"(/s/\s*){_PERSON}", r"\1[CLINICIAN]"),
        ("title_of_patient", rf"{_PATIENT_TITLE}\s+{_NAME}", "[PATIENT]"),
        ("title", rf"{_TITLE}\s+{_NAME}{_CREDENTIAL}*", "[CLINICIAN]"),
        ("title_in_any_case", rf"(?i:\bdrs?\b\.?)\s+(?!xxxx|\[){_WORD}", "[CLINICIAN]"),
        ("credential", rf"(?<!\w){_NAME}{_CREDENTIAL}+", "[CLINICIAN]"),
        ("told", rf"({_TOLD}\s+(?:the\s+)?){_PERSON}", r"\1[CLINICIAN]"),
        ("role", rf"({_ROLE}){_PERSON}", r"\1[CLINICIAN]"),
        ("patient_is", rf"({_PATIENT_IS}){_NAME}", r"\1[PATIENT]"),
        ("initial", r"\b[A-Z]\.?\s+(\[(?:PATIENT|CLINICIAN)\])", r"\1"),
        ("repeat", r"(\[[A-Z]+\])(?:[,\s]+\1)+", r"\1"),
    )
)
"""Rule id, pattern, placeholder; in this order, each on what the one before has left."""

_AGE = re.compile(
    rf"(?i)\b(?:(?P<digits>\d{{2,3}})|{_NINETY})(?=[\s-]*(?:years?|yrs?|y\.?\s?/?o\b|yo\b|y\.o\.|year-old)|[\s-]?[mf]\b)"
)
_AGED = re.compile(r"(?i)(\b(?:aged?|age\s+of|age:)\s+)(\d{2,3})\b")


def clean(original: ReportOriginal, oldest_age_years: int) -> str:
    """The report's text without identifiers; sections and line breaks stay as they were."""
    text = _without_known(original.text, original.identifiers)
    for _, pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _AGE.sub(lambda found: _age_of(found["digits"], oldest_age_years), text)
    text = _AGED.sub(lambda found: found[1] + _age_of(found[2], oldest_age_years), text)
    return re.sub(r"[ \t]+\n", "\n", text).strip()


def _age_of(digits: str | None, oldest: int) -> str:
    """An age as it stands, or its placeholder; without digits it is ninety or more in words."""
    return digits if digits and not oldest <= int(digits) <= 130 else "[AGE]"


def _without_known(text: str, identifiers: Iterable[Identifier]) -> str:
    """The text without what the header named: whole words of any case, longest first so that no part is left."""
    forms = {form.casefold(): kind for kind, value in sorted(identifiers) for form in _forms(kind, value)}
    if not forms:
        return text
    either = "|".join(_spelling(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    return re.sub(
        rf"(?<![^\W_])(?:{either})(?![^\W_])",
        lambda found: _PLACEHOLDER.get(forms.get(" ".join(found[0].split()).casefold(), ""), "[ID]"),
        text,
        flags=re.IGNORECASE,
    )


def _spelling(form: str) -> str:
    """A form as a pattern, with any space between its words; one of two letters only as a name is written (Li, LI)."""
    if len(form) <= 2:
        return f"(?-i:{re.escape(form.title())}|{re.escape(form.upper())})"
    return r"\s+".join(map(re.escape, form.split()))


def _forms(kind: str, value: str) -> Iterator[str]:
    """The ways in which a value of the header may stand in the text."""
    if kind in ("name", "clinician"):
        yield from _name_forms(value)
    elif kind == "letterhead":
        yield from (part.strip() for part in re.split(r"[,;|\t]", value) if len(part.strip()) >= 8)
    elif kind == "birth_date":
        born = parse_date(value)
        yield from (_dates(born) if born else [value])
    elif len(value) >= 3:
        yield value


def _name_forms(value: str) -> Iterator[str]:
    """Each part of a name; two parts beside each other become one placeholder later."""
    for part in re.split(r"[\^=,;\s]+", value):
        word = part.strip(".")
        if len(word) >= 2 and not re.fullmatch(r"(?i)m\.?d|dr|prof|jr|sr|ph\.?d|rn|do|ii|iii|mr|mrs|ms", word):
            yield word


def _dates(day: date) -> list[str]:
    return [f"{day:{layout}}" for layout in ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y")]
