"""Sizes in millimetres and numbers of findings, each given to the mention that it measures or counts.

"9 mm nodule", "mass measuring 2.3 x 1.8 cm" (the longest side), "5 to 6 mm" (the upper end); not a distance ("2 cm
above the carina"), a slice ("1 mm sections") or an earlier size ("previously 8 mm"). "Two nodules" are two, "several"
three or more, "2 or 3" two to three. What is absent has neither. Nothing is read where a clause has no number.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from curation.records import Assertion
from labeling.mining.spoken import Said
from labeling.mining.words import BARS, FAR, JOINTS, TIES

_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
}
_MANY = {
    "single": (1, 1),
    "solitary": (1, 1),
    "couple": (2, 2),
    "pair": (2, 2),
    "few": (2, None),
    "multiple": (2, None),
    "several": (3, None),
    "many": (3, None),
    "numerous": (3, None),
    "innumerable": (3, None),
    "countless": (3, None),
}
_WORDS_OF_NUMBER = frozenset((*_NUMBERS, *_MANY))
_MM = dict.fromkeys(("mm", "mms", "millimeter", "millimeters", "millimetre", "millimetres"), 1.0) | dict.fromkeys(
    ("cm", "cms", "centimeter", "centimeters", "centimetre", "centimetres"), 10.0
)
_TIMES = frozenset(("x", "by", "to", "times"))
_LARGEST_MM = 500.0
"""Longer than any finding of a chest: not a size, or a slip."""
_AWAY = frozenset(
    ("above", "below", "from", "beyond", "past", "away", "proximal", "distal", "into", "cephalad", "caudal")
)
_TOWARDS = frozenset(("superior", "inferior", "lateral", "medial", "anterior", "posterior"))
_NO_SIZES = frozenset(
    (
        "slice",
        "slices",
        "section",
        "sections",
        "axial",
        "collimation",
        "cuts",
        "intervals",
        "interval",
        "apart",
        "shift",
    )
) | {"displacement", "retraction", "depression", "increments", "reconstructions"}
_EARLIER = frozenset(("previously", "formerly", "previous", "prior", "by", "advanced", "withdrawn", "retracted"))
_MEASURES = frozenset(("measuring", "measures", "measured", "measure", "size", "diameter", "is", "was", "now"))
_PARTED = JOINTS | BARS | (TIES - {"overlying"})

_AREAS = frozenset(("areas", "foci", "patches", "regions", "bands", "spots", "sites", "couple", "pair", "few"))
_NOT_COUNTED = frozenset(
    ("view", "views", "vessel", "vessels", "lead", "chamber", "lumen", "image", "images", "projection", "projections")
) | {"hour", "hours", "day", "days", "week", "weeks", "month", "months", "year", "years", "level", "levels", "third"}
_NUMBERED = frozenset(
    (
        "image",
        "images",
        "series",
        "slice",
        "rib",
        "ribs",
        "level",
        "segment",
        "type",
        "grade",
        "stage",
        "zone",
        "t",
        "l",
    )
) | {"c", "im", "se", "day", "age", "aged", "gold", "hour", "number"}
_COUNT_NEAR = 5
"""Tokens between a number and what it counts, at most."""
_MOST_COUNTED = 20


class _Quantity(NamedTuple):
    """A size in millimetres, or a number with its least and most, at tokens ``start`` to ``end``."""

    start: int
    end: int
    mm: float | None = None
    least: int | None = None
    most: int | None = None


def measured(words: Sequence[str], mentions: list[Said]) -> list[Said]:
    """The mentions of a clause with their sizes and numbers; the same list where there are none."""
    digits = [word for word in words if "0" <= word < ":"]
    if not digits and _WORDS_OF_NUMBER.isdisjoint(words):
        return mentions
    there = [place for place, said in enumerate(mentions) if said.assertion is not Assertion.ABSENT]
    for size in _sizes(words) if there and _has_unit(words) else ():
        owner = _measured_place(words, mentions, there, size)
        if owner is not None and (mentions[owner].size_mm or 0) < (size.mm or 0):
            mentions[owner] = mentions[owner]._replace(size_mm=size.mm)
    for number in _counts(words) if there else ():
        owner = _counted_place(words, mentions, there, number)
        if owner is not None and mentions[owner].count_min is None:
            mentions[owner] = mentions[owner]._replace(count_min=number.least, count_max=number.most)
    return mentions


def _has_unit(words: Sequence[str]) -> bool:
    """Whether a unit of length stands in a clause, as a word or in one ("9mm")."""
    clause = " ".join(words)
    return any(unit in clause for unit in _MM)


def _sizes(words: Sequence[str]) -> Iterator[_Quantity]:
    """The sizes of a clause, in order; of "from 8 mm to 12 mm" the last, else the largest of a measurement."""
    here = int(words[0].isdecimal() and words[1:2] != [] and words[1][0].isdecimal())  # the number of a list item
    while here < len(words):
        values, end = _measurement(words, here)
        if values:
            mm = values[-1] if words[max(here - 1, 0)] == "from" else max(values)
            if 0 < mm <= _LARGEST_MM and _is_size(words, here, end):
                yield _Quantity(here, end, mm=round(mm, 3))
        here = max(end, here + 1)


def _measurement(words: Sequence[str], start: int) -> tuple[list[float], int]:
    """The lengths in millimetres of a measurement that starts at a token, and where it ends; none without a unit."""
    values: list[float] = []
    lengths: list[float] = []
    here = start
    while here < len(words):
        numbers, unit, end = _number(words, here, bool(values))
        if not numbers:
            break
        values += numbers
        here = end
        if not unit and words[here : here + 1] and words[here] in _MM:
            unit = _MM[words[here]]
            here += 1
        if unit:
            lengths += [value * unit for value in values[len(lengths) :]]
        if _goes_on(words, here):
            here += words[here] in _TIMES
        elif unit:
            break
    return lengths, here


def _goes_on(words: Sequence[str], here: int) -> bool:
    """Whether "x", "by" or "to" and another number follow."""
    following = words[here : here + 2]
    if following and following[0][:1] == "x" and following[0][1:].isdecimal():
        return True
    return len(following) == 2 and following[0] in _TIMES and "0" <= following[1][0] <= "9"


def _number(words: Sequence[str], here: int, follows: bool) -> tuple[list[float], float, int]:
    """The numbers that a token holds, its unit in millimetres or 0, and where the next token is.

    The tokens of "2.3x1.8cm" are "2.3", "x1" and "8cm": the point stood between the last two.
    """
    word = words[here]
    if word in _NUMBERS:
        return [float(_NUMBERS[word])], 0.0, here + 1
    if not ("0" <= word[0] <= "9" or (follows and word[0] == "x")):
        return [], 0.0, here
    if follows and word[0] == "x" and word[1:].isdecimal():
        word = word[1:]
        if words[here + 1 : here + 2] and words[here + 1][0].isdecimal() and "." not in words[here + 1]:
            here += 1
            word = f"{word}.{words[here]}"
    pieces = ["".join(group) for _, group in groupby(word, lambda letter: letter.isdecimal() or letter == ".")]
    signs = set(pieces[1::2])
    if not pieces[0][0].isdecimal() or not signs <= {"x", *_MM}:
        return [], 0.0, here
    return [float(piece) for piece in pieces[::2]], max((_MM.get(sign, 0.0) for sign in signs), default=0.0), here + 1


def _is_size(words: Sequence[str], start: int, end: int) -> bool:
    """Whether a length is the size of something now, and no distance, slice or earlier size."""
    following = words[end : end + 2]
    if following and following[0] in _AWAY:
        return False
    if len(following) == 2 and following[1] == "to" and following[0] in _TOWARDS:
        return False
    return _NO_SIZES.isdisjoint(words[end : end + 3]) and _EARLIER.isdisjoint(words[max(start - 3, 0) : start])


def _measured_place(
    words: Sequence[str], mentions: Sequence[Said], there: Sequence[int], size: _Quantity
) -> int | None:
    """Position of the mention that a size measures: the next if nothing parts them, else the one before."""
    preceding, following = _around(mentions, there, size)
    ahead = words[size.end : mentions[following].start] if following is not None else ()
    if following is not None and len(ahead) <= FAR and _PARTED.isdisjoint(ahead):
        return following
    if preceding is None:
        return None
    back = words[mentions[preceding].end : size.start]
    return preceding if _is_measured(back) else None


def _is_measured(gap: Sequence[str]) -> bool:
    """Whether the words between a finding and a size say that it is its own: a verb of measure, or no other thing."""
    return len(gap) < 2 or not _MEASURES.isdisjoint(gap) or ("and" not in gap and "," not in gap)


def _around(mentions: Sequence[Said], there: Sequence[int], quantity: _Quantity) -> tuple[int | None, int | None]:
    preceding = None
    for place in there:
        if mentions[place].start >= quantity.end:
            return preceding, place
        if mentions[place].end <= quantity.start:
            preceding = place
    return preceding, None


def _counts(words: Sequence[str]) -> Iterator[_Quantity]:
    """The numbers of a clause that may count something, in order."""
    here = 0
    while here < len(words):
        word = words[here]
        end = here + 1
        if word in _MANY:
            least, most = _MANY[word]
            yield _Quantity(here, end, least=least, most=most)
        elif number := _whole(words, here):
            upper = _whole(words, here + 2) if words[end : end + 1] in (["or"], ["to"]) else _whole(words, here + 1)
            if upper > number:
                end += 1 + (words[end] in ("or", "to"))
            elif words[end : end + 2] == ["or", "more"]:
                end += 2
            yield _Quantity(here, end, None, *_bounded(words, here, end, (number, max(number, upper))))
        here = end


def _whole(words: Sequence[str], place: int) -> int:
    """The whole number at a token, 0 for none: of digits only behind another word that does not number something."""
    word = words[place] if place < len(words) else ""
    if word in _NUMBERS:
        return _NUMBERS[word]
    if not word.isdecimal() or len(word) > 2 or place == 0 or words[place - 1] in _NUMBERED:
        return 0
    return int(word) if int(word) <= _MOST_COUNTED else 0


def _bounded(words: Sequence[str], start: int, end: int, range_: tuple[int, int]) -> tuple[int, int | None]:
    """Least and most of a number by the words around it: "at least three", "up to four", "three or more"."""
    least, most = range_
    before = list(words[max(start - 2, 0) : start])
    if before == ["at", "least"] or words[end - 2 : end] == ["or", "more"]:
        return least, None
    if before == ["more", "than"]:
        return least + 1, None
    return (1, most) if before == ["up", "to"] else (least, most)


def _counted_place(
    words: Sequence[str], mentions: Sequence[Said], there: Sequence[int], number: _Quantity
) -> int | None:
    """Position of the mention that a number counts: the one that holds it, or the next of which it may be said."""
    for place in there:
        if mentions[place].start <= number.start < mentions[place].end:
            return place if words[number.start] in _MANY else None
    following = _around(mentions, there, number)[1]
    if following is None or not _counts_as(words, number, mentions[following]):
        return None
    start = mentions[following].start
    return following if start - number.end <= _COUNT_NEAR and _leads(words, number.end, start) else None


def _counts_as(words: Sequence[str], number: _Quantity, said: Said) -> bool:
    """Whether a finding is named in the number that counts it; the digit 1 counts nothing."""
    if words[number.start] in _MANY:
        return True
    if number.most == 1:
        return not words[number.start].isdecimal()
    return words[said.end - 1].endswith(("s", "ae", "ata"))


def _leads(words: Sequence[str], start: int, end: int) -> bool:
    """Whether only adjectives stand between a number and a finding, or "areas of", "foci of"."""
    for place in range(start, end):
        word = words[place]
        if word == "of":
            if words[place - 1] not in _AREAS:
                return False
        elif word in _PARTED or word in _NOT_COUNTED or word in _MM:
            return False
    return True
