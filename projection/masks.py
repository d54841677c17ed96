"""From runs of labelled pixels to COCO masks, all labels at once; the format is described in ``curation.rle``."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from projection.kernels import coco

Box = tuple[int, int, int, int]


def of_runs(
    runs: NDArray[np.int64], n_labels: int, rows: int, columns: int
) -> Iterator[tuple[str, int, tuple[int, int, int, int]]]:
    """For each label its string, area and box ``(x, y, width, height)``, from runs (label, first pixel, one past last).

    Each label's runs are in order; runs that touch are joined. A label without runs has an empty string.
    """
    ordered = np.ascontiguousarray(runs[np.argsort(runs[:, 0], kind="stable")])
    text, ends, areas, boxes = coco.strings(ordered, n_labels, rows, rows * columns)
    letters, start = text.tobytes().decode("ascii"), 0
    for end, area_px, (x, y, width, height) in zip(ends.tolist(), areas.tolist(), boxes.tolist(), strict=True):
        yield letters[start:end], area_px, (x, y, width, height)
        start = end
