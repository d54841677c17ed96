"""Voxels sorted into bone, lung and all else."""

from collections.abc import Mapping

import numpy as np

from projection.kernels import tissues as kernels
from projection.prepare.given import BONES, Bools, Hu, Values, check_grid
from projection.threads import planes

OTHER, BONE, LUNG = 0, 1, 2
BONE_HU = 150
"""Spongy bone begins about here; enhanced soft tissue apart from vessels and kidneys stays below."""


def materials(hu: Hu, values: Values, numbers: Mapping[str, int], threads: int = 1) -> Values:
    """``(z, y, x)`` uint8: ``OTHER``, ``BONE`` or ``LUNG`` of each voxel; ``hu`` is not changed.

    Bone is labelled bone, costal cartilage above 150 HU (calcified), and unlabelled voxels above 150 HU whose face
    touches one of these: never HU alone, as iodine passes any threshold. Lung is its five lobes.
    Raises InputError if the shapes differ.
    """
    check_grid(hu, values)
    classes = np.zeros(256, np.uint8)
    for name, number in numbers.items():
        classes[number] = _material_class(name)
    out = np.empty(hu.shape, np.uint8)
    planes(lambda first, last: kernels.materials(hu, values, classes, BONE_HU, out, first, last), hu.shape[0], threads)
    return out


def bone_mask(hu: Hu, values: Values, numbers: Mapping[str, int]) -> Bools:
    """Where ``materials`` is bone."""
    mask: Bools = materials(hu, values, numbers) == BONE
    return mask


def lung_mask(values: Values, numbers: Mapping[str, int]) -> Bools:
    """The lung lobes, ``(z, y, x)``."""
    lobes = np.zeros(256, bool)
    lobes[[number for name, number in numbers.items() if name.startswith("lung_")]] = True
    mask: Bools = lobes[values]
    return mask


def _material_class(name: str) -> int:
    """The class of a structure, as ``kernels.materials`` takes it."""
    if name.startswith("lung_"):
        return 2
    if name == "costal_cartilages":
        return 3
    return 1 if name.startswith(BONES) else 4
