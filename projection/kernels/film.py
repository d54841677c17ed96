"""The compiled loops of the radiograph: look-up, running means, detector, tone. ``appearance`` is the public layer.

Pictures are ``(rows, columns)``. Attenuation is in whole steps; real numbers only take part in operations that IEEE 754
fixes to the last bit (no exp, no log), each pixel in one order: the same bytes on any x86-64 processor.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Steps = NDArray[np.int32]


@njit(cache=True, nogil=True)
def attenuation(
    soft_mm: NDArray[np.float32],
    bone_mm: NDArray[np.float32],
    nodes: Floats,
    step_mm: float,
    steps_per_unit: float,
    top: int,
) -> Steps:
    """−ln I in whole steps, 0 to ``top``: bilinear between the nodes of a table over (soft, bone) thickness."""
    rows, columns = soft_mm.shape
    out = np.empty((rows, columns), np.int32)
    last_soft, last_bone = nodes.shape[0] - 1, nodes.shape[1] - 1
    for i in range(rows):
        for j in range(columns):
            u = min(max(soft_mm[i, j] / step_mm, 0.0), float(last_soft))
            v = min(max(bone_mm[i, j] / step_mm, 0.0), float(last_bone))
            a, b = min(int(u), last_soft - 1), min(int(v), last_bone - 1)
            u -= a
            v -= b
            thin = nodes[a, b] + (nodes[a + 1, b] - nodes[a, b]) * u
            thick = nodes[a, b + 1] + (nodes[a + 1, b + 1] - nodes[a, b + 1]) * u
            out[i, j] = min(int((thin + (thick - thin) * v) * steps_per_unit + 0.5), top)
    return out


@njit(cache=True, nogil=True)
def mean_down(values: Floats, reach: int, part: float, replicate: bool) -> Floats:
    """Running mean down the columns over ``2 * reach + 1`` pixels and a ``part`` of the next on either side, rounded.

    ``values`` are whole, so that the running sums are exact. Beyond the border there is nothing, or the border's pixel.
    """
    rows, columns = values.shape
    out = np.empty((rows, columns))
    within, inverse = np.zeros(columns), 1.0 / (2 * reach + 1 + 2 * part)
    last = rows - 1
    for i in range(-reach - 1, reach):
        if replicate or 0 <= i <= last:
            within += values[min(max(i, 0), last)]
    for i in range(rows):
        ahead, behind = i + reach, i - reach - 1
        if replicate or ahead <= last:
            within += values[min(ahead, last)]
        if replicate or behind >= 0:
            within -= values[max(behind, 0)]
        over, under = min(ahead + 1, last), max(behind, 0)
        share_over = part if replicate or ahead < last else 0.0
        share_under = part if replicate or behind >= 0 else 0.0
        for j in range(columns):
            total = within[j] + share_over * values[over, j] + share_under * values[under, j]
            out[i, j] = np.floor(total * inverse + 0.5)
    return out


@njit(cache=True, nogil=True)
def shrink(values: Steps, weights: NDArray[np.uint8], factor: int) -> tuple[Floats, Floats]:
    """Weighted sums over blocks of ``factor`` x ``factor`` pixels, and the sums of the weights."""
    rows, columns = values.shape
    shape = (-(-rows // factor), -(-columns // factor))
    sums, total = np.zeros(shape), np.zeros(shape)
    for i in range(rows):
        for j in range(columns):
            weight = float(weights[i, j])
            sums[i // factor, j // factor] += values[i, j] * weight
            total[i // factor, j // factor] += weight
    return sums, total


@njit(cache=True, nogil=True)
def enlarge(coarse: Floats, factor: int, rows: int, columns: int) -> Floats:
    """A picture of blocks back to pixels: bilinear between the blocks' centres."""
    out = np.empty((rows, columns))
    line = np.empty(coarse.shape[1])
    left, share = np.empty(columns, np.int64), np.empty(columns)
    last_i, last_j = coarse.shape[0] - 1, coarse.shape[1] - 1
    for j in range(columns):
        at = min(max((j + 0.5) / factor - 0.5, 0.0), float(last_j))
        left[j] = max(min(int(at), last_j - 1), 0)
        share[j] = at - left[j]
    for i in range(rows):
        at = min(max((i + 0.5) / factor - 0.5, 0.0), float(last_i))
        above = max(min(int(at), last_i - 1), 0)
        below, weight = min(above + 1, last_i), at - above
        for j in range(coarse.shape[1]):
            line[j] = coarse[above, j] + (coarse[below, j] - coarse[above, j]) * weight
        for j in range(columns):
            right = min(left[j] + 1, last_j)
            out[i, j] = line[left[j]] + (line[right] - line[left[j]]) * share[j]
    return out


@njit(cache=True, nogil=True)
def add_scatter(steps: Steps, scatter: Floats, transmission: Floats, log_table: Floats, per_doubling: float) -> Steps:
    """−ln (I + scatter), in steps; ``log_table`` holds ln(1 + i / n) in steps, ``per_doubling`` is ln 2 in steps."""
    rows, columns = steps.shape
    out = np.empty((rows, columns), np.int32)
    size = len(log_table)
    for i in range(rows):
        for j in range(columns):
            ratio = 1.0 + scatter[i, j] / transmission[steps[i, j]]
            drop = 0.0
            while ratio >= 2.0:
                ratio *= 0.5
                drop += per_doubling
            drop += log_table[int((ratio - 1.0) * size)]
            out[i, j] = max(int(steps[i, j] - drop + 0.5), 0)
    return out


@njit(cache=True, nogil=True)
def add_noise(steps: Steps, draws: NDArray[np.uint16], normal: Floats, deviation: Floats, top: int) -> Steps:
    """Add to each pixel a normal deviate: quantile ``draws`` of ``normal`` times the ``deviation`` at its steps."""
    rows, columns = steps.shape
    out = np.empty((rows, columns), np.int32)
    for i in range(rows):
        for j in range(columns):
            made = steps[i, j] + normal[draws[i, j]] * deviation[steps[i, j]]
            out[i, j] = min(max(int(np.floor(made + 0.5)), 0), top)
    return out


@njit(cache=True, nogil=True)
def histogram(values: Steps, inside: NDArray[np.bool_], offset: int, counts: NDArray[np.int64]) -> None:
    """Count the values ``inside``, each at ``value + offset``, held to the range of ``counts``."""
    last = len(counts) - 1
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            if inside[i, j]:
                counts[min(max(values[i, j] + offset, 0), last)] += 1


@njit(cache=True, nogil=True)
def window(steps: Steps, low: int, high: int, full: int) -> Steps:
    """Stretch low..high to 0..full, held to that range."""
    rows, columns = steps.shape
    out = np.empty((rows, columns), np.int32)
    scale = full / (high - low)
    for i in range(rows):
        for j in range(columns):
            out[i, j] = int((min(max(steps[i, j], low), high) - low) * scale + 0.5)
    return out


@njit(cache=True, nogil=True)
def mix(grey: Steps, large: Floats, small: Floats, middle: int, weights: tuple[float, float, float]) -> Steps:
    """Weigh three bands of structures: above the large mean, between the two, and below the small one."""
    rows, columns = grey.shape
    out = np.empty((rows, columns), np.int32)
    for i in range(rows):
        for j in range(columns):
            made = (large[i, j] - middle) * weights[0] + (small[i, j] - large[i, j]) * weights[1]
            out[i, j] = int(np.floor(made + (grey[i, j] - small[i, j]) * weights[2] + 0.5))
    return out


@njit(cache=True, nogil=True)
def curve(
    mixed: Steps, steps: Steps, tones: NDArray[np.uint8], low: int, high: int, skin: tuple[int, int]
) -> NDArray[np.uint8]:
    """Through the tone curve; between the two attenuations of ``skin`` it fades to the black of the open beam."""
    rows, columns = mixed.shape
    out = np.empty((rows, columns), np.uint8)
    last = len(tones) - 1
    scale, fade = last / (high - low), 1.0 / (skin[1] - skin[0])
    for i in range(rows):
        for j in range(columns):
            tone = tones[int((min(max(mixed[i, j], low), high) - low) * scale + 0.5)]
            out[i, j] = int(tone * min(max((steps[i, j] - skin[0]) * fade, 0.0), 1.0) + 0.5)
    return out
