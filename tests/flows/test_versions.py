"""Published versions: their order, what git's tags say, and what is fetched of them through DVC."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError, IntegrityError, UsageError
from curation.query import query_release
from curation.release.build import build
from curation.release.check import check
from curation.workspace import Workspace
from flows.publish import check_current, with_since
from flows.tools import environment
from flows.versions import (
    Version,
    before,
    fetch,
    opened,
    order_of,
    shelves_of,
    two_of_a_recipe,
    version_of,
    versions,
    whole,
)
from tests.cohort import cohort

pytestmark = pytest.mark.xdist_group("versions")  # one worker, so one repository
IN_ORDER = (
    "0.9.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.10",
)
"""Semantic versions 2.0.0, clause 11, and a number of two digits."""


def git(workspace: Workspace, *words: str) -> None:
    subprocess.run(words, cwd=workspace.root, env=environment(), check=True, capture_output=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A repository with two versions of one recipe, in which a patient is new, and a working release."""
    workspace = cohort(tmp_path_factory.mktemp("versions"), patients=8)
    for words in (("git", "init", "-q"), ("dvc", "init", "-q")):
        git(workspace, *words)
    (workspace.root / ".gitignore").write_text("/data\n/work\n/.paxflow\n")
    for number in ("1.0.0", "1.10.0"):
        build(workspace, "classification")
        git(workspace, "dvc", "add", "-q", "release/classification", "answers/classification")
        git(workspace, "git", "add", ".")
        git(workspace, "git", "commit", "-qm", number)
        git(workspace, "git", "tag", "-am", f"made of {number}", f"classification@v{number}")
        params = yaml.safe_load((workspace.root / "params.yaml").read_text())
        params["recipes"]["classification"]["not_mentioned"] = "zeros"
        (workspace.root / "params.yaml").write_text(yaml.safe_dump(params))
        workspace = Workspace(workspace.root)
    git(workspace, "git", "tag", "other@v1.0.0")
    git(workspace, "git", "tag", "paxray@vnext")
    return workspace


def test_versions_stand_in_the_order_of_semantic_versioning() -> None:
    assert sorted(IN_ORDER, key=order_of) == list(IN_ORDER)
    for wrong in ("1.0", "01.0.0", "1.0.0+build", "v1.0.0", ""):
        with pytest.raises(UsageError, match="semantic version"):
            order_of(wrong)


def test_a_tag_of_something_else_is_no_version() -> None:
    assert version_of("paxray@v1.2.0") == Version("paxray", "1.2.0")
    assert version_of("other@v1.2.0") is None
    assert version_of("paxray@vnext") is None


def test_the_version_before_is_the_newest_below(published: Workspace) -> None:
    assert [version.number for version in versions(published)] == ["1.0.0", "1.10.0"]
    assert before(published, "classification", "1.10.0") == "1.0.0"
    assert before(published, "classification", "2.0.0") == "1.10.0"
    assert before(published, "classification", "0.1.0") == before(published, "paxray", "9.0.0") == ""


def test_tables_and_documents_are_fetched_and_pictures_are_not(published: Workspace) -> None:
    found = fetch(published, Version("classification", "1.0.0"))
    assert found.settings["not_mentioned"] == "ignore"
    assert len(found.table("images")) > 8
    assert not list(found.folder.rglob("*.tar"))
    assert fetch(published, Version("classification", "1.0.0")).folder == found.folder
    with pytest.raises(InputError, match="git fetch --tags"):
        fetch(published, Version("classification", "3.0.0"))


def test_a_release_is_named_by_tag_recipe_or_folder(published: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(published.root)
    for name in ("classification@v1.0.0", "classification", "release/classification"):
        assert opened(published, name).recipe == "classification"
    with pytest.raises(UsageError, match="no recipe"):
        opened(published, "nothing")
    with pytest.raises(InputError, match="no release in paxray"):
        opened(published, "paxray")


def ask(workspace: Workspace, release: str, sql: str) -> list[tuple[Any, ...]]:
    return query_release(*shelves_of(workspace, release), sql)[1]


def test_every_version_can_be_asked_at_once(published: Workspace) -> None:
    tags = ["classification@v1.0.0", "classification@v1.10.0"]
    assert ask(published, tags[0], "select distinct version from versions order by 1") == [(tag,) for tag in tags]
    both = ask(
        published,
        "classification",
        'select (select count(*) from "classification@v1.0.0".images), count(*) from images',
    )
    assert both[0][0] == both[0][1]
    counted = ask(published, tags[1], "select count(distinct split) from prevalence where label = 'Edema'")
    assert counted[0][0]


def test_what_changed_is_told_by_row(published: Workspace) -> None:
    sql = "select distinct table_name, what, from_version, to_version from changes order by all"
    tags = ("classification@v1.0.0", "classification@v1.10.0")
    assert ask(published, tags[1], sql) == [("targets", "changed", *tags)]


def test_each_label_is_traced_to_an_event_or_a_sentence(published: Workspace) -> None:
    sql = """select source, count(*), count(reader_id), count(mention_id), count(sentence_start) from label_trail
             where state is not null group by 1"""
    found = {row[0]: row[1:] for row in ask(published, "classification", sql)}
    assert found["readers"][0] == found["readers"][1]
    assert found["consensus"][0] == found["consensus"][1] > 0
    assert found["report"][0] >= found["report"][2] == found["report"][3] > 0


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to 'x.csv'",
        "select * from read_csv('params.yaml')",
        "select * from read_parquet('data/reports/a.parquet')",
        "attach 'x.duckdb'",
        "select 1; select 2",
        "install httpfs",
        "set enable_external_access=true",
    ],
)
def test_a_query_of_a_release_reads_nothing_else(published: Workspace, sql: str) -> None:
    with pytest.raises(UsageError):
        ask(published, "classification", sql)


def test_a_folder_with_other_tables_than_a_release_is_said(published: Workspace, tmp_path: Path) -> None:
    (tmp_path / "provenance.json").write_text('{"recipe": "main"}')
    with pytest.raises(UsageError, match="no recipe 'main'"):
        shelves_of(published, str(tmp_path))
    (tmp_path / "provenance.json").write_text('{"recipe": "classification"}')
    (tmp_path / "versions.parquet").write_bytes(b"no table")
    with pytest.raises(InputError, match="not those of a release") as said:
        ask(published, str(tmp_path), "select 1")
    assert str(tmp_path) not in str(said.value)


# --- params.yaml -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["classification", "paxray", "concepts"])
def test_the_version_before_is_written_into_params_and_nothing_else_is(recipe: str) -> None:
    text = Path("flows/params.yaml").read_text()
    once = with_since(text, recipe, "1.0.0")
    twice = with_since(once, recipe, "1.1.0")
    assert with_since(twice, recipe, "") == text
    changed = yaml.safe_load(text)
    changed["recipes"][recipe]["since"] = "1.1.0"
    assert yaml.safe_load(twice) == changed
    assert [line for line in twice.splitlines() if "since:" not in line] == text.splitlines()


def test_a_recipe_that_params_does_not_have_is_said() -> None:
    with pytest.raises(UsageError, match="no section paxray"):
        with_since("recipes:\n  other:\n    version: 2\n", "paxray", "1.0.0")


@given(st.sampled_from(IN_ORDER), st.booleans())
def test_params_without_a_line_end_or_comments_keep_their_meaning(number: str, ended: bool) -> None:
    text = "recipes:\n  paxray:\n    title: a\n\n    # why\n    since: 0.1.0\n  concepts:\n    title: b" + "\n" * ended
    read = yaml.safe_load(with_since(text, "paxray", number))
    assert read == {"recipes": {"paxray": {"title": "a", "since": number}, "concepts": {"title": "b"}}}


def test_a_version_is_checked_with_its_pictures(published: Workspace) -> None:
    with whole(published, "classification@v1.0.0") as release:
        assert list(release.folder.rglob("*.tar"))
        check(release)
    assert not release.folder.exists()
    with whole(published, "classification") as release:
        assert release.folder == published.root / "release" / "classification"


# --- up to date ------------------------------------------------------------------------------------------


def test_a_stage_that_is_behind_its_parameters_stops_a_release(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    mine = {"cmd": "cp params.yaml mined", "params": ["mine"], "outs": ["mined"]}
    make = {"cmd": "cp mined made-${key}", "deps": ["mined"], "outs": ["made-${key}"]}
    stages = {"mine": mine, "release": {"foreach": {"paxray": {}}, "do": make}}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (tmp_path / "params.yaml").write_text("mine: 1\n")
    for words in (("git", "init", "-q"), ("dvc", "init", "-q"), ("dvc", "repro", "-q")):
        git(workspace, *words)
    check_current(workspace, "paxray")
    (tmp_path / "params.yaml").write_text("mine: 2\n")
    with pytest.raises(IntegrityError, match="a stage before it, is not up to date"):
        check_current(workspace, "paxray")


# --- outside a workspace ---------------------------------------------------------------------------------


def paxflow(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("paxflow", *words), cwd=cwd, env=environment(), capture_output=True, text=True, check=False)


@pytest.fixture
def pulled(published: Workspace, tmp_path: Path) -> Path:
    """What ``dvc get`` leaves in a modeler's folder: named as its recipe, no workspace around it."""
    with whole(published, "classification@v1.0.0") as release:
        shutil.copytree(release.folder, tmp_path / "classification")
    return tmp_path


def test_a_pulled_folder_is_opened_without_a_workspace(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pulled)
    assert opened(None, "classification").folder == Path("classification")
    with whole(None, "classification") as release:
        check(release)
    with pytest.raises(UsageError, match="is no folder"):
        opened(None, "classification@v1.0.0")


def test_a_modeler_checks_and_exports_what_was_pulled(pulled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAXFLOW_VAULT", raising=False)
    done = paxflow("release", "check", "classification", cwd=pulled)
    assert done.returncode == 0, done.stderr
    assert "keeps its promises" in done.stdout and "No identifier of a vault was looked for" in done.stdout
    done = paxflow("release", "export", "classification", "--layout", "mimic-cxr-jpg", "--out", "as-mimic", cwd=pulled)
    assert done.returncode == 0, done.stderr
    assert (pulled / "as-mimic" / "paxflow.txt").is_file()
    done = paxflow("release", "show", "classification@v1.0.0", cwd=pulled)
    assert done.returncode == 2 and "is no folder" in done.stderr


def test_releases_of_different_recipes_are_not_compared(published: Workspace) -> None:
    build(published, "concepts")
    with pytest.raises(UsageError, match="name two of one recipe"):
        two_of_a_recipe(published, "classification", "concepts")
    old, new = two_of_a_recipe(published, "classification@v1.0.0", "classification")
    assert old.recipe == new.recipe == "classification"
