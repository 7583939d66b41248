from __future__ import annotations

import pytest

from iastm_calibration.document import TakenPoint
from iastm_calibration.errors import MissingZeroError
from iastm_calibration.series import is_upright, net, zero_pairs


def point(step: int, counts: float, seconds: int | None = None, run: int = 1, angle: float = 90.0) -> TakenPoint:
    at = "" if seconds is None else f"2026-11-21T09:{seconds // 60:02d}:{seconds % 60:02d}+01:00"
    return TakenPoint(run, angle, True, step, None, 0.0 if step < 0 else step + 1.0, counts, 1.0, 10, at)


def test_a_drift_that_goes_on_evenly_is_gone() -> None:
    taken = [point(-1, 100, 0), point(0, 1110, 10), point(1, 2130, 30), point(-1, 140, 40)]
    assert [one.net_counts for one in net(taken)] == pytest.approx([1000, 2000])
    assert [one.position for one in net(taken)] == [1, 2]


def test_each_series_has_its_own_zero() -> None:
    taken = [
        point(-1, 100, 0), point(0, 1100, 10), point(-1, 100, 20),
        point(-1, 50, 30, angle=60), point(0, 950, 40, angle=60), point(-1, 50, 50, angle=60),
        point(-1, 300, 60, run=2), point(0, 1300, 70, run=2), point(-1, 300, 80, run=2),
    ]  # fmt: skip
    assert [one.net_counts for one in net(taken)] == pytest.approx([1000, 900, 1000])


def test_without_times_the_mean_of_the_zeros_holds() -> None:
    assert net([point(-1, 100), point(0, 1100), point(-1, 120)])[0].net_counts == pytest.approx(990)


def test_before_the_last_zero_is_taken_the_first_one_holds() -> None:
    assert net([point(-1, 100, 0), point(0, 1100, 10)])[0].net_counts == pytest.approx(1000)


def test_a_series_without_a_zero_is_refused_or_passed_over() -> None:
    taken = [point(-1, 100, 0), point(0, 1100, 10), point(0, 900, 20, angle=60)]
    with pytest.raises(MissingZeroError, match="Run 1 at 60°"):
        net(taken)
    assert len(net(taken, zeros_needed=False)) == 1


def test_zeros_pair_up_as_first_and_last() -> None:
    taken = [point(-1, 100, 0), point(-1, 105, 15), point(0, 1100, 10), point(-1, 120, 40), point(-1, 7, 50, run=2)]
    [pair] = zero_pairs(taken)
    assert (pair.before_counts, pair.after_counts) == (100, 120)
    assert pair.after_s - pair.before_s == 40


def test_upright_is_ninety_degrees_within_half_a_degree() -> None:
    assert is_upright(point(0, 0, angle=90.4))
    assert not is_upright(point(0, 0, angle=89.0))
