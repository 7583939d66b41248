"""The analytic budget is what Monte Carlo finds, row by row and as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from iastm_calibration.figures import Point, Spread
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.monte_carlo import trials
from iastm_calibration.uncertainty import ASSUMED_SEATING, Sources, Use, force_budget

COUNTS_PER_N = 40_000.0
LOADS_N = (1.0, 2.0, 5.0, 10.0, 15.0)
MANY = 10**6


def points(runs: int) -> tuple[Point, ...]:
    up = [(step, True) for step in range(5)]
    down = [(step, False) for step in reversed(range(4))]
    return tuple(
        Point(step, LOADS_N[step], LOADS_N[step] * COUNTS_PER_N, run, rising, run)
        for run in range(1, runs + 1)
        for step, rising in up + down
    )


def curve(loads: tuple[Point, ...], scatter_n: float) -> Fit:
    rng = np.random.default_rng(4)
    forces = np.array([point.reference_n for point in loads])
    return fit_through_zero([point.reading for point in loads], forces + rng.normal(0, scatter_n, len(loads)), 1)


def sources(loads: tuple[Point, ...], fit: Fit, freedom: int = MANY) -> Sources:
    return Sources(
        weight_tolerance=0.005,
        gravity=Gravity(9.81, 0.01),
        remainder=Spread(0.006, freedom),
        residual_sd_n=fit.residual_sd,
        seating=Spread(ASSUMED_SEATING.standard_n, freedom),
        seatings=max(point.run for point in loads),
        loop_n=0.05,
        top_n=15.0,
        noise=Spread(0.005, MANY),
        resolution_n=0.01,
        zero=Spread(0.01, freedom),
        tip_weight_n=0.3,
        tip_weight_standard_n=0.02,
        side=Spread(0.003, freedom),
        loads=loads,
        use=Use(5.0, 0.002, 0.0003, 30.0),
    )


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("force_n", [0.5, 4.0, 9.0, 15.0])
@pytest.mark.parametrize("compensated", [False, True])
def test_both_agree_where_spreads_are_well_known(
    runs: int, force_n: float, compensated: bool, size: Callable[[int, int], int]
) -> None:
    loads = points(runs)
    fit = curve(loads, 0.006)
    stated = sources(loads, fit)
    stated = replace(stated, use=replace(stated.use, compensated_orientation=compensated))
    budget = force_budget(force_n * COUNTS_PER_N, fit, stated)
    thrown = trials(force_n * COUNTS_PER_N, fit, stated, size(50_000, 1_000_000), np.random.default_rng(1))
    assert thrown.root_mean_square_n == pytest.approx(budget.combined_n, rel=0.02)
    assert 0.94 < thrown.share_within(budget.expanded_n) < 0.985


@pytest.mark.parametrize(
    "name",
    [
        "reference",
        "gravity",
        "repeatability",
        "seating",
        "hysteresis",
        "noise",
        "resolution",
        "zero",
        "temperature",
        "orientation",
        "side force",
    ],
)
def test_each_row_by_itself_is_what_its_input_does(name: str, size: Callable[[int, int], int]) -> None:
    loads = points(3)
    fit = curve(loads, 0.006)
    full = sources(loads, fit)
    only: dict[str, Sources] = {
        "reference": Sources(weight_tolerance=full.weight_tolerance),
        "gravity": Sources(gravity=full.gravity),
        "repeatability": Sources(remainder=full.remainder, residual_sd_n=full.residual_sd_n),
        "seating": Sources(seating=full.seating, seatings=3),
        "hysteresis": Sources(loop_n=full.loop_n, top_n=full.top_n),
        "noise": Sources(noise=full.noise),
        "resolution": Sources(resolution_n=full.resolution_n),
        "zero": Sources(zero=full.zero),
        "temperature": Sources(use=Use(5.0, 0.002, 0.0003)),
        "orientation": Sources(
            tip_weight_n=0.3, tip_weight_standard_n=0.02, side=Spread(0.0, 9), use=Use(angle_half_width_deg=40.0)
        ),
        "side force": Sources(side=full.side, use=Use(angle_half_width_deg=40.0)),
    }
    alone = replace(only[name], loads=loads)
    reading = 6.0 * COUNTS_PER_N
    budget = force_budget(reading, fit, alone)
    counted = {row.name: row.standard_n for row in budget.contributions}
    wanted = counted[name]
    if name == "repeatability":
        wanted = float(np.hypot(wanted, counted["curve"]))
    thrown = trials(reading, fit, alone, size(40_000, 1_000_000), np.random.default_rng(2))
    assert thrown.root_mean_square_n == pytest.approx(wanted, rel=0.025)


@pytest.mark.parametrize(("freedom", "least"), [(4, 0.915), (8, 0.93)])
def test_few_degrees_of_freedom_are_covered_by_a_larger_k(
    freedom: int, least: float, size: Callable[[int, int], int]
) -> None:
    """Two guides, two answers: scaled t distributions are a little wider than Welch's and Satterthwaite's factor."""
    loads = points(1)
    fit = curve(loads, 0.006)
    stated = sources(loads, fit, freedom)
    for force_n in (1.0, 12.0):
        budget = force_budget(force_n * COUNTS_PER_N, fit, stated)
        assert budget.coverage_factor >= 2.0
        thrown = trials(force_n * COUNTS_PER_N, fit, stated, size(40_000, 500_000), np.random.default_rng(3))
        assert least < thrown.share_within(budget.expanded_n) < 0.985


def test_the_interval_holds_what_it_says() -> None:
    loads = points(1)
    fit = curve(loads, 0.006)
    thrown = trials(8 * COUNTS_PER_N, fit, sources(loads, fit), 50_000, np.random.default_rng(5))
    low, high = thrown.interval_n()
    assert low < 0 < high
    inside = np.mean((thrown.errors_n >= low) & (thrown.errors_n <= high))
    assert inside == pytest.approx(0.95, abs=1e-3)


def test_the_same_seed_throws_the_same() -> None:
    loads = points(1)
    fit = curve(loads, 0.006)
    first, again = (
        trials(1e5, fit, sources(loads, fit), 100, np.random.default_rng(5)).errors_n.tolist() for _ in range(2)
    )
    assert first == again
