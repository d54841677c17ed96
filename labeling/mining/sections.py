"""A report's text as sections and sentences, by character offset; nothing is lost and nothing is moved.

Sections tile the text. A header is a known name (``rules/headers.tsv``) at the start of a line or a sentence, in any
case, with or without a colon; what stands before the first header is the ``preamble``. An unknown header, such as an
organ's name in a structured report, is text of the section it stands in. Where no header says findings, the paragraphs
behind the first one of a history, comparison or technique are them: many reports give the description no header.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from curation.sentences import sentences
from labeling.mining.lexicon import expand, read_rules

PREAMBLE = "preamble"
FINDINGS = "findings"
_BEFORE_FINDINGS = frozenset(("indication", "comparison", "technique"))

# Each pattern begins with one class of characters: the engine then skips all others at once.
_WORD_PLACE = re.compile(r"[\n.:;!?)](?:(?<=\n)|\s)[\s*#]*([^\W\d_]+)")  # first word of a line or a sentence
_FIRST_WORD = re.compile(r"[\s*#]*([^\W\d_]+)")
_CAPITALS = re.compile(r"[A-Z][A-Z]{3}[A-Z ]*:")
_CAPITAL_WORD = re.compile(r"[A-Z]{4,}")
_COLON = re.compile(r"[ \t]*\**[ \t]*(?::[*]*|-(?=\s))")
_LINE_END = re.compile(r"[ \t*]*$", re.MULTILINE)
_NEXT_WORD = re.compile(r"[ \t]+([^\W_]+)")
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n")


class SectionSpan(NamedTuple):
    """A section: ``text[start:end]`` with its header, ``text[body_start:end]`` without."""

    name: str
    start: int
    body_start: int
    end: int
    asserts: bool
    """Findings named here are findings of this examination: not so in history, indication or comparison."""


class _Header(NamedTuple):
    """The headers that begin with one word: a pattern, longest first, and what each phrase stands for."""

    pattern: re.Pattern[str]
    known: dict[str, tuple[str, bool]]


@cache
def _headers() -> dict[str, _Header]:
    """The known headers by their first word, in lower case."""
    by_word: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for rule in read_rules("headers"):
        for phrase in expand(rule["phrases"]):
            by_word[phrase.split()[0]][phrase] = (rule["name"], rule["asserts"] == "yes")
    return {word: _Header(_pattern(known), known) for word, known in by_word.items()}


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases, longest first; white space or a slash between words."""
    longest_first = sorted(phrases, key=len, reverse=True)
    names = "|".join(r"(?:\s+|\s*/\s*)".join(map(re.escape, name.split())) for name in longest_first)
    return re.compile(rf"(?:{names})(?!\w)", re.IGNORECASE)


def sections(text: str) -> list[SectionSpan]:
    """The sections of a report, in order; together they are the text. No text, no sections."""
    if not text:
        return []
    heads: list[tuple[int, int, str, bool]] = []
    for start, place, header in _places(text):
        if heads and start < heads[-1][1]:
            continue
        found = header.pattern.match(text, place)
        if found and (end := _header_end(text, found)):
            heads.append((start, end, *header.known[" ".join(found[0].lower().replace("/", " ").split())]))
    bounds = [*(head[0] for head in heads), len(text)]
    spans = [SectionSpan(PREAMBLE, 0, 0, bounds[0], True)] if bounds[0] else []
    for (start, body, name, asserts), end in zip(heads, bounds[1:], strict=True):
        spans.append(SectionSpan(name, start, body, end, asserts))
    if any(span.name == FINDINGS for span in spans):
        return spans
    return _with_findings(text, spans)


def _places(text: str) -> list[tuple[int, int, _Header]]:
    """Where a header may stand: where its section would start, where its first word does, and which; in order."""
    headers = _headers()
    first = _FIRST_WORD.match(text)
    places = []
    if first and (header := headers.get(first[1].lower())):
        places.append((0, first.start(1), header))
    for found in _WORD_PLACE.finditer(text):
        if header := headers.get(found[1].lower()):
            places.append((found.start() + 1, found.start(1), header))
    n_found = len(places)
    for capitals in _CAPITALS.finditer(text):
        for word in _CAPITAL_WORD.finditer(text, capitals.start(), capitals.end()):
            here = word.start()
            if text[here - 1 : here].isspace() and (header := headers.get(word[0].lower())):
                places.append((here, here, header))
    return places if len(places) == n_found else sorted(places, key=itemgetter(1, 0))


def _header_end(text: str, found: re.Match[str]) -> int | None:
    """One past the header that starts with the known name ``found``, or None if the name is part of a sentence."""
    end = found.end()
    if colon := _COLON.match(text, end):
        return colon.end()
    line = text.rfind("\n", 0, found.start()) + 1
    at_line_start = not text[line : found.start()].strip(" \t*#")
    if at_line_start and _LINE_END.match(text, end):
        return end
    following = _NEXT_WORD.match(text, end)
    if not following or following[1].islower():
        return None
    stands_out = found[0].isupper() and not following[1].isupper()
    return end if stands_out or (at_line_start and not found[0].isupper()) else None


def _with_findings(text: str, spans: list[SectionSpan]) -> list[SectionSpan]:
    """The same sections, where paragraphs without a header follow a history, comparison or technique as findings."""
    tiled: list[SectionSpan] = []
    for place, span in enumerate(spans):
        following = spans[place + 1] if place + 1 < len(spans) else None
        if span.name in _BEFORE_FINDINGS and (following is None or following.asserts or span.name != "indication"):
            body = text[span.body_start : span.end]
            end = _PARAGRAPH.search(text, span.end - len(body.lstrip()), span.end)
            if end and text[end.end() : span.end].strip():
                tiled.append(span._replace(end=end.end()))
                tiled.append(SectionSpan(FINDINGS, end.end(), end.end(), span.end, True))
                continue
        tiled.append(span)
    return tiled


def examined(text: str, spans: Iterable[SectionSpan]) -> Iterator[tuple[str, tuple[int, int]]]:
    """The sentences that speak of the examination, in order: the name of their section, and their offsets."""
    for span in spans:
        if span.asserts:
            for sentence in sentences(text, span.body_start, span.end):
                yield span.name, sentence
