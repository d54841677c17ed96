"""Slips of spelling: a word that nobody knows, one letter away from a word of the lexicon, is read as that word.

One letter too many, too few, wrong, or two swapped (Damerau 1964), by words with a letter left out (the deletions of
SymSpell, Garbe 2012). A word that the vocabulary knows is never mended, nor a short one, nor one that could be two.
"""

from collections.abc import Iterable, Sequence

from curation.deid.texts.vocabulary import vocabulary

SHORTEST = 7
"""Letters of a word that can be mended: shorter ones are too near to each other."""


class Spelling:
    """The words that are known, and what an unknown one was meant to be."""

    def __init__(self) -> None:
        self._meant: dict[str, str] = {}
        self._by_deletion: dict[str, tuple[str, ...]] = {}

    def learn(self, words: Iterable[str]) -> None:
        """Take in the words of a phrase."""
        for word in words:
            if self._meant.get(word) == word:
                continue
            self._meant[word] = word
            if len(word) >= SHORTEST and word.isalpha():
                for shape in _deletions(word):
                    self._by_deletion[shape] = (*self._by_deletion.get(shape, ()), word)

    def mend(self, words: Sequence[str]) -> Sequence[str]:
        """The same words, slips put right."""
        meant = self._meant
        try:
            return [meant[word] for word in words]
        except KeyError:
            return [meant.get(word) or self._find(word) for word in words]

    def _find(self, word: str) -> str:
        found = word
        if len(word) >= SHORTEST - 1 and word.isalpha() and not _is_word(word):
            near = {
                known
                for shape in _deletions(word)
                for known in self._by_deletion.get(shape, ())
                if known[0] == word[0] and _one_slip(word, known)
            }
            if len(near) == 1:
                found = near.pop()
        if len(self._meant) < _MOST_KEPT:
            self._meant[word] = found
        return found


_MOST_KEPT = 200_000


def _is_word(word: str) -> bool:
    known = vocabulary()
    return any(one in known.clinical or one in known.english for one in (word, word.removesuffix("s")))


def _deletions(word: str) -> set[str]:
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _one_slip(word: str, known: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours parts two words."""
    if abs(len(word) - len(known)) > 1:
        return False
    head = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    if len(word) != len(known):
        longer, shorter = sorted((word, known), key=len, reverse=True)
        return longer[head + 1 :] == shorter[head:]
    swapped = word[head : head + 2] == known[head : head + 2][::-1] and word[head + 2 :] == known[head + 2 :]
    return swapped or word[head + 1 :] == known[head + 1 :]
