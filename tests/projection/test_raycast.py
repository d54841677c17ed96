"""Rays through volumes: against voxel-by-voxel Siddon, closed forms, and a phantom with one marker on each side."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.errors import InputError, SettingsError
from curation.settings import ProjectSettings
from projection import raycast, rle
from projection.raycast import Layers, Pose
from tests import naive

Floats = NDArray[np.float64]


def settings(**changed: Any) -> ProjectSettings:
    """A small detector; its pixels do not fall on the planes of the grids below."""
    plain = {
        "version": 1, "views": ("PA",), "beam": "cone", "size_px": 32, "detector_mm": 63.37,
        "source_to_detector_mm": 300.0, "min_thickness_mm": 0.05, "min_area_px": 1,
    }  # fmt: skip
    return ProjectSettings(**{**plain, **changed})


def affine(
    spacing_xyz_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    axes: tuple[int, ...] = (0, 1, 2),
    flips: str = "+++",
    turn_deg: float = 0.0,
) -> Floats:
    """Voxel axis i runs along LPS axis ``axes[i]`` (or against it), the whole turned around (1, 2, 3)."""
    made = np.eye(4)
    signs = [1 if flip == "+" else -1 for flip in flips]
    made[:3, :3] = np.eye(3)[:, axes] * np.array(signs) * np.array(spacing_xyz_mm)
    made[:3, :3] = _turn(np.array([1.0, 2.0, 3.0]), turn_deg) @ made[:3, :3]
    made[:3, 3] = (-11.0, 7.5, 40.0)
    return made


def _turn(axis: Floats, degrees: float) -> Floats:
    x, y, z = axis / np.linalg.norm(axis)
    cross, angle = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]), np.radians(degrees)
    turned: Floats = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned


def random_volume(seed: int, shape: tuple[int, int, int]) -> tuple[NDArray[np.int16], Layers]:
    """Random HU, and four values in chunks: one without label, two labels, and one that is in both."""
    rng = np.random.default_rng(seed)
    hu = rng.integers(-1024, 2000, shape).astype(np.int16)
    values = np.where(rng.random(shape) < 0.6, np.roll(rng.integers(0, 5, shape), 1), 3).astype(np.uint8)
    return hu, Layers(values, ("first", "second", "third"), {1: (0,), 2: (1,), 3: (0, 1), 200: (2,)})


GRIDS = {
    "axial": affine((1.5, 1.5, 3.0)),
    "axial_from_the_head_down": affine((1.5, 1.0, 3.0), flips="++-"),
    "thin_slices": affine((3.0, 3.0, 0.4)),
    "coronal": affine((1.0, 2.0, 2.5), axes=(0, 2, 1), flips="+-+"),
    "sagittal_mirrored": affine((2.0, 1.0, 1.5), axes=(1, 2, 0), flips="---"),
    "oblique": affine((1.7, 1.3, 2.1), turn_deg=12.0),
}


@pytest.mark.parametrize("view", ["PA", "AP", "LAT"])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("beam", ["cone", "parallel"])
def test_as_voxel_by_voxel(grid: str, view: raycast.ViewName, beam: str) -> None:
    hu, layers = random_volume(len(grid), (9, 12, 10))
    pose = raycast.view_geometry(view, GRIDS[grid], hu.shape, settings(beam=beam))
    _assert_as_naive(hu, layers, GRIDS[grid], pose)


def test_as_voxel_by_voxel_off_centre_with_rays_that_miss() -> None:
    hu, layers = random_volume(7, (6, 8, 7))
    grid = affine((2.0, 1.5, 2.5))
    centred = raycast.view_geometry("PA", grid, hu.shape, settings())
    shift = np.array([14.0, 0.0, 20.0])
    for source, origin in ((shift, shift), (shift, 0 * shift), (0 * shift, shift)):
        pose = Pose(
            **{**vars(centred), "source_mm": centred.source_mm + source, "origin_mm": centred.origin_mm + origin}
        )
        assert (_assert_as_naive(hu, layers, grid, pose) == 0).any()


def test_a_ray_stops_at_source_and_detector() -> None:
    hu, layers = random_volume(8, (6, 40, 7))
    grid = affine()
    centred = raycast.view_geometry("PA", grid, hu.shape, settings())
    inside = Pose(
        **{
            **vars(centred),
            "origin_mm": centred.origin_mm + np.array([0, 22.3, 0]),
            "source_mm": centred.source_mm - np.array([0, 265.0, 0]),
        }
    )
    _assert_as_naive(hu, layers, grid, inside)


def _assert_as_naive(hu: NDArray[np.int16], layers: Layers, grid: Floats, pose: Pose) -> NDArray[np.float32]:
    image, thickness_mm = naive.project(hu, layers, grid, pose)
    made = raycast.project(hu, layers, grid, pose, 0.05, threads=1)
    dense = raycast.thickness(hu, layers, grid, pose, threads=2)
    np.testing.assert_allclose(made.line_integral, image, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dense, thickness_mm, rtol=1e-6, atol=1e-6)
    for position, label in enumerate(layers.labels):
        expected = thickness_mm[position] > 0.05
        assert (label in made.footprints) == expected.any()
        if expected.any():
            seen = made.footprints[label]
            mask = rle.decode(seen.rle, pose.size_px, pose.size_px)
            assert (mask != expected).sum() == 0
            assert (seen.area_px, seen.box) == (expected.sum(), rle.box(seen.rle, pose.size_px))
            assert seen.mean_thickness_mm == pytest.approx(thickness_mm[position][expected].mean(), rel=1e-9)
    return made.line_integral


def test_rays_along_grid_planes_belong_to_the_voxel_above() -> None:
    values = np.arange(1, 9, dtype=np.uint8).reshape(2, 2, 2)
    layers = Layers(values, tuple(f"v{v}" for v in range(1, 9)), {v: (v - 1,) for v in range(1, 9)})
    grid = np.eye(4)
    grid[:3, 3] = (0.5, 0.5, 0.5)  # planes at 0, 1 and 2 mm
    pose = Pose(
        np.array([0.0, 100.0, 2.0]),
        np.array([0.0, -5.0, 2.0]),
        np.array([1.0, 0, 0]),
        np.array([0, 0, -1.0]),
        1.0,
        3,
        105.0,
        "parallel",
    )
    pose = Pose(**{**vars(pose), "source_mm": np.array([1.0, 100.0, 1.0])})
    dense = raycast.thickness(np.zeros((2, 2, 2), np.int16), layers, grid, pose)
    for z, y, x in np.ndindex(2, 2, 2):
        expected = np.zeros((3, 3))
        expected[2 - z, x] = 1.0  # row 0 is at z = 2, just outside; row 1 at 1; row 2 at 0
        np.testing.assert_array_equal(dense[values[z, y, x] - 1], expected)


def test_a_water_cube_casts_its_edge_length() -> None:
    hu = np.full((20, 20, 20), -1000, np.int16)
    hu[5:15, 5:15, 5:15] = 0
    layers = Layers((hu == 0).astype(np.uint8), ("cube",), {1: (0,)})
    grid = affine((1.0, 1.0, 1.0))
    pose = raycast.view_geometry("PA", grid, hu.shape, settings(beam="parallel", size_px=64, detector_mm=64.0))
    made = raycast.project(hu, layers, grid, pose, 0.05)
    np.testing.assert_array_equal(np.unique(made.line_integral), np.array([0, 10 * WATER], np.float32))
    assert made.footprints["cube"].area_px == 100
    assert made.footprints["cube"].mean_thickness_mm == pytest.approx(10.0)


WATER = np.float32(1000 * 10) * np.float32(raycast.WATER_PER_MM / 1000) / 10


def test_a_sphere_casts_its_chords_and_is_magnified() -> None:
    radius_mm, spacing_mm = 20.0, 0.5
    centre = np.arange(-24, 24, spacing_mm) + spacing_mm / 2
    z, y, x = np.meshgrid(centre, centre, centre, indexing="ij")
    inside = x * x + y * y + z * z <= radius_mm**2
    layers = Layers(inside.astype(np.uint8), ("sphere",), {1: (0,)})
    grid = np.diag([spacing_mm] * 3 + [1.0])
    grid[:3, 3] = centre[0]
    pose = raycast.view_geometry("LAT", grid, inside.shape, settings(size_px=64))
    chords_mm = raycast.thickness(np.zeros(inside.shape, np.int16), layers, grid, pose)[0]
    rows, columns = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    pixels_mm = pose.origin_mm + pose.pixel_mm * (columns[..., None] * pose.x_axis + rows[..., None] * pose.y_axis)
    along = pixels_mm - pose.source_mm
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    distance_mm = np.linalg.norm(np.cross(along, pose.source_mm), axis=-1)  # the sphere is around 0
    expected_mm = 2 * np.sqrt(np.maximum(radius_mm**2 - distance_mm**2, 0))
    deep = expected_mm > 15  # at the rim a staircase is not a sphere
    assert np.abs(chords_mm - expected_mm)[deep].max() < 2.5 * spacing_mm
    assert abs((chords_mm - expected_mm)[deep].mean()) < 0.1 * spacing_mm
    assert chords_mm[distance_mm > radius_mm + spacing_mm].max() == 0


@pytest.mark.parametrize("grid", ["axial", "axial_from_the_head_down", "coronal", "sagittal_mirrored"])
def test_each_side_of_a_patient_is_seen_where_it_belongs(grid: str) -> None:
    """One marker at each side, of a different size: (image x, image y) of each, -1 is left or up."""
    size_mm = 60.0
    spacing = np.sqrt((GRIDS[grid][:3, :3] ** 2).sum(axis=0))
    shape_xyz = np.ceil(size_mm / spacing).astype(int)
    values = np.zeros(tuple(shape_xyz[::-1]), np.uint8)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in values.shape), indexing="ij"), -1)[..., ::-1]
    points_mm = index @ GRIDS[grid][:3, :3].T + GRIDS[grid][:3, 3]
    centre_mm = points_mm.reshape(-1, 3).mean(axis=0)
    sides = {
        "right": (-20, 0, 0), "left": (20, 0, 0), "front": (0, -20, 0), "back": (0, 20, 0),
        "feet": (0, 0, -20), "head": (0, 0, 20),
    }  # fmt: skip
    for value, (half_mm, offset) in enumerate(zip((3, 4, 5, 6, 7, 8), sides.values(), strict=True), 1):
        values[(np.abs(points_mm - centre_mm - offset) <= half_mm).all(axis=-1)] = value
    layers = Layers(values, tuple(sides), {value: (value - 1,) for value in range(1, 7)})
    hu = np.zeros(values.shape, np.int16)
    frontal = {"right": (-1, 0), "left": (1, 0), "front": (0, 0), "back": (0, 0), "feet": (0, 1), "head": (0, -1)}
    lateral = {"right": (0, 0), "left": (0, 0), "front": (-1, 0), "back": (1, 0), "feet": (0, 1), "head": (0, -1)}
    nearest = {"PA": "front", "AP": "back", "LAT": "left"}  # to the detector, so least magnified
    farthest = {"PA": "back", "AP": "front", "LAT": "right"}
    for view, where in (("PA", frontal), ("AP", frontal), ("LAT", lateral)):
        pose = raycast.view_geometry(view, GRIDS[grid], values.shape, settings(size_px=128, detector_mm=96.0))  # type: ignore[arg-type]
        seen = raycast.project(hu, layers, GRIDS[grid], pose, 0.05).footprints
        for side, expected in where.items():
            x, y, width, height = seen[side].box
            middle = np.array([x + (width - 1) / 2, y + (height - 1) / 2]) - 63.5
            assert tuple(np.where(np.abs(middle) < 10, 0, np.sign(middle)).astype(int)) == expected, (view, side)
        across_mm = {side: points_mm[values == value] @ pose.x_axis for value, side in enumerate(sides, 1)}
        voxel_mm = np.abs(pose.x_axis @ GRIDS[grid][:3, :3]).max()
        scale = {side: seen[side].box[2] / (np.ptp(across_mm[side]) + voxel_mm) for side in sides}
        assert scale[nearest[view]] < scale[farthest[view]], view


def test_the_same_bytes_with_any_number_of_threads() -> None:
    hu, layers = random_volume(3, (20, 30, 25))
    grid = affine((1.5, 1.5, 2.0))
    pose = raycast.view_geometry("PA", grid, hu.shape, settings(size_px=80))
    one, two, five = (raycast.project(hu, layers, grid, pose, 0.05, threads=n) for n in (1, 2, 5))
    assert one.line_integral.tobytes() == two.line_integral.tobytes() == five.line_integral.tobytes()
    assert one.footprints == two.footprints == five.footprints


def test_a_mask_that_fills_the_detector_is_one_run() -> None:
    values = np.ones((30, 30, 30), np.uint8)
    grid = np.diag([10.0, 10.0, 10.0, 1.0])
    pose = raycast.view_geometry("PA", grid, values.shape, settings(source_to_detector_mm=1800.0, size_px=40))
    seen = raycast.project(
        np.zeros(values.shape, np.int16), Layers(values, ("all",), {1: (0,)}), grid, pose, 0.05
    ).footprints
    assert seen["all"].rle == rle.encode(np.ones((40, 40), dtype=bool))


def test_overlaid_labels_keep_what_lies_below() -> None:
    values = np.array([[[1, 1, 2, 2, 0, 0]]], np.uint8)
    base = Layers(values, ("one", "two"), {1: (0,), 2: (1,)})
    made = raycast.overlay(
        base, {"a": ((0, 0, 1), np.ones((1, 1, 4), dtype=bool)), "b": ((0, 0, 3), np.ones((1, 1, 3), dtype=bool))}
    )
    sets = [{made.labels[i] for i in made.members.get(int(v), ())} for v in made.values[0, 0]]
    assert sets == [{"one"}, {"one", "a"}, {"two", "a"}, {"two", "a", "b"}, {"a", "b"}, {"b"}]
    assert values.tolist() == [[[1, 1, 2, 2, 0, 0]]]


def test_more_than_255_sets_of_labels() -> None:
    values = np.arange(1, 256, dtype=np.uint8).reshape(1, 1, 255)
    base = Layers(values, tuple(f"v{v}" for v in range(1, 256)), {v: (v - 1,) for v in range(1, 256)})
    made = raycast.overlay(base, {"all": ((0, 0, 0), np.ones((1, 1, 255), dtype=bool))})
    assert made.values.dtype == np.uint16
    grid = np.diag([0.2, 0.2, 0.2, 1.0])
    pose = raycast.view_geometry("PA", grid, values.shape, settings(beam="parallel", size_px=512))
    seen = raycast.project(np.zeros(values.shape, np.int16), made, grid, pose, 0.05).footprints
    assert seen["all"].area_px == sum(seen[f"v{v}"].area_px for v in range(1, 256))


def test_what_cannot_be_projected_is_refused() -> None:
    hu, layers = random_volume(1, (4, 5, 6))
    pose = raycast.view_geometry("PA", affine(), hu.shape, settings())
    with pytest.raises(InputError, match="share a grid"):
        raycast.project(hu[1:], layers, affine(), pose, 0.05)
    sheared = affine()
    sheared[0, 1] = 0.3
    with pytest.raises(InputError, match="orthogonal"):
        raycast.project(hu, layers, sheared, pose, 0.05)
    with pytest.raises(SettingsError, match="inside the patient"):
        raycast.view_geometry("PA", affine(), (4, 500, 6), settings())
    level = Pose(**{**vars(pose), "source_mm": pose.origin_mm})
    with pytest.raises(SettingsError, match="too large"):
        raycast.project(hu, layers, affine(), level, 0.05)
