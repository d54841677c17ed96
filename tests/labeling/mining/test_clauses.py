import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.mining.clauses import clauses
from labeling.mining.lexicon import chest_lexicon, tokens


def parts(sentence: str) -> list[str]:
    words = tokens(sentence)
    found = chest_lexicon().matches(words)
    return [" ".join(words[start:end]) for start, end in clauses(words, found.content, found.trigger)]


@pytest.mark.parametrize(
    "sentence",
    [
        "no effusion pneumothorax or edema",
        "no effusion , pneumothorax or edema",
        "no effusion , pneumothorax , and edema are seen",
        "effusion and edema are small",
        "effusion and pneumothorax are not seen",
        "effusion , which has decreased",
        "effusion , unchanged",
        "effusion but not seen on the lateral view",
        "opacity , this has resolved",
        "no effusion in the lungs and is stable",
        "denies the following : edema",
        "",
    ],
    ids=[
        "one list",
        "a comma in a list",
        "a verb that the list shares",
        "a verb behind two",
        "a negation behind two",
        "a change behind which",
        "a change behind a comma",
        "but with no finding",
        "a pronoun",
        "a verb without a subject",
        "a colon that announces",
        "nothing",
    ],
)
def test_one_clause(sentence: str) -> None:
    assert parts(sentence) == [sentence]


@pytest.mark.parametrize(
    ("sentence", "second"),
    [
        ("No effusion but edema", "but edema"),
        ("No effusion; edema", "; edema"),
        ("No effusion, heart is enlarged", ", heart is enlarged"),
        ("No effusion and clear lungs", "and clear lungs"),
        ("No effusion, abdomen is soft", ", abdomen is soft"),
        ("No effusion and the abdomen is soft", "and the abdomen is soft"),
        ("Effusion is small and pneumothorax is not seen", "and pneumothorax is not seen"),
        ("Edema, pneumonia cannot be excluded", ", pneumonia cannot be excluded"),
        ("Atelectasis, though infection is not excluded", ", though infection is not excluded"),
        ("Effusion is smaller and edema has increased", "and edema has increased"),
        ("No effusion and a nodule", "and a nodule"),
        ("No edema in legs heart: enlarged", "heart : enlarged"),
    ],
)
def test_two_clauses(sentence: str, second: str) -> None:
    assert parts(sentence)[1:] == [second]


def test_what_stands_before_the_first_finding_stays_with_it() -> None:
    assert parts("In comparison , there is edema") == ["in comparison , there is edema"]


_WORDS = [
    "no",
    "effusion",
    "heart",
    "enlarged",
    "is",
    "seen",
    ",",
    "and",
    "but",
    "which",
    ":",
    ";",
    "may",
    "there",
    "not",
]


@given(st.lists(st.sampled_from(_WORDS), max_size=14))
def test_clauses_tile_the_sentence(words: list[str]) -> None:
    found = chest_lexicon().matches(words)
    ranges = clauses(words, found.content, found.trigger)
    edges = [edge for pair in ranges for edge in pair]
    assert edges[0] == 0
    assert edges[-1] == len(words)
    assert edges[1:-1:2] == edges[2::2]
