"""``mini/``: the release in small, for a first look: at most a hundred images and the rows that speak of them.

It has the same layout. Whole studies are taken, in turn from each split and kind of image, in the order of a hash of
their ids; each brings the studies that its rows name as earlier ones. Reports are those of these studies, and others
without images up to a hundred. A row is taken if all is taken that it names and that is in the release: what resolves
there resolves here.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path

import polars as pl

from curation.release.files import write_checksums, write_json
from curation.release.opened import Opened
from curation.release.recipe import Rows, recipe_named
from curation.release.shards import Member, Shards
from curation.store import arrow_schema, part_rows, write_parquet

MINI = "mini"
MOST = 100
"""Images, and reports."""
PLACED = ("file_name", "shard", "offset", "length")
"""Columns of tables whose rows are pictures."""
_NAMED = {
    "image": (
        *("image_id", "view_id", "subject_id", "item_id", "twin_id", "image_ids"),
        *("key_image_id", "lateral_id", "prior_image_id"),
    ),
    "report": (
        *("report_id", "subject_id", "item_id", "twin_id"),
        *("query_id", "candidate_id", "prior_report_id"),
    ),
    "study": ("study_id", "prior_study_id", "item_id"),
    "series": ("series_id",),
    "patient": ("patient_id",),
}
"""Columns that name a thing of each kind."""
_BEHIND = {"consensus_id": "consensus", "event_id": "answers"}
"""Columns that name a row of a table by which the rows of others are taken."""


def write_mini(release: Opened, into: Path | None = None) -> None:
    """Write the folder ``mini`` into the release, or into another folder."""
    folder = (into or release.folder) / MINI
    folder.mkdir()
    left = _left(release)
    tables = {name: _without(release.table(name), left) for name in release.names}
    for name in release.names:
        for column, behind in _BEHIND.items():
            if name != behind and behind in tables and column in tables[name].columns:
                tables[name] = tables[name].join(tables[behind], on=column, how="semi", maintain_order="left")
    write_checksums(_written(release, tables, folder))


def _written(release: Opened, tables: Mapping[str, pl.DataFrame], folder: Path) -> Path:
    """Write the tables, their pictures and the recipe's documents; returns the folder."""
    records: dict[str, Rows] = {}
    for name, rows in tables.items():
        record, path = release.record(name), folder / f"{name}.parquet"
        placed = _stored(release, rows, folder) if set(PLACED) <= set(rows.columns) else rows
        write_parquet(placed.to_arrow().cast(arrow_schema(record)), path)
        records[name] = (record, list(part_rows(record, path)))
    for document, content in recipe_named(release.recipe).files(records).items():
        write_json(folder / document, content)
    return folder


def _stored(release: Opened, rows: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Rows of pictures, which are put into shards of their own."""
    members: dict[str, list[Member]] = {}
    for row in rows.iter_rows(named=True):
        member = Member(row["file_name"], row["split"], _reader(release, row))
        members.setdefault(_folder(row["shard"]), []).append(member)
    places = {folder_name: Shards(folder).write(folder_name, own) for folder_name, own in sorted(members.items())}
    ordered = [places[_folder(shard)][name] for shard, name in rows.select("shard", "file_name").iter_rows()]
    return rows.with_columns(
        pl.Series("shard", [place.shard for place in ordered], pl.String),
        pl.Series("offset", [place.offset for place in ordered], pl.Int64),
    )


def _folder(shard: str) -> str:
    return shard.rpartition("/")[0]


def _reader(release: Opened, row: Mapping[str, object]) -> Callable[[], bytes]:
    return lambda: release.picture(row)


# --- what is taken ---------------------------------------------------------------------------------------


def _left(release: Opened) -> Mapping[str, Sequence[str]]:
    """Of each kind of thing: the ids in the release that are not taken."""
    images = release.table("images")
    shown = images.filter(pl.col("study_id").is_in(_studies(release, images)))
    reports = _reports(release)
    told = _told(reports, images, shown)
    taken = {
        "image": shown["image_id"],
        "series": shown["series_id"],
        "report": told["report_id"],
        "study": pl.concat([shown["study_id"], told["study_id"].drop_nulls()]),
        "patient": pl.concat([shown["patient_id"], told["patient_id"]]),
    }
    there = {
        "image": images["image_id"],
        "series": images["series_id"],
        "report": reports["report_id"],
        "study": release.table("studies")["study_id"],
        "patient": release.table("patients")["patient_id"],
    }
    return {kind: sorted({*there[kind]} - {*taken[kind]}) for kind in there}


def _without(rows: pl.DataFrame, left: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """The rows that name nothing of what is left."""
    for kind, columns in _NAMED.items():
        for column in set(columns) & set(rows.columns):
            named = pl.col(column)
            if isinstance(rows.schema[column], pl.List):
                names_left = named.list.eval(pl.element().is_in(left[kind])).list.any()
            else:
                names_left = named.is_in(left[kind])
            rows = rows.filter(~names_left.fill_null(value=False))
    return rows


def _studies(release: Opened, images: pl.DataFrame) -> list[str]:
    """Studies with images, in turn from each split and kind, each with its earlier ones, as long as they fit."""
    earlier = _earlier(release)
    sizes = dict(images.group_by("study_id").len().iter_rows())
    groups: dict[tuple[str, str], set[str]] = {}
    for study, split, kind in images.select("study_id", "split", "kind").unique().iter_rows():
        groups.setdefault((split, kind), set()).add(study)
    taken: dict[str, int] = {}
    for study in _in_turn([_by_hash(group) for _, group in sorted(groups.items())]):
        new = {name: sizes.get(name, 0) for name in _with_earlier(study, earlier) if name not in taken}
        if sum(taken.values()) + sum(new.values()) <= MOST:
            taken |= new
    return list(taken)


def _earlier(release: Opened) -> Mapping[str, str]:
    """The study that a study's rows name as the one before it."""
    tables = (release.table(name) for name in release.names)
    pairs = (rows.select("study_id", "prior_study_id") for rows in tables if "prior_study_id" in rows.columns)
    return {study: prior for rows in pairs for study, prior in rows.drop_nulls().iter_rows()}


def _with_earlier(study: str, earlier: Mapping[str, str]) -> Iterator[str]:
    yield study
    while study in earlier:
        study = earlier[study]
        yield study


def _reports(release: Opened) -> pl.DataFrame:
    """The reports that a release names by patient: ``report_id``, ``study_id`` (null if it does not say), patient."""
    about = ["report_id", "study_id", "patient_id", "split"]
    for name in ("reports", "pairs", "mentions", "concept_labels"):
        if name in release.names and {"report_id", "patient_id"} <= set(release.table(name).columns):
            rows = release.table(name)
            study = [] if "study_id" in rows.columns else [pl.lit(None, pl.String).alias("study_id")]
            return rows.with_columns(*study).select(about).unique("report_id", maintain_order=True)
    return pl.DataFrame(schema=dict.fromkeys(about, pl.String))


def _told(reports: pl.DataFrame, images: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    """Reports of the studies that are taken, and then others without images, in turn from each split."""
    own = reports.join(shown, on="study_id", how="semi", maintain_order="left")
    others = reports.join(images, on="study_id", how="anti", maintain_order="left")
    groups = [_by_hash(rows["report_id"]) for _, rows in sorted(others.group_by("split"))]
    more = list(_in_turn(groups))[: max(0, MOST - len(own))]
    return pl.concat([own, others.filter(pl.col("report_id").is_in(more))])


def _by_hash(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def _in_turn(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first of each group, then the second of each, and so on."""
    return (name for name in chain.from_iterable(zip_longest(*groups)) if name is not None)
