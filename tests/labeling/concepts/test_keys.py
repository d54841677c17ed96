"""Keys of phrases: the same words have the same key wherever they stand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling.concepts.keys import MOST_TOKENS, batch, lowered, normalised, phrase_keys
from labeling.mining.lexicon import token_spans

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def found_keys(texts: list[str]) -> list[dict[tuple[int, int], int]]:
    """By text, the key of each run of tokens: (first token, how many)."""
    tokens = batch(texts)
    owner = np.searchsorted(tokens.text_starts, tokens.starts, side="right") - 1
    keys: list[dict[tuple[int, int], int]] = [{} for _ in texts]
    runs = tokens.keys()
    length, at, numbers = next(runs)
    while True:
        for first, number in zip(at.tolist(), numbers.tolist(), strict=True):
            text = int(owner[first])
            keys[text][first - int(np.searchsorted(owner, text)), length] = number
        try:
            length, at, numbers = runs.send(np.ones(len(at), np.bool_))
        except StopIteration:
            return keys


@given(st.lists(TEXT, max_size=4))
def test_a_run_of_tokens_has_the_key_of_its_phrase(texts: list[str]) -> None:
    for text, keys in zip(texts, found_keys(texts), strict=True):
        small, spans = lowered(text), token_spans(text)
        for (first, count), key in keys.items():
            phrase = " ".join(small[a:b] for a, b in spans[first : first + count])
            assert phrase_keys([phrase])[0][0] == key


@given(TEXT)
def test_small_letters_stand_where_the_text_has_them(text: str) -> None:
    assert len(lowered(text)) == len(text)
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("A small effusion.", [3, 2, 1]),
        ("No mass. Heart big", [2, 1, 2, 1]),
        ("2.5 cm", [2, 1]),
        ("one\ntwo", [2, 1]),
        ("one\n\ntwo", [1, 1]),
        ("", []),
        ("!.", []),
    ],
)
def test_a_phrase_ends_with_its_sentence(text: str, room: list[int]) -> None:
    assert batch([text]).room.tolist() == room


def test_a_phrase_ends_with_its_text() -> None:
    assert batch(["heart", "size"]).room.tolist() == [1, 1]


def test_order_and_number_of_words_make_another_key() -> None:
    phrases = ["a b", "b a", "a b a", "ab", "a", "b", "a , b"]
    assert len(set(phrase_keys(phrases)[0].tolist())) == len(phrases)


def test_phrases_that_are_not_matched_have_key_0() -> None:
    keys, counts, _ = phrase_keys(["", "x " * MOST_TOKENS, "x " * (MOST_TOKENS + 1)])
    assert keys[[0, 2]].tolist() == [0, 0] and keys[1] != 0
    assert counts.tolist() == [0, MOST_TOKENS, MOST_TOKENS + 1]


def test_beginnings_are_of_fewer_words() -> None:
    beginnings = phrase_keys(["a b c"])[2]
    assert set(beginnings.tolist()) == set(phrase_keys(["a", "a b"])[0].tolist())


def test_a_letter_that_grows_when_small_stays() -> None:
    assert lowered("İX") == "İx"
