"""Similar: the reports nearest to each report, as a whole and by part of the body.

Reads ``reports`` (deid) and ``mentions`` (mine). Writes ``similar_reports``, scored by ``chest_measure``: the first
``nearest`` reports of other patients, ties in the order of their ids. A report that says nothing of this examination is
neither asked nor found; for a part of the body the same holds of what is said of that part.

Whoever is new may be near to anybody, so a change of what any report says does all of it again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from curation.records import Mention, Record, Report, SimilarReport
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.concepts.table import concepts
from labeling.similarity import Anatomy, Index, Neighbour, Said, about, chest_knowledge, chest_measure, statements

METRIC = "paxflow-soft@1"
"""Raised when the formula, its parameters or its tables change a score."""
WHOLE = ""
DEVICE = "device"
"""Not a place: all that is said of devices, wherever they lie."""
PLACES = ("lung", "pleura", "mediastinum", "bone")
"""Places of ``rules/places.tsv``, each with all its parts; the heart is one of the mediastinum."""
CHUNK = 1000
"""Reports of one item."""
_KEPT = 1 << 14
"""Answers that are kept: many reports say the same of a part of the body."""


class Pool:
    """Reports that say something of one part of the body, cut down to it."""

    def __init__(self, said: Mapping[str, Said], patients: Mapping[str, str]) -> None:
        """``said`` in the order that ties shall have; ``patients`` by report."""
        self._said = said
        self._patients = patients
        self._by_patient = Counter(patients[report_id] for report_id in said)
        self._nearest = lru_cache(_KEPT)(Index(said, chest_measure()).nearest)

    def near(self, report_id: str, k: int) -> list[Neighbour]:
        """The k reports of other patients that are nearest to a report; none if it says nothing here."""
        if report_id not in self._said:
            return []
        patient = self._patients[report_id]
        found = self._nearest(self._said[report_id], k + self._by_patient[patient])
        return [one for one in found if self._patients[one.report_id] != patient][:k]


def plan(workspace: Workspace) -> list[Item]:
    """One item per thousand reports that say something; none while only one patient's do, or none are asked for."""
    if not workspace.settings.similar.nearest:
        return []
    said, patients = _spoken(workspace)
    if len({patients[report_id] for report_id in said}) < 2:
        return []
    inputs = digest([digest(report_id, patients[report_id], sorted(one)) for report_id, one in said.items()])
    names = tuple(said)
    starts = range(0, len(names), CHUNK)
    return [Item(f"{start // CHUNK:06}", inputs, names[start : start + CHUNK]) for start in starts]


def one(batch: Batch, item: Item) -> Iterator[Record]:
    """The neighbours of the item's reports."""
    if "pools" not in batch.memo:
        batch.memo["pools"] = pools(*_spoken(batch.workspace))
    for query_id in item.payload:
        for part, pool in batch.memo["pools"].items():
            for rank, found in enumerate(pool.near(query_id, batch.settings.nearest), start=1):
                yield SimilarReport(query_id, part, rank, found.report_id, found.similarity, METRIC)


def pools(said: Mapping[str, Said], patients: Mapping[str, str]) -> dict[str, Pool]:
    """By part of the body, the reports that say something of it; ``WHOLE`` has them all."""
    every: Said = frozenset(one for report in said.values() for one in report)
    lying = {place: about(every, Anatomy(place), chest_knowledge()) for place in PLACES}
    lying[DEVICE] = frozenset(one for one in every if concepts()[one.concept].kind == DEVICE)
    cuts = {part: {name: cut for name, one in said.items() if (cut := one & lies)} for part, lies in lying.items()}
    return {part: Pool(cut, patients) for part, cut in ({WHOLE: said} | cuts).items() if cut}


def _spoken(workspace: Workspace) -> tuple[dict[str, Said], dict[str, str]]:
    """What each report says of this examination, where it says anything, in order of id; and each report's patient."""
    patients = {row.report_id: row.patient_id for row in read_rows(Report, workspace.tables("deid"))}
    mentions: dict[str, list[Mention]] = defaultdict(list)
    for row in read_rows(Mention, workspace.tables("mine")):
        if row.is_current and row.report_id in patients:
            mentions[row.report_id].append(row)
    return {name: statements(rows, chest_knowledge()) for name, rows in sorted(mentions.items())}, patients


STAGE = Stage(name="similar", writes=(SimilarReport,), plan=plan, one=one)
