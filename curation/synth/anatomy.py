"""A chest made of ellipsoids, tubes and shells, painted as labels and Hounsfield units on a small axial grid.

Frame: LPS in mm, so the patient's left is +x, the back +y, the head +z; the origin lies in the middle of the chest.
Proportions follow a normal adult chest CT; each patient scales them. Only additions, products and square roots are
used on arrays, which every processor rounds alike, so the same seed gives the same voxels anywhere.
"""

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.uint8]
Hounsfield = NDArray[np.int16]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Point = tuple[float, float, float]

LUNGS = (
    "lung_upper_lobe_left",
    "lung_lower_lobe_left",
    "lung_upper_lobe_right",
    "lung_middle_lobe_right",
    "lung_lower_lobe_right",
)
VERTEBRAE = ("vertebrae_C7", *(f"vertebrae_T{n}" for n in range(1, 13)), "vertebrae_L1", "vertebrae_L2")
RIBS = tuple(f"rib_{side}_{n}" for side in ("left", "right") for n in range(1, 13))
_HU = {  # mean of a structure, in Hounsfield units; contrast in heart and vessels, as in the sample CT
    **dict.fromkeys(LUNGS, -860),
    **dict.fromkeys(VERTEBRAE, 220),
    **dict.fromkeys(RIBS, 350),
    "heart": 180,
    "aorta": 260,
    "pulmonary_vein": 220,
    "atrial_appendage_left": 190,
    "superior_vena_cava": 260,
    "inferior_vena_cava": 140,
    "brachiocephalic_trunk": 250,
    "brachiocephalic_vein_left": 240,
    "brachiocephalic_vein_right": 240,
    "trachea": -970,
    "esophagus": 30,
    "thyroid_gland": 110,
    "spinal_cord": 35,
    "autochthon_left": 55,
    "autochthon_right": 55,
    "clavicula_left": 400,
    "clavicula_right": 400,
    "scapula_left": 330,
    "scapula_right": 330,
    "sternum": 180,
    "costal_cartilages": 95,
    "liver": 100,
    "spleen": 120,
    "stomach": 40,
    "kidney_left": 130,
    "kidney_right": 130,
}
STRUCTURES = tuple(_HU)
"""TotalSegmentator class names; a label's value is its place here, from 1. The engine itself numbers them otherwise."""

_A, _B = 135.0, 88.0  # half axes of the chest cavity, x and y
_APEX, _WIDEST = 138.0, -40.0  # z of the lungs' apex, and of the level below which the cavity no longer widens
_T1, _PITCH = 118.0, 20.5  # z of the first thoracic vertebra, and from one to the next
AIR, _FAT, _MUSCLE = -1000, -95, 50


@dataclass(frozen=True)
class Grid:
    """An axial grid: voxel (0, 0, 0) is the right, anterior, lowest one."""

    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]

    @property
    def origin_xyz_mm(self) -> Point:
        """Centre of voxel (0, 0, 0), LPS."""
        z, y, x = (-step * (count - 1) / 2 for count, step in zip(self.shape_zyx, self.spacing_zyx_mm, strict=True))
        return (x, y, z)

    def axis(self, number: int) -> Floats:
        """Centres along axis 0 (z), 1 (y) or 2 (x) in mm, shaped to broadcast."""
        count, step = self.shape_zyx[number], self.spacing_zyx_mm[number]
        line: Floats = (np.arange(count, dtype=np.float64) - (count - 1) / 2) * step
        return line.reshape(tuple(-1 if axis == number else 1 for axis in range(3)))


@dataclass(frozen=True)
class Build:
    """A patient's body: how it differs from the standard chest, and the grid it is scanned on."""

    grid: Grid
    scale_xyz: Point
    heart_ratio: float
    """Width of the heart over that of the chest cavity, as intended; ``Phantom`` says what came out."""
    dome_mm: float
    noise_seed: int


def build(chance: Random) -> Build:
    """A body drawn at random; 96 × 96 × 60 to 64 voxels of about 3.7 × 3.7 × 4.8 mm."""
    step = chance.choice((3.6, 3.7, 3.8, 3.9))
    grid = Grid((chance.randint(60, 64), 96, 96), (chance.choice((4.6, 4.8, 5.0)), step, step))
    scale = (chance.randint(92, 104) / 100, chance.randint(92, 106) / 100, chance.randint(95, 103) / 100)
    return Build(grid, scale, chance.randint(40, 47) / 100, float(chance.randint(-8, 8)), chance.getrandbits(32))


def value_of(structure: str) -> int:
    """The label's value."""
    return STRUCTURES.index(structure) + 1


class Canvas:
    """The volume while it is painted; coordinates are those of the standard chest, before the patient's scale."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.chance = Random(build.noise_seed)
        self.labels = np.zeros(build.grid.shape_zyx, np.uint8)
        self.hu = np.full(build.grid.shape_zyx, AIR, np.int16)
        self.z, self.y, self.x = (build.grid.axis(axis) / build.scale_xyz[2 - axis] for axis in range(3))
        self.radius = np.sqrt((self.x / _A) ** 2 + (self.y / _B) ** 2)  # 1 on the cavity's widest outline; (1, y, x)
        rise = np.clip((self.z - _WIDEST) / (_APEX - _WIDEST), 0.0, 1.0)
        self.taper = np.sqrt(1.0 - rise**2)  # the cavity's outline at that height; (z, 1, 1)
        self.depth = self.radius - self.taper  # below 0 inside the cavity

    def paint(self) -> None:
        """The whole chest of a healthy person."""
        self.torso()
        self.lungs()
        self.belly()
        self.mediastinum()
        self.bones()
        self.texture()

    def fill(self, mask: Mask, structure: str) -> None:
        """Give a structure these voxels."""
        self.labels[mask] = value_of(structure)
        self.hu[mask] = _HU[structure]

    def ellipsoid(self, center: Point, radii: Point) -> Mask:
        """Voxels inside an axis-parallel ellipsoid."""
        (x, y, z), (a, b, c) = center, radii
        inside: Mask = ((self.x - x) / a) ** 2 + ((self.y - y) / b) ** 2 + ((self.z - z) / c) ** 2 < 1.0
        return inside

    def tube(self, start: Point, end: Point, radius: float) -> Mask:
        """Voxels nearer than ``radius`` to the segment from ``start`` to ``end``."""
        near = np.zeros(self.labels.shape, bool)
        box = tuple(
            slice(
                int(np.searchsorted(axis.ravel(), min(a, b) - radius)),
                int(np.searchsorted(axis.ravel(), max(a, b) + radius)),
            )
            for axis, a, b in zip((self.z, self.y, self.x), start[::-1], end[::-1], strict=True)
        )
        z, y, x = self.z[box[0]], self.y[:, box[1]], self.x[:, :, box[2]]
        dx, dy, dz = (b - a for a, b in zip(start, end, strict=True))
        along = (x - start[0]) * dx + (y - start[1]) * dy + (z - start[2]) * dz
        along = np.clip(along / (dx * dx + dy * dy + dz * dz), 0.0, 1.0)
        square = (x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2 + (z - start[2] - along * dz) ** 2
        near[box] = square < radius * radius
        return near

    def is_lung(self) -> Mask:
        """Voxels of the five lobes: the first five values."""
        lung: Mask = (self.labels > 0) & (self.labels <= len(LUNGS))
        return lung

    def on_side(self, side: str) -> Mask:
        """Left is +x."""
        mask: Mask = self.x > 0 if side == "left" else self.x < 0
        return mask

    # --- anatomy ---------------------------------------------------------------------------------------

    def torso(self) -> None:
        """Skin, fat and muscle, and the fat that fills the cavity."""
        body = ((self.x / 172.0) ** 2 + ((self.y - 6.0) / 122.0) ** 2 < 1.0) & (self.z > -1000.0)
        self.hu[body] = _FAT
        self.hu[body & (self.radius < 1.19)] = _MUSCLE
        self.hu[self.depth < 0] = _FAT // 2

    def dome(self) -> Floats:
        """Height of the diaphragm; the right dome stands higher."""
        left = np.where(self.x > 0, 1.0, 0.0)
        top = -52.0 - 10.0 * left + self.build.dome_mm
        return top - 62.0 * ((np.abs(self.x) - 62.0) / 75.0) ** 2 - 50.0 * ((self.y + 16.0) / 85.0) ** 2

    def lungs(self) -> None:
        """Both lungs above the diaphragm, cut into lobes by the fissures."""
        lung = (self.depth < 0) & (np.abs(self.x) > 21.0) & (self.z > self.dome())
        oblique = self.z > 1.1 * self.y - 12.0
        horizontal = self.z > 4.0
        left, right = self.x > 0, self.x < 0
        self.fill(lung & left & oblique, "lung_upper_lobe_left")
        self.fill(lung & left & ~oblique, "lung_lower_lobe_left")
        self.fill(lung & right & oblique & horizontal, "lung_upper_lobe_right")
        self.fill(lung & right & oblique & ~horizontal, "lung_middle_lobe_right")
        self.fill(lung & right & ~oblique, "lung_lower_lobe_right")

    def belly(self) -> None:
        """What lies under the diaphragm."""
        under = (self.depth < 0) & (self.z < self.dome() - 2.0)
        self.fill(under & self.ellipsoid((-48.0, -12.0, -112.0), (92.0, 78.0, 66.0)), "liver")
        self.fill(under & self.ellipsoid((58.0, -30.0, -108.0), (44.0, 42.0, 44.0)), "stomach")
        self.hu[self.ellipsoid((58.0, -44.0, -88.0), (22.0, 18.0, 12.0)) & (self.labels == value_of("stomach"))] = -900
        self.fill(under & self.ellipsoid((96.0, 32.0, -106.0), (30.0, 40.0, 38.0)), "spleen")
        self.fill(under & self.ellipsoid((62.0, 52.0, -158.0), (26.0, 22.0, 36.0)), "kidney_left")
        self.fill(under & self.ellipsoid((-62.0, 52.0, -162.0), (26.0, 22.0, 36.0)), "kidney_right")

    def heart(self) -> Mask:
        """A tilted ellipsoid whose apex points to the left, forward and down; the right border stays in place."""
        half, high = self.build.heart_ratio * _A, 50.0
        center = (half - 42.0, -20.0, -32.0)
        shear = 0.35
        radii = (float(np.sqrt(half**2 - (shear * high) ** 2)), 40.0 + 40.0 * (self.build.heart_ratio - 0.42), high)
        down = self.z - center[2]
        tilted = (self.x - center[0] + shear * down) / radii[0]
        forward = (self.y - center[1] - 0.25 * down) / radii[1]
        inside: Mask = tilted**2 + forward**2 + (down / high) ** 2 < 1.0
        return inside

    def mediastinum(self) -> None:
        """Heart, great vessels, airway and gullet."""
        self.fill(self.tube((-26.0, 4.0, -160.0), (-26.0, 2.0, -50.0), 11.0), "inferior_vena_cava")
        self.fill(self.heart(), "heart")
        self.fill(self.ellipsoid((40.0, -14.0, 14.0), (13.0, 13.0, 11.0)), "atrial_appendage_left")
        for side in (-1.0, 1.0):
            self.fill(self.tube((side * 12.0, 12.0, -12.0), (side * 55.0, 24.0, -8.0), 7.0), "pulmonary_vein")
        self.fill(self.tube((-26.0, -10.0, 0.0), (-26.0, -14.0, 84.0), 9.0), "superior_vena_cava")
        self.fill(self.tube((-26.0, -14.0, 84.0), (-40.0, -16.0, 122.0), 7.0), "brachiocephalic_vein_right")
        self.fill(self.tube((-24.0, -22.0, 84.0), (46.0, -20.0, 112.0), 7.0), "brachiocephalic_vein_left")
        self.fill(self.tube((4.0, -4.0, 72.0), (-20.0, -2.0, 122.0), 6.5), "brachiocephalic_trunk")
        self.fill(self.tube((-8.0, -18.0, 5.0), (-8.0, -14.0, 52.0), 15.0), "aorta")
        self.fill(self.tube((-8.0, -14.0, 56.0), (20.0, 44.0, 60.0), 13.0), "aorta")
        self.fill(self.tube((20.0, 46.0, 56.0), (14.0, 50.0, -160.0), 12.0), "aorta")
        self.fill(self.tube((4.0, 36.0, 160.0), (10.0, 34.0, -90.0), 7.0), "esophagus")
        self.fill(self.tube((0.0, 12.0, 160.0), (-2.0, 18.0, 34.0), 9.5), "trachea")
        self.fill(self.tube((-2.0, 18.0, 34.0), (-42.0, 24.0, 6.0), 7.5), "trachea")
        self.fill(self.tube((-2.0, 18.0, 34.0), (46.0, 26.0, -2.0), 7.0), "trachea")
        for side in (-1.0, 1.0):
            self.fill(self.ellipsoid((side * 17.0, 0.0, 148.0), (9.0, 10.0, 16.0)), "thyroid_gland")

    def bones(self) -> None:
        """Spine, ribs with their cartilages, breastbone, collar bones, shoulder blades; and the back muscles."""
        for side, sign in (("left", 1.0), ("right", -1.0)):
            self.fill(self.tube((sign * 30.0, 98.0, 200.0), (sign * 30.0, 98.0, -200.0), 15.0), f"autochthon_{side}")
        self.ribs()
        self.spine()
        front = (self.depth > 0.0) & (self.depth < 0.13) & (self.y < 0)
        self.fill(front & (np.abs(self.x) < 17.0) & (self.z > -45.0) & (self.z < 95.0), "sternum")
        blade = (self.radius > 1.09) & (self.radius < 1.15) & (self.y > 22.0) & (np.abs(self.x) > 52.0)
        blade = blade & (self.z > 5.0) & (self.z < 112.0)
        for side, sign in (("left", 1.0), ("right", -1.0)):
            self.fill(blade & self.on_side(side), f"scapula_{side}")
            self.fill(self.tube((sign * 19.0, -62.0, 102.0), (sign * 128.0, -30.0, 124.0), 6.5), f"clavicula_{side}")

    def ribs(self) -> None:
        """Twelve pairs in the shell around the cavity: they leave the spine and fall towards the front."""
        shell = (self.depth > 0.0) & (self.depth < 0.078) & (np.abs(self.x) > 17.0)
        fall = 66.0 * (1.0 - self.y / _B) / 2.0 * (0.45 + 0.55 * self.taper)
        level = (_T1 - self.z - fall) / _PITCH  # (z, y, 1)
        number = np.broadcast_to(np.rint(level).astype(np.int16), shell.shape)  # 0 is the first rib
        bone = shell & (np.abs(level - number) * _PITCH < 5.2) & (number >= 0) & (number < 12)
        bone &= (number < 10) | (self.y > 0.25 * _B)  # the last two float
        cartilage = bone & (self.y < -0.62 * _B)
        self.fill(cartilage, "costal_cartilages")
        for side, first in (("left", value_of("rib_left_1")), ("right", value_of("rib_right_1"))):
            mask = bone & ~cartilage & self.on_side(side)
            self.labels[mask] = (first + number[mask]).astype(np.uint8)
            self.hu[mask] = _HU["rib_left_1"]

    def spine(self) -> None:
        """Vertebral bodies with discs between them, the canal, and the spinous processes."""
        level = (_T1 - self.z) / _PITCH
        number = np.rint(level).astype(np.int16)
        disc = np.abs(level - number) > 0.41
        body = (self.x / 17.0) ** 2 + ((self.y - 66.0) / 15.0) ** 2 < 1.0
        arch = ((np.abs(self.x) < 5.0) & (self.y > 96.0) & (self.y < 116.0)) | (
            (self.x / 13.0) ** 2 + ((self.y - 88.0) / 11.0) ** 2 < 1.0
        )
        known = (number >= -1) & (number < len(VERTEBRAE) - 1)
        bone = (body | arch) & known & ~disc
        values = np.broadcast_to(number + 1 + value_of(VERTEBRAE[0]), bone.shape)
        self.labels[bone] = values[bone].astype(np.uint8)
        self.hu[bone] = _HU[VERTEBRAE[0]]
        between = body & (disc | ~known)
        self.labels[between] = 0
        self.hu[between] = 85
        self.fill(((self.x / 6.5) ** 2 + ((self.y - 88.0) / 5.5) ** 2 < 1.0) & known, "spinal_cord")

    def cardiothoracic_ratio(self) -> float:
        """Width of the heart over that of both lungs, in voxels along x."""
        heart, lung = (
            np.flatnonzero(mask.any(axis=(0, 1))) for mask in (self.labels == value_of("heart"), self.is_lung())
        )
        return round(float((np.ptp(heart) + 1) / (np.ptp(lung) + 1)), 4)

    def texture(self) -> None:
        """Noise everywhere, and clumps of it in the lungs that stand for small vessels."""
        noise = np.random.Generator(np.random.PCG64(self.build.noise_seed))
        self.hu += noise.integers(-18, 19, self.hu.shape, np.int16) + noise.integers(-18, 19, self.hu.shape, np.int16)
        coarse = noise.integers(0, 10, tuple(-(-count // 2) for count in self.hu.shape), np.int16)
        clumps = np.where(coarse == 9, 240, 0).astype(np.int16)
        for axis in range(3):
            clumps = clumps.repeat(2, axis)
        depth, rows, columns = self.hu.shape
        self.hu += np.where(self.is_lung(), clumps[:depth, :rows, :columns], 0).astype(np.int16)

    def inner_place(self, structure: str, radius: float) -> Point:
        """A random place in a lobe, with lung all around it where the lobe has such a place."""
        lobe, lung = self.labels == value_of(structure), self.is_lung()
        anywhere = np.flatnonzero(lobe)
        for axis in range(3):
            step = 1 + int(radius / self.build.grid.spacing_zyx_mm[axis])
            lobe = lobe & np.roll(lung, step, axis) & np.roll(lung, -step, axis)
        inner = np.flatnonzero(lobe)
        places = inner if len(inner) else anywhere
        z, y, x = np.unravel_index(places[self.chance.randrange(len(places))], lobe.shape)
        return (float(self.x[0, 0, x]), float(self.y[0, y, 0]), float(self.z[z, 0, 0]))
