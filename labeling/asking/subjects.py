"""What cases are about: reports, projected views, radiographs, and places in the vault's review queue.

Tables are read part by part: of a part that holds none of the subjects asked for, only the key is read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from curation.records import Case, Instance, Mention, ReadingCase, Record, Report, ReportLink, Series, View
from curation.store import part_rows
from curation.workspace import Workspace

R = TypeVar("R", bound=Record)
AnyCase = Case | ReadingCase
Keep = Callable[[R], bool]


def rows_of(
    record: type[R], workspace: Workspace, key: str, wanted: Iterable[str], keep: Keep[R] | None = None
) -> Iterator[R]:
    """Rows of a table whose column ``key`` is one of ``wanted`` and for which ``keep`` holds, in the order of parts."""
    asked = frozenset(wanted)
    for part in sorted((workspace.tables(record.about.stage) / record.about.name).glob("*.parquet")):
        if asked and not asked.isdisjoint(pq.read_table(part, columns=[key]).column(0).to_pylist()):
            for row in part_rows(record, part):
                if getattr(row, key) in asked and (keep is None or keep(row)):
                    yield row


def by(rows: Iterable[R], key: str) -> dict[str, list[R]]:
    """Rows by one of their columns."""
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def subject_ids(cases: Iterable[AnyCase]) -> set[str]:
    """What cases are about."""
    return {row.subject_id for row in cases}


def reports_of(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, Report]:
    """The reports among the subjects, by id."""
    return {row.report_id: row for row in rows_of(Report, workspace, "report_id", subject_ids(cases))}


def mentions_of(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, list[Mention]]:
    """Current mentions by report, in order of the text."""
    found = rows_of(Mention, workspace, "report_id", subject_ids(cases), lambda row: row.is_current)
    return by(sorted(found, key=lambda row: (row.start, row.end, row.finding)), "report_id")


def views_of(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, View]:
    """The projected views among the subjects, by id."""
    return {row.view_id: row for row in rows_of(View, workspace, "view_id", subject_ids(cases))}


def radiographs_of(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, Instance]:
    """The DICOM instances among the subjects, by id."""
    return {row.instance_id: row for row in rows_of(Instance, workspace, "instance_id", subject_ids(cases))}


def studies_of(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, str]:
    """The study of each view and radiograph among the subjects."""
    views = views_of(workspace, cases)
    wanted = {row.series_id for row in views.values()}
    series = {row.series_id: row.study_id for row in rows_of(Series, workspace, "series_id", wanted)}
    found = {view_id: series[row.series_id] for view_id, row in views.items() if row.series_id in series}
    return found | {instance_id: row.study_id for instance_id, row in radiographs_of(workspace, cases).items()}


def linked_reports(workspace: Workspace, studies: Mapping[str, str]) -> dict[str, list[str]]:
    """Reports by subject: those of its study, sorted; ``studies`` as of ``studies_of``."""
    links = by(rows_of(ReportLink, workspace, "study_id", studies.values()), "study_id")
    return {
        subject_id: sorted(row.report_id for row in links.get(study_id, [])) for subject_id, study_id in studies.items()
    }


def waiting_place(workspace: Workspace, case: AnyCase) -> Path:
    """The picture of a place that may show text; it lies in the vault and stays there (``curation.deid.review``)."""
    return workspace.vault / "review" / "cases" / f"{case.subject_id}.png"
