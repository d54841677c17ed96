"""Runs of several labels to COCO masks: as each label alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import rle
from projection.masks import of_runs
from tests.curation.test_rle import Mask, masks


@settings(deadline=None)  # the first call compiles
@given(st.lists(masks(), max_size=1), st.integers(0, 3))
def test_runs_of_several_labels_as_each_alone(given_masks: list[Mask], before: int) -> None:
    rows, columns = given_masks[0].shape if given_masks else (3, 4)
    shifted = [np.roll(mask, n, axis=0) for mask in given_masks for n in range(2)]
    runs = [
        (before + label, start + half, stop) if half else (before + label, start, start + 1)
        for label, mask in enumerate(shifted)
        for start, stop in zip(*rle.runs_of_counts(rle.decompress(rle.encode(mask))), strict=True)
        for half in (0, 1)
        if half == 0 or stop > start + 1
    ]
    found = list(of_runs(np.array(runs, np.int64).reshape(-1, 3), before + len(shifted) + 1, rows, columns))
    for label, mask in enumerate(shifted):
        expected = (rle.encode(mask), int(mask.sum()), rle.box(rle.encode(mask), rows)) if mask.any() else None
        assert found[before + label] == (expected or ("", 0, (0, 0, 0, 0)))
    assert found[-1] == ("", 0, (0, 0, 0, 0))
