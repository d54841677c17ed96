"""``card/montage.png``: a few images as they are, with some of their masks and boxes."""

import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from curation import rle
from curation.errors import InputError
from curation.records import SPLITS
from curation.release.opened import Opened

_MOST, _COLUMNS, _TILE, _GAP, _LABEL = 12, 4, 292, 8, 24
_GROUND, _DARK, _INK, _SOFT = (226, 229, 233), (32, 38, 45), (24, 32, 42), (85, 96, 110)
_COLOURS = ((86, 180, 233), (240, 228, 66), (213, 94, 0), (204, 121, 167), (0, 158, 115), (230, 159, 0))
"""Of Okabe and Ito (2008)."""
_FIRST = ("right lung", "left lung", "heart", "aorta", "spine")
_FINDINGS = 1000
_BOXED = ("consensus", *(f"annotations_{split}" for split in SPLITS))
_OPACITY = 0.28
_FONT = 15
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Marks:
    """What is drawn on one image: masks and boxes by name; boxes are x0, y0, x1, y1 as shares of width and height."""

    masks: Mapping[str, NDArray[np.bool_]]
    boxes: Sequence[tuple[str, Box]]


def montage(release: Opened) -> bytes:
    """A PNG of up to twelve images, of each split and view; nothing for a release without images."""
    chosen = _choose(release.table("images"))
    if not chosen:
        return b""
    marks = _marks(release, chosen)
    names = sorted(
        {name for own in marks.values() for name in (*own.masks, *(name for name, _ in own.boxes))}, key=_place
    )
    colours = {name: _COLOURS[n % len(_COLOURS)] for n, name in enumerate(names)}
    columns = min(_COLUMNS, len(chosen))
    high = _TILE + _LABEL + _GAP
    legend = _legend_rows(names, columns * (_TILE + _GAP))
    size = (columns * (_TILE + _GAP) + _GAP, -(-len(chosen) // columns) * high + _GAP + legend * _LABEL)
    sheet = Image.new("RGB", size, _GROUND)
    for place, row in enumerate(chosen):
        corner = (_GAP + place % columns * (_TILE + _GAP), _GAP + place // columns * high)
        sheet.paste(_tile(release, row, marks[row["image_id"]], colours), corner)
        words = f"{row['split']} · {row['view'] or 'view not said'} · {row['kind']}"
        ImageDraw.Draw(sheet).text((corner[0], corner[1] + _TILE + 3), words, fill=_INK, font=_font())
    _legend(sheet, colours, size[1] - legend * _LABEL)
    return _png(sheet)


def _choose(images: pl.DataFrame) -> list[dict[str, Any]]:
    """By digest, in turns of each split and view; in order of split and view."""
    order = images.with_columns(n=pl.int_range(pl.len()).over("split", "view", order_by="sha256"))
    order = order.with_columns(
        at=pl.col("split").replace_strict(dict(zip(SPLITS, range(3), strict=True)), default=len(SPLITS))
    )
    first = order.sort("n", "at", "view", "sha256").head(_MOST)
    return list(first.sort("at", "view", "n").iter_rows(named=True))


def _marks(release: Opened, chosen: Sequence[Mapping[str, Any]]) -> dict[str, Marks]:
    ids = [row["image_id"] for row in chosen]
    masks: list[dict[str, Any]] = []
    if "masks" in release.names:
        own = release.table("masks").filter(pl.col("view_id").is_in(ids))
        wanted = pl.col("label").is_in(_FIRST) | (pl.col("category_id") >= _FINDINGS)
        masks = list(own.filter(wanted).sort("view_id", "label").iter_rows(named=True))
    boxes = list(_boxes(release, ids))
    return {row["image_id"]: Marks(_decoded(row, masks), _scaled(row, boxes)) for row in chosen}


def _decoded(image: Mapping[str, Any], masks: Iterable[Mapping[str, Any]]) -> dict[str, NDArray[np.bool_]]:
    """Masks of one image; one that does not fill it is not drawn: the release's check names it."""
    own = {}
    for mask in masks:
        if mask["view_id"] == image["image_id"]:
            with suppress(InputError):
                own[mask["label"]] = rle.decode(mask["rle"], image["rows"], image["columns"])
    return own


def _boxes(release: Opened, ids: Sequence[str]) -> Iterable[dict[str, Any]]:
    """Of the first of consensus and readers that there are; the pixels are the original's."""
    for table in _BOXED:
        if table in release.names and "class_name" in release.table(table).columns:
            rows = release.table(table).filter(pl.col("image_id").is_in(ids))
            corners = ("x_min", "y_min", "x_max", "y_max")
            yield from rows.select("image_id", *corners, name="class_name", table=pl.lit(table)).iter_rows(named=True)


def _scaled(image: Mapping[str, Any], boxes: Sequence[Mapping[str, Any]]) -> list[tuple[str, Box]]:
    own = [box for box in boxes if box["image_id"] == image["image_id"]]
    settled = [box for box in own if box["table"] == _BOXED[0]]
    wide, high = image["original_columns"], image["original_rows"]
    return [
        (box["name"], (box["x_min"] / wide, box["y_min"] / high, box["x_max"] / wide, box["y_max"] / high))
        for box in settled or own
    ]


def _tile(release: Opened, row: Mapping[str, Any], marks: Marks, colours: Mapping[str, Any]) -> Image.Image:
    tile = Image.new("RGB", (_TILE, _TILE), _DARK)
    data = io.BytesIO(release.picture(row))
    try:
        whole = Image.open(data).convert("L")
    except (OSError, SyntaxError):  # both are what Pillow raises at broken PNG files
        ImageDraw.Draw(tile).text((12, 12), "not a picture", fill=_GROUND, font=_font())
        return tile
    scale = _TILE / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    shown = _with_masks(whole.resize(size, Image.Resampling.LANCZOS), marks.masks, colours)
    draw = ImageDraw.Draw(shown)
    for name, (x0, y0, x1, y1) in marks.boxes:
        corners = (x0 * size[0], y0 * size[1], max(x1, x0) * size[0], max(y1, y0) * size[1])
        draw.rectangle(corners, outline=colours[name], width=2)
    tile.paste(shown, ((_TILE - size[0]) // 2, (_TILE - size[1]) // 2))
    return tile


def _with_masks(
    image: Image.Image, masks: Mapping[str, NDArray[np.bool_]], colours: Mapping[str, tuple[int, int, int]]
) -> Image.Image:
    pixels = np.repeat(np.asarray(image, dtype=np.float64)[:, :, None], 3, axis=2)
    for name in sorted(masks, key=_place):
        small = Image.fromarray(masks[name]).resize(image.size, Image.Resampling.NEAREST)
        mask = np.asarray(small, dtype=bool)
        colour = np.array(colours[name], dtype=np.float64)
        pixels[mask] = (1 - _OPACITY) * pixels[mask] + _OPACITY * colour
        pixels[mask & ~_inner(mask)] = colour
    return Image.fromarray(pixels.round().astype(np.uint8))


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels whose four neighbours are in the mask too."""
    padded = np.pad(mask, 1)
    return padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _legend_rows(names: Sequence[str], width: int) -> int:
    return len(_legend_lines(names, width))


def _legend_lines(names: Sequence[str], width: int) -> list[list[tuple[str, float]]]:
    lines: list[list[tuple[str, float]]] = []
    x = float(width)
    for name in names:
        wide = 22 + _font().getlength(name) + 18
        if x + wide > width:
            lines.append([])
            x = 0.0
        lines[-1].append((name, x))
        x += wide
    return lines


def _legend(sheet: Image.Image, colours: Mapping[str, tuple[int, int, int]], top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(_legend_lines(list(colours), sheet.width - _GAP)):
        for name, x in line:
            y = top + number * _LABEL - 2
            draw.rectangle((_GAP + x, y + 2, _GAP + x + 14, y + 16), fill=colours[name], outline=_SOFT)
            draw.text((_GAP + x + 22, y), name, fill=_INK, font=_font())


def _font() -> Any:
    return ImageFont.load_default(_FONT)


def _png(sheet: Image.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
