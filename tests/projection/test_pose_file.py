"""Poses from a file: a run's own geometry gives its views again, and what is no pose is refused by number."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from curation.errors import InputError, SettingsError
from projection.anatomy.body import turned
from projection.export.views import views_json
from projection.pose_file import read_poses
from projection.standalone import project_layers
from tests.projection.made_ct import AFFINE, NAMES, SMALL, hu_zyx, overlapping, projected, values_zyx


def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(views_json(projected(), []))["views"]
    return found


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("beam", ["cone", "parallel"])
def test_the_geometry_of_a_run_gives_its_views_again(beam: Any, tmp_path: Path) -> None:
    body, layers = turned(values_zyx(), NAMES, AFFINE, hu_zyx()), overlapping()
    first = project_layers(body, layers, replace(SMALL, beam=beam)).views
    made = replace(projected(), views=first)
    (tmp_path / "views.json").write_text(views_json(made, []), encoding="utf-8")
    again = project_layers(body, layers, replace(SMALL, poses=read_poses(tmp_path / "views.json"))).views
    for one, other in zip(first, again, strict=True):
        assert (one.view_id, one.view) == (other.view_id, other.view)
        assert one.magnification == pytest.approx(other.magnification)
        assert one.pictures.raw == pytest.approx(other.pictures.raw, abs=1e-2)
        areas = {label: (found.area_px, other.footprints[label].area_px) for label, found in one.footprints.items()}
        assert all(abs(a - b) <= 2 for a, b in areas.values())  # points are rounded at 1e-6 mm


def test_a_pose_of_ones_own_names_its_view(tmp_path: Path) -> None:
    row = rows()[0]
    (found,) = read_poses(written(tmp_path / "p", [{**row, "view_id": "PA-tilted_1"}]))
    assert (found.view_id, found.view) == ("PA-tilted_1", "PA")
    assert found.pose.source_to_detector_mm == pytest.approx(1800)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"view_id": "../out"}, "pose 2: view_id"),
        ({"view_id": 7}, "pose 2: view_id"),
        ({"view_id": "PA"}, "two have one view_id"),
        ({"view": "OBL"}, "pose 2: expected a view"),
        ({"beam": "fan"}, "pose 2: expected a view"),
        ({"rows": 5}, "pose 2: expected a view"),
        ({"detector_x_axis": [0, 2, 0]}, "pose 2: expected orthogonal"),
        ({"detector_y_axis": [0, 1, 0]}, "pose 2: expected orthogonal"),
        ({"pixel_spacing_mm": 0}, "pose 2: expected orthogonal"),
        ({"pixel_spacing_mm": "wide"}, "pose 2 lacks something"),
        ({"source_xyz_mm": [1, 2]}, "pose 2 lacks something.*three numbers"),
        ({"source_xyz_mm": [1, 2, float("nan")]}, "pose 2 lacks something"),
        ({"rows": None}, "pose 2: expected a view"),
    ],
)
def test_a_pose_that_is_none(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    first, second = rows()
    with pytest.raises(InputError, match=message):
        read_poses(written(tmp_path / "p", [first, {**second, **change}]))


@pytest.mark.parametrize("content", [[], {}, {"views": []}, 7, [7], [{}]])
def test_a_file_without_poses(content: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pose"):
        read_poses(written(tmp_path / "p", content))


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FileNotFoundError"):
        read_poses(tmp_path / "none")
    (tmp_path / "p").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="JSONDecodeError"):
        read_poses(tmp_path / "p")


def test_a_source_inside_the_ct_is_refused(tmp_path: Path) -> None:
    row = {**rows()[0], "source_xyz_mm": [0.0, 0.0, -250.0]}
    body = turned(values_zyx(), NAMES, AFFINE, hu_zyx())
    with pytest.raises(SettingsError, match="between source and detector"):
        project_layers(body, overlapping(), replace(SMALL, poses=read_poses(written(tmp_path / "p", [row]))))
