"""Labels of a report from those of its nearest: a weighted vote for each label, with the reports that decided it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from labeling.labels.sets import State
from labeling.similar.index import Neighbour


class Vote(NamedTuple):
    """What the near reports say of a label."""

    state: State
    share: float
    """Share of all weight that voted so, in (0, 1]."""
    evidence: tuple[str, ...]
    """Reports that voted so, nearest first."""


def transfer(
    neighbours: Iterable[Neighbour], labels: Mapping[str, Mapping[str, State]], near: float = 0.5
) -> dict[str, Vote]:
    """A vote for each label of the neighbours that are at least ``near``, each with its similarity as its weight.

    ``labels`` gives each report the states of its labels; a report without them does not vote, and a label that a
    report has not is not mentioned there. Of states with the same weight the nearest report's wins. The answer is empty
    where nobody votes: no report is near enough to say anything.
    """
    voters = sorted(
        (one for one in neighbours if one.similarity >= max(near, 1e-12) and one.report_id in labels),
        key=lambda one: -one.similarity,
    )
    names = dict.fromkeys(label for one in voters for label in labels[one.report_id])
    return {label: _vote(voters, [labels[one.report_id].get(label) for one in voters]) for label in names}


def _vote(voters: Sequence[Neighbour], states: Sequence[State]) -> Vote:
    weights: dict[State, float] = {}
    for one, state in zip(voters, states, strict=True):
        weights[state] = weights.get(state, 0.0) + one.similarity
    won = max(weights, key=lambda state: weights[state])  # the first of the highest: the nearest's
    evidence = tuple(one.report_id for one, state in zip(voters, states, strict=True) if state == won)
    return Vote(won, weights[won] / sum(weights.values()), evidence)
