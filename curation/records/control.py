"""What each stage writes: what is done, and what stopped."""

from dataclasses import dataclass
from typing import Annotated

from curation.records.schema import CONTROL, Column, Record, table
from curation.records.values import Reason


@table("manifest", CONTROL, "one item that a batch finished")
@dataclass(frozen=True, slots=True)
class Done(Record):
    """An item of a stage's plan that ended, as rows or as a reject."""

    item: Annotated[str, Column("name of the item within its stage", key=True)]
    fingerprint: Annotated[str, Column("SHA-256 of its inputs, the stage's parameters and version")]
    n_rows: Annotated[int, Column("rows it yielded; 0 if it was rejected")]


@table("rejects", CONTROL, "one item that a stage rejected")
@dataclass(frozen=True, slots=True)
class Reject(Record):
    """An item that stopped, and why. Rejects of ingest and deid stay in the vault."""

    stage: Annotated[str, Column("stage that rejected it", key=True)]
    item: Annotated[str, Column("name of the item within its stage", key=True)]
    reason: Annotated[Reason, Column("why, from the closed list")]
    detail: Annotated[str, Column("what was expected and what came; never a value from the item")]
