"""Labels that overlap, in one labelmap."""

import numpy as np

from projection.layers import Layers, overlay


def test_overlaid_labels_keep_what_lies_below() -> None:
    values = np.array([[[1, 1, 2, 2, 0, 0]]], np.uint8)
    base = Layers(values, ("one", "two"), {1: (0,), 2: (1,)})
    made = overlay(
        base, {"a": ((0, 0, 1), np.ones((1, 1, 4), dtype=bool)), "b": ((0, 0, 3), np.ones((1, 1, 3), dtype=bool))}
    )
    sets = [{made.labels[i] for i in made.members.get(int(v), ())} for v in made.values[0, 0]]
    assert sets == [{"one"}, {"one", "a"}, {"two", "a"}, {"two", "a", "b"}, {"a", "b"}, {"b"}]
    assert values.tolist() == [[[1, 1, 2, 2, 0, 0]]]


def test_nothing_laid_over_changes_nothing() -> None:
    base = Layers(np.zeros((1, 1, 2), np.uint8), ("one",), {1: (0,)})
    assert overlay(base, {}) is base


def test_values_with_the_same_labels_share_one_when_a_label_is_laid_over() -> None:
    base = Layers(np.array([[[1, 2]]], np.uint8), ("one",), {1: (0,), 2: (0,)})
    made = overlay(base, {"a": ((0, 0, 0), np.ones((1, 1, 2), dtype=bool))})
    assert made.values.tolist() == [[[3, 3]]]
    assert made.members[3] == (0, 1)
