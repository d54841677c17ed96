"""What a click in a report shows: a card for each mention and each placed sentence, with its places on the views."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from curation.pictures.images import Drawing
from curation.pictures.readings import Reading
from curation.pictures.words import SAID, SIDES, TIMES, plain
from curation.records import PATIENT, ConceptLink, ConceptRow, Grounding, Mention, Says, SentenceGrounding

Views = Mapping[str, Drawing]
"""The views of a page, by id."""


@dataclass(frozen=True)
class Cards:
    """The cards of a page, as the script reads them, and which mention or sentence each of them is about."""

    data: tuple[dict[str, Any], ...]
    of_mention: Mapping[str, int]
    of_sentence: Mapping[tuple[str, int], int]
    """By report and first character, as are links."""
    of_link: Mapping[tuple[str, int], int]
    """Phrases that the user's dictionary knows and no mention names."""
    placed: frozenset[str]
    """Reports that lie on a view of this page."""


def cards_of(readings: Sequence[Reading], drawings: Sequence[Drawing], concepts: Iterable[ConceptRow] = ()) -> Cards:
    """Make the cards; groundings are matched with the views that are shown, findings with their concepts' codes."""
    views = {drawing.picture.view.view_id: drawing for drawing in drawings}
    codes = {row.concept_id: _codes(row) for row in concepts}
    data: list[dict[str, Any]] = []
    of_mention: dict[str, int] = {}
    of_sentence: dict[tuple[str, int], int] = {}
    of_link: dict[tuple[str, int], int] = {}
    for reading in readings:
        report_id = reading.report.report_id
        for mention, card in _mention_cards(reading, views, codes):
            of_mention[mention.mention_id] = len(data)
            data.append(card)
        for start, card in _link_cards(reading):
            of_link[report_id, start] = len(data)
            data.append(card)
        for start, card in _sentence_cards(reading, views):
            of_sentence[report_id, start] = len(data)
            data.append(card)
    return Cards(tuple(data), of_mention, of_sentence, of_link, frozenset(report_id for report_id, _ in of_sentence))


def _codes(row: ConceptRow) -> str:
    """The codes of a concept elsewhere, as people write them."""
    return " · ".join(filter(None, (row.cui and f"UMLS {row.cui}", row.hpo, row.doid)))


def _card(title: str, says: Says, facts: Iterable[dict[str, str]], places: list[dict[str, Any]]) -> dict[str, Any]:
    sign, word = SAID[says]
    return {"title": title, "kind": str(says), "sign": sign, "word": word, "facts": list(facts), "places": places}


# --- one mention -----------------------------------------------------------------------------------------


def _mention_cards(
    reading: Reading, views: Views, codes: Mapping[str, str]
) -> Iterator[tuple[Mention, dict[str, Any]]]:
    lying: dict[str, list[Grounding]] = defaultdict(list)
    for row in reading.groundings:
        lying[row.mention_id].append(row)
    for mention in reading.mentions:
        rows = lying[mention.mention_id]
        says = Says(mention.assertion.value)
        known = [link for link in reading.links if link.position == 0 and overlap(mention, link)]
        facts = [*_facts(mention, codes.get(mention.finding, "")), *_known(known), *_lies_in(rows, views)]
        yield mention, _card(plain(mention.finding), says, facts, _places(((row, says) for row in rows), views))


def overlap(one: Mention | ConceptLink, other: Mention | ConceptLink) -> bool:
    """Whether two phrases of one report share a character."""
    return one.start < other.end and other.start < one.end


def _known(links: Sequence[ConceptLink]) -> Iterator[dict[str, str]]:
    for link in links:
        yield _fact("your dictionary", f"{link.name}, score {link.score:.2f}", link.concept_id)


def _facts(mention: Mention, codes: str) -> Iterator[dict[str, str]]:
    """What was read of a mention: name, value, and the rule or code that stands for it."""
    yield _fact("concept", mention.finding, codes)
    yield _fact("said to be", SAID[Says(mention.assertion.value)][1], mention.assertion_rule_id)
    yield from _when_and_whose(mention, mention.temporality_rule_id)
    if not mention.is_current:
        yield _fact("counts", "no: it is not a finding of this examination")
    for name, value in modifiers(mention):
        yield _fact(name, value)
    yield _fact("named by", mention.section, mention.rule_id)


def _when_and_whose(said: Mention | ConceptLink, rule_id: str = "") -> Iterator[dict[str, str]]:
    if said.temporality:
        yield _fact("when", TIMES[said.temporality][1], rule_id)
    if said.experiencer != PATIENT:
        yield _fact("whose", "somebody of the family", rule_id)


def modifiers(mention: Mention) -> list[tuple[str, str]]:
    """Side, severity, size, number and place of a mention, those that are said."""
    said = (
        ("side", SIDES.get(mention.laterality, mention.laterality)),
        ("severity", mention.severity),
        ("size", "" if mention.size_mm is None else f"{mention.size_mm:g} mm"),
        ("number", number_said(mention.count_min, mention.count_max)),
        ("place", ", ".join(map(plain, mention.location))),
    )
    return [(name, value) for name, value in said if value]


def number_said(least: int | None, most: int | None) -> str:
    """How many there are.

    >>> number_said(2, 2), number_said(2, 3), number_said(3, None), number_said(None, 4), number_said(None, None)
    ('2', '2 to 3', 'at least 3', 'at most 4', '')
    """
    if least is None:
        return "" if most is None else f"at most {most}"
    if most is None:
        return f"at least {least}"
    return f"{least}" if least == most else f"{least} to {most}"


def _lies_in(lying: Sequence[Grounding], views: Views) -> Iterator[dict[str, str]]:
    if lying:
        labels = ", ".join(sorted({plain(row.label) for row in lying}))
        away = "" if any(row.view_id in views for row in lying) else ", on a view that this page does not show"
        yield _fact("lies in", f"{labels}{away}", " · ".join(sorted({row.rule_id for row in lying})))


def _fact(name: str, value: str, code: str = "") -> dict[str, str]:
    return {"name": name, "value": value, "code": code}


# --- one phrase of the user's dictionary, one sentence --------------------------------------------------


def lone_links(reading: Reading) -> list[ConceptLink]:
    """The likeliest meaning of each phrase that only the user's dictionary knows."""
    likeliest = (link for link in reading.links if link.position == 0)
    return [link for link in likeliest if not any(overlap(mention, link) for mention in reading.mentions)]


def _link_cards(reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    for link in lone_links(reading):
        others = [one for one in reading.links if one.start == link.start and one.position]
        says = Says(link.assertion.value)
        facts = [
            *_known([link]),
            *(_fact("may also be", f"{one.name}, score {one.score:.2f}", one.concept_id) for one in others),
            _fact("said to be", SAID[says][1], link.assertion_rule_id),
            *_when_and_whose(link),
        ]
        yield link.start, _card(link.name, says, facts, [])


def _sentence_cards(reading: Reading, views: Views) -> Iterator[tuple[int, dict[str, Any]]]:
    """Sentences that lie on a view of this page."""
    for start, group in groupby(reading.sentences, key=lambda row: row.sentence_start):
        rows = [row for row in group if row.view_id in views]
        labels = {row.label: row for row in rows}
        facts = [_fact(plain(label), SAID[row.says][1], row.rule_id) for label, row in sorted(labels.items())]
        if rows:
            places = _places(((row, row.says) for row in rows), views)
            yield start, {**_card("This sentence speaks of", Says.UNSTATED, facts, places), "kind": "", "word": ""}


# --- places ----------------------------------------------------------------------------------------------


def _places(rows: Iterable[tuple[Grounding | SentenceGrounding, Says]], views: Views) -> list[dict[str, Any]]:
    """Places on the views of this page, by view and label; boxes in half pixels."""
    places = [
        {
            "view": views[row.view_id].number,
            "title": views[row.view_id].title,
            "label": row.label,
            "name": plain(row.label),
            "box": [2 * value for value in row.box],
            "atlas": row.reference != "study",
            "says": str(says),
        }
        for row, says in rows
        if row.view_id in views
    ]
    return sorted(places, key=lambda place: (place["view"], place["label"]))
