"""The anatomy labels: names and ids of PAXRay++, and how each comes from the structures of a labelmap.

``labels.tsv`` lists all 159 labels of PAXRay++ (names and 0-based ids as in its published label list) and, from 500
on, the super-categories that it names but does not number. ``how`` says what a label is made of:

    direct      one structure of TotalSegmentator v2 ``total``
    union       several of them
    rib_split   a rib, cut in 3-D at the side of the chest          not derived yet
    geometry    cut in 3-D by the rule                              not derived yet
    task        needs another task of TotalSegmentator              not derived yet

A label that cannot be derived is never dropped in silence: ``derivable`` says why.
"""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from numpy.typing import NDArray

from projection.raycast import Layers


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
    rule: str


@dataclass(frozen=True)
class Derivable:
    """Which labels a labelmap can give; ``missing`` says of every other one why not."""

    available: tuple[Anatomy, ...]
    missing: Mapping[str, str]


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
            rule=row["rule"],
        )
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )


def derivable(structures: Collection[str]) -> Derivable:
    """Sort all labels by whether these structures (TotalSegmentator class names) are enough.

    A union is available with at least one of its parts: a chest CT shows some of the spine, never all of it.
    """
    present = set(structures)
    reasons = {entry.label: _why_not(entry, present) for entry in anatomy()}
    available = tuple(entry for entry in anatomy() if not reasons[entry.label])
    return Derivable(available, {label: reason for label, reason in reasons.items() if reason})


def _why_not(entry: Anatomy, present: set[str]) -> str:
    if entry.how is How.TASK:
        return f"needs another segmentation: {entry.rule}"
    if entry.how not in (How.DIRECT, How.UNION):
        return f"not derived yet: {entry.rule}"
    if not present.intersection(entry.structures):
        return "not in the labelmap"
    return ""


def anatomy_layers(values: NDArray[Any], structures: Mapping[int, str]) -> Layers:
    """A labelmap ``(z, y, x)`` of structures (voxel value to TotalSegmentator class name) as anatomy labels."""
    labels = derivable(structures.values()).available
    members = {
        value: tuple(position for position, entry in enumerate(labels) if structure in entry.structures)
        for value, structure in structures.items()
    }
    return Layers(values, tuple(entry.label for entry in labels), {v: m for v, m in members.items() if m})
