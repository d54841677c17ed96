"""Stretches of a text that go, and the copy of the text in which they are found.

Rules run one after the other on a copy. What one has found is hidden there behind marks of the same length, one mark
for dates, one for people, one for places and so on: offsets stay those of the original, no rule reads what another
has taken, and a rule can still say "a date, then a time" or "a name beside a name".
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

DIGITS = "0123456789"
DATE, TIME, PERSON, PLACE, OTHER = "\ue000\ue001\ue002\ue003\ue004"
"""The marks: characters of Unicode's private use area, which no rule takes for a letter, a digit or a space."""
_PRIVATE = re.compile("[\ue000-\ue004]")
_STARTS = re.compile(r"(?:\A|[.!?]\s{1,4}|\n\s{0,8})([^\W\d_]+)")
_MARKS = {
    **dict.fromkeys(("patient", "clinician", "relative", "person"), PERSON),
    **dict.fromkeys(("institution", "address"), PLACE),
    "date": DATE,
    "time": TIME,
}
PEOPLE = ("patient", "clinician", "relative", "person")
"""Kinds of people; where two rules differ over one person, the first of these holds."""


@dataclass(frozen=True)
class Span:
    """Characters ``[start, end)`` of the original, what they are, the rule that says so, and whom or what they name.

    ``who`` is the same for each way of writing one name; ``printed`` is what shall stand there instead, where the rule
    knows it already.
    """

    start: int
    end: int
    kind: str
    rule: str
    who: str = ""
    printed: str = ""


@dataclass(frozen=True)
class Rule:
    """A pattern for a kind of identifier. The group ``it`` is what goes, or the whole match where there is none.

    ``needs``: where none of these stands in the text, in lower case, the pattern finds nothing and is not tried.
    """

    rule_id: str
    kind: str
    pattern: re.Pattern[str]
    needs: tuple[str, ...] = ()
    accepts: Callable[[re.Match[str]], bool] = bool

    def matches(self, masked: "Masked") -> Iterator[tuple[re.Match[str], int, int]]:
        """Each match in the masked text, with the stretch that goes."""
        if self.needs and not any(map(masked.lower.__contains__, self.needs)):
            return
        group = "it" if "it" in self.pattern.groupindex else 0
        for found in self.pattern.finditer(masked.text):
            if found.end(group) > found.start(group) and self.accepts(found):
                yield found, *found.span(group)


def rule(
    rule_id: str,
    kind: str,
    pattern: str,
    needs: Sequence[str] = (),
    accepts: Callable[[re.Match[str]], bool] = bool,
) -> Rule:
    """A rule with its pattern compiled; a text of ``needs`` stands for its characters."""
    return Rule(rule_id, kind, re.compile(pattern), tuple(needs), accepts)


class Masked:
    """A text, the stretches found in it so far, and ``text``: the text with those hidden."""

    def __init__(self, original: str) -> None:
        self.original = original
        self.text = _PRIVATE.sub("\ufffd", original)
        self.lower = original.lower()
        self.is_lower = _starts_lower(original)
        self.spans: list[Span] = []  # in order, none over another

    def find(self, rules: Iterable[Rule]) -> None:
        """Hide what the rules find, each on what the one before has left."""
        for each in rules:
            self.hide([Span(start, end, each.kind, each.rule_id) for _, start, end in each.matches(self)])

    def hide(self, spans: Iterable[Span]) -> None:
        """Hide stretches. One that overlaps earlier ones takes them in, and says what they are from now on."""
        pieces: list[str] = []
        done = 0
        for span in sorted(map(self._add, spans), key=lambda span: span.start):
            start = max(span.start, done)
            if start < span.end:
                pieces += [self.text[done:start], _MARKS.get(span.kind, OTHER) * (span.end - start)]
                done = span.end
        self.text = "".join((*pieces, self.text[done:]))

    def _add(self, span: Span) -> Span:
        """Note a stretch, with those that it overlaps."""
        first = bisect_right(self.spans, span.start, key=lambda held: held.end)
        last = bisect_left(self.spans, span.end, key=lambda held: held.start)
        inside = self.spans[first:last]
        start = min(span.start, *(held.start for held in inside[:1]), span.start)
        end = max(span.end, *(held.end for held in inside[-1:]), span.end)
        self.spans[first:last] = [replace(span, start=start, end=end)]
        return self.spans[first]

    def holds(self, start: int, end: int) -> bool:
        """Whether one stretch holds all of this already."""
        held = self.at(start)
        return held is not None and end <= held.end

    def at(self, place: int) -> Span | None:
        """The stretch that holds this place."""
        number = bisect_right(self.spans, place, key=lambda held: held.end)
        return self.spans[number] if number < len(self.spans) and self.spans[number].start <= place else None


def _starts_lower(text: str) -> bool:
    """Whether most sentences start in lower case, so that capitals say nothing; headings in capitals do not count."""
    starts = [word for word in _STARTS.findall(text) if not word.isupper()]
    return len(starts) > 1 and sum(word[0].islower() for word in starts) > 0.7 * len(starts)
