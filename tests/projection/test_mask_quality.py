"""The masks of a view are measured, judged and ranked for correction, and the view as a whole is judged."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from curation import rle
from curation.errors import InputError
from curation.settings import ViewName
from projection.anatomy.labels import anatomy
from projection.kernels import regions
from projection.quality import masks, view
from projection.quality.expected import FRONTAL, Range, expectations, expected_of
from projection.quality.masks import ViewMasks, correction_order, mask_quality
from projection.quality.view import VIEW_RULES, ViewQuality, view_quality
from projection.raycast import Footprint

Bools = NDArray[np.bool_]
ROWS, COLUMNS, MIDDLE, HALF = 280, 240, (120, 140), 80
"""The picture, and the middle (x, y) and half the size of the lungs' box in it."""


def footprint(mask: Bools) -> Footprint:
    text = rle.encode(mask)
    return Footprint(text, int(mask.sum()), rle.box(text, mask.shape[0]), 10.0)


def rectangle(x: float, y: float, width: float, height: float) -> Bools:
    """Around a place in the frame of the lungs, as large as these shares of the frame."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    left, top = MIDDLE[0] + (x - width) * HALF, MIDDLE[1] + (y - height) * HALF
    right, bottom = left + 2 * width * HALF, top + 2 * height * HALF
    mask[max(round(top), 0) : max(round(bottom), 0), max(round(left), 0) : max(round(right), 0)] = True
    return mask


def middle(limits: Range) -> float:
    return sum(limits) / 2 if np.isfinite(limits).all() else 0.0


def chest(of: ViewName = "PA") -> dict[str, Bools]:
    return dict(_chest(of))


@cache
def _chest(of: ViewName) -> dict[str, Bools]:
    """Every label but the rarer ones, each a square in the middle of its expected place, and two lungs."""
    made = {}
    for label, expected in expectations().items():
        x, y = middle(expected.x(of)), middle(expected.y)
        share = 2 * expected.share[0] or min(0.001, expected.share[1] / 2)
        if expected.presence != "may" and max(abs(x), abs(y)) < 1.35:
            made[label] = rectangle(x, y, share**0.5, share**0.5)
    frontal = of in FRONTAL
    made["right lung"] = rectangle(-0.525, 0, 0.475, 1) if frontal else rectangle(0, 0, 1, 1)
    made["left lung"] = rectangle(0.525, 0, 0.475, 1) if frontal else rectangle(0, 0, 1, 1)
    made["lung"] = made["right lung"] | made["left lung"]
    return made


def view_of(parts: Mapping[str, Bools], of: ViewName = "PA", covered: Bools | None = None) -> ViewMasks:
    whole = np.ones((ROWS, COLUMNS), bool) if covered is None else covered
    return ViewMasks(
        of, {label: footprint(mask) for label, mask in parts.items()}, ROWS, COLUMNS, 2.0, rle.encode(whole)
    )


def judged(parts: Mapping[str, Bools], of: ViewName = "PA", **more: Any) -> ViewQuality:
    made = view_of(parts, of, more.get("covered"))
    return view_quality(made, mask_quality(made), more.get("missing", {}))


def flags(parts: Mapping[str, Bools], of: ViewName = "PA", covered: Bools | None = None) -> dict[str, Any]:
    return {mask.label: mask.flags for mask in mask_quality(view_of(parts, of, covered)) if mask.flags}


def one(mask: Bools, label: str = "a finding") -> masks.MaskMeasures:
    return mask_quality(view_of({label: mask}))[0].measures


def swapped(label: str) -> str:
    return " ".join({"left": "right", "right": "left"}.get(word, word) for word in label.split(" "))


# --- measures --------------------------------------------------------------------------------------------


def slow(mask: Bools, covered: Bools, least_px: int) -> list[int]:
    """What the kernel measures, from the dense mask."""
    if not mask.any():
        return [0] * 12
    named, n = ndimage.label(mask.T, np.ones((3, 3)))  # numbered down the columns, so that of equals the first counts
    named = named.T
    sizes = np.bincount(named.ravel(), minlength=n + 1)[1:]
    kept = np.isin(named, [i + 1 for i in range(n) if sizes[i] >= least_px or i == int(np.argmax(sizes))])
    border = mask.copy()
    border[1:-1, 1:-1] = False
    ys, xs = np.nonzero(mask)
    tops, lefts = np.nonzero(kept)
    ranked = [*sorted(sizes.tolist(), reverse=True), 0]
    n_pieces = max(1, sum(size >= least_px for size in ranked))
    box = [lefts.min(), tops.min(), lefts.max() + 1, tops.max() + 1]
    sums = [border.sum(), (mask & covered).sum(), xs.sum(), 2 * ys.sum()]
    return [int(value) for value in (mask.sum(), n_pieces, ranked[0], ranked[1], *sums, *box)]


@settings(deadline=None)  # the first call compiles
@given(
    st.lists(hnp.arrays(bool, (9, 7)), min_size=1, max_size=3),
    hnp.arrays(bool, (9, 7)),
    st.integers(1, 6),
)
def test_any_masks_are_measured_as_their_pixels_say(dense: list[Bools], covered: Bools, least_px: int) -> None:
    runs = [rle.runs_of_counts(rle.decompress(rle.encode(mask))) for mask in dense]
    edges = np.cumsum([0, *(len(start) for start, _ in runs)])
    start, stop = (np.concatenate(ends) for ends in zip(*runs, strict=True))
    around = rle.runs_of_counts(rle.decompress(rle.encode(covered)))
    found = regions.measure(start, stop, edges, *around, 9, 7, least_px)
    for mask, row in zip(dense, found.tolist(), strict=True):
        assert row == slow(mask, covered, least_px)


def test_pieces_that_touch_at_a_corner_are_one_and_specks_are_none() -> None:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[10:20, 10:20] = mask[20:30, 20:30] = True  # corners touch
    mask[50:60, 50:60] = True
    mask[80, 80:82] = True  # 8 mm² of 2 mm pixels: a speck
    measures = one(mask)
    assert measures.components == 2
    assert measures.main_share == pytest.approx(200 / 302, abs=1e-6)
    assert measures.box_px == (10, 10, 60, 60)
    assert measures.area_mm2 == 302 * 4.0


def test_border_coverage_and_centre() -> None:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[0:4, 20:30] = True
    covered = np.ones((ROWS, COLUMNS), bool)
    covered[:1] = False
    measures = mask_quality(view_of({"a finding": mask}, covered=covered))[0].measures
    assert (measures.border_px, measures.uncovered_share, measures.centre_px) == (10, 0.25, (24.5, 1.5))
    assert (measures.place, measures.in_place) == (None, None)


def test_a_picture_of_one_row_is_all_border() -> None:
    start, stop, edges = np.array([0]), np.array([5]), np.array([0, 1])
    found = regions.measure(start, stop, edges, start, stop, 1, 9, 1)
    assert found[0, regions.BORDER] == 5


def test_a_column_from_top_to_bottom_has_two_border_pixels() -> None:
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[:, 7] = True
    assert one(mask).border_px == 2


def test_a_view_without_masks_has_no_verdict_on_masks() -> None:
    assert mask_quality(view_of({})) == []


def test_run_lengths_of_another_size_are_refused() -> None:
    made = view_of({"heart": rectangle(0, 0, 0.2, 0.2)})
    with pytest.raises(InputError, match="do not fill 280 rows by 239 columns"):
        mask_quality(replace(made, columns=239))


# --- the table -------------------------------------------------------------------------------------------


def test_the_table_knows_every_label_and_no_other() -> None:
    assert list(expectations()) == [row.label for row in anatomy()]


def test_ranges_of_the_table_are_ranges_and_left_mirrors_right() -> None:
    for label, expected in expectations().items():
        for low, high in (expected.share, expected.y, expected.front_x, expected.side_x):
            assert low < high
        twin = swapped(label)
        if twin != label and twin in expectations() and not label.startswith("heart "):
            low, high = expected_of(twin).front_x
            assert expected.front_x == (-high, -low)
            assert replace(expected_of(twin), front_x=expected.front_x, y=expected.y) == expected


def test_a_right_lateral_is_the_mirror_of_the_left_one_and_obliques_do_not_place_x() -> None:
    spine = expected_of("thoracic spine")
    low, high = spine.x("LAT")
    assert spine.x("RL") == (-high, -low)
    assert spine.x("LAO") == (-np.inf, np.inf)


# --- masks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["PA", "AP", "LAT", "RL", "LAO"])
def test_a_chest_as_expected_is_clean(of: ViewName) -> None:
    parts = chest(of)
    assert flags(parts, of) == {}
    found = judged(parts, of, missing={row.label: "not in the labelmap" for row in anatomy() if row.label not in parts})
    assert {*found.reasons} <= {"view_usual_absent"}
    assert found.measures.absent_share("must") == 0


def test_a_finding_is_measured_and_nothing_is_expected_of_it() -> None:
    parts = chest() | {"lung nodule 1": rectangle(0.9, -0.9, 0.01, 0.01)}
    assert flags(parts) == {}
    nodule = mask_quality(view_of(parts))[-1]
    assert nodule.measures.in_place
    assert nodule.measures.place == pytest.approx((0.9, -0.9), abs=0.01)


DAMAGES: list[tuple[str, str, Callable[[Bools], Bools]]] = [
    ("heart", "mask_empty", np.zeros_like),
    ("liver", "mask_opposite", lambda mask: np.ascontiguousarray(mask[:, ::-1])),
    ("scapula left", "mask_out_of_place", lambda mask: np.roll(mask, 70, axis=0)),
    ("heart", "mask_size", lambda mask: np.asarray(ndimage.binary_erosion(mask, iterations=22))),
    ("sternum", "mask_fragmented", lambda mask: mask & (np.arange(ROWS)[:, None] % 4 < 2)),
]


@pytest.mark.parametrize(("label", "flag", "damage"), DAMAGES)
def test_a_damaged_mask_is_found_and_asked_for(label: str, flag: str, damage: Callable[[Bools], Bools]) -> None:
    parts = chest()
    parts[label] = damage(rectangle(0.14, 0.05, 0.35, 0.35) if label == "heart" else parts[label])
    assert flag in flags(parts)[label]
    assert flag in next(row for row in correction_order(mask_quality(view_of(parts))) if row.label == label).flags


def test_two_lungs_are_two_pieces_and_a_third_one_is_too_many() -> None:
    parts = chest()
    assert "lung" not in flags(parts)
    parts["lung"] = parts["lung"].copy()
    parts["lung"][120:145] = False
    assert flags(parts)["lung"] == ("mask_fragmented",)


def test_a_whole_organ_at_the_border_or_the_end_of_the_ct_is_told_but_not_to_be_corrected() -> None:
    parts, covered = chest(), np.ones((ROWS, COLUMNS), bool)
    parts["heart"] = rectangle(0, 0, 0.3, 0.3)
    parts["heart"][:, 0] = True
    assert "mask_at_border" in flags(parts)["heart"]
    parts = chest()
    covered[:, 120:] = False
    found = mask_quality(view_of(parts, covered=covered))
    assert {mask.label: mask.flags for mask in found}["left lung"] == ("mask_uncovered",)
    assert correction_order(found) == []


def test_labels_that_a_chest_ct_cuts_may_be_cut() -> None:
    covered = np.ones((ROWS, COLUMNS), bool)
    covered[180:] = False
    assert "liver" not in flags(chest(), covered=covered)


def test_what_counts_more_is_corrected_first_and_a_whole_follows_its_parts() -> None:
    parts = chest()
    gone = np.zeros((ROWS, COLUMNS), bool)
    parts |= {"posterior 5th rib left": gone, "posterior 5th rib": gone, "stomach": gone, "kidney left": gone}
    parts["aortic arch"] = parts["aortic arch"] & (np.arange(COLUMNS) % 8 < 6)
    asked = correction_order(mask_quality(view_of(parts)))
    assert [(row.label, row.priority) for row in asked] == [
        ("posterior 5th rib left", 1.0),
        ("stomach", 0.6),
        ("aortic arch", 0.3),
        ("kidney left", 0.3),
    ]


# --- the frame of the lungs ------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["left", "right"])
def test_with_one_lung_a_frontal_view_is_mirrored_at_the_spine(side: str) -> None:
    parts = chest()
    del parts[f"{side} lung"]
    parts["lung"] = parts[f"{swapped(side)} lung"]
    assert {label for label in flags(parts) if label != "lung"} == set()  # "lung" itself lies on one side
    absent = {row.label: row.reason for row in judged(parts, missing={f"{side} lung": "removed"}).measures.absent}
    assert absent[f"{side} lung"] == "removed"


def test_with_one_lung_and_no_spine_nothing_is_placed() -> None:
    parts = {"right lung": chest()["right lung"], "heart": chest()["heart"]}
    assert all(mask.measures.place is None for mask in mask_quality(view_of(parts)))
    found = judged(parts, missing={row.label: "not in the labelmap" for row in anatomy()})
    assert found.reasons == ("view_one_lung", "view_absent", "view_many_absent")
    assert not found.measures.placed
    assert [row.label for row in found.measures.absent] == ["left lung"]


def test_lungs_without_sides_are_enough() -> None:
    parts = {"lung": chest()["lung"], "heart": chest()["heart"]}
    heart = mask_quality(view_of(parts))[1]
    assert heart.measures.in_place is True


def test_a_lateral_needs_one_lung_only() -> None:
    parts = chest("LAT")
    del parts["left lung"], parts["thoracic spine"]
    assert flags(parts, "LAT") == {}


def test_a_view_without_lungs_is_worth_nothing() -> None:
    found = judged({"heart": chest()["heart"]}, missing={row.label: "x" for row in anatomy() if row.label != "heart"})
    assert found.score == 0.0
    assert found.reasons[0] == "view_no_lungs"


# --- views -----------------------------------------------------------------------------------------------


def missing_of(parts: Mapping[str, Bools]) -> dict[str, str]:
    return {row.label: "not in the labelmap" for row in anatomy() if row.label not in parts}


@pytest.mark.parametrize(
    ("of", "turn", "reasons"),
    [
        ("PA", np.s_[:, ::-1], {"view_mirrored"}),
        ("PA", np.s_[::-1], {"view_upside_down"}),
        ("PA", np.s_[::-1, ::-1], {"view_mirrored", "view_upside_down"}),
        ("LAT", np.s_[:, ::-1], {"view_mirrored"}),
        ("RPO", np.s_[::-1], {"view_upside_down"}),
    ],
)
def test_a_flipped_view_is_found(of: ViewName, turn: Any, reasons: set[str]) -> None:
    parts = {label: np.ascontiguousarray(mask[turn]) for label, mask in chest(of).items()}
    found = judged(parts, of, missing=missing_of(parts))
    assert {reason for reason in found.reasons if reason in ("view_mirrored", "view_upside_down")} == reasons


def test_left_and_right_names_swapped_are_found_in_a_frontal_view() -> None:
    parts = {swapped(label): mask for label, mask in chest().items()}
    found = judged(parts, missing=missing_of(parts))
    assert "view_mirrored" in found.reasons
    assert found.score == 0.0


def test_one_swapped_pair_does_not_make_a_mirror() -> None:
    parts = chest()
    parts["clavicle left"], parts["clavicle right"] = parts["clavicle right"], parts["clavicle left"]
    assert flags(parts) == {"clavicle left": ("mask_opposite",), "clavicle right": ("mask_opposite",)}
    assert judged(parts, missing=missing_of(parts)).measures.orientation == "as_is"


@pytest.mark.parametrize("half", [np.s_[:, 100:], np.s_[:135], np.s_[140:]])
def test_half_a_chest_is_found(half: Any) -> None:
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[half] = True
    parts = {label: mask & inside for label, mask in chest().items()}
    parts = {label: mask for label, mask in parts.items() if mask.any()}
    found = judged(parts, covered=inside, missing=missing_of(parts))
    assert {"view_absent", "view_many_absent", "view_flawed"} <= {*found.reasons}


def test_a_ct_of_one_side_is_found_though_nothing_is_expected_beyond_it() -> None:
    inside = np.zeros((ROWS, COLUMNS), bool)
    inside[:, :120] = True
    parts = {label: mask & inside for label, mask in chest().items() if "left" not in label}
    found = judged(parts, covered=inside, missing=missing_of(parts))
    assert {"view_one_lung", "view_absent"} <= {*found.reasons}
    assert "left lung" in {row.label for row in found.measures.absent}


def test_a_shifted_detector_is_found() -> None:
    def shift(mask: Bools) -> Bools:
        out = np.zeros_like(mask)
        out[:, 80:] = mask[:, :-80]
        return out

    parts = {label: shift(mask) for label, mask in chest().items()}
    seen = {label: mask for label, mask in parts.items() if mask.any()}
    found = judged(seen, missing=missing_of(parts))
    assert {"view_lungs_cut", "view_off_centre", "view_off_detector"} <= {*found.reasons}
    off = {label for label in parts.keys() - seen.keys() if expected_of(label).presence == "must"}
    assert off <= {row.label for row in found.measures.absent}
    assert found.measures.off_detector >= len(off) > 10
    absent = {row.label: row.reason for row in found.measures.absent}
    assert absent["scapula left"] == "not on the detector"


def test_lungs_far_from_the_middle_are_found() -> None:
    wide = {label: np.pad(mask, ((0, 0), (0, 240))) for label, mask in chest().items()}
    made = ViewMasks(
        "PA", {k: footprint(v) for k, v in wide.items()}, ROWS, 480, 2.0, rle.encode(np.ones((ROWS, 480), bool))
    )
    found = view_quality(made, mask_quality(made), missing_of(wide))
    assert "view_off_centre" in found.reasons
    assert found.measures.off_centre_share == 0.25


def test_an_absent_or_empty_label_is_told_with_its_reason() -> None:
    parts = chest()
    parts["heart"] = np.zeros((ROWS, COLUMNS), bool)
    del parts["sternum"]
    found = judged(parts, missing=missing_of(parts) | {"sternum": "not in the labelmap: sternum"})
    must = {row.label: row.reason for row in found.measures.absent if row.presence == "must"}
    assert must == {"heart": "not on the detector", "sternum": "not in the labelmap: sternum"}
    assert found.measures.off_detector == 1
    assert {"view_absent", "view_off_detector"} <= {*found.reasons}


def test_what_lies_beyond_the_ct_or_needs_another_segmentation_is_not_asked_for() -> None:
    parts, covered = chest(), np.ones((ROWS, COLUMNS), bool)
    del parts["liver"], parts["costophrenic angle left"]
    covered[180:] = False
    reasons = missing_of(parts) | {"costophrenic angle left": "needs TotalSegmentator task x"}
    assert "liver" not in {row.label for row in judged(parts, covered=covered, missing=reasons).measures.absent}
    whole = {row.label for row in judged(parts, missing=reasons).measures.absent}
    assert "liver" in whole
    assert "costophrenic angle left" not in whole


def test_what_would_lie_beyond_the_picture_is_not_asked_for() -> None:
    parts = {label: mask[60:220].copy() for label, mask in chest().items() if label != "abdomen"}
    whole = rle.encode(np.ones((160, COLUMNS), bool))
    made = ViewMasks("PA", {label: footprint(mask) for label, mask in parts.items()}, 160, COLUMNS, 2.0, whole)
    found = view_quality(made, mask_quality(made), missing_of(parts))
    assert middle(expected_of("abdomen").y) > 1
    assert "abdomen" not in {row.label for row in found.measures.absent}
    assert "view_lungs_cut" in found.reasons


def test_a_view_without_coverage_asks_for_lungs_only() -> None:
    parts = {"right lung": chest()["right lung"], "left lung": chest()["left lung"]}
    found = judged(parts, covered=np.zeros((ROWS, COLUMNS), bool), missing=missing_of(parts))
    assert (found.measures.must_due, found.measures.usual_due, found.measures.absent) == (2, 0, ())
    assert found.reasons == ("view_lungs_cut",)


def test_rules_have_ids_words_and_weights() -> None:
    rules = [
        *((rule.rule_id, rule.words, rule.weight) for rule in masks.RULES),
        *((rule.rule_id, rule.words, rule.weight) for rule in VIEW_RULES),
    ]
    assert len({rule_id for rule_id, _, _ in rules}) == len(rules)
    assert all(words and 0 < weight <= 1 for _, words, weight in rules)


def test_a_score_is_one_less_the_weights_of_what_holds() -> None:
    parts = chest()
    parts["heart"] = rectangle(0.14, 0.05, 0.35, 0.35) & (np.arange(COLUMNS) % 16 < 12)
    heart = next(mask for mask in mask_quality(view_of(parts)) if mask.label == "heart")
    assert (heart.flags, heart.score) == (("mask_fragmented",), 0.7)
    values: dict[str, Any] = {field.name: 0 for field in fields(view.ViewMeasures)} | {"absent": ()}
    measures = view.ViewMeasures(**values | {"lungs_seen": 2, "placed": True, "orientation": "turned"})
    assert view.judged(measures).score == 0.0
    assert view.judged(replace(measures, orientation="as_is", lungs_cut=True)) == ViewQuality(
        replace(measures, orientation="as_is", lungs_cut=True), 0.7, ("view_lungs_cut",)
    )
