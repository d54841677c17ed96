"""Curves as an SVG file: panels side by side, each with axes, curves, the line of random order and a legend."""

from collections.abc import Sequence
from typing import NamedTuple


class Curve(NamedTuple):
    """Share of the disagreements found after each read."""

    name: str
    found: tuple[float, ...]

    def at(self, share: float) -> float:
        """Found when this share of the reads is done."""
        return self.found[max(1, round(share * len(self.found))) - 1]

    def reads(self, found: float) -> float:
        """Share of the reads that find so many."""
        return next(place for place, one in enumerate(self.found, start=1) if one >= found - 1e-9) / len(self.found)

    @property
    def area(self) -> float:
        """Area under the curve over that of random order."""
        return sum(self.found) / len(self.found) / 0.5


LEFT, TOP, SIDE, GAP = 70, 64, 340, 110
COLOURS = ("#0b6e99", "#6a9a1f", "#c2570c")


def figure(panels: Sequence[tuple[str, Sequence[Curve]]]) -> str:
    """Panels side by side; each has the curves, random order, axes and a legend."""
    width = LEFT + len(panels) * (SIDE + GAP) - GAP + 40
    drawn = "".join(_panel(LEFT + place * (SIDE + GAP), title, curves) for place, (title, curves) in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + SIDE + 66}" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#222">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{drawn}</svg>\n'
    )


def _panel(x: int, title: str, curves: Sequence[Curve]) -> str:
    lines = [f'<text x="{x}" y="{TOP - 26}" font-size="15" font-weight="600">{title}</text>\n']
    for step in range(0, 101, 20):
        at_x, at_y = x + SIDE * step / 100, TOP + SIDE - SIDE * step / 100
        lines.append(
            f'<path d="M{at_x:g} {TOP}V{TOP + SIDE}M{x} {at_y:g}H{x + SIDE}" stroke="#e2e2e2"/>'
            f'<text x="{at_x:g}" y="{TOP + SIDE + 20}" text-anchor="middle">{step}</text>'
            f'<text x="{x - 8}" y="{at_y + 4:g}" text-anchor="end">{step}</text>\n'
        )
    middle = TOP + SIDE / 2
    lines.append(
        f'<text x="{x + SIDE / 2:g}" y="{TOP + SIDE + 44}" text-anchor="middle">cases read, % of all</text>'
        f'<text transform="translate({x - 44} {middle:g}) rotate(-90)" text-anchor="middle">'
        "disagreements found, % of all</text>"
        f'<path d="M{x} {TOP + SIDE}L{x + SIDE} {TOP}" stroke="#777" stroke-width="2" stroke-dasharray="6 5"/>\n'
    )
    names = [one.name for one in curves] + ["random order"]
    for one, colour in zip(curves, COLOURS, strict=False):
        lines.append(f'<path d="{_path(x, one)}" fill="none" stroke="{colour}" stroke-width="2.5"/>\n')
    for place, (name, colour) in enumerate(zip(names, [*COLOURS[: len(curves)], "#777"], strict=True)):
        at_y = TOP + SIDE - 22 * (len(names) - place) + 4
        dash = ' stroke-dasharray="6 5"' if name == "random order" else ""
        lines.append(
            f'<path d="M{x + SIDE - 200} {at_y}h26" stroke="{colour}" stroke-width="2.5"{dash}/>'
            f'<text x="{x + SIDE - 168}" y="{at_y + 4}">{name}</text>\n'
        )
    return "".join(lines)


def _path(x: int, one: Curve) -> str:
    points = [(0.0, 0.0)] + [(share / 200, one.at(share / 200)) for share in range(1, 201)]
    return "M" + "L".join(f"{x + SIDE * a:.1f} {TOP + SIDE - SIDE * b:.1f}" for a, b in points)
