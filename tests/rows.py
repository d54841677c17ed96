"""Rows of a small made-up cohort: two patients with a CT each, one with a report of its own, and a reader's finding."""

import hashlib
import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from curation.records import (
    Agreement,
    Annotation,
    Assertion,
    Consensus,
    Grounding,
    Mask,
    Measurement,
    Mention,
    Patient,
    Record,
    Report,
    ReportLabel,
    ReportLink,
    Series,
    Study,
    View,
)
from curation.store import ShardWriter, to_arrow, write_parquet
from curation.workspace import Workspace

PNG = b"\x89PNG\r\n\x1a\n"
"""How a PNG begins."""


def png(rows: int, columns: int, grey: int) -> bytes:
    """A picture of one grey."""
    data = io.BytesIO()
    Image.fromarray(np.full((rows, columns), grey, np.uint8)).save(data, "PNG")
    return data.getvalue()


def view(name: str = "view1", series: str = "series1", **changed: Any) -> View:
    """A PA view of 4 rows and 6 columns."""
    made = View(
        view_id=name,
        series_id=series,
        view="PA",
        beam="cone",
        rows=4,
        columns=6,
        pixel_spacing_mm=0.5,
        source_to_detector_mm=1800.0,
        source_xyz_mm=(0.0, 1500.0, 0.0),
        detector_origin_xyz_mm=(-1.0, -300.0, 1.0),
        detector_x_axis=(1.0, 0.0, 0.0),
        detector_y_axis=(0.0, 0.0, -1.0),
        magnification=1.1,
        coverage="",
        photometric="MONOCHROME2",
        sha256="",
        shard="bytes/a.tar",
        offset=0,
        length=0,
    )
    return replace(made, **changed)


def measurement(view_id: str, measure: str, value: float, limit: float, points: tuple[float, ...]) -> Measurement:
    """A ratio that is a finding at and above its limit."""
    positive = value >= limit
    names = tuple(f"point {n}" for n in range(len(points) // 2))
    words = "too large" if positive else "normal"
    return Measurement(view_id, measure, value, "1", (limit,), positive, words, names, points, (), (), (), "")


def workspace_with_rows(root: Path) -> Workspace:
    """A workspace whose tables hold the cohort, as if every stage had run."""
    root.mkdir(parents=True)
    (root / "params.yaml").write_text(Path("params.yaml").read_text())
    (root / "dvc.yaml").write_text("stages: {}\n")
    workspace = Workspace(root)
    writer = ShardWriter(workspace.tables("project") / "bytes" / "a.tar", "bytes/a.tar")
    (workspace.tables("project") / "bytes").mkdir(parents=True)
    views = []
    for number in (1, 2):
        place = writer.add(f"view{number}.png", png(4, 6, number))
        views.append(view(f"view{number}", f"series{number}", **place.__dict__))
    writer.close()
    for rows in (*_cohort(), views):
        record = type(rows[0])
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, rows), folder / "a.parquet")
    return workspace


def _cohort() -> list[list[Any]]:
    numbers = (1, 2)
    cohort: list[list[Any]] = [
        [Patient(f"patient{n}", "F", 1, 1) for n in numbers],
        [Study(f"study{n}", f"patient{n}", f"a{n}", date(2001, 2, n), 50, ("CT",), 1) for n in numbers],
        [_series(n) for n in numbers],
        [Mask(f"view{n}", "heart", 140, "segment", _rle(), 2, (1, 1, 2, 1), 80.0) for n in numbers],
        [measurement(f"view{n}", "cardiomegaly", 0.4 + n / 10, 0.55, (1, 1, 3, 1)) for n in numbers],
        [Report("report1", "patient1", "a1", date(2001, 2, 1), "local", "LicenseRef-local", "FINDINGS: A nodule.")],
        [ReportLink("report1", "study1")],
        [Mention("m1", "report1", "findings", 10, 19, 12, 18, "nodule", Assertion.PRESENT, "L1", "A1", "", "", ())],
        [ReportLabel("report1", "Lung Lesion", 1, ("m1",)), ReportLabel("report1", "Edema", None, ())],
        [
            Grounding(
                "m1", "view1", "heart", "study", "report1", "nodule", Assertion.PRESENT, (1, 1, 2, 1), "ground.heart"
            )
        ],
        [Annotation("an1", "o1", "reader1", "series2", "i1", "nodule", "polygon", True, (1.0, 1.0, 2.0, 2.0))],
        [
            Consensus(
                "c1",
                "series2",
                "nodule",
                "staple",
                ("reader1", "reader2"),
                2,
                ("o1", "o2"),
                (0, 0, 0),
                (1, 1, 1),
                (0, 1),
                1,
            )
        ],
        [Agreement("c1", "reader1", "reader2", 0.5)],
    ]
    return cohort


def _series(number: int) -> Series:
    return Series(
        f"series{number}", f"study{number}", f"patient{number}", "CT", 20, (20, 4, 4), (2.5, 1.0, 1.0),
        (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), (),
    )  # fmt: skip


def _rle() -> str:
    array = np.zeros((4, 6), np.uint8, order="F")
    array[1, 1:3] = 1
    return str(coco_mask.encode(array)["counts"].decode())


def sha256(data: bytes) -> str:
    """Of bytes."""
    return hashlib.sha256(data).hexdigest()


__all__ = ["PNG", "Record", "png", "sha256", "view", "workspace_with_rows"]
