"""Measure: what a radiologist measures on a film, taken from the masks.

Reads ``views`` and ``masks`` of ``project``; writes ``measurements``, each with the points it was taken at.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.errors import Rejected
from curation.records import Mask, Measurement, Reason, Record, View
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from projection import rle

HEART, LUNGS = "heart", "lung"
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class MeasureItem:
    """A view with the masks that are measured on it."""

    view: View
    masks: dict[str, Mask]


def plan(workspace: Workspace) -> list[Item]:
    """Every PA view: an AP view magnifies the heart, and a lateral does not show its width."""
    folder = workspace.tables("project")
    masks: dict[str, dict[str, Mask]] = defaultdict(dict)
    for mask in read_rows(Mask, folder):
        if mask.label in (HEART, LUNGS):
            masks[mask.view_id][mask.label] = mask
    return [
        Item(view.view_id, digest(view, list(masks[view.view_id].values())), MeasureItem(view, masks[view.view_id]))
        for view in read_rows(View, folder)
        if view.view == "PA"
    ]


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The measurements of one view; raises Rejected(MASK_MISSING) if heart or lungs are not on it."""
    given: MeasureItem = item.payload
    absent = [label for label in (HEART, LUNGS) if label not in given.masks]
    if absent:
        raise Rejected(
            Reason.MASK_MISSING, f"expected masks of heart and lung, there is none of {' and '.join(absent)}"
        )
    view = given.view
    heart, lungs = (rle.decode(given.masks[label].rle, view.rows, view.columns) for label in (HEART, LUNGS))
    ratio, points = cardiothoracic_ratio(heart, lungs)
    threshold = batch.settings.cardiothoracic_ratio
    yield Measurement(view.view_id, "cardiothoracic_ratio", ratio, "1", threshold, ratio >= threshold, points)


def cardiothoracic_ratio(heart: Bools, lungs: Bools) -> tuple[float, tuple[float, ...]]:
    """Transverse diameter of the heart over the inner diameter of the thorax, to 4 digits, on masks (rows, columns).

    After Danzer (Am J Med Sci 157:513, 1919): the heart's diameter is the distance from its rightmost to its leftmost
    border, each at the level where it lies farthest out; the thorax's is the widest span of the lungs (which end at the
    inner border of the ribs) on one level. Returns also four points (x, y) in pixel centres: the heart's border at
    image left and right, then the thorax's. TotalSegmentator's heart lacks the pericardial fat that the silhouette on a
    film includes. Both masks must have a pixel.
    """
    columns = np.flatnonzero(heart.any(axis=0))
    heart_points = [(int(x), int(np.median(np.flatnonzero(heart[:, x])))) for x in (columns[0], columns[-1])]
    left, right = lungs.argmax(axis=1), lungs.shape[1] - 1 - lungs[:, ::-1].argmax(axis=1)
    widths = np.where(lungs.any(axis=1), right - left + 1, 0)
    row = int(widths.argmax())
    thorax_points = [(int(left[row]), row), (int(right[row]), row)]
    ratio = (heart_points[1][0] - heart_points[0][0] + 1) / int(widths[row])
    return round(ratio, 4), tuple(float(value) for point in (*heart_points, *thorax_points) for value in point)


STAGE = Stage(
    name="measure",
    writes=(Measurement,),
    plan=plan,
    one=one,
)
