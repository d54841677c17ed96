"""Releases built from a few rows, and copies of them in which something was planted."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st
from pycocotools.coco import COCO

from curation.errors import InputError, IntegrityError, UsageError
from curation.release import CHECKSUMS, build, check, split_of
from curation.settings import load_settings
from curation.store import file_sha256
from tests.rows import PNG, workspace_with_rows

SETTINGS = load_settings(Path("params.yaml").resolve()).recipes["paxray"]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = workspace_with_rows(tmp_path_factory.mktemp("release") / "workspace")
    build(workspace, "paxray")
    return workspace.root / "release" / "paxray"


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
        ("view1", "Edema", "report", None),
        ("view1", "Lung Lesion", "report", 1),
        ("view2", "Cardiomegaly", "measurement", 1),
        ("view2", "Lung Lesion", "consensus", 1),
    ]


def test_no_text_of_a_report_is_released(release: Path) -> None:
    assert not any(b"A nodule" in data for data in all_bytes(release).values())
    for path in release.glob("*.parquet"):
        assert "text" not in pq.read_schema(path).names
        assert b"A nodule" not in json.dumps(pq.read_table(path).to_pylist(), default=str).encode()


def test_the_card_counts_the_rows(release: Path) -> None:
    card = (release / "README.md").read_text()
    for path in release.glob("*.parquet"):
        assert f"| `{path.name}` | {pq.read_metadata(path).num_rows:,} |" in card


def test_without_images_there_is_no_release(tmp_path: Path) -> None:
    workspace = workspace_with_rows(tmp_path / "w")
    shutil.rmtree(workspace.tables("project"))
    with pytest.raises(InputError, match="no image"):
        build(workspace, "paxray")
    with pytest.raises(UsageError, match="no recipe"):
        build(workspace, "other")


def rewrite(folder: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Plant a change in one table and make the checksums true again."""
    path = folder / f"{table}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    lines = [line.split("  ", 1)[1] for line in (folder / CHECKSUMS).read_text().splitlines()]
    (folder / CHECKSUMS).write_text("".join(f"{file_sha256(folder / name)}  {name}\n" for name in lines))


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("splits", lambda t: pl.concat([t, t.head(1).with_columns(split=pl.lit("test"))]), "more than one split"),
        ("splits", lambda t: t.with_columns(split=pl.lit("dev")), "neither train"),
        ("images", lambda t: t.with_columns(split=pl.lit("nowhere")), "another split than its patient"),
        ("images", lambda t: t.with_columns(sha256=pl.lit("same")), "under two patients"),
        ("masks", lambda t: t.with_columns(view_id=pl.lit("gone")), "not in the release"),
        ("masks", lambda t: t.with_columns(box=pl.lit([5, 0, 9, 1])), "outside its image"),
        ("labels", lambda t: t.with_columns(state=pl.lit(7)), "state is not"),
    ],
)
def test_check_names_what_was_planted(
    release: Path, tmp_path: Path, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], said: str
) -> None:
    copy = Path(shutil.copytree(release, tmp_path / "paxray"))
    check(copy)
    rewrite(copy, table, change)
    with pytest.raises(IntegrityError, match=said):
        check(copy)


def test_a_changed_added_or_missing_file_is_named(release: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(release, tmp_path / "paxray"))
    (copy / "README.md").write_text("other")
    (copy / "extra").write_text("new")
    with pytest.raises(IntegrityError, match=r"README\.md: bytes differ(.|\n)*extra: listed or present"):
        check(copy)
    with pytest.raises(InputError, match="no release"):
        check(tmp_path)


@given(st.lists(st.text(), unique=True, max_size=50), st.text())
def test_a_patient_stays_in_its_split_whoever_else_arrives(others: list[str], patient: str) -> None:
    alone = split_of(patient, SETTINGS)
    assert {p: split_of(p, SETTINGS) for p in [*others, patient]}[patient] == alone


def test_the_shares_are_those_asked_for() -> None:
    splits = [split_of(f"patient{number}", SETTINGS) for number in range(20000)]
    for name, share in SETTINGS.split:
        assert abs(splits.count(name) / 20000 - share) < 0.01  # 5 standard deviations are 0.014 and 0.011
