"""How fast many answers become one, beside the libraries that do a part of it each.

python bench/agreement.py                1,000 cases, 3 readers; half a minute

Ours against crowd-kit (Dawid and Skene), krippendorff (alpha) and ensemble-boxes (weighted box fusion) on the same
made-up readings; CPU seconds, the least of three. Then ``decide`` as a whole on made-up finding boxes, 28 questions.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import krippendorff
import numpy as np
import pandas as pd
from crowdkit.aggregation import DawidSkene
from ensemble_boxes import weighted_boxes_fusion

from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReadingBatch,
    ReadingCase,
    Role,
    Task,
)
from curation.settings import load_settings
from labeling.agreement.boxes import Box, fuse
from labeling.agreement.coefficients import Ints, krippendorff_alpha, many
from labeling.agreement.dawid_skene import dawid_skene
from labeling.agreement.measuring import agreement
from labeling.agreement.merging import decide, subjects
from labeling.agreement.questions import answer_marks, answers, say
from labeling.agreement.reads import Trail, standing
from labeling.asking.forms import form_of
from labeling.marks import Mark, to_json

SKILLS = (0.95, 0.9, 0.85)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = (2500, 3000)


def least(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, the least of three runs, and the last result."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        made = work()
        taken.append(time.process_time() - start)
    return min(taken), made


def readings(n_cases: int) -> tuple[Ints, Ints]:
    """Truth, one case in five present, and what readers of known skill say."""
    rng = np.random.default_rng(1)
    truth = (rng.random(n_cases) < 0.2).astype(np.int64)
    right = rng.random((n_cases, len(SKILLS))) < np.array(SKILLS)
    return truth, np.where(right, truth[:, None], 1 - truth[:, None])


def by_crowd_kit(codes: Ints) -> pd.DataFrame:
    cases, readers = np.nonzero(codes >= 0)
    frame = pd.DataFrame({"task": cases, "worker": readers, "label": codes[cases, readers]})
    return DawidSkene(n_iter=200, tol=1e-9).fit_predict_proba(frame)


def drawn(n_cases: int) -> list[list[list[Box]]]:
    """Of each case and reader, boxes around the same three places."""
    rng = np.random.default_rng(2)
    places = rng.uniform((0, 0, 200, 200), (2000, 1800, 600, 500), (n_cases, 3, 4))
    moved = places[:, None] + rng.uniform(-40, 40, (n_cases, len(SKILLS), 3, 4))
    return [[[tuple(box) for box in reader] for reader in case] for case in moved.clip(0).tolist()]


def by_ensemble_boxes(cases: list[list[list[Box]]]) -> int:
    n_boxes = 0
    for case in cases:
        corners = [[[x / 3000, y / 2500, (x + w) / 3000, (y + h) / 2500] for x, y, w, h in own] for own in case]
        ones = [[1.0] * len(own) for own in case]
        found, _, _ = weighted_boxes_fusion(corners, ones, [[0] * len(own) for own in case], iou_thr=0.4)
        n_boxes += len(found)
    return n_boxes


def trail(cases: list[list[list[Box]]]) -> Trail:
    """A batch of finding boxes."""
    rng = np.random.default_rng(3)
    labels = form_of(Task.FINDING_BOXES).question("box").labels
    batch = ReadingBatch("b", Task.FINDING_BOXES, ("r0", "r1", "r2"), "all", 3, 0, False, 1, None, "", NOW)
    given, asked, events = [], {}, {}
    for number, case in enumerate(cases):
        name = f"c{number:05d}"
        asked["b", name] = ReadingCase(
            "b", name, Task.FINDING_BOXES, name, f"p{number // 2}", Role.ROUTED, 0.5, (), (), (), ""
        )
        chosen = rng.choice(len(labels), 3, replace=False)
        for reader, own in enumerate(case):
            row = Assignment(f"{name}r{reader}", "b", name, f"r{reader}", 0, number, None)
            marks = [
                Mark("box", (labels[label],), box=box, size=SIZE)
                for label, box in zip(chosen, own, strict=True)
                if rng.random() < SKILLS[reader]
            ]
            given.append(row)
            events[row.assignment_id] = (
                AnnotationEvent(
                    row.assignment_id, row.assignment_id, "b", name, row.assignment_id, EventKind.SUBMITTED, NOW,
                    row.reader_id, row.reader_id, 30.0, "", False, to_json(marks),
                ),
            )  # fmt: skip
    return Trail(Task.FINDING_BOXES, {"b": batch}, asked, {}, tuple(given), events)


def whole(made: Trail) -> tuple[int, int, int]:
    """Numbers of answers, decisions and agreement rows."""
    settings = load_settings(Path(__file__).parent.parent / "params.yaml").decide
    said = say(made.task, standing(made))
    told = [row for one in said for row in (*answers(one), *answer_marks(one))]
    units = subjects(made.task, said)
    decided = list(decide(made.task, units, settings))
    patients = {unit.subject_id: unit.patient_id for unit in units}
    return len(told), len(decided), len(list(agreement(made.task, units, {}, patients, settings)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000)
    n_cases = parser.parse_args().cases
    warnings.simplefilter("ignore")
    truth, codes = readings(n_cases)

    ours, estimate = least(lambda: dawid_skene(codes, 2))
    theirs, other = least(lambda: by_crowd_kit(codes))
    apart = np.abs(estimate.posterior - other.sort_index()[[0, 1]].to_numpy()).max()
    right = (estimate.posterior.argmax(axis=1) == truth).mean()
    voted = ((codes.sum(axis=1) > len(SKILLS) / 2) == truth).mean()
    print(
        f"dawid_skene         {ours:8.4f} s  crowd-kit       {theirs:8.4f} s  {theirs / ours:6.1f} x  apart {apart:.1e}"
    )
    print(f"  right: dawid_skene {right:.3f}, majority {voted:.3f}")

    ours, alpha = least(lambda: float(krippendorff_alpha(many(codes, 2).sum(axis=0))))
    theirs, other = least(lambda: krippendorff.alpha(codes.T.astype(float), level_of_measurement="nominal"))
    print(
        f"krippendorff_alpha  {ours:8.4f} s  krippendorff    {theirs:8.4f} s  {theirs / ours:6.1f} x  "
        f"apart {abs(alpha - other):.1e}"
    )

    cases = drawn(n_cases)
    ours, n_ours = least(lambda: sum(len(fuse([box for own in case for box in own], 0.4)) for case in cases))
    theirs, n_theirs = least(lambda: by_ensemble_boxes(cases))
    print(
        f"weighted_box_fusion {ours:8.4f} s  ensemble-boxes  {theirs:8.4f} s  {theirs / ours:6.1f} x  "
        f"boxes {n_ours} and {n_theirs}"
    )

    made = trail(cases)
    taken, counts = least(lambda: whole(made))
    print(f"decide              {taken:8.4f} s  answers and marks, decisions and marks, agreement rows: {counts}")


if __name__ == "__main__":
    main()
