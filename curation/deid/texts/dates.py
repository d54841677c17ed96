"""What a date in free text means, and the same layout for the day that the patient's shift gives.

A date that can be read moves and keeps its order, its separators, its zeros and the length and case of its month
(``03/14/2015``, ``14-MAR-15``, ``March 14th, 2015``). Two numbers and a year are month and day, as in the United
States, unless that is no date; with points between they are day and month. A month and a year move as its 15th, a year
as its 1 July, a weekday by itself. ``[DATE]`` stands where there is nothing to move, or the result would tell:

- a date without a year, in words, of several days, or of no calendar;
- a date of birth, or one that lies as far before the study as the oldest age that may be told;
- a date that would read the same after it has moved.

Source of the method: DICOM PS3.15 E.3.6, one shift per patient.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

UNKNOWN = "[DATE]"
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_A_MONDAY = date(2001, 1, 1)
_BORN = re.compile(
    r"(?i)(?:\bb\.|\bd\.?\s?o\.?\s?b\b\.?|\bborn|\bbirth(?:\s?date|day)?|\bdate\s+of\s+birth)[\s:=,]*(?:(?:is|on|in)\s+)?\Z"
)

_Roles = Mapping[str, str]
"""Year, month, day: the group of the match that holds it."""


class Calendar(NamedTuple):
    """A patient's dates: how one moves (None where it cannot), the birth date, and the day of the study."""

    move: Callable[[date], date | None]
    born: frozenset[date] = frozenset()
    study: date | None = None
    oldest_years: int = 90


def moved(found: re.Match[str], calendar: Calendar) -> str:
    """What is printed for a date of ``date_rules``: the date after it has moved, or ``[DATE]``."""
    if "w" in found.re.groupindex:
        return _weekday(found["w"], calendar)
    readings = list(meanings(found, calendar.study))
    if not readings or _is_birth(found, {day for _, day in readings}, calendar):
        return UNKNOWN
    roles, day = readings[0]
    to = calendar.move(day)
    printed = _in_layout(found, roles, to) if to else UNKNOWN
    return UNKNOWN if printed == found[0] else printed


def meanings(found: re.Match[str], study: date | None) -> Iterator[tuple[_Roles, date]]:
    """The days that a match may mean, the likeliest first; none if it is no date with a year.

    Groups of the match: ``y``, ``m``, ``d``, or ``a`` and ``b`` with ``s`` between them; ``more`` for what cannot move.
    """
    groups = found.groupdict()
    if groups.get("y") is None or groups.get("more") is not None:
        return
    for roles in _orders(groups):
        month = _month(groups[roles["month"]] or "") if "month" in roles else 7
        day = int(groups[roles["day"]] or 0) if "day" in roles else 15 if "month" in roles else 1
        try:
            yield roles, date(_year(groups["y"] or "", study), month, day)
        except ValueError:
            continue


def _orders(groups: Mapping[str, str | None]) -> list[_Roles]:
    """Which group is the month and which the day, the likeliest order first."""
    if "a" in groups:
        month_first = {"year": "y", "month": "a", "day": "b"}
        day_first = {"year": "y", "month": "b", "day": "a"}
        return [day_first, month_first] if groups["s"] == "." else [month_first, day_first]
    names = {"year": "y", "month": "m", "day": "d"}
    roles = {role: name for role, name in names.items() if groups.get(name) is not None}
    if "s" in groups:  # the year first: 2015-14-03 is written too
        return [roles, {"year": "y", "month": "d", "day": "m"}]
    return [roles]


def _is_birth(found: re.Match[str], days: set[date], calendar: Calendar) -> bool:
    """Whether this is a date of birth, or as old as one that may not be told."""
    oldest = calendar.study.year - calendar.oldest_years if calendar.study else 0
    return (
        not days.isdisjoint(calendar.born)
        or any(day.year <= oldest for day in days)
        or follows_birth(found.string, found.start())
    )


def follows_birth(text: str, at: int) -> bool:
    """Whether the words before a place of a text announce a date of birth there: "was born on", "DOB: "."""
    return _BORN.search(text, max(0, at - 40), at) is not None


def _year(text: str, study: date | None) -> int:
    """Two digits lie in the hundred years up to the one after the study; without a study, up to 2068 (POSIX)."""
    if len(text) == 4:
        return int(text)
    latest = study.year + 1 if study else 2068
    return latest - (latest - int(text)) % 100


def _month(text: str) -> int:
    """1 to 12, or a number that makes no date."""
    if text.isdigit():
        return int(text)
    return next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(text[:3].lower()))


def _weekday(text: str, calendar: Calendar) -> str:
    """The weekday as many days earlier, in the same letters."""
    number = next(at for at, name in enumerate(_WEEKDAYS) if name.startswith(text[:3].lower()))
    to = calendar.move(_A_MONDAY + timedelta(days=number))
    if to is None or to.weekday() == number:
        return UNKNOWN
    name = _WEEKDAYS[to.weekday()]
    return _in_case(name if len(text) > 5 else name[:3], text)


# --- printing --------------------------------------------------------------------------------------------


def _in_layout(found: re.Match[str], roles: _Roles, to: date) -> str:
    """The match with each part of the date replaced in its place."""
    width = _width(found, roles)
    texts = {"year": f"{to.year:04d}"[-len(found["y"]) :], "day": f"{to.day:0{width}d}"}
    if "month" in roles:
        texts["month"] = _month_text(found[roles["month"]], to, width, " " in found[0])
    parts = {found.span(name): texts[role] for role, name in roles.items()}
    if found.groupdict().get("o"):
        parts[found.span("o")] = _in_case(_ordinal(to.day), found["o"])
    pieces, at = [], found.start()
    for (start, end), text in sorted(parts.items()):
        pieces += [found.string[at:start], text]
        at = end
    return "".join((*pieces, found.string[at : found.end()]))


def _width(found: re.Match[str], roles: _Roles) -> int:
    """Digits of a day or a month: two where one has a zero before it, or where all have two and no space between."""
    numbers = [found[name] for role, name in roles.items() if role != "year" and found[name].isdigit()]
    full = " " not in found[0] and all(len(number) == 2 for number in numbers)
    return 2 if full or any(number[0] == "0" for number in numbers) else 1


def _month_text(text: str, to: date, width: int, apart: bool) -> str:
    """The month in digits or letters, as it was; ``May`` is whole where spaces stand apart, else three letters."""
    if text.isdigit():
        return f"{to.month:0{width}d}"
    name = _MONTHS[to.month - 1]
    whole = text.lower() in _MONTHS and (apart or text.lower() != "may")
    return _in_case(name if whole else name[:3], text)


def _in_case(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word if like.islower() else word.capitalize()


def _ordinal(day: int) -> str:
    return "th" if 4 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
