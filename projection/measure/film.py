"""What a radiologist measures on a frontal film: the twelve measurements of CheXStruct, from masks.

``measure`` takes the masks of one view by the names of the label table. A length in mm is a length at the detector, as
on a film: what lies before the detector is magnified (distances in the ``views`` table); the ratios on which the
verdicts stand are hardly touched. What the CT itself gives beside it is in ``truth``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from curation.errors import InputError, SettingsError
from projection.anatomy.spine import SPINOUS
from projection.anatomy.structures import ORDINALS
from projection.measure import aortas, chest, placing
from projection.measure.contours import Bools
from projection.measure.readings import Definition, Film, Landmark, Reading, Taken, definitions
from projection.measure.silhouettes import MIDLINE_VERTEBRAE, has, touches_edge

LABELS = frozenset(
    {label for row in definitions() for label in row.labels}
    | {SPINOUS, *MIDLINE_VERTEBRAE}
    | {f"posterior {rib} rib right" for rib in ORDINALS}
)
"""Masks that are looked at; the others need not be decoded."""
NO_LIMITS: Mapping[str, tuple[float, ...]] = {}
TAKEN: Mapping[str, Callable[[Film], Taken]] = {
    "rotation": placing.rotation,
    "projection": placing.projection,
    "cardiomegaly": chest.cardiothoracic,
    "mediastinal_widening": chest.mediastinal_width,
    "carina_angle": chest.carina_angle,
    "aortic_knob_enlargement": aortas.knob,
    "descending_aorta_enlargement": aortas.descending_width,
    "descending_aorta_tortuous": aortas.tortuosity,
    "inclusion": placing.inclusion,
    "inspiration": placing.inspiration,
    "trachea_deviation": chest.trachea_deviation,
    "ascending_aorta_enlargement": aortas.ascending,
}


def measure(
    masks: Mapping[str, Bools],
    view: str,
    pixel_mm: float,
    covered: Bools | None = None,
    limits: Mapping[str, tuple[float, ...]] = NO_LIMITS,
) -> list[Reading]:
    """The measurements that are defined for a view, in the order of the table; a lateral has none.

    ``masks`` are footprints (rows, columns) of one size, patient right at image left; ``covered`` says which rays do
    not leave the CT through its ends. What cannot be measured gives a reading with a reason and no value: a mask is
    missing, lies at the edge of the picture or where rays are not covered, or the shapes do not allow it. ``limits`` by
    measurement stand instead of the table's. Raises InputError if the masks are not of one size, SettingsError if a
    limit is of no measurement or there are too many or few.
    """
    if len({mask.shape for mask in (*masks.values(), *([] if covered is None else [covered]))}) > 1:
        raise InputError("expected masks of one size")
    film = Film(masks, pixel_mm, covered)
    rows = [_limited(definition, limits) for definition in definitions()]
    unknown = set(limits) - {row.id for row in rows}
    if unknown:
        raise SettingsError(f"measure.limits: there is no measurement {', '.join(sorted(unknown))}")
    return [_reading(film, definition, view) for definition in rows if view in definition.views]


def _limited(definition: Definition, limits: Mapping[str, tuple[float, ...]]) -> Definition:
    if definition.id not in limits:
        return definition
    given = limits[definition.id]
    if {len(given)} != {len(usual) for usual in definition.thresholds.values()}:
        raise SettingsError(f"measure.limits: {definition.id} has {2 if definition.direction == 'outside' else 1}")
    return replace(definition, thresholds=dict.fromkeys(definition.thresholds, given))


def _reading(film: Film, definition: Definition, view: str) -> Reading:
    try:
        taken = _taken(film, definition)
    except InputError as error:
        return _row(definition, view, None, str(error))
    return _row(definition, view, taken, "")


def _taken(film: Film, definition: Definition) -> Taken:
    """The value; raises InputError with the reason if there is none."""
    absent = [label for label in definition.labels if not has(film, label)]
    if absent:
        raise InputError(f"no mask of {' and '.join(absent)}")
    for label in definition.whole:
        if touches_edge(film.masks[label]):
            raise InputError(f"{label} is cut by the edge of the picture")
        if film.covered is not None and bool((film.masks[label] & ~film.covered).any()):
            raise InputError(f"{label} reaches where rays leave the CT")
    taken = TAKEN[definition.id](film)
    for name, (x, y) in zip(definition.points, taken.points, strict=True):
        _check_point(film, definition, name, (round(x), round(y)))
    return taken


def _check_point(film: Film, definition: Definition, name: str, pixel_xy: tuple[int, int]) -> None:
    x, y = pixel_xy
    rows, columns = film.shape
    if definition.cut == "reason" and not (1 <= x <= columns - 2 and 1 <= y <= rows - 2):
        raise InputError(f"{name} lies at the edge of the picture")
    if film.covered is not None and not film.covered[y, x]:
        raise InputError(f"{name} lies where rays leave the CT")


def _row(definition: Definition, view: str, taken: Taken | None, reason: str) -> Reading:
    value = None if taken is None else round(taken.value, 4)
    positive = None if value is None else definition.is_positive(value, view)
    points = () if taken is None else taken.points
    return Reading(
        measure=definition.id,
        landmarks=tuple(
            Landmark(name, round(x, 2), round(y, 2)) for name, (x, y) in zip(definition.points, points, strict=False)
        ),
        value=value,
        unit=definition.unit,
        threshold=definition.thresholds[view],
        verdict="" if positive is None else definition.positive if positive else definition.negative,
        positive=positive,
        parts=() if taken is None else taken.parts,
        reason=reason,
    )
