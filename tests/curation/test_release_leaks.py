"""What a release must not give away, and what must not be slipped into one: answers, files, pictures, neighbours."""

import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

from curation.errors import IntegrityError
from curation.recipes.paxray_checks import RAW
from curation.records import Report
from curation.release.build import answers_of, build, folder_of
from curation.release.check import check
from curation.release.files import write_checksums, write_csv, write_json
from curation.release.opened import PROVENANCE, Opened
from curation.release.splits import split_of_each
from curation.store import ShardWriter
from curation.workspace import Workspace
from labeling import mine
from tests.cohort import cohort, run
from tests.releases import GROUP, Built, copy_of, plant_rows
from tests.tables import copied, put_rows, rows_of

pytestmark = GROUP
LABEL = "Pneumothorax"


def with_settings(workspace: Workspace, recipe: str, **changed: object) -> Workspace:
    """The workspace with other settings of a recipe."""
    path = workspace.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["recipes"][recipe] |= {"split": {"train": 0.5, "valid": 0.2, "test": 0.3}} | changed
    path.write_text(yaml.safe_dump(params))
    return Workspace(workspace.root)


def built_of(workspace: Workspace, recipe: str) -> Opened:
    return Opened(folder_of(workspace, recipe), answers_of(workspace, recipe))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return cohort(tmp_path_factory.mktemp("leaks"), 24, seed=3)


def broken(release: Opened) -> str:
    with pytest.raises(IntegrityError) as raised:
        check(release)
    return str(raised.value)


# --- what a hidden test must not tell --------------------------------------------------------------------


def test_a_stratum_tells_no_label_of_a_hidden_test(tables: Workspace, tmp_path: Path) -> None:
    workspace = copied(tables, tmp_path / "balanced")
    workspace = with_settings(workspace, "classification", hidden_test=True, stratify=["sex", f"label:{LABEL}"])
    build(workspace, "classification")
    release = built_of(workspace, "classification")
    says = release.table("splits").group_by("split").agg(pl.col("strata").str.contains(f"{LABEL}=").all())
    assert dict(says.iter_rows()) == {"train": True, "valid": True, "test": False}
    assert release.table("splits")["strata"].str.contains("sex=").all()
    told = plant_rows(release, "splits", lambda t: t.with_columns(strata=pl.lit(f"{LABEL}=present")))
    assert "splits: a stratum tells a label of the hidden split" in broken(told)


def test_a_hidden_test_has_no_picture_and_no_gap_that_shows_its_masks(built: Built, tmp_path: Path) -> None:
    release = built("paxray", hidden=True)
    kinds = release.table("pictures").group_by("split").agg(pl.col("kind").unique().sort())
    assert dict(kinds.iter_rows()) == {
        "train": ["bone_suppressed", RAW],
        "valid": ["bone_suppressed", RAW],
        "test": [RAW],
    }
    assert not [*release.folder.rglob("bone_suppressed/test-*")]
    hidden = release.table("images").filter(split="test")["series_id"]
    assert not release.table("label_gaps")["series_id"].is_in(hidden.implode()).any()
    assert len(release.whole("label_gaps")) > len(release.table("label_gaps"))
    shown = plant_rows(copy_of(release, tmp_path), "pictures", lambda t: t.with_columns(kind=pl.lit("lung_only")))
    assert "pictures: a picture of the hidden split shows what its masks would" in broken(shown)


def test_nothing_says_which_hidden_reports_say_the_same(tables: Workspace, tmp_path: Path) -> None:
    workspace = with_settings(copied(tables, tmp_path / "same"), "report-pairs", hidden_test=True)
    split_of = split_of_each(workspace, "report-pairs")
    rows = rows_of(workspace, Report)
    of = {name: [row.report_id for row in rows if split_of(row.patient_id) == name] for name in ("train", "test")}
    same = {*of["test"][:3], of["train"][0]}
    put_rows(workspace, [replace(row, text=rows[0].text) if row.report_id in same else row for row in rows])
    run(mine.STAGE, workspace)
    build(workspace, "report-pairs")
    release = built_of(workspace, "report-pairs")
    hidden = release.table("pairs").filter(split="test")
    assert hidden["duplicate_group"].equals(hidden["report_id"], check_names=False)
    assert release.whole("texts").filter(split="test")["duplicate_group"].n_unique() < len(hidden)
    left_out = release.table("left_out").filter(item_id=of["train"][0])
    assert left_out.select("reason", "twin_id").rows() == [("near_duplicate_report", "")]
    told = plant_rows(release, "left_out", lambda t: t.with_columns(twin_id=pl.lit(of["test"][1])))
    assert "left_out: a twin_id is of the hidden split" in broken(told)


@pytest.mark.parametrize("recipe", ["classification", "paxray"])
def test_changes_against_a_version_with_open_answers_do_not_tell_them(
    tables: Workspace, tmp_path: Path, recipe: str
) -> None:
    workspace = with_settings(copied(tables, tmp_path / "open"), recipe, hidden_test=False)
    build(workspace, recipe)
    shutil.copytree(folder_of(workspace, recipe), tmp_path / "before")
    before = Opened(tmp_path / "before")
    workspace = with_settings(workspace, recipe, hidden_test=True)
    build(workspace, recipe, before)
    release = built_of(workspace, recipe)
    hidden = release.table("images").filter(split="test")["image_id"]
    changes = pl.read_csv(release.folder / "changes.csv.gz", infer_schema=False)
    named = changes.filter(pl.col("key").str.split("|").list.first().is_in(hidden.implode()))
    assert {*named["table"]} <= {"pictures"}
    assert release.document("statistics.json")["before"] is None
    labels = before.table("labels").filter(pl.col("image_id").is_in(hidden.implode())).head(1)
    row = changes.head(0).vstack(
        labels.select(
            table=pl.lit("labels"), key="image_id", what=pl.lit("removed"), columns=pl.lit(""), reason=pl.lit("")
        )
    )
    write_csv(row.to_arrow(), release.folder / "changes.csv.gz")
    write_checksums(release.folder)
    assert "changes.csv.gz: a key is that of an answer of the hidden split" in broken(release)


def test_answers_beside_a_release_that_claims_to_hide_nothing_are_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("classification", hidden=True), tmp_path)
    made = copy.document(PROVENANCE)
    made["parameters"]["recipe"]["hidden_test"] = False
    write_json(copy.folder / PROVENANCE, made, indent=1)
    write_checksums(copy.folder)
    assert "answers: they are not the tables of answers of a hidden test" in broken(copy)


def test_a_table_of_answers_that_is_lost_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("classification", hidden=True), tmp_path)
    assert copy.answers is not None
    for ending in ("parquet", "csv.gz"):
        (copy.answers / f"targets.{ending}").unlink()
    write_checksums(copy.answers)
    assert "answers: they are not the tables of answers of a hidden test" in broken(copy)


def test_an_identifier_among_the_answers_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("report-pairs", hidden=True), tmp_path)
    assert copy.answers is not None
    plant_apart(copy.answers, "texts", lambda t: t.with_columns(findings=pl.lit("Discussed with Dr. Quillfeather.")))
    assert "answers: texts: a text in findings holds what looks like a name after a title" in broken(copy)


def plant_apart(answers: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    path = answers / f"{table}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    write_checksums(answers)


@pytest.mark.parametrize("stopped", ["answers", "release", "release.tmp"])
def test_a_build_that_is_cut_short_leaves_no_release_with_other_answers(
    tables: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    workspace = with_settings(copied(tables, tmp_path / "cut"), "concepts", hidden_test=True)
    build(workspace, "concepts")
    folder, _, ending = stopped.partition(".")
    at = workspace.root / folder / f"concepts{ending and '.'}{ending}"
    replaced = Path.replace

    def stops(path: Path, target: Path) -> Path:
        if path == at:
            raise OSError(28, "No space left on device")
        return replaced(path, target)

    monkeypatch.setattr(Path, "replace", stops)
    with pytest.raises(OSError, match="No space"):
        build(with_settings(workspace, "concepts", split_salt="other"), "concepts")
    places = folder_of(workspace, "concepts"), answers_of(workspace, "concepts")
    if all(place.is_dir() for place in places):
        check(built_of(workspace, "concepts"))
    assert all(place.is_dir() for place in places) == (stopped == "answers")
    monkeypatch.undo()
    build(workspace, "concepts")
    check(built_of(workspace, "concepts"))


# --- what must not be slipped in -------------------------------------------------------------------------


def test_files_that_no_release_has_are_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray", hidden=True), tmp_path)
    (copy.folder / "answers.npz").write_bytes(b"masks of the hidden test")
    (copy.folder / "linked.txt").symlink_to(copy.folder / "README.md")
    shutil.copyfile(next(copy.folder.glob("images/*.tar")), copy.folder / "images" / "test-00009-of-00010.tar")
    write_checksums(copy.folder)
    told = broken(copy)
    assert "answers.npz: it is missing, or no file of a release" in told
    assert "linked.txt: it is missing, or no file of a release" in told


def test_a_table_that_the_recipe_does_not_make_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("classification", hidden=True), tmp_path)
    shutil.copyfile(copy.folder / "labels.parquet", copy.folder / "labels_test.parquet")
    shutil.copyfile(copy.folder / "labels.csv.gz", copy.folder / "labels_test.csv.gz")
    made = copy.document(PROVENANCE)
    made["tables"]["labels_test"] = made["tables"]["labels"]
    write_json(copy.folder / PROVENANCE, made, indent=1)
    write_checksums(copy.folder)
    assert "labels_test: a table of the recipe is missing, or this one is none" in broken(copy)


def test_a_document_with_other_rows_than_the_tables_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray", hidden=True), tmp_path)
    path = copy.folder / "coco" / "instances_test.json"
    document = json.loads(path.read_text())
    assert document["annotations"] == []
    write_json(path, document | {"annotations": [{"id": 1, "image_id": 1, "category_id": 1}]})
    write_checksums(copy.folder)
    assert "coco/instances_test.json: it is not what the tables give" in broken(copy)


def test_a_row_that_leads_out_of_the_folder_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray", hidden=True), tmp_path)
    shutil.copytree(copy.folder / "images", tmp_path / "release" / "images")
    out = plant_rows(copy, "images", lambda t: t.with_columns(shard="../" + pl.col("shard")))
    assert "images: a shard is missing" in broken(out)


def test_a_shard_of_another_split_or_with_a_picture_more_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray", hidden=True), tmp_path)
    path = next(copy.folder.glob("images/train-*.tar"))
    with tarfile.open(path) as archive:
        members = [(member.name, archive.extractfile(member)) for member in archive]
        writer = ShardWriter(tmp_path / "more.tar", "more.tar")
        for name, file in members:
            assert file is not None
            writer.add(name, file.read())
    writer.add("test-answer.png", b"a mask")
    writer.close()
    shutil.copyfile(tmp_path / "more.tar", path)
    write_checksums(copy.folder)
    assert "images: a shard does not hold the pictures that its rows name" in broken(copy)
    path.write_bytes(b"no archive")
    write_checksums(copy.folder)
    assert "images: a shard does not hold the pictures that its rows name" in broken(copy)
    moved = plant_rows(copy, "images", lambda t: t.with_columns(shard=pl.lit(f"images/{path.name}")))
    assert "images: a picture lies in a shard of another split" in broken(moved)


def test_a_picture_under_the_name_of_another_image_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray", hidden=True), tmp_path)
    out = plant_rows(copy, "images", lambda t: t.with_columns(file_name="../" + pl.col("file_name")))
    assert "images: a file name is not that of its image" in broken(out)
