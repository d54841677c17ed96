"""Ground: where in an image lies what a report says, as anatomy masks of projected views.

Reads ``mentions`` (mine), ``reports`` (deid), ``report_links`` and ``series`` (catalog), ``views`` and ``masks``
(project). Writes ``groundings``, one mention on one mask, and ``sentence_groundings``, one sentence on one mask.

A report of a study is placed on the views of that study and on nobody else's. A report from a source without images
(no accession number) is placed on the reference atlas: the views of one CT of another person, for orientation only, and
marked ``atlas``. Which anatomy is meant is data: ``labeling.grounding``. Readers' marks are not anatomy. Mentions of
another time or person are not placed.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow.parquet as pq

from curation.errors import Rejected
from curation.records import (
    Grounding,
    Mask,
    Mention,
    Reason,
    Record,
    Report,
    ReportLink,
    SentenceGrounding,
    Series,
    View,
)
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.grounding.places import Box, Views, place, place_sentence, spoken_sentences

STUDY, ATLAS = "study", "atlas"


def plan(workspace: Workspace) -> list[Item]:
    """One item per report that has text."""
    mentions: dict[str, list[Mention]] = defaultdict(list)
    for mention in read_rows(Mention, workspace.tables("mine")):
        mentions[mention.report_id].append(mention)
    by_study, atlas = _candidates(workspace)
    study_of = {link.report_id: link.study_id for link in read_rows(ReportLink, workspace.tables("catalog"))}
    marks = {id(views): digest(views) for views in (*by_study.values(), atlas)}
    items = []
    for report in read_rows(Report, workspace.tables("deid")):
        if not report.text.strip():
            continue
        reference, views = STUDY, by_study.get(study_of.get(report.report_id, ""), ())
        if workspace.settings.ground.atlas and not report.accession_id and report.report_id not in study_of:
            reference, views = ATLAS, atlas
        said = tuple(mentions[report.report_id])
        inputs = digest(digest(report.text), said, reference, marks.get(id(views), ""))
        items.append(Item(report.report_id, inputs, (report.text, said, reference, views)))
    return items


def _candidates(workspace: Workspace) -> tuple[dict[str, Views], Views]:
    """The views of each study, and those of the atlas: the CT with the smallest series_id."""
    study_of = {series.series_id: series.study_id for series in read_rows(Series, workspace.tables("catalog"))}
    boxes = _boxes(workspace)
    by_series: dict[str, list[tuple[str, dict[str, Box]]]] = defaultdict(list)
    for view in read_rows(View, workspace.tables("project")):
        if view.view_id in boxes:
            by_series[view.series_id].append((view.view_id, boxes[view.view_id]))
    by_study: dict[str, Views] = {}
    for series_id, views in sorted(by_series.items()):
        study_id = study_of.get(series_id, "")
        by_study[study_id] = (*by_study.get(study_id, ()), *views)
    return by_study, tuple(by_series[min(by_series)]) if by_series else ()


def _boxes(workspace: Workspace) -> dict[str, dict[str, Box]]:
    """View to label to box, of anatomy masks only; run lengths are not read."""
    boxes: dict[str, dict[str, Box]] = defaultdict(dict)
    for part in sorted((workspace.tables("project") / Mask.about.name).glob("*.parquet")):
        table = pq.read_table(part, columns=["view_id", "label", "source", "box"])
        for view_id, label, source, box in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if source != "consensus":
                boxes[view_id][label] = tuple(box)
    return boxes


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The groundings of one report."""
    text, mentions, reference, views = item.payload
    if not views:
        raise Rejected(Reason.NO_VIEW, "expected a projected view of the report's own study, or an atlas; got none")
    placed = {mention.mention_id: list(_place(mention, batch.settings, views, reference)) for mention in mentions}
    rows: list[Record] = list(chain.from_iterable(placed.values()))
    for sentence in spoken_sentences(text, mentions):
        own = [row for mention in sentence.mentions for row in placed[mention.mention_id]]
        rows += place_sentence(item.name, sentence, own, views, reference)
    if not rows:
        detail = f"expected a part of the body that has a rule and a mask; got none in {len(mentions)} mentions"
        raise Rejected(Reason.NO_ANATOMY, detail)
    yield from rows


def _place(mention: Mention, settings: Any, views: Views, reference: str) -> Iterator[Grounding]:
    if mention.is_current and mention.assertion.value in settings.assertions:
        yield from place(mention, views, reference)


STAGE = Stage(
    name="ground",
    writes=(Grounding, SentenceGrounding),
    plan=plan,
    one=one,
)
