"""The release in small: all of it resolves, whatever the recipe."""

from pathlib import Path

import polars as pl
import pytest

from curation.release.checks.files import wrong_mini, wrong_sums
from curation.release.checks.pictures import wrong_pictures
from curation.release.mini import MOST, write_mini
from curation.release.opened import Opened
from curation.store import arrow_schema
from tests.releases import GROUP, Built

pytestmark = GROUP
RECIPES = ("paxray", "report-pairs", "prior-grounded", "concepts")
KEYS = {
    "images": ("image_id", "view_id", "lateral_id", "key_image_id", "prior_image_id", "image_ids"),
    "studies": ("study_id", "prior_study_id"),
    "patients": ("patient_id",),
    "reports": ("report_id", "query_id", "candidate_id"),
    "consensus": ("consensus_id",),
    "decisions": ("decision_id",),
}
"""Columns of any table that name a row of these, whose own key is the first."""


@pytest.fixture(scope="module")
def releases(built: Built) -> dict[str, Opened]:
    return {name: built(name) for name in RECIPES}


def small(release: Opened) -> Opened:
    return Opened(release.folder / "mini")


def named(rows: pl.DataFrame, column: str) -> set[str]:
    """The ids that a column names, of lists each item."""
    values = rows[column].list.explode() if isinstance(rows.schema[column], pl.List) else rows[column]
    return {*values.drop_nulls()} - {""}


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_resolves_in_the_release_resolves_in_small(releases: dict[str, Opened], recipe: str) -> None:
    release, mini = releases[recipe], small(releases[recipe])
    assert mini.names == release.names
    looked_up = 0
    for target, columns in KEYS.items():
        if target not in release.names:
            continue
        everywhere, here = ({*shelf.table(target)[columns[0]]} for shelf in (release, mini))
        for name in mini.names:
            for column in set(columns) & set(mini.table(name).columns):
                assert named(mini.table(name), column) & everywhere <= here, f"{name}.{column}"
                looked_up += len(mini.table(name))
    assert looked_up


@pytest.mark.parametrize("recipe", RECIPES)
def test_it_is_small_and_has_every_split_and_kind(releases: dict[str, Opened], recipe: str) -> None:
    release, mini = releases[recipe], small(releases[recipe])
    images = mini.table("images")
    assert len(images) <= MOST
    kinds = ["split", "kind"]
    assert {*images.select(kinds).unique().rows()} == {*release.table("images").select(kinds).unique().rows()}
    for name in mini.names:
        rows = mini.table(name)
        assert rows.schema == release.table(name).schema
        assert rows.columns == arrow_schema(release.record(name)).names
        places = ["shard", "offset"]
        own = rows.drop(places, strict=False)
        assert (
            len(own.join(release.table(name).drop(places, strict=False), on=own.columns, how="anti", nulls_equal=True))
            == 0
        )


def test_pictures_lie_where_the_small_tables_say(releases: dict[str, Opened]) -> None:
    mini = small(releases["paxray"])
    assert len(mini.table("images")) > 50
    assert [*wrong_pictures(mini)] == []
    assert wrong_sums(mini.folder) == []


def test_a_study_brings_its_earlier_ones(releases: dict[str, Opened]) -> None:
    release, mini = releases["prior-grounded"], small(releases["prior-grounded"])
    chosen = release.table("grounded").join(mini.table("grounded"), on="image_id", how="semi")
    assert chosen.select("image_id", "prior_image_id").equals(
        mini.table("grounded").select("image_id", "prior_image_id")
    )
    priors = chosen["prior_image_id"].drop_nulls()
    assert 0 < len(priors) == priors.is_in(mini.table("images")["image_id"].implode()).sum()


def test_a_release_without_images_has_reports_of_every_split(releases: dict[str, Opened]) -> None:
    mini = small(releases["concepts"])
    assert mini.table("images").is_empty()
    reports = mini.table("reports")
    assert 0 < len(reports) <= MOST
    assert {*reports["split"]} == {*releases["concepts"].table("reports")["split"]}
    assert len(mini.table("mentions")) > 0
    assert len(mini.table("concepts")) == len(releases["concepts"].table("concepts"))


def test_it_is_the_same_again(releases: dict[str, Opened], tmp_path: Path) -> None:
    release = releases["report-pairs"]
    write_mini(release, tmp_path)
    once, again = ((root / "mini" / "CHECKSUMS.sha256").read_bytes() for root in (release.folder, tmp_path))
    assert once == again
    assert wrong_mini(release) == []


def test_a_small_release_over_more_images_than_it_holds(releases: dict[str, Opened]) -> None:
    release = releases["report-pairs"]
    assert len(release.table("images")) > MOST >= len(small(release).table("images"))
