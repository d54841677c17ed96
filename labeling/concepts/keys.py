"""Keys of phrases: 64-bit numbers of runs of tokens, for a whole batch of texts at once.

A token's number is the polynomial of its characters modulo 2⁶⁴ (Karp and Rabin 1987), from running sums over the batch,
then mixed (the finaliser of MurmurHash3, Appleby 2011); a phrase's key is the polynomial of its tokens' numbers. Two
phrases may share a key, so a hit is compared with the phrase itself.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labeling.mining.lexicon import token_spans

Keys = NDArray[np.uint64]
Ints = NDArray[np.int64]

MOST_TOKENS = 12
"""Tokens of the longest phrase that is matched."""

_BASE = 0x9E3779B97F4A7C15  # 2⁶⁴ over the golden ratio, odd
_INVERSE = pow(_BASE, -1, 1 << 64)
_STEP = np.uint64(0xD6E8FEB86659FD93)  # odd, of many set bits
_SEPARATOR = "\n\x00\n"  # ends a sentence, and is part of no token
_STOPS = np.frombuffer(b".!", np.uint8)
_BLANK_LINE = 2  # new lines


@dataclass(frozen=True)
class Batch:
    """Texts as one, with their tokens."""

    text: str
    """All texts in small letters, one behind the other; as long as they were written."""
    text_starts: Ints
    """Where each text begins, shape (texts,)."""
    starts: Ints
    """Where each token begins, shape (tokens,)."""
    ends: Ints
    numbers: Keys
    """The number of each token."""
    room: Ints
    """How many tokens there are from each one to the end of its sentence, itself included."""

    def keys(self, most: int = MOST_TOKENS) -> Generator[tuple[int, Ints, Keys], NDArray[np.bool_], None]:
        """For 1 to ``most`` tokens: how many, the tokens where so many begin, and their keys.

        Of the tokens sent back with ``send``, only those marked true go on to the next length.
        """
        at = np.arange(len(self.starts))
        keys: Keys = self.numbers
        for length in range(1, most + 1):
            going = yield length, at, keys
            going = going & (self.room[at] > length)
            at = at[going]
            keys = keys[going] * _STEP + self.numbers[at + length]


def lowered(text: str) -> str:
    """Small letters, each where it stood: letters whose small form is two stay as they are."""
    small = text.lower()
    if len(small) == len(text):
        return small
    return "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in text)


def normalised(text: str) -> str:
    """The tokens of a phrase in small letters, one space between them.

    >>> normalised("Effusion,  right-sided")
    'effusion , right sided'
    """
    small = lowered(text)
    return " ".join([small[start:end] for start, end in token_spans(text)])


def batch(texts: Sequence[str]) -> Batch:
    """Tokens and their numbers of many texts."""
    joined = _SEPARATOR.join(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    text_starts = np.zeros(len(texts), np.int64)
    np.cumsum(lengths[:-1] + len(_SEPARATOR), out=text_starts[1:])
    spans = token_spans(joined)
    flat = np.fromiter(chain.from_iterable(spans), np.int64, 2 * len(spans))
    starts, ends = flat[0::2], flat[1::2]
    small = lowered(joined)
    codes = _codes(small)
    return Batch(small, text_starts, starts, ends, _numbers(codes, starts, ends), _room(codes, starts, ends))


def phrase_keys(phrases: Sequence[str]) -> tuple[Keys, Ints, Keys]:
    """Keys of normalised phrases, how many tokens each has, and the keys of the beginnings of all (of fewer tokens).

    A phrase without a token has the key 0, as one of more than ``MOST_TOKENS`` has.
    """
    found = batch(phrases)
    first = np.searchsorted(found.starts, found.text_starts)
    counts = np.diff(np.append(first, len(found.starts)))
    keys = np.zeros(len(phrases), np.uint64)
    fits = (counts > 0) & (counts <= MOST_TOKENS)
    current: Keys = np.zeros(int(fits.sum()), np.uint64)
    beginnings = [current[:0]]
    at, left, owner = first[fits], counts[fits], np.flatnonzero(fits)
    while len(at):
        current = current * _STEP + found.numbers[at]
        ends = left == 1
        keys[owner[ends]] = current[ends]
        at, left, owner, current = at[~ends] + 1, left[~ends] - 1, owner[~ends], current[~ends]
        beginnings.append(current)
    return keys, counts, np.unique(np.concatenate(beginnings))


def _codes(text: str) -> NDArray[Any]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _numbers(codes: NDArray[Any], starts: Ints, ends: Ints) -> Keys:
    up, down = _powers(1 << len(codes).bit_length())
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum((codes.astype(np.uint64) + np.uint64(1)) * up[: len(codes)], out=sums[1:])
    return _mixed((sums[ends] - sums[starts]) * down[starts])


@cache
def _powers(count: int) -> tuple[Keys, Keys]:
    """The powers of the base, and of its inverse, modulo 2⁶⁴."""
    both = []
    for base in (_BASE, _INVERSE):
        powers = np.full(count, base, np.uint64)
        powers[0] = 1
        both.append(np.cumprod(powers, dtype=np.uint64))
    return both[0], both[1]


def _mixed(numbers: Keys) -> Keys:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):  # of MurmurHash3
        numbers = (numbers ^ (numbers >> np.uint64(33))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(33))


def _room(codes: NDArray[Any], starts: Ints, ends: Ints) -> Ints:
    """A sentence ends where a full stop or ``!`` and another character, or a blank line, part two tokens."""
    count = len(starts)
    wide = np.flatnonzero(starts[1:] - ends[:-1] > 1)
    gaps = ends[wide], starts[wide + 1]
    stops = np.flatnonzero(np.isin(codes, _STOPS))
    lines = np.flatnonzero(codes == ord("\n"))
    last = wide[(_inside(stops, *gaps) > 0) | (_inside(lines, *gaps) >= _BLANK_LINE)]
    sizes = np.diff(last, prepend=-1, append=count - 1)
    room: Ints = np.repeat(np.cumsum(sizes), sizes) - np.arange(count)
    return room


def _inside(places: Ints, starts: Ints, ends: Ints) -> Ints:
    """How many of the places lie in each span."""
    many: Ints = np.searchsorted(places, ends) - np.searchsorted(places, starts)
    return many
