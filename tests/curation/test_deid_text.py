from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.deid.keys.identity import Identifier
from curation.deid.safe_xml import parse
from curation.deid.texts.reports import (
    MAX_BYTES,
    ReportOriginal,
    decode,
    parse_date,
    read_local,
    read_openi,
    read_report,
)
from curation.deid.texts.surrogates import clean, clean_tags
from curation.deid.verify.verifier import verify_text
from curation.errors import Rejected
from tests.builders import report_text, somebody
from tests.curation.report_texts import LOCAL, WHO, cleaned, of, untagged


def test_the_header_goes_and_says_whose_the_report_is() -> None:
    original = read_local(LOCAL.format("Clear.").encode())
    assert original.text == "EXAM: CT chest.\nFINDINGS: Clear."
    assert (original.patient_id, original.accession) == ("SYN-7712345-A", "ACX2012-0000077")
    assert original.study_date == date(2012, 3, 4)
    assert original.collection == "local" and original.licence == "LicenseRef-local"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Mirel Quelbrand is here.", "[PATIENT] is here."),
        ("QUELBRAND, MIREL is here.", "[PATIENT] is here."),
        ("mirel quelbrand is here.", "[PATIENT] is here."),
        ("Ms. Quelbrand was seen.", "[PATIENT] was seen."),
        ("M. Quelbrand was seen.", "[PATIENT] was seen."),
        ("Quelbrand's film.", "[PATIENT]'s film."),
        ("Mr. Somebody Else was seen.", "[PERSON-#] was seen."),
        ("Asked by Dr. Zormirsk.", "Asked by [CLINICIAN-#]."),
        ("Asked by zormirsk.", "Asked by [CLINICIAN-#]."),
        ("Seen by Dr. Jean-Luc O'Neil. Clear.", "Seen by [CLINICIAN-#]. Clear."),
        ("As told to DR SKALVANELO. Clear.", "As told to [CLINICIAN-#]. Clear."),
        ("as told to dr. skalvanelo today.", "as told to [CLINICIAN-#] today."),
        ("Discussed with Vanda van der Tamgresk RN at once.", "Discussed with [CLINICIAN-#] at once."),
        ("Findings called to Vanda Tamgresk by phone.", "Findings called to [CLINICIAN-#] by phone."),
        ("Attending: Tamgresk.", "Attending: [CLINICIAN-#]."),
        ("Vanda Tamgresk, M.D., agrees.", "[CLINICIAN-#], agrees."),
        (
            "Electronically signed by Dr. Ada Korvel on 03/04/2012 14:22.",
            "Electronically signed by [CLINICIAN-#] on 11/02/2009 [TIME].",
        ),
        ("Dictated by ada korvel on 3/4/12.", "Dictated by [CLINICIAN-#] on 11/2/09."),
        ("/s/ Ada Korvel MD", "/s/ [CLINICIAN-#]"),
        ("MRN SYN-7712345-A.", "MRN [ID]."),
        ("MRN: 99-1234.", "MRN: [ID]."),
        ("Accession ACX2012-0000077.", "Accession [ID]."),
        ("Number 12345678.", "Number [ID]."),
        ("Code AB12345.", "Code [ID]."),
        ("SSN 123-45-6789.", "SSN [ID]."),
        ("UID 1.2.840.113619.2.55.", "UID [ID]."),
        ("Compared with 03/04/2012.", "Compared with 11/02/2009."),
        ("Compared with 2012-03-04 at 14:22.", "Compared with 2009-11-02 at [TIME]."),
        ("Compared with 4-MAR-2012.", "Compared with 2-NOV-2009."),
        ("On March 4, 2012, 2:22 pm, clear.", "On November 2, 2009, [TIME], clear."),
        ("Compared with 4th of March 2012.", "Compared with 2nd of November 2009."),
        ("Compared with March 2012.", "Compared with November 2009."),
        ("Compared with 03/2012.", "Compared with 11/2009."),
        ("The study of 3/4 is clear.", "The study of [DATE] is clear."),
        ("Surgery in 1998.", "Surgery in 1996."),
        ("Called at 14:22 on 3/4/2012.", "Called at [TIME] on 11/2/2009."),
        ("Paged at 1422 hrs.", "Paged at [TIME]."),
        ("Born on 4/3/1920, DOB: March 3, 1920.", "Born on [DATE], DOB: [DATE]."),
        ("Call (555) 012-3456.", "Call [PHONE]."),
        ("Call 555-0123.", "Call [PHONE]."),
        ("Call +49 30 1234567.", "Call [PHONE]."),
        ("Pager 4711.", "Pager [PHONE]."),
        ("Write to m.quel@example.org now.", "Write to [EMAIL] now."),
        ("Lives at 4128 Vintelgate Lane, Norbrask, ZZ 09418.", "Lives at [ADDRESS]."),
        ("Sent from St. Olfen Memorial Hospital.", "Sent from [INSTITUTION-#]."),
        ("A 93-year-old woman.", "A [AGE 90+]-year-old woman."),
        ("A 90 yo man, age 91.", "A [AGE 90+] yo man, age [AGE 90+]."),
        ("A ninety-two year old man.", "A [AGE 90+] year old man."),
        ("A nonagenarian.", "A [AGE 90+]."),
    ],
)
def test_what_identifies_someone_becomes_a_typed_surrogate(sentence: str, expected: str) -> None:
    assert cleaned(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Swan-Ganz catheter with its tip in the right pulmonary artery.",
        "Fleischner criteria. Wilson's disease. History of Crohn's. Ehlers Danlos syndrome. Foley in place.",
        "No Ranke complex or Westermark sign. Luftsichel. Morgagni hernia, Bochdalek hernia.",
        "Grew Pseudomonas. Immigrant from India. On Lasix and Coumadin.",
        "STABLE APPEARANCE OF THE CHEST. NO KERLEY LINES. COPD, CHF, PICC.",
        "Kerley B lines. Hampton hump. Pancoast tumor. Ghon complex. Monod sign.",
        "Compression of T4 and T12; C7 is normal. L1-L2 disc space.",
        "A 3 cm mass, 1.2 x 3.4 x 5.6 cm, SUV 12.5.",
        "Opacity 10-12 mm; ribs 4-6; grade 2/6; 1/2 of the lung.",
        "MR angiography. May represent atelectasis. A 3 mm nodule may be seen.",
        "An 89-year-old woman.",
        "Images 12 and 345 of series 3.",
        "Discussed with the referring physician.",
        "Seen on XXXX by Dr. XXXX.",
        "Port-A-Cath from the left. Dobhoff tube. PICC line. Mitral valve replaced.",
        "Heart size 15 cm, ratio 0.55. Air at 2 o'clock.",
    ],
)
def test_medicine_survives(sentence: str) -> None:
    assert cleaned(sentence) == sentence


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The film was hung by Quarn.", "The film was hung by [PERSON-#]."),
        ("We thank Jel Quarn for it.", "We thank [PERSON-#] for it."),
        ("Quarn, Jel. Clear.", "[PERSON-#]. Clear."),
        ("Jel Quarn read it.", "[PERSON-#] read it."),
        ("Foley was informed.", "[PERSON-#] was informed."),
        ("Seen with Wilson today.", "Seen with [PERSON-#] today."),
        ("The film was hung by Short.", "The film was hung by [PERSON-#]."),
        ("Mark Brown called.", "[PERSON-#] called."),
        ("According to J. Brown it fell.", "According to [PERSON-#] it fell."),
        ("He lives in Norbrask.", "He lives in [ADDRESS]."),
        ("Pushed by Anne-Lotte McQuarn.", "Pushed by [PERSON-#]."),
        ("NO EFFUSION. HUNG BY QUARNIMSK.", "NO EFFUSION. HUNG BY [PERSON-#]."),
        ("NO EFFUSION. KERLEY, QUARNIMSK, TOLD.", "NO EFFUSION. KERLEY, [PERSON-#], TOLD."),
        ("NO EFFUSION. MARY BROWN WAS TOLD.", "NO EFFUSION. [PERSON-#] WAS TOLD."),
        ("The mother, Quarn, saw Tarvo Zelm.", "The mother, [RELATIVE-#], saw [PERSON-#]."),
        ("Cardiomegly is seen. Veiw limited.", "Cardiomegly is seen. Veiw limited."),
        ("The MediPort is new. Bookmark: Quirn.", "The MediPort is new. Bookmark: Quirn."),
    ],
)
def test_a_name_that_nothing_announces_goes_by_its_capital(sentence: str, expected: str) -> None:
    assert cleaned(sentence) == expected


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        *(("no effusion. clear. hung by quarnimsk.", "quarn"), ("no effusion. clear. seen by mary brown.", "brown")),
        *(("no effusion. clear. d/w brown.", "brown"), ("no effusion. clear. per a. brown.", "brown")),
    ],
)
def test_a_text_without_capitals_hides_no_name(text: str, leak: str) -> None:
    made = clean(ReportOriginal("local", "", "", "1", "", None, frozenset(), text), WHO).text
    assert leak not in made and made.startswith("no effusion. clear. ")


def test_short_names_go_only_as_names_are_written() -> None:
    text = "PATIENT NAME: LI^WU\nMRN: 1\nFINDINGS: Li Wu has li under wu."
    assert of(text.encode()) == "FINDINGS: [PATIENT] has li under wu."


def test_a_name_shared_by_patient_and_physician_leaves_no_surname() -> None:
    text = (
        "PATIENT NAME: QUELBRAND^ADA\nMRN: 1\nFINDINGS: Clear.\nElectronically signed by Dr. Ada Korvelund on 3/4/2012."
    )
    assert "Korvelund" not in of(text.encode())


@pytest.mark.parametrize("title", ["Dr.", "DR", "Prof. Dr.", "Mrs.", ""])
def test_a_title_before_a_name_does_not_hide_it(title: str) -> None:
    text = f"MRN: A-1234567\nREFERRING: {title} Augusta Quillfeather, 03/04/2012\nFINDINGS: Quillfeather asks."
    assert "Quillfeather" not in of(text.encode())


def test_lines_of_identity_go_wherever_they_stand() -> None:
    made = cleaned("Clear.\nPATIENT NAME: QUELBRAND^MIREL\nDICTATED BY: KORVEL, ADA MD. Signed 3/4/2012.\nADA agrees.")
    assert "KORVEL" not in made and "ADA" not in made and "QUELBRAND" not in made


def test_a_clinical_label_in_the_body_is_no_identity() -> None:
    assert cleaned("Nodule.\nLocation: left base") == "Nodule.\nLocation: left base"


def test_a_report_without_sections_keeps_its_text() -> None:
    assert of(b"MRN: 1\nThe lungs are clear.") == "The lungs are clear."


def test_a_synthetic_report_holds_nothing_of_its_people() -> None:
    who = somebody()
    original = read_report(report_text().encode())
    text = clean(original, WHO).text
    assert original.patient_id.endswith(who.patient.patient_id) and original.accession == who.accession
    for value in (who.patient.last, who.patient.first, who.referring.last, who.signer.last, who.patient.phone):
        assert value.lower() not in text.lower()
    verify_text(text, original.identifiers)


OPENI = """<eCitation><Patient name="QUELBRAND^MIREL" id="77" issuer="EAST" birthDate="19200304" accession="A-99"
 sex="F" studyDate="20120304" referring="ZORMIRSK^TARVIN"/><uId id="CXR7"/>
<AbstractText Label="COMPARISON"/>
<AbstractText Label="INDICATION">Mirel Quelbrand, XXXX, for Dr. Zormirsk.</AbstractText>
<AbstractText Label="FINDINGS">Clear.</AbstractText>
<MeSH><major>Opacity/lung/base/left</major><major>normal</major>
<major>&#10;</major><major>bad &lt;tag&gt;</major></MeSH>
</eCitation>"""


def test_an_openi_report_gives_sections_and_safe_tags() -> None:
    original = read_report(OPENI.encode())
    text = untagged(clean(original, WHO).text)
    assert text == "INDICATION: [PATIENT], XXXX, for [CLINICIAN-#].\n\nFINDINGS: Clear."
    assert original.tags == ("Opacity/lung/base/left", "normal")
    assert (original.report_id, original.patient_id, original.licence) == ("CXR7", "EAST/77", "CC-BY-NC-ND-4.0")
    assert original.study_date == date(2012, 3, 4)


def test_a_report_says_whose_it_is() -> None:
    origin = read_local(LOCAL.format("Clear.").encode()).origin()
    assert (origin.kind, origin.accession, origin.patient_id) == ("report", "ACX2012-0000077", "SYN-7712345-A")


@pytest.mark.parametrize("data", [b"<html>x</html>", b"a" * (MAX_BYTES + 1), b"\x00\x01", b"\xff\xfe\x00"])
def test_what_is_no_report_is_rejected(data: bytes) -> None:
    with pytest.raises(Rejected, match="expected"):
        read_report(data)


def test_an_openi_report_without_a_patient_is_its_own() -> None:
    bare = OPENI[: OPENI.index("<Patient")] + OPENI[OPENI.index("<uId") :]
    original = read_openi(parse(bare.encode()))
    assert original.patient_id == "CXR7" and original.study_date is None


@pytest.mark.parametrize("text", ["2012-03-04", "03/04/2012", "20120304", "4 Mar 2012", "March 4, 2012", "04-MAR-2012"])
def test_dates_are_read_in_the_usual_forms(text: str) -> None:
    assert parse_date(text) == date(2012, 3, 4)
    assert parse_date("soon") is None


@given(st.text(max_size=300))
def test_any_text_is_cleaned_and_verified_against_its_own_header(body: str) -> None:
    identifiers = frozenset({Identifier("name", "QUELBRAND^MIREL"), Identifier("patient_id", "SYN-7712345-A")})
    text = f"{body} Mirel Quelbrand SYN-7712345-A {body}"
    made = clean(ReportOriginal("local", "", "", "1", "", None, identifiers, text), WHO).text
    verify_text(made, identifiers)
    assert "quelbrand" not in made.lower()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_a_reject(data: bytes) -> None:
    try:
        assert isinstance(decode(data), str)
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")
    try:
        read_report(data)
    except Rejected as outcome:
        assert outcome.detail.startswith("expected")


ELSEWHERE = """PATIENT: O'Tarrin-M\u00fcller, Quelle
MRN: 00712345
REFERRING: ZORMIRSK
FINDINGS: {}
"""


@pytest.mark.parametrize(
    "known",
    [
        *("O\u2019Tarrin", "OTARRIN", "O'Tarrin's", "Muller", "Mueller", "Mu\u0308ller", "M\u00fcl-\nler"),
        *("Zor-\nmirsk", "Zor\u00admirsk", "Z\u00f3rmirsk", "00 712 345", "00-71-23-45", "0071 2345"),
    ],
)
def test_a_value_of_the_header_goes_in_another_spelling(known: str) -> None:
    original = read_local(ELSEWHERE.format(f"Seen {known} here.").encode())
    assert untagged(clean(original, WHO).text) in {
        f"FINDINGS: Seen [{kind}]{end} here." for kind in ("PATIENT", "CLINICIAN-#", "ID") for end in ("", "'s")
    }


@pytest.mark.parametrize(
    ("sentence", "leak"),
    [
        *(("Her husband Tarbo was here.", "Tarbo"), ("Drs. Quarn and Tarbo agree.", "Tarbo")),
        *(("Seen by Dr.Quarn today.", "Quarn"), ("Seen with mrs. quarn today.", "quarn"), ("/s/ jquarn", "quarn")),
        *(("Electronically signed, Jel Quarn", "Quarn"), ("d/w Quarn", "Quarn"), ("Pt: Jel Quarn", "Quarn")),
        *(("Quarn, APRN, was told.", "Quarn"), ("MRN 00 123 456", "456"), ("SSN 123 45 6789", "6789")),
        *(("VIN 1HGCM82633A004352", "1HGCM"), ("555/123-4567", "555"), ("555-\n123-4567", "555")),
        *(("fourteenth of March nineteen sixty-two", "sixty"), ("March fourteenth", "fourteenth")),
        *(("14Mar2012", "Mar"), ("3 / 14 / 2012", "14"), ("12 quarn street", "quarn"), ("PO Box 123", "123")),
        *(("see quarnhospital.org/x", "quarn"), ("ftp://quarn/x", "quarn"), ("host 192.168.1.12", "168")),
        *(("age is 92", "92"), ("Age = 92", "92")),
    ],
)
def test_what_no_header_names_goes_by_its_form(sentence: str, leak: str) -> None:
    assert leak not in cleaned(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        *("Chest, PA and lateral.", "TE 5 ms. Clear lungs.", "MR Chest is clear.", "Partners of the hilum are normal."),
        *("Nodule at 3/14 of the third rib.", "The first rib, and the second may be broken.", "C. difficile colitis."),
    ],
)
def test_clinical_words_beside_those_forms_stay(sentence: str) -> None:
    assert cleaned(sentence) == sentence


def test_a_tag_in_which_something_identifies_goes() -> None:
    given_tags = ("Opacity/lung/base/left", "Seen by Dr. Quarn", "call 555-123-4567", "normal")
    assert clean_tags(given_tags) == ("Opacity/lung/base/left", "normal")


def test_two_identity_fields_of_one_line_are_read() -> None:
    text = "Patient: Quelbrand, Mirel   MRN: A-77123  DOB: 1/2/1960\nSIGNED: OK\nTRANSCRIBED: Quarn 3/4/2012\nEXAM: CT"
    original = read_local(text.encode())
    assert original.patient_id == "A-77123" and original.text == "EXAM: CT"
    assert original.identifiers == {
        Identifier("name", "Quelbrand, Mirel"),
        Identifier("patient_id", "A-77123"),
        Identifier("birth_date", "1/2/1960"),
        Identifier("clinician", "Quarn"),
    }


def test_a_line_that_poses_as_a_long_name_is_read_in_time() -> None:
    name = " ".join(f"Quarn{letter}" for letter in Random(1).choices("abcdefgh", k=300))  # noqa: S311 - repeatable
    text = f"PATIENT NAME: {name}\nMRN: 1\nFINDINGS: Clear."
    assert of(text.encode()) == "FINDINGS: Clear."
