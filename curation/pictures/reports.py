"""Report texts with what was found in them, what is said of it, and where on an image that is."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from curation.pictures.cards import Cards, modifiers
from curation.pictures.marks import ORDER, marked_text
from curation.pictures.markup import Html, cell, counted, grid, identifier, join, own, tag
from curation.pictures.readings import Reading
from curation.pictures.shown import Shown
from curation.pictures.words import ASSERTIONS, STATES, TIMES, plain
from curation.records import Mention, ReportLabel, Temporality


def reports_section(shown: Shown, cards: Cards) -> Html:
    """The chosen reports, with a filter."""
    rest = (shown.counts.get("reports") or 0) - len(shown.readings)
    if not shown.readings:
        return tag("section", tag("h2", "Reports"), tag("p", "No report has come in yet."), id="reports")
    hidden = f" {counted(rest, 'more report is', 'more reports are')} not shown." if rest > 0 else ""
    return tag(
        "section",
        tag("h2", "Reports"),
        tag(
            "p",
            "What was found in the text, and what the text says of it. Click a marked finding for all that was read of "
            "it, a label for the findings that decided it, or ◎ for all that a sentence speaks of, and where it lies. "
            "Reports with images of their own come first, then uncertain ones, then some of each label.",
            hidden,
        ),
        key(cards),
        _filter(shown.readings),
        *(report_card(place, reading, cards) for place, reading in enumerate(shown.readings)),
        id="reports",
    )


def key(cards: Cards) -> Html:
    """What the marks mean."""
    marks = (tag("mark", tag("span", sign, class_="sign"), word, class_=str(one)) for one, (sign, word) in _signs())
    aside = tag("mark", "not of this examination", class_="absent aside")
    linked = [tag("mark", "only in your dictionary", class_="linked")] if cards.of_link else []
    times = (tag("span", tag("span", sign, class_="sign"), word) for sign, word in TIMES.values())
    return tag("p", *(join(one, " ") for one in (*marks, aside, *linked, *times)), class_="key")


def _signs() -> list[tuple[object, tuple[str, str]]]:
    return list(ASSERTIONS.items())


def _filter(readings: Sequence[Reading]) -> Html:
    labels = sorted({row.label for reading in readings for row in reading.labels if row.state in (1, -1)})
    options = (tag("option", label, value=f"label:{label}") for label in labels)
    return tag(
        "p",
        tag("label", "Show ", _select(options)),
        tag("output", counted(len(readings), "report"), id="filtered"),
        class_="filter",
    )


def _select(options: Iterator[Html]) -> Html:
    return tag(
        "select",
        tag("option", "all of them", value="all"),
        tag("option", "with an uncertain label", value="uncertain"),
        tag("option", "placed on an image", value="placed"),
        tag("optgroup", *options, label="present or uncertain"),
        id="filter",
    )


# --- one report ------------------------------------------------------------------------------------------


def report_card(place: int, reading: Reading, cards: Cards) -> Html:
    """A report: its text, its labels, and room for what a click shows; ``place`` is its number on the page."""
    report = reading.report
    stated = [row for row in reading.labels if row.state in STATES]
    about = [report.collection, report.licence, report.report_date.isoformat() if report.report_date else ""]
    origin = join("study ", identifier(reading.study_id)) if reading.study_id else join("no images of its own")
    known = (own(one) for one in about if one)
    slot = tag("div", class_="slot", aria_live="polite")
    return tag(
        "article",
        tag("h3", "Report ", identifier(report.report_id)),
        tag("p", *_between(" · ", [*known, origin]), class_="facts"),
        tag("div", marked_text(reading, cards), class_="text", dir="auto"),
        tag("div", _labels(stated, cards), _tags(reading), slot, class_="found"),
        _table(reading),
        class_="report",
        id=f"report-{place}",
        data_labels=" ".join({row.label.replace(" ", "_"): 0 for row in stated if row.state != 0}),
        data_uncertain=any(row.state == -1 for row in stated),
        data_placed=report.report_id in cards.placed,
    )


def _between(joint: str, parts: Sequence[Html]) -> Iterator[Html]:
    for position, part in enumerate(parts):
        yield join(joint if position else "", part)


def _labels(rows: Sequence[ReportLabel], cards: Cards) -> Html:
    """The labels by set; sets after the first are folded away."""
    if not rows:
        return tag("p", "No label is mentioned.", class_="none")
    sets = [(name, list(group)) for name, group in groupby(rows, key=lambda row: row.label_set)]
    (first, chips), *others = sets
    folded = (tag("details", tag("summary", own(name)), _chips(name, group, cards)) for name, group in others)
    return join(_chips(first, chips, cards), *folded)


def _chips(name: str, rows: Sequence[ReportLabel], cards: Cards) -> Html:
    ordered = sorted(rows, key=lambda row: (ORDER.index(STATES[row.state or 0]), row.label))
    chips = (tag("li", _chip(row, cards)) for row in ordered)
    return tag("ul", *chips, class_="labels", aria_label=f"Labels of this report: {name}")


def _chip(row: ReportLabel, cards: Cards) -> Html:
    """A label; a click shows the mentions that decided it."""
    assertion = STATES[row.state or 0]
    sign, word = ASSERTIONS[assertion]
    decided = [cards.of_mention[one] for one in row.mention_ids if one in cards.of_mention]
    return tag(
        "button" if decided else "span",
        tag("span", sign, class_="sign"),
        own(row.label),
        class_=f"chip {assertion}",
        title=word,
        type="button" if decided else None,
        data_m=" ".join(map(str, decided)) if decided else None,
        aria_pressed="false" if decided else None,
    )


def _tags(reading: Reading) -> Html:
    if not reading.tags:
        return join()
    schemes = ", ".join(dict.fromkeys(row.scheme for row in reading.tags))
    tags = _between(", ", [own(row.tag) for row in reading.tags])
    return tag("p", "Tagged by people (", own(schemes), "): ", *tags, class_="tags")


# --- all mentions ----------------------------------------------------------------------------------------


def _table(reading: Reading) -> Html:
    """Every mention of a report as one row: what can be read without a click, and printed."""
    if not reading.mentions:
        return join()
    head = ("Text", "Finding", "Said to be", "When", "Modifiers", "Section", "Rules")
    rows = [_row(reading.report.text, mention) for mention in reading.mentions]
    words = counted(len(rows), "finding is named", "findings are named")
    return tag("details", tag("summary", f"{words}: all as a table"), grid(head, rows, "mentions"), class_="all")


def _row(text: str, mention: Mention) -> tuple[object, ...]:
    sign, word = ASSERTIONS[mention.assertion]
    when = TIMES[mention.temporality][1] if mention.temporality is not Temporality.UNSAID else ""
    said = "; ".join(f"{name} {value}" for name, value in modifiers(mention))
    rules = (mention.rule_id, mention.assertion_rule_id, mention.temporality_rule_id)
    return (
        text[max(0, mention.start) : mention.end],
        plain(mention.finding),
        f"{sign} {word}",
        when if mention.is_current else f"{when or 'of the family'} (not counted)",
        said,
        mention.section,
        cell(*_between(" ", [tag("code", rule) for rule in rules if rule])),
    )
