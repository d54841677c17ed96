"""Project: each CT as X-ray views, with every label as a mask.

Reads ``series`` (and through it the CT's instances in ``data/``), ``volumes`` and ``segments``, and the readers'
``consensus``; writes ``views`` and ``pictures`` with their PNG, ``masks`` and ``visible_masks``, and what is to be
known of them: ``mask_quality``, ``view_quality``, ``ct_quality``, ``ct_measurements`` and ``label_gaps``. A mask is the
footprint of its label: the true projection, whatever lies in front of it. A label without a mask is a gap, or lies
outside the detector.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation import runs
from curation.errors import InputError, Rejected, SettingsError
from curation.findings import FINDINGS, name_findings
from curation.records import (
    Consensus,
    CtMeasurement,
    CtQuality,
    Instance,
    LabelGap,
    Mask,
    MaskQuality,
    Picture,
    Reason,
    Record,
    Segment,
    Series,
    View,
    ViewQuality,
    VisibleMask,
    Volume,
)
from curation.settings import ProjectSettings, ViewName
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from projection import rows
from projection.anatomy import anatomy
from projection.anatomy.body import Region, turn_of, turned
from projection.appearance import png
from projection.pose import view_pose
from projection.rows import Category
from projection.views import Ready, Shown, detector_of, ready, shown
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
    """The views of one CT with their masks, and its gaps and quality.

    Raises Rejected: IMPLAUSIBLE_ANATOMY if the labels break a promise (sides swapped, vertebrae out of order),
    EMPTY_PROJECTION if a view shows no label at all, IRREGULAR_GEOMETRY if no ray can be laid.
    """
    given: ProjectItem = item.payload
    settings: ProjectSettings = batch.settings
    ct = load_ct(batch.workspace, given.series)
    try:
        made, categories = _ready(given, ct, load_labels(batch.workspace, given.volume), settings)
        seen = dict(_seen(given.series.series_id, made, settings))
    except (InputError, SettingsError) as error:  # of this CT's grid alone: the others go on
        raise Rejected(Reason.IRREGULAR_GEOMETRY, str(error)) from None
    for (view_id, view), view_shown in seen.items():  # stored when all are there: a reject leaves no bytes behind
        film = batch.store(f"{view_id}.png", png(view_shown.pictures.film))
        yield rows.view(view_id, given.series.series_id, view, view_shown, film)
        yield from rows.masks(view_id, view_shown, categories)
        yield from rows.quality(view_id, view, view_shown, made.derived.missing)
        if settings.partners:
            yield from rows.pictures(batch, view_id, view_shown)
    yield from rows.of_ct(given.series.series_id, made)


def _ready(
    given: ProjectItem, ct: Ct, labels: NDArray[np.uint8], settings: ProjectSettings
) -> tuple[Ready, Mapping[str, Category]]:
    """The CT with anatomy and findings, and what each label is."""
    body = turned(labels, {row.value: row.structure for row in given.segments}, ct.affine, ct.hu_zyx)
    categories = {entry.label: Category(entry.category_id, "segment") for entry in anatomy()}
    turn = turn_of(ct.affine)
    marks: dict[str, Region] = {}
    for label, row in name_findings(given.findings).items():
        marks[label] = turn.region(row.start_zyx, runs.decode_box(row.shape_zyx, row.runs), labels.shape)
        categories[label] = Category(FINDINGS[row.finding], "consensus")
    made = ready(body, marks, settings)
    broken = sorted({finding.rule for finding in made.findings if finding.severity == "reject"})
    if broken:
        raise Rejected(Reason.IMPLAUSIBLE_ANATOMY, f"the labels break the rule of {', '.join(broken)}")
    return made, categories


def _seen(series_id: str, made: Ready, settings: ProjectSettings) -> Iterator[tuple[tuple[str, ViewName], Shown]]:
    for view in settings.views:
        view_id = digest("view", series_id, view)[:16]
        pose = view_pose(view, made.body.affine, made.body.values.shape, detector_of(settings))
        view_shown = shown(made, view, pose, settings, seed=int(view_id, 16))
        if not view_shown.footprints:
            raise Rejected(Reason.EMPTY_PROJECTION, f"{view}: no label reaches {settings.min_area_px} pixels")
        yield (view_id, view), view_shown


STAGE = Stage(
    name="project",
    writes=(View, Picture, Mask, VisibleMask, MaskQuality, ViewQuality, LabelGap, CtQuality, CtMeasurement),
    plan=plan,
    one=one,
)
