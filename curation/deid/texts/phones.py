"""Numbers of phones in groups, as other countries write them: ``06 12 34 56 78``, ``07700 900123``, ``81-3-1234-5678``.

Groups of figures with one mark between them, eight figures or more in all (or three and four), are a phone unless they
may be a row of measures: each a multiple of five or eight, and no zero first.
"""

import re
from itertools import pairwise

_MARKS = (r"\s", r"\.", "-", "/")
GROUPED = (
    r"(?<![\w.,-])(?:"
    + "|".join(rf"\(?\+?\d{{1,6}}\)?(?:{mark}\d{{1,6}}){{1,6}}" for mark in _MARKS)
    + r")(?!\w)(?![./,-]\d)(?!\s*(?:mm|cm|ml|ms|hu|mg|px|x|×)(?![a-z]))"
)
MIN_ROW, MAX_STEP = 3, 20
MIN_DIGITS, SHORT, ZIP = 8, (3, 4), (5, 4)


def is_phone(text: str) -> bool:
    """Whether a find of ``GROUPED`` has the form of a phone's number."""
    groups = re.findall(r"\d+", text)
    sizes = tuple(map(len, groups))
    if sizes == ZIP or _is_row(groups):
        return False
    if sizes[0] > 1 and groups[0][0] == "0" and sum(sizes) >= MIN_DIGITS:
        return "." not in text or len(groups) > 3
    if re.search(r"[./]", text):
        return len(groups) > 3 and sum(sizes) >= MIN_DIGITS and "." in text
    if "-" in text:
        return len(groups) > 2 and sum(sizes) >= MIN_DIGITS
    return (sum(sizes) >= MIN_DIGITS or sizes == SHORT) and min(sizes) > 1 and not all(map(_is_measure, groups))


def _is_row(groups: list[str]) -> bool:
    """Whether numbers count up by the same step, as images and delays do."""
    steps = {int(after) - int(before) for before, after in pairwise(groups)}
    return len(groups) > MIN_ROW and len(steps) == 1 and 0 < min(steps) <= MAX_STEP


def _is_measure(digits: str) -> bool:
    return digits[0] != "0" and (int(digits) % 5 == 0 or int(digits) % 8 == 0)
