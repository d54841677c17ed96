import numpy as np
import pytest

from labeling.agreement.coefficients import mean
from labeling.agreement.intervals import by_patient, draws, interval, mean_of


def test_draws_hold_as_many_patients_as_there_are_and_repeat() -> None:
    times = draws(30, 200, seed=4)
    assert (times.sum(axis=1) == 30).all()
    assert (times == draws(30, 200, seed=4)).all()
    assert (times != draws(30, 200, seed=5)).any()


def test_interval_of_a_share_is_as_wide_as_the_formula_says() -> None:
    agrees = np.repeat([1.0, 0.0], [80, 20])
    statistics = np.column_stack((agrees, np.ones(100)))
    low, high = interval(mean(draws(100, 2000, 1) @ statistics)) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.8 - 1.96 * 0.04, 0.8 + 1.96 * 0.04), abs=0.015)


def test_cases_of_one_patient_go_together_so_the_interval_is_wider() -> None:
    agrees = np.repeat([1.0, 0.0], [80, 20])
    statistics = np.column_stack((agrees, np.ones(100)))
    ten = by_patient(statistics, np.arange(100) // 10, 10)
    assert ten[:, 1].tolist() == [10.0] * 10
    alone = interval(mean(draws(100, 2000, 1) @ statistics)) or (0.0, 0.0)
    together = interval(mean(draws(10, 2000, 1) @ ten)) or (0.0, 0.0)
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_no_interval_where_half_of_the_draws_are_undefined_or_there_are_none() -> None:
    assert interval(np.array([0.5, np.nan])) is None
    assert interval(np.empty(0)) is None
    assert interval(np.array([0.5, 0.5, np.nan])) == (0.5, 0.5)


def test_mean_leaves_out_what_is_undefined() -> None:
    values = mean_of(np.array([[1.0, np.nan, np.nan], [0.0, 3.0, np.nan]]))
    assert values[:2].tolist() == [0.5, 3.0]
    assert np.isnan(values[2])
