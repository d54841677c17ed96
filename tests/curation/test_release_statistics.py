"""Numbers of the data card: hidden small cells that nobody can compute, and counts against a plain recount."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curation.records import SPLITS
from curation.release.card.labels import STATES
from curation.release.card.small import FEW, LIMIT, MORE, WITHHELD, Cell, by_split, few, of_row, withheld
from curation.release.card.statistics import statistics
from curation.release.opened import Opened
from tests.releases import GROUP, Built

pytestmark = GROUP
COUNTS = st.lists(st.integers(0, 14), min_size=1, max_size=4)
ROW = st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), min_size=3, max_size=3)


def possible(cells: Sequence[Cell], total: int) -> Iterator[tuple[int, ...]]:
    """Every list of counts that a reader of the cells, who knows their total, must think possible."""
    ranges = {FEW: range(1, LIMIT), MORE: range(LIMIT, total + 1), WITHHELD: range(total + 1)}
    choices = [ranges[cell] if isinstance(cell, str) else (cell,) for cell in cells]
    for row in product(*choices[:-1]):
        if total - sum(row) in choices[-1]:
            yield (*row, total - sum(row))


# --- small cells -----------------------------------------------------------------------------------------


@given(COUNTS)
@settings(max_examples=150, deadline=None)
def test_no_hidden_count_can_be_told_from_the_others_and_the_total(counts: list[int]) -> None:
    cells = withheld(counts)
    assert all(cell == count or isinstance(cell, str) for cell, count in zip(cells, counts, strict=True))
    assert not any(isinstance(cell, int) and 0 < cell < LIMIT for cell in cells)
    if 0 < sum(counts) < LIMIT:
        assert set(cells) == {FEW}
        return
    values = list(zip(*possible(cells, sum(counts)), strict=True))
    for cell, count, seen in zip(cells, counts, values, strict=True):
        assert count in seen
        assert isinstance(cell, int) or len(counts) == 1 or len(set(seen)) >= 3


@pytest.mark.parametrize(
    ("counts", "cells"),
    [
        ([20, 30], [20, 30]),
        ([0, 30], [0, 30]),
        ([4, 20, 30], [FEW, MORE, 30]),
        ([4, 5, 30], [FEW, FEW, 30]),
        ([1, 1, 30], [FEW, FEW, MORE]),
        ([9, 9, 30, 40], [FEW, FEW, MORE, 40]),
        ([1, 10], [WITHHELD, WITHHELD]),
        ([1, 2], [FEW, FEW]),
        ([], []),
    ],
)
def test_the_next_smallest_is_hidden_too_where_one_could_subtract(counts: list[int], cells: list[Cell]) -> None:
    assert withheld(counts) == cells


def test_a_count_that_matters_more_is_hidden_last() -> None:
    assert withheld([20, 4, 60, 30], spared={0}) == [20, FEW, 60, MORE]


@given(st.dictionaries(st.sampled_from("abcd"), st.tuples(*[st.integers(0, 30)] * 3), max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_table_by_split_has_a_total_only_where_it_tells_nothing(
    rows: dict[str, tuple[int, ...]], shown: bool
) -> None:
    made = by_split(rows, shown)
    columns: Any = made["columns"]
    table: Any = made["rows"]
    if columns == ["all"]:
        assert [row[1] for row in table] == withheld([sum(row) for row in rows.values()])
        return
    assert shown
    for (name, *cells, total), counts in zip(table, rows.values(), strict=True):
        assert name in rows
        assert total == (sum(counts) if all(isinstance(cell, int) for cell in cells) else WITHHELD)
    for place in range(3):
        column = [counts[place] for counts in rows.values()]
        assert [row[1 + place] for row in table] == withheld(column)
        assert sum(column) == 0 or sum(column) >= LIMIT


@given(ROW)
@settings(max_examples=200, deadline=None)
def test_a_row_of_splits_hides_small_counts_and_small_rests(row: list[tuple[int, int]]) -> None:
    counts, outof = [a for a, _ in row], [a + b for a, b in row]
    cells = of_row(counts, outof)
    for cell, (count, rest) in zip(cells, row, strict=True):
        assert cell in (count, WITHHELD)
        assert cell == WITHHELD or FEW not in (few(count), few(rest))
    assume(LIMIT <= sum(counts) < sum(outof) and sum(whole > 0 for whole in outof) > 1)
    all_that_fit = [
        values
        for values in possible(cells, sum(counts))
        if all(value <= whole for value, whole in zip(values, outof, strict=True))
    ]
    for cell, whole, seen in zip(cells, outof, zip(*all_that_fit, strict=True), strict=True):
        assert isinstance(cell, int) or whole == 0 or len(set(seen)) > 1


# --- counts ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(built: Built) -> Opened:
    return built("classification")


@pytest.fixture(scope="module")
def told(release: Opened) -> dict[str, Any]:
    return statistics(release, None)


def rows_of(release: Opened, name: str) -> list[dict[str, str]]:
    """The rows of the CSV twin, as the standard library reads them."""
    with gzip.open(release.folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def agrees(cell: Cell, count: int) -> bool:
    """Whether a cell says of a count what is true."""
    return {FEW: count < LIMIT, MORE: count >= LIMIT, WITHHELD: True}[cell] if isinstance(cell, str) else cell == count


def test_rows_are_those_of_the_files(release: Opened, told: dict[str, Any]) -> None:
    assert told["rows"] == {name: len(rows_of(release, name)) for name in release.names}


def test_patients_by_sex_age_and_site_are_those_of_a_recount(release: Opened, told: dict[str, Any]) -> None:
    studies = defaultdict(list)
    for row in rows_of(release, "studies"):
        studies[row["patient_id"]].append(row)
    people: dict[str, dict[str, int]] = {name: defaultdict(int) for name in ("sex", "age", "site")}
    for row in rows_of(release, "patients"):
        own = studies[row["patient_id"]]
        people["sex"][row["sex"] or "unknown"] += 1
        ages = [int(study["age_years"]) for study in own if study["age_years"]]
        band = min(ages) // 10 * 10 if ages else None
        people["age"]["unknown" if band is None else f"{band}–{band + 9}"] += 1
        for site in {study["site_id"] for study in own}:
            people["site"][site or "not named"] += 1
    for name, counts in people.items():
        shown = {row[0]: row[-1] for row in told[name]["rows"]}
        assert shown.keys() == counts.keys()
        assert all(agrees(shown[value], count) for value, count in counts.items())
    assert [row[1] for row in told["sex"]["rows"]] == [people["sex"]["F"], people["sex"]["M"]]


def test_labels_are_those_of_a_recount(release: Opened, told: dict[str, Any]) -> None:
    whose = {row["image_id"]: (row["patient_id"], row["split"]) for row in rows_of(release, "images")}
    best: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    images: dict[tuple[str, str, str], int] = defaultdict(int)
    everybody = defaultdict(set)
    for row in rows_of(release, "targets"):
        patient, split = whose[row["image_id"]]
        rank = {"1": 0, "-1": 1, "0": 2, "": 3}[row["state"]]
        key = (row["label_set"], row["label"])
        best[key][patient] = min(rank, best[key].get(patient, 3))
        images[*key, split] += rank == 0
        everybody[row["label_set"]].add(patient)
    for name, found in told["labels"].items():
        assert found["patients"] == len(everybody[name])
        assert [row["label"] for row in found["rows"]] == sorted(label for own, label in best if own == name)
        for row in found["rows"]:
            ranks = [*best[name, row["label"]].values()]
            counts = [ranks.count(place) for place in range(3)]
            counts.append(len(everybody[name]) - sum(counts))
            assert len(row["states"]) == len(STATES)
            assert all(agrees(*pair) for pair in zip(row["states"], counts, strict=True))
            shown = zip(row["images"], SPLITS, strict=True)
            assert all(agrees(cell, images[name, row["label"], split]) for cell, split in shown)


def test_a_pair_of_labels_is_counted_only_where_all_four_cells_are_large(release: Opened, told: dict[str, Any]) -> None:
    whose = {row["image_id"]: row["patient_id"] for row in rows_of(release, "images")}
    has, everybody = defaultdict(set), set()
    for row in rows_of(release, "targets"):
        if row["label_set"] == "chexpert":
            everybody.add(whose[row["image_id"]])
            if row["state"] == "1":
                has[row["label"]].add(whose[row["image_id"]])
    together = told["together"]
    assert together["labels"]
    for first, cells in zip(together["labels"], together["patients"], strict=True):
        for second, cell in zip(together["labels"], cells, strict=True):
            a, b = has[first], has[second]
            four = [len(a & b), len(a - b), len(b - a), len(everybody - a - b)]
            small = first != second and FEW in map(few, four)
            assert cell == (WITHHELD if small else four[0])


def test_missing_values_are_those_of_a_recount(release: Opened, told: dict[str, Any]) -> None:
    assert told["missing"]
    for found in told["missing"]:
        values = [row[found["column"]] for row in rows_of(release, found["table"])]
        assert (found["rows"], found["missing"]) == (len(values), sum(value in ("", "[]") for value in values))


def test_a_release_without_a_table_has_no_statistic_of_it(told: dict[str, Any]) -> None:
    assert {"labels", "targets", "decisions"} <= told.keys()
    assert not {"masks", "texts", "priors", "boxes", "concepts"} & told.keys()


def test_images_of_splits_whose_patients_are_hidden_are_hidden_too(told: dict[str, Any]) -> None:
    patients = {name: told["splits"][name]["patients"] for name in SPLITS}
    assert FEW in patients.values()
    for name, cell in patients.items():
        others = [value for key, value in told["splits"][name].items() if key != "patients"]
        assert isinstance(cell, int) or set(others) == {WITHHELD}
    assert told["images"]["columns"] == ["all"]
