"""Marks: what a reader, or a model before them, says of a case, in original pixels and characters.

The one form in which annotations are kept, merged and shown. Label Studio's own form (per cent, its run lengths, region
objects) begins and ends in ``labeling.studio.results``. Pixels: ``x`` is a column, ``y`` a row, 0 is the left or upper
edge of the first pixel for boxes, and its centre for points (as everywhere in paxflow).
"""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curation.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Mark:
    """One choice, span, box, point or mask.

    ``question`` is the name of the form's question; ``labels`` what was chosen. Marks with one ``region`` belong
    together: a span and the assertion that was chosen for it.
    """

    question: str
    labels: tuple[str, ...]
    region: str = ""
    span: tuple[int, int] | None = None
    """First character, and one past the last."""
    box: tuple[float, float, float, float] | None = None
    """x, y, width, height."""
    point_px: tuple[float, float] | None = None
    """x and y."""
    rle: str = ""
    """COCO compressed run lengths of a mask, column-major, of ``size``."""
    size: tuple[int, int] | None = None
    """Rows and columns of the image that a box, point or mask lies on."""


def to_json(marks: Iterable[Mark]) -> str:
    """Canonical JSON: marks in order of their content, absent fields left out; the same marks give the same text."""
    rows = [{name: value for name, value in dataclasses.asdict(mark).items() if value} for mark in marks]
    return json.dumps(sorted(rows, key=_order), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _order(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def from_json(text: str) -> tuple[Mark, ...]:
    """The marks of ``to_json``; raises IntegrityError for anything else, without quoting it."""
    try:
        return tuple(Mark(**{name: _value(name, value) for name, value in row.items()}) for row in json.loads(text))
    except (TypeError, ValueError, AttributeError):
        raise IntegrityError("marks that paxflow did not write: restore the table with `dvc checkout`") from None


def _value(name: str, value: Any) -> Any:
    return tuple(value) if name in {"labels", "span", "box", "point_px", "size"} else value
