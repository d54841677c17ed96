"""The layout of MIMIC-CXR-JPG 2.0.0 (Johnson et al. 2019, arXiv:1901.07042), from ``classification``.

Subjects, studies and images get numbers in the ranges of that dataset, from a hash of their pseudonyms.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from curation.layouts.layout import STRENGTH, File, Layout, csv_file, encoded, gzipped, images_of, picture
from curation.recipes.image_labels import CONSENSUS, MEASUREMENT, READERS, REPORT
from curation.records import CHEXPERT
from curation.release.opened import Opened

PREFIX = "mimic-cxr-2.0.0"
JPEG_QUALITY = 95  # as published
LABELS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion",
    "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip
SUBJECTS, STUDIES, RANGE = 10_000_000, 50_000_000, 10_000_000
_VIEWS = {"LAT": "LATERAL"}
_SPLITS = {"train": "train", "valid": "validate", "test": "test"}
_METADATA = (
    "dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows", "Columns",
    "StudyDate", "StudyTime", "ProcedureCodeSequence_CodeMeaning", "ViewCodeSequence_CodeMeaning",
    "PatientOrientationCodeSequence_CodeMeaning",
)  # fmt: skip
_ABOUT = """The layout of MIMIC-CXR-JPG 2.0.0, written from a paxflow release; nothing here is from MIMIC.
Ids are hashes of pseudonyms; paxflow-ids.csv.gz leads back. Rows and Columns are of the JPEG, StudyTime is not known.
The chexpert file has what the study's reports say; the negbio file, if there is one, what another labeler says of them.
"""


def numbered(names: Iterable[str], first: int) -> dict[str, int]:
    """A number from ``first`` on for each name, from its hash; of two that meet the later is hashed again."""
    taken: dict[int, str] = {}
    for name in sorted(set(names)):
        number, tries = first + _hash(name) % RANGE, 0
        while number in taken:
            tries += 1
            number = first + _hash(f"{tries} {name}") % RANGE
        taken[number] = name
    return {name: number for number, name in taken.items()}


def dicom_id(image_id: str) -> str:
    """Five groups of eight hexadecimal digits."""
    digits = hashlib.sha256(image_id.encode()).hexdigest()
    return "-".join(digits[start : start + 8] for start in range(0, 40, 8))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


@dataclass(frozen=True)
class _Ids:
    subjects: Mapping[str, int]
    studies: Mapping[str, int]

    def of(self, row: Mapping[str, Any]) -> tuple[str, int, int]:
        """Image, subject and study of a row of ``images``."""
        return dicom_id(row["image_id"]), self.subjects[row["patient_id"]], self.studies[row["study_id"]]


def files(release: Opened) -> Iterator[File]:
    """All files but the note."""
    rows = images_of(release)
    ids = _Ids(
        numbered((row["patient_id"] for row in rows), SUBJECTS), numbered((row["study_id"] for row in rows), STUDIES)
    )
    for row in rows:
        image, subject, study = ids.of(row)
        path = f"files/p{str(subject)[:2]}/p{subject}/s{study}/{image}.jpg"
        yield path, encoded(picture(release, row), "jpeg", quality=JPEG_QUALITY)
    rows = sorted(rows, key=lambda row: (ids.of(row)[1:], row["image_id"]))
    yield _table("metadata", csv_file(_METADATA, _metadata(release, rows, ids)))
    splits = (
        (image, study, subject, _SPLITS[row["split"]]) for row in rows for image, subject, study in (ids.of(row),)
    )
    yield _table("split", csv_file(("dicom_id", "study_id", "subject_id", "split"), splits))
    header = ("dicom_id", "subject_id", "study_id", "image_id", "paxflow_study_id", "patient_id")
    led = ((*ids.of(row), row["image_id"], row["study_id"], row["patient_id"]) for row in rows)
    yield "paxflow-ids.csv.gz", gzipped(csv_file(header, led))
    labels = release.table("labels").filter(pl.col("label_set") == CHEXPERT)
    others = sorted(set(labels["source"]) - {READERS, CONSENSUS, MEASUREMENT, REPORT})
    for name, source in (("chexpert", REPORT), *(("negbio", other) for other in others[:1])):
        yield _table(name, csv_file(("subject_id", "study_id", *LABELS), _labels(labels, rows, ids, source)))


def _table(name: str, data: bytes) -> File:
    return f"{PREFIX}-{name}.csv.gz", gzipped(data)


def _metadata(release: Opened, rows: list[dict[str, Any]], ids: _Ids) -> Iterator[tuple[Any, ...]]:
    dates = dict(release.table("studies").select("study_id", "study_date").rows())
    for row in rows:
        date = dates[row["study_id"]]
        day = None if date is None else f"{date:%Y%m%d}"
        view = _VIEWS.get(row["view"], row["view"])
        yield (*ids.of(row), "", view, row["rows"], row["columns"], day, "", "", "", "")


def _labels(labels: pl.DataFrame, rows: list[dict[str, Any]], ids: _Ids, source: str) -> Iterator[tuple[Any, ...]]:
    """A row for each study that the source speaks of."""
    study_of = {row["image_id"]: ids.of(row)[:0:-1] for row in rows}
    said: dict[tuple[int, int], dict[str, int | None]] = {}
    for image_id, label, state in (
        labels.filter(pl.col("source") == source).select("image_id", "label", "state").iter_rows()
    ):
        study, subject = study_of[image_id]
        own = said.setdefault((subject, study), {})
        own[label] = min(state, own.get(label), key=STRENGTH.__getitem__)
    for (subject, study), states in sorted(said.items()):
        values = (states.get(label) for label in LABELS)
        yield (subject, study, *(None if value is None else float(value) for value in values))


LAYOUT = Layout("mimic-cxr-jpg", ("classification",), _ABOUT, files)
