"""What a CT that is prepared is given as, and checked: arrays ``(z, y, x)`` on one grid."""

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError

Bools = NDArray[np.bool_]
Values = NDArray[np.uint8]
Hu = NDArray[np.int16]
BONES = ("vertebrae", "rib", "sternum", "scapula", "clavicula", "humerus", "hip", "sacrum", "femur", "skull")
"""How the names of bones begin."""


def check_writable(hu: Hu, values: Values | None) -> None:
    """Raises InputError if ``hu`` cannot be changed, is not int16 or has another shape than the labels."""
    if hu.dtype != np.int16 or not hu.flags.writeable:
        raise InputError("a CT that is prepared in place must be a writeable int16 array: give a copy")
    if values is not None:
        check_grid(hu, values)


def check_grid(hu: Hu, values: Values) -> None:
    """Raises InputError if CT and labels have different shapes."""
    if hu.ndim != 3 or hu.shape != values.shape:
        raise InputError(f"CT and labels must share a grid: the CT is {hu.shape}, the labels are {values.shape}")
