import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import UsageError
from curation.records import OTHER, PATIENT, Assertion, Temporality
from labeling.mining.lexicon import Lexicon, Term
from labeling.mining.phrase import assertion_of

_LINES = (Path(__file__).parent / "negation.tsv").read_text(encoding="utf-8").splitlines()
ROWS = list(csv.DictReader(_LINES[1:], delimiter="\t", quoting=csv.QUOTE_NONE))


def test_general_clinical_sentences() -> None:
    wrong = [row for row in ROWS if assertion_of(row["sentence"], row["phrase"])[0] != row["assertion"]]
    assert len(ROWS) > 200
    assert len(wrong) <= 0.02 * len(ROWS), wrong


@pytest.mark.parametrize(
    ("sentence", "phrase", "expected"),
    [
        ("Stable anemia.", "anemia", (Assertion.PRESENT, "plain", Temporality.STABLE, PATIENT)),
        ("Her mother had gout.", "gout", (Assertion.PRESENT, "plain", Temporality.UNSAID, OTHER)),
        ("History of gout.", "gout", (Assertion.PRESENT, "plain", Temporality.HISTORICAL, PATIENT)),
        ("No history of gout.", "gout", (Assertion.ABSENT, "neg.no", Temporality.HISTORICAL, PATIENT)),
        ("Return if fever develops.", "fever", (Assertion.PRESENT, "plain", Temporality.HYPOTHETICAL, PATIENT)),
        ("The rash has resolved.", "rash", (Assertion.ABSENT, "neg.has_resolved", Temporality.RESOLVED, PATIENT)),
    ],
)
def test_when_and_whose(sentence: str, phrase: str, expected: tuple[Assertion, str, Temporality, str]) -> None:
    assert assertion_of(sentence, phrase) == expected


def test_case_white_space_and_marks_do_not_matter() -> None:
    assert assertion_of("No  ST-segment\nELEVATION.", "st segment elevation")[0] is Assertion.ABSENT


def test_a_trigger_inside_the_phrase_says_nothing() -> None:
    assert assertion_of("Abdomen: no tenderness.", "no tenderness")[0] is Assertion.PRESENT
    assert assertion_of("Oedema without heart failure.", "oedema without heart")[0] is Assertion.PRESENT


def test_a_phrase_that_the_lexicon_knows_or_overlaps_is_read_as_given() -> None:
    assert assertion_of("No large pleural effusion is seen.", "large pleural")[0] is Assertion.ABSENT


def test_a_lexicon_of_ones_own() -> None:
    lexicon = Lexicon([("sine", Term("t.sine", "trigger", "absent", side="after"))])
    assert assertion_of("Cor sine murmure.", "murmure", lexicon)[:2] == (Assertion.ABSENT, "t.sine")


@pytest.mark.parametrize("phrase", ["gout", "fever chills", "", "."])
def test_a_phrase_that_is_not_there_is_refused(phrase: str) -> None:
    with pytest.raises(UsageError, match="expected one that the sentence holds"):
        assertion_of("Fever and chills.", phrase)


_WORDS = [
    "no",
    "not",
    "edema",
    "fever",
    "is",
    "seen",
    ",",
    "and",
    "but",
    "which",
    ":",
    "the",
    "heart",
    "enlarged",
    "has",
]


@given(st.lists(st.sampled_from(_WORDS), max_size=12), st.lists(st.sampled_from(_WORDS), max_size=12))
def test_any_words_around_a_phrase_are_read(before: list[str], after: list[str]) -> None:
    assertion, rule_id, _, experiencer = assertion_of(" ".join([*before, "gout", *after]), "gout")
    assert assertion in Assertion
    assert rule_id
    assert experiencer == PATIENT
