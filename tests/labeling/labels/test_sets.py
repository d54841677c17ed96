import pytest

from curation.errors import IntegrityError, UsageError
from curation.records import Assertion
from labeling.labels import CHEXPERT_14, LabelSet, chexpert, label_set, label_sets, sets, states
from labeling.labels.sets import giving
from labeling.mining.lexicon import read_rules

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
PARTS = ("chexpert", "nih", "vindr_local", "vindr_global", "padchest")
COUNTS = {"chexpert": 14, "nih": 15, "vindr": 28, "vindr_local": 22, "vindr_global": 6, "padchest": 193}


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


def test_every_label_is_there_in_the_published_order() -> None:
    assert tuple(chexpert([], True)) == CHEXPERT_14
    assert CHEXPERT_14[:2] == ("No Finding", "Enlarged Cardiomediastinum")
    assert {one.name: len(one.labels) for one in label_sets()} == COUNTS
    assert label_set("vindr").labels[21:23] == ("Other lesion", "COPD")


@pytest.mark.parametrize(
    ("mentions", "examined", "state"),
    [
        ([], True, 1),
        ([("edema", A)], True, 1),
        ([("catheter", P)], True, 1),
        ([("edema", U)], True, None),
        ([("edema", P)], True, None),
        ([("a word of no set", P)], True, 1),
        ([], False, None),
    ],
)
def test_no_finding(mentions: list[tuple[str, Assertion]], examined: bool, state: int | None) -> None:
    assert chexpert(mentions, examined)["No Finding"][0] == state


def test_heart_failure_makes_cardiomegaly_uncertain_and_never_absent() -> None:
    assert chexpert([("heart_failure", P)], True)["Cardiomegaly"][0] == -1
    assert chexpert([("heart_failure", A)], True)["Cardiomegaly"][0] is None


def test_a_kind_of_effusion_that_is_absent_leaves_effusion_unsaid() -> None:
    assert states(label_set("nih"), [("hemothorax", A)], True)["Effusion"] == (None, ())
    assert states(label_set("nih"), [("hemothorax", P)], True)["Effusion"] == (1, (0,))


@pytest.mark.parametrize(
    ("mentions", "wanted"),
    [
        ([("rib_fracture", P)], {"rib fracture": 1, "fracture": 1, "callus rib fracture": None}),
        ([("rib_fracture", U), ("fracture", A)], {"rib fracture": -1, "fracture": -1}),
        ([("rib_fracture", A)], {"rib fracture": 0, "fracture": None}),
        ([("fracture", A)], {"rib fracture": None, "fracture": 0}),
        ([("consolidation", P)], {"consolidation": 1, "alveolar pattern": 1, "infiltrates": 1}),
        (
            [("hydropneumothorax", P)],
            {"hydropneumothorax": 1, "pneumothorax": 1, "pleural effusion": 1, "normal": None},
        ),
    ],
)
def test_in_a_tree_what_is_present_below_is_present_above(
    mentions: list[tuple[str, Assertion]], wanted: dict[str, int | None]
) -> None:
    decided = states(label_set("padchest"), mentions, True)
    assert {label: decided[label][0] for label in wanted} == wanted


def test_one_mention_counts_once_for_a_label_that_stands_above_it_by_two_ways() -> None:
    decided = states(label_set("padchest"), [("air_bronchogram", P)], True)
    assert decided["alveolar pattern"] == (1, (0,))


def test_global_labels_do_not_say_no_finding_when_there_is_a_local_one() -> None:
    decided = states(label_set("vindr_global"), [("rib_fracture", P)], True)
    assert decided["No finding"] == (None, ())
    assert tuple(decided) == label_set("vindr_global").labels
    assert states(label_set("vindr_global"), [("rib_fracture", A)], True)["No finding"] == (1, ())


def test_a_set_without_such_a_label_says_nothing_of_no_finding() -> None:
    assert set(states(label_set("vindr_local"), [], True).values()) == {(None, ())}


def test_an_unknown_set_is_refused_with_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'padchest'"):
        label_set("padchset")


def test_a_rule_that_gives_a_label_without_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"rule_id": "r", "finding": "edema", "label": "Oedema", "most": "present"}
    table = {"labels/names": ({"part": "p", "label": "Edema", "parents": ""},), "labels/p": (rule,)}
    table["labels/sets"] = ({"name": "s", "shows": "p", "reads": "p", "no_finding": "", "spared": "", "source": ""},)
    monkeypatch.setattr(sets, "read_rules", table.__getitem__)
    label_set.cache_clear()
    with pytest.raises(IntegrityError, match="rule r"):
        label_set("s")
    label_set.cache_clear()


@pytest.mark.parametrize("part", PARTS)
def test_a_table_names_known_labels_and_findings_once(part: str) -> None:
    known = {rule["name"] for rule in read_rules("findings")} | {rule["finding"] for rule in read_rules("readings")}
    labels = [rule["label"] for rule in read_rules("labels/names") if rule["part"] == part]
    rules = read_rules(f"labels/{part}")
    assert {rule["finding"] for rule in rules} <= known
    assert {rule["label"] for rule in rules} <= set(labels)
    assert len(labels) == len(set(labels))
    assert len({rule["rule_id"] for rule in rules}) == len(rules)
    assert len({(rule["finding"], rule["label"]) for rule in rules}) == len(rules)


@pytest.mark.parametrize("part", ["chexpert", "nih", "vindr_local", "vindr_global"])
def test_every_label_of_a_flat_set_has_a_finding(part: str) -> None:
    labels = {rule["label"] for rule in read_rules("labels/names") if rule["part"] == part}
    assert labels - {rule["label"] for rule in read_rules(f"labels/{part}")} <= {"No Finding", "No finding"}


@pytest.mark.parametrize("asked", label_sets(), ids=lambda asked: asked.name)
def test_special_labels_and_parents_are_labels_of_the_set(asked: LabelSet) -> None:
    labels = set(asked.labels)
    assert {asked.no_finding} - {""} | asked.spared | set(asked.parents) <= labels
    assert {parent for parents in asked.parents.values() for parent in parents} <= labels
    assert asked.source


def test_no_label_stands_above_itself() -> None:
    parents = label_set("padchest").parents

    def ways(label: str) -> list[list[str]]:
        return [[label, *way] for parent in parents.get(label, ()) for way in ways(parent)] or [[label]]

    every = [way for label in parents for way in ways(label)]  # a circle would not end
    assert ["air bronchogram", "consolidation", "alveolar pattern", "infiltrates"] in every
    assert all(len(way) == len(set(way)) for way in every)


def test_the_findings_that_give_a_label() -> None:
    given = giving(label_set("padchest"))
    assert set(given["rib fracture"]) == {"rib_fracture"}
    assert {"rib_fracture", "clavicle_fracture", "fracture"} <= set(given["fracture"])
    assert given["normal"] == ()
