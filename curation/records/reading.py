"""Tables of route, and of what readers are asked and answer.

``reading_*``, ``assignments`` and ``annotation_events`` are written by ``paxflow read`` into ``data/``, append-only; of
places in pixels that may show text (``phi_review``) they lie in the vault. ``decide`` makes the rest of them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from curation.records.schema import Column, Record, table
from curation.records.values import EventKind, Role, Task, Verdict


@table("cases", "route", "one question for a reader")
@dataclass(frozen=True, slots=True)
class Case(Record):
    """An uncertain report or image, with why it is asked."""

    case_id: Annotated[str, Column("case: digest of task and subject", key=True)]
    task: Annotated[Task, Column("what the reader is asked to do")]
    subject_id: Annotated[str, Column("report, view or radiograph (instance) that is asked about")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    priority: Annotated[float, Column("0 to 1, highest first: uncertainty, raised where its findings are rare")]
    uncertainty: Annotated[float, Column("0 to 1, of all rules that fired together")]
    rarity: Annotated[float, Column("0 to 1, of the rarest finding in question")]
    findings: Annotated[tuple[str, ...], Column("findings, labels or masks in question, sorted")]
    rule_ids: Annotated[tuple[str, ...], Column("routing rules that fired, sorted")]
    reasons: Annotated[tuple[str, ...], Column("the same in plain words, in the same order")]


# --- data: written by paxflow read ----------------------------------------------------------------------


@table("opinions", "labels", "what one outside source says of one label of one subject")
@dataclass(frozen=True, slots=True)
class Opinion(Record):
    """A state by another labeler, or a probability by a model, that routing compares with ours."""

    source: Annotated[str, Column("name of the labeler or model", key=True)]
    subject_id: Annotated[str, Column("report, view or radiograph (instance)", key=True)]
    label: Annotated[str, Column("CheXpert label", key=True)]
    state: Annotated[int | None, Column("1 present, 0 absent, -1 uncertain, null not mentioned")]
    probability: Annotated[float | None, Column("that it is present, 0 to 1; null if a labeler said it")]


@table("reading_batches", "read", "one batch of cases that was given to readers")
@dataclass(frozen=True, slots=True)
class ReadingBatch(Record):
    """A week's work: which task, which readers, and how cases were given out. Never changed once written."""

    batch_id: Annotated[str, Column("name that the coordinator chose", key=True)]
    task: Annotated[Task, Column("what the readers are asked to do")]
    reader_ids: Annotated[tuple[str, ...], Column("pseudonymous readers, sorted")]
    design: Annotated[str, Column("all, equal or balanced: how cases were given out")]
    readers_per_case: Annotated[int, Column("readers of a case; of training patients if test_readers is given")]
    test_readers: Annotated[int, Column("readers of a case of a test patient; 0: as the others")]
    shows_report: Annotated[bool, Column("readers of images see the report beside it")]
    seed: Annotated[int, Column("of every draw")]
    due: Annotated[date | None, Column("deadline")]
    parent_batch_id: Annotated[str, Column("batch whose split cases it adjudicates; or empty")]
    made_at: Annotated[datetime, Column("when it was made, UTC")]


@table("reading_cases", "read", "one case of one batch, as it was given out")
@dataclass(frozen=True, slots=True)
class ReadingCase(Record):
    """A case in a batch: why it is there, and a digest by which a later change of it is seen."""

    batch_id: Annotated[str, Column("batch", key=True)]
    case_id: Annotated[str, Column("case", key=True)]
    task: Annotated[Task, Column("what the reader is asked to do")]
    subject_id: Annotated[str, Column("report, view or radiograph")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    role: Annotated[Role, Column("routed; control: drawn at random; gold: answered before; adjudication")]
    priority: Annotated[float, Column("as of cases; 0 for control cases")]
    findings: Annotated[tuple[str, ...], Column("as of cases")]
    rule_ids: Annotated[tuple[str, ...], Column("as of cases")]
    reasons: Annotated[tuple[str, ...], Column("as of cases")]
    subject_digest: Annotated[str, Column("SHA-256 of what the subject was when the case was given out")]


@table("reading_predictions", "read", "one pre-annotation of one case of one batch")
@dataclass(frozen=True, slots=True)
class ReadingPrediction(Record):
    """The marks that a reader starts from; those of an adjudication are the earlier readers'."""

    prediction_id: Annotated[str, Column("digest of batch, case and marks", key=True)]
    batch_id: Annotated[str, Column("batch")]
    case_id: Annotated[str, Column("case")]
    model_version: Annotated[str, Column("what made it: paxflow with its stage versions, or read 1, read 2 …")]
    score: Annotated[float | None, Column("0 to 1, how sure it is")]
    marks: Annotated[str, Column("JSON, see labeling.marks")]
    event_id: Annotated[str, Column("the read that it shows, in an adjudication; or empty")]


@table("assignments", "read", "one case given to one reader once")
@dataclass(frozen=True, slots=True)
class Assignment(Record):
    """Who is to read what. Taking it back is an event; giving it to another reader is a new row."""

    assignment_id: Annotated[
        str,
        Column(
            "digest of batch, case, reader and repeat; after a reassign of the earlier assignment and the reader",
            key=True,
        ),
    ]
    batch_id: Annotated[str, Column("batch")]
    case_id: Annotated[str, Column("case")]
    reader_id: Annotated[str, Column("pseudonymous reader")]
    repeat: Annotated[int, Column("0; 1 where the same reader reads a case again, unknowing")]
    position: Annotated[int, Column("place in the reader's queue, from 0")]
    due: Annotated[date | None, Column("deadline")]


@table("annotation_events", "read", "one thing that happened to one assignment")
@dataclass(frozen=True, slots=True)
class AnnotationEvent(Record):
    """An annotation as a reader left it; append-only. Text that a reader typed never comes here."""

    event_id: Annotated[str, Column("digest of annotation, kind, time and marks", key=True)]
    assignment_id: Annotated[str, Column("assignment")]
    batch_id: Annotated[str, Column("batch")]
    case_id: Annotated[str, Column("case")]
    annotation_id: Annotated[str, Column("one annotation of the server through all its changes; or empty")]
    kind: Annotated[EventKind, Column("submitted, updated, skipped, deleted, withdrawn")]
    at: Annotated[datetime, Column("when, UTC, by the server's clock")]
    reader_id: Annotated[str, Column("pseudonymous reader whose assignment it is")]
    author_id: Annotated[str, Column("pseudonymous user who did it; another than reader_id does not count as a read")]
    seconds: Annotated[float | None, Column("time that it took, by the server", unit="s")]
    prediction_id: Annotated[str, Column("pre-annotation that it started from; or empty")]
    case_changed: Annotated[bool, Column("the subject is no longer what it was when the case was given out")]
    marks: Annotated[str, Column("JSON, see labeling.marks")]


# --- decide ----------------------------------------------------------------------------------------------


@table("answers", "decide", "one answer of one assignment to one question")
@dataclass(frozen=True, slots=True)
class Answer(Record):
    """What a reader says, as it stands after the last event."""

    assignment_id: Annotated[str, Column("assignment", key=True)]
    question: Annotated[str, Column("label, finding or control that is asked about", key=True)]
    case_id: Annotated[str, Column("case")]
    batch_id: Annotated[str, Column("batch")]
    task: Annotated[Task, Column("task")]
    subject_id: Annotated[str, Column("report, view or radiograph")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    reader_id: Annotated[str, Column("pseudonymous reader")]
    role: Annotated[Role, Column("as of reading_cases")]
    repeat: Annotated[int, Column("as of assignments")]
    value: Annotated[str, Column("present, absent, uncertain, or a choice of the form")]
    event_id: Annotated[str, Column("event that it comes from")]
    case_changed: Annotated[bool, Column("as of annotation_events")]


@table("answer_marks", "decide", "one mark of one assignment")
@dataclass(frozen=True, slots=True)
class AnswerMark(Record):
    """A box, mask, point or span that a reader left, in original pixels or characters."""

    assignment_id: Annotated[str, Column("assignment", key=True)]
    number: Annotated[int, Column("0, 1, 2 … in order of label and place", key=True)]
    case_id: Annotated[str, Column("case")]
    task: Annotated[Task, Column("task")]
    subject_id: Annotated[str, Column("report, view or radiograph")]
    reader_id: Annotated[str, Column("pseudonymous reader")]
    label: Annotated[str, Column("finding or mask")]
    value: Annotated[str, Column("what is said of it, e.g. the assertion of a span; or empty")]
    box: Annotated[tuple[float, ...], Column("x, y, width, height; of a mask, its extent; or empty", unit="pixel")]
    points_px: Annotated[tuple[float, ...], Column("x, y of a point; or empty", unit="pixel")]
    rle: Annotated[str, Column("COCO compressed run lengths of a mask; or empty")]
    start: Annotated[int | None, Column("first character of a span", unit="character")]
    end: Annotated[int | None, Column("one past its last character", unit="character")]
    event_id: Annotated[str, Column("event that it comes from")]


@table("decisions", "decide", "the answer to one question about one subject")
@dataclass(frozen=True, slots=True)
class Decision(Record):
    """Several readers' answers as one; the answers themselves stay in ``answers``."""

    decision_id: Annotated[str, Column("digest of task, subject and question", key=True)]
    task: Annotated[Task, Column("task")]
    subject_id: Annotated[str, Column("report, view or radiograph")]
    patient_id: Annotated[str, Column("pseudonymous patient")]
    question: Annotated[str, Column("label, finding or control")]
    value: Annotated[str, Column("the answer")]
    verdict: Annotated[Verdict, Column("single: one reader; agreed; split: to be adjudicated; adjudicated")]
    method: Annotated[str, Column("majority, dawid_skene, or adjudication")]
    confidence: Annotated[float, Column("share of readers, or posterior probability, of the value")]
    share: Annotated[float, Column("of readers who gave the most frequent value, or mean overlap of marks")]
    n_readers: Annotated[int, Column("readers who answered")]
    reader_ids: Annotated[tuple[str, ...], Column("those readers, sorted")]
    event_ids: Annotated[tuple[str, ...], Column("events that it comes from, sorted")]


@table("decision_marks", "decide", "one mark that stands for several readers'")
@dataclass(frozen=True, slots=True)
class DecisionMark(Record):
    """Merged boxes (weighted box fusion) or masks (STAPLE), or the adjudicator's own."""

    subject_id: Annotated[str, Column("view or radiograph", key=True)]
    task: Annotated[Task, Column("task", key=True)]
    label: Annotated[str, Column("finding or mask", key=True)]
    number: Annotated[int, Column("0, 1, 2 … of this label", key=True)]
    method: Annotated[str, Column("weighted_box_fusion, staple, majority, single or adjudication")]
    score: Annotated[float, Column("share of readers who marked it")]
    box: Annotated[tuple[float, ...], Column("x, y, width, height", unit="pixel")]
    rle: Annotated[str, Column("COCO compressed run lengths; or empty")]
    reader_ids: Annotated[tuple[str, ...], Column("readers who marked it, sorted")]
    event_ids: Annotated[tuple[str, ...], Column("events that it comes from, sorted")]


@table("reader_agreement", "decide", "how well readers agree on one question")
@dataclass(frozen=True, slots=True)
class ReaderAgreement(Record):
    """A coefficient with its confidence interval: over all readers, of a pair, or of a reader with himself or gold."""

    task: Annotated[Task, Column("task", key=True)]
    question: Annotated[str, Column("label, finding or control; (all) over all of them", key=True)]
    measure: Annotated[
        str,
        Column(
            "percent, cohen_kappa, fleiss_kappa, krippendorff_alpha, gwet_ac1, box_f1, mask_dice, repeat_percent, "
            "gold_percent",
            key=True,
        ),
    ]
    reader_a: Annotated[str, Column("reader; (all) over all of them", key=True)]
    reader_b: Annotated[str, Column("the other reader; (all), (self) or (gold)", key=True)]
    value: Annotated[float | None, Column("coefficient; null where chance alone would agree")]
    low: Annotated[float | None, Column("lower end of the 95 % interval, bootstrap over patients")]
    high: Annotated[float | None, Column("upper end")]
    n: Annotated[int, Column("cases that it rests on", unit="{count}")]
