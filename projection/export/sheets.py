"""Overlapping labels as a few plain labelmaps, for formats in which a voxel has one value.

A lung, its lobe and its zone share voxels, so one labelmap cannot hold them. Labels are laid on sheets: each goes, in
the order of the label list, to the first sheet on which it meets no other (greedy colouring of the overlap graph). A
sheet is an ordinary labelmap; memory stays at one byte a voxel, where a mask per label would take 150.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projection.layers import Layers
from projection.standalone import Projected
from projection.volume import Ct, onto_grid

_ONE_SHEET = 255  # labels in a uint8
_TOLERANCE_MM = 0.01  # the arrays were turned, so their grids are the same up to rounding


@dataclass(frozen=True)
class Sheet:
    """Labels that do not overlap: ``labels[n]`` has the value n + 1."""

    labels: tuple[str, ...]
    values_zyx: NDArray[np.uint8]


def sheets(made: Projected, ct: Ct) -> Iterator[Sheet]:
    """Every label that has a voxel, on the CT's own grid ``(z, y, x)``, one sheet after the other."""
    present = _present(made.layers)
    for labels in _without_overlap(present):
        values = _table(present, labels, made.layers.values.dtype)[made.layers.values]
        on_ct = onto_grid(values, made.affine, ct.hu_zyx.shape, ct.affine, _TOLERANCE_MM)
        yield Sheet(tuple(made.layers.labels[label] for label in labels), on_ct)


def _present(layers: Layers) -> dict[int, tuple[int, ...]]:
    """The sets of labels that occur, by voxel value."""
    found = np.zeros(np.iinfo(layers.values.dtype).max + 1, bool)
    for plane in layers.values:  # by planes: an index array of the whole would be eight times as large
        found[plane] = True
    return {value: members for value, members in sorted(layers.members.items()) if found[value]}


def _without_overlap(present: dict[int, tuple[int, ...]]) -> list[list[int]]:
    """Labels in groups that share no voxel."""
    meets: dict[int, set[int]] = {}
    for members in present.values():
        for label in members:
            meets.setdefault(label, set()).update(members)
    groups: list[list[int]] = []
    for label in sorted(meets):
        free = (group for group in groups if len(group) < _ONE_SHEET and meets[label].isdisjoint(group))
        group = next(free, None)
        if group is None:
            groups.append([label])
        else:
            group.append(label)
    return groups


def _table(present: dict[int, tuple[int, ...]], labels: list[int], dtype: np.dtype[Any]) -> NDArray[np.uint8]:
    """Voxel value to the number on the sheet."""
    numbers = {label: number for number, label in enumerate(labels, start=1)}
    table = np.zeros(np.iinfo(dtype).max + 1, np.uint8)
    for value, members in present.items():
        table[value] = next((numbers[label] for label in members if label in numbers), 0)
    return table
