"""What temperature does to zero and span, found from points at two or more temperatures, and taken out again.

Theory. Near a temperature T0 both move evenly: a reading at T is F (1 + s (T − T0)) + z (T − T0), with z in N/K and s
as a share per kelvin. z is the slope of unloaded readings over temperature, s that of the sensitivity, told by the
share by which each load at T is off the curve (ordinary least squares with T0 the mean, so that slope and level don't
depend on each other; Draper and Smith, Applied Regression Analysis, 3rd edition 1998, chapter 1).
Correcting gives F = (reading − z ΔT) / (1 + s ΔT), with variance (u(z)² + F² u(s)²) ΔT² + (z + s F)² u(T)².
Temperatures less than 3 K apart tell nothing that drift and seating wouldn't: they are refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iastm_calibration.errors import RangeError, TemperatureSpanError, TooFewPointsError
from iastm_calibration.figures import Spread
from iastm_calibration.models import Floats

LEAST_SPAN_K = 3.0
# Beyond the temperatures of the points the straight line is a guess; this far it still serves.
_BEYOND_K = 5.0
_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class TemperatureCoefficients:
    """How zero (N/K) and span (share per kelvin) move around `at_c`, found from `low_c` to `high_c`."""

    zero_per_k_n: float
    zero_spread: Spread
    span_per_k: float
    span_spread: Spread
    at_c: float
    low_c: float
    high_c: float


@dataclass(frozen=True, slots=True)
class CompensatedForce:
    """A force as it would read at the temperature of the calibration, and the uncertainty that this adds, in N."""

    force_n: float
    standard_n: float


def temperature_coefficients(
    zero_temperature_c: Sequence[float] | Floats,
    zeros_n: Sequence[float] | Floats,
    load_temperature_c: Sequence[float] | Floats,
    load_shares: Sequence[float] | Floats,
) -> TemperatureCoefficients:
    """Fit both slopes: `zeros_n` (n,) are unloaded readings in N, `load_shares` (m,) how far loads read off, as shares.

    Raises TemperatureSpanError below 3 K, TooFewPointsError below three of either.
    """
    cold = np.asarray(zero_temperature_c, dtype=np.float64)
    warm = np.asarray(load_temperature_c, dtype=np.float64)
    if min(len(cold), len(warm)) < _LEAST_POINTS:
        raise TooFewPointsError(
            f"{len(cold)} zeros and {len(warm)} loads can't tell what temperature does.",
            f"Take at least {_LEAST_POINTS} of each, at two temperatures or more.",
        )
    for values, name in ((cold, "zeros"), (warm, "loads")):
        span_k = float(np.ptp(values))
        if not span_k >= LEAST_SPAN_K:
            raise TemperatureSpanError(
                f"The temperatures of the {name} lie {span_k:.1f} K apart.",
                f"Take points at temperatures at least {LEAST_SPAN_K:g} K apart, or state the cell's data sheet.",
            )
    at_c = float(np.mean(warm))
    zero_per_k_n, zero_spread = _slope(cold - at_c, np.asarray(zeros_n, dtype=np.float64))
    span_per_k, span_spread = _slope(warm - at_c, np.asarray(load_shares, dtype=np.float64))
    low_c, high_c = float(min(cold.min(), warm.min())), float(max(cold.max(), warm.max()))
    return TemperatureCoefficients(zero_per_k_n, zero_spread, span_per_k, span_spread, at_c, low_c, high_c)


def compensate(
    force_n: float, temperature_c: float, found: TemperatureCoefficients, standard_k: float = 0.0
) -> CompensatedForce:
    """Return a force as it would be at `found.at_c`; `standard_k` is the uncertainty of the temperature.

    Raises RangeError more than 5 K beyond the temperatures that were measured.
    """
    if not found.low_c - _BEYOND_K <= temperature_c <= found.high_c + _BEYOND_K:
        raise RangeError(
            f"At {temperature_c:.1f} °C nothing is known: measured was {found.low_c:.1f} to {found.high_c:.1f} °C.",
            "Let the tool come back to the temperatures of its calibration.",
        )
    change_k = temperature_c - found.at_c
    true_n = (force_n - found.zero_per_k_n * change_k) / (1 + found.span_per_k * change_k)
    by_slopes = math.hypot(found.zero_spread.standard_n, true_n * found.span_spread.standard_n) * abs(change_k)
    by_temperature = (found.zero_per_k_n + found.span_per_k * true_n) * standard_k
    return CompensatedForce(true_n, math.hypot(by_slopes, by_temperature))


def _slope(x: Floats, y: Floats) -> tuple[float, Spread]:
    centred = x - np.mean(x)
    square = float(np.sum(centred**2))
    slope = float(np.sum(centred * y)) / square
    freedom = len(x) - 2
    left = y - np.mean(y) - slope * centred
    return slope, Spread(math.sqrt(float(np.sum(left**2)) / freedom / square), freedom)
