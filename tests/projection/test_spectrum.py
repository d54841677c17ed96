"""The beam's spectrum and the table of what it leaves."""

from itertools import pairwise

import numpy as np
import pytest

from curation.errors import SettingsError
from projection.appearance.presets import PRESETS
from projection.appearance.spectrum import (
    BONE_NODES,
    SOFT_NODES,
    STEP_MM,
    Beam,
    attenuation_cm2_per_g,
    basis_per_mm,
    spectrum,
    table,
)


def test_tabled_energies_give_tabled_attenuation() -> None:
    np.testing.assert_allclose(attenuation_cm2_per_g("water", np.array([20.0, 60.0])), [0.8096, 0.2059])
    np.testing.assert_allclose(attenuation_cm2_per_g("cortical bone", np.array([60.0])), [0.3148])
    between = attenuation_cm2_per_g("copper", np.array([69.3]))[0]
    assert 0.7630 < between < 1.593


def test_absorption_jumps_up_at_the_k_edges() -> None:
    for material, edge_kev in (("tungsten", 69.525), ("caesium iodide", 33.169), ("caesium iodide", 35.985)):
        below, above = attenuation_cm2_per_g(material, np.array([edge_kev - 0.01, edge_kev + 0.01]))
        assert above > 1.5 * below


def test_120_kv_on_caesium_iodide_is_measured_at_61_kev_on_average() -> None:
    made = spectrum(Beam())
    assert made.weight.sum() == pytest.approx(1)
    assert made.mean_kev == pytest.approx(60.9, abs=0.5)
    assert table(Beam())[1, 0] / STEP_MM == pytest.approx(0.0220, abs=0.0003)


def test_a_higher_peak_and_more_filter_harden_the_beam() -> None:
    means = [spectrum(Beam(peak_kv)).mean_kev for peak_kv in (60.0, 80.0, 100.0, 120.0, 150.0)]
    assert all(low < high for low, high in pairwise(means))
    assert spectrum(Beam(120.0, 3.0, 0.3)).mean_kev > spectrum(Beam()).mean_kev > spectrum(Beam(120, 1.0, 0)).mean_kev


def test_below_tungstens_edge_there_are_no_lines() -> None:
    assert not np.isin(59.32, spectrum(Beam(69.0)).kev)
    assert np.isin(59.32, spectrum(Beam(80.0)).kev)


def test_the_open_beam_is_nought_and_all_else_attenuates() -> None:
    made = table(Beam())
    assert made.shape == (SOFT_NODES, BONE_NODES)
    assert made[0, 0] == 0
    assert (np.diff(made, axis=0) > 0).all()
    assert (np.diff(made, axis=1) > 0).all()


def test_each_further_layer_attenuates_less_the_beam_hardens() -> None:
    made = table(Beam())
    assert (np.diff(made[:, 0], 2) < 0).all()
    assert (np.diff(made[0], 2) < 0).all()
    behind_bone = np.diff(made[:, 25])
    assert (behind_bone < np.diff(made[:, 0])).all()


def test_thin_layers_are_attenuated_as_the_spectrums_mean() -> None:
    made = spectrum(Beam())
    soft, bone = basis_per_mm(made.kev)
    assert table(Beam())[1, 0] == pytest.approx(STEP_MM * float(soft @ made.weight), rel=0.01)
    assert table(Beam())[0, 1] == pytest.approx(STEP_MM * float(bone @ made.weight), rel=0.05)


def test_a_beam_of_one_energy_does_not_harden() -> None:
    made = table(Beam(mono_kev=60.9))
    soft, bone = basis_per_mm(np.array([60.9]))
    wanted = STEP_MM * (soft[0] * np.arange(SOFT_NODES)[:, None] + bone[0] * np.arange(BONE_NODES))
    np.testing.assert_allclose(made, wanted, atol=1e-6)


def test_at_the_cts_energy_a_mm_is_a_mm_of_either() -> None:
    soft, bone = basis_per_mm(np.array([70.0]))
    assert soft[0] == pytest.approx(bone[0])


def test_nodes_are_whole_multiples_and_cannot_be_changed() -> None:
    made = table(Beam())
    np.testing.assert_array_equal(made * 2**20, np.round(made * 2**20))
    with pytest.raises(ValueError, match="read-only"):
        made[0, 0] = 1


@pytest.mark.parametrize("beam", [Beam(30.0), Beam(151.0), Beam(mono_kev=10.0), Beam(mono_kev=200.0)])
def test_energies_beyond_the_tables_are_refused(beam: Beam) -> None:
    with pytest.raises(SettingsError, match="must be from"):
        spectrum(beam)


def test_every_preset_has_its_own_name_and_a_beam_that_works() -> None:
    for name, preset in PRESETS.items():
        assert preset.name == name
        assert table(preset.beam)[1, 0] > 0
