"""Small files of labels."""

import gzip
import json
from pathlib import Path
from typing import Any

from labeling.labels.sets import label_set
from labeling.labels.sources import Reading, Source, read_source
from labeling.labels.thresholds import HALF, Thresholds

Cells = dict[tuple[str, str], int | None]


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    return text(path, "".join(json.dumps(row) + "\n" for row in rows))


def text(path: Path, content: str) -> Path:
    data = content.encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def reading(
    name: str = "chexpert", thresholds: Thresholds = HALF, id_column: str = "", skip: tuple[str, ...] = ()
) -> Reading:
    return Reading(label_set(name), thresholds, id_column, frozenset(skip))


def source(path: Path, how: Reading | None = None, name: str = "one") -> Source:
    return read_source(name, path, how or reading())


def said(found: Source, column: str = "state") -> dict[tuple[str, str], Any]:
    """What is said, by id and label, without what is not mentioned."""
    cells = found.frame.select("id", "label", column).iter_rows()
    return {(key, label): value for key, label, value in cells if value is not None}
