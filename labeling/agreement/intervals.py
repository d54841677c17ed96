"""Confidence intervals: percentile bootstrap over patients, all draws at once.

Cases of one patient are not independent, so patients are drawn, with replacement, and all their cases with them (the
cluster bootstrap: Field and Welsh 2007, J R Stat Soc B 69:369). The seed comes from the data: the same reads give the
same interval.
"""

import numpy as np
from numpy.typing import NDArray

from labeling.agreement.coefficients import Floats

Interval = tuple[float, float] | None
_ENDS = (2.5, 97.5)
_LEAST_DEFINED = 0.5  # of the draws in which a coefficient must exist for its interval to mean anything


def draws(n_patients: int, n_draws: int, seed: int) -> Floats:
    """How often each patient is in each draw, ``(draws, patients)``; each draw has as many as there are."""
    rng = np.random.default_rng(seed)
    times = np.zeros((n_draws, n_patients))
    for draw in range(n_draws):
        times[draw] = np.bincount(rng.integers(n_patients, size=n_patients), minlength=n_patients)
    return times


def by_patient(statistics: Floats, patients: NDArray[np.int64], n_patients: int) -> Floats:
    """Sums of the rows of each patient, ``(patients, statistics)``; ``patients`` numbers the row's."""
    sums = np.zeros((n_patients, statistics.shape[1]))
    np.add.at(sums, patients, statistics)
    return sums


def interval(values: Floats) -> Interval:
    """The 95 % interval of a coefficient's draws; None where it is undefined in half of them or more."""
    defined = values[np.isfinite(values)]
    if len(defined) <= _LEAST_DEFINED * len(values):
        return None
    low, high = np.percentile(defined, _ENDS)
    return float(low), float(high)


def mean_of(values: Floats) -> Floats:
    """Mean over the first axis of those that are defined; NaN where none is."""
    defined = np.isfinite(values)
    n = defined.sum(axis=0)
    total = np.where(defined, values, 0.0).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
