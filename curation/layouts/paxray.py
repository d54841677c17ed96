"""The layout of PAXRay (Seibold et al. 2022, arXiv:2210.03416), from ``paxray``: paxray.json, images and masks."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np
import polars as pl

from curation import rle
from curation.layouts.layout import File, Layout, images_of
from curation.release.opened import Opened

_SPLITS = {"train": "train", "valid": "val", "test": "test"}
_ABOUT = """The layout of PAXRay, written from a paxflow release; nothing here is from PAXRay.
A mask file is a bool array (classes, rows, columns); label_dict of paxray.json names its classes by their number.
Classes are the labels of this release in order of their PAXRay++ id, then findings; go by label_dict, not by number:
PAXRay itself has 166 classes in an order of its own, and another version of this release may have more.
"""


def files(release: Opened) -> Iterator[File]:
    """All files but the note."""
    masks = release.table("masks")
    named = masks.group_by("category_id").agg(pl.col("label").min()).sort("category_id")
    channel = {category: number for number, category in enumerate(named["category_id"])}
    runs: dict[str, list[tuple[int, str]]] = {}
    for view_id, category, packed in masks.select("view_id", "category_id", "rle").iter_rows():
        runs.setdefault(view_id, []).append((channel[category], packed))
    lists: dict[str, list[dict[str, str]]] = {name: [] for name in _SPLITS.values()}
    for row in images_of(release):
        image, target = f"images/{row['file_name']}", f"labels/{PurePath(row['file_name']).stem}.npy"
        lists[_SPLITS[row["split"]]].append({"image": image, "target": target})
        yield image, release.picture(row)
        yield target, _stack(row, runs.get(row["image_id"], []), len(channel))
    label_dict = {str(number): label for number, label in enumerate(named["label"])}
    ordered = {name: sorted(own, key=lambda one: one["image"]) for name, own in lists.items()}
    yield "paxray.json", json.dumps({"label_dict": label_dict, **ordered}, indent=1).encode()


def _stack(row: Mapping[str, Any], runs: list[tuple[int, str]], n_classes: int) -> bytes:
    size = (row["rows"], row["columns"])
    stack = np.zeros((n_classes, *size), np.bool_)
    for number, packed in runs:
        stack[number] |= rle.decode(packed, *size)
    buffer = io.BytesIO()
    np.save(buffer, stack)
    return buffer.getvalue()


LAYOUT = Layout("paxray", ("paxray",), _ABOUT, files)
