"""Label Studio's brush masks: our codec against the converter of Label Studio's own SDK.

    python bench/brush.py

Masks of two lungs with a heart cut out, smooth and with a ragged edge, at the sizes of a projected view and of a
radiograph. Times are the least of several runs, in CPU milliseconds; every result is compared before it is timed.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from label_studio_sdk.converter import brush as converter
from numpy.typing import NDArray
from pycocotools import mask as coco

from curation import rle
from labeling.studio import brush

theirs: Any = converter
SIZES = ((512, 512), (1024, 1024), (2500, 3000))


def chest(rows: int, columns: int, ragged: float) -> NDArray[np.bool_]:
    """Two ellipses less a circle; ``ragged`` is the share of the edge's blur that noise fills."""
    y, x = np.mgrid[:rows, :columns]
    y, x = y / rows, x / columns
    noise = ragged * np.random.default_rng(1).random((rows, columns))
    lungs = (np.hypot((y - 0.48) / 1.6, x - 0.3) + noise < 0.2) | (np.hypot((y - 0.48) / 1.6, x - 0.7) + noise < 0.19)
    made: NDArray[np.bool_] = lungs & ~(np.hypot(y - 0.6, x - 0.57) + noise < 0.16)
    return made


def least_ms(run: Callable[[], object], times: int) -> float:
    best = float("inf")
    for _ in range(times):
        before = time.process_time()
        run()
        best = min(best, time.process_time() - before)
    return 1000 * best


def their_coco(packed: list[int], rows: int, columns: int) -> str:
    alpha = theirs.decode_rle(packed).reshape(rows, columns, 4)[..., 3]
    return str(coco.encode(np.asfortranarray(alpha > 127).astype(np.uint8, order="F"))["counts"].decode())


def their_brush(counts: str, rows: int, columns: int) -> list[int]:
    made: list[int] = theirs.mask2rle(coco.decode({"size": [rows, columns], "counts": counts.encode()}) * 255)
    return made


def compare(mask: NDArray[np.bool_]) -> dict[str, tuple[float, float]]:
    """CPU milliseconds of the SDK's way and of ours."""
    size: Any = mask.shape
    packed, counts = brush.encode(mask), rle.encode(mask)
    assert their_brush(counts, *size)[: len(packed)] == packed == brush.from_coco(counts, *size)
    assert their_coco(packed, *size) == counts == brush.to_coco(packed, *size)
    assert (brush.decode(packed, *size) == mask).all()
    grey = mask.astype(np.uint8) * 255
    return {
        "array to brush": (least_ms(lambda: theirs.mask2rle(grey), 3), least_ms(lambda: brush.encode(mask), 15)),
        "brush to array": (
            least_ms(lambda: theirs.decode_rle(packed), 3),
            least_ms(lambda: brush.decode(packed, *size), 15),
        ),
        "COCO to brush": (
            least_ms(lambda: their_brush(counts, *size), 3),
            least_ms(lambda: brush.from_coco(counts, *size), 15),
        ),
        "brush to COCO": (
            least_ms(lambda: their_coco(packed, *size), 3),
            least_ms(lambda: brush.to_coco(packed, *size), 15),
        ),
    }


def main() -> None:
    print("| mask | bytes | direction | SDK, ms | ours, ms | ratio |")
    print("|---|---|---|---|---|---|")
    for rows, columns in SIZES:
        for edge, ragged in (("smooth", 0.0), ("ragged", 0.01)):
            mask = chest(rows, columns, ragged)
            n_bytes = len(brush.encode(mask))
            for direction, (sdk_ms, ours_ms) in compare(mask).items():
                numbers = f"{sdk_ms:.1f} | {ours_ms:.2f} | {sdk_ms / ours_ms:.0f}"
                print(f"| {rows} x {columns}, {edge} | {n_bytes} | {direction} | {numbers} |")


if __name__ == "__main__":
    main()
