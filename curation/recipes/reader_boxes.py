"""The ``reader-boxes`` recipe: every reader's boxes on every image that was read, and the boxes that stand for them.

Laid out as VinDr-CXR's (Nguyen et al. 2022, Sci Data 9:429): readers' own rows under ``rad_id``, in pixels of the
original image. The COCO files are in pixels of the release's PNG, which may be smaller.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from curation import rle
from curation.findings import FINDINGS, name_findings
from curation.recipes.outlines import Corners
from curation.recipes.reader_boxes_checks import CHECKS
from curation.recipes.readers import TRAIL, ReadersWork
from curation.recipes.readings import ADJUDICATION, Reading, images_read, readings
from curation.records import (
    SPLITS,
    Annotation,
    Consensus,
    Decision,
    DecisionMark,
    LabelMapRow,
    Mask,
    ReleaseBox,
    ReleaseConsensusBox,
    ReleaseImage,
    ReleaseImageLabel,
    ReleaseRead,
    Task,
)
from curation.release.recipe import PROJECTION, RADIOGRAPH, Recipe, Rows, Tables
from curation.release.sources import Sources

VINDR = "vindr"
"""The label set that readers who draw boxes are asked for."""
_DECIMALS = 3


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name."""
    found = readings(sources, images)
    series = {image.series_id for image in images if image.kind == PROJECTION}
    return {
        **{
            f"annotations_{split}": (
                ReleaseBox,
                [row for one in found if one.image.split == split for row in boxes(one)],
            )
            for split in SPLITS
        },
        "reads": (ReleaseRead, [read(one) for one in found]),
        "image_labels": (ReleaseImageLabel, [row for one in found for row in image_labels(one)]),
        "consensus": (ReleaseConsensusBox, [*_decided(sources, images), *_projected(sources, images)]),
        "label_map": (LabelMapRow, [row for row in sources.rows(LabelMapRow) if row.label_set == VINDR]),
        "ct_outlines": (Annotation, [row for row in sources.rows(Annotation) if row.series_id in series]),
        **ReadersWork(sources, images).tables((Task.FINDING_BOXES,)),
    }


# --- readers -----------------------------------------------------------------------------------------------


def boxes(one: Reading) -> Iterator[ReleaseBox]:
    """A row for each box of a reading."""
    for number, (finding, corners, source_id) in enumerate(one.boxes):
        x_min, y_min, x_max, y_max = (round(side, _DECIMALS) for side in corners)
        yield ReleaseBox(
            image_id=one.image.image_id,
            rad_id=one.rad_id,
            reading=one.number,
            number=number,
            patient_id=one.image.patient_id,
            class_name=finding,
            x_min=x_min,
            y_min=y_min,
            x_max=x_max,
            y_max=y_max,
            at=one.at,
            source=one.source,
            source_id=source_id,
        )


def read(one: Reading) -> ReleaseRead:
    """The row of a reading, also of one without a box."""
    return ReleaseRead(
        image_id=one.image.image_id,
        rad_id=one.rad_id,
        reading=one.number,
        split=one.image.split,
        n_boxes=len(one.boxes),
        at=one.at,
        seconds=one.seconds,
        source=one.source,
    )


def image_labels(one: Reading) -> Iterator[ReleaseImageLabel]:
    """What a reading says of the whole image."""
    for finding, (state, source_id) in one.states.items():
        yield ReleaseImageLabel(one.image.image_id, one.rad_id, one.number, finding, one.image.split, state, source_id)


# --- consensus ---------------------------------------------------------------------------------------------


def _decided(sources: Sources, images: Sequence[ReleaseImage]) -> Iterator[ReleaseConsensusBox]:
    """Boxes that stand for those that several readers drew, or an adjudicator's."""
    shown = {image.image_id: image for image in images}
    asked = {(row.task, row.subject_id, row.question): row.n_readers for row in sources.rows(Decision)}
    for row in sources.rows(DecisionMark):
        if row.task is Task.FINDING_BOXES and row.subject_id in shown and row.box:
            x, y, width, height = row.box
            n_readers = 1 if row.method == ADJUDICATION else asked[row.task, row.subject_id, row.label]
            who = (row.reader_ids, n_readers, row.event_ids)
            place = (x, y, x + width, y + height)
            yield _consensus(shown[row.subject_id], (row.label, row.number, row.method), who, place)


def _projected(sources: Sources, images: Sequence[ReleaseImage]) -> Iterator[ReleaseConsensusBox]:
    """Boxes around the masks of what readers agree on in the CT."""
    by_series: dict[str, list[Consensus]] = {}
    for row in sources.rows(Consensus):
        by_series.setdefault(row.series_id, []).append(row)
    masks = {(row.view_id, row.label): row for row in sources.rows(Mask) if row.source == "consensus"}
    for image in images:
        numbers = dict.fromkeys(FINDINGS, 0)
        for label, row in name_findings(by_series.get(image.series_id, ())).items():
            mask = masks.get((image.image_id, label))
            if mask:
                x, y, width, height = rle.box(mask.rle, image.original_rows)
                who = (row.reader_ids, row.n_readers, row.object_ids)
                place = (x, y, x + width, y + height)
                yield _consensus(image, (row.finding, numbers[row.finding], row.method), who, place)
                numbers[row.finding] += 1


def _consensus(
    image: ReleaseImage,
    what: tuple[str, int, str],
    who: tuple[tuple[str, ...], int, tuple[str, ...]],
    place: Corners,
) -> ReleaseConsensusBox:
    """``what`` is finding, number and method; ``who`` is who marked it, of how many, and where it is from."""
    finding, number, method = what
    reader_ids, n_readers, source_ids = who
    x_min, y_min, x_max, y_max = (round(float(side), _DECIMALS) for side in place)
    return ReleaseConsensusBox(
        image_id=image.image_id,
        class_name=finding,
        number=number,
        patient_id=image.patient_id,
        split=image.split,
        method=method,
        votes=len(reader_ids),
        n_readers=n_readers,
        score=round(len(reader_ids) / n_readers, 4),
        x_min=x_min,
        y_min=y_min,
        x_max=x_max,
        y_max=y_max,
        rad_ids=reader_ids,
        source_ids=source_ids,
    )


# --- COCO --------------------------------------------------------------------------------------------------


def on_picture(image: ReleaseImage, corners: Corners) -> Corners:
    """Corners in pixels of the original image as those of the release's PNG."""
    across, down = image.columns / image.original_columns, image.rows / image.original_rows
    return corners[0] * across, corners[1] * down, corners[2] * across, corners[3] * down


def documents(tables: Tables) -> dict[str, Any]:
    """COCO files of the consensus and of all readers, for each split that has images."""
    images = cast(Sequence[ReleaseImage], tables["images"][1])
    consensus = cast(Sequence[ReleaseConsensusBox], tables["consensus"][1])
    drawn = [row for split in SPLITS for row in cast(Sequence[ReleaseBox], tables[f"annotations_{split}"][1])]
    used = {row.class_name for row in consensus} | {row.class_name for row in drawn}
    numbers = categories(tables["label_map"], used)
    files: dict[str, Any] = {}
    for split in sorted({image.split for image in images}):
        own = [image for image in images if image.split == split]
        files[f"coco/annotations_{split}.json"] = coco(own, consensus, numbers)
        files[f"coco/readers_{split}.json"] = coco(own, drawn, numbers)
    return files


def categories(label_map: Rows, used: set[str]) -> Mapping[str, int]:
    """Category ids from 1: VinDr-CXR's labels in their published order, then others by name."""
    ordered = sorted(cast(Sequence[LabelMapRow], label_map[1]), key=lambda row: row.position)
    known = [row.label for row in ordered]
    others = sorted((used | FINDINGS.keys()) - set(known))
    return {name: number for number, name in enumerate((*known, *others), start=1)}


def coco(
    images: Sequence[ReleaseImage], boxes: Sequence[ReleaseBox | ReleaseConsensusBox], numbers: Mapping[str, int]
) -> dict[str, Any]:
    """COCO instances (Lin et al. 2014) of some images: boxes without masks, in pixels of the PNG."""
    shown = {image.image_id: (number, image) for number, image in enumerate(images, start=1)}
    ordered = sorted((row for row in boxes if row.image_id in shown), key=_order)
    return {
        "images": [
            {"id": n, "file_name": i.file_name, "height": i.rows, "width": i.columns, "image_id": i.image_id}
            for n, i in shown.values()
        ],
        "categories": [{"id": number, "name": name} for name, number in numbers.items()],
        "annotations": [
            {"id": number, "category_id": numbers[row.class_name], **_annotation(row, *shown[row.image_id])}
            for number, row in enumerate(ordered, start=1)
        ],
    }


def _order(row: ReleaseBox | ReleaseConsensusBox) -> tuple[str, str, int, int]:
    if isinstance(row, ReleaseBox):
        return row.image_id, row.rad_id, row.reading, row.number
    return row.image_id, row.class_name, 0, row.number


def _annotation(row: ReleaseBox | ReleaseConsensusBox, number: int, image: ReleaseImage) -> dict[str, Any]:
    left, top, right, bottom = on_picture(image, (row.x_min, row.y_min, row.x_max, row.y_max))
    width, height = right - left, bottom - top
    told: dict[str, Any] = (
        {"rad_id": row.rad_id, "reading": row.reading}
        if isinstance(row, ReleaseBox)
        else {"score": row.score, "votes": row.votes, "n_readers": row.n_readers, "method": row.method}
    )
    return {
        "image_id": number,
        "bbox": [round(side, _DECIMALS) for side in (left, top, width, height)],
        "area": round(width * height, _DECIMALS),
        "iscrowd": 0,
        **told,
    }


RECIPE = Recipe(
    name="reader-boxes",
    tags=("chest-x-ray", "object-detection", "reader-study"),
    kinds=(RADIOGRAPH, PROJECTION),
    chooses=lambda sources: images_read(sources).__contains__,
    about={
        **{
            f"annotations_{split}": f"one box by one reader on one {split} image, in pixels of the original"
            for split in SPLITS
        },
        "reads": "one reading of one image by one reader, also where the reader found nothing",
        "image_labels": "one finding of one image by one reader; 1 present, 0 absent, -1 uncertain",
        "consensus": "one box that stands for several readers', with votes and method",
        "label_map": "one of VinDr-CXR's labels, in its published order; COCO category ids follow it",
        "ct_outlines": "one outline by one reader on one CT slice, as drawn",
        **TRAIL,
    },
    tables=tables,
    answers=("annotations_test", "reads", "image_labels", "consensus", "ct_outlines", *TRAIL),
    files=documents,
    checks=CHECKS,
)
