"""Coefficients of agreement on choices, from sums over cases, so that a draw of patients is a weighted sum.

Readings of a question are an integer array ``(cases, readers)``: the value's number, or ``MISSING``. ``many`` and
``pair`` turn them into statistics, one row a case; their sum over any cases, with any weights, is what a coefficient
takes: an array ``(..., statistics)`` in, ``(...)`` out. A coefficient is NaN where it is not defined: no case, or a
chance of agreement of 1.

Cohen 1960, Educ Psychol Meas 20:37. Fleiss 1971, Psychol Bull 76:378; where cases have different numbers of readers,
each case counts alike. Krippendorff 2004, Content Analysis, nominal difference. Gwet 2008, Br J Math Stat Psychol
61:29, which stays near per cent agreement where a finding is rare.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Coefficient = Callable[[Floats], Floats]

MISSING = -1
_TINY = 1e-12
_HEAD = 2  # statistics of `many` before the shares: cases, and agreeing pairs of readers


# --- statistics of each case -----------------------------------------------------------------------------


def many(codes: Ints, n_values: int) -> Floats:
    """Statistics ``(cases, 2 + K + K²)`` of cases that at least two of many readers read; zero for the others.

    1, the share of pairs of readers who agree, the share of readers for each value, and the coincidences of values.
    """
    counts = (codes[:, :, None] == np.arange(n_values)).sum(axis=1).astype(np.float64)
    n = counts.sum(axis=1)
    read = n >= 2
    others = np.where(read, n - 1, 1.0)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(n_values)
    coincidences = (pairs / others[:, None, None]).reshape(len(codes), -1)
    total = np.where(read, n, 1.0)
    agree = (counts * (counts - 1)).sum(axis=1) / (total * others)
    rows = np.column_stack((np.ones(len(codes)), agree, counts / total[:, None], coincidences))
    return np.asarray(rows * read[:, None])


def pair(codes_a: Ints, codes_b: Ints, n_values: int) -> Floats:
    """Statistics ``(cases, K²)`` of two readers: a 1 where their values meet; zero where one did not read."""
    both = (codes_a != MISSING) & (codes_b != MISSING)
    table = np.zeros((len(codes_a), n_values * n_values))
    cases = np.flatnonzero(both)
    table[cases, codes_a[cases] * n_values + codes_b[cases]] = 1.0
    return table


# --- coefficients of many readers ------------------------------------------------------------------------


def percent(sums: Floats) -> Floats:
    """Share of pairs of readers who agree, mean over cases."""
    return ratio(sums[..., 1], sums[..., 0])


def fleiss_kappa(sums: Floats) -> Floats:
    """Fleiss' kappa."""
    shares = _shares(sums)
    return _beyond_chance(percent(sums), np.asarray((shares**2).sum(axis=-1)))


def gwet_ac1(sums: Floats) -> Floats:
    """Gwet's AC1."""
    return _beyond_chance(percent(sums), _gwet_chance(_shares(sums)))


def krippendorff_alpha(sums: Floats) -> Floats:
    """Krippendorff's alpha for nominal data; cases that fewer readers read weigh less."""
    n_values = _n_values(sums.shape[-1])
    table = sums[..., _HEAD + n_values :].reshape(*sums.shape[:-1], n_values, n_values)
    of_value = table.sum(axis=-1)
    n = of_value.sum(axis=-1)
    observed = n - np.trace(table, axis1=-2, axis2=-1)
    expected = ratio(n * n - (of_value**2).sum(axis=-1), n - 1)
    return np.asarray(1 - ratio(observed, expected))


def _shares(sums: Floats) -> Floats:
    n_values = _n_values(sums.shape[-1])
    return ratio(sums[..., _HEAD : _HEAD + n_values], sums[..., :1])


def _n_values(n_statistics: int) -> int:
    return int((np.sqrt(1 + 4 * (n_statistics - _HEAD)) - 1) / 2 + 0.5)  # K of K + K²


# --- coefficients of two -----------------------------------------------------------------------------------


def pair_percent(sums: Floats) -> Floats:
    """Share of cases in which two readers agree."""
    table = _square(sums)
    return ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def cohen_kappa(sums: Floats) -> Floats:
    """Cohen's kappa."""
    table = _square(sums)
    n = table.sum(axis=(-2, -1))
    chance = ratio((table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1), n * n)
    return _beyond_chance(pair_percent(sums), chance)


def pair_ac1(sums: Floats) -> Floats:
    """Gwet's AC1 of two readers."""
    table = _square(sums)
    shares = ratio(table.sum(axis=-1) + table.sum(axis=-2), 2 * table.sum(axis=(-2, -1))[..., None])
    return _beyond_chance(pair_percent(sums), _gwet_chance(shares))


def _square(sums: Floats) -> Floats:
    size = int(np.sqrt(sums.shape[-1]) + 0.5)
    return sums.reshape(*sums.shape[:-1], size, size)


# --- both ------------------------------------------------------------------------------------------------


def mean(sums: Floats) -> Floats:
    """First statistic over the second: a share, a mean overlap or distance."""
    return ratio(sums[..., 0], sums[..., 1])


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient, NaN where the divisor is not positive."""
    out: Floats = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), np.nan)
    np.divide(above, below, out=out, where=np.broadcast_to(np.asarray(below) > _TINY, out.shape))
    return out


def _beyond_chance(observed: Floats, chance: Floats) -> Floats:
    return ratio(observed - chance, 1 - chance)


def _gwet_chance(shares: Floats) -> Floats:
    return np.asarray((shares * (1 - shares)).sum(axis=-1) / (shares.shape[-1] - 1))
