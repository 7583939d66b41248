"""Least squares without rounding: rational arithmetic from the data to the coefficients.

Theory. The coefficients b of a polynomial that minimise Σ w_i (y_i − Σ_k b_k t_i^k)² solve the normal equations
S b = q with S_jk = Σ w_i t_i^(j+k) and q_j = Σ w_i t_i^j y_i; their covariance for weights 1/variance is S⁻¹
(Björck, Numerical Methods for Least Squares Problems, SIAM 1996, chapter 1). In floating point they lose twice the
digits that the design matrix does, which is why one takes a QR decomposition of a scaled basis and refines its
solution. That refinement converges to the solution of the normal equations; here these are solved as they are, with
integers and fractions, in the centred and scaled variable t = (x − centre) / half_width of [−1, 1]. Every number is
rounded once, when it leaves. What limits the result is the input alone: a decimal text taken as a fraction loses
nothing, a double is exactly what it is. A curve through zero has no constant term: the same equations without their
row and column of order 0, and t = x / half_width, whose centre is 0.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import SupportsFloat

# A number that is taken as it is: int, Fraction and Decimal exactly, anything else as the double it is.
Number = int | float | Fraction | Decimal | SupportsFloat

# Bits that a square root keeps before it becomes a double.
_ROOT_BITS = 128


@dataclass(frozen=True, slots=True)
class ExactFit:
    """The exact solution, in powers of t = (x − centre) / half_width, lowest first.

    `coefficients` (m,) in the unit of y; `cofactors` (m, m) is S⁻¹, the covariance for unit weight; `weighted_square`
    is the minimum itself; `residuals` (n,) are y − p(x), rounded. Through zero, what belongs to order 0 is 0.
    """

    centre: Fraction
    half_width: Fraction
    coefficients: tuple[Fraction, ...]
    cofactors: tuple[tuple[Fraction, ...], ...]
    weighted_square: Fraction
    residuals: tuple[float, ...]


def fraction(value: Number) -> Fraction:
    """Return a finite number as a fraction, exactly. Raises ValueError or OverflowError for NaN and infinity."""
    if isinstance(value, numbers.Integral):
        return Fraction(int(value))
    if isinstance(value, Fraction | Decimal):
        return Fraction(value)
    return Fraction(float(value))


def square_root(value: Fraction) -> float:
    """Return √value for value ≥ 0 as the nearest double, also where the value itself is beyond doubles."""
    if value == 0:
        return 0.0
    shift = max(0, _ROOT_BITS - value.numerator.bit_length() + value.denominator.bit_length())
    shift += shift % 2
    root = math.isqrt((value.numerator << shift) // value.denominator)
    return float(Fraction(root, 1 << (shift // 2)))


def solve(
    x: Sequence[Fraction], y: Sequence[Fraction], weights: Sequence[Fraction], degree: int, through_zero: bool = False
) -> ExactFit:
    """Fit y as a polynomial of x. Raises ZeroDivisionError where the points don't determine the degree."""
    x_int, x_unit = _integers(x)
    y_int, y_unit = _integers(y)
    w_int, w_unit = _integers(weights)
    # t = offset / width, with integers throughout.
    if through_zero:
        middle, offsets, width = 0, x_int, max(map(abs, x_int))
        unit, lowest = x_unit, 1
    else:
        middle, width = min(x_int) + max(x_int), max(x_int) - min(x_int)
        offsets = [2 * value - middle for value in x_int]
        unit, lowest = 2 * x_unit, 0
    size = degree + 1
    sums = [0] * (2 * degree + 1)
    sides = [0] * size
    square = 0
    for offset, y_i, w_i in zip(offsets, y_int, w_int, strict=True):
        power = w_i
        for order in range(2 * degree + 1):
            sums[order] += power
            if order < size:
                sides[order] += power * y_i
            power *= offset
        square += w_i * y_i * y_i
    inverse = _framed(
        _inverse([[Fraction(sums[j + k]) for k in range(lowest, size)] for j in range(lowest, size)]), size
    )
    # In powers of the integer offset, in units of 1/y_unit.
    raw = [sum((inverse[row][column] * sides[column] for column in range(size)), Fraction(0)) for row in range(size)]
    left = square - sum((raw[order] * sides[order] for order in range(size)), Fraction(0))
    return ExactFit(
        centre=Fraction(middle, unit),
        half_width=Fraction(width, unit),
        coefficients=tuple(raw[order] * width**order / y_unit for order in range(size)),
        cofactors=tuple(
            tuple(inverse[row][column] * width ** (row + column) * w_unit for column in range(size))
            for row in range(size)
        ),
        weighted_square=left / (w_unit * y_unit * y_unit),
        residuals=_residuals(offsets, y_int, raw, y_unit),
    )


def in_powers_of_x(fit: ExactFit) -> tuple[tuple[Fraction, ...], tuple[Fraction, ...]]:
    """Return the coefficients in powers of x, lowest first, and the diagonal of their covariance for unit weight."""
    size = len(fit.coefficients)
    # t^k = Σ_j C(k, j) x^j (−centre)^(k−j) / half_width^k
    rows = [
        [math.comb(k, j) * (-fit.centre) ** (k - j) / fit.half_width**k if k >= j else Fraction(0) for k in range(size)]
        for j in range(size)
    ]
    coefficients = tuple(sum((row[k] * fit.coefficients[k] for k in range(size)), Fraction(0)) for row in rows)
    variances = tuple(
        sum((row[k] * fit.cofactors[k][m] * row[m] for k in range(size) for m in range(size)), Fraction(0))
        for row in rows
    )
    return coefficients, variances


def _integers(values: Iterable[Fraction]) -> tuple[list[int], int]:
    """Return whole numbers and the unit that they are counted in: values = integers / unit."""
    values = list(values)
    unit = math.lcm(*(value.denominator for value in values))
    return [value.numerator * (unit // value.denominator) for value in values], unit


def _inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """Invert a symmetric positive definite matrix by elimination; a zero pivot raises ZeroDivisionError."""
    size = len(matrix)
    rows = [[*matrix[i], *(Fraction(int(i == j)) for j in range(size))] for i in range(size)]
    for pivot in range(size):
        scale = 1 / rows[pivot][pivot]
        rows[pivot] = [value * scale for value in rows[pivot]]
        for i in range(size):
            factor = rows[i][pivot]
            if i != pivot and factor:
                rows[i] = [value - factor * above for value, above in zip(rows[i], rows[pivot], strict=True)]
    return [row[size:] for row in rows]


def _framed(matrix: list[list[Fraction]], size: int) -> list[list[Fraction]]:
    """Put zeros before rows and columns until there are `size` of each."""
    missing = size - len(matrix)
    return [[Fraction(0)] * size for _ in range(missing)] + [[Fraction(0)] * missing + row for row in matrix]


def _residuals(offsets: list[int], y_int: list[int], raw: list[Fraction], y_unit: int) -> tuple[float, ...]:
    """Return y − p, each rounded once: integers over one denominator."""
    numerators, unit = _integers(raw)
    residuals = []
    for offset, y_i in zip(offsets, y_int, strict=True):
        predicted = 0
        for numerator in reversed(numerators):
            predicted = predicted * offset + numerator
        residuals.append((y_i * unit - predicted) / (unit * y_unit))
    return tuple(residuals)
