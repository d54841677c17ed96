"""What a rule of ``form_rules.py`` makes of its match: a stretch that goes, a date that moves, a capped age."""

import re
from dataclasses import dataclass
from datetime import date

from curation.deid.texts.phones import is_phone
from curation.deid.texts.vocabulary import Level, is_ambiguous, level
from curation.deid.texts.vocabulary.form_parts import YEAR

_SCANNED = ("rest", "stress", "peak", "inspiration", "expiration", "baseline")  # SPECT @rest
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


def printed(day: date, layout: str) -> str:
    """A day in the layout of the date that it replaces."""
    words = {
        f"{case}_{size}": change(name)
        for size, name in (("short", MONTHS[day.month - 1]), ("full", MONTHS[day.month + 11]))
        for case, change in (("lower", str.lower), ("upper", str.upper), ("title", str.title))
    }
    return layout.format(d=day.day, m=day.month, y=day.year, yy=day.year % 100, th=_ordinal(day.day), **words)


# --- what to do with a find ------------------------------------------------------------------------------


def gone(match: re.Match[str], _: str) -> Found:
    """A stretch that goes."""
    return Found(match.start(), match.end())


def in_figures(match: re.Match[str], _: str) -> Found | None:
    """By month where it can be (US), by day behind points (Europe); what is no date goes if it has a whole year."""
    orders = (("d", "m"), ("m", "d")) if match["s"] == "." else (("m", "d"), ("d", "m"))
    for one, two in orders:
        parts = {one: match["a"], two: match["b"]}
        day = _day(match["y"], parts["m"], parts["d"])
        if day:
            fields = (_field(one, match["a"]), _field(two, match["b"]), _year(match["y"]))
            return Found(match.start(), match.end(), day, match["s"].join(fields))
    return gone(match, "") if re.fullmatch(YEAR, match["y"]) else None


def year_first(match: re.Match[str], text: str) -> Found:
    """A date with its year first; what is none goes."""
    day = _day(match["y"], match["m"], match["d"])
    layout = match["s"].join(("{y:04}", _field("m", match["m"]), _field("d", match["d"])))
    return Found(match.start(), match.end(), day, layout) if day else gone(match, text)


def in_words(match: re.Match[str], text: str) -> Found | None:
    """A date with its month in words; without a day or a year, or in another language, it cannot be moved."""
    name, year, number = match["month"].rstrip("."), match["y"] or "", match["d"] or ""
    if text[slice(*match.span("month"))] == "may" and len(year) < 4:
        return None  # the verb
    known = name in (*MONTHS, "sept") and year and number
    day = _day(year, str(MONTHS.index(name[:3]) + 1), number) if known else None
    return Found(match.start(), match.end(), day, _layout(match, text)) if day else gone(match, text)


def _layout(match: re.Match[str], text: str) -> str:
    sample = text[slice(*match.span("month"))]
    number = "{d}" if match["th"] else _field("d", match["d"])
    fields = {"d": number, "month": _month(sample), "y": _year(match["y"]), "th": "{th}"}
    layout, done = "", match.start()
    for name in sorted((name for name in fields if match[name]), key=match.start):
        layout += text[done : match.start(name)] + fields[name]
        done = match.end(name)
    return layout


def old(match: re.Match[str], _: str) -> Found:
    """The age alone, as one of 90 and more."""
    return Found(*match.span("n"), layout=OLDEST)


def old_and_sex(match: re.Match[str], text: str) -> Found | None:
    """``92 F``, not ``92 m`` of anything."""
    return old(match, text) if text[match.start("sex")].isupper() else None


def old_behind_sex(match: re.Match[str], text: str) -> Found | None:
    """``F95``, not ``f95`` of anything."""
    return old(match, text) if text[match.start()].isupper() else None


def phone(match: re.Match[str], _: str) -> Found | None:
    """What has the form of a phone's number, and not of a row of measures."""
    return Found(match.start(), match.end()) if is_phone(match[0]) else None


def spaced(match: re.Match[str], _: str) -> Found | None:
    """Single letters in a row that are no word of the vocabulary, or a name besides."""
    word = re.sub(r"[^a-z]", "", match[0])
    return Found(match.start(), match.end()) if level(word) is Level.UNKNOWN or is_ambiguous(word) else None


def numbered(match: re.Match[str], _: str) -> Found | None:
    """A labelled number of four figures or more."""
    return Found(match.start(), match.end()) if sum(map(str.isdigit, match[0])) > 3 else None


def handle(match: re.Match[str], _: str) -> Found | None:
    """``@somebody``, not ``@rest``."""
    return None if match["it"] in _SCANNED else Found(match.start(), match.end())


def house(match: re.Match[str], text: str) -> Found | None:
    """``14 Marlowe Close``: words written as names are, or the first of them unknown."""
    name = text[slice(*match.span("name"))].split()
    titled = [*name, text[slice(*match.span("kind"))]]
    sure = level(name[0].lower()) is Level.UNKNOWN or all(word[0].isupper() and word[1:].islower() for word in titled)
    return Found(match.start(), match.end()) if sure else None


def post_code(match: re.Match[str], text: str) -> Found | None:
    """In capitals only."""
    return Found(match.start(), match.end()) if text[match.start() : match.end()].isupper() else None


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
