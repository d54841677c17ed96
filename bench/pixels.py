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
from itertools import chain
from pathlib import Path

import numpy as np
import pydicom
from burned import Pixels, Plant, Random, made_slice, page, planted, radiograph, style, ultrasound

from curation.deid.pixels import Area, Image, Screen, clean_pixels, decode

NATIVE = "1.2.840.10008.1.2.1"
LEAK = 0.3  # correlation inside a box: shared/deid/score_deid.py draws the line there too


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
    """Milliseconds, by the clock and of the processor: a slice of a series without text, and a radiograph."""
    picture = radiograph(np.random.default_rng(0), 3000, 2500)
    values = [one.tobytes() for one in slices]

    def series() -> None:
        screen = Screen()
        for one, value in zip(slices, values, strict=True):
            screen.add(image_of(one), value)
        areas = screen.areas()
        for one, value in zip(slices, values, strict=True):
            clean_pixels(image_of(one), value, areas)

    series_ms, series_cpu_ms = least(series)
    radiograph_ms, radiograph_cpu_ms = least(lambda: clean_pixels(image_of(picture), picture.tobytes(), None))
    return {
        "slices": len(slices),
        "slice_ms": series_ms / len(slices),
        "slice_cpu_ms": series_cpu_ms / len(slices),
        "radiograph_ms": radiograph_ms,
        "radiograph_cpu_ms": radiograph_cpu_ms,
    }


def least(work: Callable[[], object], rounds: int = 3) -> tuple[float, float]:
    """The least milliseconds of so many rounds, by the clock and of the processor."""
    clocks, processors = [], []
    for _ in range(rounds):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        clocks.append(1e3 * (time.perf_counter() - clock))
        processors.append(1e3 * (time.process_time() - processor))
    return min(clocks), min(processors)


def read_slices(folder: Path | None) -> list[Pixels]:
    """The slices of a folder in the order of their names, or made ones."""
    if folder is None:
        random = np.random.default_rng(0)
        return [made_slice(random) for _ in range(40)]
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
