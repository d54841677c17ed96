"""One projector in one process: makes the views it is asked for, and says what they cost.

    python -P projectors.py TOOL PLACE      then lines of JSON on stdin, see ``Ask``; one line of JSON for each

It runs in the tool's own environment, so it imports the standard library, numpy, and the tool. PLACE holds the CT and
its labelmap as arrays (``hu.npy`` int16 and ``values.npy`` uint8, both (z, y, x); ``affine.npy``, voxel (x, y, z) to
LPS mm, axes along the patient's). A view is given as numbers: source, centre of pixel (0, 0), unit vectors of rising
column and row, all LPS mm; every tool has to be told these in its own convention. What is timed is the projection from
arrays in memory to what the tool itself returns; imports, one small view of warm-up, and saving are not. CPU is user
and system time of all threads; the peak is the process's resident memory during the asked views, with its arrays and
libraries.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

View = dict[str, Any]
"""``source_mm``, ``origin_mm``, ``x_axis``, ``y_axis``, ``pixel_mm``, ``size_px``, ``source_to_detector_mm``, and
``beam``."""
Ask = dict[str, Any]
"""``views``, ``labels`` (voxel values; None: all), ``repeats``, ``threads`` (None: the tool's own choice), ``save`` (a
file for each view, or none), and what only one tool knows."""
Picture = NDArray[np.float32]
Masks = dict[int, NDArray[np.bool_]]
Finish = Callable[[], tuple[Picture, Masks]]
"""What a tool returned, as an image and masks (rows, columns): translated after the clock has stopped."""
AIR_HU = -1000


@dataclass(frozen=True)
class Scene:
    """A CT and its labelmap, (z, y, x)."""

    hu: NDArray[np.int16]
    values: NDArray[np.uint8]
    affine: NDArray[np.float64]
    place: Path

    def labels(self, ask: Ask) -> list[int]:
        """The voxel values asked for."""
        return ask["labels"] or self.all_labels

    @cached_property
    def all_labels(self) -> list[int]:
        """Every voxel value but 0."""
        counts = sum(np.bincount(plane.ravel(), minlength=256) for plane in self.values)  # bincount takes 8 bytes each
        return [int(value) for value in np.flatnonzero(counts) if value]

    def density(self) -> NDArray[np.float32]:
        """Attenuation as ours: water is 1000."""
        density: NDArray[np.float32] = np.maximum(self.hu - np.float32(AIR_HU), np.float32(0))
        return density

    def spacing_mm(self) -> list[float]:
        """x, y, z."""
        return [float(self.affine[axis, axis]) for axis in range(3)]


Tool = Callable[[Scene], Callable[[Ask], list[Finish]]]


# --- the tools -----------------------------------------------------------------------------------------------


def frame(view: View) -> tuple[NDArray[np.float64], ...]:
    """Source, the detector's centre, and the unit vectors of rising column and row."""
    source, origin, right, down = (np.array(view[name]) for name in ("source_mm", "origin_mm", "x_axis", "y_axis"))
    return source, origin + (right + down) * (view["pixel_mm"] * (view["size_px"] - 1) / 2), right, down


def diffdrr() -> Tool:
    """DiffDRR on torch, Siddon, each label a channel.

    Its camera looks along +z with columns along x and rows down y, so the pose is the matrix of the view's axes in RAS.
    For PA that is the same as its ``orientation="PA"`` with the translation (0, -d, 0). The attenuation is set to ours;
    with ``its_density`` it stays its own, which takes all below -800 HU for nothing.
    """
    torch, torchio = import_module("torch"), import_module("torchio")
    read, drr = import_module("diffdrr.data").read, import_module("diffdrr.drr").DRR
    transform = import_module("diffdrr.pose").RigidTransform

    def prepare(scene: Scene) -> Callable[[Ask], list[Finish]]:
        ras = np.diag([-1.0, -1.0, 1.0, 1.0])

        def tensor(array: NDArray[Any]) -> Any:
            return torch.from_numpy(np.ascontiguousarray(array.T))[None]

        ct = torchio.ScalarImage(tensor=tensor(scene.hu), affine=ras @ scene.affine)
        labelmap = torchio.LabelMap(tensor=tensor(scene.values), affine=ras @ scene.affine)
        subject = read(ct, labelmap, orientation=None, center_volume=False)
        densities = {True: subject.density.data, False: tensor(scene.density())}

        def one(view: View, ask: Ask) -> Finish:
            subject.density.set_data(densities[bool(ask.get("its_density"))])
            size, (source, centre, right, down) = view["size_px"], frame(view)
            side = min(128, size)  # 128 squared rays in one go: faster than 16, 32 or 64 squared, and takes 2 GB
            kwargs = {"sdd": view["source_to_detector_mm"], "height": size, "delx": view["pixel_mm"]}
            module = drr(subject, reverse_x_axis=False, patch_size=side, **kwargs)
            pose = np.eye(4)
            ahead = (centre - source) / np.linalg.norm(centre - source)
            pose[:3] = ras[:3, :3] @ np.stack([right, -down, ahead, source], axis=1)
            with torch.no_grad():
                made = module(transform(torch.tensor(pose, dtype=torch.float32)), mask_to_channels=True)[0]
            return lambda: (made.sum(0).numpy(), {value: (made[value] > 0).numpy() for value in scene.labels(ask)})

        return lambda ask: [one(view, ask) for view in ask["views"]]

    return prepare


def rtk() -> Tool:
    """RTK's Joseph forward projection, of the CT and of each label by itself.

    Its geometry takes the source, the detector's centre and its axes; its world is ITK's, which is LPS.
    """
    itk = import_module("itk")
    kit = itk.RTK
    volume_type = itk.Image[itk.F, 3]

    def placed(view: View) -> Any:
        geometry = kit.ThreeDCircularProjectionGeometry.New()
        point, vector = itk.Point[itk.D, 3], itk.Vector[itk.D, 3]
        source, centre, right, down = (part.tolist() for part in frame(view))
        assert geometry.AddProjection(point(source), point(centre), vector(right), vector(down)), "RTK refuses the view"
        return geometry

    def prepare(scene: Scene) -> Callable[[Ask], list[Finish]]:
        def projected(view: View, array: NDArray[np.float32]) -> NDArray[np.float32]:
            volume = itk.image_view_from_array(array)
            volume.SetSpacing(scene.spacing_mm())
            volume.SetOrigin(scene.affine[:3, 3].tolist())
            half_mm = view["pixel_mm"] * (view["size_px"] - 1) / 2
            stack = kit.ConstantImageSource[volume_type].New()
            stack.SetOrigin([-half_mm, -half_mm, 0.0])
            stack.SetSpacing([view["pixel_mm"], view["pixel_mm"], 1.0])
            stack.SetSize([view["size_px"], view["size_px"], 1])
            joseph = kit.JosephForwardProjectionImageFilter[volume_type, volume_type].New()
            joseph.SetGeometry(placed(view))
            joseph.SetInput(0, stack.GetOutput())
            joseph.SetInput(1, volume)
            joseph.Update()
            made: NDArray[np.float32] = itk.array_from_image(joseph.GetOutput())[0]
            return made

        def one(view: View, ask: Ask) -> Finish:
            image = projected(view, scene.density())
            paths = {v: projected(view, (scene.values == v).astype(np.float32)) for v in scene.labels(ask)}
            return lambda: (image, {v: path > ask["shortest_mm"] for v, path in paths.items()})

        return lambda ask: [one(view, ask) for view in ask["views"]]

    return prepare


def of_this_environment(module: str, name: str) -> Callable[[], Tool]:
    """A tool that runs beside the project's own packages, in a module that only they can import."""

    def load() -> Tool:
        tool: Tool = getattr(import_module(module), name)
        return tool

    return load


TOOLS: dict[str, Callable[[], Tool]] = {
    "diffdrr": diffdrr,
    "rtk": rtk,
    "ours": of_this_environment("engine", "structures"),
    "ours_all": of_this_environment("engine", "anatomy"),
    "derive": of_this_environment("engine", "derivation"),
    "stream": of_this_environment("sweeps", "stream"),
    "by_numpy": of_this_environment("sweeps", "by_numpy"),
    "simpleitk": of_this_environment("sweeps", "simpleitk"),
}


# --- measuring ---------------------------------------------------------------------------------------------


def peak_mb() -> float:
    """The most memory held since the last ``forget_peak`` (Linux proc(5), VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def forget_peak() -> None:
    """Let VmHWM begin anew (Linux proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def measured(run: Callable[[Ask], list[Finish]], ask: Ask) -> tuple[dict[str, float], list[Finish]]:
    """Seconds and megabytes of the asked views, and what the last turn made."""
    cpu: list[float] = []
    wall: list[float] = []
    made: list[Finish] = []
    forget_peak()
    for _ in range(ask["repeats"]):
        made.clear()  # before the next is made, or memory would count both
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        made += run(ask)
        wall.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    times = {"wall_s": min(wall), "wall_median_s": statistics.median(wall), "cpu_s": min(cpu)}
    return times | {"cpu_median_s": statistics.median(cpu), "peak_mb": peak_mb()}, made


def save(path: str, image: Picture, masks: Masks) -> None:
    """Image and masks, eight pixels a byte."""
    packed = np.stack([np.packbits(mask, axis=1) for mask in masks.values()])
    np.savez(path, image=image.astype(np.float32), labels=np.array(list(masks)), masks=packed)


def load(path: Path) -> tuple[Picture, Masks]:
    """What ``save`` wrote."""
    with np.load(path) as file:
        image, labels, packed = file["image"], file["labels"], file["masks"]
    return image, {int(v): np.unpackbits(m, axis=1).astype(bool) for v, m in zip(labels, packed, strict=True)}


def main() -> None:
    place = Path(sys.argv[2])
    replies = os.fdopen(os.dup(1), "w")  # tools print on stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    hu, values, affine = (np.load(place / f"{name}.npy") for name in ("hu", "values", "affine"))
    run = TOOLS[sys.argv[1]]()(Scene(hu, values, affine, place))
    forget_peak()
    print(json.dumps({"idle_mb": peak_mb()}), file=replies, flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        numbers, made = measured(run, ask)
        for path, finish in zip(ask["save"], made, strict=False):
            save(path, *finish())
        print(json.dumps(numbers), file=replies, flush=True)


if __name__ == "__main__":
    main()
