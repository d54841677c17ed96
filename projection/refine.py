"""Thick slices of labels as thin ones, so that outlines on a projection are smooth and not stairs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from projection.kernels import refine as kernels
from projection.layers import Layers
from projection.threads import planes, thread_count


def finer_slices(spacing_z_mm: float, thinnest_mm: float) -> int:
    """Slices to make of each, so that none is thicker than ``thinnest_mm``."""
    return max(1, int(np.ceil(spacing_z_mm / thinnest_mm - 1e-6)))


def refined(layers: Layers, finer: int, threads: int = 0) -> Layers:
    """The labels with ``finer`` slices in the place of each; contours move evenly from slice to slice.

    Slices that lie at the centre of a slice of the CT are as they were, and beyond the first and last centre too.
    Sets of labels move as one, so that a part stays within its whole.
    """
    if finer == 1 or not layers.labels:
        return layers
    values = _labelled(layers)
    nz = len(values)
    fine = np.empty((nz * finer, *values.shape[1:]), values.dtype)
    fine[: finer // 2 + 1] = values[0]
    fine[nz * finer - finer // 2 - 1 :] = values[-1]
    for z in range(nz) if finer % 2 else ():
        fine[z * finer + finer // 2] = values[z]
    planes(lambda first, last: kernels.between(values, finer, fine, first, last), nz - 1, threads or thread_count())
    return Layers(fine, layers.labels, layers.members, finer_z=finer)


def _labelled(layers: Layers) -> NDArray[Any]:
    """The values, with 0 for those that stand for no label, contiguous."""
    table = np.zeros(np.iinfo(layers.values.dtype).max + 1, layers.values.dtype)
    kept = [value for value, labels in layers.members.items() if labels and value < len(table)]
    table[kept] = kept
    return np.ascontiguousarray(table[layers.values])
