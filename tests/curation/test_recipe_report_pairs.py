"""Reports with their images: a cohort's release, and copies of it in which something is planted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from curation.recipes.report_pairs import RECIPE
from curation.records import Report
from curation.release.opened import Opened
from curation.workspace import Workspace
from tests.releases import broken, planted, released
from tests.tables import WITHHELD, rows_of

Change = Callable[[pl.DataFrame], pl.DataFrame]
pytestmark = pytest.mark.xdist_group("varied")
col, lit, when = pl.col, pl.lit, pl.when


@pytest.fixture(scope="module")
def release(varied: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(varied, RECIPE, tmp_path_factory.mktemp("release") / "pairs")


@pytest.fixture(scope="module")
def hidden(varied: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return released(varied, RECIPE, tmp_path_factory.mktemp("release") / "hidden", hidden_test=True)


def pair(release: Opened, report_id: str) -> dict[str, object]:
    return release.table("pairs").row(by_predicate=col("report_id") == report_id, named=True)


def test_a_release_and_one_with_a_hidden_test_keep_their_promises(release: Opened, hidden: Opened) -> None:
    assert broken(release, RECIPE) == broken(hidden, RECIPE) == []
    assert broken(Opened(hidden.folder), RECIPE) == []  # pulled without the answers


def test_sections_put_together_are_the_clean_report(release: Opened, varied: Workspace) -> None:
    sections = release.table("sections").sort("report_id", "position")
    texts = dict(sections.group_by("report_id").agg(col("text").str.join(ignore_nulls=False)).iter_rows())
    kept = set(release.table("pairs")["report_id"])
    written = [row for row in rows_of(varied, Report) if row.text and row.report_id in kept]
    assert {row.report_id for row in written} == texts.keys()
    for row in written:
        assert texts[row.report_id] == (None if row.licence == WITHHELD else row.text)


def test_a_report_without_images_has_its_row_and_says_so(release: Opened) -> None:
    row = pair(release, "alone")
    assert (row["study_id"], row["image_ids"], row["key_image_id"], row["lateral_id"]) == (None, [], None, None)
    assert row["flags"] == ["no_findings", "no_image", "no_impression"]
    assert pair(release, "blank")["flags"] == pair(release, "nothing")["flags"] == row["flags"]


def test_words_of_several_sections_of_one_name_are_joined(release: Opened) -> None:
    row = pair(release, "terse")
    assert row["indication"] == "Pain.\n\nMore pain."
    assert row["flags"] == ["impression_only", "no_findings", "no_image"]
    texts = release.table("texts").row(by_predicate=col("report_id") == "terse", named=True)
    assert (texts["findings"], texts["impression"]) == (None, "A rib fracture.")


def test_an_addendum_has_a_row_of_its_own_with_the_same_images(release: Opened) -> None:
    pairs = release.table("pairs")
    row = pair(release, "addendum")
    others = pairs.filter(col("study_id") == row["study_id"])
    assert len(others) == 2
    assert others["image_ids"].n_unique() == 1


def test_a_study_without_a_frontal_image_says_so(release: Opened) -> None:
    flagged = release.table("pairs").filter(col("flags").list.contains("no_frontal"))
    assert len(flagged) == 1
    assert flagged["key_image_id"].to_list() == [None]
    assert flagged["views"].to_list() == [["LAT"]]
    assert flagged["lateral_id"].to_list() == [flagged["image_ids"].item()[0]]


def test_words_under_another_licence_stay_away_and_their_offsets_do_not(release: Opened) -> None:
    row = pair(release, "withheld")
    assert row["flags"] == ["no_image", "text_withheld"]  # it has findings and an impression
    assert release.table("reports").filter(col("licence") == WITHHELD)["text"].to_list() == [None, None]
    sections = release.table("sections").filter(col("report_id") == "withheld")
    assert sections.select("name", "start", "end").rows() == [("findings", 0, 26), ("impression", 26, 52)]
    assert sections["text"].null_count() == 2
    for name in release.names:
        assert "Heart is normal" not in str(release.table(name).rows())


def test_a_report_that_repeats_one_of_another_split_is_left_out_with_its_twin(release: Opened) -> None:
    (row,) = release.table("left_out").filter(col("kind") == "report").rows(named=True)
    assert row["reason"] == "near_duplicate_report"
    pairs = release.table("pairs")["report_id"]
    assert row["twin_id"] in pairs
    assert row["item_id"] not in pairs
    assert "copied" in (row["item_id"], row["twin_id"])


def test_a_hidden_test_gives_the_inputs_and_keeps_the_answers_apart(hidden: Opened) -> None:
    pairs = hidden.table("pairs")
    asked = pairs.filter(col("split") == "test")
    assert asked["key_image_id"].count()
    assert asked["indication"].count()
    assert not {"findings", "impression", "text"} & set(pairs.columns)
    assert hidden.answers
    for name in RECIPE.answers:
        apart = pl.read_parquet(hidden.answers / f"{name}.parquet")
        assert "test" not in hidden.table(name)["split"]
        assert set(apart["report_id"]) <= set(asked["report_id"])
    assert set(apart["report_id"]) == set(asked["report_id"])


def shuffled(column: str) -> Change:
    """A list column turned round."""
    return lambda t: t.with_columns(col(column).list.reverse())


def first(**changed: object) -> Change:
    """Other values in the first row that has images and words."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        at = table["report_id"] == table["report_id"].filter(table["report_id"].str.starts_with("r"))[0]
        return table.with_columns(
            when(at).then(value if isinstance(value, pl.Expr) else lit(value)).otherwise(col(name)).alias(name)
            for name, value in changed.items()
        )

    return change


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("reports", lambda t: t.tail(-1), "reports: not one row for each report of pairs"),
        ("texts", lambda t: t.tail(-1), "texts: not one row for each report of pairs"),
        ("pairs", lambda t: t.tail(-1), "sections: a row of a report that is not in pairs"),
        ("texts", first(split="other"), "texts: a row stands in another split than its pair"),
        ("sections", lambda t: t.filter(col("position") != 1), "reports: its sections do not cover it"),
        ("sections", lambda t: t.filter(col("start") > 0), "reports: its sections do not cover it"),
        ("sections", first(end=col("end") - 1), "reports: its sections do not cover it"),
        ("sections", first(body_start=col("end") + 1), "reports: its sections do not cover it"),
        ("sections", first(position=col("position") + 1), "reports: its sections do not cover it"),
        ("sections", first(text="Other words."), "reports: its sections together are not its text"),
        ("reports", first(text="Other words."), "reports: n_characters is not the length"),
        ("reports", lambda t: t.with_columns(text=lit(None, pl.String)), "reports: a text is missing"),
        ("texts", first(findings="Other words."), "texts: findings is not what"),
        ("texts", first(impression=None), "texts: impression is not what"),
        ("pairs", first(indication="A diagnosis."), "pairs: indication is not what"),
        ("pairs", shuffled("image_ids"), "pairs: images are not all those of the study, in order"),
        ("pairs", first(views=["LAT"]), "pairs: images are not all those of the study, in order"),
        ("images", lambda t: t.tail(-1), "pairs: images are not all those of the study, in order"),
        ("images", lambda t: t.with_columns(patient_id=lit("x")), "pairs: an image of another patient"),
        ("pairs", first(key_image_id="x"), "pairs: key_image_id is not the first"),
        ("pairs", first(lateral_id="x"), "pairs: lateral_id is not the first"),
        ("pairs", first(flags=["no_image"]), "pairs: flags do not say"),
        ("pairs", lambda t: t.with_columns(flags=lit([], pl.List(pl.String))), "pairs: flags do not say"),
        ("pairs", first(flags=["text_withheld"]), "pairs: text_withheld does not say"),
        ("texts", lambda t: t.with_columns(duplicate_group=lit("same")), "texts: reports that say nearly the same"),
        ("texts", lambda t: t.with_columns(findings=lit("A large heart.")), "texts: reports that say nearly the same"),
        *(
            (table, lambda t: t.with_columns(text=lit("words")), f"{table}: words of a report whose licence")
            for table in ("reports", "sections")
        ),
        ("pairs", lambda t: t.with_columns(comparison=lit("words")), "pairs: words of a report whose licence"),
        ("texts", lambda t: t.with_columns(findings=lit("words")), "texts: words of a report whose licence"),
    ],
)
def test_the_checks_name_what_was_planted(release: Opened, table: str, change: Change, said: str) -> None:
    found = broken(planted(release, **{table: change(release.table(table))}), RECIPE)
    assert any(line.startswith(said) for line in found), found


def test_an_answer_that_is_missing_from_a_hidden_test_is_missed(hidden: Opened, tmp_path: Path) -> None:
    empty = replace(hidden, answers=tmp_path)
    assert "texts: not one row for each report of pairs" in broken(empty, RECIPE)
