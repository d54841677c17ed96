"""Grounding: the policy tables, mentions and sentences on masks, and the stage."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from curation.records import (
    Assertion,
    Grounding,
    Mask,
    Mention,
    Reason,
    Record,
    Report,
    ReportLink,
    Says,
    SentenceGrounding,
    Series,
    Temporality,
    View,
)
from curation.stage import prepare, rejects, run_batch
from curation.store import read_rows, to_arrow, write_parquet
from curation.workspace import Workspace
from labeling.ground import STAGE
from labeling.grounding.anatomy import named_anatomy
from labeling.grounding.places import Views, place, place_sentence, spoken_sentences
from labeling.grounding.policy import NAMED, ground_rules, homes, labels_for, rules_for
from labeling.mine import rows as mined_rows
from labeling.mining.lexicon import read_rules
from labeling.mining.reader import mine_text
from tests.builders import REPOSITORY, workspace_at
from tests.rows import view

ALL = ("lung", "left lung", "right lung", "lung lower lobe left", "lung lower lobe right", "heart", "aorta")
RIB_5 = ["posterior 5th rib left", "anterior 5th rib left"]
ZONES = ("left lung base", "right lung base", "lung base", "left mid zone lung", "right mid zone lung", "mid zone lung")
ANGLES = ("costophrenic angle left", "costophrenic angle right")


def chosen(finding: str, side: str, location: tuple[str, ...], available: Sequence[str]) -> list[str]:
    boxes = dict.fromkeys(available)
    return [label for rule in rules_for(finding, location) for label in labels_for(rule, side, boxes)]


# --- policy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "side", "location", "available", "labels"),
    [
        ("pneumonia", "left", ("lower_lobe",), ALL, ["lung lower lobe left"]),
        ("pneumonia", "left", ("lower_lobe",), ("left lung", "lung"), ["left lung"]),
        ("pneumonia", "left", ("lower_lobe",), ("lung",), []),
        ("pleural_effusion", "left", (), ALL, ["lung lower lobe left"]),
        ("pleural_effusion", "left", (), (*ALL, "left lung base"), ["left lung base"]),
        ("pleural_effusion", "bilateral", (), ALL, ["lung lower lobe left", "lung lower lobe right"]),
        ("edema", "", (), ALL, ["lung"]),
        ("cardiomegaly", "left", ("lung_base",), ALL, ["heart"]),
        ("catheter", "left", (), ALL, []),
        ("catheter", "", ("right_atrium",), ALL, ["heart"]),
        ("catheter", "", ("superior_vena_cava",), ("upper mediastinum",), ["upper mediastinum"]),
        ("tube", "", ("trachea",), ("trachea", "trachea without bronchi"), ["trachea without bronchi"]),
        ("tube", "right", ("bronchus",), ("trachea", "main bronchus right"), ["main bronchus right"]),
        ("pneumoperitoneum", "right", (), ("subdiaphragmatic region right",), ["subdiaphragmatic region right"]),
        ("blunted_costophrenic_angle", "", (), (*ALL, *ANGLES), list(ANGLES)),
        ("fracture", "left", ("posterior", "rib_5"), RIB_5, RIB_5[:1]),
        ("fracture", "left", ("rib_5",), RIB_5, ["anterior 5th rib left", "posterior 5th rib left"]),
        ("fracture", "left", ("ribs",), (*RIB_5, "posterior 4th rib right", "ribs"), RIB_5),
        ("fracture", "left", ("ribs",), ("ribs",), ["ribs"]),
        ("fracture", "", (), ("bones",), ["bones"]),
        ("fracture", "", ("vertebra_T8",), ("spine",), ["spine"]),
        ("lung_nodule", "left", ("rib_5",), ("posterior 5th rib left", "left lung"), ["left lung"]),
        ("lung_opacity", "", ("heart",), ALL, ["lung"]),
        ("acute_abnormality", "", (), ALL, ["lung", "heart"]),
        ("rib_fracture", "left", (), (*RIB_5, "ribs"), RIB_5),
        ("no such finding", "left", ("lower_lobe",), ALL, []),
    ],
)
def test_labels_of_a_finding(
    finding: str, side: str, location: tuple[str, ...], available: Sequence[str], labels: list[str]
) -> None:
    assert chosen(finding, side, location, available) == labels


def known_findings() -> set[str]:
    return {rule["name"] for rule in read_rules("findings")} | {rule["finding"] for rule in read_rules("readings")}


def test_every_finding_has_a_home() -> None:
    assert set(homes()) == known_findings()


def test_a_home_has_a_default_rule_or_its_findings_say_why_not() -> None:
    with_default = {home for rule in ground_rules() for home in rule.homes if not rule.places - {"*"}}
    for row in read_rules("homes"):
        assert (row["home"] in with_default) != bool(row["why"]), row["finding"]


def test_rules_name_known_homes_places_and_labels() -> None:
    places = {rule["name"] for table in ("locations", "subjects") for rule in read_rules(table)} | {"*"}
    anatomy = (REPOSITORY / "projection" / "anatomy" / "labels.tsv").read_text(encoding="utf-8").splitlines()
    labels = {line.split("\t")[1] for line in anatomy if "\t" in line}
    for rule in ground_rules():
        assert rule.homes <= {*homes().values(), NAMED, "*"}, rule.rule_id
        assert rule.places <= places, rule.rule_id
        used = {label for group in (*rule.sided, *rule.unsided) for label in group}
        for label in {label.format(side=side) for label in used for side in ("left", "right")}:
            assert any(fnmatchcase(one, label) for one in labels), (rule.rule_id, label)


NOT_ANATOMY = {"examination", "lymph_nodes", "soft_tissues"}
"""Subjects that no mask shows."""


def test_rule_ids_are_unique_and_every_subject_can_be_placed() -> None:
    ids = [rule.rule_id for rule in ground_rules()]
    assert len(ids) == len(set(ids))
    named = [rule.places for rule in ground_rules() if rule.homes & {NAMED, "*"}]
    for subject in read_rules("subjects"):
        assert ({subject["name"]} in named) != (subject["name"] in NOT_ANATOMY), subject["name"]


# --- sentences -------------------------------------------------------------------------------------------


BODY = (*ALL, *ZONES, *ANGLES, "cardiomediastinum", "bones", "stomach", "spine", "thoracic spine")
BODY_VIEWS: Views = (("v1", {label: (number, 0, 1, 1) for number, label in enumerate(BODY)}), ("v2", {}))


def made(text: str, finding: str, words: str, assertion: Assertion = Assertion.PRESENT, **changed: Any) -> Mention:
    start = text.index(words)
    values: dict[str, Any] = {
        "mention_id": f"{finding}-{assertion.value}",
        "report_id": "r",
        "section": "findings",
        "sentence_start": 0,
        "sentence_end": len(text),
        "start": start,
        "end": start + len(words),
        "finding": finding,
        "assertion": assertion,
        "temporality": Temporality.UNSAID,
        "experiencer": "patient",
        "rule_id": "f",
        "assertion_rule_id": "a",
        "temporality_rule_id": "",
        "laterality": "",
        "severity": "",
        "location": (),
        "size_mm": None,
        "count_min": None,
        "count_max": None,
    }
    return Mention(**{**values, **changed})


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("Heart size is unchanged.", [("heart", "", "unstated")]),
        ("The stomach is normal.", [("stomach", "", "normal")]),
        ("The stomach is not normal.", [("stomach", "", "unstated")]),
        ("The left lung shows no acute abnormality.", [("lung", "left", "normal")]),
        ("The thoracic spine is stable.", [("thoracic_spine", "", "unstated")]),
        ("Scattered lines at both lung bases.", [("lung_base", "bilateral", "unstated")]),
        ("The stomach is normal and the aorta is dilated.", [("stomach", "", "normal"), ("aorta", "", "unstated")]),
        ("Follow up is advised.", []),
    ],
)
def test_anatomy_that_a_sentence_names(sentence: str, named: list[tuple[str, str, str]]) -> None:
    found = sorted(named_anatomy(sentence, 0, ()), key=lambda one: one.start)
    assert [(one.name, one.laterality, one.says.value) for one in found] == named


def test_anatomy_of_a_mention_is_not_named_beside_it() -> None:
    text = "Opacity in the left lung base, and the stomach is stable."
    mention = made(text, "lung_opacity", "Opacity", location=("lung_base",), laterality="left")
    assert [one.name for one in named_anatomy(text, 0, [mention])] == ["stomach"]
    assert named_anatomy("Enlarged heart.", 0, [made("Enlarged heart.", "cardiomegaly", "Enlarged heart")]) == []


def spoken(text: str) -> list[dict[str, str]]:
    """What each sentence of a text says of each label, as the stage would write it."""
    mentions = [row for row in mined_rows("r", mine_text(text), ()) if isinstance(row, Mention)]
    said = []
    for sentence in spoken_sentences(text, mentions):
        placed = [row for mention in sentence.mentions for row in place(mention, BODY_VIEWS, "atlas")]
        rows = place_sentence("r", sentence, placed, BODY_VIEWS, "atlas")
        said.append({row.label: row.says.value for row in rows})
    return said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The lungs are clear.", [{"left lung": "absent", "right lung": "absent"}]),
        ("Heart size is unchanged.", [{"heart": "unstated"}]),
        ("Possible left lower lobe pneumonia.", [{"lung lower lobe left": "uncertain"}]),
        ("Cardiomegaly and small right effusion.", [{"heart": "present", "right lung base": "present"}]),
        ("No pneumothorax. The stomach is normal.", [{"lung": "absent"}, {"stomach": "normal"}]),
        ("INDICATION: Heart disease. FINDINGS: Left lung clear.", [{"left lung": "absent"}]),
        ("Follow up is advised.", [{}]),
    ],
)
def test_what_a_report_says_of_the_body(text: str, said: list[dict[str, str]]) -> None:
    assert spoken(text) == said


def test_the_strongest_word_stands_and_every_mention_is_kept() -> None:
    text = "Left lung opacity, no pneumonia."
    mentions = [
        made(text, "pneumonia", "pneumonia", Assertion.ABSENT, laterality="left"),
        made(text, "lung_opacity", "opacity", laterality="left"),
    ]
    (sentence,) = spoken_sentences(text, mentions)
    rows = [
        Grounding(m.mention_id, "v1", "left lung", "atlas", "r", m.finding, m.assertion, (1, 0, 1, 1), "ground.x")
        for m in mentions
    ]
    (row,) = place_sentence("r", sentence, rows, BODY_VIEWS, "atlas")
    assert (row.says, row.mention_ids) == (Says.PRESENT, ("lung_opacity-present", "pneumonia-absent"))
    assert (row.rule_id, row.section, row.sentence_end) == ("ground.x", "preamble", len(text))


# --- the stage -------------------------------------------------------------------------------------------


def series(name: str, study: str) -> Series:
    return Series(name, study, "p", "CT", 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ())


def mask(view_id: str, label: str, source: str = "segment") -> Mask:
    return Mask(view_id, label, 1, source, "", 2, (1, 2, 3, 4), 1.0)


def mention(report_id: str, finding: str, assertion: Assertion = Assertion.PRESENT, **changed: Any) -> Mention:
    name = f"{report_id}-{finding}-{assertion.value}"
    values = {"mention_id": name, "report_id": report_id, "laterality": "left"}
    return made("Some text", finding, "text", assertion, **{**values, **changed})


def report(name: str, accession: str = "", text: str = "Some text") -> Report:
    return Report(name, "p", accession, None, "local", "LicenseRef-local", text)


VIEWS: list[Record] = [view("v1", "s1"), view("v2", "s2"), mask("v1", "left lung"), mask("v2", "left lung")]
VIEWS += [view("bare", "s1"), series("s1", "study1"), series("s2", "study2")]


def grounded(tmp_path: Path, rows: list[Record], assertions: str = "[present, absent, uncertain]") -> Workspace:
    workspace = workspace_at(tmp_path)
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("[present, absent, uncertain]", assertions))
    for record in (Report, Mention, Series, View, Mask, ReportLink):
        own = [row for row in rows if isinstance(row, record)]
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")
    for batch in prepare(STAGE, workspace).batches:
        run_batch(STAGE, workspace, batch)
    return workspace


def placed(workspace: Workspace) -> list[tuple[str, str, str, str]]:
    rows = read_rows(Grounding, workspace.tables("ground"))
    return [(row.mention_id, row.view_id, row.label, row.reference) for row in rows]


def test_a_report_is_placed_on_its_own_study(tmp_path: Path) -> None:
    rows = [report("r", "a2"), ReportLink("r", "study2"), mention("r", "pneumonia")]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert placed(workspace) == [("r-pneumonia-present", "v2", "left lung", "study")]
    (row,) = read_rows(Grounding, workspace.tables("ground"))
    assert (row.box, row.rule_id) == ((1, 2, 3, 4), "ground.default_lung")
    (sentence,) = read_rows(SentenceGrounding, workspace.tables("ground"))
    assert (sentence.says, sentence.mention_ids, sentence.reference) == (Says.PRESENT, (row.mention_id,), "study")


def test_a_report_without_images_is_placed_on_the_atlas(tmp_path: Path) -> None:
    workspace = grounded(tmp_path, [*VIEWS, report("r"), mention("r", "pneumonia")])
    assert placed(workspace) == [("r-pneumonia-present", "v1", "left lung", "atlas")]


def test_a_report_that_names_a_study_is_never_placed_on_the_atlas(tmp_path: Path) -> None:
    rows = [report("lost", "a9"), mention("lost", "pneumonia")]
    rows += [report("dark", "a3"), ReportLink("dark", "study3"), mention("dark", "pneumonia")]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert placed(workspace) == []
    assert [(row.item, row.reason) for row in rejects(workspace, STAGE)] == [
        ("dark", Reason.NO_VIEW),
        ("lost", Reason.NO_VIEW),
    ]


def test_what_has_no_anatomy_is_rejected_and_readers_marks_are_no_anatomy(tmp_path: Path) -> None:
    rows = [view("v1", "s1"), series("s1", "study1"), mask("v1", "aorta"), mask("v1", "left lung", "consensus")]
    workspace = grounded(tmp_path, [*rows, report("r"), mention("r", "pneumonia"), report("blank", text=" ")])
    assert [(row.item, row.reason) for row in rejects(workspace, STAGE)] == [("r", Reason.NO_ANATOMY)]


def test_a_report_without_a_finding_is_placed_by_the_anatomy_it_names(tmp_path: Path) -> None:
    workspace = grounded(tmp_path, [*VIEWS, report("r", text="The left lung is as before.")])
    assert placed(workspace) == []
    (row,) = read_rows(SentenceGrounding, workspace.tables("ground"))
    assert (row.label, row.says, row.mention_ids, row.box) == ("left lung", Says.UNSTATED, (), (1, 2, 3, 4))


def test_absent_findings_are_placed_and_those_of_another_time_or_person_are_not(tmp_path: Path) -> None:
    rows = [report("r"), mention("r", "pneumonia", Assertion.ABSENT), mention("r", "edema", Assertion.UNCERTAIN)]
    rows += [report("old"), mention("old", "pneumonia", temporality=Temporality.HISTORICAL)]
    rows += [report("kin"), mention("kin", "pneumonia", experiencer="other")]
    workspace = grounded(tmp_path, [*VIEWS, *rows])
    assert [mention_id for mention_id, *_ in placed(workspace)] == ["r-edema-uncertain", "r-pneumonia-absent"]
    assert [row.item for row in rejects(workspace, STAGE)] == ["kin", "old"]


def test_only_asked_assertions_are_placed(tmp_path: Path) -> None:
    rows = [report("r"), mention("r", "pneumonia", Assertion.ABSENT), mention("r", "edema")]
    workspace = grounded(tmp_path, [*VIEWS, *rows], assertions="[present]")
    assert [mention_id for mention_id, *_ in placed(workspace)] == ["r-edema-present"]


def test_a_new_mask_makes_the_report_again(tmp_path: Path) -> None:
    rows = [*VIEWS, report("r"), mention("r", "pneumonia")]
    workspace = grounded(tmp_path, rows)
    assert prepare(STAGE, workspace).batches == ()
    masks = [row for row in [*VIEWS, mask("v1", "heart")] if isinstance(row, Mask)]
    write_parquet(to_arrow(Mask, masks), workspace.tables("project") / "masks" / "a.parquet")
    assert [item.name for batch in prepare(STAGE, workspace).batches for item in batch] == ["r"]
