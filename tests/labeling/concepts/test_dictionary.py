"""The matcher against an obvious one, and its offsets into the text as it was written."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError
from labeling.concepts.columns import read_numbers, write_numbers
from labeling.concepts.dictionary import MOST_CANDIDATES, Dictionary
from labeling.concepts.keys import lowered, normalised
from labeling.concepts.umls import build
from labeling.mining.lexicon import token_spans
from tests.labeling.concepts.made import small_umls

WORDS = ("ab", "ba", "abba", "b", "2.5", ",", "é")
PHRASES = {
    f"R{place}": phrase
    for place, phrase in enumerate(
        ("ab", "ab ba", "ab ba ab ba", "ba , ab", "abba b", "2.5 ab", "é", "é ba", "b b b", "ab-ba b")
    )
}


def dictionary_of(phrases: Mapping[str, str], folder: Path) -> Dictionary:
    (folder / "terms.tsv").write_text("".join(f"{one}\t{names}\n" for one, names in phrases.items()), encoding="utf-8")
    build(folder / "terms.tsv", folder / "d")
    return Dictionary.open(folder / "d")


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    return dictionary_of(PHRASES, tmp_path_factory.mktemp("listed"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    folder = tmp_path_factory.mktemp("small")
    build(small_umls(folder / "rrf"), folder / "d")
    return Dictionary.open(folder / "d")


def naive(text: str) -> list[tuple[int, int, str]]:
    """Leftmost, of those longest, within a sentence; by comparing every run of tokens with every phrase."""
    spans, small = token_spans(text), lowered(text)
    ids = {normalised(phrase): one for one, phrase in PHRASES.items()}
    found, first = [], 0
    while first < len(spans):
        best = None
        for last in range(first, len(spans)):
            gap = text[spans[last - 1][1] : spans[last][0]] if last > first else ""
            if (re.search(r"[.!]", gap) and len(gap) > 1) or gap.count("\n") > 1:
                break
            phrase = " ".join(small[a:b] for a, b in spans[first : last + 1])
            if phrase in ids:
                best = (last, ids[phrase])
        if best:
            found.append((spans[first][0], spans[best[0]][1], best[1]))
        first = best[0] + 1 if best else first + 1
    return found


SEPARATORS = st.sampled_from((" ", " ", " ", "\n", "\n\n", ". ", ".", "! ", "-", "  ", "; "))
TEXT = st.lists(st.tuples(st.sampled_from(WORDS), SEPARATORS), max_size=20).map(
    lambda pairs: "".join(word.upper() + gap if len(gap) == 1 else word + gap for word, gap in pairs)
)


@given(st.lists(TEXT, max_size=3))
def test_the_matcher_finds_what_an_obvious_one_finds(listed: Dictionary, texts: list[str]) -> None:
    found = [[(one.start, one.end, one.candidates[0].concept_id) for one in text] for text in listed.find(texts)]
    assert found == [naive(text) for text in texts]


def test_offsets_are_of_the_text_as_written(small: Dictionary) -> None:
    text = "İ large BLORBIC\n fluid; the “Quoted” sign."
    found = small.find([text])[0]
    assert [text[one.start : one.end] for one in found] == ["BLORBIC\n fluid", "the “Quoted” sign"]


def test_no_text_and_texts_without_terms(small: Dictionary) -> None:
    assert small.find([]) == []
    assert small.find(["", "nothing here", "."]) == [[], [], []]


def test_candidates_come_with_what_ranks_them(small: Dictionary) -> None:
    one = small.exact("Blorbic fluid")[0]
    assert one == ("C9000001", "Blorbic fluid", ("T046",), 2, True, False)
    organ, gene = small.exact("zanthum")
    assert (organ.concept_id, gene.types) == ("C9000004", ("T028",))
    assert small.exact("all")[0].only_capitals and not small.exact("all")[0].is_preferred
    assert small.exact("blorbic") == () and small.exact("") == () and small.exact(" ( ") == ()


def test_a_key_that_another_phrase_shares_is_not_that_phrase(tmp_path: Path) -> None:
    dictionary = dictionary_of({"R1": "one term", "R2": "other term"}, tmp_path)
    match = tmp_path / "d" / "match"
    keys = np.array(read_numbers(match, "keys", np.uint64))
    texts = {dictionary.phrases[place]: int(key) for place, key in enumerate(keys)}
    phrase = dictionary.phrases[0]
    (match / "phrase.bytes").write_bytes(
        (match / "phrase.bytes").read_bytes().replace(phrase.encode(), b"x" * len(phrase))
    )
    broken = Dictionary.open(tmp_path / "d")
    assert texts and broken.exact(phrase) == () and broken.find([phrase, "term"]) == [[], []]


def test_candidates_of_one_phrase_are_bounded(tmp_path: Path) -> None:
    dictionary = dictionary_of({f"R{place:03}": "term" for place in range(80)}, tmp_path)
    assert len(dictionary.exact("term")) == MOST_CANDIDATES


def test_what_is_kept_is_bounded(listed: Dictionary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.concepts.dictionary._MOST_KEPT", 0)
    before = len(listed._kept)
    assert listed.find(["ab  ba"])[0] and len(listed._kept) == before


def test_a_column_that_is_missing_or_cut_is_said(tmp_path: Path) -> None:
    dictionary_of({"R1": "term"}, tmp_path)
    (tmp_path / "d" / "match" / "keys").write_bytes(b"1234567")
    with pytest.raises(InputError, match="cut"):
        Dictionary.open(tmp_path / "d")
    (tmp_path / "d" / "match" / "keys").unlink()
    with pytest.raises(InputError, match="none"):
        Dictionary.open(tmp_path / "d")


@given(st.lists(st.integers(0, 255)))
def test_numbers_are_read_as_written(tmp_path_factory: pytest.TempPathFactory, numbers: list[int]) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    write_numbers(folder, "n", np.array(numbers, ">u4"))
    assert read_numbers(folder, "n", np.uint32).tolist() == numbers
