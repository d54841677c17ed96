"""Which DICOM objects are taken: a table of SOP classes, and how each kind's pixels are looked at.

Classes: PS3.4 Table B.5-1, by their names in PS3.6 Table A-1. What is not here is refused: raw data and audio (anything
may be in them), video, private classes, meshes and documents of other formats than PDF.
"""

import re
from enum import StrEnum
from functools import cache

from pydicom._uid_dict import UID_dictionary

from curation.errors import Rejected
from curation.records import Reason


class Kind(StrEnum):
    """How text in the pixels of an object is looked for."""

    SLICE = "slice"
    """On the projections of its series, then in the slice where they show some."""
    PICTURE = "picture"
    """On each picture."""
    SAMPLES = "samples"
    """Nowhere: samples that are no picture (segments, doses, maps)."""
    DATA = "data"
    """There are no pixels."""


_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NOT_TAKEN = "Video|Trial|DICOS|Eddy|Slide|Microscop|Single Bit|VL |Ophthalm|Dermo|Craniofacial"
_KINDS = (
    (Kind.SLICE, r"(Legacy Converted )?(Enhanced )?(CT|MR|PET|Positron Emission Tomography) Image Storage"),
    (Kind.SLICE, r"Nuclear Medicine Image Storage|Breast Tomosynthesis Image Storage"),
    (Kind.SAMPLES, r"Segmentation Storage|Parametric Map Storage|RT Dose Storage"),
    (Kind.PICTURE, rf"(?!.*({_NOT_TAKEN})).* Image Storage( - .*)?"),
    (Kind.DATA, r"(?!Audio|.*Trial).*SR Storage|Key Object Selection Document Storage|Procedure Log Storage"),
    (Kind.DATA, r".*Presentation State Storage|Real World Value Mapping Storage|Encapsulated PDF Storage"),
    (Kind.DATA, r"RT (Structure Set|Plan|Ion Plan) Storage|(Deformable )?Spatial (Registration|Fiducials) Storage"),
    (Kind.DATA, r".*(ECG|Hemodynamic|Pulse|Respiratory) Waveform Storage|Surface Segmentation Storage"),
)
_NO_OBJECT = {
    "1.2.840.10008.1.3.10": "a media directory names files and people, and its objects come by themselves",
    f"{_STORAGE}66": "raw data, in which anything may stand",
}
ENCAPSULATED_PDF = f"{_STORAGE}104.1"


def kind_of(sop_class: str) -> Kind:
    """The kind of a SOP class; raises Rejected for one that is not taken."""
    kind = _kind(sop_class)
    if kind is None:
        what = _NO_OBJECT.get(sop_class, "another class came")
        raise Rejected(
            Reason.UNSUPPORTED_OBJECT, f"expected an image, a report, a presentation state or a segmentation; {what}"
        )
    return kind


@cache
def _kind(sop_class: str) -> Kind | None:
    name, sort, _, retired, *_ = UID_dictionary.get(sop_class, ("", "", "", "", ""))
    if sort != "SOP Class" or sop_class in _NO_OBJECT or (retired and "Ultrasound" not in name):
        return None
    return next((kind for kind, pattern in _KINDS if re.fullmatch(pattern, name)), None)


# --- transfer syntaxes (PS3.5 Annex A) --------------------------------------------------------------------

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
NATIVE = frozenset({IMPLICIT_LITTLE, EXPLICIT_LITTLE, DEFLATED, EXPLICIT_BIG})
JPEG = frozenset(f"1.2.840.10008.1.2.4.{kind}" for kind in ("50", "51", "57", "70", "80", "81"))  # JPEG and JPEG-LS
JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
RLE = "1.2.840.10008.1.2.5"
ENCAPSULATED = JPEG | JPEG_2000 | {RLE}

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


def is_uid(value: str) -> bool:
    """Whether a value is a UID (PS3.5 Chapter 9), as leniently as files need: leading zeros pass."""
    return len(value) <= 64 and _UID.fullmatch(value) is not None
