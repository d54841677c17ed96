"""Tables of segment, consensus, project and measure."""

from dataclasses import dataclass
from typing import Annotated

from curation.records.schema import Column, Record, table

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
    source: Annotated[str, Column("segment, consensus for readers' findings, or readers: corrected by them (release)")]
    rle: Annotated[str, Column("COCO compressed run lengths, column-major, size (rows, columns) of the view")]
    area_px: Annotated[int, Column("pixels", unit="pixel")]
    box: Annotated[tuple[int, ...], Column("x, y, width, height", unit="pixel")]
    mean_thickness_mm: Annotated[
        float | None, Column("mean path length inside the mask; null where readers drew it", unit="mm")
    ]


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
