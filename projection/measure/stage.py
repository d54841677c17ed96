"""Measure: what a radiologist measures on a frontal film, taken from the masks, and outlines for graph models.

Reads ``views`` and ``masks`` of ``project``; writes ``measurements``, each with its landmarks or the reason why it
could not be taken, and ``outlines``. What is measured is data: ``measurements.tsv``; a limit can be set in
``params.yaml``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from curation import rle
from curation.records import Mask, Measurement, Outline, Record, View
from curation.settings import MeasureSettings
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from projection.measure.contours import OUTLINES, outlines
from projection.measure.film import LABELS, measure
from projection.measure.readings import Reading, definitions

VIEWS = tuple(sorted({view for definition in definitions() for view in definition.views}))


@dataclass(frozen=True)
class MeasureItem:
    """A view with the masks that are measured on it."""

    view: View
    masks: Mapping[str, Mask]


def plan(workspace: Workspace) -> list[Item]:
    """Every frontal view: nothing is measured on a lateral."""
    folder = workspace.tables("project")
    masks: dict[str, dict[str, Mask]] = defaultdict(dict)
    for mask in read_rows(Mask, folder):
        if mask.label in LABELS or mask.label in OUTLINES:
            masks[mask.view_id][mask.label] = mask
    return [
        Item(view.view_id, digest(view, list(masks[view.view_id].values())), MeasureItem(view, masks[view.view_id]))
        for view in read_rows(View, folder)
        if view.view in VIEWS
    ]


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The measurements and outlines of one view: a row for each measurement, with a value or a reason."""
    given: MeasureItem = item.payload
    settings: MeasureSettings = batch.settings
    view = given.view
    masks = {label: rle.decode(mask.rle, view.rows, view.columns) for label, mask in given.masks.items()}
    covered = rle.decode(view.coverage, view.rows, view.columns)
    for reading in measure(masks, view.view, view.pixel_spacing_mm, covered, settings.limits):
        yield _measurement(view.view_id, reading)
    for label, points in outlines(masks).items():
        yield Outline(view.view_id, label, tuple(round(float(value), 2) for value in points.ravel()))


def _measurement(view_id: str, reading: Reading) -> Measurement:
    return Measurement(
        view_id=view_id,
        measure=reading.measure,
        value=reading.value,
        unit=reading.unit,
        thresholds=reading.threshold,
        positive=reading.positive,
        verdict=reading.verdict,
        landmarks=tuple(landmark.name for landmark in reading.landmarks),
        points_px=tuple(round(float(value), 2) for landmark in reading.landmarks for value in landmark[1:]),
        part_names=tuple(part.name for part in reading.parts),
        part_values=tuple(float(part.value) for part in reading.parts),
        part_units=tuple(part.unit for part in reading.parts),
        reason=reading.reason,
    )


STAGE = Stage(
    name="measure",
    writes=(Measurement, Outline),
    plan=plan,
    one=one,
)
