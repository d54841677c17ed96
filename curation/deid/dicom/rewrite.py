"""One DICOM file in, one clean DICOM file out: the profile applied to the file's bytes, the pixels passed by.

Written from nothing: zero preamble, file meta of our own, the elements that pass in Explicit VR Little Endian, and the
pixels. What was made of an element is remembered by its bytes, so that slices 2 to n of a series cost little more than
their copy. Whatever the memory holds depends on the patient and on what a file knows of people, so there is one memory
for each such context.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from curation.deid.dicom import objects
from curation.deid.dicom.clean_pixels import DESCRIBING, PixelCheck, Pixels, pixels_of
from curation.deid.dicom.decide import Context, subject_of
from curation.deid.dicom.elements import Pairs, write, write_items
from curation.deid.dicom.known import Facts, Known
from curation.deid.dicom.objects import Kind, kind_of
from curation.deid.dicom.opened import Opened, Reader, Source
from curation.deid.dicom.profile import MADE, VERSION, Profile
from curation.deid.dicom.values import decode
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.standard import EDITION
from curation.errors import Rejected
from curation.records import Reason

IMPLEMENTATION_UID = "2.25.22228462471394643385212424053485549017"  # ours, drawn once at random (PS3.5 B.2)
_by_tag = itemgetter(0)
_CONTEXTS = 32  # patients whose memory is kept; a series needs one
_REMEMBERED = 20_000  # elements; a series of 1,000 slices has about 15,000 different ones
_CHARSET, _SOP_CLASS, _ACCESSION, _MODALITY, _REPRESENTATION = (
    0x00080005,
    0x00080016,
    0x00080050,
    0x00080060,
    0x00280103,
)
_OURS = tuple(sorted(MADE | DESCRIBING))
"""What we may write: the chunks of a file end there."""
_INSTANCE, _SERIES, _STUDY = 0x00080018, 0x0020000E, 0x0020000D
_INSTITUTION = 0x00080080
_UIDS = (("SOPInstanceUID", _INSTANCE), ("SeriesInstanceUID", _SERIES), ("StudyInstanceUID", _STUDY))


@dataclass(frozen=True)
class Clean:
    """A clean file, the pseudonyms that stand in it, and what the original held that must not."""

    head: bytes
    """Everything up to and with the header of PixelData's value; the whole file where there are no pixels."""
    pixels: Pixels | None
    kind: Kind
    instance_id: str
    series_id: str
    study_id: str
    patient_id: str
    accession_id: str
    site_id: str
    modality: str
    links: tuple[tuple[str, str, str], ...]
    """Kind, original and pseudonym of whom and what this file names: never to leave the vault."""
    context: "Remembered"
    uids: tuple[Identifier, ...]
    """The original UIDs of this file; what else identifies stands in ``context``."""

    @property
    def size(self) -> int:
        """Length of the file."""
        return len(self.head) + (self.pixels.length if self.pixels else 0)


@dataclass
class Remembered:
    """What is known of one context: its names, the elements made so far, and what is the same in all its files."""

    context: Context
    identifiers: frozenset[Identifier]
    written: dict[bytes, bytes] = field(default_factory=dict)
    made: dict[tuple[bool, str], Pairs] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    """For whoever keeps something of its own for this context, such as a verifier."""


@dataclass
class Rewriter:
    """Cleans files, one after another; any order and any process gives the same bytes."""

    profile: Profile
    identity: Identity
    _contexts: OrderedDict[tuple[object, ...], Remembered] = field(default_factory=OrderedDict)
    _uids: dict[str, str] = field(default_factory=dict)
    _sites: dict[tuple[str, bytes], tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = Known(self.profile)
        self._reader = Reader(bounds=_OURS)

    def clean(self, source: Source, check: PixelCheck | None = None) -> Clean:
        """Clean one file; raises Rejected for what is no object that is taken, or does not say whose it is."""
        return self.clean_opened(self.open(source), check)

    def open(self, source: Source) -> Opened:
        """Open a file; raises Rejected if it is no DICOM, is cut short, or is larger than it may be."""
        return self._reader.open(source)

    def clean_opened(self, opened: Opened, check: PixelCheck | None = None) -> Clean:
        """``clean`` of a file that is open; ``check`` looks for text in the pixels, and may redact it."""
        sop_class = opened.text(_SOP_CLASS)
        kind = kind_of(sop_class)
        if not opened.patient:
            raise Rejected(Reason.MISSING_IDENTITY, "expected a PatientID; none came")
        instance_id, series_id, study_id = (self._uid(opened, keyword, tag) for keyword, tag in _UIDS)
        facts = self._known.of(opened)
        memory = self._memory(opened, facts)
        pixels = pixels_of(opened, kind, check)
        accession = opened.text(_ACCESSION)
        made = self._made(memory, opened.patient, accession, pixels is not None and pixels.checked)
        body = _body(opened, memory, made, pixels.elements if pixels else ())
        meta = _meta(sop_class, instance_id, pixels.syntax if pixels else objects.EXPLICIT_LITTLE)
        patient_id, accession_id = self.identity.patient(opened.patient), self.identity.accession(accession)
        institution, site_id = self._site(opened)
        return Clean(
            head=b"".join((meta, body, pixels.header)) if pixels else meta + body,
            pixels=pixels,
            kind=kind,
            instance_id=instance_id,
            series_id=series_id,
            study_id=study_id,
            patient_id=patient_id,
            accession_id=accession_id,
            site_id=site_id,
            modality=opened.text(_MODALITY),
            links=(
                ("patient", opened.patient, patient_id),
                ("accession", accession, accession_id),
                ("site", institution, site_id),
                ("study", opened.text(_STUDY), study_id),
                ("series", opened.text(_SERIES), series_id),
                ("instance", opened.text(_INSTANCE), instance_id),
            ),
            context=memory,
            uids=facts.uids,
        )

    def context(self, opened: Opened) -> Context:
        """What decides on the elements of this file; raises Rejected as ``clean``."""
        return self._memory(opened, self._known.of(opened)).context

    def _uid(self, opened: Opened, keyword: str, tag: int) -> str:
        original = opened.text(tag)
        known = self._uids.get(original)
        if known is not None:
            return known
        if not objects.is_uid(original):
            raise Rejected(Reason.MISSING_IDENTITY, f"expected a UID in {keyword}; none came, or no valid one")
        if len(self._uids) > _REMEMBERED:
            self._uids.clear()
        kept = "retain_uids" in self.profile.options
        made = self._uids[original] = original if kept else self.identity.uid(original)
        return made

    def _site(self, opened: Opened) -> tuple[str, str]:
        """The institution's name and its pseudonym; two empty strings where the file names none."""
        key = opened.charset, opened.value(_INSTITUTION)
        known = self._sites.get(key)
        if known is None:
            if len(self._sites) > _REMEMBERED:
                self._sites.clear()
            name = decode(key[1], tuple(opened.charset.split("\\")), "LO").decode("utf-8").strip(" \0")
            known = self._sites[key] = name, self.identity.site(name)
        return known

    def _memory(self, opened: Opened, facts: Facts) -> Remembered:
        charset, signed = opened.charset, opened.number(_REPRESENTATION) == 1
        key = (opened.patient, charset, opened.explicit, signed, facts.names)
        memory = self._contexts.get(key)
        if memory is None:
            identifiers = frozenset(facts.names)
            subject = subject_of(self.profile, self.identity, opened.patient, identifiers)
            context = Context(self.profile, subject, tuple(charset.split("\\")), signed)
            memory = self._contexts[key] = Remembered(context, identifiers)
            if len(self._contexts) > _CONTEXTS:
                self._contexts.popitem(last=False)
        return memory

    def _made(self, memory: Remembered, patient: str, accession: str, checked: bool) -> Pairs:
        """What we write, whatever came (PS3.15 E.1.1): identity, and what was done."""
        known = memory.made.get((checked, accession))
        if known is not None:
            return known
        pseudonym = self.identity.patient(patient)
        moved = "MODIFIED" if "retain_modified_dates" in self.profile.options else "REMOVED"
        values = (
            (_CHARSET, "CS", "ISO_IR 192"),
            (_ACCESSION, "SH", self.identity.accession(accession)),
            (0x00100010, "PN", pseudonym),
            (0x00100020, "LO", pseudonym),
            (0x00120062, "CS", "YES"),
            (0x00120063, "LO", method(self.profile)),
            *(((0x00280301, "CS", "NO"),) if checked else ()),
            (0x00280303, "CS", moved),
        )
        codes = write(0x00120064, "SQ", method_codes(self.profile, checked))
        made = [(tag, write(tag, vr, value.encode("ascii"))) for tag, vr, value in values]
        memory.made[(checked, accession)] = [*made, (0x00120064, codes)]
        return memory.made[(checked, accession)]


def _body(opened: Opened, memory: Remembered, ours: Pairs, describing: Iterable[tuple[int, bytes]]) -> bytes:
    """The elements that pass and those that we write, in order of tag.

    ``describing``: those that describe pixels which have changed, in the place of the file's.
    """
    written, context = memory.written, memory.context
    if len(written) > _REMEMBERED:
        written.clear()
    replaced = dict(describing)
    parts = [*ours, *replaced.items()]
    for chunk in opened.chunks:
        made = written.get(chunk.raw)
        if made is None:
            made = written[chunk.raw] = context.written_all(chunk.elements, opened.explicit)
        if chunk.first not in replaced:  # a bound, so it is a chunk of its own
            parts.append((chunk.first, made))
    parts.sort(key=_by_tag)
    return b"".join([made for _, made in parts])


@lru_cache(maxsize=4096)
def _meta(sop_class: str, instance_id: str, syntax: str) -> bytes:
    """Preamble and file meta (PS3.10 7.1)."""
    meta = b"".join(
        write(tag, vr, value)
        for tag, vr, value in (
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", sop_class.encode("ascii")),
            (0x00020003, "UI", instance_id.encode("ascii")),
            (0x00020010, "UI", syntax.encode("ascii")),
            (0x00020012, "UI", IMPLEMENTATION_UID.encode("ascii")),
        )
    )
    return b"".join((bytes(128), b"DICM", write(0x00020000, "UL", struct.pack("<I", len(meta))), meta))


def method(profile: Profile) -> str:
    """DeidentificationMethod: who did it, by which standard (the options stand in the code sequence)."""
    return f"paxflow {VERSION}\\DICOM PS3.15 {EDITION} Basic Profile, {len(profile.options)} options"


def method_codes(profile: Profile, pixels_checked: bool) -> bytes:
    """The value of DeidentificationMethodCodeSequence: the profile and every option in force (CID 7050)."""
    bodies = [
        b"".join(
            write(tag, vr, value.encode("ascii"))
            for tag, vr, value in ((0x00080100, "SH", code), (0x00080102, "SH", "DCM"), (0x00080104, "LO", meaning))
        )
        for code, meaning in profile.methods(pixels_checked)
    ]
    return write_items(bodies)
