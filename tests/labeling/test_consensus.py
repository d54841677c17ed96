"""Several readers' marks as one mask."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curation import stage
from curation.records import Agreement, Annotation, Consensus, Reason, Reject, Series
from curation.runs import decode
from curation.store import read_rows
from curation.workspace import Workspace
from labeling.consensus import STAGE, ball, dice, fill_outline, merge, rasterise
from tests.curation.slices import add_rows, workspace_at

Mask = NDArray[np.bool_]

CT = Series(
    series_id="ct",
    study_id="st",
    patient_id="p1",
    modality="CT",
    n_instances=4,
    shape_zyx=(4, 20, 30),
    spacing_zyx_mm=(2.0, 1.0, 1.0),
    origin_xyz_mm=(0.0, 0.0, 0.0),
    direction=(1, 0, 0, 0, 1, 0, 0, 0, 1),
    instance_ids=("i0", "i1", "i2", "i3"),
)


# --- outlines --------------------------------------------------------------------------------------------


def naive_fill(corners: list[tuple[float, float]], rows: int, columns: int) -> tuple[Mask, Mask]:
    """Even-odd rule and points on edges, pixel by pixel in exact fractions."""
    edges = [tuple(map(Fraction, (*a, *b))) for a, b in pairwise([*corners, corners[0]])]
    inside, on_line = np.zeros((rows, columns), np.bool_), np.zeros((rows, columns), np.bool_)
    for y in range(rows):
        for x in range(columns):
            odd = False
            for x0, y0, x1, y1 in edges:
                turn = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
                if turn == 0 and min(x0, x1) <= x <= max(x0, x1) and min(y0, y1) <= y <= max(y0, y1):
                    on_line[y, x] = True
                if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) < x:
                    odd = not odd
            inside[y, x] = odd and not on_line[y, x]
    return inside & ~on_line, on_line


corner = st.tuples(st.integers(-4, 36), st.integers(-4, 36)).map(lambda p: (p[0] / 4, p[1] / 4))


@settings(max_examples=200, deadline=None)
@given(st.lists(corner, min_size=2, max_size=8).filter(lambda corners: len(set(corners)) > 1))
def test_filling_agrees_with_a_test_of_every_pixel(corners: list[tuple[float, float]]) -> None:
    inside, on_line = fill_outline([value for point in corners for value in point], (9, 8), (0, 0))
    slow_inside, slow_line = naive_fill(corners, 9, 8)
    assert (on_line == slow_line).all()
    assert (inside == slow_inside).all()


def outline(x0: float, y0: float, x1: float, y1: float) -> tuple[float, ...]:
    return (x0, y0, x1, y0, x1, y1, x0, y1)


def test_the_outline_itself_is_outside() -> None:
    inside, on_line = fill_outline(outline(2, 1, 6, 4), (6, 8), (0, 0))
    assert inside.sum() == 3 * 2 and inside[2:4, 3:6].all()  # 5 × 4 pixels with the outline, 3 × 2 without
    assert on_line.sum() == 5 * 4 - 3 * 2
    shifted, _ = fill_outline(outline(12, 21, 16, 24), (6, 8), (20, 10))
    assert (shifted == inside).all()


def test_a_chain_of_neighbouring_pixels_as_lidc_draws_it() -> None:
    # a diamond of 8-connected pixels around (3, 3); its inside is the 13 pixels within two steps
    chain = [(3, 0), (4, 1), (5, 2), (6, 3), (5, 4), (4, 5), (3, 6), (2, 5), (1, 4), (0, 3), (1, 2), (2, 1), (3, 0)]
    inside, on_line = fill_outline([float(value) for point in chain for value in point], (7, 7), (0, 0))
    assert on_line.sum() == 12
    distance = np.abs(np.arange(7) - 3)[:, None] + np.abs(np.arange(7) - 3)
    assert (inside == (distance <= 2)).all()


def mark(reader: str, points: Iterable[float], **columns: Any) -> Annotation:
    """A mark on slice i1; ids follow from the reader and what is given."""
    usual = {
        "object_id": f"object-{reader}",
        "series_id": "ct",
        "instance_id": "i1",
        "finding": "nodule",
        "shape": "polygon",
        "inclusion": True,
    }
    made = {**usual, **columns}
    annotation_id = f"{made['object_id']}-{made['instance_id']}-{made['inclusion']}"
    return Annotation(annotation_id=annotation_id, reader_id=reader, points_px=tuple(map(float, points)), **made)


def whole(start: tuple[int, ...], mask: Mask) -> Mask:
    made = np.zeros(CT.shape_zyx, np.bool_)
    made[tuple(slice(a, a + n) for a, n in zip(start, mask.shape, strict=True))] = mask
    return made


def test_slices_of_an_object_and_its_hole() -> None:
    made = rasterise(
        [
            mark("a", outline(12, 4, 18, 10), inclusion=False),
            mark("a", outline(10, 2, 20, 12)),
            mark("a", outline(10, 2, 14, 6), instance_id="i3"),
        ],
        CT,
    )
    full = whole(made.start_zyx, made.mask_zyx)
    expected = np.zeros_like(full)
    expected[1, 3:12, 11:20] = True
    expected[1, 4:11, 12:19] = False  # an excluding outline takes its own pixels too
    expected[3, 3:6, 11:14] = True
    assert (full == expected).all()


def test_a_point_is_a_ball_of_three_mm() -> None:
    start, mask = ball((1.0, 10.0, 15.0), CT)
    zz, yy, xx = np.nonzero(whole(start, mask))
    reached = (2.0 * (zz - 1)) ** 2 + (yy - 10) ** 2 + (xx - 15) ** 2
    assert reached.max() <= 1.5**2 and len(zz) == 9  # one slice, since the next is 2 mm away: a 3 × 3 square


@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (3.0, 19.0, 29.0), (0.0, 0.4, 29.4)])
def test_a_ball_at_the_edge_stays_in_the_volume(centre: tuple[float, float, float]) -> None:
    start, mask = ball(centre, CT)
    assert mask.any() and min(start) >= 0
    assert all(a + n <= size for a, n, size in zip(start, mask.shape, CT.shape_zyx, strict=True))


# --- merging ---------------------------------------------------------------------------------------------


def boxes(*spans: tuple[int, int]) -> list[Mask]:
    made: list[Mask] = []
    for first, end in spans:
        mask: Mask = np.zeros((3, 6, 12), np.bool_)
        mask[1, 1:5, first:end] = True
        made.append(mask)
    return made


def test_majority_counts_readers() -> None:
    masks = boxes((1, 5), (3, 8), (4, 9))
    votes = np.sum(masks, axis=0)
    assert (merge(masks, "majority", 0.5) == (votes >= 2)).all()
    assert (merge(masks, "majority", 1.0) == (votes == 3)).all()
    assert (merge(masks[:2], "majority", 0.5) == (masks[0] | masks[1])).all()


def naive_staple(masks: list[Mask], iterations: int = 500) -> NDArray[np.float64]:
    """Warfield 2004, equations 14, 18 and 19, with the prior from the masks' mean."""
    votes = np.stack([mask.ravel() for mask in masks]).astype(float)
    prior = votes.mean()
    sensitivity = specificity = np.full(len(masks), 0.99999)
    for _ in range(iterations):
        a = prior * np.prod(np.where(votes == 1, sensitivity[:, None], 1 - sensitivity[:, None]), axis=0)
        b = (1 - prior) * np.prod(np.where(votes == 0, specificity[:, None], 1 - specificity[:, None]), axis=0)
        weight = a / (a + b)
        sensitivity = (votes * weight).sum(axis=1) / weight.sum()
        specificity = ((1 - votes) * (1 - weight)).sum(axis=1) / (1 - weight).sum()
    made: NDArray[np.float64] = weight.reshape(masks[0].shape)
    return made


@pytest.mark.parametrize("spans", [((1, 5), (2, 6), (2, 5)), ((1, 8), (2, 7), (3, 11), (2, 8))])
def test_staple_agrees_with_its_equations(spans: tuple[tuple[int, int], ...]) -> None:
    masks = boxes(*spans)
    assert (merge(masks, "staple", 0.5) == (naive_staple(masks) >= 0.5)).all()


def test_staple_is_the_same_with_any_number_of_threads() -> None:
    masks = boxes((1, 8), (2, 7), (3, 11), (2, 8))
    made: list[NDArray[np.float64]] = []
    for threads in (1, 4):
        staple: Any = SimpleITK.STAPLEImageFilter()  # type: ignore[no-untyped-call]
        staple.SetNumberOfThreads(threads)
        merged = staple.Execute([SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks])
        made.append(SimpleITK.GetArrayFromImage(merged))
    assert (made[0] == made[1]).all() and 0 < made[0].max() <= 1


def test_dice() -> None:
    a, b = boxes((0, 4), (2, 6))
    assert dice(a, b) == 0.5 and dice(a, a) == 1.0 and dice(a, ~a) == 0.0 and dice(a & ~a, a & ~a) == 0.0


# --- the stage -------------------------------------------------------------------------------------------


def run(root: Path, *marks: Annotation, series: Series = CT, min_readers: int = 2) -> tuple[Workspace, list[Reject]]:
    workspace = workspace_at(root)
    text = (root / "params.yaml").read_text().replace("min_readers: 2", f"min_readers: {min_readers}")
    (root / "params.yaml").write_text(text)
    add_rows(workspace, "deid", marks)
    add_rows(workspace, "catalog", [series])
    for batch in stage.prepare(STAGE, workspace).batches:
        stage.run_batch(STAGE, workspace, batch)
    return workspace, stage.rejects(workspace, STAGE)


def found(workspace: Workspace) -> list[Consensus]:
    return read_rows(Consensus, workspace.tables("consensus"))


def agreement(workspace: Workspace) -> dict[tuple[str, str], float]:
    return {(row.reader_a, row.reader_b): row.dice for row in read_rows(Agreement, workspace.tables("consensus"))}


def test_four_readers_of_whom_three_mark_one_nodule(tmp_path: Path) -> None:
    workspace, rejects = run(
        tmp_path,
        mark("a", outline(10, 2, 20, 12)),
        mark("b", outline(10, 2, 20, 12)),
        mark("c", outline(10, 2, 20, 11)),
        mark("d", outline(1, 1, 5, 5)),  # another place: its own object, by one reader
    )
    (made,) = found(workspace)
    assert (made.reader_ids, made.n_readers, made.method) == (("a", "b", "c"), 4, "staple")
    assert made.object_ids == ("object-a", "object-b", "object-c")
    mask = decode(made.start_zyx, made.shape_zyx, made.runs, CT.shape_zyx)
    assert mask[1, 3:12, 11:20].all() and made.n_voxels == mask.sum() == 81
    assert agreement(workspace) == {
        ("a", "b"): 1.0,
        ("a", "c"): 2 * 72 / (81 + 72),
        ("a", "d"): 0.0,
        ("b", "c"): 2 * 72 / (81 + 72),
        ("b", "d"): 0.0,
        ("c", "d"): 0.0,
    }
    assert [row.reason for row in rejects] == [Reason.TOO_FEW_READERS]


def test_two_objects_of_one_reader_count_once(tmp_path: Path) -> None:
    workspace, rejects = run(
        tmp_path,
        mark("a", outline(1, 1, 8, 8), object_id="a1"),
        mark("a", outline(10, 1, 18, 8), object_id="a2"),
        mark("b", outline(1, 1, 18, 8)),
    )
    (made,) = found(workspace)
    assert made.reader_ids == ("a", "b") and made.object_ids == ("a1", "a2", "object-b") and not rejects
    assert agreement(workspace) == {("a", "b"): 2 * (36 + 42) / (36 + 42 + 96)}


def test_two_overlapping_objects_of_one_reader_are_no_agreement(tmp_path: Path) -> None:
    workspace, rejects = run(
        tmp_path, mark("a", outline(1, 1, 8, 8), object_id="a1"), mark("a", outline(1, 1, 8, 8), object_id="a2")
    )
    assert not found(workspace) and [row.reason for row in rejects] == [Reason.TOO_FEW_READERS] * 2


def test_other_findings_and_other_slices_do_not_mix(tmp_path: Path) -> None:
    _, rejects = run(
        tmp_path,
        mark("a", outline(1, 1, 8, 8)),
        mark("b", outline(1, 1, 8, 8), finding="non_nodule"),
        mark("c", outline(1, 1, 8, 8), instance_id="i2"),
    )
    assert [row.reason for row in rejects] == [Reason.TOO_FEW_READERS] * 3


def test_touching_outlines_do_not_overlap(tmp_path: Path) -> None:
    _, rejects = run(tmp_path, mark("a", outline(1, 1, 8, 8)), mark("b", outline(8, 1, 15, 8)))
    assert len(rejects) == 2


def point(reader: str, x: float, y: float, instance: str = "i1", **columns: Any) -> Annotation:
    return mark(reader, (x, y), shape="point", instance_id=instance, **columns)


def test_points_near_each_other_become_the_ball_around_their_mean(tmp_path: Path) -> None:
    workspace, _ = run(tmp_path, point("a", 10, 5), point("b", 12, 5), point("c", 11, 5, "i2"))
    (made,) = found(workspace)
    assert made.method == "mean_point" and made.reader_ids == ("a", "b", "c")
    zz, yy, xx = np.nonzero(decode(made.start_zyx, made.shape_zyx, made.runs, CT.shape_zyx))
    assert (xx.mean(), yy.mean()) == (11.0, 5.0)
    assert set(zz.tolist()) == {1, 2}  # the mean lies at 4/3 slices: 0.67 mm above i1, 1.33 mm below i2


@pytest.mark.parametrize("other", [point("b", 13, 5), point("b", 10, 5, "i3")])
def test_points_three_mm_apart_or_more_are_two(other: Annotation, tmp_path: Path) -> None:
    _, rejects = run(tmp_path, point("a", 10, 5), other)
    assert len(rejects) == 2


def test_a_point_inside_an_outline_is_the_same_object(tmp_path: Path) -> None:
    workspace, _ = run(tmp_path, point("a", 10, 6), mark("b", outline(6, 2, 14, 10)))
    (made,) = found(workspace)
    assert made.method == "staple" and made.n_voxels >= 1


def test_points_on_two_radiographs_of_a_series_do_not_mix(tmp_path: Path) -> None:
    films = replace(
        CT, modality="DX", shape_zyx=(1, 20, 30), spacing_zyx_mm=(0.0, 0.0, 0.0), direction=(), origin_xyz_mm=()
    )
    workspace, rejects = run(
        tmp_path, point("a", 10, 5, "i0"), point("b", 10, 5, "i1"), point("c", 10, 5, "i1"), series=films
    )
    (made,) = found(workspace)
    assert made.reader_ids == ("b", "c") and (made.start_zyx, made.n_voxels) == ((1, 5, 10), 1)
    assert len(rejects) == 1


def test_an_outline_at_the_edge_of_the_volume(tmp_path: Path) -> None:
    marks = [mark(reader, outline(-1, -1, 30, 20), instance_id="i0") for reader in "ab"]
    workspace, _ = run(tmp_path, *marks)
    (made,) = found(workspace)
    assert decode(made.start_zyx, made.shape_zyx, made.runs, CT.shape_zyx)[0].all()


def test_an_outline_is_cut_at_the_edge_of_the_volume(tmp_path: Path) -> None:
    workspace, rejects = run(
        tmp_path,
        *(mark(reader, outline(25, -9, 99, 99)) for reader in "ab"),
        *(mark(reader, outline(60, 60, 99, 99), object_id=f"far-{reader}") for reader in "ab"),
    )
    (made,) = found(workspace)
    assert (made.start_zyx, made.shape_zyx) == ((1, 0, 26), (1, 20, 4))
    assert [row.reason for row in rejects] == [Reason.TOO_FEW_READERS] * 2  # what lies outside overlaps nothing


def test_marks_without_a_place(tmp_path: Path) -> None:
    _, rejects = run(
        tmp_path,
        mark("a", outline(1, 1, 8, 8), instance_id="gone"),
        mark("b", outline(1, 1, 8, 8), series_id="rejected"),
    )
    assert {row.item: row.reason for row in rejects} == {
        "series:ct/object:object-a": Reason.ANNOTATION_WITHOUT_SERIES,
        "series:rejected": Reason.ANNOTATION_WITHOUT_SERIES,
    }


def test_an_outline_with_nothing_inside_leaves_no_mask(tmp_path: Path) -> None:
    _, rejects = run(tmp_path, mark("a", outline(1, 1, 2, 2)), min_readers=1)
    assert [row.reason for row in rejects] == [Reason.EMPTY_CONSENSUS]


def test_one_more_reader_makes_the_series_groups_anew_and_no_other(tmp_path: Path) -> None:
    workspace, _ = run(
        tmp_path,
        *(mark(reader, outline(10, 2, 20, 12)) for reader in "ab"),
        *(mark(reader, outline(10, 2, 20, 12), series_id="ct2", object_id=f"2{reader}") for reader in "ab"),
    )
    add_rows(workspace, "catalog", [replace(CT, series_id="ct2")], "second")
    todo = stage.prepare(STAGE, workspace)
    assert todo.n_items - todo.n_done == 1 + 1  # ct2 was unknown before, and its batch holds ct too
    for batch in todo.batches:
        stage.run_batch(STAGE, workspace, batch)
    add_rows(workspace, "deid", [mark("c", outline(10, 2, 20, 12))], "later")
    (batch,) = stage.prepare(STAGE, workspace).batches
    stage.run_batch(STAGE, workspace, batch)
    assert {row.series_id: row.reader_ids for row in found(workspace)} == {"ct": ("a", "b", "c"), "ct2": ("a", "b")}
