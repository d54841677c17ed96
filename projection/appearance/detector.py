"""What the detector measures: −ln I in whole steps, with scatter and noise.

Scatter is made where the beam is both strong and stopped: I · (−ln I) blurred, the single-scatter estimate of
Ohnesorge et al. (Eur Radiol 9:563, 1999). Blurring I itself would make the open beam beside the patient scatter most.
Noise is that of the counted quanta and of the electronics, drawn by counter (Philox 4x64, Salmon et al., SC11).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from curation.errors import InputError
from projection.appearance import spectrum
from projection.appearance.presets import Detector
from projection.kernels import film as kernels

Floats = NDArray[np.float64]
Steps = NDArray[np.int32]
Millimetres = NDArray[np.float32]
Bools = NDArray[np.bool_]
Weights = NDArray[np.uint8]
PER_UNIT = 4096
"""Steps per unit of -ln I: a thirtieth of the noise behind the lungs, and 16 units fill 16 bits."""
TOP = 65535
_ROUND = 2.0**48
"""Tables are whole multiples of its inverse: exp may differ by a last bit between processors, the tables not."""


@dataclass(frozen=True)
class Integrals:
    """Sums along the rays ``(rows, columns)`` on one grid, mm of water as the CT sees them."""

    total_mm: Millimetres
    """Of (HU + 1000) / 1000."""
    bone_mm: Millimetres | None = None
    """Of what bone has beyond soft tissue, (HU - 40) / 1000: without it the bone is soft tissue of 40 HU."""
    lung_mm: Millimetres | None = None
    """Of (HU + 1000) / 1000 in the lungs."""


@dataclass(frozen=True)
class Exposure:
    """What is added to a picture, and alike to its partners: None for nothing."""

    scatter: Floats | None
    """``(rows, columns)``, as a share of the open beam."""
    noise: "Noise | None"


@dataclass(frozen=True)
class Noise:
    """The noise of an exposure."""

    draws: NDArray[np.uint16]
    """Each pixel's place in a normal distribution ``(rows, columns)``, of 65536."""
    deviation: Floats
    """Its standard deviation at each number of steps, in steps."""


def attenuated(soft_mm: Millimetres, bone_mm: Millimetres | None, beam: spectrum.Beam) -> Steps:
    """−ln I in steps of 1 / PER_UNIT, of a beam through soft tissue and bone ``(rows, columns)``."""
    soft_mm = np.ascontiguousarray(soft_mm, np.float32)
    bone_mm = np.zeros_like(soft_mm) if bone_mm is None else np.ascontiguousarray(bone_mm, np.float32)
    nodes = spectrum.table(beam)
    made: Steps = kernels.attenuation(soft_mm, bone_mm, nodes, spectrum.STEP_MM, float(PER_UNIT), TOP)
    return made


def smoothed(steps: Steps, voxel_px: tuple[float, float]) -> Steps:
    """The mean over a voxel (rows, columns): turns the stairs of thick slices into straight lines between slices."""
    made = steps.astype(np.float64)
    for size in voxel_px:
        sixteenths = max(0, round((size - 1) * 8))  # on either side of the middle pixel; they keep the sums exact
        reach, part = sixteenths // 16, sixteenths % 16 / 16
        if sixteenths:
            made = kernels.mean_down(made, reach, part, True)
        made = np.ascontiguousarray(made.T)
    return made.astype(np.int32)


def exposure(steps: Steps, detector: Detector, seed: int) -> Exposure:
    """The exposure of a picture without scatter and noise; ``seed`` decides its noise, on every machine alike.

    Raises InputError if the seed does not fit into 128 bits.
    """
    scatter = _scatter(steps, detector) if detector.scatter else None
    if not detector.quanta:
        return Exposure(scatter, None)
    return Exposure(scatter, Noise(_draws(seed, steps.shape), _deviation(detector, steps.shape[1])))


def measured(steps: Steps, made: Exposure) -> Steps:
    """What the detector makes of a picture without scatter and noise."""
    if made.scatter is not None:
        log_table, per_doubling = _logarithms()
        steps = kernels.add_scatter(steps, made.scatter, _transmission(), log_table, per_doubling)
    if made.noise is not None:
        steps = kernels.add_noise(steps, made.noise.draws, _normal(), made.noise.deviation, TOP)
    return steps


def blurred(values: Steps, weights: Weights, sigma_px: float) -> Floats:
    """Weighted mean around each pixel, about a Gaussian: three running means each way.

    The means have fractional widths, so that sigma comes out as asked (Gwosdek et al., SSVM 2011, LNCS 6667:447).

    It is done on blocks of up to a third of sigma, which the eye cannot tell from single pixels. Far from all that has
    weight it is 0.
    """
    factor = max(1, int(sigma_px / 3))
    sums, total = kernels.shrink(values, weights, factor)
    own = 0.25 if factor > 1 else 0.0  # variance that blocks and the lines between them have: 1/12 and 1/6
    halves = _halves(((sigma_px / factor) ** 2 - own) / 3)
    above, below = _spread(sums * 256, halves), _spread(total * 2.0**20, halves)
    mean: Floats = kernels.enlarge(above * 4096 / np.maximum(below, 1), factor, *values.shape)
    return mean


def _halves(variance: float) -> tuple[int, float]:
    """Whole pixels on either side of the middle one, and the part of the next, of a running mean of this variance."""
    reach = int((float(np.sqrt(1 + 12 * variance)) - 1) / 2)
    lacking = variance * (2 * reach + 1) - reach * (reach + 1) * (2 * reach + 1) / 3
    part = lacking / (2 * ((reach + 1) ** 2 - variance))
    return reach, round(part * 16) / 16  # sixteenths keep the sums exact


def _spread(values: Floats, halves: tuple[int, float]) -> Floats:
    for _ in range(2):
        for _ in range(3):
            values = kernels.mean_down(values, *halves, False)
        values = np.ascontiguousarray(values.T)
    return values


def _scatter(steps: Steps, detector: Detector) -> Floats:
    """The scatter at each pixel, as a share of the open beam."""
    made = np.floor(_transmission() * np.arange(TOP + 1) * (detector.scatter * 2.0**18 / PER_UNIT) + 0.5)
    everywhere = np.ones(steps.shape, np.uint8)
    sources = made.astype(np.int32)[steps]
    return blurred(sources, everywhere, detector.scatter_reach * steps.shape[1]) / 2.0**18


@cache
def _transmission() -> Floats:
    """I at each step."""
    made: Floats = np.floor(np.exp(-np.arange(TOP + 1) / PER_UNIT) * _ROUND + 0.5) / _ROUND
    return made


@cache
def _logarithms() -> tuple[Floats, float]:
    """ln(1 + i / 4096) and ln 2, in steps."""
    made = np.floor(np.log1p((np.arange(4096) + 0.5) / 4096) * PER_UNIT * 1024 + 0.5) / 1024
    return made, round(float(np.log(2)) * PER_UNIT * 1024) / 1024


@cache
def _normal() -> Floats:
    """The normal deviate at each of 65536 equally likely places, to 1/4096."""
    made: Floats = np.floor(ndtri((np.arange(65536) + 0.5) / 65536) * 4096 + 0.5) / 4096
    return made


def _deviation(detector: Detector, columns: int) -> Floats:
    """Noise at each step, in steps: of counting n quanta, and of the electronics; smaller pixels count fewer."""
    quanta = detector.quanta * (1024 / columns) ** 2 * _transmission()
    made: Floats = np.floor(np.sqrt(1 / quanta + (detector.electronic / quanta) ** 2) * PER_UNIT * 256 + 0.5) / 256
    return made


def _draws(seed: int, shape: tuple[int, ...]) -> NDArray[np.uint16]:
    """16 random bits for each pixel; NumPy holds the stream of a bit generator fixed for all versions."""
    if not 0 <= seed < 2**128:
        raise InputError("the seed of a picture must be a whole number from 0 to below 2^128")
    n_pixels = int(np.prod(shape))
    words = np.random.Philox(key=seed).random_raw(-(-n_pixels // 4))
    return words.astype("<u8").view("<u2")[:n_pixels].reshape(shape)
