"""A page of mined reports by themselves: no workspace, no images."""

from collections.abc import Sequence

from curation.pictures.cards import cards_of
from curation.pictures.markup import counted, tag
from curation.pictures.page import document
from curation.pictures.readings import Reading
from curation.pictures.reports import key, report_card
from curation.records import ConceptRow

TITLE = "paxflow mined reports"


def report_page(readings: Sequence[Reading], concepts: Sequence[ConceptRow] = ()) -> str:
    """Reports with their mentions, as one self-contained page; ``concepts`` give their codes.

    The same readings give the same text. The page holds the reports' texts: treat it as them.
    """
    cards = cards_of(readings, (), concepts)
    content = tag(
        "section",
        tag("h1", counted(len(readings), "mined report")),
        tag(
            "p",
            "Click a marked finding for all that was read of it and the rules that decided, or a label for the "
            "findings that decided it.",
            class_="lead",
        ),
        key(cards),
        *(report_card(place, reading, cards) for place, reading in enumerate(readings)),
        id="reports",
    )
    banner = tag("header", tag("strong", "paxflow"), class_="banner")
    footer = tag(
        "footer",
        tag("p", "This page holds the texts of the reports: whoever may not read them may not have it."),
        tag("p", "Nothing is loaded from anywhere: the file is complete, and may be moved and opened offline."),
    )
    return document(TITLE, (banner, tag("main", content, id="main"), footer), cards)
