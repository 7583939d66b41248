from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from iastm_calibration.errors import NotAtRestError, TooFewPointsError
from iastm_calibration.figures import Spread
from iastm_calibration.orientation import (
    AT_REST_M_S2,
    Orientation,
    TipWeight,
    compensate,
    orientation,
    tip_weight,
)
from iastm_calibration.series import ZeroPair
from iastm_calibration.units import STANDARD_GRAVITY_M_S2

AXIS = (0.0, 0.0, 1.0)


@dataclass
class SimulatedImu:
    """An accelerometer in the grip, whose z axis points from tip to grip: shows what holds it, with bias and noise."""

    rng: np.random.Generator
    bias_m_s2: float = 0.0
    noise_m_s2: float = 0.0
    bias: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.bias = self.rng.normal(0, self.bias_m_s2, 3)

    def mean(self, angle_deg: float, roll_deg: float = 0.0, samples: int = 20) -> NDArray[np.float64]:
        """Return the mean vector (3,) in m/s² while the axis rests at an angle to the horizontal."""
        angle, roll = math.radians(angle_deg), math.radians(roll_deg)
        level = math.cos(angle)
        up = np.array([level * math.cos(roll), level * math.sin(roll), math.sin(angle)])
        noise = self.rng.normal(0, self.noise_m_s2, (samples, 3)).mean(axis=0)
        return np.asarray(STANDARD_GRAVITY_M_S2 * up + self.bias + noise)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_perfect_accelerometer_tells_the_angle(angle_deg: float, roll_deg: float) -> None:
    found = orientation(SimulatedImu(np.random.default_rng(1)).mean(angle_deg, roll_deg), AXIS, 0.0)
    assert found.sine == pytest.approx(math.sin(math.radians(angle_deg)), abs=1e-12)
    assert found.angle_deg == pytest.approx(angle_deg, abs=1e-4)


@pytest.mark.parametrize("angle_deg", [90.0, 60.0, 45.0, 20.0, 0.0])
def test_the_stated_uncertainty_of_the_angle_is_what_it_scatters_by(
    angle_deg: float, size: Callable[[int, int], int]
) -> None:
    rng = np.random.default_rng(2)
    off, stated = [], []
    for _ in range(size(2000, 50_000)):
        imu = SimulatedImu(rng, bias_m_s2=0.1, noise_m_s2=0.2)
        found = orientation(imu.mean(angle_deg, rng.uniform(-180, 180)), AXIS, math.hypot(0.1, 0.2 / math.sqrt(20)))
        off.append(found.sine - math.sin(math.radians(angle_deg)))
        stated.append(found.standard_sine)
    assert np.sqrt(np.mean(np.square(off))) == pytest.approx(np.sqrt(np.mean(np.square(stated))), rel=0.12)


def test_a_tool_that_is_moved_tells_no_angle() -> None:
    for length in (0.0, STANDARD_GRAVITY_M_S2 - AT_REST_M_S2 - 0.01, STANDARD_GRAVITY_M_S2 + AT_REST_M_S2 + 0.01):
        with pytest.raises(NotAtRestError, match="moved"):
            orientation([0, 0, length], AXIS, 0.01)
    with pytest.raises(NotAtRestError):
        orientation([0, 0, math.nan], AXIS, 0.01)


def test_an_axis_without_length_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="axis"):
        orientation([0, 0, 9.8], (0, 0, 0), 0.01)


@given(st.floats(-1, 1), st.floats(0, 90), st.floats(0, 90))
def test_the_correction_is_the_weight_times_what_the_sine_changed(weight: float, at: float, now: float) -> None:
    sines = math.sin(math.radians(at)), math.sin(math.radians(now))
    found = compensate(5.0, TipWeight(weight, Spread(0.0, 9)), Orientation(sines[1], 0.0), sines[0])
    assert found.removed_n == pytest.approx(weight * (sines[1] - sines[0]), abs=1e-12)
    assert found.force_n == pytest.approx(5.0 - found.removed_n)
    assert found.standard_n == 0


def test_compensated_forces_lie_within_their_uncertainty(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(size(2000, 50_000)):
        weight_n, angle_deg = rng.uniform(0.1, 0.5), rng.uniform(20, 80)
        imu = SimulatedImu(rng, bias_m_s2=0.1, noise_m_s2=0.2)
        shown_n = 5.0 + weight_n * (math.sin(math.radians(angle_deg)) - 1)
        now = orientation(imu.mean(angle_deg), AXIS, math.hypot(0.1, 0.2 / math.sqrt(20)))
        found = compensate(shown_n, TipWeight(rng.normal(weight_n, 0.01), Spread(0.01, 99)), now)
        inside.append(abs(found.force_n - 5.0) <= 2 * found.standard_n)
    assert np.mean(inside) == pytest.approx(0.9545, abs=0.02)


def pair(run: int, angle_deg: float, zero_n: float, moved_n: float = 0.0) -> ZeroPair:
    return ZeroPair(run, angle_deg, 1000 * zero_n, 1000 * (zero_n + moved_n), 0.0, 100.0)


def series(run: int, weight_n: float, level_n: float = 3.0, moved_n: float = 0.0) -> list[ZeroPair]:
    angles = (90.0, 60.0, 45.0)
    return [pair(run, angle, level_n + weight_n * math.sin(math.radians(angle)), moved_n) for angle in angles]


@pytest.mark.parametrize("weight_n", [0.3, -0.2])
def test_the_tip_weight_comes_back_whatever_level_zero_had_and_the_load_left(weight_n: float) -> None:
    pairs = series(1, weight_n, 3.0, 0.004) + series(2, weight_n, -1.0, 0.004) + series(3, weight_n, 8.0, 0.004)
    found = tip_weight(pairs, 0.001)
    assert found is not None
    assert found.weight_n == pytest.approx(weight_n)
    assert found.uncertainty.degrees_of_freedom == 2
    # What is left is the jig.
    assert 0 < found.uncertainty.standard_n < 0.03 * abs(weight_n)


def test_runs_that_differ_make_it_uncertain() -> None:
    found = tip_weight(series(1, 0.28) + series(2, 0.30) + series(3, 0.32), 0.001)
    assert found is not None
    assert found.weight_n == pytest.approx(0.30)
    assert found.uncertainty.standard_n == pytest.approx(0.02 / math.sqrt(3), rel=0.2)


def test_one_angle_tells_no_weight_and_two_not_how_well() -> None:
    assert tip_weight([pair(1, 90, 3.0), pair(2, 90, 3.0)], 0.001) is None
    assert tip_weight([], 0.001) is None
    with pytest.raises(TooFewPointsError, match="how well"):
        tip_weight(series(1, 0.3)[:2], 0.001)
    assert tip_weight(series(1, 0.3), 0.001) is not None
