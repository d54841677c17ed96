"""Releases in the layouts of published datasets, read by the loaders that are public, or by ones of the same shape."""

import csv
import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from skimage.io import imread

from curation.errors import UsageError
from curation.layouts import LAYOUTS, benchx, layout_named, mimic_cxr_jpg, vindr_cxr
from curation.release import loaders
from curation.release.opened import Opened
from curation.release.recipe import recipe_named
from labeling import mine
from tests.cohort import PIXELS, cohort, run
from tests.releases import released
from tests.vision import torchxrayvision

pytestmark = pytest.mark.xdist_group("layouts")  # one worker, so one cohort
SIZE_OF = {"paxray": benchx.SIZE_PX, "classification": 64}
"""Of BenchX's pictures, here: one recipe's are small, for the time that noise takes to be packed."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    root = tmp_path_factory.mktemp("releases")
    workspace = cohort(root / "workspace", 20)
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("[chexpert, nih, vindr]", "[chexpert, nih, vindr, padchest]"))
    workspace = type(workspace)(workspace.root)
    run(mine.STAGE, workspace)
    names = ("classification", "reader-boxes", "report-pairs", "paxray")
    return {name: released(workspace, recipe_named(name), root / name) for name in names}


@pytest.fixture(scope="module")
def written(releases: dict[str, Opened], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("layouts")
    for name, layout in LAYOUTS.items():
        for recipe in layout.recipes:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(benchx, "SIZE_PX", SIZE_OF.get(recipe))
                layout.write(releases[recipe], root / f"{name}-{recipe}")
    return {folder.name: folder for folder in root.iterdir()}


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return list(csv.DictReader(io.StringIO(text)))


# --- every layout


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_same_release_gives_the_same_files(
    name: str, releases: dict[str, Opened], written: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchx, "SIZE_PX", SIZE_OF.get(layout_named(name).recipes[0]))
    layout = layout_named(name)
    (tmp_path / "out").mkdir()
    count = layout.write(releases[layout.recipes[0]], tmp_path / "out")
    assert files(tmp_path / "out") == files(written[f"{name}-{layout.recipes[0]}"])
    assert count == len(files(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_is_written_into_the_release_itself(releases: dict[str, Opened]) -> None:
    release = releases["report-pairs"]
    with pytest.raises(UsageError, match="lies in the release itself"):
        layout_named("rexrank").write(release, release.folder / "images" / "out")
    assert not (release.folder / "images" / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(releases: dict[str, Opened], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    for out in (tmp_path / "out", tmp_path / "out" / "mine"):
        with pytest.raises(UsageError, match="is not empty"):
            layout_named("paxray").write(releases["paxray"], out)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "mine"]


def test_another_recipe_is_refused_with_the_ones_that_would_do(releases: dict[str, Opened], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="benchx is written from classification or paxray, not reader-boxes"):
        layout_named("benchx").write(releases["reader-boxes"], tmp_path / "out")
    with pytest.raises(UsageError, match="there is no layout 'coco': there are mimic-cxr-jpg"):
        layout_named("coco")


def test_a_run_that_breaks_off_leaves_no_folder(releases: dict[str, Opened], tmp_path: Path) -> None:
    broken = Opened(releases["paxray"].folder)
    broken._frames["images"] = broken.table("images").with_columns(shard=pl.lit("gone.tar"))
    with pytest.raises(FileNotFoundError):
        layout_named("paxray").write(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- MIMIC-CXR-JPG


@pytest.mark.filterwarnings("ignore")
def test_torchxrayvision_reads_mimic_cxr_jpg(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder = written["mimic-cxr-jpg-classification"]
    prefix = f"{folder}/mimic-cxr-2.0.0"
    library = torchxrayvision()
    images = releases["classification"].table("images")
    for views in (["PA"], ["LATERAL"], ["AP"]):
        read = library.datasets.MIMIC_Dataset(
            imgpath=f"{folder}/files", csvpath=f"{prefix}-chexpert.csv.gz", metacsvpath=f"{prefix}-metadata.csv.gz",
            views=views, unique_patients=False,
        )  # fmt: skip
        ours = images.filter(pl.col("view") == views[0].replace("LATERAL", "LAT"))
        assert 0 < len(read) <= len(ours)
        assert set(np.unique(read.labels[~np.isnan(read.labels)])) <= {0, 1}
        for number in range(3):
            assert read[number]["img"].shape == (1, PIXELS, PIXELS)
        picture = loaders.image(_ours(folder, ours, read.csv.dicom_id.iloc[0]), releases["classification"].folder)
        assert np.abs((read[0]["img"][0] / 1024 + 1) * 127.5 - np.asarray(picture)).mean() < 6  # JPEG of noise


def _ours(folder: Path, images: pl.DataFrame, dicom_id: str) -> dict[str, Any]:
    led = {row["dicom_id"]: row["image_id"] for row in rows_of(folder / "paxflow-ids.csv.gz")}
    return images.filter(pl.col("image_id") == led[dicom_id]).row(0, named=True)


def test_mimic_files_agree_and_lead_back(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder = written["mimic-cxr-jpg-classification"]
    ids, metadata, splits = (
        rows_of(folder / f"{name}.csv.gz")
        for name in ("paxflow-ids", "mimic-cxr-2.0.0-metadata", "mimic-cxr-2.0.0-split")
    )
    release = releases["classification"]
    images = {row["image_id"]: row for row in release.table("images").to_dicts()}
    assert {row["image_id"] for row in ids} == images.keys()
    led = {row["dicom_id"]: images[row["image_id"]] for row in ids}
    assert {row["dicom_id"]: row["split"].replace("validate", "valid") for row in splits} == {
        name: row["split"] for name, row in led.items()
    }
    for row in metadata:
        path = f"files/p{row['subject_id'][:2]}/p{row['subject_id']}/s{row['study_id']}/{row['dicom_id']}.jpg"
        with Image.open(folder / path) as image:
            assert image.format == "JPEG"
            assert image.size == (int(row["Columns"]), int(row["Rows"]))
        assert (row["subject_id"][0], row["study_id"][0], len(row["StudyDate"])) == ("1", "5", 8)
    assert len(metadata) == sum(path.endswith(".jpg") for path in files(folder))


def test_mimic_labels_are_what_the_report_says_and_the_second_file_another_labeler(
    releases: dict[str, Opened], written: dict[str, Path]
) -> None:
    folder = written["mimic-cxr-jpg-classification"]
    labels = releases["classification"].table("labels").filter(pl.col("label_set") == "chexpert")
    led = {row["image_id"]: (row["subject_id"], row["study_id"]) for row in rows_of(folder / "paxflow-ids.csv.gz")}
    for name, source in (("chexpert", "report"), ("negbio", "other-labeler")):
        rows = {(r["subject_id"], r["study_id"]): r for r in rows_of(folder / f"mimic-cxr-2.0.0-{name}.csv.gz")}
        said = labels.filter(pl.col("source") == source).to_dicts()
        assert rows.keys() == {led[row["image_id"]] for row in said}
        for row in said:
            value = rows[led[row["image_id"]]][row["label"]]
            assert value == ("" if row["state"] is None else f"{row['state']:.1f}")


@given(st.sets(st.text(min_size=1), max_size=50))
def test_numbers_stay_in_their_range_and_never_meet(names: set[str]) -> None:
    made = mimic_cxr_jpg.numbered(names, mimic_cxr_jpg.SUBJECTS)
    assert made.keys() == names
    assert len(set(made.values())) == len(names)
    assert all(10_000_000 <= number < 20_000_000 for number in made.values())


def test_of_two_names_with_one_number_the_later_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mimic_cxr_jpg, "RANGE", 3)
    assert sorted(mimic_cxr_jpg.numbered(("a", "b", "c", "a"), 5).values()) == [5, 6, 7]


# --- VinDr-CXR


@pytest.mark.filterwarnings("ignore")
def test_torchxrayvision_reads_vindr_cxr(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder, release = written["vindr-cxr-reader-boxes"], releases["reader-boxes"]
    library = torchxrayvision()
    for split in sorted(set(release.table("images")["split"])):
        read = library.datasets.VinBrain_Dataset(
            imgpath=str(folder / split), csvpath=str(folder / f"annotations/annotations_{split}.csv"),
            pathology_masks=True,
        )  # fmt: skip
        ours = {row["image_id"]: row for row in loaders.images(release.folder, split).to_dicts()}
        assert set(read.csv.image_id) <= ours.keys()
        assert len(read) > 0
        for number, image_id in enumerate(read.csv.image_id):
            sample = read[number]
            picture = np.asarray(loaders.image(ours[image_id], release.folder))
            assert np.allclose((sample["img"][0] / 1024 + 1) * 128, picture)
            marked = {read.pathologies[key] for key in sample["pathology_masks"]}
            assert marked == {name for name, value in zip(read.pathologies, sample["lab"], strict=True) if value}
            assert all(mask.any() for mask in sample["pathology_masks"].values())


def test_a_film_of_odd_size_and_unknown_spacing_is_whole(releases: dict[str, Opened]) -> None:
    row = releases["reader-boxes"].table("images").row(0, named=True) | {"pixel_spacing_mm": None}
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    read = dcmread(io.BytesIO(vindr_cxr.dicom(row, pixels)))
    assert np.array_equal(read.pixel_array, pixels)
    assert read.SOPInstanceUID == read.file_meta.MediaStorageSOPInstanceUID
    assert "NominalScannedPixelSpacing" not in read


def test_vindr_has_a_row_for_every_read_and_scales_boxes_to_the_picture(
    releases: dict[str, Opened], written: dict[str, Path]
) -> None:
    folder, release = written["vindr-cxr-reader-boxes"], releases["reader-boxes"]
    rows = rows_of(folder / "annotations/annotations_train.csv")
    reads = release.table("reads").filter(pl.col("split") == "train")
    boxes = release.table("annotations_train")
    assert {(row["image_id"], row["rad_id"]) for row in rows} == set(reads.select("image_id", "rad_id").rows())
    drawn = [row for row in rows if row["class_name"] != "No finding"]
    assert len(drawn) == len(boxes)
    assert sum(row["x_min"] == "" for row in rows) == (reads["n_boxes"] == 0).sum() > 0
    film = next(row for row in boxes.to_dicts() if row["source"] == "reading")
    half = {row["x_min"] for row in drawn if (row["image_id"], row["rad_id"]) == (film["image_id"], film["rad_id"])}
    assert f"{film['x_min'] / 2}" in half
    assert {row["class_name"] for row in drawn} <= set(release.table("label_map")["label"])


def test_vindr_leaves_out_second_reads_and_adjudicators(
    releases: dict[str, Opened], written: dict[str, Path], tmp_path: Path
) -> None:
    opened = Opened(releases["reader-boxes"].folder)
    for name in ("reads", "annotations_train", "image_labels"):
        rows = opened.table(name)
        again = rows.with_columns(reading=pl.lit(1, pl.Int64))
        judged = rows.with_columns(rad_id=pl.lit("judge"))
        if "source" in rows.columns:
            judged = judged.with_columns(source=pl.lit("adjudication"))
        keys = ["image_id", "rad_id", "reading", *({"number", "class_name"} & set(rows.columns))]
        opened._frames[name] = pl.concat([rows, again, judged.unique(keys)])
    layout_named("vindr-cxr").write(opened, tmp_path / "out")
    assert files(tmp_path / "out") == files(written["vindr-cxr-reader-boxes"])


def test_vindr_test_is_the_consensus(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder, release = written["vindr-cxr-reader-boxes"], releases["reader-boxes"]
    rows = rows_of(folder / "annotations/annotations_test.csv")
    agreed = release.table("consensus").filter(pl.col("split") == "test")
    assert Counter(row["class_name"] != "No finding" for row in rows)[True] == len(agreed)
    assert "rad_id" not in rows[0]
    labels = rows_of(folder / "annotations/image_labels_test.csv")
    read = release.table("image_labels").filter(pl.col("split") == "test")
    votes = read.filter(pl.col("class_name") == "Pleural effusion").group_by("image_id").agg(pl.col("state").mean())
    assert {row["image_id"]: row["Pleural effusion"] for row in labels if row["image_id"] in votes["image_id"]} == {
        image_id: str(int(share > 0.5)) for image_id, share in votes.rows()
    }
    assert {row["rad_id"] for row in rows_of(folder / "annotations/image_labels_train.csv")} == set(
        release.table("image_labels").filter(pl.col("split") == "train")["rad_id"]
    )


# --- PadChest


@pytest.mark.filterwarnings("ignore")
def test_torchxrayvision_reads_padchest(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder, release = written["padchest-classification"], releases["classification"]
    (table,) = folder.glob("PADCHEST*.csv.gz")
    read = torchxrayvision().datasets.PC_Dataset(
        imgpath=str(folder), csvpath=str(table), views=["PA"], unique_patients=False
    )
    labels = release.table("labels").filter((pl.col("label_set") == "padchest") & (pl.col("state") == 1))
    said = {(row["image_id"], row["label"]) for row in labels.to_dicts()}
    ours = {row["file_name"]: row for row in release.table("images").to_dicts()}
    assert 0 < len(read) <= sum(row["view"] == "PA" for row in ours.values())
    effusion = read.pathologies.index("Effusion")
    for number, name in enumerate(read.csv.ImageID):
        wanted = any(image == ours[name]["image_id"] and "effusion" in label for image, label in said)
        assert read.labels[number][effusion] == wanted
    assert read.labels[:, effusion].any()
    picture = np.asarray(loaders.image(ours[read.csv.ImageID.iloc[0]], release.folder))
    assert np.allclose((read[0]["img"][0] / 1024 + 1) * 127.5, picture, atol=0.01)


def test_padchest_says_by_sentence_what_lies_where(written: dict[str, Path]) -> None:
    (table,) = written["padchest-classification"].glob("PADCHEST*.csv.gz")
    rows = [row for row in rows_of(table) if row["LabelsLocalizationsBySentence"] not in ("", "[]")]
    located = 0
    for row in rows:
        labels, places, sentences = (
            json.loads(row[name].replace("'", '"'))
            for name in ("Labels", "Localizations", "LabelsLocalizationsBySentence")
        )
        words = {word for sentence in sentences for word in sentence}
        assert {word for word in words if word.startswith("loc ")} == set(places)
        assert words - set(places) <= set(labels)
        located += bool(places)
    assert located


def test_padchest_needs_labels_of_padchest(releases: dict[str, Opened], tmp_path: Path) -> None:
    without = Opened(releases["classification"].folder)
    without._frames["labels"] = without.table("labels").filter(pl.col("label_set") != "padchest")
    with pytest.raises(UsageError, match="no labels of padchest"):
        layout_named("padchest").write(without, tmp_path / "out")


# --- PAXRay


def test_a_loader_of_paxrays_shape_reads_paxray(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder, release = written["paxray-paxray"], releases["paxray"]
    described = json.loads((folder / "paxray.json").read_text())
    classes = {int(number): name for number, name in described["label_dict"].items()}
    assert sorted(classes) == list(range(len(classes)))
    ours = {row["file_name"]: row for row in release.table("images").to_dicts()}
    for split, own in (("train", "train"), ("val", "valid"), ("test", "test")):
        assert len(described[split]) == len(loaders.images(release.folder, own))
        for one in described[split][:5]:
            row = ours[one["image"].removeprefix("images/")]
            assert row["split"] == own
            image = np.asarray(Image.open(folder / one["image"]).convert("RGB"))
            target = np.load(folder / one["target"])
            assert target.shape == (len(classes), *image.shape[:2])
            assert target.dtype == np.bool_
            found = loaders.masks(row["image_id"], release.folder)
            for number, name in classes.items():
                assert np.array_equal(target[number], found.get(name, np.zeros_like(target[0])))


# --- ReXrank


def test_a_loader_of_rexranks_shape_reads_rexrank(releases: dict[str, Opened], written: dict[str, Path]) -> None:
    folder, release = written["rexrank-report-pairs"], releases["report-pairs"]
    questions = json.loads((folder / "ReXRank_test.json").read_text())
    answers = json.loads((folder / "ReXRank_test_answers.json").read_text())
    pairs = release.table("pairs").filter((pl.col("split") == "test") & (pl.col("image_ids").list.len() > 0))
    assert len(questions) == len(pairs) > 0
    assert answers.keys() <= questions.keys()
    for key, one in questions.items():
        assert set(one) == {"image_path", "key_image_path", "frontal_lateral", "context", "split"}
        assert one["key_image_path"] in one["image_path"]
        assert len(one["image_path"]) == len(one["frontal_lateral"])
        assert set(one["frontal_lateral"]) <= {"Frontal", "Lateral"}
        assert all((folder / "images" / path).is_file() for path in one["image_path"])
        pair = pairs.filter(pl.col("study_id") == key).row(0, named=True)
        assert one["context"].endswith(f"Indication: {pair['indication']} Comparison: {pair['comparison']}")
        assert one["context"].startswith(("Age:", "Gender:"))
    texts = {row["report_id"]: row for row in release.table("texts").to_dicts()}
    for key, answer in answers.items():
        text = texts[pairs.filter(pl.col("study_id") == key)["report_id"][0]]
        assert answer["section_findings"] == text["findings"]
        assert answer["report"].startswith(f"Findings: {text['findings']}")


def test_rexrank_names_a_second_report_and_leaves_out_what_has_no_image_or_no_words(
    releases: dict[str, Opened], tmp_path: Path
) -> None:
    opened = Opened(releases["report-pairs"].folder)
    pairs = opened.table("pairs").filter((pl.col("split") == "test") & (pl.col("image_ids").list.len() > 0)).head(1)
    second = pairs.with_columns(report_id=pl.lit("second"), key_image_id=pl.lit(None, pl.String))
    no_image = pairs.with_columns(report_id=pl.lit("third"), image_ids=pl.lit([], pl.List(pl.String)))
    opened._frames["pairs"] = pl.concat([pairs, second, no_image])
    opened._frames["texts"] = opened.table("texts").with_columns(impression=pl.lit(None, pl.String))
    opened._frames["studies"] = opened.table("studies").with_columns(age_years=pl.lit(None, pl.Int64))
    opened._frames["patients"] = opened.table("patients").with_columns(sex=pl.lit(""))
    layout_named("rexrank").write(opened, tmp_path / "out")
    questions = json.loads((tmp_path / "out/ReXRank_test.json").read_text())
    answers = json.loads((tmp_path / "out/ReXRank_test_answers.json").read_text())
    (study,) = pairs["study_id"]
    assert list(questions) == [study, f"{study}-second"]
    assert list(answers) == [study]
    assert "section_impression" not in answers[study]
    assert questions[study]["context"].startswith("Indication:")
    assert questions[f"{study}-second"]["key_image_path"] == f"{study}-second/0.png"


# --- BenchX


@pytest.mark.parametrize("recipe", ["classification", "paxray"])
def test_a_loader_of_benchxs_shape_reads_benchx(
    recipe: str, releases: dict[str, Opened], written: dict[str, Path]
) -> None:
    folder, release = written[f"benchx-{recipe}"], releases[recipe]
    lists = {
        name: (folder / f"{name}.txt").read_text().split() for name in ("train", "train_10", "train_1", "val", "test")
    }
    assert set(lists["train_1"]) <= set(lists["train_10"]) < set(lists["train"])
    assert len(lists["train_1"]) >= 1
    labels = {row["image_id"]: row for row in rows_of(folder / f"{recipe}_labels.csv")}
    assert {*lists["train"], *lists["val"], *lists["test"]} == labels.keys()
    for split, own in (("train", "train"), ("val", "valid"), ("test", "test")):
        ids, names, targets = loaders.targets(release.folder, own)
        stems = dict(zip(loaders.images(release.folder, own)["file_name"], range(len(ids)), strict=True))
        assert len(lists[split]) == len(ids)
        for name in lists[split][:10]:
            image = imread(folder / "images" / f"{name}.png")
            assert image.shape == (SIZE_OF[recipe], SIZE_OF[recipe], 3)
            row = [labels[name][label] for label in names]
            wanted = ["" if np.isnan(value) else str(int(value)) for value in targets[stems[f"{name}.png"]]]
            assert row == wanted
    if recipe == "paxray":
        seen = loaders.images(release.folder, "train").row(0, named=True)
        mask = imread(folder / "masks" / "heart" / seen["file_name"])
        assert np.array_equal(mask[8::16, 8::16] > 0, loaders.masks(seen["image_id"], release.folder)["heart"])
        assert set(np.unique(mask)) == {0, 1}


@given(st.sets(st.text(min_size=1), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_part_lies_in_a_larger_one_and_stays_when_others_come(
    names: set[str], one: float, other: float
) -> None:
    small, large = sorted((one, other))
    ordered = sorted(names)
    inside = set(benchx.part(ordered, small))
    assert inside
    assert inside <= set(benchx.part(ordered, large))
    assert benchx.part(ordered, 1.0) == ordered
    grown = set(benchx.part([*ordered, "a new one"], small))
    assert {name for name in inside if len(inside) > 1} <= grown


def test_no_images_give_no_part() -> None:
    assert benchx.part([], 0.1) == []
