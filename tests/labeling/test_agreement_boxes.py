"""Boxes against ensemble-boxes, and against trying every pairing."""

import warnings
from itertools import permutations

import numpy as np
import pytest
from ensemble_boxes import weighted_boxes_fusion
from hypothesis import given
from hypothesis import strategies as st

from labeling.agreement.boxes import Box, f1, fuse, iou, matched

SIDE = st.integers(0, 60).map(float)
BOXES = st.lists(st.tuples(SIDE, SIDE, st.integers(1, 40).map(float), st.integers(1, 40).map(float)), max_size=4)
LIMIT = 0.4


def test_overlap_by_hand() -> None:
    square = (0.0, 0.0, 10.0, 10.0)
    others = [(5.0, 0.0, 10.0, 10.0), (20.0, 20.0, 5.0, 5.0), square, (10.0, 0.0, 10.0, 10.0), (3.0, 3.0, 0.0, 0.0)]
    assert [iou(square, other) for other in others] == [pytest.approx(1 / 3), 0.0, 1.0, 0.0, 0.0]
    assert iou(others[4], others[4]) == 0.0


@given(BOXES, BOXES)
def test_matches_are_as_many_as_the_best_pairing_has(a: list[Box], b: list[Box]) -> None:
    short, long = sorted((a, b), key=len)
    tried = permutations(range(len(long)), len(short))
    assert matched(a, b, LIMIT) == max(
        sum(iou(short[row], long[column]) > LIMIT for row, column in enumerate(way)) for way in tried
    )
    assert f1(a, b, LIMIT) == f1(b, a, LIMIT) <= 1


def test_agreement_of_boxes() -> None:
    one, near, far = (0.0, 0.0, 10.0, 10.0), (1.0, 0.0, 10.0, 10.0), (50.0, 50.0, 5.0, 5.0)
    assert f1([one], [near], LIMIT) == 1.0
    assert f1([one, far], [near], LIMIT) == pytest.approx(2 / 3)
    assert f1([one], [], LIMIT) == f1([], [], LIMIT) == 0.0


def fused_by_others(boxes: list[list[Box]]) -> list[tuple[float, ...]]:
    """Corners and score, by ensemble-boxes, of boxes of each reader within 100 pixels; none may meet itself."""
    corners = [[[x / 100, y / 100, (x + w) / 100, (y + h) / 100] for x, y, w, h in own] for own in boxes]
    ones = [[1.0] * len(own) for own in boxes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, scores, _ = weighted_boxes_fusion(corners, ones, [[0] * len(own) for own in boxes], iou_thr=LIMIT)
    return sorted((*(100 * found).round(2).tolist()[i], round(float(scores[i]), 3)) for i in range(len(found)))


def test_fused_boxes_and_scores_are_those_of_ensemble_boxes() -> None:
    rng = np.random.default_rng(6)
    places = [(5.0, 5.0, 20.0, 20.0), (40.0, 10.0, 30.0, 20.0), (20.0, 60.0, 25.0, 30.0)]
    for _ in range(30):
        readers: list[list[Box]] = [
            [(x + dx, y + dy, w, h) for (x, y, w, h), (dx, dy) in zip(places, rng.uniform(-2, 2, (3, 2)), strict=True)]
            for _ in range(3)
        ]
        readers[2] = readers[2][:2]  # the third reader overlooks one
        boxes = [box for own in readers for box in own]
        ours = sorted(
            (*np.round((x, y, x + w, y + h), 2).tolist(), round(len(members) / 3, 3))
            for (x, y, w, h), members in fuse(boxes, LIMIT)
        )
        other = fused_by_others(readers)
        assert [row[4] for row in ours] == [row[4] for row in other]
        assert np.array(ours) == pytest.approx(np.array(other), abs=0.011)


@given(BOXES, st.randoms(use_true_random=False))
def test_every_box_is_in_one_fused_box_whoever_drew_it_first(boxes: list[Box], random: object) -> None:
    fused = fuse(boxes, LIMIT)
    assert sorted(member for _, members in fused for member in members) == list(range(len(boxes)))
    turned = fuse(boxes[::-1], LIMIT)
    assert np.array([box for box, _ in turned]) == pytest.approx(np.array([box for box, _ in fused]))


def test_one_box_stays_as_it_is_and_none_is_none() -> None:
    assert fuse([(1.5, 2.0, 3.0, 4.0)], LIMIT) == [((1.5, 2.0, 3.0, 4.0), (0,))]
    assert fuse([], LIMIT) == []
