import json
from pathlib import Path
from typing import Any

import pytest

from curation.errors import InputError, UsageError
from labeling.mining.confusion import NOTHING, UNEXPLAINED, Charge, confusion, read_gold


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def said(rule_id: str, *labels: str, by: str = "plain") -> dict[str, Any]:
    return {"rule_id": rule_id, "assertion_rule_id": by, "labels": list(labels)}


def test_errors_are_charged_to_the_rules_that_made_them(tmp_path: Path) -> None:
    mined = lines(
        tmp_path / "mined.jsonl",
        [
            {"id": "a", "labels": {"Edema": 1, "Fracture": 0}, "mentions": [said("f.edema", "Edema")]},
            {"id": "b", "labels": {"Edema": 1, "Fracture": None}, "mentions": [said("f.edema", "Edema")]},
            {"id": "c", "labels": {"Edema": 0, "Fracture": None}, "mentions": [said("f.edema", "Edema", by="neg.no")]},
        ],
    )
    gold = lines(
        tmp_path / "gold.jsonl",
        [
            {"id": "a", "labels": ["Edema"]},
            {"id": "b", "labels": []},
            {"id": "c", "labels": {"Edema": 1, "Fracture": 1}},
            {"id": "d", "gold": {"labels": ["Edema"]}},
        ],
    )
    found = confusion(mined, gold, uncertain_is_positive=False)
    assert found.charges == (
        Charge(NOTHING, "Fracture", wrong=0, missed=1, right=0),
        Charge("f.edema", "Edema", wrong=1, missed=0, right=1),
        Charge("f.edema by neg.no", "Edema", wrong=0, missed=1, right=0),
    )
    scores = {score.label: (score.right, score.wrong, score.missed) for score in found.scores}
    assert scores == {"Edema": (1, 1, 2), "Fracture": (0, 0, 1)}
    assert found.n_reports == 4
    assert found.total.f1 == pytest.approx(2 / 6)
    assert found.macro_f1 == pytest.approx((2 / 5 + 0) / 2)


def test_a_hedged_label_counts_as_asked(tmp_path: Path) -> None:
    mined = lines(tmp_path / "mined.jsonl", [{"id": "a", "labels": {"Edema": -1}}, {"id": "x", "labels": {"Edema": 1}}])
    gold = lines(tmp_path / "gold.jsonl", [{"id": "a", "labels": ["Edema"]}])
    assert confusion(mined, gold, uncertain_is_positive=True).total.right == 1
    missed = confusion(mined, gold, uncertain_is_positive=False)
    assert (missed.total.missed, missed.charges[0].rule_id) == (1, UNEXPLAINED)
    assert (missed.total.precision, missed.total.recall, missed.total.f1) == (0.0, 0.0, 0.0)


def test_no_gold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected lines of gold labels"):
        read_gold(lines(tmp_path / "gold.jsonl", []))


@pytest.mark.parametrize("text", ["no json", "[1]", '{"id": "a"}', '{"labels": []}'])
def test_a_line_that_is_none_is_told_by_its_number(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "a", "labels": []}\n' + text + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 2"):
        read_gold(path)


GOLD_LINE = '{"id": "a", "labels": ["Edema"]}'
MINED_LINE = '{"id": "a", "labels": {"Edema": 1}}'


@pytest.mark.parametrize(
    ("mined", "gold"),
    [
        ('{"id": ["a"], "labels": {"Edema": 1}}', GOLD_LINE),
        ('{"id": "a", "labels": ["Edema"]}', GOLD_LINE),
        ('{"id": "a", "labels": {"Edema": [1]}}', GOLD_LINE),
        ('{"id": "a", "labels": {"Edema": 1}, "mentions": null}', GOLD_LINE),
        ('{"id": "a", "labels": {"Edema": 1}, "mentions": [{"labels": ["Edema"]}]}', GOLD_LINE),
        (f"{MINED_LINE}\n{MINED_LINE}", GOLD_LINE),
        ("[" * 100_000, GOLD_LINE),
        ("\x00", GOLD_LINE),
        (MINED_LINE, '{"id": "a", "gold": null}'),
        (MINED_LINE, '{"id": "a", "labels": "Edema"}'),
        (MINED_LINE, '{"id": "a", "labels": [["Edema"]]}'),
        (MINED_LINE, '{"id": "a", "labels": ["Ed\\ud800"]}'),
        (MINED_LINE, f"{GOLD_LINE}\n{GOLD_LINE}"),
    ],
)
def test_lines_of_another_shape_are_said_by_their_number(mined: str, gold: str, tmp_path: Path) -> None:
    (tmp_path / "mined").write_text(mined, encoding="utf-8")
    (tmp_path / "gold").write_text(gold, encoding="utf-8")
    with pytest.raises(UsageError, match=r"line [12]"):
        confusion(tmp_path / "mined", tmp_path / "gold", False)


def test_a_mark_blank_lines_and_ids_that_are_numbers_are_read(tmp_path: Path) -> None:
    (tmp_path / "mined").write_text('\n{"id": 1, "labels": {"Edema": 1}}\n\n', encoding="utf-8-sig")
    (tmp_path / "gold").write_text('{"id": "1", "labels": ["Edema"]}\r\n', encoding="utf-8-sig")
    assert confusion(tmp_path / "mined", tmp_path / "gold", False).total.right == 1


def test_files_that_have_nothing_in_common_are_not_scored(tmp_path: Path) -> None:
    (tmp_path / "mined").write_text('{"id": "z", "labels": {"Edema": 1}}', encoding="utf-8")
    (tmp_path / "gold").write_text(GOLD_LINE, encoding="utf-8")
    for mined in (tmp_path / "mined", tmp_path):
        with pytest.raises(InputError):
            confusion(mined, tmp_path / "gold", False)


def test_labels_that_only_one_side_knows_are_not_scored(tmp_path: Path) -> None:
    labels = {"Edema": 1, "Pneumonia": 1, "No Finding": 1}
    mined = lines(tmp_path / "mined.jsonl", [{"id": "a", "labels": labels, "mentions": []}])
    gold = lines(tmp_path / "gold.jsonl", [{"id": i, "labels": ["Edema", "Scar", "No Finding"]} for i in ("a", "b")])
    found = confusion(mined, gold, uncertain_is_positive=False)
    assert [(score.label, score.right, score.missed) for score in found.scores] == [("Edema", 1, 1)]
