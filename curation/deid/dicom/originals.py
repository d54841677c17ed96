"""What ingest notes of a source before it is clean: what it is, and whose."""

import struct
from dataclasses import dataclass

from curation.deid.dicom.known import Known
from curation.deid.dicom.opened import Opened, Reader, Source
from curation.deid.dicom.profile import profile
from curation.errors import Rejected
from curation.records import Reason

_SOP_CLASS, _INSTANCE, _SERIES, _ACCESSION = 0x00080016, 0x00080018, 0x0020000E, 0x00080050
_DIRECTORY_RECORDS = 0x00041220


@dataclass(frozen=True)
class Origin:
    """What ingest notes of a source."""

    kind: str
    uid: str = ""
    series_uid: str = ""
    accession: str = ""
    patient_id: str = ""
    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes are a DICOM file's, or a dataset's without the preamble (group 0002 or 0008 first)."""
    if head[128:132] == b"DICM":
        return True
    if head[:2] not in (b"\x02\x00", b"\x08\x00") or len(head) < 132 or head[3] != 0:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or struct.unpack_from("<I", head, 4)[0] < 1024


class Headers:
    """Reads DICOM headers for the ledger; what the files of a series share is read once."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._known = Known(profile(()))

    def origin(self, source: Source) -> Origin:
        """Identity of a DICOM file, and who is named in it; raises Rejected if it is none, or cut short."""
        opened = self._reader.open(source)
        check_object(opened)
        names = {name.value for name in self._known.of(opened).names if name.kind == "name"}
        return Origin(
            "dicom",
            opened.text(_INSTANCE),
            opened.text(_SERIES),
            opened.text(_ACCESSION),
            opened.patient,
            names=tuple(sorted(names)),
        )


def check_object(opened: Opened) -> None:
    """Raise Rejected unless the file says what it is."""
    if _DIRECTORY_RECORDS in opened.tops:
        raise Rejected(
            Reason.UNSUPPORTED_OBJECT,
            "expected an image or a report; a DICOMDIR came, which names files and people and nothing else",
        )
    if not opened.text(_SOP_CLASS):
        raise Rejected(Reason.NOT_DICOM, "expected a SOPClassUID; there is none")
