"""What a reader is shown of a case: texts and pictures, by the names of the form's variables.

One case at a time, so that a thousand cases take no more memory than one and its batch's rows. A case whose subject is
gone, or whose pixels cannot be read, is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from curation.dicom import read_film
from curation.errors import Rejected
from curation.films import read_png, size_of
from curation.pictures.images import shown_value
from curation.records import Instance, MaskQuality, Measurement, Picture, ReadingCase, Report, Task, View
from curation.store import read_member
from curation.workspace import Workspace
from labeling.asking.asked import Shown
from labeling.asking.chosen import masks_asked, measures_asked
from labeling.asking.names import plain, plain_measure
from labeling.asking.pictures import pictures_of, windows_of
from labeling.asking.subjects import (
    by,
    linked_reports,
    radiographs_of,
    reports_of,
    rows_of,
    studies_of,
    subject_ids,
    views_of,
    waiting_place,
)
from labeling.asking.words import MASK_FLAGS

NO_REPORT = "No report."
_RAW = "raw"
_PARTNERS = {
    Task.MASK_REVIEW: {"bone": "bone_only", "lung": "lung_only"},
    Task.FINDING_BOXES: {"bone": "bone_only", "lung": "bone_suppressed"},
}
"""What stands for each window of a projected view: its partner, which shows more than a window could.

Boxes are drawn of what a film shows. The lung alone, which shows what no film does, is for masks.
"""

Show = Callable[[ReadingCase], Shown | None]
Texts = Callable[[ReadingCase], dict[str, str]]


def show(workspace: Workspace, cases: Sequence[ReadingCase], shows_report: bool = False) -> Iterator[Shown]:
    """What is shown of each case, in their order; ``shows_report``: of images, also the report of their study."""
    shows = {
        task: _shows(task, workspace, [row for row in cases if row.task is task], shows_report)
        for task in sorted({row.task for row in cases})
    }
    for case in cases:
        made = shows[case.task](case)
        if made is not None:
            yield made


def _shows(task: Task, workspace: Workspace, cases: Sequence[ReadingCase], shows_report: bool) -> Show:
    if task is Task.LABEL_REVIEW:
        return _of_reports(workspace, cases)
    if task is Task.PHI_REVIEW:
        return _of_places(workspace)
    return _of_images(workspace, cases, _texts(task, workspace, cases, shows_report))


# --- reports and places ----------------------------------------------------------------------------------


def _of_reports(workspace: Workspace, cases: Sequence[ReadingCase]) -> Show:
    reports = reports_of(workspace, cases)

    def make(case: ReadingCase) -> Shown | None:
        report = reports.get(case.subject_id)
        return Shown(case.case_id, _reasons(case) | {"text": report.text}) if report else None

    return make


def _of_places(workspace: Workspace) -> Show:
    def make(case: ReadingCase) -> Shown | None:
        path = waiting_place(workspace, case)
        if not path.is_file():
            return None
        picture = path.read_bytes()
        return Shown(case.case_id, _reasons(case), {"image": picture}, size_of(picture))

    return make


def _reasons(case: ReadingCase) -> dict[str, str]:
    """Why the case is asked, as one sentence."""
    words = "; ".join(case.reasons)
    return {"reasons": f"{words[:1].upper()}{words[1:]}." if words else ""}


# --- images ----------------------------------------------------------------------------------------------


def _of_images(workspace: Workspace, cases: Sequence[ReadingCase], texts: Texts) -> Show:
    views, instances = views_of(workspace, cases), radiographs_of(workspace, cases)
    pictures = by(rows_of(Picture, workspace, "view_id", subject_ids(cases)), "view_id")

    def make(case: ReadingCase) -> Shown | None:
        view, instance = views.get(case.subject_id), instances.get(case.subject_id)
        if view is not None:
            kinds = {row.kind: row for row in pictures.get(view.view_id, [])}
            seen = _of_view(workspace, case.task, view, kinds)
            return Shown(case.case_id, texts(case), seen, (view.rows, view.columns))
        seen = _of_radiograph(workspace, case.task, instance) if instance is not None else {}
        return Shown(case.case_id, texts(case), seen, size_of(seen["image"])) if seen else None

    return make


def _of_view(workspace: Workspace, task: Task, view: View, kinds: Mapping[str, Picture]) -> dict[str, bytes]:
    """A view's own picture, and its windows: partners, or where there are none windows of what there is."""
    folder = workspace.tables(View.about.stage)
    image = read_member(folder, view.shard, view.offset, view.length)
    seen = {"image": image}
    partners = _PARTNERS.get(task, {})
    for name, kind in partners.items():
        if kind in kinds:
            seen[name] = _bytes(workspace, kinds[kind])
    if partners.keys() - seen.keys():
        raw = _bytes(workspace, kinds[_RAW]) if _RAW in kinds else image
        seen = windows_of(read_png(raw)) | seen
    return seen


def _bytes(workspace: Workspace, row: Picture) -> bytes:
    return read_member(workspace.tables(Picture.about.stage), row.shard, row.offset, row.length)


def _of_radiograph(workspace: Workspace, task: Task, row: Instance) -> dict[str, bytes]:
    """A radiograph's pictures; empty where its pixels cannot be read."""
    data = read_member(workspace.tables(Instance.about.stage), row.shard, row.offset, row.length)
    try:
        return pictures_of(read_film(data), with_windows=task in _PARTNERS)
    except Rejected:
        return {}


# --- texts beside an image -------------------------------------------------------------------------------


def _texts(task: Task, workspace: Workspace, cases: Sequence[ReadingCase], shows_report: bool) -> Texts:
    made: list[Texts] = [_reasons]
    if task is Task.MASK_REVIEW:
        masks = masks_asked(workspace, cases)
        made.append(lambda case: {"flawed": _sentence(map(_flawed, masks[case.case_id]))})
    if task is Task.MEASUREMENT_REVIEW:
        measures = measures_asked(workspace, cases)
        made.append(lambda case: {"measured": _sentence(map(_measured, measures[case.case_id]))})
    if shows_report and task in _PARTNERS:
        reports = _reports_beside(workspace, cases)
        made.append(lambda case: {"report": reports.get(case.subject_id, NO_REPORT)})
    return lambda case: {name: text for texts in made for name, text in texts(case).items()}


def _sentence(parts: Iterator[str]) -> str:
    return "; ".join(parts)


def _flawed(mask: MaskQuality) -> str:
    words = ", ".join(MASK_FLAGS.get(flag, plain(flag)) for flag in mask.flags)
    return f"{plain(mask.label)}: {words}" if words else plain(mask.label)


def _measured(row: Measurement) -> str:
    if row.value is None:
        return f"{plain_measure(row.measure)}: {row.reason}"
    limits = " to ".join(shown_value(limit, row.unit) for limit in row.thresholds)
    return f"{plain_measure(row.measure)}: {shown_value(row.value, row.unit)}, {row.verdict} (limit {limits})"


def _reports_beside(workspace: Workspace, cases: Sequence[ReadingCase]) -> dict[str, str]:
    """By subject, the texts of its study's reports, an addendum last; those without one are left out."""
    linked = linked_reports(workspace, studies_of(workspace, cases))
    wanted = {report_id for ids in linked.values() for report_id in ids}
    reports = {row.report_id: row for row in rows_of(Report, workspace, "report_id", wanted)}
    found = {subject: [reports[one] for one in ids if one in reports] for subject, ids in linked.items()}
    return {subject: _joined(rows) for subject, rows in found.items() if rows}


def _joined(reports: Sequence[Report]) -> str:
    """In order of their dates; of one day, the longer first."""
    ordered = sorted(reports, key=lambda row: (row.report_date or date.max, -len(row.text), row.report_id))
    return "\n\n".join(row.text for row in ordered)
