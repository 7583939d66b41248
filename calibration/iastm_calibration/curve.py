"""The curve of a tool: newtons over net counts through zero, and which degree it has.

Theory. The curve is a polynomial without a constant term, fitted to the points taken upright. Newtons are fitted over
counts, and not the other way round, because that is what a tool evaluates; with errors of some 10⁻³ of the range the
two differ by their square.
Degree: of 3 down to 1 the highest whose last coefficient is significant, by the t test of that coefficient at the level
0.01 (Draper and Smith, Applied Regression Analysis, 3rd edition 1998, section 6.1: the extra sum of squares of one
coefficient), against the scatter that is left when loop and seatings are taken out (scatter.py). It must leave two
loads more than coefficients, and be monotone over all counts that a converter of 24 bits can be from its zero: a tool
refuses a curve by which one reading would mean two forces. A degree that was asked for is taken or refused, never
changed.
Weights: where the points' own noise differs, each weighs by 1/u² with u² = (what the mean of its samples is worth)² +
(what all points share), the shared part being what the residuals show beyond that (Paule and Mandel, Journal of
Research of the National Bureau of Standards 87, 1982, p. 377, with one step).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from iastm_calibration.document import MONOTONE_COUNTS
from iastm_calibration.errors import DegreeError, NotMonotoneError
from iastm_calibration.models import CALIBRATION_DEGREE, Fit, Floats, fit_through_zero
from iastm_calibration.monotone import turning_points
from iastm_calibration.scatter import Scatter, told_apart
from iastm_calibration.series import NetPoint
from iastm_calibration.students_t import two_sided_quantile

SIGNIFICANCE = 0.01
# Loads beyond the number of coefficients, so that a curve can be seen to be wrong.
_SPARE_LOADS = 2
# Uncertainties of points that differ by less weigh alike.
_ALIKE = 1.5


@dataclass(frozen=True, slots=True)
class ChosenCurve:
    """The fit, what keeps points off it, the standard deviation of the residuals in N, and what is to be noted."""

    fit: Fit
    scatter: Scatter
    residual_sd_n: float
    notes: tuple[str, ...]


def choose(points: Sequence[NetPoint], degree: int | None = None, weight_tolerance: float = 0.0) -> ChosenCurve:
    """Return the curve of points taken upright, of a degree of 1 to 3 or of the one that is right.

    `weight_tolerance` are limits of single weights, as a share; what they explain doesn't count as scatter. Raises
    DegreeError, NotMonotoneError, and what a fit raises.
    """
    if degree is not None:
        return _asked_for(points, degree, weight_tolerance)
    loads = len({point.point.reference_n for point in points if point.point.reference_n != 0})
    highest = max(1, min(CALIBRATION_DEGREE, loads - _SPARE_LOADS, len(points) - 2))
    tried = [_fitted(points, each, weight_tolerance) for each in range(1, highest + 1)]
    notes = []
    for lower, curve in reversed(list(pairwise(tried))):
        if not _significant(lower.scatter, curve.scatter):
            continue
        if is_monotone(curve.fit):
            return curve
        notes.append(
            f"Degree {curve.fit.degree} would fit better; its curve turns where the converter reaches, so a lower one "
            "was taken."
        )
    if not is_monotone(tried[0].fit):
        raise _turns(tried[0].fit)
    return ChosenCurve(tried[0].fit, tried[0].scatter, tried[0].residual_sd_n, tuple(notes))


def is_monotone(fit: Fit) -> bool:
    """Tell whether a curve is strictly monotone over all net counts of a converter of 24 bits."""
    reach = float(MONOTONE_COUNTS)
    return any(fit.coefficients[1:]) and not turning_points(fit.coefficients, -reach, reach)


def _asked_for(points: Sequence[NetPoint], degree: int, weight_tolerance: float) -> ChosenCurve:
    if not 1 <= degree <= CALIBRATION_DEGREE:
        raise DegreeError(
            f"A calibration of degree {degree} is not offered: it would swing between the points.",
            f"Choose 1 to {CALIBRATION_DEGREE}.",
        )
    curve = _fitted(points, degree, weight_tolerance)
    if not is_monotone(curve.fit):
        raise _turns(curve.fit)
    return ChosenCurve(curve.fit, curve.scatter, curve.residual_sd_n, (f"Degree {degree} was asked for.",))


def _fitted(points: Sequence[NetPoint], degree: int, weight_tolerance: float) -> ChosenCurve:
    net_counts = [point.net_counts for point in points]
    forces = [point.point.reference_n for point in points]
    plain = fit_through_zero(net_counts, forces, degree)
    uncertainty = _uncertainties(plain, points)
    fit = plain if uncertainty is None else fit_through_zero(net_counts, forces, degree, uncertainty.tolist())
    residual_sd_n = math.sqrt(sum(residual**2 for residual in fit.residuals) / fit.degrees_of_freedom)
    return ChosenCurve(
        fit, told_apart(fit, [point.as_point() for point in points], weight_tolerance), residual_sd_n, ()
    )


def _uncertainties(plain: Fit, points: Sequence[NetPoint]) -> Floats | None:
    """Return the standard uncertainty of each point, None where they are alike."""
    own_n = np.array(
        [
            abs(float(plain.slope(point.net_counts)))
            * point.point.spread_counts
            / math.sqrt(max(1, point.point.samples))
            for point in points
        ]
    )
    shared = max(0.0, plain.residual_sd**2 - float(np.mean(own_n**2)))
    total: Floats = np.sqrt(own_n**2 + shared)
    if float(np.min(total)) <= 0 or float(np.max(total)) < _ALIKE * float(np.min(total)):
        return None
    return total


def _significant(lower: Scatter, higher: Scatter) -> bool:
    """Test the one coefficient that the higher degree has more."""
    left = float(higher.remainders_n @ higher.remainders_n)
    gained = float(lower.remainders_n @ lower.remainders_n) - left
    freedom = higher.freedom
    if left <= 0:
        return gained > 0
    return gained * freedom / left > two_sided_quantile(1 - SIGNIFICANCE, freedom) ** 2


def _turns(fit: Fit) -> NotMonotoneError:
    turns = turning_points(fit.coefficients, -float(MONOTONE_COUNTS), float(MONOTONE_COUNTS))
    where = f"turns at {', '.join(f'{turn:.6g}' for turn in turns)} counts" if turns else "is flat"
    return NotMonotoneError(
        f"The curve of degree {fit.degree} {where}, where the converter reaches: one reading would mean two forces.",
        "Look for swapped or wrong loads, take more points, or choose a lower degree.",
    )
