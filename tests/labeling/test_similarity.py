"""How alike two reports are: by hand, and by the laws."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from curation.errors import UsageError
from curation.records import Assertion
from labeling.mining.lexicon import read_rules
from labeling.similar.formula import Parameters
from labeling.similar.knowledge import chest_knowledge
from labeling.similar.published import PublishedMeasure
from labeling.similar.soft import SoftMeasure
from labeling.similar.statements import Said, Statement, statements
from labeling.similarity import chest_measure, published_measure, read, similarity
from tests.labeling.likes import MEASURE, WORLD, A, P, U, denied_reports, reports_of, statement_of

PLAIN = SoftMeasure(WORLD, Parameters(by_type={}, absent=0.5, uncertain=0.5, kin=0.5, side_share=0.2, place_share=0.2))


def said(*rows: Statement) -> Said:
    return frozenset(rows)


# --- by hand ---------------------------------------------------------------------------------------------

EFFUSION, NO_EFFUSION = Statement("effusion", P), Statement("effusion", A)


@pytest.mark.parametrize(
    ("query", "reference", "expected"),
    [
        pytest.param([EFFUSION], [EFFUSION], 1.0, id="the same"),
        pytest.param([EFFUSION], [Statement("fracture", P)], 0.0, id="nothing in common"),
        pytest.param([], [], 1.0, id="both say nothing"),
        pytest.param([EFFUSION], [], 0.0, id="one says nothing"),
        pytest.param([EFFUSION], [EFFUSION, Statement("fracture", P)], 1 / 1.5, id="one says more"),
        pytest.param([EFFUSION], [NO_EFFUSION], 0.0, id="contradicted"),
        pytest.param([EFFUSION], [Statement("effusion", P, "left")], 0.9, id="side unsaid"),
        pytest.param(
            [Statement("effusion", P, "left")], [Statement("effusion", P, "bilateral")], 0.9, id="one of both sides"
        ),
        pytest.param([Statement("effusion", P, "left")], [Statement("effusion", P, "right")], 0.0, id="left and right"),
        pytest.param(
            [Statement("effusion", A, "left")], [Statement("effusion", A, "right")], 0.8, id="absent left and right"
        ),
        pytest.param([EFFUSION], [Statement("effusion", U)], 0.7 * 0.75 / (0.7 * 0.75 + 0.3 * 0.75), id="hedged"),
        pytest.param([Statement("tube", P)], [Statement("tube", P, "", ("lung",))], 0.9, id="place known of one only"),
        pytest.param(
            [Statement("opacity", P, "", ("apex",))],
            [Statement("opacity", P)],
            1 - 0.2 * (1 - 2 / 4),
            id="a part of its home",
        ),
        pytest.param(
            [EFFUSION, Statement("fracture", P)],
            [NO_EFFUSION, Statement("fracture", P)],
            1 / (1 + 0.75 + 0.75),
            id="half contradicted",
        ),
    ],
)
def test_by_hand(query: list[Statement], reference: list[Statement], expected: float) -> None:
    assert PLAIN.similarity(said(*query), said(*reference)) == pytest.approx(expected)


def test_kinds_of_the_same_are_alike_by_lin() -> None:
    lin = WORLD.concepts.lin("pneumonia", "consolidation")
    assert lin > 0.5
    expected = 0.5 * lin
    assert PLAIN.similarity(said(Statement("pneumonia", P)), said(Statement("consolidation", P))) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("one", "other", "strength"),
    [
        pytest.param(Statement("pneumonia", P), Statement("opacity", A), 1.0, id="the whole kind is absent"),
        pytest.param(Statement("opacity", P), Statement("pneumonia", A), 0.0, id="one kind is absent"),
        pytest.param(Statement("opacity", U), Statement("opacity", A), 0.5, id="hedged"),
        pytest.param(
            Statement("effusion", P, "left"), Statement("effusion", A, "right"), 0.0, id="absent on the other side"
        ),
        pytest.param(Statement("effusion", P), Statement("effusion", A, "right"), 0.0, id="absent on one side"),
        pytest.param(
            Statement("effusion", P, "bilateral"), Statement("effusion", A, "right"), 1.0, id="absent on one of both"
        ),
        pytest.param(Statement("effusion", P, "left"), Statement("effusion", A, "bilateral"), 1.0, id="absent on both"),
        pytest.param(
            Statement("opacity", P, "", ("apex",)), Statement("opacity", A, "", ("upper_lobe",)), 1.0, id="in a part"
        ),
        pytest.param(
            Statement("opacity", P), Statement("opacity", A, "", ("upper_lobe",)), 0.0, id="perhaps elsewhere"
        ),
        pytest.param(Statement("high_volume", P), Statement("low_volume", P), 1.0, id="opposites"),
        pytest.param(Statement("high_volume", U), Statement("low_volume", P), 0.5, id="hedged opposites"),
        pytest.param(
            Statement("high_volume", P, "left"), Statement("low_volume", P, "right"), 0.0, id="opposites on two sides"
        ),
        pytest.param(Statement("effusion", P, "left"), Statement("effusion", P, "right"), 0.5, id="left and right"),
        pytest.param(Statement("effusion", A), Statement("effusion", A), 0.0, id="both absent"),
    ],
)
def test_what_strikes_against_what(one: Statement, other: Statement, strength: float) -> None:
    assert PLAIN.conflict(one, other) == PLAIN.conflict(other, one) == strength


def test_a_report_that_says_both_contradicts_no_one_who_says_one() -> None:
    both = said(EFFUSION, NO_EFFUSION)
    assert MEASURE.similarity(both, both) == 1.0
    assert MEASURE.similarity(said(EFFUSION), both) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 1.5},
        {"absent": 0.0},
        {"beta": -1.0},
        {"by_type": {"T047": 0.0}},
        {"side_share": 0.6, "place_share": 0.6},
    ],
)
def test_parameters_that_would_break_the_laws_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Parameters(**wrong)


# --- laws ------------------------------------------------------------------------------------------------


def opposes(one: Statement, others: Said) -> bool:
    return any(MEASURE.conflict(one, other) > 0 for other in others)


@given(reports_of())
def test_identity(report: Said) -> None:
    assert MEASURE.similarity(report, report) == 1.0


@given(reports_of(), reports_of())
def test_symmetry_and_bounds(query: Said, reference: Said) -> None:
    value = MEASURE.similarity(query, reference)
    assert 0 <= value <= 1
    assert value == pytest.approx(MEASURE.similarity(reference, query), abs=1e-9)


@given(reports_of(), reports_of(), statement_of())
def test_a_shared_statement_that_contradicts_nothing_never_lowers(
    query: Said, reference: Said, shared: Statement
) -> None:
    assume(not opposes(shared, query | reference))
    before = MEASURE.similarity(query, reference)
    assert MEASURE.similarity(query | {shared}, reference | {shared}) >= before - 1e-9


@given(denied_reports(), reports_of())
def test_a_contradiction_never_raises(denied: tuple[Said, Statement], reference: Said) -> None:
    query, denial = denied
    before = MEASURE.similarity(query, reference)
    assert MEASURE.similarity(query, reference | {denial}) <= before + 1e-9
    assert MEASURE.similarity(reference | {denial}, query) <= before + 1e-9


@given(denied_reports())
def test_a_contradiction_of_a_report_by_itself_costs(denied: tuple[Said, Statement]) -> None:
    query, denial = denied
    assert MEASURE.similarity(query, query | {denial}) < 1.0


# --- the preset ------------------------------------------------------------------------------------------

TYPES = {"d": "T047", "p": "T046", "f": "T033", "tube": "T074", "d2": "T047"}


def concepts(*there: str, absent: tuple[str, ...] = ()) -> Said:
    return frozenset([*(Statement(name, P) for name in there), *(Statement(name, A) for name in absent)])


@pytest.mark.parametrize(
    ("query", "reference", "expected"),
    [
        pytest.param(concepts("d", "p"), concepts("d", "p"), 1.0, id="the same"),
        pytest.param(concepts("d"), concepts("d", "p", "f"), 3 / (3 + 1.5), id="the reference says more"),
        pytest.param(concepts("d", "p"), concepts("d", "f"), 3 / (3 + 0.5 * 1 + 0.5 * 2), id="each says more"),
        pytest.param(concepts("d"), concepts("d", "d2"), 1.0, id="a synonym is not held against it"),
        pytest.param(concepts("d"), concepts("d2"), 0.0, id="and adds nothing"),
        pytest.param(concepts("d", "p", absent=("p",)), concepts("d", "p"), 5 / 7, id="the query contradicts itself"),
        pytest.param(concepts("d"), concepts(absent=("d",)), 0.0, id="absent there"),
        pytest.param(concepts("tube"), concepts("tube"), 0.0, id="devices weigh nothing"),
    ],
)
def test_the_published_measure(query: Said, reference: Said, expected: float) -> None:
    measure = PublishedMeasure(TYPES, {"d": frozenset({"d2"})})
    assert measure.similarity(query, reference) == pytest.approx(expected)


@given(reports_of(), reports_of())
def test_the_published_measure_is_bounded(query: Said, reference: Said) -> None:
    assert 0 <= PublishedMeasure(WORLD.types).similarity(query, reference) <= 1


# --- what a report says ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mentioned:
    """As much of a mention as a statement needs."""

    finding: str
    assertion: Assertion = P
    laterality: str = ""
    location: tuple[str, ...] = ()
    is_current: bool = True


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        pytest.param(
            [Mentioned("effusion", P, "left"), Mentioned("effusion", P, "right")],
            [("effusion", P, "bilateral", ())],
            id="both sides",
        ),
        pytest.param(
            [Mentioned("effusion"), Mentioned("effusion", P, "left")],
            [("effusion", P, "left", ())],
            id="said more fully",
        ),
        pytest.param(
            [Mentioned("opacity", P, "", ("lower_lobe", "apex"))],
            [("opacity", P, "", ("apex", "lower_lobe"))],
            id="places",
        ),
        pytest.param(
            [Mentioned("effusion", A, "", ("pleura", "lung"))], [("effusion", A, "", ())], id="absent everywhere"
        ),
        pytest.param(
            [Mentioned("opacity", A, "", ("apex", "rib"))], [("opacity", A, "", ("apex",))], id="absent in a part"
        ),
        pytest.param([Mentioned("effusion", is_current=False)], [], id="of another time"),
    ],
)
def test_statements(mentions: list[Mentioned], expected: list[Statement]) -> None:
    assert statements(mentions, WORLD) == frozenset(expected)


# --- the chest -------------------------------------------------------------------------------------------


def test_the_chest_measure_ranks_as_a_reader_would() -> None:
    query = read("Small left pleural effusion. No pneumothorax. Heart size is normal.")
    same = read("There is a small pleural effusion on the left. The heart is normal in size. No pneumothorax.")
    right = read("Small right pleural effusion.")
    clear = read("No pleural effusion. No pneumothorax.")
    values = [similarity(query, other) for other in (same, clear, right)]
    assert values[0] > 0.9
    assert max(values[1:]) < 0.3


def test_fractures_and_devices_count_here_and_not_in_the_preset() -> None:
    one, other = read("Rib fracture. Endotracheal tube in place."), read("Large pleural effusion.")
    assert chest_measure().similarity(one, one) == 1.0
    assert published_measure().similarity(one, one) == 0.0
    assert similarity(one, other) == 0.0


def test_every_home_and_place_of_the_chest_has_its_part_of() -> None:
    known = chest_knowledge()
    named = {row["name"] for row in read_rules("locations")} - {"anterior", "posterior"}  # directions are no places
    assert {place for place in named | set(known.homes.values()) if place not in known.places} == set()
    assert known.places.is_a("lung_base", "lung")


@given(st.sampled_from(sorted(chest_knowledge().concepts.names)))
def test_each_concept_of_the_chest_is_itself(name: str) -> None:
    assert chest_measure().similarity(said(Statement(name, P)), said(Statement(name, P))) == 1.0
