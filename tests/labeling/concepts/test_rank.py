"""Which concept an ambiguous phrase means, and when none."""

import pytest

from labeling.concepts.dictionary import Candidate
from labeling.concepts.rank import NIL_BELOW, rank, says_nothing


def candidate(
    concept_id: str,
    name: str,
    tui: str = "T047",
    n_sources: int = 1,
    is_preferred: bool = False,
    only_capitals: bool = False,
) -> Candidate:
    return Candidate(concept_id, name, (tui,) if tui else (), n_sources, is_preferred, only_capitals)


def best(mention: str, *candidates: Candidate, context: str = "") -> str:
    return next((one.candidate.concept_id for one in rank(mention, candidates, context)), "")


def test_a_disease_comes_before_a_gene() -> None:
    assert (
        best("zan", candidate("G", "zan", "T028", n_sources=9, is_preferred=True), candidate("D", "zanthosis")) == "D"
    )


def test_the_own_name_and_more_sources_come_first() -> None:
    named = candidate("N", "zan", is_preferred=True)
    known = candidate("K", "zanthosis", n_sources=5)
    assert best("zan", candidate("A", "zanitis"), named, known) == "N"
    assert best("zan", candidate("A", "zanitis"), known) == "K"


def test_words_nearby_decide() -> None:
    two = candidate("A", "zan of knee"), candidate("B", "zan of lung base")
    assert best("zan", *two, context="zan at the base of the right lung") == "B"
    assert best("zan", *two, context="") == "A"
    assert rank("zan", two, "lung base")[0].score > rank("zan", two, "lung")[0].score


def test_an_abbreviation_in_small_letters_was_not_meant() -> None:
    one = candidate("A", "acute zanthic disease", only_capitals=True)
    assert best("AZD", one) == "A" and best("azd", one) == ""


@pytest.mark.parametrize("mention", ["no", "NO", "all", "may", "of the", "x", "2.5", "3", "", " , "])
def test_what_says_nothing_is_linked_to_nothing(mention: str) -> None:
    assert says_nothing(mention)
    assert rank(mention, [candidate("A", mention, n_sources=9, is_preferred=True)]) == []


def test_scores_are_bounded_and_nil_is_below() -> None:
    one = candidate("A", "zan of lung base", n_sources=200, is_preferred=True)
    assert rank("zan", [one], "lung base")[0].score == pytest.approx(1.0)
    assert NIL_BELOW > 0.3 and rank("zan", [candidate("A", "zan", "T116", is_preferred=True)]) == []


def test_the_best_of_several_types_counts_and_no_type_is_the_owners_choice() -> None:
    several = candidate("A", "zan")._replace(types=("T028", "T047"))
    assert rank("zan", [several])[0].score == rank("zan", [candidate("A", "zan")])[0].score
    assert best("zan", candidate("A", "zanthosis", "")) == "A"
    assert best("zan", candidate("A", "zanthosis", "T999")) == ""
