"""A budget's worth of cases: the most uncertain first, yet not the same question two hundred times.

Greedy: each next case is the one of the highest priority after a discount for what was already taken. A patient who was
taken k times counts 1 / (1 + k), a question (task, rules and findings) 1 / sqrt(1 + k): what a further case of a kind
is worth falls as the square root's slope does. Discounts only ever grow, so that a case which still leads when its
discount is brought up to date is the best of all (lazy greedy, Minoux 1978).
"""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from curation.records import Case
from curation.store import digest

Question = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Task, rules and findings."""


class _Head(NamedTuple):
    """A patient's best case of a question, with its worth when it was last looked at; heaps put the least first."""

    cost: float
    tie: str
    patient_id: str


class _Kind:
    """The cases of one question: a queue for each patient, and a heap of their heads."""

    def __init__(self) -> None:
        self.queues: dict[str, list[tuple[float, str, Case]]] = defaultdict(list)
        self.heads: list[_Head] = []
        self.taken = 0

    def start(self) -> None:
        """Put queues in order, the best case last, and their heads on the heap."""
        for queue in self.queues.values():
            queue.sort(key=lambda one: (one[0], one[1]), reverse=True)
        self.heads = [_Head(queue[-1][0], queue[-1][1], patient) for patient, queue in self.queues.items()]
        heapq.heapify(self.heads)

    def best(self, of_patient: Counter[str]) -> _Head | None:
        """The head that leads once its patient's discount is up to date."""
        while self.heads:
            head = self.heads[0]
            cost, tie, _ = self.queues[head.patient_id][-1]
            now = _Head(cost / (1 + of_patient[head.patient_id]), tie, head.patient_id)
            if now == head:
                return head
            heapq.heapreplace(self.heads, now)
        return None

    def take(self) -> Case:
        """Remove the leading case."""
        patient_id = self.heads[0].patient_id
        queue = self.queues[patient_id]
        case = queue.pop()[2]
        if queue:
            heapq.heapreplace(self.heads, _Head(queue[-1][0], queue[-1][1], patient_id))
        else:
            heapq.heappop(self.heads)
        self.taken += 1
        return case


def select(cases: Iterable[Case], budget: int, exclude: Collection[str], seed: int) -> list[Case]:
    """At most ``budget`` cases, the first to be read first; those whose case_id is in ``exclude`` are left out.

    The same cases and seed give the same list, in whatever order they come; the seed decides between equals.
    """
    kinds = _kinds(cases, set(exclude), seed)
    of_patient: Counter[str] = Counter()
    heap = [one for question in kinds if (one := _entry(kinds, question, of_patient))]
    heapq.heapify(heap)
    chosen: list[Case] = []
    while heap and len(chosen) < budget:
        question = heap[0][-1]
        now = _entry(kinds, question, of_patient)
        if now == heap[0]:
            case = kinds[question].take()
            chosen.append(case)
            of_patient[case.patient_id] += 1
            now = _entry(kinds, question, of_patient)
        if now:
            heapq.heapreplace(heap, now)
        else:
            heapq.heappop(heap)
    return chosen


def _kinds(cases: Iterable[Case], exclude: set[str], seed: int) -> dict[Question, _Kind]:
    kinds: dict[Question, _Kind] = defaultdict(_Kind)
    for case in cases:
        if case.case_id not in exclude:
            kind = kinds[case.task, case.rule_ids, case.findings]
            kind.queues[case.patient_id].append((-case.priority, digest(seed, case.case_id), case))
    for kind in kinds.values():
        kind.start()
    return kinds


def _entry(
    kinds: dict[Question, _Kind], question: Question, of_patient: Counter[str]
) -> tuple[float, str, Question] | None:
    """What a question's best case is worth now; None where none is left."""
    head = kinds[question].best(of_patient)
    return (head.cost / math.sqrt(1 + kinds[question].taken), head.tie, question) if head else None
