import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.records import Assertion
from labeling.mining.lexicon import chest_lexicon, tokens
from labeling.mining.reader import read_sentence
from labeling.mining.sizes import measured
from labeling.mining.spoken import Said

NODULE = Said(0, 1, "lung_nodule", Assertion.PRESENT, "r", "a")


def sizes(sentence: str) -> list[float | None]:
    return [one.size_mm for one in read_sentence(sentence, chest_lexicon())]


def counts(sentence: str) -> list[tuple[int | None, int | None]]:
    return [(one.count_min, one.count_max) for one in read_sentence(sentence, chest_lexicon())]


@pytest.mark.parametrize(
    ("written", "mm"),
    [
        ("9 mm", 9),
        ("9mm", 9),
        ("1-cm", 10),
        ("1.5cm", 15),
        ("2.3 x 1.8 cm", 23),
        ("2.3x1.8cm", 23),
        ("1.8x2.3 cm", 23),
        ("1.8x 2.3 cm", 23),
        ("2x3cm", 30),
        ("3 mm x 1 mm", 3),
        ("3 by 4 by 5 cm", 50),
        ("5 to 6 mm", 6),
        ("5-6 mm", 6),
        ("one centimeter", 10),
        ("12 millimetre", 12),
        ("1 cm x 8 mm", 10),
    ],
)
def test_a_size_in_millimetres(written: str, mm: float) -> None:
    assert sizes(f"There is a {written} nodule.") == [mm]
    assert sizes(f"A nodule measuring {written} is seen.") == [mm]


@pytest.mark.parametrize(
    ("sentence", "mm"),
    [
        ("Nodule measuring up to 4 cm.", [40]),
        ("A nodule, 9 mm.", [9]),
        ("Nodule in the left upper lobe that measures 8 mm.", [8]),
        ("A 9 mm nodule and a 1.2 cm mass.", [9, 12]),
        ("A 9 mm nodule and a mass.", [9, None]),
        ("A nodule and effusion of 2 cm.", [None, 20]),
        ("A mass of 4 cm, 5 cm in the other plane.", [40]),
        ("A mass of 4 cm with atelectasis.", [40, None]),
        ("The nodule grew from 8 mm to 12 mm.", [12]),
        ("The nodule is 12 mm, previously 8 mm.", [12]),
        ("2. 1.4 cm nodule.", [14]),
        ("Tube tip 2 cm above the carina.", [None]),
        ("Tube tip 2 cm superior to the carina.", [None]),
        ("A 2 cm superior nodule.", [20]),
        ("With 1 mm sections a nodule is seen.", [None]),
        ("A 9 nodule x.", [None]),
        ("A 12x nodule.", [None]),
        ("A 0 mm nodule.", [None]),
        ("A 900 cm nodule.", [None]),
        ("No nodule above 5 mm.", [None]),
        ("A span of 5 cm is with nodule.", [None]),
        ("A T12 nodule of 3x.", [None]),
        ("A 2.3x1 nodule.", [None]),
    ],
)
def test_a_size_goes_to_what_it_measures(sentence: str, mm: list[float | None]) -> None:
    assert sizes(sentence) == mm


@pytest.mark.parametrize(
    ("sentence", "number"),
    [
        ("Two nodules.", (2, 2)),
        ("There are 3 nodules.", (3, 3)),
        ("There are 2 or 3 nodules.", (2, 3)),
        ("There are 2-3 nodules.", (2, 3)),
        ("Two to three nodules.", (2, 3)),
        ("At least three nodules.", (3, None)),
        ("Three or more nodules.", (3, None)),
        ("More than two nodules.", (3, None)),
        ("Up to four nodules.", (1, 4)),
        ("One nodule.", (1, 1)),
        ("A single nodule.", (1, 1)),
        ("A solitary pulmonary nodule.", (1, 1)),
        ("A couple of nodules.", (2, 2)),
        ("A few small nodules.", (2, None)),
        ("Several nodules.", (3, None)),
        ("Multiple bilateral nodules.", (2, None)),
        ("Multiple foci of consolidation.", (2, None)),
        ("Multiple views of opacities.", (None, None)),
        ("Two view chest with nodules.", (None, None)),
        ("Multiple episodes of consolidation.", (None, None)),
        ("Two nodule.", (None, None)),
        ("2 nodules.", (None, None)),
        ("There are 40 nodules.", (None, None)),
        ("There is 1 nodule.", (None, None)),
        ("On image 12 nodules are seen.", (None, None)),
        ("A 12 mm nodule.", (None, None)),
        ("Two one nodules.", (2, 2)),
        ("Several more of the already well known nodules.", (None, None)),
        ("Nodules, several.", (None, None)),
        ("No two nodules.", (None, None)),
    ],
)
def test_a_number_goes_to_what_it_counts(sentence: str, number: tuple[int | None, int | None]) -> None:
    assert counts(sentence) == [number]


def test_a_number_within_a_name_counts_only_as_a_word() -> None:
    words = tokens("dual 2 lead pacers")
    pacer = Said(0, 4, "pacemaker", Assertion.PRESENT, "r", "a")
    assert measured(words, [pacer])[0].count_min is None
    assert measured(tokens("pacer 2 cm lead"), [pacer])[0].size_mm is None


def test_the_first_number_stands() -> None:
    assert counts("Multiple, several nodules.") == [(3, None)]
    assert counts("Several small multiple nodules.") == [(3, None)]


def test_no_number_no_work() -> None:
    mentions = [NODULE]
    assert measured(["nodule"], mentions) is mentions


@given(st.text(alphabet="0123456789.x- cmand,two", max_size=40))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    words = ["nodule", *tokens(text)]
    size = measured(words, [NODULE])[0].size_mm
    assert size is None or 0 < size <= 500


@given(st.integers(1, 499), st.sampled_from(["mm", " mm", "-mm"]))
def test_a_length_survives_the_way_it_is_written(length: int, unit: str) -> None:
    assert measured(tokens(f"nodule of {length}{unit}"), [NODULE])[0].size_mm == length
