"""Markdown by parts."""

from collections.abc import Iterable, Sequence
from typing import Any


def said(value: Any) -> str:
    """A value in a table or sentence: thousands with commas, no markup."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def counted(count: int, one: str) -> str:
    """A count with its noun."""
    return f"{said(count)} {one if count == 1 else one + 's'}"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], n_words: int = 1) -> str:
    """A table; the first ``n_words`` columns are words, the others numbers at the right."""
    ruler = ["---" if place < n_words else "---:" for place in range(len(head))]
    return "\n".join(_line(cells) for cells in (head, ruler, *([said(cell) for cell in row] for row in rows)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def share(part: int, whole: int) -> str:
    """A part in percent."""
    return f"{100 * part / whole:.3g} %" if whole else "0 %"


def folded(summary: str, *parts: str) -> str:
    """What opens on a click."""
    return "\n\n".join([f"<details>\n<summary>{said(summary)}</summary>", *parts, "</details>"])


def listed(items: Iterable[str]) -> str:
    """A list of points."""
    return "\n".join(f"- {item}" for item in items)


def section(title: str, *parts: str) -> str:
    """A heading and what is below it; nothing if nothing is."""
    there = [part for part in parts if part]
    return "\n\n".join([f"## {title}", *there]) if there else ""


def code(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"


def picture(path: str, words: str) -> str:
    """A picture of the card, with words for who cannot see it."""
    return f"![{words}]({path})"
