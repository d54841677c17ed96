"""The likely truth behind several readers' choices, and each reader's errors, estimated together.

Dawid and Skene 1979, Appl Stat 28:20: expectation maximisation over the unknown truth of each case, with a matrix of
errors for each reader. It starts from the shares of readers, so the same answers give the same result. With three
readers or fewer it is no better than the majority, and where a reader is nearly always wrong it may follow him.
"""

from typing import NamedTuple

import numpy as np

from labeling.agreement.coefficients import MISSING, Floats, Ints

SMOOTHING = 0.01
"""Added to each count of a reader's errors: a reader who was never wrong yet may be."""
_ITERATIONS = 200
_CONVERGED = 1e-7
_TINY = 1e-10  # under the logarithm


class Estimate(NamedTuple):
    """What the readings say."""

    posterior: Floats
    """Of each value of each case, ``(cases, values)``."""
    errors: Floats
    """Probability that a reader says ``b`` where ``a`` is true, ``(readers, a, b)``."""
    prevalence: Floats
    """Of each value, ``(values,)``."""


def dawid_skene(codes: Ints, n_values: int, smoothing: float = SMOOTHING) -> Estimate:
    """Estimate from readings ``(cases, readers)``, where ``MISSING`` is none; a case without any has the prevalence."""
    said = (codes[:, :, None] == np.arange(n_values)).astype(np.float64)
    n_read = (codes != MISSING).sum(axis=1)
    posterior = said.sum(axis=1) / np.maximum(n_read, 1)[:, None]
    read = n_read > 0
    for _ in range(_ITERATIONS):
        errors, prevalence = _maximise(said[read], posterior[read], smoothing)
        before, posterior = posterior, _expect(said, errors, prevalence)
        if np.abs(posterior - before).max(initial=0.0) < _CONVERGED:
            break
    return Estimate(posterior, *_maximise(said[read], posterior[read], smoothing))


def _maximise(said: Floats, posterior: Floats, smoothing: float) -> tuple[Floats, Floats]:
    counts = np.einsum("ia,irb->rab", posterior, said) + smoothing
    errors = counts / np.maximum(counts.sum(axis=2, keepdims=True), _TINY)
    prevalence = posterior.sum(axis=0) / max(len(posterior), 1)
    return errors, prevalence


def _expect(said: Floats, errors: Floats, prevalence: Floats) -> Floats:
    evidence = np.einsum("irb,rab->ia", said, np.log(np.maximum(errors, _TINY)))
    logs = np.log(np.maximum(prevalence, _TINY)) + evidence
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))
