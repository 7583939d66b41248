from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.errors import AllEqualError, DegreeError, TooFewPointsError
from iastm_calibration.models import fit_polynomial, fit_through_zero

NUMBER = st.fractions(-1000, 1000, max_denominator=1000)


@given(st.integers(1, 5), st.data())
def test_a_polynomial_through_zero_comes_back_exactly(degree: int, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.integers(-50, 50).filter(bool), min_size=degree, max_size=degree))
    x = data.draw(st.lists(NUMBER.filter(bool), min_size=degree + 1, max_size=12, unique=True))
    y = [sum(c * value ** (order + 1) for order, c in enumerate(wanted)) for value in x]
    if len(set(y)) == 1:
        return
    fit = fit_through_zero(x, y, degree)
    assert fit.coefficients == (0.0, *map(float, wanted))
    assert set(fit.residuals) == {0.0}
    assert float(fit.value(0.0)) == 0.0
    assert float(fit.standard_uncertainty(0.0)) == 0.0


@given(st.integers(1, 3), st.lists(st.tuples(NUMBER, NUMBER), min_size=5, max_size=12, unique_by=lambda pair: pair[0]))
def test_residuals_are_orthogonal_to_the_powers_above_the_constant(
    degree: int, points: list[tuple[Fraction, Fraction]]
) -> None:
    x, y = [point[0] for point in points], [point[1] for point in points]
    if len(set(y)) == 1:
        return
    fit = fit_through_zero(x, y, degree)
    t = np.array([float(value) for value in x]) / fit.half_width
    for order in range(1, degree + 1):
        assert abs(np.dot(t**order, fit.residuals)) <= 1e-11 * (1 + np.abs(fit.residuals).sum())


def test_a_line_through_zero_and_its_standard_error_are_those_of_the_book() -> None:
    """Σxy / Σx², s² = Σr² / (n − 1), s / √Σx² (Draper and Smith, section 1.5 with β0 = 0)."""
    x, y = [1.0, 2.0, 3.0, 4.0], [2.1, 3.9, 6.2, 7.8]
    fit = fit_through_zero(x, y, 1)
    slope = np.dot(x, y) / np.dot(x, x)
    sd = math.sqrt(np.sum((y - slope * np.array(x)) ** 2) / 3)
    assert fit.coefficients == pytest.approx((0, slope), rel=1e-15)
    assert fit.residual_sd == pytest.approx(sd, rel=1e-13)
    assert fit.standard_errors == pytest.approx((0, sd / math.sqrt(30)), rel=1e-13)
    assert fit.degrees_of_freedom == 3
    assert float(fit.standard_uncertainty(2.0)) == pytest.approx(2 * sd / math.sqrt(30), rel=1e-13)


def test_points_that_mirror_themselves_have_the_same_odd_curve_with_and_without_a_constant() -> None:
    x = [-3, -2, -1, 1, 2, 3]
    scatter = [Fraction(sign, 50) for sign in (1, -1, 1, -1, 1, -1)]
    y = [2 * value + Fraction(value**3, 10) + error for value, error in zip(x, scatter, strict=True)]
    assert fit_through_zero(x, y, 3).coefficients[1] == fit_polynomial(x, y, 3).coefficients[1]


def test_zero_belongs_to_the_range_on_either_polarity() -> None:
    assert (fit_through_zero([2, 3, 4], [1, 2, 3], 1).low, fit_through_zero([2, 3, 4], [1, 2, 3], 1).high) == (0, 4)
    falling = fit_through_zero([-2, -3, -4], [1, 2, 3.1], 1)
    assert (falling.low, falling.high) == (-4, 0)
    assert falling.coefficients[1] < 0
    assert falling.covers(-0.5)


def test_weights_pull_the_curve_to_the_points_that_are_known_better() -> None:
    x, y = [0, 1, 2, 3, 4], [0.0, 1.0, 2.2, 2.9, 4.1]
    twice = fit_through_zero([*x, 2, 2, 2], [*y, 2.2, 2.2, 2.2], 1)
    weighted = fit_through_zero(x, y, 1, [1, 1, 0.5, 1, 1])
    assert weighted.coefficients == pytest.approx(twice.coefficients, rel=1e-15)


def test_the_uncertainty_of_the_curve_is_what_repeated_fits_scatter_by(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(7)
    x = np.linspace(1, 50, 9)
    at = np.array([5.0, 20.0, 50.0])
    fits = [fit_through_zero(x, 2 * x + rng.normal(0, 0.05, 9), 2) for _ in range(size(400, 5000))]
    spread = np.std([fit.value(at) for fit in fits], axis=0)
    stated = np.sqrt(np.mean([fit.standard_uncertainty(at) ** 2 for fit in fits], axis=0))
    np.testing.assert_allclose(stated, spread, rtol=0.12)


@pytest.mark.parametrize(
    ("x", "y", "degree", "error", "word"),
    [
        ([1, 2], [1, 2], 2, TooFewPointsError, "at least 3 points"),
        ([0, 0, 1, 1], [0, 0, 1, 2], 2, TooFewPointsError, "1 different places; degree 2 needs 2"),
        ([3, 3, 3], [1, 2, 3], 1, AllEqualError, "of x are 3"),
        ([1, 2, 3], [1, 2, 3], 0, DegreeError, "degree 0"),
    ],
)
def test_bad_points_are_refused_with_words(x, y, degree: int, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        fit_through_zero(x, y, degree)
