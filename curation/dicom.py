"""Reads clean DICOM files: what the stages need of a header, CT numbers, and the pixels of radiographs.

Reads the bytes of files that have passed the border; writes nothing. Everything else that pydicom can do with a clean
file goes through here, so a stage never sees a dataset.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue

from curation.errors import Rejected
from curation.records import Instance, Reason
from curation.store import read_member

AIR_HU = -1024
"""What stands for "nothing was measured here", the lowest CT number that we keep."""

_HEAD_BYTES = 64 * 1024  # holds the header of a usual CT or radiograph; a longer one is read whole
_MALFORMED = (
    InvalidDicomError,
    BytesLengthException,
    EOFError,
    OSError,
    struct.error,
    ValueError,  # also UnicodeError
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,  # no decoder for the transfer syntax
)
"""What pydicom is known to raise on a file that is not what it says: fuzzed in the tests."""

_VIEW_POSITION = {"PA": "PA", "AP": "AP", "LL": "LAT", "RL": "LAT", "LATERAL": "LAT", "LAT": "LAT"}  # C.8.7.2
_VIEW_CODES = {  # PS3.16, CID 4010, SNOMED CT
    "272479007": "PA",
    "399348003": "AP",
    "399173006": "LAT",  # left
    "399198007": "LAT",  # right
    "399067008": "LAT",
}
_DAYS_OF_AGE_UNIT = {"D": 1, "W": 7}


@dataclass(frozen=True, slots=True)
class Header:
    """What stages read of one instance; an empty tuple or string, or None, stands for an absent element."""

    instance_id: str
    series_id: str
    study_id: str
    patient_id: str
    modality: str
    rows: int
    columns: int
    frames: int
    pixel_spacing_mm: tuple[float, ...]
    """Distance of rows, then of columns (0028,0030); on the detector (0018,1164) where only that is given."""
    position_xyz_mm: tuple[float, ...]
    """Centre of the first pixel, LPS (0020,0032)."""
    orientation: tuple[float, ...]
    """Unit vectors of rising column and of rising row, LPS, six numbers (0020,0037)."""
    slice_thickness_mm: float | None
    view: str
    """PA, AP, LAT or empty, from ViewPosition or else the view code."""
    photometric: str
    sex: str
    """M, F, O or empty."""
    age_years: int | None
    """Completed years."""
    study_date: date | None
    rescale_slope: float
    rescale_intercept: float


@dataclass(frozen=True, slots=True)
class LookUp:
    """A look-up table (PS3.3 C.11.1.1.1): ``entries`` of the values from ``first`` on; those beyond take its ends."""

    first: int
    entries: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Film:
    """A radiograph's pixels as they are stored, and how its header wants them seen."""

    stored: NDArray[Any]
    """``(rows, columns)``, integers of 8 or 16 bits."""
    bone_is_dark: bool
    """MONOCHROME1: what is most is shown black."""
    rescale: tuple[float, float]
    """Slope and intercept, where there is no ``modality`` table."""
    modality: LookUp | None
    voi: LookUp | None
    window: tuple[float, float] | None
    """Centre and width, the first of several; of values after ``modality`` or ``rescale``, as ``voi`` is."""
    window_function: str
    """LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""
    spacing_mm: tuple[float, ...] = ()
    """Distance of rows, then of columns, on the detector (0018,1164); or (0028,0030) where only that is given."""


def read_header(data: bytes) -> Header:
    """The header of a DICOM file; raises Rejected(UNREADABLE)."""
    dataset, _ = _parse(data, stop_before_pixels=True)
    return _header(dataset)


def header_of(folder: Path, instance: Instance) -> Header:
    """The header of an instance that lies in a shard below ``folder``, from its first bytes where they suffice."""
    head = read_member(folder, instance.shard, instance.offset, min(instance.length, _HEAD_BYTES))
    if instance.length > _HEAD_BYTES:
        try:
            dataset, n_read = _parse(head, stop_before_pixels=True)
            if n_read < len(head):  # it stopped at the pixels, so nothing before them is cut off
                return _header(dataset)
        except Rejected:
            pass  # cut inside an element: the whole file decides
        head = read_member(folder, instance.shard, instance.offset, instance.length)
    return read_header(head)


def read_hu(data: bytes) -> NDArray[np.int16]:
    """CT numbers in HU, int16 ``(rows, columns)``: stored values times slope plus intercept, rounded to integers.

    Padding (PixelPaddingValue, or the range up to PixelPaddingRangeLimit, PS3.3 C.7.5.1.1.2) becomes ``AIR_HU``, and so
    does whatever lies below it: scanners fill what is outside their field of view with -2000 or less without saying so
    (the sample CT stores -1024, that is -2048 HU, and declares another value as its padding).
    Raises Rejected(UNREADABLE), or Rejected(UNSUPPORTED_OBJECT) unless it is one grey frame.
    """
    dataset, _ = _parse(data, stop_before_pixels=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = dataset.pixel_array
            slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
            padding = _padding(dataset, stored)
    except _MALFORMED as error:
        raise Rejected(Reason.UNREADABLE, f"pixels cannot be decoded ({type(error).__name__})") from None
    if stored.ndim != 2:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, f"expected one grey frame, got {stored.ndim} dimensions")
    values = _rescaled(stored, slope, intercept)
    values[padding] = AIR_HU
    hu: NDArray[np.int16] = values.clip(AIR_HU, np.iinfo(np.int16).max).round().astype(np.int16)
    return hu


def read_film(data: bytes) -> Film:
    """The pixels of a radiograph.

    Raises Rejected(UNREADABLE), or Rejected(UNSUPPORTED_OBJECT) unless it is one grey frame of at most 16 bits.
    """
    dataset, _ = _parse(data, stop_before_pixels=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = dataset.pixel_array
            film = Film(
                stored=stored,
                bone_is_dark=_text(dataset, "PhotometricInterpretation") == "MONOCHROME1",
                rescale=(_number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)),
                modality=_look_up(dataset, "ModalityLUTSequence", stored),
                voi=_look_up(dataset, "VOILUTSequence", stored),
                window=_window(dataset),
                window_function=_text(dataset, "VOILUTFunction").upper() or "LINEAR",
                spacing_mm=_numbers(dataset, "ImagerPixelSpacing", 2) or _numbers(dataset, "PixelSpacing", 2),
            )
    except _MALFORMED as error:
        raise Rejected(Reason.UNREADABLE, f"pixels cannot be decoded ({type(error).__name__})") from None
    if stored.ndim != 2 or stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected one grey frame of at most 16 bits")
    return film


def _look_up(dataset: FileDataset, keyword: str, stored: NDArray[Any]) -> LookUp | None:
    """The first table of a sequence; its first value is read with the pixels' sign, as padding is."""
    items = dataset.get(keyword)
    if not items or items[0].get("LUTData") is None:
        return None
    length, first, _ = items[0].LUTDescriptor
    data = items[0].LUTData
    length = int(length) or 1 << 16
    if isinstance(data, bytes):
        entries = np.frombuffer(data, "<u2" if len(data) >= 2 * length else np.uint8).astype(np.uint16)
    else:
        entries = np.atleast_1d(np.asarray(data)).astype(np.uint16)
    return LookUp(_as_stored(first, stored), entries[:length])


def _window(dataset: FileDataset) -> tuple[float, float] | None:
    both = [dataset.get(keyword) for keyword in ("WindowCenter", "WindowWidth")]
    if any(value in (None, "") for value in both):
        return None
    centre, width = (_finite(value[0] if isinstance(value, MultiValue) else value) for value in both)
    return centre, width


def _parse(data: bytes, stop_before_pixels: bool) -> tuple[FileDataset, int]:
    """A dataset, and how many bytes were read for it."""
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values
            dataset = pydicom.dcmread(stream, stop_before_pixels=stop_before_pixels)
    except _MALFORMED as error:
        raise Rejected(Reason.UNREADABLE, f"not a readable DICOM file ({type(error).__name__})") from None
    return dataset, stream.tell()


def _header(dataset: FileDataset) -> Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Header(
                instance_id=_text(dataset, "SOPInstanceUID"),
                series_id=_text(dataset, "SeriesInstanceUID"),
                study_id=_text(dataset, "StudyInstanceUID"),
                patient_id=_text(dataset, "PatientID"),
                modality=_text(dataset, "Modality"),
                rows=int(_number(dataset, "Rows", 0)),
                columns=int(_number(dataset, "Columns", 0)),
                frames=int(_number(dataset, "NumberOfFrames", 1)),
                pixel_spacing_mm=_numbers(dataset, "PixelSpacing", 2) or _numbers(dataset, "ImagerPixelSpacing", 2),
                position_xyz_mm=_numbers(dataset, "ImagePositionPatient", 3),
                orientation=_numbers(dataset, "ImageOrientationPatient", 6),
                slice_thickness_mm=_number(dataset, "SliceThickness", 0.0) or None,
                view=_view(dataset),
                photometric=_text(dataset, "PhotometricInterpretation"),
                sex=_sex(dataset),
                age_years=_age_years(_text(dataset, "PatientAge")),
                study_date=_date(_text(dataset, "StudyDate")),
                rescale_slope=_number(dataset, "RescaleSlope", 1.0),
                rescale_intercept=_number(dataset, "RescaleIntercept", 0.0),
            )
    except _MALFORMED as error:
        raise Rejected(Reason.UNREADABLE, f"a header element cannot be read ({type(error).__name__})") from None


def _text(dataset: FileDataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _number(dataset: FileDataset, keyword: str, absent: float) -> float:
    value = dataset.get(keyword)
    return absent if value is None or value == "" else _finite(value)


def _numbers(dataset: FileDataset, keyword: str, n: int) -> tuple[float, ...]:
    value: Any = dataset.get(keyword)
    if value is None or value == "":
        return ()
    numbers = tuple(_finite(part) for part in value)
    if len(numbers) != n:
        raise ValueError(f"{keyword} does not hold {n} numbers")
    return numbers


def _finite(value: Any) -> float:
    number = float(value)
    if not np.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _rescaled(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Stored values times slope plus intercept: in integers, which is quicker, where that loses nothing."""
    narrow = (
        stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2 and abs(slope) <= 1024 and abs(intercept) <= 1 << 20
    )
    if narrow and slope.is_integer() and intercept.is_integer():
        return stored.astype(np.int32) * np.int32(slope) + np.int32(intercept)
    with np.errstate(over="ignore"):  # clipped next
        return stored.astype(np.float64) * slope + intercept


def _padding(dataset: FileDataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels are padding; both bounds are re-read with the pixels' own sign, whatever their VR says.

    Signed pixels often come with an unsigned padding value: 63536 stands for -2000.
    """
    first = dataset.get("PixelPaddingValue")
    if first is None or first == "" or stored.dtype.kind not in "iu":
        return np.zeros(stored.shape, np.bool_)
    limit = dataset.get("PixelPaddingRangeLimit")
    bounds = sorted(_as_stored(value, stored) for value in (first, first if limit in (None, "") else limit))
    mask: NDArray[np.bool_] = (stored >= bounds[0]) & (stored <= bounds[1])
    return mask


def _as_stored(value: Any, stored: NDArray[Any]) -> int:
    if isinstance(value, bytes):  # VR was implicit and stayed unresolved
        value = int.from_bytes(value, "little")
    bits = 8 * stored.dtype.itemsize
    wrapped = int(value) % (1 << bits)
    return wrapped - (1 << bits) if stored.dtype.kind == "i" and wrapped >> (bits - 1) else wrapped


def _view(dataset: FileDataset) -> str:
    position = _VIEW_POSITION.get(_text(dataset, "ViewPosition").upper(), "")
    codes = dataset.get("ViewCodeSequence") or ()
    return position or next(
        (_VIEW_CODES[code] for item in codes if (code := _text(item, "CodeValue")) in _VIEW_CODES), ""
    )


def _sex(dataset: FileDataset) -> str:
    sex = _text(dataset, "PatientSex").upper()
    return sex if sex in ("M", "F", "O") else ""


def _age_years(age: str) -> int | None:
    """Completed years of an Age String, such as ``067Y`` or ``018M`` (PS3.5 section 6.2)."""
    if len(age) < 2 or not (age[:-1].isascii() and age[:-1].isdigit()):
        return None
    number, unit = int(age[:-1]), age[-1].upper()
    if unit == "Y":
        return number
    if unit == "M":
        return number // 12
    return number * _DAYS_OF_AGE_UNIT[unit] // 365 if unit in _DAYS_OF_AGE_UNIT else None


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


_PLACE = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "Rows",
    "Columns",
    "PixelSpacing",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
)
_EMPTY = (  # type 2 of the patient and study modules: must be there, may be empty (PS3.3 C.7.1.1, C.7.2.1)
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)


def source_image(data: bytes) -> Dataset:
    """What an object derived from a slice refers to: the slice's UIDs and its place in space, and nothing else.

    Who, when and where stay empty. Raises Rejected(UNREADABLE), or Rejected(IRREGULAR_GEOMETRY) if an element that the
    reference needs is absent.
    """
    given, _ = _parse(data, stop_before_pixels=True)
    _header(given)  # rejects numbers that are none
    made = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword in _PLACE:
            if given.get(keyword) not in (None, ""):
                made[keyword] = given[keyword]
    missing = [keyword for keyword in _PLACE if keyword not in made and keyword != "SliceThickness"]
    if missing:
        raise Rejected(Reason.IRREGULAR_GEOMETRY, f"a slice lacks {', '.join(missing)}")
    for keyword in _EMPTY:
        setattr(made, keyword, "")
    return made
