"""What is measured: the table of the twelve measurements, and what taking one gives.

``measurements.tsv`` is the policy: id, views, unit (UCUM), limits, words of the verdict, the labels that are needed,
the names of the landmarks in their order, the source of the definition, and what the CT gives beside it in 3-D.
``direction`` says when the verdict is positive: the value is ``at least`` or ``below`` the limit, or ``outside`` two.
``cut`` says what follows if a landmark lies at the edge of the picture: a ``reason`` instead of a value, or, for
inclusion, the ``verdict`` itself. Where rays leave the CT it is always a reason: an organ may go on beyond it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from projection.measure.contours import Bools


class Landmark(NamedTuple):
    """A named point in pixels, column and row, 0-based; the centre of a pixel is a whole number."""

    name: str
    x: float
    y: float


class Quantity(NamedTuple):
    """A number that a measurement is made of. On a film mm are mm at the detector, magnified."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Definition:
    """One row of ``measurements.tsv``."""

    id: str
    name: str
    views: tuple[str, ...]
    unit: str
    thresholds: Mapping[str, tuple[float, ...]]
    """One limit for each view; two, a range, where ``direction`` is ``outside``."""
    direction: str
    positive: str
    negative: str
    labels: tuple[str, ...]
    """Masks without which it is not measured."""
    whole: tuple[str, ...]
    """Those of them that must not be cut by the edge of the picture or of the CT."""
    cut: str
    points: tuple[str, ...]
    source: str
    truth: str
    """What the CT gives beside it, if anything."""

    def is_positive(self, value: float, view: str) -> bool:
        """Whether a value is a finding in that view."""
        limits = self.thresholds[view]
        if self.direction == "at least":
            return value >= limits[0]
        if self.direction == "below":
            return value < limits[0]
        return not limits[0] <= value <= limits[1]


@dataclass(frozen=True)
class Taken:
    """A value with the points ``(x, y)`` it was taken at, in the order of the table, and what it is made of."""

    value: float
    points: tuple[tuple[float, float], ...]
    parts: tuple[Quantity, ...]


@dataclass(frozen=True)
class Reading:
    """One measurement on one view: a value with its verdict, or the reason why there is none."""

    measure: str
    landmarks: tuple[Landmark, ...]
    value: float | None
    unit: str
    threshold: tuple[float, ...]
    verdict: str
    """The table's words; empty without a value."""
    positive: bool | None
    parts: tuple[Quantity, ...]
    reason: str
    """Why there is no value; empty with one."""


@dataclass(frozen=True)
class Film:
    """The masks of one view, all of one shape (rows, columns)."""

    masks: Mapping[str, Bools]
    pixel_mm: float
    covered: Bools | None = None
    """Rays that do not leave the CT through its ends."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = next(iter(self.masks.values())).shape
        return rows, columns

    def mask(self, label: str) -> Bools:
        """The mask of a label, which must be there: the table names what each measurement needs."""
        return self.masks[label]

    def mm(self, name: str, pixels: float) -> Quantity:
        """A length at the detector, to a hundredth of a mm."""
        return Quantity(name, round(float(pixels) * self.pixel_mm, 2), "mm")


@cache
def definitions() -> tuple[Definition, ...]:
    """The twelve measurements, in the order of the table."""
    table = resources.files("projection.measure").joinpath("measurements.tsv")
    rows = csv.DictReader(table.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(_definition(row) for row in rows)


def _definition(row: Mapping[str, str]) -> Definition:
    return Definition(
        id=row["id"],
        name=row["name"],
        views=tuple(row["views"].split()),
        unit=row["unit"],
        thresholds={
            view: tuple(float(limit) for limit in row[f"threshold_{view.lower()}"].split())
            for view in row["views"].split()
        },
        direction=row["direction"],
        positive=row["positive"],
        negative=row["negative"],
        labels=_names(row["labels"]),
        whole=_names(row["whole"]),
        cut=row["cut"],
        points=_names(row["points"]),
        source=row["source"],
        truth=row["truth"],
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(", ") if name)
