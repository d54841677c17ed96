"""Voxels are bone, lung or neither, by their labels."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from curation.errors import InputError
from projection import prepare

NUMBERS = {
    "lung_upper_lobe_left": 10,
    "aorta": 52,
    "vertebrae_T5": 40,
    "rib_left_5": 96,
    "costal_cartilages": 118,
    "autochthon_left": 86,
}


def test_materials_come_from_labels_and_never_from_hu_alone() -> None:
    hu = np.full((1, 1, 12), 400, np.int16)
    values = np.zeros((1, 1, 12), np.uint8)
    values[0, 0] = [0, 0, 96, 52, 10, 0, 118, 0, 0, 118, 86, 40]
    hu[0, 0, 6], hu[0, 0, 11] = 100, -50  # soft cartilage; fatty marrow
    want = [0, 1, 1, 0, 2, 0, 0, 0, 1, 1, 0, 1]
    for threads in (1, 2):
        assert prepare.materials(hu, values, NUMBERS, threads)[0, 0].tolist() == want
    assert prepare.bone_mask(hu, values, NUMBERS)[0, 0].tolist() == [m == prepare.BONE for m in want]
    assert prepare.lung_mask(values, NUMBERS)[0, 0].tolist() == [m == prepare.LUNG for m in want]


def test_bone_grows_by_one_voxel_along_every_axis() -> None:
    hu, values = np.full((5, 5, 5), 151, np.int16), np.zeros((5, 5, 5), np.uint8)
    values[2, 2, 2] = 96
    cross = ndimage.iterate_structure(ndimage.generate_binary_structure(3, 1), 1)
    assert (prepare.bone_mask(hu, values, NUMBERS)[1:4, 1:4, 1:4] == cross).all()
    assert prepare.bone_mask(hu, values, NUMBERS).sum() == 7
    assert prepare.bone_mask(hu - np.int16(1), values, NUMBERS).sum() == 1


@pytest.mark.parametrize("labels", [np.zeros((2, 3, 4), np.uint8), np.zeros((3, 4), np.uint8)])
def test_other_grids_are_refused(labels: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="share a grid"):
        prepare.materials(np.zeros((2, 3, 5), np.int16), labels, {})
