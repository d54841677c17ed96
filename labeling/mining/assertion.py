"""What a clause says of what it names: present, absent or uncertain.

After NegEx (Chapman 2001) and ConText (Harkema 2009): triggers (``rules/triggers.tsv``) with a scope to one side that
ends with the clause. What is ours: a hedge gives way to a negation before it ("no opacity to suggest pneumonia"), and a
doubt behind ("cannot be excluded") has the last word.
"""

from collections.abc import Sequence
from typing import NamedTuple

from curation.records import Assertion
from labeling.mining.lexicon import Match, Term

PLAIN = "plain"
"""Rule id of a mention that no trigger reaches."""

_STATED = {
    "absent": Assertion.ABSENT,
    "uncertain": Assertion.UNCERTAIN,
    "hedge": Assertion.UNCERTAIN,
    "doubt": Assertion.UNCERTAIN,
}


class Verdict(NamedTuple):
    """An assertion and the rule that decided it."""

    assertion: Assertion
    rule_id: str


PRESENT = Verdict(Assertion.PRESENT, PLAIN)


def assess(start: int, end: int, triggers: Sequence[Match]) -> Verdict:
    """What the triggers of a clause say of its tokens ``start`` to ``end``.

    The nearest trigger before the mention speaks, else the nearest behind it; triggers inside the mention say nothing.
    """
    if not triggers:
        return PRESENT
    ahead = [term for first, last, term in triggers if first < start and _reaches_on(term, start - last)]
    speaker = _forward(ahead) if ahead else None
    behind = _behind(start, end, triggers)
    if behind and (not speaker or behind.name == "doubt"):
        speaker = behind
    if not speaker:
        return PRESENT
    return Verdict(_STATED[speaker.name], speaker.rule_id)


def _behind(start: int, end: int, triggers: Sequence[Match]) -> Term | None:
    """The nearest trigger behind, if none that looks ahead stands between: "may represent atelectasis versus scar"."""
    for first, last, term in triggers:
        if first >= start and last > end:
            if term.side == "after":
                return None
            if _reaches_back(term, first - end):
                return term
    return None


def _forward(ahead: Sequence[Term]) -> Term:
    if ahead[-1].name == "hedge":
        return next((term for term in ahead if term.name == "absent"), ahead[-1])
    return ahead[-1]


def _reaches_on(term: Term, distance: int) -> bool:
    """Whether what stands so many tokens behind a trigger is in its scope; pseudo-triggers and stops have none."""
    return term.side == "both" or (term.side == "after" and (term.reach == 0 or distance <= term.reach))


def _reaches_back(term: Term, distance: int) -> bool:
    """The same for what stands before it."""
    return term.side in ("before", "both") and (term.reach == 0 or distance <= term.reach)
