"""From a mention's words to a concept: own concept, dictionary, look-alikes, encoder, or none; the first that is sure.

own          a phrase of the lexicon, or the name of an own concept
dictionary   a term of the user's dictionary, ranked (``rank``)
ngrams       a term that looks alike (``ngrams``), ranked: for slips of spelling and endings
embedding    an own concept whose name means alike (``embed``)
nil          none of these
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from labeling.concepts.dictionary import Dictionary
from labeling.concepts.embed import Encoder, Floats, Pooling, nearest
from labeling.concepts.keys import normalised
from labeling.concepts.ngrams import NGrams
from labeling.concepts.rank import rank, says_nothing
from labeling.concepts.table import concepts
from labeling.mining.lexicon import chest_lexicon, tokens

LOOKS_ALIKE = 0.7
"""Cosine of 3-grams from which a term counts: one letter wrong in a word of nine or more."""
MEANS_ALIKE = 0.8
"""Cosine of an encoder from which a name counts."""


class Link(NamedTuple):
    """What a mention means."""

    concept_id: str
    """Own concept id, CUI, or id of a term list; empty for NIL."""
    name: str
    cui: str
    """The concept of the UMLS, where it is known."""
    method: str
    """own, dictionary, ngrams, embedding or nil."""
    score: float
    """1 for own, else in [0, 1]; scores of different methods do not compare."""


NIL = Link("", "", "", "nil", 0.0)


@dataclass(frozen=True)
class Linker:
    """What mentions are linked with; by itself it knows the own concepts only."""

    dictionary: Dictionary | None = None
    looks: NGrams | None = None
    encoder: Encoder | None = None
    names: Floats | None = None
    """Vectors of the names of the own concepts, in their order."""

    @classmethod
    def open(cls, dictionary: Path | None = None, encoder: Path | None = None, pooling: Pooling = "cls") -> "Linker":
        """From a dictionary folder and an encoder's folder; raises InputError if either is something else."""
        opened = Dictionary.open(dictionary) if dictionary else None
        looks = NGrams(dictionary / "match", opened.phrases) if dictionary and opened else None
        loaded = Encoder(encoder, pooling) if encoder else None
        names = loaded.encode([one.name for one in concepts().values()]) if loaded else None
        return cls(opened, looks, loaded, names)


def link(mention: str, linker: Linker | None = None, context: str = "") -> Link:
    """The concept that a mention's words mean; ``context`` is what stands around them (its sentence or section)."""
    linker = linker or Linker()
    return (
        _own(mention)
        or _by_dictionary(mention, linker, context)
        or _by_looks(mention, linker, context)
        or _by_meaning(mention, linker)
        or NIL
    )


def _own(mention: str) -> Link | None:
    words = tokens(mention)
    found = chest_lexicon().matches(words)
    whole = [match.term for match in (*found.content, *found.modifier) if (match.start, match.end) == (0, len(words))]
    names = [_by_name().get(" ".join(words), ""), *(one.name for one in whole if one.kind in ("finding", "location"))]
    known = concepts()
    return next((_linked(name, "own", 1.0) for name in names if name in known), None)


@cache
def _by_name() -> dict[str, str]:
    return {normalised(one.name): one.concept_id for one in concepts().values()}


def _by_dictionary(mention: str, linker: Linker, context: str) -> Link | None:
    if linker.dictionary is None:
        return None
    ranked = rank(mention, linker.dictionary.exact(mention), context)
    return next((_from(one.candidate.concept_id, one.candidate.name, "dictionary", one.score) for one in ranked), None)


def _by_looks(mention: str, linker: Linker, context: str) -> Link | None:
    if linker.dictionary is None or linker.looks is None or says_nothing(mention):
        return None
    alike = [near for near in linker.looks.near(mention) if near.score >= LOOKS_ALIKE]
    scored = [
        (near.score * one.score, one.candidate)
        for near in alike
        for one in rank(linker.dictionary.phrases[near.position], linker.dictionary.candidates(near.position), context)
    ]
    best = min(scored, key=lambda pair: (-pair[0], pair[1].concept_id), default=None)
    return _from(best[1].concept_id, best[1].name, "ngrams", best[0]) if best else None


def _by_meaning(mention: str, linker: Linker) -> Link | None:
    if linker.encoder is None or linker.names is None or says_nothing(mention):
        return None
    best = nearest(linker.names, linker.encoder.encode([mention]), 1)[0][0]
    if best.score < MEANS_ALIKE:
        return None
    return _linked(list(concepts())[best.position], "embedding", best.score)


def _linked(concept_id: str, method: str, score: float) -> Link:
    one = concepts()[concept_id]
    return Link(concept_id, one.name, one.cui, method, score)


def _from(concept_id: str, name: str, method: str, score: float) -> Link:
    """A concept of the dictionary; its id is a CUI unless it came from a term list."""
    is_cui = len(concept_id) == 8 and concept_id[0] == "C" and concept_id[1:].isdigit()
    return Link(concept_id, name, concept_id if is_cui else "", method, score)
