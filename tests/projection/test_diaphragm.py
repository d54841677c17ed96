"""The diaphragm on a built chest: two lungs on paraboloid domes, of known height."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from projection.anatomy import diaphragm
from projection.anatomy.body import Body, turned
from projection.kernels import diaphragm as kernels

NAMES = {1: "lung_lower_lobe_left", 2: "lung_lower_lobe_right", 3: "heart", 4: "rib_left_9"}
MIRRORED = {1: "lung_lower_lobe_right", 2: "lung_lower_lobe_left", 3: "heart", 4: "rib_right_9"}
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
TOP_MM, STEEP = 60.0, 1 / 80.0
CENTRES = {1: (50.5, 85.5), 2: (50.5, 34.5)}


def chest() -> NDArray[np.uint8]:
    """(z, y, x) of 2 mm: lungs of radius 44 mm on domes 60 mm above the first slice, a heart between them."""
    values = np.zeros((60, 100, 121), np.uint8)
    z, y, x = np.indices(values.shape)
    for number, (cy, cx) in CENTRES.items():
        across_mm2 = ((y - cy) ** 2 + (x - cx) ** 2) * 4.0
        values[(across_mm2 < 44.0**2) & (z * 2.0 > TOP_MM - across_mm2 * STEEP)] = number
    return values


def body(values: NDArray[np.uint8], names: dict[int, str] | None = None) -> Body:
    return turned(values, names or NAMES, AFFINE)


def whole(found: dict[str, Any], name: str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    full: NDArray[np.bool_] = found[name].full(shape)
    return full


@pytest.fixture(scope="module")
def values() -> NDArray[np.uint8]:
    return chest()


def test_a_dome_is_found_at_its_top(values: NDArray[np.uint8]) -> None:
    tops = diaphragm.domes(body(values))
    for side, number in (("left", 1), ("right", 2)):
        y, x = CENTRES[number]
        assert tops[side] == pytest.approx([x * 2, y * 2, TOP_MM], abs=4.0)
    assert diaphragm.missing(body(values)) == {}


def test_the_sheet_lies_right_below_the_lung_and_hides_nothing(values: NDArray[np.uint8]) -> None:
    found = diaphragm.parts(body(values))
    assert len(found) == 6
    for side, number in (("left", 1), ("right", 2)):
        lung = values == number
        sheet = whole(found, f"{side} hemidiaphragm", values.shape)
        below = whole(found, f"subdiaphragmatic region {side}", values.shape)
        angle = whole(found, f"costophrenic angle {side}", values.shape)
        assert not (sheet & (values > 0)).any()
        assert not (sheet & below).any() and not (below & lung).any()
        assert (angle & lung).sum() == angle.sum() > 0
        columns = sheet.any(axis=0)
        assert columns.sum() > 0.9 * lung.any(axis=0).sum()
        first_lung = lung.argmax(axis=0)[columns]
        assert (sheet[first_lung - 1, *np.nonzero(columns)]).all()  # touches the lung in each column: no hole
        assert below.any(axis=(1, 2)).argmax() == lung.any(axis=(1, 2)).argmax()
        middle = sheet[:, int(CENTRES[number][0]), int(CENTRES[number][1])]
        assert middle.sum() * 2.0 == pytest.approx(diaphragm.SHEET_MM, abs=2.0)


def test_the_angle_is_low_and_to_the_side_or_back(values: NDArray[np.uint8]) -> None:
    for side, sign, number in (("left", 1, 1), ("right", -1, 2)):
        voxels = diaphragm.parts(body(values))[f"costophrenic angle {side}"].voxels()
        y, x = CENTRES[number]
        reach = diaphragm.ANGLE_MM / 2
        assert (voxels[:, 1] > y - reach - 1).all()
        assert ((voxels[:, 2] - x) * sign > -reach - 1).all()
        assert voxels[:, 0].max() * 2.0 < TOP_MM


def test_a_mirrored_body_gives_mirrored_parts(values: NDArray[np.uint8]) -> None:
    found = diaphragm.parts(body(values))
    mirrored = diaphragm.parts(body(np.ascontiguousarray(values[:, :, ::-1]), MIRRORED))
    for name in found:
        twin = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert np.array_equal(whole(found, name, values.shape), whole(mirrored, twin, values.shape)[:, :, ::-1])


def test_the_orientation_of_the_scan_does_not_matter(values: NDArray[np.uint8]) -> None:
    affine = np.array([[0, 0, -2.0, 240], [0, 2.0, 0, 0], [-2.0, 0, 0, 118], [0, 0, 0, 1.0]])
    other = turned(np.ascontiguousarray(values.transpose(2, 1, 0)[::-1, :, ::-1]), NAMES, affine)
    straight, turned_parts = diaphragm.parts(body(values)), diaphragm.parts(other)
    assert straight.keys() == turned_parts.keys()
    for name, region in straight.items():
        assert np.array_equal(region.full(values.shape), turned_parts[name].full(values.shape))


def test_a_missing_lung_and_a_scan_that_ends_above_the_base_are_said(values: NDArray[np.uint8]) -> None:
    one = np.where(values == 1, 0, values).astype(np.uint8)
    assert set(diaphragm.bases(body(one))) == {"right"}
    assert diaphragm.missing(body(one)) == {"left": "no lobe of the left lung is labelled"}
    short = np.ascontiguousarray(values[40:])
    assert diaphragm.parts(body(short)) == {}
    assert diaphragm.missing(body(short))["right"] == "the scan does not show the base of the right lung"
    thin = np.zeros_like(values)
    thin[20:, 50:53, 60:63] = 1
    thin[20:, 10:22, 10:22] = 2
    assert set(diaphragm.missing(body(thin))) == {"left", "right"}


def test_lung_above_the_heart_has_no_diaphragm(values: NDArray[np.uint8]) -> None:
    with_heart = values.copy()
    with_heart[20:40, 30:70, 60:80] = 3
    far = values.copy()
    far[20:40, 0:3, 0:3] = 3
    columns = diaphragm.bases(body(with_heart))["left"]
    x = np.arange(60, 80) - columns.start_yx[1]
    assert not columns.mask[40 - columns.start_yx[0], x[x >= 0]].any()
    assert np.array_equal(diaphragm.bases(body(far))["left"].mask, diaphragm.bases(body(values))["left"].mask)


def test_a_stray_piece_of_lung_in_the_abdomen_changes_nothing(values: NDArray[np.uint8]) -> None:
    stray = values.copy()
    stray[3:5, 50:54, 85:89] = 1
    assert np.array_equal(
        diaphragm.bases(body(stray))["left"].height_mm, diaphragm.bases(body(values))["left"].height_mm
    )


def test_the_angle_is_a_wedge_within_reach_of_the_rim(values: NDArray[np.uint8]) -> None:
    made = body(values)
    for side, base in diaphragm.bases(made).items():
        rim = base.mask & ~ndimage.binary_erosion(base.mask)
        points = np.column_stack([base.lowest_z[rim], np.argwhere(rim) + np.array(base.start_yx)]) * 2.0
        voxels = diaphragm.parts(made)[f"costophrenic angle {side}"].voxels()
        away_mm = KDTree(points).query(voxels * 2.0)[0]
        assert away_mm.max() <= diaphragm.ANGLE_MM + 1e-6
        highest = voxels[voxels[:, 0] == voxels[:, 0].max()]
        lowest = voxels[voxels[:, 0] == voxels[:, 0].min() + 1]
        assert len(lowest) and len(highest) < (voxels[:, 0] == int(np.median(voxels[:, 0]))).sum()


def test_voxels_around_points_are_those_within_the_reach_of_any() -> None:
    rng = np.random.default_rng(3)
    mask, spacing = rng.random((7, 9, 11)) < 0.7, np.array([2.5, 0.7, 1.1])
    points, reach_mm = rng.integers(0, 7, (5, 3)).astype(np.int32), np.array([0.5, 1.0, 2.0, 3.0, 6.0])
    away_mm = np.sqrt((((np.indices(mask.shape).reshape(3, 1, -1).T - points) * spacing) ** 2).sum(axis=2))
    wanted = (away_mm <= reach_mm).any(axis=1).reshape(mask.shape)
    np.testing.assert_array_equal(kernels.around(mask, points, reach_mm, spacing), mask & wanted)


def test_a_spike_of_lung_over_gas_in_the_colon_is_no_diaphragm(values: NDArray[np.uint8]) -> None:
    spiked = values.copy()
    spiked[:45, 60:63, 100:103] = 0
    tops = [
        np.flatnonzero(whole(diaphragm.parts(body(of)), "left hemidiaphragm", values.shape)[:, 61, 101]).max()
        for of in (spiked, values)
    ]
    assert 0 <= tops[0] - tops[1] <= 1
