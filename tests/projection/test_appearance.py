"""From line integrals to pictures."""

import hashlib
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from curation.errors import InputError
from projection.appearance import DRR, FILM, PAXRAY, Integrals, Preset, detector, picture, png, tone
from projection.appearance.presets import Detector, Tone
from projection.appearance.spectrum import STEP_MM, Beam, table
from projection.kernels import film as kernels

QUIET = replace(FILM, detector=Detector())


def made_up_chest() -> NDArray[np.float32]:
    """Two lungs in a body, a spine between them, air around; mm of water; four rows are alike, as with thick slices."""
    y, x = np.mgrid[:128, :160]
    y = y // 4 * 4
    body = (6 * (x - 80)) ** 2 + (7 * (y - 64)) ** 2 < 420**2
    lungs = (7 * (np.abs(x - 80) - 30)) ** 2 + (4 * (y - 60)) ** 2 < 140**2
    steps = body * 6000 - lungs * 4000 + (np.abs(x - 80) < 6) * body * 2000 + (x * 7 + y * 13) % 50 * body
    made: NDArray[np.float32] = (steps / 25).astype(np.float32)
    return made


def of(total_mm: NDArray[np.float32], preset: Preset = QUIET, seed: int = 0) -> NDArray[np.uint8]:
    return picture(Integrals(total_mm), preset, seed=seed).film


@pytest.mark.parametrize("preset", [FILM, PAXRAY, DRR], ids=lambda preset: preset.name)
def test_bone_is_bright_lungs_are_dark_air_is_black(preset: Preset) -> None:
    made = picture(Integrals(made_up_chest()), preset, seed=1)
    assert made.photometric == "MONOCHROME2"
    assert made.film.dtype == np.uint8
    assert made.partners == {}
    spine, lung, flank = (int(made.film[at].mean()) for at in (np.s_[60:64, 78:82], np.s_[56:60, 48:52], np.s_[64, 18]))
    assert spine > flank > lung > 0
    assert (made.film[:, :5] == 0).all()
    assert spine > 200
    assert lung < 110


def test_the_picture_is_the_same_on_every_machine() -> None:
    """A change of these bytes changes every release: raise the stage's version with it."""
    made = picture(Integrals(made_up_chest()), FILM, seed=3, voxel_px=(4.0, 1.0))
    assert [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (made.film, made.raw)] == [
        "c9b51fc92ead5d60",
        "20d5d9d7114238d5",
    ]


def test_the_seed_decides_the_noise_and_nothing_else() -> None:
    chest = Integrals(made_up_chest())
    one, same, other = (picture(chest, FILM, seed=seed).raw for seed in (5, 5, 2**127))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert of(made_up_chest(), seed=5).tobytes() == of(made_up_chest(), seed=6).tobytes()


def test_raw_is_minus_log_of_the_beam_that_is_left() -> None:
    mm = np.linspace(0, 400, 300, dtype=np.float32).reshape(10, 30)
    made = picture(Integrals(mm), DRR, seed=0)
    per_mm = table(DRR.beam)[1, 0] / STEP_MM
    np.testing.assert_allclose(made.raw * made.raw_scale, mm * per_mm, atol=made.raw_scale)
    assert made.raw.dtype == np.uint16
    np.testing.assert_allclose(made.film, mm / 400 * 255, atol=1)


def test_thicker_than_sixteen_units_is_held_at_the_top() -> None:
    made = picture(Integrals(np.full((8, 8), 5000, np.float32)), FILM, seed=0)
    assert (made.raw[2:6, 2:6] <= 65535).all()
    assert (picture(Integrals(np.full((8, 8), 5000, np.float32)), DRR, seed=0).raw == 65535).all()


def test_table_look_ups_as_written_out() -> None:
    rng = np.random.default_rng(4)
    soft, bone = rng.uniform(-5, 1100, (20, 9)).astype(np.float32), rng.uniform(-1, 90, (20, 9)).astype(np.float32)
    made = detector.attenuated(soft, bone, Beam())
    nodes = table(Beam())
    for at in np.ndindex(soft.shape):
        u, v = np.clip(soft[at] / STEP_MM, 0, 256), np.clip(bone[at] / STEP_MM, 0, 128)
        a, b = min(int(u), 255), min(int(v), 127)
        corner = nodes[a : a + 2, b : b + 2]
        wanted = np.array([1 - u + a, u - a]) @ corner @ np.array([1 - v + b, v - b])
        assert abs(made[at] - min(wanted * 4096, 65535)) <= 0.51


def test_stairs_of_thick_slices_become_straight_lines() -> None:
    stairs = np.repeat(np.arange(20), 5)[:, None] * np.full((1, 6), 100)
    made = detector.smoothed(stairs.astype(np.int32), (5.0, 1.0))
    np.testing.assert_array_equal(np.diff(made[3:-3], axis=0), 20)
    broken = detector.smoothed(stairs.astype(np.int32), (4.6, 1.0))
    assert np.abs(np.diff(broken[3:-3], axis=0) - 20).max() < 5
    np.testing.assert_array_equal(detector.smoothed(stairs.astype(np.int32), (1.0, 0.4)), stairs)


@pytest.mark.parametrize("replicate", [False, True])
@pytest.mark.parametrize(("reach", "part"), [(0, 0.0), (0, 0.5), (1, 0.25), (3, 0.0), (9, 0.75), (30, 0.5)])
def test_the_running_mean_as_written_out(reach: int, part: float, replicate: bool) -> None:
    values = np.random.default_rng(1).integers(0, 4096, (20, 7)).astype(np.float64)
    made = kernels.mean_down(values, reach, part, replicate)
    padded = np.pad(values, ((reach + 1, reach + 1), (0, 0)), mode="edge" if replicate else "constant")
    for row in range(20):
        near = padded[row : row + 2 * reach + 3]
        total = near[1:-1].sum(axis=0) + part * (near[0] + near[-1])
        np.testing.assert_allclose(made[row], total / (2 * reach + 1 + 2 * part), atol=0.5001)


def test_a_mean_over_the_body_does_not_feel_the_air() -> None:
    weights = np.zeros((64, 64), np.uint8)
    weights[:, 20:44] = 1
    values = np.where(weights > 0, 1000, 7).astype(np.int32)
    for sigma_px in (1.5, 4.0, 9.0):
        made = detector.blurred(values, weights, sigma_px)
        np.testing.assert_allclose(made[:, 20:44], 1000, atol=0.6)
        assert (made[:, 0] <= 1000.6).all()


@pytest.mark.parametrize("sigma_px", [0.7, 2.0, 5.0, 7.5, 12.0, 31.0])
def test_a_blur_spreads_as_far_as_it_says(sigma_px: float) -> None:
    values = np.zeros((301, 301), np.int32)
    values[150, 150] = 2**24
    made = detector.blurred(values, np.ones(values.shape, np.uint8), sigma_px)
    away = np.arange(301) - 150
    line = made.sum(axis=1)
    assert float(line @ away**2 / line.sum()) ** 0.5 == pytest.approx(sigma_px, rel=0.03, abs=0.08)
    assert float(line @ away / line.sum()) == pytest.approx(0, abs=sigma_px / 6)


def test_scatter_comes_from_what_stops_the_beam_not_from_the_open_beam() -> None:
    steps = np.zeros((200, 200), np.int32)
    none = detector.exposure(steps, FILM.detector, 0).scatter
    assert none is not None
    assert not none.any()
    steps[:, 100:] = 4 * 4096
    scatter = detector.exposure(steps, FILM.detector, 0).scatter
    assert scatter is not None
    assert scatter[100, 150] > 3 * scatter[100, 50]
    deep = scatter[100, 150] / np.exp(-4)
    assert deep == pytest.approx(FILM.detector.scatter * 4, rel=0.1)


def test_scatter_is_added_to_the_beam() -> None:
    steps = np.array([[0, 4096, 20000, 60000]], np.int32)
    scatter = np.array([[0.0, 0.1, 0.02, 0.01]])
    made = detector.measured(steps, detector.Exposure(scatter, None))
    wanted = -np.log(np.exp(-steps / 4096) + scatter) * 4096
    np.testing.assert_allclose(made, wanted, atol=1.1)


def test_noise_is_that_of_the_counted_quanta() -> None:
    only_noise = Detector(quanta=100000.0, electronic=30.0)
    for units in (1, 5):
        steps = np.full((512, 512), units * 4096, np.int32)
        made = detector.measured(steps, detector.exposure(steps, only_noise, 11)) / 4096 - units
        quanta = 100000 * 4 * np.exp(-units)
        wanted = (1 / quanta + (30 / quanta) ** 2) ** 0.5
        assert made.std() == pytest.approx(wanted, rel=0.02)
        assert made.mean() == pytest.approx(0, abs=4 * wanted / 512 + 1e-4)
        assert abs(np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed"):
        picture(Integrals(made_up_chest()), FILM, seed=seed)


def test_air_alone_is_black() -> None:
    for preset in (FILM, PAXRAY, DRR):
        assert of(np.zeros((40, 40), np.float32), preset).max() == 0


def test_an_even_slab_has_no_structure() -> None:
    made = of(np.full((40, 40), 150, np.float32))
    assert int(made.max()) - int(made.min()) <= 1


def test_rays_that_leave_the_ct_do_not_spoil_the_window() -> None:
    whole = made_up_chest()
    coverage = np.ones(whole.shape, bool)
    coverage[100:] = False
    cut = np.where(coverage, whole, whole * np.float32(0.3) + (whole > 0) * np.float32(6000))
    good = picture(Integrals(whole), QUIET, seed=0, coverage=coverage).film
    made = picture(Integrals(cut), QUIET, seed=0, coverage=coverage).film
    np.testing.assert_allclose(made[:94].astype(int), good[:94], atol=2)
    spoiled = picture(Integrals(cut), QUIET, seed=0).film
    assert np.abs(spoiled[:94].astype(int) - good[:94]).max() > 40
    assert made[104:110, 78:82].min() > 150


def test_nothing_covered_looks_as_everything_covered() -> None:
    chest = Integrals(made_up_chest())
    none, all_of_it = (picture(chest, QUIET, seed=0, coverage=np.full((128, 160), seen)).film for seen in (False, True))
    np.testing.assert_allclose(none.astype(int), all_of_it, atol=1)


def test_there_is_no_halo_along_the_skin() -> None:
    y, x = np.mgrid[:200, :200]
    thick = 2 * np.sqrt(np.maximum(80.0**2 - (x - 100.0) ** 2, 0)) * (y > -1)
    row = of(thick.astype(np.float32))[100].astype(int)
    assert (np.diff(row[20:95]) >= -2).all()


def test_equal_weights_leave_the_picture_straight() -> None:
    straight = replace(QUIET, tone=Tone(None, 1000))
    banded = replace(QUIET, tone=Tone(None, 1000, weights=(1.0, 1.0, 1.001)))
    plain, mixed = of(made_up_chest(), straight).astype(int), of(made_up_chest(), banded).astype(int)
    body = made_up_chest() > 0
    assert np.corrcoef(plain[body], mixed[body])[0, 1] > 0.999


def test_percentiles_as_written_out() -> None:
    values = np.random.default_rng(2).integers(-500, 3000, (50, 40)).astype(np.int32)
    low, high = tone._percentiles(values, np.ones(values.shape, bool), Tone(100, 900), 32768)
    ordered = np.sort(values.ravel())
    assert (low, high) == (ordered[199], ordered[1799])


def test_grids_that_differ_are_refused() -> None:
    total, other = np.zeros((4, 4), np.float32), np.zeros((4, 5), np.float32)
    for given in (Integrals(total, bone_mm=other), Integrals(total, lung_mm=other)):
        with pytest.raises(InputError, match="share a grid"):
            picture(given, FILM, seed=0)
    with pytest.raises(InputError, match="share a grid"):
        picture(Integrals(total), FILM, seed=0, coverage=np.ones((5, 4), bool))


def test_what_is_not_a_number_is_refused() -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError, match="not finite"):
            picture(Integrals(np.array([[1, bad]], np.float32)), FILM, seed=0)


def test_a_view_without_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="must have pixels"):
        picture(Integrals(np.zeros((0, 4), np.float32)), FILM, seed=0)


def test_one_pixel_is_a_picture() -> None:
    assert picture(Integrals(np.ones((1, 1), np.float32)), FILM, seed=0, voxel_px=(3, 3)).film.shape == (1, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_holds_the_picture_and_nothing_else(dtype: type) -> None:
    shown: NDArray[Any] = (np.arange(200) * (np.iinfo(dtype).max // 199)).astype(dtype).reshape(10, 20)
    data = png(shown)
    image = Image.open(io.BytesIO(data))
    assert image.mode == ("L" if dtype is np.uint8 else "I;16")
    assert image.info == {}
    np.testing.assert_array_equal(np.asarray(image), shown)
    assert data == png(shown.copy())
