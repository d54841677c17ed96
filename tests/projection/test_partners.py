"""Pictures without bones, of the bones alone, of the lungs alone."""

from dataclasses import replace

import numpy as np
import pytest

from projection.appearance import DRR, FILM, PAXRAY, Integrals, Pictures, Preset, picture
from projection.appearance.partners import BONE_ONLY, BONE_SUPPRESSED, LUNG_ONLY

ROWS, COLUMNS = np.mgrid[:160, :160]
BODY = (np.abs(ROWS - 80) < 70) & (np.abs(COLUMNS - 80) < 70)
RIB = (np.abs(ROWS - 40) < 3) & (np.abs(COLUMNS - 80) < 60)
LUNG = (np.abs(ROWS - 60) < 35) & (np.abs(COLUMNS - 50) < 20)
TISSUE_MM = BODY * (200.0 + 4 * np.sin(COLUMNS / 9.0)) - LUNG * 120.0
BONE_MM = RIB * 20.0


def view(bone: bool = True, lung: bool = True) -> Integrals:
    return Integrals(
        total_mm=(TISSUE_MM + BONE_MM).astype(np.float32),
        bone_mm=BONE_MM.astype(np.float32) if bone else None,
        lung_mm=(LUNG * (30.0 + COLUMNS / 4)).astype(np.float32) if lung else None,
    )


def made(preset: Preset = FILM, **known: bool) -> Pictures:
    return picture(view(**known), preset, seed=9)


def test_there_are_partners_for_what_is_known() -> None:
    assert set(made().partners) == {BONE_SUPPRESSED, BONE_ONLY, LUNG_ONLY}
    assert set(made(lung=False).partners) == {BONE_SUPPRESSED, BONE_ONLY}
    assert set(made(bone=False).partners) == {LUNG_ONLY}
    assert not made(bone=False, lung=False).partners


@pytest.mark.parametrize("preset", [FILM, PAXRAY, DRR], ids=lambda preset: preset.name)
def test_partners_have_the_pictures_grid_and_bits(preset: Preset) -> None:
    for partner in made(preset).partners.values():
        assert (partner.shape, partner.dtype) == ((160, 160), np.dtype(np.uint8))


def test_the_rib_is_in_the_picture_and_gone_without_bone() -> None:
    pictures = made(replace(FILM, detector=replace(FILM.detector, quanta=0.0)))
    rib, beside = np.s_[39:42, 90:120], np.s_[56:59, 90:120]
    suppressed = pictures.partners[BONE_SUPPRESSED]
    assert pictures.film[rib].mean() - pictures.film[beside].mean() > 30
    assert abs(suppressed[rib].mean() - suppressed[beside].mean()) < 2


def test_far_from_bone_picture_and_partner_are_the_same_to_the_last_bit_of_noise() -> None:
    pictures = made()
    np.testing.assert_array_equal(pictures.partners[BONE_SUPPRESSED][120:], pictures.film[120:])


def test_without_any_bone_the_partner_is_the_picture() -> None:
    none = replace(view(), total_mm=TISSUE_MM.astype(np.float32), bone_mm=np.zeros((160, 160), np.float32))
    pictures = picture(none, FILM, seed=9)
    np.testing.assert_array_equal(pictures.partners[BONE_SUPPRESSED], pictures.film)
    assert not pictures.partners[BONE_ONLY].any()


def test_bones_alone_are_black_where_there_is_none_and_even_along_a_rib() -> None:
    bones = made(DRR).partners[BONE_ONLY]
    np.testing.assert_array_equal(bones > 0, RIB)
    assert np.ptp(bones[RIB].astype(int)) <= 2
    assert bones.max() == 255


def test_lungs_alone_grow_brighter_with_their_mass() -> None:
    lungs = made().partners[LUNG_ONLY]
    np.testing.assert_array_equal(lungs > 0, LUNG)
    line = lungs[60, 31:69].astype(int)
    assert (np.diff(line) >= 0).all()
    assert line[-1] - line[0] > 30


def test_partners_are_smoothed_as_the_picture_is() -> None:
    bones = picture(view(), DRR, seed=0, voxel_px=(5.0, 1.0)).partners[BONE_ONLY]
    edge = bones[32:42, 80].astype(int)
    assert np.abs(np.diff(edge)).max() < 80
