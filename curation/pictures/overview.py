"""What came in, what came out, and where it stopped."""

from curation.pictures.markup import Cell, Html, cell, grid, number, tag
from curation.pictures.shown import Shown, StageCount
from curation.pictures.words import STAGES

_IMAGES = (
    (("sources", "files that arrived"),),
    (("instances", "de-identified images"), ("reports", "de-identified reports")),
    (("series", "usable series"),),
    (("volumes", "CTs with organ labels"),),
    (("views", "projected images"), ("masks", "outlines on them")),
    (("measurements", "measurements"),),
)
_TEXT = (
    (("reports", "de-identified reports"),),
    (("mentions", "findings named"),),
    (("report_labels", "labels set"),),
    (("groundings", "findings placed on masks"), ("sentence_groundings", "sentences placed on masks")),
    (("cases", "questions to readers"),),
)


def overview_section(shown: Shown) -> Html:
    """The flow in counts, and each stage's items."""
    return tag(
        "section",
        tag("h1", "What this run made"),
        tag(
            "p",
            "Chest CTs, radiographs and reports on their way to a dataset: look here whether images, masks and texts "
            "agree before a release is made of them. Every name on this page is a pseudonym.",
            class_="lead",
        ),
        _lane("From file to measurement", _IMAGES, shown),
        _lane("From report to question", _TEXT, shown),
        tag("h2", "Stages"),
        _stages(shown),
        "" if shown.vault_is_here else tag("p", "The vault is not on this machine, so what it knows is left out (–)."),
        id="overview",
    )


def _lane(title: str, steps: tuple[tuple[tuple[str, str], ...], ...], shown: Shown) -> Html:
    boxes = (tag("li", *(_count(shown, table, words) for table, words in step)) for step in steps)
    return tag("div", tag("h2", title), tag("ol", *boxes, class_="flow"))


def _count(shown: Shown, table: str, words: str) -> Html:
    count = shown.counts.get(table)
    state = "empty" if not count else None
    return tag(
        "div",
        tag("span", "–" if count is None else number(count), class_="count"),
        tag("span", words, class_="words"),
        class_=state,
        title=table,
    )


def _stages(shown: Shown) -> Html:
    rows: list[tuple[object, ...]] = [
        (tag("b", row.name), STAGES.get(row.name, ""), *_outcome(row)) for row in shown.stages
    ]
    return grid(("Stage", "What it does", "Items done", "Rejected"), rows, "stages")


def _outcome(row: StageCount) -> tuple[Cell, Cell]:
    if row.done is None or row.rejected is None:
        return cell("–", class_="number"), cell("–", class_="number")
    if not row.done + row.rejected:
        return cell("not run", class_="number none"), cell(class_="number")
    rejected = tag("a", number(row.rejected), href="#rejects") if row.rejected else "0"
    return cell(number(row.done), class_="number"), cell(rejected, class_="number")
