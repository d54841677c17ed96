"""The stage that measures: a row for each measurement, with a value or a reason."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from curation import rle, stage
from curation.errors import SettingsError
from curation.records import Mask, Measurement, Outline
from curation.store import read_rows
from curation.workspace import Workspace
from projection.measure.readings import definitions
from projection.measure.stage import STAGE
from tests.curation.slices import add_rows, workspace_at
from tests.rows import view

ROWS, COLUMNS = 160, 200


def ellipse(x: float, y: float, width: float, height: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    inside: NDArray[np.bool_] = ((columns - x) / (width / 2)) ** 2 + ((rows - y) / (height / 2)) ** 2 <= 1
    return inside


def chest() -> dict[str, NDArray[np.bool_]]:
    """A heart half as wide as the chest."""
    right, left = ellipse(60, 80, 60, 120), ellipse(140, 80, 60, 120)
    return {"right lung": right, "left lung": left, "lung": right | left, "heart": ellipse(100, 100, 70, 60)}


def masks(name: str, given: dict[str, NDArray[np.bool_]]) -> list[Mask]:
    return [
        Mask(name, label, 1, "segment", rle.encode(mask), int(mask.sum()), (0, 0, 1, 1), 1.0)
        for label, mask in given.items()
    ]


def measured(root: Path, given: dict[str, NDArray[np.bool_]], name: str = "PA") -> Workspace:
    workspace = workspace_at(root)
    seen = rle.encode(np.ones((ROWS, COLUMNS), bool))
    shown = view("v1", view=name, rows=ROWS, columns=COLUMNS, coverage=seen, pixel_spacing_mm=2.0)
    add_rows(workspace, "project", [shown])
    add_rows(workspace, "project", masks("v1", given))
    run(workspace)
    return workspace


def run(workspace: Workspace) -> None:
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)


def rows(workspace: Workspace) -> dict[str, Measurement]:
    return {row.measure: row for row in read_rows(Measurement, workspace.tables("measure"))}


@pytest.mark.parametrize("name", ["PA", "AP"])
def test_a_frontal_view_has_a_row_for_each_measurement(tmp_path: Path, name: str) -> None:
    found = rows(measured(tmp_path, chest(), name))
    assert found.keys() == {row.id for row in definitions()}
    assert len(found) == 12
    for row in found.values():
        assert (row.value is None) == (row.positive is None) == bool(row.reason)
        assert len(row.points_px) == 2 * len(row.landmarks)
        assert len(row.part_names) == len(row.part_values) == len(row.part_units)
    assert found["carina_angle"].reason.startswith("no mask of")


def test_the_ratio_of_heart_and_chest(tmp_path: Path) -> None:
    row = rows(measured(tmp_path, chest()))["cardiomegaly"]
    assert row.value == pytest.approx(70 / 140, abs=0.02)
    assert row.thresholds == (0.5,)
    assert row.unit == "1"


def test_a_limit_of_the_settings_stands_instead_of_the_tables(tmp_path: Path) -> None:
    workspace = measured(tmp_path, chest())
    before = rows(workspace)["cardiomegaly"]
    params = tmp_path / "params.yaml"
    given = yaml.safe_load(params.read_text())
    given["measure"]["limits"] = {"cardiomegaly": [0.3]}
    params.write_text(yaml.safe_dump(given))
    changed = Workspace(tmp_path)
    run(changed)
    after = rows(changed)["cardiomegaly"]
    assert (after.value, after.thresholds, after.positive) == (before.value, (0.3,), True)
    for wrong in ({"heart": [1.0]}, {"cardiomegaly": [0.1, 0.2]}):
        given["measure"]["limits"] = wrong
        params.write_text(yaml.safe_dump(given))
        with pytest.raises(SettingsError, match=r"measure\.limits"):
            run(Workspace(tmp_path))


def test_outlines_for_graph_models(tmp_path: Path) -> None:
    workspace = measured(tmp_path, chest())
    found = {row.label: len(row.points_px) // 2 for row in read_rows(Outline, workspace.tables("measure"))}
    assert found == {"right lung": 44, "left lung": 50, "heart": 26}


def test_a_view_without_masks_says_so_twelve_times(tmp_path: Path) -> None:
    found = rows(measured(tmp_path, {"liver": ellipse(100, 100, 50, 50)}))
    assert len(found) == 12
    assert all(row.reason.startswith("no mask of") for row in found.values())


def test_a_lateral_is_not_measured(tmp_path: Path) -> None:
    assert stage.manifest(measured(tmp_path, chest(), "LAT"), STAGE) == []
