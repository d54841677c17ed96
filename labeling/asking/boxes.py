"""Boxes to start from on an image, and labels of the whole image, of VinDr-CXR's 22 and 6."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from curation.records import Assertion, Grounding, Mask, ReadingCase, ReportLabel, View
from curation.workspace import Workspace
from labeling.asking.asked import Proposal
from labeling.asking.starts import Propose, by_stages
from labeling.asking.subjects import by, linked_reports, rows_of, studies_of, views_of
from labeling.asking.words import FINDINGS_OF_READERS
from labeling.labels.sets import label_set, states
from labeling.marks import Mark

_VINDR, _LOCAL, _GLOBAL = "vindr", "vindr_local", "vindr_global"
_READERS = "consensus"
_NUMBER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class _Said:
    """What is known of images before anybody drew a box."""

    views: Mapping[str, View]
    groundings: Mapping[str, Sequence[Grounding]]
    objects: Mapping[str, Sequence[Mask]]
    reports: Mapping[str, Sequence[str]]
    """Of the study, by subject."""
    labels: Mapping[str, Sequence[ReportLabel]]
    """VinDr-CXR's, by report."""


def boxes(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """Boxes of what the study's own report says is there, and of what readers marked on the CT; labels of the whole.

    A box of the report is that of the anatomy it names: a place to start from. Hedged findings get none.
    """
    reports = linked_reports(workspace, studies_of(workspace, cases))
    return _boxes(_said(workspace, cases, reports), by_stages(workspace, "mine", "ground", "project"))


def boxes_unread(workspace: Workspace, cases: Sequence[ReadingCase]) -> Propose:
    """Boxes of what readers marked on the CT, for readers who must not know the report: nothing here comes from it."""
    return _boxes(_said(workspace, cases, {}), by_stages(workspace, "project"))


def _boxes(said: _Said, version: str) -> Propose:

    def make(case: ReadingCase) -> Proposal | None:
        boxes = _box_marks(said, case.subject_id)
        return Proposal((*boxes, *_global_marks(said, case.subject_id, bool(boxes))), version, None)

    return make


def _said(workspace: Workspace, cases: Sequence[ReadingCase], reports: Mapping[str, Sequence[str]]) -> _Said:
    views = views_of(workspace, cases)
    wanted = {report_id for ids in reports.values() for report_id in ids}
    placed = rows_of(
        Grounding,
        workspace,
        "view_id",
        views,
        lambda row: row.assertion is Assertion.PRESENT and row.reference == "study",
    )
    objects = rows_of(Mask, workspace, "view_id", views, lambda row: row.source == _READERS)
    labels = rows_of(ReportLabel, workspace, "report_id", wanted, lambda row: row.label_set == _VINDR)
    return _Said(views, by(placed, "view_id"), by(objects, "view_id"), reports, by(labels, "report_id"))


def _box_marks(said: _Said, subject_id: str) -> list[Mark]:
    """Each label and box once, in order."""
    view = said.views.get(subject_id)
    if view is None:
        return []
    boxes = {
        (label, row.box)
        for row in said.groundings.get(subject_id, [])
        if row.report_id in said.reports.get(subject_id, [])
        for label in _local_labels(row.finding)
    }
    for mask in said.objects.get(subject_id, []):
        label = FINDINGS_OF_READERS.get(_NUMBER.sub("", mask.label))
        if label and mask.area_px:
            boxes.add((label, mask.box))
    return [Mark("box", (label,), box=_floats(box), size=(view.rows, view.columns)) for label, box in sorted(boxes)]


def _floats(box: Sequence[int]) -> tuple[float, float, float, float]:
    x, y, width, height = box
    return float(x), float(y), float(width), float(height)


def _local_labels(finding: str) -> Iterator[str]:
    """Labels that readers of VinDr-CXR drew boxes for and that the finding gives without a doubt."""
    decided = states(label_set(_LOCAL), [(finding, Assertion.PRESENT)], examined=True)
    return (label for label, (state, _) in decided.items() if state == 1)


def _global_marks(said: _Said, subject_id: str, has_boxes: bool) -> Iterator[Mark]:
    """Labels of the whole image that a report of the study gives; no finding only if all of them say so."""
    rows = [row for report_id in said.reports.get(subject_id, []) for row in said.labels.get(report_id, [])]
    whole = label_set(_GLOBAL)
    present = {row.label for row in rows if row.state == 1 and row.label in whole.labels}
    nothing = {row.state == 1 for row in rows if row.label == whole.no_finding}
    if has_boxes or nothing != {True}:
        present.discard(whole.no_finding)
    if present:
        yield Mark("global", tuple(label for label in whole.labels if label in present))
