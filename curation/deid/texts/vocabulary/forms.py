"""What needs no vocabulary to be told: dates, times, phones, addresses, numbers that identify, ages.

Each rule is a pattern and what to do with what it finds. A rule sees the text in lower ASCII, with all that earlier
rules have found blanked out: the order counts. Categories: 45 CFR 164.514(b)(2); ages: the same, (b)(2)(i)(C).
"""

import re
from collections.abc import Iterator

from curation.deid.texts.dates import follows_birth
from curation.deid.texts.vocabulary.form_rules import GROUPS, WITH_FIGURES, Rule
from curation.deid.texts.vocabulary.found import MONTHS, OLDEST, Found, printed

__all__ = ["MONTHS", "OLDEST", "Found", "find", "printed"]
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)} | dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_DIGIT = re.compile(r"\d")


def find(text: str) -> list[Found]:
    """Every stretch with a form of its own, in order, none over another."""
    plain = text.lower() if text.isascii() else text.translate(_LOWER)
    found: list[Found] = []
    for rule in _rules_for(plain):
        new = [stretch for match in rule.pattern.finditer(plain) if (stretch := _handled(rule, match, text))]
        if new:
            plain = _blanked(plain, new)
            found += new
    return sorted(found, key=lambda stretch: stretch.start)


def _handled(rule: Rule, match: re.Match[str], text: str) -> Found | None:
    """What a rule finds; a date of birth is none that moves."""
    found = rule.handler(match, text)
    return Found(found.start, found.end) if found and found.day and follows_birth(text, found.start) else found


def _blanked(plain: str, found: list[Found]) -> str:
    pieces: list[str] = []
    done = 0
    for stretch in found:
        pieces += (plain[done : stretch.start], "\0" * (stretch.end - stretch.start))
        done = stretch.end
    return "".join((*pieces, plain[done:]))


def _rules_for(plain: str) -> Iterator[Rule]:
    groups = (*GROUPS, *WITH_FIGURES) if _DIGIT.search(plain) else GROUPS
    for group in groups:
        if group.trigger.search(plain):
            yield from group.rules
