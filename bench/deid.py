"""How fast de-identification is: a plain copy, ours and the installable peers on the same CT slices, interleaved.

    python bench/deid.py                  a table; about two minutes, and a minute more the first time
    python bench/deid.py --json           and one last line of JSON, for machines

The slices are those of the public sample with made-up identities planted (synthetic ones if the wheel cannot be had).
Every tool runs in a process of its own that stays for all rounds, alone while its turn lasts; the peers each in a
throw-away virtual environment. CPU time counts, because wall time is the machine's and its other users' affair.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers import Numbers, Process, install
from slices import BIG, make_big, make_slices

from curation.errors import ToolError

HERE = Path(__file__).parent
PEERS = {
    "dcmanon": "dcmanon==0.3.1",
    "dicognito": "dicognito==0.19.0",
    "dicom_anonymizer": "dicom-anonymizer==2.1",
    "deid": "deid==0.4.13",
}
OURS = ("copy", "ours", "intake", "intake_with_pixels", "pydicom")


class Worker(Process):
    """A tool that cleans the same files in every round."""

    def __init__(self, tool: str, python: Path, slices: Path, out: Path) -> None:
        command: list[str | Path] = [python, "-P", HERE / "tools.py", tool, slices, out]
        super().__init__(command, (HERE.parent, HERE) if tool in OURS else ())
        self.idle_mb = self.answer()["peak_mb"]

    def ask(self, start: int = 0, step: int = 1) -> None:
        """Begin a round on every ``step``-th file."""
        self.tell({"start": start, "step": step})

    def round(self) -> Numbers:
        """One round on all files."""
        self.ask()
        return self.answer()


# --- measuring -------------------------------------------------------------------------------------------


@contextmanager
def working(tools: list[str], cache: Path, place: Path, slices: Path) -> Iterator[tuple[dict[str, Worker], Numbers]]:
    """A worker for each tool that can be had, and why the others cannot."""
    workers: dict[str, Worker] = {}
    missing: Numbers = {}
    for tool in tools:
        try:
            python = install((PEERS[tool],), cache) if tool in PEERS else Path(sys.executable)
            workers[tool] = Worker(tool, python, slices, place / "out" / tool)
            workers[tool].round()  # warm-up
        except ToolError as error:
            missing[tool] = str(error)
            workers.pop(tool, None)
    try:
        yield workers, missing
    finally:
        for worker in workers.values():
            worker.end()


def interleaved(workers: dict[str, Worker], rounds: int) -> dict[str, Numbers]:
    """Least and median of all rounds for each tool: copy, ours, each peer, and again from the start."""
    cost: dict[str, list[Numbers]] = {tool: [] for tool in workers}
    for done in range(rounds):
        for tool, worker in workers.items():
            cost[tool].append(worker.round())
        print(f"round {done + 1} of {rounds}", file=sys.stderr)
    return {
        tool: {
            "cpu_ms_least": min(one["cpu_ms"] for one in some),
            "cpu_ms_median": statistics.median(one["cpu_ms"] for one in some),
            "wall_ms_least": min(one["wall_ms"] for one in some),
        }
        for tool, some in cost.items()
    }


def memory(slices: Path, place: Path) -> Numbers:
    """How much the rewriter takes for one file of so many MB, beyond what its process takes when idle."""
    peaks: Numbers = {}
    for megabytes in BIG:
        folder = place / f"big{megabytes}"
        make_big(slices, folder, megabytes)
        worker = Worker("ours", Path(sys.executable), folder, place / "out" / "big")
        peaks[f"peak_mb_of_{megabytes}_mb"] = round(worker.round()["peak_mb"] - worker.idle_mb, 1)
        worker.end()
        shutil.rmtree(folder)
    return peaks


def two_processes(slices: Path, place: Path, rounds: int) -> float:
    """How many times as many slices a second two rewriters do as one: the best of the rounds each."""
    pair = [Worker("ours", Path(sys.executable), slices, place / "out" / f"pair{n}") for n in range(2)]
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds + 1):  # the first is the warm-up
        for halves, taken in seconds.items():
            started = time.perf_counter()
            for start, worker in enumerate(pair[:halves]):
                worker.ask(start, halves)
            for worker in pair[:halves]:
                worker.answer()
            taken.append(time.perf_counter() - started)
    for worker in pair:
        worker.end()
    return min(seconds[1][1:]) / min(seconds[2][1:])


# --- saying ----------------------------------------------------------------------------------------------


def ratios(costs: dict[str, Numbers]) -> Numbers:
    """What the least CPU times say; None where a tool is missing."""

    def ratio(above: str, below: str) -> float | None:
        if above not in costs or below not in costs:
            return None
        return round(float(costs[above]["cpu_ms_least"] / costs[below]["cpu_ms_least"]), 2)

    over_copy = {f"{tool}_over_copy": ratio(tool, "copy") for tool in ("ours", "intake", "intake_with_pixels")}
    return over_copy | {f"{tool}_over_ours": ratio(tool, "ours") for tool in ("pydicom", *PEERS)}


def machine() -> str:
    """What this ran on."""
    names = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    cores = len(os.sched_getaffinity(0))
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{(names or [platform.machine()])[0]}, {cores} cores, {versions}"


def tell(result: Numbers) -> None:
    """The table, and what else was measured."""
    print(f"{result['machine']}\n{result['slices']}; {result['rounds']} rounds\n")
    print(f"{'tool':<28}{'CPU ms/file':>14}{'median':>10}{'wall':>10}{'× copy':>10}")
    base = result["tools"]["copy"]["cpu_ms_least"]
    for tool, cost in result["tools"].items():
        numbers = (cost["cpu_ms_least"], cost["cpu_ms_median"], cost["wall_ms_least"])
        name = PEERS.get(tool, tool.replace("_", " "))
        print(f"{name:<28}{numbers[0]:>14.3f}{numbers[1]:>10.3f}{numbers[2]:>10.3f}{numbers[0] / base:>10.2f}")
    for tool, why in result["missing"].items():
        print(f"{PEERS.get(tool, tool.replace('_', ' ')):<28}not measured: {why}")
    print()
    print(f"two processes do {result['two_processes_over_one']:.2f} times what one does")
    for megabytes in BIG:
        taken = result[f"peak_mb_of_{megabytes}_mb"]
        print(f"a file of {megabytes} MB takes {taken:.1f} MB of memory beyond an idle process")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=133, help="slices of the series, at most its 133")
    parser.add_argument("--rounds", type=int, default=5, help="how often each tool has its turn (5)")
    parser.add_argument("--venv", type=Path, help="where the peers are installed (a folder below the system's temp)")
    parser.add_argument("--without-peers", action="store_true", help="copy and ours only")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    cache: Path = asked.venv or Path(tempfile.gettempdir()) / f"paxflow-bench-{os.getuid()}"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    tools = [*OURS, *([] if asked.without_peers else PEERS)]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        slices = place / "slices"
        result: Numbers = {"machine": machine(), "slices": make_slices(cache, slices, asked.files)}
        with working(tools, cache, place, slices) as (workers, missing):
            costs = interleaved(workers, asked.rounds)
        result |= {"rounds": asked.rounds, "tools": costs, "missing": missing, **ratios(costs)}
        result["two_processes_over_one"] = round(two_processes(slices, place, asked.rounds), 2)
        result |= memory(slices, place)
    tell(result)
    if asked.json:
        print(json.dumps(result))


if __name__ == "__main__":
    try:
        main()
    except ToolError as error:  # without ours there is nothing to compare
        sys.exit(f"bench: {error}")
