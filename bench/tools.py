"""One tool in one process: cleans the same files again whenever it is asked to, and says what that cost.

    python -P tools.py TOOL SLICES OUT      then lines of JSON on stdin: {"start": 0, "step": 1}, every step-th file

It runs in the tool's own environment, so it imports the standard library, and the tool. What is timed is the work on
files that lie in the page cache: imports, one round of warm-up and emptying OUT are not. CPU is user and system time.
"""

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Prepare = Callable[[list[Path], Path], Callable[[], None]]
"""Given files and an empty folder, does what is not timed, and returns what is."""


def each(clean: Callable[[Path, Path], object]) -> Callable[[list[Path], Path], Callable[[], None]]:
    """A tool that takes file by file."""

    def prepare(files: list[Path], out: Path) -> Callable[[], None]:
        def run() -> None:
            for file in files:
                clean(file, out / file.name)

        return run

    return prepare


def copy() -> Prepare:
    return each(shutil.copyfile)


def pydicom() -> Prepare:
    """Read and written again, nothing changed: what every tool on top of it pays."""
    read = import_module("pydicom").dcmread

    return each(lambda source, target: read(source).save_as(target))


def dcmanon() -> Prepare:
    anonymizer = import_module("dcmanon").Anonymizer()
    return each(lambda source, target: target.write_bytes(anonymizer.anonymize(str(source))))


def dicognito() -> Prepare:
    read, anonymizer = import_module("pydicom").dcmread, import_module("dicognito.anonymizer").Anonymizer()

    def clean(source: Path, target: Path) -> None:
        dataset = read(source)
        anonymizer.anonymize(dataset)
        dataset.save_as(target)

    return each(clean)


def dicom_anonymizer() -> Prepare:
    """With the newest of its tables."""
    module = import_module("dicomanonymizer.simpledicomanonymizer")

    def rules() -> Any:
        return module.initialize_actions("dicomfields_2026c")

    return each(
        lambda source, target: module.anonymize_dicom_file(str(source), str(target), base_rules_gen=rules),
    )


def deid() -> Prepare:
    """With the recipe that it ships, and without the lookup that a caller may make first (it reads each file twice)."""
    replace, recipe = import_module("deid.dicom").replace_identifiers, import_module("deid.config").DeidRecipe()

    def clean(source: Path, target: Path) -> None:
        replace([str(source)], deid=recipe, save=True, output_folder=str(target.parent), overwrite=True)

    return each(clean)


def ours() -> Prepare:
    return each(import_module("ours").ours())


def intake() -> Prepare:
    prepare: Prepare = import_module("intake").intake
    return prepare


def intake_with_pixels() -> Prepare:
    prepare: Prepare = import_module("intake").intake_with_pixels
    return prepare


TOOLS: dict[str, Callable[[], Prepare]] = {
    tool.__name__: tool
    for tool in (copy, ours, intake, intake_with_pixels, pydicom, dcmanon, dicognito, dicom_anonymizer, deid)
}


def peak_mb() -> float:
    """The most memory that this process has held; getrusage would count its parent's too (Linux proc(5), VmHWM)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def measured(prepare: Prepare, files: list[Path], out: Path) -> dict[str, float]:
    """CPU and wall of one round, in milliseconds a file."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run = prepare(files, out)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_ms": 1000 * cpu / len(files), "wall_ms": 1000 * wall / len(files), "peak_mb": peak_mb()}


def main() -> None:
    tool, slices, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    replies = os.fdopen(os.dup(1), "w")  # tools print on stdout
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    files = sorted(slices.iterdir())
    prepare = TOOLS[tool]()
    print(json.dumps({"peak_mb": peak_mb()}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(measured(prepare, files[asked["start"] :: asked["step"]], out)), file=replies, flush=True)


if __name__ == "__main__":
    main()
