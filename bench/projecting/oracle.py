"""Whether our masks are exact: voxel by voxel along single rays (Siddon, Med Phys 12, 1985), in plain numpy.

Every plane of the grid that a ray crosses is computed, all crossings are sorted, and the voxel between two of them is
looked up at the middle; nothing of the engine is used. Rays are drawn among all pixels and, as many, among pixels at
which some mask begins or ends: there a method that is not exact shows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from projectors import Masks, Scene, View

Floats = NDArray[np.float64]
Pixels = NDArray[np.int64]
BLOCK = 1000  # rays in one go: 1160 crossings each, some 100 MB


def chosen(masks: Masks, n_rays: int, seed: int) -> Pixels:
    """Pixels (n, 2), row and column, each once: half at random, half where a mask ends towards the right or down."""
    random = np.random.default_rng(seed)
    edges = np.zeros(next(iter(masks.values())).shape, bool)
    for mask in masks.values():
        across, down = mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]
        edges[:, 1:] |= across
        edges[:, :-1] |= across
        edges[1:] |= down
        edges[:-1] |= down
    half = n_rays // 2
    near = np.flatnonzero(edges)
    picked = [random.choice(edges.size, half, replace=False), random.choice(near, min(half, len(near)), replace=False)]
    return np.stack(np.unravel_index(np.unique(np.concatenate(picked)), edges.shape), axis=1)


def traced(scene: Scene, view: View, pixels: Pixels) -> Iterator[tuple[Pixels, Floats, Floats]]:
    """Blocks of pixels, mm through each voxel value (rays, 256), and the sums of max(HU + 1000, 0) × mm."""
    origin_mm, right, down = (np.array(view[name]) for name in ("origin_mm", "x_axis", "y_axis"))
    for at in range(0, len(pixels), BLOCK):
        part = pixels[at : at + BLOCK]
        targets_mm = origin_mm + view["pixel_mm"] * (part[:, 1:] * right + part[:, :1] * down)
        yield part, *_paths(scene, np.array(view["source_mm"]), targets_mm)


def _paths(scene: Scene, source_mm: Floats, targets_mm: Floats) -> tuple[Floats, Floats]:
    size = np.array(scene.hu.shape[::-1])
    inverse = np.linalg.inv(scene.affine)
    start = inverse[:3, :3] @ source_mm + inverse[:3, 3] + 0.5  # voxel edges are whole numbers
    step = targets_mm @ inverse[:3, :3].T + inverse[:3, 3] + 0.5 - start
    with np.errstate(divide="ignore", invalid="ignore"):  # a ray along a plane crosses it nowhere
        planes = [(np.arange(n + 1) - start[axis]) / step[:, axis, None] for axis, n in enumerate(size)]
    crossings = np.sort(np.clip(np.nan_to_num(np.concatenate(planes, axis=1)), 0.0, 1.0), axis=1)
    middle = (crossings[:, 1:] + crossings[:, :-1]) / 2
    mm = np.diff(crossings, axis=1) * np.linalg.norm(targets_mm - source_mm, axis=1)[:, None]
    voxels = [np.floor(start[axis] + middle * step[:, axis, None]).astype(np.int64) for axis in range(3)]
    inside = np.logical_and.reduce([(v >= 0) & (v < n) for v, n in zip(voxels, size, strict=True)]) & (mm > 0)
    rays, places = np.nonzero(inside)[0], tuple(v[inside] for v in reversed(voxels))
    n_rays = len(targets_mm)
    by_value = np.bincount(rays * 256 + scene.values[places], mm[inside], n_rays * 256)
    weights = np.maximum(scene.hu[places].astype(np.float64) + 1000, 0) * mm[inside]
    integral = np.bincount(rays, weights, n_rays)
    return by_value.reshape(n_rays, 256).astype(np.float64), integral.astype(np.float64)


def differences(
    scene: Scene, view: View, image: NDArray[np.float32], masks: Masks, rays: tuple[int, int, float]
) -> dict[str, float]:
    """How many pixels of how many masks are not as the oracle says; ``rays`` is how many, a seed, the least path in mm.

    ``integral_off`` is the largest difference of a line integral, as a share of the largest integral, after one
    common scale (the engine's unit is its own affair).
    """
    n_rays, seed, shortest_mm = rays
    different, tried, at_edge = 0, 0, 0
    sums: list[Floats] = []
    given: list[NDArray[np.float32]] = []
    pixels = chosen(masks, n_rays, seed)
    for part, paths_mm, integral in traced(scene, view, pixels):
        rows, columns = part.T
        for value, mask in masks.items():
            wrong = (paths_mm[:, value] > shortest_mm) != mask[rows, columns]
            different += int(wrong.sum())
            at_edge += int((np.abs(paths_mm[wrong, value] - shortest_mm) < 1e-6).sum())
        unseen = [v for v in scene.all_labels if v not in masks]
        different += int((paths_mm[:, unseen] > shortest_mm).sum())
        tried += len(part) * len(scene.all_labels)
        sums.append(integral)
        given.append(image[rows, columns])
    slow, fast = np.concatenate(sums), np.concatenate(given).astype(np.float64)
    off = np.abs(fast - slow * (fast @ slow) / (slow @ slow)).max() / fast.max()
    return {
        "rays": len(pixels),
        "pixels_compared": tried,
        "pixels_different": different,
        "of_these_within_a_nanometre_of_the_threshold": at_edge,
        "integral_off": float(off),
    }
