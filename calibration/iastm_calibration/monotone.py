"""Where a polynomial turns, decided exactly.

Theory. A polynomial is strictly monotone over an interval exactly where its derivative never changes sign inside it.
Sturm's theorem counts the distinct roots of the derivative between two points by the changes of sign in a chain of
remainders (Basu, Pollack, Roy, Algorithms in Real Algebraic Geometry, 2nd edition 2006, chapter 2). Fractions make
the count exact: a turn between two grid points, however narrow, is found. A root where the derivative keeps its sign,
as that of x³ at 0, is no turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

Polynomial = list[Fraction]

# Halvings of the interval around a turn before its place is told: it is for reading, the decision is made before.
_HALVINGS = 60


def turning_points(coefficients: Sequence[float], low: float, high: float) -> list[float]:
    """Return where a polynomial (lowest order first) turns inside (low, high), rising; [] where it is monotone.

    A constant has no turn either.
    """
    begin, end = Fraction(low), Fraction(high)
    slope = _trim([order * Fraction(value) for order, value in enumerate(coefficients)][1:])
    for border in (begin, end):
        # A factor (x − border) has one sign inside.
        while len(slope) > 1 and _value(slope, border) == 0:
            slope = _divide(slope, [-border, Fraction(1)])[0]
    if len(slope) <= 1:
        return []
    return [
        _place(slope, left, right)
        for left, right in _isolated(_chain(slope), begin, end)
        if _value(slope, left) * _value(slope, right) < 0
    ]


def _trim(polynomial: Polynomial) -> Polynomial:
    while polynomial and polynomial[-1] == 0:
        polynomial = polynomial[:-1]
    return polynomial


def _value(polynomial: Polynomial, x: Fraction) -> Fraction:
    total = Fraction(0)
    for coefficient in reversed(polynomial):
        total = total * x + coefficient
    return total


def _divide(dividend: Polynomial, divisor: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Return quotient and remainder."""
    rest = list(dividend)
    quotient = [Fraction(0)] * max(1, len(dividend) - len(divisor) + 1)
    while len(rest) >= len(divisor):
        shift = len(rest) - len(divisor)
        factor = rest[-1] / divisor[-1]
        quotient[shift] = factor
        for order, coefficient in enumerate(divisor):
            rest[shift + order] -= factor * coefficient
        rest = _trim(rest[:-1])
    return quotient, rest


def _chain(polynomial: Polynomial) -> list[Polynomial]:
    """Return Sturm's chain: the polynomial, its derivative, and the remainders with their signs turned."""
    chain = [polynomial, _trim([order * value for order, value in enumerate(polynomial)][1:])]
    while chain[-1]:
        chain.append([-value for value in _divide(chain[-2], chain[-1])[1]])
    return chain[:-1]


def _changes(chain: list[Polynomial], x: Fraction) -> int:
    signs = [value > 0 for value in (_value(polynomial, x) for polynomial in chain) if value != 0]
    return sum(a != b for a, b in pairwise(signs))


def _isolated(chain: list[Polynomial], low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Return intervals with one root each; neither border is a root."""
    count = _changes(chain, low) - _changes(chain, high)
    if count == 0:
        return []
    if count == 1:
        return [(low, high)]
    # Of as many places as the polynomial has roots and one more, one is no root.
    places = (low + (high - low) * Fraction(part, 2 * len(chain[0])) for part in range(len(chain[0]), 0, -1))
    middle = next(place for place in places if _value(chain[0], place) != 0)
    return _isolated(chain, low, middle) + _isolated(chain, middle, high)


def _place(slope: Polynomial, low: Fraction, high: Fraction) -> float:
    """Halve the interval in which the slope changes its sign."""
    rising = _value(slope, high) > 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (_value(slope, middle) > 0) == rising:
            high = middle
        else:
            low = middle
    return float((low + high) / 2)
