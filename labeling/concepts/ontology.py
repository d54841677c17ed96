"""A hierarchy of concepts as arrays: ancestors, depth, information content, and how alike two concepts are.

Edges go from child to parent (is_a); a concept may have several parents, and there may be several roots. Built for
millions of nodes (the is_a edges of the UMLS, the Human Phenotype Ontology) as for the small table that ships.

    IC(c)     1 − log(hyponyms(c) + 1) / log(N)                    Seco, Veale, Hayes 2004 (ECAI), intrinsic
              −log(p(c)) / −log(p_min), p counts c and all below   Resnik 1995 (IJCAI), from counts, scaled to [0, 1]
    Resnik    IC of the most informative common ancestor
    Lin       2 · Resnik / (IC(a) + IC(b))                         Lin 1998 (ICML); 1 for a concept and itself
"""

from collections.abc import Iterable, Mapping
from copy import copy
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError, UsageError

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Floats = NDArray[np.float64]

_BLOCK = 1 << 15
"""Nodes whose ancestors are sorted or counted at once: some 50 MB."""


class Ontology:
    """Concepts and their parents; ``extra`` are concepts that may have no edge at all.

    Raises InputError where the edges make a cycle. Nodes keep the order in which they are first named. All ancestors
    are held: 4 bytes each, some 30 for a concept of the UMLS.
    """

    def __init__(self, edges: Iterable[tuple[str, str]], extra: Iterable[str] = ()) -> None:
        index: dict[str, int] = {}
        flat = np.fromiter((index.setdefault(name, len(index)) for name in chain.from_iterable(edges)), np.int64)
        for name in extra:
            index.setdefault(name, len(index))
        self._index = index
        self.names: tuple[str, ...] = tuple(index)
        self._parents = _adjacency(flat[0::2], flat[1::2], len(index))
        self._depth, self._above = _climb(self._parents)
        self._ic = self._seco()

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def node(self, name: str) -> int:
        """Position of a concept; raises UsageError for one that the ontology has not."""
        try:
            return self._index[name]
        except KeyError:
            raise UsageError("expected a concept of this ontology, got another: look it up with `in` first") from None

    def parents(self, name: str) -> frozenset[str]:
        """The concepts right above."""
        return frozenset(self.names[node] for node in self._parents.take(np.array([self.node(name)]))[0])

    def ancestors(self, name: str) -> frozenset[str]:
        """The concept and all above it."""
        return frozenset(self.names[node] for node in self.closure(np.array([self.node(name)]))[0])

    def is_a(self, name: str, other: str) -> bool:
        """Whether ``other`` is the concept itself or above it; a name without a place here is only itself."""
        return name == other or (name in self._index and other in self.ancestors(name))

    def depth(self, name: str) -> int:
        """Edges on the shortest way up to a root."""
        return int(self._depth[self.node(name)])

    def information(self, name: str) -> float:
        """Information content in [0, 1]: 0 says nothing, 1 cannot be more specific."""
        return float(self._ic[self.node(name)])

    def counted(self, counts: Mapping[str, float]) -> "Ontology":
        """The same hierarchy with information content from a corpus: how often each concept was mentioned.

        One is added to every count, so a concept that was never seen is the most informative. Names that the hierarchy
        has not are left out. Raises UsageError for a negative count.
        """
        if any(count < 0 for count in counts.values()):
            raise UsageError("counts: expected 0 or more for each concept, got a negative one")
        weights = np.ones(len(self))
        for name, count in counts.items():
            if name in self._index:
                weights[self._index[name]] += count
        other = copy(self)
        rare = np.maximum(np.log(weights.sum()) - np.log(self._sums_below(weights)), 0.0)  # but for rounding
        other._ic = rare / rare.max() if rare.max(initial=0.0) > 0 else np.ones(len(self))
        return other

    def resnik(self, name: str, other: str) -> float:
        """Information content of the most informative concept that is above both; 0 if there is none."""
        return float(self.resnik_to(self.node(name), np.array([self.node(other)]))[0])

    def lin(self, name: str, other: str) -> float:
        """How alike two concepts are, in [0, 1]; a name without a place in the hierarchy is like itself only."""
        if name == other:
            return 1.0
        if name not in self._index or other not in self._index:
            return 0.0
        return float(self.lin_to(self._index[name], np.array([self._index[other]]))[0])

    def resnik_to(self, node: int, others: Ints) -> Floats:
        """Resnik of one node to many, by position."""
        shared = np.zeros(len(self))
        mine = self.closure(np.array([node]))[0]
        shared[mine] = self._ic[mine]
        above, times = self.closure(others)
        return np.maximum.reduceat(shared[above], np.cumsum(times) - times) if len(others) else np.zeros(0)

    def lin_to(self, node: int, others: Ints) -> Floats:
        """Lin of one node to many, by position."""
        total = self._ic[node] + self._ic[others]
        alike = 2 * self.resnik_to(node, others) / np.where(total > 0, total, 1)
        return np.where(others == node, 1.0, alike)

    def closure(self, nodes: Ints) -> tuple[Ints32, Ints]:
        """Ancestors of the nodes, each node among its own: positions, row after row, and how many each row has."""
        return self._above.take(nodes)

    def _seco(self) -> Floats:
        if len(self) < 2:
            return np.ones(len(self))
        hyponyms = self._sums_below(np.ones(len(self)))
        rare: Floats = 1 - np.log(hyponyms) / np.log(len(self))
        return rare

    def _sums_below(self, weights: Floats) -> Floats:
        """For each node the weight of itself and of all below it, each counted once however many ways lead there."""
        sums = np.zeros(len(self))
        for start in range(0, len(self), _BLOCK):
            nodes = np.arange(start, min(start + _BLOCK, len(self)))
            above, times = self.closure(nodes)
            sums += np.bincount(above, np.repeat(weights[nodes], times), len(self))
        return sums


class _Rows:
    """Rows of positions of unequal length, row after row in one array; rows are filled in any order."""

    def __init__(self, count: int, cells: Ints32) -> None:
        self.first = np.zeros(count, np.int64)
        self.times = np.zeros(count, np.int64)
        self.cells = cells
        self.used = 0

    def take(self, rows: Ints) -> tuple[Ints32, Ints]:
        times = self.times[rows]
        ends = np.cumsum(times)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - times, times)
        return self.cells[np.repeat(self.first[rows], times) + within], times

    def put(self, rows: Ints, cells: Ints, times: Ints) -> None:
        needed = self.used + len(cells)
        if needed > len(self.cells):
            self.cells = np.concatenate((self.cells[: self.used], np.empty(max(needed, self.used // 2), np.int32)))
        self.cells[self.used : needed] = cells
        self.first[rows] = self.used + np.cumsum(times) - times
        self.times[rows] = times
        self.used = needed


def _adjacency(sources: Ints, targets: Ints, count: int) -> _Rows:
    pairs = np.unique(sources * count + targets) if count else sources
    rows = _Rows(count, np.empty(len(pairs), np.int32))
    rows.put(np.arange(count), pairs % max(count, 1), np.bincount(pairs // max(count, 1), minlength=count))
    return rows


def _climb(parents: _Rows) -> tuple[Ints, _Rows]:
    """Depth of each node and all that is above it, downwards from the roots.

    Raises InputError if some node is never free of parents that wait themselves.
    """
    count = len(parents.first)
    every = np.arange(count)
    children = _adjacency(parents.cells.astype(np.int64), np.repeat(every, parents.times), count)
    waiting = parents.times.copy()
    depths = np.full(count, count)
    above = _Rows(count, np.empty(8 * count, np.int32))
    free = np.flatnonzero(waiting == 0)
    depths[free] = 0
    while len(free):
        for start in range(0, len(free), _BLOCK):
            _put_above(above, parents, free[start : start + _BLOCK])
        below, times = children.take(free)
        np.minimum.at(depths, below, np.repeat(depths[free] + 1, times))
        np.subtract.at(waiting, below, 1)
        free = np.unique(below[waiting[below] == 0]).astype(np.int64)
    if waiting.any():
        raise InputError(
            f"is_a edges: expected a hierarchy, got a cycle: {np.count_nonzero(waiting)} of {count} concepts stand in "
            "one or below one. Drop the edges that lead back"
        )
    return depths, above


def _put_above(above: _Rows, parents: _Rows, nodes: Ints) -> None:
    """Fill the rows of nodes whose parents have theirs: the node, and once each what its parents have."""
    upper, times = parents.take(nodes)
    inherited, lengths = above.take(upper.astype(np.int64))
    rows = np.repeat(np.repeat(np.arange(len(nodes)), times), lengths)
    count = len(above.first)
    cells = np.unique(np.concatenate((rows * count + inherited, np.arange(len(nodes)) * count + nodes)))
    above.put(nodes, cells % count, np.bincount(cells // count, minlength=len(nodes)))
