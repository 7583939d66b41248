"""How zero drifts: followed while the tool rests, told, and never applied.

Theory. Each rest gives a mean force that should be 0, with its standard uncertainty. A straight line in time through
those of the last minutes, weighted by 1/u², gives the drift as its value at the newest rest and the rate as its slope
(weighted least squares with time from the weighted mean, so that both are independent; JCGM 100:2008, H.3). The
uncertainties are widened where the rests scatter more than they state (the Birge ratio, as in models.py). With one
rest there is a drift and no rate. A drift beyond a limit is told once it is beyond by more than its expanded
uncertainty, k = 2: it is then no accident of noise. Setting zero anew belongs to a person, because what looks like
drift may be a tip that leans on something.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from iastm_calibration.errors import NotANumberError

WINDOW_S = 600.0
_COVERAGE = 2.0
_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class ZeroDrift:
    """How far zero is off (N) and how fast it moves (N per minute), each with its standard uncertainty.

    The rate is None until two rests at different times have been seen. exceeds: beyond the limit, past doubt.
    """

    drift_n: float
    standard_n: float
    rate_n_per_min: float | None
    rate_standard_n_per_min: float | None
    exceeds: bool


class ZeroTracker:
    """Follows zero through rests: feed(time, mean force, its uncertainty) → ZeroDrift. Changes nothing anywhere."""

    def __init__(self, limit_n: float, window_s: float = WINDOW_S) -> None:
        self._limit_n = limit_n
        self._window_s = window_s
        self._rests: deque[tuple[float, float, float]] = deque()

    def feed(self, time_s: float, force_n: float, standard_n: float) -> ZeroDrift:
        """Take a rest: when it was (s, rising), the mean force and its standard uncertainty above 0, in N.

        Raises NotANumberError for what isn't finite, ValueError for a time before the last or an uncertainty of 0.
        """
        if not all(map(math.isfinite, (time_s, force_n, standard_n))):
            raise NotANumberError(f"A rest reads {force_n} N at {time_s} s.", "Check the link and the cell.")
        if standard_n <= 0 or (self._rests and time_s < self._rests[-1][0]):
            raise ValueError("a rest needs an uncertainty above 0 and a time that does not go back")
        self._rests.append((time_s, force_n, standard_n))
        while self._rests[0][0] < time_s - self._window_s:
            self._rests.popleft()
        return self._drift()

    def zero_was_set(self) -> None:
        """Forget all rests: zero is a new one."""
        self._rests.clear()

    def _drift(self) -> ZeroDrift:
        times, forces, standards = np.array(self._rests).T
        weights = 1 / standards**2
        total = float(np.sum(weights))
        from_mean = times - float(np.sum(weights * times)) / total
        mean = float(np.sum(weights * forces)) / total
        square = float(np.sum(weights * from_mean**2))
        if square == 0:
            return self._told(mean, math.sqrt(1 / total), None, None)
        rate = float(np.sum(weights * from_mean * forces)) / square
        left = forces - mean - rate * from_mean
        widened = 1.0
        if len(times) > 2:
            widened = max(1.0, math.sqrt(float(np.sum(weights * left**2)) / (len(times) - 2)))
        at_s = float(from_mean[-1])
        standard_n = widened * math.sqrt(1 / total + at_s * at_s / square)
        return self._told(mean + rate * at_s, standard_n, rate, widened / math.sqrt(square))

    def _told(self, drift_n: float, standard_n: float, rate: float | None, rate_standard: float | None) -> ZeroDrift:
        return ZeroDrift(
            drift_n=drift_n,
            standard_n=standard_n,
            rate_n_per_min=None if rate is None else rate * _PER_MINUTE,
            rate_standard_n_per_min=None if rate_standard is None else rate_standard * _PER_MINUTE,
            exceeds=abs(drift_n) - _COVERAGE * standard_n > self._limit_n,
        )
