"""Projected images with the outlines of their masks."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from curation import rle
from curation.errors import InputError
from curation.pictures.markup import Cell, Html, cell, counted, grid, identifier, join, own, tag
from curation.pictures.outline import TOLERANCE, svg_path
from curation.pictures.shown import Picture, Shown
from curation.pictures.words import GROUPS, SHOWN_FIRST, group_of, plain
from curation.records import CtMeasurement, Mask, Measurement, View

# UCUM as people write it
_UNITS = {"1": "", "{count}": "", "mm": " mm", "deg": "°", "%": " %", "mm2": " mm²", "cm2": " cm²"}
_EDGES = (("R", "L"), ("A", "P"), ("F", "H"))  # LPS: negative and positive end of x, y and z


@dataclass(frozen=True)
class Drawing:
    """A view ready to draw: its number on the page, its outlines, and the label each of them shows."""

    number: int
    picture: Picture
    paths: Mapping[str, str]
    """Label to SVG path data in half pixels; empty where the run lengths do not fit the view."""

    @property
    def title(self) -> str:
        """How the page calls the view."""
        return f"{self.picture.view.view} view {self.number + 1}"


def draw(number: int, picture: Picture) -> Drawing:
    """Turn a picture's masks into outlines."""
    view = picture.view
    return Drawing(number, picture, {mask.label: _outline(mask, view) for mask in picture.masks})


def _outline(mask: Mask, view: View) -> str:
    try:
        pixels = rle.decode(mask.rle, view.rows, view.columns)
    except InputError:
        return ""
    return svg_path(pixels, TOLERANCE * max(view.rows, view.columns))


def images_section(shown: Shown, drawings: tuple[Drawing, ...]) -> Html:
    """The legend, and each view with its outlines and measurements."""
    rest = (shown.counts.get("views") or 0) - len(drawings)
    lead = (
        "Radiographs projected from CT, with the true projection of each organ label. Point at an outline to name it."
    )
    if not drawings:
        return tag("section", tag("h2", "Projected images"), tag("p", "No view has been projected yet."), id="images")
    return tag(
        "section",
        tag("h2", "Projected images"),
        tag("p", lead, f" {counted(rest, 'more view is', 'more views are')} not shown." if rest > 0 else ""),
        tag("div", _legend(drawings), tag("div", *map(_figure, drawings), class_="views"), class_="viewer"),
        id="images",
    )


# --- legend ----------------------------------------------------------------------------------------------


def _legend(drawings: tuple[Drawing, ...]) -> Html:
    in_group: dict[str, dict[str, int]] = {group.key: {} for group in GROUPS}
    for drawing in drawings:
        for mask in drawing.picture.masks:
            labels = in_group[group_of(mask.category_id)]
            labels[mask.label] = min(mask.category_id, labels.get(mask.label, mask.category_id))
    groups = (_group(group.key, group.title, in_group[group.key]) for group in GROUPS if in_group[group.key])
    return tag(
        "aside",
        tag("h3", "Outlines"),
        tag(
            "div",
            tag("button", "All", type="button", data_show="all"),
            tag("button", "None", type="button", data_show="none"),
            tag("button", "As opened", type="button", data_show="first"),
            class_="buttons",
        ),
        tag("label", tag("input", type="checkbox", id="measures", checked=True), " Measurement lines"),
        tag("input", type="search", id="find", placeholder="Find a label", aria_label="Find a label"),
        tag("div", *groups, class_="groups"),
        class_="legend",
        aria_label="Outlines",
    )


def _group(key: str, title: str, labels: dict[str, int]) -> Html:
    ordered = sorted(labels, key=lambda label: (labels[label], label))
    boxes = (_label_box(key, label) for label in ordered)
    box = tag("input", type="checkbox", data_group=key, checked=any(_is_first(key, label) for label in labels))
    return tag(
        "div",
        tag("label", box, tag("span", class_=f"swatch g-{key}"), title, class_="group-name"),
        tag("details", tag("summary", counted(len(labels), "label")), tag("ul", *boxes)),
        class_="group",
    )


def _label_box(key: str, label: str) -> Html:
    box = tag("input", type="checkbox", data_label=label, data_in=key, checked=_is_first(key, label))
    return tag("li", tag("label", box, " ", own(plain(label))))


def _is_first(key: str, label: str) -> bool:
    return key == "findings" or label in SHOWN_FIRST


# --- one view --------------------------------------------------------------------------------------------


def _figure(drawing: Drawing) -> Html:
    view, masks = drawing.picture.view, drawing.picture.masks
    image = tag(
        "img",
        src=f"data:image/png;base64,{base64.b64encode(drawing.picture.png).decode()}",
        width=view.columns,
        height=view.rows,
        alt=f"{drawing.title}, projected from CT, with {counted(len(masks), 'outline')}",
    )
    marks = tag(
        "svg",
        *(_mask(drawing, mask) for mask in masks),
        tag("g", *(_line(one, view.columns) for one in drawing.picture.measurements), class_="measures"),
        viewBox=f"0 0 {2 * view.columns} {2 * view.rows}",
        font_size=f"{0.045 * view.columns:.1f}",
        aria_hidden="true",
    )
    stage = tag("div", image, marks, *_orientation(view), class_="stage")
    return tag(
        "article",
        tag("div", tag("h3", drawing.title), tag("button", "Enlarge", type="button", data_enlarge=True), class_="bar"),
        stage,
        tag("p", "\u00a0", class_="readout", aria_live="polite"),
        _measurements(drawing.picture),
        _facts(drawing),
        class_="view",
        id=f"view-{drawing.number}",
    )


def _mask(drawing: Drawing, mask: Mask) -> Html:
    key = group_of(mask.category_id)
    off = "" if _is_first(key, mask.label) else " off"
    path = tag("path", d=drawing.paths[mask.label], fill_rule="evenodd")
    extra = _pointer(mask, drawing.picture.view) if key == "findings" else ""
    return tag("g", path, extra, class_=f"mask g-{key}{off}", data_label=mask.label, data_name=plain(mask.label))


def _pointer(mask: Mask, view: View) -> Html:
    """A ring and a name beside a finding, which may be only a few pixels wide; half pixels."""
    x, y, width, height = mask.box
    middle_x, middle_y = 2 * x + width, 2 * y + height
    radius = max(width, height) + 0.03 * view.columns
    left = middle_x > 1.6 * view.columns  # no room for the name at the right
    name = tag(
        "text",
        plain(mask.label),
        x=f"{middle_x + (-1 if left else 1) * (radius + 0.012 * view.columns):.0f}",
        y=f"{middle_y:.0f}",
        text_anchor="end" if left else "start",
        dominant_baseline="middle",
    )
    return join(tag("circle", cx=middle_x, cy=middle_y, r=f"{radius:.0f}", class_="ring"), name)


def _orientation(view: View) -> Iterator[Html]:
    """Letters at the left and right edge, from the detector's own axis: which side of the patient lies there."""
    axis = view.detector_x_axis
    if len(axis) != 3 or not any(axis):
        return
    along = max(range(3), key=lambda one: abs(axis[one]))
    low, high = _EDGES[along]
    left, right = (low, high) if axis[along] > 0 else (high, low)
    yield tag("span", left, class_="side left", title=f"patient's {_side(left)}")
    yield tag("span", right, class_="side right", title=f"patient's {_side(right)}")


def _side(letter: str) -> str:
    return {"R": "right", "L": "left", "A": "front", "P": "back", "F": "feet", "H": "head"}[letter]


def _facts(drawing: Drawing) -> Html:
    view = drawing.picture.view
    missing = sum(not path for path in drawing.paths.values())
    return tag(
        "p",
        f"{plain(view.beam)} beam, {view.columns} × {view.rows} pixels of {view.pixel_spacing_mm:.3g} mm, "
        f"{counted(len(drawing.paths), 'mask')}. Series ",
        identifier(view.series_id),
        tag("strong", f" {counted(missing, 'mask')} could not be drawn.") if missing else "",
        class_="facts",
    )


# --- measurements ----------------------------------------------------------------------------------------


def _points(row: Measurement) -> list[tuple[float, float]]:
    """Landmarks as half pixels: a landmark names a pixel's centre, the drawing begins at its edge."""
    values = row.points_px
    return [(2 * values[i] + 1, 2 * values[i + 1] + 1) for i in range(0, len(values) - 1, 2)]


def _line(row: Measurement, columns: int) -> Html:
    """Two landmarks to a line; an odd number, such as the three of an angle, as one line through all."""
    points = _points(row)
    if not points:
        return join()
    step = 2 if len(points) % 2 == 0 else len(points)
    lines = (
        tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points[start : start + step]))
        for start in range(0, len(points), step)
    )
    dots = (tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{0.008 * columns:.1f}") for x, y in points)
    x, y = min(points)
    name = tag("text", f"{plain(row.measure)} {_value(row)}", x=f"{x:.1f}", y=f"{y - 0.02 * columns:.1f}")
    verdict = "positive" if row.positive else "negative"
    return tag("g", *lines, *dots, name, class_=f"measure {verdict}")


def _measurements(picture: Picture) -> Html:
    rows = picture.measurements
    if not rows:
        return join()
    cells: list[tuple[object, ...]] = [
        (
            own(plain(row.measure)),
            cell(_value(row), class_="number"),
            _verdict(row),
            cell(_in_3d(picture.in_3d.get(row.measure)), class_="number"),
        )
        for row in rows
    ]
    return grid(("Measurement", "Value", "Against its limit", "In the CT"), cells, "measurements")


def _in_3d(row: CtMeasurement | None) -> str:
    return "–" if row is None or row.value is None else shown_value(row.value, row.unit)


def _verdict(row: Measurement) -> Cell:
    if row.value is None:
        return cell(row.reason)
    limits = " to ".join(shown_value(limit, row.unit) for limit in row.thresholds)
    sign = "▲ " if row.positive else "· "
    words = f"{row.verdict} (limit {limits})"
    return cell(tag("span", sign, aria_hidden="true"), words, class_="over" if row.positive else None)


def _value(row: Measurement) -> str:
    return "–" if row.value is None else shown_value(row.value, row.unit)


def shown_value(value: float, unit: str) -> str:
    """A value with three digits and its unit as people write it.

    >>> shown_value(0.5234, "1"), shown_value(283.4, "mm"), shown_value(70.0, "deg")
    ('0.523', '283 mm', '70°')
    """
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits}{_UNITS.get(unit, f' {unit}')}"
