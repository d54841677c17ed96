"""Which masks and measurements of a view a reader is asked about, and which labels a batch's form needs for them."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pyarrow.parquet as pq

from curation.records import LabelGap, Mask, MaskQuality, Measurement, Task
from curation.workspace import Workspace
from labeling.asking.subjects import AnyCase, by, mentions_of, rows_of, subject_ids

MOST_MASKS = 10
"""Masks of a view that a reader is shown at once, those most worth correcting."""
USUAL_MASKS = ("heart", "left lung", "right lung")
"""Of a view of which no mask is in question, so that a reader can still say whether its masks are right."""
_SIDE = re.compile(r"\b(left|right)\b")
_OTHER = {"left": "right", "right": "left"}


def masks_asked(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, tuple[MaskQuality, ...]]:
    """By case, at most ``MOST_MASKS`` masks of its view.

    First those that its reasons name and that no rule of quality lowers (readers disagree on them), then the others by
    what a correction would win; of a view without either, ``USUAL_MASKS``.
    """
    views = list(cases)
    named = {(row.subject_id, label) for row in views for label in row.findings}

    def matters(row: MaskQuality) -> bool:
        return row.priority > 0 or row.label in USUAL_MASKS or (row.view_id, row.label) in named

    judged = by(rows_of(MaskQuality, workspace, "view_id", subject_ids(views), matters), "view_id")
    return {row.case_id: _masks(row, judged.get(row.subject_id, [])) for row in views}


def _masks(case: AnyCase, judged: Sequence[MaskQuality]) -> tuple[MaskQuality, ...]:
    flawed = sorted((row for row in judged if row.priority > 0), key=lambda row: (-row.priority, row.label))
    calm = sorted((row for row in judged if row.priority == 0), key=lambda row: row.label)
    asked = [*(row for row in calm if row.label in case.findings), *flawed]
    return tuple(asked[:MOST_MASKS]) or tuple(row for row in calm if row.label in USUAL_MASKS)


def measures_asked(workspace: Workspace, cases: Iterable[AnyCase]) -> dict[str, tuple[Measurement, ...]]:
    """By case, the measurements of its view that its reasons name; if they name none, the one nearest to its limit."""
    views = list(cases)
    measured = by(rows_of(Measurement, workspace, "view_id", subject_ids(views)), "view_id")
    return {row.case_id: _measures(row, measured.get(row.subject_id, [])) for row in views}


def _measures(case: AnyCase, measured: Sequence[Measurement]) -> tuple[Measurement, ...]:
    named = [row for row in measured if row.measure in case.findings]
    valued = [row for row in measured if row.value is not None]
    nearest = sorted(valued, key=lambda row: (distance(row), row.measure))[:1]
    return tuple(sorted(named or nearest, key=lambda row: row.measure))


def distance(row: Measurement) -> float:
    """From the nearest limit, as a share of it; infinite without a value or a limit other than 0."""
    value = row.value
    if value is None:
        return math.inf
    return min((abs(value - limit) / abs(limit) for limit in row.thresholds if limit), default=math.inf)


# --- what the form must offer ----------------------------------------------------------------------------


def labels_of(workspace: Workspace, cases: Sequence[AnyCase]) -> tuple[str, ...]:
    """Labels that the batch's form must offer: masks with their partners of the other side, measures, or findings.

    Findings are those that its reports name, the most frequent first; a form adds the others of the lexicon. Empty for
    forms whose labels are the same in every batch.
    """
    asked = [row for row in cases if row.task in (Task.LABEL_REVIEW, Task.MASK_REVIEW, Task.MEASUREMENT_REVIEW)]
    tasks = {row.task for row in asked}
    found: list[str] = []
    if Task.LABEL_REVIEW in tasks:
        found += _findings(workspace, asked)
    if Task.MASK_REVIEW in tasks:
        found += _masks_with_partners(workspace, asked)
    if Task.MEASUREMENT_REVIEW in tasks:
        found += sorted({row.measure for rows in measures_asked(workspace, asked).values() for row in rows})
    return tuple(found)


def _findings(workspace: Workspace, cases: Sequence[AnyCase]) -> list[str]:
    mentions = mentions_of(workspace, cases)
    counts = Counter(mention.finding for rows in mentions.values() for mention in rows)
    return sorted(counts, key=lambda finding: (-counts[finding], finding))


def _masks_with_partners(workspace: Workspace, cases: Sequence[AnyCase]) -> list[str]:
    asked = {mask.label for rows in masks_asked(workspace, cases).values() for mask in rows}
    partners = {other_side(label) for label in asked} - asked
    return sorted(asked | (partners & {*_known_masks(workspace)} if partners else set()))


def other_side(label: str) -> str:
    """The label with left for right and right for left; one without a side as it is.

    >>> other_side("anterior 4th rib left"), other_side("heart")
    ('anterior 4th rib right', 'heart')
    """
    return _SIDE.sub(lambda side: _OTHER[side[0]], label)


def _known_masks(workspace: Workspace) -> Iterator[str]:
    """Labels that any view has, or that its CT does not give."""
    for record in (Mask, LabelGap):
        for part in (workspace.tables(record.about.stage) / record.about.name).glob("*.parquet"):
            yield from pq.read_table(part, columns=["label"]).column(0).unique().to_pylist()
