"""Plain words, groups and colours of the page."""

from bisect import bisect_right
from dataclasses import dataclass

from curation.records import Assertion, Reason, Says, Temporality


@dataclass(frozen=True)
class Group:
    """A group of mask labels; its colour stands in ``page.css`` under its key."""

    key: str
    title: str


GROUPS = (
    Group("findings", "Findings"),
    Group("lungs", "Lungs and airways"),
    Group("heart", "Heart, vessels, mediastinum"),
    Group("ribs", "Ribs, shoulder girdle, all bones"),
    Group("spine", "Spine"),
    Group("abdomen", "Abdomen and diaphragm"),
    Group("other", "Soft tissue and other"),
)

# First category of each run: PAXRay++ ids (cxas 0.0.20, paxray_labels.json), then our own from 500 and 600
# (projection/anatomy/labels.tsv), then findings.
_STARTS = (0, 28, 105, 115, 134, 156, 500, 502, 503, 504, 600, 602, 604, 608, 609, 1000)
_GROUP_AT = (
    *("spine", "ribs", "abdomen", "heart", "lungs", "other", "ribs", "heart", "abdomen", "other"),
    *("lungs", "abdomen", "lungs", "spine", "other", "findings"),
)

SHOWN_FIRST = frozenset({"right lung", "left lung", "heart"})
"""Labels that are drawn when the page opens, with every finding: enough to see that image and masks agree."""


def group_of(category_id: int) -> str:
    """Key of the group of a category of ``masks``."""
    return _GROUP_AT[max(0, bisect_right(_STARTS, category_id) - 1)]


ASSERTIONS = {
    Assertion.PRESENT: ("+", "present"),
    Assertion.ABSENT: ("−", "absent"),
    Assertion.UNCERTAIN: ("?", "uncertain"),
}
"""Sign and word: what a report says is never told by colour alone."""

SAID = {
    Says.PRESENT: ("+", "present"),
    Says.UNCERTAIN: ("?", "uncertain"),
    Says.ABSENT: ("−", "absent"),
    Says.NORMAL: ("−", "normal"),
    Says.UNSTATED: ("·", "named only"),
}
"""The same of a part of the body."""

TIMES = {
    Temporality.NEW: ("*", "new"),
    Temporality.WORSE: ("↑", "worse"),
    Temporality.IMPROVED: ("↓", "improved"),
    Temporality.STABLE: ("=", "stable"),
    Temporality.RESOLVED: ("✓", "resolved"),
    Temporality.HISTORICAL: ("↶", "historical"),
    Temporality.HYPOTHETICAL: ("…", "hypothetical"),
}
"""Sign and word of when."""

SIDES = {"bilateral": "both"}

STATES = {1: Assertion.PRESENT, 0: Assertion.ABSENT, -1: Assertion.UNCERTAIN}

STAGES = {
    "ingest": "takes each file of the landing zone in, once",
    "deid": "removes or replaces whatever identifies a person",
    "catalog": "sorts instances into series and studies, links reports",
    "render": "makes a picture of each radiograph, bone bright",
    "segment": "puts organ labels on the CT's grid",
    "consensus": "merges what several readers outlined",
    "project": "projects CT and labels to radiographs with masks",
    "measure": "takes a radiologist's measurements on the views",
    "mine": "finds findings in report text, and what is said of them",
    "similar": "finds the reports nearest to each report",
    "ground": "places a report's findings and sentences on anatomy masks",
    "labels": "keeps what other labelers and models say (`paxflow labels add`)",
    "splits": "keeps splits that somebody has published (`paxflow release official`)",
    "read": "gives cases to readers and brings their answers home (`paxflow read`)",
    "decide": "makes readers' answers one, and measures how well they agree",
    "route": "asks a reader about what is uncertain",
}

MEANINGS = {
    Reason.EMPTY_FILE: "The file has no bytes: its transfer probably failed. Send it again.",
    Reason.NOT_DICOM: "The file is named like a DICOM file, or lies among them, and is none.",
    Reason.UNSUPPORTED_FILE: "A kind of file that nothing here reads. It was left alone.",
    Reason.UNREADABLE: "The file is of a known kind, but its content cannot be decoded.",
    Reason.TRUNCATED: "The file ends before its content does: its transfer was cut off. Send it again.",
    Reason.SOURCE_GONE: "The file was taken in, and has left the landing zone since. Put it back to use it.",
    Reason.DUPLICATE_BYTES: "Another file has the very same bytes. That one is used.",
    Reason.DUPLICATE_UID: "Another file claims the same identifier with other bytes. A person must say which is right.",
    Reason.MISSING_IDENTITY: "The file does not say whose or what it is, so no pseudonym can be given.",
    Reason.UNSUPPORTED_OBJECT: "A DICOM object of a class that is not let through, such as raw data or audio.",
    Reason.PIXELS_NOT_CHECKED: "A picture on which text may stand, and the option that looks for it is not in force.",
    Reason.PIXELS_IN_DOUBT: "A place in the pixels may be text or not. A person decides: `paxflow deid review`.",
    Reason.BURNED_IN_TEXT: "The image itself may show a name or a number in its pixels. A person must look at it.",
    Reason.NOT_VERIFIED: "The second, independent check still found something that may identify a person.",
    Reason.MISSING_SLICES: "Slices of the CT are missing, so it is not one volume.",
    Reason.IMPLAUSIBLE_ANATOMY: "The labels break a rule of anatomy: left and right swapped, or bones out of order.",
    Reason.IRREGULAR_GEOMETRY: "The slices do not lie on one regular grid: tilted, sheared, or unevenly spaced.",
    Reason.NOT_A_VOLUME: "Too few slices for a chest volume: a scout view or a fragment.",
    Reason.MODALITY_NOT_USED: "Neither CT nor radiograph.",
    Reason.REPORT_WITHOUT_STUDY: "The report names a study that is not here.",
    Reason.STUDY_WITHOUT_REPORT: "No report names this study.",
    Reason.NO_LABELMAP: "No segmentation came with this CT, so it has no masks.",
    Reason.LABELMAP_DOES_NOT_FIT: "The segmentation's grid is not its CT's grid.",
    Reason.LABELMAP_UNKNOWN_VALUE: "The segmentation holds a value that its list of structures does not name.",
    Reason.LABELMAP_WITHOUT_SERIES: "The CT that the segmentation belongs to is not here.",
    Reason.LABELMAP_NOT_CHOSEN: "Another segmentation of the same CT is used.",
    Reason.ANNOTATION_WITHOUT_SERIES: "The images that a reader marked are not here.",
    Reason.TOO_FEW_READERS: "Fewer readers read the series than a consensus needs.",
    Reason.EMPTY_CONSENSUS: "Merging the readers' outlines left no voxel.",
    Reason.EMPTY_PROJECTION: "Nothing of the volume falls on the detector.",
    Reason.MASK_MISSING: "The view lacks a mask that the measurement is taken on.",
    Reason.EMPTY_REPORT: "The report has no text.",
    Reason.NO_ANATOMY: "Nothing in the report is tied to a part of the body that has a mask.",
    Reason.NO_VIEW: "There is no image to place the report on.",
}
"""What a reason means to someone who has not read the code."""


def plain(name: str) -> str:
    """A name of the data in words: ``pleural_effusion`` as ``pleural effusion``."""
    return name.replace("_", " ")
