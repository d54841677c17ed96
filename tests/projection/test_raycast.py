"""Rays through volumes: against voxel-by-voxel Siddon, closed forms, and a phantom with one marker on each side."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError, SettingsError
from curation.settings import ViewName
from projection.layers import Layers, overlay
from projection.pose import VIEWS, Detector, Jitter, Pose, view_pose
from projection.prepare import BONE, LUNG
from projection.raycast import WATER_PER_MM, Scene
from tests import naive

Floats = NDArray[np.float64]


def detector(**changed: Any) -> Detector:
    """A small detector; its pixels do not fall on the planes of the grids below."""
    return Detector(**{"size_px": 32, "side_mm": 63.37, "source_to_detector_mm": 300.0, **changed})


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


@pytest.mark.parametrize("view", ["PA", "AP", "LAT", "RAO"])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("beam", ["cone", "parallel"])
def test_as_voxel_by_voxel(grid: str, view: ViewName, beam: str) -> None:
    hu, layers = random_volume(len(grid), (9, 12, 10))
    pose = view_pose(view, GRIDS[grid], hu.shape, detector(beam=beam))
    _assert_as_naive(hu, layers, GRIDS[grid], pose)


@pytest.mark.parametrize("jitter", [Jitter(pitch_deg=7.0), Jitter(roll_deg=-5.0, right_mm=4.0), Jitter(3.0, 8.0, 12.0)])
@pytest.mark.parametrize("beam", ["cone", "parallel"])
def test_as_voxel_by_voxel_for_a_patient_who_leans(jitter: Jitter, beam: str) -> None:
    hu, layers = random_volume(11, (9, 12, 10))
    pose = view_pose("LAT", GRIDS["axial"], hu.shape, detector(beam=beam), jitter)
    _assert_as_naive(hu, layers, GRIDS["axial"], pose)


@pytest.mark.parametrize("view", ["PA", "LAT"])
@pytest.mark.parametrize("jitter", [Jitter(), Jitter(pitch_deg=5.0)])
def test_labels_finer_than_the_ct(view: ViewName, jitter: Jitter) -> None:
    grid, fine = GRIDS["axial"], GRIDS["axial"].copy()
    hu = random_volume(1, (4, 12, 10))[0]
    fine_hu, layers = random_volume(2, (12, 12, 10))
    fine[:3, 2] /= 3
    fine[:3, 3] -= fine[:3, 2]  # of its first slice's centre
    pose = view_pose(view, grid, hu.shape, detector(), jitter)
    finer = Layers(layers.values, layers.labels, layers.members, finer_z=3)
    assert Scene(hu, finer, grid).footprints(pose, 0.05) == Scene(fine_hu, layers, fine).footprints(pose, 0.05)


def test_bone_and_lung_alone() -> None:
    hu, layers = random_volume(5, (9, 12, 10))
    tissue = np.random.default_rng(5).integers(0, 3, hu.shape).astype(np.uint8)
    for view in ("PA", "LAT"):
        pose = view_pose(view, GRIDS["axial"], hu.shape, detector())
        made = Scene(hu, layers, GRIDS["axial"], tissue).project(pose, 0.05).water_mm
        bone = np.where(tissue == BONE, np.maximum(hu, 40) - 1040, -1000).astype(np.int16)
        lung = np.where(tissue == LUNG, hu, -1000).astype(np.int16)
        for part, alone in (("total", hu), ("bone", bone), ("lung", lung)):
            expected = naive.project(alone, layers, GRIDS["axial"], pose)[0]
            np.testing.assert_allclose(made[part] * WATER_PER_MM, expected, rtol=1e-6, atol=1e-6)


def test_a_ray_is_covered_if_it_does_not_leave_through_an_end() -> None:
    hu = np.zeros((10, 20, 20), np.int16)
    scene = Scene(hu, Layers(hu.astype(np.uint8), (), {}), affine())
    for jitter in (Jitter(), Jitter(pitch_deg=4.0)):
        pose = view_pose("PA", affine(), hu.shape, detector(), jitter)
        made = scene.coverage(pose)
        for row, column in np.ndindex(32, 32):
            pixel_mm = pose.origin_mm + pose.pixel_mm * (column * pose.x_axis + row * pose.y_axis)
            tall = affine()
            tall[:3, 3] -= tall[:3, 2] * 100
            inside = naive.ray_pieces((210, 20, 20), tall, pose.source_mm, pixel_mm)
            assert made[row, column] == (bool(inside) and all(100 <= z < 110 for (z, _, _), _ in inside))
    assert made.any()
    assert not made.all()
    from_the_head = {"source_mm": pose.centre_mm + np.array([0, 0, 300]), "y_axis": np.array([0.0, 1, 0])}
    with pytest.raises(SettingsError, match="long axis"):
        scene.coverage(Pose(**{**vars(pose), **from_the_head}))


@pytest.mark.parametrize("view", VIEWS)
def test_both_ways_to_follow_rays_give_the_same(view: ViewName) -> None:
    """A roll too small to see takes the general way."""
    hu, layers = random_volume(13, (30, 40, 35))
    poses = [view_pose(view, GRIDS["axial"], hu.shape, detector(), jitter) for jitter in (Jitter(), Jitter(0, 0, 1e-6))]
    one, other = (Scene(hu, layers, GRIDS["axial"]).project(pose, 0.05) for pose in poses)
    np.testing.assert_allclose(one.water_mm["total"], other.water_mm["total"], rtol=1e-5, atol=1e-3)
    assert one.footprints.keys() == other.footprints.keys()
    for label, seen in one.footprints.items():
        assert abs(seen.area_px - other.footprints[label].area_px) <= 2


def test_as_voxel_by_voxel_off_centre_with_rays_that_miss() -> None:
    hu, layers = random_volume(7, (6, 8, 7))
    grid = affine((2.0, 1.5, 2.5))
    centred = view_pose("PA", grid, hu.shape, detector())
    shift = np.array([14.0, 0.0, 20.0])
    for source, origin in ((shift, shift), (shift, 0 * shift), (0 * shift, shift)):
        pose = Pose(
            **{**vars(centred), "source_mm": centred.source_mm + source, "origin_mm": centred.origin_mm + origin}
        )
        assert (_assert_as_naive(hu, layers, grid, pose) == 0).any()


def test_a_ray_stops_at_source_and_detector() -> None:
    hu, layers = random_volume(8, (6, 40, 7))
    grid = affine()
    centred = view_pose("PA", grid, hu.shape, detector())
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
    made = Scene(hu, layers, grid, threads=1).project(pose, 0.05)
    dense = Scene(hu, layers, grid, threads=2).thickness(pose)
    np.testing.assert_allclose(made.water_mm["total"] * WATER_PER_MM, image, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dense, thickness_mm, rtol=1e-6, atol=1e-6)
    for position, label in enumerate(layers.labels):
        expected = thickness_mm[position] > 0.05
        assert (label in made.footprints) == expected.any()
        if expected.any():
            seen = made.footprints[label]
            mask = rle.decode(seen.rle, pose.size_px, pose.size_px)
            assert (mask != expected).sum() == 0
            assert (seen.area_px, seen.box) == (expected.sum(), rle.box(seen.rle, pose.size_px))
            assert seen.mean_thickness_mm == pytest.approx(thickness_mm[position].sum() / expected.sum(), rel=1e-9)
    return made.water_mm["total"]


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
    dense = Scene(np.zeros((2, 2, 2), np.int16), layers, grid).thickness(pose)
    for z, y, x in np.ndindex(2, 2, 2):
        expected = np.zeros((3, 3))
        expected[2 - z, x] = 1.0  # row 0 is at z = 2, just outside; row 1 at 1; row 2 at 0
        np.testing.assert_array_equal(dense[values[z, y, x] - 1], expected)


def test_a_water_cube_casts_its_edge_length() -> None:
    hu = np.full((20, 20, 20), -1000, np.int16)
    hu[5:15, 5:15, 5:15] = 0
    layers = Layers((hu == 0).astype(np.uint8), ("cube",), {1: (0,)})
    grid = affine((1.0, 1.0, 1.0))
    pose = view_pose("PA", grid, hu.shape, detector(beam="parallel", size_px=64, side_mm=64.0))
    made = Scene(hu, layers, grid).project(pose, 0.05)
    np.testing.assert_array_equal(np.unique(made.water_mm["total"]), np.array([0, 10], np.float32))
    assert made.footprints["cube"].area_px == 100
    assert made.footprints["cube"].mean_thickness_mm == pytest.approx(10.0)


def test_a_sphere_casts_its_chords_and_is_magnified() -> None:
    radius_mm, spacing_mm = 20.0, 0.5
    centre = np.arange(-24, 24, spacing_mm) + spacing_mm / 2
    z, y, x = np.meshgrid(centre, centre, centre, indexing="ij")
    inside = x * x + y * y + z * z <= radius_mm**2
    layers = Layers(inside.astype(np.uint8), ("sphere",), {1: (0,)})
    grid = np.diag([spacing_mm] * 3 + [1.0])
    grid[:3, 3] = centre[0]
    pose = view_pose("LAT", grid, inside.shape, detector(size_px=64))
    chords_mm = Scene(np.zeros(inside.shape, np.int16), layers, grid).thickness(pose)[0]
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
    from_right = {**lateral, "front": (1, 0), "back": (-1, 0)}
    nearest = {"PA": "front", "AP": "back", "LAT": "left", "RL": "right"}  # to the detector, so least magnified
    farthest = {"PA": "back", "AP": "front", "LAT": "right", "RL": "left"}
    shown: dict[ViewName, dict[str, tuple[int, int]]]
    shown = {"PA": frontal, "AP": frontal, "LAT": lateral, "RL": from_right}
    for view, where in shown.items():
        pose = view_pose(view, GRIDS[grid], values.shape, detector(size_px=256, side_mm=96.0))
        seen = Scene(hu, layers, GRIDS[grid]).project(pose, 0.05).footprints
        for side, expected in where.items():
            x, y, width, height = seen[side].box
            middle = np.array([x + (width - 1) / 2, y + (height - 1) / 2]) - 127.5
            assert tuple(np.where(np.abs(middle) < 20, 0, np.sign(middle)).astype(int)) == expected, (view, side)
        across_mm = {side: points_mm[values == value] @ pose.x_axis for value, side in enumerate(sides, 1)}
        voxel_mm = np.abs(pose.x_axis @ GRIDS[grid][:3, :3]).max()
        scale = {side: seen[side].box[2] / (np.ptp(across_mm[side]) + voxel_mm) for side in sides}
        assert scale[nearest[view]] < scale[farthest[view]], view


def test_the_same_bytes_with_any_number_of_threads() -> None:
    hu, layers = random_volume(3, (20, 30, 25))
    grid = affine((1.5, 1.5, 2.0))
    pose = view_pose("PA", grid, hu.shape, detector(size_px=80))
    one, two, five = (Scene(hu, layers, grid, threads=n).project(pose, 0.05) for n in (1, 2, 5))
    assert one.water_mm["total"].tobytes() == two.water_mm["total"].tobytes() == five.water_mm["total"].tobytes()
    assert one.footprints == two.footprints == five.footprints


def test_a_mask_that_fills_the_detector_is_one_run() -> None:
    values = np.ones((30, 30, 30), np.uint8)
    grid = np.diag([10.0, 10.0, 10.0, 1.0])
    pose = view_pose("PA", grid, values.shape, detector(source_to_detector_mm=1800.0, size_px=40))
    seen = Scene(np.zeros(values.shape, np.int16), Layers(values, ("all",), {1: (0,)}), grid).footprints(pose, 0.05)
    assert seen["all"].rle == rle.encode(np.ones((40, 40), dtype=bool))


def test_more_than_255_sets_of_labels() -> None:
    values = np.arange(1, 256, dtype=np.uint8).reshape(1, 1, 255)
    base = Layers(values, tuple(f"v{v}" for v in range(1, 256)), {v: (v - 1,) for v in range(1, 256)})
    made = overlay(base, {"all": ((0, 0, 0), np.ones((1, 1, 255), dtype=bool))})
    assert made.values.dtype == np.uint16
    grid = np.diag([0.2, 0.2, 0.2, 1.0])
    pose = view_pose("PA", grid, values.shape, detector(beam="parallel", size_px=512))
    seen = Scene(np.zeros(values.shape, np.int16), made, grid).footprints(pose, 0.05)
    assert seen["all"].area_px == sum(seen[f"v{v}"].area_px for v in range(1, 256))


def test_what_cannot_be_projected_is_refused() -> None:
    hu, layers = random_volume(1, (4, 5, 6))
    pose = view_pose("PA", affine(), hu.shape, detector())
    with pytest.raises(InputError, match="share a grid"):
        Scene(hu[1:], layers, affine()).project(pose, 0.05)
    sheared = affine()
    sheared[0, 1] = 0.3
    with pytest.raises(InputError, match="orthogonal"):
        Scene(hu, layers, sheared).project(pose, 0.05)
    with pytest.raises(SettingsError, match="inside the patient"):
        view_pose("PA", affine(), (4, 500, 6), detector())
    level = Pose(**{**vars(pose), "source_mm": pose.origin_mm})
    with pytest.raises(SettingsError, match="too large"):
        Scene(hu, layers, affine()).project(level, 0.05)
