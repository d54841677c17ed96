"""Segment: the labels of every CT voxel.

Reads ``series`` of the catalog and ``labelmaps`` with their ``labelmap_structures`` of ``data/``; writes ``volumes``
(labels on the CT's own grid) and ``segments`` (what they hold). Engine "import" takes the labelmap that came with the
CT. Values stay as they are in the file and mean what its own table says: engines renumber their classes between
versions (costal cartilages are 118 in older TotalSegmentator releases and 117 in 2.18), names stay.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.errors import Rejected
from curation.records import Labelmap, LabelmapStructure, Reason, Record, Segment, Series, Volume
from curation.settings import SegmentSettings
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_member, read_rows
from curation.workspace import Workspace
from projection.volume import grid_affine, onto_grid, pack_labels, read_labelmap

_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class SeriesItem:
    """A CT with the labelmap that came with it, and what the labelmap's values stand for."""

    series: Series
    labelmap: Labelmap | None
    names: Mapping[int, str]


@dataclass(frozen=True)
class SpareLabelmapItem:
    """A labelmap that no volume is made from."""

    reason: Reason
    detail: str


def plan(workspace: Workspace) -> list[Item]:
    """Every CT series of the catalog, and every labelmap that is not its series' first."""
    data = workspace.tables("deid")
    series = [row for row in read_rows(Series, workspace.tables("catalog")) if row.modality == "CT"]
    names: dict[str, dict[int, str]] = defaultdict(dict)
    for structure in read_rows(LabelmapStructure, data):
        names[structure.labelmap_id][structure.value] = structure.structure
    labelmaps: dict[str, list[Labelmap]] = defaultdict(list)
    for labelmap in read_rows(Labelmap, data):  # sorted by labelmap_id, so the choice is always the same
        labelmaps[labelmap.series_id].append(labelmap)
    items = [_series_item(row, labelmaps.get(row.series_id, []), names) for row in series]
    return [*items, *_spare_items({row.series_id for row in series}, labelmaps)]


def _series_item(series: Series, labelmaps: list[Labelmap], names: Mapping[str, Mapping[int, str]]) -> Item:
    chosen = labelmaps[0] if labelmaps else None
    meaning = dict(names.get(chosen.labelmap_id, {})) if chosen else {}
    inputs = digest(series, chosen, sorted(meaning.items()))
    return Item(f"series:{series.series_id}", inputs, SeriesItem(series, chosen, meaning))


def _spare_items(series_ids: set[str], labelmaps: Mapping[str, list[Labelmap]]) -> Iterator[Item]:
    for series_id, rows in sorted(labelmaps.items()):
        if series_id in series_ids:
            spare = SpareLabelmapItem(Reason.LABELMAP_NOT_CHOSEN, "another labelmap of its series comes first")
        else:
            spare = SpareLabelmapItem(Reason.LABELMAP_WITHOUT_SERIES, "its CT is not in the catalog: see its rejects")
        for row in rows[1:] if series_id in series_ids else rows:
            yield Item(f"labelmap:{row.labelmap_id}", digest(spare.reason), spare)


def one(batch: Batch, item: Item) -> Iterable[Record]:
    """The volume and the segments of one CT."""
    match item.payload:
        case SpareLabelmapItem(reason, detail):
            raise Rejected(reason, detail)
        case SeriesItem(_, None):
            raise Rejected(Reason.NO_LABELMAP, "no labelmap came with this CT")
        case SeriesItem(series, Labelmap() as labelmap, names):
            return _imported(batch, series, labelmap, names)
    raise TypeError(f"segment has no item of type {type(item.payload).__name__}")


def _imported(batch: Batch, series: Series, labelmap: Labelmap, names: Mapping[int, str]) -> list[Record]:
    settings: SegmentSettings = batch.settings
    data = read_member(batch.workspace.tables("deid"), labelmap.shard, labelmap.offset, labelmap.length)
    stored, affine = read_labelmap(data)
    labels = onto_grid(stored, affine, series.shape_zyx, grid_affine(series), settings.grid_tolerance_mm)
    segments = found_segments(series, labels, names)
    place = batch.store(f"{series.series_id}.npy.gz", pack_labels(labels))
    volume = Volume(
        series_id=series.series_id,
        labelmap_id=labelmap.labelmap_id,
        engine=labelmap.engine,
        sha256=hashlib.sha256(labels.data).hexdigest(),
        shard=place.shard,
        offset=place.offset,
        length=place.length,
    )
    return [volume, *segments]


def found_segments(series: Series, labels_zyx: NDArray[np.uint8], names: Mapping[int, str]) -> list[Segment]:
    """The structures that labels hold; 0 is background.

    Raises Rejected(LABELMAP_UNKNOWN_VALUE) if a value has no name or another's, Rejected(NO_LABELMAP) if there is
    nothing but background.
    """
    counts = np.bincount(labels_zyx.ravel(), minlength=256)
    values = [value for value in np.flatnonzero(counts).tolist() if value]
    unnamed = [value for value in values if not names.get(value)]
    if unnamed:
        raise Rejected(Reason.LABELMAP_UNKNOWN_VALUE, f"{len(unnamed)} of {len(values)} values have no name")
    if len({names[value] for value in values}) < len(values):
        raise Rejected(Reason.LABELMAP_UNKNOWN_VALUE, "two values have one name")
    if not values:
        raise Rejected(Reason.NO_LABELMAP, "the labelmap holds nothing but background")
    z_mm, y_mm, x_mm = series.spacing_zyx_mm
    voxel_ml = z_mm * y_mm * x_mm / _MM3_PER_ML
    return [
        Segment(series.series_id, value, names[value], int(counts[value]), round(int(counts[value]) * voxel_ml, 4))
        for value in values
    ]


STAGE = Stage(
    name="segment",
    writes=(Volume, Segment),
    plan=plan,
    one=one,
)
