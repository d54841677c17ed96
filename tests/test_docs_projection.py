"""The page on projection names every label, measurement and rule of the code, and shows pictures that are there."""

import re
from pathlib import Path

import pytest

from projection.anatomy import anatomy
from projection.measure.readings import definitions
from projection.pose import VIEWS
from projection.quality import ct, masks, view

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "projection.md").read_text(encoding="utf-8")


def column(name: str, at: int) -> list[str]:
    """The cells of one column of the table between two markers, without its head."""
    lines = PAGE.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0].splitlines()
    return [line.split(" | ")[at].strip("| `") for line in lines[2:]]


def test_page_has_every_label_with_its_id_and_parent() -> None:
    rows = list(zip(column("labels", 0), column("labels", 1), column("labels", 2), strict=True))
    assert rows == [(str(row.category_id), row.label, row.parent) for row in anatomy()]


def test_page_has_pixels_on_both_views_or_a_reason_for_every_label() -> None:
    for front, side, reason in zip(*(column("labels", at) for at in (4, 5, 6)), strict=True):
        assert (front, side) == ("–", "–") if reason else front != "–" and side != "–"


def test_page_has_every_measurement() -> None:
    assert column("measures", 0) == [row.id for row in definitions()]


@pytest.mark.parametrize(
    ("name", "rules"), [("ct rules", ct.RULES), ("view rules", view.VIEW_RULES), ("mask rules", masks.RULES)]
)
def test_page_has_every_rule_of_quality(
    name: str, rules: tuple[ct.Rule, ...] | tuple[view.ViewRule, ...] | tuple[masks.Rule, ...]
) -> None:
    assert column(name, 0) == [rule.rule_id for rule in rules]
    assert [float(weight) for weight in column(name, 2)] == [rule.weight for rule in rules]


def test_page_names_every_view() -> None:
    assert all(f"`{name}`" in PAGE for name in VIEWS)


def test_pictures_of_the_page_are_small() -> None:
    shown = [DOCS / path for path in re.findall(r"\]\((images/[^)]+)\)", PAGE)]
    assert len(shown) == 4
    assert sum(path.stat().st_size for path in (*shown, DOCS / "images" / "sample.png")) < 1_500_000
