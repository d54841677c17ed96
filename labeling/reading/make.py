"""Make a batch: choose cases, give them out, freeze them with what readers will start from.

Writes ``reading_cases``, ``reading_predictions``, ``assignments`` and, last, ``reading_batches``: a batch is there once
its own row is, and what a killed ``make`` left is cleared by the next one.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random

from curation.errors import InputError, UsageError
from curation.records import Assignment, Case, ReadingBatch, ReadingCase, ReadingPrediction, Role, Task
from curation.release.splits import split_of_each
from curation.store import digest
from curation.workspace import Workspace
from labeling.asking.asked import Proposal
from labeling.asking.propose import propose
from labeling.marks import to_json
from labeling.reading.designs import Design, assign
from labeling.reading.ledger import Ledger, all_given, ledger_of
from labeling.reading.pool import Chosen, Wanted, choose, gold, strangers
from labeling.reading.queues import Turn, queue

_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,39}")
_BESIDE_A_REPORT = (Task.MASK_REVIEW, Task.FINDING_BOXES)
_USUAL_READERS = {Design.EQUAL: 1, Design.BALANCED: 2}
"""Readers of a case if nothing is said: one; or two, the fewest that can agree."""


@dataclass(frozen=True)
class Order:
    """What a coordinator asks for."""

    name: str
    wanted: Wanted
    reader_ids: tuple[str, ...]
    design: Design = Design.ALL
    per_case: int | None = None
    """Readers of a case; None: what is usual for the design."""
    per_test_case: int = 0
    """Readers of a case of a test patient; 0: as the others."""
    recipe: str = ""
    """Whose split says who is a test patient."""
    repeat: float = 0.0
    """Share of a reader's cases that come up again, beside them."""
    gold: float = 0.0
    """Gold cases for each reader, as a share of his cases, beside them."""
    due: date | None = None
    shows_report: bool = False


@dataclass(frozen=True)
class Made:
    """What was made."""

    batch: ReadingBatch
    by_role: dict[Role, int]
    """Different cases."""
    queues: dict[str, int]
    """Length of each reader's queue, repeats and gold cases among them."""
    repeats: int
    """Of all readers."""
    strangers: int
    """Named subjects that the task cannot ask about."""


def make(workspace: Workspace, order: Order, now: datetime) -> Made:
    """Make the batch that is asked for.

    Raises UsageError for a call that cannot be met (a name that is taken, more readers a case than are named, a date
    that is over), and InputError if no case waits.
    """
    sizes = _check(workspace, order, now.date())
    with workspace.lock("reading"):
        ledger = open_ledger(workspace, order.name, order.wanted.task)
        chosen = choose(workspace, order.wanted)
        if not chosen:
            raise InputError(_nothing(order.wanted))
        blocks = assign([sizes.of(row.case) for row in chosen], len(order.reader_ids), order.design)
        golden = gold(workspace, order.wanted.task) if order.gold else []
        queues = _queues(order, chosen, blocks, golden)
        used = {turn.case_id for turns in queues.values() for turn in turns}
        rows = [row for row in (*chosen, *golden) if row.case.case_id in used]
        batch = _batch(order, sizes, now)
        given = [frozen(order.name, row) for row in rows]
        # Gold cases start from what a machine proposes, as the others do: the answer itself, or nothing at all, would
        # tell a reader that he is measured, and measure something else than his reading.
        predictions = _predictions(order.name, propose(workspace, given, order.shows_report))
        freeze(ledger, Frozen(batch, given, predictions, queues))
    roles = {role: sum(row.role is role for row in given) for role in Role}
    return Made(
        batch,
        {role: count for role, count in roles.items() if count},
        {reader: len(turns) for reader, turns in queues.items()},
        sum(turn.repeat for turns in queues.values() for turn in turns),
        strangers(workspace, order.wanted),
    )


# --- check -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sizes:
    """How many readers a case has."""

    usual: int
    test: int
    split_of: Callable[[str], str] | None

    def of(self, case: Case) -> int:
        """By the split of its patient."""
        is_test = self.split_of is not None and self.split_of(case.patient_id) == "test"
        return self.test if is_test else self.usual


def _check(workspace: Workspace, order: Order, today: date) -> _Sizes:
    _check_name(order.name)
    if len({*order.reader_ids}) != len(order.reader_ids) or not order.reader_ids:
        raise UsageError("expected at least one reader, and each once")
    check_due(order.due, today)
    if order.shows_report and order.wanted.task not in _BESIDE_A_REPORT:
        raise UsageError(f"the report can be shown beside {' and '.join(_BESIDE_A_REPORT)}, not {order.wanted.task}")
    usual = _readers_per_case(order)
    return _Sizes(usual, order.per_test_case or usual, _split_of(workspace, order))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            "expected a name of at most 40 small letters, digits, points, hyphens and underscores, such as "
            "2026-w49-labels"
        )


def check_due(due: date | None, today: date) -> None:
    """Raises UsageError for a deadline that is over."""
    if due is not None and due < today:
        raise UsageError(f"the deadline {due} is over: expected {today} or later")


def _readers_per_case(order: Order) -> int:
    n_readers = len(order.reader_ids)
    if order.design is Design.ALL:
        if order.per_case not in {None, n_readers} or order.per_test_case:
            raise UsageError(
                "with the design all, every reader reads every case: choose equal or balanced for fewer a case"
            )
        return n_readers
    usual = min(_USUAL_READERS[order.design], n_readers) if order.per_case is None else order.per_case
    if max(usual, order.per_test_case) > n_readers:
        raise UsageError(
            f"{max(usual, order.per_test_case)} readers a case, but {n_readers} are named: name more, or ask for fewer"
        )
    return usual


def _split_of(workspace: Workspace, order: Order) -> Callable[[str], str] | None:
    if bool(order.per_test_case) != bool(order.recipe):
        raise UsageError("readers of test cases and the recipe whose split says which these are go together")
    recipes = workspace.settings.recipes
    if order.recipe and order.recipe not in recipes:
        raise UsageError(f"there is no recipe of that name: there are {', '.join(sorted(recipes))}")
    return split_of_each(workspace, order.recipe) if order.recipe else None


def _nothing(wanted: Wanted) -> str:
    if wanted.task is Task.PHI_REVIEW:
        return "no place in pixels waits for a decision that nobody has been given yet"
    of_file = " among the subjects that are named" if wanted.subjects else ""
    return (
        f"no case of {wanted.task} waits{of_file} that nobody has yet: `paxflow run route` finds new ones, "
        "`paxflow read withdraw` frees those of a batch"
    )


# --- give out --------------------------------------------------------------------------------------------


def _queues(
    order: Order, chosen: Sequence[Chosen], blocks: Sequence[tuple[int, ...]], golden: Sequence[Chosen]
) -> dict[str, list[Turn]]:
    """Each reader's queue. Which reader takes which place of the design, and which gold cases come, is drawn."""
    draw = Random(order.wanted.seed)  # noqa: S311 - repeatable, not secret
    readers = draw.sample(sorted(order.reader_ids), len(order.reader_ids))
    golden = draw.sample(golden, len(golden))
    queues = {}
    for place, reader in sorted(enumerate(readers), key=lambda pair: pair[1]):
        own = [row for row, block in zip(chosen, blocks, strict=True) if place in block]
        known = {row.case.case_id for row in own}
        measuring = [row for row in golden if reader not in row.known_to and row.case.case_id not in known]
        strewn = [row for row in own if row.role is Role.CONTROL] + measuring[: _share(order.gold, len(own))]
        queues[reader] = queue(
            [row.case.case_id for row in own if row.role is Role.ROUTED],
            [row.case.case_id for row in strewn],
            _share(order.repeat, len(own)),
            draw,
        )
    return queues


def _share(share: float, count: int) -> int:
    """Of a count, to the nearest; half goes up."""
    return int(share * count + 0.5)


def _batch(order: Order, sizes: _Sizes, now: datetime) -> ReadingBatch:
    return ReadingBatch(
        batch_id=order.name,
        task=order.wanted.task,
        reader_ids=tuple(sorted(order.reader_ids)),
        design=order.design,
        readers_per_case=sizes.usual,
        test_readers=order.per_test_case,
        shows_report=order.shows_report,
        seed=order.wanted.seed,
        due=order.due,
        parent_batch_id="",
        made_at=now,
    )


# --- freeze ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frozen:
    """All of one batch, as it goes into the ledger."""

    batch: ReadingBatch
    cases: list[ReadingCase]
    predictions: list[ReadingPrediction]
    queues: Mapping[str, Sequence[Turn]] = field(default_factory=dict)


def open_ledger(workspace: Workspace, name: str, task: Task) -> Ledger:
    """The ledger of a task, without what a killed ``make`` left; raises UsageError if the name is taken."""
    if any(one.batch.batch_id == name for one in all_given(workspace)):
        raise UsageError("there is a batch of that name: choose another, `paxflow read list` shows those there are")
    ledger = ledger_of(workspace, task)
    ledger.clear_unfinished()
    return ledger


def freeze(ledger: Ledger, made: Frozen) -> None:
    """Write a batch; its own row comes last, and makes it be there."""
    ledger.append(ReadingCase, made.cases)
    ledger.append(ReadingPrediction, made.predictions)
    ledger.append(Assignment, _assignments(made))
    ledger.append(ReadingBatch, [made.batch])


def _assignments(made: Frozen) -> Iterable[Assignment]:
    name = made.batch.batch_id
    for reader, turns in made.queues.items():
        for place, turn in enumerate(turns):
            assignment_id = digest(name, turn.case_id, reader, turn.repeat)[:24]
            yield Assignment(assignment_id, name, turn.case_id, reader, turn.repeat, place, made.batch.due)


def frozen(batch_id: str, row: Chosen) -> ReadingCase:
    """A case as it is given out."""
    case = row.case
    return ReadingCase(
        batch_id=batch_id,
        case_id=case.case_id,
        task=case.task,
        subject_id=case.subject_id,
        patient_id=case.patient_id,
        role=row.role,
        priority=0.0 if row.role is Role.CONTROL else case.priority,
        findings=case.findings,
        rule_ids=case.rule_ids,
        reasons=case.reasons,
        subject_digest=row.subject_digest,
    )


def _predictions(batch_id: str, proposals: Mapping[str, Proposal]) -> list[ReadingPrediction]:
    return [prediction(batch_id, case_id, proposal) for case_id, proposal in sorted(proposals.items())]


def prediction(batch_id: str, case_id: str, proposal: Proposal, event_id: str = "") -> ReadingPrediction:
    """A pre-annotation; ``event_id`` is the read that it shows, if it shows one."""
    marks = to_json(proposal.marks)
    name = digest(batch_id, case_id, marks, proposal.model_version)[:24]
    return ReadingPrediction(name, batch_id, case_id, proposal.model_version, proposal.score, marks, event_id)
