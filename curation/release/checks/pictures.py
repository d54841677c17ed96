"""Pictures lie where the tables say, and are what the tables say."""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from curation.release.mini import PLACED
from curation.release.opened import Opened

LOOKED_AT = 200
"""Pictures of a table that are read, the first in the order of a hash of their names."""
_PLACE = ("file_name", "offset", "length")
_STEM = pl.col("image_id").str.replace_all(".", "-", literal=True)
_NAMES = {
    "a file name is not that of its image": (pl.col("file_name") != _STEM + ".png")
    | pl.col("file_name").str.contains("/", literal=True),
    "a picture lies in a shard of another split": pl.col("shard")
    .str.extract(r"/(\w+)-[^/]*$")
    .ne_missing(pl.col("split")),
}
_HEAD = b"\x89PNG\r\n\x1a\n"
_SIZE = slice(16, 24)
"""Of a PNG: width and height, four bytes each (RFC 2083 3.2 and 4.1.1)."""


def wrong_pictures(release: Opened) -> Iterator[str]:
    """Pictures outside their shard, under a name that stands twice, or with other bytes or size than their row says."""
    for name in release.names:
        rows = release.table(name)
        if {*PLACED, "sha256"} <= set(rows.columns):
            yield from (f"{name}: {what}" for what in _wrong_places(release, rows))


def _wrong_places(release: Opened, rows: pl.DataFrame) -> Iterator[str]:
    if rows.select("shard", "file_name").is_duplicated().any():
        yield "two pictures of a shard have one file name"
    yield from (what for what, is_so in _NAMES.items() if rows.filter(is_so).height)
    if not rows["shard"].is_in(shards_of(release).implode()).all():
        yield "a shard is missing"
        return
    if not all(_held(release, shard).equals(own) for shard, own in _by_shard(rows)):
        yield "a shard does not hold the pictures that its rows name, each in its place, and no other"
        return
    sample = sorted(rows["file_name"].unique(), key=lambda name: hashlib.sha256(name.encode()).digest())[:LOOKED_AT]
    found = {what for row in _present(rows, sample) for what in _wrong_picture(release.picture(row), row)}
    yield from sorted(found)


def _present(rows: pl.DataFrame, names: list[str]) -> Iterator[Mapping[str, Any]]:
    return rows.filter(pl.col("file_name").is_in(names)).iter_rows(named=True)


def shards_of(release: Opened) -> pl.Series:
    """The shards of the release's own folder, as rows name them: a row must not lead out of it."""
    paths = sorted(release.folder.glob("*/*.tar"))
    return pl.Series([path.relative_to(release.folder).as_posix() for path in paths], dtype=pl.String)


def _by_shard(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (shard,), own in rows.select("shard", *_PLACE).sort("offset").group_by("shard", maintain_order=True):
        yield str(shard), own.drop("shard")


def _held(release: Opened, shard: str) -> pl.DataFrame:
    """What a shard has: names and places."""
    try:
        with tarfile.open(release.folder / shard, "r:") as archive:
            held = [(member.name, member.offset_data, member.size) for member in archive]
    except tarfile.TarError:
        held = []
    return pl.DataFrame(held, dict.fromkeys(_PLACE, pl.Int64) | {_PLACE[0]: pl.String}, orient="row")


def _wrong_picture(data: bytes, row: Mapping[str, Any]) -> Iterator[str]:
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        yield "a picture has other bytes than its row says"
    elif not data.startswith(_HEAD):
        yield "a picture is no PNG"
    elif "columns" in row:
        width, height = (int.from_bytes(data[_SIZE][at : at + 4], "big") for at in (0, 4))
        if (height, width) != (row["rows"], row["columns"]):
            yield "a picture has another size than its row says"
