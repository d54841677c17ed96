"""Releases built from a few rows, and copies of them in which something was planted."""

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from pycocotools.coco import COCO

from curation.errors import InputError, IntegrityError, UsageError
from curation.release.build import answers_of, build, folder_of
from curation.release.check import check
from curation.release.files import write_checksums
from curation.release.opened import Opened
from curation.store import write_parquet
from tests.releases import Change, copy_of, plant_rows
from tests.rows import PNG, workspace_with_rows

pytestmark = pytest.mark.xdist_group("release")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = workspace_with_rows(tmp_path_factory.mktemp("release") / "workspace")
    build(workspace, "paxray")
    return folder_of(workspace, "paxray")


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_rows_give_the_same_bytes_wherever_they_lie(release: Path, tmp_path: Path) -> None:
    workspace = workspace_with_rows(tmp_path / "other")
    masks = workspace.tables("project") / "masks"
    table = pq.read_table(masks / "a.parquet")
    pq.write_table(table.slice(0, 1), masks / "z.parquet")
    pq.write_table(table.slice(1), masks / "a.parquet")
    build(workspace, "paxray")
    build(workspace, "paxray")
    assert all_bytes(workspace.root / "release" / "paxray") == all_bytes(release)


def test_polars_and_datasets_read_it_and_images_lie_where_the_table_says(release: Path) -> None:
    images = pl.read_parquet(release / "images.parquet")
    for row in images.iter_rows(named=True):
        data = (release / row["shard"]).read_bytes()[row["offset"] : row["offset"] + row["length"]]
        assert data.startswith(PNG)
    loaded = load_dataset(
        "parquet", data_files=str(release / "images.parquet"), split="train", cache_dir=str(release.parents[2])
    )
    assert loaded["image_id"] == images["image_id"].to_list()


def test_pycocotools_reads_every_split_and_the_masks_have_their_area(release: Path) -> None:
    seen = 0
    for path in sorted((release / "coco").glob("*.json")):
        coco = COCO(str(path))
        for annotation in coco.loadAnns(coco.getAnnIds()):
            assert coco.annToMask(annotation).sum() == annotation["area"]
            seen += 1
    assert seen == 2


def test_each_label_names_where_it_came_from(release: Path) -> None:
    labels = pl.read_parquet(release / "labels.parquet").sort("image_id", "label", "source")
    assert [(row["image_id"], row["label"], row["source"], row["state"]) for row in labels.iter_rows(named=True)] == [
        ("view1", "Cardiomegaly", "measurement", 0),
        ("view1", "Lung Lesion", "report", 1),
        ("view2", "Cardiomegaly", "measurement", 1),
        ("view2", "Lung Lesion", "consensus", 1),
    ]


def test_no_text_of_a_report_is_released(release: Path) -> None:
    assert not any(b"A nodule" in data for data in all_bytes(release).values())
    for path in release.glob("*.parquet"):
        assert "text" not in pq.read_schema(path).names
        assert b"A nodule" not in json.dumps(pq.read_table(path).to_pylist(), default=str).encode()


def test_without_images_there_is_an_empty_release(tmp_path: Path) -> None:
    workspace = workspace_with_rows(tmp_path / "w")
    shutil.rmtree(workspace.tables("project"))
    assert build(workspace, "paxray")["images"] == 0
    assert [*answers_of(workspace, "paxray").iterdir()] == [answers_of(workspace, "paxray") / "CHECKSUMS.sha256"]
    with pytest.raises(UsageError, match="no recipe"):
        build(workspace, "other")


def planted(column: str, value: object) -> Change:
    return lambda rows: rows.with_columns(pl.lit(value).alias(column))


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("splits", planted("split", "dev"), "splits: a split is none of train, valid, test"),
        ("images", planted("split", "nowhere"), "images: a row is in another split than its patient_id"),
        ("images", planted("sha256", "same"), "a picture has other bytes than its row says"),
        ("images", planted("rows", 5), "a picture has another size than its row says"),
        ("images", planted("offset", 1 << 40), "a shard does not hold the pictures that its rows name"),
        ("images", planted("shard", "images/none.tar"), "a shard is missing"),
        ("images", planted("file_name", "same.png"), "two pictures of a shard have one file name"),
        ("masks", planted("view_id", "gone"), "not in the release"),
        ("masks", planted("box", [5, 0, 9, 1]), "outside its image"),
    ],
)
def test_check_names_what_was_planted(release: Path, tmp_path: Path, table: str, change: Change, said: str) -> None:
    copy = copy_of(Opened(release), tmp_path)
    with pytest.raises(IntegrityError, match=said):
        check(plant_rows(copy, table, change))


def written(release: Opened, table: str, change: Change) -> None:
    """Write a table anew, as Polars has it, and the checksums; nothing else."""
    write_parquet(change(release.table(table)).to_arrow(), release.folder / f"{table}.parquet")
    write_checksums(release.folder)


def test_a_picture_that_is_no_png_is_named(release: Path, tmp_path: Path) -> None:
    copy = copy_of(Opened(release), tmp_path)
    row = copy.table("images").row(0, named=True)
    with (copy.folder / row["shard"]).open("r+b") as file:
        file.seek(row["offset"])
        file.write(bytes(row["length"]))
    none = hashlib.sha256(bytes(row["length"])).hexdigest()
    other = pl.when(image_id=row["image_id"]).then(pl.lit(none)).otherwise("sha256").alias("sha256")
    with pytest.raises(IntegrityError, match="images: a picture is no PNG"):
        check(plant_rows(copy, "images", lambda rows: rows.with_columns(other)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop("grey"), "images: column grey is missing"),
        (lambda t: t.with_columns(Edema=1), "images: column Edema is not one of its record's"),
        (lambda t: t.select(sorted(t.columns)), "images: its columns stand in another order"),
        (lambda t: t.with_columns(pl.col("rows").cast(pl.Float64)), "images: column rows is Float64, not Int64"),
        (lambda t: t.with_columns(view=pl.lit(None, pl.String)), "images: column view has a null"),
        (lambda t: pl.concat([t, t]), r"images: a key \(image_id\) stands twice"),
        (lambda t: t.reverse(), "images: its rows are not in order of their key"),
        (lambda t: t.head(1), "images: it has 1 rows, and provenance.json says 2"),
        (lambda t: t.with_columns(view=pl.lit("AP")), "images: its rows are not those that provenance.json"),
    ],
)
def test_tables_that_are_not_as_their_record_says_are_named(
    release: Path, tmp_path: Path, change: Change, said: str
) -> None:
    copy = copy_of(Opened(release), tmp_path)
    written(copy, "images", change)
    with pytest.raises(IntegrityError, match=said):
        check(Opened(copy.folder))


def test_lists_and_closed_values_are_looked_into(release: Path, tmp_path: Path) -> None:
    copy = copy_of(Opened(release), tmp_path)
    written(copy, "masks", lambda t: t.with_columns(box=pl.lit([1, None, 1, 1], pl.List(pl.Int64))))
    written(copy, "phrases", planted("assertion", "perhaps"))
    with pytest.raises(
        IntegrityError, match=r"masks: column box has a null within a list(.|\n)*phrases: .* no Assertion"
    ):
        check(Opened(copy.folder))


def test_tables_twins_and_small_releases_that_are_gone_or_other_are_named(release: Path, tmp_path: Path) -> None:
    copy = copy_of(Opened(release), tmp_path)
    (copy.folder / "masks.csv.gz").unlink()
    shutil.copy(copy.folder / "images.csv.gz", copy.folder / "labels.csv.gz")
    write_checksums(copy.folder)
    with pytest.raises(
        IntegrityError, match=r"labels: labels.csv.gz does not hold(.|\n)*masks: it has no masks.csv.gz"
    ):
        check(Opened(copy.folder))
    shutil.copy(copy.folder / "images.parquet", copy.folder / "other.parquet")
    write_checksums(copy.folder)
    with pytest.raises(IntegrityError, match=r"other: there is a table or provenance\.json names it, but not both"):
        check(Opened(copy.folder))


def test_a_card_or_small_release_that_is_not_of_these_files_is_named(release: Path, tmp_path: Path) -> None:
    copy = copy_of(Opened(release), tmp_path)
    check(copy)
    (copy.folder / "README.md").write_text("# Other\n")
    (copy.folder / "croissant.json").write_text("{}")
    (copy.folder / "mini" / "masks.parquet").unlink()
    write_checksums(copy.folder)
    with pytest.raises(
        IntegrityError, match=r"README.md: it is not(.|\n)*croissant.json(.|\n)*mini: masks.parquet: listed"
    ):
        check(copy)
    write_checksums(copy.folder / "mini")
    write_checksums(copy.folder)
    with pytest.raises(IntegrityError, match="mini: it is not what the release gives"):
        check(copy)
    shutil.rmtree(copy.folder / "mini")
    write_checksums(copy.folder)
    with pytest.raises(IntegrityError, match=r"mini: CHECKSUMS\.sha256 is missing"):
        check(copy)


def test_a_changed_added_or_missing_file_is_named(release: Path, tmp_path: Path) -> None:
    copy = copy_of(Opened(release), tmp_path)
    (copy.folder / "README.md").write_text("other")
    (copy.folder / "extra").write_text("new")
    with pytest.raises(IntegrityError, match=r"README\.md: bytes differ(.|\n)*extra: listed or present"):
        check(copy)
    with pytest.raises(InputError, match="no release"):
        Opened(tmp_path)
