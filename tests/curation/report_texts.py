"""A report of a made-up patient, and its text cleaned with a key and a shift that tests know."""

import re
from collections.abc import Collection

from curation.deid.keys.identity import Identifier, Identity
from curation.deid.texts.reports import read_local, read_report
from curation.deid.texts.surrogates import clean


class Moved(Identity):
    """An identity whose every patient's dates move back by 853 days."""

    def shift_days(self, original_patient: str) -> int:
        return 853


WHO = Moved(bytes(range(32)), 3650, 90)

LOCAL = """Quellstad Valley Hospital, Radiology
12 Quellwick Lane
PATIENT NAME: QUELBRAND^MIREL
MRN: SYN-7712345-A
ACCESSION: ACX2012-0000077
STUDY DATE: 2012-03-04
DOB: 04/03/1920
REFERRING: ZORMIRSK^TARVIN, MD
VISIT NO: 8837
EXAM: CT chest.
FINDINGS: {}
"""


def cleaned(sentence: str, also: Collection[Identifier] = ()) -> str:
    """A sentence as it stands in a report of Mirel Quelbrand, cleaned, with # for the tag of each surrogate."""
    text = clean(read_local(LOCAL.format(sentence).encode()), WHO, also).text
    return untagged(text).removeprefix("EXAM: CT chest.\nFINDINGS: ")


def untagged(text: str) -> str:
    return re.sub(r"(?<=[A-Z]-)[0-9a-f]{4}(?=\])", "#", text)


def of(data: bytes) -> str:
    """The clean text of a report."""
    return untagged(clean(read_report(data), WHO).text)
