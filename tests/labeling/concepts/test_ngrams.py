"""Phrases that look alike, against the cosine written out."""

from collections import Counter
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from labeling.concepts.columns import Strings, StringsWriter
from labeling.concepts.ngrams import NGrams, grams, write_ngrams

PHRASES = [
    "bronchiectasis",
    "bronchitis",
    "hepatomegaly",
    "cardiomegaly",
    "pulmonary cavity",
    "pulmonary edema",
    "ödem",
    "x",
]


def index(folder: Path, phrases: list[str]) -> NGrams:
    StringsWriter(folder, "phrase").add(phrases)
    write_ngrams(folder, Strings(folder, "phrase"))
    return NGrams(folder, Strings(folder, "phrase"))


def shapes(phrase: str) -> set[str]:
    padded = f" {phrase} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}


def naive(query: str) -> dict[int, float]:
    """Cosine of binary 3-grams with weights log(1 + N / df), by position."""
    held = Counter(one for phrase in PHRASES for one in shapes(phrase))
    weight = {one: log(1 + len(PHRASES) / max(held[one], 1)) for one in shapes(query) | set(held)}
    length = sqrt(sum(weight[one] ** 2 for one in shapes(query)))
    scores = {}
    for place, phrase in enumerate(PHRASES):
        shared = sum(weight[one] ** 2 for one in shapes(phrase) & shapes(query))
        scores[place] = shared / length / sqrt(sum(weight[one] ** 2 for one in shapes(phrase)))
    return scores


@pytest.mark.parametrize("query", ["bronchiectasises", "hepatomegally", "cavity pulmonary", "bronch", "ödem", "x"])
def test_scores_are_the_cosine(tmp_path: Path, query: str) -> None:
    expected = {place: score for place, score in naive(query).items() if score > 0}
    found = index(tmp_path, PHRASES).near(query)
    assert {one.position: pytest.approx(one.score, abs=1e-5) for one in found} == expected
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_slips_are_nearest_to_what_was_meant(tmp_path: Path) -> None:
    near = index(tmp_path, PHRASES)
    meant = {"bronchectasis": 0, "Hepatomegally": 2, "cardiomegalie": 3, "pulmonary  cavitys": 4}
    assert {slip: near.near(slip, 1)[0].position for slip in meant} == meant


def test_what_shares_nothing_is_near_nothing(tmp_path: Path) -> None:
    near = index(tmp_path, PHRASES)
    assert near.near("qqqq") == [] and near.near("") == []


def test_common_shapes_are_left_out_and_the_rest_is_scored_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = index(tmp_path, PHRASES)
    full = near.near("pulmonary cavities", 1)
    monkeypatch.setattr("labeling.concepts.ngrams._MOST_ENTRIES", 2)
    assert near.near("pulmonary cavities", 1) == full


def test_many_phrases_are_indexed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    index(whole, PHRASES)
    monkeypatch.setattr("labeling.concepts.ngrams._PHRASES_AT_ONCE", 3)
    index(parts, PHRASES)
    for name in ("gram_last", "gram_phrase", "gram_norm"):
        assert (whole / name).read_bytes() == (parts / name).read_bytes()
    assert not list(parts.glob("gram_part*"))


def test_the_shapes_of_a_phrase_do_not_run_into_the_next() -> None:
    of, gram = grams(["ab", "ab"])
    assert np.array_equal(gram[of == 0], gram[of == 1]) and len(gram) == 4
