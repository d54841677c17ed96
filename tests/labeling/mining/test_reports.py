"""Whole made-up reports (``reports.tsv``): the labels that each gives, and what its mentions say."""

from pathlib import Path

import pytest

from labeling.mining.reader import Mined, mine_text
from labeling.mining.spoken import Spoken

_LINES = (Path(__file__).parent / "reports.tsv").read_text(encoding="utf-8").splitlines()
_HEAD, *_ROWS = [line.split("\t") for line in _LINES if not line.startswith("#")]
REPORTS = [dict(zip(_HEAD, row, strict=True)) for row in _ROWS]
MOST_MISSES = 25
"""Statements that may be read wrongly, of all that the reports make."""


def cells(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def is_said(fact: str, mentions: tuple[Spoken, ...]) -> bool:
    if fact.startswith("-"):
        return not any(said.finding == fact[1:] and said.is_current for said in mentions)
    finding, *words = fact.split()
    return any(said.finding == finding and set(words) <= words_of(said) for said in mentions)


def words_of(said: Spoken) -> set[str]:
    return {said.assertion.value, said.temporality.value, said.laterality, said.severity, *said.location}


def missed(report: dict[str, str], mined: Mined) -> set[str]:
    expected = dict(cell.split("=") for cell in cells(report["states"]))
    wrong = {
        f"{label}={expected.get(label)}"
        for label, (state, _) in mined.labels.items()
        if str(state) != str(expected.get(label))
    }
    return wrong | {fact for fact in cells(report["facts"]) if not is_said(fact, mined.mentions)}


@pytest.mark.parametrize("report", REPORTS, ids=[report["name"] for report in REPORTS])
def test_a_report_is_read_as_a_radiologist_would(report: dict[str, str]) -> None:
    mined = mine_text(report["text"].replace("\\n", "\n"))
    assert missed(report, mined) <= set(cells(report["known"]))


def test_few_statements_are_known_to_be_missed() -> None:
    assert sum(len(cells(report["known"])) for report in REPORTS) <= MOST_MISSES
    assert len(REPORTS) >= 40
