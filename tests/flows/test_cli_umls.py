"""`paxflow umls` as people and machines meet it."""

import io
import json
import os
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from curation.errors import InputError, UsageError
from flows.cli_umls import umls_app, umls_find
from tests.labeling.concepts.made import small_umls

app = typer.Typer()
app.add_typer(umls_app, name="umls")


@app.callback()
def options(json: bool = typer.Option(False, "--json")) -> None:
    """As the whole command line has it."""


def paxflow(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(app, list(words), input=given)


def events(*words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in paxflow("--json", *words).stdout.splitlines()]


@pytest.fixture(scope="module")
def rrf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_umls(tmp_path_factory.mktemp("rrf"), MRSTY=["broken\n"])


@pytest.fixture(scope="module")
def dictionary(rrf: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("built") / "dictionary"
    assert paxflow("umls", "build", str(rrf), "--out", str(target)).exit_code == 0
    return str(target)


def test_building_says_its_steps_and_what_was_malformed(rrf: Path, tmp_path: Path) -> None:
    said = events("umls", "build", str(rrf), "--out", str(tmp_path / "d"))
    assert [one["step"] for one in said if one["event"] == "step"][:3] == ["reading", "MRCONSO", "MRSTY"]
    assert said[-2]["concepts"] == 7
    assert said[-1]["text"] == "1 lines were malformed and left out: 1 in MRSTY."


def test_building_takes_what_was_asked_for(rrf: Path, tmp_path: Path) -> None:
    words = ("--source", "SRCA", "--source", "SRCB", "--type", "T046", "--language", "ALL")
    assert events("umls", "build", str(rrf), "--out", str(tmp_path / "d"), *words)[-2]["phrases"] == 3
    german = ("--source", "SRCA", "--language", "GER")
    assert events("umls", "build", str(rrf), "--out", str(tmp_path / "e"), *german)[-2]["phrases"] == 1


def test_a_sound_source_is_not_called_malformed(tmp_path: Path) -> None:
    done = paxflow("umls", "build", str(small_umls(tmp_path / "rrf")), "--out", str(tmp_path / "d"))
    assert "7 concepts with 8 phrases, 5 edges" in done.stdout and "malformed" not in done.stdout


def test_finding_names_concepts_with_offsets(dictionary: str) -> None:
    found = events("umls", "find", "Large blorbic fluid. No ALL.", "--dictionary", dictionary)
    assert [(one["start"], one["end"], one["words"], one["concept"]) for one in found] == [
        ("6", "19", "blorbic fluid", "C9000001")
    ]


def test_a_text_comes_from_standard_input(dictionary: str) -> None:
    shown = paxflow("umls", "find", "-", "--dictionary", dictionary, given="zanthum collapse")
    assert "C9000003" in shown.stdout
    assert "names no concept" in paxflow("umls", "find", "-", "--dictionary", dictionary, given="flurb").stdout


def test_showing_counts_sources_and_codes(dictionary: str) -> None:
    assert [(one["source"], one["terms"]) for one in events("umls", "show", dictionary)[1:]] == [
        ("SRCA", "5"),
        ("SRCB", "5"),
    ]
    assert paxflow("umls", "show", dictionary, "--codes", "SRCB").stdout.splitlines()[:2] == [
        "cui,code,name",
        'C9000001,b-1,"Fluid, blorbic"',
    ]


def test_what_is_wrong_is_said_by_its_kind(rrf: Path, dictionary: str, tmp_path: Path) -> None:
    assert isinstance(paxflow("umls", "build", str(tmp_path), "--out", str(tmp_path / "d")).exception, InputError)
    again = paxflow("umls", "build", str(rrf), "--out", dictionary, "--source", "SRCA")
    assert isinstance(again.exception, UsageError)
    assert isinstance(paxflow("umls", "find", "a", "--dictionary", str(tmp_path)).exception, InputError)
    assert paxflow("umls", "build", "missing", "--out", str(tmp_path / "d")).exit_code == 2


def test_the_licence_is_said() -> None:
    assert "under your UMLS licence" in " ".join(paxflow("umls", "--help").stdout.split())


@pytest.mark.parametrize(
    "name", ["phrase.bytes", "phrase.ends", "last", "candidate", "id.bytes", "type", "begun", "whole"]
)
def test_a_dictionary_that_was_cut_is_not_used(name: str, dictionary: str, tmp_path: Path) -> None:
    folder = shutil.copytree(dictionary, tmp_path / "d")
    os.truncate(folder / "match" / name, 0)
    done = paxflow("umls", "find", "blorbic fluid", "--dictionary", str(folder))
    assert isinstance(done.exception, InputError)
    assert "build it again" in str(done.exception)


@pytest.mark.parametrize("manifest", [b"\xff", b"[]"])
def test_a_folder_with_another_manifest_is_no_dictionary(manifest: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(manifest)
    assert isinstance(paxflow("umls", "show", str(tmp_path)).exception, InputError)


@pytest.mark.parametrize(("stream", "said"), [(None, "closed"), (io.TextIOWrapper(io.BytesIO(b"\xff")), "UTF-8")])
def test_standard_input_that_is_no_text_is_said(
    stream: io.TextIOWrapper | None, said: str, dictionary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", stream)
    with pytest.raises(InputError, match=said):
        umls_find(typer.Context(typer.main.get_command(app)), "-", Path(dictionary))


def test_a_phrase_is_linked_and_says_how(dictionary: str) -> None:
    said = events(
        "umls", "link", "pleural effusions", "fluid, blorbic", "zanthum collapsed", "--dictionary", dictionary
    )
    assert [(one["concept"], one["method"]) for one in said] == [
        ("pleural_effusion", "own"),
        ("C9000001", "dictionary"),
        ("C9000003", "ngrams"),
    ]


def test_own_concepts_need_no_dictionary() -> None:
    (said,) = events("umls", "link", "pneumothorax")
    assert (said["concept"], said["CUI"]) == ("pneumothorax", "C0032326")
