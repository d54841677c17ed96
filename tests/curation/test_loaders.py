"""The loaders that lie in every release, each with the library it is for."""

import json
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
import nibabel
import numpy as np
import polars as pl
import pytest
import torch
from datasets import load_dataset
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from pycocotools import mask as coco_mask
from torch.utils.data import DataLoader

from curation.records import LabelMapRow, Record, ReleaseLabel, ReleaseTarget
from curation.release import loaders
from curation.release.files import write_tables
from tests.releases import GROUP, Built
from tests.vision import torchxrayvision

LEFT_OPEN = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
"""WebDataset leaves shards to the garbage collector."""
pytestmark = GROUP
SPLITS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def paxray(built: Built) -> Path:
    return built("paxray").folder


@pytest.fixture(scope="module")
def classification(built: Built) -> Path:
    return built("classification").folder


def first(root: Path) -> dict[str, Any]:
    return loaders.images(root, "train").row(0, named=True)


# --- tables and pictures


def test_a_table_is_what_lies_in_the_folder(paxray: Path) -> None:
    assert loaders.table("images", paxray).equals(pl.read_parquet(paxray / "images.parquet"))
    assert sum(len(loaders.images(paxray, split)) for split in SPLITS) == len(loaders.table("images", paxray))


def test_duckdb_reads_a_table_by_its_file_name(paxray: Path) -> None:
    counted = (
        duckdb.connect().execute(f"select count(*) from '{paxray}/images.parquet' where split = 'train'").fetchall()
    )
    assert counted == [(len(loaders.images(paxray, "train")),)]


def test_datasets_reads_a_table(paxray: Path, tmp_path: Path) -> None:
    loaded = load_dataset(
        "parquet", data_files={"train": str(paxray / "images.parquet")}, split="train", cache_dir=str(tmp_path)
    )
    assert loaded["image_id"] == loaders.table("images", paxray)["image_id"].to_list()


def test_a_picture_has_the_size_of_its_row_and_raw_ones_have_16_bits(paxray: Path) -> None:
    row = first(paxray)
    assert loaders.image(row, paxray).size == (row["columns"], row["rows"])
    raw = loaders.table("pictures", paxray).filter(pl.col("kind") == "raw").row(0, named=True)
    assert np.asarray(loaders.image(raw, paxray)).dtype == np.uint16


# --- labels


def test_targets_are_the_table_and_everything_else_is_nan(classification: Path) -> None:
    rows = loaders.table("targets", classification).filter(pl.col("label_set") == "chexpert")
    known = {(row["image_id"], row["label"]): row["target"] for row in rows.iter_rows(named=True)}
    for split in SPLITS:
        ids, labels, values = loaders.targets(classification, split)
        assert ids == loaders.images(classification, split)["image_id"].to_list()
        expected = [[known.get((name, label)) for label in labels] for name in ids]
        assert np.array_equal(values, np.array(expected, float), equal_nan=True)
        assert set(np.unique(values[~np.isnan(values)])) <= {0, 1}


def test_labels_stand_in_the_order_of_their_paper(classification: Path) -> None:
    published = loaders.table("label_map", classification).filter(pl.col("label_set") == "chexpert").sort("position")
    _, labels, _ = loaders.targets(classification, "train")
    assert labels == published["label"].to_list()
    chosen = ["Pneumothorax", "Edema", "no such label"]
    _, labels, values = loaders.targets(classification, "train", labels=chosen)
    assert labels == chosen
    assert np.isnan(values[:, 2]).all()


def write(root: Path, *tables: list[Any]) -> None:
    names = {ReleaseLabel: "labels", ReleaseTarget: "targets", LabelMapRow: "label_map"}
    rows: dict[str, tuple[type[Record], list[Record]]] = {names[type(t[0])]: (type(t[0]), t) for t in tables}
    write_tables(root, rows)


def test_without_targets_the_best_source_counts_and_uncertain_is_left_out(paxray: Path, tmp_path: Path) -> None:
    name = first(paxray)["image_id"]
    (tmp_path / "images.parquet").write_bytes((paxray / "images.parquet").read_bytes())
    write(
        tmp_path,
        [
            ReleaseLabel(name, "Edema", "report", "r1", 1),
            ReleaseLabel(name, "Edema", "readers", "d1", 0),
            ReleaseLabel(name, "Fracture", "other-labeler", "r1", 1),
            ReleaseLabel(name, "Fracture", "report", "r1", None),
            ReleaseLabel(name, "Pneumonia", "report", "r1", -1),
            ReleaseLabel(name, "Mass", "report", "r1", 1, "nih"),
        ],
    )
    ids, labels, values = loaders.targets(tmp_path, "train")
    assert labels == ["Edema", "Fracture", "Pneumonia"]
    assert np.array_equal(values[ids.index(name)], [0, 1, np.nan], equal_nan=True)
    assert loaders.targets(tmp_path, "train", "nih")[1] == ["Mass"]


def test_a_release_without_labels_has_images_and_no_targets(paxray: Path, tmp_path: Path) -> None:
    (tmp_path / "images.parquet").write_bytes((paxray / "images.parquet").read_bytes())
    ids, labels, values = loaders.targets(tmp_path, "train")
    assert values.shape == (len(ids), 0)
    assert labels == []


# --- masks


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)), st.booleans())
def test_runs_give_the_mask_that_pycocotools_packed(mask: Any, inverted: bool) -> None:
    mask = ~mask if inverted else mask
    packed = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(loaders._decoded(packed, mask.shape), mask)


def test_masks_and_stack_say_the_same_and_pycocotools_agrees(paxray: Path) -> None:
    row = first(paxray)
    found = loaders.masks(row["image_id"], paxray)
    stack, labels = loaders.bitstack(row["image_id"], paxray)
    assert stack.shape == (len(labels), row["rows"], row["columns"])
    assert stack.dtype == np.bool_
    for label, channel in zip(labels, stack, strict=True):
        assert np.array_equal(channel, found.get(label, np.zeros_like(channel)))
    opened = loaders.coco(paxray, "train")
    number = next(key for key, image in opened.imgs.items() if image["file_name"] == row["file_name"])
    names = {category["id"]: category["name"] for category in opened.dataset["categories"]}
    annotations = opened.loadAnns(opened.getAnnIds(number))
    assert {names[one["category_id"]] for one in annotations} == found.keys()
    for one in annotations:
        assert np.array_equal(opened.annToMask(one), found[names[one["category_id"]]])


def test_channels_are_the_same_for_every_image_in_order_of_category(paxray: Path) -> None:
    rows = loaders.table("masks", paxray).sort("category_id", "label").unique("category_id", maintain_order=True)
    for row in loaders.images(paxray, "train").head(3).iter_rows(named=True):
        assert loaders.bitstack(row["image_id"], paxray)[1] == rows["label"].to_list()


def test_nibabel_reads_back_masks_spacing_and_labels(paxray: Path, tmp_path: Path) -> None:
    row = first(paxray)
    stack, labels = loaders.bitstack(row["image_id"], paxray)
    nibabel.save(loaders.nifti(row["image_id"], paxray), tmp_path / "masks.nii.gz")
    read: Any = nibabel.load(tmp_path / "masks.nii.gz")
    assert np.array_equal(np.asarray(read.dataobj)[:, :, 0].T, stack)
    assert read.header.get_zooms()[:2] == (row["pixel_spacing_mm"],) * 2
    assert read.header.get_xyzt_units()[0] == "mm"
    assert json.loads(read.header.extensions[0].get_content()) == labels


def test_nifti_of_a_film_of_unknown_spacing_is_in_pixels(paxray: Path, tmp_path: Path) -> None:
    table = loaders.table("images", paxray).with_columns(pixel_spacing_mm=pl.lit(None, pl.Float64))
    table.write_parquet(tmp_path / "images.parquet")
    for name in ("masks.parquet", "label_dict.json"):
        (tmp_path / name).write_bytes((paxray / name).read_bytes())
    made = loaders.nifti(first(paxray)["image_id"], tmp_path)
    assert made.header.get_zooms()[0] == 1
    assert made.header.get_xyzt_units()[0] == "unknown"


# --- datasets


def halved(picture: Image.Image) -> torch.Tensor:
    size = (picture.width // 2, picture.height // 2)
    return torch.from_numpy(np.asarray(picture.resize(size), np.float32)[None] / 255)


@pytest.mark.parametrize("workers", [0, 2])
def test_torch_gives_every_image_once_with_its_targets(classification: Path, workers: int) -> None:
    dataset = loaders.TorchDataset(classification, "train")
    batches = list(DataLoader(pickle.loads(pickle.dumps(dataset)), batch_size=16, num_workers=workers))  # noqa: S301 - made here
    images, values = (torch.cat([batch[part] for batch in batches]) for part in (0, 1))
    assert images.dtype == values.dtype == torch.float32
    assert images.shape == (len(dataset), 1, 32, 32)
    assert 0 <= float(images.min()) < float(images.max()) <= 1
    assert np.array_equal(values.numpy(), dataset.targets, equal_nan=True)
    assert values.isnan().any()


def test_torch_transforms_the_pillow_image_and_16_bits_are_scaled_by_their_own_range(paxray: Path) -> None:
    dataset = loaders.TorchDataset(paxray, "train", labels=("Cardiomegaly",), transform=halved)
    image, target = dataset[0]
    assert image.shape == (1, 16, 16)
    assert target.shape == (1,)
    raw = loaders.table("pictures", paxray).filter(pl.col("kind") == "raw").row(0, named=True)
    dataset = loaders.TorchDataset(paxray, "train")
    dataset.places[0] = (raw["shard"], raw["offset"], raw["length"])
    assert 0 < float(dataset[0][0].max()) <= 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_monai_loads_pictures_and_masks_the_same_way_round(paxray: Path, tmp_path: Path) -> None:
    data, transforms = import_module("monai.data"), import_module("monai.transforms")
    items = loaders.monai_items(paxray, "train", tmp_path, with_masks=("heart", "no such mask"))
    assert [item["image_id"] for item in items] == loaders.images(paxray, "train")["image_id"].to_list()
    keys = ("image", "heart", "no such mask")
    steps = transforms.Compose([transforms.LoadImaged(keys), transforms.EnsureChannelFirstd(keys)])
    dataset = data.CacheDataset(items[:3], steps, progress=False)
    row, loaded = first(paxray), dataset[0]
    assert np.array_equal(loaded["image"][0].numpy().T, np.asarray(loaders.image(row, paxray)))
    assert np.array_equal(loaded["heart"][0].numpy().T > 0, loaders.masks(row["image_id"], paxray)["heart"])
    assert not loaded["no such mask"].any()
    assert np.array_equal(loaded["label"], loaders.targets(paxray, "train")[2][0], equal_nan=True)


def test_unpacking_again_leaves_what_is_there_and_leaves_nothing_torn(paxray: Path, tmp_path: Path) -> None:
    before = loaders.monai_items(paxray, "test", tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    Path(before[0]["image"]).unlink()
    assert str(loaders.monai_items(paxray, "test", tmp_path)) == str(before)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {path for path in after if times[path] != after[path]} == {Path(before[0]["image"])}
    assert all(path.suffix == ".png" for path in after)


@pytest.mark.filterwarnings("ignore")
def test_torchxrayvision_takes_it_for_one_of_its_own(classification: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = torchxrayvision()
    train, valid = (loaders.xrayvision(classification, split) for split in ("train", "test"))
    assert isinstance(train, library.datasets.Dataset)
    assert len(train.labels) == len(train.csv) == len(train)
    assert set(np.unique(train.labels[~np.isnan(train.labels)])) == {0, 1}
    assert train.totals().keys() == set(train.pathologies)
    assert str(train).startswith("Release num_samples=")
    sample = train[1]
    assert sample["idx"] == 1
    assert sample["img"].shape == (1, 32, 32)
    assert -1024 <= sample["img"].min() < -500 < sample["img"].max() <= 1024
    assert np.array_equal(sample["lab"], train.labels[1], equal_nan=True)
    for dataset in (train, valid):
        library.datasets.relabel_dataset(library.datasets.default_pathologies, dataset, silent=True)
    merged = library.datasets.MergeDataset([train, valid])
    assert len(merged) == len(train) + len(valid) == len(merged.csv)
    assert np.array_equal(merged[len(train)]["img"], valid[0]["img"])
    sick = library.datasets.FilterDataset(merged, labels=["Edema"])
    assert (sick.labels[:, sick.pathologies.index("Edema")] == 1).all()
    women = library.datasets.SubsetDataset(train, np.flatnonzero(train.csv.sex == "F"))
    assert len(women) == (train.csv.sex == "F").sum() > 0


@pytest.mark.filterwarnings("ignore")
def test_torchxrayvision_gets_masks_and_survives_pickling(paxray: Path) -> None:
    crop = torchxrayvision().datasets.XRayCenterCrop()
    dataset = loaders.xrayvision(paxray, "train", transform=crop, semantic_masks=("heart", "no such mask"))
    dataset.labels[0, 0] = 1
    again = pickle.loads(pickle.dumps(dataset))  # noqa: S301 - made here
    assert again.labels[0, 0] == 1
    batch = next(iter(DataLoader(again, batch_size=2, num_workers=1)))
    heart = loaders.masks(first(paxray)["image_id"], paxray)["heart"]
    assert np.array_equal(batch["semantic_masks"]["heart"][0, 0], heart)
    assert not batch["semantic_masks"]["no such mask"].any()
    assert np.array_equal(again[0]["semantic_masks"]["heart"][0], heart)


@LEFT_OPEN
def test_webdataset_streams_every_image_once_with_its_targets(classification: Path) -> None:
    ids, _, values = loaders.targets(classification, "train")
    seen = list(loaders.webdataset(classification, "train"))
    assert sorted(sample["image_id"] for sample in seen) == ids
    for sample in seen:
        number = ids.index(sample["image_id"])
        assert np.array_equal(sample["target"], values[number], equal_nan=True)
        assert sample["png"].size == (32, 32)
    row = first(classification)
    picture = next(sample["png"] for sample in seen if sample["image_id"] == row["image_id"])
    assert np.array_equal(np.asarray(picture), np.asarray(loaders.image(row, classification)))


@LEFT_OPEN
def test_webdataset_shares_shards_among_workers(classification: Path) -> None:
    stream = loaders.webdataset(classification, "train", empty_check=False)
    loaded = list(DataLoader(stream, batch_size=None, num_workers=2))
    assert len(loaded) == len(loaders.images(classification, "train"))


# --- the copy in the release


ALONE = """
import sys
import loaders
import numpy as np
ids, labels, values = loaders.targets(".", "train")
item = loaders.TorchDataset(".", "train")[0]
items = loaders.monai_items(".", "train", sys.argv[1], with_masks=("heart",))
stack, names = loaders.bitstack(ids[0])
print(len(ids), item[0].shape[1], stack.shape[0], len(items), len(list(loaders.webdataset(".", "train"))))
loaders.nifti(ids[0]), loaders.coco(".", "train")
wrong = {"curation", "paxflow", "flows"} & {name.partition(".")[0] for name in sys.modules}
assert not wrong, wrong
"""


def test_the_copy_in_a_release_works_alone(paxray: Path, tmp_path: Path) -> None:
    start = f"import sys; sys.path.insert(0, {str(paxray)!r})"
    done = subprocess.run(
        [sys.executable, "-I", "-c", start + ALONE, str(tmp_path)],
        cwd=paxray, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    n_images = len(loaders.images(paxray, "train"))
    assert done.stdout.split()[:5] == [str(n) for n in (n_images, 32, 10, n_images, n_images)]
