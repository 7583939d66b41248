from __future__ import annotations

import csv
import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from iastm_calibration.errors import (
    AllEqualError,
    CalibrationError,
    DegreeError,
    NotANumberError,
    NotMonotoneError,
    RangeError,
    TooFewPointsError,
)
from iastm_calibration.models import Fit, fit_calibration, fit_polynomial
from iastm_calibration.monotone import turning_points

REFERENCE_DATA = Path(__file__).parents[2] / "calibration" / "reference_data"
# As certified by NIST: degree, coefficients, their standard deviations, residual standard deviation.
CERTIFIED = {
    "norris": (
        1,
        ["-0.262323073774029", "1.00211681802045"],
        ["0.232818234301152", "0.429796848199937E-03"],
        "0.884796396144373",
    ),
    "pontius": (
        2,
        ["0.673565789473684E-03", "0.732059160401003E-06", "-0.316081871345029E-14"],
        ["0.107938612033077E-03", "0.157817399981659E-09", "0.486652849992036E-16"],
        "0.205177424076185E-03",
    ),
}


def digits(value: float, certified: str | float) -> float:
    """Return to how many digits two numbers agree."""
    wanted = float(certified)
    return 17.0 if value == wanted else -math.log10(abs(value - wanted) / abs(wanted))


def reference_set(name: str) -> tuple[list[str], list[str]]:
    with (REFERENCE_DATA / f"{name}.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return [row[1] for row in rows], [row[0] for row in rows]


@pytest.mark.parametrize("name", CERTIFIED)
@pytest.mark.parametrize(("kind", "least"), [(float, 13), (Decimal, 14.3)])
def test_the_certified_digits_of_nist_are_met(name: str, kind: Callable[[str], float | Decimal], least: float) -> None:
    degree, coefficients, errors, residual_sd = CERTIFIED[name]
    x, y = reference_set(name)
    fit = fit_polynomial([kind(text) for text in x], [kind(text) for text in y], degree)
    for value, wanted in zip(fit.coefficients, coefficients, strict=True):
        assert digits(value, wanted) >= least
    for value, wanted in zip(fit.standard_errors, errors, strict=True):
        assert digits(value, wanted) >= least
    assert digits(fit.residual_sd, residual_sd) >= least
    assert fit.turning_points() == []


# After the Wampler problems: y = Σ x^k over 0 to 20, and errors whose sum with every power up to x⁵ is known.
@pytest.mark.parametrize("noise", [0, 1, 10_000])
def test_a_degree_of_five_with_large_errors_keeps_every_digit(noise: int) -> None:
    x = list(range(21))
    # Sixth differences of a sequence are orthogonal to all powers below the sixth.
    difference = [(-1) ** k * math.comb(6, k) for k in range(7)]
    error = [noise * value for value in difference + [0] * 7 + difference]
    y = [sum(value**order for order in range(6)) + e for value, e in zip(x, error, strict=True)]
    fit = fit_polynomial(x, y, 5)
    assert fit.coefficients == (1.0,) * 6
    assert fit.residuals == tuple(map(float, error))
    assert fit.residual_sd == pytest.approx(math.sqrt(sum(e * e for e in error) / 15), rel=1e-15)


def test_a_huge_offset_costs_no_digit() -> None:
    x = [10**9 + step for step in range(12)]
    y = [Fraction(3) + Fraction(value, 7) - Fraction(value * value, 10**12) for value in x]
    assert fit_polynomial(x, y, 2).coefficients == (3.0, 1 / 7, -1e-12)


def test_the_fit_is_that_of_a_scaled_qr_decomposition() -> None:
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(-1e5, 8e6, 40))
    y = 3e-6 * x + 1e-14 * x**2 + rng.normal(0, 0.01, 40)
    u = rng.uniform(0.005, 0.02, 40)
    fit = fit_polynomial(x, y, 3, u)
    t = (x - fit.centre) / fit.half_width
    design = np.polynomial.chebyshev.chebvander(t, 3) / u[:, None]
    q, r = np.linalg.qr(design)
    by_qr = np.polynomial.chebyshev.cheb2poly(np.linalg.solve(r, q.T @ (y / u)))
    np.testing.assert_allclose(fit.scaled_coefficients, by_qr, rtol=1e-9)
    np.testing.assert_allclose(fit.value(x), np.polynomial.polynomial.polyval(t, by_qr), rtol=1e-9)


COEFFICIENT = st.integers(-1000, 1000)


@st.composite
def exact_polynomials(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    degree = draw(st.integers(1, 5))
    coefficients = draw(st.lists(COEFFICIENT, min_size=degree + 1, max_size=degree + 1))
    x = draw(st.lists(st.integers(-(10**6), 10**6), min_size=degree + 2, max_size=20, unique=True))
    return coefficients, x


@given(exact_polynomials())
def test_a_polynomial_is_found_again_exactly(case: tuple[list[int], list[int]]) -> None:
    coefficients, x = case
    y = [sum(c * value**order for order, c in enumerate(coefficients)) for value in x]
    assume(len(set(y)) > 1)
    fit = fit_polynomial(x, y, len(coefficients) - 1)
    assert fit.coefficients == tuple(map(float, coefficients))
    assert fit.residual_sd == 0
    assert set(fit.residuals) == {0.0}
    assert set(fit.standard_errors) == {0.0}


@st.composite
def scattered(draw: st.DrawFn) -> tuple[list[Fraction], list[Fraction], int]:
    degree = draw(st.integers(1, 4))
    numbers = st.fractions(-1000, 1000, max_denominator=1000)
    x = draw(st.lists(numbers, min_size=degree + 2, max_size=15, unique=True))
    y = draw(st.lists(numbers, min_size=len(x), max_size=len(x)).filter(lambda values: len(set(values)) > 1))
    return x, y, degree


@given(scattered(), st.fractions(-(10**6), 10**6), st.fractions(1, 1000, max_denominator=50))
def test_a_shift_and_a_scale_of_x_leave_the_curve(
    case: tuple[list[Fraction], list[Fraction], int], shift: Fraction, scale: Fraction
) -> None:
    x, y, degree = case
    plain = fit_polynomial(x, y, degree)
    moved = fit_polynomial([value * scale + shift for value in x], y, degree)
    assert moved.residuals == plain.residuals
    assert moved.residual_sd == plain.residual_sd
    assert moved.scaled_coefficients == plain.scaled_coefficients
    assert moved.coefficients[-1] == pytest.approx(plain.coefficients[-1] / float(scale) ** degree, rel=1e-14)


@given(scattered(), st.fractions(1, 1000, max_denominator=50), COEFFICIENT)
def test_a_scale_and_a_shift_of_y_scale_and_shift_the_curve(
    case: tuple[list[Fraction], list[Fraction], int], scale: Fraction, shift: int
) -> None:
    x, y, degree = case
    plain = fit_polynomial(x, y, degree)
    moved = fit_polynomial(x, [value * scale + shift for value in y], degree)
    np.testing.assert_allclose(moved.coefficients[1:], np.multiply(plain.coefficients[1:], float(scale)), rtol=1e-14)
    np.testing.assert_allclose(moved.standard_errors, np.multiply(plain.standard_errors, float(scale)), rtol=1e-14)
    assert moved.residual_sd == pytest.approx(plain.residual_sd * float(scale), rel=1e-14)


@given(scattered(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(case: tuple[list[Fraction], list[Fraction], int], random) -> None:
    x, y, degree = case
    order = list(range(len(x)))
    random.shuffle(order)
    plain = fit_polynomial(x, y, degree)
    shuffled = fit_polynomial([x[at] for at in order], [y[at] for at in order], degree)
    assert shuffled.coefficients == plain.coefficients
    assert shuffled.standard_errors == plain.standard_errors


@given(scattered())
def test_residuals_are_orthogonal_to_the_powers(case: tuple[list[Fraction], list[Fraction], int]) -> None:
    x, y, degree = case
    fit = fit_polynomial(x, y, degree)
    t = np.array([float(value) for value in x])
    t = (t - fit.centre) / fit.half_width
    for order in range(degree + 1):
        assert abs(np.dot(t**order, fit.residuals)) <= 1e-12 * (1 + np.abs(fit.residuals).sum())


def test_a_point_taken_twice_weighs_as_one_known_better() -> None:
    x, y = [0, 1, 2, 3, 4], [0.1, 1.0, 2.2, 2.9, 4.1]
    twice = fit_polynomial([*x, 2, 2, 2], [*y, 2.2, 2.2, 2.2], 1)
    weighted = fit_polynomial(x, y, 1, [1, 1, 0.5, 1, 1])
    assert weighted.coefficients == pytest.approx(twice.coefficients, rel=1e-15)


def test_stated_uncertainties_make_the_standard_errors_and_scatter_only_widens_them() -> None:
    x = np.arange(10.0)
    scatter = np.array([1, -1] * 5) * 0.1
    believed = fit_polynomial(x, 2 * x + scatter, 1, np.full(10, 1.0))
    assert believed.residual_sd < 0.2
    assert believed.standard_errors[1] == pytest.approx(1 / math.sqrt(np.sum((x - 4.5) ** 2)), rel=1e-14)
    widened = fit_polynomial(x, 2 * x + scatter, 1, np.full(10, 0.01))
    plain = fit_polynomial(x, 2 * x + scatter, 1)
    assert widened.residual_sd > 5
    assert widened.standard_errors == pytest.approx(plain.standard_errors, rel=1e-14)


def test_the_uncertainty_of_the_curve_is_what_repeated_fits_scatter_by(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(7)
    x = np.linspace(0, 50, 9)
    at = np.array([0.0, 20.0, 50.0])
    fits = [fit_polynomial(x, 0.3 + 2 * x + rng.normal(0, 0.05, 9), 2) for _ in range(size(400, 5000))]
    spread = np.std([fit.value(at) for fit in fits], axis=0)
    stated = np.sqrt(np.mean([fit.standard_uncertainty(at) ** 2 for fit in fits], axis=0))
    np.testing.assert_allclose(stated, spread, rtol=0.12)


def line() -> Fit:
    return fit_calibration([-1e6, 0, 2e6, 5e6, 7e6, 8e6], [-6.1, 0, 12, 30.2, 42, 48.1], 2)


@given(st.floats(-1e6, 8e6))
def test_a_value_inverts_to_where_it_came_from(x: float) -> None:
    fit = line()
    assert fit.inverse(float(fit.value(x))) == pytest.approx(x, abs=1e-6)


def test_a_force_outside_the_range_is_refused() -> None:
    fit = line()
    assert fit.covers(8e6)
    assert not fit.covers(8e6 + 1)
    with pytest.raises(RangeError, match="outside the calibrated range"):
        fit.inverse(49)


def test_the_slope_is_that_of_the_curve() -> None:
    fit = line()
    assert float(fit.slope(3e6)) == pytest.approx(float(fit.value(3e6 + 1) - fit.value(3e6 - 1)) / 2, rel=1e-7)


@pytest.mark.parametrize(
    ("x", "y", "degree", "error", "word"),
    [
        ([1, 2, 3], [1, 2, 3], 0, DegreeError, "degree 0"),
        (range(9), range(9), 6, DegreeError, "degree 6"),
        ([1, 2], [1, 2], 1, TooFewPointsError, "2 points"),
        ([1], [1], 1, TooFewPointsError, "1 point "),
        ([], [], 1, TooFewPointsError, "0 points"),
        ([1, 1, 2, 2], [1, 2, 3, 4], 2, TooFewPointsError, "2 different places"),
        ([5, 5, 5, 5], [1, 2, 3, 4], 1, AllEqualError, "of x are 5"),
        ([1, 2, 3, 4], [7, 7, 7, 7], 1, AllEqualError, "of y are 7"),
        ([1, 2, math.nan, 4], [1, 2, 3, 4], 1, NotANumberError, "Value 3 of x is nan"),
        ([1, 2, 3, 4], [1, math.inf, 3, 4], 1, NotANumberError, "Value 2 of y is inf"),
        ([1, 2, 3, 4], [1, Decimal("NaN"), 3, 4], 1, NotANumberError, "Value 2 of y"),
        ([1e-200, 2e-200, 3e-200, 4e-200], [1e200, 2e200, 3e200, 5e200], 1, RangeError, "exponent"),
    ],
)
def test_bad_points_are_refused_with_words(x, y, degree: int, error: type[CalibrationError], word: str) -> None:
    with pytest.raises(error, match=word) as raised:
        fit_polynomial(list(x), list(y), degree)
    assert raised.value.fix


def test_an_uncertainty_of_zero_is_refused() -> None:
    with pytest.raises(NotANumberError, match="zero or negative"):
        fit_polynomial([1, 2, 3], [1, 2, 3], 1, [1, 0, 1])


def test_lengths_that_differ_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="length"):
        fit_polynomial([1, 2, 3], [1, 2], 1)
    with pytest.raises(ValueError, match="length"):
        fit_polynomial([1, 2, 3], [1, 2, 3], 1, [1, 1])


def test_a_calibration_that_turns_is_refused_with_the_place() -> None:
    x = list(range(11))
    y = [(value - 8) ** 2 for value in x]
    assert fit_polynomial(x, y, 2).turning_points() == pytest.approx([8.0])
    with pytest.raises(NotMonotoneError, match="turns at 8"):
        fit_calibration(x, y, 2)


def test_a_calibration_without_slope_is_refused() -> None:
    with pytest.raises(NotMonotoneError, match="flat"):
        fit_calibration([-1, -1, 1, 1], [1, 2, 2, 1], 1)


def test_a_curve_far_from_zero_does_not_turn_by_rounding() -> None:
    x = [10**9 + step for step in range(20)]
    y = [Fraction(step) + Fraction(step**3, 7) for step in range(20)]
    fit = fit_calibration(x, y, 3)
    assert turning_points(fit.coefficients, fit.low, fit.high) != []
    assert fit.turning_points() == []


def test_a_calibration_takes_no_degree_above_three() -> None:
    with pytest.raises(DegreeError, match="degree 4"):
        fit_calibration(range(9), range(9), 4)


def test_numpy_numbers_are_taken_as_they_are() -> None:
    x = np.array([0, 2**40, 2**41, 2**42], dtype=np.int64)
    y = np.array([0, 1, 2, 4], dtype=np.float32)
    assert fit_polynomial(x, y, 1).coefficients == (0.0, 2.0**-40)
