"""A text's sentences, by character offset: those that mining reads and that releases pass on."""

import re
from collections.abc import Iterator

_BREAK = re.compile(
    r"""
    [.!?\n] (?:
        (?<=[.!?]) [.!?]* ["')\]]* (?=\s)                           # full stop before white space
      | (?<=[a-z)]\.) (?=[A-Z])                                     # missing space: "apex.There"
      | (?<=\n) (?:
            (?= [^\S\n]* \n)                                        # blank line
          | (?= [^\S\n]* (?: [-*•]\s | \d{1,2}[.)]\s ))             # list item on a line of its own
          | (?= [^\S\n]* [A-Z][A-Za-z ,/&]{1,40}: )                 # organ header of a structured report
        )
    )
    """,
    re.VERBOSE,
)
_ABBREVIATIONS = ("dr", "drs", "mr", "mrs", "ms", "st", "prof", "vs", "approx", "resp", "incl", "fig", "e.g", "i.e")
_ABBREVIATION = re.compile(rf"\b(?:{'|'.join(map(re.escape, _ABBREVIATIONS))})$", re.IGNORECASE)
_ABBREVIATION_ENDS = frozenset(word[-2:] for word in _ABBREVIATIONS)
_LONGEST_ABBREVIATION = 8


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
            first = here + piece.index(stripped[0])
            spans.append((first, first + len(stripped)))
        here = stop
    return spans


def _breaks(text: str, start: int, end: int) -> Iterator[int]:
    here = start
    for found in _BREAK.finditer(text, start, end):
        stop = found.end()
        if text[found.start()] == "?" and text[found.start() - 1 : found.start()].isspace():
            continue  # "opacity, ? consolidation": it asks of what follows
        if stop - found.start() == 1 and text[stop - 1] == ".":
            number = text[here : stop - 1].strip()
            if len(number) <= 2 and number.isdigit():
                continue
            is_likely = text[stop - 3 : stop - 1].lower() in _ABBREVIATION_ENDS
            if is_likely and _ABBREVIATION.search(text, max(here, stop - 1 - _LONGEST_ABBREVIATION), stop - 1):
                continue
        here = stop
        yield here
