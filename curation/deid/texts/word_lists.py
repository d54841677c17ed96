"""Tables of words that ship with the rules for report text."""

from functools import cache
from importlib.resources import files


def read_table(name: str) -> list[list[str]]:
    """Rows of a tab-separated table of ``curation/deid``, without its first line and its comments."""
    lines = files("curation.deid.texts").joinpath(f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")][1:]


@cache
def _lists() -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, _, words in read_table("word_lists")}


def word_list(name: str) -> frozenset[str]:
    """The words of one list of ``word_lists.tsv``, in lower case."""
    return _lists()[name]
