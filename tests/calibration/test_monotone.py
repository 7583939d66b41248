from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.monotone import turning_points


@pytest.mark.parametrize(
    ("coefficients", "low", "high", "expected"),
    [
        ([3], 0, 1, []),
        ([3, 0, 0], 0, 1, []),
        ([0, 1], -1, 1, []),
        ([0, 0, 1], 0, 1, []),  # flat at the border only
        ([0, 0, 1], -1, 0, []),
        ([0, 0, 1], -1, 1, [0]),
        ([0, 0, 0, 1], -1, 1, []),  # flat at 0, and still rising
        ([0, 0, 0, 0, 0, 1], -1, 1, []),
        ([0, 0, 0, 0, 1], -1, 1, [0]),
        ([0, -3, 0, 1], -2, 2, [-1, 1]),
        ([0, -3, 0, 1], -1, 1, []),
        ([0, -3, 0, 1], 0, 2, [1]),
    ],
)
def test_turns_are_found_and_flat_places_are_none(
    coefficients: list[float], low: float, high: float, expected: list[float]
) -> None:
    assert turning_points(coefficients, low, high) == pytest.approx(expected, abs=1e-15)


def test_a_dip_narrower_than_any_grid_is_found() -> None:
    # Slope (x − 1)² − ε: it turns at 1 ± √ε.
    narrow = 1e-12
    turns = turning_points([0, 1 - narrow, -1, 1 / 3], 0, 2)
    assert turning_points([0, 1 + narrow, -1, 1 / 3], 0, 2) == []
    assert turns == pytest.approx([1 - 1e-6, 1 + 1e-6], abs=1e-9)


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=4),
    st.integers(-25, 0),
    st.integers(1, 25),
    st.sampled_from([1, -1]),
)
def test_the_roots_of_odd_order_are_the_turns(roots: list[int], low: int, high: int, sign: int) -> None:
    slope = np.array([sign], dtype=object)
    for root in roots:
        slope = np.convolve(slope, np.array([-root, 1], dtype=object))
    # 60 is a multiple of every order, so that the integral has whole coefficients.
    integral = [Fraction(0), *(Fraction(60 * int(value), order + 1) for order, value in enumerate(slope))]
    expected = sorted(root for root in set(roots) if roots.count(root) % 2 == 1 and low < root < high)
    assert turning_points([float(value) for value in integral], low, high) == pytest.approx(expected, abs=1e-12)
