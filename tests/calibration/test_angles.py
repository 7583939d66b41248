from __future__ import annotations

import math

import numpy as np
import pytest

from iastm_calibration.angles import angle_errors, side
from iastm_calibration.document import TakenPoint
from iastm_calibration.figures import Point
from iastm_calibration.models import Fit, fit_through_zero
from iastm_calibration.scatter import Scatter, told_apart
from iastm_calibration.series import NetPoint

COUNTS_PER_N = 1000.0
MASSES_N = (2.0, 5.0, 10.0)


def taken(
    share: float, angles: tuple[float, ...] = (90.0, 60.0, 45.0), seats: tuple[float, ...] = (0.0,)
) -> list[NetPoint]:
    """Return loads by a cell that shows a share of what pulls across, in seatings with slopes of their own."""
    found: list[NetPoint] = []
    for run, seat in enumerate(seats, 1):
        for angle in angles:
            sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
            for step, weight_n in enumerate(MASSES_N):
                point = TakenPoint(run, angle, True, step, None, weight_n * sine, 0.0, 1.0, 10, "")
                read_n = weight_n * (sine * (1 + seat) + share * cosine)
                found.append(NetPoint(len(found), point, read_n * COUNTS_PER_N))
    return found


def curve() -> Fit:
    return fit_through_zero([value * COUNTS_PER_N for value in MASSES_N], MASSES_N, 1)


def scatter(points: list[NetPoint]) -> Scatter:
    upright = [point.as_point() for point in points if point.point.angle_deg == 90]
    return told_apart(curve(), upright or [Point(s, n, n * COUNTS_PER_N) for s, n in enumerate(MASSES_N)])


def test_each_slanted_angle_is_off_by_the_share_times_its_cotangent() -> None:
    points = taken(0.004)
    shares = dict(angle_errors(curve(), points))
    assert list(shares) == [45.0, 60.0]
    assert shares[45.0] == pytest.approx(0.004, abs=1e-6)
    assert shares[60.0] == pytest.approx(0.004 / math.sqrt(3), abs=1e-6)


@pytest.mark.parametrize("share", [0.004, -0.002])
def test_the_share_of_a_side_force_comes_back_whatever_the_seatings_do(share: float) -> None:
    points = taken(share, seats=(0.01, -0.004, -0.006))
    found = side(curve(), points, scatter(points))
    assert found is not None
    assert found.standard_n == pytest.approx(abs(share), rel=0.02)


def test_series_that_differ_add_to_it() -> None:
    points = taken(0.0)
    moved = [NetPoint(p.position, p.point, p.net_counts * (1.004 if p.point.angle_deg == 45 else 1.0)) for p in points]
    found = side(curve(), moved, scatter(points))
    assert found is not None
    # 0.004 and 0 have a mean of 0.002, which is known to 0.002.
    assert found.standard_n == pytest.approx(0.002 * np.sqrt(2), rel=0.01)


def test_upright_alone_tells_nothing_of_sides() -> None:
    points = taken(0.004, angles=(90.0,))
    assert side(curve(), points, scatter(points)) is None
    assert angle_errors(curve(), points) == ()
