"""Masks that know how thick a label is: soft ones, and how much of a label a film can show.

Both are made of ``Scene.thickness``: the path in mm through each label along each ray, ``(labels, rows, columns)``.
"""

import numpy as np
from numpy.typing import NDArray

from projection.raycast import WATER_PER_MM

Thickness = NDArray[np.float32]


def soft_masks(thickness_mm: Thickness, percentile: float = 95.0) -> NDArray[np.float32]:
    """Each label from 0 to 1: its thickness over what it is where it is thick, so that a rim fades out.

    "Where it is thick" is a percentile over the pixels that the label meets. A label that meets none stays 0.
    """
    soft = np.zeros(thickness_mm.shape, np.float32)
    for label, thick in enumerate(thickness_mm):
        met = thick[thick > 0]
        if met.size:
            soft[label] = np.minimum(thick / np.float32(np.percentile(met, percentile)), 1)
    return soft


def contrast(thickness_mm: Thickness, hu: NDArray[np.floating], around_hu: NDArray[np.floating]) -> Thickness:
    """By how much the label changes the picture, as minus the logarithm of transmission, against what is around it.

    ``hu`` and ``around_hu`` are one mean HU a label: of itself, and of what would be in its place. A film of a chest
    shows differences of some 0.02 (a signal of 2 % over quantum noise and anatomy); what is less is in the mask, and
    not to be seen.
    """
    per_mm = np.abs(np.asarray(hu, np.float32) - np.asarray(around_hu, np.float32)) * np.float32(WATER_PER_MM / 1000)
    seen: Thickness = thickness_mm * per_mm[:, None, None]
    return seen
