"""What is uncertain about one subject: each signal names a rule of ``rules/routing.tsv`` and how strongly it fires.

Pure functions from rows to signals; strengths are 0 to 1, findings are those in question.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import product, starmap
from typing import NamedTuple

from curation.records import (
    Agreement,
    Assertion,
    CtMeasurement,
    CtQuality,
    MaskQuality,
    Measurement,
    Mention,
    ViewQuality,
)
from labeling.labels.sets import State, giving, label_set

HEDGED = "route.hedged"
UNDECIDED = "route.undecided"
CONFLICT = "route.conflict"
SECTIONS = "route.sections"
VAGUE = "route.vague"
SEVERAL = "route.several"
MASK_QUALITY = "route.mask_quality"
DISAGREEMENT = "route.disagreement"
IMAGE_REPORT = "route.image_report"
REPORT_UNDECIDED = "route.report_undecided"
FAINT = "route.faint"
VIEW_QUALITY = "route.view_quality"
CT_QUALITY = "route.ct_quality"
NEAR_THRESHOLD = "route.near_threshold"
FILM_CT = "route.film_ct"
FILM_FAR = "route.film_far"
READERS_SPLIT = "route.readers_split"

UMBRELLA = "Lung Opacity"
"""The CheXpert label of all that is opaque (Irvin 2019): a word that gives it may mean several others."""
_NOT_COUNTED = frozenset(("No Finding", "Support Devices"))
_FAINT = frozenset(("mild", "small", "borderline"))
"""Severities of what is easily missed."""
_ONE_MORE = 0.6
"""What is left of certainty with each further label that a report affirms."""
_OF_NO_USE = frozenset(("view_mirrored", "view_upside_down", "view_no_lungs"))
"""What is wrong with a whole view: there no mask is to be corrected, its input is."""
_MOST_MASKS = 10
"""Masks of a view that a reader is asked about at once, those most worth correcting."""
_SIZED = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution."""
_FAR = 3.5
"""Modified z score of an outlier: Iglewicz and Hoaglin 1993."""
_FEWEST_PAIRS = 10
"""Pairs of film and CT below which a measure's own error is not known."""


class Signal(NamedTuple):
    """A rule that fires for a subject."""

    rule_id: str
    strength: float
    findings: tuple[str, ...] = ()


def _more(count: int) -> float:
    """More findings ask louder: 0.5, 0.75, 0.875 …"""
    return 1 - 0.5**count


# --- reports ---------------------------------------------------------------------------------------------


def of_mentions(mentions: Iterable[Mention]) -> list[Signal]:
    """What a report's mentions of this examination ask: hedges, contradictions, sections that differ, vague words."""
    said: dict[tuple[str, Assertion], list[Mention]] = defaultdict(list)
    for mention in mentions:
        said[mention.finding, mention.assertion].append(mention)
    found = {
        HEDGED: {finding for finding, assertion in said if assertion is Assertion.UNCERTAIN},
        CONFLICT: {
            finding
            for finding, assertion in said
            if assertion is Assertion.PRESENT
            and any(starmap(_contradict, product(said[finding, assertion], said.get((finding, Assertion.ABSENT), []))))
        },
        SECTIONS: _between_sections(said),
        VAGUE: {finding for finding, assertion in said if assertion is Assertion.PRESENT and finding in _vague()},
    }
    return [Signal(rule_id, _more(len(names)), tuple(sorted(names))) for rule_id, names in found.items() if names]


def _contradict(present: Mention, absent: Mention) -> bool:
    """Whether both can not be true: "no large effusion" leaves room for a small one, "no left" for a right one."""
    if absent.severity or (absent.location and absent.location != present.location):
        return False
    return not absent.laterality or absent.laterality == present.laterality


def _between_sections(said: Mapping[tuple[str, Assertion], Sequence[Mention]]) -> set[str]:
    """Findings that one of findings and impression affirms and the other does not, where both affirm any."""
    affirmed: dict[str, set[str]] = {"findings": set(), "impression": set()}
    for (finding, assertion), mentions in said.items():
        for mention in mentions:
            if assertion is Assertion.PRESENT and mention.section in affirmed:
                affirmed[mention.section].add(finding)
    here, there = affirmed.values()
    return here ^ there if here and there else set()


@cache
def _vague() -> frozenset[str]:
    """Findings that give the umbrella label and no other."""
    by_label = giving(label_set("chexpert"))
    named = {finding for label, findings in by_label.items() if label != UMBRELLA for finding in findings}
    return frozenset(by_label[UMBRELLA]) - named


def of_labels(states: Mapping[str, State]) -> list[Signal]:
    """What a report's CheXpert labels ask: those that nothing settles, and how many it affirms."""
    affirmed = sorted(label for label, state in states.items() if state == 1 and label not in _NOT_COUNTED)
    signals = undecided(states, UNDECIDED)
    if len(affirmed) > 1:
        signals.append(Signal(SEVERAL, 1 - _ONE_MORE ** (len(affirmed) - 1), tuple(affirmed)))
    return signals


def undecided(states: Mapping[str, State], rule_id: str, settled: Collection[str] = ()) -> list[Signal]:
    """Labels that the report leaves open and nobody else has ``settled``, as a signal of that rule."""
    labels = sorted(label for label, state in states.items() if state == -1 and label not in settled)
    return [Signal(rule_id, _more(len(labels)), tuple(labels))] if labels else []


def faint(mentions: Iterable[Mention]) -> list[Signal]:
    """Findings that the report of an image affirms and calls small or slight: another reader may miss them."""
    found = {row.finding for row in mentions if row.assertion is Assertion.PRESENT and row.severity in _FAINT}
    return [Signal(FAINT, _more(len(found)), tuple(sorted(found)))] if found else []


# --- views, their masks and objects ----------------------------------------------------------------------


def of_masks(view: ViewQuality, masks: Iterable[MaskQuality]) -> list[Signal]:
    """Masks of a view that are worth correcting, unless the view as a whole is of no use."""
    flawed = sorted((row for row in masks if row.priority > 0), key=lambda row: (-row.priority, row.label))
    if not flawed or _OF_NO_USE & {*view.reasons}:
        return []
    calm = math.prod(1 - row.priority for row in flawed)
    return [Signal(MASK_QUALITY, 1 - calm, tuple(sorted(row.label for row in flawed[:_MOST_MASKS])))]


def of_quality(view: ViewQuality, ct: CtQuality, least: float) -> list[Signal]:
    """What a view asks that scores less than ``least``; a poor CT adds to it, and makes no case by itself."""
    if view.score >= least:
        return []
    signals = [Signal(VIEW_QUALITY, 1 - view.score / least, tuple(sorted(view.absent)))]
    if ct.score < least:
        signals.append(Signal(CT_QUALITY, 1 - ct.score / least))
    return signals


def of_agreement(agreement: Iterable[Agreement], label: str, least: float) -> list[Signal]:
    """How far the worst pair of readers of an object is below the least accepted Dice coefficient."""
    worst = min((row.dice for row in agreement), default=1.0)
    return [Signal(DISAGREEMENT, 1 - worst / least, (label,))] if worst < least else []


def against_report(shown: Mapping[str, bool], states: Mapping[str, State]) -> list[Signal]:
    """Labels that the image shows and the report of its study denies, or the other way round."""
    differing = sorted(label for label, is_there in shown.items() if states.get(label) == (0 if is_there else 1))
    return [Signal(IMAGE_REPORT, _more(len(differing)), tuple(differing))] if differing else []


# --- measurements ----------------------------------------------------------------------------------------


def near_threshold(measurements: Iterable[Measurement], margin: float) -> list[Signal]:
    """Measurements of a view within ``margin``, a share of the limit, of one; the nearest decides how strongly."""
    near: dict[str, float] = {}
    for row in measurements:
        for limit in row.thresholds:
            if row.value is not None and limit and (distance := abs(row.value - limit) / abs(limit)) <= margin:
                near[row.measure] = max(near.get(row.measure, 0.0), 1 - distance / margin if margin else 1.0)
    return [Signal(NEAR_THRESHOLD, max(near.values()), tuple(sorted(near)))] if near else []


class Pair(NamedTuple):
    """One measurement on a film and on the CT behind it, in the same unit."""

    film: Measurement
    value: float
    truth: float

    @property
    def turned(self) -> bool:
        """Whether a limit lies between them."""
        return any((self.value >= limit) != (self.truth >= limit) for limit in self.film.thresholds)


def pairs(measurements: Iterable[Measurement], ct: Mapping[str, CtMeasurement]) -> list[Pair]:
    """Measurements of a view with their counterparts; ``ct`` are the CT's by measure."""
    found = []
    for film in measurements:
        other = ct.get(film.measure)
        if other and film.value is not None and other.value is not None and film.unit == other.unit:
            found.append(Pair(film, film.value, other.value))
    return found


class Usual(NamedTuple):
    """How a measure's films lie to their CTs: the median difference, and how far from it is still usual."""

    median: float
    far: float


def usual(found: Iterable[Pair]) -> dict[str, Usual]:
    """By measure, from all pairs of a collection; measures of fewer than ten pairs are left out."""
    differences: dict[str, list[float]] = defaultdict(list)
    for pair in found:
        differences[pair.film.measure].append(pair.value - pair.truth)
    return {name: _usual(values) for name, values in differences.items() if len(values) >= _FEWEST_PAIRS}


def _usual(differences: Sequence[float]) -> Usual:
    median = _median(differences)
    spread = _median([abs(value - median) for value in differences])
    return Usual(median, _FAR * _SIZED * spread)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def film_against_ct(found: Iterable[Pair], errors: Mapping[str, Usual], margin: float) -> list[Signal]:
    """Measurements of a view whose CT gives another verdict, or which are far from it for their measure.

    A turned verdict is certain where film and CT lie ``margin`` of the limit apart, and fainter where they are closer.
    """
    turned: dict[str, float] = {}
    far: dict[str, float] = {}
    for pair in found:
        name, least = pair.film.measure, margin * max(map(abs, pair.film.thresholds), default=0.0)
        apart = abs(pair.value - pair.truth)
        if pair.turned:
            turned[name] = min(1.0, apart / least) if least else 1.0
        elif name in errors and (off := abs(pair.value - pair.truth - errors[name].median)) > max(
            errors[name].far, least
        ):
            far[name] = 1 - max(errors[name].far, least) / off
    return [
        Signal(rule_id, max(by_measure.values()), tuple(sorted(by_measure)))
        for rule_id, by_measure in ((FILM_CT, turned), (FILM_FAR, far))
        if by_measure
    ]
