"""X-ray geometry, and the projection of a CT with its labels: line integrals and COCO masks.

Points are ``(x, y, z)`` in mm, LPS (x to the patient's left, y to the back, z to the head); arrays are ``(z, y, x)``.
Patient right is image left in PA and AP. The lateral is a left lateral (left side at the detector), displayed with the
chest wall at image left: as seen from the patient's left. The head is up in all three.

The primitive is the thickness in mm of a label along each ray; a mask is where it exceeds a threshold. Labels may
overlap and contain each other: a labelmap's value stands for a set of labels, so one pass gives all of them, and a
part never exceeds its whole.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError, SettingsError
from curation.settings import ProjectSettings
from projection import rle
from projection.kernels import rays as kernels
from projection.kernels.rays import Triple

Floats = NDArray[np.float64]
ViewName = Literal["PA", "AP", "LAT"]
WATER_PER_MM = 0.0220
"""Attenuation of water at 60.9 keV, the mean detected energy of 120 kVp behind 3 mm Al + 0.1 mm Cu on CsI."""
GAP_MM = 10.0
"""Air between the volume and the detector: the cover of a wall stand."""
_CHUNK = 16  # detector columns per piece of work; fixed, so that sums do not depend on the number of threads
_BEAM_AND_RIGHT: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "PA": ((0, -1, 0), (1, 0, 0)),
    "AP": ((0, 1, 0), (1, 0, 0)),
    "LAT": ((1, 0, 0), (0, 1, 0)),
}
"""Direction of the central ray and of rising image columns, LPS."""


@dataclass(frozen=True)
class Pose:
    """Source and detector in LPS mm; the detector is square, rows run down along ``y_axis``."""

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
    beam: Literal["cone", "parallel"]


@dataclass(frozen=True)
class Layers:
    """A labelmap whose values stand for sets of labels."""

    values: NDArray[Any]
    """``(z, y, x)``, uint8 or uint16."""
    labels: tuple[str, ...]
    members: Mapping[int, tuple[int, ...]]
    """Voxel value to positions in ``labels``; values that are not here have no label."""


@dataclass(frozen=True)
class Footprint:
    """A label's mask on the detector: the true projection, whatever lies in front of it."""

    rle: str
    area_px: int
    box: tuple[int, int, int, int]
    mean_thickness_mm: float


@dataclass(frozen=True)
class Projection:
    """What one pose gives: ``line_integral`` (rows, columns), without unit, and each label that can be seen."""

    line_integral: NDArray[np.float32]
    footprints: dict[str, Footprint]


def view_geometry(view: ViewName, affine: Floats, shape: tuple[int, ...], settings: ProjectSettings) -> Pose:
    """Place source and detector around a volume: detector ``GAP_MM`` outside it and centred on it.

    ``affine`` (4, 4) goes from voxel (x, y, z) to LPS mm, ``shape`` is (z, y, x). The central ray passes the centre of
    the volume along a patient axis. Raises SettingsError if the source would stand inside the volume.
    """
    corner = np.array(shape[::-1]) - 0.5
    corners = np.array([[x, y, z] for x in (-0.5, corner[0]) for y in (-0.5, corner[1]) for z in (-0.5, corner[2])])
    corners_mm = corners @ affine[:3, :3].T + affine[:3, 3]
    low, high = corners_mm.min(axis=0), corners_mm.max(axis=0)
    along, right = (np.array(axis, dtype=np.float64) for axis in _BEAM_AND_RIGHT[view])
    depth = float(np.abs(along) @ (high - low))
    if settings.source_to_detector_mm <= depth + GAP_MM:
        raise SettingsError("project.source_to_detector_mm is too short: the source would stand inside the patient")
    centre_mm = (low + high) / 2 + along * (depth / 2 + GAP_MM)
    down = np.array([0.0, 0.0, -1.0])
    pixel_mm = settings.detector_mm / settings.size_px
    return Pose(
        source_mm=centre_mm - along * settings.source_to_detector_mm,
        origin_mm=centre_mm - (right + down) * (pixel_mm * (settings.size_px - 1) / 2),
        x_axis=right,
        y_axis=down,
        pixel_mm=pixel_mm,
        size_px=settings.size_px,
        source_to_detector_mm=settings.source_to_detector_mm,
        beam=settings.beam,
    )


def project(
    hu: NDArray[np.int16], layers: Layers, affine: Floats, pose: Pose, shortest_mm: float, threads: int | None = None
) -> Projection:
    """Project a CT and all its labels at once; exact (Siddon), the same bytes with any number of threads.

    ``hu`` and ``layers.values`` are (z, y, x) on one grid, ``affine`` (4, 4) goes from voxel (x, y, z) to LPS mm with
    orthogonal axes. Attenuation is water scaled by HU, ``max(HU + 1000, 0) / 1000 * WATER_PER_MM``. A pixel belongs to
    a label if its ray runs more than ``shortest_mm`` through it. Raises InputError if the grids differ or the axes are
    not orthogonal, SettingsError if no axis of the volume is followed by all rays.
    """
    threads = threads or thread_count()
    scene = _scene(hu, layers, affine, pose, threads)
    size, n_labels = pose.size_px, len(layers.labels)
    image = np.empty((size, size), np.float32)
    chunks = [(first, min(first + _CHUNK, size)) for first in range(0, size, _CHUNK)]
    sums_mm = np.zeros((len(chunks), n_labels))

    def work(chunk: int) -> NDArray[np.int64]:
        return kernels.footprints(*scene, n_labels, shortest_mm, image, sums_mm[chunk], *chunks[chunk])

    runs = np.concatenate(_map(work, len(chunks), threads))
    footprints = _footprints(runs, layers.labels, sums_mm.sum(axis=0), size)
    line_integral = np.ascontiguousarray(image.T) * np.float32(WATER_PER_MM / 1000)
    return Projection(line_integral, footprints)


def voxel_px(pose: Pose, affine: Floats, shape: tuple[int, ...]) -> tuple[float, float]:
    """How large a voxel at the centre of the volume is on the detector: (rows, columns), in pixels."""
    centre_mm = affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2) + affine[:3, 3]
    beam = np.cross(pose.x_axis, pose.y_axis)
    to_centre_mm = abs(float(beam @ (centre_mm - pose.source_mm)))
    scale = pose.source_to_detector_mm / to_centre_mm if pose.beam == "cone" else 1.0
    rows, columns = (float(np.abs(axis @ affine[:3, :3]).max()) for axis in (pose.y_axis, pose.x_axis))
    return rows * scale / pose.pixel_mm, columns * scale / pose.pixel_mm


def thickness(
    hu: NDArray[np.int16], layers: Layers, affine: Floats, pose: Pose, threads: int | None = None
) -> NDArray[np.float32]:
    """The path in mm through each label along each ray, dense ``(labels, rows, columns)``; as ``project``."""
    threads = threads or thread_count()
    scene = _scene(hu, layers, affine, pose, threads)
    size = pose.size_px
    dense = np.zeros((len(layers.labels), size, size), np.float32)
    chunks = [(first, min(first + _CHUNK, size)) for first in range(0, size, _CHUNK)]
    _map(lambda chunk: kernels.thicknesses(*scene, dense, *chunks[chunk]), len(chunks), threads)
    return dense.transpose(0, 2, 1)


def overlay(layers: Layers, masks: Mapping[str, tuple[tuple[int, ...], NDArray[np.bool_]]]) -> Layers:
    """Add labels that overlap what is there: label to (first voxel (z, y, x), mask of a box).

    The voxels keep what they had: each set of labels that comes up gets a value of its own.
    """
    if not masks:
        return layers
    labels = (*layers.labels, *masks)
    members = dict(layers.members)
    values = layers.values.astype(np.uint16)
    known = {sorted_members: value for value, sorted_members in members.items()}
    free = max(int(values.max(initial=0)), *members, 0) + 1
    for position, (start, mask) in enumerate(masks.values(), len(layers.labels)):
        part = values[tuple(slice(at, at + n) for at, n in zip(start, mask.shape, strict=True))]
        for value in np.unique(part[mask]):
            wanted = (*members.get(int(value), ()), position)
            if wanted not in known:
                known[wanted] = free
                members[free] = wanted
                free += 1
            part[mask & (part == value)] = known[wanted]
    return Layers(values.astype(np.min_scalar_type(free - 1)), labels, members)


def thread_count() -> int:
    """Threads to use: ``PAXFLOW_THREADS`` if set (a pool of processes sets 1), else the processors given to us."""
    given = os.environ.get("PAXFLOW_THREADS")
    return max(1, int(given)) if given else len(os.sched_getaffinity(0))


# --- the scene: a volume as columns along the axis that the rays follow --------------------------------------


class _Scene(NamedTuple):
    """The first arguments of the tracing kernels, in their order."""

    beam: Floats
    spacing_mm: Floats
    shape: Triple
    sums: NDArray[np.int32]
    sums_step: Triple
    starts: NDArray[np.int64]
    runs: NDArray[np.int16]
    member_starts: NDArray[np.int64]
    members: NDArray[np.int16]


def _scene(hu: NDArray[np.int16], layers: Layers, affine: Floats, pose: Pose, threads: int) -> _Scene:
    if hu.shape != layers.values.shape:
        raise InputError(f"CT and labels must share a grid: the CT is {hu.shape}, the labels are {layers.values.shape}")
    beam, order, spacing_mm = _beam(affine, pose)
    axes = [2 - axis for axis in order]  # (a, b, c) as axes of the array
    shape = _triple(hu.shape[axis] for axis in reversed(axes))
    sums, sums_step = _sums(hu, axes, shape, threads)
    starts, runs, member_starts, members = _runs(layers, axes, shape, threads)
    return _Scene(beam, spacing_mm, shape, sums, sums_step, starts, runs, member_starts, members)


def _beam(affine: Floats, pose: Pose) -> tuple[Floats, list[int], Floats]:
    """The kernel's beam, the order of the voxel axes as (a, b, c), and their spacing in mm."""
    spacing_mm = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    direction = affine[:3, :3] / spacing_mm
    if np.abs(direction.T @ direction - np.eye(3)).max() > 1e-4:
        raise InputError("the axes of a volume must be orthogonal")
    columns, rows = pose.x_axis * pose.pixel_mm, pose.y_axis * pose.pixel_mm
    centre_mm = pose.origin_mm + (columns + rows) * (pose.size_px - 1) / 2
    source_mm, moves = pose.source_mm, [0 * columns, 0 * rows]
    if pose.beam == "parallel":
        source_mm, moves = pose.source_mm + pose.origin_mm - centre_mm, [columns, rows]
    to_voxel = np.linalg.inv(affine[:3, :3])
    points = np.array([source_mm, pose.origin_mm]) - affine[:3, 3]
    vectors = np.array([*moves, columns, rows])
    points, vectors = points @ to_voxel.T + 0.5, vectors @ to_voxel.T
    beam = np.array([points[0], *vectors[:2], points[1], *vectors[2:]])
    order = [int(axis) for axis in np.argsort(-np.abs((centre_mm - pose.source_mm) @ direction), kind="stable")]
    order = [order[0], *sorted(order[1:])]
    _check_axis(beam[:, order[0]], pose.size_px)
    return np.ascontiguousarray(beam[:, order]), order, spacing_mm[order]


def _check_axis(beam: Floats, size: int) -> None:
    """All rays must go one way along the axis; the four corners decide, as the way is linear in between."""
    ways = [float(np.array([-1, -u, -v, 1, u, v]) @ beam) for u in (0, size - 1) for v in (0, size - 1)]
    if not (min(ways) > 0 or max(ways) < 0):
        raise SettingsError("the detector is too large for its distance: no axis of the volume is followed by all rays")


def _sums(hu: NDArray[np.int16], axes: list[int], shape: Triple, threads: int) -> tuple[NDArray[np.int32], Triple]:
    flat, step = _flat(hu, axes)
    larger = list(hu.shape)
    larger[axes[0]] += 1
    larger[2] += 16  # a cache line: at a step of 2 KB a ray's reads would all fall into two sets of the cache
    sums = np.empty(larger, np.int32)
    flat_sums, sums_step = _flat(sums, axes)
    _planes(
        lambda first, last: kernels.running_sums(flat, step, shape, flat_sums, sums_step, first, last), shape, threads
    )
    return flat_sums, sums_step


def _runs(layers: Layers, axes: list[int], shape: Triple, threads: int) -> tuple[NDArray[Any], ...]:
    flat, step = _flat(layers.values, axes)
    classes, member_starts, members = _classes(layers)
    counts = np.zeros(shape[0] * shape[1], np.int64)
    none = np.empty((0, 3), np.int16)
    _planes(
        lambda first, last: kernels.label_runs(flat, step, shape, classes, counts, none, False, first, last),
        shape,
        threads,
    )
    starts = np.concatenate([[0], np.cumsum(counts)])
    runs = np.empty((int(starts[-1]), 3), np.int16)
    cursor = starts[:-1].copy()
    _planes(
        lambda first, last: kernels.label_runs(flat, step, shape, classes, cursor, runs, True, first, last),
        shape,
        threads,
    )
    return starts, runs, member_starts, members


def _classes(layers: Layers) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.int16]]:
    """Class of each voxel value, and the labels of each class: values with the same labels share one, 0 has none."""
    numbers: dict[tuple[int, ...], int] = {(): 0}
    classes = np.zeros(np.iinfo(layers.values.dtype).max + 1, np.int16)
    for value, labels in sorted(layers.members.items()):
        classes[value] = numbers.setdefault(tuple(labels), len(numbers))
    starts = np.cumsum([0, *(len(labels) for labels in numbers)])
    return classes, starts, np.array([label for labels in numbers for label in labels], np.int16)


def _flat(array: NDArray[Any], axes: list[int]) -> tuple[NDArray[Any], Triple]:
    """The array as one line, and the steps along (c, b, a) in elements."""
    array = np.ascontiguousarray(array)
    return array.reshape(-1), _triple(array.strides[axis] // array.itemsize for axis in reversed(axes))


def _triple(numbers: Iterable[int]) -> Triple:
    c, b, a = numbers
    return c, b, a


def _planes(work: Callable[[int, int], None], shape: Triple, threads: int) -> None:
    edges = np.linspace(0, shape[0], min(shape[0], 4 * threads) + 1).astype(int).tolist()
    _map(lambda part: work(edges[part], edges[part + 1]), len(edges) - 1, threads)


def _map(work: Callable[[int], Any], n_parts: int, threads: int) -> list[Any]:
    if threads == 1:
        return [work(part) for part in range(n_parts)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(n_parts)))


# --- runs of pixels to COCO masks ----------------------------------------------------------------------------


def _footprints(runs: NDArray[np.int64], labels: tuple[str, ...], sums_mm: Floats, size: int) -> dict[str, Footprint]:
    """Runs (label, first pixel, one past the last), each label's in order, as masks; touching runs are joined."""
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    joins = (runs[1:, 0] == runs[:-1, 0]) & (runs[1:, 1] == runs[:-1, 2])
    opens, closes = np.append(True, ~joins)[: len(runs)], np.append(~joins, True)[: len(runs)]
    numbers, start, stop = runs[opens, 0], runs[opens, 1], runs[closes, 2]
    edges = np.searchsorted(numbers, np.arange(len(labels) + 1))
    return {
        label: _footprint(start[edges[i] : edges[i + 1]], stop[edges[i] : edges[i + 1]], sums_mm[i], size)
        for i, label in enumerate(labels)
        if edges[i] < edges[i + 1]
    }


def _footprint(start: NDArray[np.int64], stop: NDArray[np.int64], sum_mm: float, size: int) -> Footprint:
    area_px = int((stop - start).sum())
    return Footprint(
        rle=rle.compress(rle.counts_of_runs(start, stop, size * size)),
        area_px=area_px,
        box=rle.box_of_runs(start, stop, size),
        mean_thickness_mm=float(sum_mm) / area_px,
    )
