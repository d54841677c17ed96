"""A CT is judged as a source of radiographs."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.errors import InputError
from projection.anatomy.body import Body
from projection.prepare import Removed, without_table
from projection.quality import ct

NUMBERS = {
    "lung_upper_lobe_left": 10,
    "lung_upper_lobe_right": 12,
    "stomach": 6,
    "colon": 20,
    "aorta": 52,
    "heart": 51,
    "pulmonary_vein": 53,
    "portal_vein_and_splenic_vein": 64,
    "humerus_left": 69,
    "humerus_right": 70,
    "scapula_left": 71,
    "scapula_right": 72,
}
SPACING = (2.5, 2.0, 2.0)
Box = tuple[slice, slice, slice]
S = slice


def body(parts: dict[str, Box] | None = None, spacing: tuple[float, float, float] = SPACING) -> Body:
    """A trunk of 40 × 90 × 130 mm voxels with two lungs inside, and these parts."""
    hu = np.random.default_rng(2).normal(-995, 4, (40, 80, 90)).astype(np.int16)
    values = np.zeros(hu.shape, np.uint8)
    hu[:, 15:65, 10:80] = 40
    lungs: dict[str, Box] = {
        "lung_upper_lobe_right": (S(5, 35), S(20, 55), S(15, 40)),
        "lung_upper_lobe_left": (S(5, 35), S(20, 55), S(50, 75)),
    }
    for name, box in (lungs | (parts or {})).items():
        values[box] = NUMBERS[name]
        hu[box] = -850 if name.startswith("lung") else hu[box]
    return Body(values, NUMBERS, np.diag([spacing[2], spacing[1], spacing[0], 1.0]), hu)


def hu_of(case: Body) -> NDArray[np.int16]:
    assert case.hu is not None
    return case.hu


def good() -> ct.CtMeasures:
    return ct.CtMeasures(
        arms="up",
        position="supine",
        contrast="none",
        median_hu={},
        lungs_seen=True,
        lung_cut_top=False,
        lung_cut_bottom=False,
        lung_border_share=0.0,
        body_cut_share=0.0,
        slice_mm=1.0,
        pixel_mm=0.7,
        padding_share=0.2,
        metal_ml=0.0,
        noise_hu=None,
        jump=1.5,
    )


def test_a_good_ct_has_full_score_and_no_reasons() -> None:
    assert ct.judged(good()) == ct.CtQuality(good(), 1.0, ())


@pytest.mark.parametrize(
    ("rule_id", "change"),
    [
        ("no_lungs", {"lungs_seen": False}),
        ("lung_cut_top", {"lung_cut_top": True}),
        ("lung_cut_bottom", {"lung_cut_bottom": True}),
        ("lung_cut_side", {"lung_border_share": 0.02}),
        ("body_cut_side", {"body_cut_share": 0.3}),
        ("arms_down", {"arms": "down"}),
        ("prone", {"position": "prone"}),
        ("contrast", {"contrast": "venous"}),
        ("slices_thick", {"slice_mm": 4.0}),
        ("pixels_large", {"pixel_mm": 1.2}),
        ("metal", {"metal_ml": 2.0}),
        ("noise", {"noise_hu": 60.0}),
        ("slice_gap", {"jump": 9.0}),
    ],
)
def test_each_rule_takes_its_weight(rule_id: str, change: dict[str, Any]) -> None:
    weight = {rule.rule_id: rule.weight for rule in ct.RULES}[rule_id]
    verdict = ct.judged(dataclasses.replace(good(), **change))
    assert verdict.reasons == (rule_id,)
    assert verdict.score == pytest.approx(1 - weight)


def test_reasons_come_in_the_order_of_the_rules_and_the_score_ends_at_zero() -> None:
    verdict = ct.judged(dataclasses.replace(good(), slice_mm=6.0, lungs_seen=False))
    assert verdict.reasons == ("no_lungs", "slices_thick", "slices_very_thick")
    assert verdict.score == 0.0


def test_rule_ids_are_unique() -> None:
    assert len({rule.rule_id for rule in ct.RULES}) == len(ct.RULES)


def test_a_plain_body_is_measured() -> None:
    verdict = ct.ct_quality(body())
    measures = verdict.measures
    assert (measures.arms, measures.position, measures.contrast) == ("not seen", "unknown", "unknown")
    assert (measures.lungs_seen, measures.lung_cut_top, measures.lung_cut_bottom) == (True, False, False)
    assert (measures.lung_border_share, measures.body_cut_share, measures.padding_share) == (0.0, 0.0, 0.0)
    assert (measures.slice_mm, measures.pixel_mm, measures.metal_ml, measures.noise_hu) == (2.5, 2.0, 0.0, None)
    assert verdict.reasons == ("pixels_large", "slice_gap")  # the lungs of this body begin from one slice to the next


def test_labels_alone_are_refused() -> None:
    case = body()
    with pytest.raises(InputError, match="needs its HU"):
        ct.ct_quality(Body(case.values, case.numbers, case.affine))


def test_a_body_without_lungs() -> None:
    case = body()
    case.values[:] = 0
    measures = ct.ct_quality(case).measures
    assert not measures.lungs_seen
    assert (measures.lung_border_share, measures.body_cut_share) == (0.0, 0.0)


SCAPULA: Box = (S(10, 35), S(56, 60), S(60, 70))


@pytest.mark.parametrize(
    ("humerus", "want"),
    [
        (S(28, 40), "up"),  # from the glenoid out of the volume
        (S(28, 38), "up"),  # ends above the scapula
        (S(28, 33), "down"),  # a head alone, with air above it
        (S(5, 34), "down"),
        (S(5, 40), "down"),
    ],
)
def test_arms_by_the_humerus_beside_its_scapula(humerus: slice, want: str) -> None:
    case = body({"scapula_left": SCAPULA, "humerus_left": (humerus, S(40, 44), S(76, 79))})
    assert ct.arms(case) == want


def test_one_hanging_arm_is_enough_and_a_humerus_alone_says_nothing() -> None:
    raised: dict[str, Box] = {"scapula_left": SCAPULA, "humerus_left": (S(30, 40), S(40, 44), S(76, 79))}
    hanging: dict[str, Box] = {
        "scapula_right": (S(10, 35), S(56, 60), S(20, 30)),
        "humerus_right": (S(2, 33), S(40, 44), S(11, 14)),
    }
    assert ct.arms(body(raised | hanging)) == "down"
    assert ct.arms(body({"humerus_right": hanging["humerus_right"]})) == "not seen"


@pytest.mark.parametrize(
    ("front_ml", "back_ml", "want"),
    [(0, 300, "supine"), (300, 0, "prone"), (100, 120, "unknown"), (0, 10, "unknown")],
)
def test_position_by_the_side_of_the_table(front_ml: float, back_ml: float, want: str) -> None:
    assert ct.position(body(), Removed(0, 0, front_ml, back_ml)) == want


@pytest.mark.parametrize(("rows", "want"), [(S(20, 28), "supine"), (S(52, 60), "prone"), (S(36, 44), "unknown")])
def test_position_by_the_gas_in_the_stomach(rows: slice, want: str) -> None:
    case = body({"stomach": (S(0, 5), S(20, 60), S(40, 60))})
    hu_of(case)[0:5, rows, 40:60] = -950
    assert ct.position(case, None) == want


def test_no_position_without_hu() -> None:
    case = body()
    assert ct.position(Body(case.values, case.numbers, case.affine), None) == "unknown"


@pytest.mark.parametrize(
    ("medians", "want"),
    [
        ({}, "unknown"),
        ({"aorta": 42.0, "pulmonary_vein": 45.0}, "none"),
        ({"heart": 41.0}, "none"),
        ({"aorta": 150.0, "pulmonary_vein": 380.0}, "pulmonary"),
        ({"aorta": 400.0, "portal_vein_and_splenic_vein": 150.0}, "arterial"),
        ({"aorta": 160.0, "portal_vein_and_splenic_vein": 170.0}, "venous"),
        ({"aorta": 350.0}, "arterial"),
        ({"aorta": 160.0}, "enhanced"),
    ],
)
def test_the_phase_by_the_vessels(medians: dict[str, float], want: str) -> None:
    assert ct.contrast(medians) == want


def test_noise_and_median_of_the_aorta() -> None:
    case = body({"aorta": (S(10, 30), S(30, 45), S(41, 47))})
    hu_of(case)[case.values == 52] = np.random.default_rng(3).normal(300, 25, 20 * 15 * 6).astype(np.int16)
    measures = ct.ct_quality(case).measures
    assert measures.noise_hu is None  # 6 × 15 voxels less margins of 4 mm: 88 mm²
    case = body({"aorta": (S(10, 30), S(24, 54), S(20, 50))})
    hu_of(case)[case.values == 52] = np.random.default_rng(3).normal(300, 25, 20 * 30 * 30).astype(np.int16)
    measures = ct.ct_quality(case).measures
    assert measures.noise_hu == pytest.approx(25, abs=1.5)
    assert measures.median_hu["aorta"] == pytest.approx(300, abs=2)
    assert measures.contrast == "arterial"


def test_lungs_cut_at_top_and_bottom_lie_on_the_border() -> None:
    top = ct.ct_quality(body({"lung_upper_lobe_left": (S(5, 40), S(20, 55), S(50, 75))})).measures
    assert (top.lung_cut_top, top.lung_cut_bottom) == (True, False)
    bottom = ct.ct_quality(body({"lung_upper_lobe_left": (S(0, 35), S(20, 55), S(50, 75))})).measures
    assert (bottom.lung_cut_top, bottom.lung_cut_bottom) == (False, True)
    sizes = np.array([[35, 35, 25], [30, 35, 25]]) * SPACING
    surface = sum(2 * (z * y + z * x + y * x) for z, y, x in sizes)
    assert bottom.lung_border_share == pytest.approx(35 * 25 * 4 / surface)


def test_a_body_wider_than_the_field_of_view_is_cut_before_and_after_cleaning() -> None:
    case = body({"lung_upper_lobe_left": (S(5, 35), S(30, 55), S(50, 74))})
    hu = hu_of(case)
    hu[:, :, 74:] = -2048
    before = ct.ct_quality(case).measures
    assert before.body_cut_share == 1.0
    assert before.padding_share == pytest.approx(16 / 90)
    assert 0.05 < before.lung_border_share < 0.2
    _, removed = without_table(hu, SPACING, case.values)
    after = ct.ct_quality(case, removed).measures
    assert after.body_cut_share == 1.0
    assert after.padding_share == before.padding_share


def test_a_body_that_leaves_the_array_is_cut() -> None:
    case = body()
    hu_of(case)[:, 15:65, 80:] = 40
    assert ct.ct_quality(case).measures.body_cut_share == 1.0


def test_metal_counts_apart_from_vessels() -> None:
    case = body({"aorta": (S(10, 30), S(24, 54), S(44, 48))})
    hu_of(case)[10:20, 24:54, 40:48] = 3071
    assert ct.ct_quality(case).measures.metal_ml == pytest.approx(10 * 30 * 4 * 10 / 1000)


def test_a_gap_shows_as_a_jump_and_one_slice_has_none() -> None:
    case = body()
    hu = hu_of(case)
    hu[:] = np.random.default_rng(4).normal(0, 10, hu.shape)
    assert ct.ct_quality(case).measures.jump < 1.1
    hu[20:] -= 300
    assert ct.ct_quality(case).measures.jump > 10
    one = Body(case.values[:1], case.numbers, case.affine, hu[:1])
    assert ct.ct_quality(one).measures.jump == 1.0
