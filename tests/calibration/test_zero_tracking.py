from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from iastm_calibration.errors import NotANumberError
from iastm_calibration.zero_tracking import WINDOW_S, ZeroDrift, ZeroTracker

STANDARD_N = 0.002


def followed(rate_n_per_min: float, rests: int, rng: np.random.Generator, limit_n: float = 0.1) -> ZeroDrift:
    tracker = ZeroTracker(limit_n)
    for index in range(rests):
        time_s = 20.0 * index
        drift = tracker.feed(time_s, rate_n_per_min * time_s / 60 + rng.normal(0, STANDARD_N), STANDARD_N)
    return drift


@pytest.mark.parametrize("rate", [0.0, 0.003, -0.02])
def test_drift_and_rate_come_back_within_their_uncertainties(rate: float, size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(1)
    drifts, rates = [], []
    for _ in range(size(400, 5000)):
        found = followed(rate, 25, rng)
        assert found.rate_n_per_min is not None
        assert found.rate_standard_n_per_min is not None
        drifts.append((found.drift_n - rate * 24 * 20 / 60) / found.standard_n)
        rates.append((found.rate_n_per_min - rate) / found.rate_standard_n_per_min)
    # Uncertainties are only ever widened, so a little more than 95 % may lie within.
    assert 0.93 < np.mean(np.abs(drifts) < 2) < 0.985
    assert 0.93 < np.mean(np.abs(rates) < 2) < 0.985


def test_one_rest_is_a_drift_without_a_rate() -> None:
    found = ZeroTracker(0.1).feed(5.0, 0.03, 0.002)
    assert (found.drift_n, found.standard_n) == pytest.approx((0.03, 0.002))
    assert (found.rate_n_per_min, found.rate_standard_n_per_min, found.exceeds) == (None, None, False)


def test_a_limit_is_exceeded_only_past_doubt() -> None:
    assert not ZeroTracker(0.1).feed(0.0, 0.1039, 0.002).exceeds
    assert ZeroTracker(0.1).feed(0.0, 0.1041, 0.002).exceeds
    assert ZeroTracker(0.1).feed(0.0, -0.1041, 0.002).exceeds


def test_noise_alone_raises_nothing(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(2)
    assert not any(followed(0.0, 10, rng, limit_n=0.01).exceeds for _ in range(size(300, 5000)))


def test_rests_that_scatter_more_than_they_say_widen_the_uncertainty() -> None:
    tracker = ZeroTracker(0.1)
    for index in range(20):
        found = tracker.feed(10.0 * index, 0.05 * (-1) ** index, STANDARD_N)
    assert found.standard_n > 5 * STANDARD_N
    assert not found.exceeds


def test_what_is_older_than_the_window_is_forgotten() -> None:
    tracker = ZeroTracker(0.1)
    tracker.feed(0.0, 5.0, STANDARD_N)
    for index in range(10):
        found = tracker.feed(WINDOW_S + 1 + 10.0 * index, 0.0, STANDARD_N)
    assert found.drift_n == pytest.approx(0.0, abs=1e-9)


def test_a_new_zero_starts_anew() -> None:
    tracker = ZeroTracker(0.1)
    tracker.feed(0.0, 5.0, STANDARD_N)
    tracker.zero_was_set()
    assert tracker.feed(1.0, 0.01, STANDARD_N).drift_n == pytest.approx(0.01)


@pytest.mark.parametrize("values", [(math.nan, 0.0, 0.1), (0.0, math.inf, 0.1), (0.0, 0.0, math.nan)])
def test_what_is_no_number_is_refused_and_changes_nothing(values: tuple[float, float, float]) -> None:
    tracker = ZeroTracker(0.1)
    with pytest.raises(NotANumberError):
        tracker.feed(*values)
    assert tracker.feed(0.0, 0.01, 0.002).rate_n_per_min is None


def test_a_time_that_goes_back_or_a_perfect_rest_is_a_mistake_of_the_caller() -> None:
    tracker = ZeroTracker(0.1)
    tracker.feed(10.0, 0.0, 0.1)
    with pytest.raises(ValueError, match="go back"):
        tracker.feed(9.0, 0.0, 0.1)
    with pytest.raises(ValueError, match="above 0"):
        tracker.feed(11.0, 0.0, 0.0)
