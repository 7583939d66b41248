"""Exposure of one body region."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure so far: 95th percentile of stroke peaks (None before the first), strokes over warn, dose in N·s
    (∫ max(0, F − F_warn) dt), time in contact; complete: nothing is missing.

    `clipped`: a stroke reached the converter's rail, so percentile, dose and hardest peak are at least what they say.
    `hardest_n` is the highest stroke peak.
    """

    peak95_n: float | None
    strokes_over_warn: int
    dose_ns: float
    contact_s: float
    complete: bool
    clipped: bool = False
    hardest_n: float | None = None


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
    """Sums up exposure. Strokes cut by a gap count here, since their force was real.

    Dose is that of all force, of what was no stroke too: it agrees with what the tool adds up by itself.
    """

    def __init__(self) -> None:
        self.dose_ns = 0.0
        self.complete = True
        self.clipped = False
        self._peaks_n: list[float] = []
        self._over_warn = 0
        self._contact_s = 0.0

    def add_stroke(self, peak_n: float, contact_s: float, over_warn: bool) -> None:
        """Take a finished stroke."""
        insort(self._peaks_n, peak_n)
        self._contact_s += contact_s
        self._over_warn += over_warn

    def withdraw_stroke(self, peak_n: float, contact_s: float, over_warn: bool) -> None:
        """Take back a stroke that was taken."""
        del self._peaks_n[bisect_left(self._peaks_n, peak_n)]
        self._contact_s -= contact_s
        self._over_warn -= over_warn

    def reading(self, running_contact_s: float, running_peak_n: float | None = None) -> Exposure:
        """Return the exposure, with the contact time of the stroke under way added.

        Its peak so far counts where it raises the percentile; one that still rises would lower it for a moment.
        """
        peaks_n = self._peaks_n
        peak95_n = percentile95(peaks_n)
        if running_peak_n is not None and (peak95_n is None or running_peak_n > peak95_n):
            peaks_n = peaks_n.copy()
            insort(peaks_n, running_peak_n)
            peak95_n = percentile95(peaks_n)
        return Exposure(
            peak95_n=peak95_n,
            strokes_over_warn=self._over_warn,
            dose_ns=self.dose_ns,
            contact_s=self._contact_s + running_contact_s,
            complete=self.complete,
            clipped=self.clipped,
            hardest_n=peaks_n[-1] if peaks_n else None,
        )
