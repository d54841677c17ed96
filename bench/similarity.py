"""How fast the nearest of many reports are found, beside comparing all pairs, and whether they have like labels.

python bench/similarity.py                       200,000 synthetic reports; about three minutes
python bench/similarity.py --reports 20000
python bench/similarity.py --nodes 1000000       a made-up hierarchy of so many concepts: built, and one asked of 5,000
python bench/similarity.py --gold REPORTS GOLD   {"id","text"} a line, {"id","gold":{"chexpert14":{label: 0|1}}} a line

Synthetic reports say what chest reports say, as often: some four findings are absent and some two there, by Zipf's law
over the concepts that ship. CPU is user and system time of one process. Two peers: our own measure pair by pair, from a
sample of the pairs; and what comes to mind first, the cosine of the same statements, one sparse product for each block
of queries and the k best of a dense row, which knows no kinds, no contradictions and no places.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from tools import peak_mb

from curation.records import Assertion
from labeling.concepts.ontology import Ontology
from labeling.similar.index import Measure
from labeling.similarity import (
    Index,
    Neighbour,
    Said,
    Statement,
    chest_knowledge,
    chest_measure,
    published_measure,
    read,
    transfer,
)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Answers = tuple[float, Callable[[list[str]], list[list[Neighbour]]]]
"""Build seconds, and what answers queries by id."""

K = 10
QUERIES = 1_000
_SIDES = ("", "left", "right", "bilateral")


def synthetic(count: int, seed: int = 5) -> dict[str, Said]:
    """Reports of made-up statements."""
    rng = np.random.default_rng(seed)
    known = chest_knowledge()
    concepts = sorted(known.homes)
    lungs = sorted(place for place in known.places.names if known.places.is_a(place, "lung"))
    zipf = 1 / np.arange(1, len(concepts) + 1)
    there, absent = rng.permutation(len(concepts)), rng.permutation(len(concepts))
    chances = zipf / zipf.sum(), zipf**1.7 / (zipf**1.7).sum()

    def say(assertion: Assertion, order: Ints, chance: Floats, size: int) -> list[Statement]:
        named = [concepts[order[at]] for at in rng.choice(len(order), size, p=chance)]
        if assertion is Assertion.ABSENT:
            return [Statement(name, assertion) for name in named]
        sides = rng.choice(4, size, p=(0.55, 0.15, 0.15, 0.15))
        placed = rng.random(size) < 0.5
        where = [tuple(sorted(set(rng.choice(lungs, rng.integers(1, 3))))) if some else () for some in placed]
        return [
            Statement(*row) for row in zip(named, [assertion] * size, (_SIDES[s] for s in sides), where, strict=True)
        ]

    def report() -> Said:
        normal = rng.random() < 0.35
        said = say(Assertion.ABSENT, absent, chances[1], rng.poisson(4.5))
        said += [] if normal else say(Assertion.PRESENT, there, chances[0], 1 + rng.poisson(1.5))
        said += [] if normal else say(Assertion.UNCERTAIN, there, chances[0], rng.poisson(0.3))
        return frozenset(said)

    return {f"r{number}": report() for number in range(count)}


def ours(reports: Mapping[str, Said]) -> Answers:
    """Our measure over the index."""
    started = time.process_time()
    index = Index(reports, chest_measure())
    return time.process_time() - started, lambda asked: [index.nearest(reports[name], K, name) for name in asked]


def published(reports: Mapping[str, Said]) -> Answers:
    """The preset, in the same index."""
    started = time.process_time()
    index = Index(reports, published_measure())
    return time.process_time() - started, lambda asked: [index.nearest(reports[name], K, name) for name in asked]


def cosine(reports: Mapping[str, Said]) -> Answers:
    """Cosine of all pairs."""
    started = time.process_time()
    ids = list(reports)
    at = {name: number for number, name in enumerate(ids)}
    found: dict[Statement, int] = {}
    cells = [[found.setdefault(one, len(found)) for one in said] for said in reports.values()]
    values = np.repeat([1 / max(len(row), 1) ** 0.5 for row in cells], [len(row) for row in cells])
    starts = np.cumsum([0, *(len(row) for row in cells)])
    matrix = sparse.csr_array((values, np.concatenate(cells).astype(np.int64), starts), shape=(len(ids), len(found)))
    turned = sparse.csr_array(matrix.T)
    built = time.process_time() - started

    def nearest(row: Floats, name: str) -> list[Neighbour]:
        row[at[name]] = -1.0
        best = np.argpartition(-row, K)[:K]
        return [Neighbour(ids[one], float(row[one])) for one in best[np.argsort(-row[best])]]

    def ask(asked: list[str]) -> list[list[Neighbour]]:
        answers = []
        for start in range(0, len(asked), 50):
            block = asked[start : start + 50]
            rows = (matrix[[at[name] for name in block]] @ turned).toarray()
            answers += [nearest(row, name) for row, name in zip(rows, block, strict=True)]
        return answers

    return built, ask


def pairs(reports: Mapping[str, Said]) -> Answers:
    """Our measure pair by pair, timed on one pair in a hundred."""
    one, sample = chest_measure(), list(reports)[::100]

    def nearest(name: str) -> list[Neighbour]:
        found = [Neighbour(other, one.similarity(reports[name], reports[other])) for other in sample if other != name]
        return sorted(found, key=lambda near: -near.similarity)[:K]

    return 0.0, lambda asked: [nearest(name) for name in asked]


WAYS = {"ours": ours, "published": published, "cosine": cosine, "pairs": pairs}


def measure(way: str, count: int) -> dict[str, float]:
    """One way, in this process."""
    reports = synthetic(count)
    before = peak_mb()
    built, ask = WAYS[way](reports)
    chosen = [str(name) for name in np.random.default_rng(1).choice(list(reports), QUERIES, replace=False)]
    few, scale = (5, 100) if way == "pairs" else (100, 1)
    each = [scale * spent(partial(ask, [name])) for name in chosen[:few]]
    many = sum(each) / few * QUERIES if way == "pairs" else spent(partial(ask, chosen))
    return {
        "build_s": built,
        "one_ms": 1000 * float(np.median(each)),
        "slowest_ms": 1000 * max(each),
        "many_s": many,
        "reports_mb": before,
        "peak_mb": peak_mb(),
    }


def spent(work: Callable[[], object]) -> float:
    """CPU seconds of the work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def speed(count: int) -> None:
    """The table of speed."""
    print(f"{count:,} reports, the {K} nearest; CPU seconds of one process; {machine()}\n")
    print("| way | build s | one query ms, median | slowest | 1,000 queries s | peak MB | of it the reports |")
    print("|---|---|---|---|---|---|---|")
    for way in WAYS:
        command = [sys.executable, __file__, "--reports", str(count), "--only", way]
        row = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(
            f"| {way} | {row['build_s']:.1f} | {row['one_ms']:.1f} | {row['slowest_ms']:.0f} | {row['many_s']:.1f} "
            f"| {row['peak_mb']:.0f} | {row['reports_mb']:.0f} |",
            flush=True,
        )


def machine() -> str:
    """The processor, and what runs on it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{name}, Python {platform.python_version()}, numpy {np.__version__}"


def hierarchy(count: int) -> None:
    """A hierarchy in which each concept has one parent or two, anywhere above it."""
    rng = np.random.default_rng(2)
    children = np.concatenate((np.arange(1, count), rng.integers(1, count, count // 3)))
    parents = (children * rng.random(len(children))).astype(np.int64)
    edges = [
        (f"C{child:07}", f"C{parent:07}") for child, parent in zip(children.tolist(), parents.tolist(), strict=True)
    ]
    before = peak_mb()
    made: list[Ontology] = []
    built = spent(lambda: made.append(Ontology(edges)))
    asked = min(spent(lambda: made[0].lin_to(500, np.arange(min(5_000, count)))) for _ in range(3))
    print(f"{count:,} concepts, {len(edges):,} edges; {machine()}")
    print(
        f"built in {built:.1f} s, Lin of one to 5,000 in {1000 * asked:.1f} ms, {peak_mb():.0f} MB (edges {before:.0f})"
    )


# --- near reports have like labels -----------------------------------------------------------------------


def agreement(texts: Path, gold: Path) -> None:
    """Labels of each report that has some, from the reports that are nearest to it, itself left out."""
    labels = {row["id"]: row["gold"]["chexpert14"] for row in lines(gold)}
    reports = {row["id"]: read(row["text"]) for row in lines(texts) if row["id"] in labels}
    ways: dict[str, Measure] = {"ours": chest_measure(), "published": published_measure()}
    print(f"{len(reports):,} reports, labels of a report from its 5 nearest, precision of its {K} nearest\n")
    print("| measure | micro F1 | macro F1 | answered | precision | precision, where something is found |")
    print("|---|---|---|---|---|---|")
    for way, one in ways.items():
        index = Index(reports, one)
        near = {name: index.nearest(said, K, name) for name, said in reports.items()}
        print(f"| {way} | {' | '.join(f'{value:.3f}' for value in scores(near, labels))} |")


def lines(file: Path) -> list[dict[str, Any]]:
    """Rows of a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def scores(near: Mapping[str, list[Neighbour]], labels: Mapping[str, Mapping[str, int]]) -> list[float]:
    """Micro and macro F1 of the transferred labels, share of answers, precision of all and of reports with findings."""
    right, told, held = Counter[str](), Counter[str](), Counter[str]()
    answered, precise, found = 0, [], []
    for name, neighbours in near.items():
        votes = transfer(neighbours[:5], labels, near=0.3)
        answered += bool(votes)
        said = {label for label, vote in votes.items() if vote.state == 1} - {"No Finding"}
        true = {label for label, state in labels[name].items() if state == 1} - {"No Finding"}
        right.update(said & true)
        told.update(said)
        held.update(true)
        precise.append(sum(labels[one.report_id] == labels[name] for one in neighbours) / K)
        found += [precise[-1]] if labels[name]["No Finding"] == 0 else []
    micro = 2 * right.total() / (told.total() + held.total())
    macro = np.mean([2 * right[label] / (told[label] + held[label]) for label in held])
    return [micro, float(macro), answered / len(near), float(np.mean(precise)), float(np.mean(found))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=200_000)
    parser.add_argument("--only", choices=WAYS, help="one way, as a line of JSON")
    parser.add_argument("--gold", nargs=2, type=Path, metavar=("REPORTS", "GOLD"))
    parser.add_argument("--nodes", type=int, help="the hierarchy alone")
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(measure(asked.only, asked.reports)))
    elif asked.nodes:
        hierarchy(asked.nodes)
    elif asked.gold:
        agreement(*asked.gold)
    else:
        speed(asked.reports)


if __name__ == "__main__":
    main()
