"""Which anatomy labels a finding lies in: ``rules/homes.tsv`` and ``rules/grounding.tsv``.

A finding has a home (pneumonia: lung), and a rule speaks of homes and places: lung, lower lobe, left → "lung lower lobe
left", or what comes nearest among the labels that a view has. Labels are those of ``projection/anatomy/labels.tsv``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache

from labeling.mining.lexicon import read_rules

ANY = "*"
NAMED = "named"
"""The home of anatomy that a sentence names without a finding."""

Alternatives = tuple[tuple[str, ...], ...]
"""Labels that are marked together, first choice first."""


@dataclass(frozen=True)
class GroundRule:
    """A row of ``rules/grounding.tsv``."""

    rule_id: str
    homes: frozenset[str]
    places: frozenset[str]
    sided: Alternatives
    unsided: Alternatives


@cache
def ground_rules() -> tuple[GroundRule, ...]:
    """The rules, in order."""
    return tuple(
        GroundRule(
            rule_id=row["rule_id"],
            homes=frozenset(row["homes"].split()),
            places=frozenset(row["places"].split()),
            sided=_alternatives(row["sided"]),
            unsided=_alternatives(row["unsided"]),
        )
        for row in read_rules("grounding")
    )


def _alternatives(cell: str) -> Alternatives:
    return tuple(tuple(label.strip() for label in group.split("+")) for group in cell.split("|"))


@cache
def homes() -> dict[str, str]:
    """Finding to the part of the body where it is at home."""
    return {row["finding"]: row["home"] for row in read_rules("homes")}


def rules_for(finding: str, location: Iterable[str]) -> tuple[GroundRule, ...]:
    """The rules that place a finding; none for a finding that no table knows."""
    home = homes().get(finding)
    return rules_at(home, frozenset(location)) if home else ()


@lru_cache(maxsize=4096)
def rules_at(home: str, location: frozenset[str]) -> tuple[GroundRule, ...]:
    """The rules of a home: one that no place overrides, else those of the places, else the home's default.

    A place is used once, by the first rule that names it: "posterior 5th rib" is not also a 5th rib at large.
    """
    about = [rule for rule in ground_rules() if home in rule.homes or ANY in rule.homes]
    fixed = [rule for rule in about if ANY in rule.places]
    if fixed:
        return tuple(fixed[:1])
    used, chosen = set[str](), []
    for rule in about:
        if rule.places and rule.places <= location and not rule.places <= used:
            used |= rule.places
            chosen.append(rule)
    return tuple(chosen or [rule for rule in about if not rule.places][:1])


def labels_for(rule: GroundRule, laterality: str, available: Mapping[str, object]) -> list[str]:
    """The labels of the first alternative that a view has masks for, on each side that is meant; may be empty.

    A label with ``*`` stands for all labels of the view that fit it: "* rib left" for every rib of that side.
    """
    if not laterality:
        return _first(rule.unsided, available)
    sides = ("left", "right") if laterality == "bilateral" else (laterality,)
    labels = []
    for side in sides:
        sided = tuple(tuple(label.format(side=side) for label in group) for group in rule.sided)
        labels += _first(sided, available)
    return labels


def _first(alternatives: Alternatives, available: Mapping[str, object]) -> list[str]:
    for group in alternatives:
        labels = [_fitting(label, available) for label in group]
        if all(labels):
            return [one for fitting in labels for one in fitting]
    return []


def _fitting(label: str, available: Mapping[str, object]) -> list[str]:
    if ANY in label:
        return [one for one in available if fnmatchcase(one, label)]
    return [label] if label in available else []
