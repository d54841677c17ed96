"""Finds the terms of a dictionary of millions in texts: read from disk where they lie, a whole batch at once.

For each length of a phrase, the keys of all runs of tokens are looked up in a bitmap that fits the processor's cache;
what passes is looked up among the sorted keys, and what begins no phrase is not made longer. The leftmost match wins,
of those the longest; it is compared with the phrase itself. A match does not go beyond its sentence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from curation.errors import InputError
from labeling.concepts.columns import Strings, read_numbers
from labeling.concepts.index import CAPS, PREFERRED, SMALL, bit_of, is_set, read_manifest
from labeling.concepts.keys import Batch, Ints, Keys, batch, normalised, phrase_keys

MOST_CANDIDATES = 50
"""Of one phrase; more is a phrase of no use."""

_MOST_KEPT = 200_000  # phrases whose candidates are kept: reports repeat themselves


class Candidate(NamedTuple):
    """A concept that a phrase may mean."""

    concept_id: str
    """CUI, or the id of a term list."""
    name: str
    """The concept's own name."""
    types: tuple[str, ...]
    """TUIs, in order."""
    n_sources: int
    """How many sources call it so."""
    is_preferred: bool
    """The phrase is the concept's own name."""
    only_capitals: bool
    """Every source writes the phrase in capitals: an abbreviation."""


class Found(NamedTuple):
    """A phrase at characters ``start`` to ``end`` (exclusive) of a text."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]
    """What it may mean, by number of sources; ``labeling.concepts.rank`` chooses."""


class Dictionary:
    """A dictionary folder that ``labeling.concepts.umls`` made; opening it reads next to nothing."""

    def __init__(self, folder: Path) -> None:
        """Open; raises InputError if the folder is no dictionary."""
        self.manifest = read_manifest(folder)
        match = folder / "match"
        self.phrases = Strings(match, "phrase")
        self._ids, self._names = Strings(match, "id"), Strings(match, "name")
        self._keys: Keys = read_numbers(match, "keys", np.uint64)
        self._last, self._candidate = (read_numbers(match, name, np.uint32) for name in ("last", "candidate"))
        self._n_sources, self._flags = (read_numbers(match, name, np.uint8) for name in ("n_sources", "flags"))
        self._typed, self._type = read_numbers(match, "typed", np.uint32), read_numbers(match, "type", np.uint16)
        self._whole, self._begun = (read_numbers(match, name, np.uint8) for name in ("whole", "begun"))
        self._check()
        self._n_bits = (8 * len(self._whole)).bit_length() - 1
        self._kept: dict[tuple[int, str], tuple[Candidate, ...]] = {}

    def _check(self) -> None:
        """Raises InputError unless columns of one table are of one length."""
        n_candidates = int(self._last[-1]) if len(self._last) else 0
        tables = (
            (len(self.phrases), len(self._keys), len(self._last)),
            (n_candidates, len(self._candidate), len(self._n_sources), len(self._flags)),
            (len(self._ids), len(self._names)),
            (len(self._typed), len(self._type)),
            (len(self._whole), len(self._begun)),
        )
        if not len(self._whole) or any(len(set(lengths)) > 1 for lengths in tables):
            raise InputError("the dictionary was cut: expected columns of one length, got others: build it again")

    @classmethod
    def open(cls, folder: Path) -> "Dictionary":
        """Open a folder; raises InputError if it is no dictionary."""
        return cls(folder)

    def __len__(self) -> int:
        return len(self.phrases)

    def find(self, texts: Sequence[str]) -> list[list[Found]]:
        """The terms in each text, in order; batches of some 1,000 texts are quickest."""
        found: list[list[Found]] = [[] for _ in texts]
        if not texts:
            return found
        tokens = batch(texts)
        lengths, phrases = self._longest(tokens)
        at = np.flatnonzero(lengths)
        after = at + lengths[at]
        owner = np.searchsorted(tokens.text_starts, tokens.starts[at], side="right") - 1
        starts, ends, offsets = tokens.starts[at], tokens.ends[after - 1], tokens.text_starts[owner]
        columns = (at, after, phrases[at], owner, starts, ends, offsets)
        free = 0
        for first, last, phrase, text, start, end, offset in zip(*(one.tolist() for one in columns), strict=True):
            if first < free:
                continue
            words = tokens.text[start:end]
            candidates = self._kept.get((phrase, words))
            if candidates is None:
                candidates = self._compared(phrase, words)
            if candidates:
                free = last
                found[text].append(Found(start - offset, end - offset, candidates))
        return found

    def exact(self, text: str) -> tuple[Candidate, ...]:
        """What a whole phrase may mean; none if it is no term."""
        phrase = normalised(text)
        position = self._positions(phrase_keys([phrase])[0])[0]
        return self._compared(int(position), phrase) if position >= 0 and phrase else ()

    def candidates(self, position: int) -> tuple[Candidate, ...]:
        """What the phrase at a position may mean, the ``MOST_CANDIDATES`` that most sources know."""
        first = int(self._last[position - 1]) if position else 0
        last = min(int(self._last[position]), first + MOST_CANDIDATES)
        return tuple(self._candidate_at(row) for row in range(first, last))

    def _longest(self, tokens: Batch) -> tuple[Ints, Ints]:
        """For each token, how many tokens the longest phrase has that begins there (0 for none), and which it is."""
        lengths, phrases = np.zeros(len(tokens.starts), np.int64), np.zeros(len(tokens.starts), np.int64)
        runs = tokens.keys()
        length, at, keys = next(runs)
        while True:
            bits = bit_of(keys, self._n_bits)
            hit = np.flatnonzero(is_set(self._whole, bits))
            positions = self._positions(keys[hit])
            known = positions >= 0
            lengths[at[hit[known]]] = length
            phrases[at[hit[known]]] = positions[known]
            try:
                length, at, keys = runs.send(is_set(self._begun, bits))
            except StopIteration:
                return lengths, phrases

    def _positions(self, keys: Keys) -> Ints:
        """Where the phrases of keys stand, -1 for a key that no phrase has."""
        distinct, back = np.unique(keys, return_inverse=True)
        at = np.searchsorted(self._keys, distinct)
        inside = np.minimum(at, len(self._keys) - 1)
        positions: Ints = np.where(self._keys[inside] == distinct, at, -1)[back]
        return positions

    def _compared(self, phrase: int, text: str) -> tuple[Candidate, ...]:
        """The candidates of a phrase if the text is it; none if it only has the same key."""
        candidates = self.candidates(phrase) if self.phrases[phrase] == normalised(text) else ()
        if len(self._kept) < _MOST_KEPT:
            self._kept[phrase, text] = candidates
        return candidates

    def _candidate_at(self, row: int) -> Candidate:
        concept = int(self._candidate[row])
        first, last = np.searchsorted(self._typed, np.array((concept, concept + 1), np.uint32))
        flags = int(self._flags[row])
        return Candidate(
            self._ids[concept],
            self._names[concept],
            tuple(f"T{number:03}" for number in self._type[first:last].tolist()),
            int(self._n_sources[row]),
            bool(flags & PREFERRED),
            bool(flags & CAPS) and not flags & SMALL,
        )
