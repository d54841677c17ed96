"""Labelmaps: a sidecar that names series, NIfTI and structures; the NIfTI rewritten with numbers only in its header.

Of the header stay dimensions, voxel size, units and the two transforms, bit for bit; description, file names,
intent and extensions go (NIfTI-1, https://nifti.nimh.nih.gov/nifti-1). Voxels become uint8.
"""

import csv
import gzip
import io
import json
import re
import struct
import zlib
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError, ImageDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from curation.errors import Rejected
from curation.records import Reason

MAX_BYTES = 2 * 1024**3  # a 512 × 512 × 2048 labelmap of 32 bits
MAX_SIDECAR_BYTES = 64 * 1024
_KEPT = (
    *("dim", "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,200}")
_ENGINE = re.compile(r"[A-Za-z][A-Za-z0-9._ -]{0,40}")
_STRUCTURE = re.compile(r"(?!.*\d{3})[A-Za-z][A-Za-z0-9_]{0,63}")
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_BROKEN = (
    *(ImageFileError, HeaderDataError, ImageDataError, WrapStructError, ValueError, TypeError, LookupError, OSError),
    *(EOFError, OverflowError, AttributeError, MemoryError, zlib.error, struct.error),
)
"""What nibabel raises for bytes that are not what they should be."""


@dataclass(frozen=True)
class Sidecar:
    """A ``*.labelmap.json``: the series, the names of the files beside it, and what made them."""

    series_uid: str
    labelmap: str
    structures: str
    engine: str

    @property
    def parts(self) -> tuple[str, str]:
        """Names of the files that belong to it."""
        return self.labelmap, self.structures


def read_sidecar(data: bytes) -> Sidecar:
    """Parse a sidecar; raises Rejected unless it names a series, two files in its own folder, and an engine."""
    try:
        given: dict[str, str] = json.loads(data[:MAX_SIDECAR_BYTES])
        names = [given[key] for key in ("series_instance_uid", "labelmap", "structures", "engine")]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Rejected(
            Reason.UNREADABLE, "expected JSON with series_instance_uid, labelmap, structures, engine"
        ) from None
    patterns = (_UID, _NAME, _NAME, _ENGINE)
    if not all(
        isinstance(name, str) and pattern.fullmatch(name) for name, pattern in zip(names, patterns, strict=True)
    ):
        raise Rejected(Reason.UNREADABLE, "expected a UID, two plain file names and an engine; something else came")
    if re.search(r"\d{5}", names[3]):
        raise Rejected(Reason.UNREADABLE, "expected the name of an engine; a long number came with it")
    return Sidecar(*names)


def clean_labelmap(data: bytes) -> bytes:
    """A NIfTI as gzipped NIfTI-1 of uint8 labels; raises Rejected if it is none, or its values are no labels.

    The same labels and transforms give the same bytes, for one version of zlib.
    """
    try:
        image = nib.Nifti1Image.from_bytes(_plain(data))
        if len(image.shape) != 3:
            raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected a labelmap of three dimensions; another shape came")
        labels = _labels(np.asanyarray(image.dataobj))
        header = _header(image.header)
    except _BROKEN:
        raise Rejected(Reason.UNREADABLE, "expected a NIfTI-1; it cannot be parsed") from None
    return gzip.compress(header + labels.tobytes(order="F"), compresslevel=6, mtime=0)


def header_of(clean: bytes) -> bytes:
    """The 352 bytes before the voxels of what ``clean_labelmap`` returned."""
    return zlib.decompressobj(31).decompress(clean, 352)


def read_structures(data: bytes) -> dict[int, str]:
    """Voxel value to structure name from ``structures.csv`` (columns group, original_idx, structure, id).

    ``id`` is the voxel value: on the sample, centroids of the values lie where the names of their ids belong.
    Raises Rejected unless values are 1 to 255, each once, and names are words without a long number.
    """
    try:
        rows = [
            (int(row["id"]), row["structure"].strip()) for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        ]
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        raise Rejected(
            Reason.UNREADABLE, "expected a table with columns structure and id; something else came"
        ) from None
    names = dict(rows)
    if not rows or len(names) != len(rows) or not all(1 <= value <= 255 for value in names):
        raise Rejected(Reason.UNREADABLE, "expected one name for each value from 1 to 255; something else came")
    if not all(_STRUCTURE.fullmatch(name) for name in names.values()):
        raise Rejected(Reason.UNREADABLE, "expected names of structures; something else came")
    return names


def _plain(data: bytes) -> bytes:
    """Unpacked bytes; raises Rejected if they are cut short or more than a labelmap may have."""
    if data[:2] != b"\x1f\x8b":
        return data
    unpack = zlib.decompressobj(31)
    plain = unpack.decompress(data, MAX_BYTES)
    if not unpack.eof:
        raise Rejected(Reason.TRUNCATED, "expected a whole gzip file of a labelmap; it is cut short or too large")
    return plain


def _labels(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    with np.errstate(invalid="ignore"):  # not a number is found unequal below
        labels = values.astype(np.uint8)
    if not np.array_equal(labels, values):
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected whole numbers from 0 to 255 as labels; others came")
    return labels


def _header(given: nib.Nifti1Header) -> bytes:
    """348 bytes of header and the four that say that no extension follows."""
    header = nib.Nifti1Header(endianness="<")  # type: ignore[no-untyped-call]
    for name in _KEPT:
        header[name] = given[name]
    header.set_data_dtype(np.uint8)  # type: ignore[no-untyped-call]
    header["dim"][4:] = 1
    header["pixdim"][4:] = 0
    header["vox_offset"] = 352
    header["scl_slope"] = 1
    header["magic"] = b"n+1"
    binary: bytes = header.binaryblock
    return binary + bytes(4)
