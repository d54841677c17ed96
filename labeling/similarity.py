"""How alike reports are: the door to ``labeling.similar``.

    query = read("Small left pleural effusion. No pneumothorax.")
    similarity(query, read("Effusion on the left."))        in [0, 1], 1 for the same
    index = Index({report_id: said, …}, chest_measure())    exact, for hundreds of thousands of reports
    index.nearest(query, k=10)                              [Neighbour(report_id, similarity), …]
    transfer(index.nearest(query), labels)                  {label: Vote(state, share, evidence)}, {} if none is near
    AnatomyRanking(reports, chest_measure(), chest_knowledge()).rank(query, Anatomy("pleura", "left"))

``chest_measure`` is ours, its formula in ``labeling.similar.soft``; ``published_measure`` is that of the concept
distillation paper, in ``labeling.similar.published``. An index takes either.
"""

from functools import cache

from labeling.mining.reader import mine_text
from labeling.similar.anatomy import Anatomy, AnatomyRanking, Ranked, about
from labeling.similar.formula import Parameters
from labeling.similar.index import Index, Neighbour
from labeling.similar.knowledge import Knowledge, chest_knowledge
from labeling.similar.published import PublishedMeasure
from labeling.similar.soft import SoftMeasure
from labeling.similar.statements import Said, Statement, statements
from labeling.similar.transfer import Vote, transfer

__all__ = [
    "Anatomy",
    "AnatomyRanking",
    "Index",
    "Knowledge",
    "Neighbour",
    "Parameters",
    "PublishedMeasure",
    "Ranked",
    "Said",
    "SoftMeasure",
    "Statement",
    "Vote",
    "about",
    "chest_knowledge",
    "chest_measure",
    "published_measure",
    "read",
    "similarity",
    "statements",
    "transfer",
]


def read(text: str) -> Said:
    """What a report says, from its text."""
    return statements(mine_text(text).mentions, chest_knowledge())


@cache
def chest_measure(parameters: Parameters | None = None) -> SoftMeasure:
    """Our measure, over the concepts that ship."""
    return SoftMeasure(chest_knowledge(), parameters or Parameters())


@cache
def published_measure() -> PublishedMeasure:
    """The published measure, over the semantic types of the concepts that ship; they have no synonym edges."""
    return PublishedMeasure(chest_knowledge().types)


def similarity(query: Said, reference: Said) -> float:
    """How alike two reports are by our measure, in [0, 1]."""
    return chest_measure().similarity(query, reference)
