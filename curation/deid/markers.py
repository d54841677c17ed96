"""Text in pixels that identifies nobody and stays: side and projection markers, exposure, dose, scale, window.

The patterns, each with its reason, are the lines of ``markers.tsv``. What is not wholly made of them goes.
"""

import re
from functools import cache
from importlib.resources import files

_NUMBER = r"(?<!\d)\d{1,4}(?:[.,]\d{1,3})?(?!\d)"
_GAP = r"[\s,;|]+"


def is_marker(text: str) -> bool:
    """Whether a text is made of nothing but patterns of the allow list, with spaces, commas or bars between them."""
    return _allowed().fullmatch(text.strip()) is not None


def patterns() -> list[tuple[str, str]]:
    """The allow list: regular expression and reason, as ``markers.tsv`` has them."""
    lines = files("curation.deid").joinpath("markers.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(pattern, reason) for pattern, reason in rows[1:]]


@cache
def _allowed() -> re.Pattern[str]:
    one = "|".join(f"(?:{_spaced(pattern)})" for pattern, _ in patterns())
    return re.compile(f"(?:{one})(?:{_GAP}(?:{one}))*", re.IGNORECASE)


def _spaced(pattern: str) -> str:
    """The pattern with spaces optional and N a number that stands by itself."""
    return re.sub(r"(?<!\w)N(?!\w)", _NUMBER.replace("\\", r"\\"), pattern).replace(" ", r"\s*")
