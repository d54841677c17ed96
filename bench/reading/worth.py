"""What routing is worth: how many disagreements so many reads find, the most uncertain first against random order.

1. Simulated readers on the synthetic cohort. Its studies are drawn as `paxflow synth` draws them (no pixels are made);
   two readers look at each for the nine findings that it can show. Assumed, and nothing else is: a reader sees a lesion
   of size s (0 to 1) with probability s² / (s² + h²), h being the size that is seen half the time, and sees a finding
   that is not there with a small probability. So what is hard is decided by the cohort's truth, which routing never
   sees; it sees the report, read by paxflow, and the probabilities of a model: one more such observer, off by a noise
   in its log odds (standard deviation 1; a poor model, 2.5). The cohort's reports hedge about faint findings only, half
   of which are there, and that helps. A disagreement is a study of which the two readers say different things.
2. No simulation: Open-I's 3,955 reports, of which people coded the findings as MeSH tags. A disagreement is a report
   whose CheXpert-13 labels, as paxflow reads them, are not those of its tags (`gold.py`); routing sees the text.

Random order is the expectation over all orders: x % of the reads find x % of the disagreements.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from chart import Curve, figure
from corpus import openi
from gold import labels_of

from curation.records import Case, Mention, Opinion, ReportLabel, Task
from curation.settings import load_settings
from curation.synth.identities import Planted, person
from curation.synth.reports import CHEXPERT, write_report
from curation.synth.studies import StudyPlan, draw_studies
from labeling.labels.sets import State
from labeling.mine import rows
from labeling.mining.reader import mine_text
from labeling.routing.opinions import ON_IMAGES, against_report, of_opinions, settled
from labeling.routing.population import in_reports
from labeling.routing.priority import Prevalence, make_case
from labeling.routing.select import select
from labeling.routing.signals import REPORT_UNDECIDED, Signal, faint, of_labels, of_mentions, undecided

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "paxflow-bench"
ROOT = Path(__file__).resolve().parents[2]
FIGURE = ROOT / "docs" / "images" / "routing.svg"
PATIENTS = 2000
SETTINGS = load_settings(ROOT / "params.yaml").route
SHARES = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5)
FOUND = (0.25, 0.5, 0.75)


class Skill(NamedTuple):
    """An observer: the size of lesion that is seen half the time, and how often what is not there is seen."""

    half_seen: float
    false_alarm: float

    def sees(self, size: float) -> float:
        """Probability that a finding is called; ``size`` 0 where there is none."""
        return max(self.false_alarm, size**2 / (size**2 + self.half_seen**2))


PAIRS = {
    "two experts": (Skill(0.05, 0.002), Skill(0.05, 0.002)),
    "an expert and a trainee": (Skill(0.05, 0.002), Skill(0.1, 0.01)),
}
BEST = ", knowing the truth"
"""The order that no routing can beat: by how likely the two readers are to differ."""
MODEL = Skill(0.07, 0.005)
MODELS = {"": 1.0, ", a poor model": 2.5, ", no model": None}
"""Standard deviation of the noise of a model's log odds."""
DRAWN = frozenset((*PAIRS, "two experts, no model"))


class Read(NamedTuple):
    """A report as paxflow reads it."""

    mentions: list[Mention]
    states: dict[str, State]


def read(name: str, text: str) -> Read:
    made = list(rows(name, mine_text(text), ["chexpert"]))
    mentions = [row for row in made if isinstance(row, Mention) and row.is_current]
    return Read(mentions, {row.label: row.state for row in made if isinstance(row, ReportLabel)})


def routed(subjects: dict[str, str], cases: Iterable[Case], seed: int = 0) -> list[str]:
    """Subjects in the order of routing; those that no rule asks about come last, in random order."""
    found = list(cases)
    first = [case.subject_id for case in select(found, len(found), (), seed)]
    last = sorted(subjects.keys() - set(first))
    return first + [last[place] for place in np.random.default_rng(seed).permutation(len(last))]


def curve(name: str, order: Sequence[str], hits: set[str]) -> Curve:
    total, found = 0, []
    for subject in order:
        total += subject in hits
        found.append(total / len(hits))
    return Curve(name, tuple(found))


# --- simulated readers -----------------------------------------------------------------------------------


def chances(plan: StudyPlan, skill: Skill) -> np.ndarray:
    """How likely an observer is to call each finding."""
    sizes = {lesion.finding: lesion.size for lesion in plan.lesions}
    return np.array([skill.sees(sizes.get(finding, 0.0)) for finding in CHEXPERT])


def opinions(name: str, sure: np.ndarray, noise: np.ndarray) -> list[Opinion]:
    """A model's probabilities: those of an observer, off by some log odds."""
    probabilities = 1 / (1 + np.exp(-(np.log(sure / (1 - sure)) + noise)))
    return [
        Opinion("model", name, label, int(probability >= 0.5), probability)
        for label, probability in zip(CHEXPERT.values(), probabilities.tolist(), strict=True)
    ]


class Cohort(NamedTuple):
    """Studies by name, with their patients, and their reports as paxflow reads them."""

    plans: dict[str, StudyPlan]
    patients: dict[str, str]
    reads: dict[str, Read]


def cohort() -> Cohort:
    drawn = [(plan, str(n)) for n in range(PATIENTS) for plan in draw_studies(person(f"cohort 0 {n}"), 0, n)]
    written = Planted()
    reads = {
        plan.name: read(plan.name, write_report(plan.exam, plan.statements, plan.who, plan.report_id, written))
        for plan, _ in drawn
    }
    return Cohort({plan.name: plan for plan, _ in drawn}, {plan.name: patient for plan, patient in drawn}, reads)


def order_of(made: Cohort, noise: float | None) -> list[str]:
    """Studies as routing orders them, with a model of that noise, or with none."""
    draw, margin = np.random.default_rng(0), SETTINGS.probability_margin
    mentions = (one for report in made.reads.values() for one in report.mentions)
    prevalence = in_reports(len(made.reads), mentions, _states(made.reads))
    cases = []
    for name, plan in made.plans.items():
        report = made.reads[name]
        off = draw.normal(0, noise or 0, len(CHEXPERT))
        said = [] if noise is None else opinions(name, chances(plan, MODEL), off)
        fired = undecided(report.states, REPORT_UNDECIDED, settled(said)) + faint(report.mentions)
        fired += against_report(said, report.states, margin)
        fired += of_opinions(said, {}, ON_IMAGES, margin)
        cases += _case(Task.FINDING_BOXES, (name, made.patients[name]), fired, prevalence)
    return routed(made.patients, cases)


def simulated() -> list[Curve]:
    made = cohort()
    orders = {name: order_of(made, noise) for name, noise in MODELS.items()}
    draw = np.random.default_rng(1)
    curves = []
    for pair, skills in PAIRS.items():
        one, other = (np.array([chances(plan, skill) for plan in made.plans.values()]) for skill in skills)
        differ = ((draw.random(one.shape) < one) != (draw.random(one.shape) < other)).any(axis=1)
        hits = {name for name, do in zip(made.plans, differ, strict=True) if do}
        print(f"{pair}: they differ on {len(hits):,} of {len(made.plans):,} studies")
        curves += [curve(f"{pair}{model}", order, hits) for model, order in orders.items()]
        likely = 1 - (1 - one * (1 - other) - other * (1 - one)).prod(axis=1)
        best = [name for _, name in sorted(zip(-likely, made.plans, strict=True))]
        curves.append(curve(f"{pair}{BEST}", best, hits))
    return curves


def _states(reads: dict[str, Read]) -> dict[str, dict[str, State]]:
    return {name: report.states for name, report in reads.items()}


def _case(task: Task, subject: tuple[str, str], fired: list[Signal], prevalence: Prevalence) -> list[Case]:
    return [make_case(task, subject, fired, prevalence, SETTINGS.rarity_weight)] if fired else []


# --- real reports ----------------------------------------------------------------------------------------


def real() -> Curve:
    reports = openi(CACHE)
    reads = {report.id: read(report.id, report.text) for report in reports}
    prevalence = in_reports(len(reads), (one for done in reads.values() for one in done.mentions), _states(reads))
    cases = []
    for name, (mentions, states) in reads.items():
        cases += _case(Task.LABEL_REVIEW, (name, name), of_mentions(mentions) + of_labels(states), prevalence)
    hits = {report.id for report in reports if _affirmed(reads[report.id].states) != labels_of(report.tags)}
    print(f"Open-I: our labels differ on {len(hits):,} of {len(reports):,} reports; {len(cases):,} are cases")
    return curve("labels unlike people's", routed({name: name for name in reads}, cases), hits)


def _affirmed(states: dict[str, State]) -> set[str]:
    return {label for label, state in states.items() if state == 1 and label != "No Finding"}


# --- shown -----------------------------------------------------------------------------------------------


def table(curves: Sequence[Curve]) -> None:
    print(f"\n{'found after reading':42}" + "".join(f"{share:>9.1%}" for share in SHARES) + f"{'area':>8}")
    for one in curves:
        print(f"{one.name:42}" + "".join(f"{one.at(share):>9.1%}" for share in SHARES) + f"{one.area:>8.2f}")
        print(f"{'  times random order':42}" + "".join(f"{one.at(share) / share:>9.1f}" for share in SHARES))
    print(f"\n{'reads that find':42}" + "".join(f"{share:>9.0%}" for share in FOUND))
    for one in curves:
        print(f"{one.name:42}" + "".join(f"{one.reads(share):>9.1%}" for share in FOUND))


def main() -> None:
    readers = simulated()
    labels = real()
    table([*readers, labels])
    shown = [one for one in readers if one.name in DRAWN]
    FIGURE.write_text(
        figure([("Simulated readers, synthetic cohort", shown), ("Real reports, Open-I", [labels])]),
        encoding="utf-8",
    )
