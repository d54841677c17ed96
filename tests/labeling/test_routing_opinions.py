import pytest

from curation.records import Opinion
from labeling.labels.sets import State
from labeling.routing.opinions import (
    LABELERS,
    MODEL,
    MODEL_LEANS,
    MODEL_REPORT,
    ON_IMAGES,
    ON_REPORTS,
    OPINIONS,
    against_report,
    apart,
    entropy,
    of_opinions,
    settled,
)
from labeling.routing.signals import Signal
from tests.labeling.routing_rows import rounded, said, thought

MARGIN = 0.2


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(1, 1, 0.0), (0, None, 0.0), (None, 0, 0.0), (1, 0, 1.0), (-1, 1, 0.6), (0, -1, 0.6), (1, None, 0.5)],
)
def test_how_far_states_are_apart(one: State, other: State, expected: float) -> None:
    assert apart(one, other) == expected
    assert apart(other, one) == expected


def test_entropy_is_a_bit_where_nothing_is_known() -> None:
    assert [round(entropy(p), 3) for p in (0.0, 0.1, 0.5, 0.9, 1.0)] == [0.0, 0.469, 1.0, 0.469, 0.0]


@pytest.mark.parametrize(
    ("opinions", "ours", "expected"),
    [
        ([], {"Edema": 1}, []),
        ([said("Edema", 1)], {"Edema": 1}, []),
        ([said("Edema", 1)], {}, []),
        ([said("Edema", 0)], {"Edema": 1}, [Signal(LABELERS, 0.5, ("Edema",))]),
        ([said("Edema", 0), said("Edema", 1, "two")], {}, [Signal(LABELERS, 0.5, ("Edema",))]),
        ([said("Edema", 0), said("Fracture", -1)], {"Edema": 1, "Fracture": 0},
         [Signal(LABELERS, 0.65, ("Edema", "Fracture"))]),
    ],
)  # fmt: skip
def test_labelers_that_differ(opinions: list[Opinion], ours: dict[str, State], expected: list[Signal]) -> None:
    assert rounded(of_opinions(opinions, ours, ON_REPORTS, MARGIN)) == expected


def test_a_model_that_cannot_decide_contradicts_nobody() -> None:
    found = of_opinions([thought("Edema", 0.55), thought("Edema", 0.01, "two")], {}, ON_IMAGES, MARGIN)
    assert rounded(found) == [Signal(MODEL, round(entropy(0.55), 6), ("Edema",))]


def test_a_model_that_leans_may_contradict_another() -> None:
    found = of_opinions([thought("Edema", 0.8), thought("Edema", 0.01, "two")], {}, ON_IMAGES, MARGIN)
    assert rounded(found) == [
        Signal(OPINIONS, 0.5, ("Edema",)),
        Signal(MODEL_LEANS, round(entropy(0.8), 6), ("Edema",)),
    ]


def test_a_model_beyond_doubt_asks_nothing_and_settles_its_labels() -> None:
    opinions = [thought("Edema", 0.99), thought("Fracture", 0.01), thought("Pneumonia", 0.3), said("Atelectasis", 1)]
    assert [one.findings for one in of_opinions(opinions, {}, ON_IMAGES, MARGIN)] == [("Pneumonia",)]
    assert settled(opinions) == {"Edema", "Fracture"}


@pytest.mark.parametrize(
    ("opinion", "state", "asks"),
    [
        (thought("Edema", 0.9), 0, True),
        (thought("Edema", 0.1), 1, True),
        (thought("Edema", 0.9), 1, False),
        (thought("Edema", 0.9), None, False),
        (thought("Edema", 0.55), 0, False),
        (said("Edema", 1), 0, True),
        (said("Edema", -1), 0, False),
    ],
)
def test_what_an_image_asks_of_which_a_source_is_sure_and_the_report_says_otherwise(
    opinion: Opinion, state: State, asks: bool
) -> None:
    found = against_report([opinion], {"Edema": state}, MARGIN)
    assert found == ([Signal(MODEL_REPORT, 0.5, ("Edema",))] if asks else [])
