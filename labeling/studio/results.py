"""Marks to and from Label Studio's results: the region objects of its JSON, in per cent of the image.

What comes back is checked against the form that was asked, and nothing that was typed or quoted is taken: no text of a
span, no comment, no free text. A box that was turned becomes the upright box around it, and a polygon a mask. Turning
the picture in the editor changes no coordinate: they are those of the picture as it was pushed.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError
from labeling.asking.asked import Form, Kind, Question
from labeling.marks import Mark
from labeling.studio import brush

Size = tuple[int, int]
"""Rows and columns."""

_TYPES = {
    Kind.CHOICE: ("choices",),
    Kind.CHOICES: ("choices",),
    Kind.SPAN: ("labels",),
    Kind.SPAN_CHOICE: ("choices",),
    Kind.BOX: ("rectanglelabels",),
    Kind.POINT: ("keypointlabels",),
    Kind.MASK: ("brushlabels", "polygonlabels"),
}
"""Types of results that answer a question; each is also the name of the labels in the result's value. Ours first."""
_TYPED = {"textarea", "relation"}
"""What a reader wrote, and arrows between regions: never taken."""
_POINT_WIDTH = 0.5
"""Of the image's width, in per cent: how large the editor draws a point."""


def to_results(marks: Iterable[Mark], form: Form, size: Size | None) -> list[dict[str, Any]]:
    """Results of an annotation or prediction; ``size`` is that of the image, None where the form shows none.

    Raises InputError for a question that the form does not have, or a mark that has not what its question asks for.
    """
    given = list(marks)
    spans = {mark.region: mark.span for mark in given if mark.span and mark.region}
    taken = {mark.region for mark in given}
    free = (name for number in count() if (name := f"mark-{number}") not in taken)
    return [
        _result(mark, _question(form, mark.question), size, spans) | {"id": mark.region or next(free)} for mark in given
    ]


def from_results(results: Sequence[Mapping[str, Any]], form: Form, size: Size | None) -> tuple[Mark, ...]:
    """Marks of an annotation, in original pixels and characters; ``size`` as in ``to_results``.

    A region without a label, a box without an area, a mask without a pixel and a choice for no span say nothing and are
    left out. ``region`` is the span's number in the text, where the span has a choice of its own. Raises InputError for
    a question or label that the form does not have, or a value that the editor does not write; never quotes one.
    """
    found = [
        (str(result.get("id", "")), mark)
        for result in results
        if result.get("type") not in _TYPED
        for mark in _marks(result, form, size)
    ]
    return tuple(_linked(found, form))


def _question(form: Form, name: object) -> Question:
    try:
        return form.question(str(name))
    except KeyError:
        raise InputError(
            f"Label Studio's project asks {name!r}, the batch's form does not: push the batch anew"
        ) from None


# --- to Label Studio --------------------------------------------------------------------------------------


def _result(
    mark: Mark, question: Question, size: Size | None, spans: Mapping[str, tuple[int, int] | None]
) -> dict[str, Any]:
    kind = _TYPES[question.kind][0]
    value: dict[str, Any] = {kind: list(mark.labels)}
    result = {"from_name": question.name, "to_name": question.target, "type": kind, "value": value}
    if question.kind in (Kind.CHOICE, Kind.CHOICES):
        return result
    if question.kind in (Kind.SPAN, Kind.SPAN_CHOICE):
        span = mark.span or spans.get(mark.region)
        if span is None:
            raise InputError(f"a mark of {question.name!r} without a span")
        value |= {"start": span[0], "end": span[1]}
        return result
    rows, columns = _size(size, mark.size, question)
    value |= _place(mark, question, rows, columns)
    return result | {"original_width": columns, "original_height": rows, "image_rotation": 0}


def _place(mark: Mark, question: Question, rows: int, columns: int) -> dict[str, Any]:
    """Where a mark lies on the image."""
    if question.kind is Kind.MASK and mark.rle:
        return {"format": "rle", "rle": brush.from_coco(mark.rle, rows, columns)}
    if question.kind is Kind.BOX and mark.box:
        x, y, width, height = mark.box
        return {
            "x": 100 * x / columns,
            "y": 100 * y / rows,
            "width": 100 * width / columns,
            "height": 100 * height / rows,
            "rotation": 0,
        }
    if question.kind is Kind.POINT and mark.point_px:
        x, y = mark.point_px
        return {"x": 100 * (x + 0.5) / columns, "y": 100 * (y + 0.5) / rows, "width": _POINT_WIDTH}
    raise InputError(f"a mark of {question.name!r} without its {question.kind.value}")


# --- from Label Studio ------------------------------------------------------------------------------------


def _marks(result: Mapping[str, Any], form: Form, size: Size | None) -> Iterable[Mark]:
    """The mark of a result, if it says something."""
    question = _question(form, result.get("from_name"))
    kind, value = result.get("type"), result.get("value")
    if kind not in _TYPES[question.kind] or not isinstance(value, Mapping):
        raise InputError(f"a result of {question.name!r} that is no {question.kind.value}")
    labels = _labels(value.get(kind) or [], question)
    if not labels:
        return
    if question.kind in (Kind.CHOICE, Kind.CHOICES, Kind.SPAN_CHOICE):
        yield Mark(question.name, labels)
    elif question.kind is Kind.SPAN:
        yield Mark(question.name, labels, span=_span(value, question))
    else:
        drawn_on = result.get("original_height"), result.get("original_width")
        size = _size(size, None if None in drawn_on else drawn_on, question)
        placed = _FROM[question.kind](value, question, size)
        if placed:
            yield Mark(question.name, labels, size=size, **placed)


def _labels(given: object, question: Question) -> tuple[str, ...]:
    """In the order of the form."""
    if not isinstance(given, list) or not {*map(str, given)} <= {*question.labels}:
        raise InputError(
            f"an answer to {question.name!r} that the form does not offer: labels cannot be added in Label Studio, "
            "make a batch that has them"
        )
    return tuple(label for label in question.labels if label in given)


def _span(value: Mapping[str, Any], question: Question) -> tuple[int, int]:
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end:
        raise InputError(f"a span of {question.name!r} without its first and last character")
    return start, end


def _box(value: Mapping[str, Any], question: Question, size: Size) -> dict[str, Any]:
    """The upright box around one that may be turned about its first corner."""
    x, y, width, height, degrees = _numbers(value, question, "x", "y", "width", "height", "rotation")
    rows, columns = size
    turn = np.exp(1j * math.radians(degrees))
    across, down = turn * width * columns / 100, 1j * turn * height * rows / 100
    corners = complex(x * columns / 100, y * rows / 100) + np.array([0, across, down, across + down])
    left, right = (_within(end, columns) for end in (corners.real.min(), corners.real.max()))
    top, bottom = (_within(end, rows) for end in (corners.imag.min(), corners.imag.max()))
    box = left, top, round(right - left, 3), round(bottom - top, 3)
    return {"box": box} if min(box[2:]) > 0 else {}


def _point(value: Mapping[str, Any], question: Question, size: Size) -> dict[str, Any]:
    x, y = _numbers(value, question, "x", "y")
    rows, columns = size
    return {
        "point_px": (round(_within(x * columns / 100, columns) - 0.5, 3), round(_within(y * rows / 100, rows) - 0.5, 3))
    }


def _mask(value: Mapping[str, Any], question: Question, size: Size) -> dict[str, Any]:
    """A mask that was painted, or drawn as a polygon."""
    if "points" in value:
        counts = brush.polygon_to_coco(_corners(value["points"], question, size), *size)
    elif value.get("format") == "rle" and isinstance(value.get("rle"), list):
        counts = brush.to_coco(value["rle"], *size)
    else:
        raise InputError(f"a mask of {question.name!r} that is neither run lengths nor a polygon")
    return {"rle": counts} if rle.area(counts) else {}


_FROM = {Kind.BOX: _box, Kind.POINT: _point, Kind.MASK: _mask}


def _corners(points: Any, question: Question, size: Size) -> NDArray[np.float64]:
    try:
        corners = np.array(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        corners = np.full((1, 2), np.nan)
    if not np.isfinite(corners).all():
        raise InputError(f"a polygon of {question.name!r} whose points are no numbers")
    return np.clip(corners, 0, 100) * size[::-1] / 100


def _numbers(value: Mapping[str, Any], question: Question, *names: str) -> tuple[float, ...]:
    """Per cent, and degrees, which may be left out."""
    numbers = tuple(value.get(name, 0 if name == "rotation" else None) for name in names)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise InputError(f"a {question.kind.value} of {question.name!r} without its place")
    return numbers


def _within(px: float, length: int) -> float:
    """A place on the image, to a thousandth of a pixel."""
    return round(min(max(float(px), 0.0), length), 3)


def _size(size: Size | None, drawn_on: object, question: Question) -> Size:
    if size is None:
        raise InputError(f"{question.name!r} is about an image, and the case shows none")
    if drawn_on not in (None, size):
        raise InputError(
            f"a mark of {question.name!r} on an image of another size: expected {size[0]} rows by {size[1]} columns"
        )
    return size


def _linked(found: Sequence[tuple[str, Mark]], form: Form) -> Iterable[Mark]:
    """Spans and their choices share the number of their region; Label Studio's own ids say nothing and are left."""
    choices = {region for region, mark in found if form.question(mark.question).kind is Kind.SPAN_CHOICE}
    spans = {region: (mark.span, mark.labels) for region, mark in found if mark.span}
    number = {region: str(place) for place, region in enumerate(sorted(spans, key=lambda region: spans[region]), 1)}
    for region, mark in found:
        if mark.span or form.question(mark.question).kind is not Kind.SPAN_CHOICE:
            yield replace(mark, region=number[region] if mark.span and region in choices else "")
        elif region in number:
            yield replace(mark, region=number[region])
