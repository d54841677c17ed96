"""How good the masks of one view are, and which to correct first.

A place is told in the frame of the lungs: x and y run from -1 to 1 over the box of both lungs, to image right and down.
What is expected there is in ``expected``. Every rule has an id that stays, words for a reader and a weight; a score is
1 less the weights of the rules that hold, not below 0. The limits are chosen, not fitted. Left and right swapped cannot
be seen in a lateral.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError
from curation.settings import ViewName
from projection.anatomy.labels import anatomy
from projection.kernels import regions
from projection.quality.expected import FRONTAL, Expected, Presence, expected_of, fits
from projection.raycast import Footprint

LUNGS = ("right lung", "left lung")
_SPECK_MM2 = 10.0  # 3 mm across: smaller pieces are not worth an annotator's click
_IMPORTANCE: Mapping[Presence, float] = {"must": 1.0, "usual": 0.6, "may": 0.3}


@dataclass(frozen=True)
class ViewMasks:
    """The masks of one view, all of one size."""

    view: ViewName
    footprints: Mapping[str, Footprint]
    rows: int
    columns: int
    pixel_mm: float
    coverage: str
    """COCO RLE of the pixels whose rays the CT holds wholly."""


@dataclass(frozen=True)
class MaskMeasures:
    """What is measured of one mask."""

    area_px: int
    area_mm2: float
    """At the detector, so magnified."""
    components: int
    """Pieces that touch nowhere, corners included, of 10 mm² or more, and the largest."""
    main_share: float
    """Of the area in the largest piece, or in the two largest of a label that has two."""
    border_px: int
    """Pixels on the border of the detector."""
    uncovered_share: float
    """Of the area outside the coverage: the CT's end cuts what these rays meet."""
    centre_px: tuple[float, float]
    """x, y; the centre of pixel (0, 0) is (0, 0)."""
    box_px: tuple[int, int, int, int]
    """Of the components: first x and y, and one past the last."""
    place: tuple[float, float] | None = None
    """The centre in the frame of the lungs; None without lungs or area."""
    box_share: float = 0.0
    """Area over that of the lungs' box."""
    in_place: bool | None = None
    """Whether the place is within the expected range."""
    opposite: bool = False
    """Whether it is out of place, and would not be on the other side of a frontal view."""


@dataclass(frozen=True)
class Rule:
    """Something that makes a mask worse."""

    rule_id: str
    words: str
    weight: float
    correctable: bool
    """Whether an annotator can do something about it."""
    holds: Callable[[MaskMeasures, Expected], bool]


RULES = (
    Rule("mask_empty", "no pixel", 1.0, True, lambda m, _: m.area_px == 0),
    Rule("mask_opposite", "lies on the other side of the body", 0.6, True, lambda m, _: m.opposite),
    Rule(
        "mask_out_of_place",
        "its centre is not where it should be",
        0.4,
        True,
        lambda m, _: m.in_place is False and not m.opposite,
    ),
    Rule(
        "mask_fragmented",
        "over a tenth lies outside its main piece",
        0.3,
        True,
        lambda m, e: e.pieces > 0 and m.area_px > 0 and m.main_share < 0.9,
    ),
    Rule(
        "mask_size",
        "too small or too large beside the lungs",
        0.3,
        True,
        lambda m, e: m.place is not None and not e.share[0] <= m.box_share <= e.share[1],
    ),
    Rule("mask_at_border", "the detector's border cuts it", 0.3, False, lambda m, e: e.whole and m.border_px > 0),
    Rule(
        "mask_uncovered",
        "over a tenth lies where the CT ends",
        0.3,
        False,
        lambda m, e: e.whole and m.uncovered_share > 0.1,
    ),
)
_CORRECTABLE = {rule.rule_id: rule.weight for rule in RULES if rule.correctable}


@dataclass(frozen=True)
class MaskQuality:
    """The verdict on one mask: ``flags`` are the ids of the rules that hold, in the order of ``RULES``."""

    label: str
    measures: MaskMeasures
    score: float
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Correction:
    """A mask that is worth an annotator's time."""

    label: str
    priority: float
    """0 to 1: what a correction would win, times how much the label counts."""
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Frame:
    """The box of both lungs, in pixels: its middle and half its size, x and y."""

    middle_px: tuple[float, float]
    half_px: tuple[float, float]

    def place(self, centre_px: tuple[float, float]) -> tuple[float, float]:
        """A point in the frame."""
        x, y = ((c - m) / h for c, m, h in zip(centre_px, self.middle_px, self.half_px, strict=True))
        return x, y

    def point_px(self, place: tuple[float, float]) -> tuple[float, float]:
        """Back to pixels."""
        x, y = (m + p * h for p, m, h in zip(place, self.middle_px, self.half_px, strict=True))
        return x, y


def mask_quality(view: ViewMasks) -> list[MaskQuality]:
    """Measure and judge each mask of a view, in the order of its footprints.

    Raises InputError if a mask or the coverage cannot be read or is not of the view's size.
    """
    measured = _measured(view)
    frame = lungs_frame(view.view, measured)
    return [_judged(label, found, view.view, frame) for label, found in measured.items()]


def lungs_frame(view: ViewName, measured: Mapping[str, MaskMeasures]) -> Frame | None:
    """The frame of the lungs; None if there is none.

    With one lung only, a frontal view's frame is mirrored at the thoracic spine; without that there is none.
    """
    seen = {label: found for label, found in measured.items() if found.area_px}
    names = [name for name in LUNGS if name in seen] or [name for name in ("lung",) if name in seen]
    if not names:
        return None
    boxes = [seen[name].box_px for name in names]
    left, top = (float(min(box[i] for box in boxes)) for i in (0, 1))
    right, bottom = (float(max(box[i] for box in boxes)) for i in (2, 3))
    if len(names) == 1 and names[0] in LUNGS and view in FRONTAL:
        if "thoracic spine" not in seen:
            return None
        spine = seen["thoracic spine"].centre_px[0] + 0.5
        reach = max(spine - left, right - spine)
        left, right = spine - reach, spine + reach
    return Frame(((left + right - 1) / 2, (top + bottom - 1) / 2), ((right - left) / 2, (bottom - top) / 2))


def correction_order(masks: Iterable[MaskQuality]) -> list[Correction]:
    """The masks to correct, the most rewarding first, then by label.

    What an annotator cannot mend does not count. A whole is left out if a part of it is there with the same flag: it
    follows from its parts.
    """
    flags = {mask.label: tuple(flag for flag in mask.flags if flag in _CORRECTABLE) for mask in masks}
    explained = {(whole, flag) for label, found in flags.items() for whole in _wholes(label) for flag in found}
    left = {label: tuple(flag for flag in found if (label, flag) not in explained) for label, found in flags.items()}
    asked = [Correction(label, _priority(label, found), found) for label, found in left.items() if found]
    return sorted(asked, key=lambda row: (-row.priority, row.label))


def _priority(label: str, flags: Iterable[str]) -> float:
    gain = min(1.0, sum(_CORRECTABLE[flag] for flag in flags))
    return round(gain * _IMPORTANCE[expected_of(label).presence], 3)


@cache
def _wholes(label: str) -> frozenset[str]:
    """All labels that hold this one, by the table of labels."""
    direct = {row.label for row in anatomy() if label in row.labels}
    direct |= {row.parent for row in anatomy() if row.label == label and row.parent}
    return frozenset(direct).union(*(_wholes(whole) for whole in direct))


def _judged(label: str, found: MaskMeasures, view: ViewName, frame: Frame | None) -> MaskQuality:
    expected = expected_of(label)
    placed = _placed(found, expected, view, frame) if frame and found.area_px else found
    held = [rule for rule in RULES if rule.holds(placed, expected)]
    score = max(0.0, 1.0 - sum(rule.weight for rule in held))
    return MaskQuality(label, placed, round(score, 3), tuple(rule.rule_id for rule in held))


def _placed(found: MaskMeasures, expected: Expected, view: ViewName, frame: Frame) -> MaskMeasures:
    x, y = frame.place(found.centre_px)
    in_place = fits(expected, view, (x, y))
    return replace(
        found,
        place=(round(x, 4), round(y, 4)),
        box_share=round(found.area_px / (4 * frame.half_px[0] * frame.half_px[1]), 6),
        in_place=in_place,
        opposite=view in FRONTAL and not in_place and fits(expected, view, (-x, y)),
    )


def _measured(view: ViewMasks) -> dict[str, MaskMeasures]:
    """What the runs of the masks give, all in one call of the kernel."""
    if not view.footprints:
        return {}
    runs = [_runs(found.rle, view) for found in view.footprints.values()]
    edges = np.cumsum([0, *(len(start) for start, _ in runs)])
    start, stop = (np.concatenate(ends) for ends in zip(*runs, strict=True))
    covered = _runs(view.coverage, view)
    least_px = ceil(_SPECK_MM2 / view.pixel_mm**2)
    found = regions.measure(start, stop, edges, *covered, view.rows, view.columns, least_px)
    return {
        label: _measures(row, expected_of(label), view.pixel_mm)
        for label, row in zip(view.footprints, found.tolist(), strict=True)
    }


def _runs(text: str, view: ViewMasks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts = rle.decompress(text)
    if (counts < 0).any() or counts.sum() != view.rows * view.columns:
        raise InputError(f"a mask's run lengths do not fill {view.rows} rows by {view.columns} columns")
    return rle.runs_of_counts(counts)


def _measures(row: Sequence[int], expected: Expected, pixel_mm: float) -> MaskMeasures:
    area = row[regions.AREA]
    of_area = max(area, 1)
    main = row[regions.LARGEST] + (row[regions.SECOND] if expected.pieces == 2 else 0)
    return MaskMeasures(
        area_px=area,
        area_mm2=round(area * pixel_mm**2, 3),
        components=row[regions.PIECES],
        main_share=round(main / of_area, 6),
        border_px=row[regions.BORDER],
        uncovered_share=round((area - row[regions.COVERED]) / of_area, 6),
        centre_px=(row[regions.SUM_X] / of_area, row[regions.SUM_Y_TWICE] / (2 * of_area)),
        box_px=(row[regions.LEFT], row[regions.TOP], row[regions.RIGHT], row[regions.BOTTOM]),
    )
