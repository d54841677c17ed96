"""What a read says, question by question: the marks of a form turned into values that can be counted.

A choice is a question of its own. So is each label of boxes, masks and choices of any number: it is ``present`` where
it was drawn or chosen, else ``absent``. A label of masks is asked about where it was shown to, or drawn by, any reader
of the subject. That there is no finding is not taken from the reader but from what else is marked. Spans are no
question: whether a finding has one is compared, and nothing is decided by it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from curation import rle as coco
from curation.records import Answer, AnswerMark, Task
from labeling.agreement.reads import Read
from labeling.asking.asked import Form, Kind
from labeling.asking.forms import form_of
from labeling.labels.sets import label_set
from labeling.marks import Mark

PRESENT, ABSENT = "present", "absent"
VERDICT = "verdict"
MASKS_RIGHT, UNUSABLE = "masks are right", "view cannot be used"
"""Verdicts of a mask review that speak of all masks at once."""
_DRAWN = frozenset({Kind.BOX, Kind.MASK, Kind.POINT})
_MARKED = _DRAWN | {Kind.SPAN}
_LABELLED = frozenset({Kind.BOX, Kind.MASK, Kind.CHOICES})


@dataclass(frozen=True)
class Said:
    """A read with its values by question, its boxes, masks and points by label, and its findings with a span."""

    read: Read
    values: Mapping[str, str]
    drawn: Mapping[str, tuple[Mark, ...]]
    spans: frozenset[str]
    marked: tuple[tuple[Mark, str], ...]
    """Every box, mask, point and span in order of label and place, with what is said of it, e.g. the assertion."""


def options(task: Task) -> dict[str, int]:
    """How many values each choice of a task's form has; every other question has two."""
    return {question.name: len(question.labels) for question in form_of(task).questions if question.kind is Kind.CHOICE}


def is_masks(task: Task) -> bool:
    """Whether a task asks for masks."""
    return task is Task.MASK_REVIEW


def say(task: Task, reads: Sequence[Read]) -> list[Said]:
    """What each read of one task says, in the order of the reads."""
    form = form_of(task)
    left = [_left(task, read) for read in reads]
    asked: dict[str, set[str]] = defaultdict(set)
    if is_masks(task):
        for read, marks in zip(reads, left, strict=True):
            masks = (mark for mark in (*marks, *read.proposed) if mark.rle)
            asked[read.case.subject_id].update(label for mark in masks for label in mark.labels)
    return [_said(form, read, marks, asked[read.case.subject_id]) for read, marks in zip(reads, left, strict=True)]


def _left(task: Task, read: Read) -> tuple[Mark, ...]:
    """A reader's marks; who finds all masks right means those that he was shown."""
    chosen = {label for mark in read.marks if mark.question == VERDICT for label in mark.labels}
    if is_masks(task) and MASKS_RIGHT in chosen and read.proposed:
        own = (mark for mark in read.marks if not mark.rle)
        return (*own, *(mark for mark in read.proposed if mark.rle))
    return read.marks


def _said(form: Form, read: Read, marks: Sequence[Mark], masks: Iterable[str]) -> Said:
    kinds = {question.name: question.kind for question in form.questions}
    drawn: dict[str, list[Mark]] = defaultdict(list)
    assertions: dict[str, str] = {}
    spans: set[str] = set()
    for mark in sorted(marks, key=_place):
        kind = kinds.get(mark.question)
        if kind is Kind.SPAN_CHOICE:
            assertions[mark.region] = " ".join(mark.labels)
        elif kind is Kind.SPAN:
            spans.update(mark.labels)
        elif kind in _DRAWN:
            for label in mark.labels:
                drawn[label].append(mark)
    marked = (mark for mark in sorted(marks, key=_place) if kinds.get(mark.question) in _MARKED)
    return Said(
        read,
        dict(_values(form, marks, masks)),
        {label: tuple(found) for label, found in drawn.items()},
        frozenset(spans),
        tuple((mark, assertions.get(mark.region, "") if mark.span else "") for mark in marked),
    )


def _place(mark: Mark) -> tuple[object, ...]:
    return mark.labels, mark.box or (), mark.point_px or (), mark.span or (), mark.rle, mark.region


def _values(form: Form, marks: Sequence[Mark], masks: Iterable[str]) -> Iterator[tuple[str, str]]:
    chosen: dict[str, set[str]] = defaultdict(set)
    for mark in marks:
        chosen[mark.question].update(mark.labels)
    if UNUSABLE in chosen[VERDICT]:
        masks = ()
    presence: dict[str, bool] = {}
    for question in form.questions:
        here = chosen[question.name]
        if question.kind is Kind.CHOICE and here:
            yield question.name, min(here)
        elif question.kind in _LABELLED:
            asked = masks if question.kind is Kind.MASK else question.labels
            presence.update((label, label in here) for label in asked)
    nothing = label_set("vindr").no_finding
    if nothing in presence:
        presence[nothing] = not any(there for label, there in presence.items() if label != nothing)
    for label in sorted(presence):
        yield label, PRESENT if presence[label] else ABSENT


# --- as rows -----------------------------------------------------------------------------------------------


def answers(said: Said) -> Iterator[Answer]:
    """A row for each question that a read answers."""
    read = said.read
    for question, value in said.values.items():
        yield Answer(
            assignment_id=read.assignment.assignment_id,
            question=question,
            case_id=read.case.case_id,
            batch_id=read.case.batch_id,
            task=read.case.task,
            subject_id=read.case.subject_id,
            patient_id=read.case.patient_id,
            reader_id=read.assignment.reader_id,
            role=read.case.role,
            repeat=read.assignment.repeat,
            value=value,
            event_id=read.event.event_id,
            case_changed=read.event.case_changed,
        )


def answer_marks(said: Said) -> Iterator[AnswerMark]:
    """A row for each mark of a read."""
    read = said.read
    for number, (mark, value) in enumerate(said.marked):
        start, end = mark.span or (None, None)
        yield AnswerMark(
            assignment_id=read.assignment.assignment_id,
            number=number,
            case_id=read.case.case_id,
            task=read.case.task,
            subject_id=read.case.subject_id,
            reader_id=read.assignment.reader_id,
            label=" ".join(mark.labels),
            value=value,
            box=mark_box(mark),
            points_px=tuple(float(axis) for axis in mark.point_px or ()),
            rle=mark.rle,
            start=start,
            end=end,
            event_id=read.event.event_id,
        )


def mark_box(mark: Mark) -> tuple[float, ...]:
    """x, y, width and height of a box, or of a mask's extent, in pixels; empty for a point or a span."""
    if mark.rle and mark.size:
        return tuple(float(side) for side in coco.box(mark.rle, mark.size[0]))
    return tuple(float(side) for side in mark.box or ())
