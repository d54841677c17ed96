"""Pictures with text on them, and where it stands: what bench/pixels.py measures on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

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
    """A fan of speckle on black, with a little colour; log-compressed, so its spread is a quarter of its mean."""
    y, x = np.mgrid[0:480, 0:640]
    fan = (abs(np.arctan2(x - 320, y - 20)) < 0.6) & (np.hypot(x - 320, y - 20) < 430) & (y > 40)
    grains = random.gamma(16, 60 / 16, (160, 214)).clip(0, 180)
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
