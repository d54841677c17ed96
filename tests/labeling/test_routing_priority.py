import pytest

from curation.records import Task
from labeling.mining.lexicon import read_rules
from labeling.routing import opinions, signals
from labeling.routing.priority import Prevalence, case_id_of, make_case, merge, reason, route_rules
from labeling.routing.signals import CONFLICT, HEDGED, Signal

NOBODY = Prevalence(0, {})


def test_every_rule_is_written_once_and_weighs_at_most_one() -> None:
    assert len(route_rules()) == len(read_rules("routing"))
    named = {value for module in (signals, opinions) for value in vars(module).values() if str(value)[:6] == "route."}
    assert set(route_rules()) == named
    assert all(0 < rule.weight <= 1 for rule in route_rules().values())
    assert {rule.task for rule in route_rules().values()} <= {"", *Task}


def test_rules_of_one_case_add_up() -> None:
    row = make_case(Task.LABEL_REVIEW, ("r1", "p1"), [Signal(HEDGED, 0.5), Signal(CONFLICT, 0.5)], NOBODY, 0.3)
    weights = [route_rules()[rule_id].weight for rule_id in (CONFLICT, HEDGED)]
    assert row.uncertainty == row.priority == round(1 - (1 - weights[0] / 2) * (1 - weights[1] / 2), 4)
    assert row.rule_ids == (CONFLICT, HEDGED)
    assert len(row.reasons) == 2
    assert (row.case_id, row.subject_id, row.patient_id) == (case_id_of(Task.LABEL_REVIEW, "r1"), "r1", "p1")


def test_a_rule_that_fires_twice_fires_once_with_all_findings() -> None:
    fired = [Signal(HEDGED, 0.2, ("edema",)), Signal(HEDGED, 0.6, ("fracture",)), Signal(HEDGED, 0.4, ("edema",))]
    assert merge(fired) == [Signal(HEDGED, 0.6, ("edema", "fracture"))]


@pytest.mark.parametrize(
    ("n", "count", "rarity"), [(1000, 1000, 0.0), (1000, 0, 1.0), (9999, 9, 1.0), (1000, 31, 0.5), (4, 4, 0.0153)]
)
def test_how_rare_a_finding_is(n: int, count: int, rarity: float) -> None:
    assert Prevalence(n, {"edema": count}).rarity("edema") == pytest.approx(rarity, abs=0.005)


def test_what_nobody_counts_is_not_known_to_be_rare() -> None:
    assert NOBODY.rarity("edema") == 0.0


@pytest.mark.parametrize(("weight", "lift"), [(0.0, 0.0), (0.3, 0.3), (1.0, 1.0)])
def test_the_rarest_finding_lifts_a_case(weight: float, lift: float) -> None:
    prevalence = Prevalence(5000, {"edema": 5000, "fracture": 0})
    row = make_case(Task.LABEL_REVIEW, ("r", "p"), [Signal(HEDGED, 1.0, ("edema", "fracture"))], prevalence, weight)
    assert row.rarity == 1.0
    assert row.priority == pytest.approx(row.uncertainty + lift * (1 - row.uncertainty))


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (("Pleural Effusion",), "pleural effusion"),
        (("edema", "lung_nodule"), "edema and lung nodule"),
        (("a", "b", "c"), "a, b and c"),
        (("a", "b", "c", "d", "e"), "a, b, c and 2 more"),
    ],
)
def test_a_reason_names_its_findings(findings: tuple[str, ...], words: str) -> None:
    assert reason(Signal(HEDGED, 1.0, findings)) == f"the report hedges about {words}"
