import pytest

from curation.errors import IntegrityError
from labeling.mining.lexicon import Lexicon, Term, chest_lexicon, expand, plural, read_rules, tokens
from labeling.mining.reader import mine_text

ASSERTIONS = {"-": "absent", "?": "uncertain"}
EXAMPLES = [
    (table, rule, example.strip())
    for table in ("findings", "readings", "triggers")
    for rule in read_rules(table)
    for example in rule["examples"].split("|")
    if example.strip()
]


@pytest.mark.parametrize(
    ("table", "rule", "example"), EXAMPLES, ids=[f"{rule['rule_id']}:{text}" for _, rule, text in EXAMPLES]
)
def test_examples_of_the_rules(table: str, rule: dict[str, str], example: str) -> None:
    text = example.lstrip("-?!")
    mentions = mine_text(text).mentions
    if example.startswith("!"):
        assert mentions == ()
        return
    if table == "triggers":
        said = [m for m in mentions if m.assertion_rule_id == rule["rule_id"] or rule["name"] in ("pseudo", "stop")]
    else:
        said = [m for m in mentions if m.rule_id == rule["rule_id"]]
    assert said
    assert said[-1].assertion == ASSERTIONS.get(example[0], "present")


@pytest.mark.parametrize(
    "table",
    ["headers", "findings", "subjects", "states", "readings", "locations", "modifiers", "triggers", "context"],
)
def test_every_rule_is_written_once(table: str) -> None:
    first = [next(iter(rule.values())) for rule in read_rules(table)]
    assert len(first) == len(set(first)) > 0


def test_readings_speak_of_known_subjects_and_states() -> None:
    subjects = {rule["name"] for table in ("subjects", "findings") for rule in read_rules(table)}
    states = {rule["name"] for rule in read_rules("states")}
    readings = [
        (subject, state, rule["finding"])
        for rule in read_rules("readings")
        for subject in rule["subject"].split()
        for state in rule["state"].split()
    ]
    assert {subject for subject, _, _ in readings} <= subjects
    assert {state for _, state, _ in readings} == states
    assert len(readings) == len(set(readings))


def test_what_readings_mean_has_phrases_of_its_own() -> None:
    named = {rule["name"] for rule in read_rules("findings")}
    assert {rule["finding"] for rule in read_rules("readings")} <= named


@pytest.mark.parametrize("table", ["findings", "readings"])
def test_every_rule_has_an_example(table: str) -> None:
    assert [rule["rule_id"] for rule in read_rules(table) if not rule["examples"].strip()] == []


def test_one_finding_is_named_by_one_rule() -> None:
    names = [rule["name"] for rule in read_rules("findings")]
    assert len(names) == len(set(names))


def test_labels_are_given_to_findings_that_the_lexicon_names() -> None:
    named = {rule["name"] for rule in read_rules("findings")}
    assert {rule["finding"] for rule in read_rules("labels/chexpert")} <= named


def test_no_rule_has_an_empty_phrase() -> None:
    for table in ("findings", "subjects", "states", "locations", "modifiers", "triggers", "headers"):
        for rule in read_rules(table):
            assert all(expand(rule["phrases"])), rule


def test_longest_match_wins_and_layers_overlap() -> None:
    lexicon = Lexicon(
        [
            ("effusion", Term("f.1", "finding", "effusion")),
            ("pericardial effusion", Term("f.2", "finding", "pericardial")),
            ("pericardial", Term("l.1", "location", "pericardium")),
        ]
    )
    found = lexicon.matches(tokens("A Pericardial-\n effusion"))
    assert [(m.start, m.end, m.term.rule_id) for m in found.content] == [(1, 3, "f.2")]
    assert [(m.start, m.end, m.term.rule_id) for m in found.modifier] == [(1, 2, "l.1")]


def test_matches_end_at_tokens_and_not_across_a_comma() -> None:
    lexicon = Lexicon([("mass effect", Term("f.1", "finding", "mass"))])
    assert not lexicon.matches(tokens("mass, effect")).content
    assert not lexicon.matches(tokens("mass effects")).content


def test_one_phrase_for_two_rules_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"a\.1 and a\.2 share a phrase"):
        Lexicon([("edema", Term("a.1", "finding", "edema")), ("Edema", Term("a.2", "finding", "oedema"))])


def test_the_shipped_lexicon_builds() -> None:
    assert chest_lexicon() is chest_lexicon()


@pytest.mark.parametrize(
    ("cell", "phrases"),
    [
        ("a | b", ["a", "b"]),
        ("{a,b} c", ["a c", "b c"]),
        ("[a,b] c", ["a c", "b c", "c"]),
        ("{a,b} [c]", ["a c", "a", "b c", "b"]),
    ],
)
def test_expand(cell: str, phrases: list[str]) -> None:
    assert expand(cell) == phrases


@pytest.mark.parametrize(
    ("one", "many"),
    [("effusion", "effusions"), ("opacity", "opacities"), ("mass", "masses"), ("pneumothorax", "pneumothoraces")],
)
def test_plural(one: str, many: str) -> None:
    assert plural(one) == many
