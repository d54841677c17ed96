"""Marks to Label Studio's results and back: each kind, any image size, what readers change, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import rle
from curation.errors import InputError
from curation.records import Task
from labeling.asking.asked import Form, Kind, Question
from labeling.marks import Mark, to_json
from labeling.studio import brush
from labeling.studio.results import from_results, to_results

FORM = Form(
    Task.FINDING_BOXES,
    "Made up",
    "",
    "",
    (
        Question("finding", Kind.SPAN, "text", ("Edema", "Nodule")),
        Question("assertion", Kind.SPAN_CHOICE, "text", ("present", "absent")),
        Question("verdict", Kind.CHOICE, "image", ("yes", "no")),
        Question("global", Kind.CHOICES, "image", ("COPD", "Tumor", "No finding")),
        Question("box", Kind.BOX, "image", ("Nodule", "Mass")),
        Question("landmark", Kind.POINT, "image", ("apex",)),
        Question("mask", Kind.MASK, "image", ("lung", "heart")),
    ),
)
SIZE = (40, 60)
MASK = np.zeros(SIZE, bool)
MASK[5:20, 8:25] = True
MARKS = (
    Mark("finding", ("Edema",), region="1", span=(7, 12)),
    Mark("assertion", ("absent",), region="1"),
    Mark("finding", ("Nodule",), span=(20, 26)),
    Mark("verdict", ("no",)),
    Mark("global", ("COPD", "Tumor")),
    Mark("box", ("Nodule",), box=(3.0, 4.5, 10.0, 7.25), size=SIZE),
    Mark("landmark", ("apex",), point_px=(31.0, 12.0), size=SIZE),
    Mark("mask", ("lung",), rle=rle.encode(MASK), size=SIZE),
)


def region(question: str, kind: str, label: str, **value: Any) -> dict[str, Any]:
    """As the editor writes a region of an image of ``SIZE``."""
    return {
        "id": "Wx3_k",
        "from_name": question,
        "to_name": "image",
        "type": kind,
        "origin": "manual",
        "original_height": 40,
        "original_width": 60,
        "image_rotation": 0,
        "value": {kind: [label], **value},
    }


def boxes(**value: float) -> list[Any]:
    return [mark.box for mark in from_results([region("box", "rectanglelabels", "Mass", **value)], FORM, SIZE)]


def test_every_kind_comes_back_as_it_went() -> None:
    assert from_results(to_results(MARKS, FORM, SIZE), FORM, SIZE) == MARKS


def test_results_are_what_the_editor_reads() -> None:
    results = to_results(MARKS, FORM, SIZE)
    assert [result["type"] for result in results] == [
        "labels", "choices", "labels", "choices", "choices", "rectanglelabels", "keypointlabels", "brushlabels",
    ]  # fmt: skip
    assert results[0] == {
        "id": "1", "from_name": "finding", "to_name": "text", "type": "labels",
        "value": {"start": 7, "end": 12, "labels": ["Edema"]},
    }  # fmt: skip
    assert results[1]["id"] == "1" and results[1]["value"] == {"start": 7, "end": 12, "choices": ["absent"]}
    assert results[5]["value"] == {
        "x": 5, "y": 11.25, "width": pytest.approx(100 / 6), "height": 18.125, "rotation": 0,
        "rectanglelabels": ["Nodule"],
    }  # fmt: skip
    assert (results[6]["value"]["x"], results[6]["value"]["y"]) == (52.5, 31.25)
    assert results[7]["value"] == {"format": "rle", "rle": brush.encode(MASK), "brushlabels": ["lung"]}
    assert all((result["original_width"], result["original_height"]) == (60, 40) for result in results[5:])


def test_each_region_has_an_id_of_its_own() -> None:
    marks = [Mark("finding", ("Edema",), region="mark-0", span=(0, 2)), Mark("finding", ("Edema",), span=(3, 4))]
    assert [result["id"] for result in to_results(marks, FORM, None)] == ["mark-0", "mark-1"]


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_places_come_back_within_a_thousandth_of_a_pixel(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 5000)), data.draw(st.integers(1, 5000))
    x, y = data.draw(st.floats(0, columns - 0.5)), data.draw(st.floats(0, rows - 0.5))
    width, height = data.draw(st.floats(0.01, columns - x)), data.draw(st.floats(0.01, rows - y))
    marks = [
        Mark("box", ("Mass",), box=(x, y, width, height), size=(rows, columns)),
        Mark("landmark", ("apex",), point_px=(x - 0.5, y - 0.5), size=(rows, columns)),
    ]
    found, point = from_results(to_results(marks, FORM, (rows, columns)), FORM, (rows, columns))
    assert found.box == pytest.approx((x, y, width, height), abs=1e-3 + 1e-9)
    assert point.point_px == pytest.approx((x - 0.5, y - 0.5), abs=1e-3)
    again = from_results(to_results([found, point], FORM, (rows, columns)), FORM, (rows, columns))
    assert again == (found, point)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, 5000), st.integers(2, 5000), st.integers(0, 2**32 - 1))
def test_masks_of_any_size_come_back_exactly(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    ends = np.unique(random.integers(0, rows * columns + 1, 40))
    counts = rle.of_edges(ends[: len(ends) // 2 * 2], rows * columns)
    mark = Mark("mask", ("heart",), rle=counts, size=(rows, columns))
    assert from_results(to_results([mark], FORM, (rows, columns)), FORM, (rows, columns)) == (mark,)


def test_regions_are_numbered_as_the_text_runs_whatever_label_studio_calls_them() -> None:
    def linked(region: str, start: int) -> list[dict[str, Any]]:
        span = {"start": start, "end": start + 3, "text": "a quoted word"}
        return [
            {"id": region, "from_name": "finding", "type": "labels", "value": {**span, "labels": ["Edema"]}},
            {"id": region, "from_name": "assertion", "type": "choices", "value": {**span, "choices": ["present"]}},
        ]

    found = from_results([*linked("zQ1", 30), *linked("b-7", 10)], FORM, None)
    assert to_json(found) == to_json(from_results([*linked("k", 10), *linked("l", 30)], FORM, None))
    assert [(mark.region, mark.span) for mark in found] == [("2", (30, 33)), ("2", None), ("1", (10, 13)), ("1", None)]


def test_a_choice_whose_span_has_no_label_is_left_out() -> None:
    span = {"start": 1, "end": 4}
    results = [
        {"id": "a", "from_name": "finding", "type": "labels", "value": {**span, "labels": []}},
        {"id": "a", "from_name": "assertion", "type": "choices", "value": {**span, "choices": ["present"]}},
    ]
    assert from_results(results, FORM, None) == ()


def test_what_was_typed_or_quoted_never_comes_home() -> None:
    typed = "opacity near the SECRET"
    results: list[dict[str, Any]] = [
        {"id": "a", "from_name": "note", "type": "textarea", "value": {"text": [typed]}},
        {"type": "relation", "from_id": "a", "to_id": "b", "labels": [typed]},
        {
            "id": typed,
            "from_name": "finding",
            "type": "labels",
            "meta": {"text": [typed]},
            "value": {"start": 0, "end": 3, "text": typed, "labels": ["Edema"]},
        },
    ]
    assert to_json(from_results(results, FORM, None)) == to_json([Mark("finding", ("Edema",), span=(0, 3))])


def test_a_turned_picture_leaves_the_coordinates_and_a_turned_box_becomes_upright() -> None:
    turned = region("box", "rectanglelabels", "Mass", x=10, y=10, width=10, height=10, rotation=0)
    (mark,) = from_results([turned | {"image_rotation": 90}], FORM, SIZE)
    assert [mark.box] == [(6, 4, 6, 4)]
    assert boxes(x=50, y=50, width=10, height=10, rotation=90) == [(26, 20, 4, 6)]  # 6 by 4 pixels about (30, 20)
    (eighth,) = boxes(x=50, y=50, width=10, height=15, rotation=45)  # a square of 6
    assert eighth == pytest.approx((30 - 6 / math.sqrt(2), 20, 6 * math.sqrt(2), 6 * math.sqrt(2)), abs=2e-3)


def test_boxes_end_at_the_image_and_one_without_an_area_is_left_out() -> None:
    assert boxes(x=-5, y=90, width=200, height=50) == [(0, 36, 60, 4)]
    assert boxes(x=20, y=50, width=-10, height=10) == [(6, 20, 6, 4)]
    assert boxes(x=20, y=50, width=0, height=10) == []
    assert boxes(x=120, y=50, width=10, height=10) == []


def test_each_stroke_is_a_mark_and_an_erased_one_is_none() -> None:
    def painted(mask: Any) -> dict[str, Any]:
        return region("mask", "brushlabels", "lung", format="rle", rle=brush.encode(mask))

    found = from_results([painted(MASK), painted(~MASK), painted(MASK & False)], FORM, SIZE)
    assert [mark.rle for mark in found] == [rle.encode(MASK), rle.encode(~MASK)]


def test_a_polygon_becomes_a_mask() -> None:
    points = [[100 * x / 60, 100 * y / 40] for x, y in ((8, 5), (25, 5), (25, 20), (8, 20))]
    (mark,) = from_results([region("mask", "polygonlabels", "lung", points=points, closed=True)], FORM, SIZE)
    assert mark == Mark("mask", ("lung",), rle=rle.encode(MASK), size=SIZE)


def test_labels_stand_in_the_order_of_the_form_and_a_region_without_one_is_left_out() -> None:
    chosen = {"from_name": "global", "type": "choices", "value": {"choices": ["Tumor", "COPD"]}}
    blank = {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1, "y": 1, "width": 1, "height": 1}}
    assert from_results([chosen, blank], FORM, SIZE) == (Mark("global", ("COPD", "Tumor")),)


def test_a_result_that_does_not_say_how_large_its_image_was_is_taken() -> None:
    result = to_results([MARKS[-1]], FORM, SIZE)[0]
    del result["original_width"]
    assert from_results([result], FORM, SIZE) == (MARKS[-1],)


BOX = {"x": 1, "y": 1, "width": 5, "height": 5}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (region("other", "rectanglelabels", "Mass", **BOX), "asks 'other'"),
        (region("box", "rectanglelabels", "Jane Doe", **BOX), "'box' that the form does not offer"),
        (region("box", "ellipselabels", "Mass", **BOX), "'box' that is no box"),
        (region("box", "rectanglelabels", "Mass", **BOX) | {"value": None}, "'box' that is no box"),
        (region("box", "rectanglelabels", "Mass", **BOX) | {"original_width": 61}, "40 rows by 60 columns"),
        (region("box", "rectanglelabels", "Mass", x=1, y=1, width=math.nan, height=1), "'box' without its place"),
        (region("box", "rectanglelabels", "Mass", x=1, y=1, width="9", height=1), "'box' without its place"),
        (region("landmark", "keypointlabels", "apex", x=1), "'landmark' without its place"),
        (region("mask", "brushlabels", "lung", format="png", rle=[]), "neither run lengths"),
        (region("mask", "brushlabels", "lung", format="rle", rle="abc"), "neither run lengths"),
        (region("mask", "brushlabels", "lung", format="rle", rle=[1, 2]), "of another size"),
        (region("mask", "polygonlabels", "lung", points=[[1, 2], [3]]), "whose points are no numbers"),
        (region("mask", "polygonlabels", "lung", points=[[1, math.inf]]), "whose points are no numbers"),
        (region("mask", "polygonlabels", "lung", points="x"), "whose points are no numbers"),
        (region("verdict", "choices", "yes") | {"value": {"choices": "yes"}}, "'verdict' that the form"),
        (region("finding", "labels", "Edema", start="/p[1]", end=4), "'finding' without its first"),
        (region("finding", "labels", "Edema", start=4, end=4), "'finding' without its first"),
    ],
)
def test_what_the_editor_does_not_write_is_refused_and_not_quoted(result: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        from_results([result], FORM, SIZE)
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(
    ("mark", "size", "message"),
    [
        (Mark("other", ("x",)), SIZE, "asks 'other'"),
        (Mark("finding", ("Edema",)), None, "without a span"),
        (Mark("assertion", ("present",), region="9"), None, "without a span"),
        (Mark("box", ("Mass",)), SIZE, "without its box"),
        (Mark("landmark", ("apex",)), SIZE, "without its point"),
        (Mark("mask", ("lung",)), SIZE, "without its mask"),
        (Mark("box", ("Mass",), box=(0, 0, 1, 1)), None, "the case shows none"),
        (Mark("box", ("Mass",), box=(0, 0, 1, 1), size=(60, 40)), SIZE, "another size"),
    ],
)
def test_a_mark_that_does_not_fit_its_question_is_refused(mark: Mark, size: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_results([mark], FORM, size)
