from __future__ import annotations

import numpy as np
import pytest

from iastm_calibration.errors import NotRecordedError
from iastm_calibration.figures import Point, creep_n, figures, residuals
from iastm_calibration.models import Fit, fit_polynomial

COUNTS_PER_N = 1000.0
STEPS = range(6)


def curve() -> Fit:
    loads = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    return fit_polynomial([load * COUNTS_PER_N for load in loads], loads, 1)


def point(step: int, off_n: float, run: int = 1, rising: bool = True, seating: int = 1, load_n: float = 0.0) -> Point:
    """Return a point whose reading is off by `off_n` newtons."""
    reference_n = 10.0 * step + load_n
    return Point(step, reference_n, (reference_n + off_n) * COUNTS_PER_N, run, rising, seating)


def test_residuals_are_force_minus_reference() -> None:
    points = [point(1, 0.3), point(2, -0.2)]
    np.testing.assert_allclose(residuals(curve(), points), [0.3, -0.2], atol=1e-12)
    assert figures(curve(), points).largest_residual_n == pytest.approx(0.3)


def test_an_injected_hysteresis_is_found_where_it_is() -> None:
    bulge = [0.0, 0.1, 0.2, 0.25, 0.15, 0.0]
    points = [point(step, -bulge[step] / 2) for step in STEPS]
    # The reference gauge stood 0.7 N elsewhere on the way down.
    points += [point(step, bulge[step] / 2, rising=False, load_n=-0.7 * (step == 3)) for step in STEPS]
    found = figures(curve(), points).hysteresis
    assert found is not None
    assert found.largest_n == pytest.approx(0.25)
    assert found.at_n == 30
    assert found.of_span == pytest.approx(0.25 / 50)


def test_a_hysteresis_below_is_negative() -> None:
    found = figures(curve(), [point(0, 0), point(2, 0.1), point(2, -0.1, rising=False)]).hysteresis
    assert found is not None
    assert found.largest_n == pytest.approx(-0.2)


def test_up_and_down_of_different_runs_are_no_hysteresis() -> None:
    assert figures(curve(), [point(0, 0), point(2, 0.1, run=1), point(2, -0.1, run=2, rising=False)]).hysteresis is None


def test_repeats_of_one_seating_and_means_of_seatings_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    repeat_n, seat_n = 0.05, 0.3
    points = [
        point(step, seat + rng.normal(0, repeat_n), run, seating=seating)
        for seating in range(1, 60)
        for seat in [rng.normal(0, seat_n)]
        for run in range(1, 4)
        for step in STEPS
    ]
    found = figures(curve(), points)
    assert found.repeatability is not None
    assert found.reproducibility is not None
    assert found.repeatability.standard_n == pytest.approx(repeat_n, rel=0.05)
    assert found.repeatability.degrees_of_freedom == 59 * 6 * 2
    assert found.reproducibility.standard_n == pytest.approx(seat_n, rel=0.3)
    assert found.reproducibility.degrees_of_freedom == 58 * 6


def test_what_was_not_measured_is_unknown_and_not_zero() -> None:
    found = figures(curve(), [point(step, 0.0) for step in STEPS])
    assert found.hysteresis is None
    assert found.repeatability is None
    assert found.reproducibility is None
    assert found.zero_return_n is None
    assert found.creep_n is None


def test_the_largest_change_of_zero_is_returned_with_its_sign() -> None:
    zeros = [(0.0, 20.0), (20.0, -30.0), (-30.0, -25.0)]
    assert figures(curve(), [point(1, 0), point(2, 0)], zeros).zero_return_n == pytest.approx(-0.05)


def test_creep_is_read_from_half_a_minute_to_five_minutes() -> None:
    time_s = np.arange(0.0, 301.0)
    reading = 40_000 + 100 * (1 - np.exp(-time_s / 60))
    expected = 0.1 * (np.exp(-0.5) - np.exp(-5.0))
    assert figures(curve(), [point(1, 0), point(2, 0)], creep=(time_s, reading)).creep_n == pytest.approx(expected)


@pytest.mark.parametrize("kept", [slice(0, 200), slice(40, 301), slice(0, 0)])
def test_a_creep_recorded_for_too_short_is_refused(kept: slice) -> None:
    time_s = np.arange(0.0, 301.0)[kept]
    with pytest.raises(NotRecordedError, match="five minutes"):
        creep_n(curve(), time_s, time_s)
