from pathlib import Path

import pytest

from curation.records import Agreement, Case, MaskQuality, Mention, ViewQuality
from curation.stage import prepare
from curation.store import read_rows
from labeling.mining.lexicon import read_rules
from labeling.route import (
    CONFLICT,
    CT_QUALITY,
    DISAGREEMENT,
    HEDGED,
    MASK_QUALITY,
    NEAR_THRESHOLD,
    STAGE,
    VIEW_QUALITY,
    agreement_strengths,
    case,
    measurement_strengths,
    quality_strengths,
    report_strengths,
    route_rules,
)
from tests.labeling.routed import A, P, U, judged_mask, judged_view, measurement, mention, routed, scan


@pytest.mark.parametrize(
    ("mentions", "strengths"),
    [
        ([], {}),
        ([mention("edema", P), mention("fracture", A)], {}),
        ([mention("edema", U)], {HEDGED: 0.5}),
        ([mention("edema", U), mention("fracture", U)], {HEDGED: 0.75}),
        ([mention("edema", P), mention("edema", A)], {CONFLICT: 0.5}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A, "right")], {}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A)], {CONFLICT: 0.5}),
        ([mention("pleural_effusion", P, "left"), mention("pleural_effusion", A, "", "large")], {}),
    ],
)
def test_what_a_report_asks(mentions: list[Mention], strengths: dict[str, float]) -> None:
    assert report_strengths(mentions) == strengths


@pytest.mark.parametrize(
    ("values", "strengths"),
    [([0.6], {}), ([0.5], {NEAR_THRESHOLD: 1.0}), ([0.6, 0.49], {NEAR_THRESHOLD: pytest.approx(0.5)}), ([], {})],
)
def test_what_a_measurement_asks(values: list[float], strengths: dict[str, float]) -> None:
    assert measurement_strengths([measurement(value) for value in values], 0.04) == strengths


def test_what_readers_who_disagree_ask() -> None:
    pairs = [Agreement("c1", "a", "b", 0.9), Agreement("c1", "a", "c", 0.35)]
    assert agreement_strengths(pairs, 0.7) == {DISAGREEMENT: 0.5}
    assert agreement_strengths(pairs, 0.3) == {}


def test_rules_of_one_case_add_up() -> None:
    weights = {rule_id: rule.weight for rule_id, rule in route_rules().items()}
    row = case("r1", "p1", {HEDGED: 0.5, CONFLICT: 0.5})
    assert row.priority == round(1 - (1 - weights[HEDGED] / 2) * (1 - weights[CONFLICT] / 2), 4)
    assert row.rule_ids == (CONFLICT, HEDGED)
    assert row.reasons == tuple(route_rules()[rule_id].reason for rule_id in row.rule_ids)


def test_every_rule_is_written_once_and_weighs_at_most_one() -> None:
    assert len(route_rules()) == len(read_rules("routing"))
    assert set(route_rules()) == {
        HEDGED, CONFLICT, NEAR_THRESHOLD, DISAGREEMENT, MASK_QUALITY, VIEW_QUALITY, CT_QUALITY,
    }  # fmt: skip
    assert all(0 < rule.weight <= 1 for rule in route_rules().values())


@pytest.mark.parametrize(
    ("view", "masks", "ct_score", "strengths"),
    [
        (judged_view("v", 0.9), [], 0.1, {}),
        (judged_view("v", 0.3, "view_absent"), [], 0.9, {VIEW_QUALITY: 0.5}),
        (judged_view("v", 0.3), [], 0.15, {VIEW_QUALITY: 0.5, CT_QUALITY: 0.75}),
        (judged_view("v", 1.0), [judged_mask("v", "a", 0.5), judged_mask("v", "b", 0.5)], 1.0, {MASK_QUALITY: 0.75}),
        (judged_view("v", 0.0, "view_mirrored"), [judged_mask("v", "a", 0.5)], 1.0, {VIEW_QUALITY: 1.0}),
    ],
)
def test_what_the_quality_of_a_view_asks(
    view: ViewQuality, masks: list[MaskQuality], ct_score: float, strengths: dict[str, float]
) -> None:
    assert quality_strengths(view, masks, scan(ct_score), 0.6) == pytest.approx(strengths)


# --- the stage -------------------------------------------------------------------------------------------


def test_only_subjects_that_ask_become_cases(tmp_path: Path) -> None:
    workspace = routed(tmp_path)
    rows = read_rows(Case, workspace.tables("route"))
    assert {(row.task, row.subject_id, row.patient_id) for row in rows} == {
        ("label_review", "r1", "p1"),
        ("measurement_review", "v1", "p3"),
        ("mask_review", "c1", "p3"),
        ("projection_review", "v2", "p3"),
    }
    assert all(0 <= row.priority <= 1 for row in rows)
    assert prepare(STAGE, workspace).batches == ()
