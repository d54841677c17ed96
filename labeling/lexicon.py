"""The lexicon: phrases as data (``rules/*.tsv``), found in one pass over a sentence's tokens, longest match first.

The automaton (Aho and Corasick 1975) runs over tokens, not characters: a match begins and ends at token boundaries, and
case, white space and hyphens between tokens do not matter. Phrases of one layer do not overlap; those of different
layers may ("enlarged" in "no enlarged heart" is a state under a trigger).
"""

import csv
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import ahocorasick

from curation.errors import IntegrityError

LAYERS = {
    "finding": "content",
    "subject": "content",
    "state": "content",
    "location": "modifier",
    "laterality": "modifier",
    "severity": "modifier",
    "trigger": "trigger",
}

_TOKEN = re.compile(r"\d+\.\d+|[^\W_]+|[,;:?]")
_CHOICE = re.compile(r"\{([^{}]*)\}|\[([^\[\]]*)\]")
_UNKNOWN = 0


@dataclass(frozen=True)
class Term:
    """One entry of the lexicon."""

    rule_id: str
    kind: str
    name: str
    """The finding, subject, state, location, side, severity, or what a trigger does."""
    laterality: str = ""
    """The side that a location names by itself."""
    side: str = ""
    """For a trigger: ``after`` it, ``before`` it or on ``both`` sides lies its scope."""
    reach: int = 0
    """For a trigger: how many tokens its scope holds at most; 0 for the whole clause."""


class Match(NamedTuple):
    """A term at tokens ``start`` to ``end`` (exclusive) of a sentence."""

    start: int
    end: int
    term: Term


@cache
def read_rules(name: str) -> tuple[dict[str, str], ...]:
    """The rows of ``rules/<name>.tsv``; raises IntegrityError where a row has not the columns of the first line."""
    text = (resources.files("labeling") / "rules" / f"{name}.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    head = rows[0]
    for row in rows[1:]:
        if not 0 <= len(head) - len(row) <= 1:
            raise IntegrityError(f"rules/{name}.tsv: expected {len(head)} columns, got {len(row)} in row {row[0]}")
    return tuple(dict(itertools.zip_longest(head, row, fillvalue="")) for row in rows[1:])


def expand(cell: str) -> list[str]:
    """The plain phrases of a cell: ``{a,b}`` is a choice, ``[a,b]`` one that may be left out, ``|`` separates phrases.

    >>> expand("{large,enlarged} [cardiac] heart | cardiomegaly")
    ['large cardiac heart', 'large heart', 'enlarged cardiac heart', 'enlarged heart', 'cardiomegaly']
    """
    return [" ".join(phrase.split()) for part in cell.split("|") for phrase in _choices(part.strip())]


def _choices(phrase: str) -> Iterator[str]:
    found = _CHOICE.search(phrase)
    if not found:
        yield phrase
        return
    options = found[1].split(",") if found[1] is not None else [*found[2].split(","), ""]
    for option in options:
        yield from _choices(phrase[: found.start()] + option + phrase[found.end() :])


def plural(phrase: str) -> str:
    """A phrase with its last word in the plural, as English and medical Latin form it.

    >>> [plural(word) for word in ("effusion", "opacity", "mass", "pneumothorax", "atelectasis")]
    ['effusions', 'opacities', 'masses', 'pneumothoraces', 'atelectases']
    """
    for ending, many in (("thorax", "thoraces"), ("sis", "ses"), ("apex", "apices"), ("vertebra", "vertebrae")):
        if phrase.endswith(ending):
            return phrase.removesuffix(ending) + many
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return phrase + ("es" if phrase.endswith(("s", "x", "ch", "sh")) else "s")


def tokens(text: str) -> list[str]:
    """Words, numbers and the marks ``, ; : ?`` of a text, in lower case."""
    return [word.lower() for word in _TOKEN.findall(text)]


def token_spans(text: str) -> list[tuple[int, int]]:
    """Start and end offset of each of the ``tokens`` of a text."""
    return [found.span() for found in _TOKEN.finditer(text)]


class Lexicon:
    """All terms behind one automaton."""

    def __init__(self, entries: Iterable[tuple[str, Term]]) -> None:
        """Build from phrases and their terms; raises IntegrityError if one phrase has two terms of one layer."""
        self._ids: dict[str, int] = {}
        by_key: dict[tuple[int, ...], dict[str, Term]] = defaultdict(dict)
        for phrase, term in entries:
            key = tuple(self._ids.setdefault(word, len(self._ids) + 1) for word in tokens(phrase))
            other = by_key[key].setdefault(LAYERS[term.kind], term)
            if other != term:
                raise IntegrityError(f"lexicon: rules {other.rule_id} and {term.rule_id} share a phrase")
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_ANY, ahocorasick.KEY_SEQUENCE)
        for key, terms in by_key.items():
            self._automaton.add_word(key, (len(key), tuple(terms.items())))
        self._automaton.make_automaton()

    def matches(self, words: list[str]) -> dict[str, list[Match]]:
        """Matches by layer, in order; in a layer the leftmost wins, and of those the longest."""
        found: dict[str, list[Match]] = {layer: [] for layer in ("content", "modifier", "trigger")}
        get = self._ids.get
        for last, (length, terms) in self._automaton.iter(tuple([get(word, _UNKNOWN) for word in words])):
            for layer, term in terms:
                found[layer].append(Match(last + 1 - length, last + 1, term))
        return {layer: _longest(matches) for layer, matches in found.items()}


def _longest(matches: list[Match]) -> list[Match]:
    if len(matches) < 2:
        return matches
    kept: list[Match] = []
    end = 0
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if match.start >= end:
            kept.append(match)
            end = match.end
    return kept


@cache
def chest_lexicon() -> Lexicon:
    """The lexicon of chest imaging that ships."""
    return Lexicon(_chest_entries())


def _chest_entries() -> list[tuple[str, Term]]:
    """Phrases as written, and the plurals of nouns where no rule says otherwise ("bases" are both)."""
    written = [(phrase, term) for term, cell in _chest_terms() for phrase in expand(cell)]
    taken = {(LAYERS[term.kind], phrase) for phrase, term in written}
    nouns = [(plural(phrase), term) for phrase, term in written if term.kind in ("finding", "subject", "location")]
    return written + [(phrase, term) for phrase, term in nouns if (LAYERS[term.kind], phrase) not in taken]


def _chest_terms() -> Iterator[tuple[Term, str]]:
    for kind in ("finding", "subject", "state", "location"):
        for rule in read_rules(f"{kind}s"):
            yield Term(rule["rule_id"], kind, rule["name"], laterality=rule.get("laterality", "")), rule["phrases"]
    for rule in read_rules("modifiers"):
        yield Term(rule["rule_id"], rule["kind"], rule["name"]), rule["phrases"]
    for rule in read_rules("triggers"):
        reach = int(rule["reach"] or 0)
        yield Term(rule["rule_id"], "trigger", rule["name"], side=rule["side"], reach=reach), rule["phrases"]
