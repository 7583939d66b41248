from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.errors import RangeError
from iastm_calibration.figures import Hysteresis, Spread
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit, fit_polynomial
from iastm_calibration.uncertainty import Budget, Contribution, Sources, force_budget

COUNTS_PER_N = 1000.0
LOADS_N = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
EVERYTHING = Sources(
    weight_tolerance=0.002,
    gravity=Gravity(9.81, 0.005),
    repeatability=Spread(0.02, 30),
    reproducibility=Spread(0.03, 12),
    hysteresis=Hysteresis(0.08, 25.0, 0.0016),
    resolution_n=0.05,
    temperature_half_width_k=8.0,
    zero_per_k_n=0.004,
    span_per_k=-0.0002,
    tip_weight_n=0.3,
    calibrated_angle_deg=60.0,
    angle_half_width_deg=30.0,
)


def curve(noise_n: float = 0.0, seed: int = 1) -> Fit:
    rng = np.random.default_rng(seed)
    return fit_polynomial((LOADS_N + rng.normal(0, noise_n, 6)) * COUNTS_PER_N, LOADS_N, 1)


@pytest.mark.parametrize("force_n", [2.0, 20.0, 50.0])
def test_a_monte_carlo_run_scatters_by_the_combined_uncertainty(
    force_n: float, size: Callable[[int, int], int]
) -> None:
    rng = np.random.default_rng(3)
    count = size(100_000, 2_000_000)
    noise_n = 0.04
    budget = force_budget(force_n * COUNTS_PER_N, curve(), EVERYTHING)
    # A perfect curve states nothing; this is the uncertainty of a line through points that scatter by noise_n.
    line_n = noise_n * math.sqrt(1 / 6 + (force_n - 25) ** 2 / np.sum((LOADS_N - 25) ** 2))

    # The measurement itself, in the words of physics.
    noise = rng.normal(0, noise_n, (count, 6))
    slope = noise @ (LOADS_N - 25) / np.sum((LOADS_N - 25) ** 2)
    shown = force_n + noise.mean(axis=1) + slope * (force_n - 25)
    shown *= (1 + rng.uniform(-0.002, 0.002, count)) * rng.normal(9.81, 0.005, count) / 9.81
    shown += rng.normal(0, 0.02, count) + rng.normal(0, 0.03, count)
    shown += 0.04 * rng.uniform(-1, 1, count)
    kelvin = rng.uniform(-8, 8, count)
    shown += kelvin * (0.004 + 0.0002 * force_n)
    shift_n = 0.3 * (math.sin(math.radians(60)) - math.sin(math.radians(30)))
    shown += rng.uniform(-shift_n, shift_n, count)
    shown = np.round(shown / 0.05) * 0.05
    expected = math.hypot(budget.combined_n, line_n)
    assert np.std(shown) == pytest.approx(expected, rel=0.01)


def test_few_points_still_cover_ninety_five_per_cent(size: Callable[[int, int], int]) -> None:
    """The true force lies within k u of the curve and its repeats, however few points there were."""
    rng = np.random.default_rng(9)
    tries = size(1500, 20_000)
    sd_n, at_n = 0.05, 33.0
    inside = 0
    for _ in range(tries):
        fit = fit_polynomial((LOADS_N + rng.normal(0, sd_n, 6)) * COUNTS_PER_N, LOADS_N, 1)
        reading = (at_n + rng.normal(0, sd_n)) * COUNTS_PER_N
        spread = Spread(fit.residual_sd, fit.degrees_of_freedom)
        budget = force_budget(reading, fit, Sources(repeatability=spread))
        inside += abs(budget.force_n - at_n) <= budget.expanded_n
    assert 0.93 < inside / tries < 0.97


def test_each_source_adds_its_own_row_and_what_is_not_stated_is_named() -> None:
    reading = 20 * COUNTS_PER_N
    nothing = force_budget(reading, curve(0.01), Sources())
    assert [row.name for row in nothing.contributions] == ["curve"]
    names = (
        "reference", "gravity", "repeatability", "reproducibility", "hysteresis", "resolution", "temperature",
        "orientation",
    )  # fmt: skip
    assert nothing.unknown == names
    assert "without reference, gravity" in nothing.sentence()
    everything = force_budget(reading, curve(0.01), EVERYTHING)
    assert [row.name for row in everything.contributions] == ["curve", *names]
    assert everything.unknown == ()
    assert all(row.standard_n > 0 for row in everything.contributions)
    assert "without" not in everything.sentence()


@pytest.mark.parametrize(
    ("sources", "name", "standard_n"),
    [
        (Sources(weight_tolerance=0.01), "reference", 0.2 / math.sqrt(3)),
        (Sources(gravity=Gravity(10.0, 0.01)), "gravity", 0.02),
        (Sources(repeatability=Spread(0.3, 5)), "repeatability", 0.3),
        (Sources(reproducibility=Spread(0.4, 5)), "reproducibility", 0.4),
        (Sources(hysteresis=Hysteresis(-0.6, 25, 0.01)), "hysteresis", 0.3 / math.sqrt(3)),
        (Sources(resolution_n=0.1), "resolution", 0.1 / math.sqrt(12)),
        (
            Sources(temperature_half_width_k=10, zero_per_k_n=-0.01, span_per_k=0.001),
            "temperature",
            (0.1 + 0.2) / math.sqrt(3),
        ),
        (Sources(tip_weight_n=0.49, angle_half_width_deg=90), "orientation", 0.49 / math.sqrt(3)),
    ],
)
def test_each_source_counts_as_the_guide_says(sources: Sources, name: str, standard_n: float) -> None:
    [_, row] = force_budget(20 * COUNTS_PER_N, curve(), sources).contributions
    assert row.name == name
    assert row.standard_n == pytest.approx(standard_n)


@given(st.floats(0, 180), st.floats(0, 90))
def test_no_angle_within_the_range_moves_zero_farther_than_the_border(at: float, width: float) -> None:
    sources = Sources(tip_weight_n=1.0, calibrated_angle_deg=at, angle_half_width_deg=width)
    [_, row] = force_budget(0, curve(), sources).contributions
    angles = np.radians(np.linspace(at - width, at + width, 181))
    moved = np.max(np.abs(np.sin(angles) - math.sin(math.radians(at))))
    assert row.standard_n * math.sqrt(3) == pytest.approx(moved, rel=1e-3, abs=1e-9)


def test_k_is_two_and_more_where_little_was_measured() -> None:
    known = Budget(10, (Contribution("a", "b", 0.1),), ())
    assert known.coverage_factor == pytest.approx(2, abs=1e-3)
    assert known.expanded_n == pytest.approx(0.2, rel=1e-3)
    guessed = Budget(10, (Contribution("a", "b", 0.1, 3),), ())
    assert guessed.coverage_factor == pytest.approx(3.31, abs=0.01)
    both = Budget(10, (Contribution("a", "b", 0.1, 3), Contribution("c", "d", 0.1)), ())
    assert both.degrees_of_freedom == pytest.approx(12)


def test_rows_read_from_the_largest_with_units_and_shares() -> None:
    budget = Budget(10, (Contribution("gravity", "by place", 0.1), Contribution("curve", "fit", 0.2)), ())
    assert budget.rows() == [("curve", "fit", "0.2 N", "80%"), ("gravity", "by place", "0.1 N", "20%")]
    assert budget.sentence() == "10 N ± 0.45 N (k = 2.00)"


def test_a_budget_without_any_uncertainty_is_zero_and_not_an_error() -> None:
    budget = Budget(10, (Contribution("curve", "fit", 0.0, 4),), ())
    assert budget.expanded_n == 0
    assert budget.rows() == [("curve", "fit", "0 N", "0%")]


def test_a_reading_outside_the_calibration_is_refused() -> None:
    with pytest.raises(RangeError, match="wider range"):
        force_budget(60 * COUNTS_PER_N, curve(), EVERYTHING)


def test_half_of_what_temperature_needs_leaves_it_unknown() -> None:
    budget = force_budget(0, curve(), replace(EVERYTHING, span_per_k=None))
    assert budget.unknown == ("temperature",)
