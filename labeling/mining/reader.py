"""A report read whole: sections, mentions, and what each mention's clause says of it.

A sentence is read by itself: phrases of findings, subjects in a state ("the heart size remains mildly enlarged"), what
the clause says of them, when and whose they are, and the side, severity, place, size and number that stand nearest.
Findings named in a section of history, indication, comparison or technique are not findings of the examination.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from curation.records import Assertion
from labeling.labels.sets import Decided, LabelSet, label_set, states
from labeling.mining.assertion import assess
from labeling.mining.binding import bind
from labeling.mining.clauses import clauses
from labeling.mining.context import UNSAID, context_of
from labeling.mining.lexicon import Found, Lexicon, Match, chest_lexicon, token_spans, tokens
from labeling.mining.readings import stated
from labeling.mining.sections import SectionSpan, examined, sections
from labeling.mining.spoken import Said, Spoken, at, in_text


class Mined(NamedTuple):
    """All that a text says; ``examined`` is whether it speaks of the examination at all."""

    sections: tuple[SectionSpan, ...]
    mentions: tuple[Spoken, ...]
    examined: bool

    def states(self, label_set: LabelSet) -> Decided:
        """State of each label of a set, and the positions in ``mentions`` of those that decided it."""
        current = [place for place, mention in enumerate(self.mentions) if mention.is_current]
        said = [(mention.finding, mention.assertion) for mention in map(self.mentions.__getitem__, current)]
        decided = states(label_set, said, self.examined)
        if len(current) == len(self.mentions):
            return decided
        return {label: (state, tuple(current[at] for at in places)) for label, (state, places) in decided.items()}

    @property
    def labels(self) -> Decided:
        """The CheXpert-14 labels."""
        return self.states(label_set("chexpert"))


def mine_text(text: str, lexicon: Lexicon | None = None) -> Mined:
    """Mine one report; offsets are characters of ``text``. The chest lexicon that ships is the default."""
    lexicon = lexicon or chest_lexicon()
    spans = sections(text)
    mentions = []
    is_examined = False
    for section, sentence in examined(text, spans):
        is_examined = True
        for said in read_sentence(text[sentence[0] : sentence[1]], lexicon):
            mentions.append(in_text(said, section, sentence))
    return Mined(tuple(spans), tuple(mentions), is_examined)


@lru_cache(maxsize=1 << 16)
def read_sentence(sentence: str, lexicon: Lexicon) -> tuple[Said, ...]:
    """The mentions of one sentence, by its own characters. Reports repeat themselves, so sentences are kept."""
    mentions = read_words(tokens(sentence), lexicon)
    spans = token_spans(sentence) if mentions else []
    return tuple([at(said, spans[said[0]][0], spans[said[1] - 1][1]) for said in mentions])


def read_words(words: list[str], lexicon: Lexicon) -> list[Said]:
    """The mentions of one sentence, with token offsets, in order of start, end and finding."""
    found = lexicon.matches(words)
    if not found.content:
        return []
    ranges = clauses(words, found.content, found.trigger)
    if len(ranges) == 1:
        said = _read_clause(words, found)
    else:
        said = [one for start, end in ranges for one in _read_clause(words, _within(found, start, end))]
    return bind(words, _once(said), found.modifier)


def _within(found: Found, start: int, end: int) -> Found:
    """The matches that begin in tokens ``start`` to ``end``."""
    return Found(*([match for match in layer if start <= match[0] < end] for layer in found))


def _read_clause(words: Sequence[str], found: Found) -> list[Said]:
    content, _, triggers, times = found
    if not content:
        return []
    said = _named(content, triggers) + stated(words, content, triggers)
    if times:
        said = [_timed(one, times) for one in said]
    return said


def _named(content: Sequence[Match], triggers: Sequence[Match]) -> list[Said]:
    """Findings that a phrase names by itself."""
    named = []
    for start, end, term in content:
        if term.kind == "finding":
            assertion, rule_id = assess(start, end, triggers)
            named.append(Said(start, end, term.name, assertion, term.rule_id, rule_id))
    return named


def _timed(said: Said, times: Sequence[Match]) -> Said:
    context = context_of(said.start, said.end, times, said.assertion)
    if context is UNSAID:
        return said
    return Said(*said[:6], *context)


_STRENGTH = {Assertion.PRESENT: 2, Assertion.UNCERTAIN: 1, Assertion.ABSENT: 0}


def _once(mentions: Sequence[Said]) -> list[Said]:
    """One mention for each start and finding, the strongest: a subject may have two states that mean the same."""
    if len(mentions) < 2:
        return list(mentions)
    kept: dict[tuple[int, str], Said] = {}
    for said in mentions:
        key = (said.start, said.finding)
        other = kept.get(key)
        if other is None or _STRENGTH[said.assertion] > _STRENGTH[other.assertion]:
            kept[key] = said
    return sorted(kept.values(), key=itemgetter(0, 1, 2))
