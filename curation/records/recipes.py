"""Tables that single recipes add to the spine; file names have no ``release_``.

Text columns are null where the report's licence does not allow to pass its text on (``text_licences`` of the recipe).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from curation.records.schema import Column, Record, table
from curation.records.values import Assertion, Says, Temporality

# --- classification --------------------------------------------------------------------------------------


@table("release_targets", "release", "one label of one image, all sources as one")
@dataclass(frozen=True, slots=True)
class ReleaseTarget(Record):
    """What a model is trained on: the best source's state, and the same after the recipe's policy."""

    image_id: Annotated[str, Column("image", key=True)]
    label_set: Annotated[str, Column("chexpert, nih, vindr or padchest", key=True)]
    label: Annotated[str, Column("label as its set spells it", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    state: Annotated[int | None, Column("1 present, 0 absent, -1 uncertain, null not mentioned")]
    target: Annotated[int | None, Column("1 or 0 after the policy of the recipe; null: leave it out of the loss")]
    source: Annotated[str, Column("where the state is from: readers before consensus, measurement, report, labelers")]
    source_id: Annotated[str, Column("as of labels")]
    n_sources: Annotated[int, Column("sources that say something of it", unit="{count}")]
    contradicted: Annotated[bool, Column("another source says the opposite")]


# --- reader-boxes ----------------------------------------------------------------------------------------


@table("release_boxes", "release", "one box by one reader on one image")
@dataclass(frozen=True, slots=True)
class ReleaseBox(Record):
    """A reader's box in pixels of the original image, within it but for rounding; in ``annotations_<split>``."""

    image_id: Annotated[str, Column("image", key=True)]
    rad_id: Annotated[str, Column("pseudonymous reader", key=True)]
    reading: Annotated[int, Column("0; 1 where the same reader read the image again, unknowing", key=True)]
    number: Annotated[int, Column("0, 1, 2 … in order of class and place", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    class_name: Annotated[str, Column("finding")]
    x_min: Annotated[float, Column("left edge", unit="pixel")]
    y_min: Annotated[float, Column("upper edge", unit="pixel")]
    x_max: Annotated[float, Column("right edge", unit="pixel")]
    y_max: Annotated[float, Column("lower edge", unit="pixel")]
    at: Annotated[datetime | None, Column("when it was read, UTC; null for outlines that came with the images")]
    source: Annotated[
        str,
        Column(
            "reading: drawn by one who saw no other's; adjudication: by one who saw the others'; "
            "outline: projected from the reader's outlines on the CT"
        ),
    ]
    source_id: Annotated[str, Column("event_id, or object_id of the outlines")]


@table("release_reads", "release", "one reading of one image by one reader")
@dataclass(frozen=True, slots=True)
class ReleaseRead(Record):
    """Who read which image: also where the reader found nothing."""

    image_id: Annotated[str, Column("image", key=True)]
    rad_id: Annotated[str, Column("pseudonymous reader", key=True)]
    reading: Annotated[int, Column("as of annotations", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    n_boxes: Annotated[int, Column("boxes that the reader drew", unit="{count}")]
    at: Annotated[datetime | None, Column("when, UTC; null for outlines that came with the images")]
    seconds: Annotated[float | None, Column("time that it took; null if unknown", unit="s")]
    source: Annotated[str, Column("as of annotations")]


@table("release_image_labels", "release", "one label of one image by one reader")
@dataclass(frozen=True, slots=True)
class ReleaseImageLabel(Record):
    """A reader's answer for the whole image."""

    image_id: Annotated[str, Column("image", key=True)]
    rad_id: Annotated[str, Column("pseudonymous reader", key=True)]
    reading: Annotated[int, Column("as of annotations", key=True)]
    class_name: Annotated[str, Column("finding or label", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    state: Annotated[int | None, Column("1 present, 0 absent, -1 uncertain")]
    source_id: Annotated[str, Column("event_id, or object_id of the outlines")]


@table("release_consensus_boxes", "release", "one box that stands for several readers'")
@dataclass(frozen=True, slots=True)
class ReleaseConsensusBox(Record):
    """Boxes of several readers as one; the boxes themselves stand in ``annotations_<split>``."""

    image_id: Annotated[str, Column("image", key=True)]
    class_name: Annotated[str, Column("finding", key=True)]
    number: Annotated[int, Column("0, 1, 2 … of this class", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    method: Annotated[
        str,
        Column("weighted_box_fusion, single, adjudication; staple, majority or mean_point of the outlines on the CT"),
    ]
    votes: Annotated[int, Column("readers who marked it", unit="{count}")]
    n_readers: Annotated[int, Column("readers who could have; of an adjudication the adjudicator", unit="{count}")]
    score: Annotated[float, Column("votes over readers")]
    x_min: Annotated[float, Column("left edge", unit="pixel")]
    y_min: Annotated[float, Column("upper edge", unit="pixel")]
    x_max: Annotated[float, Column("right edge", unit="pixel")]
    y_max: Annotated[float, Column("lower edge", unit="pixel")]
    rad_ids: Annotated[tuple[str, ...], Column("readers who marked it, sorted")]
    source_ids: Annotated[tuple[str, ...], Column("as of annotations, sorted")]


# --- paxray ----------------------------------------------------------------------------------------------


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


@table("release_landmarks", "release", "one point of one measurement on one image")
@dataclass(frozen=True, slots=True)
class ReleaseLandmark(Record):
    """A landmark that a measurement was taken at."""

    image_id: Annotated[str, Column("image", key=True)]
    measure: Annotated[str, Column("measurement", key=True)]
    number: Annotated[int, Column("0, 1, 2 … in the measurement's fixed order", key=True)]
    landmark: Annotated[str, Column("name of the point")]
    x: Annotated[float, Column("column", unit="pixel")]
    y: Annotated[float, Column("row", unit="pixel")]


@table("release_geometry", "release", "how one image was projected from its CT")
@dataclass(frozen=True, slots=True)
class ReleaseGeometry(Record):
    """Source and detector, LPS."""

    image_id: Annotated[str, Column("image", key=True)]
    series_id: Annotated[str, Column("CT series")]
    beam: Annotated[str, Column("cone or parallel")]
    source_to_detector_mm: Annotated[float, Column("distance", unit="mm")]
    source_xyz_mm: Annotated[tuple[float, ...], Column("focal spot", unit="mm")]
    detector_origin_xyz_mm: Annotated[tuple[float, ...], Column("centre of pixel (0, 0)", unit="mm")]
    detector_x_axis: Annotated[tuple[float, ...], Column("unit vector of rising column")]
    detector_y_axis: Annotated[tuple[float, ...], Column("unit vector of rising row")]
    magnification: Annotated[float, Column("size on the detector over size in the patient, at the centre of the CT")]
    coverage: Annotated[str, Column("COCO RLE of the pixels whose rays do not leave the CT through its ends")]


@table("release_pictures", "release", "one further picture of one image")
@dataclass(frozen=True, slots=True)
class ReleasePicture(Record):
    """A picture on the image's own grid: its 16-bit twin for processing, or a partner (input and target of a pair)."""

    image_id: Annotated[str, Column("image", key=True)]
    kind: Annotated[str, Column("raw (16 bits), bone_suppressed, bone_only or lung_only (8 bits)", key=True)]
    split: Annotated[str, Column("train, valid or test")]
    photometric: Annotated[str, Column("MONOCHROME2: bone is bright")]
    scale: Annotated[float, Column("of raw: minus the logarithm of the transmitted share is this times the pixel")]
    file_name: Annotated[str, Column("member of the shard")]
    sha256: Annotated[str, Column("of the PNG file")]
    shard: Annotated[str, Column("tar file, relative to the release")]
    offset: Annotated[int, Column("of the file's first byte in the shard", unit="byte")]
    length: Annotated[int, Column("of the file", unit="byte")]


# --- report-pairs ----------------------------------------------------------------------------------------


@table("release_reports", "release", "one report")
@dataclass(frozen=True, slots=True)
class ReleaseReport(Record):
    """A clean report."""

    report_id: Annotated[str, Column("pseudonymous report", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    study_id: Annotated[str | None, Column("study that it describes; null if it came without images")]
    split: Annotated[str, Column("train, valid or test")]
    report_date: Annotated[date | None, Column("date, moved by the patient's shift")]
    collection: Annotated[str, Column("where it came from: openi or local")]
    licence: Annotated[str, Column("SPDX identifier; LicenseRef-local for a hospital's own")]
    duplicate_group: Annotated[str, Column("reports that say nearly the same share it: the smallest report_id")]
    n_characters: Annotated[int, Column("length of the clean text", unit="character")]
    text: Annotated[str | None, Column("clean text")]


@table("release_sections", "release", "one section of one report")
@dataclass(frozen=True, slots=True)
class ReleaseSection(Record):
    """A section; sections cover the text without gap or overlap."""

    report_id: Annotated[str, Column("report", key=True)]
    position: Annotated[int, Column("0, 1, 2 … in order", key=True)]
    name: Annotated[str, Column("findings, impression, indication, comparison, technique, … or preamble")]
    split: Annotated[str, Column("train, valid or test")]
    start: Annotated[int, Column("first character, header included", unit="character")]
    body_start: Annotated[int, Column("first character after the header", unit="character")]
    end: Annotated[int, Column("one past the last character", unit="character")]
    text: Annotated[str | None, Column("the report's characters from start to end: together they are the report")]


@table("release_pairs", "release", "one report with the images of its study")
@dataclass(frozen=True, slots=True)
class ReleasePair(Record):
    """What a report generator is given: images in order, frontal ones first, and why they were made; see ``texts``."""

    report_id: Annotated[str, Column("report", key=True)]
    study_id: Annotated[str | None, Column("study; null if the report came without images")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    image_ids: Annotated[
        tuple[str, ...], Column("images: PA, AP, projected PA and AP, laterals, others; of equals by image_id")
    ]
    views: Annotated[tuple[str, ...], Column("view of each image")]
    key_image_id: Annotated[str | None, Column("the first frontal image; null without one")]
    lateral_id: Annotated[str | None, Column("the first lateral image; null without one")]
    indication: Annotated[str | None, Column("words of indication or history")]
    comparison: Annotated[str | None, Column("words of the comparison")]
    technique: Annotated[str | None, Column("words of technique or examination")]
    flags: Annotated[
        tuple[str, ...],
        Column("no_image, no_frontal, no_findings, no_impression, impression_only, text_withheld; sorted"),
    ]
    duplicate_group: Annotated[
        str,
        Column("reports that say nearly the same share it: the smallest report_id; of a hidden test its own report_id"),
    ]


@table("release_texts", "release", "what one report says of its images")
@dataclass(frozen=True, slots=True)
class ReleaseText(Record):
    """What a report generator is to write; in ``texts``. Of a hidden test it stands apart."""

    report_id: Annotated[str, Column("report", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    licence: Annotated[str, Column("of the report, as in reports")]
    findings: Annotated[str | None, Column("words of the findings, without the header; null without any")]
    impression: Annotated[str | None, Column("words of the impression, without the header; null without any")]
    duplicate_group: Annotated[str, Column("reports that say nearly the same share it: the smallest report_id")]


# --- prior-grounded --------------------------------------------------------------------------------------


@table("release_grounded", "release", "one frontal image with what came before it")
@dataclass(frozen=True, slots=True)
class ReleaseGrounded(Record):
    """A frontal image, its study's lateral and report, and the last earlier study of the same patient."""

    image_id: Annotated[str, Column("frontal image", key=True)]
    study_id: Annotated[str, Column("study")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    study_date: Annotated[date | None, Column("StudyDate, moved by the patient's shift")]
    lateral_id: Annotated[str | None, Column("lateral image of the study; null without one")]
    report_id: Annotated[str | None, Column("report of the study; null without one")]
    prior_study_id: Annotated[
        str | None,
        Column(
            "last study of an earlier day that has a frontal image, of the same kind (radiograph, projection) if there "
            "is one; or null"
        ),
    ]
    prior_image_id: Annotated[str | None, Column("its frontal image: the same for all images of one day")]
    prior_report_id: Annotated[str | None, Column("its report; null without one")]
    days_between: Annotated[int | None, Column("from the prior to this study, 1 or more", unit="d")]
    indication: Annotated[str | None, Column("words of indication or history")]
    comparison: Annotated[str | None, Column("words of the comparison")]
    technique: Annotated[str | None, Column("words of technique or examination")]
    prior_report: Annotated[
        str | None,
        Column(
            "clean text of the prior report; null if it was written after the study, and in a hidden test, where it "
            "answers for its own images"
        ),
    ]


@table("release_sentences", "release", "one sentence of one report on one image")
@dataclass(frozen=True, slots=True)
class ReleaseSentence(Record):
    """A sentence and where it lies; in ``phrases``. Without a place it has no boxes."""

    report_id: Annotated[str, Column("report", key=True)]
    start: Annotated[int, Column("first character in the clean text", unit="character", key=True)]
    image_id: Annotated[str, Column("frontal image of the study", key=True)]
    end: Annotated[int, Column("one past the last character", unit="character")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    section: Annotated[str, Column("section name")]
    sentence: Annotated[str | None, Column("its words")]
    says: Annotated[Says, Column("present, uncertain, absent, normal or unstated")]
    negated: Annotated[bool, Column("it says only what is absent or normal")]
    findings: Annotated[tuple[str, ...], Column("findings that it names, sorted")]
    progression: Annotated[tuple[Temporality, ...], Column("new, improved, worse, stable, resolved; sorted")]
    labels: Annotated[tuple[str, ...], Column("anatomy label of each box, see masks of paxray")]
    boxes: Annotated[tuple[int, ...], Column("x, y, width, height of each label, one after the other", unit="pixel")]


# --- concepts --------------------------------------------------------------------------------------------


@table("release_mentions", "release", "one finding named once in one report")
@dataclass(frozen=True, slots=True)
class ReleaseMention(Record):
    """A span that names a concept, what is said of it, and which rules decided so."""

    mention_id: Annotated[str, Column("report, start and finding", key=True)]
    report_id: Annotated[str, Column("report")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    section: Annotated[str, Column("section name")]
    start: Annotated[int, Column("first character in the clean text", unit="character")]
    end: Annotated[int, Column("one past the last character", unit="character")]
    text: Annotated[str | None, Column("its words")]
    concept_id: Annotated[str, Column("finding, see concepts")]
    cui: Annotated[str, Column("UMLS concept where it is sure, or empty")]
    tui: Annotated[str, Column("UMLS semantic type, or empty")]
    linker_score: Annotated[
        float | None, Column("of the user's own dictionary for the same words, 0 to 1; null if it has none")
    ]
    assertion: Annotated[Assertion, Column("present, absent or uncertain")]
    negated: Annotated[bool, Column("it is absent")]
    temporality: Annotated[Temporality, Column("as of mentions of the workspace")]
    experiencer: Annotated[str, Column("patient, or other")]
    laterality: Annotated[str, Column("left, right, bilateral, or empty")]
    severity: Annotated[str, Column("severity word, or empty")]
    anatomy: Annotated[
        tuple[str, ...], Column("places of its clause, see concepts, or a direction (anterior, posterior); sorted")
    ]
    anatomy_cuis: Annotated[tuple[str, ...], Column("their UMLS concepts where sure, sorted")]
    rule_ids: Annotated[
        tuple[str, ...], Column("rules that found it and decided its assertion and time, in that order")
    ]


@table("release_concept_labels", "release", "one concept in one report")
@dataclass(frozen=True, slots=True)
class ReleaseConceptLabel(Record):
    """What a report says of a concept: 1 present, 0 absent, -1 uncertain, over all its current mentions."""

    report_id: Annotated[str, Column("report", key=True)]
    concept_id: Annotated[str, Column("concept", key=True)]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    split: Annotated[str, Column("train, valid or test")]
    cui: Annotated[str, Column("as of concepts")]
    state: Annotated[int, Column("1, 0 or -1")]
    mention_ids: Annotated[tuple[str, ...], Column("mentions that decided it, sorted")]


@table("release_similar", "release", "one candidate for one query")
@dataclass(frozen=True, slots=True)
class ReleaseSimilar(Record):
    """How near a report of another patient is to a report, as a whole or in one part of the body; in ``similar``."""

    query_id: Annotated[str, Column("report", key=True)]
    anatomy: Annotated[str, Column("part of the body; empty: the whole report", key=True)]
    rank: Annotated[int, Column("1 is the nearest", key=True)]
    candidate_id: Annotated[str, Column("report of another patient")]
    score: Annotated[float, Column("0 to 1")]
    metric: Annotated[str, Column("name and version of the measure")]
    query_split: Annotated[str, Column("split of the query's patient")]
    candidate_split: Annotated[str, Column("split of the candidate's patient")]
