"""How fast a release's loaders give pictures, beside a folder of loose PNG files.

python bench/loaders.py                  1,000 pictures of 512 × 512 pixels; half a minute

Pictures a second with their targets, in one process, the best of three passes; and how long it takes to open a release
with 250,000 images and their 14 labels.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import polars as pl
import torch
from PIL import Image

from curation.release import loaders
from curation.release.shards import Member, Shards
from tests.cohort import png
from tests.vision import torchxrayvision

SIZE_PX = 512
LABELS = 14


def made(root: Path, count: int) -> None:
    """A release of noise that is as smooth as a film: a PNG of about half its bytes."""
    chance = np.random.default_rng(0)
    coarse = chance.integers(0, 255, (count, 32, 32), np.uint8)
    files = {f"i{number:06}.png": _film(chance, rows) for number, rows in enumerate(coarse)}
    members = [Member(name, "train", lambda data=data: data) for name, data in files.items()]
    places = Shards(root).write("images", members)
    rows = [
        {"image_id": name.removesuffix(".png"), "patient_id": name, "split": "train", "file_name": name, **vars(place)}
        for name, place in sorted(places.items())
    ]
    pl.DataFrame(rows).write_parquet(root / "images.parquet")
    pl.DataFrame({"patient_id": [row["patient_id"] for row in rows], "sex": "F"}).write_parquet(
        root / "patients.parquet"
    )
    targets(root, [row["image_id"] for row in rows])
    (root / "loose").mkdir()
    for name, data in files.items():
        (root / "loose" / name).write_bytes(data)


def _film(chance: np.random.Generator, coarse: Any) -> bytes:
    smooth = np.asarray(Image.fromarray(coarse).resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC), np.int16)
    return png(np.clip(smooth + chance.integers(-4, 5, smooth.shape), 0, 255).astype(np.uint8))


def targets(root: Path, ids: list[str]) -> None:
    """14 labels of each image, a third of each kind."""
    table = pl.DataFrame({"image_id": ids}).join(
        pl.DataFrame({"label": [f"l{n:02}" for n in range(LABELS)]}), how="cross"
    )
    values = np.random.default_rng(0).integers(-1, 2, len(table))
    table.with_columns(label_set=pl.lit("chexpert"), state=values).with_columns(
        target=pl.when(pl.col("state") >= 0).then(pl.col("state"))
    ).write_parquet(root / "targets.parquet")


def rate(read: Callable[[], Iterable[Any]]) -> float:
    """Items a second, the best of three passes."""
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        count = sum(1 for _ in read())
        best = max(best, count / (time.perf_counter() - start))
    return best


def loose(root: Path) -> Iterable[Any]:
    """What a script of one's own does."""
    for path in sorted((root / "loose").iterdir()):
        yield torch.from_numpy(np.asarray(Image.open(path), np.float32)[None] / 255)


def each(dataset: Any) -> Iterable[Any]:
    return (dataset[number] for number in range(len(dataset)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=250_000)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torchxrayvision()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made(root, given.images)
        torch_data, film_data = loaders.TorchDataset(root, "train"), loaders.xrayvision(root, "train")
        print(f"{'loose PNG files':<24}{rate(lambda: loose(root)):>8,.0f} images/s")
        print(f"{'TorchDataset':<24}{rate(lambda: each(torch_data)):>8,.0f} images/s")
        print(f"{'xrayvision':<24}{rate(lambda: each(film_data)):>8,.0f} images/s")
        print(f"{'webdataset':<24}{rate(lambda: loaders.webdataset(root, 'train')):>8,.0f} images/s")
        ids = [f"i{number:06}" for number in range(given.rows)]
        pl.DataFrame({"image_id": ids, "split": "train", "shard": "a", "offset": 0, "length": 0}).write_parquet(
            root / "images.parquet"
        )
        targets(root, ids)
        start = time.perf_counter()
        loaders.TorchDataset(root, "train")
        print(
            f"opened {given.rows:,} images with {given.rows * LABELS:,} targets in {time.perf_counter() - start:.1f} s"
        )


if __name__ == "__main__":
    main()
