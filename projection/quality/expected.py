"""What to expect of each label in a view of a chest: ``expected.tsv``, one row a label of the table of labels.

A place is told in the frame of the lungs: x and y run from -1 to 1 over the box of both lungs, to image right and down,
so that it depends little on the size of patient and detector. ``expected.tsv`` says per label:

    presence            must: a chest CT that holds its place has it; usual: most have; may: its absence says nothing
    whole               yes: a chest CT holds all of it, so that an end of CT or detector should not cut it
    pieces              how many pieces it has at most; 0: any number
    share_min, _max     its area over that of the lungs' box
    y_min, y_max        where its centre lies, in all upright views
    front_x_min, _max   the same in PA and AP
    side_x_min, _max    the same in LAT; RL is its mirror image

The ranges are chosen, not fitted. Middles come from one adult's chest CT in full inspiration, both sides averaged; what
it does not show is placed by topographic anatomy. A range of y reaches 0.25 to both sides at the apices, which stay
at T1, and upwards 0.55 at the bases; downwards it holds what a lung that ends at T10 instead of at L1 makes of it:
1.35 times as far from the apices, and 0.05. One of x reaches 0.35, but not over the midline where the label has a side.
Organs that the lower end of a CT cuts have more room. An area may be from a quarter of the least to three times the
largest of both views and sides; 0 and 9 are no limit.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import inf
from typing import Literal

from curation.settings import ViewName

Presence = Literal["must", "usual", "may"]
Range = tuple[float, float]
FRONTAL: tuple[ViewName, ...] = ("PA", "AP")
_SIDES: Mapping[ViewName, float] = {"LAT": 1.0, "RL": -1.0}
_ANYWHERE: Range = (-inf, inf)


@dataclass(frozen=True)
class Expected:
    """One row of ``expected.tsv``; by default nothing is expected."""

    presence: Presence = "may"
    whole: bool = False
    pieces: int = 0
    share: Range = _ANYWHERE
    y: Range = _ANYWHERE
    front_x: Range = _ANYWHERE
    side_x: Range = _ANYWHERE

    def x(self, view: ViewName) -> Range:
        """Of the centre in this view; anywhere in an oblique one."""
        if view in FRONTAL:
            return self.front_x
        low, high = self.side_x
        return {1.0: (low, high), -1.0: (-high, -low)}.get(_SIDES.get(view, 0.0), _ANYWHERE)


@cache
def expectations() -> Mapping[str, Expected]:
    """What is expected, by label."""
    text = resources.files("projection.quality").joinpath("expected.tsv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return {row["label"]: _expected(row) for row in rows}


def _expected(row: Mapping[str, str]) -> Expected:
    presences: dict[str, Presence] = {"must": "must", "usual": "usual", "may": "may"}
    share, y, front_x, side_x = (
        (float(row[f"{name}_min"]), float(row[f"{name}_max"])) for name in ("share", "y", "front_x", "side_x")
    )
    return Expected(
        presences[row["presence"]], row["whole"] == "yes", int(row["pieces"]), share, y, front_x, side_x
    )  # fmt: skip


def expected_of(label: str) -> Expected:
    """What is expected of a label; nothing of one that the table does not know, such as a finding."""
    return expectations().get(label, Expected())


def fits(expected: Expected, view: ViewName, place: tuple[float, float]) -> bool:
    """Whether a place in the frame of the lungs is within the expected range."""
    pairs = zip(place, (expected.x(view), expected.y), strict=True)
    return all(low <= value <= high for value, (low, high) in pairs)
