"""Closed lists of values that tables hold."""

from enum import StrEnum


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
SPLITS = ("train", "valid", "test")
"""Of patients, in this order."""
CHEXPERT = "chexpert"
"""The label set that pages and releases show."""


class Says(StrEnum):
    """What a sentence says of a part of the body; where it says several things, the first of these stands."""

    PRESENT = "present"
    UNCERTAIN = "uncertain"
    ABSENT = "absent"
    NORMAL = "normal"
    UNSTATED = "unstated"


class Task(StrEnum):
    """What a reader is asked to do; each has one labeling configuration."""

    LABEL_REVIEW = "label_review"
    MASK_REVIEW = "mask_review"
    FINDING_BOXES = "finding_boxes"
    QUALITY_CHECK = "quality_check"
    MEASUREMENT_REVIEW = "measurement_review"
    PHI_REVIEW = "phi_review"


class Role(StrEnum):
    """Why a case is in a reading batch; its reader is not told."""

    ROUTED = "routed"
    CONTROL = "control"
    GOLD = "gold"
    ADJUDICATION = "adjudication"


class EventKind(StrEnum):
    """What happened to an assignment."""

    SUBMITTED = "submitted"
    UPDATED = "updated"
    SKIPPED = "skipped"
    DELETED = "deleted"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """How far a decision can be trusted."""

    SINGLE = "single"
    AGREED = "agreed"
    SPLIT = "split"
    ADJUDICATED = "adjudicated"
