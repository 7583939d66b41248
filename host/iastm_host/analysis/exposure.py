"""Exposure of one body region."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure so far: 95th percentile of stroke peaks (None before the first), strokes over warn, dose in N·s
    (∫ max(0, F − F_warn) dt), time in contact; complete: nothing is missing.
    """

    peak95_n: float | None
    strokes_over_warn: int
    dose_ns: float
    contact_s: float
    complete: bool


def percentile95(ordered: list[float]) -> float | None:
    """Return the 95th percentile of values in rising order, interpolated linearly; None of none."""
    if not ordered:
        return None
    place = 0.95 * (len(ordered) - 1)
    below = int(place)
    if below + 1 == len(ordered):
        return ordered[below]
    return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])


class ExposureMeter:
    """Sums up exposure. Strokes cut by a gap count here, since their force was real."""

    def __init__(self) -> None:
        self.dose_ns = 0.0
        self.complete = True
        self._peaks_n: list[float] = []
        self._over_warn = 0
        self._contact_s = 0.0

    def add_stroke(self, peak_n: float, contact_s: float, over_warn: bool) -> None:
        """Take a finished stroke."""
        insort(self._peaks_n, peak_n)
        self._contact_s += contact_s
        self._over_warn += over_warn

    def reading(self, running_contact_s: float) -> Exposure:
        """Return the exposure, with the contact time of the stroke under way added."""
        return Exposure(
            peak95_n=percentile95(self._peaks_n),
            strokes_over_warn=self._over_warn,
            dose_ns=self.dose_ns,
            contact_s=self._contact_s + running_contact_s,
            complete=self.complete,
        )
