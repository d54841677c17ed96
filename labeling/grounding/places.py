"""Mentions and sentences on the masks of views.

A mention lies where its finding, place and side say. A sentence lies where all of its mentions lie, and where it names
anatomy without a finding: normal statements are placed too, hedged ones keep their hedge.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from curation.records import Grounding, Mention, Says, SentenceGrounding
from labeling.grounding.anatomy import named_anatomy
from labeling.grounding.policy import NAMED, labels_for, rules_at, rules_for
from labeling.mining.sections import examined, sections

Box = tuple[int, ...]
Views = tuple[tuple[str, dict[str, Box]], ...]
"""Views by id, each with the box of every anatomy label that has a mask on it."""

_STRENGTH = tuple(Says)
"""Where a sentence says several things of one label, the first of these stands."""


class Sentence(NamedTuple):
    """``text[start:end]`` of a section that speaks of this examination, with all its mentions."""

    section: str
    start: int
    end: int
    text: str
    mentions: tuple[Mention, ...]


class _Spoken(NamedTuple):
    """What a sentence says of one label on one view."""

    says: Says
    rule_id: str
    mention_ids: tuple[str, ...]


def place(mention: Mention, views: Views, reference: str) -> Iterator[Grounding]:
    """Every label of a mention on every view that has it."""
    rules = rules_for(mention.finding, mention.location)
    for view_id, boxes in views:
        chosen: dict[str, str] = {}
        for rule in rules:
            for label in labels_for(rule, mention.laterality, boxes):
                chosen.setdefault(label, rule.rule_id)
        for label, rule_id in sorted(chosen.items()):
            yield Grounding(
                mention_id=mention.mention_id,
                view_id=view_id,
                label=label,
                reference=reference,
                report_id=mention.report_id,
                finding=mention.finding,
                assertion=mention.assertion,
                box=boxes[label],
                rule_id=rule_id,
            )


def spoken_sentences(text: str, mentions: Sequence[Mention]) -> Iterator[Sentence]:
    """The sentences of a report that speak of this examination, in order."""
    here: dict[int, list[Mention]] = defaultdict(list)
    for mention in mentions:
        here[mention.sentence_start].append(mention)
    for section, (start, end) in examined(text, sections(text)):
        yield Sentence(section, start, end, text[start:end], tuple(here.get(start, ())))


def place_sentence(
    report_id: str, sentence: Sentence, placed: Collection[Grounding], views: Views, reference: str
) -> Iterator[SentenceGrounding]:
    """Every label of a sentence on every view that has it; ``placed`` are the groundings of its mentions."""
    named = _named(sentence)
    for view_id, boxes in views:
        spoken: dict[str, _Spoken] = {}
        for row in placed:
            if row.view_id == view_id:
                said = _Spoken(Says(row.assertion.value), row.rule_id, (row.mention_id,))
                spoken[row.label] = _stronger(spoken.get(row.label), said)
        for (laterality, says), names in named.items():
            for rule in rules_at(NAMED, names):
                for label in labels_for(rule, laterality, boxes):
                    spoken[label] = _stronger(spoken.get(label), _Spoken(says, rule.rule_id, ()))
        for label, said in sorted(spoken.items()):
            yield SentenceGrounding(
                report_id=report_id,
                sentence_start=sentence.start,
                view_id=view_id,
                label=label,
                sentence_end=sentence.end,
                section=sentence.section,
                says=said.says,
                mention_ids=said.mention_ids,
                rule_id=said.rule_id,
                reference=reference,
                box=boxes[label],
            )


def _named(sentence: Sentence) -> dict[tuple[str, Says], frozenset[str]]:
    """The names of the anatomy without a finding, by side and by what is said of it."""
    names: dict[tuple[str, Says], set[str]] = defaultdict(set)
    for one in named_anatomy(sentence.text, sentence.start, sentence.mentions):
        names[one.laterality, one.says].add(one.name)
    return {key: frozenset(those) for key, those in names.items()}


def _stronger(one: _Spoken | None, other: _Spoken) -> _Spoken:
    if one is None:
        return other
    first = min(one, other, key=lambda said: _STRENGTH.index(said.says))
    return first._replace(mention_ids=tuple(sorted({*one.mention_ids, *other.mention_ids})))
