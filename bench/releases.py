"""How long releases take: every recipe on a synthetic cohort, what check costs, near-duplicate reports, and questions.

python bench/releases.py [--patients 2000] [--rows 1000000]

The cohort is tables (``tests/cohort.py``): real mining and grounding, pictures of 32 pixels. Near-duplicates beside
datasketch's MinHash LSH. Questions: the ready views over two versions of ``--rows`` labels each.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import polars as pl
from datasketch import MinHash, MinHashLSH

from curation.query import query_release
from curation.records import ReleaseImage, ReleaseLabel, Report
from curation.release.build import build, folder_of
from curation.release.check import check
from curation.release.duplicates import near_duplicates
from curation.release.files import write_json
from curation.release.opened import CHECKSUMS, PROVENANCE, Opened
from curation.release.recipe import NAMES
from curation.release.views import Shelf
from curation.store import read_rows, to_arrow, write_parquet
from tests.cohort import cohort


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def recipes(root: Path, patients: int) -> list[str]:
    """Build and check every recipe; returns the reports' texts."""
    seconds, workspace = timed(lambda: cohort(root, patients))
    print(f"cohort of {patients:,} patients: {seconds:.0f} s")
    for name in NAMES:
        built, counts = timed(lambda name=name: build(workspace, name))
        checked, _ = timed(lambda name=name: check(Opened(folder_of(workspace, name), root / "none")))
        rows = sum(counts.values())
        print(f"{name:16} built and checked in {built:6.1f} s, checked again in {checked:5.1f} s: {rows:,} rows")
    return [row.text for row in read_rows(Report, workspace.tables("deid"))]


def duplicates(texts: list[str], count: int) -> None:
    """Near-duplicates among ``count`` texts made of sentences of the cohort's."""
    chance = Random(1)  # noqa: S311 - repeatable, not secret
    sentences = sorted({sentence for text in texts for sentence in text.split(". ")})
    made = {f"r{n:07d}": ". ".join(chance.sample(sentences, chance.randint(4, 12))) for n in range(count)}
    for n in range(0, count, 10):
        made[f"r{n:07d}"] = made[f"r{(n * 7) % count:07d}"] + " Unchanged"
    ours, groups = timed(lambda: near_duplicates(made))
    print(f"near-duplicates of {count:,} texts: {ours:.1f} s, {len(set(groups.values())):,} groups")

    def peer() -> int:
        index = MinHashLSH(threshold=0.9, num_perm=128)
        found = 0
        for name, text in made.items():
            words = text.lower().split()
            sketch = MinHash(num_perm=128)
            sketch.update_batch([" ".join(words[at : at + 4]).encode() for at in range(max(1, len(words) - 3))])
            found += bool(index.query(sketch))
            index.insert(name, sketch)
        return found

    theirs, _ = timed(peer)
    print(f"datasketch MinHashLSH (approximate): {theirs:.1f} s, {theirs / ours:.1f} times ours")


def questions(root: Path, rows: int) -> None:
    """The ready views on two versions of many labels."""
    n_images = max(1, rows // 14)
    labels = [f"label {number}" for number in range(14)]
    shelves = []
    for version in (0, 1):
        folder = root / f"v{version}"
        folder.mkdir()
        write_json(folder / CHECKSUMS, {})
        tables = {"images": {"record": "release_images"}, "labels": {"record": "release_labels"}}
        write_json(folder / PROVENANCE, {"recipe": "classification", "tables": tables})
        write_parquet(to_arrow(ReleaseImage, [_image(number) for number in range(n_images)]), folder / "images.parquet")
        made = [
            ReleaseLabel(f"i{n:07d}", label, "report", f"r{n:07d}", (n * 31 + at * (7 + version)) % 4 - 1 or None)
            for n in range(n_images)
            for at, label in enumerate(labels)
        ]
        write_parquet(to_arrow(ReleaseLabel, made), folder / "labels.parquet")
        shelves.append(Shelf(f"classification@v1.{version}.0", folder))
    print(f"{len(pl.read_parquet(folder / 'labels.parquet')):,} labels in each of two versions")
    for sql in (
        "select version, split, label, state, n_patients from prevalence order by all",
        "select table_name, what, count(*) from changes group by all",
        "select source, count(*) from label_trail group by all",
        "select split, count(*) from images group by 1",
    ):
        seconds, found = timed(lambda sql=sql: query_release(shelves[1], shelves, sql))
        print(f"{seconds:6.2f} s, {len(found[1]):5} rows: {sql}")


def _image(number: int) -> ReleaseImage:
    split = ("train", "valid", "test")[number % 10 - 7 if number % 10 > 7 else 0]
    ids = (f"i{number:07d}", f"s{number // 2:07d}", f"p{number // 4:07d}", split, f"e{number:07d}")
    size = (1024, 1024, 2048, 2048, 0.2, 8)
    return ReleaseImage(
        *ids, "radiograph", "PA", "", *size, "MONOCHROME2", "window", f"i{number}.png", "", "", "", 0, 0
    )


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--patients", type=int, default=2000)
    words.add_argument("--texts", type=int, default=100_000)
    words.add_argument("--rows", type=int, default=1_000_000)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = recipes(Path(folder) / "cohort", given.patients)
        duplicates(texts, given.texts)
        questions(Path(folder), given.rows)


if __name__ == "__main__":
    main()
