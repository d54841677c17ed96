"""Phrases that look alike: cosine of character 3-grams weighted by their rarity (TF-IDF), by an inverted index on disk.

A 3-gram counts once in a phrase (terms are short); its weight is log(1 + N / phrases that hold it) (Spärck Jones 1972).
A query follows its rarest 3-grams only, some 200,000 entries at most, then scores what it met exactly.

    gram_last     one past the last entry of each 3-gram       uint64
    gram_phrase   the phrases that hold a 3-gram               uint32
    gram_norm     length of each phrase's vector               float32
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labeling.concepts.columns import Strings, add_numbers, read_numbers, write_numbers
from labeling.concepts.keys import normalised

_LETTERS = 37  # white space and marks as one, a to z, 0 to 9
_GRAMS = _LETTERS**3
_MOST_ENTRIES = 200_000
_RESCORED = 200  # of the phrases that share most of a query's rarest 3-grams
_PHRASES_AT_ONCE = 50_000
_PARTITIONS = 16  # of the 3-grams, each sorted in memory: 12 million entries each where there are 10 million phrases
_LONGEST = 100  # characters of a phrase that are looked at

Ints = NDArray[np.int64]


class Near(NamedTuple):
    """A phrase by position, and its cosine in (0, 1]."""

    position: int
    score: float


def grams(phrases: Sequence[str]) -> tuple[Ints, Ints]:
    """The distinct 3-grams of normalised phrases: phrase by phrase, which phrase and which 3-gram, sorted."""
    padded = "".join([f" {phrase[:_LONGEST]} \n" for phrase in phrases])
    codes = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = codes == ord("\n")
    owner = np.cumsum(ends) - ends
    letters = _codes(codes)
    of = owner[:-2]
    inside = (of == owner[2:]) & ~ends[2:]
    gram = (letters[:-2] * _LETTERS + letters[1:-1]) * _LETTERS + letters[2:]
    both = np.unique(of[inside] * _GRAMS + gram[inside])
    return both // _GRAMS, both % _GRAMS


def _codes(characters: NDArray[np.uint32]) -> Ints:
    table = np.zeros(128, np.int64)
    table[ord("a") : ord("z") + 1] = np.arange(1, 27)
    table[ord("0") : ord("9") + 1] = np.arange(27, 37)
    other = 1 + characters.astype(np.int64) % 26  # a letter of another script counts as one of ours
    return np.where(characters < 128, table[np.minimum(characters, 127)], other)


def write_ngrams(folder: Path, phrases: Strings) -> None:
    """Write the index of all phrases of a folder, in bounded memory: entries are parted by 3-gram, then sorted."""
    held = np.zeros(_GRAMS, np.int64)
    parts = [f"gram_part_{part}" for part in range(_PARTITIONS)]
    for name in parts:
        write_numbers(folder, name, np.empty(0, np.uint64))
    for start, texts in phrases.batches(_PHRASES_AT_ONCE):
        of, gram = grams(texts)
        held += np.bincount(gram, minlength=_GRAMS)
        entries = (gram.astype(np.uint64) << np.uint64(32)) | (of + start).astype(np.uint64)
        part = gram * _PARTITIONS // _GRAMS
        for place, name in enumerate(parts):
            add_numbers(folder, name, entries[part == place])
    write_numbers(folder, "gram_last", np.cumsum(held).astype(np.uint64))
    squares = np.zeros(len(phrases), np.float32)
    weights = _weights(held, len(phrases))
    write_numbers(folder, "gram_phrase", np.empty(0, np.uint32))
    for name in parts:
        entries = np.sort(read_numbers(folder, name, np.uint64))
        at = (entries & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        add_numbers(folder, "gram_phrase", at)
        np.add.at(squares, at, (weights[(entries >> np.uint64(32)).astype(np.int64)] ** 2).astype(np.float32))
        (folder / name).unlink()
    write_numbers(folder, "gram_norm", np.sqrt(squares))


class NGrams:
    """The index of a folder, read where it lies."""

    def __init__(self, folder: Path, phrases: Strings) -> None:
        """Open; raises InputError if it is not there."""
        self._phrases = phrases
        self._last = read_numbers(folder, "gram_last", np.uint64)
        self._phrase = read_numbers(folder, "gram_phrase", np.uint32)
        self._norm = read_numbers(folder, "gram_norm", np.float32)
        held = np.diff(np.asarray(self._last).astype(np.int64), prepend=0)
        self._held, self._weights = held, _weights(held, len(phrases))

    def near(self, text: str, most: int = 10) -> list[Near]:
        """The phrases that look most like a text, best first; none if no 3-gram is shared."""
        query = grams([normalised(text)])[1]
        total = float(np.sqrt((self._weights[query] ** 2).sum()))
        known = query[self._held[query] > 0]
        found = self._sharing(known[np.argsort(self._held[known], kind="stable")])
        if not len(found):
            return []
        of, gram = grams([self._phrases[int(one)] for one in found])
        shared = np.isin(gram, query)
        dot = np.bincount(of[shared], self._weights[gram[shared]] ** 2, minlength=len(found))
        scores = dot / (total * self._norm[found])
        order = np.lexsort((found, -scores))[:most]
        return [Near(int(found[one]), min(float(scores[one]), 1.0)) for one in order]

    def _sharing(self, rarest: Ints) -> Ints:
        """Positions of the phrases that share most of the rarest 3-grams."""
        upto = max(int(np.searchsorted(np.cumsum(self._held[rarest]), _MOST_ENTRIES)), 1)
        taken = rarest[:upto]
        if not len(taken):
            return np.empty(0, np.int64)
        lists = [self._phrase[int(self._last[gram]) - int(self._held[gram]) : int(self._last[gram])] for gram in taken]
        weight = np.repeat(self._weights[taken] ** 2, [len(one) for one in lists])
        positions, which = np.unique(np.concatenate(lists), return_inverse=True)
        partial = np.bincount(which, weight) / self._norm[positions]
        best: Ints = positions[np.argsort(-partial, kind="stable")[:_RESCORED]].astype(np.int64)
        return best


def _weights(held: Ints, count: int) -> NDArray[np.float64]:
    return np.log1p(count / np.maximum(held, 1))
