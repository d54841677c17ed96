import math
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from curation.records import Case
from curation.store import digest
from labeling.routing.select import select
from tests.labeling.routing_rows import asked


def naive(cases: list[Case], budget: int, seed: int) -> list[str]:
    """The rule as it is written: look at all that are left, each time."""
    left, chosen = list(cases), list[str]()
    patients: Counter[str] = Counter()
    questions: Counter[tuple[str, ...]] = Counter()
    while left and len(chosen) < budget:
        best = min(
            left,
            key=lambda row: (
                -row.priority / (1 + patients[row.patient_id]) / math.sqrt(1 + questions[row.findings]),
                digest(seed, row.case_id),
            ),
        )
        left.remove(best)
        chosen.append(best.case_id)
        patients[best.patient_id] += 1
        questions[best.findings] += 1
    return chosen


ROWS = some.lists(
    some.tuples(some.integers(0, 20).map(lambda n: n / 20), some.sampled_from("pqr"), some.sampled_from("fgh")),
    max_size=14,
)


@given(ROWS, some.integers(0, 16), some.integers(0, 3))
def test_lazy_greedy_takes_what_greedy_takes(rows: list[tuple[float, str, str]], budget: int, seed: int) -> None:
    cases = [asked(f"c{n}", *row) for n, row in enumerate(rows)]
    assert [row.case_id for row in select(cases, budget, (), seed)] == naive(cases, budget, seed)


def test_two_hundred_cases_are_not_one_question() -> None:
    effusions = [asked(f"e{n}", 0.9 - n / 1000, finding="effusion") for n in range(50)]
    others = [asked("n", 0.5, finding="nodule"), asked("f", 0.4, finding="fracture")]
    found = {row.findings[0] for row in select(effusions + others, 8, (), 0)}
    assert found == {"effusion", "nodule", "fracture"}


def test_one_patient_does_not_fill_the_week() -> None:
    cases = [asked(f"c{n}", 0.9, "one", f"f{n}") for n in range(5)] + [asked("d", 0.5, "two", "g")]
    assert [row.patient_id for row in select(cases, 2, (), 0)] == ["one", "two"]


def test_what_was_read_before_is_left_out() -> None:
    assert [row.case_id for row in select([asked("a", 0.9), asked("b", 0.5)], 5, {"a"}, 0)] == ["b"]


def test_order_of_the_cases_does_not_matter_and_the_seed_decides_between_equals() -> None:
    cases = [asked(f"c{n}", 0.5, finding=f"f{n}") for n in range(30)]
    once = select(cases, 10, (), 1)
    cases = cases[::-1]
    assert select(cases, 10, (), 1) == once
    assert select(cases, 10, (), 2) != once


@pytest.mark.parametrize("budget", [0, -1])
def test_no_budget_no_cases(budget: int) -> None:
    assert select([asked("a", 0.9)], budget, (), 0) == []


@pytest.mark.parametrize("findings", [1, 500])
def test_twenty_thousand_cases_take_a_moment(findings: int) -> None:
    cases = [asked(f"c{n}", (n * 7919 % 1000) / 1000, f"p{n % 9000}", f"f{n % findings}") for n in range(20_000)]
    started = time.process_time()
    assert len(select(cases, 200, (), 0)) == 200
    assert time.process_time() - started < 2
