"""Files that hold reports of made-up people, and everything in them that identifies one."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from curation.deid.keys.identity import Identifier

PLANTED = (
    Identifier("name", "QUELBRAND^MIREL"),
    Identifier("patient_id", "SYN-7712345-A"),
    Identifier("accession", "ACX20120000077"),
    Identifier("clinician", "ZORMIRSK^TARVIN"),
    Identifier("clinician", "SKALVANELO^ODE"),
    Identifier("person", "VRUNDABEK^ISOLT"),
    Identifier("phone", "555-0147712"),
    Identifier("address", "Quellwick"),
    Identifier("order", "ORD-8837001"),
)
"""What stands in each file of this module: in its columns or segments, and in its text."""
SAID = (
    "Mirel Quelbrand was seen for Dr. Zormirsk; MRN SYN-7712345-A.",
    "Accession ACX20120000077, order ORD-8837001.",
    "There is a small left pleural effusion.",
    "Sister Isolt Vrundabek of Quellwick called at 555-0147712.",
    "No pneumothorax. Read by skalvanelo.",
)
KEPT = ("There is a small left pleural effusion.", "No pneumothorax.")


def message(
    text: tuple[str, ...] = SAID, kind: str = "ORU^R01", number: str = "ACX20120000077", end: str = "\r"
) -> str:
    """An HL7 message with a line of text in each OBX."""
    return end.join(
        (
            f"MSH|^~\\&|RIS|QUELLSTAD VALLEY|PAX|RESEARCH|20120304101500||{kind}|CTL-4400917|P|2.5.1",
            "PID|1||SYN-7712345-A^^^EAST^MR||QUELBRAND^MIREL^^^MS||19200304|F|||12 Quellwick Lane^^Quellstad||"
            "555-0147712",
            "NK1|1|VRUNDABEK^ISOLT|SIS|12 Quellwick Lane|555-0147712",
            "PV1|1|O|||||77120^ZORMIRSK^TARVIN^^^DR",
            f"ORC|RE|ORD-8837001|{number}",
            f"OBR|1|ORD-8837001|{number}|71020^XR CHEST 2V|||20120304101500|||||||||77120^ZORMIRSK^TARVIN||||||||||"
            "F|||||||88231&SKALVANELO&ODE",
            *(f"OBX|{at}|TX|59776-5^Findings^LN||{line}||||||F" for at, line in enumerate(text, 1)),
        )
    )


COLUMNS = (
    *("report_id", "subject_id", "patient_name", "AccessionNumber", "Study Date", "ReferringPhysician", "radiologist"),
    *("next_of_kin", "phone", "street", "order_no", "report"),
)
VALUES = (
    *("RPT-4400917", "SYN-7712345-A", "QUELBRAND^MIREL", "ACX20120000077", "2012-03-04", "ZORMIRSK, TARVIN"),
    *("Dr. Ode Skalvanelo", "Isolt Vrundabek", "555-0147712", "12 Quellwick Lane", "ORD-8837001", "\n".join(SAID)),
)


def table(*rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS, separator: str = ",") -> str:
    """A CSV of these rows, every value in quotes."""
    lines = (separator.join('"' + value.replace('"', '""') + '"' for value in row) for row in (columns, *rows))
    return "\r\n".join(lines) + "\r\n"


def parquet(path: Path, *rows: tuple[object, ...], columns: tuple[str, ...] = COLUMNS) -> None:
    """A Parquet file of these rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))), path)
