"""Boxes of several readers: overlap, agreement, and one box for what they mean.

A box is x, y, width, height in pixels. Boxes are one where their intersection over union is above a limit, as in
VinDr-CXR's measure (Nguyen 2022, Sci Data 9:429: 0.4).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

Box = tuple[float, float, float, float]


class Fused(NamedTuple):
    """One box for several, and the numbers of those that it stands for."""

    box: Box
    members: tuple[int, ...]


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1; 0 if neither has an area."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)


def matched(a: Sequence[Box], b: Sequence[Box], limit: float) -> int:
    """The most pairs of one box each that overlap by more than ``limit``."""
    meets = np.array([[iou(one, other) > limit for other in b] for one in a]).reshape(len(a), len(b))
    rows, columns = linear_sum_assignment(meets, maximize=True)
    return int(meets[rows, columns].sum())


def f1(a: Sequence[Box], b: Sequence[Box], limit: float) -> float:
    """F1 of one reader's boxes against another's: twice the matched pairs over all boxes; 0 if there is no box."""
    total = len(a) + len(b)
    return 2 * matched(a, b, limit) / total if total else 0.0


def fuse(boxes: Sequence[Box], limit: float) -> list[Fused]:
    """Weighted box fusion (Solovyev 2021, Image Vis Comput 107:104117) of boxes of equal weight, by place.

    Each box joins the fused box that it overlaps most, by more than ``limit``, or begins one; a fused box is the mean
    of the corners of its members. Boxes come in the order of their place, whoever drew them.
    """
    clusters: list[list[int]] = []
    fused: list[Box] = []
    for number in sorted(range(len(boxes)), key=lambda number: boxes[number]):
        overlaps = [iou(boxes[number], box) for box in fused]
        if max(overlaps, default=0.0) > limit:
            best = overlaps.index(max(overlaps))
            clusters[best].append(number)
            fused[best] = _mean([boxes[member] for member in clusters[best]])
        else:
            clusters.append([number])
            fused.append(boxes[number])
    return sorted(Fused(box, tuple(sorted(members))) for box, members in zip(fused, clusters, strict=True))


def _mean(boxes: Sequence[Box]) -> Box:
    x, y, width, height = (sum(sides) / len(boxes) for sides in zip(*boxes, strict=True))
    return x, y, width, height
