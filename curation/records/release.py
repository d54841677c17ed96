"""What every release holds: its spine. File names have no ``release_``."""

from dataclasses import dataclass
from typing import Annotated

from curation.records.schema import Column, Record, table


@table("release_images", "release", "one image of a release")
@dataclass(frozen=True, slots=True)
class ReleaseImage(Record):
    """An image and where its PNG lies in the release's own shards."""

    image_id: Annotated[str, Column("image: instance_id of a radiograph, view_id of a projection", key=True)]
    study_id: Annotated[str, Column("pseudonymous study")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test: the split of its patient")]
    series_id: Annotated[str, Column("series that it is of, or the CT series it was projected from")]
    kind: Annotated[str, Column("radiograph, or projection: made from a CT")]
    view: Annotated[str, Column("PA, AP, LAT, another view of a projection, or empty if the header does not say")]
    laterality: Annotated[str, Column("L or R: the side at the detector of a lateral projection; else empty")]
    rows: Annotated[int, Column("height of the PNG", unit="pixel")]
    columns: Annotated[int, Column("width of the PNG", unit="pixel")]
    original_rows: Annotated[int, Column("height before it was made smaller", unit="pixel")]
    original_columns: Annotated[int, Column("width before it was made smaller", unit="pixel")]
    pixel_spacing_mm: Annotated[float | None, Column("of the PNG, on the detector; null if unknown", unit="mm")]
    bits: Annotated[int, Column("of a pixel", unit="bit")]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright, whatever the original was")]
    grey: Annotated[str, Column("what decided the grey: lut, window, own_values (no useful window), or projection")]
    file_name: Annotated[str, Column("member of the shard; file_name in the COCO files")]
    sha256: Annotated[str, Column("of the PNG file")]
    pixel_sha256: Annotated[str, Column("of the original's pixels: the same image has the same, under any name")]
    shard: Annotated[str, Column("tar file, relative to the release")]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte")]
    length: Annotated[int, Column("of the file", unit="byte")]


@table("release_splits", "release", "one patient's split")
@dataclass(frozen=True, slots=True)
class ReleaseSplit(Record):
    """Which split a patient is in; a patient never moves when data grows."""

    patient_id: Annotated[str, Column("pseudonymous patient", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    split_source: Annotated[
        str,
        Column(
            "official: as published; derived: by a hash of pseudonym and salt; kept: as in the version before; "
            "balanced: within its stratum"
        ),
    ]
    seed: Annotated[str, Column("salt of the hash")]
    strata: Annotated[str, Column("stratum that it was balanced in, of a hidden test without labels; or empty")]


@table("release_left_out", "release", "one image or report that is not in a release")
@dataclass(frozen=True, slots=True)
class ReleaseLeftOut(Record):
    """What is held back, and why: nothing is dropped in silence."""

    kind: Annotated[str, Column("image or report", key=True)]
    item_id: Annotated[str, Column("image or report", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("split of its patient")]
    reason: Annotated[
        str,
        Column(
            "duplicate_image: its pixels stand in another split; near_duplicate_report: a report that says nearly the "
            "same does; no_render: it has no picture"
        ),
    ]
    twin_id: Annotated[
        str, Column("the image or report that it is a duplicate of; empty if there is none or a hidden test has it")
    ]


@table("release_labels", "release", "one label of one image from one source")
@dataclass(frozen=True, slots=True)
class ReleaseLabel(Record):
    """A label of an image: 1 present, 0 absent, -1 uncertain; with where it came from."""

    image_id: Annotated[str, Column("image", key=True)]
    label: Annotated[str, Column("label as its set spells it", key=True)]
    source: Annotated[str, Column("measurement, consensus, report, readers, or the name of a labeler", key=True)]
    source_id: Annotated[
        str, Column("measure, consensus_id, report_id, decision_id or subject_id that it came from", key=True)
    ]
    state: Annotated[int | None, Column("1, 0, -1, or null: not mentioned")]
    label_set: Annotated[str, Column("chexpert, nih, vindr or padchest", key=True)] = "chexpert"
