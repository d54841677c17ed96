"""Iodine is taken out: a virtual non-contrast CT."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from projection.kernels import contrast as kernels
from projection.prepare.given import BONES, Hu, Values, check_writable
from projection.threads import planes

BLOOD_HU = 40
NATIVE_HU = {"kidney": 30, "spleen": 48, "liver": 55, "pancreas": 40, "heart": BLOOD_HU, "atrial_appendage": BLOOD_HU}
"""Mean HU without contrast: textbook values (blood 35-50, kidney 20-40, spleen 40-55, liver 50-65, pancreas 30-50)."""
_ENHANCED_HU = 30  # above native: more than hematocrit and tube voltage change
_VESSEL_HU = 130  # unlabelled: above muscle and parenchyma in every phase
_NOISE_HU = 75  # three standard deviations of a soft kernel in thin slices
_NOISE_RADIUS = 2  # voxels; smaller takes the noise itself for the mean
_VESSELS = ("aorta", "vein", "trunk", "artery", "vena_cava")


def without_contrast(hu: Hu, values: Values, numbers: Mapping[str, int], threads: int = 1) -> Hu:
    """A virtual non-contrast CT, in place: enhanced blood and organs fall to their HU without iodine.

    Vessels, heart, kidneys, spleen, liver and pancreas of which more than half is 30 HU above native are lowered to
    native, ``NATIVE_HU``; every voxel keeps its noise: its distance from the mean of those enhanced voxels around it
    (5 × 5 in the slice) that differ by 75 HU at most, a sigma filter (Lee, Comput Vis Graph Image Process 24:255,
    1983). So are the enhanced voxels around them: one voxel of partial volume, and vessels without a label (pulmonary
    artery, lung vessels) that hang together with them above 130 HU. What touches bone stays, bone stays, a CT without
    contrast stays. Calcified plaques in an enhanced vessel are lost.
    One energy cannot tell iodine from calcium: the method replaces, it does not measure. Its aim is that of virtual
    non-contrast images (Johnson et al., Eur Radiol 17:1510, 2007).

    Raises InputError as ``without_table``.
    """
    check_writable(hu, values)
    native = _native(numbers)
    counts = np.zeros((256, 2), np.int64)
    kernels.above_native(hu, values, native, _ENHANCED_HU, counts)
    native[(native >= 0) & (2 * counts[:, 1] <= counts[:, 0])] = kernels.CLOSED
    if (native < 0).all():
        return hu
    outside = np.zeros(hu.shape, np.uint8)
    kernels.enhanced_outside(hu, values, native, BLOOD_HU + _ENHANCED_HU, _VESSEL_HU, outside)
    limits = (BLOOD_HU, _ENHANCED_HU, _NOISE_HU, _NOISE_RADIUS)
    planes(
        lambda first, last: kernels.lower_contrast(hu, values, native, outside, limits, first, last),
        hu.shape[0],
        threads,
    )
    return hu


def _native(numbers: Mapping[str, int]) -> NDArray[np.int16]:
    """HU without contrast by voxel value, or what stands for it, as ``kernels.enhanced_outside`` takes it."""
    native = np.full(256, kernels.CLOSED, np.int16)
    native[0] = kernels.OPEN
    for name, number in numbers.items():
        organ = next((key for key in NATIVE_HU if name.startswith(key)), None)
        if organ is not None and "cyst" not in name:
            native[number] = NATIVE_HU[organ]
        elif any(vessel in name for vessel in _VESSELS):
            native[number] = BLOOD_HU
        elif name.startswith("lung_"):
            native[number] = kernels.OPEN
        elif name.startswith((*BONES, "costal_cartilages")):
            native[number] = kernels.BONE
    return native
