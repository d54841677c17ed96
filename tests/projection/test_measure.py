"""Measurements on masks whose answer is known."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from curation import stage
from curation.records import Mask, Measurement, Reason
from curation.store import read_rows
from curation.workspace import Workspace
from projection import rle
from projection.measure.stage import STAGE, cardiothoracic_ratio
from tests.curation.slices import add_rows, workspace_at
from tests.rows import view

ROWS, COLUMNS = 40, 60


def heart() -> NDArray[np.bool_]:
    """Widest to the right in row 22, to the left in row 30: 24 columns in all, 20 on any one row."""
    mask = np.zeros((ROWS, COLUMNS), dtype=bool)
    mask[20:32, 24:40] = True
    mask[22, 20:40] = True
    mask[30, 24:44] = True
    return mask


def lungs() -> NDArray[np.bool_]:
    """Two fields; the widest row, 28, spans 48 columns; no row spans the box of both, 50."""
    mask = np.zeros((ROWS, COLUMNS), dtype=bool)
    mask[10:30, 10:22] = mask[10:30, 42:52] = True
    mask[28, 8:22] = mask[28, 42:56] = True
    mask[12, 6:22] = True
    return mask


def masks(name: str, **given: NDArray[np.bool_]) -> list[Mask]:
    return [
        Mask(name, label, 1, "segment", rle.encode(mask), int(mask.sum()), (0, 0, 1, 1), 1.0)
        for label, mask in given.items()
    ]


def measured(root: Path, *rows: list[Mask], name: str = "PA") -> Workspace:
    workspace = workspace_at(root)
    names = {mask.view_id for part in rows for mask in part}
    add_rows(workspace, "project", [view(each, view=name, rows=ROWS, columns=COLUMNS) for each in sorted(names)])
    add_rows(workspace, "project", [mask for part in rows for mask in part])
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)
    return workspace


def test_the_ratio_and_its_four_points() -> None:
    ratio, points = cardiothoracic_ratio(heart(), lungs())
    assert ratio == 0.5
    assert points == (20.0, 22.0, 43.0, 30.0, 8.0, 28.0, 55.0, 28.0)


def test_mirrored_masks_have_the_same_ratio() -> None:
    assert cardiothoracic_ratio(heart()[:, ::-1], lungs()[:, ::-1])[0] == 0.5


def test_a_view_is_measured_against_the_threshold(tmp_path: Path) -> None:
    narrow = heart()
    narrow[30, 40:] = False
    workspace = measured(tmp_path, masks("v1", heart=heart(), lung=lungs()), masks("v2", heart=narrow, lung=lungs()))
    found = {row.view_id: row for row in read_rows(Measurement, workspace.tables("measure"))}
    assert [(found[v].value, found[v].verdict) for v in ("v1", "v2")] == [(0.5, True), (0.4167, False)]
    assert (found["v1"].measure, found["v1"].unit, found["v1"].threshold) == ("cardiothoracic_ratio", "1", 0.5)


@pytest.mark.parametrize("there", [{"heart": heart()}, {"lung": lungs()}, {"liver": lungs()}])
def test_a_view_without_heart_or_lungs_is_rejected(tmp_path: Path, there: dict[str, NDArray[np.bool_]]) -> None:
    workspace = measured(tmp_path, masks("v1", **there))
    assert [row.reason for row in stage.rejects(workspace, STAGE)] == [Reason.MASK_MISSING]
    assert read_rows(Measurement, workspace.tables("measure")) == []


@pytest.mark.parametrize("name", ["AP", "LAT"])
def test_other_views_are_not_measured(tmp_path: Path, name: str) -> None:
    workspace = measured(tmp_path, masks("v1", heart=heart(), lung=lungs()), name=name)
    assert stage.manifest(workspace, STAGE) == []
