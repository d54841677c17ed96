"""The ``paxray`` recipe: projected images, every mask on them, readers' consensus, measurements, grounded phrases.

Named for PAXRay (Seibold et al. 2022, arXiv:2210.03416), whose masks are CT labels projected to X-ray views.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from curation.recipes.anatomy import ABOUT, ANSWERS, anatomy
from curation.recipes.classification_checks import wrong_targets
from curation.recipes.image_labels import REPORT_TRAIL, image_labels, report_cells, report_trail, subjects_of
from curation.recipes.paxray_checks import wrong_landmarks, wrong_masks, wrong_pictures
from curation.recipes.readers import TRAIL, ReadersWork
from curation.recipes.targets import policy_of, targets
from curation.records import (
    CHEXPERT,
    Agreement,
    Annotation,
    Consensus,
    Grounding,
    LabelMapRow,
    Mask,
    Mention,
    ReleaseImage,
    ReleaseLabel,
    ReleasePhrase,
    ReleaseTarget,
    Report,
)
from curation.release.recipe import PROJECTION, Recipe, Tables
from curation.release.sources import Sources
from curation.settings import TargetSettings


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name."""
    shown = {image.image_id for image in images}
    series = {image.series_id for image in images}
    readers = ReadersWork(sources, images)
    masks = list(readers.masks(row for row in sources.rows(Mask) if row.view_id in shown))
    labels = [*image_labels(sources, images), *readers.labels()]
    label_map = [row for row in sources.rows(LabelMapRow) if row.label_set == CHEXPERT]
    splits = {image.image_id: image.split for image in images}
    subjects = subjects_of(sources, images)
    silent = report_cells(sources, subjects, (CHEXPERT,))
    policy = policy_of(cast(TargetSettings, sources.settings))
    return {
        "masks": (Mask, masks),
        "labels": (ReleaseLabel, labels),
        "targets": (ReleaseTarget, list(targets(labels, label_map, splits, policy, silent))),
        "label_map": (LabelMapRow, label_map),
        "phrases": (ReleasePhrase, list(_phrases(sources, {(row.view_id, row.label): row.box for row in masks}))),
        "reads": (Annotation, [row for row in sources.rows(Annotation) if row.series_id in series]),
        "consensus": (Consensus, [row for row in sources.rows(Consensus) if row.series_id in series]),
        "agreement": (Agreement, list(_agreement(sources, series))),
        **anatomy(sources, images, readers.changed),
        **report_trail(sources, subjects, labels),
        **readers.tables(),
    }


def _agreement(sources: Sources, series: set[str]) -> Iterable[Agreement]:
    objects = {row.consensus_id for row in sources.rows(Consensus) if row.series_id in series}
    return (row for row in sources.rows(Agreement) if row.consensus_id in objects)


def _phrases(sources: Sources, boxes: Mapping[tuple[str, str], tuple[int, ...]]) -> Iterable[ReleasePhrase]:
    """Findings on the masks that are there, as they are; ``boxes`` by view and label."""
    mentions = {row.mention_id: row for row in sources.rows(Mention)}
    reports = {row.report_id: row for row in sources.rows(Report)}
    for row in sources.rows(Grounding):
        if (row.view_id, row.label) in boxes:
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
                box=boxes[row.view_id, row.label],
                licence=report.licence,
            )


def coco(images: Sequence[ReleaseImage], masks: Sequence[Mask]) -> dict[str, Any]:
    """COCO instances (Lin et al. 2014) of some images: masks as compressed RLE, boxes, PAXRay++ category ids."""
    numbers = {image.image_id: number for number, image in enumerate(images, start=1)}
    kept = [mask for mask in masks if mask.view_id in numbers]
    categories = _categories(masks)  # of all masks, so that every split has the same
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


def _categories(masks: Sequence[Mask]) -> dict[int, tuple[str, str]]:
    """Name and source of each category id."""
    categories: dict[int, tuple[str, str]] = {}
    for mask in sorted(masks, key=lambda mask: mask.label):  # nodule before nodule_2: the first gives the name
        categories.setdefault(mask.category_id, (mask.label, mask.source))
    return categories


def _size(images: Sequence[ReleaseImage], number: int) -> list[int]:
    image = images[number - 1]
    return [image.rows, image.columns]


def documents(tables: Tables) -> dict[str, Any]:
    """COCO files, one for each split that has images, and the names of PAXRay++'s categories."""
    images = cast(Sequence[ReleaseImage], tables["images"][1])
    masks = cast(Sequence[Mask], tables["masks"][1])
    files = {
        f"coco/instances_{split}.json": coco([image for image in images if image.split == split], masks)
        for split in sorted({image.split for image in images})
    }
    return {**files, "label_dict.json": {str(number): name for number, (name, _) in sorted(_categories(masks).items())}}


RECIPE = Recipe(
    name="paxray",
    tags=("chest-x-ray", "segmentation", "anatomy"),
    kinds=(PROJECTION,),
    about={
        "masks": "one label on one image as COCO RLE, with area, box and mean thickness in mm",
        "labels": "one label of one image from one source; 1 present, 0 absent, -1 uncertain, null not mentioned",
        "targets": "one label of one image, all sources as one; 1, 0, or null: left out of the loss",
        "label_map": "one label of one label set, in its published order, with the findings that give it",
        "phrases": "one finding of one report, by character offsets, on one image; no report text",
        "reads": "one outline by one reader on one CT slice, as drawn",
        "consensus": "one object that readers agree on, as runs over a box of the CT grid",
        "agreement": "the Dice overlap of two readers on one object",
        **ABOUT,
        **REPORT_TRAIL,
        **TRAIL,
    },
    tables=tables,
    answers=(
        *("masks", "labels", "targets", "phrases", "reads", "consensus", "agreement", "report_labels", "mentions"),
        *ANSWERS,
        *TRAIL,
    ),
    checks=(wrong_targets, wrong_masks, wrong_landmarks, wrong_pictures),
    files=documents,
)
