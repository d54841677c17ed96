"""Labels that may overlap and contain each other, on one grid: a labelmap's value stands for a set of labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layers:
    """A labelmap whose values stand for sets of labels."""

    values: NDArray[Any]
    """``(z, y, x)``, uint8 or uint16."""
    labels: tuple[str, ...]
    members: Mapping[int, tuple[int, ...]]
    """Voxel value to positions in ``labels``; values that are not here have no label."""
    finer_z: int = 1
    """Slices of labels for each slice of the CT: see ``projection.refine``."""


def overlay(layers: Layers, masks: Mapping[str, tuple[tuple[int, ...], NDArray[np.bool_]]]) -> Layers:
    """Add labels that overlap what is there: label to (first voxel (z, y, x), mask of a box).

    The voxels keep what they had: each set of labels that comes up gets a value of its own.
    """
    if not masks:
        return layers
    labels = (*layers.labels, *masks)
    members = dict(layers.members)
    values = layers.values.astype(np.uint16)
    known = {sorted_members: value for value, sorted_members in members.items()}
    free = max(int(values.max(initial=0)), *members, 0) + 1
    for position, (start, mask) in enumerate(masks.values(), len(layers.labels)):
        part = values[tuple(slice(at, at + n) for at, n in zip(start, mask.shape, strict=True))]
        for value in np.unique(part[mask]):
            wanted = (*members.get(int(value), ()), position)
            if wanted not in known:
                known[wanted] = free
                members[free] = wanted
                free += 1
            part[mask & (part == value)] = known[wanted]
    return Layers(values.astype(np.min_scalar_type(free - 1)), labels, members)
