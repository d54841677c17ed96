"""What readers decided, as releases carry it: labels and masks that win, and the trail behind each of them.

``labels`` → ``decisions`` → ``answers`` → ``annotation_events``: each row names the rows that it came from.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from curation import rle
from curation.recipes.image_labels import READERS, subjects_of
from curation.records import (
    CHEXPERT,
    AnnotationEvent,
    Answer,
    AnswerMark,
    Decision,
    DecisionMark,
    Mask,
    ReleaseImage,
    ReleaseLabel,
    Task,
    Verdict,
)
from curation.release.recipe import Tables
from curation.release.sources import Sources

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

TRAIL = {
    "decisions": "one question about one image or report that readers answered: the answer, by which method, how sure",
    "decision_marks": "one box or mask that stands for several readers', or an adjudicator's",
    "answers": "one reader's answer to one question, as it stood in the end",
    "answer_marks": "one box, mask, point or span of one reader",
    "annotation_events": "one thing that a reader did: who (pseudonym), when, how long, from which pre-annotation",
}
"""What a row of each table of ``ReadersWork.tables`` is, for the card."""


Told = TypeVar("Told", Answer, Decision, DecisionMark)
"""What is said of a subject."""


class ReadersWork:
    """Decisions about the images of a release, and about the reports of their studies."""

    def __init__(self, sources: Sources, images: Sequence[ReleaseImage]) -> None:
        self._sources = sources
        self._images = subjects_of(sources, images)
        self._decisions = self._about(Decision)

    def _about(self, record: type[Told]) -> list[Told]:
        return [row for row in self._sources.rows(record) if row.subject_id in self._images]

    def labels(self, sets: Collection[str] = (CHEXPERT,)) -> Iterator[ReleaseLabel]:
        """Labels of ``sets`` for each settled decision, on each image that it speaks of; a split one has none."""
        for row in self._decisions:
            if row.value in STATES and row.verdict is not Verdict.SPLIT:
                for label_set, label in _named(row):
                    if label_set in sets:
                        for image_id in self._images[row.subject_id]:
                            yield ReleaseLabel(image_id, label, READERS, row.decision_id, STATES[row.value], label_set)

    def masks(self, masks: Iterable[Mask]) -> Iterator[Mask]:
        """The masks: those that readers corrected as they left them, those that they deleted no more."""
        for mask in masks:
            mark = self._drawn.get((mask.view_id, mask.label))
            if (mask.view_id, mask.label) not in self._deleted:
                yield _redrawn(mask, mark) if mark else mask

    @cached_property
    def changed(self) -> frozenset[tuple[str, str]]:
        """Views and labels whose mask readers drew anew or deleted: what was said of the old one no longer holds."""
        return frozenset(self._drawn) | self._deleted

    @cached_property
    def _drawn(self) -> dict[tuple[str, str], DecisionMark]:
        return {
            (row.subject_id, row.label): row
            for row in self._sources.rows(DecisionMark)
            if row.task is Task.MASK_REVIEW and row.rle
        }

    @cached_property
    def _deleted(self) -> frozenset[tuple[str, str]]:
        return frozenset(
            (row.subject_id, row.question)
            for row in self._decisions
            if row.task is Task.MASK_REVIEW and row.value == "absent" and row.verdict is not Verdict.SPLIT
        )

    def tables(self, tasks: Collection[Task] = tuple(Task)) -> Tables:
        """The trail of some tasks, by file name."""
        decisions = [row for row in self._decisions if row.task in tasks]
        marks = [row for row in self._about(DecisionMark) if row.task in tasks]
        answers = [row for row in self._about(Answer) if row.task in tasks]
        events = {row.event_id for row in answers}
        return {
            "decisions": (Decision, decisions),
            "decision_marks": (DecisionMark, marks),
            "answers": (Answer, answers),
            "answer_marks": (AnswerMark, [row for row in self._sources.rows(AnswerMark) if row.event_id in events]),
            "annotation_events": (
                AnnotationEvent,
                [row for row in self._sources.rows(AnnotationEvent) if row.event_id in events],
            ),
        }


def _named(decision: Decision) -> Iterator[tuple[str, str]]:
    """The labels that a decision's question asks for, with their sets; boxes are asked for by VinDr-CXR's names."""
    if decision.task is Task.FINDING_BOXES:
        yield "vindr", decision.question
    if decision.question in LABELS:
        yield CHEXPERT, LABELS[decision.question]


def _redrawn(mask: Mask, mark: DecisionMark) -> Mask:
    box = tuple(int(value) for value in mark.box)
    return replace(mask, source="readers", rle=mark.rle, area_px=rle.area(mark.rle), box=box, mean_thickness_mm=None)
