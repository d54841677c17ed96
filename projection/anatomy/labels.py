"""The anatomy labels: names and ids of PAXRay++, and what each is made of.

``labels.tsv`` lists all 159 labels of PAXRay++ (names and 0-based ids as in its published label list), from 500 on the
super-categories that it names but does not number, and from 600 on labels that reports and measurements need beside
them. A row's columns:

    parent       the label that contains this one, voxel by voxel, where both can be made; empty at the top
    how          what the label is made of:
                   direct      one structure of TotalSegmentator v2 ``total``
                   union       the union of its ``structures`` and its ``labels``
                   rib_split   half of a rib, cut in 3-D at the side of the chest
                   geometry    a part cut in 3-D by the rule; what its ``labels`` name is added to it
                   task        a structure of another TotalSegmentator task, or half of one
    structures   TotalSegmentator class names, divided by spaces: of a cut part, what it is cut from
    labels       other labels of this table, divided by ``"; "``, since names hold spaces: all of them belong to it
    rule         how it is cut, or what to know about it; of a task, its name comes first

A whole that the rows below it could leave names them in ``labels``, so it contains them by construction.
"""

import csv
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources


class How(StrEnum):
    """What a label is made of."""

    DIRECT = "direct"
    UNION = "union"
    RIB_SPLIT = "rib_split"
    GEOMETRY = "geometry"
    TASK = "task"


@dataclass(frozen=True)
class Anatomy:
    """One label: a row of ``labels.tsv``."""

    category_id: int
    label: str
    group: str
    parent: str
    how: How
    structures: tuple[str, ...]
    labels: tuple[str, ...]
    rule: str

    @property
    def cut(self) -> bool:
        """Whether it exists only as a part cut in 3-D, whatever structures are there."""
        return self.how in (How.RIB_SPLIT, How.GEOMETRY)


@cache
def anatomy() -> tuple[Anatomy, ...]:
    """All labels in the order of their ids."""
    text = resources.files("projection.anatomy").joinpath("labels.tsv").read_text(encoding="utf-8")
    return tuple(
        Anatomy(
            category_id=int(row["category_id"]),
            label=row["label"],
            group=row["group"],
            parent=row["parent"],
            how=How(row["how"]),
            structures=tuple(row["structures"].split()),
            labels=tuple(row["labels"].split("; ")) if row["labels"] else (),
            rule=row["rule"],
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )
