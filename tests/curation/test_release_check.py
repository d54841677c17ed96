"""What check proves: every leak and every false row that is planted in a copy of a release is named."""

import json
import shutil
import zlib
from pathlib import Path

import polars as pl
import pytest

from curation.deid.keys.identity import Identifier
from curation.errors import IntegrityError, VaultError
from curation.release.check import check
from curation.release.checks.identifiers import known_identifiers
from curation.release.files import write_checksums
from curation.release.opened import Opened
from curation.release.recipe import NAMES
from curation.store import ShardWriter
from curation.workspace import Workspace
from tests.releases import GROUP, Built, copy_of, plant_rows

pytestmark = GROUP
PHONE = "Please call 212-555-0143 with the result."


def broken(release: Opened, identifiers: tuple[Identifier, ...] = ()) -> str:
    """What check says of a release that breaks its promises."""
    with pytest.raises(IntegrityError) as raised:
        check(release, identifiers)
    return str(raised.value)


# --- leaks ----------------------------------------------------------------------------------------------


def in_two_splits(rows: pl.DataFrame) -> pl.DataFrame:
    first = rows.head(1).with_columns(split=pl.when(split="test").then(pl.lit("train")).otherwise(pl.lit("test")))
    return pl.concat([rows, first]).sort("patient_id", maintain_order=True)


@pytest.mark.parametrize("recipe", NAMES)
def test_a_patient_in_two_splits_is_named(built: Built, tmp_path: Path, recipe: str) -> None:
    leaking = plant_rows(copy_of(built(recipe), tmp_path), "splits", in_two_splits)
    assert "splits: a patient stands in more than one row" in broken(leaking)


def image_across_splits(rows: pl.DataFrame) -> pl.DataFrame:
    """An image of the test set gets the pixels of one of the training set."""
    train = rows.filter(split="train").row(0, named=True)
    test = rows.filter(split="test").row(0, named=True)
    return rows.with_columns(
        pixel_sha256=pl.when(image_id=test["image_id"]).then(pl.lit(train["pixel_sha256"])).otherwise("pixel_sha256")
    )


@pytest.mark.parametrize("recipe", [name for name in NAMES if name != "concepts"])
def test_an_image_in_two_splits_is_named(built: Built, tmp_path: Path, recipe: str) -> None:
    leaking = plant_rows(copy_of(built(recipe), tmp_path), "images", image_across_splits)
    assert "images: the same pixels stand in two splits" in broken(leaking)


@pytest.mark.parametrize(
    ("where", "text", "kind"),
    [
        (("report-pairs", "texts", "findings"), PHONE, "a phone number"),
        (("report-pairs", "pairs", "indication"), "Discussed with Dr. Quillfeather.", "a name after a title"),
        (("prior-grounded", "phrases", "sentence"), "Sent to ann@quellstad.example for review.", "an e-mail address"),
        (("concepts", "mentions", "text"), "MRN 00482911", "the number of a record"),
        (("paxray", "splits", "strata"), "Social security 123-45-6789", "a social security number"),
        (("classification", "images", "view"), "Mrs Quillfeather", "a name after a title"),
        (("classification", "studies", "site_id"), "MRN:00482911", "the number of a record"),
        (("classification", "images", "grey"), "Accession no. A00482911", "the number of a record"),
        (("report-pairs", "texts", "findings"), "DOB: 03/04/1950.", "a date of birth"),
        (("concepts", "reports", "text"), "Electronically signed by Ann Quillfeather", "the name of who signed"),
        (("report-pairs", "pairs", "comparison"), "Told to DR. QUILLFEATHER.", "a name after a title"),
        (("reader-boxes", "reads", "rad_id"), "ann@quellstad.example", "an e-mail address"),
    ],
)
def test_an_identifier_in_a_text_is_named(
    built: Built, tmp_path: Path, where: tuple[str, str, str], text: str, kind: str
) -> None:
    recipe, table, column = where
    copy = copy_of(built(recipe), tmp_path)
    first = pl.int_range(pl.len()) == 0
    said = plant_rows(
        copy, table, lambda t: t.with_columns(pl.when(first).then(pl.lit(text)).otherwise(column).alias(column))
    )
    told = broken(said)
    assert f"{table}: a text in {column} holds what looks like {kind}" in told
    assert text not in told


@pytest.mark.parametrize("recipe", [name for name in NAMES if name != "paxray"])
def test_an_answer_of_a_hidden_test_is_named(built: Built, tmp_path: Path, recipe: str) -> None:
    hidden = built(recipe, hidden=True)
    check(hidden)
    assert hidden.answers is not None
    name = next(path.stem for path in sorted(hidden.answers.glob("*.parquet")) if len(pl.read_parquet(path)))
    answers = pl.read_parquet(hidden.answers / f"{name}.parquet")
    key = [*answers.columns]
    back = plant_rows(copy_of(hidden, tmp_path), name, lambda t: pl.concat([t, answers.head(1)]).sort(key[:2]))
    assert f"{name}: an answer of the hidden split stands in the release" in broken(back)


def test_a_column_of_answers_in_a_hidden_test_is_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("classification", hidden=True), tmp_path)
    told = broken(plant_rows(copy, "images", lambda t: t.with_columns(Pneumothorax=pl.lit(1, pl.Int64))))
    assert "images: column Pneumothorax is not one of its record's" in told


def test_rows_of_other_splits_and_other_tables_among_the_answers_are_named(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("reader-boxes", hidden=True), tmp_path)
    assert copy.answers is not None
    copy.table("image_labels").head(1).write_parquet(copy.answers / "image_labels.parquet")
    write_checksums(copy.answers)
    assert "answers: image_labels has a row of another split than the hidden one" in broken(copy)
    pl.read_parquet(copy.answers / "reads.parquet").drop("n_boxes").write_parquet(copy.answers / "reads.parquet")
    copy.table("images").write_parquet(copy.answers / "images.parquet")
    write_checksums(copy.answers)
    (copy.answers / "note.txt").write_text("new")
    told = broken(copy)
    assert "answers: reads: column n_boxes is missing" in told
    assert "answers: images is no table of answers" in told
    assert "answers: note.txt: listed or present, but not both" in told
    shutil.rmtree(copy.answers)
    check(Opened(copy.folder, copy.answers))


def test_a_prior_of_the_future_is_named(built: Built, tmp_path: Path) -> None:
    release = built("prior-grounded")
    grounded = release.table("grounded").filter(pl.col("prior_study_id").is_not_null())
    assert len(grounded)

    def swap(rows: pl.DataFrame) -> pl.DataFrame:
        """The first row with a prior is dated before it."""
        dated = release.table("studies").select("study_id", before=pl.col("study_date") - pl.duration(days=1))
        row = grounded.row(0, named=True)
        (before,) = dated.filter(study_id=row["prior_study_id"])["before"]
        return rows.with_columns(
            study_date=pl.when(image_id=row["image_id"]).then(pl.lit(before)).otherwise("study_date")
        )

    assert "grounded" in broken(plant_rows(copy_of(release, tmp_path), "grounded", swap))


# --- identifiers that the vault knows ------------------------------------------------------------------


def test_what_the_vault_knows_is_found_in_tables_documents_and_beside_pixels(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("paxray"), tmp_path)
    (copy.folder / "note.md").write_text("Thanks to Quillfeather.")
    (copy.folder / "coco" / "other.json").write_text(json.dumps({"info": ["Quillfeather", {"Osterwald": 3}]}))
    data = copy.picture(copy.table("images").row(0, named=True))
    packed = zlib.compress(b"Quillfeather, once more and longer")
    for number, text in enumerate(
        (b"tEXtComment\0Osterwald", b"zTXtComment xx\0\0" + packed, b"zTXtx\0\0\x78\x9c\xff")
    ):
        writer = ShardWriter(copy.folder / "images" / f"{number}.tar", "images/other.tar")
        writer.add("a.png", data[:33] + (len(text) - 4).to_bytes(4, "big") + text + b"    " + data[33:])
        writer.close()
    write_checksums(copy.folder)
    known = (Identifier("patient_name", "Quillfeather"), Identifier("clinician", "Osterwald"))
    told = broken(copy, known)
    for place in ("note.md", "coco/other.json", "images/0.tar", "images/1.tar"):
        assert f"{place} holds an identifier" in told
    assert "images/2.tar" not in told
    assert "Quillfeather" not in told
    assert "Osterwald" not in told


def test_a_clean_release_holds_nothing_that_the_vault_knows(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = built("report-pairs")
    check(release, (Identifier("patient_name", "Quillfeather"), Identifier("patient_id", "900000123")))
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    workspace = Workspace(release.folder.parents[1])
    with pytest.raises(VaultError, match="names no folder"):
        known_identifiers(workspace)
    (tmp_path / "vault").mkdir()
    assert [*known_identifiers(workspace)] == []
    (tmp_path / "vault" / "planted.json").write_text('[{"kind": "patient_name", "value": "Quillfeather"}]')
    assert [*known_identifiers(workspace)] == [Identifier("patient_name", "Quillfeather")]


# --- files and rows ------------------------------------------------------------------------------------------


def test_what_python_leaves_beside_the_loaders_is_no_file_of_a_release(built: Built, tmp_path: Path) -> None:
    copy = copy_of(built("report-pairs"), tmp_path)
    (copy.folder / "__pycache__").mkdir(exist_ok=True)
    (copy.folder / "__pycache__" / "loaders.cpython-311.pyc").write_bytes(b"compiled")
    check(copy)


def test_every_recipe_keeps_its_promises(built: Built) -> None:
    for name in NAMES:
        check(built(name))
