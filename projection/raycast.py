"""The projection of a CT with its labels: line integrals and COCO masks, exact, for any pose.

Arrays are ``(z, y, x)``, points ``(x, y, z)`` in mm, LPS. The primitive is the thickness in mm of a label along each
ray (Siddon, Med Phys 12:252, 1985); a mask is where it exceeds a threshold. Labels may overlap and contain each other:
a labelmap's value stands for a set of labels, so one pass gives all of them, and a part never exceeds its whole.

A ``Scene`` is a CT made ready: its columns are kept, so that further views cost their rays only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError, SettingsError
from projection.columns import Floats, Path, along, classes_of, flattened, path_of
from projection.kernels import columns as kernels
from projection.kernels import rays, sheets
from projection.layers import Layers
from projection.masks import of_runs
from projection.pose import Pose
from projection.prepare import BONE, LUNG
from projection.threads import planes, thread_count, threaded

WATER_PER_MM = 0.0220
"""Attenuation of water at 60.9 keV, the mean detected energy of 120 kVp behind 3 mm Al + 0.1 mm Cu on CsI."""
_CHUNK = 16  # detector columns per piece of work; fixed, so that sums do not depend on the number of threads
_AIR_HU, _SOFT_HU = -1000, 40
_PARTS = {"total": (0, _AIR_HU), "bone": (BONE, _SOFT_HU), "lung": (LUNG, _AIR_HU)}
"""What each integral sums: the tissue (0 is all), and the HU above which it counts."""


@dataclass(frozen=True)
class Footprint:
    """A label's mask on the detector: the true projection, whatever lies in front of it."""

    rle: str
    area_px: int
    box: tuple[int, int, int, int]
    mean_thickness_mm: float
    """The label's path summed over all rays, over its area."""


@dataclass(frozen=True)
class Projection:
    """What one pose gives."""

    water_mm: Mapping[str, NDArray[np.float32]]
    """Line integrals ``(rows, columns)`` in mm of water: ``total``, of ``max(HU + 1000, 0) / 1000``; with tissues also
    ``bone``, of what bone has beyond soft tissue, ``max(HU - 40, 0) / 1000``, and ``lung``, of the lungs alone."""
    footprints: Mapping[str, Footprint]
    """Each label that can be seen, in the order of the layers."""


@dataclass(frozen=True)
class Scene:
    """A CT and its labels, ready to be projected from any side; keeps the columns of one axis at a time.

    ``affine`` (4, 4) goes from voxel (x, y, z) of ``hu`` to LPS mm, with orthogonal axes; ``layers`` lie on the same
    grid, or are finer along z by a whole number. Raises InputError if they do not.
    """

    hu: NDArray[np.int16]
    layers: Layers
    affine: Floats
    tissue: NDArray[np.uint8] | None = None
    """``BONE``, ``LUNG`` or 0 of each voxel, from ``prepare.materials``; without, only ``total`` is integrated."""
    threads: int = 0
    """0: as many as ``thread_count()``. The bytes are the same with any number."""
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        nz, ny, nx = self.hu.shape
        if self.layers.values.shape != (nz * self.layers.finer_z, ny, nx):
            raise InputError(
                f"CT and labels must share a grid: the CT is {self.hu.shape}, the labels are {self.layers.values.shape}"
            )
        spacing_mm = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        direction = self.affine[:3, :3] / spacing_mm
        if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-4:
            raise InputError("the axes of a volume must be orthogonal")

    def project(self, pose: Pose, shortest_mm: float) -> Projection:
        """Integrals and masks; a pixel belongs to a label if its ray runs more than ``shortest_mm`` through it.

        Raises SettingsError if no axis of the volume is followed by all rays.
        """
        parts = _PARTS if self.tissue is not None else ("total",)
        return Projection({part: self.integral(pose, part) for part in parts}, self.footprints(pose, shortest_mm))

    def integral(self, pose: Pose, part: str = "total") -> NDArray[np.float32]:
        """One of the integrals of ``Projection.water_mm``."""
        path = path_of(self.affine, pose)
        sums = (
            self._keep(("sums", path.axes), lambda: self._sums(part, path.axes))
            if part == "total"
            else self._sums(part, path.axes)  # as large as the CT twice over, and quickly made anew
        )
        image = np.empty((pose.size_px, pose.size_px), np.float32)
        kernel: Any = sheets.integrals if path.in_sheets else rays.integrals
        self._each_chunk(pose, lambda first, last: kernel(path.beam, path.spacing_mm, sums, image, first, last))
        return np.ascontiguousarray(image.T) / np.float32(1000)

    def footprints(self, pose: Pose, shortest_mm: float) -> dict[str, Footprint]:
        """The masks of all labels."""
        kernel: Any = sheets.footprints if self._label_path(pose).in_sheets else rays.footprints
        scene = self._label_scene(pose)
        size, n_labels, n_classes = pose.size_px, len(self.layers.labels), len(scene[-2]) - 1
        sums_mm = np.zeros((-(-size // _CHUNK), n_classes))
        runs = self._each_chunk(
            pose,
            lambda first, last: kernel(*scene, n_labels, shortest_mm, size, sums_mm[first // _CHUNK], first, last),
        )
        thickness_mm = np.zeros(n_labels)
        for cls, total in enumerate(sums_mm.sum(axis=0)):
            thickness_mm[scene[-1][scene[-2][cls] : scene[-2][cls + 1]]] += total
        return _footprints(np.concatenate(runs), self.layers.labels, thickness_mm, size)

    def thickness(self, pose: Pose) -> NDArray[np.float32]:
        """The path in mm through each label along each ray, dense ``(labels, rows, columns)``."""
        kernel: Any = sheets.thicknesses if self._label_path(pose).in_sheets else rays.thicknesses
        dense = np.zeros((len(self.layers.labels), pose.size_px, pose.size_px), np.float32)
        scene = self._label_scene(pose)
        self._each_chunk(pose, lambda first, last: kernel(*scene, dense, first, last))
        return dense.transpose(0, 2, 1)

    def coverage(self, pose: Pose) -> NDArray[np.bool_]:
        """Where the CT holds all that the ray passes ``(rows, columns)``: it does not leave through the first or last
        slice, nor miss the volume. A cone leaves through both."""
        path = path_of(self.affine, pose)
        covered = np.empty((pose.size_px, pose.size_px), bool)
        end = path.axes.index(0) - 1  # of (a, b, c), the axis of the slices
        shape = along(self.hu.shape, path.axes)
        if end < 0:
            raise SettingsError("a view along the patient's long axis has no coverage")
        self._each_chunk(
            pose, lambda first, last: rays.coverage(path.beam, path.spacing_mm, shape, end, covered, first, last)
        )
        return np.ascontiguousarray(covered.T)

    def _label_path(self, pose: Pose) -> Path:
        finer = self.affine.copy()
        finer[:3, 2] /= self.layers.finer_z
        finer[:3, 3] -= (finer[:3, 2] * (self.layers.finer_z - 1)) / 2
        return path_of(finer, pose)

    def _label_scene(self, pose: Pose) -> tuple[Any, ...]:
        path = self._label_path(pose)
        runs = self._keep(("runs", path.axes), lambda: self._runs(path.axes))
        return path.beam, path.spacing_mm, along(self.layers.values.shape, path.axes), *runs

    def _keep(self, name: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """What was made for these axes; what was kept for others goes."""
        for other in [other for other in self._kept if other[-1] != name[-1]]:
            del self._kept[other]
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def _each_chunk(self, pose: Pose, work: Callable[[int, int], Any]) -> list[Any]:
        size = pose.size_px
        return threaded(
            lambda chunk: work(chunk * _CHUNK, min((chunk + 1) * _CHUNK, size)), -(-size // _CHUNK), self._n()
        )

    def _n(self) -> int:
        return self.threads or thread_count()

    def _sums(self, part: str, axes: tuple[int, ...]) -> NDArray[np.int32]:
        wanted, zero_hu = _PARTS[part]
        flat, step = flattened(self.hu, axes)
        tissue = flat.view(np.uint8) if self.tissue is None else flattened(self.tissue, axes)[0]
        shape = along(self.hu.shape, axes)
        sums = np.empty((shape[0], shape[1], shape[2] + 1), np.int32)
        planes(
            lambda first, last: kernels.running_sums(flat, step, shape, tissue, wanted, zero_hu, sums, first, last),
            shape[0],
            self._n(),
        )
        return sums

    def _runs(self, axes: tuple[int, ...]) -> tuple[NDArray[Any], ...]:
        flat, step = flattened(self.layers.values, axes)
        shape = along(self.layers.values.shape, axes)
        classes, member_starts, members = classes_of(self.layers)
        counts = np.zeros(shape[0] * shape[1], np.int64)
        runs = np.empty((0, 3), np.int16)

        def find(cursor: NDArray[np.int64], fill: bool) -> None:
            planes(
                lambda first, last: kernels.label_runs(flat, step, shape, classes, cursor, runs, fill, first, last),
                shape[0],
                self._n(),
            )

        find(counts, False)
        starts = np.concatenate([[0], np.cumsum(counts)])
        runs = np.empty((int(starts[-1]), 3), np.int16)
        find(starts[:-1].copy(), True)
        return starts, runs, member_starts, members


def voxel_px(pose: Pose, affine: Floats, shape: tuple[int, ...]) -> tuple[float, float]:
    """How large a voxel at the centre of the volume is on the detector: (rows, columns), in pixels."""
    centre_mm = affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2) + affine[:3, 3]
    scale = pose.magnification(centre_mm)
    rows, across = (float(np.abs(axis @ affine[:3, :3]).max()) for axis in (pose.y_axis, pose.x_axis))
    return rows * scale / pose.pixel_mm, across * scale / pose.pixel_mm


# --- runs of pixels to COCO masks ----------------------------------------------------------------------------


def _footprints(runs: NDArray[np.int64], labels: tuple[str, ...], sums_mm: Floats, size: int) -> dict[str, Footprint]:
    """Runs (label, first pixel, one past the last), each label's in order, as masks."""
    masks = of_runs(runs, len(labels), size, size)
    return {
        label: Footprint(text, area_px, box, float(sum_mm) / area_px)
        for label, (text, area_px, box), sum_mm in zip(labels, masks, sums_mm, strict=True)
        if area_px
    }
