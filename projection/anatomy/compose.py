"""Structures and cut parts as one labelmap, whose values stand for sets of labels.

A voxel carries the labels of its structure and of every part that reaches it; wholes follow from the table of labels,
so that a whole holds its parts by construction. Parts may overlap each other and reach voxels without a structure.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError
from projection.anatomy.body import Region
from projection.anatomy.labels import Anatomy, anatomy
from projection.kernels import compose as kernels
from projection.layers import Layers

_MOST_SETS = np.iinfo(np.uint16).max + 1
Members = tuple[int, ...]


def compose(values: NDArray[np.uint8], numbers: Mapping[str, int], parts: Mapping[str, Region]) -> Layers:
    """Labels on the grid of ``values`` (z, y, x), which hold structures: TotalSegmentator class name to number.

    ``parts`` are what was cut in 3-D, by label. A label is among ``layers.labels`` if a structure of ``numbers`` or a
    part with a voxel belongs to it; a label that is cut needs its own part. Values come in the smallest unsigned type
    that holds them; 0 has no label. Raises InputError if more than 65536 sets of labels meet, far beyond any anatomy.
    """
    parts = {label: parts[label] for label in sorted(parts) if parts[label].mask.any()}
    sources = {row.label: found for row in anatomy() if (found := sources_of(row.label, numbers, parts))}
    labels = tuple(sources)
    of_source: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        for source in sources[label]:
            of_source.setdefault(source, []).append(position)
    sets = _Sets()
    made = _structures(values, {numbers[name]: tuple(of_source.get(name, ())) for name in numbers}, sets)
    for label, region in parts.items():
        if label in of_source:
            sets.add(made, region, of_source[label])
    return Layers(_narrow(made, len(sets.members)), labels, {v: m for v, m in enumerate(sets.members) if m})


def sources_of(label: str, structures: Mapping[str, Any], parts: Mapping[str, Any]) -> set[str]:
    """The structures and parts, of those that are there, whose union a label is; empty if it cannot be made."""
    row = _rows()[label]
    if row.cut and label not in parts:
        return set()
    found = {label} if row.cut else {name for name in row.structures if name in structures}
    for belonging in row.labels:
        found |= sources_of(belonging, structures, parts)
    return found


@cache
def _rows() -> dict[str, Anatomy]:
    return {row.label: row for row in anatomy()}


class _Sets:
    """The sets of labels met so far, numbered in the order in which they came; 0 is the empty one."""

    def __init__(self) -> None:
        self.members: list[Members] = [()]
        self._values: dict[Members, int] = {(): 0}

    def value(self, members: Members) -> int:
        """The value of a set, a new one if it has none."""
        if members not in self._values:
            self._append(members)
        return self._values[members]

    def add(self, made: NDArray[np.uint16], region: Region, positions: list[int]) -> None:
        """Give every voxel of a region these labels too."""
        wanted = [tuple(sorted({*members, *positions})) for members in self.members]
        following = np.full(_MOST_SETS, -1, np.int32)
        following[: len(wanted)] = [self._values.get(members, -1) for members in wanted]
        known = len(self.members)
        free = kernels.add_part(made, region.start_zyx, region.mask, following, known)
        if free > _MOST_SETS:
            raise InputError(f"at most {_MOST_SETS} sets of labels can meet in one labelmap, {free} did")
        came_from = {int(following[old]): old for old in np.flatnonzero(following[:known] >= known)}
        for value in range(known, free):
            self._append(wanted[came_from[value]])

    def _append(self, members: Members) -> None:
        self._values[members] = len(self.members)
        self.members.append(members)


def _structures(values: NDArray[np.uint8], labels_of: Mapping[int, Members], sets: _Sets) -> NDArray[np.uint16]:
    table = np.zeros(256, np.uint16)
    for number, positions in sorted(labels_of.items()):
        table[number] = sets.value(positions)
    made = np.empty(values.shape, np.uint16)
    kernels.renumber(np.ascontiguousarray(values).reshape(-1), table, made.reshape(-1))
    return made


def _narrow(values: NDArray[np.uint16], count: int) -> NDArray[Any]:
    return values.astype(np.min_scalar_type(count - 1))
