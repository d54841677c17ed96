"""Dawid and Skene's estimate against crowd-kit's, and against readers of known skill."""

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene

from labeling.agreement.coefficients import MISSING, Ints
from labeling.agreement.dawid_skene import dawid_skene

SKILLS = (0.95, 0.9, 0.85, 0.8, 0.6)


def simulated(n_cases: int, skills: tuple[float, ...], seed: int, n_values: int = 2) -> tuple[Ints, Ints]:
    """Truth, and readings of readers who are right as often as their skill says and else err evenly."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(n_cases) < 0.3).astype(np.int64) * rng.integers(1, n_values, n_cases)
    wrong = (truth[:, None] + rng.integers(1, n_values, (n_cases, len(skills)))) % n_values
    right = rng.random((n_cases, len(skills))) < np.array(skills)
    return truth, np.where(right, truth[:, None], wrong)


def theirs(codes: Ints) -> pd.DataFrame:
    cases, readers = np.nonzero(codes != MISSING)
    frame = pd.DataFrame({"task": cases, "worker": readers, "label": codes[cases, readers]})
    return DawidSkene(n_iter=60, tol=1e-9).fit_predict_proba(frame)


@pytest.mark.parametrize("n_values", [2, 3])
def test_posterior_is_that_of_crowd_kit(n_values: int) -> None:
    _, codes = simulated(150, SKILLS, 1, n_values)
    codes[np.random.default_rng(2).random(codes.shape) < 0.2] = MISSING
    codes = codes[(codes != MISSING).any(axis=1)]
    ours = dawid_skene(codes, n_values, smoothing=0.0).posterior
    other = theirs(codes).sort_index()[list(range(n_values))].to_numpy()
    assert np.abs(ours - other).max() < 5e-3
    assert (ours.argmax(axis=1) == other.argmax(axis=1)).all()


def test_estimated_errors_are_near_the_skills_of_five_readers() -> None:
    truth, codes = simulated(1000, SKILLS, 3)
    estimate = dawid_skene(codes, 2)
    right = np.einsum("raa,a->r", estimate.errors, estimate.prevalence)
    assert right == pytest.approx(SKILLS, abs=0.03)
    assert estimate.prevalence[1] == pytest.approx(0.3, abs=0.05)
    assert (estimate.posterior.argmax(axis=1) == truth).mean() > max(SKILLS)


def test_errors_and_posteriors_are_probabilities_and_a_value_nobody_said_is_not_chosen() -> None:
    codes = np.array([[0, 0, 1], [1, 1, 1], [0, 0, 0], [MISSING, 1, MISSING]])
    estimate = dawid_skene(codes, 4)
    assert estimate.posterior.sum(axis=1) == pytest.approx(1.0)
    assert estimate.errors.sum(axis=2) == pytest.approx(1.0)
    assert estimate.posterior.argmax(axis=1).tolist() == [0, 1, 0, 1]


def test_a_case_without_a_reading_has_the_prevalence_and_none_at_all_has_nothing() -> None:
    estimate = dawid_skene(np.array([[0, 0], [0, 0], [1, 1], [MISSING, MISSING]]), 2)
    assert estimate.posterior[3] == pytest.approx(estimate.prevalence)
    assert dawid_skene(np.empty((0, 2), np.int64), 2).posterior.shape == (0, 2)


def test_it_ends_where_it_has_not_converged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.agreement.dawid_skene._ITERATIONS", 2)
    _, codes = simulated(200, SKILLS, 5)
    assert dawid_skene(codes, 2).posterior.sum(axis=1) == pytest.approx(1.0)


def test_the_same_readings_give_the_same_bytes() -> None:
    _, codes = simulated(200, SKILLS, 5)
    assert dawid_skene(codes, 2).posterior.tobytes() == dawid_skene(codes, 2).posterior.tobytes()
