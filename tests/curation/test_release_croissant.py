"""``croissant.json``: mlcroissant takes it and reads every table by it."""

import json
import logging
from itertools import islice
from pathlib import Path

import mlcroissant
import pytest

from curation.release.croissant import CROISSANT, croissant
from curation.release.opened import Opened
from tests.releases import GROUP, Built

pytestmark = GROUP
RECIPES = ("paxray", "concepts")
NO_DATE = 'Property "https://schema.org/datePublished" is recommended, but does not exist.'
"""The tag has the date; in the file it would change bytes."""


@pytest.fixture(scope="module")
def releases(built: Built) -> dict[str, Opened]:
    return {name: built(name) for name in RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
def test_mlcroissant_takes_it_and_reads_every_table(
    releases: dict[str, Opened], recipe: str, caplog: pytest.LogCaptureFixture
) -> None:
    release = releases[recipe]
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(jsonld=release.folder / CROISSANT)
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert [line.partition("] ")[2] for line in issues.warnings] == [NO_DATE]
    assert {record_set.id for record_set in dataset.metadata.record_sets} == {"split", *release.names}
    for name in release.names:
        rows = release.table(name)
        records = [*islice(dataset.records(name), 3)]
        assert len(records) == min(3, len(rows))
        for record, row in zip(records, rows.iter_rows(named=True), strict=False):
            assert [column.partition("/")[2] for column in record] == rows.columns
            first = record[f"{name}/{rows.columns[0]}"]
            assert first.decode() == row[rows.columns[0]]


def test_lists_numbers_and_times_have_their_types(releases: dict[str, Opened]) -> None:
    document = releases["paxray"].document(CROISSANT)
    fields = {field["@id"]: field for records in document["recordSet"] for field in records["field"]}
    assert fields["masks/box"]["dataType"] == "sc:Integer"
    assert fields["masks/box"]["isArray"] is True
    assert fields["images/pixel_spacing_mm"]["dataType"] == "sc:Float"
    assert fields["studies/study_date"]["dataType"] == "sc:Date"
    assert fields["annotation_events/at"]["dataType"] == "sc:DateTime"
    assert fields["images/split"]["references"] == {"field": {"@id": "split/name"}}
    assert fields["images/rows"]["description"].endswith("[pixel]")


def test_it_holds_no_path_of_a_machine_and_is_the_same_again(releases: dict[str, Opened]) -> None:
    release = releases["paxray"]
    text = (release.folder / CROISSANT).read_text()
    assert json.loads(text) == croissant(Opened(release.folder))
    assert str(release.folder.parents[2]) not in text
    files = {part["@id"] for part in release.document(CROISSANT)["distribution"] if part["@type"] == "cr:FileObject"}
    assert files == {
        path.relative_to(release.folder).as_posix()
        for pattern in ("*.parquet", "*/*.tar")
        for path in release.folder.glob(pattern)
    }
    assert all((release.folder / Path(name)).is_file() for name in files)
