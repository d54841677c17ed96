"""What a clause says of what it names: present, absent, uncertain, or nothing about this examination.

After NegEx (Chapman 2001) and ConText (Harkema 2009): triggers (``rules/triggers.tsv``) with a scope to one side that
ends with the clause. What is ours: a clause also ends where a comma or "and" is followed by a new subject with its own
state, so that a list ("no effusion, pneumothorax or edema") keeps its negation and "no effusion, heart is enlarged"
does not lend it; and a hedge gives way to a negation before it ("no opacity to suggest pneumonia").
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from curation.records import Assertion
from labeling.lexicon import Match

PLAIN = "plain"
"""Rule id of a mention that no trigger reaches."""

_JOINTS = frozenset({",", "and"})
_NEAR = 4
_STATED = {
    "absent": Assertion.ABSENT,
    "uncertain": Assertion.UNCERTAIN,
    "hedge": Assertion.UNCERTAIN,
    "doubt": Assertion.UNCERTAIN,
}


class Verdict(NamedTuple):
    """An assertion and the rule that decided it; None is a mention that asserts nothing of this examination."""

    assertion: Assertion | None
    rule_id: str


def clauses(words: Sequence[str], content: Sequence[Match], triggers: Sequence[Match]) -> list[tuple[int, int]]:
    """Token ranges of a sentence's clauses, in order, without gap."""
    edges = {0, len(words)} | {match.start for match in triggers if match.term.name == "stop"}
    occupied = [m.start for m in content if m.term.kind != "subject"]
    occupied += [m.start for m in triggers if m.term.name == "absent"]
    for place, word in enumerate(words):
        if word in _JOINTS and _starts_clause(place, words, content):
            last = max(edge for edge in edges if edge <= place)
            if any(last <= start < place for start in occupied):
                edges.add(place)
    ordered = sorted(edges)
    return list(pairwise(ordered))


def _starts_clause(joint: int, words: Sequence[str], content: Sequence[Match]) -> bool:
    """Whether a subject with a state of its own follows: "lungs are clear" or "clear lungs"."""
    following = [match for match in content if match.start > joint][:2]
    if len(following) < 2 or following[0].start > joint + _NEAR:
        return False
    first, second = following
    if first.term.kind == "subject":
        return second.term.kind == "state" and not _JOINTS & set(words[first.end : second.start])
    return first.term.kind == "state" and second.term.kind == "subject" and second.start - first.end < 2


def assess(start: int, end: int, triggers: Sequence[Match]) -> Verdict:
    """What the triggers of a clause say of its tokens ``start`` to ``end``.

    The nearest trigger on either side speaks; one behind the mention that doubts it ("cannot be excluded") has the
    last word, and a history or a question ("history of", "evaluate for") takes the mention out.
    """
    if not triggers:
        return Verdict(Assertion.PRESENT, PLAIN)
    ahead = [m for m in triggers if m.term.side in ("after", "both") and m.start < start and _reaches(m, start - m.end)]
    behind = [m for m in triggers if m.term.side in ("before", "both") and m.end > end and _reaches(m, m.start - end)]
    for match in ahead:
        if match.term.name == "skip":
            return Verdict(None, match.term.rule_id)
    forward = ahead[-1] if ahead else None
    if forward and forward.term.name == "hedge":
        forward = next((match for match in ahead if match.term.name == "absent"), forward)
    speaker = forward or (behind[0] if behind else None)
    if behind and behind[0].term.name == "doubt":
        speaker = behind[0]
    if not speaker:
        return Verdict(Assertion.PRESENT, PLAIN)
    return Verdict(_STATED[speaker.term.name], speaker.term.rule_id)


def _reaches(trigger: Match, distance: int) -> bool:
    return trigger.term.reach == 0 or distance <= trigger.term.reach
