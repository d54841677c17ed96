"""The ``paxray`` recipe: projected images, every mask on them, readers' consensus, measurements, grounded phrases.

Named for PAXRay (Seibold et al. 2022, arXiv:2210.03416), whose masks are CT labels projected to X-ray views.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from curation.recipes.readers import ReadersWork
from curation.records import (
    CHEXPERT,
    Agreement,
    Annotation,
    Consensus,
    Grounding,
    Mask,
    Measurement,
    Mention,
    Record,
    ReleaseImage,
    ReleaseLabel,
    ReleasePhrase,
    Report,
    ReportLabel,
    ReportLink,
    View,
)
from curation.release import Sources

FINDING_LABELS = {"nodule": "Lung Lesion"}
"""Readers' findings under their CheXpert label (Irvin et al. 2019: nodules and masses are Lung Lesion)."""
MEASURE_LABELS = {"cardiomegaly": "Cardiomegaly"}
"""Measurements whose verdict is a CheXpert label."""


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Mapping[str, Sequence[Record]]:
    """The recipe's own tables beside the spine, by file name."""
    shown = {image.image_id for image in images}
    series = {image.series_id for image in images}
    readers = ReadersWork(sources, images)
    return {
        "masks": list(readers.masks(row for row in sources.rows(Mask) if row.view_id in shown)),
        "measurements": [row for row in sources.rows(Measurement) if row.view_id in shown],
        "labels": [*_labels(sources, images), *readers.labels()],
        "phrases": list(_phrases(sources, shown)),
        "reads": [row for row in sources.rows(Annotation) if row.series_id in series],
        "consensus": [row for row in sources.rows(Consensus) if row.series_id in series],
        "agreement": list(_agreement(sources, series)),
        **readers.tables(),
    }


def _agreement(sources: Sources, series: set[str]) -> Iterable[Agreement]:
    objects = {row.consensus_id for row in sources.rows(Consensus) if row.series_id in series}
    return (row for row in sources.rows(Agreement) if row.consensus_id in objects)


def _labels(sources: Sources, images: Sequence[ReleaseImage]) -> Iterable[ReleaseLabel]:
    shown = {image.image_id for image in images}
    by_series: dict[str, list[ReleaseImage]] = {}
    for image in images:
        by_series.setdefault(image.series_id, []).append(image)
    for row in sources.rows(Measurement):
        if row.measure in MEASURE_LABELS and row.view_id in shown and row.positive is not None:
            yield ReleaseLabel(row.view_id, MEASURE_LABELS[row.measure], "measurement", row.measure, int(row.positive))
    for found in sources.rows(Consensus):
        if found.finding in FINDING_LABELS:
            for image in by_series.get(found.series_id, ()):
                yield ReleaseLabel(image.image_id, FINDING_LABELS[found.finding], "consensus", found.consensus_id, 1)
    yield from _report_labels(sources, images)


def _report_labels(sources: Sources, images: Sequence[ReleaseImage]) -> Iterable[ReleaseLabel]:
    """Labels of a report on each image of its own study; never on the atlas."""
    by_study: dict[str, list[ReleaseImage]] = {}
    for image in images:
        by_study.setdefault(image.study_id, []).append(image)
    study_of = {link.report_id: link.study_id for link in sources.rows(ReportLink)}
    for row in sources.rows(ReportLabel):
        if row.label_set != CHEXPERT:
            continue
        for image in by_study.get(study_of.get(row.report_id, ""), ()):
            yield ReleaseLabel(image.image_id, row.label, "report", row.report_id, row.state)


def _phrases(sources: Sources, shown: set[str]) -> Iterable[ReleasePhrase]:
    mentions = {row.mention_id: row for row in sources.rows(Mention)}
    reports = {row.report_id: row for row in sources.rows(Report)}
    for row in sources.rows(Grounding):
        if row.view_id in shown:
            mention, report = mentions[row.mention_id], reports[row.report_id]
            yield ReleasePhrase(
                report_id=row.report_id,
                start=mention.start,
                finding=row.finding,
                image_id=row.view_id,
                label=row.label,
                end=mention.end,
                patient_id=report.patient_id,
                split=sources.split_of(report.patient_id),
                assertion=row.assertion,
                laterality=mention.laterality,
                severity=mention.severity,
                reference=row.reference,
                box=row.box,
                licence=report.licence,
            )


def coco(images: Sequence[ReleaseImage], masks: Sequence[Mask]) -> dict[str, Any]:
    """COCO instances (Lin et al. 2014) of some images: masks as compressed RLE, boxes, PAXRay++ category ids."""
    numbers = {image.image_id: number for number, image in enumerate(images, start=1)}
    kept = [mask for mask in masks if mask.view_id in numbers]
    categories: dict[int, tuple[str, str]] = {}  # of all masks, so that every split has the same
    for mask in sorted(masks, key=lambda mask: mask.label):  # nodule before nodule_2: the first gives the name
        categories.setdefault(mask.category_id, (mask.label, mask.source))
    return {
        "images": [
            {"id": numbers[i.image_id], "file_name": i.file_name, "height": i.rows, "width": i.columns, "view": i.view}
            for i in images
        ],
        "categories": [{"id": n, "name": label, "supercategory": s} for n, (label, s) in sorted(categories.items())],
        "annotations": [
            {
                "id": number,
                "image_id": numbers[mask.view_id],
                "category_id": mask.category_id,
                "segmentation": {"size": _size(images, numbers[mask.view_id]), "counts": mask.rle},
                "area": mask.area_px,
                "bbox": list(mask.box),
                "iscrowd": 0,
            }
            for number, mask in enumerate(kept, start=1)
        ],
    }


def _size(images: Sequence[ReleaseImage], number: int) -> list[int]:
    image = images[number - 1]
    return [image.rows, image.columns]


def images(sources: Sources) -> Sequence[View]:
    """Every projected view."""
    return sources.rows(View)
