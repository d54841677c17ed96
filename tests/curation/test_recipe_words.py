"""Whose words a release may hold."""

from pathlib import Path

import pytest

from curation.errors import IntegrityError
from curation.recipes.words import Words
from curation.records import Report
from curation.release.shards import Shards
from curation.release.sources import Sources
from curation.store import to_arrow, write_parquet
from tests.builders import workspace_at

TEXT = "FINDINGS: Größe 5 µm. Clear 🫁 lungs."


def words(root: Path, recipe: str = "concepts") -> Words:
    """Of two reports, of which only that of the house may be passed on."""
    workspace = workspace_at(root)
    reports = [
        Report("own", "p", "", None, "local", "LicenseRef-local", TEXT),
        Report("other", "p", "", None, "openi", "CC-BY-NC-ND-4.0", TEXT),
    ]
    write_parquet(to_arrow(Report, reports), workspace.tables("deid") / "reports" / "a.parquet")
    return Words(Sources(workspace, workspace.settings.recipes[recipe], Shards(root)))


def test_words_are_characters_of_the_text_and_not_bytes(tmp_path: Path) -> None:
    given = words(tmp_path)
    assert given.text("own") == TEXT
    assert given.words("own", TEXT.index("🫁"), TEXT.index("🫁") + 7) == "🫁 lungs"
    assert not given.withheld("own")


def test_a_report_under_another_licence_gives_no_words(tmp_path: Path) -> None:
    given = words(tmp_path)
    assert given.withheld("other")
    assert given.text("other") is given.words("other", 0, 8) is None


def test_a_report_that_is_not_there_gives_none_either(tmp_path: Path) -> None:
    assert words(tmp_path).withheld("nobody's")


def test_a_recipe_without_licences_cannot_pass_words_on(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="text_licences"):
        words(tmp_path, "paxray")
