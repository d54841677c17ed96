from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.texts.date_rules import find_dates, find_years, read_date
from curation.deid.texts.dates import Calendar
from curation.deid.texts.spans import Masked

BY = timedelta(days=853)
CALENDAR = Calendar(lambda day: day - BY, frozenset({date(1920, 4, 3)}), date(2012, 3, 4))


def moved(text: str, calendar: Calendar = CALENDAR) -> str:
    """The text with its dates moved, and with ``[TIME]`` for its times."""
    masked = Masked(text)
    find_dates(masked, calendar)
    find_years(masked, calendar)
    for span in reversed(masked.spans):
        text = text[: span.start] + (span.printed or f"[{span.kind.upper()}]") + text[span.end :]
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("03/14/2015", "11/11/2012"), ("3/4/2012", "11/2/2009"), ("03-04-12", "11-02-09"), ("3/14/12", "11/12/09")),
        *(
            ("14/3/2012", "12/11/2009"),
            ("25.12.2011", "24.08.2009"),
            ("3.4.2012", "2.12.2009"),
            ("1.31.2012", "9.30.2009"),
        ),
        *(("3 / 14 / 2012", "11 / 12 / 2009"), ("03/ 14/ 2012", "11/ 12/ 2009"), ("2012-03-04", "2009-11-02")),
        *(
            ("2012/3/4", "2009/11/2"),
            ("2012-14-03", "2009-12-11"),
            ("20120304", "20091102"),
            ("2012.03.04", "2009.11.02"),
        ),
        *(
            ("14-Mar-2012", "12-Nov-2009"),
            ("04-MAY-12", "02-JAN-10"),
            ("4-may-2012", "2-jan-2010"),
            ("14Mar2012", "12Nov2009"),
        ),
        *(
            ("March 4, 2012", "November 2, 2009"),
            ("MARCH 4 2012", "NOVEMBER 2 2009"),
            ("Sept. 4, 2012", "May. 5, 2010"),
        ),
        *(
            ("May 4, 2012", "January 2, 2010"),
            ("4th of March 2012", "2nd of November 2009"),
            ("4 March '12", "2 November '09"),
        ),
        *(("March 14th, 2012", "November 12th, 2009"), ("3RD March 2012", "1ST November 2009")),
        *(("March 2012", "November 2009"), ("03/2012", "11/2009"), ("3/2012", "11/2009"), ("Mar2012", "Nov2009")),
        *(("in 1998", "in 1996"), ("CABG (2009)", "CABG (2007)"), ("mid-2009", "mid-2007")),
        *(("Tuesday, March 4, 2012", "Wednesday, November 2, 2009"), ("TUE 3/4/2012", "WED 11/2/2009")),
        *(("3/4/2012 (Tue)", "11/2/2009 (Wed)"), ("on Sundays", "on Mondays"), ("3/4/12-3/8/12", "11/2/09-11/6/09")),
    ],
)
def test_a_date_moves_in_its_own_layout(text: str, expected: str) -> None:
    assert moved(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("March 4", "[DATE]"), ("on 3/4", "on [DATE]"), ("4 March 12", "[DATE]"), ("30/30/2012", "[DATE]")),
        *(
            ("fourteenth of March nineteen sixty-two", "[DATE]"),
            ("March the fourteenth", "[DATE]"),
            ("March 4-6, 2012", "[DATE]"),
        ),
        *(
            ("4 to 6 March 2012", "[DATE]"),
            ("3/4-3/8/2012", "[DATE]-11/6/2009"),
            ("1998-2003", "[DATE]"),
            ("1998/99", "[DATE]"),
        ),
        *(("spring of 2012", "[DATE]"), ("Q1 2012", "[DATE]"), ("since '98", "since [DATE]"), ("O3/l4/2O15", "[DATE]")),
        *(("4. M\u00e4rz 2012", "[DATE]"), ("4 de mayo de 2012", "[DATE]"), ("on Christmas Eve", "on [DATE]")),
        *(("Thanksgiving Day", "[DATE]"), ("31 February 2012", "[DATE]")),
        *(
            ("04/03/1920", "[DATE]"),
            ("3 April 1920", "[DATE]"),
            ("3/4/1920", "[DATE]"),
        ),  # the birth date, in either order
        *(
            ("born in 1950", "born in [DATE]"),
            ("DOB: 3/14/1950", "DOB: [DATE]"),
            ("D.O.B. 1950-03-14", "D.O.B. [DATE]"),
        ),
        *(("date of birth is March 3, 1950", "date of birth is [DATE]"), ("in 1921", "in [DATE]")),  # 90 years and more
    ],
)
def test_what_cannot_move_or_would_tell_is_a_date_and_no_more(text: str, expected: str) -> None:
    assert moved(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("20120304142211", "20091102[TIME]"), ("2012-03-04T14:22:11.123Z", "2009-11-02T[TIME]")),
        *(("3/4/2012 10:30", "11/2/2009 [TIME]"), ("3/4/2012 at 1030 hrs", "11/2/2009 at [TIME]")),
        *(("10:30 on 3/4/2012", "[TIME] on 11/2/2009"), ("at 10:30", "at [TIME]"), ("@10:30", "@[TIME]")),
        *(("at 1422 hours", "at [TIME]"), ("at 1422.", "at [TIME]."), ("2:22 pm", "[TIME]"), ("10:30:15", "[TIME]")),
        *(("3 PM", "[TIME]"), ("11 a.m.", "[TIME]"), ("time: 10:30", "time: [TIME]")),
    ],
)
def test_a_time_of_day_is_a_time_and_no_more(text: str, expected: str) -> None:
    assert moved(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2000 mL",
            "1950 HU",
            "image 1998",
            "slice 2010",
            "12 x 19 mm",
            "T4-T12",
            "ribs 4-6 may represent",
            "1.5 x 2.5 cm",
        ),
        *(
            "A second may be broken.",
            "Nodule at 3/14.",
            "grade 2/6",
            "a ratio 10:3",
            "1/2",
            "5.1998",
            "#2012",
            "1998.5",
        ),
        *(
            "at 1200 mL",
            "christmas tree bladder",
            "in the fall",
            "O2 sat 98",
            "sun exposure",
            "June's",
            "dec",
            "Quarn 2017 guidelines",
            "2017 Fleischner Society",
        ),
    ],
)
def test_what_only_looks_like_a_date_stays(text: str) -> None:
    assert moved(text) == text


def test_a_date_that_would_read_the_same_goes() -> None:
    near = Calendar(lambda day: day - timedelta(days=7))
    assert moved("March 20, 2012, March 2012, in 2012, Monday", near) == "March 13, 2012, [DATE], in [DATE], [DATE]"


def test_a_date_that_leaves_the_calendar_goes() -> None:
    assert moved("Monday, 3/4/2012", Calendar(lambda _: None)) == "[DATE], [DATE]"


def test_two_digits_of_a_year_lie_in_the_century_before_the_study() -> None:
    days: list[date] = []

    def move(day: date) -> date:
        days.append(day)
        return day - BY

    moved("1/2/13 1/2/14", Calendar(move, study=date(2012, 3, 4), oldest_years=120))
    moved("1/2/68 1/2/69", Calendar(move))
    assert [day.year for day in days] == [2013, 1914, 2068, 1969]


LAYOUTS = (
    "%m/%d/%Y",
    "%Y-%m-%d",
    "%Y%m%d",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d%b%Y",
)


@given(st.dates(date(1930, 1, 1), date(2049, 12, 31)), st.integers(1, 3650), st.sampled_from(LAYOUTS), st.booleans())
def test_any_date_moves_by_the_shift_in_any_layout(day: date, days: int, layout: str, shout: bool) -> None:
    text = f"{day:{layout}}".upper() if shout else f"{day:{layout}}"
    made = moved(f"on {text}.", Calendar(lambda one: one - timedelta(days=days)))
    assert day - timedelta(days=days) in read_date(made.removeprefix("on ").removesuffix("."))
    assert made[3:-1].isupper() == text.isupper()


@pytest.mark.parametrize(
    "text", ["2012-03-04", " 03/04/2012", "20120304", "4 Mar 2012", "March 4, 2012", "04-MAR-2012"]
)
def test_a_value_is_read_as_the_days_it_may_mean(text: str) -> None:
    assert date(2012, 3, 4) in read_date(text)
    assert read_date("soon") == read_date("3/4") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("2012-Mar-04", "2009-Nov-02"), ("2012 March 4", "2009 November 2"), ("1914-Mar-12", "[DATE]")),
        *(("b. 12 March '54", "b. [DATE]"), ("DOB 54", "DOB [DATE]"), ("born in '54", "born in [DATE]")),
        *(("2009\u5e743\u670812\u65e5", "[DATE]"), ("at 2010 study", "at 2008 study"), ("at 2010", "at [TIME]")),
        *(("12.III.2010", "[DATE]"), ("Easter 2010", "[DATE]"), ("in nineteen fifty-four", "in [DATE]")),
        *(("twelve March two thousand eighteen", "[DATE]"), ("FY18", "[DATE]"), ("12.03. and", "[DATE] and")),
        *(("07-2010", "[DATE]"), ("SUV 12.03.", "SUV 12.03."), ("twenty ten mm", "twenty ten mm")),
        *(("3/4/2012 and 2011 study", "11/2/2009 and 2009 study"), ("3/4/2012, 2011 CT", "11/2/2009, 2009 CT")),
    ],
)
def test_a_year_stays_a_year_and_a_birth_a_date(text: str, expected: str) -> None:
    assert moved(text) == expected
