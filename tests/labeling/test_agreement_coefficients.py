"""Coefficients against published examples, hand formulas and the krippendorff package."""

import warnings

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeling.agreement.coefficients import (
    MISSING,
    Coefficient,
    Ints,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    many,
    pair,
    pair_ac1,
    pair_percent,
    percent,
)

FLEISS = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip
"""Ten subjects, fourteen readers, five values: the widely printed example, kappa 0.210."""


def of_many(coefficient: Coefficient, codes: Ints, n_values: int) -> float:
    return float(coefficient(many(codes, n_values).sum(axis=0)))


def of_two(coefficient: Coefficient, codes: Ints, n_values: int) -> float:
    return float(coefficient(pair(codes[:, 0], codes[:, 1], n_values).sum(axis=0)))


def readings(n_readers: int) -> st.SearchStrategy[Ints]:
    return arrays(np.int64, st.tuples(st.integers(2, 12), st.just(n_readers)), elements=st.integers(-1, 2))


def two_by_two(both: int, first: int, second: int, neither: int) -> Ints:
    pairs = [(1, 1)] * both + [(1, 0)] * first + [(0, 1)] * second + [(0, 0)] * neither
    return np.array(pairs, np.int64)


def test_fleiss_published_example() -> None:
    codes = np.array([np.repeat(np.arange(5), row) for row in FLEISS])
    assert of_many(fleiss_kappa, codes, 5) == pytest.approx(0.210, abs=5e-4)
    assert of_many(percent, codes, 5) == pytest.approx(0.378, abs=5e-4)


def test_cohen_by_hand() -> None:
    codes = two_by_two(20, 5, 10, 15)  # observed 0.7, by chance 0.5 * 0.6 + 0.5 * 0.4
    assert of_two(pair_percent, codes, 2) == pytest.approx(0.7)
    assert of_two(cohen_kappa, codes, 2) == pytest.approx(0.4)


def test_rare_finding_has_a_low_kappa_and_a_high_ac1() -> None:
    codes = two_by_two(0, 5, 5, 90)  # Gwet 2008: per cent stays what it is, kappa falls below chance
    chance = 2 * 0.05 * 0.95
    assert of_two(cohen_kappa, codes, 2) < 0
    assert of_two(pair_ac1, codes, 2) == pytest.approx((0.9 - chance) / (1 - chance))
    assert of_many(gwet_ac1, codes, 2) == pytest.approx(of_two(pair_ac1, codes, 2))


@given(readings(4))
def test_alpha_is_that_of_krippendorff(codes: Ints) -> None:
    ours = of_many(krippendorff_alpha, codes, 3)
    data = np.where(codes == MISSING, np.nan, codes).T
    values = codes[(codes != MISSING).sum(axis=1) >= 2]
    if len(set(values[values != MISSING].tolist())) < 2:
        assert np.isnan(ours)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal", value_domain=[0, 1, 2])
    assert ours == pytest.approx(theirs, abs=1e-9)


@given(readings(2))
def test_two_readers_as_a_pair_and_as_many_agree_alike(codes: Ints) -> None:
    for as_pair, as_many in ((pair_percent, percent), (pair_ac1, gwet_ac1)):
        two, all_of_them = of_two(as_pair, codes, 3), of_many(as_many, codes, 3)
        assert two == pytest.approx(all_of_them, nan_ok=True)


@given(readings(3), st.permutations(range(3)))
def test_neither_order_of_readers_nor_names_of_values_matter(codes: Ints, order: list[int]) -> None:
    renamed = np.where(codes == MISSING, MISSING, (codes + 1) % 3)[:, order]
    for coefficient in (percent, fleiss_kappa, gwet_ac1, krippendorff_alpha):
        assert of_many(coefficient, codes, 3) == pytest.approx(of_many(coefficient, renamed, 3), nan_ok=True)


def test_full_agreement_is_one_and_where_only_one_value_was_said_chance_would_agree() -> None:
    same = np.array([[0, 0], [1, 1], [0, 0]])
    for coefficient in (percent, fleiss_kappa, gwet_ac1, krippendorff_alpha):
        assert of_many(coefficient, same, 2) == 1.0
    constant = np.zeros((3, 2), np.int64)
    assert np.isnan(of_many(fleiss_kappa, constant, 2))
    assert np.isnan(of_many(krippendorff_alpha, constant, 2))
    assert np.isnan(of_two(cohen_kappa, constant, 2))
    assert of_many(gwet_ac1, constant, 2) == 1.0


def test_a_case_that_one_reader_read_counts_for_nothing() -> None:
    codes = np.array([[0, MISSING], [1, 1], [MISSING, MISSING]])
    assert many(codes, 2).sum(axis=1).astype(bool).tolist() == [False, True, False]
    assert pair(codes[:, 0], codes[:, 1], 2).sum() == 1
    assert np.isnan(of_many(percent, codes[:1], 2))
