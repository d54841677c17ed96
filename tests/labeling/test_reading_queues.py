"""The order in which a reader meets cases."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from labeling.reading.queues import Turn, queue


def draw_of(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable, not secret


@st.composite
def queues(draw: st.DrawFn) -> tuple[list[str], list[str], int, int]:
    names = [f"c{number}" for number in range(draw(st.integers(0, 50)))]
    cut = draw(st.integers(0, len(names)))
    return names[:cut], names[cut:], draw(st.integers(0, 20)), draw(st.integers(0, 1000))


@given(queues())
def test_every_case_comes_up_and_repeats_come_half_a_queue_later(
    asked: tuple[list[str], list[str], int, int],
) -> None:
    routed, strewn, n_repeats, seed = asked
    turns = queue(routed, strewn, n_repeats, draw_of(seed))
    names = {*routed, *strewn}
    firsts = [turn.case_id for turn in turns if not turn.repeat]
    again = [turn.case_id for turn in turns if turn.repeat]
    assert sorted(firsts) == sorted(names)
    assert len(again) == len({*again}) == min(n_repeats, len(names) // 4)
    for case_id in again:
        assert turns.index(Turn(case_id, 1)) - turns.index(Turn(case_id, 0)) >= len(names) // 2
    kept = [case_id for case_id in firsts if case_id in routed and case_id not in again]
    assert kept == [case_id for case_id in routed if case_id in kept]


def test_without_repeats_or_strewn_cases_the_order_is_the_given_one() -> None:
    assert queue(["b", "a"], [], 3, draw_of(0)) == [("b", 0), ("a", 0)]


def test_strewn_cases_come_up_anywhere() -> None:
    routed = [f"c{number}" for number in range(9)]
    places = {queue(routed, ["x"], 0, draw_of(seed)).index(Turn("x", 0)) for seed in range(200)}
    assert places == {*range(10)}
