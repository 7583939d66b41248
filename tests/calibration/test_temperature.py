from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from iastm_calibration.errors import RangeError, TemperatureSpanError, TooFewPointsError
from iastm_calibration.temperature import TemperatureCoefficients, compensate, temperature_coefficients

ZERO_N_PER_K, SPAN_PER_K, LEVEL_N = 0.004, -0.0003, 1.7
NOISE_N = 0.003


def found(
    rng: np.random.Generator, temperatures: tuple[float, ...] = (18, 18, 24, 24, 30, 30)
) -> TemperatureCoefficients:
    t = np.array(temperatures)
    zeros = LEVEL_N + ZERO_N_PER_K * t + rng.normal(0, NOISE_N, len(t))
    shares = SPAN_PER_K * (t - t.mean()) + rng.normal(0, 0.0005, len(t))
    return temperature_coefficients(t, zeros, t, shares)


def test_zero_and_span_per_kelvin_come_back_within_their_uncertainties(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(1)
    zero_off, span_off = [], []
    for _ in range(size(500, 10_000)):
        one = found(rng)
        zero_off.append((one.zero_per_k_n - ZERO_N_PER_K) / one.zero_spread.standard_n)
        span_off.append((one.span_per_k - SPAN_PER_K) / one.span_spread.standard_n)
        assert one.zero_spread.degrees_of_freedom == 4
    # Student's t with 4 degrees of freedom: 2.78 holds 95 %.
    assert np.mean(np.abs(zero_off) < 2.776) == pytest.approx(0.95, abs=0.03)
    assert np.mean(np.abs(span_off) < 2.776) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("force_n", [0.0, 5.0, 15.0])
@pytest.mark.parametrize("temperature_c", [16.0, 24.0, 31.0])
def test_a_compensated_force_is_the_true_one_within_what_is_stated(
    force_n: float, temperature_c: float, size: Callable[[int, int], int]
) -> None:
    rng = np.random.default_rng(2)
    off, stated = [], []
    for _ in range(size(400, 5000)):
        one = found(rng)
        change_k = temperature_c - one.at_c
        shown_n = force_n * (1 + SPAN_PER_K * change_k) + ZERO_N_PER_K * change_k
        seen_c = temperature_c + rng.normal(0, 0.2)
        result = compensate(shown_n, seen_c, one, 0.2)
        off.append(result.force_n - force_n)
        stated.append(result.standard_n)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(np.sqrt(np.mean(np.square(stated))), rel=0.15, abs=1e-4)


def test_perfect_points_are_undone_exactly() -> None:
    t = [15.0, 20.0, 25.0]
    one = temperature_coefficients(t, [0.01 * value for value in t], t, [0.001 * (value - 20) for value in t])
    assert compensate(10 * 1.004 + 0.04, 24.0, one).force_n == pytest.approx(10)
    assert compensate(10 * 1.004 + 0.04, 24.0, one).standard_n == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("span_k", [0.0, 2.9])
def test_temperatures_less_than_three_kelvin_apart_are_refused(span_k: float) -> None:
    near = [20.0, 20.0, 20.0 + span_k]
    far = [15.0, 20.0, 25.0]
    for zeros, loads, name in ((near, far, "zeros"), (far, near, "loads")):
        with pytest.raises(TemperatureSpanError, match=f"{name} lie {span_k:.1f} K apart"):
            temperature_coefficients(zeros, [1, 2, 3], loads, [0, 0, 0])


def test_two_points_tell_nothing() -> None:
    with pytest.raises(TooFewPointsError, match="2 zeros"):
        temperature_coefficients([15, 25], [1, 2], [15, 20, 25], [0, 0, 0])


@pytest.mark.parametrize("temperature_c", [12.9, 35.1, float("nan")])
def test_far_from_the_temperatures_of_the_points_nothing_is_known(temperature_c: float) -> None:
    with pytest.raises(RangeError, match="nothing is known"):
        compensate(5.0, temperature_c, found(np.random.default_rng(1)))
