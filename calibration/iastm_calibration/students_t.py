"""Student's t distribution for whole degrees of freedom.

Theory. With θ = atan(t / √ν) the probability A(t | ν) of |T| ≤ t is a finite sum of powers of cos θ (Abramowitz and
Stegun, Handbook of Mathematical Functions, 1964, 26.7.3 and 26.7.4). The quantile is found by halving.
"""

from __future__ import annotations

import math
from statistics import NormalDist

# Beyond so many degrees of freedom t differs from the normal distribution in the fourth digit only.
_NORMAL_FROM = 10_000
_LARGEST_T = 1e9


def probability_within(t: float, degrees_of_freedom: int) -> float:
    """Return the probability of |T| ≤ t, for t ≥ 0 and at least one degree of freedom."""
    theta = math.atan(t / math.sqrt(degrees_of_freedom))
    cosine, sine = math.cos(theta), math.sin(theta)
    odd = degrees_of_freedom % 2 == 1
    term = cosine if odd else 1.0
    total = 0.0
    for order in range(degrees_of_freedom // 2):
        total += term
        step = 2 * order + (2 if odd else 1)
        term *= cosine * cosine * step / (step + 1)
    return 2 / math.pi * (theta + sine * total) if odd else sine * total


def two_sided_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return t with the probability of |T| ≤ t; broken degrees of freedom are cut, infinite ones are normal.

    Raises ValueError for fewer than one degree of freedom or a probability outside (0, 1).
    """
    if not 0 < probability < 1 or not degrees_of_freedom >= 1:
        raise ValueError("needs a probability inside (0, 1) and at least one degree of freedom")
    if degrees_of_freedom >= _NORMAL_FROM:
        return NormalDist().inv_cdf((1 + probability) / 2)
    whole = int(degrees_of_freedom)
    low, high = 0.0, _LARGEST_T
    while low < (middle := low + (high - low) / 2) < high:
        if probability_within(middle, whole) < probability:
            low = middle
        else:
            high = middle
    return high
