"""One answer from several: votes on each question, boxes fused, masks merged, and what has to be adjudicated.

Who adjudicated decides; else the readers vote, or Dawid and Skene's estimate does. Readers are split where too few of
them say the same, where two values lead, or where they agree that something is there and not where. A split question
has a value, the likeliest, and no marks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from curation import rle as coco
from curation.records import Decision, DecisionMark, Task, Verdict
from curation.settings import DecideSettings
from curation.store import digest
from labeling.agreement.boxes import Box, f1, fuse
from labeling.agreement.coefficients import MISSING
from labeling.agreement.dawid_skene import dawid_skene
from labeling.agreement.masks import Size, dice, staple
from labeling.agreement.questions import ABSENT, PRESENT, UNUSABLE, VERDICT, Said, is_masks, options
from labeling.marks import Mark

MAJORITY, DAWID_SKENE, ADJUDICATION = "majority", "dawid_skene", "adjudication"
Likely = Mapping[tuple[str, str], tuple[str, float]]
"""Value and its probability, by subject_id and question."""
_DECIMALS = 4
_PIXEL_DECIMALS = 3


@dataclass(frozen=True)
class Subject:
    """A report, view or radiograph with its readers' latest votes, and the adjudicator's answer."""

    task: Task
    subject_id: str
    patient_id: str
    votes: Mapping[str, Said]
    """By reader, in order."""
    judge: Said | None

    def on(self, question: str) -> dict[str, str]:
        """The votes on a question, by reader."""
        return {reader: said.values[question] for reader, said in self.votes.items() if question in said.values}

    def questions(self) -> list[str]:
        """What anybody answered, in order."""
        everybody = (*self.votes.values(), *([self.judge] if self.judge else []))
        return sorted({question for said in everybody for question in said.values})

    def judged(self, question: str) -> str | None:
        """What the adjudicator says of it."""
        return self.judge.values.get(question) if self.judge else None


def subjects(task: Task, said: Iterable[Said]) -> list[Subject]:
    """Reads that count, by subject, in order: of each reader the latest, whichever batch it was in."""
    votes: dict[str, dict[str, Said]] = defaultdict(dict)
    judges: dict[str, Said] = {}
    patients: dict[str, str] = {}
    for one in sorted(said, key=lambda one: one.read.order):
        subject_id = one.read.case.subject_id
        if one.read.votes:
            votes[subject_id][one.read.assignment.reader_id] = one
        elif one.read.judges:
            judges[subject_id] = one
        else:
            continue
        patients[subject_id] = one.read.case.patient_id
    return [
        Subject(task, name, patients[name], dict(sorted(votes[name].items())), judges.get(name))
        for name in sorted(patients)
    ]


# --- votes -------------------------------------------------------------------------------------------------


def leading(votes: Iterable[str]) -> tuple[str, float, bool]:
    """The most frequent value, its share, and whether another is as frequent; of those the first by name."""
    ranked = sorted(Counter(votes).items(), key=lambda pair: (-pair[1], pair[0]))
    value, count = ranked[0]
    tied = len(ranked) > 1 and ranked[1][1] == count
    return value, count / sum(times for _, times in ranked), tied


def likely(task: Task, units: Sequence[Subject]) -> dict[tuple[str, str], tuple[str, float]]:
    """The likeliest value of each subject and question, by Dawid and Skene, each question by itself."""
    found = {}
    readers = {reader: number for number, reader in enumerate(sorted({name for unit in units for name in unit.votes}))}
    n_values = options(task)
    for question in sorted({name for unit in units for said in unit.votes.values() for name in said.values}):
        asked = [(unit, votes) for unit in units if (votes := unit.on(question))]
        values = sorted({value for _, votes in asked for value in votes.values()})
        codes = np.full((len(asked), len(readers)), MISSING, np.int64)
        for row, (_, votes) in enumerate(asked):
            for reader, value in votes.items():
                codes[row, readers[reader]] = values.index(value)
        estimate = dawid_skene(codes, max(n_values.get(question, 2), len(values)))
        best = estimate.posterior.argmax(axis=1)
        for (unit, _), place, row in zip(asked, best, estimate.posterior, strict=True):
            found[unit.subject_id, question] = values[place], float(row[place])
    return found


# --- decisions ---------------------------------------------------------------------------------------------


def decide(task: Task, units: Sequence[Subject], settings: DecideSettings) -> Iterator[Decision | DecisionMark]:
    """A decision for each question that anybody answered, and the marks that stand for the readers'."""
    posterior = likely(task, units) if settings.method == DAWID_SKENE else {}
    for unit in units:
        made = {name: _decided(unit, name, settings, posterior) for name in unit.questions()}
        if is_masks(task) and VERDICT in made and _of_no_use(unit, made[VERDICT]):
            made = {VERDICT: made[VERDICT]}  # what few readers drew on a view of no use is nobody's answer
        for decision in made.values():
            yield decision
            if decision.value == PRESENT and decision.verdict is not Verdict.SPLIT:
                yield from _marks(unit, decision, settings)


def _of_no_use(unit: Subject, verdict: Decision) -> bool:
    """Whether a view cannot be used, or that is what readers are split on."""
    doubted = verdict.verdict is Verdict.SPLIT and UNUSABLE in unit.on(VERDICT).values()
    return doubted or verdict.value == UNUSABLE


def _decided(unit: Subject, question: str, settings: DecideSettings, posterior: Likely) -> Decision:
    votes = unit.on(question)
    value, share, tied = leading(votes.values()) if votes else ("", 1.0, False)
    method, confidence = MAJORITY, share
    if (unit.subject_id, question) in posterior:
        value, confidence = posterior[unit.subject_id, question]
        method, tied = DAWID_SKENE, False
    overlap, enough = _overlap(unit, question, settings) if value == PRESENT else (1.0, True)
    verdict = Verdict.SPLIT if tied or share < settings.min_share or not enough else Verdict.AGREED
    verdict = Verdict.SINGLE if len(votes) == 1 else verdict
    sources = [unit.votes[reader] for reader in votes]
    judged = unit.judged(question)
    if judged is not None and unit.judge:
        value, verdict, method, confidence = judged, Verdict.ADJUDICATED, ADJUDICATION, 1.0
        sources.append(unit.judge)
    readers = tuple(sorted({said.read.assignment.reader_id for said in sources}))
    return Decision(
        decision_id=digest(unit.task, unit.subject_id, question)[:24],
        task=unit.task,
        subject_id=unit.subject_id,
        patient_id=unit.patient_id,
        question=question,
        value=value,
        verdict=verdict,
        method=method,
        confidence=round(confidence, _DECIMALS),
        share=round(min(share, overlap), _DECIMALS),
        n_readers=len(readers),
        reader_ids=readers,
        event_ids=_events(sources),
    )


def _overlap(unit: Subject, label: str, settings: DecideSettings) -> tuple[float, bool]:
    """Mean overlap of every two readers who drew a label, and whether it is enough; 1 where fewer drew it."""
    drawn = [said.drawn[label] for said in unit.votes.values() if label in said.drawn]
    if len(drawn) < 2:
        return 1.0, True
    if is_masks(unit.task):
        mean = _mean(dice(a, b) for a, b in combinations([one_mask(marks)[0] for marks in drawn], 2))
        return mean, mean >= settings.min_mask_dice
    mean = _mean(f1(a, b, settings.min_box_iou) for a, b in combinations(map(boxes_of, drawn), 2))
    return mean, mean >= settings.min_share


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def _events(said: Iterable[Said]) -> tuple[str, ...]:
    return tuple(sorted({one.read.event.event_id for one in said}))


# --- marks -------------------------------------------------------------------------------------------------


def boxes_of(marks: Iterable[Mark]) -> list[Box]:
    """The boxes among marks."""
    return [mark.box for mark in marks if mark.box]


def one_mask(marks: Sequence[Mark]) -> tuple[str, Size]:
    """One reader's masks of one label as one, with its size."""
    size = next(mark.size for mark in marks if mark.size)
    rles = [mark.rle for mark in marks if mark.rle]
    return (rles[0] if len(rles) == 1 else coco.merge(rles, *size)), size


def _marks(unit: Subject, decision: Decision, settings: DecideSettings) -> Iterator[DecisionMark]:
    label = decision.question
    if decision.verdict is Verdict.ADJUDICATED and unit.judge:
        sources, n_readers, method = [unit.judge], 1, ADJUDICATION
    else:
        sources, n_readers = list(unit.votes.values()), decision.n_readers
        method = "" if n_readers > 1 else "single"
    drawn = [said for said in sources if said.values.get(label) != ABSENT and label in said.drawn]
    if not drawn:
        return
    if is_masks(unit.task):
        yield _merged_mask(unit, label, drawn, (n_readers, method or "staple"))
        return
    owners = [said for said in drawn for _ in boxes_of(said.drawn[label])]
    boxes = [box for said in drawn for box in boxes_of(said.drawn[label])]
    limit = settings.min_box_iou if not method else 1.0  # one reader's boxes stay as they are
    for number, fused in enumerate(fuse(boxes, limit)):
        who = {owners[member].read.assignment.reader_id: owners[member] for member in fused.members}
        yield DecisionMark(
            subject_id=unit.subject_id,
            task=unit.task,
            label=label,
            number=number,
            method=method or "weighted_box_fusion",
            score=round(len(who) / n_readers, _DECIMALS),
            box=tuple(round(side, _PIXEL_DECIMALS) for side in fused.box),
            rle="",
            reader_ids=tuple(sorted(who)),
            event_ids=_events(who.values()),
        )


def _merged_mask(unit: Subject, label: str, drawn: Sequence[Said], how: tuple[int, str]) -> DecisionMark:
    n_readers, method = how
    masks = [one_mask(said.drawn[label]) for said in drawn]
    size = masks[0][1]
    rle = staple([mask for mask, _ in masks], size)
    return DecisionMark(
        subject_id=unit.subject_id,
        task=unit.task,
        label=label,
        number=0,
        method=method,
        score=round(len(drawn) / n_readers, _DECIMALS),
        box=tuple(float(side) for side in coco.box(rle, size[0])),
        rle=rle,
        reader_ids=tuple(sorted(said.read.assignment.reader_id for said in drawn)),
        event_ids=_events(drawn),
    )
