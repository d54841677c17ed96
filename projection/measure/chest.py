"""Heart, mediastinum and airways on a frontal view.

Each function takes the masks of a frontal view and gives a value with its points in the order of the table; it raises
InputError with the reason where it cannot. Definitions and sources: ``measurements.tsv``.
"""

from typing import NamedTuple

import numpy as np

from curation.errors import InputError
from projection.measure.readings import Film, Taken
from projection.measure.silhouettes import Silhouette, Xy, midline, silhouette, thorax, trachea

BORDER_MM = 25.0
"""How far from the carina a main bronchus is followed: the right one is some 25 mm long; on the detector."""
APART_MM = 5.0
"""Rows whose slope is taken lie farther apart than the stairs of 5 mm slices."""
HILUM_MM = 15.0
"""Radius of the disc that the heart must hold: stubs of hilar vessels, which the label has, are thinner."""
LEVELS = 9


def cardiothoracic(film: Film) -> Taken:
    """Transverse diameter of the heart, over the widest span from outer lung border to outer lung border.

    TotalSegmentator's heart lacks the pericardial fat that the silhouette on a film includes.
    """
    heart, chest = heart_shape(film), thorax(film)
    right, left = heart.leftmost, heart.rightmost
    row = int(chest.width.argmax())
    y = float(chest.rows[row])
    width = left[0] - right[0] + 1
    whole = silhouette(film, "heart")
    parts = (
        film.mm("heart width", width),
        film.mm("thorax width", float(chest.width[row])),
        film.mm("heart width with stubs of hilar vessels", whole.rightmost[0] - whole.leftmost[0] + 1),
    )
    points = (right, left, (float(chest.left[row]), y), (float(chest.right[row]), y))
    return Taken(width / float(chest.width[row]), points, parts)


def heart_shape(film: Film) -> Silhouette:
    """The heart without the stubs of hilar vessels."""
    return silhouette(film, "heart", HILUM_MM)


def mediastinal_width(film: Film) -> Taken:
    """Widest span of the upper mediastinum on a level of the aortic arch, over the thorax on that level."""
    arch = silhouette(film, "aortic arch")
    middle = silhouette(film, "upper mediastinum").between(arch.rows[0], arch.rows[-1])
    row = int(middle.width.argmax())
    y = int(middle.rows[row])
    chest = thorax(film).between(y, y)
    parts = (
        film.mm("mediastinal width", float(middle.width[row])),
        film.mm("thorax width", float(chest.width[0])),
    )
    columns = middle.left[row], middle.right[row], chest.left[0], chest.right[0]
    points = tuple((float(x), float(y)) for x in columns)
    return Taken(float(middle.width[row]) / float(chest.width[0]), points, parts)


def carina_angle(film: Film) -> Taken:
    """Angle in degrees between the inner borders of the main bronchi below the carina, as the picture shows them."""
    carina = silhouette(film, "carina").centre
    right = _inner_border(film, "right", carina)
    left = _inner_border(film, "left", carina)
    angle_deg = float(np.degrees(np.arctan(left.slope) - np.arctan(right.slope)))
    if angle_deg <= 0:
        raise InputError("the main bronchi do not part below the carina")
    return Taken(angle_deg, (right.far, right.near, carina, left.near, left.far), ())


class _Border(NamedTuple):
    """A straight border: x rises by ``slope`` a row, from ``near`` to ``far``."""

    slope: float
    near: Xy
    far: Xy


def _inner_border(film: Film, side: str, carina: Xy) -> _Border:
    """The border of a main bronchus that faces the other one, as a line: the median of slopes (Theil and Sen).

    A branch, or the end of the label, that draws a few rows aside does not turn it.
    """
    bronchus = silhouette(film, f"main bronchus {side}")
    facing = bronchus.right if side == "right" else bronchus.left
    away_mm = np.hypot(facing - carina[0], bronchus.rows - carina[1]) * film.pixel_mm
    used = (bronchus.rows >= carina[1]) & (away_mm <= BORDER_MM)
    y, x = bronchus.rows[used].astype(np.float64), facing[used].astype(np.float64)
    first, second = np.triu_indices(len(y), max(round(APART_MM / film.pixel_mm), 1))
    if first.size == 0 or (y[-1] - y[0]) * film.pixel_mm < 2 * APART_MM:
        raise InputError(f"less than 1 cm of the main bronchus {side} is seen below the carina")
    slope = float(np.median((x[second] - x[first]) / (y[second] - y[first])))
    offset = float(np.median(x - slope * y))
    near, far = ((slope * float(at) + offset, float(at)) for at in (y[0], y[-1]))
    return _Border(slope, near, far)


def trachea_deviation(film: Film) -> Taken:
    """Mean distance of the trachea's centre from the midline at nine levels, over its median width.

    Positive to the patient's left.
    """
    slope, offset = midline(film)
    tube = trachea(film)
    at = np.linspace(0, len(tube.rows) - 1, LEVELS).round().astype(int)
    y = tube.rows[at]
    x = (tube.left[at] + tube.right[at]) / 2
    away = x - (slope * y + offset)
    width = float(np.median(tube.width))
    parts = (
        film.mm("mean distance to the left", float(away.mean())),
        film.mm("trachea width", width),
    )
    ends = (0, LEVELS - 1)
    on_trachea = tuple((float(x[end]), float(y[end])) for end in ends)
    on_midline = tuple((float(slope * y[end] + offset), float(y[end])) for end in ends)
    return Taken(float(away.mean()) / width, (*on_trachea, *on_midline), parts)
