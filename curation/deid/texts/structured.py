"""Reads the text of a clean DICOM SR document: what its sections say, each under its heading.

Basic Text, Enhanced, Comprehensive and Extensible SR (PS3.3 A.35); of their content (C.17.3) the TEXT items that a
container holds, or that are inferred from another or a property of it. Context (who observed, with what) is no text of
the report. The document is clean and verified before it is read here.
"""

import io
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple

import pydicom
from pydicom import uid
from pydicom.dataset import Dataset

from curation.deid.dicom.values import REMOVED
from curation.deid.texts.reports import parse_date

_CLASSES = (
    *(uid.BasicTextSRStorage, uid.EnhancedSRStorage, uid.ComprehensiveSRStorage),
    *(uid.Comprehensive3DSRStorage, uid.ExtensibleSRStorage),
)
_TOLD = ("CONTAINS", "INFERRED FROM", "HAS PROPERTIES")


class Structured(NamedTuple):
    """The text of a document, and the date of its study as it stands in the clean file."""

    text: str
    study_date: date | None


def read_structured(data: bytes) -> Structured | None:
    """The text of a clean file; None if it is no document of these classes, or says nothing."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    if dataset.get("SOPClassUID") not in _CLASSES:
        return None
    made = []
    for heading, group in groupby(_texts(dataset, ""), key=lambda pair: pair[0]):
        text = "\n".join(value for _, value in group)
        made.append(f"{heading.upper()}: {text}" if heading else text)
    return Structured("\n\n".join(made), parse_date(str(dataset.get("StudyDate", "")))) if made else None


def _texts(item: Dataset, heading: str) -> Iterator[tuple[str, str]]:
    """Heading and text of each text below an item: the heading of the nearest container, or else the text's own."""
    for child in item.get("ContentSequence") or ():
        if child.get("RelationshipType") not in _TOLD:
            continue
        name = _concept(child)
        text = str(child.get("TextValue") or "").strip() if child.get("ValueType") == "TEXT" else ""
        if text and text != REMOVED:
            yield heading or name, text
        inner = name if child.get("ValueType") == "CONTAINER" and name else heading
        yield from _texts(child, inner)


def _concept(item: Dataset) -> str:
    codes = item.get("ConceptNameCodeSequence") or ()
    meaning = str(codes[0].get("CodeMeaning") or "").strip() if codes else ""
    return "" if meaning == REMOVED else meaning
