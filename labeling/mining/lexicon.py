"""The lexicon: phrases as data (``rules/*.tsv``), found in one pass over a sentence's tokens, longest match first.

Phrases stand in a tree of tokens, not of characters: a match begins and ends at token boundaries, and case, white
space and hyphens between tokens do not matter. Phrases of one layer do not overlap; those of different layers may
("enlarged" in "no enlarged heart" is a state under a trigger). Few tokens begin a phrase, so that most cost one
look-up: faster than an automaton (Aho and Corasick 1975) for thousands of phrases. Millions of terms are matched by
``labeling.concepts``.
"""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from curation.errors import IntegrityError
from labeling.mining.spelling import Spelling

LAYERS = ("content", "modifier", "trigger", "context")
LAYER_OF = {
    "finding": 0,
    "subject": 0,
    "state": 0,
    "location": 1,
    "laterality": 1,
    "severity": 1,
    "trigger": 2,
    "context": 3,
}

_TOKEN = re.compile(r"\d+\.\d+|[^\W_]+|[,;:?]")
_CHOICE = re.compile(r"\{([^{}]*)\}|\[([^\[\]]*)\]")
_HERE = ""


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
    """For a trigger or a context word: ``after`` it, ``before`` it or on ``both`` sides lies its scope."""
    reach: int = 0
    """For a trigger or a context word: how many tokens its scope holds at most; 0 for the whole clause."""


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
    if text.isascii():
        return _TOKEN.findall(text.lower())
    return [word.lower() for word in _TOKEN.findall(text)]  # the lower case of a letter may be two


def token_spans(text: str) -> list[tuple[int, int]]:
    """Start and end offset of each of the ``tokens`` of a text."""
    return [found.span() for found in _TOKEN.finditer(text)]


class Found(NamedTuple):
    """The matches of a sentence by layer, each in order."""

    content: list[Match]
    modifier: list[Match]
    trigger: list[Match]
    context: list[Match]


class Lexicon:
    """All terms in one tree of tokens: a node maps the next token to a node, and ``_HERE`` to what ends at it."""

    def __init__(self, entries: Iterable[tuple[str, Term]]) -> None:
        """Build from phrases and their terms; raises IntegrityError if one phrase has two terms of one layer."""
        self._root: dict[str, Any] = {}
        self._spelling = Spelling()
        for phrase, term in entries:
            words = tokens(phrase)
            self._spelling.learn(words)
            node = self._root
            for word in words:
                node = node.setdefault(word, {})
            layer = LAYER_OF[term.kind]
            ending: dict[int, Term] = dict(node.get(_HERE, ()))
            other = ending.setdefault(layer, term)
            if other != term:
                raise IntegrityError(f"lexicon: rules {other.rule_id} and {term.rule_id} share a phrase")
            node[_HERE] = tuple(ending.items())

    def matches(self, words: Sequence[str]) -> Found:
        """Matches by layer; in a layer the leftmost wins, and of those the longest. Slips of spelling match too."""
        words = self._spelling.mend(words)
        found = Found([], [], [], [])
        free = [0] * len(LAYERS)  # where the last match of each layer ends
        begin, new = self._root.get, tuple.__new__
        following = [*words[1:], _HERE]
        for start, word in enumerate(words):
            node = begin(word)
            if node is None:
                continue
            if following[start] in node:
                endings = _endings(node, words, start + 1)
            elif _HERE in node:
                endings = ((start + 1, node[_HERE]),)
            else:
                continue
            for end, here in endings:
                for layer, term in here:
                    if start >= free[layer]:
                        free[layer] = end
                        found[layer].append(new(Match, (start, end, term)))
        return found


def _endings(
    node: dict[str, Any], words: Sequence[str], end: int
) -> Iterable[tuple[int, tuple[tuple[int, Term], ...]]]:
    """The phrases that the words before ``end`` have begun: where each ends, its terms by layer, longest first."""
    endings: list[tuple[int, tuple[tuple[int, Term], ...]]] = []
    size = len(words)
    while True:
        if _HERE in node:
            endings.append((end, node[_HERE]))
        if end == size or words[end] not in node:
            return reversed(endings)
        node = node[words[end]]
        end += 1


@cache
def chest_lexicon() -> Lexicon:
    """The lexicon of chest imaging that ships."""
    return Lexicon(_chest_entries())


def chest_phrases() -> list[tuple[str, str]]:
    """Every phrase that names a finding by itself, with the finding, plurals included."""
    return [(phrase, term.name) for phrase, term in _chest_entries() if term.kind == "finding"]


def _chest_entries() -> list[tuple[str, Term]]:
    """Phrases as written, and the plurals of nouns where no rule says otherwise ("bases" are both)."""
    written = [(phrase, term) for term, cell in _chest_terms() for phrase in expand(cell)]
    taken = {(LAYER_OF[term.kind], phrase) for phrase, term in written}
    nouns = [(plural(phrase), term) for phrase, term in written if term.kind in ("finding", "subject", "location")]
    return written + [(phrase, term) for phrase, term in nouns if (LAYER_OF[term.kind], phrase) not in taken]


def _chest_terms() -> Iterator[tuple[Term, str]]:
    for kind in ("finding", "subject", "state", "location"):
        for rule in read_rules(f"{kind}s"):
            yield Term(rule["rule_id"], kind, rule["name"], laterality=rule.get("laterality", "")), rule["phrases"]
    for rule in read_rules("context"):
        reach = int(rule["reach"] or 0)
        yield Term(rule["rule_id"], "context", rule["name"], side=rule["side"], reach=reach), rule["phrases"]
    for rule in read_rules("modifiers"):
        yield Term(rule["rule_id"], rule["kind"], rule["name"]), rule["phrases"]
    for rule in read_rules("triggers"):
        reach = int(rule["reach"] or 0)
        yield Term(rule["rule_id"], "trigger", rule["name"], side=rule["side"], reach=reach), rule["phrases"]
