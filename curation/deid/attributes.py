"""Which DICOM attributes pass the border, and what happens to each: a table, and default deny for what is not in it.

Tags, keywords and value representations: DICOM PS3.6. Retained options: PS3.15 E.3.6 (modified dates) and E.3.7
(patient characteristics). Actions:

    keep    the value passes if its value representation can hold nothing but a number of a sane size
    word    each value passes if it stands in the vocabulary (or matches the pattern) named in the last column
    uid     becomes a pseudonym
    date    moves back by the patient's shift
    age     is capped
    made    is written by us, whatever came

A value that does not fit its action is dropped; so is a value whose representation in the file is not the one here.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Attribute:
    """One row of the table."""

    tag: int
    keyword: str
    vr: str
    action: str
    vocabulary: str


_TABLE = """
0008,0008 ImageType CS word image_type
0008,0016 SOPClassUID UI made
0008,0018 SOPInstanceUID UI uid
0008,0020 StudyDate DA date
0008,0021 SeriesDate DA date
0008,0022 AcquisitionDate DA date
0008,0023 ContentDate DA date
0008,0030 StudyTime TM made
0008,0050 AccessionNumber SH made
0008,0060 Modality CS word modality
0008,0068 PresentationIntentType CS word intent
0008,0070 Manufacturer LO word manufacturer
0008,0090 ReferringPhysicianName PN made
0010,0010 PatientName PN made
0010,0020 PatientID LO made
0010,0030 PatientBirthDate DA made
0010,0040 PatientSex CS word sex
0010,1010 PatientAge AS age
0010,1020 PatientSize DS keep
0010,1030 PatientWeight DS keep
0012,0062 PatientIdentityRemoved CS made
0012,0063 DeidentificationMethod LO made
0012,0064 DeidentificationMethodCodeSequence SQ made
0018,0015 BodyPartExamined CS word body_part
0018,0050 SliceThickness DS keep
0018,0060 KVP DS keep
0018,0088 SpacingBetweenSlices DS keep
0018,0090 DataCollectionDiameter DS keep
0018,1100 ReconstructionDiameter DS keep
0018,1110 DistanceSourceToDetector DS keep
0018,1111 DistanceSourceToPatient DS keep
0018,1114 EstimatedRadiographicMagnificationFactor DS keep
0018,1120 GantryDetectorTilt DS keep
0018,1130 TableHeight DS keep
0018,1140 RotationDirection CS word rotation
0018,1150 ExposureTime IS keep
0018,1151 XRayTubeCurrent IS keep
0018,1152 Exposure IS keep
0018,1164 ImagerPixelSpacing DS keep
0018,1190 FocalSpots DS keep
0018,1210 ConvolutionKernel SH word kernel
0018,1405 RelativeXRayExposure IS keep
0018,5100 PatientPosition CS word patient_position
0018,5101 ViewPosition CS word view_position
0018,7022 DetectorElementSpacing DS keep
0018,9305 RevolutionTime FD keep
0018,9306 SingleCollimationWidth FD keep
0018,9307 TotalCollimationWidth FD keep
0018,9309 TableSpeed FD keep
0018,9311 SpiralPitchFactor FD keep
0018,9345 CTDIvol FD keep
0020,000D StudyInstanceUID UI uid
0020,000E SeriesInstanceUID UI uid
0020,0010 StudyID SH made
0020,0011 SeriesNumber IS keep
0020,0012 AcquisitionNumber IS keep
0020,0013 InstanceNumber IS keep
0020,0020 PatientOrientation CS word orientation
0020,0032 ImagePositionPatient DS keep
0020,0037 ImageOrientationPatient DS keep
0020,0052 FrameOfReferenceUID UI uid
0020,0060 Laterality CS word laterality
0020,0062 ImageLaterality CS word laterality
0020,1041 SliceLocation DS keep
0028,0002 SamplesPerPixel US keep
0028,0004 PhotometricInterpretation CS word photometric
0028,0006 PlanarConfiguration US keep
0028,0008 NumberOfFrames IS keep
0028,0010 Rows US keep
0028,0011 Columns US keep
0028,0030 PixelSpacing DS keep
0028,0034 PixelAspectRatio IS keep
0028,0100 BitsAllocated US keep
0028,0101 BitsStored US keep
0028,0102 HighBit US keep
0028,0103 PixelRepresentation US keep
0028,0120 PixelPaddingValue US/SS keep
0028,0121 PixelPaddingRangeLimit US/SS keep
0028,0301 BurnedInAnnotation CS word no
0028,0303 LongitudinalTemporalInformationModified CS made
0028,1040 PixelIntensityRelationship CS word intensity
0028,1041 PixelIntensityRelationshipSign SS keep
0028,1050 WindowCenter DS keep
0028,1051 WindowWidth DS keep
0028,1052 RescaleIntercept DS keep
0028,1053 RescaleSlope DS keep
0028,1054 RescaleType LO word rescale
0028,1056 VOILUTFunction CS word voi_function
0028,2110 LossyImageCompression CS word lossy
0028,2112 LossyImageCompressionRatio DS keep
0028,2114 LossyImageCompressionMethod CS word lossy_method
2050,0020 PresentationLUTShape CS word lut_shape
7FE0,0010 PixelData OW made
"""

# Defined terms of PS3.3, and what scanners write for kernels and manufacturers; none can name or number a person.
_WORDS = {
    "image_type": "ORIGINAL|DERIVED|PRIMARY|SECONDARY|AXIAL|LOCALIZER|HELICAL|REFORMATTED|MPR|AVERAGE|MIN_IP|MAX_IP|"
    "MIP|POST_PROCESSED|CT_SOM5 SPI|CT_SOM5 SEQ|CT_SOM5 TOP|CT_SOM7 SPI|CT_SOM7 SEQ|CT_SOM7 TOP|CSAPARALLEL|HELIX|"
    "AIDR3D|VOLUME|NORM|M|FFE|OTHER",
    "modality": "CT|CR|DX|MG|MR|PT",
    "intent": "FOR PRESENTATION|FOR PROCESSING",
    "manufacturer": "GE MEDICAL SYSTEMS|GE Healthcare|GE HEALTHCARE|SIEMENS|Siemens|Siemens Healthineers|"
    "SIEMENS HEALTHINEERS|Philips|PHILIPS|Philips Medical Systems|Philips Healthcare|TOSHIBA|Toshiba|CANON|CANON_MEC|"
    "Canon Medical Systems|Canon|Canon Inc.|HITACHI|Hitachi Medical Corporation|FUJIFILM|FUJIFILM Corporation|"
    "FUJI PHOTO FILM Co., ltd.|FUJI PHOTO FILM Co. ltd.|AGFA|Agfa|Agfa HealthCare|Agfa-Gevaert|KODAK|Kodak|"
    "CARESTREAM|Carestream|CARESTREAM HEALTH|Carestream Health|KONICA MINOLTA|Konica Minolta|Hologic|"
    "HOLOGIC, Inc.|SHIMADZU|Shimadzu|SAMSUNG|Samsung Electronics|Swissray|NeuSoft|Neusoft|United Imaging|UIH",
    "sex": "M|F|O",
    "body_part": "CHEST|LUNG|THORAX|ABDOMEN|CHESTABDOMEN|CHEST_ABDOMEN|CHESTABDPELVIS|CHEST_ABD_PELVIS|NECKCHEST|"
    "NECKCHESTABDOMEN|RIB|RIBS|HEART|CSPINE|TSPINE|LSPINE|SPINE|NECK|HEAD|PELVIS|SHOULDER|CLAVICLE|STERNUM|"
    "PORT CHEST|BODY|WHOLEBODY|EXTREMITY",
    "rotation": "CW|CC|CCW",
    "kernel": "STANDARD|LUNG|BONE|BONEPLUS|DETAIL|SOFT|EDGE|CHEST|SMOOTH|SHARP|ULTRA",
    "patient_position": "HFS|HFP|HFDR|HFDL|FFS|FFP|FFDR|FFDL|LFP|LFS|RFP|RFS|AFDR|AFDL|PFDR|PFDL",
    "view_position": "PA|AP|LL|RL|LAT|LATERAL|LLD|RLD|LLO|RLO|LPO|RPO|LAO|RAO|CC|MLO|AP ERECT|PA ERECT",
    "laterality": "L|R|U|B",
    "photometric": "MONOCHROME1|MONOCHROME2|PALETTE COLOR|RGB|YBR_FULL|YBR_FULL_422|YBR_RCT|YBR_ICT",
    "no": "NO",
    "intensity": "LIN|LOG|DISP",
    "rescale": "HU|US|OD",
    "voi_function": "LINEAR|LINEAR_EXACT|SIGMOID",
    "lossy": "00|01",
    "lossy_method": "ISO_10918_1|ISO_14495_1|ISO_15444_1|ISO_13818_2",
    "lut_shape": "IDENTITY|INVERSE",
}
_PATTERNS = {
    # Siemens B31f, Br40d; Toshiba FC52; Philips YA; Siemens iterative I50f
    "kernel": r"[A-Z][A-Za-z]?\d{2}[a-z]?|F[CLR]\d{2}|I\d{2}f|YA|YB|YC|A|B|C|D|E|L|\d",
    "orientation": r"[AFHLPR]{1,3}",
}


def _parse(line: str) -> Attribute:
    tag, keyword, vr, action, vocabulary = (*line.split(), "")[:5]
    return Attribute(int(tag.replace(",", ""), 16), keyword, vr, action, vocabulary)


ATTRIBUTES: tuple[Attribute, ...] = tuple(_parse(line) for line in _TABLE.split("\n") if line)
TAG = {attribute.keyword: attribute.tag for attribute in ATTRIBUTES}
ALLOWED_TAGS = frozenset(TAG.values())
VOCABULARY = {name: frozenset(words.split("|")) for name, words in _WORDS.items()}
PATTERN = {name: re.compile(pattern) for name, pattern in _PATTERNS.items()}
METHOD = "paxflow: allow-list of attributes, keyed UIDs, moved dates"
MULTIPLICITY = {
    "ImageType": 8,
    "PatientOrientation": 2,
    "ImagerPixelSpacing": 2,
    "FocalSpots": 2,
    "ConvolutionKernel": 2,
    "DetectorElementSpacing": 2,
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "PixelAspectRatio": 2,
    "WindowCenter": 8,
    "WindowWidth": 8,
    "LossyImageCompressionRatio": 4,
    "LossyImageCompressionMethod": 4,
}
"""How many values an attribute may have (PS3.6; 1 where not named, a small number for ``1-n``): text hides in lists."""
# PS3.16 CID 7050; no code for pixels or descriptors: pixels are not cleaned, descriptors are dropped.
METHOD_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
)

KNOWN_WORDS = frozenset(
    part.casefold()
    for text in (METHOD, *(meaning for _, meaning in METHOD_CODES), *_WORDS.values())
    for part in re.findall(r"[A-Za-z]+", text)
)
"""Every word that may stand in an output by right: a patient called Chest is not found by searching for her name."""

# PS3.4 B.5. Classes whose images are what a detector saw, and nothing was drawn on them as a rule.
IMAGE_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.1",  # CR
        "1.2.840.10008.5.1.4.1.1.1.1",  # DX for presentation
        "1.2.840.10008.5.1.4.1.1.1.1.1",  # DX for processing
        "1.2.840.10008.5.1.4.1.1.1.2",  # mammography for presentation
        "1.2.840.10008.5.1.4.1.1.1.2.1",  # mammography for processing
        "1.2.840.10008.5.1.4.1.1.2",  # CT
        "1.2.840.10008.5.1.4.1.1.4",  # MR
        "1.2.840.10008.5.1.4.1.1.128",  # PET
    }
)
RADIOGRAPH_CLASSES = frozenset(uid for uid in IMAGE_CLASSES if uid.startswith("1.2.840.10008.5.1.4.1.1.1.")) | {
    "1.2.840.10008.5.1.4.1.1.1"
}
"""Classes on whose images a modality may have drawn a name, whatever BurnedInAnnotation says (PS3.15 E.3.1)."""
DRAWN_ON_CLASSES = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.7",  # secondary capture, and its multi-frame kinds
        "1.2.840.10008.5.1.4.1.1.7.1",
        "1.2.840.10008.5.1.4.1.1.7.2",
        "1.2.840.10008.5.1.4.1.1.7.3",
        "1.2.840.10008.5.1.4.1.1.7.4",
        "1.2.840.10008.5.1.4.1.1.6.1",  # ultrasound
        "1.2.840.10008.5.1.4.1.1.3.1",
    }
)
DRAWN_ON_TYPES = ("SCREEN", "CAPTURE", "DOSE", "SUMMARY", "PASTED", "REPORT")  # in ImageType: a page, not an image

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
NATIVE = frozenset({"1.2.840.10008.1.2", EXPLICIT_LITTLE, "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"})
JPEG = frozenset(f"1.2.840.10008.1.2.4.{kind}" for kind in ("50", "51", "57", "70", "80", "81"))  # JPEG and JPEG-LS
JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})
RLE = "1.2.840.10008.1.2.5"
ENCAPSULATED = JPEG | JPEG_2000 | {RLE}
