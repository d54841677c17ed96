"""Which rule costs most: the errors of labels against a gold standard, by the rules that made them.

A false positive is charged to the rules that named the finding and that decided its assertion. A miss is charged to the
rules whose mentions said absent or uncertain of it; a miss of which nothing was found, to the label itself.
"""

import json
from codecs import BOM_UTF8
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.errors import InputError, UsageError

NOTHING = "(nothing found)"
_NO_FINDING = frozenset(("No Finding", "No finding", "normal"))
UNEXPLAINED = "(run with --mentions)"
_RULES = {"rule_id", "assertion_rule_id"}


@dataclass(frozen=True)
class Score:
    """How often a label is right; ``f1`` is 0 where it is never asked for and never given."""

    label: str
    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the given ones that are right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 0.0

    @property
    def recall(self) -> float:
        """Share of the asked ones that are given."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        asked = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / asked if asked else 0.0


@dataclass(frozen=True)
class Charge:
    """What one rule cost and earned on one label."""

    rule_id: str
    label: str
    wrong: int
    missed: int
    right: int


@dataclass(frozen=True)
class Confusion:
    """Scores by label, over all of them, and the charges, dearest first."""

    n_reports: int
    scores: tuple[Score, ...]
    total: Score
    charges: tuple[Charge, ...]

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the labels that the gold standard holds at least once."""
        held = [score.f1 for score in self.scores if score.right + score.missed]
        return sum(held) / len(held) if held else 0.0


def read_gold(path: Path) -> dict[str, frozenset[str]]:
    """Positive labels by report: lines of ``{"id", "labels"}``, a list or states; or ``{"id", "gold": {"labels"}}``."""
    gold = {}
    for line in _lines(path, _is_gold):
        labels = line["gold"]["labels"] if "gold" in line else line["labels"]
        states = labels.items() if isinstance(labels, dict) else ((label, 1) for label in labels)
        gold[line["id"]] = frozenset(label for label, state in states if state == 1)
    if not gold:
        raise InputError(f"{path.name}: expected lines of gold labels; it has none")
    return gold


def confusion(mined: Path, gold: Path, uncertain_is_positive: bool) -> Confusion:
    """Hold the output of ``paxflow mine run`` against gold labels; a report that it lacks counts as empty.

    Raises InputError or UsageError where a file is not what it should be. Scored are labels that
    both know, but for the one of no finding: no rule decides it, and CheXpert-13 leaves it out.
    """
    truth = read_gold(gold)
    scored = {label for labels in truth.values() for label in labels} - _NO_FINDING
    known: set[str] = set()
    positive = {1, -1} if uncertain_is_positive else {1}
    counts: Counter[tuple[str, str]] = Counter()
    charges: Counter[tuple[str, str, str]] = Counter()
    seen = set()
    for line in _lines(mined, _is_mined):
        if line["id"] not in truth:
            continue
        seen.add(line["id"])
        here = scored & line["labels"].keys()
        known |= here
        given = {label for label in here if line["labels"][label] in positive}
        asked = truth[line["id"]] & here
        for label, outcome in _outcomes(given, asked):
            counts[label, outcome] += 1
            for rule_id in _charged(line, label, outcome):
                charges[rule_id, label, outcome] += 1
    if not seen:
        raise InputError(f"{mined.name}: expected reports that the gold labels are of; it has none of their ids")
    for report_id in truth.keys() - seen:
        counts.update((label, "missed") for label in truth[report_id] & known)
    return _summary(len(truth), counts, charges)


def _outcomes(given: set[str], asked: Iterable[str]) -> Iterator[tuple[str, str]]:
    asked = set(asked)
    yield from ((label, "right") for label in sorted(given & asked))
    yield from ((label, "wrong") for label in sorted(given - asked))
    yield from ((label, "missed") for label in sorted(asked - given))


def _charged(line: Mapping[str, Any], label: str, outcome: str) -> set[str]:
    """The rules behind one label of one report."""
    if "mentions" not in line:
        return {UNEXPLAINED}
    deciding = [mention for mention in line["mentions"] if label in mention["labels"]]
    rules = {mention["rule_id"] for mention in deciding}
    if outcome == "missed":
        rules = {f"{mention['rule_id']} by {mention['assertion_rule_id']}" for mention in deciding}
    return rules or {NOTHING}


def _summary(n_reports: int, counts: Counter[tuple[str, str]], charges: Counter[tuple[str, str, str]]) -> Confusion:
    def score(label: str) -> Score:
        return Score(label, *(counts[label, outcome] for outcome in ("right", "wrong", "missed")))

    scores = tuple(score(label) for label in sorted({label for label, _ in counts}))
    total = Score("all", *(sum(getattr(one, name) for one in scores) for name in ("right", "wrong", "missed")))
    by_rule: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (rule_id, label, outcome), count in charges.items():
        by_rule[rule_id, label][outcome] += count
    made = [
        Charge(rule_id, label, cost["wrong"], cost["missed"], cost["right"])
        for (rule_id, label), cost in by_rule.items()
        if cost["wrong"] or cost["missed"]
    ]
    dearest = sorted(made, key=lambda charge: (-charge.wrong - charge.missed, charge.rule_id, charge.label))
    return Confusion(n_reports, scores, total, tuple(dearest))


def _lines(path: Path, is_right: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """The objects of a file, each id once; an id that is a whole number becomes a string, as mining does with it."""
    seen = set()
    for number, text in enumerate(_read(path), 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            json.dumps(line, ensure_ascii=False).encode()  # escapes can spell half of a character
        except (ValueError, RecursionError):  # ValueError: also UnicodeError
            raise UsageError(f"{path.name}: expected JSON in UTF-8 in line {number}; it is none") from None
        if isinstance(line, dict) and type(line.get("id")) is int:
            line["id"] = str(line["id"])
        if not (isinstance(line, dict) and isinstance(line.get("id"), str) and is_right(line)):
            raise UsageError(f"{path.name}: expected an object with id and labels in line {number}; another came")
        if line["id"] in seen:
            raise UsageError(f"{path.name}: expected each id once; that of line {number} has come before")
        seen.add(line["id"])
        yield line


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from (line.removeprefix(BOM_UTF8) for line in file)
    except OSError:
        raise InputError(f"{path.name}: expected a file that can be read; the system refused") from None


def _is_gold(line: Mapping[str, Any]) -> bool:
    held = line.get("gold", line)
    labels = held.get("labels") if isinstance(held, dict) else None
    return _are_states(labels) or (isinstance(labels, list) and all(isinstance(label, str) for label in labels))


def _is_mined(line: Mapping[str, Any]) -> bool:
    mentions = line.get("mentions", [])
    return _are_states(line.get("labels")) and isinstance(mentions, list) and all(map(_is_mention, mentions))


def _are_states(labels: Any) -> bool:
    return isinstance(labels, dict) and all(state in (1, 0, -1, None) for state in labels.values())


def _is_mention(mention: Any) -> bool:
    return isinstance(mention, dict) and isinstance(mention.get("labels"), list) and mention.keys() >= _RULES
