"""What a sentence says of any phrase in it: one that the lexicon does not know, such as a concept of a dictionary.

The phrase is read as a finding, by the same clauses, triggers and context rules as those of the lexicon.
"""

from collections.abc import Sequence

from curation.errors import UsageError
from curation.records import Assertion, Temporality
from labeling.mining.assertion import assess
from labeling.mining.clauses import clauses
from labeling.mining.context import context_of
from labeling.mining.lexicon import Lexicon, Match, Term, chest_lexicon, tokens

_PHRASE = Term("phrase", "finding", "phrase")


def assertion_of(sentence: str, phrase: str, lexicon: Lexicon | None = None) -> tuple[Assertion, str, Temporality, str]:
    """Assertion of ``phrase`` where ``sentence`` first names it, the rule that decided, temporality and experiencer.

    Case, white space and punctuation between words do not matter. The chest lexicon that ships is the default; raises
    UsageError if the phrase has no word or is not in the sentence.
    """
    words, wanted = tokens(sentence), tokens(phrase)
    start = _place(words, wanted)
    if start is None:
        raise UsageError("phrase: expected one that the sentence holds, got another; pass it as the sentence writes it")
    return said_of(words, start, start + len(wanted), lexicon or chest_lexicon())


def said_of(words: Sequence[str], start: int, end: int, lexicon: Lexicon) -> tuple[Assertion, str, Temporality, str]:
    """The same for tokens ``start`` to ``end`` of a sentence's ``words``."""
    found = lexicon.matches(words)
    content = [match for match in found.content if match.end <= start or match.start >= end]
    content = sorted([*content, Match(start, end, _PHRASE)], key=_start)
    triggers = [match for match in found.trigger if not _is_inside(match, words, start, end)]
    first, last = next((first, last) for first, last in clauses(words, content, triggers) if first <= start < last)
    verdict = assess(start, end, [match for match in triggers if first <= match.start < last])
    times = [match for match in found.context if first <= match.start < last]
    context = context_of(start, end, times, verdict.assertion)
    return verdict.assertion, verdict.rule_id, context.temporality, context.experiencer


def _place(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where the wanted words first stand in a row, None if they do not or there is none."""
    size = len(wanted)
    if not size:
        return None
    return next((at for at in range(len(words) - size + 1) if words[at : at + size] == wanted), None)


def _is_inside(trigger: Match, words: Sequence[str], start: int, end: int) -> bool:
    """Whether a trigger is part of the phrase, the colon of ": no" aside."""
    first = trigger.start + (words[trigger.start] == ":")
    return start <= first and trigger.end <= end


def _start(match: Match) -> int:
    return match.start
