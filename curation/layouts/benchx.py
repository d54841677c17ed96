"""The layout of BenchX (Zhou et al. 2024, arXiv:2410.21969), from ``classification``, or with masks from ``paxray``.

Pictures are made as BenchX makes them: the longer side 512 pixels, Lanczos, RGB. Lists hold names without ``.png``.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from pathlib import PurePath
from typing import Any

import polars as pl
from PIL import Image

from curation import rle
from curation.layouts.layout import File, Layout, csv_file, encoded, images_of, picture
from curation.records import SPLITS
from curation.release import loaders
from curation.release.opened import Opened

SIZE_PX = 512  # BenchX, preprocess/datasets: desired_size
SHARES = {"train": 1.0, "train_10": 0.1, "train_1": 0.01}
MASKS = ("lung", "heart", "cardiomediastinum", "spine")
"""Labels of ``paxray`` that get masks, as far as the release has them."""
_ABOUT = """The layout of BenchX, written from a paxflow release; nothing here is from its datasets.
train_1.txt is a part of train_10.txt, and that of train.txt, by a hash of the image's name: no image moves when others
come. Labels are 1, 0 or empty. Masks are 0 and 1, one folder for each label: masks/<label>/<name>.png.
"""


def files(release: Opened) -> Iterator[File]:
    """All files but the note."""
    rows = sorted(images_of(release), key=lambda row: row["file_name"])
    masks = _masks(release)
    for row in rows:
        yield f"images/{row['file_name']}", encoded(_resized(picture(release, row), Image.Resampling.LANCZOS), "png")
        for label in MASKS if masks else ():
            yield f"masks/{label}/{row['file_name']}", _mask(masks.get((row["image_id"], label)), row)
    names = {split: [_name(row) for row in rows if row["split"] == split] for split in SPLITS}
    for name, share in SHARES.items():
        yield f"{name}.txt", _lines(part(names["train"], share))
    yield "val.txt", _lines(names["valid"])
    yield "test.txt", _lines(names["test"])
    yield f"{release.recipe}_labels.csv", _labels(release, rows)


def part(names: Sequence[str], share: float) -> list[str]:
    """The names whose hash lies below a share, in order; at least one."""
    place = {name: int(hashlib.sha256(name.encode()).hexdigest()[:15], 16) / 16**15 for name in names}
    first = min(names, key=place.__getitem__, default="")
    return [name for name in names if place[name] < share or name == first]


def _name(row: Mapping[str, Any]) -> str:
    return PurePath(row["file_name"]).stem


def _lines(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _resized(image: Image.Image, how: Image.Resampling) -> Image.Image:
    ratio = SIZE_PX / max(image.size)
    return image.convert("RGB").resize((int(image.width * ratio), int(image.height * ratio)), how)


def _masks(release: Opened) -> Mapping[tuple[str, str], str]:
    if "masks" not in release.names:
        return {}
    rows = release.table("masks").filter(pl.col("label").is_in(MASKS)).select("view_id", "label", "rle").rows()
    return {(view_id, label): packed for view_id, label, packed in rows}


def _mask(packed: str | None, row: Mapping[str, Any]) -> bytes:
    size = (row["rows"], row["columns"])
    mask = Image.new("L", size[::-1]) if packed is None else Image.fromarray(rle.decode(packed, *size).astype("uint8"))
    return encoded(_resized(mask, Image.Resampling.NEAREST).getchannel(0), "png")


def _labels(release: Opened, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One row for each image, with its targets."""
    values: dict[str, list[float]] = {}
    labels: list[str] = []
    for split in SPLITS:
        ids, labels, targets = loaders.targets(release.folder, split)
        values |= zip(ids, targets.tolist(), strict=True)
    body = (
        (
            *(_name(row), row["patient_id"], row["view"], row["split"]),
            *(None if isnan(value) else int(value) for value in values[row["image_id"]]),
        )
        for row in rows
    )
    return csv_file(("image_id", "patient_id", "view", "split", *labels), body)


LAYOUT = Layout("benchx", ("classification", "paxray"), _ABOUT, files)
