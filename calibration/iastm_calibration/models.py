"""A calibration curve: a polynomial fitted by least squares, with what it is worth.

Theory. y_i = p(x_i) + e_i with errors e_i that are independent, of one unknown standard deviation, or of known
standard uncertainties u_i, which weigh the points by 1/u_i². The fit is exact (see exact.py), so all figures are
those of the data and not of the arithmetic: the coefficients, the residual standard deviation √(Σ w r² / (n − m)) for
n points and m coefficients, and the standard errors, residual standard deviation times the root of the diagonal of
the inverse normal matrix (Draper and Smith, Applied Regression Analysis, 3rd edition 1998, chapter 5; NIST/SEMATECH
e-Handbook of Statistical Methods, section 4.4.3; reference data at https://www.itl.nist.gov/div898/strd/lls/lls.shtml).
Stated uncertainties are believed, and widened by the Birge ratio where the points scatter more than they allow (Birge,
Physical Review 40, 1932, p. 207); never narrowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iastm_calibration import exact
from iastm_calibration.errors import (
    AllEqualError,
    DegreeError,
    NotANumberError,
    NotMonotoneError,
    RangeError,
    TooFewPointsError,
)
from iastm_calibration.exact import Number
from iastm_calibration.monotone import turning_points

Floats = NDArray[np.float64]

# A tool's curve; load cells need no more, and a higher degree swings between the points.
CALIBRATION_DEGREE = 3
# For reference data.
REFERENCE_DEGREE = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """A polynomial y = p(x) over [low, high], coefficients lowest order first, in the data's own units.

    `standard_errors` belong to the coefficients. `residual_sd` is in the unit of y, or, of a weighted fit, a ratio: 1
    where the points scatter as their uncertainties say. `residuals` (n,) are y − p(x). The scaled coefficients and
    their covariance are in powers of t = (x − centre) / half_width; values are taken from them, because the powers of
    x itself cancel.
    """

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]
    residual_sd: float
    degrees_of_freedom: int
    low: float
    high: float
    residuals: tuple[float, ...]
    centre: float
    half_width: float
    scaled_coefficients: tuple[float, ...]
    scaled_covariance: tuple[tuple[float, ...], ...]

    @property
    def degree(self) -> int:
        """The highest power of x."""
        return len(self.coefficients) - 1

    def value(self, x: float | Floats) -> Floats:
        """Return p(x) in the unit of y, for a number or an array; also outside the range."""
        return _polynomial(self._scaled(x), self.scaled_coefficients)

    def slope(self, x: float | Floats) -> Floats:
        """Return dp/dx."""
        derivative = [order * value for order, value in enumerate(self.scaled_coefficients)][1:]
        return _polynomial(self._scaled(x), derivative) / self.half_width

    def standard_uncertainty(self, x: float | Floats) -> Floats:
        """Return the standard uncertainty of the curve itself at x, in the unit of y; a reading scatters besides."""
        powers = np.polynomial.polynomial.polyvander(np.atleast_1d(self._scaled(x)), self.degree)
        variance = ((powers @ np.asarray(self.scaled_covariance)) * powers).sum(axis=1)
        root: Floats = np.sqrt(np.maximum(variance, 0.0)).reshape(np.shape(x))
        return root

    def covers(self, x: float) -> bool:
        """Tell whether x lies within the points that were fitted."""
        return self.low <= x <= self.high

    def turning_points(self) -> list[float]:
        """Return where the curve turns inside its range, [] where it is monotone.

        Exact for the scaled coefficients: in those of x itself rounding alone can make a turn, far from zero.
        """
        return [self.centre + self.half_width * turn for turn in turning_points(self.scaled_coefficients, -1.0, 1.0)]

    def inverse(self, y: float) -> float:
        """Return the x of [low, high] with p(x) = y, by halving. The curve must be monotone. Raises RangeError."""
        low, high = self.low, self.high
        at_low, at_high = float(self.value(low)), float(self.value(high))
        if not min(at_low, at_high) <= y <= max(at_low, at_high):
            raise RangeError(
                f"{y:g} lies outside the calibrated range from {at_low:g} to {at_high:g}.",
                "Calibrate over a wider range.",
            )
        rising = at_high > at_low
        while low < (middle := low + (high - low) / 2) < high:
            if (float(self.value(middle)) < y) == rising:
                low = middle
            else:
                high = middle
        return min(low, high, key=lambda x: abs(float(self.value(x)) - y))

    def _scaled(self, x: float | Floats) -> Floats:
        return (np.asarray(x, dtype=np.float64) - self.centre) / self.half_width


def fit_polynomial(
    x: Sequence[Number] | NDArray[Any],
    y: Sequence[Number] | NDArray[Any],
    degree: int,
    uncertainty: Sequence[Number] | NDArray[Any] | None = None,
) -> Fit:
    """Fit y as a polynomial of x with degree 1 to 5; `uncertainty` (n,) are standard uncertainties of y.

    Decimals and fractions are taken exactly, doubles as they are. Raises DegreeError, NotANumberError,
    TooFewPointsError, AllEqualError, RangeError where a result overflows, and ValueError where lengths differ.
    """
    return _fit(x, y, degree, uncertainty, through_zero=False)


def fit_through_zero(
    x: Sequence[Number] | NDArray[Any],
    y: Sequence[Number] | NDArray[Any],
    degree: int,
    uncertainty: Sequence[Number] | NDArray[Any] | None = None,
) -> Fit:
    """Fit y as a polynomial of x without a constant term, otherwise as `fit_polynomial`.

    Zero belongs to the range, and of the first coefficient both value and standard error are 0.
    """
    return _fit(x, y, degree, uncertainty, through_zero=True)


def fit_calibration(
    x: Sequence[Number] | NDArray[Any],
    y: Sequence[Number] | NDArray[Any],
    degree: int,
    uncertainty: Sequence[Number] | NDArray[Any] | None = None,
) -> Fit:
    """Fit as `fit_polynomial`, with degree 1 to 3 and a curve that doesn't turn. Raises NotMonotoneError besides."""
    if degree > CALIBRATION_DEGREE:
        raise DegreeError(
            f"A calibration of degree {degree} is not offered: it would swing between the points.",
            f"Choose 1 to {CALIBRATION_DEGREE}.",
        )
    fit = fit_polynomial(x, y, degree, uncertainty)
    require_monotone(fit)
    return fit


def require_monotone(fit: Fit) -> None:
    """Refuse a curve by which one reading would mean two forces. Raises NotMonotoneError with the place."""
    turns = fit.turning_points()
    if turns or not any(fit.scaled_coefficients[1:]):
        where = f"turns at {', '.join(f'{turn:.6g}' for turn in turns)}" if turns else "is flat"
        raise NotMonotoneError(
            f"The curve {where}, inside its range from {fit.low:g} to {fit.high:g}: one reading would mean two forces.",
            "Look for swapped or wrong loads, take more points, or choose a lower degree.",
        )


def _fit(
    x: Sequence[Number] | NDArray[Any],
    y: Sequence[Number] | NDArray[Any],
    degree: int,
    uncertainty: Sequence[Number] | NDArray[Any] | None,
    through_zero: bool,
) -> Fit:
    if not 1 <= degree <= REFERENCE_DEGREE:
        raise DegreeError(
            f"A polynomial of degree {degree} is not offered.",
            f"Choose 1 to {CALIBRATION_DEGREE} for a calibration, up to {REFERENCE_DEGREE} for reference data.",
        )
    xs, ys = _fractions(x, "x"), _fractions(y, "y")
    if len(xs) != len(ys):
        raise ValueError("x and y differ in length")
    terms = degree if through_zero else degree + 1
    freedom = len(xs) - terms
    if freedom < 1:
        raise TooFewPointsError(
            f"{_points(len(xs))} can't tell a polynomial of degree {degree} and how well it fits.",
            f"Take at least {terms + 1} points, or a lower degree.",
        )
    for values, name in ((xs, "x"), (ys, "y")):
        if len(set(values)) == 1:
            raise AllEqualError(
                f"All {len(values)} values of {name} are {float(values[0]):g}.",
                "Check that the column is the right one, and that the cell was loaded and answered.",
            )
    # Where the curve is bound to pass through zero, points there tell nothing of it.
    places = len(set(xs) - {Fraction(0)}) if through_zero else len(set(xs))
    if places < terms:
        raise TooFewPointsError(
            f"The points lie at only {places} different places; degree {degree} needs {terms}.",
            "Take points at more loads, or a lower degree.",
        )
    if uncertainty is None:
        smallest, weights = None, [Fraction(1)] * len(xs)
    else:
        smallest, weights = _weights(uncertainty)
    if len(weights) != len(xs):
        raise ValueError("uncertainty and x differ in length")
    low, high = min(xs), max(xs)
    if through_zero:
        low, high = min(low, Fraction(0)), max(high, Fraction(0))
    try:
        solved = exact.solve(xs, ys, weights, degree, through_zero)
        return _rounded(solved, freedom, smallest, float(low), float(high))
    except OverflowError:
        raise RangeError(
            "The values are so large or so close together that a coefficient is beyond what a number here can hold.",
            "Look for a mistyped exponent, or state the values in another unit.",
        ) from None


def _polynomial(t: Floats, coefficients: Sequence[float]) -> Floats:
    total = np.zeros_like(t)
    for coefficient in reversed(coefficients):
        total = total * t + coefficient
    return np.asarray(total, dtype=np.float64)


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"


def _fractions(values: Sequence[Number] | NDArray[Any], name: str) -> list[Fraction]:
    taken = []
    for number, value in enumerate(values, 1):
        try:
            taken.append(exact.fraction(value))
        except (ValueError, OverflowError):
            raise NotANumberError(
                f"Value {number} of {name} is {value}.", "Measure that point again, or take it out by hand."
            ) from None
    return taken


def _weights(uncertainty: Sequence[Number] | NDArray[Any]) -> tuple[Fraction, list[Fraction]]:
    """Return the smallest uncertainty, and weights relative to it. As doubles: nobody knows them better."""
    values = _fractions(uncertainty, "uncertainty")
    if any(value <= 0 for value in values):
        raise NotANumberError(
            "A standard uncertainty is zero or negative.", "State how well each point is known, above zero."
        )
    smallest = min(values)
    return smallest, [Fraction(float((smallest / value) ** 2)) for value in values]


def _rounded(solved: exact.ExactFit, freedom: int, smallest: Fraction | None, low: float, high: float) -> Fit:
    coefficients, cofactors = exact.in_powers_of_x(solved)
    variance = solved.weighted_square / freedom
    if smallest is None:
        residual_sd = exact.square_root(variance)
    else:
        residual_sd = exact.square_root(variance / smallest**2)
        variance = max(variance, smallest**2)
    return Fit(
        coefficients=tuple(map(float, coefficients)),
        standard_errors=tuple(exact.square_root(variance * cofactor) for cofactor in cofactors),
        residual_sd=residual_sd,
        degrees_of_freedom=freedom,
        low=low,
        high=high,
        residuals=solved.residuals,
        centre=float(solved.centre),
        half_width=float(solved.half_width),
        scaled_coefficients=tuple(map(float, solved.coefficients)),
        scaled_covariance=tuple(tuple(float(variance * value) for value in row) for row in solved.cofactors),
    )
