"""Points as taken, each net of the zero of its own series.

Theory. A series is one run at one angle: the tool seated, zeroed, loaded up and down, zeroed again. The unloaded tool
shows the weight of the tip along the axis and drifts with time, so a load counts from the zero that held when it was
taken: between zeros on a straight line in time, before the first and after the last as they are. A drift that goes on
evenly is gone from the points then; how far zero moved is told by the zeros themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from iastm_calibration.document import TakenPoint
from iastm_calibration.errors import MissingZeroError
from iastm_calibration.figures import Point

ZERO_STEP = -1
UPRIGHT_DEG = 90.0
# Angles that are this near are the same.
_SAME_ANGLE_DEG = 0.5

Series = tuple[int, float]


@dataclass(frozen=True, slots=True)
class NetPoint:
    """A load with its position among the points as taken, and its counts above the zero of its series."""

    position: int
    point: TakenPoint
    net_counts: float

    def as_point(self) -> Point:
        """Return it as figures.py takes it: each run is a seating."""
        taken = self.point
        return Point(taken.step, taken.reference_n, self.net_counts, taken.run, taken.rising, taken.run)


@dataclass(frozen=True, slots=True)
class ZeroPair:
    """The unloaded raw counts before and after a series, with their times in seconds (NaN where unknown)."""

    run: int
    angle_deg: float
    before_counts: float
    after_counts: float
    before_s: float
    after_s: float


def is_upright(point: TakenPoint) -> bool:
    """Tell whether a point was taken with the axis vertical."""
    return abs(point.angle_deg - UPRIGHT_DEG) <= _SAME_ANGLE_DEG


def series_of(point: TakenPoint) -> Series:
    """Return what names the series of a point."""
    return point.run, point.angle_deg


def time_s(point: TakenPoint) -> float:
    """Return when a point was taken, in seconds of an arbitrary clock; NaN where it isn't known."""
    try:
        return datetime.fromisoformat(point.taken_at).timestamp()
    except ValueError:
        return float("nan")


def net(taken: Sequence[TakenPoint], zeros_needed: bool = True) -> tuple[NetPoint, ...]:
    """Return the loads net of their zeros, in the order taken.

    Raises MissingZeroError for a series without one, or passes its loads over where zeros aren't needed.
    """
    zeros: dict[Series, list[TakenPoint]] = defaultdict(list)
    for point in taken:
        if point.step == ZERO_STEP:
            zeros[series_of(point)].append(point)
    found = []
    for position, point in enumerate(taken):
        if point.step == ZERO_STEP:
            continue
        own = zeros.get(series_of(point))
        if own:
            found.append(NetPoint(position, point, point.counts - _zero_at(own, point)))
        elif zeros_needed:
            raise MissingZeroError(
                f"Run {point.run} at {point.angle_deg:g}° has no zero.",
                "Take the reading without load before the series, and after it.",
            )
    return tuple(found)


def zero_pairs(taken: Sequence[TakenPoint]) -> tuple[ZeroPair, ...]:
    """Return first and last zero of each series that has two, in the order taken."""
    zeros: dict[Series, list[TakenPoint]] = defaultdict(list)
    for point in taken:
        if point.step == ZERO_STEP:
            zeros[series_of(point)].append(point)
    return tuple(
        ZeroPair(run, angle, own[0].counts, own[-1].counts, time_s(own[0]), time_s(own[-1]))
        for (run, angle), own in zeros.items()
        if len(own) > 1
    )


def _zero_at(zeros: Sequence[TakenPoint], point: TakenPoint) -> float:
    counts = np.array([zero.counts for zero in zeros])
    times = np.array([time_s(zero) for zero in zeros])
    at = time_s(point)
    if np.isnan(at) or np.any(np.isnan(times)) or times[0] == times[-1]:
        return float(np.mean(counts))
    order = np.argsort(times, kind="stable")
    return float(np.interp(at, times[order], counts[order]))
