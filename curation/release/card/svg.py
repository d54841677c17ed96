"""A small drawing board for SVG: text, bars and lines on white, so that a chart reads on any page.

Sizes are in pixels of a drawing ``WIDTH`` wide. The same calls give the same bytes.
"""

from collections.abc import Sequence

from curation.pictures.markup import Html, tag

WIDTH = 800
INK, SOFT, LINE, EMPTY = "#18202a", "#55606e", "#d8dde3", "#eef0f3"
BLUE, ORANGE, GREY, GREEN = "#0072b2", "#d55e00", "#9aa5b1", "#009e73"
"""Of Okabe and Ito (2008), told apart with any colour vision."""
SIZE = 14
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_CHARACTER = 0.56  # of the font size: the mean width of a character of such fonts, and some


def width_of(words: str, size: int = SIZE) -> float:
    """About how wide a text is."""
    return len(words) * size * _CHARACTER


def cut(words: str, width: float, size: int = SIZE) -> str:
    """A text that is no wider: what does not fit is left out in the middle."""
    most = max(3, int(width / (size * _CHARACTER)))
    if len(words) <= most:
        return words
    return f"{words[: most - most // 3 - 1]}…{words[len(words) - most // 3 :]}"


class Board:
    """Collects what is drawn."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts: list[Html] = []
        self.text(16, 28, title, font_size=17, font_weight=600)

    def text(self, x: float, y: float, words: object, anchor: str = "start", **look: str | int) -> None:
        """Words on the base line ``y``; ``anchor`` is start, middle or end; ``look``: fill, font_size, font_weight."""
        given: dict[str, str | int] = {"fill": INK, "font_size": SIZE, **look}
        self._parts.append(tag("text", words, x=_number(x), y=_number(y), text_anchor=anchor, **given))

    def tilted(self, x: float, y: float, words: str) -> None:
        """Small words that rise from a point."""
        turn = f"translate({_number(x)} {_number(y)}) rotate(-45)"
        self._parts.append(tag("text", words, fill=INK, font_size=12, transform=turn))

    def bar(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """A filled rectangle; the narrowest that can be seen is half a pixel."""
        if width > 0:
            place = {"x": _number(x), "y": _number(y), "width": _number(max(width, 0.5)), "height": _number(height)}
            self._parts.append(tag("rect", **place, fill=fill))

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str = LINE, width: float = 1) -> None:
        """A straight line."""
        ends = {"x1": _number(x1), "y1": _number(y1), "x2": _number(x2), "y2": _number(y2)}
        self._parts.append(tag("line", **ends, stroke=stroke, stroke_width=_number(width)))

    def keys(self, y: float, named: Sequence[tuple[str, str]]) -> None:
        """What the colours mean, in a row."""
        x = 16.0
        for name, fill in named:
            self.bar(x, y - 11, 13, 13, fill)
            self.text(x + 19, y, name, fill=SOFT)
            x += 19 + width_of(name) + 22

    def scale(self, x: float, width: float, top: float, bottom: float, ticks: Sequence[tuple[float, str]]) -> None:
        """Upright lines with names below, at parts (0 to 1) of the width."""
        for part, name in ticks:
            self.line(x + part * width, top, x + part * width, bottom)
            self.text(x + part * width, bottom + 17, name, anchor="middle", fill=SOFT, font_size=12)

    def note(self, y: float, words: str) -> None:
        """A small remark below a chart."""
        self.text(16, y, words, fill=SOFT, font_size=12)

    def drawn(self, height: float) -> bytes:
        """The file."""
        ground = tag("rect", width=WIDTH, height=_number(height), fill="#ffffff")
        size: dict[str, str | int] = {"width": WIDTH, "height": _number(height)}
        size["viewBox"] = f"0 0 {WIDTH} {_number(height)}"
        whole = tag(
            "svg", tag("title", self._title), ground, *self._parts,
            xmlns="http://www.w3.org/2000/svg", **size, font_family=_FONT, role="img",
        )  # fmt: skip
        return (whole + "\n").encode()


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
