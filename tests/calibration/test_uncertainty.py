from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iastm_calibration.errors import RangeError
from iastm_calibration.figures import Point, Spread
from iastm_calibration.gravity import Gravity
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.uncertainty import ASSUMED_SEATING, Budget, Contribution, Sources, Use, force_budget

COUNTS_PER_N = 1000.0
LOADS_N = np.array([10.0, 20.0, 30.0, 40.0, 50.0])
EVERYTHING = Sources(
    weight_tolerance=0.002,
    gravity=Gravity(9.81, 0.005),
    remainder=Spread(0.02, 30),
    residual_sd_n=0.05,
    seating=Spread(0.001, 2),
    seatings=3,
    loop_n=0.08,
    top_n=50.0,
    noise=Spread(0.01, 1000),
    resolution_n=0.05,
    zero=Spread(0.01, 9),
    tip_weight_n=0.3,
    tip_weight_standard_n=0.01,
    side=Spread(0.003, 5),
    use=Use(8.0, 0.004, -0.0002, 30.0),
)


def curve(noise_n: float = 0.0, seed: int = 1) -> Fit:
    rng = np.random.default_rng(seed)
    return fit_through_zero((LOADS_N + rng.normal(0, noise_n, 5)) * COUNTS_PER_N, LOADS_N, 1)


def row(sources: Sources, force_n: float = 20.0) -> Contribution:
    """Return the one row that isn't the curve."""
    _, found = force_budget(force_n * COUNTS_PER_N, curve(), sources).contributions
    return found


def test_few_points_still_cover_ninety_five_per_cent(size: Callable[[int, int], int]) -> None:
    """The true force lies within k u of the curve and its repeats, however few points there were."""
    rng = np.random.default_rng(9)
    tries = size(1500, 20_000)
    sd_n, at_n = 0.05, 33.0
    inside = 0
    for _ in range(tries):
        fit = fit_through_zero((LOADS_N + rng.normal(0, sd_n, 5)) * COUNTS_PER_N, LOADS_N, 1)
        reading = (at_n + rng.normal(0, sd_n)) * COUNTS_PER_N
        spread = Spread(fit.residual_sd, fit.degrees_of_freedom)
        budget = force_budget(reading, fit, Sources(remainder=spread, residual_sd_n=fit.residual_sd))
        inside += abs(budget.force_n - at_n) <= budget.expanded_n
    assert 0.93 < inside / tries < 0.97


def test_each_source_adds_its_own_row_and_what_is_not_stated_is_named() -> None:
    reading = 20 * COUNTS_PER_N
    nothing = force_budget(reading, curve(0.01), Sources())
    assert [row.name for row in nothing.contributions] == ["curve"]
    names = (
        "reference", "gravity", "repeatability", "seating", "hysteresis", "noise", "resolution", "zero", "temperature",
        "orientation", "side force",
    )  # fmt: skip
    assert nothing.unknown == names
    assert "without reference, gravity" in nothing.sentence()
    everything = force_budget(reading, curve(0.01), EVERYTHING)
    assert [row.name for row in everything.contributions] == ["curve", *names]
    assert everything.unknown == ()
    assert all(row.standard_n > 0 for row in everything.contributions)
    assert "without" not in everything.sentence()


def test_a_gauge_needs_no_gravity() -> None:
    assert "gravity" not in force_budget(0, curve(), Sources(by_weights=False)).unknown


@pytest.mark.parametrize(
    ("sources", "name", "standard_n"),
    [
        (Sources(weight_tolerance=0.01), "reference", 0.2 / math.sqrt(3)),
        (Sources(gravity=Gravity(10.0, 0.01)), "gravity", 0.02),
        (Sources(seatings=1), "seating", 20 * 0.002 * math.sqrt(2)),
        (Sources(loop_n=-0.6, top_n=40), "hysteresis", 0.3 * math.sqrt(2 / 3)),
        (Sources(loop_n=0.6, top_n=80), "hysteresis", 0.3 * 0.75 * math.sqrt(2 / 3)),
        (Sources(noise=Spread(0.2, 99)), "noise", 0.2),
        (Sources(resolution_n=0.1), "resolution", 0.1 / math.sqrt(12)),
        (Sources(zero=Spread(0.3, 4)), "zero", 0.3 / math.sqrt(3)),
        (Sources(use=Use(10, 0.01, 0.001)), "temperature", (0.1 + 0.2) / math.sqrt(3)),
        (Sources(use=Use(10, -0.01, 0.001)), "temperature", (0.2 - 0.1) / math.sqrt(3)),
        (Sources(use=Use(0)), "temperature", 0),
    ],
)
def test_each_source_counts_as_the_guide_says(sources: Sources, name: str, standard_n: float) -> None:
    found = row(sources)
    assert found.name == name
    assert found.standard_n == pytest.approx(standard_n, abs=1e-12)


@given(st.floats(20, 90), st.floats(0, 70), st.booleans())
def test_the_orientation_row_is_the_root_mean_square_over_the_angles(at: float, width: float, known: bool) -> None:
    use = Use(angle_half_width_deg=width, compensated_orientation=known, angle_standard_deg=2.0)
    sources = Sources(tip_weight_n=0.7, tip_weight_standard_n=0.1, zero_angle_deg=at, use=use)
    budget = force_budget(0, curve(), sources)
    [found] = [each for each in budget.contributions if each.name == "orientation"]
    # The middles of equal parts.
    angles = np.radians(at + width * (np.arange(-999, 1000, 2) / 1000))
    moved = np.mean((np.sin(angles) - math.sin(math.radians(at))) ** 2)
    wanted = (0.7**2 + 0.1**2) * moved
    if known:
        wanted = 0.1**2 * moved + (0.7 * math.radians(2.0)) ** 2 * np.mean(np.cos(angles) ** 2)
    assert found.standard_n == pytest.approx(math.sqrt(wanted), rel=1e-4, abs=1e-7)


@given(st.floats(1, 75))
def test_the_side_force_row_is_the_root_mean_square_over_the_angles(width: float) -> None:
    sources = Sources(side=Spread(0.01, 5), use=Use(angle_half_width_deg=width))
    budget = force_budget(20 * COUNTS_PER_N, curve(), sources)
    [found] = [each for each in budget.contributions if each.name == "side force"]
    tangents = np.tan(np.radians(width * np.arange(-999, 1000, 2) / 1000))
    assert found.standard_n == pytest.approx(0.2 * math.sqrt(np.mean(tangents**2)), rel=1e-3)


def test_an_angle_that_pushes_sideways_only_is_refused() -> None:
    with pytest.raises(RangeError, match="sideways"):
        force_budget(0, curve(), Sources(use=Use(angle_half_width_deg=80)))


def test_an_unmeasured_side_force_and_seating_are_assumed_and_say_so() -> None:
    sources = replace(EVERYTHING, side=None, seating=None, seatings=1)
    words = {row.name: row.source for row in force_budget(20 * COUNTS_PER_N, curve(), sources).contributions}
    assert "assumed" in words["side force"]
    assert "assumed" in words["seating"]


def test_three_seatings_count_as_measured_and_fewer_with_what_is_assumed() -> None:
    two = row(Sources(seating=Spread(0.006, 1), seatings=2))
    pooled = math.sqrt((0.006**2 + 8 * ASSUMED_SEATING.standard_n**2) / 9)
    assert two.standard_n == pytest.approx(20 * pooled * math.sqrt(3 / 2))
    assert two.degrees_of_freedom == 9
    assert "assumed" in two.source
    three = row(Sources(seating=Spread(0.0001, 2), seatings=3))
    assert three.standard_n == pytest.approx(20 * 0.0001 * math.sqrt(4 / 3))
    assert three.degrees_of_freedom == 2
    assert "assumed" not in three.source


def test_errors_of_weights_lie_between_common_to_all_and_each_its_own() -> None:
    loads = tuple(Point(step, load, load * COUNTS_PER_N) for step, load in enumerate(LOADS_N))
    common = row(Sources(weight_tolerance=0.01)).standard_n
    own = 20 * 0.01 / math.sqrt(3) * math.sqrt(float(np.sum(LOADS_N**4))) / float(np.sum(LOADS_N**2))
    both = row(Sources(weight_tolerance=0.01, loads=loads)).standard_n
    assert own < both < common
    assert both == pytest.approx(math.sqrt((common**2 + own**2) / 2))
    gauge = row(Sources(weight_tolerance=0.01, loads=loads, by_weights=False)).standard_n
    assert gauge == pytest.approx(common)


def test_the_curve_does_not_count_the_loop_and_the_seatings_again() -> None:
    fit = curve(0.1)
    plain = force_budget(20 * COUNTS_PER_N, fit, Sources()).contributions[0]
    sources = Sources(remainder=Spread(fit.residual_sd / 4, 3), residual_sd_n=fit.residual_sd)
    assert force_budget(20 * COUNTS_PER_N, fit, sources).contributions[0].standard_n == plain.standard_n / 4


def test_k_is_two_and_more_where_little_was_measured() -> None:
    known = Budget(10, (Contribution("a", "b", 0.1),), ())
    assert known.coverage_factor == 2
    assert known.expanded_n == pytest.approx(0.2)
    guessed = Budget(10, (Contribution("a", "b", 0.1, 3),), ())
    assert guessed.coverage_factor == pytest.approx(3.18, abs=0.01)
    both = Budget(10, (Contribution("a", "b", 0.1, 3), Contribution("c", "d", 0.1)), ())
    assert both.degrees_of_freedom == pytest.approx(12)


def test_rows_of_one_estimate_do_not_make_it_better_known() -> None:
    twice = Budget(10, (Contribution("a", "b", 0.3, 4, "same"), Contribution("c", "d", 0.4, 4, "same")), ())
    assert twice.degrees_of_freedom == pytest.approx(4)
    apart = Budget(10, (Contribution("a", "b", 0.3, 4), Contribution("c", "d", 0.4, 4)), ())
    assert apart.degrees_of_freedom > 7


def test_rows_read_from_the_largest_with_units_and_shares() -> None:
    budget = Budget(10, (Contribution("gravity", "by place", 0.1), Contribution("curve", "fit", 0.2)), ())
    assert budget.rows() == [("curve", "fit", "0.2 N", "80%"), ("gravity", "by place", "0.1 N", "20%")]
    assert budget.sentence() == "10 N ± 0.45 N (k = 2.00)"


def test_a_budget_without_any_uncertainty_is_zero_and_not_an_error() -> None:
    budget = Budget(10, (Contribution("curve", "fit", 0.0, 4),), ())
    assert budget.expanded_n == 0
    assert budget.rows() == [("curve", "fit", "0 N", "0%")]


def test_a_reading_is_covered_to_one_per_cent_beyond_the_last_point() -> None:
    assert force_budget(50.49 * COUNTS_PER_N, curve(), EVERYTHING).force_n == pytest.approx(50.49)
    assert force_budget(-0.49 * COUNTS_PER_N, curve(), EVERYTHING).force_n == pytest.approx(-0.49)
    for beyond_n in (50.51, -0.51, 60):
        with pytest.raises(RangeError, match="wider range"):
            force_budget(beyond_n * COUNTS_PER_N, curve(), EVERYTHING)


def test_half_of_what_temperature_needs_leaves_it_unknown() -> None:
    half = replace(EVERYTHING, use=replace(EVERYTHING.use, span_per_k=None))
    assert force_budget(0, curve(), half).unknown == ("temperature",)
