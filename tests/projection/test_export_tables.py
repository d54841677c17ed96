"""COCO, PAXRay and tables of views: each read back by its own library, against the masks that went in."""

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO

from curation import rle
from curation.store import write_parquet
from projection.export.coco import coco_json
from projection.export.paxray import paxray_json, target_name, write_target
from projection.export.views import masks_table, views_json, views_table
from projection.standalone import Projected, ProjectedView
from tests.projection.made_ct import AFFINE, projected


@pytest.fixture(scope="module")
def made() -> Projected:
    return projected()


def masks(view: ProjectedView) -> dict[str, NDArray[np.bool_]]:
    size = view.pose.size_px
    return {label: rle.decode(found.rle, size, size) for label, found in view.footprints.items()}


def test_pycocotools_reads_every_mask(made: Projected, tmp_path: Path) -> None:
    path = tmp_path / "coco.json"
    path.write_text(coco_json(made), encoding="utf-8")
    with redirect_stdout(StringIO()):
        coco = COCO(path)
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == ["PA.png", "LAT.png"]
    read = 0
    for number, view in enumerate(made.views, 1):
        expected = masks(view)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=number)):
            mask = coco.annToMask(annotation).astype(bool)
            assert (mask == expected[coco.cats[annotation["category_id"]]["name"]]).all()
            assert annotation["area"] == mask.sum()
            y, x = np.nonzero(mask)
            assert annotation["bbox"] == [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1]
            read += 1
    assert read == sum(len(view.footprints) for view in made.views) == 10


def test_categories_have_the_ids_and_groups_of_the_label_table(made: Projected) -> None:
    categories = {row["name"]: row for row in json.loads(coco_json(made))["categories"]}
    assert categories["sternum"]["id"] == 29 and categories["lung"]["supercategory"] == "lungs"
    assert set(categories) == set(made.layers.labels)
    assert [row["id"] for row in categories.values()] == sorted(row["id"] for row in categories.values())


class Loader:
    """Reads as the published PAXRay data set class does: image and target below a root, rows by ``label_dict``."""

    def __init__(self, root: Path, split: str) -> None:
        listed = json.loads((root / "paxray.json").read_text(encoding="utf-8"))
        self.root, self.cases = root, listed[split]
        self.labels = {int(row): name for row, name in listed["label_dict"].items()}

    def target(self, number: int) -> NDArray[np.bool_]:
        loaded = np.load(self.root / self.cases[number]["target"])
        chosen: NDArray[np.bool_] = loaded[list(self.labels)]
        return chosen


def test_a_paxray_loader_reads_every_mask(made: Projected, tmp_path: Path) -> None:
    (tmp_path / "paxray.json").write_text(paxray_json(made), encoding="utf-8")
    for view in made.views:
        write_target(view, tmp_path / target_name(view))
    loader = Loader(tmp_path, "test")
    assert [case["image"] for case in loader.cases] == ["PA.png", "LAT.png"]
    assert not (Loader(tmp_path, "train").cases or Loader(tmp_path, "val").cases)
    assert list(loader.labels) == list(range(len(loader.labels))) and loader.labels[29] == "sternum"
    for number, view in enumerate(made.views):
        target, expected = loader.target(number), masks(view)
        assert target.dtype == bool and target.shape[1:] == (48, 48)
        for row, label in loader.labels.items():
            assert (target[row] == expected.get(label, False)).all()


def test_the_geometry_of_a_view_puts_a_point_where_its_mask_is(made: Projected) -> None:
    view = json.loads(views_json(made, ["a note"]))["views"][0]
    source, origin, x_axis, y_axis = (
        np.array(view[name])
        for name in ("source_xyz_mm", "detector_origin_xyz_mm", "detector_x_axis", "detector_y_axis")
    )
    heart_mm = AFFINE[:3, :3] @ (7.5, 5.5, 4.0) + AFFINE[:3, 3]  # the middle of its voxels, x, y, z
    beam = np.cross(x_axis, y_axis)
    hit = source + (heart_mm - source) * (beam @ (origin - source)) / (beam @ (heart_mm - source))
    column, row = ((hit - origin) @ axis / view["pixel_spacing_mm"] for axis in (x_axis, y_axis))
    rows, columns = np.nonzero(masks(made.views[0])["heart"])
    assert (columns.mean(), rows.mean()) == pytest.approx((column, row), abs=0.5)
    assert view["magnification"] == pytest.approx(1800 / (1800 - 56 - 10), abs=1e-5)


def test_what_is_missing_and_what_was_noted_stands_beside_the_views(made: Projected) -> None:
    read = json.loads(views_json(made, ["a note"]))
    assert read["missing"] == {"aorta": "not in the labelmap"} and read["notes"] == ["a note"]


def test_polars_reads_the_tables(made: Projected, tmp_path: Path) -> None:
    for name, table in (("views", views_table(made)), ("masks", masks_table(made))):
        write_parquet(table, tmp_path / f"{name}.parquet")
    views, rows = pl.read_parquet(tmp_path / "views.parquet"), pl.read_parquet(tmp_path / "masks.parquet")
    assert views["view_id"].to_list() == ["PA", "LAT"] and views["rows"].to_list() == [48, 48]
    assert views.to_dicts() == json.loads(views_json(made, []))["views"]
    assert rows.height == 10
    for row in rows.to_dicts():
        view = next(view for view in made.views if view.view_id == row["view_id"])
        assert row["rle"] == view.footprints[row["label"]].rle
    assert isinstance(masks_table(Projected((), made.layers, AFFINE, {})), pa.Table)
