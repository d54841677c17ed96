"""Decide: several readers' answers as one, how well the readers agree, and what has to be adjudicated.

Reads batches, cases, pre-annotations, assignments and events of ``paxflow read`` from ``data/``; places in pixels that
may show text are decided in the vault, never here. Writes ``answers`` and ``answer_marks`` (every read as it stands),
``decisions`` and ``decision_marks`` (one answer, and the marks for it), and ``reader_agreement``.

All of a task is one item, for a reader's errors are estimated from all that he read. Answers about a case that changed
since it was given out are kept and flagged, and do not count. Gold cases and hidden repeats do not vote: a repeat is
compared with the reader's first answer, a gold case with what was the answer when its batch was made (the
adjudicator's, or the value of most readers, if there is one).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from curation.errors import Rejected
from curation.records import (
    Answer,
    AnswerMark,
    Decision,
    DecisionMark,
    ReaderAgreement,
    Reason,
    Record,
    Role,
    Task,
)
from curation.stage import Batch, Item, Stage
from curation.workspace import Workspace
from labeling.agreement.measuring import GOLD, SELF, Same, agreement, compare
from labeling.agreement.merging import Subject, decide, leading, subjects
from labeling.agreement.questions import Said, answer_marks, answers, say
from labeling.agreement.reads import Trail, standing, trails
from labeling.reading.ledger import ledger_of


def plan(workspace: Workspace) -> list[Item]:
    """One item for each task that something happened to."""
    found = trails(ledger_of(workspace, Task.LABEL_REVIEW))
    return [Item(f"task:{trail.task}", trail.digest(), trail) for trail in found if trail.task is not Task.PHI_REVIEW]


def one(batch: Batch, item: Item) -> list[Record]:
    """All rows of one task; rejected while nobody has answered anything."""
    trail: Trail = item.payload
    said = say(trail.task, standing(trail))
    rows: list[Record] = [row for one in said for row in (*answers(one), *answer_marks(one))]
    if not rows:
        raise Rejected(Reason.TOO_FEW_READERS, "no reader has answered yet")
    units = subjects(trail.task, said)
    rows += decide(trail.task, units, batch.settings)
    checks = {**compare(_repeats(said), SELF), **compare(_gold(trail, said), GOLD)}
    patients = {one.read.case.subject_id: one.read.case.patient_id for one in said}
    rows += agreement(trail.task, units, checks, patients, batch.settings)
    return rows


def _repeats(said: Sequence[Said]) -> Iterator[tuple[Said, Same]]:
    """Hidden repeats, each with the reader's first answer."""
    first = {_given(one): one for one in said if not one.read.assignment.repeat}
    for again in said:
        before = first.get(_given(again))
        if again.read.assignment.repeat and before:
            yield again, _known({before.read.case.subject_id: before.values})


def _given(said: Said) -> tuple[str, str, str]:
    return said.read.case.batch_id, said.read.case.case_id, said.read.assignment.reader_id


def _gold(trail: Trail, said: Iterable[Said]) -> Iterator[tuple[Said, Same]]:
    """Gold reads, each with what was known when its batch was made."""
    known: dict[str, Same] = {}
    for read in said:
        batch_id = read.read.case.batch_id
        if read.read.case.role is Role.GOLD and read.read.merges:
            if batch_id not in known:
                before = standing(trail, trail.batches[batch_id].made_at)
                units = subjects(trail.task, say(trail.task, before))
                known[batch_id] = _known({unit.subject_id: _answers(unit) for unit in units})
            yield read, known[batch_id]


def _answers(unit: Subject) -> dict[str, str]:
    """The adjudicator's answers, and the value of most readers where he gave none."""
    found = {}
    for question in {name for said in unit.votes.values() for name in said.values}:
        value, _, tied = leading(unit.on(question).values())
        if not tied:
            found[question] = value
    return {**found, **(unit.judge.values if unit.judge else {})}


def _known(values: Mapping[str, Mapping[str, str]]) -> Same:
    return lambda said, question: values.get(said.read.case.subject_id, {}).get(question)


STAGE = Stage(
    name="decide",
    writes=(Answer, AnswerMark, Decision, DecisionMark, ReaderAgreement),
    plan=plan,
    one=one,
)
