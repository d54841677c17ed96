"""Consensus: several readers' marks as one mask, and how well the readers agree.

Reads ``annotations`` of ``data/`` and ``series`` of the catalog; writes ``consensus`` and ``agreement``. Marks of
different readers on the same finding belong together if their masks overlap (connected components of the overlap
graph); ratings of an object are joined to its consensus by ``object_ids``.

An outline follows the LIDC rule: it runs through the first pixels outside the object, so its own pixels do not belong
to the object, whether it includes or excludes (Armato et al. 2011, Med Phys 38:915, "outer border"; the annotated XML
file of the collection, March 2010: "the first voxel just outside the nodule"). A point is a nodule below 3 mm, of which
only the centre was marked; it stands for the ball of 3 mm in diameter.

A reader who looked at a series and marked nothing in it leaves no trace in ``annotations``: such a reader is not
counted in ``n_readers``, and no agreement is written for them. SimpleITK lives here for STAPLE only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from curation.errors import Rejected
from curation.records import Agreement, Annotation, Consensus, Reason, Record, Series
from curation.runs import encode
from curation.settings import ConsensusSettings
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace

POINT_MM = 3.0
"""Diameter that a point stands for: LIDC readers marked only the centre of nodules below it."""

_STAPLE_ITERATIONS = 200  # it converges within a few tens, if at all
_NEAR = 1e-6  # pixel; outlines are on pixel centres, or on fractions drawn by hand

Mask = NDArray[np.bool_]


# --- one reader's object as a mask -----------------------------------------------------------------------


@dataclass(frozen=True)
class Marked:
    """An object of one reader: a mask ``(z, y, x)`` whose first voxel is ``start_zyx`` of the series."""

    object_id: str
    reader_id: str
    finding: str
    start_zyx: tuple[int, ...]
    mask_zyx: Mask
    point_zyx: tuple[float, ...] | None
    """Voxel of the centre, if the object is nothing but a point."""


def fill_outline(points_px: Sequence[float], shape: tuple[int, ...], origin: tuple[int, int]) -> tuple[Mask, Mask]:
    """Pixels strictly inside a polygon (even-odd rule), and pixels whose centre lies on its outline.

    ``points_px`` are x0, y0, x1, y1, … with pixel centres at integers; both masks are bool ``shape`` (rows, columns),
    their first pixel is ``origin`` (row, column). A pixel is inside if a ray to the left crosses the outline an odd
    number of times: crossings are toggled row by row and summed along the row.
    """
    corners = np.asarray(points_px, np.float64).reshape(-1, 2) - (origin[1], origin[0])
    ends = np.roll(corners, -1, axis=0)
    inside = _inside(corners, ends, shape)
    on_line = np.zeros(shape, np.bool_)
    for flip in (False, True):  # the outline's pixels row by row, then column by column for its level edges
        view = on_line.T if flip else on_line
        order = (1, 0) if flip else (0, 1)
        rows, columns = _crossings(corners[:, order], ends[:, order], closed=True)
        nearest = np.rint(columns).astype(np.intp)
        hit = np.abs(columns - nearest) < _NEAR
        hit &= (rows >= 0) & (rows < view.shape[0]) & (nearest >= 0) & (nearest < view.shape[1])
        view[rows[hit], nearest[hit]] = True
    return inside & ~on_line, on_line


def _inside(corners: NDArray[np.float64], ends: NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    rows, columns = _crossings(corners, ends, closed=False)
    first = np.clip(np.floor(columns).astype(np.intp) + 1, 0, shape[1])  # first pixel right of the crossing
    here = (rows >= 0) & (rows < shape[0])
    toggles = np.bincount(rows[here] * (shape[1] + 1) + first[here], minlength=shape[0] * (shape[1] + 1))
    inside: Mask = (toggles.reshape(shape[0], shape[1] + 1).cumsum(axis=1)[:, :-1] & 1).astype(np.bool_)
    return inside


def _crossings(
    corners: NDArray[np.float64], ends: NDArray[np.float64], closed: bool
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Row and x of each place where an edge meets a row of pixel centres; half-open edges meet a corner's row once."""
    low, high = np.minimum(corners[:, 1], ends[:, 1]), np.maximum(corners[:, 1], ends[:, 1])
    first = np.ceil(low).astype(np.intp)
    last = (np.floor(high) if closed else np.ceil(high) - 1).astype(np.intp)
    n_rows = np.where(high > low, np.maximum(last - first + 1, 0), 0)
    edge = np.repeat(np.arange(len(corners)), n_rows)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows) + first[edge]
    x0, y0 = corners[edge].T
    x1, y1 = ends[edge].T
    return rows, x0 + (rows - y0) * (x1 - x0) / (y1 - y0)


def rasterise(marks: Sequence[Annotation], series: Series) -> Marked:
    """The object that one reader's outlines make together, with holes taken out.

    Raises Rejected(ANNOTATION_WITHOUT_SERIES) if an outline lies on an instance that its series does not hold.
    """
    slices = {instance_id: index for index, instance_id in enumerate(series.instance_ids)}
    if any(mark.instance_id not in slices for mark in marks):
        raise Rejected(Reason.ANNOTATION_WITHOUT_SERIES, "an outline lies on an image that its series does not hold")
    first = marks[0]
    points = [(float(slices[mark.instance_id]), mark.points_px[1], mark.points_px[0]) for mark in marks]
    if all(_is_point(mark) for mark in marks):
        centre = tuple(sum(axis) / len(points) for axis in zip(*points, strict=True))
        start, mask = ball(centre, series)
        return Marked(first.object_id, first.reader_id, first.finding, start, mask, centre)
    start, mask = _outlined([mark for mark in marks if not _is_point(mark)], slices, series.shape_zyx[1:])
    return Marked(first.object_id, first.reader_id, first.finding, start, mask, None)


def _is_point(mark: Annotation) -> bool:
    return mark.shape == "point" or len(mark.points_px) == 2


def _outlined(
    marks: Sequence[Annotation], slices: Mapping[str, int], size_yx: Sequence[int]
) -> tuple[tuple[int, ...], Mask]:
    """Outlines of one object on their slices, cut at the image; an excluding outline takes out its own pixels too."""
    xs = [x for mark in marks for x in mark.points_px[0::2]]
    ys = [y for mark in marks for y in mark.points_px[1::2]]
    zs = [slices[mark.instance_id] for mark in marks]
    start = (min(zs), max(int(np.floor(min(ys))), 0), max(int(np.floor(min(xs))), 0))
    stop = (max(zs) + 1, min(int(np.ceil(max(ys))) + 1, size_yx[0]), min(int(np.ceil(max(xs))) + 1, size_yx[1]))
    mask = np.zeros(tuple(max(end - first, 0) for first, end in zip(start, stop, strict=True)), np.bool_)
    for mark in sorted(marks, key=lambda mark: not mark.inclusion):  # holes last
        inside, on_line = fill_outline(mark.points_px, mask.shape[1:], (start[1], start[2]))
        plane = mask[slices[mark.instance_id] - start[0]]
        if mark.inclusion:
            plane |= inside
        else:
            plane &= ~(inside | on_line)
    return start, mask


def ball(centre_zyx: Sequence[float], series: Series) -> tuple[tuple[int, ...], Mask]:
    """Voxels whose centre lies within ``POINT_MM / 2`` of a point given in voxels, and the point's own voxel."""
    shape = (len(series.instance_ids), *series.shape_zyx[1:])
    reach = [POINT_MM / 2 / step for step in steps_mm(series)]
    own = [min(max(round(c), 0), n - 1) for c, n in zip(centre_zyx, shape, strict=True)]
    start = tuple(max(min(int(np.ceil(c - r)), o), 0) for c, r, o in zip(centre_zyx, reach, own, strict=True))
    stop = tuple(
        min(max(int(np.floor(c + r)), o) + 1, n) for c, r, o, n in zip(centre_zyx, reach, own, shape, strict=True)
    )
    axes = np.ogrid[tuple(slice(first, end) for first, end in zip(start, stop, strict=True))]
    squared = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre_zyx, reach, strict=True))
    mask: Mask = np.asarray(squared <= 1)
    mask[tuple(o - first for o, first in zip(own, start, strict=True))] = True
    return start, mask


def steps_mm(series: Series) -> tuple[float, ...]:
    """Spacing ``(z, y, x)``; where a radiograph's is unknown, as far apart that a point is one pixel."""
    return tuple(step or POINT_MM for step in series.spacing_zyx_mm)


# --- which objects belong together -----------------------------------------------------------------------


def group_objects(objects: Sequence[Marked], step_zyx_mm: Sequence[float]) -> list[tuple[Marked, ...]]:
    """Connected components of the overlap graph between different readers' objects of one finding, in order of id."""
    ordered = sorted(objects, key=lambda marked: marked.object_id)
    parent = list(range(len(ordered)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for a, b in combinations(range(len(ordered)), 2):
        if _belong_together(ordered[a], ordered[b], step_zyx_mm):
            low, high = sorted((root(a), root(b)))
            parent[high] = low
    groups: dict[int, list[Marked]] = defaultdict(list)
    for index, marked in enumerate(ordered):
        groups[root(index)].append(marked)
    return [tuple(groups[first]) for first in sorted(groups)]


def _belong_together(a: Marked, b: Marked, step_zyx_mm: Sequence[float]) -> bool:
    if a.reader_id == b.reader_id or a.finding != b.finding:
        return False
    if a.point_zyx and b.point_zyx:  # balls that meet, even where slices are too far apart to show it
        steps = zip(a.point_zyx, b.point_zyx, step_zyx_mm, strict=True)
        return sum(((p - q) * step) ** 2 for p, q, step in steps) < POINT_MM**2
    box_a, box_b = _box(a), _box(b)
    low = [max(p[0], q[0]) for p, q in zip(box_a, box_b, strict=True)]
    high = [min(p[1], q[1]) for p, q in zip(box_a, box_b, strict=True)]
    if any(first >= end for first, end in zip(low, high, strict=True)):
        return False
    return bool((_cut(a, low, high) & _cut(b, low, high)).any())


def _box(marked: Marked) -> list[tuple[int, int]]:
    return [(first, first + size) for first, size in zip(marked.start_zyx, marked.mask_zyx.shape, strict=True)]


def _cut(marked: Marked, low: Sequence[int], high: Sequence[int]) -> Mask:
    here = zip(low, high, marked.start_zyx, strict=True)
    return marked.mask_zyx[tuple(slice(first - start, end - start) for first, end, start in here)]


# --- one answer ------------------------------------------------------------------------------------------


def by_reader(group: Sequence[Marked]) -> tuple[tuple[int, ...], dict[str, Mask]]:
    """Each reader's mask in one box around all, with a margin of one voxel; a reader's own objects are united.

    The margin is not cut at the edge of the volume, so ``start_zyx`` may be -1. STAPLE needs some background.
    """
    low = [min(ends) - 1 for ends in zip(*(marked.start_zyx for marked in group), strict=True)]
    stops = ([end for _, end in _box(marked)] for marked in group)
    high = [max(ends) + 1 for ends in zip(*stops, strict=True)]
    masks: dict[str, Mask] = {}
    for marked in sorted(group, key=lambda marked: (marked.reader_id, marked.object_id)):
        mask = masks.setdefault(marked.reader_id, np.zeros([b - a for a, b in zip(low, high, strict=True)], np.bool_))
        place = tuple(slice(first - start, end - start) for (first, end), start in zip(_box(marked), low, strict=True))
        mask[place] |= marked.mask_zyx
    return tuple(low), masks


def merge(masks: Sequence[Mask], method: str, threshold: float) -> Mask:
    """One mask from several: where STAPLE's probability, or the share of masks, reaches ``threshold``.

    STAPLE: Warfield, Zou, Wells 2004, IEEE TMI 23:903. With two masks and a threshold of 0.5, majority is their union.
    SimpleITK's filter runs in one thread, so the same masks give the same mask. What every reader marked always stays:
    with two readers who hardly overlap, STAPLE may trust neither there.
    """
    if method == "majority":
        share = np.sum(masks, axis=0, dtype=np.int64) / len(masks)
        return np.asarray(share >= threshold)
    images = [SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks]
    merged = SimpleITK.STAPLE(images, 1.0, 1.0, _STAPLE_ITERATIONS)  # type: ignore[no-untyped-call]
    likely = np.asarray(SimpleITK.GetArrayFromImage(merged) >= threshold)
    return np.asarray(likely | np.logical_and.reduce(masks))


def dice(a: Mask, b: Mask) -> float:
    """Dice coefficient, 0 to 1; 0 if both are empty."""
    both, total = int((a & b).sum()), int(a.sum()) + int(b.sum())
    return 2 * both / total if total else 0.0


@dataclass(frozen=True)
class GroupItem:
    """Objects that belong together, by object, and all readers of their series."""

    consensus_id: str
    series: Series
    marks: tuple[tuple[Annotation, ...], ...]
    reader_ids: tuple[str, ...]


@dataclass(frozen=True)
class UnplacedItem:
    """Marks that have no place: the whole of a series, or one object on an image that its series does not hold."""

    detail: str


def plan(workspace: Workspace) -> list[Item]:
    """One item for each group of objects that belong together, and for each series that the catalog does not hold."""
    by_series: dict[str, list[Annotation]] = defaultdict(list)
    for row in read_rows(Annotation, workspace.tables("deid")):
        by_series[row.series_id].append(row)
    known = {row.series_id: row for row in read_rows(Series, workspace.tables("catalog"))} if by_series else {}
    return [
        item
        for series_id, marks in sorted(by_series.items())
        for item in _series_items(series_id, marks, known.get(series_id))
    ]


def _series_items(series_id: str, marks: Sequence[Annotation], series: Series | None) -> Iterator[Item]:
    if series is None:
        detail = "the series that was read is not in the catalog: see its rejects"
        yield Item(f"series:{series_id}", digest(detail), UnplacedItem(detail))
        return
    reader_ids = tuple(sorted({mark.reader_id for mark in marks}))
    by_object: dict[str, tuple[Annotation, ...]] = {}
    for mark in marks:
        by_object[mark.object_id] = (*by_object.get(mark.object_id, ()), mark)
    objects: list[Marked] = []
    for object_id, own in by_object.items():
        try:
            objects.append(rasterise(own, series))
        except Rejected as outcome:
            yield Item(f"series:{series_id}/object:{object_id}", digest(*own), UnplacedItem(outcome.detail))
    for group in group_objects(objects, steps_mm(series)):
        rows = tuple(by_object[marked.object_id] for marked in group)
        consensus_id = f"consensus-{digest(series_id, [marked.object_id for marked in group])[:16]}"
        inputs = digest(series, reader_ids, rows)
        yield Item(f"series:{series_id}/{consensus_id}", inputs, GroupItem(consensus_id, series, rows, reader_ids))


def one(batch: Batch, item: Item) -> Iterable[Record]:
    """The consensus of one group, and the agreement of its readers."""
    match item.payload:
        case UnplacedItem(detail):
            raise Rejected(Reason.ANNOTATION_WITHOUT_SERIES, detail)
        case GroupItem() as group:
            return _agreed(batch.settings, group)
    raise TypeError(f"consensus has no item of type {type(item.payload).__name__}")


def _agreed(settings: ConsensusSettings, item: GroupItem) -> list[Record]:
    group = [rasterise(marks, item.series) for marks in item.marks]
    start, masks = by_reader(group)
    if len(masks) < settings.min_readers:
        detail = f"{len(masks)} of {len(item.reader_ids)} readers marked it, expected {settings.min_readers}"
        raise Rejected(Reason.TOO_FEW_READERS, detail)
    method, merged = _merged(settings, group, masks, start, item.series)
    if not merged.any():
        raise Rejected(Reason.EMPTY_CONSENSUS, "the readers' marks leave no voxel")
    box = encode(merged)
    consensus = Consensus(
        consensus_id=item.consensus_id,
        series_id=item.series.series_id,
        finding=group[0].finding,
        method=method,
        reader_ids=tuple(masks),
        n_readers=len(item.reader_ids),
        object_ids=tuple(sorted(marked.object_id for marked in group)),
        start_zyx=tuple(inner + outer for inner, outer in zip(box.start_zyx, start, strict=True)),
        shape_zyx=box.shape_zyx,
        runs=box.runs,
        n_voxels=int(merged.sum()),
    )
    return [consensus, *_agreement(item, masks)]


def _merged(
    settings: ConsensusSettings,
    group: Sequence[Marked],
    masks: Mapping[str, Mask],
    start: tuple[int, ...],
    series: Series,
) -> tuple[str, Mask]:
    """The method and its mask. Readers who gave nothing but points agree on a centre: the ball around their mean."""
    points = [marked.point_zyx for marked in group if marked.point_zyx]
    if len(points) < len(group):
        return settings.method, merge(list(masks.values()), settings.method, settings.threshold)
    centre = tuple(sum(axis) / len(points) for axis in zip(*points, strict=True))
    first, mask = ball(centre, series)
    merged = np.zeros_like(next(iter(masks.values())))
    offset = (inner - outer for inner, outer in zip(first, start, strict=True))
    merged[tuple(slice(place, place + size) for place, size in zip(offset, mask.shape, strict=True))] = mask
    return "mean_point", merged


def _agreement(item: GroupItem, masks: Mapping[str, Mask]) -> Iterator[Agreement]:
    """Every pair of the series' readers of whom at least one marked the object."""
    for reader_a, reader_b in combinations(item.reader_ids, 2):
        both = masks.get(reader_a), masks.get(reader_b)
        if both[0] is not None and both[1] is not None:
            yield Agreement(item.consensus_id, reader_a, reader_b, dice(both[0], both[1]))
        elif both[0] is not None or both[1] is not None:
            yield Agreement(item.consensus_id, reader_a, reader_b, 0.0)


STAGE = Stage(
    name="consensus",
    writes=(Consensus, Agreement),
    plan=plan,
    one=one,
)
