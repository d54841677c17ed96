"""What readers decided, as releases carry it: labels and masks that win, and the trail behind each of them.

``labels`` → ``decisions`` → ``answers`` → ``annotation_events``: each row names the rows that it came from.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from curation import rle
from curation.records import (
    AnnotationEvent,
    Answer,
    AnswerMark,
    Decision,
    DecisionMark,
    Mask,
    Record,
    ReleaseImage,
    ReleaseLabel,
    ReportLink,
    Task,
    Verdict,
)
from curation.release import Sources

STATES = {"present": 1, "absent": 0, "uncertain": -1, "not mentioned": None}
LABELS = {
    "Nodule/Mass": "Lung Lesion",
    "Pleural effusion": "Pleural Effusion",
    "No finding": "No Finding",
    **{
        label: label
        for label in (
            "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture",
            "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia",
            "Pneumothorax", "Support Devices",
        )
    },
}  # fmt: skip
"""Questions that ask for a CheXpert label (Irvin et al. 2019), under its name: VinDr-CXR's names stand first."""


class ReadersWork:
    """Decisions about the images of a release, and about the reports of their studies."""

    def __init__(self, sources: Sources, images: Sequence[ReleaseImage]) -> None:
        self._sources = sources
        by_study: dict[str, list[str]] = {}
        for image in images:
            by_study.setdefault(image.study_id, []).append(image.image_id)
        self._images = {image.image_id: [image.image_id] for image in images}
        for link in sources.rows(ReportLink):
            self._images[link.report_id] = by_study.get(link.study_id, [])
        self._decisions = [row for row in sources.rows(Decision) if self._images.get(row.subject_id)]

    def labels(self) -> Iterable[ReleaseLabel]:
        """A label for each settled decision, on each image that it speaks of; what readers are split on has none."""
        for row in self._decisions:
            if row.question in LABELS and row.value in STATES and row.verdict is not Verdict.SPLIT:
                for image_id in self._images[row.subject_id]:
                    yield ReleaseLabel(image_id, LABELS[row.question], "readers", row.decision_id, STATES[row.value])

    def masks(self, masks: Iterable[Mask]) -> Iterable[Mask]:
        """The masks: those that readers corrected as they left them, those that they deleted no more."""
        drawn = {
            (row.subject_id, row.label): row
            for row in self._sources.rows(DecisionMark)
            if row.task is Task.MASK_REVIEW and row.rle
        }
        deleted = {
            (row.subject_id, row.question)
            for row in self._decisions
            if row.task is Task.MASK_REVIEW and row.value == "absent" and row.verdict is not Verdict.SPLIT
        }
        for mask in masks:
            mark = drawn.get((mask.view_id, mask.label))
            if (mask.view_id, mask.label) not in deleted:
                yield _redrawn(mask, mark) if mark else mask

    def tables(self) -> Mapping[str, Sequence[Record]]:
        """The trail, by file name."""
        asked = {(row.task, row.subject_id) for row in self._decisions}
        answers = [row for row in self._sources.rows(Answer) if (row.task, row.subject_id) in asked]
        events = {row.event_id for row in answers}
        return {
            "decisions": self._decisions,
            "decision_marks": [row for row in self._sources.rows(DecisionMark) if (row.task, row.subject_id) in asked],
            "answers": answers,
            "answer_marks": [row for row in self._sources.rows(AnswerMark) if row.event_id in events],
            "annotation_events": [row for row in self._sources.rows(AnnotationEvent) if row.event_id in events],
        }


def _redrawn(mask: Mask, mark: DecisionMark) -> Mask:
    box = tuple(int(value) for value in mark.box)
    return replace(mask, source="readers", rle=mark.rle, area_px=rle.area(mark.rle), box=box, mean_thickness_mm=None)
