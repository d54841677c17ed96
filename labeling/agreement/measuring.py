"""How well readers agree: a coefficient with its interval for each question, over all readers, by pair and by reader.

Compared are the reads that vote, each reader's latest of a subject. A question's coefficients come from sums over
cases, so all draws of patients are one product of matrices. ``(all)`` over questions is the mean of those in which a
coefficient is defined, each question alike. Point distances are in pixels, and less is better.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.records import ReaderAgreement, Task
from curation.settings import DecideSettings
from curation.store import digest
from labeling.agreement.boxes import matched
from labeling.agreement.coefficients import (
    MISSING,
    Coefficient,
    Floats,
    Ints,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    many,
    mean,
    pair,
    pair_ac1,
    pair_percent,
    percent,
)
from labeling.agreement.intervals import by_patient, draws, interval, mean_of
from labeling.agreement.masks import dice
from labeling.agreement.merging import Subject, boxes_of, one_mask
from labeling.agreement.questions import ABSENT, PRESENT, Said, options

ALL, SELF, GOLD = "(all)", "(self)", "(gold)"
_OF_MANY: dict[str, Coefficient] = {
    "percent": percent,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
}
_OF_TWO: dict[str, Coefficient] = {"percent": pair_percent, "cohen_kappa": cohen_kappa, "gwet_ac1": pair_ac1}
_DECIMALS = 4
Who = tuple[str, str]
"""reader_a and reader_b."""
Checks = Mapping[tuple[str, str], Sequence[tuple[str, str, bool]]]
"""By reader and ``(self)`` or ``(gold)``: subject, question, and whether the answer was the same."""


class Sample(NamedTuple):
    """Statistics of every case ``(cases, statistics)`` on one question, and the coefficients that they give."""

    who: Who
    statistics: Floats
    coefficients: Mapping[str, Coefficient]


@dataclass
class Measured:
    """One coefficient of several questions, for their mean."""

    values: list[float] = field(default_factory=list)
    drawn: list[Floats] = field(default_factory=list)
    cases: list[NDArray[np.bool_]] = field(default_factory=list)


@dataclass(frozen=True)
class Cohort:
    """The cases that are compared, each with its patient, and the draws of patients."""

    subject_ids: tuple[str, ...]
    patients: Ints
    """Number of each case's patient."""
    times: Floats
    """Of each draw and patient."""

    @cached_property
    def place(self) -> dict[str, int]:
        """Number of a case."""
        return {subject_id: number for number, subject_id in enumerate(self.subject_ids)}


def agreement(
    task: Task, units: Sequence[Subject], checks: Checks, patients: Mapping[str, str], settings: DecideSettings
) -> Iterator[ReaderAgreement]:
    """All rows of one task; ``patients`` names the patient of every subject of ``units`` and ``checks``."""
    cohort = _cohort(task, patients, settings.bootstrap)
    pooled: dict[tuple[str, Who], Measured] = defaultdict(Measured)
    for question, samples in _by_question(task, units, checks, cohort, settings):
        yield from _rows(task, question, samples, cohort, pooled)
    for (measure, who), found in sorted(pooled.items()):
        drawn = mean_of(np.stack(found.drawn))
        n = int(np.logical_or.reduce(found.cases).sum())
        value = float(mean_of(np.array(found.values)))
        yield _row(task, (ALL, measure, who), value, drawn, n)


def _cohort(task: Task, patients: Mapping[str, str], n_draws: int) -> Cohort:
    names = sorted(set(patients.values()))
    number = {name: place for place, name in enumerate(names)}
    ordered = tuple(sorted(patients))
    numbers = np.array([number[patients[subject_id]] for subject_id in ordered], np.int64)
    seed = int(digest(task, sorted(patients.items()))[:16], 16)
    return Cohort(ordered, numbers, draws(len(names), n_draws, seed))


def _rows(
    task: Task,
    question: str,
    samples: Sequence[Sample],
    cohort: Cohort,
    pooled: dict[tuple[str, Who], Measured],
) -> Iterator[ReaderAgreement]:
    """Rows of one question; their draws are added to ``pooled``."""
    n_patients = cohort.times.shape[1]
    sums = by_patient(np.hstack([sample.statistics for sample in samples]), cohort.patients, n_patients)
    drawn_sums = cohort.times @ sums
    total = sums.sum(axis=0)
    start = 0
    for sample in samples:
        columns = slice(start, start + sample.statistics.shape[1])
        start = columns.stop
        cases = np.asarray(sample.statistics.any(axis=1))
        several = len(np.unique(cohort.patients[cases])) > 1  # one patient drawn again and again is no sample
        for measure, coefficient in sample.coefficients.items():
            value = float(coefficient(total[columns]))
            drawn = coefficient(drawn_sums[:, columns])
            drawn = drawn if several else np.full_like(drawn, np.nan)
            yield _row(task, (question, measure, sample.who), value, drawn, int(cases.sum()))
            found = pooled[measure, sample.who]
            found.values.append(value)
            found.drawn.append(drawn)
            found.cases.append(cases)


def _row(task: Task, name: tuple[str, str, Who], value: float, drawn: Floats, n: int) -> ReaderAgreement:
    question, measure, (reader_a, reader_b) = name
    ends = interval(drawn) if np.isfinite(value) else None
    low, high = ends or (None, None)
    return ReaderAgreement(
        task, question, measure, reader_a, reader_b, _rounded(value), _rounded(low), _rounded(high), n
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, _DECIMALS) + 0.0  # no -0.0


# --- samples -----------------------------------------------------------------------------------------------


def _by_question(
    task: Task, units: Sequence[Subject], checks: Checks, cohort: Cohort, settings: DecideSettings
) -> Iterator[tuple[str, list[Sample]]]:
    readers = sorted({name for unit in units for name in unit.votes})
    values = _values(units)
    n_options = options(task)
    overlaps = _overlaps(units, settings)
    checked = _checked(checks)
    for question in sorted({*values, *overlaps, *checked}):
        samples = [
            *_choices(values.get(question, {}), readers, cohort, n_options.get(question, 2)),
            *_means(overlaps.get(question, {}), cohort),
            *_means(checked.get(question, {}), cohort),
        ]
        if samples:
            yield question, samples


def _values(units: Iterable[Subject]) -> dict[str, dict[tuple[str, str], str]]:
    """By question, values by subject and reader; whether a finding has a span stands beside the questions."""
    values: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    findings = sorted({name for unit in units for said in unit.votes.values() for name in said.spans})
    for unit in units:
        for reader, said in unit.votes.items():
            for question, value in said.values.items():
                values[question][unit.subject_id, reader] = value
            for finding in findings:
                values[finding][unit.subject_id, reader] = PRESENT if finding in said.spans else ABSENT
    return values


def _choices(
    values: Mapping[tuple[str, str], str], readers: Sequence[str], cohort: Cohort, n_options: int
) -> Iterator[Sample]:
    numbers = {value: number for number, value in enumerate(sorted(set(values.values())))}
    n_values = max(len(numbers), n_options)
    column = {reader: number for number, reader in enumerate(readers)}
    codes = np.full((len(cohort.subject_ids), len(readers)), MISSING, np.int64)
    for (subject_id, reader), value in values.items():
        codes[cohort.place[subject_id], column[reader]] = numbers[value]
    overall = many(codes, n_values)
    if not overall.any():
        return
    yield Sample((ALL, ALL), overall, _OF_MANY)
    against: dict[str, Floats] = {}
    for a, b in combinations(range(len(readers)), 2):
        table = pair(codes[:, a], codes[:, b], n_values)
        if table.any():
            yield Sample((readers[a], readers[b]), table, _OF_TWO)
            turned = table.reshape(-1, n_values, n_values).transpose(0, 2, 1).reshape(table.shape)
            against[readers[a]] = against.get(readers[a], 0.0) + table
            against[readers[b]] = against.get(readers[b], 0.0) + turned
    for reader, table in sorted(against.items()):
        yield Sample((reader, ALL), table, _OF_TWO)


Sums = dict[tuple[str, Who], list[tuple[str, float, float]]]
"""By measure and readers: subject, and what is added above and below the line of a mean."""


def _overlaps(units: Iterable[Subject], settings: DecideSettings) -> dict[str, Sums]:
    """By label, how far the boxes, masks and points of every two readers meet, of whom at least one drew it."""
    found: dict[str, Sums] = defaultdict(lambda: defaultdict(list))
    for unit in units:
        for (a, said_a), (b, said_b) in combinations(unit.votes.items(), 2):
            for label in sorted({*said_a.drawn, *said_b.drawn}):
                measured = _overlap(said_a, said_b, label, settings.min_box_iou)
                if measured:
                    measure, above, below = measured
                    for who in ((ALL, ALL), (a, b), (a, ALL), (b, ALL)):
                        found[label][measure, who].append((unit.subject_id, above, below))
    return found


def _overlap(said_a: Said, said_b: Said, label: str, limit: float) -> tuple[str, float, float] | None:
    """The measure, and what a case adds to both sides of its quotient; None where there is nothing to compare.

    Points are no question: both must have set one. Of boxes and masks both must have said whether there is one.
    """
    a, b = said_a.drawn.get(label, ()), said_b.drawn.get(label, ())
    if label not in said_a.values or label not in said_b.values:
        points = [marks[0].point_px for marks in (a, b) if marks and marks[0].point_px]
        return ("point_distance", math.dist(*points), 1.0) if len(points) == 2 else None
    boxes = boxes_of(a), boxes_of(b)
    if any(boxes):
        return "box_f1", 2.0 * matched(*boxes, limit), float(len(boxes[0]) + len(boxes[1]))
    return "mask_dice", dice(one_mask(a)[0], one_mask(b)[0]) if a and b else 0.0, 1.0


def _checked(checks: Checks) -> dict[str, Sums]:
    """By question, how often a reader said the same again, or what was known."""
    found: dict[str, Sums] = defaultdict(lambda: defaultdict(list))
    measures = {SELF: "repeat_percent", GOLD: "gold_percent"}
    for (reader, against), same in checks.items():
        for subject_id, question, equal in same:
            for who in ((reader, against), (ALL, against)):
                found[question][measures[against], who].append((subject_id, float(equal), 1.0))
    return found


def _means(sums: Sums, cohort: Cohort) -> Iterator[Sample]:
    for (measure, who), rows in sorted(sums.items()):
        statistics = np.zeros((len(cohort.subject_ids), 2))
        for subject_id, above, below in rows:
            statistics[cohort.place[subject_id]] += above, below
        yield Sample(who, statistics, {measure: mean})


Same = Callable[[Said, str], str | None]
"""What a read is compared with, on a question; None where there is nothing."""


def compare(reads: Iterable[tuple[Said, Same]], against: str) -> dict[tuple[str, str], list[tuple[str, str, bool]]]:
    """Whether reads say what is known on each question that they answer."""
    found: dict[tuple[str, str], list[tuple[str, str, bool]]] = defaultdict(list)
    for said, known in reads:
        for question, value in said.values.items():
            other = known(said, question)
            if other is not None:
                key = said.read.assignment.reader_id, against
                found[key].append((said.read.case.subject_id, question, value == other))
    return found
