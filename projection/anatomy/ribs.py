"""Ribs: their centre lines, and their anterior and posterior halves.

A rib's voxels are gathered in cells of some 5 mm; the distance along the rib, from its vertebral end, is the shortest
way through touching cells (geodesic distance, Dijkstra), and the centre line is the running mean of the cells at each
distance. Ways along the rib, unlike any coordinate, also order the flat first rib and one that is broken in pieces.

The halves part where the smoothed centre line reaches furthest to its side of the patient (LPS x): that is where, seen
from the front, the shadow of the rib turns back, and what divides an anterior from a posterior rib on a radiograph. The
cut is the plane across the centre line there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from projection.anatomy.body import Body, Region
from projection.anatomy.structures import ORDINALS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CELL_MM = 5.0
"""Size of a cell, and step along the line: half of a rib's height, so that a cell does not bridge two ribs' width."""
SMOOTH_MM = 10.0
"""Half the window of the running mean: a rib's height, shorter than any bend of its shaft."""
PLATEAU_MM = 1.0
"""What is within a millimetre of the furthest point counts as furthest: the middle of it is where the rib turns."""
RIVAL_MM = 3.0
"""Two places that differ by less are equally far out: half of a thick slice, by which the line of a rib may stray."""
NEAR_CUT_MM = 20.0
"""How far the plane of the cut decides; beyond, the way along the rib does: it may come back to the plane."""
STRAY_SHARE = 0.05
"""A piece with less of the rib's voxels than this does not lead the centre line: specks of another rib's label."""
_SIDES = {"left": 1.0, "right": -1.0}


@dataclass(frozen=True)
class Rib:
    """One rib along its centre line."""

    voxels: Ints
    """Indices ``(n, 3)`` in the body's arrays, z, y, x."""
    cell_of_voxel: Ints
    along_mm: Floats
    """For each cell: the way to it from the vertebral end."""
    line_mm: Floats
    """``(n, 3)`` LPS mm, from the spine forward, ``CELL_MM`` of that way apart."""


def structure(side: str, number: int) -> str:
    """The TotalSegmentator class name of a rib."""
    return f"rib_{side}_{number}"


def centre_lines(body: Body) -> dict[str, Floats]:
    """Structure name to ``(n, 3)`` LPS mm from the spine forward, about 5 mm apart, of each rib that is there."""
    names = [structure(side, number) for side in _SIDES for number in range(1, 13)]
    return {name: trace(body, name).line_mm for name in names if body.has(name)}


def parts(body: Body) -> dict[str, Region]:
    """The halves of ribs 1 to 11, by label; the 12th ends behind the side of the chest and is posterior as a whole.

    A rib of which only one half is in the scan gives that half. The halves of a rib are disjoint and together the rib.
    """
    made: dict[str, Region] = {}
    for side, sign in _SIDES.items():
        for number, ordinal in enumerate(ORDINALS[:11], 1):
            if body.has(name := structure(side, number)):
                rib = trace(body, name)
                front = _is_front(body, rib, sign)
                halves = {"anterior": front, "posterior": ~front}
                made |= {f"{half} {ordinal} rib {side}": _pick(rib, of) for half, of in halves.items() if of.any()}
    return made


def trace(body: Body, name: str) -> Rib:
    """Follow one rib, which must be there, from its vertebral end."""
    voxels = _voxels(body, name)
    cell_of_voxel, points_mm, counts = _cells(body, voxels)
    pieces, reach_mm = _pieces(body, points_mm)
    voxels_of_piece = np.bincount(pieces, counts)
    main = np.flatnonzero(voxels_of_piece[pieces] >= STRAY_SHARE * counts.sum())
    along_of_main = _along(_joined(points_mm[main], pieces[main], reach_mm), points_mm[main], spine_mm(body))
    nearest = KDTree(points_mm[main]).query(points_mm)[1]
    line_mm = _smooth(_line(along_of_main, points_mm[main], counts[main]))
    return Rib(voxels, cell_of_voxel, along_of_main[nearest], line_mm)


def _voxels(body: Body, name: str) -> Ints:
    box = body.boxes[name]
    mask = body.values[box] == body.numbers[name]
    places = np.unravel_index(np.flatnonzero(mask), mask.shape)  # several times faster than argwhere
    return np.stack([place + part.start for place, part in zip(places, box, strict=True)], axis=1)


# --- cells and the way through them --------------------------------------------------------------------------


def _cell_voxels(body: Body) -> Ints:
    size: Ints = np.maximum(1, np.rint(CELL_MM / np.array(body.spacing_zyx_mm))).astype(np.int64)
    return size


def _cells(body: Body, voxels: Ints) -> tuple[Ints, Floats, Floats]:
    """The cell of each voxel; each cell's mean position in mm and number of voxels."""
    places = (voxels - voxels.min(axis=0)) // _cell_voxels(body)
    flat = np.ravel_multi_index(tuple(places.T), tuple(places.max(axis=0) + 1))
    taken = np.bincount(flat) > 0
    cell_of_voxel: Ints = (np.cumsum(taken) - 1)[flat]
    counts = np.bincount(cell_of_voxel).astype(np.float64)
    sums = [np.bincount(cell_of_voxel, voxels[:, axis]) for axis in range(3)]
    return cell_of_voxel, body.mm(np.stack(sums, axis=1) / counts[:, None]), counts


def _pieces(body: Body, points_mm: Floats) -> tuple[NDArray[np.int32], float]:
    """The connected piece of each cell, and how far apart two cells may be to touch."""
    reach_mm = 2.2 * float((_cell_voxels(body) * body.spacing_zyx_mm).max())  # means of touching cells: two at most
    return connected_components(_near(points_mm, reach_mm), directed=False)[1], reach_mm


def _near(points_mm: Floats, reach_mm: float) -> csr_matrix:
    pairs = KDTree(points_mm).query_pairs(reach_mm, output_type="ndarray")
    return _graph(points_mm, pairs)


def _graph(points_mm: Floats, pairs: NDArray[np.intp]) -> csr_matrix:
    lengths = np.sqrt(((points_mm[pairs[:, 0]] - points_mm[pairs[:, 1]]) ** 2).sum(axis=1))
    return coo_matrix((lengths, (pairs[:, 0], pairs[:, 1])), shape=(len(points_mm), len(points_mm))).tocsr()


def _joined(points_mm: Floats, pieces: NDArray[np.int32], reach_mm: float) -> csr_matrix:
    """The graph of touching cells, with a bridge from each piece to the nearest one that is joined already."""
    graph = _near(points_mm, reach_mm)
    inside = pieces == pieces[0]
    while not inside.all():
        here, there = np.flatnonzero(inside), np.flatnonzero(~inside)
        gaps, nearest = KDTree(points_mm[here]).query(points_mm[there])
        at = int(gaps.argmin())
        graph = graph + _graph(points_mm, np.array([[here[nearest[at]], there[at]]]))
        inside |= pieces == pieces[there[at]]
    return graph


def _along(graph: csr_matrix, points_mm: Floats, vertebrae_mm: Floats) -> Floats:
    """The way to each cell from the end that is nearer to the spine; without vertebrae, from the one further back."""
    one = int(dijkstra(graph, directed=False, indices=0).argmax())
    from_one = dijkstra(graph, directed=False, indices=one)
    other = int(from_one.argmax())
    from_other = dijkstra(graph, directed=False, indices=other)
    ends = points_mm[[one, other]]
    first, second = -ends[:, 1] if not len(vertebrae_mm) else KDTree(vertebrae_mm).query(ends)[0]
    along: Floats = from_one if first <= second else from_other
    return along


def spine_mm(body: Body) -> Floats:
    """The middles of the boxes of the vertebrae that are there, ``(n, 3)`` LPS mm."""
    boxes = [box for name, box in body.boxes.items() if name.startswith("vertebrae_")]
    middles = np.array([[(part.start + part.stop - 1) / 2 for part in box] for box in boxes])
    return body.mm(middles.reshape(-1, 3))


# --- the line and the cut ------------------------------------------------------------------------------------


def _line(along_mm: Floats, points_mm: Floats, counts: Floats) -> Floats:
    """Mean position at every ``CELL_MM`` of the way; across a gap, the straight line."""
    step = np.rint(along_mm / CELL_MM).astype(np.int64)
    weight = np.bincount(step, counts)
    there = np.flatnonzero(weight)
    means = [np.bincount(step, counts * points_mm[:, axis])[there] / weight[there] for axis in range(3)]
    return np.stack([np.interp(np.arange(len(weight)), there, mean) for mean in means], axis=1)


def _smooth(line_mm: Floats) -> Floats:
    """Running mean, the ends kept: the line goes on beyond each as its point reflection."""
    half = min(round(SMOOTH_MM / CELL_MM), len(line_mm) - 1)
    padded = np.pad(line_mm, ((half, half), (0, 0)), "reflect", reflect_type="odd") if half else line_mm
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=0)
    smooth: Floats = windows.mean(axis=2)
    return smooth


def _is_front(body: Body, rib: Rib, sign: float) -> NDArray[np.bool_]:
    """For each voxel of a rib, whether it belongs to the anterior half. ``sign``: of LPS x, outwards."""
    cut = _turn(sign * rib.line_mm[:, 0])
    beyond_mm = (rib.along_mm - cut * CELL_MM)[rib.cell_of_voxel]
    front: NDArray[np.bool_] = beyond_mm > 0
    near = np.flatnonzero(np.abs(beyond_mm) < NEAR_CUT_MM)
    if near.size:
        steps = np.arange(len(rib.line_mm))
        before, at, after = (
            np.array([np.interp(cut + step, steps, rib.line_mm[:, axis]) for axis in range(3)]) for step in (-1, 0, 1)
        )
        front[near] = (body.mm(rib.voxels[near]) - at) @ (after - before) > 0
    return front


def _turn(lateral_mm: Floats) -> float:
    """Where a line turns back, as a position in it: infinite if it only goes out, minus infinite if it only comes in.

    Of several places that are about as far out, as when the tip of a lower rib bends out again, it is the first.
    """
    steps = round(SMOOTH_MM / CELL_MM)  # a half that is shorter than what the mean runs over is none
    last = len(lateral_mm) - 1
    inner, before, after = lateral_mm[1:-1], lateral_mm[:-2], lateral_mm[2:]
    tops = 1 + np.flatnonzero((inner >= before) & (inner >= after) & (inner >= lateral_mm.max() - RIVAL_MM))
    furthest = int(tops[0]) if tops.size else int(lateral_mm.argmax())
    if furthest > last - steps:
        return np.inf
    return -np.inf if furthest < steps else _middle_of_plateau(lateral_mm, furthest)


def _middle_of_plateau(lateral_mm: Floats, furthest: int) -> float:
    """The middle, as a position in the line, of the points in a row that are as far out as the furthest."""
    below = np.flatnonzero(np.abs(lateral_mm - lateral_mm[furthest]) > PLATEAU_MM)
    first = max((int(i) + 1 for i in below if i < furthest), default=0)
    last = min((int(i) - 1 for i in below if i > furthest), default=len(lateral_mm) - 1)
    return (first + last) / 2


def _pick(rib: Rib, chosen: NDArray[np.bool_]) -> Region:
    voxels = rib.voxels[chosen]
    low = voxels.min(axis=0)
    mask = np.zeros(voxels.max(axis=0) - low + 1, bool)
    mask[tuple((voxels - low).T)] = True
    z, y, x = low.tolist()
    return Region((z, y, x), mask)


def front_end_mm(body: Body, name: str) -> Floats | None:
    """Where the bone of a rib ends in front: the last point of its centre line, LPS mm.

    None if the rib is not there, has no anterior half, or leaves the scan there.
    """
    if not body.has(name):
        return None
    rib = trace(body, name)
    sign = _SIDES[name.split("_")[1]]
    if _turn(sign * rib.line_mm[:, 0]) == np.inf:
        return None
    end_mm: Floats = rib.line_mm[-1]
    index = np.linalg.solve(body.affine[:3, :3], end_mm - body.affine[:3, 3])[::-1]
    margin = CELL_MM / np.array(body.spacing_zyx_mm)
    inside = (index > margin).all() and (index < np.array(body.values.shape) - 1 - margin).all()
    return end_mm if inside else None
