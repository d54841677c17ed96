"""How the patient stood, breathed and was caught: rotation, projection, inclusion, inspiration.

Each function takes the masks of a frontal view and gives a value with its points in the order of the table; it raises
InputError with the reason where it cannot. Definitions and sources: ``measurements.tsv``.
"""

import numpy as np

from curation.errors import InputError
from projection.anatomy.structures import ORDINALS
from projection.measure.contours import Bools
from projection.measure.readings import Film, Quantity, Taken
from projection.measure.silhouettes import Ints, Silhouette, Xy, has, midline, silhouette

MARGINS = {"apex": 0.01, "side": 0.005, "angle": 0.03}
"""Share of the picture's height (apex, angle) or width (side) within which a landmark counts as cut off: CheXStruct."""


def rotation(film: Film) -> Taken:
    """Shorter over longer distance of the medial ends of the clavicles from the midline; 0 if an end lies across it."""
    slope, offset = midline(film)
    ends = silhouette(film, "clavicle right").rightmost, silhouette(film, "clavicle left").leftmost
    middles = [(slope * y + offset, y) for _, y in ends]
    distances = [middles[0][0] - ends[0][0], ends[1][0] - middles[1][0]]
    if max(distances) <= 0:
        raise InputError("both clavicles end beyond the midline")
    parts = (
        film.mm("right clavicle to midline", distances[0]),
        film.mm("left clavicle to midline", distances[1]),
    )
    return Taken(max(min(distances), 0.0) / max(distances), (*ends, *middles), parts)


def projection(film: Film) -> Taken:
    """The larger share of a scapula that lies over the lung of its side."""
    shares = [_overlap(film.mask(f"scapula {side}"), film.mask(f"{side} lung")) for side in ("right", "left")]
    points = tuple(silhouette(film, f"scapula {side}").centre for side in ("right", "left"))
    parts = tuple(
        Quantity(f"share of {side} scapula", round(share, 4), "1")
        for side, share in zip(("right", "left"), shares, strict=True)
    )
    return Taken(max(shares), points, parts)


def _overlap(scapula: Bools, lung: Bools) -> float:
    return int((scapula & lung).sum()) / int(scapula.sum())


def inclusion(film: Film) -> Taken:
    """How many of the six ends of the lungs lie on the film, within ``MARGINS``.

    The costophrenic angle is the lung's point that lies farthest down and out.
    """
    right, left = silhouette(film, "right lung"), silhouette(film, "left lung")
    points = (
        *(_apex(lung) for lung in (right, left)),
        right.leftmost,
        left.rightmost,
        _lowest(right.rows, right.left, -1),
        _lowest(left.rows, left.right, 1),
    )
    kinds = ("apex", "apex", "side", "side", "angle", "angle")
    within = [_within(film, kind, point) for kind, point in zip(kinds, points, strict=True)]
    names = ("right apex", "left apex", "right side", "left side", "right angle", "left angle")
    parts = tuple(Quantity(name, float(seen), "1") for name, seen in zip(names, within, strict=True))
    return Taken(float(sum(within)), points, parts)


def _apex(lung: Silhouette) -> Xy:
    return float(lung.left[0] + lung.right[0]) / 2, float(lung.rows[0])


def _lowest(rows: Ints, border: Ints, way: int) -> Xy:
    at = int((rows + way * border).argmax())
    return float(border[at]), float(rows[at])


def _within(film: Film, kind: str, point: Xy) -> bool:
    rows, columns = film.shape
    x, y = point
    room = {"apex": y / rows, "side": min(x, columns - 1 - x) / columns, "angle": (rows - 1 - y) / rows}[kind]
    return room >= MARGINS[kind]


def inspiration(film: Film) -> Taken:
    """Number of the lowest right posterior rib that crosses the mid-clavicular line above the right hemidiaphragm."""
    clavicle = silhouette(film, "clavicle right")
    middle = (clavicle.leftmost[0] + clavicle.rightmost[0]) / 2
    column = round(middle)
    dome = np.flatnonzero(film.mask("right hemidiaphragm")[:, column])
    if dome.size == 0:
        raise InputError("the mid-clavicular line does not meet the right hemidiaphragm")
    number, rib_y = _lowest_rib(film, column, float(dome[0]))
    return Taken(float(number), ((middle, float(dome[0])), (middle, rib_y)), ())


def _lowest_rib(film: Film, column: int, dome: float) -> tuple[int, float]:
    """The rib above the dome, and its level; raises InputError if there is none or the next one is not labelled."""
    crossings = {}
    for number, name in enumerate(ORDINALS, 1):
        label = f"posterior {name} rib right"
        at = np.flatnonzero(film.masks[label][:, column]) if has(film, label) else np.empty(0)
        if at.size:
            crossings[number] = float(at.mean())
    above = [number for number, y in crossings.items() if y < dome]
    if not above:
        raise InputError("no right posterior rib crosses the mid-clavicular line above the dome")
    number = max(above)
    if number < len(ORDINALS) and not has(film, f"posterior {ORDINALS[number]} rib right"):
        raise InputError(f"the right posterior rib below the {ORDINALS[number - 1]} has no mask")
    return number, crossings[number]
