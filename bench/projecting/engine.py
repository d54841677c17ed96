"""What is ours in the benchmark of projection: the only place that knows how the engine is called."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from projectors import Ask, Finish, Scene, View

from curation import rle
from curation.settings import ProjectSettings, ViewName, load_settings
from projection.anatomy.body import turned
from projection.layers import Layers
from projection.pose import Detector, Jitter, Pose, view_pose
from projection.raycast import Projection
from projection.raycast import Scene as Ready
from projection.refine import finer_slices, refined

Affine = NDArray[np.float64]
DEFAULTS: ProjectSettings = load_settings(Path(__file__).parents[2] / "params.yaml").project


def view(name: ViewName, affine: Affine, shape: tuple[int, ...], yaw_deg: float = 0.0, **changed: Any) -> View:
    """A view of the repository's settings, some of them changed, as the numbers that every tool is told."""
    settings = DEFAULTS.model_copy(update=changed)
    detector = Detector(settings.size_px, settings.detector_mm, settings.source_to_detector_mm, settings.beam)
    pose = view_pose(name, affine, shape, detector, Jitter(yaw_deg=yaw_deg))
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in dataclasses.asdict(pose).items()
    }


def pose_of(numbers: View) -> Pose:
    """Back again."""
    made: dict[str, Any] = {name: np.array(v) if isinstance(v, list) else v for name, v in numbers.items()}
    return Pose(**made)


def layers_of_structures(values: NDArray[np.uint8], numbers: list[int]) -> Layers:
    """Each value a label by itself, named by its number."""
    return Layers(values, tuple(map(str, numbers)), {value: (at,) for at, value in enumerate(numbers)})


def structures(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """As the peers: the structures as they are."""
    return projector(scene, layers_of_structures(scene.values, scene.all_labels), scene.all_labels)


def anatomy(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """All derived labels; the derivation itself is not timed."""
    layers = derived(scene)
    return projector(scene, layers, range(len(layers.labels)))


def projector(scene: Scene, layers: Layers, numbers: Sequence[int]) -> Callable[[Ask], list[Finish]]:
    """Image, and each mask as COCO run lengths, area and box; ``numbers`` is what to save each label under.

    Every turn starts from the arrays: the views of one turn share what was made of them, those of the next do not.
    """
    saved_as = dict(zip(layers.labels, numbers, strict=True))

    def one(ready: Ready, view: View) -> Finish:
        made = ready.project(pose_of(view), DEFAULTS.min_thickness_mm)
        return lambda: finished(made, saved_as, view["size_px"])

    def run(ask: Ask) -> list[Finish]:
        ready = Ready(scene.hu, layers, scene.affine, threads=ask["threads"] or 0)
        return [one(ready, view) for view in ask["views"]]

    return run


def finished(
    made: Projection, numbers: Mapping[str, int], size_px: int
) -> tuple[NDArray[np.float32], dict[int, NDArray[np.bool_]]]:
    """Image and masks as arrays."""
    masks = {numbers[name]: rle.decode(mask.rle, size_px, size_px) for name, mask in made.footprints.items()}
    return made.water_mm["total"], masks


def derivation(scene: Scene) -> Callable[[Ask], list[Finish]]:
    """From structures to all labels, once per CT."""

    def run(_: Ask) -> list[Finish]:
        derived(scene)
        return []

    return run


def derived(scene: Scene) -> Layers:
    """All labels of the anatomy, in slices as thin as the stage makes them; the structures alone do without it."""
    names = json.loads((scene.place / "structures.json").read_text(encoding="utf-8"))
    body = turned(scene.values, {int(value): name for value, name in names.items()}, scene.affine, scene.hu)
    layers: Layers = import_module("projection.anatomy.derive").derive(body).layers
    return refined(layers, finer_slices(body.spacing_zyx_mm[0], DEFAULTS.label_slice_mm))


def min_thickness_mm() -> float:
    """A shorter path through a label does not make its mask."""
    return DEFAULTS.min_thickness_mm
