"""Table, mattress and blankets go, and the body stays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from curation.errors import InputError
from projection import prepare
from projection.kernels import table as kernels
from projection.prepare import table

SPACING = (2.5, 1.4, 1.4)


@dataclass
class Scan:
    hu: NDArray[np.int16]
    values: NDArray[np.uint8]
    body: NDArray[np.bool_]
    spacing: tuple[float, float, float]


def grid(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> list[NDArray[Any]]:
    """Distance from the centre in mm along z, y, x."""
    return list(
        np.meshgrid(*((np.arange(n) - n / 2) * mm for n, mm in zip(shape, spacing, strict=True)), indexing="ij")
    )


def chest(shape: tuple[int, int, int] = (8, 160, 160), spacing: tuple[float, float, float] = SPACING) -> Scan:
    """A trunk of 150 × 100 mm with two lungs, a heart and a spine, in noisy air."""
    _, y, x = grid(shape, spacing)
    hu = np.random.default_rng(1).normal(-990, 8, shape).astype(np.int16)
    values = np.zeros(shape, np.uint8)
    body = (x / 75) ** 2 + (y / 50) ** 2 < 1
    hu[body] = -60
    for number, centre, level in ((10, 35, -850), (12, -35, -850)):
        lung = ((x - centre) / 24) ** 2 + (y / 34) ** 2 < 1
        hu[lung], values[lung] = level, number
    spine = x**2 + (y - 38) ** 2 < 8**2
    hu[spine], values[spine] = 300, 40
    return Scan(hu, values, body, spacing)


def plate(scan: Scan, first_mm: float, thick_mm: float, level: int) -> None:
    """A table over the whole width whose front is ``first_mm`` behind the centre."""
    _, y, _ = grid(scan.hu.shape, scan.spacing)  # type: ignore[arg-type]
    scan.hu[(y >= first_mm) & (y < first_mm + thick_mm) & ~scan.body] = level


def blanket(scan: Scan, away_mm: float) -> None:
    """A sheet of one voxel around the body."""
    _, y, x = grid(scan.hu.shape, scan.spacing)  # type: ignore[arg-type]
    r = np.hypot(x / (75 + away_mm), y / (50 + away_mm))
    scan.hu[(r > 1) & (r < 1 + scan.spacing[1] / 60)] = -450


def clean(scan: Scan, labels: bool = True) -> tuple[NDArray[np.int16], prepare.Removed]:
    return prepare.without_table(scan.hu.copy(), scan.spacing, scan.values if labels else None)


def assert_only_the_body_is_left(scan: Scan, hu: NDArray[np.int16], skin_mm: float = 4.5) -> None:
    assert (hu[scan.body] == scan.hu[scan.body]).all()
    near_mm = ndimage.distance_transform_edt(~scan.body, sampling=scan.spacing)
    assert (hu[near_mm > skin_mm] == prepare.AIR_HU).all()


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("prone", [True, False])
def test_table_and_blankets_go_and_the_body_stays(prone: bool, labels: bool) -> None:
    scan = chest()
    plate(scan, 62, 5, 100)
    plate(scan, 67, 20, -930)
    blanket(scan, 8)
    blanket(scan, 14)
    if prone:
        scan = Scan(scan.hu[:, ::-1], scan.values[:, ::-1], scan.body[:, ::-1], scan.spacing)
    hu, removed = clean(scan, labels)
    assert_only_the_body_is_left(scan, hu)
    table, other = (removed.front_ml, removed.back_ml) if prone else (removed.back_ml, removed.front_ml)
    assert table > 10 > other
    assert removed.solid_voxels == ((scan.hu > prepare.SOLID_HU) & (hu == prepare.AIR_HU)).sum()
    assert removed.padding_voxels == 0


@pytest.mark.parametrize("spacing", [(0.6, 0.7, 0.7), (5.0, 1.4, 1.4), (2.5, 3.0, 3.0)])
def test_thin_and_thick_slices_and_large_pixels(spacing: tuple[float, float, float]) -> None:
    wide = round(224 / spacing[1])
    scan = chest((10, wide, wide), spacing)
    plate(scan, 66, 6, 100)
    assert_only_the_body_is_left(scan, clean(scan)[0], skin_mm=2.1 * spacing[1] + 3)


def test_a_table_that_touches_the_back_is_cut_off() -> None:
    scan = chest((32, 160, 160))
    plate(scan, 49, 5, 0)
    hu, _ = clean(scan)
    assert (hu[scan.body] == scan.hu[scan.body]).all()
    _, y, x = grid(hu.shape, scan.spacing)  # type: ignore[arg-type]
    assert (hu[(y > 50) & (abs(x) > 55)] == prepare.AIR_HU).all()


def test_hanging_arms_without_label_stay() -> None:
    scan = chest()
    _, y, x = grid(scan.hu.shape, scan.spacing)  # type: ignore[arg-type]
    arms = np.hypot(abs(x) - 96, y - 10) < 16
    scan.hu[arms], scan.body = -20, scan.body | arms
    scan.hu = np.concatenate([scan.hu] * 5)
    scan.values, scan.body = np.concatenate([scan.values] * 5), np.concatenate([scan.body] * 5)
    plate(scan, 62, 5, 100)
    assert_only_the_body_is_left(scan, clean(scan)[0])


def test_a_nipple_and_a_skin_fold_stay() -> None:
    scan = chest()
    _, y, x = grid(scan.hu.shape, scan.spacing)  # type: ignore[arg-type]
    nipple = (abs(x - 20) < 3.5) & (y > -56) & (y < -40)
    scan.hu[nipple], scan.body = -20, scan.body | nipple
    assert_only_the_body_is_left(scan, clean(scan)[0])


def test_a_body_that_the_field_of_view_cuts_keeps_its_cut_lung() -> None:
    scan = chest()
    _, y, x = grid(scan.hu.shape, scan.spacing)  # type: ignore[arg-type]
    plate(scan, 58, 5, 100)
    outside = np.hypot(x, y) > 55
    scan.hu[outside], scan.body = -2048, scan.body & ~outside
    scan.values[outside] = 0
    hu, removed = clean(scan)
    assert (hu[scan.body] == scan.hu[scan.body]).all()
    assert (hu[outside] == prepare.AIR_HU).all()
    assert removed.padding_voxels == outside.sum()


def test_gas_in_the_body_stays_and_padding_inside_becomes_air() -> None:
    scan = chest()
    scan.hu[:, 80:86, 78:84] = -980
    scan.hu[:, 60, 80] = -3024
    hu, _ = clean(scan)
    assert (hu[:, 80:86, 78:84] == -980).all()
    assert (hu[:, 60, 80] == prepare.AIR_HU).all()


def test_the_voxels_around_the_skin_keep_their_hu() -> None:
    scan = chest()
    skin = ndimage.binary_dilation(scan.body[0], np.ones((3, 3))) & ~scan.body[0]
    scan.hu[:, skin] = -700
    assert (clean(scan)[0][:, skin] == -700).all()


def test_air_alone_gives_air() -> None:
    hu, removed = prepare.without_table(np.full((3, 20, 20), -990, np.int16), SPACING)
    assert (hu == prepare.AIR_HU).all()
    assert removed == prepare.Removed(0, 0, 0.0, 0.0)


def test_any_number_of_threads_and_any_memory_order_gives_the_same_bytes() -> None:
    scan = chest((11, 160, 160))
    plate(scan, 49, 5, 0)
    blanket(scan, 3)
    want, removed = clean(scan)
    for threads in (2, 5):
        hu, again = prepare.without_table(scan.hu.copy(), SPACING, scan.values, threads)
        assert hu.tobytes() == want.tobytes()
        assert again == removed
    turned = scan.hu.transpose(2, 1, 0).copy().transpose(2, 1, 0)
    assert (prepare.without_table(turned, SPACING, scan.values)[0] == want).all()


def test_agrees_with_a_slow_oracle() -> None:
    """Opening and labelling by scipy on every voxel; a body between plates that it does not touch."""
    scan = chest()
    plate(scan, 66, 5, 100)
    blanket(scan, 10)
    solid = (scan.hu > prepare.SOLID_HU) | (scan.values > 0)
    ball = np.hypot(*np.ogrid[-4:5, -4:5])[None] <= 4
    labels, _ = ndimage.label(ndimage.binary_opening(solid, ball))
    numbers = np.unique(labels[scan.values > 0])
    body = np.isin(labels, numbers[numbers > 0])
    assert body.sum() > 0.95 * scan.body.sum()
    hu, _ = clean(scan)
    assert ((hu > prepare.SOLID_HU) & ~solid).sum() == 0
    lost = body & solid & (hu != scan.hu)
    assert lost.sum() == 0


@pytest.mark.parametrize("labels", [np.zeros((2, 3, 4), np.uint8), np.zeros((3, 4), np.uint8)])
def test_other_grids_are_refused(labels: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match="share a grid"):
        prepare.without_table(np.zeros((2, 3, 5), np.int16), SPACING, labels)


def test_arrays_that_cannot_be_changed_are_refused() -> None:
    fixed = np.zeros((2, 3, 4), np.int16)
    fixed.setflags(write=False)
    for hu in (fixed, np.zeros((2, 3, 4), np.float32)):
        with pytest.raises(InputError, match="writeable"):
            prepare.without_table(hu, SPACING)  # type: ignore[arg-type]


masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.booleans())


@settings(max_examples=60, deadline=None)
@given(masks)
def test_components_number_parts_as_scipy_does(mask: NDArray[np.bool_]) -> None:
    for through_z in (True, False):
        joins = ndimage.generate_binary_structure(3, 1)
        joins[[0, 2]] &= through_z
        want, n_want = ndimage.label(mask, joins)
        labels = np.full(mask.shape, -1, np.int32)
        assert kernels.components(mask.view(np.uint8), through_z, labels) == n_want
        assert (labels == want).all()


@settings(max_examples=60, deadline=None)
@given(masks, st.integers(0, 4))
def test_dilate_is_an_octagon(mask: NDArray[np.bool_], steps: int) -> None:
    want = mask.copy()
    for step in range(steps):
        joins = ndimage.generate_binary_structure(2, 2 - step % 2)[None]
        want = ndimage.binary_dilation(want, joins)
    got = mask.astype(np.uint8)
    kernels.dilate(got, steps)
    assert (got == want).all()


@settings(max_examples=60, deadline=None)
@given(masks)
def test_holes_are_filled_slice_by_slice(mask: NDArray[np.bool_]) -> None:
    want = np.array([ndimage.binary_fill_holes(plane) for plane in mask])
    assert (table._filled(mask) == want).all()


def test_cells_are_means_of_blocks() -> None:
    rng = np.random.default_rng(3)
    hu = rng.integers(-3100, 1500, (5, 7, 9)).astype(np.int16)
    values = (rng.random(hu.shape) > 0.95).astype(np.uint8)
    means, flags = table._cells(hu, values, True, (2, 3, 4), 2)
    assert means.shape == (3, 3, 3)
    for z, y, x in np.ndindex(3, 3, 3):
        block = (slice(2 * z, 2 * z + 2), slice(3 * y, 3 * y + 3), slice(4 * x, 4 * x + 4))
        assert means[z, y, x] == np.clip(hu[block].astype(int), -1000, 200).sum() // hu[block].size
        padded = 2 * (hu[block] < prepare.PADDING_BELOW_HU).sum() >= hu[block].size
        assert flags[z, y, x] == bool(values[block].any()) * kernels.LABELLED + padded * kernels.PADDED
