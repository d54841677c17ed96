"""PAXRay v1's 165 label names, each with the labels of ours that it is the union of.

``paxray_v1.tsv`` holds the names as published, spelling included (Seibold et al., "Detailed annotations of chest X-rays
via CT projection for report understanding", BMVC 2022). Of each name, exactly one column is filled: ``labels`` (of
``labels.tsv``), ``structures`` (TotalSegmentator class names, for what has no label) or ``needs``, why it cannot be
given.
"""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class NameV1:
    """One row of ``paxray_v1.tsv``."""

    name: str
    labels: tuple[str, ...]
    structures: tuple[str, ...]
    needs: str


@cache
def names_v1() -> tuple[NameV1, ...]:
    """All 165 names, in the published order."""
    text = resources.files("projection.anatomy").joinpath("paxray_v1.tsv").read_text(encoding="utf-8")
    return tuple(
        NameV1(row["name"], _listed(row["labels"]), _listed(row["structures"]), row["needs"])
        for row in csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    )


def to_v1(labels: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """For each name of PAXRay v1 that these labels can give, which of them to unite.

    ``labels`` may hold TotalSegmentator class names besides our labels. A name is given if at least one of its parts is
    there, as a chest CT shows some ribs and never all; ``missing_v1`` says of every other name why not.
    """
    given = set(labels)
    found = {row.name: tuple(part for part in row.labels + row.structures if part in given) for row in names_v1()}
    return {name: parts for name, parts in found.items() if parts}


def missing_v1(labels: Collection[str]) -> Mapping[str, str]:
    """Of each name that ``to_v1`` leaves out, the reason."""
    given = to_v1(labels)
    return {
        row.name: row.needs or f"none of these is there: {', '.join(row.labels + row.structures)}"
        for row in names_v1()
        if row.name not in given
    }


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()
