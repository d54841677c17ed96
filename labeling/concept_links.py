"""The concepts of the user's own dictionary in a report: each with what the text says of it.

The dictionary lies where ``PAXFLOW_DICTIONARY`` says; ``mine.dictionary`` in ``params.yaml`` names it by its digest, so
that no other is taken for it. Nothing of a dictionary is in this repository: docs/mining.md says how to make one.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from curation.errors import SettingsError
from curation.records import ConceptLink
from labeling.concepts.dictionary import Dictionary
from labeling.concepts.rank import rank
from labeling.mining.lexicon import chest_lexicon, token_spans, tokens
from labeling.mining.phrase import said_of
from labeling.mining.sections import examined, sections

VARIABLE = "PAXFLOW_DICTIONARY"
MOST_RANKED = 3
"""Concepts that are kept of one phrase: the likely one, and what else it may mean."""


def open_dictionary(digest: str) -> Dictionary:
    """The dictionary of a digest; raises SettingsError where there is none or another, InputError where it is none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise SettingsError(f"mine.dictionary names a dictionary: say where it lies with {VARIABLE}")
    dictionary = Dictionary.open(Path(folder))
    found = dictionary.manifest["digest"]
    if found != digest:
        raise SettingsError(f"{VARIABLE}: expected dictionary {digest} (mine.dictionary), got {found}")
    return dictionary


def links(report_id: str, text: str, dictionary: Dictionary) -> Iterator[ConceptLink]:
    """The concepts that the sections with findings name, in order, each with its likeliest meanings."""
    spans = list(examined(text, sections(text)))
    pieces = [text[start:end] for _, (start, end) in spans]
    for (section, (offset, _)), sentence, found in zip(spans, pieces, dictionary.find(pieces), strict=True):
        words = tokens(sentence) if found else []
        places = token_spans(sentence) if found else []
        for one in found:
            mention = sentence[one.start : one.end]
            inside = [n for n, (start, end) in enumerate(places) if start < one.end and end > one.start]
            said = said_of(words, inside[0], inside[-1] + 1, chest_lexicon())
            for position, ranked in enumerate(rank(mention, one.candidates, sentence)[:MOST_RANKED]):
                yield ConceptLink(
                    report_id=report_id,
                    start=offset + one.start,
                    position=position,
                    end=offset + one.end,
                    section=section,
                    concept_id=ranked.candidate.concept_id,
                    name=ranked.candidate.name,
                    score=round(ranked.score, 4),
                    assertion=said[0],
                    assertion_rule_id=said[1],
                    temporality=said[2],
                    experiencer=said[3],
                )
