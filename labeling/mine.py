"""Mine: what each report says, as sections, mentions and CheXpert-14 labels.

Reads ``reports`` (deid). Writes ``sections``, ``mentions``, ``report_labels``. Findings named in a section of history,
indication, comparison or technique are not findings of the examination: they make no mention and no label.

A sentence is read by itself: phrases of findings, subjects in a state ("the heart size remains mildly enlarged"), what
the clause says of them, and the side, severity and place that stand nearest to each in its clause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from curation.errors import Rejected
from curation.records import Assertion, Mention, Reason, Record, Report, ReportLabel, Section
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_rows
from curation.workspace import Workspace
from labeling.assertion import PLAIN, Verdict, assess, clauses
from labeling.labels import chexpert
from labeling.lexicon import Lexicon, Match, chest_lexicon, read_rules, token_spans, tokens
from labeling.reports import SectionSpan, sections, sentences

_COPULAS = frozenset({"is", "are", "was", "were", "be", "been", "has", "have", ":"}) | {
    "appear",
    "appears",
    "remain",
    "remains",
    "seem",
    "seems",
    "look",
    "looks",
}
_JOINTS = frozenset({",", "and", "or"})
_PREPOSITIONS = frozenset({"in", "of", "at", "within", "on", "to", "into", "over", "above", "below", "near"}) | {
    "overlying",
    "projecting",
    "involving",
    "throughout",
    "along",
    "adjacent",
}
_FAR = 8
"""Tokens between a subject and its state, or between a finding and a severity behind it, at most."""


class Spoken(NamedTuple):
    """A finding named once, and what is said of it: offsets into the text, or the tokens while a sentence is read."""

    start: int
    end: int
    finding: str
    assertion: Assertion
    rule_id: str
    assertion_rule_id: str
    laterality: str = ""
    severity: str = ""
    location: tuple[str, ...] = ()
    section: str = ""
    sentence: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Mined:
    """All that a text says: labels map each CheXpert-14 label to its state and the positions of its mentions."""

    sections: tuple[SectionSpan, ...]
    mentions: tuple[Spoken, ...]
    labels: dict[str, tuple[int | None, tuple[int, ...]]]


# --- a text ----------------------------------------------------------------------------------------------


def mine_text(text: str, lexicon: Lexicon | None = None) -> Mined:
    """Mine one report; offsets are characters of ``text``. The chest lexicon that ships is the default."""
    lexicon = lexicon or chest_lexicon()
    spans = sections(text)
    spoken = [
        mention
        for span in spans
        if span.asserts
        for sentence in sentences(text, span.body_start, span.end)
        for mention in _read_sentence(text, sentence, span.name, lexicon)
    ]
    mentions = tuple(sorted(_once(spoken), key=lambda mention: (mention.start, mention.finding)))
    examined = any(span.asserts and text[span.body_start : span.end].strip() for span in spans)
    labels = chexpert(((mention.finding, mention.assertion) for mention in mentions), examined)
    return Mined(tuple(spans), mentions, labels)


_STRENGTH = {Assertion.PRESENT: 2, Assertion.UNCERTAIN: 1, Assertion.ABSENT: 0}


def _once(spoken: Sequence[Spoken]) -> list[Spoken]:
    """One mention for each start and finding, the strongest: a subject may have two states that mean the same."""
    kept: dict[tuple[int, str], Spoken] = {}
    for mention in spoken:
        other = kept.get((mention.start, mention.finding))
        if other is None or _STRENGTH[mention.assertion] > _STRENGTH[other.assertion]:
            kept[mention.start, mention.finding] = mention
    return list(kept.values())


def _read_sentence(text: str, sentence: tuple[int, int], section: str, lexicon: Lexicon) -> Iterator[Spoken]:
    start, end = sentence
    for said in read_sentence(text[start:end], lexicon):
        yield said._replace(start=start + said.start, end=start + said.end, section=section, sentence=sentence)


@lru_cache(maxsize=16384)
def read_sentence(sentence: str, lexicon: Lexicon) -> tuple[Spoken, ...]:
    """The mentions of one sentence, by its own characters. Reports repeat themselves, so sentences are kept."""
    mentions = read_words(tokens(sentence), lexicon)
    spans = token_spans(sentence) if mentions else []
    return tuple(said._replace(start=spans[said.start][0], end=spans[said.end - 1][1]) for said in mentions)


def read_words(words: list[str], lexicon: Lexicon) -> list[Spoken]:
    """The mentions of one sentence, with token offsets."""
    found = lexicon.matches(words)
    content, triggers = found["content"], found["trigger"]
    if not content:
        return []
    mentions = []
    for start, end in clauses(words, content, triggers):
        said = [match for match in content if start <= match.start < end]
        if said:
            scope = [match for match in triggers if start <= match.start < end]
            named = [*_named(said, scope), *_stated(words, said, scope)]
            places = [match for match in found["modifier"] if start <= match.start < end]
            mentions += bind(words, sorted(named, key=lambda mention: (mention.start, mention.end)), places)
    return mentions


def _named(content: Sequence[Match], triggers: Sequence[Match]) -> Iterator[Spoken]:
    """Findings that a phrase names by itself."""
    for match in content:
        if match.term.kind == "finding":
            verdict = assess(match.start, match.end, triggers)
            if verdict.assertion:
                rule_id = match.term.rule_id
                yield Spoken(match.start, match.end, match.term.name, verdict.assertion, rule_id, verdict.rule_id)


# --- subjects in a state ---------------------------------------------------------------------------------


@cache
def _readings() -> dict[tuple[str, str], tuple[dict[str, str], ...]]:
    table: dict[tuple[str, str], tuple[dict[str, str], ...]] = {}
    for rule in read_rules("readings"):
        key = (rule["subject"], rule["state"])
        table[key] = (*table.get(key, ()), rule)
    return table


def _stated(words: Sequence[str], content: Sequence[Match], triggers: Sequence[Match]) -> Iterator[Spoken]:
    """Findings that a subject in a state means."""
    readings = _readings()
    for place, state in enumerate(content):
        if state.term.kind != "state":
            continue
        for subject in _subjects(words, content, place):
            for rule in readings.get((subject.term.name, state.term.name), ()):
                verdict = _judge(rule["says"], state, triggers)
                if verdict.assertion:
                    start, end = min(subject.start, state.start), max(subject.end, state.end)
                    rule_id = rule["rule_id"]
                    yield Spoken(start, end, rule["finding"], verdict.assertion, rule_id, verdict.rule_id)


def _judge(says: str, state: Match, triggers: Sequence[Match]) -> Verdict:
    """A reading that says present is subject to triggers; a normal state stays normal unless "not" precedes it."""
    verdict = assess(state.start, state.end, triggers)
    said = Assertion(says)
    if said is Assertion.PRESENT or verdict.assertion is None:
        return verdict
    negated = any(m.term.name == "absent" and state.start - 1 <= m.end <= state.start for m in triggers)
    if said is Assertion.ABSENT and negated:
        return Verdict(Assertion.UNCERTAIN, verdict.rule_id)
    if said is Assertion.UNCERTAIN and verdict.assertion is Assertion.ABSENT:
        return verdict
    return Verdict(said, PLAIN)


def _subjects(words: Sequence[str], content: Sequence[Match], place: int) -> list[Match]:
    """The subjects that ``content[place]``, a state, belongs to.

    "Heart and lungs are normal", "aorta is tortuous and calcified": those before it. "Normal heart size": those after.
    """
    state = content[place]
    before = place - 1
    while before >= 0 and content[before].term.kind == "state":
        before -= 1
    has_subject = before >= 0 and content[before].term.kind == "subject" and state.start - content[before].end <= _FAR
    gap = set(words[content[before].end : state.start]) if has_subject else set[str]()
    linked = bool(_COPULAS & gap) and "with" not in gap
    if not linked and (after := _following(words, content, place)):
        return after
    return _joined(words, content, before, -1) if has_subject else []


def _following(words: Sequence[str], content: Sequence[Match], place: int) -> list[Match]:
    after = place + 1
    while after < len(content) and content[after].term.kind == "state":
        after += 1
    if after == len(content) or content[after].term.kind != "subject":
        return []
    gap = words[content[after - 1].end : content[after].start]
    if len(gap) > 2 or (_COPULAS | _PREPOSITIONS | {","}) & set(gap):
        return []
    return _joined(words, content, after, 1)


def _joined(words: Sequence[str], content: Sequence[Match], place: int, step: int) -> list[Match]:
    """The subject at ``place`` and those joined to it by a comma or "and" in the direction of ``step``."""
    group = [content[place]]
    while 0 <= place + step < len(content):
        first, second = sorted((content[place], content[place + step]), key=lambda match: match.start)
        joint = words[first.end : second.start]
        if content[place + step].term.kind != "subject" or len(joint) > 3 or not _JOINTS & set(joint):
            break
        place += step
        group.append(content[place])
    return group


# --- side, severity, place -------------------------------------------------------------------------------


def bind(words: Sequence[str], mentions: Sequence[Spoken], modifiers: Sequence[Match]) -> list[Spoken]:
    """Give each modifier of a clause to the mention it belongs to.

    Before a mention: to the next one. Behind it after a preposition ("effusion at the left base"): to that one.
    Mentions side by side ("scarring and atelectasis") share side and place when only one of them has any.
    """
    if not mentions:
        return []
    given: list[list[Match]] = [[] for _ in mentions]
    for modifier in modifiers:
        owner = _owner(words, mentions, modifier)
        if owner is not None:
            given[owner].append(modifier)
    places = [[m for m in own if m.term.kind != "severity"] for own in given]
    for here in (*range(1, len(mentions)), *range(len(mentions) - 2, -1, -1)):
        for other in (here - 1, here + 1):
            if not places[here] and 0 <= other < len(mentions) and _side_by_side(words, mentions, here, other):
                places[here] = places[other]
    return [
        mention._replace(
            laterality=_side(where),
            severity=next((m.term.name for m in own if m.term.kind == "severity"), ""),
            location=tuple(sorted({m.term.name for m in where if m.term.kind == "location"})),
        )
        for mention, own, where in zip(mentions, given, places, strict=True)
    ]


def _owner(words: Sequence[str], mentions: Sequence[Spoken], modifier: Match) -> int | None:
    for place, mention in enumerate(mentions):
        if mention.start <= modifier.start and modifier.end <= mention.end:
            return place
    following = next((i for i, mention in enumerate(mentions) if mention.start >= modifier.end), None)
    preceding = next((i for i in reversed(range(len(mentions))) if mentions[i].end <= modifier.start), None)
    if preceding is None:
        return following
    gap = words[mentions[preceding].end : modifier.start]
    if following is None:
        return preceding if modifier.term.kind != "severity" or len(gap) < _FAR else None
    return preceding if modifier.term.kind != "severity" and _reaches_back(gap) else following


def _reaches_back(gap: Sequence[str]) -> bool:
    """Whether a preposition ties what follows to the mention before the gap, with no joint after it."""
    last = max((place for place, word in enumerate(gap) if word in _PREPOSITIONS), default=None)
    return last is not None and not (_JOINTS | {"with"}) & set(gap[last:]) and not {"with"} & set(gap)


def _side_by_side(words: Sequence[str], mentions: Sequence[Spoken], here: int, other: int) -> bool:
    first, second = sorted((mentions[here], mentions[other]), key=lambda mention: mention.start)
    return all(word in _JOINTS or word in ("versus", "vs") for word in words[first.end : second.start])


def _side(modifiers: Sequence[Match]) -> str:
    sides = {m.term.name if m.term.kind == "laterality" else m.term.laterality for m in modifiers} - {""}
    return sides.pop() if len(sides) == 1 else ("bilateral" if sides else "")


# --- the stage -------------------------------------------------------------------------------------------


def plan(workspace: Workspace) -> list[Item]:
    """One item per report."""
    reports = read_rows(Report, workspace.tables("deid"))
    return [Item(report.report_id, digest(report.text), report.text) for report in reports]


def one(batch: Batch, item: Item) -> Iterator[Record]:  # noqa: ARG001 - a stage's signature
    """The rows of one report."""
    text: str = item.payload
    if not text.strip():
        raise Rejected(Reason.EMPTY_REPORT, "expected text, got none or white space")
    yield from rows(item.name, mine_text(text))


def rows(report_id: str, mined: Mined) -> Iterator[Record]:
    """What was mined, as the rows of one report."""
    for position, span in enumerate(mined.sections):
        yield Section(report_id, position, span.name, span.start, span.end, span.body_start)
    ids = [digest(report_id, mention.start, mention.finding)[:24] for mention in mined.mentions]
    for mention_id, said in zip(ids, mined.mentions, strict=True):
        yield Mention(
            mention_id=mention_id,
            report_id=report_id,
            section=said.section,
            sentence_start=said.sentence[0],
            sentence_end=said.sentence[1],
            start=said.start,
            end=said.end,
            finding=said.finding,
            assertion=said.assertion,
            rule_id=said.rule_id,
            assertion_rule_id=said.assertion_rule_id,
            laterality=said.laterality,
            severity=said.severity,
            location=said.location,
        )
    for label, (state, positions) in mined.labels.items():
        yield ReportLabel(report_id, label, state, tuple(sorted(ids[position] for position in positions)))


STAGE = Stage(
    name="mine",
    writes=(Section, Mention, ReportLabel),
    plan=plan,
    one=one,
)
