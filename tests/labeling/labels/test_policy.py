import pytest

from curation.errors import UsageError
from labeling.labels.policy import Policy, apply_policy, parse_policy

STATES = {"Edema": -1, "Fracture": 1, "Pneumonia": 0, "Atelectasis": None}


@pytest.mark.parametrize(
    ("policy", "edema"),
    [
        ("keep", -1),
        ("positive", 1),
        ("negative", 0),
        ("ignore", None),
        ({"Edema": "positive", "*": "negative"}, 1),
        ({"Fracture": "positive", "*": "negative"}, 0),
        ({"Fracture": "positive"}, -1),
    ],
)
def test_only_what_is_uncertain_changes(policy: Policy, edema: int | None) -> None:
    assert apply_policy(STATES, policy) == {**STATES, "Edema": edema}


def test_raw_states_stay_as_they_are() -> None:
    raw = dict(STATES)
    apply_policy(raw, "positive")
    assert raw == STATES
    assert apply_policy(raw, "keep") is not raw


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("positive", "positive"),
        (" keep ", "keep"),
        ("Edema=positive, *=ignore", {"Edema": "positive", "*": "ignore"}),
    ],
)
def test_policies_as_people_write_them(text: str, policy: Policy) -> None:
    assert parse_policy(text, STATES) == policy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("positiv", "did you mean 'positive'"),
        ("Edema=maybe", "expected a policy"),
        ("Edma=positive", "did you mean 'Edema'"),
        ("Edema=positive,negative", "LABEL=POLICY"),
        ("Edema=positive,Edema=ignore", "Edema has two"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_policy(text, STATES)


def test_an_unknown_policy_is_refused_where_it_is_used() -> None:
    with pytest.raises(UsageError, match="expected a policy"):
        apply_policy(STATES, "ones")
