"""The layout of PadChest (Bustos et al. 2020, arXiv:1901.07441), from ``classification`` with PadChest's labels."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from curation.errors import UsageError
from curation.layouts.layout import File, Layout, csv_file, encoded, gzipped, images_of, picture
from curation.recipes.image_labels import CONSENSUS, READERS, REPORT
from curation.release.opened import Opened

LABEL_SET = "padchest"
CSV = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv.gz"
COLUMNS = (
    "", "ImageID", "ImageDir", "StudyDate_DICOM", "StudyID", "PatientID", "PatientBirth", "PatientSex_DICOM",
    "ViewPosition_DICOM", "Projection", "MethodProjection", "Pediatric", "Modality_DICOM", "Manufacturer_DICOM",
    "PhotometricInterpretation_DICOM", "PixelRepresentation_DICOM", "PixelAspectRatio_DICOM",
    "SpatialResolution_DICOM", "BitsStored_DICOM", "WindowCenter_DICOM", "WindowWidth_DICOM", "Rows_DICOM",
    "Columns_DICOM", "XRayTubeCurrent_DICOM", "Exposure_DICOM", "ExposureInuAs_DICOM", "ExposureTime",
    "RelativeXRayExposure_DICOM", "ReportID", "Report", "MethodLabel", "Labels", "Localizations",
    "LabelsLocalizationsBySentence", "labelCUIS", "LocalizationsCUIS", "paxflow_split",
)  # fmt: skip
"""As published, and the split, which PadChest has not."""
_PROJECTIONS = {"LAT": "L", "RL": "L"}
_BY_HAND = (READERS, CONSENSUS)
_ABOUT = """The layout of PadChest, written from a paxflow release; nothing here is from PadChest.
Images are 16-bit PNGs as there: 8 bits made wider. Labels are those that stand at 1, MethodLabel is Physician where
readers gave one and Rules elsewhere (PadChest: RNN), Localizations are anatomy words of the report's clauses. Reports
and CUIs are not in this release. PatientBirth is the year of the study, which is moved by a secret number of days, less
the age. Columns that a release does not have are empty.
"""


def files(release: Opened) -> Iterator[File]:
    """All files but the note. Raises UsageError if the release has no labels of PadChest."""
    labels = release.table("labels").filter(pl.col("label_set") == LABEL_SET)
    if labels.is_empty():
        raise UsageError("the release has no labels of padchest: name it in `mine: label_sets` of params.yaml")
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for label in labels.to_dicts():
        said[label["image_id"]].append(label)
    sentences = _sentences(release)
    people = release.table("studies").join(release.table("patients"), on="patient_id", how="left")
    studies = {row["study_id"]: row for row in people.to_dicts()}
    rows = images_of(release)
    for row in rows:
        wide = np.asarray(picture(release, row)).astype(np.uint16) * 257  # 255 becomes 65535
        yield row["file_name"], encoded(Image.fromarray(wide), "png")
    lines = []
    for number, row in enumerate(sorted(rows, key=lambda row: row["file_name"])):
        own = said.get(row["image_id"], [])
        about = _image(row, studies[row["study_id"]]) | _labels(own, sentences)
        lines.append([number, *(about.get(name) for name in COLUMNS[1:])])
    yield CSV, gzipped(csv_file(COLUMNS, lines))


def _image(row: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    day, age = study["study_date"], study["age_years"]
    return {
        "ImageID": row["file_name"],
        "ImageDir": 0,
        "StudyDate_DICOM": None if day is None else f"{day:%Y%m%d}",
        "StudyID": row["study_id"],
        "PatientID": row["patient_id"],
        "PatientBirth": None if day is None or age is None else day.year - age,
        "PatientSex_DICOM": study["sex"],
        "ViewPosition_DICOM": row["view"],
        "Projection": _PROJECTIONS.get(row["view"], row["view"]),
        "MethodProjection": "Manual review of DICOM fields",
        "Pediatric": None if age is None else "PED" if age < 18 else "No",
        "PhotometricInterpretation_DICOM": row["photometric"],
        "BitsStored_DICOM": 16,
        "Rows_DICOM": row["rows"],
        "Columns_DICOM": row["columns"],
        "paxflow_split": row["split"],
    }


Sentences = Mapping[tuple[str, str], list[tuple[int, tuple[str, ...]]]]
"""For a report and a label that it gives, the sentences that name it, and where each says it lies."""


def _sentences(release: Opened) -> Sentences:
    mentions = {row["mention_id"]: row for row in release.table("mentions").to_dicts()}
    found = {}
    labels = release.table("report_labels").filter((pl.col("label_set") == LABEL_SET) & (pl.col("state") == 1))
    for row in labels.to_dicts():
        named = (mentions[mention_id] for mention_id in row["mention_ids"] if mention_id in mentions)
        found[row["report_id"], row["label"]] = [(one["sentence_start"], tuple(one["location"])) for one in named]
    return found


def _labels(rows: Iterable[Mapping[str, Any]], sentences: Sentences) -> dict[str, Any]:
    """The columns that speak of labels; empty where nothing was said of the image."""
    present = [row for row in rows if row["state"] == 1]
    if not rows:
        return {}
    by_sentence: dict[tuple[str, int], list[str]] = defaultdict(list)
    places: set[str] = set()
    for row in present:
        for start, where in sentences.get((row["source_id"], row["label"]), ()) if row["source"] == REPORT else ():
            located = [f"loc {place}" for place in where]
            by_sentence[row["source_id"], start] += [row["label"], *located]
            places |= set(located)
    return {
        "ReportID": next((row["source_id"] for row in rows if row["source"] == REPORT), None),
        "MethodLabel": "Physician" if any(row["source"] in _BY_HAND for row in present) else "Rules",
        "Labels": str(sorted({row["label"] for row in present})),
        "Localizations": str(sorted(places)),
        "LabelsLocalizationsBySentence": str([list(dict.fromkeys(by_sentence[key])) for key in sorted(by_sentence)]),
        "labelCUIS": "[]",
        "LocalizationsCUIS": "[]",
    }


LAYOUT = Layout("padchest", ("classification",), _ABOUT, files)
