"""A report's text with its mentions marked: by a sign and a style for what is said, and a sign for when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from curation.pictures.cards import Cards, lone_links, modifiers
from curation.pictures.markup import Html, join, tag
from curation.pictures.readings import Reading
from curation.pictures.words import ASSERTIONS, TIMES, plain
from curation.records import Assertion, ConceptLink, Mention

ORDER = (Assertion.UNCERTAIN, Assertion.PRESENT, Assertion.ABSENT)
"""Where mentions overlap, the text takes the style of the first of these."""


@dataclass(frozen=True)
class _Stretch:
    """A stretch of text under the same mentions."""

    text: str
    covering: tuple[Mention, ...]
    beginning: bool
    """Whether one of the mentions begins here."""
    ending: tuple[Mention, ...]
    """Those that end here."""
    link: ConceptLink | None
    """A phrase that only the user's dictionary knows."""
    is_header: bool


def marked_text(reading: Reading, cards: Cards) -> Html:
    """The text, cut wherever a mention, a section header or a placed sentence begins or ends; by characters."""
    text = reading.report.text
    headers = [(one.start, one.body_start) for one in reading.sections]
    ends = _sentence_ends(reading, cards)
    links = lone_links(reading)
    spans = [(one.start, one.end) for one in reading.mentions] + [(one.start, one.end) for one in links] + headers
    cuts = sorted({0, len(text), *(min(max(0, cut), len(text)) for span in (*spans, ends) for cut in span)})
    parts = []
    for start, end in pairwise(cuts):
        covering = tuple(one for one in reading.mentions if one.start <= start and one.end >= end)
        stretch = _Stretch(
            text[start:end],
            covering,
            any(one.start == start or (start == 0 and one.start < 0) for one in covering),
            tuple(one for one in covering if one.end == end),
            next((one for one in links if one.start <= start and one.end >= end), None),
            any(first <= start < last for first, last in headers),
        )
        parts += [_piece(stretch, cards), _sentence_sign(ends.get(end))]
    return join(*parts)


def _sentence_ends(reading: Reading, cards: Cards) -> dict[int, int]:
    """Where a placed sentence ends, and its card."""
    report_id = reading.report.report_id
    starts = {(row.sentence_start, row.sentence_end) for row in reading.sentences}
    return {end: cards.of_sentence[key] for start, end in starts if (key := (report_id, start)) in cards.of_sentence}


def _sentence_sign(card: int | None) -> Html:
    if card is None:
        return join()
    words = "Places of this sentence"
    return tag("span", "◎", class_="sign here", title=words, aria_label=words, **_button([card]))


def _piece(stretch: _Stretch, cards: Cards) -> Html:
    if not stretch.covering:
        return _plain_piece(stretch, cards)
    assertion = min((one.assertion for one in stretch.covering), key=ORDER.index)
    aside = "" if any(one.is_current for one in stretch.covering) else " aside"
    return tag(
        "mark",
        tag("span", ASSERTIONS[assertion][0], class_="sign") if stretch.beginning else "",
        stretch.text,
        *(tag("span", TIMES[one.temporality][0], class_="sign time") for one in stretch.ending if one.temporality),
        class_=f"{assertion}{aside}",
        title="; ".join(map(_told, stretch.covering)),
        **_button([cards.of_mention[one.mention_id] for one in stretch.covering]),
    )


def _plain_piece(stretch: _Stretch, cards: Cards) -> Html:
    """Text without a mention: a header, a phrase of the user's dictionary, or neither."""
    link = stretch.link
    if link is not None:
        numbers = [cards.of_link[link.report_id, link.start]]
        return tag("mark", stretch.text, class_="linked", title=f"{link.name} ({link.concept_id})", **_button(numbers))
    return tag("b", stretch.text) if stretch.is_header else join(stretch.text)


def _button(numbers: Sequence[int]) -> Mapping[str, str | int]:
    """Attributes of what can be clicked to see these cards."""
    return {"data_m": " ".join(map(str, numbers)), "role": "button", "tabindex": 0, "aria_pressed": "false"}


def _told(mention: Mention) -> str:
    """A mention in words, for hovering."""
    words = [mention.severity, mention.laterality, plain(mention.finding)]
    where = dict(modifiers(mention)).get("place")
    said = [ASSERTIONS[mention.assertion][1], TIMES[mention.temporality][1] if mention.temporality else ""]
    place = f" ({where})" if where else ""
    rules = f"[{mention.rule_id}, {mention.assertion_rule_id}]"
    return f"{' '.join(filter(None, words))}{place}: {', '.join(filter(None, said))} {rules}"
