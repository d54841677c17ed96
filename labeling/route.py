"""Route: which reports and images a reader is asked about, what they are asked, and why.

Reads ``reports`` and ``opinions`` (data), ``series``, ``radiographs`` and ``report_links`` (catalog), ``mentions`` and
``report_labels`` (mine), ``consensus`` and ``agreement`` (consensus), ``views``, ``masks``, ``mask_quality``,
``view_quality``, ``ct_quality`` and ``ct_measurements`` (project), ``measurements`` (measure), ``decisions`` (decide).
Writes ``cases``, one for each task and subject. What makes a case, its weight and its reason are data:
``rules/routing.tsv``. Which cases of them are read this week: ``labeling.routing.select``.
"""

from collections.abc import Iterator

from curation.records import Case, Record
from curation.stage import Batch, Item, Stage
from curation.store import digest
from curation.workspace import Workspace
from labeling.routing.gather import cases


def plan(workspace: Workspace) -> list[Item]:
    """One item for each task and subject for which a rule fires."""
    return [Item(f"{row.task}/{row.subject_id}", digest(row), row) for row in cases(workspace)]


def one(_batch: Batch, item: Item) -> Iterator[Record]:
    """The case that the plan found."""
    yield item.payload


STAGE = Stage(name="route", writes=(Case,), plan=plan, one=one)
"""What is uncertain about a report or an image, and how much so."""
