"""What a labelling of a chest CT promises, checked before it is projected.

Each rule gives findings: "reject" where the labelling contradicts itself or anatomy, "warn" where disease, a part of
the body outside the scan or a rare variant may explain it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from projection.anatomy.body import Bools, Floats
from projection.anatomy.labels import anatomy
from projection.anatomy.structures import ORDINALS, SPINE_LEVELS
from projection.kernels.census import census
from projection.layers import Layers

VERTEBRAE = tuple(f"vertebrae {level}" for level in SPINE_LEVELS)
_SMALLEST_ML = 0.5  # a vertebra has 10 ml and more, a rib's posterior half 3; less is a speck or the scan's edge
_RIB_END_MM = 5.0  # the head of a rib is 10 to 15 mm long
_SLACK_MM = 5.0  # where a spine is bent forward, neighbours lie behind rather than below each other
_COARSE_MM = 3.0  # finer than the narrowest neck of the organs below
_MAIN_PIECE = 0.9
ORGANS = ("left lung", "right lung", "heart", "aorta", "liver", "kidney left", "kidney right")
VOLUME_ML = {
    # ERS 1993 (Quanjer): residual volume of a small woman 1.3 l, total capacity of a man of 1.95 m 8.5 l, limit +1.2 l
    "lung": (1000.0, 10000.0),
    # ICRP 89: with blood 590 (woman) and 790 ml (man); half for a child's or a small one, 2.5 times for a dilated heart
    "heart": (300.0, 2000.0),
    # tubes: 15 mm wide and 250 mm long; 45 mm wide and 450 mm long
    "aorta": (44.0, 715.0),
    # ICRP 89: 1330 and 1710 ml
    "liver": (600.0, 4000.0),
}
"""Plausible volume of whole organs of adolescents and adults; the lower bound holds for organs wholly in the scan."""


@dataclass(frozen=True)
class Finding:
    """A promise that a labelling breaks."""

    rule: str
    label: str
    detail: str
    severity: Literal["reject", "warn"]


def check(layers: Layers, affine: Floats) -> list[Finding]:
    """Findings of all rules, in the order of the rules; ``affine`` (4, 4) goes from voxel (x, y, z) to LPS mm.

    ``part_of_whole`` (reject): a part reaches out of the label that the table names as its parent.
    ``left_right`` (reject): a left label lies to the right of its twin. Heart chambers are left out: their names
    tell ventricles apart, not sides.
    ``order`` (reject): vertebrae from C1 down to L5, ribs of a side by their posterior ends; 5 mm are let pass.
    ``volume`` (warn), ``pieces`` (warn): an organ is outside ``VOLUME_ML``; its largest piece is under 90 % of it.
    ``situs`` (warn): the liver lies to the left of the stomach: mirrored, or situs inversus (1 in some 10,000 people).
    """
    counted = _counted(layers, affine)
    rules = (_part_of_whole, _left_right, _vertebrae, _ribs, _volumes, _pieces, _situs)
    return [finding for rule in rules for finding in rule(counted)]


# --- counting ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Counted:
    layers: Layers
    affine: Floats
    counts: NDArray[np.int64]
    """Voxels of each value."""
    sums: NDArray[np.int64]
    ends: NDArray[np.int64]
    holds: Bools
    """``(values, labels)``: whether a value stands for a label."""

    @cached_property
    def voxel_ml(self) -> float:
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000

    @cached_property
    def position(self) -> dict[str, int]:
        """Positions of the labels that have a voxel."""
        voxels = self.counts @ self.holds
        return {label: at for at, label in enumerate(self.layers.labels) if voxels[at]}

    def volume_ml(self, label: str) -> float:
        return float(self.counts @ self.holds[:, self.position[label]]) * self.voxel_ml

    def centre_mm(self, label: str) -> Floats:
        held = self.holds[:, self.position[label]]
        z, y, x = self.sums[held].sum(axis=0) / self.counts[held].sum()
        return self.mm(np.array([x / 2, y, z]))

    def box(self, label: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Lowest and highest index (z, y, x) of the label."""
        ends = self.ends[self.holds[:, self.position[label]]]
        return ends[:, :, 0].min(axis=0), ends[:, :, 1].max(axis=0)

    def cut_off(self, label: str) -> bool:
        """Whether the label reaches a border of the volume."""
        low, high = self.box(label)
        return bool((low == 0).any() or (high == np.array(self.layers.values.shape) - 1).any())

    def mm(self, voxels_xyz: NDArray[Any]) -> Floats:
        points: Floats = voxels_xyz @ self.affine[:3, :3].T + self.affine[:3, 3]
        return points

    def placed(self, labels: Iterable[str]) -> list[str]:
        """Those labels that are there and large enough to say where they lie."""
        return [label for label in labels if label in self.position and self.volume_ml(label) >= _SMALLEST_ML]

    def coarse(self, label: str) -> tuple[Bools, Floats]:
        """The label in its box, with voxels left out as long as they stay within ``_COARSE_MM``; and its affine."""
        low, high = self.box(label)
        spacing_mm = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        steps_zyx = np.maximum(1, (_COARSE_MM / spacing_mm).astype(int))[::-1]
        cut = tuple(slice(a, b + 1, step) for a, b, step in zip(low, high, steps_zyx, strict=True))
        affine = self.affine.copy()
        affine[:3, :3] *= steps_zyx[::-1]
        affine[:3, 3] = self.mm(low[::-1])
        return self.holds[:, self.position[label]][self.layers.values[cut]], affine


def _counted(layers: Layers, affine: Floats) -> _Counted:
    size = int(max(layers.values.max(initial=0), *layers.members, 0)) + 1
    counts, sums = np.zeros(size, np.int64), np.zeros((size, 3), np.int64)
    ends = np.zeros((size, 3, 2), np.int64)
    ends[:, :, 0], ends[:, :, 1] = np.iinfo(np.int64).max, -1
    census(np.ascontiguousarray(layers.values), counts, sums, ends)
    holds = np.zeros((size, len(layers.labels)), bool)
    for value, members in layers.members.items():
        holds[value, list(members)] = True
    return _Counted(layers, affine, counts, sums, ends, holds & (counts > 0)[:, None])


# --- rules ---------------------------------------------------------------------------------------------------


def _part_of_whole(counted: _Counted) -> Iterator[Finding]:
    for entry in anatomy():
        at, whole = counted.position.get(entry.label), counted.position.get(entry.parent)
        if at is None or whole is None or at == whole:
            continue
        outside = int(counted.counts @ (counted.holds[:, at] & ~counted.holds[:, whole]))
        if outside:
            detail = f"{outside * counted.voxel_ml:.2f} ml ({outside} voxels) lie outside {entry.parent}"
            yield Finding("part_of_whole", entry.label, detail, "reject")


def _left_right(counted: _Counted) -> Iterator[Finding]:
    sided = [entry.label for entry in anatomy() if "left" in entry.label.split() and entry.group != "heart"]
    for label in counted.placed(sided):
        twin = label.replace("left", "right")
        if not counted.placed([twin]):
            continue
        apart_mm = float(counted.centre_mm(label)[0] - counted.centre_mm(twin)[0])
        if apart_mm <= 0:
            yield Finding("left_right", label, f"lies {-apart_mm:.0f} mm to the right of {twin}", "reject")


def _vertebrae(counted: _Counted) -> Iterator[Finding]:
    heights = [(label, float(counted.centre_mm(label)[2])) for label in counted.placed(VERTEBRAE)]
    yield from _order(heights)


def _ribs(counted: _Counted) -> Iterator[Finding]:
    for side, inward in (("left", -1.0), ("right", 1.0)):
        labels = counted.placed(f"posterior {ordinal} rib {side}" for ordinal in ORDINALS)
        yield from _order([(label, _inner_end_mm(counted, label, inward)) for label in labels])


def _order(heights_mm: list[tuple[str, float]]) -> Iterator[Finding]:
    for (upper, upper_mm), (lower, lower_mm) in pairwise(heights_mm):
        if lower_mm - upper_mm > _SLACK_MM:
            yield Finding("order", upper, f"lies {lower_mm - upper_mm:.0f} mm below {lower}", "reject")


def _inner_end_mm(counted: _Counted, label: str, inward: float) -> float:
    """Height of the end that lies most towards the spine; ``inward`` is the sign of x on the way there."""
    mask, affine = counted.coarse(label)
    points_mm = np.argwhere(mask)[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]
    inner_mm = points_mm[:, 0] * inward
    return float(points_mm[inner_mm >= inner_mm.max() - _RIB_END_MM, 2].mean())


def _volumes(counted: _Counted) -> Iterator[Finding]:
    for label, (least_ml, most_ml) in VOLUME_ML.items():
        if label not in counted.position:
            continue
        volume_ml = counted.volume_ml(label)
        if volume_ml > most_ml or (volume_ml < least_ml and not counted.cut_off(label)):
            yield Finding("volume", label, f"{volume_ml:.0f} ml, expected {least_ml:.0f} to {most_ml:.0f}", "warn")


def _pieces(counted: _Counted) -> Iterator[Finding]:
    for label in counted.placed(ORGANS):
        mask, _ = counted.coarse(label)
        pieces = np.bincount(ndimage.label(mask, np.ones((3, 3, 3)))[0].ravel())[1:]
        share = pieces.max(initial=0) / max(int(pieces.sum()), 1)
        if share < _MAIN_PIECE:
            yield Finding("pieces", label, f"the largest of {len(pieces)} pieces is {share:.0%} of it", "warn")


def _situs(counted: _Counted) -> Iterator[Finding]:
    if len(counted.placed(("liver", "stomach"))) == 2:
        apart_mm = float(counted.centre_mm("liver")[0] - counted.centre_mm("stomach")[0])
        if apart_mm > 0:
            yield Finding("situs", "liver", f"lies {apart_mm:.0f} mm to the left of the stomach", "warn")
