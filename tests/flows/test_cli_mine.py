"""``paxflow mine`` as people and machines meet it."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from curation.errors import InputError, RefusedError, ToolError, UsageError
from flows.cli import app
from flows.mining import mine_file
from labeling.mining.lines import LineOptions

TEXT = "INDICATION: Pneumonia.\nFINDINGS: Small left effusion. Possible atelectasis. No pneumothorax."


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    rows = [{"id": "a", "text": TEXT}, {"id": "b", "text": "FINDINGS: Normal heart size."}]
    return written(tmp_path / "in.jsonl", rows)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def mine(*words: str | Path, json_lines: bool = False) -> Result:
    return CliRunner().invoke(app, [*(["--json"] if json_lines else []), "mine", *map(str, words)])


def test_reports_become_lines_that_the_scorers_read(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = mine("run", reports, "--out", out)
    assert done.exit_code == 0, done.exception
    assert "2 reports are mined" in done.stdout
    first, second = read(out)
    assert set(first) == {"id", "labels", "modifiers"}
    assert {label: state for label, state in first["labels"].items() if state is not None} == {
        "Pleural Effusion": 1,
        "Atelectasis": -1,
        "Pneumothorax": 0,
    }
    assert first["modifiers"]["Pleural Effusion"]["lat"] == ["left"]
    assert first["modifiers"]["Pleural Effusion"]["sev"] == ["small"]
    assert (second["id"], second["labels"]["Cardiomegaly"], second["labels"]["No Finding"]) == ("b", 0, 1)


def test_every_mention_is_written_when_asked(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert mine("run", reports, "--out", out, "--mentions", "--uncertain", "positive").exit_code == 0
    first = read(out)[0]
    (effusion,) = [mention for mention in first["mentions"] if mention["concept"] == "pleural_effusion"]
    assert TEXT[effusion["start"] : effusion["end"]] == "effusion"
    assert (effusion["assertion"], effusion["labels"]) == ("present", ["Pleural Effusion"])
    assert effusion["rule_id"].startswith("find.")
    assert first["labels"]["Atelectasis"] == 1


def test_what_cannot_be_read_is_counted_and_the_rest_is_written(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": "a", "text": "No edema."}\nnonsense\n', encoding="utf-8")
    done = mine("run", source, "--out", out)
    assert isinstance(done.exception, RefusedError)
    assert "1 report is mined" in done.stdout
    assert [row["id"] for row in read(out)] == ["a"]


def test_nothing_to_read_leaves_what_was_there(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("", encoding="utf-8")
    out.write_text("before", encoding="utf-8")
    with pytest.raises(InputError, match="expected reports"):
        mine_file(source, out, LineOptions(), lambda done, total: None)
    assert out.read_text(encoding="utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


@pytest.mark.slow
def test_many_reports_keep_their_order_over_processes(tmp_path: Path) -> None:
    rows = [{"id": str(n), "text": f"FINDINGS: A {n} mm nodule."} for n in range(1300)]
    out = tmp_path / "out.jsonl"
    written_lines = mine_file(written(tmp_path / "in.jsonl", rows), out, LineOptions(), lambda done, total: None)
    assert written_lines.n_lines == 1300
    assert [row["id"] for row in read(out)] == [row["id"] for row in rows]


def test_labels_are_scored_and_the_dearest_rules_are_named(reports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    mine("run", reports, "--out", out, "--mentions")
    gold = written(tmp_path / "gold.jsonl", [{"id": "a", "labels": ["Atelectasis"]}, {"id": "b", "labels": []}])
    done = mine("score", out, gold)
    assert done.exit_code == 0, done.exception
    assert "find.atelectasis by unc.possible" in done.stdout
    assert "2 reports" in done.stdout


def test_reports_are_shown_on_a_page_of_their_own(reports: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = mine("show", reports, "--out", page, "--id", "a")
    assert done.exit_code == 0, done.exception
    text = page.read_text(encoding="utf-8")
    assert "pleural effusion" in text.lower() and "Normal heart size" not in text


def test_a_report_that_is_not_there_cannot_be_shown(reports: Path, tmp_path: Path) -> None:
    done = mine("show", reports, "--out", tmp_path / "page.html", "--id", "nobody")
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "page.html").exists()


def test_the_reports_are_not_overwritten_by_their_labels(reports: Path, tmp_path: Path) -> None:
    before = reports.read_bytes()
    for command, source, out in (("run", reports, reports), ("show", reports, reports), ("run", tmp_path, "out")):
        assert isinstance(mine(command, source, "--out", tmp_path / out).exception, UsageError)
    assert reports.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_where_all_is_refused_what_was_there_stays(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("nonsense\nnonsense\n", encoding="utf-8")
    out.write_text("before", encoding="utf-8")
    with pytest.raises(InputError, match="2 inputs were refused: expected JSON"):
        mine_file(source, out, LineOptions(), lambda done, total: None)
    assert out.read_text(encoding="utf-8") == "before"


@contextmanager
def killed(n_batches: int) -> Iterator[Executor]:
    """A pool whose process ends at once."""
    with ProcessPoolExecutor(1, initializer=os._exit, initargs=(1,)) as workers:
        yield workers


def test_a_process_that_is_killed_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.mining.pool", killed)
    source = written(tmp_path / "in.jsonl", [{"id": str(n), "text": "No edema."} for n in range(501)])
    with pytest.raises(ToolError, match="run it again"):
        mine_file(source, tmp_path / "out.jsonl", LineOptions(), lambda done, total: None)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_an_id_that_is_not_there_is_said(reports: Path, tmp_path: Path) -> None:
    some = mine("show", reports, "--out", tmp_path / "page.html", "--id", "a", "--id", "nobody")
    assert "Not every id" in some.stdout


def test_long_reports_go_by_fewer_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.mining._CHUNK_CHARACTERS", 20)
    monkeypatch.setenv("PAXFLOW_WORKERS", "1")
    source = written(tmp_path / "in.jsonl", [{"id": str(n), "text": "No edema. Clear."} for n in range(5)])
    told: list[int] = []
    mine_file(source, tmp_path / "out.jsonl", LineOptions(), lambda done, total: told.append(done))
    assert told == [2, 4, 5]
