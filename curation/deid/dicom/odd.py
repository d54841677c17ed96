"""The other way to read a file: pydicom parses it, and its elements are written out as a plain dataset.

For whatever is not plain little endian in order: no preamble, big endian, elements out of order, sequences of unknown
representation. Values stay as they were, byte for byte, but for the order of bytes in binary numbers.
"""

import struct
import warnings
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from curation.deid.dicom import objects
from curation.deid.dicom.elements import LONG_VRS, MAX_DEPTH, SHORT_VRS, dictionary_vr, write, write_items
from curation.errors import Rejected
from curation.records import Reason

ODDITIES = (
    *(InvalidDicomError, BytesLengthException, ValueError, LookupError, TypeError, AttributeError),
    *(NotImplementedError, struct.error, zlib.error, EOFError, OSError, OverflowError, RecursionError),
    *(AssertionError, MemoryError),
)
"""What pydicom raises for bytes that are not what they should be."""
_SWAPPED = {"US": 2, "SS": 2, "OW": 2, "AT": 2, "UL": 4, "SL": 4, "FL": 4, "OL": 4, "OF": 4,
            "FD": 8, "OD": 8, "UV": 8, "SV": 8, "OV": 8}  # fmt: skip
_ENDS_EARLY = ".* in file "
"""What pydicom warns of where a file ends inside an element, which it then leaves out."""
_PIXEL_DATA = 0x7FE00010
_ITEM_TAG = struct.pack("<HH", 0xFFFE, 0xE000)
_SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def plain(data: bytes) -> tuple[str, bytes]:
    """Transfer syntax and dataset in Explicit VR Little Endian; raises Rejected if it is no whole DICOM file."""
    dataset = _read(data)
    syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    if syntax and syntax not in objects.NATIVE | objects.ENCAPSULATED:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected a transfer syntax of still images; another came")
    return syntax if syntax in objects.ENCAPSULATED else objects.EXPLICIT_LITTLE, _dataset(dataset, 0)


def _read(data: bytes) -> FileDataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", _ENDS_EARLY, UserWarning)
            dataset = pydicom.dcmread(BytesIO(data), force=True)
    except UserWarning:
        raise Rejected(Reason.TRUNCATED, "expected whole elements; the file ends inside one") from None
    except ODDITIES:
        raise Rejected(Reason.UNREADABLE, "expected DICOM; its elements cannot be parsed") from None
    if not len(dataset):
        raise Rejected(Reason.NOT_DICOM, "expected DICOM; no element came")
    return dataset


def _dataset(dataset: Dataset, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise Rejected(Reason.UNREADABLE, f"expected sequences nested {MAX_DEPTH} deep at most; deeper ones came")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return b"".join(_element(dataset, tag, depth) for tag in sorted(dataset.keys()) if tag >> 16 >= 8)


def _element(dataset: Dataset, tag: int, depth: int) -> bytes:
    """One element; an unknown representation becomes the dictionary's, or UN."""
    try:
        given: Any = dataset.get_item(tag)
        if _is_sequence(given):
            given = dataset[tag]
            return write(tag, "SQ", write_items([_dataset(item, depth + 1) for item in given.value or ()]))
    except ODDITIES:
        raise Rejected(Reason.UNREADABLE, "expected DICOM; a sequence cannot be parsed") from None
    return _raw(given)


def _is_sequence(given: Any) -> bool:
    if isinstance(given, DataElement):
        return given.VR == "SQ"
    vr = given.VR or ""
    return vr == "SQ" or (vr in ("", "UN") and dictionary_vr(int(given.tag)) == "SQ")


def _raw(given: RawDataElement | DataElement) -> bytes:
    tag = int(given.tag)
    if not isinstance(given, RawDataElement):
        return write(tag, given.VR, _decoded(given.value))
    value = given.value or b""
    if len(value) < given.length < 0xFFFFFFFF:
        raise Rejected(Reason.TRUNCATED, "expected whole elements; the file ends inside one")
    vr = _vr(tag, given.VR or "", value)
    if not given.is_little_endian and vr in _SWAPPED:
        value = _swap(value, _SWAPPED[vr])
    if tag == _PIXEL_DATA and value[:4] == _ITEM_TAG and given.length == 0xFFFFFFFF:
        return struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"OB", 0, 0xFFFFFFFF) + value + _SEQUENCE_END
    return write(tag, vr, value)


def _decoded(value: Any) -> bytes:
    """A value that pydicom has read in passing: SpecificCharacterSet, or PixelRepresentation."""
    if isinstance(value, int):
        return struct.pack("<H", value)
    many = value if isinstance(value, Sequence) and not isinstance(value, str) else [value or ""]
    return "\\".join(map(str, many)).encode("ascii", "replace")


def _vr(tag: int, vr: str, value: bytes) -> str:
    """A representation that can be written: the file's, or the dictionary's first, or UN."""
    first = (vr or dictionary_vr(tag)).split(" or ")[0]
    code = first.encode("ascii", "replace")
    return first if code in LONG_VRS or (code in SHORT_VRS and len(value) <= 0xFFFF) else "UN"


def _swap(value: bytes, width: int) -> bytes:
    whole = value[: len(value) // width * width]
    swapped = bytearray(len(whole))
    for byte in range(width):
        swapped[byte::width] = whole[width - 1 - byte :: width]
    return bytes(swapped)
