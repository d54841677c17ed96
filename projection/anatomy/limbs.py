"""A tube that forks: an arch or a stem above, two limbs below. The aorta and the airways are cut by it.

Read slice by slice: where an axial slice holds two pieces side by side, the tube has two limbs; where it holds one that
reaches over both, the limbs are joined. Where the limbs only touch, or the label has gaps, the slices around decide.
The method is our own; it needs the fork to open downwards, as it does in a patient who lies or stands straight.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy.body import Bools, Floats, Region

IN_PLANE = np.array([np.zeros((3, 3)), np.ones((3, 3)), np.zeros((3, 3))], bool)
"""Neighbours in the same axial slice, across corners too."""
FIRST, SECOND, STEM = 1, 2, 3
_GAP_MM = 15.0  # a run of two-limbed slices goes on over a gap of half a vertebra; more is another run
_SMALLEST_RUN = 0.25  # of the longest run's slices; shorter runs are stray pieces, such as the iliac arteries


@dataclass(frozen=True)
class Way:
    """How to tell two limbs: ``axis`` 1 is front then back, 2 is right then left."""

    axis: int
    bridge_mm: float
    """Limbs joined by a bridge thinner than twice this only touch."""
    smallest_mm2: float
    """A piece with a smaller section is no limb."""


@dataclass(frozen=True)
class Fork:
    """A region's voxels by limb."""

    region: Region
    part: NDArray[np.uint8]
    """Like the region's mask: FIRST, SECOND, STEM, 0 outside."""
    lowest_stem: int
    """First slice of the region, counted from below, that is stem; one past the last if there is no stem."""
    highest_pair: int
    """Highest slice of the region with two limbs below the stem."""

    def limb(self, part: int) -> Region:
        """The voxels of a part; empty if it has none."""
        return self.region.within(self.part == part)


@dataclass(frozen=True)
class _Pieces:
    """The pieces of all slices, in the order of their slices: centres in mm from the first voxel of the region."""

    label: NDArray[np.int32]
    slices: NDArray[np.int64]
    area_mm2: Floats
    centre_mm: Floats
    radius_mm: Floats

    def of(self, z: int) -> range:
        """The pieces of a slice."""
        return range(int(np.searchsorted(self.slices, z)), int(np.searchsorted(self.slices, z + 1)))


@dataclass
class _Track:
    """What is known of a limb: per slice its centre (y, x) in mm and radius."""

    slices: list[int]
    centres_mm: list[Floats]
    radii_mm: list[float]

    def add(self, z: int, pieces: _Pieces, piece: int) -> None:
        at = int(np.searchsorted(self.slices, z))
        self.slices.insert(at, z)
        self.centres_mm.insert(at, pieces.centre_mm[piece])
        self.radii_mm.insert(at, float(pieces.radius_mm[piece]))

    def reach_mm(self, z: int, points_mm: Floats, slice_mm: float) -> Floats:
        """How far points (n, 2) of a slice lie outside the limb, in mm; below 0 within it."""
        known = np.array(self.slices)
        centres = np.array(self.centres_mm)
        y, x, radius = (np.interp(z, known, values) for values in (*centres.T, np.array(self.radii_mm)))
        beyond_mm = max(known[0] - z, z - known[-1], 0) * slice_mm
        far: Floats = np.sqrt(((points_mm - [y, x]) ** 2).sum(axis=1) + beyond_mm**2) - radius
        return far


def fork(region: Region, spacing_zyx_mm: tuple[float, float, float], way: Way) -> Fork | None:
    """Cut a tube into stem and limbs, a partition of its voxels; None if no slice holds two limbs.

    Slices from the lowest joined one up are stem. Below, a piece with one limb is that limb's, and pieces that hold
    both, or stray ones, go voxel by voxel to the nearer limb.
    """
    if not region.mask.any():
        return None
    pieces = _pieces(_thinned(region.mask, spacing_zyx_mm, way.bridge_mm), spacing_zyx_mm, way.smallest_mm2)
    pairs = _runs(_pairs(pieces, region.mask.shape[0], way.axis), spacing_zyx_mm[0])
    if not pairs:
        return None
    lowest_stem = _lowest_stem(pairs, pieces, region.mask.shape[0])
    pairs = {z: pair for z, pair in pairs.items() if z < lowest_stem}
    highest_pair = max(pairs)
    if not _joined(region.mask, pieces, pairs[highest_pair], lowest_stem, spacing_zyx_mm, way.axis):
        lowest_stem = region.mask.shape[0]
    limbs = _tracks(pieces, pairs, lowest_stem, spacing_zyx_mm[0])
    part = _parts(region.mask, pieces, limbs, lowest_stem, spacing_zyx_mm)
    return Fork(region, part, lowest_stem, highest_pair)


def _thinned(mask: Bools, spacing_zyx_mm: tuple[float, float, float], bridge_mm: float) -> Bools:
    steps = round(bridge_mm / max(spacing_zyx_mm[1:]))
    if not steps:
        return mask
    cross = np.zeros((3, 3, 3), bool)
    cross[1, 1, :] = cross[1, :, 1] = True
    filled = ndimage.binary_closing(mask, cross)  # or single holes would be widened
    thin: Bools = ndimage.binary_erosion(filled, cross, iterations=steps)
    return thin


def _pieces(mask: Bools, spacing_zyx_mm: tuple[float, float, float], smallest_mm2: float) -> _Pieces:
    label, count = ndimage.label(mask, IN_PLANE)
    z, y, x = np.nonzero(label)
    ids = label[z, y, x]
    voxels = np.bincount(ids, minlength=count + 1)
    sums = [np.bincount(ids, weights=index, minlength=count + 1)[1:] for index in (z, y, x)]
    voxels, area_mm2 = voxels[1:], voxels[1:] * spacing_zyx_mm[1] * spacing_zyx_mm[2]
    large = area_mm2 >= smallest_mm2
    slices = np.rint(sums[0] / voxels).astype(np.int64)[large]
    centre_mm = np.stack([sums[1] / voxels * spacing_zyx_mm[1], sums[2] / voxels * spacing_zyx_mm[2]], axis=1)[large]
    order = np.argsort(slices, kind="stable")
    renumber = np.zeros(count + 1, np.int32)
    renumber[np.flatnonzero(large)[order] + 1] = np.arange(1, len(order) + 1)
    sorted_mm2 = area_mm2[large][order].astype(np.float64)
    radius_mm: Floats = np.sqrt(sorted_mm2 / np.pi)
    return _Pieces(renumber[label], slices[order], sorted_mm2, centre_mm[order], radius_mm)


def _pairs(pieces: _Pieces, height: int, axis: int) -> dict[int, tuple[int, int]]:
    """Slices with two limbs, the first limb's piece first: the two largest, if they lie apart and along the axis."""
    found = {}
    for z in range(height):
        largest = sorted(pieces.of(z), key=lambda piece: -pieces.area_mm2[piece])[:2]
        if len(largest) < 2:
            continue
        one, two = sorted(largest, key=lambda piece: pieces.centre_mm[piece, axis - 1])
        apart_mm = np.abs(pieces.centre_mm[two] - pieces.centre_mm[one])
        # two halves of one disc have centres at 0.6 of the sum of their radii; two discs at 1 or more
        far = np.hypot(*apart_mm) >= 0.9 * (pieces.radius_mm[one] + pieces.radius_mm[two])
        if far and 2 * apart_mm[axis - 1] >= apart_mm[2 - axis]:
            found[z] = (one, two)
    return found


def _runs(pairs: dict[int, tuple[int, int]], slice_mm: float) -> dict[int, tuple[int, int]]:
    """Without the runs of slices that are short beside the longest."""
    if not pairs:
        return pairs
    slices = np.array(sorted(pairs))
    runs = np.split(slices, np.flatnonzero(np.diff(slices) * slice_mm > max(_GAP_MM, 1.5 * slice_mm)) + 1)
    longest = max(len(run) for run in runs)
    return {int(z): pairs[int(z)] for run in runs if len(run) >= _SMALLEST_RUN * longest for z in run}


def _lowest_stem(pairs: dict[int, tuple[int, int]], pieces: _Pieces, height: int) -> int:
    """The slice from which on most are one and below which most are two, above the lowest pair."""
    two = np.array([z in pairs for z in range(height)])
    one = np.isin(np.arange(height), pieces.slices) & ~two
    below = np.concatenate([[0], np.cumsum(two)])
    above = np.concatenate([np.cumsum((one.astype(int) - two)[::-1])[::-1], [0]])
    first = min(pairs) + 1
    return first + int(np.argmax((below + above)[first:]))


def _joined(
    mask: Bools,
    pieces: _Pieces,
    pair: tuple[int, int],
    lowest_stem: int,
    spacing_zyx_mm: tuple[float, float, float],
    axis: int,
) -> bool:
    """Whether something above reaches from the one limb to the other."""
    last = lowest_stem + max(1, round(_GAP_MM / spacing_zyx_mm[0]))
    across: Bools = np.logical_or.reduce(np.moveaxis(mask[lowest_stem:last], axis, 1), axis=2)
    at = np.moveaxis(pieces.label[pieces.slices[pair[0]]], axis - 1, 0)
    low, high = np.nonzero(at == pair[0] + 1)[0].max(), np.nonzero(at == pair[1] + 1)[0].min()
    return any(bool(row[low : high + 1].all()) for row in across)


def _tracks(
    pieces: _Pieces, pairs: dict[int, tuple[int, int]], lowest_stem: int, slice_mm: float
) -> tuple[_Track, _Track]:
    """The two limbs: known where slices hold both, followed from there down to the end, and up to the stem."""
    limbs = (_Track([], [], []), _Track([], [], []))
    for z, pair in sorted(pairs.items()):
        for limb, piece in zip(limbs, pair, strict=True):
            limb.add(z, pieces, piece)
    _follow(range(min(pairs) - 1, -1, -1), pieces, limbs, slice_mm)
    _follow(range(max(pairs) + 1, lowest_stem), pieces, limbs, slice_mm)
    return limbs


def _follow(slices: Iterable[int], pieces: _Pieces, limbs: tuple[_Track, _Track], slice_mm: float) -> None:
    for z in slices:
        nearest: dict[int, int] = {}
        for piece in pieces.of(z):
            far = [float(limb.reach_mm(z, pieces.centre_mm[piece : piece + 1], slice_mm)[0]) for limb in limbs]
            limb = int(far[1] <= far[0])
            if limb not in nearest or pieces.area_mm2[piece] > pieces.area_mm2[nearest[limb]]:
                nearest[limb] = piece
        for limb, piece in nearest.items():
            limbs[limb].add(z, pieces, piece)


def _parts(
    mask: Bools,
    pieces: _Pieces,
    limbs: tuple[_Track, _Track],
    lowest_stem: int,
    spacing_zyx_mm: tuple[float, float, float],
) -> NDArray[np.uint8]:
    part = np.where(mask, np.uint8(STEM), np.uint8(0))
    whole, count = ndimage.label(mask[:lowest_stem], IN_PLANE)
    z, y, x = np.nonzero(whole)
    ids, piece = whole[z, y, x], pieces.label[z, y, x]
    held = np.zeros((3, count + 1), bool)
    held[_limb_of_pieces(pieces, limbs)[piece], ids] = True
    sure = np.where(held[FIRST] != held[SECOND], np.where(held[FIRST], FIRST, SECOND), 0).astype(np.uint8)[ids]
    open_ = np.flatnonzero(sure == 0)
    points_mm = np.stack([y[open_] * spacing_zyx_mm[1], x[open_] * spacing_zyx_mm[2]], axis=1)
    for at in np.unique(z[open_]):
        here = z[open_] == at
        far = [limb.reach_mm(int(at), points_mm[here], spacing_zyx_mm[0]) for limb in limbs]
        sure[open_[here]] = np.where(far[0] < far[1], FIRST, SECOND)
    part[z, y, x] = sure
    return part


def _limb_of_pieces(pieces: _Pieces, limbs: tuple[_Track, _Track]) -> NDArray[np.int64]:
    """Per piece number FIRST, SECOND or, if no limb was followed through it, 0; number 0 is no piece."""
    limb_of = np.zeros(len(pieces.slices) + 1, np.int64)
    for number, limb in zip((FIRST, SECOND), limbs, strict=True):
        for z, centre in zip(limb.slices, limb.centres_mm, strict=True):
            here = pieces.of(z)
            limb_of[1 + next(piece for piece in here if np.array_equal(pieces.centre_mm[piece], centre))] = number
    return limb_of
