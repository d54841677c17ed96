"""All labels of one body: every part cut in 3-D, and everything composed to one labelmap.

Nothing is left out in silence: a label is among the layers, or ``missing`` says why not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from projection.anatomy import airways, aorta, diaphragm, mediastinum, ribs, spine, zones
from projection.anatomy.body import Body, Region
from projection.anatomy.compose import compose
from projection.anatomy.labels import Anatomy, How, anatomy
from projection.anatomy.structures import LOBES
from projection.layers import Layers

_OF_DIAPHRAGM = ("{} hemidiaphragm", "subdiaphragmatic region {}", "costophrenic angle {}")


@dataclass(frozen=True)
class Derived:
    """What a labelmap shows of the table of labels."""

    layers: Layers
    """On the grid of the body."""
    missing: Mapping[str, str]
    """Each other label of the table, and why it is not there."""
    parts: Mapping[str, Region]
    """The parts that were cut, by label."""


def derive(body: Body) -> Derived:
    """Cut and compose all labels that the structures of a body can give."""
    parts = cut(body)
    layers = compose(body.values, {name: body.numbers[name] for name in body.boxes}, parts)
    there = {*layers.labels}
    absent = [row for row in anatomy() if row.label not in there]
    known = reasons(body, {row.label for row in absent})
    missing = {row.label: known.get(row.label) or why_not(row, body) for row in absent}
    return Derived(layers, missing, parts)


def cut(body: Body) -> dict[str, Region]:
    """Every part that is cut in 3-D, by label."""
    given = aorta.parts(body) | airways.parts(body)
    makers = (ribs.parts, zones.parts, diaphragm.parts, spine.parts, breasts)
    others = {label: region for parts in makers for label, region in parts(body).items()}
    return given | mediastinum.parts(body, given) | others


def reasons(body: Body, absent: set[str]) -> dict[str, str]:
    """Of the labels that are absent, why they could not be cut, where the cut itself can say it."""
    found = mediastinum.missing(body) if absent & {*mediastinum.LABELS} else {}
    sides = {name.format(side): side for name in _OF_DIAPHRAGM for side in LOBES}
    if absent & sides.keys():
        of_side = diaphragm.missing(body)
        found |= {label: of_side[side] for label, side in sides.items() if side in of_side}
    return found


def breasts(body: Body) -> dict[str, Region]:
    """Left and right breast: what lies on either side of the sagittal plane through the middle of the spine.

    The plane is at the median of the middles of the vertebrae's boxes; without a vertebra there is none, and no half.
    """
    breast, spine_mm = body.region("breast"), ribs.spine_mm(body)
    if not breast.mask.size or not len(spine_mm):
        return {}
    to_the_left = np.zeros_like(breast.mask)
    to_the_left[breast.mask] = body.mm(breast.voxels())[:, 0] > np.median(spine_mm[:, 0])
    halves = {"breast left": to_the_left, "breast right": breast.mask & ~to_the_left}
    return {label: breast.within(mask) for label, mask in halves.items() if mask.any()}


def why_not(row: Anatomy, body: Body) -> str:
    """Why a label could not be made of a body, in plain words."""
    wanted = _structures(row.label)
    present = [name for name in wanted if body.has(name)]
    tasks = _tasks()
    if not present and set(wanted) <= set(tasks):
        return f"needs {tasks[wanted[0]]}"
    if not present:
        return f"not in the labelmap: {', '.join(wanted)}"
    return f"none of it could be cut in this scan: {row.rule}"


def _structures(label: str) -> list[str]:
    """All structures that a label comes from, those of its labels too."""
    row = next(row for row in anatomy() if row.label == label)
    return [*dict.fromkeys([*row.structures, *(name for inner in row.labels for name in _structures(inner))])]


def _tasks() -> dict[str, str]:
    """Structure to the TotalSegmentator task that gives it."""
    return {name: row.rule for row in anatomy() if row.how is How.TASK for name in row.structures}
