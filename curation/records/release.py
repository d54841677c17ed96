"""What modelers pull; file names have no ``release_``."""

from dataclasses import dataclass
from typing import Annotated

from curation.records.schema import Column, Record, table
from curation.records.values import Assertion


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
    source: Annotated[str, Column("measurement, consensus, report or readers", key=True)]
    source_id: Annotated[str, Column("measure, consensus_id, report_id or decision_id that it came from", key=True)]
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
