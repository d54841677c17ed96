"""The layout of VinDr-CXR 1.0.0 (Nguyen et al. 2022, Sci Data 9:429), from ``reader-boxes``.

``<split>/<image_id>.dicom`` and ``annotations/``: of train and valid every reader's boxes and labels, of test the
consensus. A release holds pictures, not the films themselves: each DICOM file is made of the PNG, which may be smaller
than the film, and boxes are in its pixels.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from curation.layouts.layout import File, Layout, csv_file, images_of, picture
from curation.recipes.image_labels import FINDING_LABELS
from curation.release.opened import Opened

NO_FINDING = "No finding"
_BOX = ("class_name", "x_min", "y_min", "x_max", "y_max")
_NAMES = {finding: labels["vindr"] for finding, labels in FINDING_LABELS.items()}
"""VinDr-CXR's class for what readers of CTs outline."""
_READ = ("image_id", "rad_id", "reading")
_ABOUT = """The layout of VinDr-CXR 1.0.0, written from a paxflow release; nothing here is from VinDr-CXR.
Of train and valid all independent reads are there, of test the consensus: boxes that stand for several readers', and
labels that most of them gave. The DICOM files are 8-bit secondary captures made of the release's PNGs; boxes are in
their pixels. paxflow-images.csv gives the size of the original film, and its patient. Second reads by the same reader
and adjudicators' are left out of train and valid.
"""


def files(release: Opened) -> Iterator[File]:
    """All files but the note."""
    images = {row["image_id"]: row for row in images_of(release)}
    for row in images.values():
        yield f"{row['split']}/{row['image_id']}.dicom", dicom(row, np.asarray(picture(release, row)))
    reads = release.table("reads").filter((pl.col("reading") == 0) & (pl.col("source") != "adjudication"))
    for split in ("train", "valid"):
        own = reads.filter(pl.col("split") == split).select("image_id", "rad_id").rows()
        rows = _boxes(
            release.table(f"annotations_{split}").join(reads, on=_READ, how="semi"), ("image_id", "rad_id"), own
        )
        yield f"annotations/annotations_{split}.csv", _annotations(("image_id", "rad_id", *_BOX), rows, images)
    tested = [(image_id,) for image_id in sorted(set(reads.filter(pl.col("split") == "test")["image_id"]))]
    consensus = release.table("consensus").filter(pl.col("split") == "test")
    rows = _boxes(consensus, ("image_id",), tested)
    yield "annotations/annotations_test.csv", _annotations(("image_id", *_BOX), rows, images)
    yield from _image_labels(release, reads)
    header = ("image_id", "patient_id", "split", "view", "rows", "columns", "original_rows", "original_columns")
    listed = ([row[name] for name in header] for _, row in sorted(images.items()))
    yield "paxflow-images.csv", csv_file(header, listed)


# --- pictures ----------------------------------------------------------------------------------------------


def dicom(row: Mapping[str, Any], pixels: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    """An 8-bit secondary capture under pseudonyms."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, _uid(row["image_id"])
    made.StudyInstanceUID, made.SeriesInstanceUID = _uid(row["study_id"]), _uid(row["series_id"])
    made.PatientID, made.PatientName, made.Modality, made.ViewPosition = row["patient_id"], "", "OT", row["view"]
    made.PhotometricInterpretation, made.SamplesPerPixel, made.PixelRepresentation = row["photometric"], 1, 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.Rows, made.Columns = pixels.shape
    if row["pixel_spacing_mm"] is not None:
        made.NominalScannedPixelSpacing = [f"{row['pixel_spacing_mm']:.8g}"] * 2
    data = pixels.tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def _uid(name: str) -> str:
    """A UID as of PS3.5 B.2, from a hash."""
    return f"2.25.{int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], 'big')}"


# --- annotations -------------------------------------------------------------------------------------------


def _boxes(boxes: pl.DataFrame, key: tuple[str, ...], reads: Iterable[tuple[str, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows of ``key`` and ``_BOX``, in order of the key; a read without a box says so."""
    drawn: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in boxes.sort(*key, *_BOX).select(*key, *_BOX).iter_rows():
        drawn[row[: len(key)]].append(row[len(key) :])
    for read in sorted({*reads, *drawn}):
        for box in drawn.get(read, [(NO_FINDING, None, None, None, None)]):
            yield (*read, *box)


def _annotations(
    header: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
    images: Mapping[str, Mapping[str, Any]],
) -> bytes:
    scaled = []
    for row in rows:
        *read, name, x_min, y_min, x_max, y_max = row
        image = images[read[0]]
        x, y = image["columns"] / image["original_columns"], image["rows"] / image["original_rows"]
        sides = zip((x_min, y_min, x_max, y_max), (x, y, x, y), strict=True)
        scaled.append((*read, _NAMES.get(name, name), *(None if s is None else round(s * f, 3) for s, f in sides)))
    return csv_file(header, scaled)


def _image_labels(release: Opened, reads: pl.DataFrame) -> Iterator[File]:
    """Of train and valid a row for each image and reader; of test one for each image, with what more than half said."""
    classes = release.table("label_map").sort("position")["label"].to_list()
    read = release.table("image_labels").join(reads, on=_READ, how="semi")
    said: dict[str, dict[tuple[str, str], dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for split, image_id, rad_id in reads.select("split", "image_id", "rad_id").iter_rows():
        said[split][image_id, rad_id] = {}  # also of those who found nothing
    for split, image_id, rad_id, name, state in read.select(
        "split", "image_id", "rad_id", "class_name", "state"
    ).iter_rows():
        own = said[split][image_id, rad_id]
        label = _NAMES.get(name, name)
        own[label] = max(own.get(label, 0), int(state == 1))
    for split in ("train", "valid"):
        rows = ((*who, *(own.get(label, 0) for label in classes)) for who, own in sorted(said[split].items()))
        yield f"annotations/image_labels_{split}.csv", csv_file(("image_id", "rad_id", *classes), rows)
    by_image: dict[str, list[dict[str, int]]] = defaultdict(list)
    for (image_id, _), own in said["test"].items():
        by_image[image_id].append(own)
    voted = (
        (image_id, *(int(2 * sum(own.get(label, 0) for own in votes) > len(votes)) for label in classes))
        for image_id, votes in sorted(by_image.items())
    )
    yield "annotations/image_labels_test.csv", csv_file(("image_id", *classes), voted)


LAYOUT = Layout("vindr-cxr", ("reader-boxes",), _ABOUT, files)
