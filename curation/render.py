"""Render: each radiograph as a picture that any program opens.

Reads ``radiographs`` of the catalog and their files of ``data/``; writes ``renders``, whose PNG files have 8 bits and
bone bright. A large one is made smaller by Lanczos' filter: an area average moves lines by up to half a pixel where the
ratio is no whole number, and blurs what is as fine as the edge of a pneumothorax.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.dicom import Film, read_film
from curation.films import Shade, grey_of, png, seen
from curation.records import Instance, Radiograph, Render
from curation.settings import RenderSettings
from curation.stage import Batch, Item, Stage
from curation.store import digest, read_member, read_rows
from curation.workspace import Workspace

_SQUARE = 1e-3  # of the spacing: how far that of rows may be from that of columns


def plan(workspace: Workspace) -> list[Item]:
    """One item per radiograph."""
    wanted = {row.instance_id for row in read_rows(Radiograph, workspace.tables("catalog"))}
    films = (row for row in read_rows(Instance, workspace.tables("deid")) if row.instance_id in wanted)
    return [Item(row.instance_id, digest(row.sha256), row) for row in films]


def one(batch: Batch, item: Item) -> list[Render]:
    """The picture of one radiograph; raises Rejected if its pixels cannot be read."""
    settings: RenderSettings = batch.settings
    row: Instance = item.payload
    film = read_film(read_member(batch.workspace.tables("deid"), row.shard, row.offset, row.length))
    whole, grey = seen(film, grey_of(film))
    picture = shrunk(whole, settings.size_px)
    spacing = spacing_mm(film)
    place = batch.store(f"{row.instance_id}.png", png(picture))
    return [
        Render(
            instance_id=row.instance_id,
            rows=picture.shape[0],
            columns=picture.shape[1],
            original_rows=whole.shape[0],
            original_columns=whole.shape[1],
            pixel_spacing_mm=spacing and spacing * max(whole.shape) / max(picture.shape),
            photometric="MONOCHROME2",
            grey=grey,
            pixel_sha256=pixel_sha256(film.stored),
            sha256=place.sha256,
            shard=place.shard,
            offset=place.offset,
            length=place.length,
        )
    ]


def shrunk(picture: Shade, size_px: int) -> Shade:
    """The picture with at most ``size_px`` pixels on its longer side; a small one as it is."""
    longer = max(picture.shape)
    if longer <= size_px:
        return picture
    rows, columns = (max(1, round(side * size_px / longer)) for side in picture.shape)
    return np.asarray(Image.fromarray(picture).resize((columns, rows), Image.Resampling.LANCZOS))


def spacing_mm(film: Film) -> float | None:
    """Distance of the film's pixels on the detector, in mm; None if it is unknown or rows and columns differ."""
    if not film.spacing_mm or min(film.spacing_mm) <= 0:
        return None
    rows, columns = film.spacing_mm
    return rows if math.isclose(rows, columns, rel_tol=_SQUARE) else None


def pixel_sha256(stored: NDArray[np.integer]) -> str:
    """SHA-256 of rows and columns (four bytes each) and of the stored values, two bytes each, little-endian.

    Compression, header and name make no difference, so that one image that came twice is seen.
    """
    shape = b"".join(side.to_bytes(4, "little") for side in stored.shape)
    values = np.ascontiguousarray(stored, "<i2" if stored.dtype.kind == "i" else "<u2")
    total = hashlib.sha256(shape)
    total.update(values.data)
    return total.hexdigest()


STAGE = Stage(name="render", writes=(Render,), plan=plan, one=one)
