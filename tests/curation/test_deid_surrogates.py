"""What the surrogates of a report hold together: people, places, offsets, and what is known from elsewhere."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.keys.identity import Identifier, Identity
from curation.deid.texts.reports import ReportOriginal
from curation.deid.texts.surrogates import CleanReport, clean
from curation.synth.identities import Planted, person, visit
from curation.synth.reports import write_report
from tests.curation.report_texts import WHO, cleaned, of, untagged

# --- one person, one surrogate -----------------------------------------------------------------------------


def surrogates(text: str, patient: str = "1", identity: Identity = WHO) -> list[str]:
    made = clean(ReportOriginal("local", "", "", patient, "", None, frozenset(), text), identity).text
    return re.findall(r"\[[A-Z0-9+ -]+(?:[0-9a-f]{4})?\]", made)


@pytest.mark.parametrize(
    "text",
    [
        "Told Dr. Quarn. QUARN, J. MD read it. quarn agrees. Jel Quarn was here.",
        "Discussed with Jel Quarn. Dr. Quarn called. Jel agrees.",
        "Dr. M\u00fcllerquist and Dr. Muellerquist and DR. MULLERQUIST.",
        "Seen by Ana Quarn Tarvo. Dr. Quarn agrees.",
    ],
)
def test_one_person_has_one_surrogate_however_it_is_written(text: str) -> None:
    (surrogate,) = set(surrogates(text))
    assert surrogate.startswith("[CLINICIAN-")


def test_two_people_have_two_surrogates() -> None:
    found = surrogates("Drs. Quarn and Tarbo agree. Told Ana Tarbo and Ana Quarn. Ana Quarn Lopez was seen.")
    assert len(set(found)) == 3 and found[:2] == found[3:1:-1]


def test_a_surrogate_is_the_same_in_each_report_of_a_patient_and_another_for_another_patient_or_key() -> None:
    first, again = surrogates("Seen by Dr. Quarn."), surrogates("d/w QUARN RN")
    assert first == again
    other_key = Identity(bytes(range(1, 33)), 3650, 90)
    assert len({first[0], *surrogates("Dr. Quarn", "2"), *surrogates("Dr. Quarn", "1", other_key)}) == 3


def test_one_place_has_one_surrogate() -> None:
    assert len(set(surrogates("Seen at Quellstad Valley Hospital, Quellstad Medical Center and again Quellstad."))) == 1


def test_no_tag_reads_like_a_word_or_a_number() -> None:
    tags = [
        surrogates(f"Dr. Quarn{'abcdefghij'[number % 10]}{'abcdefghij'[number // 10]}")[0][11:15]
        for number in range(100)
    ]
    assert not any(tag.isdigit() or tag.isalpha() for tag in tags) and len(set(tags)) > 95


# --- where it stood ----------------------------------------------------------------------------------------


def rebuilt(original: str, report: CleanReport) -> bool:
    """Whether the clean text is the original with something bracketed or dated in place of each stretch."""
    at, pattern = 0, []
    for one in report.replaced:
        assert at <= one.start < one.end
        pattern.append(re.escape(original[at : one.start]) + "([^\\n]+?)")
        at = one.end
    return re.fullmatch("".join(pattern) + re.escape(original[at:]), report.text) is not None


def test_offsets_are_those_of_the_original() -> None:
    text = "Seen by Dr. Jel Quarn\non 3/4/2012 at 10:30; call 555-0123.  "
    report = clean(ReportOriginal("local", "", "", "1", "", None, frozenset(), text), WHO)
    assert [(text[one.start : one.end], one.kind) for one in report.replaced] == [
        *(("Dr. Jel Quarn", "clinician"), ("3/4/2012", "date"), ("10:30", "time"), ("555-0123", "phone")),
    ]
    assert {one.rule for one in report.replaced} == {"done_by", "date_numeric", "date_then_time", "phone_short"}
    assert report.text.endswith(".  ") and rebuilt(text, report)


PIECES = st.sampled_from(
    [
        *(
            "Dr. Quarn",
            "Quarn",
            "QUARN",
            "mirel",
            "Quelbrand",
            " ",
            "\n",
            ", ",
            ".",
            "3/4/2012",
            "10:30",
            "MD",
            "RN",
            "and",
        ),
        *(
            "555-0123",
            "MRN",
            "12345678",
            "Hospital",
            "of",
            "Quellstad",
            "12",
            "Lane",
            "May 4",
            "in 2012",
            "-",
            "/s/",
            "\ue001",
        ),
        *(
            "told",
            "by",
            "with",
            "Kerley",
            "B",
            "lines",
            "A.",
            "van",
            "den",
            "91",
            "year",
            "\u00fc",
            "\u0301",
            "\u00ad",
            "@x.org",
        ),
    ]
)


@given(st.lists(PIECES, max_size=30).map(" ".join) | st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=80))
def test_outside_the_replaced_stretches_nothing_changes(text: str) -> None:
    known = frozenset({Identifier("name", "QUELBRAND^MIREL"), Identifier("clinician", "Quarn, Jel")})
    report = clean(ReportOriginal("local", "", "", "1", "", date(2012, 3, 4), known, text), WHO)
    assert rebuilt(text, report)
    assert re.search(r"(?<![^\W_])quelbrand(?![^\W_])", report.text.lower()) is None


# --- what is known from elsewhere --------------------------------------------------------------------------


def test_what_a_header_of_the_images_knows_goes_too() -> None:
    also = (
        Identifier("name", "QUELBRAND^MIREL^SAFFI"),
        Identifier("name", "TARBOVIK^JEL"),
        Identifier("accession", "Z-55-7"),
        Identifier("other", "Wroxlage study"),
        Identifier("other", "Chest"),
    )
    text = "Saffi Quelbrand. tarbovik asked. Z557 done. wroxlage study. Chest clear."
    assert cleaned(text, also) == "[PATIENT]. [PERSON-#] asked. [ID] done. [ID]. Chest clear."


def test_a_report_without_a_name_takes_the_one_of_the_images() -> None:
    original = ReportOriginal("local", "", "", "1", "", None, frozenset(), "Mirel Quelbrand. Mr. Q. Quelbrand.")
    assert clean(original, WHO, [Identifier("name", "QUELBRAND^MIREL")]).text == "[PATIENT]. [PATIENT]."
    assert clean(original, WHO).text.count("[PATIENT]") == 2


HEADER = frozenset(
    {
        Identifier("name", "SHORT^HASAN"),
        Identifier("phone", "(555) 012-3456"),
        Identifier("patient_id", "0071234"),
        Identifier("order", "8837"),
        Identifier("birth_date", "1948-03-04"),
        Identifier("institution", "Quellstad Imaging, 7 Vintel Lane"),
        Identifier("address", "9 Tarnbrook Road\nNorbrask"),
        Identifier("device", "CT"),
        Identifier("letterhead", "Radiology, Sacred Heart Hospital, Zqx Unit"),
        Identifier("issuer", "EAST"),
        Identifier("clinician", "="),
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He is short of breath and has an effusion.", "He is short of breath and has an effusion."),
        ("Asked SHORT, HASAN again.", "Asked [PATIENT] again."),
        ("hasan short and Short H. and hshort.", "[PATIENT] and [PATIENT]. and [PATIENT]."),
        ("Asked Ha-\nsan and H a s a n.", "Asked [PATIENT] and [PATIENT]."),
        ("At 012 3456 or 012-3456.", "At [PHONE] or [PHONE]."),
        ("No. 71234 or 00-71-234.", "No. [ID] or [ID]."),
        ("Glued: MRN0071234, 2SHORT.", "Glued: MRN[ID], 2[PATIENT]."),
        ("Visit of 8837 and 8837 mm.", "Visit of [ID] and 8837 mm."),
        ("In 03041948 and 19480304.", "In [ID] and [DATE]."),
        ("At Quellstad. At Vintel.", "At [INSTITUTION-#]. At [INSTITUTION-#]."),
        ("At the sacred heart hospital. The zqx  unit. A zqx.", "At the [INSTITUTION-#]. The [INSTITUTION-#]. A zqx."),
        ("On Tarnbrook Road in norbrask.", "On [ADDRESS] Road in [ADDRESS]."),
        ("A CT of the chest, radiology, the east side.", "A CT of the chest, radiology, the east side."),
    ],
)
def test_values_of_the_header_go_and_words_of_the_language_stay(text: str, expected: str) -> None:
    original = ReportOriginal("local", "", "", "1", "", None, HEADER, text)
    assert untagged(clean(original, WHO).text) == expected


def test_synthetic_reports_hold_nothing_that_was_planted() -> None:
    for number in range(20):
        planted = Planted()
        who = visit(f"text {number}", person(f"text {number}"), date(2001 + number, 5, 4))
        text = write_report("CT", [], who, f"RPT-TEXT-{number}", planted)
        made = of(text.encode()).lower()
        assert planted.values and not any(value.lower() in made for _, value in planted.values)
