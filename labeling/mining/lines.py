"""A mined report as one line of JSON: what ``paxflow mine run`` writes and what the scorers of the field read.

``{"id", "labels": {label: 1|0|-1|null}, "modifiers": {label: {"lat": [], "sev": [], "loc": []}}}``; with mentions, each
of them with its offsets, what is said of it, its concept and the rules that decided, and the labels that it decided.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from json import JSONEncoder
from typing import Any

from labeling.labels.policy import Policy, apply_policy
from labeling.labels.sets import Decided, label_set
from labeling.mining.output import modifiers
from labeling.mining.reader import Mined, mine_text
from labeling.mining.spoken import Spoken

_json = JSONEncoder(ensure_ascii=False).encode
_FACTS = tuple(name for name in Spoken._fields[4:] if name != "finding")
"""What a mention says besides where it stands and its finding, which comes behind them as its concept."""


@dataclass(frozen=True)
class LineOptions:
    """Which labels, what becomes of uncertain ones, and whether every mention is written."""

    labels: str = "chexpert"
    uncertain: Policy = "keep"
    mentions: bool = False


def line_of(text_id: str, text: str, options: LineOptions) -> str:
    """One report's line, without the line's end."""
    mined = mine_text(text)
    decided = mined.states(label_set(options.labels))
    states = {label: state for label, (state, _) in decided.items()}
    line: dict[str, Any] = {
        "id": text_id,
        "labels": apply_policy(states, options.uncertain),
        "modifiers": modifiers(decided, mined.mentions),
    }
    if options.mentions:
        return f'{_json(line)[:-1]}, "mentions": [{", ".join(_mentions(mined, decided))}]}}'
    return _json(line)


def _mentions(mined: Mined, decided: Decided) -> Iterator[str]:
    labels: dict[int, list[str]] = defaultdict(list)
    for label, (_, positions) in decided.items():
        for position in positions:
            labels[position].append(label)
    for place, spoken in enumerate(mined.mentions):
        start, end, section, (first, last), *said = spoken
        where = f'"start": {start}, "end": {end}, "section": {_json(section)}, "sentence": [{first}, {last}]'
        yield f'{{{where}, {_facts(*said)}, "labels": {_json(labels[place])}}}'


@lru_cache(maxsize=1 << 14)
def _facts(finding: str, *said: Any) -> str:
    """The members of a mention's object that say what it is; mentions repeat themselves, so they are kept."""
    return _json({**dict(zip(_FACTS, said, strict=True)), "concept": finding})[1:-1]
