import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.mining.reader import mine_text
from labeling.mining.spelling import Spelling


def spelling(*words: str) -> Spelling:
    made = Spelling()
    made.learn(words)
    return made


@pytest.mark.parametrize(
    "slip",
    ["atelectsis", "atellectasis", "atelectaeis", "atelectasi", "atelcetasis"],
    ids=["a letter left out", "one too many", "a wrong one", "the last left out", "two swapped"],
)
def test_one_slip_is_mended(slip: str) -> None:
    assert list(spelling("atelectasis", "effusion").mend([slip])) == ["atelectasis"]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("atelcetssis", "two slips"),
        ("intrusion", "a word of its own"),
        ("edena", "too short"),
        ("telectasis", "another first letter"),
        ("t12-l1x", "not letters only"),
    ],
)
def test_other_words_stay(word: str, why: str) -> None:
    assert list(spelling("atelectasis", "edema", "inclusion").mend([word])) == [word]


def test_a_slip_that_could_be_two_words_stays() -> None:
    assert list(spelling("scoliosis", "scoliotis").mend(["scoliois", "scoliosis"])) == ["scoliois", "scoliosis"]


def test_a_mended_finding_keeps_its_own_offsets() -> None:
    text = "There is a small pnuemothorax."
    (mention,) = mine_text(text).mentions
    assert (mention.finding, text[mention.start : mention.end]) == ("pneumothorax", "pnuemothorax")


@given(st.lists(st.text(alphabet="aeflnotusixPé1 ", max_size=12), max_size=6))
def test_mending_keeps_the_number_of_words_and_those_that_are_known(words: list[str]) -> None:
    made = spelling("effusion", "pneumothorax", "atelectasis")
    mended = list(made.mend([*words, "effusion"]))
    assert len(mended) == len(words) + 1
    assert mended[-1] == "effusion"
    assert list(made.mend([*words, "effusion"])) == mended
