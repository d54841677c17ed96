"""Label sets: what published datasets call the findings of a report, and the state that its mentions give each label.

All sets are data (``rules/labels``): names in their published order and spelling, and one table a part from finding to
label. As in CheXpert (Irvin 2019) a label is present if any of its mentions is, else uncertain if any is, else absent
if any is, else not mentioned. The label for no finding is 1 when no other label but the spared ones is present or
uncertain, and null otherwise; a report that holds nothing but history says neither. In a tree (PadChest, Bustos 2020)
a label is as present or as uncertain as any label below it; that one is absent says nothing of what stands above.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from curation.errors import IntegrityError, UsageError
from curation.records import Assertion
from labeling.labels.near import nearest
from labeling.mining.lexicon import read_rules

State = int | None
"""1 present, 0 absent, -1 uncertain, None not mentioned."""
Decided = dict[str, tuple[State, tuple[int, ...]]]
"""A state for each label of a set, and the positions of the mentions that decided it."""

_ABSENT, _UNCERTAIN, _PRESENT = 1, 2, 3
"""Ranks: the highest that a label's mentions give it decides."""
_STATES = (None, 0, -1, 1)
_RANKS = {Assertion.ABSENT: _ABSENT, Assertion.UNCERTAIN: _UNCERTAIN, Assertion.PRESENT: _PRESENT}
_UNSAID: tuple[State, tuple[int, ...]] = (None, ())
_SAYS_PRESENT, _SAYS_ABSENT = Assertion.PRESENT, Assertion.ABSENT
_CHEXPERT = "chexpert"


class Given(NamedTuple):
    """What one mention of a finding gives: whether it denies that there is no finding, and a rank for each label."""

    denies: bool
    ranks: tuple[tuple[str, int], ...]


Reach = Mapping[str, Given]
"""What a mention of each finding gives."""
_NOTHING = Given(False, ())


@dataclass(frozen=True)
class LabelSet:
    """Labels of a published dataset, and how findings give them.

    ``present``, ``uncertain`` and ``absent`` say what a mention so asserted reaches; ``parents`` has each label that
    stands below others.
    """

    name: str
    source: str
    labels: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    no_finding: str
    """The label of a report that names none of the others; empty where the set has no such label."""
    spared: frozenset[str]
    """Labels that do not deny ``no_finding``."""
    present: Reach
    uncertain: Reach
    absent: Reach
    unsaid: Mapping[str, tuple[State, tuple[int, ...]]]
    """What a report says that mentions nothing."""


def states(label_set: LabelSet, mentions: Iterable[tuple[str, Assertion]], examined: bool) -> Decided:
    """State of each label of a set, in its order, and the positions of the mentions that decided it.

    ``mentions`` are findings with their assertions, in any order and of this examination only; ``examined`` says
    whether the report speaks of the examination at all. A finding that no label of the set names is passed over.
    """
    present, absent, uncertain = label_set.present, label_set.absent, label_set.uncertain
    decided = dict(label_set.unsaid)
    best: dict[str, int] = {}
    denied = not (examined and label_set.no_finding)
    for position, (finding, assertion) in enumerate(mentions):
        reach = present if assertion is _SAYS_PRESENT else absent if assertion is _SAYS_ABSENT else uncertain
        denies, ranks = reach.get(finding, _NOTHING)
        denied = denied or denies
        for label, rank in ranks:
            other = best.get(label, 0)
            if rank > other:
                best[label] = rank
                decided[label] = (_STATES[rank], (position,))
            elif rank == other:
                decided[label] = (_STATES[rank], (*decided[label][1], position))
    if not denied:
        decided[label_set.no_finding] = (1, ())
    return decided


def chexpert(mentions: Iterable[tuple[str, Assertion]], examined: bool) -> Decided:
    """State of each CheXpert-14 label, and positions of the mentions that decided it; see ``states``."""
    return states(label_set(_CHEXPERT), mentions, examined)


@cache
def label_set(name: str) -> LabelSet:
    """A label set by its name; raises UsageError where there is none of that name."""
    sets = {row["name"]: row for row in read_rules("labels/sets")}
    if name not in sets:
        raise UsageError(f"expected a label set, one of {', '.join(sets)}; got an unknown name{nearest(name, sets)}")
    row = sets[name]
    names = [rule for rule in read_rules("labels/names") if rule["part"] in _words(row["shows"])]
    labels = tuple(rule["label"] for rule in names)
    parents = {rule["label"]: _words(rule["parents"]) for rule in names if rule["parents"]}
    spared = frozenset(_words(row["spared"]))
    ranks = _ranks(name, _words(row["reads"]), parents)
    reaches = {said: _reach(reached, frozenset(labels), spared) for said, reached in ranks.items()}
    return LabelSet(
        name=name,
        source=row["source"],
        labels=labels,
        parents=parents,
        no_finding=row["no_finding"],
        spared=spared,
        present=reaches[Assertion.PRESENT],
        uncertain=reaches[Assertion.UNCERTAIN],
        absent=reaches[Assertion.ABSENT],
        unsaid=dict.fromkeys(labels, _UNSAID),
    )


def label_sets() -> tuple[LabelSet, ...]:
    """All label sets, in the order of ``rules/labels/sets.tsv``."""
    return tuple(label_set(row["name"]) for row in read_rules("labels/sets"))


def giving(label_set: LabelSet) -> dict[str, tuple[str, ...]]:
    """By label, the findings that may give it, those below it included."""
    findings: dict[str, list[str]] = {label: [] for label in label_set.labels}
    for finding, given in label_set.present.items():
        for label, _ in given.ranks:
            findings[label].append(finding)
    return {label: tuple(found) for label, found in findings.items()}


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split("|") if word.strip())


def _ranks(
    name: str, parts: tuple[str, ...], parents: Mapping[str, tuple[str, ...]]
) -> dict[Assertion, dict[str, dict[str, int]]]:
    """By assertion and finding, the rank that it gives each label, those above it included."""
    known = {rule["label"] for rule in read_rules("labels/names") if rule["part"] in parts}
    ranks: dict[Assertion, dict[str, dict[str, int]]] = {said: defaultdict(dict) for said in Assertion}
    for rule in (rule for part in parts for rule in read_rules(f"labels/{part}")):
        if rule["label"] not in known:
            raise IntegrityError(f"label set {name}: rule {rule['rule_id']} gives a label that names.tsv lacks")
        for said, label, rank in _given(rule, parents):
            given = ranks[said][rule["finding"]]
            given[label] = max(rank, given.get(label, 0))
    return ranks


def _given(rule: Mapping[str, str], parents: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Assertion, str, int]]:
    """What one rule gives for each assertion.

    That a finding is absent says nothing of a label that it makes no more than uncertain, nor where the rule says so.
    """
    most = _RANKS[Assertion(rule["most"])]
    if most == _PRESENT and not rule.get("absence"):
        yield Assertion.ABSENT, rule["label"], _ABSENT
    for label in _with_parents(rule["label"], parents):
        yield Assertion.UNCERTAIN, label, _UNCERTAIN
        yield Assertion.PRESENT, label, most


def _with_parents(label: str, parents: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A label and all above it; one above it by two ways comes twice."""
    yield label
    for parent in parents.get(label, ()):
        yield from _with_parents(parent, parents)


def _reach(ranks: Mapping[str, Mapping[str, int]], shown: frozenset[str], spared: frozenset[str]) -> Reach:
    """What mentions of one assertion give, of the labels that the set shows; all labels may deny ``no_finding``."""
    return {
        finding: Given(
            any(rank > _ABSENT and label not in spared for label, rank in given.items()),
            tuple((label, rank) for label, rank in given.items() if label in shown),
        )
        for finding, given in ranks.items()
    }


CHEXPERT_14 = label_set(_CHEXPERT).labels
