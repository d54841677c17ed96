"""Files are those that were built."""

from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from curation.release.changes import CHANGES
from curation.release.croissant import CROISSANT
from curation.release.files import json_text, lying_in
from curation.release.mini import MINI, write_mini
from curation.release.opened import CHECKSUMS, PROVENANCE, Opened
from curation.release.recipe import Rows, recipe_named
from curation.store import file_sha256, part_rows

_OTHERS = (CHECKSUMS, PROVENANCE, CROISSANT, CHANGES, "CHANGES.md", "loaders.py")
"""Files of every release beside its tables."""


def wrong_sums(folder: Path) -> list[str]:
    """Files of a folder that are not what its checksums say."""
    if not (folder / CHECKSUMS).is_file():
        return [f"{CHECKSUMS} is missing"]
    lines = (line.partition("  ") for line in (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines())
    listed = {name: sha256 for sha256, _, name in lines}
    there = {name: path for name, path in lying_in(folder).items() if path.is_file() and path.name != CHECKSUMS}
    both = sorted(listed.keys() & there.keys())
    wrong = [f"{name}: bytes differ from {CHECKSUMS}" for name in both if file_sha256(there[name]) != listed[name]]
    return wrong + [f"{name}: listed or present, but not both" for name in sorted(listed.keys() ^ there.keys())]


def wrong_files(release: Opened, card: Collection[str]) -> Iterator[str]:
    """Documents that are not what the tables give, and files too many or too few: whatever lies there is passed on.

    ``card``: the files of the data card.
    """
    documents = recipe_named(release.recipe).files(_Tables(release))
    for path, content in documents.items():
        file = release.folder / path
        if file.is_file() and file.read_text(encoding="utf-8") != json_text(content):
            yield f"{path}: it is not what the tables give"
    shards = {shard for name in release.names for shard in _named(release, name)}
    tables = {f"{name}{ending}" for name in release.names for ending in (".parquet", ".csv.gz")}
    known = tables | shards | {*documents, *card, *_OTHERS}
    there = lying_in(release.folder)
    own = {name for name, path in there.items() if path.is_file() and not name.startswith(f"{MINI}/")}
    links = {name for name, path in there.items() if path.is_symlink()}
    yield from (f"{name}: it is missing, or no file of a release" for name in sorted((own ^ known) | links))


def _named(release: Opened, table: str) -> list[str]:
    rows = release.table(table)
    return rows["shard"].unique().to_list() if "shard" in rows.columns else []


class _Tables(dict[str, Rows]):
    """The tables as records, each read when it is asked for."""

    def __init__(self, release: Opened) -> None:
        self._release = release

    def __missing__(self, name: str) -> Rows:
        record = self._release.record(name)
        return record, list(part_rows(record, self._release.folder / f"{name}.parquet"))


def wrong_mini(release: Opened) -> list[str]:
    """What of the small release is not as its own checksums say, or is not what the release gives."""
    wrong = wrong_sums(release.folder / MINI)
    if not wrong:
        with TemporaryDirectory() as folder:
            write_mini(release, Path(folder))
            sums, given = (root / MINI / CHECKSUMS for root in (Path(folder), release.folder))
            wrong = ["it is not what the release gives"] if sums.read_bytes() != given.read_bytes() else []
    return [f"{MINI}: {what}" for what in wrong]
