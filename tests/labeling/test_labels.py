import pytest

from curation.records import Assertion
from labeling.labels import CHEXPERT_14, NO_FINDING, chexpert
from labeling.lexicon import read_rules

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN


@pytest.mark.parametrize(
    ("assertions", "state", "deciding"),
    [
        ([A], 0, (0,)),
        ([A, U], -1, (1,)),
        ([U, A, P], 1, (2,)),
        ([P, U, P], 1, (0, 2)),
        ([], None, ()),
    ],
)
def test_present_beats_uncertain_beats_absent(
    assertions: list[Assertion], state: int | None, deciding: tuple[int, ...]
) -> None:
    labels = chexpert([("edema", assertion) for assertion in assertions], True)
    assert labels["Edema"] == (state, deciding)


def test_every_label_is_there_in_order() -> None:
    assert tuple(chexpert([], True)) == CHEXPERT_14


@pytest.mark.parametrize(
    ("mentions", "examined", "state"),
    [
        ([], True, 1),
        ([("edema", A)], True, 1),
        ([("catheter", P)], True, 1),
        ([("edema", U)], True, None),
        ([("edema", P)], True, None),
        ([], False, None),
    ],
)
def test_no_finding(mentions: list[tuple[str, Assertion]], examined: bool, state: int | None) -> None:
    assert chexpert(mentions, examined)[NO_FINDING][0] == state


def test_heart_failure_makes_cardiomegaly_uncertain_and_never_absent() -> None:
    assert chexpert([("heart_failure", P)], True)["Cardiomegaly"][0] == -1
    assert chexpert([("heart_failure", A)], True)["Cardiomegaly"][0] is None


def test_the_table_names_known_labels_and_findings() -> None:
    known = {rule["name"] for rule in read_rules("findings")} | {rule["finding"] for rule in read_rules("readings")}
    assert {rule["label"] for rule in read_rules("labels")} == set(CHEXPERT_14[1:])
    assert {rule["finding"] for rule in read_rules("labels")} <= known
