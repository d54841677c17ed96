"""Tables of the vault (ingest, and what deid replaced), and what deid writes into ``data/``."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from curation.records.schema import Column, Record, table

# --- vault -----------------------------------------------------------------------------------------------


@table("sources", "ingest", "one file of the landing zone, or one report in it, with one content", in_vault=True)
@dataclass(frozen=True, slots=True)
class Source(Record):
    """What arrived, before anything was removed from it. Stays in the vault."""

    original_path: Annotated[
        str, Column("path below the landing zone; with #0000012: the twelfth report in it", key=True)
    ]
    kind: Annotated[str, Column("dicom, report, labelmap, annotation, or part (named by another file)")]
    sha256: Annotated[str, Column("of the bytes, or of what the report was read from", key=True)]
    size_bytes: Annotated[int, Column("length of the same", unit="byte")]
    modified_ns: Annotated[int, Column("when the file was last written, since 1970", unit="ns")]
    original_uid: Annotated[str, Column("SOPInstanceUID, or the report's own id; empty where there is none")]
    original_series_uid: Annotated[str, Column("SeriesInstanceUID that it is or belongs to; may be empty")]
    original_accession: Annotated[str, Column("AccessionNumber that it names; may be empty")]
    original_patient_id: Annotated[str, Column("PatientID with its issuer; may be empty")]
    original_parts: Annotated[tuple[str, ...], Column("files beside it that it names; empty but for a labelmap")] = ()
    original_names: Annotated[tuple[str, ...], Column("people whom a DICOM header names; empty for other kinds")] = ()


@table("replacements", "deid", "one stretch of one report that was replaced", in_vault=True)
@dataclass(frozen=True, slots=True)
class Replacement(Record):
    """Where a surrogate stands for what a report said. Stays in the vault."""

    report_id: Annotated[str, Column("pseudonymous report", key=True)]
    start: Annotated[int, Column("first character in the original text", key=True, unit="character")]
    end: Annotated[int, Column("character behind the last one", unit="character")]
    kind: Annotated[str, Column("what it was, e.g. clinician or date")]
    rule: Annotated[str, Column("id of the rule that found it")]


# --- data: written by deid -------------------------------------------------------------------------------


@table("instances", "deid", "one de-identified DICOM instance")
@dataclass(frozen=True, slots=True)
class Instance(Record):
    """A DICOM file in a tar shard."""

    instance_id: Annotated[str, Column("pseudonymous SOPInstanceUID", key=True)]
    series_id: Annotated[str, Column("pseudonymous SeriesInstanceUID")]
    study_id: Annotated[str, Column("pseudonymous StudyInstanceUID")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    accession_id: Annotated[str, Column("pseudonymous AccessionNumber; empty where there was none")]
    modality: Annotated[str, Column("Modality (0008,0060)")]
    sha256: Annotated[str, Column("of the DICOM file")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte")]
    site_id: Annotated[str, Column("pseudonymous InstitutionName (0008,0080); empty where there was none")] = ""


@table("reports", "deid", "one de-identified report")
@dataclass(frozen=True, slots=True)
class Report(Record):
    """A report's clean text."""

    report_id: Annotated[str, Column("pseudonymous report", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    accession_id: Annotated[str, Column("pseudonymous AccessionNumber it names; empty for a report-only source")]
    report_date: Annotated[date | None, Column("date, moved by the patient's shift")]
    collection: Annotated[str, Column("where it came from: openi or local")]
    licence: Annotated[str, Column("SPDX identifier; LicenseRef-local for a hospital's own")]
    text: Annotated[str, Column("clean text, sections under their headers")]


@table("report_tags", "deid", "one human tag of one report")
@dataclass(frozen=True, slots=True)
class ReportTag(Record):
    """A label that a person gave a report before it came here, e.g. Open-I's MeSH codes."""

    report_id: Annotated[str, Column("pseudonymous report", key=True)]
    scheme: Annotated[str, Column("vocabulary, e.g. MeSH", key=True)]
    tag: Annotated[str, Column("the tag as given, e.g. Opacity/lung/base/left", key=True)]


@table("labelmaps", "deid", "one segmentation that came with a CT")
@dataclass(frozen=True, slots=True)
class Labelmap(Record):
    """A NIfTI labelmap in a tar shard, header cleaned."""

    labelmap_id: Annotated[str, Column("pseudonymous labelmap", key=True)]
    series_id: Annotated[str, Column("CT series it segments")]
    engine: Annotated[str, Column("what made it, e.g. TotalSegmentator")]
    sha256: Annotated[str, Column("of the NIfTI file")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte")]


@table("labelmap_structures", "deid", "one value of one labelmap")
@dataclass(frozen=True, slots=True)
class LabelmapStructure(Record):
    """What a value of a labelmap stands for: values differ between versions of an engine, names do not."""

    labelmap_id: Annotated[str, Column("labelmap", key=True)]
    value: Annotated[int, Column("voxel value", key=True)]
    structure: Annotated[str, Column("TotalSegmentator class name, e.g. lung_upper_lobe_left")]


@table("annotations", "deid", "one outline by one reader on one image")
@dataclass(frozen=True, slots=True)
class Annotation(Record):
    """A mark by a reader; append-only."""

    annotation_id: Annotated[str, Column("pseudonymous annotation", key=True)]
    object_id: Annotated[str, Column("the reader's object that outlines on several slices share")]
    reader_id: Annotated[str, Column("pseudonymous reader")]
    series_id: Annotated[str, Column("series that was read")]
    instance_id: Annotated[str, Column("instance that was marked")]
    finding: Annotated[str, Column("what was marked, e.g. nodule")]
    shape: Annotated[str, Column("polygon (pixel centres on the outline) or point")]
    inclusion: Annotated[bool, Column("False: the outline is a hole")]
    points_px: Annotated[tuple[float, ...], Column("x0, y0, x1, y1, … column and row, 0-based", unit="pixel")]


@table("annotation_ratings", "deid", "one rating of one object by its reader")
@dataclass(frozen=True, slots=True)
class AnnotationRating(Record):
    """A reader's score for an object, e.g. LIDC malignancy 1 to 5."""

    object_id: Annotated[str, Column("the reader's object", key=True)]
    name: Annotated[str, Column("what is rated", key=True)]
    value: Annotated[int, Column("score on the scheme's own scale")]
