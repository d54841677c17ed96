"""People, places and numbers that have no header: by what stands beside them, and by their own form."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.keys.identity import Identity
from curation.deid.texts.report_words import eponyms, is_eponym, is_known, is_misspelt, is_plain, is_used_eponym
from curation.deid.texts.reports import ReportOriginal
from curation.deid.texts.spellings import Form, contracted, find_forms, fold, variants
from curation.deid.texts.surrogates import clean
from curation.deid.texts.word_lists import read_table, word_list

WHO = Identity(bytes(range(32)), 3650, 90)


def cleaned(text: str) -> str:
    """A text without a header, cleaned, with # for the tag of each surrogate."""
    made = clean(ReportOriginal("local", "", "", "1", "", None, frozenset(), text), WHO).text
    return re.sub(r"(?<=[A-Z]-)[0-9a-f]{4}(?=\])", "#", made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seen by Prof. Dr. Jel Quarn MD, PhD.", "Seen by [CLINICIAN-#]."),
        ("Asked by Dr Long. Clear.", "Asked by [CLINICIAN-#]. Clear."),
        ("Dr. Ada Heart called.", "[CLINICIAN-#] called."),
        ("Ada Heart, MD, agrees.", "[CLINICIAN-#], agrees."),
        ("Told Jel Ana Ivo Quarn Tarbo, MD at once.", "Told [CLINICIAN-#] at once."),
        ("by jel quarn, md and rn tarbo", "by [CLINICIAN-#] and rn tarbo"),
        ("DISCUSSED WITH DR QUARN AND DR TARBO. CLEAR.", "DISCUSSED WITH [CLINICIAN-#] AND [CLINICIAN-#]. CLEAR."),
        ("Dr. Jel\nQuarn called.", "[CLINICIAN-#] called."),
        ("Dictated by: Jel Quarn\nHeart size is normal.", "Dictated by: [CLINICIAN-#]\nHeart size is normal."),
        ("Drs. Quarn, Tarbo, and Zelm agree.", "[CLINICIAN-#], [CLINICIAN-#], and [CLINICIAN-#] agree."),
        ("Nurse Quarn knows. The nurse knows.", "[CLINICIAN-#] knows. The nurse knows."),
        ("Interpreted by QUARN, J.", "Interpreted by [CLINICIAN-#]"),
        ("Her daughter (Quarn) and his son-in-law.", "Her daughter ([RELATIVE-#]) and his son-in-law."),
        ("Patient name is Quarn. Patient is stable.", "Patient name is [PATIENT]. Patient is stable."),
        ("A dog named Quarn.", "A dog named [PERSON-#]."),
        ("Discussed with the ICU team and with Brown.", "Discussed with the ICU team and with [CLINICIAN-#]."),
        ("I spoke to the nurse by phone.", "I spoke to the nurse by phone."),
        ("Reviewed by the Emergency Department.", "Reviewed by the Emergency Department."),
        ("Reported by Fleischner criteria, per Fleischner.", "Reported by Fleischner criteria, per [CLINICIAN-#]."),
        ("Clear.\nAK/mj\nAK: mj", "Clear.\n[CLINICIAN-#]\n[CLINICIAN-#]"),
        ("Dr. XXXX and Dr. on call.", "Dr. XXXX and Dr. on call."),
        ("Seen by van der Quarn.", "Seen by [CLINICIAN-#]."),
        ("Asked by Dr. St. Quarn. Clear.", "Asked by [CLINICIAN-#]. Clear."),
        ("Resident: JKM. Attending: ER.", "Resident: [CLINICIAN-#]. Attending: ER."),
        ("Verified by Quarn,Jel on", "Verified by [CLINICIAN-#] on"),
        ("transcriptionist: mlw   d: 12", "transcriptionist: [CLINICIAN-#]   d: 12"),
        ("The Quarn sign of SARS-CoV-2.", "The Quarn sign of SARS-CoV-2."),
        ("Signed by: jel quarn d/w Tarbo", "Signed by: [CLINICIAN-#] d/w [CLINICIAN-#]"),
        ("An MD agrees, the lungs, RN, are clear.", "An MD agrees, the lungs, RN, are clear."),
        ("Signed: De la Quarn.", "Signed: [CLINICIAN-#]."),
        ("Read by Will Quarn. It will clear.", "Read by [CLINICIAN-#]. It will clear."),
    ],
)
def test_a_cue_announces_a_name(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At Quellstad Valley Hospital today.", "At [INSTITUTION-#] today."),
        ("At Sacred Heart Hospital of Norbrask.", "At [INSTITUTION-#]."),
        ("AT SACRED HEART HOSPITAL TODAY.", "AT [INSTITUTION-#] TODAY."),
        ("at quellstad general hospital, clear.", "at [INSTITUTION-#], clear."),
        ("University of Norbrask Medical Center", "[INSTITUTION-#]"),
        ("works in Kestrel Bay now", "works in [ADDRESS] now"),
        ("St. Olfen & Sons Clinic", "[INSTITUTION-#]"),
        ("the community hospital, an outside hospital", "the community hospital, an outside hospital"),
        (
            "Emergency clinic. Pulmonary Clinic. Hospital course.",
            "Emergency clinic. Pulmonary Clinic. Hospital course.",
        ),
        ("XXXX Hospital. Bed at hospital.", "XXXX Hospital. Bed at hospital."),
        ("Pneumonia.\n\nHospital day 2.", "Pneumonia.\n\nHospital day 2."),
        ("12 Vintelgate St., Apt 4B, Norbrask", "[ADDRESS]"),
        ("9 N. 5th Avenue, St. Olfen, ZZ 09418-1234 is home", "[ADDRESS] is home"),
        ("12 vintelgate lane", "[ADDRESS]"),
        ("a 2 hour drive, 3 lead place", "a 2 hour drive, 3 lead place"),
        ("12 long street", "[ADDRESS]"),
        ("Norbrask, ZZ 09418. P.O. Box 12, zip code: 09418.", "[ADDRESS]. [ADDRESS], zip code: [ADDRESS]."),
        ("SW1A 1AA or K1A 0B6", "[ADDRESS] or [ADDRESS]"),
    ],
)
def test_a_place_goes_where_it_is_named(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("q@x.org or Q@X.co.uk", "[EMAIL] or [EMAIL]"), ("see www.x.org/a.", "see [URL].")),
        *(
            ("https://x.y/z or xy.health", "[URL] or [URL]"),
            ("on 10.1.2.3", "on [ID]"),
            ("mac 00:1A:2B:3C:4D:5E", "mac [ID]"),
        ),
        *(("(555) 012-3456 ext. 12", "[PHONE]"), ("555.012.3456", "[PHONE]"), ("( 555 ) 012 - 3456", "[PHONE]")),
        *(("+49 30 1234567", "[PHONE]"), ("Pager: 4711", "Pager: [PHONE]"), ("desk, x4711", "desk, [PHONE]")),
        *(
            ("MRN: 2012-33", "MRN: [ID]"),
            ("order 3/4/2012", "order [DATE]"),
            ("room 412", "room [ID]"),
            ("in room air", "in room air"),
        ),
        *(
            ("12-34-56-78", "[ID]"),
            ("AB1234", "[ID]"),
            ("1234567", "[ID]"),
            ("12345", "12345"),
            ("1.234567", "1.234567"),
        ),
        *(("Record 77, 78", "Record [ID], 78"), ("ACX2012-77_b", "[ID]")),
        *(
            ("97F with", "[AGE 90+]F with"),
            ("aged 101", "aged [AGE 90+]"),
            ("a hundred and two years old", "[AGE 90+] years old"),
        ),
        *(("89 yo", "89 yo"), ("200 years", "200 years"), ("95 mm", "95 mm"), ("95 pack-years", "95 pack-years")),
    ],
)
def test_a_number_or_an_address_of_the_net_goes_by_its_form(text: str, expected: str) -> None:
    moved = r"\d{1,2}/\d{1,2}/\d{4}"
    assert re.sub(moved, "[DATE]", cleaned(text)) == expected


# --- words -----------------------------------------------------------------------------------------------


def test_the_tables_are_in_order() -> None:
    names = [name for name, _, _ in read_table("eponyms")]
    assert len(set(map(fold, names))) == len(names) > 1000
    assert {surname for _, _, surname in read_table("eponyms")} == {"yes", "no"}
    assert "lung" not in word_list("given") and word_list("function") >= {"the", "of"}


@pytest.mark.parametrize("word", ["Kerley", "Swan-Ganz", "swan", "Port-A-Cath", "Dobhoff", "L\u00f6ffler", "Crohn's"])
def test_an_eponym_is_known_in_any_spelling(word: str) -> None:
    assert is_eponym(word) and is_known(word) and not is_plain(word)


@pytest.mark.parametrize(
    ("word", "behind", "used"),
    [
        *(("Kerley", " B lines", True), ("Kerley", " was told", False), ("Kerley", ".", False), ("Crohn", "'s.", True)),
        *(
            ("Wilson", " disease", True),
            ("Wilson", " asked", False),
            ("Wilson", "'s nodes", True),
            ("Miller", " Fisher", True),
        ),
        *(
            ("Foley", " catheter", True),
            ("Foley", " Catheter", True),
            ("Foley", " Brown", False),
            ("Quarn", " sign", True),
            ("Quarn", "'s sign", False),
        ),
    ],
)
def test_an_eponym_is_one_before_what_it_names(word: str, behind: str, used: bool) -> None:
    assert is_used_eponym(word, behind) is used


def test_a_word_is_known_with_its_endings_and_by_its_halves() -> None:
    assert all(map(is_known, ("lungs", "doesn't", "they're", "left-sided", "T-spine", "patient's")))
    assert not any(map(is_known, ("Quarn", "Quarn-Tarbo", "Li-Wu", "q" * 50)))
    assert is_plain("lung") and not is_plain("Brown") and not is_plain("Mary")


@pytest.mark.parametrize("word", ["Cardiomegly", "pneumothorrax", "effusoin", "lungfield", "Veiw"])
def test_a_slip_of_the_pen_is_told_from_a_name(word: str) -> None:
    assert is_misspelt(word) and not is_known(word)


@pytest.mark.parametrize("word", ["Quarnimsk", "Szczepanski", "abc", "q" * 41, "M\u00fcllerquist"])
def test_a_name_is_no_slip_of_the_pen(word: str) -> None:
    assert not is_misspelt(word)


def test_each_eponym_needs_its_noun_or_not() -> None:
    assert eponyms()["kerley"] is False and eponyms()["wilson"] is True and eponyms()["swanganz"] is False


# --- spellings -------------------------------------------------------------------------------------------


def stretches(text: str, form: Form) -> list[str]:
    return [
        text[start:end] for start, end, _ in find_forms(text, [form], lambda word: word in ("has", "an", "so", "in"))
    ]


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        ("O\u2019Tarrin, OTARRIN, o ' tarrin", Form(("otarrin",), "x"), ["O\u2019Tarrin", "OTARRIN", "o ' tarrin"]),
        ("Ta-\nrrin Tarrin\u0301 Ta\u00adrrin", Form(("tarrin",), "x"), ["Ta-\nrrin", "Tarrin", "Ta\u00adrrin"]),
        ("Tarrins; tarrin2; aTarrin; T a r r i n", Form(("tarrin",), "x"), ["tarrin", "Tarrin", "T a r r i n"]),
        ("has an, Has-an, hasan", Form(("hasan",), "x"), ["Has-an", "hasan"]),
        ("so an; So An; so, an", Form(("so", "an"), "x"), ["So An"]),
        ("Quarn, A. Quarn a nodule. quarna", Form(("quarn", "a"), "x"), ["Quarn, A", "quarna"]),
        ("Wu wu WU", Form(("wu",), "x"), ["Wu", "WU"]),
        ("in In IN", Form(("ini",), "x"), []),
        ("00-71 23, 00x7123, 00/7/1/2/3", Form(("007123",), "x", is_number=True), ["00-71 23", "00/7/1/2/3"]),
        ("1 2 3, 123", Form(("123",), "x", is_number=True), ["123"]),
        ("Tar; rin, T.arrin", Form(("tarrin",), "x"), []),
    ],
)
def test_a_form_is_found_in_the_spellings_that_people_use(text: str, form: Form, found: list[str]) -> None:
    assert stretches(text, form) == found


def test_umlauts_are_one_with_their_digraphs() -> None:
    assert contracted("M\u00fcllerin") == contracted("Muellerin") == contracted("MULLERIN") == "mullerin"
    assert variants("M\u00fcllerin") == {"mullerin", "muellerin"} and contracted("Joe") == "joe"


@given(st.text(max_size=40), st.text("abcdefghqz", min_size=3, max_size=8))
def test_a_form_is_found_wherever_it_stands_apart(before: str, name: str) -> None:
    text = f"{before} {name.upper()} "
    assert name.upper() in [
        text[start:end] for start, end, _ in find_forms(text, [Form((name,), "x")], lambda _: False)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Clear. \u0424\u0451\u0434\u043e\u0440 \u0416\u0443\u043a\u043e\u0432\u0441\u043a\u0438\u0439 "
            "\u043f\u0435\u0440\u0435\u0434\u0430\u043b. \u5c71\u7530\u592a\u90ce said. "
            "\u0645\u062d\u0645\u062f \u0639\u0644\u064a asked, the lungs are all clear.",
            "Clear. [PERSON-#] said. [PERSON-#] asked, the lungs are all clear.",
        ),
        ("Told Nguy\u1ec5n V\u0103n An about it.", "Told [PERSON-#] about it."),
        ("Signed: Tr\u0103n An Tarbo.", "Signed: [CLINICIAN-#]."),
        ("\u03b1 and \u03b2, 3 \u00b5m, \u0394 2 mm", "\u03b1 and \u03b2, 3 \u00b5m, \u0394 2 mm"),
        ("\u041b\u0451\u0433\u043a\u0438\u0435 CT", "\u041b\u0451\u0433\u043a\u0438\u0435 CT"),
        ("Referring: marta oyelaran md, cc: kofi mensah", "Referring: [CLINICIAN-#], cc: [CLINICIAN-#]"),
        ("The film is clear. tunde adeyemi md agrees", "The film is clear. [CLINICIAN-#] agrees"),
        ("Seen by rose young and by li wu.", "Seen by [CLINICIAN-#] and by [CLINICIAN-#]."),
        ("Caused by long segments, with small stone.", "Caused by long segments, with small stone."),
        ("Replaced by the young ones, with rose colour.", "Replaced by the young ones, with rose colour."),
        ("Told Joy Brown. JOY CALLED BACK. No joy.", "Told [CLINICIAN-#]. [CLINICIAN-#] CALLED BACK. No joy."),
        ("Seen by peter quarn md.", "Seen by [CLINICIAN-#]."),
    ],
)
def test_a_name_in_small_letters_or_another_script_goes(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("Call 81-3-1234-5678.", "Call [PHONE]."), ("06 12 34 56 78", "[PHONE]"), ("020 7946 0958", "[PHONE]")),
        *(("07700 900123", "[PHONE]"), ("images 45 46 47 48", "images 45 46 47 48")),
        *(("He is 95.", "He is [AGE 90+]."), ("F95 with", "F[AGE 90+] with"), ("is ninety-five", "is [AGE 90+]")),
        *(("a woman of 95", "a woman of [AGE 90+]"), ("94th birthday", "[AGE 90+]th birthday")),
        *(("in her nineties", "in her [AGE 90+]"), ("Mr. Quarn is 93", "[PATIENT] is [AGE 90+]")),
        *(("heart rate is 95", "heart rate is 95"), ("he is 95 cm", "he is 95 cm")),
    ],
)
def test_a_phone_of_another_country_and_an_age_without_its_years_go(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("Lives in Boston MA now.", "Lives in [ADDRESS] now."), ("At Mass General today.", "At [ADDRESS] today.")),
        *(("At 14 Marlowe Close, Oakhampton EX20 1AA.", "At [ADDRESS]."), ("3 Close views", "3 Close views")),
        *(("Ask @quarn_j or quarn at mail dot example.", "Ask [ID] or [EMAIL]."), ("SPECT @rest", "SPECT @rest")),
        *(("Policy ZZ 12 34 56 C.", "Policy [ID]."), ("SN 4471-AA-9 was", "SN [ID] was"), ("X L 4821", "[ID]")),
        *(("Q U A R N was here", "[PERSON-#] was here"), ("C H E S T clear", "C H E S T clear")),
        *(("Long called. Stone notified.", "[PERSON-#] called. [PERSON-#] notified."), ("RN called.", "RN called.")),
        *(("Seen with son mark.", "Seen with son [RELATIVE-#]."), ("Her son will go.", "Her son will go.")),
    ],
)
def test_what_identifies_in_a_rarer_form_goes(text: str, expected: str) -> None:
    assert cleaned(text) == expected
