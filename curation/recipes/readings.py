"""Readings: what each reader marked on each image, drawn on it or outlined on the CT that it was projected from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from curation.findings import FINDINGS
from curation.recipes.outlines import Corners, box_of
from curation.recipes.readers import STATES
from curation.records import (
    Annotation,
    AnnotationEvent,
    Answer,
    AnswerMark,
    ReleaseImage,
    Role,
    Series,
    Task,
    View,
)
from curation.release.recipe import PROJECTION
from curation.release.sources import Sources

READING, ADJUDICATION, OUTLINE = "reading", "adjudication", "outline"
_BEFORE = datetime.min.replace(tzinfo=UTC)
Box = tuple[str, Corners, str]
"""Finding, corners in pixels of the original image, and where it is from."""


@dataclass(frozen=True)
class Reading:
    """One reader's reading of one image; ``number`` counts those of the same reader."""

    image: ReleaseImage
    rad_id: str
    number: int
    source: str
    at: datetime | None
    seconds: float | None
    boxes: tuple[Box, ...]
    """In order of finding and place."""
    states: Mapping[str, tuple[int | None, str]]
    """State of the whole image by finding, and where it is from."""


def images_read(sources: Sources) -> set[str]:
    """The images that any reader has read, by id."""
    series = {row.series_id for row in sources.rows(Annotation)}
    views = {row.view_id for row in sources.rows(View) if row.series_id in series}
    return views | {row.subject_id for row in sources.rows(Answer) if _counts(row)}


def readings(sources: Sources, images: Sequence[ReleaseImage]) -> list[Reading]:
    """All readings of some images, in order of image, reader and time; what came with the images is the first."""
    found = sorted(
        [*_drawn(sources, images), *_outlined(sources, images)],
        key=lambda one: (one.image.image_id, one.rad_id, one.at or _BEFORE, one.source),
    )
    seen: dict[tuple[str, str], int] = defaultdict(int)
    numbered = []
    for one in found:
        key = one.image.image_id, one.rad_id
        numbered.append(
            Reading(
                one.image, one.rad_id, seen[key], one.source, one.at, one.seconds, tuple(sorted(one.boxes)), one.states
            )
        )
        seen[key] += 1
    return numbered


def _counts(row: Answer) -> bool:
    """Whether a read is of the image as it is now."""
    return row.task is Task.FINDING_BOXES and not row.case_changed


def _drawn(sources: Sources, images: Sequence[ReleaseImage]) -> Iterator[Reading]:
    shown = {image.image_id: image for image in images}
    events = {row.event_id: row for row in sources.rows(AnnotationEvent)}
    by_assignment: dict[str, list[Answer]] = defaultdict(list)
    for row in sources.rows(Answer):
        if _counts(row) and row.subject_id in shown:
            by_assignment[row.assignment_id].append(row)
    boxes: dict[str, list[Box]] = defaultdict(list)
    for mark in sources.rows(AnswerMark):
        if mark.assignment_id in by_assignment and mark.box:
            x, y, width, height = mark.box
            boxes[mark.assignment_id].append((mark.label, (x, y, x + width, y + height), mark.event_id))
    for assignment_id, answers in by_assignment.items():
        first = answers[0]
        event = events[first.event_id]
        yield Reading(
            image=shown[first.subject_id],
            rad_id=first.reader_id,
            number=0,
            source=ADJUDICATION if first.role is Role.ADJUDICATION else READING,
            at=event.at,
            seconds=event.seconds,
            boxes=tuple(boxes[assignment_id]),
            states={row.question: (STATES[row.value], row.event_id) for row in answers if row.value in STATES},
        )


# --- outlines on CTs ---------------------------------------------------------------------------------------


def _outlined(sources: Sources, images: Sequence[ReleaseImage]) -> Iterator[Reading]:
    """A reader who found nothing but what is no finding has read the series too."""
    by_series: dict[str, list[Annotation]] = defaultdict(list)
    for row in sources.rows(Annotation):
        by_series[row.series_id].append(row)
    series = {row.series_id: row for row in sources.rows(Series)}
    views = {row.view_id: row for row in sources.rows(View)}
    for image in images:
        if image.kind == PROJECTION:
            for reader_id, objects in _objects(by_series[image.series_id]).items():
                yield _projected(image, reader_id, objects, (series[image.series_id], views[image.image_id]))


def _objects(outlines: Sequence[Annotation]) -> Mapping[str, Mapping[str, list[Annotation]]]:
    """Outlines by reader and object."""
    found: dict[str, dict[str, list[Annotation]]] = defaultdict(lambda: defaultdict(list))
    for row in outlines:
        found[row.reader_id][row.object_id].append(row)
    return found


def _projected(
    image: ReleaseImage, reader_id: str, objects: Mapping[str, Sequence[Annotation]], geometry: tuple[Series, View]
) -> Reading:
    boxes: list[Box] = []
    states: dict[str, tuple[int | None, str]] = {}
    for object_id, outlines in sorted(objects.items()):
        finding = outlines[0].finding
        if finding in FINDINGS:
            states.setdefault(finding, (1, object_id))
            box = box_of(outlines, *geometry)
            if box:
                boxes.append((finding, box, object_id))
    return Reading(image, reader_id, 0, OUTLINE, None, None, tuple(boxes), states)
