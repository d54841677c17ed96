import pytest

from curation.records import Agreement, CtMeasurement, MaskQuality, Measurement, Mention, ViewQuality
from labeling.labels.sets import State
from labeling.routing.signals import (
    CONFLICT,
    CT_QUALITY,
    DISAGREEMENT,
    FAINT,
    FILM_CT,
    FILM_FAR,
    HEDGED,
    IMAGE_REPORT,
    MASK_QUALITY,
    NEAR_THRESHOLD,
    SECTIONS,
    SEVERAL,
    UNDECIDED,
    VAGUE,
    VIEW_QUALITY,
    Pair,
    Signal,
    Usual,
    against_report,
    faint,
    film_against_ct,
    near_threshold,
    of_agreement,
    of_labels,
    of_masks,
    of_mentions,
    of_quality,
    pairs,
    undecided,
    usual,
)
from tests.labeling.routing_rows import A, P, U, judged_mask, judged_view, measurement, mention, on_ct, rounded, scan


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ([], []),
        ([mention("edema", P), mention("fracture", A)], []),
        ([mention("edema", U)], [Signal(HEDGED, 0.5, ("edema",))]),
        ([mention("fracture", U), mention("edema", U)], [Signal(HEDGED, 0.75, ("edema", "fracture"))]),
        ([mention("edema", P), mention("edema", A)], [Signal(CONFLICT, 0.5, ("edema",))]),
        ([mention("edema", P, laterality="left"), mention("edema", A, laterality="right")], []),
        ([mention("edema", P, laterality="left"), mention("edema", A)], [Signal(CONFLICT, 0.5, ("edema",))]),
        ([mention("edema", P, laterality="left"), mention("edema", A, severity="large")], []),
        ([mention("edema", P), mention("edema", A, location=("apex",))], []),
        ([mention("edema", P), mention("edema", P, "impression")], []),
        ([mention("edema", P), mention("fracture", P), mention("edema", P, "impression")],
         [Signal(SECTIONS, 0.5, ("fracture",))]),
        ([mention("edema", P), mention("fracture", U, "impression")], [Signal(HEDGED, 0.5, ("fracture",))]),
        ([mention("lung_opacity", P)], [Signal(VAGUE, 0.5, ("lung_opacity",))]),
        ([mention("consolidation", P)], []),
    ],
)  # fmt: skip
def test_what_the_words_of_a_report_ask(mentions: list[Mention], expected: list[Signal]) -> None:
    assert of_mentions(mentions) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({"Edema": 1, "Fracture": 0, "Pneumonia": None}, []),
        ({"Edema": -1}, [Signal(UNDECIDED, 0.5, ("Edema",))]),
        ({"Edema": 1, "Fracture": 1}, [Signal(SEVERAL, 0.4, ("Edema", "Fracture"))]),
        ({"Edema": 1, "Support Devices": 1, "No Finding": 1}, []),
    ],
)
def test_what_the_labels_of_a_report_ask(states: dict[str, State], expected: list[Signal]) -> None:
    assert of_labels(states) == expected


def test_what_a_report_leaves_open_is_not_asked_where_a_model_settles_it() -> None:
    states: dict[str, State] = {"Edema": -1, "Fracture": -1}
    assert undecided(states, "any", {"Edema"}) == [Signal("any", 0.5, ("Fracture",))]
    assert undecided(states, "any", {"Edema", "Fracture"}) == []


def test_what_a_report_calls_small_is_easily_missed() -> None:
    rows = [mention("edema", P, severity="mild"), mention("pleural_effusion", P, severity="small")]
    assert faint(rows) == [Signal(FAINT, 0.75, ("edema", "pleural_effusion"))]
    assert faint([mention("edema", P, severity="severe"), mention("fracture", A, severity="small")]) == []


@pytest.mark.parametrize(
    ("view", "masks", "expected"),
    [
        (judged_view(1.0), [], []),
        (judged_view(1.0), [judged_mask("heart", 0.0)], []),
        (judged_view(1.0), [judged_mask("b", 0.5), judged_mask("a", 0.5)], [Signal(MASK_QUALITY, 0.75, ("a", "b"))]),
        (judged_view(0.0, "view_mirrored"), [judged_mask("a", 0.5)], []),
    ],
)
def test_what_masks_ask(view: ViewQuality, masks: list[MaskQuality], expected: list[Signal]) -> None:
    assert of_masks(view, masks) == expected


def test_a_reader_is_asked_about_the_ten_masks_most_worth_it() -> None:
    (signal,) = of_masks(judged_view(1.0), [judged_mask(f"rib {n:02}", n / 20) for n in range(12)])
    assert signal.findings == tuple(f"rib {n:02}" for n in range(2, 12))


@pytest.mark.parametrize(
    ("view", "ct_score", "expected"),
    [
        (judged_view(0.9), 0.1, []),
        (judged_view(0.3, absent=("heart",)), 0.9, [Signal(VIEW_QUALITY, 0.5, ("heart",))]),
        (judged_view(0.3), 0.15, [Signal(VIEW_QUALITY, 0.5), Signal(CT_QUALITY, 0.75)]),
    ],
)
def test_what_the_quality_of_a_view_asks(view: ViewQuality, ct_score: float, expected: list[Signal]) -> None:
    assert of_quality(view, scan(ct_score), 0.6) == expected


def test_what_readers_who_disagree_ask() -> None:
    rows = [Agreement("c1", "a", "b", 0.9), Agreement("c1", "a", "c", 0.35)]
    assert of_agreement(rows, "nodule", 0.7) == [Signal(DISAGREEMENT, 0.5, ("nodule",))]
    assert of_agreement(rows, "nodule", 0.3) == []
    assert of_agreement([], "nodule", 0.7) == []


@pytest.mark.parametrize(
    ("shown", "state", "asks"),
    [(True, 0, True), (False, 1, True), (True, 1, False), (False, 0, False), (True, None, False), (True, -1, False)],
)
def test_what_an_image_asks_that_is_not_as_its_report_says(shown: bool, state: State, asks: bool) -> None:
    found = against_report({"Cardiomegaly": shown}, {"Cardiomegaly": state})
    assert found == ([Signal(IMAGE_REPORT, 0.5, ("Cardiomegaly",))] if asks else [])


@pytest.mark.parametrize(
    ("rows", "strength"),
    [
        ([measurement(0.6)], None),
        ([measurement(None)], None),
        ([measurement(0.5)], 1.0),
        ([measurement(0.6), measurement(0.49)], 0.5),
        ([measurement(0.0, thresholds=(0.0,))], None),
        ([], None),
    ],
)
def test_what_a_measurement_near_its_limit_asks(rows: list[Measurement], strength: float | None) -> None:
    found = near_threshold(rows, 0.04)
    expected = [] if strength is None else [Signal(NEAR_THRESHOLD, strength, ("cardiomegaly",))]
    assert rounded(found) == expected


def test_without_a_margin_only_the_limit_itself_is_near() -> None:
    assert near_threshold([measurement(0.5)], 0.0) == [Signal(NEAR_THRESHOLD, 1.0, ("cardiomegaly",))]
    assert near_threshold([measurement(0.51)], 0.0) == []


# --- film and CT -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("film", "ct", "n_pairs"),
    [
        (measurement(0.5), on_ct(0.4), 1),
        (measurement(None), on_ct(0.4), 0),
        (measurement(0.5), on_ct(None), 0),
        (measurement(0.5), on_ct(40.0, unit="mm"), 0),
        (measurement(0.5), on_ct(0.4, "rotation"), 0),
    ],
)
def test_only_values_in_one_unit_are_held_against_each_other(
    film: Measurement, ct: CtMeasurement, n_pairs: int
) -> None:
    assert len(pairs([film], {ct.measure: ct})) == n_pairs


def pair(value: float, truth: float, *limits: float) -> Pair:
    return Pair(measurement(value, thresholds=limits or (0.5,)), value, truth)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pair(0.45, 0.44), []),
        (pair(0.52, 0.45), [Signal(FILM_CT, 1.0, ("cardiomegaly",))]),
        (pair(0.505, 0.49), [Signal(FILM_CT, 0.5, ("cardiomegaly",))]),
        (pair(0.1, -0.1, 0.0), [Signal(FILM_CT, 1.0, ("cardiomegaly",))]),
        (pair(0.28, 0.4), [Signal(FILM_FAR, round(1 - 0.05 / 0.12, 6), ("cardiomegaly",))]),
    ],
)
def test_what_a_film_asks_that_is_not_as_its_ct(one: Pair, expected: list[Signal]) -> None:
    assert rounded(film_against_ct([one], {"cardiomegaly": Usual(0.0, 0.05)}, 0.06)) == expected


def test_a_film_is_not_far_where_the_usual_is_not_known() -> None:
    assert film_against_ct([pair(0.2, 0.4)], {}, 0.06) == []


def test_the_usual_is_the_median_and_resists_outliers() -> None:
    steady = [pair(0.40 + n / 1000, 0.40) for n in range(-5, 6)]
    (found,) = usual([*steady, pair(0.99, 0.1)]).values()
    assert found.median == pytest.approx(0.0005)
    assert 0 < found.far < 0.03
    assert usual(steady)["cardiomegaly"].median == pytest.approx(0.0)
    assert usual(steady[:9]) == {}
