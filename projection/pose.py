"""X-ray geometry: where focal spot and detector stand around a patient.

Points are ``(x, y, z)`` in mm, LPS (x to the patient's left, y to the back, z to the head). ``VIEWS`` are upright, each
a turn around the patient's long axis; the head is up in all. Those taken from behind (PA, LAT, RL, LAO, RAO) are
shown as the detector sees them, AP and its obliques from the tube's side, so that in PA and AP the patient's right is
image left. LAT is the left lateral (left side at the detector), shown with the chest wall at image left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from curation.errors import SettingsError
from curation.settings import ViewName

Floats = NDArray[np.float64]
Beam = Literal["cone", "parallel"]
VIEWS: tuple[ViewName, ...] = get_args(ViewName)
GAP_MM = 10.0
"""Air between the volume and the detector: the cover of a wall stand."""
_TURNS: dict[ViewName, tuple[float, float]] = {
    "PA": (-1.0, 0.0),
    "LAT": (-1.0, 90.0),
    "RL": (-1.0, -90.0),
    "LAO": (-1.0, 45.0),  # the side that the name says lies at the detector
    "RAO": (-1.0, -45.0),
    "AP": (1.0, 0.0),
    "LPO": (1.0, -45.0),
    "RPO": (1.0, 45.0),
}
"""Way of the central ray along y before it is turned, and the turn around z in degrees, x towards y."""


@dataclass(frozen=True)
class Pose:
    """Focal spot and detector in LPS mm; the detector is square, rows run down along ``y_axis``."""

    source_mm: Floats
    """Focal spot; in a parallel beam, the spot of the central ray."""
    origin_mm: Floats
    """Centre of pixel (0, 0)."""
    x_axis: Floats
    """Unit vector of rising column."""
    y_axis: Floats
    """Unit vector of rising row."""
    pixel_mm: float
    size_px: int
    source_to_detector_mm: float
    beam: Beam

    @property
    def centre_mm(self) -> Floats:
        """Middle of the detector."""
        return self.origin_mm + (self.x_axis + self.y_axis) * (self.pixel_mm * (self.size_px - 1) / 2)

    def depth_mm(self, points_mm: Floats) -> Floats:
        """How far points ``(..., 3)`` are from the focal spot at right angles to the detector, towards it."""
        normal = np.cross(self.x_axis, self.y_axis)
        away_mm = float(normal @ (self.origin_mm - self.source_mm))
        depth: Floats = (points_mm - self.source_mm) @ normal * np.sign(away_mm)
        return depth

    def magnification(self, point_mm: Floats) -> float:
        """How much larger than it is a thing at a point appears on the detector."""
        if self.beam == "parallel":
            return 1.0
        return float(self.depth_mm(self.origin_mm) / self.depth_mm(point_mm))


@dataclass(frozen=True)
class Detector:
    """A square detector and how far the focal spot is from it."""

    size_px: int = 1024
    side_mm: float = 440.0
    source_to_detector_mm: float = 1800.0
    beam: Beam = "cone"


@dataclass(frozen=True)
class Jitter:
    """How a patient may stand otherwise than asked: turns in degrees, shifts of the detector and tube in mm."""

    yaw_deg: float = 0.0
    """Around the patient's long axis."""
    pitch_deg: float = 0.0
    """Around the detector's rows: leaning forwards or back."""
    roll_deg: float = 0.0
    """Around the central ray."""
    right_mm: float = 0.0
    """Towards image right."""
    down_mm: float = 0.0


def view_pose(
    view: ViewName, affine: Floats, shape: tuple[int, ...], detector: Detector, jitter: Jitter | None = None
) -> Pose:
    """Place focal spot and detector around a volume: the detector ``GAP_MM`` outside it and centred on it.

    ``affine`` (4, 4) goes from voxel (x, y, z) to LPS mm, ``shape`` is (z, y, x). The central ray passes the centre of
    the volume, turned and moved by ``jitter``. Raises SettingsError if the focal spot would stand inside the volume.
    """
    jitter = jitter or Jitter()
    way, turn_deg = _TURNS[view]
    upright = _turn(2, turn_deg)
    along, right, down = upright @ [0.0, way, 0.0], upright @ [1.0, 0.0, 0.0], np.array([0.0, 0.0, -1.0])
    tilt = _around(right, jitter.pitch_deg) @ _turn(2, jitter.yaw_deg)
    along, right, down = tilt @ along, tilt @ right, tilt @ down
    roll = _around(along, jitter.roll_deg)
    right, down = roll @ right, roll @ down
    corners_mm = corners(affine, shape)
    centre_mm = (corners_mm.min(axis=0) + corners_mm.max(axis=0)) / 2
    depth_mm = float(((corners_mm - centre_mm) @ along).max())
    if detector.source_to_detector_mm <= 2 * depth_mm + GAP_MM:
        raise SettingsError("project.source_to_detector_mm is too short: the source would stand inside the patient")
    middle_mm = centre_mm + along * (depth_mm + GAP_MM) + right * jitter.right_mm + down * jitter.down_mm
    pixel_mm = detector.side_mm / detector.size_px
    return Pose(
        source_mm=middle_mm - along * detector.source_to_detector_mm,
        origin_mm=middle_mm - (right + down) * (pixel_mm * (detector.size_px - 1) / 2),
        x_axis=right,
        y_axis=down,
        pixel_mm=pixel_mm,
        size_px=detector.size_px,
        source_to_detector_mm=detector.source_to_detector_mm,
        beam=detector.beam,
    )


def jitters(n: int, seed: int, most: Jitter) -> Iterator[Jitter]:
    """``n`` jitters, each part uniform within plus and minus that of ``most``; the same for the same seed."""
    limits = np.array([most.yaw_deg, most.pitch_deg, most.roll_deg, most.right_mm, most.down_mm])
    for row in np.random.Generator(np.random.PCG64(seed)).random((n, 5)):
        yield Jitter(*np.round((2 * row - 1) * limits, 6).tolist())


def corners(affine: Floats, shape: tuple[int, ...]) -> Floats:
    """The eight corners of a volume ``(z, y, x)``, LPS mm; ``affine`` (4, 4) goes from voxel centres (x, y, z)."""
    high = np.array(shape[::-1]) - 0.5
    found = np.array([[x, y, z] for x in (-0.5, high[0]) for y in (-0.5, high[1]) for z in (-0.5, high[2])])
    points: Floats = found @ affine[:3, :3].T + affine[:3, 3]
    return points


def _turn(axis: int, degrees: float) -> Floats:
    return _around(np.eye(3)[axis], degrees)


def _around(axis: Floats, degrees: float) -> Floats:
    """Rotation by Rodrigues' formula; a quarter turn is exact, so that upright views stay on the grid's axes."""
    if degrees == 0.0:
        return np.eye(3)
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    quarters = degrees / 90.0
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    if quarters.is_integer():
        sine, cosine = np.rint(sine), np.rint(cosine)
    turned: Floats = np.eye(3) + sine * cross + (1 - cosine) * cross @ cross
    return turned
