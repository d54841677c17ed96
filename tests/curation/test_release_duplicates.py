"""The same image, and reports that say nearly the same, stand in one split."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.records import Assertion
from curation.release.duplicates import crossing, near_duplicates, words_of
from curation.synth.phantom import Lesion
from curation.synth.reports import Statement

FINDINGS = ("cardiomegaly", "pleural_effusion", "pneumothorax", "consolidation", "atelectasis", "edema", "device")
SPLITS = ("train", "valid", "test")


def naive_groups(texts: Mapping[str, str]) -> dict[str, str]:
    """All pairs, one after the other, until no group changes."""
    sets = {}
    for name, text in texts.items():
        words = words_of(text)
        sets[name] = {tuple(words[n : n + 4]) for n in range(max(1, len(words) - 3))} if words else set()
    groups = {name: name for name in texts}
    for one, other in combinations(sorted(texts), 2):
        a, b = sets[one], sets[other]
        if a and b and 10 * len(a & b) >= 9 * len(a | b):
            old, new = sorted((groups[one], groups[other]), reverse=True)
            groups = {name: new if group == old else group for name, group in groups.items()}
    return groups


# --- reports ---------------------------------------------------------------------------------------------


def test_case_marks_numbers_and_dates_make_no_difference() -> None:
    assert words_of("On 03/04/1999, at 12:30 a 3.5 mm  nodule; Dr. SMYTHE") == words_of(
        "on 5/6/2001 AT 7 a 12 mm nodule.\nDr Smythe"
    )
    assert words_of("Seen on Monday, 3 March 2015.") == words_of("seen on friday 28 Dec 1999")
    assert words_of("3.5mm, 2x3 cm.") == ["#", "mm", "#", "x", "#", "cm"]
    assert words_of(" ._- ") == []


TEXT = " ".join(f"word{chr(97 + n)} then" for n in range(20)) + " " + " ".join("abcdefghijklmnopqrstuvwxyz")


def test_reports_that_differ_in_one_word_are_near_if_they_are_long() -> None:
    texts = {"b": TEXT, "a": f"{TEXT} addendum", "c": TEXT[: len(TEXT) // 2]}
    assert near_duplicates(texts) == {"a": "a", "b": "a", "c": "c"}


def test_short_reports_are_near_if_they_are_the_same() -> None:
    texts = {"a": "Normal chest.", "b": "NORMAL CHEST", "c": "Normal chest today.", "d": "Normal"}
    assert near_duplicates(texts) == {"a": "a", "b": "a", "c": "c", "d": "d"}


def test_texts_without_a_word_are_nobodys_duplicates() -> None:
    assert near_duplicates({"a": "", "b": "", "c": " ... "}) == {"a": "a", "b": "b", "c": "c"}
    assert near_duplicates({}) == {}


def test_nearness_goes_on_from_one_to_the_next() -> None:
    words = [chr(97 + n % 26) + chr(97 + n // 26) for n in range(60)]
    chain = [words[step : step + 45] for step in range(6)]
    texts = {f"r{step}": " ".join(one) for step, one in enumerate(chain)}
    assert set(near_duplicates(texts).values()) == {"r0"}
    assert near_duplicates({name: texts[name] for name in ("r0", "r5")}) == {"r0": "r0", "r5": "r5"}


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=30), max_size=12))
@settings(deadline=None)
def test_the_join_finds_what_all_pairs_find_in_texts_of_few_words(rows: list[list[str]]) -> None:
    texts = {f"r{number:02d}": " ".join(words) for number, words in enumerate(rows)}
    assert near_duplicates(texts) == naive_groups(texts)


@given(st.integers(0, 2**32 - 1), st.integers(2, 120), st.integers(0, 6))
@settings(deadline=None, max_examples=60)
def test_the_join_finds_what_all_pairs_find_in_changed_copies(seed: int, length: int, changes: int) -> None:
    draw = np.random.default_rng(seed)
    texts = {}
    for original in range(4):
        words = [f"w{'abcdefgh'[draw.integers(8)]}{'abcdefgh'[draw.integers(8)]}" for _ in range(length)]
        for copy in range(4):
            changed = list(words)
            for _ in range(draw.integers(changes + 1)):
                place = draw.integers(len(changed))
                changed[place : place + 1] = ["new"] * draw.integers(3) or ["other"]
            texts[f"r{original}{copy}"] = " ".join(changed)
    assert near_duplicates(texts) == naive_groups(texts)


def test_the_join_finds_what_all_pairs_find_in_reports() -> None:
    texts = {f"r{number:03d}": report(number) for number in range(300)}
    groups = near_duplicates(texts)
    assert groups == naive_groups(texts)
    same = near_duplicates({name: text for name, text in texts.items() if not text.endswith("normal.")})
    assert len({*same.values()}) < len({text for name, text in texts.items() if name in same})


def test_the_join_finds_what_all_pairs_find_in_a_template_with_a_word_changed() -> None:
    draw = np.random.default_rng(5)
    words = [chr(97 + n % 26) + chr(97 + n // 26) for n in range(80)]
    texts = {}
    for number in range(150):
        changed = list(words)
        changed[draw.integers(80)] = "new" + "abcdefgh"[draw.integers(8)]
        texts[f"r{number:03d}"] = " ".join(changed)
    groups = near_duplicates(texts)
    assert groups == naive_groups(texts)
    assert 1 < len({*groups.values()}) < 150


def report(number: int) -> str:
    """Two of seven findings are there, in a radiologist's words; some reports have a word more."""
    chance = Random(number)  # noqa: S311 - repeatable, not secret
    there = chance.sample(FINDINGS, 2)
    said = {finding: Assertion.PRESENT if finding in there else Assertion.ABSENT for finding in FINDINGS}
    wording = Random("one way to say it")  # noqa: S311 - repeatable, not secret
    words = [
        Statement(Lesion(finding, "left", "lung_upper_lobe_left"), what).sentence(wording)
        for finding, what in said.items()
    ]
    return " ".join([*words, *chance.choice(((), ("Unchanged.",), ("Otherwise normal.",)))])


# --- what may not cross ----------------------------------------------------------------------------------


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.sampled_from("xyz"), st.sampled_from(SPLITS))))
def test_no_group_stands_in_two_splits_and_as_few_as_can_be_are_left_out(items: dict[str, tuple[str, str]]) -> None:
    twins = crossing(items)
    kept = {name: place for name, place in items.items() if name not in twins}
    splits: dict[str, set[str]] = defaultdict(set)
    for group, split in kept.values():
        splits[group].add(split)
    assert all(len(found) == 1 for found in splits.values())
    for group in {group for group, _ in items.values()}:
        counts = Counter(split for own, split in items.values() if own == group)
        assert sum(own == group for own, _ in kept.values()) == max(counts.values())
    for name, twin in twins.items():
        assert twin in kept
        assert items[twin][0] == items[name][0]


@pytest.mark.parametrize(("splits", "home"), [(("train", "test"), "test"), (("valid", "train"), "valid")])
def test_of_equals_a_group_stays_where_a_duplicate_would_flatter(splits: tuple[str, str], home: str) -> None:
    items = {f"i{number}": ("group", split) for number, split in enumerate(splits)}
    assert [items[name][1] for name in items if name not in crossing(items)] == [home]


def test_near_reports_and_splits_go_together_in_one_line() -> None:
    texts = {"r1": "No acute disease at all.", "r2": "no acute disease at all", "r3": "Effusion."}
    split_of = {"r1": "train", "r2": "test", "r3": "test"}
    groups = near_duplicates(texts)
    assert crossing({name: (groups[name], split_of[name]) for name in texts}) == {"r1": "r2"}
