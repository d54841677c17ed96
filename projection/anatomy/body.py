"""A labelled CT turned to the patient's axes: what every 3-D cut works on.

Arrays are ``(z, y, x)``; here z rises to the head, y to the back and x to the patient's left, whatever the scanner's
orientation was. An oblique volume is turned to the nearest axes. Nothing is copied.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Index = tuple[int, int, int]


@dataclass(frozen=True)
class Region:
    """Voxels of a body: a mask of a box, whose first voxel is ``start_zyx``."""

    start_zyx: Index
    mask: Bools

    @property
    def box(self) -> tuple[slice, slice, slice]:
        """The box within the body's arrays."""
        z, y, x = (slice(at, at + n) for at, n in zip(self.start_zyx, self.mask.shape, strict=True))
        return z, y, x

    def within(self, mask: Bools) -> "Region":
        """The same box with another mask of its size, cut down to what is set; empty if nothing is."""
        found = ndimage.find_objects(mask.view(np.uint8))
        if not found:
            return Region(self.start_zyx, np.zeros((0, 0, 0), bool))
        z, y, x = (at + part.start for at, part in zip(self.start_zyx, found[0], strict=True))
        return Region((z, y, x), mask[found[0]])

    def voxels(self) -> NDArray[np.int64]:
        """Indices ``(n, 3)`` in the body's arrays, z, y, x."""
        found: NDArray[np.int64] = np.argwhere(self.mask) + np.array(self.start_zyx)
        return found

    def full(self, shape: tuple[int, ...]) -> Bools:
        """The mask of a whole body of that shape."""
        whole = np.zeros(shape, bool)
        whole[self.box] = self.mask
        return whole


@dataclass(frozen=True)
class Body:
    """The structures of a CT in the patient's axes."""

    values: NDArray[np.uint8]
    """``(z, y, x)``: a structure's number; 0 is background."""
    numbers: Mapping[str, int]
    """TotalSegmentator class name to number, of the structures that the labelmap knows."""
    affine: Floats
    """4×4, voxel ``(x, y, z, 1)`` of ``values`` to mm, LPS."""
    hu: NDArray[np.int16] | None = None
    """The CT on the same grid, if there is one."""

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Voxel size."""
        x, y, z = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0)).tolist()
        return z, y, x

    @cached_property
    def boxes(self) -> Mapping[str, tuple[slice, slice, slice]]:
        """Box of each structure that has a voxel."""
        found = ndimage.find_objects(self.values)
        return {
            name: found[number - 1]
            for name, number in self.numbers.items()
            if 0 < number <= len(found) and found[number - 1] is not None
        }

    def has(self, *names: str) -> bool:
        """Whether all of these structures have a voxel."""
        return all(name in self.boxes for name in names)

    def region(self, *names: str) -> Region:
        """The union of these structures, those that are there; empty if none is."""
        return self.joint_region(names)

    def joint_region(self, names: Iterable[str]) -> Region:
        """As ``region``, of any iterable."""
        present = [name for name in names if name in self.boxes]
        if not present:
            return Region((0, 0, 0), np.zeros((0, 0, 0), bool))
        boxes = [self.boxes[name] for name in present]
        box = tuple(slice(min(b[a].start for b in boxes), max(b[a].stop for b in boxes)) for a in range(3))
        wanted = np.zeros(256, bool)
        wanted[[self.numbers[name] for name in present]] = True
        z, y, x = (part.start for part in box)
        return Region((z, y, x), wanted[self.values[box]])

    def mm(self, voxels_zyx: NDArray[Any]) -> Floats:
        """Voxel positions ``(..., 3)`` as z, y, x (centres are whole numbers) to LPS mm ``(..., 3)`` as x, y, z."""
        points: Floats = np.asarray(voxels_zyx, np.float64)[..., ::-1] @ self.affine[:3, :3].T + self.affine[:3, 3]
        return points


@dataclass(frozen=True)
class Turn:
    """How arrays of one grid are turned to the patient's axes: axes swapped, then some reversed; nothing is copied."""

    axes_zyx: tuple[int, ...]
    """For z, y and x of the body, the axis of the array."""
    flips_zyx: tuple[bool, ...]

    def array(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array ``(z, y, x)`` of the grid as one of the body."""
        cut = tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips_zyx)
        turned_array: NDArray[Any] = array.transpose(self.axes_zyx)[cut]
        return turned_array

    def region(self, start_zyx: Sequence[int], mask_zyx: Bools, shape_zyx: Sequence[int]) -> Region:
        """A mask of a box of a grid of that shape as a region of the body."""
        ends = [shape_zyx[axis] - start_zyx[axis] - mask_zyx.shape[axis] for axis in range(3)]
        starts = (
            ends[axis] if flip else start_zyx[axis] for axis, flip in zip(self.axes_zyx, self.flips_zyx, strict=True)
        )
        z, y, x = starts
        return Region((z, y, x), self.array(mask_zyx))

    def affine(self, affine: Floats, shape_zyx: Sequence[int]) -> Floats:
        """A grid's affine (4, 4) as that of the body."""
        made = affine.copy()
        made[:3, :3] = affine[:3, :3][:, [2 - axis for axis in reversed(self.axes_zyx)]]
        for axis, flip in enumerate(reversed(self.flips_zyx)):
            if flip:
                made[:3, 3] += made[:3, axis] * (shape_zyx[self.axes_zyx[2 - axis]] - 1)
                made[:3, axis] *= -1
        return made


def turn_of(affine: Floats) -> Turn:
    """How a grid is turned; ``affine`` is 4×4 from voxel (x, y, z) to LPS mm."""
    direction = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    order = _nearest_axes(direction)
    flips = [bool(direction[axis, order[axis]] < 0) for axis in range(3)]
    return Turn(tuple(2 - axis for axis in reversed(order)), tuple(reversed(flips)))


def turned(
    values: NDArray[np.uint8], structures: Mapping[int, str], affine: Floats, hu: NDArray[np.int16] | None = None
) -> Body:
    """A labelmap in any orientation as a Body. ``affine`` is 4×4 from voxel (x, y, z) to LPS mm."""
    turn = turn_of(affine)
    numbers = {name: number for number, name in structures.items()}
    turned_hu = None if hu is None else turn.array(hu)
    return Body(turn.array(values), numbers, turn.affine(affine, values.shape), turned_hu)


def _nearest_axes(direction: Floats) -> list[int]:
    """For each of x, y, z the voxel axis that runs most along it; each voxel axis is used once."""
    strength = np.abs(direction)
    order = [-1, -1, -1]
    for _ in range(3):
        patient, voxel = np.unravel_index(int(strength.argmax()), (3, 3))
        order[int(patient)] = int(voxel)
        strength[patient, :], strength[:, voxel] = -1.0, -1.0
    return order
