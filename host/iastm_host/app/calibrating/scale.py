"""Newtons for net counts while a calibration is under way: only for what is shown and asked on the way.

Loads tell more than the calibration in force, which may be the nominal one of a data sheet. A cell is nearly
proportional, so the middle one (median) of all ratios of force to counts holds whatever single points say; through
those near it goes a straight line through zero, from four loads on a parabola, by least squares. The document's curve
is fitted elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PARABOLA_FROM = 4
_DISTINCT_SHARE = 0.02
# How far from the median a point may lie and still shape the line: a share of its force, and newtons.
_NEAR_SHARE, _NEAR_N = 0.02, 0.03


@dataclass(frozen=True, slots=True)
class Scale:
    """Newtons by a polynomial of net counts, lowest order first.

    `load_count` different loads of this calibration are behind it, up to `reaches_n`; 0 for the one in force.
    """

    coefficients: tuple[float, ...]
    reaches_n: float
    load_count: int

    def force_n(self, net_counts: float) -> float:
        """Return newtons."""
        total = 0.0
        for coefficient in reversed(self.coefficients):
            total = total * net_counts + coefficient
        return total

    @property
    def newtons_per_count(self) -> float:
        """The size of one count near zero in newtons, > 0."""
        return abs(self.coefficients[1])


def of_tool(coefficients: Sequence[float]) -> Scale | None:
    """Return the calibration in force on a tool without its zero, None where it tells no force."""
    if len(coefficients) < 2 or not coefficients[1] or not np.isfinite(coefficients).all():
        return None
    return Scale((0.0, *map(float, coefficients[1:])), 0.0, 0)


def of_points(points: Sequence[tuple[float, float]]) -> Scale | None:
    """Return the scale of (net counts, newtons) at loads, None where they tell none."""
    loads = np.array([(net, force) for net, force in points if force > 0 and net]).reshape(-1, 2)
    if not len(loads):
        return None
    net, force = loads.T
    typical = float(np.median(force / net))
    near = np.abs(typical * net - force) <= _NEAR_SHARE * force + _NEAR_N
    if near.any():
        net, force = net[near], force[near]
    largest, widest = float(force.max()), float(np.abs(net).max())
    distinct = 1 + int((np.diff(np.sort(force)) > _DISTINCT_SHARE * largest).sum())
    x = net / widest
    powers = np.vstack([x ** (order + 1) for order in range(2 if distinct >= _PARABOLA_FROM else 1)]).T
    solved = np.linalg.lstsq(powers, force, rcond=None)[0]
    coefficients = (0.0, *(float(value) / widest ** (order + 1) for order, value in enumerate(solved)))
    return Scale(coefficients, largest, distinct) if coefficients[1] else None
