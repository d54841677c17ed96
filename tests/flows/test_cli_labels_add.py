"""``paxflow labels add`` as people and machines meet it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from curation.errors import UsageError
from curation.records import Opinion
from curation.store import read_rows
from curation.workspace import Workspace
from flows.cli_labels import labels_app
from tests.labeling.routing_rows import link, report, series, workspace_of


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made = workspace_of(
        tmp_path,
        [report("r1", "p1"), report("r2", "p1"), series("s1", "t1", "p1"), link("r1", "t1"), link("r2", "t1")],
    )
    monkeypatch.chdir(made.root)
    return made


def add(*words: str) -> Result:
    return CliRunner().invoke(labels_app, ["add", *words])


def test_a_models_file_with_thresholds_of_its_own(workspace: Workspace) -> None:
    Path("model.csv").write_text("study,Edema,Hernia\nr1,0.4,0.1\nt1,0.9,0.1\nr9,0.9,0.1\n", encoding="utf-8")
    done = add("model.csv,id=study,skip=Hernia,Edema=0.3-0.5", "--source", "densenet", "--kind", "report")
    assert done.exit_code == 0, done.exception
    assert read_rows(Opinion, workspace.tables("labels")) == [Opinion("densenet", "r1", "Edema", -1, 0.4)]
    shown = " ".join(done.stdout.split())
    assert "densenet has an opinion about 1 of our reports or images: 1 labels were written" in shown
    assert "1 ids are unknown here" in shown
    assert "1 ids could mean several" in shown


def test_nothing_is_left_out_in_silence_nor_spoken_of_without_need(workspace: Workspace) -> None:
    Path("labels.jsonl").write_text('{"id": "r1", "labels": {"Edema": 1}}\n', encoding="utf-8")
    done = add("labels.jsonl", "--source", "rules")
    assert "left out" not in done.stdout
    assert len(read_rows(Opinion, workspace.tables("labels"))) == 1


def test_a_kind_that_there_is_none_of(workspace: Workspace) -> None:
    assert workspace.root.is_dir()
    with pytest.raises(UsageError, match="one of auto, report, image"):
        CliRunner().invoke(labels_app, ["add", "x.csv", "--source", "rules", "--kind", "text"], catch_exceptions=False)
