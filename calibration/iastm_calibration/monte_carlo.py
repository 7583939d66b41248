"""The analytic budget, checked by throwing dice.

Theory. JCGM 101:2008 propagates distributions where the guide propagates variances: every input is drawn from what is
known of it, the calibration is done over with these errors, a reading is taken with the curve that it gave, and how
far it is off is one trial (clause 7). Limits are drawn evenly (6.4.2); a standard deviation estimated with ν degrees
of freedom stands for a scaled t distribution (6.4.9), that is a normal one whose variance is drawn as ν s² / χ². Input
that the budget pools, halves or gives in closed form is drawn here as what it is: a loop as strokes that rise or fall
from any peak, an angle as an angle, weights whose errors go together by any share. The guide's result holds where
both agree in the root mean square, and where the stated interval holds about 95 % of the trials (clause 8).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.figures import Point, Spread
from iastm_calibration.models import Fit, Floats
from iastm_calibration.scatter import loop_shape, sensitivities
from iastm_calibration.uncertainty import Sources, seating_spread, side_share


@dataclass(frozen=True, slots=True)
class Trials:
    """How far readings of one force were off, in N: (n,), reading minus truth."""

    errors_n: Floats

    @property
    def root_mean_square_n(self) -> float:
        """What the combined standard uncertainty should be; infinite in theory for two degrees of freedom and less."""
        return float(np.sqrt(np.mean(self.errors_n**2)))

    def share_within(self, expanded_n: float) -> float:
        """Return the share of trials that an interval of ± expanded_n holds."""
        return float(np.mean(np.abs(self.errors_n) <= expanded_n))

    def interval_n(self, probability: float = 0.95) -> tuple[float, float]:
        """Return the interval with equal tails that holds a share of the trials."""
        low, high = np.quantile(self.errors_n, [(1 - probability) / 2, (1 + probability) / 2])
        return float(low), float(high)


def trials(reading: float, fit: Fit, sources: Sources, count: int, rng: np.random.Generator) -> Trials:
    """Do the calibration over `count` times and read the force at a reading; what isn't known adds nothing.

    `sources.loads` are the points of the curve, as they were taken.
    """
    force_n = float(fit.value(reading))
    loads = sources.loads
    moves = sensitivities(fit, loads, reading)
    loads_n = np.array([point.reference_n for point in loads])
    scatter_n = _spread_drawn(sources.remainder, count, rng)
    # What the points at the calibration were off by, seen from the force that is read: the curve follows them.
    wrong = _reference_drawn(loads, sources, count, rng)
    errors = -(wrong * loads_n) @ moves
    errors -= rng.normal(size=(count, len(loads))) @ moves * scatter_n
    errors += scatter_n * rng.normal(size=count)
    if sources.seatings > 0:
        sd = _spread_drawn(seating_spread(sources), count, rng)
        errors += _seatings_drawn(loads, moves, force_n, count, rng) * sd
    if sources.loop_n is not None and sources.top_n > 0:
        errors += _loop_drawn(force_n, sources.loop_n, sources.top_n, count, rng)
        taken = np.where([point.rising for point in loads], -0.5, 0.5) * loop_shape(loads_n, sources.top_n)
        errors -= float(taken @ moves) * sources.loop_n
    if sources.noise is not None:
        errors += sources.noise.standard_n * rng.normal(size=count)
    if sources.resolution_n is not None:
        errors += sources.resolution_n * rng.uniform(-0.5, 0.5, count)
    if sources.zero is not None:
        errors += _spread_drawn(sources.zero, count, rng) * rng.normal(size=count) * rng.uniform(0, 1, count)
    errors += _conditions_drawn(force_n, sources, count, rng)
    return Trials(np.asarray(errors))


def _spread_drawn(spread: Spread | None, count: int, rng: np.random.Generator) -> Floats:
    """Return standard deviations that an estimate may stand for."""
    if spread is None:
        return np.zeros(count)
    freedom = spread.degrees_of_freedom
    return np.asarray(spread.standard_n * np.sqrt(freedom / rng.chisquare(freedom, count)))


def _reference_drawn(loads: Sequence[Point], sources: Sources, count: int, rng: np.random.Generator) -> Floats:
    """Return by which share each load was smaller or larger than stated, (count, n); the curve reads the stated one."""
    wrong = np.zeros((count, len(loads)))
    limit = sources.weight_tolerance or 0.0
    if limit:
        steps = sorted({point.step for point in loads})
        place = [steps.index(point.step) for point in loads]
        common = rng.uniform(-limit, limit, (count, 1))
        own = rng.uniform(-limit, limit, (count, len(steps)))
        together = rng.uniform(0, 1, (count, 1)) if sources.by_weights else np.ones((count, 1))
        wrong += np.where(rng.uniform(0, 1, (count, 1)) < together, common, own)[:, place]
    if sources.gravity is not None:
        share = sources.gravity.standard_m_s2 / sources.gravity.value_m_s2
        wrong += share * rng.normal(size=(count, 1))
    return wrong


def _seatings_drawn(
    loads: Sequence[Point], moves: Floats, force_n: float, count: int, rng: np.random.Generator
) -> Floats:
    """Return what seatings of spread 1 do: those of the runs through the curve, and one more in use."""
    runs = sorted({point.run for point in loads})
    through = np.array(
        [sum(m * p.reference_n for p, m in zip(loads, moves, strict=True) if p.run == run) for run in runs]
    )
    drawn = rng.normal(size=(count, len(runs)))
    return np.asarray(force_n * rng.normal(size=count) - drawn @ through)


def _loop_drawn(force_n: float, loop_n: float, top_n: float, count: int, rng: np.random.Generator) -> Floats:
    """Return where in the loop a reading lies: rising at its border, or falling from any peak above."""
    bend = 4 * loop_n / top_n**2
    rising = -bend * force_n * max(0.0, top_n - force_n) / 2
    peak_n = rng.uniform(min(force_n, top_n), top_n, count)
    falling = rising + bend * force_n * np.maximum(0.0, peak_n - force_n)
    return np.where(rng.integers(2, size=count) == 0, rising, falling)


def _conditions_drawn(force_n: float, sources: Sources, count: int, rng: np.random.Generator) -> Floats:
    use = sources.use
    errors = np.zeros(count)
    if use.temperature_half_width_k is not None:
        kelvin = rng.uniform(-1, 1, count) * use.temperature_half_width_k
        errors += kelvin * ((use.zero_per_k_n or 0.0) + (use.span_per_k or 0.0) * force_n)
    if use.angle_half_width_deg is None:
        return errors
    at = math.radians(sources.zero_angle_deg)
    angle = at + np.radians(rng.uniform(-1, 1, count) * use.angle_half_width_deg)
    errors += side_share(sources) * rng.normal(size=count) * np.tan(angle - at) * force_n
    if sources.tip_weight_n is not None:
        shift = np.sin(angle) - math.sin(at)
        weight_n = sources.tip_weight_n + sources.tip_weight_standard_n * rng.normal(size=count)
        if use.compensated_orientation:
            seen = angle + math.radians(use.angle_standard_deg) * rng.normal(size=count)
            errors += weight_n * shift - sources.tip_weight_n * (np.sin(seen) - math.sin(at))
        else:
            errors += weight_n * shift
    return errors
