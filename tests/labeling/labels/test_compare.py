from collections.abc import Mapping
from pathlib import Path

import pytest

from curation.errors import UsageError
from labeling.labels.compare import ALL, Agreement, Comparison, Disagreement, compare, summary_table
from labeling.labels.sources import Source
from tests.labeling.labels.files import lines, source

States = dict[str, dict[str, float | None]]


def made(folder: Path, name: str, states: States) -> Source:
    rows = ({"id": key, "labels": labels} for key, labels in states.items())
    return source(lines(folder / f"{name}.jsonl", *rows), name=name)


def one_label(folder: Path, *sources: Mapping[str, float | None]) -> Comparison:
    """Sources a, b … on Edema."""
    return compare(
        [
            made(folder, name, {key: {"Edema": state} for key, state in states.items()})
            for name, states in zip("abc", sources, strict=False)
        ]
    )


def of(summary: tuple[Agreement, ...], label: str) -> Agreement:
    (found,) = (one for one in summary if one.label == label)
    return found


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (1, 1, ""),
        (None, None, ""),
        (-1, -1, ""),
        (1, 0, "contradicted"),
        (0, 1, "contradicted"),
        (-1, 1, "hedged"),
        (0, -1, "hedged"),
        (None, 0, "unmentioned"),
        (1, None, "unmentioned"),
        (-1, None, "unmentioned"),
    ],
)
def test_kinds_of_disagreement(tmp_path: Path, first: int | None, second: int | None, kind: str) -> None:
    found = one_label(tmp_path, {"r": first}, {"r": second})
    assert found.table.to_dicts() == [
        {"id": "r", "label": "Edema", "a": first, "b": second, "agrees": kind == "", "disagreement": kind}
    ]
    counted = {one.value: of(found.summary, "Edema").disagreements(one) for one in Disagreement}
    assert counted == {one.value: int(one.value == kind) for one in Disagreement}


@pytest.mark.parametrize(
    ("states", "kind"),
    [
        ((1, 0, -1), "contradicted"),
        ((1, -1, None), "hedged"),
        ((None, None, -1), "unmentioned"),
        ((0, 0, None), "unmentioned"),
        ((0, 0, 0), ""),
    ],
)
def test_of_three_sources_the_gravest_disagreement_counts(
    tmp_path: Path, states: tuple[int | None, ...], kind: str
) -> None:
    found = one_label(tmp_path, *({"r": state} for state in states))
    assert found.table["disagreement"].to_list() == [kind]
    assert [(one.first, one.second) for one in found.summary if one.label == "Edema"] == [
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]


def test_kappa_as_cohen_worked_it(tmp_path: Path) -> None:
    """20 both present, 5 and 10 apart, 15 both absent: agreement .7, by chance .5, so kappa .4."""
    pairs = [(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15
    found = one_label(
        tmp_path, {f"r{n}": one for n, (one, _) in enumerate(pairs)}, {f"r{n}": two for n, (_, two) in enumerate(pairs)}
    )
    edema = of(found.summary, "Edema")
    assert edema.n == 50
    assert edema.agree == pytest.approx(0.7)
    assert edema.kappa == pytest.approx(0.4)
    assert {states: count for states, count in edema.counts.items() if count} == {
        (1, 1): 20,
        (1, 0): 5,
        (0, 1): 10,
        (0, 0): 15,
    }
    assert len(edema.counts) == 16


def test_kappa_of_sources_that_always_say_the_same_is_none(tmp_path: Path) -> None:
    found = one_label(tmp_path, {"r": 1, "s": 1}, {"r": 1, "s": 1})
    assert [(one.agree, one.kappa) for one in found.summary] == [(1.0, None), (1.0, None)]


def test_only_common_ids_and_labels_are_compared_in_the_first_source_s_order(tmp_path: Path) -> None:
    a = made(tmp_path, "a", {"r2": {"Edema": 1, "Fracture": 0}, "r1": {"Edema": 0, "Fracture": 0}, "x": {"Edema": 1}})
    b = made(tmp_path, "b", {"r1": {"Pneumonia": 1, "Edema": 0}, "y": {"Edema": 1}, "r2": {"Edema": 0.25}})
    found = compare([a, b])
    assert found.table.select("id", "label", "b", "b_probability").rows() == [
        ("r2", "Edema", 0, 0.25),
        ("r1", "Edema", 0, 0.0),
    ]
    assert "a_probability" not in found.table.columns
    assert found.left_out == {"a": 1, "b": 1}
    assert [one.label for one in found.summary] == ["Edema", ALL]


def test_the_summary_as_a_table(tmp_path: Path) -> None:
    table = summary_table(one_label(tmp_path, {"r": 1, "s": None}, {"r": 0, "s": None}).summary)
    assert table.columns[:6] == ["label", "first", "second", "n", "agree", "kappa"]
    assert len(table.columns) == 6 + 16
    assert table.select("label", "n", "present_absent", "unsaid_unsaid").rows() == [
        ("Edema", 2, 1, 1),
        (ALL, 2, 1, 1),
    ]


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    a = made(tmp_path, "a", {"r": {"Edema": 1}})
    b = made(tmp_path, "b", {"r": {"Fracture": 1}})
    c = made(tmp_path, "c", {"other": {"Edema": 1}})
    taken = made(tmp_path, "label", {"r": {"Edema": 1}})
    for sources, message in (
        ([a], "two sources or more"),
        ([a, a], "a name for each source"),
        ([a, taken], "a name for each source"),
        ([a, b], "labels that all sources speak of"),
        ([a, c], "ids that all sources have"),
    ):
        with pytest.raises(UsageError, match=message):
            compare(sources)
