"""The data card: of whole releases, of a tiny one and an empty one, and its pictures."""

import html
import io
import json
import re
import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import polars as pl
import pytest
import yaml
from datasets import load_dataset
from PIL import Image

from curation.records import fields
from curation.release.build import build, folder_of
from curation.release.card import again, describe
from curation.release.card.charts import charts
from curation.release.card.contained import sections
from curation.release.card.contents import masks
from curation.release.card.limits import limits
from curation.release.card.markdown import said, share, table
from curation.release.card.montage import montage
from curation.release.card.origin import changes, deidentified, left_out, splits
from curation.release.card.statistics import headlines
from curation.release.card.svg import WIDTH, cut, width_of
from curation.release.card.text import page
from curation.release.opened import Opened
from curation.release.recipe import NAMES
from tests.builders import workspace_at
from tests.releases import GROUP, Built
from tests.rows import workspace_with_rows

pytestmark = GROUP


@pytest.fixture(scope="module")
def releases(built: Built) -> dict[str, Opened]:
    return {name: built(name) for name in NAMES}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    workspace = workspace_with_rows(tmp_path_factory.mktemp("tiny") / "workspace")
    build(workspace, "paxray")
    return Opened(folder_of(workspace, "paxray"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    workspace = workspace_at(tmp_path_factory.mktemp("empty"))
    for name in ("paxray", "concepts"):
        build(workspace, name)
    return {name: Opened(folder_of(workspace, name)) for name in ("paxray", "concepts")}


def readme(release: Opened) -> str:
    return (release.folder / "README.md").read_text(encoding="utf-8")


def front(release: Opened) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(readme(release).split("---\n")[1])
    return loaded


# --- what a hub and a loader read ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_a_configuration_and_is_explained_with_its_columns(
    releases: dict[str, Opened], name: str
) -> None:
    release = releases[name]
    files = {config["config_name"]: config["data_files"] for config in front(release)["configs"]}
    assert files == {own: f"{own}.parquet" for own in release.names} | {"mini": "mini/images.parquet"}
    assert [config["config_name"] for config in front(release)["configs"] if config.get("default")] == ["images"]
    for own in release.names:
        assert re.search(rf"^\| `{own}\.parquet` \| [\d,]+ \| \w.+ \|$", readme(release), re.M)
        columns = readme(release).split(f"\n**{own}**\n")[1].split("\n\n**")[0]
        assert all(f"| `{field.name}`" in columns for field in fields(release.record(own)))


@pytest.mark.parametrize("name", ["images", "patients", "targets", "mini"])
def test_datasets_loads_a_table_by_its_name_from_the_folder(
    releases: dict[str, Opened], name: str, tmp_path: Path
) -> None:
    release = releases["classification"]
    loaded = load_dataset(str(release.folder), name, split="train", cache_dir=str(tmp_path))
    if name != "mini":
        key = release.table(name).columns[0]
        assert loaded[key] == release.table(name)[key].to_list()
    assert len(loaded) > 0


def test_the_hub_is_told_licence_size_and_task(releases: dict[str, Opened]) -> None:
    told = front(releases["paxray"])
    assert (told["license"], told["license_name"]) == ("other", "cc-by-3.0-and-cc-by-nc-nd-4.0")
    assert told["size_categories"] == ["n<1K"]
    assert told["task_categories"] == ["image-classification", "image-segmentation"]
    assert {"medical", "chest-x-ray"} <= set(told["tags"])
    assert "task_categories" in front(releases["concepts"])


def test_the_code_of_the_card_runs_in_the_folder(
    releases: dict[str, Opened], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    release = releases["paxray"]
    monkeypatch.chdir(release.folder)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    monkeypatch.syspath_prepend(str(release.folder))
    blocks = re.findall(r"```python\n(.*?)```", readme(release), re.S)
    lines = [line for line in "\n".join(blocks).splitlines() if "xrayvision" not in line and "monai" not in line]
    module = tmp_path / "from_readme.py"
    module.write_text("\n".join(lines))
    found = runpy.run_path(str(module))
    assert len(found["images"]) == (release.table("images")["split"] == "train").sum()
    assert found["picture"].size == (32, 32)
    assert "heart" in found["masks"]


# --- the same bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_card_can_be_made_again_from_the_finished_release(releases: dict[str, Opened], name: str) -> None:
    release = releases[name]
    written = {path: (release.folder / path).read_bytes() for path in again(release)}
    assert written == again(release) == describe(Opened(release.folder), None)
    told = json.loads(written["statistics.json"])
    assert page(release, told, [path for path in written if path.startswith("card/")]).encode() == written["README.md"]
    assert charts(told) == {path: data for path, data in written.items() if path.endswith(".svg")}


def test_no_person_place_or_moment_is_in_the_card(releases: dict[str, Opened]) -> None:
    for release in releases.values():
        card = readme(release) + (release.folder / "statistics.json").read_text(encoding="utf-8")
        assert str(release.folder.parents[1]) not in card
        assert not any(name in card for name in release.table("patients")["patient_id"])


# --- a version after another -----------------------------------------------------------------------------


def test_the_card_says_what_changed_since_the_version_before(
    releases: dict[str, Opened], tiny: Opened, tmp_path: Path
) -> None:
    made = describe(releases["paxray"], tiny)
    assert b"## Changes" in made["README.md"]
    assert f"| `images` | 2 | {releases['paxray'].table('images').height:,} |".encode() in made["README.md"]
    assert b"before" in made["card/changes.svg"]
    same = describe(releases["paxray"], releases["paxray"])
    assert b"Every table has as many rows." in same["README.md"]
    assert "card/changes.svg" not in same
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "CHECKSUMS.sha256").touch()
    assert headlines(Opened(bare)) is None


def test_labels_whose_patients_differ_are_named() -> None:
    before = {"rows": {}, "splits": {"all": {"patients": 20}}, "present": {"chexpert": {"Edema": 12, "Fracture": 30}}}
    rows = [{"label": "Edema", "states": [15]}, {"label": "Fracture", "states": [30]}]
    told = {"before": before, "rows": {}, "splits": {"all": {"patients": 22}}, "labels": {"chexpert": {"rows": rows}}}
    assert "| with Edema | 12 | 15 |" in changes(told)
    assert "Fracture" not in changes(told)
    assert "| patients | before | now |" not in changes({"before": {"rows": {}}, "rows": {"images": 1}})


# --- small and empty releases ----------------------------------------------------------------------------


def test_a_tiny_release_says_why_its_numbers_are_missing(tiny: Opened) -> None:
    assert "**This release has fewer than 10 patients.**" in readme(tiny)
    assert "| all | &lt;10 | &lt;10 | 2 |" in readme(tiny)
    told = json.loads((tiny.folder / "statistics.json").read_text(encoding="utf-8"))
    assert [told[name]["rows"] for name in ("sex", "age", "site")] == [[], [], []]
    assert told["labels"] == {"chexpert": {"patients": "<10", "rows": []}}
    assert "who they are by sex, age and site is not shown" in readme(tiny)
    assert "Fewer than 10 patients have labels: who has which is not shown." in readme(tiny)
    assert not {"card/prevalence.svg", "card/demographics.svg", "card/cooccurrence.svg"} & again(tiny).keys()


def test_a_broken_picture_or_mask_is_not_drawn(tiny: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny.folder, folder)
    whole = montage(Opened(folder))
    for shard in folder.glob("images/**/*.tar"):
        shard.write_bytes(bytes(shard.stat().st_size))
    rows = pl.read_parquet(folder / "masks.parquet")
    rows.with_columns(rle=pl.lit("0")).write_parquet(folder / "masks.parquet")
    broken = Image.open(io.BytesIO(montage(Opened(folder))))
    assert broken.height < Image.open(io.BytesIO(whole)).height  # no legend: there are no masks


@pytest.mark.parametrize("name", ["paxray", "concepts"])
def test_an_empty_release_has_a_card(empty: dict[str, Opened], name: str) -> None:
    assert "0 images" in readme(empty[name])
    assert not (empty[name].folder / "card" / "montage.png").exists()
    assert "No patient is in `train` or `valid` or `test`." in readme(empty[name])
    assert "Nothing was left out." in readme(empty[name])


# --- pictures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_words_of_a_chart_stay_inside_it(releases: dict[str, Opened], name: str) -> None:
    for path in sorted((releases[name].folder / "card").glob("*.svg")):
        drawing = path.read_text(encoding="utf-8")
        expat.ParserCreate().Parse(drawing, True)
        height = float(re.findall(r'height="([\d.]+)"', drawing)[0])
        assert f'<rect width="{WIDTH}" height="{height:g}" fill="#ffffff">' in drawing
        for words in re.findall(r"<text ([^>]*)>([^<]*)</text>", drawing):
            look = dict(re.findall(r'([\w-]+)="([^"]*)"', words[0]))
            if "transform" not in look:
                wide = width_of(html.unescape(words[1]), int(look["font-size"]))
                left = float(look["x"]) - {"start": 0, "middle": 0.5, "end": 1}[look["text-anchor"]] * wide
                assert 0 <= left <= left + wide <= WIDTH
                assert 0 < float(look["y"]) < height
        bars = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawing)
        assert all(float(x) + float(width) <= WIDTH + 0.1 for x, width in bars)


def test_the_montage_shows_each_split_with_masks_in_their_colours(releases: dict[str, Opened]) -> None:
    sheet = np.asarray(Image.open(io.BytesIO(montage(releases["paxray"]))))
    plain = np.asarray(Image.open(io.BytesIO(montage(releases["report-pairs"]))))
    assert sheet.shape[1] <= 1600
    assert (sheet[8:300, 8:300].std(axis=2) > 20).mean() > 0.15
    assert (plain[8:300, 8:300].std(axis=2) > 20).mean() == 0


def test_the_montage_shows_boxes_where_there_are_any(releases: dict[str, Opened]) -> None:
    sheet = np.asarray(Image.open(io.BytesIO(montage(releases["reader-boxes"]))), dtype=int)
    assert (np.abs(sheet - (86, 180, 233)).sum(axis=2) == 0).sum() > 100


def test_a_long_name_loses_its_middle() -> None:
    assert cut("Enlarged Cardiomediastinum", 400) == "Enlarged Cardiomediastinum"
    short = cut("Enlarged Cardiomediastinum", 100)
    assert short.startswith("Enlarg")
    assert short.endswith("um")
    assert width_of(short) <= 100


# --- words -----------------------------------------------------------------------------------------------


def test_cells_hold_no_markup() -> None:
    assert table(["a"], [["x|<b>\ny"]]).endswith("| x\\|&lt;b> y |")
    assert (said(1234), said(0.123456), share(1, 3), share(0, 0)) == ("1,234", "0.1235", "33.3 %", "0 %")


def made(**changed: Any) -> Mapping[str, Any]:
    recipe = {
        "split": {"train": 0.8, "test": 0.2},
        "split_salt": "salt",
        "stratify": [],
        "official": "",
        "hidden_test": False,
    }
    deid = {"max_shift_days": 365, "oldest_age_years": 90}
    return {"parameters": {"recipe": recipe | changed, "deid": deid}}


def test_the_split_rule_is_told_as_it_was_set() -> None:
    told = {"rows": {"labels": 3}, "split_sources": [["official", 40], ["balanced", 20]]}
    words = splits(made(stratify=["sex"], official="mimic-cxr", hidden_test=True), told, ("labels", "masks"))
    assert "80 % train, 20 % test" in words
    assert "Balanced by `sex`" in words
    assert "`mimic-cxr` is honoured" in words
    assert "not in this release**: `labels` have no row" in words
    assert "Balanced" not in splits(made(), told, ())


def test_what_is_left_out_is_told_by_reason() -> None:
    assert "| image | its pixels stand in another split | 3 |" in left_out(
        {"left_out": [["image", "duplicate_image", 3]]}
    )


def test_withheld_texts_are_told() -> None:
    assert "The text of 7 reports is withheld" in deidentified(made(), {"reports": {"withheld": 7}})


def test_limits_are_counted() -> None:
    told = {
        "splits": {
            "train": {"patients": 30},
            "valid": {"patients": "<10"},
            "test": {"patients": 0},
            "all": {"patients": 34},
        },
        "site": {"rows": [["s1", 30]]},
        "images": {"n": 40, "kinds": [["projection", 10]], "views": [["not said", 4]], "no_spacing": 2},
        "origins": {"images": 40, "labelled": 20, "read": 5, "sources": [["report", 20]]},
        "targets": {"contradicted": 1, "rows": 4},
        "reports": {"n": 10, "withheld": 5},
        "phrases": {"n": 8, "atlas": 2, "boxed": 8},
        "decisions": [["label_review", "Edema", 5, 0, 1, 4, 0.9]],
    }
    words = limits(made(), told)
    for part in (
        "No patient is in `test`.",
        "Fewer than 10 patients are in `valid`",
        "All studies are of one site",
        "25 % of the images are projected",
        "view of 10 % of the images",
        "5 % of the images have no pixel spacing",
        "no reader has answered for 75 % of the labelled images",
        "50 % of the images have no label",
        "contradict each other in 25 % of the targets",
        "50 % of the reports have no text",
        "25 % of the phrases lie on the anatomy",
        "40 % of the questions to readers were answered by one reader only",
        "10 % of the questions to readers are split",
    ):
        assert part in words


def test_a_measure_without_quartiles_and_reports_that_are_withheld_are_told() -> None:
    told = {
        "measurements": [{"measure": "spine", "unit": "deg", "patients": ["<10"] * 3, "quartiles": []}],
        "reports": {"n": 9, "withheld": 3, "groups": 2, "in_groups": 4, "sources": [["openi", "CC0-1.0", 9]]},
    }
    words = "\n".join(sections(told, {}))
    assert "| spine | deg | &lt;10 | &lt;10 | &lt;10 | – | – | – |" in words
    assert "9 reports. 3 are without their text, withheld by licence. 4 are in 2 groups" in words


def test_a_share_next_to_none_or_all_is_not_rounded_to_it() -> None:
    rows = [{"table": "a", "column": name, "missing": n, "rows": 10**6} for name, n in (("few", 1), ("most", 999_999))]
    drawn = charts({"missing": rows, "rows": {}})["card/missing.svg"].decode()
    assert "&lt; 0.1 %" in drawn
    assert "&gt; 99.9 %" in drawn


def test_patients_are_drawn_by_split_where_every_split_is_counted() -> None:
    sex = {"columns": ["train", "valid", "test", "all"], "rows": [["F", 60, 20, "≥10", "–"], ["M", 40, 0, 30, 70]]}
    wholes = {name: {"patients": n} for name, n in (("train", 100), ("valid", 20), ("test", 50), ("all", 170))}
    drawn = charts({"sex": sex, "age": sex, "splits": wholes, "missing": [], "rows": {}})[
        "card/demographics.svg"
    ].decode()
    assert "in each split" in drawn
    assert all(f">{name}</text>" in drawn for name in ("train", "valid", "test", "60", "≥10", "0"))


def test_a_finding_of_few_patients_has_no_numbers_among_the_masks(tiny: Opened, tmp_path: Path) -> None:
    folder = tmp_path / "finding"
    shutil.copytree(tiny.folder, folder)
    rows = pl.read_parquet(folder / "masks.parquet").with_columns(label=pl.lit("nodule"), category_id=1000)
    rows.write_parquet(folder / "masks.parquet")
    assert masks(Opened(folder))["labels"] == [["nodule", "<10", []]]
