"""How much burned-in text is found and removed, what is taken that is no text, and how long it takes.

    python bench/pixels.py [--count N] [--seed N] [--slices FOLDER] [--json]

Text is planted on radiographs, slices, projections of slices, ultrasound-like colour and empty pages: letters of 8 to
40 pixels, 15 to 100 % of the range as contrast, upright and turned, light and dark, smooth and hard-edged. It is gone
if what is left correlates with what was there by 0.3 at most inside its box. FOLDER holds slices of one real series;
without it they are made.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from curation.deid.pixels import Area, Image, Screen, clean_pixels, decode

NATIVE = "1.2.840.10008.1.2.1"
LEAK = 0.3  # correlation inside a box: shared/deid/score_deid.py draws the line there too
LEGIBLE, SPREAD = 0.08, 2  # of the range, and times their spread: what a box's pixels must differ from the ink by
CONSONANTS, VOWELS, DIGITS = list("bdfgklmnprstvz"), list("aeiou"), list("0123456789")
FONTS = ("", "DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSans-Bold.ttf")  # the first is Pillow's own
Random = np.random.Generator
Pixels = NDArray[Any]


@dataclass(frozen=True)
class Style:
    """How a text is written."""

    size: int
    contrast: float
    turns: int
    darker: bool
    smooth: bool
    font: str


@dataclass(frozen=True)
class Plant:
    """A text and where it stands."""

    text: str
    x: int
    y: int
    width: int
    height: int
    style: Style


# --- pictures --------------------------------------------------------------------------------------------


def radiograph(random: Random, rows: int = 1500, columns: int = 1250, top: int = 4095) -> Pixels:
    """Lungs, spine, ribs, a collimated border and noise that grows with the signal."""
    y, x = np.mgrid[0:rows, 0:columns] / np.array([rows, columns]).reshape(2, 1, 1)
    picture: NDArray[np.float64] = 0.75 - sum(
        0.45 * np.exp(-(((x - side) / 0.14) ** 2 + ((y - 0.45) / 0.28) ** 2)) for side in (0.32, 0.68)
    )
    picture += 0.15 * np.exp(-(((x - 0.5) / 0.05) ** 2))
    for rib in range(9):
        line = (y - 0.12 - 0.085 * rib - 0.5 * (x - 0.5) ** 2) / 0.008
        picture += 0.06 * np.exp(-(line**2)) * (abs(x - 0.5) > 0.07)
    border = random.integers(8, 40)
    picture[:border], picture[:, -border:] = 0.02, 0.02
    picture += random.normal(0, 1, picture.shape) * 0.012 * np.sqrt(np.clip(picture, 0, 1))
    return (np.clip(picture, 0, 1) * top).astype(np.uint16)


def made_slice(random: Random, side: int = 512) -> Pixels:
    """A thorax with lungs, vertebra and vessels, CT numbers above -1024."""
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    hu = np.where((x / 0.42) ** 2 + (y / 0.33) ** 2 < 1, 40.0, -1000.0)
    for lung in (-0.2, 0.2):
        hu[((x - lung) / 0.13) ** 2 + (y / 0.2) ** 2 < 1] = -850
    for _ in range(60):
        centre, size = random.uniform(-0.3, 0.3, 2), random.uniform(0.002, 0.012)
        hu[((x - centre[0]) ** 2 + (y - centre[1]) ** 2) < size**2] = random.uniform(-100, 200)
    hu[(x**2 + (y - 0.22) ** 2) < 0.002] = 700
    return (hu + random.normal(0, 25, hu.shape)).round().clip(-1024, 3071).astype(np.int16)


def ultrasound(random: Random) -> Pixels:
    """A fan of speckle on black, with a little colour."""
    y, x = np.mgrid[0:480, 0:640]
    fan = (abs(np.arctan2(x - 320, y - 20)) < 0.6) & (np.hypot(x - 320, y - 20) < 430) & (y > 40)
    grains = random.gamma(2, 25, (160, 214)).clip(0, 180)
    speckle = np.asarray(Picture.fromarray(grains).resize((640, 480), Picture.Resampling.BICUBIC))
    grey = (speckle + random.normal(0, 4, speckle.shape)) * fan
    colour = np.repeat(grey[..., None], 3, axis=2)
    colour[200:240, 280:340, 0] += 70
    return colour.clip(0, 255).astype(np.uint8)


def page(random: Random) -> Pixels:
    """An empty screen capture."""
    return np.full((400, 640), int(random.choice([0, 20, 128, 235])), np.uint8)


# --- text ------------------------------------------------------------------------------------------------


def phrase(random: Random) -> str:
    """Something that identifies: a name, a number, a date, a time."""

    def word() -> str:
        return "".join(random.choice(CONSONANTS) + random.choice(VOWELS) for _ in range(random.integers(2, 5)))

    def number(length: int) -> str:
        return "".join(random.choice(DIGITS, length))

    day, month, year = random.integers(1, 29), random.integers(1, 13), random.integers(1930, 2025)
    return str(
        random.choice(
            [
                f"{word()} {word()}".upper(),
                f"{word().capitalize()}, {word().capitalize()}",
                f"MRN{number(8)}",
                f"ID: {number(7)}",
                f"{year}-{month:02}-{day:02}",
                f"{month:02}/{day:02}/{year}",
                f"DOB {number(8)}",
                f"Dr. {word().capitalize()} {random.integers(0, 24):02}:{random.integers(0, 60):02}",
            ]
        )
    )


def style(random: Random) -> Style:
    """One of the ways in which scanners, PACS and digitizers write."""
    return Style(
        int(random.choice([8, 9, 10, 12, 16, 24, 32, 40])),
        float(random.choice([0.15, 0.3, 0.6, 1.0])),
        int(random.choice([0, 0, 0, 1, 2, 3])),
        bool(random.integers(2)),
        bool(random.integers(2)),
        str(random.choice(FONTS)),
    )


def glyphs(text: str, how: Style) -> NDArray[np.float64]:
    """The text as ink from 0 to 1, cut out and turned."""
    font = ImageFont.truetype(how.font, how.size) if how.font else ImageFont.load_default(size=how.size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
    picture = Picture.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), text, fill=255, font=font)
    ink = np.asarray(picture) / 255
    return np.rot90(np.asarray(ink if how.smooth else ink > 0.38, np.float64), how.turns)


def planted(picture: Pixels, random: Random, how: Style, span: tuple[float, float]) -> tuple[Pixels, Plant] | None:
    """The picture with one text somewhere, one time in six at its border; None if no legible one fits."""
    text = phrase(random)
    ink = glyphs(text, how)
    height, width = ink.shape
    rows, columns = picture.shape[:2]
    if height >= rows or width >= columns:
        return None
    y, x = int(random.integers(rows - height)), int(random.integers(columns - width))
    if random.integers(6) == 0:
        y, x = [(0, x), (rows - height, x), (y, 0), (y, columns - width)][random.integers(4)]
    place = np.s_[y : y + height, x : x + width]
    below = picture[place].astype(np.float64)
    colour = _ink(below, how, span)
    if not is_legible(below, colour, span):
        return None
    result = picture.copy()
    cover = ink.reshape(ink.shape + (1,) * (picture.ndim - 2))
    result[place] = (below * (1 - cover) + colour * cover).round()
    return result, Plant(text, x, y, width, height, how)


def is_legible(below: NDArray[np.float64], colour: NDArray[np.float64], span: tuple[float, float]) -> bool:
    """Whether nine tenths of what is below a text differ from its ink, and it stands out of what is there anyway."""
    apart = np.abs(below - colour)
    spread = below.std(axis=(0, 1)).max()
    return bool(np.quantile(apart, 0.1) >= LEGIBLE * (span[1] - span[0]) and np.median(apart) >= SPREAD * spread)


def _ink(below: NDArray[np.float64], how: Style, span: tuple[float, float]) -> NDArray[np.float64]:
    """The ink's value: so much away from what is below it, to the other side if it would leave the range."""
    middle, step = np.median(below, axis=(0, 1)), how.contrast * (span[1] - span[0])
    wanted = middle - step if how.darker else middle + step
    other = middle + step if how.darker else middle - step
    fits = np.all((wanted >= span[0]) & (wanted <= span[1]))
    if not fits and np.min(np.abs(np.clip(other, *span) - middle)) > np.min(np.abs(np.clip(wanted, *span) - middle)):
        wanted = other
    return np.asarray(np.clip(wanted, *span), np.float64)


# --- measured --------------------------------------------------------------------------------------------


def image_of(picture: Pixels) -> Image:
    """The header of a native image of one frame."""
    samples = picture.shape[2] if picture.ndim == 3 else 1
    bits = picture.dtype.itemsize * 8
    photometric = "RGB" if samples == 3 else "MONOCHROME2"
    rows, columns = picture.shape[:2]
    return Image(NATIVE, rows, columns, samples, 1, bits, bits, picture.dtype.kind == "i", photometric, 0)


def leak(before: Pixels, after: Pixels, plant: Plant) -> float:
    """Correlation of what is left in the box with what was there."""
    place = np.s_[plant.y : plant.y + plant.height, plant.x : plant.x + plant.width]
    one, other = before[place].astype(np.float64).ravel(), after[place].astype(np.float64).ravel()
    return 0.0 if min(one.std(), other.std()) < 1e-6 else float(np.corrcoef(one, other)[0, 1])


def cleaned(picture: Pixels, areas: tuple[Area, ...] | None = None) -> Pixels:
    """The picture after a look at all of it, or at some areas."""
    clean = clean_pixels(image_of(picture), picture.tobytes(), areas)
    return picture if clean.value is None else decode(image_of(picture), clean.value)[0]


def backgrounds(slices: list[Pixels]) -> dict[str, tuple[Callable[[Random], Pixels], tuple[float, float]]]:
    """What text is planted on, each with the range of its values."""
    least, most = np.min(slices, axis=0), np.max(slices, axis=0)
    full = float(least.min()), float(most.max())
    return {
        "radiograph": (radiograph, (0, 4095)),
        "slice": (lambda random: slices[random.integers(len(slices))], full),
        "maximum": (lambda _: most, full),
        "minimum": (lambda _: least, full),
        "ultrasound": (ultrasound, (0, 255)),
        "page": (page, (0, 255)),
    }


def recall(count: int, seed: int, slices: list[Pixels]) -> Iterator[tuple[str, Plant, float]]:
    """Kind of picture, text and leak of so many planted texts."""
    random = np.random.default_rng(seed)
    kinds = backgrounds(slices)
    done = 0
    while done < count:
        kind = list(kinds)[done % len(kinds)]
        make, span = kinds[kind]
        found = planted(make(random), random, style(random), span)
        if found is not None:
            done += 1
            yield kind, found[1], leak(found[0], cleaned(found[0]), found[1])


def series_recall(count: int, seed: int, slices: list[Pixels]) -> Iterator[tuple[str, Plant, float]]:
    """As ``recall``, of text on every slice of a series or on one of them, after a look at the series."""
    random = np.random.default_rng(seed)
    span = float(np.min(slices)), float(np.max(slices))
    done = 0
    while done < count:
        number = int(random.integers(len(slices)))
        found = planted(slices[number], random, style(random), span)
        if found is None:
            continue
        marked, plant = found
        kind = ("every slice", "one slice")[done % 2]
        ink = marked != slices[number]
        texts = [np.where(ink, marked, one) if kind == "every slice" else one for one in slices]
        texts[number] = marked
        screen = Screen()
        for one in texts:
            screen.add(image_of(one), one.tobytes())
        done += 1
        yield kind, plant, leak(marked, cleaned(marked, screen.areas()), plant)


def false_boxes(seed: int, slices: list[Pixels]) -> dict[str, int]:
    """Pictures without text, how many of them were altered, and how many places were doubted."""
    random = np.random.default_rng(seed)
    pictures = [slices[number] for number in range(0, len(slices), 4)]
    pictures += [np.min(slices, axis=0), np.max(slices, axis=0)]
    pictures += [make(random) for make in (radiograph, ultrasound, page) for _ in range(4)]
    looks = [clean_pixels(image_of(picture), picture.tobytes(), None) for picture in pictures]
    altered = sum(look.value is not None for look in looks)
    return {"pictures": len(pictures), "altered": altered, "doubts": sum(len(look.doubts) for look in looks)}


def times(slices: list[Pixels]) -> dict[str, float]:
    """Milliseconds: a slice of a series without text, and a radiograph of 3000 × 2500."""
    began = time.perf_counter()
    screen = Screen()
    for one in slices:
        screen.add(image_of(one), one.tobytes())
    areas = screen.areas()
    for one in slices:
        clean_pixels(image_of(one), one.tobytes(), areas)
    a_slice = (time.perf_counter() - began) / len(slices)
    picture = radiograph(np.random.default_rng(0), 3000, 2500)
    began = time.perf_counter()
    clean_pixels(image_of(picture), picture.tobytes(), None)
    return {"slice_ms": 1e3 * a_slice, "radiograph_ms": 1e3 * (time.perf_counter() - began), "areas": len(areas)}


def read_slices(folder: Path | None) -> list[Pixels]:
    """The slices of a folder in the order of their names, or made ones."""
    if folder is None:
        random = np.random.default_rng(0)
        return [made_slice(random) for _ in range(24)]
    return [pydicom.dcmread(path).pixel_array for path in sorted(folder.glob("*.dcm"))]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slices", type=Path)
    parser.add_argument("--json", action="store_true")
    call = parser.parse_args()
    slices = read_slices(call.slices)
    clean_pixels(image_of(slices[0]), slices[0].tobytes(), None)  # loads the networks
    planted_of: Counter[str] = Counter()
    gone_of: Counter[str] = Counter()
    of_series = series_recall(call.count // 4, call.seed, slices)
    for kind, plant, left in chain(recall(call.count, call.seed, slices), of_series):
        how = plant.style
        for group in ("all", kind, f"{how.size} px", f"{how.contrast:.0%}", f"{how.turns * 90}°"):
            planted_of[group] += 1
            gone_of[group] += left <= LEAK
        if left > LEAK:
            print(f"left: {kind}, {plant} ({left:.2f})")
    for group, n_planted in planted_of.items():
        print(f"{group:12} {gone_of[group]:4} of {n_planted:4} gone")
    results = {
        "recall": gone_of["all"] / planted_of["all"],
        "planted": planted_of["all"],
        **false_boxes(call.seed, slices),
        **times(slices),
    }
    print(json.dumps(results) if call.json else "\n".join(f"{name:14} {value:.4g}" for name, value in results.items()))


if __name__ == "__main__":
    main()
