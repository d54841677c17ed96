"""CheXpert-14 labels of a report from its mentions (Irvin 2019), by the table ``rules/labels.tsv``.

A label is present if any of its mentions is, else uncertain if any is, else absent if any is, else not mentioned.
``No Finding`` is 1 when no label but Support Devices is present or uncertain, and null otherwise; a report that holds
nothing but history says neither.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from curation.records import Assertion
from labeling.lexicon import read_rules

NO_FINDING = "No Finding"
SUPPORT_DEVICES = "Support Devices"
CHEXPERT_14 = (
    NO_FINDING,
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Lesion",
    "Lung Opacity",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    SUPPORT_DEVICES,
)
_STATE = {Assertion.PRESENT: 1, Assertion.UNCERTAIN: -1, Assertion.ABSENT: 0}
_STRENGTH = [0, -1, 1]


@cache
def _labels() -> dict[str, tuple[tuple[str, int], ...]]:
    """Finding to its labels, with the strongest state it may give each."""
    table: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for rule in read_rules("labels"):
        table[rule["finding"]].append((rule["label"], _STATE[Assertion(rule["most"])]))
    return {finding: tuple(labels) for finding, labels in table.items()}


def chexpert(
    mentions: Iterable[tuple[str, Assertion]], examined: bool
) -> dict[str, tuple[int | None, tuple[int, ...]]]:
    """State of each of the 14 labels, and positions of the mentions that decided it.

    ``mentions`` are findings with their assertions, in any order; ``examined`` says whether the report speaks of the
    examination at all.
    """
    states: dict[str, tuple[int | None, tuple[int, ...]]] = dict.fromkeys(CHEXPERT_14, (None, ()))
    for position, (finding, assertion) in enumerate(mentions):
        for label, most in _labels().get(finding, ()):
            if assertion is Assertion.ABSENT and most != 1:
                continue
            state = min(_STATE[assertion], most, key=_STRENGTH.index)
            best, positions = states[label]
            if best is None or _STRENGTH.index(state) > _STRENGTH.index(best):
                states[label] = (state, (position,))
            elif state == best:
                states[label] = (state, (*positions, position))
    found = any(states[label][0] in (1, -1) for label in CHEXPERT_14[1:-1])
    states[NO_FINDING] = (1 if examined and not found else None, ())
    return states
