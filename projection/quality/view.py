"""Whether the masks of one view show what a chest CT should show, the right way round.

A label is due if the middle of its expected place (``expected.expectations``) is a pixel whose ray the CT holds wholly:
what lies beyond the ends of the CT is not asked for. Every rule has an id that stays, words for a reader and a weight;
the score is 1 less the weights of the rules that hold, not below 0. The limits are chosen, not fitted.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation import rle
from projection.quality.expected import Expected, Presence, Range, expectations, expected_of, fits
from projection.quality.masks import LUNGS, Frame, MaskQuality, ViewMasks, correction_order, lungs_frame

Ints = NDArray[np.int64]
_FLIPS = {"as_is": (1, 1), "mirrored": (-1, 1), "upside_down": (1, -1), "turned": (-1, -1)}
_NEEDS = "needs "  # how ``derive.why_not`` begins where another segmentation would give the label


@dataclass(frozen=True)
class Absent:
    """A label that should be there and has no pixel."""

    label: str
    presence: Presence
    reason: str
    """Why not: as the derivation in 3-D gave it, or that it lies off the detector."""


@dataclass(frozen=True)
class ViewMeasures:
    """What is measured of the masks of one view."""

    lungs_seen: int
    """0 to 2; a lung without sides counts as both."""
    placed: bool
    """Whether there is a frame of the lungs to place labels in: one lung in a frontal view needs the thoracic spine."""
    orientation: str
    """How to flip the view so that clearly more labels are in place: as_is, mirrored, upside_down or turned (both)."""
    off_centre_share: float
    """How far the middle of the lungs is from that of the picture, over the picture's size, the larger of x and y."""
    lungs_cut: bool
    """A lung reaches the detector's border, or over 2 % of it lies where the CT ends."""
    must_due: int
    """Labels that any CT which holds their place has."""
    usual_due: int
    absent: tuple[Absent, ...]
    """Those of both that are due and not there, and those that the CT gives and the view does not show."""
    off_detector: int
    """How many of ``absent`` the CT gives."""
    flawed_share: float
    """Of the masks of ``must`` labels, those that need correction."""

    def absent_share(self, presence: Presence) -> float:
        """Of the labels that are due with this presence, how many are absent."""
        due = self.must_due if presence == "must" else self.usual_due
        return sum(row.presence == presence for row in self.absent) / max(due, 1)


@dataclass(frozen=True)
class ViewRule:
    """Something that makes the masks of a view worse."""

    rule_id: str
    words: str
    weight: float
    holds: Callable[[ViewMeasures], bool]


VIEW_RULES = (
    ViewRule("view_no_lungs", "no lung is seen", 1.0, lambda m: m.lungs_seen == 0),
    ViewRule("view_one_lung", "one of the lungs is not seen", 0.3, lambda m: m.lungs_seen == 1),
    ViewRule(
        "view_mirrored",
        "labels fit better in the mirror: left and right, or front and back",
        0.8,
        lambda m: m.orientation in ("mirrored", "turned"),
    ),
    ViewRule(
        "view_upside_down",
        "labels fit better upside down",
        0.8,
        lambda m: m.orientation in ("upside_down", "turned"),
    ),
    ViewRule("view_lungs_cut", "the detector or the end of the CT cuts a lung", 0.3, lambda m: m.lungs_cut),
    # a sixth of a detector of 440 mm is 73 mm: more than patients stand off, and lungs 300 mm long reach the border
    ViewRule("view_off_centre", "the lungs are far from the middle", 0.2, lambda m: m.off_centre_share > 1 / 6),
    ViewRule("view_absent", "labels are absent that any chest shows", 0.2, lambda m: m.absent_share("must") > 0),
    ViewRule("view_many_absent", "over a tenth of them", 0.3, lambda m: m.absent_share("must") > 0.1),
    ViewRule(
        "view_usual_absent", "over a third of the labels that most show", 0.1, lambda m: m.absent_share("usual") > 1 / 3
    ),
    ViewRule(
        "view_off_detector", "labels that the CT gives are not on the detector", 0.2, lambda m: m.off_detector > 0
    ),
    ViewRule("view_flawed", "over a tenth of the masks need correction", 0.2, lambda m: m.flawed_share > 0.1),
)


@dataclass(frozen=True)
class ViewQuality:
    """The verdict: ``reasons`` are the ids of the rules that hold, in the order of ``VIEW_RULES``."""

    measures: ViewMeasures
    score: float
    reasons: tuple[str, ...]


def view_quality(view: ViewMasks, masks: Sequence[MaskQuality], missing: Mapping[str, str]) -> ViewQuality:
    """Judge a view: ``masks`` are what ``mask_quality`` made of it, ``missing`` says why the CT does not give a label.

    Raises InputError if the coverage cannot be read.
    """
    seen = {mask.label: mask for mask in masks if mask.measures.area_px}
    frame = lungs_frame(view.view, {label: mask.measures for label, mask in seen.items()})
    absent = tuple(_absent(_due(view, frame, missing), seen, missing))
    due = [expected_of(label).presence for label in _due(view, frame, missing)]
    must = [label for label in seen if expected_of(label).presence == "must"]
    flawed = {row.label for row in correction_order(masks)}
    lungs = [seen[label].measures for label in LUNGS if label in seen]
    measures = ViewMeasures(
        lungs_seen=len(lungs) or 2 * ("lung" in seen),
        placed=frame is not None,
        orientation=_orientation(view, list(seen.values())) if frame else "as_is",
        off_centre_share=_off_centre_share(view, frame) if frame else 0.0,
        lungs_cut=any(found.border_px > 0 or found.uncovered_share > 0.02 for found in lungs),
        must_due=due.count("must"),
        usual_due=due.count("usual"),
        absent=absent,
        off_detector=sum(row.label not in missing for row in absent),
        flawed_share=round(sum(label in flawed for label in must) / max(len(must), 1), 4),
    )
    return judged(measures)


def judged(measures: ViewMeasures) -> ViewQuality:
    """The score and the reasons that these measures give."""
    held = [rule for rule in VIEW_RULES if rule.holds(measures)]
    score = max(0.0, 1.0 - sum(rule.weight for rule in held))
    return ViewQuality(measures, round(score, 3), tuple(rule.rule_id for rule in held))


def _due(view: ViewMasks, frame: Frame | None, missing: Mapping[str, str]) -> list[str]:
    """Labels that should be there: the lungs always, the others only if there is a frame to expect them in."""
    if frame is None:
        return [*LUNGS]
    start, stop = rle.runs_of_counts(rle.decompress(view.coverage))

    def holds(expected: Expected) -> bool:
        place = _middle(expected.x(view.view)), _middle(expected.y)
        return _covers(start, stop, view, frame.point_px(place))

    asked = {label for label, reason in missing.items() if reason.startswith(_NEEDS)}
    return [
        label
        for label, expected in expectations().items()
        if label in LUNGS or (expected.presence != "may" and label not in asked and holds(expected))
    ]


def _middle(limits: Range) -> float:
    """Of a range; of one without limits, the middle of the lungs."""
    return (limits[0] + limits[1]) / 2 if np.isfinite(limits).all() else 0.0


def _covers(start: Ints, stop: Ints, view: ViewMasks, point_px: tuple[float, float]) -> bool:
    x, y = round(point_px[0]), round(point_px[1])
    if not (0 <= x < view.columns and 0 <= y < view.rows):
        return False
    run = int(np.searchsorted(stop, x * view.rows + y, side="right"))
    return run < len(start) and bool(start[run] <= x * view.rows + y)


def _absent(due: Collection[str], seen: Collection[str], missing: Mapping[str, str]) -> Iterator[Absent]:
    for label, expected in expectations().items():
        given = expected.presence == "must" and label not in missing
        if label not in seen and (label in due or given):
            yield Absent(label, expected.presence, missing.get(label, "not on the detector"))


def _orientation(view: ViewMasks, seen: Sequence[MaskQuality]) -> str:
    """The flip that puts clearly more labels in place than none: by three labels and a tenth of all."""
    places = [(expected_of(mask.label), mask.measures.place) for mask in seen]
    fitting = {
        name: sum(
            place is not None and fits(expected, view.view, (x * place[0], y * place[1])) for expected, place in places
        )
        for name, (x, y) in _FLIPS.items()
    }
    best = max(_FLIPS, key=lambda name: fitting[name])
    return best if fitting[best] - fitting["as_is"] >= max(3, len(places) / 10) else "as_is"


def _off_centre_share(view: ViewMasks, frame: Frame) -> float:
    x, y = frame.middle_px
    return round(max(abs((x + 0.5) / view.columns - 0.5), abs((y + 0.5) / view.rows - 0.5)), 4)
