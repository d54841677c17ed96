import pytest

from curation.records import OTHER, PATIENT, Assertion, Temporality
from labeling.mining.context import UNSAID, context_of
from labeling.mining.lexicon import expand, read_rules
from labeling.mining.reader import mine_text

EXAMPLES = [
    (rule, example.strip()) for rule in read_rules("context") for example in rule["examples"].split("|") if example
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{rule['rule_id']}:{text}" for rule, text in EXAMPLES])
def test_examples_of_the_rules(rule: dict[str, str], example: str) -> None:
    mention = mine_text(example.lstrip("-!")).mentions[-1]
    assert mention.is_current is not example.startswith("!")
    if rule["name"] in ("earlier", "none"):
        return
    assert mention.temporality_rule_id == rule["rule_id"]
    assert (mention.assertion is Assertion.ABSENT) is example.startswith("-")
    expected = (Temporality.UNSAID, OTHER) if rule["name"] == "other" else (Temporality(rule["name"]), PATIENT)
    assert (mention.temporality, mention.experiencer) == expected


def test_rules_are_written_once_and_no_phrase_is_empty() -> None:
    rules = read_rules("context")
    assert len({rule["rule_id"] for rule in rules}) == len(rules)
    assert all(all(expand(rule["phrases"])) for rule in rules)


def said(text: str) -> list[tuple[str, str, str]]:
    return [(m.finding, m.assertion.value, m.temporality.value) for m in mine_text(text).mentions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No new effusion.", [("pleural_effusion", "absent", "")]),
        (
            "Unchanged cardiomegaly, no effusion.",
            [("cardiomegaly", "present", "stable"), ("pleural_effusion", "absent", "")],
        ),
        ("The effusion has almost completely resolved.", [("pleural_effusion", "present", "improved")]),
        ("The effusion has not resolved.", [("pleural_effusion", "present", "stable")]),
        ("The previously seen effusion has resolved.", [("pleural_effusion", "absent", "resolved")]),
        ("The previously seen effusion is not visible.", [("pleural_effusion", "absent", "resolved")]),
        ("The previously seen effusion is larger.", [("pleural_effusion", "present", "worse")]),
        ("The opacity was not present on the prior film.", [("lung_opacity", "present", "new")]),
        ("The heart remains enlarged.", [("cardiomegaly", "present", "stable")]),
        ("Interstitial markings are increased.", [("interstitial_markings", "present", "")]),
        ("Old healed fractures.", [("fracture", "present", "")]),
        ("Findings of prior granulomatous disease.", [("granulomatous_disease", "present", "")]),
        (
            "Effusion is smaller and edema is worse.",
            [("pleural_effusion", "present", "improved"), ("edema", "present", "worse")],
        ),
        (
            "History of pneumonia, now with new effusion.",
            [("pneumonia", "present", "historical"), ("pleural_effusion", "present", "new")],
        ),
        (
            "Opacities consistent with the patient's history of fibrosis.",
            [("lung_opacity", "present", ""), ("fibrosis", "present", "")],
        ),
        ("Cannot rule out pneumonia.", [("pneumonia", "uncertain", "")]),
        ("Follow-up to document resolution of the pneumonia.", [("pneumonia", "present", "")]),
        ("The effusion is again seen and is unchanged.", [("pleural_effusion", "present", "stable")]),
        ("Effusion, unchanged.", [("pleural_effusion", "present", "stable")]),
        ("The effusion has worsened and is unchanged since.", [("pleural_effusion", "present", "worse")]),
        ("Left effusion smaller.", [("pleural_effusion", "present", "improved")]),
    ],
)
def test_what_a_sentence_says_of_time(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "There is a history of pneumonia.",
        "CT to exclude pneumonia.",
        "Rule out pneumonia.",
        "Family history of pneumonia.",
        "Repeat if there is concern for pneumonia.",
    ],
)
def test_what_is_not_of_this_examination_makes_no_label(text: str) -> None:
    mined = mine_text(text)
    assert [m.is_current for m in mined.mentions] == [False]
    assert mined.labels["Pneumonia"] == (None, ())


def test_nothing_said_is_the_constant() -> None:
    assert context_of(0, 1, [], Assertion.PRESENT) is UNSAID
