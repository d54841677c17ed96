"""What needs no vocabulary to be told: dates, times, phones, addresses, numbers that identify, ages.

Each rule is a pattern and what to do with what it finds. A rule sees the text in lower ASCII, with all that earlier
rules have found blanked out: the order counts. Categories: 45 CFR 164.514(b)(2); ages: the same, (b)(2)(i)(C).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

OLDEST = "90+"
MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
"""English months as dates write them: twelve short forms, then twelve whole ones."""


@dataclass(frozen=True)
class Found:
    """A stretch that goes; or a date that moves (``day``, ``layout``); or one that becomes what ``layout`` says."""

    start: int
    end: int
    day: date | None = None
    layout: str = ""


def find(text: str) -> list[Found]:
    """Every stretch with a form of its own, in order, none over another."""
    plain = text.lower() if text.isascii() else text.translate(_LOWER)
    found: list[Found] = []
    for rule in _rules_for(plain):
        new = [stretch for match in rule.pattern.finditer(plain) if (stretch := rule.handler(match, text))]
        if new:
            plain = _blanked(plain, new)
            found += new
    return sorted(found, key=lambda stretch: stretch.start)


def _blanked(plain: str, found: list[Found]) -> str:
    pieces: list[str] = []
    done = 0
    for stretch in found:
        pieces += (plain[done : stretch.start], "\0" * (stretch.end - stretch.start))
        done = stretch.end
    return "".join((*pieces, plain[done:]))


def printed(day: date, layout: str) -> str:
    """A day in the layout of the date that it replaces."""
    words = {
        f"{case}_{size}": change(name)
        for size, name in (("short", MONTHS[day.month - 1]), ("full", MONTHS[day.month + 11]))
        for case, change in (("lower", str.lower), ("upper", str.upper), ("title", str.title))
    }
    return layout.format(d=day.day, m=day.month, y=day.year, yy=day.year % 100, th=_ordinal(day.day), **words)


# --- what to do with a find ------------------------------------------------------------------------------


def _gone(match: re.Match[str], _: str) -> Found:
    return Found(match.start(), match.end())


def _in_figures(match: re.Match[str], _: str) -> Found | None:
    """By month where it can be (US), by day behind points (Europe); what is no date goes if it has a whole year."""
    orders = (("d", "m"), ("m", "d")) if match["s"] == "." else (("m", "d"), ("d", "m"))
    for one, two in orders:
        parts = {one: match["a"], two: match["b"]}
        day = _day(match["y"], parts["m"], parts["d"])
        if day:
            fields = (_field(one, match["a"]), _field(two, match["b"]), _year(match["y"]))
            return Found(match.start(), match.end(), day, match["s"].join(fields))
    return _gone(match, "") if re.fullmatch(_YEAR, match["y"]) else None


def _year_first(match: re.Match[str], text: str) -> Found:
    day = _day(match["y"], match["m"], match["d"])
    layout = match["s"].join(("{y:04}", _field("m", match["m"]), _field("d", match["d"])))
    return Found(match.start(), match.end(), day, layout) if day else _gone(match, text)


def _in_words(match: re.Match[str], text: str) -> Found | None:
    """A date with its month in words; without a day or a year, or in another language, it cannot be moved."""
    name, year, number = match["month"].rstrip("."), match["y"] or "", match["d"] or ""
    if text[slice(*match.span("month"))] == "may" and len(year) < 4:
        return None  # the verb
    known = name in (*MONTHS, "sept") and year and number
    day = _day(year, str(MONTHS.index(name[:3]) + 1), number) if known else None
    return Found(match.start(), match.end(), day, _layout(match, text)) if day else _gone(match, text)


def _layout(match: re.Match[str], text: str) -> str:
    sample = text[slice(*match.span("month"))]
    number = "{d}" if match["th"] else _field("d", match["d"])
    fields = {"d": number, "month": _month(sample), "y": _year(match["y"]), "th": "{th}"}
    layout, done = "", match.start()
    for name in sorted((name for name in fields if match[name]), key=match.start):
        layout += text[done : match.start(name)] + fields[name]
        done = match.end(name)
    return layout


def _old(match: re.Match[str], _: str) -> Found:
    return Found(*match.span("n"), layout=OLDEST)


def _old_and_sex(match: re.Match[str], text: str) -> Found | None:
    """``92 F``, not ``92 m`` of anything."""
    return _old(match, text) if text[match.start("sex")].isupper() else None


def _day(year: str, month: str, day: str) -> date | None:
    full = int(year) + (0 if len(year) == 4 else 1900 if int(year) > 68 else 2000)  # POSIX %y
    try:
        return date(full, int(month), int(day))
    except ValueError:
        return None


def _field(name: str, digits: str) -> str:
    return f"{{{name}:02}}" if len(digits) == 2 else f"{{{name}}}"


def _year(digits: str) -> str:
    return "{y:04}" if len(digits) == 4 else "{yy:02}"


def _month(sample: str) -> str:
    """A month's word in the sample's case and length; May counts as whole."""
    word = sample.rstrip(".")
    size = "full" if word.lower() in MONTHS[12:] else "short"
    case = "upper" if word.isupper() else "lower" if word.islower() else "title"
    return f"{{{case}_{size}}}" + sample[len(word) :]


def _ordinal(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


# --- patterns --------------------------------------------------------------------------------------------

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)} | dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_YEAR = r"(?:19|20)\d\d"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?|"
    # German, French, Spanish, Italian, Dutch
    r"januar|jänner|februar|märz|maerz|mai|juni|juli|okt(?:ober)?|dez(?:ember)?|janvier|f[eé]vrier|mars|avril|juin|"
    r"juillet|ao[uû]t|septembre|octobre|novembre|d[eé]cembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto|"
    r"septiembre|octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|"
    r"januari|februari|maart|mei|augustus)(?![a-zà-ÿ])"
)
_DAY_WORD = (
    r"(?:(?:twenty|thirty)[-\s])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)"
)
_DAY = r"(?P<d>3[01]|[12]\d|0?[1-9])(?P<th>st|nd|rd|th)?"
_ON = r"(?<![a-z0-9])(?:on|dated|from|since|until|seen|exam|prior|yesterday,?|today,?)\s+"
_FREE = r"(?<![^\W_])(?<!\d[./,-])"  # where a number may begin
_END = r"(?![^\W_])(?![./-]\d)"
_IN_ROW = r"(?<!slice )(?<!image )(?<!series )(?<!im )(?<!se )(?<!img )(?<!frame )(?<!view )"
_TIME = r"(?:[01]?\d|2[0-3])[:h][0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|uhr\b|h\b))?"
_CLOCK = r"(?!\s*(?:o\W?clock|position|axis|radian|radial|location))"  # a place on the breast
_STREET = (
    r"(?:street|avenue|ave|road|lane|boulevard|blvd|parkway|pkwy|highway|terrace|stra(?:ss|ß)e|(?:st|rd|dr|ln|ct|pl|"
    r"drive|court|place|way)(?=\.?(?:,|\s+[a-z]+,?\s+[a-z]{2}\s+\d{5}|\s*$)))\b\.?"
)
_LABEL = (
    r"(?<![a-z0-9])(?:mrn|mr\s?\#|ssn|pid|acct|accession|acc:|(?:medical\s+record|hospital|account|accession|acc|case|"
    r"visit|order|encounter|chart|record)\s*(?:numbers?\b|num\b|no\b|nr\b|\#)|(?:patient|pat|study|exam|case|visit)"
    r"\s*-?id|medical\s+record|id\s*[:\#=])\.?\s*[:\#=]?\s*(?:is\s+)?\#?\s*"
)
_PHONE_IS = (
    r"(?<![a-z0-9])(?:pager|beeper|phone|telephone|tel|fax|ext|extension|callback|mobile|handy)\b\.?\s*"
    r"(?:no\.?|number|is|at)?\s*[:\#]?\s*"
)
_NINETY = r"ninety(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:one|a)\s+hundred(?:\s+and\s+\w+)?"
_YEARS = r"(?=[\s-]*(?:years?|yrs?|yo\b|y/o|y\.o|y\b|jahre|ans\b|a[nñ]os|anni|jaar))"


@dataclass(frozen=True)
class _Rule:
    name: str
    pattern: re.Pattern[str]
    handler: Callable[[re.Match[str], str], Found | None] = _gone


@dataclass(frozen=True)
class _Group:
    """Rules that can find nothing where ``trigger`` does not: most values pull none."""

    trigger: re.Pattern[str]
    rules: tuple[_Rule, ...]


def _group(trigger: str, *rules: tuple[str, str, Callable[[re.Match[str], str], Found | None]]) -> _Group:
    return _Group(re.compile(trigger), tuple(_Rule(name, re.compile(pattern), do) for name, pattern, do in rules))


_GROUPS = (
    _group(
        r"@|://|www|\.[a-z]",
        ("email", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}", _gone),
        ("url", r"(?<![a-z0-9])(?:[a-z]{2,6}://|www\.)\S+", _gone),
        ("host", r"(?<![\w.@])(?:[a-z0-9-]{2,63}\.){1,8}(?:com|org|net|edu|gov|info|de|uk|fr|nl)\b(?:/\S*)?", _gone),
    ),
    _group(
        r"ninety|hundred|(?:first|second|third|th)\b",
        ("age in words", rf"(?<![a-z])(?P<n>{_NINETY}){_YEARS}", _old),
        ("date in words", rf"(?<![a-z]){_DAY_WORD}(?:\s+(?:day\s+)?of)?\s+(?!may\b){_MONTH}", _gone),
        ("date in words, month first", rf"(?<![a-z]){_MONTH}\s+(?:the\s+)?{_DAY_WORD}\b", _gone),
    ),
)
_WITH_FIGURES = (
    _group(
        r"mrn|mr\s?\#|ssn|pid|acct|acc|record|number|num\b|no\b|nr\b|\#|id\b",
        ("labelled id", rf"{_LABEL}(?=[\w./-]*\d)\w[\w-]*(?:[./ ]\d{{2,}}(?![\d/.:]))*", _gone),
    ),
    _group(
        r"pager|beeper|phone|tel|fax|ext|call|mobile|handy",
        ("labelled phone", rf"{_PHONE_IS}\(?\d[\d\s().-]{{2,}}\d", _gone),
    ),
    _group(
        r"\d\.\d+\.\d|\d\s?[-/]\s?\d",
        ("social security", r"(?<!\d)\d{3}([-.])\d{2}\1\d{4}(?!\d)", _gone),
        ("uid or address of a machine", rf"{_FREE}\d+(?:\.\d+){{3,}}", _gone),
        (
            "date, year first",
            rf"(?<![^\W_])(?P<y>{_YEAR})(?P<s>[-/.])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)(?:(?=t\d)|(?![^\W_]))",
            _year_first,
        ),
        ("date", rf"{_FREE}(?P<a>\d\d?)(?P<s>[-/.]|\s/\s)(?P<b>\d\d?)(?P=s)(?P<y>\d{{4}}|\d\d){_END}", _in_figures),
        ("month and year in figures", rf"{_FREE}(?:0?[1-9]|1[0-2])/{_YEAR}\b", _gone),
        ("date without year", rf"{_ON}\d{{1,2}}/\d{{1,2}}\b(?![/.-]\d)", _gone),
        ("month and day", rf"{_IN_ROW}{_FREE}(?:0?[1-9]|1[0-2])/(?:1[3-9]|2\d|3[01]){_END}(?!/)", _gone),
    ),
    _group(
        rf"(?<![a-z]){_MONTH}",
        (
            "date, day and month",
            rf"(?<![a-z0-9.]){_DAY}[-\s./]*(?:of\s+|de\s+)?(?P<month>{_MONTH}\.?)"
            rf"(?:[-\s,./']*(?:de\s+)?(?P<y>{_YEAR}|(?<=['\-/. a-z])\d\d(?=$|[^\w.:/-])))?",
            _in_words,
        ),
        (
            "date, month and day",
            rf"(?<![a-z0-9])(?P<month>{_MONTH}\.?)[-\s]*{_DAY}(?!\d)(?:[,\s-]+'?(?P<y>{_YEAR})(?!\d))?",
            _in_words,
        ),
        (
            "month and year",
            rf"(?<![a-z0-9])(?P<month>{_MONTH}\.?)(?P<d>)(?P<th>)"
            rf"(?:[\s,.'/-]*(?=\d{{4}})|['/-]*)(?P<y>{_YEAR}|\d\d)\b",
            _in_words,
        ),
    ),
    _group(
        r"\d\s?[:h]\s?\d|\d\s?[ap]\.?m|\d\s?(?:hrs|hours|uhr)",
        ("time", rf"(?<![a-z0-9.:])t?{_TIME}(?![\d:]){_CLOCK}", _gone),
        (
            "hour",
            r"(?<![\d.])(?:1[0-2]|0?[1-9])\s?[ap]\.?m\b\.?|(?<!\d)[012]\d[0-5]\d\s?(?:hrs|hours|uhr)\b",
            _gone,
        ),
    ),
    _group(
        r"\d\D{0,2}\d\D{0,3}\d\D{0,3}\d\D{0,3}\d\D{0,3}\d",
        (
            "date without separators",
            rf"(?<!\d)(?P<y>{_YEAR})(?P<s>)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?!\d)",
            _year_first,
        ),
        ("social security, spaced", r"(?<!\d)\d{3} \d{2} \d{4}(?!\d)", _gone),
        (
            "phone",
            r"(?<![\w.])(?:\+?\d{1,3}[\s.-]?)?(?:\(\d{2,4}\)\s*|\d{2,4}[-/]\s?|\d{3}[\s.](?=\d{3}[\s.]\d{4}))\d{3,4}"
            r"[\s.-]\s?\d{3,4}(?!\d)",
            _gone,
        ),
        ("short phone", r"(?<![\w.-])\d{3}(?:-\d{4,7}|\.\d{7})(?!\d)", _gone),
        ("phone abroad", r"(?<!\w)\+\d[\d\s().-]{6,}\d", _gone),
        ("zip and four", r"(?<!\d)\d{5}-\d{4}(?!\d)", _gone),
        (
            "number in groups",
            r"(?<![\d.])(?:\d\d-\d\d-\d\d|\d{3,}(?:-\d{2,}){2,}|\d{4,}-\d{5,}|\d{5,}-\d{4,})(?!\d)",
            _gone,
        ),
        ("long number", r"(?<!\d)(?<!\d[.,])\d{6,}|(?<=[1-9]\.)\d{7,}|(?<=\d,)\d{6,}", _gone),
    ),
    _group(
        rf"(?<![a-z])(?:{_STREET}|box|apt|apartment|suite|zip)|[a-z],\s[a-z]{{2}}\s+\d{{5}}",
        ("street", rf"(?<!\d)\d{{1,5}}[a-z]?\s+(?:[^\W\d_][\w'’.-]*\s+){{1,3}}{_STREET}", _gone),
        ("post box", r"(?<![a-z])(?:p\.?\s?o\.?\s+box|apt\.?|apartment|suite)\s+\#?\d+[a-z]?\b", _gone),
        ("zip", r"(?<![a-z])zip(?:\s*code)?\s*:?\s*\d{5}\b", _gone),
        ("zip behind a state", r"(?<=[a-z],\s)[a-z]{2}\s+\d{5}\b", _gone),
    ),
    _group(
        rf"(?<![a-z0-9])(?:in|since|from|dated|year|circa)\s+{_YEAR}|'\d\d\b",
        (
            "year",
            rf"(?<![a-z0-9])(?:in|since|from|dated|year|circa)\s+{_YEAR}\b(?!\s*(?:ml|mm|hu|ms|images))",
            _gone,
        ),
        ("short year", r"(?<!\w)'\d\d\b", _gone),
    ),
    _group(
        r"(?<!\d)(?:0?9\d|1[0-3]\d)(?!\d)",
        ("age", rf"(?<![\d.])(?P<n>0?9\d|1[0-3]\d){_YEARS}", _old),
        ("age behind its word", r"(?<![a-z])(?:aged?|alter|age\s+of)\s*:?\s*(?P<n>0?9\d|1[0-3]\d)(?![\d.])", _old),
        ("age and sex", r"(?<![\d.])(?P<n>9\d|10\d)\s?(?P<sex>[mf])\b", _old_and_sex),
    ),
)
_DIGIT = re.compile(r"\d")


def _rules_for(plain: str) -> Iterator[_Rule]:
    groups = (*_GROUPS, *_WITH_FIGURES) if _DIGIT.search(plain) else _GROUPS
    for group in groups:
        if group.trigger.search(plain):
            yield from group.rules
