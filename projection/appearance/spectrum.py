"""What a detector behind soft tissue and bone measures: a table of −ln I over two thicknesses.

Both thicknesses are in mm of water as a CT sees them: ``soft_mm`` sums (HU + 1000) / 1000, ``bone_mm`` what bone has
beyond soft tissue. A ray's -ln I is then one look-up, with the hardening of the beam in it.

The tube is Kramers' thick target (Phil Mag 46:836, 1923) with the target's own absorption at the depth to which the
electrons have come (Thomson-Whiddington law, as Birch & Marshall, Phys Med Biol 24:505, 1979), and tungsten's K lines.
The detector integrates energy. Attenuation is from the NIST tables (Hubbell & Seltzer, NISTIR 5632, 2004 revision).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from curation.errors import SettingsError

Floats = NDArray[np.float64]
STEP_MM = 4.0
"""Between two nodes of a table: the beam hardens by less than 3e-5 of -ln I on top of a straight line in between."""
SOFT_NODES, BONE_NODES = 257, 129
"""A table reaches 1024 mm of soft tissue and 512 mm of bone; further is as far as the last node."""
_ROUND = 2.0**20
"""Nodes are whole multiples of its inverse: exp and log may differ by a last bit between processors, the table not."""

_KEV = (15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0)
_EDGE = 1e-6  # two sides of an absorption edge, in keV
_CM2_PER_G: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = MappingProxyType(
    {
        "water": (_KEV, (1.673, 0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505)),
        "cortical bone": (_KEV, (9.032, 4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480)),
        "aluminium": (_KEV, (7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378)),
        "copper": (_KEV, (74.05, 33.79, 10.92, 4.862, 2.613, 1.593, 0.7630, 0.4584, 0.2217)),
        "tungsten": (
            (15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 69.525, 69.525 + _EDGE, 80.0, 100.0, 150.0),
            (138.9, 65.73, 22.73, 10.67, 5.949, 3.713, 2.552, 11.23, 7.810, 4.438, 1.581),
        ),
        "caesium iodide": (
            (15.0, 20.0, 30.0, 33.169, 33.169 + _EDGE, 35.985, 35.985 + _EDGE, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0),
            (58.15, 26.86, 9.045, 6.923, 21.22, 17.19, 30.27, 22.97, 12.87, 7.921, 3.677, 2.035, 0.7290),
        ),
    }
)
"""Mass attenuation by energy in keV, NIST tables 3 and 4 (cortical bone as in ICRU report 44)."""

_ALUMINIUM_G_PER_CM3, _COPPER_G_PER_CM3 = 2.699, 8.960
_BONE_G_PER_CM3, _SOFT_G_PER_CM3 = 1.92, 1.04
"""Cortical bone, ICRU report 44; soft tissue at 40 HU attenuates as water of this density."""
_CSI_G_PER_CM2 = 0.16
"""0.45 mm of needles packed to 80 % of 4.51 g/cm³: a usual general-purpose detector."""
_ANODE_DEG = 12.0
"""Of common tubes for radiography."""
_WHIDDINGTON_KEV2_CM2_PER_G = 0.8e6
"""Loss of electrons in tungsten near 120 keV, Birch & Marshall."""
_K_LINES = ((57.98, 0.576), (59.32, 1.0), (67.2, 0.33), (69.1, 0.08))
"""Tungsten: keV, and intensity over K-alpha-1 (Bearden, Rev Mod Phys 39:78, 1967)."""
_K_EDGE_KEV = 69.525
_K_SHARE_AT_120 = 0.10
"""Share of the lines in all quanta behind the filters at 120 kVp, as measured spectra show."""
_CT_KEV = 70.0
"""Effective energy of a CT at 120 kVp, for which Hounsfield units hold."""


@dataclass(frozen=True)
class Beam:
    """A tube's setting. With ``mono_kev`` the beam has that energy alone, and the rest says nothing."""

    peak_kv: float = 120.0
    aluminium_mm: float = 3.0
    copper_mm: float = 0.1
    mono_kev: float | None = None


@dataclass(frozen=True)
class Spectrum:
    """What a detector measures of the open beam, by energy."""

    kev: Floats
    weight: Floats
    """Share of the signal; the sum is 1."""

    @property
    def mean_kev(self) -> float:
        """Mean energy of what is measured."""
        return float(self.kev @ self.weight)


def attenuation_cm2_per_g(material: str, kev: Floats) -> Floats:
    """Mass attenuation at these energies (15 to 150 keV): straight between the tabled ones on logarithmic axes.

    ``material`` is water, cortical bone, aluminium, copper, tungsten or caesium iodide.
    """
    energies, values = _CM2_PER_G[material]
    made: Floats = np.exp(np.interp(np.log(kev), np.log(energies), np.log(values)))
    return made


@cache
def spectrum(beam: Beam) -> Spectrum:
    """The measured spectrum of a beam, in steps of 1 keV.

    Raises SettingsError if the peak is not 40 to 150 kV, or an energy not 15 to 150 keV: the tables end there.
    """
    if beam.mono_kev is not None:
        if not 15 <= beam.mono_kev <= 150:
            raise SettingsError(f"mono_kev must be from 15 to 150, got {beam.mono_kev}")
        return Spectrum(np.array([beam.mono_kev]), np.ones(1))
    if not 40 <= beam.peak_kv <= 150:
        raise SettingsError(f"peak_kv must be from 40 to 150, got {beam.peak_kv}")
    kev: Floats = np.arange(15.5, beam.peak_kv, 1.0, dtype=np.float64)
    quanta = _filtered(_bremsstrahlung(kev, beam.peak_kv), kev, beam)
    lines_kev, lines = np.array(_K_LINES).T
    if beam.peak_kv > _K_EDGE_KEV:
        lines = _filtered(lines, lines_kev, beam)
        lines *= _k_share(beam.peak_kv) * quanta.sum() / lines.sum()
        kev, quanta = np.append(kev, lines_kev), np.append(quanta, lines)
    absorbed = 1 - np.exp(-_CSI_G_PER_CM2 * attenuation_cm2_per_g("caesium iodide", kev))
    signal = quanta * absorbed * kev
    return Spectrum(kev, signal / signal.sum())


@cache
def table(beam: Beam) -> Floats:
    """−ln I ``(SOFT_NODES, BONE_NODES)`` at multiples of STEP_MM of soft tissue and of bone, 0 for the open beam."""
    made = spectrum(beam)
    soft, bone = basis_per_mm(made.kev)
    soft_mm, bone_mm = (np.arange(nodes) * STEP_MM for nodes in (SOFT_NODES, BONE_NODES))
    through = np.exp(-np.outer(soft_mm, soft)) * made.weight @ np.exp(-np.outer(bone, bone_mm))
    nodes: Floats = np.floor(-np.log(through) * _ROUND + 0.5) / _ROUND
    nodes.flags.writeable = False
    return nodes


def basis_per_mm(kev: Floats) -> tuple[Floats, Floats]:
    """Attenuation per mm of the two thicknesses at these energies: soft tissue is water, bone is mineral.

    A mm of cortical bone is taken as soft tissue and what goes beyond it; so much of the latter as attenuates like a mm
    of water in the CT is one mm. At the CT's energy both are the same.
    """

    def beyond(energy: Floats) -> Floats:
        bone = attenuation_cm2_per_g("cortical bone", energy) * _BONE_G_PER_CM3
        made: Floats = bone - attenuation_cm2_per_g("water", energy) * _SOFT_G_PER_CM3
        return made

    ct = np.array([_CT_KEV])
    water_per_mm = attenuation_cm2_per_g("water", kev) / 10
    scale = attenuation_cm2_per_g("water", ct) / 10 / beyond(ct)
    return water_per_mm, beyond(kev) * scale


def _bremsstrahlung(kev: Floats, peak_kv: float) -> Floats:
    """Quanta per keV out of the target: each loss of an electron gives 1 / E, from the depth it has then reached."""
    losses = (np.arange(64) + 0.5) / 64
    electron_kev = kev + np.outer(losses, peak_kv - kev)
    depth_g_per_cm2 = (peak_kv**2 - electron_kev**2) / _WHIDDINGTON_KEV2_CM2_PER_G
    way_out = depth_g_per_cm2 / np.tan(np.radians(_ANODE_DEG))
    leaving = np.exp(-attenuation_cm2_per_g("tungsten", kev) * way_out).mean(axis=0)
    made: Floats = leaving * (peak_kv - kev) / kev
    return made


def _filtered(quanta: Floats, kev: Floats, beam: Beam) -> Floats:
    aluminium = attenuation_cm2_per_g("aluminium", kev) * _ALUMINIUM_G_PER_CM3 * beam.aluminium_mm / 10
    copper = attenuation_cm2_per_g("copper", kev) * _COPPER_G_PER_CM3 * beam.copper_mm / 10
    made: Floats = quanta * np.exp(-aluminium - copper)
    return made


def _k_share(peak_kv: float) -> float:
    """Lines over continuum: with the overvoltage as (U - 1)^1.67 (Green & Cosslett, 1961) over about (U - 1)."""
    over, at_120 = peak_kv / _K_EDGE_KEV - 1, 120 / _K_EDGE_KEV - 1
    return float(_K_SHARE_AT_120 * (over / at_120) ** 0.67)
