"""Who reads what: loads, meetings, and calls that cannot be met."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import UsageError
from labeling.reading.designs import Design, assign

Blocks = list[tuple[int, ...]]


def spread(counts: Counter[int] | Counter[tuple[int, int]]) -> int:
    return max(counts.values(), default=0) - min(counts.values(), default=0)


def loads(blocks: Blocks, n_readers: int) -> Counter[int]:
    found = Counter(dict.fromkeys(range(n_readers), 0))
    found.update(reader for block in blocks for reader in block)
    return found


def meetings(blocks: Blocks, n_readers: int) -> Counter[tuple[int, int]]:
    found = Counter(dict.fromkeys(combinations(range(n_readers), 2), 0))
    for block in blocks:
        found.update(combinations(block, 2))
    return found


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[int], int]:
    n_readers = draw(st.integers(1, 9))
    return draw(st.lists(st.integers(1, n_readers), max_size=60)), n_readers


@given(batches(), st.sampled_from([Design.EQUAL, Design.BALANCED]))
@settings(max_examples=60, deadline=None)
def test_every_case_has_its_readers_and_shares_are_equal_within_one(
    batch: tuple[list[int], int], design: Design
) -> None:
    sizes, n_readers = batch
    blocks = assign(sizes, n_readers, design)
    assert [len({*block}) for block in blocks] == sizes
    assert all(block == tuple(sorted(block)) for block in blocks)
    assert spread(loads(blocks, n_readers)) <= 1


@given(st.integers(2, 12), st.integers(1, 200))
@settings(max_examples=40, deadline=None)
def test_with_two_readers_a_case_all_pairs_meet_equally_often_within_one(n_readers: int, n_cases: int) -> None:
    assert spread(meetings(assign([2] * n_cases, n_readers, Design.BALANCED), n_readers)) <= 1


@given(batches())
@settings(max_examples=40, deadline=None)
def test_a_balanced_design_is_no_less_even_than_an_equal_one(batch: tuple[list[int], int]) -> None:
    sizes, n_readers = batch
    squares = [
        sum(count**2 for count in meetings(assign(sizes, n_readers, design), n_readers).values())
        for design in (Design.BALANCED, Design.EQUAL)
    ]
    assert squares[0] <= squares[1]


@pytest.mark.parametrize(("n_readers", "size", "n_cases"), [(5, 3, 23), (6, 4, 50), (7, 4, 10), (8, 6, 41), (9, 5, 90)])
def test_with_more_readers_a_case_pairs_meet_equally_often_within_three(
    n_readers: int, size: int, n_cases: int
) -> None:
    assert spread(meetings(assign([size] * n_cases, n_readers, Design.BALANCED), n_readers)) <= 3


def test_the_seven_readers_of_the_fano_plane_meet_once_each() -> None:
    blocks = assign([3] * 7, 7, Design.BALANCED)
    assert {*meetings(blocks, 7).values()} == {1}
    assert {*loads(blocks, 7).values()} == {3}


def test_training_cases_of_three_and_test_cases_of_five() -> None:
    blocks = assign([3, 5] * 20, 6, Design.BALANCED)
    assert [len(block) for block in blocks] == [3, 5] * 20
    assert spread(loads(blocks, 6)) <= 1
    assert spread(meetings(blocks, 6)) <= 2


def test_the_equal_design_deals_cases_round() -> None:
    assert assign([1, 1, 1, 1], 3, Design.EQUAL) == [(0,), (1,), (2,), (0,)]
    assert assign([2, 2, 2], 3, Design.EQUAL) == [(0, 1), (0, 2), (1, 2)]


def test_everybody_reads_everything() -> None:
    assert assign([1, 1], 3, Design.ALL) == [(0, 1, 2)] * 2


def test_the_same_sizes_give_the_same_design() -> None:
    assert assign([3] * 30, 7, Design.BALANCED) == assign([3] * 30, 7, Design.BALANCED)


@pytest.mark.parametrize("size", [0, 4])
def test_more_or_fewer_readers_than_there_are(size: int) -> None:
    with pytest.raises(UsageError, match="expected 1 to 3 readers a case"):
        assign([1, size], 3, Design.BALANCED)
