"""A report's text as sections and sentences, by character offset; nothing is lost and nothing is moved.

Sections tile the text. A header is a known name (``rules/headers.tsv``) at the start of a line or a sentence, in any
case, with or without a colon; what stands before the first header is the ``preamble``. An unknown header, such as an
organ's name in a structured report, is text of the section it stands in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from labeling.lexicon import expand, read_rules

PREAMBLE = "preamble"

_HEADER_PLACE = re.compile(
    r"""
      ^ [\s*\#]* (?=[^\W\d_])               # start of a line
    | (?<=[.:;!?)]) \s+ (?=[^\W\d_])        # start of a sentence
    | (?<=\s) (?=[A-Z]{4,}[A-Z ]* :)        # capitals with a colon anywhere
    """,
    re.VERBOSE | re.MULTILINE,
)
_COLON = re.compile(r"[ \t]*\**[ \t]*(?::[*]*|(?<=\s)-(?=\s))")
_LINE_END = re.compile(r"[ \t*]*$", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+")
_NEXT_WORD = re.compile(r"[ \t]+([^\W_]+)")

_BREAK = re.compile(
    r"""
      [.!?]+ ["')\]]* (?=\s)                                # full stop before white space
    | (?<=[a-z)]) \. (?=[A-Z])                              # missing space: "apex.There"
    | \n (?= [^\S\n]* \n)                                   # blank line
    | \n (?= [^\S\n]* (?: [-*•]\s | \d{1,2}[.)]\s ))        # list item on a line of its own
    | \n (?= [^\S\n]* [A-Z][A-Za-z ,/&]{1,40}: )            # organ header of a structured report
    """,
    re.VERBOSE,
)
_ABBREVIATION = re.compile(r"\b(?:drs?|mrs?|ms|st|prof|vs|approx|resp|incl|fig|e\.g|i\.e)$", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"\s*\d{1,2}$")


@dataclass(frozen=True)
class SectionSpan:
    """A section: ``text[start:end]`` with its header, ``text[body_start:end]`` without."""

    name: str
    start: int
    body_start: int
    end: int
    asserts: bool
    """Findings named here are findings of this examination: not so in history, indication or comparison."""


@cache
def _headers() -> tuple[re.Pattern[str], frozenset[str], dict[str, tuple[str, bool]]]:
    """A pattern of all header phrases, longest first; their first words; and what each phrase stands for."""
    known = {
        phrase: (rule["name"], rule["asserts"] == "yes")
        for rule in read_rules("headers")
        for phrase in expand(rule["phrases"])
    }
    names = "|".join(r"\s+".join(map(re.escape, name.split())) for name in sorted(known, key=len, reverse=True))
    return re.compile(rf"(?:{names})(?!\w)", re.IGNORECASE), frozenset(name.split()[0] for name in known), known


def sections(text: str) -> list[SectionSpan]:
    """The sections of a report, in order; together they are the text. No text, no sections."""
    pattern, first_words, known = _headers()
    heads: list[tuple[int, int, str]] = []
    for place in _HEADER_PLACE.finditer(text):
        word = _WORD.match(text, place.end())
        if not word or word[0].lower() not in first_words:
            continue
        found = pattern.match(text, place.end())
        if found and (end := _header_end(text, found)) and (not heads or place.start() >= heads[-1][1]):
            heads.append((place.start(), end, " ".join(found[0].lower().split())))
    if not text:
        return []
    bounds = [*(start for start, _, _ in heads), len(text)]
    spans = [SectionSpan(PREAMBLE, 0, 0, bounds[0], True)] if bounds[0] else []
    for (start, body, phrase), end in zip(heads, bounds[1:], strict=True):
        name, asserts = known[phrase]
        spans.append(SectionSpan(name, start, body, end, asserts))
    return spans


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


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Sentences of ``text[start:end]`` as offsets into ``text``; between them stands only white space.

    A number at the head of a list item stays with its sentence; decimals, titles and "vs." do not end one.
    """
    spans = []
    here = start
    for stop in [*_breaks(text, start, end), end]:
        piece = text[here:stop]
        stripped = piece.strip()
        if stripped:
            first = here + len(piece) - len(piece.lstrip())
            spans.append((first, first + len(stripped)))
        here = stop
    return spans


def _breaks(text: str, start: int, end: int) -> Iterator[int]:
    here = start
    for found in _BREAK.finditer(text, start, end):
        if found[0] == ".":
            before = text[here : found.start()]
            if _LIST_NUMBER.fullmatch(before) or _ABBREVIATION.search(before):
                continue
        here = found.end()
        yield here
