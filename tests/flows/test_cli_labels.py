"""``paxflow labels`` as people and machines meet it."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from curation.errors import InputError, UsageError
from flows.cli_labels import labels_app
from labeling.labels.sets import label_sets

ONE = '{"id": "r1", "labels": {"Edema": 1, "Fracture": 0}}\n{"id": "r2", "labels": {"Edema": -1, "Fracture": null}}\n'
MODEL = "image,Edema,Fracture,Hernia\nr1,0.45,0.1,0.9\nr2,0.7,0.2,0.9\nr3,0.5,0.5,0.5\n"


def labels(*words: str | Path) -> Result:
    return CliRunner().invoke(labels_app, [str(word) for word in words])


@pytest.fixture
def one(tmp_path: Path) -> Path:
    path = tmp_path / "one.jsonl"
    path.write_text(ONE, encoding="utf-8")
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.csv"
    path.write_text(MODEL, encoding="utf-8")
    return path


def test_two_sources_side_by_side(one: Path, model: Path, tmp_path: Path) -> None:
    out, summary = tmp_path / "out.csv", tmp_path / "summary.csv"
    done = labels(
        *("compare", f"rules={one}", f"model={model},id=image,skip=Hernia,Edema=0.4-0.6"),
        *("--out", out, "--summary", summary, "--thresholds", "0.15"),
    )
    assert done.exit_code == 0, done.exception
    assert pl.read_csv(out).select("id", "label", "rules", "model", "disagreement").rows() == [
        ("r1", "Edema", 1, -1, "hedged"),
        ("r1", "Fracture", 0, 0, ""),
        ("r2", "Edema", -1, 1, "hedged"),
        ("r2", "Fracture", None, 1, "unmentioned"),
    ]
    assert "2 ids were compared" in done.stdout
    assert "3 of 4 labels differ" in done.stdout.replace("\n", " ")
    assert "1 ids of model were left out" in done.stdout
    assert [row[0] for row in pl.read_csv(summary).select("label").rows()] == ["Edema", "Fracture", "(all)"]
    assert [line.split()[0] for line in done.stdout.splitlines()[2:5]] == ["Edema", "Fracture", "(all)"]


def test_sources_that_agree_leave_nothing_out(one: Path, tmp_path: Path) -> None:
    done = labels("compare", f"a={one}", f"b={one}", "--out", tmp_path / "out.parquet")
    assert "0 of 4 labels differ" in done.stdout.replace("\n", " ")
    assert "left out" not in done.stdout
    assert pl.read_parquet(tmp_path / "out.parquet")["agrees"].all()


def test_a_file_in_another_layout(one: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = labels("convert", one, "--format", "mimic-csv", "--uncertain", "Edema=positive", "--out", out)
    assert done.exit_code == 0, done.exception
    assert "2 ids" in done.stdout
    assert out.read_text(encoding="utf-8") == "id,Edema,Fracture\nr1,1.0,0.0\nr2,1.0,\n"


def test_a_model_s_file_in_another_layout(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    done = labels("convert", f"{model},id=image,skip=Hernia,*=0.6", "--format", "jsonl", "--out", out)
    assert done.exit_code == 0, done.exception
    first = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    assert first == {"image": "r1", "labels": {"Edema": 0, "Fracture": 0}}


def test_the_sets_and_the_labels_of_one() -> None:
    listed = labels("sets").stdout
    assert all(one.name in listed for one in label_sets())
    shown = labels("sets", "padchest").stdout
    assert "callus rib fracture" in shown
    assert "rib_fracture" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("compare", "one", "two"), "NAME=FILE"),
        (("compare", "a,b=x.csv", "c=y.csv"), "NAME=FILE"),
        (("compare", "a=x.csv,Edma=0.5", "c=y.csv"), "did you mean 'Edema'"),
        (("compare", "a=x.csv", "c=y.csv", "--set", "chexprt"), "did you mean 'chexpert'"),
        (("compare", "a=x.csv", "c=y.csv", "--thresholds", "2"), "between 0 and 1"),
        (("convert", "x.csv", "--format", "jsonl", "--uncertain", "maybe"), "expected a policy"),
    ],
)
def test_a_wrong_call_says_what_was_expected(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = labels(*words, "--out", tmp_path / "out.csv")
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = labels("convert", tmp_path / "x.csv", "--format", "jsonl", "--out", tmp_path / "out")
    assert isinstance(done.exception, InputError)


@pytest.mark.parametrize(
    ("command", "about"),
    [
        ((), "No workspace needed"),
        (("compare",), "where they disagree"),
        (("convert",), "a policy for uncertain labels"),
        (("sets",), "the findings that give them"),
    ],
)
def test_help_says_what_it_does(command: tuple[str, ...], about: str) -> None:
    done = labels(*command, "--help")
    assert done.exit_code == 0
    assert about in " ".join(done.stdout.split())


def test_sources_are_not_overwritten(one: Path, model: Path, tmp_path: Path) -> None:
    before = one.read_bytes(), model.read_bytes()
    wrong = [
        labels("convert", one, "--format", "jsonl", "--out", one),
        labels("compare", f"a={one}", f"b={model},id=image,skip=Hernia", "--out", model),
        labels("compare", f"a={one}", f"b={one}", "--out", tmp_path / "x.csv", "--summary", tmp_path / "x.csv"),
    ]
    assert all(isinstance(done.exception, UsageError) for done in wrong)
    assert (one.read_bytes(), model.read_bytes()) == before
    assert not (tmp_path / "x.csv").exists()
