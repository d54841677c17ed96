"""COCO instances of projected views (Lin et al. 2014, arXiv:1405.0312): one file, masks as compressed run lengths.

Category ids are the label table's: 0-based, as PAXRay++ numbers its labels, so 0 is the spine and no id is free for
a background. A category's supercategory is its group in the label table.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from projection.anatomy.labels import anatomy
from projection.standalone import Projected, ProjectedView

FILE = "coco.json"
OWN = 2000
"""First id of labels that are not in the label table."""


def coco_json(made: Projected) -> str:
    """All views, and all labels that a view shows; image ids count from 1, annotation ids too."""
    shown = {label for view in made.views for label in view.footprints}
    ids = category_ids(made)
    found = [
        (number, view, label)
        for number, view in enumerate(made.views, 1)
        for label in sorted(view.footprints, key=ids.__getitem__)
    ]
    return json.dumps(
        {
            "info": {"description": "CT projections with anatomy masks; category ids are 0-based (PAXRay++)"},
            "images": [_image(number, view) for number, view in enumerate(made.views, 1)],
            "categories": list(_categories(shown, ids)),
            "annotations": [
                _annotation(n, image, view, label, ids[label]) for n, (image, view, label) in enumerate(found, 1)
            ],
        },
        indent=1,
    )


def category_ids(made: Projected) -> dict[str, int]:
    """The label table's ids; labels of one's own are numbered from ``OWN`` on, in their order."""
    table = {entry.label: entry.category_id for entry in anatomy()}
    own = [label for label in made.layers.labels if label not in table]
    return table | {label: OWN + number for number, label in enumerate(own)}


def _categories(shown: set[str], ids: Mapping[str, int]) -> Iterable[dict[str, Any]]:
    groups = {entry.label: entry.group for entry in anatomy()}
    for label in sorted(shown, key=ids.__getitem__):
        yield {"id": ids[label], "name": label, "supercategory": groups.get(label, "own")}


def _image(number: int, view: ProjectedView) -> dict[str, Any]:
    size = view.pose.size_px
    return {"id": number, "file_name": f"{view.view_id}.png", "height": size, "width": size, "view": view.view}


def _annotation(number: int, image: int, view: ProjectedView, label: str, category: int) -> dict[str, Any]:
    found, size = view.footprints[label], view.pose.size_px
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "segmentation": {"size": [size, size], "counts": found.rle},
        "area": found.area_px,
        "bbox": list(found.box),
        "iscrowd": 0,
    }
