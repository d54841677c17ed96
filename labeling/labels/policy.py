"""What becomes of uncertain labels: a policy for all of them, or one for each label.

``keep`` leaves -1; ``positive``, ``negative`` and ``ignore`` are U-Ones, U-Zeros and U-Ignore of CheXpert (Irvin 2019):
1, 0, or null. Nothing but -1 changes, and raw states stay with whoever asks: a policy makes a second column.
"""

from collections.abc import Iterable, Mapping

from curation.errors import UsageError
from labeling.labels.near import nearest
from labeling.labels.sets import State

Policy = str | Mapping[str, str]
"""One word for all labels, or a word by label, where ``*`` stands for all others (``keep`` without it)."""
KEEP = "keep"
OTHERS = "*"
_BECOMES: dict[str, State] = {KEEP: -1, "positive": 1, "negative": 0, "ignore": None}
POLICIES = tuple(_BECOMES)


def apply_policy(states: Mapping[str, State], policy: Policy) -> dict[str, State]:
    """States by label, where uncertain ones became what the policy says.

    Raises UsageError for a word that is no policy.

    >>> apply_policy({"Edema": -1, "Fracture": -1, "Pneumonia": 0}, {"Edema": "positive", "*": "ignore"})
    {'Edema': 1, 'Fracture': None, 'Pneumonia': 0}
    """
    if policy == KEEP:
        return dict(states)
    return {label: becomes(policy, label) if state == -1 else state for label, state in states.items()}


def becomes(policy: Policy, label: str) -> State:
    """What an uncertain label becomes; raises UsageError for a word that is no policy."""
    word = policy if isinstance(policy, str) else policy.get(label, policy.get(OTHERS, KEEP))
    if word not in _BECOMES:
        raise UsageError(f"expected a policy, one of {', '.join(POLICIES)}; got another word{nearest(word, POLICIES)}")
    return _BECOMES[word]


def parse_policy(text: str, labels: Iterable[str]) -> Policy:
    """A policy as people write it: ``positive``, or ``Edema=positive,Atelectasis=positive,*=negative``.

    Raises UsageError for a word that is no policy, a label that is none of ``labels``, and one that comes twice.

    >>> parse_policy("Edema=positive, *=ignore", ["Edema", "Fracture"])
    {'Edema': 'positive', '*': 'ignore'}
    """
    if "=" not in text:
        becomes(text.strip(), "")
        return text.strip()
    known = {*labels, OTHERS}
    policy: dict[str, str] = {}
    for part in text.split(","):
        label, sign, word = (piece.strip() for piece in part.rpartition("="))
        if not sign or label not in known:
            raise UsageError(f"expected LABEL=POLICY with a label of the set, or *=POLICY{nearest(label, known)}")
        if label in policy:
            raise UsageError(f"expected one policy for each label; {label} has two")
        policy[label] = word
        becomes(policy, label)
    return policy
