"""Sweeps along an axis of the grid: what memory allows, and the two obvious ways to get a mask of each label."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from projectors import AIR_HU, Ask, Finish, Scene, View


def stream(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """Reads the CT and the labels once, a cache full at a time: no sweep over them can take less."""
    wide = [array.reshape(-1).view(np.uint64) for array in (scene.hu, scene.values)]
    step = 1 << 14  # 128 KiB of 8 bytes: stays in the second-level cache
    bucket = np.empty(step, np.uint64)

    def run(_: Ask) -> list[Finish]:
        for array in wide:
            for at in range(0, len(array), step):
                part = array[at : at + step]
                np.copyto(bucket[: len(part)], part)
        return []

    return run


def along(view: View) -> int:
    """The array axis of the central ray."""
    return 2 - int(np.abs(np.cross(view["x_axis"], view["y_axis"])).argmax())


def onto_rows(scene: Scene, view: View, flat: NDArray[Any]) -> NDArray[Any]:
    """A picture on the grid's (z, columns) as the view's rows, which run down: the slice that each row lies in."""
    size = view["size_px"]
    z_mm = view["origin_mm"][2] + view["pixel_mm"] * view["y_axis"][2] * np.arange(size)
    slices = np.floor((z_mm - scene.affine[2, 3]) / scene.affine[2, 2] + 0.5).astype(int)
    inside = (slices >= 0) & (slices < len(flat))
    made: NDArray[Any] = np.where(inside[:, None], flat[np.clip(slices, 0, len(flat) - 1)], flat.dtype.type(0))
    return made


def by_numpy(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """The obvious way: compare with each label, any along the axis."""

    def one(view: View, labels: list[int]) -> Finish:
        axis = along(view)
        masks = {value: (scene.values == value).any(axis=axis) for value in labels}
        image = np.maximum(scene.hu - np.int16(AIR_HU), 0).sum(axis=axis, dtype=np.float32)
        return lambda: (onto_rows(scene, view, image), {v: onto_rows(scene, view, m) for v, m in masks.items()})

    return lambda ask: [one(view, scene.labels(ask)) for view in ask["views"]]


def simpleitk(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """Its maximum projection of each label, its sum projection of the CT."""
    sitk = import_module("SimpleITK")
    values, density = sitk.GetImageFromArray(scene.values), sitk.GetImageFromArray(scene.density())

    def one(view: View, labels: list[int]) -> Finish:
        axis = along(view)
        masks = {v: sitk.MaximumProjection(sitk.Equal(values, v), 2 - axis) for v in labels}
        image = sitk.SumProjection(density, 2 - axis)

        def flat(made: Any) -> NDArray[Any]:
            return onto_rows(scene, view, np.squeeze(sitk.GetArrayFromImage(made), axis))

        return lambda: (flat(image).astype(np.float32), {v: flat(made) > 0 for v, made in masks.items()})

    return lambda ask: [one(view, scene.labels(ask)) for view in ask["views"]]
