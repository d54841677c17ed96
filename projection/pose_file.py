"""Poses from a file: views of a CT from wherever source and detector are said to stand.

The file has the rows of ``views.json``, so a run's own geometry can be given to another: a json list, or an object with
a list ``views``, of objects with ``view_id``, ``view``, ``beam``, ``rows``, ``pixel_spacing_mm``, ``source_xyz_mm``,
``detector_origin_xyz_mm`` (centre of pixel (0, 0)), ``detector_x_axis`` and ``detector_y_axis`` (of rising column and
row). Points are mm, LPS, of the CT's own frame; other keys are left alone.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError
from curation.settings import ViewName
from projection.pose import VIEWS, Pose

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_UNIT = 1e-4  # how far axes may be from unit length and from orthogonal; views.json rounds at 1e-6
_SIZES = range(32, 4097)


@dataclass(frozen=True)
class NamedPose:
    """A pose under the name that its view's files get; ``view`` says what it is nearest to."""

    view_id: str
    view: ViewName
    pose: Pose


def read_poses(path: Path) -> tuple[NamedPose, ...]:
    """The poses of a file; raises InputError if it cannot be read or a pose is none, saying which."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also what is no json, or no text
        raise InputError(f"the poses cannot be read ({type(error).__name__}): expected json, as views.json") from None
    rows = content.get("views") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not rows:
        raise InputError("the poses: expected a list of at least one")
    poses = tuple(_pose(number, row) for number, row in enumerate(rows, 1))
    if len({pose.view_id for pose in poses}) != len(poses):
        raise InputError("the poses: two have one view_id")
    return poses


def _pose(number: int, row: Any) -> NamedPose:
    try:
        view_id, view, beam, size = (row[key] for key in ("view_id", "view", "beam", "rows"))
        source, origin, x_axis, y_axis = (
            _vector(row, key)
            for key in ("source_xyz_mm", "detector_origin_xyz_mm", "detector_x_axis", "detector_y_axis")
        )
        pixel_mm = float(row["pixel_spacing_mm"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"pose {number} lacks something, or it is no number ({error})") from None
    if not (isinstance(view_id, str) and _ID.fullmatch(view_id)):
        raise InputError(f"pose {number}: view_id must be letters, digits, - and _, as it names files")
    if view not in VIEWS or beam not in ("cone", "parallel") or size not in _SIZES or row.get("columns", size) != size:
        raise InputError(
            f"pose {number}: expected a view of {', '.join(VIEWS)}, beam cone or parallel, 32 to 4096 rows "
            "and as many columns"
        )
    distance_mm = abs(float(np.cross(x_axis, y_axis) @ (origin - source)))
    if not (_are_axes(x_axis, y_axis) and 0 < pixel_mm < np.inf and distance_mm > 0):
        raise InputError(f"pose {number}: expected orthogonal unit axes, a pixel of more than 0 mm, and a distance")
    made = Pose(source, origin, x_axis, y_axis, pixel_mm, int(size), distance_mm, beam)
    return NamedPose(view_id, cast(ViewName, view), made)


def _vector(row: Mapping[str, Any], key: str) -> NDArray[np.float64]:
    vector = np.array(row[key], np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise ValueError(f"{key} is not three numbers")
    return vector


def _are_axes(x_axis: NDArray[np.float64], y_axis: NDArray[np.float64]) -> bool:
    errors = (x_axis @ x_axis - 1, y_axis @ y_axis - 1, x_axis @ y_axis)
    return bool(max(map(abs, errors)) <= _UNIT)
