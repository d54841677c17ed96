"""Tables of the catalog."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from curation.records.schema import Column, Record, table


@table("patients", "catalog", "one patient")
@dataclass(frozen=True, slots=True)
class Patient(Record):
    """A person under a pseudonym."""

    patient_id: Annotated[str, Column("pseudonymous patient", key=True)]
    sex: Annotated[str, Column("PatientSex: M, F, O, or empty if unknown")]
    n_studies: Annotated[int, Column("imaging studies")]
    n_reports: Annotated[int, Column("reports")]


@table("studies", "catalog", "one imaging study")
@dataclass(frozen=True, slots=True)
class Study(Record):
    """A DICOM study."""

    study_id: Annotated[str, Column("pseudonymous StudyInstanceUID", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    accession_id: Annotated[str, Column("pseudonymous AccessionNumber; may be empty")]
    study_date: Annotated[date | None, Column("StudyDate, moved by the patient's shift")]
    age_years: Annotated[int | None, Column("PatientAge; 90 stands for 90 and above", unit="year")]
    modalities: Annotated[tuple[str, ...], Column("modalities of its series, sorted")]
    n_series: Annotated[int, Column("series")]
    site_id: Annotated[str, Column("pseudonymous institution that made it; empty if the header names none")] = ""


@table("series", "catalog", "one series that can be used")
@dataclass(frozen=True, slots=True)
class Series(Record):
    """A CT volume on a regular grid, or a radiograph series."""

    series_id: Annotated[str, Column("pseudonymous SeriesInstanceUID", key=True)]
    study_id: Annotated[str, Column("study")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    modality: Annotated[str, Column("CT, CR or DX")]
    n_instances: Annotated[int, Column("instances")]
    shape_zyx: Annotated[tuple[int, ...], Column("slices, rows, columns; radiographs: 1, rows, columns")]
    spacing_zyx_mm: Annotated[tuple[float, ...], Column("slice, row and column spacing; 0 if unknown", unit="mm")]
    origin_xyz_mm: Annotated[
        tuple[float, ...], Column("centre of voxel (0, 0, 0), LPS; empty for radiographs", unit="mm")
    ]
    direction: Annotated[
        tuple[float, ...],
        Column("columns of x, y, z index axes in LPS, row-major 3×3; empty for radiographs"),
    ]
    instance_ids: Annotated[tuple[str, ...], Column("instances in order of rising slice position")]


@table("radiographs", "catalog", "one radiograph")
@dataclass(frozen=True, slots=True)
class Radiograph(Record):
    """A CR or DX image as it came, not projected."""

    instance_id: Annotated[str, Column("instance", key=True)]
    series_id: Annotated[str, Column("series")]
    view: Annotated[str, Column("PA, AP, LAT, or empty if the header does not say")]
    photometric: Annotated[str, Column("MONOCHROME1 (bone dark) or MONOCHROME2")]
    rows: Annotated[int, Column("height", unit="pixel")]
    columns: Annotated[int, Column("width", unit="pixel")]


@table("report_links", "catalog", "one report that belongs to a study")
@dataclass(frozen=True, slots=True)
class ReportLink(Record):
    """A report and its study, joined by the pseudonymous accession number."""

    report_id: Annotated[str, Column("report", key=True)]
    study_id: Annotated[str, Column("study")]


@table("official_splits", "splits", "one patient's split as somebody has published it")
@dataclass(frozen=True, slots=True)
class OfficialSplit(Record):
    """A published split, by pseudonym; `paxflow release official` writes it into ``data/``."""

    name: Annotated[str, Column("name of the official split, e.g. mimic-cxr", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient", key=True)]
    split: Annotated[str, Column("train, valid or test")]


@table("renders", "render", "one radiograph as a picture")
@dataclass(frozen=True, slots=True)
class Render(Record):
    """An 8-bit PNG of a radiograph, bone bright, at most ``size_px`` on its longer side."""

    instance_id: Annotated[str, Column("radiograph", key=True)]
    rows: Annotated[int, Column("height", unit="pixel")]
    columns: Annotated[int, Column("width", unit="pixel")]
    original_rows: Annotated[int, Column("height of the radiograph", unit="pixel")]
    original_columns: Annotated[int, Column("width of the radiograph", unit="pixel")]
    pixel_spacing_mm: Annotated[float | None, Column("of the picture, on the detector; null if unknown", unit="mm")]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright")]
    grey: Annotated[
        str, Column("what decided the grey: lut, window, or own_values where the header gives no useful one")
    ]
    pixel_sha256: Annotated[str, Column("of the radiograph's stored pixels with their shape")]
    sha256: Annotated[str, Column("of the PNG file")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte", place=True)]
