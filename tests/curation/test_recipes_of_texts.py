"""What both recipes of images with reports keep: the same bytes in any order, a release where there is nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from curation.recipes import prior_grounded, report_pairs
from curation.records import Mention, Radiograph, Report, ReportLink, Section, SentenceGrounding, Study, View
from curation.release.opened import CHECKSUMS
from curation.release.recipe import Recipe
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from tests.releases import broken, released
from tests.tables import copied, put_rows, rows_of

pytestmark = [
    pytest.mark.xdist_group("varied"),
    pytest.mark.parametrize("recipe", [report_pairs.RECIPE, prior_grounded.RECIPE], ids=lambda recipe: recipe.name),
]


def test_the_same_rows_in_another_order_give_the_same_bytes(varied: Workspace, recipe: Recipe, tmp_path: Path) -> None:
    other = copied(varied, tmp_path / "other")
    for record in (Report, ReportLink, Section, Mention, SentenceGrounding, Radiograph, View, Study):
        rows = rows_of(other, record)
        put_rows(other, rows[1:])
        part = other.tables(record.about.stage) / record.about.name / "z.parquet"
        write_parquet(to_arrow(record, rows[:1]), part)
    once, again = (released(here, recipe, tmp_path / name) for here, name in ((varied, "once"), (other, "again")))
    assert (again.folder / CHECKSUMS).read_text() == (once.folder / CHECKSUMS).read_text()


def test_a_cohort_without_reports_or_frontal_images_has_a_release_too(
    varied: Workspace, recipe: Recipe, tmp_path: Path
) -> None:
    other = copied(varied, tmp_path / "other")
    for record in (Report, ReportLink, Section, View):
        shutil.rmtree(other.tables(record.about.stage) / record.about.name)
    put_rows(other, [replace(row, view="LAT") for row in rows_of(other, Radiograph)])
    made = released(other, recipe, tmp_path / "release")
    assert not any(made.table(name).height for name in recipe.about)
    assert broken(made, recipe) == []
