"""What a projection has beside its masks: geometry, landmarks, outlines, quality, and partner pictures."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from curation.recipes.paxray_checks import RAW
from curation.records import (
    CtMeasurement,
    CtQuality,
    LabelGap,
    MaskQuality,
    Measurement,
    Outline,
    Picture,
    Record,
    ReleaseGeometry,
    ReleaseImage,
    ReleaseLandmark,
    ReleasePicture,
    View,
    ViewQuality,
    VisibleMask,
)
from curation.release.hidden import HIDDEN
from curation.release.images import file_name_of
from curation.release.recipe import Rows, Tables
from curation.release.shards import Member
from curation.release.sources import Sources

R = TypeVar("R", bound=Record)
OfMask = TypeVar("OfMask", Outline, VisibleMask, MaskQuality)
ABOUT = {
    "measurements": "one measurement on one image, with its limits and verdict, or the reason why there is none",
    "landmarks": "one point of one measurement on one image, in pixels",
    "outlines": "the outline of one label on one image, as points in a fixed order",
    "visible_masks": "one lung label on one image as a film shows it, without what heart and diaphragm hide",
    "geometry": "how one image was projected: focal spot, detector, magnification",
    "pictures": (
        "one further picture of an image on its grid: 16-bit twin (of a hidden test no other), bone-suppressed, "
        "bone-only, lung-only"
    ),
    "mask_quality": "one mask: a score, what lowered it, pieces, coverage",
    "view_quality": "one image: whether its masks show what a chest shows, the right way round",
    "ct_quality": "one CT: how the patient lay, what the scan holds, what is wrong with it",
    "ct_measurements": "one measurement taken in 3-D on one CT",
    "label_gaps": "one label that one CT does not give, and why",
}
"""One row is …"""
ANSWERS = (
    *("measurements", "landmarks", "outlines", "visible_masks", "mask_quality", "view_quality", "ct_measurements"),
    "label_gaps",
)


def anatomy(sources: Sources, images: Sequence[ReleaseImage], changed: Collection[tuple[str, str]]) -> Tables:
    """The tables of ``ABOUT``, of these images and their CTs.

    ``changed``: views and labels whose mask readers drew anew or deleted; outlines, quality and visible parts are those
    of the mask as it was projected, and go.
    """
    views = {image.image_id for image in images}
    series = {image.series_id for image in images}
    return {
        "measurements": _of(sources, Measurement, "view_id", views),
        "landmarks": (ReleaseLandmark, list(_landmarks(sources, views))),
        "outlines": _standing(sources, Outline, views, changed),
        "visible_masks": _standing(sources, VisibleMask, views, changed),
        "geometry": (ReleaseGeometry, list(_geometry(sources, views))),
        "pictures": (ReleasePicture, _pictures(sources, {image.image_id: image.split for image in images})),
        "mask_quality": _standing(sources, MaskQuality, views, changed),
        "view_quality": _of(sources, ViewQuality, "view_id", views),
        "ct_quality": _of(sources, CtQuality, "series_id", series),
        "ct_measurements": _of(sources, CtMeasurement, "series_id", series),
        "label_gaps": _of(sources, LabelGap, "series_id", series),
    }


def _of(sources: Sources, record: type[R], column: str, wanted: set[str]) -> Rows:
    return record, [row for row in sources.rows(record) if getattr(row, column) in wanted]


def _standing(sources: Sources, record: type[OfMask], views: set[str], changed: Collection[tuple[str, str]]) -> Rows:
    rows = sources.rows(record)
    return record, [row for row in rows if row.view_id in views and (row.view_id, row.label) not in changed]


def _landmarks(sources: Sources, views: set[str]) -> Iterator[ReleaseLandmark]:
    for row in sources.rows(Measurement):
        if row.view_id in views:
            for number, name in enumerate(row.landmarks):
                x, y = row.points_px[2 * number : 2 * number + 2]
                yield ReleaseLandmark(row.view_id, row.measure, number, name, x, y)


def _geometry(sources: Sources, views: set[str]) -> Iterator[ReleaseGeometry]:
    for row in sources.rows(View):
        if row.view_id in views:
            yield ReleaseGeometry(
                image_id=row.view_id,
                series_id=row.series_id,
                beam=row.beam,
                source_to_detector_mm=row.source_to_detector_mm,
                source_xyz_mm=row.source_xyz_mm,
                detector_origin_xyz_mm=row.detector_origin_xyz_mm,
                detector_x_axis=row.detector_x_axis,
                detector_y_axis=row.detector_y_axis,
                magnification=row.magnification,
                coverage=row.coverage,
            )


def _pictures(sources: Sources, split_of: Mapping[str, str]) -> list[ReleasePicture]:
    """Partners, one folder a kind: ``bone_suppressed/train-00000-of-00001.tar``; file names are those of the images.

    A hidden test has only the 16-bit twins: what shows lungs or bones alone shows their masks.
    """
    made: list[ReleasePicture] = []
    hides = sources.settings.hidden_test
    pictures = [
        row
        for row in sources.rows(Picture)
        if row.view_id in split_of and not (hides and split_of[row.view_id] == HIDDEN and row.kind != RAW)
    ]
    for kind in sorted({row.kind for row in pictures}):
        own = [row for row in pictures if row.kind == kind]
        placed = sources.store(
            kind,
            (Member(file_name_of(row.view_id), split_of[row.view_id], sources.reader("project", row)) for row in own),
        )
        for row in own:
            place = placed[file_name_of(row.view_id)]
            made.append(
                ReleasePicture(
                    image_id=row.view_id,
                    kind=kind,
                    split=split_of[row.view_id],
                    photometric=row.photometric,
                    scale=row.scale,
                    file_name=file_name_of(row.view_id),
                    sha256=place.sha256,
                    shard=place.shard,
                    offset=place.offset,
                    length=place.length,
                )
            )
    return made
