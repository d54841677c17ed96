"""What a release of ``paxray`` promises of its masks, landmarks and partner pictures."""

from collections.abc import Iterator

import polars as pl

from curation import rle
from curation.release.hidden import HIDDEN
from curation.release.opened import Opened

RAW = "raw"
"""Pictures that are the image itself, in 16 bits."""
_PHRASES = ("phrases", "image_id")
_LOOKED_AT = 200
"""Masks whose run lengths are counted, spread evenly over the table; boxes and sizes are looked at for all."""


def wrong_masks(release: Opened) -> Iterator[str]:
    """Masks and phrases that name no image, leave it, or have another area than their run lengths."""
    size = release.table("images").select("image_id", "rows", "columns")
    for table, column in (("masks", "view_id"), ("visible_masks", "view_id"), ("phrases", "image_id")):
        rows = release.table(table).select(pl.col(column).alias("image_id"), "box")
        if len(rows.join(size, on="image_id", how="anti")):
            yield f"{table}: a row names an image that is not in the release"
        x, y, width, height = (pl.col("box").list.get(place) for place in range(4))
        outside = (x < 0) | (y < 0) | (x + width > pl.col("columns")) | (y + height > pl.col("rows"))
        if len(rows.join(size, on="image_id").filter(outside)):
            yield f"{table}: a box lies outside its image"
    yield from _wrong_runs(release)
    masks = release.whole("masks").select("view_id", "label")
    for table, column in (("outlines", "view_id"), ("visible_masks", "view_id"), ("mask_quality", "view_id"), _PHRASES):
        if len(release.whole(table).join(masks, left_on=[column, "label"], right_on=["view_id", "label"], how="anti")):
            yield f"{table}: a row is of a mask that is not there"


def _wrong_runs(release: Opened) -> Iterator[str]:
    masks = release.table("masks").select("rle", "area_px")
    looked_at = masks.gather_every(max(1, len(masks) // _LOOKED_AT))
    if any(rle.area(runs) != area for runs, area in looked_at.iter_rows()):
        yield "masks: a mask's area is not that of its run lengths"


def wrong_landmarks(release: Opened) -> Iterator[str]:
    """Landmarks that are not those of their measurement."""
    measured = release.table("measurements").select(
        pl.col("view_id").alias("image_id"), "measure", pl.col("landmarks").list.len().alias("n")
    )
    found = release.table("landmarks").group_by("image_id", "measure").len("m")
    both = measured.filter(pl.col("n") > 0).join(found, on=["image_id", "measure"], how="full")
    if len(both.filter(pl.col("n").ne_missing(pl.col("m")))):
        yield "landmarks: a measurement has other points than its landmarks"


def wrong_pictures(release: Opened) -> Iterator[str]:
    """Partners of no image, or of another split than their image."""
    images = release.table("images").select("image_id", pl.col("split").alias("own"))
    pictures = release.table("pictures").join(images, on="image_id", how="left")
    if len(pictures.filter(pl.col("split").ne_missing(pl.col("own")))):
        yield "pictures: a picture is of no image, or stands in another split"
    hidden = pictures.filter((pl.col("split") == HIDDEN) & (pl.col("kind") != RAW))
    if release.settings["hidden_test"] and len(hidden):
        yield "pictures: a picture of the hidden split shows what its masks would"
