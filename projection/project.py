"""Project: each CT as X-ray views, with every label as a mask.

Reads ``series`` (and through it the CT's instances in ``data/``), ``volumes`` and ``segments``, and the readers'
``consensus``; writes ``views`` with their PNG, and ``masks``. A mask is the footprint of its label: the true
projection, whatever lies in front of it. A label without a mask is not in the CT or lies outside the detector.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation import runs
from curation.errors import InputError, Rejected, SettingsError
from curation.findings import FINDINGS, name_findings
from curation.records import Consensus, Instance, Mask, Reason, Record, Segment, Series, View, Volume
from curation.settings import ProjectSettings, ViewName
from curation.stage import Batch, Item, Stage
from curation.store import Place, digest, read_rows
from curation.workspace import Workspace
from projection.anatomy import anatomy, anatomy_layers
from projection.appearance import png, render
from projection.raycast import Layers, Pose, Projection, overlay, project, view_geometry, voxel_px
from projection.volume import Ct, load_ct, load_labels


@dataclass(frozen=True)
class ProjectItem:
    """A CT with all that is drawn on it."""

    series: Series
    volume: Volume
    segments: tuple[Segment, ...]
    findings: tuple[Consensus, ...]
    contents: str
    """Digest of its slices' bytes."""


@dataclass(frozen=True)
class Category:
    """What a mask's label is: its id, and which stage it came from."""

    category_id: int
    source: str


def plan(workspace: Workspace) -> list[Item]:
    """Every CT that has a labelmap."""
    volumes = {row.series_id: row for row in read_rows(Volume, workspace.tables("segment"))}
    segments: dict[str, list[Segment]] = defaultdict(list)
    for segment in read_rows(Segment, workspace.tables("segment")):
        segments[segment.series_id].append(segment)
    findings: dict[str, list[Consensus]] = defaultdict(list)
    for finding in read_rows(Consensus, workspace.tables("consensus")):
        if finding.finding in FINDINGS:
            findings[finding.series_id].append(finding)
    slices = {row.instance_id: row.sha256 for row in read_rows(Instance, workspace.tables("deid"))}
    return [
        _item(
            ProjectItem(
                row,
                volumes[row.series_id],
                tuple(segments[row.series_id]),
                tuple(findings[row.series_id]),
                digest([slices[name] for name in row.instance_ids]),
            )
        )
        for row in read_rows(Series, workspace.tables("catalog"))
        if row.series_id in volumes
    ]


def _item(made: ProjectItem) -> Item:
    inputs = digest(made.contents, made.series, made.volume, list(made.segments), list(made.findings))
    return Item(made.series.series_id, inputs, made)


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The views of one CT and their masks.

    Raises Rejected(EMPTY_PROJECTION) if a view shows no label at all, IRREGULAR_GEOMETRY if no ray can be laid.
    """
    given: ProjectItem = item.payload
    settings: ProjectSettings = batch.settings
    ct = load_ct(batch.workspace, given.series)
    layers, categories = layers_of(given, load_labels(batch.workspace, given.volume))
    shown: list[tuple[str, ViewName, Pose, list[Mask], bytes]] = []
    for view in settings.views:
        view_id = digest("view", given.series.series_id, view)[:16]
        pose, projection = _projected(view, ct, layers, settings)
        masks = list(_masks(view_id, projection, categories, settings.min_area_px))
        if not masks:
            raise Rejected(Reason.EMPTY_PROJECTION, f"{view}: no label reaches {settings.min_area_px} pixels")
        picture = png(render(projection.line_integral, voxel_px(pose, ct.affine, ct.hu_zyx.shape)))
        shown.append((view_id, view, pose, masks, picture))
    for view_id, view, pose, masks, picture in shown:  # stored when all are there: a reject leaves no bytes behind
        yield _view(view_id, given.series.series_id, view, pose, batch.store(f"{view_id}.png", picture))
        yield from masks


def _projected(view: ViewName, ct: Ct, layers: Layers, settings: ProjectSettings) -> tuple[Pose, Projection]:
    try:
        pose = view_geometry(view, ct.affine, ct.hu_zyx.shape, settings)
        return pose, project(ct.hu_zyx, layers, ct.affine, pose, settings.min_thickness_mm)
    except (InputError, SettingsError) as error:  # of this CT's grid alone: the others go on
        raise Rejected(Reason.IRREGULAR_GEOMETRY, str(error)) from None


def layers_of(given: ProjectItem, values: NDArray[np.uint8]) -> tuple[Layers, dict[str, Category]]:
    """Anatomy and findings as layers, and what each label is."""
    layers = anatomy_layers(values, {row.value: row.structure for row in given.segments})
    categories = {entry.label: Category(entry.category_id, "segment") for entry in anatomy()}
    boxes = {}
    for label, row in name_findings(given.findings).items():
        boxes[label] = (row.start_zyx, runs.decode_box(row.shape_zyx, row.runs))
        categories[label] = Category(FINDINGS[row.finding], "consensus")
    return overlay(layers, boxes), categories


def _masks(
    view_id: str, projection: Projection, categories: Mapping[str, Category], min_area_px: int
) -> Iterator[Mask]:
    for label, footprint in projection.footprints.items():
        if footprint.area_px >= min_area_px:
            yield Mask(
                view_id=view_id,
                label=label,
                category_id=categories[label].category_id,
                source=categories[label].source,
                rle=footprint.rle,
                area_px=footprint.area_px,
                box=footprint.box,
                mean_thickness_mm=round(footprint.mean_thickness_mm, 3),
            )


def _view(view_id: str, series_id: str, view: str, pose: Pose, place: Place) -> View:
    return View(
        view_id=view_id,
        series_id=series_id,
        view=view,
        beam=pose.beam,
        rows=pose.size_px,
        columns=pose.size_px,
        pixel_spacing_mm=pose.pixel_mm,
        source_to_detector_mm=pose.source_to_detector_mm,
        source_xyz_mm=_rounded(pose.source_mm),
        detector_origin_xyz_mm=_rounded(pose.origin_mm),
        detector_x_axis=_rounded(pose.x_axis),
        detector_y_axis=_rounded(pose.y_axis),
        photometric="MONOCHROME2",
        sha256=place.sha256,
        shard=place.shard,
        offset=place.offset,
        length=place.length,
    )


def _rounded(vector: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) + 0.0 for value in vector)


STAGE = Stage(
    name="project",
    writes=(View, Mask),
    plan=plan,
    one=one,
)
