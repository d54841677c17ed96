"""Views and masks as tables: where source and detector stood, and every mask as run lengths.

``views.json`` and ``views.parquet`` hold the same rows; ``masks.parquet`` has one row a label and view. Points are
``(x, y, z)`` in mm, LPS; pixel (0, 0) is the upper left one, and its centre is the detector's origin.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation import rle
from projection.export.coco import category_ids
from projection.standalone import Projected, ProjectedView

FILE = "views.json"


def views_json(made: Projected, notes: Iterable[str]) -> str:
    """The views, the labels that are missing with the reason, and what was said on the way."""
    return json.dumps(
        {"frame": "LPS", "views": list(map(_view, made.views)), "missing": dict(made.missing), "notes": list(notes)},
        indent=1,
    )


def views_table(made: Projected) -> pa.Table:
    """The views, as in ``views.json``."""
    return pa.Table.from_pylist([_view(view) for view in made.views])


def masks_table(made: Projected) -> pa.Table:
    """One row a view and label, by the label's id; COCO run lengths, column-major."""
    ids = category_ids(made)
    rows = [row for view in made.views for row in sorted(_masks(view, ids), key=lambda row: int(row["category_id"]))]
    return pa.Table.from_pylist(rows, schema=_MASKS)


def visible_table(made: Projected) -> pa.Table:
    """Lungs, lobes, zones and angles as a frontal film shows them: less heart, mediastinum and diaphragm."""
    rows = [
        {"view_id": view.view_id, "label": label, "rle": mask, "area_px": rle.area(mask)}
        for view in made.views
        for label, mask in view.visible.items()
    ]
    return pa.Table.from_pylist(rows, schema=_VISIBLE)


_VISIBLE = pa.schema([("view_id", pa.string()), ("label", pa.string()), ("rle", pa.string()), ("area_px", pa.int64())])
_MASKS = pa.schema(
    [
        ("view_id", pa.string()),
        ("label", pa.string()),
        ("category_id", pa.int64()),
        ("rle", pa.string()),
        ("area_px", pa.int64()),
        ("box", pa.list_(pa.int64())),
        ("mean_thickness_mm", pa.float64()),
    ]
)


def _masks(view: ProjectedView, ids: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    for label, found in view.footprints.items():
        yield {
            "view_id": view.view_id,
            "label": label,
            "category_id": ids[label],
            "rle": found.rle,
            "area_px": found.area_px,
            "box": list(found.box),
            "mean_thickness_mm": round(found.mean_thickness_mm, 3),
        }


def _view(view: ProjectedView) -> dict[str, Any]:
    pose = view.pose
    return {
        "view_id": view.view_id,
        "file_name": f"{view.view_id}.png",
        "view": view.view,
        "beam": pose.beam,
        "rows": pose.size_px,
        "columns": pose.size_px,
        "pixel_spacing_mm": round(pose.pixel_mm, 9),
        "source_to_detector_mm": pose.source_to_detector_mm,
        "magnification": round(view.magnification, 6),
        "source_xyz_mm": _rounded(pose.source_mm),
        "detector_origin_xyz_mm": _rounded(pose.origin_mm),
        "detector_x_axis": _rounded(pose.x_axis),
        "detector_y_axis": _rounded(pose.y_axis),
        "coverage": view.coverage,
        "raw_scale": view.pictures.raw_scale,
        "photometric": view.pictures.photometric,
    }


def _rounded(vector: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) + 0.0 for value in vector]
