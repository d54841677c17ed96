"""What the ``reader-boxes`` recipe promises, proved from the release's own tables."""

from collections.abc import Iterator

import polars as pl

from curation.records import SPLITS
from curation.release.opened import Opened

_READ = ["image_id", "rad_id", "reading"]
_OFF_PX = 1.0
"""A box may reach this far beyond its image: what a reader draws to the edge is rounded."""


def _annotations(release: Opened) -> pl.DataFrame:
    return pl.concat([release.whole(f"annotations_{split}") for split in SPLITS])


def doubled_reads(release: Opened) -> Iterator[str]:
    """Readings that stand twice, boxes without a reading, and readings with another number of boxes than they say."""
    reads, drawn = release.whole("reads"), _annotations(release)
    if reads.select(_READ).is_duplicated().any():
        yield "reads: an image, reader and reading stand twice"
    if drawn.select(*_READ, "number").is_duplicated().any():
        yield "annotations: an image, reader, reading and number stand twice"
    if drawn.join(reads, on=_READ, how="anti").height:
        yield "annotations: a box of a reading that is not in reads"
    counted = drawn.group_by(_READ).len("n_drawn")
    joined = reads.join(counted, on=_READ, how="left").with_columns(pl.col("n_drawn").fill_null(0))
    if joined.filter(pl.col("n_drawn") != pl.col("n_boxes")).height:
        yield "reads: n_boxes is not the number of the reader's boxes"
    if release.whole("image_labels").join(reads, on=_READ, how="anti").height:
        yield "image_labels: a label of a reading that is not in reads"


def wrong_places(release: Opened) -> Iterator[str]:
    """Rows of images that are not there or in another split, and boxes that reach out of their image."""
    images = release.table("images").select("image_id", "split", "original_rows", "original_columns")
    drawn = [
        (f"annotations_{split}", release.whole(f"annotations_{split}").with_columns(split=pl.lit(split)))
        for split in SPLITS
    ]
    told = [(name, release.whole(name)) for name in ("reads", "image_labels", "consensus")]
    for name, rows in (*drawn, *told):
        if rows.join(images, on=["image_id", "split"], how="anti").height:
            yield f"{name}: an image is not in the release, or in another split"
        if "x_min" in rows.columns:
            inside = rows.join(images, on="image_id").select(
                _inside("x", "original_columns") & _inside("y", "original_rows")
            )
            if not inside.to_series().all():
                yield f"{name}: a box is empty or reaches out of its image"


def _inside(axis: str, size: str) -> pl.Expr:
    low, high = pl.col(f"{axis}_min"), pl.col(f"{axis}_max")
    return (low >= -_OFF_PX) & (low < high) & (high <= pl.col(size) + _OFF_PX)


def wrong_votes(release: Opened) -> Iterator[str]:
    """Consensus by more readers than there were, or by some who did not read the image."""
    consensus = release.whole("consensus")
    votes, n_readers = pl.col("votes"), pl.col("n_readers")
    if (
        not consensus.select((votes >= 1) & (votes <= n_readers) & (votes == pl.col("rad_ids").list.len()))
        .to_series()
        .all()
    ):
        yield "consensus: votes are more than readers, or not those of rad_ids"
    if not consensus.select((pl.col("score") - votes / n_readers).abs() < 1e-3).to_series().all():
        yield "consensus: score is not votes over readers"
    voted = consensus.select("image_id", "rad_ids").explode("rad_ids")
    if voted.join(
        release.whole("reads"), left_on=["image_id", "rad_ids"], right_on=["image_id", "rad_id"], how="anti"
    ).height:
        yield "consensus: a reader of rad_ids has not read the image"


def lost_origins(release: Opened) -> Iterator[str]:
    """Rows whose trail breaks off."""
    known = pl.concat(
        [release.whole("annotation_events")["event_id"], release.whole("ct_outlines")["object_id"]]
    ).to_list()
    annotations = _annotations(release)["source_id"]
    told = {
        "annotations": annotations,
        "image_labels": release.whole("image_labels")["source_id"],
        "consensus": release.whole("consensus")["source_ids"].explode().drop_nulls(),
        "decisions": release.whole("decisions")["event_ids"].explode().drop_nulls(),
    }
    for name, source_ids in told.items():
        if not source_ids.is_in(known).all():
            yield f"{name}: a source is neither in annotation_events nor in ct_outlines"


CHECKS = (doubled_reads, wrong_places, wrong_votes, lost_origins)
