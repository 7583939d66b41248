"""Counts to newtons and back, for cells of either polarity and curves that never turn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_protocol.conversion import polarity, to_net_counts, to_newtons

SPAN = 2**24 - 1
SIGNS = st.sampled_from([1, -1])
COUNTS = st.integers(-(2**23), 2**23 - 1)


@st.composite
def calibrations(draw: st.DrawFn) -> tuple[float, ...]:
    """Draw a rising polynomial in sign × counts: each term rises, so the sum does."""
    sign = draw(SIGNS)
    slope = draw(st.floats(1e-7, 1e-3))
    # At full scale a bending term is at most a tenth of the straight one.
    bends = [
        sign**order * draw(st.floats(0.0, 0.1)) * slope / SPAN ** (order - 1)
        for order in range(2, 2 + draw(st.integers(0, 2)))
    ]
    return (draw(st.floats(-1.0, 1.0)), sign * slope, *bends)


@given(calibrations(), st.floats(-1.0, 200.0))
def test_net_counts_are_the_first_that_reach_a_force(coefficients: tuple[float, ...], force_n: float) -> None:
    sign = polarity(coefficients)
    try:
        net = to_net_counts(force_n, coefficients)
    except ValueError:
        assert to_newtons(sign * SPAN, 0, coefficients) < force_n
        return
    assert 0 <= net <= SPAN
    assert to_newtons(sign * net, 0, coefficients) >= force_n
    if net > 0:
        assert to_newtons(sign * (net - 1), 0, coefficients) < force_n


@given(calibrations(), st.integers(0, SPAN), COUNTS)
def test_net_counts_undo_newtons(coefficients: tuple[float, ...], net: int, zero_counts: int) -> None:
    sign = polarity(coefficients)
    force_n = to_newtons(zero_counts + sign * net, zero_counts, coefficients)
    # Rounding of the last digit may move the first count that reaches the force by one.
    assert abs(to_net_counts(force_n, coefficients) - net) <= 1


@given(calibrations(), st.lists(COUNTS, min_size=1, max_size=50), COUNTS)
def test_an_array_converts_as_its_numbers_do(
    coefficients: tuple[float, ...], counts: list[int], zero_counts: int
) -> None:
    one_by_one = [to_newtons(count, zero_counts, coefficients) for count in counts]
    for dtype in (np.float64, np.int32):
        converted = to_newtons(np.array(counts, dtype), zero_counts, coefficients)
        assert converted.dtype == np.float64
        assert converted.tolist() == one_by_one


def test_an_array_is_not_changed_by_its_conversion() -> None:
    counts = np.array([1.0, 2.0])
    to_newtons(counts, 5, (0.0, 1e-5, 1e-12))
    assert counts.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("force_n", [1e6, math.inf, math.nan])
def test_a_force_that_no_count_reaches_is_refused(force_n: float) -> None:
    with pytest.raises(ValueError, match="does not reach"):
        to_net_counts(force_n, (0.0, 1e-5))


def test_more_force_is_more_counts_from_zero_for_either_polarity() -> None:
    assert polarity((0.0, 1e-5)) == 1
    assert polarity((0.0, -1e-5)) == -1
    for slope in (1e-5, -1e-5):
        assert to_net_counts(11.0, (0.0, slope)) == pytest.approx(1_100_000, abs=1)
