"""From signals to a case: how uncertain it is, how rare what is in question, and both as one priority.

uncertainty   u = 1 - prod(1 - weight · strength), over the rules that fired
rarity        r = ln(1 / p) / ln(1000), 0 to 1, of the rarest finding in question, with p = (k + 1/2) / (n + 1) its
              share of the task's population: an inverse document frequency (Spärck Jones 1972) that is 1 for what
              one in a thousand has, whatever the size of the collection (Jeffreys' p, for small ones)
priority      u + rarity_weight · r · (1 - u)
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from curation.records import Case, Task
from curation.store import digest
from labeling.mining.lexicon import read_rules
from labeling.routing.signals import Signal

_RAREST = 1000
"""What one in so many has is as rare as anything."""
_MOST_NAMED = 3
"""Findings that a reason names."""


@dataclass(frozen=True)
class RouteRule:
    """A row of ``rules/routing.tsv``."""

    rule_id: str
    task: str
    weight: float
    reason: str


@dataclass(frozen=True)
class Prevalence:
    """How many subjects a task's population has, and how many of them have each finding, label or mask."""

    n: int
    counts: Mapping[str, int]

    def rarity(self, finding: str) -> float:
        """0 to 1; of what nobody counts, 0: it is not known to be rare.

        >>> Prevalence(1999, {"common": 1999, "rare": 1}).rarity("common")
        0.0
        """
        if finding not in self.counts:
            return 0.0
        share = (self.counts[finding] + 0.5) / (self.n + 1)
        return round(min(1.0, max(0.0, math.log(1 / share) / math.log(_RAREST))), 4) + 0.0


@cache
def route_rules() -> dict[str, RouteRule]:
    """The rules by id."""
    return {
        row["rule_id"]: RouteRule(row["rule_id"], row["task"], float(row["weight"]), row["reason"])
        for row in read_rules("routing")
    }


def case_id_of(task: Task, subject_id: str) -> str:
    """There is one case of a task about a subject."""
    return digest(task, subject_id)[:24]


def make_case(
    task: Task, subject: tuple[str, str], signals: Iterable[Signal], prevalence: Prevalence, rarity_weight: float
) -> Case:
    """The case of a subject (its id and its patient's), of which at least one rule fires."""
    merged = merge(signals)
    calm = math.prod(1 - route_rules()[one.rule_id].weight * one.strength for one in merged)
    findings = tuple(sorted({finding for one in merged for finding in one.findings}))
    uncertainty, rarity = 1 - calm, max(map(prevalence.rarity, findings), default=0.0)
    subject_id, patient_id = subject
    return Case(
        case_id=case_id_of(task, subject_id),
        task=task,
        subject_id=subject_id,
        patient_id=patient_id,
        priority=round(uncertainty + rarity_weight * rarity * calm, 4),
        uncertainty=round(uncertainty, 4),
        rarity=rarity,
        findings=findings,
        rule_ids=tuple(one.rule_id for one in merged),
        reasons=tuple(reason(one) for one in merged),
    )


def merge(signals: Iterable[Signal]) -> list[Signal]:
    """One signal of each rule, in their order: the strongest, with the findings of all."""
    merged: dict[str, Signal] = {}
    for one in signals:
        other = merged.get(one.rule_id, one)
        findings = tuple(sorted({*one.findings, *other.findings}))
        merged[one.rule_id] = Signal(one.rule_id, max(one.strength, other.strength), findings)
    return [merged[rule_id] for rule_id in sorted(merged)]


def reason(signal: Signal) -> str:
    """The rule in plain words.

    >>> reason(Signal("route.hedged", 1.0, ("Pleural Effusion", "edema", "lung_nodule", "fracture")))
    'the report hedges about pleural effusion, edema, lung nodule and 1 more'
    """
    return route_rules()[signal.rule_id].reason.format(findings=_listed(signal.findings))


def _listed(findings: tuple[str, ...]) -> str:
    words = [finding.replace("_", " ").lower() for finding in findings[:_MOST_NAMED]]
    more = len(findings) - len(words)
    words += [f"{more} more"] if more else []
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
