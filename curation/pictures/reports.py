"""Report texts with what was found in them, and where on an image that is."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from curation.pictures.images import Drawing
from curation.pictures.markup import Html, counted, identifier, join, own, tag
from curation.pictures.shown import Reading, Shown
from curation.pictures.words import ASSERTIONS, STATES, plain
from curation.records import Assertion, Grounding, Mention, ReportLabel

_ORDER = (Assertion.UNCERTAIN, Assertion.PRESENT, Assertion.ABSENT)
"""Where mentions overlap, the text takes the style of the first of these."""


@dataclass(frozen=True)
class Places:
    """Where mentions lie on the views of this page; ``elsewhere`` are placed on views that are not shown."""

    of: Mapping[str, tuple[dict[str, Any], ...]]
    elsewhere: frozenset[str]
    number: Mapping[str, int]
    mentions: Mapping[str, Mention]

    def as_data(self) -> list[dict[str, Any]]:
        """What the script needs, by a mention's number."""
        return [
            {
                "finding": plain(self.mentions[mention_id].finding),
                "said": ASSERTIONS[self.mentions[mention_id].assertion][1],
                "places": list(self.of[mention_id]),
            }
            for mention_id in self.number
        ]


def places_of(readings: Sequence[Reading], drawings: Sequence[Drawing]) -> Places:
    """Match groundings with the views that are shown."""
    drawing_of = {drawing.picture.view.view_id: drawing for drawing in drawings}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    elsewhere: set[str] = set()
    for grounding in (one for reading in readings for one in reading.groundings):
        drawing = drawing_of.get(grounding.view_id)
        if drawing:
            found[grounding.mention_id].append(_place(grounding, drawing))
        else:
            elsewhere.add(grounding.mention_id)
    mentions = {one.mention_id: one for reading in readings for one in reading.mentions}
    shown = [mention_id for mention_id in mentions if mention_id in found]
    return Places(
        {mention_id: tuple(sorted(found[mention_id], key=_by_view)) for mention_id in shown},
        frozenset(elsewhere - found.keys()),
        {mention_id: number for number, mention_id in enumerate(shown)},
        mentions,
    )


def _place(grounding: Grounding, drawing: Drawing) -> dict[str, Any]:
    return {
        "view": drawing.number,
        "title": drawing.title,
        "label": grounding.label,
        "name": plain(grounding.label),
        "box": [2 * value for value in grounding.box],
        "atlas": grounding.reference != "study",
    }


def _by_view(place: dict[str, Any]) -> tuple[int, str]:
    return place["view"], place["label"]


def reports_section(shown: Shown, places: Places) -> Html:
    """The chosen reports; a mention that is placed on an image of this page can be clicked."""
    rest = (shown.counts.get("reports") or 0) - len(shown.readings)
    if not shown.readings:
        return tag("section", tag("h2", "Reports"), tag("p", "No report has come in yet."), id="reports")
    hidden = f" {counted(rest, 'more report is', 'more reports are')} not shown." if rest > 0 else ""
    return tag(
        "section",
        tag("h2", "Reports"),
        tag(
            "p",
            "What was found in the text, and what the text says of it. Click a mention that carries ◎ to see where it "
            "lies. Reports with images of their own come first, then uncertain ones, then some of each label.",
            hidden,
        ),
        _key(),
        _filter(shown.readings),
        *(_card(place, reading, places) for place, reading in enumerate(shown.readings)),
        id="reports",
    )


def _key() -> Html:
    marks = (tag("mark", tag("span", sign, class_="sign"), word, class_=str(one)) for one, (sign, word) in _signs())
    placed = tag("mark", "placed", tag("span", "◎", class_="sign after"), class_="present placed sample")
    return tag("p", *(join(mark, " ") for mark in marks), placed, class_="key")


def _signs() -> list[tuple[Assertion, tuple[str, str]]]:
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


def _card(place: int, reading: Reading, places: Places) -> Html:
    report = reading.report
    stated = [row for row in reading.labels if row.state in STATES]
    about = [report.collection, report.licence, report.report_date.isoformat() if report.report_date else ""]
    placed = any(mention.mention_id in places.number for mention in reading.mentions)
    return tag(
        "article",
        tag("h3", "Report ", identifier(report.report_id)),
        tag("p", *(join(own(one), " · ") for one in about if one), _origin(reading), class_="facts"),
        tag("div", marked_text(reading, places), class_="text", dir="auto"),
        tag("div", _labels(stated), _tags(reading), tag("div", class_="slot"), class_="found"),
        class_="report",
        id=f"report-{place}",
        data_labels=" ".join(row.label.replace(" ", "_") for row in stated if row.state != 0),
        data_uncertain=any(row.state == -1 for row in stated),
        data_placed=placed,
    )


def _origin(reading: Reading) -> Html:
    if reading.study_id:
        return join("study ", identifier(reading.study_id))
    return join("no images of its own")


def _labels(rows: Sequence[ReportLabel]) -> Html:
    if not rows:
        return tag("p", "No label is mentioned.", class_="none")
    ordered = sorted(rows, key=lambda row: (_ORDER.index(STATES[row.state or 0]), row.label))
    return tag("ul", *(tag("li", _chip(row)) for row in ordered), class_="labels", aria_label="Labels of this report")


def _chip(row: ReportLabel) -> Html:
    assertion = STATES[row.state or 0]
    sign, word = ASSERTIONS[assertion]
    return tag("span", tag("span", sign, class_="sign"), own(row.label), class_=f"chip {assertion}", title=word)


def _tags(reading: Reading) -> Html:
    if not reading.tags:
        return join()
    tags = (join(", " if position else "", own(row.tag)) for position, row in enumerate(reading.tags))
    schemes = ", ".join(dict.fromkeys(row.scheme for row in reading.tags))
    return tag("p", "Tagged by people (", own(schemes), "): ", *tags, class_="tags")


# --- text with marks -------------------------------------------------------------------------------------


def marked_text(reading: Reading, places: Places) -> Html:
    """The text, cut wherever a mention or a section header begins or ends; offsets are characters."""
    text = reading.report.text
    headers = [(one.start, one.body_start) for one in reading.sections]
    spans = [(one.start, one.end) for one in reading.mentions] + headers
    cuts = sorted({0, len(text), *(min(max(0, cut), len(text)) for span in spans for cut in span)})
    opened: set[str] = set()
    return join(
        *(
            _piece(text[start:end], _covering(reading.mentions, start, end), _inside(headers, start), places, opened)
            for start, end in pairwise(cuts)
        )
    )


def _covering(mentions: Sequence[Mention], start: int, end: int) -> list[Mention]:
    return [one for one in mentions if one.start <= start and one.end >= end]


def _inside(headers: Sequence[tuple[int, int]], start: int) -> bool:
    return any(first <= start < last for first, last in headers)


def _piece(piece: str, covering: list[Mention], is_header: bool, places: Places, opened: set[str]) -> Html:
    """A stretch of text under the same mentions; the sign stands where a mention begins."""
    if not covering:
        return tag("b", piece) if is_header else join(piece)
    assertion = min((one.assertion for one in covering), key=_ORDER.index)
    first = any(one.mention_id not in opened for one in covering)
    opened.update(one.mention_id for one in covering)
    numbers = [places.number[one.mention_id] for one in covering if one.mention_id in places.number]
    sign = tag("span", ASSERTIONS[assertion][0], class_="sign") if first else ""
    target = tag("span", "◎", class_="sign after") if numbers else ""
    return tag(
        "mark",
        sign,
        piece,
        target,
        class_=f"{assertion} placed" if numbers else str(assertion),
        title="; ".join(_told(one, places) for one in covering),
        data_m=" ".join(map(str, numbers)) if numbers else None,
        role="button" if numbers else None,
        tabindex=0 if numbers else None,
        aria_pressed="false" if numbers else None,
    )


def _told(mention: Mention, places: Places) -> str:
    """A mention in words, for hovering."""
    words = [mention.severity, mention.laterality, plain(mention.finding)]
    where = f" ({', '.join(map(plain, mention.location))})" if mention.location else ""
    away = ", placed on a view that this page does not show" if mention.mention_id in places.elsewhere else ""
    said = ASSERTIONS[mention.assertion][1]
    return f"{' '.join(filter(None, words))}{where}: {said} [{mention.rule_id}, {mention.assertion_rule_id}]{away}"
