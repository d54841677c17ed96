"""Catalog: what is there. Patients, studies, usable series, radiographs, and which report belongs to which study.

Reads ``instances`` and ``reports`` of ``data/`` and the headers of the DICOM files; writes ``patients``, ``studies``,
``series``, ``radiographs`` and ``report_links``. A CT becomes a series here only if its slices lie on a regular grid,
judged on ImagePositionPatient along the normal of the slices, never on InstanceNumber.

Items are named by where they belong, so that those of one patient are done together and share the headers they read:

    patient:P                     a row
    patient:P/study:S             a row
    patient:P/study:S/series:X    a series with its radiographs, or why it cannot be used
    patient:P/report:R            a link; only for reports that name an accession number
    patient:P/study:S/report      always a reject: no report belongs to this study, which goes on without one
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from curation.dicom import Header, header_of
from curation.errors import Rejected
from curation.records import Instance, Patient, Radiograph, Reason, Record, Report, ReportLink, Series, Study
from curation.settings import CatalogSettings
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace

RADIOGRAPH = ("CR", "DX")
USED = ("CT", *RADIOGRAPH)

_UNIT = (
    1e-3  # how far a direction may be from a unit vector, from orthogonal, or from its neighbour's; DS has 16 digits
)
_PIXEL_MM = 1e-4  # how far the pixel spacing of slices may differ

Vector = tuple[float, ...]


# --- the grid of a CT ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grid:
    """A regular grid of slices, LPS; ``order`` lists the headers by rising position along the normal."""

    order: tuple[int, ...]
    spacing_zyx_mm: Vector
    origin_xyz_mm: Vector
    direction: Vector
    """3×3, row-major; its columns are the x, y and z index axes, right-handed."""


def regular_grid(headers: Sequence[Header], tolerance: float) -> Grid:
    """The grid that CT slices lie on; ``tolerance`` is a share of the slice spacing.

    Raises Rejected(MISSING_SLICES) if gaps are whole multiples of the spacing, Rejected(IRREGULAR_GEOMETRY) for
    anything else that is not one stack of parallel, aligned, evenly spaced slices (PS3.3 C.7.6.2.1.1).
    Plain Python numbers throughout: the result is the same on every processor.
    """
    _check_planes(headers)
    x_axis, y_axis = headers[0].orientation[:3], headers[0].orientation[3:]
    normal = _cross(x_axis, y_axis)
    positions = [_dot(header.position_xyz_mm, normal) for header in headers]
    order = sorted(range(len(headers)), key=positions.__getitem__)
    _check_gaps([positions[b] - positions[a] for a, b in pairwise(order)], tolerance)
    spacing = (positions[order[-1]] - positions[order[0]]) / (len(order) - 1)
    origin = headers[order[0]].position_xyz_mm
    for step, index in enumerate(order):
        expected = tuple(o + step * spacing * n for o, n in zip(origin, normal, strict=True))
        if math.dist(expected, headers[index].position_xyz_mm) > tolerance * spacing:
            raise Rejected(Reason.IRREGULAR_GEOMETRY, "slices do not lie on one straight line (tilted or uneven)")
    direction = tuple(axis[row] for row in range(3) for axis in (x_axis, y_axis, normal))
    return Grid(tuple(order), (spacing, *headers[0].pixel_spacing_mm), origin, direction)


def _check_planes(headers: Sequence[Header]) -> None:
    """Every slice has a place in space, and all have the same size, pixel spacing and orthogonal axes."""
    first = headers[0]
    for header in headers:
        if not (header.position_xyz_mm and header.orientation and header.pixel_spacing_mm):
            raise Rejected(Reason.IRREGULAR_GEOMETRY, "a slice lacks its position, orientation or pixel spacing")
        if header.frames != 1:
            raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected one slice per instance, got a multi-frame image")
        if (header.rows, header.columns) != (first.rows, first.columns):
            raise Rejected(Reason.IRREGULAR_GEOMETRY, "slices differ in rows or columns")
        if math.dist(header.pixel_spacing_mm, first.pixel_spacing_mm) > _PIXEL_MM:
            raise Rejected(Reason.IRREGULAR_GEOMETRY, "slices differ in pixel spacing")
        if math.dist(header.orientation, first.orientation) > _UNIT:
            raise Rejected(Reason.IRREGULAR_GEOMETRY, "slices differ in orientation: more than one stack")
    x_axis, y_axis = first.orientation[:3], first.orientation[3:]
    errors = (_dot(x_axis, x_axis) - 1, _dot(y_axis, y_axis) - 1, _dot(x_axis, y_axis))
    if max(map(abs, errors)) > _UNIT or min(first.pixel_spacing_mm) <= 0:
        raise Rejected(Reason.IRREGULAR_GEOMETRY, "image axes are not orthogonal unit vectors with a pixel spacing")


def _check_gaps(gaps: Sequence[float], tolerance: float) -> None:
    typical = statistics.median(gaps)
    if min(gaps) <= tolerance * typical:
        raise Rejected(Reason.IRREGULAR_GEOMETRY, "two slices lie at one position: a slice sent twice, or two stacks")
    steps = [gap / typical for gap in gaps]
    if any(abs(step - round(step)) > tolerance * max(1, round(step)) for step in steps):
        raise Rejected(Reason.IRREGULAR_GEOMETRY, "slices are not evenly spaced")
    missing = sum(round(step) - 1 for step in steps)
    if missing:
        raise Rejected(Reason.MISSING_SLICES, f"{missing} missing between {len(gaps) + 1} slices")


def _dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


# --- items -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PatientItem:
    """A patient; ``samples`` holds one instance of each study."""

    patient_id: str
    samples: tuple[Instance, ...]
    n_reports: int


@dataclass(frozen=True)
class StudyItem:
    """A study; ``sample`` is the instance whose header speaks for it."""

    sample: Instance
    accession_id: str
    modalities: tuple[str, ...]
    n_series: int


@dataclass(frozen=True)
class SeriesItem:
    """A series, as its instances."""

    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class ReportItem:
    """A report that names an accession number: how many studies have it, and which of them are its patient's."""

    report_id: str
    n_studies: int
    own_studies: tuple[str, ...]


@dataclass(frozen=True)
class StudyWithoutReportItem:
    """A study to which no report was linked."""

    has_accession: bool


def plan(workspace: Workspace) -> list[Item]:
    """Every patient, study, series, every report that names an accession number, every study without a report."""
    data = workspace.tables("deid")
    reports = read_rows(Report, data)
    studies = _studies(read_rows(Instance, data))
    return [*_study_items(studies), *_patient_items(studies, reports), *_link_items(studies, reports)]


@dataclass(frozen=True)
class _StudyGroup:
    """A study with its instances by series, and the digest of each series."""

    study_id: str
    series: dict[str, list[Instance]]
    digests: dict[str, str]

    @property
    def sample(self) -> Instance:
        """The first instance of an image that is used, or else of any."""
        instances = [rows[0] for rows in self.series.values()]
        return next((row for row in instances if row.modality in USED), instances[0])

    @property
    def name(self) -> str:
        return f"patient:{self.sample.patient_id}/study:{self.study_id}"

    @property
    def accession_id(self) -> str:
        return max((row.accession_id for rows in self.series.values() for row in rows[:1]), default="")

    @property
    def inputs(self) -> str:
        return digest(self.digests)


def _studies(instances: Iterable[Instance]) -> list[_StudyGroup]:
    by_series: dict[str, list[Instance]] = defaultdict(list)
    for row in instances:
        by_series[row.series_id].append(row)
    by_study: dict[str, dict[str, list[Instance]]] = defaultdict(dict)
    for series_id, rows in sorted(by_series.items()):
        by_study[rows[0].study_id][series_id] = rows
    return [
        _StudyGroup(study_id, series, {series_id: digest(*rows) for series_id, rows in series.items()})
        for study_id, series in sorted(by_study.items())
    ]


def _study_items(studies: Iterable[_StudyGroup]) -> Iterator[Item]:
    for study in studies:
        modalities = tuple(sorted({rows[0].modality for rows in study.series.values()}))
        payload = StudyItem(study.sample, study.accession_id, modalities, len(study.series))
        yield Item(study.name, study.inputs, payload)
        for series_id, rows in study.series.items():
            yield Item(f"{study.name}/series:{series_id}", study.digests[series_id], SeriesItem(tuple(rows)))


def _patient_items(studies: Iterable[_StudyGroup], reports: Iterable[Report]) -> Iterator[Item]:
    studies_of: dict[str, list[_StudyGroup]] = defaultdict(list)
    for study in studies:
        studies_of[study.sample.patient_id].append(study)
    reports_of: dict[str, list[str]] = defaultdict(list)
    for report in reports:
        reports_of[report.patient_id].append(report.report_id)
    for patient_id in sorted(studies_of.keys() | reports_of.keys()):
        own, n_reports = studies_of.get(patient_id, []), len(reports_of.get(patient_id, []))
        payload = PatientItem(patient_id, tuple(study.sample for study in own), n_reports)
        yield Item(f"patient:{patient_id}", digest([study.inputs for study in own], n_reports), payload)


def _link_items(studies: Sequence[_StudyGroup], reports: Iterable[Report]) -> Iterator[Item]:
    by_accession: dict[str, list[_StudyGroup]] = defaultdict(list)
    for study in studies:
        if study.accession_id:
            by_accession[study.accession_id].append(study)
    linked: set[str] = set()
    for report in reports:
        if not report.accession_id:
            continue  # from a source that has no images, such as Open-I: no study is expected
        named = by_accession.get(report.accession_id, [])
        own = tuple(study.study_id for study in named if study.sample.patient_id == report.patient_id)
        linked.update(own if len(own) == 1 else ())
        name = f"patient:{report.patient_id}/report:{report.report_id}"
        yield Item(name, digest(len(named), own), ReportItem(report.report_id, len(named), own))
    for study in studies:
        if study.study_id not in linked:
            has_accession = bool(study.accession_id)
            yield Item(f"{study.name}/report", digest(has_accession), StudyWithoutReportItem(has_accession))


def one(batch: Batch, item: Item) -> Iterable[Record]:
    """The rows of one item."""
    match item.payload:
        case PatientItem() as patient:
            return [_patient(batch, patient)]
        case StudyItem() as study:
            return [_study(batch, study)]
        case SeriesItem(instances):
            return _series(batch, instances)
        case ReportItem() as report:
            return [_report_link(report)]
        case StudyWithoutReportItem(has_accession):
            why = "no report names its accession number" if has_accession else "it has no accession number"
            raise Rejected(Reason.STUDY_WITHOUT_REPORT, f"the study goes on without a report: {why}")
    raise TypeError(f"catalog has no item of type {type(item.payload).__name__}")


def _headers(batch: Batch, patient_id: str, instances: Iterable[Instance]) -> list[Header]:
    """Headers, kept while the items of one patient are done, so that each is read once and memory stays bounded."""
    if batch.memo.get("patient_id") != patient_id:
        batch.memo.update(patient_id=patient_id, headers={})
    known: dict[str, Header] = batch.memo["headers"]
    folder = batch.workspace.tables("deid")
    for row in instances:
        if row.instance_id not in known:
            known[row.instance_id] = header_of(folder, row)
    return [known[row.instance_id] for row in instances]


def _patient(batch: Batch, item: PatientItem) -> Patient:
    sexes = {header.sex for header in _headers(batch, item.patient_id, item.samples)} - {""}
    sex = sexes.pop() if len(sexes) == 1 else ""  # studies that contradict each other: unknown
    return Patient(item.patient_id, sex, len(item.samples), item.n_reports)


def _study(batch: Batch, item: StudyItem) -> Study:
    row = item.sample
    (header,) = _headers(batch, row.patient_id, [row])
    return Study(
        study_id=row.study_id,
        patient_id=row.patient_id,
        accession_id=item.accession_id,
        study_date=header.study_date,
        age_years=header.age_years,
        modalities=item.modalities,
        n_series=item.n_series,
        site_id=row.site_id,
    )


def _series(batch: Batch, instances: Sequence[Instance]) -> list[Record]:
    settings: CatalogSettings = batch.settings
    first = instances[0]
    if first.modality not in USED:
        raise Rejected(Reason.MODALITY_NOT_USED, f"expected {', '.join(USED)}")
    if first.modality == "CT" and len(instances) < settings.min_slices:
        raise Rejected(Reason.NOT_A_VOLUME, f"expected {settings.min_slices} slices, got {len(instances)}")
    headers = _headers(batch, first.patient_id, instances)
    if any(header.rows < 1 or header.columns < 1 for header in headers):
        raise Rejected(Reason.UNREADABLE, "expected an image, got no rows or columns")
    if first.modality in RADIOGRAPH:
        return [_radiograph_series(instances, headers), *map(_radiograph, instances, headers)]
    grid = regular_grid(headers, settings.spacing_tolerance)
    return [
        Series(
            series_id=first.series_id,
            study_id=first.study_id,
            patient_id=first.patient_id,
            modality=first.modality,
            n_instances=len(instances),
            shape_zyx=(len(instances), headers[0].rows, headers[0].columns),
            spacing_zyx_mm=grid.spacing_zyx_mm,
            origin_xyz_mm=grid.origin_xyz_mm,
            direction=grid.direction,
            instance_ids=tuple(instances[index].instance_id for index in grid.order),
        )
    ]


def _radiograph_series(instances: Sequence[Instance], headers: Sequence[Header]) -> Series:
    """A series of radiographs, which have no place in space; its shape and spacing are its first image's."""
    row = instances[0]
    return Series(
        series_id=row.series_id,
        study_id=row.study_id,
        patient_id=row.patient_id,
        modality=row.modality,
        n_instances=len(instances),
        shape_zyx=(1, headers[0].rows, headers[0].columns),
        spacing_zyx_mm=(0.0, *(headers[0].pixel_spacing_mm or (0.0, 0.0))),
        origin_xyz_mm=(),
        direction=(),
        instance_ids=tuple(row.instance_id for row in instances),
    )


def _radiograph(row: Instance, header: Header) -> Radiograph:
    return Radiograph(
        instance_id=row.instance_id,
        series_id=row.series_id,
        view=header.view,
        photometric=header.photometric,
        rows=header.rows,
        columns=header.columns,
    )


def _report_link(item: ReportItem) -> ReportLink:
    """Link a report to the one study of its own patient that has its accession number; never to another patient's."""
    if not item.n_studies:
        raise Rejected(Reason.REPORT_WITHOUT_STUDY, "no study has its accession number")
    if not item.own_studies:
        raise Rejected(Reason.REPORT_WITHOUT_STUDY, "the study with its accession number is another patient's")
    if len(item.own_studies) > 1:
        raise Rejected(Reason.REPORT_WITHOUT_STUDY, f"{len(item.own_studies)} studies have its accession number")
    return ReportLink(item.report_id, item.own_studies[0])


STAGE = Stage(
    name="catalog",
    writes=(Patient, Study, Series, Radiograph, ReportLink),
    plan=plan,
    one=one,
)
