"""Run lengths of 3-D masks: a box in the volume and the runs inside it, in C order, background first.

What tables hold of a mask in a volume; masks of projected images are COCO RLE instead.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.errors import IntegrityError


class BoxRuns(NamedTuple):
    """A mask as table columns: first voxel and size of its box ``(z, y, x)``, and the runs over the box."""

    start_zyx: tuple[int, ...]
    shape_zyx: tuple[int, ...]
    runs: tuple[int, ...]


def encode(mask: NDArray[np.bool_]) -> BoxRuns:
    """The tightest box that holds a mask ``(z, y, x)``, and its runs; an empty mask has an empty box and no runs."""
    if not mask.any():
        return BoxRuns((0,) * mask.ndim, (0,) * mask.ndim, ())
    box = tight_box(mask)
    flat = mask[box].ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    first = [0, 0] if flat[0] else [0]  # no background before the first voxel: a run of length 0
    bounds = np.concatenate((first, changes, [flat.size]))
    start = tuple(part.start for part in box)
    return BoxRuns(start, tuple(part.stop - part.start for part in box), tuple(np.diff(bounds).tolist()))


def decode_box(shape_zyx: Sequence[int], runs: Sequence[int]) -> NDArray[np.bool_]:
    """The mask inside its box; raises IntegrityError if the runs do not fill the box."""
    n_voxels = int(np.prod(shape_zyx, dtype=np.int64))
    if min(runs, default=0) < 0 or sum(runs) != n_voxels:
        raise IntegrityError(f"run lengths do not fill their box of {n_voxels} voxels: the table is damaged")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(tuple(shape_zyx))


def decode(
    start_zyx: Sequence[int], shape_zyx: Sequence[int], runs: Sequence[int], full_shape: Sequence[int]
) -> NDArray[np.bool_]:
    """The mask in its whole volume, bool ``full_shape``; raises IntegrityError if the box does not lie in it."""
    stop = [first + size for first, size in zip(start_zyx, shape_zyx, strict=True)]
    if min(start_zyx, default=0) < 0 or any(end > size for end, size in zip(stop, full_shape, strict=True)):
        raise IntegrityError("a mask's box does not lie in its volume: mask and series belong to different versions")
    mask = np.zeros(tuple(full_shape), np.bool_)
    mask[tuple(slice(first, end) for first, end in zip(start_zyx, stop, strict=True))] = decode_box(shape_zyx, runs)
    return mask


def tight_box(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box that holds every true voxel of a mask that has one."""
    spans = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        along = np.flatnonzero(mask.any(axis=others))
        spans.append(slice(int(along[0]), int(along[-1]) + 1))
    return tuple(spans)
