"""Soft masks and contrast from thickness."""

import numpy as np
import pytest

from projection.raycast import WATER_PER_MM
from projection.soft import contrast, soft_masks


def test_a_soft_mask_fades_where_the_label_is_thin_and_is_full_where_it_is_thick() -> None:
    thick = np.zeros((2, 1, 101), np.float32)
    thick[0, 0] = np.arange(101)
    soft = soft_masks(thick)
    assert soft[0, 0, 0] == 0
    assert soft[0, 0, 50] == pytest.approx(50 / 95.05, rel=1e-5)
    assert (soft[0, 0, 96:] == 1).all()
    assert not soft[1].any()
    assert soft_masks(thick, 50.0)[0, 0, 51] == 1


def test_contrast_is_the_change_in_attenuation() -> None:
    made = contrast(np.full((2, 1, 1), 10, np.float32), np.array([-800.0, 50.0]), np.array([40.0, 40.0]))
    assert made.ravel() == pytest.approx([10 * 0.84 * WATER_PER_MM, 10 * 0.01 * WATER_PER_MM])
