import re
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.keys.identity import Identity, patient_key

ONE = Identity(bytes(range(32)), 3650, 90)
OTHER = Identity(bytes(range(1, 33)), 3650, 90)
WHO = "EAST/12"
DAYS, SECONDS = timedelta(days=2978), 670  # of WHO under ONE

patients = st.text(min_size=1)
days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
seconds = st.integers(0, 86_399)


def tm(second: int, digits: int = 6, fraction: str = "") -> str:
    """A TM value, cut to so many digits."""
    return f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"[:digits] + fraction


def units(value: str) -> int:
    """A TM value in units of its own precision: hours, minutes or seconds."""
    hour, minute, second = int(value[:2]), int(value[2:4] or 0), int(value[4:6] or 0)
    return (3600 * hour + 60 * minute + second) // {2: 3600, 4: 60, 6: 1}[len(value)]


@given(st.text(min_size=1))
def test_a_pseudonymous_uid_is_a_valid_uid_and_repeatable(original: str) -> None:
    made = ONE.uid(original)
    assert made.startswith("2.25.") and made[5:].isdigit() and len(made) <= 44
    assert int(made[5:]) < 2**128 and str(int(made[5:])) == made[5:]
    assert made == ONE.uid(original) != OTHER.uid(original)


def test_what_one_version_has_made_the_next_makes_too() -> None:
    assert ONE.uid("1.2.3") == "2.25.189322172015151082098013573387985873604"
    assert ONE.patient(WHO) == "pdaef9194203df0f2"
    assert ONE.accession("ACC-1") == "a8c7d09690e7f1ff"
    assert (ONE.report("local", "7"), ONE.reader("7")) == ("r55b9ab22c34d10bc", "df2f439a4540b6328")
    assert (timedelta(days=ONE.shift_days(WHO)), ONE.shift_seconds(WHO)) == (DAYS, SECONDS)


def test_the_same_number_in_two_roles_gives_unrelated_pseudonyms() -> None:
    made = {ONE.patient("77")[1:], ONE.accession("77")[1:] + "0", ONE.reader("77")[1:], ONE.report("local", "77")[1:]}
    made |= {ONE.report("openi", "77")[1:], ONE.thing("x", "object", "77")[1:]}
    assert len({name[:10] for name in made}) == 6


def test_an_accession_fits_its_value_representation_and_nothing_stays_nothing() -> None:
    assert len(ONE.accession("ACC-1")) == 16
    assert ONE.patient("") == ONE.accession("") == ONE.uid("") == ""


@pytest.mark.parametrize("name", ["Zümebo Clinic", " zümebo  CLINIC\t", "ZÜMEBO\u00a0Clinic", "Zu\u0308mebo Clinic"])
def test_a_site_is_the_same_however_its_name_is_typed(name: str) -> None:
    assert ONE.site(name) == ONE.site("Zümebo Clinic") != OTHER.site("Zümebo Clinic")


def test_a_site_has_a_pseudonym_of_its_own_kind_and_no_name_gives_none() -> None:
    assert ONE.site("77") == ONE.thing("s", "site", "77") and len(ONE.site("77")) == 17
    assert ONE.site("77")[1:] not in {ONE.patient("77")[1:], ONE.reader("77")[1:]}
    assert ONE.site("Zumebo Clinic") != ONE.site("Zumebo Hospital")
    assert ONE.site("") == ONE.site(" \t") == ""


def test_two_issuers_of_one_number_are_two_patients() -> None:
    assert patient_key("12", "EAST") != patient_key("12", "WEST")
    assert patient_key(" 12 ", "") == "12"
    assert patient_key("", "EAST") == ""


# --- dates -----------------------------------------------------------------------------------------------


@given(patients, st.integers(30, 36500))
def test_dates_of_a_patient_move_back_by_one_number_of_days(patient: str, most: int) -> None:
    who = Identity(bytes(range(32)), most, 90)
    first, second = date(2012, 2, 28), date(2012, 3, 1)
    moved = [who.shift(patient, day) for day in (first, second)]
    assert moved[0] and moved[1] and (moved[1] - moved[0]).days == 2
    assert 1 <= (first - moved[0]).days <= most


def test_shifts_differ_between_patients_and_a_date_without_room_is_dropped() -> None:
    assert len({ONE.shift_days(str(n)) for n in range(50)}) > 40
    assert len({ONE.shift_seconds(str(n)) for n in range(50)}) > 40
    assert ONE.shift("1", date(1, 1, 1)) is None
    assert ONE.shift("1", None) is None
    assert ONE.shift_date(WHO, "00010101") == ONE.shift_date(WHO, "0005") == ""


@given(patients, days)
def test_a_date_moves_as_the_reports_date_does_in_the_old_spelling_too(patient: str, day: date) -> None:
    moved = ONE.shift(patient, day)
    assert moved and ONE.shift_date(patient, f"{day:%Y%m%d}") == f"{moved:%Y%m%d}" != f"{day:%Y%m%d}"
    assert ONE.shift_date(patient, f"{day:%Y.%m.%d}") == f"{moved:%Y%m%d}"


@given(patients, st.lists(days, min_size=2), st.sampled_from([4, 6, 8]))
def test_dates_keep_their_precision_and_their_order(patient: str, some: list[date], digits: int) -> None:
    moved = [ONE.shift_date(patient, f"{day:%Y%m%d}"[:digits]) for day in sorted(some)]
    assert moved == sorted(moved) and {len(value) for value in moved} == {digits}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("20200229", "20120104"),
        ("2020.02.29 ", "20120104"),
        ("20200229\0", "20120104"),
        ("202002", "201112"),  # as the 15th
        ("2020", "2012"),  # as 1 July
        ("09990101", "09901106"),
    ],
)
def test_a_date_moves_at_its_own_precision(before: str, after: str) -> None:
    assert ONE.shift_date(WHO, before) == after


BAD_DATES = ["", "2020-02-29", "20210229", "20201301", "20200100", "00000101", "202", "20200", "202013", "2020022",
             "202002291", " 20200229", "2020 0229", "20200101-20200201", "20200101-", "20200101\\20200102", "today",
             "2020.2.29", "2020.02", "２０２００２２９", "20200229\n", "+2020229", "2020/02/29", "1_2_3_"]  # fmt: skip


@pytest.mark.parametrize("value", BAD_DATES)
def test_what_is_no_date_is_dropped(value: str) -> None:
    assert ONE.shift_date(WHO, value) == ""


# --- times -----------------------------------------------------------------------------------------------


@given(patients)
def test_times_move_back_by_less_than_half_an_hour(patient: str) -> None:
    assert 1 <= ONE.shift_seconds(patient) <= 1799


@given(patients, st.lists(seconds, min_size=2), st.sampled_from([2, 4, 6]))
def test_times_keep_their_precision_their_order_and_no_original_stands(
    patient: str, some: list[int], digits: int
) -> None:
    before = [tm(second, digits) for second in sorted(some)]
    after = [ONE.shift_time(patient, value) for value in before]
    assert after == sorted(after) and {len(value) for value in after} == {digits}
    assert all(old != new or set(new) == {"0"} for old, new in zip(before, after, strict=True))


@given(patients, st.integers(1800, 86_399), st.integers(1800, 86_399), st.sampled_from([2, 4, 6]))
def test_intervals_are_kept_after_the_first_half_hour(patient: str, first: int, second: int, digits: int) -> None:
    before = tm(first, digits), tm(second, digits)
    if min(before) < "0030":  # an hour cut short starts at its beginning
        return
    after = [ONE.shift_time(patient, value) for value in before]
    assert units(after[1]) - units(after[0]) == units(before[1]) - units(before[0])


@given(patients, seconds, st.text("0123456789", min_size=1, max_size=6), st.integers(0, 9))
def test_a_fraction_keeps_its_digits_and_the_order_of_moments_near_midnight(
    patient: str, second: int, fraction: str, step: int
) -> None:
    first, later = tm(second, 6, f".{fraction}"), tm(min(second + step, 86_399), 6, ".9")
    moved = ONE.shift_time(patient, first)
    kept = fraction if second >= ONE.shift_seconds(patient) else "0" * len(fraction)
    assert moved[6:] == f".{kept}"
    assert step == 0 or moved[:8] <= ONE.shift_time(patient, later)[:8]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("120000", "114850"),
        ("120000.50", "114850.50"),
        ("12:00:00.5", "114850.5"),
        ("12:00", "1148"),
        ("1200 ", "1148"),
        ("12", "11"),
        ("235960", "234850"),  # a leap second
        ("001110", "000000"),
        ("001109.999", "000000.000"),
        ("000000", "000000"),
        ("00", "00"),
    ],
)
def test_a_time_moves_at_its_own_precision_and_not_across_midnight(before: str, after: str) -> None:
    assert ONE.shift_time(WHO, before) == after


BAD_TIMES = ["", "24", "2400", "1260", "126100", "120061", "1", "123", "12345", "1200.5", "12.5", "120000.", "12 00",
             " 1200", "120000.1234567", "1200-1300", "12:00:0", "12:0000", "noon", "120000\n", "120000+0100", "١٢٠٠",
             "120000\\130000", "12:", "12h"]  # fmt: skip


@pytest.mark.parametrize("value", BAD_TIMES)
def test_what_is_no_time_is_dropped(value: str) -> None:
    assert ONE.shift_time(WHO, value) == ""


# --- moments ---------------------------------------------------------------------------------------------


@given(
    patients,
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    st.sampled_from([4, 6, 8, 10, 12, 14, 16, 21]),
    st.sampled_from(["", "+0000", "+1400", "-1200", "-0330"]),
)
def test_a_moment_moves_as_its_date_and_its_time_and_loses_its_offset(
    patient: str, moment: datetime, cut: int, offset: str
) -> None:
    value = f"{moment:%Y%m%d%H%M%S.%f}"[:cut]
    expected = ONE.shift_date(patient, value[:8])
    if value[8:]:
        expected += ONE.shift_time(patient, value[8:])
    assert ONE.shift_datetime(patient, value + offset) == expected
    assert len(expected) == len(value)


@given(patients, st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), st.timedeltas(timedelta(), timedelta(9)))
def test_a_later_moment_is_never_the_earlier_one(patient: str, first: datetime, step: timedelta) -> None:
    moved = [ONE.shift_datetime(patient, f"{moment:%Y%m%d%H%M%S.%f}") for moment in (first, first + step)]
    assert moved == sorted(moved)


@pytest.mark.parametrize(
    "value",
    ["", "+0100", "20200229250000", "202002291", "2020022912000", "20210229", "20210229120000", "20200229120000+1401",
     "20200229120000-0000", "20200229120000-1201", "20200229120000+01", "20200229120000Z", "2020022912:00:00",
     "2020.02.29", "2020.02.29120000", "2020  05120000", "20200101-20200201", "2020-2021", "20200229 120000",
     "20200229120000.", "20200229120000+0160", "00010101120000", "202013", "2020022912\\2020022913"],
)  # fmt: skip
def test_what_is_no_moment_is_dropped(value: str) -> None:
    assert ONE.shift_datetime(WHO, value) == ""


@given(st.text("0123456789.:+-\\ \0TZ", max_size=30) | st.text())
def test_whatever_comes_a_value_of_its_representation_goes_or_none(value: str) -> None:
    assert re.fullmatch(r"([0-9]{4}|[0-9]{6}|[0-9]{8})?", ONE.shift_date(WHO, value))
    assert re.fullmatch(r"([0-9]{2}|[0-9]{4}|[0-9]{6}(\.[0-9]{1,6})?)?", ONE.shift_time(WHO, value))
    assert re.fullmatch(r"([0-9]{4,14}(\.[0-9]{1,6})?)?", ONE.shift_datetime(WHO, value))
    assert re.fullmatch(r"([0-9]{3}[DWMY])?", ONE.age(value))


# --- ages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [("000Y", "000Y"), ("089Y", "089Y"), ("089Y ", "089Y"), ("090Y", "090Y"), ("091Y", "090Y"), ("999Y", "090Y"),
     ("999M", "999M"), ("999D", "999D"), ("999W", "999W")],
)  # fmt: skip
def test_an_age_above_89_years_is_90(before: str, after: str) -> None:
    assert ONE.age(before) == after


@pytest.mark.parametrize(
    ("before", "after"), [("730D", "730D"), ("731D", "002Y"), ("104W", "104W"), ("105W", "002Y"), ("023M", "023M"),
                          ("024M", "002Y"), ("001Y", "001Y"), ("002Y", "002Y")]
)  # fmt: skip
def test_days_weeks_and_months_count_against_the_limit(before: str, after: str) -> None:
    assert Identity(ONE.key, 3650, 2).age(before) == after


@pytest.mark.parametrize(
    "value", ["", "91Y", "0091Y", "091y", "091", "091A", " 91Y", "-91Y", "09.Y", "０９１Y", "091Y\n"]
)
def test_what_is_no_age_is_dropped(value: str) -> None:
    assert ONE.age(value) == ""
