"""What other labelers and models make uncertain: opinions against ours, against each other, and against one half."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from curation.records import Opinion
from labeling.labels.sets import State
from labeling.routing.signals import Signal

LABELERS = "route.labelers"
REPORT_MODEL = "route.report_model"
MODEL_REPORT = "route.model_report"
OPINIONS = "route.opinions"
MODEL = "route.model"
REPORT_MODEL_LEANS = "route.report_model_leans"
MODEL_LEANS = "route.model_leans"

_CONTRADICTED, _HEDGED, _UNMENTIONED = 1.0, 0.6, 0.5
"""How strongly two states differ: present and absent; uncertain and sure; said and not mentioned."""
_LEANS = 0.25
"""Bits of entropy from which a model's lead is not beyond doubt: probabilities of 0.04 to 0.96."""


class Rules(NamedTuple):
    """The rules that opinions fire, of one kind of subject."""

    differing: str
    undecided: str
    leaning: str


ON_REPORTS = Rules(LABELERS, REPORT_MODEL, REPORT_MODEL_LEANS)
ON_IMAGES = Rules(OPINIONS, MODEL, MODEL_LEANS)


def entropy(probability: float) -> float:
    """Shannon entropy of a model's two states in bits: 0 sure, 1 undecided.

    >>> entropy(0.5), entropy(0.0)
    (1.0, 0.0)
    """
    return sum(-p * math.log2(p) for p in (probability, 1 - probability) if p > 0)


def apart(one: State, other: State) -> float:
    """How strongly two states of a label differ, 0 to 1; a label that is absent is as good as not mentioned."""
    if one == other or {one, other} == {0, None}:
        return 0.0
    if {one, other} == {0, 1}:
        return _CONTRADICTED
    return _UNMENTIONED if None in (one, other) else _HEDGED


def of_opinions(opinions: Iterable[Opinion], ours: Mapping[str, State], rules: Rules, margin: float) -> list[Signal]:
    """What opinions about one subject ask: labels on which sources differ, and those of which a model is unsure.

    ``ours`` are our own labels of the subject, one source among the others; empty for an image. A model is undecided
    where its lead, ``|2p - 1|``, is less than ``margin``, and then it contradicts nobody; it leans where it leads by
    more and is not beyond doubt. How unsure it is says the entropy of its probability.
    """
    said: dict[str, list[State]] = defaultdict(list)
    undecided: dict[str, float] = {}
    leaning: dict[str, float] = {}
    for opinion in opinions:
        doubt = entropy(opinion.probability) if opinion.probability is not None else 0.0
        sure = is_sure(opinion, margin)
        if sure:
            said[opinion.label].append(opinion.state)
        if doubt >= _LEANS:
            unsure = leaning if sure else undecided
            unsure[opinion.label] = max(unsure.get(opinion.label, 0.0), doubt)
    for label in ours.keys() & said.keys():
        said[label].append(ours[label])
    differing = {label: most / 2 for label, states in said.items() if (most := _most_apart(states))}
    return [
        Signal(rule_id, 1 - math.prod(1 - by_label[label] for label in sorted(by_label)), tuple(sorted(by_label)))
        for rule_id, by_label in zip(rules, (differing, undecided, leaning), strict=True)
        if by_label
    ]


def is_sure(opinion: Opinion, margin: float) -> bool:
    """Whether a labeler said it, or a model whose lead is no less than the margin."""
    return opinion.probability is None or abs(2 * opinion.probability - 1) >= margin


def settled(opinions: Iterable[Opinion]) -> set[str]:
    """Labels of which a model is beyond doubt."""
    return {one.label for one in opinions if one.probability is not None and entropy(one.probability) < _LEANS}


def _most_apart(states: Iterable[State]) -> float:
    distinct = list(dict.fromkeys(states))
    return max((apart(one, other) for one in distinct for other in distinct), default=0.0)


def against_report(opinions: Iterable[Opinion], states: Mapping[str, State], margin: float) -> list[Signal]:
    """Labels that a source is sure to see on an image, or not to see, while the study's report says otherwise."""
    differing = sorted(
        {
            opinion.label
            for opinion in opinions
            if is_sure(opinion, margin) and {opinion.state, states.get(opinion.label)} == {0, 1}
        }
    )
    return [Signal(MODEL_REPORT, 1 - 0.5 ** len(differing), tuple(differing))] if differing else []
