"""What a case's subject is now, as a digest: an answer to a subject that has changed since does not count.

No picture is read, and where bytes lie does not matter.
"""

from collections.abc import Callable, Sequence

from curation.records import Mask, Task
from curation.store import digest, file_sha256
from curation.workspace import Workspace
from labeling.asking.chosen import masks_asked, measures_asked
from labeling.asking.subjects import (
    AnyCase,
    mentions_of,
    radiographs_of,
    reports_of,
    rows_of,
    subject_ids,
    views_of,
    waiting_place,
)

Digest = Callable[[AnyCase], str]


def digests(workspace: Workspace, cases: Sequence[AnyCase]) -> dict[str, str]:
    """By case, the SHA-256 of what its reader is asked about; empty where the subject is gone."""
    found: dict[str, str] = {}
    for task in Task:
        rows = [row for row in cases if row.task is task]
        if rows:
            make = _DIGESTS[task](workspace, rows)
            found.update((row.case_id, make(row)) for row in rows)
    return found


def _of_reports(workspace: Workspace, cases: Sequence[AnyCase]) -> Digest:
    reports, mentions = reports_of(workspace, cases), mentions_of(workspace, cases)

    def make(case: AnyCase) -> str:
        report = reports.get(case.subject_id)
        return digest(report.text, mentions.get(case.subject_id, [])) if report else ""

    return make


def _of_images(workspace: Workspace, cases: Sequence[AnyCase]) -> Digest:
    found = {view_id: row.sha256 for view_id, row in views_of(workspace, cases).items()}
    found |= {instance_id: row.sha256 for instance_id, row in radiographs_of(workspace, cases).items()}
    return lambda case: digest(found[case.subject_id]) if case.subject_id in found else ""


def _of_masks(workspace: Workspace, cases: Sequence[AnyCase]) -> Digest:
    image, asked = _of_images(workspace, cases), masks_asked(workspace, cases)
    named = {(row.subject_id, mask.label) for row in cases for mask in asked[row.case_id]}
    masks = rows_of(Mask, workspace, "view_id", subject_ids(cases), lambda row: (row.view_id, row.label) in named)
    rles = {(row.view_id, row.label): row.rle for row in masks}

    def make(case: AnyCase) -> str:
        seen = [(mask.label, rles.get((case.subject_id, mask.label), "")) for mask in asked[case.case_id]]
        return digest(image(case), sorted(seen)) if image(case) else ""

    return make


def _of_measures(workspace: Workspace, cases: Sequence[AnyCase]) -> Digest:
    image, asked = _of_images(workspace, cases), measures_asked(workspace, cases)
    return lambda case: digest(image(case), list(asked[case.case_id])) if image(case) else ""


def _of_places(workspace: Workspace, cases: Sequence[AnyCase]) -> Digest:
    paths = {row.subject_id: waiting_place(workspace, row) for row in cases}
    found = {subject_id: file_sha256(path) for subject_id, path in paths.items() if path.is_file()}
    return lambda case: found.get(case.subject_id, "")


_DIGESTS: dict[Task, Callable[[Workspace, Sequence[AnyCase]], Digest]] = {
    Task.LABEL_REVIEW: _of_reports,
    Task.MASK_REVIEW: _of_masks,
    Task.FINDING_BOXES: _of_images,
    Task.QUALITY_CHECK: _of_images,
    Task.MEASUREMENT_REVIEW: _of_measures,
    Task.PHI_REVIEW: _of_places,
}
