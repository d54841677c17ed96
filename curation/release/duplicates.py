"""What may not cross splits: the same image, and reports that say nearly the same.

Recipes use both together::

    groups = near_duplicates({row.report_id: row.text for row in reports})
    crossing({row.report_id: (groups[row.report_id], sources.split_of(row.patient_id)) for row in reports})
"""

import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from curation.records import SPLITS

Ints = NDArray[np.int64]

_WORD = re.compile(r"\d(?:[\d.,:/-]*\d)?|[^\W\d_]+")
"""A number, date or time; or a word."""
_OF_DATES = frozenset((
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
))  # fmt: skip
"""De-identification moves a date in words too, by other days for each patient."""
_NUMBER = "#"
_SHINGLE = 4
"""Words."""
_SKETCH = 8
"""Words of 64 bits."""
_FEW = 16
"""Sets that are faster compared than sketched."""


def crossing(items: Mapping[str, tuple[str, str]]) -> Mapping[str, str]:
    """Items to leave out so that no group stands in two splits, with the item that each is a duplicate of.

    ``items`` gives each item's group and split. A group that reaches into several splits stays in the one where most of
    its items are (of equals the later of train, valid, test: a duplicate would flatter there), and is left out of the
    others.

    Patients do not move for it, since they never move; and of all ways to keep a group in one split, this one leaves
    out least. It matters for reports: those of normal chests are often one template, word for word, of people who have
    nothing to do with each other. Most of them are in train and stay there; the test split loses its own, so it holds
    fewer normal reports than the hospital wrote. ``left_out`` counts them.
    """
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, (group, split) in sorted(items.items()):
        groups[group].append((name, split))
    twins: dict[str, str] = {}
    for members in groups.values():
        counts = Counter(split for _, split in members)
        if len(counts) > 1:
            home = max(counts, key=lambda split: (counts[split], SPLITS.index(split)))
            twin = next(name for name, split in members if split == home)
            twins |= {name: twin for name, split in members if split != home}
    return twins


def sharing(items: Mapping[str, Collection[str]]) -> Mapping[str, str]:
    """By item, the smallest item that it shares a key with, directly or through others; itself if there is none."""
    home: dict[str, str] = {}
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while home[name] != name:
            home[name] = name = home[home[name]]
        return name

    for name in sorted(items):
        home[name] = name
        for key in items[name]:
            low, high = sorted((root(first.setdefault(key, name)), root(name)))
            home[high] = low
    return {name: root(name) for name in home}


def near_duplicates(texts: Mapping[str, str]) -> Mapping[str, str]:
    """The group of each report, by its id: the smallest id among the reports that say nearly the same, or its own.

    Two texts say nearly the same if their sets of runs of four words (a shorter text: the whole) have a Jaccard index
    of 0.9 or more; a third that is near one of them is in the group as well. Case, white space and punctuation do not
    count, and a number, date or month is one sign, whatever it says. A text without a word is nobody's duplicate.
    """
    first: dict[str, str] = {}
    groups = {}
    for name in sorted(texts):
        words = " ".join(words_of(texts[name]))
        groups[name] = first.setdefault(words, name) if words else name
    homes = _joined(list(first), list(first.values()))
    return {name: homes.get(group, group) for name, group in groups.items()}


def words_of(text: str) -> list[str]:
    """Words in small letters, with one sign for each number, date, time, month or day of the week."""
    words = _WORD.findall(text.casefold())
    return [_NUMBER if word[0].isdigit() or word in _OF_DATES else word for word in words]


def _joined(texts: Sequence[str], names: Sequence[str]) -> Mapping[str, str]:
    """For each name, the first name of its group."""
    if not texts:
        return {}
    sets = _Sets(texts)
    home = list(range(len(texts)))
    for group in sets.groups():
        _join(group, sets, home)
    return {name: names[_root(home, place)] for place, name in enumerate(names)}


def _join(group: Sequence[int], sets: "_Sets", home: list[int]) -> None:
    """Join those of a group that are near. Whoever is joined already is not compared, so copies of one cost little."""
    roots = np.array([_root(home, sets.text(place)) for place in group])
    for number in range(1, len(group)):
        others = np.flatnonzero(roots[:number] != roots[number])
        if len(others) > _FEW:
            others = sets.like(group, number, others)
        for other in others.tolist():
            low, high = sorted((roots[other].item(), roots[number].item()))
            if low != high and sets.near(group[number], group[other]):
                home[high] = low
                roots[roots == high] = low


def _root(home: list[int], place: int) -> int:
    while home[place] != place:
        home[place] = home[home[place]]
        place = home[place]
    return place


# --- the join --------------------------------------------------------------------------------------------


class _Sets:
    """Sets of shingles, joined exactly without looking at all pairs (PartEnum: Arasu, Ganti and Kaushik 2006).

    Sets of n and m shingles with a Jaccard index of 0.9 or more differ in at most (n + m) / 19 shingles. So if all
    shingles that there are, are dealt out to more hands than that, two such sets hold the same in one hand at least.
    Only sets that agree in a hand are compared. Dealing goes by rarity, so that every hand has rare shingles: where
    reports are made of few phrases, a prefix filter would compare a thousand times more pairs.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        owner, shingle = _shingles(texts)
        sizes = np.bincount(owner, minlength=len(texts))
        self._order = np.argsort(sizes, kind="stable")
        self._sizes = sizes[self._order]
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)])
        place = np.empty_like(self._order)
        place[self._order] = np.arange(len(texts))
        rank = np.argsort(np.argsort(np.bincount(shingle), kind="stable"))
        self._rank = rank[shingle[np.argsort(place[owner], kind="stable")]]
        self._seen: dict[int, frozenset[int]] = {}

    def groups(self) -> Iterator[list[int]]:
        """Places of texts that may be near; any two that are near stand together in a group."""
        ends = _ends(int(self._sizes[-1]))
        bounds = [0, *np.searchsorted(self._sizes, ends, side="right").tolist()]
        for low, high, most in zip(bounds, bounds[2:], ends[1:], strict=False):
            yield from self._agreeing(low, high, 2 * most // 19 + 1)

    def near(self, one: int, other: int) -> bool:
        """Whether the Jaccard index is 0.9 or more: common / (n + m - common) >= 9 / 10."""
        a, b = self._set(one), self._set(other)
        return 19 * len(a & b) >= 9 * (len(a) + len(b))

    def like(self, group: Sequence[int], number: int, others: Ints) -> Ints:
        """Those of the others (places in the group) that may be near; sketches never differ in more than sets do."""
        places = np.array(group)[others]
        differing = np.bitwise_count(self._sketches[places] ^ self._sketches[group[number]]).sum(axis=1)
        kept: Ints = others[19 * differing.astype(np.int64) <= self._sizes[places] + self._sizes[group[number]]]
        return kept

    @cached_property
    def _sketches(self) -> NDArray[np.uint64]:
        """For each set 512 bits, of which its shingles set one each."""
        bits = np.zeros((len(self._sizes), _SKETCH), np.uint64)
        owner = np.repeat(np.arange(len(self._sizes)), self._sizes)
        np.bitwise_or.at(bits, (owner, self._rank // 64 % _SKETCH), np.uint64(1) << (self._rank % 64).astype(np.uint64))
        return bits

    def text(self, place: int) -> int:
        """Which text it is."""
        return int(self._order[place])

    def _set(self, place: int) -> frozenset[int]:
        if place not in self._seen:
            self._seen[place] = frozenset(self._rank[self._starts[place] : self._starts[place + 1]].tolist())
        return self._seen[place]

    def _agreeing(self, low: int, high: int, hands: int) -> Iterator[list[int]]:
        """Groups of sets, of those from ``low`` to ``high``, that hold the same in one of the hands."""
        held = np.zeros((hands, high - low), np.uint64)
        rank = self._rank[self._starts[low] : self._starts[high]]
        owner = np.repeat(np.arange(high - low), self._sizes[low:high])
        np.add.at(held, (rank % hands, owner), _mixed(rank))
        for hand in held:
            order = np.argsort(hand)
            starts = np.flatnonzero(np.diff(hand[order], prepend=~hand[order[:1]]))
            sizes = np.diff(starts, append=len(order))
            for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
                yield (order[start : start + size] + low).tolist()


def _ends(largest: int) -> list[int]:
    """Largest sizes of bands, so that two sets that are near lie in one band or in neighbours."""
    ends = [1]
    while ends[-1] < largest or len(ends) < 2:
        ends.append((ends[-1] + 1) * 10 // 9)
    return ends


def _shingles(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Text and number of each shingle, each once; a text of fewer words is one shingle."""
    numbers: dict[str, int] = {"": 0}
    words, counts = array("q"), []
    for text in texts:
        own = [numbers.setdefault(word, len(numbers)) for word in text.split()]
        own += [0] * (_SHINGLE - len(own))
        words.extend(own)
        counts.append(len(own))
    flat = np.frombuffer(words, np.int64)
    twos = _numbered(flat[:-1], flat[1:])
    fours = _numbered(twos[:-2], twos[2:])
    owner = np.repeat(np.arange(len(texts)), counts)
    inside = owner[: len(fours)] == owner[_SHINGLE - 1 :]
    base = int(fours.max()) + 1
    once = np.unique(owner[: len(fours)][inside] * base + fours[inside])
    return once // base, once % base


def _numbered(first: Ints, second: Ints) -> Ints:
    """Numbers from 0, the same for the same two."""
    pairs = first * (int(second.max()) + 1) + second
    numbered: Ints = np.unique(pairs, return_inverse=True)[1]
    return numbered


def _mixed(values: Ints) -> NDArray[np.uint64]:
    """Each value as 64 bits that look random (SplitMix64: Steele, Lea and Flood 2014), so that sums tell sets apart."""
    bits = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
