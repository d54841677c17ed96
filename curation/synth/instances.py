"""DICOM instances, NIfTI labelmaps and radiographs of a phantom."""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from curation.synth.anatomy import STRUCTURES, Floats
from curation.synth.header import name_people, to_bytes
from curation.synth.identities import PEER, Planted, Visit, digits
from curation.synth.phantom import Phantom

_ROOT = "1.2.826.0.1.3680043.8.498."  # of UIDs that pydicom makes
_SOP_CLASSES = {  # PS3.4, table B.5-1
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
}
RADIOGRAPH_PX = 256
_DETECTOR_MM = 384.0
_MOST_BITS = 12
_FULL_SCALE = 340_000.0  # attenuation (HU + 1000, times mm) that fills the range


@dataclass(frozen=True)
class Place:
    """Which object of which series a file holds; UIDs follow from the names."""

    study: str
    series: str
    number: int = 1

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return uid(self.study)

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return uid(self.study, self.series)

    @property
    def instance_uid(self) -> str:
        """SOPInstanceUID."""
        return uid(self.study, self.series, str(self.number))


def uid(*names: str) -> str:
    """The UID that belongs to these names."""
    value = int(hashlib.sha256("/".join(names).encode()).hexdigest(), 16)
    return _ROOT + str(value)[:36]


def header(modality: str, who: Visit, place: Place, planted: Planted) -> FileDataset:
    """A dataset with identities, UIDs, dates and times, and without an image."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(_SOP_CLASSES[modality])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = PEER
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = UID(_SOP_CLASSES[modality])
    dataset.Modality = modality
    dataset.Manufacturer = "Synthetic"
    dataset.StudyInstanceUID = place.study_uid
    dataset.SeriesInstanceUID = place.series_uid
    dataset.FrameOfReferenceUID = uid(place.study, "frame")
    dataset.SeriesNumber = 1
    dataset.BodyPartExamined = "CHEST"
    day = digits(who.moment.date())
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = dataset.SeriesTime = f"{who.moment:%H%M%S}"
    dataset.StudyDescription = f"{modality} CHEST FOR {who.patient.last.upper()}"
    name_people(dataset, who, planted)
    planted.add("device", meta.SourceApplicationEntityTitle)
    planted.add("original_uid", place.study_uid, place.series_uid, dataset.FrameOfReferenceUID)
    _number(dataset, place, planted)
    return dataset


def _number(dataset: FileDataset, place: Place, planted: Planted) -> None:
    dataset.SOPInstanceUID = UID(place.instance_uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(place.instance_uid)
    dataset.InstanceNumber = place.number
    planted.add("original_uid", place.instance_uid)


def _put_pixels(dataset: Dataset, pixels: NDArray[np.int16] | NDArray[np.uint16], photometric: str) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 16
    dataset.BitsStored = 16 if pixels.dtype == np.int16 else _MOST_BITS
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype == np.int16)
    dataset.PixelData = pixels.tobytes()


def ct_slices(phantom: Phantom, who: Visit, study: str, planted: Planted) -> Iterator[bytes]:
    """The slices of series ``ct`` from head to feet: InstanceNumber runs against z, as with many scanners."""
    dataset = header("CT", who, Place(study, "ct"), planted)
    grid = phantom.grid
    x, y, z = grid.origin_xyz_mm
    thickness, row_mm, column_mm = grid.spacing_zyx_mm
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientPosition = "HFS"
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SliceThickness = thickness
    dataset.PixelSpacing = [row_mm, column_mm]
    dataset.KVP = 120
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    heights = [z + index * thickness for index in range(grid.shape_zyx[0])][::-1]
    dataset.ImagePositionPatient = [f"{x:.3f}", f"{y:.3f}", _fixed(heights[0])]
    dataset.SliceLocation = _fixed(heights[0])
    dataset.InstanceNumber = "0001"
    stored = (phantom.hu + np.int16(1024))[::-1]
    _put_pixels(dataset, stored[0], "MONOCHROME2")
    head = to_bytes(dataset)[: -stored[0].nbytes]
    first = _varying(Place(study, "ct"), heights[0])
    for number, (height, pixels) in enumerate(zip(heights, stored, strict=True), start=1):
        place = Place(study, "ct", number)
        planted.add("original_uid", place.instance_uid)
        slice_head = head
        for old, new in zip(first, _varying(place, height), strict=True):
            slice_head = slice_head.replace(old, new)
        yield slice_head + pixels.tobytes()


def _varying(place: Place, height: float) -> tuple[bytes, ...]:
    """What differs between two slices beside the pixels, always of the same length: writing one header is enough."""
    return place.instance_uid.encode(), f"IS\4\0{place.number:04d}".encode(), _fixed(height).encode()


def _fixed(height: float) -> str:
    """A height in mm, nine characters."""
    return f"{height:+09.3f}"


def other_instance(modality: str, who: Visit, place: Place, planted: Planted) -> bytes:
    """A small object that the pipeline does not use: MR (an image) or SR (a text that names the patient)."""
    dataset = header(modality, who, place, planted)
    if modality == "SR":
        item = Dataset()
        item.ValueType = "TEXT"
        item.TextValue = f"Dose report of {who.patient.full_name}."
        dataset.ValueType = "CONTAINER"
        dataset.ContentSequence = [item]
    else:
        _put_pixels(dataset, np.zeros((16, 16), np.uint16), "MONOCHROME2")
    return to_bytes(dataset)


# --- radiographs -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Exposure:
    """How a radiograph is taken: CR or DX; PA, AP or LAT; MONOCHROME2 shows bone bright, MONOCHROME1 dark."""

    modality: str
    view: str
    photometric: str


def radiograph(phantom: Phantom, exposure: Exposure, who: Visit, place: Place, planted: Planted) -> bytes:
    """A radiograph of the phantom by a parallel beam."""
    dataset = header(exposure.modality, who, place, planted)
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.ViewPosition = "LL" if exposure.view == "LAT" else exposure.view
    dataset.PatientOrientation = ["P", "F"] if exposure.view == "LAT" else ["L", "F"]
    spacing = _DETECTOR_MM / RADIOGRAPH_PX
    dataset.ImagerPixelSpacing = [spacing, spacing]
    dataset.KVP = 110
    pixels = project(phantom, exposure.view)
    if exposure.photometric == "MONOCHROME1":
        pixels = np.uint16((1 << _MOST_BITS) - 1) - pixels
    _put_pixels(dataset, pixels, exposure.photometric)
    return to_bytes(dataset)


def project(phantom: Phantom, view: str) -> NDArray[np.uint16]:
    """Attenuation summed along y (PA, AP) or x (LAT), head up; 12 bits, ``RADIOGRAPH_PX`` squared.

    Sums are of integers, so they do not depend on their order. Bone counts more than its HU say, because a radiograph
    is taken at a lower energy than a CT. Columns run to the patient's left, or to the back in the lateral view.
    """
    hu = phantom.hu.astype(np.int32)
    attenuation = np.maximum(hu + 1000, 0) + 2 * np.maximum(hu - 150, 0)
    axis = 2 if view == "LAT" else 1
    depth_mm, row_mm = phantom.grid.spacing_zyx_mm[axis], phantom.grid.spacing_zyx_mm[0]
    column_mm = phantom.grid.spacing_zyx_mm[3 - axis]
    sums = attenuation.sum(axis=axis, dtype=np.int64)[::-1].astype(np.float64) * depth_mm
    film = _resample(_resample(sums, row_mm).T, column_mm).T
    scale = float((1 << _MOST_BITS) - 1)
    return np.clip(np.rint(film * (scale / _FULL_SCALE)), 0.0, scale).astype(np.uint16)


def _resample(rows: Floats, step_mm: float) -> Floats:
    """Linear interpolation of rows, centred on the detector; empty beyond them."""
    spacing = _DETECTOR_MM / RADIOGRAPH_PX
    at = (np.arange(RADIOGRAPH_PX) - (RADIOGRAPH_PX - 1) / 2) * spacing / step_mm + (len(rows) - 1) / 2
    low = np.clip(np.floor(at).astype(np.int64), 0, len(rows) - 2)
    weight = np.clip(at - low, 0.0, 1.0)[:, None]
    mixed = rows[low] * (1.0 - weight) + rows[low + 1] * weight
    inside = (at > -1.0) & (at < len(rows))
    return np.where(inside[:, None], mixed, 0.0)


# --- labelmaps -------------------------------------------------------------------------------------------


def labelmap(phantom: Phantom) -> bytes:
    """The labels as gzipped NIfTI, axes left, anterior, superior, as the real sample has them."""
    grid = phantom.grid
    x, y, z = grid.origin_xyz_mm
    step_z, step_y, step_x = grid.spacing_zyx_mm
    last_y = y + step_y * (grid.shape_zyx[1] - 1)
    affine = np.diag([-step_x, step_y, step_z, 1.0])
    affine[:3, 3] = [-x, -last_y, z]
    image = nib.Nifti1Image(np.ascontiguousarray(phantom.labels.transpose(2, 1, 0)[:, ::-1, :]), affine)  # type: ignore[no-untyped-call]
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def structures_csv() -> bytes:
    """Which value stands for which structure; the columns are those of the real sample."""
    rows = [f"synthetic,{value},{name},{value}" for value, name in enumerate(STRUCTURES, start=1)]
    return ("\n".join(["group,original_idx,structure,id", *rows]) + "\n").encode()
