"""Tiny DICOM files made up here, and a ``data/`` folder that holds them."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from curation.records import Instance, Record
from curation.store import ShardWriter, to_arrow, write_parquet
from curation.workspace import Workspace

PARAMS = Path(__file__).parents[2] / "params.yaml"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)  # columns run to the back, rows run down


def dicom_file(modality: str = "CT", pixels: NDArray[Any] | None = None, **elements: Any) -> bytes:
    """A DICOM file of 4 × 6 pixels; ``elements`` are keywords, None leaves one out, a DataElement comes as it is."""
    stored = np.arange(24, dtype=np.int16).reshape(4, 6) if pixels is None else pixels
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage if modality == "CT" else DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = UID(elements.get("SOPInstanceUID", "2.25.1"))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    usual: dict[str, Any] = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": "2.25.1",
        "SeriesInstanceUID": "2.25.2",
        "StudyInstanceUID": "2.25.3",
        "PatientID": "p1",
        "Modality": modality,
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "PixelSpacing": [0.5, 0.8],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    }
    for keyword, value in {**usual, **elements}.items():
        if isinstance(value, DataElement):
            dataset.add(value)
        elif value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes()
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def ct_slice(number: int, position: Sequence[float], orientation: Sequence[float] = AXIAL, **elements: Any) -> bytes:
    """Slice ``number`` of series ``2.25.2``: every pixel is ``number`` HU."""
    return dicom_file(
        pixels=np.full((4, 6), number + 1024, np.int16),
        **{
            "SOPInstanceUID": f"2.25.1{number:03d}",
            "ImagePositionPatient": list(position),
            "ImageOrientationPatient": list(orientation),
            **elements,
        },
    )


def instance(data: bytes, writer: ShardWriter, **columns: Any) -> Instance:
    """The row of a file that is put into a shard."""
    place = writer.add("file", data)
    usual = {
        "instance_id": "2.25.1",
        "series_id": "2.25.2",
        "study_id": "2.25.3",
        "patient_id": "p1",
        "accession_id": "",
        "modality": "CT",
    }
    return Instance(
        **{**usual, **columns}, sha256=place.sha256, shard=place.shard, offset=place.offset, length=place.length
    )


def workspace_at(root: Path) -> Workspace:
    """An empty workspace with the parameters as shipped."""
    (root / "params.yaml").write_bytes(PARAMS.read_bytes())
    return Workspace(root)


def shard_at(workspace: Workspace, name: str = "made") -> ShardWriter:
    """A shard in ``data/``."""
    return ShardWriter(workspace.tables("deid") / "bytes" / f"{name}.tar", f"bytes/{name}.tar")


def add_rows(workspace: Workspace, stage: str, rows: Iterable[Record], part: str = "made") -> None:
    """Write rows of one type as a part of a stage's table."""
    made = list(rows)
    record = type(made[0])
    write_parquet(to_arrow(record, made), workspace.tables(stage) / record.about.name / f"{part}.parquet")


def add_ct(workspace: Workspace, slices: Sequence[bytes], **columns: Any) -> list[Instance]:
    """A CT of these slices; instances are numbered in the order given."""
    writer = shard_at(workspace)
    rows = [instance(data, writer, instance_id=f"2.25.1{n:03d}", **columns) for n, data in enumerate(slices)]
    writer.close()
    add_rows(workspace, "deid", rows)
    return rows
