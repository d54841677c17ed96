"""The layout of the published PAXRay loader (Seibold et al. 2022, arXiv:2210.03416): a json and one npy a view.

``paxray.json`` holds ``label_dict`` (row number as a string, to label) and lists ``train``, ``val`` and ``test`` of
``{"image": …, "target": …}``, paths beside it. A target is bool ``(labels, rows, columns)``, in every file all rows of
the label table in its order, so a row below 159 is its PAXRay++ id; a label that a view does not show is an empty row.
One patient must stand in one list, so all views are in ``test``: nothing is trained on unasked.
"""

import json
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from curation import rle
from curation.errors import InputError
from projection.anatomy.labels import anatomy
from projection.standalone import Projected, ProjectedView

FILE = "paxray.json"


def paxray_json(made: Projected) -> str:
    """The list of views for the loader."""
    cases = [{"image": f"{view.view_id}.png", "target": target_name(view)} for view in made.views]
    labels = {str(row): entry.label for row, entry in enumerate(anatomy())}
    return json.dumps({"label_dict": labels, "train": [], "val": [], "test": cases}, indent=1)


def target_name(view: ProjectedView) -> str:
    """File name of a view's masks."""
    return f"{view.view_id}.npy"


def write_target(view: ProjectedView, path: Path) -> None:
    """A view's masks, written row by row: at 1024² all of them are 0.2 GB, one is 1 MB."""
    size, labels = view.pose.size_px, anatomy()
    own = sorted(view.footprints.keys() - {entry.label for entry in labels})
    if own:
        raise InputError(f"PAXRay's layout has a row for each label of the table; not for {', '.join(own)}")
    header = {"descr": np.dtype(bool).str, "fortran_order": False, "shape": (len(labels), size, size)}
    empty = bytes(size * size)
    with path.open("wb") as file:
        npy.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
        for entry in labels:
            found = view.footprints.get(entry.label)
            file.write(rle.decode(found.rle, size, size).tobytes() if found else empty)
