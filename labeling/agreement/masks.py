"""Masks of several readers, as COCO run lengths: overlap from their runs, and one mask for what they mean."""

from collections.abc import Sequence

import numpy as np

from curation import rle as coco
from labeling.consensus import merge

Size = tuple[int, int]
"""Rows and columns."""
_THRESHOLD = 0.5  # of STAPLE's probability
_MARGIN = 0.25  # of the box's longer side; measured on discs, from there on masks are those of the whole image


def dice(a: str, b: str) -> float:
    """Dice coefficient of two masks of one size, 0 to 1; 0 if both are empty. No pixel is drawn."""
    if a == b:
        return 1.0 if coco.area(a) else 0.0
    starts, stops = coco.runs_of_counts(coco.decompress(a))
    other_starts, other_stops = coco.runs_of_counts(coco.decompress(b))
    both = int((_covered(other_starts, other_stops, stops) - _covered(other_starts, other_stops, starts)).sum())
    total = int((stops - starts).sum()) + int((other_stops - other_starts).sum())
    return 2 * both / total if total else 0.0


def _covered(starts: coco.Ints, stops: coco.Ints, places: coco.Ints) -> coco.Ints:
    """Pixels of a mask's runs that come before each place."""
    sums = np.concatenate([[0], np.cumsum(stops - starts)])
    run = np.searchsorted(starts, places, side="right")  # runs that begin at or before the place
    beyond = np.concatenate([[0], stops])[run] - places  # of the last of them, pixels that are not passed
    return np.asarray(sums[run] - np.where(run > 0, np.maximum(beyond, 0), 0))


def staple(masks: Sequence[str], size: Size) -> str:
    """One mask from several by STAPLE (``labeling.consensus.merge``), in the box around all of them and a margin.

    What the masks' background is decides STAPLE's prior: without a margin it may wander through all its iterations.
    """
    if len(set(masks)) == 1:
        return masks[0]
    boxes = [box for rle in masks if (box := coco.box(rle, size[0]))[2]]
    left, top = (min(box[axis] for box in boxes) for axis in (0, 1))
    right, bottom = (max(box[axis] + box[axis + 2] for box in boxes) for axis in (0, 1))
    margin = 1 + int(_MARGIN * max(right - left, bottom - top))
    crop = (
        slice(max(top - margin, 0), min(bottom + margin, size[0])),
        slice(max(left - margin, 0), min(right + margin, size[1])),
    )
    merged = np.zeros(size, np.bool_)
    merged[crop] = merge([coco.decode(rle, *size)[crop] for rle in masks], "staple", _THRESHOLD)
    return coco.encode(merged)
