"""Clean report text: identifiers known from the report's header, then rules for what has a form of its own.

Each find becomes a typed placeholder such as ``[DATE]``; medical words that look like names (Swan-Ganz, Kerley B) stay,
because a name is only taken for one where its header, a title, a credential or a verb of telling says so. What a source
has crossed out itself (``XXXX``) stays too. Undecided goes: a placeholder too many costs a word, one too few a person.

Categories: 45 CFR 164.514(b)(2), the eighteen identifiers of HIPAA's safe harbour.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache

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

# --- spellings
_QUOTES = "'`\u00b4\u2018\u2019\u02bc\u2032"
_LETTERS = {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe", "\u0131": "i"}
_BROKEN = r"(?:-[ \t]*\n\s*)?"

# --- dates and times
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_MONTH_NAMED = _MONTH.replace("|may|", "|(?-i:May|MAY)|")  # "the second may be broken" names no month
_MONTH_RUN_ON = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DAY_WORD = (
    r"(?:(?:twenty|thirty)[-\s])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)\b"
)
_YEAR_WORD = (
    r"(?:(?:19|20)\d{2}\b|(?:nineteen|twenty|two\s+thousand)\b(?:[-\s](?:and\s+)?(?:\w+teen|\w+ty|ten|eleven|twelve|"
    r"one|two|three|four|five|six|seven|eight|nine|hundred)\b){0,3})"
)
_DAY = r"(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?:19|20)\d{2}"
_TIME = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|h\b))?"
_ON = r"(?i:\b(?:on|dated|from|since|of|study|exam|prior|yesterday,?|today,?)\s+)"
_IN = r"(?i:\b(?:in|since|from|dated|of|until|before|after|year|circa|early|late|to)\s+)"

# --- names
_TITLE = r"(?:\b(?i:drs?|doctors?|profs?|professor|nurse)\b\.?|\b(?:Mr|Mrs|Ms|Miss|MRS|MISS)\b\.?|\b(?:MR|MS)\.)"
_PATIENT_TITLE = r"\b(?:Mr|Mrs|Ms|Miss|MRS|MISS|MR(?=\.)|MS(?=\.))\b\.?"  # MR without a point is magnetic resonance
_GAP = r"(?:\s+|(?<=\.))"  # a point may stand for the space
_CREDENTIAL = (
    r"(?:(?:\s+|\s*,\s*)(?:M\.?D\b\.?|D\.O\.|DO\b|Ph\.?D\b\.?|R\.?N\b\.?|N\.P\.|PA-C\b|F\.?R\.?C\.?R?\b\.?|FACR\b|"
    r"MBBS\b|APRN\b|ARNP\b|CRNP\b|DNP\b)|\s*,\s*(?:NP|RT)\b)"
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
_SIGN_OFF = (
    r"(?i:\b(?:signed|dictated|transcribed|verified|authenticated|approved|sincerely|regards|attn|attention|tech)"
    r"\s*[:,]\s*)"
)
_RELATIVE = (
    r"(?i:\b(?:husband|wife|spouse|partner|daughter|son|mother|father|sister|brother|aunt|uncle|niece|nephew|"
    r"grand(?:mother|father|son|daughter)|guardian|caregiver|next\s+of\s+kin)\b\s*[:,(]?\s*)"
)
_SIGNED_PLAINLY = r"(?i:\b(?:signed|dictated|transcribed)\s+by\b\s*:?)"
_TOLD = (
    r"(?i:\b(?:discuss|communicat|convey|relay|call|phon|report|pag|notif|inform|spoke|given|telephon)"
    r"\w*\b[^.\n]{0,60}?\b(?:with|to|by)|\b(?:notified|informed|paged|phoned)\b|\bd/w\b)"
)
_ROLE = (
    r"(?i:\b(?:attending|resident|fellow|radiologist|technologist|physician|clinician|surgeon|provider|reader|"
    r"transcriptionist|referr(?:ing|er)|pcp)\b(?:\s+(?:physician|provider|doctor|radiologist))?\s*[:=-]\s*)"
)
_PATIENT_IS = r"(?i:\b(?:patient(?:['’]s)?|pt\b\.?)(?:\s+name)?\s*(?:is|:)\s*)"

# --- places and numbers
_PLACE = (
    r"(?:Hospitals?|Medical\s+Cent(?:er|re)|Clinics?|Infirmary|Health\s*care|Health\s+(?:System|Cent(?:er|re)|Services)|"
    r"Imaging\s+Cent(?:er|re)|Radiology\s+(?:Associates|Group|Partners)|University|Nursing\s+Home|Institute|Hospice)\b"
)
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Terrace|Parkway|Pkwy|"
    r"Highway)\b\.?(?:,\s*[A-Z]\w+)*(?:,?\s+[A-Z]{2}\b)?(?:\s+\d{5}(?:-\d{4})?)?"
)
_STREET_PLAINLY = r"(?:street|avenue|road|boulevard|parkway|highway)\b"
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
        ("url", r"(?i)\b(?:[a-z]{2,6}://|www\.)\S+", "[URL]"),
        ("host", r"(?i)(?<![\w.@])(?:[a-z0-9-]{2,}\.)+(?:com|org|net|edu|gov|info)\b(?:/\S*)?", "[URL]"),
        ("address_of_machine", r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)", "[ID]"),
        ("social_security", r"\b\d{3}([-. ])\d{2}\1\d{4}\b", "[ID]"),
        ("labelled_id", rf"({_ID_IS})(?=[\w-]*\d)[A-Za-z0-9][\w-]*(?:[ -]\d{{2,}}(?![\d/.:]))*", r"\1[ID]"),
        ("date_iso", rf"(?i)\b{_YEAR}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?Z?", "[DATE]"),
        ("date_year_first", rf"\b{_YEAR}([-/.])\d{{1,2}}\1\d{{1,2}}\b", "[DATE]"),
        ("date_digits", rf"\b{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{{4,6}})?\b", "[DATE]"),
        ("date_numeric", r"\b\d{1,2}([-/.]|\s/\s)\d{1,2}\1(?:\d{4}|\d{2})\b", "[DATE]"),
        ("date_run_on", rf"(?i)\b(?:{_DAY})?{_MONTH_RUN_ON}{_YEAR}\b", "[DATE]"),
        (
            "date_in_words",
            rf"(?i)\b(?:{_DAY_WORD}(?:\s+(?:day\s+)?of)?\s+{_MONTH_NAMED}|{_MONTH_NAMED}\s+(?:the\s+)?{_DAY_WORD})"
            rf"(?:,?\s+{_YEAR_WORD})?",
            "[DATE]",
        ),
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
        (
            "phone",
            r"(?<![\w.])(?:\+?\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)\s*|\d{2,4}(?:[\s.]|[-/]\s?))\d{3,4}(?:[\s.]|-\s?)\d{3,4}\b",
            "[PHONE]",
        ),
        ("phone_short", r"(?<![\w.-])\d{3}-\d{4,7}\b", "[PHONE]"),
        ("phone_abroad", r"(?<!\w)\+\d[\d\s().-]{6,}\d", "[PHONE]"),
        ("labelled_phone", rf"({_PHONE_IS})\(?\d[\d\s().-]{{2,}}\d", r"\1[PHONE]"),
        ("code", r"\b(?=[A-Za-z0-9-]*\d{5})(?=\d*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\b", "[ID]"),
        ("long_number", r"(?<![\d.])\d{6,}(?![\d.]*\d)", "[ID]"),
        ("uid", r"\b\d+(?:\.\d+){4,}\b", "[ID]"),
        ("street", rf"\b\d{{1,5}}\s+(?:[A-Z][\w'’.]*\s+){{1,3}}{_STREET}", "[ADDRESS]"),
        ("street_in_any_case", rf"(?i)\b\d{{1,5}}\s+(?:[a-z]+\s+){{1,2}}{_STREET_PLAINLY}", "[ADDRESS]"),
        ("post_box", r"(?i)\b(?:p\.?\s?o\.?\s+box|apt\.?|apartment)\s+#?\d+[a-z]?\b", "[ADDRESS]"),
        ("labelled_zip", r"(?i)(\bzip(?:\s*code)?\s*:?\s*)\d{5}(?:-\d{4})?\b", r"\1[ADDRESS]"),
        ("zip", r"\b[A-Z]{2}\s+\d{5}(?:-\d{4})?\b", "[ADDRESS]"),
        ("place", rf"(?:\b(?:St\.|[A-Z][\w'’&-]*)\s+(?:(?:of|and|the|for|&)\s+)*){{1,5}}{_PLACE}", "[INSTITUTION]"),
        ("signature", rf"({_SIGNED}\s*){_PERSON}", r"\1[CLINICIAN]"),
        ("signature_in_any_case", rf"({_SIGNED_PLAINLY}\s*){_LOWER_NAME}", r"\1[CLINICIAN]"),
        ("slash_signature", rf"(/s/\s*)(?:{_PERSON}|{_WORD})", r"\1[CLINICIAN]"),
        ("sign_off", rf"({_SIGN_OFF})(?:{_PERSON})", r"\1[CLINICIAN]"),
        ("relative", rf"({_RELATIVE}){_NAME}", r"\1[PATIENT]"),
        ("title_of_patient", rf"{_PATIENT_TITLE}{_GAP}{_NAME}", "[PATIENT]"),
        (
            "title_of_patient_in_any_case",
            rf"(?i:\b(?:mrs\b\.?|mr\.|mister\b|(?<!\d)(?<!\d )ms\.)){_GAP}(?!(?i:xxxx)|\[){_WORD}",
            "[PATIENT]",
        ),
        ("titles", rf"\b(?i:drs|doctors)\b\.?{_GAP}{_NAME}(?:(?:\s*[,/&]\s*|,?\s+and\s+)+{_NAME})+", "[CLINICIAN]"),
        ("title", rf"{_TITLE}{_GAP}{_NAME}{_CREDENTIAL}*", "[CLINICIAN]"),
        ("title_in_any_case", rf"(?i:\bdrs?\b\.?){_GAP}(?!(?i:xxxx)|\[){_WORD}", "[CLINICIAN]"),
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
_AGED = re.compile(r"(?i)(\b(?:aged?|age\s+(?:of|is)|age\s*[:=])\s*)\b(\d{2,3})\b")


def clean(original: ReportOriginal, oldest_age_years: int) -> str:
    """The report's text without identifiers; sections and line breaks stay as they were."""
    text = _ruled(_without_known(original.text, original.identifiers))
    text = _AGE.sub(lambda found: _age_of(found["digits"], oldest_age_years), text)
    text = _AGED.sub(lambda found: found[1] + _age_of(found[2], oldest_age_years), text)
    return re.sub(r"[ \t]+\n", "\n", text).strip()


def _age_of(digits: str | None, oldest: int) -> str:
    """An age as it stands, or its placeholder; without digits it is ninety or more in words."""
    return digits if digits and not oldest <= int(digits) <= 130 else "[AGE]"


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """The tags in which no rule finds anything: a term of a vocabulary is whole or is none."""
    return tuple(tag for tag in tags if _is_term(tag))


@cache
def _is_term(tag: str) -> bool:
    return _ruled(tag) == tag


def _ruled(text: str) -> str:
    for _, pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _without_known(text: str, identifiers: Iterable[Identifier]) -> str:
    """The text without what the header named: whole words of any spelling, longest first so that no part is left."""
    forms = {folded(form)[0]: kind for kind, value in sorted(identifiers) for form in _forms(kind, value)}
    ordered = sorted(filter(None, forms), key=lambda form: (-len(form), form))
    if not ordered:
        return text
    plain, places = folded(text)
    either = "|".join(f"({_spelling(form)})" for form in ordered)
    pieces: list[str] = []
    done = 0
    for found in re.finditer(rf"(?<![^\W_])(?:{either})(?![^\W_])", plain):
        start, end = places[found.start()], places[found.end() - 1] + 1
        if found.end() - found.start() > 2 or text[start:end].istitle() or text[start:end].isupper():
            pieces += (text[done:start], _PLACEHOLDER.get(forms[ordered[(found.lastindex or 1) - 1]], "[ID]"))
            done = end
    return "".join((*pieces, text[done:]))


def folded(text: str) -> tuple[str, list[int]]:
    """Lower case without accents and invisible characters, and the place in the text of each character of it."""
    pairs = [(letter, place) for place, character in enumerate(text) for letter in _plain(character)]
    return "".join(letter for letter, _ in pairs), [place for _, place in pairs]


@cache
def _plain(character: str) -> str:
    """What a character is without its accent; nothing for one that is not seen, such as a soft hyphen."""
    if character in _QUOTES:
        return "'"
    parts = unicodedata.normalize("NFKD", _LETTERS.get(character.lower(), character.casefold()))
    return "".join(part for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))


def _spelling(form: str) -> str:
    """A folded form as a pattern: any space between words, a word broken at a line's end, a number in groups."""
    if sum(map(str.isdigit, form)) >= 5:
        return r"[\s./-]{0,3}".join(re.escape(letter) for letter in form if letter.isalnum())
    return r"\s+".join(_BROKEN.join(_letter(letter) for letter in word) for word in form.split())


def _letter(letter: str) -> str:
    return "'?" if letter == "'" else re.escape(letter)


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
    """Each part of a name, also of a double one; two parts beside each other become one placeholder later.

    A vowel that a header writes with or without its points may stand the other way in the text (Müller, MUELLER).
    """
    for part in re.split(r"[\^=,;\s]+", value):
        halves = re.split(r"[-\u2010-\u2015]", part)
        for word in {part.strip("."), *(half for half in halves if len(half) >= 3)}:
            if len(word) >= 2 and not re.fullmatch(r"(?i)m\.?d|dr|prof|jr|sr|ph\.?d|rn|do|ii|iii|mr|mrs|ms", word):
                yield from {word, re.sub(r"(?i)([äöü])", r"\1e", word)}
                if len(word) >= 5:
                    yield re.sub(r"(?i)([aou])e", r"\1", word)


def _dates(day: date) -> list[str]:
    return [f"{day:{layout}}" for layout in ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%Y")]
