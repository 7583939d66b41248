"""What keeps points off the curve, told apart: the loop of hysteresis, the seatings, and the scatter that is left.

Theory. The residuals of a fit hold several errors at once; whoever adds their standard deviation to a hysteresis and a
reproducibility counts these twice. So they are told apart by one linear model (analysis of variance; JCGM 100:2008,
H.5): residual = curve + loop + seating + remainder.
Loop: by Rayleigh's law of weak hysteresis (Philosophical Magazine 23, 1887, p. 225; for any loop of second order in
the load) loading from zero follows a F + b F²/2, and unloading from P runs back from there with the same coefficients,
so the two differ by b F (P − F): nothing at both ends, most in the middle. What a real loop departs from that stays
in the remainder.
Seating: tool and load meet a little differently each time, which turns the axis or shifts the load, and changes the
slope: one factor for each run.
Remainder: what single loads do besides, and curvature that the degree doesn't follow. Its variance is
Σ r² / (n − coefficients of all parts). What all points at one load have in common may be the error of its weight, which
the tolerance states already: as much of it as that explains is taken out. With the residual maker R and the pattern
G of such errors (F² for points of the same load) the expectation is E Σ r² = s² tr R + w² tr(R G), and within loads
s² alone shows (analysis of variance components by moments; Henderson, Biometrics 9, 1953, p. 226).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.errors import TooFewPointsError
from iastm_calibration.figures import Point, Spread
from iastm_calibration.models import Fit, Floats


@dataclass(frozen=True, slots=True)
class Scatter:
    """The parts of the residuals.

    loop_n: width of the loop in its middle, unloading minus loading, None where loading and unloading weren't both
    taken; top_n: the force it closes at. seating: standard deviation of the slope over seatings as a share of force,
    None for one; slopes: (run, share) of each. remainder: of single loads around all that, in N; remainders_n (n,) with
    their leverages (n,), and the degrees of freedom that all of them leave.
    """

    loop_n: float | None
    top_n: float
    seating: Spread | None
    slopes: tuple[tuple[int, float], ...]
    remainder: Spread
    remainders_n: Floats
    leverages: Floats
    freedom: int


def loop_shape(force_n: float | Floats, top_n: float) -> Floats:
    """Return the width of a loop at a force as a share of that in its middle; 0 outside 0 to `top_n`."""
    share = np.clip(np.asarray(force_n, dtype=np.float64) / top_n, 0.0, 1.0)
    return np.asarray(4 * share * (1 - share))


def told_apart(fit: Fit, points: Sequence[Point], weight_tolerance: float = 0.0) -> Scatter:
    """Return the parts of the residuals of a fit that gives newtons for readings.

    `weight_tolerance` are limits of the single weights, as a share. Raises TooFewPointsError.
    """
    readings = np.array([point.reading for point in points], dtype=np.float64)
    forces = np.array([point.reference_n for point in points], dtype=np.float64)
    runs = np.array([point.run for point in points])
    rising = np.array([point.rising for point in points])
    top_n = float(np.max(np.abs(forces)))
    # Over forces, which are the same at each step; readings hold the very scatter that is looked for.
    columns = [(forces / top_n) ** order for order in range(1, fit.degree + 1)]
    shape = np.where(rising, -0.5, 0.5) * loop_shape(np.abs(forces), top_n)
    has_loop = bool(np.any(shape > 0) and np.any(shape < 0))
    if has_loop:
        columns.append(shape)
    seatings = sorted(set(runs.tolist()))
    last = runs == seatings[-1]
    columns += [forces * ((runs == run) * 1.0 - last) for run in seatings[:-1]]
    design = np.column_stack(columns)
    residuals = np.asarray(fit.value(readings) - forces)
    parts, _, rank, _ = np.linalg.lstsq(design, residuals, rcond=None)
    freedom = len(points) - int(rank)
    if freedom < 1:
        raise TooFewPointsError(
            f"{len(points)} points can't tell a curve of degree {fit.degree} from what scatters around it.",
            "Take more loads, or choose a lower degree.",
        )
    remainders = np.asarray(residuals - design @ parts)
    slopes = [float(value) for value in parts[len(columns) - len(seatings) + 1 :]]
    slopes.append(-sum(slopes))
    seating = None
    if len(seatings) > 1:
        seating = Spread(math.sqrt(sum(value**2 for value in slopes) / (len(seatings) - 1)), len(seatings) - 1)
    return Scatter(
        loop_n=float(parts[fit.degree]) if has_loop else None,
        top_n=top_n,
        seating=seating,
        slopes=tuple(zip(seatings, slopes, strict=True)),
        remainder=_without_weights(remainders, design, points, freedom, weight_tolerance),
        remainders_n=remainders,
        leverages=np.asarray(np.sum(np.linalg.qr(design)[0] ** 2, axis=1)),
        freedom=freedom,
    )


def sensitivities(fit: Fit, points: Sequence[Point], reading: float) -> Floats:
    """Return by how much the curve at a reading moves for a newton more at each point (n,), all weighing alike."""
    orders = range(1, fit.degree + 1)
    scaled = np.array([point.reading for point in points]) / fit.half_width
    design = np.column_stack([scaled**order for order in orders])
    at = np.array([(reading / fit.half_width) ** order for order in orders])
    return np.asarray(at @ np.linalg.pinv(design))


def _without_weights(
    remainders: Floats, design: Floats, points: Sequence[Point], freedom: int, tolerance: float
) -> Spread:
    total = float(remainders @ remainders)
    plain = Spread(math.sqrt(total / freedom), freedom)
    steps = np.array([point.step for point in points])
    same = (steps[:, None] == steps[None, :]) * 1.0
    # The means of the steps, and so what is left within them.
    means = same / same.sum(axis=1, keepdims=True)
    wider = np.column_stack([means, design])
    parts, _, rank, _ = np.linalg.lstsq(wider, remainders, rcond=None)
    within_freedom = len(points) - int(rank)
    if tolerance == 0 or within_freedom < 1:
        return plain
    within = remainders - wider @ parts
    own_square = float(within @ within) / within_freedom
    basis = np.linalg.qr(design)[0]
    maker = np.eye(len(points)) - basis @ basis.T
    forces = np.array([point.reference_n for point in points])
    pattern = same * np.outer(forces, forces)
    of_weights = float(np.trace(maker @ pattern))
    explained = min(max(0.0, (total - own_square * freedom) / of_weights), tolerance**2 / 3)
    if explained == 0:
        return plain
    left = max(own_square, (total - explained * of_weights) / freedom)
    return Spread(math.sqrt(left), within_freedom if left == own_square else freedom)
