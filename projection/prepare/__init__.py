"""What is done to a CT before it is projected: table and contrast removed, voxels sorted into materials.

Arrays are ``(z, y, x)``: z rises to the head, y to the back, x to the patient's left, as in a ``Body``. ``hu`` is int16
and **changed in place**, slice by slice, as a thin-slice chest CT has hundreds of MB; ``values`` is a labelmap (uint8)
on the same grid, ``numbers`` gives the number of each TotalSegmentator structure in it.
"""

from projection.prepare.contrast import BLOOD_HU, NATIVE_HU, without_contrast
from projection.prepare.table import AIR_HU, PADDING_BELOW_HU, SOLID_HU, Removed, without_table
from projection.prepare.tissues import BONE, BONE_HU, LUNG, OTHER, bone_mask, lung_mask, materials

__all__ = [
    "AIR_HU",
    "BLOOD_HU",
    "BONE",
    "BONE_HU",
    "LUNG",
    "NATIVE_HU",
    "OTHER",
    "PADDING_BELOW_HU",
    "SOLID_HU",
    "Removed",
    "bone_mask",
    "lung_mask",
    "materials",
    "without_contrast",
    "without_table",
]
