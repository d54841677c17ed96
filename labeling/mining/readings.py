"""What a subject in a state means: "the heart size remains enlarged" is cardiomegaly (``rules/readings.tsv``)."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from curation.records import Assertion
from labeling.mining.assertion import PLAIN, Verdict, assess
from labeling.mining.lexicon import Match, read_rules
from labeling.mining.spoken import Said
from labeling.mining.words import COPULAS, FAR, JOINTS, PREPOSITIONS


class Reading(NamedTuple):
    """One row of the table: what a subject in a state means, and how far it says so."""

    rule_id: str
    finding: str
    says: Assertion


_BARRIERS = COPULAS | PREPOSITIONS | {","}
_OF = (["of"], ["of", "the"])
_NOUNS = frozenset(("enlargement", "prominence", "widening", "fullness", "blunting", "flattening", "elevation"))
"""States that may be said "of" a subject: "fullness of the left hilum"."""


@cache
def _readings() -> dict[tuple[str, str], tuple[Reading, ...]]:
    """Readings by subject and state."""
    table: dict[tuple[str, str], tuple[Reading, ...]] = {}
    for rule in read_rules("readings"):
        reading = Reading(rule["rule_id"], rule["finding"], Assertion(rule["says"]))
        for subject in rule["subject"].split():
            for state in rule["state"].split():
                table[subject, state] = (*table.get((subject, state), ()), reading)
    return table


@cache
def _subject_names() -> frozenset[str]:
    """All that may be in a state: neutral anatomy, and the findings that readings speak of."""
    return frozenset(subject for subject, _ in _readings()) | {rule["name"] for rule in read_rules("subjects")}


def stated(words: Sequence[str], content: Sequence[Match], triggers: Sequence[Match]) -> list[Said]:
    """Findings that a subject in a state means."""
    found: list[Said] = []
    if len(content) == 1:
        return found
    readings = _readings()
    for place, state in enumerate(content):
        if state.term.kind != "state":
            continue
        for subject in _subjects(words, content, place):
            for rule_id, finding, says in readings.get((subject.term.name, state.term.name), ()):
                assertion, decided = _judge(says, state, triggers)
                start, end = min(subject.start, state.start), max(subject.end, state.end)
                found.append(Said(start, end, finding, assertion, rule_id, decided))
    return found


def _judge(said: Assertion, state: Match, triggers: Sequence[Match]) -> Verdict:
    """A reading that says present is subject to triggers; a normal state stays normal unless "not" precedes it."""
    if not triggers:
        return Verdict(said, PLAIN)
    verdict = assess(state.start, state.end, triggers)
    if said is Assertion.PRESENT:
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
    has_subject = before >= 0 and _is_subject(content[before]) and state.start - content[before].end <= FAR
    gap = set(words[content[before].end : state.start]) if has_subject else set[str]()
    linked = bool(COPULAS & gap) and "with" not in gap
    if not linked and (after := _following(words, content, place)):
        return after
    return _joined(words, content, before, -1) if has_subject else []


def _following(words: Sequence[str], content: Sequence[Match], place: int) -> list[Match]:
    after = place + 1
    while after < len(content) and content[after].term.kind == "state":
        after += 1
    if after == len(content) or not _is_subject(content[after]):
        return []
    gap = words[content[after - 1].end : content[after].start]
    if len(gap) > 2 or not (_BARRIERS.isdisjoint(gap) or _is_of(words, content[after - 1], gap)):
        return []
    return _joined(words, content, after, 1)


def _is_of(words: Sequence[str], state: Match, gap: Sequence[str]) -> bool:
    return words[state.end - 1] in _NOUNS and list(gap) in _OF


def _is_subject(match: Match) -> bool:
    return match.term.name in _subject_names()


def _joined(words: Sequence[str], content: Sequence[Match], place: int, step: int) -> list[Match]:
    """The subject at ``place`` and those joined to it by a comma or "and" in the direction of ``step``."""
    group = [content[place]]
    while 0 <= place + step < len(content):
        first, second = sorted((content[place], content[place + step]), key=lambda match: match.start)
        joint = words[first.end : second.start]
        if not _is_subject(content[place + step]) or len(joint) > 3 or JOINTS.isdisjoint(joint):
            break
        place += step
        group.append(content[place])
    return group
