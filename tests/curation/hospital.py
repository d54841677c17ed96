"""A made-up hospital's DICOM: objects of every kind, with what identifies planted where it was seen to lie.

Nothing here is real. ``hospital`` gives the files, what must be gone from them, and what must still be there.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from random import Random
from typing import Any

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom import config
from pydicom import uid as uids
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

PEOPLE = (
    ("Young", "Rose", "Grace"),  # ordinary words, all three
    ("O'Connell-Smythe", "Siobhán", ""),
    ("MÜLLER", "JÜRGEN", "K"),
    ("Nguyễn", "Thị", "Hạnh"),
    ("Kerley", "Bob", ""),  # an eponym
)
SYLLABLES = ("ba", "fe", "gi", "ko", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")


@dataclass
class Hospital:
    """Files by name; what must be gone; and text that must still stand, by file and path of keywords."""

    files: dict[str, bytes] = field(default_factory=dict)
    planted: list[tuple[str, str]] = field(default_factory=list)
    """File and value."""
    kept: list[tuple[str, str, str]] = field(default_factory=list)
    """InstanceNumber, keyword, and what must stand in its value."""


def hospital(seed: int = 0) -> Hospital:
    """Two patients with a study each; a seed gives other names, numbers and dates."""
    made = Hospital()
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    for number in range(2):
        _study(made, random, number, PEOPLE[(seed + number) % len(PEOPLE)])
    return made


class _Study:
    """One patient's study while it is made."""

    def __init__(self, made: Hospital, random: Random, number: int, person: tuple[str, str, str]) -> None:
        self.made, self.random, self.number = made, random, number
        self.family, given, middle = person
        self.name = f"{self.family}^{given}^{middle}"
        self.mrn = f"{random.choice('ABCD')}{random.randint(10**6, 10**7 - 1)}"
        self.day = f"{random.randint(2001, 2019)}{random.randint(1, 12):02}{random.randint(13, 28):02}"
        self.study, self.series = self.uid(), self.uid()
        self.instance = 0

    def uid(self) -> str:
        return f"1.3.6.1.4.1.99999.{self.random.randint(10**8, 10**9)}.{self.random.randint(1, 10**6)}"

    def word(self, n: int = 4) -> str:
        return "".join(self.random.choice(SYLLABLES) for _ in range(n)).capitalize()

    def digits(self, n: int) -> str:
        return str(self.random.randint(10 ** (n - 1), 10**n - 1))

    def plant(self, name: str, value: str) -> str:
        self.made.planted.append((name, value))
        return value

    def base(self, name: str, sop_class: str, modality: str, syntax: str = uids.ExplicitVRLittleEndian) -> FileDataset:
        """A dataset with what every object has, identities in it."""
        self.instance += 1
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = uids.UID(sop_class), uids.UID(syntax)
        meta.MediaStorageSOPInstanceUID = uids.UID(self.uid())
        meta.SourceApplicationEntityTitle = self.plant(name, f"AE_{self.digits(7)}")
        preamble = self.plant(name, self.word(6)).encode().ljust(128, b"\0")
        plain = {"is_implicit_VR": syntax == uids.ImplicitVRLittleEndian,
                 "is_little_endian": syntax != uids.ExplicitVRBigEndian}  # fmt: skip
        ds = FileDataset("", {}, file_meta=meta, preamble=preamble, **plain)
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = self.study, self.series, modality
        ds.PatientName, ds.PatientID, ds.PatientBirthDate = self.name, self.mrn, "19410307"
        ds.PatientSex, ds.PatientAge = "F", "093Y"
        ds.StudyDate = ds.ContentDate = self.day
        ds.StudyTime, ds.AccessionNumber = "101112.5", f"X{self.digits(9)}"
        ds.InstanceNumber = 1000 * self.number + self.instance
        ds.ReferringPhysicianName = f"{self.word()}^{self.word()}"
        ds.InstitutionName = f"{self.word()} Memorial Hospital"
        ds.OtherPatientIDs, ds.StationName = self.digits(9), f"{self.word()}7"
        ds.IssuerOfPatientID = "MADEUP"
        for keyword in ("PatientID", "AccessionNumber", "OtherPatientIDs", "StationName", "SOPInstanceUID"):
            self.plant(name, str(ds[keyword].value))
        self.plant(name, self.family)
        self.plant(name, str(ds.ReferringPhysicianName).split("^")[0])
        self.plant(name, ds.InstitutionName.split()[0])
        return ds

    def keep(self, ds: Dataset, keyword: str, text: str) -> None:
        self.made.kept.append((str(ds.InstanceNumber), keyword, text))

    def save(self, name: str, ds: FileDataset, change: Callable[[bytes], bytes] = bytes) -> None:
        buffer = BytesIO()
        ds.save_as(buffer, enforce_file_format=True)
        self.made.files[name] = change(buffer.getvalue())


def _study(made: Hospital, random: Random, number: int, person: tuple[str, str, str]) -> None:
    before = config.settings.writing_validation_mode
    config.settings.writing_validation_mode = config.IGNORE
    try:
        study = _Study(made, random, number, person)
        for make in (_ct, _radiograph, _ultrasound, _report, _key_objects, _presentation, _segmentation, _contours,
                     _document):  # fmt: skip
            make(study, f"{study.family}/{study.mrn}")
    finally:
        config.settings.writing_validation_mode = before


def _pixels(ds: Dataset, array: np.ndarray[Any, Any], bits: int) -> None:
    ds.Rows, ds.Columns = array.shape[:2]
    ds.SamplesPerPixel = 3 if array.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if array.ndim == 3 else "MONOCHROME2"
    if array.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = 8 if bits == 8 else 16
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, 0
    big = ds.file_meta.TransferSyntaxUID == uids.ExplicitVRBigEndian
    ds.PixelData = array.astype(">u2" if big else array.dtype).tobytes()
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"


def _written(array: np.ndarray[Any, Any], text: str, value: int, at: tuple[int, int] = (8, 8)) -> np.ndarray[Any, Any]:
    mask = Image.new("L", array.shape[1::-1], 0)
    ImageDraw.Draw(mask).text(at, text, fill=255, font=ImageFont.load_default(size=20))
    out = array.copy()
    out[np.asarray(mask) > 96] = value
    return out


def _chest(rows: int, columns: int, top: int, seed: int) -> np.ndarray[Any, Any]:
    """A smooth body with two darker lungs, and noise."""
    y, x = np.mgrid[0:rows, 0:columns] / np.array([rows, columns]).reshape(2, 1, 1)
    body = 0.7 - 0.4 * np.exp(-(((x - 0.3) / 0.14) ** 2 + ((y - 0.5) / 0.3) ** 2))
    body -= 0.4 * np.exp(-(((x - 0.7) / 0.14) ** 2 + ((y - 0.5) / 0.3) ** 2))
    noise = np.random.default_rng(seed).normal(0, 0.005, body.shape)
    return np.asarray(np.clip((body + noise) * top, 0, top))


def _ct(study: _Study, folder: str) -> None:
    syntaxes = (uids.ExplicitVRLittleEndian, uids.ImplicitVRLittleEndian, uids.ExplicitVRBigEndian,
                uids.DeflatedExplicitVRLittleEndian, uids.RLELossless)  # fmt: skip
    for z, syntax in enumerate(syntaxes):
        name = f"{folder}/{z}.dcm"
        native = uids.ExplicitVRLittleEndian if syntax == uids.RLELossless else syntax
        ds = study.base(name, uids.CTImageStorage, "CT", native)
        _pixels(ds, _chest(64, 64, 2000, z).astype(np.uint16), 12)
        ds.PixelSpacing, ds.ImagePositionPatient = ["0.7", "0.7"], ["-20", "-20", str(2.5 * z)]
        ds.ImageOrientationPatient, ds.ConvolutionKernel, ds.Manufacturer = (
            ["1", "0", "0", "0", "1", "0"],
            "B30f",
            "SIEMENS",
        )
        study.keep(ds, "ConvolutionKernel", "B30f")
        study.keep(ds, "Manufacturer", "SIEMENS")
        ds.SeriesDescription = f"THORAX 1.0 B30f {study.plant(name, study.word())}"
        study.keep(ds, "SeriesDescription", "THORAX 1.0 B30f")
        ds.ProtocolName = f"ThoraxRoutine_{study.plant(name, study.word())}"
        ds.ImageComments = f"tel {study.plant(name, '555-' + study.digits(7))}, nodule left lower lobe"
        study.keep(ds, "ImageComments", "nodule left lower lobe")
        _hide(study, ds, name)
        _private(study, ds, name)
        if syntax == uids.RLELossless:
            ds.compress(uids.RLELossless, generate_instance_uid=False)
        study.save(name, ds, partial(_tail, study.plant(name, study.word(5)), syntax))


def _tail(text: str, syntax: str, data: bytes) -> bytes:
    """Padding behind the pixels, with text in it; a deflated file has none that could be appended."""
    if syntax == uids.DeflatedExplicitVRLittleEndian:
        return data
    head = struct.pack("<HH", 0xFFFC, 0xFFFC)
    explicit = head + b"OB\0\0" + struct.pack("<I", 32)
    implicit = head + struct.pack("<I", 32)
    big = struct.pack(">HH", 0xFFFC, 0xFFFC) + b"OB\0\0" + struct.pack(">I", 32)
    kind = {str(uids.ImplicitVRLittleEndian): implicit, str(uids.ExplicitVRBigEndian): big}.get(syntax, explicit)
    return data + kind + text.encode().ljust(32, b"\0")


def _hide(study: _Study, ds: Dataset, name: str) -> None:
    """Text where no text should be."""
    ds.add(DataElement(0x00180088, "LO", study.plant(name, study.word(5))))  # a number's attribute
    ds.add(DataElement(0x00104321, "LO", study.plant(name, study.word(5))))  # no attribute of the standard
    ds.add(DataElement(0x00180022, "CS", study.plant(name, study.word(5).upper())))  # a term's
    eight = study.word(4)[:8].ljust(8, "x")
    ds.add(DataElement(0x00189305, "FD", struct.unpack("<d", eight.encode())[0]))  # letters that pose as a double
    study.plant(name, eight)
    ds.add(DataElement(0x00186020, "SL", struct.unpack("<i", study.plant(name, study.word(2)).encode())[0]))
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "T1", "99LOCAL", study.plant(name, study.word(5))
    ds.ProcedureCodeSequence = Sequence([item])
    deep = ds
    for _ in range(6):
        inner = Dataset()
        inner.PersonName = study.plant(name, study.word(5))
        deep.ConceptNameCodeSequence = Sequence([inner])
        deep = inner
    original = Dataset()
    original.PatientName = study.plant(name, study.word(5))
    ds.OriginalAttributesSequence = Sequence([original])
    ds.add(DataElement(0x60000010, "US", 16))
    ds.add(DataElement(0x60003000, "OW", study.plant(name, study.word(6)).encode()))


def _private(study: _Study, ds: Dataset, name: str) -> None:
    """A safe attribute under its creator, an abuse of it, and what nobody knows."""
    ds.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    ds.add_new(0x0019100C, "IS", "800")
    ds.add_new(0x0019100D, "CS", study.plant(name, study.word(5)).upper())
    ds.add_new(0x70530010, "LO", "Philips PET Private Group")
    ds.add_new(0x70531000, "LO", study.plant(name, study.word(5)))  # the table says DS
    ds.add_new(0x00290010, "LO", study.plant(name, study.word(5)))
    ds.add_new(0x00291010, "OB", study.plant(name, study.word(5)).encode())
    ds.add_new(0x00431020, "UN", study.plant(name, study.word(5)).encode())  # no creator


def _radiograph(study: _Study, folder: str) -> None:
    name = f"{folder}/dx.dcm"
    ds = study.base(name, uids.DigitalXRayImageStorageForPresentation, "DX")
    ds.ViewPosition, ds.BurnedInAnnotation = "PA", "NO"
    _pixels(
        ds, _written(_chest(512, 448, 4000, 7).astype(np.uint16), f"{study.family[:6].upper()} {study.mrn}", 4095), 12
    )
    study.keep(ds, "ViewPosition", "PA")
    study.save(name, ds)


def _ultrasound(study: _Study, folder: str) -> None:
    name = f"{folder}/us.dcm"
    ds = study.base(name, uids.UltrasoundMultiFrameImageStorage, "US")
    gray = np.repeat((np.random.default_rng(3).random((120, 200, 1)) * 60).astype(np.uint8), 3, axis=2)
    gray[:40] = 0  # the banner
    frames = np.stack([gray, _written(gray, f"{study.mrn}", 255)])
    _pixels(ds, frames[0], 8)
    ds.NumberOfFrames = 2
    ds.PixelData = frames.tobytes()
    study.save(name, ds)


def _report(study: _Study, folder: str) -> None:
    name = f"{folder}/sr.dcm"
    ds = study.base(name, uids.EnhancedSRStorage, "SR")
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    who, phone = study.plant(name, study.word()), study.plant(name, "555-" + study.digits(7))
    text = f"Dr. {who} was called at {phone}. There is a 5 mm nodule in the left lower lobe."
    ds.ContentSequence = Sequence(
        [
            _content("PNAME", "121008", "Person Observer Name", PersonName=study.plant(name, study.word())),
            _content("TEXT", "121071", "Finding", TextValue=text),
            _content("UIDREF", "121018", "Procedure Study Instance UID", UID=study.study),
            _content("DATE", "111060", "Study Date", Date=study.plant(name, study.day)),
        ]
    )
    study.save(name, ds)


def _content(value_type: str, code: str, meaning: str, **values: Any) -> Dataset:
    item, concept = Dataset(), Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = code, "DCM", meaning
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", value_type, Sequence([concept])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _reference(study: _Study) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = uids.CTImageStorage, study.uid()
    return item


def _key_objects(study: _Study, folder: str) -> None:
    name = f"{folder}/ko.dcm"
    ds = study.base(name, uids.KeyObjectSelectionDocumentStorage, "KO")
    series, evidence = Dataset(), Dataset()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = study.series, Sequence([_reference(study)])
    evidence.StudyInstanceUID, evidence.ReferencedSeriesSequence = study.study, Sequence([series])
    ds.CurrentRequestedProcedureEvidenceSequence = Sequence([evidence])
    study.plant(name, study.series)
    study.save(name, ds)


def _presentation(study: _Study, folder: str) -> None:
    name = f"{folder}/pr.dcm"
    ds = study.base(name, uids.GrayscaleSoftcopyPresentationStateStorage, "PR")
    text, annotation = Dataset(), Dataset()
    text.UnformattedTextValue = f"seen by {study.plant(name, study.word())}"
    annotation.GraphicLayer, annotation.TextObjectSequence = "L1", Sequence([text])
    ds.GraphicAnnotationSequence = Sequence([annotation])
    ds.ContentCreatorName = study.plant(name, study.word())
    study.save(name, ds)


def _segmentation(study: _Study, folder: str) -> None:
    name = f"{folder}/seg.dcm"
    ds = study.base(name, uids.SegmentationStorage, "SEG")
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 8, 9, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.NumberOfFrames = 1, 1, 0, 0, 2
    ds.PixelData = bytes(range(18))
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel = 1, f"nodule {study.plant(name, study.word())}"
    ds.SegmentSequence = Sequence([segment])
    study.save(name, ds)


def _contours(study: _Study, folder: str) -> None:
    name = f"{folder}/rt.dcm"
    ds = study.base(name, uids.RTStructureSetStorage, "RTSTRUCT")
    roi, contour, one = Dataset(), Dataset(), Dataset()
    ds.StructureSetLabel = study.plant(name, study.word())
    roi.ROINumber, roi.ROIName = 1, f"Lung_{study.plant(name, study.word())}"
    one.ContourGeometricType, one.NumberOfContourPoints, one.ContourData = "POINT", 1, ["1.5", "-2", "3"]
    contour.ReferencedROINumber, contour.ContourSequence = 1, Sequence([one])
    ds.StructureSetROISequence, ds.ROIContourSequence = Sequence([roi]), Sequence([contour])
    study.save(name, ds)


def _document(study: _Study, folder: str) -> None:
    name = f"{folder}/letter.dcm"
    ds = study.base(name, uids.EncapsulatedPDFStorage, "DOC")
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocument = b"%PDF-1.4 Dear " + study.plant(name, study.word()).encode() + b" %%EOF "
    ds.DocumentTitle = f"Letter to {study.plant(name, study.word())}"
    study.save(name, ds)


def spellings(value: str) -> Iterator[bytes]:
    """The bytes that a value may stand as, in any case."""
    for text in {value, value.upper(), value.lower()}:
        for code in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            yield text.encode(code, "ignore")


def parsed(data: bytes) -> FileDataset:
    """A file as pydicom reads it."""
    return pydicom.dcmread(BytesIO(data))
