"""Labels of images: what reports, CT consensus and measurements say of each image, in the label sets of published data.

What readers decided comes beside it, from ``curation.recipes.readers``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from curation.errors import InputError
from curation.records import (
    CHEXPERT,
    Consensus,
    Measurement,
    Mention,
    Opinion,
    ReleaseImage,
    ReleaseLabel,
    ReportLabel,
    ReportLink,
)
from curation.release.recipe import Tables
from curation.release.sources import Sources

READERS, CONSENSUS, MEASUREMENT, REPORT = "readers", "consensus", "measurement", "report"
SOURCES = (READERS, CONSENSUS, MEASUREMENT, REPORT)
"""Where our own labels are from; other labelers have names of their own."""
FINDING_LABELS = {"nodule": {CHEXPERT: "Lung Lesion", "nih": "Nodule", "vindr": "Nodule/Mass"}}
"""Readers' findings on CTs, by label set (Irvin et al. 2019: nodules and masses are Lung Lesion)."""
MEASURE_LABELS = {"cardiomegaly": {CHEXPERT: "Cardiomegaly", "nih": "Cardiomegaly", "vindr": "Cardiomegaly"}}
"""Measurements whose verdict is a label, by label set."""
Cell = tuple[str, str]
"""An image and a label set."""
Subjects = Mapping[str, Sequence[str]]
"""The images that something speaks of, by its id: an image speaks of itself, a report of each of its own study."""


def subjects_of(sources: Sources, images: Sequence[ReleaseImage]) -> Subjects:
    """The images that each image and each linked report speaks of; reports of other studies have none."""
    by_study: dict[str, list[str]] = defaultdict(list)
    for image in images:
        by_study[image.study_id].append(image.image_id)
    reports = {row.report_id: by_study[row.study_id] for row in sources.rows(ReportLink) if row.study_id in by_study}
    return reports | {image.image_id: [image.image_id] for image in images}


def image_labels(
    sources: Sources, images: Sequence[ReleaseImage], sets: Collection[str] = (CHEXPERT,)
) -> Iterator[ReleaseLabel]:
    """The labels of ``sets`` on each image that they speak of; those of an atlas' reports are on no image.

    What a report does not mention has no row: seven of eight would say nothing.
    """
    yield from _measured(sources, images, sets)
    yield from _agreed(sources, images, sets)
    subjects = subjects_of(sources, images)
    for row in sources.rows(ReportLabel):
        if row.label_set in sets and row.state is not None:
            for image_id in subjects.get(row.report_id, ()):
                yield ReleaseLabel(image_id, row.label, REPORT, row.report_id, row.state, row.label_set)


def opinion_labels(opinions: Sequence[Opinion], subjects: Subjects) -> Iterator[ReleaseLabel]:
    """Labels of other labelers under their own names; a probability that nobody turned into a state is none.

    Raises InputError where a labeler is called as one of ``SOURCES``.
    """
    for name in sorted({row.source for row in opinions} & set(SOURCES)):
        raise InputError(f"a labeler is called '{name}', as a source of our own: take it in under another name")
    for row in opinions:
        if row.state is not None or row.probability is None:
            for image_id in subjects[row.subject_id]:
                yield ReleaseLabel(image_id, row.label, row.source, row.subject_id, row.state)


def report_cells(sources: Sources, subjects: Subjects, sets: Collection[str]) -> set[Cell]:
    """The images and sets of which a report was mined, also where it names no label of the set."""
    return {
        (image_id, row.label_set)
        for row in sources.rows(ReportLabel)
        if row.label_set in sets
        for image_id in subjects.get(row.report_id, ())
    }


def report_trail(sources: Sources, subjects: Subjects, labels: Sequence[ReleaseLabel]) -> Tables:
    """What the labels of reports come from: each label of the report, and the mentions that decided it. No text."""
    sets = {(row.source_id, row.label_set) for row in labels if row.source == REPORT}
    reports = [
        row for row in sources.rows(ReportLabel) if row.state is not None and (row.report_id, row.label_set) in sets
    ]
    mentioned = {mention_id for row in reports for mention_id in row.mention_ids}
    return {
        "report_links": (ReportLink, [row for row in sources.rows(ReportLink) if row.report_id in subjects]),
        "report_labels": (ReportLabel, reports),
        "mentions": (Mention, [row for row in sources.rows(Mention) if row.mention_id in mentioned]),
    }


REPORT_TRAIL = {
    "report_links": "one report and the study that it is of; its labels stand on each image of that study",
    "report_labels": "one label of one report, with the mentions that decided it",
    "mentions": "one finding named once in one report, by character offsets; no report text",
}
"""One row is …"""


def _measured(sources: Sources, images: Sequence[ReleaseImage], sets: Collection[str]) -> Iterator[ReleaseLabel]:
    shown = {image.image_id for image in images}
    for row in sources.rows(Measurement):
        if row.view_id in shown and row.positive is not None:
            for label_set, label in _in(sets, MEASURE_LABELS.get(row.measure, {})):
                yield ReleaseLabel(row.view_id, label, MEASUREMENT, row.measure, int(row.positive), label_set)


def _agreed(sources: Sources, images: Sequence[ReleaseImage], sets: Collection[str]) -> Iterator[ReleaseLabel]:
    by_series: dict[str, list[str]] = defaultdict(list)
    for image in images:
        by_series[image.series_id].append(image.image_id)
    for row in sources.rows(Consensus):
        for label_set, label in _in(sets, FINDING_LABELS.get(row.finding, {})):
            for image_id in by_series.get(row.series_id, ()):
                yield ReleaseLabel(image_id, label, CONSENSUS, row.consensus_id, 1, label_set)


def _in(sets: Collection[str], labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(label_set, label) for label_set, label in labels.items() if label_set in sets]
