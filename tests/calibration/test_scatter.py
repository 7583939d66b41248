"""What keeps points off the curve comes apart into what was put in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from iastm_calibration.errors import TooFewPointsError
from iastm_calibration.figures import Point
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.scatter import loop_shape, sensitivities, told_apart

LOADS_N = np.array([1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0])
COUNTS_PER_N = 1000.0
ORDER = [(step, True) for step in range(7)] + [(step, False) for step in range(6)]


def points(
    rng: np.random.Generator,
    noise_n: float,
    loop_n: float = 0.0,
    seating: float = 0.0,
    runs: int = 3,
    weights: float = 0.0,
) -> list[Point]:
    wrong = rng.uniform(-weights, weights, 7) if weights else np.zeros(7)
    found = []
    for run in range(1, runs + 1):
        seat = seating * rng.normal()
        for step, rising in ORDER:
            force = LOADS_N[step]
            shape = 4 * force * (15 - force) / 15**2
            read = (
                force * (1 + seat + wrong[step]) + (-1 if rising else 1) * loop_n / 2 * shape + noise_n * rng.normal()
            )
            found.append(Point(step, force, read * COUNTS_PER_N, run, rising, run))
    return found


def fitted(taken: list[Point], degree: int = 1) -> Fit:
    return fit_through_zero([point.reading for point in taken], [point.reference_n for point in taken], degree)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_loop_seatings_and_remainder_come_back(degree: int, size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(1)
    loops, seats, left = [], [], []
    for _ in range(size(150, 3000)):
        taken = points(rng, 0.004, 0.03, 0.002)
        found = told_apart(fitted(taken, degree), taken)
        assert found.loop_n is not None
        assert found.seating is not None
        assert found.seating.degrees_of_freedom == 2
        # 39 points; loop and two seatings besides the curve.
        assert found.remainder.degrees_of_freedom == 36 - degree
        loops.append(found.loop_n)
        seats.append(found.seating.standard_n**2)
        left.append(found.remainder.standard_n**2)
    assert np.mean(loops) == pytest.approx(0.03, rel=0.05)
    assert np.sqrt(np.mean(seats)) == pytest.approx(0.002, rel=0.15)
    assert np.sqrt(np.mean(left)) == pytest.approx(0.004, rel=0.03)


def test_nothing_but_a_loop_leaves_no_remainder() -> None:
    taken = points(np.random.default_rng(1), 0.0, 0.03)
    found = told_apart(fitted(taken), taken)
    assert found.loop_n == pytest.approx(0.03, rel=1e-3)
    assert found.remainder.standard_n < 1e-5


def test_loading_alone_tells_no_loop_and_one_seating_no_spread() -> None:
    taken = [point for point in points(np.random.default_rng(1), 0.004, runs=1) if point.rising]
    found = told_apart(fitted(taken), taken)
    assert found.loop_n is None
    assert found.seating is None
    assert found.slopes == ((1, 0),)


def test_what_the_weights_tolerance_explains_is_no_scatter(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(2)
    with_it, without = [], []
    for _ in range(size(150, 2000)):
        taken = points(rng, 0.004, 0.02, 0.001, weights=0.004)
        fit = fitted(taken)
        with_it.append(told_apart(fit, taken, 0.004).remainder.standard_n ** 2)
        without.append(told_apart(fit, taken).remainder.standard_n ** 2)
    assert np.sqrt(np.median(without)) > 0.008
    # Now and then weights differ by more than their limits are worth on the average.
    assert np.sqrt(np.median(with_it)) == pytest.approx(0.004, rel=0.2)


def test_what_is_beyond_the_weights_tolerance_is_scatter() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        taken = points(rng, 0.001, weights=0.02)
        fit = fitted(taken)
        plain, told = (told_apart(fit, taken, limit).remainder.standard_n for limit in (0.0, 0.002))
        assert told > 0.8 * plain


def test_a_tolerance_explains_nothing_where_steps_do_not_differ(size: Callable[[int, int], int]) -> None:
    rng = np.random.default_rng(4)
    found = []
    for _ in range(size(150, 2000)):
        taken = points(rng, 0.004)
        found.append(told_apart(fitted(taken), taken, 0.01).remainder.standard_n ** 2)
    assert np.sqrt(np.mean(found)) == pytest.approx(0.004, rel=0.06)


def test_too_few_points_are_refused() -> None:
    taken = points(np.random.default_rng(1), 0.004, runs=1)[:2]
    with pytest.raises(TooFewPointsError, match="2 points"):
        told_apart(fit_through_zero([1000, 2000, 3000], [1, 2, 3.001], 2), taken)


def test_the_loop_is_closed_at_both_ends_and_one_in_the_middle() -> None:
    np.testing.assert_allclose(loop_shape(np.array([-1.0, 0.0, 7.5, 15.0, 16.0]), 15.0), [0, 0, 1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_sensitivities_are_those_of_the_exact_fit(degree: int) -> None:
    taken = points(np.random.default_rng(5), 0.004)
    counts, forces = [point.reading for point in taken], [point.reference_n for point in taken]
    plain = fit_through_zero(counts, forces, degree)
    moves = sensitivities(plain, taken, 8000.0)
    for at in (0, 6, 20):
        moved = list(forces)
        moved[at] += 0.01
        by_fit = float(fit_through_zero(counts, moved, degree).value(8000.0) - plain.value(8000.0)) / 0.01
        assert moves[at] == pytest.approx(by_fit, abs=1e-8)
