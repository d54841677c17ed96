"""The aorta on a frontal view: knob, ascending and descending part.

Each function takes the masks of a frontal view and gives a value with its points in the order of the table; it raises
InputError with the reason where it cannot. Definitions and sources: ``measurements.tsv``.
"""

import numpy as np

from curation.errors import InputError
from projection.measure.chest import heart_shape
from projection.measure.readings import Film, Taken
from projection.measure.silhouettes import Silhouette, Xy, silhouette, smooth, trachea

KNOB_MM = 15.0
"""How far below the arch the knob reaches: there the arch turns into the descending aorta; at the detector."""
STAIR_MM, COURSE_MM = 5.0, 40.0
"""Stairs of slices of up to 5 mm are smoothed away; a course is taken over 4 cm, about the width of the aorta."""
N_POINTS = 6


def knob(film: Film) -> Taken:
    """From the mean left border of the trachea beside the arch to the left border of the knob, over the trachea."""
    arch, tube = silhouette(film, "aortic arch"), trachea(film)
    beside = tube.between(arch.rows[0], arch.rows[-1])
    if arch.centre[0] < beside.centre[0]:
        raise InputError("the arch lies to the right of the trachea")
    tail = silhouette(film, "descending aorta").between(arch.rows[0], arch.rows[-1] + KNOB_MM / film.pixel_mm)
    border = max(arch.rightmost, tail.rightmost)
    inner = float(beside.right.mean())
    width, trachea_width, ends = border[0] - inner, *_median_width(tube)
    parts = (
        film.mm("knob width", width),
        film.mm("trachea width", trachea_width),
    )
    return Taken(width / trachea_width, ((inner, border[1]), border, *ends), parts)


def _median_width(tube: Silhouette) -> tuple[float, tuple[Xy, Xy]]:
    """The trachea's median width, and the ends of a row that has it (or is nearest to it)."""
    width = float(np.median(tube.width))
    row = int(np.abs(tube.width - width).argmin())
    y = float(tube.rows[row])
    return width, ((float(tube.left[row]), y), (float(tube.right[row]), y))


def _thoracic(film: Film) -> Silhouette:
    """The descending aorta from the lower end of the arch to the left dome."""
    arch = silhouette(film, "aortic arch")
    part = silhouette(film, "descending aorta").between(arch.rows[-1] + 1, _left_dome(film))
    if len(part.rows) * film.pixel_mm < COURSE_MM:
        raise InputError("less than 4 cm of the descending aorta lie between arch and diaphragm")
    return part


def _left_dome(film: Film) -> float:
    """Level of the left dome: the median upper border of the middle half, without what rises beside it."""
    mask = film.mask("left hemidiaphragm")
    columns = np.flatnonzero(mask.any(axis=0))
    quarter = len(columns) // 4
    return float(np.median(mask[:, columns[quarter : len(columns) - quarter]].argmax(axis=0)))


def descending_width(film: Film) -> Taken:
    """Largest width of the thoracic descending aorta across its course, over the median width of the trachea."""
    part = _thoracic(film)
    half = round(STAIR_MM / film.pixel_mm / 2)
    left, right = smooth(part.left, half), smooth(part.right, half)
    lag = max(round(COURSE_MM / film.pixel_mm / 2), 1)
    ahead = np.minimum(np.arange(len(part.rows)) + lag, len(part.rows) - 1)
    behind = np.maximum(np.arange(len(part.rows)) - lag, 0)
    middle = (left + right) / 2
    slope = (middle[ahead] - middle[behind]) / (ahead - behind)
    across = (right - left + 1) / np.sqrt(1 + slope**2)
    row = int(across.argmax())
    width, trachea_width, ends = float(across[row]), *_median_width(trachea(film))
    points = _across(float(middle[row]), float(part.rows[row]), width - 1, float(slope[row]))
    parts = (
        film.mm("descending aorta width", width),
        film.mm("trachea width", trachea_width),
    )
    return Taken(width / trachea_width, (*points, *ends), parts)


def _across(x: float, y: float, length: float, slope: float) -> tuple[Xy, Xy]:
    """Ends of a line of that length through (x, y), at right angles to a course of that slope (dx / dy)."""
    half_x = length / 2 / float(np.sqrt(1 + slope**2))
    return (x - half_x, y + half_x * slope), (x + half_x, y - half_x * slope)


def tortuosity(film: Film) -> Taken:
    """Mean curvature in 1/mm at six points of the left border of the thoracic descending aorta.

    Five equal sections by height; finite differences, one-sided at the ends, as the limit was set with them: an arc
    gives three quarters of its curvature.
    """
    part = _thoracic(film)
    border = smooth(part.right, round(STAIR_MM / film.pixel_mm / 2))
    at = np.linspace(0, len(part.rows) - 1, N_POINTS).round().astype(int)
    x, y = border[at], part.rows[at].astype(np.float64)
    step_x, step_y = np.gradient(x * film.pixel_mm), np.gradient(y * film.pixel_mm)
    bend = np.abs(step_x * np.gradient(step_y) - step_y * np.gradient(step_x))
    curvature = bend / (step_x**2 + step_y**2) ** 1.5
    points = tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))
    parts = (film.mm("length", float(y[-1] - y[0])),)
    return Taken(float(curvature.mean()), points, parts)


def ascending(film: Film) -> Taken:
    """Share of the ascending aorta that lies to the right of the line from the right heart border to the trachea."""
    heart = heart_shape(film).leftmost
    tube = trachea(film)
    low = (float(tube.left[-1]), float(tube.rows[-1]))
    if heart[0] >= low[0] or heart[1] <= low[1]:
        raise InputError("the right heart border does not lie below and to the right of the trachea's end")
    y, x = np.nonzero(film.mask("ascending aorta"))
    slope = (heart[0] - low[0]) / (heart[1] - low[1])
    beyond = low[0] + slope * (y - low[1]) - x
    farthest = int(beyond.argmax())
    reach = float(beyond[farthest]) / float(np.sqrt(1 + slope**2))
    share = int((beyond > 0).sum()) / len(x)
    parts = (film.mm("reach beyond the line", max(reach, 0.0)),)
    return Taken(share, (heart, low, (float(x[farthest]), float(y[farthest]))), parts)
