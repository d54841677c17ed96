"""Iodine is taken out of vessels and organs, and of nothing else."""

import numpy as np
from numpy.typing import NDArray

from projection import prepare

NUMBERS = {
    "lung_upper_lobe_left": 10,
    "heart": 51,
    "aorta": 52,
    "liver": 5,
    "kidney_left": 3,
    "kidney_cyst_left": 23,
    "vertebrae_T5": 40,
    "rib_left_5": 96,
    "costal_cartilages": 118,
    "superior_vena_cava": 62,
}


def enhanced(level: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """An aorta of this HU with noise in fat, a vertebra near it, a vessel without a label that leaves it."""
    rng = np.random.default_rng(5)
    shape = (6, 60, 60)
    hu, values = np.full(shape, -100, np.int16), np.zeros(shape, np.uint8)
    values[:, 20:36, 20:36] = 52
    values[:, 45:55, 20:36] = 40
    hu[values == 40] = 600
    hu[:, 44, 20:36] = 400  # the edge of the vertebra, without a label
    hu[values == 52] = level
    hu[2:4, 26:30, 36:50] = level
    hu[:, 19, 20:36] = (level - 100) // 2  # partial volume
    blood = (values == 52) | (hu == level)
    hu[blood] += rng.normal(0, 15, int(blood.sum())).astype(np.int16)
    return hu, values


def test_enhanced_blood_falls_to_native_with_its_noise_and_bone_stays() -> None:
    before, values = enhanced(400)
    hu = prepare.without_contrast(before.copy(), values, NUMBERS)
    aorta = values == 52
    assert abs(hu[aorta].mean() - prepare.BLOOD_HU) < 3
    assert 11 < hu[aorta].std() < 16
    assert abs(hu[2:4, 26:30, 36:50].mean() - prepare.BLOOD_HU) < 5
    assert (hu[:, 19, 20:36] == prepare.BLOOD_HU).all()
    assert (hu[:, 44:55] == before[:, 44:55]).all()
    assert (hu[before == -100] == -100).all()


def test_a_ct_without_contrast_is_not_changed() -> None:
    before, values = enhanced(45)
    assert (prepare.without_contrast(before.copy(), values, NUMBERS) == before).all()


def test_blood_that_touches_bone_without_a_label_stays_with_the_bone() -> None:
    hu, values = np.full((3, 12, 12), -100, np.int16), np.zeros((3, 12, 12), np.uint8)
    values[:, 2:6, 2:10], values[:, 7:10, 2:10] = 52, 40
    hu[:, 2:10, 2:10] = 400
    prepare.without_contrast(hu, values, NUMBERS)
    assert (hu[:, 2:6, 2:10] == prepare.BLOOD_HU).all()
    assert (hu[:, 6:10, 2:10] == 400).all()


def test_organs_have_a_native_hu_of_their_own_and_cysts_none() -> None:
    values = np.zeros((3, 20, 40), np.uint8)
    values[:, 5:15, 2:12], values[:, 5:15, 14:24], values[:, 5:15, 26:36] = 3, 5, 23
    hu = prepare.without_contrast(np.where(values > 0, 200, -100).astype(np.int16), values, NUMBERS)
    assert [int(hu[1, 10, x]) for x in (7, 19, 31)] == [prepare.NATIVE_HU["kidney"], prepare.NATIVE_HU["liver"], 200]


def test_a_large_vessel_tree_is_followed_to_its_end_with_any_number_of_threads() -> None:
    values = np.zeros((12, 40, 40), np.uint8)
    values[0, 0, 0] = 62
    hu = np.full(values.shape, 500, np.int16)
    results = [prepare.without_contrast(hu.copy(), values, NUMBERS, threads) for threads in (1, 3)]
    assert (results[0] == prepare.BLOOD_HU).all()
    assert (results[1] == results[0]).all()
