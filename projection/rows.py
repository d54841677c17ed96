"""What a projected CT gives, as rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation import rle
from curation.records import (
    CtMeasurement,
    CtQuality,
    LabelGap,
    Mask,
    MaskQuality,
    Picture,
    Record,
    View,
    ViewQuality,
    VisibleMask,
)
from curation.settings import ViewName
from curation.stage import Batch
from curation.store import Place
from projection.appearance import png
from projection.measure import truth
from projection.quality.masks import ViewMasks, correction_order, mask_quality
from projection.quality.view import view_quality
from projection.views import Ready, Shown


@dataclass(frozen=True)
class Category:
    """What a mask's label is: its id, and which stage it came from."""

    category_id: int
    source: str


def masks(view_id: str, made: Shown, categories: Mapping[str, Category]) -> Iterator[Record]:
    """The masks of a view, and those of lungs in the other convention."""
    for label, footprint in made.footprints.items():
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
    for label, mask in made.visible.items():
        yield VisibleMask(view_id, label, mask, rle.area(mask), rle.box(mask, made.pose.size_px))


def pictures(batch: Batch, view_id: str, made: Shown) -> Iterator[Picture]:
    """The view's further pictures; their PNG are stored."""
    found = made.pictures
    scales = {"raw": (found.raw, found.raw_scale)} | {kind: (one, 1.0) for kind, one in found.partners.items()}
    for kind, (one, scale) in scales.items():
        place = batch.store(f"{view_id}.{kind}.png", png(one))
        yield Picture(view_id, kind, found.photometric, scale, place.sha256, place.shard, place.offset, place.length)


def quality(view_id: str, name: ViewName, made: Shown, missing: Mapping[str, str]) -> Iterator[Record]:
    """What the masks of a view are worth, and the view as a whole."""
    size = made.pose.size_px
    seen = ViewMasks(name, made.footprints, size, size, made.pose.pixel_mm, made.coverage)
    judged = mask_quality(seen)
    priorities = {row.label: row.priority for row in correction_order(judged)}
    for row in judged:
        yield MaskQuality(
            view_id=view_id,
            label=row.label,
            score=round(row.score, 4),
            flags=row.flags,
            priority=priorities.get(row.label, 0.0),
            components=row.measures.components,
            main_share=round(row.measures.main_share, 4),
            border_px=row.measures.border_px,
            uncovered_share=round(row.measures.uncovered_share, 4),
            place=tuple(round(float(at), 4) for at in row.measures.place or ()),
            area_mm2=round(row.measures.area_mm2, 2),
        )
    whole = view_quality(seen, judged, missing)
    yield ViewQuality(
        view_id=view_id,
        score=round(whole.score, 4),
        reasons=whole.reasons,
        orientation=whole.measures.orientation,
        absent=tuple(sorted(row.label for row in whole.measures.absent)),
        flawed_share=round(whole.measures.flawed_share, 4),
    )


def of_ct(series_id: str, made: Ready) -> Iterator[Record]:
    """What is known of a CT: its quality, its measurements, and the labels that it does not give."""
    yield _ct_quality(series_id, made)
    yield from _ct_measurements(series_id, made)
    for label, reason in made.derived.missing.items():
        yield LabelGap(series_id, label, reason)


def _ct_quality(series_id: str, made: Ready) -> CtQuality:
    measures = made.quality.measures
    return CtQuality(
        series_id=series_id,
        score=round(made.quality.score, 4),
        reasons=(*made.quality.reasons, *sorted({f"anatomy.{finding.rule}" for finding in made.findings})),
        arms=measures.arms,
        position=measures.position,
        contrast=measures.contrast,
        slice_mm=round(measures.slice_mm, 4),
        body_cut_share=round(measures.body_cut_share, 4),
        lungs_whole=not (measures.lung_cut_top or measures.lung_cut_bottom),
    )


def _ct_measurements(series_id: str, made: Ready) -> Iterator[CtMeasurement]:
    for found in truth.measure(made.body, made.derived.parts):
        yield CtMeasurement(
            series_id=series_id,
            measure=found.measure,
            value=found.value,
            unit=found.unit,
            part_names=tuple(part.name for part in found.parts),
            part_values=tuple(float(part.value) for part in found.parts),
            part_units=tuple(part.unit for part in found.parts),
            reason=found.reason,
        )


def view(view_id: str, series_id: str, view: str, made: Shown, place: Place) -> View:
    """The row of a view whose picture was stored."""
    pose = made.pose
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
        magnification=round(made.magnification, 6),
        coverage=made.coverage,
        photometric=made.pictures.photometric,
        sha256=place.sha256,
        shard=place.shard,
        offset=place.offset,
        length=place.length,
    )


def _rounded(vector: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) + 0.0 for value in vector)
