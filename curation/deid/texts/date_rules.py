"""How dates and times of day stand in free text, as rules.

Named groups say what the parts of a date are (``dates.meanings``); a rule with an empty group ``more`` finds a date
that cannot move. Times of day become ``[TIME]`` where they stand beside a date, name an act, or have a form of their
own.
"""

from datetime import date

from curation.deid.texts.dates import Calendar, meanings, moved
from curation.deid.texts.spans import DATE, DIGITS, Masked, Rule, Span, rule
from curation.deid.texts.vocabulary.form_parts import NUMBER_WORD, YEAR_WORDS

_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_MAY_BE = r"(?!\s+(?i:represent|reflect|be|also|relate|indicate|suggest|not|have|well|simply|in|correspond|need)\b)"
_NAMED = rf"(?:{_NAME}|(?-i:May|MAY){_MAY_BE})\b\.?"  # "the second may be broken" names no month
_MONTH = rf"(?P<m>{_NAME}|may)\b\.?"
_MONTH_RUN_ON = r"(?P<m>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_NUMBER = r"(?:3[01]|[12]\d|0?[1-9])"
_DAY = rf"(?P<d>{_NUMBER})(?P<o>st|nd|rd|th)?"
_DAYS = rf"{_DAY}(?P<more>\s?(?:-|–|to|and|&)\s?{_NUMBER}(?:st|nd|rd|th)?(?![\d/.-]))?"
_DAY_WORD = (
    r"(?:(?:twenty|thirty)[-\s])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth)\b"
)
_YEAR_WORD = (
    r"(?:(?:19|20)\d\d\b|(?:nineteen|twenty|two\s+thousand)\b(?:[-\s](?:and\s+)?(?:\w+teen|\w+ty|ten|eleven|twelve|"
    r"one|two|three|four|five|six|seven|eight|nine|hundred)\b){0,3})"
)
_ON = r"(?i:\b(?:on|dated?|from|since|of|study|exam|prior|until|yesterday,?|today,?)\s+)"
_UNIT = r"\s*(?i:mm|cm|ml|cc|mg|mcg|g|kg|hu|hounsfield|units?|ma|kv|ms|msec|hz|hrs?|hours?|h|x|×|%|views?|images?)\b"
_STUDY = r"\s+(?i:study|studies|exam|scan|ct|mri?|pet|film|radiograph|report|image|surgery|examination|x-?ray)"
_GUIDELINE = r"\s+(?:[A-Z]\w+\s+){0,2}(?i:guidelines?|criteria|classification|edition|consensus|society|statement)\b"
_HOLIDAY = (
    r"christmas(?!\s+tree)|thanksgiving|easter|halloween|new\s+year['’]?s?|ramadan|diwali|hanukkah|passover|"
    r"(?:memorial|labor|independence|valentine['’]?s|mother['’]?s|father['’]?s|veterans['’]?|boxing)(?=\s+day)"
)
_WEEKDAY = r"(?P<w>mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)\b"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS_OF_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOLIDAYS = ("day", "christmas", "thanksg", "easter", "hallow", "new", "ramadan", "diwali", "hanuk", "passover", "yom")
_DATES = tuple(
    rule(rule_id, "date", pattern, needs)
    for rule_id, pattern, needs in (
        (
            "date_year_first",
            rf"(?<!\d)(?<!\d[-/.]){_YEAR}(?P<s>[-/.]|\s/\s)(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}})(?!\d)",
            DIGITS,
        ),
        (
            "date_digits",
            rf"\b{_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?=(?:[T_]?\d{{4,6}})?\b)",
            ("19", "20"),
        ),
        (
            "date_numeric",
            r"(?<![\d.])(?P<a>\d{1,2})\s?(?P<s>[-/.]|(?<=\s)[-/.](?=\s))\s?(?P<b>\d{1,2})\s?(?P=s)\s?"
            r"(?P<y>\d{4}|\d{2})(?!\d|\.\d)",
            DIGITS,
        ),
        ("date_misread", r"(?<!\w)(?=[\w/]{0,9}\d)[\dOoIl]{1,2}/[\dOoIl]{1,2}/[\dOoIl]{2,4}(?!\w)", "/"),
        (
            "date_year_month_day",
            rf"(?i)(?<![\w.,]){_YEAR}[-\s./]+{_MONTH}[-\s./]*(?P<d>{_NUMBER})(?![\d.]*\d)",
            _MONTHS,
        ),
        ("date_run_on", rf"(?i)\b(?P<d>{_NUMBER})?{_MONTH_RUN_ON}{_YEAR}(?!\d)", _MONTHS),
        (
            "date_in_words",
            rf"(?i)\b(?:{_DAY_WORD}(?:\s+(?:day\s+)?of)?\s+{_NAMED}|{_NAMED}\s+(?:the\s+)?{_DAY_WORD})"
            rf"(?:,?\s+{_YEAR_WORD})?",
            _MONTHS,
        ),
        ("date_day_month_year", rf"(?i)\b{_DAYS}[-\s./]*(?:of\s+)?{_MONTH}[-,\s/]*{_YEAR}(?!\d)", _MONTHS),
        ("date_month_day_year", rf"(?i)\b{_MONTH}[-\s/]*(?:the\s+)?{_DAYS}[,\s/-]*{_YEAR}(?!\d)", _MONTHS),
        ("date_day_month_short", rf"(?i)\b{_DAY}[-\s/]*(?:of\s+)?{_MONTH}(?:[-/]|\s?['’])(?P<y>\d\d)\b", _MONTHS),
        ("date_day_month", rf"(?i)\b{_DAYS}[-\s]*(?:of\s+)?{_NAMED}(?:[-,\s]*\d\d\b(?!{_UNIT}|[./]\d))?", _MONTHS),
        ("date_month_year", rf"(?i)\b{_MONTH}(?:,?\s*(?:of\s+)?|[-/]){_YEAR}\b", _MONTHS),
        ("date_month_day", rf"(?i)\b{_NAMED}[-\s]*(?:the\s+)?{_DAYS}\b(?![/:.]\d|{_UNIT})", _MONTHS),
        ("date_month_in_digits", rf"(?<![\d/.])(?P<m>0?[1-9]|1[0-2])/{_YEAR}\b", "/"),
        (
            "date_abroad",
            r"(?i)\b\d{1,2}\.?\s+(?:de\s+)?[^\W\d_]{3,10}\.?\s+(?:de\s+)?(?:19|20)\d\d\b(?!\s*hu)",
            ("19", "20"),
        ),
        ("date_until", rf"(?<![\d/])\d{{1,2}}/\d{{1,2}}(?=\s?[-–]\s?{DATE})", "/"),
        ("date_without_year", rf"{_ON}(?P<it>\d{{1,2}}/\d{{1,2}})\b(?![/-])", "/"),
        ("date_years", rf"\b(?:19|20)\d\d\s?[-–/]\s?(?:(?:19|20)\d\d|\d\d)\b(?!{_UNIT})", ("19", "20")),
        (
            "date_season",
            r"(?i)\b(?:Q[1-4]|(?:spring|summer|autumn|fall|winter)(?:\s+of)?)[\s,/-]+(?:19|20)\d\d\b",
            ("19", "20"),
        ),
        ("date_fiscal", r"\bFY\s?['’]?(?:20)?\d\d\b", ("fy",)),
        (
            "date_roman_month",
            r"(?i)(?<![\w.])\d\d?\s?[./-]?\s?(?:i{1,3}|iv|vi{0,3}|ix|xi{0,2})\s?[./-]?\s?(?:19|20)\d\d(?!\d)",
            ("i", "v", "x"),
        ),
        (
            "date_points",
            r"(?<![\w.])(?<!SUV )(?<!max )(?<!of )(?<!is )(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.(?=\s|\Z)",
            DIGITS,
        ),
        ("date_month_figures", r"(?<![\w./-])(?:0[1-9]|1[0-2])-(?:19|20)\d\d\b(?![-/]\d)", DIGITS),
        (
            "date_all_words",
            rf"(?i)\b(?:{NUMBER_WORD}\s+(?:of\s+)?{_NAMED}|{_NAMED}),?\s+{YEAR_WORDS}|(?<=\bin\s){YEAR_WORDS}",
            ("nineteen", "thousand", "twenty"),
        ),
        ("date_of_east_asia", r"(?:19|20)\d\d\s?[年년](?:\s?\d{1,2}\s?[月월](?:\s?\d{1,2}\s?[日일])?)?", "年년"),
        (
            "date_born",
            r"(?i)(?:\bd\.?o\.?b\b\.?|\bborn|\bbirth\s?(?:date|year))\s*[:=]?\s*(?:in\s+)?(?P<it>['’]?\d\d)(?![\w/.-])",
            ("b",),
        ),
        ("date_short_year", r"(?<=\s)['’]\d\d\b(?!['’])", "'’"),
        ("holiday", rf"(?i)\b(?:{_HOLIDAY})(?:\s+(?:eve|day))?(?:\s+(?:of\s+)?(?:19|20)\d\d)?\b", _HOLIDAYS),
        ("weekday", r"(?i)\b(?P<w>monday|tuesday|wednesday|thursday|friday|saturday|sunday)(?=s?\b)", ("day",)),
        ("weekday_before", rf"(?i)\b{_WEEKDAY}(?=\.?,?\s*{DATE})", _DAYS_OF_WEEK),
        ("weekday_after", rf"(?i){DATE},?\s*\(?(?P<it>{_WEEKDAY})", _DAYS_OF_WEEK),
    )
)

_YEAR_ALONE = rule(
    "year",
    "date",
    rf"(?<![\w.,#/])(?<!\d-)(?<!image\s)(?<!slice\s){_YEAR}(?![\w/]|[.,]\d|-\d|{_UNIT}|{_GUIDELINE})",
    ("19", "20"),
)

_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b|h\b|z\b))?"
_TIMES = tuple(
    rule(rule_id, "time", pattern, needs)
    for rule_id, pattern, needs in (
        ("time_of_stamp", rf"(?i){DATE}[T_]?(?P<it>\d\d:?\d\d(?::?\d\d)?(?:\.\d+)?(?:z|[+-]\d\d:?\d\d)?)\b", DIGITS),
        (
            "date_then_time",
            rf"(?i){DATE},?\s*(?:at\s+|@\s*|-\s*)?(?P<it>{_CLOCK}|\d{{4}}\b(?!{_STUDY})(?:\s*(?:hrs?|hours|h)\b)?)",
            DIGITS,
        ),
        ("time_then_date", rf"(?i)\b{_CLOCK}(?=,?\s*(?:on\s+)?{DATE})", ":"),
        ("time_at", rf"(?i)(?:\bat |@ ?|\btime:? ?)(?P<it>{_CLOCK}|\d{{4}}\s*(?:hrs?|hours|h)\b)", DIGITS),
        ("time_at_digits", rf"(?i)\bat (?P<it>(?:[01]\d|2[0-3])[0-5]\d)\b(?!{_UNIT}|{_STUDY}|\.\d)", ("at ",)),
        ("time", r"(?i)\b(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d|\s*(?:[ap]\.?m\b\.?|hrs?\b|hours?\b))", ":"),
        ("time_half_day", r"(?i)\b(?:1[0-2]|0?[1-9])\s?(?:[ap]m\b|[ap]\.m\.)", ("am", "pm", "a.m", "p.m")),
    )
)


def find_dates(masked: Masked, calendar: Calendar) -> None:
    """Hide the dates and the times of a text; each date with what is printed for it."""
    for each in _DATES:
        _hide(masked, each, calendar)
    masked.find(_TIMES)


def find_years(masked: Masked, calendar: Calendar) -> None:
    """Hide the years that stand alone; after phones and streets, whose numbers look like years."""
    _hide(masked, _YEAR_ALONE, calendar)


def _hide(masked: Masked, each: Rule, calendar: Calendar) -> None:
    masked.hide(
        [
            Span(start, end, "date", each.rule_id, printed=moved(found, calendar))
            for found, start, end in each.matches(masked)
        ]
    )


def read_date(text: str) -> frozenset[date]:
    """The days that a value may mean, in any layout of the rules; none if it is no date."""
    for each in _DATES:
        found = each.pattern.fullmatch(text.strip())
        days = frozenset(day for _, day in meanings(found, None)) if found else frozenset()
        if days:
            return days
    return frozenset()
