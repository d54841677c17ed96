"""Every table of paxflow: grain, columns, units, key. This file is the data dictionary.

A table is one frozen dataclass. ``@table`` says which stage writes it and what one row is; each column is
``Annotated[type, Column(...)]``. Arrow schemas, checks and ``docs/data-dictionary.md`` derive from here.
Identifiers are pseudonyms unless the name says ``original_``; only tables of the vault hold such columns.
Boxes are COCO boxes ``(x, y, width, height)`` in pixels; points are ``(x, y[, z])``; arrays are ``(z, y, x)``.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar


@dataclass(frozen=True)
class Column:
    """What a column means; ``place`` marks where bytes lie, which is not part of a row's content."""

    doc: str
    key: bool = False
    unit: str = ""
    place: bool = False


@dataclass(frozen=True)
class Table:
    """Name, writing stage and grain of a table."""

    name: str
    stage: str
    grain: str
    in_vault: bool = False
    """Its rows speak of originals: they never leave the vault."""


class Record:
    """Base of all rows; ``about`` is filled in by ``@table``."""

    __slots__ = ()
    about: ClassVar[Table]


R = TypeVar("R", bound=Record)
TABLES: dict[str, type[Record]] = {}
CONTROL = "each stage"


def table(name: str, stage: str, grain: str, in_vault: bool = False) -> Callable[[type[R]], type[R]]:
    """Register a record type as the table ``name`` written by ``stage``."""

    def register(record: type[R]) -> type[R]:
        record.about = Table(name, stage, grain, in_vault)
        TABLES[name] = record
        return record

    return register


@dataclass(frozen=True)
class Field:
    """One column as the schema sees it: ``base`` is the type of a value or of a list's items."""

    name: str
    base: type
    is_list: bool
    nullable: bool
    column: Column


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


def fields(record: type[Record]) -> tuple[Field, ...]:
    """The columns of a record type in order."""
    if record not in _FIELDS:  # reading annotations costs a thousand times what using them does
        _FIELDS[record] = tuple(_fields(record))
    return _FIELDS[record]


def _fields(record: type[Record]) -> Iterator[Field]:
    hints = typing.get_type_hints(record, include_extras=True)
    for field in dataclasses.fields(record):  # type: ignore[arg-type]  # every Record is a dataclass
        hint = hints[field.name]
        kind, column = typing.get_args(hint)
        nullable = isinstance(kind, types.UnionType)
        if nullable:
            kind = next(part for part in typing.get_args(kind) if part is not types.NoneType)
        is_list = typing.get_origin(kind) is tuple
        base = typing.get_args(kind)[0] if is_list else kind
        yield Field(field.name, base, is_list, nullable, column)


def key_of(record: type[Record]) -> tuple[str, ...]:
    """Names of the key columns, in order."""
    return tuple(field.name for field in fields(record) if field.column.key)


def content(row: Record) -> dict[str, Any]:
    """A row without the columns that only say where bytes lie: what fingerprints are made of."""
    return {f.name: getattr(row, f.name) for f in fields(type(row)) if not f.column.place}


class Reason(StrEnum):
    """Why an item stopped: the closed list."""

    EMPTY_FILE = "empty_file"
    NOT_DICOM = "not_dicom"
    UNSUPPORTED_FILE = "unsupported_file"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    SOURCE_GONE = "source_gone"
    DUPLICATE_BYTES = "duplicate_bytes"
    DUPLICATE_UID = "duplicate_uid"
    MISSING_IDENTITY = "missing_identity"
    UNSUPPORTED_OBJECT = "unsupported_object"
    BURNED_IN_TEXT = "burned_in_text"
    PIXELS_NOT_CHECKED = "pixels_not_checked"
    PIXELS_IN_DOUBT = "pixels_in_doubt"
    NOT_VERIFIED = "not_verified"
    MISSING_SLICES = "missing_slices"
    IRREGULAR_GEOMETRY = "irregular_geometry"
    NOT_A_VOLUME = "not_a_volume"
    MODALITY_NOT_USED = "modality_not_used"
    REPORT_WITHOUT_STUDY = "report_without_study"
    STUDY_WITHOUT_REPORT = "study_without_report"
    NO_LABELMAP = "no_labelmap"
    IMPLAUSIBLE_ANATOMY = "implausible_anatomy"
    LABELMAP_DOES_NOT_FIT = "labelmap_does_not_fit"
    LABELMAP_UNKNOWN_VALUE = "labelmap_unknown_value"
    LABELMAP_WITHOUT_SERIES = "labelmap_without_series"
    LABELMAP_NOT_CHOSEN = "labelmap_not_chosen"
    ANNOTATION_WITHOUT_SERIES = "annotation_without_series"
    TOO_FEW_READERS = "too_few_readers"
    EMPTY_CONSENSUS = "empty_consensus"
    EMPTY_PROJECTION = "empty_projection"
    MASK_MISSING = "mask_missing"
    EMPTY_REPORT = "empty_report"
    NO_ANATOMY = "no_anatomy"
    NO_VIEW = "no_view"


class Assertion(StrEnum):
    """What a report says of a finding."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


class Temporality(StrEnum):
    """How a finding stands to time, as the report says."""

    UNSAID = ""
    NEW = "new"
    IMPROVED = "improved"
    WORSE = "worse"
    STABLE = "stable"
    RESOLVED = "resolved"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"


NOT_NOW = frozenset({Temporality.HISTORICAL, Temporality.HYPOTHETICAL})
PATIENT, OTHER = "patient", "other"
"""Who has the finding."""
CHEXPERT = "chexpert"
"""The label set that pages and releases show."""


# --- every stage -----------------------------------------------------------------------------------------


@table("manifest", CONTROL, "one item that a batch finished")
@dataclass(frozen=True, slots=True)
class Done(Record):
    """An item of a stage's plan that ended, as rows or as a reject."""

    item: Annotated[str, Column("name of the item within its stage", key=True)]
    fingerprint: Annotated[str, Column("SHA-256 of its inputs, the stage's parameters and version")]
    n_rows: Annotated[int, Column("rows it yielded; 0 if it was rejected")]


@table("rejects", CONTROL, "one item that a stage rejected")
@dataclass(frozen=True, slots=True)
class Reject(Record):
    """An item that stopped, and why. Rejects of ingest and deid stay in the vault."""

    stage: Annotated[str, Column("stage that rejected it", key=True)]
    item: Annotated[str, Column("name of the item within its stage", key=True)]
    reason: Annotated[Reason, Column("why, from the closed list")]
    detail: Annotated[str, Column("what was expected and what came; never a value from the item")]


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


# --- catalog ---------------------------------------------------------------------------------------------


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


# --- segment, consensus ----------------------------------------------------------------------------------


@table("volumes", "segment", "one CT with its labelmap")
@dataclass(frozen=True, slots=True)
class Volume(Record):
    """A labelmap on its CT's grid: uint8 ``(z, y, x)`` in a gzipped ``.npy``."""

    series_id: Annotated[str, Column("CT series", key=True)]
    labelmap_id: Annotated[str, Column("labelmap it came from; empty if an engine made it here")]
    engine: Annotated[str, Column("what made the labels")]
    sha256: Annotated[str, Column("of the array's bytes")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte", place=True)]


@table("segments", "segment", "one structure of one CT")
@dataclass(frozen=True, slots=True)
class Segment(Record):
    """A structure that the labelmap holds."""

    series_id: Annotated[str, Column("CT series", key=True)]
    value: Annotated[int, Column("voxel value", key=True)]
    structure: Annotated[str, Column("TotalSegmentator class name")]
    n_voxels: Annotated[int, Column("voxels", unit="voxel")]
    volume_ml: Annotated[float, Column("volume", unit="ml")]


@table("consensus", "consensus", "one object that readers agree on")
@dataclass(frozen=True, slots=True)
class Consensus(Record):
    """The mask that stands for several readers' marks; the marks themselves stay in ``annotations``."""

    consensus_id: Annotated[str, Column("object", key=True)]
    series_id: Annotated[str, Column("series that was read")]
    finding: Annotated[str, Column("what was marked")]
    method: Annotated[str, Column("how the marks were merged, e.g. staple")]
    reader_ids: Annotated[tuple[str, ...], Column("readers who marked it, sorted")]
    n_readers: Annotated[int, Column("readers who read the series")]
    object_ids: Annotated[tuple[str, ...], Column("readers' objects that were merged, sorted")]
    start_zyx: Annotated[tuple[int, ...], Column("first voxel of the box that holds the mask", unit="voxel")]
    shape_zyx: Annotated[tuple[int, ...], Column("size of that box", unit="voxel")]
    runs: Annotated[tuple[int, ...], Column("run lengths in C order over the box, first run is background")]
    n_voxels: Annotated[int, Column("voxels", unit="voxel")]


@table("agreement", "consensus", "one pair of readers on one object")
@dataclass(frozen=True, slots=True)
class Agreement(Record):
    """Overlap of two readers' marks of the same object; 0 where only one of them marked it."""

    consensus_id: Annotated[str, Column("object", key=True)]
    reader_a: Annotated[str, Column("reader", key=True)]
    reader_b: Annotated[str, Column("reader", key=True)]
    dice: Annotated[float, Column("Dice coefficient of the two masks, 0 to 1")]


# --- project, measure ------------------------------------------------------------------------------------


@table("views", "project", "one projected image")
@dataclass(frozen=True, slots=True)
class View(Record):
    """A digitally reconstructed radiograph and its geometry, LPS."""

    view_id: Annotated[str, Column("projection", key=True)]
    series_id: Annotated[str, Column("CT series it was made from")]
    view: Annotated[str, Column("PA, AP, LAT (left lateral), RL (right lateral), LAO, RAO, LPO or RPO")]
    beam: Annotated[str, Column("cone or parallel")]
    rows: Annotated[int, Column("height", unit="pixel")]
    columns: Annotated[int, Column("width", unit="pixel")]
    pixel_spacing_mm: Annotated[float, Column("on the detector", unit="mm")]
    source_to_detector_mm: Annotated[float, Column("distance", unit="mm")]
    source_xyz_mm: Annotated[tuple[float, ...], Column("focal spot", unit="mm")]
    detector_origin_xyz_mm: Annotated[tuple[float, ...], Column("centre of pixel (0, 0)", unit="mm")]
    detector_x_axis: Annotated[tuple[float, ...], Column("unit vector of rising column")]
    detector_y_axis: Annotated[tuple[float, ...], Column("unit vector of rising row")]
    magnification: Annotated[float, Column("size on the detector over size in the patient, at the centre of the CT")]
    coverage: Annotated[str, Column("COCO RLE of the pixels whose rays do not leave the CT through its ends")]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright")]
    sha256: Annotated[str, Column("of the PNG file")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte", place=True)]


@table("masks", "project", "one label on one projected image")
@dataclass(frozen=True, slots=True)
class Mask(Record):
    """A projected label as COCO RLE; the footprint, that is, the true projection."""

    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label (PAXRay++ name) or finding", key=True)]
    category_id: Annotated[int, Column("PAXRay++ id, 0-based; 1000 and above for findings")]
    source: Annotated[str, Column("segment, or consensus for readers' findings")]
    rle: Annotated[str, Column("COCO compressed run lengths, column-major, size (rows, columns) of the view")]
    area_px: Annotated[int, Column("pixels", unit="pixel")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height", unit="pixel")]
    mean_thickness_mm: Annotated[float, Column("mean path length inside the mask", unit="mm")]


@table("visible_masks", "project", "one lung label on one projected image, as a film shows it")
@dataclass(frozen=True, slots=True)
class VisibleMask(Record):
    """The other convention for lungs: the footprint without what heart, mediastinum and diaphragm hide (PA and AP)."""

    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label (PAXRay++ name) of a lung, lobe or zone", key=True)]
    rle: Annotated[str, Column("COCO compressed run lengths, as in masks")]
    area_px: Annotated[int, Column("pixels", unit="pixel")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height", unit="pixel")]


@table("pictures", "project", "one further picture of one projected image")
@dataclass(frozen=True, slots=True)
class Picture(Record):
    """A picture on the same grid as the view's own: its 16-bit twin for processing, or a partner."""

    view_id: Annotated[str, Column("projection", key=True)]
    kind: Annotated[str, Column("raw (16 bits), bone_suppressed, bone_only or lung_only (8 bits)", key=True)]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright")]
    scale: Annotated[float, Column("of raw: minus the logarithm of the transmitted share is this times the pixel")]
    sha256: Annotated[str, Column("of the PNG file")]
    shard: Annotated[str, Column("tar file, relative to the stage's folder", place=True)]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte", place=True)]
    length: Annotated[int, Column("of the file", unit="byte", place=True)]


@table("label_gaps", "project", "one anatomy label that one CT does not give")
@dataclass(frozen=True, slots=True)
class LabelGap(Record):
    """Why a label has no mask: no label is dropped in silence."""

    series_id: Annotated[str, Column("CT series", key=True)]
    label: Annotated[str, Column("anatomy label (PAXRay++ name)", key=True)]
    reason: Annotated[str, Column("what it would need, in words")]


@table("ct_quality", "project", "one CT")
@dataclass(frozen=True, slots=True)
class CtQuality(Record):
    """What a CT is good for: how the patient lay, what the scan holds, and what is wrong with it."""

    series_id: Annotated[str, Column("CT series", key=True)]
    score: Annotated[float, Column("1 is flawless")]
    reasons: Annotated[tuple[str, ...], Column("rule ids, what lowered the score")]
    arms: Annotated[str, Column("up, down or not seen")]
    position: Annotated[str, Column("supine, prone or unknown")]
    contrast: Annotated[str, Column("phase by the enhancement of vessels, or none")]
    slice_mm: Annotated[float, Column("slice spacing", unit="mm")]
    body_cut_share: Annotated[float, Column("slices in which the field of view cuts the body")]
    lungs_whole: Annotated[bool, Column("neither end of the scan cuts the lungs")]


@table("mask_quality", "project", "one mask on one projected image")
@dataclass(frozen=True, slots=True)
class MaskQuality(Record):
    """How good a projected mask is, and what it is worth to correct it."""

    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label (PAXRay++ name) or finding", key=True)]
    score: Annotated[float, Column("1 is flawless")]
    flags: Annotated[tuple[str, ...], Column("rule ids, what lowered the score")]
    priority: Annotated[float, Column("0 to 1, what a correction would win; 0 where nothing can be mended")]
    components: Annotated[int, Column("pieces of 10 mm2 and more, and the largest", unit="{count}")]
    main_share: Annotated[float, Column("of the area in its main piece, or in the two of a pair")]
    border_px: Annotated[int, Column("on the detector's border", unit="pixel")]
    uncovered_share: Annotated[float, Column("of the area where the rays leave the CT through its ends")]
    place: Annotated[tuple[float, ...], Column("centre, x and y, -1 to 1 over the lungs' box; empty without lungs")]
    area_mm2: Annotated[float, Column("at the detector", unit="mm2")]


@table("view_quality", "project", "one projected image")
@dataclass(frozen=True, slots=True)
class ViewQuality(Record):
    """Whether the masks of a view show what a chest CT should show, the right way round."""

    view_id: Annotated[str, Column("projection", key=True)]
    score: Annotated[float, Column("1 is flawless")]
    reasons: Annotated[tuple[str, ...], Column("rule ids, what lowered the score")]
    orientation: Annotated[str, Column("as_is, mirrored, upside_down or turned: how its labels would fit")]
    absent: Annotated[tuple[str, ...], Column("labels that should be there and have no pixel; label_gaps says why")]
    flawed_share: Annotated[float, Column("of the masks that any chest has, those that need correction")]


@table("ct_measurements", "project", "one measurement on one CT")
@dataclass(frozen=True, slots=True)
class CtMeasurement(Record):
    """The true value beside a film's, taken in 3-D, or the reason why the CT gives none."""

    series_id: Annotated[str, Column("CT series", key=True)]
    measure: Annotated[str, Column("as in measurements, and lung_volume", key=True)]
    value: Annotated[float | None, Column("measured value; none with a reason")]
    unit: Annotated[str, Column("UCUM; 1 for a ratio")]
    part_names: Annotated[tuple[str, ...], Column("what the value is made of")]
    part_values: Annotated[tuple[float, ...], Column("a value for each, in its unit")]
    part_units: Annotated[tuple[str, ...], Column("UCUM; mm in the patient")]
    reason: Annotated[str, Column("why there is no value")]


@table("measurements", "measure", "one measurement on one image")
@dataclass(frozen=True, slots=True)
class Measurement(Record):
    """A number a radiologist would take on a film, with the points it was taken at, or the reason why there is none."""

    view_id: Annotated[str, Column("projection", key=True)]
    measure: Annotated[str, Column("one of CheXStruct's twelve, e.g. cardiomegaly: the cardiothoracic ratio", key=True)]
    value: Annotated[float | None, Column("measured value; none with a reason")]
    unit: Annotated[str, Column("UCUM; 1 for a ratio")]
    thresholds: Annotated[tuple[float, ...], Column("limit of the verdict; two for a range")]
    positive: Annotated[bool | None, Column("the verdict is a finding; none with a reason")]
    verdict: Annotated[str, Column("the verdict in words; empty with a reason")]
    landmarks: Annotated[tuple[str, ...], Column("names of the points, in a fixed order")]
    points_px: Annotated[tuple[float, ...], Column("x0, y0, x1, y1, … the landmarks", unit="pixel")]
    part_names: Annotated[tuple[str, ...], Column("what the value is made of")]
    part_values: Annotated[tuple[float, ...], Column("a value for each, in its unit")]
    part_units: Annotated[tuple[str, ...], Column("UCUM; mm at the detector, magnified")]
    reason: Annotated[str, Column("why there is no value")]


@table("outlines", "measure", "the outline of one label on one image")
@dataclass(frozen=True, slots=True)
class Outline(Record):
    """A mask's border as points in a fixed order, for graph models; of its largest piece."""

    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label (PAXRay++ name)", key=True)]
    points_px: Annotated[
        tuple[float, ...], Column("x0, y0, x1, y1, … clockwise from a corner of its own", unit="pixel")
    ]


# --- mine, ground, route ---------------------------------------------------------------------------------


@table("sections", "mine", "one section of one report")
@dataclass(frozen=True, slots=True)
class Section(Record):
    """A section; sections cover the text without gap or overlap."""

    report_id: Annotated[str, Column("report", key=True)]
    position: Annotated[int, Column("0, 1, 2 … in order", key=True)]
    name: Annotated[str, Column("findings, impression, indication, comparison, technique, … or preamble")]
    start: Annotated[int, Column("first character, header included", unit="character")]
    end: Annotated[int, Column("one past the last character", unit="character")]
    body_start: Annotated[int, Column("first character after the header", unit="character")]


@table("mentions", "mine", "one finding named once in one report")
@dataclass(frozen=True, slots=True)
class Mention(Record):
    """A span of text that names a finding, and what the text says of it."""

    mention_id: Annotated[str, Column("report, start and finding", key=True)]
    report_id: Annotated[str, Column("report")]
    section: Annotated[str, Column("section name")]
    sentence_start: Annotated[int, Column("first character of the sentence", unit="character")]
    sentence_end: Annotated[int, Column("one past its last character", unit="character")]
    start: Annotated[int, Column("first character of the mention", unit="character")]
    end: Annotated[int, Column("one past its last character", unit="character")]
    finding: Annotated[str, Column("concept that is named, see concepts, e.g. pleural_effusion")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    rule_id: Annotated[str, Column("lexicon entry that found it")]
    assertion_rule_id: Annotated[str, Column("rule that decided the assertion")]
    laterality: Annotated[str, Column("left, right, bilateral, or empty")]
    severity: Annotated[str, Column("severity word, or empty")]
    location: Annotated[tuple[str, ...], Column("anatomy words of its clause, as lexicon names, sorted")]
    temporality: Annotated[
        Temporality,
        Column("new, improved, worse, stable, resolved; historical or hypothetical: not of this examination; or empty"),
    ] = Temporality.UNSAID
    experiencer: Annotated[str, Column("patient, or other: somebody of the family")] = PATIENT
    temporality_rule_id: Annotated[str, Column("rule that decided temporality or experiencer; or empty")] = ""
    size_mm: Annotated[float | None, Column("largest extent that its clause gives", unit="mm")] = None
    count_min: Annotated[int | None, Column("how many there are at least, if its clause says so")] = None
    count_max: Annotated[int | None, Column("how many there are at most, if its clause says so")] = None

    @property
    def is_current(self) -> bool:
        """Whether it speaks of this patient in this examination; only such mentions make labels, places and cases."""
        return self.experiencer == PATIENT and self.temporality not in NOT_NOW


@table("report_labels", "mine", "one label of one report")
@dataclass(frozen=True, slots=True)
class ReportLabel(Record):
    """A label of a published set: 1 present, 0 absent, -1 uncertain, null not mentioned.

    Of a tree (padchest) only labels that are mentioned have rows.
    """

    report_id: Annotated[str, Column("report", key=True)]
    label: Annotated[str, Column("label as its set spells it", key=True)]
    state: Annotated[int | None, Column("1, 0, -1 or null")]
    mention_ids: Annotated[tuple[str, ...], Column("mentions that decided it, sorted")]
    label_set: Annotated[str, Column("chexpert, nih, vindr or padchest", key=True)] = CHEXPERT


@table("concepts", "mine", "one concept that a mention may name")
@dataclass(frozen=True, slots=True)
class ConceptRow(Record):
    """A finding, device, disease or place of the lexicon, with the codes of others where they are sure."""

    concept_id: Annotated[str, Column("the finding of mentions, or a place", key=True)]
    name: Annotated[str, Column("plain English")]
    kind: Annotated[str, Column("root, finding, disease, device or anatomy")]
    parents: Annotated[tuple[str, ...], Column("what it is a kind or a part of")]
    semantic_type: Annotated[str, Column("TUI of the UMLS Semantic Network, or empty")]
    cui: Annotated[str, Column("UMLS concept where two open sources agree on its name, or empty")]
    hpo: Annotated[str, Column("Human Phenotype Ontology, or empty")]
    doid: Annotated[str, Column("Disease Ontology, or empty")]
    opposites: Annotated[tuple[str, ...], Column("concepts that exclude it in the same place")]


@table("concept_links", "mine", "one concept of the user's dictionary in one report")
@dataclass(frozen=True, slots=True)
class ConceptLink(Record):
    """A phrase of a report and what it may mean by the user's own dictionary (UMLS or a term list)."""

    report_id: Annotated[str, Column("report", key=True)]
    start: Annotated[int, Column("first character of the phrase", unit="character", key=True)]
    position: Annotated[int, Column("0 for the likeliest meaning, then 1, 2", key=True)]
    end: Annotated[int, Column("one past its last character", unit="character")]
    section: Annotated[str, Column("section name")]
    concept_id: Annotated[str, Column("CUI, or the id of a term list")]
    name: Annotated[str, Column("the concept's own name in the dictionary")]
    score: Annotated[float, Column("0 to 1, by type, name, sources and context")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    assertion_rule_id: Annotated[str, Column("rule that decided the assertion")]
    temporality: Annotated[Temporality, Column("as of mentions")]
    experiencer: Annotated[str, Column("patient, or other")]


@table("groundings", "ground", "one finding placed on one image")
@dataclass(frozen=True, slots=True)
class Grounding(Record):
    """A finding of a report on an anatomy mask of a view of its own study, or of the reference atlas."""

    mention_id: Annotated[str, Column("mention", key=True)]
    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label, see masks", key=True)]
    reference: Annotated[str, Column("study, or atlas: another person's CT, for orientation only")]
    report_id: Annotated[str, Column("report")]
    finding: Annotated[str, Column("concept that is named")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height of the mask", unit="pixel")]
    rule_id: Annotated[str, Column("grounding rule that chose the label")]


class Says(StrEnum):
    """What a sentence says of a part of the body; where it says several things, the first of these stands."""

    PRESENT = "present"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    NORMAL = "normal"
    UNSTATED = "unstated"


@table("sentence_groundings", "ground", "one part of the body that one sentence speaks of, on one image")
@dataclass(frozen=True, slots=True)
class SentenceGrounding(Record):
    """A sentence on an anatomy mask: where its findings lie, and what it names without a finding."""

    report_id: Annotated[str, Column("report", key=True)]
    sentence_start: Annotated[int, Column("first character of the sentence", unit="character", key=True)]
    view_id: Annotated[str, Column("projection", key=True)]
    label: Annotated[str, Column("anatomy label, see masks", key=True)]
    sentence_end: Annotated[int, Column("one past its last character", unit="character")]
    section: Annotated[str, Column("section name")]
    says: Annotated[
        Says,
        Column("of its findings there: present, uncertain or absent; without a finding: normal or unstated"),
    ]
    mention_ids: Annotated[tuple[str, ...], Column("mentions that lie there, sorted")]
    rule_id: Annotated[str, Column("grounding rule that chose the label")]
    reference: Annotated[str, Column("study, or atlas: another person's CT, for orientation only")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height of the mask", unit="pixel")]


@table("cases", "route", "one question for a reader")
@dataclass(frozen=True, slots=True)
class Case(Record):
    """An uncertain report, image or object, with why it is asked."""

    case_id: Annotated[str, Column("case", key=True)]
    task: Annotated[str, Column("label_review, mask_review or measurement_review")]
    subject_id: Annotated[str, Column("report, view or consensus that is asked about")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    priority: Annotated[float, Column("0 to 1, highest first")]
    rule_ids: Annotated[tuple[str, ...], Column("routing rules that fired, sorted")]
    reasons: Annotated[tuple[str, ...], Column("the same in plain words, in the same order")]


# --- release: what modelers pull (file names have no `release_`) -----------------------------------------


@table("release_images", "release", "one image of a release")
@dataclass(frozen=True, slots=True)
class ReleaseImage(Record):
    """An image and where its PNG lies in the release's own shards."""

    image_id: Annotated[str, Column("image; the view_id of the work tables", key=True)]
    study_id: Annotated[str, Column("pseudonymous study")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test: the split of its patient")]
    series_id: Annotated[str, Column("CT series it was projected from")]
    view: Annotated[str, Column("PA, AP or LAT")]
    rows: Annotated[int, Column("height", unit="pixel")]
    columns: Annotated[int, Column("width", unit="pixel")]
    pixel_spacing_mm: Annotated[float, Column("on the detector", unit="mm")]
    bits: Annotated[int, Column("of a pixel", unit="bit")]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright")]
    file_name: Annotated[str, Column("member of the shard; file_name in the COCO files")]
    sha256: Annotated[str, Column("of the PNG file")]
    shard: Annotated[str, Column("tar file, relative to the release")]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte")]
    length: Annotated[int, Column("of the file", unit="byte")]


@table("release_splits", "release", "one patient's split")
@dataclass(frozen=True, slots=True)
class ReleaseSplit(Record):
    """Which split a patient is in; a patient never moves when data grows."""

    patient_id: Annotated[str, Column("pseudonymous patient", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    split_source: Annotated[str, Column("derived: by a keyless hash of the pseudonym and the recipe's salt")]


@table("release_labels", "release", "one label of one image from one source")
@dataclass(frozen=True, slots=True)
class ReleaseLabel(Record):
    """A CheXpert label of an image: 1 present, 0 absent, -1 uncertain; with where it came from."""

    image_id: Annotated[str, Column("image", key=True)]
    label: Annotated[str, Column("CheXpert label", key=True)]
    source: Annotated[str, Column("measurement, consensus or report", key=True)]
    source_id: Annotated[str, Column("measure, consensus_id or report_id that it came from", key=True)]
    state: Annotated[int | None, Column("1, 0, -1, or null: not mentioned")]


@table("release_phrases", "release", "one grounded finding of one report on one image")
@dataclass(frozen=True, slots=True)
class ReleasePhrase(Record):
    """A phrase by its place in the report and its box on the image; the text itself is not released."""

    report_id: Annotated[str, Column("pseudonymous report", key=True)]
    start: Annotated[int, Column("first character in the clean text", unit="character", key=True)]
    finding: Annotated[str, Column("finding of the lexicon", key=True)]
    image_id: Annotated[str, Column("image", key=True)]
    label: Annotated[str, Column("anatomy label, see masks", key=True)]
    end: Annotated[int, Column("one past the last character", unit="character")]
    patient_id: Annotated[str, Column("pseudonymous patient of the report")]
    split: Annotated[str, Column("split of the report's patient")]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    laterality: Annotated[str, Column("left, right, bilateral, or empty")]
    severity: Annotated[str, Column("severity word, or empty")]
    reference: Annotated[str, Column("study, or atlas: another person's CT, for orientation only")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height", unit="pixel")]
    licence: Annotated[str, Column("of the report it was mined from")]
